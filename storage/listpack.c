/* listpack.c -- see listpack.h for the format.
 *
 * Every change is one splice: some bytes at an offset give way to some coded elements. Reading has
 * short ways for the two encodings that nearly all elements have, integers to 127 and strings to 63
 * bytes, whose length is known from one byte and whose back length is one byte. */
#include "storage/listpack.h"

#include "base/ensure.h"
#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "listpacks are read in place");

enum { STR12 = 0xE0, STR32 = 0xF0, INT16 = 0xF1, INT24 = 0xF2, INT32 = 0xF3, INT64 = 0xF4 };
enum { BACK_MAX = 5, HEAD_MAX = 9 };

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

/* Bytes of the back length of an element of n bytes. That 16383 takes three is how the format is.
 */
static inline unsigned back_bytes(size_t n)
{
    return n <= 127 ? 1 : n < 16383 ? 2 : n < 2097151 ? 3 : n < 268435455 ? 4 : 5;
}

/* Written so that it can be read backwards: groups of 7 bits, most significant first, all but the
 * first marked. */
static void put_back(unsigned char *p, unsigned n_bytes, size_t n)
{
    for (unsigned i = n_bytes; i-- > 0; n >>= 7)
        p[i] = (unsigned char)((n & 127) | (i > 0 ? 128 : 0));
}

/* The length that ends at the byte before p; *n_bytes says how many bytes it takes. */
static size_t get_back(const unsigned char *p, unsigned *n_bytes)
{
    size_t n = 0;
    unsigned i = 0;

    do {
        p--;
        n |= (size_t)(*p & 127) << (7 * i++);
    } while ((*p & 128) && i < BACK_MAX);
    *n_bytes = i;
    return n;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Bytes of encoding and data of the element at p, which is no end mark. */
static size_t data_bytes(const unsigned char *p)
{
    unsigned char b = *p;
    uint32_t n;

    if (b < 0x80) return 1;
    if (b < 0xC0) return 1 + (b & 63);
    if (b < 0xE0) return 2;
    if (b < 0xF0) return 2 + ((size_t)(b & 15) << 8 | p[1]);
    switch (b) {
    case INT16: return 3;
    case INT24: return 4;
    case INT32: return 5;
    case INT64: return 9;
    default: memcpy(&n, p + 1, sizeof n); return 5 + (size_t)n;
    }
}

static const unsigned char *skip(const unsigned char *p)
{
    size_t n;

    if (*p < 0x80) return p + 2;
    if (*p < 0xC0) return p + (*p & 63) + 2;
    n = data_bytes(p);
    return p + n + back_bytes(n);
}

struct listpack_item listpack_get(const unsigned char *p)
{
    unsigned char b = *p;
    int64_t v = 0;

    if (b < 0x80) return (struct listpack_item){ NULL, 0, b };
    if (b < 0xC0) return (struct listpack_item){ (const char *)p + 1, b & 63, 0 };
    if (b < 0xE0) {
        v = (b & 31) << 8 | p[1];
        return (struct listpack_item){ NULL, 0, v >= 1 << 12 ? v - (1 << 13) : v };
    }
    if (b < 0xF0) return (struct listpack_item){ (const char *)p + 2, (b & 15u) << 8 | p[1], 0 };
    if (b == STR32) return (struct listpack_item){ (const char *)p + 5, data_bytes(p) - 5, 0 };

    unsigned n = b == INT16 ? 2 : b == INT24 ? 3 : b == INT32 ? 4 : 8;
    uint64_t u = 0;
    memcpy(&u, p + 1, n);
    v = (int64_t)(u << (64 - 8 * n)) >> (64 - 8 * n); /* spread the sign */
    return (struct listpack_item){ NULL, 0, v };
}

struct str listpack_str(const unsigned char *p, char scratch[NUM_TEXT_MAX])
{
    struct listpack_item it = listpack_get(p);

    if (it.p != NULL) return str_of(it.p, it.n);
    return str_of(scratch, num_i64(scratch, it.v));
}

bool listpack_int(const unsigned char *p, int64_t *v)
{
    struct listpack_item it = listpack_get(p);

    if (it.p != NULL) return num_parse_i64(str_of(it.p, it.n), v);
    *v = it.v;
    return true;
}

size_t listpack_count(const unsigned char *lp)
{
    uint16_t n;
    size_t walked = 0;

    memcpy(&n, lp + 4, sizeof n);
    if (n != LISTPACK_COUNT_UNKNOWN) return n;
    for (const unsigned char *p = lp + LISTPACK_HEADER; *p != LISTPACK_END; p = skip(p)) walked++;
    return walked;
}

static const unsigned char *end_of(const unsigned char *lp)
{
    return lp + listpack_bytes(lp) - 1;
}

const unsigned char *listpack_first(const unsigned char *lp)
{
    const unsigned char *p = lp + LISTPACK_HEADER;
    return *p == LISTPACK_END ? NULL : p;
}

const unsigned char *listpack_next(const unsigned char *p)
{
    p = skip(p);
    return *p == LISTPACK_END ? NULL : p;
}

const unsigned char *listpack_prev(const unsigned char *lp, const unsigned char *p)
{
    unsigned n_back;
    size_t n;

    if (p == lp + LISTPACK_HEADER) return NULL;
    n = get_back(p, &n_back);
    return p - n_back - n;
}

const unsigned char *listpack_skip(const unsigned char *p, size_t n)
{
    while (n-- > 0) p = skip(p);
    return p;
}

const unsigned char *listpack_last(const unsigned char *lp)
{
    return listpack_prev(lp, end_of(lp));
}

const unsigned char *listpack_at(const unsigned char *lp, size_t i)
{
    size_t n = listpack_count(lp);
    const unsigned char *p;

    if (i >= n) return NULL;
    if (i < n / 2) {
        for (p = lp + LISTPACK_HEADER; i > 0; i--) p = skip(p);
        return p;
    }
    for (p = end_of(lp); i < n; i++) p = listpack_prev(lp, p);
    return p;
}

/* --- searching ------------------------------------------------------------------------------ */

/* Same bytes; n > 0 known equal. The last byte differs most often between fields of one family
 * ("user:1", "user:2"), so it is asked first. */
static inline bool same_bytes(const unsigned char *p, struct str s)
{
    return p[s.n - 1] == (unsigned char)s.p[s.n - 1] && memcmp(p, s.p, s.n) == 0;
}

static bool equal(const unsigned char *p, struct str s, bool is_int, int64_t v)
{
    struct listpack_item it = listpack_get(p);

    if (it.p == NULL) return is_int && it.v == v;
    return str_eq(str_of(it.p, it.n), s);
}

bool listpack_equal(const unsigned char *p, struct str s)
{
    int64_t v = 0;
    bool is_int = listpack_is_int(s, &v);

    return equal(p, s, is_int, v);
}

const unsigned char *listpack_find(const unsigned char *from, struct str s, unsigned skip_n)
{
    int64_t v = 0;
    bool is_int;
    const unsigned char *p = from;

    if (p == NULL) return NULL;
    is_int = listpack_is_int(s, &v);
    while (*p != LISTPACK_END) {
        unsigned char b = *p;
        if (b < 0x80) {
            if (is_int && v == b) return p;
            p += 2;
        } else if (b < 0xC0) {
            size_t n = b & 63;
            if (n == s.n && (n == 0 || same_bytes(p + 1, s))) return p;
            p += n + 2;
        } else {
            if (equal(p, s, is_int, v)) return p;
            p = skip(p);
        }
        for (unsigned i = 0; i < skip_n; i++) p = skip(p);
    }
    return NULL;
}

/* --- changing ------------------------------------------------------------------------------- */

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

/* --- outside bytes -------------------------------------------------------------------------- */

/* Bytes that the head at p needs before data_bytes may read it; 0: no such encoding. */
static size_t head_bytes(unsigned char b)
{
    if (b < 0xC0) return 1;
    if (b < 0xF0) return 2;
    if (b == STR32) return 5;
    return b <= INT64 ? 1 : 0;
}

/* The element at p[0..n) is whole and its back length right; its size in *bytes. */
static bool element_valid(const unsigned char *p, size_t n, size_t *bytes)
{
    size_t head = head_bytes(*p), data, back;
    unsigned char want[BACK_MAX];
    unsigned n_back;

    if (head == 0 || head > n) return false;
    data = data_bytes(p);
    n_back = back_bytes(data);
    if (data > n || n_back > n - data) return false;
    put_back(want, n_back, data);
    back = (size_t)memcmp(p + data, want, n_back);
    *bytes = data + n_back;
    return back == 0;
}

bool listpack_valid(struct str s)
{
    const unsigned char *lp = (const unsigned char *)s.p;
    size_t at = LISTPACK_HEADER, n, seen = 0;
    uint16_t count;

    if (s.n < LISTPACK_HEADER + 1 || listpack_bytes(lp) != s.n) return false;
    if (lp[s.n - 1] != LISTPACK_END) return false;
    for (; at < s.n - 1; at += n, seen++)
        if (!element_valid(lp + at, s.n - 1 - at, &n)) return false;
    memcpy(&count, lp + 4, sizeof count);
    return count == LISTPACK_COUNT_UNKNOWN || count == seen;
}

unsigned char *listpack_from(struct str s)
{
    if (!listpack_valid(s)) return NULL;
    return memcpy(mem_alloc(mem_good_size(s.n)), s.p, s.n);
}

void listpack_check(const unsigned char *lp)
{
    ensure(listpack_valid(str_of(lp, listpack_bytes(lp))));
    ensure(mem_usable(lp) >= listpack_bytes(lp));
}
