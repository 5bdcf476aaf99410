#!/usr/bin/env python3
"""The long form: thousands of kills and power cuts, and a table of what was lost.

    tests/crash/run.py [--kills 10000] [--seed n] [--jobs 2] [--only PART] [--bin build/release/memd]

A series is one data directory with its writers (cycle.py, power.py) over fifty kills. A violation is printed with
mode, seed, kind of kill and what differed, and ends the run with exit code 1."""
import argparse
import collections
import multiprocessing
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), HERE]

import archive  # noqa: E402
import cycle  # noqa: E402
import disk  # noqa: E402
import evict  # noqa: E402
import power  # noqa: E402
import server as srv  # noqa: E402
import slices  # noqa: E402
import stores  # noqa: E402

PER_SERIES = 50
RAM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# name, how many of a hundred series, how to make one
SERIES = [
    ("kill, always", 30, lambda seed, b, ram: cycle.Cycle("always", seed, binary=b, where=ram)),
    ("kill, everysec", 16, lambda seed, b, ram: cycle.Cycle("everysec", seed, binary=b, where=ram)),
    ("kill, no", 6, lambda seed, b, ram: cycle.Cycle("no", seed, binary=b, where=ram)),
    ("kill, evictions", 4, lambda seed, b, ram: evict.EvictCycle(("always", "everysec")[seed // 2 % 2], seed,
                                                                 binary=b, where=ram)),
    ("kill, snapshots", 8, lambda seed, b, ram: cycle.Cycle("snapshot", seed, binary=b, where=ram)),
    ("power cut, always", 14, lambda seed, b, ram: power.PowerCycle("always", seed, binary=b, where=RAM)),
    ("power cut and failing syncs, always", 10, lambda seed, b, ram: power.PowerCycle("always", seed, faults=True,
                                                                                      binary=b, where=RAM)),
    ("power cut, everysec", 4, lambda seed, b, ram: power.PowerCycle("everysec", seed, binary=b, where=RAM)),
    ("power cut, everysec, slow disk", 1, lambda seed, b, ram: power.SlowDiskCycle(seed, binary=b, where=RAM)),
    ("power cut, no", 3, lambda seed, b, ram: power.PowerCycle("no", seed, binary=b, where=RAM)),
    ("archive, kill, always", 6, lambda seed, b, ram: archive.ArchiveCycle("always", seed, binary=b, where=ram)),
    ("archive, kill, everysec", 4, lambda seed, b, ram: archive.ArchiveCycle("everysec", seed, binary=b, where=ram)),
    ("archive, kill, no", 2, lambda seed, b, ram: archive.ArchiveCycle("no", seed, binary=b, where=ram)),
    ("archive, kill, evictions", 4, lambda seed, b, ram: archive.ArchiveCycle("always", seed, evictions=True, binary=b,
                                                                              where=ram)),
    ("archive, rewrites and a slow archive", 2, lambda seed, b, ram: archive.HeldCycle("always", seed, binary=b,
                                                                                       where=ram)),
    ("archive, power cut, always", 6, lambda seed, b, ram: archive.ArchivePowerCycle("always", seed, binary=b,
                                                                                     where=RAM)),
    ("archive, power cut and failing syncs, always", 3, lambda seed, b, ram: archive.ArchivePowerCycle(
        "always", seed, faults=True, binary=b, where=RAM)),
    ("archive, power cut, everysec", 4, lambda seed, b, ram: archive.ArchivePowerCycle("everysec", seed, binary=b,
                                                                                       where=RAM)),
    ("slices, kill, always", 3, lambda seed, b, ram: slices.SliceCycle("always", seed, binary=b, where=ram)),
    ("slices, kill, everysec", 2, lambda seed, b, ram: slices.SliceCycle("everysec", seed, binary=b, where=ram)),
    ("slices, power cut, always", 2, lambda seed, b, ram: slices.SlicePowerCycle("always", seed, binary=b, where=RAM)),
    ("stores, kill, always", 3, lambda seed, b, ram: stores.StoreCycle("always", seed, binary=b, where=ram)),
    ("stores, kill, everysec", 2, lambda seed, b, ram: stores.StoreCycle("everysec", seed, binary=b, where=ram)),
    ("stores, power cut, always", 2, lambda seed, b, ram: stores.StorePowerCycle("always", seed, binary=b, where=RAM)),
    ("power cut, snapshots", 4, lambda seed, b, ram: power.PowerCycle("snapshot", seed, binary=b, where=RAM)),
]


def one_series(task):
    """Runs in a process of its own. -> (name, tally, violation or None)"""
    name, seed, rounds, binary = task
    make = next(f for n, _, f in SERIES if n == name)
    c = make(seed, binary, RAM if seed % 2 else None)
    why = None
    try:
        for _ in range(rounds):
            c.one_round()
    except Exception as e:  # whatever ends it is a finding
        why = "%s, seed %d, round %d: %s: %s" % (name, seed, c.round, type(e).__name__, e)
    finally:
        c.destroy()
    return name, c.tally, why


def plan(kills, seed, binary, only):
    """Tasks in an order that gives each kind its share early on."""
    chosen = [s for s in SERIES if only in s[0]]
    have = collections.Counter()
    at = 0
    while at < kills:
        name = min(chosen, key=lambda s: (have[s[0]] + 1) / s[1])[0]
        rounds = min(PER_SERIES if "slow" not in name else 5, kills - at)
        have[name] += rounds / PER_SERIES
        at += rounds
        seed += 1
        yield name, seed, rounds, binary


def report(tallies, seconds):
    total = cycle.Tally()
    print("%-38s %8s %12s %12s %12s" % ("", "kills", "requests", "acknowledged", "broken promises"))
    for name, t in tallies.items():
        total.add(t)
        print("%-38s %8d %12d %12d %12d" % (name, t.kills, t.sent, t.acked, t.broken))
    print("%-38s %8d %12d %12d %12d" % ("all", total.kills, total.sent, total.acked, total.broken))
    print("%.0f s, %.1f kills a second; kinds: %s" % (seconds, total.kills / seconds, ", ".join(
        "%s %d" % x for x in sorted(total.kinds.items()))))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--kills", type=int, default=10000)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--jobs", type=int, default=os.cpu_count())
    a.add_argument("--only", default="", help="series whose name contains this")
    a.add_argument("--bin", default=srv.MEMD.path)
    o = a.parse_args()
    seed = o.seed or int(time.time())
    print("seed %d, %d kills, %s" % (seed, o.kills, o.bin), flush=True)
    tallies, began, told, bad = {}, time.monotonic(), time.monotonic(), []
    disk.shim()  # here, where the end removes it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that who is ended takes his daemons and directories along
    with multiprocessing.Pool(o.jobs) as pool:
        for name, tally, why in pool.imap_unordered(one_series, plan(o.kills, seed * 1000, o.bin, o.only)):
            tallies.setdefault(name, cycle.Tally()).add(tally)
            if why:
                tallies[name].broken += 1
                bad.append(why)
                print(why, flush=True)
                pool.terminate()
                break
            if time.monotonic() - told > 10:
                told = time.monotonic()
                print("%d kills after %d s" % (sum(t.kills for t in tallies.values()), told - began), flush=True)
    report(tallies, time.monotonic() - began)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
