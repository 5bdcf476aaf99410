/* zset_bounds.c -- see zset_bounds.h. */
#include "commands/zset_bounds.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* A bound may be written more freely than other numbers: blanks may lead, nothing at all is 0, and
 * what is too large is infinite. */
static bool free_double(const struct call *c, struct str text, double *out)
{
    struct str copy;
    char *end;

    if (num_parse_double(text, out)) return true;
    copy = arena_printf(c->arena, "%.*s", (int)(text.n & INT_MAX),
                        text.p); /* ends at a NUL, as strtod does */
    *out = strtod(copy.p, &end);
    return *end == '\0' && !isnan(*out);
}

static bool parse_score(const struct call *c, struct str text, double *score, bool *open)
{
    *open = text.n > 0 && text.p[0] == '(';
    if (*open) text = str_of(text.p + 1, text.n - 1);
    return free_double(c, text, score);
}

static bool parse_name(struct str text, struct str *name, enum zlex_bound *kind)
{
    if (text.n == 0) return false;
    switch (text.p[0]) {
    case '-': *kind = ZLEX_LOWEST; return text.n == 1;
    case '+': *kind = ZLEX_HIGHEST; return text.n == 1;
    case '(': *kind = ZLEX_OPEN; break;
    case '[': *kind = ZLEX_CLOSED; break;
    default: return false;
    }
    *name = str_of(text.p + 1, text.n - 1);
    return true;
}

enum err zbounds_parse(const struct call *c, enum zbounds_kind kind, size_t min, size_t max,
                       struct zbounds *b)
{
    enum err e;

    *b = (struct zbounds){ .kind = kind };
    switch (kind) {
    case ZBOUNDS_RANK:
        e = call_i64(c, min, &b->rank.start);
        return e == OK ? call_i64(c, max, &b->rank.stop) : e;
    case ZBOUNDS_SCORE:
        if (!parse_score(c, call_arg(c, min), &b->score.min, &b->score.min_open))
            return ERR_ZRANGE_SCORE;
        if (!parse_score(c, call_arg(c, max), &b->score.max, &b->score.max_open))
            return ERR_ZRANGE_SCORE;
        return OK;
    default:
        if (!parse_name(call_arg(c, min), &b->lex.min, &b->lex.min_kind)) return ERR_ZRANGE_LEX;
        if (!parse_name(call_arg(c, max), &b->lex.max, &b->lex.max_kind)) return ERR_ZRANGE_LEX;
        return OK;
    }
}

static struct zrange find_places(int64_t start, int64_t stop, int64_t n, bool down)
{
    if (start < 0) start += n;
    if (stop < 0) stop += n;
    if (start < 0) start = 0;
    if (start > stop || start >= n) return (struct zrange){ 0, 0 };
    if (stop >= n) stop = n - 1;
    if (down) return (struct zrange){ (size_t)(n - 1 - stop), (size_t)(n - start) };
    return (struct zrange){ (size_t)start, (size_t)stop + 1 };
}

struct zrange zbounds_find(const struct zbounds *b, const struct zset *z, bool down)
{
    switch (b->kind) {
    case ZBOUNDS_RANK:
        return find_places(b->rank.start, b->rank.stop, (int64_t)zset_count(z), down);
    case ZBOUNDS_SCORE: return zset_range_score(z, &b->score);
    default: return zset_range_lex(z, &b->lex);
    }
}
