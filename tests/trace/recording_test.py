#!/usr/bin/env python3
"""What bench/trace records of known calls, converts and lists is those calls, and no others."""
import argparse
import collections
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
CONVERT = REPO / "bench" / "trace" / "convert"
MILLION = 1_000_000
Operation = collections.namedtuple("Operation", "call block size align thread")
options = None


class RecordingTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.scratch = Path(directory.name)
        self.recording = self.scratch / "recording"

    def record(self, what, **env):
        """The recorded program's standard error."""
        settings = {"LD_PRELOAD": options.recorder, "MALLOC_TRACE_FILE": str(self.recording)} | env
        done = subprocess.run([options.program, what], env=os.environ | settings,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def convert(self, *arguments):
        return subprocess.run([sys.executable, "-B", CONVERT, *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, check=False)

    def list(self, *arguments, recording=None):
        """The operations on known blocks, as the C++ reader has them."""
        trace = self.scratch / "trace"
        done = self.convert(recording or self.recording, "--out", trace, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = subprocess.run([options.replay, "--list", trace], capture_output=True, text=True,
                                timeout=60, check=False)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        words = (line.split() for line in listed.stdout.splitlines())
        found = [Operation(w[0], *map(int, w[2::2])) for w in words]
        self.check_blocks(found)
        return [one for one in found if one.size >= MILLION]

    def check_blocks(self, operations):
        """Each block is allocated before it is freed, and freed once, with its size."""
        live = {}
        for one in operations:
            if one.call == "free":
                self.assertEqual(live.pop(one.block), one.size)
            else:
                self.assertEqual(one.block in live, one.call == "reallocate")
                live[one.block] = one.size

    def test_each_kind_of_call_is_recorded(self):
        self.record("each_call")
        page = os.sysconf("SC_PAGESIZE")
        self.assertEqual(
            [(one.call, one.size - MILLION, one.align) for one in self.list()],
            [("allocate", 1, 1), ("zeroed", 2, 1), ("allocate", 3, 1), ("reallocate", 4, 1),
             ("aligned", 32, 64), ("aligned", 6, 4096), ("aligned", 7, 128), ("allocate", 8, 1),
             ("aligned", 256 * (-(-(MILLION + 9) // 256)) - MILLION, 256),
             ("free", 2, 1), ("free", 1, 1), ("free", 4, 1), ("aligned", 10, page),
             ("free", 10, 1), ("free", 7, 1), ("free", 6, 1), ("free", 32, 1), ("free", 8, 1),
             ("free", 256 * (-(-(MILLION + 9) // 256)) - MILLION, 1), ("allocate", 11, 1)])

    def test_what_a_thread_hands_over_is_freed_by_the_other_after_it_was_allocated(self):
        self.record("hand_over")
        found = self.list()
        sizes = collections.defaultdict(list)
        threads = collections.defaultdict(set)
        for one in found:
            sizes[one.call].append(one.size)
            threads[one.call].add(one.thread)
        numbers = range(6000)
        self.assertEqual(sizes["allocate"], [MILLION + i for i in numbers])
        self.assertEqual(sizes["reallocate"], [2 * MILLION + i for i in numbers if i % 3 == 0])
        self.assertEqual(sizes["free"],
                         [(MILLION if i % 3 else 2 * MILLION) + i for i in numbers])
        self.assertEqual(threads, {"allocate": {0}, "reallocate": {1}, "free": {1}})

    def test_a_forked_child_has_a_recording_of_its_own_though_it_is_killed(self):
        self.record("fork")
        # The child's is the longer one, and does not know the block of its parent.
        child = self.list("--program", Path(options.program).name)
        self.assertEqual([(one.call, one.size - MILLION) for one in child],
                         [("allocate", 1), ("free", 1)] + [("allocate", 2), ("free", 2)] * 50)
        paths = sorted(self.scratch.glob("recording.*"), key=lambda path: int(path.suffix[1:]))
        self.assertEqual(len(paths), 2)
        for path in paths:
            path.rename(self.scratch / f"{path.suffix[1:]}.1")
        found = [[(one.call, one.size - MILLION)
                  for one in self.list(recording=self.scratch / path.suffix[1:])]
                 for path in paths]
        self.assertIn([("allocate", 0), ("free", 0)], found)

    def test_an_address_may_be_given_again_while_its_block_is_reallocated(self):
        free, move, moved = 4, 5, 6  # the kinds of bench/trace/recording.h
        self.write_recording([
            (0x10, MILLION, 0, 0, 1),
            (0x10, 0, 0, 0, move),
            (0x10, MILLION + 1, 1, 0, 1),      # thread 1 has what thread 0 no longer has
            (0x20, MILLION + 2, 0, 0, moved),
            (0x20, 0, 0, 0, move),
            (0, 1 << 62, 0, 0, moved),  # fails
            (0x10, 0, 0, 0, free),
            (0x99, 0, 0, 0, free),             # of nothing known
            (0x98, 0, 0, 0, move),             # neither is that
            (0x98, MILLION + 3, 0, 0, moved),
            (0x98, MILLION + 4, 0, 0, 1),      # freed unseen
            (0x20, 0, 1, 0, free),
            (0x98, 0, 1, 0, move)])            # where the recording ends
        self.assertEqual(
            [(one.call, one.size - MILLION, one.thread) for one in self.list()],
            [("allocate", 0, 0), ("allocate", 1, 1), ("reallocate", 2, 0), ("free", 1, 0),
             ("allocate", 3, 0), ("free", 3, 0), ("allocate", 4, 0), ("free", 2, 1)])

    def write_recording(self, events):
        head = struct.pack("<8sQ496s", b"MALLREC", 7, b"/made/up")
        body = b"".join(struct.pack("<QQIB2xB", *event) for event in events)
        Path(f"{self.recording}.7").write_bytes(head + body + bytes(24))

    def test_the_recording_ends_after_the_events_asked_for(self):
        self.record("hand_over", MALLOC_TRACE_EVENTS="10000")
        self.assertLessEqual(len(self.list()), 10_000)
        # Some are of the C++ library.
        self.assertIn(len(self.list("--operations", 100)), range(50, 101))
        self.assertIn("10,000 events)", self.convert(
            self.recording, "--out", self.scratch / "trace").stdout)

    def test_a_packed_trace_unpacks_to_the_same(self):
        self.record("each_call")
        plain, packed = self.scratch / "a.trace", self.scratch / "a.trace.xz"
        self.convert(self.recording, "--out", plain)
        self.convert(self.recording, "--out", packed)
        self.convert("--unpack", packed, "--out", self.scratch / "b.trace")
        self.assertEqual(plain.read_bytes(), (self.scratch / "b.trace").read_bytes())

    def test_a_setting_that_is_wrong_is_said(self):
        self.assertIn("no absolute path: here", self.record("each_call", MALLOC_TRACE_FILE="here"))
        self.assertIn("no number of events: 5x",
                      self.record("each_call", MALLOC_TRACE_EVENTS="5x"))
        self.assertIn("cannot record to /nowhere/",
                      self.record("each_call", MALLOC_TRACE_FILE="/nowhere/file"))
        self.assertEqual(self.record("each_call", MALLOC_TRACE_FILE=""), "")

    def test_convert_says_what_it_does_not_find(self):
        done = self.convert(self.recording, "--out", self.scratch / "trace")
        self.assertIn("no process has recorded to", done.stderr)
        self.record("each_call")
        done = self.convert(self.recording, "--program", "x", "--out", self.scratch / "trace")
        self.assertIn("no x has recorded to", done.stderr)
        (self.scratch / "bad.xz").write_bytes(b"no xz")
        done = self.convert("--unpack", self.scratch / "bad.xz", "--out", self.scratch / "trace")
        self.assertIn("cannot be unpacked", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("recorder", "program", "replay"):
        parser.add_argument(f"--{name}", required=True)
    options, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
