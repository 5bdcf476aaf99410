"""Namespaces: rules for keys by the beginning of their name, and figures by rule."""
import random
import select
import subprocess

import pytest

import faulty_disk as d
from resp import Err, Map, OK, PONG, QUEUED
from server import MEMD, PATIENCE, wait_for

pytestmark = pytest.mark.memd_only

RULES = """
port 0
save ""
enable-debug-command yes
namespace ttl:* ttl 1000
namespace jit:* ttl 1000 jitter 50
namespace sli:* ttl 1000 sliding yes
namespace len:* maxlen 3
namespace both:* ttl 500 maxlen 2
namespace keys:* maxkeys 3
namespace mem:* maxmemory 64kb
namespace val:* maxvalue 1kb
namespace evk:* maxkeys 3 policy allkeys-lru
namespace evm:* maxmemory 16kb policy allkeys-random
namespace evt:* maxkeys 2 policy volatile-ttl
"""


@pytest.fixture(scope="module")
def shared():
    from server import Server
    s = Server(conf=RULES)
    yield s
    s.stop()
    s.destroy()


@pytest.fixture
def n(shared):
    conn = shared.conn()
    conn("FLUSHALL", "SYNC")
    conn("CONFIG", "RESETSTAT")
    conn("CONFIG", "SET", "notify-keyspace-events", "")
    yield conn
    assert conn("DEBUG", "CHECK") == OK


def stats(conn, pattern):
    flat = conn("NAMESPACE", "STATS", pattern)
    got = {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
    hist = got["ttl"]
    got["ttl"] = {hist[i].decode(): hist[i + 1] for i in range(0, len(hist), 2) if hist[i + 1]}
    return got


def rules(conn, pattern):
    flat = conn("NAMESPACE", "GET", pattern)
    return {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}


def listed(conn, *args):
    flat = conn("NAMESPACE", "LIST", *args)
    return {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}


def oom(text):
    return isinstance(text, Err) and text.startswith("OOM namespace ")


# --- NAMESPACE ------------------------------------------------------------------------------------------------------

def test_rules_are_set_changed_listed_and_deleted(start):
    c = start().conn()
    assert c("NAMESPACE", "LIST") == [] and c("NAMESPACE", "STATS") == []
    assert c("NAMESPACE", "SET", "s:*", "ttl", "1h", "Sliding", "YES", "archive", "expire,trim") == OK
    assert c("NAMESPACE", "SET", "plain:*") == OK
    assert listed(c) == {"s:*": "ttl 3600 sliding yes archive expire,trim", "plain:*": ""}
    assert listed(c, "s*") == {"s:*": "ttl 3600 sliding yes archive expire,trim"} and listed(c, "x") == {}
    assert c("NAMESPACE", "SET", "s:*", "maxlen", "5", "archive", "none") == OK  # the others stay
    assert listed(c, "s:*") == {"s:*": "ttl 3600 sliding yes maxlen 5"}
    got = rules(c, "s:*")
    assert got["ttl"] == "3600" and got["sliding"] == "yes" and got["maxlen"] == "5" and got["maxkeys"] == "0"
    assert got["policy"] == "noeviction" and got["archive"] == "none" and got["recall"] == "never"
    assert got["durability"] == "as-set" and got["audit-log"] == "none" and len(got) == 15
    assert c("NAMESPACE", "SET", "again:*", *[w for pair in got.items() for w in pair]) == OK
    assert rules(c, "again:*") == got
    assert c("NAMESPACE", "GET", "none:*") is None and c("NAMESPACE", "STATS", "none:*") is None
    assert c("NAMESPACE", "DEL", "s:*") == 1 and c("NAMESPACE", "DEL", "s:*") == 0
    assert c("NAMESPACE", "GET", "s:*") is None
    assert c("NAMESPACE", "HELP")[0].startswith("NAMESPACE <subcommand>")


def test_resp3_has_maps(start):
    s = start()
    c = s.conn(resp3=True)
    c("NAMESPACE", "SET", "a:*", "ttl", "60")
    assert c("NAMESPACE", "LIST") == Map([(b"a:*", b"ttl 60")])
    assert c("NAMESPACE", "GET", "a:*").dict()[b"ttl"] == b"60"
    got = c("NAMESPACE", "STATS", "a:*").dict()
    assert got[b"keys"] == 0 and isinstance(got[b"ttl"], Map) and got[b"ttl"].dict()[b"inf"] == 0
    assert c("NAMESPACE", "STATS").dict()[b"a:*"].dict()[b"hits"] == 0
    assert c("NAMESPACE", "GET", "b:*") is None


@pytest.mark.parametrize("args, text", [
    (["x:*", "ttl"], "ERR ttl has no value: seconds"),
    (["x:*", "ttl", "abc"], 'ERR ttl: "abc" is not accepted: seconds'),
    (["x:*", "ttl", "-1"], "ERR ttl: "),
    (["x:*", "ttl", "nan"], "ERR ttl: "),
    (["x:*", "ttl", ""], 'ERR ttl: "" is not accepted'),
    (["x:*", "ttl", "9" * 30], "ERR ttl: "),
    (["x:*", "ttl", "1\r\n+OK"], 'ERR ttl: "1??+OK" is not accepted'),
    (["x:*", "ttl", "1", "ttl", "2"], "ERR ttl is given twice"),
    (["x:*", "sliding", "yes"], "ERR sliding yes needs a ttl"),
    (["x:*", "maxlen", "9223372036854775808"], "ERR maxlen: "),
    (["x:*", "maxmemory", "1pb"], "ERR maxmemory: "),
    (["x:*", "policy", "best"], "ERR policy: "),
    (["x:*", "archive", "expire,,trim"], "ERR archive: "),
    (["x:*", "what", "1"], 'ERR "what" is no option of a namespace; there are ttl, jitter'),
    (["", "ttl", "1"], "ERR a pattern has 1 to 512 bytes"),
    (["p" * 513, "ttl", "1"], "ERR a pattern has 1 to 512 bytes"),
    (["a\r\nb*", "ttl", "1"], "ERR a pattern has no control characters"),
    ([b"a\0b*", "ttl", "1"], "ERR a pattern has no control characters"),
])
def test_wrong_input_changes_nothing(shared, args, text):
    c = shared.conn()
    before = c("NAMESPACE", "LIST")
    got = c("NAMESPACE", "SET", *args)
    assert isinstance(got, Err) and got.startswith(text), got
    assert c("NAMESPACE", "LIST") == before


def test_wrong_arity(shared):
    c = shared.conn()
    for args in (["SET"], ["GET"], ["DEL"], ["GET", "a", "b"], ["DEL", "a", "b"], ["HELP", "x"]):
        assert c("NAMESPACE", *args).startswith("ERR wrong number of arguments for 'namespace|%s'" % args[0].lower()), args
    for args in (["LIST", "a", "b"], ["STATS", "a", "b"], ["NOPE"]):
        assert isinstance(c("NAMESPACE", *args), Err), args
    assert c("NAMESPACE").startswith("ERR wrong number of arguments for 'namespace'")
    assert c("EVAL", "return redis.call('namespace', 'list')", 0).startswith("ERR This Redis command is not allowed")


def test_who_may(start):
    s = start()
    c = s.conn()
    c("ACL", "SETUSER", "tenant", "on", ">pw", "~t:*", "+@all", "-@admin")
    t = s.conn()
    assert t("AUTH", "tenant", "pw") == OK
    assert t("NAMESPACE", "SET", "t:*", "ttl", "5").startswith("NOPERM")
    assert t("NAMESPACE", "DEL", "t:*").startswith("NOPERM")
    assert t("NAMESPACE", "LIST") == [] and t("NAMESPACE", "STATS", "t:*") is None
    assert b"namespace|set" in c("ACL", "CAT", "admin") and b"namespace|list" not in c("ACL", "CAT", "admin")
    assert c("COMMAND", "DOCS", "namespace|set")[1][0:2] == [b"summary", b"Gives keys that match a pattern rules, or changes some of them."]


def test_there_is_a_limit(start):
    c = start().conn()
    got = c.pipeline([("NAMESPACE", "SET", "p%d:*" % i, "maxlen", i + 1) for i in range(4097)])
    assert got[:-1] == [OK] * 4096 and got[-1] == Err("ERR there are 4096 namespaces already, which is the limit")
    assert c("NAMESPACE", "SET", "p7:*", "maxlen", 2) == OK  # one that is there
    assert c("RPUSH", "p7:l", 1, 2, 3) == 3 and c("LLEN", "p7:l") == 2
    assert c("NAMESPACE", "DEL", "p0:*") == 1 and c("NAMESPACE", "SET", "new:*") == OK
    assert len(c("NAMESPACE", "STATS")) == 2 * 4096


# --- memd.conf --------------------------------------------------------------------------------------------------------

def test_a_bad_line_is_refused_with_its_place(tmp_path):
    path = tmp_path / "memd.conf"
    path.write_text("port 0\nnamespace s:* ttl 60\nnamespace s:* ttl soon\n")
    for args in (["--check-config", str(path)], [str(path), "--dir", str(tmp_path)]):
        done = subprocess.run([MEMD.path, *args], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1
        assert "memd.conf:3: namespace: " in done.stderr and '"soon" is not accepted: seconds' in done.stderr
    path.write_text('namespace "a b:*" ttl 60\nnamespace [a-c]:* maxlen 5\n')
    done = subprocess.run([MEMD.path, "--check-config", str(path)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_rewrite_keeps_what_was_set(start):
    s = start(conf='# mine\nnamespace "a b:*" ttl 60   # not a comment\n'.replace("   # not a comment", "") +
                   "namespace old:* maxlen 5\nport 0\n")
    c = s.conn()
    assert listed(c) == {"a b:*": "ttl 60", "old:*": "maxlen 5"}
    assert c("CONFIG", "GET", "namespace") == []
    assert c("NAMESPACE", "SET", "a b:*", "jitter", 10) == OK
    assert c("NAMESPACE", "SET", 'q"uo\\te*', "versions", 3) == OK
    assert c("NAMESPACE", "DEL", "old:*") == 1
    assert c("CONFIG", "REWRITE") == OK
    want = listed(c)
    with open(s.dir + "/test.conf") as f:
        text = f.read()
    assert text.startswith("# mine\n") and "old:*" not in text and 'namespace "a b:*" ttl 60 jitter 10\n' in text
    s.restart()
    c = s.conn()
    assert listed(c) == want == {"a b:*": "ttl 60 jitter 10", 'q"uo\\te*': "versions 3"}
    for pattern in want:
        c("NAMESPACE", "DEL", pattern)
    assert c("CONFIG", "REWRITE") == OK
    s.restart()
    assert listed(s.conn()) == {}


def test_rules_are_given_on_the_command_line_and_the_last_one_counts(start):
    s = start(args=["--namespace", "a:* ttl 60", "--namespace", "a:*", "ttl", "70"])
    assert listed(s.conn()) == {"a:*": "ttl 70"}
    assert "namespace a:* is given twice" in s.log()


def test_rules_change_within_a_transaction(start):
    c = start(appendonly="yes").conn()
    assert c.pipeline([("MULTI",), ("SET", "a:1", 1), ("NAMESPACE", "SET", "a:*", "ttl", 100), ("SET", "a:2", 2),
                       ("NAMESPACE", "DEL", "a:*"), ("SET", "a:3", 3), ("EXEC",)])[-1] == [OK, OK, OK, 1, OK]
    assert c("TTL", "a:1") == -1 and c("TTL", "a:2") > 50 and c("TTL", "a:3") == -1


def test_rules_are_no_data(start):
    """What SET does is gone with the process, like CONFIG SET's; a flush leaves it."""
    s = start(appendonly="yes")
    c = s.conn()
    c("NAMESPACE", "SET", "a:*", "ttl", 60)
    c("FLUSHALL")
    assert listed(c) == {"a:*": "ttl 60"}
    s.restart()
    assert listed(s.conn()) == {}


# --- time to live -----------------------------------------------------------------------------------------------------

WRITES = [
    ("SET", "ttl:k", "v"), ("SETNX", "ttl:k", "v"), ("MSET", "ttl:k", "v", "ttl:k2", "w"), ("APPEND", "ttl:k", "x"),
    ("INCR", "ttl:k"), ("SETBIT", "ttl:k", 7, 1), ("SETRANGE", "ttl:k", 2, "x"), ("PFADD", "ttl:k", "x"),
    ("GETSET", "ttl:k", "v"), ("LPUSH", "ttl:k", 1), ("SADD", "ttl:k", 1), ("HSET", "ttl:k", "f", "v"),
    ("ZADD", "ttl:k", 1, "m"), ("XADD", "ttl:k", "*", "f", "v"), ("GEOADD", "ttl:k", 1, 1, "m"),
    ("SET", "ttl:k", "v", "KEEPTTL"), ("COPY", "src", "ttl:k"), ("RENAME", "src", "ttl:k"),
    ("SUNIONSTORE", "ttl:k", "set"), ("SORT", "list", "STORE", "ttl:k"), ("LMOVE", "list", "ttl:k", "LEFT", "LEFT"),
    ("BITOP", "NOT", "ttl:k", "src"), ("EVAL", "return redis.call('set', KEYS[1], 'v')", 1, "ttl:k"),
]


@pytest.mark.parametrize("request_", WRITES, ids=lambda r: r[0] if isinstance(r, tuple) else None)
def test_a_write_without_a_time_gets_the_namespaces(n, request_):
    n("SET", "src", "v"), n("SADD", "set", 1, 2), n("RPUSH", "list", 1, 2)
    assert not isinstance(n(*request_), Err)
    assert 900 < n("TTL", "ttl:k") <= 1000
    assert n("EXISTS", "ttl:k2") == 0 or 900 < n("TTL", "ttl:k2") <= 1000
    assert n("TTL", "set") == -1


def test_a_time_that_the_command_sets_is_its_own(n):
    n("SET", "ttl:a", 1, "EX", 5000)
    n("SET", "ttl:b", 1, "PX", 300000)
    n("SET", "ttl:b", 2, "KEEPTTL")
    n("SET", "src", 1, "EX", 200)
    n("COPY", "src", "ttl:c")
    n("RENAME", "src", "ttl:d")
    n("RESTORE", "ttl:e", 250000, n("DUMP", "ttl:a"))
    assert 4900 < n("TTL", "ttl:a") <= 5000 and 0 < n("TTL", "ttl:b") <= 300
    assert 0 < n("TTL", "ttl:c") <= 200 and 0 < n("TTL", "ttl:d") <= 200 and 0 < n("TTL", "ttl:e") <= 250
    n("HSET", "ttl:h", "f", 1)
    n("EXPIRE", "ttl:h", 200)
    n("HSET", "ttl:h", "f", 2)  # has one: stays
    assert 0 < n("TTL", "ttl:h") <= 200
    n("SET", "ttl:b", 3)        # takes it away: the namespace gives its own
    assert n("TTL", "ttl:b") > 900


def test_persist_holds_until_the_next_write(n):
    n("HSET", "ttl:h", "f", 1)
    assert n("PERSIST", "ttl:h") == 1 and n("TTL", "ttl:h") == -1
    n("HGETALL", "ttl:h")
    assert n("TTL", "ttl:h") == -1
    n("HSET", "ttl:h", "f", 2)
    assert n("TTL", "ttl:h") > 900
    n("SET", "ttl:k", 1)
    assert n("GETEX", "ttl:k", "PERSIST") == b"1" and n("TTL", "ttl:k") == -1


def test_jitter_takes_some_away(n):
    n.pipeline([("SET", "jit:%d" % i, 1) for i in range(200)])
    ttls = n.pipeline([("PTTL", "jit:%d" % i) for i in range(200)])
    assert all(499000 < t <= 1000000 for t in ttls) and len({t // 10000 for t in ttls}) > 20
    n("SET", "jit:0", 2)
    assert abs(n("PTTL", "jit:0") - ttls[0]) < 60000  # a key's own


def test_sliding_is_renewed_by_reads_and_writes_of_the_value(n):
    def short():
        n("PEXPIRE", key, 500000)
    reads = [("GET", "sli:s"), ("MGET", "x", "sli:s"), ("STRLEN", "sli:s"), ("GETRANGE", "sli:s", 0, 1), ("GETEX", "sli:s"),
             ("LRANGE", "sli:l", 0, -1), ("LLEN", "sli:l"), ("HGETALL", "sli:h"), ("HEXISTS", "sli:h", "f"),
             ("SMEMBERS", "sli:e"), ("ZRANGE", "sli:z", 0, -1), ("XRANGE", "sli:x", "-", "+"), ("TOUCH", "sli:s"),
             ("SORT", "sli:l"), ("SUNIONSTORE", "other", "sli:e"), ("EVAL", "return redis.call('get', KEYS[1])", 1, "sli:s"),
             ("EVAL_RO", "return redis.call('get', KEYS[1])", 1, "sli:s"), ("XREAD", "STREAMS", "sli:x", "0")]
    writes = [("APPEND", "sli:s", "x"), ("RPUSH", "sli:l", 2), ("HSET", "sli:h", "f", 2), ("XADD", "sli:x", "*", "f", 1)]
    looks = [("EXISTS", "sli:s"), ("TTL", "sli:s"), ("TYPE", "sli:s"), ("OBJECT", "ENCODING", "sli:s"), ("DUMP", "sli:s"),
             ("MEMORY", "USAGE", "sli:s"), ("SCAN", 0), ("KEYS", "*"), ("EXPIRETIME", "sli:s"), ("RANDOMKEY",),
             ("EXPIRE", "sli:s", 600, "XX", "NX"), ("COPY", "sli:s", "x")]
    n("SET", "sli:s", "v"), n("RPUSH", "sli:l", 1), n("HSET", "sli:h", "f", 1), n("SADD", "sli:e", 1)
    n("ZADD", "sli:z", 1, 1), n("XADD", "sli:x", "*", "f", 1)
    for request in reads + writes + looks:
        key = next((w for w in request if str(w).startswith("sli:")), "sli:s")
        short()
        n(*request)
        assert (n("PTTL", key) > 900000) == (request not in looks), request


def test_sliding_never_shortens_and_leaves_what_the_command_says(n):
    n("SET", "sli:a", 1, "EX", 5000)
    n("GET", "sli:a")
    assert n("TTL", "sli:a") > 4900
    n("SET", "sli:b", 1, "EX", 100)
    assert 0 < n("TTL", "sli:b") <= 100
    n("GETEX", "sli:b", "EX", 200)
    assert 0 < n("TTL", "sli:b") <= 200
    n("EXPIRE", "sli:b", 300)
    assert 0 < n("TTL", "sli:b") <= 300
    n("CLIENT", "NO-TOUCH", "ON")
    n("GET", "sli:b")
    assert 0 < n("TTL", "sli:b") <= 300
    n("CLIENT", "NO-TOUCH", "OFF")
    n("GET", "sli:b")
    assert n("TTL", "sli:b") > 900


def test_renewing_is_no_change_to_who_watches_or_caches(shared, n):
    other, sub, w = shared.conn(), shared.conn(), shared.conn(resp3=True)
    n("CONFIG", "SET", "notify-keyspace-events", "KEA")
    sub("PSUBSCRIBE", "__keyevent@0__:*")
    n("SET", "sli:k", 1)
    assert sub.read()[2:] == [b"__keyevent@0__:set", b"sli:k"]
    assert sub.read()[2:] == [b"__keyevent@0__:expire", b"sli:k"]  # the namespace's
    n("PEXPIRE", "sli:k", 500000)
    assert sub.read()[2:] == [b"__keyevent@0__:expire", b"sli:k"]
    w("CLIENT", "TRACKING", "ON")
    assert w("GET", "sli:k") == b"1"
    other("WATCH", "sli:k")
    assert n("PTTL", "sli:k") > 900000
    n("PEXPIRE", "sli:other", 1)
    n("GET", "sli:k")
    assert other.pipeline([("MULTI",), ("GET", "sli:k"), ("EXEC",)]) == [OK, QUEUED, [b"1"]]
    assert w.nothing_unread() and sub.nothing_unread()


# --- length -----------------------------------------------------------------------------------------------------------

def test_lists_keep_the_newest(n):
    assert n("RPUSH", "len:r", 1, 2, 3, 4, 5) == 5
    assert n("LRANGE", "len:r", 0, -1) == [b"3", b"4", b"5"]
    n("LPUSH", "len:l", 1, 2, 3, 4, 5)
    assert n("LRANGE", "len:l", 0, -1) == [b"5", b"4", b"3"]
    n("LINSERT", "len:r", "BEFORE", "4", "x")
    assert n("LRANGE", "len:r", 0, -1) == [b"x", b"4", b"5"]
    n("RPUSH", "src", 9)
    n("LMOVE", "src", "len:l", "LEFT", "LEFT")
    assert n("LRANGE", "len:l", 0, -1) == [b"9", b"5", b"4"]
    n("RPUSH", "long", *range(10))
    n("COPY", "long", "len:copy"), n("SORT", "long", "STORE", "len:sorted")
    assert n("LRANGE", "len:copy", 0, -1) == n("LRANGE", "len:sorted", 0, -1) == [b"7", b"8", b"9"]
    assert n("EVAL", "redis.call('rpush', KEYS[1], 1, 2, 3, 4); return redis.call('llen', KEYS[1])", 1, "len:e") == 3
    n("MULTI"), n("LPUSH", "len:m", 1, 2), n("RPUSH", "len:m", 3, 4)
    assert n("EXEC") == [2, 4] and n("LRANGE", "len:m", 0, -1) == [b"1", b"3", b"4"]
    assert stats(n, "len:*")["trimmed"] == 2 + 2 + 1 + 1 + 7 + 7 + 1 + 1


def test_streams_keep_the_newest(n):
    for i in range(1, 8):
        assert n("XADD", "len:x", "%d-0" % i, "f", i) == b"%d-0" % i
    assert [e[0] for e in n("XRANGE", "len:x", "-", "+")] == [b"5-0", b"6-0", b"7-0"]
    assert stats(n, "len:*")["trimmed"] == 4
    n("SADD", "len:set", *range(10))
    assert n("SCARD", "len:set") == 10  # sets have no newest


def test_trimming_is_told(shared, n):
    sub = shared.conn()
    n("CONFIG", "SET", "notify-keyspace-events", "KEA")
    sub("PSUBSCRIBE", "__keyevent@0__:*")
    n("RPUSH", "both:l", 1, 2, 3)
    got = [sub.read()[2].decode().split(":")[1] for _ in range(3)]
    assert got == ["rpush", "ltrim", "expire"]


def test_waiting_clients_are_served_from_what_is_left(shared, n):
    w = shared.conn()
    w.send("BLPOP", "len:w", 0)
    wait_for(lambda: n.info("clients")["blocked_clients"] == "1")
    assert n("RPUSH", "len:w", 1, 2, 3, 4, 5) == 5
    assert w.read() == [b"len:w", b"3"] and n("LRANGE", "len:w", 0, -1) == [b"4", b"5"]


# --- quotas -----------------------------------------------------------------------------------------------------------

def test_maxkeys_refuses_new_keys_alone(n):
    assert n("MSET", "keys:1", 1, "keys:2", 2, "keys:3", 3) == OK
    assert n("SET", "keys:4", 4) == Err("OOM namespace keys:*: maxkeys 3 is reached: delete keys, or set a policy")
    assert n("SET", "keys:3", "x") == OK and n("APPEND", "keys:3", "y") == 2
    assert oom(n("HSET", "keys:5", "f", 1)) and oom(n("LPUSH", "keys:5", 1)) and oom(n("COPY", "keys:1", "keys:5"))
    assert oom(n("MSET", "other", 1, "keys:5", 1)) and n("EXISTS", "other") == 0  # all or none
    assert oom(n("SUNIONSTORE", "keys:5", "none")) and oom(n("INCR", "keys:5"))
    n("SET", "away", 1)
    assert oom(n("RENAME", "away", "keys:5")) and n("GET", "away") == b"1"
    assert n("RENAME", "keys:3", "keys:5") == OK  # within: brings nothing
    assert n("DEL", "keys:5") == 1 and n("SET", "keys:6", 1) == OK
    assert n("SELECT", 1) == OK and oom(n("SET", "keys:7", 1)) and n("SELECT", 0) == OK  # over all databases
    st = stats(n, "keys:*")
    assert st["keys"] == 3 and st["refused"] == 9 and n.info("errorstats")["errorstat_OOM"] == "count=9"


def test_maxmemory_refuses_what_makes_it_more(n):
    value = "v" * 1000
    got = n.pipeline([("SET", "mem:%d" % i, value) for i in range(100)])
    done = got.count(OK)
    assert 40 < done <= 64 and all(oom(g) for g in got[done:])
    assert stats(n, "mem:*")["bytes"] <= 65536
    assert n("SET", "mem:0", "small") == OK and oom(n("SET", "mem:big", "v" * 65000))
    assert oom(n("HSET", "mem:h", "f", "v" * 3000))
    assert n("DEL", *["mem:%d" % i for i in range(done)]) == done
    assert n("HSET", "mem:h", "f", "v" * 3000) == 1


def test_maxvalue(n):
    assert n("SET", "val:a", "v" * 1024) == OK
    assert n("SET", "val:a", "v" * 1025) == Err("OOM namespace val:*: maxvalue 1024 bytes is less than the value would have")
    assert oom(n("SETEX", "val:b", 10, "v" * 1025)) and oom(n("MSET", "val:b", "v" * 1025))
    assert oom(n("SETRANGE", "val:c", 2000, "x")) and oom(n("SETBIT", "val:c", 100000, 1))
    assert n("SETRANGE", "val:c", 500, "x") == 501
    assert n("RPUSH", "val:l", "v" * 800) == 1 and oom(n("RPUSH", "val:l", "v" * 800))
    assert n("SET", "other", "v" * 5000) == OK and oom(n("RENAME", "other", "val:d"))
    assert n("EXISTS", "val:b", "val:d") == 0


def test_transactions_and_scripts_are_refused_as_for_memory(n):
    n("MSET", "keys:1", 1, "keys:2", 2)
    assert n("MULTI") == OK and n("SET", "keys:3", 3) == QUEUED and n("SET", "keys:4", 4) == QUEUED
    got = n("EXEC")
    assert got[0] == OK and oom(got[1])
    assert n("MULTI") == OK and oom(n("SET", "keys:9", 1))
    assert n("EXEC").startswith("EXECABORT")
    assert "OOM namespace keys:*" in n("EVAL", "return redis.call('set', 'keys:9', 1)", 0)
    assert "OOM namespace" in n("EVAL", "return redis.pcall('set', 'keys:9', 1).err", 0).decode()
    assert n("EXISTS", "keys:9", "keys:4") == 0


def test_a_policy_makes_room_within_the_namespace(n):
    n("SET", "away", 1), n("SET", "keys:1", 1)
    for i in range(20):
        assert n("SET", "evk:%d" % i, i) == OK
    assert n("DBSIZE") == 5 and n("EXISTS", "evk:19", "away", "keys:1") == 3
    st = stats(n, "evk:*")
    assert st["keys"] == 3 and st["evicted"] == 17 and st["refused"] == 0
    assert oom(n("MSET", "evk:a", 1, "evk:b", 1, "evk:c", 1, "evk:d", 1))  # more than it may ever have
    assert stats(n, "evk:*")["keys"] == 3
    for i in range(100):
        assert n("SET", "evm:%d" % i, "v" * 1000) == OK
    assert stats(n, "evm:*")["bytes"] <= 16384 and oom(n("SET", "evm:x", "v" * 20000))
    assert n("SET", "evt:1", 1) == OK and n("SET", "evt:2", 2) == OK and oom(n("SET", "evt:3", 3))  # none with a time
    n("EXPIRE", "evt:1", 100)
    assert n("SET", "evt:3", 3) == OK and n("EXISTS", "evt:1") == 0


def test_a_quota_that_is_lowered_is_reached_in_the_background(start):
    c = start(enable_debug_command="yes").conn()
    c.pipeline([("SET", "a:%d" % i, i) for i in range(5000)] + [("SET", "b:%d" % i, i) for i in range(100)])
    c("NAMESPACE", "SET", "a:*", "maxkeys", 10, "policy", "allkeys-random")
    c("NAMESPACE", "SET", "b:*", "maxkeys", 10)
    wait_for(lambda: stats(c, "a:*")["keys"] == 10)
    assert stats(c, "b:*")["keys"] == 100 and stats(c, "a:*")["evicted"] == 4990
    assert c("SET", "b:1", 2) == OK and oom(c("SET", "b:new", 1))  # what is there may change
    c("NAMESPACE", "SET", "a:*", "maxkeys", 5)
    wait_for(lambda: stats(c, "a:*")["keys"] == 5)
    assert c("DEBUG", "CHECK") == OK


def test_a_pause_evicts_nothing(start):
    s = start(args=["--namespace", "a:* maxkeys 2 policy allkeys-lru"])
    c, w = s.conn(), s.conn()
    c("MSET", "a:1", 1, "a:2", 2)
    w("MULTI")
    c("CLIENT", "PAUSE", 100000, "WRITE")
    w.send("SET", "a:3", 3)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("DBSIZE") == 2 and c("CLIENT", "UNPAUSE") == OK
    assert w.read() == QUEUED and w("EXEC") == [OK] and c("DBSIZE") == 2


def test_a_reserve_keeps_others_from_evicting_here(start):
    s = start(enable_debug_command="yes", maxmemory="12mb", maxmemory_policy="allkeys-lru",
              args=["--namespace", "keep:* reserve 2mb", "--namespace", "part:* reserve 200kb"])
    c = s.conn()
    for ns in ("keep", "part"):
        assert c.pipeline([("SET", "%s:%d" % (ns, i), "v" * 1000) for i in range(1000)]) == [OK] * 1000
    for at in range(0, 20000, 1000):
        assert c.pipeline([("SET", "x%d" % i, "v" * 1000) for i in range(at, at + 1000)]) == [OK] * 1000
    assert stats(c, "keep:*")["keys"] == 1000 and stats(c, "keep:*")["evicted"] == 0
    left = stats(c, "part:*")
    assert 150 < left["keys"] < 1000 and left["bytes"] > 190 * 1024 and left["evicted"] == 1000 - left["keys"]
    assert c("DEBUG", "CHECK") == OK


def test_uses_are_counted_once(start):
    """A counter that decays loses one with each full minute of the clock: that would come between."""
    c = start(args=["--namespace", "s:* ttl 100 sliding yes", "--maxmemory-policy", "allkeys-lfu",
                    "--lfu-log-factor", "0", "--lfu-decay-time", "0"]).conn()
    for k in ("s:k", "plain"):
        c("SET", k, 1)
        for i in range(50):
            c("PEXPIRE", k, 50000)
            c("GET", k)
    assert c("OBJECT", "FREQ", "s:k") == c("OBJECT", "FREQ", "plain")


# --- figures ----------------------------------------------------------------------------------------------------------

def test_figures_are_exact(shared, n):
    n("SET", "ttl:a", 1), n("SET", "ttl:b", 1, "PX", 1), n("SET", "ttl:c", 1, "EX", 55)
    wait_for(lambda: n("DBSIZE") == 2)
    n("MGET", "ttl:a", "ttl:nope", "ttl:b"), n("GET", "unrelated")
    st = stats(n, "ttl:*")
    assert (st["keys"], st["expires"], st["expired"], st["hits"], st["misses"]) == (2, 2, 1, 1, 2)
    assert st["ttl"] == {"1": 1, "60": 1, "3600": 1}
    assert st["bytes"] > 2 * len("ttl:a")
    line = next(v for k, v in n.info("namespaces").items() if v.startswith("pattern=ttl:*"))
    got = dict(p.split("=") for p in line.split(","))
    assert {k: str(v) for k, v in st.items() if k in got and k != "ttl"} == {k: v for k, v in got.items() if k in st}
    assert got["ttl_1"] == got["ttl_60"] == got["ttl_3600"] == "1" and got["ttl_inf"] == "0"
    n("CONFIG", "RESETSTAT")
    st = stats(n, "ttl:*")
    assert st["hits"] == 0 and st["keys"] == 2
    n("FLUSHALL")
    assert stats(n, "ttl:*")["keys"] == 0 and stats(n, "ttl:*")["bytes"] == 0


def test_keys_that_exist_come_under_new_rules(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    c.pipeline([("SET", "a:%d" % i, "v") for i in range(3000)])
    c("RPUSH", "a:list", *range(10))
    c("NAMESPACE", "SET", "a:*", "maxlen", 3, "ttl", 100)
    wait_for(lambda: stats(c, "a:*")["keys"] == 3001)
    assert c("DEBUG", "CHECK") == OK
    assert c("TTL", "a:1") == -1 and c("LLEN", "a:list") == 10  # until they are written
    c("RPUSH", "a:list", "x")
    assert c("LLEN", "a:list") == 3 and c("TTL", "a:list") > 50
    c("NAMESPACE", "SET", "a:1*", "maxkeys", 5)  # longer: has them now
    wait_for(lambda: stats(c, "a:1*")["keys"] == 1111)
    assert stats(c, "a:*")["keys"] == 3001 - 1111 and oom(c("SET", "a:1x", 1))
    c("NAMESPACE", "DEL", "a:1*")
    wait_for(lambda: stats(c, "a:*")["keys"] == 3001)
    assert c("SET", "a:1x", 1) == OK and c("DEBUG", "CHECK") == OK


# --- the log ----------------------------------------------------------------------------------------------------------

def state(c):
    keys = sorted(c("KEYS", "*"))
    return {k: (c("DUMP", k), c("PEXPIRETIME", k)) for k in keys}


CONF = "port 0\nsave \"\"\nappendonly yes\nenable-debug-command yes\n"


@pytest.mark.parametrize("how", ["stop", "kill", "rewrite", "snapshot"])
def test_effects_survive_without_the_rules(start, how):
    s = start(conf=CONF + "namespace s:* ttl 1000 jitter 20 maxlen 4\nnamespace q:* maxkeys 5 policy allkeys-random\n")
    c = s.conn()
    rng = random.Random(5)
    for i in range(400):
        k = "s:%d" % rng.randrange(20)
        c(*rng.choice([("SET", k + "s", i), ("RPUSH", k, i, i), ("LPUSH", k, i), ("XADD", k + "x", "*", "f", i),
                       ("SET", "q:%d" % rng.randrange(30), i), ("DEL", k), ("EXPIRE", k + "s", 3000), ("PERSIST", k + "s"),
                       ("EVAL", "redis.call('rpush', KEYS[1], 1, 2, 3); redis.call('set', KEYS[2], 4)", 2, k, k + "s")]))
    assert c("DEBUG", "CHECK") == OK
    want = state(c)
    assert sum(k.startswith(b"q:") for k in want) <= 5
    assert all(c("LLEN", k) <= 4 for k in want if c("TYPE", k) == b"list")
    if how == "rewrite":
        c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
    if how == "snapshot":
        c("SAVE")
        s.settings["appendonly"] = "no"
    with open(s.dir + "/test.conf") as f:
        text = "".join(line for line in f if not line.startswith("namespace"))
    with open(s.dir + "/test.conf", "w") as f:
        f.write(text)
    s.restart(kill=how == "kill")
    assert state(s.conn()) == want


def anything(rng):
    k, k2 = ("%s:%d" % (rng.choice("abcd"), rng.randrange(30)) for _ in range(2))
    return rng.choice([
        ("SET", k, "v" * rng.randrange(300)), ("GET", k), ("RPUSH", k, *range(rng.randrange(1, 6))), ("LRANGE", k, 0, -1),
        ("LPUSH", k, *range(rng.randrange(1, 80))), ("XADD", k, "*", "f", "v" * rng.randrange(100)), ("XRANGE", k, "-", "+"),
        ("HSET", k, "f%d" % rng.randrange(9), "v" * rng.randrange(60)), ("HGETALL", k), ("DEL", k), ("RENAME", k, k2),
        ("COPY", k, k2, "REPLACE"), ("MOVE", k, 1), ("EXPIRE", k, rng.choice([100, 1000])), ("PERSIST", k), ("PEXPIRE", k, 1),
        ("MSET", k, 1, k2, 2), ("SADD", k, *range(rng.randrange(1, 200))), ("ZADD", k, 1, "v" * rng.randrange(99)),
        ("LMOVE", k, k2, "LEFT", "RIGHT"), ("SORT", k, "STORE", k2), ("GETEX", k, "EX", 50), ("SUNIONSTORE", k, k2),
        ("EVAL", "redis.call('set', KEYS[1], 1); return redis.call('rpush', KEYS[2], 1, 2, 3)", 2, k, k2)])


def test_rules_come_and_go_while_data_is_written_saved_and_killed(start):
    """What is read back from the log without any rules is what there was; times that slid may be off by the grid."""
    options = [("ttl", ["0", "1000", "100"]), ("sliding", ["yes", "no"]), ("maxlen", ["0", "1", "50"]), ("jitter", ["0", "50"]),
               ("maxkeys", ["0", "5", "50"]), ("maxmemory", ["0", "8kb", "100kb"]), ("maxvalue", ["0", "200"]),
               ("policy", ["noeviction", "allkeys-lru", "volatile-ttl", "allkeys-random", "allkeys-lfu"])]
    patterns = ["a:*", "b:*", "b:1*", "*", "c:[0-3]*"]
    rng = random.Random(11)
    print("seed 11")
    s = start(appendonly="yes", enable_debug_command="yes")
    for life in range(2):
        clients = [s.conn() for _ in range(3)]
        c = clients[0]
        for i in range(2500):
            w, x = rng.choice(clients), rng.random()
            if x < 0.01:
                w("NAMESPACE", "SET", rng.choice(patterns), *[word for name, values in rng.sample(options, 3)
                                                              for word in (name, rng.choice(values))])
            elif x < 0.013:
                w("NAMESPACE", "DEL", rng.choice(patterns))
            elif x < 0.017:
                w(rng.choice(["BGREWRITEAOF", "BGSAVE"]))
            elif x < 0.023:
                assert c("DEBUG", "CHECK") == OK
            elif x < 0.025:
                w(*rng.choice([("FLUSHDB",), ("SWAPDB", 0, 1)]))
            elif x < 0.1:
                w.pipeline([("MULTI",), anything(rng), anything(rng), ("EXEC",)])
            else:
                w(*anything(rng))
        for pattern in patterns:
            c("NAMESPACE", "DEL", pattern)
        assert c("DEBUG", "CHECK") == OK
        wait_for(lambda: not any(0 <= c("PTTL", k) < 10 for k in c("KEYS", "*")))
        want = state(c)
        s.restart(kill=True)
        got = state(s.conn())
        assert got.keys() == want.keys() and len(got) > 20
        assert all(got[k][0] == want[k][0] for k in got)
        assert all((got[k][1] < 0) == (want[k][1] < 0) and abs(got[k][1] - want[k][1]) <= 32000 for k in got)


def log_of(s):
    import glob
    return b"".join(open(p, "rb").read() for p in sorted(glob.glob(s.dir + "/appendonlydir/*.incr.aof")))


def test_reads_do_not_flood_the_log(start):
    """ttl 3200 s: the log's grid is 100 s wide. In memory the time is exact, and never later in the log."""
    s = start(conf=CONF + "namespace s:* ttl 3200 sliding yes\n")
    c = s.conn()
    c("SET", "s:k", "v")
    c.pipeline([("GET", "s:k")] * 500)
    assert log_of(s).count(b"PXAT") == 1
    assert log_of(s).count(b"PEXPIREAT") <= 1  # the grid's border may have been crossed once
    c("PEXPIRE", "s:k", 100000)
    before = log_of(s).count(b"PEXPIREAT")
    c("GET", "s:k")
    c("GET", "s:k")
    assert before < log_of(s).count(b"PEXPIREAT") <= before + 2
    at = c("PEXPIRETIME", "s:k")
    s.restart(kill=True)
    c = s.conn()
    assert at - 1 <= c("PEXPIRETIME", "s:k") <= at + 100000


def test_effects_are_one_group_of_the_log(start):
    s = start(conf=CONF + "namespace b:* ttl 1000 maxlen 2\n")
    c = s.conn()
    c("RPUSH", "b:l", 1, 2, 3)
    words = [w for w in log_of(s).split(b"\r\n") if w[:1] not in (b"*", b"$", b"#")]
    assert words[0] == b"MULTI" and words[-2] == b"EXEC" or b"EXEC" in words
    at = [words.index(w) for w in (b"MULTI", b"RPUSH", b"LTRIM", b"PEXPIREAT", b"EXEC")]
    assert at == sorted(at) and words.count(b"MULTI") == 1
    assert c("SET", "b:s", "v") == OK and c("SET", b"b:\0binary", b"v\r\n") == OK and c("SET", "b:t", "v", "NX") == OK
    words = [w for w in log_of(s).split(b"\r\n") if w[:1] not in (b"*", b"$", b"#")]
    assert words.count(b"PXAT") == 2 and words.count(b"MULTI") == 2  # SET NX is followed by PEXPIREAT
    want = state(c)
    s.restart(kill=True)
    assert state(s.conn()) == want


# --- durability -------------------------------------------------------------------------------------------------------

@pytest.fixture
def disk(tmp_path):
    on = d.Disk(tmp_path)
    yield on
    on.heal()


def hold(disk, conn, *request):
    """The sync that this request asks for does not end."""
    before = disk.calls(d.SYNC, d.LOG)
    disk.slow(d.SYNC, d.LOG, d.ALWAYS)
    conn.send(*request)
    wait_for(lambda: disk.calls(d.SYNC, d.LOG) > before)


def is_silent(control, conn):
    for _ in range(3):
        assert control("PING") == PONG
    return not conn.buf and not select.select([conn.sock], [], [], 0)[0]


@pytest.mark.parametrize("fsync", ["everysec", "no"])
def test_always_waits_for_the_sync_whatever_appendfsync_says(start, disk, fsync):
    s = start(conf="port 0\nsave \"\"\nappendonly yes\nappendfsync %s\nnamespace a:* durability always\n" % fsync, env=disk.env)
    c, w, e, t = s.conn(), s.conn(), s.conn(), s.conn()
    assert c("SET", "plain", 1) == OK and c("SET", "a:1", 1) == OK
    hold(disk, w, "SET", "a:1", 2)
    assert is_silent(c, w) and c("GET", "a:1") == b"2" and c("GET", "plain") == b"1"
    disk.slow(d.SYNC, d.LOG, 0)
    assert w.read() == OK
    for conn, request in ((e, ("EVAL", "return redis.call('set', KEYS[1], 3)", 1, "a:1")), (w, ("DEL", "a:1")),
                          (t, ("MSET", "plain", 5, "a:2", 5))):
        hold(disk, conn, *request)
        assert is_silent(c, conn), request
        disk.slow(d.SYNC, d.LOG, 0)
        assert conn.read() in (OK, 1)
    s.kill9()
    s.start()
    assert s.conn()("GET", "a:2") == b"5"


@pytest.mark.parametrize("durability", ["everysec", "no"])
def test_less_than_always_does_not_wait(start, disk, durability):
    s = start(conf="port 0\nsave \"\"\nappendonly yes\nappendfsync always\nnamespace c:* durability %s\n" % durability,
              env=disk.env)
    c, w, r = s.conn(), s.conn(), s.conn()
    assert "durability" not in s.log()
    hold(disk, w, "SET", "held", 1)
    assert c("SET", "c:1", 1) == OK and c("INCR", "c:1") == 2
    assert r("GET", "c:1") == b"2"          # nor does who reads it
    r.send("MSET", "c:2", 1, "other", 1)    # another's as well
    assert is_silent(c, w) and is_silent(c, r)
    disk.slow(d.SYNC, d.LOG, 0)
    assert w.read() == OK and r.read() == OK
    assert c("WAITAOF", 1, 0, 0) == [1, 0]


def test_everysec_is_synced_under_no(start, disk):
    s = start(conf="port 0\nsave \"\"\nappendonly yes\nappendfsync no\nnamespace c:* durability everysec\n", env=disk.env)
    c = s.conn()
    before = disk.calls(d.SYNC, d.LOG)
    assert c("SET", "c:1", 1) == OK
    wait_for(lambda: disk.calls(d.SYNC, d.LOG) > before)


# --- nothing else changes ---------------------------------------------------------------------------------------------

def test_rules_that_match_nothing_change_no_reply(start):
    rng = random.Random(7)
    print("seed 7")
    keys = ["k%d" % i for i in range(12)]
    requests = []
    for i in range(3000):
        k, k2 = rng.choice(keys), rng.choice(keys)
        requests.append(rng.choice([
            ("SET", k, i), ("GET", k), ("INCR", k), ("APPEND", k, "x"), ("RPUSH", k, i, i), ("LPOP", k), ("LRANGE", k, 0, -1),
            ("HSET", k, "f%d" % (i % 5), i), ("HGETALL", k), ("SADD", k, i % 7), ("SCARD", k), ("ZADD", k, i, i % 9),
            ("ZRANGE", k, 0, -1), ("XADD", k, "%d-1" % (i + 1), "f", i), ("XLEN", k), ("DEL", k), ("RENAME", k, k2), ("COPY", k, k2),
            ("EXPIRE", k, 1000), ("PERSIST", k), ("MSET", k, 1, k2, 2), ("GETSET", k, i), ("SETBIT", k, 5, 1),
            ("MULTI",), ("EXEC",), ("DISCARD",), ("EVAL", "return redis.call('type', KEYS[1])", 1, k), ("OBJECT", "ENCODING", k),
            ("MEMORY", "USAGE", k), ("DBSIZE",), ("SUNIONSTORE", k, k2), ("LMOVE", k, k2, "LEFT", "RIGHT"), ("DUMP", k)]))
    plain = start(enable_debug_command="yes")
    ruled = start(enable_debug_command="yes", args=[
        "--namespace", "none:* ttl 10 sliding yes maxlen 1 maxkeys 1 maxmemory 1kb maxvalue 10 policy allkeys-lru "
        "archive expire,evict,delete,overwrite,trim durability always"])
    assert plain.conn().pipeline(requests) == ruled.conn().pipeline(requests)
