"""Figures of namespaces while anything happens: random commands of all kinds (the grammar of test_differential.py), rules that
come and go, reloads, rewrites of the log, snapshots, flushes. DEBUG CHECK counts everything and compares."""
import os
import pathlib
import random

import pytest

import grammar_scripts as scripts
from grammar import Grammar
from resp import OK
from server import Server, wait_for

pytestmark = pytest.mark.memd_only

SEED = int(os.environ.get("MEMD_TEST_SEED", "20261121"))
COMMANDS, BATCH = 20000, 60
GRAMMAR = "\n".join(f.read_text() for f in sorted((pathlib.Path(__file__).parent / "grammar").glob("*.txt")))

RULES = """
save ""
appendonly yes
appendfsync no
enable-debug-command yes
hash-max-listpack-entries 8
set-max-intset-entries 16
zset-max-listpack-entries 16
namespace K* maxmemory 4kb policy allkeys-lru
namespace L* maxlen 20
namespace Z* maxkeys 3 policy volatile-random
namespace T? ttl 1000
namespace X* maxlen 30
"""

PATTERNS = [b"K*", b"K1", b"L?", b"H*", b"S*", b"Z*", b"X*", b"*", b"?2"]
OPTIONS = [[], [b"maxkeys", b"4", b"policy", b"allkeys-lfu"], [b"maxmemory", b"8kb", b"policy", b"allkeys-random"], [b"maxlen", b"10"],
           [b"ttl", b"1000", b"sliding", b"yes"], [b"reserve", b"1kb"]]
WHOLE = [[b"DEBUG", b"RELOAD"], [b"BGREWRITEAOF"], [b"BGSAVE"], [b"FLUSHALL", b"ASYNC"], [b"FLUSHDB", b"ASYNC"], [b"SWAPDB", b"0", b"1"],
         [b"SWAPDB", b"1", b"2"]]
# What would end the connection, or have it hear other things.
NOT_HERE = {b"AUTH", b"HELLO", b"RESET", b"SHUTDOWN", b"ACL", b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE", b"CLIENT", b"CONFIG", b"FAILOVER",
            b"REPLICAOF", b"SLAVEOF", b"MIGRATE", b"DEBUG", b"SELECT"}


def payloads(conn):
    for make in ["SET s hello", "SET z " + 100 * "z", "RPUSH l a 1 bb", "SADD t 1 2 3", "HSET h f1 v1 f2 2", "ZADD y 1 a 2.5 b -3 c"]:
        conn(*make.split())
    out = [conn("DUMP", k) for k in "szlthy"]
    conn("FLUSHALL")
    return out


def other(rng):
    r = rng.random()
    if r < 0.5:
        return [b"NAMESPACE", b"SET", rng.choice(PATTERNS)] + (rng.choice(OPTIONS) or [b"maxkeys", b"0"])
    if r < 0.7:
        return [b"NAMESPACE", b"DEL", rng.choice(PATTERNS)]
    return rng.choice(WHOLE)


def figures(conn):
    """Keys by namespace. (Bytes are others after a restart: what grew step by step is built at once.)"""
    out = {}
    for pattern in conn("NAMESPACE", "LIST")[::2]:
        flat = conn("NAMESPACE", "STATS", pattern)
        out[pattern] = dict(zip(flat[::2], flat[1::2]))[b"keys"]
    return out


def settled(conn):
    assert conn("DEBUG", "CHECK") == OK
    return conn.info("persistence")["aof_rewrite_in_progress"] == "0"


def test_figures_agree_whatever_happens():
    print("seed", SEED)
    rng = random.Random(SEED)
    grammar = Grammar(GRAMMAR, rng)
    server = Server(conf=RULES)
    try:
        with server.conn() as conn:
            grammar.payloads = payloads(conn)
            for script in scripts.CACHED:
                conn("SCRIPT", "LOAD", script)
            done = most = 0
            while done < COMMANDS:
                batch = [c for c in (grammar.command() for _ in range(BATCH)) if c[0].upper() not in NOT_HERE]
                batch.insert(rng.randrange(len(batch)), [b"SELECT", b"%d" % rng.randrange(3)])
                conn.pipeline(batch)
                conn("DISCARD")
                done += len(batch)
                if rng.random() < 0.5:
                    conn(*other(rng))
                assert conn("DEBUG", "CHECK") == OK
                most = max([most] + list(figures(conn).values()))
            assert most > 5
            conn("CONFIG", "REWRITE")
            wait_for(lambda: settled(conn))
            before = figures(conn)
        server.stop()
        server.start()
        with server.conn() as conn:
            assert figures(conn) == before
            assert conn("DEBUG", "CHECK") == OK
            conn("FLUSHALL")
            assert set(figures(conn).values()) <= {0}
    finally:
        server.stop()
        server.destroy()
