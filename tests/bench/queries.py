"""FT.SEARCH over many small documents, and while many of them expire: what it takes, and whether it is ever wrong."""
import os
import random
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), at) for at in (".", "../lib")]

DOCS = 1000000
WORDS = 20000
QUERIES = [
    ("all", "*"), ("TAG, 1 in 100", "@user:{u7}"), ("TAG, 1 in 3", "@kind:{k1}"), ("two TAGs", "@user:{u7} @kind:{k1}"),
    ("NUMERIC, 1 in 1000", "@at:[500000 501000]"), ("TAG and not TAG", "@user:{u7} -@kind:{k1}"), ("TEXT, a rare word", "w15000"),
    ("TEXT, 1 in 100", "w600"), ("TEXT, 1 in 10", "w8"), ("TEXT and TAG", "w8 @user:{u7}"), ("two words", "w8 w9"),
    ("two words, either", "w600 | w601"), ("a phrase", '"w8 w9"'), ("a prefix", "w150*"), ("fuzzy", "%w15000%"),
]
# Rows that have expired when the script runs: it sees one time.
WRONG_ROWS = """
local found, wrong = redis.call('FT.SEARCH', 'i', '@t:word', 'NOCONTENT', 'LIMIT', '0', '200'), 0
for n = 2, #found do wrong = wrong + 1 - redis.call('EXISTS', found[n]) end
if found[1] ~= redis.call('DBSIZE') then wrong = wrong + 1 end
return {found[1], wrong}
"""


def fill(c, docs):
    r, weights = random.Random(1), [1 / (i + 1) for i in range(WORDS)]
    words = random.Random(2).choices(["w%d" % i for i in range(WORDS)], weights, k=docs * 8 + 100)
    for at in range(0, docs, 10000):
        c.pipeline([["HSET", "d:%d" % n, "t", " ".join(words[n * 8:n * 8 + 8]), "user", "u%d" % r.randrange(100), "kind", "k%d" % (n % 3), "at", n]
                    for n in range(at, min(docs, at + 10000))])


def waited(c, *args):
    """The median, in microseconds, and how many there are."""
    took = []
    for _ in range(21):
        began = time.perf_counter()
        reply = c("FT.SEARCH", "i", *args)
        took.append(time.perf_counter() - began)
    return sorted(took)[10] * 1e6, reply[0]


def over_many(rig, docs):
    rig.title("FT.SEARCH over %d documents of 8 words, 2 tags, a number; 10 keys" % docs)
    s = rig.start("memd")
    try:
        c = s.conn()
        c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT", "user", "TAG", "kind", "TAG", "at", "NUMERIC")
        fill(c, docs)
        c("FT.SEARCH", "i", "*", "LIMIT", 0, 0)
        for name, query in QUERIES:
            us, found = waited(c, query, "NOCONTENT")
            rig.row("%s: %s (%d found)" % (name, query, found), "us", us, None, None)
        for name, args in (("10 documents", ["@user:{u7}"]), ("100 documents", ["@user:{u7}", "LIMIT", 0, 100]),
                           ("sorted by a number", ["@user:{u7}", "SORTBY", "at", "DESC", "NOCONTENT"]),
                           ("a count", ["w8", "LIMIT", 0, 0])):
            rig.row(name + ": " + " ".join(map(str, args)), "us", waited(c, *args)[0], None, None)
    finally:
        s.destroy()


def while_they_expire(rig, seconds):
    """10,000 documents a second come, and as many expire, each a second old."""
    rig.title("FT.SEARCH while 10,000 documents a second expire")
    s = rig.start("memd")
    try:
        writer, c = s.conn(), s.conn()
        c("FT.CREATE", "i", "PREFIX", 1, "e:", "SCHEMA", "t", "TEXT", "n", "NUMERIC")
        n = searches = wrong = found = 0
        began, took = time.time(), []
        while time.time() < began + seconds:
            batch = []
            while n < (time.time() - began) * 10000 and len(batch) < 2000:
                until = int(time.time() * 1000) + 1000
                key = "e:%d:%d" % (until, n)
                batch += [["HSET", key, "t", "word number w%d" % (n % 100), "n", n], ["PEXPIREAT", key, until]]
                n += 1
            writer.pipeline(batch)
            found, bad = c("EVAL", WRONG_ROWS, 0)
            sent = time.time()
            reply = c("FT.SEARCH", "i", "@t:word", "SORTBY", "n", "LIMIT", 0, 100, "NOCONTENT")
            took.append(time.time() - sent)
            bad += sum(int(k.split(b":")[1]) < sent * 1000 - 1 for k in reply[1:])
            wrong += bad
            searches += 2
        rig.row("wrong rows or totals in %d searches of about %d" % (searches, found), "", wrong, None, ("<=", 0))
        rig.row("a search waited", "us", sorted(took)[len(took) // 2] * 1e6, None, None)
        rig.row("documents that came a second", "", n / seconds, None, None)
    finally:
        s.destroy()


def rows(rig):
    if not rig.wanted("queries"):
        return
    over_many(rig, DOCS // 10 if rig.quick else DOCS)
    while_they_expire(rig, 5 if rig.quick else 20)
