"""Files and payloads between memd and stock servers, both ways: all types, all sizes, all settings.

MEMD_EXCHANGE_WITH names more stock servers than the one that the tests find, their paths separated by colons."""
import glob
import os
import random
import shutil
import subprocess

import pytest

import server as srv
from payload import with_footer
from resp import OK, Err, Simple
from server import ROOT, StartError, wait_for

pytestmark = pytest.mark.memd_only

STOCK = [srv.REDIS_PATH] + [p for p in os.environ.get("MEMD_EXCHANGE_WITH", "").split(":") if p]
SEED = 7
FAR = 33177117420123
SEEDS = os.path.join(ROOT, "tests", "fuzz", "seeds", "f_rdb")


@pytest.fixture(params=STOCK, ids=lambda p: os.path.basename(os.path.dirname(os.path.dirname(p))) or "stock")
def stock(request):
    if not os.access(request.param, os.X_OK):
        pytest.skip("no redis-server here")
    s = srv.Server(binary=request.param, enable_debug_command="yes")
    yield s
    s.destroy()


def check(stock, tool, *args):
    """redis-check-rdb or -aof of that server's own make."""
    directory = os.path.dirname(stock.binary)
    name = os.path.basename(stock.binary).replace("server", "check-" + tool)
    path = os.path.join(directory, name)
    path = path if os.access(path, os.X_OK) else shutil.which("redis-check-" + tool)
    if not path:
        pytest.skip("no redis-check-%s here" % tool)
    p = subprocess.run([path, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert p.returncode == 0, p.stdout + p.stderr
    return p.stdout


def fill(c, fields=20000):
    """Keys of all types, from nothing to large, in small and large forms."""
    rng = random.Random(SEED)
    noise = bytes(rng.randrange(256) for _ in range(70000))
    texts = {"empty": b"", "one": b"x", "ab" * 40: b"y" * 63, "64": b"y" * 64, "16383": b"z" * 16383, "16384": b"z" * 16384,
             "noise": noise, "repeats": b"ab" * 500000, "binary": bytes(range(256)), "19": b"a" * 19, "20": b"a" * 20,
             "21": b"a" * 21}
    texts.update(("int%d" % v, str(v)) for b in (7, 8, 15, 16, 31, 32, 62, 63) for v in (2**b - 1, -2**b))
    texts.update({"nearly": "007", "minus zero": "-0", "float": "1.5", "2^63": str(2**63)})
    for k, v in texts.items():
        c("SET", "s:" + k, v)
    for n in (1, 2, 127, 128, 129, 600, fields):
        items = ["%d" % (i if i % 3 else -i * 7919) if i % 2 else "item:%d" % i for i in range(n)]
        for i in range(0, n, 1000):
            part = items[i:i + 1000]
            c("RPUSH", "l:%d" % n, *part)
            c("SADD", "t:%d" % n, *part)
            c("HSET", "h:%d" % n, *[w for m in part for w in (m, "v" + m)])
            c("ZADD", "z:%d" % n, *[w for j, m in enumerate(part) for w in ((i + j) * 1.1, m)])
        for k, step in (("16", 1), ("32", 70000), ("64", 2**40)):
            c("SADD", "i%s:%d" % (k, n), *[(i - n // 2) * step for i in range(n)][:2000])
    for k in ("l", "t", "h", "z"):
        big = [noise, b"x" * 5000, b"", b"\x00\xff"]
        {"l": lambda: c("RPUSH", "l:big", *big), "t": lambda: c("SADD", "t:big", *big),
         "h": lambda: c("HSET", "h:big", *[w for b in big for w in (b, b)]),
         "z": lambda: c("ZADD", "z:big", *[w for b, s in zip(big, ("inf", "-inf", "0", "1e-300")) for w in (s, b)])}[k]()
    fill_streams(c)
    c("SET", "s:ttl", "v", "PXAT", FAR)
    c("PEXPIREAT", "h:128", FAR)
    c("SELECT", 9)
    c("SET", "in nine", 9)
    c("SELECT", 0)


def fill_streams(c):
    for n in (1, 100, 2000):
        for i in range(n):
            c("XADD", "x:%d" % n, "%d-%d" % (i // 3 + 1, i % 3 + 1), "field", i, "other" if i % 5 else "another", "v%d" % i)
        c("XDEL", "x:%d" % n, "1-1", "2-2")
        c("XGROUP", "CREATE", "x:%d" % n, "g", "0")
        c("XGROUP", "CREATE", "x:%d" % n, "late", "$")
        c("XREADGROUP", "GROUP", "g", "ann", "COUNT", n // 2 + 1, "STREAMS", "x:%d" % n, ">")
        c("XREADGROUP", "GROUP", "g", "bob", "COUNT", 3, "STREAMS", "x:%d" % n, ">")
        c("XGROUP", "CREATECONSUMER", "x:%d" % n, "late", "idle")
    c("XADD", "x:empty", "5-5", "f", "v")
    c("XDEL", "x:empty", "5-5")
    c("XADD", "x:big", "1-1", "f", "x" * 100000)


def value(c, k):
    def pairs(words):
        return sorted(zip(*[iter(words)] * 2))

    kind = c("TYPE", k)
    got = {b"string": lambda: c("GET", k), b"list": lambda: c("LRANGE", k, 0, -1),
           b"set": lambda: sorted(c("SMEMBERS", k)), b"hash": lambda: pairs(c("HGETALL", k)),
           b"zset": lambda: scores(c, k), b"stream": lambda: stream(c, k)}[kind.encode()]()
    return kind, got, c("PEXPIRETIME", k)


def scores(c, k):
    words = c("ZRANGE", k, 0, -1, "WITHSCORES")
    return [(m, float(s)) for m, s in zip(words[::2], words[1::2])]  # servers print them in different ways


def stream(c, k):
    info = c("XINFO", "STREAM", k)
    info = {n: v for n, v in zip(info[::2], info[1::2]) if not n.startswith(b"radix")}
    groups = [{n: v for n, v in zip(g[::2], g[1::2])} for g in c("XINFO", "GROUPS", k)]
    pending = [[p[:2] + p[3:] for p in c("XPENDING", k, g[b"name"], "-", "+", 100000)] for g in groups]
    consumers = [sorted((i[1], i[3]) for i in c("XINFO", "CONSUMERS", k, g[b"name"])) for g in groups]
    return info, groups, pending, consumers, c("XRANGE", k, "-", "+")


def contents(c, databases=(0, 3, 9)):
    out = {}
    for db in databases:
        c("SELECT", db)
        out.update(((db, k), value(c, k)) for k in c("KEYS", "*"))
    c("SELECT", 0)
    return out


def same(got, want):
    assert sorted(got) == sorted(want)
    for k in want:
        assert got[k] == want[k], k


def move(source, target, name="dump.rdb"):
    shutil.copy(os.path.join(source.dir, name), os.path.join(target.dir, "dump.rdb"))


# --- snapshots ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checksum", ["yes", "no"])
@pytest.mark.parametrize("compression", ["yes", "no"])
def test_a_snapshot_of_memd_is_read_by_a_stock_server(start, stock, compression, checksum):
    s = start(rdbcompression=compression, rdbchecksum=checksum, databases=16)
    c = s.conn()
    fill(c, 20000 if compression + checksum == "yesyes" else 300)
    want = contents(c)
    assert c("SAVE") == OK
    path = os.path.join(s.dir, "dump.rdb")
    check(stock, "rdb", path)
    with open(path, "rb") as f:
        data = f.read()
    assert data[:9] == b"REDIS0010"
    assert (data[-8:] == bytes(8)) == (checksum == "no")
    assert (b"ab" * 1000 in data) == (compression == "no")
    stock.stop()
    move(s, stock)
    stock.start()
    same(contents(stock.conn()), want)
    s.restart()
    same(contents(s.conn()), want)


@pytest.mark.parametrize("compression", ["yes", "no"])
def test_a_snapshot_of_a_stock_server_is_read_by_memd(start, stock, compression):
    c = stock.conn()
    c("CONFIG", "SET", "rdbcompression", compression)
    fill(c, 20000 if compression == "yes" else 300)
    c("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "100b")  # elements that get a node of their own
    c("RPUSH", "l:plain", "a", "x" * 5000, "b", "y" * 200)
    want = contents(c)
    assert c("SAVE") == OK
    s = start(databases=16)
    s.stop()
    move(stock, s)
    s.start()
    same(contents(s.conn()), want)


@pytest.mark.parametrize("name", sorted(os.listdir(SEEDS)))
def test_files_of_old_servers_are_read_as_stock_servers_read_them(start, stock, name):
    s = start()
    s.stop()
    stock.stop()
    for to in (s, stock):
        shutil.copy(os.path.join(SEEDS, name), os.path.join(to.dir, "dump.rdb"))
    s.start()
    try:
        stock.start()
    except StartError:  # newer than the server; what memd reads of it is seen in tests/unit/persistence/test_forms.c
        assert int(name.split("-")[1]) > 10 and "Can't handle RDB format version" in stock.log()
        assert len(contents(s.conn())) > 20
    else:
        same(contents(s.conn()), contents(stock.conn()))


# --- logs -------------------------------------------------------------------------------------------------


def test_a_log_of_memd_is_read_by_a_stock_server(start, stock):
    s = start(appendonly="yes", databases=16)
    c = s.conn()
    fill(c, 300)
    directory = os.path.join(s.dir, "appendonlydir")
    for rewrites in range(3):  # increments alone, then two generations
        if rewrites:
            c("BGREWRITEAOF")
            wait_for(lambda: (lambda i: i["aof_rewrite_in_progress"] + i["aof_rewrite_scheduled"] == "00")(c.info("persistence")))
            c("SET", "later", rewrites)
            c("MULTI")
            c("INCR", "n")
            c("LPUSH", "l:1", "x")
            c("EXEC")
        want = contents(c)
        s.stop()
        check(stock, "aof", os.path.join(directory, "appendonly.aof.manifest"))
        stock.stop()
        shutil.rmtree(os.path.join(stock.dir, "appendonlydir"), ignore_errors=True)
        shutil.copytree(directory, os.path.join(stock.dir, "appendonlydir"))
        stock.settings["appendonly"] = "yes"
        stock.start()
        r = stock.conn()
        same(contents(r), want)
        r("SET", "by", "stock")
        s.start()
        c = s.conn()
        same(contents(c), want)
    # and back: it has gone on in memd's files
    stock.stop()
    s.stop()
    shutil.rmtree(directory)
    shutil.copytree(os.path.join(stock.dir, "appendonlydir"), directory)
    s.start()
    want[0, b"by"] = (Simple("string"), b"stock", -1)
    same(contents(s.conn()), want)


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_log_of_a_stock_server_is_read_by_memd(start, stock, preamble):
    stock.restart(appendonly="yes", aof_use_rdb_preamble=preamble, aof_timestamp_enabled="yes")
    r = stock.conn()
    fill(r, 300)
    r("BGREWRITEAOF")
    wait_for(lambda: (lambda i: i["aof_rewrite_in_progress"] + i["aof_rewrite_scheduled"] == "00")(r.info("persistence")))
    r("SET", "later", 1)
    want = contents(r)
    stock.stop()
    s = start(databases=16)
    s.stop()
    shutil.copytree(os.path.join(stock.dir, "appendonlydir"), os.path.join(s.dir, "appendonlydir"))
    s.settings["appendonly"] = "yes"
    s.start()
    same(contents(s.conn()), want)


# --- payloads ---------------------------------------------------------------------------------------------


def test_payloads_of_all_types_go_both_ways(start, stock):
    mine, theirs = start(databases=16).conn(), stock.conn()
    fill(theirs, 600)
    want = {k: value(theirs, k) for k in theirs("KEYS", "*")}
    for k, v in want.items():
        ttl = ["0"] if v[2] == -1 else [v[2], "ABSTTL"]
        assert mine("RESTORE", k, ttl[0], theirs("DUMP", k), *ttl[1:]) == OK, k
    same({k: value(mine, k) for k in mine("KEYS", "*")}, want)
    theirs("FLUSHALL")
    for k, v in want.items():
        assert theirs("RESTORE", k, 0, mine("DUMP", k)) == OK, k
        assert mine("RESTORE", k, 0, theirs("DUMP", k), "REPLACE") == OK, k
    for k, v in want.items():
        assert value(theirs, k)[:2] == v[:2] == value(mine, k)[:2], k


# --- what stock servers lack --------------------------------------------------------------------------------


def with_field_times(c):
    c("HSET", "small", "f", "v", "g", "w")
    assert c("HPEXPIREAT", "small", FAR, "FIELDS", 1, "f") == [1]
    for i in range(0, 2000, 500):
        c("HSET", "large", *[w for j in range(i, i + 500) for w in ("f%d" % j, j)])
    assert c("HPEXPIREAT", "large", FAR, "FIELDS", 2, "f0", "f1") == [1, 1]


def refuses(server, *words):
    """Starting it fails, and says one of these."""
    with pytest.raises(StartError):
        server.start()
    assert any(w in server.log() for w in words), server.log()


def test_a_snapshot_with_field_times_is_refused_by_older_servers(start, stock):
    s = start()
    c = s.conn()
    with_field_times(c)
    assert c("SAVE") == OK
    with open(os.path.join(s.dir, "dump.rdb"), "rb") as f:
        assert f.read(9) == b"REDIS0012"
    stock.stop()
    move(s, stock)
    refuses(stock, "Can't handle RDB format version 12")
    s.restart()
    c = s.conn()
    assert c("HPEXPIRETIME", "small", "FIELDS", 2, "f", "g") == [FAR, -1]
    assert c("HPEXPIRETIME", "large", "FIELDS", 3, "f0", "f1", "f2") == [FAR, FAR, -1]
    # without them the file is of the version that all can read
    c("DEL", "small", "large")
    c("HSET", "plain", "f", "v")
    assert c("SAVE") == OK
    with open(os.path.join(s.dir, "dump.rdb"), "rb") as f:
        assert f.read(9) == b"REDIS0010"
    move(s, stock)
    stock.start()
    assert stock.conn()("HGET", "plain", "f") == b"v"


@pytest.mark.parametrize("rewritten", [False, True])
def test_a_log_with_field_times_is_refused_by_older_servers(start, stock, rewritten):
    s = start(appendonly="yes")
    c = s.conn()
    with_field_times(c)
    if rewritten:
        c("BGREWRITEAOF")
        wait_for(lambda: (lambda i: i["aof_rewrite_in_progress"] + i["aof_rewrite_scheduled"] == "00")(c.info("persistence")))
    s.stop()
    stock.stop()
    shutil.copytree(os.path.join(s.dir, "appendonlydir"), os.path.join(stock.dir, "appendonlydir"))
    stock.settings["appendonly"] = "yes"
    refuses(stock, *(["Can't handle RDB format version 12"] if rewritten else ["Unknown command 'hpexpireat'", "Unknown command 'HPEXPIREAT'"]))


def test_a_payload_with_field_times_is_refused_by_older_servers(start, stock):
    c, r = start().conn(), stock.conn()
    with_field_times(c)
    for k in ("small", "large"):
        assert r("RESTORE", k, 0, c("DUMP", k)) == Err("ERR DUMP payload version or checksum are wrong")
    c("HPERSIST", "small", "FIELDS", 1, "f")
    assert r("RESTORE", "small", 0, c("DUMP", "small")) == OK


# --- payloads that were tampered with --------------------------------------------------------------------------

TOUCH = {
    b"string": [["GET", "k"], ["APPEND", "k", "x"], ["SETRANGE", "k", 5, "abc"], ["BITCOUNT", "k"], ["INCR", "k"], ["PFCOUNT", "k"]],
    b"list": [["LRANGE", "k", 0, -1], ["LPUSH", "k", "a", 1], ["LINSERT", "k", "BEFORE", "a", "b"], ["LSET", "k", -1, "z"],
              ["LREM", "k", 0, "a"], ["LPOS", "k", "b"], ["LTRIM", "k", 1, -2], ["RPOP", "k", 3], ["SORT", "k", "ALPHA"]],
    b"set": [["SMEMBERS", "k"], ["SADD", "k", "a", 1, 2**63 - 1], ["SREM", "k", "a"], ["SPOP", "k"], ["SRANDMEMBER", "k", -5],
             ["SUNIONSTORE", "k2", "k"], ["SINTERCARD", 2, "k", "k2"], ["SSCAN", "k", 0]],
    b"hash": [["HGETALL", "k"], ["HSET", "k", "a", "b", "1", "2"], ["HDEL", "k", "a"], ["HINCRBY", "k", "new", 5],
              ["HRANDFIELD", "k", 3, "WITHVALUES"], ["HEXPIRE", "k", 100, "FIELDS", 1, "1"], ["HTTL", "k", "FIELDS", 1, "1"]],
    b"zset": [["ZRANGE", "k", 0, -1, "WITHSCORES"], ["ZADD", "k", 1.5, "a", "-inf", "b"], ["ZINCRBY", "k", 1, "a"], ["ZRANK", "k", "a"],
              ["ZRANGEBYLEX", "k", "-", "+"], ["ZPOPMIN", "k"], ["ZREMRANGEBYRANK", "k", 0, 0], ["ZUNIONSTORE", "k2", 1, "k"]],
    b"stream": [["XRANGE", "k", "-", "+"], ["XINFO", "STREAM", "k", "FULL"], ["XADD", "k", "*", "f", "v"], ["XTRIM", "k", "MAXLEN", 1],
                ["XGROUP", "CREATE", "k", "mine", "0"], ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"],
                ["XPENDING", "k", "g"], ["XAUTOCLAIM", "k", "g", "c", 0, "0"], ["XDEL", "k", "1-1"]],
    b"ReJSON-RL": [["JSON.GET", "k"], ["JSON.TYPE", "k", "$..*"], ["JSON.SET", "k", "$.new", "1"], ["JSON.DEL", "k", "$.new"]],
    b"trietype0": [["FT.SUGGET", "k", "a", "FUZZY", "MAX", 5, "WITHSCORES", "WITHPAYLOADS"], ["FT.SUGADD", "k", "abc", 1], ["FT.SUGLEN", "k"],
                   ["FT.SUGDEL", "k", "abc"]],
    b"vectorset": [["VCARD", "k"], ["VINFO", "k"], ["VRANDMEMBER", "k", 3], ["VSIM", "k", "ELE", "a", "COUNT", 3, "WITHSCORES"],
                   ["VLINKS", "k", "a"], ["VREM", "k", "a"]],
}


def test_values_that_were_tampered_with_bear_every_command(start):
    """Whatever RESTORE takes is a sound value of its type, for each command."""
    s = start(enable_debug_command="yes")
    c, rng = s.conn(), random.Random(SEED)
    bodies = []
    for path in glob.glob(os.path.join(ROOT, "tests", "fuzz", "seeds", "f_restore", "*")):
        with open(path, "rb") as f:
            bodies.append(f.read())
    assert len(bodies) > 20
    taken = 0
    for body in sorted(bodies):
        for _ in range(60):
            bad = bytearray(body)
            for _ in range(rng.randrange(1, 4)):
                bad[rng.randrange(len(bad))] = rng.choice([rng.randrange(256), 0, 1, 0x7F, 0x80, 0xFE, 0xFF])
            got = c("RESTORE", "k", 0, with_footer(bad), "REPLACE")
            assert got in (OK, Err("ERR Bad data format")), (got, bytes(bad))
            if got != OK:
                continue
            taken += 1
            before = c("DEBUG", "DIGEST-VALUE", "k")
            payload = c("DUMP", "k")
            if payload is None:  # a hash, the time of all whose fields has come
                assert c("EXISTS", "k") == 0
                continue
            assert c("RESTORE", "copy", 0, payload, "REPLACE") == OK
            assert c("DEBUG", "DIGEST-VALUE", "copy") == before
            c.pipeline(TOUCH[c("TYPE", "k").encode()] + [["DEBUG", "CHECK"]])
    assert taken > 100
    assert c("DEBUG", "RELOAD") == OK
    assert c("DEBUG", "CHECK") == OK


def test_a_hash_whose_fields_have_all_had_their_time_is_no_payload(start):
    """DUMP made one of a hash without fields, which RESTORE refuses."""
    c = start().conn()
    old = b"\x16\x01\x81\x00\x00\x00\xa3R\x94@{\x01\x00\x01\x80"  # one field, due in 2021
    assert c("RESTORE", "k", 0, with_footer(bytearray(old))) == OK
    assert c("DUMP", "k") is None and c("EXISTS", "k") == 0
