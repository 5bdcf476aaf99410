#!/usr/bin/env python3
"""A small store of knowledge: store, retrieve, search, list_keys, delete, count, update many.

    examples/knowledge.py [--host H] [--port P] [--password X]

With plain Redis one tenant's keys push out another's when memory is full, and what is pushed out is lost. Here each
tenant has a quota of its own, within which the least used leave for the archive, and a read brings them back."""
import json

from memd_archive import fresh, pairs, rules, search, settle, to_json
from sessions import client


class Knowledge:
    def __init__(self, r, tenant, maxkeys=1000):
        self.r, self.prefix = r, "kb:%s:" % tenant
        rules(r, self.prefix + "*", "maxkeys", maxkeys, "policy", "allkeys-lru", "archive", "expire,evict", "recall", "read")

    def store(self, name, content, **metadata):
        self.r.set(self.prefix + name, to_json({"content": content, "metadata": metadata}))

    def retrieve(self, name):
        got = self.r.get(self.prefix + name)
        return json.loads(got) if got is not None else None

    def search(self, words, n=10):
        return [row["key"][len(self.prefix):] for row in search(self.r, words, "MATCH", self.prefix + "*", "LIMIT", 0, n)]

    def list_keys(self, pattern="*"):
        """In memory and in the archive."""
        here = {k.decode() for k in self.r.scan_iter(self.prefix + pattern, count=500)}
        cursor = "0"
        while True:
            cursor, rows = self.r.execute_command("ARCHIVE.LIST", "MATCH", self.prefix + pattern, "CURSOR", cursor, "COUNT", 500)
            here.update(pairs(row)["key"].decode() for row in rows)
            if cursor in (b"0", "0"):
                return sorted(k[len(self.prefix):] for k in here)

    def delete(self, *names):
        n = self.r.delete(*(self.prefix + x for x in names))
        for x in names:
            self.r.execute_command("ARCHIVE.DROP", self.prefix + x)
        return n

    def count(self):
        return len(self.list_keys())

    def update_many(self, changes):
        """Replace the contents of many in one transaction: all or none."""
        p = self.r.pipeline(transaction=True)
        for name, content in changes.items():
            p.set(self.prefix + name, to_json({"content": content, "metadata": {}}))
        p.execute()


def demo(r):
    fresh(r, "kb:acme:*")
    k = Knowledge(r, "acme", maxkeys=50)
    for i in range(80):
        k.store("fact-%02d" % i, "Fact number %d is about gear %d of the orrery" % (i, i), rank=i)
    assert pairs(r.execute_command("NAMESPACE", "STATS", "kb:acme:*"))["keys"] <= 50, "the quota holds"
    settle(r)
    assert k.count() == 80 and k.list_keys("fact-0*") == ["fact-%02d" % i for i in range(10)]
    in_memory = {key.decode() for key in r.scan_iter(k.prefix + "*", count=500)}
    gone = next(i for i in range(80) if "%sfact-%02d" % (k.prefix, i) not in in_memory)
    name = "fact-%02d" % gone
    assert k.retrieve(name)["metadata"] == {"rank": gone}, "it had left memory"
    assert len(k.search("orrery", n=100)) == 80 and k.search('"gear %d of"' % gone) == [name]
    k.update_many({"fact-78": "ten", "fact-79": "eleven"})
    assert k.retrieve("fact-78")["content"] == "ten"
    k.delete("fact-78", name)
    assert k.retrieve("fact-78") is None and k.retrieve(name) is None
    settle(r)
    assert k.count() == 78
    stats = pairs(r.execute_command("NAMESPACE", "STATS", k.prefix + "*"))
    assert stats["keys"] <= 50 and stats["archived"] >= 30 and stats["recalled"] >= 1, stats
    print("knowledge: 80 facts under a quota of 50, none lost")


if __name__ == "__main__":
    demo(client())
