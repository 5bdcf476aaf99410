/* ft_synonym_cmd.c -- FT.SYNUPDATE and FT.SYNDUMP: words that stand for each other in the queries of an index. */
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/rows.h"

/* SKIPINITIALSCAN is accepted: nothing is scanned, since synonyms are the queries' matter alone. */
static enum err run_update(struct call *c)
{
    size_t at = call_is(c, 3, "SKIPINITIALSCAN") ? 4 : 3;
    struct ft_index *x;
    struct synonyms *s;
    enum err e;

    if (c->argc <= at) return call_fail(c, ERR_ARITY, STR("ft.synupdate"));
    e = ft_open_index(c, call_arg(c, 1), &x);
    if (e != OK) return e;
    s = index_synonyms(x->ix);
    if (s->n + (c->argc - at) > SYNONYMS_MAX) return call_fail_text(c, STR("Maximum synonym terms limit reached"));
    for (size_t i = at; i < c->argc; i++) {
        if (synonyms_groups(s, call_arg(c, i)) < SYNONYM_GROUPS_MAX) continue;
        return call_fail_text(c, STR("Maximum group IDs per term limit reached"));
    }
    for (; at < c->argc; at++) synonyms_add(s, call_arg(c, 2), call_arg(c, at));
    x->admin_uses++;
    c->store->stats.changes++;
    c->store->stats.dirty++;
    reply_ok(c->out);
    return OK;
}

/* The groups of the word at *at, which is left behind them. */
static void reply_groups(struct call *c, const struct synonyms *s, size_t *at)
{
    size_t mark = reply_mark(c->out), from = *at;

    while (*at < s->n && str_eq(s->list[*at].word, s->list[from].word)) reply_bulk(c->out, s->list[(*at)++].group);
    reply_array_at(c->out, mark, *at - from);
}

static enum err run_dump(struct call *c)
{
    const struct synonyms *s;
    struct ft_index *x;
    size_t words = 0;
    enum err e = ft_open_index(c, call_arg(c, 1), &x);

    if (e != OK) return e;
    s = index_synonyms(x->ix);
    for (size_t i = 0; i < s->n; i++) words += i == 0 || !str_eq(s->list[i].word, s->list[i - 1].word);
    reply_map(c->out, words);
    for (size_t i = 0; i < s->n;) {
        reply_bulk(c->out, s->list[i].word);
        reply_groups(c, s, &i);
    }
    return OK;
}

/* clang-format off */

#define CREATED "FT.CREATE idx SCHEMA title TEXT"

const struct command ft_synonym_commands[] = {
    { ROW("ft.synupdate", run_update, -4, CMD_WRITE | CMD_DENYOOM, GROUP_SEARCH, "1.2.0", "O(N), N being the synonyms of the index",
          "Puts words that stand for each other in queries into a group."),
      .acl = ACL_SEARCH,
      .args = ARGS({ .name = "index" }, { .name = "synonym_group_id" },
                   { .name = "skipinitialscan", .type = ARG_T_PURE_TOKEN, .token = "SKIPINITIALSCAN", .flags = ARG_OPTIONAL },
                   { .name = "term", .flags = ARG_MULTIPLE }),
      .example = CREATED " | FT.SYNUPDATE idx cars car automobile => +OK\r\n" },
    { ROW("ft.syndump", run_dump, 2, CMD_READONLY, GROUP_SEARCH, "1.2.0", "O(N), N being the synonyms of the index",
          "Tells the synonyms of an index, each with its groups."),
      .acl = ACL_SEARCH, .args = ARGS({ .name = "index" }),
      .example = CREATED " | FT.SYNUPDATE idx cars car | FT.SYNDUMP idx => *2\r\n$3\r\ncar\r\n*1\r\n$4\r\ncars\r\n" },
    { 0 },
};
