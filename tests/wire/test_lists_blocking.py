"""Lists, waiting: order, fairness, timeouts, and all that can end a wait."""
import time

import pytest

from resp import Err, NIL_ARRAY, OK, QUEUED, encode
from server import wait_for


@pytest.fixture
def blocked(server):
    """blocked(n): wait until n clients are waiting."""
    c = server.conn()
    return lambda n=1: wait_for(lambda: int(c.info("clients")["blocked_clients"]) == n,
                                "%d clients should be blocked" % n)


def test_no_wait_when_there_is_an_element(talk):
    talk("""
        RPUSH a 1 2 3
        BLPOP a 0                       => ["a" "1"]
        BRPOP a 0                       => ["a" "3"]
        RPUSH b 4
        BLPOP x b a 0                   => ["b" "4"]
        BLMOVE a c LEFT RIGHT 0         => "2"
        BRPOPLPUSH c d 0                => "2"
        RPUSH m 1 2 3
        BLMPOP 0 2 x m LEFT COUNT 2     => ["m" ["1" "2"]]
    """)


def test_a_push_serves_the_client_that_waits(c, c2, blocked):
    for wait, reply in ((["BLPOP", "l", 0], [b"l", b"v"]), (["BRPOP", "x", "l", 0], [b"l", b"v"]),
                        (["BLMOVE", "l", "d", "LEFT", "LEFT", 0], b"v"), (["BRPOPLPUSH", "l", "d", 0], b"v"),
                        (["BLMPOP", 0, 1, "l", "LEFT"], [b"l", [b"v"]])):
        c.send(*wait)
        blocked()
        assert c2("RPUSH", "l", "v") == 1
        assert c.read() == reply
        blocked(0)
        assert c2("EXISTS", "l") == 0


def test_who_waits_longest_is_served_first(server, c, blocked):
    waiting = [server.conn() for _ in range(5)]
    for i, w in enumerate(waiting):
        w.send("BLPOP", "l", 0)
        blocked(i + 1)
    assert c("RPUSH", "l", "a", "b", "c") == 3
    assert [w.read() for w in waiting[:3]] == [[b"l", b"a"], [b"l", b"b"], [b"l", b"c"]]
    blocked(2)
    c("RPUSH", "l", "d")
    assert waiting[3].read() == [b"l", b"d"]
    assert c("LLEN", "l") == 0
    c("LPUSH", "l", "e")
    assert waiting[4].read() == [b"l", b"e"]


def test_timeouts_reply_null(c, c3):
    for wait, reply in ((["BLPOP", "l", 0.01], NIL_ARRAY), (["BRPOP", "l", 0.01], NIL_ARRAY),
                        (["BLMOVE", "l", "d", "LEFT", "LEFT", 0.01], NIL_ARRAY),
                        (["BRPOPLPUSH", "l", "d", 0.01], NIL_ARRAY), (["BLMPOP", 0.01, 1, "l", "LEFT"], NIL_ARRAY)):
        t0 = time.monotonic()
        assert c(*wait) == reply, wait
        assert time.monotonic() - t0 >= 0.009
        assert c3(*wait) is None
    assert c.raw("BLMOVE", "l", "d", "LEFT", "LEFT", 0.01) == b"*-1\r\n"


def test_timeouts_end_in_order_of_their_time(server, blocked):
    late, soon = server.conn(), server.conn()
    t0 = time.monotonic()
    with server.one_turn():
        late.send_raw(encode(["BLPOP", "l", 0.08]) + encode(["INCR", "come"]))
        soon.send_raw(encode(["BLPOP", "l", 0.02]) + encode(["INCR", "come"]))
    assert [soon.read(), soon.read()] == [NIL_ARRAY, 1]
    assert time.monotonic() - t0 >= 0.019
    assert [late.read(), late.read()] == [NIL_ARRAY, 2]
    assert time.monotonic() - t0 >= 0.079


def test_nonsense_timeouts_are_refused(talk):
    talk("""
        BLPOP l -1                      => -ERR timeout is negative
        BLPOP l foo                     => -ERR timeout is not a float or out of range
        BRPOP l -0.5                    => -ERR timeout is negative
        BLMOVE l d LEFT LEFT foo        => -ERR timeout is not a float or out of range
        BLMOVE l d UP LEFT 0            => -ERR syntax error
        BLMPOP -1 1 l LEFT              => -ERR timeout is negative
        BLMPOP 0 0 l LEFT               => -ERR numkeys should be greater than 0
        BLMPOP 0 1 l LEFT COUNT 0       => -ERR count should be greater than 0
        BRPOPLPUSH l d foo              => -ERR timeout is not a float or out of range
        BLPOP l                         => -ERR wrong number of arguments for 'blpop' command
    """)


@pytest.mark.since(7, 2)
def test_a_timeout_past_all_time_is_refused(talk):
    talk("""
        BLPOP l inf                     => -ERR timeout is out of range
        BLPOP l 1e100                   => -ERR timeout is out of range
    """)


def test_the_first_key_with_an_element_wins(c, c2, blocked):
    c.send("BLPOP", "a", "b", "c", 0)
    blocked()
    c2("MULTI")
    c2("RPUSH", "c", "3")
    c2("RPUSH", "b", "2")
    assert c2("EXEC") == [1, 1]
    assert c.read()[0] in (b"b", b"c")
    blocked(0)


def test_a_client_served_by_one_key_waits_for_no_other(c, c2, blocked):
    c.send("BLPOP", "a", "b", 0)
    blocked()
    c2("RPUSH", "a", "1")
    assert c.read() == [b"a", b"1"]
    assert c2("RPUSH", "b", "2") == 1
    assert c2("LLEN", "b") == 1


def test_move_of_a_waiter_wakes_the_next(server, c, blocked):
    """BLMOVE a b; BLMOVE b c: a push to a ends in c."""
    one, two = server.conn(), server.conn()
    two.send("BLMOVE", "b", "c", "LEFT", "RIGHT", 0)
    blocked(1)
    one.send("BRPOPLPUSH", "a", "b", 0)
    blocked(2)
    c("RPUSH", "a", "v")
    assert one.read() == b"v" and two.read() == b"v"
    assert c("LRANGE", "c", 0, -1) == [b"v"]
    assert c("EXISTS", "a", "b") == 0


def test_a_move_onto_itself_while_waiting(c, c2, blocked):
    c.send("BRPOPLPUSH", "l", "l", 0)
    blocked()
    c2("RPUSH", "l", "v")
    assert c.read() == b"v"
    assert c2("LRANGE", "l", 0, -1) == [b"v"]


def test_a_move_to_a_wrong_type_fails_and_keeps_the_element(c, c2, blocked):
    c2("SET", "d", "x")
    c.send("BLMOVE", "l", "d", "LEFT", "LEFT", 0)
    blocked()
    assert c2("RPUSH", "l", "v") == 1
    assert c.read() == Err("WRONGTYPE Operation against a key holding the wrong kind of value")
    assert c2("LRANGE", "l", 0, -1) == [b"v"]


def test_waiting_clients_are_served_after_the_transaction(c, c2, blocked):
    c.send("BLPOP", "l", 0)
    blocked()
    c2("MULTI")
    c2("LPUSH", "l", "a")
    c2("LPUSH", "l", "b")
    c2("EXEC")
    assert c.read() == [b"l", b"b"]
    assert c2("LRANGE", "l", 0, -1) == [b"a"]


def test_a_push_undone_in_the_same_transaction_serves_nobody(c, c2, blocked):
    c.send("BLPOP", "l", 0)
    blocked()
    c2("MULTI")
    c2("RPUSH", "l", "a")
    c2("DEL", "l")
    c2("EXEC")
    blocked(1)
    c2("RPUSH", "l", "b")
    assert c.read() == [b"l", b"b"]


def test_in_a_transaction_nothing_waits(talk):
    talk("""
        MULTI                           => +OK
        BLPOP l 0                       => +QUEUED
        BLMOVE l d LEFT LEFT 0          => +QUEUED
        BLMPOP 0 1 l LEFT               => +QUEUED
        EXEC                            => [nil* nil nil*]
    """)


def test_a_key_of_another_type_does_not_serve(c, c2, blocked):
    c.send("BLPOP", "k", 0)
    blocked()
    c2("SADD", "k", "x")
    blocked(1)
    c2("DEL", "k")
    c2("RPUSH", "k", "v")
    assert c.read() == [b"k", b"v"]


@pytest.mark.parametrize("how", [["RENAME", "t", "l"], ["COPY", "t", "l"], ["MOVE"], ["SWAPDB", 0, 9],
                                 ["LMOVE", "t", "l", "LEFT", "LEFT"], ["RPOPLPUSH", "t", "l"]])
def test_a_list_that_arrives_in_any_way_serves(c, c2, blocked, how):
    c.send("BLPOP", "l", 0)
    blocked()
    if how[0] in ("MOVE", "SWAPDB"):
        c2("SELECT", 9)
        c2("RPUSH", "l", "v")
        assert c2(*(["MOVE", "l", 0] if how[0] == "MOVE" else how)) in (1, OK)
    else:
        c2("RPUSH", "t", "v")
        assert not isinstance(c2(*how), Err)
    assert c.read() == [b"l", b"v"]


def test_waits_are_per_database(c, c2, blocked):
    c.send("BLPOP", "l", 0)
    blocked()
    c2("SELECT", 5)
    c2("RPUSH", "l", "no")
    blocked(1)
    c2("SELECT", 0)
    c2("RPUSH", "l", "yes")
    assert c.read() == [b"l", b"yes"]


def test_client_unblock(c, c2, blocked):
    cid = c("CLIENT", "ID")
    c.send("BLPOP", "l", 0)
    blocked()
    assert c2("CLIENT", "UNBLOCK", cid) == 1
    assert c.read() == NIL_ARRAY
    c.send("BLPOP", "l", 0)
    blocked()
    assert c2("CLIENT", "UNBLOCK", cid, "ERROR") == 1
    assert c.read() == Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")
    assert c2("CLIENT", "UNBLOCK", cid) == 0
    c.send("BLMOVE", "l", "d", "LEFT", "LEFT", 0)
    blocked()
    assert c2("CLIENT", "UNBLOCK", cid, "TIMEOUT") == 1
    assert c.read() == NIL_ARRAY


def test_a_client_that_leaves_is_forgotten(server, c, c2, blocked):
    gone = server.conn()
    gone.send("BLPOP", "l", 0)
    blocked(1)
    c.send("BLPOP", "l", 0)
    blocked(2)
    gone.close()
    blocked(1)
    c2("RPUSH", "l", "v")
    assert c.read() == [b"l", b"v"]


def test_requests_behind_a_wait_stay_in_order(c, c2, blocked):
    c.send("SET", "k", 1)
    c.send("BLPOP", "l", 0)
    c.send("INCR", "k")
    c.send("GET", "k")
    assert c.read() == OK
    blocked()
    assert c2("GET", "k") == b"1"
    c2("RPUSH", "l", "v")
    assert [c.read() for _ in range(3)] == [[b"l", b"v"], 2, b"2"]


def test_a_key_given_twice(c, c2, blocked):
    c.send("BLPOP", "l", "l", 0)
    blocked()
    c2("RPUSH", "l", "a", "b")
    assert c.read() == [b"l", b"a"]
    assert c2("LRANGE", "l", 0, -1) == [b"b"]


def test_many_waiters_and_one_push_of_many(server, c, blocked):
    ws = [server.conn() for _ in range(50)]
    for w in ws:
        w.send("BRPOP", "l", 0)
    blocked(50)
    c("RPUSH", "l", *range(50))
    assert sorted(int(w.read()[1]) for w in ws) == list(range(50))
    assert c("EXISTS", "l") == 0


def test_blmpop_takes_what_is_there(c, c2, blocked):
    c.send("BLMPOP", 0, 2, "a", "b", "RIGHT", "COUNT", 10)
    blocked()
    c2("RPUSH", "b", 1, 2, 3)
    assert c.read() == [b"b", [b"3", b"2", b"1"]]
    assert c2("EXISTS", "b") == 0


def test_a_wait_served_is_a_write(c, c2, blocked):
    """WATCH sees what a served client took."""
    c.send("BLPOP", "l", 0)
    blocked()
    c2("WATCH", "l")
    c2("RPUSH", "l", "v")
    c.read()
    c2("MULTI")
    assert c2("PING") == QUEUED
    assert c2("EXEC") == NIL_ARRAY
