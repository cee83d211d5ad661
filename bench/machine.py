"""What a figure was measured on: the machine, and the versions of what ran."""
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def describe():
    """The machine, as a dictionary for a JSON file; what cannot be found out is left out."""
    found = {
        "cpu": first(r"^model name\s*:\s*(.+)", "/proc/cpuinfo"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory_gib(),
        "kernel": platform.release(),
        "os": first(r'^PRETTY_NAME="?([^"\n]+)', "/etc/os-release"),
        "compiler": first_line("c++", "--version"),
    }
    return {key: value for key, value in found.items() if value}


def versions(files):
    """Name -> package and version, for those of `files` (name -> path) that a package owns."""
    found = {name: package_of(path) for name, path in files.items() if path}
    return {name: package for name, package in found.items() if package}


def package_of(path):
    """'libjemalloc2 5.3.0-1', or None where dpkg does not know the file."""
    if not shutil.which("dpkg-query"):
        return None
    path = str(Path(path).resolve())
    # dpkg keeps some files under the names that they had before /lib went to /usr.
    for name in (path, path.removeprefix("/usr")):
        owner = first_line("dpkg-query", "--search", name)
        if owner:
            shown = "${Package} ${Version}\n"
            return first_line("dpkg-query", f"--showformat={shown}", "--show",
                              owner.rpartition(": ")[0].split(", ")[0])
    return None


def memory_gib():
    total = first(r"^MemTotal:\s*(\d+) kB", "/proc/meminfo")
    return total and round(int(total) / 2**20, 1)


def first(pattern, path):
    try:
        found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    except OSError:
        return None
    return found and found[1].strip()


def first_line(*command):
    """What the command prints first, or None if it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.partition("\n")[0] or None
