"""How waits are counted over the rounds of made-up suites, and what is said of them."""
import io
import sys
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
import measure  # noqa: E402
from page import waits  # noqa: E402
from results import Results  # noqa: E402

def run(case, threads, name, **figures):
    return {"case": case, "threads": threads, "allocator": name, "round": 1, **figures}


def waited(case, threads, name, items, sleeps, yields=0):
    return run(case, threads, name, waits=True, items=items, mutex_sleeps=sleeps,
               mutex_waits=2 * sleeps, yields=yields)


class FakeSuite:
    """Under "slow" nothing ends in time, and where filters are forbidden under nobody."""
    chosen = {"ralloc": None, "slow": None}

    def __init__(self, may_count=True):
        self.may_count, self.asked = may_count, []

    def waits(self, name, point, iterations):
        self.asked.append((point.case, point.threads, name, iterations))
        if name == "slow" or not self.may_count:
            raise measure.Failed("no")
        return {"items": 1000, "mutex_waits": 1, "mutex_sleeps": 1, "yields": 0}


class MeasureTest(unittest.TestCase):
    options = SimpleNamespace(quick=False, rounds=5)
    trial = ("pairs/64", 2, "ralloc", 1)

    def count(self, suite, *rows):
        with redirect_stderr(io.StringIO()) as said:
            return (*measure.count_waits(suite, rows, self.options), said.getvalue())

    def test_each_runs_for_the_same_time_in_each_round(self):
        suite = FakeSuite()
        found, failures, _ = self.count(
            suite, run("mix/etc", 1, "ralloc", iterations=100, seconds=1.0),
            run("mix/etc", 2, "ralloc", iterations=100, seconds=0.02),
            run("limits/calls_64", 2, "ralloc", iterations=100, seconds=0.02),
            run("mix/etc", 2, "ralloc", iterations=900, seconds=0.02, timed=True))
        self.assertEqual(suite.asked, [self.trial] + [("mix/etc", 2, "ralloc", 500)] * 3)
        self.assertEqual([row["round"] for row in found], [1, 2, 3])
        self.assertEqual(failures, [])

    def test_who_fails_is_asked_once(self):
        suite = FakeSuite()
        found, failures, _ = self.count(
            suite, run("mix/etc", 2, "slow", iterations=100, seconds=0.1))
        self.assertEqual(suite.asked, [self.trial, ("mix/etc", 2, "slow", 100)])
        self.assertEqual((found, failures), ([], ["waits of no"]))

    def test_where_nothing_can_be_counted_that_is_said_once(self):
        suite = FakeSuite(may_count=False)
        row = run("mix/etc", 2, "ralloc", iterations=100, seconds=0.1)
        self.assertEqual(self.count(suite, row, row),
                         ([], [], "No waits are counted: no\n"))
        self.assertEqual(suite.asked, [self.trial])


class TableTest(unittest.TestCase):
    def results(self, *rows):
        of_rates = {(row["case"], row["threads"], row["allocator"]): None for row in rows}
        return Results({"runs": [*(run(*key, items_per_second=100.0) for key in of_rates), *rows],
                        "machine": {"cores": 2}, "failures": []})

    def test_waits_are_those_of_all_rounds(self):
        found = self.results(waited("mix/etc", 2, "ralloc", 1e6, 30),
                             waited("mix/etc", 2, "ralloc", 3e6, 10))
        self.assertEqual(found.per_million("mix/etc", 2, "ralloc", "mutex_sleeps"), 10)
        self.assertIsNone(found.per_million("mix/etc", 2, "glibc", "mutex_sleeps"))

    def test_they_are_no_throughput(self):
        found = self.results(waited("mix/etc", 2, "ralloc", 1e6, 30))
        self.assertEqual(found.ns_per_item("mix/etc", 2, "ralloc"), 1e7)

    def test_only_where_somebody_waits_there_is_a_row(self):
        found = self.results(waited("mix/etc", 2, "ralloc", 1e7, 9),
                             waited("mix/etc", 2, "glibc", 1e6, 12345),
                             waited("pairs/64", 2, "ralloc", 1e7, 9),
                             waited("pairs/64", 2, "glibc", 1e7, 0))
        self.assertEqual(waits(found).splitlines()[2:], ["| `mix/etc` | 2 | 0.9 | 12,345 |"])

    def test_yields_stand_behind_the_waits(self):
        found = self.results(waited("mix/etc", 2, "ralloc", 1e6, 0, 0),
                             waited("mix/etc", 2, "tbbmalloc", 1e6, 3, 250))
        self.assertEqual(waits(found).splitlines()[2:], ["| `mix/etc` | 2 | 0 | 3.0 + 250 |"])

    def test_where_nobody_waits_there_is_no_table(self):
        self.assertEqual(waits(self.results(waited("mix/etc", 2, "ralloc", 1e6, 0))), "")


if __name__ == "__main__":
    unittest.main()
