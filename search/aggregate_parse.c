/* aggregate_parse.c -- steps from arguments. Texts are RediSearch's. */
#include <stdarg.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/num.h"
#include "search/aggregate_impl.h"

#define NO_ARGUMENT "Expected an argument, but none provided"
#define WRONG_TYPE "Could not convert argument to expected type"
#define OUT_OF_BOUNDS "Value is outside acceptable bounds"

struct words {
    struct aggregate *g;
    const struct str *argv;
    size_t argc, at;
    struct buf *error;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct words *w, const char *fmt, ...)
{
    va_list ap;

    buf_add_c(w->error, "SEARCH_PARSE_ARGS ");
    va_start(ap, fmt);
    buf_vprintf(w->error, fmt, ap);
    va_end(ap);
    return false;
}

static bool next_is(struct words *w, const char *word)
{
    if (w->at == w->argc || !str_is(w->argv[w->at], word)) return false;
    w->at++;
    return true;
}

static bool take(struct words *w, const char *what, struct str *out)
{
    if (w->at == w->argc) return refuse(w, "Bad arguments for %s: " NO_ARGUMENT, what);
    *out = w->argv[w->at++];
    return true;
}

/* A count and that many arguments. */
static bool take_list(struct words *w, const char *what, struct words *list)
{
    uint64_t n;
    struct str s;

    if (!take(w, what, &s)) return false;
    if (!num_parse_u64(s, &n)) return refuse(w, "Bad arguments for %s: " WRONG_TYPE, what);
    if (n > w->argc - w->at) return refuse(w, "Bad arguments for %s: " NO_ARGUMENT, what);
    if (n > 2 * AGGREGATE_COLUMNS_MAX) return refuse(w, "Bad arguments for %s: " OUT_OF_BOUNDS, what);
    *list = (struct words){ w->g, w->argv + w->at, (size_t)n, 0, w->error };
    w->at += (size_t)n;
    return true;
}

static struct str without_at(struct str s)
{
    return s.n > 0 && s.p[0] == '@' ? str_of(s.p + 1, s.n - 1) : s;
}

static struct str keep(struct words *w, struct str s)
{
    return arena_dup(&w->g->arena, s);
}

/* NULL: there are too many; *error is set. */
static struct step *step_add(struct words *w, enum step_kind kind)
{
    struct aggregate *g = w->g;

    if (g->n_steps == AGGREGATE_STEPS_MAX) {
        refuse(w, "There are more than %d steps", AGGREGATE_STEPS_MAX);
        return NULL;
    }
    g->steps[g->n_steps] = (struct step){ .kind = kind };
    return &g->steps[g->n_steps++];
}

/* --- LOAD ----------------------------------------------------------------------------------------------------------- */

static bool parse_load_fields(struct words *list, struct step *s)
{
    s->fields = arena_zalloc(&list->g->arena, list->argc + 1, sizeof *s->fields);
    while (list->at < list->argc) {
        struct aggregate_field *f = &s->fields[s->n_fields++];

        f->path = keep(list, without_at(list->argv[list->at++]));
        f->name = f->path;
        if (!next_is(list, "as")) continue;
        if (list->at == list->argc) return refuse(list, "LOAD path AS name - must be accompanied with NAME");
        f->name = keep(list, list->argv[list->at++]);
    }
    return true;
}

static bool parse_load(struct words *w)
{
    struct words list;
    struct step *s;

    if (next_is(w, "*")) {
        w->g->load_all = true;
        return step_add(w, STEP_LOAD_ALL) != NULL;
    }
    if (w->at < w->argc && w->argv[w->at].n > 0 && (w->argv[w->at].p[0] < '0' || w->argv[w->at].p[0] > '9'))
        return refuse(w, "Bad arguments for LOAD: Expected number of fields or `*`");
    if (!take_list(w, "LOAD", &list)) return false;
    s = step_add(w, STEP_LOAD);
    return s != NULL && parse_load_fields(&list, s);
}

/* --- APPLY, FILTER ---------------------------------------------------------------------------------------------------- */

static bool parse_expr(struct words *w, enum step_kind kind)
{
    struct str text;
    struct step *s;

    if (!take(w, "APPLY/FILTER", &text)) return false;
    s = step_add(w, kind);
    if (s == NULL) return false;
    s->expr = expr_parse(&w->g->arena, text, w->error);
    if (s->expr == NULL) return false;
    if (kind == STEP_FILTER) return true;
    s->as = keep(w, text);
    if (!next_is(w, "as")) return true;
    if (w->at == w->argc) return refuse(w, "AS needs argument");
    s->as = keep(w, w->argv[w->at++]);
    return true;
}

/* --- SORTBY, LIMIT ------------------------------------------------------------------------------------------------------ */

static bool parse_sort_keys(struct words *list, struct step *s)
{
    s->keys = arena_zalloc(&list->g->arena, list->argc + 1, sizeof *s->keys);
    for (; list->at < list->argc; list->at++) {
        struct str word = list->argv[list->at];

        if (word.n > 0 && word.p[0] == '@') {
            if (s->n_keys == AGGREGATE_SORT_KEYS_MAX) {
                buf_printf(list->error, "SEARCH_LIMIT_OVER Cannot sort by more than %d fields", AGGREGATE_SORT_KEYS_MAX);
                return false;
            }
            s->keys[s->n_keys++].name = keep(list, without_at(word));
        } else if (s->n_keys > 0 && (str_is(word, "asc") || str_is(word, "desc"))) {
            s->keys[s->n_keys - 1].descending = str_is(word, "desc");
        } else if (s->n_keys > 0 && str_is(word, "max") && list->argc - list->at == 2 && num_parse_u64(list->argv[list->at + 1], &s->count)) {
            list->at++; /* some clients count MAX as one of the words */
        } else {
            return refuse(list, "MISSING ASC or DESC after sort field (%.*s)", (int)word.n, word.p);
        }
    }
    return true;
}

/* The step of a SORTBY: a LIMIT right before it is its own, as in RediSearch, where clients may say it first. */
static struct step *sort_add(struct words *w)
{
    struct aggregate *g = w->g;
    struct step *last = g->n_steps > 0 ? &g->steps[g->n_steps - 1] : NULL;

    if (last == NULL || last->kind != STEP_LIMIT || last->count == 0) return step_add(w, STEP_SORT);
    last->kind = STEP_SORT;
    return last;
}

static bool parse_sort(struct words *w)
{
    struct words list;
    struct str max;
    struct step *s;

    if (!take_list(w, "SORTBY", &list)) return false;
    s = list.argc == 0 ? step_add(w, STEP_SORT) : sort_add(w);
    if (s == NULL || !parse_sort_keys(&list, s)) return false;
    if (s->n_keys == 0) s->kind = STEP_LIMIT; /* SORTBY 0 MAX n */
    if (!next_is(w, "max")) {
        if (s->n_keys == 0) w->g->n_steps--;
        return true;
    }
    if (!take(w, "MAX", &max)) return false;
    return num_parse_u64(max, &s->count) || refuse(w, "Bad arguments for MAX: " WRONG_TYPE);
}

/* The SORTBY that a LIMIT behind it is for: the last one, unless a GROUPBY or LIMIT is between. With a FILTER between all rows are
 * sorted, and the LIMIT is for what is left. */
static struct step *sort_before(struct aggregate *g)
{
    bool filtered = false;

    for (size_t i = g->n_steps; i-- > 0;) {
        struct step *s = &g->steps[i];

        if (s->kind == STEP_GROUP || s->kind == STEP_LIMIT) return NULL;
        if (s->kind == STEP_FILTER) filtered = true;
        if (s->kind != STEP_SORT) continue;
        if (filtered && s->count == 0) s->count = g->conf.rows_max;
        return filtered || s->offset > 0 ? NULL : s;
    }
    return NULL;
}

static bool parse_limit(struct words *w)
{
    struct step *s;
    uint64_t offset, count;

    if (w->argc - w->at < 2) return refuse(w, "LIMIT requires two arguments");
    if (!num_parse_u64(w->argv[w->at], &offset) || !num_parse_u64(w->argv[w->at + 1], &count))
        return refuse(w, "LIMIT needs two numeric arguments");
    w->at += 2;
    if (offset > w->g->conf.rows_max) {
        buf_printf(w->error, "SEARCH_LIMIT_OVER OFFSET exceeds maximum of %zu", w->g->conf.rows_max);
        return false;
    }
    if (count > w->g->conf.rows_max) count = w->g->conf.rows_max;
    s = sort_before(w->g);
    if (s != NULL && count > 0) { /* the sorter keeps no more than is needed */
        s->offset = offset;
        s->count = count;
        return true;
    }
    s = step_add(w, STEP_LIMIT);
    if (s == NULL) return false;
    s->offset = offset;
    s->count = count;
    return true;
}

/* --- GROUPBY ---------------------------------------------------------------------------------------------------------- */

/* What RediSearch calls a reducer without AS: its name and arguments in small letters. */
static struct str usual_alias(struct words *w, struct str name, const struct words *args)
{
    struct buf b = { 0 };
    struct str alias;

    buf_printf(&b, "__generated_alias%.*s", (int)name.n, name.p);
    for (size_t i = 0; i < args->argc; i++) {
        if (i > 0) buf_add_char(&b, ',');
        buf_add_str(&b, without_at(args->argv[i]));
    }
    for (size_t i = 0; i < b.n; i++) b.p[i] = char_lower(b.p[i]);
    alias = keep(w, buf_str(&b));
    buf_fini(&b);
    return alias;
}

static bool parse_reducer(struct words *w, struct step *s)
{
    struct reducer *r = &s->reducers[s->n_reducers];
    struct words args;
    struct str name;
    char what[64];

    if (!take(w, "REDUCE", &name)) return false;
    snprintf(what, sizeof what, "%.*s", str_shown(name), name.p);
    if (!take_list(w, what, &args)) return false;
    if (!reduce_parse(r, name, args.argc, args.argv, w->error)) return false;
    r->field = keep(w, r->field);
    r->by_field = keep(w, r->by_field);
    s->aliases[s->n_reducers] = usual_alias(w, name, &args);
    if (next_is(w, "as")) {
        if (!take(w, "AS", &name)) return false;
        s->aliases[s->n_reducers] = keep(w, name);
    }
    s->n_reducers++;
    return true;
}

static size_t count_reducers(const struct words *w)
{
    size_t n = 0;

    for (size_t i = w->at; i < w->argc; i++) n += str_is(w->argv[i], "reduce");
    return n < AGGREGATE_COLUMNS_MAX ? n : AGGREGATE_COLUMNS_MAX;
}

static bool parse_group(struct words *w)
{
    struct words list;
    size_t room;
    struct step *s;

    if (!take_list(w, "GROUPBY", &list)) return false;
    s = step_add(w, STEP_GROUP);
    if (s == NULL) return false;
    s->keys = arena_zalloc(&w->g->arena, list.argc + 1, sizeof *s->keys);
    for (; list.at < list.argc; list.at++) {
        struct str name = list.argv[list.at];

        if (name.n == 0 || name.p[0] != '@')
            return refuse(w, "Bad arguments for GROUPBY: Unknown property `%.*s`. Did you mean `@%.*s`?", (int)name.n, name.p,
                          (int)name.n, name.p);
        s->keys[s->n_keys++].name = keep(w, without_at(name));
    }
    room = count_reducers(w);
    s->reducers = arena_zalloc(&w->g->arena, room + 1, sizeof *s->reducers);
    s->aliases = arena_zalloc(&w->g->arena, room + 1, sizeof *s->aliases);
    while (next_is(w, "reduce")) {
        if (s->n_reducers == room) return refuse(w, "There are more than %d reducers", AGGREGATE_COLUMNS_MAX);
        if (!parse_reducer(w, s)) return false;
    }
    return true;
}

enum aggregate_parsed aggregate_parse(struct aggregate *g, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    struct words w = { g, argv, argc, *at, error };
    bool good;

    if (next_is(&w, "load")) good = parse_load(&w);
    else if (next_is(&w, "groupby")) good = parse_group(&w);
    else if (next_is(&w, "sortby")) good = parse_sort(&w);
    else if (next_is(&w, "apply")) good = parse_expr(&w, STEP_APPLY);
    else if (next_is(&w, "filter")) good = parse_expr(&w, STEP_FILTER);
    else if (next_is(&w, "limit")) good = parse_limit(&w);
    else return AGGREGATE_NO_STEP;
    *at = w.at;
    return good ? AGGREGATE_STEP : AGGREGATE_REFUSED;
}
