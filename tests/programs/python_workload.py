"""What the preloaded python3 does: allocates from threads, forks, children and C, and checks.

Run by python.py with PYTHONMALLOC=malloc, so that every object is a block of its own. Prints
one line for each section that gave the right answers, and nothing else; any wrong answer is
an uncaught exception.
"""

import collections
import ctypes
import gc
import hashlib
import json
import multiprocessing
import os
import queue
import random
import sqlite3
import subprocess
import sys
import threading
import time
import zlib

LIBRARY = sys.argv[1]  # "" without a preload
RANDOM_BYTES = random.Random(1).randbytes(1 << 20)


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r:.200}, wanted {wanted!r:.200}")


def library_is_mapped():
    with open("/proc/self/maps", encoding="utf-8") as file:
        return not LIBRARY or LIBRARY in file.read()


def in_threads(count, work):
    """Runs work(number) in threads and hands their exceptions on."""
    errors = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:  # noqa: the main thread raises it
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def containers():
    numbers = list(range(400_000))
    random.Random(5).shuffle(numbers)
    squares = {f"key {n}": n * n for n in numbers}
    expect(sum(squares.values()), sum(n * n for n in range(400_000)))
    for n in range(0, 400_000, 2):
        del squares[f"key {n}"]
    expect(len(squares), 200_000)
    expect(squares["key 399999"], 399_999 ** 2)
    expect(sorted(numbers), list(range(400_000)))
    for _ in range(20):  # rings that only the collector can free
        ring = [[] for _ in range(2000)]
        for one, other in zip(ring, ring[1:] + ring[:1]):
            one.append(other)
        del ring, one, other
    if gc.collect() < 2000:
        raise AssertionError("the collector found no rings")


def growth():
    """One buffer that grows step by step: realloc, from small to far past the page size."""
    grown, hashed = bytearray(), hashlib.sha256()
    step = 1
    while len(grown) < 24 << 20:
        piece = RANDOM_BYTES[:step]
        grown += piece
        hashed.update(piece)
        step = min(step * 5 // 4 + 1, len(RANDOM_BYTES))
    expect(hashlib.sha256(grown).digest(), hashed.digest())
    start = bytes(grown[:40])
    while len(grown) > 40:  # and shrinks by realloc
        del grown[max(40, len(grown) // 2):]
    expect(bytes(grown), start)
    text = ""
    for n in range(20_000):
        text += chr(0x4E00 + n % 1000)
    expect(hashlib.md5(text.encode()).hexdigest(), hashlib.md5(
        "".join(chr(0x4E00 + n % 1000) for n in range(20_000)).encode()).hexdigest())


def handed_over():
    """Producers make, consumers free: most blocks die in a thread that did not make them."""
    channel = queue.Queue(maxsize=64)
    sums = collections.Counter()

    def work(number):
        if number < 3:
            for n in range(1500):
                channel.put((number, [str(number * n + k) for k in range(40)],
                             bytes([n % 256]) * (n * 13 % 9000)))
            channel.put(None)
        else:
            while (item := channel.get()) is not None:
                sums[item[0]] += sum(map(int, item[1])) + sum(item[2][:1]) * len(item[2])

    in_threads(6, work)
    for number in range(3):
        expect(sums[number], sum(40 * number * n + 780 + n % 256 * (n * 13 % 9000)
                                 for n in range(1500)))


def short_threads():
    """Threads that live for one allocation each."""
    done = queue.SimpleQueue()
    for number in range(1500):
        thread = threading.Thread(target=lambda n: done.put(bytearray(n)), args=(number,))
        thread.start()
        if number % 8 == 0:
            thread.join()
    expect(sum(len(done.get()) for _ in range(1500)), 1500 * 1499 // 2)


def compress(number):
    """zlib lets go of the interpreter lock: real concurrency in malloc."""
    data = RANDOM_BYTES[number * 1000:][:300_000] + b"abcdefgh" * 50_000
    for level in (1, 6, 9):
        expect(zlib.decompress(zlib.compress(data, level)), data)
        packer, out = zlib.compressobj(level), b""
        for at in range(0, len(data), 7001):
            out += packer.compress(data[at:at + 7001])
        expect(zlib.decompress(out + packer.flush()), data)


def texts(number):
    tree = {"number": number, "list": [{"n": n, "text": "é\n\"" * (n % 9), "none": None,
                                        "float": n / 8} for n in range(8000)]}
    expect(json.loads(json.dumps(tree, indent=1)), tree)


def database(number):
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (k integer primary key, v text)")
    connection.executemany("insert into t values (?, ?)",
                           ((k, f"{k * (number + 1)}" * 3) for k in range(20_000)))
    connection.execute("create index i on t (v)")
    expect(connection.execute("select count(*), sum(length(v)) from t").fetchone(),
           (20_000, sum(3 * len(f"{k * (number + 1)}") for k in range(20_000))))
    expect(connection.execute("select k from t where v = ?",
                              (f"{777 * (number + 1)}" * 3,)).fetchone(), (777,))
    connection.close()


def c_interface():
    """The C functions themselves, called with the process's own bindings."""
    c = ctypes.CDLL(None, use_errno=True)
    for name in ("malloc", "calloc", "realloc", "aligned_alloc", "memalign", "valloc",
                 "reallocarray"):
        getattr(c, name).restype = ctypes.c_void_p
    c.malloc_usable_size.restype = ctypes.c_size_t
    word = ctypes.c_size_t
    live = []
    for size in [0, 1, 15, 16, 17, 100, 1000, 1024, 1025, 5000, 32768, 32769, 1 << 20, 5 << 20]:
        block = c.malloc(word(size))
        # Other allocators align tiny blocks less.
        align = 16 if size >= 16 or "libralloc" in LIBRARY else 8
        if not block or block % align:
            raise AssertionError(f"malloc({size}) gave {block}")
        usable = c.malloc_usable_size(ctypes.c_void_p(block))
        if usable < size:
            raise AssertionError(f"usable size of {size} is {usable}")
        ctypes.memset(block, size % 251, usable)
        live.append((block, usable, size % 251))
        zeroed = c.calloc(word(size), word(3))
        expect(ctypes.string_at(zeroed, size * 3), bytes(size * 3))
        c.free(ctypes.c_void_p(zeroed))
        for align in (16, 64, 4096, 1 << 17):
            aligned = c.aligned_alloc(word(align), word(size))
            expect((bool(aligned), aligned % align), (True, 0))
            c.free(ctypes.c_void_p(aligned))
    expect(len({block for block, _, _ in live}), len(live))
    for block, usable, byte in live:
        expect(ctypes.string_at(block, usable), bytes([byte]) * usable)
        moved = c.realloc(ctypes.c_void_p(block), word(usable * 2 + 1))
        expect(ctypes.string_at(moved, usable), bytes([byte]) * usable)
        c.free(ctypes.c_void_p(moved))
    ctypes.set_errno(0)
    expect((c.calloc(word(1 << 33), word(1 << 33)), ctypes.get_errno()), (None, 12))
    ctypes.set_errno(0)
    expect((c.malloc(word((1 << 63) + 1)), ctypes.get_errno()), (None, 12))


def forks():
    """The main thread forks while others allocate; children use and free what they got."""
    stop = threading.Event()
    errors = []

    def allocate(number):
        try:
            while not stop.is_set():
                compress(number)
                texts(number)
        except BaseException as error:  # noqa: reported below
            errors.append(error)

    threads = [threading.Thread(target=allocate, args=(number,)) for number in range(3)]
    inherited = [str(n) * 10 for n in range(30_000)]
    for thread in threads:
        thread.start()
    for _ in range(25):
        child = os.fork()
        if child == 0:
            fine = library_is_mapped()
            fine &= sum(map(len, inherited)) == 10 * sum(len(str(n)) for n in range(30_000))
            inherited.clear()
            again = {n: str(n) for n in range(30_000)}
            fine &= sum(map(len, again.values())) == sum(len(str(n)) for n in range(30_000))
            worker = threading.Thread(target=texts, args=(1,))
            worker.start()
            worker.join()
            os._exit(0 if fine else 1)
        deadline = time.monotonic() + 60
        while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"child {child} hangs")
            time.sleep(0.002)
        expect(os.waitstatus_to_exitcode(ended[1]), 0)
    stop.set()
    for thread in threads:
        thread.join()
    expect(errors, [])


def squares_below(limit):
    return sum(n * n for n in list(range(limit)))


def pools():
    with multiprocessing.get_context("fork").Pool(3) as pool:
        expect(pool.map(squares_below, range(0, 3000, 10)),
               [squares_below(limit) for limit in range(0, 3000, 10)])


def subprocesses():
    """New programs inherit the preload."""
    source = ("import sys; data = sys.stdin.buffer.read(); "
              "mapped = not sys.argv[1] or sys.argv[1] in open('/proc/self/maps').read(); "
              "print(mapped, sum(data), len({str(n) for n in range(50000)}))")
    children = [subprocess.Popen([sys.executable, "-c", source, LIBRARY], text=False,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                for _ in range(4)]
    for child in children:
        out, _ = child.communicate(RANDOM_BYTES)
        expect((child.returncode, out.decode().split()),
               (0, ["True", str(sum(RANDOM_BYTES)), "50000"]))


def main():
    expect(os.environ.get("PYTHONMALLOC"), "malloc")
    expect(library_is_mapped(), True)
    for work in (compress, texts, database):
        in_threads(4, work)
        print(f"right: {work.__name__}", flush=True)
    for section in (containers, growth, handed_over, short_threads, c_interface, forks, pools,
                    subprocesses):
        section()
        print(f"right: {section.__name__}", flush=True)


if __name__ == "__main__":
    main()
