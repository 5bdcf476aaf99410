"""Keys that end at a time: exact, prompt, never seen again."""
import time

import pytest

from resp import OK
from server import wait_for


def test_ttl_in_all_units(talk):
    talk("""
        TTL nokey                       => :-2
        PTTL nokey                      => :-2
        EXPIRETIME nokey                => :-2
        PEXPIRETIME nokey               => :-2
        SET k v
        TTL k                           => :-1
        PTTL k                          => :-1
        EXPIRETIME k                    => :-1
        PEXPIRETIME k                   => :-1
        EXPIRE k 100                    => :1
        TTL k                           => :80..100
        PTTL k                          => :80000..100000
        PEXPIRE k 50500                 => :1
        PTTL k                          => :30000..50500
        TTL k                           => :30..51
        EXPIREAT k 33177117420          => :1
        EXPIRETIME k                    => :33177117420
        PEXPIREAT k 33177117420123      => :1
        PEXPIRETIME k                   => :33177117420123
        EXPIRETIME k                    => :33177117420
        PERSIST k                       => :1
        PERSIST k                       => :0
        PERSIST nokey                   => :0
        TTL k                           => :-1
        EXPIRE nokey 10                 => :0
    """)


def test_conditions_on_expire(talk):
    talk("""
        SET k v
        EXPIRE k 100 XX                 => :0
        EXPIRE k 100 GT                 => :0
        EXPIRE k 100 NX                 => :1
        EXPIRE k 200 NX                 => :0
        EXPIRE k 200 GT                 => :1
        EXPIRE k 100 GT                 => :0
        EXPIRE k 100 LT                 => :1
        EXPIRE k 200 LT                 => :0
        EXPIRE k 300 XX                 => :1
        TTL k                           => :280..300
        PERSIST k
        EXPIRE k 100 LT                 => :1
        EXPIRE k 50 XX LT               => :1
        EXPIRE k 10 NX XX               => -ERR NX and XX, GT or LT options at the same time are not compatible
        EXPIRE k 10 NX GT               => -ERR NX and XX, GT or LT options at the same time are not compatible
        EXPIRE k 10 GT LT               => -ERR GT and LT options at the same time are not compatible
        EXPIRE k 10 FOO                 => -ERR Unsupported option FOO
        EXPIRE k foo                    => -ERR value is not an integer or out of range
        EXPIRE k 9223372036854775807    => -ERR invalid expire time in 'expire' command
        EXPIRE k -9223372036854775808   => -ERR invalid expire time in 'expire' command
        PEXPIRE k 9223372036854775807   => -ERR invalid expire time in 'pexpire' command
        EXPIREAT k 9223372036854775807  => -ERR invalid expire time in 'expireat' command
        PEXPIREAT k 9223372036854775807 => *
    """)


def test_a_time_in_the_past_deletes(talk):
    talk("""
        SET k v
        EXPIRE k -1                     => :1
        EXISTS k                        => :0
        SET k v
        EXPIREAT k 1                    => :1
        GET k                           => nil
        SET k v
        PEXPIRE k 0                     => :1
        GET k                           => nil
        SET k v EX 100
        EXPIRE k -1 GT                  => :0
        EXPIRE k -1 LT                  => :1
        EXISTS k                        => :0
    """)


def test_a_read_never_sees_an_expired_key(c):
    for _ in range(20):
        t0 = time.monotonic()
        c("SET", "k", "v", "PX", "5")
        wait_for(lambda: c("GET", "k") is None)
        assert time.monotonic() - t0 > 0.003
        assert c("EXISTS", "k") == 0 and c("TTL", "k") == -2


@pytest.mark.parametrize("make", [["SET", "k", "v"], ["RPUSH", "k", "a"], ["SADD", "k", "a"], ["HSET", "k", "f", "v"]])
def test_each_type_expires_and_starts_anew(c, make):
    c(*make)
    c("PEXPIRE", "k", 2)
    wait_for(lambda: c("EXISTS", "k") == 0)
    assert c("TYPE", "k") == "none" or c("EXISTS", "k") == 0
    c(*make)
    assert c("TTL", "k") == -1


def test_expired_keys_leave_memory_by_themselves(c):
    c.pipeline([["SET", "k%d" % i, "v", "PX", 10 + i % 50] for i in range(5000)])
    c.pipeline([["SET", "stay%d" % i, "v"] for i in range(100)])
    wait_for(lambda: c("DBSIZE") == 100)
    assert int(c.info("stats")["expired_keys"]) >= 5000


def test_a_later_time_keeps_the_key(c):
    c("MULTI"), c("SET", "k", "v", "PX", 20), c("PEXPIRE", "k", 100000), c("EXEC")  # on a busy machine 20 ms pass between two
    c("SET", "probe", "v", "PX", 30)
    wait_for(lambda: c("EXISTS", "probe") == 0)
    assert c("GET", "k") == b"v"


def test_an_earlier_time_wins(c):
    c("SET", "k", "v", "PX", 100000)
    c("PEXPIRE", "k", 5)
    wait_for(lambda: c("DBSIZE") == 0)


def test_persist_saves_the_key(c):
    c("MULTI"), c("SET", "k", "v", "PX", 20), c("PERSIST", "k"), c("EXEC")
    c("SET", "probe", "v", "PX", 30)
    wait_for(lambda: c("EXISTS", "probe") == 0)
    assert c("GET", "k") == b"v"


def test_writes_keep_or_drop_the_ttl_as_redis_does(talk):
    talk("""
        SET k v EX 100
        APPEND k x
        TTL k                           => :80..100
        SETRANGE k 0 y
        TTL k                           => :80..100
        GETSET k z
        TTL k                           => :-1
        RPUSH l a
        EXPIRE l 100
        RPUSH l b
        LSET l 0 c
        LPOP l
        TTL l                           => :80..100
        HSET h f v
        EXPIRE h 100
        HSET h f w
        TTL h                           => :80..100
        SADD s a
        EXPIRE s 100
        SADD s b
        TTL s                           => :80..100
        SUNIONSTORE s s l2
        TTL s                           => :-1
        SET m v EX 100
        MSET m w
        TTL m                           => :-1
    """)


def test_many_databases_expire_alike(c):
    for db in range(8):
        c("SELECT", db)
        c.pipeline([["SET", "k%d" % i, "v", "PX", "5"] for i in range(200)])
    for db in range(8):
        c("SELECT", db)
        wait_for(lambda: c("DBSIZE") == 0)


def test_expired_is_announced_once(c, c2):
    c2("CONFIG", "SET", "notify-keyspace-events", "Ex")
    try:
        c("PSUBSCRIBE", "__keyevent@*__:expired")
        c2("SET", "k", "v", "PX", "5")
        assert c.read() == [b"pmessage", b"__keyevent@*__:expired", b"__keyevent@0__:expired", b"k"]
        c2("GET", "k")
        assert c.nothing_unread()
    finally:
        c2("CONFIG", "SET", "notify-keyspace-events", "")


def test_the_far_future_is_far(c):
    for at in (4102444800000, 253402300800000, 1 << 45):
        assert c("SET", "k", "v", "PXAT", at) == OK
        assert c("PEXPIRETIME", "k") == at
    assert c("GET", "k") == b"v"
