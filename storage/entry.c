/* entry.c -- a key and its value in one allocation; entry.h draws it.
 *
 * An entry always lies in the size class of its own size. So a value may grow and shrink in place
 * as long as the class stays the same, no byte of a class is lost to a remembered "capacity", the
 * allocation's size follows from the entry, and freeing can name it. A change of class is a new
 * allocation: some tens of ns, which the class's width makes rare. */
#include "storage/entry.h"

#include "base/ensure.h"
#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "entries store integers as they lie");
_Static_assert(offsetof(struct entry, body) == 8, "the header is 8 bytes");
_Static_assert(sizeof(void *) == 8, "pointers fill the 8 bytes of a value");

enum { WORD_BYTES = 8, LONG_KEY_BYTES = 4 };

/* --- varints: 7 bits a byte, low ones first, top bit says that more follow ------------------- */

static size_t varint_bytes(size_t n)
{
    size_t bytes = 1;

    while (n >= 128) {
        n >>= 7;
        bytes++;
    }
    return bytes;
}

static void varint_put(char *p, size_t n)
{
    while (n >= 128) {
        *p++ = (char)(n | 128);
        n >>= 7;
    }
    *p = (char)n;
}

static struct str long_raw(const char *p)
{
    unsigned shift = 0;
    size_t n = 0;

    for (;; shift += 7) {
        uint8_t c = (uint8_t)*p++;
        n |= (size_t)(c & 127) << shift;
        if (c < 128) return str_of(p, n);
    }
}

static inline struct str raw_of(const struct entry *e)
{
    const char *p = entry_value(e);
    size_t n = (uint8_t)*p;

    return UNLIKELY(n >= 128) ? long_raw(p) : str_of(p + 1, n);
}

struct str entry_raw(const struct entry *e)
{
    return raw_of(e);
}

/* --- sizes ----------------------------------------------------------------------------------- */

static size_t head_bytes(const struct entry *e)
{
    return (size_t)(entry_value(e) - (const char *)e);
}

/* Where it ends. */
static inline const char *end_of(const struct entry *e)
{
    struct str s;

    if (LIKELY(entry_enc(e) == ENC_RAW)) {
        s = raw_of(e);
        return s.p + s.n;
    }
    return entry_value(e) + (entry_enc(e) == ENC_NONE ? 0 : WORD_BYTES);
}

static size_t value_bytes(const struct entry *e)
{
    return (size_t)(end_of(e) - entry_value(e));
}

size_t entry_bytes(const struct entry *e)
{
    return (size_t)(end_of(e) - (const char *)e);
}

void entry_free(struct entry *e)
{
    mem_free_sized(e, entry_bytes(e));
}

/* The whole class, so that the value may grow into it. */
static struct entry *alloc_class(size_t n)
{
    return mem_alloc(mem_good_size(n));
}

static bool same_class(size_t a, size_t b)
{
    return a == b || mem_good_size(a) == mem_good_size(b);
}

/* --- making ---------------------------------------------------------------------------------- */

/* A time beyond the year 10889 is kept as the last one that fits. */
static void put_expire(struct entry *e, int64_t at_ms)
{
    uint64_t v = (uint64_t)at_ms, last = ((uint64_t)1 << 48) - 1;

    if (v > last) v = last;
    memcpy(e->body, &v, ENTRY_EXPIRE_BYTES);
}

/* An entry with key, TTL and `room` bytes for the value, which is the caller's to write. */
static struct entry *build(enum value_type type, enum value_enc enc, struct str key,
                           int64_t expire_ms, size_t room)
{
    bool expires = expire_ms >= 0, is_long = key.n >= ENTRY_LONG_KEY;
    size_t n = offsetof(struct entry, body) + (expires ? ENTRY_EXPIRE_BYTES : 0) +
               (is_long ? LONG_KEY_BYTES : 0) + key.n + room;
    struct entry *e = alloc_class(n);
    char *p = e->body;

    memset(e, 0, offsetof(struct entry, body));
    entry_set_kind(e, type, enc);
    if (expires) {
        e->flags = ENTRY_EXPIRES;
        put_expire(e, expire_ms);
        p += ENTRY_EXPIRE_BYTES;
    }
    e->klen = is_long ? ENTRY_LONG_KEY : (uint8_t)key.n;
    if (UNLIKELY(is_long)) {
        uint32_t klen = (uint32_t)key.n;
        ensure(klen == key.n);
        memcpy(p, &klen, sizeof klen);
        p += LONG_KEY_BYTES;
    }
    if (key.n > 0) memcpy(p, key.p, key.n);
    return e;
}

/* Content first: it may come from the very bytes that the length is written over. */
static void put_raw(char *p, struct str val)
{
    if (val.n > 0) memmove(p + varint_bytes(val.n), val.p, val.n);
    varint_put(p, val.n);
}

struct entry *entry_new_raw(enum value_type type, struct str key, struct str val, int64_t expire_ms)
{
    struct entry *e = build(type, ENC_RAW, key, expire_ms, varint_bytes(val.n) + val.n);

    put_raw(entry_value(e), val);
    return e;
}

struct entry *entry_new_int(struct str key, int64_t v, int64_t expire_ms)
{
    struct entry *e = build(VALUE_STRING, ENC_INT, key, expire_ms, WORD_BYTES);

    entry_set_int(e, v);
    return e;
}

struct entry *entry_new_ptr(enum value_type type, enum value_enc enc, struct str key,
                            int64_t expire_ms)
{
    struct entry *e = build(type, enc, key, expire_ms, WORD_BYTES);

    entry_set_ptr(e, NULL);
    return e;
}

struct entry *entry_new_none(struct str key)
{
    return build(VALUE_STRING, ENC_NONE, key, -1, 0);
}

/* --- changing -------------------------------------------------------------------------------- */

/* An entry like e whose value has `room` bytes: e itself when its class holds them, else a copy of
 * header, TTL and key. The value is not carried over and e is not yet freed: the new value may lie
 * in it. */
static struct entry *with_room(struct entry *e, size_t room)
{
    size_t head = head_bytes(e);
    struct entry *new;

    if (same_class(head + value_bytes(e), head + room)) return e;
    new = alloc_class(head + room);
    memcpy(new, e, head);
    return new;
}

struct entry *entry_set_raw(struct entry *e, struct str val)
{
    struct entry *new = with_room(e, varint_bytes(val.n) + val.n);
    size_t old_bytes = new == e ? 0 : entry_bytes(e);

    put_raw(entry_value(new), val);
    entry_set_kind(new, VALUE_STRING, ENC_RAW);
    if (new != e) mem_free_sized(e, old_bytes);
    return new;
}

struct entry *entry_turn_int(struct entry *e, int64_t v)
{
    struct entry *new = with_room(e, WORD_BYTES);

    if (new != e) entry_free(e);
    entry_set_kind(new, VALUE_STRING, ENC_INT);
    entry_set_int(new, v);
    return new;
}

struct entry *entry_turn_ptr(struct entry *e, enum value_enc enc, void *p)
{
    struct entry *new = with_room(e, WORD_BYTES);

    if (new != e) entry_free(e);
    entry_set_kind(new, entry_type(new), enc);
    entry_set_ptr(new, p);
    return new;
}

struct entry *entry_set_expire(struct entry *e, int64_t at_ms)
{
    bool had = entry_expires(e), has = at_ms >= 0;
    size_t n = entry_bytes(e), new_n = n, rest;
    const char *from = e->body + (had ? ENTRY_EXPIRE_BYTES : 0);
    struct entry *new = e;

    if (had != has) {
        rest = n - (size_t)(from - (const char *)e);
        new_n = offsetof(struct entry, body) + (has ? ENTRY_EXPIRE_BYTES : 0) + rest;
        if (!same_class(n, new_n)) {
            new = alloc_class(new_n);
            memcpy(new, e, offsetof(struct entry, body));
        }
        memmove(new->body + (has ? ENTRY_EXPIRE_BYTES : 0), from, rest);
        if (new != e) mem_free_sized(e, n);
        new->flags ^= ENTRY_EXPIRES;
    }
    if (has) put_expire(new, at_ms);
    return new;
}
