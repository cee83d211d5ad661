#!/usr/bin/env python3
"""stress-ng --malloc --verify under a preloaded library: several sizes, with threads.

stress-ng marks its blocks and with --verify fails if a mark is lost. Each run is bounded by
operations, and all of them must be done: a worker that died or gave up shows as too few.
"""

import re

from preload import check, find_program, main

RUNS = {
    "small, threads": (6_000_000, "--malloc-bytes", "1K", "--malloc-max", 20_000,
                       "--malloc-pthreads", 2),
    "medium, threads, zeroed": (500_000, "--malloc-bytes", "64K", "--malloc-max", 3000,
                                "--malloc-pthreads", 2, "--malloc-zerofree"),
    "large, touched": (40_000, "--malloc-bytes", "2M", "--malloc-max", 200, "--malloc-touch"),
    "any, threads, touched": (150_000, "--malloc-bytes", "300K", "--malloc-max", 500,
                              "--malloc-pthreads", 3, "--malloc-touch"),
}


def test(bench):
    program = find_program("stress-ng", "stress-ng")
    bench.check_binds(program, "malloc", "calloc", "realloc", "free", "posix_memalign",
                      "aligned_alloc", "memalign")
    for name, (operations, *options) in RUNS.items():
        process = bench.run(program, "--malloc", 2, "--verify", "--malloc-ops", operations,
                            *options, "--timeout", "60s", "--metrics", "--oomable",
                            "--temp-path", bench.directory, timeout=90)
        text = process.stdout() + process.stderr()
        check("successful run completed" in text, f"no success\n{process.output()}")
        check("fail" not in text.lower(), f"a failure\n{process.output()}")
        done = re.search(r"\] malloc +(\d+) ", text)
        check(done, f"no metrics\n{process.output()}")
        check(int(done[1]) >= operations, f"only {done[1]} of {operations} operations were done")
        # The one that was started, and a worker and its child for each of the two.
        check(len(process.processes()) >= 3,
              f"only {len(process.processes())} processes were seen")
        bench.report_process(process, f"stress-ng, {name}")


if __name__ == "__main__":
    main(test, 240)
