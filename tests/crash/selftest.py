#!/usr/bin/env python3
"""Would the tests notice? A build for each planted mistake (base/planted.h), and the series that must find it.

    tests/crash/selftest.py [--seconds 300] [--seed n] [--only PART]

Kills alone cannot see the first four, as what was written survives them: these are for the power cuts."""
import argparse
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, "../lib"), HERE]

import run  # noqa: E402

FINDERS = [
    ("bug-reply-before-sync", "power cut, always"),
    ("bug-no-directory-sync", "power cut, always"),
    ("bug-ignored-sync-error", "power cut and failing syncs, always"),
    ("bug-same-descriptor-again", "power cut and failing syncs, always"),
    ("bug-batch-twice", "kill, always"),
    ("bug-last-record-dropped", "kill, always"),
    ("bug-exec-not-atomic", "kill, always"),
    ("bug-clock-at-load", "kill, snapshots"),
    ("bug-archived-before-sync", "archive, power cut, everysec"),
    ("bug-note-apart", "archive, power cut, always"),
    ("bug-applied-not-stored", "archive, kill, always"),
    ("bug-base-before-archive", "archive, rewrites and a slow archive"),
]
ROUNDS = 10


def build(mode):
    subprocess.run(["make", "-s", "-C", ROOT, "-j%d" % os.cpu_count(), "MODE=" + mode, "binary"], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(ROOT, "build", mode, "memd")


def hunt(binary, series, seed, seconds):
    """-> (kills, what was found or None)."""
    end, kills = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        seed += 1
        _, tally, why = run.one_series((series, seed, ROUNDS, binary))
        kills += tally.kills + bool(why)
        if why:
            return kills, why
    return kills, None


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--seconds", type=float, default=300, help="for each")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--only", default="")
    o = a.parse_args()
    seed, missed = o.seed or int(time.time()), []
    print("seed %d" % seed, flush=True)
    for bug, series in FINDERS:
        if o.only not in bug:
            continue
        binary, began = build(bug), time.monotonic()
        kills, why = hunt(binary, series, seed * 1000, o.seconds)
        took = time.monotonic() - began
        if why:
            reason = why.replace("\n", " ")
            print("%-26s found after %d kills, %.0f s, by %.200s" % (bug, kills, took, reason), flush=True)
        else:
            missed.append(bug)
            print("%-26s NOT FOUND by '%s' in %d kills, %.0f s" % (bug, series, kills, took), flush=True)
    sys.exit("missed: " + ", ".join(missed) if missed else 0)


if __name__ == "__main__":
    main()
