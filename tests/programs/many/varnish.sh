# A cache of some hundred threads, which compiles its configuration.
# packages: varnish apache2-utils gcc
mkdir files
seq 3000 > files/page
python3 -m http.server --directory files 8921 > /dev/null 2>&1 &
server=$!
varnishd -F -n "$PWD/varnish" -a 127.0.0.1:8922 -b 127.0.0.1:8921 -s malloc,64m > log 2>&1 &
cache=$!
for _ in $(seq 100); do grep -q "Child launched OK" log && break; sleep 0.1; done
ab -q -n 20000 -c 32 -k http://127.0.0.1:8922/page > said
grep "Complete requests: *20000" said
grep "Failed requests: *0" said
kill $cache
wait $cache
! grep -E "ralloc:|Panic|signal=" log
kill $server
wait $server || true
