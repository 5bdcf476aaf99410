"""What is made of large values -- SORT, unions, intersections, differences, ranges, draws, searches by place -- goes in slices, between the
requests of others. A reply is that of the moment when it was asked for; what is stored is that of its place in the log."""
import random
import select

import pytest

import server as srv
from long_values import amid, c, server  # noqa: F401 fixtures
from resp import Err, OK
from server import Server, wait_for

pytestmark = pytest.mark.memd_only

SEED = 20261121
N = 4000
MANY = 20000  # more than is gone through in the time that a request has at once
A = [b"n%05d" % i for i in range(N)]
B = [b"n%05d" % (3 * i) for i in range(N)]

# command, and whether the order of its reply is anybody's guess
TOLD = [
    (("SINTER", "s", "s2"), True), (("SUNION", "s", "none", "s2"), True), (("SUNION", "s", "s2", "i", "t1", "t2", "t3"), True),
    (("SDIFF", "s2", "s"), True), (("SDIFF", "s", "s2", "i", "t1", "t2", "t3"), True), (("SINTERCARD", 2, "s", "s2", "LIMIT", 1500), False),
    (("ZUNION", 3, "z", "s", "z2", "WEIGHTS", 1, "2.5", -1, "WITHSCORES"), False), (("ZINTER", 2, "z", "s2", "AGGREGATE", "MAX", "WITHSCORES"), False),
    (("ZDIFF", 2, "z", "z2", "WITHSCORES"), False), (("ZDIFF", 2, "z", "t1"), False), (("ZINTERCARD", 2, "z", "z2"), False),
    (("SORT", "l"), False), (("SORT", "l", "DESC", "LIMIT", 700, 2500), False), (("SORT", "s", "ALPHA"), False),
    (("SORT", "z", "BY", "nosort", "DESC"), False), (("SORT", "l", "BY", "w:*", "GET", "#", "GET", "w:*", "GET", "h:*->f"), False),
    (("SORT_RO", "l", "BY", "h:*->f", "ALPHA"), True), (("SORT", "s"), False),
    (("GEOSEARCH", "g", "FROMLONLAT", 0, 0, "BYRADIUS", 900, "km", "ASC", "WITHDIST", "WITHCOORD", "WITHHASH"), False),
    (("GEOSEARCH", "g", "FROMLONLAT", 0, 0, "BYBOX", 900, 700, "km", "DESC", "COUNT", 777), False),
    (("GEOSEARCH", "g", "FROMMEMBER", A[3], "BYRADIUS", 900, "km", "COUNT", 700, "ANY"), False),
    (("GEORADIUS", "g", 1, 1, 9000, "km"), False), (("GEORADIUSBYMEMBER_RO", "g", A[7], 900, "km", "COUNT", 5, "WITHDIST"), False),
]
STORED = [
    ("SINTERSTORE", "d", "s", "s2"), ("SUNIONSTORE", "d", "s", "none", "s2"), ("SUNIONSTORE", "s", "s", "s2"), ("SDIFFSTORE", "d", "s", "s2"),
    ("ZUNIONSTORE", "d", 2, "z", "z2", "WEIGHTS", 2, "0.25"), ("ZUNIONSTORE", "z", 2, "z", "s"), ("ZINTERSTORE", "d", 2, "z", "s2", "AGGREGATE", "MIN"),
    ("ZDIFFSTORE", "d", 2, "z", "z2"), ("ZRANGESTORE", "d", "z", 10, -10), ("ZRANGESTORE", "d", "z", "+inf", 20, "BYSCORE", "REV", "LIMIT", 5, 3000), ("SORT", "l", "STORE", "d"), ("SORT", "l", "DESC", "STORE", "l"),
    ("SORT", "l", "BY", "w:*", "GET", "#", "GET", "w:*", "STORE", "d"), ("SORT", "s", "ALPHA", "STORE", "d"),
    ("GEOSEARCHSTORE", "d", "g", "FROMMEMBER", A[3], "BYRADIUS", 700, "km", "STOREDIST"), ("GEORADIUS", "g", 1, 1, 9000, "km", "COUNT", 2000, "STORE", "d"),
]
CHANGE = [("SREM", "s", *A[5:-5]), ("SADD", "s2", "more"), ("ZADD", "z", -7, A[7], 7, "more"), ("ZPOPMAX", "z2", 10), ("LPOP", "l", 500), ("ZREM", "g", *A[9:-9]),
          ("SET", "w:5", 77777), ("DEL", "h:7"), ("SADD", "none", "by now"), ("FLUSHALL",), ("SWAPDB", 0, 1), ("PEXPIREAT", "z", 1), ("DEBUG", "RELOAD"),
          ("EVAL", "return redis.call('DEL', 's', 'z', 'l')", 3, "s", "z", "l"), ("SAVE",), ("BGREWRITEAOF",)]


SETTINGS = {"appendonly": "yes", "appendfsync": "no"}


def fill(c, rng):
    wait_for(lambda: b"aof_rewrite_in_progress:0" in c("INFO", "persistence"))  # that of a test before: SAVE would refuse
    c("FLUSHALL")
    c("SADD", "s", *rng.sample(A, N))
    c("SADD", "s2", *rng.sample(B, N))
    c("SADD", "i", *range(0, N, 2))
    for i in range(1, 4):
        c("SADD", "t%d" % i, *rng.sample(A, 200))
    c("ZADD", "z", *[x for m in A for x in (rng.randrange(500) / 4, m)])
    c("ZADD", "z2", *[x for m in B for x in (rng.randrange(500), m)])
    c("GEOADD", "g", *[x for m in A for x in (rng.uniform(-6, 6), rng.uniform(-6, 6), m)])
    c("RPUSH", "l", *[rng.randrange(N) for _ in range(N)])
    c("MSET", *[x for i in range(0, N, 3) for x in ("w:%d" % i, rng.randrange(1000))])
    c.pipeline([("HSET", "h:%d" % i, "f", rng.randrange(1000)) for i in range(0, N, 5)])


def value(c, key):
    return {"set": lambda: sorted(c("SMEMBERS", key)), "zset": lambda: c("ZRANGE", key, 0, -1, "WITHSCORES"),
            "list": lambda: c("LRANGE", key, 0, -1)}.get(c("TYPE", key), lambda: None)()


def plain(reply, unordered):
    return sorted(reply) if unordered and not isinstance(reply, Err) else reply


def test_replies_are_those_of_a_stock_server(server, c):
    print("seed", SEED)
    stock = Server(binary=srv.REDIS_PATH, enable_debug_command="yes")
    try:
        both = c, stock.conn()
        for part in range(1):
            for conn in both:
                fill(conn, random.Random(SEED + part))
            for command, unordered in TOLD:
                got, want = [plain(conn(*command), unordered) for conn in both]
                assert got == want, command
            for command in STORED:
                assert c(*command) == both[1](*command), command
                at = -1 if command[-2] == "STORE" else 1
                assert value(c, command[at]) == value(both[1], command[at]), command
                for conn in both:
                    fill(conn, random.Random(SEED + part))
    finally:
        stock.destroy()


@pytest.mark.parametrize("command, unordered", TOLD, ids=[" ".join(map(str, x[0]))[:40] for x in TOLD])
def test_whatever_others_do_meanwhile_the_reply_is_that_of_a_moment(server, c, command, unordered):
    fill(c, random.Random(SEED))
    want = plain(c(*command), unordered)
    for change in random.Random(str(command)).sample(CHANGE, 2):
        fill(c, random.Random(SEED))
        conn, reply = amid(server, c, command, *change)
        assert not isinstance(reply, Err), change
        assert plain(conn.read(), unordered) == want, change[:3]
    assert c("DEBUG", "CHECK") == OK


@pytest.mark.parametrize("command", STORED, ids=[" ".join(map(str, x))[:40] for x in STORED])
def test_what_is_stored_is_what_the_log_will_make_of_it(server, c, command):
    for change in random.Random(str(command)).sample(CHANGE, 2):
        fill(c, random.Random(SEED))
        conn, reply = amid(server, c, command, *change)
        assert not isinstance(reply, Err), change
        assert isinstance(conn.read(), int), change[:3]
        was = c("DEBUG", "DIGEST")
        assert c("DEBUG", "LOADAOF") == OK and c("DEBUG", "DIGEST") == was, change[:3]
    assert c("DEBUG", "CHECK") == OK


def make_many(c):
    c("FLUSHALL")
    for at in range(0, MANY, 5000):
        c("SADD", "s", *[b"member %d" % i for i in range(at, at + 5000)])
        c("SADD", "t", *[b"member %d" % (2 * i) for i in range(at, at + 5000)])
        c("ZADD", "z", *[x for i in range(at, at + 5000) for x in (i * 7919 % MANY, b"member %d" % i)])
        c("HSET", "h", *[x for i in range(at, at + 5000) for x in (i, b"value %d" % i)])
        c("GEOADD", "g", *[x for i in range(at, at + 5000) for x in (i % 89, i % 83, b"member %d" % i)])
        c("RPUSH", "l", *[i * 7919 % MANY for i in range(at, at + 5000)])


LONG = [("SUNION", "s", "t"), ("SUNIONSTORE", "d", "s", "t"), ("ZUNION", 2, "z", "s"), ("ZDIFFSTORE", "d", 2, "z", "z2"), ("SORT", "l"),
        ("SORT", "l", "STORE", "d"), ("ZRANGESTORE", "d", "z", 0, -1), ("SRANDMEMBER", "s", -100000), ("HRANDFIELD", "h", -100000, "WITHVALUES"),
        ("ZRANDMEMBER", "z", -100000), ("GEOSEARCH", "g", "FROMLONLAT", 0, 0, "BYRADIUS", 20000, "km", "WITHDIST"),
        ("GEOSEARCHSTORE", "d", "g", "FROMLONLAT", 0, 0, "BYRADIUS", 20000, "km")]


@pytest.mark.parametrize("command", LONG, ids=[" ".join(map(str, x)) for x in LONG])
def test_others_are_served_meanwhile(server, c, command):
    make_many(c)
    conn, clients = amid(server, c, command, "CLIENT", "LIST")
    assert clients.count(b" flags=b") == 1
    conn.read()


def test_draws_are_of_what_there_was_and_come_from_all_of_it(server, c):
    pairs = {b"%d" % i: b"value %d" % i for i in range(N)}
    for command, change in ((("SRANDMEMBER", "k", -50000), ("SREM", "k", *pairs)), (("SRANDMEMBER", "k", -50000), ("SADD", "k", *range(-N, 0))),
                            (("HRANDFIELD", "k", -50000), ("HDEL", "k", *pairs)), (("HRANDFIELD", "k", -50000, "WITHVALUES"), ("DEL", "k")),
                            (("ZRANDMEMBER", "k", -50000, "WITHSCORES"), ("ZREMRANGEBYRANK", "k", 10, -1)), (("ZRANDMEMBER", "k", -50000), ("FLUSHDB",))):
        c("DEL", "k")
        if command[0][0] == "S":
            c("SADD", "k", *pairs)
        elif command[0][0] == "H":
            c("HSET", "k", *[x for pair in pairs.items() for x in pair])
        else:
            c("ZADD", "k", *[x for i in pairs for x in (int(i), i)])
        conn, reply = amid(server, c, command, *change)
        assert not isinstance(reply, Err)
        got, with_values = conn.read(), len(command) > 3
        assert len(got) == (100000 if with_values else 50000)
        drawn = set(got[::2] if with_values else got)
        assert drawn <= set(pairs) and len(drawn) > N * 0.99  # 12.5 draws of each: e^-12.5 stay away
        if with_values:
            assert all(v in (pairs[f], f) for f, v in zip(got[::2], got[1::2]))


def test_distinct_draws_are_distinct(server, c):
    make_many(c)
    for command, per in ((("SRANDMEMBER", "s", 15000), 1), (("SRANDMEMBER", "s", 9000), 1), (("HRANDFIELD", "h", 15000, "WITHVALUES"), 2),
                         (("ZRANDMEMBER", "z", 15000), 1), (("SRANDMEMBER", "s", MANY * 9), 1)):
        conn, size = amid(server, c, command, {"s": "SCARD", "h": "HLEN", "z": "ZCARD"}[command[1]], command[1])
        got = conn.read()
        assert size == MANY and len(got) == min(command[2], MANY) * per
        assert len(set(got[::per])) == len(got) // per


def test_one_who_is_always_disturbed_comes_to_an_end(server, c):
    make_many(c)
    conn = server.conn()
    for command, key in ((("ZUNIONSTORE", "d", 2, "z", "s"), "z"), (("SORT", "z", "BY", "nosort", "STORE", "d"), "z")):
        conn.send(*command)
        n = 0
        while not select.select([conn.sock], [], [], 0)[0]:
            c("ZINCRBY", key, 1, "member %d" % n)
            n += 1
        assert conn.read() == MANY


@pytest.mark.parametrize("command", LONG, ids=[" ".join(map(str, x)) for x in LONG])
def test_one_who_is_killed_or_unblocked_or_leaves_leaves_nothing_behind(server, c, command):
    make_many(c)
    for how in (("KILL", "ID"), ("UNBLOCK",), ("LIST", "ID")):
        conn = server.conn()
        reply = amid(server, c, command, "CLIENT", *how, conn("CLIENT", "ID"), conn=conn)[1]
        assert reply in (0, 1) or b" flags=b" in reply
        conn.close()
    for key in "s", "z", "l":
        assert c("DEL", key) == 1
    assert c("DEBUG", "CHECK") == OK


def test_one_who_stores_waits_while_writes_are_paused(server, c):
    make_many(c)
    conn = amid(server, c, ("ZUNIONSTORE", "d", 2, "z", "s"), "CLIENT", "PAUSE", 100000, "WRITE")[0]
    c.pipeline([("PING",)] * 1000)
    assert c("EXISTS", "d") == 0
    c("CLIENT", "UNPAUSE")
    assert conn.read() == MANY and c("ZCARD", "d") == MANY


def test_one_who_may_no_longer_write_does_not(server, c):
    make_many(c)
    c("ACL", "SETUSER", "eve", "on", "nopass", "~*", "+@all")
    conn = server.conn()
    conn("AUTH", "eve", "x")
    amid(server, c, ("ZUNIONSTORE", "d", 2, "z", "s"), "ACL", "SETUSER", "eve", "-zunionstore", conn=conn)
    assert conn.read().startswith("NOPERM") and c("EXISTS", "d") == 0
    c("ACL", "DELUSER", "eve")


def test_what_has_no_room_says_so(c):
    fill(c, random.Random(SEED))
    c("CONFIG", "SET", "maxmemory", 1)
    for command in STORED:
        assert c(*command).startswith("OOM"), command
    assert c("EXISTS", "d") == 0


def test_where_nobody_waits_it_is_done_at_once(c):
    fill(c, random.Random(SEED))
    both = len(set(A) | set(B))
    replies = c.pipeline([("MULTI",), ("SUNIONSTORE", "d", "s", "s2"), ("DEL", "s"), ("SORT", "l", "LIMIT", 0, 1), ("ZUNION", 1, "z"), ("EXEC",)])[-1]
    assert replies[:2] == [both, 1] and len(replies[2]) == 1 and len(replies[3]) == N
    assert c("EVAL", "redis.call('ZUNIONSTORE', 'd', 2, 'z', 's2') return redis.call('ZCARD', 'd')", 3, "d", "z", "s2") == both


def test_fields_that_are_due_are_missing_in_the_log_as_well(server, c):
    """Nobody has dropped them yet, and what SORT stores says that they are not there."""
    c("FLUSHALL")
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    try:
        c("RPUSH", "long", *range(MANY))
        c("RPUSH", "short", *range(700))
        c.pipeline([("HSET", "h:%d" % i, "f", i, "g", -i) for i in range(0, MANY, 10)])
        c("HSET", "h:0", *[x for i in range(600) for x in ("f%03d" % i, "v")])
        c.pipeline([("HPEXPIRE", "h:%d" % i, 1, "FIELDS", 1, "f") for i in range(0, MANY, 20)])
        c("HPEXPIRE", "h:0", 1, "FIELDS", 600, *["f%03d" % i for i in range(600)])
        wait_for(lambda: c("HPTTL", "h:0", "FIELDS", 1, "f599") == [-2] and c("HPTTL", "h:%d" % (MANY - 20), "FIELDS", 1, "f") == [-2])
        for command in (("SORT", "short", "BY", "nosort", "GET", "h:*->f599", "GET", "h:*->g", "STORE", "d1"), ("SORT", "short", "BY", "h:*->f", "STORE", "d2"),
                        ("SORT", "long", "BY", "nosort", "GET", "h:*->f", "GET", "h:*->g", "STORE", "d3"), ("SORT", "long", "BY", "h:*->f", "STORE", "d4")):
            assert c(*command) > 0
        assert c("LINDEX", "d1", 0) == b"" and c("LINDEX", "d3", 40) == b"" and c("LINDEX", "d3", 20) == b"10"
        was = c("DEBUG", "DIGEST")
        assert c("DEBUG", "CHECK") == OK and c("DEBUG", "LOADAOF") == OK
        assert c("DEBUG", "DIGEST") == was
    finally:
        c("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_a_log_that_begins_anew_in_the_midst_of_it_lacks_no_field_that_was_stored(server, c):
    """Fields whose time comes after SORT began and before the log's new base was cut are not in that, and so not in what SORT stores behind it."""
    def done():
        return b"aof_rewrite_in_progress:0" in c("INFO", "persistence")

    def now_ms():
        seconds, us = map(int, c("TIME"))
        return seconds * 1000 + us // 1000

    wait_for(done)
    c("FLUSHALL")
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    asker = server.conn()
    try:
        c("RPUSH", "long", *range(MANY))
        c.pipeline([("HSET", "h:%d" % i, "f", i, "g", -i) for i in range(0, MANY, 10)])
        due = now_ms() + 700
        c.pipeline([("HPEXPIREAT", "h:%d" % i, due, "FIELDS", 1, "f") for i in range(0, MANY, 10)])
        with server.one_turn():
            asker.send("SORT", "long", "BY", "nosort", "GET", "h:*->f", "STORE", "d")
            c.send("CLIENT", "PAUSE", 100000, "WRITE")  # it is held, when it is done
        assert c.read() == OK
        wait_for(lambda: now_ms() > due)
        assert b"started" in c("BGREWRITEAOF").encode()
        wait_for(done)
        assert c("CLIENT", "UNPAUSE") == OK
        assert asker.read() == MANY
        was = c("DEBUG", "DIGEST")
        assert c("DEBUG", "CHECK") == OK and c("DEBUG", "LOADAOF") == OK
        assert c("DEBUG", "DIGEST") == was
    finally:
        c("CLIENT", "UNPAUSE")
        c("DEBUG", "SET-ACTIVE-EXPIRE", 1)
