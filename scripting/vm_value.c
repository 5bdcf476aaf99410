/* vm_value.c -- replies to Lua values and back.
 *
 * reply            Lua
 * integer          number
 * bulk             string
 * null             false in RESP2, nil in RESP3
 * simple string    { ok = text }
 * error            { err = text, ignore_error_stats_update = true }
 * array            a table from 1 on
 * map, set         { map = table }, { set = table of true }
 * boolean          boolean
 * double           { double = number }
 * big number       { big_number = text }
 * verbatim         { verbatim_string = { string = text, format = three letters } }
 */
#include <luajit-2.1/lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "scripting/vm_impl.h"

/* --- replies to values ------------------------------------------------------------------------------- */

/* A reply being read: our own, so it is well formed. */
struct frames {
    const char *p, *end;
};

/* The line that stands here, without its end. */
static struct str take_line(struct frames *f)
{
    const char *cr = memchr(f->p, '\r', (size_t)(f->end - f->p));
    struct str line;

    ensure(cr != NULL && cr + 2 <= f->end);
    line = str_of(f->p, (size_t)(cr - f->p));
    f->p = cr + 2;
    return line;
}

static struct str take_bulk(struct frames *f, int64_t n)
{
    struct str s = str_of(f->p, (size_t)n);

    ensure(n >= 0 && f->end - f->p >= n + 2);
    f->p += n + 2;
    return s;
}

static int64_t number_of(struct str line)
{
    int64_t n = 0;

    ensure(num_parse_i64(line, &n));
    return n;
}

static void push_str(lua_State *L, struct str s)
{
    lua_pushlstring(L, s.p, s.n);
}

/* Push { name = the value on top }. */
static void wrap(lua_State *L, const char *name)
{
    lua_createtable(L, 0, 1);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
}

static void push_frame(lua_State *L, struct frames *f);

static void push_array(lua_State *L, struct frames *f, int64_t n)
{
    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    for (int64_t i = 1; i <= n; i++) {
        push_frame(L, f);
        lua_rawseti(L, -2, (int)i);
    }
}

/* A key may be nil (a null of RESP3): such a pair has no place in a table. */
static void push_map(lua_State *L, struct frames *f, int64_t n, bool set)
{
    lua_newtable(L);
    for (int64_t i = 0; i < n; i++) {
        push_frame(L, f);
        if (set) lua_pushboolean(L, 1);
        else push_frame(L, f);
        if (lua_isnil(L, -2)) lua_pop(L, 2);
        else lua_rawset(L, -3);
    }
    wrap(L, set ? "set" : "map");
}

static double double_of(struct str s)
{
    if (str_eq(s, STR("inf"))) return INFINITY;
    if (str_eq(s, STR("-inf"))) return -INFINITY;
    char text[64];
    size_t n = s.n < sizeof text ? s.n : sizeof text - 1;

    memcpy(text, s.p, n);
    text[n] = 0;
    return strtod(text, NULL);
}

static void push_verbatim(lua_State *L, struct str s)
{
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, s.p + 4, s.n - 4);
    lua_setfield(L, -2, "string");
    lua_pushlstring(L, s.p, 3);
    lua_setfield(L, -2, "format");
    wrap(L, "verbatim_string");
}

static void push_error_frame(lua_State *L, struct str line)
{
    lua_createtable(L, 0, 2);
    push_str(L, line);
    lua_setfield(L, -2, "err");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "ignore_error_stats_update");
}

static void push_frame(lua_State *L, struct frames *f)
{
    luaL_checkstack(L, 6, "reply is nested too deeply");
    char type = *f->p++;
    struct str line = take_line(f);
    int64_t n;

    switch (type) {
    case '+': push_str(L, line); wrap(L, "ok"); return;
    case '-': push_error_frame(L, line); return;
    case ':': lua_pushnumber(L, (double)number_of(line)); return;
    case '_': lua_pushnil(L); return;
    case '#': lua_pushboolean(L, line.p[0] == 't'); return;
    case ',': lua_pushnumber(L, double_of(line)); wrap(L, "double"); return;
    case '(': push_str(L, line); wrap(L, "big_number"); return;
    default: break;
    }
    n = number_of(line);
    if (n < 0) lua_pushboolean(L, 0);
    else if (type == '$') push_str(L, take_bulk(f, n));
    else if (type == '=') push_verbatim(L, take_bulk(f, n));
    else if (type == '%') push_map(L, f, n, false);
    else if (type == '~') push_map(L, f, n, true);
    else if (type == '|') { /* attributes are left out */
        push_map(L, f, n, false);
        lua_pop(L, 1);
        push_frame(L, f);
    } else {
        push_array(L, f, n);
    }
}

void vm_push_reply(lua_State *L, struct str reply)
{
    struct frames f = { reply.p, reply.p + reply.n };

    push_frame(L, &f);
}

/* --- values to replies ------------------------------------------------------------------------------- */

/* Push table[name] of the table on top, when it is of that type. */
static bool field_is(lua_State *L, const char *name, int type)
{
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (lua_type(L, -1) == type) return true;
    lua_pop(L, 1);
    return false;
}

static struct str string_at(lua_State *L, int index)
{
    size_t n;
    const char *p = lua_tolstring(L, index, &n);

    return str_of(p, n);
}

static void write_map(lua_State *L, int resp, struct reply *out, bool set)
{
    size_t mark = reply_mark(out), n = 0;

    lua_pushnil(L);
    for (; lua_next(L, -2); n++) {
        if (set) lua_pop(L, 1);
        lua_pushvalue(L, set ? -1 : -2);
        vm_write_value(L, resp, out);
        if (!set) vm_write_value(L, resp, out);
    }
    if (set) reply_set_at(out, mark, n);
    else reply_map_at(out, mark, n);
}

static void write_array(lua_State *L, int resp, struct reply *out)
{
    size_t mark = reply_mark(out), n = 0;

    for (;; n++) {
        lua_rawgeti(L, -1, (int)n + 1);
        if (lua_isnil(L, -1)) break;
        vm_write_value(L, resp, out);
    }
    lua_pop(L, 1);
    reply_array_at(out, mark, n);
}

/* The table on top holds string and format; false: it does not. */
static bool write_verbatim(lua_State *L, struct reply *out)
{
    char format[3] = "   ";
    struct str f;

    if (!field_is(L, "format", LUA_TSTRING)) return false;
    f = string_at(L, -1);
    memcpy(format, f.p, f.n < sizeof format ? f.n : sizeof format);
    lua_pop(L, 1);
    if (!field_is(L, "string", LUA_TSTRING)) return false;
    reply_verbatim(out, format, string_at(L, -1));
    lua_pop(L, 1);
    return true;
}

/* A script may put anything there; as in Redis what ends lines becomes blanks, in a bulk too. */
static void write_big_number(struct reply *out, struct str text)
{
    struct buf one_line = { 0 };

    for (size_t i = 0; i < text.n; i++) {
        bool ends_line = text.p[i] == '\r' || text.p[i] == '\n';
        buf_add_char(&one_line, ends_line ? ' ' : text.p[i]);
    }
    reply_big_number(out, buf_str(&one_line));
    buf_fini(&one_line);
}

/* What a table stands for is named by the first of these fields that it has. */
static void write_table(lua_State *L, int resp, struct reply *out)
{
    if (field_is(L, "err", LUA_TSTRING)) {
        lua_pushliteral(L, "ignore_error_stats_update");
        lua_rawget(L, -3);
        vm_by_state(L)->counted = lua_toboolean(L, -1);
        lua_pop(L, 1);
        reply_error(out, string_at(L, -1));
    } else if (field_is(L, "ok", LUA_TSTRING)) {
        reply_simple(out, lua_tostring(L, -1));
    } else if (field_is(L, "double", LUA_TNUMBER)) {
        reply_double(out, lua_tonumber(L, -1));
    } else if (field_is(L, "big_number", LUA_TSTRING)) {
        write_big_number(out, string_at(L, -1));
    } else {
        if (field_is(L, "verbatim_string", LUA_TTABLE)) {
            bool done = write_verbatim(L, out);

            lua_pop(L, 1);
            if (done) return;
        }
        if (field_is(L, "map", LUA_TTABLE)) {
            write_map(L, resp, out, false);
        } else if (field_is(L, "set", LUA_TTABLE)) {
            write_map(L, resp, out, true);
        } else {
            write_array(L, resp, out);
            return;
        }
    }
    lua_pop(L, 1);
}

/* As x86 converts: what an integer cannot hold is the smallest one. */
static int64_t integer_of(double v)
{
    return fabs(v) < 0x1p63 ? (int64_t)v : INT64_MIN;
}

/* Tables that hold themselves twice would be written for ever: more than a state can hold is no value. */
void vm_write_value(lua_State *L, int resp, struct reply *out)
{
    if (UNLIKELY(out->out->n > VM_BYTES_MAX)) luaL_error(L, "the reply is too long");
    if (!lua_checkstack(L, 4)) {
        reply_error(out, STR("ERR reached lua stack limit"));
        lua_pop(L, 1);
        return;
    }
    switch (lua_type(L, -1)) {
    case LUA_TSTRING: reply_bulk(out, string_at(L, -1)); break;
    case LUA_TNUMBER: reply_int(out, integer_of(lua_tonumber(L, -1))); break;
    case LUA_TTABLE: write_table(L, resp, out); break;
    case LUA_TBOOLEAN:
        if (resp == 3) reply_bool(out, lua_toboolean(L, -1));
        else if (lua_toboolean(L, -1)) reply_int(out, 1);
        else reply_null(out);
        break;
    default: reply_null(out);
    }
    lua_pop(L, 1);
}
