"""Kinds of requests in any order (CVE-2026-27623: what the last one was, was not forgotten behind an empty one), with requests that
are empty, inline, in pieces, before and behind a password; and replies of RESP3 of every kind read by a client library."""
import itertools
import random

import pytest
import resp
import server as srv

pytestmark = pytest.mark.memd_only

# What is sent, and what comes of it.
PIECES = [
    (b"\r\n", []), (b"\n", []), (b"*0\r\n", []), (b"*-1\r\n", []), (b"   \r\n", []), (b"\t \r\n", []),
    (b"PING a\r\n", [b"a"]), (b"ping b\n", [b"b"]), (b'PING "c d"\r\n', [b"c d"]), (b"  PING   e  \r\n", [b"e"]),
    (b"*2\r\n$4\r\nPING\r\n$1\r\nf\r\n", [b"f"]), (b"*2\r\n$4\r\nPING\r\n$0\r\n\r\n", [b""]), (b"*2\r\n$4\r\nECHO\r\n$6\r\n*1\r\n$4\r\n", [b"*1\r\n$4"]),
    (b"PING " + b" " * 3000 + b"g\r\n", [b"g"]), (b"NOSUCH\r\n", "ERR"), (b"*1\r\n$0\r\n\r\n", "ERR"), (b"*1\r\n$1\r\n\n\r\n", "ERR"),
]


def expect(got, wanted):
    return isinstance(got, resp.Err) if wanted == "ERR" else got == wanted[0]


def converse(c, pieces, cut=None):
    data = b"".join(p for p, _ in pieces)
    if cut is None:
        c.send_raw(data)
    else:
        c.send_raw(data[:cut])
        c.send_raw(data[cut:])
    for _, wanted in pieces:
        if wanted:
            got = c.read()
            assert expect(got, wanted), (data, got, wanted)
    assert c.nothing_unread()


def test_kinds_of_requests_in_any_order(server):
    c = server.conn()
    for pieces in itertools.product(PIECES, repeat=2):
        converse(c, pieces)
    r = random.Random(20260101)
    for _ in range(100):
        pieces = [r.choice(PIECES) for _ in range(r.randrange(3, 9))]
        converse(c, pieces, r.randrange(1, sum(len(p) for p, _ in pieces)))


def test_kinds_of_requests_before_a_password(start):
    s = start(requirepass="pw", auth_delay_max="0")
    for empty in (b"\r\n", b"*0\r\n", b"*-1\r\n", b"  \r\n"):
        for auth in (b"AUTH pw\r\n", b"*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n"):
            with s.conn(auth=False) as c:
                c.send_raw(empty + b"PING\r\n" + empty + auth + empty + b"PING x\r\n" + empty + b"*2\r\n$4\r\nPING\r\n$1\r\ny\r\n")
                assert str(c.read()).startswith("NOAUTH")
                assert [c.read() for _ in range(3)] == [resp.OK, b"x", b"y"]


def test_redis_py_reads_every_kind_of_reply_in_both_protocols(server):
    """With hiredis where that is there. What a library cannot read it would raise, or wait for ever."""
    import redis
    for protocol in (2, 3):
        try:
            r = redis.Redis(host="127.0.0.1", port=server.port, socket_timeout=srv.PATIENCE, protocol=protocol)
        except TypeError:  # a redis-py that knows one protocol alone
            r = redis.Redis(host="127.0.0.1", port=server.port, socket_timeout=srv.PATIENCE)
        for kind in ("string", "integer", "double", "null", "array", "set", "map", "verbatim", "true", "false"):
            r.execute_command("DEBUG", "PROTOCOL", kind)
        assert r.ping()
        r.close()
