#!/usr/bin/env python3
"""Runs small programs under libralloc-log.so and reads every line that they log.

  log_test.py LIBRARY PROGRAM SCENE

Each line must keep the grammar of docs/log.md and be from a place in the source that logs at that
level; the level asked for decides which are there.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLOORS = ["shim", "global_pool", "local_pool", "alloc"]
LEVELS = ["internal", "debug", "call", "note", "warning", "error", "none"]
LINE = re.compile(r"\((\d+)\.(\d+)\) (\w+) (?:((?:\.\.)?[x_]*\|[x_]*(?:\.\.)?) )?: (.*) "
                  r"\((\w+\.(?:h|cc)):(\d+)\)")
MOST_BYTES = 384


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Line:
    def __init__(self, text, is_here=True):
        match = LINE.fullmatch(text)
        check(match, f"not a line of the log: {text!r}")
        check(len(text) < MOST_BYTES, f"too long: {text!r}")
        self.process, self.thread, self.level, self.picture, self.message = match.groups()[:5]
        check(self.level in LEVELS[:-1], f"no such level: {text!r}")
        if is_here:
            check_place(match[6], int(match[7]), self.level, text)
        self.file = match[6]


SOURCES = {}


def source(name):
    """The lines of the one file of that name."""
    if name not in SOURCES:
        paths = [path for floor in FLOORS
                 if os.path.isfile(path := os.path.join(ROOT, floor, name))]
        check(len(paths) == 1, f"{name} is {len(paths)} files")
        with open(paths[0], encoding="utf-8") as file:
            SOURCES[name] = file.read().splitlines()
    return SOURCES[name]


def check_place(name, number, level, text):
    # A call begins on the line of its text or, after a picture, a little before.
    there = "\n".join(source(name)[max(0, number - 3):number])
    wanted = {"call": r"log_call|watch_\w+|note_\w+|fail|aligned",
              "error": "log_death"}.get(level, f"log_{level}")
    check(re.search(rf"\b(?:{wanted})\(", there), f"nothing logs there: {text!r}")


class Bench:
    def __init__(self, library, program, directory):
        self.library, self.program, self.directory = library, program, directory

    def environment(self, **extra):
        env = {key: value for key, value in os.environ.items() if not key.startswith("RALLOC_")}
        return {**env, "LD_PRELOAD": self.library, **extra}

    def run(self, command, level, stdin="", fd=None, env=None, status=0):
        """Runs with the log in a file; returns what the program wrote, and the lines."""
        path = os.path.join(self.directory, "log")
        log = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600)
        env = env or {"RALLOC_LOG": level, "RALLOC_OPTIONS": f"log_fd={fd or log}"}
        # A shell of the test's own would log as well: the programs are run directly.
        done = subprocess.run(command, env=self.environment(**env), input=stdin,
                              capture_output=True, text=True, timeout=100, check=False,
                              pass_fds=[log])
        os.close(log)
        check(done.returncode == status, f"{command} ended with {done.returncode}: {done.stderr}")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check(text == "" or text.endswith("\n"), "the last line has no end")
        return done, [Line(line) for line in text.splitlines()]

    def scene(self, name, level="internal", **options):
        return self.run([self.program, name], level, **options)


def expect(lines, level, picture, message):
    """A line of that level, with a picture (or without one) and a message that match."""
    for line in lines:
        if (line.level == level and re.fullmatch(message, line.message)
                and (re.fullmatch(picture, line.picture or "") is not None)):
            return line
    raise Failure(f"no line of level {level} says {message!r} with a picture like {picture!r}")


MAGAZINES = r"(?:\.\.)?[x_]*\|[x_]+(?:\.\.)?"
BLOCKS = r"(?:\.\.)?[x_]*\|[x_]*(?:\.\.)?"
AT = "0x[0-9a-f]+"
EXTENT = rf"{AT}\[{AT}\]"

# What the scene `pools` must tell.
POOLS = {
    "internal": [
        (MAGAZINES, r"the magazine of 64 B grows to \d+ places"),
        (BLOCKS, rf"span {EXTENT} is in bin [0-7] now"),
        ("", r"the outgoing array grows to \d+ places"),
        ("", rf"free run {EXTENT}, clean: (yes|no)"),
    ],
    "debug": [
        (MAGAZINES, r"take \d+ blocks of 64 B from shard \d+"),
        (MAGAZINES, r"give \d+ blocks of 64 B home"),
        ("", r"send \d+ outgoing blocks to shard \d+"),
        ("", r"\d+ blocks come home to shard \d+"),
        (BLOCKS, rf"shard \d+ has a fresh span {EXTENT}, \d+ of its blocks are taken"),
        (r"\|_+(?:\.\.)?", rf"span {EXTENT} is wholly free"),
        (r"\|_+(?:\.\.)?", rf"span {EXTENT} leaves its shard"),
        ("", rf"{EXTENT} is reserved"),
        ("", rf"{EXTENT} is committed"),
        ("", rf"run {EXTENT} is taken, clean: yes"),
        ("", rf"run {EXTENT} is given back, clean: no"),
        ("", rf"run {EXTENT} (absorbs {EXTENT}|is merged, into {EXTENT})"),
        ("", rf"run {EXTENT} leaves to be purged or released"),
    ],
    "call": [
        ("", rf"malloc\(64\) = {AT}"),
        ("", rf"free\({AT}\)"),
        ("", rf"realloc\({AT}, 20971520\) = {AT}"),
        ("", r"malloc\(1125899906842624\) = 0x0"),
        ("", r"malloc_trim\(0\) = 1"),
    ],
    "note": [
        ("", r"options in force: .*\bdecay_ms=1000 .*\blog_level=\w+ log_fd=\d+ .*"),
        ("", r"a pool for this thread, at home in shard \d+"),
        ("", r"the pool of this thread is closed, after \d+ refills and flushes"),
        ("", r"\d+ bytes have been given back to the OS, addresses kept"),
    ],
    "warning": [
        ("", r"no memory: this thread gives home what it has, for \d+ pages"),
    ],
    "error": [],
}


def test_levels(bench):
    """Every level has its lines, and none below it is there."""
    for number, level in enumerate(LEVELS):
        done, lines = bench.scene("pools", level)
        check(done.stdout == "done\n" and done.stderr == "", f"it wrote {done.stderr!r}")
        below = [line for line in lines if LEVELS.index(line.level) < number]
        check(not below, f"{level} was asked for, and there is {below and below[0].message!r}")
        for at_least in LEVELS[number:-1]:
            for picture, message in POOLS[at_least]:
                expect(lines, at_least, picture, message)


def test_calls(bench):
    _, lines = bench.scene("calls", "call")
    for message in [rf"malloc\(208\) = {AT}", rf"calloc\(21\) = {AT}", rf"free\({AT}\)",
                    rf"realloc\({AT}, 100\) = {AT}", rf"malloc_usable_size\({AT}\) = \d+",
                    rf"posix_memalign\(200, align 64\) = {AT}",
                    rf"aligned_alloc\(4096, align 4096\) = {AT}", rf"new\(33\) = {AT}",
                    rf"delete\({AT}, 33\)", r"calloc fails at once with errno 12",
                    r"mallopt\(1\)", r"dlopen\(0x0, 10\)"]:
        expect(lines, "call", "", message)
    expect(lines, "note", "", "dlopen goes on without RTLD_DEEPBIND")


def test_threads(bench):
    """Lines of eight threads are whole, in a file and in a pipe."""
    _, lines = bench.scene("threads")
    check(len({line.thread for line in lines}) == 9, "not all threads have lines of their own")
    reading, writing = os.pipe()
    env = bench.environment(RALLOC_LOG="internal", RALLOC_OPTIONS=f"log_fd={writing}")
    with subprocess.Popen([bench.program, "threads"], env=env, pass_fds=[writing],
                          stdout=subprocess.DEVNULL) as process:
        os.close(writing)
        with open(reading, encoding="utf-8") as file:
            lines = [Line(text) for text in file.read().splitlines()]
    check(process.returncode == 0, f"it ended with {process.returncode}")
    check(len({line.thread for line in lines}) == 9, "not all threads wrote into the pipe")


def test_before_main(bench):
    done, lines = bench.scene("calls")
    expect(lines, "call", "", rf"malloc\(12345\) = {AT}")
    check(done.stdout == "done\n", done.stdout)


def test_child(bench):
    _, lines = bench.scene("child")
    processes = list(dict.fromkeys(line.process for line in lines))
    check(len(processes) == 2, f"lines of processes {processes}")
    for process, size in zip(processes, (100, 1000)):
        expect([line for line in lines if line.process == process], "call", "",
               rf"malloc\({size}\) = {AT}")


def test_thread_end(bench):
    _, lines = bench.scene("end")
    closed = expect(lines, "note", "", r"the pool of this thread is closed.*")
    of_thread = [line for line in lines if line.thread == closed.thread]
    expect(of_thread[of_thread.index(closed):], "call", "", rf"malloc\(320\) = {AT}")


def test_error(bench):
    """The sentence is on standard error alone, and in the log if that is elsewhere."""
    done, lines = bench.scene("double_free", "error", status=-6)
    sentence = f"ralloc: double free of {done.stdout.strip()}, which is free already"
    check(done.stderr == sentence + "\n", done.stderr)
    check([line.message for line in lines] == [sentence], [line.message for line in lines])
    done, lines = bench.scene("double_free", "error", fd=2, status=-6)
    check(done.stderr.count("\n") == 1 and not lines, done.stderr)
    done, lines = bench.scene("double_free", "none", status=-6)
    check(done.stderr.count("\n") == 1 and not lines, done.stderr)


def status_without_reader(bench, ignores_sigpipe):
    """What a program ends with whose log goes into a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    env = bench.environment(RALLOC_LOG="note", RALLOC_OPTIONS=f"log_fd={writing}")
    # Python ignores the signal, and its children do if it is not restored.
    done = subprocess.run([bench.program, "pools"], env=env, pass_fds=[writing], check=False,
                          stdout=subprocess.DEVNULL, restore_signals=not ignores_sigpipe)
    os.close(writing)
    return done.returncode


def test_target(bench):
    """Standard error by default; a closed descriptor, and one that is closed later, do no harm."""
    done, lines = bench.run([bench.program, "pools"], "note", env={"RALLOC_LOG": "note"})
    check(not lines and done.stdout == "done\n", done.stdout)
    for message in ["options in force: .*log_level=note log_fd=2 .*", "a pool for this thread.*"]:
        expect([Line(line) for line in done.stderr.splitlines()], "note", "", message)
    done, lines = bench.scene("pools", fd=999)
    check(not lines and (done.stdout, done.stderr) == ("done\n", ""), done.stderr)
    done, lines = bench.scene("close", fd=2)
    check(done.stdout == "done\n", done.stdout)
    for ignores, status in ((True, 0), (False, -signal.SIGPIPE)):
        check(status_without_reader(bench, ignores) == status, "nobody reads the pipe")


def test_programs(bench):
    """Real programs do as they do without, whatever is told meanwhile."""
    programs = [
        (["sqlite3", "-batch", ":memory:"],
         "create table t (a integer, b text); insert into t with recursive n(i) as (select 1 union"
         " all select i + 1 from n where i < 2000) select i, printf('%032d', i * 7919) from n;\n"
         "create index i on t (b); select sum(a), max(b), count(distinct substr(b, 30)) from t;\n"
         "select length(group_concat(b)) from (select b from t order by b);\n"),
        ([sys.executable, "-S", "-c",
          "d = {i: str(i) * (i % 50) for i in range(3000)}; print(sum(map(len, d.values())));"
          "import threading; t = [threading.Thread(target=lambda: [bytes(i) for i in range(2000)])"
          " for _ in range(4)]; [x.start() for x in t]; [x.join() for x in t]; print('end')"], ""),
    ]
    for command, stdin in programs:
        plain = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60,
                               check=True)
        done, lines = bench.run(command, "internal", stdin=stdin)
        check((done.stdout, done.stderr) == (plain.stdout, plain.stderr),
              f"{command[0]}: {done.stdout!r}, {done.stderr!r}; without: {plain.stdout!r}")
        check(len(lines) > 1000, f"{command[0]} has {len(lines)} lines")


def test_documentation(_bench):
    """The lines in docs/log.md, one of each level and more, could be written today."""
    with open(os.path.join(ROOT, "docs", "log.md"), encoding="utf-8") as file:
        lines = [Line(text, False) for text in re.findall(r"^\(\d.*", file.read(), re.MULTILINE)]
    check([line.level for line in lines[:6]] == LEVELS[:-1], "not one line of each level")
    for line in lines:
        code = re.sub(r'"\s*"', "", "\n".join(source(line.file)))
        if line.level == "call":
            check(re.search(rf'"{line.message.split("(")[0]}"', code), line.message)
            continue
        texts = re.findall(rf'log_{line.level}\((?:[^"]*\), )?"([^"]*)"', code)
        if line.level == "error":
            texts = ["ralloc: % of %, which is free already"]
        check(any(re.fullmatch(re.escape(text).replace("%", ".+"), line.message)
                  for text in texts), f"{line.message!r} is none of {texts}")


def main():
    library, program, name = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ralloc-log-") as directory:
        try:
            globals()[f"test_{name}"](Bench(library, program, directory))
        except Failure as failure:
            sys.exit(f"FAILED: {failure}")


if __name__ == "__main__":
    main()
