/* stream_read.c -- walking over a stream's entries, and its figures: see stream.h. */
#include "base/ensure.h"
#include "storage/stream_block.h"
#include "storage/stream_edit.h"

/* --- walking ---------------------------------------------------------------------------------- */

void stream_iter_start(struct stream_iter *it, const struct stream *s, struct stream_id from,
                       struct stream_id to, bool down)
{
    it->s = s;
    it->from = from;
    it->to = to;
    it->down = down;
    it->started = false;
    it->block = NULL;
    it->fields_left = 0;
}

static struct stream_head open_block(struct stream_iter *it, const struct stream_block *b)
{
    struct stream_head h = stream_block_head(b->lp);

    it->master = b->id;
    it->block = b->lp;
    it->names = h.names;
    it->n_names = h.n_names;
    return h;
}

/* Go to the first block, or the next, and to its first entry; false: there is none. */
static bool next_block(struct stream_iter *it)
{
    const struct stream_map *m = &it->s->blocks;
    const struct stream_block *b;
    struct stream_head h;

    if (it->started) {
        b = stream_map_step(m, &it->at, it->down);
    } else {
        /* The block in which an ID may be is the last that begins at or below it. */
        b = stream_map_seek(m, it->down ? it->to : it->from, true, &it->at);
        if (b == NULL && !it->down) b = stream_map_seek(m, it->from, false, &it->at);
        it->started = true;
    }
    if (b == NULL) return false;
    h = open_block(it, b);
    it->entry = it->down ? stream_block_before(it->block, NULL) : h.entries;
    return true;
}

/* From the current entry to the next one, which may be behind the block's end. */
static void leave_entry(struct stream_iter *it)
{
    if (it->down)
        it->entry = stream_block_before(it->block, it->entry);
    else
        it->entry = stream_block_behind(it->p, it->fields_left, it->same != NULL);
}

/* Decode the entry at it->entry, which is there; true when it is not deleted. */
static bool read_entry(struct stream_iter *it)
{
    struct stream_head h = { .n_names = it->n_names };
    struct stream_entry e = stream_block_entry(&h, it->master, it->entry);

    it->id = e.id;
    it->n_fields = it->fields_left = e.n_fields;
    it->p = e.fields;
    it->same = e.flags & STREAM_SAME ? it->names : NULL;
    return !(e.flags & STREAM_DELETED);
}

static bool beyond(const struct stream_iter *it)
{
    return it->down ? stream_id_cmp(it->id, it->from) < 0 : stream_id_cmp(it->id, it->to) > 0;
}

static bool before_start(const struct stream_iter *it)
{
    return it->down ? stream_id_cmp(it->id, it->to) > 0 : stream_id_cmp(it->id, it->from) < 0;
}

bool stream_next(struct stream_iter *it)
{
    if (it->block != NULL) leave_entry(it);
    for (;;) {
        if (it->block == NULL && !next_block(it)) return false;
        while (it->entry != NULL && *it->entry != LISTPACK_END) {
            bool there = read_entry(it);

            if (beyond(it)) return false;
            if (there && !before_start(it)) return true;
            leave_entry(it);
        }
        it->block = NULL;
    }
}

bool stream_field(struct stream_iter *it, struct str *field, struct str *value)
{
    if (it->fields_left == 0) return false;
    it->fields_left--;
    if (it->same != NULL) {
        *field = listpack_str(it->same, it->field_scratch);
        it->same = listpack_skip(it->same, 1);
    } else {
        *field = listpack_str(it->p, it->field_scratch);
        it->p = listpack_skip(it->p, 1);
    }
    *value = listpack_str(it->p, it->value_scratch);
    it->p = listpack_skip(it->p, 1);
    return true;
}

bool stream_find(struct stream_iter *it, const struct stream *s, struct stream_id id)
{
    if (stream_id_cmp(id, s->last) > 0) return false;
    stream_iter_start(it, s, id, id, false);
    return stream_next(it);
}

bool stream_find_next(struct stream_iter *it, const struct stream *s, struct stream_id id)
{
    bool there;

    if (it->block == NULL || stream_id_cmp(id, it->id) <= 0) return stream_find(it, s, id);
    do {
        leave_entry(it);
        if (*it->entry == LISTPACK_END) return stream_find(it, s, id);
        there = read_entry(it);
    } while (stream_id_cmp(it->id, id) < 0);
    return there && stream_id_cmp(it->id, id) == 0;
}

bool stream_is_long_from(const struct stream *s, struct stream_id id)
{
    enum { BLOCKS = 64 };
    struct stream_pos at;
    const struct stream_block *b = stream_map_seek(&s->blocks, id, true, &at);

    if (b == NULL) b = stream_map_seek(&s->blocks, id, false, &at);
    for (int i = 0; i < BLOCKS && b != NULL; i++) b = stream_map_step(&s->blocks, &at, false);
    return b != NULL;
}

bool stream_top(const struct stream *s, struct stream_id *id)
{
    struct stream_iter it;

    if (s->length == 0) return false;
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, true);
    ensure(stream_next(&it));
    *id = it.id;
    return true;
}

void stream_iter_resume(struct stream_iter *it, const struct stream *s, const struct stream_group *g)
{
    struct stream_id from = g->last;
    const struct stream_block *b;

    stream_id_next(&from);
    stream_iter_start(it, s, from, STREAM_ID_MAX, false);
    if (g->epoch != s->epoch || stream_id_cmp(g->last, g->mark_last) != 0) return;
    b = stream_map_seek(&s->blocks, g->mark_block, true, &it->at);
    if (b == NULL || stream_id_cmp(b->id, g->mark_block) != 0) return;
    it->started = true;
    open_block(it, b);
    /* As if the entry before it had been read to its end. */
    it->p = b->lp + g->mark_at;
    it->same = NULL;
    it->fields_left = 0;
}

void stream_iter_mark(const struct stream_iter *it, struct stream_group *g)
{
    g->epoch = it->s->epoch;
    g->mark_last = it->id;
    g->mark_block = it->master;
    /* the count of its elements is the entry's last one */
    g->mark_at = (uint32_t)(listpack_skip(it->p, stream_field_elements(it->fields_left, it->same != NULL)) -
                            it->block);
}

/* --- figures ---------------------------------------------------------------------------------- */

struct stream_info stream_info(const struct stream *s)
{
    return (struct stream_info){
        .length = s->length, .first = s->first, .last = s->last, .max_deleted = s->max_deleted,
        .added = s->added, .groups = s->n_groups, .blocks = s->blocks.count,
    };
}

/* Bytes that two IDs, written big-endian as the tree's keys are, have in common at their start. */
static unsigned common_bytes(struct stream_id a, struct stream_id b)
{
    uint64_t x = a.ms ^ b.ms;

    if (x != 0) return (unsigned)__builtin_clzll(x) / 8;
    x = a.seq ^ b.seq;
    return x != 0 ? 8 + (unsigned)__builtin_clzll(x) / 8 : 16;
}

enum { KEY_BYTES = 16 };

/* Redis's tree has a node for each place where keys part, one for each stretch of bytes between such places,
 * and one for the end of each key. Keys are added in order; parts[d] tells whether the path to the last one
 * parts from others at byte d. */
static size_t added_nodes(bool parts[KEY_BYTES], unsigned d)
{
    unsigned from = 0, to = KEY_BYTES;
    size_t own = 1 + (d + 1 < KEY_BYTES), cut = 0;

    for (unsigned i = 0; i < d; i++)
        if (parts[i]) from = i + 1;
    for (unsigned i = KEY_BYTES; i-- > d + 1;)
        if (parts[i]) to = i;
    if (!parts[d]) cut = (size_t)(d > from) + (to > d + 1); /* [from, to) was one stretch */
    memset(parts + d, 0, (KEY_BYTES - d) * sizeof *parts);
    parts[d] = true;
    return own + cut;
}

size_t stream_radix_nodes(const struct stream *s)
{
    const struct stream_block *b = NULL;
    struct stream_id before = STREAM_ID_MIN;
    struct stream_pos at;
    bool parts[KEY_BYTES] = { false };
    size_t nodes = 1, seen = 0;

    while ((b = stream_next_block(s, &at, b)) != NULL) {
        nodes += seen++ == 0 ? 1 : added_nodes(parts, common_bytes(before, b->id));
        before = b->id;
    }
    return nodes;
}
