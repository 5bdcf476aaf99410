#!/usr/bin/env python3
"""Entries as hashes with an index set under a prefix: search by metadata and keyword, clear, count.

    examples/entries.py [--host H] [--port P] [--password X]

With plain Redis a search by keyword reads every entry, and an index set goes on naming entries that have expired. Here
ARCHIVE.SEARCH finds words in fields, of entries in memory and of those that have left it."""
import uuid

from memd_archive import expire_now, fresh, rules, search, settle
from sessions import client


class Entries:
    def __init__(self, r, prefix="entry:"):
        self.r, self.prefix, self.index = r, prefix, "index:" + prefix
        rules(r, prefix + "*", "archive", "expire,evict", "recall", "read")

    def add(self, text, ttl_s=None, **metadata):
        name = uuid.uuid4().hex
        p = self.r.pipeline(transaction=True)
        p.hset(self.prefix + name, mapping={"text": text, **metadata})
        if ttl_s:
            p.expire(self.prefix + name, ttl_s)
        p.sadd(self.index, name)
        p.execute()
        return name

    def get(self, name):
        return {k.decode(): v.decode() for k, v in self.r.hgetall(self.prefix + name).items()}

    def by_metadata(self, **wanted):
        """Entries whose fields have these values: one pipeline over the index."""
        names = sorted(n.decode() for n in self.r.smembers(self.index))
        p = self.r.pipeline(transaction=False)
        for n in names:
            p.hmget(self.prefix + n, *wanted)
        want = [str(v).encode() for v in wanted.values()]
        return [n for n, got in zip(names, p.execute()) if got == want]

    def by_keyword(self, words, n=10):
        """Names of entries with these words, the best first."""
        out = []
        for row in search(self.r, words, "MATCH", self.prefix + "*", "LIMIT", 0, n):
            name = row["key"][len(self.prefix):]
            if name not in out:
                out.append(name)
        return out

    def count(self):
        return self.r.scard(self.index)

    def clear(self):
        names = list(self.r.sscan_iter(self.index))
        for i in range(0, len(names), 500):
            self.r.unlink(*(self.prefix.encode() + n for n in names[i:i + 500]))
        self.r.unlink(self.index)
        self.r.execute_command("ARCHIVE.DROP", "MATCH", self.prefix + "*")
        return len(names)


def demo(r):
    fresh(r, "entry:*", "index:entry:")
    e = Entries(r)
    tea = e.add("Green tea needs water of eighty degrees", kind="recipe", lang="en")
    rye = e.add("Rye bread wants a day of patience", kind="recipe", lang="en")
    brot = e.add("Brot aus Roggen braucht Geduld", kind="recipe", lang="de")
    note = e.add("Call the bakery about the rye bread", kind="note", lang="en")
    assert e.count() == 4 and e.get(tea)["kind"] == "recipe"
    assert e.by_metadata(kind="recipe", lang="en") == sorted([tea, rye])
    assert sorted(e.by_keyword("rye bread")) == sorted([rye, note])

    expire_now(r, e.prefix + rye)
    settle(r)
    assert sorted(e.by_keyword("rye bread")) == sorted([rye, note]), "found although it has expired"
    assert e.get(rye)["text"].startswith("Rye bread"), "and read"
    assert e.by_metadata(lang="de") == [brot]
    assert e.clear() == 4 and e.count() == 0 and e.by_keyword("rye") == [] and e.get(tea) == {}
    print("entries: found by metadata and by words, before and after they expired")


if __name__ == "__main__":
    demo(client())
