/* ft_aggregate.c -- FT.AGGREGATE: a query, and steps on the rows that it finds. */
#include "server/ft_aggregate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/ft_ask.h"
#include "server/ft_cursor.h"
#include "server/ft_job.h"
#include "server/rows.h"

enum { DISTANCES_MAX = 64 };

struct aggregation {
    struct ft_job job;
    struct server *server;
    struct arena arena;
    struct ft_ask ask;
    bool add_scores, names_score, with_cursor;
    struct ft_cursor_plan cursor;
    struct query_node *tree;
    struct run *run;
    bool found;                /* the query is done */
    struct ft_source source;
    uint32_t *nearest;         /* KNN: documents by distance */
    struct aggregate *g;
    bool computed;             /* and all rows are there */
    struct ft_pieces rows;     /* without a cursor: written so far, */
    struct ft_table_at written;
    struct ft_cursor_keys keys; /* with one */
    int resp;                  /* in this protocol */
    struct buf failure;        /* an error while it ran */
};

static struct aggregation *aggregation_of(struct ft_job *j)
{
    return (struct aggregation *)j;
}

/* --- arguments ------------------------------------------------------------------------------------------------------------ */

/* [COUNT n] [MAXIDLE ms] */
static bool parse_cursor(struct aggregation *a, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    a->with_cursor = true;
    while (*at < argc && (str_is(argv[*at], "COUNT") || str_is(argv[*at], "MAXIDLE"))) {
        bool count = str_is(argv[*at], "COUNT");
        int64_t n;

        if (*at + 1 == argc || !num_parse_i64(argv[*at + 1], &n) || n < 1) {
            buf_printf(error, "SEARCH_PARSE_ARGS Bad arguments for %s: %s", count ? "COUNT" : "MAXIDLE",
                       *at + 1 == argc ? "Expected an argument, but none provided" : "Value is outside acceptable bounds");
            return false;
        }
        if (count) a->cursor.count = (uint64_t)n;
        else if (n < a->cursor.max_idle_ms) a->cursor.max_idle_ms = n;
        *at += 2;
    }
    return true;
}

static bool take_word(const char *word, size_t argc, const struct str *argv, size_t *at)
{
    if (*at == argc || !str_is(argv[*at], word)) return false;
    ++*at;
    return true;
}

/* One option or step. False: *error has the reply's text. */
static bool parse_next(struct aggregation *a, size_t argc, const struct str *argv, size_t *at, struct buf *error)
{
    if (take_word("WITHCURSOR", argc, argv, at)) return parse_cursor(a, argc, argv, at, error);
    if (take_word("ADDSCORES", argc, argv, at)) return a->add_scores = true;
    switch (aggregate_parse(a->g, argc, argv, at, error)) {
    case AGGREGATE_STEP: return true;
    case AGGREGATE_REFUSED: return false;
    case AGGREGATE_NO_STEP: break;
    }
    switch (ft_ask_option(&a->ask, argc, argv, at, error)) {
    case FT_ASKED: return true;
    case FT_ASK_REFUSED: return false;
    case FT_ASKED_NOTHING: break;
    }
    buf_printf(error, "SEARCH_PARSE_ARGS Unknown argument `%.*s` at position %zu for <main>", str_shown(argv[*at]),
               argv[*at].p, *at);
    return false;
}

/* From the query on. */
static bool parse(struct aggregation *a, size_t argc, const struct str *argv, struct buf *error)
{
    size_t at = 1;

    ft_ask_init(&a->ask, &a->arena, a->server->conf, argv[0]);
    for (size_t i = 1; i < argc; i++) a->names_score |= memmem(argv[i].p, argv[i].n, "__score", 7) != NULL;
    while (at < argc)
        if (!parse_next(a, argc, argv, &at, error)) return false;
    return true;
}

/* --- running --------------------------------------------------------------------------------------------------------------- */

/* A column for each distance, and for the score where it is wanted. */
static bool add_columns(struct aggregation *a, struct buf *error)
{
    struct str names[DISTANCES_MAX];
    size_t n = run_distances(a->run, names, DISTANCES_MAX);

    for (size_t i = 0; i < n && i < DISTANCES_MAX; i++) {
        if (spec_field(index_spec(a->job.ix), names[i]) != NULL) {
            buf_printf(error, "SEARCH_INDEX_EXISTS Property `%.*s` already exists in schema", (int)names[i].n, names[i].p);
            return false;
        }
        if (!aggregate_add_column(a->g, names[i], error)) return false;
    }
    return !a->add_scores || aggregate_add_column(a->g, STR("__score"), error);
}

static bool begin(struct ft_job *j, struct buf *error)
{
    struct aggregation *a = aggregation_of(j);

    a->tree = ft_ask_tree(&a->ask, j->ix, error);
    if (a->tree == NULL) return false;
    a->run = run_new(j->ix, a->tree, a->ask.scorer, a->add_scores || a->names_score);
    run_set_payload(a->run, a->ask.payload);
    ft_source_init(&a->source, a->server, j->ix);
    a->source.run = a->run;
    a->source.tree = a->tree;
    a->source.language = a->ask.rules.language;
    a->source.arena = &a->arena;
    return add_columns(a, error) && aggregate_compile(a->g, &a->source.source, error);
}

struct near {
    double distance;
    uint32_t doc;
};

static int by_distance(const void *a, const void *b)
{
    const struct near *x = a, *y = b;

    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

/* What KNN found comes by distance. It is no more than was asked for. */
static void order_by_distance(struct aggregation *a)
{
    const struct docset *found = run_found(a->run);
    struct near *all = mem_alloc((found->n + 1) * sizeof *all);
    struct str name = { NULL, 0 };
    size_t n = 0;

    run_distances(a->run, &name, 1);
    for (uint32_t d = docset_next(found, 0); d != UINT32_MAX; d = docset_next(found, d + 1)) {
        all[n] = (struct near){ 0, d };
        run_distance(a->run, name, d, &all[n++].distance);
    }
    qsort(all, n, sizeof *all, by_distance);
    a->nearest = mem_alloc((n + 1) * sizeof *a->nearest);
    for (size_t i = 0; i < n; i++) a->nearest[i] = all[i].doc;
    mem_free(all);
    a->source.docs = a->nearest;
    a->source.n_docs = n;
}

static bool write_some(struct aggregation *a, int64_t deadline_us)
{
    return ft_table_write(&(struct ft_table){ a->g, NULL, a->job.ix }, &a->rows, a->resp, &a->written, deadline_us);
}

/* What is sent at once needs no cursor, and no keys. */
static bool note_some(struct aggregation *a, int64_t deadline_us)
{
    return aggregate_rows(a->g) <= a->cursor.count || ft_cursor_note(&a->keys, a->g, a->job.ix, deadline_us);
}

static bool step(struct ft_job *j, int64_t deadline_us)
{
    struct aggregation *a = aggregation_of(j);

    if (!a->found) {
        if (!run_step(a->run, deadline_us)) return false;
        a->found = true;
        a->source.found = run_found(a->run);
        if (run_is_knn(a->run)) order_by_distance(a);
    }
    if (!a->computed) a->computed = aggregate_run(a->g, deadline_us, &a->failure) != AGGREGATE_MORE;
    if (!a->computed) return false;
    if (a->failure.n > 0) return true;
    return a->with_cursor ? note_some(a, deadline_us) : write_some(a, deadline_us);
}

/* --- the reply --------------------------------------------------------------------------------------------------------------- */

static void reply_with_cursor(struct aggregation *a, struct reply *out, const char *warning)
{
    struct ft_table table = { a->g, NULL, a->job.ix };
    size_t mark = reply_mark(out), at = 0;
    struct buf error = { 0 };
    uint64_t id = 0;

    reply_array(out, 2);
    ft_table_reply(&table, out, &at, a->cursor.count, warning);
    if (at < aggregate_rows(a->g)) {
        while (!ft_cursor_note(&a->keys, a->g, a->job.ix, INT64_MAX)) {} /* more than a reply may have, or its time was up */
        id = ft_cursor_open(a->server->ft_cursors, a->job.ix, &a->g, &a->keys, at, &a->cursor, &error);
        if (id == 0) {
            reply_undo(out, mark);
            reply_error(out, buf_str(&error));
            buf_fini(&error);
            return;
        }
    }
    reply_int(out, (int64_t)id);
}

static void reply_to(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct aggregation *a = aggregation_of(j);
    struct ft_table table = { a->g, NULL, j->ix };
    const char *warning = timed_out ? FT_TIMED_OUT : a->run != NULL && run_cut(a->run) ? FT_CUT : ft_partial(a->server->ft, j->ix);

    if (a->failure.n > 0) {
        reply_error(out, buf_str(&a->failure));
    } else if (timed_out && a->server->conf->search_on_timeout == CONF_SEARCH_FAIL) {
        reply_error(out, STR(FT_TIMED_OUT));
    } else {
        while (!a->with_cursor && !write_some(a, INT64_MAX)) {} /* what it has when its time is up */
        aggregate_detach(a->g, a->source.departed == index_departed(j->ix));
        if (a->with_cursor) reply_with_cursor(a, out, warning);
        else if (a->rows.failed) reply_error(out, str_c(err_text(ERR_OOM)));
        else ft_table_reply_written(&table, &a->rows, out, j->pieces, warning);
    }
}

static void free_aggregation(struct ft_job *j)
{
    struct aggregation *a = aggregation_of(j);

    aggregate_free(&a->g);
    ft_source_fini(&a->source);
    ft_pieces_fini(&a->rows);
    ft_cursor_keys_fini(&a->keys);
    run_free(&a->run);
    query_free(a->tree);
    mem_free(a->nearest);
    buf_fini(&a->failure);
    arena_fini(&a->arena);
    mem_free(a);
}

static size_t bytes(const struct ft_job *j)
{
    const struct aggregation *a = (const struct aggregation *)j;

    return sizeof *a + (a->run != NULL ? run_memory(a->run) : 0) + (a->g != NULL ? aggregate_memory(a->g) : 0) + ft_pieces_memory(&a->rows);
}

/* --- the command ------------------------------------------------------------------------------------------------------------- */

enum err ft_aggregate_job(struct call *c, size_t from, struct ft_job **job)
{
    struct server *s = c->client->server;
    struct aggregate_conf conf = ft_aggregate_conf(s);
    struct search_index *ix;
    struct buf error = { 0 };
    struct aggregation *a;
    enum err e = ft_open(c, call_arg(c, 1), &ix);

    if (e != OK) return e;
    a = mem_zalloc(sizeof *a);
    a->server = s;
    a->resp = c->out->resp;
    a->cursor = (struct ft_cursor_plan){ FT_CURSOR_COUNT, s->conf->search_cursor_max_idle };
    a->g = aggregate_new(&conf);
    arena_init(&a->arena);
    if (!parse(a, c->argc - from, c->argv + from, &error) || !ft_ask_expand(&a->ask, a->resp, index_spec(ix)->on_json, &error)) {
        free_aggregation(&a->job);
        e = call_fail_text(c, buf_str(&error));
        buf_fini(&error);
        return e;
    }
    if (a->ask.expand) aggregate_set_expand(a->g);
    a->job = (struct ft_job){ .ix = ix, .timeout_ms = a->ask.timeout_ms, .begin = begin, .step = step, .reply = reply_to,
                              .free = free_aggregation, .bytes = bytes };
    *job = &a->job;
    return OK;
}

static enum err run_aggregate(struct call *c)
{
    struct ft_job *job;
    enum err e = ft_aggregate_job(c, 2, &job);

    return e == OK ? ft_job_run(c, job) : e;
}

/* clang-format off */

#define WORD(w) { .name = #w, .type = ARG_T_PURE_TOKEN, .token = #w, .flags = ARG_OPTIONAL }
#define VALUE(n, ty, w) { .name = (n), .type = (ty), .token = (w), .flags = ARG_OPTIONAL }
#define BLOCK(n, w, f, ...) { .name = (n), .type = ARG_T_BLOCK, .token = (w), .flags = ARG_OPTIONAL | (f), .subs = ARGS(__VA_ARGS__) }
#define MANY (ARG_MULTIPLE | ARG_MULTIPLE_TOKEN)

static const struct command_arg aggregate_args[] = {
    { .name = "index", .type = ARG_T_STRING }, { .name = "query", .type = ARG_T_STRING },
    WORD(VERBATIM), VALUE("scorer", ARG_T_STRING, "SCORER"), WORD(ADDSCORES),
    BLOCK("load", "LOAD", MANY, { .name = "count", .type = ARG_T_STRING }, { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }),
    VALUE("timeout", ARG_T_INTEGER, "TIMEOUT"),
    BLOCK("groupby", "GROUPBY", MANY,
          { .name = "nargs", .type = ARG_T_INTEGER }, { .name = "property", .type = ARG_T_STRING, .flags = ARG_MULTIPLE },
          BLOCK("reduce", "REDUCE", MANY,
                { .name = "function", .type = ARG_T_STRING }, { .name = "nargs", .type = ARG_T_INTEGER },
                { .name = "arg", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }, VALUE("name", ARG_T_STRING, "AS"))),
    BLOCK("sortby", "SORTBY", MANY,
          { .name = "nargs", .type = ARG_T_INTEGER }, { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE },
          VALUE("num", ARG_T_INTEGER, "MAX")),
    BLOCK("apply", "APPLY", MANY, { .name = "expression", .type = ARG_T_STRING }, VALUE("name", ARG_T_STRING, "AS")),
    BLOCK("limit", "LIMIT", MANY, { .name = "offset", .type = ARG_T_INTEGER }, { .name = "num", .type = ARG_T_INTEGER }),
    { .name = "filter", .type = ARG_T_STRING, .token = "FILTER", .flags = ARG_OPTIONAL | MANY },
    BLOCK("cursor", "WITHCURSOR", 0, VALUE("read_size", ARG_T_INTEGER, "COUNT"), VALUE("idle_time", ARG_T_INTEGER, "MAXIDLE")),
    BLOCK("params", "PARAMS", 0, { .name = "nargs", .type = ARG_T_INTEGER },
          { .name = "values", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
            .subs = ARGS({ .name = "name", .type = ARG_T_STRING }, { .name = "value", .type = ARG_T_STRING }) }),
    VALUE("dialect", ARG_T_INTEGER, "DIALECT"),
    { 0 },
};

const struct command ft_aggregate_commands[] = {
    { ROW("ft.aggregate", run_aggregate, -3, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_SEARCH, "1.1.0",
          "O(N) for N documents that the query finds, O(N log(M)) where they are sorted and M kept",
          "Searches an index, and groups, sorts, filters and computes with what the query finds."),
      .acl = ACL_SEARCH, .args = aggregate_args,
      .example = "FT.CREATE i SCHEMA t TAG | HSET d t a | HSET e t a | "
                 "FT.AGGREGATE i * GROUPBY 1 @t REDUCE COUNT 0 AS n => *2\r\n:1\r\n*4\r\n$1\r\nt\r\n$1\r\na\r\n$1\r\nn\r\n$1\r\n2\r\n" },
    { 0 },
};
