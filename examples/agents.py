#!/usr/bin/env python3
"""Agents: contexts, events, a lock, and runs of flows whose every state can be looked up later.

    examples/agents.py [--host H] [--port P] [--password X]

With plain Redis a value that is written over is gone, and a run's history needs a second database. Here the rule
`archive overwrite` keeps every version of what a run has written, and ARCHIVE.SQL asks for them in SQL."""
import json
import time
import uuid

from memd_archive import fresh, rules, settle, sql, to_json, versions
from sessions import client

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Lock:
    """One holder at a time; given back by its holder alone, or after its time."""

    def __init__(self, r, name, ttl_ms=10000):
        self.r, self.key, self.ttl_ms, self.token = r, "lock:" + name, ttl_ms, uuid.uuid4().hex
        self.release_script = r.register_script(RELEASE)

    def acquire(self):
        return bool(self.r.set(self.key, self.token, nx=True, px=self.ttl_ms))

    def release(self):
        return self.release_script(keys=[self.key], args=[self.token]) == 1


class Agent:
    def __init__(self, r, name):
        self.r, self.name = r, name
        rules(r, "context:*", "ttl", 86400, "sliding", "yes", "archive", "expire,evict", "recall", "read")
        rules(r, "events:*", "maxlen", 1000, "archive", "expire,evict,trim")
        rules(r, "flow:*", "archive", "expire,evict,delete,overwrite")
        rules(r, "task:*", "archive", "expire,evict,delete,overwrite")

    # what the agent knows

    def remember(self, **facts):
        self.r.hset("context:" + self.name, mapping={k: to_json(v) for k, v in facts.items()})

    def context(self):
        return {k.decode(): json.loads(v) for k, v in self.r.hgetall("context:" + self.name).items()}

    # what has happened

    def event(self, kind, **data):
        return self.r.xadd("events:" + self.name, {"kind": kind, "data": to_json(data)}).decode()

    def events(self, after="-", n=100):
        return [(i.decode(), e[b"kind"].decode(), json.loads(e[b"data"]))
                for i, e in self.r.xrange("events:" + self.name, min=after, count=n)]

    # runs of flows, and what their tasks gave

    def run(self, flow, run, status, **state):
        self.r.set("flow:%s:%s" % (flow, run), to_json({"flow": flow, "run": run, "status": status, "at": time.time(), **state}))

    def task_output(self, run, task, output):
        self.r.set("task:%s:%s" % (run, task), to_json({"run": run, "task": task, "output": output}))

    def run_history(self, flow, run):
        """Every state that the run has been in, the oldest first: those in the archive, then the present one."""
        key = "flow:%s:%s" % (flow, run)
        past = [json.loads(self.r.execute_command("ARCHIVE.GET", key, "VERSION", v["version"]))
                for v in reversed(versions(self.r, key))]
        now = self.r.get(key)
        return past + ([json.loads(now)] if now else [])


def demo(r):
    fresh(r, "context:planner", "events:planner", "flow:travel:*", "task:run-7:*")
    a = Agent(r, "planner")
    a.remember(goal="book a flight", budget=300, cities=["Rome", "Oslo"])
    assert a.context()["cities"] == ["Rome", "Oslo"]
    first = a.event("started", by="ada")
    a.event("tool", name="search_flights")
    assert [k for _, k, _ in a.events(after=first)] == ["started", "tool"]

    mine, other = Lock(r, "planner"), Lock(r, "planner")
    assert mine.acquire() and not other.acquire()
    assert not other.release(), "not its holder"
    assert mine.release() and other.acquire() and other.release()

    for status in ("scheduled", "running", "retrying", "done"):
        a.run("travel", "run-7", status)
    a.task_output("run-7", "search", {"flights": 12})
    a.task_output("run-7", "search", {"flights": 14})
    settle(r)
    assert [s["status"] for s in a.run_history("travel", "run-7")] == ["scheduled", "running", "retrying", "done"]
    kept = sql(r, "SELECT key, count(*) AS n FROM entries WHERE reason = 'overwrite' AND (key GLOB 'flow:*' OR key GLOB 'task:*')"
                  " GROUP BY key ORDER BY key")
    assert kept == [{"key": "flow:travel:run-7", "n": 3}, {"key": "task:run-7:search", "n": 1}], kept
    late = sql(r, "SELECT m.content ->> 'status' AS status FROM messages m JOIN entries e ON e.id = m.entry"
                  " WHERE e.key = ? AND json_valid(m.content) ORDER BY e.version DESC LIMIT 1", "flow:travel:run-7")
    assert late == [{"status": "retrying"}], late
    print("agents: contexts, events, locks; runs looked up in SQL")


if __name__ == "__main__":
    demo(client())
