"""redis-cli's modes, as people use them: what it prints is read until what must come has come; then it is ended.

Modes that go on for ever write to a terminal of the test's own, as they keep what they say back otherwise."""
import csv
import io
import json
import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from resp import OK, PONG, Err
from server import MEMD, PATIENCE, wait_for

CLI = shutil.which("redis-cli")
pytestmark = pytest.mark.skipif(CLI is None, reason="no redis-cli here")


def cli(server, *args, stdin=None):
    """Run it to its end: its standard output, as text when it is one."""
    p = subprocess.run([CLI, "-p", str(server.port), *map(str, args)], input=stdin, capture_output=True, timeout=PATIENCE)
    assert p.returncode == 0, (args, p.stdout, p.stderr)
    return p.stdout.decode(errors="replace")


class Terminal:
    """redis-cli on a terminal."""

    def __init__(self, server, *args):
        self.fd, inner = pty.openpty()
        self.proc = subprocess.Popen([CLI, "-p", str(server.port), *map(str, args)], stdin=inner, stdout=inner,
                                     stderr=inner, env={**os.environ, "TERM": "dumb", "HOME": "/nonexistent"},
                                     start_new_session=True)
        os.close(inner)
        self.text = ""

    def until(self, pattern):
        """Read until the pattern has come; returns the match."""
        end = time.monotonic() + PATIENCE
        while True:
            m = re.search(pattern, self.text)
            if m:
                return m
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], (pattern, self.text)
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            assert data, "it ended; wanted %r, got %r" % (pattern, self.text)
            self.text += data.decode(errors="replace")

    def say(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait(PATIENCE)
        os.close(self.fd)


@pytest.fixture
def data(server, c):
    """A few keys of each type, the biggest of which are known."""
    c.pipeline([("SET", "s:%d" % i, "x" * i) for i in range(1, 51)])
    c("SET", "big:string", "x" * 5000)
    c("RPUSH", "big:list", *range(200))
    c("SADD", "big:set", *range(150))
    c("ZADD", "big:zset", *[x for i in range(120) for x in (i, "m%d" % i)])
    c("HSET", "big:hash", *[x for i in range(90) for x in ("f%d" % i, i)])
    for i in range(30):
        c("XADD", "big:stream", "*", "f", i)
    return server


def test_bigkeys(data):
    out = cli(data, "--bigkeys")
    for line in ('Sampled 56 keys in the keyspace', 'Biggest string found .*big:string.* has 5000 bytes',
                 'Biggest +list found .*big:list.* has 200 items', 'Biggest +set found .*big:set.* has 150 members',
                 'Biggest +zset found .*big:zset.* has 120 members', 'Biggest +hash found .*big:hash.* has 90 fields',
                 'Biggest stream found .*big:stream.* has 30 entries', '51 strings with'):
        assert re.search(line, out), (line, out)


def test_memkeys(data):
    out = cli(data, "--memkeys")
    assert re.search(r"Biggest string found .*big:string.* has \d+ bytes", out), out
    assert re.search(r"Biggest +hash found .*big:hash.* has \d+ bytes", out)
    assert "Sampled 56 keys" in cli(data, "--memkeys", "--memkeys-samples", 0)


def test_hotkeys(start):
    s = start(maxmemory_policy="allkeys-lfu")
    c = s.conn()
    c.pipeline([("SET", "k%d" % i, 1) for i in range(20)])
    c.pipeline([("GET", "k7")] * 3000)
    out = cli(s, "--hotkeys")
    assert re.search(r'hot key found with counter: \d+\s+keyname: "?k7', out), out
    s = start()
    s.conn()("SET", "k", "v")
    refused = subprocess.run([CLI, "-p", str(s.port), "--hotkeys"], capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 1
    assert "Error: ERR An LFU maxmemory policy is not selected" in refused.stderr


def test_scan_and_pattern(data):
    assert len(cli(data, "--scan").split()) == 56
    assert set(cli(data, "--scan", "--pattern", "big:*").split()) == {
        "big:" + t for t in ("string", "list", "set", "zset", "hash", "stream")}


def test_pipe(server, c):
    n = 5000
    requests = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\nk%d\r\n$1\r\nv\r\n" % (len(str(i)) + 1, i) for i in range(n))
    assert "errors: 0, replies: %d" % n in cli(server, "--pipe", stdin=requests)
    assert c("DBSIZE") == n


def test_latency_in_one_line(server):
    least, most, mean, samples = cli(server, "--latency", "-i", "0.1").split()
    assert float(least) <= float(mean) <= float(most) and int(samples) > 0
    fields = next(csv.reader(io.StringIO(cli(server, "--latency", "--csv", "-i", "0.1"))))
    assert len(fields) == 4


def test_latency_history_and_distribution(server):
    with Terminal(server, "--latency-history", "-i", "0.2") as t:
        t.until(r"min: \d+, max: \d+, avg: [\d.]+ \(\d+ samples\) -- 0\.\d+ seconds range")
    with Terminal(server, "--latency-dist", "-i", "0.2") as t:
        t.until(r"From 0 to 100%: ")


def test_stat(data):
    with Terminal(data, "--stat", "-i", "0.1") as t:
        t.until(r"keys +mem +clients +blocked +requests +connections")
        t.until(r"\n56 +\S+[KMG] +\d+ +0 +\d+ \(\+\d+\) +\d+[^\n]*\n56 ")


def test_lru_test(start):
    s = start(maxmemory="20mb", maxmemory_policy="allkeys-lru")
    with Terminal(s, "--lru-test", 1000) as t:
        t.until(r"\d+ Gets/sec \| Hits: \d+ \(\d+\.\d+%\) \| Misses: \d+ \(\d+\.\d+%\)")


def test_help_of_commands_and_groups(server):
    for args in ((), ("-3",)):
        with Terminal(server, *args) as t:
            t.until(r"127\.0\.0\.1:%d> " % server.port)
            t.say("help get")
            t.until(r"GET\S* \S*key")
            t.until(r"group:\S* string")
            t.say("help @list")
            for name in ("BLMOVE", "LPUSH", "RPOPLPUSH"):
                t.until(name)
            t.say("set k v")
            t.until(r"OK\r")
            t.say("get k")
            t.until(r'"v"\r')
            t.say("hset h f v")
            t.until(r"\(integer\) [01]\r")
            t.say("hgetall h")
            t.until(r'1# "f" => "v"' if args else r'1\) "f"')
            t.say("nosuch")
            t.until(r"\(error\) ERR unknown command 'nosuch'")


def test_eval_of_a_file(server, tmp_path):
    f = tmp_path / "script.lua"
    f.write_text("return {KEYS[1], ARGV[1], redis.call('SET', KEYS[1], ARGV[1]).ok}")
    assert cli(server, "--eval", str(f), "k", ",", "v").split() == ["k", "v", "OK"]
    f.write_text("return nosuch()")
    out = cli(server, "--eval", str(f))
    assert "Script attempted to access nonexistent global variable 'nosuch'" in out, out


def test_the_last_argument_from_standard_input(server, c):
    assert cli(server, "-x", "SET", "k", stdin=b"a b\x00c") == "OK\n"
    assert c("GET", "k") == b"a b\x00c"
    assert cli(server, "-X", "tag", "SET", "tag", "v", stdin=b"key") == "OK\n"
    assert c("GET", "key") == b"v"


def test_csv_and_json(data):
    assert cli(data, "--csv", "LRANGE", "big:list", 0, 2) == '"0","1","2"\n'
    assert json.loads(cli(data, "--json", "LRANGE", "big:list", 0, 2)) == ["0", "1", "2"]
    assert json.loads(cli(data, "--json", "HGETALL", "big:hash"))["f7"] == "7"
    assert json.loads(cli(data, "--json", "CONFIG", "GET", "maxmemory")) == {"maxmemory": "0"}
    assert json.loads(cli(data, "--json", "COMMAND", "DOCS", "get"))["get"]["group"] == "string"


# --- snapshots ----------------------------------------------------------------------------------------------


LIBRARY = "#!lua name=%s\nredis.register_function('f_%s', function(keys, args) return 'of %s' end)"


def sync(conn, *options):
    """The snapshot that SYNC sends, as bytes; the connection is closed after it."""
    if options:
        assert conn("REPLCONF", *options) == OK
    conn.send("SYNC")
    while conn.read_exact(1) == b"\n":
        pass
    n = b""
    while not n.endswith(b"\r\n"):
        n += conn.read_exact(1)
    body = conn.read_exact(int(n))
    assert conn.read_to_end() == b""
    return body


def test_rdb(data, c, start, tmp_path):
    c("SELECT", 3)
    c("SET", "in:3", "x")
    c("FUNCTION", "LOAD", "REPLACE", LIBRARY % ("l1", "l1", "l1"))
    digest = c("DEBUG", "DIGEST")
    os.mkdir(tmp_path / "d")
    cli(data, "--rdb", tmp_path / "d" / "dump.rdb")
    copy = start(directory=str(tmp_path / "d"), enable_debug_command="yes").conn()
    assert copy("DEBUG", "DIGEST") == digest
    assert copy("FCALL", "f_l1", 0) == b"of l1"
    c("FUNCTION", "FLUSH")


def test_functions_rdb(data, c, start, tmp_path):
    for name in ("l1", "l2"):
        c("FUNCTION", "LOAD", "REPLACE", LIBRARY % (name, name, name))
    os.mkdir(tmp_path / "d")
    cli(data, "--functions-rdb", tmp_path / "d" / "dump.rdb")
    copy = start(directory=str(tmp_path / "d")).conn()
    assert copy("DBSIZE") == 0
    assert [copy("FCALL", "f_" + n, 0) for n in ("l1", "l2")] == [b"of l1", b"of l2"]
    c("FUNCTION", "FLUSH")


@pytest.mark.memd_only
def test_sync_asks_first_what_kind(talk, server):
    talk("""
        REPLCONF                                => +OK
        REPLCONF capa                           => -ERR syntax error
        REPLCONF capa eof capa psync2           => +OK
        REPLCONF capa nosuch                    => +OK
        REPLCONF listening-port 6379            => +OK
        REPLCONF listening-port x               => -ERR value is not an integer or out of range
        REPLCONF ip-address 10.0.0.1            => +OK
        REPLCONF rdb-only 2                     => -ERR value is out of range, value must between 0 and 1
        REPLCONF rdb-filter-only keys           => -ERR Unsupported rdb-filter-only option: keys
        REPLCONF rdb-filter-only "'"            => -ERR Missing rdb-filter-only values
        REPLCONF foo bar                        => -ERR Unrecognized REPLCONF option: foo
        REPLCONF rdb-only 0                     => +OK
    """)
    c = server.conn()
    c("REPLCONF", "ip-address", "x" * 255)
    assert c("REPLCONF", "ip-address", "x" * 256) == Err(
        "ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes")
    none = Err("ERR memd has no replication yet: only a snapshot can be had, after REPLCONF rdb-only 1")
    assert c("SYNC") == none and c("PSYNC", "?", -1) == none
    assert c("PSYNC", "?", -1, "FAILOVER") == Err("ERR PSYNC FAILOVER can't be sent to a master.")
    assert c("REPLCONF", "rdb-only", 1, "rdb-filter-only", "functions") == OK
    assert c("SYNC") == Err("ERR Filtered replica requires EOF capability")
    c("MULTI")
    assert c("SYNC") == Err("ERR Command not allowed inside a transaction")
    # These are no requests: what comes next answers what came next.
    c("DISCARD")
    c.send("REPLCONF", "ACK", 1)
    c.send("REPLCONF", "GETACK", "*")
    assert c("PING") == PONG


@pytest.mark.memd_only
def test_an_empty_filter_leaves_nothing(data):
    body = sync(data.conn(), "capa", "eof", "rdb-only", 1, "rdb-filter-only", "")
    assert body.startswith(b"REDIS0010") and body[-9] == 0xFF and len(body) < 100


@pytest.mark.memd_only
def test_psync_says_where_the_log_is(data):
    c = data.conn()
    c("REPLCONF", "rdb-only", 1)
    assert re.fullmatch(r"FULLRESYNC [0-9a-f]{40} \d+", c("PSYNC", "?", -1))
    assert c.read_exact(1) in b"\n$"
    assert b"REDIS0010" in c.read_to_end()


@pytest.mark.memd_only
def test_a_snapshot_has_all_that_was_written_before_it_was_asked_for(start):
    """Also when another one is being made: who comes later gets a later one."""
    s = start(enable_debug_command="yes")
    c = s.conn()
    c("DEBUG", "POPULATE", 200000, "k", 50)
    first = s.conn()
    first("REPLCONF", "rdb-only", 1)
    first.send("SYNC")
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "1" or first.sock.recv(1) == b"$")
    c("SET", "later", "x" * 10)
    body = sync(s.conn(), "rdb-only", 1)
    assert b"later" in body
    first.close()
    files = os.listdir(s.dir)
    assert not [f for f in files if f.startswith("temp-")], files


@pytest.mark.memd_only
def test_who_takes_nothing_or_vanishes_leaks_nothing(start):
    s = start(enable_debug_command="yes", rdbcompression="no")
    c = s.conn()
    c("DEBUG", "POPULATE", 100000, "k", 200)

    def descriptors():
        names = []
        for f in os.listdir("/proc/%d/fd" % s.proc.pid):
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                names.append(os.readlink("/proc/%d/fd/%s" % (s.proc.pid, f)))
        return sorted(names)

    def deleted_files():
        return [f for f in descriptors() if "temp-" in f]

    slow = [s.conn() for _ in range(5)]
    for conn in slow:
        conn("REPLCONF", "rdb-only", 1)
        conn.send("SYNC")
    wait_for(lambda: len(deleted_files()) == 5)
    for conn in slow:  # a part of it has come, and the rest waits in the file, not in memory
        assert b"REDIS" in conn.read_exact(30)
    assert sum(int(re.search(r"omem=(\d+)", line).group(1)) for line in c("CLIENT", "LIST").decode().splitlines()) < 5 << 20
    assert c("PING") == PONG
    for conn in slow:
        conn.close()
    wait_for(lambda: not deleted_files())
    gone = s.conn()
    gone("REPLCONF", "rdb-only", 1)
    gone.send("SYNC")
    gone.close()
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0" and not deleted_files() and
             c.info("clients")["connected_clients"] == "1")


@pytest.mark.memd_only
def test_saving_and_a_snapshot_for_a_client_take_turns(start):
    s = start(enable_debug_command="yes", appendonly="yes")
    c = s.conn()
    c("DEBUG", "POPULATE", 50000, "k", 50)
    conns = [s.conn() for _ in range(3)]
    for conn in conns:
        conn("REPLCONF", "rdb-only", 1)
        conn.send("SYNC")
    c("BGREWRITEAOF")
    for conn in conns:
        assert b"REDIS0010" in conn.read_to_end()
    wait_for(lambda: all(c.info("persistence")[f] == "0" for f in ("rdb_bgsave_in_progress", "aof_rewrite_in_progress")))
    assert c.info("persistence")["aof_last_bgrewrite_status"] == "ok"
    again = s.conn()
    again("REPLCONF", "rdb-only", 1)
    again.send("SYNC")
    c("FLUSHALL")  # a snapshot in the making is made anew
    assert b"REDIS0010" in again.read_to_end()
