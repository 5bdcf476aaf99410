/* unlink_match_cmd.c -- UNLINK.MATCH: delete by pattern. (UNLINK MATCH x deletes the two keys of these names, as everywhere.)
 *
 * In slices: its client is parked, and the request runs again in each turn until it is done, so that each slice is a write like any
 * other. For a user who may not do everything there is a walk before it that deletes nothing, and refuses the whole when it
 * meets a key that is not the user's; one that comes later is left alone. In transactions and scripts it is done at once. */
#include "server/unlink_match.h"

#include "base/clock.h"
#include "base/mem.h"
#include "server/acl.h"
#include "server/block.h"
#include "server/commands.h"
#include "server/dispatch.h"
#include "server/rows.h"
#include "server/server.h"
#include "storage/keys.h"
#include "storage/matching.h"

enum {
    COUNT_DEFAULT = 10000,
    COUNT_MAX = 1000000,
    LOOK_KEYS = 128 /* between two looks at the clock */
};

struct unlinking {
    struct client *client;
    struct link in_list;    /* server->unlinkings */
    struct matching keys;   /* its pattern lies behind the struct */
    bool checks;            /* for now keys are looked at, and none is deleted */
    uint64_t max, n;        /* keys to delete, and deleted (or looked at) so far */
    struct arena arena;     /* of the keys that one look has found */
    struct str *found;
    size_t n_found, room;
};

static struct unlinking *unlinking_new(struct call *c, uint64_t max)
{
    struct str pattern = call_arg(c, 1);
    struct unlinking *u = mem_zalloc(sizeof *u + pattern.n);

    memcpy(u + 1, pattern.p, pattern.n);
    u->client = c->client;
    u->max = max;
    u->checks = c->reads_all_keys != NULL;
    link_init(&u->in_list);
    arena_init(&u->arena);
    matching_init(&u->keys, c->db, str_of((char *)(u + 1), pattern.n));
    return u;
}

static void unlinking_free(struct unlinking *u)
{
    matching_fini(&u->keys);
    arena_fini(&u->arena);
    mem_free(u);
}

/* --- slices ------------------------------------------------------------------------------------------------------ */

static void note(void *ctx, struct str key)
{
    struct unlinking *u = ctx;

    if (u->n_found == u->room) {
        struct str *more = arena_alloc(&u->arena, 2 * (u->room + LOOK_KEYS) * sizeof *more);

        if (u->n_found > 0) memcpy(more, u->found, u->n_found * sizeof *more);
        u->found = more;
        u->room = 2 * (u->room + LOOK_KEYS);
    }
    u->found[u->n_found++] = arena_dup(&u->arena, key);
}

/* Some keys more; true: those were all. */
static bool look(struct unlinking *u, struct db *db)
{
    bool done;

    arena_reset(&u->arena);
    u->n_found = u->room = 0;
    done = matching_step(&u->keys, db, LOOK_KEYS, note, u);
    if (u->keys.anew && u->checks) u->n = 0;
    u->keys.anew = false;
    return done;
}

/* Else *why says why not. */
static bool may_unlink(struct call *c, struct str key, struct buf *why)
{
    struct command_ref *unlink = registry_find(c->client->server->commands, STR("unlink"));

    if (c->reads_all_keys == NULL) return true;
    return acl_allows(c->client, unlink, 2, (const struct str[]){ STR("UNLINK"), key }, c->in_script ? "lua" : "toplevel", why);
}

static enum err check_found(struct unlinking *u, struct call *c)
{
    struct buf why = { 0 };

    for (size_t i = 0; i < u->n_found && u->n < u->max; i++, u->n++) {
        if (may_unlink(c, u->found[i], &why)) continue;
        buf_insert(&why, 0, "NOPERM ", 7);
        reply_error(c->out, buf_str(&why));
        buf_fini(&why);
        return CALL_REPLIED_ERROR;
    }
    return OK;
}

/* The log has each key: which ones there were then, a pattern does not tell. */
static void delete_found(struct unlinking *u, struct call *c)
{
    struct buf why = { 0 };

    for (size_t i = 0; i < u->n_found && u->n < u->max; i++) {
        if (may_unlink(c, u->found[i], &why) && keys_delete(c->db, u->found[i], true)) {
            persist_append(c->client->server->persist, c->db->id, 2, (const struct str[]){ STR("UNLINK"), u->found[i] });
            u->n++;
        }
        buf_fini(&why);
    }
}

static void end_checking(struct unlinking *u, struct db *db)
{
    struct str pattern = u->keys.pattern;

    matching_fini(&u->keys);
    matching_init(&u->keys, db, pattern);
    u->checks = false;
    u->n = 0;
}

/* Go on until deadline; *done: there is no more to do, or an error has been replied. */
static enum err go_on(struct unlinking *u, struct call *c, int64_t deadline_us, bool *done)
{
    enum err e = OK;

    *done = u->max == 0;
    while (!*done) {
        bool all = look(u, c->db), enough;

        if (u->checks) e = check_found(u, c);
        else delete_found(u, c);
        enough = all || u->n == u->max;
        if (e == OK && u->checks && enough) end_checking(u, c->db);
        else *done = e != OK || enough;
        if (!*done && clock_mono_us() >= deadline_us) return OK;
    }
    return e;
}

/* --- parked ------------------------------------------------------------------------------------------------------ */

static void leave(struct client *c, void *parked)
{
    struct unlinking *u = parked;

    (void)c;
    link_remove(&u->in_list);
    unlinking_free(u);
}

/* CLIENT UNBLOCK: it says how many are gone by now. */
static void time_up(struct client *c, void *parked)
{
    const struct unlinking *u = parked;
    struct buf text = { 0 };

    reply_int(&(struct reply){ &text, c->resp }, u->checks ? 0 : (int64_t)u->n);
    block_answer(c, buf_str(&text));
    buf_fini(&text);
}

static size_t bytes(const void *parked)
{
    const struct unlinking *u = parked;

    return sizeof *u + u->keys.pattern.n + u->keys.last.cap + u->room * sizeof *u->found;
}

static const struct parking waiting = { .leave = leave, .time_up = time_up, .bytes = bytes };

bool unlinkings_are_due(const struct server *s)
{
    return !link_alone(&s->unlinkings) && block_writes_may_run(s);
}

/* Its deadline is between.deadline_us. */
void unlinkings_turn(struct server *s, int64_t deadline_us)
{
    struct unlinking *u = LINK_OF(s->unlinkings.next, struct unlinking, in_list);

    link_remove(&u->in_list);
    link_add_tail(&s->unlinkings, &u->in_list);
    (void)deadline_us;
    if (!(u->client->flags & CLIENT_CLOSE_SOON)) block_run_again(u->client);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static enum err begin(struct call *c, struct unlinking **u)
{
    int64_t max = COUNT_DEFAULT;
    enum err e = OK;

    if (c->argc != 2 && c->argc != 4) return ERR_SYNTAX;
    if (c->argc == 4 && !call_is(c, 2, "COUNT")) return ERR_SYNTAX;
    if (c->argc == 4) e = call_range(c, 3, 1, COUNT_MAX, ERR_OUT_OF_RANGE, &max);
    if (e == OK) *u = unlinking_new(c, (uint64_t)max);
    return e;
}

static int64_t deadline(const struct call *c, bool goes_on)
{
    if (!c->may_block) return INT64_MAX;
    return goes_on ? c->client->server->between.deadline_us : clock_mono_us() + BETWEEN_INLINE_US;
}

static enum err run_unlink_match(struct call *c)
{
    struct unlinking *u = block_parked(c->client, &waiting);
    bool goes_on = u != NULL, done;
    enum err e = goes_on ? OK : begin(c, &u);

    if (e != OK) return e;
    e = go_on(u, c, deadline(c, goes_on), &done);
    if (!done) {
        if (!goes_on) link_add_tail(&c->client->server->unlinkings, &u->in_list);
        c->wait = (struct wait){ .parking = &waiting, .parked = u };
        return CALL_BLOCKED;
    }
    if (e == OK) reply_int(c->out, (int64_t)u->n);
    if (!goes_on) unlinking_free(u); /* else it is the wait's */
    return e;
}

/* delete_found has told the log. */
static void journal_nothing(const struct call *c, struct journal *j)
{
    (void)c;
    (void)j;
}

/* clang-format off */

static const char *const tips[] = { "nondeterministic_output", "request_policy:all_shards", "response_policy:agg_sum", NULL };

const struct command unlink_match_commands[] = {
    { ROW("unlink.match", run_unlink_match, -2, CMD_WRITE | CMD_TOUCHES_ARBITRARY_KEYS, GROUP_GENERIC, "7.2.0",
          "O(M) for M keys that begin as the pattern does, once they are in order (key-index-memory); O(N) for all keys before",
          "Removes keys that match a pattern, at most 10000 or COUNT; gives their number: fewer than asked for, and none is left."),
      .acl = ACL_KEYSPACE | ACL_DANGEROUS, .journal = journal_nothing, .tips = tips,
      .args = ARGS({ .name = "pattern", .type = ARG_T_PATTERN },
                   { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }),
      .example = "MSET a:1 1 a:2 2 b 3 | UNLINK.MATCH a:* => :2\r\n" },
    { 0 },
};
