/* ft_ask.c -- see ft_ask.h. */
#include "server/ft_ask.h"

#include <math.h>

#include "base/num.h"
#include "text/words.h"

enum { DEFAULT_COUNT = 10 };

struct reader {
    struct ft_ask *ask;
    const struct conf *conf;
    size_t argc, at;            /* at: the argument that is next */
    const struct str *argv;
    struct buf *error;
};

__attribute__((format(printf, 2, 3)))
static bool fail(struct reader *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(r->error, fmt, ap);
    va_end(ap);
    return false;
}

static bool is_option(struct reader *r, const char *word)
{
    if (r->at >= r->argc || !str_is(r->argv[r->at], word)) return false;
    r->at++;
    return true;
}

static struct str kept(struct reader *r, struct str s)
{
    return arena_dup(r->ask->arena, s);
}

static bool missing(struct reader *r, const char *option)
{
    return fail(r, "Bad arguments for %s: Expected an argument, but none provided", option);
}

static bool take(struct reader *r, const char *option, struct str *out)
{
    if (r->at >= r->argc) return missing(r, option);
    *out = kept(r, r->argv[r->at++]);
    return true;
}

static bool take_i64(struct reader *r, const char *option, int64_t lo, int64_t *out)
{
    if (r->at >= r->argc) return missing(r, option);
    if (!num_parse_i64(r->argv[r->at++], out)) {
        return fail(r, "Bad arguments for %s: Could not convert argument to expected type", option);
    }
    if (*out < lo) return fail(r, "Bad arguments for %s: Value is outside acceptable bounds", option);
    return true;
}

/* n and so many arguments. */
static bool take_list(struct reader *r, const char *option, const struct str **items, size_t *n)
{
    struct str *list;
    int64_t count;

    if (!take_i64(r, option, 0, &count)) return false;
    if ((uint64_t)count > r->argc - r->at) return missing(r, option);
    list = arena_alloc(r->ask->arena, ((size_t)count + 1) * sizeof *list);
    for (size_t i = 0; i < (size_t)count; i++) list[i] = kept(r, r->argv[r->at++]);
    *items = list;
    *n = (size_t)count;
    return true;
}

/* --- options ----------------------------------------------------------------------------------------------------- */

static bool read_limit(struct reader *r)
{
    int64_t most = r->conf->search_max_results;

    if (r->argc - r->at < 2) return fail(r, "LIMIT requires two arguments");
    if (!num_parse_u64(r->argv[r->at], &r->ask->offset) || !num_parse_u64(r->argv[r->at + 1], &r->ask->count)) {
        return fail(r, "LIMIT needs two numeric arguments");
    }
    r->at += 2;
    if (r->ask->count > (uint64_t)most) return fail(r, "LIMIT exceeds maximum of %lld", (long long)most);
    if (r->ask->offset > (uint64_t)most) return fail(r, "OFFSET exceeds maximum of %lld", (long long)most);
    return true;
}

static bool read_sort_by(struct reader *r)
{
    if (r->ask->sort_by.n > 0) return fail(r, "Multiple SORTBY steps are not allowed");
    if (r->at >= r->argc) return fail(r, "Bad SORTBY arguments");
    if (!take(r, "SORTBY", &r->ask->sort_by)) return false;
    if (r->ask->sort_by.n > 1 && r->ask->sort_by.p[0] == '@') {
        r->ask->sort_by = str_of(r->ask->sort_by.p + 1, r->ask->sort_by.n - 1);
    }
    if (is_option(r, "DESC")) r->ask->descending = true;
    else (void)is_option(r, "ASC");
    if (is_option(r, "MAX")) return fail(r, "SORTBY MAX is not supported by FT.SEARCH");
    return true;
}

static bool read_return(struct reader *r)
{
    const struct str *items;
    size_t n;

    if (!take_list(r, "RETURN", &items, &n)) return false;
    r->ask->returns = true;
    r->ask->n_fields = 0;
    r->ask->fields = arena_alloc(r->ask->arena, (n + 1) * sizeof *r->ask->fields);
    for (size_t i = 0; i < n; i++) {
        struct ask_field *f = &r->ask->fields[r->ask->n_fields++];

        f->identifier = f->name = items[i];
        if (f->name.n > 1 && f->name.p[0] == '@') f->identifier = f->name = str_of(f->name.p + 1, f->name.n - 1);
        if (i + 1 >= n || !str_is(items[i + 1], "AS")) continue;
        if (i + 2 >= n) return fail(r, "RETURN path AS name - must be accompanied with NAME");
        if (str_is(items[i + 2], "AS")) return fail(r, "Alias for RETURN cannot be `AS`");
        f->name = items[i + 2];
        i += 2;
    }
    if (r->ask->n_fields == 0) r->ask->no_content = true;
    return true;
}

/* SUMMARIZE's and HIGHLIGHT's own options. */
static bool read_marks(struct reader *r, struct ask_marks *m, bool highlight)
{
    const char *wrong = highlight ? "Bad arguments for HIGHLIGHT" : "Bad arguments for SUMMARIZE";
    bool ok = true;

    *m = (struct ask_marks){ .on = true, .open = STR("<b>"), .close = STR("</b>"),
                             .fragments = 3, .words = 20, .separator = STR("... ") };
    if (is_option(r, "FIELDS")) ok = take_list(r, "FIELDS", &m->fields, &m->n);
    while (ok) {
        if (highlight && is_option(r, "TAGS")) ok = take(r, "TAGS", &m->open) && take(r, "TAGS", &m->close);
        else if (!highlight && is_option(r, "LEN")) ok = take_i64(r, "LEN", 1, &m->words) && m->words <= 10000;
        else if (!highlight && is_option(r, "FRAGS")) ok = take_i64(r, "FRAGS", 1, &m->fragments) && m->fragments <= 10000;
        else if (!highlight && is_option(r, "SEPARATOR")) ok = take(r, "SEPARATOR", &m->separator);
        else break;
    }
    if (ok) return true;
    buf_clear(r->error); /* RediSearch says no more than this */
    return fail(r, "%s", wrong);
}

static struct ask_filter *new_filter(struct reader *r)
{
    struct ask_filter *more = arena_alloc(r->ask->arena, (r->ask->n_filters + 1) * sizeof *more);

    if (r->ask->n_filters > 0) memcpy(more, r->ask->filters, r->ask->n_filters * sizeof *more);
    r->ask->filters = more;
    more[r->ask->n_filters] = (struct ask_filter){ .geo = false };
    return &more[r->ask->n_filters++];
}

static bool read_filter(struct reader *r)
{
    struct ask_filter *f = new_filter(r);
    struct str lo, hi;

    if (r->argc - r->at < 3) return fail(r, "FILTER requires 3 arguments");
    if (!take(r, "FILTER", &f->field) || !take(r, "FILTER", &lo) || !take(r, "FILTER", &hi)) return false;
    if (lo.n == 0 || hi.n == 0) return fail(r, "Numeric/Geo filter value/s cannot be empty");
    if (!query_bound(lo, &f->lo, &f->lo_open)) return fail(r, "Bad lower range: %.*s", (int)lo.n, lo.p);
    if (!query_bound(hi, &f->hi, &f->hi_open)) return fail(r, "Bad upper range: %.*s", (int)hi.n, hi.p);
    return true;
}

static bool take_double(struct reader *r, const char *name, double *out)
{
    return num_parse_double(r->argv[r->at++], out) ||
           fail(r, "Bad arguments for %s: Could not convert argument to expected type", name);
}

static bool read_geo_filter(struct reader *r)
{
    struct ask_filter *f = new_filter(r);
    struct str unit;
    double metres;

    if (r->argc - r->at < 5) return fail(r, "GEOFILTER requires 5 arguments");
    f->geo = true;
    if (!take(r, "GEOFILTER", &f->field)) return false;
    if (!take_double(r, "<lon>", &f->lon) || !take_double(r, "<lat>", &f->lat)) return false;
    if (!take_double(r, "<radius>", &f->radius_m)) return false;
    unit = r->argv[r->at++];
    metres = query_unit_m(unit);
    if (metres == 0) return fail(r, "Unknown distance unit %.*s", (int)unit.n, unit.p);
    if (fabs(f->lon) > 180 || fabs(f->lat) > 85.05112878) return fail(r, "Invalid GeoFilter lat/lon");
    if (f->radius_m <= 0) return fail(r, "Invalid GeoFilter radius");
    f->radius_m *= metres;
    return true;
}

bool ft_ask_params(struct arena *a, struct query_rules *rules, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    struct query_param *params;
    int64_t n;

    if (*at + 1 >= argc || !num_parse_i64(argv[*at + 1], &n)) {
        buf_add_c(error, *at + 1 >= argc ? "Bad arguments for PARAMS: Expected an argument, but none provided"
                                         : "Bad arguments for PARAMS: Could not convert argument to expected type");
        return false;
    }
    if (rules->params != NULL) {
        buf_add_c(error, "Multiple PARAMS are not allowed. Parameters can be defined only once");
        return false;
    }
    if (n < 0 || (uint64_t)n > argc - *at - 2) {
        buf_add_c(error, "Bad arguments for PARAMS: Expected an argument, but none provided");
        return false;
    }
    if (n == 0 || n % 2 != 0) {
        buf_add_c(error, "Parameters must be specified in PARAM VALUE pairs");
        return false;
    }
    params = arena_alloc(a, (size_t)n / 2 * sizeof *params);
    for (size_t i = 0; i < (size_t)n / 2; i++) {
        params[i] = (struct query_param){ arena_dup(a, argv[*at + 2 + 2 * i]), arena_dup(a, argv[*at + 3 + 2 * i]) };
        for (size_t j = 0; j < i; j++) {
            if (!str_eq(params[i].name, params[j].name)) continue;
            buf_printf(error, "Duplicate parameter `%.*s`", (int)params[i].name.n, params[i].name.p);
            return false;
        }
    }
    rules->params = params;
    rules->n_params = (size_t)n / 2;
    *at += 2 + (size_t)n;
    return true;
}

static bool read_dialect(struct reader *r)
{
    int64_t v;

    if (r->at >= r->argc) return fail(r, "Need an argument for DIALECT");
    if (!num_parse_i64(r->argv[r->at++], &v) || v < 1 || v > 4) return fail(r, "DIALECT requires a non negative integer >=1 and <= 4");
    r->ask->rules.dialect = (int)v;
    return r->ask->names_dialect = true;
}

static bool read_timeout(struct reader *r)
{
    if (r->at >= r->argc) return fail(r, "Need an argument for TIMEOUT");
    if (!num_parse_i64(r->argv[r->at++], &r->ask->timeout_ms) || r->ask->timeout_ms < 0 || r->ask->timeout_ms > INT32_MAX) {
        return fail(r, "TIMEOUT requires a non negative integer");
    }
    return true;
}

static bool read_language(struct reader *r)
{
    if (!take(r, "LANGUAGE", &r->ask->rules.language)) return false;
    return stemmer_knows(r->ask->rules.language) || str_is(r->ask->rules.language, "chinese") || fail(r, "No such language");
}

static bool read_scorer(struct reader *r)
{
    struct str name;

    if (!take(r, "SCORER", &name)) return false;
    return scorer_find(name, &r->ask->scorer) || fail(r, "No such scorer %.*s", (int)name.n, name.p);
}

static bool read_format(struct reader *r)
{
    struct str name;

    if (r->at >= r->argc) return fail(r, "Need an argument for FORMAT");
    name = r->argv[r->at++];
    r->ask->expand = str_is(name, "EXPAND");
    return r->ask->expand || str_is(name, "STRING") || fail(r, "FORMAT %.*s is not supported", (int)name.n, name.p);
}

/* A word that stands alone, and is FT.SEARCH's. */
static bool read_flag(struct reader *r)
{
    struct ft_ask *a = r->ask;

    if (is_option(r, "NOCONTENT")) a->no_content = true;
    else if (is_option(r, "WITHSCORES")) a->with_scores = true;
    else if (is_option(r, "EXPLAINSCORE")) a->explain_score = true;
    else if (is_option(r, "WITHPAYLOADS")) a->with_payloads = true;
    else if (is_option(r, "WITHSORTKEYS")) a->with_sort_keys = true;
    else return false;
    return true;
}

/* One of the query. */
static bool read_query_flag(struct reader *r)
{
    struct ft_ask *a = r->ask;

    if (is_option(r, "VERBATIM")) a->rules.verbatim = true;
    else if (is_option(r, "NOSTOPWORDS")) a->rules.no_stop_words = true;
    else if (is_option(r, "INORDER")) a->rules.in_order = true;
    else if (!is_option(r, "WITHCOUNT") && !is_option(r, "WITHOUTCOUNT")) return false;
    return true;
}

static bool read_slop(struct reader *r)
{
    int64_t n;

    if (!take_i64(r, "SLOP", INT32_MIN, &n)) return false;
    r->ask->rules.slop = n < 0 ? -1 : n < INT32_MAX ? (int)n : INT32_MAX;
    return true;
}

/* An option of the query, of whatever command. *good: it could be read. False: it is none. */
static bool read_query_option(struct reader *r, bool *good)
{
    struct ft_ask *a = r->ask;
    struct str ignored;

    *good = true;
    if (read_query_flag(r)) return true;
    if (r->at < r->argc && str_is(r->argv[r->at], "PARAMS"))
        *good = ft_ask_params(a->arena, &a->rules, r->argc, r->argv, &r->at, r->error);
    else if (is_option(r, "DIALECT")) *good = read_dialect(r);
    else if (is_option(r, "TIMEOUT")) *good = read_timeout(r);
    else if (is_option(r, "SCORER")) *good = read_scorer(r);
    else if (is_option(r, "LANGUAGE")) *good = read_language(r);
    else if (is_option(r, "FORMAT")) *good = read_format(r);
    else if (is_option(r, "EXPANDER")) *good = take(r, "EXPANDER", &ignored);
    else if (is_option(r, "PAYLOAD")) *good = take(r, "PAYLOAD", &a->payload);
    else if (is_option(r, "INKEYS")) *good = a->has_in_keys = take_list(r, "INKEYS", &a->in_keys, &a->n_in_keys);
    else if (is_option(r, "INFIELDS")) *good = take_list(r, "INFIELDS", &a->in_fields, &a->n_in_fields);
    else if (is_option(r, "SLOP")) *good = read_slop(r);
    else return false;
    return true;
}

static bool read_option(struct reader *r)
{
    struct ft_ask *a = r->ask;
    bool good;

    if (read_flag(r)) return true;
    if (read_query_option(r, &good)) return good;
    if (is_option(r, "LIMIT")) return read_limit(r);
    if (is_option(r, "SORTBY")) return read_sort_by(r);
    if (is_option(r, "RETURN")) return read_return(r);
    if (is_option(r, "FILTER")) return read_filter(r);
    if (is_option(r, "GEOFILTER")) return read_geo_filter(r);
    if (is_option(r, "HIGHLIGHT")) return read_marks(r, &a->highlight, true);
    if (is_option(r, "SUMMARIZE")) return read_marks(r, &a->summarize, false);
    return fail(r, "Unknown argument `%.*s` at position %zu for <main>", str_shown(r->argv[r->at]),
                r->argv[r->at].p, r->at);
}

void ft_ask_init(struct ft_ask *ask, struct arena *a, const struct conf *conf, struct str query)
{
    *ask = (struct ft_ask){ .arena = a, .query = arena_dup(a, query), .count = DEFAULT_COUNT, .timeout_ms = conf->search_timeout };
    ask->rules = (struct query_rules){ .dialect = (int)conf->search_default_dialect, .slop = -1, .fields = ~0ULL };
}

enum ft_asked ft_ask_option(struct ft_ask *ask, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    struct reader r = { .ask = ask, .argc = argc, .argv = argv, .at = *at, .error = error };
    bool good;

    if (!read_query_option(&r, &good)) return FT_ASKED_NOTHING;
    *at = r.at;
    return good ? FT_ASKED : FT_ASK_REFUSED;
}

bool ft_ask_parse(struct ft_ask *ask, struct arena *a, const struct conf *conf, size_t argc, const struct str *argv, struct buf *error)
{
    struct reader r = { .ask = ask, .conf = conf, .argc = argc, .argv = argv, .at = 1, .error = error };

    ft_ask_init(ask, a, conf, argv[0]);
    while (r.at < r.argc) {
        if (!read_option(&r)) return false;
    }
    if (ask->explain_score && !ask->with_scores) return fail(&r, "EXPLAINSCORE must be accompanied with WITHSCORES");
    return true;
}

bool ft_ask_expand(struct ft_ask *ask, int resp, bool on_json, struct buf *error)
{
    const char *wrong = NULL;

    if (!ask->expand) return true;
    if (resp < 3) wrong = "EXPAND format is only supported with RESP3";
    else if (!on_json) wrong = "EXPAND format is only supported with JSON";
    else if (ask->names_dialect && ask->rules.dialect < 3) wrong = "EXPAND format requires dialect 3 or greater";
    if (wrong != NULL) buf_add_c(error, wrong);
    if (ask->rules.dialect < 3) ask->rules.dialect = 3;
    return wrong == NULL;
}

/* --- the tree ---------------------------------------------------------------------------------------------------- */

static void set_fields(struct ft_ask *ask, const struct index_spec *spec)
{
    if (ask->n_in_fields == 0) return;
    ask->rules.fields = 0;
    for (size_t i = 0; i < ask->n_in_fields; i++) {
        const struct field_spec *f = spec_field(spec, ask->in_fields[i]);

        if (f != NULL && f->type == FIELD_TEXT) ask->rules.fields |= 1ULL << f->text_field;
    }
}

/* RediSearch has two ways to say that there is no such field. */
static void refuse_filter(const struct ask_filter *want, bool unknown, struct buf *error)
{
    struct str name = want->field;

    if (unknown) buf_printf(error, want->geo ? "Unknown Field, field: %.*s" : "Unknown Field '%.*s'", (int)name.n, name.p);
    else buf_printf(error, "Field is not a %s field, field: %.*s", want->geo ? "geo" : "numeric", (int)name.n, name.p);
}

static struct query_node *filter_node(struct ft_ask *ask, const struct index_spec *spec, const struct ask_filter *want,
                                      struct buf *error)
{
    const struct field_spec *f = spec_field(spec, want->field);
    struct query_node *node;

    if (f == NULL || f->type != (want->geo ? FIELD_GEO : FIELD_NUMERIC)) {
        refuse_filter(want, f == NULL, error);
        return NULL;
    }
    node = query_node_new(ask->arena, want->geo ? QUERY_GEO : QUERY_RANGE);
    node->field = f;
    if (want->geo) {
        node->lon = want->lon;
        node->lat = want->lat;
        node->radius_m = want->radius_m;
    } else {
        node->lo = want->lo;
        node->hi = want->hi;
        node->lo_open = want->lo_open;
        node->hi_open = want->hi_open;
    }
    return node;
}

struct query_node *ft_ask_tree(struct ft_ask *ask, const struct search_index *ix, struct buf *error)
{
    const struct index_spec *spec = index_spec(ix);
    struct query_node *q, *with;

    set_fields(ask, spec);
    q = query_parse(ask->arena, ix, ask->query, &ask->rules, error);
    for (size_t i = 0; q != NULL && i < ask->n_filters; i++) {
        with = filter_node(ask, spec, &ask->filters[i], error);
        q = with ? query_restrict(ask->arena, q, with) : NULL;
    }
    if (q == NULL || !ask->has_in_keys) return q;
    with = query_node_new(ask->arena, QUERY_IDS);
    for (size_t i = 0; i < ask->n_in_keys; i++) {
        uint32_t doc = index_find(ix, ask->in_keys[i]);

        if (doc != UINT32_MAX) docset_add(&with->ids, doc);
    }
    return query_restrict(ask->arena, q, with);
}
