"""What has broken out of, or broken, script engines of this kind before (docs/security-tests.md has the ids): each again, with what
must come of it. Afterwards the next script, of another user, must find its world as it was, and the data must be sound."""
import re

import pytest
import resp
from resp import Err, Simple
from server import wait_for

READONLY = "Attempt to modify a readonly table"
MISSING = "nonexistent global variable"
TOO_MANY = "too many results to unpack"
NIL = b"nil"

# What a script that comes later sees of the world.
WORLD = """
local n = 0
for name, lib in pairs({s = string, t = table, m = math, b = bit, j = cjson, p = cmsgpack, u = struct, r = redis, o = os, c = coroutine}) do
  for k, v in pairs(lib) do n = n + #k + #type(v) end
end
for k, v in pairs(_G) do n = n + #k end
return {n, ('x'):rep(3), #KEYS, ARGV[1], tostring(getmetatable(1)), tostring(getmetatable(nil)), tostring(getmetatable(print0 == nil)), type(redis.call)}
"""

# (id, script, what the reply begins with or is; None: whatever reply)
PAYLOADS = [
    # Bytecode that was never checked.
    ("CVE-2015-4335", "return tostring(loadstring('\\27Lua\\81\\0\\1\\4\\8\\4\\8\\0'))", NIL),
    ("CVE-2015-4335", "return tostring(loadstring('\\27LJ\\2\\2'))", NIL),
    ("CVE-2015-4335", "return tostring(loadstring(string.dump(function() return 1 end)))", NIL),
    ("CVE-2015-4335", "return tostring((load(function() local s = d d = nil return s end)))", None),
    ("CVE-2015-4335", "return loadfile('/etc/passwd')", MISSING),
    ("CVE-2015-4335", "return dofile('/etc/passwd')", MISSING),
    # struct: sizes, offsets and alignments that wrap around.
    ("CVE-2015-8080", "return string.format('%99999999999d', 1)", "invalid option"),
    ("CVE-2015-8080", "return struct.unpack('>I99999999999', 'x')", "integral size overflow"),
    ("CVE-2018-11219", "return struct.pack('>!2147483648 i', 1)", "integral size overflow"),
    ("CVE-2018-11219", "return struct.size('i2147483648')", "integral size overflow"),
    ("CVE-2018-11219", "return struct.unpack('Bc0', '\\255abc')", "data string too short"),
    ("CVE-2018-11219", "return struct.unpack('d', 'abc', -9223372036854775807)", "data string too short"),
    ("CVE-2020-14147", "return struct.pack('>I2147483648', '10')", "integral size overflow"),
    ("CVE-2020-14147", "return struct.unpack('i', 'abcdefgh', 2147483647)", "data string too short"),
    ("CVE-2020-14147", "return struct.unpack('c2147483647', 'abc')", "data string too short"),
    # cmsgpack: more values than the stack has room for, lengths beyond the input, tables within themselves.
    ("CVE-2018-11218", "return #cmsgpack.pack(unpack({}, 1, 7000))", "Too many arguments"),
    ("CVE-2018-11218", "return select('#', cmsgpack.unpack(string.rep('\\192', 1e6)))", "too many values to unpack|stack overflow|not enough memory"),
    ("CVE-2018-11218", "return cmsgpack.unpack('\\198\\255\\255\\255\\255x')", "Bad data format"),
    ("CVE-2018-11218", "return cmsgpack.unpack('\\223\\255\\255\\255\\255')", "Missing bytes"),
    ("CVE-2018-11218", "return cmsgpack.unpack_limit('\\1\\2', 2147483647, 2147483647)", "Start offset 2147483647"),
    ("CVE-2018-11218", "return cmsgpack.unpack_limit('\\1\\2', 1, -2)", "Invalid request to unpack"),
    ("CVE-2018-11218", "local t = {} t[1] = t return #cmsgpack.pack(t)", 17),
    # The stack: as many arguments, captures and levels as one likes.
    ("CVE-2021-32626", "local t = {} for i = 1, 7990 do t[i] = 'k' end return #redis.call('MGET', unpack(t))", 7990),
    ("CVE-2021-32626", "local t = {} for i = 1, 1e5 do t[i] = 'k' end return redis.call('MGET', unpack(t))", TOO_MANY),
    ("CVE-2021-32626", "local function f() return 1 + f() end return f()", "stack overflow"),
    ("CVE-2021-32626", "local function f() return pcall(f) end f() return 1", None),
    ("CVE-2021-32626", "return string.find(string.rep('a', 1e5), string.rep('(', 40))", "too many captures"),
    ("CVE-2021-32626", "return string.match(string.rep('x', 2e5), string.rep('.-', 2e5))", "pattern too complex"),
    ("CVE-2021-32626", "return string.byte(string.rep('a', 1e6), 1, -1)", "string slice too long"),
    ("CVE-2021-32626", "local t = {} for i = 1, 2000 do t = {t} end return #tostring(t) > 0 and 1", 1),
    ("CVE-2021-32626", "local t = {} t.__index = t setmetatable(t, t) return t.x", "loop in gettable|chain too long"),
    # The debugger is not there to be spoken to.
    ("CVE-2021-32672", "return redis.breakpoint()", None),
    ("CVE-2021-32672", "return redis.debug('x')", None),
    ("CVE-2021-32672", "return debug.getinfo(1)", MISSING),
    # A library that was left in by a distribution.
    ("CVE-2022-0543", "return package.loadlib('/usr/lib/x86_64-linux-gnu/liblua5.1.so.0', 'luaopen_io')", MISSING),
    ("CVE-2022-0543", "return require('os')", MISSING),
    ("CVE-2022-0543", "return module('x')", MISSING),
    ("CVE-2022-0543", "return io.popen('id')", MISSING),
    ("CVE-2022-0543", "return ffi.C", MISSING),
    ("CVE-2022-0543", "return jit.on()", MISSING),
    ("CVE-2022-0543", "return newproxy(true)", MISSING),
    ("CVE-2022-0543", "return os.execute('id')", "attempt to call field 'execute'"),
    ("CVE-2022-0543", "return os.exit()", "attempt to call field 'exit'"),
    ("CVE-2022-0543", "return os.getenv('PATH')", "attempt to call field 'getenv'"),
    ("CVE-2022-0543", "return os.remove('/tmp/x')", "attempt to call field 'remove'"),
    # What a script leaves behind for whoever comes next, with other rights.
    ("CVE-2022-24735", "redis.call = function() return 'mine' end", READONLY),
    ("CVE-2022-24735", "_G.redis = {}", READONLY),
    ("CVE-2022-24735", "rawset(_G, 'x', 1)", READONLY),
    ("CVE-2022-24735", "rawset(string, 'rep', redis.call)", READONLY),
    ("CVE-2022-24735", "table.foreach = redis.call", READONLY),
    ("CVE-2022-24735", "setmetatable(_G, {__index = redis.call})", READONLY),
    ("CVE-2022-24735", "getmetatable(_G).__newindex = nil x = 1", READONLY),
    ("CVE-2022-24735", "setfenv(0, {}) return 1", "cannot change environment"),
    ("CVE-2022-24735", "setfenv(redis.call, {}) return 1", "cannot change environment"),
    ("CVE-2022-24735", "setfenv(1, {}) x = 1 return x", 1),
    ("CVE-2022-24735", "getfenv(0).x = 1", READONLY),
    ("CVE-2022-24735", "getfenv(table.move).x = 1", READONLY),
    ("CVE-2022-24735", "getfenv(coroutine.wrap(function() end)).x = 1", READONLY),
    ("CVE-2022-24735", "table.foreach({1}, function() getfenv(2).x = 1 end)", READONLY),
    ("CVE-2022-24735", "setfenv(table.move, {}) return 1", "cannot change environment"),
    ("CVE-2022-24735", "KEYS = nil", READONLY),
    ("CVE-2022-24735", "KEYS[1] = 'left' ARGV[1] = 'left' return 1", 1),
    ("CVE-2025-46818", "getmetatable('').__index = function() return 1 end", READONLY),
    ("CVE-2025-46818", "getmetatable('').__call = redis.call", READONLY),
    ("CVE-2025-46818", "rawset(getmetatable(''), '__index', {})", READONLY),
    ("CVE-2025-46818", "setmetatable('', {})", "table expected"),
    ("CVE-2025-46818", "setmetatable(1, {})", "table expected"),
    ("CVE-2025-46818", "return tostring(getmetatable(1)) .. tostring(getmetatable(nil)) .. tostring(getmetatable(true)) .. tostring(getmetatable(redis.call))", b"nil" * 4),
    ("CVE-2025-46818", "for k, v in pairs(redis) do if type(v) == 'table' then v.x = 1 end end return 1", 1),
    ("CVE-2025-46818", "cjson.null = nil", READONLY),
    ("CVE-2025-46818", "local c = coroutine.wrap(function() x = 1 end) c() return 1", "modify a readonly table|Script attempted"),
    # Errors that are no errors, and nothing at all.
    ("CVE-2022-24736", "error()", "nil"),
    ("CVE-2022-24736", "error({err = {}})", "unknown error"),
    ("CVE-2022-24736", "error(setmetatable({}, {__index = function() error() end}))", None),
    ("CVE-2022-24736", "return redis.call()", "at least one argument"),
    ("CVE-2022-24736", "return redis.call({}, nil)", "must be strings or integers"),
    ("CVE-2022-24736", "return redis.error_reply(nil)", "wrong number or type of arguments"),
    ("CVE-2022-24736", "return redis.acl_check_cmd(nil)", None),
    ("CVE-2022-24736", "return redis.sha1hex()", "wrong number of arguments"),
    ("CVE-2022-24736", "return redis.setresp(nil)", None),
    ("CVE-2022-24736", "return {err = nil, ok = {}, double = 'x', map = 1}", None),
    # Buffers that grow with what is packed into them.
    ("CVE-2022-24834", "return #cjson.encode(string.rep('\\1', 3e8))", "too long|not enough memory"),
    ("CVE-2022-24834", "local t = {} t[1] = t return cjson.encode(t)", "excessive nesting"),
    ("CVE-2022-24834", "cjson.encode_max_depth(2^31) return 1", "expected integer|1"),
    ("CVE-2022-24834", "return cjson.decode('\"\\\\ud800\"')", "invalid unicode"),
    ("CVE-2022-24834", "return cjson.decode('\"\\\\u00')", "invalid unicode"),
    ("CVE-2022-24834", "local s = string.rep('x', 3e7) return #cmsgpack.pack({s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s})", "not enough memory"),
    # A width without a lower end.
    ("CVE-2024-31449", "return bit.tohex(65535, -2147483648)", b""),
    ("CVE-2024-31449", "return bit.tohex(65535, -2147483649)", None),
    ("CVE-2024-31449", "return #bit.tohex(65535, 2147483647) < 300 and 1", 1),
    ("CVE-2024-31449", "return bit.tohex(65535, -4)", b"FFFF"),
    # The collector: stopped, hurried, called within what it calls.
    ("CVE-2024-46981", "local t = setmetatable({}, {__gc = function() error('x') end, __mode = 'kv'}) t = nil collectgarbage() return 1", 1),
    ("CVE-2024-46981", "local t = setmetatable({}, {__mode = 'k', __index = function(t, k) collectgarbage() return k end}) return t.x", b"x"),
    ("CVE-2024-46981", "collectgarbage('setpause', 0) collectgarbage('setstepmul', 1e9) local t = {} for i = 1, 1e5 do t[i % 100] = {i} end return 1", 1),
    ("CVE-2024-46981", "collectgarbage('stop') return 1", 1),
    ("CVE-2024-46981", "local t = {} for i = 1, 9 do t[i] = i end table.sort(t, function(a, b) collectgarbage() t[#t] = nil return a < b end) return 1", None),
    ("CVE-2024-46981", "return string.gsub(string.rep('a', 100), 'a', function() collectgarbage() return {} end)", "invalid replacement value"),
    # Widths of numbers with a fraction, all of them.
    ("CVE-2024-25176", "return string.format('%7g', 0x1.144399609d407p+401)", b"5.5733e+120"),
    ("CVE-2024-25176", "local m = 0 for p = 1, 20 do for e = -1070, 1023, 3 do for _, f in ipairs{'%%%dg', '%%.%dg', '%%%d.%dg', '%%#.%dg'} do "
     "m = math.max(m, #string.format(string.format(f, p, p), 1.079 * 2 ^ e)) end end end return m", 26),
    # The stack overflows, and who handles that needs it, too; from any depth.
    ("CVE-2024-25178", "local function f() return f() + 1 end return {xpcall(function() return f() + 1 end, function(m) return f() end)}", [None, b"stack overflow"]),
    ("CVE-2024-25178", "local f f = function() local ok, e = pcall(f) return error(e) end return {pcall(f)}", None),
    ("CVE-2024-25178", "local f f = function(t) return tostring(setmetatable({}, {__tostring = f})) end return {pcall(f)}", [None, b"stack overflow"]),
    ("LuaJIT-1471", "local s, w = {}, {} for i = 1, 34 do s[i] = 'local v' .. i .. '=' .. i w[i] = 'v' .. i .. '=v' .. i .. '+1' end "
     "local h = loadstring('return function(e) ' .. table.concat(s, ' ') .. ' pcall(error, 1) ' .. table.concat(w, ' ') .. ' return v34 end')() "
     "local function go(a) return go(a) + 1 end local function at(n) if n > 0 then return at(n - 1) + 1 end return go(1) end "
     "for n = 0, 40 do xpcall(function() return at(n) end, h) end return 1", 1),
    # Ranges whose length does not fit.
    ("CVE-2025-46817", "return unpack({'a', 'b'}, -1, 2147483646)", TOO_MANY),
    ("CVE-2025-46817", "return unpack({}, 0, 2147483647)", TOO_MANY),
    ("CVE-2025-46817", "return unpack({}, -2147483648, 2147483647)", TOO_MANY),
    ("CVE-2025-46817", "return unpack({}, -2^63, 2^63)", None),
    ("CVE-2025-46817", "return string.sub('abc', -2^63, 2^63)", None),
    ("CVE-2025-46817", "return table.concat({}, 'x', -2^53, 2^53)", "invalid value"),
    ("CVE-2025-46817", "return math.random(-2^63, 2^63)", None),
    # The reader of source text, at its ends.
    ("CVE-2025-46819", "return tostring(loadstring('return [' .. string.rep('=', 1e6) .. '['))", NIL),
    ("CVE-2025-46819", "return tostring(loadstring('return [' .. string.rep('=', 1e6)))", NIL),
    ("CVE-2025-46819", "return tostring(loadstring('return [==[ ]' .. string.rep('=', 1e6)))", NIL),
    ("CVE-2025-46819", "return tostring(loadstring('return \"\\\\'))", NIL),
    ("CVE-2025-46819", "return tostring(loadstring('return \"\\\\999\"'))", NIL),
    ("CVE-2025-46819", "return tostring(loadstring('return 0x'))", NIL),
    ("CVE-2025-46819", "return type(loadstring('return 0x' .. string.rep('f', 1e5)))", None),
    ("CVE-2025-46819", "return type(loadstring('--[' .. string.rep('=', 1e6)))", b"function"),
    # The parser, while the collector takes what it has just read.
    ("CVE-2025-49844", "collectgarbage('setpause', 0) for i = 1, 2000 do loadstring('local a = \"' .. i .. '\" return function() return a end', 'n' .. i) end return 1", 1),
    ("CVE-2025-49844", "for i = 1, 300 do loadstring('return \"' .. string.rep(tostring(i), 200) .. '\"', string.rep('=x', i)) collectgarbage() end return 1", 1),
    ("CVE-2025-49844", "return tostring(loadstring('x x', string.rep('n', 1e6) .. '\\n'))", NIL),
    ("CVE-2025-49844", "return tostring(loadstring(string.rep('(', 1e5)))", NIL),
    ("CVE-2025-49844", "return tostring(loadstring('return ' .. string.rep('{', 1e5)))", NIL),
    ("CVE-2025-49844", "return tostring(loadstring('return ' .. string.rep('a..', 1e5) .. 'a'))", NIL),
    ("CVE-2025-49844", "return tostring(loadstring('local ' .. string.rep('a,', 300) .. 'b'))", NIL),
    # What the caller must not do to the server from within.
    ("CVE-2026-23631", "return redis.call('REPLICAOF', '127.0.0.1', '1')", "not allowed from script"),
    ("CVE-2026-23631", "return redis.call('SYNC')", "not allowed from script"),
    ("CVE-2026-23631", "return redis.call('SCRIPT', 'FLUSH')", "not allowed from script"),
    ("CVE-2026-23631", "return redis.call('CLIENT', 'KILL', 'ID', '1')", "not allowed from script"),
    ("CVE-2026-23631", "return redis.call('EVAL', 'return 1', 0)", "not allowed from script"),
    ("CVE-2026-23631", "return redis.call('DEBUG', 'SLEEP', 0)", "not allowed from script"),
]


@pytest.fixture(scope="module")
def worlds(shared_server):
    """The world as the first script sees it."""
    with shared_server.conn() as c:
        return c("EVAL", WORLD, 0, "a")


def check(reply, want):
    if isinstance(want, str):
        assert isinstance(reply, Err) and re.search(want, str(reply)), reply
    elif want is not None:
        assert reply == want


@pytest.mark.memd_only
@pytest.mark.parametrize("name", sorted({p[0] for p in PAYLOADS}))
def test_payloads_of_old(server, worlds, c, name):
    other = server.conn()
    assert other("ACL", "SETUSER", "other", "on", "nopass", "~*", "+eval", "+script|flush", "+get") == resp.OK
    assert other("AUTH", "other", "x") == resp.OK
    for _, script, want in [p for p in PAYLOADS if p[0] == name]:
        check(c("EVAL", script, 0, "a"), want)
        assert other("EVAL", WORLD, 0, "a") == worlds, script
    assert c("DEBUG", "CHECK") == resp.OK
    assert other("SCRIPT", "FLUSH", "SYNC") == resp.OK
    assert other("EVAL", WORLD, 0, "a") == worlds


@pytest.mark.memd_only
def test_a_stopped_collector_stops_for_one_script(c):
    """Otherwise what later scripts leave would fill their memory for good."""
    assert c("EVAL", "collectgarbage('stop') return 1", 0) == 1
    for _ in range(12):
        assert c("EVAL", "local t = {} for i = 1, 4e5 do t[i] = {i} end return #t", 0) == 400000


@pytest.mark.parametrize("script", ["local t = {} t[1] = t return t", "local t = 1 for i = 1, 1e5 do t = {t} end return t"])
def test_a_table_of_tables_of_tables_has_an_end(c, script):
    c.send("EVAL", script, 0)
    head = c.read_exact(4 * 100)
    assert head == b"*1\r\n" * 100
    while not c.buf.endswith(b"-ERR reached lua stack limit\r\n"):
        c._more()
    assert len(c.buf) < 100000


def test_the_debugger_is_refused_or_harmless(c):
    """CVE-2021-32672: it took what a client sent for its own protocol."""
    reply = c("SCRIPT", "DEBUG", "NO")
    assert reply == resp.OK or isinstance(reply, Err)


@pytest.mark.memd_only
def test_what_a_script_logs_is_one_line(server, c):
    assert c("EVAL", "redis.log(redis.LOG_WARNING, 'first\\nforged: ' .. string.rep('x', 5000) .. '\\0\\27[2J')", 0) is None
    wait_for(lambda: "first" in server.log())
    assert not [line for line in server.log().split("\n") if line.startswith("forged")]
    assert "\x1b" not in server.log() and "\0" not in server.log()
