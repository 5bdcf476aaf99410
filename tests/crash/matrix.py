#!/usr/bin/env python3
"""Every system call of the daemon fails, one at a time: nothing acknowledged may be lost.

    tests/crash/matrix.py [--calls fsync,writev] [--errors EIO,ENOSPC] [--modes always] [--phases run,start]

For each call, error and "the n-th time" or "from the n-th time on" (strace injects it, so no code of
ours is between): the daemon takes writes, rewrites its log and saves a snapshot; the fault is lifted; it
is killed and started again. It passes when the daemon did not end by itself, took writes again once the
fault was over, and after the restart every acknowledged write is there, and none that was refused. In
phase `start` the fault is there from the first system call on: the daemon may refuse to start with a
message and an exit code, but not crash, hang, or alter what is on the disk. Needs strace and the right to trace."""
import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))

import resp  # noqa: E402
import server as srv  # noqa: E402

CALLS = ("openat read pread64 write pwrite64 writev fdatasync fsync ftruncate rename link unlink fallocate "
         "mkdir flock fcntl newfstatat lseek getdents64 mmap madvise munmap clone3 accept4 socket bind listen "
         "setsockopt recvfrom sendto sendmsg epoll_wait epoll_ctl eventfd2 getrandom clock_gettime "
         "clock_nanosleep futex sync_file_range fadvise64").split()
ERRORS = "EIO ENOSPC EDQUOT EINTR EAGAIN EMFILE ENFILE ENOMEM EROFS EPERM EACCES ESTALE".split()
WHEN = ("1", "2", "3", "5", "1+", "3+")

# A futex that fails is a broken kernel; a clock that fails is in the vDSO. Neither is anybody's promise.
UNPROMISED = {"futex", "clock_gettime"}
# Errors that a call cannot give, and whose invention breaks what the C library relies on.
IMPOSSIBLE = {("mmap", "EINTR"), ("munmap", "EINTR"), ("epoll_wait", "EMFILE")}


TRACE = os.path.join(tempfile.gettempdir(), "memd-matrix-%d.trace" % os.getpid())


def struck():
    """Did the last fault hit anything?"""
    try:
        with open(TRACE, errors="replace") as f:
            return "(INJECTED)" in f.read()
    finally:
        os.unlink(TRACE)


def promised(phase, call, error):
    # the loader's own mmap calls end it in its own ways
    return call not in UNPROMISED and (call, error) not in IMPOSSIBLE and (phase, call) != ("start", "mmap")


class Lost(AssertionError):
    pass


def tracer(call, error, when, pid):
    """strace on a running process; returns once it holds all threads."""
    argv = ["strace", "-f", "-e", "trace=" + call, "-e", "inject=%s:error=%s:when=%s" % (call, error, when),
            "-o", TRACE, "-p", str(pid)]
    t = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    for line in t.stderr:
        if "attached" in line:
            return t
        if "Invalid" in line or "invalid" in line or "not permitted" in line:
            break
    t.wait()
    raise RuntimeError("strace: cannot inject %s into %s" % (error, call))


def detach(t):
    t.send_signal(signal.SIGINT)
    t.stderr.read()
    t.wait()


class Writer:
    """Numbered writes on one connection: which were acknowledged, refused, or left without an answer."""

    def __init__(self):
        self.n = 0
        self.acked, self.refused = set(), set()
        self.sent = []
        self.conn = None

    def connect(self, s):
        try:
            self.conn = srv.Conn(s.connect_socket())
            self.conn.sock.settimeout(0.15)
        except OSError:
            self.conn = None

    def send(self, count):
        for _ in range(count):
            self.n += 1
            try:
                self.conn.send("SET", "k%d" % self.n, "v%d" % self.n)
            except OSError:
                self.conn = None
            if self.conn is None:
                return
            self.sent.append(self.n)

    def collect(self):
        """Replies, until all are there or none comes for a moment: what is late is read later."""
        while self.sent and self.conn:
            try:
                r = self.conn.read()
            except socket.timeout:
                return
            except (OSError, EOFError):
                self.conn = None
                break
            (self.acked if r == resp.OK else self.refused).add(self.sent.pop(0))
        if not self.conn:
            self.sent = []


@contextlib.contextmanager
def running(mode):
    s = srv.Server(appendonly="yes", appendfsync=mode, save="")
    try:
        yield s
    finally:
        s.destroy()


def tell(s, *command):
    """A command whose answer does not matter, on a connection of its own that nobody waits for."""
    try:
        c = srv.Conn(s.connect_socket())
        c.send(*command)
        return c
    except OSError:
        return None


def verify(s, w):
    with srv.Conn(s.connect_socket()) as c:
        for i in range(1, w.n + 1):
            got = c("GET", "k%d" % i)
            if i in w.acked and got != b"v%d" % i:
                raise Lost("k%d was acknowledged and reads %r" % (i, got))
            if i in w.refused and got is not None:
                raise Lost("k%d was refused and reads %r" % (i, got))
            if got not in (None, b"v%d" % i):
                raise Lost("k%d reads %r" % (i, got))


def alive(s):
    code = s.proc.poll()
    if code is not None:
        raise Lost("the daemon ended (%d):\n%s" % (code, s.log()[-1500:]))


def heals(s, w):
    """Writes are taken again, within the bound of any wait."""
    def try_one():
        alive(s)
        if not w.conn:
            w.connect(s)
            if not w.conn:
                return False
        w.conn.sock.settimeout(srv.PATIENCE)
        w.collect()
        if w.conn:
            before = len(w.acked)
            w.send(1)
            w.collect()
            return len(w.acked) > before
        return False

    srv.wait_for(try_one, "no write was taken after the fault was over")


def run(call, error, when, mode):
    """The fault comes while the daemon works."""
    with running(mode) as s:
        w = Writer()
        w.connect(s)
        w.send(5)
        w.collect()
        t = tracer(call, error, when, s.proc.pid)
        asked = []
        try:
            w.send(20)
            w.collect()
            asked.append(tell(s, "BGREWRITEAOF"))
            for _ in range(4):
                if not w.conn:
                    w.connect(s)
                if w.conn:
                    w.send(5)
                    w.collect()
            asked.append(tell(s, "BGSAVE"))
            alive(s)
        finally:
            detach(t)
        heals(s, w)
        for c in asked:
            if c:
                c.close()
        s.kill9()
        s.start()
        verify(s, w)
        s.kill9()


def start(call, error, when, mode):
    """The fault is there when the daemon starts on a directory that has a log and a snapshot."""
    with running(mode) as s:
        w = Writer()
        w.connect(s)
        w.send(30)
        w.collect()
        with srv.Conn(s.connect_socket()) as c:
            c("SAVE")
        w.send(10)
        w.collect()
        s.kill9()
        argv = ["strace", "-f", "-o", TRACE, "-e", "trace=" + call, "-e",
                "inject=%s:error=%s:when=%s" % (call, error, when)]
        traced = subprocess.Popen(argv + s.command_line(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, cwd=s.dir, start_new_session=True)
        try:
            end = time.monotonic() + 1.0
            while traced.poll() is None and time.monotonic() < end:
                try:
                    with srv.Conn(s.connect_socket()) as c:
                        c.sock.settimeout(0.2)
                        if c("PING") == resp.PONG:
                            break
                except (OSError, EOFError):
                    time.sleep(0.01)
        finally:
            if traced.poll() is None:
                os.killpg(traced.pid, signal.SIGKILL)
            out = traced.communicate()[0].decode(errors="replace")
        # 127: the dynamic loader met the fault, before the daemon was there
        if traced.returncode not in (-signal.SIGKILL, 0, 1, 127) and "strace:" not in out:
            raise Lost("start ended with %d:\n%s" % (traced.returncode, out[-1500:]))
        s.start()
        verify(s, w)
        s.kill9()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--calls", default=",".join(CALLS))
    p.add_argument("--errors", default=",".join(ERRORS))
    p.add_argument("--modes", default="always,everysec")
    p.add_argument("--phases", default="run,start")
    p.add_argument("--sample", type=int, default=0, help="so many points at random instead of all")
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    if not shutil.which("strace"):
        print("SKIPPED: strace is not installed (apt-get install strace)")
        return 0
    points = [(ph, c, e, n, m) for ph in a.phases.split(",") for c in a.calls.split(",") for e in a.errors.split(",")
              for n in WHEN for m in a.modes.split(",") if promised(ph, c, e)]
    if a.sample:
        seed = a.seed or int(time.time())
        print("seed %d" % seed)
        points = random.Random(seed).sample(points, min(a.sample, len(points)))
    failed = skipped = hit = 0
    for i, (phase, call, error, when, mode) in enumerate(points):
        try:
            (run if phase == "run" else start)(call, error, when, mode)
        except RuntimeError as e:
            skipped += 1
            if skipped < 5:
                print("skipped:", e)
        except (AssertionError, srv.StartError, OSError, EOFError) as e:
            failed += 1
            print("FAILED %s %s %s when=%s %s: %s" % (phase, call, error, when, mode, str(e)[:1800]), flush=True)
        if os.path.exists(TRACE):
            hit += struck()
        if (i + 1) % 200 == 0:
            print("  %d of %d points, %d hit, %d failed" % (i + 1, len(points), hit, failed), flush=True)
    print("%d points (%d hit a call), %d failed, %d skipped" % (len(points), hit, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
