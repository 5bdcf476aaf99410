"""What is there after a restart, however it came about."""
import glob
import os
import shutil
import subprocess
import time

import pytest

from resp import Err, OK
from server import MEMD, wait_for

MODES = [{"appendonly": "yes", "appendfsync": "always"}, {"appendonly": "yes", "appendfsync": "everysec"},
         {"appendonly": "yes", "appendfsync": "no"}, {"save": "3600 100000"}]
IDS = ["always", "everysec", "no", "snapshot"]


def fill(c):
    """Something of every type, size and encoding, with and without a time to live."""
    c("SET", "s", "v")
    c("SET", "int", 12345)
    c("SET", "bin", bytes(range(256)) * 10)
    c("SET", "big", b"x" * 300000)
    c("SET", "ttl", "v", "PXAT", 33177117420123)
    c("SET", "soon", "v", "EX", 100000)
    c("RPUSH", "l", *range(50))
    c("RPUSH", "l2", *["e" * (i % 300) for i in range(3000)])
    c("LTRIM", "l2", 100, -100)
    c("SADD", "t", "a", "b", "c")
    c("SADD", "ti", *range(100))
    c("SADD", "t2", *["m%d" % i for i in range(2000)])
    c("HSET", "h", "f", "v", "n", 1)
    c("HSET", "h2", *[x for i in range(2000) for x in ("f%d" % i, "v%d" % i)])
    c("EXPIREAT", "h2", 33177117420)
    if MEMD.is_memd:
        c("HPEXPIREAT", "h2", 33177117420123, "FIELDS", 2, "f1", "f2")
        c("HPEXPIREAT", "h", 33177117420124, "FIELDS", 1, "f")
    c("SELECT", 5)
    c("SET", "db5", "five")
    c("SELECT", 0)
    c("INCRBYFLOAT", "f", "1.5")
    c("SPOP", "t2", 10)
    c("GETEX", "s", "EX", 100000)
    c("PERSIST", "soon")
    c("RENAME", "int", "int2")
    fill_stream(c, "x")
    c("SET", "gone", "v", "PX", 1)


def fill_stream(c, key):
    """A stream of several blocks, trimmed and with holes, and groups that have read some of it."""
    for i in range(250):
        c("XADD", key, "MAXLEN", "~", 180, "*", "n", i, "text", "t%d" % i, *(["odd", "one"] if i % 9 == 0 else []))
    ids = [e[0] for e in c("XRANGE", key, "-", "+")]
    c("XDEL", key, *ids[20:30])
    c("XGROUP", "CREATE", key, "g", "0")
    c("XGROUP", "CREATE", key, "idle", "$")
    c("XREADGROUP", "GROUP", "g", "alice", "COUNT", 40, "STREAMS", key, ">")
    c("XREADGROUP", "GROUP", "g", "bob", "NOACK", "COUNT", 5, "STREAMS", key, ">")
    c("XREADGROUP", "GROUP", "g", "alice", "COUNT", 3, "STREAMS", key, "0")
    c("XACK", key, "g", *ids[:2])
    c("XCLAIM", key, "g", "carol", 0, *ids[3:6])
    c("XDEL", key, ids[7])
    c("XAUTOCLAIM", key, "g", "dave", 0, ids[6], "COUNT", 3)


def stream_contents(c, key):
    groups = c("XINFO", "GROUPS", key)
    pending = [[p[0], p[1], p[3]] for p in c("XPENDING", key, "g", "-", "+", 1000)]
    return c("XRANGE", key, "-", "+"), c("XINFO", "STREAM", key), [g[:8] for g in groups], pending


def contents(c):
    out = {}
    for db in (0, 5):
        c("SELECT", db)
        for k in sorted(c("KEYS", "*")):
            kind = str(c("TYPE", k))
            v = {"string": lambda: c("GET", k), "list": lambda: c("LRANGE", k, 0, -1),
                 "set": lambda: sorted(c("SMEMBERS", k)),
                 "stream": lambda: stream_contents(c, k),
                 "hash": lambda: sorted(zip(*[iter(c("HGETALL", k))] * 2))}[kind]()
            ttls = c("HPEXPIRETIME", k, "FIELDS", 3, "f", "f1", "f2") if kind == "hash" and MEMD.is_memd else None
            out[db, k] = (kind, v, c("PEXPIRETIME", k), ttls)
    c("SELECT", 0)
    return out


@pytest.mark.parametrize("mode", MODES, ids=IDS)
def test_everything_survives_an_orderly_restart(start, mode):
    s = start(**mode)
    c = s.conn()
    fill(c)
    wait_for(lambda: c("EXISTS", "gone") == 0)
    before = contents(c)
    s.restart()
    c = s.conn()
    assert contents(c) == before
    assert c("GET", "ttl") == b"v" and len(before) == 16
    s.restart()
    assert contents(s.conn()) == before


@pytest.mark.parametrize("mode", MODES[:3], ids=IDS[:3])
def test_everything_acknowledged_survives_kill_9(start, mode):
    if not MEMD.is_memd and mode["appendfsync"] != "always":
        pytest.skip("stock writes before the reply too, but promises less")
    s = start(**mode)
    c = s.conn()
    fill(c)
    wait_for(lambda: c("EXISTS", "gone") == 0)
    before = contents(c)
    s.restart(kill=True)
    assert contents(s.conn()) == before


def test_kill_9_within_a_stream_of_writes_loses_nothing_acknowledged(start):
    s = start(appendonly="yes", appendfsync="always")
    for round_ in range(5):
        conns = [s.conn() for _ in range(5)]
        acked = {}
        for i in range(200):
            for k, c in enumerate(conns):
                c.send("RPUSH", "l%d:%d" % (round_, k), i)
            for k, c in enumerate(conns):
                assert c.read() == i + 1
                acked[k] = i + 1
        for k, c in enumerate(conns):
            c.send("RPUSH", "l%d:%d" % (round_, k), "unacknowledged")
        s.restart(kill=True)
        c = s.conn()
        for k, n in acked.items():
            got = c("LRANGE", "l%d:%d" % (round_, k), 0, -1)
            assert got[:n] == [b"%d" % i for i in range(n)] and got[n:] in ([], [b"unacknowledged"])


def test_transactions_are_whole_or_absent(start):
    s = start(appendonly="yes")
    c = s.conn()
    for i in range(100):
        c.send("MULTI")
        c.send("INCR", "a")
        c.send("RPUSH", "log", i)
        c.send("INCR", "b")
        c.send("EXEC")
    c.read()
    s.restart(kill=True)
    c = s.conn()
    a, b, n = c("GET", "a"), c("GET", "b"), c("LLEN", "log")
    assert a == b and (a is None and n == 0 or int(a) == n)


def test_a_torn_tail_is_cut_and_told(start):
    s = start(appendonly="yes")
    c = s.conn()
    for i in range(100):
        c("SET", "k%d" % i, "v" * 50)
    s.kill9()
    incr = sorted(glob.glob(os.path.join(s.dir, "appendonlydir", "*.incr.aof")))[-1]
    size = os.path.getsize(incr)
    with open(incr, "r+b") as f:
        f.truncate(size - 20)
    s.start()
    c = s.conn()
    assert 90 <= c("DBSIZE") < 100
    assert c("SET", "after", "v") == OK
    s.restart()
    assert s.conn()("GET", "after") == b"v"


@pytest.mark.memd_only
def test_damage_in_the_middle_is_refused_with_its_place(start):
    s = start(appendonly="yes")
    c = s.conn()
    for i in range(2000):
        c("SET", "k%d" % i, "value %d" % i)
    s.stop()
    incr = sorted(glob.glob(os.path.join(s.dir, "appendonlydir", "*.incr.aof")))[-1]
    with open(incr, "r+b") as f:
        f.seek(os.path.getsize(incr) // 2)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 1]))
    s.start(wait=False)
    assert s.wait_exit() == 1
    assert os.path.basename(incr) in s.log()


def test_bgsave_makes_a_file_that_restores(start):
    s = start()
    c = s.conn()
    fill(c)
    got = c("BGSAVE")
    assert "Background saving started" in got
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
    assert c.info("persistence")["rdb_last_bgsave_status"] == "ok"
    wait_for(lambda: c("EXISTS", "gone") == 0)
    before = contents(c)
    s.kill9()
    s.start()
    assert contents(s.conn()) == before


def test_save_and_lastsave(start):
    s = start()
    c = s.conn()
    t = c("LASTSAVE")
    c("SET", "k", "v")
    assert c.info("persistence")["rdb_changes_since_last_save"] == "1"
    assert c("SAVE") == OK
    assert c("LASTSAVE") >= t
    assert c.info("persistence")["rdb_changes_since_last_save"] == "0"
    assert os.path.exists(os.path.join(s.dir, "dump.rdb"))
    s.restart(kill=True)
    assert s.conn()("GET", "k") == b"v"


def test_a_snapshot_is_one_point_in_time(start):
    """Writes while the snapshot runs: the file holds the state at BGSAVE, pair by pair."""
    s = start()
    c = s.conn()
    n = 20000
    c.pipeline([["MSET", "a%d" % i, 0, "b%d" % i, 0] for i in range(n)])
    c.send("BGSAVE")
    for i in range(0, n, 7):
        c.send("MSET", "a%d" % i, 1, "b%d" % i, 1)
    c.send("DEL", "a0", "b0")
    c.send("SET", "new", 1)
    for _ in range(1 + len(range(0, n, 7)) + 2):
        c.read()
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
    s.kill9()
    s.start()
    c = s.conn()
    assert c("DBSIZE") == 2 * n
    for i in range(0, n, 500):
        got = c("MGET", *[k for j in range(i, i + 500) for k in ("a%d" % j, "b%d" % j)])
        assert set(got) == {b"0"}


def test_bgrewriteaof_shrinks_the_log_and_keeps_the_data(start):
    s = start(appendonly="yes")
    c = s.conn()
    fill(c)
    c.pipeline([["SET", "often", i] for i in range(20000)])
    wait_for(lambda: c("EXISTS", "gone") == 0)
    size = int(c.info("persistence")["aof_current_size"])
    got = c("BGREWRITEAOF")
    assert "rewriting" in got
    for i in range(100):
        c("SET", "during%d" % i, i)
    wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0" and
             c.info("persistence")["aof_rewrite_scheduled"] == "0")
    info = c.info("persistence")
    assert info["aof_last_bgrewrite_status"] == "ok" and int(info["aof_current_size"]) < size
    c("SET", "later", 1)
    before = contents(c)
    with open(os.path.join(s.dir, "appendonlydir", "appendonly.aof.manifest")) as f:
        files = [line.split() for line in f if line.startswith("file ")]
    names = {words[1]: words[5] for words in files}
    assert sorted(kind for kind in names.values() if kind != "h") == ["b", "i"]
    # the generation before stays until the next rewrite; nothing lies about that nobody knows of
    assert sorted(kind for kind in names.values() if kind == "h") == (["h", "h"] if MEMD.is_memd else [])
    others = {"appendonly.aof.manifest", "appendonly.aof.reserve"} if MEMD.is_memd else {"appendonly.aof.manifest"}
    assert set(os.listdir(os.path.join(s.dir, "appendonlydir"))) - set(names) == others
    s.restart(kill=MEMD.is_memd)
    assert contents(s.conn()) == before


def test_the_log_is_rewritten_by_itself(start):
    s = start(appendonly="yes", auto_aof_rewrite_min_size="64kb", auto_aof_rewrite_percentage=100)
    c = s.conn()
    c.pipeline([["SET", "k%d" % (i % 10), "x" * 100] for i in range(5000)])
    wait_for(lambda: int(c.info("persistence")["aof_rewrites"]) >= 1)
    wait_for(lambda: int(c.info("persistence")["aof_current_size"]) < 300000)
    assert c("DBSIZE") == 10


def test_save_rules_trigger_a_snapshot(start):
    s = start(save="1 10")
    c = s.conn()
    c.pipeline([["SET", "k%d" % i, "v"] for i in range(20)])
    wait_for(lambda: os.path.exists(os.path.join(s.dir, "dump.rdb")))
    wait_for(lambda: c.info("persistence")["rdb_changes_since_last_save"] == "0")


def test_appendonly_can_be_switched_on_and_off(start):
    s = start()
    c = s.conn()
    c("SET", "before", 1)
    assert c("CONFIG", "SET", "appendonly", "yes") == OK
    wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0" and
             c.info("persistence")["aof_rewrite_scheduled"] == "0")
    c("SET", "after", 1)
    s.restart(kill=MEMD.is_memd, appendonly="yes")
    c = s.conn()
    assert c("MGET", "before", "after") == [b"1", b"1"]
    assert c("CONFIG", "SET", "appendonly", "no") == OK
    assert c.info("persistence")["aof_enabled"] == "0"
    c("SET", "unlogged", 1)
    s.restart(kill=True)
    assert s.conn()("EXISTS", "unlogged") == 0


def test_expired_keys_do_not_come_back(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("SET", "k", "v", "PX", 30)
    c("SET", "stay", "v")
    s.kill9()
    time.sleep(0.04)
    s.start()
    c = s.conn()
    assert c("GET", "k") is None and c("GET", "stay") == b"v"


def test_random_and_relative_commands_load_as_they_ran(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("SADD", "t", *range(1000))
    c("SPOP", "t", 500)
    for _ in range(100):
        c("SPOP", "t")
    for i in range(100):
        c("INCRBYFLOAT", "f", "0.1")
        c("HINCRBYFLOAT", "h", "f", "0.1")
    c("SET", "a", "v", "EX", 1000)
    c("GETEX", "a", "EX", 2000)
    c("EXPIRE", "t", 5000)
    c("RPUSH", "src", 1, 2, 3)
    c("LMOVE", "src", "dst", "LEFT", "RIGHT")
    c("LMPOP", 2, "none", "src", "LEFT", "COUNT", 2)
    c("COPY", "t", "t2")
    before = contents(c)
    s.restart(kill=MEMD.is_memd)
    assert contents(s.conn()) == before


def test_served_waiters_are_logged(start):
    s = start(appendonly="yes")
    c, w = s.conn(), s.conn()
    w.send("BLMOVE", "a", "b", "LEFT", "RIGHT", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    c("RPUSH", "a", "v", "w")
    assert w.read() == b"v"
    s.restart(kill=MEMD.is_memd)
    c = s.conn()
    assert c("LRANGE", "a", 0, -1) == [b"w"] and c("LRANGE", "b", 0, -1) == [b"v"]


def test_flush_and_swap_are_logged(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("SET", "x", 1)
    c("SELECT", 1)
    c("SET", "y", 1)
    c("SWAPDB", 0, 1)
    c("SELECT", 2)
    c("SET", "z", 1)
    c("FLUSHDB")
    s.restart(kill=MEMD.is_memd)
    c = s.conn()
    assert c("KEYS", "*") == [b"y"]
    c("SELECT", 2)
    assert c("DBSIZE") == 0
    c("FLUSHALL")
    s.restart(kill=MEMD.is_memd)
    assert s.conn()("DBSIZE") == 0


@pytest.mark.memd_only
def test_stock_tools_read_the_snapshot(start, reference):
    if not shutil.which("redis-check-rdb"):
        pytest.skip("no redis-check-rdb here")
    s = start()
    c = s.conn()
    fill(c)
    for h, f in (("h2", ["f1", "f2"]), ("h", ["f"])):  # field times are newer than the stock format
        c("HPERSIST", h, "FIELDS", len(f), *f)
    wait_for(lambda: c("EXISTS", "gone") == 0)
    assert c("SAVE") == OK
    before = {k: v[:3] for k, v in contents(c).items()}
    rdb = os.path.join(s.dir, "dump.rdb")
    p = subprocess.run(["redis-check-rdb", rdb], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout
    reference.stop()
    shutil.copy(rdb, os.path.join(reference.dir, "dump.rdb"))
    reference.start()
    theirs = {}
    r = reference.conn()
    for (db, k), (kind, v, at) in before.items():
        r("SELECT", db)
        got = {"string": lambda: r("GET", k), "list": lambda: r("LRANGE", k, 0, -1),
               "set": lambda: sorted(r("SMEMBERS", k)), "stream": lambda: stream_contents(r, k),
               "hash": lambda: sorted(zip(*[iter(r("HGETALL", k))] * 2))}[kind]()
        theirs[db, k] = (kind, got, r("PEXPIRETIME", k))
    assert theirs == before


@pytest.mark.memd_only
def test_memd_reads_what_the_stock_server_wrote(start, reference):
    r = reference.conn()
    r("SET", "s", "v", "PXAT", 33177117420123)
    r("SET", "long", "ab" * 5000)
    r("RPUSH", "l", *["e%d" % i for i in range(3000)])
    r("SADD", "ti", *range(600))
    r("SADD", "t", "a", "b")
    r("HSET", "h", *range(2000))
    r("HSET", "hs", "f", "v")
    before = {k: (r("TYPE", k), r("PEXPIRETIME", k)) for k in r("KEYS", "*")}
    r("SAVE")
    s = start()
    s.stop()
    shutil.copy(os.path.join(reference.dir, "dump.rdb"), os.path.join(s.dir, "dump.rdb"))
    s.start()
    c = s.conn()
    assert {k: (c("TYPE", k), c("PEXPIRETIME", k)) for k in c("KEYS", "*")} == before
    for get in (["GET", "s"], ["GET", "long"], ["LRANGE", "l", 0, -1]):
        assert c(*get) == r(*get)
    for get in (["SMEMBERS", "ti"], ["SMEMBERS", "t"], ["HGETALL", "h"], ["HGETALL", "hs"]):
        assert sorted(c(*get)) == sorted(r(*get))


@pytest.mark.memd_only
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_append_only_directories_can_be_exchanged(start, reference, whose):
    a, b = (start(appendonly="yes"), reference)
    if whose == "theirs":
        reference.restart(appendonly="yes")
        a, b = reference, start(appendonly="yes")
    c = a.conn()
    for i in range(300):
        c("SET", "k%d" % i, i)
        c("RPUSH", "l", i)
    c("BGREWRITEAOF")
    wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
    c("SADD", "t", "a", "b")
    c("EXPIREAT", "t", 33177117420)
    a.stop()
    b.stop()
    shutil.rmtree(os.path.join(b.dir, "appendonlydir"), ignore_errors=True)
    shutil.copytree(os.path.join(a.dir, "appendonlydir"), os.path.join(b.dir, "appendonlydir"))
    b.settings["appendonly"] = "yes"
    b.start()
    d = b.conn()
    assert d("DBSIZE") == 302 and d("LLEN", "l") == 300 and d("GET", "k299") == b"299"
    assert d("EXPIRETIME", "t") == 33177117420 and sorted(d("SMEMBERS", "t")) == [b"a", b"b"]


def test_loading_answers_loading(start):
    """While a file loads, clients hear -LOADING: it does not come to its end before one of them has."""
    s = start(enable_debug_command="yes")
    c = s.conn()
    assert c("DEBUG", "POPULATE", 100000) == OK and c("SET", "k0", "v") == OK
    assert c("SAVE") == OK
    s.kill9()
    s.settings["key_load_delay"] = 1000
    s.start(wait=False)

    def answered(*request):
        try:
            with s.conn() as c:
                return c(*request)
        except OSError:
            return None

    got = wait_for(lambda: answered("GET", "k0"))
    assert isinstance(got, Err) and got.startswith("LOADING ")
    assert answered("CONFIG", "SET", "key-load-delay", 0) == OK
    wait_for(lambda: answered("GET", "k0") == b"v")


def test_a_failing_disk_stops_writes_but_not_reads(start, tmp_path):
    """BGSAVE into a directory that is gone: writes are refused as Redis refuses them, reads go on, and
    all is well when the disk is."""
    s = start(save="3600 1")
    c = s.conn()
    c("SET", "k", "v")
    path = s.dir
    moved = path + ".moved"
    if os.geteuid() == 0:
        os.rename(path, moved)
    else:
        os.chmod(path, 0o500)
    try:
        c("BGSAVE")
        wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
        if c.info("persistence")["rdb_last_bgsave_status"] == "ok":
            pytest.skip("the save did not fail")
        got = c("SET", "k", "w")
        assert isinstance(got, Err) and got.startswith("MISCONF ")
        assert c("GET", "k") == b"v"
    finally:
        if os.geteuid() == 0:
            os.rename(moved, path)
        else:
            os.chmod(path, 0o700)
    c("BGSAVE")
    wait_for(lambda: c.info("persistence")["rdb_last_bgsave_status"] == "ok")
    assert c("SET", "k", "w") == OK
