"""Sessions that do not fit into memory: are all of them still there?

    make archive-proof [SESSIONS=1000000] [KILLS=20] [MESSAGES=20] [SEED=1]

Sessions of chat messages with a time to live are written into a daemon that may use 256 MB, while it is killed
KILLS times at random moments. Then each is read back (from memory or from the archive) and compared byte for byte with
what was acknowledged, a sample is looked for by a word that stands in it alone, and SQLite is asked whether any
session is there twice or not at all. Figures: messages archived a second, recall times, what a reader of hot keys
waits with the archive at work and without, bytes on disk for each byte of chat."""
import argparse
import os
import random
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import resp  # noqa: E402
import server as srv  # noqa: E402

WORDS = """the of and to in is you that it he was for on are as with his they at be this have from or one had by
word but not what all were we when your can said there use an each which she do how their if will up other about out many then
them these so some her would make like him into time has look two more write go see number no way could people my than first water been call
who oil its now find long down day did get come made may part over new sound take only little work know place year live me back give most
very after thing our just name good sentence man think say great where help through much before line right too mean old any same tell boy follow
came want show also around form three small set put end does another well large must big even such because turn here why ask went men read need
land different home us move try kind hand picture again change off play spell air away animal house point page letter mother answer found study still
learn should agent memory token prompt session vector retrieve summary context document embedding schedule invoice refund shipment warehouse""".split()
ROLES = ("user", "assistant")
HOT = 1000


def sentences(rng):
    out = []
    for _ in range(4000):
        n = rng.randint(8, 24)
        s = " ".join(rng.choice(WORDS) for _ in range(n))
        out.append(s[0].upper() + s[1:] + rng.choice((".", ".", "?", "!")))
    return out


class Sessions:
    """What session i holds follows from i and the seed."""

    def __init__(self, seed, messages):
        self.rng = random.Random(seed)
        self.pool = sentences(self.rng)
        self.n = messages

    def key(self, i):
        return b"session:%d" % i

    def word(self, i):
        return "zq%dx" % i

    def messages(self, i):
        x = (i * 2654435761 + 12345) & 0xffffffff
        out = []
        for m in range(self.n):
            x = (x * 1103515245 + 12345) & 0x7fffffff
            pool = self.pool
            text = pool[x % 4000] + " " + pool[x // 4000 % 4000] + " " + pool[x // 300 % 4000]
            if m == 3:
                text += " " + self.word(i)
            out.append(b'{"role": "%s", "content": "%s", "timestamp": %d}'
                       % (ROLES[m & 1].encode(), text.encode(), 1700000000 + i * 60 + m))
        return out


class Proof:
    def __init__(self, a):
        self.a = a
        self.rng = random.Random(a.seed)
        self.sessions = Sessions(a.seed, a.messages)
        self.s = srv.Server(appendonly="yes", appendfsync=a.appendfsync, maxmemory="%dmb" % a.memory,
                            maxmemory_policy="allkeys-lru", save="", logfile="",
                            namespace=["session:* ttl 3600 archive expire,evict recall read"],
                            archive_timeout=20000, archive_messages="no" if a.no_messages else "yes")
        self.raw = 0
        self.refused = 0

    # --- writing ----------------------------------------------------------------------------------------

    def request(self, i):
        return [b"RPUSH", self.sessions.key(i)] + self.sessions.messages(i)

    def write(self, c, ids):
        """One pipeline. What is refused as memory cannot be freed fast enough is sent again: nothing of it was done."""
        while ids:
            for i in ids:
                c.send_raw(resp.encode(self.request(i)))
            again = []
            for i in ids:
                got = c.read()
                if isinstance(got, resp.Err):
                    assert got.startswith("OOM"), got
                    again.append(i)
                else:
                    assert got == self.a.messages, (i, got)
            self.refused += len(again)
            if len(again) == len(ids):
                time.sleep(0.002)
            ids = again

    def unsure(self, c, ids):
        """Sessions whose write was under way when the daemon was killed: written or not, nothing between."""
        missing = []
        for i in ids:
            got = c("LRANGE", self.sessions.key(i), 0, -1)
            assert got in ([], self.sessions.messages(i)), "half a session: %d" % i
            if not got:
                missing.append(i)
        self.write(c, missing)

    def fill(self):
        a = self.a
        kills = sorted(self.rng.sample(range(1, a.sessions), min(a.kills, a.sessions - 1)))
        c = self.s.conn()
        began = time.monotonic()
        at = 0
        while at < a.sessions:
            ids = list(range(at, min(at + 20, a.sessions)))
            if kills and kills[0] < ids[-1] + 1:
                kills.pop(0)
                for i in ids:
                    c.send_raw(resp.encode(self.request(i)))
                time.sleep(self.rng.random() * 0.02)
                self.s.kill9()
                self.s.start()
                c = self.s.conn()
                self.unsure(c, ids)
            else:
                self.write(c, ids)
            at += len(ids)
            if at % 50000 < 20:
                self.tell("%d sessions" % at, began, at)
        self.settle(c)
        self.tell("all written and archived", began, at)
        return time.monotonic() - began

    def settle(self, c):
        got = c("ARCHIVE.FLUSH")
        assert not isinstance(got, resp.Err), got

    def tell(self, what, began, n):
        with self.s.conn() as c:
            info = c.info("archive")
        dt = time.monotonic() - began
        print("%6.0f s  %-26s %7.0f messages/s, %s entries, queued %s, refused %d, %s" % (
            dt, what, n * self.a.messages / dt, info.get("archive_entries"), info.get("archive_queued"),
            self.refused, info.get("archive_state")), flush=True)

    # --- reading ----------------------------------------------------------------------------------------

    def read_back(self):
        c = self.s.conn()
        times = []
        began = time.monotonic()
        order = list(range(self.a.sessions))
        self.rng.shuffle(order)
        lost = 0
        for n, i in enumerate(order):
            t = time.perf_counter()
            got = c("LRANGE", self.sessions.key(i), 0, -1)
            times.append(time.perf_counter() - t)
            if got != self.sessions.messages(i):
                lost += 1
                print("LOST: session %d: %r" % (i, str(got)[:200]), flush=True)
            if (n + 1) % 100000 == 0:
                print("%6.0f s  %d read back" % (time.monotonic() - began, n + 1), flush=True)
        times.sort()
        print("read back: %d of %d as written; a read takes p50 %.0f us, p99 %.0f us, p99.9 %.0f us"
              % (len(order) - lost, len(order), times[len(times) // 2] * 1e6, times[len(times) * 99 // 100] * 1e6,
                 times[len(times) * 999 // 1000] * 1e6), flush=True)
        self.settle(c)
        return lost

    def search(self):
        c = self.s.conn()
        sample = self.rng.sample(range(self.a.sessions), min(self.a.searches, self.a.sessions))
        times, missed = [], 0
        for i in sample:
            t = time.perf_counter()
            got = c("ARCHIVE.SEARCH", self.sessions.word(i), "LIMIT", 0, 10)
            times.append(time.perf_counter() - t)
            if self.sessions.key(i) not in flat(got):
                missed += 1
                print("NOT FOUND: session %d: %r" % (i, str(got)[:300]), flush=True)
        times.sort()
        print("searched: %d of %d sessions found by a word of theirs; p50 %.1f ms, max %.1f ms"
              % (len(sample) - missed, len(sample), times[len(times) // 2] * 1e3, times[-1] * 1e3), flush=True)
        return missed

    # --- the file ---------------------------------------------------------------------------------------

    def look(self):
        """Each session is in the file once at most, or in memory; and never recallable while it is in memory."""
        path = os.path.join(self.s.dir, "archive.db")
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        n, keys = db.execute("SELECT count(*), count(DISTINCT key) FROM entries").fetchone()
        twice = db.execute("SELECT count(*) FROM (SELECT key FROM entries WHERE live = 1 GROUP BY db, key HAVING count(*) > 1)"
                           ).fetchone()[0]
        live = db.execute("SELECT count(*) FROM entries WHERE live = 1").fetchone()[0]
        size = db.execute("SELECT sum(size) FROM entries").fetchone()[0]
        stored = db.execute("SELECT sum(length(value)) FROM entries").fetchone()[0]
        messages = db.execute("SELECT count(*) FROM messages").fetchone()[0]
        with self.s.conn() as c:
            in_memory = c("DBSIZE")
        on_disk = sum(os.path.getsize(path + end) for end in ("", "-wal") if os.path.exists(path + end))
        self.raw = sum(len(m) for i in range(0, self.a.sessions, 97) for m in self.sessions.messages(i)) * 97
        print("archive: %d versions of %d sessions, %d messages; %d live + %d in memory = %d of %d sessions; %d live twice"
              % (n, keys, messages, live, in_memory, live + in_memory, self.a.sessions, twice), flush=True)
        print("archive: %.2f GB on disk; values %.2f GB stored for %.2f GB of payload (%.2f); a session's chat is about %.1f KB: "
              "%.2f bytes of file for each byte" % (on_disk / 1e9, (stored or 0) / 1e9, (size or 0) / 1e9,
                                                   (stored or 0) / max(1, size or 1), self.raw / self.a.sessions / 1e3,
                                                   on_disk / max(1, self.raw * keys / self.a.sessions)), flush=True)
        return int(live + in_memory != self.a.sessions) + twice + int(n != keys)


def flat(got):
    out = []
    for x in got if isinstance(got, list) else got.items() if isinstance(got, dict) else [got]:
        if isinstance(x, (list, tuple, dict)):
            out.extend(flat(list(x) if isinstance(x, tuple) else x))
        else:
            out.append(x)
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sessions", type=int, default=1000000)
    p.add_argument("--messages", type=int, default=20)
    p.add_argument("--kills", type=int, default=20)
    p.add_argument("--searches", type=int, default=2000)
    p.add_argument("--memory", type=int, default=256, help="MB")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--appendfsync", default="everysec")
    p.add_argument("--no-messages", action="store_true", help="entries alone, without rows for messages and their index")
    a = p.parse_args()
    print("seed %d, %d sessions of %d messages, %d kills, %d MB, appendfsync %s" % (
        a.seed, a.sessions, a.messages, a.kills, a.memory, a.appendfsync), flush=True)
    proof = Proof(a)
    try:
        seconds = proof.fill()
        print("sustained: %.0f messages a second, %.0f sessions a second" % (a.sessions * a.messages / seconds, a.sessions / seconds))
        bad = proof.look()
        if not a.no_messages and a.searches:
            bad += proof.search()
        bad += proof.read_back()
        bad += proof.look()
        proof.s.stop()
    finally:
        proof.s.destroy()
    print("broken promises: %d" % bad)
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
