/* listpack.c -- reading a listpack, and judging outside bytes. See listpack.h for the format.
 *
 * There are short ways for the two encodings that nearly all elements have, integers to 127 and strings to 63
 * bytes, whose length is known from one byte and whose back length is one byte. */
#include "base/ensure.h"
#include "base/mem.h"
#include "storage/listpack_impl.h"

/* --- reading -------------------------------------------------------------------------------- */

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
