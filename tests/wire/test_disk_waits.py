"""Who waits for a disk that takes its time, and who does not."""
import glob
import os
import select
import time

import pytest

import faulty_disk as d
from resp import Err, OK, PONG, QUEUED
from server import MEMD, wait_for

pytestmark = pytest.mark.skipif(not MEMD.is_memd, reason="stock servers sync before they answer anybody")


@pytest.fixture
def disk(tmp_path):
    on = d.Disk(tmp_path)
    yield on
    on.heal()  # or the server could not end


class Held:
    """appendfsync always, and the sync of "SET held 1" does not end before release()."""

    def __init__(self, start, disk, **settings):
        self.disk = disk
        self.s = start(env=disk.env, appendonly="yes", appendfsync="always", notify_keyspace_events="KEA", **settings)
        self.c = self.s.conn()
        self.waiting = []

    def hold(self, *request):
        before = self.disk.calls(d.SYNC, d.LOG)
        self.disk.slow(d.SYNC, d.LOG, d.ALWAYS)
        w = self.conn()
        w.send(*request)
        wait_for(lambda: self.disk.calls(d.SYNC, d.LOG) > before)
        self.waiting.append((w, None))

    def conn(self, **kw):
        return self.s.conn(**kw)

    def ask(self, *request, conn=None):
        """A request whose reply must wait; it has run when this returns."""
        w = conn or self.conn()
        name = request[0].lower()
        before = self.count(name)
        w.send(*request)
        wait_for(lambda: self.count(name) > before)
        self.waiting.append((w, request))

    def count(self, name):
        """How often it ran, by INFO, which waits for no disk."""
        line = self.c.info("commandstats").get("cmdstat_" + name, "calls=0,")
        return int(line.split("calls=")[1].split(",")[0])

    def expect_waiting(self):
        for _ in range(3):
            assert self.c("PING") == PONG  # turns of the loop have passed
        for w, request in self.waiting:
            assert not w.buf and not select.select([w.sock], [], [], 0)[0], request

    def release(self):
        self.expect_waiting()
        self.disk.slow(d.SYNC, d.LOG, 0)
        return [w.read() for w, _ in self.waiting]


def test_always_answers_a_write_after_its_sync(start, disk):
    h = Held(start, disk)
    h.hold("SET", "held", 1)
    assert h.release() == [OK]


def test_always_shows_no_unsynced_write_to_readers(start, disk):
    h = Held(start, disk)
    h.c("SET", "other", "o")
    h.hold("SET", "held", 1)
    h.ask("GET", "held")
    h.ask("MGET", "other", "held")
    h.ask("EXISTS", "held")
    h.ask("DBSIZE")
    h.ask("SETNX", "held", 2)            # changes nothing, but tells
    h.ask("DEL", "not there")            # tells of another key alone ...
    h.waiting.pop()[0].read()            # ... and is answered
    h.ask("EVAL", "return redis.call('get', KEYS[1])", 1, "held")
    h.ask("EVAL", "redis.call('select', 3); return redis.call('select', 0) and redis.call('exists', KEYS[1])", 1, "held")
    t = h.conn()
    for r in (("MULTI",), ("GET", "held")):
        t.send(*r)
    h.ask("EXEC", conn=t)
    got = h.release()
    assert got == [OK, b"1", [b"o", b"1"], 1, 2, 0, b"1", 1, OK]
    assert t.read() == QUEUED and t.read() == [b"1"]


def test_always_lets_those_go_whom_the_sync_does_not_concern(start, disk):
    h = Held(start, disk)
    h.c("SET", "other", "o")
    h.c("RPUSH", "list", "a", "b")
    h.hold("SET", "held", 1)
    r = h.conn()
    assert r("GET", "other") == b"o"
    assert r("LRANGE", "list", 0, -1) == [b"a", b"b"]
    assert r("STRLEN", "other") == 1
    assert r("PING") == PONG
    assert r.info("persistence")["aof_pending_bio_fsync"] in ("0", "1")
    assert h.release() == [OK]


def test_always_tells_nobody_of_an_unsynced_write(start, disk):
    """Keyspace events, invalidations, clients that were waiting, monitors."""
    h = Held(start, disk)
    sub, tracked, popper = h.conn(), h.conn(resp3=True), h.conn()
    sub("PSUBSCRIBE", "__key*__:*")
    tracked("CLIENT", "TRACKING", "ON")
    assert tracked("GET", "held") is None
    popper.send("BLPOP", "list", 0)
    wait_for(lambda: h.c.info("clients")["blocked_clients"] == "1")
    h.hold("SET", "held", 1)
    h.ask("RPUSH", "list", "x")
    for w in (sub, tracked, popper):
        h.waiting.append((w, "told"))
    got = h.release()
    assert got[:2] == [OK, 1]
    assert got[2][0] == b"pmessage" and got[4] == [b"list", b"x"]


def test_pipelined_replies_leave_in_order_batch_by_batch(start, disk):
    h = Held(start, disk)
    h.hold("SET", "held", 1)
    p = h.conn()
    for i in range(20):
        h.ask("INCR", "n", conn=p)       # each in a turn of its own: the marks run out
        h.waiting.pop()
    p.send("GET", "unrelated")
    h.waiting.append((p, "INCR"))
    assert h.release() == [OK, 1]
    assert [p.read() for _ in range(20)] == [*range(2, 21), None]


def test_everysec_writes_wait_for_a_slow_disk_and_reads_do_not(start, disk):
    """A sync of the log takes a second: no write is answered before it is on the disk, once the first sync has
    shown it. What is on the disk when is the disk's own record."""
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec", loglevel="notice")
    c, r = s.conn(), s.conn()
    c("SET", "k", "first")
    disk.slow(d.SYNC, d.LOG, 1000000)
    c("SET", "k", "slow")
    wait_for(lambda: int(c.info("persistence")["aof_last_fsync_usec"]) >= 1000000)
    acked, states = [], set()
    for i in range(3):
        value = b"value-%d-" % i + os.urandom(8).hex().encode()
        c.send("SET", "k", value)
        reads = 0
        while not select.select([c.sock], [], [], 0)[0]:
            assert r("GET", "k") is not None
            reads += 1
            states.add(r.info("persistence")["aof_state"])
        assert c.read() == OK
        acked.append((value, time.clock_gettime(time.CLOCK_MONOTONIC)))
        assert reads > 10  # they went on
    info = c.info("persistence")
    assert "slow" in states and int(info["aof_delayed_fsync"]) >= 1
    assert s.log().count("disk is slow") == 1
    (path,) = glob.glob(os.path.join(s.dir, "appendonlydir", "*.incr.aof"))
    with open(path, "rb") as f:
        text = f.read()
    for value, at in acked:
        end = text.index(value) + len(value)
        durable = min(ended for _, ended, size in disk.syncs() if size >= end)
        assert durable <= at
    disk.slow(d.SYNC, d.LOG, 0)
    wait_for(lambda: c("SET", "k", "fast") == OK and c.info("persistence")["aof_state"] == "ok")
    s.kill9()
    s.start()
    assert s.conn()("GET", "k") == b"fast"


def test_a_parked_write_is_not_refused(start, disk):
    """everysec and a sync that does not end: writes wait, also as a pipeline, and all run when it does."""
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    c, w = s.conn(), s.conn()
    disk.slow(d.SYNC, d.LOG, d.ALWAYS)
    c("SET", "k", 0)
    wait_for(lambda: disk.calls(d.SYNC, d.LOG) > 0)
    wait_for(lambda: c.info("persistence")["aof_state"] == "slow")
    for i in range(1, 6):
        w.send("INCR", "k")
    assert c("GET", "other") is None
    assert not w.buf and not select.select([w.sock], [], [], 0)[0]
    disk.slow(d.SYNC, d.LOG, 0)
    assert [w.read() for _ in range(5)] == [1, 2, 3, 4, 5]


# --- WAITAOF ------------------------------------------------------------------------------------------------------

def test_waitaof_tells_when_the_sync_has_ended(start, disk):
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    c, other = s.conn(), s.conn()
    assert c("SET", "k", 1) == OK
    assert c("WAITAOF", 1, 0, 0) == [1, 0]
    disk.slow(d.SYNC, d.LOG, d.ALWAYS)
    assert c("SET", "k", 2) == OK
    c.send("WAITAOF", 1, 0, 0)
    wait_for(lambda: other.info("clients")["blocked_clients"] == "1")
    assert other("WAITAOF", 1, 0, 0) == [1, 0]  # it has written nothing
    assert not select.select([c.sock], [], [], 0)[0]
    disk.slow(d.SYNC, d.LOG, 0)
    assert c.read() == [1, 0]


def test_waitaof_gives_up_after_its_timeout(start, disk):
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    c = s.conn()
    disk.slow(d.SYNC, d.LOG, d.ALWAYS)
    assert c("SET", "k", 1) == OK
    assert c("WAITAOF", 1, 0, 20) == [0, 0]
    assert c.pipeline([("MULTI",), ("WAITAOF", 1, 0, 0), ("EXEC",)])[2] == [[0, 0]]  # a transaction never waits
    disk.slow(d.SYNC, d.LOG, 0)
    assert c("WAITAOF", 1, 0, 0) == [1, 0]
    assert c("WAITAOF", 1, 1, 20) == [1, 0]
    assert isinstance(c("EVAL", "return redis.call('waitaof', 1, 0, 0)", 0), Err)


def test_waitaof_while_the_log_is_being_turned_on(start, disk):
    """What is in a log that has no base yet is lost with the process."""
    s = start(env=disk.env)
    c = s.conn()
    c("SET", "k", 1)
    assert str(c("WAITAOF", 1, 0, 0)).startswith("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled")
    disk.slow(d.SYNC, d.SNAPSHOT, d.ALWAYS)
    assert c("CONFIG", "SET", "appendonly", "yes") == OK
    assert c("SET", "k", 2) == OK
    wait_for(lambda: disk.calls(d.SYNC, d.SNAPSHOT) > 0)
    assert c.info("persistence")["aof_state"] == "starting"
    assert c("WAITAOF", 1, 0, 20) == [0, 0]
    disk.slow(d.SYNC, d.SNAPSHOT, 0)
    assert c("WAITAOF", 1, 0, 0) == [1, 0]
    assert c.info("persistence")["aof_state"] == "ok"
