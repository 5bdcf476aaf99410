"""What has expired and stays in memory all the same - while clients are paused, while nothing is to expire, while the
archive has no room - is in no answer of a search and in no total."""
import os
import sqlite3

import pytest

from resp import OK
from server import PATIENCE, let_pass, wait_for

SCHEMA = ("SCHEMA", "n", "NUMERIC", "t", "TAG", "w", "TEXT")


def say(c, *args):
    got = c(*args)
    assert got == OK, (args, got)


def answers(c, name="i"):
    """What is found, by every way of asking for a number or for rows."""
    total, *rows = c("FT.SEARCH", name, "@t:{a}", "LIMIT", 0, 1000)
    keys = sorted(rows[::2])
    assert total == len(keys) and all(r and r != [] for r in rows[1::2])
    assert c("FT.SEARCH", name, "word", "LIMIT", 0, 0) == [total] == c("FT.SEARCH", name, "*", "LIMIT", 0, 0)
    groups = c("FT.AGGREGATE", name, "*", "GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "n")
    assert [int(g[1]) for g in groups[1:]] == ([total] if total else [])
    assert c("FT.TAGVALS", name, "t") == ([b"a"] if total else [])
    flat = c("FT.INFO", name)
    assert flat[flat.index(b"num_docs") + 1] == total
    assert c.pipeline([["MULTI"], ["FT.SEARCH", name, "*", "LIMIT", 0, 0], ["EXEC"]])[-1] == [[total]]
    return keys


def fill(c, n, ms, prefix="d:"):
    """Documents that stay, and as many that expire soon."""
    c.pipeline([["HSET", "%sstay%d" % (prefix, i), "t", "a", "n", i, "w", "word"] for i in range(n)])
    c.pipeline([x for i in range(n) for x in (["HSET", "%sgo%d" % (prefix, i), "t", "a", "n", i, "w", "word"],
                                              ["PEXPIRE", "%sgo%d" % (prefix, i), ms])])


def stay(n, prefix="d:"):
    return sorted(b"%sstay%d" % (prefix.encode(), i) for i in range(n))


HOLDS = {
    "paused": (["CLIENT", "PAUSE", 100000, "WRITE"], ["CLIENT", "UNPAUSE"]),
    "kept": (["DEBUG", "SET-ACTIVE-EXPIRE", 0], ["DEBUG", "SET-ACTIVE-EXPIRE", 1]),
    "no cron": (["DEBUG", "PAUSE-CRON", 1], ["DEBUG", "PAUSE-CRON", 0]),
}


@pytest.mark.parametrize("how", HOLDS)
def test_while_nothing_may_leave(start, how):
    s = start(enable_debug_command="yes")
    c, hold, end = s.conn(), *HOLDS[how]
    say(c, "FT.CREATE", "i", "PREFIX", 1, "d:", *SCHEMA)
    for key in "d:f", "d:g":
        c("HSET", key, "t", "a", "w", "word", "n", 5)
    fill(c, 20, 100000)
    assert len(answers(c)) == 42
    # Counted from EXEC on, d:go0 as the last: however slow all of this is, nothing leaves before it is held.
    pipeline = [["MULTI"], ["HPEXPIRE", "d:f", 40, "FIELDS", 1, "t"], ["HPEXPIRE", "d:g", 40, "FIELDS", 1, "n"]]
    pipeline += [["PEXPIRE", "d:go%d" % i, 40] for i in reversed(range(20))] + [hold, ["EXEC"]]
    c.pipeline(pipeline)
    wait_for(lambda: c("PEXPIRETIME", "d:go0") == -2)
    assert c("FT.SEARCH", "i", "@t:{a}", "LIMIT", 0, 0) == [21]
    assert c("FT.SEARCH", "i", "@n:[5 5]", "NOCONTENT", "SORTBY", "__key") == [2, b"d:f", b"d:stay5"]
    assert c("FT.SEARCH", "i", "*", "LIMIT", 0, 0) == [22] and c("FT.SEARCH", "i", "word", "LIMIT", 0, 0) == [22]
    assert c("DBSIZE") in (42, 41), "they have left, and nothing was tried"
    if how != "paused":
        # An index that comes now finds them there, too.
        say(c, "FT.CREATE", "later", "PREFIX", 1, "d:", *SCHEMA)
        wait_for(lambda: c("FT.SEARCH", "later", "*", "LIMIT", 0, 0) == [22])
        assert c("DEBUG", "CHECK") == OK
    say(c, *end)
    wait_for(lambda: c("DBSIZE") == 22)
    c("HSET", "d:f", "t", "a"), c("DEL", "d:g")
    c("HSET", "d:go1", "t", "a", "w", "word")
    wanted = sorted(stay(20) + [b"d:f", b"d:go1"])
    assert answers(c) == wanted and c("DEBUG", "CHECK") == OK


def test_while_the_archive_has_no_room(start):
    """With archive-on-full refuse they wait for it in memory."""
    s = start(enable_debug_command="yes", archive_queue_size="1mb", namespace="d:* archive expire recall read")
    c = s.conn()
    say(c, "FT.CREATE", "i", "PREFIX", 1, "d:", *SCHEMA)
    say(c, "ARCHIVE.FLUSH")
    held = sqlite3.connect(s.dir + "/archive.db", isolation_level=None, timeout=PATIENCE)
    held.execute("begin immediate")  # nobody else writes to it
    fill(c, 30, 100000)
    c.pipeline([["HSET", "d:go%d" % i, "large", os.urandom(100000)] for i in range(30)])
    assert len(answers(c)) == 60
    c.pipeline([["PEXPIRE", "d:go%d" % i, 1] for i in range(30)])
    let_pass(c, 50)
    assert c("DBSIZE") > 30, "the archive had room for all"
    assert answers(c) == stay(30) and c("DEBUG", "CHECK") == OK
    let_pass(c, 1100)  # they are tried again
    assert c("DBSIZE") > 30 and answers(c) == stay(30)
    held.execute("rollback")
    held.close()
    wait_for(lambda: c("DBSIZE") == 30)
    assert c("HGET", "d:go29", "t") == b"a" == c("HGET", "d:go0", "t")
    assert answers(c) == sorted(stay(30) + [b"d:go0", b"d:go29"]) and c("DEBUG", "CHECK") == OK


def test_what_stayed_is_told_to_the_log_before_data_is_loaded_anew(start):
    """Else what makes the key or the field anew would find the old one when the log is read."""
    s = start(enable_debug_command="yes", appendonly="yes")
    c = s.conn()
    say(c, "FT.CREATE", "i", "PREFIX", 1, "d:", *SCHEMA)
    say(c, "DEBUG", "SET-ACTIVE-EXPIRE", 0)
    c("HSET", "d:key", "n", 5, "t", "a", "w", "old"), c("HSET", "d:field", "n", 5, "t", "a", "w", "word")
    c("PEXPIRE", "d:key", 1), c("HPEXPIRE", "d:field", 1, "FIELDS", 1, "n")
    let_pass(c, 5)
    assert c("FT.SEARCH", "i", "*", "NOCONTENT") == [1, b"d:field"], "they are looked at, and put off"
    say(c, "DEBUG", "RELOAD")
    c("HINCRBY", "d:key", "n", 1), c("HINCRBY", "d:field", "n", 1)
    want = [{b"n": b"1"}, {b"n": b"1", b"t": b"a", b"w": b"word"}]

    def there(c):
        return [dict(zip(flat[::2], flat[1::2])) for flat in (c("HGETALL", "d:key"), c("HGETALL", "d:field"))]
    assert there(c) == want
    s.restart(kill=True)
    assert there(s.conn()) == want
