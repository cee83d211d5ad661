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

WAITS = """\
How often a thread went to sleep at a mutex (a futex) in the timed loops, for a million items; behind a
"+", how often it yielded the processor or took a nap instead, as those do that spin. Only where
somebody does so once in a million items.

Whoever is about to wait is handed over by the kernel to the benchmark, which counts (a seccomp filter);
so it is the same for all, whatever their mutexes are. Counted in runs of their own, which take each
allocator about the same time. Not in it are the waits of the case itself (barriers, the end of a
thread, full and empty queues), and those within the kernel, such as at the lock of the address space.
Those at mutexes of the C library are: in `turnover/threads` and `turnover/larson` starting a thread
takes some, under any allocator. To count takes a few microseconds of each wait or yield. By then some
mutexes are free again, and the waiter does not sleep: `mutex_waits` in `results.csv` has those too; and
who spins yields less often than it would. Waits come in bursts: figures that differ by less than three
times tell nothing, and single runs differ by more.
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


def waits(results):
    """Mutex waits and yields where there are some; an empty text where there are none."""
    rows = []
    for case in results.cases:
        for threads in results.threads:
            found = [[results.per_million(case, threads, name, key)
                      for key in ("mutex_sleeps", "yields")] for name in results.allocators]
            if any(sleeps is not None and sleeps + yields >= 1 for sleeps, yields in found):
                rows.append((f"`{case}`", threads, *(waits_text(*pair) for pair in found)))
    return table(("case", "threads", *results.allocators), rows) if rows else ""


def waits_text(sleeps, yields):
    if sleeps is None:
        return ""
    return rounded(sleeps) + (f" + {rounded(yields)}" if yields else "")


def rounded(value):
    return f"{value:.1f}" if 0 < value < 10 else f"{value:,.0f}"


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
    if results.waits:
        parts += ["## Mutex waits", WAITS, waits(results) or "Nobody waits."]
    parts.append("## The cases")
    for group, title in GROUPS.items():
        if f"throughput_{group}" in drawn:
            parts += [f"### {title}", cases_of(results, group),
                      picture(f"throughput_{group}", title)]
    if document["failures"]:
        parts += ["## What failed", "\n".join(f"- {line}" for line in document["failures"])]
    (directory / "README.md").write_text("\n\n".join(part.strip() for part in parts) + "\n",
                                         encoding="utf-8")
