"""Reads and writes that do a part of what was asked for, every other one interrupted: nobody notices (E2).

The long form, `make short-io`, runs all tests of persistence over sockets in the same way."""
import random

import pytest

import shim
from resp import OK
from server import wait_for

pytestmark = pytest.mark.memd_only


def env():
    # AddressSanitizer's library has to come first; there it is found again by the next run of ld.so.
    return {"LD_PRELOAD": shim.build("short_io_shim"), "ASAN_OPTIONS": "verify_asan_link_order=0"}


@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_short_and_interrupted_calls_change_nothing(start, policy):
    rng = random.Random(20260101)
    s = start(env=env(), appendonly="yes", appendfsync=policy, save="", enable_debug_command="yes")
    c = s.conn()
    for round_ in range(4):
        sent = []
        for i in range(150):
            key = "k:%d" % rng.randrange(40)
            value = bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 30, 3000])))
            sent.append(rng.choice([("SET", "s" + key, value), ("RPUSH", "l" + key, value),
                                    ("HSET", "h" + key, "f%d" % i, value), ("SADD", "m" + key, value)]))
        for words in sent:
            c.send(*words)
        for words in sent:
            assert not isinstance(c.read(), Exception), words
        c("MULTI")
        c("INCR", "g")
        c("INCR", "g")
        assert c("EXEC") == [2 * round_ + 1, 2 * round_ + 2]
        if round_ == 1:
            c("BGREWRITEAOF")
            wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
        if round_ == 2:
            assert c("SAVE") == OK
    assert c.info("persistence")["aof_last_write_status"] == "ok"
    digest = c("DEBUG", "DIGEST")
    s.restart(kill=True)
    c = s.conn()
    assert c("DEBUG", "DIGEST") == digest
    assert c("GET", "g") == b"8"
