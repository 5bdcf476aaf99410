/* type_hash_ttl.c -- TTLs of fields, and the clock that removes them in time.
 *
 * The clock holds at most a few records for a hash, not one for each field: a record is the hash of
 * its key, pushed for the time at which its first field is due. When it fires the hash is looked up
 * in all databases, so that SWAPDB and MOVE need not tell the clock; what is due is removed, at
 * most the rest of the round's budget, and the hash's next time is pushed. A record that finds its
 * hash not due was overtaken by a later one and is dropped: each change of a hash's first time
 * pushes.
 *
 * A hash that arrives under a new name (RENAME, COPY, RESTORE, loading) is heard of by CHANGE_NEW.
 */
#include "storage/hash_edit.h"
#include "storage/type_hash.h"

#include "base/mem.h"

/* --- the clock -------------------------------------------------------------------------------- */

struct field_clock {
    struct wheel
        *wheels[STORE_SHARDS]; /* a record does not say its shard; NULL until one is pushed */
    unsigned at;               /* the shard at which the next round begins */
};

static unsigned shard_of(uint64_t hash)
{
    return hash >> 8 & (STORE_SHARDS - 1);
}

/* When the hash in e is due; HASH_NEVER for one without TTLs, and for all else. */
static int64_t entry_due_at(struct store *s, const struct entry *e)
{
    struct hash h;

    if (entry_type(e) != VALUE_HASH) return HASH_NEVER;
    h = hash_of(s, e);
    return hash_due_at(&h);
}

static void hear(void *ctx, const struct change *c)
{
    struct store *s = ctx;
    int64_t at;

    if (c->kind != CHANGE_NEW) return;
    at = entry_due_at(s, c->e);
    if (at != HASH_NEVER) field_clock_push(s, hash_bytes(&s->hash_key, c->key), at);
}

void field_clock_start(struct store *s)
{
    if (s->fields != NULL) return;
    s->fields = mem_zalloc(sizeof *s->fields);
    store_subscribe(s, hear, s);
}

void field_clock_push(struct store *s, uint64_t key_hash, int64_t at_ms)
{
    struct wheel **w;

    field_clock_start(s);
    w = &s->fields->wheels[shard_of(key_hash)];
    if (*w == NULL) *w = wheel_new(s->now_ms);
    wheel_push(*w, key_hash, at_ms);
}

void field_clock_free(struct store *s)
{
    if (s->fields == NULL) return;
    for (int i = 0; i < STORE_SHARDS; i++) wheel_free(&s->fields->wheels[i]);
    mem_free(s->fields);
    s->fields = NULL;
}

/* --- rounds ----------------------------------------------------------------------------------- */

struct find_due {
    struct store *store;
    const struct entry *found;
};

static bool is_due(void *ctx, struct entry *e)
{
    struct find_due *f = ctx;

    if (entry_due_at(f->store, e) > f->store->now_ms) return true;
    f->found = e;
    return false;
}

/* Remove up to max fields that are due from the hash at key; the number. */
static size_t expire_key(struct db *db, struct str key, size_t max)
{
    bool no_touch = db->store->no_touch;
    struct hash_edit ed;
    size_t n = 0;

    db->store->no_touch = true; /* to expire is not to use */
    if (hash_edit_open(db, key, false, &ed) == OK) {
        ed.due_at = HASH_NEVER; /* the record is spent */
        n = hash_edit_expire(&ed, max);
        hash_edit_close(&ed);
    }
    db->store->no_touch = no_touch;
    return n;
}

/* Handle the hashes in db that a record may stand for, nearly always one. */
static size_t fire_in(struct db *db, unsigned shard, uint64_t record, size_t max)
{
    struct buf key = { 0 };
    size_t n = 0;

    while (n < max) {
        struct find_due f = { db->store, NULL };
        table_candidates(&db->shards[shard].keys, record, is_due, &f);
        if (f.found == NULL) break;
        buf_clear(&key);
        buf_add_str(&key, entry_key(f.found)); /* the entry may go, and its key with it */
        n += 1 + expire_key(db, buf_str(&key), max - n);
    }
    buf_fini(&key);
    return n;
}

static size_t fire(struct store *s, unsigned shard, uint64_t record, size_t max)
{
    size_t n = 1;

    for (int i = 0; i < s->conf.databases; i++)
        if (s->dbs[i]->n_keys > 0 && n < max) n += fire_in(s->dbs[i], shard, record, max - n);
    return n;
}

/* Handle up to max steps' worth of one wheel's records; max when there may be more. */
static size_t turn(struct store *s, unsigned shard, size_t max)
{
    enum { BATCH = 16 };
    struct wheel *w = s->fields->wheels[shard];
    uint64_t records[BATCH];
    size_t done = 0;

    while (done < max) {
        size_t want = max - done < BATCH ? max - done : BATCH;
        size_t n = wheel_take(w, s->now_ms, records, want);
        for (size_t i = 0; i < n; i++) {
            if (done < max)
                done += fire(s, shard, records[i], max - done);
            else
                wheel_push(w, records[i], s->now_ms);
        }
        if (n < want) return wheel_behind(w) ? max : done;
    }
    return max;
}

size_t field_clock_expire(struct store *s, size_t max)
{
    size_t done = 0;

    if (s->fields == NULL || s->loading) return 0;
    for (int i = 0; i < STORE_SHARDS && done < max; i++) {
        unsigned shard = s->fields->at++ % STORE_SHARDS;
        if (s->fields->wheels[shard] != NULL) done += turn(s, shard, max - done);
    }
    return done;
}

/* --- TTLs ------------------------------------------------------------------------------------- */

static bool met(int64_t old, int64_t at_ms, enum hash_ttl_if cond)
{
    switch (cond) {
    case HASH_TTL_NX: return old < 0;
    case HASH_TTL_XX: return old >= 0;
    case HASH_TTL_GT: return old >= 0 && at_ms > old;
    case HASH_TTL_LT: return old < 0 || at_ms < old;
    default: return true;
    }
}

static enum hash_ttl_result expire_one(struct hash_edit *ed, struct str field, int64_t at_ms,
                                       enum hash_ttl_if cond)
{
    struct hash_place at;

    if (!hash_edit_find(ed, field, &at)) return HASH_NO_FIELD;
    if (!met(hash_ttl_at(&ed->h, &at), at_ms, cond)) return HASH_TTL_NOT_MET;
    if (at_ms <= ed->h.now_ms) {
        hash_drop(&ed->h, &at);
        ed->h.store->stats.expired_fields++;
        return HASH_TTL_REMOVED;
    }
    hash_set_ttl(&ed->h, &at, field, at_ms > 0 ? at_ms : 1);
    return HASH_TTL_DONE;
}

enum err hash_expire(struct db *db, struct str key, const struct str *fields, size_t n,
                     int64_t at_ms, enum hash_ttl_if cond, int8_t *result)
{
    size_t set = 0, removed = 0;
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, false, &ed);

    if (e != OK) return e;
    for (size_t i = 0; i < n; i++) {
        result[i] = (int8_t)expire_one(&ed, fields[i], at_ms, cond);
        set += result[i] == HASH_TTL_DONE;
        removed += result[i] == HASH_TTL_REMOVED;
    }
    if (removed > 0) hash_edit_tell(&ed, CHANGE_HDEL);
    if (set > 0) hash_edit_tell(&ed, CHANGE_HEXPIRE);
    hash_edit_close(&ed);
    return OK;
}

static enum hash_ttl_result persist_one(struct hash_edit *ed, struct str field)
{
    struct hash_place at;

    if (!hash_edit_find(ed, field, &at)) return HASH_NO_FIELD;
    if (hash_ttl_at(&ed->h, &at) < 0) return HASH_HAS_NO_TTL;
    hash_set_ttl(&ed->h, &at, field, HASH_NO_TTL);
    return HASH_TTL_DONE;
}

enum err hash_persist(struct db *db, struct str key, const struct str *fields, size_t n,
                      int8_t *result)
{
    bool changed = false;
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, false, &ed);

    if (e != OK) return e;
    for (size_t i = 0; i < n; i++) {
        result[i] = (int8_t)persist_one(&ed, fields[i]);
        changed = changed || result[i] == HASH_TTL_DONE;
    }
    if (changed) hash_edit_tell(&ed, CHANGE_HPERSIST);
    hash_edit_close(&ed);
    return OK;
}
