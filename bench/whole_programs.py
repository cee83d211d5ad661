"""The whole programs that bench/programs runs under each allocator, and what each is given to do.

All of them come from Debian's packages, or from this project's build (server_load). The work is
fixed: it depends on no clock and no random number, except the requests of redis-benchmark,
whose number is fixed, and those of server_load, whose time is counted for each.
"""
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import allocators

GCC_SOURCE = allocators.REPO / "tests" / "programs" / "gcc_input.cc"
GCC_SMALL_SOURCE = Path(__file__).resolve().parent / "server_request.cc"
PYTHON_WORK = Path(__file__).resolve().parent / "whole_python.py"
SERVER_LOAD = allocators.RALLOC.parent / "bench" / "server_load"

SQL = """
create table item (id integer primary key, team integer, name text, data blob);
insert into item with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
    select i, i * 7919 % 997, printf('item %06d %s', i, substr('a name that is longer', 1, i % 20)),
           zeroblob(i % 120) from n;
create index item_name on item (team, name);
select count(*), sum(length(s)) from
    (select group_concat(name, ', ') s from item group by team having max(length(name)) > 9);
select count(*) from item a join item b on a.team = b.team and a.id < b.id and b.id % 7 = 0;
update item set name = name || ' changed', data = zeroblob(id % 200) where id % 3 = 0;
select count(distinct substr(name, 6, 4) || upper(name)) from item;
delete from item where id % 4 = 1;
vacuum;
"""


@dataclass
class Usage:
    """What a process and all that it waited for has cost."""
    cpu_seconds: float
    peak_mib: float


def start(command, library, **how):
    return subprocess.Popen([str(word) for word in command], env=environment(library), **how)


def environment(library):
    # PYTHONMALLOC: each object of python3 is then a block of its own.
    settings = dict(LC_ALL="C", PYTHONMALLOC="malloc", PYTHONHASHSEED="0")
    return allocators.environment(library) | settings


def finish(process, what, log):
    """Waits for the end of a process, which must be a good one under the right allocator."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text(errors="replace")
    if process.returncode != 0 or "ralloc: " in said or "cannot be preloaded" in said:
        raise SystemExit(f"{what} ended with {process.returncode}:\n{said[-2000:]}")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Command:
    """A program that is started, does its work and ends; callgrind can run it too."""

    def __init__(self, name, about, command, script=None):
        self.name, self.about, self._command, self._script = name, about, command, script
        self.can_count = True

    def run(self, library, scratch, prefix=(), small=False):
        """One run: the usage, and what was written to standard error."""
        log = scratch / "stderr"
        text = self._script(small) if self._script else ""
        (scratch / "stdin").write_text(text)
        with open(scratch / "stdin", "rb") as stdin, open(log, "wb") as err:
            process = start([*prefix, *self._command(small)], library, stdin=stdin,
                            stdout=subprocess.DEVNULL, stderr=err, cwd=scratch)
            usage = finish(process, self.name, log)
        return usage, log.read_text(errors="replace")


class Redis:
    name = "redis"
    about = "redis-server under 1.2 million requests of redis-benchmark"
    can_count = False
    REQUESTS = 200_000
    COMMANDS = "set,get,lpush,lpop,sadd,hset"

    def run(self, library, scratch):
        socket, log = scratch / "redis.socket", scratch / "stderr"
        socket.unlink(missing_ok=True)
        with open(log, "wb") as err:
            server = start(["redis-server", "--port", 0, "--unixsocket", socket, "--save", "",
                            "--dir", scratch], library, stdout=err, stderr=err)
            try:
                self._load(server, socket)
            except BaseException:
                server.kill()
                raise
            return finish(server, self.name, log), ""

    def _load(self, server, socket):
        deadline = time.monotonic() + 30
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("redis-server does not start")
            time.sleep(0.02)
        plain = environment(None)
        subprocess.run(["redis-benchmark", "-s", str(socket), "-q", "-n", str(self.REQUESTS),
                        "-P", "16", "-r", "100000", "-d", "120", "-t", self.COMMANDS],
                       env=plain, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(["redis-cli", "-s", str(socket), "shutdown", "nosave"],
                       env=plain, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class ServerLoad:
    """Runs for a fixed time, so that its cost is that of a million requests."""
    name = "server_load"
    about = "a million requests of bench/server_load"
    can_count = False

    def run(self, library, scratch):
        log, answer = scratch / "stderr", scratch / "stdout"
        with open(log, "wb") as err, open(answer, "wb") as out:
            process = start([SERVER_LOAD, "-s", 2], library, stdout=out, stderr=err)
            usage = finish(process, self.name, log)
        figures = json.loads(answer.read_text())
        allocators.check_answered(self.name, library, figures["allocator"])
        usage.cpu_seconds *= 1e6 / figures["requests"]
        return usage, ""


def all_programs():
    def compile_it(small):
        what = ["-fsyntax-only", GCC_SMALL_SOURCE] if small else ["-O2", GCC_SOURCE]
        return ["/usr/bin/g++", "-std=c++20", "-pthread", "-c", "-o", "out.o", *what]

    def python(small):
        return ["/usr/bin/python3", "-I", "-B", PYTHON_WORK, 1 if small else 30]

    return [
        Command("sqlite3", "the shell: tables, indices, joins and groups in memory",
                lambda small: ["/usr/bin/sqlite3", "-batch", ":memory:"],
                lambda small: SQL.format(rows=10_000 if small else 250_000)),
        Command("g++", "compiles a small file that includes much of the standard library",
                compile_it),
        Command("python3", "objects, strings, JSON and regular expressions, each a block of malloc",
                python),
        Redis(),
        ServerLoad(),
    ]
