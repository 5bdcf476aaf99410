/* list_block.c -- the directory and the blocks of a list.
 *
 * The directory is a contiguous array with spare places on both sides, not a ring: it is walked
 * often (every index look-up) and a plain array walks fastest. When a side has no place left, the
 * array slides within its memory while an eighth of it is spare, else it moves to a larger one: a
 * few descriptors are moved per block added, however pushes at both ends alternate. */
#include "storage/list_block.h"

size_t list_dir_cap(const struct list *l)
{
    return (mem_usable(list_dir_head(l)) - sizeof(struct dir_head)) / sizeof(struct block);
}

size_t list_dir_bytes(const struct list *l)
{
    return l->n_blocks > 1 ? mem_usable(list_dir_head(l)) : 0;
}

void list_dir_free(struct list *l)
{
    mem_free(list_dir_head(l));
}

/* A directory with room for n descriptors at least. */
static struct block *dir_new(size_t n, size_t mem)
{
    struct dir_head *head = mem_alloc(mem_good_size(sizeof *head + n * sizeof(struct block)));

    head->mem = mem;
    return (struct block *)(void *)(head + 1);
}

/* Move all descriptors to the array p, which may be the one they are in, with a place for k more on the side asked
 * for and what is spare beyond that shared by both sides. */
static void dir_place(struct list *l, struct block *p, size_t k, bool room_right)
{
    struct list to = { .dir = { p, 0 }, .n_blocks = l->n_blocks };
    size_t n = l->n_blocks, cap = list_dir_cap(&to), spare = cap - n - k;
    size_t at = room_right ? spare / 2 : cap - n - spare / 2;

    memmove(p + at, l->dir.p + l->dir.at, n * sizeof *p);
    if (p != l->dir.p) list_dir_free(l);
    l->dir = (struct block_dir){ p, (uint32_t)at };
}

static void dir_reserve(struct list *l, size_t k, bool room_right)
{
    size_t n = l->n_blocks;

    if (list_dir_cap(l) < n + k + n / 8)
        dir_place(l, dir_new(n + k + n / 8, list_dir_head(l)->mem), k, room_right);
    else
        dir_place(l, l->dir.p, k, room_right);
}

/* From no block or one to a directory with room for k more. */
static struct block *dir_begin(struct list *l, size_t i, size_t k)
{
    size_t n = l->n_blocks;
    struct block *p;

    if (n + k > 1) {
        p = dir_new(n + k, n == 1 ? mem_usable(block_p(&l->one)) : 0);
        if (n == 1) p[i == 0 ? k : 0] = l->one;
        l->dir = (struct block_dir){ p, 0 };
    }
    l->n_blocks = (uint32_t)(n + k);
    return list_blocks(l) + i;
}

struct block *list_dir_open(struct list *l, size_t i, size_t k)
{
    size_t n = l->n_blocks;
    bool move_right = 2 * i >= n; /* the shorter side moves */
    struct block *p;

    if (n < 2) return dir_begin(l, i, k);
    if (move_right ? list_dir_cap(l) - l->dir.at - n < k : l->dir.at < k) dir_reserve(l, k, move_right);
    p = l->dir.p + l->dir.at;
    if (move_right) {
        memmove(p + i + k, p + i, (n - i) * sizeof *p);
    } else {
        memmove(p - k, p, i * sizeof *p);
        l->dir.at -= (uint32_t)k;
    }
    l->n_blocks = (uint32_t)(n + k);
    return list_blocks(l) + i;
}

/* What is left fits into less: one block needs no directory, few need a small one. */
static void dir_shrink(struct list *l)
{
    size_t n = l->n_blocks;
    struct block one;

    if (n == 1) {
        one = l->dir.p[l->dir.at];
        list_dir_free(l);
        l->one = one;
    } else if (n == 0) {
        list_dir_free(l);
    } else if (list_dir_cap(l) > n + n / 4) {
        if (mem_good_size(sizeof(struct dir_head) + n * sizeof one) < list_dir_bytes(l))
            dir_place(l, dir_new(n, list_dir_head(l)->mem), 0, true);
    }
}

void list_dir_close(struct list *l, size_t i, size_t k)
{
    size_t n = l->n_blocks, after = n - i - k;
    struct block *p;

    if (k == 0) return;
    if (n == 1) {
        l->n_blocks = 0;
        return;
    }
    p = l->dir.p + l->dir.at;
    if (i < after) {
        memmove(p + k, p, i * sizeof *p);
        l->dir.at += (uint32_t)k;
    } else {
        memmove(p + i, p + i + k, after * sizeof *p);
    }
    l->n_blocks = (uint32_t)(n - k);
    dir_shrink(l);
}

void list_block_move(struct list *l, size_t i, size_t cap, size_t start)
{
    struct block *b = list_blocks(l) + i;
    char *p = mem_alloc(cap);

    if (l->n_blocks > 1) list_mem(l, cap, i == l->n_blocks - 1 ? l->tail_cap : mem_usable(block_p(b)));
    memcpy(p + start, list_data(l, b, i), b->n);
    if (i == l->n_blocks - 1) {
        mem_free_sized(block_p(b), l->tail_cap);
        list_set_cap(l, cap);
    } else {
        mem_free(block_p(b));
    }
    block_set_p(b, p);
    if (i == 0) list_set_start(l, start);
}

void list_block_fit(struct list *l, size_t i)
{
    struct block *b = list_blocks(l) + i;
    bool last = i == l->n_blocks - 1;
    size_t worth = 64 + l->bytes / 64, good, cap;

    if (last) {
        cap = l->tail_cap;
    } else if (i == 0) {
        if (l->head_start <= worth) return;
        cap = mem_usable(block_p(b));
    } else { /* there may be many such blocks, and they are not about to be pushed to */
        worth = b->n / 8u;
        cap = mem_usable(block_p(b));
    }
    if (cap - b->n <= worth) return;
    good = mem_good_size(b->n);
    if (good < cap) list_block_move(l, i, good, 0);
}

void list_tail_changed(struct list *l)
{
    struct block *b = list_blocks(l) + l->n_blocks - 1;
    size_t cap = mem_usable(block_p(b));

    list_set_cap(l, cap < LIST_BLOCK_MAX ? cap : LIST_BLOCK_MAX);
}

void list_clear(struct list *l)
{
    struct block *b = list_blocks(l);

    for (size_t i = 0; i < l->n_blocks; i++) mem_free(block_p(&b[i]));
    if (l->n_blocks > 1) list_dir_free(l);
    *l = (struct list){ .quick = l->quick, .name_at = l->name_at };
}
