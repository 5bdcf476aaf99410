/* Scores against numbers by hand. */
#include <math.h>

#include "search/score.h"
#include "tests/unit/unit.h"

static const struct text_hit hit = { .doc = 1, .tf = 3, .df = 2, .length = 40, .max_tf = 6 };

static void expect_near(double got, double want)
{
    if (fabs(got - want) > 1e-6 * fabs(want)) ck_abort_msg("got %.9f, want %.9f", got, want);
}

static double score_of(enum scorer s, const struct text_hit *h, uint64_t docs, double average_length)
{
    return score_word(s, h, score_rarity(s, docs, h->df), average_length);
}

START_TEST(words_score_as_the_formulas_say)
{
    /* ln(1 + (10 - 2 + 0.5) / 2.5) = ln 4.4; 3 * 2.2 / (3 + 1.2 * (0.5 + 0.5 * 40 / 20)) = 6.6 / 4.8 */
    expect_near(score_of(SCORE_BM25STD, &hit, 10, 20), 1.4816045409 * 1.375);
    /* floor(log2(1 + 11 / 2)) = 2; 3 / (3 + 1.2 * (0.5 + 0.5 * 20)) = 3 / 15.6 */
    expect_near(score_of(SCORE_BM25, &hit, 10, 20), 2 * 3 / 15.6);
    expect_near(score_of(SCORE_TFIDF, &hit, 10, 20), 3 * 2 / 6.0);
    expect_near(score_of(SCORE_TFIDF_DOCNORM, &hit, 10, 20), 3 * 2 / 40.0);
    expect_near(score_of(SCORE_DISMAX, &hit, 10, 20), 3);
    ck_assert(score_of(SCORE_DOCSCORE, &hit, 10, 20) == 0 && score_of(SCORE_HAMMING, &hit, 10, 20) == 0);
}
END_TEST

START_TEST(a_rarer_word_and_a_shorter_document_score_more)
{
    struct text_hit rare = hit, brief = hit;

    rare.df = 1;
    brief.length = 10;
    ck_assert(score_of(SCORE_BM25STD, &rare, 10, 20) > score_of(SCORE_BM25STD, &hit, 10, 20));
    ck_assert(score_of(SCORE_BM25STD, &brief, 10, 20) > score_of(SCORE_BM25STD, &hit, 10, 20));
}
END_TEST

START_TEST(nothing_is_divided_by_zero)
{
    static const struct text_hit none = { .tf = 1 };

    for (int s = SCORE_BM25STD; s <= SCORE_HAMMING; s++) ck_assert(isfinite(score_of((enum scorer)s, &none, 0, 0)));
}
END_TEST

START_TEST(scorers_are_found_by_name)
{
    enum scorer s = SCORE_HAMMING;

    ck_assert(scorer_find(STR("bm25std"), &s) && s == SCORE_BM25STD);
    ck_assert(scorer_find(STR("TFIDF.DOCNORM"), &s) && s == SCORE_TFIDF_DOCNORM);
    ck_assert(scorer_find(STR("BM25STD.tanh"), &s) && s == SCORE_BM25STD_TANH);
    ck_assert(!scorer_find(STR("BM26"), &s) && !scorer_find(STR(""), &s));
}
END_TEST

UNIT_MAIN("score", words_score_as_the_formulas_say, a_rarer_word_and_a_shorter_document_score_more, nothing_is_divided_by_zero,
          scorers_are_found_by_name)
