"""What the suite says of made-up runs."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from comparison import Ratio, interval  # noqa: E402
from measure import iterations_for  # noqa: E402
from results import Results, efficiency, goals, write_csv  # noqa: E402


def runs(case, threads, name, rates, peak=10.0):
    return [{"case": case, "threads": threads, "allocator": name, "round": number,
             "items_per_second": rate, "peak_mib": peak} for number, rate in enumerate(rates)]


def results(rows, cores=2):
    return Results({"runs": rows, "machine": {"cores": cores}, "failures": []})


class IterationsTest(unittest.TestCase):
    def test_are_what_the_median_can_do(self):
        self.assertEqual(iterations_for([80, 100, 300]), 100)
        self.assertEqual(iterations_for([0.2]), 1)
        self.assertEqual(iterations_for([]), 1)

    def test_the_slowest_need_not_take_for_ever(self):
        self.assertEqual(iterations_for([0.3, 100, 300]), 3)


class RatioTest(unittest.TestCase):
    def test_is_of_the_medians(self):
        self.assertEqual(Ratio([1, 2, 30], [4, 1, 100]).value, 2)

    def test_rounds_that_disagree_show_no_difference(self):
        self.assertFalse(Ratio([10, 10, 10, 10, 10], [20, 20, 20, 20, 9]).is_difference)

    def test_rounds_that_agree_show_one(self):
        self.assertTrue(Ratio([10, 10, 10, 10, 10], [12, 11, 12, 13, 11]).is_difference)

    def test_few_rounds_show_none(self):
        self.assertFalse(Ratio([10] * 4, [20] * 4).is_difference)
        self.assertTrue(Ratio([10] * 5, [20] * 5).is_difference)

    def test_many_rounds_bear_an_outlier(self):
        # Of ten rounds the second to the ninth hold the median with 97.9 %.
        self.assertEqual(interval(list(range(1, 11))), (2, 9))


class ResultsTest(unittest.TestCase):
    def test_a_ratio_below_one_is_less_time(self):
        found = results(runs("mix/etc", 1, "ralloc", [2e6] * 3)
                        + runs("mix/etc", 1, "jemalloc", [1e6] * 3))
        self.assertAlmostEqual(found.time_ratio("mix/etc", 1, "jemalloc").value, 0.5)
        self.assertAlmostEqual(found.ns_per_item("mix/etc", 1, "ralloc"), 500)

    def test_who_failed_in_a_round_has_no_ratio(self):
        found = results(runs("mix/etc", 1, "ralloc", [2e6] * 3)
                        + runs("mix/etc", 1, "jemalloc", [1e6] * 2))
        self.assertIsNone(found.time_ratio("mix/etc", 1, "jemalloc"))

    def test_goals_are_judged_by_the_best_peer(self):
        found = results(runs("mix/etc", 1, "ralloc", [100.0]) + runs("mix/etc", 2, "ralloc", [100.0])
                        + runs("mix/etc", 1, "jemalloc", [50.0]) + runs("mix/etc", 2, "jemalloc", [50.0])
                        + runs("mix/etc", 1, "mimalloc", [98.0]) + runs("mix/etc", 2, "mimalloc", [98.0]))
        judged = {what: (value, reached) for what, _, value, reached in goals(found)}
        self.assertEqual(judged["time on several threads, geometric mean, to the best peer "
                                "(mimalloc)"], ("0.980", False))
        self.assertEqual(judged["peak memory, geometric mean, to the best peer (jemalloc)"],
                         ("1.000", True))

    def test_the_slowest_case_is_told(self):
        found = results(runs("pairs/64", 2, "ralloc", [100.0]) + runs("pairs/64", 2, "glibc", [50.0])
                        + runs("mix/etc", 2, "ralloc", [100.0]) + runs("mix/etc", 2, "glibc", [150.0]))
        judged = {what: (value, reached) for what, _, value, reached in goals(found)}
        self.assertEqual(judged["the slowest case on several threads (mix/etc, 2 threads, to "
                                "glibc)"], ("1.500", False))

    def test_the_secure_build_is_no_peer(self):
        found = results(runs("pairs/64", 2, "ralloc", [100.0])
                        + runs("pairs/64", 2, "ralloc-secure", [500.0]))
        self.assertEqual((found.peers, goals(found)), ([], []))

    def test_efficiency_is_a_share_of_the_cores(self):
        found = results(runs("pairs/64", 1, "ralloc", [100.0]) + runs("pairs/64", 2, "ralloc", [150.0])
                        + runs("pairs/64", 8, "ralloc", [200.0]))
        self.assertAlmostEqual(efficiency(found, "pairs/64", 2, "ralloc"), 0.75)
        self.assertAlmostEqual(efficiency(found, "pairs/64", 8, "ralloc"), 1.0)
        self.assertIsNone(efficiency(found, "pairs/64", 4, "ralloc"))

    def test_instructions_are_no_throughput(self):
        found = results(runs("mix/etc", 1, "ralloc", [100.0]) +
                        [{"case": "mix/etc", "threads": 1, "allocator": "ralloc", "counted": True,
                          "instructions": 50.0}])
        self.assertEqual(found.ns_per_item("mix/etc", 1, "ralloc"), 1e7)
        self.assertEqual(found.instructions, {("mix/etc", "ralloc"): 50.0})

    def test_every_figure_is_in_the_csv_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "results.csv"
            write_csv([{"case": "a", "x": 1}, {"case": "b", "settled_mib": 2}], path)
            self.assertEqual(path.read_text().split(), ["case,x,settled_mib", "a,1,", "b,,2"])


if __name__ == "__main__":
    unittest.main()
