/* sorted.c -- see sorted.h. */
#include "search/sorted.h"

#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"

struct sorted_chunk {
    uint32_t n;
    char items[];
};

void sorted_init(struct sorted *o, size_t item, sorted_cmp *cmp, const void *ctx)
{
    *o = (struct sorted){ .item = item, .cmp = cmp, .ctx = ctx };
}

void sorted_fini(struct sorted *o)
{
    for (size_t i = 0; i < o->n_chunks; i++) mem_free(o->chunks[i]);
    mem_free(o->chunks);
    mem_free(o->lasts);
    sorted_init(o, o->item, o->cmp, o->ctx);
}

static size_t chunk_bytes(const struct sorted *o)
{
    return mem_good_size(sizeof(struct sorted_chunk) + SORTED_CHUNK * o->item);
}

static char *item_at(const struct sorted *o, const struct sorted_chunk *c, uint32_t i)
{
    return (char *)(uintptr_t)c->items + i * o->item;
}

static char *last_at(const struct sorted *o, size_t chunk)
{
    return o->lasts + chunk * o->item;
}

/* To be called when it may have changed. */
static void note_last(struct sorted *o, size_t chunk)
{
    const struct sorted_chunk *c = o->chunks[chunk];

    memcpy(last_at(o, chunk), item_at(o, c, c->n - 1), o->item);
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

/* The first chunk whose last item is not less than probe. */
static size_t find_chunk(const struct sorted *o, const void *probe, sorted_cmp *cmp)
{
    size_t lo = 0, hi = o->n_chunks;

    /* What comes in order goes to the end. */
    if (hi > 0 && cmp(o->ctx, last_at(o, hi - 1), probe) < 0) return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (cmp(o->ctx, last_at(o, mid), probe) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

struct sorted_at sorted_lower(const struct sorted *o, const void *probe, sorted_cmp *cmp)
{
    struct sorted_at at = { 0 };
    const struct sorted_chunk *c;
    uint32_t lo = 0, hi;

    if (cmp == NULL) cmp = o->cmp;
    at.chunk = find_chunk(o, probe, cmp);
    if (at.chunk == o->n_chunks) return at;
    c = o->chunks[at.chunk];
    hi = c->n - 1; /* the last is not less */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (cmp(o->ctx, item_at(o, c, mid), probe) < 0) lo = mid + 1;
        else hi = mid;
    }
    at.i = lo;
    return at;
}

const void *sorted_get(const struct sorted *o, struct sorted_at at)
{
    return at.chunk < o->n_chunks ? item_at(o, o->chunks[at.chunk], at.i) : NULL;
}

void sorted_next(const struct sorted *o, struct sorted_at *at)
{
    if (++at->i < o->chunks[at->chunk]->n) return;
    at->chunk++;
    at->i = 0;
}

size_t sorted_between(const struct sorted *o, struct sorted_at a, struct sorted_at b)
{
    size_t n = 0;

    if (a.chunk > b.chunk || (a.chunk == b.chunk && a.i >= b.i)) return 0;
    for (size_t c = a.chunk; c < b.chunk; c++) n += o->chunks[c]->n;
    return n - a.i + b.i;
}

/* --- changing --------------------------------------------------------------------------------------------------- */

static void insert_chunk(struct sorted *o, size_t at)
{
    struct sorted_chunk *c = mem_alloc(sizeof *c + SORTED_CHUNK * o->item);

    if (o->n_chunks == o->cap) {
        size_t cap = o->cap ? 2 * o->cap : 4;

        o->chunks = mem_realloc(o->chunks, cap * sizeof *o->chunks);
        o->lasts = mem_realloc(o->lasts, cap * o->item);
        o->bytes += (cap - o->cap) * (sizeof *o->chunks + o->item);
        o->cap = cap;
    }
    memmove(o->chunks + at + 1, o->chunks + at, (o->n_chunks - at) * sizeof *o->chunks);
    memmove(last_at(o, at + 1), last_at(o, at), (o->n_chunks - at) * o->item);
    c->n = 0;
    o->chunks[at] = c;
    o->n_chunks++;
    o->bytes += chunk_bytes(o);
}

static void remove_chunk(struct sorted *o, size_t at)
{
    mem_free(o->chunks[at]);
    memmove(o->chunks + at, o->chunks + at + 1, (o->n_chunks - at - 1) * sizeof *o->chunks);
    memmove(last_at(o, at), last_at(o, at + 1), (o->n_chunks - at - 1) * o->item);
    o->n_chunks--;
    o->bytes -= chunk_bytes(o);
}

/* Half of a full chunk goes into a new one behind it; of the last nearly all stays, since what comes in order fills
 * the next. */
static void split(struct sorted *o, struct sorted_at *at)
{
    struct sorted_chunk *c = o->chunks[at->chunk], *next;
    uint32_t keep = at->chunk + 1 == o->n_chunks && at->i == c->n ? c->n : c->n / 2;

    insert_chunk(o, at->chunk + 1);
    next = o->chunks[at->chunk + 1];
    next->n = c->n - keep;
    memcpy(next->items, item_at(o, c, keep), next->n * o->item);
    c->n = keep;
    note_last(o, at->chunk);
    if (next->n > 0) note_last(o, at->chunk + 1); /* else the item that comes is its first */
    if (at->i < keep) return;
    at->chunk++;
    at->i -= keep;
}

bool sorted_add(struct sorted *o, const void *item)
{
    struct sorted_at at = sorted_lower(o, item, NULL);
    const void *there = sorted_get(o, at);
    struct sorted_chunk *c;

    if (there && o->cmp(o->ctx, there, item) == 0) return false;
    if (o->n_chunks == 0) insert_chunk(o, 0);
    if (at.chunk == o->n_chunks || there == NULL) {
        at.chunk = o->n_chunks - 1;
        at.i = o->chunks[at.chunk]->n;
    }
    if (o->chunks[at.chunk]->n == SORTED_CHUNK) split(o, &at);
    c = o->chunks[at.chunk];
    memmove(item_at(o, c, at.i + 1), item_at(o, c, at.i), (c->n - at.i) * o->item);
    memcpy(item_at(o, c, at.i), item, o->item);
    c->n++;
    o->n++;
    if (at.i + 1 == c->n) note_last(o, at.chunk);
    return true;
}

/* Two neighbours that fit into half a chunk become one. */
static bool join(struct sorted *o, size_t at)
{
    struct sorted_chunk *a, *b;

    if (at + 1 >= o->n_chunks) return false;
    a = o->chunks[at];
    b = o->chunks[at + 1];
    if (a->n + b->n > SORTED_CHUNK / 2) return false;
    memcpy(item_at(o, a, a->n), b->items, b->n * o->item);
    a->n += b->n;
    note_last(o, at);
    remove_chunk(o, at + 1);
    return true;
}

bool sorted_remove(struct sorted *o, const void *item)
{
    struct sorted_at at = sorted_lower(o, item, NULL);
    const void *there = sorted_get(o, at);
    struct sorted_chunk *c;

    if (there == NULL || o->cmp(o->ctx, there, item) != 0) return false;
    c = o->chunks[at.chunk];
    memmove(item_at(o, c, at.i), item_at(o, c, at.i + 1), (c->n - at.i - 1) * o->item);
    c->n--;
    o->n--;
    if (c->n == 0) {
        remove_chunk(o, at.chunk);
        return true;
    }
    if (at.i == c->n) note_last(o, at.chunk);
    if (c->n < SORTED_CHUNK / 4 && !join(o, at.chunk) && at.chunk > 0) join(o, at.chunk - 1);
    return true;
}

void sorted_check(const struct sorted *o)
{
    const void *before = NULL;
    size_t n = 0;

    for (size_t i = 0; i < o->n_chunks; i++) {
        ensure(o->chunks[i]->n > 0 && o->chunks[i]->n <= SORTED_CHUNK);
        ensure(memcmp(last_at(o, i), item_at(o, o->chunks[i], o->chunks[i]->n - 1), o->item) == 0);
        for (uint32_t k = 0; k < o->chunks[i]->n; k++, n++) {
            const void *item = item_at(o, o->chunks[i], k);

            if (before) ensure(o->cmp(o->ctx, before, item) < 0);
            before = item;
        }
    }
    ensure(n == o->n && o->bytes == o->cap * (sizeof *o->chunks + o->item) + o->n_chunks * chunk_bytes(o));
}
