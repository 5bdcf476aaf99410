"""FT.AGGREGATE against the same steps by hand, on random documents that change, expire and go in between."""
import random

import pytest

from resp import Err, OK

pytestmark = pytest.mark.memd_only
SEED = 20261121
NULL = None


def number(x):
    """As replies have it."""
    return "%d" % x if x == int(x) else "%.12g" % x


def text(v):
    return v if v is None or isinstance(v, str) else number(v)


class Steps:
    """Arguments and rows side by side. Rows are dicts; a missing name is null."""

    def __init__(self, rng, docs):
        self.rng, self.args = rng, []
        self.rows = [dict(d, __key=k) for k, d in docs]
        self.total, self.grouped, self.n = len(self.rows), False, 0
        self.names = {"kind": str, "price": float, "shelf": str}
        self.shown = set()

    def use(self, name):
        self.shown.add(name)
        return "@" + name

    def load(self):
        self.args += ["LOAD", 2, "@__key", "@shelf"]
        self.shown |= {"__key", "shelf"}

    def apply(self):
        source = self.rng.choice([n for n, t in self.names.items() if t is float] or [None])
        if source is None:
            return
        a, b = self.rng.randrange(1, 9), self.rng.randrange(1, 9)
        self.n += 1
        name = "x%d" % self.n
        self.args += ["APPLY", f"({self.use(source)} + {a}) * {b} - {a}", "AS", name]
        for row in self.rows:
            row[name] = None if row.get(source) is None else (row[source] + a) * b - a
        self.names[name] = float
        self.shown.add(name)

    def filter(self):
        source = self.rng.choice([n for n, t in self.names.items() if t is float] or [None])
        if source is None:
            return
        bound = self.rng.randrange(0, 60)
        self.args += ["FILTER", f"exists({self.use(source)}) && {self.use(source)} >= {bound}"]
        kept = [r for r in self.rows if r.get(source) is not None and r[source] >= bound]
        self.total -= len(self.rows) - len(kept)
        self.rows = kept

    def sort(self):
        keys = self.rng.sample(sorted(self.names), self.rng.randrange(1, 3))
        ways = [self.rng.random() < 0.5 for _ in keys]
        words = [w for k, down in zip(keys, ways) for w in (self.use(k), "DESC" if down else "ASC")]
        most, offset = self.rng.randrange(1, 80), 0
        if self.args[-3:-2] == ["LIMIT"]:  # right before a sort it belongs to it; MAX takes the place of its count
            self.rows, offset = self.unlimited, self.args[-2]
        self.args += ["SORTBY", len(words), *words, "MAX", most]
        for key, down in reversed(list(zip(keys, ways))):
            there = [r for r in self.rows if r.get(key) is not None]
            there.sort(key=lambda r: r[key], reverse=down)
            if down:  # equals keep their order
                there = [r for k in dict.fromkeys(r[key] for r in there) for r in self.rows if r.get(key) == k]
            self.rows = there + [r for r in self.rows if r.get(key) is None]
        self.rows = self.rows[offset:offset + most]

    def group(self):
        keys = self.rng.sample(sorted(n for n, t in self.names.items()), self.rng.randrange(0, 3))
        source = self.rng.choice([n for n, t in self.names.items() if t is float] or [None])
        self.args += ["GROUPBY", len(keys), *map(self.use, keys), "REDUCE", "COUNT", 0, "AS", "n%d" % self.n]
        groups = {}
        for row in self.rows:
            groups.setdefault(tuple(row.get(k) for k in keys), []).append(row)
        made = []
        for values, members in groups.items():
            row = dict(zip(keys, values))
            row["n%d" % self.n] = float(len(members))
            made.append(row)
            numbers = [m[source] for m in members if source and m.get(source) is not None]
            row["s%d" % self.n] = sum(numbers) if numbers else None
            row["d%d" % self.n] = float(len(set(numbers)))
        self.names = dict({k: self.names[k] for k in keys}, **{"n%d" % self.n: float})
        if source:
            self.args += ["REDUCE", "COUNT_DISTINCT", 1, "@" + source, "AS", "d%d" % self.n]
            self.names["d%d" % self.n] = float
        else:
            for row in made:
                del row["d%d" % self.n]
        if source and all(r["s%d" % self.n] is not None for r in made):  # of none it is NaN
            self.args += ["REDUCE", "SUM", 1, "@" + source, "AS", "s%d" % self.n]
            self.names["s%d" % self.n] = float
        else:
            for row in made:
                del row["s%d" % self.n]
        self.rows, self.total, self.grouped = made, len(made), True
        self.shown = set(self.names)
        self.n += 1

    def limit(self):
        offset, count = self.rng.randrange(0, 5), self.rng.randrange(1, 40)
        if "SORTBY" in self.args:  # a LIMIT behind belongs to the sort, and is no step of its own
            return
        if self.args[-3:-2] == ["LIMIT"]:
            return
        self.unlimited = self.rows
        self.args += ["LIMIT", offset, count]
        self.rows = self.rows[offset:offset + count]

    def want(self):
        rows = []
        for r in self.rows:
            shown = {k: text(r.get(k)) for k in self.shown}
            rows.append(shown if self.grouped else {k: v for k, v in shown.items() if v is not None})
        return self.total, rows


def told(reply):
    assert not isinstance(reply, Err), reply
    return reply[0], [dict(zip((x.decode() for x in r[::2]), (x.decode() if isinstance(x, bytes) else x for x in r[1::2])))
                      for r in reply[1:]]


def change(c, rng, docs):
    key = f"i:{rng.randrange(150)}"
    if rng.random() < 0.3:
        c("DEL", key)
        docs.pop(key, None)
        return
    if rng.random() < 0.1 and key in docs:
        c("PEXPIRE", key, 0)
        del docs[key]
        return
    doc = {"kind": rng.choice("abc"), "price": float(rng.randrange(0, 40)), "shelf": rng.choice(["x", "y", "z"])}
    for name in list(doc):
        if rng.random() < 0.15:
            del doc[name]
    c("DEL", key)
    docs.pop(key, None)
    c("HSET", key, "other", 1, *[w for k, v in doc.items() for w in (k, text(v))])
    docs[key] = doc


def test_random_steps_are_those_made_by_hand(c):
    rng = random.Random(SEED)
    for name in c("FT._LIST"):
        assert c("FT.DROPINDEX", name) == OK
    assert c("FT.CREATE", "ix", "PREFIX", 1, "i:", "SCHEMA", "kind", "TAG", "price", "NUMERIC", "shelf", "TEXT") == OK
    docs = {}
    for _ in range(200):
        for _ in range(8):
            change(c, rng, docs)
        order = [k.decode() for k in c("FT.SEARCH", "ix", "*", "NOCONTENT", "LIMIT", 0, 1000)[1:]]
        assert sorted(order) == sorted(docs)
        steps = Steps(rng, [(k, docs[k]) for k in order])
        if rng.random() < 0.5:
            steps.load()
        for _ in range(rng.randrange(0, 5)):
            getattr(steps, rng.choice(["apply", "filter", "sort", "group", "limit", "apply"]))()
        total, rows = told(c("FT.AGGREGATE", "ix", "*", *steps.args))
        assert (total, rows) == steps.want(), (SEED, steps.args)
