"""With a megabyte of stack, an eighth of what is usual: whatever a client can nest, and however long a pattern is. What calls itself
once for each level of what comes from outside ends here. (Less would not do: LZF keeps half a megabyte there, and so do the thousand
levels of JSON that Redis takes from scripts too.)"""
import resource
import socket

import pytest
import resp
import server as srv
import surface
from resp import Err

pytestmark = pytest.mark.memd_only

DEEP = 200000


@pytest.fixture(scope="module")
def small():
    kib = 3072 if srv.MEMD.sanitized else 1024  # AddressSanitizer's own calls, and the room that it leaves around what lies there
    s = srv.Server(wrapper=["sh", "-c", 'ulimit -s %d && exec "$@"' % kib, "sh"], enable_debug_command="yes", appendonly="yes", loglevel="warning",
                   auth_delay_max="0")
    try:
        assert resource.prlimit(s.pid, resource.RLIMIT_STACK)[0] == kib << 10
        yield s
        s.stop()
    finally:
        s.destroy()


@pytest.fixture
def c(small):
    conn = small.conn()
    surface.fill(conn)
    yield conn
    assert small.proc.poll() is None and small.conn()("PING") == resp.PONG, small.log()[-3000:]
    conn.close()


SCRIPTS = [
    "local function f() return 1 + f() end return f()",
    "local function f() return pcall(f) end return f() and 1",
    "local function f(s) return (string.gsub(s, '.', f)) end return f('x')",
    "local function f() table.sort({3, 2, 1}, f) return true end return f()",
    "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
    "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)",
    "local function f() return coroutine.wrap(f)() end return f()",
    "local t = {} for i = 1, 1e5 do t = {t} end return cjson.encode(t)",
    "cjson.encode_max_depth(1e5) local t = {} for i = 1, 1e5 do t = {t} end return cjson.encode(t)",
    "return cjson.decode(string.rep('[', 1e6))",
    "cjson.decode_max_depth(1e5) return cjson.decode(string.rep('[', 1e6) .. string.rep(']', 1e6))",
    "cjson.decode_max_depth(1e5) return cjson.decode(string.rep('{\"a\":', 1e5) .. '1' .. string.rep('}', 1e5))",
    "return cmsgpack.unpack(string.rep('\\145', 1e6))",
    "return cmsgpack.unpack(string.rep('\\129\\1', 1e6))",
    "local t = {} t[1] = t return #cmsgpack.pack(t)",
    "return tostring(loadstring(string.rep('(', 1e5)))",
    "return tostring(loadstring('return ' .. string.rep('{', 1e5)))",
    "return tostring(loadstring('return ' .. string.rep('not ', 1e5) .. '1'))",
    "return tostring(loadstring('return ' .. string.rep('a..', 1e5) .. 'a'))",
    "return tostring(loadstring(string.rep('do ', 1e5)))",
    "return tostring(loadstring(string.rep('function f() ', 1e5)))",
    "return tostring(loadstring('return ' .. string.rep('function() return ', 1e5)))",
    "return string.match(string.rep('x', 2e5), string.rep('.-', 2e5))",
    "return string.find(string.rep('a', 2e5), string.rep('a?', 2e5))",
    "return #string.rep('x', 1e6):gsub('(x)(x)(x)', '%3%2%1')",
]


def test_scripts(c):
    for script in SCRIPTS:
        reply = c("EVAL", script, 0)
        assert isinstance(reply, (Err, bytes, int)), reply


@pytest.mark.parametrize("script", ["local t = {} t[1] = t return t", "redis.setresp(3) local t = {} t.map = {a = t} return t"], ids=["array", "map"])
def test_replies_of_scripts(c, script):
    c.send("EVAL", script, 0)
    while b"reached lua stack limit" not in c.buf:
        c._more()


NEST = b"*1\r\n" * DEEP


@pytest.mark.parametrize("data", [NEST, b"*2\r\n$4\r\nECHO\r\n" + NEST, b"%1\r\n" * DEEP, b"(" * DEEP + b"\r\n", b'"\\x' * DEEP + b"\r\n"],
                         ids=["arrays", "argument", "maps", "inline", "quotes"])
def test_requests_within_requests(c, data):
    try:
        c.send_raw(data)
        c.sock.shutdown(socket.SHUT_WR)
    except OSError:  # it has been told to go
        pass
    c.read_to_end()


PATTERNS = [b"*a" * (DEEP // 2), b"*" * DEEP, b"[a" * DEEP, b"[^" + b"a-z" * DEEP, b"\\" * DEEP, b"?*" * DEEP, b"{" * DEEP]


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_patterns_of_a_megabyte(small, c, pattern):
    """CVE-2024-31228: one call for each star."""
    text = b"a" * 1000
    c("SET", text, "v")
    for request in (["KEYS", pattern], ["SCAN", "0", "MATCH", pattern, "COUNT", "1000"], ["CONFIG", "GET", pattern],
                    ["SSCAN", "bigset", "0", "MATCH", pattern], ["HSCAN", "bighash", "0", "MATCH", pattern], ["ZSCAN", "bigzset", "0", "MATCH", pattern],
                    ["PUBSUB", "CHANNELS", pattern], ["FUNCTION", "LIST", "LIBRARYNAME", pattern], ["COMMAND", "LIST", "FILTERBY", "PATTERN", pattern],
                    ["ARCHIVE.LIST", "MATCH", pattern], ["ACL", "SETUSER", "deep", "reset", "on", "nopass", b"~" + pattern, b"&" + pattern, "+@all"],
                    ["ACL", "DRYRUN", "deep", "GET", text], ["ACL", "LIST"]):
        c(*request)
    listener = small.conn()
    listener("PSUBSCRIBE", pattern)
    c("PUBLISH", text, "m")
    listener.close()
    assert c("ACL", "DELUSER", "deep") == 1


def test_selectors_within_selectors(c):
    """CVE-2024-31227, CVE-2024-51741: selectors that do not end."""
    for rule in ("(" * DEEP, "(" * DEEP + ")" * DEEP, "(" + "+get " * DEEP + ")", "(%R" + "R" * DEEP + "~x)", "(", ")", "()", "(~", "(%", "(%)", "(%~"):
        reply = c("ACL", "SETUSER", "x", rule)
        assert reply == resp.OK or isinstance(reply, Err)
    assert c("ACL", "SETUSER", "y", "on", "nopass", *["(~k%d +get)" % i for i in range(2000)]) == resp.OK
    assert c("ACL", "DRYRUN", "y", "GET", "k1999") == resp.OK
    c("ACL", "GETUSER", "y")
    c("ACL", "DELUSER", "x", "y")


def test_sql_and_searches(c):
    """They run on threads of their own."""
    deep = 2000
    for sql in ("SELECT " + "(" * deep + "1" + ")" * deep, "SELECT " + "1+" * deep + "1", "SELECT " + "-" * deep + "1", "SELECT " + "NOT " * deep + "1",
                "SELECT * FROM " + "(SELECT * FROM " * 200 + "messages" + ")" * 200, "SELECT 1 " + "UNION ALL SELECT 1 " * 450,
                "SELECT json_extract('%s', '$')" % ("[" * 990 + "]" * 990), "SELECT json('%s')" % ("[" * 5000), "SELECT 'x' LIKE '%s'" % ("%a" * 5000),
                "SELECT '%s' GLOB '%s'" % ("a" * 900, "*a" * 900), "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t LIMIT 100000) SELECT count(*) FROM t",
                "SELECT " + "CASE WHEN 1 THEN " * 300 + "1" + " END" * 300, "SELECT " + "abs(" * 900 + "1" + ")" * 900, "SELECT printf('%1000000d', 1)"):
        c("ARCHIVE.SQL", sql)
    for query in ("(" * deep + "a" + ")" * deep, "a OR " * deep + "a", '"' * deep, "NOT " * deep, "a NEAR " * deep + "a", "a " * deep, "*" * deep, "a AND (" * 250 + "b" + ")" * 250):
        c("ARCHIVE.SEARCH", query)


def test_documents_within_documents(c):
    """JSON is read where a namespace archives messages, and where a search looks into values."""
    c("NAMESPACE", "SET", "deep:*", "archive", "del")
    for text in (b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"content":' * DEEP, b'{"role":"user","content":' + b"[" * 5000 + b"]" * 5000 + b"}",
                 b'{"role":"user","content":"' + b"\\u0041" * DEEP + b'"}'):
        c("SET", "deep:s", text)
        c("RPUSH", "deep:l", text)
        c("ARCHIVE.SEARCH", "user")
        c("DEL", "deep:s", "deep:l")
    assert c("ARCHIVE.FLUSH") is not None


def test_commands_at_their_limits(small, c):
    surface_c = small.conn(resp3=True)
    for form in surface.forms(surface_c):
        request = form.request()
        c("MULTI")
        c(*request)
        c("EXEC")
    c("CLIENT", "TRACKING", "OFF")
    assert c("DEBUG", "CHECK") == resp.OK
    surface.fill(c)
    c("RPUSH", "long", *range(50000))
    c("SORT", "list", "ALPHA", "BY", b"k" * DEEP + b"*->" + b"f" * DEEP, "GET", b"*" * DEEP)
    c("SORT", "long", "DESC", "STORE", "sorted")
    c("LCS", "string", "int", "IDX")
    assert c("DEBUG", "RELOAD") == resp.OK
    assert c("DEBUG", "CHECK") == resp.OK
