#!/usr/bin/env python3
"""Compares what a shared library exports and needs with what it may.

  abi_symbols.py LIBRARY              exports exactly tests/exported_symbols.txt, needs only libc,
                                      and imports nothing that allocates
  abi_symbols.py --self-test CC       proves on small libraries that each violation is found
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exported_symbols.txt")

# A libstdc++ among them would be loaded into every C program.
ALLOWED_NEEDED = re.compile(r"libc\.so\.6|ld-linux[-\w]*\.so\.\d")

# Never exported, whatever the list says: a program that brings its own breaks (Chromium), or
# they belong to the run-time library.
NEVER_EXPORTED = re.compile(r"strn?dup|__strdup|wcsdup|getline|getdelim|v?asprintf"
                            r"|_ZS|_ZNS|_ZNKS|__cxa_|main$")

# What allocates by itself would recurse, or ask for the loader's or stdio's locks, in any call.
# malloc_info writes to the caller's FILE, so fprintf may appear.
NEVER_IMPORTED = {
    "malloc", "calloc", "realloc", "reallocarray", "free", "posix_memalign", "aligned_alloc",
    "memalign", "valloc", "pvalloc", "strdup", "strndup", "__strdup", "wcsdup", "getline",
    "getdelim", "asprintf", "vasprintf", "__asprintf_chk", "__vasprintf_chk", "fopen", "fopen64",
    "fdopen", "freopen", "popen", "open_memstream", "opendir", "setlocale", "qsort",
    "__tls_get_addr", "__cxa_throw", "__cxa_allocate_exception", "__cxa_thread_atexit_impl",
    "__cxa_thread_atexit", "__cxa_guard_acquire",
}
# What a failed operator new throws with, where the process has it: imported weakly, for C programs
# have not.
IF_LINKED = {"__cxa_throw", "__cxa_allocate_exception"}


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def symbols(library, which, kinds=None):
    """Names, without versions, of the dynamic symbols. Versions as such are exported too: A."""
    lines = [line.split() for line in output_of("nm", "-D", which, library).splitlines()]
    return [words[-1].partition("@")[0] for words in lines
            if words and (kinds is None or words[-2] in kinds)]


def needed(library):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-dW", library))


def problems(library, expected):
    found = []
    exported = symbols(library, "--defined-only")
    found += [f"exports {name}, which is not in the list" for name in exported
              if name not in expected]
    found += [f"does not export {name}" for name in expected if name not in exported]
    found += [f"exports {name} twice" for name in set(exported) if exported.count(name) > 1]
    found += [f"exports {name}, which must never be" for name in exported
              if NEVER_EXPORTED.match(name)]
    found += [f"needs {name}" for name in needed(library) if not ALLOWED_NEEDED.fullmatch(name)]
    weak = symbols(library, "--undefined-only", kinds="wv")
    found += [f"imports {name}, which allocates" for name in symbols(library, "--undefined-only")
              if name in NEVER_IMPORTED and not (name in IF_LINKED and name in weak)]
    return found


def read_list(path):
    with open(path, encoding="utf-8") as file:
        names = file.read().split()
    if names != sorted(set(names)):
        sys.exit(f"{path} is not sorted, or names a symbol twice")
    operators = [name for name in names if re.match(r"_Z(n[wa]m|d[la]Pv)", name)]
    if len(operators) != 20:
        sys.exit(f"{path} has {len(operators)} C++ operators, not 20")
    return names


SELF_TESTS = [
    # What is wrong, the library's source, the flags, what must be found.
    ("nothing", "int good(void) { return 0; } int better(void) { return 1; }", (), []),
    ("a symbol too many", "void good(void) {} void better(void) {} void third(void) {}", (),
     ["exports third, which is not in the list"]),
    ("a symbol too few", "void good(void) {}", (), ["does not export better"]),
    ("data too many", "void good(void) {} void better(void) {} int table[4] = {1};", (),
     ["exports table, which is not in the list"]),
    ("strdup", "void good(void) {} void better(void) {} char* strdup(const char* s) "
     "{ return (char*)s; }", ("-fno-builtin",),
     ["exports strdup, which is not in the list", "exports strdup, which must never be"]),
    ("a library too many", "double cos(double); double good(double x) { return cos(x); } "
     "void better(void) {}", ("-fno-builtin", "-Wl,--no-as-needed", "-lm"), ["needs libm.so.6"]),
    ("a call that allocates", "char* strdup(const char*); void better(void) {} "
     "char* good(const char* s) { return strdup(s); }", ("-fno-builtin",),
     ["imports strdup, which allocates"]),
    ("a call that allocates, if linked", "__attribute__((weak)) char* strdup(const char*); "
     "void better(void) {} char* good(const char* s) { return strdup(s); }", ("-fno-builtin",),
     ["imports strdup, which allocates"]),
    ("a throw, if linked", "__attribute__((weak)) void __cxa_throw(void); "
     "void good(void) { __cxa_throw(); } void better(void) {}", (), []),
    ("a throw", "void __cxa_throw(void); void good(void) { __cxa_throw(); } void better(void) {}",
     (), ["imports __cxa_throw, which allocates"]),
]


def self_test(compiler):
    failed = 0
    for what, source, flags, wanted in SELF_TESTS:
        with tempfile.TemporaryDirectory() as directory:
            library = os.path.join(directory, "library.so")
            subprocess.run([compiler, "-x", "c", "-", "-shared", "-fPIC", "-o", library,
                            *flags], input=source, text=True, check=True)
            got = sorted(problems(library, ["better", "good"]))
        if got != sorted(wanted):
            failed += 1
            print(f"seeded: {what}\n  wanted {sorted(wanted)}\n  got    {got}")
    print(f"{len(SELF_TESTS) - failed} of {len(SELF_TESTS)} seeded libraries judged right")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", nargs="?")
    parser.add_argument("--list", default=LIST)
    parser.add_argument("--self-test", metavar="CC")
    options = parser.parse_args()
    if options.self_test:
        sys.exit(1 if self_test(options.self_test) else 0)
    if not options.library:
        parser.error("a library is missing")
    expected = read_list(options.list)
    found = problems(options.library, expected)
    for problem in found:
        print(f"{options.library}: {problem}")
    if found:
        sys.exit(1)
    print(f"{options.library} exports the {len(expected)} symbols of the list and nothing else")


if __name__ == "__main__":
    main()
