/* ft_hybrid.c -- FT.HYBRID: a search for words and one for neighbours, fused, and steps on what comes of it. */
#include "base/mem.h"
#include "search/fusion.h"
#include "search/topk.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/ft_aggregate.h"
#include "server/ft_hybrid_ask.h"
#include "server/ft_job.h"
#include "server/ft_table.h"
#include "server/rows.h"

enum { TEXT, NEAR, DOCS_A_LOOK = 64 };
enum phase { FINDS, RANKS, ORDERS, FUSES, STEPS };

struct hybrid {
    struct ft_job job;
    struct server *server;
    struct arena arena;
    struct hybrid_ask ask;
    struct query_node *tree[2];
    struct run *run[2];
    struct topk top[2];
    int which;                 /* TEXT or NEAR: at work now */
    enum phase phase;
    uint32_t next_doc;
    struct fused *all;
    size_t n_all;
    uint32_t *docs;
    struct ft_source source;
    struct aggregate *g;
    struct buf failure;
    int64_t from_us;
};

static struct hybrid *hybrid_of(struct ft_job *j)
{
    return (struct hybrid *)j;
}

/* --- scores by name ------------------------------------------------------------------------------------------------------------ */

static bool has_number(void *ctx, struct str name)
{
    const struct hybrid_ask *h = &((struct hybrid *)ctx)->ask;

    if (name.n == 0) return false;
    return str_eq(name, h->text_as) || str_eq(name, h->near_as) || str_eq(name, h->score_as) || str_eq(name, STR("__score"));
}

static bool number(void *ctx, struct str name, uint32_t doc, double *out)
{
    const struct hybrid *h = ctx;
    const struct fused *f = has_number(ctx, name) ? fused_find(h->all, h->n_all, doc) : NULL;
    int which = str_eq(name, h->ask.text_as) ? TEXT : NEAR;

    if (f == NULL) return false;
    if (str_eq(name, STR("__score")) || str_eq(name, h->ask.score_as)) {
        *out = f->total;
        return true;
    }
    *out = f->score[which];
    return f->in[which];
}

/* --- running --------------------------------------------------------------------------------------------------------------------- */

static bool add_columns(struct hybrid *h, struct buf *error)
{
    const struct str usual[] = { STR("__key"), STR("__score") }, named[] = { h->ask.text_as, h->ask.near_as, h->ask.score_as };

    for (size_t i = 0; i < 2 && !h->ask.loads; i++)
        if (!aggregate_add_column(h->g, usual[i], error)) return false;
    for (size_t i = 0; i < 3; i++)
        if (named[i].n > 0 && !str_eq(named[i], STR("__score")) && !aggregate_add_column(h->g, named[i], error)) return false;
    return true;
}

static bool begin(struct ft_job *j, struct buf *error)
{
    struct hybrid *h = hybrid_of(j);
    const struct field_spec *f = spec_field(index_spec(j->ix), h->ask.field);
    struct ft_ask *asks[2] = { &h->ask.text, &h->ask.near };

    if (f == NULL || f->type != FIELD_VECTOR) {
        buf_printf(error, f == NULL ? "SEARCH_FIELD_NOT_FOUND Unknown field `%.*s`" : "SEARCH_SYNTAX Expected a vector field: `%.*s`",
                   (int)h->ask.field.n, h->ask.field.p);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        h->tree[i] = ft_ask_tree(asks[i], j->ix, error);
        if (h->tree[i] == NULL) return false;
        h->run[i] = run_new(j->ix, h->tree[i], h->ask.text.scorer, i == TEXT);
        topk_init(&h->top[i], h->ask.window, i == TEXT, false);
    }
    if (run_is_knn(h->run[TEXT])) {
        buf_add_c(error, "SEARCH_SYNTAX Vector expressions are not allowed in FT.HYBRID SEARCH");
        return false;
    }
    ft_source_init(&h->source, h->server, j->ix);
    h->source.number = number;
    h->source.has_number = has_number;
    h->source.ctx = h;
    h->source.tree = h->tree[TEXT];
    h->source.language = h->ask.text.rules.language;
    h->source.arena = &h->arena;
    return add_columns(h, error) && aggregate_compile(h->g, &h->source.source, error);
}

/* A distance as a score from 0 to 1: the nearer the higher. */
static double closeness(const struct hybrid *h, double distance)
{
    const struct field_spec *f = spec_field(index_spec(h->job.ix), h->ask.field);

    return f->vec.metric == VEC_L2 ? 1 / (1 + distance) : (2 - distance) / 2;
}

/* The best of what was found, as many as the window holds. */
static bool rank_some(struct hybrid *h, int64_t deadline_us)
{
    const struct docset *found = run_found(h->run[h->which]);

    for (unsigned n = 1; (h->next_doc = docset_next(found, h->next_doc)) != UINT32_MAX; n++) {
        struct ranked r = { .doc = h->next_doc++, .kind = RANK_NUMBER };

        if (h->which == TEXT) r.number = run_score(h->run[TEXT], r.doc);
        else if (!run_distance(h->run[NEAR], STR(HYBRID_DISTANCE), r.doc, &r.number)) r.kind = RANK_NOTHING;
        if (index_alive(h->job.ix, r.doc)) topk_offer(&h->top[h->which], &r);
        if (n % DOCS_A_LOOK == 0 && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static bool order_some(struct hybrid *h, int64_t deadline_us)
{
    while (!topk_order(&h->top[h->which], DOCS_A_LOOK * 4))
        if (clock_mono_us() >= deadline_us) return false;
    return true;
}

static void fuse_both(struct hybrid *h)
{
    struct fusion_rule rule = { h->ask.linear, h->ask.constant, { h->ask.alpha, h->ask.beta } };
    struct ranking rankings[2];

    for (int i = 0; i < 2; i++) {
        uint32_t *docs = arena_zalloc(&h->arena, h->top[i].n + 1, sizeof *docs);
        double *scores = arena_zalloc(&h->arena, h->top[i].n + 1, sizeof *scores);

        for (size_t k = 0; k < h->top[i].n; k++) {
            docs[k] = h->top[i].items[k].doc;
            scores[k] = i == TEXT ? h->top[i].items[k].number : closeness(h, h->top[i].items[k].number);
        }
        rankings[i] = (struct ranking){ docs, scores, h->top[i].n };
    }
    h->all = arena_zalloc(&h->arena, rankings[0].n + rankings[1].n + 1, sizeof *h->all);
    h->n_all = fuse(rankings, &rule, h->all);
    h->docs = arena_zalloc(&h->arena, h->n_all + 1, sizeof *h->docs);
    fused_order(h->all, h->n_all, h->docs);
    h->source.docs = h->docs;
    h->source.n_docs = h->n_all;
}

static bool step(struct ft_job *j, int64_t deadline_us)
{
    struct hybrid *h = hybrid_of(j);

    for (;;) {
        switch (h->phase) {
        case FINDS:
            if (!run_step(h->run[h->which], deadline_us)) return false;
            h->next_doc = 0;
            h->phase = RANKS;
            break;
        case RANKS:
            if (!rank_some(h, deadline_us)) return false;
            h->phase = ORDERS;
            break;
        case ORDERS:
            if (!order_some(h, deadline_us)) return false;
            h->phase = h->which == TEXT ? FINDS : FUSES;
            h->which = NEAR;
            break;
        case FUSES:
            fuse_both(h);
            h->phase = STEPS;
            break;
        case STEPS: return aggregate_run(h->g, deadline_us, &h->failure) != AGGREGATE_MORE;
        }
    }
}

/* --- the reply ---------------------------------------------------------------------------------------------------------------------- */

static void reply_to(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct hybrid *h = hybrid_of(j);
    struct ft_table table = { h->g, NULL, j->ix };
    bool cut = h->run[TEXT] != NULL && run_cut(h->run[TEXT]);
    const char *partial = ft_partial(h->server->ft, j->ix);

    if (h->failure.n > 0) {
        reply_error(out, buf_str(&h->failure));
        return;
    }
    if (timed_out && h->server->conf->search_on_timeout == CONF_SEARCH_FAIL) {
        reply_error(out, STR(FT_TIMED_OUT));
        return;
    }
    aggregate_detach(h->g, h->source.departed == index_departed(j->ix));
    reply_map(out, 4);
    reply_simple(out, "total_results");
    reply_int(out, (int64_t)aggregate_total(h->g));
    reply_simple(out, "results");
    reply_array(out, aggregate_rows(h->g));
    for (size_t i = 0; i < aggregate_rows(h->g); i++) ft_table_row(&table, out, i);
    reply_simple(out, "warnings");
    reply_array(out, timed_out + cut + (partial != NULL));
    if (timed_out) reply_simple(out, FT_TIMED_OUT);
    if (cut) reply_simple(out, FT_CUT);
    if (partial) reply_simple(out, partial);
    reply_simple(out, "execution_time");
    reply_double(out, (double)(clock_mono_us() - h->from_us) / 1000);
}

static void free_hybrid(struct ft_job *j)
{
    struct hybrid *h = hybrid_of(j);

    aggregate_free(&h->g);
    ft_source_fini(&h->source);
    for (int i = 0; i < 2; i++) {
        topk_fini(&h->top[i]);
        run_free(&h->run[i]);
        query_free(h->tree[i]);
    }
    buf_fini(&h->failure);
    arena_fini(&h->arena);
    mem_free(h);
}

static size_t bytes(const struct ft_job *j)
{
    const struct hybrid *h = (const struct hybrid *)j;
    size_t n = sizeof *h + (h->g != NULL ? aggregate_memory(h->g) : 0) + h->n_all * sizeof *h->all;

    for (int i = 0; i < 2; i++) n += topk_memory(&h->top[i]) + (h->run[i] != NULL ? run_memory(h->run[i]) : 0);
    return n;
}

/* --- the command ---------------------------------------------------------------------------------------------------------------------- */

/* The ten best, where nothing else is said. */
static bool cut(struct hybrid *h, struct buf *error)
{
    static const struct str limit[] = { { "LIMIT", 5 }, { "0", 1 }, { "10", 2 } };
    size_t at = 0;

    return h->ask.cuts || aggregate_parse(h->g, 3, limit, &at, error) == AGGREGATE_STEP;
}

static enum err run_hybrid(struct call *c)
{
    struct server *s = c->client->server;
    struct aggregate_conf conf = ft_aggregate_conf(s);
    struct search_index *ix;
    struct buf error = { 0 };
    struct hybrid *h;
    enum err e = ft_open(c, call_arg(c, 1), &ix);

    if (e != OK) return e;
    h = mem_zalloc(sizeof *h);
    h->server = s;
    h->from_us = clock_mono_us();
    h->g = aggregate_new(&conf);
    arena_init(&h->arena);
    if (!hybrid_ask_parse(&h->ask, &h->arena, s->conf, h->g, c->argc - 2, c->argv + 2, &error) || !cut(h, &error)) {
        free_hybrid(&h->job);
        e = call_fail_text(c, buf_str(&error));
        buf_fini(&error);
        return e;
    }
    h->job = (struct ft_job){ .ix = ix, .timeout_ms = h->ask.text.timeout_ms, .begin = begin, .step = step, .reply = reply_to,
                              .free = free_hybrid, .bytes = bytes };
    return ft_job_run(c, &h->job);
}

/* clang-format off */

#define VALUE(n, ty, w) { .name = (n), .type = (ty), .token = (w), .flags = ARG_OPTIONAL }
#define BLOCK(n, w, f, ...) { .name = (n), .type = ARG_T_BLOCK, .token = (w), .flags = (f), .subs = ARGS(__VA_ARGS__) }

static const struct command_arg hybrid_args[] = {
    { .name = "index", .type = ARG_T_STRING },
    BLOCK("search", "SEARCH", 0, { .name = "query", .type = ARG_T_STRING }, VALUE("scorer", ARG_T_STRING, "SCORER"),
          VALUE("search_score", ARG_T_STRING, "YIELD_SCORE_AS")),
    BLOCK("vsim", "VSIM", 0, { .name = "vector_field", .type = ARG_T_STRING }, { .name = "vector", .type = ARG_T_STRING },
          BLOCK("knn", "KNN", ARG_OPTIONAL, { .name = "count", .type = ARG_T_INTEGER }, VALUE("k", ARG_T_INTEGER, "K"),
                VALUE("ef_runtime", ARG_T_INTEGER, "EF_RUNTIME")),
          BLOCK("range", "RANGE", ARG_OPTIONAL, { .name = "count", .type = ARG_T_INTEGER }, VALUE("radius", ARG_T_DOUBLE, "RADIUS"),
                VALUE("epsilon", ARG_T_DOUBLE, "EPSILON")),
          VALUE("filter", ARG_T_STRING, "FILTER"), VALUE("vector_score", ARG_T_STRING, "YIELD_SCORE_AS")),
    BLOCK("combine", "COMBINE", ARG_OPTIONAL,
          BLOCK("rrf", "RRF", ARG_OPTIONAL, { .name = "count", .type = ARG_T_INTEGER }, VALUE("constant", ARG_T_DOUBLE, "CONSTANT"),
                VALUE("window", ARG_T_INTEGER, "WINDOW")),
          BLOCK("linear", "LINEAR", ARG_OPTIONAL, { .name = "count", .type = ARG_T_INTEGER }, VALUE("alpha", ARG_T_DOUBLE, "ALPHA"),
                VALUE("beta", ARG_T_DOUBLE, "BETA"), VALUE("window", ARG_T_INTEGER, "WINDOW")),
          VALUE("score", ARG_T_STRING, "YIELD_SCORE_AS")),
    BLOCK("load", "LOAD", ARG_OPTIONAL, { .name = "count", .type = ARG_T_STRING }, { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }),
    BLOCK("sortby", "SORTBY", ARG_OPTIONAL, { .name = "nargs", .type = ARG_T_INTEGER }, { .name = "field", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }),
    BLOCK("limit", "LIMIT", ARG_OPTIONAL, { .name = "offset", .type = ARG_T_INTEGER }, { .name = "num", .type = ARG_T_INTEGER }),
    BLOCK("params", "PARAMS", ARG_OPTIONAL, { .name = "nargs", .type = ARG_T_INTEGER },
          { .name = "values", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
            .subs = ARGS({ .name = "name", .type = ARG_T_STRING }, { .name = "value", .type = ARG_T_STRING }) }),
    VALUE("timeout", ARG_T_INTEGER, "TIMEOUT"),
    { 0 },
};

const struct command ft_hybrid_commands[] = {
    { ROW("ft.hybrid", run_hybrid, -7, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_SEARCH, "8.4.0",
          "O(N) for N documents that a part of the queries finds",
          "Searches for words and for neighbours of a vector at once, and returns what does best in both."),
      .acl = ACL_SEARCH, .args = hybrid_args,
      .example = "FT.HYBRID i SEARCH hello VSIM @v $b PARAMS 2 b 1234 => "
                 "-SEARCH_INDEX_NOT_FOUND Index not found (no such index, Unknown index name): i\r\n" },
    { 0 },
};
