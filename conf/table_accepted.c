/* table_accepted.c -- settings of Redis that have no effect in memd.
 *
 * They are checked with Redis's types and ranges, remembered, shown and rewritten, so that files
 * and tools made for Redis work. To give one a meaning, move its row to the section where it
 * belongs and name its field. */
#include "base/num.h"
#include "conf/list.h"
#include "conf/table.h"

/* Nothing is followed yet, but what does not read as "host port" is refused all the same. */
static const char *settle_replicaof(void *field, bool at_start)
{
    struct conf_list *l = field;
    int64_t port;

    (void)at_start;
    if (l->n != 2) return "wrong number of arguments";
    if (str_is(str_c(l->items[0]), "no") && str_is(str_c(l->items[1]), "one")) {
        conf_list_fini(l);
        return NULL;
    }
    if (num_parse_i64(str_c(l->items[1]), &port) && port >= 0 && port <= 65535) return NULL;
    return "Invalid master port";
}

/* A file may ask for it, as files for Redis do. A client who asks must hear that it cannot be had:
 * it would wait for an effect. */
static const char *settle_defrag(void *field, bool at_start)
{
    bool *yes = field;

    if (!*yes) return NULL;
    if (!at_start) return "Active defragmentation cannot be enabled: memd has none";
    *yes = false;
    return NULL;
}

static const char *settle_hostname(void *field, bool at_start)
{
    const char *name = *(char **)field;
    size_t n = strlen(name);

    (void)at_start;
    if (n >= 256) return "Hostnames must be less than 256 characters";
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == n) {
        return NULL;
    }
    return "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

static const char *settle_nodename(void *field, bool at_start)
{
    (void)at_start;
    if (strpbrk(*(char **)field, "!#$%&()*+:;<>?@[]^{|}~") == NULL) return NULL;
    return "Announced human node name contained invalid character";
}

static const struct word diskless_words[] = {
    { "disabled", 0 },
    { "on-empty-db", 1 },
    { "swapdb", 2 },
    { 0 },
};
static const struct word sanitize_words[] = { { "no", 0 }, { "yes", 1 }, { "clients", 2 }, { 0 } };
static const struct word endpoint_words[] = {
    { "ip", 0 },
    { "hostname", 1 },
    { "unknown-endpoint", 2 },
    { 0 },
};
static const struct word behavior_words[] = {
    { "ignore", 0 },
    { "panic", 1 },
    { "panic-on-replicas", 2 },
    { 0 },
};

#define LIKE(k, value, more) .kind = &(k), .initial = (value), .flags = SETTING_ACCEPTED | (more)
#define LIKE_BOOL(value, more) LIKE(kind_bool, value, more)
#define LIKE_INT(lo, hi, value, more) LIKE(kind_int, value, more), .min = (lo), .max = (hi)
#define LIKE_BYTES(lo, hi, value, more) LIKE(kind_bytes, value, more), .min = (lo), .max = (hi)
#define LIKE_WORD(list, value, more) LIKE(kind_word, value, more), .words = (list)
/* Text that is not there when it is empty. */
#define LIKE_TEXT(value, more) LIKE(kind_text, value, (more) | SETTING_DROP)

enum {
    FIXED = SETTING_IMMUTABLE,
    HIDDEN = SETTING_HIDDEN,
    QUIET = SETTING_QUIET_ALIAS,
    SECRET = SETTING_SECRET,
    FILE_ONLY = SETTING_FILE_ONLY | SETTING_MULTI | SETTING_DROP
};

const struct setting accepted_settings[] = {
    /* Threads, processes, allocator, test aids */
    { "io-threads", LIKE_INT(1, 128, "1", FIXED) },
    { "io-threads-do-reads", LIKE_BOOL("no", FIXED) },
    { "server_cpulist", LIKE_TEXT("", FIXED | QUIET), .alias = "server-cpulist" },
    { "bio_cpulist", LIKE_TEXT("", FIXED | QUIET), .alias = "bio-cpulist" },
    { "aof_rewrite_cpulist", LIKE_TEXT("", FIXED | QUIET), .alias = "aof-rewrite-cpulist" },
    { "bgsave_cpulist", LIKE_TEXT("", FIXED | QUIET), .alias = "bgsave-cpulist" },
    { "ignore-warnings", LIKE_TEXT("", 0) },
    { "locale-collate", LIKE_TEXT("", 0) },
    { "jemalloc-bg-thread", LIKE_BOOL("yes", 0) },
    { "activerehashing", LIKE_BOOL("yes", 0) },
    { "dynamic-hz", LIKE_BOOL("yes", 0) },
    { "always-show-logo", LIKE_BOOL("no", FIXED) },
    { "crash-memcheck-enabled", LIKE_BOOL("yes", 0) },
    { "shutdown-timeout", LIKE_INT(0, INT_MAX, "10", 0) },
    { "rdb-save-incremental-fsync", LIKE_BOOL("yes", 0) },
    { "aof-rewrite-incremental-fsync", LIKE_BOOL("yes", 0) },
    { "bind-source-addr", LIKE_TEXT("", 0) },
    { "socket-mark-id", LIKE_INT(0, UINT_MAX, "0", FIXED) },
    { "busy-poll-us", LIKE_INT(0, 1000000, "0", 0) },
    { "maxmemory-eviction-tenacity", LIKE_INT(0, 100, "10", 0) },
    { "activedefrag", LIKE_BOOL("no", 0), .settle = settle_defrag },
    { "active-defrag-cycle-min", LIKE_INT(1, 99, "1", 0) },
    { "active-defrag-cycle-max", LIKE_INT(1, 99, "25", 0) },
    { "active-defrag-threshold-lower", LIKE_INT(0, 1000, "10", 0) },
    { "active-defrag-threshold-upper", LIKE_INT(0, 1000, "100", 0) },
    { "active-defrag-ignore-bytes", LIKE_BYTES(1, INT64_MAX, "100mb", 0) },
    { "active-defrag-max-scan-fields", LIKE_INT(1, LONG_MAX, "1000", 0) },
    { "active-expire-effort", LIKE_INT(1, 10, "1", 0) },
    { "sanitize-dump-payload", LIKE_WORD(sanitize_words, "no", 0) },
    { "propagation-error-behavior", LIKE_WORD(behavior_words, "ignore", 0) },
    { "use-exit-on-panic", LIKE_BOOL("no", HIDDEN) },
    { "aof-disable-auto-gc", LIKE_BOOL("no", HIDDEN) },
    { "loading-process-events-interval-bytes", LIKE_INT(1024, INT_MAX, "2097152", HIDDEN) },

    /* Replication */
    { "replicaof", LIKE(kind_list, NULL, FIXED | SETTING_MULTI | SETTING_DROP), .alias = "slaveof",
      .settle = settle_replicaof, .accepts = "a host and a port, or no one" },
    { "masterauth", LIKE_TEXT("", SECRET) },
    { "masteruser", LIKE_TEXT("", SECRET) },
    { "replica-serve-stale-data", LIKE_BOOL("yes", 0), .alias = "slave-serve-stale-data" },
    { "replica-read-only", LIKE_BOOL("yes", 0), .alias = "slave-read-only" },
    { "replica-lazy-flush", LIKE_BOOL("no", 0), .alias = "slave-lazy-flush" },
    { "replica-ignore-maxmemory", LIKE_BOOL("yes", 0), .alias = "slave-ignore-maxmemory" },
    { "replica-ignore-disk-write-errors", LIKE_BOOL("no", 0) },
    { "replica-priority", LIKE_INT(0, INT_MAX, "100", 0), .alias = "slave-priority" },
    { "replica-announced", LIKE_BOOL("yes", 0) },
    { "replica-announce-ip", LIKE_TEXT("", 0), .alias = "slave-announce-ip" },
    { "replica-announce-port", LIKE_INT(0, 65535, "0", 0), .alias = "slave-announce-port" },
    { "repl-diskless-sync", LIKE_BOOL("yes", 0) },
    { "repl-diskless-sync-delay", LIKE_INT(0, INT_MAX, "5", 0) },
    { "repl-diskless-sync-max-replicas", LIKE_INT(0, INT_MAX, "0", 0) },
    { "repl-diskless-load", LIKE_WORD(diskless_words, "disabled", SETTING_WAITS) },
    { "repl-disable-tcp-nodelay", LIKE_BOOL("no", 0) },
    { "repl-ping-replica-period", LIKE_INT(1, INT_MAX, "10", 0),
      .alias = "repl-ping-slave-period" },
    { "repl-timeout", LIKE_INT(1, INT_MAX, "60", 0) },
    { "repl-backlog-size", LIKE_BYTES(1, INT64_MAX, "1mb", 0) },
    { "repl-backlog-ttl", LIKE_INT(0, LONG_MAX, "3600", 0) },
    { "rdb-del-sync-files", LIKE_BOOL("no", 0) },

    /* TLS of what memd would connect to */
    { "tls-client-cert-file", LIKE_TEXT("", 0) },
    { "tls-client-key-file", LIKE_TEXT("", 0) },
    { "tls-client-key-file-pass", LIKE_TEXT("", SECRET) },
    { "tls-replication", LIKE_BOOL("no", 0) },
    { "tls-cluster", LIKE_BOOL("no", 0) },

    /* Cluster */
    { "cluster-enabled", LIKE_BOOL("no", FIXED) },
    { "cluster-config-file", LIKE(kind_text, "nodes.conf", FIXED) },
    { "cluster-port", LIKE_INT(0, 65535, "0", FIXED) },
    { "cluster-node-timeout", LIKE_INT(0, INT64_MAX, "15000", 0) },
    { "cluster-ping-interval", LIKE_INT(0, INT64_MAX, "0", HIDDEN) },
    { "cluster-replica-validity-factor", LIKE_INT(0, INT_MAX, "10", 0),
      .alias = "cluster-slave-validity-factor" },
    { "cluster-replica-no-failover", LIKE_BOOL("no", 0), .alias = "cluster-slave-no-failover" },
    { "cluster-migration-barrier", LIKE_INT(0, INT_MAX, "1", 0) },
    { "cluster-allow-replica-migration", LIKE_BOOL("yes", 0) },
    { "cluster-require-full-coverage", LIKE_BOOL("yes", 0) },
    { "cluster-allow-reads-when-down", LIKE_BOOL("no", 0) },
    { "cluster-allow-pubsubshard-when-down", LIKE_BOOL("yes", 0) },
    { "cluster-link-sendbuf-limit", LIKE_BYTES(0, INT64_MAX, "0", 0) },
    { "cluster-announce-ip", LIKE_TEXT("", 0) },
    { "cluster-announce-port", LIKE_INT(0, 65535, "0", 0) },
    { "cluster-announce-tls-port", LIKE_INT(0, 65535, "0", 0) },
    { "cluster-announce-bus-port", LIKE_INT(0, 65535, "0", 0) },
    { "cluster-announce-hostname", LIKE_TEXT("", 0), .settle = settle_hostname },
    { "cluster-announce-human-nodename", LIKE_TEXT("", 0), .settle = settle_nodename },
    { "cluster-preferred-endpoint-type", LIKE_WORD(endpoint_words, "ip", 0) },

    /* Lines of files that no client sees */
    { "loadmodule", LIKE(kind_lines, NULL, FILE_ONLY) },
    { "list-max-ziplist-entries", LIKE(kind_lines, NULL, FILE_ONLY) },
    { "list-max-ziplist-value", LIKE(kind_lines, NULL, FILE_ONLY) },
    { "lua-replicate-commands", LIKE(kind_lines, NULL, FILE_ONLY) },
    { 0 },
};
