/* find, match, gmatch and gsub against LuaJIT's own: the same results and errors for any pattern; and each has an end. */
#include "tests/unit/scripting/chunk.h"

/* What a function of `string` gives in all its uses, as text. */
static const char show[] =
    "local function show(...)\n"
    "  local t = {}\n"
    "  for i = 1, select('#', ...) do local v = select(i, ...) t[i] = type(v) .. ':' .. tostring(v) end\n"
    "  return table.concat(t, '|')\n"
    "end\n"
    "local function every(s, p)\n"
    "  local t = {}\n"
    "  for a, b, c in string.gmatch(s, p) do t[#t + 1] = show(a, b, c) end\n"
    "  return table.concat(t, ';')\n"
    "end\n"
    "local function odd(k) if #tostring(k) % 2 == 1 then return '<' .. k .. '>' end end\n"
    "local values = setmetatable({ a = 'A', b = false, ab = 12 }, { __index = function(_, k) return odd(k) end })\n"
    "return function(s, p, with, n)\n"
    "  return table.concat({\n"
    "    show(pcall(string.find, s, p, n)), show(pcall(string.find, s, p, n, true)),\n"
    "    show(pcall(string.match, s, p, n)), show(pcall(every, s, p)), show(pcall(string.gsub, s, p, with)), show(pcall(string.gsub, s, p, with, n)),\n"
    "    show(pcall(string.gsub, s, p, function(...) return odd(show(...)) end)),\n"
    "    show(pcall(string.gsub, s, p, values)),\n"
    "  }, '\\n')\n"
    "end";

static struct lua_steps steps;

/* A state whose functions are ours, or LuaJIT's; on its stack is what `show` returns. */
static lua_State *state(bool ours)
{
    lua_State *L = chunk_state();

    if (ours) {
        lua_getglobal(L, "string");
        lua_string_bound(L, &steps);
        lua_pop(L, 1);
    }
    ck_assert_int_eq(luaL_loadstring(L, show) || lua_pcall(L, 0, 1, 0), 0);
    return L;
}

struct question {
    struct str s, p, with;
    int n;
};

/* The answer is left on the stack. */
static struct str answer(lua_State *L, const struct question *q)
{
    struct str text;

    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, q->s.p, q->s.n);
    lua_pushlstring(L, q->p.p, q->p.n);
    lua_pushlstring(L, q->with.p, q->with.n);
    lua_pushinteger(L, q->n);
    if (lua_pcall(L, 4, 1, 0) != 0) ck_abort_msg("%s", lua_tostring(L, -1));
    text.p = lua_tolstring(L, -1, &text.n);
    return text;
}

static void expect_same(lua_State *ours, lua_State *theirs, const struct question *q)
{
    struct str got = answer(ours, q), want = answer(theirs, q);

    if (str_eq(got, want)) return;
    ck_abort_msg("subject '%.*s', pattern '%.*s', replacement '%.*s', %d:\n%.*s\n--- LuaJIT:\n%.*s",
                 (int)q->s.n, q->s.p, (int)q->p.n, q->p.p, (int)q->with.n, q->with.p, q->n, (int)got.n, got.p, (int)want.n, want.p);
}

/* --- the same as LuaJIT's --------------------------------------------------------------------------- */

static void add_one_of(struct buf *b, struct rng *r, const char *const *words, size_t n)
{
    buf_add_c(b, words[rng_below(r, n)]);
}

static void add_bytes(struct buf *b, struct rng *r, size_t most)
{
    static const char common[] = "aaabbc A1-_.[](){}%^$ \t\xe9";

    for (size_t n = rng_below(r, most + 1); n > 0; n--) {
        if (rng_below(r, 12) == 0) buf_add_char(b, (char)rng_below(r, 256));
        else buf_add_char(b, common[rng_below(r, sizeof common - 1)]);
    }
}

/* Items with few repetitions, so that LuaJIT's own come to an end; now and then what is none. */
static void add_pattern(struct buf *b, struct rng *r)
{
    static const char *const items[] = { "a", "b", "c", ".", ".", "%a", "%d", "%s", "%w", "%u", "%l", "%p", "%x", "%c", "%g",
                                         "%A", "%S", "%z", "%Z", "%D", "[abc]", "[^ab]", "[a-c]", "[%a_]",
                                         "[]]", "[^]]", "[a-]",
                                         "[%]a]", "[-a]", "[a%-z]", "[^%s%d]", "%.", "%%", "%[", "\xe9", "-",
                                         "]", "[\x80-\xff]" };
    static const char *const others[] = { "(", ")", "(", ")", "()", "(a)", "(.-)", "(%w+)", "%1", "%2", "%0", "%b()", "%bab",
                                          "%f[%w]", "%f[^a]", "$", "^", "%b", "%f", "[", "[^", "%", "%9", "[a",
                                          "[%", "%bx" };
    static const char *const times[] = { "*", "+", "-", "?" };
    int repeats = 0;

    if (rng_below(r, 4) == 0) buf_add_char(b, '^');
    for (size_t n = rng_below(r, 8); n > 0; n--) {
        if (rng_below(r, 4) == 0) add_one_of(b, r, others, sizeof others / sizeof *others);
        else add_one_of(b, r, items, sizeof items / sizeof *items);
        if (rng_below(r, 3) == 0 && repeats++ < 4) add_one_of(b, r, times, sizeof times / sizeof *times);
    }
    if (rng_below(r, 6) == 0) buf_add_char(b, '$');
    if (rng_below(r, 40) == 0) add_bytes(b, r, 6);
}

static void add_replacement(struct buf *b, struct rng *r)
{
    static const char *const parts[] = { "x", "%0", "%1", "%2", "%%", "-", "%a", "%", "<%0>", "12" };

    for (size_t n = rng_below(r, 4); n > 0; n--) add_one_of(b, r, parts, sizeof parts / sizeof *parts);
}

START_TEST(random_patterns_match_as_with_luajit)
{
    enum { ROUNDS = 60000 };
    lua_State *ours = state(true), *theirs = state(false);
    struct buf s = { 0 }, p = { 0 }, with = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < ROUNDS; i++) {
        struct question q;

        buf_clear(&s), buf_clear(&p), buf_clear(&with);
        add_bytes(&s, &r, 20);
        add_pattern(&p, &r);
        add_replacement(&with, &r);
        q = (struct question){ buf_str(&s), buf_str(&p), buf_str(&with), (int)rng_below(&r, 30) - 10 };
        expect_same(ours, theirs, &q);
    }
    buf_fini(&s), buf_fini(&p), buf_fini(&with);
    lua_close(ours);
    lua_close(theirs);
}
END_TEST

START_TEST(every_byte_is_of_the_same_classes)
{
    lua_State *ours = state(true), *theirs = state(false);
    char all[256], pattern[] = "%a";

    for (int i = 0; i < 256; i++) all[i] = (char)i;
    for (int letter = 1; letter < 256; letter++) {
        struct question q = { str_of(all, sizeof all), str_of(pattern, 2), STR("<%0>"), 1 };

        pattern[1] = (char)letter;
        expect_same(ours, theirs, &q);
    }
    lua_close(ours);
    lua_close(theirs);
}
END_TEST

START_TEST(patterns_and_arguments_at_the_edge)
{
    static const struct { struct str s, p; } cases[] = {
        { STR(""), STR("") }, { STR("a"), STR("") }, { STR(""), STR("^$") }, { STR("a\0b"), STR("\0") },
        { STR("a\0b"), STR("a%z") },
        { STR("a\0b"), STR("[\0-a]") }, { STR("abc"), STR("b\0[") }, { STR("a.b"), STR(".") },
        { STR("a.b"), STR("%.") },
        { STR("(a(b)c"), STR("%b()") }, { STR("((("), STR("%b()") }, { STR("aXb"), STR("%f[A-Z]") },
        { STR("THE end"), STR("%f[%z]") },
        { STR("abab"), STR("(ab)%1") }, { STR("ab"), STR("()%1") }, { STR("ab"), STR("(a%1)") },
        { STR("aa"), STR("^^a") },
        { STR("a$"), STR("a$$") },
        { STR("x"), STR("((((((((((((((((((((((((((((((((x))))))))))))))))))))))))))))))))") },
        { STR("x"), STR("(((((((((((((((((((((((((((((((((x)))))))))))))))))))))))))))))))))") },
        { STR("]"), STR("[]]") }, { STR("^"), STR("[]^]") }, { STR("-"), STR("[a-]") },
        { STR("b"), STR("[%a-z]") }, { STR("%"), STR("[%%]") },
        { STR("0123456789"), STR("5") }, { STR("5"), STR("%d*") },
    };
    lua_State *ours = state(true), *theirs = state(false);
    struct buf long_pattern = { 0 }, long_subject = { 0 };
    struct question q;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int n = -12; n <= 12; n++) {
            q = (struct question){ cases[i].s, cases[i].p, STR("%0%1"), n };
            expect_same(ours, theirs, &q);
        }
    }
    for (int depth = 1; depth <= 210; depth++) { /* 200 is as deep as it goes */
        buf_add_c(&long_pattern, "a?");
        buf_add_char(&long_subject, 'a');
        q = (struct question){ buf_str(&long_subject), buf_str(&long_pattern), STR(""), 1 };
        if (depth > 190) expect_same(ours, theirs, &q);
    }
    buf_fini(&long_pattern), buf_fini(&long_subject);
    lua_close(ours);
    lua_close(theirs);
}
END_TEST

START_TEST(wrong_arguments_are_the_same_errors)
{
    static const char *const chunks[] = {
        "return pcall(string.find)", "return pcall(string.find, 'a')", "return pcall(string.find, {}, 'a')",
        "return string.find('a')",
        "return ('a'):find()", "return ('a'):gsub('a')", "return ('a'):gsub('a', true)",
        "return string.gsub('a', 'a', 'b', {})",
        "return string.gmatch('a')", "return pcall(string.match, nil, 'a')", "return string.match(12, 1)",
        "return string.find(12, '2', '1')",
        "return string.gsub(12, 1, 3)", "return string.gsub('ab', '', '-')",
        "return string.gsub('abc', '%w', '%%%0', 2)",
        "return string.gsub('a', 'a', function() return {} end)",
        "return string.gsub('a', 'a', function() error('no') end)",
        "return string.gsub('abc', 'b', 'x', -1)", "return string.gsub('abc', 'b', '%')",
        "return string.gsub('abc', 'b', '%2')",
        "return string.find('a', 'a', 1, 'yes')", "return string.find('a.c', '.', 2, true)",
        "return string.find('a.c', '.', 2, false)",
        "local f = string.gmatch('a b', '%a') return f(), f(), f(), f()", "return string.find('abc', 'c', -1)",
        "return (string.find('abc', ''))",
    };
    lua_State *ours = state(true), *theirs = state(false);
    struct buf got = { 0 }, want = { 0 };

    lua_settop(ours, 0);
    lua_settop(theirs, 0);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        chunk_run(ours, chunks[i], &got);
        chunk_run(theirs, chunks[i], &want);
        ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s: %.*s, LuaJIT %.*s", chunks[i],
                      (int)got.n, got.p, (int)want.n, want.p);
    }
    buf_fini(&got), buf_fini(&want);
    lua_close(ours);
    lua_close(theirs);
}
END_TEST

/* --- an end for each -------------------------------------------------------------------------------- */

static int asked;

static void stop_at_third(lua_State *L, lua_Debug *at)
{
    (void)at;
    if (++asked == 3) luaL_error(L, "stopped");
}

/* Each of these would take LuaJIT from hours to longer than the world is old. */
START_TEST(what_takes_long_can_be_stopped)
{
    static const char *const chunks[] = {
        "return s:find('.-.-.-.-.-.-.-.-b')",
        "return s:match('a*a*a*a*a*a*a*b')",
        "return s:gsub('(.-)(.-)(.-)(.-)(.-)b', '')",
        "for x in s:gmatch('a?a*a-a+a*a*b') do end",
        "return s:find('^' .. ('a?'):rep(150) .. ('a'):rep(150) .. 'b')",
        "return s:find('(.*).*%1.*b')",
        "return s:find('[^b]*[^b]*[^b]*[^b]*%f[b]')",
        "return ('('):rep(100000):find('%b()')",
        "return ('('):rep(100000):gsub('%b()', '')",
        "for i = 1, 1000000 do s:find('a-b') end",
        "for i = 1, 1000000000 do s:find('x', 1, true) end",
        "return ('x'):rep(100000):gsub('x', ('y'):rep(10000))",
    };

    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        lua_State *L = state(true);
        struct buf code = { 0 };

        buf_printf(&code, "local s = ('a'):rep(20000) %s", chunks[i]);
        buf_add_char(&code, '\0');
        asked = 0;
        steps.left = 0;
        lua_settop(L, 0);
        lua_sethook(L, stop_at_third, LUA_MASKCOUNT, 1 << 30); /* of its own accord it does not come */
        ck_assert_int_eq(luaL_dostring(L, code.p), 1);
        ck_assert_msg(strstr(lua_tostring(L, -1), "stopped") != NULL, "%s: %s", chunks[i], lua_tostring(L, -1));
        buf_fini(&code);
        lua_close(L);
    }
}
END_TEST

START_TEST(a_plain_search_does_not_compare_everything_with_everything)
{
    lua_State *L = state(true);

    lua_settop(L, 0);
    expect_chunk(L, "local n = 2^23 return ('a'):rep(n):find(('a'):rep(n / 2) .. 'b', 1, true)", "nil");
    expect_chunk(L, "local n = 2^22 return (('a'):rep(n) .. 'b'):find(('a'):rep(n / 2) .. 'b', 1, true)",
                 "2097153 4194305");
    lua_close(L);
}
END_TEST

UNIT_MAIN("lua_string", random_patterns_match_as_with_luajit, every_byte_is_of_the_same_classes,
          patterns_and_arguments_at_the_edge, wrong_arguments_are_the_same_errors, what_takes_long_can_be_stopped,
          a_plain_search_does_not_compare_everything_with_everything)
