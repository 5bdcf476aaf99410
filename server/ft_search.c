/* ft_search.c -- FT.SEARCH.
 *
 * A search finds (search/run.h), picks the first of what was found (search/topk.h), and writes their rows; each of these can be
 * left in the middle and taken up again. Nothing of it changes while the index is held, but that documents go: they are
 * taken out of the total and of the rows in the moment of the reply. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/ft_rows.h"
#include "server/ft_search.h"
#include "server/ft_table.h"
#include "server/rows.h"

enum { DOCS_A_LOOK = 64 }; /* documents that are ranked between two looks at the clock */

enum sort_by { BY_SCORE, BY_DISTANCE, BY_FIELD, BY_KEY };
enum phase { FINDS, RANKS, ORDERS, WRITES };

struct search {
    struct ft_job job;
    struct server *server;
    struct arena arena;
    struct ft_ask ask;
    struct query_node *tree;
    struct run *run;
    enum sort_by by;
    struct str distance;            /* BY_DISTANCE */
    enum phase phase;
    struct topk top;
    uint32_t next_doc;
    size_t next_row;
    struct ft_rows rows;
    bool too_large;                 /* search-results-memory */
    struct buf scratch, folded;
    int64_t find_us, rank_us, write_us; /* FT.PROFILE: spent in each */
};

static struct search *search_of(struct ft_job *j)
{
    return (struct search *)j; /* it begins with it */
}

/* --- beginning --------------------------------------------------------------------------------------------------- */

static bool is_distance(const struct run *run, struct str name)
{
    struct str names[64];
    size_t n = run_distances(run, names, sizeof names / sizeof *names);

    for (size_t i = 0; i < n && i < sizeof names / sizeof *names; i++) {
        if (str_eq(names[i], name)) return true;
    }
    return false;
}

/* A name must not stand for two distances. */
static bool names_are_distinct(const struct run *run, struct buf *error)
{
    struct str names[64];
    size_t n = run_distances(run, names, sizeof names / sizeof *names);

    for (size_t i = 0; i < n && i < sizeof names / sizeof *names; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!str_eq(names[i], names[j])) continue;
            buf_printf(error, "Property `%.*s` specified more than once", (int)names[i].n, names[i].p);
            return false;
        }
    }
    return true;
}

static bool choose_order(struct search *s, struct buf *error)
{
    struct str name = s->ask.sort_by;

    if (name.n == 0) {
        s->by = run_is_knn(s->run) ? BY_DISTANCE : BY_SCORE;
        if (s->by == BY_DISTANCE) run_distances(s->run, &s->distance, 1);
    } else if (is_distance(s->run, name)) {
        s->by = BY_DISTANCE;
        s->distance = name;
    } else if ((s->rows.sort_field = spec_field(index_spec(s->job.ix), name)) != NULL) {
        s->by = BY_FIELD;
    } else if (str_eq(name, STR("__key"))) {
        s->by = BY_KEY;
    } else if (!str_eq(name, STR("__score"))) {
        buf_printf(error, "Property `%.*s` not loaded nor in schema", (int)name.n, name.p);
        return false;
    }
    return true;
}

static bool wants_scores(const struct ft_ask *ask, const struct query_node *tree)
{
    bool knn = tree->kind == QUERY_VECTOR && !tree->near->range;

    if (ask->count == 0) return false;
    if (ask->with_scores || str_eq(ask->sort_by, STR("__score"))) return true;
    for (size_t i = 0; i < ask->n_fields; i++) {
        if (str_eq(ask->fields[i].identifier, STR("__score"))) return true;
    }
    return ask->sort_by.n == 0 && !knn;
}

static bool begin(struct ft_job *j, struct buf *error)
{
    struct search *s = search_of(j);
    uint64_t end = s->ask.count > 0 ? s->ask.offset + s->ask.count : 0;

    s->tree = ft_ask_tree(&s->ask, j->ix, error);
    if (s->tree == NULL) return false;
    s->run = run_new(j->ix, s->tree, s->ask.scorer, wants_scores(&s->ask, s->tree));
    run_set_payload(s->run, s->ask.payload);
    s->rows.ask = &s->ask;
    s->rows.ix = j->ix;
    s->rows.run = s->run;
    s->rows.reader = ft_reader(s->server->ft);
    ft_rows_mark(&s->rows, s->tree);
    if (!choose_order(s, error) || !names_are_distinct(s->run, error)) return false;
    if (s->ask.sort_by.n > 0) topk_init(&s->top, end, s->ask.descending, s->ask.descending);
    else topk_init(&s->top, end, s->by == BY_SCORE, false);
    return true;
}

/* --- ranking ----------------------------------------------------------------------------------------------------- */

/* The value of the field that they are sorted by, from its column or from the key. */
static void rank_by_field(struct search *s, struct ranked *r)
{
    const struct field_spec *f = s->rows.sort_field;
    struct str key = index_key(s->job.ix, r->doc);
    const struct doc_reader *reader = s->rows.reader;

    r->kind = RANK_NUMBER;
    if (f->type == FIELD_NUMERIC && index_number(s->job.ix, f, r->doc, &r->number)) return;
    r->kind = RANK_NOTHING;
    buf_clear(&s->scratch);
    if (reader->field(reader->ctx, key, f->identifier, &s->scratch) != DOC_VALUE) return;
    if (f->type == FIELD_NUMERIC) {
        if (num_parse_double(buf_str(&s->scratch), &r->number)) r->kind = RANK_NUMBER;
        return;
    }
    r->kind = RANK_TEXT;
    r->text = buf_str(&s->scratch);
    if (!f->sortable || f->unf || index_spec(s->job.ix)->on_json) return;
    buf_clear(&s->folded);
    words_fold(r->text, 0, &s->folded);
    r->text = buf_str(&s->folded);
}

static void rank(struct search *s, uint32_t doc)
{
    struct ranked r = { .doc = doc, .kind = RANK_NUMBER };

    switch (s->by) {
    case BY_SCORE: r.number = run_score(s->run, doc); break;
    case BY_DISTANCE: if (!run_distance(s->run, s->distance, doc, &r.number)) r.kind = RANK_NOTHING; break;
    case BY_FIELD: rank_by_field(s, &r); break;
    case BY_KEY:
        r.kind = RANK_TEXT;
        r.text = index_key(s->job.ix, doc);
        break;
    }
    topk_offer(&s->top, &r);
}

/* Do the results take more than they may? Then there is nothing more to do. */
static bool are_too_large(struct search *s, size_t bytes)
{
    s->too_large = bytes > s->server->conf->search_results_memory;
    return s->too_large;
}

static bool rank_some(struct search *s, int64_t deadline_us)
{
    const struct docset *found = run_found(s->run);
    bool first_will_do = s->by == BY_SCORE && s->ask.sort_by.n == 0 && !run_scores_differ(s->run);

    if (s->next_doc == 0) topk_expect(&s->top, found->n);
    for (unsigned n = 1; (s->next_doc = docset_next(found, s->next_doc)) != UINT32_MAX; n++) {
        if (index_alive(s->job.ix, s->next_doc)) rank(s, s->next_doc);
        if (UNLIKELY(are_too_large(s, topk_memory(&s->top)))) return true; /* no row is written yet */
        s->next_doc++;
        if (first_will_do && s->top.n == s->top.k) return true;
        if (n % DOCS_A_LOOK == 0 && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static bool order_some(struct search *s, int64_t deadline_us)
{
    while (!topk_order(&s->top, DOCS_A_LOOK * 4)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    s->next_row = s->ask.offset;
    return true;
}

static bool write_some(struct search *s, int64_t deadline_us)
{
    while (s->next_row < s->top.n) {
        ft_rows_add(&s->rows, &s->top.items[s->next_row++]);
        if (are_too_large(s, topk_memory(&s->top) + ft_rows_memory(&s->rows))) return true;
        if (s->next_row < s->top.n && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static bool step(struct ft_job *j, int64_t deadline_us)
{
    static bool (*const phases[])(struct search *s, int64_t deadline_us) = {
        [RANKS] = rank_some, [ORDERS] = order_some, [WRITES] = write_some,
    };
    struct search *s = search_of(j);
    int64_t *const spent[] = { &s->find_us, &s->rank_us, &s->rank_us, &s->write_us };

    for (;;) {
        int64_t from = clock_mono_us();
        bool done = s->phase == FINDS ? run_step(s->run, deadline_us) : phases[s->phase](s, deadline_us);

        *spent[s->phase] += clock_mono_us() - from;
        if (!done) return false;
        if (s->phase == WRITES || s->ask.count == 0 || s->too_large) return true;
        s->phase++;
    }
}

/* --- the reply --------------------------------------------------------------------------------------------------- */

static void reply_rows(struct search *s, struct reply *out, int64_t total, const char *warning)
{
    struct ft_pieces *rows = &s->rows.pieces;
    size_t n = ft_pieces_settle(rows, s->job.ix);

    if (out->resp < 3) {
        reply_array(out, 1 + n * ft_rows_parts(&s->ask));
        reply_int(out, total);
        ft_pieces_reply(rows, out, s->job.pieces);
        return;
    }
    ft_results_begin(out, s->ask.expand);
    reply_array(out, n);
    ft_pieces_reply(rows, out, s->job.pieces);
    ft_results_end(out, total, warning);
}

/* One processor: its kind, time in ms, and how many results went through. */
static void profile_step(struct reply *out, const char *type, int64_t us, int64_t n)
{
    reply_map(out, 3);
    reply_simple(out, "Type");
    reply_simple(out, type);
    reply_simple(out, "Time");
    reply_double(out, (double)us / 1000);
    reply_simple(out, "Results processed");
    reply_int(out, n);
}

static void tell_profile(struct ft_job *j, struct reply *out)
{
    struct search *s = search_of(j);
    struct buf tree = { 0 };

    query_explain(s->tree, j->ix, &tree);
    if (out->resp < 3) reply_array(out, 2);
    reply_simple(out, "Iterators profile");
    reply_map(out, 4);
    reply_simple(out, "Type");
    reply_simple(out, "QUERY");
    reply_simple(out, "Query");
    reply_bulk(out, buf_str(&tree));
    reply_simple(out, "Time");
    reply_double(out, (double)s->find_us / 1000);
    reply_simple(out, "Number of results");
    reply_int(out, run_found(s->run)->n);
    if (out->resp < 3) reply_array(out, 3); /* the name, and behind it the processors */
    reply_simple(out, "Result processors profile");
    if (out->resp >= 3) reply_array(out, 2);
    profile_step(out, "Sorter", s->rank_us, (int64_t)s->top.n);
    profile_step(out, "Loader", s->write_us, (int64_t)s->rows.pieces.rows);
    buf_fini(&tree);
}

static void reply_to(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct search *s = search_of(j);
    int64_t total;

    if (timed_out && s->server->conf->search_on_timeout == CONF_SEARCH_FAIL) {
        reply_error(out, STR(FT_TIMED_OUT));
        return;
    }
    if (s->too_large) {
        reply_errorf(out, "SEARCH_LIMIT_OVER The results of this search take more than %llu bytes: ask for fewer (LIMIT), or for less of "
                     "each (NOCONTENT, RETURN), or raise search-results-memory", (unsigned long long)s->server->conf->search_results_memory);
        return;
    }
    if (s->rows.pieces.failed) {
        reply_error(out, str_c(err_text(ERR_OOM)));
        return;
    }
    run_drop_gone(s->run);
    total = (int64_t)run_found(s->run)->n - s->rows.n_gone;
    reply_rows(s, out, total > 0 ? total : 0, timed_out ? FT_TIMED_OUT : run_cut(s->run) ? FT_CUT : ft_partial(s->server->ft, s->job.ix));
}

static void free_search(struct ft_job *j)
{
    struct search *s = search_of(j);

    ft_rows_fini(&s->rows);
    topk_fini(&s->top);
    run_free(&s->run);
    query_free(s->tree);
    buf_fini(&s->scratch);
    buf_fini(&s->folded);
    arena_fini(&s->arena);
    mem_free(s);
}

static size_t bytes(const struct ft_job *j)
{
    const struct search *s = (const struct search *)j;

    return sizeof *s + (s->run ? run_memory(s->run) : 0) + topk_memory(&s->top) + ft_rows_memory(&s->rows);
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

/* The search that the arguments from the query on ask for; NULL: *error has the reply's text. */
static struct search *new_search(struct call *c, struct search_index *ix, size_t from, struct buf *error)
{
    struct search *s = mem_zalloc(sizeof *s);

    s->server = c->client->server;
    arena_init(&s->arena);
    if (!ft_ask_parse(&s->ask, &s->arena, s->server->conf, c->argc - from, c->argv + from, error) ||
        !ft_ask_expand(&s->ask, c->out->resp, index_spec(ix)->on_json, error)) {
        free_search(&s->job);
        return NULL;
    }
    s->job = (struct ft_job){ .ix = ix, .timeout_ms = s->ask.timeout_ms, .begin = begin, .step = step, .reply = reply_to,
                              .free = free_search, .bytes = bytes, .profile = tell_profile };
    s->rows.resp = c->out->resp;
    return s;
}

enum err ft_search_job(struct call *c, size_t from, struct ft_job **job)
{
    struct search_index *ix;
    struct buf error = { 0 };
    struct search *s;
    enum err e = ft_open(c, call_arg(c, 1), &ix);

    if (e != OK) return e;
    s = new_search(c, ix, from, &error);
    if (s == NULL) {
        e = call_fail_text(c, buf_str(&error));
        buf_fini(&error);
        return e;
    }
    *job = &s->job;
    return OK;
}

static enum err run_search(struct call *c)
{
    struct ft_job *job;
    enum err e = ft_search_job(c, 2, &job);

    return e == OK ? ft_job_run(c, job) : e;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* clang-format off */

#define WORD(w) { .name = #w, .type = ARG_T_PURE_TOKEN, .token = #w, .flags = ARG_OPTIONAL }
#define VALUE(n, ty, w) { .name = (n), .type = (ty), .token = (w), .flags = ARG_OPTIONAL }
#define BLOCK(n, w, ...) { .name = (n), .type = ARG_T_BLOCK, .token = (w), .flags = ARG_OPTIONAL, .subs = ARGS(__VA_ARGS__) }
#define COUNTED(n, w, item) \
    BLOCK(n, w, { .name = "count", .type = ARG_T_INTEGER }, { .name = (item), .type = ARG_T_STRING, .flags = ARG_MULTIPLE })

static const struct command_arg search_args[] = {
    { .name = "index", .type = ARG_T_STRING }, { .name = "query", .type = ARG_T_STRING },
    WORD(NOCONTENT), WORD(VERBATIM), WORD(NOSTOPWORDS), WORD(WITHSCORES), WORD(WITHPAYLOADS), WORD(WITHSORTKEYS),
    { .name = "filter", .type = ARG_T_BLOCK, .token = "FILTER", .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
      .subs = ARGS({ .name = "numeric_field", .type = ARG_T_STRING }, { .name = "min", .type = ARG_T_DOUBLE },
                   { .name = "max", .type = ARG_T_DOUBLE }) },
    { .name = "geo_filter", .type = ARG_T_BLOCK, .token = "GEOFILTER", .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
      .subs = ARGS({ .name = "geo_field", .type = ARG_T_STRING }, { .name = "lon", .type = ARG_T_DOUBLE },
                   { .name = "lat", .type = ARG_T_DOUBLE }, { .name = "radius", .type = ARG_T_DOUBLE },
                   { .name = "radius_type", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "m", .type = ARG_T_PURE_TOKEN, .token = "m" },
                                  { .name = "km", .type = ARG_T_PURE_TOKEN, .token = "km" },
                                  { .name = "mi", .type = ARG_T_PURE_TOKEN, .token = "mi" },
                                  { .name = "ft", .type = ARG_T_PURE_TOKEN, .token = "ft" }) }) },
    COUNTED("in_keys", "INKEYS", "key"),
    COUNTED("in_fields", "INFIELDS", "field"),
    COUNTED("return", "RETURN", "identifier"),
    BLOCK("summarize", "SUMMARIZE",
          COUNTED("fields", "FIELDS", "field"), VALUE("num", ARG_T_INTEGER, "FRAGS"), VALUE("fragsize", ARG_T_INTEGER, "LEN"),
          VALUE("separator", ARG_T_STRING, "SEPARATOR")),
    BLOCK("highlight", "HIGHLIGHT",
          COUNTED("fields", "FIELDS", "field"),
          BLOCK("tags", "TAGS", { .name = "open", .type = ARG_T_STRING }, { .name = "close", .type = ARG_T_STRING })),
    VALUE("slop", ARG_T_INTEGER, "SLOP"), VALUE("timeout", ARG_T_INTEGER, "TIMEOUT"), WORD(INORDER),
    VALUE("language", ARG_T_STRING, "LANGUAGE"), VALUE("expander", ARG_T_STRING, "EXPANDER"),
    VALUE("scorer", ARG_T_STRING, "SCORER"), WORD(EXPLAINSCORE), VALUE("payload", ARG_T_STRING, "PAYLOAD"),
    BLOCK("sortby", "SORTBY", { .name = "sortby", .type = ARG_T_STRING },
          { .name = "order", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
            .subs = ARGS({ .name = "asc", .type = ARG_T_PURE_TOKEN, .token = "ASC" },
                         { .name = "desc", .type = ARG_T_PURE_TOKEN, .token = "DESC" }) },
          WORD(WITHCOUNT)),
    BLOCK("limit", "LIMIT", { .name = "offset", .type = ARG_T_INTEGER }, { .name = "num", .type = ARG_T_INTEGER }),
    BLOCK("params", "PARAMS", { .name = "nargs", .type = ARG_T_INTEGER },
          { .name = "values", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
            .subs = ARGS({ .name = "name", .type = ARG_T_STRING }, { .name = "value", .type = ARG_T_STRING }) }),
    VALUE("dialect", ARG_T_INTEGER, "DIALECT"),
    { 0 },
};

#define AN_INDEX "FT.CREATE i SCHEMA t TEXT n NUMERIC | HSET d t hello n 5 | "

const struct command ft_search_commands[] = {
    { ROW("ft.search", run_search, -3, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_SEARCH, "1.0.0",
          "O(N) for N documents that a part of the query finds",
          "Searches an index, and returns the documents that the query finds."),
      .acl = ACL_SEARCH, .args = search_args,
      .example = AN_INDEX "FT.SEARCH i \"hello @n:[1 9]\" NOCONTENT => *2\r\n:1\r\n$1\r\nd\r\n" },
    { 0 },
};
