"""Listeners, limits, and clients that do not behave."""
import contextlib
import os
import resource
import socket
import time

import pytest

import server as srv
from resp import Err, OK, PONG, encode
from server import Conn, wait_for


@pytest.mark.in_the_clear("who is one too many is refused before his handshake, without a word")
def test_maxclients_refuses_with_an_error(start):
    s = start(maxclients=5)
    conns = [s.conn() for _ in range(5)]
    assert [c("PING") for c in conns] == [PONG] * 5
    late = s.conn()
    assert late.read_to_end() == b"-ERR max number of clients reached\r\n"
    conns.pop().close()
    wait_for(lambda: conns[0].info("clients")["connected_clients"] == "4")
    assert s.conn()("PING") == PONG
    assert int(conns[0].info("stats")["rejected_connections"]) >= 1
    if srv.MEMD.is_memd:
        assert "there are maxclients (5) connections" in s.log()


def test_idle_clients_are_closed_after_timeout(start):
    s = start()
    idle, sub, blocked, c = s.conn(), s.conn(), s.conn(), s.conn(resp3=True)
    idle("PING")
    sub("SUBSCRIBE", "a")
    c("SUBSCRIBE", "b")  # so that it is in no danger itself
    blocked.send("BLPOP", "l", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("CONFIG", "SET", "timeout", 1) == OK
    assert idle.is_closed()
    assert c("PUBLISH", "a", "m") == 1 and c("RPUSH", "l", "v") == 1
    assert sub.read() == [b"message", b"a", b"m"]
    assert blocked.read() == [b"l", b"v"]


def test_unix_socket(start, tmp_path):
    path = str(tmp_path / "memd.sock")
    s = start(unixsocket=path, unixsocketperm="700")
    assert os.stat(path).st_mode & 0o777 == 0o700
    u = socket.socket(socket.AF_UNIX)
    u.connect(path)
    c = Conn(u)
    assert c("SET", "k", "v") == OK
    assert s.conn()("GET", "k") == b"v"
    assert "unixsocket" in c("CLIENT", "INFO").decode() or "U" in c("CLIENT", "INFO").decode()
    c.close()


def test_unix_socket_alone(start, tmp_path):
    path = str(tmp_path / "memd.sock")
    s = start(unixsocket=path, port=0)
    assert s.conn()("PING") == PONG


def test_several_addresses(start):
    s = start(bind="127.0.0.1 127.0.0.2")
    for host in ("127.0.0.1", "127.0.0.2"):
        c = Conn(socket.create_connection((host, s.port)))
        assert c("PING") == PONG
        c.close()


def test_ipv6(start):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    s = start(bind="127.0.0.1 ::1")
    c = Conn(socket.create_connection(("::1", s.port)))
    assert c("PING") == PONG
    assert "addr=[::1]:" in c("CLIENT", "INFO").decode()
    c.close()


def test_an_address_that_is_not_there_may_be_marked_optional(start):
    s = start(bind="127.0.0.1 -203.0.113.1")
    assert s.conn()("PING") == PONG


def test_a_reader_that_never_reads_is_cut_off(start):
    s = start(client_output_buffer_limit="normal 2mb 0 0")
    c = s.conn()
    c("SET", "k", "x" * 100000)
    lazy = s.conn()
    try:
        for _ in range(2000):
            lazy.send("GET", "k")
    except OSError:
        pass
    wait_for(lambda: len(c("CLIENT", "LIST").splitlines()) == 1)


def test_a_soft_limit_acts_after_its_time(start):
    s = start(client_output_buffer_limit="normal 0 200kb 1")
    c = s.conn()
    c("SET", "k", "x" * 100000)
    lazy = s.conn()
    lazy.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(200):
        lazy.send("GET", "k")
    wait_for(lambda: len(c("CLIENT", "LIST").splitlines()) == 1)


def test_a_query_buffer_past_its_limit_ends_the_connection(start):
    s = start(client_query_buffer_limit="1mb")
    c = s.conn()
    try:
        c.send_raw(b"*2\r\n$3\r\nGET\r\n$3000000\r\n" + b"x" * 2999990)
    except OSError:
        pass
    assert c.is_closed()
    assert s.conn()("PING") == PONG


def test_protected_mode_refuses_outside_addresses(start):
    """With no password and no bind, only the loopback may talk."""
    outside = outside_address()
    if outside is None:
        pytest.skip("this machine has only the loopback")
    s = start(bind="0.0.0.0", protected_mode="yes")
    with Conn(socket.create_connection((outside, s.port))) as c:
        assert c.read_to_end().startswith(b"-DENIED ")
    assert s.conn()("PING") == PONG
    s.conn()("CONFIG", "SET", "protected-mode", "no")
    with Conn(socket.create_connection((outside, s.port))) as c:
        assert c("PING") == PONG


def outside_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("203.0.113.1", 9))
        except OSError:
            return None
        host = s.getsockname()[0]
    return None if host.startswith("127.") else host


def test_out_of_descriptors_the_server_goes_on(start):
    """EMFILE on accept: those who are in are served, the processor is not burnt, and who waits gets in
    when a descriptor is free."""
    s = start(maxclients=1000, wrapper=["sh", "-c", 'ulimit -n 96; exec "$0" "$@"'])
    conns = [s.conn() for _ in range(2)]
    c = conns[0]
    limit = int(c("CONFIG", "GET", "maxclients")[1])
    more = []
    for _ in range(120):
        more.append(Conn(socket.create_connection(("127.0.0.1", s.port))))
    for m in more:
        m.send("PING")
    assert c("PING") == PONG
    cpu, t0 = s.cpu_seconds(), time.monotonic()
    while time.monotonic() - t0 < 0.5:
        assert c("PING") == PONG
        time.sleep(0.02)
    assert s.cpu_seconds() - cpu < 0.35, "it spins"
    for m in more:
        m.close()
    wait_for(lambda: int(c.info("clients")["connected_clients"]) <= 3)
    assert s.conn()("PING") == PONG
    assert limit <= 1000


@pytest.mark.in_the_clear("a handshake would wait for the descriptor")
def test_those_who_come_when_descriptors_have_run_out_wait_and_the_log_says_why(start):
    s = start()
    c = s.conn()
    assert c("PING") == PONG
    at_hand = len(os.listdir("/proc/%d/fd" % s.pid)) + 2
    soft, hard = resource.prlimit(s.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(s.pid, resource.RLIMIT_NOFILE, (at_hand, hard))
    more = [s.conn() for _ in range(5)]
    for x in more:
        x.send("PING")
    wait_for(lambda: "Accepting client connection: Too many open files" in s.log())
    assert [x.read() for x in more[:2]] == [PONG] * 2
    assert c("PING") == PONG
    resource.prlimit(s.pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert [x.read() for x in more[2:]] == [PONG] * 3


@pytest.mark.in_the_clear("it is looked for by the port in the clear")
def test_keepalive_is_set_on_connections(start):
    """The kernel's own table: timer 02 is the keepalive timer."""
    s = start(tcp_keepalive=300)
    c = s.conn()
    c("PING")
    peer = "%04X" % c.sock.getsockname()[1]

    def timer():
        with open("/proc/net/tcp") as f:
            rows = [line.split() for line in f.readlines()[1:]]
        return [r[5].split(":")[0] for r in rows if r[1].endswith(":%04X" % s.port) and r[2].endswith(":" + peer)] == ["02"]

    wait_for(timer)


def test_closing_while_replies_are_under_way(start):
    s = start()
    c = s.conn()
    c("SET", "k", "x" * (4 << 20))
    for _ in range(10):
        d = s.conn()
        d.send("GET", "k")
        d.send("GET", "k")
        d.close()
    half = s.conn()
    half.send("GET", "k")
    half.sock.shutdown(socket.SHUT_WR)
    half.read_to_end()
    wait_for(lambda: len(c("CLIENT", "LIST").splitlines()) == 1)
    assert c("PING") == PONG


def test_many_connections_come_and_go(start):
    s = start(maxclients=4000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = min(1500, soft - 200)
    for _ in range(2):
        conns = [s.conn() for _ in range(n)]
        for c in conns:
            c.send("PING")
        assert all(c.read() == PONG for c in conns)
        for c in conns:
            c.close()
        s.conns = []
    c = s.conn()
    wait_for(lambda: c.info("clients")["connected_clients"] == "1")


def test_client_memory_is_counted_and_given_back(start):
    s = start()
    c = s.conn()
    before = int(c.info("memory")["used_memory"])
    d = s.conn()
    d.send_raw(encode(["SET", "k", "x" * (8 << 20)])[:-100])
    wait_for(lambda: int(c.info("memory")["used_memory"]) > before + (4 << 20))
    d.close()
    wait_for(lambda: int(c.info("memory")["used_memory"]) < before + (1 << 20))


def test_two_daemons_on_one_port(start):
    s = start()
    second = srv.Server(port=s.port, wait=False)
    try:
        assert second.wait_exit() == 1
        assert "in use" in second.log().lower()
    finally:
        second.destroy()
    assert s.conn()("PING") == PONG


def test_a_password_set_later_counts_for_new_connections(start):
    s = start()
    c = s.conn()
    assert c("CONFIG", "SET", "requirepass", "pw") == OK
    assert c("PING") == PONG
    assert s.conn()("PING") == Err("NOAUTH Authentication required.")
    s.password = "pw"
    assert s.conn()("PING") == PONG


def test_sigstop_and_cont(start):
    s = start()
    c = s.conn()
    with s.one_turn():
        c.send("PING")
    assert c.read() == PONG


def test_a_request_that_never_ends_counts_against_maxmemory_clients(start):
    """What a client has sent of a request counts at once, not only when the request is complete."""
    server = start(maxmemory_clients="2mb")
    with server.conn() as greedy, server.conn() as c:
        greedy("CLIENT", "SETNAME", "greedy")
        with contextlib.suppress(OSError):  # it may be gone before all is sent
            greedy.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n" + b"x" * (4 << 20))
        wait_for(greedy.is_closed)
        assert b"greedy" not in c("CLIENT", "LIST")
        assert b"evicted_clients:1\r\n" in c("INFO", "stats")


def test_one_who_sends_slow_requests_lets_others_in_between(server):
    slow, other = server.conn(), server.conn()
    assert slow("SET", "done", 0) == OK
    with server.one_turn():
        slow.send_raw(b"".join(encode(a) for _ in range(100) for a in (("DEBUG", "SLEEP", "0.005"), ("INCR", "done"))))
        other.send("GET", "done")
    assert int(other.read()) < 50
    assert [slow.read() for _ in range(200)][-1] == 100
