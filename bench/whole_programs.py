"""The whole programs that bench/programs runs under each allocator, and what each is given to do.

All of them come from Debian's packages, or from this project's build (server_load). The work is
fixed: it depends on no clock and no random number, except the requests of redis-benchmark,
whose number is fixed, and those of server_load, whose time is counted for each. How threads
meet, and when db_bench compacts, is left to them.
"""
import json
from pathlib import Path

import allocators
import measured
import servers

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

# Of each of 4 threads; keys are of 16 bytes. Small buffers, so that tables are written, merged
# and read again all the time.
DB_BENCH = """
--threads=4 --num=60000 --reads=30000 --seed=1
--benchmarks=fillrandom,overwrite,readrandom,multireadrandom,seekrandom,mergerandom,compact,readrandom
--value_size_distribution_type=uniform --value_size_min=20 --value_size_max=600 --seek_nexts=20
--merge_operator=stringappend --compression_type=lz4 --bloom_bits=10 --max_background_jobs=2
--write_buffer_size=4194304 --cache_size=16777216 --db=db
"""


class Command:
    """A program that is started, does its work and ends; callgrind can run it too."""

    def __init__(self, name, about, tools, command, script=None, can_count=True):
        self.name, self.about, self.tools, self.can_count = name, about, tools, can_count
        self._command, self._script = command, script

    def run(self, library, scratch, prefix=(), small=False):
        """One run: the usage, and what was written to standard error."""
        program, *_ = self._command(small)
        measured.check_bindings(self.name, program, library)
        text = self._script(small) if self._script else ""
        (scratch / "stdin").write_text(text)
        with open(scratch / "stdin", "rb") as stdin, open(scratch / "stdout", "wb") as out:
            process = measured.Process(self.name, [*prefix, *self._command(small)], library,
                                       scratch / "stderr", stdin=stdin, stdout=out, cwd=scratch)
            usage = process.finish()
        return usage, process.said()


class ServerLoad:
    """Runs for a fixed time, so that its processor time is that of a million requests; page
    faults and switches are of all that it served."""
    name = "server_load"
    about = "a million requests of bench/server_load"
    tools = {}
    can_count = False

    def run(self, library, scratch):
        if not SERVER_LOAD.exists():
            raise SystemExit(f"{SERVER_LOAD} does not exist: ./dev build release")
        answer = scratch / "stdout"
        with open(answer, "wb") as out:
            usage = measured.Process(self.name, [SERVER_LOAD, "-s", 2], library,
                                     scratch / "stderr", stdout=out).finish()
        figures = json.loads(answer.read_text())
        allocators.check_answered(self.name, library, figures["allocator"])
        usage.cpu_seconds *= 1e6 / figures["requests"]
        return usage, ""


def all_programs():
    def compile_it(small):
        what = ["-fsyntax-only", GCC_SMALL_SOURCE] if small else ["-O2", GCC_SOURCE]
        return ["/usr/bin/g++", "-std=c++20", "-pthread", "-c", "-o", "out.o", *what]

    def python(small):
        return ["/usr/bin/python3", "-s", "-B", PYTHON_WORK, 1 if small else 30]

    def db_bench(_small):
        return ["/usr/bin/db_bench", *DB_BENCH.split()]

    return [
        Command("sqlite3", "the shell: tables, indices, joins and groups in memory",
                {"sqlite3": "sqlite3"}, lambda small: ["/usr/bin/sqlite3", "-batch", ":memory:"],
                lambda small: SQL.format(rows=10_000 if small else 250_000)),
        Command("g++", "compiles a small file that includes much of the standard library",
                {"g++": "g++"}, compile_it),
        Command("python3", "objects, strings, JSON and regular expressions, each a block of malloc",
                {"python3": "python3"}, python),
        Command("rocksdb", "db_bench: 4 threads put, get, scan, merge and compact",
                {"db_bench": "rocksdb-tools"}, db_bench, can_count=False),
        servers.Redis(),
        servers.Memcached(),
        servers.Nginx(),
        ServerLoad(),
    ]
