#!/usr/bin/env python3
"""Reads with readelf how a shared library's thread-local storage is laid out.

A preloaded library has its TLS in the static block that every thread gets. It is small: the
loader keeps little room for libraries that dlopen brings, which must also fit. And it is
reached without a call (initial-exec): __tls_get_addr may allocate, which malloc cannot wait
for.

  static_tls.py LIBRARY               at most 64 bytes, all of it initial-exec
  static_tls.py --self-test CC        proves on small libraries that each violation is found
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

MOST_BYTES = 64
INITIAL_EXEC = {"R_X86_64_TPOFF64", "R_AARCH64_TLS_TPREL"}
DYNAMIC = re.compile(r"R_\w*(DTPMOD|DTPOFF|DTPREL|TLSDESC)\w*")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def tls_bytes(library):
    """MemSiz of the TLS segment; None if there is none."""
    match = re.search(r"^\s*TLS\s+\S+\s+\S+\s+\S+\s+\S+\s+(0x[0-9a-f]+)",
                      output_of("readelf", "-lW", library), re.MULTILINE)
    return int(match[1], 16) if match else None


def problems(library):
    found = []
    size = tls_bytes(library)
    if size is None:
        return ["has no thread-local storage: this check would say nothing"]
    if size > MOST_BYTES:
        found.append(f"has {size} bytes of static TLS, more than {MOST_BYTES}")
    if not re.search(r"\(FLAGS\).*\bSTATIC_TLS\b", output_of("readelf", "-dW", library)):
        found.append("does not carry the flag STATIC_TLS")
    relocations = set(re.findall(r"\bR_\w+", output_of("readelf", "-rW", library)))
    found += [f"has a {name}: some of its TLS is dynamic" for name in sorted(relocations)
              if DYNAMIC.fullmatch(name)]
    if not relocations & INITIAL_EXEC:
        found.append("has no initial-exec relocation")
    if "__tls_get_addr" in output_of("nm", "-D", "--undefined-only", library):
        found.append("calls __tls_get_addr")
    return found


SELF_TESTS = [
    # What is wrong, the library's source, the flags, what must be found.
    ("nothing", "static __thread char pool[64]; char* get(void) { return pool; }",
     ("-ftls-model=initial-exec",), []),
    ("one byte too many", "static __thread char pool[65]; char* get(void) { return pool; }",
     ("-ftls-model=initial-exec",), ["has 65 bytes of static TLS, more than 64"]),
    ("dynamic", "__thread long pool; long get(void) { return pool; }",
     ("-ftls-model=global-dynamic", "-mtls-dialect=gnu"),
     ["does not carry the flag STATIC_TLS", "has a R_X86_64_DTPMOD64: some of its TLS is dynamic",
      "has a R_X86_64_DTPOFF64: some of its TLS is dynamic", "has no initial-exec relocation",
      "calls __tls_get_addr"]),
    ("descriptors", "__thread long pool; long get(void) { return pool; }",
     ("-ftls-model=global-dynamic", "-mtls-dialect=gnu2"),
     ["does not carry the flag STATIC_TLS", "has a R_X86_64_TLSDESC: some of its TLS is dynamic",
      "has no initial-exec relocation"]),
    ("one of two", "static __thread long pool; long* get(void) { return &pool; } "
     "__thread long late __attribute__((tls_model(\"global-dynamic\"))); "
     "long also(void) { return late; }",
     ("-ftls-model=initial-exec",),
     ["has a R_X86_64_DTPMOD64: some of its TLS is dynamic",
      "has a R_X86_64_DTPOFF64: some of its TLS is dynamic", "calls __tls_get_addr"]),
    ("none", "int get(void) { return 0; }", (),
     ["has no thread-local storage: this check would say nothing"]),
]


def self_test(compiler):
    failed = 0
    for what, source, flags, wanted in SELF_TESTS:
        with tempfile.TemporaryDirectory() as directory:
            library = os.path.join(directory, "library.so")
            subprocess.run([compiler, "-x", "c", "-", "-shared", "-fPIC", "-O1", "-o", library,
                            *flags], input=source, text=True, check=True)
            got = sorted(problems(library))
        if got != sorted(wanted):
            failed += 1
            print(f"seeded: {what}\n  wanted {sorted(wanted)}\n  got    {got}")
    print(f"{len(SELF_TESTS) - failed} of {len(SELF_TESTS)} seeded libraries judged right")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", nargs="?")
    parser.add_argument("--self-test", metavar="CC")
    options = parser.parse_args()
    if options.self_test:
        sys.exit(1 if self_test(options.self_test) else 0)
    if not options.library:
        parser.error("a library is missing")
    found = problems(options.library)
    for problem in found:
        print(f"{options.library} {problem}")
    if found:
        sys.exit(1)
    print(f"{options.library}: {tls_bytes(options.library)} bytes of TLS, initial-exec")


if __name__ == "__main__":
    main()
