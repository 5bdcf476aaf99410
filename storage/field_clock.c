/* field_clock.c -- the clock that removes a hash's fields in time.
 *
 * The clock holds at most a few records for a hash, not one for each field: a record is the hash of
 * its key, pushed for the time at which its first field is due. When it fires the hash is looked up
 * in all databases, so that SWAPDB and MOVE need not tell the clock; what is due is removed, at
 * most the rest of the round's budget, and the hash's next time is pushed. A record that finds its
 * hash not due was overtaken by a later one and is dropped: each change of a hash's first time
 * pushes.
 *
 * A hash that arrives under a new name (RENAME, COPY, RESTORE, loading) is heard of by CHANGE_NEW.
 *
 * Records of hashes that are gone stay until their time: when a wheel holds many more than the
 * hashes that have due fields, a fresh one is made, by a scan of the keys in small steps. What is
 * pushed meanwhile goes to both. How many such hashes there are nobody counts: what the last scan
 * found is the measure, and one key in a few for what has come since.
 */
#include "base/mem.h"
#include "storage/expire.h"
#include "storage/hash_edit.h"
#include "storage/type_hash.h"

/* --- the clock -------------------------------------------------------------------------------- */

enum {
    SLACK = 1024,     /* records that a wheel may hold beyond twice those that it needs, ... */
    KEYS_A_RECORD = 8, /* and one more for so many keys: a scan of these is paid for by them */
    SCAN_STEPS = 16   /* buckets of a rebuild in one round */
};

/* Of the hashes in one shard of all databases: a record does not say its shard. */
struct part {
    struct wheel *wheel; /* NULL until a record is pushed */
    struct wheel *fresh; /* is to take its place; NULL: no rebuild */
    size_t most;         /* records, before one is looked into */
    int db;              /* of the rebuild: where it is */
    uint64_t scan_at;
};

struct field_clock {
    struct part parts[STORE_SHARDS];
    unsigned at; /* the shard at which the next round begins */
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

static void scan_again(struct field_clock *f)
{
    for (int i = 0; i < STORE_SHARDS; i++)
        if (f->parts[i].fresh) wheel_free(&f->parts[i].fresh);
}

static void hear(void *ctx, const struct change *c)
{
    struct store *s = ctx;
    int64_t at;

    /* A scan may have passed the one database and not the other. (No clock: it is aside with its store.) */
    if (UNLIKELY(c->kind == CHANGE_SWAP) && s->fields) scan_again(s->fields);
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
    struct part *p;

    field_clock_start(s);
    p = &s->fields->parts[shard_of(key_hash)];
    if (p->wheel == NULL) {
        p->wheel = wheel_new(s->now_ms);
        p->most = SLACK;
    }
    wheel_push(p->wheel, key_hash, at_ms);
    if (UNLIKELY(p->fresh != NULL)) wheel_push(p->fresh, key_hash, at_ms);
}

void field_clock_hasten(struct store *s, const struct entry *e)
{
    if (entry_due_at(s, e) <= s->now_ms) field_clock_push(s, hash_bytes(&s->hash_key, entry_key(e)), s->now_ms);
}

void field_clock_free(struct store *s)
{
    if (s->fields == NULL) return;
    scan_again(s->fields);
    for (int i = 0; i < STORE_SHARDS; i++) wheel_free(&s->fields->parts[i].wheel);
    mem_free(s->fields);
    s->fields = NULL;
}

size_t field_clock_bytes(const struct store *s)
{
    size_t n = 0;

    for (int i = 0; s->fields && i < STORE_SHARDS; i++) {
        const struct part *p = &s->fields->parts[i];

        if (p->wheel) n += wheel_bytes(p->wheel);
        if (p->fresh) n += wheel_bytes(p->fresh);
    }
    return n;
}

/* --- rebuilding ------------------------------------------------------------------------------- */

static size_t keys_of_shard(const struct store *s, unsigned shard)
{
    size_t n = 0;

    for (int i = 0; i < s->conf.databases; i++) n += s->dbs[i]->shards[shard].keys.count;
    return n;
}

struct rescan {
    struct store *store;
    const struct table *keys;
    struct wheel *to;
};

static void record_again(void *ctx, struct entry *e)
{
    struct rescan *r = ctx;
    int64_t at = entry_due_at(r->store, e);

    if (at != HASH_NEVER) wheel_push(r->to, table_hash(r->keys, entry_key(e)), at);
}

/* Some buckets further; at the end the fresh wheel takes its place. */
static void rebuild_some(struct store *s, unsigned shard, struct part *p)
{
    for (int i = 0; i < SCAN_STEPS && p->db < s->conf.databases; i++) {
        const struct table *keys = &s->dbs[p->db]->shards[shard].keys;

        p->scan_at = table_scan(keys, p->scan_at, record_again, &(struct rescan){ s, keys, p->fresh });
        if (p->scan_at == 0) p->db++;
    }
    if (p->db < s->conf.databases) return;
    wheel_free(&p->wheel);
    p->wheel = p->fresh;
    p->fresh = NULL;
    p->most = 2 * wheel_count(p->wheel) + SLACK;
}

static void keep_small(struct store *s, unsigned shard, struct part *p)
{
    if (UNLIKELY(p->fresh != NULL)) {
        rebuild_some(s, shard, p);
    } else if (UNLIKELY(wheel_count(p->wheel) > p->most) &&
               wheel_count(p->wheel) > p->most + keys_of_shard(s, shard) / KEYS_A_RECORD) {
        p->fresh = wheel_new(s->now_ms);
        p->db = 0;
        p->scan_at = 0;
    }
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

static bool tell_overdue(void *ctx, struct entry *e)
{
    const struct db *db = ctx;

    if (entry_due_at(db->store, e) <= db->store->now_ms) expire_tell_overdue(db, e);
    return true;
}

static void fire_in_vain(struct store *s, unsigned shard, uint64_t record)
{
    for (int i = 0; i < s->conf.databases; i++) table_candidates(&s->dbs[i]->shards[shard].keys, record, tell_overdue, s->dbs[i]);
    field_clock_push(s, record, s->now_ms + EXPIRE_KEPT_MS);
}

/* The steps done. A record for which they did not suffice is due again: it may stand for more. */
static size_t fire(struct store *s, unsigned shard, uint64_t record, size_t max, bool stays)
{
    size_t n = 0;

    if (stays) fire_in_vain(s, shard, record);
    for (int i = 0; !stays && i < s->conf.databases && n < max; i++)
        if (s->dbs[i]->n_keys > 0) n += fire_in(s->dbs[i], shard, record, max - n);
    if (n >= max) wheel_push(s->fields->parts[shard].wheel, record, s->now_ms);
    return n + 1;
}

/* Handle up to max steps' worth of one wheel's records; max when there may be more. */
static size_t turn(struct store *s, unsigned shard, size_t max, bool stays)
{
    enum { BATCH = 16 };
    struct wheel *w = s->fields->parts[shard].wheel;
    uint64_t records[BATCH];
    size_t done = 0;

    while (done < max) {
        size_t want = max - done < BATCH ? max - done : BATCH;
        size_t n = wheel_take(w, s->now_ms, records, want);
        for (size_t i = 0; i < n; i++) {
            if (done < max)
                done += fire(s, shard, records[i], max - done, stays);
            else
                wheel_push(w, records[i], s->now_ms);
        }
        if (n < want) return wheel_behind(w) ? max : done;
    }
    return max;
}

size_t field_clock_expire(struct store *s, size_t max, bool stays)
{
    size_t done = 0;

    if (s->fields == NULL || s->loading) return 0;
    for (int i = 0; i < STORE_SHARDS && done < max; i++) {
        unsigned shard = s->fields->at++ % STORE_SHARDS;
        struct part *p = &s->fields->parts[shard];

        if (p->wheel == NULL) continue;
        done += turn(s, shard, max - done, stays);
        keep_small(s, shard, p);
    }
    return done;
}
