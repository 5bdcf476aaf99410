"""Streams: groups of consumers, what is pending for them, and claiming it."""
import pytest

from resp import Err, Map, NIL_ARRAY, OK
from server import wait_for
from test_streams import blocked, contents, entry  # noqa: F401

NO_GROUP = "NOGROUP No such key '%s' or consumer group '%s'"
READ_NO_GROUP = Err((NO_GROUP % ("s", "g")) + " in XREADGROUP with GROUP option")


@pytest.fixture
def five(c):
    """s holds 1-0 .. 5-0, and a group g that has read nothing."""
    for i in range(1, 6):
        c("XADD", "s", "%d-0" % i, "f", "v")
    c("XGROUP", "CREATE", "s", "g", "0")
    return c


def read(c, consumer, *options, key="s", after=">"):
    """The ids of what a consumer gets."""
    got = c("XREADGROUP", "GROUP", "g", consumer, *options, "STREAMS", key, after)
    return [e[0].decode() for e in got[0][1]] if isinstance(got, list) else got


def pending(c, *args):
    return [(p[0].decode(), p[1].decode(), p[3]) for p in c("XPENDING", "s", "g", *(args or ("-", "+", 100)))]


def test_entries_read_beyond_the_greatest_number(c):
    """It wraps, as stock servers let it."""
    c("XADD", "s", "1-1", "f", "v")
    assert c("XGROUP", "CREATE", "s", "g", "0", "ENTRIESREAD", 2**63 - 1) == OK
    assert len(c("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">")) == 1
    group = c("XINFO", "GROUPS", "s")[0]
    assert group[group.index(b"entries-read") + 1] == -2**63


def test_xgroup(talk):
    talk("""
        XGROUP CREATE s g $                     => -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        XGROUP CREATE s g foo MKSTREAM          => -ERR Invalid stream ID specified as stream command argument
        XGROUP CREATE s g foo                   => -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        EXISTS s                                => :0
        XGROUP CREATE s g $ MKSTREAM            => +OK
        XGROUP CREATE s g $ MKSTREAM            => -BUSYGROUP Consumer Group name already exists
        XGROUP CREATE s g 0                     => -BUSYGROUP Consumer Group name already exists
        XGROUP CREATE s h - ENTRIESREAD 5       => -ERR Invalid stream ID specified as stream command argument
        XGROUP CREATE s h 0 ENTRIESREAD 5       => +OK
        XGROUP CREATE s i 0 ENTRIESREAD -1 MKSTREAM     => +OK
        XGROUP CREATE s j 0 ENTRIESREAD -2      => -ERR value for ENTRIESREAD must be positive or -1
        XGROUP CREATE s j 0 ENTRIESREAD x       => -ERR value is not an integer or out of range
        XGROUP CREATE s j 0 ENTRIESREAD         => -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        XGROUP CREATE s j 0 FOO                 => -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        XGROUP CREATE s j 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM  => -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        XGROUP CREATE s j                       => -ERR wrong number of arguments for 'xgroup|create' command
        XGROUP SETID s g 5-5                    => +OK
        XGROUP SETID s g +                      => +OK
        XGROUP SETID s g $ ENTRIESREAD 3        => +OK
        XGROUP SETID s g foo                    => -ERR Invalid stream ID specified as stream command argument
        XGROUP SETID s nope foo                 => -NOGROUP No such consumer group 'nope' for key name 's'
        XGROUP SETID nokey g foo                => -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        XGROUP SETID s g 0 MKSTREAM             => -ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2  => -ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        XGROUP CREATECONSUMER s g a             => :1
        XGROUP CREATECONSUMER s g a             => :0
        XGROUP CREATECONSUMER s nope a          => -NOGROUP No such consumer group 'nope' for key name 's'
        XGROUP CREATECONSUMER nokey g a         => -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        XGROUP DELCONSUMER s g a                => :0
        XGROUP DELCONSUMER s g nobody           => :0
        XGROUP DELCONSUMER s nope a             => -NOGROUP No such consumer group 'nope' for key name 's'
        XGROUP DESTROY s g                      => :1
        XGROUP DESTROY s g                      => :0
        XGROUP DESTROY nokey g                  => -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        XGROUP FOO                              => -ERR unknown subcommand 'FOO'. Try XGROUP HELP.
        XGROUP HELP                             => *
        XGROUP HELP x                           => -ERR wrong number of arguments for 'xgroup|help' command
        SET k v
        XGROUP CREATE k g $ MKSTREAM            => -WRONGTYPE Operation against a key holding the wrong kind of value
        XGROUP DESTROY k g                      => -WRONGTYPE Operation against a key holding the wrong kind of value
        XGROUP SETID k g foo                    => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_each_entry_goes_to_one_consumer(five):
    c = five
    assert c("XREADGROUP", "GROUP", "g", "a", "COUNT", 2, "STREAMS", "s", ">") == [
        [b"s", [entry("1-0"), entry("2-0")]]]
    assert read(c, "b", "COUNT", 1) == ["3-0"]
    assert read(c, "a") == ["4-0", "5-0"]
    assert read(c, "b") is NIL_ARRAY
    assert pending(c) == [("1-0", "a", 1), ("2-0", "a", 1), ("3-0", "b", 1), ("4-0", "a", 1), ("5-0", "a", 1)]
    assert read(c, "b", after="0") == ["3-0"]
    assert read(c, "a", "COUNT", 2, after="1-0") == ["2-0", "4-0"]
    assert pending(c)[1] == ("2-0", "a", 2)
    assert read(c, "nobody", after="0") == []
    assert c("XACK", "s", "g", "1-0", "3-0", "3-0", "9-9") == 2
    assert read(c, "b", after="0") == []
    c("XDEL", "s", "2-0")
    assert c("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", "0") == [
        [b"s", [[b"2-0", NIL_ARRAY], entry("4-0"), entry("5-0")]]]


def test_replies_in_resp3(five, c3):
    five("XADD", "t", "1-0", "f", "v")
    five("XGROUP", "CREATE", "t", "g", "0")
    assert c3("XREADGROUP", "GROUP", "g", "a", "COUNT", 1, "STREAMS", "s", "t", ">", ">") == Map(
        [(b"s", [entry("1-0")]), (b"t", [entry("1-0")])])
    assert c3("XREADGROUP", "GROUP", "g", "a", "STREAMS", "t", ">") is None
    assert c3("XREADGROUP", "GROUP", "g", "a", "STREAMS", "t", "0") == Map([(b"t", [entry("1-0")])])
    assert c3("XPENDING", "t", "g") == [1, b"1-0", b"1-0", [[b"a", b"1"]]]
    c3("XACK", "t", "g", "1-0")
    assert c3("XPENDING", "t", "g") == [0, None, None, None]
    assert c3("XINFO", "GROUPS", "t") == [Map([
        (b"name", b"g"), (b"consumers", 1), (b"pending", 0), (b"last-delivered-id", b"1-0"), (b"entries-read", 1),
        (b"lag", 0)])]


def test_bad_reads_as_a_group(talk):
    talk("""
        XREADGROUP GROUP g a STREAMS s >        => -NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option
        XGROUP CREATE s g $ MKSTREAM
        XREADGROUP GROUP nope a STREAMS s >     => -NOGROUP No such key 's' or consumer group 'nope' in XREADGROUP with GROUP option
        XREADGROUP GROUP g a STREAMS s $        => -ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.
        XREADGROUP GROUP g a STREAMS s foo      => -ERR Invalid stream ID specified as stream command argument
        XREADGROUP COUNT 5 NOACK STREAMS s      => -ERR wrong number of arguments for 'xreadgroup' command
        XREADGROUP COUNT 5 NOACK NOACK STREAMS s >      => -ERR Missing GROUP option for XREADGROUP
        XREADGROUP GROUP g a COUNT x STREAMS s >        => -ERR value is not an integer or out of range
        XREADGROUP GROUP g a BLOCK x STREAMS s >        => -ERR timeout is not an integer or out of range
        XREADGROUP GROUP g a FOO STREAMS s >    => -ERR syntax error
        XREADGROUP GROUP g a COUNT 1 STREAMS    => -ERR syntax error
        SET k v
        XREADGROUP GROUP g a STREAMS s k > >    => -WRONGTYPE Operation against a key holding the wrong kind of value
        XREADGROUP GROUP g a STREAMS k >        => -WRONGTYPE Operation against a key holding the wrong kind of value
        XINFO CONSUMERS s g                     => []
        XACK nokey g 1-0                        => :0
        XACK s nope foo                         => :0
        XACK s g foo                            => -ERR Invalid stream ID specified as stream command argument
        XACK s g 1-0 foo                        => -ERR Invalid stream ID specified as stream command argument
        XACK k g 1-0                            => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_what_needs_no_acknowledgement_is_not_pending(five):
    c = five
    assert read(c, "a", "NOACK", "COUNT", 2) == ["1-0", "2-0"]
    assert c("XPENDING", "s", "g") == [0, None, None, NIL_ARRAY]
    assert read(c, "a") == ["3-0", "4-0", "5-0"]


def test_a_group_set_back_delivers_again(five):
    c = five
    read(c, "a")
    c("XGROUP", "SETID", "s", "g", "2-0")
    assert read(c, "b") == ["3-0", "4-0", "5-0"]
    assert [p[1] for p in pending(c)] == ["a", "a", "b", "b", "b"]
    assert c("XGROUP", "DELCONSUMER", "s", "g", "b") == 3
    assert [p[0] for p in pending(c)] == ["1-0", "2-0"]


def test_pending(five, talk):
    c = five
    read(c, "a", "COUNT", 3)
    read(c, "b")
    talk("""
        XPENDING s g                            => [:5 "1-0" "5-0" [["a" "3"] ["b" "2"]]]
        XPENDING s g - + 0                      => []
        XPENDING s g - + -1                     => []
        XPENDING s g - + 10 nobody              => []
        XPENDING s g 2 (4-0 10                  => [["2-0" "a" :0..60000 :1] ["3-0" "a" :0..60000 :1]]
        XPENDING s g - + 1 b                    => [["4-0" "b" :0..60000 :1]]
        XPENDING s g IDLE 60000 - + 10          => []
        XPENDING s g IDLE 0 - + 10 b            => [["4-0" "b" :0..60000 :1] ["5-0" "b" :0..60000 :1]]
        XPENDING s g -                          => -ERR syntax error
        XPENDING s g - +                        => -ERR syntax error
        XPENDING s g IDLE 5 - +                 => -ERR syntax error
        XPENDING s g IDLE x - + 1               => -ERR value is not an integer or out of range
        XPENDING s g - + x                      => -ERR value is not an integer or out of range
        XPENDING s g foo + 1                    => -ERR Invalid stream ID specified as stream command argument
        XPENDING s g - (0-0 1                   => -ERR invalid end ID for the interval
        XPENDING s g - + 1 a b c d              => -ERR syntax error
        XPENDING s nope                         => -NOGROUP No such key 's' or consumer group 'nope'
        XPENDING nokey g                        => -NOGROUP No such key 'nokey' or consumer group 'g'
        SET k v
        XPENDING k g                            => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_claiming(five, talk):
    c = five
    read(c, "a", "COUNT", 3)
    talk("""
        XCLAIM s g b 60000 1-0                  => []
        XCLAIM s g b 0 1-0 1-0 4-0 9-9          => [["1-0" ["f" "v"]] ["1-0" ["f" "v"]]]
        XCLAIM s g b 0 2-0 JUSTID               => ["2-0"]
        XCLAIM s g b -5 4-0 FORCE JUSTID RETRYCOUNT 7 IDLE 5000  => ["4-0"]
        XPENDING s g - + 10                     => [["1-0" "b" :0..60000 :3] ["2-0" "b" :0..60000 :1] ["3-0" "a" :0..60000 :1] ["4-0" "b" :5000..65000 :7]]
        XCLAIM s g b 0 3-0 TIME 1000 JUSTID     => ["3-0"]
        XCLAIM s g b 0 3-0 TIME 99999999999999 JUSTID   => ["3-0"]
        XPENDING s g 3 3 1                      => [["3-0" "b" :0..60000 :1]]
        XCLAIM s g b 0 3-0 RETRYCOUNT -1        => [["3-0" ["f" "v"]]]
        XCLAIM s g b 0 JUSTID                   => []
        XDEL s 1-0
        XCLAIM s g a 0 1-0 2-0                  => [["2-0" ["f" "v"]]]
        XPENDING s g 1 1 1                      => []
        XCLAIM s g a foo 1-0                    => -ERR Invalid min-idle-time argument for XCLAIM
        XCLAIM s g a 0 1-0 IDLE foo             => -ERR Invalid IDLE option argument for XCLAIM
        XCLAIM s g a 0 1-0 TIME foo             => -ERR Invalid TIME option argument for XCLAIM
        XCLAIM s g a 0 1-0 RETRYCOUNT foo       => -ERR Invalid RETRYCOUNT option argument for XCLAIM
        XCLAIM s g a 0 1-0 LASTID foo           => -ERR Invalid stream ID specified as stream command argument
        XCLAIM s g a 0 1-0 IDLE                 => -ERR Unrecognized XCLAIM option 'IDLE'
        XCLAIM s g a 0 1-0 foo 2-0              => -ERR Unrecognized XCLAIM option 'foo'
        XCLAIM s g a 0                          => -ERR wrong number of arguments for 'xclaim' command
        XCLAIM s nope a foo 1-0                 => -NOGROUP No such key 's' or consumer group 'nope'
        XCLAIM nokey g a 0 1-0                  => -NOGROUP No such key 'nokey' or consumer group 'g'
        SET k v
        XCLAIM k g a foo 1-0                    => -WRONGTYPE Operation against a key holding the wrong kind of value
        XCLAIM s g a 0 9-9 LASTID 4-0           => []
    """)
    assert read(c, "a") == ["5-0"]


def test_claiming_what_has_been_left(five, talk):
    c = five
    read(c, "a")
    c("XDEL", "s", "2-0", "5-0")
    talk("""
        XAUTOCLAIM s g b 60000 -                => ["0-0" [] ["2-0" "5-0"]]
        XAUTOCLAIM s g b 0 - COUNT 2            => ["4-0" [["1-0" ["f" "v"]] ["3-0" ["f" "v"]]] []]
        XAUTOCLAIM s g b 0 (3-0 COUNT 1 JUSTID  => ["0-0" ["4-0"] []]
        XPENDING s g - + 10                     => [["1-0" "b" :0..60000 :2] ["3-0" "b" :0..60000 :2] ["4-0" "b" :0..60000 :1]]
        XAUTOCLAIM s g b 0 9-9                  => ["0-0" [] []]
        XAUTOCLAIM s g b foo 0                  => -ERR Invalid min-idle-time argument for XAUTOCLAIM
        XAUTOCLAIM s g b 0 foo                  => -ERR Invalid stream ID specified as stream command argument
        XAUTOCLAIM s g b 0 (18446744073709551615-18446744073709551615   => -ERR invalid start ID for the interval
        XAUTOCLAIM s g b 0 0 COUNT 0            => -ERR COUNT must be > 0
        XAUTOCLAIM s g b 0 0 COUNT foo          => -ERR COUNT must be > 0
        XAUTOCLAIM s g b 0 0 COUNT 9223372036854775807  => -ERR COUNT must be > 0
        XAUTOCLAIM s g b 0 0 COUNT              => -ERR syntax error
        XAUTOCLAIM s g b 0 0 FOO                => -ERR syntax error
        XAUTOCLAIM s nope b foo 0               => -ERR Invalid min-idle-time argument for XAUTOCLAIM
        XAUTOCLAIM s nope b 0 0                 => -NOGROUP No such key 's' or consumer group 'nope'
        XAUTOCLAIM nokey g b 0 0                => -NOGROUP No such key 'nokey' or consumer group 'g'
        SET k v
        XAUTOCLAIM k g b 0 0                    => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_xinfo(five, talk):
    c = five
    read(c, "a", "COUNT", 2)
    c("XGROUP", "CREATE", "s", "b", "3-0", "ENTRIESREAD", "3")
    c("XGROUP", "CREATE", "s", "a", "(x".replace("(x", "2-0"))
    talk("""
        XINFO STREAM s                          => ["length" :5 "radix-tree-keys" :1 "radix-tree-nodes" * "last-generated-id" "5-0" "max-deleted-entry-id" "0-0" "entries-added" :5 "recorded-first-entry-id" "1-0" "groups" :3 "first-entry" ["1-0" ["f" "v"]] "last-entry" ["5-0" ["f" "v"]]]
        XINFO GROUPS s                          => [["name" "a" "consumers" :0 "pending" :0 "last-delivered-id" "2-0" "entries-read" nil "lag" nil] ["name" "b" "consumers" :0 "pending" :0 "last-delivered-id" "3-0" "entries-read" :3 "lag" :2] ["name" "g" "consumers" :1 "pending" :2 "last-delivered-id" "2-0" "entries-read" :2 "lag" :3]]
        XINFO CONSUMERS s b                     => []
        XINFO CONSUMERS s nope                  => -NOGROUP No such consumer group 'nope' for key name 's'
        XINFO STREAM nokey                      => -ERR no such key
        XINFO GROUPS nokey                      => -ERR no such key
        XINFO CONSUMERS nokey g                 => -ERR no such key
        XINFO STREAM s FOO                      => -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        XINFO STREAM s FULL COUNT               => -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        XINFO STREAM s FULL FOO 1               => -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        XINFO STREAM s FULL COUNT x             => -ERR value is not an integer or out of range
        XINFO STREAM                            => -ERR wrong number of arguments for 'xinfo|stream' command
        XINFO FOO                               => -ERR unknown subcommand 'FOO'. Try XINFO HELP.
        XINFO HELP                              => *
        SET k v
        XINFO STREAM k                          => -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


@pytest.mark.since(7, 2)
def test_xinfo_full(five, c3):
    c = five
    read(c, "a", "COUNT", 3)
    read(c, "idle", after="0")
    full = contents(c, "s")
    assert full[b"length"] == 5 and full[b"entries"] == [entry("%d-0" % i) for i in range(1, 6)]
    group = full[b"groups"][0]
    assert group[:10] == [b"name", b"g", b"last-delivered-id", b"3-0", b"entries-read", 3, b"lag", 2, b"pel-count", 3]
    now = int(c("TIME")[0]) * 1000
    assert [p[:2] + p[3:] for p in group[11]] == [[b"%d-0" % i, b"a", 1] for i in (1, 2, 3)]
    assert all(abs(p[2] - now) < 60000 for p in group[11])
    a, idle = group[13]
    assert a[0:2] == [b"name", b"a"] and a[2] == b"seen-time" and a[3] == a[5] and a[6:8] == [b"pel-count", 3]
    assert [p[0] for p in a[9]] == [b"1-0", b"2-0", b"3-0"] and len(a[9][0]) == 3
    assert idle[4:10] == [b"active-time", -1, b"pel-count", 0, b"pending", []]
    consumers = c("XINFO", "CONSUMERS", "s", "g")
    assert [k[1] for k in consumers] == [b"a", b"idle"] and consumers[1][6:] == [b"inactive", -1]
    assert 0 <= consumers[0][7] < 60000 and consumers[0][2:4] == [b"pending", 3]
    one = dict(c3("XINFO", "STREAM", "s", "FULL", "COUNT", 1))
    assert one[b"entries"] == [entry("1-0")] and len(dict(one[b"groups"][0])[b"pending"]) == 1
    assert isinstance(c3("XINFO", "STREAM", "s"), Map)


def test_an_empty_stream_in_xinfo(talk):
    talk("""
        XGROUP CREATE s g $ MKSTREAM
        XINFO STREAM s                          => ["length" :0 "radix-tree-keys" :0 "radix-tree-nodes" :1 "last-generated-id" "0-0" "max-deleted-entry-id" "0-0" "entries-added" :0 "recorded-first-entry-id" "0-0" "groups" :1 "first-entry" nil "last-entry" nil]
        XADD s 1-0 f v
        XDEL s 1-0
        XINFO STREAM s                          => ["length" :0 "radix-tree-keys" :0 "radix-tree-nodes" :1 "last-generated-id" "1-0" "max-deleted-entry-id" "1-0" "entries-added" :1 "recorded-first-entry-id" "0-0" "groups" :1 "first-entry" nil "last-entry" nil]
    """)


# --- waiting -------------------------------------------------------------------------------------------


def test_consumers_that_wait_share_what_comes(server, c, blocked):
    c("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    waiting = [server.conn() for _ in range(3)]
    for i, w in enumerate(waiting):
        w.send("XREADGROUP", "GROUP", "g", "c%d" % i, "BLOCK", 0, "STREAMS", "s", ">")
        blocked(i + 1)
    assert int(c.info("clients").get("total_blocking_keys_on_nokey", 1)) == 1
    c("XADD", "s", "1-0", "f", "v")
    assert waiting[0].read() == [[b"s", [entry("1-0")]]]
    blocked(2)
    c.pipeline([["MULTI"], ["XADD", "s", "2-0", "f", "v"], ["XADD", "s", "3-0", "f", "v"], ["EXEC"]])
    assert waiting[1].read() == [[b"s", [entry("2-0"), entry("3-0")]]]
    blocked(1)
    c("XADD", "s", "4-0", "f", "v")
    assert waiting[2].read() == [[b"s", [entry("4-0")]]]
    assert [p[1] for p in pending(c)] == ["c0", "c1", "c1", "c2"]


def test_history_does_not_wait(five, c3):
    assert five("XREADGROUP", "GROUP", "g", "a", "BLOCK", 0, "STREAMS", "s", "0") == [[b"s", []]]
    assert read(five, "a", "COUNT", 1) == ["1-0"]
    five("XGROUP", "CREATE", "t", "g", "$", "MKSTREAM")
    assert five("XREADGROUP", "GROUP", "g", "a", "BLOCK", 0, "STREAMS", "t", "s", ">", "0") == [
        [b"s", [entry("1-0")]]]


@pytest.mark.since(7, 2)
@pytest.mark.parametrize("how,reply", [
    ([["DEL", "s"]], READ_NO_GROUP),
    ([["UNLINK", "s"]], READ_NO_GROUP),
    ([["SET", "s", "v"]], Err("WRONGTYPE Operation against a key holding the wrong kind of value")),
    ([["MULTI"], ["DEL", "s"], ["SADD", "s", "m"], ["EXEC"]],
     Err("WRONGTYPE Operation against a key holding the wrong kind of value")),
    ([["FLUSHALL"]], READ_NO_GROUP),
    ([["FLUSHDB", "ASYNC"]], READ_NO_GROUP),
    ([["SWAPDB", 0, 1]], READ_NO_GROUP),
    ([["RENAME", "s", "t"]], READ_NO_GROUP),
    ([["MOVE", "s", 1]], READ_NO_GROUP),
    ([["PEXPIREAT", "s", 1]], READ_NO_GROUP),
    ([["XGROUP", "DESTROY", "s", "g"]], READ_NO_GROUP),
    ([["XADD", "t", "1-0", "f", "v"], ["RENAME", "t", "s"]], READ_NO_GROUP),
    ([["XADD", "t", "1-0", "f", "v"], ["XGROUP", "CREATE", "t", "g", "0"], ["RENAME", "t", "s"]],
     [[b"s", [entry("1-0")]]]),
], ids=lambda v: "-".join(str(w) for w in v[0]) if isinstance(v, list) and isinstance(v[0][0], str) else None)
def test_what_ends_a_group_wakes_its_consumers(c, c2, blocked, how, reply):
    c("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    c2.send("XREADGROUP", "GROUP", "g", "a", "BLOCK", 0, "STREAMS", "s", ">")
    blocked()
    c.pipeline(how)
    assert c2.read() == reply
    blocked(0)


@pytest.mark.since(7, 2)
def test_a_key_that_expires_wakes_its_consumers(c, c2, blocked):
    c("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    c2.send("XREADGROUP", "GROUP", "g", "a", "BLOCK", 0, "STREAMS", "s", ">")
    blocked()
    c("PEXPIRE", "s", 20)
    assert c2.read() == READ_NO_GROUP


@pytest.mark.since(7, 2)
def test_what_does_not_wake_a_consumer(c, c2, blocked):
    """A reader without a group waits on when the key is gone, and others are not woken by what is no entry."""
    c("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    c2.send("XREADGROUP", "GROUP", "g", "a", "BLOCK", 0, "STREAMS", "s", ">")
    blocked()
    c.pipeline([["XGROUP", "CREATE", "s", "h", "$"], ["XGROUP", "CREATECONSUMER", "s", "g", "x"],
                ["XGROUP", "DELCONSUMER", "s", "g", "x"], ["XACK", "s", "g", "1-0"], ["XGROUP", "DESTROY", "s", "h"],
                ["XADD", "s", "MAXLEN", "0", "1-0", "f", "v"]])
    blocked()
    c("XADD", "s", "2-0", "f", "v")
    assert c2.read() == [[b"s", [entry("2-0")]]]


@pytest.mark.since(7, 2)
def test_waiting_ends_with_its_time(c):
    c("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    assert c("XREADGROUP", "GROUP", "g", "a", "BLOCK", 5, "STREAMS", "s", ">") is NIL_ARRAY
    assert [k[1] for k in c("XINFO", "CONSUMERS", "s", "g")] == [b"a"]


def test_entries_read_and_lag_follow_the_group(c):
    def lag():
        g = c("XINFO", "GROUPS", "s")[0]
        return g[9], g[11]

    for i in range(1, 6):
        c("XADD", "s", "%d-0" % i, "f", "v")
    c("XGROUP", "CREATE", "s", "g", "0")
    assert lag() == (None, 5)
    read(c, "a", "COUNT", 1)
    assert lag() == (1, 4)
    c("XDEL", "s", "3-0")
    assert lag() == (1, None)
    read(c, "a", "COUNT", 1)
    read(c, "a")
    assert lag() == (5, 0)
    c("XADD", "s", "6-0", "f", "v")
    assert lag() == (5, 1)


# --- what stays --------------------------------------------------------------------------------------


def groups_of(conn, key):
    """XINFO FULL's groups without the times at which consumers were seen."""
    def without_times(group):
        group = list(group)
        at = group.index(b"consumers") + 1
        group[at] = [[v for i, v in enumerate(k) if i not in (3, 5)] for k in group[at]]
        return group
    return [without_times(g) for g in contents(conn, key)[b"groups"]]


@pytest.mark.memd_only
@pytest.mark.parametrize("how", ["log", "snapshot", "killed"])
def test_groups_survive_a_restart(start, how):
    s = start(appendonly="no" if how == "snapshot" else "yes", enable_debug_command="yes")
    c = s.conn()
    for i in range(1, 21):
        c("XADD", "s", "%d-0" % i, "f", "v")
    c("XGROUP", "CREATE", "s", "g", "0")
    c("XGROUP", "CREATE", "s", "other", "$", "ENTRIESREAD", "20")
    read(c, "a", "COUNT", 5)
    read(c, "b", "COUNT", 5)
    read(c, "b", "NOACK", "COUNT", 2)
    read(c, "silent", "NOACK", "COUNT", 1)
    read(c, "idle", after="0")
    read(c, "a", "COUNT", 2, after="0")
    c("XCLAIM", "s", "g", "c", 0, "1-0", "7-0", "RETRYCOUNT", 9)
    c("XCLAIM", "s", "g", "nothing", 600000, "2-0")
    c("XCLAIM", "s", "g", "c", 0, "99-0", "LASTID", "14-0")
    c("XDEL", "s", "3-0", "8-0", "9-0")
    c("XAUTOCLAIM", "s", "g", "d", 0, "3-0", "COUNT", 3)
    c("XACK", "s", "g", "2-0")
    c("XGROUP", "CREATECONSUMER", "s", "other", "x")
    c("XGROUP", "SETID", "s", "other", "5-0", "ENTRIESREAD", "5")
    before = groups_of(c, "s"), c("XINFO", "GROUPS", "s")
    assert c("DEBUG", "RELOAD") == OK
    assert (groups_of(c, "s"), c("XINFO", "GROUPS", "s")) == before
    if how == "snapshot":
        c("SAVE")
    s.restart(kill=how == "killed")
    c = s.conn()
    assert (groups_of(c, "s"), c("XINFO", "GROUPS", "s")) == before
    payload = c("DUMP", "s")
    assert c("RESTORE", "copy", 0, payload) == OK and c("COPY", "s", "second") == 1
    assert groups_of(c, "copy") == groups_of(c, "second") == before[0]


def test_a_client_library_finds_what_it_expects(r):
    """redis-py picks replies apart; a worker's life through it."""
    first = r.xadd("s", {"task": "a"}, maxlen=1000)
    second = r.xadd("s", {"task": "b", "n": 1}, minid=0)
    assert r.xgroup_create("s", "g", id="0") and r.xlen("s") == 2
    assert r.xread({"s": first}, count=1) == [[b"s", [(second, {b"task": b"b", b"n": b"1"})]]]
    assert r.xreadgroup("g", "w1", {"s": ">"}, count=1, block=1) == [[b"s", [(first, {b"task": b"a"})]]]
    assert r.xpending("s", "g") == {"pending": 1, "min": first, "max": first,
                                    "consumers": [{"name": b"w1", "pending": 1}]}
    assert r.xpending_range("s", "g", "-", "+", 5)[0]["times_delivered"] == 1
    assert r.xautoclaim("s", "g", "w2", 0)[1] == [(first, {b"task": b"a"})]
    assert r.xclaim("s", "g", "w1", 0, [first], justid=True) == [first]
    assert r.xack("s", "g", first) == 1
    assert r.xinfo_stream("s")["last-entry"] == (second, {b"task": b"b", b"n": b"1"})
    assert r.xinfo_groups("s")[0]["entries-read"] == 1
    assert {k["name"] for k in r.xinfo_consumers("s", "g")} == {b"w1", b"w2"}
    assert r.xrevrange("s", count=1) == [(second, {b"task": b"b", b"n": b"1"})]
    assert r.xtrim("s", maxlen=1, approximate=False) == 1 and r.xdel("s", second) == 1
    assert r.xgroup_delconsumer("s", "g", "w1") == 0 and r.xgroup_destroy("s", "g") == 1
