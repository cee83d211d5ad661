#!/usr/bin/env python3
"""Measures how many seeded races the stress tests report under ThreadSanitizer.

Each race of races.txt is run several times, each in a process of its own, with the cases that
come to its place. Only a report of ThreadSanitizer counts as found: not a crash, not a hang, not
a lost stamp. The same cases without a race must report nothing. Fails under 95 %, or if a race
is never found. Races that are rare by their nature are run with --rare, alone, and measured only.

  seeded_races.py [--runs N] [--seconds S] [--jobs N] [--only RACE]... [--rare] PROGRAM...

A PROGRAM is the stress_seeded of one build.
"""

import argparse
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cmake"))
sys.dont_write_bytecode = True
import seed_bugs  # noqa: E402

RATE_WANTED = 0.95
EXIT_OF_REPORT = 66
WARNING = "WARNING: ThreadSanitizer: data race"
# On a busy machine a case can take much longer than it was told to.
GRACE_SECONDS = 60
# So few that threads share shards on any machine.
CPUS = 2


def keep_to_few_cpus():
    os.sched_setaffinity(0, random.sample(sorted(os.sched_getaffinity(0)),
                                          min(CPUS, len(os.sched_getaffinity(0)))))


class Run:
    """One process: whether it ended as it should have, and what it said."""

    def __init__(self, program, race, cases, seconds):
        environment = dict(os.environ, RALLOC_STRESS_SECONDS=str(seconds), TSAN_OPTIONS=
                           f"halt_on_error=1:exitcode={EXIT_OF_REPORT}")
        environment.pop("RALLOC_SEEDED_BUG", None)
        if race:
            environment["RALLOC_SEEDED_BUG"] = race
        tests = ":".join(f"StressTest.{case}" for case in cases)
        self.command = [program, f"--gtest_filter={tests}"]
        begin = time.monotonic()
        try:
            done = subprocess.run(self.command, env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  preexec_fn=keep_to_few_cpus,
                                  timeout=seconds * len(cases) + GRACE_SECONDS, check=False)
            self.status, self.output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as hung:
            self.status, self.output = "hung", (hung.stdout or b"").decode(errors="replace")
        self.seconds = time.monotonic() - begin
        self.reported = self.status == EXIT_OF_REPORT and WARNING in self.output
        # A misspelt case would be run by nobody.
        ran = re.search(r"\[==========\] Running (\d+) test", self.output)
        if ran and int(ran[1]) != len(cases):
            sys.exit(f"{program} has not all of the cases {tests}")

    def place(self):
        """Where the report saw the race, in short."""
        summary = re.search(r"SUMMARY: ThreadSanitizer: data race \S*?(\w+/\w+\.\w+:\d+)",
                            self.output)
        return summary[1] if summary else ""


def show(name, runs, found, good):
    """One row of the table, and the end of what a run said that was not as it should be."""
    places = sorted({run.place() for run in runs} - {""})
    print(f"{name:36} {len(runs):4} {found:5} {sum(run.seconds for run in runs) / len(runs):7.1f}"
          f"  {', '.join(places[:2])}", flush=True)
    for run in runs:
        if not good(run):
            print(f"    ended with {run.status}: {' '.join(run.command)}")
            print("".join(f"    | {line}\n" for line in run.output.splitlines()[-4:]), end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    parser.add_argument("--races", default=os.path.join(HERE, "races.txt"))
    parser.add_argument("--runs", type=int, default=3, help="of each race in each program")
    parser.add_argument("--seconds", type=float, default=30, help="the most that each run lasts")
    parser.add_argument("--control-seconds", type=float, default=1, help="for each case without")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", action="append", metavar="RACE")
    parser.add_argument("--rare", action="store_true")
    options = parser.parse_args()
    with open(options.races, encoding="utf-8") as file:
        races = seed_bugs.parse(file.read())[0]
    if options.only:
        races = [race for race in races if race.name in options.only]
    else:
        races = [race for race in races if ("rare" in race.notes) == options.rare]
    if not races:
        sys.exit("there are no such races")
    for race in races:
        race.notes["cases"] = race.notes["run"].split()

    begin = time.monotonic()
    print(f"{'race':36} {'runs':>4} {'found':>5} {'s a run':>7}  seen at")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as executor:
        def start(name, cases, seconds, runs):
            return [executor.submit(Run, program, name, cases, seconds)
                    for _ in range(runs) for program in options.programs]

        started = [(race, start(race.name, race.notes["cases"], options.seconds, options.runs))
                   for race in races]
        cases = sorted({case for race in races for case in race.notes["cases"]})
        control = start(None, cases, options.control_seconds, 1)
        total = found = 0
        never = []
        for race, futures in started:
            runs = [future.result() for future in futures]
            here = sum(run.reported for run in runs)
            show(race.name, runs, here, lambda run: run.reported)
            total += len(runs)
            found += here
            if here == 0:
                never.append(race.name)
        runs = [future.result() for future in control]
        show("no race", runs, sum(run.reported for run in runs), lambda run: run.status == 0)

    rate = found / total
    print(f"{found} of {total} runs of {len(races)} races reported: {100 * rate:.1f} %, "
          f"in {time.monotonic() - begin:.0f} s")
    for name in never:
        print(f"never found: {name}")
    wrong = [run for run in runs if run.status != 0]
    if wrong:
        print(f"without a race, {len(wrong)} of {len(runs)} runs did not end well")
    missed = not options.rare and (rate < RATE_WANTED or never)
    sys.exit(1 if missed or wrong else 0)


if __name__ == "__main__":
    main()
