#include "search/run.h"

#include <math.h>

#include "tests/unit/search/query_rig.h"

enum { DOCS = 150, WORDS = 8, TAGS = 6, TEXT_WORDS = 6 };

static const char *const vocabulary[WORDS] = { "alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa", "alphabet" };
static const char *const tag_names[TAGS] = { "red", "green", "blue", "dark-red", "x@y.z", "deep sea" };

/* A document as the model knows it. */
struct doc {
    bool there, has_n;
    int words[TEXT_WORDS], tag, n;
    float v[2];
};

static struct search_index *ix;
static struct doc docs[DOCS];
static struct rng rng;

static void set_up(void)
{
    ix = rig_index("i SCHEMA t TEXT NOSTEM g TAG n NUMERIC INDEXMISSING v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2");
    unit_rng(&rng);
    memset(docs, 0, sizeof docs);
}

static void tear_down(void)
{
    index_free(&ix);
}

static struct str key_of(int d)
{
    static char key[16];

    snprintf(key, sizeof key, "d%d", d);
    return str_c(key);
}

static void put(int d)
{
    const struct index_spec *spec = index_spec(ix);
    struct doc *doc = &docs[d];
    struct field_value fields[4];
    struct doc_content content = { .fields = fields, .score = 1 };
    struct str values[4];
    char text[256] = "", number[16];

    for (int i = 0; i < TEXT_WORDS; i++) {
        doc->words[i] = (int)rng_below(&rng, WORDS);
        strcat(strcat(text, vocabulary[doc->words[i]]), " ");
    }
    doc->there = true;
    doc->tag = (int)rng_below(&rng, TAGS);
    doc->has_n = rng_below(&rng, 5) > 0;
    doc->n = (int)rng_below(&rng, 20);
    doc->v[0] = (float)rng_below(&rng, 30);
    doc->v[1] = (float)rng_below(&rng, 30);
    snprintf(number, sizeof number, "%d", doc->n);
    values[0] = str_c(text);
    values[1] = str_c(tag_names[doc->tag]);
    values[2] = str_of(doc->v, sizeof doc->v);
    values[3] = str_c(number);
    static const char *const names[] = { "t", "g", "v", "n" };

    for (int i = 0; i < 3 + doc->has_n; i++) {
        fields[content.n++] = (struct field_value){ spec_field(spec, str_c(names[i])), &values[i], 1 };
    }
    ck_assert(index_put(ix, key_of(d), &content));
}

static void take_away(int d)
{
    index_remove(ix, key_of(d));
    docs[d].there = false;
}

/* --- random queries, and what they find --------------------------------------------------------------------------- */

typedef bool match[DOCS];

static bool has_word(const struct doc *d, const char *from, bool prefix)
{
    for (int i = 0; i < TEXT_WORDS; i++) {
        const char *w = vocabulary[d->words[i]];

        if (prefix ? strncmp(w, from, strlen(from)) == 0 : strcmp(w, from) == 0) return true;
    }
    return false;
}

static bool has_pair(const struct doc *d, int a, int b)
{
    for (int i = 0; i + 1 < TEXT_WORDS; i++) {
        if (d->words[i] == a && d->words[i + 1] == b) return true;
    }
    return false;
}

static void make_leaf(struct buf *q, match m)
{
    int kind = (int)rng_below(&rng, 7), a = (int)rng_below(&rng, WORDS), b = (int)rng_below(&rng, WORDS);
    int tag = (int)rng_below(&rng, TAGS), lo = (int)rng_below(&rng, 20), hi = (int)rng_below(&rng, 20), open = (int)rng_below(&rng, 2);

    switch (kind) {
    case 0: buf_printf(q, "@t:%s", vocabulary[a]); break;
    case 1: buf_printf(q, "@t:\"%s %s\"", vocabulary[a], vocabulary[b]); break;
    case 2: buf_printf(q, "%.3s*", vocabulary[a]); break;
    case 3: buf_printf(q, "@g:{%s|%s}", tag_names[tag], tag_names[0]); break;
    case 4: buf_printf(q, "@n:[%s%d %d]", open ? "(" : "", lo, hi); break;
    case 5: buf_printf(q, "ismissing(@n)"); break;
    default: buf_printf(q, "%%%s%%", "alphq"); break;
    }
    for (int i = 0; i < DOCS; i++) {
        const struct doc *d = &docs[i];
        char prefix[4] = { 0 };

        memcpy(prefix, vocabulary[a], 3);
        switch (kind) {
        case 0: m[i] = has_word(d, vocabulary[a], false); break;
        case 1: m[i] = has_pair(d, a, b); break;
        case 2: m[i] = has_word(d, prefix, true); break;
        case 3: m[i] = d->tag == tag || d->tag == 0; break;
        case 4: m[i] = d->has_n && (open ? d->n > lo : d->n >= lo) && d->n <= hi; break;
        case 5: m[i] = !d->has_n; break;
        default: m[i] = has_word(d, "alpha", false); break;
        }
        m[i] = m[i] && d->there;
    }
}

static void make_query(struct buf *q, match m, int depth)
{
    int kind = depth > 0 ? (int)rng_below(&rng, 6) : 0, n = 2 + (int)rng_below(&rng, 3);
    match part;

    if (kind <= 1) {
        make_leaf(q, m);
        return;
    }
    buf_add_c(q, kind == 4 ? "-(" : kind == 5 ? "(~(" : "(");
    if (kind >= 4) n = 1;
    for (int i = 0; i < n; i++) {
        if (i > 0) buf_add_c(q, kind == 2 ? " " : " | ");
        make_query(q, part, depth - 1);
        for (int d = 0; d < DOCS; d++) m[d] = i == 0 ? part[d] : kind == 2 ? m[d] && part[d] : m[d] || part[d];
    }
    for (int d = 0; d < DOCS; d++) {
        if (kind == 4) m[d] = docs[d].there && !m[d];
        if (kind == 5) m[d] = docs[d].there;
    }
    buf_add_c(q, kind == 5 ? "))" : ")");
}

/* --- running ------------------------------------------------------------------------------------------------------ */

struct asked {
    struct arena a;
    struct query_node *q;
    struct run *run;
};

static void ask(struct asked *k, struct str query, const float *v, bool scores)
{
    struct query_param param = { STR("b"), str_of(v, v ? 2 * sizeof *v : 0) };
    struct query_rules rules = { .dialect = 2, .slop = -1, .fields = ~0ULL, .params = &param, .n_params = 1 };
    struct buf error = { 0 };

    arena_init(&k->a);
    k->q = query_parse(&k->a, ix, query, &rules, &error);
    ck_assert_msg(k->q != NULL, "%.*s: %.*s", (int)query.n, query.p, (int)error.n, error.p);
    index_hold(ix);
    k->run = run_new(ix, k->q, SCORE_BM25STD, scores);
}

static void forget(struct asked *k)
{
    run_free(&k->run);
    index_release(ix);
    query_free(k->q);
    arena_fini(&k->a);
}

static void expect_found(struct asked *k, struct str query, const match m)
{
    for (int d = 0; d < DOCS; d++) {
        uint32_t doc = index_find(ix, key_of(d));
        bool found = doc != UINT32_MAX && docset_has(run_found(k->run), doc);

        ck_assert_msg(found == (m[d] && docs[d].there), "%.*s: document %d %s", (int)query.n, query.p, d, found ? "found" : "missed");
    }
}

START_TEST(queries_find_what_a_model_of_them_finds)
{
    struct buf q = { 0 };

    for (int d = 0; d < DOCS; d++) put(d);
    for (int round = 0; round < 600; round++) {
        struct asked k;
        match m;
        int d = (int)rng_below(&rng, DOCS);

        if (rng_below(&rng, 3) == 0 && docs[d].there) take_away(d);
        else put(d);
        buf_clear(&q);
        make_query(&q, m, 3);
        ask(&k, buf_str(&q), NULL, rng_below(&rng, 2));
        while (!run_step(k.run, 0)) {
            d = (int)rng_below(&rng, DOCS);
            if (rng_below(&rng, 4) == 0) take_away(d); /* while it goes on */
        }
        run_drop_gone(k.run);
        expect_found(&k, buf_str(&q), m);
        forget(&k);
    }
    buf_fini(&q);
}
END_TEST

static double distance(const struct doc *d, const float *v)
{
    return (double)(d->v[0] - v[0]) * (d->v[0] - v[0]) + (double)(d->v[1] - v[1]) * (d->v[1] - v[1]);
}

/* How many of m are nearer than document d. */
static int nearer(const match m, int d, const float *v)
{
    int n = 0;

    for (int i = 0; i < DOCS; i++) n += m[i] && distance(&docs[i], v) < distance(&docs[d], v);
    return n;
}

START_TEST(the_nearest_are_the_nearest_of_what_the_filter_lets_through)
{
    struct buf q = { 0 };

    for (int d = 0; d < DOCS; d++) put(d);
    for (int round = 0; round < 200; round++) {
        float v[2] = { (float)rng_below(&rng, 30), (float)rng_below(&rng, 30) };
        uint32_t k = 1 + (uint32_t)rng_below(&rng, 20), allowed = 0, found = 0;
        struct asked a;
        match m;

        put((int)rng_below(&rng, DOCS));
        buf_clear(&q);
        make_query(&q, m, 2);
        buf_printf(&q, "=>[KNN %u @v $b AS near]", k);
        ask(&a, buf_str(&q), v, false);
        while (!run_step(a.run, 0)) {}
        ck_assert(run_is_knn(a.run));
        for (int d = 0; d < DOCS; d++) {
            uint32_t doc = index_find(ix, key_of(d));
            double got;

            allowed += m[d];
            if (!docset_has(run_found(a.run), doc)) continue;
            found++;
            ck_assert(m[d]);
            ck_assert(run_distance(a.run, STR("near"), doc, &got));
            ck_assert_double_eq(got, distance(&docs[d], v));
            ck_assert_int_lt(nearer(m, d, v), (int)k);
        }
        ck_assert_uint_eq(found, allowed < k ? allowed : k);
        forget(&a);
    }
    buf_fini(&q);
}
END_TEST

START_TEST(a_radius_finds_all_within_it_and_with_other_parts_those_of_them)
{
    for (int d = 0; d < DOCS; d++) put(d);
    for (int round = 0; round < 100; round++) {
        float v[2] = { (float)rng_below(&rng, 30), (float)rng_below(&rng, 30) };
        int radius = (int)rng_below(&rng, 200);
        struct buf q = { 0 };
        struct asked a;

        buf_printf(&q, "@g:{red} @v:[VECTOR_RANGE %d $b]=>{$yield_distance_as: near}", radius);
        ask(&a, buf_str(&q), v, true);
        while (!run_step(a.run, 0)) {}
        ck_assert(!run_is_knn(a.run));
        for (int d = 0; d < DOCS; d++) {
            uint32_t doc = index_find(ix, key_of(d));
            bool want = docs[d].tag == 0 && distance(&docs[d], v) <= radius;
            double got;

            ck_assert_int_eq(docset_has(run_found(a.run), doc), want);
            ck_assert_int_eq(run_distance(a.run, STR("near"), doc, &got), want);
        }
        forget(&a);
        buf_fini(&q);
    }
}
END_TEST

static double score_of(const char *query, int d)
{
    struct asked a;
    double score;

    ask(&a, str_c(query), NULL, true);
    while (!run_step(a.run, 0)) {}
    score = run_score(a.run, index_find(ix, key_of(d)));
    forget(&a);
    return score;
}

START_TEST(scores_are_those_of_the_words_that_were_found)
{
    for (int d = 0; d < DOCS; d++) put(d);
    for (int d = 0; d < 20; d++) {
        const char *w = vocabulary[docs[d].words[0]], *other = vocabulary[docs[d].words[1]];
        char q[200];
        double one = score_of(w, d), two = score_of(other, d);

        ck_assert_double_gt(one, 0);
        if (docs[d].words[0] == docs[d].words[1]) continue;
        snprintf(q, sizeof q, "%s %s", w, other);
        ck_assert_double_eq_tol(score_of(q, d), one + two, 1e-9);
        snprintf(q, sizeof q, "%s | %s", w, other);
        ck_assert_double_eq_tol(score_of(q, d), one + two, 1e-9);
        snprintf(q, sizeof q, "%s=>{$weight: 3} ~%s", w, other);
        ck_assert_double_eq_tol(score_of(q, d), 3 * one + two, 1e-9);
        snprintf(q, sizeof q, "%s -(nosuchword %s)", w, other); /* what a NOT looks for counts nothing */
        ck_assert_double_eq_tol(score_of(q, d), one, 1e-9);
        snprintf(q, sizeof q, "%s | (nosuchword %s)", w, other); /* and what did not help to find it */
        ck_assert_double_eq_tol(score_of(q, d), one, 1e-9);
        snprintf(q, sizeof q, "@g:{\"%s\"} %s", tag_names[docs[d].tag], w);
        ck_assert_double_eq_tol(score_of(q, d), one, 1e-9);
    }
}
END_TEST

UNIT_MAIN_AROUND("run", set_up, tear_down, queries_find_what_a_model_of_them_finds,
                 the_nearest_are_the_nearest_of_what_the_filter_lets_through,
                 a_radius_finds_all_within_it_and_with_other_parts_those_of_them, scores_are_those_of_the_words_that_were_found)
