/* list_split.c -- breaking the end of a list off: blocks change hands, and only the one in which the break
 * lies is copied. */
#include "storage/list_block.h"

/* Append a block of the n bytes at p, of which `starts` elements begin, the first at `first`. */
static void add_copy(struct list *to, const char *p, size_t n, size_t starts, size_t first)
{
    struct block *b = list_dir_open(to, to->n_blocks, 1);

    *b = (struct block){ .n = (uint16_t)n, .n_starts = (uint16_t)starts, .first = (uint16_t)first };
    block_set_p(b, memcpy(mem_alloc(mem_good_size(n)), p, n));
    list_mem(to, mem_good_size(n), 0);
}

static size_t mem_of(const struct block *b, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) sum += mem_usable(block_p(&b[i]));
    return sum;
}

/* The memory of blocks i .. i + k - 1, which are at one end of several: by counting the fewer. */
static size_t mem_of_part(const struct list *l, size_t i, size_t k)
{
    const struct block *b = list_blocks(l);
    size_t rest = l->n_blocks - k;

    if (k <= rest) return mem_of(b + i, k);
    return list_dir_head(l)->mem - mem_of(b + (i == 0 ? k : 0), rest);
}

/* Move descriptors i .. i + k - 1 of l behind those of `to`. */
static void move_blocks(struct list *to, struct list *l, size_t i, size_t k)
{
    size_t n = to->n_blocks, mem;
    struct block *b;

    if (k == 0) return;
    mem = mem_of_part(l, i, k);
    b = list_dir_open(to, n, k);
    memcpy(b, list_blocks(l) + i, k * sizeof *b);
    list_mem(to, mem, 0);
    list_mem(l, 0, mem);
    if (n == 0 && i == 0) list_set_start(to, l->head_start);
    list_dir_close(l, i, k);
}

static void settle_sums(struct list *off, struct list *l, uint64_t n)
{
    const struct block *b = list_blocks(off);
    uint64_t bytes = 0;

    for (size_t i = 0; i < off->n_blocks; i++) bytes += b[i].n;
    list_more(off, n, bytes);
    list_less(l, n, bytes);
    list_tail_changed(off);
    list_tail_changed(l);
}

static void break_left(struct list *off, struct list *l, uint64_t n)
{
    struct list_pos to = list_find(l, n);
    struct block *b;

    move_blocks(off, l, 0, to.block);
    if (to.block > 0) list_set_start(l, 0);
    b = list_blocks(l);
    if (to.off > 0) add_copy(off, list_data(l, b, 0), to.off, to.nth, to.nth > 0 ? b->first : 0);
    list_set_start(l, l->head_start + to.off);
    b->n = (uint16_t)(b->n - to.off);
    b->n_starts = (uint16_t)(b->n_starts - to.nth);
    b->first = 0;
    settle_sums(off, l, n);
    list_block_fit(l, 0);
}

static void break_right(struct list *off, struct list *l, uint64_t n)
{
    struct list_pos from = list_find(l, l->count - n);
    struct block *b = list_blocks(l) + from.block;
    size_t whole = from.block + (from.off > 0);

    if (from.off > 0) {
        add_copy(off, list_data(l, b, from.block) + from.off, b->n - from.off, b->n_starts - from.nth, 0);
        b->n = (uint16_t)from.off;
        b->n_starts = (uint16_t)from.nth;
        if (b->n_starts == 0) b->first = 0;
    }
    move_blocks(off, l, whole, l->n_blocks - whole);
    settle_sums(off, l, n);
    list_block_fit(l, l->n_blocks - 1);
}

struct list *list_break_off(struct list *l, enum list_end end, uint64_t n)
{
    struct list *off = list_new();

    ensure(n > 0 && n <= l->count);
    if (n == l->count) {
        *off = *l;
        *l = (struct list){ .quick = l->quick, .name_at = l->name_at };
    } else if (end == LIST_LEFT) {
        break_left(off, l, n);
    } else {
        break_right(off, l, n);
    }
    return off;
}
