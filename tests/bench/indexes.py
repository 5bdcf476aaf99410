"""Indexes of FT.*: what they cost a write, what a question of words and tags costs among a million documents, and whether a search
shows what has expired. A stock server has none of it to compare with."""
import itertools
import random
import threading
import time

from rig import busy_ns

CREATE = ("FT.CREATE", "idx", "PREFIX", 1, "doc:", "SCHEMA", "session", "TAG", "role", "TAG", "ts", "NUMERIC")
TEXT = ("body", "TEXT")
SESSIONS = 1000
BATCH = 2000


def vocabulary():
    """Words as often as words are: the n-th one time in n."""
    rng = random.Random(1)
    words = sorted({"".join(rng.choice("abcdefghijklmnoprstuv") for _ in range(rng.randint(3, 9))) for _ in range(20000)})
    rng.shuffle(words)
    return words, list(itertools.accumulate(1 / (i + 1) for i in range(len(words))))


def documents(n, expire_ms=None):
    """Batches of commands that write n small documents."""
    rng = random.Random(2)
    words, weights = vocabulary()
    batch = []
    for i in range(n):
        batch.append(("HSET", "doc:%d" % i, "session", "s-%d" % (i % SESSIONS), "role", "user" if i % 2 else "assistant", "ts", i,
                      "body", " ".join(rng.choices(words, cum_weights=weights, k=8))))
        if expire_ms:
            batch.append(("PEXPIRE", "doc:%d" % i, expire_ms))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def encoded(batch):
    return b"".join(b"*%d\r\n" % len(cmd) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in (str(x).encode() for x in cmd)) for cmd in batch)


def wait_indexed(c):
    while True:
        info = c("FT.INFO", "idx")
        facts = dict(zip(info[::2], info[1::2]))
        if float(facts[b"percent_indexed"]) == 1 and not int(facts[b"indexing"]):
            return facts
        time.sleep(0.05)


def write_cost(rig, batches, n, create):
    """Server time of one HSET, in us."""
    s = rig.start("memd")
    try:
        c = s.conn()
        if create:
            c(*create)
        before = busy_ns(s.pid)
        for raw, count in batches:
            c.send_raw(raw)
            for _ in range(count):
                c.read()
        if create:
            c("FT.SEARCH", "idx", "@session:{none}")  # all of it is indexed now
        return (busy_ns(s.pid) - before) / n / 1000
    finally:
        s.destroy()


def writes(rig, n):
    rig.title("index: a write, beside the plain HSET (in the column of redis)")
    for how, batches in (("pipeline", [(encoded(b), len(b)) for b in documents(n)]),
                         ("one by one", [(encoded([cmd]), 1) for b in documents(n // 10) for cmd in b])):
        count = sum(b[1] for b in batches)
        took = {create: [] for create in (None, CREATE, CREATE + TEXT)}
        for _ in range(rig.rounds):
            for create in took:
                took[create].append(write_cost(rig, batches, count, create))
        rig.row("index HSET, 2 TAG, NUMERIC, " + how, "us", took[CREATE], took[None], ("x", 2.0))
        rig.row("index HSET, TEXT of 8 words too, " + how, "us", took[CREATE + TEXT], took[None], ("x", 2.0))


def questions(rig, n):
    words, _ = vocabulary()
    asked = [
        ("TAG, 1 in 1000", ["@session:{s-%d}" % i for i in range(200)], ()),
        ("TAG, newest 10", ["@session:{s-%d}" % i for i in range(200)], ("SORTBY", "ts", "DESC")),
        ("TAG and NUMERIC", ["@session:{s-%d} @ts:[%d +inf]" % (i, n // 2) for i in range(200)], ()),
        ("TEXT, a frequent word", [words[i] for i in range(20)], ()),
        ("TEXT, a rare word", [words[2000 + i] for i in range(200)], ()),
        ("TEXT, two words", ["%s %s" % (words[i], words[40 + i]) for i in range(40)], ()),
        ("TEXT, a prefix", [words[i][:4] + "*" for i in range(100)], ()),
        ("TEXT and TAG", ["@body:%s @session:{s-%d}" % (words[i], i) for i in range(40)], ()),
        ("count of all", ["*"] * 50, ("LIMIT", 0, 0)),
    ]
    s = rig.start("memd")
    try:
        c = s.conn()
        c(*CREATE, *TEXT)
        for batch in documents(n):
            c.pipeline(batch)
        facts = wait_indexed(c)
        rig.title("index: questions among %d documents" % n)
        for name, queries, more in asked:
            before, waits = busy_ns(s.pid), []
            for q in queries:
                began = time.perf_counter()
                c("FT.SEARCH", "idx", q, *more)
                waits.append(time.perf_counter() - began)
            rig.row("index " + name, "us", (busy_ns(s.pid) - before) / len(queries) / 1000, None, None)
            rig.row("index " + name + ", waited p50", "us", sorted(waits)[len(waits) // 2] * 1e6, None, None)
        rig.row("index memory a document", "bytes", float(facts[b"total_index_memory_sz_mb"]) * 2 ** 20 / n, None, None)
    finally:
        s.destroy()


def expiring(rig, seconds):
    """Documents come and go, 10,000 a second each way; a search may show none that is gone, nor count it."""
    s = rig.start("memd")
    try:
        c, wrong, asked, stop = s.conn(), 0, 0, threading.Event()
        c(*CREATE, *TEXT)

        def write():
            w = s.conn()
            for batch in documents(10000 * seconds, expire_ms=1000):
                began = time.monotonic()
                w.pipeline(batch)
                time.sleep(max(0, len(batch) / 20000 - (time.monotonic() - began)))
            stop.set()

        t = threading.Thread(target=write)
        t.start()
        while not stop.is_set():
            total, *rows = c("FT.SEARCH", "idx", "@session:{s-%d}" % (asked % SESSIONS), "SORTBY", "ts", "LIMIT", 0, 50)
            shown = [dict(zip(r[::2], r[1::2])) if r else None for r in rows[1::2]]
            wrong += total != len(rows) // 2 or any(not r or r[b"session"] != b"s-%d" % (asked % SESSIONS) for r in shown)
            asked += 1
        t.join()
        rig.title("index: searches while 10,000 documents a second expire")
        rig.row("index wrong answers of %d" % asked, "", wrong, None, ("<=", 0))
        rig.row("index expired meanwhile", "", int(c.info("stats")["expired_keys"]), None, None)
    finally:
        s.destroy()


def rows(rig):
    n = 100000 if rig.quick else 1000000
    if rig.wanted("index HSET"):
        writes(rig, n // 5)
    if rig.wanted("index questions"):
        questions(rig, n)
    if rig.wanted("index expiring"):
        expiring(rig, 5 if rig.quick else 20)
