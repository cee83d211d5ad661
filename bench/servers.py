"""The servers among the whole programs: each does a fixed number of requests, and then ends.

Their clients run under the system's malloc and are not counted. A server has 30 s to begin.
"""
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import measured

HERE = Path(__file__).resolve().parent
SECONDS_TO_BEGIN = 30


class Server:
    """A run: start, wait until it serves, look at its allocator, load, stop.

    A kind of server has `name`, `about`, `tools` (tool -> Debian package), and the methods
    command(scratch), serves(server, scratch), load(scratch) and stop(server, scratch).
    """
    can_count = False

    def run(self, library, scratch):
        with open(scratch / "stdout", "wb") as out:
            server = measured.Process(self.name, self.command(scratch), library,
                                      scratch / "stderr", stdout=out, cwd=scratch)
            try:
                self._wait_for(server, scratch)
                server.check_allocator()
                self.load(scratch)
                self.stop(server, scratch)
            except BaseException:
                server.end_all()
                raise
            return server.finish(), ""

    def _wait_for(self, server, scratch):
        deadline = time.monotonic() + SECONDS_TO_BEGIN
        while not self.serves(server, scratch):
            if server.poll() is not None or time.monotonic() > deadline:
                said = (scratch / "stdout").read_text(errors="replace") + server.said()
                raise SystemExit(f"{self.name} does not start:\n{said[-2000:]}")
            time.sleep(0.02)

    def client(self, *command):
        """Runs a client to its end; what it printed."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              env=measured.environment(None))
        if done.returncode != 0:
            raise SystemExit(f"{self.name}: {Path(command[0]).name} ended with "
                             f"{done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
        return done.stdout


def accepts(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


class Redis(Server):
    name = "redis"
    about = "redis-server under 1.2 million requests of redis-benchmark"
    tools = {"redis-server": "redis-server", "redis-benchmark": "redis-tools",
             "redis-cli": "redis-tools"}
    REQUESTS = 200_000
    COMMANDS = "set,get,lpush,lpop,sadd,hset"

    def command(self, scratch):
        return ["redis-server", "--port", 0, "--unixsocket", scratch / "redis.socket",
                "--save", "", "--dir", scratch]

    def serves(self, _server, scratch):
        return accepts(scratch / "redis.socket")

    def load(self, scratch):
        self.client("redis-benchmark", "-s", scratch / "redis.socket", "-q", "-n", self.REQUESTS,
                    "-P", 16, "-r", 100000, "-d", 120, "-t", self.COMMANDS)

    def stop(self, _server, scratch):
        self.client("redis-cli", "-s", scratch / "redis.socket", "shutdown", "nosave")


class Memcached(Server):
    name = "memcached"
    about = "4 threads under 800 thousand requests, values of the sizes of the pool ETC"
    tools = {"memcached": "memcached"}
    REQUESTS = 800_000

    def command(self, scratch):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        # More memory than all that is set: nothing is evicted, and every answer is known.
        return ["memcached", "-s", scratch / "memcached.socket", "-t", 4, "-m", 1024, *user]

    def serves(self, _server, scratch):
        return accepts(scratch / "memcached.socket")

    def load(self, scratch):
        self.client(sys.executable, "-B", HERE / "memcached_load.py",
                    scratch / "memcached.socket", self.REQUESTS)

    def stop(self, server, _scratch):
        server.send_signal(signal.SIGTERM)


class Nginx(Server):
    """A front that adds, replaces and compresses, and the server of files behind it, by the
    same two workers: a page takes buffers of many sizes, each from a pool of its request."""
    name = "nginx"
    about = "2 workers that proxy to themselves under 24 thousand requests of ab"
    tools = {"nginx": "nginx", "ab": "apache2-utils"}
    REQUESTS = {"page.html": 12_000, "data/table.html": 6_000, "missing/page.html": 6_000}
    WORKERS = 2
    CONFIGURATION = """
{user}
daemon off;
pid "{scratch}/nginx.pid";
error_log stderr crit;
worker_processes {workers};
worker_shutdown_timeout 10s;
events {{ worker_connections 512; }}
http {{
  access_log "{scratch}/access.log" combined buffer=32k;
  client_body_temp_path "{scratch}/body";
  proxy_temp_path "{scratch}/proxy";
  fastcgi_temp_path "{scratch}/fastcgi";
  uwsgi_temp_path "{scratch}/uwsgi";
  scgi_temp_path "{scratch}/scgi";
  default_type text/html;
  large_client_header_buffers 4 16k;
  upstream behind {{ server "unix:{scratch}/behind.socket"; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    gzip on;
    gzip_http_version 1.0;
    gzip_comp_level 1;
    gzip_proxied any;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Accept-Encoding "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    location / {{
      sub_filter "row" "line";
      sub_filter "a word" "another word of $host";
      sub_filter_once off;
      proxy_pass http://behind;
    }}
    location /data/ {{ gzip off; proxy_pass http://behind; }}
  }}
  server {{
    listen "unix:{scratch}/behind.socket";
    root "{scratch}/pages";
    ssi on;
    add_header X-Served-By "$hostname-$pid-$connection-$connection_requests";
    location /data/ {{ ssi off; }}
    location /missing/ {{ rewrite ^/missing/(.*)$ /$1 last; }}
  }}
}}
"""

    def command(self, scratch):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        write_pages(scratch / "pages")
        # The directory is ours alone, and nginx's workers would be somebody else's.
        user = "user root;" if os.geteuid() == 0 else ""
        (scratch / "nginx.conf").write_text(self.CONFIGURATION.format(
            scratch=scratch, port=self.port, workers=self.WORKERS, user=user))
        return [measured.find_tool("nginx"), "-p", scratch, "-c", scratch / "nginx.conf"]

    def serves(self, server, _scratch):
        if len(measured.children(server.pid)) < self.WORKERS:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/page.html")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def load(self, _scratch):
        cookie = "; ".join(f"name{i}={'value' * (i % 12)}" for i in range(80))
        for page, requests in self.REQUESTS.items():
            said = self.client("ab", "-q", "-k", "-l", "-n", requests, "-c", 24,
                               "-H", "Accept-Encoding: gzip", "-H", f"Cookie: {cookie}",
                               f"http://127.0.0.1:{self.port}/{page}")
            done = re.search(r"Complete requests: +(\d+)\nFailed requests: +0\n", said)
            if not done or int(done[1]) != requests or "Non-2xx" in said:
                raise SystemExit(f"nginx: not every request was answered:\n{said}")

    def stop(self, server, _scratch):
        # The master ends when its workers have: their time is then in its own.
        server.send_signal(signal.SIGQUIT)


def write_pages(directory):
    """A page of three parts that the server puts together, and a table to send as it is."""
    (directory / "data").mkdir(parents=True)
    row = "<tr><td>row {0}</td><td>{1}</td><td>a word and {2}</td></tr>\n"
    rows = [row.format(i, i * 7919 % 99991, "more " * (i % 9)) for i in range(1200)]
    for part in range(3):
        (directory / f"part{part}.html").write_text("".join(rows[part * 60 : part * 60 + 60]))
    (directory / "page.html").write_text(
        '<html><!--#set var="title" value="A page" --><!--#echo var="title" -->\n'
        + "".join(f'<table><!--#include virtual="/part{part}.html" --></table>\n'
                  for part in range(3)) + "</html>\n")
    (directory / "data" / "table.html").write_text("".join(rows))
