"""Random commands of all kinds over several connections at once, then all is right: the short form of `make storm`.

    MEMD_STORM_SEED    the seed (default fixed; 0: from the clock). A failure prints it."""
import os
import time

import pytest

import storm

SEED = int(os.environ.get("MEMD_STORM_SEED", "20261121")) or int(time.time())
pytestmark = pytest.mark.memd_only


def test_after_a_storm_all_invariants_hold_and_a_start_finds_what_was_there():
    print("seed", SEED)
    storm.run(SEED, 20000)


def test_after_a_storm_of_what_takes_long_and_an_end_in_its_midst_too():
    print("seed", SEED)
    storm.run(SEED, 0, 1200)


@pytest.mark.parametrize("loss", ["key", "document", "index"])
def test_what_a_start_would_not_find_is_noticed(start, loss):
    """The proof itself: a server that lost something on its way through a restart is told apart."""
    s = start(enable_debug_command="yes", appendonly="yes", appendfsync="always")
    c = s.conn()
    c("FT.CREATE", "i", "SCHEMA", "t", "TEXT")
    c("HSET", "d", "t", "a")
    c("SET", "k", "v")
    was = storm.answers(c)
    c(*{"key": ["DEL", "k"], "document": ["RENAME", "d", "e"], "index": ["FT.DROPINDEX", "i"]}[loss])
    with pytest.raises(AssertionError):
        storm.compare(was, storm.answers(c), "after an end")
