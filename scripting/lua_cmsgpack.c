/* lua_cmsgpack.c -- MessagePack for scripts.
 *
 * Packing writes into a userdata that lies on the Lua stack and is replaced by one of twice the size when
 * it is full. Unpacking walks the string with a cursor that never passes its end: each length is compared
 * with what is left before it is used. Both recurse; packing to PACK_DEPTH, unpacking as deep as
 * luaL_checkstack lets it, which stops at 8,000 slots of the Lua stack and so at some 2,700 frames of C. */
#include "scripting/lua_libs.h"

#include <limits.h>
#include <luajit-2.1/lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PACK_DEPTH = 16, PACK_ROOM = 256 };

/* The first byte of what is not held in that byte itself. */
enum mark {
    MARK_FIX_MAP = 0x80, MARK_FIX_ARRAY = 0x90, MARK_FIX_STR = 0xa0,
    MARK_NIL = 0xc0, MARK_FALSE = 0xc2, MARK_TRUE = 0xc3,
    MARK_F32 = 0xca, MARK_F64 = 0xcb,
    MARK_U8 = 0xcc, MARK_U16, MARK_U32, MARK_U64,
    MARK_I8 = 0xd0, MARK_I16, MARK_I32, MARK_I64,
    MARK_STR8 = 0xd9, MARK_STR16, MARK_STR32,
    MARK_ARRAY16 = 0xdc, MARK_ARRAY32,
    MARK_MAP16 = 0xde, MARK_MAP32,
    MARK_FIX_NEGATIVE = 0xe0
};

/* --- packing --------------------------------------------------------------------------------- */

struct out {
    lua_State *L;
    int at; /* stack index of the userdata that holds p[0..cap) */
    unsigned char *p;
    size_t n, cap;
};

static void out_add(struct out *o, const void *bytes, size_t n)
{
    if (o->cap - o->n < n) {
        size_t cap = (o->n + n) * 2; /* a string of Lua is shorter than 2 GiB: this does not wrap */

        luaL_checkstack(o->L, 1, "in MessagePack pack");
        unsigned char *p = lua_newuserdata(o->L, cap);

        memcpy(p, o->p, o->n);
        lua_replace(o->L, o->at);
        o->p = p;
        o->cap = cap;
    }
    if (n > 0) memcpy(o->p + o->n, bytes, n);
    o->n += n;
}

/* A mark and the lowest `bytes` bytes of v, the highest of them first. */
static void out_mark(struct out *o, unsigned mark, uint64_t v, unsigned bytes)
{
    unsigned char b[9] = { (unsigned char)mark };

    for (unsigned i = 0; i < bytes; i++) b[1 + i] = (unsigned char)(v >> 8 * (bytes - 1 - i));
    out_add(o, b, 1 + bytes);
}

static void pack_integer(struct out *o, int64_t v)
{
    uint64_t u = (uint64_t)v;

    if (v >= -32 && v <= 127) out_mark(o, (unsigned)(u & 0xff), 0, 0);
    else if (v >= 0 && v <= UINT8_MAX) out_mark(o, MARK_U8, u, 1);
    else if (v >= 0 && v <= UINT16_MAX) out_mark(o, MARK_U16, u, 2);
    else if (v >= 0 && v <= UINT32_MAX) out_mark(o, MARK_U32, u, 4);
    else if (v >= 0) out_mark(o, MARK_U64, u, 8);
    else if (v >= INT8_MIN) out_mark(o, MARK_I8, u, 1);
    else if (v >= INT16_MIN) out_mark(o, MARK_I16, u, 2);
    else if (v >= INT32_MIN) out_mark(o, MARK_I32, u, 4);
    else out_mark(o, MARK_I64, u, 8);
}

static void pack_number(struct out *o, double v)
{
    if ((fabs(v) < 0x1p63 || v == -0x1p63) && v == trunc(v)) {
        pack_integer(o, (int64_t)v);
        return;
    }

    float f = (float)v;
    uint32_t low;
    uint64_t bits;

    memcpy(&low, &f, sizeof low);
    memcpy(&bits, &v, sizeof bits);
    if ((double)f == v) out_mark(o, MARK_F32, low, 4);
    else out_mark(o, MARK_F64, bits, 8);
}

static void pack_string(struct out *o, int index)
{
    size_t n;
    const char *p = lua_tolstring(o->L, index, &n);

    if (n < 32) out_mark(o, MARK_FIX_STR | (unsigned)n, 0, 0);
    else if (n <= UINT8_MAX) out_mark(o, MARK_STR8, n, 1);
    else if (n <= UINT16_MAX) out_mark(o, MARK_STR16, n, 2);
    else out_mark(o, MARK_STR32, n, 4);
    out_add(o, p, n);
}

/* The head of an array or a map of n. */
static void pack_head(struct out *o, size_t n, unsigned fix, unsigned mark16)
{
    if (n <= 15) out_mark(o, fix | (unsigned)n, 0, 0);
    else if (n <= UINT16_MAX) out_mark(o, mark16, n, 2);
    else out_mark(o, mark16 + 1, n, 4);
}

/* Count the pairs of the table on top. True when its keys are 1..n: whole, positive, n of them, and none
 * above n. */
static bool count_pairs(lua_State *L, size_t *n_pairs)
{
    bool array = true;
    double highest = 0;
    size_t n = 0;

    lua_pushnil(L);
    for (; lua_next(L, -2); n++) {
        lua_pop(L, 1);
        if (!array) continue;
        double key = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;

        array = key >= 1 && key <= INT_MAX && key == trunc(key);
        if (key > highest) highest = key;
    }
    *n_pairs = n;
    return array && highest == (double)n;
}

static void pack_top(struct out *o, int depth);

static void pack_table(struct out *o, int depth)
{
    lua_State *L = o->L;
    size_t n;

    luaL_checkstack(L, 4, "in MessagePack pack");
    if (count_pairs(L, &n)) {
        pack_head(o, n, MARK_FIX_ARRAY, MARK_ARRAY16);
        for (size_t i = 1; i <= n; i++) {
            lua_rawgeti(L, -1, (int)i);
            pack_top(o, depth + 1);
        }
        return;
    }
    pack_head(o, n, MARK_FIX_MAP, MARK_MAP16);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2); /* the key itself stays, for lua_next */
        pack_top(o, depth + 1);
        pack_top(o, depth + 1);
    }
}

/* Pack the value on top and pop it. What has no form in MessagePack is nil. */
static void pack_top(struct out *o, int depth)
{
    lua_State *L = o->L;
    int type = lua_type(L, -1);

    if (type == LUA_TSTRING) pack_string(o, -1);
    else if (type == LUA_TNUMBER) pack_number(o, lua_tonumber(L, -1));
    else if (type == LUA_TBOOLEAN) out_mark(o, lua_toboolean(L, -1) ? MARK_TRUE : MARK_FALSE, 0, 0);
    else if (type == LUA_TTABLE && depth < PACK_DEPTH) pack_table(o, depth);
    else out_mark(o, MARK_NIL, 0, 0);
    lua_pop(L, 1);
}

static int run_pack(lua_State *L)
{
    int n = lua_gettop(L);

    if (n == 0) return luaL_argerror(L, 0, "MessagePack pack needs input.");
    if (!lua_checkstack(L, n)) return luaL_argerror(L, 0, "Too many arguments for MessagePack pack.");
    struct out o = { .L = L, .p = lua_newuserdata(L, PACK_ROOM), .cap = PACK_ROOM, .at = n + 1 };

    for (int i = 1; i <= n; i++) {
        luaL_checkstack(L, 1, "in MessagePack pack");
        lua_pushvalue(L, i);
        pack_top(&o, 0);
    }
    lua_pushlstring(L, (const char *)o.p, o.n);
    return 1;
}

/* --- unpacking ------------------------------------------------------------------------------- */

enum in_fault { IN_FINE, IN_SHORT, IN_BAD };

struct in {
    lua_State *L;
    const unsigned char *p;
    size_t left;
};

/* The next n bytes, or NULL when there are fewer. */
static const unsigned char *in_take(struct in *in, size_t n)
{
    const unsigned char *p = in->p;

    if (in->left < n) return NULL;
    in->p += n;
    in->left -= n;
    return p;
}

/* The next n bytes, at most 8, as a number. */
static bool in_number(struct in *in, size_t n, uint64_t *v)
{
    const unsigned char *p = in_take(in, n);

    if (p == NULL) return false;
    *v = 0;
    for (size_t i = 0; i < n; i++) *v = *v << 8 | p[i];
    return true;
}

static enum in_fault unpack_string(struct in *in, size_t n)
{
    const unsigned char *p = in_take(in, n);

    if (p == NULL) return IN_SHORT;
    lua_pushlstring(in->L, (const char *)p, n);
    return IN_FINE;
}

static enum in_fault unpack_value(struct in *in);

/* A length that is not true costs nothing: the table grows with the elements that are there. */
static enum in_fault unpack_array(struct in *in, uint64_t n)
{
    lua_newtable(in->L);
    luaL_checkstack(in->L, 1, "in function mp_decode_to_lua_array"); /* the words of Redis */
    for (uint64_t i = 1; i <= n; i++) {
        lua_pushnumber(in->L, (double)i);
        enum in_fault f = unpack_value(in);

        if (f != IN_FINE) return f;
        lua_settable(in->L, -3);
    }
    return IN_FINE;
}

static enum in_fault unpack_map(struct in *in, uint64_t n)
{
    lua_newtable(in->L);
    for (uint64_t i = 0; i < n; i++) {
        enum in_fault f = unpack_value(in);

        if (f == IN_FINE) f = unpack_value(in);
        if (f != IN_FINE) return f;
        lua_settable(in->L, -3); /* raises an error for a key that is nil or not a number (NaN) */
    }
    return IN_FINE;
}

static void push_f32(lua_State *L, uint64_t v)
{
    uint32_t bits = (uint32_t)v;
    float f;

    memcpy(&f, &bits, sizeof f);
    lua_pushnumber(L, f);
}

static void push_f64(lua_State *L, uint64_t v)
{
    double d;

    memcpy(&d, &v, sizeof d);
    lua_pushnumber(L, d);
}

/* What a mark is followed by: a number of so many bytes, which is a value or a length. */
static unsigned number_bytes(unsigned mark)
{
    switch (mark) {
    case MARK_U8: case MARK_I8: case MARK_STR8: return 1;
    case MARK_U16: case MARK_I16: case MARK_STR16: case MARK_ARRAY16: case MARK_MAP16: return 2;
    case MARK_U32: case MARK_I32: case MARK_STR32: case MARK_ARRAY32: case MARK_MAP32: case MARK_F32: return 4;
    case MARK_U64: case MARK_I64: case MARK_F64: return 8;
    default: return 0;
    }
}

/* A value whose first byte is `mark`, from 0xc0 to 0xdf. */
static enum in_fault unpack_marked(struct in *in, unsigned mark)
{
    lua_State *L = in->L;
    uint64_t v;

    if (!in_number(in, number_bytes(mark), &v)) return IN_SHORT;
    switch (mark) {
    case MARK_NIL: lua_pushnil(L); return IN_FINE;
    case MARK_FALSE: lua_pushboolean(L, 0); return IN_FINE;
    case MARK_TRUE: lua_pushboolean(L, 1); return IN_FINE;
    case MARK_F32: push_f32(L, v); return IN_FINE;
    case MARK_F64: push_f64(L, v); return IN_FINE;
    /* The highest half of the u64 reads as negative, as it always has in scripts. */
    case MARK_U8: case MARK_U16: case MARK_U32: case MARK_U64: case MARK_I64:
        lua_pushnumber(L, (double)(int64_t)v);
        return IN_FINE;
    case MARK_I8: lua_pushnumber(L, (int8_t)v); return IN_FINE;
    case MARK_I16: lua_pushnumber(L, (int16_t)v); return IN_FINE;
    case MARK_I32: lua_pushnumber(L, (int32_t)v); return IN_FINE;
    case MARK_STR8: case MARK_STR16: case MARK_STR32: return unpack_string(in, v);
    case MARK_ARRAY16: case MARK_ARRAY32: return unpack_array(in, v);
    case MARK_MAP16: case MARK_MAP32: return unpack_map(in, v);
    default: return IN_BAD;
    }
}

/* Push the next value. */
static enum in_fault unpack_value(struct in *in)
{
    const unsigned char *p = in_take(in, 1);

    if (p == NULL) return IN_SHORT;
    luaL_checkstack(in->L, 1, "too many return values at once; use unpack_one or unpack_limit instead.");
    unsigned mark = *p;

    if (mark < MARK_FIX_MAP || mark >= MARK_FIX_NEGATIVE) {
        lua_pushnumber(in->L, (int8_t)mark);
        return IN_FINE;
    }
    if (mark < MARK_FIX_ARRAY) return unpack_map(in, mark & 15);
    if (mark < MARK_FIX_STR) return unpack_array(in, mark & 15);
    if (mark < MARK_NIL) return unpack_string(in, mark & 31);
    return unpack_marked(in, mark);
}

/* Up to `limit` values of the string at index 1, from offset on; both zero: all. Of a part the offset of
 * what follows is the first result, -1 at the end. */
static int unpack_some(lua_State *L, lua_Integer limit, lua_Integer offset)
{
    size_t n;
    const char *p = luaL_checklstring(L, 1, &n);
    bool all = limit == 0 && offset == 0;
    int results = 0;

    /* The second number is the length: scripts have always been told so. */
    if (offset < 0 || limit < 0)
        return luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.", (int)offset, (int)n);
    if ((size_t)offset > n)
        return luaL_error(L, "Start offset %d greater than input length %d.", (int)offset, (int)n);
    if (all) limit = INT_MAX;
    struct in in = { .L = L, .p = (const unsigned char *)p + offset, .left = n - (size_t)offset };

    for (; in.left > 0 && results < limit; results++) {
        enum in_fault f = unpack_value(&in);

        if (f == IN_SHORT) return luaL_error(L, "Missing bytes in input.");
        if (f == IN_BAD) return luaL_error(L, "Bad data format in input.");
    }
    if (all) return results;
    luaL_checkstack(L, 1, "in MessagePack unpack");
    lua_pushinteger(L, in.left == 0 ? -1 : (lua_Integer)(n - in.left));
    lua_insert(L, -1 - results);
    return results + 1;
}

static int run_unpack(lua_State *L)
{
    return unpack_some(L, 0, 0);
}

static int run_unpack_one(lua_State *L)
{
    return unpack_some(L, 1, luaL_optinteger(L, 2, 0));
}

static int run_unpack_limit(lua_State *L)
{
    lua_Integer limit = luaL_checkinteger(L, 2);

    return unpack_some(L, limit, luaL_optinteger(L, 3, 0));
}

int lua_cmsgpack_open(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        { "pack", run_pack },
        { "unpack", run_unpack },
        { "unpack_one", run_unpack_one },
        { "unpack_limit", run_unpack_limit },
        { NULL, NULL },
    };
    /* What scripts look at to tell which functions they find. */
    static const char *const about[][2] = {
        { "_NAME", "cmsgpack" },
        { "_VERSION", "lua-cmsgpack 0.4.0" },
        { "_DESCRIPTION", "MessagePack C implementation for Lua" },
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        lua_pushstring(L, about[i][1]);
        lua_setfield(L, -2, about[i][0]);
    }
    return 1;
}
