"""Kills while values are stored that are made of large ones in slices, and these change meanwhile.

A source has the elements lo to hi - 1 of a row; in which order they come and go is known. What is made of it (COPY, RESTORE, *STORE, SORT ...
STORE) tells of one moment between question and reply, and the questions of a connection are answered in order. After a crash it is there
if that was acknowledged, else it or nothing of it is; it is what it was when it was looked at, and tells of no change that the source lacks.
What many elements leave at once is whole or as it was. SORT looks at keys and fields, too, whose time comes while it does."""
import select
import time

import resp
from cycle import Cycle
from power import PowerCycle

LEAST, PART = 20000, 2000


def name_of(n):
    return b"e%07d" % n


def number_of(name):
    return int(name.lstrip(b"e"))


# of each type: how elements lo to hi - 1 come, how one leaves in front, how those before hi leave at once, and what is made of it
TYPES = {
    "set": (lambda lo, hi: ["SADD", "set", *map(name_of, range(lo, hi))],
            lambda n: ["SREM", "set", name_of(n)], None,
            [("COPY", "set", "d"), ("SUNIONSTORE", "d", "set", "none"), ("SDIFFSTORE", "d", "set", "other"), ("SINTERSTORE", "d", "set", "set"),
             ("SORT", "set", "ALPHA", "STORE", "d"), ("ZUNIONSTORE", "d", 2, "set", "none"), ("DUMP", "set")]),
    "zset": (lambda lo, hi: ["ZADD", "zset", *[x for n in range(lo, hi) for x in (n, name_of(n))]],
             lambda n: ["ZREM", "zset", name_of(n)], lambda lo, hi: ["ZREMRANGEBYSCORE", "zset", "-inf", "(%d" % hi],
             [("COPY", "zset", "d"), ("ZUNIONSTORE", "d", 2, "zset", "none", "WEIGHTS", 2, 1), ("ZINTERSTORE", "d", 2, "zset", "zset"),
              ("ZDIFFSTORE", "d", 2, "zset", "none"), ("ZRANGESTORE", "d", "zset", 0, -1), ("ZRANGESTORE", "d", "zset", "-inf", "+inf", "BYSCORE"),
              ("SORT", "zset", "ALPHA", "DESC", "STORE", "d"), ("DUMP", "zset")]),
    "list": (lambda lo, hi: ["RPUSH", "list", *range(lo, hi)],
             lambda n: ["LPOP", "list"], lambda lo, hi: ["LTRIM", "list", hi - lo, -1],
             [("COPY", "list", "d"), ("SORT", "list", "STORE", "d"), ("SORT", "list", "DESC", "STORE", "d"), ("DUMP", "list"),
              ("SORT", "list", "BY", "nosort", "GET", "#", "STORE", "d")]),
    "hash": (lambda lo, hi: ["HSET", "hash", *[x for n in range(lo, hi) for x in (name_of(n), n)]],
             lambda n: ["HDEL", "hash", name_of(n)], lambda lo, hi: ["HDEL", "hash", *map(name_of, range(lo, hi))],
             [("COPY", "hash", "d"), ("DUMP", "hash")]),
    "stream": (lambda lo, hi: ["XADD", "stream", "%d-1" % (lo + 1), "f", lo],
               lambda n: ["XTRIM", "stream", "MINID", n + 2], lambda lo, hi: ["XTRIM", "stream", "MINID", hi + 1],
               [("COPY", "stream", "d"), ("DUMP", "stream")]),
}
READ = {"set": ("SMEMBERS", "%s"), "zset": ("ZRANGE", "%s", 0, -1), "list": ("LRANGE", "%s", 0, -1), "hash": ("HKEYS", "%s"),
        "stream": ("XRANGE", "%s", "-", "+")}
EXPIRING = ("SORT", "list", "BY", "nosort", "GET", "w:*", "GET", "h:*->f", "STORE", "dx")


def contents(c, key):
    """(lo, hi), or None: there is no such key."""
    kind = str(c("TYPE", key))
    if kind == "none":
        return None
    found = c(*[w % key if w == "%s" else w for w in READ[kind]])
    if kind == "stream":
        found = [fields[1] for _, fields in found]
    numbers = sorted(map(number_of, found))
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "%s has holes: %d of %d to %d" % (key, len(numbers), numbers[0], numbers[-1])
    return numbers[0], numbers[-1] + 1


class Source:
    """What it has been, one state for each change that was sent."""

    def __init__(self, kind):
        self.come, self.leave, self.leave_at_once, self.makers = TYPES[kind]
        self.kind, self.states, self.n_acked = kind, [None], 1

    def next(self, rng):
        lo, hi = self.states[-1] or (0, 0)
        if hi - lo > LEAST and rng.random() < 0.5:
            self.states.append((lo + 1, hi))
            return self.leave(lo)
        self.states.append((lo, hi + 1))
        return self.come(hi, hi + 1)

    def leave_many(self, n):
        lo, hi = self.states[-1]
        self.states.append((lo + n, hi))
        return self.leave_at_once(lo, lo + n)

    def fill(self, c):
        lo, hi = self.states[-1] or (0, 0)
        step = 1 if self.kind == "stream" else PART
        parts = [self.come(n, min(n + step, lo + LEAST)) for n in range(hi, lo + LEAST, step)]
        for at in range(0, len(parts), 1000):
            c.pipeline(parts[at:at + 1000])
        self.found((lo, max(hi, lo + LEAST)))

    def found(self, state):
        self.states, self.n_acked = [state], 1


class Stored:
    """A Cycle in whose rounds this goes on; a kind is a type."""

    def prepare(self):
        self.kinds = list(TYPES)
        self.sources = {kind: Source(kind) for kind in TYPES}

    def live_and_die(self, kind):
        self.sync_ms = self.delay = self.rng.choice(getattr(self, "syncs", (0,)))
        self.start_server()
        self.source = s = self.sources[kind]
        self.fill()
        self.asker, self.changer, self.admin = [self.server.conn() for _ in range(3)]
        self.since, self.told, self.seen = s.n_acked - 1, {}, {}
        self.asked = []
        try:
            self.ask()
            self.meanwhile()
        except (OSError, EOFError):
            assert self.ends, "the server closed a connection"
        self.server.proc.kill()
        self.take_replies()
        self.kill_server()
        self.tally.sent += len(s.states) + len(self.asked)
        self.tally.acked += s.n_acked + len(self.told)
        self.delay = 0

    def fill(self):
        with self.server.conn() as c:
            self.source.fill(c)
            c("SADD", "other", "x", "y")
            if self.source.kind == "list":
                lo = self.source.states[-1][0]
                now = int(time.time() * 1000)
                c("DEBUG", "SET-ACTIVE-EXPIRE", self.rng.randrange(2))  # 0: what is due is there until somebody looks
                c.pipeline([["SET", "w:%d" % n, n, "PX", self.rng.randrange(1, 150)] for n in range(lo, lo + 3000, 3)])
                c.pipeline([["HSET", "h:%d" % n, "f", n, "g", 1] for n in range(lo, lo + 3000, 7)])
                c.pipeline([["HPEXPIREAT", "h:%d" % n, now + self.rng.randrange(1, 250), "FIELDS", 1, "f"] for n in range(lo, lo + 3000, 7)])
            if self.mode != "always":
                c("WAITAOF", 1, 0, 0)

    def ask(self):
        """All at once: they are answered in order."""
        r = self.rng
        makers = r.sample(self.source.makers, min(len(self.source.makers), r.randrange(1, 6)))
        commands = []
        for i, m in enumerate(makers):
            to = "d%d" % i
            if m[0] == "DUMP":
                m = ("RESTORE", to, 0, self.asker(*m), "REPLACE")
            elif m[0] == "COPY":
                m = ("COPY", m[1], to, "REPLACE")
            self.asked.append(to)
            commands.append([to if w == "d" else w for w in m])
        if self.source.kind == "list":
            at = r.choice([0, len(self.asked)])
            self.asked.insert(at, "dx")
            commands.insert(at, list(EXPIRING))
        self.asker.send_raw(b"".join(map(resp.encode, commands)))

    def change(self, n):
        s = self.source
        for _ in range(n):
            self.changer.send(*s.next(self.rng))
        for _ in range(n):
            said = self.changer.read()
            assert not isinstance(said, resp.Err), said
            s.n_acked += 1

    def meanwhile(self):
        r = self.rng.random()
        self.ends = ["SHUTDOWN"] if r < 0.15 else ["RESTART"] if r < 0.3 else None
        if r > 0.8:
            self.admin("BGREWRITEAOF")
        until = self.some_time(0, 0.04) if self.rng.random() < 0.8 else self.some_time(0.2, 0.4)
        while time.monotonic() < until:
            if self.rng.random() < 0.2:  # those that change all the time let nobody end
                time.sleep(self.rng.uniform(0, 0.02))
            self.change(self.rng.randrange(1, 4))
            self.take_replies(wait=False)
        if self.ends:
            self.admin.send(*self.ends)
            time.sleep(self.rng.uniform(0, 0.03))
            return
        for to in list(self.told):
            self.seen[to] = self.admin("DEBUG", "DIGEST-VALUE", to)
        s = self.source
        if s.leave_at_once and self.rng.random() < 0.4:
            n = self.rng.randrange(1, LEAST // 2)
            self.changer.send(*s.leave_many(n))
            time.sleep(self.rng.uniform(0, 0.004))
        for _ in range(3):
            self.changer.send(*s.next(self.rng))

    def take_replies(self, wait=True):
        while len(self.told) < len(self.asked):
            if not wait and not self.asker.buf and not select.select([self.asker.sock], [], [], 0)[0]:
                return
            try:
                said = self.asker.read()
            except (OSError, EOFError):
                return
            assert not isinstance(said, resp.Err), said
            self.told[self.asked[len(self.told)]] = len(self.source.states)

    # --- after it ---------------------------------------------------------------------------------------------------

    def judge(self):
        self.start_server()
        with self.server.conn() as c:
            self.judge_all(c)
            assert c("DEBUG", "CHECK") == resp.OK
            c.pipeline([["DEL", "d%d" % i] for i in range(9)] + [["DEL", "dx"]])
            c("WAITAOF", 1, 0, 0)
        self.kill_server()

    def judge_all(self, c):
        s = self.source
        now = contents(c, s.kind)
        may = s.states[s.n_acked - 1:]
        assert now in may, "the source is %r, it may be %r" % (now, may)
        last = len(s.states) - 1 - s.states[::-1].index(now)
        absent = None
        for to in self.asked:
            if to in self.seen:
                digest = c("DEBUG", "DIGEST-VALUE", to)
                assert digest == self.seen[to], "%s is not what it was seen to be" % to
            if to == "dx":
                continue
            state = contents(c, to)
            if state is None:
                assert to not in self.told, "%s was acknowledged, and is lost" % to
                absent = absent or to
                continue
            assert absent is None, "%s is there, %s before it is not" % (to, absent)
            until = min(self.told.get(to, last + 1), last + 1)
            window = s.states[self.since:until]
            assert state in window, "%s is %r, the source was %r to %r" % (to, state, window[:1], window[-1:])
        s.found(now)


class StoreCycle(Stored, Cycle):
    def __init__(self, mode, seed, **more):
        super().__init__(mode, seed, connections=0, **more)
        self.prepare()


class StorePowerCycle(Stored, PowerCycle):
    def __init__(self, mode, seed, **more):
        super().__init__(mode, seed, connections=0, **more)
        self.prepare()
