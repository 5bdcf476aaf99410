/* vm.c -- making a state, and running functions in it. */
#include "scripting/vm.h"

#include <luajit-2.1/lauxlib.h>
#include <stdio.h>

#include "base/mem.h"
#include "scripting/vm_impl.h"

enum {
    HOOK_EVERY = 100000, /* instructions between questions to the host */
    STEP_EVERY = 50,     /* runs between steps of the collector, and their size */
    LEFT_BEHIND = 16 * 1024 * 1024, /* bytes that a run may leave to those steps */
    STEP_FROM = 1 << 20  /* bytes below which it needs no help */
};

static const char vm_key;

static void on_count(lua_State *L, lua_Debug *at);
static void make_refs(struct vm *vm);

/* Outside of scripts, where nobody would catch an error, allocations do not fail; nor in them what is small, while
 * the reserve lasts. */
static bool may_fail(const struct vm *vm, size_t n)
{
    enum { SMALL = 64 * 1024 };

    return vm->bounded && (n > SMALL || mem_is_scarce());
}

/* LuaJIT makes a stack that has overflowed smaller again while what handles the overflow still runs at its end, and has
 * up to 41 slots beyond it (its issue 1471, mended in 2026): there is room for them behind every block of that size. */
static size_t with_spare(size_t n)
{
    enum { STACK = 512 * 1000, SPARE = 512 };

    return n >= STACK && n <= SIZE_MAX - SPARE ? n + SPARE : n;
}

/* An allocation that is refused becomes an error of the script. */
static void *allocate(void *ctx, void *p, size_t before, size_t after)
{
    struct vm *vm = ctx;
    void *q;

    if (after == 0) {
        mem_free(p);
        vm->bytes -= before;
        return NULL;
    }
    /* Only scripts are bounded: nobody would catch an error of ours. */
    if (vm->bounded && after > before && (vm->bytes >= VM_BYTES_MAX || after - before > VM_BYTES_MAX - vm->bytes))
        return NULL;
    q = may_fail(vm, after) ? mem_try_realloc(p, with_spare(after)) : mem_realloc(p, with_spare(after));
    if (q != NULL) vm->bytes += after - before;
    return q;
}

static int panic(lua_State *L)
{
    (void)L;
    ensure(!"an error of Lua that nobody caught");
    return 0;
}

struct vm *vm_new(const struct vm_host *host)
{
    struct vm *vm = mem_zalloc(sizeof *vm);

    vm->host = *host;
    vm->steps.left = LUA_STEPS;
    vm->reply.may_fail = true; /* its length is up to the script */
    vm->L = lua_newstate(allocate, vm);
    ensure(vm->L != NULL);
    lua_atpanic(vm->L, panic);
    lua_pushlightuserdata(vm->L, (void *)(uintptr_t)&vm_key);
    lua_pushlightuserdata(vm->L, vm);
    lua_rawset(vm->L, LUA_REGISTRYINDEX);
    vm_push_redis(vm);
    vm_sandbox(vm);
    make_refs(vm);
    lua_sethook(vm->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
    return vm;
}

void vm_free(struct vm **vmp)
{
    struct vm *vm = *vmp;

    if (vm == NULL) return;
    lua_close(vm->L);
    buf_fini(&vm->words);
    buf_fini(&vm->reply);
    mem_free(vm);
    *vmp = NULL;
}

lua_State *vm_state(const struct vm *vm)
{
    return vm->L;
}

size_t vm_bytes(const struct vm *vm)
{
    return vm->bytes;
}

void vm_collect(struct vm *vm)
{
    lua_gc(vm->L, LUA_GCCOLLECT, 0);
}

/* --- compiling ------------------------------------------------------------------------------------- */

struct source {
    struct str text;
    const char *chunk;
};

/* The collector waits: the compiler's strings hang on little. */
static int compile_protected(lua_State *L)
{
    const struct source *src = lua_touserdata(L, 1);
    int e;

    lua_gc(L, LUA_GCSTOP, 0);
    e = luaL_loadbufferx(L, src->text.p, src->text.n, src->chunk, "t");
    lua_gc(L, LUA_GCRESTART, 0);
    if (e != 0) return lua_error(L);
    lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
    return 1;
}

bool vm_compile(struct vm *vm, struct str text, const char *chunk, int *ref, struct buf *why)
{
    struct source src = { text, chunk };
    lua_State *L = vm->L;
    bool ok;

    lua_pushcfunction(L, compile_protected);
    lua_pushlightuserdata(L, &src);
    ok = lua_pcall(L, 1, 1, 0) == 0;
    lua_gc(L, LUA_GCRESTART, 0);
    if (ok) *ref = (int)lua_tointeger(L, -1);
    else buf_add_c(why, lua_tostring(L, -1));
    lua_pop(L, 1);
    return ok;
}

void vm_push(struct vm *vm, int ref)
{
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, ref);
}

/* --- running --------------------------------------------------------------------------------------- */

struct vm *vm_by_state(lua_State *L)
{
    struct vm *vm;

    lua_pushlightuserdata(L, (void *)(uintptr_t)&vm_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    vm = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return vm;
}

/* Once it is to stop this comes at every instruction, so that no pcall keeps the script running. */
static void on_count(lua_State *L, lua_Debug *at)
{
    struct vm *vm = vm_by_state(L);

    (void)at;
    if (vm->run == NULL || vm->host.stop == NULL || !vm->host.stop(vm->host.ctx)) return;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    vm_push_error(L, STR("Script killed by user with SCRIPT KILL..."));
    lua_error(L);
}

static void push_words(lua_State *L, const struct str *words, size_t n)
{
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(L, words[i].p, words[i].n);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

/* Make a table of what was raised, and say where: {err, source, line}. */
static int on_error(lua_State *L)
{
    lua_Debug at;

    lua_settop(L, 1);
    if (!lua_istable(L, 1)) {
        if (lua_isboolean(L, 1)) lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
        else lua_pushstring(L, lua_tostring(L, 1) != NULL ? lua_tostring(L, 1) : luaL_typename(L, 1));
        vm_push_error(L, str_c(lua_tostring(L, -1)));
        lua_replace(L, 1);
        lua_settop(L, 1);
    }
    for (int level = 1; lua_getstack(L, level, &at); level++) {
        if (!lua_getinfo(L, "Sl", &at) || at.currentline < 0) continue;
        lua_pushstring(L, at.source);
        lua_setfield(L, 1, "source");
        lua_pushinteger(L, at.currentline);
        lua_setfield(L, 1, "line");
        break;
    }
    return 1;
}

/* KEYS and ARGV, behind the seal of the globals. */
static void set_globals(lua_State *L, const struct vm_refs *refs, const struct vm_run *run)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, refs->globals);
    lua_rawgeti(L, LUA_REGISTRYINDEX, refs->keys);
    push_words(L, run->keys, run->n_keys);
    lua_rawset(L, -3);
    lua_rawgeti(L, LUA_REGISTRYINDEX, refs->argv);
    push_words(L, run->args, run->n_args);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* Call the function at 1; the vm, at 2, holds the run and the reply. Writing that is within too: it makes
 * strings. */
static int call_protected(lua_State *L)
{
    struct vm *vm = lua_touserdata(L, 2);
    const struct vm_run *run = vm->run;

    if (vm->globals) set_globals(L, &vm->refs, run);
    lua_pushvalue(L, 1);
    if (!vm->globals) {
        push_words(L, run->keys, run->n_keys);
        push_words(L, run->args, run->n_args);
    }
    lua_call(L, vm->globals ? 0 : 2, 1);
    vm_write_value(L, vm->resp, vm->out);
    return 0;
}

/* LuaJIT makes a new closure for each function of C that is pushed: a run takes those of the vm instead. */
static void make_refs(struct vm *vm)
{
    lua_State *L = vm->L;

    lua_pushcfunction(L, on_error);
    vm->refs.on_error = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, call_protected);
    vm->refs.call_protected = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushliteral(L, "KEYS");
    vm->refs.keys = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushliteral(L, "ARGV");
    vm->refs.argv = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Push table[name] past any metatable, which could run the script again. */
static int raw_field(lua_State *L, int table, const char *name)
{
    lua_pushvalue(L, table);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    return lua_type(L, -1);
}

/* The last thing that a function did was a call (return f(x)): LuaJIT has forgotten from which line then.
 * Source and line on top become the function's own, `function` being its place. What was raised stays as it
 * is: nobody would catch an error of its metatable here. */
static void say_function(lua_State *L, int function)
{
    lua_Debug at;

    if (!lua_isnil(L, -1)) return;
    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &at);
    lua_pop(L, 2);
    lua_pushstring(L, at.source);
    lua_pushinteger(L, at.linedefined > 0 ? at.linedefined : 1);
}

/* What was raised is on top: the error reply. */
static void write_error(struct vm *vm, const char *name, int function, struct reply *out)
{
    lua_State *L = vm->L;
    const char *text, *source, *line;

    if (!lua_istable(L, -1)) { /* no memory, even for telling where */
        text = lua_tostring(L, -1);
        reply_errorf(out, "ERR Error running script %s, %.100s", name,
                     text != NULL ? text : "execution failure");
        lua_pop(L, 1);
        return;
    }
    vm->counted = raw_field(L, -1, "ignore_error_stats_update") == LUA_TBOOLEAN && lua_toboolean(L, -1);
    lua_pop(L, 1);
    raw_field(L, -1, "err");
    raw_field(L, -2, "source");
    raw_field(L, -3, "line");
    say_function(L, function);
    text = lua_tostring(L, -3);
    source = lua_tostring(L, -2);
    line = lua_tostring(L, -1);
    if (text == NULL) text = "ERR unknown error";
    if (source != NULL && line != NULL)
        reply_errorf(out, "%s script: %s, on %s:%s.", text, name, source, line);
    else reply_errorf(out, "%s", text);
    lua_pop(L, 4);
}

/* Collect as long as that helps: the state's own buffer for strings is halved each time. */
static void collect_all(struct vm *vm)
{
    size_t before;

    do {
        before = vm->bytes;
        vm_collect(vm);
    } while (vm->bytes > LEFT_BEHIND && vm->bytes < before - before / 8);
    vm->kept = vm->bytes;
}

/* What a script has left behind must not be missing to the next one: LuaJIT gives up at the first allocation
 * that is refused, without collecting before. A small state needs no steps: it is kept small as memory is
 * asked for. */
static void step_collector(struct vm *vm)
{
    if (UNLIKELY(vm->bytes > 2 * vm->kept + LEFT_BEHIND)) collect_all(vm);
    if (LIKELY(vm->bytes < STEP_FROM) || ++vm->runs < STEP_EVERY) return;
    vm->runs = 0;
    lua_gc(vm->L, LUA_GCSTEP, STEP_EVERY);
}

void vm_bound(struct vm *vm, bool on)
{
    vm->bounded = on;
    if (!on) step_collector(vm);
}

/* Setting a hook costs more than many a script. It stays, unless the last run was stopped or the loading of
 * a library has had one of its own. */
static void watch(lua_State *L)
{
    if (LIKELY(lua_gethook(L) == on_count && lua_gethookcount(L) == HOOK_EVERY)) return;
    lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

static bool run_function(struct vm *vm, const struct vm_run *run, bool globals, struct reply *out)
{
    lua_State *L = vm->L;
    size_t mark = reply_mark(out);
    int function = lua_gettop(L);
    bool ok;

    vm->out = out;
    vm->globals = globals;
    vm->resp = 2;
    vm->stack = __builtin_frame_address(0);
    vm->counted = false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->refs.on_error);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->refs.call_protected);
    lua_pushvalue(L, function);
    lua_pushlightuserdata(L, vm);
    watch(L);
    vm->run = run;
    vm->bounded = true; /* from here on, where errors are caught */
    ok = lua_pcall(L, 2, 0, -4) == 0;
    vm->bounded = false;
    vm->run = NULL;
    if (!ok) {
        reply_undo(out, mark);
        write_error(vm, run->name, function, out);
    }
    lua_settop(L, function - 1);
    step_collector(vm);
    return out->out->failed || out->out->p[mark] != '-';
}

bool vm_run(struct vm *vm, const struct vm_run *run, struct reply *out)
{
    return run_function(vm, run, false, out);
}

bool vm_run_with_globals(struct vm *vm, const struct vm_run *run, struct reply *out)
{
    return run_function(vm, run, true, out);
}

bool vm_failed_by_command(const struct vm *vm)
{
    return vm->counted;
}
