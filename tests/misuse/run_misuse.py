#!/usr/bin/env python3
"""Runs programs of tests/misuse, and requires that each ends as programs.txt promises.

    run_misuse.py --build plain --directory DIR [--preload LIBRARY] PROGRAM...
    run_misuse.py --control --directory DIR --preload LIBRARY PROGRAM...
    run_misuse.py --expect PROMISE --directory DIR [--preload LIBRARY] -- PROGRAM ARGUMENT...

The first runs every line of these programs, each --runs times and several at once. The others
show that this can fail: the second requires that under another allocator none of the lines
ends as the plain build's should, and the third that one program does what is said there.
"""
import argparse
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import table  # noqa: E402

SHOWN = 20  # faults, of each of which there may be hundreds


def run(command, preload, timeout):
    """The Outcome of a command."""
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    if preload:
        environment["LD_PRELOAD"] = str(preload)
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout,
                              check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return table.Outcome("hung", "", "")
    return table.Outcome(done.returncode, done.stdout.decode(errors="replace"),
                         done.stderr.decode(errors="replace"))


def run_all(jobs, preload, timeout=60):
    """[(case, Outcome)] of jobs [(case, path)], as many at once as there are cores."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        done = pool.map(lambda job: run([job[1], *job[0].arguments], preload, timeout), jobs)
        return [(case, outcome) for (case, _), outcome in zip(jobs, done)]


def shorten(text):
    return text if len(text) <= 200 else f"{text[:80]} ... {text[-80:]}"


def report(of_build, results):
    """Prints each fault; the number of them."""
    faults = []
    for case, outcome in results:
        found = table.fault(of_build(case), outcome)
        if found:
            faults.append(f"{table.name_of(case)}: {shorten(found)}\n"
                          f"    stdout {shorten(outcome.out)!r}, stderr {shorten(outcome.err)!r}")
    print("\n".join(faults[:SHOWN]))
    if len(faults) > SHOWN:
        print(f"... and {len(faults) - SHOWN} more")
    return len(faults)


def with_freed_known(case, build, sentences):
    """The debugger build knows what was freed: it may say so where others know of no block."""
    promised = case.promises[build]
    if case.kind != "double free":
        return promised
    more = [(word, sentences["double_free"]) for word, sentence in promised
            if sentence == sentences["not_a_block"]]
    return promised + more


def run_table(options):
    sentences, cases = table.load()
    chosen = [case for case in cases
              if case.program in options.command and case.promises[options.build]]
    if options.freed_is_known:  # with a red zone that is a large block, whose place others get
        chosen = [case for case in chosen if case.arguments != ("after_operations", "32768")]
    without = set(options.command) - {case.program for case in chosen}
    if without:
        raise SystemExit(f"{table.TABLE.name} promises nothing of {', '.join(sorted(without))}")
    jobs = [(case, options.directory / case.program) for case in chosen] * options.runs
    faults = report(lambda case: with_freed_known(case, options.build, sentences)
                    if options.freed_is_known else case.promises[options.build],
                    run_all(jobs, options.preload))
    print(f"{len(chosen)} programs, {len(jobs)} runs: {faults} not as promised")
    return faults != 0


def run_control(options):
    """Prints every program that an allocator without any checks passes as well."""
    _, cases = table.load()
    chosen = [case for case in cases if case.program in options.command and case.promises["plain"]]
    jobs = [(case, options.directory / case.program) for case in chosen]
    passed = [table.name_of(case) for case, outcome in run_all(jobs, options.preload)
              if table.fault(case.promises["plain"], outcome) is None]
    print("\n".join(passed))
    print(f"{len(passed)} of {len(chosen)} programs pass under {options.preload}")
    return not chosen or bool(passed)


def run_one(options):
    sentences, _ = table.load()
    program, *arguments = options.command
    case = table.Case(None, program, tuple(arguments), {})
    promised = table.promises(options.expect, sentences)
    jobs = [(case, options.directory / program)] * options.runs
    return report(lambda _: promised, run_all(jobs, options.preload)) != 0


def check_names(named):
    """Every program of the table is one of those that are built, and the reverse."""
    _, cases = table.load()
    used = {case.program for case in cases}
    for name in sorted(used ^ set(named)):
        print(f"{name} is {'not built' if name in used else 'not in the table'}")
    return used != set(named)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--build", choices=table.BUILDS)
    what.add_argument("--expect", metavar="PROMISE", help="a column of programs.txt")
    what.add_argument("--control", action="store_true", help="all must fail")
    what.add_argument("--check-names", action="store_true",
                      help="whether the named programs are those of the table")
    parser.add_argument("--freed-is-known", action="store_true", help="as in the debugger build")
    parser.add_argument("--directory", type=Path, help="where the programs are")
    parser.add_argument("--preload", help="library to preload into the programs")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("command", nargs="+", metavar="PROGRAM")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if options.check_names:
        return check_names(options.command)
    if options.control:
        return run_control(options)
    return run_table(options) if options.build else run_one(options)


if __name__ == "__main__":
    sys.exit(main())
