/* aggregate_sort.c -- SORTBY: a heap with the last of all kept rows in front, which gives way to a better one.
 *
 * When all rows have come the heap is emptied from its last row on, into its own tail: one row is O(log n), so that the order of a
 * million comes about in slices. */
#include "base/mem.h"
#include "search/aggregate_impl.h"

static const struct datum *value_at(const struct datum *values, uint32_t n, uint32_t column)
{
    static const struct datum null = { .kind = DATUM_NULL };

    return column < n ? &values[column] : &null;
}

/* Rows without the value come last, whichever the direction. */
static int compare_key(const struct sort_key *k, const struct datum *a, const struct datum *b)
{
    int order;

    if (a->kind == DATUM_NULL || b->kind == DATUM_NULL) return (a->kind == DATUM_NULL) - (b->kind == DATUM_NULL);
    order = datum_compare(a, b);
    return k->descending ? -order : order;
}

static int compare(const struct step *s, const struct sorted *a, const struct sorted *b)
{
    for (uint32_t i = 0; i < s->n_keys; i++) {
        const struct sort_key *k = &s->keys[i];
        int order = compare_key(k, value_at(a->values, a->n, k->column), value_at(b->values, b->n, k->column));

        if (order != 0) return order;
    }
    return a->order < b->order ? -1 : 1;
}

static struct sorted *at(const struct step *s, size_t i)
{
    return &s->heap[i / SORT_CHUNK][i % SORT_CHUNK];
}

static void swap(struct sorted *a, struct sorted *b)
{
    struct sorted c = *a;

    *a = *b;
    *b = c;
}

static void sift_up(struct step *s, size_t i)
{
    for (; i > 0; i = (i - 1) / 2) {
        if (compare(s, at(s, i), at(s, (i - 1) / 2)) < 0) return;
        swap(at(s, i), at(s, (i - 1) / 2));
    }
}

static void sift_down(struct step *s, size_t n)
{
    for (size_t i = 0;;) {
        size_t last = i, child = 2 * i + 1;

        if (child < n && compare(s, at(s, child), at(s, last)) > 0) last = child;
        if (child + 1 < n && compare(s, at(s, child + 1), at(s, last)) > 0) last = child + 1;
        if (last == i) return;
        swap(at(s, i), at(s, last));
        i = last;
    }
}

/* As many rows as are kept. */
static size_t wanted(const struct aggregate *g, const struct step *s)
{
    uint64_t n = s->count > 0 ? s->offset + s->count : AGGREGATE_SORTED_USUALLY;

    return n < g->conf.rows_max ? (size_t)n : g->conf.rows_max;
}

static bool keep(struct aggregate *g, const struct passing *row, struct sorted *out)
{
    out->bytes = 0;
    out->values = datum_keep(row->values, row->n, NULL, &out->bytes);
    return aggregate_count(g, out->bytes);
}

static bool add_chunk(struct aggregate *g, struct step *s)
{
    if (!aggregate_count(g, SORT_CHUNK * sizeof **s->heap)) return false;
    if (s->n_sort_chunks == s->cap_sort_chunks) {
        s->cap_sort_chunks = s->cap_sort_chunks > 0 ? 2 * s->cap_sort_chunks : 4;
        s->heap = mem_realloc(s->heap, s->cap_sort_chunks * sizeof *s->heap);
    }
    s->heap[s->n_sort_chunks++] = mem_alloc(SORT_CHUNK * sizeof **s->heap);
    return true;
}

bool sort_take(struct aggregate *g, struct step *s, const struct passing *row)
{
    struct sorted r = { row->values, 0, s->seen++, row->n, row->doc }, *last;

    if (s->n_heap == wanted(g, s)) {
        last = s->n_heap > 0 ? at(s, 0) : NULL;
        if (last == NULL || compare(s, &r, last) > 0) return true;
        mem_free(last->values);
        g->bytes -= last->bytes;
        last->values = NULL;
        if (!keep(g, row, &r)) {
            mem_free(r.values);
            return false;
        }
        *last = r;
        sift_down(s, s->n_heap);
        return true;
    }
    if (s->n_heap == s->n_sort_chunks * SORT_CHUNK && !add_chunk(g, s)) return false;
    if (!keep(g, row, &r)) {
        mem_free(r.values);
        return false;
    }
    *at(s, s->n_heap++) = r;
    sift_up(s, s->n_heap - 1);
    return true;
}

/* s->next: rows that are in the heap still. */
bool sort_drain(struct step *s)
{
    if (s->next > 1) {
        s->next--;
        swap(at(s, 0), at(s, s->next));
        sift_down(s, s->next);
        return true;
    }
    s->next = s->offset < s->n_heap ? (size_t)s->offset : s->n_heap;
    return false;
}

bool sort_give(struct aggregate *g, struct step *s)
{
    struct sorted *r;

    if (s->next == s->n_heap) return false;
    r = at(s, s->next++);
    g->row.n = 0;
    row_widen(&g->row, r->n);
    memcpy(g->row.values, r->values, r->n * sizeof *r->values);
    g->row.doc = r->doc;
    return true;
}

void sort_fini(struct step *s)
{
    for (size_t i = 0; i < s->n_heap; i++) mem_free(at(s, i)->values);
    for (size_t i = 0; i < s->n_sort_chunks; i++) mem_free(s->heap[i]);
    mem_free(s->heap);
}
