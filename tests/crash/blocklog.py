#!/usr/bin/env python3
"""Power cuts under a real file system: the blocks it wrote are recorded, and each moment is replayed.

    tests/crash/blocklog.py [--states N] [--operations N] [--seed S] [--mode always]

A loop device lies on a file of a FUSE file system of ours, which notes every write and every flush in
order; ext4 is on it, and the daemon's directory on that. Clients write, the log is rewritten and snapshots
are saved; each acknowledgement notes how much had reached the device. Then, for moments picked at random, a
device is put together as a power cut at that moment may have left it: what a flush had covered, and of what
came after it nothing, all, or any part, by sectors. ext4 recovers its journal, the daemon starts on it and must
have every write acknowledged by then (everysec: any whole prefix), each once, in order, transactions whole.

Needs root, /dev/fuse, loop devices, mkfs.ext4 and python3-fusepy, and says so when one is missing."""
import argparse
import errno
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))

import resp  # noqa: E402
import server as srv  # noqa: E402

DISK_BYTES = 48 << 20
SECTOR = 512
KEYS = 20


def why_not():
    """What is missing here; None: nothing."""
    if os.geteuid() != 0:
        return "it takes root to mount"
    for path in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(path):
            return path + " is missing"
    for program in ("mkfs.ext4", "losetup", "mount", "umount"):
        if not shutil.which(program):
            return program + " is missing"
    try:
        import fusepy  # noqa: F401
    except ImportError:
        return "python3-fusepy is missing"
    return None


class Recorder:
    """One file of blocks: what was written to it and flushed, in order."""

    def __init__(self, image):
        self.data = bytearray(image)
        self.log = []  # (offset, bytes); None: a flush

    def operations(self):
        import fusepy as fuse
        me = self

        class Ops(fuse.Operations):
            def getattr(self, path, fh=None):
                if path == "/":
                    return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
                if path == "/disk":
                    return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": len(me.data)}
                raise fuse.FuseOSError(errno.ENOENT)

            def readdir(self, path, fh):
                return [".", "..", "disk"]

            def open(self, path, flags):
                return 1

            def read(self, path, size, offset, fh):
                return bytes(me.data[offset:offset + size])

            def write(self, path, data, offset, fh):
                me.data[offset:offset + len(data)] = data
                me.log.append((offset, data))
                return len(data)

            def fsync(self, path, datasync, fh):
                me.log.append(None)
                return 0

            def truncate(self, path, length, fh=None):
                return 0

        return Ops()


def sh(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


class Device:
    """A recorder, mounted: .dir is a directory of an ext4 on it."""

    def __init__(self, work):
        import fusepy as fuse
        image = os.path.join(work, "base.img")
        with open(image, "wb") as f:
            f.truncate(DISK_BYTES)
        sh("mkfs.ext4", "-q", "-F", image)
        with open(image, "rb") as f:
            self.base = f.read()
        self.recorder = Recorder(self.base)
        self.fuse_dir, self.dir = os.path.join(work, "fuse"), os.path.join(work, "fs")
        os.mkdir(self.fuse_dir)
        os.mkdir(self.dir)
        threading.Thread(target=fuse.FUSE, args=(self.recorder.operations(), self.fuse_dir), daemon=True,
                         kwargs={"foreground": True, "nothreads": True, "allow_other": True,
                                 "big_writes": True}).start()
        srv.wait_for(lambda: os.path.exists(os.path.join(self.fuse_dir, "disk")), "FUSE did not mount")
        self.loop = sh("losetup", "-f", "--show", os.path.join(self.fuse_dir, "disk"))
        sh("mount", "-t", "ext4", self.loop, self.dir)

    def close(self):
        for argv in (("umount", self.dir), ("losetup", "-d", self.loop), ("umount", "-l", self.fuse_dir)):
            subprocess.run(argv, capture_output=True)


def record(dev, mode, operations, rng):
    """Run the load; [(operation, length of the log when it was acknowledged)]."""
    data = os.path.join(dev.dir, "data")
    os.mkdir(data)
    os.sync()
    acks = []
    s = srv.Server(directory=data, appendonly="yes", appendfsync=mode, save="", auto_aof_rewrite_percentage=0)
    try:
        c = srv.Conn(s.connect_socket())
        for i in range(1, operations + 1):
            c.pipeline([("MULTI",), ("RPUSH", "log", i), ("SET", "k%d" % (i % KEYS), i)])
            got = c("EXEC")
            if not isinstance(got, list):
                raise AssertionError("EXEC: %r" % got)
            acks.append((i, len(dev.recorder.log)))
            if rng.random() < 0.03:
                c("BGREWRITEAOF" if rng.random() < 0.7 else "BGSAVE")
        s.kill9()
    finally:
        s.kill9()
    return acks


class Replay:
    """The device as it may be after a cut, for growing moments."""

    def __init__(self, base, log):
        self.image, self.log, self.done = bytearray(base), log, 0

    def at(self, moment, rng):
        """The image of a cut when `moment` entries had been made."""
        flush = moment
        while flush > 0 and self.log[flush - 1] is not None:
            flush -= 1
        for entry in self.log[self.done:flush]:
            if entry:
                self.image[entry[0]:entry[0] + len(entry[1])] = entry[1]
        self.done = max(self.done, flush)
        state = bytearray(self.image)
        how = rng.choice(("nothing", "everything", "some writes", "some sectors", "all but one", "one"))
        open_writes = [e for e in self.log[flush:moment] if e]
        one = rng.randrange(len(open_writes)) if open_writes else 0
        for i, (offset, data) in enumerate(open_writes):
            if how == "nothing" or (how == "all but one" and i == one) or (how == "one" and i != one):
                continue
            if how == "some writes" and rng.random() < 0.5:
                continue
            for at in range(0, len(data), SECTOR):
                if how != "some sectors" or rng.random() < 0.5:
                    state[offset + at:offset + at + SECTOR] = data[at:at + SECTOR]
        return state, how


def check(work, state, must, mode):
    """Mount, start, compare; returns the last operation that is there."""
    image, where = os.path.join(work, "cut.img"), os.path.join(work, "cut")
    with open(image, "wb") as f:
        f.write(state)
    os.makedirs(where, exist_ok=True)
    sh("mount", "-t", "ext4", "-o", "loop", image, where)
    s = None
    try:
        data = os.path.join(where, "data")
        if not os.path.isdir(data):
            assert must == 0, "the directory is gone"
            return 0
        s = srv.Server(directory=data, appendonly="yes", appendfsync=mode, save="")
        c = srv.Conn(s.connect_socket())
        there = [int(x) for x in c("LRANGE", "log", 0, -1)]
        assert there == list(range(1, len(there) + 1)), "not a prefix: %r" % there[-20:]
        assert len(there) >= must, "%d was acknowledged, %d is the last there" % (must, len(there))
        for k in range(KEYS):
            last = [i for i in there if i % KEYS == k]
            want = b"%d" % last[-1] if last else None
            assert c("GET", "k%d" % k) == want, "a transaction is not whole"
        assert c("RPUSH", "log", "more") == len(there) + 1
        return len(there)
    finally:
        if s:
            s.kill9()
        subprocess.run(("umount", where), capture_output=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--states", type=int, default=400)
    p.add_argument("--operations", type=int, default=600)
    p.add_argument("--mode", default="always")
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    missing = why_not()
    if missing:
        print("SKIPPED: " + missing)
        return 0
    seed = a.seed or int(time.time())
    rng = random.Random(seed)
    work = tempfile.mkdtemp(prefix="memd-blocks-")
    dev, failed = None, 0
    try:
        dev = Device(work)
        acks = record(dev, a.mode, a.operations, rng)
        log = list(dev.recorder.log)
        dev.close()
        replay = Replay(dev.base, log)
        first = next(n for i, n in acks)  # the directory exists from there on
        moments = sorted(rng.randrange(first, len(log) + 1) for _ in range(a.states))
        for moment in moments:
            must = max([i for i, n in acks if n <= moment], default=0) if a.mode == "always" else 0
            state, how = replay.at(moment, rng)
            try:
                check(work, state, must, a.mode)
            except (AssertionError, srv.StartError, resp.Incomplete) as e:
                failed += 1
                print("FAILED at entry %d of %d (%s): %s" % (moment, len(log), how, str(e)[-1500:]), flush=True)
        print("seed %d, %s: %d operations, %d writes and flushes, %d cuts, %d failed" %
              (seed, a.mode, len(acks), len(log), len(moments), failed))
    finally:
        if dev:
            dev.close()
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
