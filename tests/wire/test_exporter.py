"""redis_exporter (Debian's prometheus-redis-exporter) finds in memd all that it finds in stock Redis."""
import contextlib
import re
import shutil
import subprocess

import pytest

from exposition import fetch
from resp import OK
from server import free_port, wait_for

pytestmark = [pytest.mark.memd_only,
              pytest.mark.skipif(not shutil.which("prometheus-redis-exporter"),
                                 reason="prometheus-redis-exporter is not installed")]


@contextlib.contextmanager
def exporter(server, *options):
    """Its port, once it answers."""
    port = free_port()
    p = subprocess.Popen(["prometheus-redis-exporter", "-redis.addr", "redis://127.0.0.1:%d" % server.port,
                          "-web.listen-address", "127.0.0.1:%d" % port, "-include-system-metrics",
                          "-include-config-metrics", "-export-client-list", "-check-single-keys", "db0=a,db0=l",
                          "-check-single-streams", "db0=x", "-count-keys", "db0=*"] + list(options),
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers():
        try:
            return fetch(port, "/health")[0] == 200
        except OSError:
            return False

    try:
        wait_for(answers)
        yield port
    finally:
        p.kill()
        p.wait()


def exported(server):
    """{name of a metric: names of its labels}, and all lines."""
    c = server.conn()
    assert c("CONFIG", "SET", "latency-monitor-threshold", "1", "slowlog-log-slower-than", "0") == OK
    c("SET", "a", "1", "EX", "100"), c("GET", "a"), c("GET", "nothing"), c("RPUSH", "l", "x"), c("NOSUCH")
    c("XADD", "x", "*", "f", "v"), c("XGROUP", "CREATE", "x", "g", "0"), c("EVAL", "return 1", 0)
    c("XREADGROUP", "GROUP", "g", "me", "STREAMS", "x", ">"), c("DEBUG", "SLEEP", "0.01")
    with exporter(server) as port:
        status, _, body = fetch(port)
    assert status == 200
    lines = [line for line in body.decode().split("\n") if line.startswith("redis_")]
    out = {}
    for line in lines:
        name = re.match(r"\w+", line).group()
        out.setdefault(name, set()).update(re.findall(r'(\w+)="', line))
    return out, lines


def test_nothing_that_it_tells_of_redis_is_missing(start, reference):
    memd, lines = exported(start(enable_debug_command="yes", appendonly="yes", save="900 1"))
    c = reference.conn()
    c("CONFIG", "SET", "appendonly", "yes", "save", "900 1")
    redis, _ = exported(reference)
    assert len(redis) > 130
    assert {name: labels for name, labels in redis.items() if not labels <= memd.get(name, set())} == {}
    assert "redis_up 1" in lines and 'redis_exporter_last_scrape_error{err=""} 0' in lines
    assert 'redis_db_keys{db="db0"} 3' in lines and 'redis_key_size{db="db0",key="l"} 1' in lines


def test_it_authenticates_and_says_when_memd_is_gone(start):
    s = start(requirepass="secret")
    with exporter(s, "-redis.password", "secret") as port:
        assert b"\nredis_up 1\n" in fetch(port)[2]
        s.stop()
        assert b"\nredis_up 0\n" in fetch(port)[2]
