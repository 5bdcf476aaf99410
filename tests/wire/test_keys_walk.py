"""KEYS over very many keys: in slices, between those of others."""
import pytest

from resp import Err, OK, Simple
from server import Server, wait_for

pytestmark = pytest.mark.memd_only

KEYS = 70000
NAMES = {b"key:%d" % n for n in range(KEYS)}


@pytest.fixture(scope="module")
def filled():
    s = Server(enable_debug_command="yes")
    try:
        assert s.conn()("DEBUG", "POPULATE", KEYS) == OK
        yield s
    finally:
        s.destroy()


@pytest.fixture
def c(filled):
    return filled.conn()


def turns(c):
    return int(c.info("stats")["eventloop_cycles"])


def test_all_keys_are_told_once(c):
    reply = c("KEYS", "*")
    assert len(reply) == KEYS and set(reply) == NAMES
    assert c("KEYS", "nothing*like*this") == []
    assert sorted(c("KEYS", "key:1234?")) == [b"key:1234%d" % n for n in range(10)]


def test_a_walk_takes_many_turns(c):
    before = turns(c)
    assert c("KEYS", "*nothing*like*this") == []
    assert turns(c) - before > KEYS // 8192


def test_where_nobody_waits_it_is_done_at_once(c):
    reply = c.pipeline([("MULTI",), ("KEYS", "*nothing*"), ("DBSIZE",), ("EXEC",)])[3]
    assert reply == [[], KEYS]
    assert c("EVAL", "return #redis.call('KEYS', '*9999*')", 0) == 7


def test_keys_that_are_in_order_are_told_in_slices_too(c):
    wait_for(lambda: int(c("SCAN", 0, "MATCH", "key:7*", "COUNT", 1)[0]) >> 48 & 1)
    assert len(c("KEYS", "key:77*")) == 111
    before = turns(c)
    assert c("KEYS", "key:*") == sorted(NAMES)
    assert turns(c) - before > KEYS // 8192


def test_requests_behind_it_wait_for_its_reply(c):
    assert c.pipeline([("SET", "one", 1), ("KEYS", "on*"), ("DEL", "one"), ("KEYS", "on?")]) == [OK, [b"one"], 1, []]
    c.send("CLIENT", "REPLY", "SKIP")
    c.send("KEYS", "*")
    assert c("PING") == Simple("PONG")


def test_what_stays_is_told_whatever_comes_and_goes(filled, c):
    other = filled.conn()
    for n in range(3):
        c.send("KEYS", "*")
        other.pipeline([("SET", "new:%d:%d" % (n, i), 1) for i in range(2000)])
        other.pipeline([("DEL", "new:%d:%d" % (n, i)) for i in range(2000)])
        reply = c.read()
        assert len(reply) == len(set(reply)) and NAMES <= set(reply)


def test_one_who_waits_can_be_woken_and_killed(filled, c):
    other = filled.conn()
    for how in ("TIMEOUT", "KILL"):
        me = c("CLIENT", "ID")
        c.send_raw(b"*2\r\n$4\r\nKEYS\r\n$9\r\n*nothing*\r\n" * 200)
        if how == "TIMEOUT":
            assert {other("CLIENT", "UNBLOCK", me, "TIMEOUT") for _ in range(50)} == {0}
            assert [c.read() for _ in range(200)] == [[]] * 200
        else:
            assert other("CLIENT", "KILL", "ID", me) == 1
    assert other("PING") == Simple("PONG") and not isinstance(other("KEYS", "*nothing*"), Err)


def test_the_count_of_scan_is_a_wish_that_has_a_bound(c):
    cursor, keys = c("SCAN", 0, "COUNT", 1000000)
    assert cursor != b"0" and 8000 < len(keys) < 12000
    while cursor != b"0":
        cursor, more = c("SCAN", cursor, "COUNT", 1000000)
        keys += more
        assert len(more) < 12000
    assert set(keys) >= NAMES
