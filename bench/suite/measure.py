"""Runs the cases of the suite: each figure is of a process of its own, and the rounds interleave
the allocators."""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import allocators
from comparison import Progress

PROGRAMS = allocators.RALLOC.parent / "bench" / "suite"
# Beside the allocators to preload: ralloc's own functions, which the program is linked with.
OWN = "ralloc-api"


@dataclass(frozen=True)
class Point:
    """A case on so many threads."""
    case: str
    threads: int

    def __str__(self):
        return f"{self.case}, {self.threads} thread{'s' if self.threads > 1 else ''}"


class Failed(Exception):
    """A run ended badly, or not at all."""


class Suite:
    """The programs, and the cases that each has."""

    def __init__(self, chosen, programs=PROGRAMS):
        self.chosen, self._programs = chosen, programs
        self.cases = self._list("suite")
        self.own_cases = {name: case for name, case in self._list("suite_api").items()
                          if name not in self.cases}

    def _list(self, program):
        path = self._programs / program
        if not path.exists():
            raise SystemExit(f"{path} does not exist: ./dev bench builds it")
        out = subprocess.run([path, "--list"], capture_output=True, text=True, check=True).stdout
        cases = [json.loads(line) for line in out.splitlines()]
        return {case["name"]: case for case in sorted(cases, key=lambda case: case["name"])}

    def about(self, case):
        return {**self.cases, **self.own_cases}[case]

    def allocators_of(self, case):
        if case.startswith("limits/"):
            return [next(iter(self.chosen))]  # all the same: no case of it allocates
        return [name for name in self.chosen if case in self.cases or name == OWN]

    def run(self, name, point, *arguments, timed=False, limit=600):
        """The figures of one run under the allocator `name`."""
        return self._run(name, point, arguments, timed, limit)[0]

    def count(self, name, point, iterations):
        """The instructions of a run, with all that the process does beside it: the same each time."""
        said = self._run(name, point, ("--iterations", iterations), False, 600,
                         allocators.CALLGRIND)[1]
        return allocators.instructions_in(said)[0]

    def waits(self, name, point, iterations):
        """How often the threads of a run waited in their loops, and the items of these."""
        figures = self.run(name, point, "--iterations", iterations, "--waits", limit=WAITS_LIMIT)
        return {"items": round(figures["items_per_second"] * figures["seconds"]),
                **{key: figures[key] for key in ("mutex_sleeps", "mutex_waits", "yields")}}

    def _run(self, name, point, arguments, timed, limit, prefix=()):
        library = None if name == OWN else self.chosen[name]
        program = "suite_api" if name == OWN else "suite_timed" if timed else "suite"
        command = [*prefix, self._programs / program, "--only", point.case,
                   "--threads", str(point.threads), *map(str, arguments)]
        try:
            done = subprocess.run(command, env=allocators.environment(library), text=True,
                                  capture_output=True, timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"{point} under {name}: not done after {limit:.0f} s") from None
        if done.returncode != 0:
            raise Failed(f"{point} under {name} ended with {done.returncode}: "
                         f"{done.stderr.strip()[-500:]}")
        figures = json.loads(done.stdout)
        if name != OWN:
            allocators.check_answered(name, library, figures["allocator"])
        return figures, done.stderr


def points_of(suite, names, threads):
    """Every case on every number of threads that makes sense for it."""
    return [Point(case, count) for case in names for count in threads
            if count >= suite.about(case)["least_threads"]]


def measure(suite, points, options):
    """The runs, as a list of rows; and what failed, as sentences."""
    rows, failures = [], []
    runs = {point: suite.allocators_of(point.case) for point in points}
    each = 1 + options.rounds
    progress = Progress(sum(len(names) * each for names in runs.values()))
    for point, names in runs.items():
        iterations, names = calibrate(suite, point, names, options, progress, failures)
        for number in range(options.rounds):
            # The last round tells what stays after a rest too.
            rests = (number + 1 == options.rounds and not options.no_rest
                     and suite.about(point.case)["holds_memory"])
            arguments = ["--iterations", iterations, *(["--rest"] if rests else [])]
            for name in list(names):
                take(suite, name, point, arguments, {"round": number + 1}, rows, failures)
                progress.step(f"{point} under {name}")
    return rows, failures


def calibrate(suite, point, names, options, progress, failures):
    """How often all of them go round: about as often as the median one can in the wanted time, so
    that each does the same work; but no more than the slowest can in ten times that. Who fails is
    left out."""
    found = {}
    for name in names:
        try:
            figures = suite.run(name, point, "--seconds", options.seconds)
            found[name] = figures["iterations"] * options.seconds / max(figures["seconds"], 1e-6)
        except Failed as failed:
            failures.append(str(failed))
        progress.step(f"{point} under {name}")
    return iterations_for(found.values()), list(found)


def iterations_for(possible):
    """`possible`: the iterations that each can do in the wanted time."""
    ordered = sorted(possible)
    if not ordered:
        return 1
    return max(1, round(min(ordered[len(ordered) // 2], SLOWEST_TIMES * ordered[0])))


def measure_latencies(suite, points, options):
    """As measure, each call timed; fewer, since a clock that is read costs more than a call."""
    rows, failures = [], []
    names = [name for name in suite.chosen if name != OWN]
    points = [point for point in points
              if point.case in suite.cases and not point.case.startswith("limits/")]
    rounds = min(3, options.rounds)
    progress = Progress(len(points) * len(names) * rounds)
    for point in points:
        for number in range(rounds):
            for name in names:
                take(suite, name, point, ["--seconds", options.seconds],
                     {"round": number + 1, "timed": True}, rows, failures, timed=True)
                progress.step(f"latencies of {point} under {name}")
    return rows, failures


# The slowest may take so many times as long as was wanted.
SLOWEST_TIMES = 10
# Iterations that take this long are counted, which takes fifty times as long.
COUNTED_SECONDS = 0.002


# Valgrind has no rseq(2).
NOT_COUNTED = {"limits/per_cpu"}


def count_instructions(suite, rows):
    """Rows of the instructions of an item on one thread; and what failed. Exact, so that two runs at
    a time do not harm each other."""
    known = {(row["case"], row["allocator"]): row for row in rows
             if row["threads"] == 1 and not row.get("timed") and row["case"] not in NOT_COUNTED}
    progress = Progress(len(known))

    def count(key):
        (case, name), row = key, known[key]
        iterations = max(1, round(row["iterations"] * COUNTED_SECONDS / max(row["seconds"], 1e-6)))
        items = row["items_per_second"] * row["seconds"] / row["iterations"] * iterations
        try:
            once, twice = (suite.count(name, Point(case, 1), k * iterations) for k in (1, 2))
        except Failed as failed:
            return str(failed)
        progress.step(f"instructions of {case} under {name}")
        return {"case": case, "threads": 1, "allocator": name, "counted": True,
                "instructions": (twice - once) / items}

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(count, known))
    return ([row for row in found if isinstance(row, dict)],
            [sentence for sentence in found if isinstance(sentence, str)])


# Waits are counted for about this long; the rounds of it; and what a run may take.
WAITS_SECONDS, WAITS_ROUNDS, WAITS_LIMIT = 0.1, 3, 120


def count_waits(suite, rows, options):
    """Rows of how often threads waited at mutexes, where there are several; and what failed. Each
    allocator runs for about the same time, and not as often as the slowest can: threads that were
    done within a time slice would seldom meet."""
    known = {(row["case"], row["threads"], row["allocator"]): row for row in rows
             if row["threads"] > 1 and not row.get("timed") and not row["case"].startswith("limits/")}
    if why := known and why_no_waits(suite):
        print(f"No waits are counted: {why}", file=sys.stderr)
    if not known or why:
        return [], []
    rounds = 1 if options.quick else min(WAITS_ROUNDS, options.rounds)
    found, failures, failed_keys = [], [], set()
    progress = Progress(len(known) * rounds)
    for number in range(rounds):
        for key, row in known.items():
            case, threads, name = key
            point = Point(case, threads)
            iterations = row["iterations"] * WAITS_SECONDS / max(row["seconds"], 1e-6)
            if key not in failed_keys:
                try:
                    counts = suite.waits(name, point, max(1, round(iterations)))
                    found.append({"case": case, "threads": threads, "allocator": name,
                                  "round": number + 1, "waits": True, **counts})
                except Failed as failed:
                    failures.append(f"waits of {failed}")
                    failed_keys.add(key)
            progress.step(f"waits of {point} under {name}")
    return found, failures


def why_no_waits(suite):
    """None where the kernel lets waits be counted."""
    try:
        suite.waits(next(iter(suite.chosen)), Point("pairs/64", 2), 1)
    except Failed as failed:
        return failed
    return None


def take(suite, name, point, arguments, labels, rows, failures, timed=False):
    try:
        figures = suite.run(name, point, *arguments, timed=timed)
    except Failed as failed:
        failures.append(str(failed))
        return
    del figures["allocator"]
    rows.append({"case": point.case, "threads": point.threads, "allocator": name, **labels,
                 **{key: value for key, value in figures.items() if key != "name"}})
