#!/usr/bin/env python3
"""Power cuts under a real file system: ext4 in a file, shut down without its journal being flushed.

    tests/crash/ext4.py [--cuts 60] [--seed n] [--bin build/release/memd]

The load and the oracle are those of cycle.py. Each death is: EXT4_IOC_SHUTDOWN with NOLOGFLUSH (from then on nothing
reaches the image), SIGKILL, umount, mount (which replays the journal), start. Needs root, loop devices and mkfs.ext4;
says so and ends with code 0 where they are not to be had."""
import argparse
import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), HERE]

import cycle  # noqa: E402
import server as srv  # noqa: E402

EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
IMAGE_MB = 512


class FileSystem:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="memd-ext4-")
        self.image, self.at = os.path.join(self.dir, "image"), os.path.join(self.dir, "mnt")
        os.mkdir(self.at)
        with open(self.image, "wb") as f:
            f.truncate(IMAGE_MB << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True)
        self.mounted = False
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.at], check=True, capture_output=True)
        self.mounted = True

    def shut_down(self):
        fd = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(fd)

    def umount(self):
        if self.mounted:
            subprocess.run(["umount", self.at], check=True, capture_output=True)
        self.mounted = False

    def destroy(self):
        self.umount()
        shutil.rmtree(self.dir, ignore_errors=True)


class Ext4Cycle(cycle.Cycle):
    def __init__(self, fs, mode, seed, **more):
        self.fs = fs
        self.cut = False
        super().__init__(mode, seed, where=fs.dir, data=tempfile.mkdtemp(dir=fs.at), **more)
        self.cut = True

    def kill_server(self):
        if self.cut and self.server.proc:
            self.fs.shut_down()
        super().kill_server()
        if self.cut:
            self.fs.umount()
            self.fs.mount()

    def at_least(self, w):
        """What was acknowledged when the shutdown began: while it runs, Linux lets a sync return 0 for what is lost."""
        if self.mode != "always":
            return 0
        return min(super().at_least(w), sum(1 for i in w.items[:w.n_acked] if i.acked_mono < self.killed))

    def inspect(self, verdicts):
        cycle.check_a_second(self, verdicts)


def why_not():
    if os.geteuid() != 0:
        return "this needs root"
    if not shutil.which("mkfs.ext4"):
        return "mkfs.ext4 is not installed (e2fsprogs)"
    return None


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--cuts", type=int, default=60)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--bin", default=srv.MEMD.path)
    o = a.parse_args()
    seed, why = o.seed or int(time.time()), why_not()
    try:
        fs = None if why else FileSystem()
    except subprocess.CalledProcessError as e:
        why = "an ext4 image could not be mounted: %s" % e.stderr.decode().strip()
    if why:
        print("skipped: " + why)
        return
    rng, began, total = random.Random(seed), time.monotonic(), cycle.Tally()
    print("seed %d" % seed, flush=True)
    try:
        while total.kills < o.cuts:
            c = Ext4Cycle(fs, rng.choice(["always", "always", "everysec"]), rng.getrandbits(32), binary=o.bin)
            try:
                for _ in range(min(20, o.cuts - total.kills)):
                    c.one_round()
            finally:
                c.cut = False
                c.destroy()
                shutil.rmtree(c.data, ignore_errors=True)
            total.add(c.tally)
    finally:
        fs.destroy()
    print("%s; %.0f s" % (total, time.monotonic() - began))


if __name__ == "__main__":
    main()
