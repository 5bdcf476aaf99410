#!/usr/bin/env python3
"""memd beside stock redis-server on this machine: processor time, memory, hit ratio, stalls.

    tests/bench/bench.py [--quick] [--only WORD] [--rounds N] [--json FILE]

Both servers run on core 0, the load generators (load.c, paced.c) on core 1. What is compared is the server's
processor time per operation, user and system, from /proc: it does not depend on what the generator can
send. Each figure is the median of several rounds in which the two servers take turns, so that a busy
neighbour hurts both. Nothing here decides whether a test passes.

The last column is what memd sets out to reach: at most so much of redis, or an absolute bound."""
import argparse
import json
import subprocess
import time

import abuse
import archive
import durability
import encrypted
import indexes
import langgraph
import queries
import vectors
from rig import CORES, KEYS, LOAD_CORE, SERVERS, TOOLS, Rig, build_tools, busy_ns, pin, srv

# work, pipeline, operations a round, most of redis's time that memd may take (None: no bound set)
SPEED = [
    ("get", 1, 200000, 0.80), ("get", 16, 1000000, 0.40), ("get", 100, 2000000, 0.25),
    ("set", 1, 200000, 0.80), ("set", 16, 1000000, 0.40), ("set", 100, 2000000, 0.25),
    ("incr", 1, 200000, None), ("incr", 16, 1000000, 0.50), ("incr", 100, 2000000, None),
    ("lpush", 1, 200000, None), ("lpush", 16, 1000000, None), ("lpush", 100, 2000000, None),
    ("rpush", 1, 200000, None), ("rpush", 16, 1000000, 0.50), ("rpush", 100, 2000000, None),
    ("lpop", 1, 200000, None), ("lpop", 16, 1000000, 0.50), ("lpop", 100, 2000000, None),
    ("hset", 1, 200000, None), ("hset", 16, 1000000, 0.50), ("hset", 100, 2000000, None),
    ("sadd", 1, 200000, None), ("sadd", 16, 1000000, 0.50), ("sadd", 100, 2000000, None),
    ("zadd", 1, 200000, 0.80), ("zadd", 16, 1000000, 0.40), ("zadd", 100, 1000000, None),
    ("zrange", 1, 200000, 0.80), ("zrange", 16, 500000, 0.50), ("zrangebyscore", 16, 500000, 0.50),
    ("xadd", 1, 200000, 0.80), ("xadd", 16, 500000, 0.50),
    ("xaddmax", 1, 200000, 0.80), ("xaddmax", 16, 500000, 0.50),
    ("xreadgroup", 1, 50000, 0.80), ("xreadgroup", 16, 100000, 0.50),
    ("xpoll", 1, 200000, 0.80), ("xpoll", 16, 1000000, 0.50),
    ("eval", 1, 200000, 0.80), ("eval", 16, 500000, 0.50),
    ("evalsha", 1, 200000, 0.80), ("evalsha", 16, 500000, 0.50),
    ("lrange", 1, 50000, None), ("lrange", 16, 200000, 0.50), ("lrange", 100, 200000, None),
    ("mset", 1, 50000, None), ("mset", 16, 200000, 0.35), ("mset", 100, 200000, None),
]


class Bench(Rig):
    # --- processor time ---------------------------------------------------------------------------

    def speed(self):
        rows = [r for r in SPEED if self.wanted("%s %d" % (r[0], r[1]))]
        if not rows:
            return
        self.title("processor time per operation")
        servers = {name: self.start(name) for name in SERVERS}
        try:
            for work, pipeline, n, bound in rows:
                n = n // 4 if self.quick else n
                took = {name: [] for name in SERVERS}
                for _ in range(self.rounds):
                    for name in SERVERS:
                        self.prepare(servers[name], work, n)
                        took[name].append(self.cpu_us(servers[name], n, work, pipeline=pipeline, keys=KEYS))
                label = {"lrange": "LRANGE_100", "mset": "MSET of 10", "xaddmax": "XADD MAXLEN ~ 1000",
                         "xreadgroup": "XREADGROUP of 10", "xpoll": "XREADGROUP of nothing"}.get(work, work.upper())
                self.row("%s, pipeline %d" % (label, pipeline), "us", took["memd"],
                         took["redis"], bound and ("x", bound))
        finally:
            for s in servers.values():
                s.destroy()

    def prepare(self, server, work, n):
        c = server.conn()
        if work in ("get", "set") and c("DBSIZE") < KEYS:
            self.load(server, "fill", keys=KEYS, pipeline=100)
        elif work.startswith("z") and c("ZCARD", "myzset") < KEYS:
            self.load(server, "zfill", n=KEYS, keys=KEYS, pipeline=100)
        elif work == "lpop":
            missing = n - c("LLEN", "mylist")
            if missing > 0:
                self.load(server, "rpush", n=missing, pipeline=100)
        elif work == "lrange":
            c("DEL", "mylist")
            c("RPUSH", "mylist", *["x" * 64] * 500)
        elif work in ("lpush", "rpush"):
            c("DEL", "mylist")
        elif work in ("xadd", "xaddmax"):
            c("DEL", "mystream")
        elif work in ("xreadgroup", "xpoll"):
            self.prepare_group(server, c, n if work == "xreadgroup" else 0)
        elif work.startswith("eval"):
            self.load(server, "eval", n=KEYS // 10, keys=KEYS, pipeline=100)  # known, and some keys are there
        c.close()

    def prepare_group(self, server, c, reads):
        """A group that finds so many times ten entries."""
        missing = reads * 10 - c("XLEN", "mystream")
        if missing > 0:
            self.load(server, "xadd", n=missing, pipeline=100)
        if c("EXISTS", "mystream"):
            c("XGROUP", "DESTROY", "mystream", "g")
        c("XGROUP", "CREATE", "mystream", "g", "0" if reads else "$", "MKSTREAM")

    def turn(self):
        if not self.wanted("session turn"):
            return
        self.title("a turn of a chat session")
        took = {name: [] for name in SERVERS}
        servers = {name: self.start(name) for name in SERVERS}
        sessions, n = (20000, 100000) if self.quick else (100000, 300000)
        try:
            for s in servers.values():  # every session full, as they are most of the time
                self.load(s, "turn", keys=sessions, n=sessions * 20, pipeline=4)
            for _ in range(self.rounds):
                for name in SERVERS:
                    took[name].append(self.cpu_us(servers[name], n, "turn", keys=sessions))
        finally:
            for s in servers.values():
                s.destroy()
        self.row("turn, %d sessions" % sessions, "us", took["memd"],
                 took["redis"], ("x", 0.55))

    # --- memory -----------------------------------------------------------------------------------

    def memory(self):
        if not self.wanted("memory"):
            return
        self.title("memory")
        keys = KEYS // 4 if self.quick else KEYS
        for label, options in (("per key, beyond its bytes", {}), ("per key with TTL, beyond its bytes", {"ttl": 100000})):
            over = {name: self.grown(name, "fill", keys, 16 + 64, pipeline=100, **options) for name in SERVERS}
            self.row(label, "bytes", over["memd"], over["redis"], ("x", 0.35))
        sessions = 5000 if self.quick else 20000
        raw = 20 * 300
        grown = {name: self.grown(name, "sessions", sessions, 0, pipeline=20, size=300) / raw for name in SERVERS}
        self.row("session of 20 x 300 B, of raw bytes", "x", grown["memd"], grown["redis"], ("<=", 1.06))
        grown = {name: self.idle(name) for name in SERVERS}
        self.row("per idle connection", "bytes", grown["memd"], grown["redis"], None)

    def grown(self, name, work, keys, raw, **options):
        """Growth of resident memory per key, less the bytes of key and value."""
        s = self.start(name)
        try:
            s.conn()("PING")
            before = s.rss()
            self.load(s, work, keys=keys, **options)
            return (s.rss() - before) / keys - raw
        finally:
            s.destroy()

    def idle(self, name):
        n = 2000 if self.quick else 10000
        s = self.start(name)
        try:
            s.conn()("PING")
            before = s.rss()
            p = subprocess.Popen([TOOLS["load"], str(s.port), "idle", "conns", str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert p.stdout.readline() == b"ready\n"
            grown = s.rss() - before
            p.stdin.close()
            p.wait()
            return grown / n
        finally:
            s.destroy()

    # --- eviction, expiry ---------------------------------------------------------------------------

    def eviction(self):
        if not self.wanted("eviction"):
            return
        self.title("hit ratio at equal maxmemory")
        n = 500000 if self.quick else 3000000
        for policy in ("allkeys-lru", "allkeys-lfu"):
            for label, scan in (("Zipf", 0), ("Zipf and 20 % scan", 20)):
                ratio = {}
                for name in SERVERS:
                    s = self.start(name, maxmemory="64mb", maxmemory_policy=policy)
                    try:
                        self.load(s, "zipf", n=n, keys=KEYS, size=200, pipeline=16, scan=scan)
                        got = self.load(s, "zipf", n=n, keys=KEYS, size=200, pipeline=16, scan=scan, seed=2)
                        ratio[name] = 100 * got["hits"] / (got["hits"] + got["misses"])
                    finally:
                        s.destroy()
                self.row("%s, %s" % (policy, label), "%", ratio["memd"], ratio["redis"], (">=x", 1.0))

    def expiry(self):
        if not self.wanted("expiry"):
            return
        self.title("500,000 keys expire at once" if not self.quick else "100,000 keys expire at once")
        keys = 100000 if self.quick else 500000
        probe, gone, cpu = {}, {}, {}
        for name in SERVERS:
            s = self.start(name)
            try:
                c = s.conn()
                px = 4000
                t0 = time.monotonic()
                self.load(s, "fill", keys=keys, pipeline=100, px=px)
                filled = time.monotonic()
                before = busy_ns(s.pid)
                answer = self.probe(s, seconds=6, every=500)
                while c("DBSIZE") > 0:
                    time.sleep(0.02)
                gone[name] = max(0.0, (time.monotonic() - (filled + px / 1000)) * 1000)
                probe[name] = answer()
                cpu[name] = (busy_ns(s.pid) - before) / keys / 1000
                assert filled - t0 < px / 1000, "filling took longer than the keys live"
            finally:
                s.destroy()
        self.row("last key gone after its time", "ms", gone["memd"], gone["redis"], ("<=", 1000.0))
        self.row("slowest reply meanwhile, p99.9", "us", probe["memd"]["p999_us"], probe["redis"]["p999_us"], None)
        self.row("slowest reply meanwhile", "us", probe["memd"]["max_us"], probe["redis"]["max_us"], ("<=", 5000.0))

    def flush(self):
        if not self.wanted("flush"):
            return
        self.title("FLUSHALL")
        slowest = {}
        for name in SERVERS:
            s = self.start(name)
            try:
                self.load(s, "fill", keys=KEYS // 4 if self.quick else KEYS * 2, pipeline=100)
                answer = self.probe(s, seconds=2, every=200)
                time.sleep(0.3)
                s.conn()("FLUSHALL", "ASYNC")
                slowest[name] = answer()["max_us"]
            finally:
                s.destroy()
        self.row("slowest reply around FLUSHALL", "us", slowest["memd"], slowest["redis"], ("<=", 5000.0))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--quick", action="store_true", help="fewer operations, one round")
    a.add_argument("--only", default="", help="rows whose name contains this: get 16, turn, memory, eviction ...")
    a.add_argument("--rounds", type=int, default=0)
    a.add_argument("--json", help="write all figures to this file too")
    o = a.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 3)
    build_tools()
    if len(CORES) < 2:
        print("one core only: the generator competes with the servers")
    run = Bench(o)
    print("memd: %s\nredis: %s, %s" % (srv.MEMD.path, srv.REDIS_PATH, subprocess.run(
        [srv.REDIS_PATH, "--version"], capture_output=True, text=True).stdout.split(" sha")[0]))
    for part in (run.speed, run.turn, run.memory, run.eviction, run.expiry, run.flush):
        part()
    durability.rows(run)
    archive.rows(run)
    abuse.rows(run)
    encrypted.rows(run)
    indexes.rows(run)
    langgraph.rows(run)
    queries.rows(run)
    vectors.rows(run)
    missed = [r["name"] for r in run.rows if "MISSED" in r["target"]]
    print("\n%d figures, %s" % (len(run.rows), "all targets met" if not missed else "missed: " + ", ".join(missed)))
    if o.json:
        with open(o.json, "w") as f:
            json.dump(run.rows, f, indent=1)


if __name__ == "__main__":
    main()
