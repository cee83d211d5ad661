#!/usr/bin/env python3
"""The other tests' own tools: each kind of failure that they watch for must be noticed.

Runs small programs that misbehave in one way each, with the library preloaded.
"""

import os
import tempfile

from preload import Bench, Failure, check, find_program, main

# What is wrong, the shell script, what the failure must say; None if it must pass.
CASES = [
    ("nothing", "sleep 2; echo fine", None),
    ("exit status", "exit 3", "ended with status 3, not 0"),
    ("crash", "kill -SEGV $$", "ended with status -11, not 0"),
    ("hang", "sleep 1000", "did not end within 8 s"),
    ("misuse", "echo 'ralloc: free of 0x10: not a block' >&2", "printed: ralloc: free of 0x10"),
    ("misuse in a child", "(echo 'ralloc: x' >&2; kill -ABRT $BASHPID) || true",
     "printed: ralloc:"),
    ("not preloadable", "LD_PRELOAD=/no/such.so sleep 2", "cannot be preloaded"),
    ("child without the library", "env -u LD_PRELOAD sleep 2; true", "runs without"),
    ("process left", "sleep 1000 & exit 0", "left processes behind"),
]


def outcome(bench, script):
    """The failure's message, or None."""
    try:
        bench.run(find_program("bash", "bash"), "-c", script, timeout=8)
        return None
    except Failure as failure:
        return str(failure)


def test(bench):
    check(bench.library, "this test needs a library")
    for what, script, wanted in CASES:
        inner = Bench(bench.library, tempfile.mkdtemp(dir=bench.directory), bench.options)
        try:
            got = outcome(inner, script)
        finally:
            inner.close()
        right = got is None if wanted is None else wanted in (got or "")
        check(right, f"{what}: wanted the failure {wanted!r}, got {got!r}")
        bench.report(what, "judged right")

    try:
        bench.check_binds(os.path.realpath(find_program("bash", "bash")), "getpid_of_nobody")
    except Failure:
        bench.report("symbol of no program", "judged right")
    else:
        raise Failure("check_binds believes anything")


if __name__ == "__main__":
    main(test, 80)
