"""What leaves memory while memd is killed or the power fails: in the archive or in memory, once. The short form of
`make crash T=archive`."""
import os
import time

import pytest

import archive

SEED = int(os.environ.get("MEMD_CRASH_SEED", "41")) or int(time.time())
pytestmark = pytest.mark.memd_only


def live(c, kinds):
    print("seed", SEED)
    try:
        for kind in kinds:
            c.one_round(kind)
        print(c.tally, "%d departures" % c.departed)
        assert c.tally.acked > 0 and c.departed > 100
    finally:
        c.destroy()


@pytest.mark.parametrize("mode, kinds", [("always", ["random", "rewrite", "start", "shutdown"]),
                                         ("everysec", ["random", "rewrite"])])
def test_after_kill_9_what_left_is_in_the_archive_once(mode, kinds):
    live(archive.ArchiveCycle(mode, SEED), kinds)


def test_evicted_keys_are_neither_lost_nor_doubled_by_kill_9():
    live(archive.ArchiveCycle("everysec", SEED, evictions=True), ["random", "random"])


def test_a_new_base_does_not_come_before_the_archive():
    live(archive.HeldCycle("always", SEED), ["rewrite"] * 3)


@pytest.mark.parametrize("mode", ["always", "everysec"])
def test_after_a_power_cut_what_left_is_in_the_archive_once(mode):
    live(archive.ArchivePowerCycle(mode, SEED), ["random", "rewrite", "random"])
