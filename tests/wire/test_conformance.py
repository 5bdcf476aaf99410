"""Behaviour that the test suites of the stock servers check and that one would not think of."""
import socket
import time

import pytest

from resp import Err, NIL_ARRAY, OK, Simple
from server import free_port, let_pass, set_and_watch, wait_for

PONG = Simple("PONG")
BAD_PAYLOAD = Err("ERR DUMP payload version or checksum are wrong")


def fields_of(line):
    return dict(f.split("=", 1) for f in line.decode().split())


# --- DUMP and RESTORE ---------------------------------------------------------------------------

def test_every_type_comes_back_from_its_dump(c):
    c("SET", "s", "v" * 5000)
    c("SET", "n", 12345)
    c("RPUSH", "l", *range(300))
    c("SADD", "set", "a", "b", 1)
    c("HSET", "h", "f", "v", "g", "w")
    for key in ("s", "n", "l", "set", "h"):
        payload = c("DUMP", key)
        before = c("DEBUG", "DIGEST-VALUE", key)
        assert c("RESTORE", "copy", 0, payload, "REPLACE") == OK
        assert c("DEBUG", "DIGEST-VALUE", "copy") == before
        assert c("TTL", "copy") == -1
    assert c("DUMP", "nothing") is None


def test_restore_refuses_what_it_cannot_use(c):
    c("SET", "a", "1")
    payload = c("DUMP", "a")
    assert c("RESTORE", "a", 0, payload) == Err("BUSYKEY Target key name already exists.")
    assert c("RESTORE", "b", -1, payload) == Err("ERR Invalid TTL value, must be >= 0")
    assert c("RESTORE", "b", 2 ** 63 - 1, payload) == Err("ERR Invalid TTL value, must be >= 0")
    assert c("RESTORE", "b", 0, payload[:-1]) == BAD_PAYLOAD
    assert c("RESTORE", "b", 0, b"x" + payload[1:]) == BAD_PAYLOAD
    assert c("RESTORE", "b", 0, payload, "IDLETIME", -1) == Err("ERR Invalid IDLETIME value, must be >= 0")
    assert c("RESTORE", "b", 0, payload, "FREQ", 256) == Err("ERR Invalid FREQ value, must be >= 0 and <= 255")
    assert c("RESTORE", "b", 0, payload, "FREQ", 1, "IDLETIME", 1) == Err("ERR syntax error")
    assert c("EXISTS", "b") == 0


def test_restore_sets_times(c):
    c("SET", "a", "1")
    payload = c("DUMP", "a")
    c("RESTORE", "b", 50000, payload, "IDLETIME", 1000)
    assert 20000 < c("PTTL", "b") <= 50000
    assert 1000 <= c("OBJECT", "IDLETIME", "b") <= 1100
    at = int((time.time() + 100) * 1000)
    c("RESTORE", "b", at, payload, "REPLACE", "ABSTTL")
    assert c("PEXPIRETIME", "b") == at
    assert c("RESTORE", "b", 1, payload, "REPLACE", "ABSTTL") == OK
    assert c("EXISTS", "b") == 0


# --- MONITOR, CLIENT ----------------------------------------------------------------------------

def test_monitor_shows_exec_after_its_commands_and_a_waiting_one_once(server, c):
    monitor, waiter = server.conn(), server.conn()
    monitor("MONITOR")
    c("MULTI")
    c("SET", "k", "v")
    c("EXEC")
    waiter.send("BLPOP", "l", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1" or None)
    c("RPUSH", "l", "x")
    assert waiter.read() == [b"l", b"x"]
    c("ECHO", "end")
    seen = []
    while not seen or seen[-1] != '"echo"':
        word = str(monitor.read()).split("] ")[1].split()[0].lower()
        if word != '"info"':
            seen.append(word)
    assert seen == ['"multi"', '"set"', '"exec"', '"blpop"', '"rpush"', '"echo"']


def test_client_list_tells_of_the_request_itself(c):
    me = fields_of(c("CLIENT", "INFO"))
    assert me["cmd"] == "client|info"
    assert me["omem"] == "0"
    assert int(me["qbuf"]) > 0


def test_a_request_that_waits_is_counted_when_it_ends(server, c):
    waiter = server.conn()
    waiter_id = waiter("CLIENT", "ID")
    c("CONFIG", "RESETSTAT")

    def counted():
        return int(fields_of(c("CLIENT", "LIST", "ID", waiter_id))["tot-cmds"])

    before = counted()
    waiter.send("BLPOP", "l", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1" or None)
    assert counted() == before
    c("CLIENT", "UNBLOCK", waiter_id)
    assert waiter.read() == NIL_ARRAY
    assert counted() == before + 1
    assert c.info("commandstats")["cmdstat_blpop"].startswith("calls=1,")


@pytest.mark.memd_only
def test_what_a_script_and_a_transaction_run_counts_as_well(c):
    def counted():
        return int(fields_of(c("CLIENT", "INFO"))["tot-cmds"])

    before = counted()
    c("EVAL", "redis.call('PING') redis.call('PING')", 0)
    assert counted() == before + 1 + 3
    for request in (["MULTI"], ["PING"], ["PING"], ["EXEC"]):
        c(*request)
    assert counted() == before + 1 + 3 + 1 + 4
    c("NOSUCH")
    assert counted() == before + 1 + 3 + 1 + 4 + 1


@pytest.mark.memd_only
def test_subscribing_is_confirmed_with_replies_off(c3):
    c3.send("CLIENT", "REPLY", "OFF")
    c3.send("SUBSCRIBE", "ch")
    c3.send("PING")
    c3.send("UNSUBSCRIBE", "ch")
    assert list(c3.read())[:2] == [b"subscribe", b"ch"]
    assert list(c3.read())[:2] == [b"unsubscribe", b"ch"]


# --- pausing and expiry -------------------------------------------------------------------------

def test_paused_clients_count_as_blocked_and_nothing_expires(server, c):
    other = server.conn()
    c("MULTI"), c("SET", "k", "v", "PX", 20), c("CLIENT", "PAUSE", 100000, "WRITE")
    assert c("EXEC") == [OK, OK]
    other.send("SET", "x", 1)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1" or None)
    wait_for(lambda: c("EXISTS", "k") == 0 or None)
    time.sleep(0.3)
    assert c("DBSIZE") == 1
    c("CLIENT", "UNPAUSE")
    assert other.read() == OK
    wait_for(lambda: c("DBSIZE") == 1 or None)
    assert c("KEYS", "*") == [b"x"]


def test_a_watched_key_that_expires_unseen_spoils_exec(c):
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    let_pass(c, set_and_watch(c, "k"))
    c("MULTI")
    c("PING")
    assert c("EXEC") == NIL_ARRAY
    c("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_a_key_that_had_expired_before_watch_spoils_nothing(c):
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    c("SET", "k", 1, "PX", 1)
    let_pass(c, 2)
    c("SELECT", 1)
    c("WATCH", "k")
    c("SWAPDB", 0, 1)
    c("MULTI")
    c("PING")
    assert c("EXEC") == [PONG]
    c("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    c("SWAPDB", 0, 1)


# --- settings and COMMAND -----------------------------------------------------------------------

def test_the_port_can_change_and_stays_when_the_new_one_is_taken(start):
    server = start()
    c = server.conn()
    before = c("CONFIG", "GET", "port", "maxmemory")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        e = c("CONFIG", "SET", "maxmemory", "10mb", "port", port)
        assert "(possibly related to argument 'port') - Unable to listen on this port" in str(e)
    assert c("CONFIG", "GET", "port", "maxmemory") == before
    assert server.conn()("PING") == PONG
    server.port = free_port()
    assert c("CONFIG", "SET", "port", server.port) == OK
    assert server.conn()("PING") == PONG


def test_command_tells_subcommands_and_what_set_does_to_its_key(c):
    assert b"client|list" in c("COMMAND", "LIST")
    assert c("COMMAND", "GETKEYSANDFLAGS", "SET", "k", "v") == [[b"k", [Simple("OW"), Simple("update")]]]
    assert c("COMMAND", "GETKEYSANDFLAGS", "SET", "k", "v", "GET") == [[b"k", [Simple("RW"), Simple("access"), Simple("update")]]]
