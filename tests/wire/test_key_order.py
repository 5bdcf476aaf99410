"""KEYS prefix*, SCAN MATCH prefix*, UNLINK.MATCH: the same answers whether keys are in order or not.

That they are is seen from outside by SCAN's cursor: a place in the order has bit 48 set. A pattern that begins with a class
([u]ser:*) matches the same and never uses the order."""
import random

import pytest

from resp import Err, OK
from server import wait_for

pytestmark = pytest.mark.memd_only
PLACE = 1 << 48


def fill(c, root, n=3000):
    c.pipeline([["SET", f"{root}{i}", i] for i in range(n)])


def ask(c, prefix):
    """Ask for a prefix until SCAN walks in order."""
    wait_for(lambda: int(c("SCAN", 0, "MATCH", prefix + "*", "COUNT", 1)[0]) & PLACE)


def scan(c, *options):
    cursor, seen = b"0", []
    while True:
        cursor, keys = c("SCAN", cursor, *options)
        seen += keys
        if cursor == b"0":
            return seen


def test_keys_and_scan_give_the_same_in_order(c):
    fill(c, "user:")
    fill(c, "item:", 100)
    want = sorted(c("KEYS", "[u]ser:1*"))
    ask(c, "user:")
    assert c("KEYS", "user:1*") == want                       # in order now
    assert c("KEYS", "user:1*9") == [k for k in want if k.endswith(b"9")]
    assert scan(c, "MATCH", "user:1*", "COUNT", 7) == want    # each once
    assert scan(c, "MATCH", "user:12?4") == sorted(c("KEYS", "[u]ser:12?4"))
    assert scan(c, "MATCH", "user:1*", "TYPE", "list") == []
    assert c("KEYS", "user:x*") == [] and scan(c, "MATCH", "user:x*") == []
    assert len(scan(c, "COUNT", 1000)) == 3100
    assert c("KEYS", "user:17") == [b"user:17"]


def test_what_changes_is_seen_at_once(c):
    fill(c, "user:")
    ask(c, "user:")
    c("SET", "user:new", 1)
    c("DEL", "user:0")
    c("RENAME", "user:1", "user:renamed")
    c("SET", "user:2", 1, "PX", 1)
    wait_for(lambda: c("EXISTS", "user:2") == 0)
    keys = set(c("KEYS", "user:*"))
    assert {b"user:new", b"user:renamed"} <= keys and not {b"user:0", b"user:1", b"user:2"} & keys
    assert keys == set(c("KEYS", "[u]ser:*"))
    c("FLUSHDB")
    assert c("KEYS", "user:*") == []
    c("DEBUG", "CHECK")


def test_a_scan_meets_once_what_is_there_throughout(c, c2):
    rng = random.Random(20261121)
    fill(c, "user:")
    ask(c, "user:")
    cursor, seen, gone = b"0", [], set()
    while True:
        cursor, keys = c("SCAN", cursor, "MATCH", "user:*", "COUNT", 50)
        seen += keys
        if cursor == b"0":
            break
        c2("DEL", keys[-1])                # where the cursor stands
        gone.add(keys[-1])
        for _ in range(20):
            key = b"user:%d" % rng.randrange(3000)
            gone.add(key)
            c2("DEL", key)
            c2("SET", b"user:%d" % rng.randrange(10**6, 10**7), "x")
    there = {b"user:%d" % i for i in range(3000)} - gone
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


def test_a_cursor_whose_order_is_gone_misses_nothing(c):
    fill(c, "user:")
    ask(c, "user:")
    cursor, keys = c("SCAN", 0, "MATCH", "user:*", "COUNT", 100)
    c("CONFIG", "SET", "key-index-memory", 0)
    wait_for(lambda: c("CONFIG", "GET", "key-index-memory")[1] == b"0")
    seen = set(keys)
    while cursor != b"0":
        cursor, keys = c("SCAN", cursor, "MATCH", "user:*", "COUNT", 100)
        seen |= set(keys)
    c("CONFIG", "SET", "key-index-memory", "128mb")
    assert len(seen) == 3000
    # A place that never was, and one of another pattern.
    assert len(c("SCAN", PLACE + 12345, "MATCH", "user:*", "COUNT", 10000)[1]) == 3000


def test_unlink_match_removes_what_matches(c):
    fill(c, "user:")
    fill(c, "item:", 10)
    assert c("UNLINK.MATCH", "item:*") == 10
    assert c("UNLINK.MATCH", "item:*") == 0
    assert c("UNLINK.MATCH", "user:1?", "COUNT", 4) == 4
    ask(c, "user:")
    assert c("UNLINK.MATCH", "user:1?", "COUNT", 100) == 6
    assert c("UNLINK.MATCH", "user:2*9", "COUNT", 1000) == 111
    assert c("DBSIZE") == 3000 - 10 - 111
    assert c("UNLINK.MATCH", "*") == 3000 - 121
    assert c("DBSIZE") == 0
    assert c("UNLINK.MATCH", "*") == 0
    assert c("UNLINK.MATCH", "x", "COUNT") == Err("ERR syntax error")
    assert c("UNLINK.MATCH", "x", "LIMIT", 3) == Err("ERR syntax error")
    assert c("UNLINK.MATCH", "x", "COUNT", 0) == Err("ERR value is out of range")


def test_unlink_of_keys_of_that_name_means_what_it_meant(c):
    c("MSET", "MATCH", 1, "a*", 2, "ab", 3)
    assert c("UNLINK", "MATCH", "a*") == 2
    assert c("KEYS", "*") == [b"ab"]


def test_unlink_match_removes_no_key_that_its_user_may_not(c, c2):
    c("MSET", "a:1", 1, "a:2", 2, "a:secret", 3)
    assert c("ACL", "SETUSER", "cleaner", "on", "nopass", "+@all", "~a:?") == OK
    try:
        assert c2("AUTH", "cleaner", "x") == OK
        reply = c2("UNLINK.MATCH", "a:*")
        assert isinstance(reply, Err) and str(reply).startswith("NOPERM")
        assert c("DBSIZE") == 3
        assert c2("UNLINK.MATCH", "a:?") == 2
        assert c("KEYS", "*") == [b"a:secret"]
    finally:
        c("ACL", "DELUSER", "cleaner")


def test_what_unlink_match_removes_stays_removed_after_a_restart(start):
    s = start(appendonly="yes")
    c = s.conn()
    fill(c, "user:", 100)
    c("MULTI")
    c("UNLINK.MATCH", "user:1*")
    assert c("EXEC") == [11]
    s.restart(kill=True)
    c = s.conn()
    assert c("DBSIZE") == 89
    assert c("KEYS", "user:1*") == []


def turns(c):
    return int(c.info("stats")["eventloop_cycles"])


def test_unlink_match_of_many_goes_on_in_slices(start):
    s = start(appendonly="yes")
    c, other = s.conn(), s.conn()
    for root in "a", "b":
        c("MSET", *[x for i in range(40000) for x in (f"{root}:{i}", i)])
    c("ACL", "SETUSER", "cleaner", "on", "nopass", "+@all", "~a:*")
    other("AUTH", "cleaner", "x")
    assert str(other("UNLINK.MATCH", "*", "COUNT", 80000)).startswith("NOPERM")   # none before all were looked at
    assert c("DBSIZE") == 80000
    before = turns(c)
    c.send("UNLINK.MATCH", "[a]:*", "COUNT", 39000)
    c.send("DBSIZE")                                  # who asked for it sees the whole of it
    assert (c.read(), c.read()) == (39000, 41000)
    assert turns(c) - before > 3    # at once it would be two or three
    assert other("UNLINK.MATCH", "a:*") == 1000
    me = c("CLIENT", "ID")
    c.send("UNLINK.MATCH", "b:*", "COUNT", 80000)
    other("CLIENT", "KILL", "ID", me)                 # what is gone by then is gone, in the log as well
    left = s.conn()("DBSIZE")
    assert 0 <= left <= 40000
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == left


def test_random_commands_leave_it_true(c):
    rng = random.Random(7)
    fill(c, "a:", 2500)
    ask(c, "a:")
    for _ in range(20):
        batch = []
        for _ in range(200):
            k, k2 = (f"a:{rng.randrange(3000)}" for _ in range(2))
            batch.append(rng.choice([
                ["SET", k, 1], ["SET", k, 1, "PX", rng.randrange(1, 50)], ["DEL", k], ["LPUSH", k, 1], ["LPOP", k], ["SADD", k, 1],
                ["SREM", k, 1], ["RENAME", k, k2], ["COPY", k, k2], ["MOVE", k, 1], ["PEXPIRE", k, rng.randrange(-5, 50)],
                ["GETDEL", k], ["HSET", k, "f", 1], ["HDEL", k, "f"], ["ZADD", k, 1, "m"], ["ZPOPMIN", k], ["JSON.SET", k, "$", "{}"],
                ["JSON.DEL", k], ["SUNIONSTORE", k, k2, "a:none"], ["EVAL", "return redis.call('set', KEYS[1], 1)", 1, k],
            ]))
        c.pipeline(batch)
        a, b = c("KEYS", "a:*"), c("KEYS", "[a]:*")
        assert a == sorted(a)
        assert c("DEBUG", "CHECK") == OK
    assert int(c("SCAN", 0, "MATCH", "a:*", "COUNT", 1)[0]) & PLACE
