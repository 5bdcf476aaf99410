/* type_stream_group.c -- operations on the groups of the stream at a key. */
#include "storage/stream_edit.h"
#include "storage/type_stream.h"

/* A group that has been looked up for changing. */
struct place {
    struct slot slot;
    struct stream *s;
    struct stream_group *g;
    int64_t now_ms;
};

static enum err find(struct db *db, struct str key, struct str group, struct place *at)
{
    enum err e = db_find_type(db, key, VALUE_STREAM, &at->slot);

    if (e != OK) return e;
    at->now_ms = db->store->now_ms;
    at->s = entry_ptr(at->slot.ref.e);
    at->g = (struct stream_group *)(uintptr_t)stream_group(at->s, group);
    return at->g != NULL ? OK : ERR_NO_GROUP;
}

/* --- groups and consumers --------------------------------------------------------------------- */

enum err stream_group_create(struct db *db, struct str key, struct str group, const struct stream_id *id,
                             int64_t entries_read, bool make)
{
    struct slot slot;
    struct stream *s;
    enum err e = db_find_type(db, key, VALUE_STREAM, &slot);

    if (e == ERR_NO_KEY && make) {
        s = stream_new();
        db_add(&slot, stream_entry_take(&s, key, -1));
    } else if (e != OK) {
        return e;
    }
    s = entry_ptr(slot.ref.e);
    if (stream_make_group(s, group, id != NULL ? *id : s->last, entries_read) == NULL)
        return ERR_GROUP_EXISTS;
    db_tell(&slot, CHANGE_XGROUP_CREATE);
    return OK;
}

enum err stream_group_destroy(struct db *db, struct str key, struct str group)
{
    struct place at;
    enum err e = find(db, key, group, &at);

    if (e != OK) return e;
    stream_drop_group(at.s, at.g);
    db_tell(&at.slot, CHANGE_XGROUP_DESTROY);
    return OK;
}

enum err stream_group_set_id(struct db *db, struct str key, struct str group, const struct stream_id *id,
                             int64_t entries_read)
{
    struct place at;
    enum err e = find(db, key, group, &at);

    if (e != OK) return e;
    at.g->last = id != NULL ? *id : at.s->last;
    at.g->entries_read = entries_read;
    db_tell(&at.slot, CHANGE_XGROUP_SETID);
    return OK;
}

/* The consumer, made where there is none. */
static struct stream_consumer *get_consumer(struct place *at, struct str name, bool *made)
{
    struct stream_consumer *c = (struct stream_consumer *)(uintptr_t)stream_consumer(at->g, name);

    *made = c == NULL;
    if (c == NULL) {
        c = stream_make_consumer(at->g, name, at->now_ms);
        db_tell(&at->slot, CHANGE_XGROUP_CREATECONSUMER);
    }
    return c;
}

enum err stream_consumer_create(struct db *db, struct str key, struct str group, struct str consumer,
                                bool *made)
{
    struct place at;
    enum err e = find(db, key, group, &at);

    if (e == OK) get_consumer(&at, consumer, made);
    return e;
}

enum err stream_consumer_delete(struct db *db, struct str key, struct str group, struct str consumer,
                                uint64_t *pending)
{
    struct place at;
    struct stream_consumer *c;
    enum err e = find(db, key, group, &at);

    if (e != OK) return e;
    *pending = 0;
    c = (struct stream_consumer *)(uintptr_t)stream_consumer(at.g, consumer);
    if (c == NULL) return OK;
    *pending = c->pending.count;
    stream_drop_consumer(at.g, c);
    db_tell(&at.slot, CHANGE_XGROUP_DELCONSUMER);
    return OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void set_delivered(struct stream_nack *nack, int64_t at_ms, uint64_t deliveries)
{
    nack->delivered_ms = at_ms;
    nack->deliveries = deliveries;
}

static void finish_read(struct place *at, struct stream_read_done *done, uint64_t n)
{
    done->n = n;
    done->last = at->g->last;
    done->entries_read = at->g->entries_read;
    if (n > 0) db_tell(&at->slot, CHANGE_XPENDING);
}

enum err stream_deliver(struct db *db, struct str key, struct str group, struct str consumer, uint64_t count,
                        bool no_ack, void (*fn)(void *ctx, struct stream_iter *entry), void *ctx,
                        struct stream_read_done *done)
{
    struct place at;
    struct stream_consumer *c;
    struct stream_iter it;
    uint64_t n = 0;
    bool fresh;
    enum err e = find(db, key, group, &at);

    if (e != OK) return e;
    c = get_consumer(&at, consumer, &done->made_consumer);
    c->seen_ms = at.now_ms;
    /* Readers ask far more often than there is something new: then no block is looked into. */
    fresh = stream_id_cmp(at.s->last, at.g->last) > 0;
    if (fresh) stream_iter_resume(&it, at.s, at.g);
    while (fresh && stream_next(&it)) {
        stream_advance(at.s, at.g, it.id);
        if (!no_ack) {
            set_delivered(stream_give(at.g, c, it.id), at.now_ms, 1);
            c->active_ms = at.now_ms;
        }
        fn(ctx, &it);
        stream_iter_mark(&it, at.g);
        if (++n == count) break;
    }
    finish_read(&at, done, n);
    return OK;
}

static struct stream_pending pending_of(const struct stream_nack *n)
{
    return (struct stream_pending){ n->id, str_of(n->consumer->name, n->consumer->name_n), n->delivered_ms,
                                    n->deliveries };
}

enum err stream_history(struct db *db, struct str key, struct str group, struct str consumer,
                        struct stream_id after, uint64_t count, stream_told *fn, void *ctx,
                        struct stream_read_done *done)
{
    struct place at;
    struct stream_consumer *c;
    const struct stream_id *id = NULL;
    struct stream_iter it = { .block = NULL };
    struct stream_pos pos;
    uint64_t n = 0, delivered = 0;
    enum err e = find(db, key, group, &at);

    if (e != OK) return e;
    c = get_consumer(&at, consumer, &done->made_consumer);
    c->seen_ms = at.now_ms;
    if (stream_id_next(&after)) id = stream_map_seek(&c->pending, after, false, &pos);
    for (; id != NULL && (count == 0 || n < count); id = stream_map_step(&c->pending, &pos, false), n++) {
        struct stream_nack *nack = stream_nack(at.g, *id);
        struct stream_pending p;
        bool there = stream_find_next(&it, at.s, *id);

        if (there) {
            stream_map_keep(&at.g->pending, *id);
            set_delivered(nack, at.now_ms, nack->deliveries + 1);
        }
        delivered += there;
        p = pending_of(nack);
        fn(ctx, &p, there ? &it : NULL);
    }
    finish_read(&at, done, delivered);
    done->n = n;
    return OK;
}

enum err stream_ack(struct db *db, struct str key, struct str group, const struct stream_id *ids, size_t n,
                    uint64_t *acked)
{
    struct place at;
    enum err e = find(db, key, group, &at);

    if (e != OK) return e;
    *acked = 0;
    for (size_t i = 0; i < n; i++) *acked += stream_settle(at.g, ids[i]);
    if (*acked > 0) db_tell(&at.slot, CHANGE_XPENDING);
    return OK;
}

/* --- claiming --------------------------------------------------------------------------------- */

/* What a claim does, the same for each ID. */
struct claiming {
    struct place at;
    struct stream_consumer *c;
    const struct stream_claim *how;
    int64_t delivered_ms;
    stream_told *fn;
    void *ctx;
    struct stream_claim_done *done;
    bool in_order; /* IDs come ascending: */
    struct stream_iter it;
};

static enum err start_claim(struct claiming *cl, struct db *db, struct str key, struct str group,
                            struct str consumer)
{
    enum err e = find(db, key, group, &cl->at);
    int64_t now_ms = cl->at.now_ms;

    if (e != OK) return e;
    *cl->done = (struct stream_claim_done){ .raised = stream_id_cmp(cl->how->last, cl->at.g->last) > 0 };
    if (cl->done->raised) cl->at.g->last = cl->how->last;
    cl->c = get_consumer(&cl->at, consumer, &cl->done->made_consumer);
    cl->c->seen_ms = now_ms;
    cl->delivered_ms = cl->how->delivered_ms;
    if (cl->delivered_ms < 0 || cl->delivered_ms > now_ms) cl->delivered_ms = now_ms;
    return OK;
}

static void end_claim(struct claiming *cl)
{
    struct stream_claim_done *done = cl->done;

    done->last = cl->at.g->last;
    done->entries_read = cl->at.g->entries_read;
    if (done->n + done->gone > 0 || done->raised) db_tell(&cl->at.slot, CHANGE_XPENDING);
}

/* Claim one ID; true when it was claimed or dropped. */
static bool claim(struct claiming *cl, struct stream_id id)
{
    struct stream_nack *nack = stream_nack(cl->at.g, id);
    struct stream_pending p;
    bool was_pending = nack != NULL;

    if (!was_pending && !cl->how->force) return false;
    if (cl->in_order ? !stream_find_next(&cl->it, cl->at.s, id) : !stream_find(&cl->it, cl->at.s, id)) {
        if (!was_pending) return false;
        p = pending_of(nack);
        cl->fn(cl->ctx, &p, NULL);
        stream_settle(cl->at.g, id);
        cl->done->gone++;
        return true;
    }
    if (was_pending && cl->how->min_idle_ms > 0 &&
        cl->at.now_ms - nack->delivered_ms < cl->how->min_idle_ms)
        return false;
    nack = stream_give(cl->at.g, cl->c, id);
    nack->delivered_ms = cl->delivered_ms;
    if (!was_pending) nack->deliveries = 1; /* and one more below, as Redis counts */
    if (cl->how->deliveries >= 0)
        nack->deliveries = (uint64_t)cl->how->deliveries;
    else if (!cl->how->just_id)
        nack->deliveries++;
    cl->c->active_ms = cl->at.now_ms;
    p = pending_of(nack);
    cl->fn(cl->ctx, &p, &cl->it);
    cl->done->n++;
    return true;
}

enum err stream_claim(struct db *db, struct str key, struct str group, struct str consumer,
                      const struct stream_id *ids, size_t n, const struct stream_claim *how, stream_told *fn,
                      void *ctx, struct stream_claim_done *done)
{
    struct claiming cl = { .how = how, .fn = fn, .ctx = ctx, .done = done };
    enum err e = start_claim(&cl, db, key, group, consumer);

    if (e != OK) return e;
    for (size_t i = 0; i < n; i++) claim(&cl, ids[i]);
    end_claim(&cl);
    return OK;
}

enum { LOOKS_PER_CLAIM = 10, LOOKS_AT_ONCE = 10000, CLAIMS_AT_ONCE = 4000 };

enum err stream_autoclaim(struct db *db, struct str key, struct str group, struct str consumer,
                          struct stream_id from, uint64_t count, int64_t min_idle_ms, bool just_id,
                          stream_told *fn, void *ctx, struct stream_claim_done *done)
{
    struct stream_claim how = { .min_idle_ms = min_idle_ms, .delivered_ms = -1, .deliveries = -1,
                                .just_id = just_id };
    struct claiming cl = { .how = &how, .fn = fn, .ctx = ctx, .done = done, .in_order = true };
    uint64_t looks = count < LOOKS_AT_ONCE / LOOKS_PER_CLAIM ? count * LOOKS_PER_CLAIM : LOOKS_AT_ONCE;
    const struct stream_nack *nack = NULL;
    struct stream_pos pos;
    bool more = true;
    enum err e = start_claim(&cl, db, key, group, consumer);

    if (e != OK) return e;
    if (count > CLAIMS_AT_ONCE) count = CLAIMS_AT_ONCE;
    while (more && (nack = stream_map_seek(&cl.at.g->pending, from, false, &pos)) != NULL && looks-- > 0 &&
           count > 0) {
        from = nack->id;
        count -= claim(&cl, from);
        more = stream_id_next(&from);
    }
    done->next = more && nack != NULL ? nack->id : STREAM_ID_MIN;
    end_claim(&cl);
    return OK;
}
