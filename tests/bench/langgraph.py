"""A turn of @langchain/langgraph-checkpoint-redis: KEYS for the thread's checkpoints, KEYS for its pending writes, JSON.GET, JSON.SET,
ZADD, among as many keys as there are. A stock server without modules gets GET and SET for the two of JSON."""
import os
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), at) for at in (".", "../lib")]

from rig import SERVERS, busy_ns  # noqa: E402

OF_THREAD = 20
WORTH = 500  # keys below which memd orders none
VALUE = '{"v":1,"ts":"2026-11-21T10:00:00Z","channel_values":{"messages":["' + "x" * 200 + '"]}}'


def name(kind, thread, i):
    return "%s:%08x-4e5f-4a61-8d3b-%012x:__empty__:1f0c%04x" % (kind, thread * 2654435761 % 2 ** 32, thread, i)


def is_ordered(c, prefix):
    """Does memd have the keys in order? Its cursors of SCAN tell."""
    return int(c("SCAN", 0, "MATCH", prefix + "*", "COUNT", 1)[0]) >> 48 & 1


def fill(c, json, keys):
    batch = []
    for at in range(keys):
        thread, i = divmod(at, OF_THREAD)
        key = name("checkpoint" if i % 2 else "checkpoint_write", thread, i)
        batch.append(["JSON.SET", key, "$", VALUE] if json else ["SET", key, VALUE])
        if len(batch) == 5000:
            c.pipeline(batch)
            batch = []
    c.pipeline(batch)


def turn(c, json, thread, i):
    """One; the times of the two KEYS together, in seconds."""
    prefix = name("checkpoint", thread, 0).rpartition(":")[0]
    began = time.perf_counter()
    got = c("KEYS", prefix + ":*")
    c("KEYS", "checkpoint_write" + prefix[len("checkpoint"):] + ":*")
    took = time.perf_counter() - began
    assert len(got) >= OF_THREAD // 2, got
    c(*(["JSON.GET", max(got)] if json else ["GET", max(got)]))
    key = name("checkpoint", thread, 1000 + i)
    c(*(["JSON.SET", key, "$", VALUE] if json else ["SET", key, VALUE]))
    c("ZADD", "registry:%d" % thread, i, key)
    return took


def measure(rig, server, keys, turns):
    s = rig.start(server)
    try:
        c = s.conn()
        json = server == "memd"
        fill(c, json, keys)
        for i in range(3):
            turn(c, json, 1 + i, i)  # memd hears what is asked for
        while json and keys > WORTH and not all(is_ordered(c, kind) for kind in ("checkpoint:", "checkpoint_write:")):
            time.sleep(0.01)
        before, waits = busy_ns(s.pid), []
        for i in range(turns):
            waits.append(turn(c, json, 5 + i * 7 % (keys // OF_THREAD - 5), i))
        cpu = (busy_ns(s.pid) - before) / turns / 1000
        return cpu, sorted(waits)[len(waits) // 2] * 1e6
    finally:
        s.destroy()


def rows(rig):
    if not rig.wanted("langgraph"):
        return
    rig.title("a turn of langgraph (KEYS x 2, GET, SET, ZADD)")
    for keys in (1000, 100000, 1000000)[: 2 if rig.quick else 3]:
        got = {server: measure(rig, server, keys, 500 if server == "memd" or keys < 10000 else 20) for server in SERVERS}
        rig.row("langgraph turn, %d keys" % keys, "us", got["memd"][0], got["redis"][0], None)
        rig.row("langgraph KEYS x 2, %d keys, waited" % keys, "us", got["memd"][1], got["redis"][1], None)
