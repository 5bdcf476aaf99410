"""Kills while keys are evicted: a key may be gone, but what is there is the newest, and what was seen gone stays gone.

Each connection writes, deletes and reads its own keys, of which far more are written than memory may hold."""
import random
import time

import resp
from cycle import Cycle
from oracle import Violation

KEYS, BATCH, CONNECTIONS = 400, 25, 6


class Client:
    """One connection. For each key it knows what it may hold: a list of values, None for gone."""

    def __init__(self, number, rng):
        self.number, self.rng, self.n = number, rng, 0
        self.may = {}     # key -> values that it may hold after a crash
        self.evicted = 0

    def connect(self, server):
        self.conn, self.sent, self.at = server.conn(), [], 0

    def send(self):
        out = []
        for _ in range(BATCH):
            self.n += 1
            k, r = b"v:%d:%d" % (self.number, self.rng.randrange(KEYS)), self.rng.random()
            if r < 0.6:
                v = b"%d:" % self.n + b"v" * self.rng.randrange(200, 4000)
                op = ("SET", k, v)
            else:
                op = ("DEL", k) if r < 0.7 else ("GET", k)
            out.append(resp.encode(op))
            self.sent.append(op)
            if op[0] != "GET":  # executed or not: nobody knows before the reply
                self.may.setdefault(k, [None]).append(op[2] if op[0] == "SET" else None)
        try:
            self.conn.send_raw(b"".join(out))
        except OSError:
            pass

    def take(self, op, reply):
        k = op[1]
        may = self.may.setdefault(k, [None])
        if op[0] == "GET":
            self.judge(k, reply, "GET")
            # What is gone stays gone, except for writes that are still on their way.
            if reply is None:
                if may[0] is not None:
                    self.evicted += 1
                may[0] = None
        elif isinstance(reply, resp.Err):  # nothing could be evicted just then: the write was refused
            assert reply.startswith("OOM"), reply
            may.remove(op[2])
        else:
            may[:] = may[1:]
            may[0] = op[2] if op[0] == "SET" else None

    def judge(self, k, found, when):
        if found is not None and found not in self.may.get(k, [None]):
            raise Violation("%s: %s holds %.20r, it may hold %r" % (when, k, found, [v and v[:20] for v in self.may.get(k, [])]))

    def read(self, all_of_it):
        """Take in the replies; all_of_it: there must be one for each request."""
        try:
            while self.at < len(self.sent):
                reply = self.conn.read()
                self.take(self.sent[self.at], reply)
                self.at += 1
        except (OSError, EOFError):
            assert not all_of_it, "the server closed a connection"


class EvictCycle(Cycle):
    def __init__(self, mode, seed, **more):
        super().__init__(mode, seed, connections=0, maxmemory="6mb", maxmemory_policy="allkeys-lru", **more)
        self.clients = [Client(i, random.Random(self.rng.getrandbits(64))) for i in range(CONNECTIONS)]
        self.kinds = ["random", "rewrite"]
        self.evicted = 0

    def live_and_die(self, kind):
        self.start_server()
        for c in self.clients:
            c.connect(self.server)
        until = self.some_time(0.02, 0.1)
        rewrite = kind == "rewrite"
        admin = self.server.conn()
        while time.monotonic() < until or admin.info("stats")["evicted_keys"] == "0":
            for c in self.clients:
                c.send()
            if rewrite:
                admin("BGREWRITEAOF")
                rewrite = False
            for c in self.clients:
                c.read(all_of_it=True)
        self.evicted += int(admin.info("stats")["evicted_keys"])
        for c in self.clients:
            c.send()
        time.sleep(self.rng.uniform(0, 0.004))
        self.server.proc.kill()
        for c in self.clients:
            c.read(all_of_it=False)
        self.tally.sent += sum(len(c.sent) for c in self.clients)
        self.tally.acked += sum(c.at for c in self.clients)
        self.kill_server()

    def judge(self):
        self.start_server()
        with self.server.conn() as conn:
            for c in self.clients:
                keys = [b"v:%d:%d" % (c.number, i) for i in range(KEYS)]
                for k, v in zip(keys, conn("MGET", *keys)):
                    c.judge(k, v, "after the crash")
                    c.may[k] = [v]
        self.kill_server()
