"""Draws what the suite found, as SVG and PNG.

The colours are those of M. Okabe and K. Ito, which people with any colour vision can tell apart,
and each allocator has a marker of its own besides; the heat table goes from blue to orange.
"""
import math

import matplotlib

matplotlib.use("Agg")
# The same drawing gives the same file.
matplotlib.rcParams.update({"svg.hashsalt": "ralloc", "svg.fonttype": "none", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False,
                            "axes.grid": True, "grid.alpha": 0.3, "figure.dpi": 100})
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import TwoSlopeNorm  # noqa: E402

from results import OURS, efficiency  # noqa: E402

COLOURS = {"ralloc": "#000000", "glibc": "#E69F00", "jemalloc": "#56B4E9", "tcmalloc": "#009E73",
           "mimalloc": "#D55E00", "tbbmalloc": "#CC79A7", "ralloc-api": "#0072B2",
           "ralloc-secure": "#999999"}
MARKERS = {"ralloc": "o", "glibc": "s", "jemalloc": "^", "tcmalloc": "v", "mimalloc": "D",
           "tbbmalloc": "P", "ralloc-api": "X", "ralloc-secure": "*"}
SPARE_MARKERS = "<>hpd"


def style(results, name):
    spare = [other for other in results.allocators if other not in MARKERS]
    marker = MARKERS.get(name) or SPARE_MARKERS[spare.index(name) % len(SPARE_MARKERS)]
    return {"color": COLOURS.get(name, "#0072B2"), "marker": marker, "label": name,
            "linewidth": 2 if name == OURS else 1, "markersize": 5,
            "zorder": 3 if name == OURS else 2}


def save(figure, directory, name):
    for kind in ("svg", "png"):
        figure.savefig(directory / f"{name}.{kind}", bbox_inches="tight",
                       metadata={"Date": None} if kind == "svg" else {"Software": None})
    plt.close(figure)
    return name


def grid_of(count):
    """A figure of so many small plots, four in a row at most."""
    columns = min(count, 4)
    rows = math.ceil(count / columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False,
                                figsize=(3.1 * columns + 1, 2.5 * rows + 0.6))
    axes = [axis for row in axes for axis in row]
    for axis in axes[count:]:
        axis.axis("off")
    return figure, axes[:count]


def legend(figure, axes):
    by_label = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            by_label.setdefault(label, handle)
    figure.legend(by_label.values(), by_label.keys(), loc="upper center", frameon=False,
                  ncol=len(by_label), bbox_to_anchor=(0.5, 0))


def over_threads(results, axis, case, value):
    for name in results.allocators:
        points = [(threads, value(case, threads, name)) for threads in results.threads]
        points = [(threads, y) for threads, y in points if y is not None]
        if points:
            axis.plot(*zip(*points), **style(results, name))
    axis.set_xscale("log", base=2)
    axis.set_xticks(results.threads, [str(count) for count in results.threads])
    axis.minorticks_off()
    axis.set_title(case)
    axis.set_ylim(bottom=0)


def draw_throughput(results, group, directory):
    cases = [case for case in results.cases if case.split("/")[0] == group]
    figure, axes = grid_of(len(cases))

    def millions(case, threads, name):
        rate = results.figure(case, threads, name, "items_per_second")
        return None if rate is None else rate / 1e6

    for axis, case in zip(axes, cases):
        over_threads(results, axis, case, millions)
    axes[0].set_ylabel("million items a second")
    axes[0].set_xlabel("threads")
    legend(figure, axes)
    figure.tight_layout()
    return save(figure, directory, f"throughput_{group}")


def draw_efficiency(results, directory):
    wanted = ("pairs/64", "mix/etc", "exchange/ring_64", "turnover/larson")
    cases = [case for case in wanted if case in results.cases]
    if not cases or len(results.threads) < 2:
        return None
    figure, axes = grid_of(len(cases))
    for axis, case in zip(axes, cases):
        over_threads(results, axis, case, lambda *point: efficiency(results, *point))
        axis.axhline(1, color="#888888", linewidth=0.8, linestyle="--")
    axes[0].set_ylabel("scaling efficiency")
    axes[0].set_xlabel("threads")
    legend(figure, axes)
    figure.tight_layout()
    return save(figure, directory, "efficiency")


def draw_heat(results, directory):
    """Our time as a multiple of each peer's."""
    points = results.points()
    peers = results.peers
    if not points or not peers:
        return None
    figure, axis = plt.subplots(figsize=(1.5 + 1.1 * len(peers), 1 + 0.17 * len(points)))
    values = [[math.nan] * len(peers) for _ in points]
    for i, (case, threads) in enumerate(points):
        for j, peer in enumerate(peers):
            ratio = results.time_ratio(case, threads, peer)
            if ratio is None:
                continue
            values[i][j] = math.log2(min(max(ratio.value, 1 / 8), 8))
            text = f"{ratio.value:.2f}" + ("" if ratio.is_difference else "~")
            axis.text(j, i, text, ha="center", va="center", fontsize=6.5,
                      color="white" if abs(values[i][j]) > 1.8 else "black")
    axis.imshow(values, cmap="PuOr_r", aspect="auto", norm=TwoSlopeNorm(0, -3, 3))
    axis.set_xticks(range(len(peers)), peers)
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(points)), [f"{case}  {threads}" for case, threads in points],
                    fontsize=6.5)
    axis.grid(False)
    axis.tick_params(length=0)
    axis.set_title("time of ralloc to each peer's: below 1 (violet) ralloc is faster", fontsize=9)
    return save(figure, directory, "ratios")


def draw_memory(results, directory):
    threads = results.threads[-1]
    cases = [case for case in results.cases
             if results.document["cases"][case]["holds_memory"]
             and results.has(case, threads, OURS)]
    if not cases:
        return None
    figure, axes = grid_of(len(cases))
    for axis, case in zip(axes, cases):
        names = [name for name in results.allocators if results.has(case, threads, name)]
        for i, name in enumerate(names):
            peak, settled = (results.figure(case, threads, name, key)
                             for key in ("peak_mib", "settled_mib"))
            axis.barh(i, peak, color=COLOURS.get(name, "#0072B2"), alpha=0.45)
            axis.barh(i, settled or 0, height=0.4, color=COLOURS.get(name, "#0072B2"))
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        axis.set_title(case)
    axes[0].set_xlabel(f"MiB on {threads} threads: at the peak, and (dark) after a rest")
    figure.tight_layout()
    return save(figure, directory, "memory")


def draw_latency(results, directory):
    cases = list(dict.fromkeys(row["case"] for row in results.timed))
    cases = [case for case in cases if case.split("/")[0] in ("mix", "exchange", "turnover", "batch")]
    if not cases:
        return None
    threads = results.timed[0]["threads"]
    figure, axes = grid_of(len(cases))
    keys = ("p50_ns", "p99_ns", "p999_ns", "max_ns")
    for axis, case in zip(axes, cases):
        for name in results.allocators:
            values = [results.latency(case, threads, name, key) for key in keys]
            if None not in values:
                axis.plot(range(len(keys)), [max(value, 1) for value in values],
                          **style(results, name))
        axis.set_yscale("log")
        axis.set_xticks(range(len(keys)), ["p50", "p99", "p99.9", "max"])
        axis.set_title(case)
    axes[0].set_ylabel(f"ns for a call, {threads} threads")
    legend(figure, axes)
    figure.tight_layout()
    return save(figure, directory, "latency")


def draw(results, directory):
    """All plots; the names of their files without the end."""
    groups = list(dict.fromkeys(case.split("/")[0] for case in results.cases))
    names = [draw_throughput(results, group, directory) for group in groups]
    names += [function(results, directory)
              for function in (draw_heat, draw_efficiency, draw_latency, draw_memory)]
    return [name for name in names if name]
