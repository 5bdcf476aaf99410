/* recall_look.c -- before a command: which of its keys have to come first. */
#include "base/mem.h"
#include "base/num.h"
#include "server/multi.h"
#include "server/dispatch.h"
#include "server/recall_impl.h"
#include "server/recall_put.h"
#include "storage/db.h"
#include "storage/namespace.h"

/* What looking at a request's keys finds. */
struct looking {
    struct server *server;
    struct ticket **tickets; /* in the arena */
    size_t n, cap;
    const char *refusal;
    bool may_ask;
    bool must_fit; /* it has been tried often enough: what is still away does not fit into memory beside the others */
    bool writes;   /* the command whose keys are looked at: what it begins anew would hide what is in the archive */
    bool brought;  /* a key has come into memory */
    int db;
};

static void want_ticket(struct looking *l, struct str key)
{
    struct ticket *k = recall_ticket(l->server, l->db, key);

    if (l->n == l->cap) {
        struct ticket **more = arena_alloc(&l->server->arena, (l->cap = l->cap ? 2 * l->cap : 16) * sizeof *more);
        if (l->n > 0) memcpy(more, l->tickets, l->n * sizeof *more);
        l->tickets = more;
    }
    l->tickets[l->n++] = k;
}

/* Nobody knows whether there is such a key: to say no would be wrong, and a write that believed it would begin a second
 * history of the key. */
static const char no_answer[] = "TRYAGAIN the archive may have the key, but did not answer within archive-timeout or cannot be "
                                "read (INFO archive says more)";

static void want(struct looking *l, struct str key)
{
    struct server *s = l->server;
    struct archive_note note;
    const struct namespace *ns;
    enum archive_pending pending;

    if (LIKELY(db_peek(s->store->dbs[l->db], key) != NULL)) return; /* may expire it, so that it has just left */
    ns = ns_of_key(s->store, key);
    if (ns == NULL || ns->rules.recall != NS_RECALL_READ) return;
    if (recall_keep(s, l->db, key, &l->refusal) || !archive_may_have(s->archive, l->db, key)) return;
    pending = archive_pending(s->archive, l->db, key, &note);
    if (pending == PENDING_GONE || (pending == PENDING_OUT && !(note.flags & ARCHIVE_LIVE))) return;
    if (pending == PENDING_OUT && !recall_is_held(s)) {
        s->recalls->stats.from_queue++;
        l->brought |= recall_bring(s, l->db, key, note.payload, note.expires_ms, &l->refusal);
    } else if (!recall_is_missing(s, l->db, key)) {
        if (l->may_ask) want_ticket(l, key);
        else if (l->must_fit) l->refusal = err_text(ERR_OOM);
        else if (l->writes || s->conf->archive_on_timeout == CONF_ON_TIMEOUT_ERROR) l->refusal = no_answer;
    }
}

/* Does a command look at the value of such a key? One that is overwritten or deleted whole need not come. */
static bool looks_at(uint16_t flags)
{
    return (flags & (KEY_RO | KEY_RW)) && !(flags & KEY_NOT_KEY);
}

static bool any_is_looked_at(const struct command *cmd)
{
    uint16_t flags = 0;

    for (int i = 0; i < COMMAND_KEY_SPECS; i++) flags |= cmd->keys[i].flags;
    return looks_at(flags & (uint16_t)~KEY_NOT_KEY) || (flags & KEY_VARIABLE_FLAGS) || cmd->more_keys != NULL;
}

static void want_keys(struct looking *l, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct key_ref *refs;
    long n;

    if (!any_is_looked_at(cmd)) return;
    if (cmd->acl & ACL_ARCHIVE) return; /* they speak of memory, or of the archive itself */
    l->writes = (cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0;
    refs = arena_alloc(&l->server->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) {
        if (looks_at(refs[i].flags)) want(l, argv[refs[i].at]);
    }
}

static void want_queued(void *ctx, const struct request *r)
{
    struct looking *l = ctx;
    int64_t db;

    want_keys(l, r->ref->cmd, r->argc, r->argv);
    if (str_is(str_c(r->ref->cmd->name), "select") && num_parse_i64(r->argv[1], &db) && db >= 0 &&
        db < l->server->store->conf.databases) {
        l->db = (int)db;
    }
}

/* Whose request runs again, and still may wait: NULL, it runs for the first time. */
static const struct waiting *again_of(const struct client *c)
{
    const struct waiting *w = c->server->recalls->again;

    return w != NULL && w->client == c ? w : NULL;
}

static void limit(struct looking *l, const struct waiting *w)
{
    bool in_time = w == NULL || (!w->gives_up && w->until_ms > server_mono_ms(l->server));

    l->may_ask = in_time && (w == NULL || w->tries < RECALL_TRIES_MAX);
    l->must_fit = in_time && !l->may_ask;
}

static void want_request(struct looking *l, struct client *c, const struct command *cmd, size_t argc,
                         const struct str *argv)
{
    l->db = c->db;
    if (!multi_is_exec(cmd)) want_keys(l, cmd, argc, argv);
    else if (!(c->flags & (CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS))) multi_each_queued(c, want_queued, l);
}

/* What comes at once may push out what came before it. */
static void want_until_all_fit(struct looking *l, struct client *c, const struct command *cmd, size_t argc,
                               const struct str *argv)
{
    const struct store_stats *st = &l->server->store->stats;
    uint64_t evicted;
    int tries = 0;

    do {
        evicted = st->evicted;
        l->brought = false;
        want_request(l, c, cmd, argc, argv);
    } while (UNLIKELY(l->brought && evicted != st->evicted) && l->n == 0 && l->refusal == NULL && ++tries < RECALL_TRIES_MAX);
    if (UNLIKELY(tries == RECALL_TRIES_MAX)) l->refusal = err_text(ERR_OOM);
}

/* Most commands have one key, and most find it in memory: nothing else need be looked at. */
static bool is_at_hand(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    size_t at = command_lone_key(cmd);

    return at > 0 && at < argc && looks_at(cmd->keys[0].flags) && db_peek(client_db(c), argv[at]) != NULL;
}

bool recall_before(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv)
{
    struct server *s = c->server;
    struct looking l;

    if (LIKELY(s->archive == NULL) || !ns_needs(s->store, NS_NEEDS_RECALL)) return false;
    if (UNLIKELY((c->flags & CLIENT_LOADER) || s->store->loading)) return false;
    if (is_at_hand(c, ref->cmd, argc, argv)) return false;
    l = (struct looking){ .server = s };
    limit(&l, again_of(c));
    want_until_all_fit(&l, c, ref->cmd, argc, argv);
    if (LIKELY(l.n == 0 && l.refusal == NULL)) return false;
    if (l.refusal != NULL) {
        dispatch_refuse(c, ref, l.refusal);
    } else {
        recall_park(c, ref, argc, argv, l.tickets, l.n);
        recall_ask_more(s);
    }
    arena_reset(&s->arena);
    return true;
}
