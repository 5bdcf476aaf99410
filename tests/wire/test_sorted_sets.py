"""Sorted sets."""
import random

import pytest

from resp import NIL_ARRAY, OK, QUEUED, Err
from server import wait_for
from test_keys import scan_all


@pytest.fixture
def blocked(server):
    """blocked(n): wait until n clients are waiting."""
    c = server.conn()
    return lambda n=1: wait_for(lambda: int(c.info("clients")["blocked_clients"]) == n,
                                "%d clients should be blocked" % n)


# --- replies --------------------------------------------------------------------------------------

def test_members_have_scores(talk):
    talk("""
        ZADD z 1 a 2 b 3 c              => :3
        ZADD z CH 1 a 5 b 6 d           => :2
        ZADD z XX 9 nope                => :0
        ZADD z NX 9 a                   => :0
        ZADD z GT CH 4 b 7 c            => :1
        ZADD z LT CH 4 b 9 c            => :1
        ZADD z INCR 2 b                 => "6"
        ZADD z NX INCR 2 b              => nil
        ZINCRBY z -0.5 a                => "0.5"
        ZSCORE z a                      => "0.5"
        ZSCORE z nope                   => nil
        ZMSCORE z a nope d              => ["0.5" nil "6"]
        ZCARD z                         => :4
        ZRANGE z 0 -1                   => ["a" "b" "d" "c"]
        ZRANGE z 0 -1 REV WITHSCORES    => ["c" "7" "d" "6" "b" "6" "a" "0.5"]
        ZRANK z d                       => :2
        ZREVRANK z d                    => :1
        ZRANK z nope                    => nil
        ZREM z a d nope                 => :2
        ZREM z b c                      => :2
        EXISTS z                        => :0
    """)


def test_replies_in_resp3(talk, c3):
    talk("""
        ZADD z 1 a 2.5 b inf c          => :3
        ZSCORE z b                      => ,2.5
        ZSCORE z nope                   => nil
        ZMSCORE z a nope                => [,1 nil]
        ZINCRBY z 1 b                   => ,3.5
        ZADD z INCR 1 c                 => ,inf
        ZRANGE z 0 -1                   => ["a" "b" "c"]
        ZRANGE z 0 -1 WITHSCORES        => [["a" ,1] ["b" ,3.5] ["c" ,inf]]
        ZREVRANGE z 0 0 WITHSCORES      => [["c" ,inf]]
        ZRANGEBYSCORE z 1 4 WITHSCORES LIMIT 1 1 => [["b" ,3.5]]
        ZUNION 1 z WITHSCORES           => [["a" ,1] ["b" ,3.5] ["c" ,inf]]
        ZINTER 2 z z WITHSCORES         => [["a" ,2] ["b" ,7] ["c" ,inf]]
        ZDIFF 1 z WITHSCORES            => [["a" ,1] ["b" ,3.5] ["c" ,inf]]
        ZRANDMEMBER z -1                => [*]
        ZRANDMEMBER nokey               => nil
        ZPOPMIN z                       => ["a" ,1]
        ZPOPMIN z 1                     => [["b" ,3.5]]
        ZPOPMAX z 0                     => []
        ZMPOP 1 z MIN                   => ["z" [["c" ,inf]]]
        ZMPOP 1 z MIN                   => nil
        ZADD z 1 a
        BZPOPMIN z 1                    => ["z" "a" ,1]
        ZADD z 1 a 2 b
        BZMPOP 1 1 z MAX COUNT 2        => ["z" [["b" ,2] ["a" ,1]]]
        ZADD z 1 a
        ZSCAN z 0                       => ["0" ["a" "1"]]
    """, c3)
    assert c3("ZRANDMEMBER", "z", 1, "WITHSCORES")[0][0] == b"a"


@pytest.mark.since(7, 2)
def test_a_rank_with_its_score(talk, c3):
    talk("""
        ZADD z 1 a 2.5 b
        ZRANK z b WITHSCORE             => [:1 "2.5"]
        ZREVRANK z b WITHSCORE          => [:0 "2.5"]
        ZRANK z nope WITHSCORE          => nil*
        ZRANK nokey a WITHSCORE         => nil*
        ZRANK z b FOO                   => -ERR syntax error
        ZRANK z b WITHSCORE x           => -ERR wrong number of arguments for 'zrank' command
    """)
    talk("""
        ZRANK z b WITHSCORE             => [:1 ,2.5]
        ZRANK z nope WITHSCORE          => nil
    """, c3)


@pytest.mark.since(7, 2)
def test_scores_are_written_in_the_shortest_form(c):
    for text, reply in (("0.1", "0.1"), ("3.0", "3"), ("1e17", "100000000000000000"), ("1e20", "1e+20"),
                        ("0.30000000000000004", "0.30000000000000004"), ("1e-7", "1e-7"), ("5e-324", "5e-324"),
                        ("1.7976931348623157e308", "1.7976931348623157e+308"), ("+inf", "inf"), ("-Infinity", "-inf"),
                        ("0x10", "16"), ("12345678901234567890", "12345678901234567000")):
        c("ZADD", "z", text, "m")
        assert c("ZSCORE", "z", "m") == reply.encode(), text


@pytest.mark.parametrize("what", ["nan", "NaN", "", " 1", "1 ", "1x", "1e999", "foo", "--1", "1\x00"])
def test_what_is_no_score_is_refused(c, what):
    c("ZADD", "z", 1, "m")
    for request in (["ZADD", "z", what, "m"], ["ZADD", "z", 2, "a", what, "m"], ["ZINCRBY", "z", what, "m"],
                    ["ZADD", "z", "INCR", what, "m"]):
        assert c(*request) == Err("ERR value is not a valid float"), request
    assert c("ZRANGE", "z", 0, -1, "WITHSCORES") == [b"m", b"1"]


def test_infinities_that_cancel_each_other(talk):
    talk("""
        ZADD z inf a -inf b
        ZINCRBY z -inf a                => -ERR resulting score is not a number (NaN)
        ZADD z INCR inf b               => -ERR resulting score is not a number (NaN)
        ZADD y -inf a inf b
        ZUNIONSTORE d 2 z y             => :2
        ZRANGE d 0 -1 WITHSCORES        => ["a" "0" "b" "0"]
        ZUNIONSTORE d 1 z WEIGHTS 0     => :2
        ZRANGE d 0 -1 WITHSCORES        => ["a" "0" "b" "0"]
        ZRANGE z -inf +inf BYSCORE      => ["b" "a"]
        ZRANGE z (-inf (inf BYSCORE     => []
    """)


def test_errors(talk):
    talk("""
        ZADD z 1                        => -ERR wrong number of arguments for 'zadd' command
        ZADD z 1 a 2                    => -ERR syntax error
        ZADD z NX XX 1 a                => -ERR XX and NX options at the same time are not compatible
        ZADD z NX GT 1 a                => -ERR GT, LT, and/or NX options at the same time are not compatible
        ZADD z INCR 1 a 2 b             => -ERR INCR option supports a single increment-element pair
        ZRANGE z 0 1 LIMIT 0 1          => -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        ZRANGE z - + BYLEX WITHSCORES   => -ERR syntax error, WITHSCORES not supported in combination with BYLEX
        ZRANGE z x 1                    => -ERR value is not an integer or out of range
        ZCOUNT z x 1                    => -ERR min or max is not a float
        ZLEXCOUNT z x 1                 => -ERR min or max not valid string range item
        ZUNIONSTORE d 0 z               => -ERR at least 1 input key is needed for 'zunionstore' command
        ZUNIONSTORE d 2 z               => -ERR syntax error
        ZUNION 1 z WEIGHTS x            => -ERR weight value is not a float
        ZMPOP 0 z MIN                   => -ERR numkeys should be greater than 0
        ZMPOP 1 z MIN COUNT 0           => -ERR count should be greater than 0
        ZPOPMIN z -1                    => -ERR value is out of range, must be positive
        ZPOPMIN z 1 1                   => -ERR syntax error
        ZINTERCARD 1 z LIMIT -1         => -ERR LIMIT can't be negative
        ZSCAN z foo                     => -ERR invalid cursor
        SET k v
        ZADD k 1 a                      => -WRONGTYPE Operation against a key holding the wrong kind of value
        ZUNION 1 k FOO                  => -WRONGTYPE Operation against a key holding the wrong kind of value
        EXISTS z d                      => :0
    """)


def test_members_are_bytes(c):
    members = [b"", b"\x00", b"\xff\xfe", b"a\r\nb", b"x" * 100000, b"123", b"-0", b"\xc3\xa9"]
    for m in members:
        assert c("ZADD", "z", 0, m) == 1
        assert c("ZADD", "z", 0, m) == 0
    assert c("ZRANGE", "z", 0, -1) == sorted(members)
    assert c("ZRANGEBYLEX", "z", b"[" + b"\x00", b"(\xff") == [m for m in sorted(members) if b"\x00" <= m < b"\xff"]
    assert c("ZREM", "z", *members) == len(members)


# --- against a model --------------------------------------------------------------------------------

class Model:
    def __init__(self):
        self.scores = {}

    def ordered(self):
        return sorted(self.scores, key=lambda m: (self.scores[m], m))


def test_random_changes_and_ranges_agree_with_a_model(c):
    """Small at first, then beyond the size at which the form changes."""
    rng, model = random.Random(7), Model()
    for step in range(6000):
        size = 40 if step < 2000 else 1500
        m = b"m%d" % rng.randrange(size)
        r = rng.random()
        if r < 0.5:
            score = rng.choice([rng.randrange(-50, 50), rng.random() * 100 - 50])
            assert c("ZADD", "z", repr(score), m) == (m not in model.scores)
            model.scores[m] = score
        elif r < 0.6:
            model.scores[m] = model.scores.get(m, 0) + 0.25
            assert float(c("ZINCRBY", "z", "0.25", m)) == model.scores[m]
        elif r < 0.75:
            assert c("ZREM", "z", m) == (model.scores.pop(m, None) is not None)
        elif r < 0.8:
            order = model.ordered()
            assert c("ZRANK", "z", m) == (order.index(m) if m in model.scores else None)
        elif r < 0.9:
            low, high = sorted((rng.randrange(-60, 60), rng.randrange(-60, 60)))
            want = [x for x in model.ordered() if low < model.scores[x] <= high]
            assert c("ZCOUNT", "z", "(%d" % low, high) == len(want)
            assert c("ZRANGE", "z", high, "(%d" % low, "BYSCORE", "REV", "LIMIT", 3, 10) == want[::-1][3:13]
        elif r < 0.98:
            a, b = rng.randrange(-60, 60), rng.randrange(-60, 60)
            order = model.ordered()
            n = len(order)
            lo, hi = max(a + n if a < 0 else a, 0), (b + n if b < 0 else b)
            assert c("ZRANGE", "z", a, b) == order[lo:hi + 1 if hi >= 0 else 0]
        elif r < 0.99:
            out = [c("ZPOPMIN", "z"), c("ZPOPMAX", "z")]
            order = model.ordered()
            for got, at in zip(out, (0, -1)):
                assert got[:1] == (order[at:][:1] if order else [])
            for got in out:
                if got:
                    del model.scores[got[0]]
        else:
            low = rng.randrange(-50, 50)
            gone = [x for x in model.scores if low <= model.scores[x] <= low + 1]
            assert c("ZREMRANGEBYSCORE", "z", low, low + 1) == len(gone)
            for x in gone:
                del model.scores[x]
    assert c("ZRANGE", "z", 0, -1) == model.ordered()
    assert c("ZCARD", "z") == len(model.scores)


def test_a_scan_meets_who_is_there_throughout(c):
    for n in (10, 5000):
        c("DEL", "z")
        for i in range(0, n, 100):
            c("ZADD", "z", *[x for j in range(i, min(i + 100, n)) for x in (j, "m%d" % j)])
        flat = scan_all(c, command=("ZSCAN", "z"))
        assert dict(zip(flat[::2], flat[1::2])) == {b"m%d" % i: b"%d" % i for i in range(n)}


@pytest.mark.memd_only
def test_a_scan_without_scores(talk):
    talk("""
        ZADD z 1 a 2 b
        ZSCAN z 0 NOSCORES              => ["0" {"a" "b"}]
        ZSCAN z 0 NOSCORES MATCH b      => ["0" ["b"]]
    """)


@pytest.mark.memd_only
def test_random_members_come_about_equally_often(c):
    for n in (5, 300):
        c("ZADD", "z%d" % n, *[x for i in range(n) for x in (i * i, "m%d" % i)])
        seen = [0] * n
        for m in c("ZRANDMEMBER", "z%d" % n, -200 * n):
            seen[int(m[1:])] += 1
        assert min(seen) > 100 and max(seen) < 320
        assert len(set(c("ZRANDMEMBER", "z%d" % n, n - 1))) == n - 1


# --- waiting ----------------------------------------------------------------------------------------

def test_a_new_member_serves_the_client_that_waits(c, c2, blocked):
    for wait, reply in ((["BZPOPMIN", "z", 0], [b"z", b"a", b"1"]), (["BZPOPMAX", "x", "z", 0], [b"z", b"b", b"2"]),
                        (["BZMPOP", 0, 2, "x", "z", "MAX"], [b"z", [[b"b", b"2"]]]),
                        (["BZMPOP", 0, 1, "z", "MIN", "COUNT", 9], [b"z", [[b"a", b"1"], [b"b", b"2"]]])):
        c.send(*wait)
        blocked()
        assert c2("ZADD", "z", 1, "a", 2, "b") == 2
        assert c.read() == reply
        blocked(0)
        c2("DEL", "z")


def test_who_waits_longest_is_served_first(server, c, blocked):
    waiting = [server.conn() for _ in range(5)]
    for i, w in enumerate(waiting):
        w.send(*(["BZPOPMIN", "z", 0] if i % 2 else ["BZMPOP", 0, 1, "z", "MIN"]))
        blocked(i + 1)
    c("ZADD", "z", 1, "a", 2, "b", 3, "c")
    assert waiting[0].read() == [b"z", [[b"a", b"1"]]]
    assert waiting[1].read() == [b"z", b"b", b"2"]
    assert waiting[2].read() == [b"z", [[b"c", b"3"]]]
    blocked(2)
    c("ZINCRBY", "z", 4, "d")
    assert waiting[3].read() == [b"z", b"d", b"4"]
    c("ZADD", "z", "INCR", 5, "e")
    assert waiting[4].read() == [b"z", [[b"e", b"5"]]]
    assert c("EXISTS", "z") == 0


@pytest.mark.parametrize("how", [["RENAME", "t", "z"], ["COPY", "t", "z"], ["MOVE"], ["SWAPDB", 0, 9], ["RESTORE"],
                                 ["ZUNIONSTORE", "z", 1, "t"], ["ZINTERSTORE", "z", 1, "t"], ["ZDIFFSTORE", "z", 1, "t"],
                                 ["ZRANGESTORE", "z", "t", 0, -1], ["ZADD", "z", 1, "v"], ["ZINCRBY", "z", 1, "v"]])
def test_a_sorted_set_that_arrives_in_any_way_serves(c, c2, blocked, how):
    c.send("BZPOPMIN", "z", 0)
    blocked()
    if how[0] in ("MOVE", "SWAPDB"):
        c2("SELECT", 9)
        c2("ZADD", "z", 1, "v")
        assert c2(*(["MOVE", "z", 0] if how[0] == "MOVE" else how)) in (1, OK)
    else:
        c2("ZADD", "t", 1, "v")
        request = ["RESTORE", "z", 0, c2("DUMP", "t")] if how[0] == "RESTORE" else how
        assert not isinstance(c2(*request), Err)
    assert c.read() == [b"z", b"v", b"1"]


def test_waiting_clients_are_served_after_the_transaction(c, c2, blocked):
    c.send("BZPOPMIN", "z", 0)
    blocked()
    for request in (["MULTI"], ["ZADD", "z", 5, "b"], ["ZADD", "z", 1, "a"], ["EXEC"]):
        c2(*request)
    assert c.read() == [b"z", b"a", b"1"]
    assert c2("ZRANGE", "z", 0, -1) == [b"b"]
    c.send("BZPOPMAX", "y", 0)
    blocked()
    for request in (["MULTI"], ["ZADD", "y", 5, "b"], ["DEL", "y"], ["EXEC"]):
        c2(*request)
    blocked(1)
    c2("ZADD", "y", 1, "a")
    assert c.read() == [b"y", b"a", b"1"]


@pytest.mark.since(7, 2)
def test_several_keys_at_once_are_looked_at_in_the_order_of_the_request(c, c2, blocked):
    c.send("BZPOPMIN", "x", "y", "z", 0)
    blocked()
    for request in (["MULTI"], ["ZADD", "z", 1, "last"], ["ZADD", "y", 2, "first"], ["EXEC"]):
        c2(*request)
    assert c.read() == [b"y", b"first", b"2"]
    assert c2("ZCARD", "z") == 1


def test_in_a_transaction_nothing_waits(talk):
    talk("""
        MULTI                           => +OK
        BZPOPMIN z 0                    => +QUEUED
        BZMPOP 0 1 z MIN                => +QUEUED
        EXEC                            => [nil* nil*]
    """)


def test_timeouts_reply_null(c, c3):
    for wait in (["BZPOPMIN", "z", 0.01], ["BZPOPMAX", "z", "y", 0.01], ["BZMPOP", 0.01, 1, "z", "MIN"]):
        assert c(*wait) == NIL_ARRAY
        assert c3(*wait) is None


def test_a_key_of_another_type_does_not_serve(c, c2, blocked):
    c.send("BZPOPMIN", "k", 0)
    blocked()
    c2("RPUSH", "k", "x")
    blocked(1)
    c2("DEL", "k")
    c2("ZADD", "k", 1, "a")
    assert c.read() == [b"k", b"a", b"1"]


def test_waiters_for_lists_and_for_sorted_sets_share_a_key(server, c, blocked):
    list_waiter, zset_waiter = server.conn(), server.conn()
    list_waiter.send("BLPOP", "k", 0)
    blocked(1)
    zset_waiter.send("BZPOPMIN", "k", 0)
    blocked(2)
    c("ZADD", "k", 1, "a")
    assert zset_waiter.read() == [b"k", b"a", b"1"]
    c("RPUSH", "k", "v")
    assert list_waiter.read() == [b"k", b"v"]


def test_a_wait_served_is_a_write(c, c2, blocked):
    c.send("BZPOPMIN", "z", 0)
    blocked()
    c2("WATCH", "z")
    c2("ZADD", "z", 1, "a")
    c.read()
    c2("MULTI")
    assert c2("PING") == QUEUED
    assert c2("EXEC") == NIL_ARRAY


# --- what is told, and what lasts -------------------------------------------------------------------

def test_events(c, c2):
    c2("CONFIG", "SET", "notify-keyspace-events", "KEA")
    try:
        c.send("PSUBSCRIBE", "__keyspace@0__:*")
        c.read()
        told = []
        for request, events in (
                (["ZADD", "z", 1, "a", 2, "b", 3, "c", 4, "d", 5, "e", 6, "f"], ["zadd"]), (["ZADD", "z", 1, "a"], []),
                (["ZINCRBY", "z", 1, "f"], ["zincr"]), (["ZADD", "z", "INCR", 1, "f"], ["zincr"]),
                (["ZREM", "z", "f"], ["zrem"]), (["ZREM", "z", "f"], []), (["ZPOPMIN", "z"], ["zpopmin"]),
                (["ZPOPMAX", "z", 1], ["zpopmax"]), (["ZMPOP", 1, "z", "MAX"], ["zpopmax"]),
                (["ZRANGESTORE", "z", "z", 0, -1], ["zrangestore"]), (["ZUNIONSTORE", "z", 1, "z"], ["zunionstore"]),
                (["ZINTERSTORE", "z", 1, "z"], ["zinterstore"]), (["ZDIFFSTORE", "z", 1, "z"], ["zdiffstore"]),
                (["ZREMRANGEBYSCORE", "z", 2, 2], ["zremrangebyscore"]), (["ZREMRANGEBYRANK", "z", 0, -1], ["zremrangebyrank", "del"]),
                (["ZADD", "z", 0, "a"], ["zadd"]), (["ZREMRANGEBYLEX", "z", "-", "+"], ["zremrangebylex", "del"]),
                (["ZADD", "z", 0, "a"], ["zadd"]), (["BZPOPMIN", "z", 0], ["zpopmin", "del"]),
                (["ZADD", "z", 0, "a"], ["zadd"]), (["ZUNIONSTORE", "z", 1, "nokey"], ["del"])):
            c2(*request)
            told += events
        c2("SET", "end", 1)
        heard = []
        while not heard or heard[-1] != "set":
            heard.append(c.read()[-1].decode())
        assert heard[:-1] == told
    finally:
        c2("CONFIG", "SET", "notify-keyspace-events", "")


@pytest.mark.memd_only
@pytest.mark.parametrize("settings", [{"appendonly": "yes", "appendfsync": "always"}, {"appendonly": "no"}])
def test_sorted_sets_survive_a_restart(start, settings):
    s = start(**settings)
    c = s.conn()
    c("ZADD", "small", 1.5, "a", "inf", "b", "-inf", "c", 0.1, "", -0.0, "zero")
    c("ZADD", "big", *[x for i in range(1000) for x in (i / 7, "m%d" % i)])
    c("ZADD", "long", 1, "x" * 5000)
    c("ZMPOP", 1, "big", "MIN", "COUNT", 10)
    c("ZINCRBY", "big", 0.1, "m500")
    c("ZREMRANGEBYRANK", "big", -5, -1)
    c("ZUNIONSTORE", "sum", 3, "small", "big", "long", "WEIGHTS", 1, 0.1, 3)
    c("ZRANGESTORE", "part", "big", 10, 20)
    c("SORT", "small", "ALPHA", "STORE", "sorted")
    keys = ["small", "big", "long", "sum", "part"]
    before = [c("ZRANGE", k, 0, -1, "WITHSCORES") for k in keys] + [c("LRANGE", "sorted", 0, -1)]
    digest = c("DEBUG", "DIGEST") if not isinstance(c("DEBUG", "DIGEST"), Err) else None
    if settings["appendonly"] == "no":
        assert c("SAVE") == OK
    s.restart(kill=True)
    c = s.conn()
    assert [c("ZRANGE", k, 0, -1, "WITHSCORES") for k in keys] + [c("LRANGE", "sorted", 0, -1)] == before
    if digest:
        assert c("DEBUG", "DIGEST") == digest
    assert [c("OBJECT", "ENCODING", k) for k in keys] == [b"listpack", b"skiplist", b"skiplist", b"skiplist", b"listpack"]


@pytest.mark.memd_only
def test_what_a_waiting_client_took_is_logged(start):
    s = start(appendonly="yes", appendfsync="always")
    c, c2 = s.conn(), s.conn()
    for wait in (["BZPOPMIN", "z", 0], ["BZMPOP", 0, 2, "x", "z", "MAX", "COUNT", 2]):
        c2("DEL", "z")
        c.send(*wait)
        wait_for(lambda: int(c2.info("clients")["blocked_clients"]) == 1, "a client should wait")
        c2("MULTI")
        c2("ZADD", "z", 1, "a", 2, "b", 3, "c", 4, "d")
        c2("EXEC")
        c.read()
    left = c2("ZRANGE", "z", 0, -1)
    s.restart(kill=True)
    assert s.conn()("ZRANGE", "z", 0, -1) == left and len(left) == 2


def test_a_dump_restores(c):
    c("ZADD", "small", 1.5, "a", "inf", "b", -3, "c")
    c("ZADD", "big", *[x for i in range(1000) for x in (i / 7, "m%d" % i)])
    for key in ("small", "big"):
        payload = c("DUMP", key)
        assert c("RESTORE", key + "2", 0, payload) == OK
        assert c("ZRANGE", key + "2", 0, -1, "WITHSCORES") == c("ZRANGE", key, 0, -1, "WITHSCORES")
        assert c("OBJECT", "ENCODING", key + "2") == c("OBJECT", "ENCODING", key)
        broken = bytearray(payload)
        broken[len(broken) // 2] ^= 1
        assert isinstance(c("RESTORE", key + "3", 0, bytes(broken)), Err)


# --- keys of a request ------------------------------------------------------------------------------

@pytest.mark.parametrize("request_, keys", [
    ("ZADD z 1 a", "z"), ("ZUNION 2 a b WEIGHTS 1 2", "a b"), ("ZUNIONSTORE d 2 a b AGGREGATE MAX", "d a b"),
    ("ZINTERCARD 2 a b LIMIT 1", "a b"), ("ZDIFFSTORE d 1 a", "d a"), ("ZRANGESTORE d s 0 1", "d s"),
    ("ZMPOP 2 a b MIN", "a b"), ("BZMPOP 0 2 a b MIN COUNT 1", "a b"), ("BZPOPMIN a b 0", "a b")])
def test_keys_are_found(c, request_, keys):
    assert c("COMMAND", "GETKEYS", *request_.split()) == [k.encode() for k in keys.split()]


def test_redis_py(r):
    r.zadd("z", {"a": 1, "b": 2.5, "c": 3})
    assert r.zrange("z", 0, -1, withscores=True) == [("a", 1.0), ("b", 2.5), ("c", 3.0)] or \
        r.zrange("z", 0, -1, withscores=True) == [(b"a", 1.0), (b"b", 2.5), (b"c", 3.0)]
    assert r.zscore("z", "b") == 2.5
    assert r.zincrby("z", 2, "a") == 3.0
    assert r.zrank("z", "c") == 2
    assert len(r.zrangebyscore("z", 2, 3, withscores=True)) == 3
    assert r.zpopmin("z")[0][1] == 2.5
    assert r.bzpopmax("z", timeout=1)[2] == 3.0
    assert r.zunionstore("d", {"z": 2}) == 1
    assert [s for _, s in r.zscan_iter("d")] == [6.0]
