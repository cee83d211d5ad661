#!/usr/bin/env python3
"""Makes a GoogleTest program of the examples in the documentation.

An example is what stands between `/// \\code` and `/// \\endcode` in a docstring of a public
header, and each fence ```cpp of README.md: statements that compile in a function body; their
#include lines are moved to the top of the program. Each becomes a test of its own, named for
what it documents, and an error is reported at the line where the example is written.

  examples.py --output FILE HEADER... README      writes the program
  examples.py --check HEADER...                   every function and class in namespace ralloc
                                                  has examples, and they assert something
  examples.py --self-test CXX INCLUDE_DIRECTORY   seeds what must be refused

Members may have examples; those of a class, and those of a struct, need none, nor do operators
and what is in namespaces within.
"""

import argparse
import collections
import os
import re
import sys

Example = collections.namedtuple("Example", "suite name path line text")  # line of the text
Declared = collections.namedtuple("Declared", "name line documentation needs_example")
HEADERS = ["<gtest/gtest.h>", "<ralloc/ralloc.h>", "<cassert>", "<cstdint>", "<cstdio>",
           "<cstdlib>", "<cstring>", "<new>", "<string>", "<thread>", "<vector>"]


ACCESS = re.compile(r"(public|protected|private):$")


class Refused(Exception):
    """What is wrong with the documentation, in one line."""


# --- Headers -----------------------------------------------------------------------------------

def code_of(line):
    """The line without comments and without what is in quotes."""
    line = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', line)
    return re.sub(r"/\*.*?\*/", " ", line.split("//")[0])


def declarations(path, text):
    """The functions and classes of namespace ralloc, and what the classes have."""
    scopes, tokens, line, documentation = [], "", None, []
    is_directive = continues = False
    for number, source in enumerate(text.splitlines(), 1):
        stripped = source.strip()
        if stripped.startswith("///"):
            if not tokens.strip():
                documentation.append((number, re.sub(r"^/// ?", "", stripped)))
            continue
        if not stripped and not tokens.strip():
            documentation = []
        is_directive = stripped.startswith("#") or (is_directive and continues)
        continues = stripped.endswith("\\")
        if is_directive or ACCESS.match(stripped):
            continue
        for character in code_of(source) + "\n":
            if character not in ";{}":
                tokens += character
                if line is None and not character.isspace():
                    line = number
                continue
            if character == "}":
                if not scopes:
                    raise Refused(f"{path}:{number}: a brace too many")
                scopes.pop()
            else:
                name, kind = declared_name(tokens)
                classes = scopes[scopes.count("ralloc"):]
                if name and scopes and scopes[0] == "ralloc" and len(classes) <= 1 \
                        and "" not in classes and (character == "{" or kind != "class"):
                    yield Declared("_".join(classes + [name]), line, documentation,
                                   kind != "struct" and not classes)
            if character == "{":
                scopes.append(scope_name(tokens))
            tokens, line, documentation = "", None, []


def without_brackets(tokens):
    """Without attributes, and without what is between angle brackets or in requires."""
    tokens = re.sub(r"\[\[.*?\]\]", " ", tokens, flags=re.DOTALL)
    before = None
    while before != tokens:
        before, tokens = tokens, re.sub(r"<[^<>]*>", " ", tokens)
    return tokens


def declared_name(tokens):
    """The name, and whether it is that of a class, a struct or a function; or nothing."""
    tokens = " ".join(without_brackets(tokens).split())
    kind = re.match(r"(?:template )?(class|struct) (?:[A-Z_]+(?:\(\w*\))? )*(\w+)", tokens)
    if kind:
        return kind[2], kind[1]
    if re.match(r"(?:template )?(namespace|union|enum|using|concept|static_assert|typedef"
                r"|extern|friend)\b", tokens) or "operator" in tokens:
        return None, None
    before, parenthesis, _ = tokens.partition("(")
    function = re.search(r"[\w>&*]\s*[ &*](\w+)\s*$", before)
    if not parenthesis or not function or "=" in before:
        return None, None
    return function[1], "function"


def scope_name(tokens):
    """ralloc for that namespace; the name of a class; empty for what is looked into no further."""
    if re.search(r"\bnamespace\s+ralloc\s*$", tokens):
        return "ralloc"
    name, kind = declared_name(tokens)
    return name if kind in ("class", "struct") else ""


def examples_in(suite, path, declared):
    found, text, begin = [], None, 0
    for number, line in declared.documentation:
        if line.strip() == r"\code":
            text, begin = [], number + 1
        elif line.strip() == r"\endcode":
            if text is None:
                raise Refused(f"{path}:{number}: \\endcode without \\code")
            found.append(Example(suite, declared.name, path, begin, "\n".join(text)))
            text = None
        elif text is not None:
            text.append(line)
    if text is not None:
        raise Refused(f"{path}:{begin - 1}: \\code without \\endcode")
    return found


def header_examples(path, text):
    suite = os.path.splitext(os.path.basename(path))[0]
    return [example for declared in declarations(path, text)
            for example in examples_in(suite, path, declared)]


def check_header(path, text):
    """What the header lacks, in one line each."""
    suite, read = os.path.splitext(os.path.basename(path))[0], set()
    for declared in declarations(path, text):
        found = examples_in(suite, path, declared)
        read |= {example.line for example in found}
        if not declared.needs_example:
            continue
        if not found:
            yield f"{path}:{declared.line}: {declared.name} has no example"
        elif not any(re.search(r"\bassert\(", example.text) for example in found):
            yield f"{path}:{found[0].line}: the examples of {declared.name} assert nothing"
    # One that documents nothing we know would be lost without a word.
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() == r"/// \code" and number + 1 not in read:
            yield f"{path}:{number}: an example of no function or class"


# --- README ------------------------------------------------------------------------------------

def readme_examples(path, text):
    for fence in re.finditer(r"^```cpp\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        begin = text.count("\n", 0, fence.start()) + 2
        yield Example("readme", "fence", path, begin, fence[1].rstrip("\n"))


# --- The program -------------------------------------------------------------------------------

def program(examples):
    includes, bodies, counts = list(HEADERS), [], collections.Counter()
    for example in examples:
        lines = []
        for line in example.text.splitlines():
            include = re.match(r"\s*#\s*include\s*(\S+)", line)
            if include and include[1] not in includes:
                includes.append(include[1])
            lines.append("" if include else line)
        counts[example.suite, example.name] += 1
        count = counts[example.suite, example.name]
        name = example.name + (f"_{count}" if count > 1 else "")
        bodies.append(f"TEST({example.suite}, {name}) {{\n"
                      f'#line {example.line} "{example.path}"\n' + "\n".join(lines) + "\n}\n")
    return "".join(f"#include {name}\n" for name in includes) + "\n" + "\n".join(bodies)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_program(paths, output):
    examples = []
    for path in paths:
        read = readme_examples if path.endswith(".md") else header_examples
        examples += read(path, text_of(path))
    with open(output, "w", encoding="utf-8") as file:
        file.write(program(examples))


def main():
    if sys.argv[1:2] == ["--self-test"]:
        from examples_self_test import self_test
        return self_test(*sys.argv[2:])
    parser = argparse.ArgumentParser()
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output")
    what.add_argument("--check", action="store_true")
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    try:
        if arguments.output:
            write_program(arguments.paths, arguments.output)
            return 0
        lacks = [lack for path in arguments.paths for lack in check_header(path, text_of(path))]
    except Refused as refused:
        lacks = [str(refused)]
    print("\n".join(lacks) or "every function and class has an example")
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main())
