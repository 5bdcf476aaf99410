"""CONFIG GET, SET, REWRITE, RESETSTAT."""
import os
import re
import subprocess

import pytest

import server as srv
from resp import Err, Map, OK


def test_get_takes_patterns(c, c3):
    assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"0"]
    got = c("CONFIG", "GET", "save", "maxmemory-p*")
    assert dict(zip(got[::2], got[1::2])) == {b"save": b"", b"maxmemory-policy": b"noeviction"}
    assert c("CONFIG", "GET", "nosuch") == []
    assert isinstance(c3("CONFIG", "GET", "maxmemory"), Map)
    every = c("CONFIG", "GET", "*")
    assert len(every) // 2 == len(set(every[::2])) and len(every) > 200
    assert c("CONFIG", "GET", "MAXMEMORY")[1] == b"0"


def test_the_defaults_are_those_of_redis(c):
    want = {"databases": "16", "timeout": "0", "tcp-keepalive": "300", "maxclients": srv.default_maxclients(),
            "hash-max-listpack-entries": "512", "hash-max-listpack-value": "64", "set-max-intset-entries": "512",
            "list-max-listpack-size": "-2", "list-compress-depth": "0", "appendfsync": "everysec",
            "slowlog-log-slower-than": "10000", "slowlog-max-len": "128", "latency-monitor-threshold": "0",
            "lfu-log-factor": "10", "lfu-decay-time": "1", "maxmemory-samples": "5", "proto-max-bulk-len": "536870912",
            "client-query-buffer-limit": "1073741824", "notify-keyspace-events": "", "protected-mode": "yes",
            "client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            "zset-max-listpack-entries": "128", "auto-aof-rewrite-percentage": "100",
            "auto-aof-rewrite-min-size": "67108864", "dbfilename": "dump.rdb", "appenddirname": "appendonlydir",
            "appendfilename": "appendonly.aof", "rdbcompression": "yes", "rdbchecksum": "yes", "hz": "10",
            "activerehashing": "yes", "stream-node-max-bytes": "4096", "lazyfree-lazy-user-del": "no"}
    got = c("CONFIG", "GET", *want)
    assert {k.decode(): v.decode() for k, v in zip(got[::2], got[1::2])} == want


def test_every_setting_of_the_stock_server_has_an_answer(c, reference):
    mine, theirs = c("CONFIG", "GET", "*"), reference.conn()("CONFIG", "GET", "*")
    missing = set(theirs[::2]) - set(mine[::2])
    assert not missing - {b"aof-disable-auto-gc"}  # 7.0 alone shows it


def test_set_changes_several_at_once_or_none(start):
    s = start()
    c = s.conn()
    assert c("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru") == OK
    assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"104857600"]
    got = c("CONFIG", "SET", "maxmemory", "200mb", "maxmemory-policy", "nonsense")
    assert isinstance(got, Err) and got.startswith("ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy')")
    assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"104857600"]
    got = c("CONFIG", "SET", "maxmemory", "1gb", "nosuch", "1")
    assert got == Err("ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'")
    got = c("CONFIG", "SET", "maxmemory", "1gb", "maxmemory", "2gb")
    assert isinstance(got, Err) and "duplicate" in got
    assert c("CONFIG", "SET", "maxmemory") == Err("ERR wrong number of arguments for 'config|set' command")
    assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"104857600"]
    got = c("CONFIG", "SET", "port", "x")
    assert isinstance(got, Err)


def test_values_are_checked_as_redis_checks_them(c):
    bad = {"maxmemory": "abc", "maxmemory-samples": "0", "hz": "foo", "appendonly": "maybe", "save": "900",
           "slowlog-max-len": "-1", "loglevel": "chatty", "client-output-buffer-limit": "normal 1 2",
           "lfu-decay-time": "-1", "timeout": "-1", "appendfsync": "sometimes"}
    for name, value in bad.items():
        got = c("CONFIG", "SET", name, value)
        assert isinstance(got, Err) and got.startswith("ERR CONFIG SET failed"), (name, got)
    for name in ("databases", "daemonize", "appenddirname"):
        got = c("CONFIG", "SET", name, c("CONFIG", "GET", name)[1])
        assert isinstance(got, Err) and "immutable" in got, (name, got)


@pytest.mark.parametrize("name, value, shown", [
    ("maxmemory", "1gb", "1073741824"), ("maxmemory", "10mb", "10485760"), ("timeout", "5", "5"),
    ("save", "900 1 60 5", "900 1 60 5"), ("save", "", ""), ("slowlog-log-slower-than", "-1", "-1"),
    ("client-output-buffer-limit", "pubsub 1mb 512kb 10",
     "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 524288 10"),
    ("notify-keyspace-events", "Kgx", "gxK"), ("loglevel", "debug", "debug"), ("lazyfree-lazy-user-del", "yes", "yes"),
    ("maxmemory-policy", "volatile-ttl", "volatile-ttl"), ("list-max-listpack-size", "100", "100"),
])
def test_what_is_set_is_shown(start, name, value, shown):
    c = start().conn()
    assert c("CONFIG", "SET", name, value) == OK
    assert c("CONFIG", "GET", name) == [name.encode(), shown.encode()]


@pytest.mark.in_the_clear("its file would have the settings of TLS, too")
def test_rewrite_keeps_comments_and_order(start):
    s = start(conf="# my server\nmaxmemory 100mb\n\n# how to evict\nmaxmemory-policy noeviction\n"
                   "save 900 1\nslowlog-max-len 50\n# the end\n")
    c = s.conn()
    assert c("CONFIG", "SET", "maxmemory", "200mb", "slowlog-max-len", "60", "timeout", "77") == OK
    assert c("CONFIG", "REWRITE") == OK
    with open(os.path.join(s.dir, "test.conf")) as f:
        lines = f.read().split("\n")
    assert lines[0] == "# my server" and "# how to evict" in lines and "# the end" in lines
    assert "slowlog-max-len 60" in lines and "timeout 77" in lines
    assert any(l in ("maxmemory 200mb", "maxmemory 209715200") for l in lines)
    assert lines.index("# how to evict") > lines.index("# my server")
    before = c("CONFIG", "GET", "*")
    s.stop()
    s.settings = {}
    s.start()
    after = s.conn()("CONFIG", "GET", "*")
    before, after = (dict(zip(x[::2], x[1::2])) for x in (before, after))
    for d in (before, after):
        for volatile in (b"port", b"dir"):
            d.pop(volatile)
    assert before == after


def test_rewrite_without_a_file(c):
    assert c("CONFIG", "REWRITE") == Err("ERR The server is running without a config file")


def test_resetstat(c):
    c("GET", "nokey")
    assert int(c.info("stats")["keyspace_misses"]) >= 1
    assert c("CONFIG", "RESETSTAT") == OK
    info = c.info("stats")
    assert info["keyspace_misses"] == "0" and int(info["total_commands_processed"]) <= 1
    assert "cmdstat_get" not in c.info("commandstats")


def test_nonsense(c):
    assert c("CONFIG", "FOO") == Err("ERR unknown subcommand 'FOO'. Try CONFIG HELP.")
    assert c("CONFIG", "GET") == Err("ERR wrong number of arguments for 'config|get' command")
    assert isinstance(c("CONFIG", "HELP"), list)


def test_settings_act_at_once(start):
    s = start()
    c = s.conn()
    c("CONFIG", "SET", "hash-max-listpack-entries", 2)
    c("HSET", "h", "a", 1, "b", 2, "c", 3)
    assert c("OBJECT", "ENCODING", "h") == b"hashtable"
    c("CONFIG", "SET", "maxclients", 100)
    assert c("CONFIG", "GET", "maxclients") == [b"maxclients", b"100"]
    old = s.port
    new = srv.free_port()
    assert c("CONFIG", "SET", "port", new) == OK
    s.port = new
    assert s.conn()("CONFIG", "GET", "port") == [b"port", str(new).encode()]
    with pytest.raises(ConnectionError):
        import socket
        socket.create_connection(("127.0.0.1", old), 1).close()


@pytest.mark.memd_only
def test_what_is_fixed_at_the_start_is_what_the_manual_says(c):
    with open(os.path.join(srv.ROOT, "docs/operations.md")) as f:
        part = f.read().partition("These alone are fixed at the start:")[2]
    told = set(re.findall(r"`([a-z-]+)`", part.partition("known to files alone")[0]))
    conf = subprocess.run([srv.MEMD.path, "--print-config"], capture_output=True, text=True).stdout
    without_effect = set(re.findall(r"[a-z_-]+", conf.partition("does nothing with them:")[2])) | {"slaveof"}
    names = [n.decode() for n in c("CONFIG", "GET", "*")[::2]]
    fixed = {n for n in names if "immutable" in str(c("CONFIG", "SET", n, c("CONFIG", "GET", n)[1]))}
    assert fixed - without_effect == told
    assert told - without_effect == told
