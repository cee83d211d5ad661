#!/usr/bin/env python3
"""g++ -O2 under a preloaded library builds a program; both must do what they do without it.

The compiler proper (cc1plus), the assembler and the linker inherit the preload; each is seen
with the library mapped. The object file must be identical to the one compiled on the system's
malloc, and the program, preloaded too, must print answers that are computed here another way.
"""

import collections
import os

from preload import check, check_equal, find_program, main


def numbers(seed):
    while True:
        seed = (seed * 1664525 + 1013904223) % 2**32
        yield seed


def answers():
    generator = numbers(7)
    counts = collections.Counter(f"word number {next(generator) >> 16}" for _ in range(200_000))
    words = sum(count * count + len(word) for word, count in counts.items())
    threads = 0
    for seed in range(1, 9):
        generator = numbers(seed)
        threads += sum(next(generator) >> 8 for _ in range(20_000))
    message = "a message that is too long for the small string "
    return {
        "primes": 78_498,  # known: the number of primes below a million
        "powers": (3**30 - 1) // 2,
        "tree": words,
        "hash": words,
        "regex": 2999 * 3000 * 5999 // 6,
        "threads": threads,
        "thrown": sum(len(f"{message}{i}") for i in range(2000)) + 1_000_000,
        "pooled": 1000 + 200 * (99 * 100 // 2) + 10_000,
    }


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test(bench):
    compiler = find_program("g++", "g++")
    bench.check_binds(compiler, "malloc", "free", "realloc")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gcc_input.cc")
    # By a pipe the assembler lives as long as the compiler, and cannot end unseen.
    flags = ("-pipe", "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-c",
             source, "-o")

    compiled = bench.run(compiler, *flags, "input.o", timeout=120)
    compiled.check_mapped("cc1plus")
    compiled.check_mapped(os.path.basename(os.path.realpath(find_program("as", "binutils"))))
    bench.report_process(compiled, "g++ -O2 -c (cc1plus, as)")
    plain = bench.run(compiler, *flags, "plain.o", timeout=120, preload=False)
    bench.report_process(plain, "the same without a preload")
    check(read(os.path.join(bench.directory, "input.o"))
          == read(os.path.join(bench.directory, "plain.o")), "the object files differ")

    linked = bench.run(compiler, "-pthread", "input.o", "-o", "program", timeout=60)
    bench.report_process(linked, "g++, linking")
    program = os.path.join(bench.directory, "program")
    ran = bench.run(program, timeout=60)
    wanted = "".join(f"{name} {value}\n" for name, value in answers().items())
    check_equal(ran.stdout(), wanted, "answers of the compiled program")
    bench.report_process(ran, "the program")


if __name__ == "__main__":
    main(test, 240)
