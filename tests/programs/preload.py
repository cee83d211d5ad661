"""Runs a real program under a preloaded library and watches the processes it makes.

A test is a function `test(bench)` handed to `main`. It starts programs with
`bench.start` or `bench.run` and raises `Failure` through `check` and its kin. `main` gives it
an empty working directory, a time limit for the whole test, and an end in which no process
is left, whatever happened. The tests run on any preload library, and with `--none` on the
system's malloc, so that a doubtful result can be compared.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from processes import Watcher, backtraces, session_members, tail

# Two things must never appear in a program's output: the library's report of misuse (the
# programs here commit none), and the loader's complaint that it could not preload.
FORBIDDEN_OUTPUT = re.compile(r"ralloc: .*|.*LD_PRELOAD cannot be preloaded.*")


class Failure(Exception):
    """What the test found wrong, in one sentence, perhaps with output below it."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(got, wanted, what):
    check(got == wanted, f"{what}: got {got!r:.300}, wanted {wanted!r:.300}")


def find_program(name, package):
    path = shutil.which(name)
    check(path, f"{name} is not installed (Debian package {package})")
    return path


class Process:
    """One started program, its descendants (they share its session) and its output."""

    def __init__(self, argv, library, directory, label, stdin, env):
        self.name = os.path.basename(argv[0])
        self._library = library
        self._stdout = os.path.join(directory, f"{label}.stdout")
        self._stderr = os.path.join(directory, f"{label}.stderr")
        stdin_path = os.path.join(directory, f"{label}.stdin")
        with open(stdin_path, "w", encoding="utf-8") as file:
            file.write(stdin)
        self._begin = time.monotonic()
        self.wall_seconds = None
        with open(stdin_path, "rb") as stdin_file, open(self._stdout, "wb") as out, \
                open(self._stderr, "wb") as err:
            self._popen = subprocess.Popen(argv, stdin=stdin_file, stdout=out, stderr=err,
                                           cwd=directory, env=env, start_new_session=True)
        self.pid = self._popen.pid
        self._watcher = Watcher(self.pid, library)
        self._watcher.start()

    def is_running(self):
        return self._popen.poll() is None

    def stdout(self):
        with open(self._stdout, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stderr(self):
        with open(self._stderr, encoding="utf-8", errors="replace") as file:
            return file.read()

    def output(self):
        return (f"--- {self.name}, standard output:\n{tail(self.stdout())}\n"
                f"--- {self.name}, standard error:\n{tail(self.stderr())}")

    def processes(self, name=None):
        return [seen for seen in self._watcher.processes() if name in (None, seen.name)]

    def peak_mib(self):
        return max((seen.peak_kib for seen in self._watcher.processes()), default=0) / 1024

    def rss_mib(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.MULTILINE)[1]) / 1024

    def check_mapped(self, name=None):
        """Fails unless a process of that name (or any) was seen, and all have the library."""
        self._watcher.sample()
        seen = [one for one in self.processes(name) if one.initialised]
        check(seen, f"no running process {name or self.name} was ever seen")
        if self._library is None:
            return
        for one in seen:
            check(one.mapped, f"{one.name} (pid {one.pid}) runs without {self._library}: "
                              "it is not in /proc/PID/maps")

    def check_output(self):
        for text in (self.stdout(), self.stderr()):
            found = FORBIDDEN_OUTPUT.search(text)
            check(not found, f"{self.name} printed: {found and found[0]}\n{self.output()}")

    def finish(self, timeout, status=0):
        """Waits for the end; checks exit status, output, and that no process is left."""
        try:
            got = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {timeout} s\n{self.output()}\n"
                          f"{backtraces(session_members(self.pid))}") from None
        finally:
            self.wall_seconds = time.monotonic() - self._begin
        self._watcher.stop()
        check(got == status, f"{self.name} ended with status {got}, not {status}\n{self.output()}")
        left = session_members(self.pid)
        check(not left, f"{self.name} left processes behind: {left}")
        self.check_output()
        self.check_mapped()

    def kill(self):
        for pid in session_members(self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._popen.wait()
        self._watcher.stop()


class Bench:
    """The test's working directory, the library under test, and all that was started."""

    def __init__(self, library, directory, options):
        self.library = library
        self.directory = directory
        self.options = options
        self._processes = []

    def environment(self, preload=True, **extra):
        # Settings of the caller must not steer the programs (MALLOC_ARENA_MAX, PYTHONPATH).
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(("LD_", "MALLOC_", "PYTHON", "GLIBC_", "REDIS", "PHP",
                                       "USE_ZEND"))}
        env.update(LC_ALL="C", TMPDIR=self.directory, **extra)
        if preload and self.library:
            env["LD_PRELOAD"] = self.library
        return env

    def start(self, *argv, stdin="", preload=True, **extra):
        process = Process([str(arg) for arg in argv], self.library if preload else None,
                          self.directory, f"{len(self._processes)}", stdin,
                          self.environment(preload, **extra))
        self._processes.append(process)
        return process

    def run(self, *argv, timeout, stdin="", preload=True, **extra):
        process = self.start(*argv, stdin=stdin, preload=preload, **extra)
        process.finish(timeout)
        return process

    def check_binds(self, program, *symbols):
        """Fails unless the program's own calls of `symbols` go to the library.

        That it is mapped does not prove this: a program may carry another allocator.
        The loader is asked, with all symbols bound at start.
        """
        if not self.library:
            return
        itself = os.path.realpath(program)
        env = self.environment(LD_DEBUG="bindings", LD_BIND_NOW="1")
        done = subprocess.run([program, "--version"], env=env, capture_output=True, text=True,
                              timeout=30, check=False)
        bound = {symbol: set() for symbol in symbols}
        for line in done.stderr.splitlines():
            match = re.search(r"binding file (\S+) \[0\] to (\S+) \[0\]: "
                              r"normal symbol `(\w+)'", line)
            if match and os.path.realpath(shutil.which(match[1]) or match[1]) == itself:
                bound.setdefault(match[3], set()).add(os.path.realpath(match[2]))
        for symbol in symbols:
            # A program at a fixed address that takes the function's address binds that to its
            # own entry, which jumps to the one that it calls.
            check_equal(bound[symbol] - {itself}, {self.library},
                        f"where {program} finds {symbol}")

    def close(self):
        for process in self._processes:
            process.kill()

    def outputs(self):
        """Of what was running when the test failed, or ran last."""
        return "\n".join(process.output() for process in self._processes
                         if process.is_running() or process is self._processes[-1])

    def report(self, what, value):
        print(f"  {what:<44} {value}", flush=True)

    def report_process(self, process, what=None):
        self.report(what or process.name, f"{process.wall_seconds:7.2f} s  peak "
                                          f"{process.peak_mib():7.1f} MiB")


def parse_arguments(test, add_options):
    parser = argparse.ArgumentParser(description=sys.modules[test.__module__].__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("library", nargs="?", help="the library to preload")
    which.add_argument("--none", action="store_true", help="run on the system's malloc")
    parser.add_argument("--keep", action="store_true", help="keep the working directory")
    if add_options:
        add_options(parser)
    options = parser.parse_args()
    library = None
    if options.library:
        # The maps show the file itself, not the links that lead to it.
        library = os.path.realpath(options.library)
        if not os.path.isfile(library) or re.search(r"[\s:]", library):
            parser.error(f"{library} is not a file that LD_PRELOAD can name")
    return library, options


def main(test, limit_seconds, add_options=None):
    library, options = parse_arguments(test, add_options)
    directory = tempfile.mkdtemp(prefix="ralloc-program-")
    bench = Bench(library, directory, options)
    print(f"preloading {library or 'nothing'}", flush=True)

    def out_of_time(_signal, _frame):
        raise Failure(f"the test took more than {limit_seconds} s in all")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of the clean-up below
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(limit_seconds)
    begin = time.monotonic()
    status = 1
    try:
        test(bench)
        status = 0
    except Failure as failure:
        message = str(failure)
        print(f"FAILED: {message}")
        if "--- " not in message:
            print(bench.outputs())
    finally:
        signal.alarm(0)
        bench.close()
        if options.keep:
            print(f"kept {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    if status == 0:
        print(f"passed in {time.monotonic() - begin:.1f} s")
    sys.exit(status)
