"""Clients that end while something is done with them or by them: killed from within a transaction, evicted while another is served,
cut off by a change of their own rights. Nothing of them may be left; under the address sanitizer nothing of them may be touched."""
import pytest
import resp
from resp import Err
from server import wait_for

pytestmark = pytest.mark.memd_only


def id_of(c):
    return c("CLIENT", "ID")


def nobody_is_left(s, c):
    wait_for(lambda: c.info("clients")["connected_clients"] == "1", "clients stay")
    info = c.info("clients")
    assert info["blocked_clients"] == "0" and info["total_watched_keys"] == "0" and info["total_blocking_keys"] == "0"
    assert c("DEBUG", "CHECK") == resp.OK


@pytest.fixture
def s(start):
    return start(enable_debug_command="yes", notify_keyspace_events="KEA")


def test_a_transaction_kills_those_that_wait_for_what_it_writes(s):
    """redis 15094: CLIENT KILL inside EXEC."""
    c = s.conn()
    waiting = [s.conn() for _ in range(5)]
    for w in waiting:
        w.send("BLPOP", "l", "0")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "5")
    ids = [line.split(b" ")[0][3:] for line in c("CLIENT", "LIST").split(b"\n") if b"flags=b" in line]
    assert len(ids) == 5
    got = c.pipeline([["MULTI"], ["RPUSH", "l", "1", "2", "3", "4", "5"]] + [["CLIENT", "KILL", "ID", i] for i in ids] +
                     [["LPOP", "l"], ["EXEC"]])[-1]
    assert got[0] == 5 and got[1:6] == [1] * 5
    assert all(w.is_closed() for w in waiting)
    nobody_is_left(s, c)


@pytest.mark.parametrize("skipme", ["yes", "no"])
def test_a_transaction_kills_its_own_client(s, skipme):
    c, me = s.conn(), s.conn()
    me.send_raw(b"".join(resp.encode(r) for r in [
        ["WATCH", "k"], ["MULTI"], ["SET", "k", "v"], ["CLIENT", "KILL", "ID", id_of(me), "SKIPME", skipme], ["SET", "k", "w"], ["EXEC"],
        ["SET", "k", "behind"]]))
    if skipme == "no":
        me.read_to_end()
        assert c("GET", "k") == b"w", "the transaction is whole, and what comes behind it is not run"
    else:
        assert [me.read() for _ in range(7)][-1] == resp.OK
        me.close()
    nobody_is_left(s, c)


def test_a_subscriber_is_killed_by_the_message_he_is_sent(s):
    c, other = s.conn(), s.conn()
    subscribers = [s.conn() for _ in range(4)]
    for q in subscribers:
        assert q("SUBSCRIBE", "ch", "__keyevent@0__:set")
        q.read()
    c.pipeline([["MULTI"], ["PUBLISH", "ch", "m"], ["CLIENT", "KILL", "TYPE", "pubsub"], ["PUBLISH", "ch", "n"], ["SET", "k", "v"], ["EXEC"]])
    assert all(q.is_closed() for q in subscribers)
    assert other("PUBLISH", "ch", "m") == 0
    other.close()
    nobody_is_left(s, c)


def test_scripts_and_functions_kill_nobody(s):
    c = s.conn()
    for command in ("redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')", "redis.call('CLIENT', 'UNBLOCK', '1')", "redis.call('CLIENT', 'PAUSE', '1')"):
        assert "not allowed from script" in str(c("EVAL", "return " + command, 0))
    assert c("PING") == resp.PONG


def test_who_unblocks_is_evicted_and_who_is_unblocked_too(s):
    """CVE-2026-23479, redis 15594: a waiter is served while the limit on clients' memory takes him or another."""
    c = s.conn()
    assert c("CLIENT", "NO-EVICT", "on") == resp.OK
    c("CONFIG", "SET", "maxmemory-clients", "0")
    large = []
    for i in range(8):
        w = s.conn()
        w.send_raw(resp.encode(["BLPOP", "l%d" % i, "0"]) + b"*2\r\n$4\r\nECHO\r\n$900000\r\n" + b"x" * 700000)
        large.append(w)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "8")
    wait_for(lambda: int(c.info("memory")["mem_clients_normal"]) > 4 << 20)
    # All at once: the limit, what they wait for, and words to those that may be gone.
    ids = [line.split(b" ")[0][3:] for line in c("CLIENT", "LIST").split(b"\n") if b"flags=b" in line]
    got = c.pipeline([["MULTI"], ["CONFIG", "SET", "maxmemory-clients", "1mb"], ["RPUSH", "l0", "v"], ["RPUSH", "l7", "v"]] +
                     [["CLIENT", "UNBLOCK", i, "ERROR"] for i in ids] + [["DEL", "l0", "l7"], ["EXEC"]])
    assert not isinstance(got[-1], Err)
    assert c.pipeline([["RPUSH", "l%d" % i, "v"] for i in range(8)] + [["CLIENT", "UNBLOCK", i] for i in ids])
    wait_for(lambda: int(c.info("memory")["mem_clients_normal"]) < 2 << 20)
    assert int(c.info("stats")["evicted_clients"]) > 0
    for w in large:
        w.close()
    nobody_is_left(s, c)


def test_a_change_of_rights_disconnects_who_makes_it(s):
    """redis 13274: ACL SETUSER and DELUSER end the connection that runs them, and others in the same turn."""
    c = s.conn()
    for rule, inner in (("resetchannels", False), ("resetchannels", True), (None, False), (None, True)):
        assert c("ACL", "SETUSER", "u", "reset", "on", "nopass", "~*", "&*", "+@all") == resp.OK
        others = [s.conn() for _ in range(3)]
        for o in others:
            assert o("AUTH", "u", "x") == resp.OK
            o("SUBSCRIBE", "secret")
        me = s.conn()
        assert me("AUTH", "u", "x") == resp.OK
        me("HELLO", "3")
        me.send("SUBSCRIBE", "secret")
        me.read()
        change = ["ACL", "SETUSER", "u", rule] if rule else ["ACL", "DELUSER", "u"]
        requests = [["MULTI"], change, ["PING"], ["EXEC"]] if inner else [change]
        me.send_raw(b"".join(resp.encode(r) for r in requests + [["SET", "behind", "v"]]))
        me.read_to_end()
        assert all(o.is_closed() for o in others)
        assert c("EXISTS", "behind") == 0
        nobody_is_left(s, c)


def test_waiters_are_killed_in_the_middle_of_a_chain_of_moves(s):
    c = s.conn()
    chain = [s.conn() for _ in range(6)]
    ids = [w("CLIENT", "ID") for w in chain]
    for i, w in enumerate(chain):
        w.send("BLMOVE", "m%d" % i, "m%d" % (i + 1), "LEFT", "RIGHT", "0")
        wait_for(lambda: c.info("clients")["blocked_clients"] == str(i + 1))
    c.pipeline([["MULTI"], ["RPUSH", "m0", "v"], ["CLIENT", "KILL", "ID", ids[2]], ["CLIENT", "KILL", "ID", ids[4]], ["EXEC"]])
    assert chain[2].is_closed() and chain[4].is_closed()
    assert [c("LLEN", "m%d" % i) for i in range(7)] == [0, 0, 1, 0, 0, 0, 0]
    for w in chain:
        w.close()
    nobody_is_left(s, c)


def test_client_memory_is_the_sum_over_clients_after_random_traffic(s):
    """CVE-2025-49112, CVE-2023-41056: what is counted as clients' memory is what its parts say, and goes with them. DEBUG CHECK sums up."""
    import random
    r = random.Random(7)
    c = s.conn()
    peers = [s.conn(resp3=i % 2 == 0) for i in range(12)]
    for step in range(400):
        p = r.choice(peers)
        p.send_raw(r.choice([
            resp.encode(["SET", "k%d" % r.randrange(9), "v" * r.randrange(30000)]), resp.encode(["GET", "k%d" % r.randrange(9)]) * r.randrange(1, 30),
            resp.encode(["MGET"] + ["k%d" % i for i in range(9)]), b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$50000\r\n" + b"y" * 50000 + b"\r\n",
            resp.encode(["MULTI"]) + resp.encode(["GET", "k1"]) * 50 + resp.encode(["EXEC"]), resp.encode(["CONFIG", "GET", "*"]),
            resp.encode(["COMMAND", "DOCS", "get", "set"]), resp.encode(["WATCH"] + ["w%d" % i for i in range(20)]), resp.encode(["SUBSCRIBE", "a", "b"]),
            resp.encode(["UNSUBSCRIBE"]), resp.encode(["CLIENT", "REPLY", "SKIP"]), resp.encode(["DEBUG", "PROTOCOL", "map"])]))
        if r.random() < 0.3:
            q = r.choice(peers)
            q.sock.settimeout(0.0005)
            try:
                q._more()
                q.buf.clear()
            except (OSError, EOFError):
                pass
        if step % 10 == 0:
            assert c("DEBUG", "CHECK") == resp.OK
    for p in peers:
        p.close()
    nobody_is_left(s, c)
    assert int(c.info("memory")["mem_clients_normal"]) < 200000
