/* archive_hits.c -- see archive_hits.h. */
#include <stdlib.h>

#include "base/mem.h"
#include "persistence/archive_hits.h"

enum { FIRST_HITS = 64, FIRST_SEEN = 256 };

void archive_hits_init(struct archive_hits *h, size_t most)
{
    *h = (struct archive_hits){ .most = most, .seen_mask = FIRST_SEEN - 1 };
    h->seen = mem_zalloc(FIRST_SEEN * sizeof *h->seen);
}

void archive_hits_fini(struct archive_hits *h)
{
    mem_free(h->best);
    mem_free(h->seen);
    *h = (struct archive_hits){ .n = 0 };
}

/* Negative: a is better. No two are equal: pages follow each other without gaps. */
static int compare(const void *pa, const void *pb)
{
    const struct archive_hit *a = pa, *b = pb;

    if (a->score > b->score || a->score < b->score) return a->score > b->score ? -1 : 1;
    if (a->entry != b->entry) return a->entry > b->entry ? -1 : 1;
    if (a->in != b->in) return a->in < b->in ? -1 : 1;
    if (a->position != b->position) return a->position < b->position ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* --- the heap -------------------------------------------------------------------------------------------- */

static void swap(struct archive_hit *a, struct archive_hit *b)
{
    struct archive_hit t = *a;

    *a = *b;
    *b = t;
}

static void rise(struct archive_hit *heap, size_t i)
{
    for (; i > 0 && compare(&heap[i], &heap[(i - 1) / 2]) > 0; i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
}

static void sink(struct archive_hit *heap, size_t n)
{
    for (size_t i = 0, below; (below = 2 * i + 1) < n; i = below) {
        if (below + 1 < n && compare(&heap[below + 1], &heap[below]) > 0) below++;
        if (compare(&heap[below], &heap[i]) <= 0) return;
        swap(&heap[below], &heap[i]);
    }
}

static void keep(struct archive_hits *h, const struct archive_hit *hit)
{
    if (h->n < h->most) {
        if (h->n == 0)
            h->best = mem_realloc(h->best, FIRST_HITS * sizeof *h->best);
        else if (h->n >= FIRST_HITS && (h->n & (h->n - 1)) == 0)
            h->best = mem_realloc(h->best, 2 * h->n * sizeof *h->best);
        h->best[h->n++] = *hit;
        rise(h->best, h->n - 1);
    } else if (h->n > 0 && compare(hit, &h->best[0]) < 0) {
        h->best[0] = *hit;
        sink(h->best, h->n);
    }
}

void archive_hits_sort(struct archive_hits *h)
{
    if (h->n > 1) qsort(h->best, h->n, sizeof *h->best, compare);
}

/* --- what has been seen ---------------------------------------------------------------------------------- */

static size_t slot_of(const struct archive_hits *h, uint64_t text)
{
    size_t i = (size_t)text & h->seen_mask;

    while (h->seen[i].text != 0 && h->seen[i].text != text) i = (i + 1) & h->seen_mask;
    return i;
}

static void grow(struct archive_hits *h)
{
    size_t old_n = h->seen_mask + 1;
    struct archive_text_seen *old = h->seen;

    h->seen_mask = 2 * old_n - 1;
    h->seen = mem_zalloc(2 * old_n * sizeof *h->seen);
    for (size_t i = 0; i < old_n; i++) {
        if (old[i].text != 0) h->seen[slot_of(h, old[i].text)] = old[i];
    }
    mem_free(old);
}

bool archive_hits_add(struct archive_hits *h, const struct archive_hit *hit, uint64_t text, int64_t place)
{
    size_t at;

    if (text == 0) text = 1;
    at = slot_of(h, text);
    if (h->seen[at].text == 0) {
        if (h->n_seen == ARCHIVE_HITS_SEEN) return false;
        h->seen[at].text = text;
        h->seen[at].place = place;
        if (++h->n_seen > h->seen_mask / 2) grow(h);
    } else if (h->seen[at].place != place) {
        return true;
    }
    h->total++;
    keep(h, hit);
    return true;
}
