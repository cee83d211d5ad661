"""Writes the page that explains the plots, and how to repeat them."""
from results import OURS, goals

GROUPS = {
    "aligned": "Aligned blocks",
    "batch": "Batches: 1000 blocks at once",
    "calloc": "Blocks of zeros",
    "exchange": "One thread allocates, another frees",
    "large": "Large blocks",
    "limits": "What no allocator can undercut",
    "mix": "Many live blocks of mixed sizes",
    "own": "ralloc's own functions",
    "pairs": "A block at a time",
    "realloc": "Blocks that grow",
    "replay": "Recorded programs",
    "sharing": "Cache lines",
    "turnover": "Programs whose blocks and threads come and go",
}

HOW_TO_READ = """\
Each figure is of a process of its own, and every allocator does the same work in it: the same
number of iterations, found by what the median allocator does in the wanted time. The rounds
interleave the allocators; a figure is the median of its rounds. A ratio is the time that ralloc
takes for an item as a multiple of the peer's, so below 1 ralloc is faster; it carries a "~" where
the rounds do not agree on which is faster, and no difference is claimed then.
"""

INSTRUCTIONS = """\
Of an item on one thread, by callgrind, with those of the case itself. They are exact, and blind to
caches and to what the kernel does.
"""

PLOTS = {
    "ratios": ("All ratios", "The time of ralloc as a multiple of each peer's, for each case and "
               "number of threads. Violet: ralloc is faster; orange: the peer."),
    "efficiency": ("Scaling", "Throughput as a share of what the cores could do if each did what "
                   "one thread alone does; a case that needs two threads starts from two. With "
                   "more threads than cores 1 is still the most that can be had."),
    "latency": ("Latency", "Of single calls of the malloc family, by the steady clock. The "
                "shortest time between two readings of it is taken off every figure ({timer}); "
                "the maximum has the scheduler's interruptions in it."),
    "memory": ("Memory", "The most resident memory (pale) and what is left of it 1.5 s after all "
               "was freed (dark); the program itself takes about 4 MiB of each."),
}


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def picture(name, what):
    return f"![{what}]({name}.svg)"


def machine_lines(document):
    machine, settings = document["machine"], document["settings"]
    rows = [(key.replace("_", " "), value) for key, value in machine.items()]
    rows += [("date", document["date"]),
             ("rounds", f"{settings['rounds']} of about {settings['seconds']} s")]
    rows += [(name, version) for name, version in document["versions"].items()]
    return table(("what", "which"), rows)


def cases_of(results, group):
    rows = [(f"`{case}`", results.document["cases"][case]["about"])
            for case in results.cases if case.split("/")[0] == group]
    return table(("case", "what an item is"), rows)


def means(results):
    rows = []
    for peer in results.peers:
        cells = [peer]
        for is_wanted in (lambda _, threads: threads == 1, lambda _, threads: threads > 1):
            points = results.points(is_wanted)
            for mean in (results.mean_time_ratio, results.mean_peak_ratio):
                value = mean(peer, points)
                cells.append("" if value is None else f"{value:.3f}")
        rows.append(cells)
    heads = ("ralloc to", "time, 1 thread", "peak memory, 1 thread", "time, more threads",
             "peak memory, more threads")
    return table(heads, rows)


def instructions(results):
    """Of an item, by case and allocator."""
    rows = [(f"`{case}`", *(f"{results.instructions[case, name]:.0f}"
                            if (case, name) in results.instructions else ""
                            for name in results.allocators))
            for case in results.cases
            if any((case, name) in results.instructions for name in results.allocators)]
    return table(("case", *results.allocators), rows)


def timer_text(results):
    timers = [row["timer_ns"] for row in results.timed]
    return f"{min(timers):.0f} to {max(timers):.0f} ns" if timers else "none was measured"


def write(results, drawn, directory):
    """The page README.md in `directory`, with the plots named in `drawn`."""
    document = results.document
    parts = [f"# The suite on {document['machine']['cpu']}",
             "Made by `./dev bench` (see its `--help`); `./dev bench --redraw` of this directory "
             "makes the page and the plots again from `results.json`.",
             "## How to read it", HOW_TO_READ, machine_lines(document)]
    if OURS in results.allocators and results.peers:
        parts += ["## Geometric means", means(results)]
        rows = [(what, goal, value, "yes" if reached else "**no**")
                for what, goal, value, reached in goals(results)]
        if rows:
            parts += ["## Goals", table(("what", "goal", "is", "reached"), rows)]
    for name, (title, text) in PLOTS.items():
        if name in drawn:
            parts += [f"## {title}", text.format(timer=timer_text(results)), picture(name, title)]
    if results.instructions:
        parts += ["## Instructions", INSTRUCTIONS, instructions(results)]
    parts.append("## The cases")
    for group, title in GROUPS.items():
        if f"throughput_{group}" in drawn:
            parts += [f"### {title}", cases_of(results, group),
                      picture(f"throughput_{group}", title)]
    if document["failures"]:
        parts += ["## What failed", "\n".join(f"- {line}" for line in document["failures"])]
    (directory / "README.md").write_text("\n\n".join(part.strip() for part in parts) + "\n",
                                         encoding="utf-8")
