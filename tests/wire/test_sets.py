"""Sets."""
import collections
import random

import pytest

from resp import Err, Set
from test_keys import scan_all


def test_members_come_and_go(talk):
    talk("""
        SADD s a b a c                  => :3
        SADD s a                        => :0
        SCARD s                         => :3
        SCARD nokey                     => :0
        SISMEMBER s a                   => :1
        SISMEMBER s nope                => :0
        SISMEMBER nokey a               => :0
        SMISMEMBER s a nope c           => [:1 :0 :1]
        SMISMEMBER nokey a b            => [:0 :0]
        SMEMBERS s                      => {"a" "b" "c"}
        SMEMBERS nokey                  => []
        SREM s a nope a                 => :1
        SREM nokey a                    => :0
        SADD s                          => -ERR wrong number of arguments for 'sadd' command
    """)


def test_replies_in_resp3(talk, c3):
    talk("""
        SADD s a b
        SMEMBERS s                      => ~{"a" "b"}
        SMEMBERS nokey                  => ~{}
        SINTER s s                      => ~{"a" "b"}
        SUNION s nokey                  => ~{"a" "b"}
        SDIFF s nokey                   => ~{"a" "b"}
        SRANDMEMBER s 0                 => []
    """, c3)


@pytest.mark.since(7, 2)
def test_spop_with_a_count_is_a_set_in_resp3(c3):
    c3("SADD", "s", "a")
    assert c3("SPOP", "s", 1) == Set([b"a"])


def test_algebra(talk):
    talk("""
        SADD a 1 2 3 4 x
        SADD b 3 4 5 x y
        SADD c 4 x z
        SINTER a b c                    => {"4" "x"}
        SINTER a nokey                  => []
        SINTER a                        => {"1" "2" "3" "4" "x"}
        SUNION a b c nokey              => {"1" "2" "3" "4" "5" "x" "y" "z"}
        SDIFF a b c                     => {"1" "2"}
        SDIFF nokey a                   => []
        SDIFF a a                       => []
        SINTERSTORE d a b               => :3
        SMEMBERS d                      => {"3" "4" "x"}
        SUNIONSTORE d a b               => :7
        SDIFFSTORE d a b                => :2
        SMEMBERS d                      => {"1" "2"}
        SDIFFSTORE d a a                => :0
        EXISTS d                        => :0
        SINTERSTORE a a b               => :3
        SMEMBERS a                      => {"3" "4" "x"}
        SET s v
        SINTER a s                      => -WRONGTYPE Operation against a key holding the wrong kind of value
        SUNIONSTORE s a b               => :5
        TYPE s                          => +set
        SET s v
        SINTERSTORE s a nokey           => :0
        EXISTS s                        => :0
        SINTERCARD 2 a b                => :3
        SINTERCARD 2 a b LIMIT 2        => :2
        SINTERCARD 2 a b LIMIT 0        => :3
        SINTERCARD 2 a nokey            => :0
        SINTERCARD 0 a                  => -ERR numkeys should be greater than 0
        SINTERCARD foo a                => -ERR numkeys should be greater than 0
        SINTERCARD 3 a b                => -ERR Number of keys can't be greater than number of args
        SINTERCARD 1 a LIMIT -1         => -ERR LIMIT can't be negative
        SINTERCARD 1 a FOO              => -ERR syntax error
        SINTERCARD 1 a LIMIT            => -ERR syntax error
    """)


def test_smove(talk):
    talk("""
        SADD a 1 x
        SMOVE a b x                     => :1
        SMEMBERS b                      => ["x"]
        SMOVE a b nope                  => :0
        SMOVE nokey b x                 => :0
        SMOVE a a 1                     => :1
        SMOVE a a 2                     => :0
        SADD b 1
        SMOVE a b 1                     => :1
        EXISTS a                        => :0
        SET s v
        SMOVE b s x                     => -WRONGTYPE Operation against a key holding the wrong kind of value
        SMOVE s b x                     => -WRONGTYPE Operation against a key holding the wrong kind of value
        SISMEMBER b x                   => :1
    """)


@pytest.mark.parametrize("members", [[b"m%d" % i for i in range(10)], [b"%d" % i for i in range(30)],
                                     [b"m%d" % i for i in range(3000)]])
def test_spop_and_srandmember(c, members):
    c("SADD", "s", *members)
    all_ = set(members)
    assert c("SRANDMEMBER", "s") in all_
    some = c("SRANDMEMBER", "s", 5)
    assert len(some) == len(set(some)) == 5 and set(some) <= all_
    assert set(c("SRANDMEMBER", "s", 100000)) == all_
    many = c("SRANDMEMBER", "s", -len(members) * 2)
    assert len(many) == len(members) * 2 and set(many) <= all_
    assert c("SRANDMEMBER", "s", 0) == []
    assert c("SCARD", "s") == len(members)
    one = c("SPOP", "s")
    assert one in all_ and c("SISMEMBER", "s", one) == 0
    half = c("SPOP", "s", len(members) // 2)
    assert len(set(half)) == len(members) // 2 and one not in half
    assert set(c("SMEMBERS", "s")) == all_ - {one} - set(half)
    assert c("SPOP", "s", 0) == []
    rest = c("SPOP", "s", 100000)
    assert set(rest) == all_ - {one} - set(half)
    assert c("EXISTS", "s") == 0


def test_random_members_errors(talk):
    talk("""
        SPOP nokey                      => nil
        SPOP nokey 3                    => []
        SRANDMEMBER nokey               => nil
        SRANDMEMBER nokey 3             => []
        SADD s a
        SPOP s -1                       => -ERR value is out of range, must be positive
        SPOP s foo                      => -ERR value is out of range, must be positive
        SPOP s 1 2                      => -ERR syntax error
        SRANDMEMBER s foo               => -ERR value is not an integer or out of range
        SRANDMEMBER s 1 2               => -ERR syntax error
        SRANDMEMBER s -9223372036854775808 => -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        SCARD s                         => :1
    """)


@pytest.mark.parametrize("members", [[b"%d" % i for i in range(20)], [b"m%d" % i for i in range(2000)]])
def test_srandmember_is_fair(c, members):
    """Each member's share of many single picks stays within wide bounds."""
    c("SADD", "s", *members)
    n = len(members) * 50
    seen = collections.Counter(c("SRANDMEMBER", "s", -n))
    assert len(seen) == len(members)
    assert max(seen.values()) < 50 * 3.2 and min(seen.values()) > 5


@pytest.mark.parametrize("members", [[b"%d" % i for i in range(400)], [b"m%d" % i for i in range(30)],
                                     [b"m%d" % i for i in range(5000)]])
def test_sscan_returns_each_member(c, members):
    c("SADD", "s", *members)
    for args in ([], ["COUNT", 1], ["COUNT", 100000]):
        assert set(scan_all(c, *args, command=("SSCAN", "s"))) == set(members)
    assert set(scan_all(c, "MATCH", "*7", command=("SSCAN", "s"))) == {m for m in members if m.endswith(b"7")}
    assert c("SSCAN", "nokey", 0) == [b"0", []]
    assert c("SSCAN", "s", "foo") == Err("ERR invalid cursor")


def test_integers_and_text_live_together(talk):
    talk("""
        SADD s 1 2 3
        SADD s 01 1.0 -0 +1 9223372036854775807 9223372036854775808 -9223372036854775808  => :7
        SISMEMBER s 1                   => :1
        SISMEMBER s 01                  => :1
        SISMEMBER s 9223372036854775807 => :1
        SISMEMBER s 9223372036854775808 => :1
        SISMEMBER s -0                  => :1
        SISMEMBER s 0                   => :0
        SREM s 01                       => :1
        SISMEMBER s 1                   => :1
        SCARD s                         => :9
    """)


def test_a_large_set_against_a_model(c):
    rng = random.Random(5)
    model = set()
    for step in range(3000):
        batch = [b"%d" % rng.randrange(-3000, 3000) if step < 300 else b"m%d" % rng.randrange(3000)
                 for _ in range(rng.randrange(1, 30))]
        if rng.random() < 0.6:
            assert c("SADD", "s", *batch) == len(set(batch) - model)
            model |= set(batch)
        else:
            assert c("SREM", "s", *batch) == len(set(batch) & model)
            model -= set(batch)
        assert c("SCARD", "s") == len(model)
    assert set(c("SMEMBERS", "s")) == model
    assert c("SMISMEMBER", "s", *[b"m%d" % i for i in range(500)]) == [
        int(b"m%d" % i in model) for i in range(500)]


def test_algebra_on_large_sets(c):
    a, b = set(range(0, 20000, 2)), set(range(0, 20000, 3))
    c("SADD", "a", *a)
    c("SADD", "b", *b)
    c("SADD", "tiny", 6, 7, "x")
    as_int = lambda items: {int(x) for x in items}
    assert as_int(c("SINTER", "a", "b")) == a & b
    assert as_int(c("SUNION", "a", "b")) == a | b
    assert as_int(c("SDIFF", "a", "b")) == a - b
    assert c("SINTERSTORE", "i", "a", "b", "tiny") == 1
    assert c("SINTERCARD", 2, "a", "b") == len(a & b)
    assert c("SUNIONSTORE", "u", "a", "b", "tiny") == len(a | b | {7}) + 1
    assert c("SDIFFSTORE", "d", "a", "b") == len(a - b)
