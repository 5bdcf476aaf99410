/* ft_explain.c -- FT.EXPLAIN and FT.EXPLAINCLI: how a query is understood.
 *
 * That is told at once, whether the index is up to date or not; but for a long query, which is parsed and told in slices (ft_job.h). */
#include "base/clock.h"
#include "base/mem.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/ft_ask.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"
#include "server/rows.h"

enum { LONG_QUERY = 64 * 1024, PARTS_A_STEP = 256 };

struct explaining {
    struct ft_job job;
    struct arena arena;
    struct ft_ask ask;
    struct query_node *tree;
    struct explanation *how;
    struct buf text;
    void (*tell)(struct reply *out, struct str text);
};

static bool begin(struct ft_job *j, struct buf *error)
{
    struct explaining *x = (struct explaining *)j;

    x->tree = ft_ask_tree(&x->ask, j->ix, error);
    if (x->tree != NULL) x->how = explanation_new(x->tree, j->ix);
    return x->tree != NULL;
}

static bool step(struct ft_job *j, int64_t deadline_us)
{
    struct explaining *x = (struct explaining *)j;

    while (!explanation_step(x->how, PARTS_A_STEP, &x->text))
        if (clock_mono_us() >= deadline_us) return false;
    return true;
}

static void reply_to(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct explaining *x = (struct explaining *)j;

    if (timed_out) reply_error(out, STR(FT_TIMED_OUT));
    else if (x->text.failed) reply_error(out, str_c(err_text(ERR_OOM)));
    else x->tell(out, buf_str(&x->text));
}

static void free_explaining(struct ft_job *j)
{
    struct explaining *x = (struct explaining *)j;

    explanation_free(&x->how);
    query_free(x->tree);
    buf_fini(&x->text);
    arena_fini(&x->arena);
    mem_free(x);
}

static size_t bytes(const struct ft_job *j)
{
    const struct explaining *x = (const struct explaining *)j;

    return sizeof *x + x->text.cap;
}

static enum err at_once(struct call *c, struct ft_job *j)
{
    struct buf error = { 0 };
    enum err e = OK;

    if (begin(j, &error)) {
        (void)step(j, INT64_MAX);
        reply_to(j, c->out, false);
    } else {
        e = call_fail_text(c, buf_str(&error));
    }
    free_explaining(j);
    buf_fini(&error);
    return e;
}

static enum err explain(struct call *c, void (*tell)(struct reply *out, struct str text))
{
    struct search_index *ix;
    struct buf error = { 0 };
    struct explaining *x;
    enum err e = ft_open(c, call_arg(c, 1), &ix);

    if (e != OK) return e;
    x = mem_zalloc(sizeof *x);
    arena_init(&x->arena);
    x->tell = tell;
    x->text.may_fail = true;
    x->job = (struct ft_job){ .ix = ix, .timeout_ms = ft_job_timeout(c->client->server), .begin = begin, .step = step, .reply = reply_to,
                              .free = free_explaining, .bytes = bytes };
    if (!ft_ask_parse(&x->ask, &x->arena, c->client->server->conf, c->argc - 2, c->argv + 2, &error)) {
        e = call_fail_text(c, buf_str(&error));
        buf_fini(&error);
        free_explaining(&x->job);
        return e;
    }
    return c->argv[2].n > LONG_QUERY ? ft_job_run(c, &x->job) : at_once(c, &x->job);
}

static void tell_text(struct reply *out, struct str text)
{
    reply_bulk(out, text);
}

static void tell_lines(struct reply *out, struct str text)
{
    size_t mark = reply_mark(out), n = 0;
    const char *end;

    for (struct str left = text;; left = str_of(end + 1, left.n - (size_t)(end + 1 - left.p))) {
        end = left.n > 0 ? memchr(left.p, '\n', left.n) : NULL;
        reply_bulk(out, end ? str_of(left.p, (size_t)(end - left.p)) : left);
        n++;
        if (end == NULL) break;
    }
    reply_array_at(out, mark, n);
}

static enum err run_explain(struct call *c)
{
    return explain(c, tell_text);
}

static enum err run_explain_cli(struct call *c)
{
    return explain(c, tell_lines);
}

/* clang-format off */

static const struct command_arg explain_args[] = {
    { .name = "index", .type = ARG_T_STRING }, { .name = "query", .type = ARG_T_STRING },
    { .name = "dialect", .type = ARG_T_INTEGER, .token = "DIALECT", .flags = ARG_OPTIONAL },
    { 0 },
};

#define AN_INDEX "FT.CREATE i SCHEMA t TEXT n NUMERIC | HSET d t hello n 5 | "

const struct command ft_explain_commands[] = {
    { ROW("ft.explain", run_explain, -3, CMD_READONLY, GROUP_SEARCH, "1.0.0", "O(N) for N parts of the query",
          "Returns how a query is understood, as a text of several lines."),
      .acl = ACL_SEARCH, .args = explain_args,
      .example = AN_INDEX "FT.EXPLAIN i @n:[1,9] => $42\r\nNUMERIC {1.000000 <= @n <= 9.000000}\n\r\n" },
    { ROW("ft.explaincli", run_explain_cli, -3, CMD_READONLY, GROUP_SEARCH, "1.0.0", "O(N) for N parts of the query",
          "Returns how a query is understood, as lines."),
      .acl = ACL_SEARCH, .args = explain_args,
      .example = AN_INDEX "FT.EXPLAINCLI i * => *2\r\n$10\r\n<WILDCARD>\r\n$0\r\n\r\n" },
    { 0 },
};
