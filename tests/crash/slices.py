"""Kills while a command goes on in slices, and others change meanwhile what it works on.

UNLINK.MATCH: when it was acknowledged none of the keys is left; else what was seen gone stays gone, and what is there is whole.
COPY, DUMP and RESTORE of a large vector set: elements come and go in an order that is known, so the copy must be the set as it was at
one moment between question and reply, and be so after the crash, too.
FT.ALTER, which waits for the searches that hold its index: the field is there when that was acknowledged.
After each crash an index over the keys finds what there is, and DEBUG CHECK walks all invariants."""
import select
import struct
import time

import resp
import server as srv
from cycle import Cycle
from power import PowerCycle

KEYS, LEAST, DIM = 10000, 3000, 4
SCHEMA = ["n", "NUMERIC", "SORTABLE"]


def name_of(n):
    return b"e%07d" % n


def vector(n):
    return struct.pack("<%df" % DIM, n, *range(1, DIM))


class Changing:
    """A vector set with the elements lo to hi - 1, and each (lo, hi) that it has had."""

    def __init__(self):
        self.states, self.n_acked = [(0, 0)], 1

    def next(self, rng):
        lo, hi = self.states[-1]
        if hi - lo > LEAST and rng.random() < 0.5:
            self.states.append((lo + 1, hi))
            return ["VREM", "set", name_of(lo)]
        self.states.append((lo, hi + 1))
        return ["VADD", "set", "FP32", vector(hi), name_of(hi), "NOQUANT", "M", 4, "EF", 4]

    def send(self, c, rng, n):
        c.send_raw(b"".join(resp.encode(self.next(rng)) for _ in range(n)))

    def change(self, c, rng, n):
        self.send(c, rng, n)
        for _ in range(n):
            said = c.read()
            assert said == 1, said
            self.n_acked += 1

    def found(self, state):
        """After a crash: it goes on from there."""
        self.states, self.n_acked = [state], 1


def elements(c, key):
    """(lo, hi), or None: there is no such key."""
    names = c("VRANGE", key, "-", "+")
    if not names:
        return None
    numbers = [int(x[1:]) for x in names]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "%r has holes: %r" % (key, names[:9])
    for n, v in zip(numbers, c.pipeline([["VEMB", key, x] for x in names])):
        assert [round(float(x)) for x in v] == [n] + list(range(1, DIM)), (key, n, v)
    return numbers[0], numbers[0] + len(numbers)


class Sliced:
    """A Cycle in whose rounds one of these goes on."""

    def prepare(self):
        self.kinds = ["unlink", "copy", "dump", "alter"]
        self.set, self.copy = Changing(), None  # copy: what there is, (lo, hi)
        self.fields = 1

    # --- a life -----------------------------------------------------------------------------------------------------

    def live_and_die(self, kind):
        self.sync_ms = self.delay = self.rng.choice(getattr(self, "syncs", (0,)))
        self.start_server()
        self.fill()
        asker, self.changer, self.looker, self.admin = [self.server.conn() for _ in range(4)]
        self.kind, self.told, self.gone, self.since, self.seen = kind, False, set(), self.set.n_acked - 1, None
        try:
            getattr(self, "ask_" + kind)(asker)
            self.meanwhile(asker)
        except (OSError, EOFError):
            assert self.ends, "the server closed a connection"
        self.server.proc.kill()
        try:
            said = asker.read()
            assert said == {"unlink": KEYS, "copy": 1}.get(kind, resp.OK), said
            self.told = True
        except (OSError, EOFError):
            pass
        self.kill_server()
        self.tally.sent += len(self.set.states) + 1
        self.tally.acked += self.set.n_acked + self.told
        self.delay = 0

    def fill(self):
        """While nothing else happens."""
        with self.server.conn() as c:
            if self.fields == 1:
                c("FT.CREATE", "index", "PREFIX", 1, "k:", "SCHEMA", "n", "NUMERIC", "SORTABLE")
            c.pipeline([["HSET", "k:%d" % i, "n", i] for i in range(KEYS)])
            while self.set.states[-1][1] - self.set.states[-1][0] < LEAST:
                self.set.change(c, self.rng, 50)
            if self.mode != "always":  # what a power cut may take is not what this is about
                c("WAITAOF", 1, 0, 0)

    def meanwhile(self, asker):
        """Until it is answered, or until the time to die has come; sometimes it is an end in order."""
        r = self.rng.random()
        self.ends = ["SHUTDOWN"] if r < 0.15 else ["RESTART"] if r < 0.3 else None
        if r > 0.8:
            self.admin("BGREWRITEAOF")
        until = self.some_time(0, 0.006) if self.rng.random() < 0.8 else time.monotonic() + srv.PATIENCE
        while time.monotonic() < until and not select.select([asker.sock], [], [], 0)[0]:
            self.set.change(self.changer, self.rng, 4)
            look = self.rng.sample(range(KEYS), 20)
            there = self.looker.pipeline([["EXISTS", "k:%d" % i] for i in look])
            self.gone |= {i for i, n in zip(look, there) if not n}
        if self.ends:
            self.admin.send(*self.ends)
            time.sleep(self.rng.uniform(0, 0.03))
            return
        if self.kind in ("copy", "dump") and select.select([asker.sock], [], [], 0)[0]:
            self.seen = elements(self.looker, "copy")  # the log says how it was made, not what it was
            assert self.seen in self.set.states[self.since:], "the copy is %r, the set was %r" % (self.seen, self.set.states[self.since:])
        self.set.send(self.changer, self.rng, 3)

    def ask_unlink(self, c):
        c.send("UNLINK.MATCH", "k:*")

    def ask_copy(self, c):
        c.send("COPY", "set", "copy", "REPLACE")
        for _ in range(self.rng.randrange(12)):
            self.set.change(self.changer, self.rng, 16)

    def ask_dump(self, c):
        c.send("DUMP", "set")
        self.set.change(self.changer, self.rng, 64)
        c.send("RESTORE", "copy", 0, c.read(), "REPLACE")

    def ask_alter(self, c):
        self.looker.send_raw(resp.encode(["FT.AGGREGATE", "index", "*", "GROUPBY", 1, "@n", "REDUCE", "COUNT", 0, "LIMIT", 0, 1]))
        c.send("FT.ALTER", "index", "SCHEMA", "ADD", "f%d" % self.fields, "TAG")
        assert isinstance(self.looker.read(), list)

    # --- after it ---------------------------------------------------------------------------------------------------

    def judge(self):
        self.start_server()
        with self.server.conn() as c:
            keys = self.judge_keys(c)
            self.judge_sets(c)
            self.judge_index(c, keys)
            said = c("DEBUG", "CHECK")
            assert said == resp.OK, said
        self.kill_server()

    def judge_keys(self, c):
        keys = sorted(int(k[2:]) for k in c("KEYS", "k:*"))
        if self.kind != "unlink":
            assert keys == list(range(KEYS)), "%d keys" % len(keys)
        else:
            assert not (self.told and keys), "acknowledged as deleted, and there: %r" % keys[:9]
            assert not self.gone & set(keys), "seen gone, and back: %r" % sorted(self.gone & set(keys))[:9]
        for i, h in zip(keys, c.pipeline([["HGETALL", "k:%d" % i] for i in keys])):
            assert h == [b"n", b"%d" % i], (i, h)
        return len(keys)

    def judge_sets(self, c):
        s, copy = self.set, elements(c, "copy")
        now = elements(c, "set")
        may = s.states[s.n_acked - 1:]
        assert now in may, "the set is %r, it may be %r" % (now, may)
        fresh = s.states[self.since:] if self.kind in ("copy", "dump") else []
        may = [self.seen] if self.seen else fresh if self.told else fresh + [self.copy]
        assert copy in (may if fresh else [self.copy]), "the copy is %r, it was %r, seen %r, the set %r" % (copy, self.copy, self.seen, fresh)
        self.copy = copy
        s.found(now)

    def judge_index(self, c, keys):
        info = c("FT.INFO", "index")
        fields = len(dict(zip(info[::2], info[1::2]))[b"attributes"])
        assert fields == self.fields + self.told or (fields == self.fields + 1) if self.kind == "alter" else fields == self.fields, (
            fields, self.fields)
        self.fields = fields
        srv.wait_for(lambda: c("FT.SEARCH", "index", "@n:[0 +inf]", "LIMIT", 0, 0) == [keys], "an index that has all")


class SliceCycle(Sliced, Cycle):
    def __init__(self, mode, seed, **more):
        super().__init__(mode, seed, connections=0, **more)
        self.prepare()


class SlicePowerCycle(Sliced, PowerCycle):
    def __init__(self, mode, seed, **more):
        super().__init__(mode, seed, connections=0, **more)
        self.prepare()
