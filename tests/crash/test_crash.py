"""kill -9 at a random moment, again and again: what was acknowledged is there, in order, whole.

Each connection alone writes the keys of its own prefix, so that after a crash its keys must equal what
a model holds after its operation j, for one j between the last acknowledged and the last sent. Every
fifth operation is a transaction that also appends "connection:operation" to a list all share: that list
must name exactly the transactions up to each connection's j. The server goes on with what it has
recovered, so that damage done in one round is found in the next.

    MEMD_CRASH_ROUNDS  rounds of each mode (default 6; make crash: 100)
    MEMD_CRASH_SEED    the seed (default fixed; 0: from the clock). A failure prints it."""
import os
import random
import select
import time

import pytest

import resp
from server import MEMD, wait_for

ROUNDS = int(os.environ.get("MEMD_CRASH_ROUNDS", "6"))
SEED = int(os.environ.get("MEMD_CRASH_SEED", "97"))
KEYS = 6
FAR = 33177117420000


class Model:
    """What one connection's keys hold. Operations are (command, function on the model)."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.data = {}  # key -> (type, value, expire)

    def copy(self):
        m = Model(self.prefix)
        m.data = {k: (t, v.copy() if hasattr(v, "copy") else v, x) for k, (t, v, x) in self.data.items()}
        return m

    def take(self, key, kind, empty):
        """The value to change, made when absent; None when of another type."""
        t, v, x = self.data.get(key, (kind, empty, -1))
        return v if t == kind else None

    def put(self, key, kind, value, expire=None):
        if not value and kind != "string":
            self.data.pop(key, None)
            return
        old = self.data.get(key)
        self.data[key] = (kind, value, expire if expire is not None else old[2] if old else -1)

    def apply(self, op):
        name, key = op[0], op[1]
        if name == "SET":
            self.put(key, "string", op[2], -1)
        elif name == "MSET":
            for k, v in zip(op[1::2], op[2::2]):
                self.put(k, "string", v, -1)
        elif name == "APPEND":
            v = self.take(key, "string", b"")
            if v is not None:
                self.put(key, "string", v + op[2])
        elif name == "INCR":
            v = self.take(key, "string", b"0")
            if v is not None and v.isdigit() and len(v) < 15 and (v == b"0" or v[:1] != b"0"):
                self.put(key, "string", b"%d" % (int(v) + 1))
        elif name in ("RPUSH", "LPUSH"):
            v = self.take(key, "list", [])
            if v is not None:
                self.put(key, "list", v + op[2:] if name == "RPUSH" else op[2:][::-1] + v)
        elif name == "LTRIM":
            v = self.take(key, "list", [])
            if v is not None:
                self.put(key, "list", v[-10:])
        elif name == "LPOP":
            v = self.take(key, "list", [])
            if v is not None:
                self.put(key, "list", v[1:])
        elif name == "HSET":
            v = self.take(key, "hash", {})
            if v is not None:
                self.put(key, "hash", {**v, op[2]: op[3]})
        elif name == "HDEL":
            v = self.take(key, "hash", {})
            if v is not None:
                self.put(key, "hash", {f: x for f, x in v.items() if f != op[2]})
        elif name in ("SADD", "SREM"):
            v = self.take(key, "set", set())
            if v is not None:
                self.put(key, "set", v | {op[2]} if name == "SADD" else v - {op[2]})
        elif name in ("DEL", "UNLINK"):
            self.data.pop(key, None)
        elif name == "RENAME":
            if key in self.data and key != op[2]:
                self.data[op[2]] = self.data.pop(key)
        elif name == "COPY":
            if key in self.data and key != op[2]:
                t, v, x = self.data[key]
                self.data[op[2]] = (t, v.copy() if hasattr(v, "copy") else v, x)
        elif name == "PEXPIREAT":
            if key in self.data:
                t, v, _ = self.data[key]
                self.data[key] = (t, v, op[2])
        elif name == "PERSIST":
            if key in self.data:
                t, v, _ = self.data[key]
                self.data[key] = (t, v, -1)


def random_op(rng, prefix, n):
    key = lambda: "%s:%d" % (prefix, rng.randrange(KEYS))
    value = lambda: b"%d:" % n + b"x" * rng.choice([0, 1, 50, 300, 300, 20000 if rng.random() < 0.02 else 5])
    k = key()
    r = rng.randrange(20)
    if r < 2:
        return ["SET", k, value()]
    if r == 2:
        return ["SET", k, b"%d" % n]
    if r == 3:
        return ["MSET"] + [x for _ in range(rng.randrange(1, 4)) for x in (key(), value())]
    if r == 4:
        return ["APPEND", k, value()]
    if r == 5:
        return ["INCR", k]
    if r < 9:
        return ["RPUSH", k, value(), b"b"]
    if r == 9:
        return ["LPUSH", k, value(), b"b"]
    if r == 10:
        return ["LTRIM", k, -10, -1]
    if r == 11:
        return ["LPOP", k]
    if r == 12:
        return ["HSET", k, b"f%d" % rng.randrange(8), value()]
    if r == 13:
        return ["HDEL", k, b"f%d" % rng.randrange(8)]
    if r == 14:
        return ["SADD", k, b"m%d" % rng.randrange(20)]
    if r == 15:
        return ["SREM", k, b"m%d" % rng.randrange(20)]
    if r == 16:
        return [rng.choice(["DEL", "UNLINK"]), k]
    if r == 17:
        return [rng.choice(["RENAME", "COPY"]), k, key()]
    if r == 18:
        return ["PEXPIREAT", k, FAR + n]
    return ["PERSIST", k]


class Writer:
    """One connection: sends without waiting, notes what was acknowledged."""

    def __init__(self, server, name, rng, model, depth, counter):
        self.conn, self.name, self.rng, self.model, self.depth = server.conn(), name, rng, model, depth
        self.counter = counter      # number of this writer's operations ever
        self.sent = []              # (n, op, is transaction), in order
        self.acked = 0
        self.replies_due = []       # replies that each of sent[acked:] still has to bring

    def send_some(self):
        out = b""
        while len(self.sent) - self.acked < self.depth:
            n = self.counter = self.counter + 1
            op = random_op(self.rng, self.name, n)
            if op[0] == "COPY":
                op = op + ["REPLACE"]
            tx = self.rng.random() < 0.2
            if tx:
                out += resp.encode(["MULTI"]) + resp.encode(op) + resp.encode(
                    ["RPUSH", "witness", "%s:%d" % (self.name, n)]) + resp.encode(["EXEC"])
            else:
                out += resp.encode(op)
            self.sent.append((n, op, tx))
            self.replies_due.append(4 if tx else 1)
        try:
            self.conn.send_raw(out)
        except OSError:
            pass

    def read_some(self):
        """Take in all that has come; False: the server is gone."""
        c = self.conn
        try:
            data = c.sock.recv(1 << 18)
        except OSError:
            return False
        if not data:
            return False
        c.buf += data
        at = 0
        while True:
            try:
                _, at = resp.decode(c.buf, at)
            except resp.Incomplete:
                break
            self.replies_due[0] -= 1
            if self.replies_due[0] == 0:
                self.replies_due.pop(0)
                self.acked += 1
        del c.buf[:at]
        return True


def state_of(conn, prefix):
    out = {}
    for i in range(KEYS):
        key = "%s:%d" % (prefix, i)
        kind = str(conn("TYPE", key))
        if kind == "none":
            continue
        if kind == "string":
            v = conn("GET", key)
        elif kind == "list":
            v = conn("LRANGE", key, 0, -1)
        elif kind == "set":
            v = set(conn("SMEMBERS", key))
        else:
            flat = conn("HGETALL", key)
            v = dict(zip(flat[::2], flat[1::2]))
        out[key] = (kind, v, conn("PEXPIRETIME", key))
    return out


def differences(model, state):
    lines = []
    for k in sorted(set(model) | set(state)):
        if model.get(k) != state.get(k):
            lines.append("  %s: model %.300r\n      found %.300r" % (k, model.get(k), state.get(k)))
    return "\n".join(lines)


def settle(conn, w, witness):
    """Which operation was the last of this writer to survive? Its model goes on from there."""
    found = state_of(conn, w.name)
    seen = [n for name, n in witness if name == w.name]
    model = w.model.copy()
    at, first = 0, None
    for i in range(w.acked):
        model.apply(w.sent[i][1])
    while True:
        lo = w.sent[0][0] if w.sent else 0
        txs = [n for n, _, tx in w.sent[:w.acked + at] if tx]
        if model.data == found and [n for n in seen if n >= lo] == txs:
            return model
        first = first or differences(model.data, found) or "the witness list has %r, expected %r" % (
            [n for n in seen if n >= lo][-5:], txs[-5:])
        if w.acked + at == len(w.sent):
            raise AssertionError("%s: no state between the last acknowledged operation (%d of %d sent) and the last sent "
                                 "is what was recovered. Against the last acknowledged:\n%s\nlast operations: %r" % (
                                     w.name, w.acked, len(w.sent), first, [o for _, o, _ in w.sent[:w.acked]][-6:]))
        model.apply(w.sent[w.acked + at][1])
        at += 1


def one_round(s, rng, models, counters, disturb):
    writers = [Writer(s, name, rng, models[name], depth, counters[name])
               for name, depth in zip(sorted(models), (1, 1, 5, 20, 100))]
    admin = s.conn()
    by_fd = {w.conn.sock: w for w in writers}
    t_kill = time.monotonic() + rng.uniform(0.02, 0.35)
    for w in writers:
        w.send_some()
    while time.monotonic() < t_kill:
        ready, _, _ = select.select(list(by_fd), [], [], 0.02)
        for sock in ready:
            w = by_fd[sock]
            assert w.read_some(), "the server closed a connection:\n" + s.log()[-3000:]
            w.send_some()
        if disturb and rng.random() < 0.02:
            admin.send(*rng.choice([["BGREWRITEAOF"], ["BGSAVE"], ["CONFIG", "SET", "appendfsync", "everysec"],
                                    ["CONFIG", "SET", "appendfsync", "always"]]))
    s.proc.kill()
    s.proc.wait()
    for w in writers:
        while w.read_some():
            pass
    s.kill9()
    s.start()
    c = s.conn()
    witness = [(n, int(i)) for n, i in (x.decode().split(":") for x in c("LRANGE", "witness", 0, -1))]
    for w in writers:
        models[w.name] = settle(c, w, witness)
        counters[w.name] = w.counter
    if rng.random() < 0.2:
        c("DEL", "witness")
    return sum(w.acked for w in writers)


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_what_was_acknowledged_survives_kill_9(start, fsync):
    seed = (SEED or int(time.time())) + (fsync == "always")
    print("seed", seed)
    rng = random.Random(seed)
    s = start(appendonly="yes", appendfsync=fsync, auto_aof_rewrite_min_size="256kb", auto_aof_rewrite_percentage=50)
    models = {"w%d" % i: Model("w%d" % i) for i in range(5)}
    counters = {name: 0 for name in models}
    total = 0
    for round_ in range(ROUNDS):
        try:
            total += one_round(s, rng, models, counters, disturb=True)
        except AssertionError as e:
            raise AssertionError("seed %d, round %d: %s" % (seed, round_, e))
    print("%d operations acknowledged and found again over %d crashes" % (total, ROUNDS))
    assert total > 0


def test_a_snapshot_interrupted_by_kill_9_leaves_the_old_one(start):
    s = start(save="3600 1000000", enable_debug_command="yes")
    c = s.conn()
    c("SET", "k", "old")
    assert c("SAVE") == resp.OK
    c("DEBUG", "POPULATE", 200000)
    c("SET", "k", "new")
    c.send("BGSAVE")
    c.read()
    s.restart(kill=True)
    c = s.conn()
    assert (c("GET", "k"), c("DBSIZE")) in ((b"old", 1), (b"new", 200001))
    assert [f for f in os.listdir(s.dir) if f.startswith("temp")] == [] or not MEMD.is_memd
    assert wait_for(lambda: c("PING"))
