/* rdb_stream.c -- see rdb_stream.h. */
#include "persistence/rdb_stream.h"

#include <endian.h>

#include "persistence/rdb_format.h"
#include "storage/listpack.h"
#include "storage/stream_edit.h"

/* --- writing ---------------------------------------------------------------------------------- */

enum { ID_BYTES = 16 };

static struct str id_bytes(struct stream_id id, char out[ID_BYTES])
{
    uint64_t half[2] = { htobe64(id.ms), htobe64(id.seq) };

    memcpy(out, half, sizeof half);
    return str_of(out, sizeof half);
}

static void put_id_lens(struct rdb_out *o, struct stream_id id)
{
    rdb_put_len(o, id.ms);
    rdb_put_len(o, id.seq);
}

void rdb_put_stream_id(struct rdb_out *o, struct stream_id id)
{
    char text[ID_BYTES];

    buf_add_str(&o->bytes, id_bytes(id, text));
}

void rdb_put_stream_block(struct rdb_out *o, struct stream_id id, struct str bytes)
{
    char text[ID_BYTES];

    rdb_put_str(o, id_bytes(id, text));
    rdb_put_str(o, bytes);
}

void rdb_put_stream_info(struct rdb_out *o, const struct stream_info *info)
{
    rdb_put_len(o, info->length);
    put_id_lens(o, info->last);
    put_id_lens(o, info->first);
    put_id_lens(o, info->max_deleted);
    rdb_put_len(o, info->added);
    rdb_put_len(o, info->groups);
}

void rdb_put_stream_group(struct rdb_out *o, const struct stream_group_info *info)
{
    rdb_put_str(o, info->name);
    put_id_lens(o, info->last);
    rdb_put_len(o, (uint64_t)info->entries_read);
    rdb_put_len(o, info->pending);
}

void rdb_put_stream_delivery(struct rdb_out *o, struct stream_id id, int64_t ms, uint64_t deliveries)
{
    rdb_put_stream_id(o, id);
    rdb_put_u64(o, (uint64_t)ms);
    rdb_put_len(o, deliveries);
}

void rdb_put_stream_consumer(struct rdb_out *o, const struct stream_consumer_info *info)
{
    rdb_put_str(o, info->name);
    rdb_put_u64(o, (uint64_t)info->seen_ms);
    rdb_put_len(o, info->pending);
}

/* What comes next. */
enum { BLOCKS, GROUP, DELIVERIES, CONSUMER, PENDING };

void rdb_stream_walk_begin(struct rdb_stream_walk *w, struct rdb_out *o, const struct stream *s)
{
    w->s = s;
    w->info = stream_info(s);
    w->block = NULL;
    w->g = 0;
    w->stage = BLOCKS;
    rdb_put_len(o, w->info.blocks);
}

static void begin_group(struct rdb_stream_walk *w, struct rdb_out *o)
{
    struct stream_group_info info = stream_group_info(w->s, stream_group_at(w->s, w->g));

    rdb_put_stream_group(o, &info);
    w->n_consumers = info.consumers;
    w->c = 0;
    stream_pending_start(&w->pending, stream_group_at(w->s, w->g), NULL, STREAM_ID_MIN, STREAM_ID_MAX);
}

static void begin_consumer(struct rdb_stream_walk *w, struct rdb_out *o)
{
    const struct stream_group *g = stream_group_at(w->s, w->g);
    const struct stream_consumer *c = stream_consumer_at(g, w->c);
    struct stream_consumer_info info = stream_consumer_info(c);

    rdb_put_stream_consumer(o, &info);
    stream_pending_start(&w->pending, g, c, STREAM_ID_MIN, STREAM_ID_MAX);
}

bool rdb_stream_walk_next(struct rdb_stream_walk *w, struct rdb_out *o)
{
    switch (w->stage) {
    case BLOCKS:
        w->block = stream_next_block(w->s, &w->at, w->block);
        if (w->block != NULL) {
            rdb_put_stream_block(o, w->block->id, str_of(w->block->lp, listpack_bytes(w->block->lp)));
        } else {
            rdb_put_stream_info(o, &w->info);
            w->stage = GROUP;
        }
        return true;
    case GROUP:
        if (w->g == w->info.groups) return false;
        begin_group(w, o);
        w->stage = DELIVERIES;
        return true;
    case DELIVERIES:
        if (stream_pending_next(&w->pending)) {
            rdb_put_stream_delivery(o, w->pending.now.id, w->pending.now.delivered_ms, w->pending.now.deliveries);
        } else {
            rdb_put_len(o, w->n_consumers);
            w->stage = CONSUMER;
        }
        return true;
    case CONSUMER:
        if (w->c < w->n_consumers) {
            begin_consumer(w, o);
            w->stage = PENDING;
        } else {
            w->g++;
            w->stage = GROUP;
        }
        return true;
    default:
        if (stream_pending_next(&w->pending)) {
            rdb_put_stream_id(o, w->pending.now.id);
        } else {
            w->c++;
            w->stage = CONSUMER;
        }
        return true;
    }
}

void rdb_put_stream(struct rdb_out *o, const struct stream *s)
{
    struct rdb_stream_walk w;

    rdb_stream_walk_begin(&w, o, s);
    while (rdb_stream_walk_next(&w, o)) { }
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct stream_id id_from(const char *p)
{
    uint64_t half[2];

    memcpy(half, p, sizeof half);
    return (struct stream_id){ be64toh(half[0]), be64toh(half[1]) };
}

static bool get_id(struct rdb_in *in, struct stream_id *id)
{
    struct str s;

    if (!rdb_in_raw(in, ID_BYTES, &s)) return false;
    *id = id_from(s.p);
    return true;
}

static bool get_id_lens(struct rdb_in *in, struct stream_id *id)
{
    return rdb_in_len(in, &id->ms) && rdb_in_len(in, &id->seq);
}

/* A moment, or -1 for never. What lies far below would make the time since then more than a number can hold. */
static bool get_ms(struct rdb_in *in, int64_t *ms)
{
    uint64_t v;

    if (!rdb_in_u64(in, &v)) return false;
    *ms = (int64_t)v;
    return *ms >= -1 || rdb_in_bad(in, "a stream was read before all time");
}

bool rdb_get_stream_block(struct rdb_in *in, struct stream *s)
{
    struct stream_id id;
    struct str text;
    const char *why;

    if (!rdb_in_str(in, &text)) return false;
    if (text.n != ID_BYTES) return rdb_in_bad(in, "a stream block's ID has %zu bytes", text.n);
    id = id_from(text.p);
    if (!rdb_in_str(in, &text)) return false;
    why = stream_add_block(s, id, text);
    return why == NULL || rdb_in_bad(in, "a stream is malformed: %s", why);
}

static bool get_figures(struct rdb_in *in, unsigned type, struct stream *s)
{
    struct stream_id last, first;
    uint64_t length;

    if (!rdb_in_len(in, &length) || !get_id_lens(in, &last)) return false;
    if (length != s->length)
        return rdb_in_bad(in, "a stream of %llu entries says it has %llu", (unsigned long long)s->length,
                          (unsigned long long)length);
    if (stream_id_cmp(last, s->last) < 0)
        return rdb_in_bad(in, "a stream's last ID is below its last entry's");
    s->last = last;
    s->added = length;
    if (type == RDB_STREAM) return true;
    return get_id_lens(in, &first) && get_id_lens(in, &s->max_deleted) && rdb_in_len(in, &s->added);
}

static bool get_group_pending(struct rdb_in *in, struct stream_group *g)
{
    uint64_t n;

    if (!rdb_in_count(in, ID_BYTES + 9, &n)) return false;
    for (; n > 0; n--) {
        struct stream_nack *nack;
        struct stream_id id;
        int64_t ms;
        uint64_t deliveries;
        bool made;

        if (!get_id(in, &id) || !get_ms(in, &ms) || !rdb_in_len(in, &deliveries)) return false;
        nack = stream_map_put(&g->pending, id, &made);
        if (!made) return rdb_in_bad(in, "an ID is pending twice in a group");
        nack->delivered_ms = ms;
        nack->deliveries = deliveries;
    }
    return true;
}

static bool get_consumer_pending(struct rdb_in *in, struct stream_group *g, struct stream_consumer *c)
{
    uint64_t n;

    if (!rdb_in_count(in, ID_BYTES, &n)) return false;
    for (; n > 0; n--) {
        struct stream_nack *nack;
        struct stream_id id;
        bool made;

        if (!get_id(in, &id)) return false;
        nack = stream_nack(g, id);
        if (nack == NULL) return rdb_in_bad(in, "an ID is pending for a consumer and not in its group");
        if (nack->consumer != NULL) return rdb_in_bad(in, "an ID is pending for two consumers");
        nack->consumer = c;
        stream_map_put(&c->pending, id, &made);
    }
    return true;
}

/* *assigned counts what is pending for consumers. */
static bool get_consumer(struct rdb_in *in, unsigned type, struct stream_group *g, uint64_t *assigned)
{
    struct stream_consumer *c;
    struct str name;

    if (!rdb_in_str(in, &name)) return false;
    c = stream_make_consumer(g, name, 0);
    if (c == NULL) return rdb_in_bad(in, "a consumer occurs twice in a group");
    if (!get_ms(in, &c->seen_ms)) return false;
    c->active_ms = c->seen_ms;
    if (type == RDB_STREAM_3 && !get_ms(in, &c->active_ms)) return false;
    if (!get_consumer_pending(in, g, c)) return false;
    *assigned += c->pending.count;
    return true;
}

static bool get_group(struct rdb_in *in, unsigned type, struct stream *s)
{
    struct stream_group *g;
    uint64_t read, n, assigned = 0;
    struct stream_id last;
    struct str name;

    if (!rdb_in_str(in, &name)) return false;
    g = stream_make_group(s, name, STREAM_ID_MIN, STREAM_READ_UNKNOWN);
    if (g == NULL) return rdb_in_bad(in, "a stream's group occurs twice");
    if (!get_id_lens(in, &last)) return false;
    g->last = last;
    if (type == RDB_STREAM) {
        g->entries_read = stream_count_up_to(s, last);
    } else {
        if (!rdb_in_len(in, &read)) return false;
        g->entries_read = (int64_t)read;
        if (g->entries_read < STREAM_READ_UNKNOWN)
            return rdb_in_bad(in, "a group's number of entries read makes no sense");
    }
    if (!get_group_pending(in, g) || !rdb_in_count(in, 10, &n)) return false;
    for (; n > 0; n--)
        if (!get_consumer(in, type, g, &assigned)) return false;
    return assigned == g->pending.count || rdb_in_bad(in, "an ID is pending for no consumer");
}

bool rdb_get_stream_count(struct rdb_in *in, uint64_t *n)
{
    return rdb_in_count(in, ID_BYTES + 2, n);
}

bool rdb_get_stream_end(struct rdb_in *in, unsigned type, struct stream *s)
{
    uint64_t n;

    stream_count_blocks(s);
    if (!get_figures(in, type, s) || !rdb_in_count(in, 5, &n)) return false;
    for (; n > 0; n--)
        if (!get_group(in, type, s)) return false;
    return true;
}

bool rdb_get_stream(struct rdb_in *in, unsigned type, struct stream **out)
{
    struct stream *s = stream_new();
    uint64_t n;
    bool ok = rdb_get_stream_count(in, &n);

    for (; ok && n > 0; n--) ok = rdb_get_stream_block(in, s);
    if (!ok || !rdb_get_stream_end(in, type, s)) {
        stream_free(&s);
        return false;
    }
    *out = s;
    return true;
}
