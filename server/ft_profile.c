/* ft_profile.c -- FT.PROFILE: a search or an aggregation, and beside its reply what it has spent its time with.
 *
 * The job is wrapped in another one, which lets it work and looks at the clock. */
#include "base/mem.h"
#include "server/commands.h"
#include "server/ft_aggregate.h"
#include "server/ft_search.h"
#include "server/rows.h"

struct profiled {
    struct ft_job job;
    struct ft_job *inner;
    int64_t from_us, begin_us, step_us; /* when it came; spent */
};

static struct profiled *profiled_of(struct ft_job *j)
{
    return (struct profiled *)j; /* it begins with it */
}

static bool begin(struct ft_job *j, struct buf *error)
{
    struct profiled *p = profiled_of(j);
    int64_t from = clock_mono_us();
    bool ok = p->inner->begin(p->inner, error);

    p->begin_us = clock_mono_us() - from;
    return ok;
}

static bool step(struct ft_job *j, int64_t deadline_us)
{
    struct profiled *p = profiled_of(j);
    int64_t from = clock_mono_us();
    bool done = p->inner->step(p->inner, deadline_us);

    p->step_us += clock_mono_us() - from;
    return done;
}

/* A name and milliseconds. */
static void tell_time(struct reply *out, const char *name, int64_t us)
{
    if (out->resp < 3) reply_array(out, 2);
    reply_simple(out, name);
    reply_double(out, (double)us / 1000);
}

static void tell_profile(struct profiled *p, struct reply *out)
{
    size_t n = p->inner->profile ? 5 : 3;

    if (out->resp < 3) reply_array(out, n);
    else reply_map(out, n);
    tell_time(out, "Total profile time", clock_mono_us() - p->from_us);
    tell_time(out, "Parsing time", p->begin_us);
    tell_time(out, "Pipeline time", p->step_us);
    if (p->inner->profile) p->inner->profile(p->inner, out);
}

/* An error stays one: it is not put beside a profile. */
static void reply_to(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct profiled *p = profiled_of(j);
    struct buf text = { .may_fail = true };
    struct reply results = { &text, out->resp };

    p->inner->reply(p->inner, &results, timed_out);
    if (text.failed) {
        reply_error(out, str_c(err_text(ERR_OOM)));
    } else if (text.p[0] == '-') {
        reply_raw(out, text.p, text.n);
    } else {
        if (out->resp < 3) reply_array(out, 2);
        else reply_map(out, 2);
        if (out->resp >= 3) reply_simple(out, "Results");
        reply_raw(out, text.p, text.n);
        if (out->resp >= 3) reply_simple(out, "Profile");
        tell_profile(p, out);
    }
    buf_fini(&text);
}

static void free_profiled(struct ft_job *j)
{
    struct profiled *p = profiled_of(j);

    p->inner->free(p->inner);
    mem_free(p);
}

static size_t bytes(const struct ft_job *j)
{
    const struct profiled *p = (const struct profiled *)j;

    return sizeof *p + p->inner->bytes(p->inner);
}

static enum err run_wrapped(struct call *c, struct ft_job *inner)
{
    struct profiled *p = mem_zalloc(sizeof *p);

    p->inner = inner;
    p->from_us = clock_mono_us();
    p->job = (struct ft_job){ .ix = inner->ix, .timeout_ms = inner->timeout_ms, .begin = begin, .step = step, .reply = reply_to,
                              .free = free_profiled, .bytes = bytes };
    return ft_job_run(c, &p->job);
}

/* FT.PROFILE index SEARCH|AGGREGATE [LIMITED] QUERY ... */
static enum err run_profile(struct call *c)
{
    bool search = call_is(c, 2, "SEARCH");
    size_t at = call_is(c, 3, "LIMITED") ? 4 : 3;
    struct ft_job *inner;
    enum err e;

    if (!search && !call_is(c, 2, "AGGREGATE")) return call_fail_text(c, STR("No `SEARCH`, `AGGREGATE`, or `HYBRID` provided"));
    if (!call_is(c, at, "QUERY")) return call_fail_text(c, STR("The QUERY keyword is expected"));
    if (at + 1 >= c->argc) return call_fail(c, ERR_ARITY, STR("ft.profile"));
    e = search ? ft_search_job(c, at + 1, &inner) : ft_aggregate_job(c, at + 1, &inner);
    return e == OK ? run_wrapped(c, inner) : e;
}

/* clang-format off */

const struct command ft_profile_commands[] = {
    { ROW("ft.profile", run_profile, -5, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_SEARCH, "2.2.0",
          "O(N) for N documents that a part of the query finds",
          "Runs FT.SEARCH or FT.AGGREGATE, and replies with its results beside what it has spent its time with."),
      .acl = ACL_SEARCH,
      .args = ARGS({ .name = "index", .type = ARG_T_STRING },
                   { .name = "querytype", .type = ARG_T_ONEOF,
                     .subs = ARGS({ .name = "search", .type = ARG_T_PURE_TOKEN, .token = "SEARCH" },
                                  { .name = "aggregate", .type = ARG_T_PURE_TOKEN, .token = "AGGREGATE" }) },
                   { .name = "limited", .type = ARG_T_PURE_TOKEN, .token = "LIMITED", .flags = ARG_OPTIONAL },
                   { .name = "query", .type = ARG_T_STRING, .token = "QUERY" }),
      .example = "FT.PROFILE i SEARCH QUERY hello => "
                 "-SEARCH_INDEX_NOT_FOUND Index not found (no such index, Unknown index name): i\r\n" },
    { 0 },
};
