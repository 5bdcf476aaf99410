#include "scripting/vm.h"

#include <luajit-2.1/lauxlib.h>

#include "tests/unit/unit.h"

static struct vm *vm;
static struct buf said;    /* commands and log lines, one after another */
static struct str answer;  /* what a command replies */
static int stops_after = -1;

static void host_call(void *ctx, size_t argc, const struct str *argv, int resp, struct buf *out)
{
    (void)ctx;
    buf_printf(&said, "%d", resp);
    for (size_t i = 0; i < argc; i++) buf_printf(&said, " %.*s", (int)argv[i].n, argv[i].p);
    buf_add_c(&said, ";");
    buf_add_str(out, answer);
}

static bool host_stop(void *ctx)
{
    (void)ctx;
    if (stops_after <= 0) return stops_after == 0;
    stops_after--;
    return false;
}

static void host_log(void *ctx, int level, struct str text)
{
    (void)ctx;
    buf_printf(&said, "log %d %.*s;", level, (int)text.n, text.p);
}

static bool host_may_run(void *ctx, size_t argc, const struct str *argv, bool *may)
{
    (void)ctx;
    *may = argc == 1;
    return !str_eq(argv[0], STR("nope"));
}

static void set_up(void)
{
    struct vm_host host = { NULL, "7.2.4", host_call, host_stop, host_log, host_may_run };

    vm = vm_new(&host);
    answer = STR("+OK\r\n");
}

static void tear_down(void)
{
    ck_assert_int_eq(lua_gettop(vm_state(vm)), 0);
    vm_free(&vm);
    buf_fini(&said);
}

/* Run a chunk, the result being a reply of that version; two keys and an argument. */
static void expect_reply(int line, int resp, const char *code, const char *want)
{
    const struct str keys[] = { STR("k1"), STR("k2") }, args[] = { STR("a\0b") };
    struct vm_run run = { "name", 2, 1, keys, args };
    struct buf out = { 0 };
    struct reply r = { &out, resp };

    buf_clear(&said);
    if (luaL_loadbuffer(vm_state(vm), code, strlen(code), "@code") != 0)
        ck_abort_msg("%d: %s", line, lua_tostring(vm_state(vm), -1));
    ck_assert_msg(vm_run(vm, &run, &r) == (want[0] != 0x2d), "line %d: %s: %.*s", line, code, (int)out.n, out.p);
    if (!str_eq(buf_str(&out), str_c(want)))
        ck_abort_msg("line %d: %s\n got  %.*s\n want %s", line, code, (int)out.n, out.p, want);
    buf_fini(&out);
}

#define expect2(code, want) expect_reply(__LINE__, 2, code, want)
#define expect3(code, want) expect_reply(__LINE__, 3, code, want)
#define expect_error(code, text) expect2(code, "-ERR code:1: " text " script: name, on @code:1.\r\n")
#define expect_said(text) expect_str(buf_str(&said), STR(text))

START_TEST(values_become_replies)
{
    expect2("return 'a'", "$1\r\na\r\n");
    expect2("return 3.99", ":3\r\n");
    expect2("return -3.99", ":-3\r\n");
    expect2("return 2^70", ":-9223372036854775808\r\n");
    expect2("return true", ":1\r\n");
    expect2("return false", "$-1\r\n");
    expect2("return nil", "$-1\r\n");
    expect2("return", "$-1\r\n");
    expect3("return false", "_\r\n");
    expect3("return print_", "-ERR code:1: Script attempted to access nonexistent global variable 'print_' script: "
                             "name, on @code:1.\r\n");
    expect2("return {1, 'b', {3}, nil, 5}", "*3\r\n:1\r\n$1\r\nb\r\n*1\r\n:3\r\n");
    expect2("return {}", "*0\r\n");
    expect2("return {ok='fine'}", "+fine\r\n");
    expect2("return {ok='a\\r\\nb'}", "+a  b\r\n");
    expect2("return {err='MY fault'}", "-MY fault\r\n");
    expect2("return {double=1.5}", "$3\r\n1.5\r\n");
    expect3("return {double=1.5}", ",1.5\r\n");
    expect3("return {map={a=1}}", "%1\r\n$1\r\na\r\n:1\r\n");
    expect2("return {map={a=1}}", "*2\r\n$1\r\na\r\n:1\r\n");
    expect3("return {set={a=true}}", "~1\r\n$1\r\na\r\n");
    expect3("return {big_number='123'}", "(123\r\n");
    expect3("return {big_number='1\\r\\n3'}", "(1  3\r\n");
    expect2("return {big_number='1\\r\\n3'}", "$4\r\n1  3\r\n");
    expect3("return {verbatim_string={string='x', format='txt'}}", "=5\r\ntxt:x\r\n");
    expect3("redis.setresp(3) return {true, false}", "*2\r\n#t\r\n#f\r\n");
    expect2("redis.setresp(3) return {true, false}", "*2\r\n:1\r\n:0\r\n");
    expect2("local t = {} for i = 1, 9000 do t = {t} end return #t", ":1\r\n");
}
END_TEST

START_TEST(replies_become_values)
{
    static const struct {
        const char *reply, *code, *want;
    } cases[] = {
        { ":5\r\n", "return redis.call('x') + 1", ":6\r\n" },
        { "$1\r\na\r\n", "return redis.call('x') .. 'b'", "$2\r\nab\r\n" },
        { "$-1\r\n", "return redis.call('x') == false and 1", ":1\r\n" },
        { "*-1\r\n", "return redis.call('x') == false and 1", ":1\r\n" },
        { "_\r\n", "return redis.call('x') == nil and 1", ":1\r\n" },
        { "+OK\r\n", "return redis.call('x')", "+OK\r\n" },
        { "+OK\r\n", "return redis.call('x').ok", "$2\r\nOK\r\n" },
        { "*2\r\n:1\r\n*1\r\n$0\r\n\r\n", "return redis.call('x')", "*2\r\n:1\r\n*1\r\n$0\r\n\r\n" },
        { "%1\r\n+a\r\n:1\r\n", "for k, v in pairs(redis.call('x').map) do return k.ok .. v end", "$2\r\na1\r\n" },
        { "~1\r\n$1\r\na\r\n", "return redis.call('x').set.a and 1", ":1\r\n" },
        { "#t\r\n", "return redis.call('x') == true and 1", ":1\r\n" },
        { ",1.5\r\n", "return redis.call('x').double * 2", ":3\r\n" },
        { ",inf\r\n", "return redis.call('x').double == 1/0 and 1", ":1\r\n" },
        { "(99\r\n", "return redis.call('x').big_number", "$2\r\n99\r\n" },
        { "=5\r\ntxt:x\r\n", "return redis.call('x').verbatim_string.string", "$1\r\nx\r\n" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer = str_c(cases[i].reply);
        expect2(cases[i].code, cases[i].want);
    }
}
END_TEST

START_TEST(commands_get_their_words)
{
    expect2("return redis.call('set', 'k', 1, 1.5, 1e21, -0.1, 3.0)", "+OK\r\n");
    expect_said("2 set k 1 1.5 1e+21 -0.1 3;");
    expect2("redis.setresp(3) return redis.pcall('get', 'a b')", "+OK\r\n");
    expect_said("3 get a b;");
    expect2("redis.call()", "-ERR Please specify at least one argument for this redis lib call script: name, on "
                            "@code:1.\r\n");
    expect2("return redis.pcall()", "-ERR Please specify at least one argument for this redis lib call\r\n");
    expect2("redis.call('a', {})",
            "-ERR Lua redis lib command arguments must be strings or integers script: name, on @code:1.\r\n");
    expect2("local k, a = ... return {k[1], k[2], #k, #a, #a[1]}", "*5\r\n$2\r\nk1\r\n$2\r\nk2\r\n:2\r\n:1\r\n:3\r\n");
}
END_TEST

START_TEST(errors_say_where)
{
    answer = STR("-WRONGTYPE no\r\n");
    expect2("\n\nredis.call('x')", "-WRONGTYPE no script: name, on @code:3.\r\n");
    expect2("return redis.pcall('x')", "-WRONGTYPE no\r\n");
    expect2("return redis.pcall('x').err", "$12\r\nWRONGTYPE no\r\n");
    expect2("local ok, e = pcall(redis.call, 'x') return e", "$12\r\nWRONGTYPE no\r\n");
    expect_error("error('boo')", "boo");
    expect2("\n\nreturn redis.call('x')", "-WRONGTYPE no script: name, on @code:1.\r\n"); /* a call that returns */
    expect2("error('boo', 0)", "-ERR boo script: name, on @code:1.\r\n");
    expect2("error({err='MY boo'})", "-MY boo script: name, on @code:1.\r\n");
    expect2("error({})", "-ERR unknown error script: name, on @code:1.\r\n");
    expect2("error()", "-ERR nil script: name, on @code:1.\r\n");
    expect2("return redis.error_reply('MY boo')", "-MY boo\r\n");
    expect2("return redis.error_reply('-MY boo')", "-MY boo\r\n");
    expect2("return redis.error_reply('boo')", "-ERR boo\r\n");
    expect2("return redis.error_reply(1)", "-ERR wrong number or type of arguments\r\n");
    expect2("return redis.status_reply('fine')", "+fine\r\n");
    expect2("redis.setresp(4)", "-ERR RESP version must be 2 or 3. script: name, on @code:1.\r\n");
}
END_TEST

START_TEST(the_rest_of_redis_is_there)
{
    expect2("return redis.sha1hex('abc')", "$40\r\na9993e364706816aba3e25717850c26c9cd0d89d\r\n");
    expect2("redis.log(redis.LOG_WARNING, 'a', 1, {}, 'b')", "$-1\r\n");
    expect_said("log 3 a 1 b;");
    expect2("redis.log(9, 'a')", "-ERR Invalid debug level. script: name, on @code:1.\r\n");
    expect2("return redis.acl_check_cmd('get') and 1", ":1\r\n");
    expect2("return redis.acl_check_cmd('get', 'x')", "$-1\r\n");
    expect2("redis.acl_check_cmd('nope')",
            "-ERR Invalid command passed to redis.acl_check_cmd() script: name, on @code:1.\r\n");
    expect2("return {redis.REDIS_VERSION, redis.REDIS_VERSION_NUM}", "*2\r\n$5\r\n7.2.4\r\n:459268\r\n");
    expect2("return math.random(1000)", ":397\r\n");
    expect2("math.randomseed(0) return math.random(1000)", ":171\r\n");
}
END_TEST

START_TEST(nothing_that_scripts_share_can_be_changed)
{
    static const char *const attempts[] = {
        "x = 1", "_G.x = 1", "rawset(_G, 'x', 1)", "redis.call = 1", "string.rep = 1", "rawset(string, 'rep', 1)",
        "table.insert(string, 1)", "setmetatable(_G, {})", "setmetatable(redis, {})", "_G._G.x = 1",
    };

    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        char code[200];

        snprintf(code, sizeof code,
                 "local e = select(2, pcall(loadstring([[%s]]))) return e:find('Attempt to modify a readonly table') "
                 "and 1 or e", attempts[i]);
        expect2(code, ":1\r\n");
    }
}
END_TEST

START_TEST(there_is_no_way_out)
{
    static const char *const gone[] = { "io", "os.execute", "package", "require", "debug", "jit", "dofile", "loadfile",
                                        "print", "newproxy", "module" };

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        char code[128];

        snprintf(code, sizeof code, "local ok, v = pcall(loadstring('return %s')) return (ok and v) == false and 1 or v",
                 gone[i]);
        expect2(code, strchr(gone[i], '.') != NULL ? "$-1\r\n" : ":1\r\n");
    }
    expect2("return loadstring('\\27LJ') == nil and 1", ":1\r\n");
    expect2("return loadstring(string.dump(function() end)) == nil and 1", ":1\r\n");
    expect2("return getfenv(string.rep) == _G and 1", ":1\r\n");
    expect2("return getfenv(0) == _G and 1", ":1\r\n");
    expect2("return getfenv() == _G and 1", ":1\r\n");
    expect2("return next(getmetatable('')) == nil and pcall(rawset, getmetatable(_G), 1, 1) == false and 1", ":1\r\n");
    expect2("return pcall(setfenv, 0, {}) == false and 1", ":1\r\n");
    expect2("return pcall(setfenv, string.rep, {}) == false and 1", ":1\r\n");
    expect2("local f = setfenv(function() return x end, {x = 7}) return f()", ":7\r\n");
    expect2("local t = setmetatable({}, {__index = function() return 7 end}) return t.x", ":7\r\n");
    expect2("return load(function() return nil end) ~= nil and 1", ":1\r\n");
    expect2("local n = 0 return load(function() n = n + 1 return ({'return ', '5'})[n] end)()", ":5\r\n");
}
END_TEST

/* LuaJIT has written some functions in Lua: these and what calls a script back have the real globals for their
 * environment, in which one user's script could put functions for another's. */
START_TEST(no_environment_is_that_of_the_real_globals)
{
    /* `look` sees all that is on the stack: what has another environment than the seal, or takes one and is none of the
     * script's own functions, is counted. */
    static const char look[] =
        "local open, own = 0, {} "
        "local function bad(is) if is then open = open + 1 end end "
        "local function look() "
        "  for level = 0, 12 do "
        "    local ok, e = pcall(getfenv, level) bad(ok and e ~= _G) "
        "    local ok, f = pcall(setfenv, level, _G) bad(ok and not own[f]) "
        "  end "
        "  return false "
        "end "
        "own[look] = true own[setfenv(1, _G)] = true ";
    static const char *const calls[] = {
        "table.foreach({1, 2, 3}, look)", "table.foreachi({1, 2, 3}, look)", "table.sort({3, 1, 2}, look)", "pcall(look)",
        "local t = {} for i = 1, 6000 do t[i] = setmetatable({}, {__lt = look}) end pcall(table.sort, t)",
        "local mt = {__lt = look} local t = {} for i = 1, 6000 do t[i] = setmetatable({}, mt) end pcall(table.sort, t)",
        "xpcall(error, look)", "string.gsub('a', 'a', look)", "coroutine.wrap(look)()", "coroutine.resume(coroutine.create(look))",
        "local function part() look() end own[part] = true load(part)", "pcall(tostring, setmetatable({}, {__tostring = look}))",
        "string.gsub('a', 'a', setmetatable({}, {__index = look}))", "for k in pairs({1}) do look() end",
        "for _, f in pairs({coroutine.wrap(look), string.gmatch('', ''), look}) do bad(getfenv(f) ~= _G) end",
        "for _, lib in pairs({_G, string, table, math, bit, os, coroutine, cjson, cmsgpack, struct, redis}) do "
        "  for name, f in pairs(lib) do if type(f) == 'function' then "
        "    bad(getfenv(f) ~= _G) bad(pcall(setfenv, f, {})) "
        "  end end "
        "end",
    };

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct buf code = { 0 };

        buf_printf(&code, "%s %s return open", look, calls[i]);
        buf_add_char(&code, '\0');
        expect2(code.p, ":0\r\n");
        buf_fini(&code);
    }
    expect2("return pcall(function() getfenv(table.move).x = 1 end) == false and 1", ":1\r\n");
    expect2("local function f() setfenv(2, {y = 7}) end local function g() f() return y end return g()", ":7\r\n");
    expect2("return pcall(setfenv, 99, {}) == false and pcall(setfenv, -1, {}) == false and pcall(setfenv, 1, 1) == false and 1",
            ":1\r\n");
}
END_TEST

/* Each of these would run off the end of the machine's stack, or take all memory there is. */
START_TEST(what_is_too_much_is_an_error)
{
    expect2("local function f() return (('x'):gsub('x', f)) end return pcall(f) == false and 1", ":1\r\n");
    expect2("local function f() local c = coroutine.wrap(f) return c() end return pcall(f) == false and 1", ":1\r\n");
    expect2("local function f() table.sort({1, 2, 3}, f) end return pcall(f) == false and 1", ":1\r\n");
    expect2("local function f() return 1 + select(2, pcall(f)) end pcall(f) return 1", ":1\r\n");
    expect2("local function f() return load(f) end return 1", ":1\r\n");
    expect2("return pcall(string.rep, 'x', 2^31 - 1) == false and 1", ":1\r\n");
    expect2("return pcall(string.rep, 'x', 2^30) == false and 1", ":1\r\n");
    expect2("return pcall(unpack, {}, 1, 1e8) == false and pcall(unpack, {}, -2, 2147483647) == false and 1", ":1\r\n");
    expect2("local t = {} t[1] = t return pcall(cjson.encode, t) == false and 1", ":1\r\n");
    expect2("local s = ('\\0'):rep(2^20) local t = {} for i = 1, 300 do t[i] = s end "
            "return pcall(cjson.encode, t) == false and 1", ":1\r\n");
    expect2("return pcall(cjson.decode, ('['):rep(100000)) == false and 1", ":1\r\n");
    expect2("return cjson.encode({1, {a = 'x'}, cjson.null})", "$18\r\n[1,{\"a\":\"x\"},null]\r\n");
    expect2("return cjson.decode('{\"a\":[1,2]}').a", "*2\r\n:1\r\n:2\r\n");
}
END_TEST

START_TEST(globals_are_the_arguments_when_asked_for)
{
    const struct str keys[] = { STR("k1") }, args[] = { STR("a"), STR("b") };
    struct vm_run run = { "name", 1, 2, keys, args };
    struct buf out = { 0 }, why = { 0 };
    struct reply r = { &out, 2 };
    int ref;

    ck_assert(vm_compile(vm, STR("return {KEYS[1], #ARGV, ARGV[2]}"), "@s", &ref, &why));
    vm_push(vm, ref);
    ck_assert(vm_run_with_globals(vm, &run, &r));
    expect_str(buf_str(&out), STR("*3\r\n$2\r\nk1\r\n:2\r\n$1\r\nb\r\n"));
    ck_assert(!vm_compile(vm, STR("\033LJ"), "@s", &ref, &why));
    ck_assert(!vm_compile(vm, STR("retur 1"), "@s", &ref, &why));
    expect_str(buf_str(&why), STR("attempt to load chunk with wrong modes:1: '=' expected near '1'"));
    buf_fini(&out);
    buf_fini(&why);
}
END_TEST

START_TEST(a_script_that_is_stopped_cannot_go_on)
{
    stops_after = 3;
    expect2("while true do end", "-ERR Script killed by user with SCRIPT KILL... script: name, on @code:1.\r\n");
    stops_after = 3;
    lua_sethook(vm_state(vm), NULL, 0, 0); /* as the loading of a library leaves it */
    expect2("while true do end", "-ERR Script killed by user with SCRIPT KILL... script: name, on @code:1.\r\n");
    stops_after = -1;
    expect2("return 1", ":1\r\n");
}
END_TEST

/* Functions of C, within which no hook comes of its own accord. */
START_TEST(what_takes_long_in_c_can_be_stopped)
{
    static const char *const chunks[] = {
        "return ('a'):rep(20000):find('.-.-.-.-.-.-b')",
        "while true do pcall(string.find, ('a'):rep(20000), '.-.-.-.-.-.-b') end",
        "local function f() return ('a'):rep(20000):gsub('.-.-.-.-.-.-b', '') end"
        " while true do coroutine.resume(coroutine.create(f)) end",
        "table.insert({}, -2^31, 1)",
        "local t = {} for i = 1, 6000 do t[i] = i * 7919 % 6007 end while true do pcall(table.sort, t) end",
        "local t = {} for i = 1, 1500 do t[i] = i end for i = 1, 50 do table.sort(t) end",
        "local t = {} for i = 1, 5000 do t[i] = i end for i = 1, 500 do table.insert(t, 1, i) end",
    };

    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        stops_after = 1;
        expect2(chunks[i], "-ERR Script killed by user with SCRIPT KILL... script: name, on @code:1.\r\n");
    }
    stops_after = -1;
}
END_TEST

START_TEST(tables_are_sorted_and_inserted_into_as_ever)
{
    expect2("local t = {} for i = 1, 6007 do t[i] = i * 7919 % 6007 end table.sort(t)"
            " for i = 1, 6007 do if t[i] ~= i - 1 then return i end end return 'sorted'", "$6\r\nsorted\r\n");
    expect2("local t = {} for i = 1, 6000 do t[i] = 'k' .. i end table.sort(t) return {t[1], t[6000]}",
            "*2\r\n$2\r\nk1\r\n$4\r\nk999\r\n");
    expect2("local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return t", "*3\r\n:3\r\n:2\r\n:1\r\n");
    expect2("local t = {} for i = 1, 6000 do t[i] = i end t[3000] = 'x'"
            " return (select(2, pcall(table.sort, t)):match('attempt to compare'))", "$18\r\nattempt to compare\r\n");
    expect2("local t = {1, 2} table.insert(t, 3) table.insert(t, 1, 0) table.insert(t, 5, 4) return t",
            "*5\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n");
    expect2("local t = {1, 2} table.insert(t, -1, 7) return {t[3], t[2], tostring(t[1]), tostring(t[0]), t[-1]}",
            "*5\r\n:2\r\n:1\r\n$3\r\nnil\r\n$3\r\nnil\r\n:7\r\n");
    expect2("local t = {1, 2} table.insert(t, 2^53, 7) return {t[3], t[2], tostring(t[1]), t[0]}",
            "*4\r\n:2\r\n:1\r\n$3\r\nnil\r\n:7\r\n");
    expect2("return (select(2, pcall(table.insert, {}, 'x', 1)))",
            "$52\r\nbad argument #2 to '?' (number expected, got string)\r\n");
    expect2("return (select(2, pcall(table.insert, string, 1)))", "$34\r\nAttempt to modify a readonly table\r\n");
}
END_TEST

UNIT_MAIN_AROUND("vm", set_up, tear_down, values_become_replies, replies_become_values, commands_get_their_words,
                 errors_say_where, the_rest_of_redis_is_there, nothing_that_scripts_share_can_be_changed,
                 there_is_no_way_out, no_environment_is_that_of_the_real_globals, what_is_too_much_is_an_error, globals_are_the_arguments_when_asked_for,
                 a_script_that_is_stopped_cannot_go_on, what_takes_long_in_c_can_be_stopped,
                 tables_are_sorted_and_inserted_into_as_ever)
