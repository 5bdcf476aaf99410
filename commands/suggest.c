/* suggest.c -- suggestions for what has been typed so far: FT.SUGADD, FT.SUGGET, FT.SUGDEL, FT.SUGLEN. */
#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "commands/command.h"
#include "commands/job.h"
#include "commands/job_rows.h"
#include "commands/tables.h"
#include "storage/type_suggest.h"
#include "storage/value_reader.h"

/* --- FT.SUGADD ------------------------------------------------------------------------------------------------------ */

struct add {
    bool add;
    struct str payload;
};

static enum err parse_add(struct call *c, struct add *a)
{
    for (size_t i = 4; i < c->argc; i++) {
        if (call_is(c, i, "INCR")) {
            a->add = true;
        } else if (!call_is(c, i, "PAYLOAD")) {
            return call_fail_text(c, arena_printf(c->arena, "Unknown argument `%.*s`", (int)(c->argv[i].n < 128 ? c->argv[i].n : 128),
                                                  c->argv[i].p));
        } else if (++i == c->argc) {
            return call_fail_text(c, STR("Invalid payload: Expected an argument, but none provided"));
        } else {
            a->payload = call_arg(c, i);
        }
    }
    return OK;
}

/* A text that is empty or too long is not added, without a word, as RediSearch does. */
static enum err run_sugadd(struct call *c)
{
    struct str text = call_arg(c, 2);
    const struct suggestions *d = NULL;
    struct add a = { 0 };
    uint64_t count = 0;
    double score;
    enum err e;

    if (c->argc > 7) return ERR_ARITY;
    e = parse_add(c, &a);
    if (e != OK) return e;
    e = suggest_read(c->db, call_arg(c, 1), &d);
    if (e == ERR_WRONG_TYPE) return e;
    /* Not of infinity: INCR of its opposite would make a score that is no number, in no order with the others. */
    if (!num_parse_double(call_arg(c, 3), &score) || !isfinite(score)) return call_fail_text(c, STR("ERR invalid score"));
    if (!mem_can(a.payload.n)) return ERR_OOM;
    if (text.n > 0 && text.n <= SUGGESTION_MAX) {
        e = suggest_put(c->db, call_arg(c, 1), text, score, a.add, a.payload, &count);
        if (e != OK) return e;
    } else if (d != NULL) {
        count = d->count;
    }
    reply_int(c->out, (int64_t)count);
    return OK;
}

/* --- FT.SUGGET ------------------------------------------------------------------------------------------------------ */

struct get {
    bool fuzzy, scores, payloads, trim;
    uint64_t max;
};

enum { PREFIX_MAX = 200, USUAL_MAX = 5, MOST = 2000 /* whatever MAX says: they are put in order and told in one piece */, TRIM_FACTOR = 10 };

static enum err parse_get(struct call *c, struct get *g)
{
    for (size_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "FUZZY")) g->fuzzy = true;
        else if (call_is(c, i, "WITHSCORES")) g->scores = true;
        else if (call_is(c, i, "WITHPAYLOADS")) g->payloads = true;
        else if (call_is(c, i, "TRIM")) g->trim = true;
        else if (call_is(c, i, "OPTIMIZE")) continue;
        else if (!call_is(c, i, "MAX"))
            return call_fail_text(c, arena_printf(c->arena, "Unrecognized argument: %.*s",
                                                  (int)(c->argv[i].n < 128 ? c->argv[i].n : 128), c->argv[i].p));
        else if (++i == c->argc) return call_fail_text(c, STR("MAX: Expected an argument, but none provided"));
        else if (!num_parse_u64(c->argv[i], &g->max)) return call_fail_text(c, STR("MAX: Could not convert argument to expected type"));
        else if (g->max == 0) return call_fail_text(c, STR("MAX: Value is outside acceptable bounds"));
    }
    return OK;
}

/* TRIM: what is far behind the best is left out. */
static size_t trim(const struct suggest_hit *hits, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (hits[i].score < hits[0].score / TRIM_FACTOR) return i;
    return n;
}

static size_t per_hit(const struct get *g)
{
    return 1u + g->scores + g->payloads;
}

static void tell(const struct get *g, struct reply *out, const struct suggestion *s, float score)
{
    struct str payload = suggestion_payload(s);

    reply_bulk(out, suggestion_text(s));
    if (g->scores) reply_double(out, (double)score);
    if (g->payloads && payload.n > 0) reply_bulk(out, payload);
    else if (g->payloads) reply_null(out);
}

/* A search that goes on in slices, of the suggestions as they were when it began. */
struct getting {
    struct job job;
    struct value_reader reader;
    struct get get;
    struct suggest_search *search;  /* its prefix lies behind the struct */
    struct job_rows told;
};

static bool step(struct job *of, int64_t deadline_us)
{
    enum { AT_ONCE = 256 };
    struct getting *j = (struct getting *)of;
    struct reply out = job_rows_out(&j->told);
    const struct suggest_hit *hits;
    size_t n;

    while (!suggest_search_step(j->search, AT_ONCE)) {
        if (deadline_us != INT64_MAX && clock_mono_us() >= deadline_us) return false;
    }
    hits = suggest_search_hits(j->search, &n);
    if (j->get.trim) n = trim(hits, n);
    for (size_t i = 0; i < n; i++) {
        tell(&j->get, &out, hits[i].suggestion, hits[i].score);
        job_rows_told(&j->told);
    }
    value_reader_end(&j->reader);
    return true;
}

static void finish(struct value_reader *r)
{
    (void)job_step(&LINK_OF(r, struct getting, reader)->job, INT64_MAX);
}

static void reply_hits(struct job *of, struct reply *out, struct reply_pieces *pieces)
{
    struct getting *j = (struct getting *)of;
    struct buf head = { 0 };

    reply_array(&(struct reply){ &head, out->resp }, j->told.n * per_hit(&j->get));
    job_rows_reply(&j->told, buf_str(&head), out, pieces);
    buf_fini(&head);
}

static size_t bytes(const struct job *of)
{
    const struct getting *j = (const struct getting *)of;

    return sizeof *j + suggest_search_bytes(j->search) + job_rows_bytes(&j->told);
}

static void free_getting(struct job *of)
{
    struct getting *j = (struct getting *)of;

    value_reader_end(&j->reader);
    suggest_search_free(j->search);
    job_rows_fini(&j->told);
    mem_free(j);
}

static enum err run_sugget(struct call *c)
{
    struct get g = { .max = USUAL_MAX };
    struct str prefix = call_arg(c, 2);
    const struct suggestions *d;
    struct getting *j;
    enum err e;

    if (c->argc > 10) return ERR_ARITY;
    if (prefix.n >= PREFIX_MAX) return call_fail_text(c, STR("Invalid query length"));
    e = parse_get(c, &g);
    if (e == OK) e = suggest_read(c->db, call_arg(c, 1), &d);
    if (e == ERR_NO_KEY) {
        reply_null(c->out);
        return OK;
    }
    if (e != OK) return e;
    if (g.max > d->count) g.max = d->count;
    if (g.max > MOST) g.max = MOST;
    j = mem_zalloc(sizeof *j + prefix.n);
    memcpy(j + 1, prefix.p, prefix.n);
    j->job = (struct job){ .step = step, .reply = reply_hits, .bytes = bytes, .free = free_getting };
    j->get = g;
    j->reader.finish = finish;
    j->search = suggest_search_new(d, str_of((char *)(j + 1), prefix.n), g.fuzzy, g.max);
    job_rows_init(&j->told, c->out->resp);
    value_reader_begin(c->store, d, &j->reader);
    return job_run(c, &j->job);
}

/* --- FT.SUGDEL, FT.SUGLEN ------------------------------------------------------------------------------------------- */

static enum err run_sugdel(struct call *c)
{
    bool removed = false;
    enum err e = suggest_remove(c->db, call_arg(c, 1), call_arg(c, 2), &removed);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, removed);
    return OK;
}

static enum err run_suglen(struct call *c)
{
    const struct suggestions *d = NULL;
    enum err e = suggest_read(c->db, call_arg(c, 1), &d);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, d == NULL ? 0 : (int64_t)d->count);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

#define TOKEN(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL }

const struct command suggest_commands[] = {
    { .name = "ft.sugadd", .run = run_sugadd, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_INSERT) }, .acl = ACL_SEARCH, .group = GROUP_SUGGESTION, .since = "1.0.0",
      .complexity = "O(log(N)), where N is the number of suggestions.",
      .summary = "Adds a suggestion to a dictionary, or gives it another score.",
      .args = ARGS(ARG_KEY("key"), { .name = "string", .type = ARG_T_STRING }, { .name = "score", .type = ARG_T_DOUBLE },
                   TOKEN("incr", "INCR"), { .name = "payload", .type = ARG_T_STRING, .token = "PAYLOAD", .flags = ARG_OPTIONAL }),
      .example = "FT.SUGADD cities Kyoto 1 | FT.SUGADD cities Osaka 2 => :2\r\n" },
    { .name = "ft.sugget", .run = run_sugget, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_SEARCH, .group = GROUP_SUGGESTION, .since = "1.0.0",
      .complexity = "O(log(N)+M), where N is the number of suggestions and M of those that begin so; with FUZZY more.",
      .summary = "Returns the best suggestions that begin with a text, in any case and with or without accents: 5, or MAX, 2000 at most.",
      .args = ARGS(ARG_KEY("key"), { .name = "prefix", .type = ARG_T_STRING }, TOKEN("fuzzy", "FUZZY"), TOKEN("withscores", "WITHSCORES"),
                   TOKEN("withpayloads", "WITHPAYLOADS"), { .name = "max", .type = ARG_T_INTEGER, .token = "MAX", .flags = ARG_OPTIONAL },
                   TOKEN("trim", "TRIM")),
      .example = "FT.SUGADD cities Kyoto 1 | FT.SUGGET cities ky => *1\r\n$5\r\nKyoto\r\n" },
    { .name = "ft.sugdel", .run = run_sugdel, .arity = 3, .flags = CMD_WRITE,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, .acl = ACL_SEARCH, .group = GROUP_SUGGESTION, .since = "1.0.0",
      .complexity = "O(log(N)), where N is the number of suggestions.", .summary = "Removes a suggestion from a dictionary.",
      .args = ARGS(ARG_KEY("key"), { .name = "string", .type = ARG_T_STRING }),
      .example = "FT.SUGADD cities Kyoto 1 | FT.SUGDEL cities Kyoto => :1\r\n" },
    { .name = "ft.suglen", .run = run_suglen, .arity = 2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO) }, .acl = ACL_SEARCH, .group = GROUP_SUGGESTION, .since = "1.0.0", .complexity = "O(1)",
      .summary = "Returns the number of suggestions in a dictionary.", .args = ARGS(ARG_KEY("key")),
      .example = "FT.SUGADD cities Kyoto 1 | FT.SUGLEN cities => :1\r\n" },
    { 0 },
};
