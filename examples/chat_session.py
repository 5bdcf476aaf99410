#!/usr/bin/env python3
"""A chat session kept in memd through redis-py.

    examples/chat_session.py [--host H] [--port P] [--password X] [--session NAME]

The pattern of most chat services: the messages of a session are a list that keeps the last 20, the
facts about it are a hash, both live for an hour after the last word, and a set knows which sessions a
user has. Any Redis client in any language does the same; only the port is memd's."""
import argparse
import json
import os
import time

import redis

KEEP = 20
TTL_S = 3600


class Sessions:
    def __init__(self, client, prefix="chat:"):
        self.r, self.prefix = client, prefix

    def add(self, session, role, text):
        """Append a message; the session then lives for another hour. One round trip."""
        key = self.prefix + session
        message = json.dumps({"role": role, "content": text, "at": int(time.time() * 1000)})
        p = self.r.pipeline(transaction=False)
        p.rpush(key, message)
        p.ltrim(key, -KEEP, -1)
        p.expire(key, TTL_S)
        p.hincrby(key + ":meta", "turns", 1)
        p.hset(key + ":meta", mapping={"last_role": role, "last_at": int(time.time())})
        p.expire(key + ":meta", TTL_S)
        p.lrange(key, 0, -1)
        return [json.loads(m) for m in p.execute()[-1]]

    def context(self, session, n=KEEP):
        """The last n messages, oldest first: what goes into the prompt."""
        return [json.loads(m) for m in self.r.lrange(self.prefix + session, -n, -1)]

    def start(self, session, user, model):
        with self.r.pipeline(transaction=True) as p:
            p.hset(self.prefix + session + ":meta", mapping={"user": user, "model": model, "turns": 0})
            p.expire(self.prefix + session + ":meta", TTL_S)
            p.sadd("user:%s:sessions" % user, session)
            p.execute()

    def about(self, session):
        return {k.decode(): v.decode() for k, v in self.r.hgetall(self.prefix + session + ":meta").items()}

    def of_user(self, user):
        return sorted(s.decode() for s in self.r.smembers("user:%s:sessions" % user))

    def end(self, session):
        user = self.about(session).get("user")
        self.r.unlink(self.prefix + session, self.prefix + session + ":meta")
        if user:
            self.r.srem("user:%s:sessions" % user, session)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--host", default=os.environ.get("MEMD_HOST", "127.0.0.1"))
    a.add_argument("--port", type=int, default=int(os.environ.get("MEMD_PORT", "6379")))
    a.add_argument("--password", default=os.environ.get("REDIS_PASSWORD") or None)
    a.add_argument("--session", default="demo")
    o = a.parse_args()
    sessions = Sessions(redis.Redis(host=o.host, port=o.port, password=o.password))

    sessions.end(o.session)
    sessions.start(o.session, user="ada", model="some-model")
    for turn in range(15):
        sessions.add(o.session, "user", "question %d" % turn)
        history = sessions.add(o.session, "assistant", "answer %d" % turn)

    print("%d messages kept, the oldest: %s" % (len(history), history[0]["content"]))
    print("the prompt would end with:", [m["content"] for m in sessions.context(o.session, 3)])
    about = sessions.about(o.session)
    print("turns: %s, last word by: %s, model: %s" % (about["turns"], about["last_role"], about["model"]))
    print("sessions of ada:", sessions.of_user("ada"))
    print("seconds to live:", sessions.r.ttl("chat:" + o.session))


if __name__ == "__main__":
    main()
