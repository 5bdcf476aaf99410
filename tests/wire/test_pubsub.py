"""Channels, patterns, shard channels, and keyspace events."""
import pytest

from resp import Err, OK, PONG, Push
from server import wait_for


def test_subscribe_publish_unsubscribe(c, c2):
    c.send("SUBSCRIBE", "a", "b")
    assert c.read() == [b"subscribe", b"a", 1]
    assert c.read() == [b"subscribe", b"b", 2]
    assert c2("PUBLISH", "a", "hello") == 1
    assert c2("PUBLISH", "nobody", "x") == 0
    assert c.read() == [b"message", b"a", b"hello"]
    assert c("UNSUBSCRIBE", "a") == [b"unsubscribe", b"a", 1]
    assert c2("PUBLISH", "a", "x") == 0
    assert c("UNSUBSCRIBE") == [b"unsubscribe", b"b", 0]
    assert c("UNSUBSCRIBE") == [b"unsubscribe", None, 0]
    assert c("PING") == PONG


def test_patterns(c, c2):
    c.send("PSUBSCRIBE", "news.*", "h?llo")
    assert c.read() == [b"psubscribe", b"news.*", 1]
    assert c.read() == [b"psubscribe", b"h?llo", 2]
    c.send("SUBSCRIBE", "news.a")
    assert c.read() == [b"subscribe", b"news.a", 3]
    assert c2("PUBLISH", "news.a", "m") == 2
    assert c.read() == [b"message", b"news.a", b"m"]
    assert c.read() == [b"pmessage", b"news.*", b"news.a", b"m"]
    assert c2("PUBLISH", "hallo", "m") == 1
    assert c.read() == [b"pmessage", b"h?llo", b"hallo", b"m"]
    c.send("PUNSUBSCRIBE")
    got = [c.read(), c.read()]
    assert sorted(g[1] for g in got) == [b"h?llo", b"news.*"] and got[1][2] == 1
    assert c("PUNSUBSCRIBE", "nope") == [b"punsubscribe", b"nope", 1]


def test_shard_channels(c, c2):
    assert c("SSUBSCRIBE", "s") == [b"ssubscribe", b"s", 1]
    assert c2("SPUBLISH", "s", "m") == 1
    assert c2("PUBLISH", "s", "m") == 0
    assert c.read() == [b"smessage", b"s", b"m"]
    assert c2("PUBSUB", "SHARDCHANNELS") == [b"s"]
    assert c2("PUBSUB", "SHARDNUMSUB", "s", "t") == [b"s", 1, b"t", 0]
    assert c("SUNSUBSCRIBE", "s") == [b"sunsubscribe", b"s", 0]
    assert c("SUNSUBSCRIBE") == [b"sunsubscribe", None, 0]


def test_what_a_subscriber_may_say_in_resp2(c):
    c("SUBSCRIBE", "a")
    assert c("GET", "k") == Err(
        "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
    assert c("PING") == [b"pong", b""]
    assert c("PING", "x") == [b"pong", b"x"]
    assert c.raw("RESET") == b"+RESET\r\n"
    assert c("GET", "k") is None


def test_a_resp3_subscriber_may_say_anything(c3, c):
    assert c3("SUBSCRIBE", "a") == Push([b"subscribe", b"a", 1])
    assert c3("SET", "k", "v") == OK and c3("GET", "k") == b"v"
    assert c3("PING") == PONG
    c("PUBLISH", "a", "m")
    assert c3.read() == Push([b"message", b"a", b"m"])


@pytest.mark.since(7, 2)
def test_a_resp3_client_reads_the_reply_of_publish_before_its_own_message(c3):
    c3("SUBSCRIBE", "a")
    assert c3("PUBLISH", "a", "self") == 1
    assert c3.read() == Push([b"message", b"a", b"self"])


def test_pubsub_tells_what_is_there(c, c2):
    c.send("SUBSCRIBE", "x1", "x2", "y")
    [c.read() for _ in range(3)]
    c.send("PSUBSCRIBE", "p*")
    c.read()
    assert sorted(c2("PUBSUB", "CHANNELS")) == [b"x1", b"x2", b"y"]
    assert sorted(c2("PUBSUB", "CHANNELS", "x*")) == [b"x1", b"x2"]
    assert c2("PUBSUB", "NUMSUB", "x1", "nope") == [b"x1", 1, b"nope", 0]
    assert c2("PUBSUB", "NUMSUB") == []
    assert c2("PUBSUB", "NUMPAT") == 1
    assert c2("PUBSUB", "FOO") == Err("ERR unknown subcommand 'FOO'. Try PUBSUB HELP.")
    assert isinstance(c2("PUBSUB", "HELP"), list)
    c.close()
    wait_for(lambda: c2("PUBSUB", "CHANNELS") == [] and c2("PUBSUB", "NUMPAT") == 0)


def test_a_client_that_does_not_read_is_cut_off(start):
    s = start(client_output_buffer_limit="pubsub 1mb 0 0")
    lazy, c = s.conn(), s.conn()
    lazy("SUBSCRIBE", "a")
    sent = 0
    while c("PUBLISH", "a", "x" * 100000):
        sent += 1
        assert sent < 2000, "100 KB x 2000 were queued for a client that never reads"
    assert lazy.is_closed()


def test_messages_keep_their_order_and_none_is_lost(c, c2):
    c("SUBSCRIBE", "a")
    c2.pipeline([["PUBLISH", "a", i] for i in range(5000)])
    assert [c.read()[2] for _ in range(5000)] == [b"%d" % i for i in range(5000)]


def test_publish_in_a_transaction_comes_with_exec(c, c2):
    c("SUBSCRIBE", "a")
    c2("MULTI")
    c2("PUBLISH", "a", "m")
    assert c("PING", "no message yet") == [b"pong", b"no message yet"]
    assert c2("EXEC") == [1]
    assert c.read() == [b"message", b"a", b"m"]


@pytest.fixture
def events(start):
    """events(flags, commands): the keyspace events that they cause."""
    s = start()
    ear, c = s.conn(), s.conn()
    ear("PSUBSCRIBE", "__key*")

    def events(flags, commands):
        c("FLUSHALL")
        assert c("CONFIG", "SET", "notify-keyspace-events", flags) == OK
        for command in commands:
            c(*command)
        c("CONFIG", "SET", "notify-keyspace-events", "")
        c("PUBLISH", "__key-end", "")
        got = []
        while True:
            m = ear.read()
            if m[2] == b"__key-end":
                return got
            got.append((m[2].decode(), m[3].decode()))

    return events


def test_keyspace_and_keyevent_forms(events):
    assert events("KEA", [["SET", "k", "v"]]) == [("__keyspace@0__:k", "set"), ("__keyevent@0__:set", "k")]
    assert events("K$", [["SET", "k", "v"]]) == [("__keyspace@0__:k", "set")]
    assert events("E$", [["SET", "k", "v"]]) == [("__keyevent@0__:set", "k")]
    assert events("", [["SET", "k", "v"]]) == []
    assert events("El", [["SET", "k", "v"], ["RPUSH", "l", "a"]]) == [("__keyevent@0__:rpush", "l")]


def test_each_change_has_its_event(events):
    script = [
        (["SET", "k", "v"], ["set:k"]), (["SET", "k", "v", "EX", 100], ["set:k", "expire:k"]),
        (["APPEND", "k", "x"], ["append:k"]), (["SETRANGE", "k", 0, "x"], ["setrange:k"]),
        (["SET", "n", 1], ["set:n"]), (["INCR", "n"], ["incrby:n"]), (["DECRBY", "n", 2], ["incrby:n"]),
        (["INCRBYFLOAT", "n", 1], ["incrbyfloat:n"]), (["MSET", "a", 1, "b", 2], ["set:a", "set:b"]),
        (["GETSET", "a", 2], ["set:a"]), (["GETDEL", "a"], ["del:a"]), (["GETEX", "b", "EX", 100], ["expire:b"]),
        (["GETEX", "b", "PERSIST"], ["persist:b"]),
        (["EXPIRE", "n", 100], ["expire:n"]), (["PERSIST", "n"], ["persist:n"]), (["RENAME", "n", "m"], ["rename_from:n", "rename_to:m"]),
        (["COPY", "m", "c"], ["copy_to:c"]), (["MOVE", "c", 1], ["move_from:c"]), (["DEL", "m"], ["del:m"]),
        (["EXPIRE", "b", -1], ["del:b"]),
        (["RPUSH", "l", "a", "b", "c", "d"], ["rpush:l"]), (["LPUSH", "l", "z"], ["lpush:l"]), (["LPOP", "l"], ["lpop:l"]),
        (["RPOP", "l"], ["rpop:l"]), (["LSET", "l", 0, "x"], ["lset:l"]), (["LINSERT", "l", "BEFORE", "x", "y"], ["linsert:l"]),
        (["LREM", "l", 0, "y"], ["lrem:l"]), (["LTRIM", "l", 0, 1], ["ltrim:l"]),
        (["LMOVE", "l", "l2", "LEFT", "RIGHT"], ["rpush:l2", "lpop:l"]), (["LPOP", "l2"], ["lpop:l2", "del:l2"]),
        (["HSET", "h", "f", 1], ["hset:h"]), (["HINCRBY", "h", "f", 1], ["hincrby:h"]),
        (["HINCRBYFLOAT", "h", "f", 1], ["hincrbyfloat:h"]), (["HDEL", "h", "f"], ["hdel:h", "del:h"]),
        (["SADD", "s", "a", "b"], ["sadd:s"]), (["SREM", "s", "a"], ["srem:s"]), (["SMOVE", "s", "s2", "b"], ["srem:s", "del:s", "sadd:s2"]),
        (["SPOP", "s2"], ["spop:s2", "del:s2"]), (["SADD", "s", "a"], ["sadd:s"]), (["SUNIONSTORE", "u", "s"], ["sunionstore:u"]),
        (["SINTERSTORE", "i", "s"], ["sinterstore:i"]), (["SDIFFSTORE", "i", "s", "s"], ["del:i"]),
        (["DEL", "nokey"], []), (["SADD", "s", "a"], []), (["LREM", "l", 0, "nope"], []), (["SET", "k", "v", "NX"], []),
    ]
    got = events("EA", [command for command, _ in script])
    got = ["%s:%s" % (ch.split(":")[1], key) for ch, key in got if "@0__" in ch]
    assert got == [e for _, es in script for e in es]


def test_misses_and_new_keys_have_events_when_asked(events):
    assert events("Em", [["GET", "nokey"], ["SET", "k", "v"], ["GET", "k"]]) == [("__keyevent@0__:keymiss", "nokey")]


def test_new_key_event(events):
    assert events("En", [["SET", "k", "v"], ["SET", "k", "w"], ["RPUSH", "l", "a", "b"]]) == [
        ("__keyevent@0__:new", "k"), ("__keyevent@0__:new", "l")]


def test_flags_are_checked_and_told_back(c):
    assert isinstance(c("CONFIG", "SET", "notify-keyspace-events", "Q"), Err)
    c("CONFIG", "SET", "notify-keyspace-events", "KEA")
    assert c("CONFIG", "GET", "notify-keyspace-events") == [b"notify-keyspace-events", b"AKE"]
    c("CONFIG", "SET", "notify-keyspace-events", "")
