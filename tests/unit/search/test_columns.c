/* What fields know of documents: tags, numbers, places, and order, against models that look at every document. */
#include <math.h>

#include "search/fold.h"
#include "search/numbers.h"
#include "search/places.h"
#include "search/sorted.h"
#include "search/tags.h"
#include "tests/unit/unit.h"

enum { DOCS = 400, MOST = 5 };

static void expect_set(const struct docset *s, const bool *want, uint32_t n)
{
    for (uint32_t d = 0; d < n; d++) ck_assert_msg(docset_has(s, d) == want[d], "document %u", d);
}

/* --- order ---------------------------------------------------------------------------------------------------------- */

static int compare(const void *ctx, const void *a, const void *b)
{
    uint32_t x, y;

    (void)ctx;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

START_TEST(what_is_sorted_is_a_model_in_order)
{
    static bool has[5000];
    struct sorted o;
    struct rng r;
    size_t n = 0;

    unit_rng(&r);
    sorted_init(&o, sizeof(uint32_t), compare, NULL);
    for (int step = 0; step < 40000; step++) {
        uint32_t v = step < 5000 ? (uint32_t)step : (uint32_t)rng_below(&r, 5000); /* ascending at first */
        bool add = step < 5000 || rng_below(&r, 100) < (step / 8000 % 2 ? 15 : 70);

        ck_assert(add ? sorted_add(&o, &v) == !has[v] : sorted_remove(&o, &v) == has[v]);
        n = add ? n + !has[v] : n - has[v];
        has[v] = add;
        ck_assert_uint_eq(o.n, n);
        if (step % 1000 == 0) sorted_check(&o);
        if (step % 100 == 0) {
            uint32_t lo = (uint32_t)rng_below(&r, 5000), hi = lo + (uint32_t)rng_below(&r, 5000 - lo), count = 0, got;
            struct sorted_at from = sorted_lower(&o, &lo, NULL), to = sorted_lower(&o, &hi, NULL);

            for (uint32_t i = lo; i < hi; i++) count += has[i];
            ck_assert_uint_eq(sorted_between(&o, from, to), count);
            for (uint32_t i = lo; i < hi; i++) {
                if (!has[i]) continue;
                memcpy(&got, sorted_get(&o, from), sizeof got);
                ck_assert_uint_eq(got, i);
                sorted_next(&o, &from);
            }
        }
    }
    sorted_fini(&o);
    ck_assert_uint_eq(o.bytes, 0);
}
END_TEST

/* --- tags ----------------------------------------------------------------------------------------------------------- */

struct tagged {
    char value[MOST][8];
    size_t n;
};

static bool has_tag(const struct tagged *m, struct str pattern, enum text_match how)
{
    for (size_t i = 0; i < m->n; i++) {
        struct str s = str_c(m->value[i]);
        bool hit = how == TEXT_PREFIX   ? str_starts(s, pattern)
                   : how == TEXT_SUFFIX ? s.n >= pattern.n && memcmp(s.p + s.n - pattern.n, pattern.p, pattern.n) == 0
                   : how == TEXT_INFIX  ? memmem(s.p, s.n, pattern.p, pattern.n) != NULL
                                        : str_eq(s, pattern);

        if (hit) return true;
    }
    return false;
}

static void one_of(struct rng *r, char room[8])
{
    size_t n = 1 + rng_below(r, 3);

    for (size_t i = 0; i < n; i++) room[i] = "ab[cd"[rng_below(r, 5)];
    room[n] = 0;
}

static void look_for_tags(struct tags *t, const struct tagged *docs, struct rng *r)
{
    static const enum text_match hows[] = { TEXT_WORD, TEXT_PREFIX, TEXT_SUFFIX, TEXT_INFIX };
    struct docset found = { 0 };
    bool want[DOCS];
    char room[8];
    enum text_match how = hows[rng_below(r, 4)];

    one_of(r, room);
    tags_match(t, str_c(room), how, &found);
    for (int d = 0; d < DOCS; d++) want[d] = has_tag(&docs[d], str_c(room), how);
    expect_set(&found, want, DOCS);
    docset_fini(&found);
}

struct listed {
    struct buf last;
    uint32_t n;
};

static void in_order(void *ctx, struct str value)
{
    struct listed *l = ctx;

    ck_assert(l->n++ == 0 || str_cmp(buf_str(&l->last), value) < 0);
    buf_clear(&l->last);
    buf_add_str(&l->last, value);
}

/* All in steps; the value behind which the next step begins may be gone by then. */
static void list_tags(struct tags *t)
{
    struct listed all = { 0 }, some = { 0 };
    struct buf from = { 0 };
    size_t steps = 0;

    t->wants_order = true;
    while (tags_tend(t, SIZE_MAX)) continue;
    while (!tags_each(t, &from, 7, in_order, &all)) steps++;
    ck_assert(all.n == t->values.n && steps == (all.n > 0 ? (all.n - 1) / 7 : 0));
    buf_clear(&from);
    buf_add_str(&from, STR("c]"));
    ck_assert(tags_each(t, &from, SIZE_MAX, in_order, &some) && some.n > 0 && some.n < all.n);
    buf_fini(&from);
    buf_fini(&all.last);
    buf_fini(&some.last);
}

START_TEST(tags_are_as_a_model_of_them)
{
    static struct tagged docs[DOCS];
    struct docset alive = { 0 };
    struct tags t;
    struct rng r;

    unit_rng(&r);
    tags_init(&t);
    for (uint32_t d = 0; d < DOCS; d++) docset_add(&alive, d);
    for (int step = 0; step < 20000; step++) {
        struct tagged *m = &docs[rng_below(&r, DOCS)];
        struct str values[MOST];

        m->n = rng_below(&r, 3) ? rng_below(&r, MOST) : 0;
        for (size_t i = 0; i < m->n; i++) {
            one_of(&r, m->value[i]);
            values[i] = str_c(m->value[i]);
        }
        tags_put(&t, (uint32_t)(m - docs), values, m->n);
        if (step % 20 == 0 && step > 3000) look_for_tags(&t, docs, &r);
        if (step % 500 == 0) tags_tend(&t, rng_below(&r, 20));
        if (step % 1000 == 0) tags_check(&t, &alive);
    }
    list_tags(&t);
    for (uint32_t d = 0; d < DOCS; d++) tags_put(&t, d, NULL, 0);
    tags_check(&t, &alive);
    ck_assert_uint_eq(t.values.n, 0);
    ck_assert_uint_eq(t.bytes, 0);
    docset_fini(&alive);
    tags_fini(&t);
}
END_TEST

/* What is found in steps is what stays to the end, wherever values come into order and documents go in between. */
START_TEST(a_walk_over_tags_finds_what_stays)
{
    enum { VALUES = 600 };
    static const enum text_match hows[] = { TEXT_PREFIX, TEXT_SUFFIX, TEXT_INFIX, TEXT_WILDCARD };
    struct rng r;

    unit_rng(&r);
    for (int round = 0; round < 40; round++) {
        struct docset found = { 0 };
        bool has[VALUES] = { false };
        struct tags_walk w;
        struct tags t;
        char text[16];

        tags_init(&t);
        t.wants_order = true;
        for (uint32_t d = 0; d < VALUES; d++) {
            sprintf(text, "%s%03u%s", d % 3 ? "ab" : "b", (d * 7) % VALUES, d % 2 ? "x" : "ab");
            tags_put(&t, d, (const struct str[]){ str_c(text) }, 1);
            has[d] = true;
        }
        tags_tend(&t, rng_below(&r, 2 * VALUES));
        tags_walk_init(&w, &t, hows[round % 4] == TEXT_WILDCARD ? STR("*b?*") : STR("ab"), hows[round % 4]);
        while (!tags_walk_step(&w, &t, rng_below(&r, 20), &found)) {
            uint32_t gone = (uint32_t)rng_below(&r, VALUES);

            tags_put(&t, gone, NULL, 0);
            has[gone] = false;
            tags_tend(&t, rng_below(&r, 10));
        }
        for (uint32_t d = 0; d < VALUES; d++) {
            bool want = hows[round % 4] == TEXT_PREFIX   ? d % 3 != 0
                        : hows[round % 4] == TEXT_SUFFIX ? d % 2 == 0
                        : hows[round % 4] == TEXT_INFIX  ? d % 3 != 0 || d % 2 == 0
                                                         : true;

            if (has[d]) ck_assert_int_eq(docset_has(&found, d), want);
            else if (docset_has(&found, d)) ck_assert(want);
        }
        tags_walk_fini(&w);
        docset_fini(&found);
        tags_fini(&t);
    }
}
END_TEST

START_TEST(wildcards_know_no_brackets)
{
    struct docset found = { 0 };
    struct tags t;

    tags_init(&t);
    tags_put(&t, 1, (const struct str[]){ STR("a[b]c") }, 1);
    tags_put(&t, 2, (const struct str[]){ STR("abc") }, 1);
    tags_match(&t, STR("a[b]?"), TEXT_WILDCARD, &found);
    ck_assert(docset_has(&found, 1) && !docset_has(&found, 2));
    docset_fini(&found);
    tags_match(&t, STR("a*c"), TEXT_WILDCARD, &found);
    ck_assert_uint_eq(found.n, 2);
    docset_fini(&found);
    tags_fini(&t);
}
END_TEST

/* --- numbers -------------------------------------------------------------------------------------------------------- */

struct numbered {
    double v[MOST];
    size_t n;
};

static bool in_range(const struct numbered *m, const struct number_range *q)
{
    for (size_t i = 0; i < m->n; i++)
        if ((q->lo_open ? m->v[i] > q->lo : m->v[i] >= q->lo) && (q->hi_open ? m->v[i] < q->hi : m->v[i] <= q->hi)) return true;
    return false;
}

static double bound(struct rng *r)
{
    static const double special[] = { INFINITY, -INFINITY, 0, -0.0, 1e300, -5 };

    return rng_below(r, 6) == 0 ? special[rng_below(r, 6)] : (double)rng_below(r, 200) - 100;
}

static void look_for_numbers(const struct numbers *n, const struct numbered *docs, uint32_t end, struct rng *r)
{
    struct number_range q = { bound(r), bound(r), rng_below(r, 2), rng_below(r, 2) };
    struct numbers_walk walk = { 0 };
    struct docset found = { 0 };

    if (rng_below(r, 3) == 0) q.hi = q.lo + (double)rng_below(r, 3);
    while (!numbers_between(n, &q, &walk, &found)) continue;
    for (uint32_t d = 0; d < end; d++) ck_assert_msg(docset_has(&found, d) == in_range(&docs[d], &q), "%u in %g..%g", d, q.lo, q.hi);
    docset_fini(&found);
}

static void numbers_of_many(uint32_t end, int steps)
{
    struct numbered *docs = mem_zalloc(end * sizeof *docs);
    struct docset alive = { 0 };
    struct numbers n;
    struct rng r;

    unit_rng(&r);
    numbers_init(&n);
    for (uint32_t d = 0; d < end; d++) docset_add(&alive, d);
    for (int step = 0; step < steps; step++) {
        struct numbered *m = &docs[step < (int)end ? (uint64_t)step : rng_below(&r, end)];
        double first;

        m->n = rng_below(&r, 8) ? 1 : rng_below(&r, MOST);
        for (size_t i = 0; i < m->n; i++) m->v[i] = bound(&r);
        numbers_put(&n, (uint32_t)(m - docs), m->v, m->n);
        ck_assert(numbers_first(&n, (uint32_t)(m - docs), &first) == (m->n > 0));
        ck_assert(m->n == 0 || first == m->v[0]);
        if (step % (steps / 60) == 0) look_for_numbers(&n, docs, end, &r);
        if (step % 64 == 0) numbers_tend(&n, 200);
    }
    numbers_check(&n, &alive);
    ck_assert(!n.wants_order || n.order.n > 0);
    while (numbers_tend(&n, 1000)) {}
    for (int i = 0; i < 60; i++) look_for_numbers(&n, docs, end, &r);
    for (uint32_t d = 0; d < end; d++) numbers_put(&n, d, NULL, 0);
    numbers_check(&n, &alive);
    ck_assert_uint_eq(n.n, 0);
    ck_assert_uint_eq(n.order.n, 0);
    docset_fini(&alive);
    numbers_fini(&n);
    mem_free(docs);
}

START_TEST(ranges_of_few_numbers)
{
    numbers_of_many(DOCS, 6000);
}
END_TEST

START_TEST(ranges_of_many_numbers_are_kept_in_order)
{
    numbers_of_many(NUMBERS_ORDER + 2000, NUMBERS_ORDER + 6000);
}
END_TEST

/* --- places --------------------------------------------------------------------------------------------------------- */

START_TEST(places_are_found_by_distance)
{
    enum { APART = 9 }; /* so that they lie in several pages */
    static struct place docs[DOCS][2];
    static size_t counts[DOCS];
    struct places p;
    struct rng r;

    unit_rng(&r);
    places_init(&p);
    for (int step = 0; step < 3000; step++) {
        uint32_t d = (uint32_t)rng_below(&r, DOCS);

        counts[d] = rng_below(&r, 3);
        for (size_t i = 0; i < counts[d]; i++)
            docs[d][i] = (struct place){ rng_unit(&r) * 360 - 180, rng_unit(&r) * 180 - 90 };
        places_put(&p, d * APART, docs[d], counts[d]);
        if (step % 30 == 0) {
            struct place centre = { rng_unit(&r) * 360 - 180, rng_unit(&r) * 180 - 90 };
            double radius = rng_unit(&r) * 4e6;
            struct docset found = { 0 };

            struct places_walk walk = { 0 };
            size_t steps = 1;

            while (!places_near_step(&p, centre, radius, &walk, &found)) steps++;
            ck_assert_uint_gt(steps, p.lat.n_pages);
            for (uint32_t i = 0; i < DOCS; i++) {
                bool want = false;

                for (size_t k = 0; k < counts[i]; k++) want |= place_distance(centre, docs[i][k]) <= radius;
                ck_assert(docset_has(&found, i * APART) == want);
            }
            docset_fini(&found);
        }
    }
    places_fini(&p);
    ck_assert_double_eq_tol(place_distance((struct place){ 13.361389, 38.115556 }, (struct place){ 15.087269, 37.502669 }), 166274.15, 1);
}
END_TEST

START_TEST(what_is_a_place)
{
    static const char *const bad[] = { "", "1", "1,", ",1", "181,0", "0,91", "1,2,3", "x,y", "nan,1" };
    struct place p;

    ck_assert(place_parse(STR("13.5, -52.25"), &p) && p.lon == 13.5 && p.lat == -52.25);
    ck_assert(place_parse(STR("1 2"), &p) && p.lon == 1 && p.lat == 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(!place_parse(str_c(bad[i]), &p), "%s", bad[i]);
}
END_TEST

START_TEST(small_letters)
{
    static const char *const pairs[][2] = { { "ABC xyz", "abc xyz" }, { "ÄÖÜ ß ÉÈ", "äöü ß éè" }, { "ŁŻŹ", "łżź" }, { "ΑΒΓ ΣΏ", "αβγ σώ" }, { "ПРИВЕТ Ё", "привет ё" },
                                            { "ԱԲ", "աբ" }, { "ẠỮ", "ạữ" }, { "ＡＢ", "ａｂ" }, { "日本語", "日本語" } };
    struct buf b = { 0 };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buf_clear(&b);
        fold_case(str_c(pairs[i][0]), &b);
        expect_str(buf_str(&b), str_c(pairs[i][1]));
    }
    buf_clear(&b);
    fold_case(STR("\xff\xc3" "A\xe2\x82"), &b); /* no UTF-8 */
    expect_str(buf_str(&b), STR("\xff\xc3" "a\xe2\x82"));
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("columns", what_is_sorted_is_a_model_in_order, tags_are_as_a_model_of_them, a_walk_over_tags_finds_what_stays, wildcards_know_no_brackets, ranges_of_few_numbers,
          ranges_of_many_numbers_are_kept_in_order, places_are_found_by_distance, what_is_a_place, small_letters)
