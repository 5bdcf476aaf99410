"""Strings: every command and every option."""
import pytest

from resp import Err, OK


def test_set_and_get_return_what_was_stored(talk):
    talk(r"""
        SET k v                         => +OK
        GET k                           => "v"
        GET nokey                       => nil
        SET k "a\x00b\r\nc\xff"         => +OK
        GET k                           => "a\x00b\r\nc\xff"
        SET k ""                        => +OK
        GET k                           => ""
        STRLEN k                        => :0
        RPUSH l a
        GET l                           => -WRONGTYPE Operation against a key holding the wrong kind of value
        SET l v                         => +OK
        GET                             => -ERR wrong number of arguments for 'get' command
        SET k                           => -ERR wrong number of arguments for 'set' command
    """)


def test_set_takes_conditions(talk):
    talk("""
        SET k 1 XX                      => nil
        EXISTS k                        => :0
        SET k 1 NX                      => +OK
        SET k 2 NX                      => nil
        SET k 2 XX                      => +OK
        GET k                           => "2"
        SET k 3 NX XX                   => -ERR syntax error
        SET k 3 FOO                     => -ERR syntax error
    """)


def test_set_with_get_returns_the_old_value(talk):
    talk("""
        SET k 1 GET                     => nil
        SET k 2 GET                     => "1"
        SET k 3 NX GET                  => "2"
        GET k                           => "2"
        SET k 3 XX GET                  => "2"
        GET k                           => "3"
        RPUSH l a
        SET l v GET                     => -WRONGTYPE Operation against a key holding the wrong kind of value
        LRANGE l 0 -1                   => ["a"]
        SET m v XX GET                  => nil
        EXISTS m                        => :0
    """)


def test_set_takes_each_form_of_expiry(talk):
    talk("""
        SET k v EX 100                  => +OK
        TTL k                           => :80..100
        SET k v PX 100000               => +OK
        PTTL k                          => :80000..100000
        SET k v EXAT 99999999999        => +OK
        EXPIRETIME k                    => :99999999999
        SET k v PXAT 99999999999999     => +OK
        PEXPIRETIME k                   => :99999999999999
        SET k w KEEPTTL                 => +OK
        PEXPIRETIME k                   => :99999999999999
        SET k w                         => +OK
        TTL k                           => :-1
        SET k v EX 10 PX 10             => -ERR syntax error
        SET k v EX 10 KEEPTTL           => -ERR syntax error
        SET k v EX                      => -ERR syntax error
        SET k v EX 0                    => -ERR invalid expire time in 'set' command
        SET k v EX -1                   => -ERR invalid expire time in 'set' command
        SET k v PX 0                    => -ERR invalid expire time in 'set' command
        SET k v EX 9223372036854775807  => -ERR invalid expire time in 'set' command
        SET k v EX foo                  => -ERR value is not an integer or out of range
        GET k                           => "w"
    """)


def test_a_time_in_the_past_removes_the_key(talk):
    talk("""
        SET k v EXAT 1                  => +OK
        EXISTS k                        => :0
        DBSIZE                          => :0
    """)


def test_setnx_setex_psetex(talk):
    talk("""
        SETNX k a                       => :1
        SETNX k b                       => :0
        GET k                           => "a"
        SETEX k 100 b                   => +OK
        TTL k                           => :80..100
        PSETEX k 100000 c               => +OK
        PTTL k                          => :80000..100000
        GET k                           => "c"
        SETEX k 0 b                     => -ERR invalid expire time in 'setex' command
        SETEX k -5 b                    => -ERR invalid expire time in 'setex' command
        PSETEX k 0 b                    => -ERR invalid expire time in 'psetex' command
        SETEX k foo b                   => -ERR value is not an integer or out of range
    """)


def test_getex_reads_and_changes_the_ttl(talk):
    talk("""
        GETEX k                         => nil
        SET k v
        GETEX k EX 100                  => "v"
        TTL k                           => :80..100
        GETEX k                         => "v"
        TTL k                           => :80..100
        GETEX k PERSIST                 => "v"
        TTL k                           => :-1
        GETEX k PX 100000               => "v"
        PTTL k                          => :80000..100000
        GETEX k EXAT 99999999999        => "v"
        EXPIRETIME k                    => :99999999999
        GETEX k PXAT 99999999999999     => "v"
        PEXPIRETIME k                   => :99999999999999
        GETEX k EX 10 PERSIST           => -ERR syntax error
        GETEX k EX 0                    => -ERR invalid expire time in 'getex' command
        GETEX k EX foo                  => -ERR value is not an integer or out of range
        GETEX k NX                      => -ERR syntax error
        GETEX k EXAT 1                  => "v"
        EXISTS k                        => :0
        RPUSH l a
        GETEX l                         => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_getdel_and_getset(talk):
    talk("""
        GETDEL k                        => nil
        SET k v
        GETDEL k                        => "v"
        EXISTS k                        => :0
        GETSET k a                      => nil
        EXPIRE k 100                    => :1
        GETSET k b                      => "a"
        TTL k                           => :-1
        RPUSH l a
        GETDEL l                        => -WRONGTYPE Operation against a key holding the wrong kind of value
        GETSET l x                      => -WRONGTYPE Operation against a key holding the wrong kind of value
        LLEN l                          => :1
    """)


def test_mget_mset_msetnx(talk):
    talk("""
        MSET a 1 b 2 a 3                => +OK
        MGET a b nokey                  => ["3" "2" nil]
        RPUSH l x
        MGET a l b                      => ["3" nil "2"]
        MSETNX c 1 a 9                  => :0
        EXISTS c                        => :0
        MSETNX c 1 d 2                  => :1
        MSETNX x 1 x 2                  => :1
        GET x                           => "2"
        MSET a                          => -ERR wrong number of arguments for 'mset' command
        MSET a 1 b                      => -ERR wrong number of arguments for 'mset' command
        MSETNX a 1 b                    => -ERR wrong number of arguments for 'msetnx' command
        MSET l v                        => +OK
        GET l                           => "v"
    """)


def test_append_and_strlen(talk):
    talk("""
        APPEND k ab                     => :2
        APPEND k cd                     => :4
        APPEND k ""                     => :4
        GET k                           => "abcd"
        STRLEN k                        => :4
        STRLEN nokey                    => :0
        SET n 10
        APPEND n 5                      => :3
        INCR n                          => :106
        EXPIRE k 100
        APPEND k x                      => :5
        TTL k                           => :80..100
        RPUSH l a
        APPEND l x                      => -WRONGTYPE Operation against a key holding the wrong kind of value
        STRLEN l                        => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_setrange_and_getrange(talk):
    talk(r"""
        SETRANGE k 0 ""                 => :0
        EXISTS k                        => :0
        SETRANGE k 3 abc                => :6
        GET k                           => "\x00\x00\x00abc"
        SETRANGE k 1 XY                 => :6
        GET k                           => "\x00XYabc"
        SETRANGE k 2 ""                 => :6
        SETRANGE k -1 a                 => -ERR offset is out of range
        SETRANGE k 536870912 a          => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
        SETRANGE k foo a                => -ERR value is not an integer or out of range
        SET n 1234
        SETRANGE n 1 X                  => :4
        GET n                           => "1X34"
        SET s "Hello World"
        GETRANGE s 0 4                  => "Hello"
        GETRANGE s -5 -1                => "World"
        GETRANGE s 5 2                  => ""
        GETRANGE s 100 200              => ""
        GETRANGE s 0 -1                 => "Hello World"
        GETRANGE s -100 2               => "Hel"
        GETRANGE nokey 0 -1             => ""
        SUBSTR s 0 4                    => "Hello"
        SET i 12345
        GETRANGE i 1 3                  => "234"
        GETRANGE s a b                  => -ERR value is not an integer or out of range
        RPUSH l a
        GETRANGE l 0 1                  => -WRONGTYPE Operation against a key holding the wrong kind of value
        SETRANGE l 0 x                  => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_integers_count(talk):
    talk("""
        INCR n                          => :1
        INCRBY n 41                     => :42
        DECR n                          => :41
        DECRBY n 50                     => :-9
        GET n                           => "-9"
        SET n 9223372036854775806
        INCR n                          => :9223372036854775807
        INCR n                          => -ERR increment or decrement would overflow
        GET n                           => "9223372036854775807"
        SET n -9223372036854775808
        DECR n                          => -ERR increment or decrement would overflow
        DECRBY n -9223372036854775808   => -ERR decrement would overflow
        INCRBY n 9223372036854775807    => :-1
        SET n "11 "
        INCR n                          => -ERR value is not an integer or out of range
        SET n " 11"
        INCR n                          => -ERR value is not an integer or out of range
        SET n 011
        INCR n                          => -ERR value is not an integer or out of range
        SET n 1.5
        INCR n                          => -ERR value is not an integer or out of range
        INCRBY m foo                    => -ERR value is not an integer or out of range
        INCRBY m 9223372036854775808    => -ERR value is not an integer or out of range
        EXISTS m                        => :0
        RPUSH l a
        INCR l                          => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_counting_keeps_the_ttl(talk):
    talk("""
        SET n 1 EX 100
        INCR n                          => :2
        INCRBYFLOAT n 0.5               => "2.5"
        TTL n                           => :80..100
    """)


def test_incrbyfloat(talk):
    talk("""
        INCRBYFLOAT f 10.5              => "10.5"
        INCRBYFLOAT f 0.1               => "10.6"
        INCRBYFLOAT f -5                => "5.6"
        SET f 3.0e3
        INCRBYFLOAT f 200               => "3200"
        SET f 1
        INCRBYFLOAT f 0.0000000000000001     => "1.0000000000000001"
        SET f 0.1
        INCRBYFLOAT f 0.2               => "0.3"
        SET f 3
        INCRBYFLOAT f 1.1               => "4.1"
        SET f " 1"
        INCRBYFLOAT f 1                 => -ERR value is not a valid float
        SET f "1 "
        INCRBYFLOAT f 1                 => -ERR value is not a valid float
        SET f 1
        INCRBYFLOAT f foo               => -ERR value is not a valid float
        INCRBYFLOAT f nan               => -ERR value is not a valid float
        INCRBYFLOAT f +inf              => -ERR increment would produce NaN or Infinity
        SET f -0
        INCRBYFLOAT f 0                 => "0"
        SET f 5.0e3
        INCRBYFLOAT f 2.0e2             => "5200"
        RPUSH l a
        INCRBYFLOAT l 1                 => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_lcs(talk):
    talk("""
        MSET a ohmytext b mynewtext
        LCS a b                         => "mytext"
        LCS a b LEN                     => :6
        LCS a b IDX                     => ["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
        LCS a b IDX MINMATCHLEN 4       => ["matches" [[[:4 :7] [:5 :8]]] "len" :6]
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => ["matches" [[[:4 :7] [:5 :8] :4]] "len" :6]
        LCS a b IDX WITHMATCHLEN MINMATCHLEN -3 => ["matches" [[[:4 :7] [:5 :8] :4] [[:2 :3] [:0 :1] :2]] "len" :6]
        LCS a nokey                     => ""
        LCS a nokey LEN                 => :0
        LCS a nokey IDX                 => ["matches" [] "len" :0]
        LCS a b IDX LEN                 => -ERR If you want both the length and indexes, please just use IDX.
        LCS a b FOO                     => -ERR syntax error
        LCS a b MINMATCHLEN             => -ERR syntax error
        LCS a b MINMATCHLEN x           => -ERR value is not an integer or out of range
        RPUSH l a
        LCS a l                         => -ERR The specified keys must contain string values
    """)


def test_lcs_in_resp3_is_a_map(talk, c3):
    talk("""
        MSET a ohmytext b mynewtext
        LCS a b IDX MINMATCHLEN 4       => %{"matches" [[[:4 :7] [:5 :8]]] "len" :6}
    """, c3)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 4096, 16383, 16384, 32767, 32768, 65536, 1 << 20, (1 << 20) + 1, 20 << 20])
def test_values_of_any_size_come_back_whole(c, size):
    value = bytes(i * 31 & 255 for i in range(min(size, 65536))) * (size // 65536 + 1)
    value = value[:size]
    assert c("SET", "k", value) == OK
    assert c("STRLEN", "k") == size
    assert c("GET", "k") == value
    assert c("APPEND", "k", b"tail") == size + 4
    assert c("GET", "k") == value + b"tail"
    assert c("GETDEL", "k") == value + b"tail"


def test_long_keys_work(c):
    for n in (1, 254, 255, 256, 65535, 65536, 1 << 20):
        key = b"k" * n
        assert c("SET", key, str(n)) == OK
        assert c("GET", key) == str(n).encode()
    assert c("DBSIZE") == 7
    assert c("DEL", b"k" * 255) == 1
    assert c("GET", b"k" * 254) == b"254"


def test_a_value_may_be_rewritten_at_every_size(c):
    """Growing and shrinking in place, past every size class of the allocator."""
    expect = b""
    for n in list(range(0, 300, 7)) + [1000, 5000, 40000, 100, 3, 0]:
        expect = bytes([65 + n % 26]) * n
        c("SET", "k", expect)
        assert c("GET", "k") == expect
    for i in range(500):
        c("APPEND", "k", str(i))
        expect += str(i).encode()
    assert c("GET", "k") == expect


def test_counting_and_text_interleave(c):
    c("SET", "n", "0")
    for i in range(200):
        assert c("INCR", "n") == i + 1
    assert c("APPEND", "n", "x") == 4
    assert c("INCR", "n") == Err("ERR value is not an integer or out of range")
