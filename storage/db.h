/* db.h -- keys of one database: the functions on which the data types are built.
 *
 * A struct slot is a key that has been looked up: its shard, its hash and, when there, its entry.
 * It stays valid until the next change of the database. db_find_write keeps the snapshot's
 * pre-image, so whoever means to change a value begins with it; db_read must not be used for
 * changing.
 *
 * A key that has expired is removed on sight (told as CHANGE_EXPIRED) and not found. */
#ifndef MEMD_STORAGE_DB_H
#define MEMD_STORAGE_DB_H

#include "storage/namespace.h"

struct slot {
    struct db *db;
    struct shard *shard;
    struct table_ref ref; /* ref.e == NULL: the key is not there */
    struct str key;       /* as given by the caller; borrowed */
};

/* The hash of key: taken from the dispatcher's memo when it is the very same bytes. */
static inline uint64_t db_hash(const struct db *db, struct str key)
{
    const struct store *s = db->store;

    if (key.p == s->memo_p && key.n == s->memo_n) return s->memo_hash;
    return hash_bytes(&s->hash_key, key);
}

/* The hashes of n keys, `step` apart, with their buckets and entries on the way to the cache. */
enum { DB_BATCH = 16 };
void db_prefetch(struct db *db, const struct str *keys, size_t step, size_t n, uint64_t *hashes);

/* Let the next look-up of these very bytes find their hash. Whoever calls it must db_forget before
 * the bytes change. */
static inline void db_memo(struct db *db, struct str key, uint64_t hash)
{
    db->store->memo_p = key.p;
    db->store->memo_n = key.n;
    db->store->memo_hash = hash;
}

static inline void db_forget(struct db *db)
{
    store_forget_hash(db->store);
}

/* The one place that decides in which shard a key lives. */
static inline struct shard *db_shard(struct db *db, uint64_t hash)
{
    return &db->shards[hash >> 8 & (STORE_SHARDS - 1)];
}

/* Look up for reading: counts a hit or miss, marks the use. NULL: not there. */
const struct entry *db_read(struct db *db, struct str key);

/* As db_read, and the type must be as wanted: ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE db_read_type(struct db *db, struct str key, enum value_type type,
                               const struct entry **e);

/* As db_read, leaving the clock alone (EXISTS, TTL, TYPE). */
const struct entry *db_look(struct db *db, struct str key);

/* Record a use of e (TOUCH), even under CLIENT NO-TOUCH. */
void db_touch(struct db *db, const struct entry *e);

/* Look up without counting or marking (OBJECT, SCAN). */
const struct entry *db_peek(struct db *db, struct str key);

/* The same without any consequence: what has expired is not found, and stays. */
const struct entry *db_glance(struct db *db, struct str key);

/* The same as of an earlier time: what has expired since is found if it is still there. */
const struct entry *db_glance_as_of(struct db *db, struct str key, int64_t now_ms);

/* Look up for changing. Fills s; true when the key is there. Marks the use, keeps the pre-image. */
bool db_find_write(struct db *db, struct str key, struct slot *s);

/* The same for e, which is in db and has to make room. Nobody has asked about its key: on_lookup is not told. */
bool db_find_victim(struct db *db, const struct entry *e, struct slot *s);

/* As db_find_write with a type: OK (found), ERR_NO_KEY (s is ready for db_add), ERR_WRONG_TYPE. */
enum err MUST_USE db_find_type(struct db *db, struct str key, enum value_type type, struct slot *s);

/* Put a new entry (which the database owns from now) where s found none. Registers its TTL,
 * starts its clock and tells CHANGE_NEW; the caller tells what made it. s is good for everything
 * after but for an entry that moves (db_moved): look it up again for that. */
void db_add(struct slot *s, struct entry *e);

/* The entry of s has moved or been replaced by e with the same key; the old one is already gone.
 * Keeps counts of TTLs right: had_ttl says whether the old one had one. */
void db_moved(struct slot *s, struct entry *e, bool had_ttl);

/* Give the entry of s, of whatever type, this value, which is an object, and no TTL. What it had is freed (lazyfree-lazy-server-del). */
void db_give_value(struct slot *s, enum value_type type, enum value_enc enc, void *ptr);

/* Free what the entry's value points to (by type and encoding; large values on the side when
 * `lazy`), leaving the entry itself. */
void db_drop_value(struct store *s, struct entry *e, bool lazy);

/* Free a value's object that no entry holds any more, as db_drop_value does. */
void db_discard(struct store *s, enum value_type type, enum value_enc enc, void *ptr, bool lazy);

/* As db_drop_value, at once and on any thread. */
void db_free_value(struct entry *e);

/* Set (>= 0) or remove (-1) the TTL of the entry of s. Tells nothing. */
void db_set_expire(struct slot *s, int64_t at_ms);

/* Remove the key of s and tell it as kind (CHANGE_DEL, CHANGE_EXPIRED ...). Large values are
 * freed on the side when `lazy`. s finds nothing afterwards. */
void db_remove(struct slot *s, enum change_kind kind, bool lazy);

/* Take the key of s out without freeing its value: the entry is the caller's. Told as kind. */
struct entry *db_take(struct slot *s, enum change_kind kind);

/* Remove the key of s without telling: another one takes its name (RENAME, COPY REPLACE). */
void db_replace(struct slot *s, bool lazy);

/* Tell that the value of s changed. */
void db_tell(const struct slot *s, enum change_kind kind);

/* Bytes that key and value of e take in memory (MEMORY USAGE); samples 0: exact. */
size_t db_value_bytes(const struct entry *e, size_t samples);

/* The same in O(1) and exact, for a namespace's figures: the entry's own allocation, and what the value's object
 * says of all that hangs on it. */
size_t db_weight(const struct entry *e);
size_t db_weight_slow(const struct entry *e); /* counted out, to check it */

/* Has this key expired, but may not leave yet (db_may_leave)? Then *s has it, to be given a later time to live or none. */
bool db_find_kept(struct db *db, struct str key, struct slot *s);

/* Whoever is told of departures lets e go, which has expired or is to be evicted. */
bool db_may_leave(const struct db *db, const struct entry *e, bool expired);

/* The value of s is about to be replaced by another (told to struct departures). */
void db_overwriting_slow(const struct slot *s);
static inline void db_overwriting(const struct slot *s)
{
    if (__builtin_expect(s->ref.e->ns != 0, 0) && ns_needs(s->db->store, NS_OVERWRITE)) db_overwriting_slow(s);
}

/* n elements at an end of the list or stream of s are about to be trimmed away. */
void db_trimming_slow(const struct slot *s, bool from_end, uint64_t n);
static inline void db_trimming(const struct slot *s, bool from_end, uint64_t n)
{
    if (__builtin_expect(s->ref.e->ns != 0, 0) && n > 0) db_trimming_slow(s, from_end, n);
}

/* A random key that is not expired; NULL when there is none. */
const struct entry *db_random(struct db *db);

/* As SCAN: visit some entries from cursor, 0 to start; returns the next cursor, 0 at the end. At
 * least one bucket, about `count` entries. Expired entries are not visited but removed. */
uint64_t db_scan(struct db *db, uint64_t cursor, size_t count,
                 void (*fn)(void *ctx, const struct entry *e), void *ctx);

/* Types register how their values are freed, copied and measured, for db.c does not know them. */

/* How far a copy that is made in steps has come; zeroed at the start. */
struct dup_place {
    struct table_iter table;
    size_t n; /* of a sorted set: ranks below it have been copied */
};

struct type_ops {
    void (*free_value)(enum value_enc enc, void *ptr);
    /* Cheap estimate of how long freeing takes: number of allocations. */
    size_t (*free_effort)(enum value_enc enc, const void *ptr);
    void *(*dup_value)(struct store *s, enum value_enc enc, const void *ptr);
    /* The same of its large form, which has not changed, about n elements a call. *to is NULL at the start, and from then on something
     * that can be freed. False: that was all. NULL: the type has no large form, or another way (vset_copy.h). */
    bool (*dup_some)(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n);
    size_t (*value_bytes)(enum value_enc enc, const void *ptr, size_t samples);
    const char *(*encoding_name)(const struct store *s, const struct entry *e);
    /* Its elements: members, fields, entries; of a string its bytes. */
    uint64_t (*count)(const struct store *s, const struct entry *e);
    size_t (*weight)(enum value_enc enc, const void *ptr); /* value_bytes with samples 0; O(1) */
    void (*check)(const void *ptr); /* invariants that DEBUG CHECK looks at; NULL: none. Slow. */
};
extern const struct type_ops *const type_ops[VALUE_TYPES]; /* type_ops.c: one row a type */

/* OBJECT ENCODING's name. */
const char *entry_encoding_name(const struct store *s, const struct entry *e);

#endif
