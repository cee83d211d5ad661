#!/usr/bin/env python3
"""Checks that the models execute every line of the protocol's headers.

Runs each search of a build with coverage for a thousand executions. The headers are those
with a template over Sync or Limits; instances.cc makes all members of these, so that what no
model calls counts too. A line is executed if any instance of it in any model is.

  coverage.py VERIFY_MODELS OBJECT_DIRECTORY [--executions N]
"""

import argparse
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLOORS = ["shim", "global_pool", "local_pool"]
TEMPLATE = re.compile(r"^template <class (?:Sync|Limits)\b.*>\n"
                      r"(?:class|struct) (?:[A-Z_]+\(\S+\) |\[\[\w+\]\] |alignas\(\d+\) )*(\w+)",
                      re.MULTILINE)

# A model's kernel is not out of mappings: guarded_os_test.cc makes a real one so.
OUT_OF_MAPPINGS = {
    "global_pool/arena.h":
        ["void spare_guards() requires(kGuard != 0) { spares_guards_.set(true); }"],
    "global_pool/ballast.h":
        ["if (!Memory::commit(begin_.get() + used_.get(), granule)) return;",
         "used_.set(used_.get() + 2 * granule);", "left_.set(left_.get() - 2 * granule);",
         "const bool is_done = Memory::commit(begin_.get(), used_.get() - granule);",
         "begin_.set(begin_.get() + used_.get());", "used_.set(0);", "return is_done;"],
    "global_pool/guarded.h":
        ["ballasted_.set(0);", "most_.set(live_.get() / 2 + 1);", "return true;"],
    "global_pool/ledger.h":
        ["if constexpr (Limits::Defences::kGuardInterval != 0) arena_.spare_guards();",
         "return true;"],
    "global_pool/global_pool.h":
        ['log_warning("no memory: mappings that were kept are for others now");',
         "run = ledgers_.take(shard, pages, align, state, words);"],
}

# Lines that no model executes, with the reason.
EXCLUDED = {
    ("global_pool/loose_run.h", "const Span* first() const { return first_; }"):
        "unit tests alone look into a list without taking from it",
    ("global_pool/global_pool.h", "return false;"):
        "of builds without guards, where nobody asks",
    **{("local_pool/local_pool.h", f"[[gnu::always_inline]] {line} {{"):
           "inlined wherever it is called"
       for line in ("void give_later(void* block, Key key, std::size_t bytes)",
                    "void give_now(void* block, Key key)",
                    "bool give_foreign_hit(void* block, Key key)",
                    "bool send_hit(void* block, unsigned size_class)")},
    **{("local_pool/local_pool.h", line): "a tiny pool has no array that is too long for chunks"
       for line in (
           "return static_cast<void**>(global_.ledger().take_metadata(words * sizeof(void*)));",
           "global_.ledger().give_metadata(array, words * sizeof(void*));")},
    **{(path, line): "the process is out of mappings"
       for path, lines in OUT_OF_MAPPINGS.items() for line in lines},
}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def protocol_headers():
    """path: its templates."""
    headers = {}
    for floor in FLOORS:
        for name in sorted(os.listdir(os.path.join(ROOT, floor))):
            path = f"{floor}/{name}"
            templates = TEMPLATE.findall(read(path)) if name.endswith(".h") else []
            if templates:
                headers[path] = templates
    return headers


def remove_counts(directory):
    """Counts add up over runs; old ones may belong to code that is gone."""
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.endswith(".gcda"):
                os.remove(os.path.join(folder, name))


def survey(models, executions):
    """Runs the searches; how many do not hold."""
    failed = 0
    with subprocess.Popen([models, "--survey", "--executions", str(executions)],
                          stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            row = json.loads(line)
            print(f"{row['model']:<17} {row['case']:<19} {row['executions']:>6} {row['verdict']}",
                  flush=True)
            failed += not row["holds"]
    return failed or process.returncode


def line_counts(directory, headers):
    """path: {line: how often it was executed}."""
    # Only there is looked: below the root may lie a link to all of the machine (wine makes one).
    filters = [word for path in headers for word in ("--filter", re.escape(path) + "$")]
    done = subprocess.run(["gcovr", "--root", ROOT, "--object-directory", directory, "--json",
                           *filters, directory],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    counts = {path: {} for path in headers}
    for file in json.loads(done.stdout)["files"]:
        for line in file["lines"]:
            if line["gcovr/noncode"]:
                continue
            number = line["line_number"]
            counts[file["file"]][number] = counts[file["file"]].get(number, 0) + line["count"]
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models")
    parser.add_argument("objects")
    parser.add_argument("--executions", type=int, default=1000, help="of each search")
    options = parser.parse_args()

    headers = protocol_headers()
    instances = read("verify/instances.cc")
    mistakes = [f"verify/instances.cc makes no {template} of {path}"
                for path, templates in headers.items() for template in templates
                if not re.search(rf"\b{template}\b", instances)]

    remove_counts(options.objects)
    if survey(options.models, options.executions) != 0:
        mistakes.append("a search failed")

    excluded = dict(EXCLUDED)
    print()
    for path, counts in line_counts(options.objects, headers).items():
        text = read(path).splitlines()
        missed = [number for number, count in sorted(counts.items()) if count == 0
                  and excluded.pop((path, text[number - 1].strip()), None) is None]
        print(f"{path:<28} {len(counts):>4} lines, {len(missed)} not executed")
        mistakes += [f"{path}:{number}: no model executes: {text[number - 1].strip()}"
                     for number in missed]
        if not counts:
            mistakes.append(f"{path} is in no model")
    mistakes += [f"{path}: executed, or gone, though excluded: {line}" for path, line in excluded]
    print("\n".join(mistakes) if mistakes else "every line is executed")
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
