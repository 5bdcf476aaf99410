"""Keys that must not be lost where the archive is late, broken or full: nobody is told that there is no such key, and no
write begins it anew."""
import glob
import os
import sqlite3

import pytest
import resp
from server import PATIENCE, knows_its_archive, wait_for

pytestmark = pytest.mark.memd_only

RULES = ["* recall read archive expire,evict", "due:* recall read archive expire ttl 1000", "fill:* archive overwrite"]
LATE = "TRYAGAIN the archive may have the key"


def leave(c, *keys):
    assert c("ARCHIVE.MOVE", *keys) == len(keys)
    assert c("ARCHIVE.FLUSH") == resp.OK


def pause(c, yes=True):
    assert c("DEBUG", "ARCHIVE-PAUSE", "yes" if yes else "no") == resp.OK


def figure(c, name):
    return int(c.info("archive")["archive_recalls_" + name])


def is_late(reply):
    assert isinstance(reply, resp.Err) and reply.startswith(LATE), reply


@pytest.fixture
def late(start):
    """The archive does not answer, and nobody waits for long. k and l have left."""
    s = start(namespace=RULES, enable_debug_command="yes", archive_timeout="30", appendonly="yes")
    c = knows_its_archive(s).conn()
    c("SET", "k", "v"), c("RPUSH", "l", "a", "b")
    leave(c, "k", "l")
    pause(c)
    return s


def test_what_comes_too_late_is_an_error_and_not_a_miss(late):
    c = late.conn()
    for command in (("GET", "k"), ("LRANGE", "l", 0, -1), ("EXISTS", "k", "here"), ("MGET", "here", "k"), ("TTL", "l")):
        is_late(c(*command))
    assert c("GET", "here") is None  # the filter knows that it never left
    assert figure(c, "timed_out") == 5
    pause(c, False)
    wait_for(lambda: c("DBSIZE") == 2)  # the answers that came too late
    assert c("GET", "k") == b"v" and c("LRANGE", "l", 0, -1) == [b"a", b"b"]


def test_a_read_finds_nothing_where_the_settings_say_so(late):
    c = late.conn()
    assert c("CONFIG", "SET", "archive-on-timeout", "miss") == resp.OK
    assert c("GET", "k") is None and c("LRANGE", "l", 0, -1) == []
    assert c("MGET", "k", "l") == [None, None]
    assert c("CONFIG", "SET", "archive-on-timeout", "error") == resp.OK
    is_late(c("GET", "k"))


@pytest.mark.parametrize("answer", ["error", "miss"])
def test_a_write_does_not_begin_anew_what_may_be_in_the_archive(late, answer):
    c = late.conn()
    c("CONFIG", "SET", "archive-on-timeout", answer)
    for command in (("RPUSH", "l", "c"), ("APPEND", "k", "w"), ("INCR", "k"), ("EVAL", "return redis.call('rpush', KEYS[1], 'c')", 1, "l")):
        is_late(c(*command))
    c("MULTI")
    c("RPUSH", "l", "c"), c("SET", "other", "v")
    assert c("EXEC").startswith("EXECABORT Transaction discarded because of: " + LATE)
    assert c("DBSIZE") == 0
    pause(c, False)
    wait_for(lambda: c("DBSIZE") == 2)
    assert c("RPUSH", "l", "c") == 3
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert len(c("ARCHIVE.VERSIONS", "l")) == 1


def test_a_transaction_that_only_reads_is_told_as_a_read(late):
    c = late.conn()
    for answer in ("miss", "error"):
        c("CONFIG", "SET", "archive-on-timeout", answer)
        c("MULTI"), c("GET", "k"), c("LLEN", "l")
        if answer == "miss":
            assert c("EXEC") == [None, 0]
        else:
            assert c("EXEC").startswith("EXECABORT Transaction discarded because of: " + LATE)


def test_what_overwrites_or_deletes_goes_on(late):
    c = late.conn()
    assert c("SET", "k", "new") == resp.OK and c("GET", "k") == b"new"
    assert c("DEL", "l") == 0 and c("RPUSH", "l", "x") == 1


def test_a_file_that_cannot_be_read_is_an_error(start):
    s = start(namespace=RULES, archive_timeout="600000")
    c = s.conn()
    c("SET", "k", "v")
    leave(c, "k")
    for path in glob.glob(os.path.join(s.dir, "archive.db*")):
        if not path.endswith("-shm"):
            os.truncate(path, 0)
    is_late(c("GET", "k"))
    is_late(c("APPEND", "k", "w"))
    assert figure(c, "failed") == 2 and figure(c, "timed_out") == 0
    assert c("CONFIG", "SET", "archive-on-timeout", "miss") == resp.OK
    assert c("GET", "k") is None


# --- what has expired, and stays because the archive is full -----------------------------------------------------------------


def fill_queue(c):
    """Departures until there is no room."""
    for _ in range(2000):
        got = c("SET", "fill:1", os.urandom(20000))
        if isinstance(got, resp.Err):
            assert got.startswith("OOM"), got
            return
    raise AssertionError("there is room")


@pytest.fixture
def full(start):
    """Another process has the archive's file for itself, until full.lock is closed, and the queue is full."""
    s = start(namespace=RULES, archive_queue_size="1mb", archive_timeout="600000", appendonly="yes", archive_recall_ttl="500")
    c = knows_its_archive(s).conn()
    c("SET", "due:1", b"one" + os.urandom(100000)), c("RPUSH", "2", os.urandom(100000))
    c("ARCHIVE.PUT", "2")  # so that there is an archive
    assert c("ARCHIVE.FLUSH") == resp.OK
    s.lock = sqlite3.connect(s.dir + "/archive.db", isolation_level=None, timeout=PATIENCE)
    s.lock.execute("begin immediate")
    fill_queue(c)
    yield s
    s.lock.close()


def expire(c, key):
    """It is due, and cannot leave."""
    c("PEXPIRE", key, 1)
    at = now_ms(c) + 1
    wait_for(lambda: now_ms(c) > at)


def now_ms(c):
    seconds, us = c("TIME")
    return int(seconds) * 1000 + int(us) // 1000


def test_what_is_due_and_cannot_leave_is_read_as_if_it_had_left(full):
    c = full.conn()
    for key in ("due:1", "2"):
        expire(c, key)
    assert c("GETRANGE", "due:1", 0, 2) == b"one"
    assert 0 < c("TTL", "due:1") <= 1000  # the namespace's
    assert c("RPUSH", "2", "more") == 2    # not a list of its own
    assert 0 < c("TTL", "2") <= 500        # archive-recall-ttl
    assert figure(c, "asked") == 0
    # After a crash it is so still.
    full.lock.close()
    full.restart(kill=True)
    c = full.conn()
    assert c("STRLEN", "due:1") == 100003 and c("LLEN", "2") == 2 and c("TTL", "2") > 0
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("ARCHIVE.VERSIONS", "due:1") == []


def test_what_is_due_and_cannot_leave_is_told_when_it_stays(full):
    c, o = full.conn(), full.conn()
    c("CONFIG", "SET", "notify-keyspace-events", "KA")
    o("SUBSCRIBE", "__keyspace@0__:due:1")
    expire(c, "due:1")
    assert o.read()[2] == b"expire"
    assert c("EXISTS", "due:1") == 1
    assert o.read()[2] == b"recalled"


def test_what_is_due_and_may_leave_leaves(full):
    c = full.conn()
    expire(c, "due:1")
    full.lock.close()
    wait_for(lambda: c("DBSIZE") == 2)  # 2 and fill
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert len(c("ARCHIVE.VERSIONS", "due:1")) == 1
    assert c("STRLEN", "due:1") == 100003
    assert figure(c, "asked") == 1
