#!/usr/bin/env python3
"""The program that the model test prints of a failure compiles, and has the calls it should.

  program_test.py CXX INCLUDE_DIR MODEL_BROKEN
"""

import os
import subprocess
import sys

# A bug that shows at the end of a list that has no more to be left out, and a call in it.
BUGS = {
    "part_spills": "ralloc::free(p",
    "part_twice": "ralloc::free(p",
    "contents": "ralloc::realloc(p",
    "grow_overlaps": "ralloc::inplace_realloc",
    "grow_says_more": "ralloc::inplace_realloc_at_least(p",
    "at_least_more": "ralloc::alloc_at_least(",
    "validity": "ralloc::alloc(",
}


def program_of(model, bug):
    done = subprocess.run([model, "--operations", "10000", "--seed", "1"], check=False, text=True,
                          capture_output=True, env=dict(os.environ, RALLOC_TEST_BUG=bug))
    if done.returncode != 1 or "#include" not in done.stderr:
        sys.exit(f"{bug}: no program was printed:\n{done.stderr[-3000:]}")
    return done.stderr[done.stderr.index("#include"):]


def main():
    compiler, include, model = sys.argv[1:]
    for bug, call in BUGS.items():
        program = program_of(model, bug)
        done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra",
                               "-Wno-unused-variable", "-Werror", "-I", include, "-x", "c++", "-"],
                              input=program, check=False, text=True, capture_output=True)
        if done.returncode != 0 or call not in program:
            sys.exit(f"{bug}: wanted a program that compiles and has {call}\n{done.stderr}\n"
                     f"{program}")
    print(f"{len(BUGS)} programs compile")


if __name__ == "__main__":
    main()
