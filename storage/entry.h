/* entry.h -- a key and its value in one allocation.
 *
 *   kind  flags  clock[3]  klen  ns[2] | [expire 6] [long klen 4] key | value
 *   `--------- 8 bytes --------------' `-------- body ---------------------'
 *
 * kind    type (low 4 bits) and encoding (high 4 bits)
 * clock   LRU: seconds of last use; LFU: 8 bits counter, 16 bits minutes
 * klen    length of the key; 255: the true length is in the 4 bytes before the key
 * expire  48-bit wall clock ms, there only with ENTRY_EXPIRES; exact until the year 10889
 * value   by encoding:
 *   ENC_RAW  varint length, bytes (a string in the entry itself)
 *   ENC_INT  8 bytes: an int64, native order
 *   ENC_BLOB 8 bytes: a pointer to a struct blob (a string too large to move about)
 *   ENC_NONE nothing (a set's member)
 *   others   8 bytes: a pointer to the object that the type owns
 *
 * The same form holds the keys of a database, the fields of a large hash (ENC_RAW, with a TTL of
 * their own) and the members of a large set (ENC_NONE). With 16-byte keys and 64-byte values an
 * entry is 89 bytes, with TTL 95: both fill jemalloc's class of 96.
 *
 * An entry whose size changes may move: whoever resizes one stores the new address in its table
 * slot (table_ref_set). Pointers in the body are unaligned; use the accessors. */
#ifndef MEMD_STORAGE_ENTRY_H
#define MEMD_STORAGE_ENTRY_H

#include <stdint.h>

#include "base/str.h"

enum value_type {
    VALUE_STRING,
    VALUE_LIST,
    VALUE_SET,
    VALUE_ZSET,
    VALUE_HASH,
    VALUE_STREAM,
    VALUE_JSON,
    VALUE_SUGGEST,
    VALUE_VSET,
    VALUE_TYPES,
    VALUE_ANY = VALUE_TYPES /* for look-ups that take any type */
};

enum value_enc {
    ENC_NONE,
    ENC_RAW,
    ENC_INT,
    ENC_BLOB,
    ENC_LIST,     /* struct list */
    ENC_LISTPACK, /* one listpack: a small hash, set or zset */
    ENC_INTSET,   /* struct intset */
    ENC_TABLE,    /* struct hash or struct set on a table */
    ENC_TREE,
    ENC_STREAM,
    ENC_LISTPACK_EX, /* struct hash_small: a small hash whose fields may have TTLs */
    ENC_VSET        /* struct vset */
};

enum entry_flag {
    ENTRY_EXPIRES = 1,      /* expire is present */
    ENTRY_MAIN = 2,         /* S3-FIFO: in the main queue (else in the small one) */
    ENTRY_FREQ = 4 | 8,     /* S3-FIFO: two bits of frequency */
    ENTRY_FREQ_ONE = 4,     /* the lowest of them */
    ENTRY_ARCHIVED = 16,    /* reserved for the archive */
    ENTRY_TIMED = 32,       /* the expiry wheel holds a record of exactly this entry's time */
    ENTRY_GROWN = 64,       /* a string that APPEND or SETRANGE wrote: OBJECT ENCODING says raw */
};

struct entry {
    uint8_t kind;
    uint8_t flags;
    uint8_t clock[3];
    uint8_t klen;
    uint16_t ns;
    char body[];
};

enum { ENTRY_LONG_KEY = 255, ENTRY_EXPIRE_BYTES = 6 };

static inline enum value_type entry_type(const struct entry *e)
{
    return (enum value_type)(e->kind & 15);
}

static inline enum value_enc entry_enc(const struct entry *e)
{
    return (enum value_enc)(e->kind >> 4);
}

static inline void entry_set_kind(struct entry *e, enum value_type type, enum value_enc enc)
{
    e->kind = (uint8_t)((unsigned)type | (unsigned)enc << 4);
}

/* Its value lies outside of it. */
static inline bool entry_points(const struct entry *e)
{
    return entry_enc(e) >= ENC_BLOB;
}

static inline bool entry_expires(const struct entry *e)
{
    return (e->flags & ENTRY_EXPIRES) != 0;
}

/* Wall clock ms at which e is gone; -1 for never. */
static inline int64_t entry_expire_at(const struct entry *e)
{
    uint64_t v = 0;

    if (!entry_expires(e)) return -1;
    memcpy(&v, e->body, ENTRY_EXPIRE_BYTES); /* little-endian machines only, asserted in entry.c */
    return (int64_t)v;
}

static inline struct str entry_key(const struct entry *e)
{
    const char *p = e->body + (entry_expires(e) ? ENTRY_EXPIRE_BYTES : 0);
    uint32_t n;

    if (e->klen != ENTRY_LONG_KEY) return str_of(p, e->klen);
    memcpy(&n, p, sizeof n);
    return str_of(p + sizeof n, n);
}

/* Where the value begins. */
static inline char *entry_value(const struct entry *e)
{
    struct str k = entry_key(e);
    return (char *)(uintptr_t)k.p + k.n;
}

/* The object of an entry that holds a pointer. */
static inline void *entry_ptr(const struct entry *e)
{
    void *p;
    memcpy(&p, entry_value(e), sizeof p);
    return p;
}

static inline void entry_set_ptr(struct entry *e, void *p)
{
    memcpy(entry_value(e), &p, sizeof p);
}

static inline int64_t entry_int(const struct entry *e)
{
    int64_t v;
    memcpy(&v, entry_value(e), sizeof v);
    return v;
}

static inline void entry_set_int(struct entry *e, int64_t v)
{
    memcpy(entry_value(e), &v, sizeof v);
}

/* The bytes of an ENC_RAW value. Borrowed: valid until the entry changes. */
struct str entry_raw(const struct entry *e);

/* A string kept outside its entry: content p[0..n) of cap. */
struct blob {
    size_t n, cap;
    char p[];
};

/* New entries. expire_ms -1: none. The value of entry_new_ptr is NULL until entry_set_ptr. */
struct entry *entry_new_raw(enum value_type type, struct str key, struct str val, int64_t expire_ms);
struct entry *entry_new_int(struct str key, int64_t v, int64_t expire_ms);
struct entry *entry_new_ptr(enum value_type type, enum value_enc enc, struct str key, int64_t expire_ms);
struct entry *entry_new_none(struct str key);

/* Overwrite the value of e with raw bytes, an int64 or a pointer, keeping key, TTL, clock and flags.
 * What the old value pointed to is the caller's to free first. In place where the size class stays
 * the same, else a new allocation and the old one freed: use the returned pointer from then on.
 * entry_set_raw and entry_turn_int make a VALUE_STRING of any type; entry_turn_ptr keeps the type
 * (entry_set_kind changes it). val may lie in e. */
struct entry *entry_set_raw(struct entry *e, struct str val) __attribute__((warn_unused_result));
struct entry *entry_turn_int(struct entry *e, int64_t v) __attribute__((warn_unused_result));
struct entry *entry_turn_ptr(struct entry *e, enum value_enc enc, void *p) __attribute__((warn_unused_result));

/* Set (at >= 0) or remove (-1) the TTL; may move e. */
struct entry *entry_set_expire(struct entry *e, int64_t at_ms) __attribute__((warn_unused_result));

/* Bytes of the entry itself, without what it points to. */
size_t entry_bytes(const struct entry *e);

/* Free the entry alone, not what it points to. */
void entry_free(struct entry *e);

#endif
