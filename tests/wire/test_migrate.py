"""MIGRATE: keys from one server to another."""
import os
import socket
import threading
import time

import pytest

import server as srv
from resp import OK, Err, Simple


def fill(c):
    c("SET", "text", b"\x00binary\r\n" * 100)
    c("SET", "number", 12345)
    c("RPUSH", "list", *range(500))
    c("SADD", "set", "a", "b", "c")
    c("HSET", "hash", "f", "v", "g", "w")
    c("PFADD", "hll", *range(100))
    c("SET", "dated", "x", "PX", 1000000)
    return ["text", "number", "list", "set", "hash", "hll", "dated"]


def test_keys_move_to_another_memd(start):
    one, other = start(appendonly="yes"), start()
    a, b = one.conn(), other.conn()
    keys = fill(a)
    digests = a("DEBUG", "DIGEST-VALUE", *keys)
    assert a("MIGRATE", "127.0.0.1", other.port, "text", 0, 60000) == OK
    assert a("EXISTS", "text") == 0 and b("EXISTS", "text") == 1
    assert a("MIGRATE", "127.0.0.1", other.port, "", 0, 60000, "KEYS", "nokey", *keys[1:]) == OK
    assert a("DBSIZE") == 0
    assert b("DEBUG", "DIGEST-VALUE", *keys) == digests
    assert 900000 < b("PTTL", "dated") <= 1000000
    one.kill9()
    one.start()
    assert one.conn()("DBSIZE") == 0


def test_keys_move_to_stock_and_back(start):
    if not os.access(srv.REDIS_PATH, os.X_OK):
        pytest.skip("no redis-server here")
    own, ref = start(), srv.Server(binary=srv.REDIS_PATH)
    try:
        a, b = own.conn(), ref.conn()
        keys = fill(a)
        digests = a("DEBUG", "DIGEST-VALUE", *keys)
        assert a("MIGRATE", "localhost", ref.port, "", 3, 60000, "KEYS", *keys) == OK
        assert b("SELECT", 3) == OK and b("DBSIZE") == len(keys)
        assert b("MIGRATE", "127.0.0.1", own.port, "", 0, 60000, "KEYS", *keys) == OK
        assert a("DEBUG", "DIGEST-VALUE", *keys) == digests
    finally:
        ref.destroy()


def test_options(start):
    one, other = start(), start(requirepass="secret")
    a, b = one.conn(), other.conn()
    port = other.port
    a("MSET", "k", 1, "l", 2)
    refused = a("MIGRATE", "127.0.0.1", port, "k", 0, 60000)
    assert refused == Err("ERR Target instance replied with error: NOAUTH Authentication required.")
    assert a("MIGRATE", "127.0.0.1", port, "k", 0, 60000, "AUTH", "wrong").startswith(
        "ERR Target instance replied with error: WRONGPASS")
    assert a("MIGRATE", "127.0.0.1", port, "k", 0, 60000, "COPY", "AUTH", "secret") == OK
    assert a("GET", "k") == b"1" and b("GET", "k") == b"1"
    assert a("MIGRATE", "127.0.0.1", port, "k", 0, 60000, "AUTH2", "default", "secret") == Err(
        "ERR Target instance replied with error: BUSYKEY Target key name already exists.")
    a("SET", "k", 3)
    # What was taken leaves, what was refused stays.
    assert a("MIGRATE", "127.0.0.1", port, "", 0, 60000, "AUTH", "secret", "KEYS", "k", "l") == Err(
        "ERR Target instance replied with error: BUSYKEY Target key name already exists.")
    assert a("GET", "k") == b"3" and a("EXISTS", "l") == 0
    assert a("MIGRATE", "127.0.0.1", port, "k", 0, 60000, "REPLACE", "AUTH", "secret") == OK
    assert b("MGET", "k", "l") == [b"3", b"2"]
    assert a("SET", "m", 1) == OK
    assert a("MIGRATE", "127.0.0.1", port, "m", 99, 60000, "AUTH", "secret") == Err(
        "ERR Target instance replied with error: ERR DB index is out of range")


def test_requests_that_make_no_sense(c):
    assert c("MIGRATE", "127.0.0.1", 1, "none", 0, 10) == Simple("NOKEY")
    c("SET", "k", 1)
    for args, error in (
            (("k", 0, 10, "KEYS", "k"), "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"),
            (("k", 0, 10, "AUTH"), "ERR syntax error"),
            (("k", 0, 10, "AUTH2", "a"), "ERR syntax error"),
            (("k", 0, 10, "FOO"), "ERR syntax error"),
            (("k", "x", 10), "ERR value is not an integer or out of range"),
            (("k", 0, "x"), "ERR value is not an integer or out of range")):
        assert c("MIGRATE", "127.0.0.1", 1, *args) == Err(error)
    assert c("COMMAND", "GETKEYS", "MIGRATE", "h", 1, "", 0, 5, "KEYS", "a", "b") == [b"a", b"b"]
    assert c("COMMAND", "GETKEYS", "MIGRATE", "h", 1, "k", 0, 5, "COPY") == [b"k"]


def test_a_lost_peer_costs_no_more_than_the_timeout(server, c):
    c("SET", "k", "v")
    assert c("MIGRATE", "127.0.0.1", srv.free_port(), "k", 0, 1000) == Err("IOERR error or timeout connecting to the client")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        assert c("MIGRATE", "127.0.0.1", port, "k", 0, 300) == Err("IOERR error or timeout reading to target instance")
        assert time.monotonic() - began >= 0.3
        # A byte now and then does not make it longer.
        done = threading.Event()

        def trickle():
            peers = [silent.accept()[0] for _ in range(2)]
            while not done.wait(0.02):
                try:
                    peers[1].send(b"+")
                except OSError:
                    break
            for p in peers:
                p.close()

        t = threading.Thread(target=trickle)
        t.start()
        assert c("MIGRATE", "127.0.0.1", port, "k", 0, 300) == Err("IOERR error or timeout reading to target instance")
        done.set()
        t.join()
        # One that closes at once.
        def close():
            silent.accept()[0].close()

        t = threading.Thread(target=close)
        t.start()
        assert c("MIGRATE", "127.0.0.1", port, "k", 0, 10000).startswith("IOERR error or timeout")
        t.join()
    assert c("GET", "k") == b"v"


HUGE = ["*1152921504606846976", "*4294967297", "*-9223372036854775808", "%576460752303423488", "~1073741824", ">2147483647",
        "$9223372036854775807", "$-2", "=4294967296", ":1", "_", "", "x", "HTTP/1.1 400 Bad Request", "SSH-2.0-x", "(" + "9" * 100000,
        "*1\r\n" * 50000]


@pytest.mark.memd_only
def test_only_who_says_ok_gets_the_key(server, c):
    """hiredis made room for as many elements as an array was said to have. A peer that says anything but +OK has no key
    of ours, and what it says costs no memory."""
    c("SET", "k", "v")
    c("INFO")
    before = int(c.info("memory")["used_memory"])
    with socket.create_server(("127.0.0.1", 0)) as peer:
        port = peer.getsockname()[1]

        def answer(text):
            with peer.accept()[0] as sock:
                sock.settimeout(srv.PATIENCE)
                sock.recv(1 << 16)
                try:
                    sock.sendall(text.encode())
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(1 << 16):
                        pass
                except OSError:
                    pass  # it has gone

        for selected in ["", "+OK\r\n"]:
            for text in HUGE:
                t = threading.Thread(target=answer, args=(selected + text + "\r\n" + "+OK\r\n",))
                t.start()
                got = c("MIGRATE", "127.0.0.1", port, "k", 0, 10000)
                t.join()
                assert got == Err("IOERR error or timeout reading to target instance"), (selected, text[:30], got)
                assert c("GET", "k") == b"v", (selected, text[:30])
        t = threading.Thread(target=answer, args=("+OK\r\n-ERR no\x00\x1b\xff\r\n",))
        t.start()
        assert c("MIGRATE", "127.0.0.1", port, "k", 0, 10000).startswith("ERR Target instance replied with error: ERR no")
        t.join()
    assert c("PING") == Simple("PONG") and c("GET", "k") == b"v"
    assert int(c.info("memory")["used_memory"]) < before + (1 << 20)


def test_secrets_are_not_shown(server, c):
    c("CONFIG", "SET", "slowlog-log-slower-than", 0)
    try:
        c("SLOWLOG", "RESET")
        c("MIGRATE", "127.0.0.1", 1, "none", 0, 10, "AUTH2", "me", "secret")
        entry = [e for e in c("SLOWLOG", "GET", 10) if e[3][0].upper() == b"MIGRATE"][0]
        assert entry[3][-3:] == [b"AUTH2", b"(redacted)", b"(redacted)"]
    finally:
        c("CONFIG", "SET", "slowlog-log-slower-than", 10000)
