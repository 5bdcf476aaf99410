"""MULTI, EXEC, DISCARD, WATCH."""
import pytest

from resp import Err, NIL_ARRAY, OK, QUEUED
from server import set_and_watch, wait_for


def test_queued_commands_run_as_one(talk):
    talk("""
        MULTI                           => +OK
        SET k 1                         => +QUEUED
        INCR k                          => +QUEUED
        GET k                           => +QUEUED
        EXEC                            => [+OK :2 "2"]
        EXEC                            => -ERR EXEC without MULTI
        DISCARD                         => -ERR DISCARD without MULTI
        MULTI
        EXEC                            => []
        MULTI
        SET k 9
        DISCARD                         => +OK
        GET k                           => "2"
    """)


def test_an_error_at_run_time_is_an_element_and_stops_nothing_else(c):
    c("SET", "k", "v")
    c("MULTI")
    c("LPUSH", "k", "x")
    c("SET", "k", "w")
    assert c("EXEC") == [Err("WRONGTYPE Operation against a key holding the wrong kind of value"), OK]
    assert c("GET", "k") == b"w"


def test_an_error_while_queueing_aborts(talk):
    talk("""
        MULTI
        SET k v                         => +QUEUED
        SETEX k 1                       => -ERR wrong number of arguments for 'setex' command
        GET                             => -ERR wrong number of arguments for 'get' command
        EXEC                            => -EXECABORT Transaction discarded because of previous errors.
        EXISTS k                        => :0
        MULTI                           => +OK
        MULTI                           => -ERR MULTI calls can not be nested
        WATCH k                         => -ERR WATCH inside MULTI is not allowed
        DISCARD                         => +OK
        PING                            => +PONG
    """)


def test_an_unknown_command_aborts(c):
    c("MULTI")
    assert c("NOSUCH", "a") == Err("ERR unknown command 'NOSUCH', with args beginning with: 'a' ")
    assert c("EXEC") == Err("EXECABORT Transaction discarded because of previous errors.")


def test_watch_aborts_when_a_key_changed(c, c2):
    changes = [["SET", "k", "2"], ["DEL", "k"], ["APPEND", "k", "x"], ["EXPIRE", "k", 100], ["RENAME", "k", "z"],
               ["RENAME", "other", "k"], ["FLUSHDB"], ["FLUSHALL"], ["SWAPDB", 0, 3], ["COPY", "other", "k", "REPLACE"],
               ["MOVE", "k", 5], ["SETRANGE", "k", 0, "x"], ["GETDEL", "k"], ["UNLINK", "k"], ["PERSIST", "ttl"],
               ["MSET", "a", 1, "k", 2]]
    for change in changes:
        c2("FLUSHALL")
        c2("SET", "k", "1")
        c2("SET", "other", "1")
        c2("SET", "ttl", "1", "EX", 100)
        assert c("WATCH", "k", "ttl") == OK
        c2(*change)
        c("MULTI")
        c("SET", "done", "1")
        assert c("EXEC") == NIL_ARRAY, change
        assert c("EXISTS", "done") == 0


def test_watch_does_not_abort_when_nothing_changed(c, c2):
    for quiet in (["GET", "k"], ["SET", "x", "1"], ["SET", "k", "2", "NX"], ["SETNX", "k", "3"], ["DEL", "nokey"],
                  ["EXPIRE", "nokey", 1], ["PERSIST", "k"], ["EXISTS", "k"], ["LREM", "nokey", 0, "a"], ["TOUCH", "k"],
                  ["OBJECT", "ENCODING", "k"]):
        c2("FLUSHALL")
        c2("SET", "k", "1")
        c("WATCH", "k")
        c2(*quiet)
        c("MULTI")
        c("SET", "done", "1")
        assert c("EXEC") == [OK], quiet


def test_unwatch_exec_and_discard_forget(c, c2):
    for forget in (["UNWATCH"], None):
        c2("SET", "k", "1")
        c("WATCH", "k")
        if forget:
            assert c(*forget) == OK
        else:
            c("MULTI")
            c("DISCARD")
        c2("SET", "k", "2")
        c("MULTI")
        c("PING")
        assert c("EXEC") != NIL_ARRAY
    c("WATCH", "k")
    c("MULTI")
    c("EXEC")
    c2("SET", "k", "3")
    c("MULTI")
    assert c("EXEC") == []


def test_own_change_counts_too(c):
    c("WATCH", "k")
    c("SET", "k", "1")
    c("MULTI")
    assert c("EXEC") == NIL_ARRAY


def test_a_watched_key_that_expires_aborts(c, c2):
    set_and_watch(c, "k")
    wait_for(lambda: c2("EXISTS", "k") == 0)
    c("MULTI")
    c("PING")
    assert c("EXEC") == NIL_ARRAY


def test_a_key_that_was_expired_when_watched_does_not_abort(c, c2):
    c("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    try:
        c("SET", "k", "v", "PX", "1")
        c2("SET", "probe", "v", "PX", "5")
        wait_for(lambda: c2("EXISTS", "probe") == 0)
        c("WATCH", "k")
        c("MULTI")
        c("PING")
        assert c("EXEC") != NIL_ARRAY
    finally:
        c("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_watch_is_per_database(c, c2):
    c("WATCH", "k")
    c2("SELECT", 1)
    c2("SET", "k", "v")
    c("MULTI")
    assert c("EXEC") == []


def test_select_within_a_transaction(talk):
    talk("""
        MULTI
        SELECT 3
        SET k three
        SELECT 0
        SET k zero
        EXEC                            => [+OK +OK +OK +OK]
        GET k                           => "zero"
        SELECT 3
        GET k                           => "three"
    """)


def test_a_null_exec_in_resp3(c3, c2):
    c3("WATCH", "k")
    c2("SET", "k", "v")
    c3("MULTI")
    assert c3.raw("EXEC") == b"_\r\n"


def test_transactions_do_not_interleave(server):
    """Every EXEC sees both counters equal."""
    conns = [server.conn() for _ in range(4)]
    for _ in range(50):
        for c in conns:
            c.send_raw(b"*1\r\n$5\r\nMULTI\r\n")
            c.send("INCR", "a")
            c.send("INCR", "b")
            c.send("EXEC")
        for c in conns:
            assert [c.read() for _ in range(3)] == [OK, QUEUED, QUEUED]
            got = c.read()
            assert got[0] == got[1]


def test_a_long_transaction(c):
    n = 20000
    got = c.pipeline([["MULTI"]] + [["INCR", "n"]] * n + [["EXEC"]])
    assert got[-1] == list(range(1, n + 1))


def test_leaving_within_a_transaction_changes_nothing(server, c):
    gone = server.conn()
    gone("MULTI")
    gone("SET", "k", "v")
    gone.close()
    wait_for(lambda: len(c("CLIENT", "LIST").splitlines()) == 1)
    assert c("EXISTS", "k") == 0


def test_memory_limit_at_queue_time(start):
    s = start(maxmemory="1mb", maxmemory_policy="noeviction")
    c = s.conn()
    if c("CONFIG", "SET", "maxmemory", "1") != OK:
        pytest.skip("limit not settable")
    assert c("MULTI") == OK
    assert c("SET", "k", "v") == Err("OOM command not allowed when used memory > 'maxmemory'.")
    assert c("EXEC") == Err("EXECABORT Transaction discarded because of previous errors.")
    c("CONFIG", "SET", "maxmemory", "0")
    assert c("SET", "k", "v") == OK
