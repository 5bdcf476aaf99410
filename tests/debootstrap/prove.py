#!/usr/bin/env python3
"""Prove the README's two commands and the Dockerfile in a clean Debian 12.

    tests/debootstrap/prove.py [--only readme|docker] [--tests WORD] [--base DIR]

Needs root, debootstrap and Debian's archive. A minimal system is made once (--base, kept for the next
run); each proof works on a copy of it, with the tree as `git archive` gives it.

readme: ./memd-up, the example, kill -9, ./memd-up again, ./memd-test.
docker: the instructions of the Dockerfile are carried out one by one in chroots: RUN, COPY, ENV, USER
        and WORKDIR as they stand; then ENTRYPOINT runs as its USER, and HEALTHCHECK is asked."""
import argparse
import glob
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "../lib"))

import server as srv  # noqa: E402

SUITE, ARCHIVE = "bookworm", "http://deb.debian.org/debian"


def say(text):
    print("== " + text, flush=True)


def make_base(base):
    if os.path.exists(os.path.join(base, "done")):
        return
    say("debootstrap %s" % SUITE)
    shutil.rmtree(base, ignore_errors=True)
    subprocess.run(["debootstrap", "--variant=minbase", SUITE, os.path.join(base, "root"), ARCHIVE], check=True,
                   stdout=subprocess.DEVNULL)
    for name in glob.glob("/etc/apt/apt.conf.d/*"):
        with open(name) as f:
            if "Acquire::" in f.read():  # how this machine reaches the archive
                shutil.copy(name, os.path.join(base, "root", name[1:]))
    open(os.path.join(base, "done"), "w").close()


class Root:
    """A system of its own: a copy of the base, with proc and dev while it is in use."""

    def __init__(self, base):
        self.dir = tempfile.mkdtemp(prefix="memd-root-", dir=os.path.dirname(base))
        subprocess.run(["cp", "-a", os.path.join(base, "root") + "/.", self.dir], check=True)
        shutil.copy("/etc/resolv.conf", os.path.join(self.dir, "etc/resolv.conf"))
        for what, where in (("proc", "proc"), ("devtmpfs", "dev")):
            subprocess.run(["mount", "-t", what, what, os.path.join(self.dir, where)], check=True)
        self.env, self.workdir, self.user = {}, "/", None

    def argv(self, argv):
        out = ["chroot"]
        if self.user:
            out.append("--userspec=" + self.user)
        env = dict({"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}, **self.env)
        line = "cd %s && exec \"$@\"" % shlex.quote(self.workdir)
        return out + [self.dir, "env", "-i"] + ["%s=%s" % kv for kv in env.items()] + ["sh", "-c", line, "sh"] + argv

    def run(self, *argv, check=True, **kw):
        return subprocess.run(self.argv(list(argv)), check=check, **kw)

    def sh(self, text, **kw):
        return self.run("sh", "-c", text, **kw)

    def unpack_tree(self, where):
        path = os.path.join(self.dir, where.lstrip("/"))
        os.makedirs(path, exist_ok=True)
        subprocess.run("git -C %s archive HEAD | tar x -C %s" % (shlex.quote(ROOT), shlex.quote(path)), shell=True, check=True)

    def destroy(self):
        for where in ("proc", "dev"):
            subprocess.run(["umount", "-l", os.path.join(self.dir, where)])
        shutil.rmtree(self.dir, ignore_errors=True)


def prove_readme(base, tests):
    root = Root(base)
    try:
        root.unpack_tree("/memd")
        root.workdir = "/memd"
        port = srv.free_port()
        say("./memd-up")
        root.run("./memd-up", "--port", str(port), "--appendfsync", "always")
        with socket.create_connection(("127.0.0.1", port)) as s:
            c = srv.Conn(s)
            c("SET", "k", "v")
            pid = int(c.info("server")["process_id"])
        say("kill -9, ./memd-up again")
        os.kill(pid, signal.SIGKILL)
        srv.wait_for(lambda: not os.path.exists("/proc/%d" % pid))
        root.run("./memd-up", "--port", str(port), "--appendfsync", "always")
        with socket.create_connection(("127.0.0.1", port)) as s:
            c = srv.Conn(s)
            assert c("GET", "k") == b"v"
            pid = int(c.info("server")["process_id"])
        say("./memd-test")
        root.run("./memd-test", *(["T=" + tests] if tests else []))
        say("the example")
        root.run("python3", "examples/chat_session.py", "--port", str(port))
        os.kill(pid, signal.SIGTERM)
        srv.wait_for(lambda: not os.path.exists("/proc/%d" % pid))
        say("once more without network: nothing is installed")
        root.sh("mv /usr/bin/apt-get /usr/bin/apt-get.away; ./memd-up --port %d" % port)
        with socket.create_connection(("127.0.0.1", port)) as s:
            srv.Conn(s).send("SHUTDOWN")
    finally:
        root.destroy()


def instructions(path):
    """(INSTRUCTION, rest) of a Dockerfile, continued lines joined."""
    with open(path) as f:
        text = f.read().replace("\\\n", " ")
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


def copy(root, stages, context, rest):
    words = shlex.split(rest)
    source_root = context
    if words[0].startswith("--from="):
        source_root = stages[words.pop(0)[7:]].dir
    *sources, dest = words
    target = os.path.join(root.dir, os.path.join(root.workdir, dest).lstrip("/"))
    for source in sources:
        path = os.path.normpath(os.path.join(source_root, source.lstrip("/")))
        if os.path.isdir(path):
            os.makedirs(target, exist_ok=True)
            subprocess.run(["cp", "-a", path + "/.", target], check=True)
        else:
            os.makedirs(target if dest.endswith("/") else os.path.dirname(target), exist_ok=True)
            subprocess.run(["cp", "-a", path, target], check=True)


def build(base, dockerfile, context):
    """Carry a Dockerfile out. Returns all roots, the last stage's one, and what it would run."""
    stages, roots, final = {}, [], {}
    root = None
    for word, rest in instructions(dockerfile):
        say("%s %s" % (word, rest[:110]))
        if word == "FROM":
            image, *name = rest.split()
            assert image == "debian:12-slim", image
            root = Root(base)
            roots.append(root)
            if name:
                stages[name[1]] = root
            final = {}
        elif word == "RUN":
            root.sh(rest, stdout=subprocess.DEVNULL)
        elif word == "COPY":
            copy(root, stages, context, rest)
        elif word == "ENV":
            root.env.update(kv.split("=", 1) for kv in shlex.split(rest))
        elif word == "USER":
            root.user = rest
        elif word == "WORKDIR":
            root.workdir = rest
            os.makedirs(os.path.join(root.dir, rest.lstrip("/")), exist_ok=True)
        elif word == "HEALTHCHECK":
            final[word] = json.loads(rest[rest.index("CMD") + 3:])
        elif word in ("ENTRYPOINT", "CMD"):
            final[word] = json.loads(rest)
        else:
            assert word in ("EXPOSE", "VOLUME", "STOPSIGNAL"), word
    return roots, root, final


def prove_docker(base):
    context = tempfile.mkdtemp(prefix="memd-context-", dir=os.path.dirname(base))
    subprocess.run("git -C %s archive HEAD | tar x -C %s" % (shlex.quote(ROOT), shlex.quote(context)), shell=True, check=True)
    roots, app_roots = [], []
    service = app = None
    try:
        roots, root, final = build(base, os.path.join(context, "Dockerfile"), context)
        port, http = srv.free_port(), srv.free_port()
        root.env.update(MEMD_PORT=str(port), REDIS_PASSWORD="proof")

        def start():
            p = subprocess.Popen(root.argv(final["ENTRYPOINT"]))
            srv.wait_for(lambda: root.run(*final["HEALTHCHECK"], check=False, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL).returncode == 0, "not healthy", 60)
            return p

        say("ENTRYPOINT as %s; HEALTHCHECK" % root.user)
        service = start()
        with open("/proc/%d/status" % service.pid) as f:
            assert "Uid:\t6379" in f.read(), "it should run as its own user"
        outside = [a for a in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if ":" not in a]
        with socket.create_connection(((outside or ["127.0.0.1"])[0], port)) as s:
            c = srv.Conn(s)
            assert "NOAUTH" in c("GET", "k")
            c("AUTH", "proof")
            c("SET", "k", "v")
        say("the example service beside it")
        app_roots, app_root, app_final = build(base, os.path.join(context, "examples/Dockerfile"), os.path.join(context, "examples"))
        app_root.env.update(MEMD_HOST="127.0.0.1", MEMD_PORT=str(port), REDIS_PASSWORD="proof", PORT=str(http))
        app = subprocess.Popen(app_root.argv(app_final["CMD"]))

        def post():
            try:
                import urllib.request
                q = urllib.request.Request("http://127.0.0.1:%d/chat/demo" % http,
                                           data=b'{"role": "user", "content": "hello"}', method="POST")
                return json.loads(urllib.request.urlopen(q).read())
            except OSError:
                return None

        got = srv.wait_for(post)
        assert got[0]["content"] == "hello", got
        say("stop, start: the data is there")
        service.send_signal(signal.SIGTERM)
        assert service.wait(60) == 0
        service = start()
        with socket.create_connection(("127.0.0.1", port)) as s:
            c = srv.Conn(s)
            c("AUTH", "proof")
            assert c("GET", "k") == b"v" and c("LLEN", "chat:demo") >= 1
    finally:
        for p in (app, service):
            if p and p.poll() is None:
                p.kill()
                p.wait()
        time.sleep(0.2)
        for r in roots + app_roots:
            r.destroy()
        shutil.rmtree(context, ignore_errors=True)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--only", choices=["readme", "docker"])
    a.add_argument("--tests", default="", help="only the tests with this word in their name")
    a.add_argument("--base", default="/var/tmp/memd-debootstrap/base")
    o = a.parse_args()
    os.makedirs(o.base, exist_ok=True)
    make_base(o.base)
    if o.only != "docker":
        prove_readme(o.base, o.tests)
    if o.only != "readme":
        prove_docker(o.base)
    say("proved")


if __name__ == "__main__":
    main()
