/* Suggestions against a list that is read whole for every question; copies and leaves that a snapshot holds stay as they were. */
#include <math.h>

#include "storage/suggest.h"
#include "tests/unit/unit.h"
#include "text/words.h"

enum { MOST = 3000 };

struct model {
    struct {
        char text[32];
        float score;
        bool payload;
    } list[MOST];
    size_t n;
};

static size_t find(const struct model *m, const char *text)
{
    size_t i = 0;

    while (i < m->n && strcmp(m->list[i].text, text) != 0) i++;
    return i;
}

static void expect_same(const struct suggestions *s, const struct model *m)
{
    const struct suggestion *g;
    size_t i = 0, k = 0;

    suggestions_check(s);
    ck_assert_uint_eq(s->count, m->n);
    while ((g = suggestions_next(s, &i, &k)) != NULL) {
        char text[SUGGESTION_MAX + 1] = "";
        size_t at;
        memcpy(text, suggestion_text(g).p, suggestion_text(g).n);
        at = find(m, text);
        ck_assert(at < m->n && m->list[at].score == g->score);
        expect_str(suggestion_payload(g), m->list[at].payload ? STR("payload") : STR(""));
    }
}

static const char *random_text(struct rng *r, char *out)
{
    static const char *const parts[] = { "a", "B", "b", "\xc3\xa9", "e", "ab", "\xc3\x85", "c", " " };
    size_t n = 0;

    for (uint64_t k = 1 + rng_below(r, 6); k > 0; k--) n += (size_t)sprintf(out + n, "%s", parts[rng_below(r, 9)]);
    return out;
}

/* One step, of both. */
static void change(struct rng *r, struct suggestions *s, struct model *m)
{
    char text[64];
    size_t at = find(m, random_text(r, text));
    bool there = at < m->n, add = rng_below(r, 2) == 0, payload = rng_below(r, 4) == 0;
    double score = (double)rng_below(r, 1000);

    if (rng_below(r, 3) == 0) {
        ck_assert(suggestions_remove(s, str_c(text)) == there);
        if (there) m->list[at] = m->list[--m->n];
        return;
    }
    if (!there && m->n == MOST) return;
    ck_assert(suggestions_put(s, str_c(text), score, add, payload ? STR("payload") : STR("")) == !there);
    if (!there) {
        m->n++;
        strcpy(m->list[at].text, text);
        m->list[at].score = 0;
        m->list[at].payload = false;
    }
    m->list[at].score = (float)(there && add ? m->list[at].score + score : score);
    m->list[at].payload = m->list[at].payload || payload;
}

START_TEST(a_dictionary_is_what_was_put_into_it_and_copies_stay)
{
    static struct model m, copied;
    size_t before = mem_used();
    struct suggestions *s = suggestions_new(), *copy = NULL;
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 30000; i++) {
        change(&r, s, &m);
        if (i % 1000 > 0) continue;
        expect_same(s, &m);
        if (copy != NULL) expect_same(copy, &copied);
        else if (MEM_COUNTS_LIBRARIES) ck_assert_uint_eq(mem_used() - before, s->bytes);
        suggestions_free(&copy);
        if (i % 2000 > 0) continue;
        copy = suggestions_copy(s);
        copied = m;
        if (i % 4000 == 0) change(&r, copy, &copied);
    }
    suggestions_free(&s);
    if (copy != NULL) expect_same(copy, &copied);
    suggestions_free(&copy);
    if (MEM_COUNTS_LIBRARIES) ck_assert_uint_eq(mem_used(), before);
}
END_TEST

/* --- asking -------------------------------------------------------------------------------------------------------------- */

static size_t characters(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static unsigned edits(const char *a, size_t n, const char *b, size_t m) /* of bytes: the tests of it are ASCII */
{
    unsigned d, e;

    if (n == 0 || m == 0) return (unsigned)(n + m);
    d = edits(a + 1, n - 1, b + 1, m - 1) + (*a != *b);
    if (d == 0) return 0;
    e = edits(a + 1, n - 1, b, m) + 1;
    if (e < d) d = e;
    e = edits(a, n, b + 1, m - 1) + 1;
    return e < d ? e : d;
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x > y ? -1 : x < y;
}

/* The scores of all that match, best first. */
static size_t model_scores(const struct model *m, const char *prefix, bool fuzzy, float *out)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        const char *text = m->list[i].text;
        struct buf folded = { 0 };
        unsigned best = 2;
        double score = m->list[i].score;
        double longer = (double)characters(text) - (double)strlen(prefix);

        words_fold(str_c(text), WORDS_AS_FTS5, &folded);
        for (size_t k = 0; fuzzy && k <= folded.n; k++) {
            unsigned d = edits(folded.p, k, prefix, strlen(prefix));
            if (d < best) best = d;
        }
        if (!fuzzy && str_starts(buf_str(&folded), str_c(prefix))) best = 0;
        buf_fini(&folded);
        if (best > 1) continue;
        if (strcmp(text, prefix) == 0) score = 2147483647.0F;
        if (fuzzy) score = (float)(score * exp(-2.0 * best));
        out[n++] = (float)(score / sqrt(1 + fabs(longer)));
    }
    qsort(out, n, sizeof *out, descending);
    return n;
}

/* In steps of n. */
static size_t find_best(const struct suggestions *s, struct str prefix, bool fuzzy, size_t max, size_t n, struct suggest_hit *out)
{
    struct suggest_search *x = suggest_search_new(s, prefix, fuzzy, max);
    const struct suggest_hit *hits;
    size_t found;

    while (!suggest_search_step(x, n)) { }
    ck_assert(suggest_search_step(x, n));
    hits = suggest_search_hits(x, &found);
    if (found > 0) memcpy(out, hits, found * sizeof *out);
    suggest_search_free(x);
    return found;
}

START_TEST(the_best_are_found)
{
    static const char *const prefixes[] = { "a", "ab", "abe", "b", "bb", "e", "cab", "ab b", "zzz", "c" };
    static struct model m;
    static float want[MOST];
    struct suggest_hit hits[50];
    struct suggestions *s = suggestions_new();
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 6000; i++) {
        change(&r, s, &m);
        if (i % 40 > 0) continue;
        for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
            bool fuzzy = (i / 40 + (int)p) % 4 == 0;
            size_t max = 1 + rng_below(&r, 50), n = model_scores(&m, prefixes[p], fuzzy, want);
            size_t got = find_best(s, str_c(prefixes[p]), fuzzy, max, 1 + rng_below(&r, 100), hits);
            ck_assert_uint_eq(got, n < max ? n : max);
            for (size_t k = 0; k < got; k++)
                if (hits[k].score != want[k]) ck_abort_msg("%s, %zu: %f, want %f", prefixes[p], k, hits[k].score, want[k]);
        }
    }
    suggestions_free(&s);
}
END_TEST

START_TEST(equals_come_in_the_order_of_their_texts)
{
    static struct suggest_hit hits[1000];
    struct suggestions *s = suggestions_new();

    for (unsigned i = 0; i < 1000; i++) {
        char text[16];
        sprintf(text, "ab%03u", (i * 607) % 1000);
        suggestions_put(s, str_c(text), 7, false, STR(""));
    }
    for (int fuzzy = 0; fuzzy < 2; fuzzy++) {
        size_t n = find_best(s, STR("ab"), fuzzy == 1, 1000, SIZE_MAX, hits);

        ck_assert_uint_eq(n, 1000);
        for (unsigned i = 0; i < n; i++) {
            char text[16];
            sprintf(text, "ab%03u", i);
            expect_str(suggestion_text(hits[i].suggestion), str_c(text));
        }
        ck_assert_uint_eq(find_best(s, STR("ab"), fuzzy == 1, 3, 1, hits), 3);
        expect_str(suggestion_text(hits[2].suggestion), STR("ab002"));
    }
    suggestions_free(&s);
}
END_TEST

UNIT_MAIN("suggest", a_dictionary_is_what_was_put_into_it_and_copies_stay, the_best_are_found, equals_come_in_the_order_of_their_texts)
