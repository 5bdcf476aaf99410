"""ARCHIVE.GET, .VERSIONS, .LIST, .SQL over a socket."""
import os
import random
import re
import select
import threading

import pytest
import resp
import server as srv
from server import wait_for

pytestmark = pytest.mark.memd_only

BOTH = pytest.mark.parametrize("resp3", [False, True])


@pytest.fixture
def s(start):
    return start(enable_debug_command="yes", archive_query_timeout="600000")


@pytest.fixture
def c(s):
    return s.conn()


def error(reply, beginning):
    assert isinstance(reply, resp.Err) and reply.startswith(beginning), reply


def flat(reply):
    """A map of either protocol as a dict."""
    if isinstance(reply, resp.Map):
        return reply.dict()
    return dict(zip(reply[::2], reply[1::2]))


def table(reply):
    """The rows of ARCHIVE.SQL."""
    assert not isinstance(reply, resp.Err), reply
    answer = flat(reply)
    assert list(answer) == [b"columns", b"rows", b"more"]
    return answer[b"rows"]


def listed(c, *options):
    """All keys that a walk tells, each a dict, and the number of calls that it took."""
    found, cursor, calls = [], b"0", 0
    while True:
        cursor, rows = c("ARCHIVE.LIST", "CURSOR", cursor, *options)
        found += [flat(row) for row in rows]
        calls += 1
        if cursor == b"0":
            return found, calls


def fill(c):
    c("SET", "string", "v\0\xff")
    c("RPUSH", "list", "a", "b", "c")
    c("SADD", "set", "m")
    c("HSET", "hash", "f", "v")
    c("ZADD", "zset", "1.5", "a", "2", "b")
    c("XADD", "stream", "5-1", "f", "v", "g", "w")


READS = [("string", ("GET", "string")), ("list", ("LRANGE", "list", "0", "-1")), ("set", ("SMEMBERS", "set")),
         ("hash", ("HGETALL", "hash")), ("zset", ("ZRANGE", "zset", "0", "-1", "WITHSCORES")),
         ("stream", ("XRANGE", "stream", "-", "+"))]


# --- GET, VERSIONS ---------------------------------------------------------------------------------------------------

@BOTH
def test_get_replies_as_the_type_s_own_command_does(s, resp3):
    c = s.conn(resp3=resp3)
    fill(c)
    before = {key: c.raw(*command) for key, command in READS}
    assert c("ARCHIVE.MOVE", *[key for key, _ in READS]) == len(READS)
    for key, _ in READS:  # what has just left is found
        assert c.raw("ARCHIVE.GET", key) == before[key], key
    assert c("DBSIZE") == 0
    assert c.raw("ARCHIVE.GET", "none") == (b"_\r\n" if resp3 else b"$-1\r\n")
    for key, _ in READS:
        assert flat(c("ARCHIVE.VERSIONS", key)[0])[b"type"].decode() == key


def test_get_finds_versions_by_number_and_by_time(c):
    times = []
    for i in range(1, 4):
        c("SET", "k", "v%d" % i)
        c("ARCHIVE.PUT", "k")
        assert c("ARCHIVE.FLUSH") == resp.OK
        times.append(flat(c("ARCHIVE.VERSIONS", "k", "COUNT", "1")[0])[b"archived_at"])
        wait_for(lambda: now_ms(c) > times[-1])
    assert c("ARCHIVE.GET", "k") == b"v3"
    for i in range(1, 4):
        assert c("ARCHIVE.GET", "k", "VERSION", str(i)) == b"v%d" % i
        assert c("ARCHIVE.GET", "k", "AT", str(times[i - 1])) == b"v%d" % i
    assert c("ARCHIVE.GET", "k", "version", "4") is None
    assert c("ARCHIVE.GET", "k", "at", "0") == b"v1"
    assert [flat(v)[b"version"] for v in c("ARCHIVE.VERSIONS", "k")] == [3, 2, 1]
    assert [flat(v)[b"version"] for v in c("ARCHIVE.VERSIONS", "k", "COUNT", "2")] == [3, 2]
    assert [flat(v)[b"version"] for v in c("ARCHIVE.VERSIONS", "k", "BEFORE", "3", "COUNT", "9")] == [2, 1]
    assert c("ARCHIVE.VERSIONS", "k", "BEFORE", "1") == []
    assert c("ARCHIVE.VERSIONS", "none") == []


def now_ms(c):
    seconds, us = (int(x) for x in c("TIME"))
    return seconds * 1000 + us // 1000


def test_a_version_says_why_and_when_it_left(c):
    c("SET", "k", "v", "PX", "100000000")
    expires = c("PEXPIRETIME", "k")
    before = now_ms(c)
    c("ARCHIVE.MOVE", "k")
    version = flat(c("ARCHIVE.VERSIONS", "k")[0])
    assert before <= version.pop(b"archived_at") <= now_ms(c)
    assert version.pop(b"size") > 0
    assert version == {b"version": 1, b"type": b"string", b"reason": b"put", b"expires_at": expires, b"live": 1,
                       b"namespace": b""}


def test_databases_are_apart(c):
    c("SET", "k", "zero")
    c("ARCHIVE.MOVE", "k")
    c("SELECT", "1")
    assert c("ARCHIVE.GET", "k") is None
    assert c("ARCHIVE.VERSIONS", "k") == []
    assert c("ARCHIVE.LIST") == [b"0", []]
    c("SET", "k", "one")
    c("ARCHIVE.MOVE", "k")
    assert c("ARCHIVE.GET", "k") == b"one"


def test_get_brings_nothing_back(c):
    assert c("NAMESPACE", "SET", "s:*", "archive", "expire,delete", "recall", "read") == resp.OK
    c("SET", "s:1", "v")
    c("DEL", "s:1")
    assert c("ARCHIVE.GET", "s:1") == b"v"
    assert c("DBSIZE") == 0
    assert flat(c("ARCHIVE.VERSIONS", "s:1")[0])[b"reason"] == b"delete"


def test_it_is_all_there_after_a_restart(s, c):
    fill(c)
    before = {key: c.raw(*command) for key, command in READS}
    c("ARCHIVE.MOVE", *[key for key, _ in READS])
    assert c("ARCHIVE.FLUSH") == resp.OK
    keys = [row[b"key"] for row in listed(c)[0]]
    s.restart()
    c = s.conn()
    assert {key: c.raw("ARCHIVE.GET", key) for key, _ in READS} == before
    assert [row[b"key"] for row in listed(c)[0]] == keys


# --- LIST ------------------------------------------------------------------------------------------------------------

@BOTH
def test_a_list_tells_every_key_once_with_its_newest_version(s, resp3):
    c = s.conn(resp3=resp3)
    keys = [b"key:%d" % i for i in range(250)] + [b"", b"\xff\xfe", b"a\0b", "é".encode()]
    for _ in range(2):
        for key in keys:
            c("SET", key, "v")
        c("ARCHIVE.PUT", *keys)
    assert c("ARCHIVE.FLUSH") == resp.OK
    rows, calls = listed(c)
    assert calls == 3
    assert sorted(row[b"key"] for row in rows) == sorted(keys)
    assert all(row[b"version"] == 2 and row[b"reason"] == b"put" and row[b"live"] == 0 for row in rows)
    rows, calls = listed(c, "MATCH", "key:1?")
    assert sorted(row[b"key"] for row in rows) == sorted(b"key:1%d" % i for i in range(10))
    rows, calls = listed(c, "COUNT", "1000")
    assert (len(rows), calls) == (len(keys), 1)
    assert listed(c, "MATCH", "")[0][0][b"key"] == b""
    assert listed(c, "MATCH", "no*")[0] == []
    assert listed(c, "SINCE", str(now_ms(c) + 100000))[0] == []
    assert len(listed(c, "SINCE", "0", "UNTIL", str(now_ms(c) + 100000))[0]) == len(keys)


def test_a_walk_tells_what_stays_though_keys_come_and_go(c):
    rng = random.Random(5)
    stay = [b"stay:%03d" % i for i in range(200)]
    for key in stay:
        c("SET", key, "v")
    c("ARCHIVE.MOVE", *stay)
    assert c("ARCHIVE.FLUSH") == resp.OK
    found, cursor = [], b"0"
    while True:
        cursor, rows = c("ARCHIVE.LIST", "CURSOR", cursor, "COUNT", "7")
        found += [flat(row)[b"key"] for row in rows]
        if cursor == b"0":
            break
        key = b"%s:%d" % (rng.choice([b"a", b"stay", b"z"]), rng.randrange(1000, 2000))
        c("SET", key, "v")
        c("ARCHIVE.MOVE", key)
        assert c("ARCHIVE.FLUSH") == resp.OK
        if rng.random() < 0.3:
            c("ARCHIVE.DROP", key)
    assert [key for key in found if key in set(stay)] == stay
    assert len(found) == len(set(found))


# --- SQL -------------------------------------------------------------------------------------------------------------

@BOTH
def test_sql_selects_from_what_people_know(s, resp3):
    c = s.conn(resp3=resp3)
    c("RPUSH", "chat:1", '{"role":"user","content":"Where is my parcel?"}',
      '{"role":"assistant","content":"On its way."}')
    c("HSET", "user:1", "name", "Zoë")
    c("ARCHIVE.MOVE", "chat:1", "user:1")
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert table(c("ARCHIVE.SQL", "select key, type from entries order by key")) == [[b"chat:1", b"list"], [b"user:1", b"hash"]]
    assert table(c("ARCHIVE.SQL", "select position, role, content from messages m join entries e on e.id = m.entry "
                   "where e.key = ? order by position", "PARAMS", "chat:1")) == [
        [0, b"user", b"Where is my parcel?"], [1, b"assistant", b"On its way."]]
    assert table(c("ARCHIVE.SQL", "select field, value from fields")) == [[b"name", "Zoë".encode()]]
    assert table(c("ARCHIVE.SQL", "select key from latest where version = ? and live", "PARAMS", "1")) == [[b"chat:1"], [b"user:1"]]
    assert table(c("ARCHIVE.SQL", "select content from messages_fts where messages_fts match ?", "PARAMS", "parcel")) == [
        [b"Where is my parcel?"]]
    half = resp.Double("1.5") if resp3 else b"1.5"
    assert table(c("ARCHIVE.SQL", "select 1, 1.5, null, 'x', x'00ff'")) == [[1, half, None, b"x", b"\0\xff"]]


@pytest.mark.parametrize("statement", [
    "", ";", "nonsense", "select", "select * from nothing", "select 1; select 2", "delete from entries", "update entries set live = 0",
    "drop table entries", "create temp table t(x)", "attach '/tmp/x' as x", "pragma writable_schema=1", "vacuum into '/tmp/x'",
    "select load_extension('x')", "select * from pragma_database_list", "explain select 1", "begin", "select ?", "select \0 1",
])
def test_what_sql_does_not_do_is_an_error(c, statement):
    error(c("ARCHIVE.SQL", statement), "ERR archive: ")
    assert table(c("ARCHIVE.SQL", "select count(*) from entries")) == [[0]]


def test_every_query_of_the_document_is_one_that_sql_runs(c):
    with open(os.path.join(srv.ROOT, "docs", "archive.md"), encoding="utf-8") as f:
        queries = re.findall(r"```sql\n(.*?)```", f.read(), re.S)
    assert len(queries) > 5
    for query in queries:
        assert isinstance(table(c("ARCHIVE.SQL", query)), list), query


def test_sql_has_limits_of_time_and_rows(s, c):
    c("CONFIG", "SET", "archive-query-rows", "3")
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
    answer = flat(c("ARCHIVE.SQL", numbers))
    assert (answer[b"rows"], answer[b"more"]) == ([[1], [2], [3]], 1)
    c("CONFIG", "SET", "archive-query-timeout", "50")
    error(c("ARCHIVE.SQL", "select count(*) from (%s)" % numbers), "ERR archive: ")
    c("CONFIG", "SET", "archive-query-timeout", "60000")
    assert table(c("ARCHIVE.SQL", "select 1")) == [[1]]


def test_others_go_on_while_a_statement_runs(s, c):
    """An endless statement holds its own client alone, and ends when that one leaves."""
    other, third = s.conn(), s.conn()
    other.send("ARCHIVE.SQL", "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("SET", "k", "v") == resp.OK
    assert c("ARCHIVE.MOVE", "k") == 1
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert third("ARCHIVE.GET", "k") == b"v"
    assert len(third("ARCHIVE.VERSIONS", "k")) == 1
    third.send("ARCHIVE.LIST")  # waits behind it
    wait_for(lambda: c.info("clients")["blocked_clients"] == "2")
    other.close()
    assert len(third.read()[1]) == 1
    wait_for(lambda: c.info("clients")["blocked_clients"] == "0")


def test_a_waiting_client_can_be_unblocked_and_a_shutdown_does_not_wait(s, c):
    other = s.conn()
    ident = other("CLIENT", "ID")
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    other.send("ARCHIVE.SQL", endless)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("CLIENT", "UNBLOCK", str(ident), "ERROR") == 1
    error(other.read(), "UNBLOCKED ")
    other.send("ARCHIVE.SQL", endless)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    s.restart()  # for a shorter time than the statement has: archive_query_timeout


def test_a_hungry_statement_evicts_nothing(start):
    s = start(maxmemory="96mb", maxmemory_policy="allkeys-lru", archive_query_timeout="60000")
    c, other = s.conn(), s.conn()
    c.pipeline([("SET", "k%d" % i, "v" * 1000) for i in range(5000)])
    other.send("ARCHIVE.SQL", "with recursive n(i, b) as (select 1, zeroblob(10000) union select i + 1, zeroblob(10000) from n) "
               "select count(*) from n")
    while not select.select([other.sock], [], [], 0)[0]:
        c("SET", "k1", "w" * 1000)
    error(other.read(), "ERR archive: it needs too much memory")
    assert c.info("stats")["evicted_keys"] == "0"
    assert c("DBSIZE") == 5000


def test_sqlite_s_caches_evict_nothing(start):
    """25 MB of data below 44 MB; the archive's file is larger than all caches together, which take 40."""
    s = start(maxmemory="44mb", maxmemory_policy="allkeys-lru", archive_messages="no", archive_compression="no")
    c = s.conn()
    rng = random.Random(1)
    keys = ["k%d" % i for i in range(2500)]
    for i in range(0, len(keys), 100):
        c.pipeline([("SET", key, rng.randbytes(10000)) for key in keys[i:i + 100]])
        assert c("ARCHIVE.PUT", *keys[i:i + 100]) == 100
        assert c("ARCHIVE.FLUSH") == resp.OK
    for _ in range(2):
        assert table(c("ARCHIVE.SQL", "select count(distinct value) from entries"))[0] == [len(keys)]
        for key in keys:
            assert len(c("ARCHIVE.GET", key)) == 10000
        assert c("SET", "k0", rng.randbytes(10000)) == resp.OK
    assert c.info("stats")["evicted_keys"] == "0"


def test_many_ask_at_once(s, c):
    for i in range(50):
        c("SET", "k%d" % i, "v%d" % i)
    c("ARCHIVE.MOVE", *["k%d" % i for i in range(50)])
    assert c("ARCHIVE.FLUSH") == resp.OK
    wrong = []

    def ask(n):
        conn = s.conn()
        for i in range(50):
            k = (i * 7 + n) % 50
            if conn("ARCHIVE.GET", "k%d" % k) != b"v%d" % k:
                wrong.append((n, k))
            if table(conn("ARCHIVE.SQL", "select count(*) from entries where key = ?", "PARAMS", "k%d" % k)) != [[1]]:
                wrong.append((n, k, "sql"))
        conn.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


# --- wrong input, rules ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", ["ARCHIVE.GET", "ARCHIVE.VERSIONS", "ARCHIVE.SQL"])
def test_wrong_numbers_of_arguments(c, command):
    error(c(*command.split()), "ERR wrong number of arguments")


@pytest.mark.parametrize("command", [
    "ARCHIVE.GET k VERSION", "ARCHIVE.GET k NONSENSE 1", "ARCHIVE.GET k VERSION 1 AT 1", "ARCHIVE.GET k x",
    "ARCHIVE.VERSIONS k COUNT", "ARCHIVE.VERSIONS k NONSENSE 1", "ARCHIVE.VERSIONS k COUNT 1 BEFORE", "ARCHIVE.LIST x", "ARCHIVE.LIST COUNT",
    "ARCHIVE.LIST MATCH", "ARCHIVE.LIST NONSENSE 1", "ARCHIVE.LIST COUNT 1 SINCE", "ARCHIVE.SQL select1 PARAMS", "ARCHIVE.SQL select1 1",
    "ARCHIVE.SQL select1 PARAM 1",
])
def test_wrong_syntax(c, command):
    error(c(*command.split()), "ERR syntax error")


@pytest.mark.parametrize("command", [
    "ARCHIVE.GET k VERSION 0", "ARCHIVE.GET k VERSION -1", "ARCHIVE.GET k VERSION 1.5", "ARCHIVE.GET k VERSION nan",
    "ARCHIVE.GET k VERSION 9223372036854775808", "ARCHIVE.GET k AT -1", "ARCHIVE.GET k AT inf", "ARCHIVE.VERSIONS k COUNT 0",
    "ARCHIVE.VERSIONS k COUNT x", "ARCHIVE.VERSIONS k BEFORE 0", "ARCHIVE.LIST COUNT 0", "ARCHIVE.LIST COUNT -1", "ARCHIVE.LIST COUNT 1e3",
    "ARCHIVE.LIST SINCE x", "ARCHIVE.LIST UNTIL 9223372036854775808", "ARCHIVE.LIST CURSOR 1", "ARCHIVE.LIST CURSOR x",
])
def test_wrong_numbers(c, command):
    error(c(*command.split()), "ERR ")


def test_nobody_waits_in_a_transaction_or_a_script(c):
    for command in (["ARCHIVE.GET", "k"], ["ARCHIVE.VERSIONS", "k"], ["ARCHIVE.LIST"], ["ARCHIVE.SQL", "select 1"]):
        c("MULTI")
        error(c(*command), "ERR ")
        error(c("EXEC"), "EXECABORT")
        words = ", ".join("'%s'" % w for w in command)
        error(c("EVAL", "return redis.call(%s)" % words, "0"), "ERR This Redis command is not allowed from script")


def test_users_see_what_they_may(s, c):
    c("SET", "mine:1", "m")
    c("SET", "other:1", "o")
    c("ARCHIVE.MOVE", "mine:1", "other:1")
    assert c("ARCHIVE.FLUSH") == resp.OK
    c("ACL", "SETUSER", "ann", "on", ">pw", "~mine:*", "+@all")
    c("ACL", "SETUSER", "ben", "on", ">pw", "allkeys", "+@read")
    c("ACL", "SETUSER", "eve", "on", ">pw", "allkeys", "+@archive", "-@dangerous")
    ann, ben, eve = (s.conn() for _ in range(3))
    for conn, name in ((ann, "ann"), (ben, "ben"), (eve, "eve")):
        assert conn("AUTH", name, "pw") == resp.OK
    assert ann("ARCHIVE.GET", "mine:1") == b"m"
    error(ann("ARCHIVE.GET", "other:1"), "NOPERM")
    error(ann("ARCHIVE.VERSIONS", "other:1"), "NOPERM")
    error(ann("ARCHIVE.LIST"), "NOPERM")
    error(ann("ARCHIVE.SQL", "select 1"), "NOPERM")
    assert ben("ARCHIVE.GET", "other:1") == b"o"
    error(ben("ARCHIVE.SQL", "select 1"), "NOPERM")  # not for who may read alone
    assert len(eve("ARCHIVE.LIST")[1]) == 2
    error(eve("ARCHIVE.SQL", "select 1"), "NOPERM")
    assert b"archive.sql" in c("ACL", "CAT", "archive")
    assert b"archive.sql" in c("ACL", "CAT", "dangerous")
    assert b"archive.sql" not in c("ACL", "CAT", "read")


def test_without_an_archive_they_say_so(start):
    c = start(archive_file="").conn()
    for command in (["ARCHIVE.GET", "k"], ["ARCHIVE.VERSIONS", "k"], ["ARCHIVE.LIST"], ["ARCHIVE.SQL", "select 1"]):
        error(c(*command), "ERR ")
