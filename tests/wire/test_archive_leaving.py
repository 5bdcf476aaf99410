"""Clients that leave, are killed or lose their server while they wait for the archive: nothing is left of them. Under
the sanitizers (make test-asan) the end of each server here is also a look for leaks."""
import os

import pytest
import resp
from server import wait_for

pytestmark = pytest.mark.memd_only

RULES = "* recall read archive expire,evict,delete,overwrite,trim audit-log writes"

# One client each: everything that waits for the archive.
WAITING = ["GET away:1", "LRANGE away:2 0 -1", "MGET away:1 away:2 away:3 never", "RPUSH away:2 x", "BLPOP away:2 0", "INCR away:3",
           "XREAD BLOCK 0 STREAMS away:4 $", "EVAL return(redis.call('GET',KEYS[1])) 1 away:1", "WATCH away:5", "SORT away:2 STORE here:1",
           "ARCHIVE.GET away:1", "ARCHIVE.GET away:2 VERSION 1", "ARCHIVE.VERSIONS away:2", "ARCHIVE.LIST COUNT 100", "ARCHIVE.SEARCH word",
           "ARCHIVE.RECALL away:2", "ARCHIVE.RECALL away:5 REPLACE TTL 5000", "AUDIT.VERIFY"]
# These wait for the writer, which is not held: they come and go.
PASSING = ["ARCHIVE.PUT here:2", "ARCHIVE.MOVE here:3", "ARCHIVE.FLUSH", "ARCHIVE.DROP away:6", "ARCHIVE.DROP MATCH nothing*"]


def fill(c):
    for line in ("SET away:1 word", "RPUSH away:2 word b c", "SET away:3 3", "XADD away:4 1-1 content word", "HSET away:5 f word",
                 "SET away:6 word", "SET here:2 word", "SET here:3 word"):
        assert not isinstance(c(*line.split()), resp.Err), line
    assert c("ARCHIVE.MOVE", *("away:%d" % i for i in range(1, 7))) == 6
    assert c("ARCHIVE.FLUSH") == resp.OK


def wait_all(s, c):
    """A client for each, all of which wait; one in a transaction too, and one with more requests behind."""
    assert c("DEBUG", "ARCHIVE-PAUSE", "yes") == resp.OK
    clients = [s.conn(resp3=i % 2 == 1) for i in range(len(WAITING) + 3)]
    for conn, line in zip(clients, WAITING):
        conn.send(*line.split())
    multi, behind, sql = clients[len(WAITING):]
    assert multi.pipeline([["MULTI"], ["GET", "away:1"], ["SET", "away:3", "4"]])[-1] == resp.QUEUED
    multi.send("EXEC")
    behind.send("GET", "away:1")
    for line in WAITING + PASSING:
        behind.send(*line.split())
    sql.send("ARCHIVE.SQL", "select * from entries")
    wait_for(lambda: int(c.info("clients")["blocked_clients"]) == len(clients))
    return clients


@pytest.fixture
def s(start):
    return start(namespace=RULES, enable_debug_command="yes", archive_timeout="600000", archive_query_timeout="600000", appendonly="yes",
                 appendfsync="no")


@pytest.fixture
def c(s):
    c = s.conn()
    fill(c)
    return c


def check_gone(c, n_connected=1):
    wait_for(lambda: c.info("clients")["connected_clients"] == str(n_connected))
    assert c.info("clients")["blocked_clients"] == "0"
    assert c("DEBUG", "ARCHIVE-PAUSE", "no") == resp.OK
    wait_for(lambda: c.info("archive")["archive_recalls_waiting"] == "0" == c.info("archive")["archive_recalls_on_the_way"])
    assert c("DEBUG", "CHECK") == resp.OK
    assert c("GET", "away:1") == b"word"


def test_clients_that_leave_while_they_wait(s, c):
    for conn in wait_all(s, c):
        conn.close()
    check_gone(c)


def test_clients_that_are_killed_while_they_wait(s, c):
    wait_all(s, c)
    assert c("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") > len(WAITING)
    check_gone(c)


@pytest.mark.parametrize("settled", [True, False])
def test_the_server_ends_while_they_wait(s, c, settled):
    clients = wait_all(s, c)
    if not settled:  # with work for the writer as well
        for i in range(200):
            c.send("SET", "here:%d" % i, os.urandom(2000).hex())
            c.send("DEL", "here:%d" % i)
        clients[0].close()
    s.stop()
    s.start()
    c = s.conn()
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("GET", "away:1") == b"word"
