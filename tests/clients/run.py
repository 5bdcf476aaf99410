#!/usr/bin/env python3
"""Programs with the client libraries that people use, each against a daemon of its own.

    run.py [NAME ...] [--server PATH]     all of them, or those named

A program gets the port as its argument and does the usual jobs: connect with defaults, pipeline,
transaction, blocking pop, pub/sub, stream group, script, lock, RESP3, reconnect after a restart. It says
"ok WHAT" for each, and "restart" when it wants the daemon restarted (it is answered by a line). Libraries
come from their language's registry; where that, or the language itself, is out of reach the program is
skipped, and the end says which and why. Servers and builds live in a temporary directory or in
build/clients; nothing of the tree is written."""
import argparse
import os
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

import server as srv  # noqa: E402

BUILD = os.path.join(ROOT, "build", "clients")
JOBS = ["connect", "pipeline", "transaction", "blocking pop", "pubsub", "stream group", "script", "lock", "resp3",
        "reconnect"]
PATIENCE = 300


class Skip(Exception):
    """The program cannot be had here."""


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Skip("there is no %s here" % name)
    return path


class Broken(Exception):
    """What was fetched does not build: that is a failure, not a skip."""


def fetched(command, cwd, env=None):
    """A failure means that the registry cannot be reached."""
    made(command, cwd, env, Skip)


def made(command, cwd, env=None, on_failure=Broken):
    p = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
                       env=dict(os.environ, **(env or {})))
    if p.returncode != 0:
        tail = " ".join(p.stdout.strip().split("\n")[-3:])
        raise on_failure("%s failed: %.600s" % (" ".join(command[:3]), tail))


def copied(name):
    """A copy of a program's folder to build in; what was fetched before is kept."""
    to = os.path.join(BUILD, name)
    shutil.copytree(os.path.join(HERE, name), to, dirs_exist_ok=True)
    return to


def hiredis():
    os.makedirs(BUILD, exist_ok=True)
    out = os.path.join(BUILD, "everything-hiredis")
    made([tool("gcc"), "-std=c11", "-O1", "-Wall", "-Wextra", "-o", out, os.path.join(HERE, "everything.c"), "-lhiredis", "-lpthread"],
         HERE)
    return [out]


def debian_redis_py():
    python = "/usr/bin/python3"
    fetched([python, "-c", "import redis"], HERE)
    return [python, os.path.join(HERE, "python", "everything.py")]


def newest_redis_py():
    env = os.path.join(BUILD, "venv")
    if not os.path.exists(os.path.join(env, "bin", "python")):
        made([sys.executable, "-m", "venv", env], HERE)
    fetched([os.path.join(env, "bin", "pip"), "install", "-q", "--upgrade", "redis"], HERE)
    return [os.path.join(env, "bin", "python"), os.path.join(HERE, "python", "everything.py")]


def node(script, name="node"):
    def get():
        node_path = tool("node")
        copied("node")
        folder = copied(name)
        fetched([tool("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"], folder)
        return [node_path, os.path.join(folder, script)]
    return get


def framework(script, packages, python=None):
    """A program in frameworks/ with an environment of its own: frameworks disagree about what they need. python: the version that it
    wants, where it is not any."""
    def get():
        env = os.path.join(BUILD, "venv-" + script.partition("_")[0])
        if not os.path.exists(os.path.join(env, "bin", "python")):
            made([tool(python) if python else sys.executable, "-m", "venv", env], HERE, on_failure=Skip)
        fetched([os.path.join(env, "bin", "pip"), "install", "-q", *packages], HERE)
        return [os.path.join(env, "bin", "python"), os.path.join(HERE, "frameworks", script)]
    return get


def go_redis():
    go = tool("go")
    folder = copied("go")
    env = {"GOFLAGS": "-mod=mod"}
    fetched([go, "mod", "tidy"], folder, env)
    made([go, "build", "-o", "everything", "."], folder, env)
    return [os.path.join(folder, "everything")]


def redis_rs():
    cargo = tool("cargo")
    folder = copied("rust")
    fetched([cargo, "fetch", "--quiet"], folder)
    made([cargo, "build", "--quiet", "--offline"], folder)
    return [os.path.join(folder, "target", "debug", "everything")]


def jedis():
    java, mvn = tool("java"), tool("mvn")
    folder = copied("java")
    fetched([mvn, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=target/lib"], folder)
    made(["javac", "-cp", "target/lib/*", "-d", "target", "Everything.java"], folder)
    return [java, "-cp", "%s/target:%s/target/lib/*" % (folder, folder), "Everything"]


PROGRAMS = {
    "hiredis": hiredis,
    "redis-py-debian": debian_redis_py,
    "redis-py-newest": newest_redis_py,
    "node-redis": node("noderedis.mjs"),
    "ioredis": node("ioredis.mjs"),
    "bullmq": node("bullmq.mjs"),
    "go-redis": go_redis,
    "redis-rs": redis_rs,
    "jedis": jedis,
    "redisvl": framework("redisvl_jobs.py", ["redisvl"]),
    "langchain": framework("langchain_jobs.py", ["langchain-redis", "redis<8"]),
    "langgraph": framework("langgraph_jobs.py", ["langgraph", "langgraph-checkpoint-redis"]),
    "mem0": framework("mem0_jobs.py", ["mem0ai", "redisvl<0.6"]),
    "llama-index": framework("llamaindex_jobs.py", [
        "llama-index-core", "llama-index-vector-stores-redis", "llama-index-storage-docstore-redis", "llama-index-storage-index-store-redis",
        "llama-index-storage-kvstore-redis", "llama-index-storage-chat-store-redis"]),
    "agent-memory-server": framework("agentmemory_jobs.py", ["agent-memory-server<0.15", "httpx", "mcp<2"], "python3.12"),
    "spring-ai": framework("spring_jobs.py", ["redis", "numpy"]),
    "langchain-js": node("langchain.mjs", "frameworks"),
    "langgraph-js": node("langgraph.mjs", "frameworks"),
}
# Programs that have jobs of their own: a queue in streams, sorted sets and scripts; frameworks over documents, search and vectors.
OWN_JOBS = {
    "bullmq": ["queue", "delayed", "repeat", "flow", "restart"],
    "redisvl": ["queries", "caches", "histories", "router", "restart"],
    "langchain": ["vector store", "chat history", "caches", "restart"],
    "langgraph": ["checkpoints", "shallow checkpoints", "store", "namespaces", "restart"],
    "mem0": ["store", "memory", "restart"],
    "llama-index": ["vector store", "chat store", "key store", "restart"],
    "agent-memory-server": ["working memory", "long-term memory", "restart"],
    "spring-ai": ["vectors in JSON", "delete and put back", "restart"],
    "langchain-js": ["vector stores", "history and cache", "restart"],
    "langgraph-js": ["checkpoints", "shallow checkpoints", "store", "restart"],
}


def run(name, command, binary):
    """The jobs that the program says it did, and what went wrong ("" if nothing)."""
    server = srv.Server(binary=binary, port=srv.free_port(), appendonly="yes")
    done = []
    p = subprocess.Popen(command + [str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    timer = threading.Timer(PATIENCE, p.kill)
    timer.start()
    errors = []
    reader = threading.Thread(target=lambda: errors.extend(p.stderr.read().split("\n")))
    reader.start()
    try:
        for line in p.stdout:
            line = line.strip()
            if line == "restart":
                server.restart()
                p.stdin.write("restarted\n")
                p.stdin.flush()
            elif line.startswith("ok "):
                done.append(line[3:])
        code = p.wait()
        reader.join()
    finally:
        timer.cancel()
        server.destroy()
    if code != 0:
        return done, "exit %d after %s: %s" % (code, done, " ".join(errors)[-600:])
    missing = [j for j in OWN_JOBS.get(name, JOBS) if j not in done]
    return done, "not done: %s" % missing if missing else ""


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    args.add_argument("--server", help="another server program")
    o = args.parse_args()
    failed, skipped = [], []
    for name in o.names or PROGRAMS:
        try:
            command = PROGRAMS[name]()
        except (Skip, subprocess.TimeoutExpired) as e:
            skipped.append(name)
            print("SKIPPED %-16s %s" % (name, e), flush=True)
            continue
        except Broken as e:
            failed.append(name)
            print("FAILED  %-16s %s" % (name, e), flush=True)
            continue
        done, wrong = run(name, command, o.server)
        print("%-7s %-16s %s" % ("FAILED" if wrong else "ok", name, wrong or ", ".join(done)), flush=True)
        if wrong:
            failed.append(name)
    n = len(o.names or PROGRAMS)
    if skipped:
        print("Not tried: %s" % ", ".join(skipped))
    print("%d passed, %d failed, %d skipped" % (n - len(failed) - len(skipped), len(failed), len(skipped)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
