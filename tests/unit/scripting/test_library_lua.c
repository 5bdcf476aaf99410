#include "scripting/library_lua.h"

#include "base/clock.h"
#include "scripting/script_flags.h"
#include "tests/unit/scripting/chunk.h"

static lua_State *L;
static struct library_set set;
static struct buf why;
static const struct library_limit limit = { 50000, clock_mono_us, NULL };

static void set_up(void)
{
    static const char globals[] = "redis = { REDIS_VERSION = '7', call = print, log = print }";
    struct library_forget forget = { library_lua_forget, NULL };

    L = chunk_state();
    ck_assert_int_eq(luaL_dostring(L, globals), 0);
    forget.ctx = L;
    library_set_init(&set, &forget);
}

static void tear_down(void)
{
    library_set_check(&set);
    library_set_fini(&set);
    lua_close(L);
    buf_fini(&why);
}

static bool load(const char *text, bool replace)
{
    const struct library *l = NULL;
    bool ok = library_lua_load(L, &set, str_c(text), replace, &limit, &l, &why);

    ck_assert_int_eq(lua_gettop(L), 0);
    ck_assert(ok == (l != NULL));
    return ok;
}

#define A "#!lua name=a\n"
#define expect_loads(text) ck_assert_msg(load(text, true), "%.*s", (int)why.n, why.p)

/* A failed load changes nothing; the position of an error is that of the text behind its first line. */
static void expect_fails(const char *text, const char *reason)
{
    size_t n = set.n_functions;

    ck_assert_msg(!load(text, true), "%s", text);
    expect_str(buf_str(&why), str_c(reason));
    ck_assert_uint_eq(set.n_functions, n);
}

#define expect_run_error(text, reason) expect_fails(A text, "Error registering functions: ERR " reason)

/* What the function returns, as text. */
static void expect_call(const char *name, const char *want)
{
    const struct library_function *f = library_set_function(&set, str_c(name));

    ck_assert_ptr_nonnull(f);
    library_lua_push(L, f->callback);
    lua_pcall(L, 0, 1, 0);
    ck_assert_str_eq(lua_tostring(L, -1), want);
    lua_settop(L, 0);
}

START_TEST(a_text_registers_functions_in_both_forms)
{
    const struct library_function *f;

    expect_loads(A "redis.register_function('f', function() return 'one' end)\n"
                   "redis.register_function{function_name='g', callback=function() return 'two' end,\n"
                   "  description='d', flags={'no-writes', 'ALLOW-OOM'}}\n"
                   "redis.register_function(3, function() return 'three' end)");
    ck_assert_uint_eq(set.n_functions, 3);
    expect_call("F", "one");
    expect_call("g", "two");
    expect_call("3", "three");
    f = library_set_function(&set, STR("g"));
    ck_assert_uint_eq(f->flags, SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM);
    ck_assert(f->described);
    expect_str(buf_str(&f->description), STR("d"));
    f = library_set_function(&set, STR("f"));
    ck_assert_uint_eq(f->flags, 0);
    ck_assert(!f->described);
}
END_TEST

START_TEST(bad_registrations_are_refused)
{
    expect_run_error("redis.register_function()", "wrong number of arguments to redis.register_function");
    expect_run_error("redis.register_function(1, 2, 3)", "wrong number of arguments to redis.register_function");
    expect_run_error("redis.register_function('f')",
                     "calling redis.register_function with a single argument is only applicable to Lua table "
                     "(representing named arguments).");
    expect_run_error("redis.register_function({}, function() end)",
                     "first argument to redis.register_function must be a string");
    expect_run_error("redis.register_function('f', 'g')",
                     "second argument to redis.register_function must be a function");
    expect_run_error("redis.register_function{function_name={}, callback=function() end}",
                     "function_name argument given to redis.register_function must be a string");
    expect_run_error("redis.register_function{function_name='f', description={}, callback=function() end}",
                     "description argument given to redis.register_function must be a string");
    expect_run_error("redis.register_function{function_name='f', callback=1}",
                     "callback argument given to redis.register_function must be a function");
    expect_run_error("redis.register_function{function_name='f', flags='no-writes'}",
                     "flags argument to redis.register_function must be a table representing function flags");
    expect_run_error("redis.register_function{function_name='f', flags={'x'}}", "unknown flag given");
    expect_run_error("redis.register_function{function_name='f', flags={{}}}", "unknown flag given");
    expect_run_error("redis.register_function{function_name='f'}",
                     "redis.register_function must get a callback argument");
    expect_run_error("redis.register_function{callback=function() end}",
                     "redis.register_function must get a function name argument");
    expect_run_error("redis.register_function{1}", "unknown argument given to redis.register_function");
    expect_run_error("redis.register_function{[redis.register_function]=1}",
                     "named argument key given to redis.register_function is not a string");
    expect_run_error("redis.register_function('a b', function() end)",
                     "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
                     "character long");
    expect_run_error("redis.register_function('f', function() end) redis.register_function('f', function() end)",
                     "Function already exists in the library");
}
END_TEST

START_TEST(a_bad_text_is_refused)
{
    expect_fails("code", "Missing library metadata");
    expect_fails("#!js name=a\n", "Engine 'js' not found");
    expect_fails("#!lua name=a-b\n",
                 "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
                 "character long");
    expect_fails(A "return 1", "No functions registered");
    ck_assert(!load(A "for", true));
    ck_assert_int_eq(memcmp(why.p, "Error compiling function: user_function:2: ", 43), 0);
    expect_run_error("local x = {} x.y.z = 1", "user_function:2: attempt to index field 'y' (a nil value)");
}
END_TEST

START_TEST(while_it_is_loaded_it_sees_next_to_nothing)
{
    expect_run_error("print()", "user_function:2: Script attempted to access nonexistent global variable 'print'");
    expect_run_error("redis.call()", "user_function:2: Script attempted to access nonexistent global variable 'call'");
    expect_run_error("x = 1", "user_function:2: Attempt to modify a readonly table");
    expect_run_error("redis.log = 1", "user_function:2: Attempt to modify a readonly table");
    expect_loads(A "local v = redis.REDIS_VERSION redis.register_function('f', function() return v .. type(print) end)");
    expect_call("f", "7function");
}
END_TEST

START_TEST(what_runs_too_long_is_stopped_and_cannot_catch_it)
{
    expect_run_error("while true do end", "FUNCTION LOAD timeout");
    ck_assert_ptr_null(lua_gethook(L));
}
END_TEST

START_TEST(libraries_do_not_reach_each_other)
{
    expect_loads(A "redis.register_function('f', function() rawset(getfenv(1), 'x', 1) return type(x) end)\n"
                   "redis.register_function('late', function() redis.register_function('x', print) end)\n"
                   "local lib = redis redis.register_function('later', function()\n"
                   "  local ok, e = pcall(lib.register_function, 'x', print) return e.err end)\n"
                   "redis.register_function('poison', function() rawset(lib, 'register_function', 1) return 'x' end)");
    expect_loads("#!lua name=b\nredis.register_function('g', function() return type(x) end)");
    expect_call("f", "number");
    expect_call("g", "nil");
    expect_call("late", "user_function:3: attempt to call field 'register_function' (a nil value)");
    expect_call("later", "ERR redis.register_function can only be called on FUNCTION LOAD command");
    expect_call("poison", "x");
    expect_loads("#!lua name=c\nredis.register_function('h', function() return 'fine' end)");
    expect_call("h", "fine");
}
END_TEST

START_TEST(a_library_is_replaced_as_a_whole_or_not_at_all)
{
    expect_loads(A "redis.register_function('f', function() return 'old' end)");
    ck_assert(!load(A "redis.register_function('f', function() return 'new' end)", false));
    expect_str(buf_str(&why), STR("Library 'a' already exists"));
    expect_run_error("redis.register_function('f', function() end) redis.nope()",
                     "user_function:2: Script attempted to access nonexistent global variable 'nope'");
    expect_call("f", "old");
    expect_loads(A "redis.register_function('f', function() return 'new' end)");
    expect_call("f", "new");
    expect_fails("#!lua name=b\nredis.register_function('F', function() end)", "Function F already exists");
}
END_TEST

/* A state that may take so much memory and no more. */
static size_t used, most;

static void *limited(void *ud, void *p, size_t old, size_t size)
{
    (void)ud;
    if (size == 0) {
        used -= old;
        free(p);
        return NULL;
    }
    if (used - old + size > most) return NULL;
    p = realloc(p, size);
    used += size - old;
    return p;
}

START_TEST(running_out_of_memory_is_an_error_like_any_other)
{
    static const char text[] = A "redis.register_function('f', function() return {1, 2, {3}} end)\n"
                                 "redis.register_function{function_name='g', callback=function() end, "
                                 "flags={'no-writes'}}";
    struct library_forget forget = { library_lua_forget, NULL };
    const struct library *l;
    struct library_set s;
    unsigned failed = 0;
    bool ok = false;

    for (size_t more = 0; !ok; more += 64) {
        used = 0;
        most = SIZE_MAX;
        lua_State *small = lua_newstate(limited, NULL);

        forget.ctx = small;
        library_set_init(&s, &forget);
        luaL_openlibs(small);
        most = used + more;
        ok = library_lua_load(small, &s, str_c(text), false, &limit, &l, &why);
        failed += !ok;
        if (!ok) ck_assert_uint_eq(s.n_functions, 0);
        most = SIZE_MAX;
        library_set_fini(&s);
        lua_close(small);
    }
    ck_assert_uint_gt(failed, 10);
}
END_TEST

UNIT_MAIN_AROUND("library_lua", set_up, tear_down, a_text_registers_functions_in_both_forms,
                 bad_registrations_are_refused, a_bad_text_is_refused, while_it_is_loaded_it_sees_next_to_nothing,
                 what_runs_too_long_is_stopped_and_cannot_catch_it, libraries_do_not_reach_each_other,
                 a_library_is_replaced_as_a_whole_or_not_at_all, running_out_of_memory_is_an_error_like_any_other)
