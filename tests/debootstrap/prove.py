#!/usr/bin/env python3
"""Prove the README's two commands, the Dockerfile and the Debian package in a clean Debian 12.

    tests/debootstrap/prove.py [--only readme|docker|deb|systemd] [--tests WORD] [--package FILE] [--base DIR]

Needs root, debootstrap and Debian's archive. A minimal system is made once (--base, kept for the next
run); each proof works on a copy of it, with the tree as `git archive` gives it.

readme: ./memd-up, the example, kill -9, ./memd-up again, ./memd-test.
docker: the instructions of the Dockerfile are carried out one by one in chroots: RUN, COPY, ENV, USER
        and WORKDIR as they stand; then ENTRYPOINT runs as its USER, and HEALTHCHECK is asked.
deb:    `make deb` in one system, without network; in another the package is installed, its service started as its
        unit says, asked, killed, started again, upgraded, removed and purged.
systemd: the package in a system that is booted, its systemd being the first process of namespaces: the service is started,
        reloaded, killed, hung, restarted in place and stopped, with all that its unit takes from it."""
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
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "../lib"))

import booted  # noqa: E402
import server as srv  # noqa: E402
from resp import OK  # noqa: E402

SUITE = "bookworm"


def say(text):
    print("== " + text, flush=True)


def archive():
    """Where this machine's apt has the suite from; none: debootstrap knows one itself."""
    got = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Codename: " + SUITE, "Component: main"],
                         capture_output=True, text=True)
    return got.stdout.split()[:1]


def make_base(base):
    if os.path.exists(os.path.join(base, "done")):
        return
    say("debootstrap %s" % SUITE)
    shutil.rmtree(base, ignore_errors=True)
    subprocess.run(["debootstrap", "--variant=minbase", SUITE, os.path.join(base, "root"), *archive()], check=True,
                   stdout=subprocess.DEVNULL)
    for name in glob.glob("/etc/apt/apt.conf.d/*"):
        with open(name) as f:
            if "Acquire::" in f.read():  # how this machine reaches the archive
                shutil.copy(name, os.path.join(base, "root", name[1:]))
    open(os.path.join(base, "done"), "w").close()


class Root:
    """A system of its own: a copy of the base, with proc and dev while it is in use."""
    MOUNTS = (("proc", "proc"), ("devtmpfs", "dev"), ("devpts", "dev/pts"))

    def __init__(self, base):
        self.dir = tempfile.mkdtemp(prefix="memd-root-", dir=os.path.dirname(base))
        subprocess.run(["cp", "-a", os.path.join(base, "root") + "/.", self.dir], check=True)
        shutil.copy("/etc/resolv.conf", os.path.join(self.dir, "etc/resolv.conf"))
        with open(os.path.join(self.dir, "etc/hosts"), "w") as f:
            f.write("127.0.0.1 localhost\n::1 localhost\n")  # as every installed system has
        for what, where in self.MOUNTS:
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

    def sh(self, script, **kw):
        return self.run("sh", "-c", script, **kw)

    def unpack_tree(self, where):
        path = os.path.join(self.dir, where.lstrip("/"))
        os.makedirs(path, exist_ok=True)
        subprocess.run("git -C %s archive HEAD | tar x -C %s" % (shlex.quote(ROOT), shlex.quote(path)), shell=True, check=True)

    def destroy(self):
        for _, where in reversed(self.MOUNTS):
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
        port, http, metrics = srv.free_port(), srv.free_port(), srv.free_port()
        root.env.update(MEMD_PORT=str(port), REDIS_PASSWORD="proof", MEMD_METRICS_PORT=str(metrics))

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

        def ask(method, path, value):
            q = urllib.request.Request("http://127.0.0.1:%d%s" % (http, path), data=json.dumps(value).encode(), method=method)
            return json.loads(urllib.request.urlopen(q).read())

        def ingest():
            try:
                return ask("PUT", "/documents/orrery", {"text": "The orrery has twelve gears."})
            except OSError:
                return None

        assert srv.wait_for(ingest) == {"passages": 1}
        got = ask("POST", "/chat/demo", {"content": "How many gears has it?"})
        assert got == {"answer": "The orrery has twelve gears.", "sources": ["orrery"]}, got
        app_root.run(*app_final["HEALTHCHECK"])
        say("the metrics")
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % metrics) as r:
            assert b"\nmemd_commands_total{cmd=\"rpush\"} 1\n" in r.read()
        say("stop, start: the data is there")
        service.send_signal(signal.SIGTERM)
        assert service.wait(60) == 0
        service = start()
        with socket.create_connection(("127.0.0.1", port)) as s:
            c = srv.Conn(s)
            c("AUTH", "proof")
            assert c("GET", "k") == b"v" and c("LLEN", "rag:chat:demo") == 2
    finally:
        for p in (app, service):
            if p and p.poll() is None:
                p.kill()
                p.wait()
        time.sleep(0.2)
        for r in roots + app_roots:
            r.destroy()
        shutil.rmtree(context, ignore_errors=True)


def unit_setting(text, name):
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(name + "=")]


def build_package(base, dest):
    """The path of the package in dest, built from the tree with its Build-Depends and no network."""
    root = Root(base)
    try:
        root.unpack_tree("/memd")
        root.workdir = "/memd"
        say("apt-get build-dep, make deb without network")
        root.sh("mkdir /tmp/b && cp -r deploy/debian /tmp/b && apt-get update -q && apt-get install -q -y dpkg-dev "
                "&& apt-get build-dep -q -y --no-install-recommends /tmp/b", stdout=subprocess.DEVNULL)
        subprocess.run(["unshare", "-n"] + root.argv(["make", "deb"]), check=True, stdout=subprocess.DEVNULL)
        found = [f for f in glob.glob(os.path.join(root.dir, "memd/build/deb/memd_*.deb"))]
        assert len(found) == 1, found
        return shutil.copy(found[0], dest)
    finally:
        root.destroy()


class Service:
    """Runs a unit's ExecStart as its User, the way systemd would, in a system that has none running."""

    def __init__(self, root):
        self.root = root
        with open(os.path.join(root.dir, "lib/systemd/system/memd.service")) as f:
            self.unit = f.read()
        self.process = None
        self.told = None
        if unit_setting(self.unit, "Type") == ["notify"]:
            path = os.path.join(root.dir, "run/notify")
            self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.told.bind(path)
            self.told.settimeout(60)
            os.chmod(path, 0o666)
            root.env["NOTIFY_SOCKET"] = "/run/notify"

    def start(self, port):
        user = unit_setting(self.unit, "User")[0]
        argv = shlex.split(unit_setting(self.unit, "ExecStart")[0].lstrip("@!-+:"))
        self.root.user = "memd:memd" if user == "memd" else user
        for name in unit_setting(self.unit, "RuntimeDirectory"):
            path = os.path.join(self.root.dir, "run", name)
            os.makedirs(path, exist_ok=True)
            shutil.chown(path, *[int(self.root.run("id", o, "memd", capture_output=True, text=True).stdout) for o in ("-u", "-g")])
        self.root.env["MEMD_PORT"] = str(port)
        self.process = subprocess.Popen(self.root.argv(argv))
        self.root.user = None
        while self.told and b"READY=1" not in self.told.recv(4096):
            pass
        srv.wait_for(lambda: self.process.poll() is not None or
                     self.root.run("memd", "--ping", check=False, capture_output=True).returncode == 0, "not ready", 60)
        assert self.process.poll() is None, "it ended with %s" % self.process.poll()
        return socket.create_connection(("127.0.0.1", port))

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(60)


def prove_deb(base, package):
    root = Root(base)
    service = None
    try:
        name = os.path.basename(package)
        shutil.copy(package, os.path.join(root.dir, "tmp", name))
        say("apt-get install ./%s" % name)
        install = "apt-get install -q -y --no-install-recommends /tmp/%s" % name
        root.sh("apt-get update -q && " + install, stdout=subprocess.DEVNULL)
        owner = root.sh("stat -c '%U:%G %a' /etc/memd/memd.conf /var/lib/memd", capture_output=True, text=True).stdout.split("\n")
        assert owner[:2] == ["memd:memd 640", "memd:memd 700"], owner
        root.sh("memd --check-config /etc/memd/memd.conf", stdout=subprocess.DEVNULL)
        assert "memd.conf(5)" in root.sh("zcat /usr/share/man/man1/memd.1.gz | sed 's/.fB//g; s/.fR//g'", capture_output=True, text=True).stdout
        wanted = "etc/systemd/system/multi-user.target.wants/memd.service"
        assert os.path.islink(os.path.join(root.dir, wanted)), "the service is not enabled"

        port = srv.free_port()
        service = Service(root)
        say("ExecStart as its user")
        with service.start(port) as sock:
            c = srv.Conn(sock)
            assert c("SET", "k", "v") == OK and c("CONFIG", "GET", "dir") == [b"dir", b"/var/lib/memd"]
            assert c("CONFIG", "SET", "maxmemory", "64mb") == OK and c("CONFIG", "REWRITE") == OK
            assert c.info("server")["config_file"] == "/etc/memd/memd.conf"
        with open("/proc/%d/status" % service.process.pid) as f:
            uid = f.read().split("Uid:")[1].split()[0]
        assert uid != "0" and uid == root.run("id", "-u", "memd", capture_output=True, text=True).stdout.strip()
        say("kill -9, start: the data is there")
        service.stop(signal.SIGKILL)
        with service.start(port) as sock:
            assert srv.Conn(sock)("GET", "k") == b"v"
        assert service.stop() == 0

        say("installed once more: settings and data stay")
        root.sh(install.replace("install", "install --reinstall", 1), stdout=subprocess.DEVNULL)
        with service.start(port) as sock:
            c = srv.Conn(sock)
            assert c("GET", "k") == b"v" and c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"67108864"]
        assert service.stop() == 0

        say("apt-get remove, purge")
        root.sh("apt-get remove -q -y memd", stdout=subprocess.DEVNULL)
        assert not os.path.exists(os.path.join(root.dir, "usr/bin/memd"))
        assert os.path.exists(os.path.join(root.dir, "etc/memd/memd.conf"))
        told = root.sh("apt-get purge -q -y memd", capture_output=True, text=True).stdout
        assert not os.path.exists(os.path.join(root.dir, "etc/memd")) and not os.path.lexists(os.path.join(root.dir, wanted))
        assert "The data of memd stays" in told and os.listdir(os.path.join(root.dir, "var/lib/memd"))
    finally:
        if service and service.process and service.process.poll() is None:
            service.process.kill()
            service.process.wait()
        root.destroy()


DROP_IN = """[Service]
Environment=MEMD_PORT=%d
WatchdogSec=%d
RestartSec=10ms
"""


def prove_systemd(base, package):
    root = Root(base)
    port = srv.free_port()
    drop_in = os.path.join(root.dir, "etc/systemd/system/memd.service.d/proof.conf")

    def conn():
        return srv.Conn(socket.create_connection(("127.0.0.1", port)))

    def run_id():
        c = conn()  # nobody is refused; but who was let in just before the end is let go
        try:
            return c.info("server")["run_id"]
        except (EOFError, ConnectionResetError):
            return None

    try:
        say("apt-get install systemd, the package")
        shutil.copy(package, os.path.join(root.dir, "tmp/memd.deb"))
        root.sh("apt-get update -q && apt-get install -q -y --no-install-recommends systemd dbus /tmp/memd.deb", stdout=subprocess.DEVNULL)
        os.makedirs(os.path.dirname(drop_in))
        with open(drop_in, "w") as f:
            f.write(DROP_IN % (port, 60))
        say("systemd")
        with booted.Booted(root) as b:
            assert b.of("memd", "ActiveState") == "active" and b.of("memd", "StatusText") == "Ready to accept connections"
            status = b.status_of("memd")
            assert status["Uid"].split()[0] == root.run("id", "-u", "memd", capture_output=True, text=True).stdout.strip()
            assert all(int(status[k], 16) == 0 for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")), status
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
            assert conn()("SET", "k", "v") == OK
            score = b.run("systemd-analyze", "--no-pager", "security", "memd").stdout.split("memd.service:")[1].split()[0]
            assert float(score) < 2.0, score
            say("reload; restart in place: nobody is refused")
            first, life = b.of("memd", "MainPID"), run_id()
            b.systemctl("reload", "memd")
            b.systemctl("kill", "--signal", "USR2", "memd")
            try:
                srv.wait_for(lambda: run_id() not in (None, life))
            except AssertionError:
                print(b.run("journalctl", "--no-pager", "-u", "memd").stdout, flush=True)
                raise
            assert b.of("memd", "MainPID") == first and b.of("memd", "NRestarts") == "0" and conn()("GET", "k") == b"v"
            say("kill -9: started again, the data is there")
            b.systemctl("kill", "--signal", "KILL", "memd")
            srv.wait_for(lambda: b.of("memd", "NRestarts") == "1" and b.of("memd", "ActiveState") == "active")
            assert conn()("GET", "k") == b"v" and b.of("memd", "MainPID") != first
            say("one that hangs is ended by the watchdog, and started again")
            with open(drop_in, "w") as f:
                f.write(DROP_IN % (port, 1))
            b.systemctl("daemon-reload")
            b.systemctl("restart", "memd")
            b.systemctl("kill", "--signal", "STOP", "memd")
            srv.wait_for(lambda: int(b.of("memd", "NRestarts")) >= 1 and b.of("memd", "ActiveState") == "active", patience=8)
            assert "Watchdog timeout" in b.run("journalctl", "--no-pager", "-u", "memd").stdout
            assert conn()("GET", "k") == b"v"
            say("stop")
            b.systemctl("stop", "memd")
            assert (b.of("memd", "ActiveState"), b.of("memd", "Result")) == ("inactive", "success")
    finally:
        root.destroy()


def prove_package(base, which, package):
    """The proofs of which, by one package; None: it is built."""
    if "systemd" in which and not booted.can_boot():
        say("no systemd can be booted here, as there is no cgroup2 that can be written to: left out")
        which = [w for w in which if w != "systemd"]
    if not which:
        return
    with tempfile.TemporaryDirectory(prefix="memd-deb-", dir=os.path.dirname(base)) as d:
        package = package or build_package(base, d)
        if "deb" in which:
            prove_deb(base, package)
        if "systemd" in which:
            prove_systemd(base, package)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--only", choices=["readme", "docker", "deb", "systemd"])
    a.add_argument("--tests", default="", help="only the tests with this word in their name")
    a.add_argument("--package", help="for deb and systemd, one that was built before")
    a.add_argument("--base", default="/var/tmp/memd-debootstrap/base")
    o = a.parse_args()
    os.makedirs(o.base, exist_ok=True)
    make_base(o.base)
    if o.only in (None, "readme"):
        prove_readme(o.base, o.tests)
    if o.only in (None, "docker"):
        prove_docker(o.base)
    prove_package(o.base, [w for w in ("deb", "systemd") if o.only in (None, w)], o.package)
    say("proved")


if __name__ == "__main__":
    main()
