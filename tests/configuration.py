#!/usr/bin/env python3
"""Checks that docs/configuration.md has in its tables what shim/config.h and shim/options.h say:
each constant, function and option with its unit, default, range and meaning, and no other.

  configuration.py              compares
  configuration.py --write      writes the tables into the page
  configuration.py --self-test  seeds mismatches; each must be found
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONFIG, OPTIONS, PAGE = "shim/config.h", "shim/options.h", "docs/configuration.md"
UNITS = {"kMilliseconds": "ms", "kBytes": "bytes", "kCount": "number", "kLevel": "level"}


class Mistake(Exception):
    """What a source or the page says that cannot be so."""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def readable(value):
    """A value as people write it: 4 MiB for 4 * kMiB."""
    value = re.sub(r"\s*\* k(KiB|MiB)\b", r" \1", value)
    return re.sub(r"(?<=\d)'(?=\d)", "", value)


# --- The struct ----------------------------------------------------------------------------------

DECLARATION = re.compile(
    r"static constexpr (?:void \(\*(?P<pointer>\w+)\)\(.*?\)|[\w:]+ (?P<name>\w+))"
    r"(?:\((?P<arguments>[^)]*)\) \{\s*return (?P<body>.*?);\s*\}| = (?P<value>[^;]*);)", re.DOTALL)
PARTS = re.compile(r"(.*?) Unit: (.*?)\. Range: (.*?)\. Why: (.*?\.)", re.DOTALL)


def sections(config):
    """(title, rows) of each group of the struct's members."""
    found = re.search(r"^struct DefaultConfig \{\n(.*?)^\};", config, re.MULTILINE | re.DOTALL)
    if not found:
        raise Mistake(f"{CONFIG} has no struct DefaultConfig")
    groups = re.split(r"^  // --- (.*?) -+\n", found[1], flags=re.MULTILINE)
    if groups[0].strip():
        raise Mistake(f"{CONFIG}: members before the first group")
    return [(title, list(member_rows(text))) for title, text in zip(groups[1::2], groups[2::2])]


def member_rows(text):
    for doc, declaration in re.findall(r"((?:^  ///.*\n)*)((?:^  (?!///).*\n|^\n)+)", text,
                                       re.MULTILINE):
        if not doc and not declaration.strip():
            continue
        match = DECLARATION.fullmatch(declaration.strip())
        said = PARTS.fullmatch(" ".join(line.strip()[3:].strip() for line in doc.splitlines()))
        if not match:
            raise Mistake(f"{CONFIG}: not understood: {declaration.strip()}")
        name = match["name"] or match["pointer"]
        if not said:
            raise Mistake(f"{CONFIG}: {name} does not say all of meaning, unit, range and why")
        if match["body"]:
            arguments = re.findall(r"(\w+)(?:\*/)?(?:,|$)", match["arguments"])
            name, value = f"{name}({', '.join(arguments)})", " ".join(match["body"].split())
        else:
            value = match["value"]
        meaning, unit, limits, why = said.groups()
        meaning = re.sub(r"Option: (\w+)\.", r"Option: `\1`.", meaning)
        yield row(f"`{name}`", unit, f"`{readable(value)}`", limits, meaning, why)


# --- The options ---------------------------------------------------------------------------------

OPTION = re.compile(r'option\(([\w:]+), (\w+), (\w+), (.*?), (.*?), (.*?),\s*"(.*?)"\)')


def option_rows(options):
    table = re.search(r"#define RALLOC_OPTION_TABLE\(option\)(.*?[^\\])\n", options, re.DOTALL)
    if not table:
        raise Mistake(f"{OPTIONS} has no table")
    text = re.sub(r"\s*\\\n\s*", " ", table[1])
    rows = OPTION.findall(text)
    if len(rows) != len(re.findall(r"\boption\(", text)) or not rows:
        raise Mistake(f"{OPTIONS}: not all of the table is understood")
    for kind, name, unit, least, most, initial, meaning in rows:
        limits = f"{readable(least)} to {readable(most)}"
        if kind == "bool":
            limits = "0 or 1"
        if unit == "kLevel":
            limits = "`internal`, `debug`, `call`, `note`, `warning`, `error` or `none`"
        yield row(f"`{name}`", "0 or 1" if kind == "bool" else UNITS[unit],
                  f"`{initial.replace('Config::', '')}`", limits.replace("Config::", ""),
                  meaning + ".")


# --- The page ------------------------------------------------------------------------------------

def tables(config, options):
    """Each table by the name of its place in the page."""
    places = {}
    for title, rows in sections(config):
        head = [row("name", "unit", "default", "range", "meaning", "why the default"),
                "|---" * 6 + "|"]
        places[title] = "\n".join(head + rows)
    head = [row("name", "unit", "default", "range", "meaning"), "|---" * 5 + "|"]
    places["options"] = "\n".join(head + list(option_rows(options)))
    return places


PLACE = re.compile(r"(<!-- table: (.*?) -->\n)((?:\|.*\n)*)")


def compare(config, options, page):
    """What is wrong, one line each."""
    wanted = tables(config, options)
    mistakes = []
    places = {match[2]: match[3].splitlines() for match in PLACE.finditer(page)}
    for title in wanted.keys() - places.keys():
        mistakes.append(f"{PAGE} has no place for the table: {title}")
    for title in places.keys() - wanted.keys():
        mistakes.append(f"{PAGE} has a table that is nowhere in the sources: {title}")
    for title in wanted.keys() & places.keys():
        rows = wanted[title].splitlines()
        mistakes += [f"{PAGE} lacks: {one}" for one in rows if one not in places[title]]
        mistakes += [f"{PAGE} should not say: {one}" for one in places[title] if one not in rows]
        if not mistakes and rows != places[title]:
            mistakes.append(f"{PAGE}: another order than in the sources: {title}")
    # No constant or function may be mentioned that there is not, in the tables or beside them.
    names = set(re.findall(r"^\| `(\w+)", "\n".join(wanted.values()), re.MULTILINE))
    for name in re.findall(r"`(k[A-Z]\w+|[a-z]\w*(?=\(\)))(?:\(\))?`", page):
        if name not in names:
            mistakes.append(f"{PAGE} speaks of {name}, which there is not")
    return mistakes


def write(config, options, page):
    wanted = tables(config, options)
    return PLACE.sub(lambda match: match[1] + wanted[match[2]] + "\n", page)


# --- Self-test -----------------------------------------------------------------------------------

# (file, what stands there, what is put in its place, part of what must be said)
SEEDS = [
    (CONFIG, "kDecayMs = 1000;", "kDecayMs = 900;", "lacks: | `kDecayMs` | ms | `900`"),
    (CONFIG, "return 2 * cores;", "return 5 * cores;", "`5 * cores`"),
    (CONFIG, "kSpinTries = 100;", "kSpinsMost = 100;", "lacks: | `kSpinsMost`"),
    (CONFIG, "Range: 0 to 1000000000.", "Range: 0 to 5.", "0 to 5"),
    (CONFIG, "  /// Unit: ms. ", "  /// ", "kDecayMs does not say all"),
    (CONFIG, "  static constexpr bool kLeaks = false;\n",
     "  static constexpr bool kLeaks = false;\n  static constexpr int kNew = 1;\n",
     "not understood"),
    (OPTIONS, "decay_bytes, kBytes, 65536,", "decay_bytes, kBytes, 4096,", "4096 to SIZE_MAX"),
    (OPTIONS, "option(bool, leaks,", "option(bool, holes,", "lacks: | `holes`"),
    (OPTIONS, "Config::kPoolBytes,", "Config::kMagazineBytes,", "should not say: | `pool_bytes`"),
    (PAGE, "| `kBatchBlocks` |", "| `kBatches` |", "should not say: | `kBatches`"),
    (PAGE, "| `shards` |", "| `shard` |", "lacks: | `shards`"),
    (PAGE, "<!-- table: Shards -->", "<!-- table: Locks -->", "nowhere in the sources: Locks"),
    (PAGE, "# Configuration\n", "# Configuration\n\n`kNothing` is one.\n", "kNothing"),
    (PAGE, "# Configuration\n", "# Configuration\n\n`nothing()` is one.\n", "speaks of nothing"),
]


def self_test():
    failed = 0
    for path, old, new, expected in SEEDS:
        texts = {CONFIG: read(CONFIG), OPTIONS: read(OPTIONS), PAGE: read(PAGE)}
        if old not in texts[path]:
            sys.exit(f"{path} does not have what a seed replaces: {old}")
        texts[path] = texts[path].replace(old, new, 1)
        try:
            found = compare(texts[CONFIG], texts[OPTIONS], texts[PAGE])
        except Mistake as mistake:
            found = [str(mistake)]
        if not any(expected in one for one in found):
            failed += 1
            print(f"{path} with {new!r}: expected {expected!r}, found {found}")
    print(f"{len(SEEDS) - failed} of {len(SEEDS)} seeds are found")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    try:
        if sys.argv[1:] == ["--write"]:
            page = write(read(CONFIG), read(OPTIONS), read(PAGE))
            with open(os.path.join(ROOT, PAGE), "w", encoding="utf-8") as file:
                file.write(page)
        mistakes = compare(read(CONFIG), read(OPTIONS), read(PAGE))
    except Mistake as mistake:
        mistakes = [str(mistake)]
    print("\n".join(mistakes) if mistakes else "the page says what the sources say")
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
