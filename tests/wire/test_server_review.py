"""Corners of clients' lives: who waits, who is paused, who is closed, and in which order words arrive."""
import contextlib
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import time

import pytest

import server as srv
from resp import Err, NIL_ARRAY, OK, PONG, QUEUED, Simple, encode
from server import Conn, wait_for


def line_of(c, **wanted):
    """The fields of the first client in CLIENT LIST that has these values."""
    for line in c("CLIENT", "LIST").decode().splitlines():
        f = dict(w.partition("=")[::2] for w in line.split())
        if all(f[k] == str(v) for k, v in wanted.items()):
            return f
    return None


def waiting(c, n=1):
    wait_for(lambda: c.info("clients")["blocked_clients"] == str(n))


# --- messages and replies ---------------------------------------------------------------------------------


def test_a_message_to_a_served_client_goes_to_that_client(server):
    """B waits for a list and hears of its own LPOP: the message follows B's reply and reaches nobody else."""
    a, b = server.conn(resp3=True), server.conn(resp3=True)
    a("CONFIG", "SET", "notify-keyspace-events", "El")
    b("SUBSCRIBE", "__keyevent@0__:lpop")
    b.send("BLPOP", "l", "0")
    waiting(a)
    assert a("RPUSH", "l", "v") == 1
    assert a.nothing_unread()
    assert b.read() == [b"l", b"v"]
    assert list(b.read())[-1] == b"l"
    assert b.nothing_unread()
    a("CONFIG", "SET", "notify-keyspace-events", "")


def test_own_messages_follow_the_whole_transaction(server):
    c = server.conn(resp3=True)
    c("SUBSCRIBE", "ch")
    assert c("MULTI") == OK
    for word in ("one", "two"):
        assert c("PUBLISH", "ch", word) == QUEUED
    assert c("PING") == QUEUED
    assert c("EXEC") == [1, 1, PONG]
    assert [list(c.read())[-1] for _ in range(2)] == [b"one", b"two"]


def test_replies_turned_off_leave_messages_and_confirmations_on(server):
    a, b = server.conn(), server.conn(resp3=True)
    b.send("CLIENT", "REPLY", "OFF")
    b.send("SUBSCRIBE", "ch")
    assert list(b.read()) == [b"subscribe", b"ch", 1]
    assert a("PUBLISH", "ch", "m") == 1
    assert list(b.read()) == [b"message", b"ch", b"m"]
    b.send("PUBLISH", "ch", "own")
    assert list(b.read()) == [b"message", b"ch", b"own"]
    assert b("CLIENT", "REPLY", "ON") == OK


def test_a_skipped_reply_may_come_late(server):
    """CLIENT REPLY SKIP and OFF cover a reply that a client had to wait for."""
    a, b = server.conn(), server.conn()
    b.send("CLIENT", "REPLY", "SKIP")
    b.send("BLPOP", "l", "0")
    b.send("ECHO", "after")
    waiting(a)
    a("RPUSH", "l", "v")
    assert b.read() == b"after"
    b.send("CLIENT", "REPLY", "OFF")
    b.send("BLPOP", "l", "0.01")
    assert b("CLIENT", "REPLY", "ON") == OK
    assert b.nothing_unread()


@pytest.mark.parametrize("kind", ["timeout", "error"])
def test_unblocking_respects_replies_turned_off(server, kind):
    a, b = server.conn(), server.conn()
    i = b("CLIENT", "ID")
    b.send("CLIENT", "REPLY", "OFF")
    b.send("BLPOP", "l", "0")
    waiting(a)
    assert a("CLIENT", "UNBLOCK", i, kind) == 1
    assert b("CLIENT", "REPLY", "ON") == OK


# --- waiting ---------------------------------------------------------------------------------------------


def test_waiters_are_served_in_the_order_in_which_they_came(server):
    c = server.conn()
    waiters = [server.conn() for _ in range(5)]
    for i, w in enumerate(waiters):
        w.send("BLPOP", "other%d" % i, "l", "0")
        waiting(c, i + 1)
    assert c("RPUSH", "l", *range(5)) == 5
    assert [w.read() for w in waiters] == [[b"l", str(i).encode()] for i in range(5)]


def test_chain_of_moves(server):
    c = server.conn()
    last = server.conn()
    last.send("BLPOP", "d", "0")
    moves = []
    for i, (a, b) in enumerate((("c", "d"), ("b", "c"), ("a", "b"))):
        m = server.conn()
        m.send("BLMOVE", a, b, "LEFT", "RIGHT", "0")
        waiting(c, i + 2)
        moves.append(m)
    assert c("RPUSH", "a", "v") == 1
    assert [m.read() for m in moves] == [b"v"] * 3 and last.read() == [b"d", b"v"]
    assert c("EXISTS", "a", "b", "c", "d") == 0


def test_moving_in_a_circle_ends(server):
    c, a, b = server.conn(), server.conn(), server.conn()
    a.send("BLMOVE", "x", "y", "LEFT", "LEFT", "0")
    b.send("BLMOVE", "y", "x", "LEFT", "LEFT", "0")
    waiting(c, 2)
    assert c("RPUSH", "x", "v") == 1
    assert a.read() == b"v" and b.read() == b"v"
    assert c("LRANGE", "x", 0, -1) == [b"v"]


def test_a_list_made_and_removed_in_one_transaction_serves_nobody(server):
    c, w = server.conn(), server.conn()
    w.send("BLPOP", "l", "0")
    waiting(c)
    c("MULTI"), c("RPUSH", "l", "v"), c("DEL", "l")
    assert c("EXEC") == [1, 1]
    c("MULTI"), c("RPUSH", "l", "v"), c("DEL", "l"), c("SET", "l", "text")
    assert c("EXEC") == [1, 1, OK]
    assert c.info("clients")["blocked_clients"] == "1"
    c("DEL", "l")
    c("MULTI"), c("RPUSH", "l", "1"), c("RPUSH", "l", "2"), c("LPOP", "l")
    assert c("EXEC") == [1, 2, b"1"]
    assert w.read() == [b"l", b"2"]


def test_what_comes_under_a_waited_name_by_other_ways(server):
    c = server.conn()
    for how in (["RENAME", "src", "l"], ["COPY", "src", "l"], ["SWAPDB", 0, 1], ["MOVE", "l", 0]):
        w = server.conn()
        w.send("BLPOP", "l", "0")
        waiting(c)
        if how[0] in ("SWAPDB", "MOVE"):
            c("SELECT", 1)
            c("RPUSH", "l", "v")
            if how[0] == "SWAPDB":
                c("SELECT", 0)
        else:
            c("RPUSH", "src", "v")
        c(*how)
        assert w.read() == [b"l", b"v"], how
        c("SELECT", 0)
        c("FLUSHALL")


def test_a_waiter_is_closed_while_others_wait(server):
    c = server.conn()
    ws = [server.conn() for _ in range(4)]
    for i, w in enumerate(ws):
        w.send("BLPOP", "l", "m", "0")
        waiting(c, i + 1)
    ws[0].close()
    ws[2].close()
    waiting(c, 2)
    assert c("RPUSH", "l", 1, 2, 3) == 3
    assert ws[1].read() == [b"l", b"1"] and ws[3].read() == [b"l", b"2"]
    assert c("LLEN", "l") == 1
    assert c.info("clients")["total_blocking_keys"] == "0"


def test_requests_behind_one_that_waits(server):
    """They stay where they are until it is answered, whatever is in the same packet."""
    a, b = server.conn(), server.conn()
    b.send_raw(encode(["BLPOP", "l", "0"]) + encode(["SELECT", 3]) + encode(["SET", "k", "v"]) + b"PING\r\n" +
               encode(["MULTI"]) + encode(["GET", "k"]) + encode(["EXEC"]))
    waiting(a)
    a("RPUSH", "l", "x")
    assert [b.read() for _ in range(7)] == [[b"l", b"x"], OK, OK, PONG, OK, QUEUED, [b"v"]]


def test_select_in_the_midst_of_a_batch(c):
    got = c.pipeline([["SET", "k", "0"], ["SELECT", 1], ["SET", "k", "1"], ["GET", "k"], ["SELECT", 0],
                      ["GET", "k"], ["SELECT", 1], ["DEL", "k"], ["SELECT", 0], ["GET", "k"]])
    assert got == [OK, OK, OK, b"1", OK, b"0", OK, 1, OK, b"0"]


def test_timeouts_end_in_time(server):
    c = server.conn()
    time.sleep(0.15)  # the loop is idle now
    t0 = time.monotonic()
    assert c("BLPOP", "l", "0.02") is NIL_ARRAY
    assert time.monotonic() - t0 >= 0.019


def test_statistics_of_those_that_waited(server):
    c, w = server.conn(), server.conn()
    c("CONFIG", "RESETSTAT")
    i = w("CLIENT", "ID")
    w.send("BLPOP", "l", "0")
    waiting(c)
    assert "cmdstat_blpop" not in c.info("commandstats")
    c("CLIENT", "UNBLOCK", i, "ERROR")
    assert w.read() == Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")
    assert w("BLPOP", "l", "0.01") is NIL_ARRAY
    stats = c.info("commandstats")["cmdstat_blpop"]
    assert stats.startswith("calls=2,") and stats.endswith("rejected_calls=0,failed_calls=1")
    assert c.info("errorstats")["errorstat_UNBLOCKED"] == "count=1"


# --- transactions ------------------------------------------------------------------------------------------


def test_a_watched_key_that_has_silently_expired_fails_exec(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    srv.let_pass(c, srv.set_and_watch(c, "k"))
    c("MULTI"), c("PING")
    assert c("EXEC") is NIL_ARRAY
    c("SET", "k", "v", "PX", 1)
    srv.let_pass(c, 2)
    c("WATCH", "k")  # it was gone by then: nothing changes any more
    c("MULTI"), c("PING")
    assert c("EXEC") == [PONG]


def test_swapdb_spoils_only_what_changes(server):
    c, d = server.conn(), server.conn()
    c("SET", "a", 1)
    d("WATCH", "nokey")
    c("SWAPDB", 0, 1)
    d("MULTI"), d("PING")
    assert d("EXEC") == [PONG]
    d("WATCH", "a")  # in 1 now, so it appears with the next swap
    c("SWAPDB", 0, 1)
    d("MULTI"), d("PING")
    assert d("EXEC") is NIL_ARRAY


def test_errors_of_multi_itself_do_not_spoil_it(c):
    c("MULTI")
    assert c("MULTI") == Err("ERR MULTI calls can not be nested")
    assert c("WATCH", "k") == Err("ERR WATCH inside MULTI is not allowed")
    c("SET", "k", "v")
    assert c("EXEC") == [OK]


def test_hello_within_a_transaction(c):
    c("MULTI")
    c("HELLO", 3), c("CONFIG", "GET", "port")
    got = c("EXEC")
    assert len(got) == 2 and c("PING") == PONG


def test_monitor_shows_exec_after_what_it_ran_and_a_wait_once(server):
    c, m, w = server.conn(), server.conn(), server.conn()
    assert m("MONITOR") == OK
    c("MULTI"), c("SET", "k", "v"), c("EXEC")
    w.send("BLPOP", "l", "0")
    waiting(c)
    c("RPUSH", "l", "v")
    w.read()
    c("ECHO", "end")
    lines = []
    while not lines or b'"ECHO" "end"' not in lines[-1]:
        lines.append(str(m.read()).encode())
    words = [x.split(b"] ", 1)[1] for x in lines if b'"INFO"' not in x]
    assert words == [b'"MULTI"', b'"SET" "k" "v"', b'"EXEC"', b'"BLPOP" "l" "0"', b'"RPUSH" "l" "v"', b'"ECHO" "end"']


def test_a_monitor_leaves_the_keys_alone(c):
    assert c("MONITOR") == OK
    assert c("GET", "k") == Err("ERR Replica can't interact with the keyspace")
    assert c("RESET") == Simple("RESET")
    assert c("GET", "k") is None


# --- pause -------------------------------------------------------------------------------------------------


def test_nothing_expires_during_a_pause(start):
    s = start(enable_debug_command="yes")
    c, d = s.conn(), s.conn()
    before = int(c.info("stats")["expired_keys"])
    c("MULTI"), c("SET", "a", "1", "PX", 5), c("SET", "b", "1", "PX", 5), c("CLIENT", "PAUSE", 50000, "WRITE")
    assert c("EXEC") == [OK, OK, OK]
    wait_for(lambda: c("GET", "a") is None and c("GET", "b") is None)
    assert c("EXISTS", "a") == 0 and c("RANDOMKEY") in (b"a", b"b")
    assert c("SCAN", 0, "COUNT", 100)[1] == []
    assert int(c.info("stats")["expired_keys"]) == before
    d.send("SET", "a", "2", "NX")
    waiting(c)
    assert "b" in line_of(c, cmd="set")["flags"]
    c("CLIENT", "UNPAUSE")
    assert d.read() == OK
    wait_for(lambda: int(c.info("stats")["expired_keys"]) == before + 2)


def test_a_paused_client_is_not_blocked_on_keys(server):
    c, d = server.conn(), server.conn()
    i = d("CLIENT", "ID")
    c("CLIENT", "PAUSE", 100000, "WRITE")
    d.send("SET", "k", "v")
    waiting(c)
    assert c("CLIENT", "UNBLOCK", i) == 0
    assert c("CLIENT", "KILL", "ID", i) == 1
    waiting(c, 0)
    c("CLIENT", "UNPAUSE")
    assert c("GET", "k") is None


def test_nobody_is_served_during_a_pause_but_time_runs(server):
    c, w, t = server.conn(), server.conn(), server.conn()
    w.send("BLPOP", "l", "0")
    waiting(c)
    paused = ["MULTI"], ["CLIENT", "PAUSE", 100000, "WRITE"], ["RPUSH", "l", "v"], ["EXEC"]
    with server.one_turn():  # it has not come to its end before
        t.send("BLPOP", "other", "0.1")
        c.send_raw(b"".join(map(encode, paused)))
    assert [c.read() for _ in paused][-1] == [OK, 1]
    assert t.read() is NIL_ARRAY
    assert c("LLEN", "l") == 1
    waiting(c, 1)
    c("CLIENT", "UNPAUSE")
    assert w.read() == [b"l", b"v"]


def test_reads_go_on_and_errors_come_at_once_during_a_write_pause(server):
    c, d = server.conn(), server.conn()
    c("CLIENT", "PAUSE", 100000, "WRITE")
    d("MULTI"), d("GET", "k")
    assert d("EXEC") == [None]
    assert d("SET", "k") == Err("ERR wrong number of arguments for 'set' command")
    d.send("PUBLISH", "ch", "m")
    waiting(c)
    c("CLIENT", "UNPAUSE")
    assert d.read() == 0


# --- closing -----------------------------------------------------------------------------------------------


@pytest.mark.in_the_clear("one half of the connection is closed, which ssl of Python cannot")
def test_requests_before_a_sudden_end_are_done(server):
    """Fire and forget: what was sent before close() counts, even when it is much."""
    c = server.conn()
    for n in (1, 100, 20000):
        s = server.connect_socket()
        s.sendall(encode(["INCR", "n"]) * n)
        s.shutdown(socket.SHUT_WR)
        wait_for(lambda: c("GET", "n") == str(n).encode())
        got = b""
        while True:
            more = s.recv(1 << 20)
            if not more:
                break
            got += more
        assert got.count(b"\r\n") == n and got.endswith(b":%d\r\n" % n)
        s.close()
        c("DEL", "n")


def test_one_that_half_closes_while_it_waits_is_gone(server):
    c, s = server.conn(), server.connect_socket()
    s.sendall(encode(["BLPOP", "l", "0"]) + encode(["SET", "k", "v"]))
    waiting(c)
    s.shutdown(socket.SHUT_WR)
    waiting(c, 0)
    s.close()
    s = server.connect_socket()
    s.sendall(encode(["BLPOP", "l", "0"]))
    s.shutdown(socket.SHUT_WR)
    wait_for(lambda: c.info("clients")["connected_clients"] == str(len(server.conns)))
    assert c("RPUSH", "l", "v") == 1 and c("LLEN", "l") == 1
    s.close()


def test_quit_takes_no_more_requests(server):
    c = server.conn()
    s = server.connect_socket()
    with contextlib.suppress(OSError):  # it may close before all is sent
        s.sendall(encode(["SET", "k", 1]) + encode(["QUIT"]) + encode(["SET", "k", 2]) * 2000)
    assert Conn(s).read_to_end() == b"+OK\r\n+OK\r\n"
    assert c("GET", "k") == b"1"


def test_one_to_be_closed_does_not_keep_the_loop_busy(start):
    """Its replies cannot leave and it goes on sending: the server must not spin."""
    s = start(client_output_buffer_limit="normal 1gb 0 0")  # without a limit QUIT would wait
    c = s.conn()
    c("SET", "big", "x" * 40000000)
    v = s.connect_socket()
    v.sendall(encode(["GET", "big"]) + encode(["QUIT"]))
    wait_for(lambda: line_of(c, cmd="quit"))
    assert "c" in line_of(c, cmd="quit")["flags"]
    v.sendall(b"x" * 1000)
    before = s.cpu_seconds()
    time.sleep(0.5)
    assert s.cpu_seconds() - before < 0.25
    got = 0
    while True:
        data = v.recv(1 << 20)
        if not data:
            break
        got += len(data)
    assert got == 40000000 + len("$40000000\r\n\r\n") + len("+OK\r\n")


def test_killing_oneself_is_answered(server):
    c = server.conn()
    i = c("CLIENT", "ID")
    c.send_raw(encode(["CLIENT", "KILL", "ID", i, "SKIPME", "no"]) + encode(["SET", "k", "v"]))
    assert c.read_to_end() == b":1\r\n"
    assert server.conn()("EXISTS", "k") == 0


def test_slow_readers_of_a_channel_are_closed(start):
    s = start(client_output_buffer_limit="pubsub 1mb 0 0")
    c, other = s.conn(), s.conn()
    slow = [s.conn() for _ in range(3)]
    for x in slow:
        x("SUBSCRIBE", "ch")
        x("PSUBSCRIBE", "c*")
    other("SUBSCRIBE", "ch")
    message, replies = "x" * 100000, []
    for _ in range(200):
        replies.append(c("PUBLISH", "ch", message))
        assert other.read()[2] == message.encode()
    assert replies[0] == 7 and replies[-1] == 1
    assert all(x.is_closed() for x in slow)
    assert c.info("stats")["client_output_buffer_limit_disconnections"] == "3"
    assert c("PUBSUB", "NUMPAT") == 0


def test_a_slow_monitor_is_closed(start):
    s = start(client_output_buffer_limit="pubsub 1mb 0 0")
    c, m = s.conn(), s.conn()
    m("MONITOR")
    for _ in range(200):
        c("ECHO", "x" * 100000)
    assert m.is_closed()


def test_soft_limit(start):
    s = start(client_output_buffer_limit="pubsub 0 100kb 100000")
    c, slow = s.conn(), s.conn()
    slow("SUBSCRIBE", "ch")
    for _ in range(100):
        c("PUBLISH", "ch", "x" * 100000)
    assert c.info("clients")["pubsub_clients"] == "1"
    assert c("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 100kb 1") == OK
    wait_for(lambda: c.info("clients")["pubsub_clients"] == "0")


# --- limits ------------------------------------------------------------------------------------------------


def test_before_authentication_little_is_kept(start):
    s = start(requirepass="secret")
    v = s.conn(auth=False)
    try:
        v.send_raw(b"*2\r\n$4\r\nAUTH\r\n$16384\r\n" + b"x" * 2000)
        v.send_raw(b"x" * (2 << 20))
    except OSError:
        pass
    assert v.is_closed()


def test_queued_commands_count_against_the_query_buffer(start):
    s = start(client_query_buffer_limit="2mb")
    c, g = s.conn(), s.conn()
    g("MULTI")
    try:
        for _ in range(100):
            g.send("SET", "k", "x" * 100000)
    except OSError:
        pass
    assert g.is_closed()
    assert c.info("stats")["client_query_buffer_limit_disconnections"] == "1"


def test_removing_the_password_lets_everybody_in(start):
    s = start(requirepass="secret")
    c, v = s.conn(), s.conn(auth=False)
    assert v("PING") == Err("NOAUTH Authentication required.")
    assert c("CONFIG", "SET", "requirepass", "") == OK
    assert v("PING") == PONG
    assert c("CONFIG", "SET", "requirepass", "other") == OK
    assert v("PING") == Err("NOAUTH Authentication required.")
    assert c("PING") == PONG
    assert v("AUTH", "secret") == Err("WRONGPASS invalid username-password pair or user is disabled.")
    assert v("HELLO", 3, "AUTH", "default", "other", "NONSENSE") == Err("ERR Syntax error in HELLO option 'NONSENSE'")
    assert v("PING") == Err("NOAUTH Authentication required.")
    assert v("AUTH", "other") == OK
    assert c.info("stats")["acl_access_denied_auth"] == "1"


def test_client_eviction_takes_the_largest_and_spares_the_protected(start):
    s = start(maxmemory_clients="3mb")
    c = s.conn()
    small, large, spared = s.conn(), s.conn(), s.conn()
    spared("CLIENT", "NO-EVICT", "on")
    for conn, n in ((small, 100000), (spared, 1500000), (large, 2000000)):
        conn("MULTI")
        try:
            conn.send("SET", "k", "x" * n)
        except OSError:
            assert conn is large  # closed before all was sent
        if conn is not large:
            assert conn.read() == QUEUED
    assert large.is_closed()
    assert small("DISCARD") == OK and spared("DISCARD") == OK
    assert c.info("stats")["evicted_clients"] == "1"


def test_half_of_a_large_request_counts_as_its_client(start):
    s = start()
    c, half = s.conn(), s.conn()
    i = half("CLIENT", "ID")
    half.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3000000\r\n" + b"x" * 2000000)
    wait_for(lambda: int(line_of(c, id=i)["tot-mem"]) > 2000000)
    assert int(c.info("memory")["mem_clients_normal"]) > 2000000
    c("CONFIG", "SET", "maxmemory-clients", "1mb")
    assert half.is_closed()


def test_memory_comes_below_a_lowered_limit_by_itself(start):
    s = start(maxmemory_policy="allkeys-lru")
    c = s.conn()
    for i in range(20000):
        c.send("SET", "k%d" % i, "x" * 1000)
    for i in range(20000):
        c.read()
    limit = int(c.info("memory")["used_memory"]) - 10000000
    c("CONFIG", "SET", "maxmemory", limit)
    wait_for(lambda: int(c.info("memory")["used_memory"]) <= limit)
    c("CONFIG", "SET", "maxmemory-policy", "volatile-lru", "maxmemory", limit - 5000000)
    # nothing to evict: no turns but the clock's in half a second in which nobody asks
    before, _, after = c.pipeline([("INFO", "stats"), ("BLPOP", "nothing", 0.5), ("INFO", "stats")])
    before, after = (int(srv.parse_info(x)["eventloop_cycles"]) for x in (before, after))
    assert after - before < 100
    assert int(c.info("stats")["current_eviction_exceeded_time"]) > 0
    assert c("SET", "k", "v") == Err("OOM command not allowed when used memory > 'maxmemory'.")
    c("MULTI")
    assert c("GET", "k") == Err("OOM command not allowed when used memory > 'maxmemory'.")
    assert c("DISCARD") == OK


# --- settings and the program -------------------------------------------------------------------------------


def test_port_and_bind_change_while_running(start):
    s = start()
    c = s.conn()
    new = srv.free_port()
    assert c("CONFIG", "SET", "port", new) == OK
    d = Conn(socket.create_connection(("127.0.0.1", new), 5))
    assert d("PING") == PONG and c("PING") == PONG
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", s.port), 5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        got = c("CONFIG", "SET", "port", taken.getsockname()[1])
        assert isinstance(got, Err) and "Unable to listen on this port" in got
    assert c("CONFIG", "GET", "port") == [b"port", str(new).encode()]
    assert Conn(socket.create_connection(("127.0.0.1", new), 5))("PING") == PONG
    assert c("CONFIG", "SET", "bind", "127.0.0.3") == OK
    assert Conn(socket.create_connection(("127.0.0.3", new), 5))("PING") == PONG
    d.close()


def test_too_many_clients_cannot_be_promised(start):
    s = start()
    c = s.conn()
    got = c("CONFIG", "SET", "maxclients", 4000000000)
    assert isinstance(got, Err) and "not able to handle the specified number of clients" in got
    assert c("CONFIG", "GET", "maxclients") == [b"maxclients", srv.default_maxclients().encode()]


def test_commands_under_other_names(start):
    s = start(conf="appendonly yes\nrename-command FLUSHALL \"\"\nrename-command SET put\nrename-command CONFIG setup\n")
    c = s.conn()
    assert c("SET", "k", "v") == Err("ERR unknown command 'SET', with args beginning with: 'k' 'v' ")
    assert c("PUT", "k", "v") == OK and c("put", "j", "w") == OK
    assert isinstance(c("FLUSHALL"), Err)
    assert c("SETUP", "GET", "port")[0] == b"port"
    assert c("SETUP", "FOO") == Err("ERR unknown subcommand 'FOO'. Try SETUP HELP.")
    s.restart(kill=True)
    c = s.conn()
    assert c("GET", "k") == b"v" and c("GET", "j") == b"w"


def test_ps_shows_a_title_and_no_password(start):
    s = start(requirepass="verysecret")
    with open("/proc/%d/cmdline" % s.pid, "rb") as f:
        line = f.read()
    assert b"verysecret" not in line and line.rstrip(b"\0") == b"memd 127.0.0.1:%d" % s.port
    c = s.conn()
    assert c("CONFIG", "SET", "proc-title-template", "{title} at {port} {{x}") == OK
    with open("/proc/%d/cmdline" % s.pid, "rb") as f:
        assert f.read().rstrip(b"\0") == b"memd at %d {x}" % s.port
    with open("/proc/%d/environ" % s.pid, "rb") as f:
        assert b"verysecret" not in f.read()


def test_files_stay_private_beside_a_unix_socket(start, tmp_path):
    s = start(unixsocket=str(tmp_path / "m.sock"))
    c = s.conn()
    c("SET", "k", "v"), c("SAVE")
    assert os.stat(os.path.join(s.dir, "dump.rdb")).st_mode & 0o077 == 0


def test_a_file_is_not_mistaken_for_an_old_socket(tmp_path):
    path = tmp_path / "precious"
    path.write_text("do not delete")
    with pytest.raises(srv.StartError):
        srv.Server(unixsocket=str(path))
    assert path.read_text() == "do not delete"


def test_an_unwritable_log_is_no_start(tmp_path):
    with pytest.raises(srv.StartError):
        srv.Server(logfile=str(tmp_path / "nosuch" / "log"))


def test_daemonize_and_pidfile(tmp_path):
    port, pidfile, log = srv.free_port(), tmp_path / "pid", tmp_path / "log"
    done = subprocess.run([srv.MEMD.path, "--port", str(port), "--dir", str(tmp_path), "--daemonize", "yes",
                           "--pidfile", str(pidfile), "--logfile", str(log), "--save", ""], timeout=srv.PATIENCE)
    assert done.returncode == 0
    wait_for(lambda: log.exists() and "Ready to accept" in log.read_text())
    pid = int(pidfile.read_text())
    assert pid > 1 and os.path.exists("/proc/%d" % pid)
    assert subprocess.run([srv.MEMD.path, "--ping", "--port", str(port)], capture_output=True).returncode == 0
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists("/proc/%d" % pid) or state(pid) == "Z")
    assert not pidfile.exists()
    assert subprocess.run([srv.MEMD.path, "--ping", "--port", str(port)], capture_output=True).returncode == 1


def state(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("how", [["SHUTDOWN"], ["SHUTDOWN", "NOSAVE"], ["SHUTDOWN", "SAVE"], ["SHUTDOWN", "NOW"],
                                 ["SHUTDOWN", "SAVE", "NOW", "FORCE"]])
def test_shutdown_in_a_pipeline_is_the_last_to_run(start, how):
    s = start()
    c, d = s.conn(), s.conn()
    d("SET", "d", "1")
    c.send_raw(encode(["SET", "k", "1"]) + encode(how) + encode(["SET", "k", "2"]))
    assert c.read_to_end() in (b"+OK\r\n", b"")
    assert s.wait_exit() == 0
    s.start()
    c = s.conn()
    assert c("GET", "k") == (b"1" if "SAVE" in how else None)
    for bad in (["SHUTDOWN", "SAVE", "NOSAVE"], ["SHUTDOWN", "FOO"], ["SHUTDOWN", "ABORT", "NOW"]):
        assert c(*bad) == Err("ERR syntax error")
    assert c("SHUTDOWN", "ABORT") == Err("ERR No shutdown in progress.")


def test_sigterm_under_load_loses_nothing_that_was_acknowledged(start):
    s = start(appendonly="yes", appendfsync="always")
    conns = [s.conn() for _ in range(8)]
    for i, c in enumerate(conns):
        c.send_raw(b"".join(encode(["SET", "k%d:%d" % (i, j), "v"]) for j in range(3000)))
    time.sleep(0.01)
    os.kill(s.pid, signal.SIGTERM)
    acknowledged = [c.read_to_end().count(b"+OK\r\n") for c in conns]
    assert s.wait_exit() == 0
    s.start()
    c = s.conn()
    for i, n in enumerate(acknowledged):
        assert n == 0 or c("EXISTS", *["k%d:%d" % (i, j) for j in range(n)]) == n


# --- the reply gate ------------------------------------------------------------------------------------------


@pytest.mark.in_the_clear("a socket of its own that does not block")
def test_with_always_every_client_is_answered_while_one_never_stops(start):
    """Replies wait for the log, but nobody's for somebody else's that come later."""
    s = start(appendonly="yes", appendfsync="always")
    busy = s.connect_socket()
    busy.setblocking(False)
    block = encode(["INCR", "busy"]) * 500
    quiet = [s.conn() for _ in range(10)]
    sent = 0
    end = time.monotonic() + 1.5
    rounds = 0
    while time.monotonic() < end:
        try:
            sent += busy.send(block[sent % len(block):])
        except BlockingIOError:
            pass
        try:
            busy.recv(1 << 20)
        except BlockingIOError:
            pass
        if rounds % 5 == 0:
            q = quiet[rounds // 5 % len(quiet)]
            assert isinstance(q("INCR", "n"), int)
        rounds += 1
    busy.close()
    assert sum(1 for q in quiet if q("PING") == PONG) == 10


@pytest.mark.in_the_clear("one half of the connection is closed, which ssl of Python cannot")
def test_with_always_a_reply_leaves_even_when_its_sender_has_closed_his_side(start):
    s = start(appendonly="yes", appendfsync="always")
    for words in (["SET", "k", "v"], ["QUIT"]):
        v = s.connect_socket()
        v.sendall(encode(["INCR", "n"]) + encode(words))
        v.shutdown(socket.SHUT_WR)
        assert Conn(v).read_to_end().endswith(b"\r\n+OK\r\n")


def test_everything_waits_in_order_behind_the_gate(start):
    s = start(appendonly="yes", appendfsync="always")
    c, sub = s.conn(), s.conn()
    sub("SUBSCRIBE", "ch")
    big = "x" * 300000
    c("SET", "big", big)
    cmds = []
    for i in range(200):
        cmds += [["INCR", "n"], ["GET", "n"], ["PUBLISH", "ch", i]]
        if i % 20 == 0:
            cmds.append(["GET", "big"])
    c.send_raw(b"".join(encode(x) for x in cmds))
    n = 0
    for x in cmds:
        got = c.read()
        if x[0] == "INCR":
            n += 1
            assert got == n
        elif x == ["GET", "n"]:
            assert got == str(n).encode()
        elif x[0] == "PUBLISH":
            assert got == 1
        else:
            assert got == big.encode()
    assert [int(sub.read()[2]) for _ in range(200)] == list(range(200))


@pytest.mark.parametrize("mode", ["always", "everysec"])
@pytest.mark.parametrize("ending", ["healed", "turned off"])
def test_reading_goes_on_while_the_log_cannot_be_written(start, mode, ending):
    """A limit on the size of files stands for the full disk."""
    s = start(appendonly="yes", appendfsync=mode)
    c, w = s.conn(), s.conn()
    before = ["before:%d" % i for i in range(6)]
    w("MSET", *(x for key in before for x in (key, "1")))
    hard = resource.prlimit(s.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(s.pid, resource.RLIMIT_FSIZE, (0, hard))
    w.send("SET", "k", "v")
    wait_for(lambda: c.info("persistence")["aof_last_write_status"] == "err")
    # A key is known by a few bits of its hash: one of these may have to wait with k.
    readers = [s.conn(resp3=i % 2 == 0) for i in range(len(before))]
    for conn, key in zip(readers, before):
        conn.send("GET", key)
    wait_for(lambda: sum(bool(select.select([conn.sock], [], [], 0)[0]) for conn in readers) >= len(before) - 1)
    for conn in (c, s.conn(resp3=True)):
        refused = conn("SET", "j", "v")
        assert isinstance(refused, Err) and refused.startswith("MISCONF Errors writing to the AOF file")
    seen = s.conn()
    seen.send("GET", "k")
    if mode == "everysec":
        assert seen.read() == b"v"
    for conn in [w] + ([seen] if mode == "always" else []):
        conn.sock.settimeout(0.2)
        with pytest.raises(socket.timeout):
            conn.read()  # neither acknowledged nor told before it is on the disk
        conn.sock.settimeout(srv.PATIENCE)
    if ending == "healed":
        resource.prlimit(s.pid, resource.RLIMIT_FSIZE, (hard, hard))
    else:
        assert c("CONFIG", "SET", "appendonly", "no") == OK
    assert w.read() == OK
    assert mode == "everysec" or seen.read() == b"v"
    assert [conn.read() for conn in readers] == [b"1"] * len(readers)
    wait_for(lambda: c("SET", "j", "v") == OK)
    if ending == "healed":
        s.restart(kill=True)
        assert s.conn()("MGET", *before, "k", "j") == [b"1"] * len(before) + [b"v", b"v"]


# --- words ---------------------------------------------------------------------------------------------------


def test_slowlog_keeps_binary_and_hides_secrets(start):
    s = start(slowlog_log_slower_than=0)
    c = s.conn()
    c("SLOWLOG", "RESET")
    c("SET", "k", b"a\x00b" + b"x" * 300)
    c("CONFIG", "SET", "masterauth", "hidden1")
    c("CONFIG", "SET", "requirepass", "hidden2")
    c("AUTH", "default", "hidden2")
    c("HELLO", 3, "AUTH", "default", "hidden2", "SETNAME", "me")
    log = c("SLOWLOG", "GET", -1)
    args = [e[3] for e in log]
    assert not any(b"hidden" in a for e in args for a in e)
    put = [e for e in args if e[0] == b"SET"][0]
    assert put[2] == b"a\x00b" + b"x" * 125 + b"... (175 more bytes)"
    assert [b"HELLO", b"3", b"AUTH", b"(redacted)", b"(redacted)", b"SETNAME", b"me"] in args
    assert c("SLOWLOG", "GET", -2) == Err("ERR count should be greater than or equal to -1")
    assert c("SLOWLOG", "GET", "x") == Err("ERR count should be greater than or equal to -1")


def test_errors_by_their_code(server):
    c = server.conn()
    c("CONFIG", "RESETSTAT")
    c("SET", "k", "v")
    c("LPUSH", "k", "v"), c("NOSUCH"), c("SET", "k")
    c("MULTI"), c("SET"), c("EXEC")
    e, st, cmd = c.info("errorstats"), c.info("stats"), c.info("commandstats")
    assert (e["errorstat_WRONGTYPE"], e["errorstat_ERR"], e["errorstat_EXECABORT"]) == ("count=1", "count=3", "count=1")
    assert st["total_error_replies"] == "5"
    assert cmd["cmdstat_lpush"].endswith("rejected_calls=0,failed_calls=1")
    assert cmd["cmdstat_set"].endswith("rejected_calls=2,failed_calls=0")
    assert cmd["cmdstat_exec"].endswith("rejected_calls=0,failed_calls=1")
    assert cmd["cmdstat_multi"].endswith("rejected_calls=0,failed_calls=0")


def test_counters_of_the_network_move(server):
    c = server.conn()
    c("CONFIG", "RESETSTAT")
    for _ in range(10):
        c("PING")
    st = c.info("stats")
    assert int(st["total_reads_processed"]) >= 10 and int(st["total_writes_processed"]) >= 10
    assert int(st["total_net_input_bytes"]) >= 140 and int(st["total_net_output_bytes"]) >= 70


def test_a_reset_connection_is_noticed(server):
    c = server.conn()
    before = int(c.info("clients")["connected_clients"])
    v = server.connect_socket()
    v.sendall(encode(["SUBSCRIBE", "ch"]))
    wait_for(lambda: c("PUBSUB", "NUMSUB", "ch") == [b"ch", 1])
    v.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    v.close()
    wait_for(lambda: int(c.info("clients")["connected_clients"]) == before)
    assert c("PUBLISH", "ch", "m") == 0
