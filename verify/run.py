#!/usr/bin/env python3
"""Searches all models under Relacy, then their mutants, then the Promela models; prints tables.

  run.py VERIFY_MODELS VERIFY_SEEDED [--jobs N] [--deep MINUTES] [--markdown FILE]

A full or bounded search must go through all executions, else it has failed. Random searches take
two seconds each, or with --deep as long as MINUTES allow in all. --markdown writes the table of
the models as verify/README.md has it.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = "{model:<17} {invariants:<18} {threads} x {operations:<2} {scheduler:<8} " \
          "{executions:>11} {seconds:>8.1f}  {result}"


def search(models, case, seconds):
    command = [models, "--case", f"{case['model']}.{case['case']}"]
    if case["scheduler"] == "random":
        command += ["--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode not in (0, 1) or not lines:
        return {**case, "executions": 0, "seconds": 0.0, "result": "CRASHED"}, done.stderr
    row = json.loads(lines[-1])
    good = done.returncode == 0
    row["result"] = ("exhausted" if row["exhausted"] else "holds") if good else "FAILED"
    return row, "" if good else "\n".join(lines[:-1])


def markdown(rows):
    lines = ["| model | invariants | threads × operations | scheduler | executions | seconds | |",
             "|---|---|---|---|---|---|---|"]
    lines += [f"| {r['model']} | {r['invariants']} | {r['threads']} × {r['operations']} "
              f"| {r['scheduler']} | {r['executions']:,} | {r['seconds']:.1f} | {r['result']} |"
              for r in rows]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models")
    parser.add_argument("seeded")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--deep", type=float, metavar="MINUTES")
    parser.add_argument("--markdown", metavar="FILE")
    options = parser.parse_args()

    listed = subprocess.run([options.models, "--list"], capture_output=True, text=True, check=True)
    cases = [json.loads(line) for line in listed.stdout.splitlines()]
    randoms = sum(case["scheduler"] == "random" for case in cases)
    seconds = 2 if options.deep is None else options.deep * 60 * options.jobs / randoms

    print("model             invariants     threads x ops  search    executions  seconds")
    rows, failed = [], 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for row, why in pool.map(lambda case: search(options.models, case, seconds), cases):
            print(COLUMNS.format(**row), flush=True)
            if why:
                print(why)
                failed += 1
            rows.append(row)
    print(f"{len(cases)} searches, {sum(r['executions'] for r in rows):,} executions, "
          f"{failed} failed\n", flush=True)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(markdown(rows))

    for command in ([os.path.join(HERE, "mutants.py"), options.models, options.seeded],
                    [os.path.join(HERE, "spin", "run.py")]):
        failed += subprocess.run([sys.executable, "-B"] + command, check=False).returncode != 0
        print(flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
