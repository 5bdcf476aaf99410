"""Sorted sets between memd and a stock server: DUMP and RESTORE, snapshots, both ways."""
import os
import shutil

import pytest

from payload import crc64
from resp import OK, Err, Simple
from server import MEMD

pytestmark = pytest.mark.memd_only

# key: members and scores. The small form, the large one by number and by length, scores of all kinds.
SETS = {
    "one": {"m": "1"},
    "small": {"m%d" % i: str(i * 3 - 70) for i in range(100)},
    "odd": {"a": "1.5", "b": "-0.1", "c": "inf", "d": "-inf", "e": "1e300", "17": "123456789012345680",
            "": "5e-324", "\x00\xff": "1e-5", "f": "5e18", "g": "3.3333333333333335"},
    "ties": {"%d" % (i * 7919 % 1000): "7" for i in range(1000)},
    "large": {"member:%d" % i: repr(i % 700 / 7) for i in range(20000)},
    "long": {"x" * 100: "2", "y" * 20000: "0.1"},
    "big odd": dict({"n%d" % i: str(i) for i in range(200)}, a="inf", b="-inf", c="0.1", d="1e300"),
}


def fill(r):
    for key, members in SETS.items():
        words = [w for m, s in members.items() for w in (s, m.encode("latin-1"))]
        for i in range(0, len(words), 2000):
            r("ZADD", key, *words[i:i + 2000])


def contents(r):
    return {key: (r("ZRANGE", key, 0, -1, "WITHSCORES"), r("OBJECT", "ENCODING", key)) for key in SETS}


def test_payloads_go_both_ways(start, reference):
    r, c = reference.conn(), start(enable_debug_command="yes").conn()
    fill(r)
    want = contents(r)
    for key in SETS:
        assert c("RESTORE", key, 0, r("DUMP", key)) == OK
        assert c("TYPE", key) == Simple("zset")
        assert c("OBJECT", "ENCODING", key) == want[key][1]
        assert c("RESTORE", key + " again", 0, c("DUMP", key)) == OK
    digest = c("DEBUG", "DIGEST")
    r("FLUSHALL")
    for key in SETS:
        assert r("RESTORE", key, 0, c("DUMP", key + " again")) == OK
    assert contents(r) == want
    for key in SETS:
        assert c("RESTORE", key, 0, r("DUMP", key), "REPLACE") == OK
    assert c("DEBUG", "DIGEST") == digest
    assert c("DEBUG", "RELOAD") == OK
    assert c("DEBUG", "DIGEST") == digest


def test_snapshots_go_both_ways(start, reference):
    r = reference.conn()
    fill(r)
    want = contents(r)
    r("SAVE")
    s = start()
    s.stop()
    shutil.copy(os.path.join(reference.dir, "dump.rdb"), os.path.join(s.dir, "dump.rdb"))
    s.start()
    c = s.conn()
    assert {k: c("OBJECT", "ENCODING", k) for k in SETS} == {k: v[1] for k, v in want.items()}
    assert c("SAVE") == OK
    reference.stop()
    shutil.copy(os.path.join(s.dir, "dump.rdb"), os.path.join(reference.dir, "dump.rdb"))
    reference.start()
    assert contents(reference.conn()) == want


def test_sorted_sets_survive_a_restart_by_log_and_by_copy(start, reference):
    r = reference.conn()
    fill(r)
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    for key in SETS:
        assert c("RESTORE", key, 0, r("DUMP", key)) == OK
        assert c("COPY", key, key + " copy") == 1
    digest = c("DEBUG", "DIGEST")
    s.restart(kill=MEMD.is_memd)
    c = s.conn()
    assert c("DEBUG", "DIGEST") == digest
    c("BGREWRITEAOF")
    s.restart(kill=MEMD.is_memd)
    c = s.conn()
    assert c("DEBUG", "DIGEST") == digest
    for key in SETS:
        assert c("UNLINK", key) == 1
        assert r("RESTORE", key, 0, c("DUMP", key + " copy"), "REPLACE") == OK
    assert c("DEBUG", "CHECK") == OK


def test_lower_thresholds_turn_what_comes_into_the_large_form(start, reference):
    r = reference.conn()
    fill(r)
    c = start(zset_max_listpack_entries=50, zset_max_listpack_value=10).conn()
    for key, encoding in (("small", "skiplist"), ("one", "listpack"), ("odd", "listpack")):
        assert c("RESTORE", key, 0, r("DUMP", key)) == OK
        assert c("OBJECT", "ENCODING", key) == encoding.encode()


def test_damaged_payloads_are_refused(start, reference):
    r, c = reference.conn(), start(enable_debug_command="yes").conn()
    fill(r)
    bad = Err("ERR Bad data format")
    good = r("DUMP", "one")
    assert c("RESTORE", "k", 0, good[:-3] + b"abc") == Err("ERR DUMP payload version or checksum are wrong")
    r("CONFIG", "SET", "zset-max-listpack-entries", 0)
    r("ZADD", "bits", 1, "m")
    payload = bytearray(r("DUMP", "bits"))
    at = payload.index(b"\xf0\x3f")
    payload[at:at + 2] = b"\xf8\x7f"  # a quiet NaN
    payload[-8:] = crc64(payload[:-8]).to_bytes(8, "little")
    assert c("RESTORE", "k", 0, bytes(payload)) == bad
    assert c("EXISTS", "k") == 0
