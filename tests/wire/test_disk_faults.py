"""Disks that fail and disks that are full: writes are refused, reads go on, nothing acknowledged is lost, and all
is well when the disk is."""
import contextlib
import errno
import os
import select
import shutil
import signal
import subprocess
import tempfile

import pytest

import faulty_disk as d
from resp import Err, OK, PONG
from server import MEMD, wait_for

pytestmark = pytest.mark.skipif(not MEMD.is_memd, reason="stock servers end, or do not heal")

ERRORS = ["ENOSPC", "EIO", "EROFS", "EDQUOT"]


@pytest.fixture
def disk(tmp_path):
    on = d.Disk(tmp_path)
    yield on
    on.heal()


class Writer:
    """Writes one key after the other and knows which were acknowledged."""

    def __init__(self, server):
        self.s, self.c, self.n, self.acked = server, server.conn(), 0, {}
        self.unanswered = None

    def send(self):
        self.n += 1
        self.key = b"k%d" % self.n
        self.c.send("SET", self.key, self.n)

    def got(self, reply):
        if reply == OK:
            self.acked[self.key] = b"%d" % self.n
        return reply

    def write(self):
        self.send()
        return self.got(self.c.read())

    def refused(self):
        got = self.write()
        return isinstance(got, Err) and got

    def check(self):
        c = self.s.conn()
        for k, v in self.acked.items():
            assert c("GET", k) == v, k


def state(c):
    return c.info("persistence")["aof_state"]


def test_what_was_parked_when_the_log_began_to_fail_is_refused_as_all_that_writes(start, disk):
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec", enable_debug_command="yes")
    w, r, parked = Writer(s), s.conn(), s.conn()
    assert r("JSON.SET", "d", "$", '{"n":1,"l":[%s]}' % ",".join(["[2,3]"] * 20000)) == OK and w.write() == OK
    assert r("DEBUG", "ASIDE-PAUSE", "yes") == OK
    parked.send("JSON.SET", "d", "$..n", "5")
    wait_for(lambda: r.info("clients")["blocked_clients"] == "1")
    for file in (d.LOG, d.MANIFEST, d.DIRECTORY):
        disk.fail(d.WRITE, file, errno.EIO)
    w.send()
    wait_for(lambda: state(r) == "failing")
    assert r("DEBUG", "ASIDE-PAUSE", "no") == OK
    assert str(parked.read()) == "MISCONF Errors writing to the AOF file: " + os.strerror(errno.EIO)
    disk.heal()
    assert w.got(w.c.read()) == OK
    wait_for(lambda: state(r) == "ok")
    assert r("JSON.GET", "d", "$.n") == b"[1]" and parked("JSON.SET", "d", "$..n", "5") == OK


MANY = 60000
PARKED = {  # what is there, who goes on in slices, what waits for that, what is then as before
    "COPY": ([["SADD", "k", *range(MANY)]], None, ["COPY", "k", "copy"], (["EXISTS", "copy"], 0), 1),
    "FT.ALTER": ([["FT.CREATE", "i", "SCHEMA", "t", "TEXT"]] + [["HSET", "d:%d" % n, "t", "word w%d" % n] for n in range(5000)],
                 ["FT.SEARCH", "i", "word", "SORTBY", "t", "NOCONTENT"], ["FT.ALTER", "i", "SCHEMA", "ADD", "n", "NUMERIC"],
                 (["FT._ALTERIFNX", "i", "SCHEMA", "ADD", "n", "NUMERIC"], OK), Err("SEARCH_VALUE_BAD Duplicate field in schema - n")),
}


@pytest.mark.parametrize("name", PARKED)
def test_a_call_that_goes_on_in_slices_is_refused_when_the_log_fails_meanwhile(start, disk, name):
    """All is sent while the server is stopped, so that it runs in one turn: the pause keeps what is parked from its end."""
    data, before, command, (ask, unchanged), again = PARKED[name]
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    r, other, parked, w = s.conn(), s.conn(), s.conn(), Writer(s)
    r.pipeline(data)
    for file in (d.LOG, d.MANIFEST, d.DIRECTORY):
        disk.fail(d.WRITE, file, errno.EIO)
    with s.one_turn():
        if before:
            other.send(*before)
        parked.send(*command)
        w.send()
        r.send("CLIENT", "PAUSE", 100000, "WRITE")
    assert r.read() == OK
    wait_for(lambda: state(r) == "failing")
    assert not parked.buf and not select.select([parked.sock], [], [], 0)[0]
    assert r("CLIENT", "UNPAUSE") == OK
    assert str(parked.read()) == "MISCONF Errors writing to the AOF file: " + os.strerror(errno.EIO)
    disk.heal()
    assert w.got(w.c.read()) == OK
    wait_for(lambda: state(r) == "ok")
    assert r(*ask) == unchanged and r(*command) == again
    w.check()


# --- the log ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["always", "everysec", "no"])
@pytest.mark.parametrize("op", [d.WRITE, d.SYNC], ids=["write", "sync"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_log_that_fails_until_it_is_lifted(start, disk, mode, op, error):
    code = getattr(errno, error)
    s = start(env=disk.env, appendonly="yes", appendfsync=mode)
    w, r = Writer(s), s.conn()
    for _ in range(3):
        assert w.write() == OK
    for file in (d.LOG, d.MANIFEST, d.DIRECTORY):  # a new file must not help
        disk.fail(op, file, code)
    w.send()                                        # it meets the fault, and waits: it is not lost, and not refused
    if mode != "always" and op == d.SYNC:
        assert w.got(w.c.read()) == OK              # answered before the sync, as these have it
        assert w.c("WAITAOF", 1, 0, 1) == [0, 0]     # asks for one, which fails
    wait_for(lambda: state(r) == "failing")
    late = Writer(s)
    late.n = 1000
    got = late.refused()
    assert str(got) == "MISCONF Errors writing to the AOF file: " + os.strerror(code)
    assert r("GET", "k1") == b"1" and r("PING") == PONG
    info = r.info("persistence")
    assert info["aof_last_write_status"] == "err" and info["aof_last_error"] == os.strerror(code)
    disk.heal()
    if mode == "always" or op == d.WRITE:
        assert w.got(w.c.read()) == OK
    wait_for(lambda: state(r) in ("ok", "full"))
    wait_for(lambda: state(r) == "ok")
    assert r.info("persistence")["aof_last_write_status"] == "ok"
    assert late.write() == OK and w.write() == OK
    log = s.log()
    assert log.count("cannot be written") == 1 and log.count("can be written again") == 1
    s.kill9()
    s.start()
    w.check()
    late.check()


@pytest.mark.parametrize("mode", ["always", "everysec"])
@pytest.mark.parametrize("error", ERRORS + ["SHORT"])
@pytest.mark.parametrize("op", [d.WRITE, d.SYNC], ids=["write", "sync"])
def test_a_log_that_fails_once(start, disk, mode, error, op):
    """Nobody is refused anything but perhaps for a moment, and all is there."""
    if op == d.SYNC and error == "SHORT":
        op = d.OPEN  # the new file cannot be made at first
        disk_error, file = errno.EMFILE, d.LOG
    else:
        disk_error, file = d.SHORT if error == "SHORT" else getattr(errno, error), d.LOG
    s = start(env=disk.env, appendonly="yes", appendfsync=mode)
    w = Writer(s)
    assert w.write() == OK
    if op == d.OPEN:
        disk.fail(d.SYNC, d.LOG, errno.EIO, 1)
    disk.fail(op, file, disk_error, 1)
    w.send()
    assert w.got(w.c.read()) == OK
    w.c("WAITAOF", 1, 0, 0)
    assert disk.hits_left(op, file) == 0
    wait_for(lambda: state(w.c) == "ok")
    assert w.write() == OK
    s.kill9()
    s.start()
    w.check()


@pytest.mark.parametrize("error", ERRORS)
def test_a_failing_log_shows_no_unsynced_write(start, disk, error):
    s = start(env=disk.env, appendonly="yes", appendfsync="always")
    c, r = s.conn(), s.conn()
    assert c("SET", "k", "old") == OK and c("SET", "other", "o") == OK
    for file in (d.LOG, d.MANIFEST):
        disk.fail(d.SYNC, file, getattr(errno, error))
    c.send("SET", "k", "new")
    wait_for(lambda: state(r) == "failing")
    assert r("GET", "other") == b"o" and r("DBSIZE") == 2
    reader = s.conn()
    reader.send("GET", "k")     # the old value is gone, and the new one may be: it waits
    assert r("GET", "other") == b"o"
    disk.heal()
    assert c.read() == OK and reader.read() == b"new"


# --- rewrites and snapshots ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("op,file", [(d.WRITE, d.SNAPSHOT), (d.SYNC, d.SNAPSHOT), (d.RENAME, d.SNAPSHOT), (d.OPEN, d.LOG),
                                     (d.WRITE, d.MANIFEST), (d.SYNC, d.MANIFEST), (d.RENAME, d.MANIFEST),
                                     (d.SYNC, d.DIRECTORY)],
                         ids=["write-base", "sync-base", "rename-base", "new-increment", "write-manifest",
                              "sync-manifest", "rename-manifest", "sync-directory"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_rewrite_that_fails_costs_nothing(start, disk, op, file, error):
    s = start(env=disk.env, appendonly="yes", appendfsync="always")
    w = Writer(s)
    for _ in range(5):
        assert w.write() == OK
    disk.fail(op, file, getattr(errno, error))
    assert not isinstance(w.c("BGREWRITEAOF"), Err)
    wait_for(lambda: w.c.info("persistence")["aof_last_bgrewrite_status"] == "err")
    assert w.write() == OK  # the log itself is well
    disk.heal()
    wait_for(lambda: not isinstance(w.c("BGREWRITEAOF"), Err))
    wait_for(lambda: w.c.info("persistence")["aof_last_bgrewrite_status"] == "ok" and
             w.c.info("persistence")["aof_rewrite_in_progress"] == "0")
    assert w.write() == OK
    s.kill9()
    s.start()
    w.check()


@pytest.mark.parametrize("op,file", [(d.WRITE, d.SNAPSHOT), (d.SYNC, d.SNAPSHOT), (d.RENAME, d.SNAPSHOT), (d.OPEN, d.SNAPSHOT),
                                     (d.SYNC, d.DIRECTORY)],
                         ids=["write", "sync", "rename", "open", "sync-directory"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_snapshot_that_fails_stops_writes_until_one_succeeds(start, disk, op, file, error):
    s = start(env=disk.env, save="3600 100000")
    c = s.conn()
    c("SET", "k", "v")
    assert c("SAVE") == OK
    c("SET", "k", "w")
    disk.fail(op, file, getattr(errno, error))
    c("BGSAVE")
    wait_for(lambda: c.info("persistence")["rdb_last_bgsave_status"] == "err")
    got = c("SET", "k", "x")
    assert isinstance(got, Err) and got.startswith("MISCONF Redis is configured to save RDB snapshots, but it's currently unable")
    assert c("GET", "k") == b"w"
    disk.heal()
    c("BGSAVE")
    wait_for(lambda: c.info("persistence")["rdb_last_bgsave_status"] == "ok")
    assert c("SET", "k", "x") == OK
    s.kill9()
    s.start()
    assert s.conn()("GET", "k") == b"w"


def test_writes_that_are_always_cut_short(start, disk):
    for file in (d.LOG, d.SNAPSHOT, d.MANIFEST):
        disk.fail(d.WRITE, file, d.SHORT)
    s = start(env=disk.env, appendonly="yes", appendfsync="always", save="3600 100000")
    w = Writer(s)
    for _ in range(20):
        assert w.write() == OK
    for save, fields in (("BGREWRITEAOF", ("aof_rewrite_in_progress", "aof_last_bgrewrite_status")),
                         ("BGSAVE", ("rdb_bgsave_in_progress", "rdb_last_bgsave_status"))):
        assert not isinstance(w.c(save), Err)
        wait_for(lambda: w.c.info("persistence")[fields[0]] == "0")
        assert w.c.info("persistence")[fields[1]] == "ok"
        assert w.write() == OK
    s.kill9()
    s.start()
    w.check()


# --- the end ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["always", "everysec"])
def test_an_end_on_a_failing_disk_is_refused_and_loses_nothing(start, disk, mode):
    s = start(env=disk.env, appendonly="yes", appendfsync=mode)
    w = Writer(s)
    assert w.write() == OK
    for file in (d.LOG, d.MANIFEST):
        disk.fail(d.SYNC, file, errno.EIO)
    w.send()
    if mode == "everysec":
        assert w.got(w.c.read()) == OK
    c = s.conn()
    got = c("SHUTDOWN")
    assert isinstance(got, Err) and got.startswith("ERR Errors trying to SHUTDOWN"), got
    os.kill(s.pid, signal.SIGTERM)
    wait_for(lambda: s.log().count("Errors trying to shut down") >= 2)
    assert c("GET", "k1") == b"1"
    disk.heal()
    if mode == "always":
        assert w.got(w.c.read()) == OK
    s.stop()  # exit code 0
    s.start()
    w.check()


# --- a full disk --------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(megabytes):
    """A tmpfs of this size, or None where nothing may be mounted."""
    path = tempfile.mkdtemp(prefix="memd-disk-")
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "none", path],
                                                   capture_output=True).returncode == 0
    try:
        yield path if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", path], check=True)
        shutil.rmtree(path, ignore_errors=True)


@pytest.mark.parametrize("mode", ["always", "everysec"])
def test_a_full_disk_takes_deletes_and_an_orderly_end(start, tmp_path, mode):
    """Where nothing may be mounted, the shim lets the disk be full: writes fail until the reserve is gone."""
    with small_disk(8) as path:
        fill_up(start, tmp_path, mode, path)


def fill_up(start, tmp_path, mode, path):
    shim = d.Disk(tmp_path) if path is None else None
    directory = os.path.join(path or str(tmp_path), "data")
    os.mkdir(directory)
    with open(os.path.join(path or str(tmp_path), "ballast"), "wb") as f:
        f.write(b"x" * (2 << 20))
    log = tmp_path / "log"
    s = start(env=shim.env if shim else None, directory=directory, appendonly="yes", appendfsync=mode,
              auto_aof_rewrite_percentage=0, logfile=str(log))  # which is not on the full disk
    reserve = os.path.join(directory, "appendonlydir", "appendonly.aof.reserve")
    assert os.path.exists(reserve)
    c, acked, i = s.conn(), {}, 0
    for i in range(500):
        if shim and i == 20:
            shim.fail(d.WRITE, d.LOG, errno.ENOSPC, 2)  # the batch, and the new file before the reserve is dropped
            shim.fail(d.ALLOCATE, d.RESERVE, errno.ENOSPC)
        got = c("SET", "key%d" % i, os.urandom(50000))
        if isinstance(got, Err):
            break
        acked["key%d" % i] = c("GET", "key%d" % i)
    assert str(got) == "MISCONF Errors writing to the AOF file: No space left on device"
    assert 10 < i < 499 and state(c) == "full" and not os.path.exists(reserve)
    assert c("GET", "key1") == acked["key1"]
    got = c.pipeline([("MULTI",), ("SET", "a", 1), ("EXEC",)])
    assert isinstance(got[1], Err) and got[2].startswith("EXECABORT")
    assert isinstance(c("EVAL", "return redis.call('set', 'a', 1)", 0), Err)
    # what makes data smaller is taken, and logged
    for k in ("key1", "key2"):
        assert c("DEL", k) == 1
        acked.pop(k)
    assert c("UNLINK", "key3") == 1 and c("EXPIRE", "key4", 1000) == 1
    acked.pop("key3")
    assert c("EVAL", "return redis.call('del', 'key5')", 0) == 1
    acked.pop("key5")
    assert log.read_text().count("disk is full") == 1
    s.stop()   # exit code 0: an orderly end
    if shim:
        shim.fail(d.ALLOCATE, d.RESERVE, errno.ENOSPC)
    s.start()
    c = s.conn()
    assert c("DBSIZE") == len(acked)
    assert all(c("GET", k) == v for k, v in acked.items()) and c("TTL", "key4") > 900
    # still no room: refused from the start on
    assert state(c) == "full" and isinstance(c("SET", "a", 1), Err)
    assert c("FLUSHALL") == OK
    os.unlink(os.path.join(path or str(tmp_path), "ballast"))
    if shim:
        shim.heal()
    wait_for(lambda: state(c) == "ok")
    assert os.path.exists(reserve) and c("SET", "a", 1) == OK
    s.kill9()
    s.start()
    assert s.conn()("GET", "a") == b"1" and s.conn()("DBSIZE") == 1
    s.stop()
    assert not os.path.exists(reserve)


def test_stock_servers_see_no_reserve(start, reference):
    s = start(appendonly="yes")
    s.conn()("SET", "k", "v")
    s.kill9()
    assert os.path.exists(os.path.join(s.dir, "appendonlydir", "appendonly.aof.reserve"))
    s.binary, binary = reference.binary, s.binary
    s.start()
    assert s.conn()("GET", "k") == b"v"
    s.stop()
    s.binary = binary
    s.start()
    assert s.conn()("GET", "k") == b"v"


@pytest.mark.parametrize("mode", ["always", "everysec"])
@pytest.mark.parametrize("held_back", [True, False], ids=["what is held back is enough", "it is not"])
def test_a_start_on_a_full_disk_that_writes_no_file_in_its_place(start, disk, mode, held_back):
    """Its log's end cannot be made certain: what follows it is not before there is a new base."""
    s = start(env=disk.env, appendonly="yes", appendfsync=mode)
    assert s.conn().pipeline([("SET", "a", 1), ("SET", "b", 2)]) == [OK, OK]
    s.kill9()
    disk.fail(d.WRITE, d.LOG, errno.ENOSPC, 1 if held_back else 2)  # with and without what is held back
    disk.fail(d.ALLOCATE, d.RESERVE, errno.ENOSPC)
    disk.fail(d.WRITE, d.SNAPSHOT, errno.ENOSPC)
    s.start()
    c, waits, r = s.conn(), s.conn(), s.conn()
    assert disk.hits_left(d.WRITE, d.LOG) == 0 and c("GET", "a") == b"1" and state(c) == "full"
    assert s.log().count("could not be written again") == (0 if held_back else 1)
    if held_back:
        assert c("DEL", "a") == 1 and c("WAITAOF", 1, 0, 0) == [1, 0]
    else:
        waits.send("DEL", "a")
        if mode == "everysec":
            assert waits.read() == 1 and waits("WAITAOF", 1, 0, 1) == [0, 0]
        else:
            wait_for(lambda: r.info("commandstats").get("cmdstat_del"))
            assert not waits.buf and not select.select([waits.sock], [], [], 0)[0]
        disk.heal()
        wait_for(lambda: "Background" in r("BGREWRITEAOF"))  # not while the attempt before is being given up
        assert mode == "everysec" or waits.read() == 1
        assert waits("WAITAOF", 1, 0, 0) == [1, 0]
    disk.heal()
    s.kill9()
    s.start()
    assert s.conn()("EXISTS", "a", "b") == 1
