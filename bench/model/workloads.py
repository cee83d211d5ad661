"""What the simulated threads do: the paths of the allocator as steps, with the costs measured.

`costs` is what bench/model/contention keeps in a file. A mutex is held for a + c * blocks, and
longer when another core held it last: then the shard's lines, and those of its spans, have to come.
"""
import functools
import math

from simulator import Machine, Mutex, Queue, Simulation

OUTGOING = 511      # Config::kOutgoingBlocks
OUTGOING_BYTES = 262144  # Config::kOutgoingBytes
BATCH = 128         # Config::kBatchBlocks
SHARDS_MOST = 128   # Config::kShardsMost
CHUNK = 64          # blocks that pass a queue at once: fewer steps, the same costs


def shard_count(cores):
    return min(2 * cores, SHARDS_MOST)


def ledger_count(shards):
    return 1 if shards < 16 else shards // 8  # Config::ledger_count


class Pool:
    """The paths of one thread."""

    def __init__(self, world, thread, number):
        self.world, self.thread, self.number = world, thread, number
        self.shard = world.shards[number % len(world.shards)]
        self.of_shard = world.ledgers[number % len(world.shards) % len(world.ledgers)]

    def _locked(self, mutex, near, far):
        is_far = yield "lock", mutex
        yield "work", near + (far if is_far else 0.0)
        yield "unlock", mutex
        return is_far

    def refill(self, size, n):
        costs = self.world.costs[size]
        return self._locked(self.shard, cost(costs["take"], n), cost(costs["take_far"], n))

    def give(self, shard, size, n):
        costs = self.world.costs[size]
        return self._locked(shard, cost(costs["give"], n), cost(costs["give_far"], n))

    def ledger(self):
        costs = self.world.costs
        return self._locked(self.of_shard, costs["span"], costs["span_far"])


def cost(line, n):
    return line[0] + line[1] * n


class World:
    """The threads of a run, and all that they share."""

    def __init__(self, costs, threads, cores, shards=None, spin=None, ledgers=None):
        self.costs, self.threads = costs, threads
        self.shards = [Mutex("shard") for _ in range(shards or shard_count(cores))]
        count = ledgers or ledger_count(len(self.shards))
        self.ledgers = [Mutex("ledger") for _ in range(min(count, len(self.shards)))]
        self.queues = [Queue() for _ in range(threads)]
        self.machine = Machine(cores, costs["spin"] if spin is None else spin, costs["wake"],
                               costs["latency"], costs["line"])

    def run(self, workload, duration, **settings):
        """(items a second, share of the time at shards, at the ledger)."""
        def program(number):
            return lambda thread: workload(Pool(self, thread, number), **settings)
        simulation = Simulation(self.machine, [program(n) for n in range(self.threads)])
        rate = simulation.run(duration, warm=duration / 4)
        return (rate * 1e9, simulation.waiting("shard", duration),
                simulation.waiting("ledger", duration))


# --- Alone -------------------------------------------------------------------------------------
def local(pool, pair):
    """Blocks come from the magazine and go there."""
    while True:
        yield "work", 1000 * pair
        pool.thread.items += 1000


def refills(pool, size, batch, pair, of_span=0, events=62):
    """So many refills, then as many overflows; with `of_span` blocks in a span, each of these comes
    from the ledger and goes there."""
    world, left = pool.world, {"up": 0, "down": 0}
    while True:
        for direction in ("up", "down"):
            for _ in range(events):
                yield "work", batch * pair / 2
                if direction == "up":
                    is_far = yield from pool.refill(size, batch)
                    if is_far:  # so are the blocks
                        yield "work", batch * world.costs[size]["write_far"]
                else:
                    yield from pool.give(pool.shard, size, batch)
                left[direction] += batch
                if of_span and left[direction] >= of_span:
                    left[direction] -= of_span
                    yield from pool.ledger()
                pool.thread.items += batch / 2


# --- With others -------------------------------------------------------------------------------
class Sender:
    """Frees blocks of others: into the outgoing array, from there by shards. Where the thread keeps
    them for itself (`keeps_foreign`), it is the magazine that overflows, by batches."""

    def __init__(self, pool, size, owners, keeps=False):
        self.room = BATCH if keeps else min(OUTGOING, OUTGOING_BYTES // int(size))
        homes = {id(s): s for s in (pool.world.shards[n % len(pool.world.shards)] for n in owners)
                 if s is not pool.shard}
        self.pool, self.size, self.homes, self.count = pool, size, list(homes.values()), 0.0

    def send(self, n):
        """`n` blocks, of any of the homes."""
        costs = self.pool.world.costs
        yield "work", n * costs["send"]
        self.count += n
        while self.homes and self.count >= self.room:
            self.count -= self.room
            # No shard without a block: with more of them than blocks, some are passed over.
            step = max(1, math.ceil(len(self.homes) / self.room))
            for shard in self.homes[::step]:
                yield from self.pool.give(shard, self.size, self.room * step / len(self.homes))


class Getter:
    """Allocates blocks that do not come back."""

    def __init__(self, pool, size, batch=BATCH):
        self.pool, self.size, self.batch, self.count = pool, size, batch, 0.0

    def get(self, n):
        yield "work", n * self.pool.world.costs["pair_64"] / 2
        self.count += n
        while self.count >= self.batch:
            self.count -= self.batch
            yield from self.pool.refill(self.size, self.batch)


def keeps_foreign(pool):
    return pool.world.costs.get("keeps_foreign", False)


def passed(pool, kind, queue, far=None):
    """A chunk goes by a queue: dear when the other end is on another core."""
    costs = pool.world.costs
    is_far = yield kind, queue, CHUNK
    yield "work", CHUNK * ((costs["transfer"] if far is None else far) if is_far else costs["bump"])


def one_to_one(pool, size="64"):
    """Of each two threads one allocates and the other frees."""
    number, queues = pool.number, pool.world.queues
    if number % 2 == 0:
        getter = Getter(pool, size)
        while True:
            yield from getter.get(CHUNK)
            yield from passed(pool, "push", queues[number])
            pool.thread.items += CHUNK
    sender = Sender(pool, size, [number - 1], keeps_foreign(pool))
    while True:
        yield from passed(pool, "pop", queues[number - 1])
        yield from sender.send(CHUNK)


def many_to_one(pool, size="64"):
    """The first thread frees what all others allocate."""
    number, queues = pool.number, pool.world.queues
    if number != 0:
        getter = Getter(pool, size)
        while True:
            yield from getter.get(CHUNK)
            yield from passed(pool, "push", queues[number])
            pool.thread.items += CHUNK
    sender = Sender(pool, size, range(1, pool.world.threads), keeps_foreign(pool))
    while True:
        for queue in queues[1:]:
            yield from passed(pool, "pop", queue)
            yield from sender.send(CHUNK)


def ring(pool, size="64"):
    """Each thread allocates for the next one, and frees the last one's. With a lead neither end of a
    queue waits for the other: limits/ring_64 tells what both together take."""
    number, queues, threads = pool.number, pool.world.queues, pool.world.threads
    getter, sender = Getter(pool, size), Sender(pool, size, [(number - 1) % threads])
    queues[number].count, queues[number].places = 4 * CHUNK, 1024
    far = pool.world.costs["ring"] / 2
    if keeps_foreign(pool):  # what comes in goes out again
        getter.batch = sender.room = math.inf
    while True:
        yield from getter.get(CHUNK)
        yield from passed(pool, "push", queues[(number + 1) % threads], far)
        yield from passed(pool, "pop", queues[number], far)
        yield from sender.send(CHUNK)
        pool.thread.items += CHUNK


@functools.cache  # each thread of a simulation asks
def share_with_own_lines(draws=1 << 12):
    """Of the blocks of exchange/slots (bench/suite/sizes.cc), those whose size class is a multiple of a
    cache line: any thread may use them (global_pool/size_class.h)."""
    found = 0
    for i in range(draws):
        size = max(16, 214.476 / 0.348238 * ((1 - (i + 0.5) / draws) ** -0.348238 - 1))
        found += size > 1024 or math.ceil(size / 16) % 4 == 0  # above, the classes are 128 apart
    return found / draws


def all_to_all(pool, item, size="1024", batch=64):
    """A block takes a place that all threads share, and who was there is freed: exchange/slots. An
    item takes `item` alone; with others, what limits/slots takes longer for a place that another core
    had last. Of others' blocks those that any thread may use do not go home."""
    world = pool.world
    getter = Getter(pool, size, batch)
    sender = Sender(pool, size, [n for n in range(world.threads) if n != pool.number])
    foreign = CHUNK * (1 - 1 / min(world.threads, len(world.shards)))
    if keeps_foreign(pool):
        foreign *= 1 - share_with_own_lines()
    far = CHUNK * (1 - 1 / min(world.threads, world.machine.cores))
    while True:
        yield "work", CHUNK * item + far * world.costs["place"]
        yield from getter.get(foreign)
        yield from sender.send(foreign)
        pool.thread.items += CHUNK
