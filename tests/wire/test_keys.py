"""Commands on keys of any type."""
import pytest

from resp import Err, OK

WRONGTYPE = Err("WRONGTYPE Operation against a key holding the wrong kind of value")


def test_del_unlink_exists_touch_count_keys(talk):
    talk("""
        MSET a 1 b 2 c 3 d 4
        EXISTS a b nokey a              => :3
        TOUCH a b nokey                 => :2
        DEL a nokey b b                 => :2
        UNLINK c nokey                  => :1
        DBSIZE                          => :1
        DEL                             => -ERR wrong number of arguments for 'del' command
        EXISTS                          => -ERR wrong number of arguments for 'exists' command
    """)


def test_type_names_each_type(talk):
    talk("""
        SET s v
        RPUSH l a
        SADD t a
        HSET h f v
        TYPE s                          => +string
        TYPE l                          => +list
        TYPE t                          => +set
        TYPE h                          => +hash
        TYPE nokey                      => +none
    """)


def test_keys_matches_globs(talk):
    talk(r"""
        MSET hello 1 hallo 2 hillo 3 h*llo 4 foo 5
        KEYS h[ae]llo                   => {"hello" "hallo"}
        KEYS h[^e]llo                   => {"hallo" "hillo" "h*llo"}
        KEYS h[a-f]llo                  => {"hello" "hallo"}
        KEYS h\*llo                     => *
        KEYS "h\\*llo"                  => {"h*llo"}
        KEYS ?oo                        => {"foo"}
        KEYS *llo                       => {"hello" "hallo" "hillo" "h*llo"}
        KEYS nope*                      => []
        KEYS *                          => {"hello" "hallo" "hillo" "h*llo" "foo"}
        KEYS ""                         => []
    """)


def test_a_pattern_made_to_be_slow_is_not(c):
    c("SET", "a" * 50, "v")
    assert c("KEYS", "a*" * 50 + "b") == []


def test_randomkey_returns_a_key(c):
    assert c("RANDOMKEY") is None
    c("SET", "k", "v")
    assert c("RANDOMKEY") == b"k"
    for i in range(50):
        c("SET", "k%d" % i, "v")
    assert len({c("RANDOMKEY") for _ in range(200)}) > 5


def test_rename_and_renamenx(talk):
    talk("""
        SET a 1 EX 100
        SET b 2
        RENAME a b                      => +OK
        GET b                           => "1"
        TTL b                           => :80..100
        EXISTS a                        => :0
        RENAME nokey x                  => -ERR no such key
        RENAME b b                      => +OK
        SET c 3
        RENAMENX b c                    => :0
        RENAMENX b d                    => :1
        RENAMENX d d                    => :0
        RENAMENX nokey x                => -ERR no such key
        GET d                           => "1"
        RPUSH l a b
        RENAME l c                      => +OK
        LRANGE c 0 -1                   => ["a" "b"]
        TTL c                           => :-1
    """)


def test_copy_makes_an_independent_copy_of_each_type(talk):
    talk("""
        SET s v EX 100
        COPY s s2                       => :1
        GET s2                          => "v"
        TTL s2                          => :80..100
        COPY s s2                       => :0
        SET s w
        COPY s s2 REPLACE               => :1
        GET s2                          => "w"
        TTL s2                          => :-1
        RPUSH l a b c
        COPY l l2                       => :1
        RPUSH l2 d
        LRANGE l 0 -1                   => ["a" "b" "c"]
        LRANGE l2 0 -1                  => ["a" "b" "c" "d"]
        HSET h f v
        COPY h h2                       => :1
        HSET h2 f w
        HGET h f                        => "v"
        SADD t a
        COPY t t2                       => :1
        SADD t2 b
        SMEMBERS t                      => ["a"]
        COPY nokey x                    => :0
        COPY s s                        => -ERR source and destination objects are the same
        COPY s x DB 3                   => :1
        COPY s s DB 3                   => :1
        COPY s x DB 100                 => -ERR DB index is out of range
        COPY s x DB foo                 => -ERR value is not an integer or out of range
        COPY s x FOO                    => -ERR syntax error
        SELECT 3                        => +OK
        GET x                           => "w"
        SELECT 0
    """)


def test_copies_of_large_values_are_independent(c):
    for kind, add, n in (("RPUSH", lambda i: ["v%d" % i], 5000), ("SADD", lambda i: ["v%d" % i], 5000),
                         ("HSET", lambda i: ["f%d" % i, "v" * 70], 2000)):
        key = kind.lower()
        c.pipeline([[kind, key] + add(i) for i in range(n)])
        assert c("COPY", key, key + "2") == 1
        c(kind, key, *add(-1))
        size = {"RPUSH": "LLEN", "SADD": "SCARD", "HSET": "HLEN"}[kind]
        assert (c(size, key), c(size, key + "2")) == (n + 1, n)
        assert c("DEL", key) == 1
        assert c(size, key + "2") == n


def test_move_between_databases(talk):
    talk("""
        SET k v EX 100
        MOVE k 1                        => :1
        EXISTS k                        => :0
        SELECT 1
        GET k                           => "v"
        TTL k                           => :80..100
        SELECT 0
        SET k w
        MOVE k 1                        => :0
        MOVE nokey 1                    => :0
        MOVE k 0                        => -ERR source and destination objects are the same
        MOVE k 100                      => -ERR DB index is out of range
        MOVE k foo                      => -ERR value is not an integer or out of range
    """)


def scan_all(c, *args, command=("SCAN",)):
    cursor, seen = b"0", []
    for _ in range(100000):
        cursor, items = c(*command, cursor, *args)
        seen += items
        if cursor == b"0":
            return seen
    raise AssertionError("SCAN does not end")


def test_scan_returns_each_key_that_is_there_throughout(c):
    keys = {b"key:%d" % i for i in range(5000)}
    c.pipeline([["SET", k, "v"] for k in keys])
    for count in (None, 1, 10, 1000, 100000):
        assert set(scan_all(c, *(["COUNT", count] if count else []))) == keys


def test_scan_stays_complete_while_the_table_grows_and_shrinks(c):
    keep = {b"keep:%d" % i for i in range(2000)}
    c.pipeline([["SET", k, "v"] for k in keep])
    cursor, seen, step = b"0", set(), 0
    while True:
        cursor, items = c("SCAN", cursor, "COUNT", 20)
        seen |= set(items)
        c.pipeline([["SET", "other:%d:%d" % (step, i), "v"] for i in range(200)])
        if step > 5:
            c.pipeline([["DEL", "other:%d:%d" % (step - 5, i)] for i in range(200)])
        step += 1
        if cursor == b"0":
            break
        assert step < 20000
    assert keep <= seen


def test_scan_filters_by_pattern_and_type(c):
    c.pipeline([["SET", "s:%d" % i, "v"] for i in range(300)])
    c.pipeline([["RPUSH", "l:%d" % i, "v"] for i in range(300)])
    c.pipeline([["SADD", "t:%d" % i, "v"] for i in range(30)])
    assert set(scan_all(c, "MATCH", "l:1?")) == {b"l:1%d" % i for i in range(10)}
    assert set(scan_all(c, "TYPE", "list")) == {b"l:%d" % i for i in range(300)}
    assert set(scan_all(c, "TYPE", "SET", "COUNT", 7)) == {b"t:%d" % i for i in range(30)}
    assert set(scan_all(c, "MATCH", "*:5", "TYPE", "string", "COUNT", 1000)) == {b"s:5"}
    assert scan_all(c, "MATCH", "nope") == []
    assert scan_all(c, "TYPE", "zset") == []


def test_scan_rejects_nonsense(talk):
    talk("""
        SCAN foo                        => -ERR invalid cursor
        SCAN 0 COUNT 0                  => -ERR syntax error
        SCAN 0 COUNT x                  => -ERR value is not an integer or out of range
        SCAN 0 FOO                      => -ERR syntax error
        SCAN 0 MATCH                    => -ERR syntax error
        SCAN 18446744073709551615       => *
    """)


def test_scan_removes_expired_keys_whatever_it_looks_for(c):
    c("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        for i in range(100):
            c("HSET", "k%d" % i, "f", "v")
            c("PEXPIRE", "k%d" % i, "1")
        c("SET", "stays", "v")
        c("SET", "clock", "v", "PX", "2")
        while c("EXISTS", "clock"):
            pass
        assert c("DBSIZE") == 101
        scan_all(c, "TYPE", "zset")
        assert c("DBSIZE") == 1
    finally:
        c("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_scan_does_not_show_expired_keys(c):
    c("SET", "gone", "v", "PXAT", 1)
    c("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        c("SET", "soon", "v", "PX", "1")
        c("SET", "stays", "v")
        while c("EXISTS", "soon"):
            pass
        assert scan_all(c) == [b"stays"]
        assert c("KEYS", "*") == [b"stays"]
    finally:
        c("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_object_tells_encodings(talk):
    talk("""
        SET s v
        SET i 123
        SET b aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        RPUSH l a
        HSET h f v
        SADD ti 1 2 3
        OBJECT ENCODING s               => "embstr"
        OBJECT ENCODING i               => "int"
        OBJECT ENCODING b               => "raw"
        OBJECT ENCODING h               => "listpack"
        OBJECT ENCODING ti              => "intset"
        OBJECT REFCOUNT s               => :1
        OBJECT IDLETIME s               => :0..100
        OBJECT ENCODING nokey           => nil
        OBJECT REFCOUNT nokey           => nil
        OBJECT IDLETIME nokey           => nil
        OBJECT FREQ s                   => -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        OBJECT FOO s                    => -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
        OBJECT ENCODING                 => -ERR wrong number of arguments for 'object|encoding' command
        OBJECT HELP                     => *
    """)


@pytest.mark.since(7, 2)
def test_object_tells_encodings_of_7_2(talk):
    talk("""
        RPUSH l a
        SADD t a b
        OBJECT ENCODING l               => "listpack"
        OBJECT ENCODING t               => "listpack"
    """)


@pytest.mark.since(7, 2)
def test_collections_change_encoding_at_the_usual_thresholds(c):
    def enc(key):
        return c("OBJECT", "ENCODING", key)

    for i in range(512):
        c("HSET", "h", "f%d" % i, "v")
    assert enc("h") == b"listpack"
    c("HSET", "h", "one-more", "v")
    assert enc("h") == b"hashtable"
    c("HSET", "h2", "f", "v" * 64)
    assert enc("h2") == b"listpack"
    c("HSET", "h2", "f", "v" * 65)
    assert enc("h2") == b"hashtable"
    c("SADD", "i", *range(512))
    assert enc("i") == b"intset"
    c("SADD", "i", 512)
    assert enc("i") == b"hashtable"
    c("SADD", "i2", 1, 2)
    c("SADD", "i2", "x")
    assert enc("i2") == b"listpack"
    c("SADD", "t", *["m%d" % i for i in range(128)])
    assert enc("t") == b"listpack"
    c("SADD", "t", "one-more")
    assert enc("t") == b"hashtable"
    c("SADD", "t2", "v" * 65)
    assert enc("t2") == b"hashtable"
    c("RPUSH", "l", *["v" * 50] * 100)
    assert enc("l") == b"listpack"
    c("RPUSH", "l", *["v" * 50] * 100)
    assert enc("l") == b"quicklist"


def test_idle_time_and_touch(c, server):
    c("SET", "k", "v")
    assert c("OBJECT", "IDLETIME", "k") <= 100
    assert c("TOUCH", "k") == 1


def test_object_freq_under_lfu(start):
    s = start(maxmemory_policy="allkeys-lfu", lfu_decay_time=0)  # else a full minute of the clock may come between
    c = s.conn()
    c("SET", "k", "v")
    first = c("OBJECT", "FREQ", "k")
    assert first == 5
    for _ in range(3000):
        c("GET", "k")
    assert c("OBJECT", "FREQ", "k") > first
    assert c("OBJECT", "IDLETIME", "k") == Err(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
        "switching between policies at runtime LRU and LFU data will take some time to adjust.")
    assert c("OBJECT", "FREQ", "nokey") is None


def test_select_and_swapdb(talk, c2):
    talk("""
        SET k zero
        SELECT 1                        => +OK
        SET k one
        SELECT 0
        SWAPDB 0 1                      => +OK
        GET k                           => "one"
        SELECT 1
        GET k                           => "zero"
        SELECT 16                       => -ERR DB index is out of range
        SELECT -1                       => -ERR DB index is out of range
        SELECT foo                      => -ERR value is not an integer or out of range
        SWAPDB 0 foo                    => -ERR invalid second DB index
        SWAPDB foo 0                    => -ERR invalid first DB index
        SWAPDB 0 100                    => -ERR DB index is out of range
        SWAPDB 1 1                      => +OK
        GET k                           => "zero"
    """)
    assert c2("GET", "k") == b"one"


def test_flushdb_and_flushall(talk):
    talk("""
        SET k v
        SELECT 1
        SET k v
        FLUSHDB                         => +OK
        DBSIZE                          => :0
        SELECT 0
        DBSIZE                          => :1
        FLUSHDB ASYNC                   => +OK
        DBSIZE                          => :0
        SET k v
        FLUSHDB SYNC                    => +OK
        SELECT 2
        SET k v
        FLUSHALL ASYNC                  => +OK
        DBSIZE                          => :0
        SET k v
        FLUSHALL SYNC                   => +OK
        DBSIZE                          => :0
        FLUSHALL FOO                    => -ERR syntax error
        FLUSHALL SYNC ASYNC             => -ERR syntax error
        FLUSHDB FOO                     => -ERR syntax error
    """)


def test_wrong_types_are_refused_and_change_nothing(c):
    make = {"string": ["SET", "k", "v"], "list": ["RPUSH", "k", "a"], "set": ["SADD", "k", "a"],
            "hash": ["HSET", "k", "f", "v"]}
    use = {
        "string": [["GET", "k"], ["APPEND", "k", "x"], ["INCR", "k"], ["GETRANGE", "k", 0, 1], ["STRLEN", "k"],
                   ["SETRANGE", "k", 0, "x"], ["GETDEL", "k"], ["GETEX", "k"], ["GETSET", "k", "x"],
                   ["INCRBYFLOAT", "k", 1]],
        "list": [["LPUSH", "k", "a"], ["LPUSHX", "k", "a"], ["RPUSHX", "k", "a"], ["LPOP", "k"], ["RPOP", "k", 2],
                 ["LLEN", "k"], ["LRANGE", "k", 0, -1], ["LINDEX", "k", 0], ["LSET", "k", 0, "x"],
                 ["LINSERT", "k", "BEFORE", "a", "b"], ["LREM", "k", 0, "a"], ["LTRIM", "k", 0, -1], ["LPOS", "k", "a"],
                 ["LMOVE", "k", "d", "LEFT", "LEFT"], ["RPOPLPUSH", "k", "d"], ["LMPOP", 1, "k", "LEFT"],
                 ["BLPOP", "k", 1], ["BRPOP", "k", 1], ["BLMOVE", "k", "d", "LEFT", "LEFT", 1],
                 ["BLMPOP", 1, 1, "k", "LEFT"], ["BRPOPLPUSH", "k", "d", 1]],
        "set": [["SADD", "k", "a"], ["SREM", "k", "a"], ["SCARD", "k"], ["SISMEMBER", "k", "a"],
                ["SMISMEMBER", "k", "a"], ["SMEMBERS", "k"], ["SPOP", "k"], ["SRANDMEMBER", "k"],
                ["SMOVE", "k", "d", "a"], ["SINTER", "k"], ["SUNION", "k"], ["SDIFF", "k"], ["SINTERCARD", 1, "k"],
                ["SINTERSTORE", "d", "k"], ["SSCAN", "k", 0]],
        "hash": [["HSET", "k", "f", "v"], ["HSETNX", "k", "f", "v"], ["HGET", "k", "f"], ["HMGET", "k", "f"],
                 ["HDEL", "k", "f"], ["HLEN", "k"], ["HSTRLEN", "k", "f"], ["HKEYS", "k"], ["HVALS", "k"],
                 ["HGETALL", "k"], ["HEXISTS", "k", "f"], ["HINCRBY", "k", "f", 1], ["HINCRBYFLOAT", "k", "f", 1],
                 ["HRANDFIELD", "k"], ["HSCAN", "k", 0]],
    }
    for have, maker in make.items():
        for want, commands in use.items():
            if have == want:
                continue
            for command in commands:
                c("FLUSHDB")
                c(*maker)
                assert c(*command) == WRONGTYPE, (have, command)
                assert c("TYPE", "k") == c("TYPE", "k") and c("DBSIZE") == 1


def test_empty_collections_are_removed(talk):
    talk("""
        RPUSH l a
        LPOP l                          => "a"
        SADD s a
        SREM s a                        => :1
        HSET h f v
        HDEL h f                        => :1
        RPUSH t a
        LTRIM t 5 10                    => +OK
        RPUSH u a
        LREM u 0 a                      => :1
        DBSIZE                          => :0
    """)
    assert OK
