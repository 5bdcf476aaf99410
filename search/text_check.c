/* text_check.c -- what must hold in an index of words. */
#include "search/text_impl.h"

static void check_numbering(const struct numbering *n, uint32_t live)
{
    uint32_t alive = 0;

    for (uint32_t i = 0; i < n->n; i++) {
        uint32_t doc = *doc_at(n, i);
        if (doc == UINT32_MAX) continue;
        alive++;
        ensure(row_of(n, doc) == i);
    }
    ensure(alive == live);
    for (uint32_t d = 0; d < n->row_of.items; d++) {
        uint32_t row = row_of(n, d);
        ensure(row == NO_ROW || (row < n->n && *doc_at(n, row) == d));
    }
}

static void check_term(const struct text_index *t, const struct term *w, size_t *postings, size_t *bytes)
{
    struct cursor c;
    uint32_t last = NO_ROW;
    const struct block *end = NULL;

    postings_seal(&w->postings);
    for (const struct block *b = w->postings.first; b != NULL; b = b->next) {
        ensure(b->used > 0 && b->used <= b->cap && b->first <= b->last);
        *bytes += b->used;
        end = b;
    }
    ensure(end == w->postings.last);
    ensure(w->postings.room == 0 || (end != NULL && w->postings.used + w->postings.room <= end->cap));
    cursor_open(&c, t, w);
    while (cursor_next(&c, ~0ULL, NULL)) {
        ++*postings;
        ensure(c.fields != 0);
        if (c.row == NO_ROW) continue;
        ensure(last == NO_ROW || c.row > last);
        last = c.row;
    }
    ensure(w->n > 0);
    ensure((w->flags & TERM_NO_WORD) == (w->text[0] == STEM_MARK ? TERM_STEM : w->text[0] == SOUND_MARK ? TERM_SOUND : 0));
}

void text_index_check(const struct text_index *t)
{
    size_t terms = 0, words = 0, postings = 0, bytes = 0;

    check_numbering(&t->now, t->live);
    if (t->sweep == SWEEP_LISTS) check_numbering(&t->fresh, t->live);
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (const struct term *w = *bucket_at(t, i); w != NULL; w = w->next) {
            terms++;
            words += (w->flags & (TERM_NO_WORD | TERM_STOP)) == 0;
            check_term(t, w, &postings, &bytes);
        }
    }
    ensure(terms == t->n_terms && words == t->n_words && words == t->order.items);
    ensure(postings == t->n_postings && bytes == t->posting_bytes);
    order_check(&t->order);
    order_check(&t->endings);
}
