/* server_conf.c -- see server_conf.h. */
#include "server/server_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/setting.h"
#include "server/acl.h"
#include "server/client.h"
#include "server/crash_report.h"
#include "server/departures.h"
#include "server/latency.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/privilege.h"
#include "server/title.h"
#include "server/tls.h"
#include "server/tracking.h"

/* --- in the words of the parts ------------------------------------------------------------------------- */

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

struct store_conf server_store_conf(const struct conf *c)
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
        .key_order_bytes = c->key_index_memory,
    };
}

struct persist_conf server_persist_conf(const struct conf *c)
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

/* What memd needs for itself and its HTTP port. */
static uint64_t own_descriptors(const struct conf *conf)
{
    return 32 + (conf->metrics_port ? METRICS_DESCRIPTORS : 0);
}

/* The kernel's table of descriptors doubles when it is full, and in a process with threads whoever opens one more waits then until
 * every processor has come to rest (RCU): 5 to 15 ms of the reactor, seven times on the way to 10,000 clients. So it has its
 * size before they come, and when that is before the threads nobody waits at all. */
static void make_room_for_descriptors(uint64_t n)
{
    int fd = eventfd(0, EFD_CLOEXEC), last = fd < 0 || n > INT_MAX ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, (int)n - 1);

    if (last >= 0) close(last);
    if (fd >= 0) close(fd);
}

/* Each client needs a descriptor. Raises the limit where the system allows; returns how many clients there can be. */
static uint64_t fit_descriptors(const struct conf *conf)
{
    const uint64_t clients = conf->maxclients, own = own_descriptors(conf);
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

void server_limit_clients(struct server *s)
{
    uint64_t can = fit_descriptors(s->conf);

    make_room_for_descriptors(can + own_descriptors(s->conf));
    if (can == s->conf->maxclients) return;
    log_warning(s->log, "maxclients has been reduced from %llu to %llu to fit the limit of open files.",
                (unsigned long long)s->conf->maxclients, (unsigned long long)can);
    s->conf->maxclients = can;
}

/* --- changing settings --------------------------------------------------------------------------------- */

static bool apply_maxclients(struct server *s, const char **blame, char *why)
{
    uint64_t can = fit_descriptors(s->conf);

    if (can == s->conf->maxclients) {
        make_room_for_descriptors(can + own_descriptors(s->conf));
        return true;
    }
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
    log_set_level(log, c->loglevel);
    log_hide_data(log, c->hide_user_data_from_log);
    log_set_format(log, c->log_format, c->log_timestamp_format);
    if (c->syslog_enabled) log_to_syslog(log, "/dev/log", c->syslog_ident, c->syslog_facility);
    else log_leave_syslog(log);
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

void server_apply_plain(struct server *s)
{
    s->store->conf = server_store_conf(s->conf);
    s->store->tell_misses = (s->conf->notify_keyspace_events & CONF_NOTIFY_MISS) != 0;
    latency_set_threshold(s->latency, s->conf->latency_monitor_threshold);
    if (s->title) title_show(s->title, s->conf);
    user_limits_apply(s);
    tracking_shrink(s);
}

bool server_apply_conf(struct server *s, const struct setting *const *changed, size_t n, const char **blame,
                       char *why)
{
    struct persist_conf p = server_persist_conf(s->conf);
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
    server_apply_plain(s);
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
