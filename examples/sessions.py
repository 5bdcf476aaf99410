#!/usr/bin/env python3
"""Chat sessions with bounded history, sliding time to live, a rate limit and a cache, in memd through redis-py.

    examples/sessions.py [--host H] [--port P] [--password X]

With plain Redis a session that has expired is gone, and what LTRIM cuts off is gone. Here one line of rules makes memd keep the
newest messages in memory, let a session live for an hour after its last use, and hand everything that leaves to its archive:
reading an expired session brings it back, and every message that was ever said can be found by a word in it."""
import argparse
import json
import time

import redis
from memd_archive import expire_now, fresh, rules, search, settle, to_json

KEEP = 20


class Sessions:
    def __init__(self, client, prefix="chat:", ttl_s=3600):
        self.r, self.prefix = client, prefix
        # Rules instead of LTRIM and EXPIRE with every message.
        rules(client, prefix + "*", "ttl", ttl_s, "sliding", "yes", "maxlen", KEEP, "archive", "expire,evict,trim", "recall", "read")

    def add(self, session, role, content):
        return self.r.rpush(self.prefix + session, to_json({"role": role, "content": content}))

    def history(self, session, n=KEEP):
        """The last messages, also of a session that has expired meanwhile."""
        return [json.loads(m) for m in self.r.lrange(self.prefix + session, -n, -1)]

    def find(self, words, n=10):
        """Messages with these words, of any session, in memory or not."""
        return search(self.r, words, "MATCH", self.prefix + "*", "LIMIT", 0, n)

    def forget(self, session):
        """Delete for good: from memory, and every version in the archive."""
        self.r.delete(self.prefix + session)
        return self.r.execute_command("ARCHIVE.DROP", self.prefix + session)


class Limiter:
    """So many calls in a window, for each user."""

    def __init__(self, client, calls, window_s):
        self.r, self.calls, self.window_s = client, calls, window_s

    def allow(self, user):
        key = "rate:%s:%d" % (user, time.time() // self.window_s)
        p = self.r.pipeline()
        p.incr(key)
        p.expire(key, self.window_s, nx=True)
        return p.execute()[0] <= self.calls


class Cache:
    """Answers that need not be computed twice."""

    def __init__(self, client, prefix="cache:", ttl_s=600):
        self.r, self.prefix = client, prefix
        rules(client, prefix + "*", "ttl", ttl_s, "jitter", 10, "maxmemory", "64mb", "policy", "allkeys-lru")

    def get(self, name, make):
        got = self.r.get(self.prefix + name)
        if got is None:
            got = make().encode()
            self.r.set(self.prefix + name, got)
        return got.decode()

    def delete_pattern(self, pattern):
        """Remove what matches, without stopping anybody else."""
        n = 0
        batch = []
        for key in self.r.scan_iter(self.prefix + pattern, count=500):
            batch.append(key)
            if len(batch) == 500:
                n += self.r.unlink(*batch)
                batch = []
        return n + (self.r.unlink(*batch) if batch else 0)


def demo(r):
    fresh(r, "chat:*", "rate:ada:*", "cache:weather:*")
    s = Sessions(r)
    for i in range(KEEP + 5):
        s.add("42", "user" if i % 2 == 0 else "assistant", "message %d about the zeppelin timetable" % i)
    assert len(s.history("42")) == KEEP, "memory holds the newest"
    assert s.history("42")[0]["content"].startswith("message 5 ")

    expire_now(r, "chat:42")  # as if its hour had passed
    settle(r)
    back = s.history("42")  # a plain LRANGE
    assert len(back) == KEEP and back[-1]["content"].startswith("message 24 "), "it came back as it was"

    found = s.find("zeppelin", n=50)
    assert len(found) == KEEP + 5, "also what was trimmed away: %d" % len(found)
    assert s.find('"message 3 about"')[0]["role"] == "assistant"

    limit = Limiter(r, calls=3, window_s=3600)
    assert [limit.allow("ada") for _ in range(5)] == [True, True, True, False, False]

    c = Cache(r)
    made = []
    for _ in range(2):
        assert c.get("weather:paris", lambda: made.append(1) or "rain") == "rain"
    assert len(made) == 1 and 0 < r.ttl("cache:weather:paris") <= 600
    assert c.delete_pattern("weather:*") == 1

    assert s.forget("42") >= 2 and s.history("42") == [] and s.find("zeppelin") == []
    print("sessions: kept, trimmed, expired, recalled, searched and forgotten")


def client():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--host", default="127.0.0.1")
    a.add_argument("--port", type=int, default=6379)
    a.add_argument("--password")
    return redis.Redis(**vars(a.parse_args()))


if __name__ == "__main__":
    demo(client())
