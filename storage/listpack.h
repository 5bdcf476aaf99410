/* listpack.h -- many small elements in one block: the listpack format of Redis 7.
 *
 *   bytes u32 | count u16 | element ... | 0xFF
 *   element:  encoding and data | back: length of the former, readable from its end
 *
 *   0vvvvvvv             an integer 0..127
 *   10nnnnnn             a string of up to 63 bytes
 *   110vvvvv v           13-bit signed integer
 *   1110nnnn n           a string of up to 4095 bytes
 *   F0 n32               a longer string
 *   F1 F2 F3 F4          16, 24, 32, 64-bit signed integers; numbers are little-endian
 *
 * An element given as text is stored as an integer when it is the canonical decimal text of one, so
 * that reading it back gives the same bytes. A count of 65535 means "walk to know".
 *
 * Snapshots and DUMP hold these very bytes, so they are kept to the letter.
 *
 * A block is always allocated with mem_good_size of its bytes: growing within a size class moves
 * nothing, and no capacity need be stored. A cursor points at an element; it is valid until the
 * listpack next changes. Texts given to a function must not lie within the listpack it changes. */
#ifndef MEMD_STORAGE_LISTPACK_H
#define MEMD_STORAGE_LISTPACK_H

#include <stdint.h>

#include "base/num.h"
#include "base/str.h"

enum {
    LISTPACK_HEADER = 6,
    LISTPACK_END = 0xFF,
    LISTPACK_COUNT_UNKNOWN = 65535,
    LISTPACK_BATCH = 4 /* elements that one insertion takes at most */
};

/* What one listpack may hold: types turn to another form before they reach it. */
#define LISTPACK_MAX_BYTES ((size_t)1 << 30)

/* A new, empty one. */
unsigned char *listpack_new(void);

/* Free *lp and set it to NULL; NULL is allowed. */
void listpack_free(unsigned char **lp);

unsigned char *listpack_dup(const unsigned char *lp);

/* A copy of outside bytes; NULL when they are no well-formed listpack. */
unsigned char *listpack_from(struct str bytes);

/* True when the bytes are one listpack, whole and in every element correct: all other functions are
 * safe on it then. */
bool listpack_valid(struct str bytes);

static inline size_t listpack_bytes(const unsigned char *lp)
{
    uint32_t n;
    memcpy(&n, lp, sizeof n);
    return n;
}

/* Elements; walks when there are 65535 or more. */
size_t listpack_count(const unsigned char *lp);

/* True when `more` bytes of text may be added. */
static inline bool listpack_takes(const unsigned char *lp, size_t more)
{
    return more < LISTPACK_MAX_BYTES && listpack_bytes(lp) + more < LISTPACK_MAX_BYTES;
}

/* True when s is the canonical text of an integer. Most others are told by their length or their
 * first character. */
static inline bool listpack_is_int(struct str s, int64_t *v)
{
    if (s.n == 0 || s.n > 20) return false;
    if ((unsigned char)s.p[0] > '9' || (s.p[0] < '0' && s.p[0] != '-')) return false;
    return num_parse_i64(s, v);
}

/* Cursors; NULL when there is none. at: by position from 0, from the nearer end. */
const unsigned char *listpack_first(const unsigned char *lp);
const unsigned char *listpack_last(const unsigned char *lp);
const unsigned char *listpack_next(const unsigned char *p);
const unsigned char *listpack_prev(const unsigned char *lp, const unsigned char *p);

/* The place behind n elements from p on, all of which are there: an element or the end mark. */
const unsigned char *listpack_skip(const unsigned char *p, size_t n);
const unsigned char *listpack_at(const unsigned char *lp, size_t i);

/* An element: bytes, or with p == NULL the integer v. */
struct listpack_item {
    const char *p;
    size_t n;
    int64_t v;
};
struct listpack_item listpack_get(const unsigned char *p);

/* The element as text; integers are written to scratch. */
struct str listpack_str(const unsigned char *p, char scratch[NUM_TEXT_MAX]);

/* listpack_str, and listpack_skip of one element, where that is a short string, as most are, without a call. */
static inline struct str listpack_quick_str(const unsigned char *p, char scratch[NUM_TEXT_MAX])
{
    return (*p & 0xC0) == 0x80 ? str_of(p + 1, *p & 0x3F) : listpack_str(p, scratch);
}

static inline const unsigned char *listpack_quick_skip(const unsigned char *p)
{
    return (*p & 0xC0) == 0x80 ? p + (*p & 0x3F) + 2 : listpack_skip(p, 1);
}

/* The element as an integer: false when it is a string that is none. */
bool listpack_int(const unsigned char *p, int64_t *v);

/* True when the element's text is s. */
bool listpack_equal(const unsigned char *p, struct str s);

/* The first element equal to s among from, from + skip + 1, ...; NULL when there is none. from may
 * be NULL. */
const unsigned char *listpack_find(const unsigned char *from, struct str s, unsigned skip);

/* Put n (at most LISTPACK_BATCH) texts before the element at, at the end when at is NULL. Returns
 * the first of them. */
const unsigned char *listpack_insert(unsigned char **lp, const unsigned char *at,
                                     const struct str *s, size_t n);
const unsigned char *listpack_append(unsigned char **lp, struct str s);

/* Code an element at p, which has room for its text and LISTPACK_OVERHEAD bytes more; returns its end. So
 * made, any number of elements is added at once by listpack_append_coded: n bytes that hold `elements`. */
enum { LISTPACK_OVERHEAD = 10 };
unsigned char *listpack_code(unsigned char *p, struct str s);
unsigned char *listpack_code_int(unsigned char *p, int64_t v);
void listpack_append_coded(unsigned char **lp, const unsigned char *coded, size_t n, size_t elements);

/* As listpack_insert, one integer. */
const unsigned char *listpack_insert_int(unsigned char **lp, const unsigned char *at, int64_t v);

/* Give the element at another content; returns it. */
const unsigned char *listpack_replace(unsigned char **lp, const unsigned char *at, struct str s);
const unsigned char *listpack_replace_int(unsigned char **lp, const unsigned char *at, int64_t v);

/* Remove n elements from at on (fewer when the end comes first). Returns the element behind them,
 * NULL at the end. */
const unsigned char *listpack_delete(unsigned char **lp, const unsigned char *at, size_t n);

/* Invariants, ensured. */
void listpack_check(const unsigned char *lp);

#endif
