#!/usr/bin/env python3
"""Compares the machine code of the protocol's small steps with that of code written by hand.

Both libraries are compiled with the options of the product; the first from the headers that
ship, with their policies, the second from plain fields and std::atomic. Each function must have
the same kinds of instructions in the same order, as golden_listings.py lists them.

  zero_cost.py SHIPPED BY_HAND                      must be the same
  zero_cost.py COSTLY BY_HAND --differs NAME...     must differ in these functions and no others
"""

import argparse
import difflib
import re
import sys

from golden_listings import describe, disassemble, output_of

PADDING = re.compile(r"((data16|cs)\s+)*nop[wl]?|xchg %ax,%ax")


def functions(library):
    """For each exported function: a line for each of its instructions."""
    code, found = disassemble(library), {}
    for line in output_of("nm", "-D", "-S", "--defined-only", library).splitlines():
        start, size, _, name = line.split()
        at, end = int(start, 16), int(start, 16) + int(size, 16)
        found[name] = []
        while at is not None and at < end:
            one = code[at]
            if not PADDING.match(f"{one.mnemonic} {one.operands}".strip()):
                found[name].append(" ".join(filter(None, describe(one, False))))
            at = one.next
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("by_hand")
    parser.add_argument("--differs", nargs="+", default=[], metavar="NAME")
    options = parser.parse_args()
    here, by_hand = functions(options.library), functions(options.by_hand)
    if here.keys() != by_hand.keys() or not all(here.values()):
        sys.exit(f"not the same functions: {sorted(here)} and {sorted(by_hand)}")
    wrong = 0
    for name, lines in sorted(here.items()):
        same = lines == by_hand[name]
        print(f"{name}: {len(by_hand[name])} instructions by hand, {len(lines)} here, "
              f"{'the same' if same else 'different'}")
        if same == (name in options.differs):
            wrong += 1
            print("\n".join(difflib.unified_diff(by_hand[name], lines, "by hand", "here", n=99,
                                                 lineterm="")))
    sys.exit(wrong)


if __name__ == "__main__":
    main()
