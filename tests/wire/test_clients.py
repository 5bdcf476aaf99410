"""Stock clients do the session job: redis-py, a hiredis program, redis-cli."""
import importlib.util
import os
import shutil
import subprocess
import sys
import threading

import pytest
import redis

import server as srv


def test_the_example_runs(server):
    p = subprocess.run([sys.executable, os.path.join(srv.ROOT, "examples/chat_session.py"), "--port", str(server.port)],
                       capture_output=True, text=True, timeout=srv.PATIENCE)
    assert p.returncode == 0, p.stderr
    assert "20 messages kept, the oldest: question 5" in p.stdout
    assert "turns: 30, last word by: assistant" in p.stdout


def sessions_of(server):
    spec = importlib.util.spec_from_file_location("chat_session", os.path.join(srv.ROOT, "examples/chat_session.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Sessions(server.client())


def test_sessions_survive_a_crash(start):
    s = start(appendonly="yes", appendfsync="always")
    sessions = sessions_of(s)
    sessions.start("one", "ada", "m")
    for i in range(30):
        sessions.add("one", "user", "text %d" % i)
    before = sessions.context("one")
    s.restart(kill=True)
    sessions = sessions_of(s)
    assert sessions.context("one") == before and len(before) == 20
    assert sessions.about("one")["turns"] == "30" and sessions.of_user("ada") == ["one"]
    assert 3500 < sessions.r.ttl("chat:one") <= 3600


def test_a_hiredis_program_keeps_a_session(server, tmp_path):
    program = tmp_path / "session"
    source = os.path.join(srv.ROOT, "tests/clients/session.c")
    build = subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-O1", "-o", str(program), source, "-lhiredis"],
                           capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    p = subprocess.run([str(program), str(server.port)], capture_output=True, text=True, timeout=srv.PATIENCE)
    assert (p.returncode, p.stdout) == (0, "ok\n"), p.stderr


@pytest.fixture
def cli(server):
    if not shutil.which("redis-cli"):
        pytest.skip("no redis-cli here")

    def cli(*args, stdin=None):
        return subprocess.run(["redis-cli", "-p", str(server.port), *args], input=stdin, capture_output=True, text=True,
                              timeout=srv.PATIENCE).stdout
    return cli


def test_redis_cli_keeps_a_session(cli):
    assert cli("ping") == "PONG\n"
    assert cli("RPUSH", "s", '{"role":"user","content":"hi"}') == "1\n"
    assert cli("LTRIM", "s", "-20", "-1") == "OK\n"
    assert cli("EXPIRE", "s", "3600") == "1\n"
    assert cli("LRANGE", "s", "0", "-1") == '{"role":"user","content":"hi"}\n'
    assert "redis_version" in cli("INFO", "server")
    assert cli("--pipe", stdin="SET a 1\r\nSET b 2\r\n").count("replies: 2") == 1
    assert cli("GET", "b") == "2\n"
    assert sorted(cli("--scan", "--pattern", "?").split()) == ["a", "b", "s"]
    assert "Biggest list" in cli("--bigkeys")
    assert "Biggest" in cli("--memkeys")


def test_redis_benchmark_runs(server):
    if not shutil.which("redis-benchmark"):
        pytest.skip("no redis-benchmark here")
    p = subprocess.run(["redis-benchmark", "-p", str(server.port), "-n", "2000", "-P", "16", "-q", "-r", "1000", "-t",
                        "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,lrange,mset"],
                       capture_output=True, text=True, timeout=120)
    assert p.returncode == 0 and "MSET" in p.stdout and "rror" not in p.stdout, p.stdout + p.stderr


def test_redis_py_speaks_to_all_of_it(r):
    assert r.ping() and r.set("k", "v", ex=100, nx=True) and r.get("k") == b"v"
    assert r.set("k", "w", get=True) == b"v"
    assert r.mset({"a": 1, "b": 2}) and r.mget("a", "b", "c") == [b"1", b"2", None]
    assert r.incrby("n", 5) == 5 and r.incrbyfloat("n", 0.5) == 5.5
    assert r.rpush("l", 1, 2, 3) == 3 and r.lpop("l", 2) == [b"1", b"2"] and r.lpos("l", 3) == 0
    assert r.blpop("l", 1) == (b"l", b"3") and r.blpop("l", 0.01) is None
    assert r.hset("h", mapping={"f": 1, "g": 2}) == 2 and r.hgetall("h") == {b"f": b"1", b"g": b"2"}
    assert dict(r.hscan_iter("h")) == {b"f": b"1", b"g": b"2"}
    assert r.sadd("s", 1, 2) == 2 and r.smembers("s") == {b"1", b"2"} and r.sintercard(1, ["s"]) == 2
    assert set(r.scan_iter()) == {b"k", b"a", b"b", b"n", b"h", b"s"}
    assert r.expire("k", 10, gt=True) is False or r.ttl("k") > 0
    assert r.object("encoding", "n") == b"embstr"
    assert r.config_get("maxmemory") == {"maxmemory": "0"} and r.config_set("timeout", 0)
    assert r.info()["redis_version"] and r.info("keyspace")["db0"]["keys"] == 6
    assert r.client_list()[0]["addr"] and r.client_id() > 0 and r.client_setname("x") and r.client_getname() in ("x", b"x")
    assert r.slowlog_get() is not None and r.memory_usage("k") > 0 and r.time()[0] > 0
    assert r.command_count() > 100 and r.lastsave() and r.dbsize() == 6
    assert r.echo("hi") == b"hi" and r.type("l") == b"none" and r.rename("a", "z") and r.copy("z", "y")
    assert r.dbsize() == 7


def test_redis_py_transactions(r):
    r.set("balance", 100)

    def move(pipe):
        have = int(pipe.get("balance"))
        pipe.multi()
        pipe.set("balance", have - 30)
        pipe.rpush("moves", 30)

    assert r.transaction(move, "balance") == [True, 1]
    with r.pipeline() as p:
        p.watch("balance")
        r.set("balance", 1)
        p.multi()
        p.get("balance")
        with pytest.raises(redis.WatchError):
            p.execute()


def test_redis_py_locks_and_queues(server):
    """A lock by SET NX PX, and a queue with workers: the other daily jobs of an agent service."""
    r = server.client()
    assert r.set("lock", "token", nx=True, px=10000) and not r.set("lock", "other", nx=True, px=10000)
    done = []

    def worker():
        w = server.client()
        while True:
            _, job = w.blpop("jobs")
            if job == b"stop":
                return
            done.append(int(job))

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for t in threads:
        t.start()
    r.rpush("jobs", *range(200))
    for _ in threads:
        r.rpush("jobs", "stop")
    for t in threads:
        t.join(srv.PATIENCE)
    assert sorted(done) == list(range(200))


def test_redis_py_pubsub(r):
    p = r.pubsub()
    p.subscribe("news")
    p.psubscribe("n*")
    assert p.get_message(timeout=srv.PATIENCE)["type"] == "subscribe"
    assert p.get_message(timeout=srv.PATIENCE)["type"] == "psubscribe"
    assert r.publish("news", "hello") == 2
    got = [p.get_message(timeout=srv.PATIENCE) for _ in range(2)]
    assert sorted(m["type"] for m in got) == ["message", "pmessage"] and got[0]["data"] == b"hello"
    p.close()
