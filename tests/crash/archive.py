"""Kills while sessions leave memory: by expiry, eviction, deletion, overwriting, trimming.

Every value that is written is written once and is told apart from all others: a token. The namespace archives each
way of leaving, so tokens are never lost and never doubled: one that was acknowledged is, after a crash, in memory or
in the archive, exactly once, with its bytes; one that was not is there once or not at all. Tokens are elements of
lists and streams, too: what is trimmed away is in the archive, the rest in memory.

In a second namespace values come back when they are read: there is one version that may be, or the value is in
memory, and it is never the wrong one."""
import collections
import os
import random
import sqlite3
import time
import zlib

import resp
import server as srv
from cycle import Cycle
from oracle import Violation
from power import PowerCycle

CONNECTIONS, KEYS, BATCH = 5, 12, 25
LEAST = 10  # batches in a life, however short its time is on a busy machine: about ten leave with each
KEEP = 6  # elements that lists keep
ALL = "expire,evict,delete,overwrite,trim"
NAMESPACES = ["all:* archive %s" % ALL, "all:n:* archive %s maxlen %d" % (ALL, KEEP), "back:* archive expire,evict recall read"]
MUST, MAYBE, NEVER = "must", "maybe", "never"
REFUSED = ("OOM", "MISCONF", "TRYAGAIN", "ERR no such key", "EXECABORT")


def content(name, least=0, most=400):
    """The bytes of a token: its name, and noise that follows from it."""
    seed = zlib.crc32(name)
    return name + b" " + (b"%08x" % seed) * (seed % (most - least + 1) // 8 + least // 8)


class Op:
    def __init__(self, commands, tokens):
        self.commands, self.tokens = commands, tokens


class Client:
    """One connection with keys of its own, and what has become of its tokens as far as it was told."""

    def __init__(self, number, rng, large, keeps_all):
        self.number, self.rng, self.n, self.large, self.keeps_all = number, rng, 0, large, keeps_all
        self.state = {}  # bytes of a token -> MUST, MAYBE, NEVER
        self.fresh = set()  # tokens since the last crash
        self.blind = large  # the archive's queue is full now and then, or its disk fails: a read may find nothing
        self.back = {}   # key of the second namespace -> values that it may have

    def connect(self, server):
        self.conn, self.sent, self.at = server.conn(), [], 0

    def key(self, kind):
        return b"all:%s:%d:%d" % (kind, self.number, self.rng.randrange(KEYS))

    def token(self):
        self.n += 1
        t = content(b"t:%d:%d" % (self.number, self.n), *((1000, 4000) if self.large else ()))
        self.state[t] = MAYBE
        self.fresh.add(t)
        return t

    def op(self):
        r = self.rng.randrange(100)
        k = self.key(b"s")
        if r < 18:
            t = self.token()
            return Op([("SET", k, t, "PX", self.rng.choice((1, 3, 10, 40)))], [t])
        if r < 36:
            t = self.token()
            return Op([("SET", k, t)], [t])
        if r < 42:
            return Op([("PEXPIRE", k, self.rng.choice((1, 5, 20)))], [])
        if r < 48:
            return Op([(self.rng.choice(("DEL", "UNLINK", "GETDEL")), k)], [])
        if r < 52:
            return Op([("RENAME", k, self.key(b"s"))], [])
        if r < 64:
            ts = [self.token() for _ in range(self.rng.randrange(1, 4))]
            return Op([("RPUSH", self.key(b"l"), *ts)], ts)
        if r < 68:
            ts = [self.token() for _ in range(self.rng.randrange(1, KEEP + 3))]
            return Op([("RPUSH", self.key(b"n"), *ts)], ts)
        if r < 72:
            return Op([("LTRIM", self.key(b"l"), -KEEP, -1)], [])
        if r < 75:
            return Op([("DEL", self.key(self.rng.choice((b"l", b"n"))))], [])
        if r < 82:
            t = self.token()
            return Op([("XADD", self.key(b"x"), "MAXLEN", KEEP, "*", "role", "user", "content", t)], [t])
        if r < 90:
            ts = [self.token() for _ in range(3)]
            return Op([("MULTI",), ("SET", k, ts[0]), ("RPUSH", self.key(b"l"), ts[1]),
                       ("LTRIM", self.key(b"l"), 1, -1), ("SET", self.key(b"s"), ts[2], "PX", 2), ("EXEC",)], ts)
        return self.op_back()

    def op_back(self):
        k = b"back:%d:%d" % (self.number, self.rng.randrange(KEYS))
        if self.rng.random() < 0.5:
            return Op([("GET", k)], [])
        self.n += 1
        v = content(b"b:%d:%d" % (self.number, self.n))
        self.back.setdefault(k, [None]).append(v)
        return Op([("SET", k, v, "PX", self.rng.choice((5, 20)))], [])

    def send(self):
        out = []
        for _ in range(BATCH):
            op = self.op()
            self.sent.append(op)
            out.extend(resp.encode(c) for c in op.commands)
        try:
            self.conn.send_raw(b"".join(out))
        except OSError:
            pass

    def take(self, op, replies):
        last = replies[-1]
        if op.commands[0][0] in ("SET", "GET") and op.commands[0][1].startswith(b"back:"):
            self.take_back(op.commands[0], last)
            return
        refused = isinstance(last, resp.Err)
        for t in op.tokens:
            self.state[t] = NEVER if refused else MUST
        if refused:
            assert last.startswith(REFUSED), last
        elif isinstance(last, list) and op.commands[0][0] == "MULTI":
            assert not any(isinstance(x, resp.Err) for x in last), last

    def take_back(self, command, reply):
        may = self.back.setdefault(command[1], [None])
        if isinstance(reply, resp.Err):
            assert reply.startswith(REFUSED), reply
            if command[0] == "SET":
                may.remove(command[2])
        elif command[0] == "GET":
            if reply is not None or not self.blind:
                self.judge_back(command[1], reply, "GET")
        elif not self.keeps_all:
            del may[:may.index(command[2])]  # nothing older comes back

    def judge_back(self, key, found, when):
        may = self.back.get(key, [None])
        if found not in may:
            raise Violation("%s: %s holds %.40r, it may hold %r" % (when, key, found, [v and v[:20] for v in may]))

    def read(self, all_of_it):
        try:
            while self.at < len(self.sent):
                op = self.sent[self.at]
                self.take(op, [self.conn.read() for _ in op.commands])
                self.at += 1
        except (OSError, EOFError):
            assert not all_of_it, "the server closed a connection"


class Archived:
    """A Cycle whose clients are these."""

    def prepare(self, evictions):
        self.clients = [Client(i, random.Random(self.rng.getrandbits(64)), evictions, self.loses_acknowledged())
                        for i in range(CONNECTIONS)]
        self.kinds = ["random", "random", "random", "rewrite", "start", "shutdown"]
        self.file = os.path.join(self.data, "archive.db")
        self.departed = 0

    def settings(self, evictions):
        more = {"namespace": NAMESPACES, "archive_recall_ttl": 0, "archive_timeout": 20000}
        if evictions:
            more.update(maxmemory="8mb", maxmemory_policy="allkeys-lru", archive_queue_size="1mb")
        return more

    def loses_acknowledged(self):
        """Power cuts without a sync for each write: what was acknowledged may be lost, but is never doubled."""
        return False

    def live_and_die(self, kind):
        self.sync_ms = self.delay = self.rng.choice(getattr(self, "syncs", (0,)))
        self.start_server()
        for c in self.clients:
            c.connect(self.server)
        admin = self.server.conn()
        self.begun()
        until = self.some_time(0.02, 0.15)
        again = kind in ("rewrite", "shutdown")
        batches = 0
        while batches < LEAST or time.monotonic() < until:
            batches += 1
            for c in self.clients:
                c.send()
            if again and self.rng.random() < 0.3:
                admin.send("BGREWRITEAOF" if kind == "rewrite" else "SHUTDOWN")
                again = kind == "rewrite"
                if not again:
                    break
            for c in self.clients:
                c.read(all_of_it=True)
        for c in self.clients:
            c.send()
        time.sleep(self.rng.uniform(0, 0.01))
        self.server.proc.kill()
        for c in self.clients:
            c.read(all_of_it=False)
        self.tally.sent += sum(len(c.sent) for c in self.clients)
        self.tally.acked += sum(c.at for c in self.clients)
        self.kill_server()
        if kind == "start":
            self.kill_at_start()
        self.delay = 0

    def begun(self):
        """For those who have more to do."""

    # --- after it ---------------------------------------------------------------------------------------------------

    def settle(self, conn):
        """Nothing is left that would leave by itself, and all that has left is in the archive."""
        conn("CONFIG", "SET", "maxmemory", 0)
        srv.wait_for(lambda: ",expires=0," in conn("INFO", "keyspace").decode() or not conn("DBSIZE"), "expiry")
        srv.wait_for(lambda: conn("ARCHIVE.FLUSH") == resp.OK, "the archive does not take what has left")

    def in_memory(self, conn):
        found = collections.Counter()
        for k in conn("KEYS", "all:*"):
            kind = k.split(b":")[1]
            if kind == b"s":
                found[conn("GET", k)] += 1
            elif kind in (b"l", b"n"):
                found.update(conn("LRANGE", k, 0, -1))
            else:
                found.update(e[1][3] for e in conn("XRANGE", k, "-", "+"))
        return found

    def in_archive(self):
        db = sqlite3.connect("file:%s?mode=ro" % self.file, uri=True)
        rows = db.execute("select content from messages m join entries e on e.id = m.entry where e.namespace like 'all:%'")
        found = collections.Counter(x.encode() if isinstance(x, str) else x for x, in rows)
        twice = db.execute("select db, key, count(*) n from entries where live = 1 group by db, key having n > 1").fetchall()
        assert not twice, "several live versions: %r" % twice
        self.live = {k.encode() if isinstance(k, str) else k for k, in db.execute("select key from entries where live = 1")}
        self.departed = db.execute("select count(*) from entries").fetchone()[0]
        db.close()
        return found

    def judge(self):
        self.start_server()
        with self.server.conn() as conn:
            self.settle(conn)
            memory, archive = self.in_memory(conn), self.in_archive()
            both = self.live & set(conn("KEYS", "*"))
            assert not both, "in memory, and may be recalled: %r" % both
            known = {}
            for c in self.clients:
                known.update(c.state)
            for t in set(memory) | set(archive):
                assert t in known, "nobody has written %.60r" % t
            for c in self.clients:
                for t, state in c.state.items():
                    n = memory[t] + archive[t]
                    if state == MUST and self.loses_acknowledged() and t in c.fresh:
                        state = MAYBE
                    bad = n != 1 if state == MUST else n > 1 if state == MAYBE else n > 0
                    assert not bad, "%s of client %d, %.20r: %d in memory, %d in the archive" % (
                        state, c.number, t, memory[t], archive[t])
                    c.state[t] = MUST if n else NEVER
                c.fresh.clear()
            self.judge_back(conn)
        self.kill_server()

    def judge_back(self, conn):
        for c in self.clients:
            for k in c.back:
                v = conn("GET", k)
                c.judge_back(k, v, "after the crash")
                c.back[k] = [v]


class ArchiveCycle(Archived, Cycle):
    def __init__(self, mode, seed, evictions=False, **more):
        super().__init__(mode, seed, connections=0, **dict(self.settings(evictions), **more))
        self.prepare(evictions)


class ArchivePowerCycle(Archived, PowerCycle):
    def __init__(self, mode, seed, evictions=False, **more):
        super().__init__(mode, seed, connections=0, **dict(self.settings(evictions), **more))
        self.prepare(evictions)
        for c in self.clients:
            c.blind |= self.faults

    def loses_acknowledged(self):
        return self.mode != "always"


class HeldCycle(ArchiveCycle):
    """Rewrites while another process has the archive's file, so that what leaves piles up until the kill."""

    hold = None

    def one_round(self, kind=None):
        super().one_round("rewrite")

    def begun(self):
        self.hold = sqlite3.connect(self.file, isolation_level=None, timeout=srv.PATIENCE)
        self.hold.execute("begin immediate")

    def live_and_die(self, kind):
        super().live_and_die(kind)
        self.hold.close()
