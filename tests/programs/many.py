#!/usr/bin/env python3
"""Programs of many languages and kinds under preloaded libraries.

Each script of many/ runs without a library first, and then under each: no command of it may fail, what
it prints must be the same, and no process of its may say anything of misuse or run without the library
(but those that a daemon starts in a session of its own, which are not seen). Packages that are
missing are named, and their programs left out.

Example: tests/programs/many.py build/release/libralloc.so --only php,postgresql
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from preload import Bench, Failure, check, check_equal

SCRIPTS = Path(__file__).resolve().parent / "many"
LIMIT_SECONDS = 180


class Program:
    def __init__(self, path):
        self.name = path.stem
        self.path = path
        text = path.read_text(encoding="utf-8")
        self.about = re.search(r"^# (?!packages)(.*)$", text, re.MULTILINE)[1]
        self.packages = re.search(r"^# packages: (.*)$", text, re.MULTILINE)[1].split()

    def missing(self):
        asked = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n",
                                *self.packages], capture_output=True, text=True, check=False)
        installed = {line.split()[0] for line in asked.stdout.splitlines()
                     if line.endswith(" installed")}
        return [package for package in self.packages if package not in installed]

    def run(self, library):
        """What it printed, and the process."""
        directory = tempfile.mkdtemp(prefix="ralloc-many-")
        os.chmod(directory, 0o755)  # for servers that become another user
        bench = Bench(library and str(library), directory, None)
        try:
            # The shell is preloaded as its children are.
            process = bench.run("bash", "-eu", "-o", "pipefail", self.path, timeout=LIMIT_SECONDS)
            return process.stdout(), process
        finally:
            bench.close()
            shutil.rmtree(directory, ignore_errors=True)


def all_programs():
    return [Program(path) for path in sorted(SCRIPTS.glob("*.sh"))]


def cells(process):
    return f"{process.wall_seconds:.1f} s, {process.peak_mib():.0f} MiB"


def run_all(programs, libraries):
    """Rows of the table, and what failed."""
    rows, failures = [], []
    for number, program in enumerate(programs, 1):
        print(f"[{number}/{len(programs)}] {program.name}", file=sys.stderr, flush=True)
        row = [program.name, program.about]
        missing = program.missing()
        if missing:
            rows.append(row + [f"needs {' '.join(missing)}"] + [""] * len(libraries))
            continue
        wanted = None
        for library in [None, *libraries]:
            try:
                printed, process = program.run(library)
                check(printed, f"{program.name} printed nothing")
                wanted = wanted or printed
                check_equal(printed, wanted, f"what {program.name} printed")
                row.append(cells(process))
            except Failure as failure:
                failures.append(f"{program.name} under {library or 'libc'}: {failure}")
                print(f"FAILED: {failures[-1]}", file=sys.stderr, flush=True)
                row.append("**fails**")
                if library is None:
                    break  # nothing to compare with
        rows.append(row + [""] * (3 + len(libraries) - len(row)))
    return rows, failures


def markdown(rows, names):
    heads = ["program", "what it does", "libc's malloc", *names]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def arguments():
    names = ", ".join(program.name for program in all_programs())
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="*", type=Path, help="libraries to preload")
    parser.add_argument("--only", metavar="NAMES", help=f"of {names}")
    parser.add_argument("--packages", action="store_true",
                        help="print the Debian packages that all of it needs, and end")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the table there too")
    return parser, parser.parse_args()


def main():
    parser, options = arguments()
    programs = all_programs()
    if options.only:
        chosen = set(options.only.split(","))
        unknown = chosen - {program.name for program in programs}
        if unknown:
            parser.error(f"no program {', '.join(sorted(unknown))}")
        programs = [program for program in programs if program.name in chosen]
    if options.packages:
        print(" ".join(sorted({package for program in programs for package in program.packages})))
        return 0
    if not options.libraries:
        parser.error("name a library to preload")
    # The maps show the file itself, not the links that lead to it.
    libraries = [Path(os.path.realpath(path)) for path in options.libraries]
    for library in libraries:
        if not library.is_file():
            parser.error(f"{library} is not there: build it first")
    rows, failures = run_all(programs, libraries)
    table = markdown(rows, [path.name for path in options.libraries])
    print(table)
    if options.markdown:
        options.markdown.write_text(table, encoding="utf-8")
    left_out = [row[0] for row in rows if row[2].startswith("needs")]
    if left_out:
        print(f"left out, since packages are missing: {', '.join(left_out)}")
    print(f"{len(rows) - len(left_out)} programs, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
