/* list_edit.c -- changes in the middle of a list.
 *
 * An insertion widens the block it falls into, or splits it where the element goes. A removal is
 * one pass that moves what is kept towards the front of its own block: never from block to block,
 * except that small neighbours are merged, so the pass costs no more than reading the list. */
#include "storage/list_block.h"

/* --- merging --------------------------------------------------------------------------------- */

static bool small_pair(const struct list *l, const struct block *a, const struct block *b)
{
    return a->n + b->n <= (int)list_block_limit(l, 0) / 2 &&
           a->n_starts + b->n_starts <= LIST_MERGE_STARTS;
}

/* Append the content of b to a, which is block i. b's memory is freed, its descriptor stays. */
static void merge(struct list *l, struct block *a, size_t i, const struct block *b)
{
    char *p = mem_alloc(mem_good_size((size_t)a->n + b->n));

    memcpy(p, list_data(l, a, i), a->n);
    memcpy(p + a->n, block_p(b), b->n);
    list_mem(l, mem_usable(p), mem_usable(block_p(a)) + mem_usable(block_p(b)));
    mem_free(block_p(a));
    mem_free(block_p(b));
    block_set_p(a, p);
    if (a->n_starts == 0 && b->n_starts > 0) a->first = (uint16_t)(a->n + b->first);
    a->n = (uint16_t)(a->n + b->n);
    a->n_starts = (uint16_t)(a->n_starts + b->n_starts);
    if (i == 0) l->head_start = 0;
}

/* After an edit of blocks from .. to: merge small neighbours there, give back spare room. */
static void settle(struct list *l, size_t from, size_t to)
{
    struct block *b = list_blocks(l);
    size_t i = from > 0 ? from - 1 : 0;

    while (i <= to && i + 1 < l->n_blocks) {
        if (small_pair(l, b + i, b + i + 1)) {
            merge(l, b + i, i, b + i + 1);
            list_dir_close(l, i + 1, 1);
            b = list_blocks(l);
            if (to > 0) to--;
        } else {
            i++;
        }
    }
    if (l->n_blocks > 0) list_tail_changed(l);
    for (i = from; i <= to && i < l->n_blocks; i++) list_block_fit(l, i);
}

/* --- removing -------------------------------------------------------------------------------- */

/* The pass described above: what it looks for and how far it has come. */
struct pass {
    struct str v;
    bool any; /* every element matches */
    uint64_t max;
    uint64_t removed;
    size_t skip; /* bytes of a removed element that lie in blocks to come */
};

static bool matches(const struct pass *s, const struct list *l, size_t i, size_t off)
{
    struct list_iter at;

    if (s->removed == s->max) return false;
    if (s->any) return true;
    at.l = l;
    at.block = i;
    at.off = off;
    return list_iter_is(&at, s->v);
}

/* Remove what matches from block i, looking at the elements from offset off on, before which
 * `starts` others begin. */
static void pass_block(struct pass *s, struct list *l, size_t i, size_t off, size_t starts)
{
    struct block *b = list_blocks(l) + i;
    char *p = list_data(l, b, i);
    size_t cut = s->skip < b->n ? s->skip : b->n; /* the rest of a removed element */
    size_t at = off > b->first ? off : b->first;  /* reading here */
    size_t to;                                    /* writing here */
    size_t n_starts = starts, size, take;

    s->skip -= cut;
    list_less(l, 0, cut);
    if (b->n_starts == 0) at = b->n;
    if (cut > 0) memmove(p, p + cut, at - cut);
    to = at - cut;
    if (starts == 0) b->first = (uint16_t)to;
    for (size_t k = starts; k < b->n_starts; k++, at += take) {
        size = frame_size(p + at);
        take = size < b->n - at ? size : b->n - at;
        if (matches(s, l, i, at)) {
            s->removed++;
            s->skip = size - take;
            list_less(l, 0, take);
        } else {
            if (to < at) memmove(p + to, p + at, take);
            to += take;
            n_starts++;
        }
    }
    b->n = (uint16_t)to;
    b->n_starts = (uint16_t)n_starts;
    if (n_starts == 0) b->first = 0;
}

/* Remove matching elements from `from` on. */
static void run_pass(struct pass *s, struct list *l, struct list_pos from)
{
    struct block *b = list_blocks(l);
    size_t n = l->n_blocks, to = from.block, at;

    for (at = to; at < n && (s->skip > 0 || s->removed < s->max); at++) {
        pass_block(s, l, at, from.off, from.nth);
        from.off = from.nth = 0;
        if (b[at].n == 0) {
            list_mem(l, 0, mem_usable(block_p(&b[at])));
            mem_free(block_p(&b[at]));
            if (at == 0) l->head_start = 0;
        } else if (to > 0 && small_pair(l, &b[to - 1], &b[at])) {
            merge(l, &b[to - 1], to - 1, &b[at]);
        } else {
            b[to++] = b[at];
        }
    }
    list_less(l, s->removed, 0);
    if (l->count == 0) {
        if (n > 1) list_dir_free(l); /* all blocks are freed; the directory is left */
        l->n_blocks = 0;
        list_clear(l);
        return;
    }
    list_dir_close(l, to, at - to);
    settle(l, from.block, to);
}

uint64_t list_remove(struct list *l, struct str v, uint64_t max, enum list_end from)
{
    struct pass s = { .v = v, .max = max == 0 ? UINT64_MAX : max };
    struct list_pos at = { 0 };
    struct list_iter it;
    uint64_t found = 0;

    if (l->count == 0) return 0;
    if (max > 0 && from == LIST_RIGHT) { /* look for the place to begin, then go right from it */
        list_iter_at(&it, l, l->count - 1, LIST_LEFT);
        while (found < max && list_next(&it)) {
            if (!list_iter_is(&it, v)) continue;
            found++;
            at = (struct list_pos){ it.block, it.off, it.left };
        }
        if (found == 0) return 0;
        s.max = found;
    }
    run_pass(&s, l, at);
    return s.removed;
}

/* --- inserting ------------------------------------------------------------------------------- */

static bool fits(const struct list *l, const struct block *b, const struct frame *f)
{
    return b->n + f->size <= list_block_limit(l, f->size) && b->n_starts < 2 * LIST_BLOCK_STARTS;
}

/* Put f at offset off, a boundary of elements, of block i; it fits. */
static void widen(struct list *l, size_t i, size_t off, const struct frame *f)
{
    struct block *b = list_blocks(l) + i;
    size_t n = b->n, start = i == 0 ? l->head_start : 0;
    char *p;

    if (start + n + f->size > mem_usable(block_p(b))) {
        list_block_move(l, i, mem_good_size(n + f->size), 0);
    }
    p = list_data(l, b, i);
    memmove(p + off + f->size, p + off, n - off);
    frame_copy(p + off, f, 0, f->size);
    b->n = (uint16_t)(n + f->size);
    if (b->n_starts++ == 0 || off < b->first) b->first = (uint16_t)off;
}

/* Cut block i at off > 0, where an element begins, after `before` others. */
static void split(struct list *l, size_t i, size_t off, size_t before)
{
    size_t n, cap;
    struct block *b = list_dir_open(l, i + 1, 1) - 1;

    n = b[0].n - off;
    cap = mem_good_size(n);
    b[1] = (struct block){ .n = (uint16_t)n, .n_starts = (uint16_t)(b[0].n_starts - before) };
    block_set_p(&b[1], memcpy(mem_alloc(cap), list_data(l, &b[0], i) + off, n));
    list_mem(l, cap, 0);
    b[0].n = (uint16_t)off;
    b[0].n_starts = (uint16_t)before;
    if (before == 0) b[0].first = 0;
    if (i + 2 == l->n_blocks) list_set_cap(l, cap);
}

/* Put f into blocks of its own before block i. Returns how many. */
static size_t insert_blocks(struct list *l, size_t i, const struct frame *f)
{
    size_t limit = list_block_limit(l, f->size), k = (f->size + limit - 1) / limit, n;
    struct block *b = list_dir_open(l, i, k);

    for (size_t j = 0, at = 0; j < k; j++, at += n) {
        n = f->size - at < limit ? f->size - at : limit;
        b[j] = (struct block){ .n = (uint16_t)n, .n_starts = j == 0 };
        block_set_p(&b[j], mem_alloc(mem_good_size(n)));
        list_mem(l, mem_good_size(n), 0);
        frame_copy(block_p(&b[j]), f, at, n);
    }
    return k;
}

/* Insert f at `at`, an element's beginning other than the list's. */
static void insert_at(struct list *l, struct list_pos at, const struct frame *f)
{
    size_t i = at.block, k = 0;
    struct block *b = list_blocks(l) + i;

    if (fits(l, b, f)) {
        widen(l, i, at.off, f);
        settle(l, i, i);
        return;
    }
    if (at.off > 0) split(l, i++, at.off, at.nth);
    b = list_blocks(l) + i;
    if (fits(l, b - 1, f) && b[-1].n <= b->n) {
        widen(l, i - 1, b[-1].n, f);
    } else if (fits(l, b, f)) {
        widen(l, i, 0, f);
    } else {
        k = insert_blocks(l, i, f);
    }
    settle(l, i - 1, i + k);
}

void list_insert(struct list *l, uint64_t index, struct str v)
{
    struct frame f = frame_of(v);

    ensure(index <= l->count);
    if (index == 0 || index == l->count) {
        list_push(l, index == 0 ? LIST_LEFT : LIST_RIGHT, v);
        return;
    }
    insert_at(l, list_find(l, index), &f);
    list_more(l, 1, f.size);
}

/* --- replacing ------------------------------------------------------------------------------- */

/* Write v over the bytes at off of block i. */
static void overwrite(struct list *l, size_t i, size_t off, struct str v)
{
    struct block *b = list_blocks(l);
    size_t take;

    for (; v.n > 0; i++, off = 0) {
        take = b[i].n - off < v.n ? b[i].n - off : v.n;
        memcpy(list_data(l, b + i, i) + off, v.p, take);
        v.p += take;
        v.n -= take;
    }
}

void list_set(struct list *l, uint64_t index, struct str v)
{
    struct pass one = { .any = true, .max = 1 };
    struct list_pos at;
    const struct block *b;
    size_t n, head;

    ensure(index < l->count);
    at = list_find(l, index);
    b = list_blocks(l) + at.block;
    head = frame_read(list_data(l, b, at.block) + at.off, &n);
    if (n == v.n) {
        overwrite(l, at.block, at.off + head, v);
        return;
    }
    if (index == l->count - 1) {
        list_drop(l, LIST_RIGHT, 1);
    } else if (index == 0) {
        list_drop(l, LIST_LEFT, 1);
    } else {
        run_pass(&one, l, at);
    }
    list_insert(l, index, v);
}
