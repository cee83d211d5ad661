#!/usr/bin/env python3
"""Checks the models: each mutant of the protocol must be reported by one of them.

Mutants are made at every place of the source that takes a lock, wakes a waiter or uses an order
stronger than relaxed (dropped, or weakened to relaxed, by verify_models itself), and by the logic
bugs of bugs.txt (in verify_seeded). Each runs in a process of its own; a crash or a time-out is
no report. Prints which model kills which mutant, after how many executions.

  mutants.py VERIFY_MODELS VERIFY_SEEDED [--jobs N] [--seconds S] [--only TEXT]
"""

import argparse
import collections
import concurrent.futures
import json
import subprocess
import sys

LIMIT_SECONDS = 120
LEAST_MUTANTS = 40

# Mutants that no execution can tell from the source, with the argument.
EQUIVALENT = {}


def add_arguments(parser):
    """Those of every script that runs the mutants."""
    parser.add_argument("models", metavar="VERIFY_MODELS")
    parser.add_argument("seeded", metavar="VERIFY_SEEDED")
    parser.add_argument("--jobs", type=int, default=2, help="programs at once")
    parser.add_argument("--seconds", type=float, default=2, help="for a search, at most")
    parser.add_argument("--only", default="", help="mutants whose name has this")


def answers(*command):
    """The rows that a program of the models prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def mutants(models, seeded):
    """(name, command), the site's models first."""
    reached = collections.defaultdict(list)
    for row in answers(models, "--sites"):
        if row["site"].split(":")[0].endswith("_model.cc"):
            continue  # what stands for the program
        reached[row["site"]].append(row["model"])
    for site, names in sorted(reached.items()):
        yield site, [models, "--mutant", site, "--models", ",".join(names)]
    for row in answers(seeded, "--list"):
        if "bug" in row:
            yield row["bug"], [seeded, "--bug", row["bug"]]


def judge(command, seconds):
    """(the model that kills it, what happened)."""
    try:
        done = subprocess.run(command + ["--seconds", str(seconds)], capture_output=True,
                              text=True, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no report within {LIMIT_SECONDS} s"
    if done.returncode != 0:
        return None, f"exit status {done.returncode}, which is no report"
    row = json.loads(done.stdout.splitlines()[-1])
    if row.get("survived"):
        return None, f"survives {row['executions']} executions"
    return row["model"], f"{row['model']:<17}{row['executions']:>9}  {row['verdict'][:60]}"


def run_all(options):
    """(how many each model kills, which survive); prints them as they are judged."""
    wanted = [m for m in mutants(options.models, options.seeded) if options.only in m[0]]
    if not options.only and len(wanted) < LEAST_MUTANTS:
        sys.exit(f"only {len(wanted)} mutants")
    kills, survivors = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        verdicts = pool.map(lambda mutant: judge(mutant[1], options.seconds), wanted)
        for number, ((name, _), (killer, what)) in enumerate(zip(wanted, verdicts), 1):
            print(f"{number:3}/{len(wanted)} {name:<52} {what}", flush=True)
            if killer is not None:
                kills[killer] += 1
            if killer is None and name not in EQUIVALENT:
                survivors.append(name)
            if killer is not None and name in EQUIVALENT:
                survivors.append(f"{name} (listed as equivalent, but killed)")
    print(f"{len(wanted)} mutants, {len(survivors)} survive: {', '.join(survivors) or 'none'}",
          flush=True)
    return kills, survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    _, survivors = run_all(parser.parse_args())
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
