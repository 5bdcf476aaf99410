"""SORT and SORT_RO."""
import random

import pytest

from server import wait_for


def test_numbers_and_bytes(talk):
    talk("""
        RPUSH l 3 10 1 2
        SORT l                          => ["1" "2" "3" "10"]
        SORT l DESC LIMIT 1 2           => ["3" "2"]
        SORT l ALPHA                    => ["1" "10" "2" "3"]
        SORT_RO l ALPHA DESC            => ["3" "2" "10" "1"]
        SADD s b a c
        SORT s ALPHA                    => ["a" "b" "c"]
        SORT s                          => -ERR One or more scores can't be converted into double
        ZADD z 3 1 2 2 1 3
        SORT z                          => ["1" "2" "3"]
        SORT z BY nosort                => ["3" "2" "1"]
        SORT z BY nosort DESC LIMIT 0 1 => ["1"]
        SORT nokey                      => []
        SORT l FOO                      => -ERR syntax error
        SORT_RO l STORE d               => -ERR syntax error
        SORT l LIMIT a 1                => -ERR value is not an integer or out of range
        SET k v
        SORT k                          => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_other_keys(talk, c3):
    talk("""
        SADD ids 1 2 3
        MSET weight_1 30 weight_2 10 weight_3 20 name_1 one name_3 three
        HSET user_1 age 5 name x
        HSET user_2 age 7
        HSET user_3 age 6 name z
        SORT ids BY weight_*            => ["2" "3" "1"]
        SORT ids BY weight_* GET name_* => [nil "three" "one"]
        SORT ids BY user_*->age GET # GET user_*->name => ["1" "x" "3" "z" "2" nil]
        SORT ids BY user_*->name ALPHA  => ["2" "1" "3"]
        SORT ids BY weight_* GET # LIMIT 0 1 STORE d => :1
        LRANGE d 0 -1                   => ["2"]
        SORT ids BY nokey_* GET name_* STORE d => :3
        LRANGE d 0 -1                   => ["one" "" "three"]
        SORT ids BY nosort STORE d      => :3
        LRANGE d 0 -1                   => ["1" "2" "3"]
        SORT nokey STORE d              => :0
        EXISTS d                        => :0
    """)
    assert c3("SORT", "ids", "BY", "weight_*", "GET", "name_*") == [None, b"three", b"one"]


def test_keys_of_a_request(c):
    for request, keys in (("SORT l", "l"), ("SORT_RO l BY w*", "l"), ("SORT l STORE d", "l d"),
                          ("SORT l BY store GET store STORE a LIMIT 0 store STORE b", "l b"),
                          ("SORT l STORE a STORE b", "l b"), ("SORT l GET STORE", "l")):
        assert c("COMMAND", "GETKEYS", *request.split()) == [k.encode() for k in keys.split()], request


def test_events_of_storing(c, c2):
    c2("CONFIG", "SET", "notify-keyspace-events", "KEA")
    try:
        c2("RPUSH", "l", 2, 1)
        c.send("PSUBSCRIBE", "__keyspace@0__:*")
        c.read()
        c2("SORT", "l")
        c2("SORT", "l", "STORE", "d")
        c2("SORT", "nokey", "STORE", "d")
        c2("SET", "end", 1)
        assert [c.read()[2:] for _ in range(3)] == [[b"__keyspace@0__:d", b"sortstore"], [b"__keyspace@0__:d", b"del"],
                                                     [b"__keyspace@0__:end", b"set"]]
    finally:
        c2("CONFIG", "SET", "notify-keyspace-events", "")


def test_what_is_stored_serves_a_client_that_waits(c, c2):
    c.send("BLPOP", "d", 0)
    wait_for(lambda: int(c2.info("clients")["blocked_clients"]) == 1, "a client should wait")
    c2("SADD", "s", 3, 1, 2)
    c2("SORT", "s", "STORE", "d")
    assert c.read() == [b"d", b"1"]
    assert c2("LRANGE", "d", 0, -1) == [b"2", b"3"]


def test_large_sources_against_python(c):
    rng = random.Random(3)
    values = [rng.choice([rng.randrange(-1000, 1000), round(rng.random() * 100, 3)]) for _ in range(5000)]
    for i in range(0, len(values), 500):
        c("RPUSH", "l", *values[i:i + 500])
        c("SADD", "s", *values[i:i + 500])
        c("ZADD", "z", *[x for v in values[i:i + 500] for x in (-float(v), v)])
    text = [b"%s" % str(v).encode() for v in values]
    number = sorted(text, key=lambda t: (float(t), t))
    assert c("SORT", "l") == number
    assert c("SORT", "l", "DESC", "LIMIT", 100, 7) == number[::-1][100:107]
    assert c("SORT", "l", "ALPHA") == sorted(text)
    for key in ("s", "z"):
        assert c("SORT", key) == sorted(set(text), key=lambda t: (float(t), t))
        assert c("SORT", key, "ALPHA", "LIMIT", 10, 10) == sorted(set(text))[10:20]
    assert c("SORT", "l", "STORE", "d") == 5000
    assert c("LRANGE", "d", 0, -1) == number


@pytest.mark.memd_only
def test_what_is_stored_survives_a_restart(start):
    s = start(appendonly="yes", appendfsync="always")
    c = s.conn()
    for i in range(300):
        c("SADD", "s", "m%d" % i)
        c("SET", "w_m%d" % i, "same" if i % 2 else "other")
    c("SORT", "s", "BY", "nosort", "STORE", "a")
    c("SORT", "s", "BY", "w_*", "ALPHA", "LIMIT", 10, 200, "STORE", "b")
    c("SORT", "s", "BY", "none_*", "GET", "#", "GET", "w_*", "STORE", "c")
    before = [c("LRANGE", k, 0, -1) for k in "abc"]
    s.restart(kill=True)
    assert [s.conn()("LRANGE", k, 0, -1) for k in "abc"] == before


def test_redis_py(r):
    r.rpush("l", 3, 1, 2)
    assert [int(v) for v in r.sort("l", desc=True, start=0, num=2)] == [3, 2]
    r.mset({"n1": "a", "n2": "b", "n3": "c"})
    assert len(r.sort("l", get=["#", "n*"], groups=True)) == 3
    assert r.sort("l", store="d") == 3
    assert isinstance(r.sort_ro("l"), list)
