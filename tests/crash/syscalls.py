#!/usr/bin/env python3
"""A kill before and after each single operation on a file, in a short script that does everything once.

    tests/crash/syscalls.py [--bin build/release/memd] [--sample N] [--seed n] [--power] [--strace]

The shim (disk_shim.c) kills the daemon at the n-th operation that changes a file or a name, before it or after;
the next daemon must find a prefix of the script, with all that was acknowledged. --power: and then only what a disk
had to keep. --strace: the same by strace's fault injection, system call by system call, in place of the shim."""
import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), HERE]

import disk  # noqa: E402
import resp  # noqa: E402
import server as srv  # noqa: E402

SETTINGS = {"appendonly": "yes", "appendfsync": "always", "enable_debug_command": "yes",
            "auto_aof_rewrite_percentage": "0"}
CALLS = ["open", "openat", "write", "writev", "pwrite64", "fdatasync", "fsync", "rename", "unlink", "ftruncate", "fallocate",
         "link", "mkdir", "close"]

CHANGES = os.O_CREAT | os.O_TRUNC  # an open without these changes nothing, and the shim does not count it


def wait(field, value):
    """A step of the script that waits until the daemon says so."""
    return ("wait", field, value)


# Each step is acknowledged before the next is sent. A step with several commands is a transaction.
SCRIPT = [
    [["SET", "a", "1"]], [["RPUSH", "l", "1", "2", "3"]], [["SELECT", "1"], ["SET", "b", "1"], ["SELECT", "0"]],
    [["HSET", "h", "f", "1"], ["INCR", "n"], ["SADD", "s", "x"]], [["APPEND", "a", "x" * 3000]], [["MSET", "m1", "1", "m2", "1"]],
    [["BGREWRITEAOF"]], [["INCR", "n"]], wait("aof_rewrites", "1"), [["INCR", "n"], ["ZADD", "z", "1", "m"]],
    [["BGSAVE"]], wait("rdb_saves", "1"), [["XADD", "x", "1-1", "f", "v"]], [["DEL", "l"]], [["BGSAVE"]], wait("rdb_saves", "2"),
    [["BGREWRITEAOF"]], wait("aof_rewrites", "2"), [["PEXPIREAT", "a", "33177117420000"]],
    [["CONFIG", "SET", "appendonly", "no"]], [["CONFIG", "SET", "appendonly", "yes"]], wait("aof_rewrites", "3"),
    [["INCR", "n"], ["SET", "last", "1"]], [["SET", "a", "2"]], [["RENAME", "a", "c"]],
]


def play(conn, upto=None, note=lambda n: None):
    """Do the script, or so many steps of it. note(n): n steps are acknowledged."""
    for n, step in enumerate(SCRIPT[:upto]):
        if step[0] == "wait":
            if upto is None:
                while conn.info("persistence")[step[1]] != step[2]:
                    pass
        elif len(step) > 1:
            replies = conn.pipeline([["MULTI"]] + step + [["EXEC"]])
            assert isinstance(replies[-1], list), replies
        elif upto is None or step[0][0] not in ("BGSAVE", "BGREWRITEAOF", "CONFIG"):
            reply = conn(*step[0])
            assert not isinstance(reply, resp.Err), reply
        note(n + 1)


def digests(binary):
    """What DEBUG DIGEST says after each number of steps."""
    s = srv.Server(binary=binary, enable_debug_command="yes")
    try:
        c = s.conn()
        out = []
        for n in range(len(SCRIPT) + 1):
            c("FLUSHALL")
            play(c, n)
            out.append(c("DEBUG", "DIGEST"))
        return out
    finally:
        s.destroy()


def kill_children(pid):
    """Those of strace, which would go on without it."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = [int(x) for x in f.read().split()]
    except OSError:
        return
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        while os.path.exists("/proc/%d" % child):
            time.sleep(0.001)


class Point:
    """One run of the script that ends at a place of its own."""

    def __init__(self, binary, want, rng, power=False, wrapper=(), **shim):
        self.binary, self.want, self.rng, self.power, self.wrapper, self.shim = binary, want, rng, power, list(wrapper), shim
        self.dir = tempfile.mkdtemp(prefix="memd-point-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.data, self.trace = os.path.join(self.dir, "data"), os.path.join(self.dir, "trace")
        os.mkdir(self.data)
        self.acked = 0

    def run(self):
        """True when it was killed on the way, False when it came to the end of the script."""
        try:
            before = disk.Disk(self.data)
            ended = self.life()
            self.operations = list(disk.read_trace(self.trace)) if os.path.exists(self.trace) else []
            if self.power:
                before.replay(self.trace)
                before.cut(self.rng)
            self.look()
            return not ended
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def life(self):
        env = {} if self.wrapper else disk.environment(self.binary, self.data, trace=self.trace, **self.shim)
        s = srv.Server(binary=self.binary, directory=self.data, wait=False, wrapper=self.wrapper, env=env, **SETTINGS)
        try:
            s.wait_ready()
            play(s.conn(), note=self.note)
            return True
        except (OSError, EOFError, srv.StartError):
            return False
        finally:
            if self.wrapper and s.proc:
                kill_children(s.proc.pid)
            s.kill9()
            os.unlink(s.log_path)

    def note(self, n):
        self.acked = n

    def look(self):
        s = srv.Server(binary=self.binary, directory=self.data, **SETTINGS)
        try:
            found = s.conn()("DEBUG", "DIGEST")
        finally:
            s.kill9()
        legal = self.want[self.acked:self.acked + 2]
        assert found in legal, "after %d steps (%r) were acknowledged, what was found is the state after %r" % (
            self.acked, SCRIPT[self.acked - 1] if self.acked else None, [i for i, d in enumerate(self.want) if d == found])


def total(binary, want):
    """Operations in an undisturbed run."""
    p = Point(binary, want, random.Random(1))
    assert not p.run()
    return sum(1 for r in p.operations if r.kind != "close" and not (r.kind == "open" and r.flags & CHANGES == 0))


def points(n, sample, rng):
    """Before and after each operation; a few more than were counted, as threads make the number vary."""
    out = [(i, side) for i in range(1, n + 10) for side in ("before", "after")]
    return out if not sample else sorted(rng.sample(out, min(sample, len(out))))


def check(binary, sample=0, seed=1, power=False, say=lambda text: None):
    """-> (points, kills)."""
    rng = random.Random(seed)
    want = digests(binary)
    n, kills = total(binary, want), 0
    todo = points(n, sample, rng)
    for i, side in todo:
        try:
            kills += Point(binary, want, rng, power, kill="any:%d:%s" % (i, side)).run()
        except (AssertionError, srv.StartError) as e:
            raise AssertionError("%s operation %d of %d%s, seed %d: %s" % (
                side, i, n, " and a power cut" if power else "", seed, e))
    say("%d operations in the script; %d places, %d kills" % (n, len(todo), kills))
    return len(todo), kills


def check_with_strace(binary, say):
    if not shutil.which("strace"):
        say("skipped: strace is not installed")
        return
    want = digests(binary)
    for call in CALLS:
        kills = n = 0
        while True:
            n += 1
            strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
                      "-e", "inject=%s:signal=KILL:when=%d" % (call, n)]
            p = Point(binary, want, random.Random(1), wrapper=strace)
            try:
                killed = p.run()
            except (AssertionError, srv.StartError) as e:
                raise AssertionError("at %s number %d: %s" % (call, n, e))
            kills += killed
            if not killed:
                break
        say("%s: killed at each of %d calls" % (call, kills))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--bin", default=srv.MEMD.path)
    a.add_argument("--sample", type=int, default=0)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--power", action="store_true")
    a.add_argument("--strace", action="store_true")
    o = a.parse_args()
    seed, began = o.seed or int(time.time()), time.monotonic()
    print("seed %d" % seed, flush=True)
    try:
        if o.strace:
            check_with_strace(o.bin, print)
        else:
            check(o.bin, o.sample, seed, o.power, print)
    except AssertionError as e:
        sys.exit("broken: %s" % e)
    print("nothing acknowledged was lost; %.0f s" % (time.monotonic() - began))


if __name__ == "__main__":
    main()
