/* listpack_edit.c -- changing a listpack. See listpack.h for the format.
 *
 * Every change is one splice: some bytes at an offset give way to some coded elements. */
#include "base/ensure.h"
#include "base/mem.h"
#include "storage/listpack_impl.h"

/* An element about to be written: head, then text, then back length. */
struct coded {
    unsigned char head[HEAD_MAX];
    uint8_t head_n, back_n;
    struct str text;
};

static size_t coded_bytes(const struct coded *c)
{
    return c->head_n + c->text.n + c->back_n;
}

static void code_int(struct coded *c, int64_t v)
{
    uint64_t u = (uint64_t)v;

    c->text = str_of(NULL, 0);
    c->back_n = 1;
    if (v >= 0 && v <= 127) {
        c->head[0] = (unsigned char)v;
        c->head_n = 1;
        return;
    }
    if (v >= -4096 && v <= 4095) {
        c->head[0] = (unsigned char)(0xC0 | (u >> 8 & 31));
        c->head[1] = (unsigned char)u;
        c->head_n = 2;
        return;
    }
    unsigned n = v >= INT16_MIN && v <= INT16_MAX   ? 2
                 : v >= -(1 << 23) && v < (1 << 23) ? 3
                 : v >= INT32_MIN && v <= INT32_MAX ? 4
                                                    : 8;
    c->head[0] = (unsigned char)(n == 8 ? INT64 : INT16 + n - 2);
    memcpy(&c->head[1], &u, n);
    c->head_n = (uint8_t)(1 + n);
}

static void code_str(struct coded *c, struct str s)
{
    int64_t v;
    uint32_t n;

    if (listpack_is_int(s, &v)) {
        code_int(c, v);
        return;
    }
    c->text = s;
    if (s.n < 64) {
        c->head[0] = (unsigned char)(0x80 | s.n);
        c->head_n = 1;
        c->back_n = 1;
        return;
    }
    if (s.n < 4096) {
        c->head[0] = (unsigned char)(STR12 | s.n >> 8);
        c->head[1] = (unsigned char)s.n;
        c->head_n = 2;
    } else {
        ensure(s.n < LISTPACK_MAX_BYTES);
        n = (uint32_t)s.n;
        c->head[0] = STR32;
        memcpy(c->head + 1, &n, sizeof n);
        c->head_n = 5;
    }
    c->back_n = (uint8_t)back_bytes(c->head_n + s.n);
}

static unsigned char *put_coded(unsigned char *p, const struct coded *c)
{
    memcpy(p, c->head, c->head_n);
    p += c->head_n;
    if (c->text.n > 0) memcpy(p, c->text.p, c->text.n);
    p += c->text.n;
    put_back(p, c->back_n, c->head_n + c->text.n);
    return p + c->back_n;
}

static void set_size(unsigned char *lp, size_t bytes, long more)
{
    uint32_t b = (uint32_t)bytes;
    uint16_t count;

    memcpy(lp, &b, sizeof b);
    memcpy(&count, lp + 4, sizeof count);
    if (count == LISTPACK_COUNT_UNKNOWN) return;
    more += count;
    count = (uint16_t)(more < LISTPACK_COUNT_UNKNOWN ? more : LISTPACK_COUNT_UNKNOWN);
    memcpy(lp + 4, &count, sizeof count);
}

/* Put n coded elements in the place of `cut` bytes at offset at; `more` is the change of the count.
 * Returns the place. */
static const unsigned char *splice(unsigned char **lpp, size_t at, size_t cut,
                                   const struct coded *c, size_t n, long more)
{
    unsigned char *lp = *lpp;
    size_t old = listpack_bytes(lp), add = 0, bytes, room;

    for (size_t i = 0; i < n; i++) add += coded_bytes(&c[i]);
    bytes = old - cut + add;
    ensure(bytes <= UINT32_MAX);
    room = mem_good_size(bytes);

    if (bytes > old && room != mem_good_size(old)) lp = mem_resize(lp, old, room);
    if (add != cut) memmove(lp + at + add, lp + at + cut, old - at - cut);
    if (bytes < old && room != mem_good_size(old)) lp = mem_realloc(lp, room);

    unsigned char *p = lp + at;
    for (size_t i = 0; i < n; i++) p = put_coded(p, &c[i]);
    set_size(lp, bytes, more);
    *lpp = lp;
    return lp + at;
}

static size_t offset(const unsigned char *lp, const unsigned char *at)
{
    return (size_t)((at != NULL ? at : end_of(lp)) - lp);
}

const unsigned char *listpack_insert(unsigned char **lp, const unsigned char *at,
                                     const struct str *s, size_t n)
{
    struct coded c[LISTPACK_BATCH];

    ensure(n <= LISTPACK_BATCH);
    for (size_t i = 0; i < n; i++) code_str(&c[i], s[i]);
    return splice(lp, offset(*lp, at), 0, c, n, (long)n);
}

const unsigned char *listpack_append(unsigned char **lp, struct str s)
{
    return listpack_insert(lp, NULL, &s, 1);
}

const unsigned char *listpack_insert_int(unsigned char **lp, const unsigned char *at, int64_t v)
{
    struct coded c;

    code_int(&c, v);
    return splice(lp, offset(*lp, at), 0, &c, 1, 1);
}

unsigned char *listpack_code(unsigned char *p, struct str s)
{
    struct coded c;

    code_str(&c, s);
    return put_coded(p, &c);
}

unsigned char *listpack_code_int(unsigned char *p, int64_t v)
{
    struct coded c;

    code_int(&c, v);
    return put_coded(p, &c);
}

void listpack_append_coded(unsigned char **lpp, const unsigned char *coded, size_t n, size_t elements)
{
    unsigned char *lp = *lpp;
    size_t old = listpack_bytes(lp), room = mem_good_size(old + n);

    ensure(old + n <= UINT32_MAX);
    if (room != mem_good_size(old)) lp = mem_realloc(lp, room);
    memcpy(lp + old - 1, coded, n);
    lp[old + n - 1] = LISTPACK_END;
    set_size(lp, old + n, (long)elements);
    *lpp = lp;
}

static size_t element_bytes(const unsigned char *p)
{
    return (size_t)(skip(p) - p);
}

const unsigned char *listpack_replace(unsigned char **lp, const unsigned char *at, struct str s)
{
    struct coded c;

    code_str(&c, s);
    return splice(lp, offset(*lp, at), element_bytes(at), &c, 1, 0);
}

const unsigned char *listpack_replace_int(unsigned char **lp, const unsigned char *at, int64_t v)
{
    struct coded c;

    code_int(&c, v);
    return splice(lp, offset(*lp, at), element_bytes(at), &c, 1, 0);
}

const unsigned char *listpack_delete(unsigned char **lp, const unsigned char *at, size_t n)
{
    const unsigned char *p = at;
    long gone = 0;

    for (; n > 0 && *p != LISTPACK_END; n--, gone++) p = skip(p);
    p = splice(lp, offset(*lp, at), (size_t)(p - at), NULL, 0, -gone);
    return *p == LISTPACK_END ? NULL : p;
}

unsigned char *listpack_new(void)
{
    unsigned char *lp = mem_alloc(mem_good_size(LISTPACK_HEADER + 1));

    memset(lp, 0, LISTPACK_HEADER);
    lp[0] = LISTPACK_HEADER + 1;
    lp[LISTPACK_HEADER] = LISTPACK_END;
    return lp;
}

void listpack_free(unsigned char **lp)
{
    mem_free(*lp);
    *lp = NULL;
}

unsigned char *listpack_dup(const unsigned char *lp)
{
    size_t n = listpack_bytes(lp);

    return memcpy(mem_alloc(mem_good_size(n)), lp, n);
}
