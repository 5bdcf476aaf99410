/* lua_string.c -- find, match, gmatch and gsub of the library `string`: those of LuaJIT, but that they can be stopped
 * (lua_pattern.h). Each has the state's struct lua_steps as its upvalue 1. */
#include <luajit-2.1/lauxlib.h>
#include <string.h>

#include "scripting/lua_libs.h"
#include "scripting/lua_pattern.h"

static struct lua_steps *steps_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* A subject, in which nothing is matched yet. */
static void begin(struct lua_pattern *m, lua_State *L, const char *s, size_t n)
{
    m->L = L;
    m->steps = steps_of(L);
    m->begin = s;
    m->end = s + n;
}

/* --- find, match ------------------------------------------------------------------------------------- */

/* Argument 3 as a place in n bytes, counted from 0: negative ones from the end. */
static size_t place(lua_State *L, size_t n)
{
    lua_Integer at = luaL_optinteger(L, 3, 1);

    if (at < 0) at += (lua_Integer)n + 1;
    if (at < 1) return 0;
    return (size_t)at - 1 < n ? (size_t)at - 1 : n;
}

/* Nothing in it that is more than itself. */
static bool is_plain(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (p[i]) {
        case '^': case '$': case '*': case '+': case '-': case '?': case '.': case '(': case '[': case '%':
            return false;
        default: break;
        }
    }
    return true;
}

/* Its time is that of a few walks whatever the strings: memmem's preparations are worth it for what is long. */
static const char *find_bytes(const char *s, size_t n, const char *p, size_t n_p)
{
    enum { SHORT = 4096 };
    const char *end;

    if (n_p == 0) return s;
    if (n_p > n) return NULL;
    if (n * n_p > SHORT) return memmem(s, n, p, n_p);
    end = s + (n - n_p) + 1; /* of where it can begin */
    for (; (s = memchr(s, p[0], (size_t)(end - s))) != NULL; s++) {
        if (memcmp(s, p, n_p) == 0) break;
    }
    return s;
}

static int find_plain(lua_State *L, const char *s, size_t n, size_t from, const char *p, size_t n_p)
{
    const char *found = find_bytes(s + from, n - from, p, n_p);

    lua_step(L, steps_of(L), (n - from) / 8);
    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - s + 1);
    lua_pushinteger(L, found - s + (ptrdiff_t)n_p);
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    size_t n, n_p;
    const char *s = luaL_checklstring(L, 1, &n), *p = luaL_checklstring(L, 2, &n_p);
    const char *at = s + place(L, n);
    bool anchored = *p == '^';
    struct lua_pattern m;

    if (find && (lua_toboolean(L, 4) || is_plain(p, n_p))) return find_plain(L, s, n, (size_t)(at - s), p, n_p);
    begin(&m, L, s, n);
    do {
        const char *end = lua_pattern_match(&m, at, anchored ? p + 1 : p);
        if (end == NULL) continue;
        if (!find) return lua_pattern_push_all(&m, at, end);
        lua_pushinteger(L, at - s + 1);
        lua_pushinteger(L, end - s);
        return lua_pattern_push_all(&m, NULL, NULL) + 2;
    } while (at++ < m.end && !anchored);
    lua_pushnil(L);
    return 1;
}

static int run_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int run_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* --- gmatch ------------------------------------------------------------------------------------------ */

/* Upvalues: steps, subject, pattern, where to go on. */
static int next_match(lua_State *L)
{
    size_t n, from = (size_t)lua_tointeger(L, lua_upvalueindex(4));
    const char *s = lua_tolstring(L, lua_upvalueindex(2), &n), *p = lua_tostring(L, lua_upvalueindex(3));
    struct lua_pattern m;

    if (from > n) return 0; /* the last match was empty, at the end */
    begin(&m, L, s, n);
    for (const char *at = s + from; at <= m.end; at++) {
        const char *end = lua_pattern_match(&m, at, p);
        if (end == NULL) continue;
        lua_pushinteger(L, end - s + (end == at)); /* behind an empty one a byte is passed over */
        lua_replace(L, lua_upvalueindex(4));
        return lua_pattern_push_all(&m, at, end);
    }
    return 0;
}

static int run_gmatch(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/* --- gsub -------------------------------------------------------------------------------------------- */

/* Argument 3, a text, with what was captured in the place of %0 to %9. */
static void add_text(struct lua_pattern *m, luaL_Buffer *b, const char *at, const char *end)
{
    size_t n;
    const char *text = lua_tolstring(m->L, 3, &n);

    lua_step(m->L, m->steps, n / 2);
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '%') {
            luaL_addchar(b, text[i]);
        } else if (text[++i] < '0' || text[i] > '9') { /* a % at the end stands for a zero byte */
            luaL_addchar(b, text[i]);
        } else if (text[i] == '0') {
            luaL_addlstring(b, at, (size_t)(end - at));
        } else {
            lua_pattern_push(m, text[i] - '1', at, end);
            luaL_addvalue(b);
        }
    }
}

/* What a function or table has for a match; what is nil or false there stays as it is. */
static void add_value(struct lua_pattern *m, luaL_Buffer *b, const char *at, const char *end)
{
    lua_State *L = m->L;

    if (lua_isfunction(L, 3)) {
        lua_pushvalue(L, 3);
        lua_call(L, lua_pattern_push_all(m, at, end), 1);
    } else {
        lua_pattern_push(m, 0, at, end);
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, at, (size_t)(end - at));
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(b);
}

static int run_gsub(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n), *p = luaL_checkstring(L, 2), *at = s;
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)n + 1), done = 0;
    bool anchored = *p == '^', is_text = lua_isstring(L, 3);
    struct lua_pattern m;
    luaL_Buffer b;

    luaL_argcheck(L, is_text || lua_isfunction(L, 3) || lua_istable(L, 3), 3, "string/function/table expected");
    begin(&m, L, s, n);
    luaL_buffinit(L, &b);
    while (done < most) {
        const char *end = lua_pattern_match(&m, at, anchored ? p + 1 : p);

        if (end != NULL) {
            done++;
            if (is_text) add_text(&m, &b, at, end);
            else add_value(&m, &b, at, end);
        }
        if (end != NULL && end > at) at = end;
        else if (at < m.end) luaL_addchar(&b, *at++);
        else break;
        if (anchored) break;
    }
    luaL_addlstring(&b, at, (size_t)(m.end - at));
    luaL_pushresult(&b);
    lua_pushinteger(L, done);
    return 2;
}

/* --- the library ------------------------------------------------------------------------------------- */

void lua_string_bound(lua_State *L, struct lua_steps *steps)
{
    static const luaL_Reg functions[] = {
        { "find", run_find }, { "match", run_match }, { "gmatch", run_gmatch }, { "gsub", run_gsub },
    };

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushlightuserdata(L, steps);
        lua_pushcclosure(L, functions[i].func, 1);
        lua_setfield(L, -2, functions[i].name);
    }
}
