#!/usr/bin/env python3
"""Makes a GoogleTest program of the examples in the documentation.

An example is what stands between `/// \\code` and `/// \\endcode` in a docstring of a public
header, and each fence ```cpp of README.md: statements that compile in a function body; their
#include lines are moved to the top of the program. Each becomes a test of its own, named for
what it documents, and an error is reported at the line where the example is written.

Every function and class that a header declares in namespace ralloc must have an example, and
each example of a header must assert something. Left out are members, operators, structs and
what is in namespaces within: a class's example shows its members.

  examples.py --output FILE HEADER... README      writes the program
  examples.py --self-test CXX INCLUDE_DIRECTORY   seeds what must be refused
"""

import argparse
import collections
import os
import re
import sys

Example = collections.namedtuple("Example", "suite name path line text")  # line of the text
Declared = collections.namedtuple("Declared", "name line documentation")
HEADERS = ["<gtest/gtest.h>", "<ralloc/ralloc.h>", "<cassert>", "<cstdint>", "<cstdio>",
           "<cstring>", "<string>", "<thread>", "<vector>"]


class Refused(Exception):
    """What is wrong with the documentation, in one line."""


# --- Headers -----------------------------------------------------------------------------------

def code_of(line):
    """The line without comments and without what is in quotes."""
    line = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', line)
    return re.sub(r"/\*.*?\*/", " ", line.split("//")[0])


def declarations(path, text):
    """The functions and classes at the level of namespace ralloc."""
    scopes, tokens, line, documentation = [], "", None, []
    for number, source in enumerate(text.splitlines(), 1):
        stripped = source.strip()
        if stripped.startswith("///"):
            if not tokens.strip():
                documentation.append((number, re.sub(r"^/// ?", "", stripped)))
            continue
        if not stripped and not tokens.strip():
            documentation = []
        if stripped.startswith("#"):
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
            elif all(scope == "ralloc" for scope in scopes) and scopes:
                name = declared_name(tokens)
                if name and (character == "{" or not is_announcement(tokens)):
                    yield Declared(name, line, documentation)
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
    tokens = " ".join(without_brackets(tokens).split())
    kind = re.match(r"(?:template )?class (?:[A-Z_]+(?:\(\w*\))? )*(\w+)", tokens)
    if kind:
        return kind[1]
    if re.match(r"(?:template )?(namespace|struct|union|enum|using|concept|static_assert|typedef"
                r"|extern|friend)\b", tokens) or "operator" in tokens:
        return None
    before, parenthesis, _ = tokens.partition("(")
    function = re.search(r"[\w>&*]\s*[ &*](\w+)\s*$", before)
    return function[1] if parenthesis and function and "=" not in before else None


def is_announcement(tokens):
    """Of a class that is defined elsewhere."""
    return re.match(r"(?:template )?class\b", without_brackets(tokens).strip()) is not None


def scope_name(tokens):
    match = re.search(r"\bnamespace\s+([\w:]+)\s*$", tokens)
    return match[1] if match else "(no namespace)" if "namespace" not in tokens else ""


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
    all_examples, read = [], set()
    for declared in declarations(path, text):
        found = examples_in(suite, path, declared)
        if not found:
            raise Refused(f"{path}:{declared.line}: {declared.name} has no example")
        for example in found:
            if not re.search(r"\bassert\(", example.text):
                raise Refused(f"{path}:{example.line}: the example asserts nothing")
            read.add(example.line)
        all_examples += found
    # One that documents nothing we know would be lost without a word.
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() == r"/// \code" and number + 1 not in read:
            raise Refused(f"{path}:{number}: an example of no function or class")
    return all_examples


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


def all_examples(paths):
    examples = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith(".md"):
            examples += readme_examples(path, text)
        else:
            examples += header_examples(path, text)
    if not examples:
        raise Refused("there are no examples")
    return examples


def main():
    if sys.argv[1:2] == ["--self-test"]:
        from examples_self_test import self_test
        return self_test(*sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    try:
        text = program(all_examples(arguments.paths))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
