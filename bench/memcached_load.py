"""The requests of bench/programs to memcached: memcached_load.py SOCKET REQUESTS.

Each of the clients has keys of its own and knows what they hold, so every answer is compared
with the one that is right; the seeds are fixed, and only how the clients meet is not. The sizes
of values are those that Atikoglu et al. published of Facebook's pool ETC (2012): a generalized
Pareto distribution. Of the requests more are sets than there, since only those allocate.
"""
import random
import socket
import sys
import threading

CLIENTS = 8
KEYS = 15_000        # of each client
PIPELINED = 64       # requests that are sent before the answers are read
CONNECTION = 2_000   # requests, then it is opened anew
SCALE, SHAPE = 214.476, 0.348238
LARGEST = 100_000    # so that a socket holds what is sent before answers are read
VARIANTS = 1000      # of the contents
BYTES = bytes(random.Random(0).choices(b"abcdefghijklmnopqrstuvwxyz", k=LARGEST + VARIANTS))


class Client(threading.Thread):
    def __init__(self, path, number, requests):
        super().__init__()
        self.path, self.number, self.requests = path, number, requests
        self.random = random.Random(number)
        self.held = {}
        self.counters = {}
        self.failure = "it did not end"

    def run(self):
        try:
            for done in range(0, self.requests, CONNECTION):
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(self.path)
                    left = min(CONNECTION, self.requests - done)
                    for begun in range(0, left, PIPELINED):
                        self.exchange(server, min(PIPELINED, left - begun))
            self.failure = None
        except (OSError, ValueError) as failure:
            self.failure = failure

    def exchange(self, server, count):
        pairs = [self.request() for _ in range(count)]
        server.sendall(b"".join(request for request, _ in pairs))
        right = b"".join(answer for _, answer in pairs)
        got = bytearray()
        while len(got) < len(right):
            read = server.recv(1 << 18)
            if not read:
                raise ValueError("the server closed the connection")
            got += read
        if got != right:
            raise ValueError("an answer is wrong")

    def request(self):
        """One request and the answer that it must get."""
        key = self.key()
        chance = self.random.random()
        if chance < 0.65:
            return b"get %b\r\n" % key, self.found(key) + b"END\r\n"
        if chance < 0.94:
            value = self.held[key] = self.value()
            return b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value), b"STORED\r\n"
        if chance < 0.97:
            was_there = self.held.pop(key, None) is not None
            return b"delete %b\r\n" % key, b"DELETED\r\n" if was_there else b"NOT_FOUND\r\n"
        return self.count(b"counter:%d:%b" % (self.number, key[-8:]))

    def count(self, key):
        if key not in self.counters:
            self.counters[key] = 1
            return b"set %b 0 0 1\r\n1\r\n" % key, b"STORED\r\n"
        self.counters[key] += 1
        return b"incr %b 1\r\n" % key, b"%d\r\n" % self.counters[key]

    def found(self, key):
        value = self.held.get(key)
        return b"" if value is None else b"VALUE %b 0 %d\r\n%b\r\n" % (key, len(value), value)

    def key(self):
        """Of 16 to 40 bytes; some are asked for far more often than others."""
        index = int(KEYS * self.random.random() ** 3)
        return b"%d:%0*d" % (self.number, 14 + index * 7919 % 25, index)

    def value(self):
        size = SCALE / SHAPE * ((1 - self.random.random()) ** -SHAPE - 1)
        begin = self.random.randrange(VARIANTS)
        return BYTES[begin : begin + min(int(size) + 1, LARGEST)]


def main():
    path, requests = sys.argv[1], int(sys.argv[2])
    clients = [Client(path, number, requests // CLIENTS) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    for client in clients:
        if client.failure:
            sys.exit(f"client {client.number}: {client.failure}")


if __name__ == "__main__":
    main()
