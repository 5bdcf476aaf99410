/* vm.c -- making a state, and running functions in it. */
#include "scripting/vm.h"

#include <luajit-2.1/lauxlib.h>
#include <stdio.h>

#include "base/mem.h"
#include "scripting/vm_impl.h"

enum {
    HOOK_EVERY = 100000, /* instructions between questions to the host */
    STEP_EVERY = 50      /* runs between steps of the collector, and their size */
};

static const char vm_key;

struct vm *vm_new(const struct vm_host *host)
{
    struct vm *vm = mem_zalloc(sizeof *vm);

    vm->host = *host;
    vm->L = luaL_newstate();
    ensure(vm->L != NULL);
    lua_pushlightuserdata(vm->L, (void *)(uintptr_t)&vm_key);
    lua_pushlightuserdata(vm->L, vm);
    lua_rawset(vm->L, LUA_REGISTRYINDEX);
    vm_push_redis(vm);
    vm_sandbox(vm);
    return vm;
}

void vm_free(struct vm **vmp)
{
    struct vm *vm = *vmp;

    if (vm == NULL) return;
    lua_close(vm->L);
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
    return (size_t)lua_gc(vm->L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(vm->L, LUA_GCCOUNTB, 0);
}

void vm_collect(struct vm *vm)
{
    lua_gc(vm->L, LUA_GCCOLLECT, 0);
}

/* --- running --------------------------------------------------------------------------------------- */

static struct vm *vm_by_state(lua_State *L)
{
    struct vm *vm;

    lua_pushlightuserdata(L, (void *)(uintptr_t)&vm_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    vm = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return vm;
}

/* Once it is to stop this comes at every line, so that no pcall keeps the script running. */
static void on_count(lua_State *L, lua_Debug *at)
{
    struct vm *vm = vm_by_state(L);

    (void)at;
    if (!vm->host.stop(vm->host.ctx)) return;
    lua_sethook(L, on_count, LUA_MASKLINE, 0);
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
        lua_pushstring(L, lua_tostring(L, 1) != NULL ? lua_tostring(L, 1) : luaL_typename(L, 1));
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

/* Protected; upvalue-free: the run lies in the vm, the function on the stack. */
static int call_protected(lua_State *L)
{
    struct vm *vm = vm_by_state(L);
    const struct vm_run *run = vm->run;

    push_words(L, run->keys, run->n_keys);
    push_words(L, run->args, run->n_args);
    lua_call(L, 2, 1);
    return 1;
}

/* The last thing that a function did was a call (return f(x)): LuaJIT has forgotten from which line then.
 * The error on top gets the function's own, `function` being its place. */
static void say_function(lua_State *L, int function)
{
    lua_Debug at;

    lua_getfield(L, -1, "line");
    bool known = !lua_isnil(L, -1);

    lua_pop(L, 1);
    if (known) return;
    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &at);
    lua_pushstring(L, at.source);
    lua_setfield(L, -2, "source");
    lua_pushinteger(L, at.linedefined > 0 ? at.linedefined : 1);
    lua_setfield(L, -2, "line");
}

/* What was raised is on top: the error reply. */
static void write_error(struct vm *vm, int function, struct reply *out)
{
    lua_State *L = vm->L;
    const char *text, *source, *line;

    if (!lua_istable(L, -1)) { /* no memory, even for telling where */
        text = lua_tostring(L, -1);
        reply_errorf(out, "ERR Error running script %s, %.100s", vm->run->name,
                     text != NULL ? text : "execution failure");
        lua_pop(L, 1);
        return;
    }
    say_function(L, function);
    lua_getfield(L, -1, "err");
    lua_getfield(L, -2, "source");
    lua_getfield(L, -3, "line");
    text = lua_tostring(L, -3);
    source = lua_tostring(L, -2);
    line = lua_tostring(L, -1);
    if (text == NULL) text = "ERR unknown error";
    if (source != NULL && line != NULL)
        reply_errorf(out, "%s script: %s, on %s:%s.", text, vm->run->name, source, line);
    else reply_errorf(out, "%s", text);
    lua_pop(L, 4);
}

static void step_collector(struct vm *vm)
{
    if (++vm->runs < STEP_EVERY) return;
    vm->runs = 0;
    lua_gc(vm->L, LUA_GCSTEP, STEP_EVERY);
}

bool vm_run(struct vm *vm, const struct vm_run *run, struct reply *out)
{
    lua_State *L = vm->L;
    size_t mark = reply_mark(out);
    int function = lua_gettop(L);
    bool ok;

    vm->run = run;
    vm->resp = 2;
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, call_protected);
    lua_pushvalue(L, function);
    lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
    ok = lua_pcall(L, 1, 1, -3) == 0;
    lua_sethook(L, NULL, 0, 0);
    if (ok) vm_write_value(L, vm->resp, out);
    else write_error(vm, function, out);
    lua_settop(L, function - 1);
    vm->run = NULL;
    step_collector(vm);
    return out->out->p[mark] != '-';
}
