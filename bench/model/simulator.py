"""A discrete-event simulation of threads that meet at mutexes and queues.

Threads run on cores; with more threads than cores they take turns by time slices. What a thread
does is a generator of steps, each a tuple:

  ("work", ns)           it computes
  ("lock", mutex)        as shim/mutex.h does: it looks for a while, then sleeps
  ("unlock", mutex)      wakes one sleeper, if there is one
  ("push", queue, n)     n blocks into a bounded queue; who finds it full yields its core
  ("pop", queue, n)      the same at the other end

A step's value says whether what it touched was last touched on another core (a lock, a push, a
pop): then the generator adds what the cache lines cost. Time is in ns. Nothing is random, so a run
can be repeated; the threads start a little apart.
"""
import heapq
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Machine:
    cores: int
    spin: float = 1300.0      # a waiter looks so long at a held mutex before it sleeps
    wake: float = 15000.0     # what a wake costs who does it
    latency: float = 40000.0  # from the wake until the sleeper runs
    line: float = 70.0        # until a line that another core wrote is there
    slice: float = 3e6        # a thread's turn, when others wait for a core
    switch: float = 1500.0    # from one thread to another


@dataclass
class Mutex:
    kind: str = "shard"
    holder: object = None
    last_core: object = None
    spinners: deque = field(default_factory=deque)
    sleepers: deque = field(default_factory=deque)
    locks: int = 0


@dataclass
class Queue:
    places: int = 1024
    count: int = 0
    push_core: object = None
    pop_core: object = None


class Thread:
    def __init__(self, program):
        self.program = program
        self.core = None       # where it runs
        self.items = 0
        self.left = 0.0        # of the work that its time slice cut
        self.answer = None     # what the generator gets next
        self.pending = None    # a step to be tried again
        self.since = None      # it waits for a mutex since then
        self.ticket = 0        # a new one makes the waiter's alarm void
        self.waited = {}       # by the mutex's kind


class Simulation:
    """`programs` are functions that take their Thread and give its generator of steps; they count
    `thread.items` themselves."""

    POLL = 200.0  # who waits at a queue and has the core to itself looks again after this

    def __init__(self, machine, programs):
        self.machine, self.now, self._events, self._order = machine, 0.0, [], 0
        self.threads = []
        for program in programs:
            thread = Thread(None)
            thread.program = program(thread)
            self.threads.append(thread)
        self._ready = deque()
        self._free_cores = deque(range(machine.cores))
        self._slice_end = [0.0] * machine.cores
        self.steps = 0

    def run(self, duration, warm=0.0):
        """Runs for `warm`, forgets the counts, and runs for `duration` more."""
        for number, thread in enumerate(self.threads):
            self._after(37.0 * number, self._make_ready, thread)
        self._until(self.now + warm)
        for thread in self.threads:
            thread.items, thread.waited = 0, {}
            thread.since = thread.since and self.now
        self._until(self.now + duration)
        return sum(thread.items for thread in self.threads) / duration

    def waiting(self, kind, duration):
        """The share of all threads' time that they waited for mutexes of a kind."""
        return sum(t.waited.get(kind, 0.0) for t in self.threads) / (duration * len(self.threads))

    # --- Events --------------------------------------------------------------------------------
    def _after(self, ns, action, *arguments):
        self._order += 1
        heapq.heappush(self._events, (self.now + ns, self._order, action, arguments))

    def _until(self, end):
        while self._events and self._events[0][0] <= end:
            self.now, _, action, arguments = heapq.heappop(self._events)
            action(*arguments)
        self.now = end

    # --- Cores ---------------------------------------------------------------------------------
    def _make_ready(self, thread):
        self._ready.append(thread)
        self._fill_cores(0.0)

    def _fill_cores(self, cost):
        while self._ready and self._free_cores:
            thread, core = self._ready.popleft(), self._free_cores.popleft()
            thread.core = core
            self._slice_end[core] = self.now + cost + self.machine.slice
            self._after(cost, self._go_on, thread)

    def _leave_core(self, thread):
        self._free_cores.append(thread.core)
        thread.core = None
        self._fill_cores(self.machine.switch)

    def _work(self, thread, ns):
        slice_left = self._slice_end[thread.core] - self.now
        if self._ready and slice_left < ns:
            thread.left = ns - max(slice_left, 0.0)
            self._after(max(slice_left, 0.0), self._preempt, thread)
        else:
            thread.left = 0.0
            self._after(ns, self._go_on, thread)

    def _preempt(self, thread):
        self._ready.append(thread)
        self._leave_core(thread)

    def _go_on(self, thread):
        """The thread has a core, and its last step is done or has to be tried again."""
        if thread.left > 0:
            return self._work(thread, thread.left)
        while True:
            self.steps += 1
            if thread.pending is not None:
                step, thread.pending = thread.pending, None
            else:
                try:
                    step = thread.program.send(thread.answer)
                except StopIteration:
                    return self._leave_core(thread)
                thread.answer = None
            kind = step[0]
            if kind == "work":
                return self._work(thread, step[1])
            if kind == "lock":
                if not self._lock(thread, step[1]):
                    return None
            elif kind == "unlock":
                cost = self._unlock(thread, step[1])
                if cost:
                    return self._work(thread, cost)
            elif not self._pass(thread, step):
                return None

    # --- Mutexes -------------------------------------------------------------------------------
    def _lock(self, thread, mutex):
        if thread.since is None:
            thread.since = self.now
        if mutex.holder is None:
            self._own(thread, mutex)
            return True
        thread.pending = ("lock", mutex)
        thread.ticket += 1
        mutex.spinners.append(thread)
        self._after(self.machine.spin, self._sleep, thread, mutex, thread.ticket)
        return False

    def _own(self, thread, mutex):
        waited = self.now - thread.since
        thread.waited[mutex.kind] = thread.waited.get(mutex.kind, 0.0) + waited
        thread.since = None
        thread.pending = None
        thread.answer = mutex.last_core not in (None, thread.core)
        mutex.holder, mutex.last_core, mutex.locks = thread, thread.core, mutex.locks + 1

    def _sleep(self, thread, mutex, ticket):
        if thread.ticket != ticket:
            return  # it has got the mutex meanwhile
        mutex.spinners.remove(thread)
        mutex.sleepers.append(thread)
        self._leave_core(thread)

    def _unlock(self, thread, mutex):
        """Gives the mutex to who looks at it, and wakes a sleeper besides; the wake's cost."""
        assert mutex.holder is thread
        mutex.holder = None
        if mutex.spinners:
            winner = mutex.spinners.popleft()
            winner.ticket += 1
            self._own(winner, mutex)
            winner.waited[mutex.kind] += self.machine.line
            self._after(self.machine.line, self._go_on, winner)
        if not mutex.sleepers:
            return 0.0
        self._after(self.machine.latency, self._make_ready, mutex.sleepers.popleft())
        return self.machine.wake

    # --- Queues --------------------------------------------------------------------------------
    def _pass(self, thread, step):
        kind, queue, n = step
        is_push = kind == "push"
        if (queue.count + n > queue.places) if is_push else (queue.count < n):
            thread.pending = step
            if self._ready:
                self._ready.append(thread)
                self._leave_core(thread)
            else:
                self._after(self.POLL, self._go_on, thread)
            return False
        other = queue.pop_core if is_push else queue.push_core
        thread.answer = other not in (None, thread.core)
        if is_push:
            queue.count, queue.push_core = queue.count + n, thread.core
        else:
            queue.count, queue.pop_core = queue.count - n, thread.core
        return True
