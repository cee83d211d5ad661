"""The allocators that the benchmarks compare, and how a program is run under one."""
import os
import re
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
# For the --help of each script that takes them.
NAMES_HELP = ("comma-separated; all: those that are installed or built; NAME=PATH: any other "
              "library, shown as NAME; default: ")


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
    """The allocators named in `text`, as NAMES_HELP says. NAME=PATH may take the place of one
    of the known names."""
    found = installed(library, secure)
    chosen = {}
    words = [known for word in text.split(",") for known in (found if word == "all" else [word])]
    for word in words:
        name, is_given, path = word.partition("=")
        if is_given:
            found[name] = given(name, path)
        if name not in found:
            known = ", ".join(["ralloc", "ralloc-secure", SYSTEM, *PEERS])
            raise SystemExit(f"allocator {name!r} is not built or installed (known: {known}; "
                             f"any other library: NAME=PATH)")
        if name in chosen:
            raise SystemExit(f"allocator {name!r} is named twice")
        chosen[name] = found[name]
    if "ralloc" in chosen and not chosen["ralloc"].exists():
        raise SystemExit(f"{chosen['ralloc']} does not exist: ./dev build release")
    return chosen


def given(name, path):
    """The library of NAME=PATH, where the loader can preload it under that name."""
    if not name or name == SYSTEM:
        raise SystemExit(f"{name}={path}: give it a name of its own, not {name!r}")
    library = Path(path).resolve()
    if not library.is_file():
        raise SystemExit(f"{name}={path}: there is no such file")
    if re.search(r"[\s:]", str(library)):
        raise SystemExit(f"{name}={path}: LD_PRELOAD cannot hold a path with spaces or colons")
    return library


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
CALLGRIND = (*VALGRIND, "--tool=callgrind", "--callgrind-out-file=/dev/null")


def instructions_in(said):
    """Of each process, as callgrind says at its end on stderr."""
    return [int(count) for count in re.findall(r"Collected : (\d+)", said)]


def check_answered(name, library, answered):
    """Ends the program unless `answered` is `library`: the loader only warns when it
    cannot preload one, and the system's figures would stand under another name."""
    answered = Path(answered)
    if library is None:
        right = answered.name.startswith("libc.so")
    else:
        right = answered.resolve() == Path(library).resolve()
    if not right:
        raise SystemExit(f"{name}: malloc was answered by {answered}, not by {library or SYSTEM}")


def answering(program, env):
    """Where the loader would find malloc for a program and its libraries; it is not run."""
    asking = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "1", "LD_BIND_NOW": "1",
              "LD_DEBUG": "bindings"}
    out = subprocess.run([str(program)], env=env | asking, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True, errors="replace")
    found = re.findall(r"binding file .* to (.+) \[0\]: normal symbol `malloc'", out.stderr)
    # A program at a fixed address that takes malloc's address binds that to an entry of its
    # own, which jumps to the one that it calls.
    return {path for path in found if not os.path.samefile(path, program)}
