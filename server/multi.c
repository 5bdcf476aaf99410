/* multi.c -- see multi.h.
 *
 * A watched key is an entry of server->watched[db] that points to the list of its watchers. A watcher
 * remembers whether the key was there: emptying or swapping a database changes only keys that were. */
#include "server/acl.h"
#include "server/multi.h"

#include "base/mem.h"
#include "server/dispatch.h"
#include "server/lazy.h"
#include "server/loop.h"
#include "server/script_run.h"

enum { DROP_HERE = 1 << 20 }; /* bytes of queued commands: more of them are freed by the thread that frees large values */

struct watcher {
    struct link of_key, of_client;
    struct client *client;
    struct watched_key *key;
    bool existed;
};

struct watched_key {
    struct link watchers;
    struct entry *e; /* in watched[db], with the key's name */
    int db;
    size_t n;
};

struct multi {
    struct request_queue queue;
    uint32_t flags; /* of all queued commands together */
    struct link watching;
    size_t n_watching, watch_bytes;
};

static struct multi *get_multi(struct client *c)
{
    if (c->multi == NULL) {
        c->multi = mem_zalloc(sizeof *c->multi);
        link_init(&c->multi->watching);
    }
    return c->multi;
}

/* --- the queue -------------------------------------------------------------------------------------- */

static void free_queue(void *queue)
{
    request_queue_drop(queue);
    mem_free(queue);
}

static void drop_queue(struct client *c)
{
    struct multi *m = c->multi;
    struct request_queue *dropped;

    if (m == NULL) return;
    if (UNLIKELY(m->queue.bytes > DROP_HERE) && c->server->lazy) {
        dropped = mem_alloc(sizeof *dropped);
        *dropped = m->queue;
        lazy_defer_bytes(c->server->lazy, free_queue, dropped, m->queue.bytes);
        m->queue = (struct request_queue){ 0 };
    }
    request_queue_drop(&m->queue);
    m->flags = 0;
}

void multi_queue(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv)
{
    struct multi *m = get_multi(c);

    /* What will not run need not be kept. */
    if (!(c->flags & (CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS))) {
        request_queue_add(&m->queue, ref, argc, argv);
        m->flags |= script_command_flags(c->server, ref->cmd, argc, argv);
    }
    reply_simple(&c->reply, "QUEUED");
}

void multi_discard(struct client *c)
{
    drop_queue(c);
    c->flags &= ~(uint32_t)(CLIENT_MULTI | CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS);
    multi_unwatch(c);
    mem_free(c->multi);
    c->multi = NULL;
}

uint32_t multi_flags(const struct client *c)
{
    return c->multi ? c->multi->flags : 0;
}

void multi_each_queued(const struct client *c, void (*fn)(void *ctx, const struct request *r), void *ctx)
{
    if (c->multi) request_queue_each(&c->multi->queue, fn, ctx);
}

size_t multi_bytes(const struct client *c)
{
    if (c->multi == NULL) return 0;
    return sizeof *c->multi + c->multi->queue.bytes + c->multi->watch_bytes;
}

size_t multi_queued(const struct client *c)
{
    return c->multi ? c->multi->queue.n : 0;
}

size_t multi_watched(const struct client *c)
{
    return c->multi ? c->multi->n_watching : 0;
}

/* --- WATCH ------------------------------------------------------------------------------------------ */

static struct watched_key *find_watched(struct server *s, int db, struct str key)
{
    struct table *t = &s->watched[db];
    struct table_ref r = table_find(t, table_hash(t, key), key);

    return r.e ? entry_ptr(r.e) : NULL;
}

static struct watched_key *new_watched(struct server *s, int db, struct str key)
{
    struct table *t = &s->watched[db];
    struct watched_key *w = mem_alloc(sizeof *w);
    struct entry *e = entry_new_ptr(VALUE_STRING, ENC_BLOB, key, -1);

    link_init(&w->watchers);
    w->e = e;
    w->db = db;
    w->n = 0;
    entry_set_ptr(e, w);
    table_insert(t, table_hash(t, key), e);
    return w;
}

static bool watches(const struct multi *m, const struct watched_key *k)
{
    LINK_EACH(&m->watching, l) {
        if (LINK_OF(l, struct watcher, of_client)->key == k) return true;
    }
    return false;
}

static void watch(struct client *c, struct str key)
{
    struct server *s = c->server;
    struct multi *m = get_multi(c);
    bool exists = db_peek(client_db(c), key) != NULL;
    struct watched_key *k = find_watched(s, c->db, key);
    struct watcher *w;

    if (k == NULL) k = new_watched(s, c->db, key);
    if (watches(m, k)) return;
    w = mem_alloc(sizeof *w);
    *w = (struct watcher){ .client = c, .key = k, .existed = exists };
    link_init(&w->of_key);
    link_init(&w->of_client);
    link_add_tail(&k->watchers, &w->of_key);
    link_add_tail(&m->watching, &w->of_client);
    k->n++;
    if (m->n_watching++ == 0) s->n_watching++;
    m->watch_bytes += sizeof *w + sizeof *k + key.n;
}

static void forget_key(struct server *s, struct watched_key *k)
{
    struct table *t = &s->watched[k->db];
    struct table_ref r = table_find(t, table_hash(t, entry_key(k->e)), entry_key(k->e));

    entry_free(table_remove(t, &r));
    mem_free(k);
}

void multi_unwatch(struct client *c)
{
    struct multi *m = c->multi;

    if (m == NULL || m->n_watching == 0) return;
    while (!link_alone(&m->watching)) {
        struct watcher *w = LINK_OF(m->watching.next, struct watcher, of_client);
        link_remove(&w->of_client);
        link_remove(&w->of_key);
        if (--w->key->n == 0) forget_key(c->server, w->key);
        mem_free(w);
    }
    m->n_watching = m->watch_bytes = 0;
    c->server->n_watching--;
}

static void spoil(struct watched_key *k, bool only_existing)
{
    LINK_EACH(&k->watchers, l) {
        struct watcher *w = LINK_OF(l, struct watcher, of_key);
        if (!only_existing || w->existed) w->client->flags |= CLIENT_DIRTY_CAS;
    }
}

static void spoil_database(struct server *s, int db, const struct db *other)
{
    struct table_iter it = { 0 };
    struct entry *e;

    while ((e = table_next(&s->watched[db], &it)) != NULL) {
        bool appears = other != NULL && db_peek((struct db *)(uintptr_t)other, entry_key(e)) != NULL;
        spoil(entry_ptr(e), !appears);
    }
}

void multi_on_change(struct server *s, const struct change *ch)
{
    struct watched_key *k;

    if (ch->kind == CHANGE_FLUSH) {
        spoil_database(s, ch->db, NULL);
    } else if (ch->kind == CHANGE_SWAP) {
        spoil_database(s, ch->db, s->store->dbs[ch->db]);
        spoil_database(s, ch->db2, s->store->dbs[ch->db2]);
    } else if (change_is_seen(ch) && (k = find_watched(s, ch->db, ch->key)) != NULL) {
        /* For whom it was gone already when WATCH came, expiry changes nothing. */
        spoil(k, ch->kind == CHANGE_EXPIRED);
    }
}

/* --- commands --------------------------------------------------------------------------------------- */

static enum err run_multi(struct call *c)
{
    if (c->client->flags & CLIENT_MULTI) return ERR_MULTI_NESTED;
    get_multi(c->client);
    c->client->flags |= CLIENT_MULTI;
    reply_ok(c->out);
    return OK;
}

static enum err run_discard(struct call *c)
{
    if (!(c->client->flags & CLIENT_MULTI)) return ERR_DISCARD_ALONE;
    multi_discard(c->client);
    reply_ok(c->out);
    return OK;
}

static enum err run_watch(struct call *c)
{
    if (c->client->flags & CLIENT_MULTI) return ERR_WATCH_IN_MULTI;
    /* Already spoilt: more keys cannot unspoil it. */
    for (size_t i = 1; i < c->argc && !(c->client->flags & CLIENT_DIRTY_CAS); i++) {
        watch(c->client, call_arg(c, i));
    }
    reply_ok(c->out);
    return OK;
}

static enum err run_unwatch(struct call *c)
{
    multi_unwatch(c->client);
    c->client->flags &= ~(uint32_t)CLIENT_DIRTY_CAS;
    reply_ok(c->out);
    return OK;
}

/* A watched key may be past its time without anybody having noticed: looking at it removes it, and that
 * is a change like any other. */
static void notice_expired(struct client *c)
{
    LINK_EACH(&c->multi->watching, l) {
        const struct watched_key *k = LINK_OF(l, struct watcher, of_client)->key;
        db_peek(c->server->store->dbs[k->db], entry_key(k->e));
    }
}

/* Commands that may turn the log off, load other data, and the like: for those the log must not be in the
 * midst of a group. What came before them in the transaction then is a group of its own. */
static bool touches_the_log(const struct command *cmd)
{
    return cmd->group == GROUP_SERVER && (cmd->flags & CMD_ADMIN);
}

/* The user's rules may have changed since the command was queued: then it is refused, and that replied. */
static bool is_denied(struct client *c, const struct request *r)
{
    static const char *const reasons[] = {
        [ACL_NO_COMMAND] = "no permission to execute the command or subcommand",
        [ACL_NO_KEY] = "no permission to touch the specified keys",
        [ACL_NO_CHANNEL] = "no permission to access one of the channels used as arguments to the command",
    };
    size_t mark = reply_mark(&c->reply), at;
    enum acl_verdict v = acl_check(c->server->acl, c->user, r->ref, r->argc, r->argv, &at);

    if (v == ACL_OK || (c->flags & CLIENT_LOADER)) return false;
    acl_log_add(c, v, "multi", c->user->name, v == ACL_NO_COMMAND ? str_c(r->ref->full_name) : r->argv[at]);
    reply_errorf(&c->reply, "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
                 "call. This command is no longer allowed for the following reason: %s", reasons[v]);
    dispatch_count_error(c->server, c->reply.out, mark);
    return true;
}

static void run_queued(struct client *c, const struct request *r)
{
    struct persist *log = c->server->persist;
    bool apart = touches_the_log(r->ref->cmd);
    struct wait w;

    c->reply.resp = c->resp; /* HELLO may have changed it */
    if (UNLIKELY(!(c->flags & CLIENT_UNRESTRICTED)) && is_denied(c, r)) return;
    if (apart) persist_group_end(log);
    dispatch_call(c, r->ref, r->argc, r->argv, false, &w);
    if (apart) persist_group_begin(log);
}

/* The queued commands run one after another; the log holds them as one MULTI ... EXEC. */
static enum err run_exec(struct call *c)
{
    struct client *cl = c->client;
    struct server *s = cl->server;
    struct request_queue queue;
    const struct request *r;

    if (!(cl->flags & CLIENT_MULTI)) return ERR_EXEC_ALONE;
    notice_expired(cl);
    if (cl->flags & (CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS)) {
        bool refused = cl->flags & CLIENT_DIRTY_EXEC;
        multi_discard(cl);
        if (refused) return ERR_EXEC_ABORT;
        reply_null_array(c->out);
        return OK;
    }
    multi_unwatch(cl);
    queue = cl->multi->queue;
    cl->multi->queue = (struct request_queue){ 0 };
    multi_discard(cl);

    reply_array(c->out, queue.n);
    loop_unit_begin(s);
    persist_group_begin(s->persist);
    while ((r = request_queue_first(&queue)) != NULL) {
        run_queued(cl, r);
        request_queue_pop(&queue);
        if (UNLIKELY(cl->out.n > CLIENT_BIG)) client_check_reply(cl);
    }
    persist_group_end(s->persist);
    loop_unit_end(s);
    return OK;
}

bool multi_is_exec(const struct command *cmd)
{
    return cmd->run == run_exec;
}

/* Everything is queued but the commands that steer the transaction and the connection. */
bool multi_queues(const struct command *cmd)
{
    return cmd->run != run_exec && cmd->run != run_discard && cmd->run != run_multi &&
           cmd->run != run_watch && !(cmd->flags & CMD_NO_MULTI_QUEUE);
}

const struct command multi_commands[] = {
    { .name = "multi", .run = run_multi, .arity = 1,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
      .acl = ACL_TRANSACTION, .group = GROUP_TRANSACTIONS, .since = "1.2.0", .complexity = "O(1)",
      .summary = "Begins a transaction: commands are queued until EXEC." },
    { .name = "exec", .run = run_exec, .arity = 1,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG,
      .acl = ACL_TRANSACTION, .group = GROUP_TRANSACTIONS, .since = "1.2.0",
      .complexity = "Depends on the commands of the transaction",
      .summary = "Runs the queued commands, all together." },
    { .name = "discard", .run = run_discard, .arity = 1,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
      .acl = ACL_TRANSACTION, .group = GROUP_TRANSACTIONS, .since = "2.0.0",
      .complexity = "O(N), N being the number of queued commands",
      .summary = "Drops a transaction and stops watching." },
    { .name = "watch", .run = run_watch, .arity = -2,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RO) }, .acl = ACL_TRANSACTION, .group = GROUP_TRANSACTIONS,
      .since = "2.2.0", .complexity = "O(1) for each key",
      .summary = "Lets the next EXEC fail if one of the keys changes before it.",
      .args = ARGS({ .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }) },
    { .name = "unwatch", .run = run_unwatch, .arity = 1,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
      .acl = ACL_TRANSACTION, .group = GROUP_TRANSACTIONS, .since = "2.2.0", .complexity = "O(1)",
      .summary = "Forgets all watched keys." },
    { 0 },
};
