#!/usr/bin/env python3
"""Weaves bugs into a copy of the floors, so that a check can be checked: the sources that ship
carry no trace of them, and one build of the copy has all of them, each behind a switch.

  seed_bugs.py BUGS SOURCE_DIR OUT_DIR     makes the copy (files that did not change stay)
  seed_bugs.py --list BUGS                 prints the names of the bugs
  seed_bugs.py --self-test

The copy has the sources and headers of shim, global_pool, local_pool and alloc without their
tests, and seeded_bug.h, which says how a bug is chosen. BUGS is text:

  # A comment.
  file shim/mutex.h                      an edit before the first bug is always there
  - one line of the file, whole
  + what stands in its place
  bug take_without_lock
  why: any `key: value`, for whoever reads the list
  file global_pool/shard.h
  = a line that finds the place, and stays
  - Guard guard(mutex_);
  + Guard guard(mutex_, BUG);

BUG is true while this bug is chosen, BUG(name) while that one is. A bug may have many edits, and
an edit many lines; `file` begins one. Its = and - lines follow each other in the shipped file
(indentation aside) and must occur there exactly once, so that the list follows the source. All
edits refer to the file as it ships and may not replace the same lines: bugs at one place share
an edit, which names the others by BUG(name). The + lines become one line in the place of the
first of the - lines before them, so all lines keep their numbers.
"""

import argparse
import collections
import os
import re
import sys
import tempfile

FLOORS = ["shim", "global_pool", "local_pool", "alloc"]
SWITCH = re.compile(r"\bBUG\b(?:\((\w+)\))?")

Bug = collections.namedtuple("Bug", "name notes")
# The lines of an edit, as (mark, text); bug is None for an edit that is always there.
Edit = collections.namedtuple("Edit", "bug file lines where")


class Mistake(Exception):
    """What is wrong with the list of bugs."""


def parse(text):
    """The bugs, in order, and the edits of a list."""
    bugs, edits = [], []
    for number, line in enumerate(text.splitlines(), 1):
        where = f"line {number}"
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] in "=-+":
            if not edits or edits[-1].bug is not (bugs[-1].name if bugs else None):
                raise Mistake(f"{where}: there is no `file` before this edit")
            edits[-1].lines.append((line[0], line[1:].strip()))
        elif match := re.fullmatch(r"bug (\w+)", line):
            if any(bug.name == match[1] for bug in bugs):
                raise Mistake(f"{where}: there is a bug {match[1]} already")
            bugs.append(Bug(match[1], {}))
        elif match := re.fullmatch(r"file (\S+)", line):
            edits.append(Edit(bugs[-1].name if bugs else None, match[1], [], where))
        elif (match := re.fullmatch(r"(\w+): (.+)", line)) and bugs:
            bugs[-1].notes[match[1]] = match[2]
        else:
            raise Mistake(f"{where}: not understood: {line}")
    return bugs, edits


def replacement(edit, numbers):
    """The + lines of an edit with their conditions, by the number of - and = lines before."""
    at, added = 0, collections.defaultdict(list)
    removed = None  # where the - lines before began
    for mark, text in edit.lines:
        if mark == "+":
            if removed is None:
                raise Mistake(f"{edit.where}: a + line without a - line before it")
            added[removed].append(text)
            continue
        if mark == "=":
            removed = None
        elif removed is None:
            removed = at
        at += 1

    def condition(match):
        return f"(::ralloc::seeded_bug() == {numbers[match[1] or edit.bug]})"

    lines = {}
    for place, texts in added.items():
        if any("//" in text for text in texts[:-1]):
            raise Mistake(f"{edit.where}: a comment would hide the + lines after it")
        lines[place] = SWITCH.sub(condition, " ".join(texts))
    return lines


def find(edit, stripped):
    wanted = [text for mark, text in edit.lines if mark != "+"]
    places = [i for i in range(len(stripped) - len(wanted) + 1)
              if stripped[i:i + len(wanted)] == wanted]
    if not wanted or len(places) != 1:
        raise Mistake(f"{edit.where}: its lines are {len(places)} times in {edit.file}, not once")
    return places[0]


def weave(text, edits, numbers):
    """The text of a file with these edits in it."""
    lines = text.splitlines()
    stripped = [line.strip() for line in lines]
    replaced = {}  # line: the edit that does
    for edit in edits:
        begin = find(edit, stripped)
        added = replacement(edit, numbers)
        for i, (mark, _) in enumerate(line for line in edit.lines if line[0] != "+"):
            if mark == "=":
                continue
            if begin + i in replaced:
                raise Mistake(f"{edit.where}: {replaced[begin + i].where} replaces the same line")
            replaced[begin + i] = edit
            old = lines[begin + i]
            indent = old[:len(old) - len(old.lstrip())]
            lines[begin + i] = indent + added[i] if i in added else ""
    return "\n".join(lines) + "\n"


def sources(root):
    for floor in FLOORS:
        for directory, _, names in os.walk(os.path.join(root, floor)):
            for name in sorted(names):
                if name.endswith((".h", ".cc")) and not name.endswith("_test.cc"):
                    yield os.path.relpath(os.path.join(directory, name), root)


def header(bugs, origin):
    names = "".join(f'    "{bug.name}",\n' for bug in bugs)
    return f"""\
// The bugs of {origin}, woven into the sources beside this header by cmake/seed_bugs.py.
//
// Thread safety: choose the bug before the first thread, and before the allocator's first call.
#pragma once

namespace ralloc {{

// Number 0 is no bug.
inline constexpr const char* kSeededBugs[] = {{
    "",
{names}}};

inline constinit int seeded_bug_number = 0;
inline int seeded_bug() {{ return seeded_bug_number; }}

}}  // namespace ralloc
"""


def write(path, text):
    """Keeps the file's age if that is its text already: what depends on it is not rebuilt."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def seed(bugs_text, origin, source, out):
    bugs, edits = parse(bugs_text)
    numbers = {bug.name: number for number, bug in enumerate(bugs, 1)}
    used = {match[1] or edit.bug for edit in edits for mark, text in edit.lines if mark == "+"
            for match in SWITCH.finditer(text)}
    for name in used - set(numbers):
        raise Mistake(f"there is no bug {name}, but a condition for it")
    for name in set(numbers) - used:
        raise Mistake(f"the bug {name} changes nothing")
    paths = list(sources(source))
    for edit in edits:
        if edit.file not in paths:
            raise Mistake(f"{edit.where}: there is no source {edit.file}")
    texts = {"seeded_bug.h": header(bugs, origin)}
    for path in paths:
        full = os.path.abspath(os.path.join(source, path))
        with open(full, encoding="utf-8") as file:
            texts[path] = file.read()
        here = [edit for edit in edits if edit.file == path]
        if here:
            # Reports name the file that ships, and its lines.
            texts[path] = (f'#include "seeded_bug.h"\n#line 1 "{full}"\n'
                           + weave(texts[path], here, numbers))
    for path, text in texts.items():
        write(os.path.join(out, path), text)


# --- Self-test -----------------------------------------------------------------------------------

SOURCE_TEXT = "#pragma once\nint f() {\n  a();\n  b();\n}\nint g() {\n  a();\n  c();  // why\n}\n"
# (list, its woven text, or a part of what is said against it)
CASES = [
    ("bug x\nwhy: w\nfile shim/s.h\n= int g() {\n- a();\n+ if (!BUG) a();\n",
     SOURCE_TEXT.replace("g() {\n  a()", "g() {\n  if (!(::ralloc::seeded_bug() == 1)) a()")),
    # Lines keep their numbers, whether there are fewer or more.
    ("bug x\nfile shim/s.h\n- a();\n- b();\n+ if (BUG) {}\n",
     SOURCE_TEXT.replace("  a();\n  b();", "  if ((::ralloc::seeded_bug() == 1)) {}\n")),
    ("bug x\nfile shim/s.h\n- b();\n+ b();\n+ if (BUG) b();  // twice\n",
     SOURCE_TEXT.replace("b();", "b(); if ((::ralloc::seeded_bug() == 1)) b();  // twice")),
    # Two bugs, each with edits of its own; one edit for both; one that is always there.
    ("bug x\nfile shim/s.h\n- b();\n+ b(BUG);\nbug y\nfile shim/s.h\n- c();  // why\n+ c(BUG);\n",
     SOURCE_TEXT.replace("b()", "b((::ralloc::seeded_bug() == 1))")
     .replace("c();  // why", "c((::ralloc::seeded_bug() == 2));")),
    ("bug x\nfile shim/s.h\n- b();\n+ b(BUG || BUG(y));\nbug y\n",
     SOURCE_TEXT.replace("b()", "b((::ralloc::seeded_bug() == 1) || "
                                "(::ralloc::seeded_bug() == 2))")),
    ("file shim/s.h\n- b();\n+ d();\nbug x\nfile shim/s.h\n- c();  // why\n+ c(BUG);\n",
     SOURCE_TEXT.replace("b()", "d()")
     .replace("c();  // why", "c((::ralloc::seeded_bug() == 1));")),
    # Mistakes.
    ("bug x\nfile shim/s.h\n- a();\n+ if (BUG) a();\n", "2 times"),
    ("bug x\nfile shim/s.h\n- gone();\n+ if (BUG) a();\n", "0 times"),
    ("bug x\nfile shim/s.h\n- b();\n+ c();\n", "the bug x changes nothing"),
    ("bug x\n", "the bug x changes nothing"),
    ("bug x\nfile shim/s.h\n- b();\n+ c(BUG);\nbug x\n", "a bug x already"),
    ("bug x\nfile shim/s.h\n- b();\n+ c(BUG(y));\n", "no bug y"),
    ("file shim/s.h\n- b();\n+ c(BUG);\n", "no bug None"),
    ("bug x\nfile shim/t.h\n- b();\n+ c(BUG);\n", "no source shim/t.h"),
    ("bug x\n- b();\n+ c(BUG);\n", "no `file`"),
    ("file shim/s.h\n- b();\n+ d();\nbug x\n- c();  // why\n+ c(BUG);\n", "no `file`"),
    ("bug x\nfile shim/s.h\n= b();\n+ c(BUG);\n", "without a - line"),
    ("bug x\nfile shim/s.h\n- b();\n+ b();  // hides\n+ c(BUG);\n", "would hide"),
    ("bug x\nfile shim/s.h\n- b();\n+ c(BUG);\nbug y\nfile shim/s.h\n- b();\n+ d(BUG);\n",
     "replaces the same line"),
    ("bug x\nfile shim/s.h\nb();\n", "not understood"),
]


def self_test():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        source, out = os.path.join(directory, "source"), os.path.join(directory, "out")
        write(os.path.join(source, "shim/s.h"), SOURCE_TEXT)
        write(os.path.join(source, "shim/s_test.cc"), "not copied")
        write(os.path.join(source, "alloc/include/ralloc/r.h"), "copied\n")
        for text, wanted in CASES:
            try:
                seed(text, "bugs.txt", source, out)
                with open(os.path.join(out, "shim/s.h"), encoding="utf-8") as file:
                    first, line, got = file.read().split("\n", 2)
                good = (got == wanted and first == '#include "seeded_bug.h"'
                        and line.startswith("#line 1 "))
            except Mistake as mistake:
                got = str(mistake)
                good = not wanted.startswith("#pragma") and wanted in got
            if not good:
                failed += 1
                print(f"the list\n{text}\n  wanted {wanted!r}\n  got    {got!r}")
        copied = sorted(sources(out))
        if copied != ["alloc/include/ralloc/r.h", "shim/s.h"]:
            failed += 1
            print(f"copied: {copied}")
        # What did not change keeps its age.
        path = os.path.join(out, "alloc/include/ralloc/r.h")
        os.utime(path, (1, 1))
        seed(CASES[0][0], "bugs.txt", source, out)
        if os.stat(path).st_mtime != 1:
            failed += 1
            print("a file that did not change was written anew")
    print(f"{len(CASES)} lists, {failed} failures")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", metavar="BUGS")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("paths", nargs="*", metavar="BUGS SOURCE_DIR OUT_DIR")
    options = parser.parse_args()
    if options.self_test:
        sys.exit(1 if self_test() else 0)
    if options.list is None and len(options.paths) != 3:
        parser.error("wanted BUGS SOURCE_DIR OUT_DIR")
    bugs_file = options.list or options.paths[0]
    with open(bugs_file, encoding="utf-8") as file:
        text = file.read()
    try:
        if options.list:
            print("\n".join(bug.name for bug in parse(text)[0]))
        else:
            origin = os.path.relpath(bugs_file, options.paths[1])
            seed(text, origin, *options.paths[1:])
    except Mistake as mistake:
        sys.exit(f"{bugs_file}: {mistake}")


if __name__ == "__main__":
    main()
