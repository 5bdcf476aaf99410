/* archive_query_cmd.c -- ARCHIVE.GET, .VERSIONS, .LIST, .SQL: questions to the archive's file. The client waits for
 * the answer, which the reader's thread has made as a reply. */
#include "persistence/archive_get.h"
#include "persistence/archive_list.h"
#include "persistence/archive_sql.h"
#include "server/archive_wait.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/rows.h"

static const struct archive_asking asking = { archive_question_reply, archive_question_free };

static enum err ask(struct call *c, enum archive_lane lane, struct archive_question *q)
{
    enum err e = archive_wait_for(c, lane, &q->job, &asking);

    archive_wait_as_query(c);
    return e;
}

/* About one key: no more work than a recall, so it does not stand in line behind searches. What has just left the
 * key is in the answer: it waits until that is committed. */
static enum err ask_of_key(struct call *c, struct archive *a, struct str key, struct archive_question *q)
{
    struct archive_note note;

    if (archive_pending(a, c->db->id, key, &note) != PENDING_NONE) q->job.after = archive_last_seq(a);
    return ask(c, ARCHIVE_LANE_RECALL, q);
}

/* A newest version that waits is told without the disk, if it takes no time to copy. */
static bool is_told_at_once(struct call *c, struct archive *a, struct str key, struct archive_note *n)
{
    enum { COPIED_MAX = 1 << 20 };

    return archive_pending(a, c->db->id, key, n) == PENDING_OUT && n->reason != ARCHIVE_TRIMMED &&
           n->payload.n <= COPIED_MAX;
}

/* --- GET ------------------------------------------------------------------------------------------------- */

static enum err parse_which(struct call *c, enum archive_which *which, int64_t *number)
{
    *which = ARCHIVE_NEWEST;
    *number = 0;
    if (c->argc == 2) return OK;
    if (c->argc != 4) return ERR_SYNTAX;
    if (call_is(c, 2, "VERSION")) {
        *which = ARCHIVE_VERSION_NUMBER;
        return call_range(c, 3, 1, INT64_MAX, ERR_NOT_POSITIVE, number);
    }
    if (!call_is(c, 2, "AT")) return ERR_SYNTAX;
    *which = ARCHIVE_AT_MS;
    return call_range(c, 3, 0, INT64_MAX, ERR_NOT_POSITIVE, number);
}

static enum err run_get(struct call *c)
{
    struct str key = call_arg(c, 1);
    struct archive *a;
    enum archive_which which;
    int64_t number;
    struct archive_note note;
    enum err e = parse_which(c, &which, &number);

    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    if (which == ARCHIVE_NEWEST && is_told_at_once(c, a, key, &note))
        return ask(c, ARCHIVE_LANE_RECALL, archive_get_pending(note.payload, c->out->resp));
    return ask_of_key(c, a, key, archive_get_question(c->db->id, key, which, number, c->out->resp));
}

/* --- VERSIONS -------------------------------------------------------------------------------------------- */

enum { COUNT_DEFAULT = 100 };

static enum err run_versions(struct call *c)
{
    struct str key = call_arg(c, 1);
    struct archive *a;
    int64_t before = 0, count = COUNT_DEFAULT;
    enum err e = OK;

    for (size_t i = 2; i < c->argc && e == OK; i += 2) {
        if (i + 1 == c->argc) e = ERR_SYNTAX;
        else if (call_is(c, i, "BEFORE")) e = call_range(c, i + 1, 1, INT64_MAX, ERR_NOT_POSITIVE, &before);
        else if (call_is(c, i, "COUNT")) e = call_range(c, i + 1, 1, INT64_MAX, ERR_NOT_POSITIVE, &count);
        else e = ERR_SYNTAX;
    }
    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    return ask_of_key(c, a, key, archive_versions_question(c->db->id, key, before, count, c->out->resp));
}

/* --- LIST ------------------------------------------------------------------------------------------------ */

static enum err parse_list(struct call *c, struct archive_list_args *args)
{
    enum err e = OK;

    *args = (struct archive_list_args){
        .db = c->db->id, .since = INT64_MIN, .until = INT64_MAX, .cursor = STR("0"), .count = COUNT_DEFAULT
    };
    for (size_t i = 1; i < c->argc && e == OK; i += 2) {
        if (i + 1 == c->argc) e = ERR_SYNTAX;
        else if (call_is(c, i, "MATCH")) args->match = call_arg(c, i + 1);
        else if (call_is(c, i, "CURSOR")) args->cursor = call_arg(c, i + 1);
        else if (call_is(c, i, "SINCE")) e = call_i64(c, i + 1, &args->since);
        else if (call_is(c, i, "UNTIL")) e = call_i64(c, i + 1, &args->until);
        else if (call_is(c, i, "COUNT"))
            e = call_range(c, i + 1, 1, INT64_MAX, ERR_NOT_POSITIVE, &args->count);
        else e = ERR_SYNTAX;
    }
    if (e == OK && !archive_list_cursor_ok(args->cursor)) e = ERR_CURSOR;
    return e;
}

/* Names of keys, and all that is in the file: not for those who may read some keys alone. */
static enum err may_read_all(struct call *c)
{
    if (c->reads_all_keys == NULL || c->reads_all_keys(c)) return OK;
    return call_fail_text(
        c, STR("NOPERM this command tells of all keys of the archive, and this user may not read all keys"));
}

static enum err run_list(struct call *c)
{
    struct archive_list_args args;
    struct archive *a;
    enum err e = parse_list(c, &args);

    if (e == OK) e = may_read_all(c);
    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    return ask(c, ARCHIVE_LANE_QUERY, archive_list_question(&args, c->out->resp));
}

/* --- SQL ------------------------------------------------------------------------------------------------- */

static enum err run_sql(struct call *c)
{
    struct archive *a;
    size_t n = c->argc > 3 ? c->argc - 3 : 0;
    enum err e = OK;

    if (c->argc == 3 || (c->argc > 3 && !call_is(c, 2, "PARAMS"))) e = ERR_SYNTAX;
    if (e == OK && n > ARCHIVE_SQL_PARAMS_MAX)
        e = call_fail_text(c, STR("ERR archive: more than 1000 parameters"));
    if (e == OK) e = may_read_all(c);
    if (e == OK) e = archive_wait_open(c, &a);
    if (e != OK) return e;
    return ask(c, ARCHIVE_LANE_QUERY,
               archive_sql_question(call_arg(c, 1), n, n > 0 ? c->argv + 3 : NULL, c->out->resp));
}

/* --- rows ------------------------------------------------------------------------------------------------ */

#define ASKS (CMD_BLOCKING | CMD_NOSCRIPT | CMD_NO_MULTI)
#define OPTION(n, ty, to) { .name = (n), .type = (ty), .token = (to), .flags = ARG_OPTIONAL }
#define CHOICE(n, ty, to) { .name = (n), .type = (ty), .token = (to) }

const struct command archive_query_commands[] = {
    { ROW("archive.get", run_get, -2, CMD_READONLY | ASKS, GROUP_ARCHIVE, "7.2.0",
          "O(N) for a value of N elements",
          "Returns an archived value as its type's own command reads it, and leaves it where it is."),
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_ARCHIVE,
      .args = ARGS(ARG_KEY("key"), { .name = "which", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                                     .subs = ARGS(CHOICE("version", ARG_T_INTEGER, "VERSION"),
                                                  CHOICE("unix-time-milliseconds", ARG_T_UNIX_TIME, "AT")) }) },
    { ROW("archive.versions", run_versions, -2, CMD_READONLY | ASKS, GROUP_ARCHIVE, "7.2.0",
          "O(N) for N versions", "Lists the archived versions of a key, the newest first."),
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_ARCHIVE,
      .args = ARGS(ARG_KEY("key"), OPTION("version", ARG_T_INTEGER, "BEFORE"),
                   OPTION("count", ARG_T_INTEGER, "COUNT")) },
    { ROW("archive.list", run_list, -1, CMD_READONLY | ASKS | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_ARCHIVE, "7.2.0",
          "O(log M + N) for each call, with M keys in the archive and N of them looked at",
          "Lists the keys of the archive in order, with the newest version of each."),
      .acl = ACL_ARCHIVE,
      .args = ARGS(OPTION("pattern", ARG_T_PATTERN, "MATCH"),
                   OPTION("since-milliseconds", ARG_T_UNIX_TIME, "SINCE"),
                   OPTION("until-milliseconds", ARG_T_UNIX_TIME, "UNTIL"),
                   OPTION("cursor", ARG_T_STRING, "CURSOR"), OPTION("count", ARG_T_INTEGER, "COUNT")) },
    { ROW("archive.sql", run_sql, -2, ASKS | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_ARCHIVE, "7.2.0",
          "That of the statement; its time, rows and memory are bounded",
          "Returns what an SQL statement selects from the archive."),
      .acl = ACL_ARCHIVE | ACL_DANGEROUS,
      .args = ARGS({ .name = "statement", .type = ARG_T_STRING },
                   { .name = "parameters", .type = ARG_T_BLOCK, .token = "PARAMS", .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "parameter", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }) }) },
    { 0 },
};
