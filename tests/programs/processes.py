"""Looks at running processes from outside, by way of /proc."""

import os
import re
import shutil
import subprocess
import threading

SAMPLE_SECONDS = 0.03


class Seen:
    """What was observed of one process under one executable."""

    def __init__(self, pid, name):
        self.pid = pid
        self.name = name
        self.mapped = False  # the library was in its maps
        self.initialised = False  # libc was in its maps
        self.peak_kib = 0


class Watcher(threading.Thread):
    """Samples every process of a session: is the library mapped, how large is it.

    The loader maps preloaded libraries before libc, so a process that maps libc and not the
    library has lost it. That holds at any instant, so a sample cannot come too early. The
    watcher starts once the program has been executed: before that the process would still
    show the test's own maps.
    """

    def __init__(self, session, library):
        super().__init__(daemon=True)
        self._session = session
        self._library = library
        self._stop_wanted = threading.Event()
        self._lock = threading.Lock()
        self._seen = {}

    def run(self):
        while not self._stop_wanted.is_set():
            self.sample()
            self._stop_wanted.wait(SAMPLE_SECONDS)

    def stop(self):
        self._stop_wanted.set()
        self.join()

    def sample(self):
        for pid in session_members(self._session):
            try:
                exe = os.readlink(f"/proc/{pid}/exe")
                with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
                    maps = file.read()
                with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                    status = file.read()
                # An exec in between would mix two programs.
                if os.readlink(f"/proc/{pid}/exe") != exe:
                    continue
            except OSError:
                continue  # it has ended
            self._record(pid, os.path.basename(exe), maps, status)

    def _record(self, pid, name, maps, status):
        peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        with self._lock:
            seen = self._seen.setdefault((pid, name), Seen(pid, name))
            seen.initialised |= "/libc.so.6" in maps
            seen.mapped |= self._library is not None and self._library in maps
            if peak:
                seen.peak_kib = max(seen.peak_kib, int(peak[1]))

    def processes(self):
        with self._lock:
            return list(self._seen.values())


def session_members(session):
    members = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                # The name in parentheses may hold spaces; the fields after it are
                # state, parent, process group, session.
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            members.append(int(entry))
    return members


def backtraces(pids):
    """Where the threads of a hanging program are, if a debugger is installed."""
    gdb = shutil.which("gdb")
    if not gdb:
        return "(no gdb for a backtrace)"
    texts = []
    for pid in pids[:4]:
        try:
            done = subprocess.run([gdb, "-p", str(pid), "-batch", "-ex", "thread apply all bt 12"],
                                  capture_output=True, text=True, timeout=30, check=False)
            texts.append(f"--- threads of {pid}:\n{tail(done.stdout, 6000)}")
        except subprocess.TimeoutExpired:
            texts.append(f"--- threads of {pid}: gdb did not answer")
    return "\n".join(texts)


def tail(text, limit=4000):
    return text if len(text) <= limit else "[...]\n" + text[-limit:]
