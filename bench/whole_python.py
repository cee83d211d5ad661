"""The work of python3 in bench/programs: python3 whole_python.py TIMES."""
import collections
import json
import re
import sys


class Node:
    def __init__(self, key, children):
        self.key, self.children = key, children


def tree(depth, key=1):
    children = [tree(depth - 1, 2 * key + i) for i in range(2)] if depth else []
    return Node(f"node {key}", children)


def weight(node):
    return len(node.key) + sum(map(weight, node.children))


def work():
    numbers = [n * 7919 % 100_003 for n in range(60_000)]
    words = collections.Counter(f"word {n % 5000}" for n in numbers)
    table = {str(n): [n, n / 3, {"half": n // 2, "text": "x" * (n % 100)}] for n in numbers[:8000]}
    again = json.loads(json.dumps(table))
    text = " ".join(sorted(words)) * 4
    found = re.findall(r"\bword (\d+)\b", text)
    buffer = bytearray()
    for n in numbers[:20_000]:
        buffer += n.to_bytes(4, "little") * (n % 8)
    parts = text.replace("word", "part").split(" ")
    return again == table and len(found) + len(buffer) + len(parts) + weight(tree(12))


for _ in range(int(sys.argv[1])):
    if not work():
        sys.exit("wrong answer")
