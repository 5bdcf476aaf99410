/* dispatch.c -- see dispatch.h. */
#include "server/dispatch.h"

#include <stdio.h>

#include "base/mem.h"
#include "server/acl.h"
#include "server/aside.h"
#include "server/audit.h"
#include "server/block.h"
#include "server/departures.h"
#include "server/gate.h"
#include "server/key_check.h"
#include "server/jobs.h"
#include "server/keys_walk.h"
#include "server/latency.h"
#include "server/monitor.h"
#include "server/multi.h"
#include "server/namespaces.h"
#include "server/pubsub.h"
#include "server/recall.h"
#include "server/script_run.h"
#include "server/slowlog.h"
#include "server/ticks.h"
#include "server/tracking.h"
#include "storage/namespace.h"

/* --- checks --------------------------------------------------------------------------------------- */

/* When memory has run out, commands that take more are refused; so is whatever a MULTI would queue. */
static bool needs_memory(const struct client *c, const struct command *cmd, uint32_t flags)
{
    if (flags & CMD_DENYOOM) return true;
    return (c->flags & CLIENT_MULTI) && multi_queues(cmd);
}

/* Keys have given what room they can, and there is none: may others, who have much, go instead? */
static bool others_make_way(struct client *c)
{
    return clients_make_way(c) && dispatch_make_room(c->server) != MEMORY_OUT;
}

/* The flags of a command; for EXEC also those of all that it would run. */
static uint32_t flags_of(const struct client *c, const struct command *cmd)
{
    if (LIKELY(!(c->flags & CLIENT_MULTI)) || !multi_is_exec(cmd)) return cmd->flags;
    return cmd->flags | multi_flags(c);
}

const char *dispatch_write_refusal(const struct server *s, uint32_t flags)
{
    const char *disk = flags & CMD_DENYOOM ? persist_growth_refusal(s->persist) : persist_refusal(s->persist);

    if (UNLIKELY(disk != NULL)) return disk;
    if (LIKELY(s->conf->min_replicas_to_write == 0) || s->conf->min_replicas_max_lag == 0) return NULL;
    return "NOREPLICAS Not enough good replicas to write.";
}

static const char *refusal_protected(struct client *c, const struct command_ref *ref, char *room)
{
    bool module = ref->full_name[0] == 'm';

    if (server_allows_protected(c, module)) return NULL;
    snprintf(room, 256,
             "ERR %s command not allowed. If the enable-%s-command option is set to \"local\", you can "
             "run it from a local connection, otherwise you need to set this option in the "
             "configuration file, and then restart the server.",
             module ? "MODULE" : "DEBUG", module ? "module" : "debug");
    return room;
}

static const char *refusal_subscribed(const struct command_ref *ref, char *room)
{
    snprintf(room, 256,
             "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
             "allowed in this context",
             ref->full_name);
    return room;
}

static const char *refusal_denied(struct buf *text, char *room)
{
    snprintf(room, 256, "NOPERM %.*s", (int)text->n, text->p);
    buf_fini(text);
    return room;
}

/* Why c may not run the command now; NULL: it may. The text may be made in room[256]. */
static const char *refusal(struct client *c, const struct command_ref *ref, size_t argc, const struct str *argv,
                           char *room)
{
    struct server *s = c->server;
    const struct command *cmd = ref->cmd;
    uint32_t flags = flags_of(c, cmd);
    struct buf text = { 0 };
    const char *why;

    if (UNLIKELY(!command_arity_ok(cmd, argc))) {
        snprintf(room, 256, "ERR wrong number of arguments for '%s' command", ref->full_name);
        return room;
    }
    if (UNLIKELY(c->flags & CLIENT_LOADER)) return NULL;
    if (UNLIKELY(cmd->flags & CMD_PROTECTED) && (why = refusal_protected(c, ref, room)) != NULL) return why;
    if (UNLIKELY(!c->authenticated) && client_needs_auth(c) && !(cmd->flags & CMD_NO_AUTH)) {
        return "NOAUTH Authentication required.";
    }
    if (UNLIKELY(s->user_limits.any) && !(cmd->flags & CMD_NO_AUTH)) {
        why = user_limit_refusal(c, room);
        if (why != NULL) return why;
    }
    if (UNLIKELY(c->flags & CLIENT_MULTI) && (cmd->flags & CMD_NO_MULTI)) {
        return "ERR Command not allowed inside a transaction";
    }
    if (UNLIKELY(!acl_allows(c, ref, argc, argv, c->flags & CLIENT_MULTI ? "multi" : "toplevel", &text))) {
        return refusal_denied(&text, room);
    }
    /* While there is something to evict, who needs memory gets it, at once or in a while (is_held). */
    if (UNLIKELY(s->store->conf.maxmemory != 0 || mem_is_short()) && dispatch_make_room(s) == MEMORY_OUT &&
        needs_memory(c, cmd, flags) && !others_make_way(c)) {
        return err_text(ERR_OOM);
    }
    if (UNLIKELY(c->in.cap > MEM_LARGE) && !dispatch_fits(argc, argv)) return err_text(ERR_OOM);
    /* What is queued is judged now, and again when it runs. */
    if (UNLIKELY(ns_needs(s->store, NS_NEEDS_QUOTA)) && (c->flags & CLIENT_MULTI) && multi_queues(cmd)) {
        why = namespaces_refusal(c, cmd, argc, argv, room);
        if (why != NULL) return why;
    }
    if (flags & CMD_WRITE) {
        why = dispatch_write_refusal(s, flags);
        if (UNLIKELY(ns_needs(s->store, NS_NEEDS_ARCHIVE)) && why == NULL) why = departures_refusal(c, cmd, argc, argv);
        if (UNLIKELY(why != NULL)) return why;
    }
    if (UNLIKELY(c->subs != NULL) && pubsub_limits(c) && !(cmd->flags & CMD_IN_PUBSUB)) {
        return refusal_subscribed(ref, room);
    }
    if (UNLIKELY(s->store->loading) && !(cmd->flags & CMD_LOADING)) {
        return "LOADING Redis is loading the dataset in memory";
    }
    if (UNLIKELY(s->busy_saved != NULL) && !(cmd->flags & CMD_ALLOW_BUSY)) return script_busy(s->script);
    if (UNLIKELY(c->flags & CLIENT_MONITOR) && (flags & (CMD_WRITE | CMD_READONLY | CMD_MAY_REPLICATE))) {
        return "ERR Replica can't interact with the keyspace";
    }
    return NULL;
}

static bool is_paused(const struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    enum { WRITES = CMD_WRITE | CMD_MAY_REPLICATE };

    if (c->server->pause_all || !(flags_of(c, cmd) & WRITES)) return c->server->pause_all;
    return multi_is_exec(cmd) || (script_command_flags(c->server, cmd, argc, argv) & WRITES);
}

/* Eviction is behind. What brings many bytes waits until it has come after them, and so that others cannot put it off for
 * ever by what they bring in few, or make of them, all that takes memory waits when it is far behind. */
static bool waits_for_memory(const struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    enum { FEW = 512 };
    struct server *s = c->server;
    bool writing_script = cmd->group == GROUP_SCRIPTING && (script_command_flags(s, cmd, argc, argv) & CMD_MAY_REPLICATE);
    size_t bytes = 0;

    if (!writing_script && !(flags_of(c, cmd) & CMD_DENYOOM)) return false;
    if (writing_script || multi_is_exec(cmd) || dispatch_room_lags(s)) return true;
    for (size_t i = 0; i < argc; i++) bytes += argv[i].n;
    return bytes > FEW;
}

static bool is_held(const struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct server *s = c->server;

    if (UNLIKELY(c->flags & CLIENT_LOADER)) return false;
    if (UNLIKELY(s->pause_until_ms != 0)) return is_paused(c, cmd, argc, argv);
    if (UNLIKELY(s->memory_excess > 0) && waits_for_memory(c, cmd, argc, argv)) return true;
    return UNLIKELY(s->ft_full || persist_must_wait(s->persist)) && (flags_of(c, cmd) & CMD_WRITE);
}

/* --- running -------------------------------------------------------------------------------------- */

static void journal_to_log(void *ctx, size_t argc, const struct str *argv)
{
    struct client *c = ctx;

    persist_append(c->server->persist, c->db, argc, argv);
}

/* The request under its own name, whatever clients call it (rename-command). */
static void log_request(struct client *c, const struct command_ref *ref, const struct call *call)
{
    const struct command_ref *top = ref->parent ? ref->parent : ref;
    struct str *argv;

    if (LIKELY(top->name == top->cmd->name)) {
        journal_to_log(c, call->argc, call->argv);
        return;
    }
    argv = arena_alloc(call->arena, call->argc * sizeof *argv);
    memcpy(argv, call->argv, call->argc * sizeof *argv);
    argv[0] = str_c(top->cmd->name);
    journal_to_log(c, call->argc, argv);
}

static void log_effects(struct client *c, const struct command_ref *ref, const struct call *call, int db)
{
    struct journal j = { journal_to_log, c };
    int now = c->db;

    /* The effect belongs to the database that was chosen when the command began. */
    c->db = db;
    if (UNLIKELY(ns_needs(call->store, NS_NEEDS_TTL)) && namespaces_log_set(c, call)) {
        /* together with its time to live */
    } else if (call->cmd->journal) {
        call->cmd->journal(call, &j);
    } else {
        log_request(c, ref, call);
    }
    c->db = now;
}

void dispatch_account(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                      int64_t us, bool failed)
{
    struct server *s = c->server;
    struct client *asker = LIKELY(!(c->flags & CLIENT_SCRIPT)) ? c : s->current; /* a script's caller */

    asker->n_commands++;
    command_stats_add(&ref->stats, us, failed);
    s->stats.commands++;
    s->command_us += (uint64_t)us;
    if (UNLIKELY(us >= s->conf->slowlog_log_slower_than && s->conf->slowlog_log_slower_than >= 0) &&
        !(ref->cmd->flags & CMD_SKIP_SLOWLOG)) {
        slowlog_add(s->slowlog, asker, ref, argc, argv, us);
    }
    if (UNLIKELY(us >= 1000)) latency_add(s->latency, ref->cmd->flags & CMD_FAST ? "fast-command" : "command", us / 1000);
}

/* Tell the monitors, once: not again when a request that waits is tried again. EXEC comes after what it
 * ran, as in Redis. */
static void tell_monitors(struct client *c, const struct command_ref *ref, size_t argc, const struct str *argv)
{
    if (c->blocked == NULL) monitor_feed(c, ref->cmd, argc, argv);
}

/* Within a batch a command began when the one before it ended: one reading of the clock for each. */
static int64_t since_last(struct server *s, uint64_t from)
{
    uint64_t now = ticks_now();

    if (s->ticks) s->ticks = now;
    if (UNLIKELY(now < from)) return 0; /* another core, whose counter is behind */
    return (int64_t)((double)(int64_t)(now - from) * s->us_per_tick);
}

static bool reads_all_keys(const struct call *call)
{
    struct client *c = call->client;
    const struct command_ref *ref = registry_resolve_own(c->server->commands, call->argc, call->argv);

    return ref != NULL && acl_reads_all_keys(c->server->acl, c->user, ref, call->argc, call->argv);
}

static const struct call_host host = { .walk_keys = keys_walk, .go_on = jobs_go_on, .waited = jobs_waited,
                                       .go_aside = aside_go, .been_aside = aside_been };

/* Field by field: zeroing a struct of this size takes longer than many a command. */
static inline void begin(struct call *call, struct client *c, const struct command *cmd, size_t argc,
                         const struct str *argv)
{
    struct server *s = c->server;

    call->cmd = cmd;
    call->argc = argc;
    call->argv = argv;
    call->out = &c->reply;
    call->store = s->store;
    call->db = client_db(c);
    call->arena = &s->arena;
    call->err_arg = str_of(NULL, 0);
    call->note = NULL;
    call->in_script = (c->flags & CLIENT_SCRIPT) != 0;
    call->client = c;
    call->host = &host;
    call->reads_all_keys = LIKELY(c->flags & (CLIENT_UNRESTRICTED | CLIENT_LOADER)) ? NULL : reads_all_keys;
}

/* Within a transaction or a script, or for one that has waited, this is an error like any other there: what came
 * before stays. */
static enum err refuse(struct client *c, struct command_ref *ref, const char *why)
{
    size_t mark = reply_mark(&c->reply);

    ref->stats.rejected++;
    reply_error(&c->reply, str_c(why));
    dispatch_count_error(c->server, c->reply.out, mark);
    arena_reset(&c->server->arena);
    return CALL_COUNTED_ERROR;
}

enum err dispatch_call(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                       bool may_block, struct wait *w)
{
    struct server *s = c->server;
    struct client *outer = s->current;
    struct client *asker = LIKELY(!(c->flags & CLIENT_SCRIPT)) ? c : outer; /* a script's caller */
    bool writes = (ref->cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0; /* PFCOUNT keeps its count */
    uint64_t changes = s->store->stats.changes;
    size_t mark = reply_mark(&c->reply);
    uint64_t from = s->ticks ? s->ticks : ticks_now();
    int db = c->db;
    struct call call;
    char room[256];
    struct key_check check;
    const char *why;
    enum err e;

    /* The reserve serves as long as it can. */
    if (UNLIKELY(mem_is_scarce()) && (ref->cmd->flags & CMD_DENYOOM) && !(c->flags & CLIENT_LOADER))
        return refuse(c, ref, err_text(ERR_OOM));
    if (UNLIKELY(ns_needs(s->store, NS_NEEDS_QUOTA)) && (why = namespaces_refusal(c, ref->cmd, argc, argv, room)) != NULL)
        return refuse(c, ref, why);
    begin(&call, c, ref->cmd, argc, argv);
    call.may_block = may_block;
    s->current = asker;
    s->recent[s->recent_at++ % RECENT_COMMANDS] = ref;
    s->store->no_touch = (asker->flags & CLIENT_NO_TOUCH) != 0;
    if (writes) persist_group_begin(s->persist);
    key_check_begin(s, &check, ref->cmd, argc, argv);
    e = call_run(&call);
    key_check_end(s, &check);
    if (writes) {
        if (UNLIKELY(s->archive != NULL) && e == OK && !s->store->loading) departures_after(c, ref->cmd, argc, argv);
        if (s->store->stats.changes != changes) {
            log_effects(c, ref, &call, db);
            c->wrote = true;
        }
    }
    if (UNLIKELY(ns_needs(s->store, NS_NEEDS_AFTER))) {
        namespaces_after(c, ref->cmd, argc, argv);
        if (ns_needs(s->store, NS_NEEDS_AUDIT) && e != CALL_BLOCKED) audit_request(asker, db, ref, argc, argv, e != OK);
    }
    if (writes) persist_group_end(s->persist);
    s->store->no_touch = false;
    if (UNLIKELY(s->n_monitors > 0)) tell_monitors(c, ref, argc, argv);
    s->current = outer;
    if (UNLIKELY(e == CALL_BLOCKED)) {
        *w = call.wait;
        return e;
    }
    /* One that has written waits for its own bytes, which come behind all others. */
    if (UNLIKELY(s->reads_wait) && (!writes || s->store->stats.changes == changes)) gate_saw(asker, ref->cmd, argc, argv);
    if (UNLIKELY(asker->tracking != NULL) && (ref->cmd->flags & CMD_READONLY)) {
        tracking_remember(asker, ref->cmd, argc, argv);
    }
    if (UNLIKELY(e != OK) && e != CALL_COUNTED_ERROR) dispatch_count_error(s, c->reply.out, mark);
    dispatch_account(c, ref, argc, argv, since_last(s, from), e != OK);
    arena_reset(&s->arena);
    return e;
}

/* CLIENT REPLY OFF and SKIP: the reply of this request is dropped. Confirmations of SUBSCRIBE are messages,
 * not replies: they are in server->late. */
static void apply_reply_mode(struct client *c, size_t mark)
{
    if (LIKELY(!(c->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT)))) return;
    if (c->flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)) reply_undo(&c->reply, mark);
    c->flags &= ~(uint32_t)CLIENT_REPLY_SKIP;
    if (c->flags & CLIENT_REPLY_SKIP_NEXT) {
        c->flags &= ~(uint32_t)CLIENT_REPLY_SKIP_NEXT;
        c->flags |= CLIENT_REPLY_SKIP;
    }
}

void dispatch_messages(struct client *c)
{
    struct buf *late = &c->server->late;

    if (UNLIKELY(late->failed)) c->out.failed = true;
    if (LIKELY(late->n == 0)) return;
    buf_add_str(&c->out, buf_str(late));
    buf_clear(late);
}

void dispatch_answered(struct client *c, size_t mark)
{
    if (c->wrote) {
        c->wrote = false;
        gate_wrote(c);
    }
    if (UNLIKELY(c->tracking != NULL)) tracking_answered(c);
    apply_reply_mode(c, mark);
    dispatch_messages(c);
    if (UNLIKELY(c->out.failed)) client_check_output(c);
}

static void run(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv)
{
    struct wait w;

    if (dispatch_call(c, ref, argc, argv, !(c->flags & CLIENT_LOADER), &w) != CALL_BLOCKED) return;
    block_client(c, ref, argc, argv, &w);
    arena_reset(&c->server->arena);
}

enum dispatched dispatch(struct client *c, struct command_ref *ref, struct command_ref *container,
                         size_t argc, const struct str *argv)
{
    char room[256];
    const char *why = NULL;
    size_t mark;

    c->reply = (struct reply){ &c->out, c->resp };
    if (LIKELY(ref != NULL)) {
        c->last_cmd = ref;
        why = refusal(c, ref, argc, argv, room); /* may evict, and tell c itself of it */
    }
    mark = c->out.n;
    if (UNLIKELY(ref == NULL)) {
        dispatch_refuse_unknown(c, container, argc, argv);
    } else if (UNLIKELY(why != NULL)) {
        dispatch_refuse(c, ref, why);
    } else if (UNLIKELY(is_held(c, ref->cmd, argc, argv))) {
        return DISPATCH_HELD;
    } else if (UNLIKELY(c->flags & CLIENT_MULTI) && multi_queues(ref->cmd)) {
        multi_queue(c, ref, argc, argv);
    } else if (LIKELY(c->server->archive == NULL) || !recall_before(c, ref, argc, argv)) {
        run(c, ref, argc, argv);
    }
    /* One that waits is answered later, and what CLIENT REPLY says of it counts then. */
    if (LIKELY(c->blocked == NULL)) dispatch_answered(c, mark);
    else dispatch_messages(c);
    if (UNLIKELY(!link_alone(&c->server->ready))) block_serve(c->server);
    return DISPATCH_DONE;
}

/* --- loading the log ---------------------------------------------------------------------------------- */

enum err dispatch_apply(void *server, size_t argc, const struct str *argv, struct str *why)
{
    struct server *s = server;
    struct command_ref *ref;
    const struct buf *said;
    size_t mark;

    if (s->loader == NULL) s->loader = client_new_loader(s);
    s->loader->out.n = 0;
    ref = registry_resolve_own(s->commands, argc, argv);
    mark = s->loader->out.n;
    if (ref == NULL || !command_arity_ok(ref->cmd, argc)) return ERR_FORMAT;
    dispatch(s->loader, ref, NULL, argc, argv);
    said = &s->loader->out;
    if (said->n == mark || said->p[mark] != '-') return OK;
    *why = str_of(said->p + mark + 1, said->n - mark - 3); /* without the end of its line */
    return ERR_FORMAT;
}
