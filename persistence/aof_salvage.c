/* aof_salvage.c -- what is whole in a damaged file.
 *
 * Every batch that its line proves is found, wherever in the rest of the file it is, and they are applied in the
 * order of their numbers: sectors that changed places do no harm then, and none is applied twice. A batch says
 * which database it begins in, so that it means the same although the one before it is lost. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "persistence/aof_impl.h"

struct whole {
    struct mark_found *found; /* by place, then by number */
    size_t n, cap;
};

static void keep(struct whole *w, const struct mark_found *f)
{
    /* A line within a value of a batch that is whole is a value's bytes. */
    while (w->n && w->found[w->n - 1].from >= f->from && f->b.bytes > 0) w->n--;
    if (w->n == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 64;
        w->found = mem_realloc(w->found, w->cap * sizeof *w->found);
    }
    w->found[w->n++] = *f;
}

static void find(struct aof_reader *r, struct whole *w)
{
    struct mark_scan s = { .id = r->head.id[0] ? r->head.id : NULL, .p = (const char *)r->in->p,
                           .n = rdb_in_left(r->in) };
    struct mark_found f;

    while (mark_next(&s, &f))
        if (f.b.seq > r->batches) keep(w, &f);
}

static int by_seq(const void *a, const void *b)
{
    const struct mark_found *x = a, *y = b;

    if (x->b.seq != y->b.seq) return x->b.seq < y->b.seq ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* --- what is lost ---------------------------------------------------------------------------------------- */

/* The key of the first command at p, NULL when it has none. */
static struct str first_key(struct look *l, uint64_t at, uint64_t n)
{
    struct str key = str_of(NULL, 0);

    for (uint64_t used = 0, step; used < n; used += step) {
        enum item it = look_at(l, at + used, &step);

        if (it == ITEM_COMMAND && l->parser.argc > 1 && !look_is(l, "select")) key = l->parser.args[1];
        if (key.p || (it != ITEM_COMMAND && it != ITEM_NOTE)) break;
    }
    look_again(l);
    return key;
}

/* Tell of the bytes between what is whole, by place. */
static void tell_losses(struct aof_reader *r, struct look *l, const struct whole *w)
{
    uint64_t base = rdb_in_at(r->in), at = r->marked ? 0 : r->good_pos - base, seq = r->batches;
    struct aof_loss x = { .offset = r->offset };

    if (r->key.n) x.before = buf_str(&r->key);
    for (size_t i = 0; i <= w->n; i++) {
        const struct mark_found *f = i < w->n ? &w->found[i] : NULL;
        uint64_t upto = f ? f->from : rdb_in_left(r->in);

        if (upto > at) {
            x.from = base + at;
            x.to = base + upto;
            x.first_seq = x.last_seq = 0;
            if (f && f->b.seq > seq + 1) x.first_seq = seq + 1, x.last_seq = f->b.seq - 1;
            if (!f && r->marked) x.first_seq = x.last_seq = seq + 1;
            x.after = f ? first_key(l, f->from, f->b.bytes) : str_of(NULL, 0);
            if (r->lost) r->lost(r->lost_ctx, &x);
        }
        if (!f) break;
        at = f->from + f->b.bytes + f->line_n;
        if (f->b.seq > seq) seq = f->b.seq;
        x.before = str_of(NULL, 0);
    }
}

/* --- what is whole ---------------------------------------------------------------------------------------- */

static void select_db(struct aof_reader *r, int db)
{
    char text[NUM_TEXT_MAX];
    struct str argv[2] = { STR("SELECT"), { text, num_i64(text, db) } }, why;

    if (db >= 0 && r->apply && r->apply(r->apply_ctx, 2, argv, &why) != OK) r->refused++;
}

static void discard(struct aof_reader *r)
{
    static const struct str word = { "DISCARD", 7 };
    struct str why;

    if (r->apply && r->apply(r->apply_ctx, 1, &word, &why) != OK) r->refused++;
}

/* Apply one at its place; in->p is brought back. */
static void apply_found(struct aof_reader *r, struct look *l, const struct mark_found *f)
{
    const unsigned char *here = r->in->p;
    struct aof_extent x;

    r->in->p = here + f->from;
    if (f->b.seq != r->batches + 1) select_db(r, f->b.db);
    aof_measure(l, f->b.bytes, &x);
    look_again(l);
    if (aof_apply_extent(r, l, f->b.bytes) && x.in_multi) discard(r);
    look_again(l);
    r->offset += aof_counted(r, &x, f->b.seq);
    r->batches = f->b.seq;
    r->in->p = here;
}

static enum aof_end apply_all(struct aof_reader *r, struct look *l, struct whole *w, enum aof_end end)
{
    if (w->n) qsort(w->found, w->n, sizeof *w->found, by_seq);
    for (size_t i = 0; i < w->n; i++) {
        if (w->found[i].b.seq <= r->batches) continue; /* a copy */
        if (r->offset >= r->stop_at) break;            /* the next file repeats it */
        apply_found(r, l, &w->found[i]);
        if (r->progress && !r->progress(r->progress_ctx, rdb_in_at(r->in) + w->found[i].from)) return AOF_STOPPED;
        end = AOF_SALVAGED;
    }
    return end;
}

enum aof_end aof_salvage(struct aof_reader *r, struct look *l, enum aof_end end)
{
    struct whole w = { 0 };

    if (!rdb_in_reach(r->in, rdb_in_left(r->in))) return end;
    if (r->marked) find(r, &w);
    if (w.n || end == AOF_DAMAGED) tell_losses(r, l, &w);
    end = apply_all(r, l, &w, end);
    mem_free(w.found);
    return end;
}
