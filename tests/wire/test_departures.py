"""What leaves memory is in the archive, once: each way of leaving, the log, restarts, and an archive that takes nothing."""
import glob
import os
import resource
import sqlite3
import subprocess
import time

import pytest

import resp
import server as srv
from resp import OK, Err
from server import StartError, wait_for
from shim import Clock

pytestmark = pytest.mark.memd_only

ALL = "s:* archive expire,evict,delete,overwrite,trim recall read"
PLAIN = {"archive_compression": "no"}  # so that the column `value` is what DUMP says


def open_file(s):
    return sqlite3.connect("file:%s/archive.db?mode=ro" % s.dir, uri=True)


def rows(s, what="key, reason, live", where="1"):
    """After all that has left is there."""
    with s.conn() as c:
        assert c("ARCHIVE.FLUSH") == OK
    db = open_file(s)
    try:
        return [tuple(x.decode() if isinstance(x, bytes) else x for x in r) if "value" not in what else r
                for r in db.execute("select %s from entries where %s order by id" % (what, where))]
    finally:
        db.close()


def log_commands(s):
    """All commands of the increments, in order; the lines with checksums left out."""
    out = []
    for path in sorted(glob.glob(s.dir + "/appendonlydir/*.incr.aof")):
        with open(path, "rb") as f:
            data = f.read()
        at = 0
        while at < len(data):
            if data[at:at + 1] == b"#":
                at = data.index(b"\n", at) + 1
                continue
            value, end = resp.decode(bytearray(data[at:]))
            out.append(value)
            at += end
    return out


def gone(c, *keys):
    """Wait until the keys have left, without reading them (a read might bring them back)."""
    wait_for(lambda: not set(keys) & set(c("KEYS", "*")), "keys that do not expire")


@pytest.fixture
def held():
    """held(server): another process has the archive's file for itself, until .release()."""
    class Hold:
        def __init__(self, s):
            self.db = sqlite3.connect(s.dir + "/archive.db", isolation_level=None, timeout=srv.PATIENCE)
            self.db.execute("begin immediate")

        def release(self):
            if self.db:
                self.db.execute("rollback")
                self.db.close()
            self.db = None

    made = []

    def hold(s):
        made.append(Hold(s))
        return made[-1]

    yield hold
    for h in made:
        h.release()


# --- each way of leaving -----------------------------------------------------------------------------------------------


def test_each_way_of_leaving_makes_a_row_with_its_reason_and_value(start):
    s = start(namespace=[ALL], **PLAIN)
    c = s.conn()
    payload = {}

    def make(key, *command):
        c(*command)
        payload[key.encode()] = c("DUMP", key)

    make("s:expired", "SET", "s:expired", "v1")
    c("PEXPIRE", "s:expired", 1)
    gone(c, b"s:expired")
    make("s:deleted", "HSET", "s:deleted", "f", "v2", "g", "x")
    c("DEL", "s:deleted")
    make("s:unlinked", "RPUSH", "s:unlinked", "a", "b")
    c("UNLINK", "s:unlinked")
    make("s:got", "SET", "s:got", "v4")
    c("GETDEL", "s:got")
    make("s:over", "SET", "s:over", "v5")
    c("SET", "s:over", "new")
    found = rows(s, "key, reason, live, value")
    assert [r[:3] for r in found] == [("s:expired", "expire", 1), ("s:deleted", "delete", 0), ("s:unlinked", "delete", 0),
                                      ("s:got", "delete", 0), ("s:over", "overwrite", 0)]
    for key, _, _, value in found:
        assert value == payload[key.encode()], key


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def test_each_change_of_a_hash_by_name_makes_a_version_of_it(start):
    s = start(namespace=["s:* archive overwrite"], appendonly="yes")
    c = s.conn()
    states = []

    def change(*command):
        states.append(pairs(c("HGETALL", "s:h")))
        assert not isinstance(c(*command), Err)

    c("HSET", "s:h", "text", "likes tea", "n", 1)
    change("HSET", "s:h", "text", "likes coffee", "by", "u1")
    change("HMSET", "s:h", "by", "u2", "text", "likes coffee")
    change("HDEL", "s:h", "by", "no such")
    change("HGETDEL", "s:h", "FIELDS", 1, "n")
    change("HSETEX", "s:h", "EX", 100, "FIELDS", 1, "text", "likes cocoa")
    # None of these takes away what a client has written.
    c("HSET", "s:h", "more", "v"), c("HSET", "s:h", "more", "v"), c("HINCRBY", "s:h", "count", 1), c("HINCRBY", "s:h", "count", 1)
    c("HDEL", "s:h", "no such"), c("HSETNX", "s:h", "text", "x"), c("HEXPIRE", "s:h", 100, "FIELDS", 1, "more")
    change("DEL", "s:h")  # deletions are not archived here
    states.pop()
    for _ in range(2):
        assert c("ARCHIVE.FLUSH") == OK
        versions = [pairs(c("ARCHIVE.GET", "s:h", "VERSION", i + 1)) for i in range(len(states))]
        assert versions == states
        assert len(c("ARCHIVE.VERSIONS", "s:h")) == len(states)
        s.restart(kill=True)
        c = s.conn()


def test_what_is_trimmed_off_is_a_value_of_its_own(start):
    s = start(namespace=[ALL], **PLAIN)
    c = s.conn()
    c("RPUSH", "s:l", *range(10))
    c("LTRIM", "s:l", 3, 7)
    for i in range(1, 8):
        c("XADD", "s:x", "%d-1" % i, "role", "user", "content", "text %d" % i)
    c("XTRIM", "s:x", "MAXLEN", 4)
    c("XADD", "s:x", "MAXLEN", "4", "8-1", "f", "v")
    found = rows(s, "key, reason, live, value")
    assert [r[:3] for r in found] == [("s:l", "trim", 0), ("s:l", "trim", 0), ("s:x", "trim", 0), ("s:x", "trim", 0)]
    for i, r in enumerate(found):
        c("RESTORE", "part:%d" % i, 0, r[3])
    parts = [c("LRANGE", "part:%d" % i, 0, -1) for i in (0, 1)]
    assert sorted(parts) == [[b"0", b"1", b"2"], [b"8", b"9"]]
    assert [e[0] for e in c("XRANGE", "part:2", "-", "+")] == [b"1-1", b"2-1", b"3-1"]
    assert c("XRANGE", "part:3", "-", "+") == [[b"4-1", [b"role", b"user", b"content", b"text 4"]]]


def test_evicted_keys_are_archived(start):
    s = start(namespace=["s:* archive evict"], maxmemory="16mb", maxmemory_policy="allkeys-lru")
    c = s.conn()
    n = 6000
    for i in range(0, n, 100):
        assert set(c.pipeline([("SET", "s:%d" % k, b"%d:" % k + b"v" * 4000) for k in range(i, i + 100)])) == {OK}
    assert int(c.info("stats")["evicted_keys"]) > 500
    c("CONFIG", "SET", "maxmemory", 0)
    here = {k.decode() for k in c("KEYS", "*")}
    there = [r[0] for r in rows(s)]
    assert len(there) == len(set(there))
    assert here | set(there) == {"s:%d" % i for i in range(n)} and not here & set(there)


def test_only_what_the_rules_name_is_archived(start):
    s = start(namespace=["e:* archive expire", "n:* archive none", "d:* archive delete"])
    c = s.conn()
    for k in ("e:1", "n:1", "d:1", "other"):
        c("SET", k, "v")
        c("SET", k, "w")
        c("PEXPIRE", k, 1)
    gone(c, b"e:1", b"n:1", b"d:1", b"other")
    for k in ("e:2", "n:2", "d:2", "other"):
        c("SET", k, "v")
        c("DEL", k)
    assert rows(s) == [("e:1", "expire", 1), ("d:2", "delete", 0)]


def test_elements_taken_one_by_one_are_no_departure(start):
    s = start(namespace=[ALL])
    c = s.conn()
    c("RPUSH", "s:l", "a", "b")
    c("LPOP", "s:l")
    c("RPOP", "s:l")
    c("SADD", "s:s", "a")
    c("SREM", "s:s", "a")
    c("ZADD", "s:z", 1, "m")
    c("ZREM", "s:z", "m")
    assert c("DBSIZE") == 0
    assert rows(s) == []


def test_a_new_name_is_no_departure_and_takes_the_old_version_s_place(start):
    s = start(namespace=[ALL])
    c = s.conn()
    c("SET", "s:b", "old")
    c("PEXPIRE", "s:b", 1)
    gone(c, b"s:b")
    assert rows(s) == [("s:b", "expire", 1)]
    c("SET", "s:a", "v")
    c("RENAME", "s:a", "s:b")
    assert rows(s) == [("s:b", "expire", 0)]
    c("SET", "s:c", "w")
    c("RENAME", "s:c", "s:b")
    assert rows(s) == [("s:b", "expire", 0), ("s:b", "overwrite", 0)]


def test_a_key_that_is_made_or_deleted_ends_the_archived_version_s_life(start):
    s = start(namespace=["s:* archive expire"])
    c = s.conn()
    for k in ("s:set", "s:del", "s:store", "s:stays"):
        c("SET", k, "v", "PX", 1)
    gone(c, b"s:set", b"s:del", b"s:store", b"s:stays")
    assert rows(s, "live") == [(1,)] * 4
    c("SET", "s:set", "w")
    assert c("DEL", "s:del") == 0
    assert c("SUNIONSTORE", "s:store", "none") == 0
    assert dict(rows(s, "key, live")) == {"s:set": 0, "s:del": 0, "s:store": 0, "s:stays": 1}


def test_flushed_and_swapped_databases(start):
    s = start(namespace=["s:* archive expire"])
    c = s.conn()
    for db in (0, 1):
        c("SELECT", db)
        c("SET", "s:%d" % db, "v", "PX", 1)
        gone(c, b"s:%d" % db)
    c("SWAPDB", 0, 1)
    assert sorted(rows(s, "key, db, live")) == [("s:0", 1, 1), ("s:1", 0, 1)]
    c("SELECT", 0)
    c("FLUSHDB")
    assert sorted(rows(s, "key, db, live")) == [("s:0", 1, 1), ("s:1", 0, 0)]
    c("FLUSHALL")
    assert sorted(rows(s, "key, db, live")) == [("s:0", 1, 0), ("s:1", 0, 0)]


def test_scripts_and_transactions(start):
    s = start(namespace=[ALL], appendonly="yes")
    c = s.conn()
    c("EVAL", "redis.call('SET', KEYS[1], 'a'); redis.call('SET', KEYS[1], 'b'); redis.call('DEL', KEYS[1])", 1, "s:1")
    for cmd in (("MULTI",), ("SET", "s:2", "a"), ("SET", "s:2", "b"), ("EXEC",)):
        c(*cmd)
    expect = [("s:1", "overwrite", 0), ("s:1", "delete", 0), ("s:2", "overwrite", 0)]
    assert rows(s) == expect
    s.restart(kill=True)
    assert rows(s) == expect


def test_a_value_that_is_too_large_is_counted_and_not_archived(start):
    s = start(namespace=[ALL], archive_max_value="100kb")
    c = s.conn()
    c("SET", "s:large", os.urandom(200000))
    c("SET", "s:small", b"x" * 1000)
    c("DEL", "s:large", "s:small")
    assert rows(s, "key") == [("s:small",)]


# --- the log -----------------------------------------------------------------------------------------------------------


def test_a_departure_and_its_effect_are_one_group_of_the_log(start):
    s = start(namespace=[ALL], appendonly="yes", appendfsync="always")
    c = s.conn()
    c("SET", "s:1", "v", "PX", 1)
    gone(c, b"s:1")
    c("SET", "s:2", "v")
    c("DEL", "s:2")
    c("RPUSH", "s:3", *range(5))
    c("LTRIM", "s:3", 2, -1)
    got = [[x[:20] if x.startswith(b"memd.archive") else x for x in r] for r in log_commands(s)]
    note = [b"ECHO", b"memd.archive 1 out %d" % 1]

    def group(*effect):
        at = got.index([b"MULTI"])
        one = got[at:at + 4]
        del got[at:at + 4]
        assert [one[1][0], one[1][1][:18]] == [b"ECHO", b"memd.archive 1 out"], one
        assert [x.upper() if i == 0 else x for i, x in enumerate(one[2])] == list(effect) and one[3] == [b"EXEC"], one

    assert note
    group(b"DEL", b"s:1")
    group(b"DEL", b"s:2")
    group(b"LTRIM", b"s:3", b"2", b"-1")


@pytest.mark.parametrize("fsync", ["always", "everysec", "no"])
def test_after_a_kill_all_is_there_once(start, fsync):
    s = start(namespace=[ALL], appendonly="yes", appendfsync=fsync)
    c = s.conn()
    for i in range(200):
        c("SET", "s:%d" % i, "v%d" % i)
        c("SET", "s:%d" % i, "w%d" % i)
        c("DEL", "s:%d" % i)
    for _ in range(2):
        s.restart(kill=True)
        found = rows(s, "key, reason, version")
        assert sorted(found) == sorted([("s:%d" % i, r, v) for i in range(200) for r, v in (("overwrite", 1), ("delete", 2))])


@pytest.mark.parametrize("mode", ["aof", "aof base", "snapshot"])
def test_what_expires_while_nobody_runs_is_archived_at_the_next_start(start, tmp_path, mode):
    clock = Clock(tmp_path)
    s = start(env=clock.env, namespace=["s:* archive expire"], appendonly="no" if mode == "snapshot" else "yes")
    c = s.conn()
    c("SET", "s:1", "v", "PX", 100000)
    c("SET", "s:2", "v")
    c("SET", "plain", "v", "PX", 100000)
    if mode == "snapshot":
        assert c("SAVE") == OK
    elif mode == "aof base":
        c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrites"] == "1")
    s.kill9()
    clock.set(200)
    s.start()
    c = s.conn()
    gone(c, b"s:1", b"plain")
    assert rows(s) == [("s:1", "expire", 1)]
    assert c("KEYS", "*") == [b"s:2"]


def test_the_log_with_notes_loads_in_stock_servers(start, reference):
    s = start(namespace=[ALL], appendonly="yes")
    c = s.conn()
    for i in range(50):
        c("SET", "s:%d" % i, "v")
        c("RPUSH", "s:l", "e%d" % i)
        c("LTRIM", "s:l", -3, -1)
        c("SET", "s:%d" % i, "w")
        if i % 2:
            c("DEL", "s:%d" % i)
    c("SET", "s:e", b"\r\n\x00" * 10, "PX", 1)
    gone(c, b"s:e")
    here = {k: c("DUMP", k) and c("TYPE", k) for k in c("KEYS", "*")}
    left = c("LRANGE", "s:l", 0, -1)
    assert any(r[0] == b"ECHO" for r in log_commands(s))
    s.stop()
    other = srv.Server(binary=reference.binary, directory=s.dir, appendonly="yes")
    try:
        o = other.conn()
        assert {k: o("TYPE", k) for k in o("KEYS", "*")} == here
        assert o("LRANGE", "s:l", 0, -1) == left
        other.stop()
    finally:
        other.destroy()


def test_a_rewrite_waits_for_the_archive(start, held):
    s = start(namespace=[ALL], appendonly="yes", appendfsync="always")
    c = s.conn()
    c("SET", "s:0", "v")
    c("DEL", "s:0")
    assert len(rows(s)) == 1
    manifest = s.dir + "/appendonlydir/appendonly.aof.manifest"
    hold = held(s)
    for i in range(20):
        c("SET", "s:%d" % i, "v")
        c("DEL", "s:%d" % i)
    c("BGREWRITEAOF")
    wait_for(lambda: ".2.incr" in open(manifest).read())  # it has begun
    wait_for(lambda: glob.glob(s.dir + "/appendonlydir/*base*tmp*") or glob.glob(s.dir + "/appendonlydir/temp*"))
    for _ in range(20):
        assert c("PING") == resp.PONG and c.info("persistence")["aof_rewrite_in_progress"] == "1"
    hold.release()
    wait_for(lambda: c.info("persistence")["aof_rewrites"] == "1")
    assert len(rows(s)) == 21
    s.restart(kill=True)
    assert len(rows(s)) == 21


def test_a_kill_while_a_rewrite_waits_loses_nothing(start, held):
    s = start(namespace=[ALL], appendonly="yes", appendfsync="always")
    c = s.conn()
    c("SET", "s:0", "v")
    c("DEL", "s:0")
    assert len(rows(s)) == 1
    hold = held(s)
    c("SET", "s:1", "v")
    c("DEL", "s:1")
    c("BGREWRITEAOF")
    wait_for(lambda: ".2.incr" in open(s.dir + "/appendonlydir/appendonly.aof.manifest").read())
    c("SET", "s:2", "v")
    c("DEL", "s:2")
    s.kill9()
    hold.release()
    s.start()
    assert [r[0] for r in rows(s)] == ["s:0", "s:1", "s:2"]


def test_a_shutdown_while_a_rewrite_waits_is_not_held_up(start, held):
    s = start(namespace=[ALL], appendonly="yes")
    c = s.conn()
    c("SET", "s:0", "v")
    c("DEL", "s:0")
    rows(s)
    hold = held(s)
    c("SET", "s:1", "v")
    c("DEL", "s:1")
    c("BGREWRITEAOF")
    wait_for(lambda: ".2.incr" in open(s.dir + "/appendonlydir/appendonly.aof.manifest").read())
    s.stop()
    hold.release()
    s.start()
    assert [r[0] for r in rows(s)] == ["s:0", "s:1"]


def test_a_snapshot_that_a_start_would_load_waits_for_the_archive(start, held):
    s = start(namespace=[ALL])
    c = s.conn()
    for i in range(10):
        c("SET", "s:%d" % i, "v")
    c("DEL", "s:0")
    rows(s)
    assert c("SAVE") == OK
    before = os.stat(s.dir + "/dump.rdb").st_ino
    hold = held(s)
    c("DEL", "s:1")
    c("BGSAVE")
    wait_for(lambda: glob.glob(s.dir + "/temp-*.rdb"))
    assert c("SET", "other", "v") == OK
    assert c.info("persistence")["rdb_bgsave_in_progress"] == "1" and os.stat(s.dir + "/dump.rdb").st_ino == before
    s.kill9()
    hold.release()
    s.start()
    c = s.conn()
    assert c("EXISTS", "s:1") == 1 and [r[0] for r in rows(s)] == ["s:0"]  # as if the DEL had not been
    hold = held(s)
    c("DEL", "s:1")
    c("BGSAVE")
    wait_for(lambda: glob.glob(s.dir + "/temp-*.rdb"))
    hold.release()
    wait_for(lambda: c.info("persistence")["rdb_saves"] == "1")
    s.restart(kill=True)
    assert s.conn()("EXISTS", "s:1") == 0 and [r[0] for r in rows(s)] == ["s:0", "s:1"]


def test_a_save_that_all_wait_for_gives_up_soon(start, held):
    s = start(namespace=[ALL])
    c = s.conn()
    c("SET", "s:0", "v")
    c("DEL", "s:0")
    rows(s)
    held(s)
    c("SET", "s:1", "v")
    c("DEL", "s:1")
    assert isinstance(c("SAVE"), Err)
    assert c.info("persistence")["rdb_last_bgsave_status"] == "err"
    assert "The archive does not take" in s.log()
    assert c("CONFIG", "SET", "stop-writes-on-bgsave-error", "no") == OK


@pytest.mark.parametrize("fsync", ["always", "everysec", "no"])
def test_an_orderly_end_commits_all_that_has_left(start, fsync):
    s = start(namespace=[ALL], appendonly="yes", appendfsync=fsync)
    c = s.conn()
    for i in range(300):
        c("SET", "s:%d" % i, "v")
    c("DEL", *("s:%d" % i for i in range(300)))
    s.stop()
    db = open_file(s)
    assert db.execute("select count(*), count(distinct key) from entries").fetchone() == (300, 300)
    db.close()


def test_a_large_value_comes_through_the_log(start):
    s = start(namespace=[ALL], appendonly="yes", appendfsync="always", **PLAIN)
    c = s.conn()
    value = os.urandom(4 << 20)
    c("SET", "s:0", "v")
    c("DEL", "s:0")
    rows(s)
    db = sqlite3.connect(s.dir + "/archive.db", isolation_level=None)
    db.execute("begin immediate")
    c("SET", "s:1", value)
    c("DEL", "s:1")
    s.kill9()
    db.close()
    s.start()
    c = s.conn()
    assert [r[0] for r in rows(s)] == ["s:0", "s:1"]
    assert c("RESTORE", "copy", 0, rows(s, "value", "key = 's:1'")[0][0]) == OK and c("GET", "copy") == value


def test_the_log_is_turned_on_and_off_with_departures_all_along(start):
    s = start(namespace=[ALL])
    c = s.conn()
    n = 0

    def some():
        nonlocal n
        for _ in range(20):
            c("SET", "s:%d" % n, "v")
            c("DEL", "s:%d" % n)
            n += 1

    some()
    assert c("CONFIG", "SET", "appendonly", "yes") == OK
    some()
    wait_for(lambda: c.info("persistence")["aof_state"] == "ok")
    some()
    assert c("CONFIG", "SET", "appendonly", "no") == OK
    some()
    assert c("CONFIG", "SET", "appendonly", "yes") == OK
    wait_for(lambda: c.info("persistence")["aof_state"] == "ok")
    some()
    s.restart(kill=True, appendonly="yes")
    assert sorted(rows(s, "key")) == sorted(("s:%d" % i,) for i in range(n))


@pytest.mark.parametrize("how", ["RELOAD", "LOADAOF"])
def test_loading_again_archives_nothing(start, how):
    s = start(namespace=[ALL], appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    for i in range(20):
        c("SET", "s:%d" % i, "v")
        c("SET", "s:%d" % i, "w")
    before = rows(s, "key, version, live")
    assert c("DEBUG", how) == OK
    assert rows(s, "key, version, live") == before
    c("SET", "s:1", "x")
    assert len(rows(s)) == len(before) + 1


# --- an archive that takes nothing --------------------------------------------------------------------------------------


def fill_queue(c):
    """Departures until there is no room."""
    for i in range(2000):
        r = c("SET", "s:fill", b"%d" % i + os.urandom(20000).hex().encode())
        if isinstance(r, Err):
            return r
    return None


def test_when_it_is_full_writes_that_need_its_place_are_refused_and_nothing_is_lost(start, held):
    s = start(namespace=[ALL], archive_queue_size="1mb", appendonly="yes")
    c = s.conn()
    c("SET", "s:first", "v")
    c("DEL", "s:first")
    assert len(rows(s)) == 1
    hold = held(s)
    refused = fill_queue(c)
    assert refused and refused.startswith("OOM"), refused
    assert c("DEL", "s:fill").startswith("OOM")
    assert c("SET", "other", "v") == OK and c("GET", "other") == b"v"
    hold.release()
    wait_for(lambda: c("DEL", "s:fill") == 1, "service does not resume")
    versions = [r[0] for r in rows(s, "version", "key = 's:fill'")]
    assert versions == list(range(1, len(versions) + 1)) and len(versions) > 10


def test_when_it_is_full_what_is_due_waits_unseen(start, held):
    s = start(namespace=["s:* archive overwrite", "due:* archive expire"], archive_queue_size="1mb")
    c = s.conn()
    c("SET", "due:1", "v", "PX", 1)
    gone(c, b"due:1")
    rows(s)
    hold = held(s)
    c("SET", "due:2", os.urandom(100000))
    assert fill_queue(c)
    c("PEXPIRE", "due:2", 1)
    wait_for(lambda: c("GET", "due:2") is None)
    assert c("EXISTS", "due:2") == 0 and c("TTL", "due:2") == -2 and c("DBSIZE") == 2
    hold.release()
    wait_for(lambda: c("DBSIZE") == 1)
    assert rows(s, "key, live", "reason = 'expire'") == [("due:1", 1), ("due:2", 1)]


def test_drop_lets_it_go_and_counts(start, held):
    s = start(namespace=[ALL], archive_queue_size="1mb", archive_on_full="drop")
    c = s.conn()
    c("SET", "s:first", "v")
    c("DEL", "s:first")
    rows(s)
    hold = held(s)
    assert fill_queue(c) is None
    assert c("DEL", "s:fill") == 1
    hold.release()
    wait_for(lambda: c("ARCHIVE.FLUSH") == OK)  # refused while the writer, which may have met the lock, has not tried again
    assert 10 < len(rows(s)) < 2000


def standing_back(s):
    """Threads that work only while nobody else wants the processor."""
    count = 0
    for tid in os.listdir("/proc/%d/task" % s.pid):
        with open("/proc/%d/task/%s/stat" % (s.pid, tid)) as f:
            count += int(f.read().rpartition(")")[2].split()[38]) == os.SCHED_IDLE
    return count


def may_nice(s):
    with open("/proc/%d/status" % s.pid) as f:
        caps = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff:"))
    return resource.prlimit(s.pid, resource.RLIMIT_NICE)[0] >= 10 or bool(caps >> 23 & 1)


def test_the_writer_stands_back_until_its_work_presses(start, held):
    s = start(namespace=[ALL], archive_queue_size="1mb")
    c = s.conn()
    c("SET", "s:first", "v")
    c("DEL", "s:first")
    rows(s)
    may = may_nice(s)  # else it could not come forward again
    wait_for(lambda: standing_back(s) == may)
    hold = held(s)
    assert fill_queue(c)
    wait_for(lambda: standing_back(s) == 0, "a full queue, and the writer stands back")
    hold.release()
    wait_for(lambda: standing_back(s) == may, "the work is done, and the writer does not stand back")


# --- the file ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_archive_is_a_reason_not_to_start(start, tmp_path):
    (tmp_path / "archive.db").write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StartError) as e:
        start(directory=str(tmp_path), namespace=[ALL])
    assert "archive.db" in str(e.value) and "The archive cannot be opened" in str(e.value)


def test_without_namespaces_there_is_no_archive(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("SET", "s:1", "v", "PX", 1)
    gone(c, b"s:1")
    s.stop()
    assert not glob.glob(s.dir + "/archive.db*")


def test_the_archive_can_be_without_a_file(start):
    s = start(namespace=["s:* ttl 100"], archive_file="")
    c = s.conn()
    c("SET", "s:1", "v")
    c("DEL", "s:1")
    assert not glob.glob(s.dir + "/*.db")


# --- tools ---------------------------------------------------------------------------------------------------------------


def tool(s, *args):
    return subprocess.run([s.binary, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_the_tools_know_the_notes(start, tmp_path):
    s = start(namespace=[ALL], appendonly="yes", aof_timestamp_enabled="yes")
    c = s.conn()
    for i in range(30):
        c("SET", "s:%d" % i, "v")
        c("DEL", "s:%d" % i)
    c("SET", "s:stays", "v")
    assert len(rows(s)) == 30
    s.stop()
    p = tool(s, "--check", s.dir)
    assert p.returncode == 0, p.stdout + p.stderr
    to = str(tmp_path / "then")
    p = tool(s, "--restore-to", str(int(time.time()) + 86400), s.dir, to)
    assert p.returncode == 0, p.stdout + p.stderr
    then = start(directory=to, namespace=[ALL], appendonly="yes")
    assert len(rows(then)) == 30  # from the notes of the copied log, into an archive of its own
    assert then.conn()("KEYS", "*") == [b"s:stays"]


def test_repair_archives_what_the_whole_parts_of_a_log_say(start):
    s = start(namespace=[ALL], appendonly="yes", appendfsync="always")
    c = s.conn()
    for i in range(30):
        c("SET", "s:%d" % i, "v" * 100)
        c("DEL", "s:%d" % i)
    s.kill9()
    for name in glob.glob(s.dir + "/archive.db*"):
        os.unlink(name)
    path = glob.glob(s.dir + "/appendonlydir/*.incr.aof")[0]
    with open(path, "r+b") as f:
        data = f.read()
        at = data.index(b"s:15")
        f.seek(at)
        f.write(b"X")
    p = tool(s, "--repair", s.dir, "--appendonly", "yes")
    assert p.returncode == 0, p.stdout + p.stderr
    s.start()
    found = {r[0] for r in rows(s)}
    assert {"s:%d" % i for i in range(30) if i != 15} <= found


def test_a_start_while_another_program_reads_the_archive(start):
    """It keeps the -wal file from being taken in, and nothing else: what was committed is there, what leaves comes to it, and when the
    reader has gone the file is whole by itself."""
    s = start(namespace=[ALL], appendonly="yes", appendfsync="always")
    c = s.conn()
    c.pipeline([x for i in range(50) for x in (("SET", "s:%d" % i, "v%d" % i), ("DEL", "s:%d" % i))])
    assert len(rows(s)) == 50
    s.kill9()
    wal = s.dir + "/archive.db-wal"
    assert os.path.getsize(wal) > 0
    reader = open_file(s)
    reader.isolation_level = None
    reader.execute("begin")
    assert reader.execute("select count(*) from entries").fetchone() == (50,)  # it looks at that moment from now on
    s.start()
    c = s.conn()
    assert os.path.getsize(wal) > 0
    c.pipeline([x for i in range(50, 100) for x in (("SET", "s:%d" % i, "v%d" % i), ("DEL", "s:%d" % i))])
    assert [r[0] for r in rows(s)] == ["s:%d" % i for i in range(100)]
    assert "failing" not in c.info("archive").values()
    s.restart(kill=True)  # once more, with a reader of an older moment
    assert reader.execute("select count(*) from entries").fetchone() == (50,)
    assert len(rows(s)) == 100
    reader.close()
    s.stop()
    assert not os.path.exists(wal) or os.path.getsize(wal) == 0
    db = open_file(s)
    assert db.execute("select count(*) from entries").fetchone() == (100,)
    assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    db.close()
