"""A snapshot is the data as of one moment, to the last byte, while writers go on at full speed on huge values of
all types; and making it never holds the server up.

The moment is that of MULTI, DEBUG DIGEST, BGSAVE, EXEC: what the file holds must have that digest, when memd
loads it and when a stock server has loaded and written it once more."""
import os
import random
import shutil

import pytest

from resp import OK
from server import REDIS_PATH, Server

SEED = int(os.environ.get("MEMD_TEST_SEED", "20260101"))
ELEMENTS = int(os.environ.get("MEMD_TEST_ELEMENTS", "200000"))  # a million in the long form

FILL = """
local call, n = redis.call, tonumber(ARGV[1])
local function text(i) return 'value ' .. i .. ' of some length' end
for i = 1, n do call('HSET', 'hash', 'field:' .. i, text(i)) end
for i = 1, n do call('RPUSH', 'list', text(i)) end
for i = 1, n / 5 do call('SADD', 'set', text(i)) end
for i = 1, n / 5 do call('ZADD', 'zset', i * 7919 % 100003, text(i)) end
for i = 1, n / 50 do call('SET', 'small:' .. i, text(i), 'EX', 1000000 + i) end
for i = 1, 300 do call('HSET', 'tiny:' .. i % 30, 'f' .. i, i) end
for i = 1, n / 10 do call('RPUSH', 'doomed', text(i)) end
call('SETRANGE', 'string', 64 * 1024 * 1024 - 1, 'x')
for i = 1, 2000 do call('SETRANGE', 'string', i * 32749, text(i)) end
"""

FILL_STREAM = """
local call, n = redis.call, tonumber(ARGV[1])
call('XGROUP', 'CREATE', 'stream', 'g', '0', 'MKSTREAM')
call('XGROUP', 'CREATE', 'stream', 'idle', '$')
for i = 1, n do call('XADD', 'stream', '1-' .. i, 'n', i, 'text', 'text ' .. i) end
for i = 1, n, 1000 do
    call('XREADGROUP', 'GROUP', 'g', 'consumer ' .. i % 7, 'COUNT', 1000, 'STREAMS', 'stream', '>')
end
"""


def fill(c, n, pending):
    assert c("EVAL", FILL, 0, n) is None
    assert c("EVAL", FILL_STREAM, 0, pending) is None


class Writer:
    """Commands of every kind that changes large values, at random."""

    def __init__(self, n, pending):
        self.random = random.Random(SEED)
        self.n = n
        self.pending = pending
        self.last_id = pending

    def some(self, n):
        return [self.one() for _ in range(n)]

    def one(self):
        r = self.random
        i = r.randrange(1, self.n)
        at = r.randrange(64 << 20)
        old = "1-%d" % r.randrange(1, self.pending)
        text = "value %d of some length" % i
        end = r.choice("LR")
        kind = r.randrange(34)
        if kind < 4:
            return ["HSET", "hash", "field:%d" % i, "new %d" % at]
        if kind < 6:
            return ["HDEL", "hash", "field:%d" % i]
        if kind < 9:
            return [end + "PUSH", "list", text]
        if kind < 12:
            return [end + "POP", "list", r.choice([1, 2, 5])]
        if kind == 12:
            return ["LTRIM", "list", r.choice([0, 3, 400]), r.choice([-1, -7, -500])]
        self.last_id += 1
        return [["LSET", "list", i // 100, "set %d" % at], ["LSET", "list", -i // 100, "set %d" % at],
                ["LMOVE", "list", "list", "LEFT", "RIGHT"],
                ["SADD", "set", text], ["SREM", "set", text], ["SPOP", "set"],
                ["ZADD", "zset", at % 1000, text], ["ZREM", "zset", text], ["ZPOPMAX", "zset"],
                ["SETRANGE", "string", at, text], ["SETBIT", "string", at * 7, at % 2], ["APPEND", "string", text],
                ["XADD", "stream", "2-%d" % self.last_id, "n", at], ["XDEL", "stream", old],
                ["XACK", "stream", "g", old, old + "0"],
                ["XCLAIM", "stream", "g", "consumer 9", 0, old], ["XREADGROUP", "GROUP", "g", "consumer 1", "COUNT",
                                                                   2, "STREAMS", "stream", ">"],
                ["SET", "small:%d" % i, at], ["DEL", "small:%d" % (i % 50)], ["INCR", "counter"],
                ["SET", "fresh:%d" % i, text], ["HSET", "tiny:%d" % (i % 30), "f", at]][kind - 13]


# Each is done once, some time after the beginning.
UPHEAVALS = [["UNLINK", "doomed"], ["RENAME", "hash", "renamed"], ["RENAME", "renamed", "hash"],
             ["LINSERT", "list", "BEFORE", "value 500 of some length", "inserted"],
             ["LREM", "list", 3, "value 700 of some length"], ["XTRIM", "stream", "MAXLEN", "~", 1000],
             ["XGROUP", "DELCONSUMER", "stream", "g", "consumer 3"], ["XGROUP", "DESTROY", "stream", "idle"],
             ["COPY", "set", "set 2"], ["SET", "string", "short"], ["DEL", "string"], ["DEL", "zset"]]


def write_until_saved(c, w, flag):
    """Write as long as the save goes on; the number of commands."""
    n = 0
    upheavals = list(UPHEAVALS)
    while True:
        batch = w.some(200)
        if n and upheavals:
            batch.append(upheavals.pop(0))
        c.pipeline(batch)
        n += len(batch)
        if c.info("persistence")[flag] == "0":
            return n


def digest_of(directory, source):
    """What memd says of a snapshot."""
    os.makedirs(directory, exist_ok=True)
    shutil.copy(source, os.path.join(directory, "dump.rdb"))
    s = Server(directory=directory, enable_debug_command="yes")
    try:
        s.wait_ready()
        with s.conn() as c:
            assert c("DEBUG", "CHECK") == OK
            return c("DEBUG", "DIGEST")
    finally:
        s.kill9()


@pytest.mark.memd_only
def test_a_snapshot_is_the_data_of_its_moment_and_holds_nobody_up(start, tmp_path):
    print("MEMD_TEST_SEED=%d" % SEED)
    elements, pending = ELEMENTS, ELEMENTS * 3 // 10
    s = start(enable_debug_command="yes")
    c = s.conn()
    fill(c, elements, pending)
    w = Writer(elements, pending)
    c.pipeline(w.some(5000))

    c("MULTI")
    c("DEBUG", "DIGEST")
    c("BGSAVE")
    want, _ = c("EXEC")
    written = write_until_saved(c, w, "rdb_bgsave_in_progress")
    info = c.info("persistence")
    assert info["rdb_last_bgsave_status"] == "ok"
    assert written > 200 and c("DEBUG", "DIGEST") != want
    assert c("DEBUG", "CHECK") == OK
    # No piece of a value, and no turn's walk, was longer than it may be: the string alone has 64 MiB.
    assert 0 < int(info["save_piece_max_bytes"]) <= 128 << 10
    assert 0 < int(info["save_walk_max_bytes"]) <= 3 << 20
    s.kill9()

    saved = os.path.join(s.dir, "dump.rdb")
    assert digest_of(str(tmp_path / "memd"), saved) == want
    if not os.access(REDIS_PATH, os.X_OK):
        pytest.skip("no redis-server here, which should read it too")
    os.makedirs(str(tmp_path / "stock"))
    shutil.copy(saved, str(tmp_path / "stock"))
    stock = Server(binary=REDIS_PATH, directory=str(tmp_path / "stock"))
    try:
        stock.wait_ready()
        with stock.conn() as r:
            assert r("SAVE") == OK
        assert digest_of(str(tmp_path / "again"), str(tmp_path / "stock" / "dump.rdb")) == want
    finally:
        stock.kill9()


@pytest.mark.memd_only
def test_a_rewritten_log_and_what_followed_are_the_data(start):
    print("MEMD_TEST_SEED=%d" % SEED)
    elements, pending = 50000, 10000
    s = start(enable_debug_command="yes", appendonly="yes", auto_aof_rewrite_percentage=0)
    c = s.conn()
    fill(c, elements, pending)
    w = Writer(elements, pending)
    c("BGREWRITEAOF")
    assert write_until_saved(c, w, "aof_rewrite_in_progress") > 0
    assert c.info("persistence")["aof_last_bgrewrite_status"] == "ok"
    want = c("DEBUG", "DIGEST")
    s.restart(kill=True)
    c = s.conn()
    assert c("DEBUG", "DIGEST") == want
    assert c("DEBUG", "CHECK") == OK
