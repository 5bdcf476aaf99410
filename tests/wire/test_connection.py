"""Commands about the connection itself."""
import re
import time

import pytest

import resp
from resp import Err, Map, OK, PONG, QUEUED, Simple
from server import MEMD, wait_for


def fields(line):
    return dict(w.partition("=")[::2] for w in line.decode().strip().split(" "))


def test_ping_echo(talk):
    talk("""
        PING                            => +PONG
        PING hello                      => "hello"
        PING a b                        => -ERR wrong number of arguments for 'ping' command
        ECHO hello                      => "hello"
        ECHO                            => -ERR wrong number of arguments for 'echo' command
    """)


def test_quit_answers_and_closes(c):
    c.send("QUIT")
    assert c.read_to_end() == b"+OK\r\n"


def test_nothing_behind_quit_runs(c, c2):
    c.send_raw(resp.encode(["QUIT"]) + resp.encode(["SET", "k", "v"]))
    assert c.read_to_end() == b"+OK\r\n"
    assert c2("EXISTS", "k") == 0


def test_hello_switches_the_protocol(c):
    got = c("HELLO")
    assert got[:2] == [b"server", b"redis"] and got[4:6] == [b"proto", 2]
    got = c("HELLO", "3")
    assert isinstance(got, Map)
    d = got.dict()
    assert d[b"server"] == b"redis" and d[b"proto"] == 3 and d[b"mode"] == b"standalone"
    assert d[b"role"] == b"master" and [m.dict()[b"name"] for m in d[b"modules"]] == [b"ReJSON", b"search", b"vectorset"] and d[b"id"] == c("CLIENT", "ID")
    assert re.match(rb"\d+\.\d+\.\d+", d[b"version"])
    assert c.raw("GET", "nokey") == b"_\r\n"
    assert isinstance(c("HELLO", "2"), list)
    assert c.raw("GET", "nokey") == b"$-1\r\n"
    assert c("HELLO", "4") == Err("NOPROTO unsupported protocol version")
    assert c("HELLO", "foo") == Err("ERR Protocol version is not an integer or out of range")
    assert c("HELLO", "3", "FOO") == Err("ERR Syntax error in HELLO option 'FOO'")
    assert isinstance(c("HELLO", "3", "SETNAME", "me"), Map)
    assert c("CLIENT", "GETNAME") == b"me"


def test_auth_without_a_password_set(c):
    assert c("AUTH", "x") == Err("ERR AUTH <password> called without any password configured for the default user. "
                                 "Are you sure your configuration is correct?")


def test_requirepass(start):
    s = start(requirepass="s3cret")
    c = s.conn(auth=False)
    noauth = Err("NOAUTH Authentication required.")
    assert c("GET", "k") == noauth
    assert c("PING") == noauth
    assert c("NOSUCH") in (noauth, Err("ERR unknown command 'NOSUCH', with args beginning with: "))
    assert c("AUTH", "wrong") == Err("WRONGPASS invalid username-password pair or user is disabled.")
    assert c("AUTH", "nobody", "s3cret") == Err("WRONGPASS invalid username-password pair or user is disabled.")
    assert c("AUTH", "a", "b", "c") == Err("ERR syntax error")
    if MEMD.version >= (7, 2):
        assert c("HELLO", "3") == Err(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
            "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
    assert c("AUTH", "s3cret") == OK
    assert c("PING") == PONG
    d = s.conn(auth=False)
    assert d("HELLO", "3", "AUTH", "default", "wrong") == Err("WRONGPASS invalid username-password pair or user is disabled.")
    assert isinstance(d("HELLO", "3", "AUTH", "default", "s3cret", "SETNAME", "n"), Map)
    assert d("CLIENT", "GETNAME") == b"n"
    assert d("CONFIG", "SET", "requirepass", "") == OK
    assert s.conn(auth=False)("PING") == PONG


def test_reset_undoes_everything(server, c, c2):
    c("SELECT", 3)
    c("HELLO", "3")
    c("CLIENT", "SETNAME", "x")
    c("MULTI")
    assert c("RESET") == Simple("RESET")
    assert c("CLIENT", "GETNAME") is None
    assert c.raw("GET", "nokey") == b"$-1\r\n"
    assert c("EXEC") == Err("ERR EXEC without MULTI")
    assert fields(c("CLIENT", "INFO"))["db"] == "0"
    c("SUBSCRIBE", "a")
    assert c("RESET") == Simple("RESET")
    assert c2("PUBSUB", "NUMSUB", "a") == [b"a", 0]
    c("WATCH", "k")
    c2("SET", "k", "1")
    assert c("RESET") == Simple("RESET")
    c("MULTI")
    assert c("EXEC") == []


def test_client_id_name_and_info(c, c2):
    a, b = c("CLIENT", "ID"), c2("CLIENT", "ID")
    assert b > a > 0
    assert c("CLIENT", "GETNAME") is None
    assert c("CLIENT", "SETNAME", "my-app") == OK
    assert c("CLIENT", "GETNAME") == b"my-app"
    assert c("CLIENT", "SETNAME", "two words") == Err(
        "ERR Client names cannot contain spaces, newlines or special characters.")
    assert c("CLIENT", "SETNAME", "") == OK
    assert c("CLIENT", "GETNAME") is None
    c("CLIENT", "SETNAME", "z")
    info = fields(c("CLIENT", "INFO"))
    assert info["id"] == str(a) and info["name"] == "z" and info["db"] == "0" and info["cmd"] == "client|info"
    for key in ("addr", "laddr", "fd", "age", "idle", "flags", "sub", "psub", "ssub", "multi", "qbuf", "qbuf-free",
                "argv-mem", "multi-mem", "obl", "oll", "omem", "tot-mem", "events", "user", "redir", "resp"):
        assert key in info, key
    assert info["user"] == "default" and info["resp"] == "2" and info["flags"] == "N" and info["multi"] == "-1"


@pytest.mark.since(7, 2)
def test_client_setinfo(c):
    assert c("CLIENT", "SETINFO", "LIB-NAME", "redis-py") == OK
    assert c("CLIENT", "SETINFO", "lib-ver", "5.0") == OK
    info = fields(c("CLIENT", "INFO"))
    assert info["lib-name"] == "redis-py" and info["lib-ver"] == "5.0"
    assert c("CLIENT", "SETINFO", "FOO", "x") == Err("ERR Unrecognized option 'FOO'")
    assert c("CLIENT", "SETINFO", "LIB-NAME", "a b") == Err(
        "ERR LIB-NAME cannot contain spaces, newlines or special characters.")


def test_client_list_and_its_filters(server, c, c2):
    c2("SUBSCRIBE", "a")
    ids = {fields(l)["id"]: fields(l) for l in c("CLIENT", "LIST").splitlines()}
    assert len(ids) == 2 and ids[str(c("CLIENT", "ID"))]["cmd"] == "client|list"
    assert "P" in [f for f in ids.values() if f["sub"] == "1"][0]["flags"]
    assert len(c("CLIENT", "LIST", "TYPE", "pubsub").splitlines()) == 1
    assert len(c("CLIENT", "LIST", "TYPE", "normal").splitlines()) == 1
    assert c("CLIENT", "LIST", "TYPE", "replica") == b""
    me = c("CLIENT", "ID")
    assert len(c("CLIENT", "LIST", "ID", me, me + 1000).splitlines()) == 1
    assert c("CLIENT", "LIST", "TYPE", "foo") == Err("ERR Unknown client type 'foo'")
    assert c("CLIENT", "LIST", "ID", "foo") == Err("ERR Invalid client ID")
    assert c("CLIENT", "LIST", "FOO") == Err("ERR syntax error")


def test_client_kill(server, c):
    a, b = server.conn(), server.conn()
    ida, idb = a("CLIENT", "ID"), b("CLIENT", "ID")
    assert c("CLIENT", "KILL", "ID", ida) == 1
    assert a.is_closed()
    assert c("CLIENT", "KILL", "ID", ida) == 0
    addr = [fields(l)["addr"] for l in c("CLIENT", "LIST").splitlines() if fields(l)["id"] == str(idb)][0]
    assert c("CLIENT", "KILL", addr) == OK
    assert b.is_closed()
    assert c("CLIENT", "KILL", addr) == Err("ERR No such client")
    d, e = server.conn(), server.conn()
    e("SUBSCRIBE", "x")
    assert c("CLIENT", "KILL", "TYPE", "pubsub") == 1
    assert e.is_closed()
    assert c("CLIENT", "KILL", "TYPE", "normal") == 1
    assert d.is_closed()
    laddr = fields(c("CLIENT", "INFO"))["laddr"]
    f = server.conn()
    assert c("CLIENT", "KILL", "LADDR", laddr, "SKIPME", "yes") == 1
    assert f.is_closed()
    assert c("CLIENT", "KILL", "USER", "nobody") == Err("ERR No such user 'nobody'")
    assert c("CLIENT", "KILL", "ID", "foo") == Err("ERR client-id should be greater than 0")
    assert c("CLIENT", "KILL", "FOO", "x") == Err("ERR syntax error")
    g = server.conn()
    me = g("CLIENT", "ID")
    assert g("CLIENT", "KILL", "ID", me, "SKIPME", "no") == 1
    assert g.is_closed()


@pytest.mark.since(7, 4)
def test_client_kill_by_age(server, c):
    server.conn()("PING")
    assert c("CLIENT", "KILL", "MAXAGE", 100000) == 0


def test_client_kill_ends_a_blocked_client(server, c):
    a = server.conn()
    i = a("CLIENT", "ID")
    a.send("BLPOP", "l", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("CLIENT", "KILL", "ID", i) == 1
    assert a.is_closed()
    wait_for(lambda: c.info("clients")["blocked_clients"] == "0")
    assert c("RPUSH", "l", "v") == 1 and c("LLEN", "l") == 1


def test_client_reply(c):
    c.send("CLIENT", "REPLY", "OFF")
    c.send("SET", "k", "1")
    c.send("GET", "k")
    assert c("CLIENT", "REPLY", "ON") == OK
    c.send("CLIENT", "REPLY", "SKIP")
    c.send("SET", "k", "2")
    assert c("GET", "k") == b"2"
    assert c("CLIENT", "REPLY", "FOO") == Err("ERR syntax error")


def test_client_pause_holds_writes(start):
    s = start()
    c, c2 = s.conn(), s.conn()
    assert c("CLIENT", "PAUSE", 100000, "WRITE") == OK
    c2.send("SET", "k", "v")
    wait_for(lambda: "cmd=set" in c("CLIENT", "LIST").decode() or c.info("clients")["blocked_clients"] != "0")
    assert c("GET", "k") is None
    assert c("CLIENT", "UNPAUSE") == OK
    assert c2.read() == OK and c("GET", "k") == b"v"
    assert c("CLIENT", "PAUSE", "foo") == Err("ERR timeout is not an integer or out of range")
    assert c("CLIENT", "PAUSE", "-1") == Err("ERR timeout is negative")
    assert c("CLIENT", "PAUSE", 1, "FOO") == Err("ERR CLIENT PAUSE mode must be WRITE or ALL")


def test_a_pause_of_writes_lets_scripts_run_that_say_they_read(start):
    s = start()
    c, c2 = s.conn(), s.conn()
    reads, writes = "#!lua flags=no-writes\nreturn 1", "return 1"
    c("FUNCTION", "LOAD", "#!lua name=f\nredis.register_function{function_name='f', callback=function() return 1 end, "
                          "flags={'no-writes'}}")
    sha = c("SCRIPT", "LOAD", reads)
    assert c("CLIENT", "PAUSE", 100000, "WRITE") == OK
    assert c("EVAL", reads + " ", 0) == c("EVALSHA", sha, 0) == c("FCALL", "f", 0) == c("EVAL_RO", writes, 0) == 1
    assert c("MULTI") == OK and c("EVAL", reads, 0) == c("FCALL", "f", 0) == QUEUED and c("EXEC") == [1, 1]
    c2.send("EVAL", writes, 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] != "0")
    assert c("CLIENT", "UNPAUSE") == OK
    assert c2.read() == 1


def test_writes_that_need_replicas_are_refused(start):
    c = start().conn()
    refused = Err("NOREPLICAS Not enough good replicas to write.")
    c("SET", "k", "v")
    c("CONFIG", "SET", "min-replicas-to-write", 1)
    assert c("SET", "k", "w") == refused and c("GET", "k") == b"v"
    assert c("EVAL", "#!lua\nreturn 1", 0) == refused and c("EVAL", "#!lua flags=no-writes\nreturn 1", 0) == 1
    assert c("EVAL", "return redis.call('GET', KEYS[1])", 1, "k") == b"v"
    assert c("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "k").startswith(refused + " script: ")
    assert c("MULTI") == OK and c("SET", "k", "w") == refused
    assert c("EXEC") == Err("EXECABORT Transaction discarded because of previous errors.")
    c("CONFIG", "SET", "min-replicas-max-lag", 0)
    assert c("SET", "k", "w") == OK


def test_a_pause_ends_by_itself(start):
    s = start()
    c, c2 = s.conn(), s.conn()
    assert c("CLIENT", "PAUSE", 20, "WRITE") == OK
    assert c2("SET", "k", "v") == OK
    t0 = time.monotonic()
    assert c("CLIENT", "PAUSE", 30) == OK
    assert c2("GET", "k") == b"v"
    assert time.monotonic() - t0 >= 0.028


@pytest.mark.skipif(not MEMD.is_memd and MEMD.version < (7, 2), reason="7.2")
def test_client_no_evict_and_no_touch(c):
    assert c("CLIENT", "NO-EVICT", "on") == OK
    assert "e" in fields(c("CLIENT", "INFO"))["flags"]
    assert c("CLIENT", "NO-EVICT", "off") == OK
    assert c("CLIENT", "NO-TOUCH", "on") == OK
    assert "T" in fields(c("CLIENT", "INFO"))["flags"]
    assert c("CLIENT", "NO-TOUCH", "OFF") == OK
    assert c("CLIENT", "NO-EVICT", "x") == Err("ERR syntax error")


def test_client_help_and_nonsense(c):
    assert isinstance(c("CLIENT", "HELP"), list)
    assert c("CLIENT", "FOO") == Err("ERR unknown subcommand 'FOO'. Try CLIENT HELP.")
    assert c("CLIENT") == Err("ERR wrong number of arguments for 'client' command")
    assert c("CLIENT", "GETNAME", "x") == Err("ERR wrong number of arguments for 'client|getname' command")
    assert c("CLIENT", "UNBLOCK", "foo") == Err("ERR value is not an integer or out of range")
    assert c("CLIENT", "UNBLOCK", 1, "FOO") == Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")


def test_unknown_commands_are_named(c):
    assert c("NOSUCH") == Err("ERR unknown command 'NOSUCH', with args beginning with: ")
    assert c("NOSUCH", "a", "b") == Err("ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ")
    long = c("X" * 500, *["y" * 60] * 10)
    assert isinstance(long, Err) and len(long) < 400
    assert c(b"a\r\nb", "x\r\ny") == Err("ERR unknown command 'a  b', with args beginning with: 'x  y' ")


def test_time_and_lolwut(c):
    s, us = c("TIME")
    assert int(s) > 1600000000 and 0 <= int(us) < 1000000
    assert b"ver" in c("LOLWUT")
