#!/usr/bin/env python3
"""Runs one program that misuses the allocator and requires that it dies of it.

The program prints the pointer that it misuses. It must end by SIGABRT, and standard error
must be the one line "ralloc: SENTENCE", where POINTER stands for the pointer. With --at-once
it must not get as far as to say that it is still alive.
"""
import argparse
import os
import re
import resource
import signal
import subprocess
import sys


def find_fault(arguments):
    """What is wrong with the run, or None."""
    environment = dict(os.environ)
    if arguments.preload:
        environment["LD_PRELOAD"] = arguments.preload
    run = subprocess.run(arguments.command, env=environment, capture_output=True, text=True,
                         timeout=60, check=False, stdin=subprocess.DEVNULL)
    said = run.stdout.splitlines()
    account = f"status {run.returncode}\nstdout: {run.stdout!r}\nstderr: {run.stderr!r}"
    if not said or not re.fullmatch("0x[0-9a-f]+", said[0]):
        return f"the program named no pointer: {account}"
    expected = f"ralloc: {arguments.sentence.replace('POINTER', said[0])}\n"
    if run.returncode != -signal.SIGABRT:
        return f"not ended by SIGABRT: {account}"
    if run.stderr != expected:
        return f"expected: {expected!r}\n{account}"
    if arguments.at_once and "still alive" in said:
        return f"noticed too late: {account}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preload", help="library to preload into the program")
    parser.add_argument("--at-once", action="store_true")
    parser.add_argument("sentence")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    fault = find_fault(arguments)
    if fault:
        sys.exit(fault)


if __name__ == "__main__":
    main()
