#!/usr/bin/env python3
"""Searches all models under Relacy, then their mutants, then the Promela models; prints tables.

  run.py VERIFY_MODELS VERIFY_SEEDED [--jobs N] [--seconds S] [--deep MINUTES] [--markdown FILE]

A full or bounded search must go through all executions, else it has failed. Random searches take
two seconds each. With --deep there are random searches alone, for so long in all. --markdown
writes the table of the models as verify/README.md has it.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import time

import mutants

SPIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spin", "run.py")
COLUMNS = "{model:<17} {invariants:<18} {threads} x {operations:<2} {scheduler:<8} " \
          "{executions:>13,} {seconds:>8.1f}  {result}"


def search(models, case, seconds):
    command = [models, "--case", f"{case['model']}.{case['case']}"]
    if case["scheduler"] == "random":
        command += ["--seconds", str(seconds), "--begin", str(case.get("begin", 0))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode not in (0, 1) or not lines:
        return {**case, "executions": 0, "seconds": 0.0, "result": "CRASHED"}, done.stderr
    row = json.loads(lines[-1])
    good = done.returncode == 0
    row["result"] = ("exhausted" if row["exhausted"] else "holds") if good else "FAILED"
    return row, "" if good else "\n".join(lines[:-1])


def search_all(options, cases, seconds):
    """(rows, how many failed); prints the rows as they come."""
    print("model             invariants     threads x ops  search      executions  seconds")
    rows, failed = [], 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for row, why in pool.map(lambda case: search(options.models, case, seconds), cases):
            print(COLUMNS.format(**row), flush=True)
            if why:
                print(why)
                failed += 1
            rows.append(row)
    print(f"{len(rows)} searches, {sum(r['executions'] for r in rows):,} executions, "
          f"{failed} failed\n", flush=True)
    return rows, failed


# Of a deep run: the random searches take turns, so that a look at any time shows how far all are.
TURN_SECONDS = 60


def search_deep(options, cases):
    """As search_all, for options.deep minutes."""
    end = time.monotonic() + options.deep * 60
    turn = min(TURN_SECONDS, max(1.0, options.deep * 60 * options.jobs / len(cases)))
    sums = [{**case, "executions": 0, "seconds": 0.0, "result": "holds"} for case in cases]
    failed = 0
    while time.monotonic() < end:
        # Each goes on where its last turn ended.
        rows, new_failed = search_all(
            options, [{**case, "begin": done["executions"]} for case, done in zip(cases, sums)],
            turn)
        failed += new_failed
        for row, done in zip(rows, sums):
            done["executions"] += row["executions"]
            done["seconds"] += row["seconds"]
            if row["result"] != "holds":
                done["result"] = row["result"]
        print(f"{sum(done['executions'] for done in sums):,} executions so far, "
              f"{max(0.0, end - time.monotonic()) / 60:.0f} minutes left\n", flush=True)
    return sums, failed


def markdown(rows, kills):
    """One row a search; the mutants that a model kills stand in its first."""
    lines = ["| model | invariants | threads × operations | search | executions | seconds | | "
             "mutants killed |", "|---|---|---|---|---:|---:|---|---:|"]
    before = None
    for r in rows:
        first = r["model"] != before
        before = r["model"]
        lines.append(f"| {r['model'] if first else ''} | {r['invariants'] if first else ''} "
                     f"| {r['threads']} × {r['operations']} | {r['scheduler']} "
                     f"| {r['executions']:,} | {r['seconds']:.1f} | {r['result']} "
                     f"| {(kills[r['model']] or '') if first else ''} |")
    total = sum(r["executions"] for r in rows)
    lines.append(f"| all | | | | {total:,} | {sum(r['seconds'] for r in rows):.1f} | "
                 f"| {sum(kills.values()) or ''} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mutants.add_arguments(parser)
    parser.add_argument("--deep", type=float, metavar="MINUTES")
    parser.add_argument("--markdown", metavar="FILE")
    options = parser.parse_args()

    cases = [row for row in mutants.answers(options.models, "--list") if "case" in row]
    kills, survivors = collections.Counter(), []
    if options.deep is not None:
        cases = [case for case in cases if case["scheduler"] == "random"]
        rows, failed = search_deep(options, cases)
    else:
        rows, failed = search_all(options, cases, options.seconds)
        kills, survivors = mutants.run_all(options)
        print(flush=True)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(markdown(rows, kills))
    if options.deep is None:
        failed += subprocess.run([sys.executable, "-B", SPIN], check=False).returncode != 0
    sys.exit(1 if failed or survivors else 0)


if __name__ == "__main__":
    main()
