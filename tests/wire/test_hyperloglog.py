"""HyperLogLogs, which are stock redis-server's byte for byte."""
import os
import random

import pytest

import server as srv
from resp import OK, Err

CORRUPT = Err("INVALIDOBJ Corrupted HLL object detected")
NOT_ONE = Err("WRONGTYPE Key is not a valid HyperLogLog string value.")


def test_elements_are_counted(talk):
    talk("""
        PFADD h a b c d e f g           => :1
        PFADD h a g                     => :0
        PFCOUNT h                       => :7
        PFADD other x y a               => :1
        PFCOUNT h other                 => :9
        PFMERGE all h other             => +OK
        PFCOUNT all                     => :9
        PFCOUNT nokey                   => :0
        PFDEBUG ENCODING all            => +sparse
        SET s hello
        PFADD s a                       => -WRONGTYPE Key is not a valid HyperLogLog string value.
        PFCOUNT h s                     => -WRONGTYPE Key is not a valid HyperLogLog string value.
    """)


@pytest.fixture(scope="module")
def stock():
    if not os.access(srv.REDIS_PATH, os.X_OK):
        pytest.skip("no redis-server here")
    s = srv.Server(binary=srv.REDIS_PATH, enable_debug_command="yes")
    yield s
    s.destroy()


def test_the_same_elements_make_the_same_bytes(server, stock):
    """Through the sparse form, the step to the dense one, counting and merging."""
    own, ref = server.conn(), stock.conn()
    ref("FLUSHALL")
    rng = random.Random(3)

    def both(*args):
        a, b = ref(*args), own(*args)
        assert a == b, (args, a, b)
        return b

    for step in range(1500):
        key = "h%d" % rng.randrange(5)
        many = [b"%d" % rng.randrange(10**rng.randrange(2, 8)) for _ in range(rng.choice([1, 1, 5, 40]))]
        both("PFADD", key, *many)
        if rng.random() < 0.2:
            both("PFCOUNT", key)
        if rng.random() < 0.05:
            both("PFMERGE", "m%d" % rng.randrange(3), *("h%d" % rng.randrange(5) for _ in range(rng.randrange(4))))
        if rng.random() < 0.02:
            both("DEL", rng.choice(["h0", "m0", "m1", "m2", key]))
        both("GET", key)
    for key in ["h%d" % i for i in range(5)] + ["m%d" % i for i in range(3)]:
        both("GET", key)
        both("PFCOUNT", key)
        if both("EXISTS", key):
            both("PFDEBUG", "GETREG", key)


def test_dumps_are_exchanged_with_stock(server, stock):
    own, ref = server.conn(), stock.conn()
    for name, n in (("empty", 0), ("some", 100), ("many", 50000)):
        for c in (own, ref):
            c("DEL", name, "back")
            c("PFADD", name)
            for first in range(0, n, 1000):
                c("PFADD", name, *range(first, min(n, first + 1000)))
        assert ref("RESTORE", "back", 0, own("DUMP", name)) == OK
        assert own("RESTORE", "back", 0, ref("DUMP", name)) == OK
        assert own("PFCOUNT", "back") == ref("PFCOUNT", "back") == ref("PFCOUNT", name)
        assert own("GET", "back") == ref("GET", "back")


def test_a_count_that_was_kept_survives_a_restart(start):
    """The value's bytes after a restart are those before it."""
    server = start(appendonly="yes", appendfsync="always")
    c = server.conn()
    c("PFADD", "h", *range(1000))
    count = c("PFCOUNT", "h")
    bytes_before, digest = c("GET", "h"), c("DEBUG", "DIGEST")
    server.kill9()
    server.start()
    c = server.conn()
    assert c("GET", "h") == bytes_before
    assert c("DEBUG", "DIGEST") == digest
    assert c("PFCOUNT", "h") == count


def test_any_bytes_are_borne(c):
    """Runs that overflow, end early or never end: an error or a number, never more."""
    rng = random.Random(11)
    head = b"HYLL\x01" + bytes(11)
    for _ in range(2000):
        kind = rng.randrange(4)
        body = bytes(rng.randrange(256) for _ in range(rng.randrange(40)))
        if kind == 0:
            value = head + body
        elif kind == 1:
            value = head + b"\x7f\xff" + body
        elif kind == 2:
            value = b"HYLL" + bytes([rng.randrange(3)]) + bytes(11) + bytes(rng.randrange(256) for _ in range(12288))
        else:
            value = b"HYLL" + body
        c("SET", "h", value)
        for args in (("PFCOUNT", "h"), ("PFADD", "h", "a", "b"), ("PFCOUNT", "h", "none"), ("PFMERGE", "d", "h"),
                     ("PFDEBUG", "DECODE", "h"), ("PFDEBUG", "TODENSE", "h")):
            reply = c(*args)
            assert not isinstance(reply, Err) or reply in (CORRUPT, NOT_ONE, Err("ERR HLL encoding is not sparse")), reply
    assert c("PFSELFTEST") == OK
