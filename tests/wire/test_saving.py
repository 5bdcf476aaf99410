"""SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, save rules and what INFO says of them: as a stock server has it."""
import os
import re

import pytest

import shim
from resp import OK, Err, Simple
from server import wait_for

SLOW = 1000000  # microseconds a key: nothing ends before it is let go


@pytest.fixture
def both(start, reference):
    """The same to memd and to the stock server; what they answer must be equal."""
    servers = [start(enable_debug_command="yes"), reference]
    conns = [s.conn() for s in servers]

    class Both:
        def __call__(self, *args):
            a, b = (c(*args) for c in conns)
            assert a == b, args
            return a

        def info(self, *fields):
            a, b = ({f: c.info("persistence", "stats")[f] for f in fields} for c in conns)
            assert a == b
            return a

        def wait(self, **fields):
            for c in conns:
                wait_for(lambda: all(c.info("persistence")[f] == v for f, v in fields.items()))

    both = Both()
    both.servers, both.conns = servers, conns
    return both


def fill(c, n=100):
    for i in range(n):
        c("SET", "k%d" % i, i)


IDLE = {"rdb_bgsave_in_progress": "0", "aof_rewrite_in_progress": "0", "aof_rewrite_scheduled": "0"}
COUNTS = ("rdb_changes_since_last_save", "rdb_bgsave_in_progress", "rdb_last_bgsave_status", "rdb_current_bgsave_time_sec",
          "aof_rewrite_in_progress", "aof_rewrite_scheduled", "aof_last_bgrewrite_status", "aof_enabled",
          "aof_current_rewrite_time_sec", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded", "aof_last_write_status")


@pytest.mark.memd_only
def test_words_and_nonsense(both):
    for words in (["SAVE"], ["SAVE", "x"], ["BGSAVE", "x"], ["BGSAVE", "SCHEDULE", "x"], ["LASTSAVE", "x"],
                  ["BGREWRITEAOF", "x"], ["MULTI"], ["SAVE"], ["BGSAVE"], ["EXEC"], ["CONFIG", "GET", "save"],
                  ["CONFIG", "SET", "save", "900 1 5 1"], ["CONFIG", "GET", "save"], ["CONFIG", "SET", "save", "900"],
                  ["CONFIG", "SET", "save", "a b"], ["CONFIG", "SET", "save", "900 0"], ["CONFIG", "SET", "save", "0 1"],
                  ["CONFIG", "SET", "save", ""], ["CONFIG", "SET", "rdbchecksum", "no"], ["CONFIG", "GET", "rdbcompression"],
                  ["CONFIG", "SET", "rdbcompression", "maybe"], ["CONFIG", "SET", "rdbcompression", "no"],
                  ["CONFIG", "SET", "dbfilename", "a/b"], ["CONFIG", "GET", "dbfilename"]):
        both(*words)


@pytest.mark.memd_only
def test_one_after_the_other_and_at_once(both):
    fill(both)
    assert both.info(*COUNTS)["rdb_changes_since_last_save"] == "100"
    assert both("SAVE") == OK
    assert both.info(*COUNTS)["rdb_changes_since_last_save"] == "0"
    both("CONFIG", "SET", "rdb-key-save-delay", SLOW)
    fill(both, 7)
    assert both("BGSAVE") == Simple("Background saving started")
    progress = both.info("current_save_keys_total", *COUNTS)
    assert progress["rdb_bgsave_in_progress"] == "1" and progress["current_save_keys_total"] == "100"
    for words in (["BGSAVE"], ["BGSAVE", "SCHEDULE"], ["SAVE"]):
        assert both(*words) == Err("ERR Background save already in progress")
    for _ in range(2):
        assert both("BGREWRITEAOF") == Simple("Background append only file rewriting scheduled")
    assert both.info("aof_rewrite_scheduled") == {"aof_rewrite_scheduled": "1"}
    fill(both, 5)  # they are counted from the beginning of the save
    assert both.info("rdb_changes_since_last_save") == {"rdb_changes_since_last_save": "12"}
    both("CONFIG", "SET", "rdb-key-save-delay", 0)
    for s, pid in zip(both.servers, children(both)):
        if pid:
            os.kill(pid, 9)  # the stock server's child would go on as slowly as it began
    both.wait(**IDLE)


def children(both):
    """The saving child of the stock server."""
    pid = both.servers[1].pid
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [0] + [int(w) for w in f.read().split()]


@pytest.mark.memd_only
def test_a_save_waits_for_a_rewrite_when_it_may(both):
    fill(both)
    both("CONFIG", "SET", "rdb-key-save-delay", SLOW)
    assert both("BGREWRITEAOF") == Simple("Background append only file rewriting started")
    assert both("BGREWRITEAOF") == Err("ERR Background append only file rewriting already in progress")
    assert isinstance(both("BGSAVE"), Err)
    assert both("BGSAVE", "SCHEDULE") == Simple("Background saving scheduled")
    both.info("aof_rewrite_in_progress", "rdb_bgsave_in_progress")


@pytest.mark.memd_only
def test_progress_is_told_and_ends(start):
    s = start(rdb_key_save_delay=SLOW)
    c = s.conn()
    fill(c, 300)
    before = c("LASTSAVE")
    assert c("BGSAVE") == Simple("Background saving started")
    seen = []
    for delay in (SLOW, 1000, 0):
        c("CONFIG", "SET", "rdb-key-save-delay", delay)
        i = c.info("persistence")
        if i["rdb_bgsave_in_progress"] == "0":
            break
        seen.append(int(i["current_save_keys_processed"]))
        assert i["current_save_keys_total"] == "300" and i["rdb_last_save_time"] == str(before)
        assert re.fullmatch(r"\d+\.\d\d", i["current_fork_perc"])
    assert seen and seen == sorted(seen) and seen[0] < 300 and max(seen) <= 300
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
    i = c.info("persistence")
    assert (i["current_save_keys_processed"], i["current_save_keys_total"]) == ("0", "0")
    assert i["rdb_last_bgsave_status"] == "ok" and i["rdb_changes_since_last_save"] == "0"
    assert c("LASTSAVE") >= before


def test_a_failed_save_shows(start):
    s = start(save="1000 1000")
    c = s.conn()
    fill(c, 3)
    os.mkdir(os.path.join(s.dir, "dump.rdb"))  # nothing can be renamed over it
    before = c("LASTSAVE")
    assert isinstance(c("SAVE"), Err)
    c("BGSAVE")
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
    i = c.info("persistence")
    assert i["rdb_last_bgsave_status"] == "err" and i["rdb_changes_since_last_save"] == "3" and c("LASTSAVE") == before
    assert c("SET", "k", "v").startswith("MISCONF")
    assert c("GET", "k0") == b"0"
    os.rmdir(os.path.join(s.dir, "dump.rdb"))
    assert c("SAVE") == OK
    assert c("SET", "k", "v") == OK
    assert [f for f in os.listdir(s.dir) if f.startswith("temp")] == []


def saved_since(c, before):
    i = c.info("persistence")
    return i["rdb_bgsave_in_progress"] == "0" and i["rdb_changes_since_last_save"] == "0" and int(i["rdb_saves"]) > before


@pytest.mark.parametrize("how", ["plain", "script", "transaction"])
def test_what_was_flushed_does_not_come_back_where_there_are_rules(start, how):
    s = start(save="100000 1")
    c = s.conn()
    fill(c)
    assert c("SAVE") == OK
    saves = int(c.info("persistence")["rdb_saves"])
    if how == "plain":
        c("FLUSHALL")
    elif how == "script":
        c("EVAL", "return redis.call('FLUSHALL')", 0)
    else:
        c("MULTI"), c("FLUSHALL"), c("EXEC")
    wait_for(lambda: saved_since(c, saves))
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == 0


def test_without_rules_a_flush_saves_nothing(start):
    s = start()
    c = s.conn()
    fill(c)
    assert c("SAVE") == OK
    c("FLUSHALL")
    c("SET", "k", "v")
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == 100


def test_rules_count_changes_and_seconds(start):
    s = start(save=["1 10", "100000 1"])
    c = s.conn()
    fill(c, 9)
    assert c.info("persistence")["rdb_saves"] == "0"
    c("SET", "tenth", 1)
    wait_for(lambda: saved_since(c, 0))
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == 10


@pytest.fixture
def slow(start):
    """A disk whose syncs take a while: what a test does meanwhile is done before they end."""
    return start(env={"LD_PRELOAD": shim.build("slow_sync"), "SHIM_SYNC_MS": "300"}, save="900 1")


def test_settings_may_change_while_a_save_is_put_in_its_place(slow):
    c = slow.conn()
    c("SET", "k", "v")
    for _ in range(2):  # the second one keeps the first
        assert c("BGSAVE") == Simple("Background saving started")
        i = 0
        while c.info("persistence")["rdb_bgsave_in_progress"] == "1":
            i += 1
            assert c("CONFIG", "SET", "save", "900 %d" % (i + 1)) == OK
            c.pipeline([("SET", "k%d.%d" % (i, k), "y" * (k % 60)) for k in range(100)])  # takes the memory that was freed
        assert i > 10 and c.info("persistence")["rdb_last_bgsave_status"] == "ok", slow.log()


def test_save_does_not_wait_for_the_one_that_flushall_began(slow):
    c = slow.conn()
    c("SET", "k", "v")
    assert c("FLUSHALL") == OK and c("SET", "after", "1") == OK
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "1")
    assert c("SAVE") == OK
    slow.restart(kill=True)
    assert slow.conn()("KEYS", "*") == [b"after"]
