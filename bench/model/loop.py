"""Builds and runs paths_loop.c: by the clock, or counted by callgrind."""
import os
import subprocess
import tempfile
from pathlib import Path

import allocators

SOURCE = Path(__file__).resolve().parent / "paths_loop.c"


class Loop:
    """The program, in a scratch directory, and the library that it runs under."""

    def __init__(self, library=allocators.RALLOC):
        if not Path(library).exists():
            raise SystemExit(f"{library} does not exist: ./dev build release")
        self.library = library
        self._scratch = tempfile.TemporaryDirectory(prefix="ralloc-paths-")
        self._program = Path(self._scratch.name) / "paths_loop"
        # As bench/instructions: no call is dropped, and each goes through the PLT.
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-fplt",
                        "-Wl,-z,lazy", "-pthread", SOURCE, "-o", self._program], check=True)

    def ns(self, *arguments, **options):
        """What it prints: a list of numbers."""
        return [float(word) for word in self._run([], arguments, options).stdout.split("\n")[0].split()]

    def instructions(self, *arguments, **options):
        said = self._run(allocators.CALLGRIND, arguments, options).stderr
        return allocators.instructions_in(said)[0]

    def _run(self, before, arguments, options):
        env = allocators.environment(self.library)
        env["RALLOC_OPTIONS"] = ",".join(f"{name}={value}" for name, value in options.items())
        command = [*before, str(self._program), *map(str, arguments)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        lines = done.stdout.split()
        if arguments[0] in ("blocks", "turns"):
            allocators.check_answered("ralloc", self.library, lines[-1])
        return done


def batch_options(size, batch):
    """Magazines whose room is two batches less one: each refill and overflow moves `batch`."""
    return {"magazine_bytes": size * (2 * batch - 1)}


def fit(points):
    """(a, c) of a hold's ns = a + c * batch, for {batch: ns of a block}: least squares, none below 0."""
    holds = {b: b * ns for b, ns in points.items()}
    mean_b, mean_ns = sum(holds) / len(holds), sum(holds.values()) / len(holds)
    c = max(0.0, sum((b - mean_b) * (ns - mean_ns) for b, ns in holds.items())
            / sum((b - mean_b) ** 2 for b in holds))
    return [max(0.0, mean_ns - c * mean_b), c]
