"""Hashes."""
import collections

import pytest

from resp import Err, Map, OK
from test_keys import scan_all


def test_fields_are_set_and_read(talk):
    talk("""
        HSET h a 1 b 2 a 3              => :2
        HSET h c 4                      => :1
        HSET h c 5                      => :0
        HGET h a                        => "3"
        HGET h nope                     => nil
        HGET nokey a                    => nil
        HMSET h d 6 e 7                 => +OK
        HMGET h a nope e                => ["3" nil "7"]
        HMGET nokey a b                 => [nil nil]
        HLEN h                          => :5
        HLEN nokey                      => :0
        HEXISTS h a                     => :1
        HEXISTS h nope                  => :0
        HSTRLEN h a                     => :1
        HSTRLEN h nope                  => :0
        HSTRLEN nokey a                 => :0
        HSETNX h a x                    => :0
        HSETNX h f x                    => :1
        HGETALL h                       => %{"a" "3" "b" "2" "c" "5" "d" "6" "e" "7" "f" "x"}
        HKEYS h                         => {"a" "b" "c" "d" "e" "f"}
        HVALS h                         => {"3" "2" "5" "6" "7" "x"}
        HGETALL nokey                   => []
        HKEYS nokey                     => []
        HVALS nokey                     => []
        HDEL h a nope b a               => :2
        HDEL nokey a                    => :0
        HSET h a                        => -ERR wrong number of arguments for 'hset' command
        HSET h a 1 b                    => -ERR wrong number of arguments for 'hset' command
        HMSET h a 1 b                   => -ERR wrong number of arguments for 'hmset' command
    """)


def test_replies_in_resp3(talk, c3):
    talk("""
        HSET h a 1
        HGETALL h                       => %{"a" "1"}
        HGETALL nokey                   => %{}
        HKEYS h                         => ["a"]
        HGET h nope                     => nil
        HRANDFIELD h 1 WITHVALUES       => [["a" "1"]]
        HINCRBYFLOAT h a 0.5            => "1.5"
    """, c3)
    assert c3.raw("HGETALL", "h") == b"%1\r\n$1\r\na\r\n$3\r\n1.5\r\n"
    assert c3.raw("HGET", "h", "nope") == b"_\r\n"


def test_counters(talk):
    talk("""
        HINCRBY h n 5                   => :5
        HINCRBY h n -8                  => :-3
        HSET h n 9223372036854775806
        HINCRBY h n 1                   => :9223372036854775807
        HINCRBY h n 1                   => -ERR increment or decrement would overflow
        HINCRBY h n foo                 => -ERR value is not an integer or out of range
        HSET h s foo
        HINCRBY h s 1                   => -ERR hash value is not an integer
        HINCRBYFLOAT h s 1              => -ERR hash value is not a float
        HINCRBYFLOAT h f 10.5           => "10.5"
        HINCRBYFLOAT h f -0.5           => "10"
        HINCRBYFLOAT h f foo            => -ERR value is not a valid float
        HINCRBYFLOAT h f inf            => -ERR value is NaN or Infinity
        HSET h e 5.0e3
        HINCRBYFLOAT h e 2.0e2          => "5200"
        HSET h sp " 11"
        HINCRBY h sp 1                  => -ERR hash value is not an integer
    """)


def test_hrandfield(c):
    assert c("HRANDFIELD", "nokey") is None
    assert c("HRANDFIELD", "nokey", 3) == []
    pairs = {b"f%d" % i: b"v%d" % i for i in range(20)}
    c("HSET", "h", *[x for p in pairs.items() for x in p])
    assert c("HRANDFIELD", "h") in pairs
    some = c("HRANDFIELD", "h", 5)
    assert len(some) == len(set(some)) == 5 and set(some) <= set(pairs)
    assert set(c("HRANDFIELD", "h", 100)) == set(pairs)
    many = c("HRANDFIELD", "h", -100)
    assert len(many) == 100 and set(many) <= set(pairs)
    flat = c("HRANDFIELD", "h", 7, "WITHVALUES")
    assert len(flat) == 14 and all(pairs[k] == v for k, v in zip(flat[::2], flat[1::2]))
    assert c("HRANDFIELD", "h", 0) == []
    assert c("HRANDFIELD", "h", 1, "FOO") == Err("ERR syntax error")
    assert c("HRANDFIELD", "h", "foo") == Err("ERR value is not an integer or out of range")
    seen = collections.Counter(c("HRANDFIELD", "h") for _ in range(600))
    assert len(seen) == 20


def test_a_negative_count_past_all_bounds_is_refused(c):
    c("HSET", "h", "a", 1)
    assert c("HRANDFIELD", "h", -9223372036854775808) == Err(
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
    assert c("HRANDFIELD", "h", -4611686018427387904, "WITHVALUES") == Err("ERR value is out of range")


@pytest.mark.parametrize("n", [10, 3000])
def test_hscan_returns_each_field(c, n):
    pairs = {b"f%d" % i: b"v%d" % i for i in range(n)}
    c("HSET", "h", *[x for p in pairs.items() for x in p])
    for args in ([], ["COUNT", 1000], ["COUNT", 7]):
        flat = scan_all(c, *args, command=("HSCAN", "h"))
        assert dict(zip(flat[::2], flat[1::2])) == pairs
    flat = scan_all(c, "MATCH", "f1*", command=("HSCAN", "h"))
    assert set(flat[::2]) == {f for f in pairs if f.startswith(b"f1")}
    assert c("HSCAN", "nokey", 0) == [b"0", []]
    assert c("HSCAN", "h", "foo") == Err("ERR invalid cursor")
    assert c("HSCAN", "h", 0, "COUNT", 0) == Err("ERR syntax error")


@pytest.mark.since(7, 4)
def test_hscan_may_leave_out_values(c):
    c("HSET", "h", "a", 1, "b", 2)
    assert sorted(c("HSCAN", "h", 0, "NOVALUES")[1]) == [b"a", b"b"]


def test_a_hash_grows_and_shrinks(c):
    n = 20000
    for at in range(0, n, 500):
        c("HSET", "h", *[x for i in range(at, at + 500) for x in ("field:%d" % i, "value:%d" % i)])
    assert c("HLEN", "h") == n
    assert c("HGET", "h", "field:12345") == b"value:12345"
    got = c("HGETALL", "h")
    assert len(got) == 2 * n and dict(zip(got[::2], got[1::2]))[b"field:777"] == b"value:777"
    for at in range(0, n, 500):
        assert c("HDEL", "h", *["field:%d" % i for i in range(at, at + 500)]) == 500
    assert c("EXISTS", "h") == 0


@pytest.mark.parametrize("size", [0, 64, 65, 5000, 100000])
def test_fields_and_values_of_any_size(c, size):
    f, v = b"f" * size, bytes(i & 255 for i in range(size))
    assert c("HSET", "h", f, v, "small", "x") == 2
    assert c("HGET", "h", f) == v and c("HSTRLEN", "h", f) == size
    assert c("HSET", "h", f, "") == 0 and c("HGET", "h", f) == b""
    assert c("HDEL", "h", f) == 1 and c("HGETALL", "h") == [b"small", b"x"]


def test_resp3_map_of_many(c3):
    c3("HSET", "h", *[x for i in range(1000) for x in ("f%d" % i, i)])
    got = c3("HGETALL", "h")
    assert isinstance(got, Map) and len(got) == 1000 and got.dict()[b"f5"] == b"5"
    assert OK
