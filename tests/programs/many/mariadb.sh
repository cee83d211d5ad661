# A data base of threads: sysbench by 16 of them, then a long string.
# packages: mariadb-server sysbench
here=$(mktemp -d)
chown mysql "$here"
export TMPDIR=$here
mysql_install_db --no-defaults --user=mysql --datadir="$here/db" --auth-root-authentication-method=normal \
  > "$here/install" 2>&1
mariadbd --no-defaults --user=mysql --datadir="$here/db" --socket="$here/socket" --skip-networking \
  --pid-file="$here/pid" --innodb-buffer-pool-size=128M > "$here/log" 2>&1 &
server=$!
for _ in $(seq 100); do mariadb-admin -uroot -S "$here/socket" ping > /dev/null 2>&1 && break; sleep 0.2; done
mariadb -uroot -S "$here/socket" -e "create database t"
load() {
  sysbench oltp_read_write --mysql-socket="$here/socket" --mysql-user=root --mysql-db=t --tables=4 \
    --table-size=20000 --threads=16 --events=2000 --time=0 "$1"
}
load prepare > /dev/null
load run | grep "total number of events"
mariadb -uroot -S "$here/socket" -N -e "select length(group_concat(c)) > 1000 from t.sbtest1"
mariadb-admin -uroot -S "$here/socket" shutdown
wait $server
! grep -E "got signal|ralloc:" "$here/log"
rm -rf "$here"
