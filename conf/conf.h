/* conf.h -- the settings: memd.conf, environment and command line to a typed struct, and back.
 *
 * One table (setting.h, table_*.c) says all that is known of a setting: name, type, range, default,
 * documentation. What is read, shown by CONFIG GET, changed by CONFIG SET, written by CONFIG
 * REWRITE and printed as the documented memd.conf comes from its row alone. To add a setting: one
 * field here, one row there.
 *
 * The names, types and texts are those of Redis 7.2. Settings of Redis that have no meaning in memd
 * are rows without a field (table_accepted.c): they are checked and remembered, so that a
 * redis.conf and the tools around work unchanged, and each leaves a line in `warnings`.
 *
 * A field is named as its setting, with _ for -. Numbers are 64 bits wide: int64_t where a negative
 * number means something, else uint64_t. Texts are NUL-terminated, never NULL, "" when not set. All
 * memory belongs to the struct; CONFIG SET replaces texts and lists, so borrow them for a call
 * only. */
#ifndef MEMD_CONF_CONF_H
#define MEMD_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

struct buf;
struct setting;
union conf_value;

enum conf_policy {
    CONF_POLICY_NOEVICTION,
    CONF_POLICY_ALLKEYS_LRU,
    CONF_POLICY_ALLKEYS_LFU,
    CONF_POLICY_ALLKEYS_LRM,
    CONF_POLICY_ALLKEYS_RANDOM,
    CONF_POLICY_VOLATILE_LRU,
    CONF_POLICY_VOLATILE_LFU,
    CONF_POLICY_VOLATILE_LRM,
    CONF_POLICY_VOLATILE_RANDOM,
    CONF_POLICY_VOLATILE_TTL
};

enum conf_fsync { CONF_FSYNC_NO, CONF_FSYNC_ALWAYS, CONF_FSYNC_EVERYSEC };
/* The last two are for memd --repair alone. */
enum conf_recover { CONF_RECOVER_NO, CONF_RECOVER_SALVAGE, CONF_RECOVER_REPAIR, CONF_RECOVER_REPAIR_PART };

/* Who may use a guarded command: nobody, everybody, or clients on this machine. */
enum conf_guard { CONF_GUARD_NO, CONF_GUARD_YES, CONF_GUARD_LOCAL };

/* The channels that a new user may use. */
enum conf_channels { CONF_CHANNELS_NONE, CONF_CHANNELS_ALL };

/* Who has started memd and waits to hear of it. */
enum conf_supervised { CONF_SUPERVISED_NO, CONF_SUPERVISED_UPSTART, CONF_SUPERVISED_SYSTEMD, CONF_SUPERVISED_AUTO };

/* What memd gives up after it has started. AUTO: what the system has and other settings do not need. */
enum conf_sandbox { CONF_SANDBOX_NO, CONF_SANDBOX_AUTO, CONF_SANDBOX_YES };

/* What happens to a system call that memd does not need. */
enum conf_calls { CONF_CALLS_ALL, CONF_CALLS_REFUSE, CONF_CALLS_KILL };

enum conf_oom_adj { CONF_OOM_NO, CONF_OOM_RELATIVE, CONF_OOM_ABSOLUTE };

/* Certificates of clients: none is asked for; one is demanded; one that is sent must be good. */
enum conf_tls_auth { CONF_TLS_AUTH_NO, CONF_TLS_AUTH_YES, CONF_TLS_AUTH_OPTIONAL };

/* The part of a client's certificate that names its user. */
enum conf_tls_user { CONF_TLS_USER_OFF, CONF_TLS_USER_CN, CONF_TLS_USER_URI };

/* shutdown-on-sigint, shutdown-on-sigterm: bits, 0 for "default". */
enum conf_shutdown {
    CONF_SHUTDOWN_SAVE = 1,
    CONF_SHUTDOWN_NOSAVE = 2,
    CONF_SHUTDOWN_NOW = 4,
    CONF_SHUTDOWN_FORCE = 8
};

/* notify-keyspace-events: bits. CONF_NOTIFY_ALL is the letter A: all but n, m, K and E. */
enum conf_notify {
    CONF_NOTIFY_GENERIC = 1 << 0,
    CONF_NOTIFY_STRING = 1 << 1,
    CONF_NOTIFY_LIST = 1 << 2,
    CONF_NOTIFY_SET = 1 << 3,
    CONF_NOTIFY_HASH = 1 << 4,
    CONF_NOTIFY_ZSET = 1 << 5,
    CONF_NOTIFY_EXPIRED = 1 << 6,
    CONF_NOTIFY_EVICTED = 1 << 7,
    CONF_NOTIFY_STREAM = 1 << 8,
    CONF_NOTIFY_MODULE = 1 << 9,
    CONF_NOTIFY_ALL = (1 << 10) - 1,
    CONF_NOTIFY_NEW = 1 << 10,
    CONF_NOTIFY_KEYSPACE = 1 << 11,
    CONF_NOTIFY_KEYEVENT = 1 << 12,
    CONF_NOTIFY_MISS = 1 << 13
};

enum conf_class { CONF_CLASS_NORMAL, CONF_CLASS_REPLICA, CONF_CLASS_PUBSUB, CONF_CLASSES };

/* Texts, as many as there are. */
struct conf_list {
    char **items;
    size_t n;
};

struct conf_save_rule {
    int64_t seconds; /* save after so long ... */
    int64_t changes; /* ... when there were at least so many changes */
};

struct conf_save {
    struct conf_save_rule *rules;
    size_t n;
    bool is_default; /* the first rule of a file replaces these */
};

/* Reply bytes a client may have waiting: closed at hard, or after soft_seconds above soft. 0: no
 * limit. */
struct conf_output_limit {
    uint64_t hard, soft;
    int64_t soft_seconds;
};

struct conf_numbers {
    double *items;
    size_t n;
};

/* Whether the words of a line will do, asked of somebody who knows more; else *why says what is wrong. */
typedef bool conf_words_ok(const struct str *words, size_t n, struct buf *why);

enum conf_on_full { CONF_ON_FULL_REFUSE, CONF_ON_FULL_DROP };
enum conf_on_timeout { CONF_ON_TIMEOUT_ERROR, CONF_ON_TIMEOUT_MISS };
enum conf_search_on_timeout { CONF_SEARCH_FAIL, CONF_SEARCH_RETURN };
enum conf_fts { CONF_FTS_UNICODE, CONF_FTS_TRIGRAM, CONF_FTS_NONE };

struct conf {
    /* Network */
    struct conf_list bind; /* addresses; a leading '-': it may be missing on this machine */
    int64_t port;          /* 0: no TCP */
    bool protected_mode;
    int64_t tcp_backlog;
    int64_t tcp_keepalive; /* seconds, 0: off */
    int64_t timeout;       /* seconds an idle client may stay, 0: for ever */
    char *unixsocket;
    uint64_t unixsocketperm; /* mode bits, 0: as the umask says */
    int64_t max_new_connections_per_cycle, max_new_tls_connections_per_cycle;

    /* TLS */
    int64_t tls_port; /* 0: none */
    char *tls_cert_file, *tls_key_file, *tls_key_file_pass, *tls_dh_params_file;
    char *tls_ca_cert_file, *tls_ca_cert_dir;
    enum conf_tls_auth tls_auth_clients;
    enum conf_tls_user tls_auth_clients_user;
    char *tls_protocols, *tls_ciphers, *tls_ciphersuites; /* "": the defaults */
    bool tls_prefer_server_ciphers, tls_session_caching;
    int64_t tls_session_cache_size, tls_session_cache_timeout; /* sessions, seconds */
    int64_t tls_handshake_timeout;                             /* seconds */

    /* Clients */
    uint64_t maxclients;
    uint64_t proto_max_bulk_len;
    uint64_t client_query_buffer_limit;
    struct conf_output_limit client_output_buffer_limit[CONF_CLASSES];
    int64_t
        maxmemory_clients; /* bytes, or a negated percentage of maxmemory; see conf_client_memory */
    uint64_t tracking_table_max_keys;
    int64_t busy_reply_threshold; /* ms */

    /* General */
    bool daemonize;
    char *pidfile;
    char *dir; /* absolute */
    int64_t databases;
    enum log_level loglevel;
    char *logfile; /* "": standard output */
    enum log_format log_format;
    enum log_stamp log_timestamp_format;
    bool syslog_enabled;
    char *syslog_ident;
    int syslog_facility; /* as openlog takes it */
    bool set_proc_title;
    char *proc_title_template;
    int64_t hz;
    int shutdown_on_sigint, shutdown_on_sigterm; /* bits of enum conf_shutdown */
    bool crash_log_enabled;
    bool hide_user_data_from_log;
    int64_t watchdog_period; /* ms, 0: off */
    enum conf_oom_adj oom_score_adj;
    int64_t oom_score_adj_values[3]; /* primary, replica, helper process */
    bool disable_thp;
    bool follow_clock_jumps;

    /* Security */
    char *requirepass;
    int64_t auth_timeout;               /* seconds, 0: none */
    int64_t maxclients_unauthenticated; /* per cent of maxclients */
    struct conf_list user_limits;       /* name, requests a second, connections, name, ... */
    int64_t auth_delay_max;             /* ms, 0: no delay */
    char *aclfile;
    struct conf_list user; /* ACL rules of one user each: "name rule rule ..." */
    int64_t acllog_max_len;
    enum conf_channels acl_pubsub_default;
    enum conf_guard enable_debug_command, enable_module_command, enable_protected_configs;
    struct conf_list rename_command; /* from, to, from, to ...; to "": the command is removed */

    /* The process and what it may do */
    enum conf_supervised supervised;
    char *run_as; /* user or user:group; "": stay who we are */
    enum conf_sandbox sandbox;
    enum conf_calls system_calls;
    bool core_dumps, restart_in_place;

    /* Memory */
    uint64_t maxmemory; /* bytes, 0: no limit */
    enum conf_policy maxmemory_policy;
    int64_t maxmemory_samples;
    int64_t lfu_log_factor, lfu_decay_time;
    bool lazyfree_lazy_eviction, lazyfree_lazy_expire, lazyfree_lazy_server_del;
    bool lazyfree_lazy_user_del, lazyfree_lazy_user_flush;

    /* Snapshots */
    struct conf_save save;
    char *dbfilename;
    bool rdbcompression, rdbchecksum;
    int64_t snapshot_generations; /* 1 or 2 */
    bool stop_writes_on_bgsave_error;

    /* Append-only file */
    bool appendonly;
    enum conf_fsync appendfsync;
    char *appendfilename, *appenddirname;
    int64_t auto_aof_rewrite_percentage; /* 0: never */
    uint64_t auto_aof_rewrite_min_size;
    bool no_appendfsync_on_rewrite;
    enum conf_recover recover;
    bool aof_load_truncated, aof_use_rdb_preamble, aof_timestamp_enabled;

    /* Archive and namespaces */
    char *archive_file; /* in dir; "": there is none */
    uint64_t archive_queue_size, archive_max_value, archive_max_size;
    enum conf_on_full archive_on_full;
    enum conf_on_timeout archive_on_timeout;
    bool archive_compression, archive_messages;
    enum conf_fts archive_fts;
    int64_t archive_timeout, archive_query_timeout; /* ms */
    int64_t archive_query_rows, archive_recall_ttl; /* rows, seconds */
    struct conf_list namespaces; /* "pattern option value option value ..." */
    conf_words_ok *namespace_ok; /* not a setting: whether such a line will do; NULL: nobody asks */

    /* Search */
    int64_t search_timeout;        /* ms; 0: none */
    enum conf_search_on_timeout search_on_timeout;
    int64_t search_max_results;    /* rows */
    uint64_t search_results_memory, search_aggregate_memory;
    int64_t search_cursor_max_idle; /* ms */
    int64_t search_cursors;        /* of one index */
    int64_t search_default_dialect;
    int64_t search_keep_dropped;   /* seconds */

    /* Replicas */
    int64_t min_replicas_to_write, min_replicas_max_lag;

    /* Data types */
    int64_t list_max_listpack_size; /* entries, or -1 to -5: 4 to 64 kb */
    int64_t list_compress_depth;
    uint64_t hash_max_listpack_entries, hash_max_listpack_value;
    uint64_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    uint64_t zset_max_listpack_entries, zset_max_listpack_value;
    uint64_t stream_node_max_bytes, stream_node_max_entries; /* 0: no limit */
    uint64_t hll_sparse_max_bytes;
    uint64_t key_index_memory;

    /* Observing */
    int64_t slowlog_log_slower_than; /* us, -1: off */
    uint64_t slowlog_max_len;
    int64_t latency_monitor_threshold; /* ms, 0: off */
    bool latency_tracking;
    struct conf_numbers latency_tracking_info_percentiles;
    unsigned notify_keyspace_events; /* bits of enum conf_notify */
    int64_t metrics_port;            /* HTTP; 0: none */
    struct conf_list metrics_bind;   /* as bind */
    char *metrics_password;          /* "": none */
    int64_t metrics_timeout;         /* seconds */
    int64_t metrics_namespaces;      /* that have metrics of their own, at most */

    /* Slowing down on purpose, for tests: us for each key */
    int64_t rdb_key_save_delay, key_load_delay;

    /* Not settings */
    union conf_value *accepted; /* what has no effect, one for each row of table_accepted.c */
    char *file;                 /* absolute path of memd.conf, "": none was given */
    struct conf_list files;     /* all that were read, as they were named */
    struct conf_list warnings;  /* lines for the log, gathered while loading */
};

/* All defaults. Free with conf_fini. */
void conf_init(struct conf *c);
void conf_fini(struct conf *c);

/* --- at the start ----------------------------------------------------------------------------- */

/* What was not accepted, and where. Secrets are masked. */
struct conf_error {
    char file[512];     /* a path, "command line" or "environment" */
    unsigned line;      /* from 1; 0: none */
    char setting[64];   /* "": the line as a whole, or the file */
    char value[128];    /* as given */
    char accepted[320]; /* what would have been accepted; "": see reason */
    char reason[320];   /* Redis's text for it */
    char text[256];     /* the line */
    char nearest[64];   /* the setting that may have been meant; "": none */
};

/* Append e to out, in one line or, when a line is to blame, two:
 *     memd.conf:12: maxmemory: "2xb" is not accepted: a number of bytes, ...
 *     >>> 'maxmemory 2xb': argument must be a memory value */
void conf_error_text(const struct conf_error *e, struct buf *out);

struct conf_start {
    int argc;
    char **argv; /* argv[0] is skipped */
    char **env;  /* NULL: no environment */
    int in;      /* what "-" on the command line reads, usually 0 */
};

/* All of
 *     memd [FILE] [-] [--name value ...] ...
 * the file, then what "-" reads, then the environment, then the options; later ones win, and save
 * rules of the options add to those of the file.
 *
 * This and the four functions below return ERR_IO when a file cannot be read and ERR_FORMAT for all
 * else, with *e filled; c then holds part of what was read and is good for conf_fini alone. */
enum err MUST_USE conf_load(struct conf *c, const struct conf_start *s, struct conf_error *e);

/* One file, with what it includes. Its absolute path becomes c->file. */
enum err MUST_USE conf_load_file(struct conf *c, const char *path, struct conf_error *e);

/* Lines of a file; name stands for its name in errors. */
enum err MUST_USE conf_load_text(struct conf *c, struct str text, const char *name,
                                 struct conf_error *e);

/* The options alone: argv[1] is the first. */
enum err MUST_USE conf_from_args(struct conf *c, int argc, char **argv, struct conf_error *e);

/* MEMD_<NAME> for each setting, with _ for - and in capitals: MEMD_MAXMEMORY=2gb. The password also
 * as REDIS_PASSWORD, MEMD_PASSWORD, or as the first line of the file that MEMD_PASSWORD_FILE names;
 * the last of these wins, an empty one is ignored. A MEMD_ name that is no setting is a warning. */
enum err MUST_USE conf_from_env(struct conf *c, char **env, struct conf_error *e);

/* For memd --check-config: load the file into c, fresh from conf_init, and append all that is wrong with its lines, or
 * its warnings. False when something is; c then holds what could be read. c->file is "" when the file itself cannot. */
bool MUST_USE conf_check_file(struct conf *c, const char *path, struct buf *report);

/* For memd --print-config: append the documented memd.conf that holds all defaults. */
void conf_print(struct buf *out);

/* For memd --print-man 5: append memd.conf(5), for man(1). date as 2026-11-21. */
void conf_print_man(struct buf *out, const char *version, const char *date);

/* --- at run time ------------------------------------------------------------------------------ */

/* What stands in the place of a secret where values are shown. */
#define CONF_REDACTED "(redacted)"

/* Call each with all settings whose name or alias matches one of n patterns, once for each name,
 * and return how many there are. each may be NULL, to count. Name and value live for the call only.
 * The value of a secret that is set is CONF_REDACTED.
 */
size_t conf_get(const struct conf *c, const struct str *patterns, size_t n,
                void (*each)(void *ctx, struct str name, struct str value), void *ctx);

/* Append the value of one setting as CONFIG GET shows it: "allkeys-lru". The name must exist. */
void conf_value(const struct conf *c, const char *name, struct buf *out);

/* Why the new settings could not be put to work. */
struct conf_refusal {
    const struct setting *setting;
    char why[256];
};

struct conf_change {
    bool is_local;   /* the client is on this machine: enable-protected-configs local */
    bool is_loading; /* the data is being loaded: some settings must wait */
    /* Put the n settings that have a new value to work; c holds them already. On false the old ones
     * are put back, and it is called once more with the same settings, to return to those; that
     * answer is ignored. A name of a file that may have another content by now counts as new. Not
     * called when nothing has a new value. May be NULL. */
    bool (*apply)(void *ctx, const struct setting *const *changed, size_t n,
                  struct conf_refusal *r);
    void *ctx;
};

/* Set n settings at once: pairs holds n names and values in turn. All are applied or none;
 * ERR_FORMAT then, and the error reply is appended to error. */
enum err MUST_USE conf_set(struct conf *c, const struct str *pairs, size_t n,
                           const struct conf_change *how, struct buf *error);

/* Is the setting `name` one of these? For apply. */
bool conf_changed(const struct setting *const *changed, size_t n, const char *name);

/* Must the value of `name` stay out of logs? Also true of names that are no setting but look like that of a secret,
 * as people mistype them. */
bool conf_is_secret(struct str name);

/* Write the settings to c->file so that loading it gives them again. Comments, order and the
 * formatting of what has not changed stay. all: also what has its default value and is not in the
 * file. The file is replaced in one step, or left alone: then ERR_IO (ERR_NOT_DONE: there is no
 * file), and the error reply is appended to error. */
enum err MUST_USE conf_rewrite(const struct conf *c, bool all, struct buf *error);

/* The text part of conf_rewrite: old is the content of the file. */
void conf_rewrite_text(const struct conf *c, struct str old, bool all, struct buf *out);

/* The bytes that all clients together may use (maxmemory-clients), 0: no limit. */
uint64_t conf_client_memory(const struct conf *c);

/* The bit for a letter of notify-keyspace-events, 0 for one that is none. A is CONF_NOTIFY_ALL. */
unsigned conf_notify_bit(char letter);

#endif
