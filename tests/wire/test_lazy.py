"""Large things go away without anybody waiting for it.

No test here reads a clock to decide: that the reactor was not held is seen from the order of events.
Other clients are answered between the slices of a long command, and objects are freed by a helper
(lazyfree_pending_objects, lazyfreed_objects)."""
import pytest

from resp import OK
from server import wait_for


def populate(c, n, size=None):
    assert c("DEBUG", "POPULATE", n, "key", *([size] if size else [])) == OK


def wait_freed(c, bound):
    wait_for(lambda: c.info("memory")["lazyfree_pending_objects"] == "0")
    wait_for(lambda: int(c.info("memory")["used_memory"]) < bound)


@pytest.mark.parametrize("flush", [["FLUSHALL", "ASYNC"], ["FLUSHDB", "ASYNC"], ["FLUSHALL", "SYNC"], ["FLUSHDB"]])
def test_flushing_many_keys_gives_the_memory_back(start, flush):
    s = start(enable_debug_command="yes")
    c = s.conn()
    before = int(c.info("memory")["used_memory"])
    populate(c, 300000)
    assert int(c.info("memory")["used_memory"]) > before + 10000000
    assert c(*flush) == OK
    assert c("DBSIZE") == 0
    wait_freed(c, before + 2000000)
    populate(c, 1000)
    assert c("DBSIZE") == 1000


@pytest.mark.parametrize("kind", ["RPUSH", "SADD", "HSET"])
def test_unlinking_a_large_value_frees_it_on_the_side(start, kind):
    s = start()
    c = s.conn()
    before = int(c.info("memory")["used_memory"])
    for at in range(0, 200000, 1000):
        c(kind, "k", *[x for i in range(at, at + 1000) for x in (["f%d" % i, "v" * 20] if kind == "HSET" else ["member:%d" % i])])
    c("CONFIG", "RESETSTAT")
    assert c("UNLINK", "k") == 1
    assert c("EXISTS", "k") == 0
    wait_freed(c, before + 1000000)
    assert int(c.info("memory")["lazyfreed_objects"]) >= 1
    c("CONFIG", "RESETSTAT")
    assert c.info("memory")["lazyfreed_objects"] == "0"


@pytest.mark.parametrize("how", [["DEL", "k"], ["SET", "k", "v"], ["RENAME", "other", "k"], ["EXPIRE", "k", "-1"], ["LTRIM", "k", 1, 0]])
def test_any_way_to_lose_a_large_list_gives_its_memory_back(c, how):
    before = int(c.info("memory")["used_memory"])
    for _ in range(100):
        c("RPUSH", "k", *["x" * 100] * 1000)
    c("SET", "other", "v")
    c(*how)
    wait_freed(c, before + 2000000)


@pytest.mark.memd_only
def test_others_are_served_while_a_flush_is_under_way(start):
    """A flush is one step for its caller; freeing goes on behind it: the pending count is seen falling
    by clients that are answered meanwhile."""
    s = start(enable_debug_command="yes")
    c, other = s.conn(), s.conn()
    populate(c, 1000000)
    c.send("FLUSHALL", "ASYNC")
    other.send("PING")
    other.read()
    assert c.read() == OK
    assert other("SET", "new", "v") == OK and other("DBSIZE") == 1
    wait_for(lambda: other.info("memory")["lazyfree_pending_objects"] == "0")


@pytest.mark.memd_only
def test_a_snapshot_takes_no_second_process(start):
    s = start(enable_debug_command="yes", save="3600 1")
    c = s.conn()
    populate(c, 100000)
    c("BGSAVE")
    with open("/proc/%d/task/%d/children" % (s.pid, s.pid)) as f:
        assert f.read().strip() == ""
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
