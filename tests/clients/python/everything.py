"""The usual jobs through redis-py, whichever version is at hand."""
import sys
import threading

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

PORT = int(sys.argv[1])


def client(**kw):
    return redis.Redis(port=PORT, decode_responses=True, **kw)


def ok(what):
    print("ok " + what, flush=True)


def main():
    r = client()
    assert r.ping() and r.set("a", "1", ex=100) and r.get("a") == "1" and 0 < r.ttl("a") <= 100
    assert r.info("server")["redis_mode"] == "standalone"
    ok("connect")

    p = r.pipeline(transaction=False)
    for i in range(1000):
        p.set("p:%d" % i, i)
        p.incr("p:%d" % i)
    assert p.execute()[1::2] == list(range(1, 1001))
    assert sorted(r.scan_iter("p:*", count=100)) == sorted("p:%d" % i for i in range(1000))
    ok("pipeline")

    def add_one(pipe):
        n = int(pipe.get("n") or 0)
        pipe.multi()
        pipe.set("n", n + 1)

    threads = [threading.Thread(target=lambda: [client().transaction(add_one, "n") for _ in range(20)]) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert r.get("n") == "80"
    ok("transaction")

    got = []
    t = threading.Thread(target=lambda: got.append(client().blpop(["q", "q2"], timeout=20)))
    t.start()
    while r.info("clients")["blocked_clients"] == 0:
        pass
    r.rpush("q2", "job")
    t.join()
    assert got == [("q2", "job")] and r.blpop("q", timeout=0.01) is None
    r.zadd("z", {"a": 1.5, "b": 2})
    assert r.bzpopmin("z", timeout=1) == ("z", "a", 1.5) and r.zrange("z", 0, -1, withscores=True) == [("b", 2.0)]
    ok("blocking pop")

    ps = r.pubsub()
    ps.subscribe("news")
    ps.psubscribe("n*")
    assert ps.get_message(timeout=5)["type"] == "subscribe" and ps.get_message(timeout=5)["type"] == "psubscribe"
    assert r.publish("news", "hello") == 2
    assert {ps.get_message(timeout=5)["type"] for _ in range(2)} == {"message", "pmessage"}
    ps.close()
    ok("pubsub")

    first = r.xadd("events", {"kind": "login", "user": "ada"})
    r.xgroup_create("events", "workers", id="0")
    ((name, entries),) = r.xreadgroup("workers", "w1", {"events": ">"}, count=10)
    assert name == "events" and entries == [(first, {"kind": "login", "user": "ada"})]
    assert r.xpending("events", "workers")["pending"] == 1
    assert r.xautoclaim("events", "workers", "w2", min_idle_time=0)[1] == entries
    assert r.xack("events", "workers", first) == 1 and r.xpending("events", "workers")["pending"] == 0
    assert r.xinfo_groups("events")[0]["name"] == "workers" and r.xinfo_stream("events")["length"] == 1
    ok("stream group")

    limit = r.register_script("""local n = redis.call('INCR', KEYS[1])
        if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
        return {n, redis.call('PTTL', KEYS[1])}""")
    assert [limit(keys=["rate"], args=[60000])[0] for _ in range(3)] == [1, 2, 3] and r.pttl("rate") > 0
    ok("script")

    with r.lock("lock", timeout=10) as held:
        assert held.owned() and not client().lock("lock", timeout=10).acquire(blocking=False)
        held.extend(10)
    assert r.get("lock") is None
    ok("lock")

    three = client(protocol=3) if int(redis.__version__.split(".")[0]) >= 5 else None
    if three:
        three.hset("h", mapping={"f": "v"})
        assert three.hgetall("h") == {"f": "v"} and three.execute_command("CLIENT", "INFO") and three.zscore("z", "b") == 2.0
        three.sadd("s", "x", "y")
        assert set(three.smembers("s")) == {"x", "y"}
    ok("resp3")

    again = client(retry=Retry(ConstantBackoff(0.05), 100), retry_on_error=[redis.ConnectionError, redis.BusyLoadingError])
    again.set("b", "2")
    print("restart", flush=True)
    sys.stdin.readline()
    assert again.set("c", "3") and again.get("c") == "3"
    ok("reconnect")


main()
