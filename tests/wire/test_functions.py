"""FUNCTION: libraries of functions, how they are kept and exchanged."""
import pytest

from resp import Err, NIL_ARRAY, OK, PONG, Simple
from server import wait_for

PONG = Simple("PONG")
LIB = "#!lua name=%s\nredis.register_function('%s', function(keys, args) return %s end)"


def lib(name, function=None, result="1"):
    return LIB % (name, function or name + "_f", result)


@pytest.fixture
def f(c):
    """FUNCTION on a server without libraries."""
    c("FUNCTION", "FLUSH")
    yield lambda *args: c("FUNCTION", *args)
    c("FUNCTION", "FLUSH")


def names(f):
    return sorted(entry[1] for entry in f("LIST"))


def test_load_and_list(f):
    text = """#!lua name=one
        redis.register_function('a', function() return 1 end)
        redis.register_function{function_name='b', callback=function() return 2 end, description='what it does',
                                flags={'allow-oom', 'no-writes'}}"""
    assert f("LOAD", text) == b"one"
    (entry,) = f("LIST")
    assert entry[:5] == [b"library_name", b"one", b"engine", b"LUA", b"functions"]
    assert sorted(entry[5]) == [[b"name", b"a", b"description", None, b"flags", []],
                                [b"name", b"b", b"description", b"what it does", b"flags",
                                 [Simple("no-writes"), Simple("allow-oom")]]]
    (entry,) = f("LIST", "withcode")
    assert entry[6:] == [b"library_code", text.encode()]


def test_list_in_resp3(f, c3):
    f("LOAD", lib("one").replace("'one_f',", "{function_name='one_f', flags={'no-writes'}, callback=")
      .replace(" end)", " end})"))
    assert c3.raw("FUNCTION", "LIST") == (
        b"*1\r\n%3\r\n$12\r\nlibrary_name\r\n$3\r\none\r\n$6\r\nengine\r\n$3\r\nLUA\r\n$9\r\nfunctions\r\n"
        b"*1\r\n%3\r\n$4\r\nname\r\n$5\r\none_f\r\n$11\r\ndescription\r\n_\r\n$5\r\nflags\r\n~1\r\n+no-writes\r\n")
    assert c3.raw("FUNCTION", "STATS").startswith(b"%2\r\n$14\r\nrunning_script\r\n_\r\n$7\r\nengines\r\n%1\r\n$3\r\nLUA\r\n%2\r\n")


def test_list_by_pattern(f):
    for name in ("alpha", "beta", "Alma"):
        f("LOAD", lib(name))
    assert [e[1] for e in f("LIST", "LIBRARYNAME", "beta")] == [b"beta"]
    assert sorted(e[1] for e in f("LIST", "LIBRARYNAME", "al*")) == [b"Alma", b"alpha"]
    assert f("LIST", "LIBRARYNAME", "x*") == []
    assert f("LIST", "LIBRARYNAME") == Err("ERR library name argument was not given")
    assert f("LIST", "NOPE") == Err("ERR Unknown argument NOPE")
    assert f("LIST", "WITHCODE", "WITHCODE") == Err("ERR Unknown argument WITHCODE")
    assert f("LIST", "LIBRARYNAME", "a", "LIBRARYNAME", "b") == Err("ERR Unknown argument LIBRARYNAME")


BAD = [
    ("return 1", "Missing library metadata"),
    ("", "Missing library metadata"),
    ("#!lua name=a", "Invalid library metadata"),
    ("#!lua name=\"a\n", "Invalid library metadata"),
    ("#!lua\nreturn 1", "Library name was not given"),
    ("#!lua name=a name=b\n", "Invalid metadata value, name argument was given multiple times"),
    ("#!lua name=a foo=bar\n", "Invalid metadata value given: foo=bar"),
    ("#!lua name=a-b\n", "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"),
    ("#!lua name=\n", "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"),
    ("#!js name=a\n", "Engine 'js' not found"),
    ("#! name=a\n", "Engine '' not found"),
    ("#!lua name=a\nreturn 1", "No functions registered"),
    ("#!lua name=a\nredis.register_function('a b', function() end)",
     "Error registering functions: ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"),
    ("#!lua name=a\nredis.register_function('a')",
     "Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments)."),
    ("#!lua name=a\nredis.register_function()", "Error registering functions: ERR wrong number of arguments to redis.register_function"),
    ("#!lua name=a\nredis.register_function({}, function() end)", "Error registering functions: ERR first argument to redis.register_function must be a string"),
    ("#!lua name=a\nredis.register_function('f', 1)", "Error registering functions: ERR second argument to redis.register_function must be a function"),
    ("#!lua name=a\nredis.register_function{function_name='f', callback=function() end, flags={'x'}}",
     "Error registering functions: ERR unknown flag given"),
    ("#!lua name=a\nredis.register_function{function_name='f', callback=function() end, x=1}",
     "Error registering functions: ERR unknown argument given to redis.register_function"),
    ("#!lua name=a\nredis.call('PING')", "Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'"),
    ("#!lua name=a\n\nfoo()", "Error registering functions: ERR user_function:3: Script attempted to access nonexistent global variable 'foo'"),
    ("#!lua name=a\nx = 1", "Error registering functions: ERR user_function:2: Attempt to modify a readonly table"),
    ("#!lua name=a\nredis.x = 1", "Error registering functions: ERR user_function:2: Attempt to modify a readonly table"),
    ("#!lua name=a\nlocal x = {} x.y.z = 1", "Error registering functions: ERR user_function:2: attempt to index field 'y' (a nil value)"),
    ("#!lua name=a\nwhile redis do end", "Error registering functions: ERR FUNCTION LOAD timeout"),
    ("#!lua name=a\nlocal", "Error compiling function: user_function:2: '<name>' expected near '<eof>'"),
]


@pytest.mark.parametrize("text,error", BAD, ids=[str(i) for i in range(len(BAD))])
def test_what_cannot_be_loaded(f, text, error):
    assert f("LOAD", text) == Err("ERR " + error)
    assert f("LIST") == []


@pytest.mark.memd_only
def test_what_loads_too_long_within_a_function_of_c_is_stopped(f):
    text = "#!lua name=a\nlocal x = ('a'):rep(50000):find('.-.-.-.-.-b')"
    assert f("LOAD", text) == Err("ERR Error registering functions: ERR FUNCTION LOAD timeout")


def test_names_are_taken_once(f):
    f("LOAD", lib("a", "f"))
    assert f("LOAD", lib("a", "g")) == Err("ERR Library 'a' already exists")
    assert f("LOAD", lib("b", "F")) == Err("ERR Function F already exists")
    assert f("LOAD", "NOPE", lib("b")) == Err("ERR Unknown option given: NOPE")
    assert f("LOAD", "replace", lib("a", "g")) == b"a"
    assert f("LOAD", lib("b", "F")) == b"b"
    # what fails leaves the old one
    assert f("LOAD", "REPLACE", lib("a", "F")) == Err("ERR Function F already exists")
    assert names(f) == [b"a", b"b"]
    assert f("DELETE", "A") == Err("ERR Library not found")
    assert f("DELETE", "a") == OK
    assert names(f) == [b"b"]
    assert f("STATS") == [b"running_script", None, b"engines", [b"LUA", [b"libraries_count", 1, b"functions_count", 1]]]


def test_flush(f):
    for option in ([], ["SYNC"], ["async"]):
        f("LOAD", lib("a"))
        assert f("FLUSH", *option) == OK
        assert f("LIST") == []
    assert f("FLUSH", "NOPE") == Err("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    assert str(f("FLUSH", "SYNC", "SYNC")).startswith("ERR unknown subcommand or wrong number of arguments for 'FLUSH'.")
    assert str(f("NOPE")) == "ERR unknown subcommand 'NOPE'. Try FUNCTION HELP."


def test_flushing_the_data_keeps_libraries(f, c):
    f("LOAD", lib("a"))
    c("FLUSHALL")
    c("FLUSHDB")
    assert names(f) == [b"a"]


def test_dump_and_restore(f):
    assert f("RESTORE", f("DUMP")) == OK
    f("LOAD", lib("a", "f"))
    f("LOAD", lib("b", "g"))
    both = f("DUMP")
    assert f("RESTORE", both) == Err("ERR Library a already exists")
    f("FLUSH")
    assert f("RESTORE", both) == OK
    assert names(f) == [b"a", b"b"]
    f("DELETE", "b")
    f("LOAD", lib("c", "h"))
    assert f("RESTORE", both, "APPEND") == Err("ERR Library a already exists")
    assert f("RESTORE", both, "replace") == OK
    assert names(f) == [b"a", b"b", b"c"]
    assert f("RESTORE", both, "FLUSH") == OK
    assert names(f) == [b"a", b"b"]
    f("LOAD", "REPLACE", lib("b", "k"))
    f("LOAD", lib("d", "g"))
    assert f("RESTORE", both, "REPLACE") == Err("ERR Function g already exists")
    assert names(f) == [b"a", b"b", b"d"]
    assert f("RESTORE", both, "NOPE") == Err("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    for bad in (b"", b"x", both[:-1], both + b"x", b"x" + both):
        assert f("RESTORE", bad) == Err("ERR DUMP payload version or checksum are wrong")
    assert str(f("RESTORE", both, "FLUSH", "x")).startswith("ERR unknown subcommand or wrong number of arguments for 'RESTORE'.")
    assert names(f) == [b"a", b"b", b"d"]


def test_memory_and_figures(f, c):
    before = c.info("memory")
    f("LOAD", lib("a") + " --" + "x" * 10000)
    after = c.info("memory")
    assert after["number_of_functions"] == "1" and after["number_of_libraries"] == "1"
    assert int(after["used_memory_functions"]) >= int(before["used_memory_functions"]) + 10000
    assert int(after["used_memory_vm_functions"]) > 0
    stats = c("MEMORY", "STATS")
    assert stats[stats.index(b"functions.caches") + 1] >= 10000


def test_out_of_memory(start):
    c = start().conn()
    c("FUNCTION", "LOAD", lib("a"))
    payload = c("FUNCTION", "DUMP")
    c("CONFIG", "SET", "maxmemory", 1)
    assert str(c("FUNCTION", "LOAD", lib("b"))).startswith("OOM command not allowed")
    assert str(c("FUNCTION", "RESTORE", payload)).startswith("OOM command not allowed")
    assert c("FUNCTION", "FLUSH") == OK


def test_a_transaction(f, c):
    c("MULTI")
    f("LOAD", lib("a"))
    f("LOAD", lib("a"))
    f("DELETE", "a")
    assert c("EXEC") == [b"a", Err("ERR Library 'a' already exists"), OK]


# --- what stays --------------------------------------------------------------------------------------

MODES = [{"appendonly": "yes"}, {"appendonly": "yes", "rewrite": True}, {"save": "3600 100000"}]
IDS = ["log", "base", "snapshot"]


def build(c):
    assert c("FUNCTION", "LOAD", lib("old")) == b"old"
    c("FUNCTION", "FLUSH")
    c("FUNCTION", "LOAD", lib("a", "f", "'first'"))
    c("FUNCTION", "LOAD", lib("gone"))
    c("FUNCTION", "DELETE", "gone")
    c("FUNCTION", "LOAD", "REPLACE", lib("a", "f", "'second'"))
    payload = c("FUNCTION", "DUMP")
    c("FUNCTION", "LOAD", lib("b"))
    c("FUNCTION", "RESTORE", payload, "REPLACE")
    c("SET", "k", "v")


@pytest.mark.parametrize("mode", MODES, ids=IDS)
def test_a_restart(start, mode):
    mode = dict(mode)
    rewrite = mode.pop("rewrite", False)
    s = start(**mode)
    c = s.conn()
    build(c)
    if rewrite:
        c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
    before = sorted(c("FUNCTION", "LIST", "WITHCODE"))
    s.stop()
    s.start()
    c = s.conn()
    assert sorted(c("FUNCTION", "LIST", "WITHCODE")) == before
    assert b"second" in before[0][-1]
    assert c("GET", "k") == b"v"


def test_a_reload(start):
    c = start(appendonly="yes", enable_debug_command="yes").conn()
    build(c)
    before = c("FUNCTION", "LIST", "WITHCODE")
    assert c("DEBUG", "RELOAD") == OK
    assert c("FUNCTION", "LIST", "WITHCODE") == before
    assert c("DEBUG", "LOADAOF") == OK
    assert c("FUNCTION", "LIST", "WITHCODE") == before
    c("FUNCTION", "LOAD", lib("later"))
    assert c("DEBUG", "RELOAD", "NOSAVE") == OK
    assert c("FUNCTION", "LIST", "WITHCODE") == before


def test_server_is_another_name_for_redis(start):
    c = start().conn()
    c("FUNCTION", "LOAD", "#!lua name=l\nserver.register_function('f', function() return {server.call('PING'), redis.call('PING')} end)")
    assert c("FCALL", "f", 0) == [PONG, PONG]


def test_a_reload_that_adds(start):
    c = start(enable_debug_command="yes").conn()
    c("FUNCTION", "LOAD", lib("saved"))
    c("SET", "k", "saved")
    c("SAVE")
    c("FUNCTION", "LOAD", lib("later"))
    c("SET", "k", "later")
    c("SET", "new", "later")
    failed = Err("ERR Error trying to load the RDB dump, check server logs.")
    assert c("DEBUG", "RELOAD", "NOFLUSH", "NOSAVE") == failed
    assert c("MGET", "k", "new") == [b"later", b"later"]
    assert c("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE") == OK
    assert c("MGET", "k", "new") == [b"saved", b"later"]
    assert len(c("FUNCTION", "LIST")) == 2
    c("FUNCTION", "FLUSH")
    assert c("DEBUG", "RELOAD", "NOFLUSH", "NOSAVE") == failed


# --- the stock server --------------------------------------------------------------------------------


@pytest.mark.memd_only
def test_payloads_go_both_ways(f, reference):
    other = reference.conn()
    other("FUNCTION", "FLUSH")
    build(other)
    build_list = sorted(other("FUNCTION", "LIST", "WITHCODE"))
    f("FLUSH")
    assert f("RESTORE", other("FUNCTION", "DUMP")) == OK
    assert sorted(f("LIST", "WITHCODE")) == build_list
    other("FUNCTION", "FLUSH")
    assert other("FUNCTION", "RESTORE", f("DUMP")) == OK
    assert sorted(other("FUNCTION", "LIST", "WITHCODE")) == build_list
    other("FUNCTION", "FLUSH")


@pytest.mark.memd_only
def test_errors_are_those_of_the_stock_server(reference):
    other = reference.conn()
    for text, error in BAD:
        assert other("FUNCTION", "LOAD", text) == Err("ERR " + error), text


# --- calling -----------------------------------------------------------------------------------------

CALLS = """#!lua name=calls
local shared = 0
local lib = redis
local function f(name, fn, ...) redis.register_function{function_name=name, callback=fn, flags={...}} end
f('echo', function(keys, args) return {keys, args} end, 'no-writes')
f('put', function(keys, args) local r = redis.call('SET', keys[1], args[1]) return r end)
f('get', function(keys) local r = redis.call('GET', keys[1]) return r end, 'no-writes')
f('get_writer', function(keys) local r = redis.call('GET', keys[1]) return r end)
f('put_no_writes', function(keys) local r = redis.call('SET', keys[1], 1) return r end, 'no-writes')
f('put_oom', function(keys) local r = redis.call('SET', keys[1], 1) return r end, 'allow-oom')
f('count', function() shared = shared + 1 return shared end)
f('unknown', function() local r = redis.call('NOPE') return r end)
f('arity', function() local r = redis.call('GET') return r end)
f('caught', function() local r = redis.pcall('GET') return r.err end)
f('noscript', function() local r = redis.call('SUBSCRIBE', 'x') return r end)
f('wrong', function(keys) redis.call('LPUSH', keys[1], 1) local r = redis.call('GET', keys[1]) return r end)
f('global', function() x = 1 end)
f('nonexistent', function() local r = KEYS return r end)
f('late', function() lib.register_function('x', function() end) end)
f('later', function() redis.register_function('x', function() end) end)
f('boo', function() error('boo') end)
f('own', function() error({err='MY boo'}) end)
f('reply', function() return redis.error_reply('MY boo') end)
f('version', function() return redis.REDIS_VERSION end)
f('three', function() redis.setresp(3) local r = redis.call('HGETALL', 'h') return r end)
f('block', function() local r = redis.call('BLPOP', 'nothing', 0) return r end)
f('pack', function(keys, args) return cmsgpack.unpack(cmsgpack.pack(args))[1] end)
f('db', function() redis.call('SELECT', 3) redis.call('SET', 'there', 1) end)
f('many', function(keys) for _, k in ipairs(keys) do redis.call('INCR', k) end return #keys end)
"""


@pytest.fixture
def call(f, c):
    f("LOAD", CALLS)
    return lambda name, keys=(), *args: c("FCALL", name, len(keys), *keys, *args)


def test_arguments_and_results(call, c):
    assert call("echo", ["a", "b"], "c") == [[b"a", b"b"], [b"c"]]
    assert call("ECHO") == [[], []]
    assert call("put", ["k"], "v") == OK
    assert call("get", ["k"]) == b"v" and c("GET", "k") == b"v"
    assert call("get", ["none"]) is None
    assert [call("count"), call("count")] == [1, 2]
    assert call("pack", [], "x") == b"x"
    assert call("block") is None
    assert call("many", ["n1", "n2"]) == 2


ERRORS = [
    ("unknown", "ERR Unknown Redis command called from script script: unknown, on @user_function:12."),
    ("arity", "ERR Wrong number of args calling Redis command from script script: arity, on @user_function:13."),
    ("noscript", "ERR This Redis command is not allowed from script script: noscript, on @user_function:15."),
    ("wrong", "WRONGTYPE Operation against a key holding the wrong kind of value script: wrong, on @user_function:16."),
    ("global", "ERR user_function:17: Attempt to modify a readonly table script: global, on @user_function:17."),
    ("nonexistent", "ERR user_function:18: Script attempted to access nonexistent global variable 'KEYS' script: nonexistent, on @user_function:18."),
    ("late", "ERR redis.register_function can only be called on FUNCTION LOAD command script: late, on @user_function:19."),
    ("later", "ERR user_function:20: attempt to call field 'register_function' (a nil value) script: later, on @user_function:20."),
    ("boo", "ERR user_function:21: boo script: boo, on @user_function:21."),
    ("own", "MY boo script: own, on @user_function:22."),
    ("reply", "MY boo"),
    ("put_no_writes", "ERR Write commands are not allowed from read-only scripts. script: put_no_writes, on @user_function:9."),
]


@pytest.mark.parametrize("name,error", ERRORS, ids=[e[0] for e in ERRORS])
def test_errors(call, name, error):
    assert call(name, ["list"]) == Err(error)


@pytest.mark.memd_only
def test_those_errors_are_the_stock_servers(reference):
    other = reference.conn()
    other("FUNCTION", "LOAD", CALLS)
    for name, error in ERRORS:
        assert other("FCALL", name, 1, "list") == Err(error)


def test_bad_calls(call, c):
    assert c("FCALL", "nope", 0) == Err("ERR Function not found")
    assert c("FCALL", "echo", "x") == Err("ERR Bad number of keys provided")
    assert c("FCALL", "echo", 2, "k") == Err("ERR Number of keys can't be greater than number of args")
    assert c("FCALL", "echo", -1, "k") == Err("ERR Number of keys can't be negative")
    assert call("caught") == b"ERR Wrong number of args calling Redis command from script"


def test_read_only_calls(call, c):
    c("SET", "k", "v")
    assert c("FCALL_RO", "get", 1, "k") == b"v"
    assert c("FCALL_RO", "get_writer", 1, "k") == Err("ERR Can not execute a script with write flag using *_ro command.")


def test_resp3(call, c, c3):
    c("HSET", "h", "f", "v")
    assert call("three") == [b"f", b"v"]
    assert c3.raw("FCALL", "three", 0) == b"%1\r\n$1\r\nf\r\n$1\r\nv\r\n"
    assert c3.raw("FCALL", "get", 1, "none") == b"_\r\n"


def test_the_database_of_a_function_is_its_own(call, c):
    assert call("db") is None
    assert c("GET", "there") is None
    c("SELECT", 3)
    assert c("GET", "there") == b"1"
    c("SELECT", 0)


def test_calls_without_memory(start):
    c = start().conn()
    c("FUNCTION", "LOAD", CALLS)
    c("CONFIG", "SET", "maxmemory", 1)
    assert str(c("FCALL", "put", 1, "k", "v")).startswith("OOM command not allowed when used memory > 'maxmemory'.")
    assert c("FCALL", "get", 1, "k") is None
    assert c("FCALL", "put_oom", 1, "k") == OK


def test_calls_in_a_transaction_and_watched(call, c, c2):
    c("WATCH", "k")
    c2("FCALL", "put", 1, "k", "v")
    c("MULTI")
    call("get", ["k"])
    assert c("EXEC") is NIL_ARRAY
    c("MULTI")
    call("put", ["k"], "w")
    call("get", ["k"])
    assert c("EXEC") == [OK, b"w"]


def test_keys_of_a_call(c):
    assert c("COMMAND", "GETKEYS", "FCALL", "f", 2, "a", "b", "c") == [b"a", b"b"]
    assert c("COMMAND", "GETKEYS", "FCALL_RO", "f", 1, "a", "b") == [b"a"]


def test_effects_are_in_the_log(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("FUNCTION", "LOAD", CALLS)
    c("FCALL", "many", 3, "a", "b", "a")
    c("FCALL", "db", 0)
    s.stop()
    s.start()
    c = s.conn()
    assert [c("GET", "a"), c("GET", "b")] == [b"2", b"1"]
    c("SELECT", 3)
    assert c("GET", "there") == b"1"
    assert c("FCALL", "count", 0) == 1


def test_monitors_see_a_call_before_what_it_runs(call, c, c2):
    assert c2("MONITOR") == OK
    call("put", ["k"], "v")
    lines = [str(c2.read()) for _ in range(2)]
    assert lines[0].endswith('"FCALL" "put" "1" "k" "v"')
    assert lines[1].endswith('lua] "SET" "k" "v"')


# --- functions that take long ------------------------------------------------------------------------

BUSY = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
SLOW = """#!lua name=slow
redis.register_function('forever', function(keys, args) while true do end end)
redis.register_function('stubborn', function() while true do pcall(function() while true do end end) end end)
redis.register_function('writes', function(keys) redis.call('SET', keys[1], 1) while true do end end)
redis.register_function('until_stopped', function(keys)
    redis.call('LPUSH', keys[1], 1)
    while #redis.call('KEYS', 'never') == 0 do end
end)
"""


@pytest.fixture
def slow(start):
    s = start(busy_reply_threshold=10)
    s.conn()("FUNCTION", "LOAD", SLOW)
    return s


def busy_with(s, *args):
    """A connection whose function runs, and another that is told so."""
    caller, other = s.conn(), s.conn()
    caller.send("FCALL", *args)
    wait_for(lambda: other("GET", "x") == Err(BUSY))
    return caller, other


@pytest.mark.parametrize("name", ["forever", "stubborn"])
def test_kill(slow, name):
    caller, other = busy_with(slow, name, 1, "k", "arg")
    running = other("FUNCTION", "STATS")[1]
    assert running[:4] == [b"name", name.encode(), b"command", [b"FCALL", name.encode(), b"1", b"k", b"arg"]]
    assert running[4] == b"duration_ms" and running[5] >= 10
    assert other("SET", "x", 1) == Err(BUSY)
    assert other("FUNCTION", "LIST") == Err(BUSY)
    assert other("FUNCTION", "KILL") == OK
    assert str(caller.read()).startswith("ERR Script killed by user with SCRIPT KILL... script: " + name)
    assert other("PING") == PONG
    assert caller("PING") == PONG
    assert other("FUNCTION", "STATS")[1] is None
    assert other("FUNCTION", "KILL") == Err("NOTBUSY No scripts in execution right now.")


def test_what_came_with_a_busy_call_is_answered_in_order(slow):
    caller, other = slow.conn(), slow.conn()
    other("PING")
    caller.send_raw(b"SET a 1\r\nFCALL forever 0\r\nGET a\r\nPING\r\n")
    wait_for(lambda: other("GET", "x") == Err(BUSY))
    caller.send("ECHO", "later" * 10000)
    assert other("FUNCTION", "KILL") == OK
    assert caller.read() == OK
    assert str(caller.read()).startswith("ERR Script killed")
    assert caller.read() == b"1"
    assert caller.read() == PONG
    assert caller.read() == b"later" * 10000


def test_many_connections_at_once(slow):
    conns = [slow.conn() for _ in range(40)]
    caller, other = busy_with(slow, "forever", 0)
    for i, conn in enumerate(conns):
        conn.send_raw(b"PING\r\nSET k%d %d\r\n" % (i, i))
    for conn in conns:
        assert [conn.read(), conn.read()] == [Err(BUSY), Err(BUSY)]
    assert other("FUNCTION", "KILL") == OK
    assert str(caller.read()).startswith("ERR Script killed")
    for i, conn in enumerate(conns):
        assert conn("SET", "k%d" % i, i) == OK


def test_in_a_transaction(slow):
    caller, other = slow.conn(), slow.conn()
    caller("MULTI")
    caller("SET", "a", 1)
    caller("FCALL", "forever", 0)
    caller("GET", "a")
    caller.send("EXEC")
    wait_for(lambda: other("GET", "x") == Err(BUSY))
    assert other("MULTI") == OK
    assert other("GET", "x") == Err(BUSY)
    assert other("DISCARD") == OK
    assert other("FUNCTION", "KILL") == OK
    first, second, third = caller.read()
    assert first == OK and str(second).startswith("ERR Script killed") and third == b"1"


def test_what_has_written_cannot_be_killed(slow):
    caller, other = busy_with(slow, "writes", 1, "k")
    assert str(other("FUNCTION", "KILL")).startswith("UNKILLABLE Sorry the script already executed write commands")
    assert other("SHUTDOWN") == Err(BUSY)
    other.send("SHUTDOWN", "NOSAVE")
    assert other.read_to_end() == b""
    slow.wait_exit()


def test_waiting_clients_are_served_after_the_function(slow):
    waiter = slow.conn()
    waiter.send("BLPOP", "list", 0)
    wait_for(lambda: slow.conn().info("clients")["blocked_clients"] == "1")
    caller, other = busy_with(slow, "until_stopped", 1, "list")
    other.send("SHUTDOWN", "NOSAVE")
    assert other.read_to_end() == b""
    assert slow.wait_exit() == 0


def test_a_caller_that_is_gone(slow):
    caller, other = busy_with(slow, "forever", 0)
    caller.close()
    assert other("FUNCTION", "KILL") == OK
    wait_for(lambda: other("PING") == PONG)


def test_messages_for_a_busy_caller_come_whole(slow):
    caller, other = slow.conn(resp3=True), slow.conn()
    caller("SUBSCRIBE", "news")
    caller.send("FCALL", "forever", 0)
    wait_for(lambda: other("GET", "x") == Err(BUSY))
    assert other("PUBLISH", "news", "x") == Err(BUSY)
    assert other("FUNCTION", "KILL") == OK
    assert str(caller.read()).startswith("ERR Script killed")


def test_loading_a_library_takes_no_more_memory_than_a_script_may(start):
    server = start()
    with server.conn() as c:
        error = c("FUNCTION", "LOAD", "#!lua name=big\nlocal s = 'x' for i = 1, 60 do s = s .. s end")
        assert "not enough memory" in error
        assert c("FUNCTION", "LOAD", "#!lua name=ok\nredis.register_function('f', function() return 1 end)") == b"ok"
        assert c("FCALL", "f", "0") == 1
        assert int(c.info("memory")["used_memory"]) < 64 << 20
