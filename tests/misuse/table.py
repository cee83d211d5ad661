"""Reads programs.txt: each program of misuse or correct use, and what is promised of it."""
import collections
import re
import signal
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "programs.txt"
BUILDS = ("plain", "secure")
NOTHING = "-"

# `promises` maps a build to the promises of which one must hold: [(word, sentence), ...].
Case = collections.namedtuple("Case", "kind program arguments promises")
# What came of a program: its status as subprocess has it, standard output and error.
Outcome = collections.namedtuple("Outcome", "status out err")


def name_of(case):
    return " ".join((case.program, *case.arguments))


def is_correct_use(case):
    return case.kind.startswith("correct")


def expand(text):
    """All that braces stand for: "a{b,c}" gives "ab" and "ac"; they may be nested."""
    begin = text.find("{")
    if begin < 0:
        return [text]
    depth, pieces, start = 0, [], begin + 1
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0 or (depth == 1 and text[at] == ","):
            pieces.append(text[start:at])
            start = at + 1
        if depth == 0:
            return [text[:begin] + middle + rest for piece in pieces
                    for middle in expand(piece) for rest in expand(text[at + 1:])]
    raise ValueError(f"a brace is open in {text!r}")


def promises(text, sentences):
    """The alternatives of a column."""
    found = []
    for alternative in text.split(" or "):
        word, _, name = alternative.strip().rpartition(" ")
        if word in ("at once", "later"):
            if name not in sentences:
                raise ValueError(f"there is no sentence {name}")
            found.append((word, sentences[name]))
        elif alternative.strip() in ("guard", "works", "wrong"):
            found.append((alternative.strip(), None))
        elif alternative.strip() != NOTHING:
            raise ValueError(f"no promise {alternative!r}")
    return found


def logical_lines(text):
    """(number, line) without comments; what is indented goes on with the line before."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].rstrip()
        if line.startswith(" ") and lines:
            number, begun = lines.pop()
            line = f"{begun} {line.strip()}"
        lines.append((number, line.strip()))
    return lines


def read(text):
    """(sentences, cases) of the table's text."""
    sentences, cases, kind = {}, [], None
    for number, line in logical_lines(text):
        try:
            if not line:
                continue
            if line.startswith("["):
                kind = line.strip("[]")
            elif " = " in line and "|" not in line:
                name, sentence = line.split(" = ", 1)
                sentences[name.strip()] = sentence.strip()
            else:
                command, *columns = line.split("|")
                of_builds = {build: promises(column, sentences)
                             for build, column in zip(BUILDS, columns, strict=True)}
                for expanded in expand(command.strip()):
                    program, *arguments = expanded.split()
                    cases.append(Case(kind, program, tuple(arguments), of_builds))
        except ValueError as error:
            raise SystemExit(f"{TABLE.name}:{number}: {error}") from error
    for name, times in collections.Counter(map(name_of, cases)).items():
        if times > 1:
            raise SystemExit(f"{TABLE.name}: {name} is there {times} times")
    return sentences, cases


def load():
    return read(TABLE.read_text(encoding="utf-8"))


def is_in_a_page_of(address, pointers):
    return int(address, 16) >> 16 in {int(pointer, 16) >> 16 for pointer in pointers}


def why_broken(promise, outcome):
    """What keeps the outcome from being what was promised, or None."""
    word, sentence = promise
    said = outcome.out.splitlines()
    pointers = dict.fromkeys(line for line in said if re.fullmatch("0x[0-9a-f]+", line))
    others = [line for line in said if line not in pointers and line != "still alive"]
    if word in ("works", "wrong"):
        status, others_wanted = (0, 0) if word == "works" else (1, 1)
        if outcome.status != status:
            return f"status {outcome.status}, not {status}"
        if len(others) != others_wanted:
            return f"said {others}"
        return f"said {outcome.err!r}" if outcome.err else None
    if others:
        return f"said {others}"
    if word == "guard":
        if outcome.status != -signal.SIGSEGV:
            return f"status {outcome.status}, not ended by SIGSEGV"
        return f"said {outcome.err!r}" if outcome.err else None
    if outcome.status != -signal.SIGABRT:
        return f"status {outcome.status}, not ended by SIGABRT"
    if not pointers:
        return "the program named no pointer"
    expected = {f"ralloc: {sentence.replace('POINTER', pointer)}\n" for pointer in pointers}
    expected |= {f"ralloc: {sentence.replace('BESIDE', beside)}\n"
                 for beside in re.findall("0x[0-9a-f]+", outcome.err)
                 if is_in_a_page_of(beside, pointers)}
    if outcome.err not in expected:
        return f"said {outcome.err!r}, not {sorted(expected)[0]!r}"
    if word == "at once" and "still alive" in said:
        return "noticed too late"
    return None


def fault(of_build, outcome):
    """What keeps all of the alternatives from holding, or None."""
    broken = [why_broken(promise, outcome) for promise in of_build]
    return None if None in broken else "; ".join(dict.fromkeys(broken))
