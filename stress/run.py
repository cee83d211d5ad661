#!/usr/bin/env python3
"""Runs the stress tests in all builds for as long as told, in rounds; `./dev stress` calls it.

  run.py [--minutes N] [--seconds S] [--build NAME]... [--case NAME]... [--seed N] NAME=PROGRAM...

Each case lasts S seconds in a process of its own, with a seed of its own. With --seed each case
is run once. Every failure is printed with the line that repeats it.
"""

import argparse
import os
import random
import subprocess
import sys
import time

# On a busy machine a case can take much longer than it was told to.
GRACE_SECONDS = 120
SUITE = "StressTest."


def cases_of(program):
    listed = subprocess.run([program, "--gtest_list_tests"], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    return [line.strip() for line in listed.splitlines() if line.startswith("  ")]


def run(program, case, seed, seconds):
    """How the process ended, and what it said."""
    environment = dict(os.environ, RALLOC_STRESS_SECONDS=str(seconds), RALLOC_TEST_SEED=str(seed),
                       TSAN_OPTIONS="halt_on_error=1")
    try:
        done = subprocess.run([program, f"--gtest_filter={SUITE}{case}"], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=seconds + GRACE_SECONDS, check=False)
    except subprocess.TimeoutExpired as hung:
        return "hung", (hung.stdout or b"").decode(errors="replace")
    return ("ok" if done.returncode == 0 else f"ended with {done.returncode}"), done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+", metavar="NAME=PROGRAM")
    parser.add_argument("--minutes", type=float, default=5, help="in all (5)")
    parser.add_argument("--seconds", type=float, help="for each case (what fits, 1 to 30)")
    parser.add_argument("--build", action="append", metavar="NAME", help="this one alone")
    parser.add_argument("--case", action="append", metavar="NAME", help="this one alone")
    parser.add_argument("--seed", type=int, help="of each case, which is run once")
    options = parser.parse_args()

    pairs = []
    for one in options.programs:
        build, program = one.split("=", 1)
        pairs += [(build, program, case) for case in cases_of(program)
                  if (not options.build or build in options.build)
                  and (not options.case or case in options.case)]
    if not pairs:
        sys.exit("no build has such a case")
    # The builds take turns.
    pairs.sort(key=lambda pair: pair[2])
    limit = 60 * options.minutes
    seconds = options.seconds or min(30.0, max(1.0, round(limit / len(pairs), 1)))

    begin = time.monotonic()
    count = 0
    failed = []
    while count == 0 or (options.seed is None and time.monotonic() - begin < limit):
        for build, program, case in pairs:
            if options.seed is None and count != 0 and time.monotonic() - begin >= limit:
                break
            seed = options.seed if options.seed is not None else random.getrandbits(32)
            result, output = run(program, case, seed, seconds)
            count += 1
            print(f"[{(time.monotonic() - begin) / 60:5.1f} of {options.minutes:g} min] "
                  f"{build:11} {case:33} {seconds:g} s  seed {seed:<10}  {result}", flush=True)
            if result != "ok":
                repeat = (f"./dev stress --build {build} --case {case} --seed {seed} "
                          f"--seconds {seconds:g}")
                failed.append(repeat)
                print("".join(f"    | {line}\n" for line in output.splitlines()[-60:])
                      + f"repeat with: {repeat}", flush=True)
    print(f"{count} runs of {len(pairs)} cases in {(time.monotonic() - begin) / 60:.1f} min, "
          f"{len(failed)} failed")
    for repeat in failed:
        print(f"repeat with: {repeat}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
