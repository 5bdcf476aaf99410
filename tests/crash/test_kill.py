"""kill -9, again and again: what was acknowledged is there, in order, whole. The short form of `make crash`.

    MEMD_CRASH_SEED    the seed (default fixed; 0: from the clock). A failure prints it."""
import os
import time

import pytest

import cycle
import evict
import resp
import server as srv
import slices
import stores
from writers import Load

SEED = int(os.environ.get("MEMD_CRASH_SEED", "97")) or int(time.time())
pytestmark = pytest.mark.memd_only


@pytest.fixture
def cycles():
    """cycles(mode, ...): a Cycle that is cleared away."""
    made = []

    def new(mode, kind=cycle.Cycle, **more):
        print("seed", SEED)
        made.append(kind(mode, SEED, **more))
        return made[-1]

    yield new
    for c in made:
        c.destroy()


@pytest.mark.parametrize("mode, kinds", [
    ("always", ["random", "rewrite", "bgsave", "start", "shutdown", "turn on", "reload", "rewrite"]),
    ("everysec", ["random", "rewrite", "start", "shutdown", "turn on", "reload"]),
    ("no", ["random", "rewrite", "turn on"])])
def test_what_was_acknowledged_survives_kill_9(cycles, mode, kinds):
    c = cycles(mode)
    c.rounds(kinds)


def test_without_a_log_a_kill_leaves_the_last_complete_snapshot(cycles):
    c = cycles("snapshot")
    c.rounds(["bgsave", "shutdown", "bgsave", "random", "become anew", "reload", "start"])


@pytest.mark.parametrize("mode", ["always", "everysec"])
def test_an_evicted_key_stays_gone_and_the_others_are_the_newest(cycles, mode):
    c = cycles(mode, evict.EvictCycle)
    for kind in ("random", "random", "rewrite"):
        c.one_round(kind)
    print(c.tally, "%d evictions, %d of them seen" % (c.evicted, sum(x.evicted for x in c.clients)))
    assert c.evicted > 0


@pytest.mark.parametrize("mode, kind", [("always", slices.SliceCycle), ("everysec", slices.SliceCycle), ("always", slices.SlicePowerCycle)])
def test_what_goes_on_in_slices_is_there_as_it_was_told(cycles, mode, kind):
    c = cycles(mode, kind)
    for what in ("unlink", "copy", "unlink", "dump", "alter"):
        c.one_round(what)


@pytest.mark.parametrize("mode, kind", [("always", stores.StoreCycle), ("everysec", stores.StoreCycle), ("always", stores.StorePowerCycle)])
def test_what_is_stored_in_slices_is_whole_and_of_one_moment(cycles, mode, kind):
    c = cycles(mode, kind)
    for what in ("set", "zset", "list"):
        c.one_round(what)


def digest(c, conn):
    """Of all that does not expire while the test runs."""
    for w in c.writers:
        conn("SELECT", w.db)
        conn("DEL", w.prefix + b"ht", *[w.prefix + b"t%d" % i for i in range(8)])
    conn("SELECT", 0)
    return conn("DEBUG", "DIGEST")


def test_restarts_rewrites_and_snapshots_change_nothing(cycles):
    c = cycles("always")
    c.one_round("random")
    s = c.server
    s.start()
    load = Load(s, c.writers)
    load.run(time.monotonic() + 0.1)
    load.drain()
    load.close()
    want = digest(c, s.conn())
    s.restart(kill=True)
    assert digest(c, s.conn()) == want, "after a kill and a start"
    s.restart(kill=True)
    assert digest(c, s.conn()) == want, "after another, without traffic"
    admin = s.conn()
    before = int(admin.info("persistence")["aof_rewrites"])  # growth may have asked for one at the start
    admin("BGREWRITEAOF")
    srv.wait_for(lambda: int(admin.info("persistence")["aof_rewrites"]) > before)
    s.restart(kill=True)
    assert digest(c, s.conn()) == want, "from the log rewritten"
    assert s.conn()("SAVE") == resp.OK
    s.restart(kill=True, appendonly="no")
    assert digest(c, s.conn()) == want, "from the snapshot"
