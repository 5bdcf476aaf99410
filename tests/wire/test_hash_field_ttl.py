"""Time to live of single hash fields."""
import pytest

from resp import Err, OK
from server import MEMD, wait_for

pytestmark = pytest.mark.since(7, 4)
full = pytest.mark.since(8, 0) if MEMD.is_memd or MEMD.version < (200,) else pytest.mark.skip(
    reason="a development version without them")


def test_hexpire_and_httl(talk):
    talk("""
        HSET h a 1 b 2 c 3
        HEXPIRE h 100 FIELDS 2 a nope   => [:1 :-2]
        HTTL h FIELDS 3 a b nope        => [:80..100 :-1 :-2]
        HPTTL h FIELDS 1 a              => [:80000..100000]
        HPEXPIRE h 50000 FIELDS 1 b     => [:1]
        HPTTL h FIELDS 1 b              => [:30000..50000]
        HEXPIREAT h 33177117420 FIELDS 1 a      => [:1]
        HEXPIRETIME h FIELDS 2 a c              => [:33177117420 :-1]
        HPEXPIREAT h 33177117420123 FIELDS 1 a  => [:1]
        HPEXPIRETIME h FIELDS 1 a               => [:33177117420123]
        HEXPIRETIME h FIELDS 1 a        => [:33177117420..33177117421]
        HPERSIST h FIELDS 3 a c nope    => [:1 :-1 :-2]
        HTTL h FIELDS 1 a               => [:-1]
        HEXPIRE nokey 10 FIELDS 2 a b   => [:-2 :-2]
        HTTL nokey FIELDS 1 a           => [:-2]
        HPERSIST nokey FIELDS 1 a       => [:-2]
        HGETALL h                       => %{"a" "1" "b" "2" "c" "3"}
    """)


def test_conditions(talk):
    talk("""
        HSET h a 1
        HEXPIRE h 100 XX FIELDS 1 a     => [:0]
        HEXPIRE h 100 GT FIELDS 1 a     => [:0]
        HEXPIRE h 100 NX FIELDS 1 a     => [:1]
        HEXPIRE h 200 NX FIELDS 1 a     => [:0]
        HEXPIRE h 50 GT FIELDS 1 a      => [:0]
        HEXPIRE h 200 GT FIELDS 1 a     => [:1]
        HEXPIRE h 300 LT FIELDS 1 a     => [:0]
        HEXPIRE h 100 LT FIELDS 1 a     => [:1]
        HEXPIRE h 400 XX FIELDS 1 a     => [:1]
        HTTL h FIELDS 1 a               => [:380..400]
    """)


def test_a_time_in_the_past_deletes_the_field(talk):
    talk("""
        HSET h a 1 b 2
        HEXPIREAT h 1 FIELDS 1 a        => [:2]
        HGETALL h                       => ["b" "2"]
        HEXPIRE h 0 FIELDS 1 b          => [:2]
        EXISTS h                        => :0
    """)


def test_nonsense_is_refused(talk):
    talk("""
        HSET h a 1
        HEXPIRE h foo FIELDS 1 a        => -ERR value is not an integer or out of range
        HEXPIRE h -1 FIELDS 1 a         => -ERR invalid expire time, must be >= 0
        HEXPIRE h 10 FIELDS 0 a         => -ERR Parameter `numFields` should be greater than 0
        HEXPIRE h 10 FIELDS 2 a         => -ERR The `numfields` parameter must match the number of arguments
        HEXPIRE h 10 FOO 1 a            => -ERR Mandatory argument FIELDS is missing or not at the right position
        HTTL h FIELDS 2 a               => -ERR The `numfields` parameter must match the number of arguments
        HTTL h FOO 1 a                  => -ERR Mandatory argument FIELDS is missing or not at the right position
        HEXPIRE h 9223372036854775807 FIELDS 1 a => -ERR invalid expire time in 'hexpire' command
        HTTL h                          => -ERR wrong number of arguments for 'httl' command
        SET s v
        HEXPIRE s 10 FIELDS 1 a         => -WRONGTYPE Operation against a key holding the wrong kind of value
        HTTL s FIELDS 1 a               => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


@pytest.mark.parametrize("n", [3, 2000])
def test_expired_fields_are_never_seen_and_go_by_themselves(c, n):
    c("HSET", "h", *[x for i in range(n) for x in ("f%d" % i, "v")])
    c("HSET", "h", "stays", "1")
    for at in range(0, n, 500):
        some = ["f%d" % i for i in range(at, min(n, at + 500))]
        assert c("HPEXPIRE", "h", 5, "FIELDS", len(some), *some) == [1] * len(some)
    wait_for(lambda: c("HGET", "h", "f%d" % (n - 1)) is None)
    wait_for(lambda: c("HLEN", "h") == 1)
    assert c("HGETALL", "h") == [b"stays", b"1"]
    assert c("HKEYS", "h") == [b"stays"]
    assert c("HEXISTS", "h", "f0") == 0
    assert c("HRANDFIELD", "h") == b"stays"


def test_a_hash_whose_last_field_expires_is_gone(c):
    c("HSET", "h", "f", "v")
    c("HPEXPIRE", "h", 2, "FIELDS", 1, "f")
    wait_for(lambda: c("DBSIZE") == 0)
    assert c("EXISTS", "h") == 0 and c("TYPE", "h") == c("TYPE", "nokey")


def test_writing_a_field_ends_its_ttl_and_counting_keeps_it(talk):
    talk("""
        HSET h a 1 b 2 n 5
        HEXPIRE h 100 FIELDS 3 a b n
        HSET h a 2                      => :0
        HTTL h FIELDS 3 a b n           => [:-1 :80..100 :80..100]
        HINCRBY h n 1                   => :6
        HTTL h FIELDS 1 n               => [:80..100]
        HDEL h b                        => :1
        HSET h b 3
        HTTL h FIELDS 1 b               => [:-1]
    """)


def test_ttls_travel_with_the_key(talk):
    talk("""
        HSET h a 1 b 2
        HPEXPIREAT h 33177117420123 FIELDS 1 a
        RENAME h g                      => +OK
        HPEXPIRETIME g FIELDS 2 a b     => [:33177117420123 :-1]
        COPY g h                        => :1
        HPEXPIRETIME h FIELDS 2 a b     => [:33177117420123 :-1]
        MOVE h 4                        => :1
        SELECT 4
        HPEXPIRETIME h FIELDS 2 a b     => [:33177117420123 :-1]
    """)


@pytest.mark.memd_only
def test_hgetdel(talk):
    talk("""
        HSET h a 1 b 2 c 3
        HGETDEL h FIELDS 2 a nope       => ["1" nil]
        HGETDEL h FIELDS 1 a            => [nil]
        HGETALL h                       => %{"b" "2" "c" "3"}
        HGETDEL h FIELDS 2 b c          => ["2" "3"]
        EXISTS h                        => :0
        HGETDEL nokey FIELDS 1 a        => [nil]
        SET s v
        HGETDEL s FIELDS 1 a            => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


@pytest.mark.memd_only
def test_hgetex(talk):
    talk("""
        HSET h a 1 b 2
        HGETEX h EX 100 FIELDS 2 a nope => ["1" nil]
        HTTL h FIELDS 2 a b             => [:80..100 :-1]
        HGETEX h FIELDS 1 a             => ["1"]
        HTTL h FIELDS 1 a               => [:80..100]
        HGETEX h PERSIST FIELDS 1 a     => ["1"]
        HTTL h FIELDS 1 a               => [:-1]
        HGETEX h PX 100000 FIELDS 1 a   => ["1"]
        HPTTL h FIELDS 1 a              => [:80000..100000]
        HGETEX h EXAT 33177117420 FIELDS 1 a     => ["1"]
        HEXPIRETIME h FIELDS 1 a        => [:33177117420]
        HGETEX h PXAT 33177117420123 FIELDS 1 a  => ["1"]
        HPEXPIRETIME h FIELDS 1 a       => [:33177117420123]
        HGETEX h EXAT 1 FIELDS 1 a      => ["1"]
        HEXISTS h a                     => :0
        HGETEX nokey EX 10 FIELDS 2 a b => [nil nil]
    """)


@pytest.mark.memd_only
def test_hsetex(talk):
    talk("""
        HSETEX h EX 100 FIELDS 2 a 1 b 2        => :1
        HTTL h FIELDS 2 a b                     => [:80..100 :80..100]
        HSETEX h FNX EX 10 FIELDS 2 a 9 c 9     => :0
        HGETALL h                               => %{"a" "1" "b" "2"}
        HSETEX h FXX EX 10 FIELDS 2 a 9 c 9     => :0
        HSETEX h FXX FIELDS 1 a 3               => :1
        HTTL h FIELDS 1 a                       => [:-1]
        HSETEX h KEEPTTL FIELDS 1 b 4           => :1
        HTTL h FIELDS 1 b                       => [:80..100]
        HSETEX h FNX PX 100000 FIELDS 1 d 5     => :1
        HPTTL h FIELDS 1 d                      => [:80000..100000]
        HSETEX h PXAT 33177117420123 FIELDS 1 a 6 => :1
        HPEXPIRETIME h FIELDS 1 a               => [:33177117420123]
        HMGET h a b d                           => ["6" "4" "5"]
    """)
    assert OK and Err
