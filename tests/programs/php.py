#!/usr/bin/env python3
"""Debian's php under a preloaded library: its extensions are plugins loaded with RTLD_DEEPBIND.

The work is in php_workload.php: arrays, objects in cycles, growing strings, what the extensions'
libraries allocate, malloc and free called by FFI, forks; all with checked answers. It runs with
php's own allocator of small blocks, without it, and compiled as it runs.
"""

import json
import os
import subprocess

from preload import check_equal, find_program, main

SECTIONS = 6
JIT = ["-d", "opcache.enable_cli=1", "-d", "opcache.jit_buffer_size=32M", "-d", "opcache.jit=tracing"]
# Settings of the machine may disable functions.
WITH_LIMITS_OF_OURS = ["-d", "memory_limit=1G", "-d", "disable_functions="]


def extensions(php, env):
    source = "echo json_encode(get_loaded_extensions());"
    done = subprocess.run([php, "-r", source], env=env, capture_output=True, text=True, timeout=30,
                          check=False)
    check_equal((done.returncode, done.stderr), (0, ""), f"status and messages of {php} -r")
    return sorted(json.loads(done.stdout))


def test(bench):
    php = os.path.realpath(find_program("php", "php-cli"))
    bench.check_binds(php, "malloc", "realloc", "free", "dlopen")
    check_equal(extensions(php, bench.environment()),
                extensions(php, bench.environment(preload=False)), "extensions that were loaded")
    workload = os.path.join(os.path.dirname(os.path.abspath(__file__)), "php_workload.php")
    for what, flags, env in (("php", [], {}), ("php, each block from malloc", [],
                                               {"USE_ZEND_ALLOC": "0"}), ("php, compiled", JIT, {})):
        process = bench.run(php, *WITH_LIMITS_OF_OURS, *flags, workload, bench.library or "/",
                            timeout=100, **env)
        check_equal(process.stderr(), "", f"messages of {what}")
        check_equal(process.stdout().count("right: "), SECTIONS, "sections with right answers")
        bench.report_process(process, what)


if __name__ == "__main__":
    main(test, 240)
