"""COPY, DUMP and RESTORE of large values go in slices, between the requests of others. What DUMP tells is the value as it was when it was asked for;
a copy is the value as it is when COPY replies, in the order of the log."""
import select

import pytest

from long_values import amid as in_one_turn, begin, c, is_begun, server  # noqa: F401 fixtures
from payload import crc64
from resp import Err, OK
from server import wait_for

pytestmark = pytest.mark.memd_only

N = 6000
NAMES = [b"n%05d" % i for i in range(N)]
MANY = 150000  # more than anybody copies or tells in the time that a request has at once


def fill_stream(c, n=N):
    c.pipeline([("XADD", "k", "%d-1" % i, "field", "value %d" % i + "x" * 150) for i in range(1, n + 1)])
    c("XGROUP", "CREATE", "k", "g", 0)
    c("XGROUP", "CREATE", "k", "empty", 9)
    c.pipeline([("XREADGROUP", "GROUP", "g", who, "COUNT", 700, "STREAMS", "k", ">") for who in ("ann", "bob")])
    c("XDEL", "k", "5-1", "6000-1")


KINDS = {
    "set": lambda c: c("SADD", "k", *NAMES),
    "hash": lambda c: c("HSET", "k", *[x for n in NAMES for x in (n, b"v" + n)]),
    "hash with times": lambda c: (KINDS["hash"](c), c("HPEXPIREAT", "k", 9994000000000000, "FIELDS", 300, *NAMES[:300])),
    "zset": lambda c: c("ZADD", "k", *[x for i, n in enumerate(NAMES) for x in (i / 4, n)]),
    "list": lambda c: c("RPUSH", "k", b"long" * 3000, *NAMES),
    "stream": fill_stream,
    "string": lambda c: c("SET", "k", b"0123456789" * 300000),
    "sug": lambda c: c.pipeline([("FT.SUGADD", "k", n, i + 1, "PAYLOAD", b"p" + n) for i, n in enumerate(NAMES)]),
}
CHANGE = {
    "set": [("SREM", "k", *NAMES[5:-5]), ("SADD", "k", "one more"), ("SPOP", "k", N - 5)],
    "hash": [("HDEL", "k", *NAMES[5:-5]), ("HSET", "k", NAMES[-1], "other"), ("HPEXPIREAT", "k", 4000000000000, "FIELDS", 2, *NAMES[7:9])],
    "hash with times": [("HDEL", "k", *NAMES[200:400]), ("HPERSIST", "k", "FIELDS", 1, NAMES[9]), ("HPEXPIRE", "k", 0, "FIELDS", 2, *NAMES[7:9])],
    "zset": [("ZREM", "k", *NAMES[5:-5]), ("ZINCRBY", "k", -500, NAMES[-1]), ("ZPOPMAX", "k", N - 5), ("ZREMRANGEBYRANK", "k", 9, -9)],
    "list": [("LPOP", "k", N - 5), ("LSET", "k", -1, "other"), ("LTRIM", "k", 5, -5), ("LINSERT", "k", "BEFORE", NAMES[-1], "x")],
    "stream": [("XADD", "k", "99999-1", "a", "b"), ("XTRIM", "k", "MAXLEN", 10), ("XDEL", "k", "700-1"), ("XACK", "k", "g", "3-1"),
               ("XREADGROUP", "GROUP", "g", "cid", "COUNT", 9, "STREAMS", "k", ">"), ("XGROUP", "DESTROY", "k", "g")],
    "string": [("APPEND", "k", "more"), ("SETRANGE", "k", 2000000, "other"), ("SETBIT", "k", 7, 0)],
    "sug": [("FT.SUGDEL", "k", NAMES[-1]), ("FT.SUGADD", "k", "one more", 1)],
}
ANY = [("DEL", "k"), ("RENAME", "k", "other"), ("SET", "k", "v"), ("PEXPIREAT", "k", 4000000000000), ("PEXPIREAT", "k", 1), ("MOVE", "k", 1), ("FLUSHALL",),
       ("SWAPDB", 0, 1), ("DEBUG", "RELOAD"), ("EVAL", "return redis.call('DEL', KEYS[1])", 1, "k"), ("BGREWRITEAOF",)]


# BGREWRITEAOF is one of the changes: none of its own beside it.
SETTINGS = {"appendonly": "yes", "appendfsync": "no", "auto_aof_rewrite_percentage": "0"}


def make(c, kind):
    c("FLUSHALL")
    KINDS[kind](c)


def changes(kind):
    return CHANGE[kind] + (ANY if kind in ("zset", "string") else ANY[:2])


def digest(c, key):
    return c("DEBUG", "DIGEST-VALUE", key)[0]


def slices_of_jobs(c):
    return next(n for name, n, *_ in c("DEBUG", "BETWEEN") if name == b"jobs")


def amid(server, c, kind, change, *command):
    """The digest and the payload before, and the reply to command, in the midst of which another comes with change."""
    make(c, kind)
    was = digest(c, "k"), c("DUMP", "k")
    conn = begin(server, c, *command)
    reply = c(*change)
    assert not isinstance(reply, Err), change
    return was, conn.read()


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_payload_is_that_of_one_who_does_not_wait(c, kind):
    make(c, kind)
    was, payload = digest(c, "k"), c("DUMP", "k")
    if kind != "string":  # whose pieces are not compressed
        assert c.pipeline([("MULTI",), ("DUMP", "k"), ("EXEC",)])[-1] == [payload]
    assert c("RESTORE", "back", 0, payload) == OK and digest(c, "back") == was
    assert c("RESTORE", "no", 0, payload[:-1] + bytes([payload[-1] ^ 1])) == Err("ERR DUMP payload version or checksum are wrong")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_payload_is_the_value_as_it_was(server, c, kind):
    for change in changes(kind):
        (_, want), payload = amid(server, c, kind, change, "DUMP", "k")
        assert payload == want, change[:3]
    assert c("DEBUG", "CHECK") == OK


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_copy_is_the_value(c, kind):
    make(c, kind)
    assert c("COPY", "k", "copy") == 1 and digest(c, "copy") == digest(c, "k")
    assert c("OBJECT", "ENCODING", "copy") == c("OBJECT", "ENCODING", "k")
    assert abs(c("MEMORY", "USAGE", "copy", "SAMPLES", 0) / c("MEMORY", "USAGE", "k", "SAMPLES", 0) - 1) < 0.2
    assert c("COPY", "k", "copy") == 0
    assert c(*CHANGE[kind][0]) is not None and digest(c, "copy") != digest(c, "k")
    assert c("COPY", "k", "copy", "REPLACE") == 1 and digest(c, "copy") == digest(c, "k")
    assert c("COPY", "k", "copy", "DB", 1) == 1 and c("DEBUG", "CHECK") == OK
    was = c("DEBUG", "DIGEST")
    assert c("DEBUG", "LOADAOF") == OK and c("DEBUG", "DIGEST") == was


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_copy_is_that_of_a_moment_in_the_log(server, c, kind):
    for change in changes(kind):
        (first, _), done = amid(server, c, kind, change, "COPY", "k", "copy")
        assert done in (0, 1), change[:3]
        if c("EXISTS", "copy"):
            assert digest(c, "copy") in (first, digest(c, "k"), digest(c, "other")), change[:3]
        was = c("DEBUG", "DIGEST")
        assert c("DEBUG", "LOADAOF") == OK and c("DEBUG", "DIGEST") == was, change[:3]
    assert c("DEBUG", "CHECK") == OK


RESTORE_ANY = [("SET", "back", "v"), ("FLUSHALL",), ("SWAPDB", 0, 1), ("DEBUG", "RELOAD"), ("BGREWRITEAOF",), ("CONFIG", "SET", "list-max-listpack-size", 64)]


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_restored_amid_other_things_is_the_value(server, c, kind):
    for change in RESTORE_ANY if kind in ("hash", "stream") else RESTORE_ANY[:1]:
        make(c, kind)
        was, payload = digest(c, "k"), c("DUMP", "k")
        conn = begin(server, c, "RESTORE", "back", 0, payload, "REPLACE")
        assert not isinstance(c(*change), Err), change
        assert conn.read() == OK, change
        where = [db for db in (0, 1) if c("SELECT", db) == OK and digest(c, "back") == was]
        c("SELECT", 0)
        # who has been before is seen by none; FLUSHALL and SWAPDB may have come after it
        assert where or change[0] in ("SET", "FLUSHALL"), change
        was = c("DEBUG", "DIGEST")
        assert c("DEBUG", "LOADAOF") == OK and c("DEBUG", "DIGEST") == was, change
        assert c("DEBUG", "CHECK") == OK


def test_what_is_wrong_with_a_long_payload_is_said(server, c):
    make(c, "hash")
    payload, was = c("DUMP", "k"), c("DEBUG", "DIGEST")
    for wrong in (payload[:-1], payload + b"x", payload[:1000] + b"x" + payload[1001:], payload[:-10] + b"\xff\xff" + payload[-8:]):
        assert c("RESTORE", "back", 0, wrong) == Err("ERR DUMP payload version or checksum are wrong")
    body = payload[:-8]
    for wrong in (body[:-5000] + body[-2:], body[:1000] + b"\xff" * 500 + body[1500:], body[:-2] + b"x" + body[-2:], body[:-9] + body[-15:]):
        assert c("RESTORE", "back", 0, wrong + crc64(wrong).to_bytes(8, "little")) == Err("ERR Bad data format")
    assert c("RESTORE", "k", 0, payload) == Err("BUSYKEY Target key name already exists.")
    conn = begin(server, c, "RESTORE", "new", 0, payload)
    c("SETNX", "new", 1)
    assert conn.read() in (OK, Err("BUSYKEY Target key name already exists."))
    assert c("DEL", "new") == 1 and c("DEBUG", "DIGEST") == was


def test_a_restored_key_has_its_time(c):
    make(c, "zset")
    payload, n = c("DUMP", "k"), c("DBSIZE")
    assert c("RESTORE", "past", 1, payload, "ABSTTL") == OK and c("EXISTS", "past") == 0
    assert c("RESTORE", "back", 5000000, payload) == OK and 4900000 < c("PTTL", "back") <= 5000000
    assert c("RESTORE", "abs", 4000000000000, payload, "ABSTTL", "FREQ", 9) == OK and c("PEXPIRETIME", "abs") == 4000000000000
    assert c("DBSIZE") == n + 2
    was = c("DEBUG", "DIGEST")
    assert c("DEBUG", "LOADAOF") == OK and c("DEBUG", "DIGEST") == was


def test_requests_behind_a_long_one_wait_for_it(c):
    make(c, "zset")
    payload = c("DUMP", "k")
    pipeline = [("RESTORE", "a", 0, payload), ("ZCARD", "a"), ("RESTORE", "a", 0, payload), ("COPY", "a", "b"), ("ZCARD", "b"), ("DUMP", "b"), ("DEL", "b")]
    assert c.pipeline(pipeline) == [OK, N, Err("BUSYKEY Target key name already exists."), 1, N, payload, 1]
    assert c.pipeline([("MULTI",), ("RESTORE", "m", 0, payload), ("ZCARD", "m"), ("EXEC",)])[-1] == [OK, N]
    assert c("EVAL", "redis.call('RESTORE', KEYS[1], 0, ARGV[1]) return redis.call('ZCARD', KEYS[1])", 1, "s", payload) == N


def make_many(c, key):
    for at in range(0, MANY, 5000):
        c("SADD", key, *[b"member %d" % i for i in range(at, at + 5000)])


def test_others_are_served_meanwhile(server, c):
    c("FLUSHALL")
    make_many(c, "k")
    conn = server.conn()
    id = conn("CLIENT", "ID")
    for command in (("DUMP", "k"), ("COPY", "k", "copy"), ("RESTORE", "back", 0, c("DUMP", "k"))):
        conn.send(*command)
        wait_for(lambda: b" flags=b" in c("CLIENT", "LIST", "ID", id))
        assert c("SCARD", "k") == MANY
        conn.read()
    assert digest(c, "copy") == digest(c, "back") == digest(c, "k")


def test_one_who_is_always_disturbed_comes_to_an_end(server, c):
    c("FLUSHALL")
    make_many(c, "k")
    conn = server.conn()
    conn.send("COPY", "k", "copy")
    n = 0
    while not select.select([conn.sock], [], [], 0)[0]:
        n += c("SADD", "k", "more %d" % n)
    assert conn.read() == 1 and MANY <= c("SCARD", "copy") <= MANY + n


@pytest.mark.parametrize("how", ["KILL", "TIMEOUT"])
def test_one_who_is_killed_or_unblocked_leaves_nothing_behind(server, c, how):
    make(c, "zset")
    want = c("DUMP", "k")
    for command in (("COPY", "k", "copy"), ("DUMP", "k"), ("RESTORE", "back", 0, want)):
        make(c, "zset")
        conn = server.conn()
        id = conn("CLIENT", "ID")
        conn.send(*command)
        wait_for(lambda: is_begun(conn, c, id))
        if how == "KILL":
            assert c("CLIENT", "KILL", "ID", id) == 1
        else:
            assert c("CLIENT", "UNBLOCK", id) == 0
            reply = conn.read()
            assert reply == want or reply in (1, OK)
        assert c("ZREM", "k", *NAMES) == N and c("DEBUG", "CHECK") == OK


def test_a_copy_that_has_no_room_says_so(c):
    make(c, "zset")
    c("CONFIG", "SET", "maxmemory", 1)
    try:
        assert c("COPY", "k", "copy").startswith("OOM")
    finally:
        c("CONFIG", "SET", "maxmemory", 0)


def test_a_copy_waits_while_writes_are_paused(server, c):
    c("FLUSHALL")
    make_many(c, "k")
    conn = server.conn()
    id = conn("CLIENT", "ID")
    conn.send("COPY", "k", "copy")
    wait_for(lambda: b" flags=b" in c("CLIENT", "LIST", "ID", id))
    c("CLIENT", "PAUSE", 100000, "WRITE")
    c.pipeline([("PING",)] * 1000)
    assert c("EXISTS", "copy") == 0
    c("CLIENT", "UNPAUSE")
    assert conn.read() == 1 and c("EXISTS", "copy") == 1


def test_a_stream_that_was_copied_while_writes_were_paused_has_its_groups_once(server, c):
    c("FLUSHALL")
    fill_stream(c, 4 * N)
    conn, paused = in_one_turn(server, c, ("COPY", "k", "copy"), "CLIENT", "PAUSE", 100000, "WRITE")
    assert paused == OK and c("EXISTS", "copy") == 0
    wait_for(lambda: slices_of_jobs(c) == slices_of_jobs(c))
    c("CLIENT", "UNPAUSE")
    assert conn.read() == 1 and digest(c, "copy") == digest(c, "k")
    c.pipeline([("MULTI",), ("COPY", "k", "both"), ("EXEC",)])
    assert c("MEMORY", "USAGE", "copy", "SAMPLES", 0) == c("MEMORY", "USAGE", "both", "SAMPLES", 0)
    assert c("DEBUG", "CHECK") == OK


def make_vectors(c):
    c("FLUSHALL")
    c.pipeline([("VADD", "k", "VALUES", 2, i % 57, i % 91, "n%d" % i) for i in range(3000)])


@pytest.mark.parametrize("kind", [*KINDS, "vectors"])
def test_what_was_copied_while_writes_were_paused_and_then_changed_is_that_of_a_moment_in_the_log(server, c, kind):
    change = ("VADD", "k", "VALUES", 2, 1, 2, "one more") if kind == "vectors" else CHANGE[kind][0]
    make_vectors(c) if kind == "vectors" else make(c, kind)
    first = digest(c, "k")
    conn, paused = in_one_turn(server, c, ("COPY", "k", "copy"), "CLIENT", "PAUSE", 100000, "WRITE")
    assert paused == OK
    wait_for(lambda: slices_of_jobs(c) == slices_of_jobs(c))
    assert not isinstance(c.pipeline([("CLIENT", "UNPAUSE"), change])[1], Err)
    assert conn.read() == 1 and digest(c, "copy") in (first, digest(c, "k"))
    was = c("DEBUG", "DIGEST")
    assert c("DEBUG", "LOADAOF") == OK and c("DEBUG", "DIGEST") == was and c("DEBUG", "CHECK") == OK


def test_where_nobody_waits_it_is_done_at_once(c):
    make(c, "list")
    assert c.pipeline([("MULTI",), ("COPY", "k", "copy"), ("DEL", "k"), ("LLEN", "copy"), ("EXEC",)])[-1] == [1, 1, N + 1]
    assert c("EVAL", "redis.call('COPY', KEYS[1], KEYS[2]) return redis.call('LLEN', KEYS[2])", 2, "copy", "again") == N + 1
