/* ft_hybrid_ask.c -- FT.HYBRID's grammar, which is Redis 8.4's:
 *
 *     FT.HYBRID index [2] SEARCH query [SCORER s] [YIELD_SCORE_AS name]
 *         VSIM @field $vector [KNN n [K k] [EF_RUNTIME e] | RANGE n RADIUS r [EPSILON e]] [FILTER query [POLICY p] [BATCH_SIZE b] |
 *             FILTER n query ...] [YIELD_SCORE_AS name] -- these also in another order
 *         [COMBINE RRF n [CONSTANT c] [WINDOW w] | COMBINE LINEAR n [ALPHA a BETA b] [WINDOW w]] [YIELD_SCORE_AS name]
 *         steps as in FT.AGGREGATE, NOSORT, PARAMS, TIMEOUT, FORMAT */
#include "server/ft_hybrid_ask.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"

enum { WINDOW_USUAL = 20, WINDOW_MAX = 10000, K_USUAL = 10 };

struct reader {
    struct hybrid_ask *h;
    struct arena *arena;
    struct aggregate *g;
    size_t argc, at;
    const struct str *argv;
    struct buf *error;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct reader *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(r->error, fmt, ap);
    va_end(ap);
    return false;
}

static bool is(struct reader *r, const char *word)
{
    if (r->at == r->argc || !str_is(r->argv[r->at], word)) return false;
    r->at++;
    return true;
}

static bool take(struct reader *r, const char *what, struct str *out)
{
    if (r->at == r->argc) return fail(r, "SEARCH_PARSE_ARGS Missing argument value for %s", what);
    *out = arena_dup(r->arena, r->argv[r->at++]);
    return true;
}

static bool take_count(struct reader *r, const char *what, uint64_t max, uint64_t *out)
{
    struct str s;

    if (!take(r, what, &s)) return false;
    return (num_parse_u64(s, out) && *out >= 1 && *out <= max) || fail(r, "SEARCH_SYNTAX Invalid %s value", what);
}

static bool take_number(struct reader *r, const char *what, double min, double *out)
{
    struct str s;

    if (!take(r, what, &s)) return false;
    return (num_parse_double(s, out) && *out >= min) || fail(r, "SEARCH_SYNTAX Invalid %s value", what);
}

static bool fail_short(struct reader *r, const char *what, uint64_t n)
{
    return fail(r, "SEARCH_SYNTAX Not enough arguments in %s, specified %llu but provided only %zu", what, (unsigned long long)n,
                r->argc - r->at);
}

/* The number of words that belong to a clause; *end: where they end. */
static bool take_clause(struct reader *r, const char *what, size_t *end)
{
    uint64_t n;

    if (r->at == r->argc) return fail(r, "SEARCH_PARSE_ARGS Missing %s argument count", what);
    if (!num_parse_u64(r->argv[r->at], &n)) {
        return fail(r, "SEARCH_PARSE_ARGS Invalid %s argument count: expected an unsigned integer", what);
    }
    r->at++;
    if (n % 2 != 0) {
        return fail(r, "SEARCH_SYNTAX Invalid argument count: %llu (must be a positive even number for key/value pairs)",
                    (unsigned long long)n);
    }
    if (n > r->argc - r->at) return fail_short(r, what, n);
    *end = r->at + (size_t)n;
    return true;
}

static bool unknown(struct reader *r, const char *where)
{
    struct str s = r->argv[r->at];

    return fail(r, "SEARCH_ARG_UNRECOGNIZED Unknown argument `%.*s` in %s", str_shown(s), s.p, where);
}

static bool refuse_dialect(struct reader *r)
{
    return fail(r, "SEARCH_PARSE_ARGS DIALECT is not supported in FT.HYBRID or any of its subqueries");
}

/* --- SEARCH, VSIM ----------------------------------------------------------------------------------------------------------- */

static bool read_search(struct reader *r)
{
    enum ft_asked asked;

    while (r->at < r->argc && !str_is(r->argv[r->at], "VSIM")) {
        if (is(r, "YIELD_SCORE_AS")) {
            if (!take(r, "YIELD_SCORE_AS", &r->h->text_as)) return false;
            continue;
        }
        if (is(r, "DIALECT")) return refuse_dialect(r);
        if (!str_is(r->argv[r->at], "SCORER")) return unknown(r, "SEARCH");
        asked = ft_ask_option(&r->h->text, r->argc, r->argv, &r->at, r->error);
        if (asked == FT_ASK_REFUSED) return false;
    }
    return is(r, "VSIM") || fail(r, "SEARCH_SYNTAX VSIM argument is required");
}

static bool read_knn(struct reader *r)
{
    size_t end;
    bool has_k = false;

    if (!take_clause(r, "KNN", &end)) return false;
    while (r->at < end) {
        struct str ignored;

        if (is(r, "K")) {
            has_k = true;
            if (!take_count(r, "K", UINT32_MAX, &r->h->k)) return false;
        } else if (is(r, "EF_RUNTIME")) {
            if (!take_count(r, "EF_RUNTIME", UINT32_MAX, &r->h->ef)) return false;
        } else if (is(r, "SHARD_K_RATIO")) {
            if (!take(r, "SHARD_K_RATIO", &ignored)) return false;
        } else {
            return unknown(r, "KNN");
        }
    }
    return has_k || fail(r, "SEARCH_PARSE_ARGS Missing required argument K");
}

static bool read_range(struct reader *r)
{
    size_t end;
    bool has_radius = false;

    r->h->range = true;
    if (!take_clause(r, "RANGE", &end)) return false;
    while (r->at < end) {
        if (is(r, "RADIUS")) {
            has_radius = true;
            if (!take_number(r, "RADIUS", 0, &r->h->radius)) return false;
        } else if (is(r, "EPSILON")) {
            if (!take_number(r, "EPSILON", 0, &r->h->epsilon)) return false;
        } else {
            return unknown(r, "RANGE");
        }
    }
    return has_radius || fail(r, "SEARCH_PARSE_ARGS Missing required argument RADIUS");
}

/* How to go about a filter, which is for the server to know here. */
static bool skip_policy(struct reader *r)
{
    struct str policy;
    uint64_t size;

    if (is(r, "POLICY") && !take(r, "POLICY", &policy)) return false;
    return !is(r, "BATCH_SIZE") || take_count(r, "BATCH_SIZE", UINT32_MAX, &size);
}

/* FILTER query, or FILTER n query and words about how to go about it. */
static bool read_filter(struct reader *r)
{
    uint64_t n;

    if (r->at == r->argc) return fail(r, "SEARCH_PARSE_ARGS Missing argument count for FILTER");
    if (!num_parse_u64(r->argv[r->at], &n)) return take(r, "FILTER", &r->h->filter) && skip_policy(r);
    r->at++;
    if (n == 0 || n > r->argc - r->at)
        return fail_short(r, "FILTER", n);
    r->h->filter = arena_dup(r->arena, r->argv[r->at]);
    r->at += (size_t)n;
    return true;
}

/* What follows the vector, in any order, each once. A FILTER behind YIELD_SCORE_AS is a step, which sees the score. */
static bool read_near_options(struct reader *r)
{
    bool method = false, filter = false, yields = false;

    while (r->at < r->argc) {
        if (!method && is(r, "KNN")) {
            method = true;
            if (!read_knn(r)) return false;
        } else if (!method && is(r, "RANGE")) {
            method = true;
            if (!read_range(r)) return false;
        } else if (!filter && !yields && is(r, "FILTER")) {
            filter = true;
            if (!read_filter(r)) return false;
        } else if (!yields && is(r, "YIELD_SCORE_AS")) {
            yields = true;
            if (!take(r, "YIELD_SCORE_AS", &r->h->near_as)) return false;
        } else {
            break;
        }
    }
    return true;
}

static bool read_near(struct reader *r)
{
    struct str field, vector;

    if (r->at == r->argc) return fail(r, "SEARCH_SYNTAX Missing vector field name");
    if (!take(r, "VSIM", &field)) return false;
    if (field.n < 2 || field.p[0] != '@') return fail(r, "SEARCH_SYNTAX Missing @ prefix for vector field name");
    if (r->at == r->argc) return fail(r, "SEARCH_SYNTAX Missing vector argument");
    if (!take(r, "VSIM", &vector)) return false;
    if (vector.n < 2 || vector.p[0] != '$') {
        return fail(r, "SEARCH_SYNTAX Invalid vector argument, expected a parameter name starting with $");
    }
    r->h->field = str_of(field.p + 1, field.n - 1);
    r->h->vector = str_of(vector.p + 1, vector.n - 1);
    return read_near_options(r);
}

/* --- COMBINE ------------------------------------------------------------------------------------------------------------------- */

static bool read_combine(struct reader *r)
{
    struct hybrid_ask *h = r->h;
    bool alpha = false, beta = false;
    size_t end;

    h->linear = is(r, "LINEAR");
    if (!h->linear && !is(r, "RRF")) {
        if (r->at == r->argc) return fail(r, "SEARCH_PARSE_ARGS Missing argument value for COMBINE");
        return fail(r, "SEARCH_SYNTAX Unknown COMBINE method `%.*s`", (int)r->argv[r->at].n, r->argv[r->at].p);
    }
    if (r->at < r->argc && num_parse_u64(r->argv[r->at], &(uint64_t){ 0 })) {
        if (!take_clause(r, h->linear ? "LINEAR" : "RRF", &end)) return false;
        while (r->at < end) {
            bool good;

            if (is(r, "WINDOW")) good = take_count(r, "WINDOW", WINDOW_MAX, &h->window);
            else if (is(r, "YIELD_SCORE_AS")) good = take(r, "YIELD_SCORE_AS", &h->score_as);
            else if (!h->linear && is(r, "CONSTANT")) good = take_number(r, "CONSTANT", 0, &h->constant);
            else if (h->linear && is(r, "ALPHA")) good = alpha = take_number(r, "ALPHA", -1e300, &h->alpha);
            else if (h->linear && is(r, "BETA")) good = beta = take_number(r, "BETA", -1e300, &h->beta);
            else good = unknown(r, h->linear ? "LINEAR" : "RRF");
            if (!good) return false;
        }
        if (alpha != beta) return fail(r, "SEARCH_SYNTAX Missing value for %s", alpha ? "BETA" : "ALPHA");
    }
    return !is(r, "YIELD_SCORE_AS") || take(r, "YIELD_SCORE_AS", &h->score_as);
}

/* --- all of it ------------------------------------------------------------------------------------------------------------------ */

static bool read_rest(struct reader *r)
{
    while (r->at < r->argc) {
        struct str word = r->argv[r->at];

        if (is(r, "DIALECT")) return refuse_dialect(r);
        if (is(r, "COMBINE")) {
            if (!read_combine(r)) return false;
            continue;
        }
        if (is(r, "NOSORT")) continue; /* they come by score anyway */
        r->h->loads |= str_is(word, "LOAD");
        r->h->cuts |= str_is(word, "LIMIT") || str_is(word, "SORTBY") || str_is(word, "GROUPBY");
        switch (aggregate_parse(r->g, r->argc, r->argv, &r->at, r->error)) {
        case AGGREGATE_STEP: continue;
        case AGGREGATE_REFUSED: return false;
        case AGGREGATE_NO_STEP: break;
        }
        switch (ft_ask_option(&r->h->text, r->argc, r->argv, &r->at, r->error)) {
        case FT_ASKED:
            if (r->h->text.expand) return fail(r, "SEARCH_PARSE_ARGS FORMAT EXPAND is not supported by FT.HYBRID");
            continue;
        case FT_ASK_REFUSED: return false;
        case FT_ASKED_NOTHING: return unknown(r, "FT.HYBRID");
        }
    }
    return true;
}

static void add_name(struct buf *b, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (ispunct((unsigned char)name.p[i]) && name.p[i] != '_') buf_add_char(b, '\\');
        buf_add_char(b, name.p[i]);
    }
}

/* VSIM in the words of FT.SEARCH. */
static struct str near_query(const struct reader *r)
{
    const struct hybrid_ask *h = r->h;
    struct buf b = { 0 };
    struct str text;

    if (h->range) {
        if (h->filter.n > 0) buf_printf(&b, "(%.*s) ", (int)h->filter.n, h->filter.p);
        buf_add_char(&b, '@');
        add_name(&b, h->field);
        buf_printf(&b, ":[VECTOR_RANGE %.17g $%.*s]=>{$YIELD_DISTANCE_AS: " HYBRID_DISTANCE, h->radius, (int)h->vector.n, h->vector.p);
        if (h->epsilon > 0) buf_printf(&b, "; $EPSILON: %.17g", h->epsilon);
        buf_add_char(&b, '}');
    } else {
        if (h->filter.n > 0) buf_printf(&b, "(%.*s)", (int)h->filter.n, h->filter.p);
        else buf_add_char(&b, '*');
        buf_printf(&b, "=>[KNN %llu @", (unsigned long long)(h->k < h->window ? h->k : h->window));
        add_name(&b, h->field);
        buf_printf(&b, " $%.*s", (int)h->vector.n, h->vector.p);
        if (h->ef > 0) buf_printf(&b, " EF_RUNTIME %llu", (unsigned long long)h->ef);
        buf_add_c(&b, " AS " HYBRID_DISTANCE "]");
    }
    text = arena_dup(r->arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

bool hybrid_ask_parse(struct hybrid_ask *h, struct arena *a, const struct conf *conf, struct aggregate *g, size_t argc, const struct str *argv,
                      struct buf *error)
{
    struct reader r = { .h = h, .arena = a, .g = g, .argc = argc, .argv = argv, .error = error };
    bool counted = argc > 0 && num_parse_u64(argv[0], &(uint64_t){ 0 });

    *h = (struct hybrid_ask){ .k = K_USUAL, .window = WINDOW_USUAL, .constant = 60, .alpha = 0.3, .beta = 0.7 };
    if (counted && !str_eq(argv[0], STR("2"))) return fail(&r, "SEARCH_PARSE_ARGS FT.HYBRID currently supports only two subqueries");
    r.at = counted;
    if (!is(&r, "SEARCH")) return fail(&r, "SEARCH_SYNTAX SEARCH keyword is required");
    if (r.at == argc) return fail(&r, "SEARCH_PARSE_ARGS No query string provided for SEARCH");
    ft_ask_init(&h->text, a, conf, argv[r.at++]);
    if (!read_search(&r) || !read_near(&r) || !read_rest(&r)) return false;
    ft_ask_init(&h->near, a, conf, near_query(&r));
    h->near.rules.params = h->text.rules.params;
    h->near.rules.n_params = h->text.rules.n_params;
    return true;
}
