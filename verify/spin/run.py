#!/usr/bin/env python3
"""Searches the Promela models of this folder exhaustively, and checks that each can fail.

  run.py               every model, and every bug that a model names
  run.py --only NAME   one model
  run.py --list        models, their properties and bugs
  run.py --self-test   proves on tiny models that each kind of failure is noticed

A model NAME.pml is searched for violated assertions and invalid end states (its property
"safety"), and then for each `ltl` claim under weak fairness. It holds if the search was complete
and found nothing, and if every statement was reached. What cannot be reached is named in the
model, as pan prints it:

  /* unreached: "x = 0", for what follows from something else */

The end of a process is no such statement where a model has an `end` label: its threads go on.

Then the negative controls. Each word BUG_... in NAME.pml, in code or in a comment, is defined
for the model, and must be found as a violated assertion, an invalid end state or an acceptance
cycle. Bugs of *.inc files belong to the models that name them, and each to one at least.

On a violation the way to it is printed (the shortest, of one of safety), and the command that
prints it again.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEPTH = 6_000_000
# pan clears memory for each step of the depth before it begins, which takes longer than most bugs
# do; one that lies deeper is not found, and that is a failure.
DEPTH_OF_BUGS = 1_000_000
DEPTH_OF_TINY = 10_000
LONGEST_SECONDS = 120
FEWEST_CONTROLS = 12
LONGEST_TRAIL = 300  # lines printed of one
SAFETY = "safety"

BUG = re.compile(r"\bBUG_\w+")
UNREACHED = re.compile(r'/\* unreached: "(.*?)", for .+? \*/', re.DOTALL)
ERROR = re.compile(r"pan:\d+: (assertion violated|invalid end state|acceptance cycle)(.*)")
COUNTS = re.compile(r"depth reached (\d+), errors: (\d+)\s+(\d+) states, stored")
INCOMPLETE = ["max search depth too small", "Search not completed", "out of memory", "truncated"]

Model = collections.namedtuple("Model", "name claims bugs unreached endless")
# error is None, or what pan reported; broken is None, or why the search proves nothing.
Search = collections.namedtuple("Search", "states depth seconds error broken output")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_model(directory, name):
    text = read(os.path.join(directory, name + ".pml"))
    return Model(name, re.findall(r"^ltl (\w+)", text, re.MULTILINE),
                 sorted(set(BUG.findall(text))), UNREACHED.findall(text),
                 re.search(r"^\s*end\w*:", text, re.MULTILINE) is not None)


def read_models(directory):
    return [read_model(directory, name[:-4]) for name in sorted(os.listdir(directory))
            if name.endswith(".pml")]


def bugs_of_nobody(directory, models):
    """Bugs of shared files that no model names."""
    named = {bug for model in models for bug in model.bugs}
    shared = {bug for name in os.listdir(directory) if name.endswith(".inc")
              for bug in BUG.findall(read(os.path.join(directory, name)))}
    return sorted(shared - named)


# --- One search ----------------------------------------------------------------------------------

class Broken(Exception):
    """Why there is no search, in words."""


def output_of(directory, *command):
    """Exit status and all output."""
    try:
        done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Broken(f"not finished in {LONGEST_SECONDS} s: {' '.join(command)}") from None
    return done.returncode, done.stdout


def copy_sources(directory, work, model, what):
    """To a folder for this claim or bug alone."""
    place = os.path.join(work, model.name, what)
    os.makedirs(place, exist_ok=True)
    for name in os.listdir(directory):
        if name.endswith((".pml", ".inc")):
            shutil.copy(os.path.join(directory, name), place)
    return place


def spin_bug(bug):
    return [f"-D{bug}"] if bug else []


def is_tiny(place, model):
    return os.path.getsize(os.path.join(place, model.name + ".pml")) < 1000


def compile_pan(place, model, bug, flags):
    # Bugs are found soon, and tiny models searched: there the compiler takes longer.
    optimization = "-O0" if bug or is_tiny(place, model) else "-O2"
    commands = [["spin", "-a", *spin_bug(bug), model.name + ".pml"],
                ["gcc", optimization, "-w", *flags, "-o", "pan", "pan.c"]]
    for command in commands:
        status, output = output_of(place, *command)
        if status != 0:
            raise Broken(f"{' '.join(command)} failed:\n{output}")


def judge(status, output, seconds):
    counts = COUNTS.search(output)
    error = ERROR.search(output)
    depth, errors, states = map(int, counts.groups()) if counts else (0, 0, 0)
    broken = None
    if not counts or status != 0:
        broken = f"pan ended with status {status}"
    elif not error:
        reasons = [reason for reason in INCOMPLETE if reason in output]
        if errors != 0 or reasons or "Full statespace search" not in output:
            broken = "not complete: " + ", ".join(reasons or ["pan says so"])
    return Search(states, depth, seconds, error and error[1] + error[2], broken, output)


def search(place, model, claim, bug=None, depth=DEPTH):
    """Of one property: that claim, or safety."""
    if is_tiny(place, model):
        depth = min(depth, DEPTH_OF_TINY)
    elif bug:
        depth = min(depth, DEPTH_OF_BUGS)
    try:
        if claim == SAFETY:
            compile_pan(place, model, bug, ["-DSAFETY", "-DNOCLAIM"])
            arguments = []
        else:
            compile_pan(place, model, bug, [])
            arguments = ["-a", "-f", "-N", claim]
        start = time.monotonic()
        status, output = output_of(place, "./pan", f"-m{depth}", *arguments)
        return judge(status, output, time.monotonic() - start)
    except Broken as broken:
        return Search(0, 0, 0.0, None, str(broken), "")


def properties(model):
    return [SAFETY, *model.claims]


def unreached(output):
    """Statements in processes; what a claim does not reach is what never happened."""
    statements, inside = [], False
    for line in output.splitlines():
        if line.startswith("unreached in "):
            inside = not line.startswith("unreached in claim")
        elif inside and (match := re.fullmatch(r'\t\S+:\d+, state \d+, "(.*)"', line)):
            statements.append(match[1])
    return statements


def failure(model, result, claim):
    """What is wrong with a search of the model as it is; None if it holds."""
    if result.broken or result.error:
        return result.broken or result.error
    if claim != SAFETY:
        return None
    found = set(unreached(result.output))
    explained = set(model.unreached) | ({"-end-"} if model.endless else set())
    if found - explained:
        return "unreached: " + ", ".join(sorted(found - explained))
    if set(model.unreached) - found:
        return "reached, against what it says: " + ", ".join(set(model.unreached) - found)
    return None


def find_bug(directory, work, model, bug):
    """The property that reports it and its search; if none does, None and the last search."""
    place = copy_sources(directory, work, model, bug)
    for claim in properties(model):
        result = search(place, model, claim, bug)
        if result.error:
            return claim, result
        if result.broken:
            break
    return None, result


def trail(place, model, claim):
    """The way to a violation, the shortest if it is one of safety."""
    if claim == SAFETY:
        compile_pan(place, model, None, ["-DSAFETY", "-DNOCLAIM", "-DBFS"])
        output_of(place, "./pan", f"-m{DEPTH}")
    command = ["spin", "-k", model.name + ".pml.trail", "-p", "-g", model.name + ".pml"]
    _, output = output_of(place, *command)
    lines = output.splitlines()
    if len(lines) > LONGEST_TRAIL:
        lines = [f"... {len(lines) - LONGEST_TRAIL} lines ...", *lines[-LONGEST_TRAIL:]]
    return "\n".join([*lines, "again:", f"  cd {place} && {' '.join(command)}"])


# --- The run -------------------------------------------------------------------------------------

def check_model(directory, work, model, depth=DEPTH):
    """A (property, search, failure) for each property; on a violation the failure has the way."""
    results = []
    for claim in properties(model):
        place = copy_sources(directory, work, model, claim)
        result = search(place, model, claim, depth=depth)
        wrong = failure(model, result, claim)
        if result.error:
            try:
                wrong += "\n" + trail(place, model, claim)
            except Broken as broken:
                wrong += f"\n{broken}"
        results.append((claim, result, wrong))
    return results


def say(*columns):
    widths = (12, 36, 10, 8, 8)
    cells = [f"{text:<{width}}" if i < 2 else f"{text:>{width}}"
             for i, (text, width) in enumerate(zip(columns, widths))]
    print("  ".join([*cells, *columns[len(widths):]]), flush=True)


def figures(result):
    return f"{result.states:,}", f"{result.depth:,}", f"{result.seconds:.1f}"


def run(directory, work, models, jobs):
    """Prints the table; its rows, and the number of failures."""
    rows, failures = [], 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        searches = [pool.submit(check_model, directory, work, model) for model in models]
        controls = [(model, bug, pool.submit(find_bug, directory, work, model, bug))
                    for model in models for bug in model.bugs]
        say("model", "property", "states", "depth", "seconds", "verdict")
        for model, future in zip(models, searches):
            for claim, result, wrong in future.result():
                failures += wrong is not None
                say(model.name, claim, *figures(result), "FAILS" if wrong else "holds")
                if wrong:
                    print(wrong, flush=True)
                rows.append({"model": model.name, "property": claim, "states": result.states,
                             "depth": result.depth, "seconds": round(result.seconds, 1),
                             "verdict": "fails" if wrong else "holds", "controls": 0})
        print()
        say("model", "negative control", "states", "depth", "seconds", "verdict")
        for model, bug, future in controls:
            claim, result = future.result()
            say(model.name, bug, *figures(result),
                f"found: {result.error}"[:70] if claim else "NOT FOUND")
            if not claim:
                failures += 1
                print(result.broken or "the model holds with this bug", flush=True)
            for row in rows:
                row["controls"] += (row["model"], row["property"]) == (model.name, claim)
    return rows, failures


# --- Self-test -----------------------------------------------------------------------------------

COUNTER = """byte x;
active [2] proctype thread() {{ byte mine; {} }}
"""
ADD = "atomic { x++ }; atomic { x == 2 -> assert(x == 2) }"
LOST = """
#ifdef BUG_LOST
  mine = x; x = mine + 1;
#else
  x++;
#endif
  x >= 2; assert(x == 2)
"""
TWO_CLAIMS = """bool on;
active proctype thread() {{
end: do :: on = true; {} od }}
ltl it_goes_off {{ [] (on -> <> !on) }}
ltl it_goes_on {{ [] (!on -> <> on) }}
"""
BUG_LEFT_ON = """
#ifndef BUG_LEFT_ON
  on = false
#endif
"""
# (text of m.pml, depth, what is wrong with it, or None; of its bugs, those found)
CASES = [
    (COUNTER.format(ADD), DEPTH, None, []),
    (COUNTER.format("x++; assert(x < 2)"), DEPTH, "assertion violated", []),
    (COUNTER.format("x++; x == 1"), DEPTH, "invalid end state", []),
    (COUNTER.format(ADD), 2, "max search depth too small", []),
    (COUNTER.format("x++; (x < 9 -> x = x : x = 9)"), DEPTH, "failed", []),
    (COUNTER.format("c_code { abort(); }; x++"), DEPTH, "pan ended with status", []),
    # Unreached statements.
    (COUNTER.format("if :: x < 9 :: x == 9 -> mine = 1 fi"), DEPTH, "unreached: mine = 1", []),
    (COUNTER.format("if :: x < 9 :: x == 9 -> mine = 1 fi")
     + '/* unreached: "mine = 1", for x is 0 */', DEPTH, None, []),
    (COUNTER.format(ADD) + '/* unreached: "x = (x+1)", for no reason */', DEPTH,
     "against what it says: x = (x+1)", []),
    (COUNTER.format("do :: x = 1 - x od"), DEPTH, "unreached: -end-", []),
    (COUNTER.format("\nend: do :: x = 1 - x od"), DEPTH, None, []),
    # Claims.
    (TWO_CLAIMS.format("on = false"), DEPTH, None, []),
    (TWO_CLAIMS.format("skip"), DEPTH, "acceptance cycle", []),
    (TWO_CLAIMS.format(BUG_LEFT_ON), DEPTH, None, ["BUG_LEFT_ON"]),
    # Bugs: found as an end state, without effect, one that does not compile, one that crashes.
    (COUNTER.format(LOST), DEPTH, None, ["BUG_LOST"]),
    (COUNTER.format(ADD) + "/* BUG_WITHOUT_EFFECT */", DEPTH, None, []),
    (COUNTER.format(ADD) + "#ifdef BUG_IN_SYNTAX\n}\n#endif\n", DEPTH, None, []),
    (COUNTER.format("\n#ifdef BUG_THAT_CRASHES\nc_code { abort(); };\n#endif\nx++"), DEPTH, None,
     []),
]


def self_test_one(number, work):
    text, depth, wanted, found = CASES[number]
    directory = os.path.join(work, f"case{number}")
    os.makedirs(directory)
    with open(os.path.join(directory, "m.pml"), "w", encoding="utf-8") as file:
        file.write(text)
    model = read_model(directory, "m")
    wrong = [wrong for _, _, wrong in check_model(directory, directory, model, depth) if wrong]
    got = [bug for bug in model.bugs if find_bug(directory, directory, model, bug)[0]]
    good = (not wrong if wanted is None else any(wanted in text for text in wrong))
    if "violated" in (wanted or ""):
        good &= any("m.pml:2" in text and "again:" in text for text in wrong)  # the way there
    if good and got == found:
        return None
    return f"{text}\n  wanted {wanted}, {found}\n  got    {wrong}, {got}"


def self_test(work, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        said = [text for text in pool.map(lambda i: self_test_one(i, work), range(len(CASES)))
                if text]
    shared = os.path.join(work, "shared")
    os.makedirs(shared)
    for name, text in [("i.inc", "#ifdef BUG_A\n#ifdef BUG_B\n"), ("m.pml", "/* BUG_B */")]:
        with open(os.path.join(shared, name), "w", encoding="utf-8") as file:
            file.write(text)
    if bugs_of_nobody(shared, read_models(shared)) != ["BUG_A"]:
        said.append("a bug of a shared file that no model names was not noticed")
    print("\n".join([*said, f"{len(CASES) + 1} cases, {len(said)} failures"]))
    return len(said)


# --- Command line --------------------------------------------------------------------------------

def list_models(models):
    for model in models:
        print(model.name)
        for text in [*properties(model), *model.bugs]:
            print(f"  {text}")


def check(options, work):
    """The number of failures."""
    models = read_models(HERE)
    failures = 0
    for bug in bugs_of_nobody(HERE, models):
        failures += 1
        print(f"no model names {bug}, of a shared file")
    if options.only:
        models = [model for model in models if model.name == options.only]
        if not models:
            sys.exit(f"there is no model {options.only}")
    start = time.monotonic()
    rows, failed = run(HERE, work, models, options.jobs)
    failures += failed
    controls = sum(len(model.bugs) for model in models)
    if not options.only and controls < FEWEST_CONTROLS:
        failures += 1
        print(f"{controls} negative controls, wanted {FEWEST_CONTROLS}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)
            file.write("\n")
    print(f"\n{len(models)} models, {sum(row['controls'] for row in rows)} of {controls} "
          f"negative controls found, {failures} failures, {time.monotonic() - start:.0f} s")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", help="this model alone")
    parser.add_argument("--work", metavar="DIR",
                        help="where to build; by default a temporary folder, gone if all holds")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="searches at once")
    parser.add_argument("--json", metavar="PATH", help="writes the rows of the table")
    parser.add_argument("--list", action="store_true", help="models, properties, bugs")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.list:
        return list_models(read_models(HERE))
    for tool in ["spin", "gcc"]:
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing (a Debian package)")
    work = os.path.abspath(options.work) if options.work else tempfile.mkdtemp(prefix="spin-")
    failures = self_test(work, options.jobs) if options.self_test else check(options, work)
    if not failures and not options.work:
        shutil.rmtree(work)  # after a failure it stays, for the command that was printed
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
