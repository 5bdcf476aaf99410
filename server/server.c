/* server.c -- building the server from its settings, and taking it down. */
#include "server/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "persistence/data_lock.h"
#include "server/client.h"
#include "server/crash_report.h"
#include "server/departures.h"
#include "server/dispatch.h"
#include "server/ft.h"
#include "server/ft_cursor.h"
#include "server/function.h"
#include "server/gate.h"
#include "server/guess.h"
#include "server/latency.h"
#include "server/inherit.h"
#include "server/keysizes.h"
#include "server/lazy.h"
#include "server/listen.h"
#include "server/live_search.h"
#include "server/namespaces.h"
#include "server/loop.h"
#include "server/metrics.h"
#include "server/recall.h"
#include "server/setup.h"
#include "server/script_run.h"
#include "server/acl.h"
#include "server/aside.h"
#include "server/scripts.h"
#include "server/server_conf.h"
#include "server/shortage.h"
#include "server/slowlog.h"
#include "server/supervise.h"
#include "server/tracking.h"
#include "server/ticks.h"
#include "server/times.h"
#include "server/tls.h"

size_t server_uncounted_memory(const struct server *s)
{
    size_t n = persist_buffer_bytes(s->persist);

    if (s->archive) {
        n += archive_buffer_bytes(s->archive) + archive_index_bytes(s->archive) + archive_writer_bytes(s->archive) +
             archive_cache_bytes(s->archive) + live_search_bytes(s);
    }
    return n;
}

size_t server_used_memory(const struct server *s)
{
    size_t used = mem_used(), aside = server_uncounted_memory(s) + (s->lazy ? lazy_bytes(s->lazy) : 0);

    return (used > aside ? used - aside : 0) + s->beside;
}

void server_note_beside(struct server *s, size_t bytes)
{
    s->beside = bytes;
    s->beside_moved = mem_thread_moved();
}

bool server_allows_protected(struct client *c, bool module)
{
    const struct conf *conf = c->server->conf;
    enum conf_guard guard = module ? conf->enable_module_command : conf->enable_debug_command;

    return guard == CONF_GUARD_YES || (guard == CONF_GUARD_LOCAL && client_is_local(c));
}

void server_pause(struct server *s, int64_t until_ms, bool all)
{
    s->pause_all = s->pause_until_ms ? s->pause_all || all : all;
    if (until_ms > s->pause_until_ms) s->pause_until_ms = until_ms;
    s->store->frozen = true;
}

void server_unpause(struct server *s)
{
    s->pause_until_ms = 0;
    s->store->frozen = false;
}

/* --- life ------------------------------------------------------------------------------------------------ */

static void make_run_id(struct server *s)
{
    unsigned char bytes[20];

    rng_secret(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(s->run_id + 2 * i, 3, "%02x", bytes[i]);
}

static void init_lists(struct server *s)
{
    struct link *heads[] = { &s->readable, &s->had_share, &s->writable, &s->told, &s->gated,    &s->doomed,  &s->clients,
                             &s->timeouts, &s->monitors, &s->paused, &s->crowd, &s->ready, &s->syncing, &s->transfers, &s->closing,
                             &s->archive_answered, &s->archive_applying, &s->live_searches, &s->ft_jobs, &s->ft_alters, &s->jobs, &s->jobs_held,
                             &s->keys_walks, &s->unlinkings, &s->strangers.list, &s->tls_steps, &s->tls_pending };
    struct table *maps[] = { &s->by_id, &s->errorstats, &s->channels, &s->patterns, &s->shard_channels };
    size_t n = (size_t)s->conf->databases;

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) link_init(heads[i]);
    for (size_t i = 0; i < CLIENT_SIZES; i++) link_init(&s->by_size[i]);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) table_init(maps[i], &s->store->hash_key);
    s->watched = mem_zalloc(n * sizeof *s->watched);
    s->waiting = mem_zalloc(n * sizeof *s->waiting);
    for (size_t i = 0; i < n; i++) {
        table_init(&s->watched[i], &s->store->hash_key);
        table_init(&s->waiting[i], &s->store->hash_key);
    }
}

/* While loading, clients are answered now and then. False gives up. */
static bool on_progress(void *ctx, const struct persist_progress *pr)
{
    struct server *s = ctx;
    int64_t now = clock_mono_us();
    int percent = pr->total_bytes ? (int)(pr->bytes * 100 / pr->total_bytes) : 0;

    if (s->current == NULL) loop_turn_loading(s); /* within a command (DEBUG RELOAD) nobody else runs */
    supervise_progress(s->supervise, "Loading", percent, now);
    if (now - s->last_progress_us >= 1000000) {
        int64_t spent = (now - pr->started_us) / 1000000;
        s->last_progress_us = now;
        log_notice(s->log, "Loading: %llu keys, %llu bytes, %d%%, about %lld s left.",
                   (unsigned long long)pr->keys, (unsigned long long)pr->bytes, percent,
                   (long long)(percent > 0 ? spent * (100 - percent) / percent : -1));
    }
    return !s->stopping;
}

static void on_waiting(void *ctx)
{
    struct server *s = ctx;

    supervise_progress(s->supervise, "Saving", -1, clock_mono_us());
}

static bool load_users(struct server *s)
{
    struct buf text = { 0 };
    bool ok = acl_load_at_start(s->acl, &text);

    if (!ok) log_warning(s->log, "Aborting startup because of ACL errors: %.*s", (int)text.n, text.p);
    else if (acl_password_is_void(s->acl)) {
        log_warning(s->log, "requirepass has no effect: the user default is %s, and needs no password there.",
                    s->conf->aclfile[0] ? "that of the aclfile" : "in a line of memd.conf");
    }
    buf_fini(&text);
    return ok;
}

static bool rename_commands(struct server *s)
{
    const struct conf_list *l = &s->conf->rename_command;

    for (size_t i = 0; i + 1 < l->n; i += 2) {
        enum err e = registry_rename(s->commands, l->items[i], l->items[i + 1]);
        if (e == OK) continue;
        log_warning(s->log, "rename-command %s %s: %s", l->items[i], l->items[i + 1],
                    e == ERR_NO_KEY ? "no such command" : "there is a command of that name already");
        return false;
    }
    return true;
}

static bool start_lazy(struct server *s)
{
    int error;

    s->lazy = lazy_new(&error);
    if (s->lazy == NULL) {
        log_warning(s->log, "The thread that frees large values could not be started: %s", thread_why(error));
        return false;
    }
    s->store->defer = lazy_defer;
    s->store->defer_ctx = s->lazy;
    return true;
}

bool server_open(struct server *s, struct conf *conf, struct log *log, const struct server_outside *outside)
{
    struct store_conf sc = server_store_conf(conf);
    struct persist_conf pc = server_persist_conf(conf);
    struct hash_key key;
    uint64_t seed;
    char why[PERSIST_WHY];
    struct data_lock held = { -1, -1 };
    struct persist_env env = { .log = log, .mono_us = clock_mono_us, .redis_version = MEMD_REDIS_VERSION,
                               .ctx = s, .apply = dispatch_apply, .progress = on_progress, .wake = loop_wake,
                               .lock = &held };

    *s = (struct server){ .conf = conf, .log = log, .pid = getpid(), .title = outside->title,
                          .supervise = outside->supervise, .origin = outside->origin, .privilege = outside->privilege,
                          .inherited = outside->inherited };
    if (conf->disable_thp) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    server_limit_clients(s); /* before there are threads */
    mem_start_threads();
    rng_secret(&key, sizeof key);
    rng_secret(&seed, sizeof seed);
    s->store = store_new(&sc, &key, seed);
    s->us_per_tick = ticks_calibrate();
    s->share_ends = UINT64_MAX;
    s->slow_ticks = (uint64_t)(100 / s->us_per_tick);
    times_open(s);
    s->started_us = s->now_us;
    s->started_ms = s->store->now_ms;
    s->commands = registry_new();
    s->slowlog = slowlog_new();
    s->keysizes = keysizes_new(s->store->conf.databases);
    s->tracking = tracking_new(s);
    s->script = script_run_new(s);
    s->acl = acl_new(s);
    s->scripts = scripts_new(s);
    s->functions = functions_new(s);
    s->ft = ft_new(s);
    s->ft_cursors = ft_cursors_new(s);
    s->latency = latency_new();
    s->gates = gates_new();
    s->guesses = guesses_new();
    s->tls = tls_new();
    between_init_of_server(&s->between);
    s->recalls = recalls_new(s->store->conf.databases, &s->store->hash_key);
    server_apply_plain(s);
    arena_init(&s->arena);
    arena_init(&s->batch);
    s->late.may_fail = true;
    make_run_id(s);
    init_lists(s);
    loop_open(s);
    dispatch_subscribe(s);
    departures_open(s);
    env.store = s->store;
    env.waiting = on_waiting;
    if (outside->inherited) {
        held.file = inherit_named(outside->inherited, INHERIT_LOCK);
        held.dir = inherit_named(outside->inherited, INHERIT_LOCK_DIR);
    }
    env.archive = departures_barrier(s);
    env.libraries = functions_keeper(s->functions);
    env.definitions = ft_keeper(s->ft);
    if (!tls_prepare(s)) {
        log_warning(log, "Failed to configure TLS.");
        return false;
    }
    tls_commit(s);
    if (!rename_commands(s) || !load_users(s) || !start_lazy(s)) return false;
    if (!namespaces_apply_conf(s, why)) {
        log_warning(log, "%s", why);
        return false;
    }
    if (persist_open(&s->persist, &pc, &env, why) != OK) {
        log_warning(log, "%s", why);
        return false;
    }
    shortage_open(s);
    crash_report_apply_conf(s);
    s->startup_memory = mem_used();
    return true;
}

bool server_load(struct server *s)
{
    char why[PERSIST_WHY];
    int64_t from = clock_mono_us();
    enum err e;
    size_t keys = 0;

    if (!departures_start(s, why)) {
        log_warning(s->log, "The archive cannot be opened: %s", why);
        return false;
    }
    s->store->loading = true;
    e = persist_load(s->persist, why);
    s->store->loading = false;
    loop_refresh_time(s);
    if (e == OK) departures_loaded(s);
    if (e == OK) ft_loaded(s);
    if (e == ERR_NOT_DONE) return true; /* told to stop while loading */
    if (e != OK) {
        log_warning(s->log, "%s", why);
        return false;
    }
    for (int i = 0; i < s->store->conf.databases; i++) {
        if (s->store->dbs[i]) keys += s->store->dbs[i]->n_keys;
    }
    log_notice(s->log, "DB loaded: %zu keys in %.3f seconds", keys,
               (double)(clock_mono_us() - from) / 1000000);
    return true;
}

bool server_shutdown(struct server *s, int save, bool force)
{
    char why[PERSIST_WHY];
    enum persist_ending how = save < 0 ? PERSIST_END_BY_RULES : save ? PERSIST_END_SAVE : PERSIST_END_NOSAVE;

    if (s->stopping) return true;
    if (!s->restarting) log_warning(s->log, "User requested shutdown...");
    if (s->store->loading) {
        s->stopping = true; /* what is on the disk is more than what is loaded */
        supervise_stopping(s->supervise);
        return true;
    }
    supervise_status(s->supervise, "Saving before the end");
    if (persist_shutdown(s->persist, how, why) != OK) {
        log_warning(s->log, "%s", why);
        if (!force) {
            log_warning(s->log, "Errors trying to shut down the server. Check the logs for more information.");
            supervise_ready(s->supervise);
            return false;
        }
    }
    s->stopping = true;
    if (!s->restarting) supervise_stopping(s->supervise);
    return true;
}

static void free_entry(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

/* All that the socket takes. */
static void flush_all(struct client *c)
{
    size_t left;

    do {
        left = client_unsent(c);
        client_flush(c);
    } while (client_unsent(c) > 0 && client_unsent(c) < left);
}

void server_close(struct server *s)
{
    struct table *maps[] = { &s->by_id, &s->errorstats, &s->channels, &s->patterns, &s->shard_channels };

    mem_on_end(NULL, NULL);
    crash_report_leave(s);
    listen_close(s);
    metrics_close(s);
    while (!link_alone(&s->clients)) {
        struct client *c = LINK_OF(s->clients.next, struct client, all);
        flush_all(c);
        client_close(c);
    }
    clients_reap(s);
    tls_free(&s->tls);
    client_free_loader(s);
    live_search_close(s);
    departures_close(s);
    if (s->persist) persist_close(&s->persist);
    ft_cursors_free(&s->ft_cursors);
    ft_free(&s->ft);
    loop_close(s);
    for (int i = 0; i < (int)s->conf->databases; i++) {
        table_fini(&s->watched[i], free_entry, NULL);
        table_fini(&s->waiting[i], free_entry, NULL);
    }
    mem_free(s->watched);
    mem_free(s->waiting);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) table_fini(maps[i], free_entry, NULL);
    asides_free(&s->asides);
    lazy_free(&s->lazy);
    tracking_free(&s->tracking);
    acl_free(&s->acl);
    functions_free(&s->functions);
    scripts_free(&s->scripts);
    script_run_free(&s->script);
    s->store->defer = NULL;
    recalls_free(&s->recalls);
    store_free(&s->store);
    slowlog_free(&s->slowlog); /* what it holds refers to commands */
    registry_free(&s->commands);
    keysizes_free(&s->keysizes);
    latency_free(&s->latency);
    gates_free(&s->gates);
    guesses_free(&s->guesses);
    namespaces_close(s);
    arena_fini(&s->arena);
    arena_fini(&s->batch);
    buf_fini(&s->late);
    clients_drop_spare(s);
}
