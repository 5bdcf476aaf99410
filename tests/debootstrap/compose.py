#!/usr/bin/env python3
"""Prove docker-compose.yml with a docker daemon: memd and the example service.

    tests/debootstrap/compose.py [--base DIR]

Needs a daemon that may be spoken to and `docker compose`; says so where there is none. Where no registry can be reached
the image of Debian is made of the base system of prove.py (--base), as root. The ports of the file must be free. Containers,
networks and volumes are those of a project of its own, and go in the end; images stay."""
import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request

import prove
from prove import OK, ROOT, say, srv

ENV = dict(os.environ, COMPOSE_PROJECT_NAME="memd-proof", REDIS_PASSWORD="proof", METRICS_PASSWORD="metrics", GRAFANA_PASSWORD="x")
IMAGE = "debian:12-slim"
MEMD = "memd-proof-memd-1"


def docker(*argv, check=True, **kw):
    got = subprocess.run(["docker", *argv], capture_output=True, text=True, **kw)
    if check and got.returncode != 0:
        raise AssertionError("docker %s: %s%s" % (" ".join(argv), got.stdout[-3000:], got.stderr[-3000:]))
    return got


def compose(tree, *argv, **kw):
    return docker("compose", *argv, cwd=tree, env=ENV, **kw)


def inspect(name, what):
    return docker("inspect", "--format", "{{json %s}}" % what, name).stdout.strip()


def have_image(base):
    if docker("image", "inspect", IMAGE, check=False).returncode == 0 or docker("pull", IMAGE, check=False).returncode == 0:
        return
    say("no registry: %s is made by debootstrap" % IMAGE)
    prove.make_base(base)
    subprocess.run("tar -C %s/root -c . | docker import - %s" % (base, IMAGE), shell=True, check=True, stdout=subprocess.DEVNULL)


def conn():
    c = srv.Conn(socket.create_connection(("127.0.0.1", 6379)))
    c("AUTH", "proof")
    return c


def ask(method, path, value):
    q = urllib.request.Request("http://127.0.0.1:8000" + path, data=json.dumps(value).encode(), method=method)
    return json.loads(urllib.request.urlopen(q, timeout=20).read())


def prove_limits():
    host = json.loads(inspect(MEMD, ".HostConfig"))
    assert host["Memory"] == host["MemorySwap"] == 1536 << 20 and host["NanoCpus"] == 2 * 10 ** 9 and host["PidsLimit"] == 64
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["SecurityOpt"] == ["no-new-privileges:true"]
    status = docker("exec", MEMD, "cat", "/proc/1/status").stdout
    assert "Uid:\t6379" in status and "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
    assert docker("exec", MEMD, "touch", "/x", check=False).returncode != 0


def prove_service():
    assert ask("PUT", "/documents/orrery", {"text": "The orrery has twelve gears."}) == {"passages": 1}
    assert ask("POST", "/chat/demo", {"content": "How many gears?"}) == {"answer": "The orrery has twelve gears.", "sources": ["orrery"]}


def prove_data(tree):
    assert conn()("SET", "k", "v") == OK
    compose(tree, "restart", "memd")
    srv.wait_for(lambda: inspect(MEMD, ".State.Health.Status") == '"healthy"', "not healthy", 90)
    assert conn()("GET", "k") == b"v"
    compose(tree, "down")
    compose(tree, "up", "--wait", "--detach")
    assert conn()("GET", "k") == b"v" and conn()("LLEN", "rag:chat:demo") == 2
    started = inspect(MEMD, ".State.StartedAt")
    os.kill(int(inspect(MEMD, ".State.Pid")), 9)
    srv.wait_for(lambda: inspect(MEMD, ".State.StartedAt") != started and inspect(MEMD, ".State.Health.Status") == '"healthy"', "", 90)
    assert conn()("GET", "k") == b"v"


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--base", default="/var/tmp/memd-debootstrap/base")
    o = a.parse_args()
    for argv in (["info"], ["compose", "version"]):
        if docker(*argv, check=False).returncode != 0:
            say("docker %s says no: nothing is proved" % argv[0])
            return
    with tempfile.TemporaryDirectory(prefix="memd-compose-") as tree:
        subprocess.run("git -C '%s' archive HEAD | tar x -C '%s'" % (ROOT, tree), shell=True, check=True)
        have_image(o.base)
        try:
            say("without a password it is not started")
            lacking = {k: v for k, v in ENV.items() if k != "REDIS_PASSWORD"}
            assert "choose a password" in docker("compose", "config", cwd=tree, env=lacking, check=False).stderr
            say("docker compose up --build")
            compose(tree, "build")
            compose(tree, "up", "--wait", "--detach")
            say("limits, user, capabilities")
            prove_limits()
            say("the example service")
            prove_service()
            say("restart, down and up, kill -9: the data is there")
            prove_data(tree)
            compose(tree, "stop", "memd")
            assert inspect(MEMD, ".State.ExitCode") == "0"
        finally:
            compose(tree, "down", "--volumes", check=False)
    say("proved")


if __name__ == "__main__":
    sys.exit(main())
