"""The rules of includes.py: what the rooms may include and name.

Comments and strings are no code: only #include lines are read with their strings.
"""

import collections
import os
import re

FLOORS = ["shim", "global_pool", "local_pool", "alloc"]  # lowest first
CLIENTS = ["verify", "stress", "bench", "examples", "tests"]
INCLUDE = re.compile(r'\s*#\s*(?:include|include_next|import)\s*(?:"([^"]*)"|<([^>]*)>|(.*))')
SOURCE = re.compile(r".*\.(h|hpp|inc|c|cc|cpp)$")
PUBLIC = "alloc/include/"
LANGUAGE = PUBLIC + "ralloc/language.h"  # shim/ of the public headers
INCLUDE_ROOTS = ["", PUBLIC]  # as the compiler has them

# What the floors above shim/ may use of the language's headers: none of these allocates,
# locks, throws or starts a thread. shim/ may use any header but those of FORBIDDEN.
PLAIN = set("""algorithm array bit cerrno climits compare concepts cstddef cstdint cstring
    initializer_list iterator limits new numeric optional span string_view tuple type_traits
    utility version""".split())
# The C interfaces that alloc/ implements or asks.
PLAIN_ALLOC = {"dlfcn.h", "errno.h", "limits.h", "malloc.h", "stdio.h"}
# What the public headers may use beyond that, since it becomes code of the program: allocators
# and memory resources are made of it. Never what locks or starts threads.
FOR_PROGRAMS = PLAIN | {"cstdlib", "memory", "memory_resource"}
FORBIDDEN = set("""any barrier condition_variable deque exception execution filesystem format
    forward_list fstream functional future iomanip ios iosfwd iostream istream latch list locale
    map memory memory_resource mutex ostream queue random ranges regex scoped_allocator
    semaphore set shared_mutex sstream stack stdexcept stop_token streambuf string strstream
    syncstream system_error thread threads.h typeindex typeinfo unordered_map unordered_set
    valarray vector""".split())

Found = collections.namedtuple("Found", "path line rule what")


class File:
    """One source file: its room, its includes, and its code without comments and strings."""

    def __init__(self, root, path):
        self.path = path
        self.room = path.split("/")[0]
        self.is_test = path.endswith("_test.cc") or self.room == "tests"
        self.is_floor = self.room in FLOORS and not self.is_test
        self.is_header = path.endswith((".h", ".hpp"))
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        self.code = blank(text, strings=True).splitlines()
        self.includes = []  # line, name, whether in quotes
        for number, line in enumerate(blank(text, strings=False).splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                quoted, angled, other = match.groups()
                self.includes.append((number, quoted or angled or other, quoted is not None))

    def search(self, pattern):
        for number, line in enumerate(self.code, 1):
            for match in re.finditer(pattern, line):
                yield number, match


def blank(text, strings):
    """The text with comments, and strings if asked, as spaces; lines stay where they are."""
    token = re.compile(r'//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"'
                       r"|\b\d[\w.']*|'(?:[^'\\\n]|\\.)*'", re.DOTALL)

    def blanked(match):
        part = match[0]
        if part[0].isdigit() or (not strings and not part.startswith(("//", "/*"))):
            return part
        return re.sub(r"[^\n]", " ", part)

    return token.sub(blanked, text)


def resolve(root, file, name, quoted):
    """The project's file that an include names, or None for a header from elsewhere."""
    places = [os.path.dirname(file.path)] if quoted else []
    for place in places + INCLUDE_ROOTS:
        path = os.path.normpath(os.path.join(place, name))
        if not path.startswith("..") and os.path.isfile(os.path.join(root, path)):
            return path
    return None


# --- The rules ---------------------------------------------------------------------------------
# Each yields (line, what).

def includes_point_down(root, file):
    """A floor knows the floors below; clients know the public API; verify, the protocol."""
    for line, name, quoted in file.includes:
        target = resolve(root, file, name, quoted)
        if target is None:
            if quoted and file.room != "tests" and not (file.room == "verify"
                                                        and name.startswith("relacy/")):
                yield line, f"{name} is no file of this project"
            continue
        if not may_include(file, target):
            yield line, f"{file.path} may not include {target}"


def may_include(file, target):
    room = target.split("/")[0]
    if file.room == "tests" or (file.is_test and room == "tests"):
        return True
    if file.path.startswith(PUBLIC):
        return target.startswith(PUBLIC)
    if file.room in FLOORS:
        return room in FLOORS[:FLOORS.index(file.room) + 1]
    if file.room == "verify":
        return (room in ("verify", "shim") or (room == "global_pool" and target.endswith(".h"))
                or target in ("local_pool/local_pool.h", "local_pool/magazine.h"))
    return room == file.room or target.startswith(PUBLIC)


def floors_use_plain_headers(root, file):
    """What allocates or locks would call back into the allocator, or need libstdc++."""
    if not file.is_floor:
        return
    for line, name, quoted in file.includes:
        if resolve(root, file, name, quoted) is not None or quoted:
            continue
        if file.room == "shim":
            allowed = name not in FORBIDDEN
        elif file.path.startswith(PUBLIC):
            allowed = name in FOR_PROGRAMS
        else:
            allowed = name in PLAIN or (file.room == "alloc" and name in PLAIN_ALLOC)
        if not allowed:
            yield line, f"<{name}> is not for the floor {file.room}"


RAW = (r"\bstd::(atomic\w*|\w*mutex|\w*lock_guard|\w+_lock|memory_order\w*|thread|jthread"
       r"|condition_variable\w*|call_once|once_flag)\b|\b__(atomic|sync)_\w+|\b_Atomic\b"
       r"|\bpthread_(mutex|rwlock|spin|cond|barrier|once)\w*|\bmemory_order_\w+|<atomic>")


def shim_alone_knows_the_machine(_root, file):
    """The protocol names Sync's atomics and mutexes, so that the checker can put in its own."""
    if file.is_floor and file.room != "shim":
        for line, match in file.search(RAW):
            yield line, f"{match[0]} belongs into shim/"


def protocol_headers_alone_synchronise(_root, file):
    """To audit the concurrency one reads shim/ and the headers of global_pool/."""
    if not file.is_floor or file.room == "shim":
        return
    if file.room == "global_pool" and file.is_header:
        return
    for line, match in file.search(r"\b\w*(?:mutex|atomic)\w*|\bmemory_order\w*|\bkRelaxed\b"
                                   r"|\bkAcquire\b|\bkRelease\b|\bkAcqRel\b"
                                   r"|\b\w*(?:Mutex|Atomic|MUTEX|ATOMIC)\w*"):
        yield line, f"{match[0]} is named outside the protocol headers"


OPERATION = (r"(?:\.|->)\s*(load|store|exchange|compare_exchange_\w+|fetch_\w+|test_and_set)"
             r"\s*\(")


def atomic_operations_name_their_order(_root, file):
    """Default order is seq_cst: a reader could not tell what is needed from what is default."""
    if not file.is_floor:
        return
    text = "\n".join(file.code)
    for match in re.finditer(OPERATION, text):
        arguments = balanced(text, match.end())
        if not re.search(r"\bk(?:Relaxed|Acquire|Release|AcqRel)\b"
                         r"|\bmemory_order(?:_|::)\w+|\border\w*", arguments):
            yield text.count("\n", 0, match.start()) + 1, f"{match[1]} without its order"


def balanced(text, start):
    """From just after an opening parenthesis to its closing one."""
    depth, at = 1, start
    while depth and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


# Reads and writes the allocator's own words in bytes that AddressSanitizer is told are nobody's.
HIDDEN_WORDS = "shim/debugger.cc"


def no_forbidden_words(_root, file):
    """Each hides a race or an order instead of naming it. The pause of a spin loop is shim's."""
    if not (file.is_floor or file.room == "verify"):
        return
    for line, match in file.search(r"\b(?:__)?volatile(?:__)?\b|\w*seq_cst\w*|\bkSeqCst\b"
                                   r"|\w*(?:thread|signal)_fence\w*|\b__sync_synchronize\b"
                                   r"|\w*no_sanitize\w*|\bno_tsan\w*|\bNOLINT\w*"
                                   r"|\bNO_THREAD_SAFETY_ANALYSIS\b"
                                   r"|\bno_thread_safety_analysis\b"):
        if match[0] == "no_sanitize" and file.path == HIDDEN_WORDS:
            continue
        before = file.code[line - 1][:match.start()]
        if file.room == "shim" and re.search(r"\basm\s*$|\b__asm__\s*$", before):
            continue
        yield line, f"{match[0]} is used nowhere"


def conditionals_only_in_shim(_root, file):
    """Variants are targets and policy files; what depends on the platform is in shim/,
    and for the public headers, which cannot use that, in their language.h."""
    if file.room == "shim" or file.is_test or file.path == LANGUAGE:
        return
    for line, match in file.search(r"^\s*(#|%:)\s*(if\w*|el\w+)\b"):
        yield line, f"#{match[2]} belongs into shim/"


def headers_open_with_pragma_once(_root, file):
    """Guards of other kinds are macros that can clash."""
    if not file.is_header:
        return
    first = next((line for line in file.code if line.strip()), "")
    if first.split() != ["#pragma", "once"]:
        yield 1, "the first line of code is not #pragma once"


RULES = [includes_point_down, floors_use_plain_headers, shim_alone_knows_the_machine,
         protocol_headers_alone_synchronise, atomic_operations_name_their_order,
         no_forbidden_words, conditionals_only_in_shim, headers_open_with_pragma_once]
