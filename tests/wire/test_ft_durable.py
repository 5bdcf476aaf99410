"""Indexes and what ends them: FT.DROPINDEX DD beside loading, scans and queues."""
import resp
from resp import Err, OK
from server import wait_for

CREATE = ["FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TAG"]


def fill(c, n, at_once=2000):
    for i in range(0, n, at_once):
        c.pipeline([["HSET", "d:%d" % k, "t", "x%d" % k] for k in range(i, min(n, i + at_once))])


def test_dd_deletes_what_was_written_a_moment_before(c):
    replies = c.pipeline([CREATE] + [["HSET", "d:%d" % i, "t", "x"] for i in range(50)] + [["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]])
    assert replies[-2:] == [OK, 0]
    c.pipeline([CREATE, ["MULTI"], ["HSET", "d:1", "t", "x"], ["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]])
    assert c("EXEC") == [1, OK, 0]


def test_dd_deletes_what_the_scan_has_yet_to_find(start):
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    fill(c, 20000)
    assert c.pipeline([CREATE, ["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]]) == [OK, OK, 0]
    fill(c, 20000)
    c(*CREATE)
    s.restart(kill=True)
    c = s.conn()
    assert c.pipeline([["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]]) == [OK, 0], "the scan after a start"
    fill(c, 20000)
    c.pipeline([CREATE, ["MULTI"], ["FT.DROPINDEX", "i", "DD"]])
    assert c("EXEC") == [OK]
    wait_for(lambda: c("DBSIZE") == 0, "a transaction does not wait, but they go")
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == 0


def test_what_came_after_a_temporary_index_was_dropped_stays(start):
    """Reading the log drops it again, and deletes nothing."""
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    c(*CREATE[:5], "TEMPORARY", 1000, *CREATE[5:])
    fill(c, 10)
    assert c("FT.DROPINDEX", "i") == OK
    assert c("DBSIZE") == 0, "documents of a temporary index go with it"
    fill(c, 10)
    s.restart(kill=True)
    c = s.conn()
    assert (c("DBSIZE"), c("FT._LIST")) == (10, [])
    assert c("DEBUG", "CHECK") == OK and c("DBSIZE") == 10


def test_who_waits_for_dd_hears_of_it_when_data_is_loaded_anew(start):
    s = start(enable_debug_command="yes")
    c, d = s.conn(), s.conn()
    c(*CREATE)
    fill(c, 60000, 10000)
    c.send("FT.DROPINDEX", "i", "DD")
    wait_for(lambda: d("FT._LIST") == [])
    left = d.pipeline([["DEBUG", "RELOAD"], ["DBSIZE"]])
    assert left[0] == OK
    said = c.read()
    assert said == OK and left[1] == 0 or said == Err(
        "ERR Data was loaded anew before all documents of the index were deleted: some may be left") and left[1] > 0
    c.close()
    assert d("PING") == resp.Simple("PONG") and d("DBSIZE") == left[1]
