/* list_check.c -- the invariants of list_block.h, walked. */
#include "storage/list_block.h"

/* Elements that begin in block i, and that their headers make sense; *left is how many bytes of the
 * element before reach into the block, and after it how many reach into the next. */
static void check_block(const struct list *l, size_t i, size_t *left)
{
    const struct block *b = list_blocks(l) + i;
    const char *p = list_data(l, b, i);
    size_t at = *left, n, head, starts = 0;

    ensure(b->n > 0 && b->n <= LIST_BLOCK_MAX);
    ensure(mem_usable(block_p(b)) >= b->n + (i == 0 ? l->head_start : 0u));
    if (at < b->n) ensure(b->n_starts > 0 && b->first == at);
    while (at < b->n) {
        ensure(p[at] == '$');
        head = frame_read(p + at, &n);
        ensure(at + head <= b->n && p[at + head - 2] == '\r' && p[at + head - 1] == '\n');
        at += head + n + LIST_TRAILER;
        if (at <= b->n) ensure(p[at - 2] == '\r' && p[at - 1] == '\n');
        starts++;
    }
    ensure(starts == b->n_starts);
    if (starts == 0) ensure(b->first == 0);
    *left = at - b->n;
}

void list_check(const struct list *l)
{
    const struct block *b = list_blocks(l);
    size_t left = 0;
    uint64_t count = 0, bytes = 0;

    for (size_t i = 0; i < l->n_blocks; i++) {
        check_block(l, i, &left);
        count += b[i].n_starts;
        bytes += b[i].n;
        if (i > 0 && i + 2 < l->n_blocks) {
            ensure(b[i].n + b[i + 1].n > LIST_MERGE_BYTES ||
                   b[i].n_starts + b[i + 1].n_starts > LIST_MERGE_STARTS);
        }
    }
    ensure(left == 0 && count == l->count && bytes == l->bytes);
    ensure(list_weight(l) == list_bytes(l));
    if (l->n_blocks == 0) {
        ensure(l->count == 0);
        return;
    }
    ensure(b[0].first == 0 && b[0].n_starts > 0);
    b += l->n_blocks - 1;
    ensure(l->tail_cap <= mem_usable(block_p(b)));
    ensure(l->tail_cap >= b->n + (l->n_blocks == 1 ? l->head_start : 0u));
    if (l->n_blocks > 1) {
        ensure(list_dir_cap(l) >= l->dir.at + (size_t)l->n_blocks);
    }
}
