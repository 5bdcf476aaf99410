"""More is written than can be evicted in time: memory stays near its limit, and who brings much waits. (How much one turn
evicts: test_abuse.py; what is refused when there is nothing to evict: test_memory.py.)"""
import contextlib
import socket
import threading

import pytest

from resp import OK, PONG, QUEUED, encode
from server import wait_for

MB = 1 << 20
LARGE = 256 * 1024


def figure(c, section, name):
    return int(c.info(section)[name])


def crowded(start, keys):
    """A server full of small keys, whose limit is still to be set."""
    s = start(enable_debug_command="yes", maxmemory_policy="allkeys-lru")
    c = s.conn()
    assert c("DEBUG", "POPULATE", keys) == OK
    return s, c


# One large value: the requests, and their replies.
WAYS = {
    "SET": (lambda key: [["SET", key, b"x" * LARGE]], [OK]),
    "MULTI": (lambda key: [["MULTI"], ["SET", key, b"x" * LARGE], ["EXEC"]], [OK, QUEUED, [OK]]),
    "EVAL": (lambda key: [["EVAL", "return redis.call('SET', KEYS[1], string.rep('x', ARGV[1]))", 1, key, LARGE]], [OK]),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_large_waits_until_eviction_has_come_after(start, way):
    """A turn evicts for so long and no longer, and thousands of small keys that go leave little room: large values came
    faster than that, and memory was at many times its limit."""
    s, c = crowded(start, 300000)
    requests, replies = WAYS[way]
    keys, limit = ["large:%d" % i for i in range(8)], 8 * MB
    assert figure(c, "memory", "used_memory") > limit + 4 * MB
    c.send_raw(encode(["CONFIG", "SET", "maxmemory", limit]) + b"".join(encode(r) for key in keys for r in requests(key)) +
               encode(["INFO", "memory"]))
    assert c.read() == OK
    assert [c.read() for _ in keys for _ in replies] == replies * len(keys)
    used = next(int(line[12:]) for line in c.read().split(b"\r\n") if line.startswith(b"used_memory:"))
    assert used < limit + limit // 64 + len(keys) // 2 * LARGE


def test_those_who_wait_for_room_are_neither_read_from_nor_closed(start):
    s, c = crowded(start, 400000)
    assert c("CONFIG", "SET", "maxmemory", 12 * MB) == OK
    wait_for(lambda: figure(c, "stats", "current_eviction_exceeded_time") == 0)
    writers, n = [s.conn() for _ in range(24)], 40

    def write(i):
        with contextlib.suppress(OSError):
            writers[i].send_raw(encode(["SET", "large:%d" % i, b"x" * 100000]) * n)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(len(writers))]
    for t in threads:
        t.start()
    try:
        assert c("PING") == PONG
        for w in writers:
            assert [w.read() for _ in range(n)] == [OK] * n
    finally:
        for w in writers:
            w.close()
        for t in threads:
            t.join()
    assert figure(c, "stats", "evicted_clients") == 0


@pytest.mark.in_the_clear("one half of the connection is closed, which ssl of Python cannot")
def test_who_has_said_all_waits_for_room_too(start):
    s, c = crowded(start, 300000)
    last = s.conn()
    assert c("CONFIG", "SET", "maxmemory", 6 * MB) == OK
    last.send_raw(encode(["SET", "large", b"x" * 20000]))
    last.sock.shutdown(socket.SHUT_WR)
    assert last.read_to_end() == b"+OK\r\n"


def test_who_waits_for_room_is_told_when_none_will_be_made(start):
    s, c = crowded(start, 300000)
    other = s.conn()
    c.send_raw(encode(["CONFIG", "SET", "maxmemory", 4 * MB]) + encode(["SET", "large", b"x" * MB]))
    assert c.read() == OK
    assert other("CONFIG", "SET", "maxmemory-policy", "noeviction") == OK
    got = c.read()
    assert got == OK or str(got).startswith("OOM command not allowed")


def test_who_waits_for_room_goes_on_when_there_is_no_limit_any_more(start):
    s, c = crowded(start, 300000)
    other = s.conn()
    c.send_raw(encode(["CONFIG", "SET", "maxmemory", 4 * MB]) + encode(["SET", "large", b"x" * MB]))
    assert c.read() == OK
    assert other("CONFIG", "SET", "maxmemory", 0) == OK
    assert c.read() == OK and c("STRLEN", "large") == MB
