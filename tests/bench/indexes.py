"""What an index costs a write (queries.py: what is asked of it)."""
import itertools
import random

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


def documents(n):
    """Batches of commands that write n small documents."""
    rng = random.Random(2)
    words, weights = vocabulary()
    batch = []
    for i in range(n):
        batch.append(("HSET", "doc:%d" % i, "session", "s-%d" % (i % SESSIONS), "role", "user" if i % 2 else "assistant", "ts", i,
                      "body", " ".join(rng.choices(words, cum_weights=weights, k=8))))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def encoded(batch):
    return b"".join(b"*%d\r\n" % len(cmd) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in (str(x).encode() for x in cmd)) for cmd in batch)


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


def rows(rig):
    if rig.wanted("index HSET"):
        writes(rig, 20000 if rig.quick else 200000)
