/* text_sweep.c -- dead rows out, in slices.
 *
 * Rows are numbered anew without the dead, in the same order. First the living get their numbers in a second numbering; then each
 * list is written again, block by block, with them; then the first numbering is thrown away. Documents come and go all the
 * while: those that come get a row in both, and a list takes the one that its last block is in.
 *
 * It must not take as long as it takes to write as much again as it has to read, or the index would grow for as long as
 * somebody overwrites documents without a pause: each posting that comes owes a sweep some of its steps (text_sweep_owes). */
#include "search/text_impl.h"

enum {
    SWEEP_MIN = 64,
    PACE = 4,         /* postings that are numbered anew for each that comes */
    FORGET_COST = 16, /* to take a word, or an ending, out of an order: in postings that are numbered anew */
};

static bool begin_sweep(struct text_index *t)
{
    uint32_t dead = t->now.n - t->live;

    if (dead < SWEEP_MIN || dead < t->now.n / 4) return false;
    t->sweep = SWEEP_NUMBERS;
    t->sweep_at = 0;
    return true;
}

static void spend(size_t *budget, size_t n)
{
    *budget -= n < *budget ? n : *budget;
}

static bool sweep_numbers(struct text_index *t, size_t *budget)
{
    for (; t->sweep_at < t->now.n && *budget > 0; t->sweep_at++, --*budget) {
        pages_reach(&t->fresh_of, t->sweep_at + 1, 0xff);
        if (*doc_at(&t->now, (uint32_t)t->sweep_at) != UINT32_MAX) text_add_fresh(t, (uint32_t)t->sweep_at);
    }
    return t->sweep_at == t->now.n;
}

static size_t forget_cost(const struct text_index *t, const struct term *w)
{
    return FORGET_COST * (1 + (t->suffixes ? (size_t)w->n : 0));
}

/* A bucket is gone through anew after each slice: terms move meanwhile. */
static bool sweep_lists(struct text_index *t, size_t *budget)
{
    for (; t->sweep_at < t->n_buckets; t->sweep_at++) {
        struct term **at = bucket_at(t, t->sweep_at);
        if (*budget == 0) return false;
        --*budget;
        while (*at != NULL) {
            struct term *w = *at;
            if (!postings_renumber(t, &w->postings, budget)) return false;
            if (w->postings.first != NULL || ((w->flags & TERM_STEM) && w->users > 0) || (w->flags & TERM_STOP)) {
                at = &w->next;
                continue;
            }
            spend(budget, forget_cost(t, w));
            term_forget(t, at);
        }
    }
    return true;
}

static void end_sweep(struct text_index *t)
{
    numbering_fini(&t->now);
    pages_fini(&t->fresh_of);
    t->now = t->fresh;
    t->fresh = numbering_new();
    t->odd = !t->odd;
    t->sweep = SWEEP_NONE;
    t->owed = 0;
}

void text_sweep_owes(struct text_index *t, size_t postings)
{
    if (t->sweep != SWEEP_NONE) t->owed += PACE * postings;
}

/* As many words may have to go: a quarter of what is swept is dead, and half where it got behind. */
void text_sweep_owes_word(struct text_index *t, const struct term *w)
{
    if (t->sweep != SWEEP_NONE) t->owed += PACE / 2 * forget_cost(t, w);
}

bool text_index_is_behind(const struct text_index *t)
{
    return t->owed > 0 && t->later == NULL;
}

bool text_index_sweep(struct text_index *t, size_t budget)
{
    if (t->later != NULL) return false; /* its words have no postings yet, and its row has its number already */
    if (t->sweep == SWEEP_NONE && !begin_sweep(t)) return false;
    t->owed -= budget < t->owed ? budget : t->owed;
    if (t->sweep == SWEEP_NUMBERS) {
        if (!sweep_numbers(t, &budget)) return true;
        t->sweep = SWEEP_LISTS;
        t->sweep_at = 0;
    }
    if (!sweep_lists(t, &budget)) return true;
    end_sweep(t);
    return t->now.n - t->live >= SWEEP_MIN && t->now.n - t->live >= t->now.n / 4;
}
