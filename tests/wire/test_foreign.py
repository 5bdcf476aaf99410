"""Other protocols at our port: closed at once, and nothing of what comes behind is run."""
import socket
import ssl
import time

import pytest

from resp import OK
from server import wait_for

pytestmark = pytest.mark.memd_only

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PROPFIND", "PRI"]


def closed(c):
    return int(c.info("stats")["foreign_protocol_closed"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("behind", [b"SET k v\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"])
def test_http_is_not_answered(server, c, method, behind):
    before = closed(c)
    x = server.conn()
    x.send_raw(b"%s /SET HTTP/1.1\r\nUser-Agent: x\r\n\r\n" % method.encode() + behind)
    assert x.read_to_end() == b""
    assert closed(c) == before + 1 and c("EXISTS", "k") == 0


@pytest.mark.parametrize("data", [b"POST /\r\nSET k v\r\n", b"Host: a.example\r\nSET k v\r\n",
                                  b"SETX 1\r\nhost: a\r\nSET k v\r\n", b"*2\r\n$4\r\nPoSt\r\n$1\r\n/\r\nSET k v\r\n",
                                  b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nSET k v\r\n"])
def test_words_of_http_end_the_connection(server, c, data):
    x = server.conn()
    x.send_raw(data)
    assert b"OK" not in x.read_to_end()
    assert c("EXISTS", "k") == 0


def test_http_byte_by_byte(server, c):
    x = server.conn()
    with pytest.raises(OSError):
        for b in b"GET /index.html HTTP/1.1\r\n" + b"SET k v\r\n" * 1000:
            x.send_raw(bytes([b]))
    assert c("EXISTS", "k") == 0


def test_what_looks_a_little_like_it_is_a_command(server, c):
    """Lines of text that are requests, and arguments that are text about HTTP."""
    x = server.conn()
    x.send_raw(b"SET page HTTP/1.1\r\n")
    assert x.read() == OK
    x.send("SET", "k", "HTTP/1.1")
    assert x.read() == OK
    assert c("GET", "page") == b"HTTP/1.1" and x("GET", "k") == b"HTTP/1.1"
    x.send_raw(b"get k\r\n")
    assert x.read() == b"HTTP/1.1"
    x.send_raw(b"\x16 x\r\n")
    assert x.read().startswith("ERR unknown command")


def test_a_tls_hello_ends_the_connection(server, c):
    before = closed(c)
    with pytest.raises((ssl.SSLError, OSError)):
        ssl.create_default_context().wrap_socket(socket.create_connection(("127.0.0.1", server.port)),
                                                 server_hostname="localhost")
    assert closed(c) == before + 1
    for version in range(5):
        x = server.conn()
        x.send_raw(b"\x16\x03" + bytes([version]) + b"\x02\x00SET k v\r\nSET k v\r\n")
        assert x.read_to_end() == b""
    assert closed(c) == before + 6 and c("EXISTS", "k") == 0


def test_requests_before_it_are_answered_and_none_behind(server, c):
    x = server.conn()
    x.send_raw(b"INCR n\r\nINCR n\r\nPOST / HTTP/1.1\r\nINCR n\r\n")
    x.read_to_end()
    assert c("GET", "n") == b"2"


def test_the_log_has_a_line_and_not_a_thousand(start):
    """Ten a second, and one that says how many more there were."""
    s = start()
    c = s.conn()
    began = time.monotonic()
    for _ in range(100):
        x = s.conn()
        x.send_raw(b"POST / HTTP/1.1\r\n\r\n")
        assert x.read_to_end() == b""
    assert closed(c) == 100
    lines = wait_for(lambda: [line for line in s.log().split("\n") if "SECURITY ATTACK" in line])
    assert 1 <= len(lines) <= 11 * (2 + time.monotonic() - began) and "127.0.0.1:" in lines[0]


def test_strangers_too(start):
    s = start(requirepass="pw")
    x = s.conn(auth=False)
    x.send_raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert x.read_to_end() == b""
