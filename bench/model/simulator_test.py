"""The simulation against what can be worked out by hand."""
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from simulator import Machine, Mutex, Queue, Simulation  # noqa: E402
from workloads import share_with_own_lines  # noqa: E402


def worker(ns):
    def program(thread):
        while True:
            yield "work", ns
            thread.items += 1
    return program


def locker(mutex, outside, held, overlaps=None):
    def program(thread):
        while True:
            yield "work", outside
            yield "lock", mutex
            if overlaps is not None:
                overlaps.append(mutex.holder is thread)
            yield "work", held
            yield "unlock", mutex
            thread.items += 1
    return program


class SimulatorTest(unittest.TestCase):
    def test_who_shares_nothing_loses_nothing(self):
        simulation = Simulation(Machine(4), [worker(100.0)] * 4)
        self.assertAlmostEqual(simulation.run(1e6, 1e4), 4 / 100, delta=1e-4)
        self.assertEqual(simulation.waiting("shard", 1e6), 0)

    def test_an_own_mutex_is_never_waited_for(self):
        programs = [locker(Mutex(), 50.0, 50.0) for _ in range(4)]
        simulation = Simulation(Machine(4), programs)
        self.assertAlmostEqual(simulation.run(1e6, 1e4), 4 / 100, delta=1e-4)
        self.assertEqual(simulation.waiting("shard", 1e6), 0)

    def test_one_mutex_for_all_gives_one_a_hold(self):
        mutex = Mutex()
        simulation = Simulation(Machine(8, spin=1e9, line=20.0), [locker(mutex, 50.0, 100.0)] * 8)
        self.assertAlmostEqual(simulation.run(1e6, 1e4), 1 / 120, delta=1e-4)
        # Of each thread's turn, eight holds, it waits for all but its own and the work.
        self.assertAlmostEqual(simulation.waiting("shard", 1e6), 1 - 150 / 960, delta=0.01)

    def test_below_saturation_threads_fall_into_step(self):
        mutex = Mutex()
        simulation = Simulation(Machine(2, spin=1e9, line=0.0), [locker(mutex, 300.0, 100.0)] * 2)
        self.assertAlmostEqual(simulation.run(1e6, 1e4), 2 / 400, delta=1e-4)

    def test_who_waits_long_sleeps_and_is_woken(self):
        mutex = Mutex()
        machine = Machine(2, spin=100.0, wake=500.0, latency=2000.0)
        simulation = Simulation(machine, [locker(mutex, 10.0, 1000.0)] * 2)
        rate = simulation.run(1e6, 1e4)
        self.assertGreater(rate, 0.4 / 1000)
        self.assertLess(rate, 1 / 1000)

    def test_a_mutex_has_one_holder(self):
        mutex, overlaps = Mutex(), []
        machine = Machine(2, slice=2000.0)
        Simulation(machine, [locker(mutex, 70.0, 130.0, overlaps)] * 6).run(1e6)
        self.assertGreater(len(overlaps), 500)
        self.assertTrue(all(overlaps))

    def test_more_threads_than_cores_share_them(self):
        simulation = Simulation(Machine(2, slice=1e4, switch=0.0), [worker(100.0)] * 8)
        self.assertAlmostEqual(simulation.run(1e6, 1e5), 2 / 100, delta=2e-4)
        items = [thread.items for thread in simulation.threads]
        self.assertLess(max(items) - min(items), 0.15 * max(items))

    def test_what_is_pushed_is_popped_at_the_pace_of_the_slower(self):
        queue = Queue(places=10)

        def pusher(thread):
            while True:
                yield "work", 10.0
                yield "push", queue, 5
                thread.items += 5

        def popper(thread):
            while True:
                is_far = yield "pop", queue, 5
                self.assertTrue(is_far)
                yield "work", 1000.0
                thread.items += 5

        simulation = Simulation(Machine(2), [pusher, popper])
        simulation.run(1e6)
        pushed, popped = (thread.items for thread in simulation.threads)
        self.assertAlmostEqual(popped, 5000, delta=10)
        self.assertLessEqual(abs(pushed - popped - queue.count), 10)

    def test_a_quarter_of_the_blocks_or_a_little_more_have_lines_of_their_own(self):
        # One of four classes up to 1 KiB, of which the smaller ones have more blocks; and all above.
        self.assertGreater(share_with_own_lines(), 0.25)
        self.assertLess(share_with_own_lines(), 0.25 + 0.75 * 0.085)

    def test_a_run_can_be_repeated(self):
        def rate():
            mutex = Mutex()
            return Simulation(Machine(2), [locker(mutex, 70.0, 130.0)] * 5).run(1e6)
        self.assertEqual(rate(), rate())


if __name__ == "__main__":
    unittest.main()
