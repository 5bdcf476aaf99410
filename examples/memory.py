#!/usr/bin/env python3
"""Working memory of conversations: store, retrieve, update, delete, versions, and a time to live by kind of user.

    examples/memory.py [--host H] [--port P] [--password X]

With plain Redis an update destroys what was there, and a time to live has to be given with every write. Here each
kind of user has its namespace with its own rules, and every version of a memory stays to be read, also as of a moment."""
import json

from memd_archive import expire_now, fresh, rules, settle, to_json, versions
from sessions import client

KINDS = {"guest": 3600, "member": 30 * 86400, "staff": 0}  # seconds; 0: for ever


class Memory:
    def __init__(self, r):
        self.r = r
        for kind, ttl_s in KINDS.items():
            ttl = ["ttl", ttl_s, "jitter", 5] if ttl_s else []
            rules(r, "memory:%s:*" % kind, *ttl, "archive", "expire,evict,delete,overwrite", "recall", "read", "versions", 50)

    def key(self, kind, user, name):
        return "memory:%s:%s:%s" % (kind, user, name)

    def store(self, kind, user, name, value):
        self.r.set(self.key(kind, user, name), to_json(value))

    def retrieve(self, kind, user, name):
        got = self.r.get(self.key(kind, user, name))
        return json.loads(got) if got is not None else None

    def update(self, kind, user, name, **changes):
        """Read, change, write, unless somebody else wrote meanwhile: then once more."""
        def change(p):
            value = json.loads(p.get(key) or b"{}")
            value.update(changes)
            p.multi()
            p.set(key, to_json(value))

        key = self.key(kind, user, name)
        self.r.transaction(change, key)

    def delete(self, kind, user, name):
        return self.r.delete(self.key(kind, user, name)) == 1

    def history(self, kind, user, name):
        """All former values, the newest first, with the reason for which each left."""
        key = self.key(kind, user, name)
        return [(v["reason"], json.loads(self.r.execute_command("ARCHIVE.GET", key, "VERSION", v["version"])))
                for v in versions(self.r, key)]

    def as_of(self, kind, user, name, at_ms):
        got = self.r.execute_command("ARCHIVE.GET", self.key(kind, user, name), "AT", at_ms)
        return json.loads(got) if got is not None else None

    def undelete(self, kind, user, name):
        return self.r.execute_command("ARCHIVE.RECALL", self.key(kind, user, name))


def demo(r):
    fresh(r, "memory:*")
    m = Memory(r)
    m.store("member", "ada", "tastes", {"tea": "green"})
    assert 0 < r.ttl("memory:member:ada:tastes") <= KINDS["member"]
    m.store("staff", "bob", "tastes", {"tea": "black"})
    assert r.ttl("memory:staff:bob:tastes") == -1

    m.update("member", "ada", "tastes", cake="lemon")
    m.update("member", "ada", "tastes", tea="white")
    assert m.retrieve("member", "ada", "tastes") == {"tea": "white", "cake": "lemon"}
    settle(r)
    assert m.history("member", "ada", "tastes") == [
        ("overwrite", {"tea": "green", "cake": "lemon"}), ("overwrite", {"tea": "green"})]

    assert m.delete("member", "ada", "tastes")
    settle(r)
    assert m.retrieve("member", "ada", "tastes") is None, "what was deleted does not come back by itself"
    assert m.history("member", "ada", "tastes")[0] == ("delete", {"tea": "white", "cake": "lemon"})
    m.undelete("member", "ada", "tastes")
    assert m.retrieve("member", "ada", "tastes") == {"tea": "white", "cake": "lemon"}, "but when it is asked for"

    m.store("guest", "eve", "cart", {"items": 2})
    expire_now(r, "memory:guest:eve:cart")
    settle(r)
    assert m.retrieve("guest", "eve", "cart") == {"items": 2}, "expired, and read all the same"
    print("memory: stored, updated, versioned, deleted, brought back")


if __name__ == "__main__":
    demo(client())
