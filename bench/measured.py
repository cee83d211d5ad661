"""A process under an allocator, and what it has cost.

The loader only warns when it cannot preload a library, and a program may be linked to an
allocator of its own: so it is asked where it finds malloc, and a running process for its map.
"""
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import allocators

# Debian's redis-server is linked to jemalloc: the system's malloc has to be preloaded too.
LIBC = allocators.find_library("libc.so.6")


@dataclass
class Usage:
    """What a process and all that it waited for has cost; its own peak or the highest of theirs."""
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    page_faults: int          # those that no disk was read for
    voluntary_switches: int
    involuntary_switches: int


def environment(library):
    # PYTHONMALLOC: each object of python3 is then a block of its own.
    settings = dict(LC_ALL="C", PYTHONMALLOC="malloc", PYTHONHASHSEED="0")
    return allocators.environment(library or LIBC) | settings


def find_tool(name):
    """Servers are where only root's PATH leads."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Process(subprocess.Popen):
    """Runs at once; `log` is the file of what it writes to standard error."""

    def __init__(self, what, command, library, log, **how):
        self.what, self.library, self.log = what, library, log
        self.begin = time.monotonic()
        # A session: a server is ended with all that it has started.
        with open(log, "wb") as err:
            super().__init__([str(word) for word in command], env=environment(library),
                             stderr=err, start_new_session=True, **how)

    def said(self):
        return self.log.read_text(errors="replace")

    def finish(self):
        """Waits for the end, which must be a good one: the usage."""
        try:
            _, status, used = os.wait4(self.pid, 0)
        except BaseException:
            self.end_all()
            raise
        wall = time.monotonic() - self.begin
        self.returncode = os.waitstatus_to_exitcode(status)
        said = self.said()
        if self.returncode != 0 or "ralloc: " in said or "cannot be preloaded" in said:
            raise SystemExit(f"{self.what} ended with {self.returncode}:\n{said[-2000:]}")
        return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024,
                     used.ru_minflt, used.ru_nvcsw, used.ru_nivcsw)

    def end_all(self):
        """Nothing is left of it: for when something went wrong."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait()

    def check_allocator(self):
        """Ends the script unless the running process, and those that it has started, are
        under the allocator: called when it has begun its work."""
        program = os.path.realpath(f"/proc/{self.pid}/exe")
        check_bindings(self.what, program, self.library)
        wanted = str((self.library or LIBC).resolve())
        for pid in (self.pid, *children(self.pid)):
            files = {line.split(maxsplit=5)[-1] for line in maps(pid)}
            if wanted not in files:
                raise SystemExit(f"{self.what}: {wanted} is not in /proc/{pid}/maps:\n"
                                 f"{self.said()[-2000:]}")


def check_bindings(what, program, library):
    """Ends the script unless the program's malloc, and that of its libraries, would be the
    allocator's."""
    answering = allocators.answering(program, environment(library))
    if not answering:
        raise SystemExit(f"{what}: the loader does not say where {program} finds malloc")
    for answered in answering:
        allocators.check_answered(what, library, answered)


def maps(pid):
    return Path(f"/proc/{pid}/maps").read_text().splitlines()


def children(parent):
    """The processes that a process has started and that run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(after_name[1]) == parent:
            found.append(int(stat.parent.name))
    return found
