"""Strings as bitmaps."""
import random

import pytest

from resp import Err


def test_bits_are_set_and_read(talk):
    talk(r"""
        SETBIT k 7 1                    => :0
        SETBIT k 7 1                    => :1
        GETBIT k 7                      => :1
        GETBIT k 1000                   => :0
        GET k                           => "\x01"
        SETBIT k 16 0                   => :0
        STRLEN k                        => :3
        SETBIT k -1 0                   => -ERR bit offset is not an integer or out of range
        SETBIT k 0 2                    => -ERR bit is not an integer or out of range
        BITCOUNT k                      => :1
        BITPOS k 1                      => :7
        BITPOS k 0 8                    => :-1
    """)


def test_numbers_within_a_string(talk):
    talk("""
        BITFIELD k SET u8 0 255 GET i4 0 INCRBY u8 0 1          => [:0 :-1 :0]
        BITFIELD k OVERFLOW FAIL INCRBY i5 100 16               => [nil]
        BITFIELD k OVERFLOW SAT INCRBY i5 100 16 GET i5 100     => [:15 :15]
        BITFIELD_RO k GET i5 100                                => [:15]
        BITFIELD k                                              => []
    """)


class Model:
    """A bitmap as a list of bits."""

    def __init__(self):
        self.bits = []

    def grow(self, at):
        self.bits += [0] * ((at // 8 + 1) * 8 - len(self.bits))

    def set(self, at, on):
        self.grow(at)
        old, self.bits[at] = self.bits[at], on
        return old

    def bytes(self):
        return bytes(int("".join(map(str, self.bits[i:i + 8])), 2) for i in range(0, len(self.bits), 8))


def test_a_bitmap_equals_its_model_also_after_a_restart(start):
    server = start(appendonly="yes")
    c, rng, model = server.conn(), random.Random(7), Model()
    for _ in range(3000):
        at = rng.randrange(rng.choice([100, 5000, 200000]))
        on = rng.randrange(2)
        assert c("SETBIT", "k", at, on) == model.set(at, on)
    assert c("GET", "k") == model.bytes()
    for _ in range(300):
        first, last = sorted(rng.randrange(len(model.bits)) for _ in range(2))
        assert c("BITCOUNT", "k", first, last, "BIT") == sum(model.bits[first:last + 1])
        part = model.bits[first:last + 1]
        for bit in (0, 1):
            assert c("BITPOS", "k", bit, first, last, "BIT") == (first + part.index(bit) if bit in part else -1)
    c("BITOP", "NOT", "inverse", "k")
    c("BITFIELD", "field", "SET", "u13", 5, 4711, "OVERFLOW", "FAIL", "INCRBY", "u13", 5, 8000)
    digest = c("DEBUG", "DIGEST")
    server.stop()
    server.start()
    c = server.conn()
    assert c("DEBUG", "DIGEST") == digest
    assert c("BITOP", "XOR", "all", "inverse", "k") == len(model.bytes())
    assert c("BITPOS", "all", 0, 0, -1) == -1
    assert c("BITFIELD", "field", "GET", "u13", 5) == [4711]


def test_events(server, c):
    c("CONFIG", "SET", "notify-keyspace-events", "KEA")
    try:
        sub = server.conn()
        sub("PSUBSCRIBE", "__keyevent@*__:*")
        for command in ("SETBIT a 1 1", "SETBIT a 1 1", "BITOP NOT b a", "BITOP OR b none", "BITFIELD a GET u8 0",
                        "BITFIELD a SET u8 0 1 SET u8 8 2"):
            c(*command.split())
        told = [tuple(sub.read()[2:]) for _ in range(4)]
        assert told == [(b"__keyevent@0__:setbit", b"a"), (b"__keyevent@0__:set", b"b"),
                        (b"__keyevent@0__:del", b"b"), (b"__keyevent@0__:setbit", b"a")]
    finally:
        c("CONFIG", "SET", "notify-keyspace-events", "")


@pytest.mark.memd_only
def test_operations_of_later_versions(c):
    """Those of Redis 8.2."""
    c("MSET", "a", b"\xf0\x0f", "b", b"\xff", "z", b"\x81\x01")
    for op, want in (("DIFF", b"\x00\x0e"), ("DIFF1", b"\x0f\x00"), ("ANDOR", b"\xf0\x01"), ("ONE", b"\x0e\x0e")):
        assert c("BITOP", op, "d", "a", "b", "z") == 2
        assert c("GET", "d") == want, op
    assert c("BITOP", "DIFF", "d", "a") == Err("ERR BITOP DIFF must be called with at least two source keys.")


def test_a_bitmap_grows_no_further_than_a_string_may(start):
    c = start(proto_max_bulk_len="1mb").conn()
    bad = Err("ERR bit offset is not an integer or out of range")
    assert c("SETBIT", "k", 8 * 1024 * 1024 - 1, 1) == 0
    assert c("STRLEN", "k") == 1024 * 1024
    assert c("SETBIT", "k", 8 * 1024 * 1024, 1) == bad
    assert c("BITFIELD", "k", "SET", "u8", "#1048576", 1) == bad
