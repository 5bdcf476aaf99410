"""Streams go to a stock server and come back: DUMP and RESTORE, and snapshots, hold the same bytes."""
import os
import random
import shutil

import pytest

from payload import with_footer
from resp import OK, Err, Simple

SEED = int(os.environ.get("MEMD_TEST_SEED", "7"))

FIELDS = [["a", "1", "b", "x"], ["a", "1152921504606846975", "b", "y" * 5000], ["a", "-4097", "b", b"\xff\x00"],
          ["z", "1"], ["q", "-5", "w", ""], ["a", "2"], ["a", "1", "b", "x", "c", "y" * 70]]


def grow(rng, c, key, steps):
    """Some life of a stream on a server that has all commands."""
    for i in range(steps):
        what = rng.random()
        group, consumer = "g%d" % rng.randrange(3), "c%d" % rng.randrange(3)
        if what < 0.6:
            c("XADD", key, "%d-*" % (1000 + i // 3), *rng.choice(FIELDS))
        elif what < 0.65:
            c("XGROUP", "CREATE", key, group, rng.choice(["0", "$"]), "MKSTREAM")
        elif what < 0.85:
            c("XREADGROUP", "GROUP", group, consumer, "COUNT", rng.randrange(1, 6), "STREAMS", key, ">")
        elif what < 0.9:
            pending = c("XPENDING", key, group, "-", "+", 3)
            if isinstance(pending, list) and pending:
                c("XACK", key, group, pending[0][0])
        elif what < 0.97:
            entries = c("XRANGE", key, "-", "+")
            if entries:
                c("XDEL", key, rng.choice(entries)[0])
        else:
            c("XTRIM", key, "MAXLEN", rng.choice("=~"), rng.randrange(30))


def everything(c, key):
    return c("XINFO", "STREAM", key, "FULL", "COUNT", 0), c("XRANGE", key, "-", "+")


@pytest.mark.memd_only
def test_a_stock_server_s_streams_are_taken_over_and_given_back(server, reference):
    rng, mine, theirs = random.Random(SEED), server.conn(), reference.conn()
    for n in range(40):
        key = "stream%d" % n
        theirs("CONFIG", "SET", "stream-node-max-entries", rng.choice([2, 5, 100]))
        grow(rng, theirs, key, rng.choice([3, 50, 300]))
        payload = theirs("DUMP", key)
        if payload is None:
            continue
        assert mine("RESTORE", key, 0, payload) == OK, SEED
        assert mine("TYPE", key) == Simple("stream")
        assert mine("DUMP", key) == payload, SEED
        assert theirs("RESTORE", "back", 0, mine("DUMP", key), "REPLACE") == OK
        assert everything(theirs, "back") == everything(theirs, key), SEED


@pytest.mark.memd_only
def test_a_snapshot_with_streams_is_read_by_a_stock_server_and_by_memd(start, reference):
    rng, theirs = random.Random(SEED), reference.conn()
    s = start()
    mine = s.conn()
    for n in range(20):
        grow(rng, theirs, "stream%d" % n, 100)
    digest = {}
    for key in theirs("KEYS", "*"):
        mine("RESTORE", key, 0, theirs("DUMP", key))
        digest[key] = mine("DEBUG", "DIGEST-VALUE", key)
    before = {key: everything(theirs, key) for key in digest}
    mine("SAVE")
    s.restart()
    mine = s.conn()
    assert {key: mine("DEBUG", "DIGEST-VALUE", key) for key in digest} == digest
    reference.stop()
    shutil.copy(os.path.join(s.dir, "dump.rdb"), os.path.join(reference.dir, "dump.rdb"))
    reference.start()
    theirs = reference.conn()
    assert {key: everything(theirs, key) for key in digest} == before


@pytest.mark.memd_only
def test_a_payload_that_was_tampered_with_is_refused_and_does_no_harm(server, reference):
    rng, mine, theirs = random.Random(SEED), server.conn(), reference.conn()
    theirs("CONFIG", "SET", "rdbcompression", "no")
    grow(rng, theirs, "s", 60)
    theirs("XGROUP", "CREATE", "s", "g0", "0")
    payload = theirs("DUMP", "s")
    refused = 0
    for _ in range(2000):
        bad = bytearray(payload[:-10])
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(1, len(bad))] = rng.randrange(256)
        reply = mine("RESTORE", "x", 0, with_footer(bad), "REPLACE")
        assert reply in (OK, Err("ERR Bad data format"))
        refused += reply != OK
    assert refused > 0
    assert mine("DEBUG", "CHECK") == OK
