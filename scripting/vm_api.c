/* vm_api.c -- the table `redis`. */
#include <luajit-2.1/lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/sha1.h"
#include "scripting/vm_impl.h"

void vm_push_error(lua_State *L, struct str text)
{
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r')) text.n--;
    lua_createtable(L, 0, 1);
    if (text.n > 0 && text.p[0] == '-') {
        lua_pushlstring(L, text.p + 1, text.n - 1);
    } else {
        lua_pushliteral(L, "ERR ");
        lua_pushlstring(L, text.p, text.n);
        lua_concat(L, 2);
    }
    lua_setfield(L, -2, "err");
}

static int raise(lua_State *L, const char *text)
{
    vm_push_error(L, str_c(text));
    return lua_error(L);
}

struct vm *vm_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- commands -------------------------------------------------------------------------------------- */

/* The arguments of a call as words, numbers written out in full; they are the vm's, until the next call.
 * NULL, and an error on the stack: they are no command. */
static struct str *words_of(lua_State *L, int n)
{
    struct vm *vm = vm_of(L);
    struct str *words;
    char *digits;

    if (n == 0) {
        vm_push_error(L, STR("Please specify at least one argument for this redis lib call"));
        return NULL;
    }
    buf_clear(&vm->words);
    words = (struct str *)(void *)buf_room(&vm->words, (size_t)n * (sizeof *words + NUM_TEXT_MAX));
    digits = (char *)(words + n);
    for (int i = 0; i < n; i++, digits += NUM_TEXT_MAX) {
        int type = lua_type(L, i + 1);

        if (type == LUA_TNUMBER) {
            words[i] = str_of(digits, num_double(digits, lua_tonumber(L, i + 1)));
        } else if (type == LUA_TSTRING) {
            size_t len;
            const char *p = lua_tolstring(L, i + 1, &len);

            words[i] = str_of(p, len);
        } else {
            vm_push_error(L, STR("Lua redis lib command arguments must be strings or integers"));
            return NULL;
        }
    }
    return words;
}

static int run_command(lua_State *L, bool raises)
{
    struct vm *vm = vm_of(L);
    int n = lua_gettop(L);
    struct str *words = words_of(L, n);

    if (words == NULL) return raises ? lua_error(L) : 1;
    if (vm->run == NULL) return raise(L, "redis.call/pcall can only be called inside a script invocation");
    buf_clear(&vm->reply);
    vm->host.call(vm->host.ctx, (size_t)n, words, vm->resp, &vm->reply);
    lua_settop(L, 0);
    if (UNLIKELY(vm->reply.failed)) {
        buf_clear(&vm->reply);
        buf_add_c(&vm->reply, "-OOM there is no memory for the reply\r\n");
    }
    vm_push_reply(L, buf_str(&vm->reply));
    if (raises && vm->reply.p[0] == '-') return lua_error(L);
    return 1;
}

static int run_call(lua_State *L)
{
    return run_command(L, true);
}

static int run_pcall(lua_State *L)
{
    return run_command(L, false);
}

static int run_acl_check(lua_State *L)
{
    struct vm *vm = vm_of(L);
    int n = lua_gettop(L);
    struct str *words = words_of(L, n);
    bool may = false;

    if (words == NULL) return lua_error(L);
    if (!vm->host.may_run(vm->host.ctx, (size_t)n, words, &may))
        return raise(L, "Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(L, may);
    return 1;
}

/* --- replies --------------------------------------------------------------------------------------- */

static int run_status_reply(lua_State *L)
{
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
        vm_push_error(L, STR("wrong number or type of arguments"));
        return 1;
    }
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "ok");
    return 1;
}

/* A text without a code word keeps its first word as one. */
static int run_error_reply(lua_State *L)
{
    size_t n;
    const char *p;

    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
        vm_push_error(L, STR("wrong number or type of arguments"));
        return 1;
    }
    p = lua_tolstring(L, 1, &n);
    if (n > 0 && *p == '-') {
        p++;
        n--;
    }
    lua_createtable(L, 0, 1);
    if (memchr(p, ' ', n) == NULL) { /* one word alone is no code */
        lua_pushliteral(L, "ERR ");
        lua_pushlstring(L, p, n);
        lua_concat(L, 2);
    } else {
        lua_pushlstring(L, p, n);
    }
    lua_setfield(L, -2, "err");
    return 1;
}

static int run_sha1hex(lua_State *L)
{
    char hex[SHA1_HEX];
    size_t n;
    const char *p;

    if (lua_gettop(L) != 1) return raise(L, "wrong number of arguments");
    p = lua_tolstring(L, 1, &n);
    sha1_hex(str_of(p, p != NULL ? n : 0), hex);
    lua_pushlstring(L, hex, sizeof hex);
    return 1;
}

static int run_setresp(lua_State *L)
{
    double v;

    if (lua_gettop(L) != 1) return raise(L, "redis.setresp() requires one argument.");
    v = lua_tonumber(L, 1);
    if (v != 2 && v != 3) return raise(L, "RESP version must be 2 or 3.");
    vm_of(L)->resp = (int)v;
    return 0;
}

/* --- the rest -------------------------------------------------------------------------------------- */

/* There is nobody to propagate to but the log, and what it holds must be what there is. */
static int run_set_repl(lua_State *L)
{
    int flags;

    if (lua_gettop(L) != 1) return raise(L, "redis.set_repl() requires one argument.");
    flags = (int)lua_tonumber(L, 1);
    if ((flags & ~3) != 0)
        return raise(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    return 0;
}

static int run_log(lua_State *L)
{
    struct vm *vm = vm_of(L);
    int n = lua_gettop(L);
    double level;
    luaL_Buffer b;
    size_t len;
    const char *p;

    if (n < 2) return raise(L, "redis.log() requires two arguments or more.");
    if (!lua_isnumber(L, 1)) return raise(L, "First argument must be a number (log level).");
    level = lua_tonumber(L, 1);
    if (!(level >= 0 && level < 4)) return raise(L, "Invalid debug level.");
    luaL_buffinit(L, &b);
    for (int i = 2; i <= n; i++) {
        if (!lua_isstring(L, i)) continue;
        if (i > 2) luaL_addchar(&b, ' ');
        p = lua_tolstring(L, i, &len);
        luaL_addlstring(&b, p, len);
    }
    luaL_pushresult(&b);
    p = lua_tolstring(L, -1, &len);
    vm->host.log(vm->host.ctx, (int)level, str_of(p, len));
    return 0;
}

/* What is left of things past (replicate_commands) and of a debugger that there is not. */
static int run_true(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

static int run_false(lua_State *L)
{
    lua_pushboolean(L, 0);
    return 1;
}

static int run_nothing(lua_State *L)
{
    (void)L;
    return 0;
}

/* "7.2.4" as 0x00070204. */
static int version_number(const char *text)
{
    int major = 0, minor = 0, patch = 0;

    if (sscanf(text, "%d.%d.%d", &major, &minor, &patch) < 2) return 0;
    return major << 16 | minor << 8 | patch;
}

void vm_push_redis(struct vm *vm)
{
    static const struct luaL_Reg functions[] = {
        { "call", run_call },
        { "pcall", run_pcall },
        { "acl_check_cmd", run_acl_check },
        { "status_reply", run_status_reply },
        { "error_reply", run_error_reply },
        { "sha1hex", run_sha1hex },
        { "setresp", run_setresp },
        { "set_repl", run_set_repl },
        { "log", run_log },
        { "replicate_commands", run_true },
        { "breakpoint", run_false },
        { "debug", run_nothing },
    };
    static const struct {
        const char *name;
        int value;
    } numbers[] = {
        { "LOG_DEBUG", 0 }, { "LOG_VERBOSE", 1 }, { "LOG_NOTICE", 2 }, { "LOG_WARNING", 3 },
        { "REPL_NONE", 0 }, { "REPL_AOF", 1 },    { "REPL_SLAVE", 2 }, { "REPL_REPLICA", 2 }, { "REPL_ALL", 3 },
    };
    lua_State *L = vm->L;

    lua_newtable(L);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushlightuserdata(L, vm);
        lua_pushcclosure(L, functions[i].func, 1);
        lua_setfield(L, -2, functions[i].name);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lua_pushinteger(L, numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
    lua_pushstring(L, vm->host.version);
    lua_setfield(L, -2, "REDIS_VERSION");
    lua_pushinteger(L, version_number(vm->host.version));
    lua_setfield(L, -2, "REDIS_VERSION_NUM");
    lua_pushliteral(L, "memd");
    lua_setfield(L, -2, "SERVER_NAME");
    lua_pushstring(L, vm->host.version);
    lua_setfield(L, -2, "SERVER_VERSION");
    lua_pushinteger(L, version_number(vm->host.version));
    lua_setfield(L, -2, "SERVER_VERSION_NUM");
}
