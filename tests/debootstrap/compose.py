#!/usr/bin/env python3
"""Prove docker-compose.yml with a docker daemon: memd and the example service.

    tests/debootstrap/compose.py [--base DIR]

Needs a daemon that may be spoken to and `docker compose` or Debian's `docker-compose`; says so where there is none. Where no registry can be reached
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

from prove import OK, ROOT, make_base, say, srv

ENV = dict(os.environ, COMPOSE_PROJECT_NAME="memd-proof", REDIS_PASSWORD="proof", METRICS_PASSWORD="metrics", GRAFANA_PASSWORD="x")
IMAGE = "debian:12-slim"
COMPOSE = (["docker", "compose"], ["docker-compose"])


def run(argv, check=True, **kw):
    try:
        got = subprocess.run(argv, capture_output=True, text=True, **kw)
    except FileNotFoundError as e:
        got = subprocess.CompletedProcess(argv, 127, "", str(e))
    if check and got.returncode != 0:
        raise AssertionError("%s: %s%s" % (" ".join(argv), got.stdout[-3000:], got.stderr[-3000:]))
    return got


def docker(*argv, **kw):
    return run(["docker", *argv], **kw)


class Project:
    """The services of docker-compose.yml in a copy of the tree."""

    def __init__(self, tree, tool):
        self.tree, self.tool = tree, tool

    def do(self, *argv, env=ENV, check=True):
        return run([*self.tool, *argv], cwd=self.tree, env=env, check=check)

    def container(self, service):
        return self.do("ps", "-q", service).stdout.strip()

    def inspect(self, service, what):
        return json.loads(docker("inspect", "--format", "{{json %s}}" % what, self.container(service)).stdout)

    def await_health(self, *services):
        for name in services:
            srv.wait_for(lambda: self.inspect(name, ".State.Health.Status") == "healthy", name + " is not healthy", 120)

    def up(self):
        self.do("up", "--detach")
        self.await_health("memd", "rag")


def have_image(base):
    if docker("image", "inspect", IMAGE, check=False).returncode == 0 or docker("pull", IMAGE, check=False).returncode == 0:
        return
    say("no registry: %s is made by debootstrap" % IMAGE)
    make_base(base)
    subprocess.run("tar -C %s/root -c . | docker import - %s" % (base, IMAGE), shell=True, check=True, stdout=subprocess.DEVNULL)


def conn():
    c = srv.Conn(socket.create_connection(("127.0.0.1", 6379)))
    c("AUTH", "proof")
    return c


def ask(method, path, value):
    q = urllib.request.Request("http://127.0.0.1:8000" + path, data=json.dumps(value).encode(), method=method)
    return json.loads(urllib.request.urlopen(q, timeout=20).read())


def prove_limits(project):
    host, memd = project.inspect("memd", ".HostConfig"), project.container("memd")
    assert host["Memory"] == host["MemorySwap"] == 1536 << 20 and host["NanoCpus"] == 2 * 10 ** 9 and host["PidsLimit"] == 64
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["SecurityOpt"] == ["no-new-privileges:true"]
    status = docker("exec", memd, "cat", "/proc/1/status").stdout
    assert "Uid:\t6379" in status and "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
    assert docker("exec", memd, "touch", "/x", check=False).returncode != 0


def prove_service():
    assert ask("PUT", "/documents/orrery", {"text": "The orrery has twelve gears."}) == {"passages": 1}
    assert ask("POST", "/chat/demo", {"content": "How many gears?"}) == {"answer": "The orrery has twelve gears.", "sources": ["orrery"]}


def prove_data(project):
    assert conn()("SET", "k", "v") == OK
    project.do("restart", "memd")
    project.await_health("memd")
    assert conn()("GET", "k") == b"v"
    project.do("down")
    project.up()
    assert conn()("GET", "k") == b"v" and conn()("LLEN", "rag:chat:demo") == 2
    started = project.inspect("memd", ".State.StartedAt")
    os.kill(project.inspect("memd", ".State.Pid"), 9)
    srv.wait_for(lambda: project.inspect("memd", ".State.StartedAt") != started, "it is not started again", 90)
    project.await_health("memd")
    assert conn()("GET", "k") == b"v"


def prove(tree, tool):
    project = Project(tree, tool)
    try:
        say("without a password it is not started")
        lacking = {k: v for k, v in ENV.items() if k != "REDIS_PASSWORD"}
        assert "choose a password" in project.do("config", env=lacking, check=False).stderr
        say("%s up --build" % " ".join(tool))
        project.do("build")
        project.up()
        say("limits, user, capabilities")
        prove_limits(project)
        say("the example service")
        prove_service()
        say("restart, down and up, kill -9: the data is there")
        prove_data(project)
        memd = project.container("memd")
        project.do("stop", "memd")
        assert docker("inspect", "--format", "{{.State.ExitCode}}", memd).stdout.strip() == "0"
    finally:
        project.do("down", "--volumes", check=False)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--base", default="/var/tmp/memd-debootstrap/base")
    o = a.parse_args()
    if docker("info", check=False).returncode != 0:
        say("there is no docker daemon: nothing is proved")
        return
    tool = next((t for t in COMPOSE if run([*t, "version"], check=False).returncode == 0), None)
    if tool is None:
        say("there is no docker compose: nothing is proved")
        return
    with tempfile.TemporaryDirectory(prefix="memd-compose-") as tree:
        subprocess.run("git -C '%s' archive HEAD | tar x -C '%s'" % (ROOT, tree), shell=True, check=True)
        have_image(o.base)
        prove(tree, tool)
    say("proved")


if __name__ == "__main__":
    sys.exit(main())
