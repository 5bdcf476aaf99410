/* hash.h -- a hash object: fields with values, some with a TTL, in one of three forms.
 *
 *   ENC_LISTPACK     field, value, field, value ... in one listpack
 *   ENC_LISTPACK_EX  field, value, ttl, ... in one listpack, ttl 0 for none: a small hash once one
 * of its fields has had a TTL ENC_TABLE        a table of entries, one a field: ENC_RAW, or
 * ENC_BLOB beyond HASH_INLINE_MAX; the field's TTL is the entry's, and a heap (due.h) knows which
 * is due first
 *
 * A hash is small while it has at most hash-max-listpack-entries fields and no field or value is
 * longer than hash-max-listpack-value; it never turns small again.
 *
 * A struct hash is an open hash: the two words that its entry holds, with the store. Changing may
 * give it another form or address: who changes stores enc and ptr back into the entry
 * (type_hash.c). This layer knows no keys, tells nothing, and removes nothing by itself: a field
 * that is due is still here until somebody drops it; the reading functions do not see it. */
#ifndef MEMD_STORAGE_HASH_H
#define MEMD_STORAGE_HASH_H

#include "base/buf.h"
#include "storage/due.h"
#include "storage/listpack.h"
#include "storage/store.h"

enum { HASH_INLINE_MAX = 16 * 1024 };
enum { HASH_NO_TTL = -1, HASH_KEEP_TTL = -2 }; /* instead of a time */
#define HASH_NEVER INT64_MAX

struct dup_place;

struct hash {
    struct store *store;
    enum value_enc enc;
    void *ptr;
    int64_t now_ms; /* fields due by then are not seen; -1 while loading: all are */
};

/* What ENC_LISTPACK_EX and ENC_TABLE point to. due_at is no later than the first field's TTL. */
struct hash_small {
    int64_t due_at;
    unsigned char *lp;
};
struct hash_large {
    int64_t due_at;
    struct table table;
    struct due_heap due;
};

/* Where a field lies, or that it is not there. Valid until the hash next changes. */
struct hash_place {
    const unsigned char *p; /* small forms: the field's element; NULL: not found */
    struct table_ref ref;   /* ENC_TABLE */
};

/* A new, empty one. */
struct hash hash_new(struct store *s);
struct hash hash_of(struct store *s, const struct entry *e);
void hash_free(struct hash *h);

/* Fields, those that are due included. */
size_t hash_count(const struct hash *h);

/* Nothing is due before this time; HASH_NEVER when no field has a TTL. May be too early, as TTLs
 * that were removed or extended leave it, until hash_drop_due finds nothing. */
int64_t hash_due_at(const struct hash *h);

/* Look for field; true when it is there, due or not. */
bool hash_find(const struct hash *h, struct str field, struct hash_place *at);

/* Of a found place: value (integers written to scratch) and TTL (HASH_NO_TTL). */
struct str hash_value_at(const struct hash *h, const struct hash_place *at,
                         char scratch[NUM_TEXT_MAX]);
int64_t hash_ttl_at(const struct hash *h, const struct hash_place *at);

/* Add field, which hash_find did not find at `at`, with a TTL or HASH_NO_TTL. */
void hash_add(struct hash *h, struct hash_place *at, struct str field, struct str value,
              int64_t ttl);

/* Give the field found at `at` another value and TTL (or HASH_NO_TTL, HASH_KEEP_TTL). */
void hash_put(struct hash *h, struct hash_place *at, struct str field, struct str value,
              int64_t ttl);

/* Set or remove the TTL of the field found at `at`. */
void hash_set_ttl(struct hash *h, struct hash_place *at, struct str field, int64_t ttl);

/* Remove the field found at `at`. */
void hash_drop(struct hash *h, struct hash_place *at);

/* Remove one field that is due at h->now_ms and append its name to *name (cleared before). False:
 * none is due; hash_due_at is exact then. */
bool hash_drop_due(struct hash *h, struct buf *name);

/* --- reading (hash_read.c): fields that are due are not seen ---------------------------------- */

/* Fields that are not due. O(1) unless some are. */
size_t hash_size(const struct hash *h);

/* The value of field; false: not there. */
bool hash_get(const struct hash *h, struct str field, char scratch[NUM_TEXT_MAX],
              struct str *value);

/* Several fields at once, none of which is named twice: in a small hash one walk finds all. n of them, in any order; those that
 * stand in the hash's own order are found soonest. value.p NULL: not there. Values are valid until the hash next changes. */
struct hash_pick {
    struct str field, value;
    char scratch[NUM_TEXT_MAX];
};
void hash_pick(const struct hash *h, struct hash_pick *picks, size_t n);

/* The TTL of field (HASH_NO_TTL when it has none); false: not there. */
bool hash_get_ttl(const struct hash *h, struct str field, int64_t *ttl);

/* Walk all fields; the hash may not change meanwhile. field and value are valid until the next
 * step. */
struct hash_iter {
    const struct hash *h;
    struct str field, value;
    int64_t ttl; /* wall clock ms, HASH_NO_TTL */
    const unsigned char *p;
    struct table_iter at;
    char scratch[2][NUM_TEXT_MAX];
};
void hash_iter_start(struct hash_iter *it, const struct hash *h);
bool hash_next(struct hash_iter *it);

/* As SCAN: some fields from cursor (0 at the start); returns the next, 0 at the end. Small forms
 * give all at once. */
typedef void hash_fn(void *ctx, struct str field, struct str value);
uint64_t hash_scan(const struct hash *h, uint64_t cursor, size_t count, hash_fn *fn, void *ctx);

/* n random fields, each as likely as any other; when `distinct`, none twice and at most hash_size.
 * fn returns false to stop. */
void hash_random(const struct hash *h, size_t n, bool distinct,
                 bool (*fn)(void *ctx, struct str field, struct str value), void *ctx);

/* --- type_ops -------------------------------------------------------------------------------- */

void hash_free_value(enum value_enc enc, void *ptr);
size_t hash_free_effort(enum value_enc enc, const void *ptr);
void *hash_dup_value(struct store *s, enum value_enc enc, const void *ptr);
bool hash_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n);
size_t hash_value_bytes(enum value_enc enc, const void *ptr, size_t samples);
size_t hash_weight(enum value_enc enc, const void *ptr);

/* The value of a field of ENC_TABLE, whose key is its name. */
struct str hash_field_value(const struct entry *e);

/* Invariants, ensured. */
void hash_check(const struct hash *h);

#endif
