/* expire.c -- removing what is due, promptly and in small steps.
 *
 * The wheel of a shard holds hashes (wheel.h). When one fires, the entries that it may stand for
 * are looked at: who is due goes, who got a later time meanwhile is recorded again.
 *
 * Records are never taken back, so there can be more of them than keys: SET and EXPIRE of one key
 * in turn leave one each time. Two rules keep that within bounds. A flag of the entry,
 * ENTRY_TIMED, says that there is a record of exactly its time; a record that fires early then
 * need not be repeated. And a wheel that holds much more than its shard has keys with a TTL is
 * rebuilt, a few buckets at a time: new records go to a fresh wheel, the table is scanned into
 * it, the old wheel is dropped.
 *
 * What is due and has to stay (nothing may leave, or the archive has no room for it) is recorded for a
 * second later, again and again, and told each time: indexes go without it from the first time on. */
#include "storage/expire.h"

#include "storage/db.h"
#include "storage/type_hash.h"

enum {
    BATCH = 64,
    SLACK = 4096,    /* records that a wheel may hold beyond twice its keys */
    SCAN_STEPS = 64, /* buckets of a rebuild in one round */
};

void expire_record(struct store *s, struct shard *sh, uint64_t hash, struct entry *e)
{
    if (!sh->wheel) sh->wheel = wheel_new(s->now_ms);
    wheel_push(sh->fresh ? sh->fresh : sh->wheel, hash, entry_expire_at(e));
    e->flags |= ENTRY_TIMED;
}

/* --- what a record stands for ----------------------------------------------------------------- */

struct finding {
    struct store *store;
    struct shard *shard;
    struct entry *due[8];
    size_t n;
};

static bool judge(void *ctx, struct entry *e)
{
    struct finding *f = ctx;

    if (!entry_expires(e)) return true;
    if (entry_expire_at(e) <= f->store->now_ms)
        f->due[f->n++] = e;
    else if (!(e->flags & ENTRY_TIMED))
        expire_record(f->store, f->shard, table_hash(&f->shard->keys, entry_key(e)), e);
    return f->n < sizeof f->due / sizeof f->due[0];
}

void expire_tell_overdue(const struct db *db, const struct entry *e)
{
    if (db->store->on_overdue) db->store->on_overdue(db->store->on_overdue_ctx, db, e);
}

static void act_on(struct db *db, struct shard *sh, uint64_t hash, bool stays)
{
    struct store *st = db->store;
    struct finding f = { .store = st, .shard = sh };

    table_candidates(&sh->keys, hash, judge, &f);
    for (size_t i = 0; i < f.n; i++) {
        uint64_t expired = st->stats.expired;

        if (!stays) (void)db_peek(db, entry_key(f.due[i])); /* which removes it, if the archive has room for it */
        if (LIKELY(st->stats.expired != expired)) continue;
        expire_tell_overdue(db, f.due[i]);
        wheel_push(sh->fresh ? sh->fresh : sh->wheel, hash, st->now_ms + EXPIRE_KEPT_MS);
    }
}

/* --- rebuilding ------------------------------------------------------------------------------- */

struct rebuild {
    struct store *store;
    struct shard *shard;
};

static void record_again(void *ctx, struct entry *e)
{
    struct rebuild *r = ctx;

    if (entry_expires(e))
        expire_record(r->store, r->shard, table_hash(&r->shard->keys, entry_key(e)), e);
}

static void rebuild_some(struct store *s, struct shard *sh)
{
    struct rebuild r = { s, sh };

    for (int i = 0; i < SCAN_STEPS; i++) {
        sh->fresh_at = table_scan(&sh->keys, sh->fresh_at, record_again, &r);
        if (sh->fresh_at != 0) continue;
        wheel_free(&sh->wheel);
        sh->wheel = sh->fresh;
        sh->fresh = NULL;
        return;
    }
}

static void keep_small(struct store *s, struct shard *sh)
{
    if (sh->fresh) {
        rebuild_some(s, sh);
    } else if (wheel_count(sh->wheel) > 2 * sh->n_expires + SLACK) {
        sh->fresh = wheel_new(s->now_ms);
        sh->fresh_at = 0;
    }
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Handle up to max records of one wheel; the number handled. */
static size_t drain(struct db *db, struct shard *sh, struct wheel *w, size_t max, bool stays)
{
    uint64_t hashes[BATCH];
    size_t done = 0;

    while (done < max) {
        size_t want = max - done < BATCH ? max - done : BATCH;
        size_t n = wheel_take(w, db->store->now_ms, hashes, want);

        for (size_t i = 0; i < n; i++) table_prefetch_bucket(&sh->keys, hashes[i]);
        for (size_t i = 0; i < n; i++) table_prefetch_entry(&sh->keys, hashes[i]);
        for (size_t i = 0; i < n; i++) act_on(db, sh, hashes[i], stays);
        done += n;
        if (n < want) break;
    }
    return done;
}

static bool look_at_due(struct store *s, size_t max, bool stays)
{
    unsigned n = (unsigned)s->conf.databases * STORE_SHARDS;
    size_t fields_max = (max + 1) / 2, fields; /* neither keys nor fields can starve the other */
    bool more;

    store_forget_hash(s); /* keys are looked up by their own bytes here, which are nobody's request */
    fields = field_clock_expire(s, fields_max, stays);
    more = fields >= fields_max;
    max -= more ? fields_max : fields;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = s->expire_at++ % n;
        struct db *db = s->dbs[at / STORE_SHARDS];
        struct shard *sh = &db->shards[at % STORE_SHARDS];
        struct wheel *w = sh->wheel;

        if (!w) continue;
        max -= drain(db, sh, w, max, stays);
        if (sh->fresh) max -= drain(db, sh, sh->fresh, max, stays);
        if (max == 0) return true;
        more |= wheel_behind(w);
        keep_small(s, sh);
    }
    return more;
}

bool store_expire_some(struct store *s, size_t max)
{
    return !s->loading && !s->keep_expired && look_at_due(s, max, false);
}

bool store_tell_overdue(struct store *s, size_t max)
{
    return !s->loading && look_at_due(s, max, true);
}
