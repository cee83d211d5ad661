#!/usr/bin/env python3
"""RALLOC_OPTIONS and RALLOC_LOG of whole programs: that they do what they say, and what is said
about those that are not understood.

  options.py PROBE LIBRARY          under the drop-in library, preloaded
  options.py --setuid PROBE         PROBE, linked with the archive, as a setuid program

The second needs root and a file system with setuid programs; else it exits with 77 and says why.
"""
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

KIB = 1024
MIB = 1024 * KIB
NOBODY = 65534
SKIPPED = 77

# Nothing decays while the probe runs, however slow the machine is.
STILL = "decay_ms=1000000000"


# What the log build adds to standard error.
OF_THE_LOG = re.compile(r"\(\d+\.\d+\) [a-z]+ ")


def run(command, variables, **arguments):
    """What the probe found, by name, and the lines on standard error."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("RALLOC_OPTIONS", "RALLOC_LOG")} | variables
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100,
                          check=False, **arguments)
    if done.returncode != 0:
        sys.exit(f"{variables}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return (dict((name, int(number)) for name, number in map(str.split, done.stdout.splitlines())),
            [line for line in done.stderr.splitlines() if not OF_THE_LOG.match(line)])


class Cases:
    """Each is told, and all are run, whatever became of those before."""

    def __init__(self, command, library):
        self.command = command
        self.library = library
        self.failed = 0

    def probe(self, options, *arguments, **variables):
        if self.library is not None:
            variables["LD_PRELOAD"] = self.library
        return run(self.command + list(arguments), {"RALLOC_OPTIONS": options, **variables})

    def check(self, sentence, holds, seen):
        self.failed += not holds
        print(f"{'ok' if holds else 'FAILED'}: {sentence}" + ("" if holds else f": {seen}"))


def effects(cases):
    usual, said = cases.probe(STILL)
    cases.check("what is understood is not talked about", said == [], said)
    cases.check("memory that does not decay stays dirty", usual["large"] >= MIB, usual)
    cases.check("much of it too", usual["larges"] >= 12 * MIB, usual)
    cases.check("a child of fork is well", usual["child"] == 0, usual)

    seen, _ = cases.probe("decay_ms=0")
    cases.check("decay_ms=0 returns a large block when it is freed", seen["large"] == 0, seen)

    seen, _ = cases.probe(STILL + ",dirty_bytes=4M")
    cases.check("dirty_bytes bounds what is dirty", seen["larges"] <= 4 * MIB, seen)
    cases.check("and less stays", seen["large"] >= MIB, seen)

    seen, _ = cases.probe("", "decay")
    cases.check("one thread returns all that is due", seen["decayed"] < 2 * MIB, seen)
    seen, _ = cases.probe("decay_bytes=64k", "decay")
    cases.check("decay_bytes=64k lets it return one run", 6 * MIB <= seen["decayed"], seen)
    seen, _ = cases.probe("decay_bytes=4M", "decay")
    cases.check("decay_bytes=4M, four of a megabyte", 3 * MIB <= seen["decayed"] <= 5 * MIB, seen)

    for shards in (1, 2, 5):
        seen, _ = cases.probe(f"shards={shards}")
        cases.check(f"six threads share {shards} shards", seen["pages"] == shards, seen)

    # Blocks that the magazines may not keep go home, and their spans become free pages.
    cases.check("magazines keep blocks", usual["mediums"] < MIB, usual)
    for budget in ("magazine_bytes", "pool_bytes", "all_pools_bytes"):
        seen, _ = cases.probe(f"{STILL},{budget}=0")
        cases.check(f"{budget}=0 lets them keep few", seen["mediums"] >= 2 * MIB, seen)
        seen, _ = cases.probe(f"{STILL},{budget}=4M")
        cases.check(f"{budget}=4M lets them keep more", seen["mediums"] < 2 * MIB, seen)


def mistakes(cases):
    seen, said = cases.probe(STILL + ",shards=many,colour=red,dirty_bytes=4M", RALLOC_LOG="loud")
    cases.check("each mistake is told in one line, once", len(said) == 3, said)
    cases.check("a bad value is named, with what it can be and what is used",
                'ralloc: RALLOC_OPTIONS has "shards=many", but shards can be 0 to 128; '
                "the default is used, 0" in said, said)
    cases.check("so is an unknown name", any(
        line.startswith('ralloc: RALLOC_OPTIONS has "colour=red", which is ignored; options are '
                        "decay_ms, ") for line in said), said)
    cases.check("and a level that there is none of", any(
        line.startswith('ralloc: RALLOC_LOG has "loud", but log_level can be internal, ')
        for line in said), said)
    cases.check("the others are in force", seen["larges"] <= 4 * MIB <= 4 * seen["large"], seen)


def setuid(probe):
    """The status of the process."""
    if os.geteuid() != 0:
        print("skipped: only root can make a setuid program for another user to run")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        if os.statvfs(directory).f_flag & os.ST_NOSUID:
            print(f"skipped: {directory} is mounted nosuid")
            return SKIPPED
        copy = shutil.copy(probe, os.path.join(directory, "probe"))
        cases = Cases([copy], None)
        variables = {"RALLOC_OPTIONS": STILL + ",dirty_bytes=4M,colour=red", "RALLOC_LOG": "loud"}
        os.chmod(copy, 0o755)
        seen, said = run(cases.command, variables, user=NOBODY)
        cases.check("a plain program obeys its environment",
                    seen["secure"] == 0 and seen["larges"] <= 4 * MIB and len(said) == 2,
                    (seen, said))
        os.chmod(copy, 0o755 | stat.S_ISUID)
        seen, said = run(cases.command, variables, user=NOBODY)
        if seen["secure"] == 0:
            print("skipped: the kernel gives no setuid programs here")
            return SKIPPED
        cases.check("a setuid program does not", seen["larges"] > 4 * MIB, seen)
        cases.check("nor does it talk about it", said == [], said)
        return cases.failed


def main():
    if sys.argv[1] == "--setuid":
        sys.exit(setuid(sys.argv[2]))
    cases = Cases([sys.argv[1]], sys.argv[2])
    effects(cases)
    mistakes(cases)
    sys.exit(cases.failed)


if __name__ == "__main__":
    main()
