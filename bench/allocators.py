"""The allocators that the benchmarks compare, and how a program is run under one."""
import os
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
RALLOC = REPO / "build" / "release" / "libralloc.so"
SECURE = REPO / "build" / "secure" / "libralloc-secure.so"

# Name in the tables, library to preload; the packages are Debian's.
PEERS = {
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "mimalloc": "libmimalloc.so.2",
    "tbbmalloc": "libtbbmalloc_proxy.so.2",
}
SYSTEM = "glibc"


def find_library(soname):
    """Where the linker finds the library, or None: this needs no ldconfig in PATH."""
    out = subprocess.run(["cc", f"-print-file-name={soname}"], capture_output=True, text=True)
    path = Path(out.stdout.strip())
    return path if path.is_absolute() and path.exists() else None


def installed(library=RALLOC, secure=SECURE):
    """Every allocator at hand: name -> library to preload (None: the system's own)."""
    found = {"ralloc": Path(library)}
    if secure.exists():
        found["ralloc-secure"] = secure
    found[SYSTEM] = None
    for name, soname in PEERS.items():
        path = find_library(soname)
        if path:
            found[name] = path
    return found


def select(text, library=RALLOC, secure=SECURE):
    """The allocators named in `text`, comma-separated; all that are installed if empty."""
    found = installed(library, secure)
    names = text.split(",") if text else list(found)
    for name in names:
        if name not in found:
            known = ", ".join(["ralloc", "ralloc-secure", SYSTEM, *PEERS])
            raise SystemExit(f"allocator {name!r} is not built or installed (known: {known})")
    if "ralloc" in names and not found["ralloc"].exists():
        raise SystemExit(f"{found['ralloc']} does not exist: ./dev build release")
    return {name: found[name] for name in names}


def environment(library):
    """The environment that preloads `library`, and nothing else."""
    env = dict(os.environ)
    env.pop("LD_PRELOAD", None)
    if library is not None:
        env["LD_PRELOAD"] = str(Path(library).resolve())
    return env


# Valgrind has 128 GiB of addresses for a program, and says so to nobody; under a limit the
# allocators reserve less. (prlimit is in Debian's base system.)
VALGRIND = ("prlimit", f"--as={32 << 30}", "valgrind")


def check_answered(name, library, answered):
    """Ends the program unless `answered` is `library`: the loader only warns when it
    cannot preload one, and the system's figures would stand under another name."""
    answered = Path(answered)
    if library is None:
        right = answered.name.startswith("libc.so")
    else:
        right = answered.resolve() == Path(library).resolve()
    if not right:
        raise SystemExit(f"{name}: malloc was answered by {answered}")
