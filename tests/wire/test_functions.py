"""FUNCTION: libraries of functions, how they are kept and exchanged."""
import pytest

from resp import Err, OK, Simple
from server import wait_for

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
