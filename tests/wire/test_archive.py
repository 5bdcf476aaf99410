"""ARCHIVE.PUT, .MOVE, .RECALL, .DROP, .FLUSH, .STATS, and what INFO tells."""
import os

import pytest
import resp
from server import wait_for

pytestmark = pytest.mark.memd_only


@pytest.fixture
def s(start):
    return start(enable_debug_command="yes", archive_timeout="600000")


@pytest.fixture
def c(s):
    return s.conn()


def error(reply, beginning):
    assert isinstance(reply, resp.Err) and reply.startswith(beginning), reply


def test_put_keeps_the_key_and_move_does_not(c):
    c("SET", "a", "1")
    c("RPUSH", "b", "x", "y")
    assert c("ARCHIVE.PUT", "a", "none", "b") == 2
    assert c("DBSIZE") == 2
    assert c("ARCHIVE.MOVE", "a", "none", "b", "b") == 2
    assert c("DBSIZE") == 0
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("ARCHIVE.MOVE", "a") == 0
    assert c.info("archive")["archive_entries"] == "4"


def test_recall_brings_the_newest_version_or_one_of_those_before(c):
    for i in range(1, 4):
        c("SET", "k", "v%d" % i)
        c("ARCHIVE.PUT", "k")
    error(c("ARCHIVE.RECALL", "k"), "BUSYKEY ")
    assert c("ARCHIVE.RECALL", "k", "VERSION", "1", "REPLACE") == 1
    assert c("GET", "k") == b"v1"
    assert c("ARCHIVE.RECALL", "k", "REPLACE", "VERSION", "2", "TTL", "100000") == 2
    assert c("GET", "k") == b"v2" and 90000 < c("PTTL", "k") <= 100000
    c("DEL", "k")
    assert c("ARCHIVE.RECALL", "k") == 3
    assert c("GET", "k") == b"v3" and c("TTL", "k") == -1
    assert c("ARCHIVE.RECALL", "k", "REPLACE", "VERSION", "9") is None
    assert c("GET", "k") == b"v3"
    assert c("ARCHIVE.RECALL", "none") is None


def test_recall_of_every_type_is_the_same_to_the_byte(c):
    c("SET", "string", bytes(range(256)))
    c("SET", "number", "12345")
    c("RPUSH", "list", *["e%d" % i for i in range(300)])
    c("HSET", "hash", "f", "\0\xff", "g", "")
    c("HSET", "ttl", "f", "1", "g", "2")
    c("HEXPIRE", "ttl", "1000", "FIELDS", "1", "f")
    c("SADD", "ints", "1", "2", "3")
    c("SADD", "set", *["m%d" % i for i in range(1000)])
    c("ZADD", "zset", "1.5", "a", "inf", "b")
    c("XADD", "stream", "1-1", "f", "v")
    c("XGROUP", "CREATE", "stream", "g", "0")
    c("XREADGROUP", "GROUP", "g", "me", "STREAMS", "stream", ">")
    c("PFADD", "hll", "a", "b")
    keys = c("KEYS", "*")
    packed = [k for k in keys if k != b"set"]  # a table's members come in any order
    before = c("DEBUG", "DIGEST"), {k: c("DUMP", k) for k in packed}
    assert c("ARCHIVE.MOVE", *keys) == len(keys)
    for k in keys:
        assert c("ARCHIVE.RECALL", k) == 1
    assert (c("DEBUG", "DIGEST"), {k: c("DUMP", k) for k in packed}) == before


def test_recall_at_a_time(c):
    c("SET", "k", "early")
    c("ARCHIVE.PUT", "k")
    assert c("ARCHIVE.FLUSH") == resp.OK
    seconds, us = (int(x) for x in c("TIME"))
    now = seconds * 1000 + us // 1000
    assert c("ARCHIVE.RECALL", "k", "AT", str(now + 60000), "REPLACE") == 1
    error(c("ARCHIVE.RECALL", "k", "AT", "-1", "REPLACE"), "ERR value is out of range")


@pytest.mark.parametrize("command", [
    "ARCHIVE.PUT", "ARCHIVE.MOVE", "ARCHIVE.RECALL", "ARCHIVE.DROP", "ARCHIVE.STATS x", "ARCHIVE.HELP x",
])
def test_wrong_numbers_of_arguments(c, command):
    error(c(*command.split()), "ERR wrong number of arguments")


@pytest.mark.parametrize("command", [
    "ARCHIVE.RECALL none VERSION", "ARCHIVE.RECALL none VERSION 1 AT 2", "ARCHIVE.RECALL none REPLACE REPLACE",
    "ARCHIVE.RECALL none TTL", "ARCHIVE.RECALL none TTL 1 TTL 1", "ARCHIVE.RECALL none NONSENSE",
    "ARCHIVE.DROP a b", "ARCHIVE.DROP MATCH a b", "ARCHIVE.FLUSH x", "ARCHIVE.FLUSH TIMEOUT", "ARCHIVE.FLUSH TIMEOUT 1 2",
])
def test_wrong_syntax(c, command):
    error(c(*command.split()), "ERR syntax error")


@pytest.mark.parametrize("command", [
    "ARCHIVE.RECALL none VERSION 0", "ARCHIVE.RECALL none VERSION x", "ARCHIVE.RECALL none VERSION 9223372036854775808",
    "ARCHIVE.RECALL none VERSION nan", "ARCHIVE.RECALL none TTL -1", "ARCHIVE.RECALL none TTL 9223372036854775807",
    "ARCHIVE.FLUSH TIMEOUT -1", "ARCHIVE.FLUSH TIMEOUT x",
])
def test_wrong_numbers(c, command):
    error(c(*command.split()), "ERR ")


def test_empty_and_binary_keys(c):
    for key in b"", bytes(range(256)), b"\r\n", b"k" * 100000:
        c("SET", key, "v")
        assert c("ARCHIVE.MOVE", key) == 1
        assert c("ARCHIVE.RECALL", key) == 1
        assert c("GET", key) == b"v"
        assert c("ARCHIVE.DROP", key) == 1


def test_recall_makes_room_first(start):
    c = start(maxmemory="16mb", maxmemory_policy="allkeys-random", archive_timeout="600000", namespace=["* archive evict"]).conn()
    value = os.urandom(10000)
    keys = ["k%d" % i for i in range(3000)]
    for i, key in enumerate(keys):
        assert c("SET", key, value) == resp.OK
        if i % 100 == 0:  # who goes ahead of the archive's disk is refused
            c("ARCHIVE.FLUSH")
    gone = [key for key in keys if c("EXISTS", key) == 0]
    assert len(gone) > 100
    before = int(c.info("stats")["evicted_keys"])
    for i, key in enumerate(gone[:1700]):  # as much as there may be
        assert c("ARCHIVE.RECALL", key) == 1
        if i % 100 == 0:
            c("ARCHIVE.FLUSH")
    assert int(c.info("stats")["evicted_keys"]) > before


def test_drop_erases_all_versions_of_a_key_or_of_all_that_match(c):
    for key in "a:1", "a:2", "b:1":
        for i in range(3):
            c("SET", key, str(i))
            c("ARCHIVE.PUT", key)
    assert c("ARCHIVE.DROP", "a:1") == 3
    assert c("ARCHIVE.DROP", "a:1") == 0
    assert c("ARCHIVE.DROP", "MATCH", "?:1") == 3
    assert c("ARCHIVE.DROP", "MATCH", "*") == 3
    assert c.info("archive")["archive_entries"] == "0"
    assert c("DBSIZE") == 3


def test_no_waiting_in_transactions_and_scripts(c):
    c("SET", "k", "v")
    c("MULTI")
    for command in ("ARCHIVE.RECALL", "k"), ("ARCHIVE.DROP", "k"), ("ARCHIVE.FLUSH",):
        error(c(*command), "ERR Command not allowed inside a transaction")
    c("DISCARD")
    error(c("EVAL", "return redis.call('archive.flush')", 0), "ERR This Redis command is not allowed from script")
    c("MULTI")
    c("ARCHIVE.PUT", "k")
    c("ARCHIVE.MOVE", "k")
    assert c("EXEC") == [1, 1]
    c("SET", "k", "w")
    assert c("EVAL", "return redis.call('archive.move', KEYS[1])", 1, "k") == 1
    assert c("DBSIZE") == 0


def test_others_go_on_while_one_waits_for_the_archive(s, c):
    o = s.conn()
    c("SET", "k", "v")
    c("ARCHIVE.MOVE", "k")
    c("DEBUG", "ARCHIVE-PAUSE", "yes")
    o.send("ARCHIVE.RECALL", "k")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("SET", "k", "mine") == resp.OK
    c("DEBUG", "ARCHIVE-PAUSE", "no")
    error(o.read(), "BUSYKEY ")
    assert c("GET", "k") == b"mine"


def test_what_comes_back_serves_those_who_wait_for_it(s, c):
    o = s.conn()
    c("RPUSH", "l", "x")
    c("ARCHIVE.MOVE", "l")
    o.send("BLPOP", "l", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("ARCHIVE.RECALL", "l") == 1
    assert o.read() == [b"l", b"x"]


def test_waiting_ends_by_time_and_by_unblock(start):
    s = start(enable_debug_command="yes", archive_timeout="30")
    c, o = s.conn(), s.conn()
    c("SET", "k", "v")
    c("ARCHIVE.MOVE", "k")
    c("DEBUG", "ARCHIVE-PAUSE", "yes")
    error(c("ARCHIVE.RECALL", "k"), "ERR archive: no answer within 30 milliseconds")
    c("CONFIG", "SET", "archive-timeout", "600000")
    me = o("CLIENT", "ID")
    o.send("ARCHIVE.RECALL", "k")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    c("CLIENT", "UNBLOCK", str(me), "ERROR")
    error(o.read(), "UNBLOCKED ")
    o.send("ARCHIVE.RECALL", "k")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    o.close()
    wait_for(lambda: c.info("clients")["blocked_clients"] == "0")
    c("DEBUG", "ARCHIVE-PAUSE", "no")
    assert c("ARCHIVE.RECALL", "k") == 1


@pytest.mark.parametrize("resp3", [False, True])
def test_stats_and_info_tell_the_same(s, resp3):
    c = s.conn(resp3=resp3)
    c("SET", "k", "v")
    c("ARCHIVE.PUT", "k")
    assert c("ARCHIVE.FLUSH") == resp.OK
    stats = c("ARCHIVE.STATS")
    pairs = dict(stats) if resp3 else dict(zip(stats[::2], stats[1::2]))
    assert pairs[b"state"] == b"ok" and pairs[b"entries"] == 1 and pairs[b"queue_notes"] == 0
    assert pairs[b"applied"] == pairs[b"notes"] == 1 and pairs[b"file_bytes"] > 0
    assert len(c("ARCHIVE.HELP")) > 10


def test_info_tells_of_it_once_it_is_needed(start):
    s = start()
    c = s.conn()
    assert c.info("archive") == {} and "archive_state" not in c.info()
    os.mkdir(s.dir + "/archive.db")
    c("SET", "k", "v")
    error(c("ARCHIVE.PUT", "k"), "ERR archive: ")
    got = c.info("archive")
    assert got["archive_state"] == "closed" and got["archive_last_error"]
    os.rmdir(s.dir + "/archive.db")
    wait_for(lambda: c("ARCHIVE.PUT", "k") == 1)  # it is tried again
    assert c.info()["archive_state"] == "ok"


def test_no_archive_file_no_archive(start):
    c = start(archive_file="").conn()
    c("SET", "k", "v")
    error(c("ARCHIVE.PUT", "k"), "ERR archive: there is none")
    error(c("ARCHIVE.FLUSH"), "ERR archive: there is none")
    error(c("ARCHIVE.STATS"), "ERR archive: there is none")


def test_users_and_categories(s, c):
    names = {b"archive.put", b"archive.move", b"archive.recall", b"archive.drop", b"archive.flush", b"archive.stats"}
    assert names <= set(c("ACL", "CAT", "archive"))
    c("ACL", "SETUSER", "u", "on", "nopass", "+@archive", "+get", "~mine:*")
    c("ACL", "SETUSER", "reader", "on", "nopass", "+@archive", "%R~*")
    c("MSET", "mine:1", "v", "yours:1", "v")
    u, r = s.conn(), s.conn()
    u("AUTH", "u", "")
    r("AUTH", "reader", "")
    assert u("ARCHIVE.PUT", "mine:1") == 1
    error(u("ARCHIVE.PUT", "yours:1"), "NOPERM ")
    error(u("ARCHIVE.RECALL", "yours:1"), "NOPERM ")
    error(u("ARCHIVE.DROP", "yours:1"), "NOPERM ")
    error(u("ARCHIVE.DROP", "MATCH", "mine:*"), "NOPERM ")
    error(r("ARCHIVE.DROP", "MATCH", "*"), "NOPERM ")
    error(r("ARCHIVE.MOVE", "mine:1"), "NOPERM ")
    assert u("ARCHIVE.DROP", "mine:1") == 1
    assert c("ARCHIVE.DROP", "MATCH", "*") == 0


def test_the_log_makes_the_same_again(start):
    s = start(appendonly="yes", archive_timeout="600000")
    c = s.conn()
    c("MSET", "a", "1", "b", "2", "c", "3")
    c("ARCHIVE.PUT", "a")
    c("ARCHIVE.MOVE", "b", "c")
    assert c("ARCHIVE.RECALL", "c", "TTL", "100000") == 1
    s.restart(kill=True)
    c = s.conn()
    assert c("MGET", "a", "b", "c") == [b"1", None, b"3"]
    assert 0 < c("PTTL", "c") <= 100000
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c.info("archive")["archive_entries"] == "3"


def test_always_waits_for_the_disk(start):
    s = start(appendonly="yes", appendfsync="always", archive_timeout="600000", namespace="* recall read archive expire")
    c = s.conn()
    c("MSET", "a", "1", "b", "2")
    assert c("ARCHIVE.MOVE", "a", "b") == 2
    assert c("GET", "a") == b"1"
    s.restart(kill=True)
    c = s.conn()
    assert c("DBSIZE") == 1
    assert c("MGET", "a", "b") == [b"1", b"2"]
