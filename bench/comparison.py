"""How runs of several allocators are compared: ratios of medians, with where the true one lies."""
import math
import sys
import time
from statistics import median

CONFIDENCE = 0.9


class Ratio:
    """Of the medians of two allocators; its interval is that of the sign test.

    Both lists are of the same interleaved rounds: a busy moment of the machine met both.
    """

    def __init__(self, base, other):
        self.value = median(other) / median(base)
        of_rounds = sorted(b / a for a, b in zip(base, other))
        self.low, self.high = interval(of_rounds)
        self.is_known = len(base) > 1
        # Fewer rounds cannot show one with CONFIDENCE, even if all agree.
        is_shown = 1 - 2 / 2**len(base) >= CONFIDENCE
        self.is_difference = is_shown and not self.low <= 1 <= self.high

    def __str__(self):
        if not self.is_known:
            return f"{self.value:.3f}"
        sign = " " if self.is_difference else "~"
        return f"{self.value:.3f}{sign} ({self.low:.3f} to {self.high:.3f})"


def interval(ordered):
    """The narrowest ordered[k] to ordered[-1-k] that holds the median with CONFIDENCE."""
    n, k, outside = len(ordered), 0, 0.0
    while k < (n - 1) // 2:
        outside += 2 * math.comb(n, k) / 2**n
        if 1 - outside - 2 * math.comb(n, k + 1) / 2**n < CONFIDENCE:
            break
        k += 1
    return ordered[k], ordered[-1 - k]


class Progress:
    """A line on stderr for each run, with the time that is left."""

    def __init__(self, total):
        self.done, self.total, self.begin = 0, total, time.monotonic()

    def step(self, what):
        self.done += 1
        left = (time.monotonic() - self.begin) * (self.total - self.done) / self.done
        line = f"[{self.done}/{self.total}] {what}, {left:.0f} s left"
        if sys.stderr.isatty():
            end = "\n" if self.done == self.total else ""
            print(f"\r{line:<70}", end=end, file=sys.stderr, flush=True)
        elif self.done % max(10, self.total // 100) == 0 or self.done == self.total:
            print(line, file=sys.stderr, flush=True)
