/* list_read.c -- finding and reading elements. */
#include "storage/list_block.h"

size_t list_start_at(const struct list *l, size_t i, size_t k)
{
    const struct block *b = list_blocks(l) + i;
    const char *p = list_data(l, b, i);
    size_t off = b->first;

    while (k-- > 0) off += frame_size(p + off);
    return off;
}

struct list_pos list_find(const struct list *l, uint64_t index)
{
    const struct block *b = list_blocks(l);
    size_t i = 0;
    uint64_t before = 0; /* elements that begin in blocks before i */

    if (index < l->count / 2) {
        while (before + b[i].n_starts <= index) before += b[i++].n_starts;
    } else {
        i = l->n_blocks;
        before = l->count;
        while (before > index) before -= b[--i].n_starts;
    }
    return (struct list_pos){ i, list_start_at(l, i, index - before), index - before };
}

/* Call fn for the bytes from a to b. */
static void spans(const struct list *l, struct list_pos a, struct list_pos b,
                  void (*fn)(void *ctx, const char *p, size_t n), void *ctx)
{
    const struct block *blocks = list_blocks(l);
    size_t from = a.off, to;

    for (size_t i = a.block; i <= b.block && i < l->n_blocks; i++, from = 0) {
        to = i == b.block ? b.off : blocks[i].n;
        if (to > from) fn(ctx, list_data(l, blocks + i, i) + from, to - from);
    }
}

void list_spans(const struct list *l, uint64_t start, uint64_t stop,
                void (*fn)(void *ctx, const char *p, size_t n), void *ctx)
{
    struct list_pos a = { 0 }, b = { .block = l->n_blocks };

    ensure(start <= stop && stop < l->count);
    if (start > 0) a = list_find(l, start);
    if (stop + 1 < l->count) b = list_find(l, stop + 1);
    spans(l, a, b, fn, ctx);
}

/* Give the n bytes from offset off of block i to fn, piece by piece, while it returns true. */
static bool pieces(const struct list *l, size_t i, size_t off, size_t n,
                   bool (*fn)(void *ctx, const char *p, size_t n), void *ctx)
{
    const struct block *b = list_blocks(l);
    size_t take;

    for (; n > 0; i++, off = 0) {
        take = b[i].n - off < n ? b[i].n - off : n;
        if (take > 0 && !fn(ctx, list_data(l, b + i, i) + off, take)) return false;
        n -= take;
    }
    return true;
}

static bool append_piece(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
    return true;
}

static bool compare_piece(void *ctx, const char *p, size_t n)
{
    struct str *rest = ctx;
    bool same = memcmp(rest->p, p, n) == 0;

    rest->p += n;
    rest->n -= n;
    return same;
}

static struct str get_at(const struct list *l, size_t i, size_t off, struct buf *scratch)
{
    const struct block *b = list_blocks(l) + i;
    const char *p = list_data(l, b, i);
    size_t n, head = frame_read(p + off, &n);

    if (off + head + n <= b->n) return str_of(p + off + head, n);
    buf_clear(scratch);
    buf_room(scratch, n);
    pieces(l, i, off + head, n, append_piece, scratch);
    return buf_str(scratch);
}

struct str list_get(const struct list *l, uint64_t index, struct buf *scratch)
{
    struct list_pos at = { 0 };

    ensure(index < l->count);
    if (index > 0) at = list_find(l, index);
    return get_at(l, at.block, at.off, scratch);
}

/* --- iterator -------------------------------------------------------------------------------- */

/* Remember where the first n elements of block i begin. */
static void load_starts(struct list_iter *it, size_t i, size_t n)
{
    const struct block *b = list_blocks(it->l) + i;
    const char *p = list_data(it->l, b, i);
    size_t off = b->first;

    for (size_t k = 0; k < n; k++) {
        it->starts[k] = (uint16_t)off;
        off += frame_size(p + off);
    }
    it->block = i;
    it->left = n;
}

void list_iter_at(struct list_iter *it, const struct list *l, uint64_t index, enum list_end toward)
{
    struct list_pos at;

    it->l = l;
    it->toward = toward;
    it->off = it->left = 0;
    it->block = toward == LIST_LEFT ? 0 : l->n_blocks;
    it->fresh = index < l->count;
    if (!it->fresh) return;
    at = list_find(l, index);
    if (toward == LIST_LEFT) {
        load_starts(it, at.block, at.nth);
    } else {
        it->block = at.block;
        it->left = list_blocks(l)[at.block].n_starts - at.nth - 1;
    }
    it->off = at.off;
}

static bool next_left(struct list_iter *it)
{
    const struct block *b = list_blocks(it->l);
    size_t i = it->block;

    if (it->left == 0) {
        do {
            if (i == 0) return false;
            i--;
        } while (b[i].n_starts == 0);
        load_starts(it, i, b[i].n_starts);
    }
    it->off = it->starts[--it->left];
    return true;
}

static bool next_right(struct list_iter *it)
{
    const struct block *b = list_blocks(it->l);
    size_t i = it->block;

    if (it->left > 0) {
        it->off += frame_size(list_data(it->l, b + i, i) + it->off);
        it->left--;
        return true;
    }
    do {
        if (i >= it->l->n_blocks || ++i == it->l->n_blocks) return false;
    } while (b[i].n_starts == 0);
    it->block = i;
    it->off = b[i].first;
    it->left = b[i].n_starts - 1;
    return true;
}

bool list_next(struct list_iter *it)
{
    if (it->fresh) {
        it->fresh = false;
        return true;
    }
    return it->toward == LIST_RIGHT ? next_right(it) : next_left(it);
}

struct str list_iter_get(const struct list_iter *it, struct buf *scratch)
{
    return get_at(it->l, it->block, it->off, scratch);
}

bool list_iter_is(const struct list_iter *it, struct str v)
{
    const struct list *l = it->l;
    const struct block *b = list_blocks(l) + it->block;
    size_t n, head = frame_read(list_data(l, b, it->block) + it->off, &n);

    if (n != v.n) return false;
    return pieces(l, it->block, it->off + head, n, compare_piece, &v);
}
