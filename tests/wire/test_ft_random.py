"""Several indexes over the same keys, and whatever can happen to these: each step of it changes hundreds of keys, and after it
DEBUG CHECK reads all of them anew into new indexes and compares. test_ft_index.py does the same with a few keys and each way
a key can change; here are enough of them for what large indexes alone do: sweeps, orders, vectors that move, eviction, quotas,
searches that hold an index meanwhile, and starts in the midst of it.

MEMD_TEST_SEED is the first of the seeds."""
import json
import os
import random
import struct

import pytest

from resp import OK, encode
from server import wait_for

pytestmark = pytest.mark.memd_only

SEED = int(os.environ.get("MEMD_TEST_SEED", "1"))
SEEDS = int(os.environ.get("MEMD_TEST_SEEDS", "2"))
STEPS = int(os.environ.get("MEMD_TEST_STEPS", "18"))
KEYS = 5000
WORDS = ["alpha", "beta", "gamma", "running", "runs", "naïve", "the"]


def flat(dim, kind="FLOAT32"):
    return ["VECTOR", "FLAT", 6, "TYPE", kind, "DIM", dim, "DISTANCE_METRIC", "COSINE"]


# Names with the definitions that they may have. Prefixes overlap, and some lead to all keys.
INDEXES = {
    "h1": [["PREFIX", 1, "d:", "SCHEMA", "t", "TAG", "n", "NUMERIC", "b", "TEXT", "g", "GEO", "v", *flat(64)],
           ["PREFIX", 1, "d:", "SCHEMA", "t", "TAG", "SORTABLE", "n", "NUMERIC", "SORTABLE", "v", *flat(64)]],
    "h2": [["PREFIX", 2, "d:1", "e:", "SCHEMA", "t", "TAG", "WITHSUFFIXTRIE", "INDEXEMPTY", "b", "TEXT", "NOSTEM", "WITHSUFFIXTRIE", "n", "NUMERIC",
            "INDEXMISSING", "w", "VECTOR", "HNSW", 10, "TYPE", "FLOAT32", "DIM", 4, "DISTANCE_METRIC", "L2", "M", 4, "EF_CONSTRUCTION", 16]],
    "h3": [["FILTER", "@n > 10", "SCHEMA", "t", "TAG"], ["SCHEMA", "n", "NUMERIC", "t", "TEXT", "NOINDEX", "SORTABLE"]],
    "j1": [["ON", "JSON", "PREFIX", 1, "d:", "SCHEMA", "$.t[*]", "AS", "t", "TAG", "$.n", "AS", "n", "NUMERIC", "$.b", "AS", "b", "TEXT", "$.v", "AS", "v",
            *flat(64), "$.g", "AS", "g", "GEO"]],
    "j2": [["ON", "JSON", "PREFIX", 2, "d:2", "e:", "SCHEMA", "$.n", "AS", "n", "NUMERIC", "INDEXMISSING", "$.vs[*]", "AS", "v", *flat(4)]],
}


def facts(c, name):
    got = c("FT.INFO", name)
    return dict(zip(got[::2], got[1::2]))


class Life:
    """One server, its keys and its indexes."""

    def __init__(self, start, seed):
        self.rng = random.Random(seed)
        self.start = start
        self.s = start(appendonly="yes", appendfsync="no", enable_debug_command="yes", search_keep_dropped="60",
                       namespace="e:* maxkeys 400 policy allkeys-random")
        self.c = self.s.conn()
        self.serial = 0
        self.halves = [[round(self.rng.uniform(-1, 1), 3) for _ in range(32)] for _ in range(200)]
        self.packed = [struct.pack("<32f", *h) for h in self.halves]

    # --- documents ---

    def key(self):
        r = self.rng
        return "%s%d" % (r.choice(("d:", "d:", "d:", "e:", "x:")), r.randrange(KEYS))

    def floats(self, n):
        return [self.rng.uniform(-1, 1) for _ in range(n)]

    def text(self):
        self.serial += 1
        return " ".join(self.rng.choices(WORDS, k=3) + ["w%d" % self.serial])

    def place(self):
        return "%.3f,%.3f" % (self.rng.uniform(-179, 179), self.rng.uniform(-84, 84))

    def hash(self):
        r = self.rng
        f = {"t": "a%d,u%d" % (r.randrange(9), self.serial), "n": r.randrange(99), "b": self.text(), "g": self.place()}
        if r.random() < 0.6:
            f["v"] = r.choice(self.packed) + r.choice(self.packed)
        if r.random() < 0.4:
            f["w"] = struct.pack("<4f", *self.floats(4))
        if r.random() < 0.01:
            f["n"] = "none"  # it is in no index with that field
        return [x for name in r.sample(sorted(f), r.randrange(2, len(f) + 1)) for x in (name, f[name])]

    def tree(self):
        r = self.rng
        return json.dumps({"t": ["x%d" % r.randrange(9), "u%d" % self.serial], "n": r.choice((r.randrange(99), [1, r.random()], None)),
                           "b": self.text(), "g": self.place(), "v": r.choice(self.halves) + r.choice(self.halves), "vs": [self.floats(4) for _ in range(r.randrange(3))]})

    def change(self):
        r, key, other = self.rng, self.key(), self.key()
        what = r.random()
        if what < 0.35:
            return "HSET", key, *self.hash()
        if what < 0.5:
            return "JSON.SET", key, "$", self.tree()
        return r.choice((("DEL", key), ("UNLINK", key, other), ("RENAME", key, other), ("COPY", key, other, "REPLACE"), ("SET", key, "s"), ("HDEL", key, "n", "w"),
                         ("HINCRBY", key, "n", 7), ("PEXPIRE", key, r.choice((1, 3, 100000))), ("HPEXPIRE", key, 1, "FIELDS", 1, "t"), ("MOVE", key, 1),
                         ("JSON.SET", key, "$.n", "5"), ("JSON.DEL", key, "$.v"), ("JSON.MERGE", key, "$", '{"t":["m"]}')))

    # --- steps ---

    def changes(self, n=250):
        self.c.pipeline([self.change() for _ in range(n)])

    def fill(self):
        r = self.rng
        self.c.pipeline([("HSET", "d:%d" % r.randrange(KEYS), *self.hash()) if r.random() < 0.8 else ("JSON.SET", self.key(), "$", self.tree()) for _ in range(2000)])

    def empty(self):
        """Nearly all go, and a few come: what they had in the indexes is left behind, and put in order."""
        names = self.c("KEYS", "*")
        self.rng.shuffle(names)
        self.c.pipeline([("DEL", k) for k in names[len(names) // 12:]])
        self.changes(50)

    def overwrite(self):
        names = [k for k in self.c("KEYS", "d:*")][:300]
        self.c.pipeline([("HSET", k, "b", self.text()) for k in names for _ in range(2)])

    def evict(self):
        c = self.c
        c("CONFIG", "SET", "maxmemory-policy", self.rng.choice(["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-ttl", "volatile-random"]))
        c("CONFIG", "SET", "maxmemory", int(c.info("memory")["used_memory"]) * 3 // 4)
        self.changes()
        self.fill()
        c("CONFIG", "SET", "maxmemory", 0)

    def no_room(self):
        """Indexes that were made again are not whole, and become it."""
        c = self.c
        c("CONFIG", "SET", "maxmemory-policy", "noeviction")
        name = self.rng.choice(sorted(INDEXES))
        c.pipeline([("FT.DROPINDEX", name), ("FT.CREATE", name, *self.rng.choice(INDEXES[name]), "extra", "TAG"), ("CONFIG", "SET", "maxmemory", 1 << 20)])
        self.changes(50)
        assert c("DEBUG", "CHECK") == OK
        c("CONFIG", "SET", "maxmemory", 0)

    def indexes(self):
        r = self.rng
        for name in r.sample(sorted(INDEXES), 2):
            self.c("FT.DROPINDEX", name, *r.choice(([], [], [], ["DD"])))
            if r.random() < 0.3:
                self.changes(100)
            self.c("FT.CREATE", name, *r.choice(INDEXES[name]))
            if r.random() < 0.3:
                self.changes(100)
        self.c("FT.ALTER", r.choice(sorted(INDEXES)), "SCHEMA", "ADD", "more%d" % r.randrange(4), r.choice(("TAG", "NUMERIC")))

    def searched(self):
        """Searches go on while keys change."""
        d = self.s.conn()
        d.send_raw(b"".join(self.asked() for _ in range(12)))
        self.changes()
        for _ in range(12):
            d.read()  # of some it is that the index has no such field
        d.close()

    def asked(self):
        name = self.rng.choice(sorted(INDEXES))
        return encode(self.rng.choice((
            ("FT.SEARCH", name, "@t:{a*} | @n:[20 60]", "LIMIT", 0, 1000), ("FT.AGGREGATE", name, "*", "LOAD", 1, "@b", "SORTBY", 1, "@b", "MAX", 2000),
            ("FT.SEARCH", name, "*=>[KNN 50 @v $v]", "PARAMS", 2, "v", struct.pack("<64f", *self.floats(64)), "DIALECT", 2),
            ("FT.SEARCH", name, "alpha -beta w*", "NOCONTENT"), ("FT.SEARCH", name, "@g:[10 10 3000 km]", "NOCONTENT"))))

    def other_keys(self):
        r, c = self.rng, self.c
        dump = c("DUMP", self.key())
        if dump:
            c("RESTORE", self.key(), r.choice((0, 2)), dump, "REPLACE")
        c(*r.choice((("SWAPDB", 0, 1), ("FLUSHDB",), ("DEBUG", "RELOAD"), ("DEBUG", "RELOAD"), ("DEBUG", "LOADAOF"), ("BGREWRITEAOF",))))
        self.fill()

    def restart(self):
        r = self.rng
        self.s.restart(kill=r.random() < 0.6)
        self.c = self.s.conn()
        if r.random() < 0.3:  # while they are made again
            self.changes()
            self.s.restart(kill=True)
            self.c = self.s.conn()
        if r.random() < 0.3:
            self.changes()

    def check(self, step):
        c = self.c
        there = c("FT._LIST")
        for name in there:
            wait_for(lambda: facts(c, name)[b"percent_indexed"] == b"1", "%s: the scan does not end" % name)
        got = c("DEBUG", "CHECK")
        assert got == OK, (step, got)


@pytest.mark.parametrize("seed", range(SEED, SEED + SEEDS))
def test_large_indexes_are_what_the_keys_say_whatever_happens(start, seed):
    life = Life(start, seed)
    for name, definitions in INDEXES.items():
        assert life.c("FT.CREATE", name, *definitions[0]) == OK
    life.fill()
    life.fill()
    history = ["fill"]
    for _ in range(STEPS):
        step = life.rng.choice((life.changes, life.fill, life.fill, life.fill, life.empty, life.overwrite, life.evict, life.no_room, life.indexes, life.searched,
                                life.searched, life.other_keys, life.restart))
        history.append(step.__name__)
        print("seed", seed, history[-1], flush=True)
        step()
        life.check((seed, history))
