#!/usr/bin/env python3
"""Debian's python3 under a preloaded library, with PYTHONMALLOC=malloc.

The work is in python_workload.py: containers, growing buffers, threads that hand blocks over,
short-lived threads, zlib, json, sqlite3, malloc called from ctypes, fork beside allocating
threads, a process pool, subprocesses; all with checked answers.
"""

import os
import shutil

from preload import check, check_equal, main

SECTIONS = 11


def test(bench):
    # Debian's own, whatever else PATH names.
    python = shutil.which("python3", path="/usr/bin:/bin")
    check(python, "python3 is not installed (Debian package python3)")
    bench.check_binds(python, "malloc", "calloc", "realloc", "free")
    workload = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python_workload.py")
    process = bench.run(python, "-B", workload, bench.library or "", timeout=150,
                        PYTHONMALLOC="malloc")
    check_equal(process.stdout().count("right: "), SECTIONS, "sections with right answers")
    # The forked children and the subprocesses were seen as well, and check_mapped saw them.
    check(len(process.processes()) >= 10, f"only {len(process.processes())} processes were seen")
    bench.report_process(process)


if __name__ == "__main__":
    main(test, 180)
