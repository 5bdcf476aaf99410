/* archive_cmd.c -- ARCHIVE.PUT, .MOVE, .RECALL, .DROP, .FLUSH, .STATS, .HELP: what moves between memory and the archive.
 * Questions (GET, VERSIONS, LIST, SEARCH, SQL) are in archive_query_cmd.c and archive_search_cmd.c. */
#include <stdio.h>

#include "persistence/archive_get.h"
#include "server/acl.h"
#include "server/archive_facts.h"
#include "server/archive_wait.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/departures.h"
#include "server/recall.h"
#include "server/recall_put.h"
#include "server/rows.h"
#include "storage/keys.h"

/* --- PUT, MOVE ---------------------------------------------------------------------------------------------------- */

/* The note is in the log: the reply waits for it as for a write, though the data may not have changed. */
static void has_noted(struct call *c)
{
    c->client->server->current->wrote = true;
}

static enum err fail_no_room(struct call *c, int64_t done)
{
    struct buf why = { 0 };

    buf_printf(&why, "archive: no room for the next value, or it is larger than archive-max-value; %lld of %zu keys are done",
               (long long)done, c->argc - 1);
    return call_fail_why(c, &why);
}

static enum err put_keys(struct call *c, bool move)
{
    struct server *s = c->client->server;
    int64_t done = 0;
    const char *why;

    if (departures_archive(s, &why) == NULL) return call_fail_text(c, str_c(why));
    for (size_t i = 1; i < c->argc; i++) {
        struct str key = call_arg(c, i);
        const struct entry *e = db_peek(c->db, key);
        if (e == NULL) continue;
        if (!departures_put(s, c->db->id, e, move)) return fail_no_room(c, done);
        has_noted(c);
        if (move) keys_delete(c->db, key, true);
        done++;
    }
    reply_int(c->out, done);
    return OK;
}

static enum err run_put(struct call *c)
{
    return put_keys(c, false);
}

static enum err run_move(struct call *c)
{
    return put_keys(c, true);
}

/* Those that are not there any more: none came to be meanwhile. */
static void journal_move(const struct call *c, struct journal *j)
{
    struct str *argv = call_new(c, struct str, c->argc);
    size_t n = 0;

    argv[n++] = STR("DEL");
    for (size_t i = 1; i < c->argc; i++) {
        if (db_peek(c->db, call_arg(c, i)) == NULL) argv[n++] = call_arg(c, i);
    }
    if (n > 1) journal_add(j, n, argv);
}

/* What they change is in the log already, or nothing is. */
static void journal_nothing(const struct call *c, struct journal *j)
{
    (void)c;
    (void)j;
}

/* --- RECALL ------------------------------------------------------------------------------------------------------- */

struct recalling {
    enum archive_which which;
    int64_t number, ttl_ms; /* ttl_ms -1: not given; 0: none */
    bool replace;
};

static enum err parse_recall(struct call *c, struct recalling *r)
{
    *r = (struct recalling){ .which = ARCHIVE_NEWEST, .ttl_ms = -1 };
    for (size_t i = 2; i < c->argc; i++) {
        bool more = i + 1 < c->argc;
        enum err e = OK;
        if (call_is(c, i, "REPLACE") && !r->replace) {
            r->replace = true;
        } else if (call_is(c, i, "VERSION") && more && r->which == ARCHIVE_NEWEST) {
            r->which = ARCHIVE_VERSION_NUMBER;
            e = call_range(c, ++i, 1, INT64_MAX, ERR_NOT_POSITIVE, &r->number);
        } else if (call_is(c, i, "AT") && more && r->which == ARCHIVE_NEWEST) {
            r->which = ARCHIVE_AT_MS;
            e = call_range(c, ++i, 0, INT64_MAX, ERR_NOT_POSITIVE, &r->number);
        } else if (call_is(c, i, "TTL") && more && r->ttl_ms < 0) {
            e = call_range(c, ++i, 0, INT64_MAX / 2, ERR_TTL_NEGATIVE, &r->ttl_ms);
        } else {
            e = ERR_SYNTAX;
        }
        if (e != OK) return e;
    }
    return OK;
}

static void free_get(struct archive_job *j)
{
    struct archive_get *g = (struct archive_get *)j;

    archive_get_free(&g);
}

static const struct archive_asking asking_version = { NULL, free_get };

static enum err ask_version(struct call *c, const struct recalling *r)
{
    struct archive *a;
    struct archive_get *g;
    enum err e = archive_wait_open(c, &a);

    if (e != OK) return e;
    g = archive_get_new(c->db->id, call_arg(c, 1), r->which, r->number);
    g->job.after = recall_after(c->client->server, c->db->id, call_arg(c, 1)); /* what has just left is a version, too */
    return archive_wait_for(c, ARCHIVE_LANE_RECALL, &g->job, &asking_version);
}

static int64_t expires_at(struct call *c, const struct recalling *r, const struct archive_get *g)
{
    if (r->ttl_ms > 0) return c->store->now_ms + r->ttl_ms;
    if (r->ttl_ms == 0) return -1;
    return recall_expires_at(c->client->server, call_arg(c, 1), g->expires_at);
}

static enum err fail_answer(struct call *c, const struct archive_get *g)
{
    struct buf why = { 0 };

    buf_printf(&why, "archive: %s", g->job.refused ? g->job.refused : g->error);
    return call_fail_why(c, &why);
}

static enum err put_version(struct call *c, const struct recalling *r, const struct archive_get *g)
{
    struct server *s = c->client->server;
    struct str key = call_arg(c, 1);
    const char *refusal;
    enum err e;

    if (g->result == ERR_NO_KEY) {
        reply_null(c->out);
        return OK;
    }
    if (g->result == ERR_OOM) return ERR_OOM;
    if (g->result != OK) return fail_answer(c, g);
    refusal = recall_refusal(s, key, g->out.n);
    if (refusal != NULL) return call_fail_text(c, str_c(refusal));
    e = recall_put(s, c->db->id, key, buf_str(&g->out), expires_at(c, r, g));
    if (e == OK) reply_int(c->out, g->version);
    return e;
}

static enum err run_recall(struct call *c)
{
    const struct archive_get *g = (const struct archive_get *)archive_wait_answer(c);
    struct recalling r;
    enum err e = parse_recall(c, &r);

    if (e != OK) return e;
    if (!r.replace && db_look(c->db, call_arg(c, 1)) != NULL) return ERR_BUSY_KEY;
    return g == NULL ? ask_version(c, &r) : put_version(c, &r, g);
}

/* --- DROP, FLUSH ---------------------------------------------------------------------------------------------------- */

static bool has_all_keys(const struct call *c)
{
    const struct acl_user *u = c->client->user;

    if (c->reads_all_keys == NULL) return true;
    for (size_t i = 0; i < u->n_selectors; i++) {
        if (u->selectors[i]->all_keys) return true;
    }
    return false;
}

static enum err erase(struct call *c, struct str key, bool glob)
{
    struct server *s = c->client->server;
    struct archive_note n = { .verb = ARCHIVE_ERASE, .db = c->db->id, .expires_ms = -1, .ns = STR(""), .key = key,
                              .flags = glob ? ARCHIVE_GLOB : 0 };
    struct archive *a;
    uint64_t seq;
    enum err e = archive_wait_open(c, &a);

    if (e != OK) return e;
    if (glob) recall_cancel_all(s, c->db->id);
    else recall_cancel(s, c->db->id, key);
    seq = departures_tell(s, &n);
    has_noted(c);
    return archive_wait_applied(c, seq, s->conf->archive_query_timeout);
}

static enum err run_drop(struct call *c)
{
    uint64_t seq = archive_wait_seq(c);
    bool glob = c->argc == 3;

    if (seq > 0) {
        reply_int(c->out, (int64_t)archive_erased(c->client->server->archive, seq));
        return OK;
    }
    if (c->argc > 3 || (glob && !call_is(c, 1, "MATCH"))) return ERR_SYNTAX;
    if (glob && !has_all_keys(c)) {
        return call_fail_text(c, STR("NOPERM ARCHIVE.DROP MATCH is for users who may access all keys (~*)"));
    }
    return erase(c, call_arg(c, glob ? 2 : 1), glob);
}

static size_t key_of_drop(size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    (void)argv;
    if (argc != 2) return 0;
    if (max > 0) refs[0] = (struct key_ref){ 1, KEY_RW | KEY_DELETE };
    return 1;
}

/* What fails now may be mended while it waits, but nobody should wait without knowing. */
static enum err fail_failing(struct call *c, const struct archive_info *info)
{
    struct buf why = { 0 };

    buf_printf(&why, "archive: nothing can be committed: %s", info->error);
    return call_fail_why(c, &why);
}

static enum err run_flush(struct call *c)
{
    struct archive_info info;
    struct archive *a;
    int64_t ms = 0;
    enum err e = OK;

    if (archive_wait_seq(c) > 0) {
        reply_ok(c->out);
        return OK;
    }
    if (c->argc == 3 && call_is(c, 1, "TIMEOUT")) e = call_range(c, 2, 0, INT64_MAX, ERR_TIMEOUT_NEGATIVE, &ms);
    else if (c->argc != 1) e = ERR_SYNTAX;
    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    if (archive_is_applied(a, archive_last_seq(a))) {
        reply_ok(c->out);
        return OK;
    }
    archive_info(a, &info);
    if (strcmp(info.state, "failing") == 0) return fail_failing(c, &info);
    return archive_wait_applied(c, archive_last_seq(a), ms);
}

/* --- STATS, HELP ---------------------------------------------------------------------------------------------------- */

static enum err run_stats(struct call *c)
{
    const char *why;

    if (departures_archive(c->client->server, &why) == NULL) return call_fail_text(c, str_c(why));
    archive_facts_reply(c->client->server, c->out);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "ARCHIVE.<command> [<arg> ...]. Commands are:",
        "PUT <key> [<key> ...]", "    Keep a version of each key in the archive; the keys stay in memory.",
        "MOVE <key> [<key> ...]", "    The same, and they leave memory.",
        "GET <key> [VERSION <n>|AT <ms>]", "    A version's value, as its type is read.",
        "RECALL <key> [VERSION <n>|AT <ms>] [REPLACE] [TTL <ms>]", "    Bring a version back into memory.",
        "VERSIONS <key>", "    What versions of a key there are.",
        "LIST [MATCH <glob>] [SINCE <ms>] [UNTIL <ms>] [CURSOR <c>] [COUNT <n>]", "    What is in the archive.",
        "SEARCH <query> [<option> ...]", "    Find messages by words and metadata.",
        "SQL <select> [PARAMS <value> ...]", "    Ask the archive in SQL.",
        "DROP <key>|MATCH <glob>", "    Erase all versions.",
        "FLUSH [TIMEOUT <ms>]", "    Wait until all that has left memory so far is in the archive.",
        "STATS", "    Figures.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

/* clang-format off */

#define WHICH \
    { .name = "which", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = ARGS( \
        { .name = "version", .type = ARG_T_INTEGER, .token = "VERSION" }, \
        { .name = "unix-time-milliseconds", .type = ARG_T_UNIX_TIME, .token = "AT" }) }

const struct command archive_commands[] = {
    { ROW("archive.put", run_put, -2, CMD_WRITE, GROUP_ARCHIVE, "7.2.0",
          "O(N) for values of N elements together", "Keeps a version of each key in the archive."),
      .keys = { KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS) }, .acl = ACL_ARCHIVE, .journal = journal_nothing,
      .args = ARGS({ .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }) },
    { ROW("archive.move", run_move, -2, CMD_WRITE, GROUP_ARCHIVE, "7.2.0",
          "O(N) for values of N elements together", "Moves keys from memory into the archive."),
      .keys = { KEYS_FROM(1, -1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_ARCHIVE, .journal = journal_move,
      .args = ARGS({ .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }) },
    { ROW("archive.recall", run_recall, -2, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING | CMD_NOSCRIPT | CMD_NO_MULTI, GROUP_ARCHIVE,
          "7.2.0", "O(N) for a value of N elements", "Brings a version of a key back into memory."),
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_ARCHIVE, .journal = journal_nothing,
      .args = ARGS(ARG_KEY("key"), WHICH,
                   { .name = "replace", .type = ARG_T_PURE_TOKEN, .token = "REPLACE", .flags = ARG_OPTIONAL },
                   { .name = "ttl-milliseconds", .type = ARG_T_INTEGER, .token = "TTL", .flags = ARG_OPTIONAL }) },
    { ROW("archive.drop", run_drop, -2, CMD_WRITE | CMD_BLOCKING | CMD_NOSCRIPT | CMD_NO_MULTI, GROUP_ARCHIVE, "7.2.0",
          "O(N) for N versions, and with MATCH O(M) for M keys in the archive", "Erases all versions of keys from the archive."),
      .keys = { KEYS_UNKNOWN(KEY_RW | KEY_DELETE) }, .more_keys = key_of_drop, .acl = ACL_ARCHIVE | ACL_DANGEROUS,
      .journal = journal_nothing,
      .args = ARGS({ .name = "what", .type = ARG_T_ONEOF, .subs = ARGS(
                       ARG_KEY("key"), { .name = "pattern", .type = ARG_T_PATTERN, .token = "MATCH" }) }) },
    { ROW("archive.flush", run_flush, -1, CMD_BLOCKING | CMD_NOSCRIPT | CMD_NO_MULTI, GROUP_ARCHIVE, "7.2.0", "O(1)",
          "Waits until all that has left memory so far is in the archive."),
      .acl = ACL_ARCHIVE,
      .args = ARGS({ .name = "milliseconds", .type = ARG_T_INTEGER, .token = "TIMEOUT", .flags = ARG_OPTIONAL }) },
    { ROW("archive.stats", run_stats, 1, CMD_FAST, GROUP_ARCHIVE, "7.2.0", "O(1)", "Gives figures of the archive."),
      .acl = ACL_ARCHIVE },
    { ROW("archive.help", run_help, 1, CMD_LOADING | CMD_STALE, GROUP_ARCHIVE, "7.2.0", "O(1)",
          "Prints what the archive's commands do."),
      .acl = ACL_ARCHIVE },
    { 0 },
};
