# A data base of processes: pgbench by 16 clients, sorts and hashes, parallel workers, an extension.
# packages: postgresql postgresql-contrib
here=$(mktemp -d)
chown postgres "$here"
export TMPDIR=$here
tools=$(echo /usr/lib/postgresql/*/bin)
as() { runuser -u postgres -- "$@"; }
ask() { as "$tools/psql" -h "$here" -At -c "$1" postgres; }
as "$tools/initdb" -D "$here/db" -A trust > /dev/null
as "$tools/pg_ctl" -D "$here/db" -l "$here/log" -w start -o "-k $here -c listen_addresses= -c fsync=off" > /dev/null
trap 'as "$tools/pg_ctl" -D "$here/db" -m fast -w stop > /dev/null; ! grep -E "by signal|PANIC|ralloc:" "$here/log"; rm -rf "$here"' EXIT
as "$tools/pgbench" -h "$here" -i -s 10 -q postgres > /dev/null 2>&1
as "$tools/pgbench" -h "$here" -c 16 -j 4 -t 300 postgres 2> /dev/null | grep "actually processed"
ask "create extension pgcrypto"
ask "select sum(length(md5(g::text))) from generate_series(1, 300000) g"
ask "select count(*) from (select string_agg(g::text, ',') from generate_series(1, 200000) g group by g % 1000) s"
ask "select count(*) from (select * from pgbench_accounts a join pgbench_accounts b using (aid)
     order by a.bid, b.filler limit 300000) q"
ask "select length(crypt('x', gen_salt('bf', 4)))"
