#!/usr/bin/env python3
"""Runs a program under a debugger, and compares what that reports.

  run_debugged.py --tool TOOL --expected KIND PROGRAM [FAULT SIZE]

KIND is found in the report, and the function FAULT in the stack that follows; with no KIND there
is no report. TOOL is memcheck; memcheck_own, where Valgrind leaves malloc to the program; asan; or
leaks, which is no debugger, but RALLOC_OPTIONS=leaks=1.
"""

import argparse
import os
import re
import subprocess
import sys

LINES_OF_A_STACK = 24  # from the kind on
MEMCHECK = ["valgrind", "--leak-check=full", "--num-callers=20", "--error-exitcode=9"]
OWN = ["--soname-synonyms=somalloc=nouserintercepts"]
CLEAN = {"memcheck": "ERROR SUMMARY: 0 errors", "memcheck_own": "ERROR SUMMARY: 0 errors"}
# Said by a tool that has anything to report, or is not content.
REPORTS = r"Invalid |uninitialised|lost in loss|Mismatched|ERROR: |runtime error|[Ww]arning: |^ralloc"


def run(arguments):
    environment = dict(os.environ)
    command = arguments.command
    if arguments.tool.startswith("memcheck"):
        command = MEMCHECK + (OWN if arguments.tool == "memcheck_own" else []) + command
    if arguments.tool == "asan":  # our own messages come with a stack too
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":handle_abort=1"
    if arguments.tool == "leaks":
        environment["RALLOC_OPTIONS"] = "leaks=1"
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100,
                            check=False, stdin=subprocess.DEVNULL)
    return result.returncode, result.stderr


def find_fault_of_leaks(text, is_leak, fault, size):
    """The list has the block: by its stack in the debugger build, else by its size."""
    if not is_leak:
        return None if re.search(r"^ralloc: leaks: none", text, re.M) else "not without leaks"
    by_stack = re.search(r"^ralloc: leaks: (\d+) bytes in 1 block, allocated by$(.*)", text,
                         re.M | re.S)
    if by_stack and int(by_stack[1]) == size:
        frame = rf"^ralloc:     {fault}\w* \(.+\+0x[0-9a-f]+\)$"
        return None if re.search(frame, by_stack[2].split("leaks:")[0], re.M) else "not the stack"
    rows = {int(a): int(b) for a, b in re.findall(r"^ralloc: +(\d+) +(\d+) +\d+$", text, re.M)}
    most = size + (size // 4 if size <= 32768 else 65536)
    fitting = [blocks for block, blocks in rows.items() if size <= block <= most]
    return None if fitting == [1] else "the block is not listed, once"


def find_fault(arguments):
    code, text = run(arguments)
    fault, size = (arguments.command[1], int(arguments.command[2])) \
        if len(arguments.command) > 2 else (None, 0)
    if arguments.tool == "leaks":
        wrong = find_fault_of_leaks(text, bool(arguments.expected), fault, size)
    elif not arguments.expected:
        wrong = None
        if code != 0 or CLEAN.get(arguments.tool, "") not in text:
            wrong = f"it ended with {code}"
        elif re.search(REPORTS, text, re.M):
            wrong = "something was reported"
    else:
        wrong = f"no {arguments.expected} in {fault}"
        lines = text.splitlines()
        for number, line in enumerate(lines):
            stack = "\n".join(lines[number:number + LINES_OF_A_STACK])
            if arguments.expected in line and re.search(rf"\b{fault}\b", stack):
                wrong = None
        if code == 0 and arguments.expected != "definitely lost":
            wrong = wrong or "it ended well"
    return f"{wrong}:\n{text}" if wrong else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", choices=["memcheck", "memcheck_own", "asan", "leaks"])
    parser.add_argument("--expected", default="")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    wrong = find_fault(parser.parse_args())
    if wrong:
        sys.exit(wrong)


if __name__ == "__main__":
    main()
