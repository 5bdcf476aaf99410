/* zset_pack.c -- a small sorted set in a listpack. See zset_pack.h. */
#include "storage/zset_pack.h"

#include <math.h>

#define WHOLE_MAX ((double)(INT64_MAX / 2))

double zpack_score(const unsigned char *p)
{
    struct listpack_item s = listpack_get(p);
    double score;

    if (s.p == NULL) return (double)s.v;
    return num_parse_double(str_of(s.p, s.n), &score) ? score : (double)NAN;
}

const unsigned char *zpack_find(const unsigned char *lp, struct str member, double *score)
{
    const unsigned char *p = listpack_find(listpack_first(lp), member, 1);

    if (p != NULL) *score = zpack_score(listpack_next(p));
    return p;
}

size_t zpack_rank(const unsigned char *lp, const unsigned char *at)
{
    size_t rank = 0;

    for (const unsigned char *p = listpack_first(lp); p != at; p = listpack_next(listpack_next(p))) rank++;
    return rank;
}

/* Where (member, score) belongs: the element that comes behind it, NULL at the end. */
static const unsigned char *place(const unsigned char *lp, struct str member, double score)
{
    const unsigned char *p = listpack_first(lp), *behind;
    char scratch[NUM_TEXT_MAX];

    /* What is put in comes in order more often than not. */
    if (p == NULL || zpack_score(listpack_last(lp)) < score) return NULL;
    for (; p != NULL; p = listpack_next(behind)) {
        double there;

        behind = listpack_next(p);
        there = zpack_score(behind);
        if (there > score) break;
        if (there == score && str_cmp(listpack_str(p, scratch), member) >= 0) break;
    }
    return p;
}

void zpack_insert(unsigned char **lp, struct str member, double score)
{
    char text[NUM_TEXT_MAX];
    size_t n;
    const unsigned char *at = place(*lp, member, score);

    if (fabs(score) <= WHOLE_MAX && score == (double)(int64_t)score)
        n = num_i64(text, (int64_t)score);
    else
        n = num_double(text, score);
    listpack_insert(lp, at, (const struct str[]){ member, str_of(text, n) }, 2);
}

bool zpack_sound(const unsigned char *lp, size_t longest)
{
    char scratch[2][NUM_TEXT_MAX];
    struct str last = { NULL, 0 };
    double last_score = 0;
    unsigned turn = 0;

    for (const unsigned char *p = listpack_first(lp), *behind; p != NULL; p = listpack_next(behind)) {
        struct str member = listpack_str(p, scratch[turn++ & 1]);
        double score;

        behind = listpack_next(p);
        if (behind == NULL || member.n > longest) return false;
        score = zpack_score(behind);
        if (isnan(score)) return false;
        if (last.p != NULL && (score < last_score || (score == last_score && str_cmp(last, member) >= 0)))
            return false;
        last = member;
        last_score = score;
    }
    return true;
}
