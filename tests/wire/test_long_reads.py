"""Large values that are told as a whole go in slices, between the requests of others, and are told as they were when it was asked for
them, whatever others do to them meanwhile."""
import pytest

from long_values import c, is_begun, server  # noqa: F401 fixtures
from resp import Err, Map, NIL_ARRAY, OK, Set, Simple
from server import wait_for

pytestmark = pytest.mark.memd_only

N = 20000
NAMES = [b"n%05d" % i for i in range(N)]
LONG = b"x" * 5000
FILL = {
    "set": lambda part: ("SADD", "set", *part),
    "hash": lambda part: ("HSET", "hash", *[x for name in part for x in (name, b"v" + name)]),
    "zset": lambda part: ("ZADD", "zset", *[x for name in part for x in (int(name[1:]), name)]),
    "list": lambda part: ("RPUSH", "list", *part),
}
PAIRS = [x for name in NAMES for x in (name, b"v" + name)]
SCORED = [x for name in NAMES for x in (name, b"%d" % int(name[1:]))]
READ = {  # the command, and the reply
    "set": (("SMEMBERS", "k"), sorted(NAMES)),
    "hash": (("HGETALL", "k"), sorted(PAIRS)),
    "zset": (("ZRANGE", "k", 0, -1), NAMES),
    "list": (("LRANGE", "k", 0, -1), NAMES),
}
CHANGE = {
    "set": [("SREM", "k", *NAMES[5:-5]), ("SADD", "k", *[b"more:" + x for x in NAMES]), ("SPOP", "k", N - 1), ("SMOVE", "k", "other", NAMES[-1]),
            ("SINTERSTORE", "k", "k", "nothing")],
    "hash": [("HDEL", "k", *NAMES[5:-5]), ("HSET", "k", *[x for y in NAMES for x in (y, LONG[:20])]), ("HINCRBY", "k", "new", 5),
             ("HPEXPIRE", "k", 0, "FIELDS", N - 5, *NAMES[5:]), ("HPEXPIRE", "k", 1, "FIELDS", N - 5, *NAMES[5:])],
    "zset": [("ZREM", "k", *NAMES[5:-5]), ("ZADD", "k", -1, "first", -2, NAMES[-1]), ("ZPOPMAX", "k", N - 1), ("ZREMRANGEBYRANK", "k", 9, -9),
             ("ZUNIONSTORE", "k", 1, "k", "WEIGHTS", -1)],
    "list": [("LPOP", "k", N - 1), ("RPOP", "k", N - 1), ("LTRIM", "k", 5, -5), ("LSET", "k", -1, LONG), ("LINSERT", "k", "BEFORE", NAMES[-1], "x"),
             ("LREM", "k", 1, NAMES[-1]), ("RPOPLPUSH", "k", "k"), ("LPUSH", "k", *NAMES)],
}
# All else that may happen to a key is in tests/commands/test_long_reads.c, where it happens for certain while it is read.
ANY = [("PEXPIRE", "k", 1), ("FLUSHALL",), ("FLUSHDB", "ASYNC"), ("SWAPDB", 0, 1), ("DEBUG", "RELOAD"),
       ("EVAL", "return redis.call('DEL', KEYS[1])", 1, "k"), ("CONFIG", "SET", "maxmemory", "1mb")]


SETTINGS = {"maxmemory_policy": "allkeys-random"}


def make(c, kind, names=NAMES):
    c("CONFIG", "SET", "maxmemory", 0)
    c("FLUSHALL")
    for at in range(0, len(names), 5000):
        c(*FILL[kind](names[at:at + 5000]))
    c("RENAME", kind, "k")
    c("SADD", "small", 1)


def plain(reply, kind):
    return sorted(reply) if kind in ("set", "hash") else reply


@pytest.mark.parametrize("kind", list(READ))
def test_whatever_others_do_meanwhile_they_are_told_as_they_were(server, c, kind):
    reader, other = server.conn(), server.conn()
    id = reader("CLIENT", "ID")
    command, want = READ[kind]
    for change in CHANGE[kind] + ANY:
        make(c, kind)
        reader.send(*command)
        wait_for(lambda: is_begun(reader, other, id))
        reply = other(*change)
        assert not isinstance(reply, Err), change
        assert plain(reader.read(), kind) == want, change[:3]
    assert c("DEBUG", "CHECK") == OK


def test_several_who_read_one_value_each_have_it_as_it_was_when_they_asked(server, c):
    make(c, "zset")
    readers = [server.conn() for _ in range(8)]
    ids = [r("CLIENT", "ID") for r in readers]
    for i, r in enumerate(readers):
        r.send("ZRANGE", "k", 0, -1) if i % 2 else r.send("ZREVRANGE", "k", 0, -1)
    wait_for(lambda: all(is_begun(r, c, id) for r, id in zip(readers, ids)))
    gone = server.conn()
    gone.send("ZRANGE", "k", 0, -1)
    gone.close()
    assert c("ZREM", "k", *NAMES) == N and c("DEBUG", "CHECK") == OK
    assert [r.read() for r in readers] == [NAMES[::-1], NAMES] * 4


def test_all_forms_of_replies(c):
    make(c, "hash")
    assert sorted(c("HKEYS", "k")) == NAMES and sorted(c("HVALS", "k")) == [b"v" + x for x in NAMES]
    make(c, "zset")
    assert c("ZRANGE", "k", 0, -1, "WITHSCORES") == SCORED
    assert c("ZRANGE", "k", 10, "(15000", "BYSCORE", "LIMIT", 5, 9000) == NAMES[15:9015]
    assert c("ZREVRANGEBYSCORE", "k", "+inf", 100) == NAMES[:99:-1]
    assert c("ZRANGE", "k", 0, -1, "REV") == NAMES[::-1]
    c("HELLO", 3)
    reply = c("ZRANGE", "k", 0, -1, "WITHSCORES")
    assert [x for x, _ in reply] == NAMES and len(reply[0]) == 2
    make(c, "hash")
    assert isinstance(c("HGETALL", "k"), Map)
    make(c, "set")
    assert isinstance(c("SMEMBERS", "k"), Set)
    c("HELLO", 2)


def test_streams(c):
    c("FLUSHALL")
    for at in range(1, 20001, 1000):
        c.pipeline([("XADD", "s", "%d-1" % i, "f", i) for i in range(at, at + 1000)])
    want = [[b"%d-1" % i, [b"f", b"%d" % i]] for i in range(1, 20001)]
    assert c("XRANGE", "s", "-", "+") == want
    assert c("XREVRANGE", "s", 15000, "(1-1", "COUNT", 12000) == want[3000:15000][::-1]
    assert c("XREAD", "STREAMS", "s", "0") == [[b"s", want]] and c("XREAD", "COUNT", 15000, "STREAMS", "s", "9-1") == [[b"s", want[9:15009]]]
    assert c("XREAD", "STREAMS", "s", "19990-1") == [[b"s", want[19990:]]] and c("XREAD", "STREAMS", "s", "20000-1") == NIL_ARRAY
    c("HELLO", 3)
    assert c("XREAD", "STREAMS", "s", "0") == Map([(b"s", want)])
    c("HELLO", 2)
    assert c.pipeline([("MULTI",), ("XREAD", "STREAMS", "s", "0"), ("EXEC",)])[-1] == [[[b"s", want]]]
    assert c("XRANGE", "s", 5, 6) == want[4:6] and c("XRANGE", "s", 70000, "+") == []


def test_claims_have_a_bound_and_tell_where_they_go_on(c):
    c("FLUSHALL")
    c.pipeline([("XADD", "s", "%d-%d" % (i // 3, i % 3 + 1), "f", i) for i in range(12000)])
    c("XGROUP", "CREATE", "s", "g", 0)
    c("XREADGROUP", "GROUP", "g", "ann", "COUNT", 11000, "STREAMS", "s", ">")
    gone = [x for x, _ in c("XRANGE", "s", "-", "+", "COUNT", 10900)][::7]
    assert c("XDEL", "s", *gone) == len(gone)
    want = [x for x, _ in c("XRANGE", "s", "-", "+", "COUNT", 11000 - len(gone))]
    at, claimed, lost, calls = b"0-0", [], [], 0
    while calls == 0 or at != b"0-0":
        at, ids, without = c("XAUTOCLAIM", "s", "g", "bob", 0, at, "COUNT", 10**6, "JUSTID")
        claimed, lost, calls = claimed + ids, lost + without, calls + 1
    assert calls > 1 and claimed == want and lost == gone
    history = c("XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", "0")[0][1]
    assert history == c("XRANGE", "s", "-", "+", "COUNT", len(want)) and [x for x, _ in history] == want
    pending = c("XPENDING", "s", "g", "-", "+", 10**6)
    assert [x[0] for x in pending] == want and {x[1] for x in pending} == {b"bob"}
    assert [x[0] for x in c("XPENDING", "s", "g", want[2000], "+", 3000, "bob")] == want[2000:5000]
    assert c("XPENDING", "s", "g", "IDLE", 10**9, "-", "+", 10**6) == []
    assert c("XDEL", "s", *want[:50]) == 50
    assert c("XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", "0")[0][1] == [[x, NIL_ARRAY] for x in want[:50]] + history[50:]


def test_long_elements_and_those_of_several_blocks(c):
    c("FLUSHALL")
    many = [b"%d" % i + LONG * (i % 3) for i in range(1200)]
    c.pipeline([("RPUSH", "l", x) for x in many])
    assert c("LRANGE", "l", 3, -3) == many[3:-2]
    c.pipeline([("HSET", "h", i, x) for i, x in enumerate(many)])
    assert sorted(c("HVALS", "h")) == sorted(many)


TEXT = b"0123456789" * 900000
CHANGED = [("APPEND", "k", "more"), ("SETRANGE", "k", 0, "other"), ("SETBIT", "k", 8 * len(TEXT) - 1, 0), ("DEL", "k"), ("GETDEL", "k"), ("SET", "k", "v"),
           ("RENAME", "k", "other"), ("BITOP", "NOT", "k", "k"), ("FLUSHALL",)]


def test_long_strings(server, c):
    other = server.conn()
    id = other("CLIENT", "ID")
    for command, want in ((("GET", "k"), TEXT), (("GETRANGE", "k", 9, -10), TEXT[9:-9])):
        for change in CHANGED:
            c("SET", "k", TEXT)
            other.send(*command)
            wait_for(lambda: is_begun(other, c, id))
            assert not isinstance(c(*change), Err)
            assert other.read() == want, change
    c("SET", "k", TEXT)
    assert c("GETDEL", "k") == TEXT and c("GET", "k") is None
    c("SET", "k", TEXT)
    assert c.pipeline([("MULTI",), ("GET", "k"), ("DEL", "k"), ("GET", "k"), ("EXEC",)])[-1] == [TEXT, 1, None]
    c("SET", "k", TEXT)
    assert c.pipeline([("GET", "k"), ("DEL", "k"), ("GET", "k")]) == [TEXT, 1, None]


def test_bits_of_long_strings(server, c):
    other = server.conn()
    id = other("CLIENT", "ID")
    n = 8 * len(TEXT)
    last = n - 9  # the last bit that is set
    c("SETRANGE", "k", 0, TEXT)
    ones = sum(bin(x).count("1") for x in TEXT[:10]) * (len(TEXT) // 10)
    for change in (("DEL", "k"), ("SETBIT", "k", last, 0), ("GET", "k")):
        for command, want in ((("BITCOUNT", "k"), ones), (("BITCOUNT", "k", 10, -11), ones - 2 * ones // (len(TEXT) // 10)),
                              (("BITPOS", "zeros", 1), last), (("BITPOS", "ones", 0), n), (("BITPOS", "ones", 0, 5, -1), -1),
                              (("BITPOS", "zeros", 1, 3, last - 1, "BIT"), -1), (("BITCOUNT", "zeros", 3, last, "BIT"), 1)):
            c("FLUSHALL")
            c("SET", "k", TEXT)
            c("SET", "zeros", bytes(len(TEXT) - 2) + b"\x01\x00")
            c("SET", "ones", b"\xff" * len(TEXT))
            assert c(*command) == want, command
            other.send(*command)
            wait_for(lambda: is_begun(other, c, id))
            c(change[0], command[1], *change[2:])
            assert other.read() == want, (command, change)


def test_long_strings_of_zeros(c):
    c("FLUSHALL")
    assert c("SETBIT", "a", 1 << 26, 1) == 0 and c("STRLEN", "a") == (1 << 23) + 1 and c("BITCOUNT", "a") == 1
    assert c("SETRANGE", "b", 9000000, "x") == 9000001 and c("GET", "b") == bytes(9000000) + b"x"
    assert c("BITFIELD", "d", "SET", "u8", 80000000, 255) == [0] and c("BITPOS", "d", 1) == 80000000
    c("SET", "e", "word")
    c("SET", "f", b"y" * 5000000)
    c("SET", "n", 12345)
    for key, was in (("e", b"word"), ("f", b"y" * 5000000), ("n", b"12345")):
        assert c("SETRANGE", key, 7000000, "end") == 7000003 and c("GET", key) == was + bytes(7000000 - len(was)) + b"end"
        assert c("APPEND", key, "more") == 7000007 and c("SETRANGE", key, 7000020, "z") == 7000021
        assert c("GETRANGE", key, -21, -1) == b"endmore" + bytes(13) + b"z"
    assert c("DEBUG", "CHECK") == OK


def test_many_strings_of_which_some_are_long(server, c):
    other = server.conn()
    id = other("CLIENT", "ID")
    keys = ["k", "short", "n", "none", "k", "set", "k2", "k", "empty", "short", "k3"]
    for change in (("DEL", "k"), ("DEL", "k3"), ("APPEND", "k2", "more"), ("MSET", "short", "s", "n", 6, "none", 7, "k3", 8), ("FLUSHALL",), ("PING",)):
        c("FLUSHALL")
        c("MSET", "k", TEXT[:3000000], "short", "abc", "n", 5, "k2", TEXT[5:4000000], "k3", TEXT[7:700000], "empty", "")
        c("SADD", "set", 1)
        want = [TEXT[:3000000], b"abc", b"5", None, TEXT[:3000000], None, TEXT[5:4000000], TEXT[:3000000], b"", b"abc", TEXT[7:700000]]
        other.send("MGET", *keys)
        wait_for(lambda: is_begun(other, c, id))
        c(*change)
        assert other.read() == want, change
    c("MSET", "k", TEXT, "n", 1)
    assert c.pipeline([("MGET", "n", "k", "n"), ("DEL", "k"), ("MGET", "k", "n")]) == [[b"1", TEXT, b"1"], 1, [None, b"1"]]
    c("MSET", "k", TEXT, "n", 1)
    c("HELLO", 3)
    assert c("MGET", "n", "k", "none") == [b"1", TEXT, None]
    c("HELLO", 2)
    assert c.pipeline([("MULTI",), ("MGET", "k", "n"), ("EXEC",)])[-1] == [[TEXT, b"1"]] and c("DEBUG", "CHECK") == OK


def test_fields_that_have_expired_are_not_told(c):
    make(c, "hash")
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    c("HPEXPIRE", "k", 1, "FIELDS", 15000, *NAMES[:15000])
    wait_for(lambda: c("HGET", "k", NAMES[0]) is None)
    assert sorted(c("HKEYS", "k")) == NAMES[15000:]
    c("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_where_nobody_waits_they_are_told_at_once(c):
    make(c, "set")
    replies = c.pipeline([("MULTI",), ("SMEMBERS", "k"), ("DEL", "k"), ("SMEMBERS", "k"), ("EXEC",)])[-1]
    assert sorted(replies[0]) == NAMES and replies[1:] == [1, []]
    make(c, "zset")
    assert c("EVAL", "local n = #redis.call('ZRANGE', KEYS[1], 0, -1) redis.call('DEL', KEYS[1]) return n", 1, "k") == N


def test_requests_behind_wait_for_the_reply(c):
    make(c, "set")
    replies = c.pipeline([("SMEMBERS", "k"), ("DEL", "k"), ("SMEMBERS", "k"), ("PING",)])
    assert sorted(replies[0]) == NAMES and replies[1:] == [1, [], Simple("PONG")]
    make(c, "set")
    c.send("CLIENT", "REPLY", "SKIP")
    c.send("SMEMBERS", "k")
    assert c("PING") == Simple("PONG")


@pytest.mark.parametrize("how", ["KILL", "TIMEOUT"])
def test_one_who_is_killed_or_unblocked_leaves_nothing_behind(server, c, how):
    make(c, "hash")
    reader = server.conn()
    id = reader("CLIENT", "ID")
    reader.send("HGETALL", "k")
    wait_for(lambda: is_begun(reader, c, id))
    if how == "KILL":
        assert c("CLIENT", "KILL", "ID", id) == 1
    else:
        assert c("CLIENT", "UNBLOCK", id) == 0
        assert sorted(reader.read()) == sorted(PAIRS)
    assert c("HDEL", "k", *NAMES) == N and c("DEBUG", "CHECK") == OK


def test_scans_of_large_values_have_a_bound(c):
    for kind, per in (("set", 1), ("hash", 2), ("zset", 2)):
        make(c, kind)
        scan = {"set": "SSCAN", "hash": "HSCAN", "zset": "ZSCAN"}[kind]
        seen, cursor, calls = set(), None, 0
        while cursor != b"0":
            cursor, items = c(scan, "k", cursor or 0, "COUNT", 10**9)
            assert len(items) < 12000 * per
            seen |= set(items[::per])
            calls += 1
        assert seen == set(NAMES) and calls > 1
