/* test_ztree.c -- the tree of a sorted set against a sorted array. */
#include "storage/ztree.h"

#include <math.h>

#include "base/ensure.h"
#include "tests/unit/unit.h"

/* All members there ever are; those that are in the tree stand in `in`, in order. */
enum { MEMBERS = 20000, NAME_MAX_BYTES = 24 };

struct world {
    struct ztree t;
    struct rng r;
    struct entry *all[MEMBERS], *in[MEMBERS];
    bool is_in[MEMBERS];
    size_t n;
    unsigned scores; /* few: many are equal */
};

static bool less(double score, struct str name, const struct entry *e)
{
    double other = zentry_score(e);
    return score != other ? score < other : str_cmp(name, entry_key(e)) < 0;
}

/* Items before (score, name). */
static size_t place(const struct world *w, double score, struct str name)
{
    size_t from = 0, n = w->n;

    while (n > 0) {
        size_t half = n / 2;
        if (less(score, name, w->in[from + half])) {
            n = half;
        } else {
            from += half + 1;
            n -= half + 1;
        }
    }
    return from;
}

static void note_in(struct world *w, size_t i)
{
    struct entry *e = w->all[i];
    size_t at = place(w, zentry_score(e), entry_key(e));

    memmove(w->in + at + 1, w->in + at, (w->n - at) * sizeof *w->in);
    w->in[at] = e;
    w->n++;
    w->is_in[i] = true;
}

static void note_out(struct world *w, size_t i)
{
    struct entry *e = w->all[i];
    size_t at = place(w, zentry_score(e), entry_key(e)) - 1;

    ck_assert_ptr_eq(w->in[at], e);
    w->n--;
    memmove(w->in + at, w->in + at + 1, (w->n - at) * sizeof *w->in);
    w->is_in[i] = false;
}

static double random_score(struct world *w)
{
    double s = (double)rng_below(&w->r, w->scores);
    return rng_below(&w->r, 2) ? s : -s / 8;
}

static void world_start(struct world *w, unsigned scores)
{
    char name[NAME_MAX_BYTES];

    memset(w, 0, sizeof *w);
    unit_rng(&w->r);
    w->scores = scores;
    for (size_t i = 0; i < MEMBERS; i++) {
        int n = snprintf(name, sizeof name, "%zx", i * 7919 % MEMBERS);
        w->all[i] = zentry_new(str_of(name, (size_t)n), 0);
    }
}

static void world_end(struct world *w)
{
    ztree_check(&w->t);
    ztree_fini(&w->t);
    for (size_t i = 0; i < MEMBERS; i++) entry_free(w->all[i]);
}

static void set_score(struct entry *e, double score)
{
    int64_t bits;

    memcpy(&bits, &score, sizeof bits);
    entry_set_int(e, bits);
}

static void same(struct world *w)
{
    ztree_check(&w->t);
    ck_assert_uint_eq(w->t.count, w->n);
    for (size_t i = 0; i < w->n;) {
        struct zrun run;

        ztree_run(&w->t, i, &run);
        for (; run.at < run.n; run.at++, i++) ck_assert_ptr_eq(run.entry[run.at], w->in[i]);
    }
}

/* --- steps ------------------------------------------------------------------------------------------ */

static void step_put(struct world *w, double score)
{
    size_t i = rng_below(&w->r, MEMBERS);

    if (w->is_in[i]) {
        note_out(w, i);
        ztree_move(&w->t, w->all[i], score);
    } else {
        set_score(w->all[i], score);
        ztree_insert(&w->t, w->all[i]);
    }
    note_in(w, i);
}

static void step_remove(struct world *w)
{
    size_t i = rng_below(&w->r, MEMBERS);

    if (!w->is_in[i]) return;
    ztree_remove(&w->t, w->all[i]);
    note_out(w, i);
}

static void step_find(struct world *w)
{
    struct entry *e = w->all[rng_below(&w->r, MEMBERS)];
    double score = random_score(w);
    struct zbound b = { ZBOUND_ITEM, rng_below(&w->r, 2), score, entry_key(e) };
    size_t at = place(w, score, entry_key(e)), low, high;
    struct zrun run;

    if (!b.after && at > 0 && w->in[at - 1] == e && zentry_score(e) == score) at--;
    ck_assert_uint_eq(ztree_before(&w->t, &b), at);
    low = place(w, score, str_of("", 0));
    high = place(w, score, STR("~"));
    b = (struct zbound){ ZBOUND_SCORE, false, score, { NULL, 0 } };
    ck_assert_uint_eq(ztree_before(&w->t, &b), low);
    b.after = true;
    ck_assert_uint_eq(ztree_before(&w->t, &b), high);
    if (w->n == 0) return;
    at = rng_below(&w->r, w->n);
    ztree_run(&w->t, at, &run);
    ck_assert_ptr_eq(run.entry[run.at], w->in[at]);
    ck_assert(run.score[run.at] == zentry_score(w->in[at]));
}

struct expected {
    struct world *w;
    size_t at;
};

static void next_expected(void *ctx, struct entry *e)
{
    struct expected *x = ctx;

    ck_assert_ptr_eq(e, x->w->in[x->at++]);
}

static void step_cut(struct world *w, size_t most)
{
    struct expected x = { w, 0 };
    size_t n, from;

    if (w->n == 0) return;
    n = 1 + rng_below(&w->r, most < w->n ? most : w->n);
    from = rng_below(&w->r, w->n - n + 1);
    x.at = from;
    ztree_remove_ranks(&w->t, from, n, next_expected, &x);
    ck_assert_uint_eq(x.at, from + n);
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!w->is_in[i]) continue;
        size_t at = place(w, zentry_score(w->all[i]), entry_key(w->all[i])) - 1;
        w->is_in[i] = at < from || at >= from + n;
    }
    memmove(w->in + from, w->in + from + n, (w->n - from - n) * sizeof *w->in);
    w->n -= n;
}

/* It grows and shrinks in turns, down to nothing. */
static void live(unsigned scores)
{
    static struct world w;

    world_start(&w, scores);
    for (int i = 0; i < 150000; i++) {
        bool growing = i / 25000 % 2 == 0;
        uint64_t dice = rng_below(&w.r, 100);

        if (dice < (growing ? 70 : 20))
            step_put(&w, random_score(&w));
        else if (dice < 90)
            step_remove(&w);
        else
            step_find(&w);
        if (rng_below(&w.r, 3000) == 0) step_cut(&w, growing ? 300 : 3000);
        if (i % 3000 == 0) same(&w);
    }
    same(&w);
    while (w.n > 0) {
        step_cut(&w, 700);
        same(&w);
    }
    ck_assert_uint_eq(w.t.bytes, 0);
    world_end(&w);
}

START_TEST(a_tree_behaves_as_a_sorted_array)
{
    live(100000);
}
END_TEST

START_TEST(so_it_does_when_most_scores_are_equal)
{
    live(4);
    live(1);
}
END_TEST

/* --- single points ----------------------------------------------------------------------------------- */

static void fill(struct ztree *t, struct entry **e, double step)
{
    char name[NAME_MAX_BYTES];

    for (size_t i = 0; i < MEMBERS; i++) {
        int n = snprintf(name, sizeof name, "m%zu", i);
        e[i] = zentry_new(str_of(name, (size_t)n), (double)i * step);
        ztree_insert(t, e[i]);
    }
    ztree_check(t);
}

static void free_all(struct ztree *t, struct entry **e)
{
    ztree_fini(t);
    for (size_t i = 0; i < MEMBERS; i++) entry_free(e[i]);
}

START_TEST(rising_and_falling_scores_fill_the_leaves)
{
    static struct entry *e[MEMBERS];
    enum { ITEM_BYTES = 16 };

    for (int step = -1; step <= 1; step += 2) {
        struct ztree t = { 0 };
        fill(&t, e, step);
#ifndef __SANITIZE_ADDRESS__
        ck_assert_uint_lt(t.bytes, (size_t)MEMBERS * ITEM_BYTES * 110 / 100);
#endif
        free_all(&t, e);
    }
}
END_TEST

START_TEST(small_steps_of_a_score_leave_the_nodes_alone)
{
    static struct entry *e[MEMBERS];
    struct ztree t = { 0 };
    struct zrun before, after;

    fill(&t, e, 10);
    for (size_t i = 0; i < MEMBERS; i += 100) {
        ztree_run(&t, i, &before);
        ztree_move(&t, e[i], zentry_score(e[i]) + 3);
        ztree_run(&t, i, &after);
        ck_assert_ptr_eq(before.entry, after.entry);
        ck_assert_ptr_eq(after.entry[after.at], e[i]);
    }
    ztree_check(&t);
    free_all(&t, e);
}
END_TEST

START_TEST(the_two_zeros_and_infinities_have_their_places)
{
    static const double scores[] = { -INFINITY, -1, 0.0, -0.0, 1, INFINITY };
    struct ztree t = { 0 };
    struct entry *e[6];
    struct zrun run;
    struct zbound zero = { ZBOUND_SCORE, false, -0.0, { NULL, 0 } };

    for (size_t i = 6; i-- > 0;) {
        char name = (char)('a' + i);
        e[i] = zentry_new(str_of(&name, 1), scores[i]);
        ztree_insert(&t, e[i]);
    }
    ztree_run(&t, 0, &run);
    for (size_t i = 0; i < 6; i++) ck_assert_ptr_eq(run.entry[i], e[i]);
    ck_assert_uint_eq(ztree_before(&t, &zero), 2);
    zero.after = true;
    ck_assert_uint_eq(ztree_before(&t, &zero), 4);
    ztree_fini(&t);
    for (size_t i = 0; i < 6; i++) entry_free(e[i]);
}
END_TEST

UNIT_MAIN("ztree", a_tree_behaves_as_a_sorted_array, so_it_does_when_most_scores_are_equal,
          rising_and_falling_scores_fill_the_leaves, small_steps_of_a_score_leave_the_nodes_alone,
          the_two_zeros_and_infinities_have_their_places)
