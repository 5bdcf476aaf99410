/* unlink_match_cmd.c -- UNLINK.MATCH: delete by pattern. (UNLINK MATCH x deletes the two keys of these names, as everywhere.) */
#include "base/glob.h"
#include "server/acl.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/rows.h"
#include "server/server.h"
#include "storage/key_order.h"
#include "storage/keys.h"

enum { COUNT_DEFAULT = 10000, COUNT_MAX = 1000000 };

/* The keys that match, as many as are wanted. */
struct matches {
    struct call *call;
    struct str pattern;
    struct str *keys; /* from the arena */
    size_t n, max;
};

static bool collect_ordered(void *ctx, const struct entry *e)
{
    struct matches *m = ctx;

    if (m->n < m->max && glob_match(m->pattern, entry_key(e), false)) m->keys[m->n++] = arena_dup(m->call->arena, entry_key(e));
    return m->n < m->max;
}

static void collect(void *ctx, const struct entry *e)
{
    collect_ordered(ctx, e);
}

static void find_matches(struct call *c, struct matches *m)
{
    struct str prefix = glob_prefix(m->pattern);
    uint64_t cursor = 0;

    if (key_order_has(c->db, prefix)) {
        key_order_each(c->db, prefix, STR(""), collect_ordered, m);
        return;
    }
    do cursor = db_scan(c->db, cursor, 1000, collect, m);
    while (cursor != 0 && m->n < m->max);
}

/* May the caller UNLINK each of them? */
static enum err may_unlink(struct call *c, const struct matches *m)
{
    struct command_ref *unlink = registry_find(c->client->server->commands, STR("unlink"));
    struct buf text = { 0 }, why = { 0 };

    for (size_t i = 0; i < m->n; i++) {
        struct str argv[] = { STR("UNLINK"), m->keys[i] };

        if (acl_allows(c->client, unlink, 2, argv, c->in_script ? "lua" : "toplevel", &text)) continue;
        buf_add_c(&why, "NOPERM ");
        buf_add_str(&why, buf_str(&text));
        buf_fini(&text);
        reply_error(c->out, buf_str(&why));
        buf_fini(&why);
        return CALL_REPLIED_ERROR;
    }
    return OK;
}

static enum err run_unlink_match(struct call *c)
{
    struct matches *m = call_new(c, struct matches, 1);
    int64_t max = COUNT_DEFAULT, n = 0;
    enum err e = OK;

    if (c->argc != 2 && c->argc != 4) return ERR_SYNTAX;
    if (c->argc == 4 && !call_is(c, 2, "COUNT")) return ERR_SYNTAX;
    if (c->argc == 4) e = call_range(c, 3, 1, COUNT_MAX, ERR_OUT_OF_RANGE, &max);
    if (e != OK) return e;
    *m = (struct matches){ .call = c, .pattern = call_arg(c, 1), .max = (size_t)max };
    if (m->max > c->db->n_keys) m->max = c->db->n_keys;
    m->keys = call_new(c, struct str, m->max + 1);
    if (m->max > 0) find_matches(c, m);
    e = may_unlink(c, m);
    if (e != OK) return e;
    for (size_t i = 0; i < m->n; i++) n += keys_delete(c->db, m->keys[i], true);
    c->note = m;
    reply_int(c->out, n);
    return OK;
}

static void journal_unlinked(const struct call *c, struct journal *j)
{
    const struct matches *m = c->note;

    for (size_t i = 0; i < m->n; i++) journal_cmd(j, STR("UNLINK"), m->keys[i]);
}

/* clang-format off */

static const char *const tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:agg_sum", NULL };

const struct command unlink_match_commands[] = {
    { ROW("unlink.match", run_unlink_match, -2, CMD_WRITE | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_GENERIC, "7.2.0",
          "O(M) for M keys that begin as the pattern does, once they are in order (key-index-memory); O(N) for all keys before",
          "Removes keys that match a pattern, at most 10000 or COUNT; gives their number: fewer than asked for, and none is left."),
      .acl = ACL_KEYSPACE | ACL_DANGEROUS, .journal = journal_unlinked, .tips = tips,
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }),
      .example = "MSET a:1 1 a:2 2 b 3 | UNLINK.MATCH a:* => :2\r\n" },
    { 0 },
};
