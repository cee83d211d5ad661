"""What the runs of the suite say: medians, ratios, and whether the goals are reached."""
import csv
import json
from statistics import geometric_mean, median

from comparison import Ratio

OURS = "ralloc"
NOT_PEERS = ("ralloc", "ralloc-api", "ralloc-secure")


class Results:
    """The rows of a measurement, by case, threads and allocator."""

    def __init__(self, document):
        self.document = document
        self.rows = [row for row in document["runs"]
                     if not row.get("timed") and not row.get("counted")
                     and not row.get("waits")]
        self.timed = [row for row in document["runs"] if row.get("timed")]
        self.instructions = {(row["case"], row["allocator"]): row["instructions"]
                             for row in document["runs"] if row.get("counted")}
        self.waits = by_key(row for row in document["runs"] if row.get("waits"))
        self._runs = by_key(self.rows)
        self.cases = list(dict.fromkeys(row["case"] for row in self.rows))
        self.threads = sorted({row["threads"] for row in self.rows})
        self.allocators = list(dict.fromkeys(row["allocator"] for row in self.rows))
        self.peers = [name for name in self.allocators if name not in NOT_PEERS]

    @classmethod
    def load(cls, path):
        return cls(json.loads(path.read_text()))

    def has(self, case, threads, name):
        return (case, threads, name) in self._runs

    def series(self, case, threads, name, key):
        """A figure in each round, in their order."""
        return [row[key] for row in self._runs[case, threads, name] if key in row]

    def figure(self, case, threads, name, key):
        """The median of the rounds, or None."""
        if not self.has(case, threads, name):
            return None
        values = self.series(case, threads, name, key)
        return median(values) if values else None

    def ns_per_item(self, case, threads, name):
        rate = self.figure(case, threads, name, "items_per_second")
        return None if rate is None else 1e9 / rate

    def time_ratio(self, case, threads, base, other=OURS):
        """The time of `other` as a multiple of that of `base`: below 1, `other` is faster."""
        if not (self.has(case, threads, base) and self.has(case, threads, other)):
            return None
        times = [[1 / rate for rate in self.series(case, threads, name, "items_per_second")]
                 for name in (base, other)]
        return Ratio(*times) if len(times[0]) == len(times[1]) else None

    def points(self, is_wanted=lambda case, threads: True):
        return [(case, threads) for case in self.cases for threads in self.threads
                if is_wanted(case, threads) and self.has(case, threads, OURS)]

    def mean_time_ratio(self, base, points):
        ratios = [self.time_ratio(case, threads, base) for case, threads in points]
        known = [ratio.value for ratio in ratios if ratio is not None]
        return geometric_mean(known) if known else None

    def mean_peak_ratio(self, base, points):
        """Of the highest resident memory."""
        ratios = []
        for case, threads in points:
            ours = self.figure(case, threads, OURS, "peak_mib")
            theirs = self.figure(case, threads, base, "peak_mib")
            if ours and theirs:
                ratios.append(ours / theirs)
        return geometric_mean(ratios) if ratios else None

    def per_million(self, case, threads, name, key):
        """How often threads waited, for a million items, in all rounds; or None."""
        rows = self.waits.get((case, threads, name))
        return rows and 1e6 * sum(row[key] for row in rows) / sum(row["items"] for row in rows)

    def latency(self, case, threads, name, key):
        values = [row[key] for row in self.timed if (row["case"], row["threads"],
                  row["allocator"]) == (case, threads, name)]
        return median(values) if values else None


def by_key(rows):
    found = {}
    for row in rows:
        found.setdefault((row["case"], row["threads"], row["allocator"]), []).append(row)
    return found


def best(ratios):
    """The peer whom it is hardest to beat: (name, ratio)."""
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    return max(known.items(), key=lambda item: item[1]) if known else None


def goals(results):
    """(what, the goal, what is, whether it is reached) for each goal that the runs can judge."""
    single = results.points(lambda case, threads: threads == 1)
    several = results.points(lambda case, threads: threads > 1)
    rows = []

    def mean_goal(what, points, mean, most):
        found = best({peer: mean(peer, points) for peer in results.peers})
        if found:
            rows.append((f"{what}, to the best peer ({found[0]})", f"at most {most:.2f}",
                         f"{found[1]:.3f}", found[1] <= most))

    mean_goal("time on several threads, geometric mean", several, results.mean_time_ratio, 0.90)
    mean_goal("time on one thread, geometric mean", single, results.mean_time_ratio, 0.95)
    mean_goal("peak memory, geometric mean", single + several, results.mean_peak_ratio, 1.00)
    worst = slowest(results, several)
    if worst:
        rows.append((f"the slowest case on several threads ({worst[1]})", "at most 1.10",
                     f"{worst[0]:.3f}", worst[0] <= 1.10))
    for threads in (2, 4):
        ratio = results.time_ratio("exchange/1to1_64", threads, "jemalloc")
        if ratio:
            rows.append((f"1:1 exchange on {threads} threads, throughput to jemalloc",
                         "at least 2.00", f"{1 / ratio.value:.2f}", ratio.value <= 0.5))
    for case, threads, least in (("pairs/64", 16, 0.9), ("exchange/ring_64", 16, 0.7)):
        if results.document["machine"]["cores"] >= threads and results.has(case, threads, OURS):
            value = efficiency(results, case, threads, OURS)
            if value is not None:
                rows.append((f"scaling efficiency of {case} on {threads} threads",
                             f"at least {least}", f"{value:.2f}", value >= least))
    return rows


def slowest(results, points):
    """(ratio to the fastest peer in it, which): of all points the one where we are last."""
    found = []
    for case, threads in points:
        ratios = {peer: results.time_ratio(case, threads, peer) for peer in results.peers}
        fastest = best({peer: ratio and ratio.value for peer, ratio in ratios.items()})
        if fastest:
            found.append((fastest[1], f"{case}, {threads} threads, to {fastest[0]}"))
    return max(found, default=None)


def efficiency(results, case, threads, name):
    """The throughput as a share of what the cores could do: 1 if each did what one alone does. A
    case that needs two threads starts from two."""
    first = min((count for count in results.threads if results.has(case, count, name)),
                default=None)
    if first is None or not results.has(case, threads, name):
        return None
    cores = results.document["machine"]["cores"]
    rate = [results.figure(case, count, name, "items_per_second") for count in (first, threads)]
    return rate[1] / rate[0] * min(first, cores) / min(threads, cores)


def write_csv(rows, path):
    keys = list(dict.fromkeys(key for row in rows for key in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, keys)
        writer.writeheader()
        writer.writerows(rows)
