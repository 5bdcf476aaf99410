"""FT.SEARCH against a model of it that looks at every document: all kinds of fields and forms of queries, on documents that
change, expire and go in between. What exists is asked in the same transaction as the search: both see one time."""
import json
import math
import os
import random
import struct

import pytest

from resp import Err, OK

pytestmark = pytest.mark.memd_only

SEED = int(os.environ.get("MEMD_TEST_SEED", "20260101"))
WORDS = ["alpha", "beta", "gamma", "delta", "omega", "sigma", "alphabet", "betamax", "under_score", "naïve", "naive", "nai\u0308ve", "tom", "tom❤️",
         "tom❤", "Zoë", "zoe", "日本", "日本。", "ジョン・スミス", "o’brien", "“alpha”", "€7", "77", "Straße", "strasse"]
SOUNDS = {"smith": "SM0", "Smyth": "SM0", "john": "JN", "Jon": "JN", "philip": "FLP", "filip": "FLP", "jo": None, "2015": None}
TAGS = ["red", "dark-red", "a@b.c", "550e8400-e29b-41d4-a716-446655440000", "deep sea", "x|y"]
KEYS = ["d:%d" % n for n in range(60)]
ROUNDS = 250


def fold(w):
    """Words are the same but for case."""
    return w.lower()


def edits(a, b):
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def metres(a, b):
    (lon1, lat1), (lon2, lat2) = a, b
    p1, p2 = math.radians(lat1), math.radians(lat2)
    u, v = math.sin((p2 - p1) / 2), math.sin(math.radians(lon2 - lon1) / 2)
    return 2 * 6372797.560856 * math.asin(math.sqrt(u * u + math.cos(p1) * math.cos(p2) * v * v))


class Model:
    """The documents, and random queries with what they find."""

    def __init__(self, c, on_json, rng):
        self.c, self.on_json, self.rng = c, on_json, rng
        self.docs = {}
        for name in c("FT._LIST"):
            assert c("FT.DROPINDEX", name) == OK

        def field(name, *rest):
            path = ["$.%s[*]" % name if name == "g" else "$.%s" % name, "AS", name] if on_json else [name]
            separator = ["SEPARATOR", ";"] if name == "g" and not on_json else []
            return [*path, *rest, *separator]

        assert c("FT.CREATE", "i", "ON", "JSON" if on_json else "HASH", "PREFIX", 1, "d:", "SCHEMA", *field("t", "TEXT", "NOSTEM"), *field("g", "TAG"),
                 *field("s", "TEXT", "PHONETIC", "dm:en"), *field("n", "NUMERIC", "INDEXMISSING"), *field("at", "GEO"),
                 *field("v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2")) == OK

    # --- changes ---

    def new(self):
        r = self.rng
        doc = {"t": r.choices(WORDS, k=6), "s": r.sample(sorted(SOUNDS), 2), "g": r.sample(TAGS, r.randint(1, 3)), "at": (r.randint(-5, 5), r.randint(-5, 5)),
               "v": (float(r.randint(0, 20)), float(r.randint(0, 20)))}
        if r.random() < 0.8:
            doc["n"] = r.randint(0, 20)
        return doc

    def put(self, key):
        doc = self.docs[key] = self.new()
        text, at = " ".join(doc["t"]), "%d,%d" % doc["at"]
        if self.on_json:
            body = {"t": text, "s": " ".join(doc["s"]), "g": doc["g"], "at": at, "v": doc["v"]}
            if "n" in doc:
                body["n"] = doc["n"]
            assert self.c("JSON.SET", key, "$", json.dumps(body)) == OK
            self.c("PERSIST", key)
            return
        self.c("DEL", key)
        extra = ["n", doc["n"]] if "n" in doc else []
        assert self.c("HSET", key, "t", text, "s", " ".join(doc["s"]), "g", ";".join(doc["g"]), "at", at, "v", struct.pack("<2f", *doc["v"]), *extra) >= 5

    def change(self):
        r, key = self.rng, self.rng.choice(KEYS)
        what = r.random()
        if what < 0.5 or key not in self.docs:
            self.put(key)
        elif what < 0.6:
            self.c("DEL", key)
            del self.docs[key]
        elif what < 0.8:
            self.c("PEXPIRE", key, r.randint(1, 8))
        elif what < 0.9:
            self.docs[key].pop("n", None)
            if self.on_json:
                self.c("JSON.DEL", key, "$.n")
            else:
                self.c("HDEL", key, "n")
        else:
            other = r.choice(KEYS)
            if self.c("EXISTS", key) and not isinstance(self.c("RENAME", key, other), Err) and other != key:
                self.docs[other] = self.docs.pop(key)

    # --- queries ---

    def leaf(self):
        r = self.rng
        kind = r.randrange(16)
        w, x = r.choice(WORDS), r.choice(WORDS)
        if kind == 0:
            return "@t:%s" % r.choice([w, w.upper() if w.upper().lower() == w.lower() else w]), lambda d: any(fold(w) == fold(y) for y in d["t"])
        if kind == 1:
            return '"%s %s"' % (w, x), lambda d: any([fold(y) for y in d["t"][i:i + 2]] == [fold(w), fold(x)] for i in range(5))
        if kind == 2:
            p = fold(w)[:r.randint(2, 5)]
            return "@t:%s*" % p, lambda d: any(fold(y).startswith(p) for y in d["t"])
        if kind == 3:
            p = fold(w)[-3:]
            return "*%s" % p, lambda d: any(fold(y).endswith(p) for y in d["t"])
        if kind == 4:
            p = fold(w)[1:4]
            return "*%s*" % p, lambda d: any(p in fold(y) for y in d["t"])
        if kind == 5:
            p = fold(w)[:-1] + "q"
            return "%%%s%%" % p, lambda d: any(edits(fold(y), p) <= 1 for y in d["t"])
        if kind == 6:
            tags = r.sample([t for t in TAGS if "|" not in t], 2)
            return "@g:{ %s | %s }" % tuple(tags), lambda d: any(t in d["g"] for t in tags)
        if kind == 7:
            return r.choice([r"@g:{x\|y}", '@g:{"x|y"}', "@g:{$bar}"]), lambda d: "x|y" in d["g"]
        if kind == 8:
            form, ok = r.choice([("re*", lambda t: t.startswith("re")), ("*red", lambda t: t.endswith("red")), ("*sea*", lambda t: "sea" in t)])
            return "@g:{%s}" % form, lambda d: any(ok(t) for t in d["g"])
        if kind in (9, 10):
            lo, hi, openly = r.randint(-1, 20), r.randint(0, 22), r.random() < 0.5
            text = r.choice(["@n:[%s%d %d]" % ("(" if openly else "", lo, hi), "(@n%s%d @n<=%d)" % (">" if openly else ">=", lo, hi)])
            return text, lambda d: "n" in d and (d["n"] > lo if openly else d["n"] >= lo) and d["n"] <= hi
        if kind == 11:
            return "ismissing(@n)", lambda d: "n" not in d
        if kind in (12, 13):
            s, sounds = r.choice(sorted(SOUNDS)), r.random() < 0.7
            text = r.choice(["@s:%s", "@s:(%s)=>{$phonetic: true}"] if sounds else ["(@s:%s)=>{$phonetic: false}", '@s:"%s"'])
            return text % s, lambda d: any(s == x or (sounds and SOUNDS[s] and SOUNDS[s] == SOUNDS[x]) for x in d["s"])
        if kind == 14:
            s = r.choice(sorted(SOUNDS))
            return r.choice(["@t:%s", "%s* -@s:%s*"]).replace("%s", s), lambda d: False
        lon, lat, km = r.randint(-5, 5) + 0.5, r.randint(-5, 5) + 0.5, r.randint(50, 600) + 0.37
        return "@at:[%s %s %s km]" % (lon, lat, km), lambda d: metres((lon, lat), d["at"]) <= km * 1000

    def query(self, depth):
        r = self.rng
        kind = r.random() if depth else 0
        if kind < 0.4:
            return self.leaf()
        if kind < 0.5:
            text, ok = self.query(depth - 1)
            return "-(%s)" % text, lambda d: not ok(d)
        if kind < 0.55:
            text, _ = self.query(depth - 1)
            return "(~(%s))" % text, lambda d: True
        parts = [self.query(depth - 1) for _ in range(r.randint(2, 3))]
        if kind < 0.8:
            return "(%s)" % r.choice([" ", " AND "]).join(p[0] for p in parts), lambda d: all(p[1](d) for p in parts)
        return "(%s)" % "|".join(p[0] for p in parts), lambda d: any(p[1](d) for p in parts)

    def search(self, *args):
        """The reply, and the documents that there were at that moment."""
        c = self.c
        c("MULTI")
        c("FT.SEARCH", "i", *args)
        for key in KEYS:
            c("EXISTS", key)
        reply, *exist = c("EXEC")
        assert not isinstance(reply, Err), (args, reply)
        there = {k: self.docs[k] for k, e in zip(KEYS, exist) if e}
        for key in [k for k in self.docs if k not in there]:
            del self.docs[key]
        return reply, there


def check_plain(m):
    text, ok = m.query(3)
    reply, there = m.search(text, "NOCONTENT", "LIMIT", 0, 1000, "PARAMS", 2, "bar", "x|y")
    want = sorted(k for k, d in there.items() if ok(d))
    assert sorted(k.decode() for k in reply[1:]) == want, text
    assert reply[0] == len(want), text


def check_sorted(m):
    text, ok = m.query(2)
    down, offset, count = m.rng.random() < 0.5, m.rng.randint(0, 5), m.rng.randint(1, 20)
    reply, there = m.search(text, "SORTBY", "n", "DESC" if down else "ASC", "LIMIT", offset, count, "RETURN", 1, "n", "PARAMS", 2, "bar", "x|y")
    found = [d for d in there.values() if ok(d)]
    numbers = sorted((d["n"] for d in found if "n" in d), reverse=down)
    numbers += [None] * (len(found) - len(numbers))
    got = [dict(zip(row[::2], row[1::2])).get(b"n") for row in reply[2::2]]
    assert [None if v is None else int(v) for v in got] == numbers[offset:offset + count], text
    assert reply[0] == len(found), text


def check_nearest(m):
    text, ok = m.query(2)
    k, at = m.rng.randint(1, 15), (m.rng.randint(0, 20), m.rng.randint(0, 20))
    reply, there = m.search("(%s)=>[KNN $k @v $at AS d]" % text, "RETURN", 1, "d", "LIMIT", 0, 100, "DIALECT", 2,
                            "PARAMS", 6, "bar", "x|y", "k", k, "at", struct.pack("<2f", *at))
    distance = {key: (d["v"][0] - at[0]) ** 2 + (d["v"][1] - at[1]) ** 2 for key, d in there.items() if ok(d)}
    got = [(key.decode(), float(row[1])) for key, row in zip(reply[1::2], reply[2::2])]
    assert [d for _, d in got] == sorted(distance.values())[:k], text
    assert all(distance[key] == d for key, d in got) and reply[0] == min(k, len(distance)), text


def check_within(m):
    at, radius = (m.rng.randint(0, 20), m.rng.randint(0, 20)), m.rng.randint(0, 120)
    text, ok = m.query(1)
    reply, there = m.search("@v:[VECTOR_RANGE %d $at] %s" % (radius, text), "NOCONTENT", "LIMIT", 0, 100, "PARAMS", 4, "bar", "x|y",
                            "at", struct.pack("<2f", *at))
    want = sorted(k for k, d in there.items() if ok(d) and (d["v"][0] - at[0]) ** 2 + (d["v"][1] - at[1]) ** 2 <= radius)
    assert sorted(k.decode() for k in reply[1:]) == want and reply[0] == len(want), text


@pytest.mark.parametrize("on_json", [False, True], ids=["hash", "json"])
def test_what_is_found_is_what_a_look_at_every_document_finds(c, on_json):
    print("MEMD_TEST_SEED=%d" % SEED)
    rng = random.Random(SEED + on_json)
    m = Model(c, on_json, rng)
    for key in KEYS:
        m.put(key)
    for _ in range(ROUNDS):
        for _ in range(rng.randint(0, 6)):
            m.change()
        rng.choice([check_plain, check_plain, check_sorted, check_nearest, check_within])(m)
