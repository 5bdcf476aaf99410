"""DEBUG, which Redis's own test suites lean on."""
import os

import pytest

import server as srv
from resp import OK, Err
from server import wait_for

PROTOCOL = ["string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "verbatim", "true", "false", "nosuch"]


def test_the_types_of_the_protocol_are_stock_redis_servers(server):
    if not os.access(srv.REDIS_PATH, os.X_OK):
        pytest.skip("no redis-server here")
    ref = srv.Server(binary=srv.REDIS_PATH, enable_debug_command="yes")
    try:
        for resp3 in (False, True):
            a, b = server.conn(resp3), ref.conn(resp3)
            for kind in PROTOCOL:
                for c in (a, b):
                    c.send("DEBUG", "PROTOCOL", kind)
                got, want = a.read_frame(), b.read_frame()
                if kind == "attrib" and resp3:
                    got, want = got + a.raw("PING"), want + b.raw("PING")
                assert got == want, (kind, resp3)
            assert a("PING") == b("PING")
    finally:
        ref.destroy()


def test_a_push_is_followed_by_a_reply(server, c):
    assert c("DEBUG", "PROTOCOL", "push") == Err("ERR RESP2 is not supported by this command")
    c3 = server.conn(True)
    c3.send("DEBUG", "PROTOCOL", "push")
    assert c3.read_frame().startswith(b">2\r\n")
    assert c3.read() == b"Some real reply following the push reply"


@pytest.mark.parametrize("appendonly", ["no", "yes"])
def test_the_log_is_loaded_whether_it_is_on_or_not(start, appendonly):
    c = start(appendonly=appendonly, enable_debug_command="yes").conn()
    if appendonly == "no":
        assert c("DEBUG", "LOADAOF") == Err("ERR Error trying to load the AOF files, check server logs.")
    c("RPUSH", "l", *range(300))
    c("SET", "k", "v", "PX", 10000000)
    c("PFADD", "hll", "a", "b")
    c("SETBIT", "bits", 1000, 1)
    c("GEOADD", "g", 1, 2, "here")
    digest = c("DEBUG", "DIGEST")
    c("BGREWRITEAOF")
    wait_for(lambda: "0" == c.info("persistence")["aof_rewrite_in_progress"] == c.info("persistence")["aof_rewrite_scheduled"])
    if appendonly == "no":
        c("SET", "later", 1)
    assert c("DEBUG", "LOADAOF") == OK
    assert c("DEBUG", "DIGEST") == digest
    assert c("DEBUG", "RELOAD") == OK
    assert c("DEBUG", "DIGEST") == digest
    assert c("DEBUG", "RELOAD", "NOSAVE") == OK
    assert c("DEBUG", "DIGEST") == digest
    assert c("DEBUG", "RELOAD", "x") == Err("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")


@pytest.mark.memd_only
def test_nobody_is_served_while_the_log_is_read(start):
    """What lies in a list for a moment of the log belongs to the commands that follow."""
    s = start(enable_debug_command="yes", appendonly="yes")
    c, waits = s.conn(), s.conn()
    c("RPUSH", "l", "a")
    c("RENAME", "l", "m")
    c("ZADD", "z", 1, "a", 2, "b")
    c("COPY", "z", "y")
    c("DEL", "z")
    digest = c("DEBUG", "DIGEST")
    waits.send("BLPOP", "l", 0)
    other = s.conn()
    other.send("BZPOPMIN", "z", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "2")
    assert c("DEBUG", "LOADAOF") == OK
    assert c("DEBUG", "DIGEST") == digest
    assert c.info("clients")["blocked_clients"] == "2"
    c("RPUSH", "l", "later")
    assert waits.read() == [b"l", b"later"]


@pytest.mark.memd_only
def test_reload_as_often_as_one_likes(c):
    """Each content comes with a clock of its own for the fields of its hashes."""
    for i in range(20):
        c("HSET", "h", "f", i)
        assert c("HPEXPIRE", "h", 100000, "FIELDS", 1, "f") == [1]
        assert c("DEBUG", "RELOAD") == OK
    assert c("HGET", "h", "f") == b"19"


@pytest.mark.memd_only
def test_what_a_reload_leaves_out_is_gone_in_the_log_too(start):
    """Else a type that takes its place finds another when the log is read, which then counts as damaged."""
    s = start(enable_debug_command="yes", appendonly="yes")
    c = s.conn()
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    c("HSETEX", "hash", "PX", 1, "FIELDS", 1, "f", "v")
    c("SET", "string", "v", "PX", 1)
    c("DEBUG", "SLEEP", 0.01)
    assert c("DEBUG", "RELOAD") == OK
    assert c("RPUSH", "hash", "x") == 1 and c("RPUSH", "string", "x") == 1
    s.restart()
    assert [s.conn()("LRANGE", k, 0, -1) for k in ("hash", "string")] == [[b"x"]] * 2


@pytest.mark.memd_only
def test_what_a_reload_under_a_pause_leaves_out_is_gone_in_the_log_too(start):
    """Nothing expires while clients are paused, but a reload reads what is left: the log must not have more."""
    s = start(enable_debug_command="yes", appendonly="yes")
    c = s.conn()
    c.pipeline([("HSETEX", "hash", "PX", 1, "FIELDS", 1, "f", "v"), ("SET", "string", "v", "PX", 1), ("SET", "stays", "v"), ("CLIENT", "PAUSE", 100000, "WRITE")])
    c("DEBUG", "SLEEP", 0.01)
    assert c("GET", "string") is None and c("DBSIZE") == 3
    assert c("DEBUG", "RELOAD") == OK and c("DBSIZE") == 1
    assert c("CLIENT", "UNPAUSE") == OK
    assert c("RPUSH", "hash", "x") == 1 and c("RPUSH", "string", "x") == 1
    s.restart()
    assert [s.conn()("LRANGE", k, 0, -1) for k in ("hash", "string")] == [[b"x"]] * 2


def test_object_finds_what_has_expired_and_was_not_removed(start):
    c = start(enable_debug_command="yes").conn()
    c("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    c("SET", "k", "v", "PX", 1)
    c("DEBUG", "SLEEP", 0.01)
    assert "encoding:embstr" in c("DEBUG", "OBJECT", "k")
    assert c("EXISTS", "k") == 0
    assert c("DEBUG", "OBJECT", "k") == Err("ERR no such key")


def test_what_object_tells_of_a_quicklist(start):
    c = start(enable_debug_command="yes", list_compress_depth=1).conn()
    c("RPUSH", "l", "a")
    assert "ql_" not in c("DEBUG", "OBJECT", "l")
    c("RPUSH", "l", *["x" * 100] * 999)
    got = dict(f.split(":") for f in c("DEBUG", "OBJECT", "l").split(" ")[2:])
    assert got["ql_listpack_max"] == "-2" and got["ql_compressed"] == "1"
    assert abs(float(got["ql_avg_node"]) * int(got["ql_nodes"]) - 1000) < 10
    assert int(got["ql_uncompressed_size"]) > 99900


def test_a_payload_with_a_wrong_checksum_is_taken_when_told_so(start):
    server = start(appendonly="yes", enable_debug_command="yes")
    c = server.conn()
    c("SET", "k", "some text")
    payload = bytearray(c("DUMP", "k"))
    payload[4] ^= 1
    bad = Err("ERR DUMP payload version or checksum are wrong")
    assert c("RESTORE", "l", 0, bytes(payload)) == bad
    assert c("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1) == OK
    assert c("RESTORE", "l", 0, bytes(payload)) == OK
    value = c("GET", "l")
    assert value != b"some text"
    assert c("RESTORE", "m", 0, b"") == bad
    assert c("RESTORE", "m", 0, b"\x00\x01a\xff\xff" + bytes(8)) == bad  # a version of the future
    assert c("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 0) == OK
    assert c("RESTORE", "m", 0, bytes(payload)) == bad
    server.kill9()
    server.start()
    assert server.conn()("GET", "l") == value


def test_small_ones(talk):
    talk("""
        SET k hello
        SET n 12
        RPUSH small a b
        DEBUG SDSLEN k                          => *
        DEBUG SDSLEN n                          => -ERR Not an sds encoded string.
        DEBUG LISTPACK small                    => +"Listpack structure printed on stdout"
        DEBUG LISTPACK k                        => -ERR Not a listpack encoded object.
        DEBUG QUICKLIST small                   => -ERR Not a quicklist encoded object.
        DEBUG HTSTATS 0                         => *
        DEBUG HTSTATS 99                        => -ERR Out of range database
        DEBUG HTSTATS x                         => -ERR value is not an integer or out of range
        DEBUG HTSTATS-KEY none                  => -ERR no such key
        DEBUG HTSTATS-KEY k                     => -ERR The value stored at the specified key is not represented using an hash table
        DEBUG STRUCTSIZE                        => *
        DEBUG LOG hello                         => +OK
        DEBUG QUICKLIST-PACKED-THRESHOLD 100b   => +OK
        DEBUG QUICKLIST-PACKED-THRESHOLD 0      => +OK
        DEBUG QUICKLIST-PACKED-THRESHOLD 5gb    => -ERR argument must be a memory value bigger than 1 and smaller than 4gb
        DEBUG REPLYBUFFER RESIZING 0            => +OK
        DEBUG DICT-RESIZING 1                   => +OK
        DEBUG CHANGE-REPL-ID                    => +OK
        DEBUG STRINGMATCH-LEN 1000 a*a          => :1
        DEBUG ERROR "MYERR some text"           => -MYERR some text
    """.replace('+"Listpack structure printed on stdout"', "*"))


@pytest.mark.memd_only
@pytest.mark.parametrize("how", ["ASSERT", "PANIC", "SEGFAULT", "OOM"])
def test_ends(start, how):
    server = start(enable_debug_command="yes")
    c = server.conn()
    c.send("DEBUG", how)
    with pytest.raises((EOFError, ConnectionError)):
        c.read()
    assert server.wait_exit() != 0


@pytest.mark.memd_only
def test_the_allocator_by_its_own_names(c):
    page = c("DEBUG", "MALLCTL", "arenas.page")
    assert page == 4096 or page == Err("ERR No such file or directory")  # without jemalloc (sanitizers)
    assert c("DEBUG", "MALLCTL", "nosuch") == Err("ERR No such file or directory")
    assert c("DEBUG", "MALLCTL-STR", "thread.tcache.flush", "x") == Err("ERR syntax error")
    assert c("DEBUG", "MALLCTL-STR", "thread.tcache.flush", "VOID") in (OK, Err("ERR No such file or directory"))


def test_all_settings_can_be_written_to_the_file(start):
    s = start(conf="port 0\n", enable_debug_command="yes")
    c = s.conn()
    before = c("CONFIG", "GET", "*")
    assert c("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == OK
    with open(os.path.join(s.dir, "test.conf")) as f:
        text = f.read()
    assert "maxmemory-policy noeviction" in text and "hz 10" in text
    s.restart()
    assert s.conn()("CONFIG", "GET", "maxmemory*") == [v for i in range(0, len(before), 2) if before[i].startswith(b"maxmemory")
                                                      for v in before[i:i + 2]]
