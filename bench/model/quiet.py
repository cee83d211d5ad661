"""Measures while others use the machine: those rounds count that were disturbed least."""
import os
import resource
import time
from pathlib import Path

from comparison import Progress


def own_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy_seconds():
    """Of all cores, with what the hypervisor gave to others."""
    user, nice, system, _, _, irq, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def least_disturbed(runs, passes):
    """`runs` are functions, by name. All run in turn, `passes` times: of each the results of the
    better half of its rounds, in which others had the least of the cores."""
    found = {name: [] for name in runs}
    progress = Progress(passes * len(runs))
    for _ in range(passes):
        for name, run in runs.items():
            began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
            result = run()
            others = (busy_seconds() - busy) - (own_seconds() - own)
            found[name].append((others / (time.monotonic() - began), result))
            progress.step(str(name))
    return {name: [result for _, result in sorted(results, key=lambda pair: pair[0])[:(passes + 1) // 2]]
            for name, results in found.items()}
