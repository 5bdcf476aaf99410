/* CONFIG GET and CONFIG SET. */
#include "tests/unit/conf/fixture.h"

/* --- get -------------------------------------------------------------------------------------- */

static void join(void *ctx, struct str name, struct str value)
{
    struct buf *b = ctx;

    if (b->n > 0) buf_add_char(b, '|');
    buf_add_str(b, name);
    buf_add_char(b, '=');
    buf_add_str(b, value);
}

#define GET(...) get((const char *const[]){ __VA_ARGS__, NULL })

/* "name=value|name=value" of all that matches. */
static const char *get(const char *const *patterns)
{
    static struct buf b;
    struct str list[8];
    size_t n = 0;

    for (; *patterns != NULL; patterns++) list[n++] = str_c(*patterns);
    buf_clear(&b);
    ck_assert_uint_eq(conf_get(&conf, list, n, NULL, NULL), conf_get(&conf, list, n, join, &b));
    buf_add_char(&b, '\0');
    return b.p;
}

START_TEST(a_plain_name_is_told_as_it_was_asked_for)
{
    ck_assert_str_eq(GET("maxmemory"), "maxmemory=0");
    ck_assert_str_eq(GET("MaxMemory"), "MaxMemory=0");
    ck_assert_str_eq(GET("no-such"), "");
    ck_assert_str_eq(GET("slave-read-only"), "slave-read-only=yes");
}
END_TEST

START_TEST(a_pattern_matches_names_and_aliases)
{
    ck_assert_str_eq(GET("zset*"), "zset-max-listpack-entries=128|zset-max-ziplist-entries=128|"
                                   "zset-max-listpack-value=64|zset-max-ziplist-value=64");
    ck_assert_str_eq(GET("LFU-*"), "lfu-log-factor=10|lfu-decay-time=1");
    ck_assert_str_eq(GET("*of"), "replicaof=|slaveof=");
}
END_TEST

START_TEST(nothing_is_told_twice)
{
    ck_assert_str_eq(GET("lfu-decay-time", "lfu-*", "lfu*time"),
                     "lfu-log-factor=10|lfu-decay-time=1");
}
END_TEST

START_TEST(hidden_settings_must_be_asked_for_by_name)
{
    ck_assert_str_eq(GET("key-load*"), "");
    ck_assert_ptr_null(strstr(GET("*"), "key-load-delay"));
    ck_assert_str_eq(GET("key-load-delay"), "key-load-delay=0");
}
END_TEST

START_TEST(names_of_later_versions_must_be_asked_for)
{
    ck_assert_str_eq(GET("bio*"), "bio_cpulist=");
    ck_assert_str_eq(GET("bio-cpulist"), "bio-cpulist=");
}
END_TEST

START_TEST(lines_of_files_are_unknown_to_clients)
{
    ck_assert_str_eq(GET("user", "include", "rename-command", "loadmodule"), "");
}
END_TEST

START_TEST(secrets_are_known_as_such)
{
    ck_assert(conf_is_secret(STR("RequirePass")));
    ck_assert(conf_is_secret(STR("masterauth")));
    ck_assert(!conf_is_secret(STR("port")));
    ck_assert(!conf_is_secret(STR("no-such")));
}
END_TEST

/* --- set -------------------------------------------------------------------------------------- */

#define SET(...) set_as(&anybody, (const char *const[]){ __VA_ARGS__, NULL })

static const struct conf_change anybody;

/* Set pairs of names and values; the error, or "". */
static const char *set_as(const struct conf_change *how, const char *const *args)
{
    static struct buf error;
    struct str pairs[16];
    size_t n = 0;
    enum err e;

    for (; *args != NULL; args++) pairs[n++] = str_c(*args);
    buf_clear(&error);
    e = conf_set(&conf, pairs, n / 2, how, &error);
    ck_assert_int_eq(e == OK, error.n == 0);
    buf_add_char(&error, '\0');
    return error.p;
}

START_TEST(several_settings_change_at_once)
{
    ck_assert_str_eq(SET("maxmemory", "10mb", "SAVE", "3000 5", "lua-time-limit", "7"), "");
    expect_value("maxmemory", "10485760");
    expect_value("save", "3000 5");
    expect_value("busy-reply-threshold", "7");
}
END_TEST

START_TEST(set_replaces_what_lines_of_a_file_would_add_to)
{
    ck_assert_str_eq(SET("save", "60 1"), "");
    ck_assert_str_eq(SET("save", "5 5"), "");
    expect_value("save", "5 5");
    ck_assert_str_eq(SET("save", ""), "");
    expect_value("save", "");
    ck_assert_str_eq(SET("bind", "1.1.1.1 2.2.2.2"), "");
    ck_assert_str_eq(SET("bind", ""), "");
    expect_value("bind", "");
    ck_assert_str_eq(SET("client-output-buffer-limit", "slave 1mb 2mb 3"), "");
    expect_value("client-output-buffer-limit",
                 "normal 0 0 0 slave 1048576 2097152 3 pubsub 33554432 8388608 60");
    ck_assert_str_eq(SET("latency-tracking-info-percentiles", ""), "");
    expect_value("latency-tracking-info-percentiles", "");
}
END_TEST

START_TEST(no_setting_is_changed_when_one_is_refused)
{
    ck_assert_str_eq(SET("maxmemory", "10000002"), "");
    ck_assert_str_eq(SET("maxmemory", "10000001", "bind", "9.9.9.9", "requirepass", "x",
                         "maxmemory-clients", "200%", "client-query-buffer-limit", "invalid"),
                     "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - "
                     "percentage argument must be less or equal to 100");
    expect_value("maxmemory", "10000002");
    expect_value("maxmemory-clients", "0");
    expect_value("bind", "127.0.0.1 -::1");
    expect_value("requirepass", "");
}
END_TEST

START_TEST(refusals_have_the_texts_of_redis)
{
    ck_assert_str_eq(SET("no-such", "1"),
                     "ERR Unknown option or number of arguments for CONFIG SET - 'no-such'");
    ck_assert_str_eq(SET("include", "/x"),
                     "ERR Unknown option or number of arguments for CONFIG SET - 'include'");
    ck_assert_str_eq(SET("Daemonize", "yes"),
                     "ERR CONFIG SET failed (possibly related to argument 'Daemonize') - can't set "
                     "immutable config");
    ck_assert_str_eq(SET("maxmemory", "1", "maxmemory", "2"),
                     "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate "
                     "parameter");
    ck_assert_str_eq(SET("hash-max-listpack-value", "1", "hash-max-ziplist-value", "2"),
                     "ERR CONFIG SET failed (possibly related to argument "
                     "'hash-max-ziplist-value') - duplicate parameter");
    ck_assert_str_eq(SET("appendonly", "maybe"),
                     "ERR CONFIG SET failed (possibly related to argument 'appendonly') - argument "
                     "must be 'yes' or 'no'");
    ck_assert_str_eq(SET("activedefrag", "yes"),
                     "ERR CONFIG SET failed (possibly related to argument 'activedefrag') - Active "
                     "defragmentation cannot be enabled: memd has none");
    ck_assert_str_eq(SET("shutdown-on-sigterm", ""),
                     "ERR CONFIG SET failed (possibly related to argument 'shutdown-on-sigterm') - "
                     "argument(s) must be one of the following: default, save, nosave, now, force");
}
END_TEST

START_TEST(protected_settings_follow_enable_protected_configs)
{
    static const char refused[] =
        "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected "
        "config";
    const struct conf_change near = { .is_local = true };
    const char *const set_it[] = { "dbfilename", "x.rdb", NULL };

    ck_assert_str_eq(set_as(&near, set_it), refused);
    conf.enable_protected_configs = CONF_GUARD_LOCAL;
    ck_assert_str_eq(set_as(&anybody, set_it), refused);
    ck_assert_str_eq(set_as(&near, set_it), "");
    conf.enable_protected_configs = CONF_GUARD_YES;
    ck_assert_str_eq(set_as(&anybody, set_it), "");
    expect_value("dbfilename", "x.rdb");
}
END_TEST

START_TEST(dir_must_exist_once_the_daemon_runs)
{
    conf.enable_protected_configs = CONF_GUARD_YES;
    ck_assert_str_eq(SET("dir", "/none/at/all"),
                     "ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or "
                     "directory");
    ck_assert_str_eq(SET("dir", test_file("f", "")),
                     "ERR CONFIG SET failed (possibly related to argument 'dir') - Not a "
                     "directory");
    ck_assert_str_eq(SET("dir", test_dir()), "");
    ck_assert_str_eq(conf.dir, test_dir());
}
END_TEST

START_TEST(some_settings_wait_until_data_is_loaded)
{
    const struct conf_change loading = { .is_loading = true };
    const char *const appendonly[] = { "appendonly", "yes", NULL };
    const char *const loglevel[] = { "loglevel", "debug", NULL };

    ck_assert_str_eq(set_as(&loading, appendonly),
                     "LOADING Redis is loading the dataset in memory");
    ck_assert_str_eq(set_as(&loading, loglevel), "");
}
END_TEST

/* --- putting to work -------------------------------------------------------------------------- */

/* What apply was called with: "name name;" for each call, and the port it saw. */
struct heard {
    char calls[256];
    int64_t port;
    bool refuse;
};

static bool hear(void *ctx, const struct setting *const *changed, size_t n, struct conf_refusal *r)
{
    static const char *const names[] = { "port", "maxmemory", "requirepass", "bind" };
    struct heard *h = ctx;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (conf_changed(changed, n, names[i])) strcat(strcat(h->calls, names[i]), " ");
    }
    strcat(h->calls, ";");
    h->port = conf.port;
    if (!h->refuse) return true;
    h->refuse = false;
    r->setting = changed[n - 1];
    strcpy(r->why, "Unable to listen on this port. Check server logs.");
    return false;
}

START_TEST(apply_hears_of_what_has_a_new_value)
{
    struct heard h = { .port = 0 };
    const struct conf_change how = { .apply = hear, .ctx = &h };

    ck_assert_str_eq(set_as(&how, (const char *[]){ "port", "7000", "maxmemory", "0", "bind",
                                                    "127.0.0.1 -::1", NULL }),
                     "");
    ck_assert_str_eq(h.calls, "port ;");
    ck_assert_int_eq(h.port, 7000);
    ck_assert_str_eq(set_as(&how, (const char *[]){ "port", "7000", NULL }), "");
    ck_assert_str_eq(h.calls, "port ;");
}
END_TEST

START_TEST(what_cannot_be_applied_is_taken_back)
{
    struct heard h = { .refuse = true };
    const struct conf_change how = { .apply = hear, .ctx = &h };

    ck_assert_str_eq(set_as(&how, (const char *[]){ "maxmemory", "7", "requirepass", "x", "port",
                                                    "7000", NULL }),
                     "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to "
                     "listen on this port. Check server logs.");
    ck_assert_str_eq(h.calls, "port maxmemory requirepass ;port maxmemory requirepass ;");
    ck_assert_int_eq(h.port, 6379); /* the second call saw the old value */
    expect_value("port", "6379");
    expect_value("maxmemory", "0");
    expect_value("requirepass", "");
}
END_TEST

/* --- all of them
 * ------------------------------------------------------------------------------------ */

struct pair {
    char name[64], value[160];
};

static void remember(void *ctx, struct str name, struct str value)
{
    struct pair **next = ctx;

    snprintf((*next)->name, sizeof(*next)->name, "%.*s", (int)name.n, name.p);
    snprintf((*next)->value, sizeof(*next)->value, "%.*s", (int)value.n, value.n ? value.p : "");
    (*next)++;
}

START_TEST(every_setting_takes_the_value_it_shows)
{
    static struct pair pairs[400];
    struct pair *end = pairs;
    struct str star = STR("*");

    ck_assert_uint_lt(conf_get(&conf, &star, 1, NULL, NULL), 400);
    conf_get(&conf, &star, 1, remember, &end);
    for (struct pair *p = pairs; p < end; p++) {
        const char *error = SET(p->name, p->value);

        if (strstr(error, "immutable") != NULL || strstr(error, "protected") != NULL) continue;
        ck_assert_str_eq(error, "");
        expect_value(p->name, p->value);
    }
}
END_TEST

START_TEST(every_setting_of_redis_7_is_known)
{
    static const char *const names[] = {
        "rdbchecksum",
        "daemonize",
        "io-threads-do-reads",
        "always-show-logo",
        "protected-mode",
        "rdbcompression",
        "rdb-del-sync-files",
        "activerehashing",
        "stop-writes-on-bgsave-error",
        "set-proc-title",
        "dynamic-hz",
        "lazyfree-lazy-eviction",
        "lazyfree-lazy-expire",
        "lazyfree-lazy-server-del",
        "lazyfree-lazy-user-del",
        "lazyfree-lazy-user-flush",
        "repl-disable-tcp-nodelay",
        "repl-diskless-sync",
        "aof-rewrite-incremental-fsync",
        "no-appendfsync-on-rewrite",
        "cluster-require-full-coverage",
        "rdb-save-incremental-fsync",
        "aof-load-truncated",
        "aof-use-rdb-preamble",
        "aof-timestamp-enabled",
        "cluster-replica-no-failover",
        "cluster-slave-no-failover",
        "replica-lazy-flush",
        "slave-lazy-flush",
        "replica-serve-stale-data",
        "slave-serve-stale-data",
        "replica-read-only",
        "slave-read-only",
        "replica-ignore-maxmemory",
        "slave-ignore-maxmemory",
        "jemalloc-bg-thread",
        "activedefrag",
        "syslog-enabled",
        "cluster-enabled",
        "appendonly",
        "cluster-allow-reads-when-down",
        "cluster-allow-pubsubshard-when-down",
        "crash-log-enabled",
        "crash-memcheck-enabled",
        "use-exit-on-panic",
        "disable-thp",
        "cluster-allow-replica-migration",
        "replica-announced",
        "latency-tracking",
        "aof-disable-auto-gc",
        "replica-ignore-disk-write-errors",
        "aclfile",
        "unixsocket",
        "pidfile",
        "replica-announce-ip",
        "slave-announce-ip",
        "masteruser",
        "cluster-announce-ip",
        "cluster-config-file",
        "cluster-announce-hostname",
        "cluster-announce-human-nodename",
        "syslog-ident",
        "dbfilename",
        "appendfilename",
        "appenddirname",
        "server_cpulist",
        "bio_cpulist",
        "aof_rewrite_cpulist",
        "bgsave_cpulist",
        "ignore-warnings",
        "proc-title-template",
        "bind-source-addr",
        "logfile",
        "locale-collate",
        "masterauth",
        "requirepass",
        "supervised",
        "syslog-facility",
        "repl-diskless-load",
        "loglevel",
        "maxmemory-policy",
        "appendfsync",
        "oom-score-adj",
        "acl-pubsub-default",
        "sanitize-dump-payload",
        "enable-protected-configs",
        "enable-debug-command",
        "enable-module-command",
        "cluster-preferred-endpoint-type",
        "propagation-error-behavior",
        "shutdown-on-sigint",
        "shutdown-on-sigterm",
        "databases",
        "port",
        "io-threads",
        "auto-aof-rewrite-percentage",
        "cluster-replica-validity-factor",
        "cluster-slave-validity-factor",
        "list-max-listpack-size",
        "list-max-ziplist-size",
        "tcp-keepalive",
        "cluster-migration-barrier",
        "active-defrag-cycle-min",
        "active-defrag-cycle-max",
        "active-defrag-threshold-lower",
        "active-defrag-threshold-upper",
        "lfu-log-factor",
        "lfu-decay-time",
        "replica-priority",
        "slave-priority",
        "repl-diskless-sync-delay",
        "maxmemory-samples",
        "maxmemory-eviction-tenacity",
        "timeout",
        "replica-announce-port",
        "slave-announce-port",
        "tcp-backlog",
        "cluster-port",
        "cluster-announce-bus-port",
        "cluster-announce-port",
        "cluster-announce-tls-port",
        "repl-timeout",
        "repl-ping-replica-period",
        "repl-ping-slave-period",
        "list-compress-depth",
        "rdb-key-save-delay",
        "key-load-delay",
        "active-expire-effort",
        "hz",
        "min-replicas-to-write",
        "min-slaves-to-write",
        "min-replicas-max-lag",
        "min-slaves-max-lag",
        "watchdog-period",
        "shutdown-timeout",
        "repl-diskless-sync-max-replicas",
        "maxclients",
        "unixsocketperm",
        "socket-mark-id",
        "active-defrag-max-scan-fields",
        "slowlog-max-len",
        "acllog-max-len",
        "busy-reply-threshold",
        "lua-time-limit",
        "cluster-node-timeout",
        "cluster-ping-interval",
        "slowlog-log-slower-than",
        "latency-monitor-threshold",
        "proto-max-bulk-len",
        "stream-node-max-entries",
        "repl-backlog-size",
        "maxmemory",
        "cluster-link-sendbuf-limit",
        "hash-max-listpack-entries",
        "hash-max-ziplist-entries",
        "set-max-intset-entries",
        "set-max-listpack-entries",
        "set-max-listpack-value",
        "zset-max-listpack-entries",
        "zset-max-ziplist-entries",
        "active-defrag-ignore-bytes",
        "hash-max-listpack-value",
        "hash-max-ziplist-value",
        "stream-node-max-bytes",
        "zset-max-listpack-value",
        "zset-max-ziplist-value",
        "hll-sparse-max-bytes",
        "tracking-table-max-keys",
        "client-query-buffer-limit",
        "maxmemory-clients",
        "repl-backlog-ttl",
        "auto-aof-rewrite-min-size",
        "loading-process-events-interval-bytes",
        "tls-port",
        "tls-session-cache-size",
        "tls-session-cache-timeout",
        "tls-cluster",
        "tls-replication",
        "tls-auth-clients",
        "tls-auth-clients-user",
        "tls-prefer-server-ciphers",
        "tls-session-caching",
        "tls-cert-file",
        "tls-key-file",
        "tls-key-file-pass",
        "tls-client-cert-file",
        "tls-client-key-file",
        "tls-client-key-file-pass",
        "tls-dh-params-file",
        "tls-ca-cert-file",
        "tls-ca-cert-dir",
        "tls-protocols",
        "tls-ciphers",
        "tls-ciphersuites",
        "dir",
        "save",
        "client-output-buffer-limit",
        "oom-score-adj-values",
        "notify-keyspace-events",
        "bind",
        "replicaof",
        "slaveof",
        "latency-tracking-info-percentiles",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str name = str_c(names[i]);

        if (conf_get(&conf, &name, 1, NULL, NULL) != 1) ck_abort_msg("%s is unknown", names[i]);
    }
}
END_TEST

UNIT_MAIN_AROUND("change", conf_set_up, conf_tear_down, a_plain_name_is_told_as_it_was_asked_for,
                 a_pattern_matches_names_and_aliases, nothing_is_told_twice,
                 hidden_settings_must_be_asked_for_by_name, names_of_later_versions_must_be_asked_for,
                 lines_of_files_are_unknown_to_clients,
                 secrets_are_known_as_such, several_settings_change_at_once,
                 set_replaces_what_lines_of_a_file_would_add_to,
                 no_setting_is_changed_when_one_is_refused, refusals_have_the_texts_of_redis,
                 protected_settings_follow_enable_protected_configs,
                 dir_must_exist_once_the_daemon_runs, some_settings_wait_until_data_is_loaded,
                 apply_hears_of_what_has_a_new_value, what_cannot_be_applied_is_taken_back,
                 every_setting_takes_the_value_it_shows, every_setting_of_redis_7_is_known)
