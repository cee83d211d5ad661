"""Rounds of a measurement while others use the machine: those count that were disturbed least."""
import os
import resource
import time
from pathlib import Path


def own_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy_seconds():
    """Of all cores, with what the hypervisor gave to others."""
    user, nice, system, _, _, irq, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def rounds_of(run, rounds, most_tries=4, calm=0.05):
    """The results of so many runs: of up to `most_tries` times as many, those in which others had
    the least of the cores."""
    found, cores = [], len(os.sched_getaffinity(0))
    while len(found) < rounds * most_tries and sum(share < calm for share, _ in found) < rounds:
        began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
        result = run()
        others = (busy_seconds() - busy) - (own_seconds() - own)
        found.append((others / (cores * (time.monotonic() - began)), result))
    found.sort(key=lambda pair: pair[0])
    return [result for _, result in found[:rounds]]
