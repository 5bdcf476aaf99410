"""Streams: entries, ranges, trimming, and reading with waiting. Groups are in test_stream_groups.py."""
import random

import pytest

from resp import Err, Map, NIL_ARRAY, OK, QUEUED
from server import wait_for

BAD_ID = Err("ERR Invalid stream ID specified as stream command argument")
TOP = 18446744073709551615


@pytest.fixture
def blocked(server):
    """blocked(n): wait until n clients are waiting."""
    c = server.conn()
    return lambda n=1: wait_for(lambda: int(c.info("clients")["blocked_clients"]) == n,
                                "%d clients should be blocked" % n)


def entry(n, *pairs):
    return [b"%s" % n.encode(), [p.encode() for p in pairs or ("f", "v")]]


def test_entries_come_in_order_of_their_ids(talk):
    talk("""
        XADD s 1-1 a 1                      => "1-1"
        XADD s 1-2 a 2 b 3                  => "1-2"
        XADD s 5 a 4                        => "5-0"
        XADD s 5-* a 5                      => "5-1"
        XADD s 7-* a 6                      => "7-0"
        XADD s 7-0 a 7                      => -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XADD s 6-* a 7                      => -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XADD s 0-0 a 7                      => -ERR The ID specified in XADD must be greater than 0-0
        XLEN s                              => :5
        XRANGE s - +                        => [["1-1" ["a" "1"]] ["1-2" ["a" "2" "b" "3"]] ["5-0" ["a" "4"]] ["5-1" ["a" "5"]] ["7-0" ["a" "6"]]]
        XREVRANGE s + - COUNT 2             => [["7-0" ["a" "6"]] ["5-1" ["a" "5"]]]
        TYPE s                              => +stream
        OBJECT ENCODING s                   => "stream"
        XLEN nokey                          => :0
        XRANGE nokey - +                    => []
        XADD z 0-* a 1                      => "0-1"
        XADD s * a 1
        XLEN s                              => :6
    """)


def test_ids_by_the_clock_rise(c):
    ids = [tuple(map(int, c("XADD", "s", "*", "f", i).split(b"-"))) for i in range(50)]
    assert ids == sorted(set(ids))
    now = c("TIME")
    assert abs(ids[-1][0] - int(now[0]) * 1000) < 60000
    c("XADD", "s", "%d-5" % (ids[-1][0] + 10**9), "f", "v")
    assert c("XADD", "s", "*", "f", "v") == b"%d-6" % (ids[-1][0] + 10**9)


def test_bad_ids_and_options_of_xadd(talk):
    talk("""
        XADD s foo a 1                      => -ERR Invalid stream ID specified as stream command argument
        XADD s 1-foo a 1                    => -ERR Invalid stream ID specified as stream command argument
        XADD s 1-1-1 a 1                    => -ERR Invalid stream ID specified as stream command argument
        XADD s 18446744073709551616-0 a 1   => -ERR Invalid stream ID specified as stream command argument
        XADD s - a 1                        => -ERR Invalid stream ID specified as stream command argument
        XADD s + a 1                        => -ERR Invalid stream ID specified as stream command argument
        XADD s *-1 a 1                      => -ERR Invalid stream ID specified as stream command argument
        XADD s "" a 1                       => -ERR Invalid stream ID specified as stream command argument
        XADD s -1 a 1                       => -ERR Invalid stream ID specified as stream command argument
        XADD s 1--1 a 1                     => -ERR Invalid stream ID specified as stream command argument
        XADD s * a                          => -ERR wrong number of arguments for 'xadd' command
        XADD s * a 1 b                      => -ERR wrong number of arguments for 'xadd' command
        XADD s NOMKSTREAM * a               => -ERR wrong number of arguments for 'xadd' command
        XADD s MAXLEN 5 * a                 => -ERR wrong number of arguments for 'xadd' command
        XADD s MAXLEN foo * a 1             => -ERR value is not an integer or out of range
        XADD s MAXLEN -1 * a 1              => -ERR The MAXLEN argument must be >= 0.
        XADD s MAXLEN ~ -1 * a 1            => -ERR The MAXLEN argument must be >= 0.
        XADD s MINID foo * a 1              => -ERR Invalid stream ID specified as stream command argument
        XADD s MAXLEN 5 MINID 1 * a 1       => -ERR syntax error, MAXLEN and MINID options at the same time are not compatible
        XADD s MAXLEN 5 LIMIT 1 * a 1       => -ERR syntax error, LIMIT cannot be used without the special ~ option
        XADD s LIMIT 1 * a 1                => -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        XADD s MAXLEN ~ 5 LIMIT -1 * a 1    => -ERR The LIMIT argument must be >= 0.
        XADD s MAXLEN ~ 5 LIMIT x * a 1     => -ERR value is not an integer or out of range
        EXISTS s                            => :0
        XADD s NOMKSTREAM * a 1             => nil
        XADD s NOMKSTREAM MAXLEN 1 1-1 a 1  => nil
        EXISTS s                            => :0
        XADD s 01-+2 a 1                    => "1-2"
        XADD s " 3-1" a 1                   => "3-1"
        SET k v
        XADD k * a 1                        => -WRONGTYPE Operation against a key holding the wrong kind of value
        XADD k NOMKSTREAM * a 1             => -WRONGTYPE Operation against a key holding the wrong kind of value
        XADD k 0-0 a 1                      => -ERR The ID specified in XADD must be greater than 0-0
    """)


def test_the_last_id_of_all(talk):
    talk("""
        XADD s 18446744073709551615-18446744073709551615 a 1    => "18446744073709551615-18446744073709551615"
        XADD s * a 1                        => -ERR The stream has exhausted the last possible ID, unable to add more items
        XADD s 5-5 a 1                      => -ERR The stream has exhausted the last possible ID, unable to add more items
        XRANGE s (18446744073709551615-18446744073709551614 +   => [["18446744073709551615-18446744073709551615" ["a" "1"]]]
        XRANGE s (18446744073709551615-18446744073709551615 +   => -ERR invalid start ID for the interval
        XRANGE s - (0-0                     => -ERR invalid end ID for the interval
        XREVRANGE s (0-0 -                  => -ERR invalid end ID for the interval
        XREAD STREAMS s 18446744073709551615-18446744073709551615   => nil*
        XADD t 5-18446744073709551615 a 1   => "5-18446744073709551615"
        XADD t 6-* a 1                      => "6-0"
    """)


@pytest.mark.since(7, 2)
def test_what_older_stock_servers_say_otherwise(talk):
    talk("""
        XADD t 5-18446744073709551615 a 1   => "5-18446744073709551615"
        XADD t 5-* a 1                      => -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XSETID t 9-9 ENTRIESADDED 5 MAXDELETEDID 8-8    => +OK
        XSETID t 8-7                        => -ERR The ID specified in XSETID is smaller than current max_deleted_entry_id
        XREAD BLOCK 9223372036854775807 STREAMS t 0     => -ERR timeout is out of range
    """)


def test_ranges_with_open_ends_and_incomplete_ids(c, talk):
    for i in range(1, 6):
        for seq in range(3):
            c("XADD", "s", "%d-%d" % (i, seq), "n", i)
    ids = lambda *args: [e[0].decode() for e in c(*args)]
    assert ids("XRANGE", "s", "2", "3") == ["2-0", "2-1", "2-2", "3-0", "3-1", "3-2"]
    assert ids("XRANGE", "s", "(2", "3-1") == ["2-1", "2-2", "3-0", "3-1"]
    assert ids("XRANGE", "s", "(2-2", "(3-1") == ["3-0"]
    assert ids("XRANGE", "s", "-", "(1-2") == ["1-0", "1-1"]
    assert ids("XRANGE", "s", "5-2", "+") == ["5-2"]
    assert ids("XRANGE", "s", "4", "2") == []
    assert ids("XREVRANGE", "s", "2", "(1-1") == ["2-2", "2-1", "2-0", "1-2"]
    assert ids("XREVRANGE", "s", "+", "-", "COUNT", "1") == ["5-2"]
    assert ids("XREVRANGE", "s", "(3-0", "2-1", "COUNT", "5") == ["2-2", "2-1"]
    assert ids("XRANGE", "s", "-", "+", "COUNT", "2", "COUNT", "3") == ["1-0", "1-1", "1-2"]
    talk("""
        XRANGE s - + COUNT 0                => nil*
        XRANGE s - + COUNT -1               => nil*
        XRANGE nokey - + COUNT 0            => []
        XRANGE s - + COUNT                  => -ERR syntax error
        XRANGE s - + FOO 1                  => -ERR syntax error
        XRANGE s - + COUNT x                => -ERR value is not an integer or out of range
        XRANGE s ( +                        => -ERR Invalid stream ID specified as stream command argument
        XRANGE s (- +                       => -ERR Invalid stream ID specified as stream command argument
        XRANGE s foo +                      => -ERR Invalid stream ID specified as stream command argument
        XRANGE s -                          => -ERR wrong number of arguments for 'xrange' command
        SET k v
        XRANGE k - +                        => -WRONGTYPE Operation against a key holding the wrong kind of value
        XRANGE k foo +                      => -ERR Invalid stream ID specified as stream command argument
        XLEN k                              => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_deleting_leaves_the_stream(talk):
    talk("""
        XADD s 1-1 a 1
        XADD s 1-2 a 2
        XADD s 1-3 a 3
        XDEL s 1-2 9-9 1-2                  => :1
        XDEL s 1-1 foo                      => -ERR Invalid stream ID specified as stream command argument
        XLEN s                              => :2
        XDEL s 1-1 1-3                      => :2
        XLEN s                              => :0
        EXISTS s                            => :1
        XRANGE s - +                        => []
        XADD s 1-3 a 1                      => -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XADD s 1-* a 4                      => "1-4"
        XDEL nokey foo                      => :0
        SET k v
        XDEL k foo                          => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_exact_trimming(talk):
    talk("""
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s MAXLEN 3 4-1 a 4             => "4-1"
        XLEN s                              => :3
        XADD s MAXLEN = 2 5-1 a 5           => "5-1"
        XRANGE s - +                        => [["4-1" ["a" "4"]] ["5-1" ["a" "5"]]]
        XADD s MINID 5 6-1 a 6              => "6-1"
        XTRIM s MINID = 6-1                 => :1
        XTRIM s MAXLEN 5                    => :0
        XTRIM s MAXLEN 0                    => :1
        XLEN s                              => :0
        EXISTS s                            => :1
        XADD s MAXLEN 0 7-1 a 7             => "7-1"
        XLEN s                              => :0
        XTRIM nokey MAXLEN 1                => :0
        XTRIM s                             => -ERR wrong number of arguments for 'xtrim' command
        XTRIM s MAXLEN ~ 1 FOO              => -ERR syntax error
        XTRIM s FOO 1                       => -ERR syntax error
        XTRIM s LIMIT 1                     => -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
        XTRIM s LIMIT 0                     => -ERR syntax error, XTRIM must be called with a trimming strategy
        XTRIM s MAXLEN 1 LIMIT 1            => -ERR syntax error, LIMIT cannot be used without the special ~ option
        XTRIM s MAXLEN 1 MINID 1            => -ERR syntax error, MAXLEN and MINID options at the same time are not compatible
        XTRIM s MAXLEN ~                    => -ERR value is not an integer or out of range
        XTRIM s MINID ~                     => -ERR Invalid stream ID specified as stream command argument
        SET k v
        XTRIM k MAXLEN 1                    => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_trimming_whole_blocks(c):
    """`~` removes blocks of a hundred entries."""
    for i in range(1, 1001):
        c("XADD", "s", "%d" % i, "f", i)
    assert c("XTRIM", "s", "MAXLEN", "~", 850) == 100
    assert c("XLEN", "s") == 900
    assert c("XTRIM", "s", "MINID", "~", "450") == 300
    assert c("XTRIM", "s", "MAXLEN", "~", 0, "LIMIT", 250) == 200
    assert c("XTRIM", "s", "MAXLEN", "~", 0, "LIMIT", 50) == 0
    assert c("XADD", "s", "MAXLEN", "~", 150, "*", "f", "v") is not None
    assert c("XLEN", "s") == 201
    assert c("XTRIM", "s", "MAXLEN", "~", 0, "LIMIT", 0) == 201
    assert c("XLEN", "s") == 0


def test_setting_the_last_id(talk):
    talk("""
        XSETID nokey 1-1                    => -ERR no such key
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XSETID s 3                          => +OK
        XADD s 3-0 a 3                      => -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XSETID s 1-5                        => -ERR The ID specified in XSETID is smaller than the target stream top item
        XSETID s foo                        => -ERR Invalid stream ID specified as stream command argument
        XSETID s -                          => -ERR Invalid stream ID specified as stream command argument
        XSETID s 9-9 ENTRIESADDED 1         => -ERR The entries_added specified in XSETID is smaller than the target stream length
        XSETID s 9-9 ENTRIESADDED -1        => -ERR entries_added must be positive
        XSETID s 9-9 ENTRIESADDED foo       => -ERR value is not an integer or out of range
        XSETID s 9-9 MAXDELETEDID 9-10      => -ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
        XSETID s 9-9 5                      => -ERR syntax error
        XSETID s 9-9 MAXDELETEDID           => -ERR syntax error
        XSETID s 9-9 ENTRIESADDED 50 MAXDELETEDID 8-8       => +OK
        XINFO STREAM s                      => ["length" :2 "radix-tree-keys" :1 "radix-tree-nodes" * "last-generated-id" "9-9" "max-deleted-entry-id" "8-8" "entries-added" :50 "recorded-first-entry-id" "1-1" "groups" :0 "first-entry" ["1-1" ["a" "1"]] "last-entry" ["2-1" ["a" "2"]]]
        SET k v
        XSETID k 1                          => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


# --- reading -----------------------------------------------------------------------------------------


def test_reading_what_is_new(talk, c3):
    talk("""
        XADD a 1-1 f 1
        XADD a 2-1 f 2
        XADD b 1-5 f 3
        XREAD STREAMS a 0                   => [["a" [["1-1" ["f" "1"]] ["2-1" ["f" "2"]]]]]
        XREAD COUNT 1 STREAMS a b 0 0       => [["a" [["1-1" ["f" "1"]]]] ["b" [["1-5" ["f" "3"]]]]]
        XREAD COUNT 0 STREAMS a b 1-1 1-5   => [["a" [["2-1" ["f" "2"]]]]]
        XREAD COUNT -5 STREAMS b nokey 1 0  => [["b" [["1-5" ["f" "3"]]]]]
        XREAD STREAMS a b $ $               => nil*
        XREAD STREAMS nokey 0               => nil*
        XREAD STREAMS a a 1-1 0             => [["a" [["2-1" ["f" "2"]]]] ["a" [["1-1" ["f" "1"]] ["2-1" ["f" "2"]]]]]
        XREAD BLOCK 1 STREAMS a $           => nil*
        XREAD STREAMS a                     => -ERR wrong number of arguments for 'xread' command
        XREAD COUNT 1 STREAMS               => -ERR syntax error
        XREAD COUNT 1 FOO a 0               => -ERR syntax error
        XREAD COUNT x STREAMS a 0           => -ERR value is not an integer or out of range
        XREAD BLOCK x STREAMS a 0           => -ERR timeout is not an integer or out of range
        XREAD BLOCK 1.5 STREAMS a 0         => -ERR timeout is not an integer or out of range
        XREAD BLOCK -1 STREAMS a 0          => -ERR timeout is negative
        XREAD STREAMS a foo                 => -ERR Invalid stream ID specified as stream command argument
        XREAD STREAMS a -                   => -ERR Invalid stream ID specified as stream command argument
        XREAD STREAMS a >                   => -ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
        XREAD GROUP g c STREAMS a 0         => -ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
        XREAD NOACK STREAMS a 0             => -ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
        SET k v
        XREAD STREAMS a k 0 0               => -WRONGTYPE Operation against a key holding the wrong kind of value
        XREAD BLOCK 0 STREAMS k 0           => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)
    assert c3("XREAD", "COUNT", 1, "STREAMS", "a", "b", 0, 0) == Map(
        [(b"a", [entry("1-1", "f", "1")]), (b"b", [entry("1-5", "f", "3")])])
    assert c3("XREAD", "STREAMS", "b", "0") == Map([(b"b", [entry("1-5", "f", "3")])])
    assert c3("XREAD", "STREAMS", "b", "$") is None


@pytest.mark.since(7, 2)
def test_unbalanced_streams(talk):
    talk("""
        XREAD STREAMS a b 0                 => -ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.
        XREADGROUP GROUP g c STREAMS a b 0  => -ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.
    """)


@pytest.mark.since(7, 4)
def test_plus_reads_the_last_entry(c, c2, talk, blocked):
    talk("""
        XADD a 1-1 f 1
        XADD a 2-0 f 2
        XREAD STREAMS a +                   => [["a" [["2-0" ["f" "2"]]]]]
        XREAD STREAMS nokey +               => nil*
        XREAD COUNT 5 STREAMS a a + 0       => [["a" [["2-0" ["f" "2"]]]] ["a" [["1-1" ["f" "1"]] ["2-0" ["f" "2"]]]]]
        XDEL a 2-0
        XREAD STREAMS a +                   => [["a" [["1-1" ["f" "1"]]]]]
        XDEL a 1-1
        XREAD STREAMS a +                   => nil*
    """)
    c.send("XREAD", "BLOCK", 0, "STREAMS", "a", "+")
    blocked()
    c2("XADD", "a", "3-0", "f", "v")
    assert c.read() == [[b"a", [entry("3-0")]]]


def test_a_new_entry_serves_all_readers(server, c, blocked):
    c("XADD", "s", "1-0", "f", "v")
    readers = [server.conn() for _ in range(4)]
    for i, (reader, after) in enumerate(zip(readers, ("$", "1-0", "5-0", "$"))):
        reader.send("XREAD", "BLOCK", 0, "STREAMS", "x", "s", "$", after)
        blocked(i + 1)
    assert int(c.info("clients").get("total_blocking_keys", 2)) == 2
    c("XADD", "s", "2-0", "f", "v")
    for reader in (readers[0], readers[1], readers[3]):
        assert reader.read() == [[b"s", [entry("2-0")]]]
    blocked(1)
    c("XADD", "s", "5-0", "f", "v")
    blocked(1)
    c("XADD", "s", "5-1", "f", "v")
    assert readers[2].read() == [[b"s", [entry("5-1")]]]


def test_dollar_means_the_last_when_the_call_came(c, c2, blocked):
    c("XADD", "s", "1-0", "f", "v")
    c2.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    blocked()
    c.pipeline([["MULTI"], ["XADD", "s", "2-0", "f", "v"], ["XADD", "s", "3-0", "f", "v"], ["EXEC"]])
    assert c2.read() == [[b"s", [entry("2-0"), entry("3-0")]]]
    c2.send("XREAD", "BLOCK", 0, "STREAMS", "t", "$")
    blocked()
    c("XADD", "t", "0-1", "f", "v")
    assert c2.read() == [[b"t", [entry("0-1")]]]


@pytest.mark.since(7, 2)
def test_what_does_not_wake_a_reader(c, c2, blocked):
    c("XADD", "s", "1-0", "f", "v")
    c2.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    blocked()
    c.pipeline([["MULTI"], ["XADD", "s", "2-0", "f", "v"], ["XDEL", "s", "2-0"], ["EXEC"]])
    c.pipeline([["MULTI"], ["XADD", "s", "3-0", "f", "v"], ["DEL", "s"], ["EXEC"]])
    c.pipeline([["MULTI"], ["XADD", "s", "4-0", "f", "v"], ["DEL", "s"], ["LPUSH", "s", "x"], ["EXEC"]])
    c.pipeline([["DEL", "s"], ["SET", "s", "v"], ["DEL", "s"], ["XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"],
                ["XGROUP", "SETID", "s", "g", "0"], ["XSETID", "s", "4-0"], ["XADD", "s", "MAXLEN", "0", "5-0", "f", "v"]])
    blocked()
    c("XADD", "s", "7-0", "f", "v")
    assert c2.read() == [[b"s", [entry("7-0")]]]


def test_a_key_that_comes_in_other_ways_serves_readers(c, c2, blocked):
    c("XADD", "src", "5-0", "f", "v")
    payload = c("DUMP", "src")
    for i, how in enumerate((["COPY", "src", "s{}"], ["RENAME", "src", "s{}"], ["RESTORE", "s{}", 0, payload])):
        how = [a.replace("{}", str(i)) if isinstance(a, str) else a for a in how]
        c2.send("XREAD", "BLOCK", 0, "STREAMS", "s%d" % i, "0")
        blocked()
        assert c(*how) in (1, OK)
        assert c2.read() == [[b"s%d" % i, [entry("5-0")]]]
    c2.send("XREAD", "BLOCK", 0, "STREAMS", "s9", "1-0")
    blocked()
    c.pipeline([["SELECT", 1], ["XADD", "s9", "5-0", "f", "v"], ["SWAPDB", 0, 1]])
    assert c2.read() == [[b"s9", [entry("5-0")]]]


def test_waiting_ends_with_its_time(c, c3, talk):
    assert c.raw("XREAD", "BLOCK", 5, "STREAMS", "s", "$") == b"*-1\r\n"
    assert c3("XREAD", "BLOCK", 5, "STREAMS", "s", "0") is None


def test_no_waiting_in_a_transaction(c):
    assert c.pipeline([["MULTI"], ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"], ["XADD", "s", "1-0", "f", "v"],
                       ["XREAD", "BLOCK", 0, "STREAMS", "s", "0"], ["EXEC"]])[-1] == [
        NIL_ARRAY, b"1-0", [[b"s", [entry("1-0")]]]]


def test_a_reader_can_be_unblocked(c, c2, blocked):
    who = c2("CLIENT", "ID")
    for how, reply in (("TIMEOUT", NIL_ARRAY), ("ERROR", Err("UNBLOCKED client unblocked via CLIENT UNBLOCK"))):
        c2.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
        blocked()
        assert c("CLIENT", "UNBLOCK", who, how) == 1
        assert c2.read() == reply


# --- all together ------------------------------------------------------------------------------------


def test_random_entries_agree_with_a_model(c):
    rng = random.Random(77)
    model = {}
    last = 0
    for step in range(3000):
        r = rng.random()
        if r < 0.6:
            last += rng.randrange(1, 4)
            pairs = [str(rng.randrange(10**rng.randrange(1, 12))) for _ in range(2 * rng.randrange(1, 4))]
            if rng.random() < 0.5:
                pairs[0] = "name"
            assert c("XADD", "s", "%d-%d" % (last, step), *pairs) == b"%d-%d" % (last, step)
            model[(last, step)] = [p.encode() for p in pairs]
        elif r < 0.75 and model:
            some = rng.sample(sorted(model), min(3, len(model)))
            assert c("XDEL", "s", *["%d-%d" % i for i in some]) == len(some)
            for i in some:
                del model[i]
        elif r < 0.77 and model:
            keep = rng.randrange(len(model) + 1)
            assert c("XTRIM", "s", "MAXLEN", keep) == len(model) - keep
            for i in sorted(model)[:len(model) - keep]:
                del model[i]
        elif r < 0.79 and model:
            edge = rng.choice(sorted(model))
            assert c("XTRIM", "s", "MINID", "%d-%d" % edge) == sum(i < edge for i in model)
            model = {i: v for i, v in model.items() if i >= edge}
        else:
            lo = (rng.randrange(last + 2), rng.randrange(3000))
            hi = (rng.randrange(last + 2), rng.randrange(3000))
            want = [[b"%d-%d" % i, model[i]] for i in sorted(model) if lo <= i <= hi]
            count = rng.randrange(1, 20)
            assert c("XRANGE", "s", "%d-%d" % lo, "%d-%d" % hi, "COUNT", count) == want[:count]
            assert c("XREVRANGE", "s", "%d-%d" % hi, "%d-%d" % lo, "COUNT", count) == want[::-1][:count]
    assert c("XRANGE", "s", "-", "+") == [[b"%d-%d" % i, model[i]] for i in sorted(model)] and c("XLEN", "s") == len(model)


def test_large_and_binary_values(c):
    big = bytes(range(256)) * 4096
    assert c("XADD", "s", "1-0", big, big, b"", b"") == b"1-0"
    assert c("XADD", "s", "2-0", *[b"%d" % i for i in range(2000)]) == b"2-0"
    assert c("XRANGE", "s", "1", "1") == [[b"1-0", [big, big, b"", b""]]]
    assert len(c("XRANGE", "s", "2", "2")[0][1]) == 2000


def test_events(c, c2):
    c("CONFIG", "SET", "notify-keyspace-events", "KEA")
    c2("SUBSCRIBE", "__keyspace@0__:s")
    try:
        for request, events in (
                (["XADD", "s", "1-0", "f", "v"], ["xadd"]),
                (["XADD", "s", "MAXLEN", "1", "2-0", "f", "v"], ["xadd", "xtrim"]),
                (["XADD", "s", "MAXLEN", "5", "3-0", "f", "v"], ["xadd"]),
                (["XTRIM", "s", "MAXLEN", "1"], ["xtrim"]),
                (["XDEL", "s", "3-0"], ["xdel"]),
                (["XSETID", "s", "9-0"], ["xsetid"]),
                (["XGROUP", "CREATE", "s", "g", "0"], ["xgroup-create"]),
                (["XGROUP", "SETID", "s", "g", "1"], ["xgroup-setid"]),
                (["XADD", "s", "10-0", "f", "v"], ["xadd"]),
                (["XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">"], ["xgroup-createconsumer"]),
                (["XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", "0"], []),
                (["XCLAIM", "s", "g", "b", "0", "10-0"], ["xgroup-createconsumer"]),
                (["XAUTOCLAIM", "s", "g", "c", "0", "0"], ["xgroup-createconsumer"]),
                (["XACK", "s", "g", "10-0"], []),
                (["XGROUP", "CREATECONSUMER", "s", "g", "d"], ["xgroup-createconsumer"]),
                (["XGROUP", "CREATECONSUMER", "s", "g", "d"], []),
                (["XGROUP", "DELCONSUMER", "s", "g", "d"], ["xgroup-delconsumer"]),
                (["XGROUP", "DESTROY", "s", "g"], ["xgroup-destroy"]),
                (["XGROUP", "DESTROY", "s", "g"], []),
                (["XTRIM", "s", "MAXLEN", "5"], []), (["DEL", "s"], ["del"])):
            assert not isinstance(c(*request), Err), request
            c("PUBLISH", "__keyspace@0__:s", "end")
            got = []
            while (event := c2.read()[2]) != b"end":
                got.append(event.decode())
            assert got == events, request
    finally:
        c("CONFIG", "SET", "notify-keyspace-events", "")


def test_watch_sees_entries_but_not_what_groups_do(c, c2):
    c("XADD", "s", "1-0", "f", "v")
    c("XGROUP", "CREATE", "s", "g", "0")
    for request, spoils in ((["XADD", "s", "*", "f", "v"], True), (["XDEL", "s", "1-0"], True),
                            (["XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">"], False),
                            (["XACK", "s", "g", "1-0"], False), (["XGROUP", "SETID", "s", "g", "0"], False),
                            (["XGROUP", "CREATE", "s", "h", "0"], False), (["XSETID", "s", "9999999999999"], False),
                            (["DEL", "s"], True), (["XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"], True)):
        c("WATCH", "s")
        c("MULTI")
        c2(*request)
        c("PING")
        assert (c("EXEC") is NIL_ARRAY) == spoils, request


def contents(conn, key):
    full = conn("XINFO", "STREAM", key, "FULL", "COUNT", 0)
    names = full[::2]
    return {n: v for n, v in zip(names, full[1::2]) if not n.startswith(b"radix")}


@pytest.mark.memd_only
@pytest.mark.parametrize("how", ["log", "snapshot", "killed"])
def test_streams_survive_a_restart(start, how):
    s = start(appendonly="no" if how == "snapshot" else "yes", stream_node_max_entries=10, enable_debug_command="yes")
    c = s.conn()
    for i in range(100):
        c("XADD", "s", "*" if i >= 50 else "%d-*" % (i + 1), "f", "v%d" % i, "n", i)
        if i == 0:
            c("XDEL", "s", c("XRANGE", "s", "-", "+")[0][0])
            c("XSETID", "s", "1-5")
            c("XADD", "t", "MAXLEN", "~", "15", "1-%d" % (i + 1), "f", "v")
    for i in range(1, 60):
        c("XADD", "t", "MAXLEN", "~", 15, "LIMIT", 10, "1-%d" % (i + 1), "f", "v")
    ids = [e[0] for e in c("XRANGE", "s", "-", "+")]
    c("XDEL", "s", ids[4], ids[50])
    c("XTRIM", "s", "MINID", "~", ids[25])
    c("XADD", "empty", "MAXLEN", 0, "7-7", "f", "v")
    before = {k: contents(c, k) for k in ("s", "t", "empty")}
    digest = c("DEBUG", "DIGEST")
    c("DEBUG", "RELOAD")
    assert c("DEBUG", "DIGEST") == digest
    if how == "snapshot":
        c("SAVE")
    s.restart(kill=how == "killed")
    c = s.conn()
    assert {k: contents(c, k) for k in ("s", "t", "empty")} == before
    assert c("DEBUG", "DIGEST") == digest
