/* cut_stream.c -- a large stream in pieces: its blocks, then the groups, each with what is pending.
 *
 * Blocks and pending deliveries lie in maps that keep pre-images themselves (stream_map.h). What else there is,
 * figures and names, is copied at the beginning: groups and consumers are few. A group or consumer that is
 * dropped leaves its deliveries to the cut of its map. */
#include "storage/cut_impl.h"

#include "base/mem.h"
#include "storage/listpack.h"
#include "storage/stream_edit.h"

struct consumer {
    struct stream_consumer_info info; /* its name is owned */
    struct stream_map_cut pending;
};

struct group {
    struct stream_group_info info; /* its name is owned */
    struct stream_map_cut pending;
    struct consumer *consumers;
};

enum stage { BLOCKS, GROUP, DELIVERIES, CONSUMER, PENDING };

struct cut_stream_state {
    struct stream_info info;
    struct stream_map_cut blocks;
    struct group *groups;
    enum stage stage;
    size_t g, c; /* the group and its consumer that are being told */
};

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    enum { BLOCKS_PART = 4 }; /* a block is worth as many elements */
    const struct stream *s = entry_ptr(e);
    size_t n = s->blocks.count * BLOCKS_PART;

    for (size_t i = 0; i < s->n_groups && n <= c->large_elements; i++)
        n += s->groups[i]->pending.count + s->groups[i]->n_consumers;
    return n > c->large_elements;
}

/* --- beginning and end --------------------------------------------------------------------------------- */

static struct str own(struct str s)
{
    return s.n > 0 ? str_of(mem_dup(s.p, s.n), s.n) : str_of("", 0);
}

static void disown(struct str s)
{
    if (s.n > 0) mem_free((char *)(uintptr_t)s.p);
}

static void begin_group(struct group *to, struct stream_group *g)
{
    to->info = (struct stream_group_info){
        .name = own(str_of(g->name, g->name_n)), .last = g->last, .entries_read = g->entries_read,
        .consumers = g->n_consumers, .pending = g->pending.count,
    };
    stream_map_cut_begin(&g->pending, &to->pending);
    to->consumers = mem_alloc(g->n_consumers * sizeof *to->consumers + 1);
    for (size_t i = 0; i < g->n_consumers; i++) {
        struct consumer *c = &to->consumers[i];

        c->info = stream_consumer_info(g->consumers[i]);
        c->info.name = own(c->info.name);
        stream_map_cut_begin(&g->consumers[i]->pending, &c->pending);
    }
}

static void begin(struct cut_value *v)
{
    struct stream *s = v->object;
    struct cut_stream_state *st = mem_zalloc(sizeof *st);

    v->stream = st;
    st->info = stream_info(s);
    stream_map_cut_begin(&s->blocks, &st->blocks);
    st->groups = mem_alloc(s->n_groups * sizeof *st->groups + 1);
    for (size_t i = 0; i < s->n_groups; i++) begin_group(&st->groups[i], s->groups[i]);
}

static void drop_block(void *rec)
{
    struct stream_block b;

    memcpy(&b, rec, sizeof b);
    mem_free(b.lp);
}

static void end(struct cut_value *v)
{
    struct cut_stream_state *st = v->stream;

    stream_map_cut_end(&st->blocks, drop_block);
    for (size_t i = 0; i < st->info.groups; i++) {
        struct group *g = &st->groups[i];

        stream_map_cut_end(&g->pending, NULL);
        for (size_t j = 0; j < g->info.consumers; j++) {
            stream_map_cut_end(&g->consumers[j].pending, NULL);
            disown(g->consumers[j].info.name);
        }
        disown(g->info.name);
        mem_free(g->consumers);
    }
    mem_free(st->groups);
    mem_free(st);
}

/* --- telling ------------------------------------------------------------------------------------------- */

static bool tell_block(struct cut_value *v)
{
    struct stream_block b;
    struct str bytes;
    bool kept;

    if (!stream_map_cut_next(&v->stream->blocks, &b, &kept)) return false;
    bytes = str_of((char *)b.lp, listpack_bytes(b.lp));
    cut_tell(v, &(struct cut_piece){ .kind = CUT_BLOCK, .id = b.id, .bytes = bytes });
    if (kept) mem_free(b.lp);
    return true;
}

static bool tell_deliveries(struct cut_value *v, struct group *g)
{
    struct stream_nack n;
    bool kept;

    for (size_t i = 0; i < cut_step_elements(v->cut); i++) {
        if (!stream_map_cut_next(&g->pending, &n, &kept)) return false;
        cut_tell(v, &(struct cut_piece){ .kind = CUT_DELIVERY, .id = n.id, .ms = n.delivered_ms,
                                         .n = n.deliveries });
    }
    return true;
}

static bool tell_pending(struct cut_value *v, struct consumer *c)
{
    struct stream_id id;
    bool kept;

    for (size_t i = 0; i < cut_step_elements(v->cut); i++) {
        if (!stream_map_cut_next(&c->pending, &id, &kept)) return false;
        cut_tell(v, &(struct cut_piece){ .kind = CUT_PENDING, .id = id });
    }
    return true;
}

static bool step(struct cut_value *v)
{
    struct cut_stream_state *st = v->stream;
    struct group *g = &st->groups[st->g];

    switch (st->stage) {
    case BLOCKS:
        if (tell_block(v)) return true;
        cut_tell(v, &(struct cut_piece){ .kind = CUT_STREAM, .stream = &st->info });
        st->stage = GROUP;
        break;
    case GROUP:
        if (st->g == st->info.groups) return false;
        cut_tell(v, &(struct cut_piece){ .kind = CUT_GROUP, .group = &g->info });
        st->stage = DELIVERIES;
        break;
    case DELIVERIES:
        if (tell_deliveries(v, g)) return true;
        cut_tell(v, &(struct cut_piece){ .kind = CUT_CONSUMERS, .n = g->info.consumers });
        st->stage = CONSUMER;
        st->c = 0;
        break;
    case CONSUMER:
        st->stage = PENDING;
        if (st->c < g->info.consumers) {
            cut_tell(v, &(struct cut_piece){ .kind = CUT_CONSUMER, .consumer = &g->consumers[st->c].info });
        } else {
            st->g++;
            st->stage = GROUP;
        }
        break;
    case PENDING:
        if (tell_pending(v, &g->consumers[st->c])) return true;
        st->c++;
        st->stage = CONSUMER;
        break;
    }
    return true;
}

const struct cut_kind cut_stream = { is_large, begin, step, end };
