/* server.c -- building the server from its settings, and taking it down. */
#include "server/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "conf/setting.h"
#include "persistence/data_lock.h"
#include "server/client.h"
#include "server/crash_report.h"
#include "server/cron.h"
#include "server/departures.h"
#include "server/dispatch.h"
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
#include "server/privilege.h"
#include "server/recall.h"
#include "server/setup.h"
#include "server/script_run.h"
#include "server/acl.h"
#include "server/scripts.h"
#include "server/shortage.h"
#include "server/slowlog.h"
#include "server/supervise.h"
#include "server/tracking.h"
#include "server/ticks.h"
#include "server/times.h"
#include "server/title.h"
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
    size_t used = mem_used(), aside = server_uncounted_memory(s);

    return used > aside ? used - aside : 0;
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

/* --- settings ----------------------------------------------------------------------------------------- */

static enum evict_policy policy_of(enum conf_policy p)
{
    static const enum evict_policy map[] = {
        [CONF_POLICY_NOEVICTION] = EVICT_NONE,        [CONF_POLICY_ALLKEYS_LRU] = EVICT_ALL_LRU,
        [CONF_POLICY_ALLKEYS_LFU] = EVICT_ALL_LFU,    [CONF_POLICY_ALLKEYS_LRM] = EVICT_ALL_LRM,
        [CONF_POLICY_ALLKEYS_RANDOM] = EVICT_ALL_RANDOM, [CONF_POLICY_VOLATILE_LRU] = EVICT_TTL_LRU,
        [CONF_POLICY_VOLATILE_LFU] = EVICT_TTL_LFU,   [CONF_POLICY_VOLATILE_LRM] = EVICT_TTL_LRM,
        [CONF_POLICY_VOLATILE_RANDOM] = EVICT_TTL_RANDOM, [CONF_POLICY_VOLATILE_TTL] = EVICT_TTL_SOONEST,
    };

    return map[p];
}

static struct store_conf store_conf_of(const struct conf *c)
{
    return (struct store_conf){
        .databases = (int)c->databases,
        .maxmemory = c->maxmemory,
        .policy = policy_of(c->maxmemory_policy),
        .maxmemory_samples = (int)c->maxmemory_samples,
        .lfu_log_factor = (int)c->lfu_log_factor,
        .lfu_decay_time = (int)c->lfu_decay_time,
        .lazy_expire = c->lazyfree_lazy_expire,
        .lazy_evict = c->lazyfree_lazy_eviction,
        .lazy_server_del = c->lazyfree_lazy_server_del,
        .lazy_user_del = c->lazyfree_lazy_user_del,
        .lazy_user_flush = c->lazyfree_lazy_user_flush,
        .list_max_listpack_size = (int)c->list_max_listpack_size,
        .list_compress_depth = (int)c->list_compress_depth,
        .hash_max_listpack_entries = c->hash_max_listpack_entries,
        .hash_max_listpack_value = c->hash_max_listpack_value,
        .set_max_intset_entries = c->set_max_intset_entries,
        .set_max_listpack_entries = c->set_max_listpack_entries,
        .set_max_listpack_value = c->set_max_listpack_value,
        .zset_max_listpack_entries = c->zset_max_listpack_entries,
        .zset_max_listpack_value = c->zset_max_listpack_value,
        .stream_node_max_bytes = c->stream_node_max_bytes,
        .stream_node_max_entries = (size_t)c->stream_node_max_entries,
        .string_limit = c->proto_max_bulk_len,
        .hll_sparse_max_bytes = c->hll_sparse_max_bytes,
    };
}

static struct persist_conf persist_conf_of(const struct conf *c)
{
    static const enum persist_fsync fsync_of[] = {
        [CONF_FSYNC_NO] = PERSIST_NO, [CONF_FSYNC_ALWAYS] = PERSIST_ALWAYS, [CONF_FSYNC_EVERYSEC] = PERSIST_EVERYSEC,
    };
    static const enum persist_recover recover_of[] = {
        [CONF_RECOVER_NO] = PERSIST_STRICT, [CONF_RECOVER_SALVAGE] = PERSIST_SALVAGE,
        [CONF_RECOVER_REPAIR] = PERSIST_REPAIR, [CONF_RECOVER_REPAIR_PART] = PERSIST_REPAIR_PART,
    };
    struct persist_conf p = {
        .dir = c->dir,
        .dbfilename = c->dbfilename,
        .appenddirname = c->appenddirname,
        .appendfilename = c->appendfilename,
        .appendonly = c->appendonly,
        .appendfsync = fsync_of[c->appendfsync],
        .rewrite_percentage = (int)c->auto_aof_rewrite_percentage,
        .rewrite_min_size = c->auto_aof_rewrite_min_size,
        .aof_load_truncated = c->aof_load_truncated,
        .recover = recover_of[c->recover],
        .aof_use_rdb_preamble = c->aof_use_rdb_preamble,
        .aof_timestamps = c->aof_timestamp_enabled,
        .load_delay_us = (int)c->key_load_delay,
        .rdb_checksum = c->rdbchecksum,
        .rdb_compression = c->rdbcompression,
        .stop_writes_on_bgsave_error = c->stop_writes_on_bgsave_error,
        .generations = (int)c->snapshot_generations,
        .key_save_delay_us = c->rdb_key_save_delay,
    };

    for (size_t i = 0; i < c->save.n && p.n_rules < PERSIST_RULES_MAX; i++) {
        p.rules[p.n_rules++] = (struct persist_rule){ c->save.rules[i].seconds, c->save.rules[i].changes };
    }
    return p;
}

/* --- descriptors ---------------------------------------------------------------------------------------- */

/* Each client needs a descriptor, and memd some for itself and its HTTP port. Raises the limit where the system allows;
 * returns how many clients there can be. */
static uint64_t fit_descriptors(const struct conf *conf)
{
    const uint64_t clients = conf->maxclients, own = 32 + (conf->metrics_port ? METRICS_DESCRIPTORS : 0);
    struct rlimit lim;
    rlim_t want = (rlim_t)(clients + own);

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want) return clients;
    if (lim.rlim_max == RLIM_INFINITY || lim.rlim_max >= want) {
        lim.rlim_cur = want;
        if (setrlimit(RLIMIT_NOFILE, &lim) == 0) return clients;
    } else if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ want, want }) == 0) { /* root may */
        return clients;
    }
    lim.rlim_cur = lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
    getrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_cur >= want) return clients;
    return lim.rlim_cur > own ? lim.rlim_cur - own : 1;
}

static void limit_clients(struct server *s)
{
    uint64_t can = fit_descriptors(s->conf);

    if (can == s->conf->maxclients) return;
    log_warning(s->log, "maxclients has been reduced from %llu to %llu to fit the limit of open files.",
                (unsigned long long)s->conf->maxclients, (unsigned long long)can);
    s->conf->maxclients = can;
}

/* --- changing settings --------------------------------------------------------------------------------- */

static bool apply_maxclients(struct server *s, const char **blame, char *why)
{
    uint64_t can = fit_descriptors(s->conf);

    if (can == s->conf->maxclients) return true;
    *blame = "maxclients";
    snprintf(why, PERSIST_WHY, "The operating system is not able to handle the specified number of clients, try with %llu",
             (unsigned long long)can);
    return false;
}

static bool apply_listeners(struct server *s, const char *changed, const char **blame, char *why)
{
    if (listen_move(s)) return true;
    *blame = changed;
    snprintf(why, PERSIST_WHY, "%s", strcmp(changed, "bind") ? "Unable to listen on this port. Check server logs."
                                                             : "Failed to bind to specified addresses.");
    return false;
}

/* Nothing is changed yet: that is for tls_commit, when all else could be done. */
static bool apply_tls(struct server *s, const struct setting *const *changed, size_t n, const char **blame, char *why)
{
    const char *first = NULL;

    for (size_t i = 0; i < n && first == NULL; i++) {
        if (tls_is_setting(changed[i]->name)) first = changed[i]->name;
    }
    if (first == NULL || tls_prepare(s)) return true;
    *blame = first;
    snprintf(why, PERSIST_WHY, "Unable to update TLS configuration. Check server logs.");
    return false;
}

void server_apply_log(const struct conf *c, struct log *log)
{
    struct buf facility = { 0 };

    log_set_level(log, c->loglevel);
    log_hide_data(log, c->hide_user_data_from_log);
    log_set_format(log, c->log_format, c->log_timestamp_format);
    if (c->syslog_enabled) {
        conf_value(c, "syslog-facility", &facility);
        buf_add(&facility, "", 1);
        log_to_syslog(log, c->syslog_ident, facility.p);
        buf_fini(&facility);
    } else {
        log_leave_syslog(log);
    }
}

static bool apply_logfile(struct server *s, const char **blame, char *why)
{
    if (log_move(s->log, s->conf->logfile)) return true;
    *blame = "logfile";
    snprintf(why, PERSIST_WHY, "Can't open the log file: %s%s", strerror(errno),
             errno == EACCES && s->conf->sandbox != CONF_SANDBOX_NO ? ", by its mode or by the setting sandbox: its directory was "
             "not among those of the settings at the start" : "");
    return false;
}

/* The old port is given up first, as the new one may be the same at another address. */
static bool apply_metrics(struct server *s, const struct setting *const *changed, size_t n, const char **blame,
                          char *why)
{
    bool port = conf_changed(changed, n, "metrics-port");

    if (!port && !conf_changed(changed, n, "metrics-bind")) return true;
    if (metrics_open(s)) return true;
    *blame = port ? "metrics-port" : "metrics-bind";
    snprintf(why, PERSIST_WHY, "Unable to listen there. Check server logs.");
    return false;
}

static bool apply_oom(struct server *s, const char **blame, char *why)
{
    if (!s->privilege || privilege_oom(s->privilege, s->conf)) return true;
    log_warning(s->log, "oom-score-adj: %s", strerror(errno));
    *blame = "oom-score-adj";
    snprintf(why, PERSIST_WHY, "Failed to apply new oom_score_adj configuration, check server logs.");
    return false;
}

static void apply_plain(struct server *s)
{
    s->store->conf = store_conf_of(s->conf);
    s->store->tell_misses = (s->conf->notify_keyspace_events & CONF_NOTIFY_MISS) != 0;
    latency_set_threshold(s->latency, s->conf->latency_monitor_threshold);
    if (s->title) title_show(s->title, s->conf);
    user_limits_apply(s);
    tracking_shrink(s);
}

bool server_apply_conf(struct server *s, const struct setting *const *changed, size_t n, const char **blame,
                       char *why)
{
    struct persist_conf p = persist_conf_of(s->conf);
    const char *moved = conf_changed(changed, n, "port")     ? "port"
                        : conf_changed(changed, n, "tls-port") ? "tls-port"
                        : conf_changed(changed, n, "bind")     ? "bind" : NULL;
    enum err e;

    *blame = NULL;
    tls_forget(s);
    if (conf_changed(changed, n, "maxclients") && !apply_maxclients(s, blame, why)) return false;
    if (conf_changed(changed, n, "logfile") && !apply_logfile(s, blame, why)) return false;
    if ((conf_changed(changed, n, "oom-score-adj") || conf_changed(changed, n, "oom-score-adj-values")) &&
        !apply_oom(s, blame, why)) return false;
    if (!apply_tls(s, changed, n, blame, why)) return false;
    if (moved && !apply_listeners(s, moved, blame, why)) return false;
    if (!apply_metrics(s, changed, n, blame, why)) return false;
    e = persist_set_conf(s->persist, &p, why);
    if (e != OK) {
        if (conf_changed(changed, n, "appendonly")) *blame = "appendonly";
        return false;
    }
    tls_commit(s);
    s->reads_wait = persist_reads_wait(s->persist);
    apply_plain(s);
    server_apply_log(s->conf, s->log);
    if (conf_changed(changed, n, "tcp-backlog") || conf_changed(changed, n, "unixsocketperm")) listen_tune(s);
    if (conf_changed(changed, n, "disable-thp")) prctl(PR_SET_THP_DISABLE, s->conf->disable_thp, 0, 0, 0);
    if (conf_changed(changed, n, "crash-log-enabled") || conf_changed(changed, n, "watchdog-period"))
        crash_report_apply_conf(s);
    departures_apply_conf(s);
    if (conf_changed(changed, n, "requirepass")) {
        acl_set_default_password(s->acl, s->conf->requirepass);
        acl_changed(s->acl, s->acl->default_user);
    }
    if (conf_changed(changed, n, "acllog-max-len")) acl_log_trim(s->acl, (size_t)s->conf->acllog_max_len);
    return true;
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
    struct link *heads[] = { &s->readable, &s->writable, &s->gated,    &s->doomed,  &s->clients,
                             &s->timeouts, &s->monitors, &s->paused, &s->ready, &s->syncing, &s->transfers, &s->closing,
                             &s->archive_answered, &s->archive_applying, &s->live_searches, &s->strangers.list,
                             &s->tls_steps, &s->tls_pending };
    struct table *maps[] = { &s->by_id, &s->errorstats, &s->channels, &s->patterns, &s->shard_channels };
    size_t n = (size_t)s->conf->databases;

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) link_init(heads[i]);
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
    struct store_conf sc = store_conf_of(conf);
    struct persist_conf pc = persist_conf_of(conf);
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
    mem_start_threads();
    rng_secret(&key, sizeof key);
    rng_secret(&seed, sizeof seed);
    s->store = store_new(&sc, &key, seed);
    s->us_per_tick = ticks_calibrate();
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
    s->latency = latency_new();
    s->gates = gates_new();
    s->guesses = guesses_new();
    s->tls = tls_new();
    s->recalls = recalls_new(s->store->conf.databases, &s->store->hash_key);
    apply_plain(s);
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
    limit_clients(s);
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

void server_close(struct server *s)
{
    struct table *maps[] = { &s->by_id, &s->errorstats, &s->channels, &s->patterns, &s->shard_channels };

    mem_on_end(NULL, NULL);
    crash_report_leave(s);
    listen_close(s);
    metrics_close(s);
    while (!link_alone(&s->clients)) {
        struct client *c = LINK_OF(s->clients.next, struct client, all);
        client_flush(c);
        client_close(c);
    }
    clients_reap(s);
    tls_free(&s->tls);
    client_free_loader(s);
    live_search_close(s);
    departures_close(s);
    if (s->persist) persist_close(&s->persist);
    loop_close(s);
    for (int i = 0; i < (int)s->conf->databases; i++) {
        table_fini(&s->watched[i], free_entry, NULL);
        table_fini(&s->waiting[i], free_entry, NULL);
    }
    mem_free(s->watched);
    mem_free(s->waiting);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) table_fini(maps[i], free_entry, NULL);
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
