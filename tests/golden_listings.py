#!/usr/bin/env python3
"""Compares the machine code of the malloc and free hits with reviewed listings.

The listing of a path is the kinds of its instructions, from the function's first to the first
`ret`: no conditional jump is taken, other than those that the path names, and direct jumps are
followed. Registers, offsets and constants are left out, so a listing changes when the work on
the path changes, and not when something moves. A change is reviewed like source: run with
--update and commit tests/golden/hit_paths.txt with what caused it.

  golden_listings.py LIBRARY            compares, and checks what no hit may contain
  golden_listings.py LIBRARY --update   writes the listings
  golden_listings.py --self-test CC     proves on small libraries that changes are noticed

The listings are those of one compiler (g++ 12, preset release); others lay code out otherwise.
"""

import argparse
import collections
import difflib
import os
import re
import subprocess
import sys
import tempfile

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "hit_paths.txt")

# (title, symbol, numbers of the conditional jumps taken, counted along the path from 0)
PATHS = [
    ("malloc, up to 1 KiB", "malloc", ()),
    ("malloc, above 1 KiB", "malloc", (0,)),
    ("free", "free", ()),
    ("operator new, up to 1 KiB", "_Znwm", ()),
    ("operator delete", "_ZdlPv", ()),
    ("operator delete with size", "_ZdlPvm", ()),
]

Instruction = collections.namedtuple("Instruction", "address mnemonic operands next")

LONGEST = 200
# A hit has no lock, no atomic, no call, no system call, no division.
FORBIDDEN = re.compile(r"(call|xchg|cmpxchg|xadd|i?div)[bwlq]?|lock|[lms]fence|syscall|rep\w*"
                       r"|int3?|ud2")
# x86-64 operations that only read their last operand.
READS_ONLY = re.compile(r"cmp(?!xchg)|test|bt[wlq]?$|push|prefetch")


class ListingError(Exception):
    pass


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def disassemble(library):
    """All instructions of the library by address."""
    lines = []
    for line in output_of("objdump", "-dw", "--no-show-raw-insn", library).splitlines():
        match = re.match(r"\s*([0-9a-f]+):\t(.*)", line)
        if match:
            # Not the comment, nor the symbol of a target.
            text = re.sub(r"\s*(#.*|<[^>]*>)$", "", match[2].split("#")[0].rstrip())
            prefix = re.match(r"((?:lock|rep\w*|bnd|notrack|data16|cs)\s+)*", text)[0]
            mnemonic, _, operands = text[len(prefix):].partition(" ")
            lines.append((int(match[1], 16), prefix + mnemonic, operands.strip()))
    following = [line[0] for line in lines[1:]] + [None]
    return {line[0]: Instruction(*line, after) for line, after in zip(lines, following)}


def addresses(library):
    found = {}
    for line in output_of("nm", "-D", "--defined-only", library).splitlines():
        address, _, name = line.split()
        found[name.partition("@")[0]] = int(address, 16)
    return found


def follow(code, address, taken):
    """The instructions from `address` to the first ret."""
    path, jumps = [], 0
    while True:
        at = code.get(address)
        if at is None or len(path) == LONGEST:
            raise ListingError(f"the path leaves the code, or is too long, at {address or 0:#x}")
        path.append(at)
        address = at.next
        if at.mnemonic.startswith("ret"):
            return path
        if at.mnemonic.startswith("jmp"):
            if not re.fullmatch(r"[0-9a-f]+", at.operands):
                raise ListingError(f"the path jumps to {at.operands}, which only the run tells")
            address = int(at.operands, 16)
        elif at.mnemonic.startswith("j"):
            if jumps in taken:
                address = int(at.operands, 16)
            jumps += 1


def split_operands(text):
    """By the commas outside of parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def kind_of(operand):
    if operand.startswith("$"):
        return "constant"
    if re.match(r"%fs:", operand):
        return "thread-local memory"
    if operand.startswith("%"):
        return "register"
    if "(%rip)" in operand:
        return "own data"
    if "(" in operand:
        return "memory"
    return "address"


def is_memory(kind):
    return kind in ("memory", "own data", "thread-local memory")


def describe(instruction, is_taken):
    """One line: the operation, the kinds of its operands, what it does to memory or control."""
    mnemonic = instruction.mnemonic
    if mnemonic.startswith(("jmp", "ret")):
        return mnemonic, "", ""
    if mnemonic.startswith("j"):
        return mnemonic, "", "branch, taken" if is_taken else "branch"
    kinds = [kind_of(part) for part in split_operands(instruction.operands)]
    if mnemonic.startswith(("lea", "nop")):  # memory operands that are only computed
        return mnemonic, " -> ".join(kinds).replace("memory", "sum"), ""
    loads = any(map(is_memory, kinds[:-1]))
    stores = False
    if kinds and is_memory(kinds[-1]):
        stores = not READS_ONLY.match(mnemonic)
        loads |= not mnemonic.startswith(("mov", "set", "pop"))
    tags = ["load"] * loads + ["store"] * stores
    return mnemonic, " -> ".join(kinds), ", ".join(tags)


def listing(code, start, title, taken):
    """The lines of one path, and the reasons for which no hit may be like it."""
    path = follow(code, start, taken)
    lines, jumps, counts, wrong = [], 0, collections.Counter(), []
    for instruction in path:
        conditional = re.match(r"j(?!mp)", instruction.mnemonic)
        line = describe(instruction, conditional and jumps in taken)
        jumps += bool(conditional)
        for tag in ("load", "store", "branch"):
            counts[tag] += tag in line[2]
        if any(FORBIDDEN.fullmatch(word) for word in instruction.mnemonic.split()):
            wrong.append(f"{title}: a hit may not contain {instruction.mnemonic}")
        lines.append(f"    {line[0]:<8} {line[1]:<34} {line[2]}".rstrip())
    head = (f"{title}: {len(path)} instructions, {counts['load']} loads, {counts['store']} stores, "
            f"{counts['branch']} branches")
    return [head] + lines + [""], wrong


def listings(library, paths):
    code, where = disassemble(library), addresses(library)
    lines, wrong = [], []
    for title, symbol, taken in paths:
        try:
            more, reasons = listing(code, where[symbol], title, taken)
        except (ListingError, KeyError) as error:
            more, reasons = [f"{title}: no listing", ""], [f"{title}: {error}"]
        lines += more
        wrong += reasons
    return lines, wrong


def compare(library):
    lines, wrong = listings(library, PATHS)
    for reason in wrong:
        print(reason)
    with open(GOLDEN, encoding="utf-8") as file:
        golden = file.read().splitlines()
    # The golden file ends after the last path's empty line.
    diff = list(difflib.unified_diff(golden, lines, "tests/golden/hit_paths.txt", library,
                                     lineterm="", n=100))
    for line in diff:
        print(line)
    if diff:
        print("\nThe hits have changed. If that is right, review it: golden_listings.py --update.")
    if diff or wrong:
        return 1
    print("\n".join(line for line in lines if re.match(r"\S", line)))
    return 0


def update(library):
    lines, wrong = listings(library, PATHS)
    for reason in wrong:
        print(reason)
    if wrong:
        return 1
    with open(GOLDEN, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(f"wrote {GOLDEN}")
    return 0


# --- Self-test -----------------------------------------------------------------------------------
SEED = """
extern long slow(long); static long top[8]; static long hits;
long hit(long i) {{
  if (__builtin_expect(i > 7, 0)) return slow(i);
  {more}
  return top[i];
}}
void set(long i, long v) {{ top[i] = v; hits = v; }}
long* get(void) {{ return &hits; }}
"""
SELF_TESTS = [
    # What is seeded, its code, whether the listing differs, what must be called wrong.
    ("nothing", "", False, []),
    ("a constant", "i ^= 0;", False, []),
    ("a store", "hits = i;", True, []),
    ("a counter", "hits++;", True, []),
    ("a branch", "if (__builtin_expect(i == 3, 0)) return slow(3);", True, []),
    ("an instruction", "i ^= i >> 1;", True, []),
    ("an atomic", "__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);", True, ["lock add"]),
    ("an exchange", "__atomic_exchange_n(&hits, 1, __ATOMIC_RELAXED);", True, ["xchg"]),
    ("a call", "slow(1);", True, ["call"]),
    ("a division", "i = 100 / (i + 1);", True, ["div"]),
]


def self_test(compiler):
    def list_of(more):
        with tempfile.TemporaryDirectory() as directory:
            library = os.path.join(directory, "library.so")
            subprocess.run([compiler, "-x", "c", "-", "-shared", "-fPIC", "-O2",
                            "-fcf-protection=none", "-o", library],
                           input=SEED.format(more=more), text=True, check=True)
            return listings(library, [("hit", "hit", ())])

    failed = 0
    plain, _ = list_of("")
    for what, more, differs, words in SELF_TESTS:
        lines, wrong = list_of(more)
        right = (lines != plain) == differs and len(wrong) >= len(words) and all(
            any(word in reason for reason in wrong) for word in words)
        right &= bool(words) or not wrong
        if not right:
            failed += 1
            print(f"seeded {what}:\n" + "\n".join(lines + wrong))
    print(f"{len(SELF_TESTS) - failed} of {len(SELF_TESTS)} seeded changes judged right")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", nargs="?")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--self-test", metavar="CC")
    options = parser.parse_args()
    if options.self_test:
        sys.exit(1 if self_test(options.self_test) else 0)
    if not options.library:
        parser.error("a library is missing")
    sys.exit(update(options.library) if options.update else compare(options.library))


if __name__ == "__main__":
    main()
