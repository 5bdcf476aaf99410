/* vm_sandbox.c -- the closed world of scripts.
 *
 * What scripts share is sealed (vm_seal.c). Functions that would leave their bounds are dropped, or others stand
 * in their place: what goes past metatables does not go past seals, what calls back looks at the stack, what takes
 * text does not take byte code, what takes long can be stopped. */
#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/luajit.h>
#include <luajit-2.1/lualib.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "scripting/lua_libs.h"
#include "scripting/vm_impl.h"

/* --- functions that are not as they were ----------------------------------------------------------- */

/* Upvalue 1 without a sealed first argument. */
static int unless_sealed(lua_State *L)
{
    if (lua_gettop(L) > 0 && lua_istable(L, 1) && vm_is_sealed(L, 1)) return vm_refuse_write(L);
    return vm_call_wrapped(L);
}

/* Upvalue 1 is `next`: a seal is walked as what it seals. */
static int next_of_seal(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_istable(L, 1) && vm_is_sealed(L, 1)) {
        lua_getmetatable(L, 1);
        lua_pushliteral(L, "__index");
        lua_rawget(L, -2);
        if (lua_istable(L, -1)) lua_replace(L, 1); /* else it seals nothing, and is empty itself */
        lua_settop(L, 2);
    }
    return vm_call_wrapped(L);
}

/* Upvalue 1 is `pairs`, 2 next_of_seal. What it gives for other tables is LuaJIT's own and fast. */
static int pairs_of_seal(lua_State *L)
{
    if (lua_istable(L, 1) && vm_is_sealed(L, 1)) {
        lua_pushvalue(L, lua_upvalueindex(2));
        lua_pushvalue(L, 1);
        lua_pushnil(L);
        return 3;
    }
    return vm_call_wrapped(L);
}

/* What calls the script back from C needs the machine's stack, of which LuaJIT takes no account. */
static int unless_deep(lua_State *L)
{
    struct vm *vm = vm_by_state(L);
    const char *here = __builtin_frame_address(0);

    if (vm->run != NULL && vm->stack - here > (ptrdiff_t)vm->stack_max) return luaL_error(L, "stack overflow");
    return vm_call_wrapped(L);
}

/* --- table.insert and table.sort, which can take long -------------------------------------------------- */

static void count_steps(lua_State *L, size_t n)
{
    lua_step(L, &vm_by_state(L)->steps, n);
}

/* Move all up, from the end to a place below the beginning. */
static int insert_below(lua_State *L, int to)
{
    for (int64_t i = (int64_t)lua_objlen(L, 1) + 1; i > to; i--) {
        lua_rawgeti(L, 1, (int)(i - 1));
        lua_rawseti(L, 1, (int)i);
        if (i % 1024 == 0) count_steps(L, 4096);
    }
    lua_rawseti(L, 1, to);
    return 0;
}

/* Upvalue 1 moves what is above; how much that can be, between two questions to the hook, is bounded. */
static int run_insert(lua_State *L)
{
    enum { MANY = 1000, MOVES = 4 /* a step */ };

    if (!lua_istable(L, 1)) return vm_call_wrapped(L);
    if (vm_is_sealed(L, 1)) return vm_refuse_write(L);
    if (lua_gettop(L) != 3) return vm_call_wrapped(L);
    if (lua_objlen(L, 1) > MANY) count_steps(L, lua_objlen(L, 1) / MOVES);
    if (!lua_isnumber(L, 2)) return vm_call_wrapped(L);
    if (lua_tonumber(L, 2) >= 1 && lua_tonumber(L, 2) <= INT32_MAX) return vm_call_wrapped(L);
    return insert_below(L, (int)lua_tointeger(L, 2)); /* as many of its bits as Lua takes */
}

/* Upvalue 1 needs n * n comparisons for some orders of n values. Those of upvalue 2, a function of Lua, can be stopped
 * between two; for a table that is not large this would be slower and is not needed. */
static int run_sort(lua_State *L)
{
    enum { LARGE = 5000 };
    size_t n = lua_istable(L, 1) && lua_isnoneornil(L, 2) ? lua_objlen(L, 1) : 0;

    if (n > LARGE) {
        lua_settop(L, 1);
        lua_pushvalue(L, lua_upvalueindex(2));
    } else if (n > 0) {
        count_steps(L, n * n / 8);
    }
    return vm_call_wrapped(L);
}

static void wrap_sort(lua_State *L)
{
    static const char less[] = "return function(a, b) return a < b end";

    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    ensure(luaL_loadbuffer(L, less, sizeof less - 1, "=table.sort") == 0);
    lua_call(L, 0, 1);
    lua_pushcclosure(L, run_sort, 2);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 1);
}

/* --- errors, texts, environments -------------------------------------------------------------------- */

/* An error that is a table with the text of a reply comes as that text. */
static int run_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    if (lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0) == 0) return lua_gettop(L);
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "err");
        if (!lua_isstring(L, -1)) lua_pop(L, 1);
    }
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* Text only: byte code is not checked by anybody. */
static int run_loadstring(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);

    if (luaL_loadbufferx(L, text, n, luaL_optstring(L, 2, text), "t") == 0) return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* load(function): the pieces together, then as loadstring. */
static int run_load(lua_State *L)
{
    luaL_Buffer b;

    if (lua_type(L, 1) == LUA_TSTRING) return run_loadstring(L);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushnil(L); /* what the buffer puts on the stack lies above */
    luaL_buffinit(L, &b);
    for (;;) {
        lua_pushvalue(L, 1);
        lua_call(L, 0, 1);
        if (!lua_isstring(L, -1) || lua_objlen(L, -1) == 0) break;
        luaL_addvalue(&b);
    }
    lua_pop(L, 1);
    luaL_pushresult(&b);
    lua_replace(L, 1);
    if (lua_isnil(L, 2)) {
        lua_pushliteral(L, "=(load)");
        lua_replace(L, 2);
    }
    lua_settop(L, 2);
    return run_loadstring(L);
}

/* Is the table on top the real globals, which scripts have behind a seal alone? Each function that was there before is in
 * them: those of C, and those that LuaJIT has written in Lua. */
static bool is_real_globals(lua_State *L)
{
    bool is;

    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_by_state(L)->refs.globals);
    is = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return is;
}

static int run_getfenv(lua_State *L)
{
    if (lua_iscfunction(L, 1) || (lua_isnumber(L, 1) && lua_tonumber(L, 1) < 1)) {
        lua_pushvalue(L, LUA_GLOBALSINDEX);
        return 1;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    if (lua_isfunction(L, 1)) lua_pushvalue(L, 1);
    else lua_pushinteger(L, luaL_optinteger(L, 1, 1) + 1); /* one deeper than the script thinks */
    lua_call(L, 1, 1);
    if (is_real_globals(L)) lua_pushvalue(L, LUA_GLOBALSINDEX);
    return 1;
}

/* The function that argument 1 names comes to stand there: it may be a level of the stack. */
static void name_function(lua_State *L)
{
    lua_Debug at;
    lua_Integer level;

    if (lua_isfunction(L, 1)) return;
    level = luaL_checkinteger(L, 1);
    luaL_argcheck(L, level >= 0 && level < INT_MAX && lua_getstack(L, (int)level, &at), 1, "invalid level");
    lua_getinfo(L, "f", &at);
    lua_replace(L, 1);
}

static int run_setfenv(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    name_function(L);
    lua_getfenv(L, 1);
    if (lua_iscfunction(L, 1) || is_real_globals(L))
        return luaL_error(L, "'setfenv' cannot change environment of given object");
    lua_settop(L, 2);
    return vm_call_wrapped(L);
}

/* The collector is not the script's to stop. */
static int run_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");

    if (strcmp(what, "count") == 0) {
        lua_pushnumber(L, lua_gc(L, LUA_GCCOUNT, 0) + lua_gc(L, LUA_GCCOUNTB, 0) / 1024.0);
        return 1;
    }
    if (strcmp(what, "collect") == 0) lua_gc(L, LUA_GCCOLLECT, 0);
    lua_pushinteger(L, 0);
    return 1;
}

/* --- math.random ----------------------------------------------------------------------------------- */

/* The generator of POSIX lrand48, so that a seed gives the same numbers everywhere. */
static uint32_t next_random(struct vm *vm)
{
    vm->random = (vm->random * 0x5deece66dULL + 0xb) & 0xffffffffffffULL;
    return (uint32_t)(vm->random >> 17);
}

static int run_random(lua_State *L)
{
    double r = (double)(next_random(vm_of(L)) % INT32_MAX) / (double)INT32_MAX;
    double lo = 1, hi;

    switch (lua_gettop(L)) {
    case 0: lua_pushnumber(L, r); return 1;
    case 1:
        hi = luaL_checkint(L, 1);
        luaL_argcheck(L, lo <= hi, 1, "interval is empty");
        break;
    case 2:
        lo = luaL_checkint(L, 1);
        hi = luaL_checkint(L, 2);
        luaL_argcheck(L, lo <= hi, 2, "interval is empty");
        break;
    default: return luaL_error(L, "wrong number of arguments");
    }
    lua_pushnumber(L, floor(r * (hi - lo + 1)) + lo);
    return 1;
}

static int run_randomseed(lua_State *L)
{
    vm_of(L)->random = (uint64_t)(uint32_t)luaL_checkint(L, 1) << 16 | 0x330e;
    return 0;
}

/* --- the globals ----------------------------------------------------------------------------------- */

/* Open the library of a name into the real globals. */
static void open_library(lua_State *L, const char *name, lua_CFunction open)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

static void drop(lua_State *L, const char *const *names)
{
    for (; *names != NULL; names++) {
        lua_pushnil(L);
        lua_setglobal(L, *names);
    }
}

/* Put in the place of a global a function that has the old one as its upvalue. */
static void wrap_global(lua_State *L, const char *name, lua_CFunction with)
{
    lua_getglobal(L, name);
    lua_pushcclosure(L, with, 1);
    lua_setglobal(L, name);
}

static void wrap_walks(lua_State *L)
{
    lua_getglobal(L, "pairs");
    wrap_global(L, "next", next_of_seal);
    lua_getglobal(L, "next");
    lua_pushcclosure(L, pairs_of_seal, 2);
    lua_setglobal(L, "pairs");
}

/* coroutine.wrap would call its coroutine without a look at the stack: make it of what does look. */
static void remake_coroutine_wrap(lua_State *L)
{
    static const char text[] =
        "local create, resume, error = coroutine.create, coroutine.resume, error\n"
        "local function pass(ok, ...) if ok then return ... end error((...), 0) end\n"
        "return function(f)\n"
        "  local co = create(f)\n"
        "  return function(...) return pass(resume(co, ...)) end\n"
        "end";

    lua_getglobal(L, "coroutine");
    ensure(luaL_loadbuffer(L, text, sizeof text - 1, "=coroutine") == 0);
    lua_call(L, 0, 1);
    lua_setfield(L, -2, "wrap");
    lua_pop(L, 1);
}

static void bound_strings(struct vm *vm)
{
    lua_getglobal(vm->L, "string");
    lua_string_bound(vm->L, &vm->steps);
    lua_pop(vm->L, 1);
}

static void wrap_functions(lua_State *L)
{
    vm_wrap(L, "table", "insert", run_insert);
    vm_wrap(L, "table", "remove", unless_sealed);
    vm_wrap(L, "table", "sort", unless_sealed);
    wrap_sort(L);
    vm_wrap(L, "table", "sort", unless_deep);
    vm_wrap(L, "table", "foreach", unless_deep);
    vm_wrap(L, "table", "foreachi", unless_deep);
    vm_wrap(L, "string", "gsub", unless_deep);
    vm_wrap(L, "string", "format", unless_deep);
    vm_wrap(L, "coroutine", "resume", unless_deep);
    remake_coroutine_wrap(L);
}

static void replace_random(struct vm *vm)
{
    lua_State *L = vm->L;

    lua_getglobal(L, "math");
    lua_pushlightuserdata(L, vm);
    lua_pushcclosure(L, run_random, 1);
    lua_setfield(L, -2, "random");
    lua_pushlightuserdata(L, vm);
    lua_pushcclosure(L, run_randomseed, 1);
    lua_setfield(L, -2, "randomseed");
    lua_pop(L, 1);
    vm->random = 0x1234abcd330eULL;  /* where Redis begins, too */
}

/* os with nothing but the clock. */
static void reduce_os(lua_State *L)
{
    lua_getglobal(L, "os");
    lua_newtable(L);
    lua_getfield(L, -2, "clock");
    lua_setfield(L, -2, "clock");
    lua_setglobal(L, "os");
    lua_pop(L, 1);
}

static void open_libraries(lua_State *L)
{
    open_library(L, "", luaopen_base);
    open_library(L, LUA_TABLIBNAME, luaopen_table);
    open_library(L, LUA_STRLIBNAME, luaopen_string);
    open_library(L, LUA_MATHLIBNAME, luaopen_math);
    open_library(L, LUA_OSLIBNAME, luaopen_os);
    open_library(L, LUA_BITLIBNAME, luaopen_bit);
    lua_cmsgpack_open(L);
    lua_setglobal(L, "cmsgpack");
    lua_struct_open(L);
    lua_setglobal(L, "struct");
    vm_open_cjson(L);
}

/* Each table among the globals becomes a seal; the metatable of strings cannot be had. */
static void seal_tables(lua_State *L)
{
    static const char *const names[] = { "string", "table", "math", "os", "bit", "cmsgpack", "struct", "coroutine",
                                         "redis", "cjson" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lua_getglobal(L, names[i]);
        vm_seal(L, false);
        lua_setglobal(L, names[i]);
    }
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    vm_push_metatable_shown(L);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* A quarter of what there is, and of the usual 8 MB: other functions of C need some on top of it. */
static size_t stack_for_scripts(void)
{
    enum { MOST = 2 * 1024 * 1024 };
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur / 4 > MOST) return MOST;
    return limit.rlim_cur / 4;
}

void vm_sandbox(struct vm *vm)
{
    static const char *const unwanted[] = { "dofile", "loadfile", "print", "module", "require", "newproxy", "jit",
                                            "debug", "io", "package", "ffi", NULL };
    lua_State *L = vm->L;

    vm->stack_max = stack_for_scripts();
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    open_libraries(L);
    lua_setglobal(L, "redis");
    drop(L, unwanted);
    reduce_os(L);
    replace_random(vm);
    bound_strings(vm);
    wrap_functions(L);
    wrap_walks(L);
    wrap_global(L, "rawset", unless_sealed);
    wrap_global(L, "setmetatable", unless_sealed);
    wrap_global(L, "pcall", run_pcall);
    wrap_global(L, "load", run_load);
    wrap_global(L, "load", unless_deep);
    wrap_global(L, "pcall", unless_deep);
    wrap_global(L, "xpcall", unless_deep);
    wrap_global(L, "tostring", unless_deep);
    wrap_global(L, "loadstring", run_loadstring);
    wrap_global(L, "getfenv", run_getfenv);
    wrap_global(L, "setfenv", run_setfenv);
    wrap_global(L, "collectgarbage", run_collectgarbage);
    seal_tables(L);
    lua_getglobal(L, "redis");
    lua_setglobal(L, "server");
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    vm->refs.globals = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    vm_seal(L, true);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "_G");
    lua_replace(L, LUA_GLOBALSINDEX);
}
