"""What may be had before a password was given: little, for a short time, and by a part of the clients."""
import contextlib
import resource
import socket

import pytest

from resp import OK, PONG, Err, Simple
from server import PATIENCE, wait_for

pytestmark = pytest.mark.memd_only

NOAUTH = Err("NOAUTH Authentication required.")


@contextlib.contextmanager
def descriptors(n):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard), hard))
    try:
        yield min(n, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def stat(c, name):
    return int(c.info("stats", "clients")[name])


def test_only_the_door_is_open(start):
    s = start(requirepass="pw")
    c = s.conn(auth=False)
    for request in (["PING"], ["ECHO", "x"], ["GET", "k"], ["MULTI"], ["SUBSCRIBE", "a"], ["MONITOR"], ["INFO"],
                    ["CLIENT", "ID"], ["COMMAND"], ["CONFIG", "GET", "*"], ["SHUTDOWN"]):
        assert c(*request) == NOAUTH, request
    assert c("RESET") == Simple("RESET")
    assert c("HELLO", "3").startswith("NOAUTH HELLO must be called with the client already authenticated")
    assert c("AUTH", "pw") == OK and c("PING") == PONG
    c = s.conn(auth=False)
    assert c("QUIT") == OK and c.read_to_end() == b""


def test_a_hundred_requests_are_enough_to_find_the_password(start):
    s = start(requirepass="pw")
    known, c = s.conn(), s.conn(auth=False)
    for _ in range(100):
        assert c("PING") == NOAUTH
    c.send("AUTH", "pw")  # the right one, but too late
    assert c.read_to_end() == b"-NOAUTH Too many requests without authentication.\r\n"
    assert stat(known, "unauthenticated_closed_excess") == 1
    # Requests of those who are in are not counted, nor those before the password was needed.
    for _ in range(300):
        assert known("PING") == PONG


@pytest.mark.parametrize("data, text", [
    (b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
    (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n"),
    (b"AUTH " + b"a " * 2100 + b"\r\n", b"-ERR Protocol error: too big inline request\r\n"),
    (b"*3\r\n$4\r\nAUTH\r\n$16000\r\n" + b"u" * 16000 + b"\r\n$16000\r\n" + b"p" * 15000,
     b"-NOAUTH Too much input without authentication.\r\n"),
])
def test_what_is_too_large_ends_the_connection(start, data, text):
    s = start(requirepass="pw")
    known, c = s.conn(), s.conn(auth=False)
    c.send_raw(data)
    assert c.read_to_end() == text
    assert stat(known, "unauthenticated_closed_excess") == 1
    assert known("PING") == PONG


def test_a_client_that_does_not_wait_for_the_answer_to_auth_loses_nothing(start):
    s = start(requirepass="pw")
    c = s.conn(auth=False)
    requests = [["AUTH", "pw"], ["SET", "k", "x" * 1000000]] + [["APPEND", "k", "y" * 50]] * 3000 + [["STRLEN", "k"]]
    assert c.pipeline(requests)[-1] == 1150000
    assert c.pipeline([["RESET"], ["AUTH", "pw"]] + [["APPEND", "k", "z" * 9000]] * 100)[-1] == 2050000


def test_a_stranger_who_never_reads_is_let_go(start):
    """Replies that wait are bounded, and so is what the kernel keeps."""
    s = start(requirepass="pw")
    known = s.conn()
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.connect(("127.0.0.1", s.port))
    raw.settimeout(PATIENCE)
    with contextlib.suppress(OSError):
        for _ in range(200):
            raw.sendall(b"NOSUCHCOMMAND " + b"x" * 200 + b"\r\n")
    wait_for(lambda: stat(known, "connected_clients") == 1)
    assert stat(known, "unauthenticated_closed_excess") == 1
    raw.close()


def test_memory_of_strangers_is_bounded(start):
    """As many as there may be, and each sends as much as it may: 64 KiB each are the promise."""
    with descriptors(4000) as there:
        n = there // 4
        s = start(requirepass="pw", maxclients=4 * n, auth_timeout=0)
        known = s.conn()
        before = int(known.info("memory")["used_memory"])
        parts = b"*3\r\n$4\r\nAUTH\r\n$16000\r\n" + b"u" * 16000 + b"\r\n$16000\r\n" + b"p" * 7000
        socks = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(n)]
        for k in socks:
            k.sendall(parts)
        wait_for(lambda: stat(known, "total_net_input_bytes") >= n * len(parts))
        assert stat(known, "unauthenticated_clients") == n, "none of them has done too much"
        grown = int(known.info("memory")["used_memory"]) - before
        assert grown < n * 64 * 1024, grown
        for k in socks:
            k.close()
        wait_for(lambda: stat(known, "connected_clients") == 1)
        wait_for(lambda: int(known.info("memory")["used_memory"]) - before < 8 * 1024 * 1024)


def test_slow_senders_take_a_page(start):
    """One byte each: ten thousand of these are to stay below 100 MB."""
    with descriptors(2000) as there:
        n = there // 4
        s = start(requirepass="pw", maxclients=4 * n, auth_timeout=0)
        known = s.conn()
        before = int(known.info("memory")["used_memory"])
        socks = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(n)]
        for k in socks:
            k.sendall(b"*")
        wait_for(lambda: stat(known, "total_net_input_bytes") >= n)
        grown = int(known.info("memory")["used_memory"]) - before
        assert grown < n * 8 * 1024, grown
        for k in socks:
            k.close()


def test_who_does_not_authenticate_in_time_is_closed(start):
    s = start(requirepass="pw")
    known, silent, busy = s.conn(), s.conn(auth=False), s.conn(auth=False)
    assert busy("PING") == NOAUTH  # to ask is no excuse
    assert known("CONFIG", "SET", "auth-timeout", 1) == OK
    text = b"-NOAUTH No authentication within 1 seconds.\r\n"
    assert silent.read_to_end() == text and busy.read_to_end() == text
    assert stat(known, "unauthenticated_closed_late") == 2
    assert known("PING") == PONG
    # One who leaves the building stands before the door again.
    assert known("RESET") == Simple("RESET")
    assert known.read_to_end() == text


def test_reset_buys_neither_time_nor_requests(start):
    s = start(requirepass="pw")
    known, c = s.conn(), s.conn(auth=False)
    for _ in range(100):
        assert c("RESET") == Simple("RESET")
    c.send("RESET")
    assert c.read_to_end() == b"-NOAUTH Too many requests without authentication.\r\n"
    slow, later = s.conn(auth=False), s.conn(auth=False)
    assert slow("RESET") == Simple("RESET") and later("RESET") == Simple("RESET")
    known("BLPOP", "nothing", "0.4")
    assert slow("RESET") == Simple("RESET")
    assert known("CONFIG", "SET", "auth-timeout", 1) == OK
    assert later.read_to_end().startswith(b"-NOAUTH No authentication within")
    assert stat(known, "unauthenticated_closed_late") == 2, "the older one is not closed later"


def test_a_password_that_comes_later_gives_everybody_his_time(start):
    s = start()
    c, silent = s.conn(), s.conn()
    assert silent("RESET") == Simple("RESET") and stat(c, "unauthenticated_clients") == 0
    assert c("CONFIG", "SET", "requirepass", "pw") == OK
    late = s.conn(auth=False)
    assert c("CONFIG", "SET", "auth-timeout", 1) == OK, "who was in stays in"
    assert late.read_to_end().startswith(b"-NOAUTH No authentication within")
    assert silent("PING") == PONG
    assert stat(c, "unauthenticated_closed_late") == 1


def test_too_many_strangers_make_room_by_age(start):
    """Half of maxclients, and never those who have authenticated."""
    s = start(requirepass="pw", maxclients=20, maxclients_unauthenticated=50, auth_timeout=0)
    known = [s.conn() for _ in range(5)]
    strangers = [s.conn(auth=False) for _ in range(12)]
    for c in strangers[:2]:
        assert c.read_to_end() == b"-NOAUTH Too many clients that have not authenticated.\r\n"
    wait_for(lambda: stat(known[0], "unauthenticated_clients") == 10)
    for c in strangers[2:]:
        assert c("PING") == NOAUTH
    assert stat(known[0], "unauthenticated_closed_crowd") == 2
    assert [c("PING") for c in known] == [PONG] * 5
    assert strangers[5]("AUTH", "pw") == OK
    assert stat(known[0], "unauthenticated_clients") == 9


def test_a_full_house_of_strangers_lets_a_client_in(start):
    s = start(requirepass="pw", maxclients=10, maxclients_unauthenticated=100, auth_timeout=0)
    strangers = [s.conn(auth=False) for _ in range(10)]
    assert strangers[-1]("PING") == NOAUTH

    def let_in():
        try:
            c = s.conn(auth=False)
            return c("AUTH", "pw") == OK and c
        except (EOFError, OSError):  # those within have not had their second yet
            return None

    c = wait_for(let_in)
    assert strangers[0].read_to_end() == b"-NOAUTH Too many clients that have not authenticated.\r\n"
    assert stat(c, "unauthenticated_closed_crowd") == 1


def test_without_a_password_nobody_is_a_stranger(start):
    s = start(auth_timeout=1, maxclients=10, maxclients_unauthenticated=10)
    conns = [s.conn() for _ in range(9)]
    for c in conns:
        assert c.pipeline([["SET", "k", "v" * 20000]] * 5 + [["PING"]] * 200)[-1] == PONG
    assert conns[0]("DEL", *["a"] * 50) == 0
    assert stat(conns[0], "unauthenticated_clients") == 0
    assert stat(conns[0], "unauthenticated_closed_crowd") == 0
