/* archive_search_cmd.c -- ARCHIVE.SEARCH. */
#include "persistence/archive_search.h"
#include "server/acl.h"
#include "server/archive_wait.h"
#include "server/commands.h"
#include "server/live_search.h"
#include "server/registry.h"
#include "server/rows.h"

/* --- arguments ------------------------------------------------------------------------------------------- */

enum { FIRST_OPTION = 2, WORDS_OF_WHERE = 4, DEFAULT_COUNT = 10 };

/* The option at i, whose values follow; *i goes to the next one. WHERE is taken when the search is made. */
static enum err read_option(struct call *c, size_t *i, struct archive_search_ask *ask)
{
    size_t left = c->argc - *i - 1, at = *i;
    int64_t offset, count;
    enum err e = ERR_SYNTAX;

    if (call_is(c, at, "HIGHLIGHT")) {
        ask->highlight = true;
        *i += 1;
        return OK;
    }
    *i += 2;
    if (call_is(c, at, "WHERE") && left >= WORDS_OF_WHERE - 1) {
        *i += WORDS_OF_WHERE - 2;
        e = OK;
    } else if (call_is(c, at, "MATCH") && left >= 1) {
        ask->match = call_arg(c, at + 1);
        e = OK;
    } else if (call_is(c, at, "ROLE") && left >= 1) {
        ask->role = call_arg(c, at + 1);
        e = OK;
    } else if (call_is(c, at, "SINCE") && left >= 1) {
        e = call_i64(c, at + 1, &ask->since_ms);
    } else if (call_is(c, at, "UNTIL") && left >= 1) {
        e = call_i64(c, at + 1, &ask->until_ms);
    } else if (call_is(c, at, "LIMIT") && left >= 2) {
        *i += 1;
        e = call_range(c, at + 1, 0, INT32_MAX, ERR_OUT_OF_RANGE, &offset);
        if (e == OK) e = call_range(c, at + 2, 0, INT32_MAX, ERR_OUT_OF_RANGE, &count);
        if (e != OK) return e;
        ask->offset = (uint64_t)offset;
        ask->count = (uint64_t)count;
    }
    return e;
}

static enum err read_options(struct call *c, struct archive_search_ask *ask)
{
    enum err e = OK;

    for (size_t i = FIRST_OPTION; e == OK && i < c->argc;) e = read_option(c, &i, ask);
    return e;
}

/* The options are in order: read_options has seen them. */
static enum err add_wheres(struct call *c, struct archive_search *search, char why[ARCHIVE_SEARCH_WHY])
{
    struct archive_search_ask ignored = { .count = 0 };
    enum err e = OK;

    for (size_t i = FIRST_OPTION; e == OK && i < c->argc;) {
        size_t at = i;
        e = read_option(c, &i, &ignored);
        if (e == OK && i - at == WORDS_OF_WHERE) {
            e = archive_search_where(search, call_arg(c, at + 1), call_arg(c, at + 2), call_arg(c, at + 3), why);
        }
    }
    return e;
}

/* --- what the user may read ------------------------------------------------------------------------------ */

static void add_readable(void *search, struct str pattern)
{
    archive_search_readable(search, pattern);
}

static void restrict_keys(const struct call *c, struct archive_search *search)
{
    struct client *cl = c->client;
    const struct command_ref *ref = registry_find_own(cl->server->commands, call_arg(c, 0));

    if (c->reads_all_keys == NULL || c->reads_all_keys(c)) return;
    archive_search_restrict(search);
    if (ref != NULL) acl_each_pattern(cl->server->acl, cl->user, ref, c->argc, c->argv, ACL_READ_KEY, add_readable, search);
}

/* --- the command ----------------------------------------------------------------------------------------- */

static const struct archive_asking asking = { archive_question_reply, live_search_free };

static enum err refuse(struct call *c, const char *why)
{
    struct buf text = { .n = 0 };

    buf_add_c(&text, why);
    return call_fail_why(c, &text);
}

static enum err run_search(struct call *c)
{
    struct server *s = c->client->server;
    struct archive_search_ask ask = { .query = call_arg(c, 1), .since_ms = INT64_MIN, .until_ms = INT64_MAX,
                                      .count = DEFAULT_COUNT, .db = c->client->db, .resp = c->out->resp,
                                      .now_ms = s->store->now_ms, .hash = s->store->hash_key,
                                      .trigram = s->conf->archive_fts == CONF_FTS_TRIGRAM };
    struct archive_search *search;
    char why[ARCHIVE_SEARCH_WHY];
    struct archive *a;
    enum err e = read_options(c, &ask);

    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    if (archive_search_new(&search, &ask, why) != OK) return refuse(c, why);
    if (add_wheres(c, search, why) != OK) {
        archive_question_free(archive_search_job(search));
        return refuse(c, why);
    }
    restrict_keys(c, search);
    live_search_begin(s, search, c->client->db);
    return archive_wait_later(c, ARCHIVE_LANE_QUERY, archive_search_job(search), &asking);
}

/* clang-format off */

const struct command archive_search_commands[] = {
    { ROW("archive.search", run_search, -2,
          CMD_READONLY | CMD_BLOCKING | CMD_NOSCRIPT | CMD_NO_MULTI | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_ARCHIVE, "7.2.0",
          "O(N) for N texts that have the words, and O(M) for M bytes of live values in namespaces that archive or recall",
          "Finds messages and fields of archived and live keys by their words, the best first."),
      .acl = ACL_ARCHIVE,
      .args = ARGS({ .name = "query", .type = ARG_T_STRING },
                   { .name = "match", .type = ARG_T_PATTERN, .token = "MATCH", .flags = ARG_OPTIONAL },
                   { .name = "where", .type = ARG_T_BLOCK, .token = "WHERE", .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
                     .subs = ARGS({ .name = "path", .type = ARG_T_STRING }, { .name = "operator", .type = ARG_T_STRING },
                                  { .name = "value", .type = ARG_T_STRING }) },
                   { .name = "role", .type = ARG_T_STRING, .token = "ROLE", .flags = ARG_OPTIONAL },
                   { .name = "since-milliseconds", .type = ARG_T_UNIX_TIME, .token = "SINCE", .flags = ARG_OPTIONAL },
                   { .name = "until-milliseconds", .type = ARG_T_UNIX_TIME, .token = "UNTIL", .flags = ARG_OPTIONAL },
                   { .name = "limit", .type = ARG_T_BLOCK, .token = "LIMIT", .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "offset", .type = ARG_T_INTEGER }, { .name = "count", .type = ARG_T_INTEGER }) },
                   { .name = "highlight", .type = ARG_T_PURE_TOKEN, .token = "HIGHLIGHT", .flags = ARG_OPTIONAL }),
      .tips = TIPS("nondeterministic_output") },
    { 0 },
};
