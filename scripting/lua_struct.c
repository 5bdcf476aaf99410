/* lua_struct.c -- C structures in strings, for scripts.
 *
 * A format is a row of options; blanks between them mean nothing:
 *
 *   >  <     from here on big, little endian (at first: the machine's)
 *   ![n]     from here on align to n, a power of two (without n: 8; at first: 1)
 *   x        a zero byte
 *   b B      a byte, signed and unsigned     h H  a short     l L  a long     T  a size_t
 *   i[n] I[n]  an integer of n bytes, at most 32 (without n: 4)
 *   f d      a float, a double
 *   s        a string and a zero byte
 *   c[n]     n bytes of a string (without n: 1); c0 packs all of the string, and unpacks as many
 *            bytes as the number before it says
 *
 * An integer holds 64 bits however many bytes it takes. Positions are compared with the length of the
 * data before a byte of it is looked at, in a form that cannot overflow: size <= n && at <= n - size. */
#include "scripting/lua_libs.h"

#include <limits.h>
#include <luajit-2.1/lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { INTEGER_BYTES_MAX = 32, ALIGN_DEFAULT = 8 };

/* A walk over a format. */
struct format {
    lua_State *L;
    const char *p;
    bool big;
    size_t align;
};

/* One option of it: its letter, and the bytes that it takes, where they are known. */
struct option {
    char letter;
    size_t size;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The number that stands here, or `otherwise`. */
static int format_number(struct format *f, int otherwise)
{
    long long v = 0;

    if (!is_digit(*f->p)) return otherwise;
    for (; is_digit(*f->p); f->p++) {
        v = v * 10 + (*f->p - '0');
        if (v > INT_MAX) luaL_error(f->L, "integral size overflow");
    }
    return (int)v;
}

static size_t integer_size(struct format *f)
{
    int n = format_number(f, sizeof(int));

    if (n > INTEGER_BYTES_MAX)
        luaL_error(f->L, "integral size %d is larger than limit of %d", n, INTEGER_BYTES_MAX);
    return (size_t)n;
}

static struct format format_start(lua_State *L)
{
    return (struct format){ .L = L,
                            .p = luaL_checkstring(L, 1),
                            .big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
                            .align = 1 };
}

/* The next option; false at the end. */
static bool format_next(struct format *f, struct option *o)
{
    if (*f->p == '\0') return false;
    o->letter = *f->p++;
    switch (o->letter) {
    case 'b': case 'B': case 'x': o->size = 1; break;
    case 'h': case 'H': o->size = sizeof(short); break;
    case 'l': case 'L': o->size = sizeof(long); break;
    case 'T': o->size = sizeof(size_t); break;
    case 'f': o->size = sizeof(float); break;
    case 'd': o->size = sizeof(double); break;
    case 'i': case 'I': o->size = integer_size(f); break;
    case 'c': o->size = (size_t)format_number(f, 1); break;
    default: o->size = 0;
    }
    return true;
}

/* The bytes between `at` and where an option begins. */
static size_t format_padding(const struct format *f, struct option o, size_t at)
{
    size_t size = o.size < f->align ? o.size : f->align;

    if (size == 0 || o.letter == 'c') return 0;
    return (size - (at & (size - 1))) & (size - 1);
}

/* What is no value: an option about those that follow. */
static void format_control(struct format *f, char letter)
{
    if (letter == ' ') return;
    if (letter == '>' || letter == '<') {
        f->big = letter == '>';
    } else if (letter == '!') {
        int align = format_number(f, ALIGN_DEFAULT);

        if (align <= 0 || (align & (align - 1)) != 0)
            luaL_error(f->L, "alignment %d is not a power of 2", align);
        f->align = (size_t)align;
    } else {
        luaL_argerror(f->L, 1, lua_pushfstring(f->L, "invalid format option '%c'", letter));
    }
}

/* --- values ---------------------------------------------------------------------------------- */

/* A number as 64 bits; what they cannot hold becomes what x86 makes of it, so that it is the same on
 * every machine. */
static uint64_t bits_of(double v)
{
    if (v < 0) return v >= -0x1p63 ? (uint64_t)(int64_t)v : (uint64_t)1 << 63;
    if (v < 0x1p64) return (uint64_t)v;
    return v >= 0x1p64 ? 0 : (uint64_t)1 << 63; /* too large; not a number */
}

static void add_integer(luaL_Buffer *b, uint64_t v, size_t size, bool big)
{
    char bytes[INTEGER_BYTES_MAX];

    for (size_t i = 0; i < size; i++, v >>= 8) bytes[big ? size - 1 - i : i] = (char)(v & 0xff);
    luaL_addlstring(b, bytes, size);
}

static uint64_t read_integer(const char *p, size_t size, bool big)
{
    uint64_t v = 0;

    for (size_t i = 0; i < size; i++) v = v << 8 | (unsigned char)p[big ? i : size - 1 - i];
    return v;
}

static double integer_value(uint64_t v, size_t size, bool is_signed)
{
    if (!is_signed) return (double)v;
    if (size > 0 && size < 8 && v >> (size * 8 - 1) != 0) v |= UINT64_MAX << (size * 8);
    return (double)(int64_t)v;
}

static void add_float(luaL_Buffer *b, double v, size_t size, bool big)
{
    float f = (float)v;
    uint32_t low;
    uint64_t bits;

    memcpy(&low, &f, sizeof low);
    memcpy(&bits, &v, sizeof bits);
    add_integer(b, size == sizeof f ? low : bits, size, big);
}

static double read_float(const char *p, size_t size, bool big)
{
    uint64_t bits = read_integer(p, size, big);
    uint32_t low = (uint32_t)bits;
    double d;
    float f;

    memcpy(&f, &low, sizeof f);
    memcpy(&d, &bits, sizeof d);
    return size == sizeof(float) ? f : d;
}

/* --- the three functions --------------------------------------------------------------------- */

/* Add a string for c and s; the bytes it took. */
static size_t add_string(lua_State *L, luaL_Buffer *b, struct option o, int arg)
{
    size_t n;
    const char *p = luaL_checklstring(L, arg, &n);
    size_t take = o.size == 0 ? n : o.size;

    luaL_argcheck(L, n >= take, arg + 1, "string too short"); /* one too far: scripts know it so */
    luaL_addlstring(b, p, take);
    if (o.letter != 's') return take;
    luaL_addchar(b, '\0');
    return take + 1;
}

static int run_pack(lua_State *L)
{
    struct format f = format_start(L);
    struct option o;
    size_t at = 0;
    int arg = 2;
    luaL_Buffer b;

    lua_pushnil(L); /* an argument too few is nil, not a part of the buffer, which lies above */
    luaL_buffinit(L, &b);
    while (format_next(&f, &o)) {
        size_t padding = format_padding(&f, o, at);

        for (size_t i = 0; i < padding; i++) luaL_addchar(&b, '\0');
        switch (o.letter) {
        case 'b': case 'B': case 'h': case 'H': case 'l': case 'L': case 'T': case 'i': case 'I':
            add_integer(&b, bits_of(luaL_checknumber(L, arg++)), o.size, f.big);
            break;
        case 'f': case 'd': add_float(&b, luaL_checknumber(L, arg++), o.size, f.big); break;
        case 'x': luaL_addchar(&b, '\0'); break;
        case 'c': case 's': o.size = add_string(L, &b, o, arg++); break;
        default: format_control(&f, o.letter);
        }
        at += padding + o.size;
    }
    luaL_pushresult(&b);
    return 1;
}

/* The data of an unpack and how far it has been read. */
struct data {
    const char *p;
    size_t n, at;
};

static void need(lua_State *L, const struct data *d, size_t size)
{
    luaL_argcheck(L, size <= d->n && d->at <= d->n - size, 2, "data string too short");
}

/* Push the bytes of c, counted by the number on top when the size is 0; how many. n: the results so far,
 * one fewer when that number was taken. */
static size_t push_bytes(lua_State *L, const struct data *d, size_t size, int *n)
{
    if (size == 0) {
        if (*n == 0 || !lua_isnumber(L, -1)) luaL_error(L, "format 'c0' needs a previous size");
        double count = lua_tonumber(L, -1);

        size = count > -1 && count <= (double)d->n ? (size_t)count : SIZE_MAX;
        lua_pop(L, 1);
        --*n;
        need(L, d, size);
    }
    lua_pushlstring(L, d->p + d->at, size);
    return size;
}

/* Push the bytes up to the next zero; how many, that one included. */
static size_t push_string(lua_State *L, const struct data *d)
{
    const char *from = d->p + d->at;
    const char *end = memchr(from, '\0', d->n - d->at);

    if (end == NULL) luaL_error(L, "unfinished string in data");
    lua_pushlstring(L, from, (size_t)(end - from));
    return (size_t)(end - from) + 1;
}

static int run_unpack(lua_State *L)
{
    struct format f = format_start(L);
    struct option o;
    struct data d = { 0 };
    int n = 0;

    d.p = luaL_checklstring(L, 2, &d.n);
    d.at = (size_t)luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, d.at > 0, 3, "offset must be 1 or greater");
    d.at--;
    while (format_next(&f, &o)) {
        d.at += format_padding(&f, o, d.at);
        need(L, &d, o.size);
        luaL_checkstack(L, 2, "too many results");
        switch (o.letter) {
        case 'b': case 'B': case 'h': case 'H': case 'l': case 'L': case 'T': case 'i': case 'I':
            lua_pushnumber(L, integer_value(read_integer(d.p + d.at, o.size, f.big), o.size,
                                            o.letter >= 'a'));
            n++;
            break;
        case 'f': case 'd': lua_pushnumber(L, read_float(d.p + d.at, o.size, f.big)); n++; break;
        case 'x': break;
        case 'c': o.size = push_bytes(L, &d, o.size, &n); n++; break;
        case 's': o.size = push_string(L, &d); n++; break;
        default: format_control(&f, o.letter);
        }
        d.at += o.size;
    }
    lua_pushinteger(L, (lua_Integer)(d.at + 1));
    return n + 1;
}

static int run_size(lua_State *L)
{
    struct format f = format_start(L);
    struct option o;
    size_t at = 0;

    while (format_next(&f, &o)) {
        at += format_padding(&f, o, at);
        if (o.letter == 's') luaL_argerror(L, 1, "option 's' has no fixed size");
        if (o.letter == 'c' && o.size == 0) luaL_argerror(L, 1, "option 'c0' has no fixed size");
        if (!is_alnum(o.letter)) format_control(&f, o.letter);
        at += o.size;
    }
    lua_pushinteger(L, (lua_Integer)at);
    return 1;
}

int lua_struct_open(lua_State *L)
{
    static const struct luaL_Reg functions[] = {
        { "pack", run_pack },
        { "unpack", run_unpack },
        { "size", run_size },
        { NULL, NULL },
    };

    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
