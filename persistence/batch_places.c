/* batch_places.c -- see batch_places.h. */
#include "persistence/batch_places.h"

#include <string.h>

#include "base/crc.h"

enum { STRIDE_LEAST = 256, STRIDE_MOST = 32 << 20 };

void batch_places_begin(struct batch_places *s, uint64_t offset, uint64_t pos)
{
    *s = (struct batch_places){ .end = { offset, pos, 0 }, .pos = pos, .stride = STRIDE_LEAST };
}

static void drop_first(struct batch_places *s, unsigned n)
{
    s->n -= n;
    memmove(s->at, s->at + n, s->n * sizeof *s->at);
}

/* Those that nobody will ask for, as all before a later one is on the disk. */
static void drop_proven(struct batch_places *s)
{
    unsigned n = 0;

    while (n + 1 < s->n && s->at[n + 1].offset <= s->durable) n++;
    if (n == 0) return;
    drop_first(s, n);
    if (s->n < BATCH_PLACES / 4 && s->stride > STRIDE_LEAST) s->stride /= 2;
}

/* The first one stays. */
static void thin_out(struct batch_places *s)
{
    unsigned n = 1;

    s->stride *= 2;
    for (unsigned i = 1; i < s->n; i++)
        if (s->at[i].pos - s->at[n - 1].pos >= s->stride) s->at[n++] = s->at[i];
    s->n = n;
}

void batch_places_part(struct batch_places *s, const void *p, size_t n)
{
    s->crc = crc32c(s->crc, p, n);
    s->pos += n;
}

void batch_places_end(struct batch_places *s, uint64_t durable, uint64_t offset)
{
    if (durable > s->durable) s->durable = durable;
    drop_proven(s);
    if (s->n == 0 || s->end.pos - s->at[s->n - 1].pos >= s->stride) {
        while (s->n == BATCH_PLACES && s->stride < STRIDE_MOST) thin_out(s);
        if (s->n == BATCH_PLACES) drop_first(s, 1);
        s->at[s->n++] = s->end;
    }
    s->end = (struct batch_place){ offset, s->pos, s->crc };
}

struct batch_place batch_places_before(const struct batch_places *s, uint64_t proven, uint64_t most)
{
    struct batch_place from = s->end;

    if (s->end.offset <= proven) return from;
    for (unsigned k = s->n; k > 0; k--) {
        if (k < s->n && s->end.pos - s->at[k - 1].pos > most) break;
        from = s->at[k - 1];
        if (from.offset <= proven) break;
    }
    return from;
}
