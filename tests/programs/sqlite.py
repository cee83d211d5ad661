#!/usr/bin/env python3
"""The sqlite3 shell under a preloaded library: a database in memory, its answers known.

Each statement's answer is computed here in Python, without SQL. At the end the database is
vacuumed into a file, which this (not preloaded) interpreter opens and checks.
"""

import collections
import os
import sqlite3

from preload import check_equal, find_program, main

ROWS = 200_000
GROUPS = 997

SETUP = f"""
.bail on
.mode list
create table item (id integer primary key, team integer, name text, data blob);
insert into item with recursive n(i) as (select 1 union all select i + 1 from n where i < {ROWS})
    select i, i * 7919 % {GROUPS}, printf('item %06d %s', i, substr('abcdefghijklmnopqrstuvwxyz',
           1 + i % 20, i % 7)), zeroblob(i % 90) from n;
create table team (id integer primary key, label text);
insert into team with recursive n(i) as (select 0 union all select i + 1 from n
    where i < {GROUPS - 1}) select i, 'team ' || i from n;
create index item_team on item (team, name);
create index item_name on item (name);
create index item_upper on item (upper(substr(name, 6, 3)), id);
"""


class Item:
    def __init__(self, number):
        self.number = number
        self.team = number * 7919 % GROUPS
        self.name = (f"item {number:06d} "
                     + "abcdefghijklmnopqrstuvwxyz"[number % 20:][:number % 7])
        self.size = number % 90


def make_questions(items):
    """Pairs of a statement and its answer."""
    by_team = collections.defaultdict(list)
    for item in items:
        by_team[item.team].append(item)
    largest = max(by_team, key=lambda team: (sum(i.number for i in by_team[team]), team))
    long_names = [item for item in items if len(item.name) > 15]
    tails = sorted({item.name[12:] for item in items})
    return [
        ("select count(*), sum(id), sum(length(name)), sum(length(data)) from item",
         [len(items), sum(i.number for i in items), sum(len(i.name) for i in items),
          sum(i.size for i in items)]),
        ("select team.label, sum(item.id) s from item join team on team.id = item.team "
         "group by team.id order by s desc, team.id desc limit 1",
         [f"team {largest}", sum(i.number for i in by_team[largest])]),
        ("select count(*), sum(c) from (select team, count(*) c, group_concat(name) g from item "
         "group by team having length(g) > 0)", [GROUPS, ROWS]),
        ("select max(length(g)) from (select group_concat(name, ', ') g from item group by team)",
         [max(sum(len(i.name) + 2 for i in group) - 2 for group in by_team.values())]),
        ("select count(*), min(id), max(id) from item where length(name) > 15",
         [len(long_names), long_names[0].number, long_names[-1].number]),
        ("select group_concat(t, '/') from (select distinct substr(name, 13) t from item "
         "order by t)", ["/".join(tails)]),
        ("select group_concat(id) from (select id from item where name = 'item 123456 qrst' "
         "or replace(name, 'item', 'x') = 'x 000007 ' order by id)", ["7,123456"]),
        ("select count(*) from item a join item b on b.team = a.team and b.name > a.name "
         "where a.team < 20", [sum(len(by_team[t]) * (len(by_team[t]) - 1) // 2
                                   for t in range(20))]),
        ("select sum(r) from (select row_number() over (partition by team order by name desc) r "
         "from item)", [sum(len(g) * (len(g) + 1) // 2 for g in by_team.values())]),
        ("with recursive grow(n, s) as (select 1, 'x' union all select n + 1, s || s from grow "
         "where n < 22) select max(length(s)) from grow", [2**21]),
        ("select length(hex(zeroblob(5000000))), length(replace(hex(zeroblob(300000)), '00', "
         "'abc'))", [10_000_000, 900_000]),
    ]


def changed(items):
    """What CHANGE leaves."""
    for item in items:
        if item.number % 3 == 0:
            item.name += " " + "changed " * (item.number % 5)
        if item.number % 5 == 0:
            item.size = 200
    return [item for item in items if item.number % 4 != 1]


CHANGE = """
begin;
update item set name = name || ' ' || replace(hex(zeroblob(id % 5)), '00', 'changed ')
    where id % 3 = 0;
update item set data = zeroblob(200) where id % 5 = 0;
delete from item where id % 4 = 1;
commit;
begin; delete from item; rollback;
"""


def test(bench):
    shell = find_program("sqlite3", "sqlite3")
    bench.check_binds(os.path.realpath(shell), "malloc", "realloc", "free")
    items = [Item(number) for number in range(1, ROWS + 1)]
    questions = make_questions(items)
    items = changed(items)
    sums = [len(items), sum(i.number for i in items), sum(len(i.name) for i in items),
            sum(i.size for i in items)]
    statements = [sql for sql, _ in questions] + [questions[0][0], "pragma integrity_check"]
    answers = [answer for _, answer in questions] + [sums, ["ok"]]

    asked = [f"{sql};\n" for sql in statements]
    script = (SETUP + "".join(asked[:-2]) + CHANGE + "".join(asked[-2:])
              + "vacuum into 'copy.db';\n")
    process = bench.run(shell, "-batch", ":memory:", stdin=script, timeout=120)
    lines = process.stdout().splitlines()
    check_equal(process.stderr(), "", "messages of sqlite3")
    check_equal(len(lines), len(answers), "number of answers")
    for sql, line, answer in zip(statements, lines, answers):
        check_equal(line, "|".join(map(str, answer)), sql)

    with sqlite3.connect(os.path.join(bench.directory, "copy.db")) as copy:
        check_equal(copy.execute("pragma integrity_check").fetchall(), [("ok",)], "copy.db")
        check_equal(list(copy.execute(questions[0][0]).fetchone()), sums, "sums in copy.db")
        check_equal(copy.execute("select id, name, length(data) from item order by id").fetchall(),
                    [(i.number, i.name, i.size) for i in items], "rows of copy.db")
    copy.close()
    bench.report_process(process)


if __name__ == "__main__":
    main(test, 150)
