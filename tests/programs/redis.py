#!/usr/bin/env python3
"""redis-server under a preloaded library: load, snapshot, rewrite, restart, flush, contents.

What is exercised: Debian's redis-server is built against the shared jemalloc, but calls
malloc, calloc, realloc, free and malloc_usable_size by their plain names, and nallocx where
the library has it; so all its blocks come from the preloaded library (this is checked with
the loader's own bindings). Only mallctl still reaches jemalloc, which then serves nobody:
INFO's allocator_* lines and the compiled-in mem_allocator say nothing about the run.
"""

import os
import random
import re
import socket
import time

from preload import Failure, check, check_equal, find_program, main

KEYS = 20_000
POPULATED = 300_000
COMMANDS = "set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,mset"


class Client:
    """Speaks the server's protocol (RESP) over its socket, many requests at a time."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(path)
        self._input = self._socket.makefile("rb")

    def close(self):
        self._input.close()
        self._socket.close()

    def __call__(self, *words):
        return self.many([words])[0]

    def many(self, requests):
        """Sends all requests, then reads all replies. Few enough to fit the buffers."""
        self.send(requests)
        return [self._reply() for _ in requests]

    def send(self, requests):
        self._socket.sendall(b"".join(self._encode(words) for words in requests))

    @staticmethod
    def _encode(words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        return b"".join(parts)

    def _reply(self):
        line = self._input.readline()
        check(line.endswith(b"\r\n"), "redis-server closed the connection")
        kind, text = line[:1], line[1:-2]
        if kind == b"+":
            return text.decode()
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == b"-1" else self._input.read(int(text) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(text))]
        raise Failure(f"redis-server answered {line!r}")

    def info(self, field):
        text = self("INFO", "everything").decode()
        found = re.search(rf"^{field}:(.*?)\r?$", text, re.MULTILINE)
        check(found, f"INFO has no field {field}")
        return found[1]


def start_server(bench, name, *more):
    path = os.path.join(bench.directory, f"{name}.socket")
    server = bench.start(
        find_program("redis-server", "redis-server"), "--port", 0, "--unixsocket", path,
        "--dir", bench.directory, "--dbfilename", "dump.rdb", "--save", "", "--daemonize", "no",
        "--enable-debug-command", "local", *more)
    deadline = time.monotonic() + 30
    while True:
        check(server.is_running(), f"redis-server ended at its start\n{server.output()}")
        check(time.monotonic() < deadline, f"redis-server does not answer\n{server.output()}")
        try:
            client = Client(path)
            break
        except OSError:
            time.sleep(0.02)
    while "LOADING" in str(try_ping(client)):
        check(time.monotonic() < deadline, "redis-server loads for ever")
        time.sleep(0.02)
    server.check_mapped("redis-check-rdb")  # what /usr/bin/redis-server links to
    return server, client, path


def try_ping(client):
    try:
        return client("PING")
    except Failure as failure:
        return failure


def stop_server(server, client):
    client.send([("SHUTDOWN", "NOSAVE")])  # the answer is the end
    server.finish(timeout=30)
    client.close()


def wait_for(client, condition, what, timeout=60):
    deadline = time.monotonic() + timeout
    while not condition():
        check(time.monotonic() < deadline, f"{what} took more than {timeout} s")
        time.sleep(0.02)


def value_for(index, version):
    """Contents that name their key, of 0 to 40000 bytes, mostly small."""
    size = (index * 7919 + version * 104729) % (40_000 if index % 50 == 0 else 700)
    unit = b"%d.%d|" % (index, version)
    return (unit * (size // len(unit) + 1))[:size]


def in_chunks(items, size):
    return [items[at:at + size] for at in range(0, len(items), size)]


def check_strings(client, model):
    for keys in in_chunks(sorted(model), 500):
        for key, got in zip(keys, client("MGET", *keys)):
            check_equal(got, model[key], f"value of {key}")
    check_equal(client("DBSIZE"), len(model), "number of keys")


def fill_and_compare(client):
    """Sets, overwrites, grows and deletes keys beside a model, and compares all of them."""
    numbers = random.Random(2)
    model = {}
    for version in range(3):
        wanted = [index for index in range(KEYS) if version == 0 or numbers.random() < 0.4]
        for indices in in_chunks(wanted, 200):
            requests = []
            for index in indices:
                key, value = f"key:{index}", value_for(index, version)
                if version == 2 and index % 3 == 0:
                    requests.append(("DEL", key))
                    model.pop(key, None)
                elif version == 2 and index % 3 == 1:
                    requests.append(("APPEND", key, value))
                    model[key] = model.get(key, b"") + value
                else:
                    requests.append(("SET", key, value))
                    model[key] = value
            client.many(requests)
        check_strings(client, model)
    return model


def check_structures(client):
    """Lists, hashes, sets and sorted sets, past the sizes at which redis changes their form."""
    numbers = list(range(3000))
    random.Random(3).shuffle(numbers)
    for part in in_chunks(numbers, 300):
        client("RPUSH", "list", *part)
        client("SADD", "set", *part)
        client("ZADD", "zset", *(word for number in part for word in (number, f"m{number}")))
        client("HSET", "hash", *(word for n in part for word in (f"f{n}", f"{n}" * 20)))
    check_equal([int(x) for x in client("LRANGE", "list", 0, -1)], numbers, "list")
    check_equal({int(x) for x in client("SMEMBERS", "set")}, set(numbers), "set")
    check_equal(client("ZRANGE", "zset", 0, -1), [b"m%d" % n for n in range(3000)], "zset")
    fields = client("HGETALL", "hash")
    check_equal(dict(zip(fields[::2], fields[1::2])),
                {b"f%d" % n: b"%d" % n * 20 for n in numbers}, "hash")
    check_equal(client("EVAL", "local t = {} for i = 1, 20000 do t[i] = i .. '' end "
                               "return #table.concat(t, ',')", 0), 108_893, "Lua script")
    check_equal(client("UNLINK", "list", "set", "zset", "hash"), 4, "UNLINK")


def run_benchmark(bench, path, commands, requests):
    done = bench.run(find_program("redis-benchmark", "redis-tools"), "-s", path, "-P", 16,
                     "-c", 40, "-n", requests, "-r", 50_000, "-d", 200, "-t", commands, "--csv",
                     timeout=120)
    rates = dict(re.findall(r'^"([A-Z_0-9]+)[^"]*","([\d.]+)"', done.stdout(), re.MULTILINE))
    for name in commands.upper().split(","):
        check(float(rates.get(name, 0)) > 0, f"no rate for {name}:\n{done.output()}")
        if name in ("SET", "GET", "LPUSH", "LRANGE_100"):
            bench.report(f"{name} -P 16, requests a second", f"{float(rates[name]):10,.0f}")
    bench.report_process(done, "redis-benchmark")


def save_and_write_meanwhile(client):
    """BGSAVE forks; the parent goes on, so both processes use the heap they shared."""
    digest, size = client("DEBUG", "DIGEST"), client("DBSIZE")
    client("BGSAVE")
    for version in range(40):
        client.many([("SET", f"meanwhile:{index}", value_for(index, version))
                     for index in range(200)])
    wait_for(client, lambda: client.info("rdb_bgsave_in_progress") == "0", "BGSAVE")
    check_equal(client.info("rdb_last_bgsave_status"), "ok", "BGSAVE")
    check_equal(client("UNLINK", *(f"meanwhile:{index}" for index in range(200))), 200, "UNLINK")
    check_equal(client("DEBUG", "DIGEST"), digest, "digest after BGSAVE and UNLINK")
    return digest, size


def rewrite_and_reload(client, digest):
    def rewritten():
        return (client.info("aof_rewrite_in_progress") == "0"
                and client.info("aof_rewrite_scheduled") == "0")

    client("CONFIG", "SET", "appendonly", "yes")
    wait_for(client, rewritten, "the first rewrite")
    client.many([("SET", f"appended:{index}", value_for(index, 9)) for index in range(500)])
    client("BGREWRITEAOF")
    wait_for(client, rewritten, "BGREWRITEAOF")
    check_equal(client.info("aof_last_bgrewrite_status"), "ok", "BGREWRITEAOF")
    client.many([("DEL", f"appended:{index}") for index in range(500)])
    check_equal(client("DEBUG", "LOADAOF"), "OK", "DEBUG LOADAOF")
    check_equal(client("DEBUG", "DIGEST"), digest, "digest after reloading the AOF")
    client("CONFIG", "SET", "appendonly", "no")


def flush(bench, server, client, empty):
    """FLUSHALL must free the keys, and the library must give their memory back."""
    used, rss = int(client.info("used_memory")), server.rss_mib()
    check_equal(client("FLUSHALL", "ASYNC"), "OK", "FLUSHALL")  # freed by another thread
    wait_for(client, lambda: client.info("lazyfree_pending_objects") == "0", "FLUSHALL ASYNC")
    check_equal(client("DBSIZE"), 0, "keys after FLUSHALL")
    left = int(client.info("used_memory"))
    check(left < empty + 8 * 2**20, f"used_memory is {left} after FLUSHALL, was {used} before "
                                    f"and {empty} at the start")
    # Blocks that idle threads still cache hold spans back: by themselves, about half of the
    # bytes come back, more or less by the run.
    wanted = rss - (used - left) / 2**20 / 4
    deadline = time.monotonic() + 15
    while server.rss_mib() > wanted and time.monotonic() < deadline:
        # Decay is driven by slow paths: a large key makes some.
        client("SET", "large", b"x" * 3_000_000)
        client("DEL", "large")
        time.sleep(0.1)
    settled = server.rss_mib()
    bench.report("used_memory before and after FLUSHALL",
                 f"{used / 2**20:7.1f} {left / 2**20:7.1f} MiB")
    bench.report("RSS before and after FLUSHALL", f"{rss:7.1f} {settled:7.1f} MiB")
    if bench.options.settles:
        check(settled <= wanted, f"RSS went from {rss:.0f} to {settled:.0f} MiB in 15 s after "
                                 f"FLUSHALL, which freed {(used - left) / 2**20:.0f} MiB")


def test(bench):
    bench.check_binds(find_program("redis-server", "redis-server"), "malloc", "calloc",
                      "realloc", "free", "malloc_usable_size")
    server, client, path = start_server(bench, "first")
    empty = int(client.info("used_memory"))
    model = fill_and_compare(client)
    check_structures(client)
    check_strings(client, model)
    run_benchmark(bench, path, COMMANDS, 50_000)
    run_benchmark(bench, path, "lrange_100,lrange_600", 4_000)
    check_equal(client("FLUSHALL", "SYNC"), "OK", "FLUSHALL")
    client("DEBUG", "POPULATE", POPULATED, "populated", 120)
    check_equal(client("DBSIZE"), POPULATED, "keys after DEBUG POPULATE")
    check_equal(len(client("GET", "populated:7")), 120, "size of a populated value")
    digest, size = save_and_write_meanwhile(client)
    rewrite_and_reload(client, digest)
    flush(bench, server, client, empty)
    model = fill_and_compare(client)  # the memory that came back serves again
    stop_server(server, client)
    bench.report_process(server)

    # A second thread parses requests here, and so allocates what the main thread frees.
    second, client, path = start_server(bench, "second", "--io-threads", 2,
                                        "--io-threads-do-reads", "yes")
    check_equal(client("DBSIZE"), size, "keys after a restart from the snapshot")
    check_equal(client("DEBUG", "DIGEST"), digest, "digest after a restart from the snapshot")
    run_benchmark(bench, path, "set,get", 20_000)
    stop_server(second, client)
    bench.report_process(second, "redis-server, restarted")


def add_options(parser):
    parser.add_argument("--settles", action="store_true",
                        help="fail unless half of what FLUSHALL frees is returned within 6 s")


if __name__ == "__main__":
    main(test, 240, add_options)
