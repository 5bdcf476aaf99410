"""EVAL and SCRIPT: what programs send, how values cross over, what scripts cannot reach, and busy scripts."""
import hashlib
from contextlib import contextmanager
import threading

import pytest

from resp import Err, OK, Simple
from server import Server, wait_for

UNLOCK = "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end"
LIMITER = """local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('PTTL', KEYS[1]) > 0}"""
QUEUE = """local jobs = cjson.decode(ARGV[1])
for i, job in ipairs(jobs) do
  local id = redis.call('INCR', KEYS[1] .. ':id')
  redis.call('HMSET', KEYS[1] .. ':' .. id, 'name', job.name, 'data', cjson.encode(job.data), 'packed', cmsgpack.pack(job))
  redis.call('LPUSH', KEYS[1] .. ':wait', id)
end
return redis.call('LRANGE', KEYS[1] .. ':wait', 0, -1)"""


@contextmanager
def running(**settings):
    s = Server(**settings)
    try:
        yield s
    finally:
        s.destroy()


def sha(text):
    return hashlib.sha1(text.encode()).hexdigest()


def test_tables_of_the_environment_can_be_walked_but_not_changed(c):
    names = "local t = {} for k in pairs(%s) do t[#t + 1] = k end table.sort(t) return t"
    assert c("EVAL", names % "os", 0) == [b"clock"]
    assert {b"call", b"pcall", b"sha1hex", b"LOG_DEBUG"} <= set(c("EVAL", names % "redis", 0))
    assert {b"redis", b"string", b"pairs"} <= set(c("EVAL", names % "_G", 0))
    assert c("EVAL", "return {next(os) ~= nil, next({}) == nil, next({7})}", 0) == [1, 1, 1, 7]
    assert "Attempt to modify a readonly table" in c("EVAL", "local _, t = pairs(os) t.clock = 1", 0)
    assert c("EVAL", "for k, v in pairs({1, 2, x = 3}) do if k == 'x' then return v end end", 0) == 3
    assert "bad argument #1 to '" in c("EVAL", "pairs()", 0)


def test_time_stands_still_within_a_script(start):
    c = start(enable_debug_command="yes").conn()
    c("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1)
    sleep = "redis.call('DEBUG', 'SLEEP', 0.01) "
    assert c("EVAL", "redis.call('SET', 'k', 'v', 'PX', 1) " + sleep + "return redis.call('GET', 'k')", 0) == b"v"
    assert c("GET", "k") is None
    a, b = c("EVAL", "local a = redis.call('TIME') " + sleep + "return {a, redis.call('TIME')}", 0)
    assert a == b and a != c("TIME") and a != c("EVAL", "return redis.call('TIME')", 0)
    c("MULTI")
    for request in (["SET", "k", "v", "PX", 1], ["TIME"], ["DEBUG", "SLEEP", 0.01], ["TIME"], ["EVAL", sleep, 0], ["GET", "k"]):
        c(*request)
    got = c("EXEC")
    assert got[1] == got[3] and got[5] == b"v"
    assert c("GET", "k") is None


def test_unlocking(c):
    c("SET", "lock", "token")
    assert c("EVAL", UNLOCK, 1, "lock", "other") == 0
    assert c("EVALSHA", sha(UNLOCK).upper(), 1, "lock", "token") == 1
    assert c("EXISTS", "lock") == 0


def test_rate_limiter(c):
    assert [c("EVAL", LIMITER, 1, "rl", 60000) for _ in range(3)] == [[1, 1], [2, 1], [3, 1]]


def test_queue(c):
    assert c("EVAL", QUEUE, 1, "q", '[{"name":"a","data":{"x":1}},{"name":"b","data":[]}]') == [b"2", b"1"]
    assert c("HGET", "q:1", "data") == b'{"x":1}'
    assert c("EVAL", "return cmsgpack.unpack(redis.call('HGET', 'q:2', 'packed')).name", 0) == b"b"


@pytest.mark.parametrize("code, want", [
    ("return 1", 1), ("return 3.99", 3), ("return 'x'", b"x"), ("return true", 1), ("return false", None),
    ("return nil", None), ("return {1, 2, nil, 4}", [1, 2]), ("return {ok='fine'}", Simple("fine")),
    ("return {err='MY message'}", Err("MY message")), ("return redis.status_reply('TIME')", Simple("TIME")),
    ("return redis.error_reply('My Err')", Err("My Err")), ("return redis.sha1hex('')", b"da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("return redis.call('get', 'nothing')", None), ("return redis.call('get', 'nothing') == false", 1),
    ("return redis.pcall('nosuch').err", b"ERR Unknown Redis command called from script"),
    ("return type(redis.call('set', 'k', 'v').ok)", b"string"), ("return {KEYS, ARGV}", [[], []]),
    ("return bit.band(7, 12)", 4), ("return struct.pack('>I2', 258)", b"\x01\x02"),
    ("return tostring(cjson.decode('null') == cjson.null)", b"true"), ("return table.getn({1, 2})", 2),
    ("return select('#', ...)", 0),
])
def test_values(c, code, want):
    assert c("EVAL", code, 0) == want


def test_values_of_resp3(c3):
    assert c3.raw("EVAL", "redis.setresp(3) return {true, {double=1.5}, {map={a=1}}, {set={b=true}}, {big_number='12'}}", 0) == (
        b"*5\r\n#t\r\n,1.5\r\n%1\r\n$1\r\na\r\n:1\r\n~1\r\n$1\r\nb\r\n(12\r\n")
    c3("HSET", "h", "f", "v")
    assert c3("EVAL", "redis.setresp(3) return redis.call('hgetall', KEYS[1]).map.f", 1, "h") == b"v"
    assert c3("EVAL", "return redis.call('hgetall', KEYS[1])[2]", 1, "h") == b"v"


@pytest.mark.parametrize("code", [
    "x = 1", "return x", "KEYS = {}", "redis.call = nil", "rawset(redis, 'call', 1)", "string.x = 1", "_G.x = 1",
    "table.insert(math, 1)", "setmetatable(_G, nil)", "setmetatable('', {})", "getmetatable('').__index = nil",
    "return io.open('/etc/passwd')", "os.exit()", "return os.getenv('HOME')", "require('ffi')", "print(1)", "dofile('x')",
    "loadstring('\\27LJ')()", "newproxy()", "jit.on()", "debug.getinfo(1)", "return unpack({}, 1, 1e8)",
    "return string.rep('x', 2^31 - 1)", "local function f() return f() + 1 end f()", "redis.call('eval', 'return 1', 0)",
    "redis.call('multi')", "redis.call('subscribe', 'c')", "return cjson.decode(('['):rep(5000))", "error('a\\r\\n+OK\\r\\n')",
])
def test_what_scripts_cannot_do(c, code):
    assert isinstance(c("EVAL", code, 0), Err)
    assert c("EVAL", "return redis.call('ping').ok .. #KEYS", 0) == b"PONG0"


def test_arguments(c):
    assert c("EVAL", "return 1", "x") == Err("ERR value is not an integer or out of range")
    assert c("EVAL", "return 1", 1) == Err("ERR Number of keys can't be greater than number of args")
    assert c("EVAL", "return 1", -1) == Err("ERR Number of keys can't be negative")
    assert c("EVALSHA", "x", 0) == Err("NOSCRIPT No matching script. Please use EVAL.")
    assert c("EVAL", "#!lua", 0) == Err("ERR Invalid script shebang")
    assert c("EVAL", "#!lua flags=x\nreturn 1", 0) == Err("ERR Unexpected flag in script shebang: x")
    assert c("EVAL", "#!lua name=x\nreturn 1", 0) == Err("ERR Unknown lua shebang option: name=x")
    assert c("EVAL", "#!js\nreturn 1", 0) == Err("ERR Unexpected engine in script shebang: #!js")
    assert c("EVAL_RO", "#!lua\nreturn 1", 0) == Err("ERR Can not execute a script with write flag using *_ro command.")
    assert c("EVAL_RO", "return redis.pcall('set', 'a', 1).err", 0) == b"ERR Write commands are not allowed from read-only scripts."


def test_script_cache(c):
    digest = c("SCRIPT", "LOAD", "return 'cached'").decode()
    assert digest == sha("return 'cached'")
    assert c("SCRIPT", "EXISTS", digest, "f" * 40) == [1, 0]
    assert c("EVALSHA_RO", digest, 0) == b"cached"
    assert c("SCRIPT", "FLUSH", "x") == Err("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    assert c("SCRIPT", "FLUSH", "ASYNC") == OK
    assert c("SCRIPT", "EXISTS", digest) == [0]
    assert c("EVALSHA", digest, 0) == Err("NOSCRIPT No matching script. Please use EVAL.")


def test_an_error_is_counted_once(c):
    c("CONFIG", "RESETSTAT")
    assert isinstance(c("EVAL", "return redis.call('lpush', KEYS[1])", 1, "k"), Err)
    info = c("INFO", "all").decode()
    assert "total_error_replies:1\r\n" in info
    assert "errorstat_ERR:count=1\r\n" in info


def test_effects_survive_a_restart():
    with running(appendonly="yes") as s:
        with s.conn() as c:
            c("EVAL", "redis.call('set', 'a', 1) redis.call('incr', 'a') redis.call('spop', 'x') math.random() "
                      "redis.call('select', 3) return redis.call('set', 'b', math.random())", 0)
            c("SELECT", 3)
            b = c("GET", "b")
            assert b is not None
            c("SELECT", 0)
            assert c("DBSIZE") == 1
        s.restart()
        with s.conn() as c:
            assert c("GET", "a") == b"2"
            c("SELECT", 3)
            assert c("GET", "b") == b


def busy(s, code, *command):
    """A thread whose script is busy; what it is answered comes in the list."""
    answer = []

    def run():
        with s.conn() as c:
            answer.append(c(*(command or ("EVAL", code, 0))))

    t = threading.Thread(target=run)
    t.start()
    c = s.conn()
    wait_for(lambda: isinstance(c("GET", "x"), Err))
    return t, answer, c


def test_busy_script_is_killed():
    with running(busy_reply_threshold=10) as s:
        with s.conn() as c:
            assert c("SCRIPT", "KILL") == Err("NOTBUSY No scripts in execution right now.")
        t, answer, c = busy(s, "while true do pcall(function() while true do end end) end")
        assert c("GET", "x") == Err("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")
        assert c("SCRIPT", "KILL") == OK
        t.join()
        assert "Script killed by user with SCRIPT KILL" in str(answer[0])
        assert c("EVAL", "return 5", 0) == 5


ENDLESS_IN_C = ["return ('a'):rep(50000):find('.-.-.-.-.-.-.-.-b')", "return ('a'):rep(50000):gsub('(.-)(.-)(.-)(.-)b', '%1')",
                "for x in ('a'):rep(50000):gmatch('a*a*a*a*a*a*b') do end", "table.insert({}, -2^31, 1)",
                "local t = {} for i = 1, 2e6 do t[i] = -i end while true do table.sort(t) end"]


@pytest.mark.memd_only
def test_a_script_that_is_busy_within_a_function_of_c_is_killed():
    """A pattern that matches for years: stock Redis has to be killed itself."""
    with running(busy_reply_threshold=10) as s:
        for code in ENDLESS_IN_C:
            t, answer, c = busy(s, code)
            assert str(c("GET", "x")).startswith("BUSY")
            assert c("SCRIPT", "KILL") == OK
            t.join()
            assert "Script killed by user with SCRIPT KILL" in str(answer[0]), code


def test_busy_script_that_has_written_is_not_killed():
    with running(busy_reply_threshold=10, appendonly="yes") as s:
        t, answer, c = busy(s, "redis.call('set', 'x', 1) while true do end")
        assert str(c("SCRIPT", "KILL")).startswith("UNKILLABLE")
        assert str(c("SHUTDOWN")).startswith("BUSY")
        c.send("SHUTDOWN", "NOSAVE")
        t.join()
        s.wait_exit()


def test_busy_function_is_killed():
    with running(busy_reply_threshold=10) as s:
        with s.conn() as c:
            c("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() while true do end end)")
        t, answer, c = busy(s, None, "FCALL", "f", 0)
        assert str(c("GET", "x")).startswith("BUSY Redis is busy running a script. You can only call FUNCTION KILL")
        assert str(c("SCRIPT", "KILL")).startswith("BUSY")
        assert c("FUNCTION", "KILL") == OK
        t.join()
        assert "Script killed by user" in str(answer[0])


def test_a_script_that_took_all_memory_leaves_room_for_the_next(start):
    """What it left is collected: neither the next scripts nor the daemon feel it."""
    server = start()
    with server.conn() as c:
        for _ in range(2):
            assert "not enough memory" in c("EVAL", "local t = {} for i = 1, 1e8 do t[i] = {} end return 1", "0")
            assert "not enough memory" in c("EVAL", "local s = 'x' for i = 1, 40 do s = s .. s end return #s", "0")
            assert c("EVAL", "local t = {} for i = 1, 1e5 do t[i] = {i} end return #t", "0") == 100000
        assert c("EVAL", "return #({pcall(unpack, {}, 1, 1e8)})", "0") == 2
        memory = dict(line.split(b":") for line in c("INFO", "memory").split(b"\r\n") if b":" in line)
        assert int(memory[b"used_memory_vm_eval"]) < 64 << 20


@pytest.mark.parametrize("code, want", [
    # An error whose metatable is called when its place is noted down.
    ("return error(setmetatable({}, {__newindex = function() error('x') end}))", b"ERR unknown error"),
    ("return error(setmetatable({err = 'MY x'}, {__newindex = redis.call, __index = redis.call}))", b"MY x"),
    # Arrays of which a few elements are there and all would be written.
    ("cjson.encode_sparse_array(false, 0, 0) return cjson.encode({[1000000000] = 1})", b"ERR JSON would be too long"),
    ("cjson.encode_sparse_array(false, 2, 2000000000) return cjson.encode({{[1500000000] = 1}})", b"ERR JSON would be too long"),
    ("cjson.encode_sparse_array(false, 2, 10) return cjson.encode({[1000000000] = 1})", b"ERR Cannot serialise table"),
    ("cjson.encode_max_depth(1e6) local t = {} for i = 1, 1e5 do t = {t} end return cjson.encode(t)", b"ERR Cannot serialise"),
    ("cjson.decode_max_depth(1e6) return cjson.decode(string.rep('[', 1e6))", b"ERR Found too many nested"),
    ("return cmsgpack.unpack(string.rep('\\145', 1e6))", b"ERR stack overflow"),
])
def test_what_would_end_the_process_is_an_error(start, code, want):
    c = start().conn()
    reply = c("EVAL", code, 0)
    assert isinstance(reply, Err) and str(reply).encode().startswith(want), reply
    assert c("EVAL", "return cjson.decode('[1,[2]]')[2]", 0) == [2]


def test_sparse_objects_are_no_arrays(start):
    c = start().conn()
    code = "cjson.encode_sparse_array(true, 2, 10) return cjson.encode({[1000000000] = {[1000000000] = 1}})"
    assert c("EVAL", code, 0) == b'{"1000000000":{"1000000000":1}}'
