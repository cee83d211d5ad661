#!/usr/bin/env python3
"""Proves from the sources that the architecture is what the folders say.

Includes point only down the floors; the floors use no header that allocates or locks; an
atomic or a mutex is named only in shim/ and in the protocol headers of global_pool/; and the
house rules on volatile, fences, memory orders, #if and #pragma once hold. The rules are in
includes_rules.py, each with its reason.

  includes.py                         all sources of this project
  includes.py --compile CXX           each header compiles alone
  includes.py --self-test             seeds violations into a copy; each must be found
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from includes_rules import CLIENTS, FLOORS, PUBLIC, RULES, SOURCE, File, Found
from includes_seeds import SEEDS

def sources(root):
    paths = []
    for room in FLOORS + CLIENTS:
        for directory, _, names in os.walk(os.path.join(root, room)):
            if os.path.relpath(directory, root) == os.path.join("verify", "spin"):
                continue  # Promela
            paths += [os.path.relpath(os.path.join(directory, name), root) for name in names
                      if SOURCE.match(name)]
    return sorted(paths)


def check(root, paths):
    found = set()
    for path in paths:
        file = File(root, path)
        for rule in RULES:
            found |= {Found(path, line, rule.__name__, what) for line, what in rule(root, file)}
    return found


def report(found):
    for one in sorted(found):
        print(f"{one.path}:{one.line}: {one.what} [{one.rule}]")


def check_all(root):
    paths = sources(root)
    # A check of nothing would pass.
    for floor in FLOORS:
        if not any(path.startswith(floor + "/") for path in paths):
            sys.exit(f"{floor}/ has no sources")
    found = check(root, paths)
    report(found)
    if not found:
        print(f"{len(paths)} files keep {len(RULES)} rules")
    return len(found)


# Compiled with the tests of the shim alone, by a compiler of that system (tests/windows).
OF_OTHER_SYSTEMS = {"shim/windows.h"}


def compile_headers(root, compiler):
    headers = [path for path in sources(root) if path.endswith(".h")
               and not path.startswith("verify/") and path not in OF_OTHER_SYSTEMS]

    def compile_one(path):
        command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                   "-fsized-deallocation",
                   "-x", "c++", "-", "-I", root, "-I", os.path.join(root, PUBLIC),
                   "-I", os.path.join(root, "tests"),
                   '-DRALLOC_SUITE_MEMORY="bench/suite/by_malloc/memory.h"']
        # Twice: #pragma once must hold.
        source = f'#include "{path}"\n' * 2
        with open(os.path.join(root, path), encoding="utf-8") as file:
            is_config = re.search(r"^struct Config : ", file.read(), re.MULTILINE)
        if is_config and path != "shim/config.h":
            # The header of a configuration is included by that of the default (RALLOC_CONFIG).
            command.append(f'-DRALLOC_CONFIG_HEADER="{os.path.join(root, path)}"')
            source = '#include "shim/config.h"\n' + source
        return path, subprocess.run(command, input=source, text=True, capture_output=True,
                                    check=False)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
        for path, done in executor.map(compile_one, headers):
            if done.returncode != 0:
                failed += 1
                print(f"{path} does not compile alone:\n{done.stderr}")
    print(f"{len(headers) - failed} of {len(headers)} headers compile alone")
    return failed


def self_test(root):
    """Each seed is put into a copy of the real sources and must be found, and nothing else."""
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for path in sources(root):
            os.makedirs(os.path.join(directory, os.path.dirname(path)), exist_ok=True)
            shutil.copy(os.path.join(root, path), os.path.join(directory, path))
        rules_seen = set()
        for path, text, wanted in SEEDS:
            full = os.path.join(directory, path)
            if os.path.exists(full):
                sys.exit(f"the seed {path} would replace a source")
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
            # By way of sources(), so that a file that is not scanned at all is noticed.
            found = check(directory, [one for one in sources(directory) if one == path])
            os.remove(full)
            got = sorted({one.rule for one in found})
            rules_seen.update(got)
            if got != sorted(wanted):
                failed += 1
                print(f"seeded {path}:\n{text}\n  wanted {sorted(wanted)}\n  got    {got}")
                report(found)
    for rule in RULES:
        if rule.__name__ not in rules_seen:
            failed += 1
            print(f"no seed breaks {rule.__name__}")
    print(f"{len(SEEDS)} seeds, {failed} judged wrong")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(here))
    parser.add_argument("--compile", metavar="CXX")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        failures = self_test(options.root)
    elif options.compile:
        failures = compile_headers(options.root, options.compile)
    else:
        failures = check_all(options.root)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
