"""JSON.* on long documents, which runs beside the reactor: the same replies and effects as in one piece, and of one moment.

DEBUG ASIDE-PAUSE lets what has run aside wait before it is taken back: what happens then happens "meanwhile"."""
import json
import os

import pytest

import server as srv
from resp import NIL_ARRAY, OK, Push, encode
from server import wait_for

N = 3200
BIG = {"items": [{"id": i, "name": "number %d" % i, "n": i, "s": "x\\\"\n", "tags": [1, "a"], "x": {"y": None}} for i in range(N)], "a": 1,
       "o": {"k%d" % i: i for i in range(500)}, "l": list(range(900)), "last": {"n": 2.5}}
TEXT = json.dumps(BIG)
LONG_STRING = json.dumps("long " * 20000)
COMMANDS = [
    ("JSON.GET", "K"), ("JSON.GET", "K", "$..n"), ("JSON.GET", "K", "$.last", ".a"), ("JSON.GET", "K", ".nothing"),
    ("JSON.GET", "K", "INDENT", "\t", "NEWLINE", "\n", "SPACE", " ", "$.items[5:9]"), ("JSON.GET", "K", "$.items[?(@.n > 3190)].name"),
    ("JSON.GET", "K", "$..[?(@.n == $.a)]..y"), ("JSON.MGET", "K", "none", "K", "$.last"), ("JSON.TYPE", "K", "$..x"),
    ("JSON.STRLEN", "K", "$..name"), ("JSON.STRLEN", "K", ".items"), ("JSON.ARRLEN", "K", "$..tags"), ("JSON.OBJLEN", "K", "$..x"),
    ("JSON.OBJLEN", "K", ".nothing"), ("JSON.OBJKEYS", "K", "$.o"), ("JSON.OBJKEYS", "K", "$..x"), ("JSON.ARRINDEX", "K", "$.l", "899"),
    ("JSON.ARRINDEX", "K", "$.nothing", "1"), ("JSON.RESP", "K", "$.items[3190:]"), ("JSON.RESP", "K"), ("JSON.DEBUG", "MEMORY", "K", "$..x"),
    ("JSON.SET", "K", "$..n", "7"), ("JSON.SET", "K", "$.new", "[1]"), ("JSON.SET", "K", "$.a", "1", "NX"), ("JSON.SET", "K", "$.b", "1", "XX"),
    ("JSON.SET", "K", "$.l[99999]", "1"), ("JSON.SET", "K", "$..no", "1"), ("JSON.SET", "K", "$", TEXT.replace("number", "another")),
    ("JSON.SET", "K", "$.a", TEXT), ("JSON.SET", "K", "$", TEXT[:-1]), ("JSON.SET", "K", "$.last", LONG_STRING),
    ("JSON.MERGE", "K", "$", '{"a":null,"last":{"m":1}}'), ("JSON.MERGE", "K", "$.items[*]", '{"n":null}'), ("JSON.MERGE", "K", "$", "1"),
    ("JSON.MSET", "K", "$.a", LONG_STRING, "other", "$", TEXT, "K", "$.b", "2"), ("JSON.MSET", "K", "$", "3", "new", "$.x", LONG_STRING),
    ("JSON.NUMINCRBY", "K", "$..n", "1.5"), ("JSON.NUMINCRBY", "K", ".a", "1"), ("JSON.NUMMULTBY", "K", "$..*", "2"),
    ("JSON.NUMINCRBY", "K", ".o", "1"), ("JSON.STRAPPEND", "K", "$..name", '"!"'), ("JSON.TOGGLE", "K", "$..n"),
    ("JSON.ARRAPPEND", "K", "$..tags", "1", "{}"), ("JSON.ARRAPPEND", "K", ".l", LONG_STRING), ("JSON.ARRINSERT", "K", "$.l", "1", "7"),
    ("JSON.ARRINSERT", "K", "$..tags", "3", "7"), ("JSON.ARRPOP", "K", "$..tags"), ("JSON.ARRPOP", "K", ".l", "5"), ("JSON.ARRTRIM", "K", "$.items", "5", "-5"),
    ("JSON.CLEAR", "K", "$..tags"), ("JSON.CLEAR", "K", "$"), ("JSON.DEL", "K", "$..x"), ("JSON.DEL", "K", "$..nothing"), ("JSON.DEL", "K", "$"),
    ("JSON.FORGET", "K", "$.*"),
]


@pytest.fixture
def server():
    with_debug = srv.Server(enable_debug_command="yes", appendonly="yes", notify_keyspace_events="AKE")
    yield with_debug
    with_debug.destroy()


def went_aside(s):
    """Has the thread ever been needed?"""
    tasks = "/proc/%d/task" % s.pid
    return any(open("%s/%s/comm" % (tasks, t)).read() == "memd-aside\n" for t in os.listdir(tasks))


def pause(c, yes):
    assert c("DEBUG", "ASIDE-PAUSE", "yes" if yes else "no") == OK


def parked(c):
    """Clients that wait."""
    return c("CLIENT", "LIST").decode().count(" flags=b")


def send_and_park(c, other, *args):
    n = parked(c)
    other.send(*args)
    wait_for(lambda: parked(c) == n + 1, "nothing was parked")


@pytest.mark.parametrize("resp3", [False, True])
def test_replies_and_effects_are_those_of_one_piece(server, resp3):
    c, events = server.conn(resp3=resp3), server.conn()
    events("PSUBSCRIBE", "__keyspace*")
    for command in COMMANDS:
        got = []
        for in_one_piece in (False, True):
            with_key = [{"K": "{doc}"}.get(a, a) for a in command]
            assert c("FLUSHALL") == OK and c("JSON.SET", "{doc}", "$", TEXT) == OK
            if in_one_piece:
                c("MULTI"), c(*with_key)
                reply = c("EXEC")[0]
            else:
                reply = c(*with_key)
            after = [c("JSON.GET", k) for k in ("{doc}", "other", "new")]
            c("PUBLISH", "__keyspace@0__:end", "of it")
            told = []
            while True:
                told.append(events.read()[2:])
                if told[-1][1] == b"of it":
                    break
            got.append((reply, after, told))
        assert got[0] == got[1], command
    assert went_aside(server) and c("DEBUG", "CHECK") == OK


def test_short_documents_and_paths_that_are_a_scan_stay(server):
    c = server.conn()
    assert c("JSON.SET", "d", "$", json.dumps({"a": [1, 2, 3], "b": "x" * 30000})) == OK
    assert c("JSON.GET", "d", "$..a") == b"[[1,2,3]]" and c("JSON.NUMINCRBY", "d", "$.a[*]", "1") == b"[2,3,4]"
    assert c("JSON.SET", "d", "$.c", '"' + "y" * 30000 + '"') == OK and c("JSON.GET", "d", "$.a") == b"[[2,3,4]]"
    assert not went_aside(server)
    assert c("JSON.GET", "d", "$..a[*]") == b"[2,3,4]" and went_aside(server)


@pytest.fixture
def two(server):
    c, a = server.conn(), server.conn()
    assert c("JSON.SET", "d", "$", TEXT) == OK
    pause(c, True)
    yield server, c, a
    assert c("DEBUG", "CHECK") == OK


@pytest.mark.parametrize("meanwhile, reply", [
    (("DEL", "d"), None), (("FLUSHALL",), None), (("JSON.SET", "d", "$", '{"n":8}'), b"[8]"), (("SET", "d", "x"), "WRONGTYPE"),
    (("PEXPIRE", "d", "0"), None), (("RENAME", "d", "e"), None), (("SWAPDB", "0", "1"), None), (("EXPIRE", "d", "1000"), "all"),
    (("PING",), "all")])
def test_what_became_of_the_document_meanwhile_is_what_is_replied(two, meanwhile, reply):
    _, c, a = two
    send_and_park(c, a, "JSON.GET", "d", "$..n")
    c(*meanwhile)
    pause(c, False)
    got = a.read()
    if reply == "all":
        assert len(json.loads(got)) == N + 1
    elif isinstance(reply, str):
        assert got.startswith(reply)
    else:
        assert got == reply


def test_a_write_within_a_write_is_not_lost(two):
    _, c, a = two
    send_and_park(c, a, "JSON.NUMINCRBY", "d", "$..n", "1")
    c("MULTI"), c("JSON.SET", "d", "$.last.n", "100"), c("EXEC")
    pause(c, False)
    assert json.loads(a.read())[-1] == 101 and c("JSON.GET", "d", "$.last.n") == b"[101]"


def test_one_whose_document_changes_each_time_is_done_all_the_same(two):
    _, c, a = two
    send_and_park(c, a, "JSON.NUMINCRBY", "d", "$..n", "1")
    for i in range(5):
        c("MULTI"), c("JSON.SET", "d", "$.last.n", str(i)), c("DEBUG", "ASIDE-PAUSE", "no"), c("EXEC")
        if parked(c) == 0:
            break
        pause(c, True)
    pause(c, False)
    assert json.loads(a.read())[0] == 1


def test_writers_of_one_document_come_one_after_the_other(two):
    server, c, a = two
    others = [server.conn() for _ in range(4)]
    for o in others + [a]:
        send_and_park(c, o, "JSON.NUMINCRBY", "d", "$..n", "1")
    pause(c, False)
    assert sorted(json.loads(o.read())[0] for o in others + [a]) == [1, 2, 3, 4, 5]
    assert c("JSON.GET", "d", "$.items[0].n") == b"[5]"


def test_what_a_client_asks_for_behind_it_comes_behind_it(two):
    _, c, a = two
    send_and_park(c, a, "JSON.SET", "d", "$..n", "5")
    a.send("JSON.GET", "d", "$.last.n")
    a.send("JSON.NUMINCRBY", "d", "$..n", "1")
    a.send("JSON.GET", "d", "$.last.n")
    assert parked(c) == 1
    pause(c, False)
    assert [a.read() for _ in range(2)] == [OK, b"[5]"] and json.loads(a.read()) == [6] * (N + 1) and a.read() == b"[6]"


def test_one_that_is_killed_changes_nothing_and_holds_up_nobody(two):
    server, c, a = two
    b, ident = server.conn(), a("CLIENT", "ID")
    send_and_park(c, a, "JSON.SET", "d", "$..n", "5")
    send_and_park(c, b, "JSON.SET", "d", "$..id", "6")
    assert c("CLIENT", "KILL", "ID", ident) == 1
    pause(c, False)
    assert b.read() == OK and a.is_closed()
    assert c("JSON.GET", "d", "$.items[1]['n','id']") == b"[1,6]"


def test_one_is_unblocked_with_an_error_alone(two):
    _, c, a = two
    ident = a("CLIENT", "ID")
    send_and_park(c, a, "JSON.GET", "d", "$..n")
    assert c("CLIENT", "UNBLOCK", ident, "ERROR") == 1 and a.read().startswith("UNBLOCKED")
    send_and_park(c, a, "JSON.GET", "d", "$..n")
    assert c("CLIENT", "UNBLOCK", ident) == 0
    pause(c, False)
    assert len(json.loads(a.read())) == N + 1


def test_rights_are_those_of_the_moment_of_the_reply(two):
    _, c, a = two
    assert c("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*") == OK and a("AUTH", "u", "") == OK
    send_and_park(c, a, "JSON.SET", "d", "$..n", "5")
    assert c("ACL", "SETUSER", "u", "-json.set") == OK
    pause(c, False)
    assert a.read().startswith("NOPERM") and c("JSON.GET", "d", "$.items[1].n") == b"[1]"


def test_a_transaction_that_watches_hears_of_it(two):
    server, c, a = two
    w = server.conn()
    send_and_park(c, a, "JSON.SET", "d", "$..n", "5")
    w("WATCH", "d"), w("MULTI"), w("PING")
    pause(c, False)
    assert a.read() == OK and w("EXEC") == NIL_ARRAY


def test_while_clients_are_paused_nothing_is_written(two):
    _, c, a = two
    send_and_park(c, a, "JSON.SET", "d", "$..n", "5")
    assert c("CLIENT", "PAUSE", "1000000", "WRITE") == OK
    pause(c, False)
    assert c("JSON.GET", "d", "$..n").startswith(b"[0,1,2") and parked(c) == 1
    assert c("CLIENT", "UNPAUSE") == OK and a.read() == OK


def test_who_caches_hears_of_a_change_behind_the_reply(server):
    c, a = server.conn(), server.conn(resp3=True)
    assert c("JSON.SET", "d", "$", TEXT) == OK and a("CLIENT", "TRACKING", "ON") == OK
    pause(c, True)
    send_and_park(c, a, "JSON.GET", "d", "$..n")
    c("MULTI"), c("JSON.SET", "d", "$.last", "1"), c("EXEC")
    pause(c, False)
    assert len(json.loads(a.read())) == N
    assert c("JSON.SET", "d", "$..n", "5") == OK
    assert a.read() == Push([b"invalidate", [b"d"]])


def test_replies_that_nobody_wants_are_left_out(two):
    _, c, a = two
    pause(c, False)
    a.send("CLIENT", "REPLY", "SKIP")
    a.send("JSON.GET", "d")
    a.send("JSON.SET", "d", "$..n", "9")
    assert a.read() == OK
    a.send("CLIENT", "REPLY", "OFF")
    a.send("JSON.GET", "d")
    a.send("CLIENT", "REPLY", "ON")
    assert a.read() == OK and a("JSON.GET", "d", "$.last.n") == b"[9]"


def test_the_log_has_what_was_done_in_its_order(server):
    c, a = server.conn(), server.conn()
    a("JSON.SET", "d", "$", TEXT), a("JSON.SET", "d", "$..n", "5"), c("JSON.NUMINCRBY", "d", "$..n", "2"), a("JSON.DEL", "d", "$.items[10:]")
    a("JSON.MSET", "m", "$", TEXT, "m", "$.a", LONG_STRING, "d", "$.z", "0")
    before = [c("JSON.GET", k) for k in ("d", "m")]
    server.restart(kill=True)
    assert [server.conn()("JSON.GET", k) for k in ("d", "m")] == before


@pytest.mark.parametrize("behind", [0, 1, 40])
def test_a_long_argument_stays_whole_whatever_comes_behind_it(two, behind):
    """Alone in its buffer it is kept with it; else it is copied."""
    _, c, a = two
    text = json.dumps(["long " * 80000, 1], separators=(",", ":"))
    n = parked(c)
    a.send_raw(b"".join(encode(r) for r in [["JSON.SET", "d", "$.a", text]] + [["ECHO", str(i)] for i in range(behind)]))
    wait_for(lambda: parked(c) == n + 1, "nothing was parked")
    a.send("ECHO", "y" * 500000)
    pause(c, False)
    assert a.read() == OK and [a.read() for _ in range(behind)] == [b"%d" % i for i in range(behind)]
    assert a.read() == b"y" * 500000 and a("JSON.GET", "d", ".a").decode() == text


def test_one_with_a_long_argument_may_leave_while_it_runs(two):
    server, c, a = two
    send_and_park(c, a, "JSON.SET", "d", "$.a", LONG_STRING * 4)
    a.close()
    wait_for(lambda: parked(c) == 0, "it still waits")
    pause(c, False)
    assert c("JSON.GET", "d", "$.a") == b"[1]"


def test_many_documents_that_are_long_together(server):
    c = server.conn()
    for i in range(20):
        assert c("JSON.SET", "d%d" % i, "$", json.dumps({"i": i, "s": "x" * 20000})) == OK
    assert not went_aside(server)
    keys = ["d%d" % i for i in range(20)]
    assert c("JSON.MGET", *keys, "nothing", "$.i") == [b"[%d]" % i for i in range(20)] + [None] and went_aside(server)


def test_copies_share_their_text_and_go_their_ways(server):
    c = server.conn()
    assert c("JSON.SET", "d", "$", TEXT) == OK and c("COPY", "d", "e") == 1
    assert c("JSON.SET", "d", "$..n", "0") == OK and c("JSON.GET", "e", "$.items[7].n") == b"[7]"
    assert c("DEL", "e") == 1 and c("JSON.GET", "d", "$.items[7].n") == b"[0]" and c("DEBUG", "CHECK") == OK


def test_a_request_that_names_very_many_documents_finds_each_at_once(server):
    """To look through all for each would take minutes, in which nobody else's turn comes."""
    c = server.conn()
    assert c("JSON.SET", "d", "$", TEXT) == OK and c("JSON.SET", "e", "$", '{"n":3}') == OK
    names = ["%08d" % i for i in range(400000)]
    assert c("JSON.MGET", "e", "d", *names, "d", "e", "$.last.n") == [b"[]", b"[2.5]"] + [None] * len(names) + [b"[2.5]", b"[]"]
    assert c("JSON.MGET", "e", *names, "d", "$..n")[0] == b"[3]" and went_aside(server)
