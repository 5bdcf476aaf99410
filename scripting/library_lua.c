/* library_lua.c -- see library_lua.h. All that allocates in the state runs protected, so that running out
 * of the memory it may have is an error of the text like any other. */
#include "scripting/library_lua.h"

#include <luajit-2.1/lauxlib.h>
#include <string.h>

#include "scripting/script_flags.h"
#include "scripting/vm_impl.h"

enum { HOOK_EVERY = 100000 }; /* instructions between looks at the clock */

/* --- loads ------------------------------------------------------------------------------------------ */

/* A load in progress; its address is in the registry under the key's. */
struct load {
    struct library *library;
    struct str body;
    int64_t timeout_us, started_us;
    int64_t (*mono_us)(void);
    bool compiled;
};

static const char load_key;

static struct load *current_load(lua_State *L)
{
    struct load *ld;

    lua_pushlightuserdata(L, (void *)(uintptr_t)&load_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    ld = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return ld;
}

static void set_current_load(lua_State *L, struct load *ld)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&load_key);
    if (ld != NULL) lua_pushlightuserdata(L, ld);
    else lua_pushnil(L);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* Raise an error that is a reply: what comes out has no position in front. */
static int raise(lua_State *L, const char *text)
{
    vm_push_error(L, str_c(text));
    return lua_error(L);
}

/* --- redis.register_function ------------------------------------------------------------------------ */

/* What it was given; strings lie on the stack. */
struct registration {
    struct str name, description;
    bool named, described;
    unsigned flags;
    int callback; /* stack index, 0: none */
};

/* The string at index, a number being one; false: it is neither. */
static bool text_at(lua_State *L, int index, struct str *out)
{
    const char *p;
    size_t n;

    if (!lua_isstring(L, index)) return false;
    p = lua_tolstring(L, index, &n);
    *out = str_of(p, n);
    return true;
}

/* The flags listed in the table at index; false: one is unknown. */
static bool flags_at(lua_State *L, int index, unsigned *flags)
{
    for (int i = 1;; i++) {
        struct str word;
        unsigned flag;

        lua_rawgeti(L, index, i);
        if (lua_isnil(L, -1)) break;
        if (!text_at(L, -1, &word) || !script_flag_find(word, &flag)) return false;
        *flags |= flag;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return true;
}

/* One named argument, whose value is at `value`; NULL, or why it is not good. */
static const char *take_named(lua_State *L, struct registration *r, struct str key, int value)
{
    if (str_is(key, "function_name")) {
        r->named = text_at(L, value, &r->name);
        return r->named ? NULL : "function_name argument given to redis.register_function must be a string";
    }
    if (str_is(key, "description")) {
        r->described = text_at(L, value, &r->description);
        return r->described ? NULL : "description argument given to redis.register_function must be a string";
    }
    if (str_is(key, "callback")) {
        r->callback = value;
        return lua_isfunction(L, value) ? NULL
                                        : "callback argument given to redis.register_function must be a function";
    }
    if (str_is(key, "flags")) {
        if (!lua_istable(L, value))
            return "flags argument to redis.register_function must be a table representing function flags";
        return flags_at(L, value, &r->flags) ? NULL : "unknown flag given";
    }
    return "unknown argument given to redis.register_function";
}

/* All pairs of the table stay on the stack, so that their strings live: there are four good keys, but each
 * may come in several cases. */
static const char *read_named(lua_State *L, struct registration *r)
{
    if (!lua_istable(L, 1))
        return "calling redis.register_function with a single argument is only applicable to Lua table "
               "(representing named arguments).";
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        int value = lua_gettop(L);
        const char *wrong;
        struct str key;

        luaL_checkstack(L, 6, "too many arguments");
        lua_pushvalue(L, value - 1);
        if (!text_at(L, -1, &key)) return "named argument key given to redis.register_function is not a string";
        wrong = take_named(L, r, key, value);
        if (wrong != NULL) return wrong;
        lua_pushvalue(L, value - 1); /* for lua_next */
    }
    if (!r->named) return "redis.register_function must get a function name argument";
    if (r->callback == 0) return "redis.register_function must get a callback argument";
    return NULL;
}

static const char *read_two(lua_State *L, struct registration *r)
{
    if (!text_at(L, 1, &r->name)) return "first argument to redis.register_function must be a string";
    if (!lua_isfunction(L, 2)) return "second argument to redis.register_function must be a function";
    r->callback = 2;
    return NULL;
}

static const char *read_registration(lua_State *L, struct registration *r)
{
    int n = lua_gettop(L);

    if (n < 1 || n > 2) return "wrong number of arguments to redis.register_function";
    return n == 1 ? read_named(L, r) : read_two(L, r);
}

static int register_function(lua_State *L)
{
    struct load *ld = current_load(L);
    struct registration r = { 0 };
    const char *wrong;
    int callback;

    if (ld == NULL) return raise(L, "redis.register_function can only be called on FUNCTION LOAD command");
    wrong = read_registration(L, &r);
    if (wrong != NULL) return raise(L, wrong);
    lua_pushvalue(L, r.callback);
    callback = luaL_ref(L, LUA_REGISTRYINDEX);
    wrong = library_add(ld->library, r.name, r.described ? &r.description : NULL, r.flags, callback);
    if (wrong == NULL) return 0;
    luaL_unref(L, LUA_REGISTRYINDEX, callback);
    return raise(L, wrong);
}

/* --- the environment -------------------------------------------------------------------------------- */

/* Push the `redis` of a text that is being loaded: some of what the state's has, and register_function. */
static void push_redis(lua_State *L)
{
    static const char *const fields[] = { "log", "LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING",
                                          "REDIS_VERSION", "REDIS_VERSION_NUM" };

    lua_newtable(L);
    lua_pushcfunction(L, register_function);
    lua_setfield(L, -2, "register_function");
    lua_getglobal(L, "redis");
    for (size_t i = 0; i < sizeof fields / sizeof *fields && lua_istable(L, -1); i++) {
        lua_getfield(L, -1, fields[i]);
        lua_setfield(L, -3, fields[i]);
    }
    lua_pop(L, 1);
    vm_seal(L, true);
}

/* --- running a text --------------------------------------------------------------------------------- */

/* From here on at each line: what the text catches comes again. */
static void on_count(lua_State *L, lua_Debug *at)
{
    struct load *ld = current_load(L);

    (void)at;
    if (ld == NULL || ld->mono_us() - ld->started_us <= ld->timeout_us) return;
    lua_sethook(L, on_count, LUA_MASKLINE, 0);
    raise(L, "FUNCTION LOAD timeout");
}

/* Compile, give it its environment, run it, and let its functions see the globals. */
static int run_text(lua_State *L)
{
    struct load *ld = lua_touserdata(L, 1);

    if (luaL_loadbufferx(L, ld->body.p, ld->body.n, "@user_function", "t") != 0) return lua_error(L);
    ld->compiled = true;
    lua_newtable(L);
    push_redis(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "server"); /* its name in Valkey */
    lua_setfield(L, -2, "redis");
    vm_seal(L, true);
    lua_pushvalue(L, -1);
    lua_setfenv(L, 2);
    lua_pushvalue(L, 2);
    if (ld->timeout_us > 0) lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
    lua_call(L, 0, 0);
    lua_getmetatable(L, 3);
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_setfield(L, -2, "__index");
    return 0;
}

/* Protected, as it may run out of memory itself. */
static int run_load(lua_State *L)
{
    lua_Hook hook = lua_gethook(L); /* the state's own, by which functions are stopped later */
    int mask = lua_gethookmask(L), count = lua_gethookcount(L), failed;

    set_current_load(L, lua_touserdata(L, 1));
    lua_pushcfunction(L, run_text);
    lua_pushvalue(L, 1);
    failed = lua_pcall(L, 1, 0, 0);
    lua_sethook(L, hook, mask, count);
    set_current_load(L, NULL);
    return failed ? lua_error(L) : 0;
}

/* What the error on top says: strings get the code word that tables bring. */
static void tell_error(lua_State *L, const struct load *ld, struct buf *why)
{
    const char *text = lua_tostring(L, -1);

    buf_clear(why);
    buf_add_c(why, ld->compiled ? "Error registering functions: " : "Error compiling function: ");
    if (text == NULL && lua_istable(L, -1)) {
        lua_pushliteral(L, "err");
        lua_rawget(L, -2);
        text = lua_tostring(L, -1);
    } else if (ld->compiled) {
        buf_add_c(why, "ERR ");
    }
    buf_add_c(why, text != NULL ? text : "unknown error");
}

static bool run_protected(lua_State *L, struct library *l, struct str body, const struct library_limit *limit,
                          struct buf *why)
{
    struct load ld = { .library = l, .body = body, .timeout_us = limit->timeout_us, .mono_us = limit->mono_us };
    int top = lua_gettop(L);
    bool ok;

    ld.started_us = ld.timeout_us > 0 ? limit->mono_us() : 0;
    if (limit->vm) vm_bound(limit->vm, true);
    ok = lua_cpcall(L, run_load, &ld) == 0;
    if (limit->vm) vm_bound(limit->vm, false);
    if (!ok) tell_error(L, &ld, why);
    lua_settop(L, top);
    return ok;
}

/* --- loading ----------------------------------------------------------------------------------------- */

static bool check_head(const struct library_set *s, const struct library_head *h, bool replace, struct buf *why)
{
    struct str name = buf_str(&h->name);

    if (!library_name_ok(name)) return library_fail(why, library_bad_name, str_of(NULL, 0), "");
    if (!str_is(buf_str(&h->engine), "lua")) return library_fail(why, "Engine '", buf_str(&h->engine), "' not found");
    if (!replace && library_set_find(s, name) != NULL) return library_fail(why, "Library '", name, "' already exists");
    return true;
}

bool library_lua_load(lua_State *L, struct library_set *s, struct str text, bool replace,
                      const struct library_limit *limit, const struct library **out, struct buf *why)
{
    struct library_head h;
    struct library *l;
    bool ok;

    if (!library_head_read(&h, text, why)) return false;
    ok = check_head(s, &h, replace, why);
    l = ok ? library_new(buf_str(&h.name), text) : NULL;
    ok = ok && run_protected(L, l, h.body, limit, why);
    if (ok && l->n_functions == 0) ok = library_fail(why, "No functions registered", str_of(NULL, 0), "");
    ok = ok && library_set_add(s, l, replace, why);
    if (ok) *out = l;
    else library_free(&l, &s->forget);
    library_head_fini(&h);
    return ok;
}

void library_lua_push(lua_State *L, int callback)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, callback);
}

static int forget(lua_State *L)
{
    const int *callback = lua_touserdata(L, 1);

    luaL_unref(L, LUA_REGISTRYINDEX, *callback);
    return 0;
}

/* Protected: even giving back may need memory. When there is none, the function stays until the end. */
void library_lua_forget(void *ctx, int callback)
{
    if (lua_cpcall(ctx, forget, &callback) != 0) lua_pop((lua_State *)ctx, 1);
}
