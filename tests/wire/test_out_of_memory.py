"""The system refuses memory: an error of who asks for much, and nothing else (D10).

Small allocations come from the daemon's reserve then; a library loaded before the allocator makes them fail, one
after the other. A limit on the address space is the real thing."""
import os
import subprocess

import pytest

import shim
from resp import Err, OK, PONG, encode
from server import MEMD, PATIENCE, wait_for

# AddressSanitizer brings its own allocator, which ends the program: there, tests/commands/test_memory.c is the test.
pytestmark = [pytest.mark.memd_only, pytest.mark.skipif("asan" in MEMD.path, reason="not the allocator of a release")]

OOM = Err("OOM command not allowed when used memory > 'maxmemory'.")
MB = 1 << 20


class Faults:
    """Which allocations fail."""

    def __init__(self, tmp_path):
        self.numbers = shim.Shared(tmp_path / "malloc", 0, 0, 0, 0, 0)
        self.env = {"LD_PRELOAD": shim.build("malloc_shim"), "MALLOC_SHIM": self.numbers.path}

    def fail(self, nth, on=False, no_more=False):
        self.numbers[2] = 0
        self.numbers[1] = int(on)
        self.numbers[3] = int(no_more)
        self.numbers[0] = nth

    def stop(self):
        """How many failed."""
        self.numbers[0] = self.numbers[1] = self.numbers[3] = 0
        return self.numbers[2]


@pytest.fixture
def faults(tmp_path):
    return Faults(tmp_path)


def memory(c):
    info = c.info("memory")
    return info["mem_reserve_whole"] == "1", int(info["mem_refused_by_system"])


REQUESTS = [line.split() for line in """
    SET a 1 | APPEND a 2 | GETSET a xyz | MSET b 1 c 2 | INCR n | GET a | SETRANGE a 100 x | DEL c
    RPUSH l a b c | LRANGE l 0 -1 | LMOVE l l LEFT RIGHT | LPOP l | SORT l ALPHA | SADD s a b c | SMEMBERS s | SUNIONSTORE s2 s
    HSET h f v g w | HGETALL h | HEXPIRE h 1000 FIELDS 1 f | ZADD z 1 a 2 b | ZRANGE z 0 -1 WITHSCORES | ZUNION 2 z z
    XADD x 1-1 f v | XADD x 2-1 f v | XGROUP CREATE x grp 0 | XREADGROUP GROUP grp me STREAMS x > | XPENDING x grp | XDEL x 1-1
    PFADD p a b | PFCOUNT p | GEOADD geo 1 2 m | GEOSEARCH geo FROMMEMBER m BYRADIUS 10 km | SETBIT bits 100 1
    EXPIRE a 1000 | SET t v EX 1000 | RENAME b b2 | COPY l l2 | KEYS * | SCAN 0 | TYPE a | OBJECT ENCODING l | DUMP l
    MULTI | SET m 1 | RPUSH m2 a b | EXEC | WATCH a | UNWATCH | EVAL return{redis.call('set','e',1),redis.call('get','e')} 0 | SET e 1
    SUBSCRIBE ch | UNSUBSCRIBE ch | PUBLISH ch hello | CLIENT LIST | CLIENT SETNAME me | CONFIG GET *max* | CONFIG SET hz 11
    INFO all | COMMAND COUNT | COMMAND DOCS get | ACL SETUSER bob on >pw +get ~* | ACL LIST | ACL DELUSER bob | SLOWLOG GET
    SCRIPT LOAD return(1) | FUNCTION LIST | MEMORY USAGE l | LATENCY LATEST | HELLO 3 | RESET | SELECT 1 | SET other db | SELECT 0
    CLIENT TRACKING ON | GET a | CLIENT TRACKING OFF | SWAPDB 2 3 | LASTSAVE | WAITAOF 0 0 0 | DBSIZE | FLUSHDB""".replace("\n", " | ").split("|")
            if line.split()]


@pytest.mark.parametrize("on", [False, True], ids=["once", "from-then-on"])
def test_any_allocation_of_any_request_may_fail(start, faults, on):
    """Run the requests on one server as they are, and on another with the Nth allocation of each failing."""
    twin = start(enable_debug_command="yes")
    s = start(env=faults.env, enable_debug_command="yes", appendonly="yes", appendfsync="always")
    points = 0
    n = 0
    while True:
        n += 1
        failed = 0
        a, b = twin.conn(), s.conn()
        assert b("PING") == PONG
        for request in REQUESTS:
            want = a.raw(*request)
            faults.fail(n, on)
            got = b.raw(*request)
            failed += faults.stop() > 0
            if request[0] not in ("INFO", "CLIENT", "SLOWLOG", "CONFIG", "LASTSAVE", "HELLO", "WAITAOF", "KEYS", "SCAN", "COMMAND",
                                  "LATENCY", "SMEMBERS", "ACL", "MEMORY", "PFADD"):
                refused = request[0] == "EVAL" and got.startswith(b"-OOM")
                assert got == want or refused, (request, n)
        assert b("FLUSHALL") == OK and a("FLUSHALL") == OK
        wait_for(lambda: memory(b)[0])
        a.close()
        b.close()
        points += failed
        if failed == 0 or n > 400:
            break
    c = s.conn()
    assert c("DEBUG", "CHECK") == OK
    print("%d points, %d refusals" % (points, memory(c)[1]))
    assert points > 200 and memory(c)[1] > 200


def fill(c):
    for i in range(300):
        c("SET", "k%d" % i, "v" * i)
    c("RPUSH", "l", *range(3000))
    c("HSET", "h", *[x for i in range(2000) for x in ("f%d" % i, "v%d" % i)])
    c("SADD", "s", *["m%d" % i for i in range(2000)])
    c("ZADD", "z", *[x for i in range(2000) for x in (i, "m%d" % i)])
    for i in range(200):
        c("XADD", "x", "%d-1" % (i + 1), "f", "v")


@pytest.mark.parametrize("what", ["BGSAVE", "BGREWRITEAOF", "SAVE"])
def test_saving_while_memory_is_refused(start, faults, what):
    """It succeeds out of the reserve, or it is told as failed; what is on the disk is whole either way."""
    s = start(env=faults.env, enable_debug_command="yes", appendonly="yes", appendfsync="always")
    c = s.conn()
    fill(c)
    want = c("DEBUG", "DIGEST")
    for n in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]:
        for on in (False, True):
            faults.fail(n, on)
            c(what)
            wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0" ==
                     c.info("persistence")["aof_rewrite_in_progress"])
            faults.stop()
            wait_for(lambda: memory(c)[0])
    assert c("DEBUG", "DIGEST") == want and c("SET", "k0", "") == OK
    s.restart(kill=True)
    assert s.conn()("DEBUG", "DIGEST") == want


@pytest.mark.parametrize("mode", [{"appendonly": "yes"}, {"save": "3600 1000000"}], ids=["log", "snapshot"])
def test_loading_while_memory_is_refused(start, faults, mode):
    s = start(env=faults.env, enable_debug_command="yes", **mode)
    c = s.conn()
    fill(c)
    want = c("DEBUG", "DIGEST")
    s.stop()
    for n in [50, 100, 150, 200, 300, 500, 1000, 2000, 4000]:
        faults.fail(n)
        s.start()
        faults.stop()
        c = s.conn()
        wait_for(lambda: memory(c)[0])
        assert c("DEBUG", "DIGEST") == want
        s.stop()


def test_when_the_reserve_is_used_up_too_nothing_acknowledged_is_lost(start, faults):
    s = start(env=faults.env, appendonly="yes", appendfsync="always")
    c = s.conn()
    for i in range(50):
        assert c("SET", "k%d" % i, "v") == OK
    faults.fail(1, on=True, no_more=True)
    acknowledged = 0
    try:
        while c("SET", "after%d" % acknowledged, "v" * 2000) == OK:
            acknowledged += 1
    except (EOFError, ConnectionError):
        pass
    assert s.proc.wait(20) != 0
    assert "Out of memory: " in s.log() and "What was" in s.log() or "what was acknowledged is in the log" in s.log()
    faults.stop()
    s.proc = None
    s.start()
    c = s.conn()
    assert c("DBSIZE") - 50 - acknowledged in (0, 1)
    assert c("EXISTS", *["k%d" % i for i in range(50)]) == 50
    assert acknowledged == 0 or c("EXISTS", *["after%d" % i for i in range(acknowledged)]) == acknowledged


# --- a real limit ----------------------------------------------------------------------------------------------


def limited(start, mb, **settings):
    return start(wrapper=["prlimit", "--as=%d" % (mb * MB)], enable_debug_command="yes", **settings)


def test_a_full_address_space_refuses_writes_serves_reads_and_heals(start):
    s = limited(start, 300, appendonly="yes", appendfsync="no", auto_aof_rewrite_percentage=0)
    c = s.conn()
    n = 0
    value = "v" * 50000
    whole = True
    while whole: # what waits to be written to the log is memory too, and comes back once it is
        while c("SET", "k%d" % n, value) == OK:
            n += 1
            assert n * 50000 < 250 * MB
        whole, refused = memory(c)
    assert refused >= 1 and n > 500
    assert c("SET", "k0", "w") == OOM and c("LPUSH", "l", "x") == OOM and c("EVAL", "return redis.call('set','a','b')", 0)
    assert c("GET", "k0") == value.encode() and c("EXISTS", "k%d" % (n - 1)) == 1 and c("DBSIZE") == n
    c("MULTI")
    assert c("SET", "k0", "w") == OOM and str(c("EXEC")).startswith("EXECABORT")
    assert c("BGSAVE") != OK and "memory has run out" in s.log()
    assert "Out of memory: the system refuses more" in s.log()
    # The reserve serves what goes on meanwhile: clients come, ask, and go.
    for _ in range(50):
        with s.conn() as d:
            assert d("PING") == PONG
    assert c("UNLINK", *["k%d" % i for i in range(n // 2)]) == n // 2
    wait_for(lambda: c("SET", "again", value) == OK)
    assert memory(c)[0] and "the reserve is whole" in s.log()
    assert c("DEBUG", "CHECK") == OK
    s.wrapper = []
    s.restart(kill=True)
    c = s.conn()
    assert c("DBSIZE") == n - n // 2 + 1 and c("GET", "k%d" % (n - 1)) == value.encode()


@pytest.mark.in_the_clear("the limits fit a process that does not encrypt")
def test_what_is_too_large_is_an_error_of_who_asks(start):
    s = limited(start, 400, appendonly="no")
    c, greedy = s.conn(), s.conn()
    c("SET", "k", "v")
    assert c("SETRANGE", "new", 450 * MB, "x") == OOM
    assert c("SETBIT", "new", 450 * 8 * MB, 1) == OOM
    assert c("BITFIELD", "new", "SET", "u8", 450 * 8 * MB, 1) == OOM
    assert c("EXISTS", "new") == 0
    assert c("SETRANGE", "large", 100 * MB, "x") == 100 * MB + 1
    assert c("SETRANGE", "large", 300 * MB, "x") == OOM and c("STRLEN", "large") == 100 * MB + 1
    assert c("APPEND", "large", "y") == 100 * MB + 2
    assert c("COPY", "large", "two") in (1, OOM) and c("COPY", "large", "three") == OOM
    assert c("EVAL", "local t = {} for i = 1, 1000 do t[i] = redis.call('get', 'large') end return #t", 0).startswith(("ERR", "OOM"))
    # Replies that are not read, in one turn (alone, each waits until the one before it was read), and a request that
    # never ends.
    greedy.sock.setsockopt(1, 8, 4096)  # SO_RCVBUF
    greedy.send_raw(encode(["MULTI"]) + encode(["GET", "large"]) * 20 + encode(["EXEC"]))
    wait_for(lambda: c.info("stats")["client_no_memory_disconnections"] == "1")
    with s.conn() as d:
        try:
            d.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\n")
            for _ in range(500):
                d.send_raw(b"x" * 1000000)
            assert d.read() == OOM
        except ConnectionError:
            pass
    assert c("GET", "k") == b"v" and c("DEL", "large", "two") >= 1
    assert c("SET", "k", "w") == OK
    wait_for(lambda: memory(c)[0])


def test_no_memory_at_the_start_is_told(tmp_path):
    """The libraries take 26 MB: with less, nobody can say anything."""
    done = subprocess.run(["prlimit", "--as=%d" % (36 * MB), MEMD.path, "--port", "0", "--dir", str(tmp_path)],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode != 0
    assert done.stdout + done.stderr != ""
