# A proxy of four threads, between ab and a server of files.
# packages: haproxy apache2-utils
mkdir files
seq 3000 > files/page
python3 -m http.server --directory files 8911 > /dev/null 2>&1 &
server=$!
cat > haproxy.cfg <<'X'
global
  nbthread 4
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:8912
  http-request set-header X-From %[src]
  default_backend back
backend back
  server one 127.0.0.1:8911
X
haproxy -f haproxy.cfg > /dev/null 2>&1 &
proxy=$!
for _ in $(seq 50); do
  python3 -c 'import urllib.request as r; r.urlopen("http://127.0.0.1:8912/page")' 2> /dev/null && break
  sleep 0.1
done
ab -q -n 1000 -c 16 http://127.0.0.1:8912/page > said
grep "Complete requests: *1000" said
grep "Failed requests: *0" said
kill -USR1 $proxy
wait $proxy
kill $server
wait $server || true
