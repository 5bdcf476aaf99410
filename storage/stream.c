/* stream.c -- a stream's entries, made and changed; stream_read.c reads them, stream_block.h tells how they
 * lie. */
#include "storage/stream.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/db.h"
#include "storage/stream_block.h"
#include "storage/stream_edit.h"

/* A listpack always lies in the size class of its own size. */
static size_t block_mem(const struct stream_block *b)
{
    return mem_good_size(listpack_bytes(b->lp));
}

/* --- the whole -------------------------------------------------------------------------------- */

struct stream *stream_new(void)
{
    struct stream *s = mem_zalloc(sizeof *s);

    stream_map_init(&s->blocks, sizeof(struct stream_block), &s->mem);
    return s;
}

const struct stream_block *stream_next_block(const struct stream *s, struct stream_pos *at,
                                             const struct stream_block *b)
{
    return b == NULL ? stream_map_seek(&s->blocks, STREAM_ID_MIN, false, at)
                     : stream_map_step(&s->blocks, at, false);
}

void stream_free(struct stream **sp)
{
    struct stream *s = *sp;
    const struct stream_block *b = NULL;
    struct stream_pos at;

    if (s == NULL) return;
    ensure(s->blocks.cut == NULL); /* or the snapshot would own it */
    while ((b = stream_next_block(s, &at, b)) != NULL) mem_free(b->lp);
    stream_map_fini(&s->blocks);
    stream_free_groups(s);
    mem_free(s);
    *sp = NULL;
}

/* All but the blocks and the groups. */
static struct stream *dup_figures(const struct stream *s)
{
    struct stream *to = mem_dup(s, sizeof *s);

    to->mem = 0;
    stream_map_init(&to->blocks, sizeof(struct stream_block), &to->mem);
    to->groups = NULL;
    to->n_groups = to->cap_groups = 0;
    return to;
}

/* Groups come at once, behind the blocks: they are few. */
bool stream_dup_some(struct store *st, const void *ptr, void **to, struct dup_place *at, size_t n)
{
    enum { A_BLOCK = 16 /* elements */ };
    const struct stream *s = ptr;
    struct stream *copy = *to;
    const struct stream_block *b = NULL;
    struct stream_block *put;
    struct stream_pos pos;
    bool made;

    (void)st, (void)at;
    if (copy == NULL) *to = copy = dup_figures(s);
    else if ((put = stream_map_last(&copy->blocks)) != NULL) b = stream_map_seek(&s->blocks, put->id, false, &pos);
    for (n /= A_BLOCK; n > 0; n--) {
        b = stream_next_block(s, &pos, b);
        if (b == NULL) {
            stream_dup_groups(copy, s);
            return false;
        }
        put = stream_map_put(&copy->blocks, b->id, &made);
        put->lp = listpack_dup(b->lp);
        copy->mem += block_mem(put);
    }
    return true;
}

struct stream *stream_dup(const struct stream *s)
{
    void *to = NULL;

    (void)stream_dup_some(NULL, s, &to, NULL, SIZE_MAX);
    return to;
}

/* --- the snapshot's share --------------------------------------------------------------------- */

/* What is kept of a block is its bytes. */
static unsigned char **keep(struct stream *s, const struct stream_block *b)
{
    char *fields;

    if (LIKELY(s->blocks.cut == NULL)) return NULL;
    fields = stream_map_keep(&s->blocks, b->id);
    if (fields == NULL) return NULL;
    return (unsigned char **)(void *)(fields + offsetof(struct stream_block, lp) - sizeof b->id);
}

static void before_change(struct stream *s, const struct stream_block *b)
{
    unsigned char **kept = keep(s, b);

    if (kept != NULL) *kept = listpack_dup(b->lp);
}

/* The block is about to be removed from the map. */
static void give_up(struct stream *s, const struct stream_block *b)
{
    s->mem -= block_mem(b);
    if (keep(s, b) == NULL) mem_free(b->lp);
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool block_is_full(const struct store_conf *conf, const struct stream_block *b, size_t bytes)
{
    size_t max = conf->stream_node_max_bytes;
    uint64_t live, deleted;

    if (max == 0 || max > LISTPACK_MAX_BYTES) max = LISTPACK_MAX_BYTES;
    if (listpack_bytes(b->lp) + bytes >= max) return true;
    if (conf->stream_node_max_entries == 0) return false;
    stream_block_counts(b->lp, &live, &deleted);
    return live + deleted >= conf->stream_node_max_entries;
}

enum err stream_append(struct stream *s, const struct store_conf *conf, struct stream_id id,
                       const struct str *pairs, size_t n)
{
    struct stream_block *b = stream_map_last(&s->blocks);
    size_t bytes = 0;
    bool made;

    for (size_t i = 0; i < 2 * n; i++) bytes += pairs[i].n;
    if (bytes >= LISTPACK_MAX_BYTES || stream_block_room(bytes, n) > LISTPACK_MAX_BYTES * 2)
        return ERR_XADD_TOO_LARGE;
    if (b == NULL || block_is_full(conf, b, bytes)) {
        b = stream_map_put(&s->blocks, id, &made);
        b->lp = stream_block_new(pairs, n);
    } else {
        before_change(s, b);
        s->mem -= block_mem(b);
    }
    if (stream_block_append(&b->lp, b->id, id, pairs, n)) s->epoch++;
    s->mem += block_mem(b);
    s->length++;
    s->added++;
    s->last = id;
    if (s->length == 1) s->first = id;
    return OK;
}

/* --- removing --------------------------------------------------------------------------------- */

static void find_first(struct stream *s)
{
    struct stream_iter it;

    s->first = STREAM_ID_MIN;
    if (s->length == 0) return;
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    ensure(stream_next(&it));
    s->first = it.id;
}

/* May the whole first block of `length` entries in all go? */
static bool goes_whole(uint64_t length, const struct stream_trim *t, const struct stream_block *b, uint64_t live)
{
    if (t->by == STREAM_TRIM_MAXLEN) return length - live >= t->max_len;
    return stream_id_cmp(stream_block_last(b->lp, b->id), t->min_id) < 0;
}

static void count_deleted(struct stream *s, struct stream_block *b, uint64_t n)
{
    s->mem -= block_mem(b);
    stream_block_count_deleted(&b->lp, n);
    s->mem += block_mem(b);
}

/* Mark entries of the block from its first on, as far as t has it. *first_found: s->first is right. */
static uint64_t trim_within(struct stream *s, const struct stream_trim *t, struct stream_block *b,
                            bool *first_found)
{
    struct stream_head h = stream_block_head(b->lp);
    const unsigned char *p = h.entries;
    uint64_t n = 0;

    before_change(s, b);
    while (*p != LISTPACK_END && !*first_found) {
        struct stream_entry e = stream_block_entry(&h, b->id, p);

        if (e.flags & STREAM_DELETED) {
            /* as before */
        } else if (t->by == STREAM_TRIM_MAXLEN ? s->length <= t->max_len
                                               : stream_id_cmp(e.id, t->min_id) >= 0) {
            s->first = e.id;
            *first_found = true;
        } else {
            stream_block_mark(p);
            s->length--;
            n++;
        }
        p = stream_block_behind(e.fields, e.n_fields, (e.flags & STREAM_SAME) != 0);
    }
    if (n > 0) count_deleted(s, b, n);
    return n;
}

uint64_t stream_trim(struct stream *s, const struct stream_trim *t)
{
    struct stream_block *b;
    uint64_t removed = 0, live, deleted;
    bool first_found = false;

    while ((b = stream_map_first(&s->blocks)) != NULL) {
        if (t->by == STREAM_TRIM_MAXLEN && s->length <= t->max_len) break;
        if (t->by == STREAM_TRIM_MINID && stream_id_cmp(b->id, t->min_id) >= 0) break;
        stream_block_counts(b->lp, &live, &deleted);
        if (t->limit > 0 && removed + live > t->limit) break;
        if (!goes_whole(s->length, t, b, live)) {
            if (!t->whole_blocks) removed += trim_within(s, t, b, &first_found);
            break;
        }
        give_up(s, b);
        stream_map_drop_first(&s->blocks);
        s->length -= live;
        removed += live;
    }
    if (removed > 0) {
        s->epoch++;
        if (!first_found) find_first(s);
    }
    return removed;
}

/* Entries of the block below min_id. */
static uint64_t count_below(const struct stream_block *b, struct stream_id min_id)
{
    struct stream_head h = stream_block_head(b->lp);
    const unsigned char *p = h.entries;
    uint64_t n = 0;

    while (*p != LISTPACK_END) {
        struct stream_entry e = stream_block_entry(&h, b->id, p);

        if (stream_id_cmp(e.id, min_id) >= 0) break;
        n += !(e.flags & STREAM_DELETED);
        p = stream_block_behind(e.fields, e.n_fields, (e.flags & STREAM_SAME) != 0);
    }
    return n;
}

uint64_t stream_trim_count(const struct stream *s, const struct stream_trim *t)
{
    const struct stream_block *b = NULL;
    struct stream_pos at;
    uint64_t length = s->length, live, deleted;

    while ((b = stream_next_block(s, &at, b)) != NULL) {
        if (t->by == STREAM_TRIM_MAXLEN && length <= t->max_len) break;
        if (t->by == STREAM_TRIM_MINID && stream_id_cmp(b->id, t->min_id) >= 0) break;
        stream_block_counts(b->lp, &live, &deleted);
        if (t->limit > 0 && s->length - length + live > t->limit) break;
        if (!goes_whole(length, t, b, live)) {
            if (!t->whole_blocks)
                length = t->by == STREAM_TRIM_MAXLEN ? t->max_len : length - count_below(b, t->min_id);
            break;
        }
        length -= live;
    }
    return s->length - length;
}

bool stream_delete(struct stream *s, struct stream_id id)
{
    struct stream_iter it;
    struct stream_block *b;
    uint64_t live, deleted;

    if (!stream_find(&it, s, id)) return false;
    b = stream_map_find(&s->blocks, it.master);
    stream_block_counts(b->lp, &live, &deleted);
    if (live == 1) {
        give_up(s, b);
        stream_map_remove(&s->blocks, it.master);
    } else {
        before_change(s, b);
        stream_block_mark(it.entry);
        count_deleted(s, b, 1);
    }
    s->length--;
    s->epoch++;
    if (stream_id_cmp(id, s->max_deleted) > 0) s->max_deleted = id;
    if (stream_id_cmp(id, s->first) == 0) find_first(s);
    return true;
}

/* --- from outside ----------------------------------------------------------------------------- */

const char *stream_add_block(struct stream *s, struct stream_id id, struct str bytes)
{
    const char *why = stream_block_fault(bytes, id);
    const struct stream_block *last = stream_map_last(&s->blocks);
    struct stream_block *b;
    bool made;

    if (why != NULL) return why;
    if (last != NULL && stream_id_cmp(stream_block_last(last->lp, last->id), id) >= 0)
        return "blocks are out of order";
    b = stream_map_put(&s->blocks, id, &made);
    b->lp = memcpy(mem_alloc(mem_good_size(bytes.n)), bytes.p, bytes.n);
    s->mem += block_mem(b);
    return NULL;
}

void stream_count_blocks(struct stream *s)
{
    const struct stream_block *b = NULL;
    struct stream_pos at;

    s->length = 0;
    while ((b = stream_next_block(s, &at, b)) != NULL) {
        uint64_t live, deleted;

        stream_block_counts(b->lp, &live, &deleted);
        s->length += live;
    }
    find_first(s);
    b = stream_map_last(&s->blocks);
    if (b != NULL) s->last = stream_block_last(b->lp, b->id);
}

/* --- invariants ------------------------------------------------------------------------------- */

void stream_check(const struct stream *s)
{
    const struct stream_block *b = NULL;
    struct stream_pos at;
    struct stream_id before = STREAM_ID_MIN;
    uint64_t length = 0;
    struct stream_iter it;

    stream_map_check(&s->blocks);
    while ((b = stream_next_block(s, &at, b)) != NULL) {
        uint64_t live, deleted;

        ensure(stream_block_fault(str_of(b->lp, listpack_bytes(b->lp)), b->id) == NULL);
        ensure(mem_usable(b->lp) >= listpack_bytes(b->lp));
        ensure(length == 0 || stream_id_cmp(before, b->id) < 0);
        before = stream_block_last(b->lp, b->id);
        stream_block_counts(b->lp, &live, &deleted);
        length += live;
    }
    ensure(length == s->length);
    ensure(stream_id_cmp(before, s->last) <= 0);
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    if (length > 0)
        ensure(stream_next(&it) && stream_id_cmp(it.id, s->first) == 0);
    else
        ensure(stream_id_is_zero(s->first));
    for (size_t i = 0; i < s->n_groups; i++) stream_group_check(s->groups[i]);
    ensure(stream_weight(ENC_STREAM, s) == stream_value_bytes(ENC_STREAM, s, 0));
}

/* --- type_ops --------------------------------------------------------------------------------- */

void stream_free_value(enum value_enc enc, void *ptr)
{
    struct stream *s = ptr;

    (void)enc;
    stream_free(&s);
}

size_t stream_free_effort(enum value_enc enc, const void *ptr)
{
    const struct stream *s = ptr;
    size_t n = s->blocks.count;

    (void)enc;
    for (size_t i = 0; i < s->n_groups; i++)
        n += s->groups[i]->n_consumers * 2 + 2 * stream_map_runs(&s->groups[i]->pending);
    return n;
}

void *stream_dup_value(struct store *st, enum value_enc enc, const void *ptr)
{
    (void)st, (void)enc;
    return stream_dup(ptr);
}

static size_t blocks_bytes(const struct stream *s, size_t samples)
{
    const struct stream_block *b = NULL;
    struct stream_pos at;
    size_t bytes = 0, seen = 0;

    while ((samples == 0 || seen < samples) && (b = stream_next_block(s, &at, b)) != NULL) {
        bytes += mem_usable(b->lp);
        seen++;
    }
    if (seen == s->blocks.count) return bytes;
    return seen > 0 ? (size_t)((double)bytes / (double)seen * (double)s->blocks.count) : 0;
}

size_t stream_weight(enum value_enc enc, const void *ptr)
{
    const struct stream *s = ptr;

    (void)enc;
    return mem_usable(s) + s->mem;
}

size_t stream_value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    const struct stream *s = ptr;
    size_t bytes = mem_usable(s) + stream_map_bytes(&s->blocks) + blocks_bytes(s, samples);

    (void)enc;
    if (s->groups != NULL) bytes += mem_usable(s->groups);
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct stream_group *g = s->groups[i];

        bytes += mem_usable(g) + stream_map_bytes(&g->pending);
        if (g->consumers != NULL) bytes += mem_usable(g->consumers);
        for (size_t j = 0; j < g->n_consumers; j++)
            bytes += mem_usable(g->consumers[j]) + stream_map_bytes(&g->consumers[j]->pending);
    }
    return bytes;
}
