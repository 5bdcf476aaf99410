/* table_general.c -- settings of the process, and of who may do what. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "conf/table.h"

/* --- dir: made absolute, since the daemon may change its directory ---------------------------- */

/* The absolute form of a path that may not exist yet. */
static char *absolute(const char *path)
{
    char *real = realpath(path, NULL), *cwd = NULL;
    struct buf b = { 0 };

    if (real == NULL && path[0] != '/') cwd = getcwd(NULL, 0);
    if (real != NULL) {
        buf_add_c(&b, real);
    } else if (cwd != NULL) {
        buf_printf(&b, "%s/%s", cwd, path);
    } else {
        buf_add_c(&b, path);
    }
    buf_add_char(&b, '\0');
    free(real);
    free(cwd);
    return b.p;
}

/* At the start the directory may be missing: the daemon makes it. Later it must be there. */
static const char *settle_dir(void *field, bool at_start)
{
    char **dir = field;
    char *path = absolute(*dir);
    struct stat st;

    mem_free(*dir);
    *dir = path;
    if (at_start) return NULL;
    if (stat(path, &st) != 0) return strerror(errno);
    if (!S_ISDIR(st.st_mode)) return strerror(ENOTDIR);
    return access(path, X_OK) == 0 ? NULL : strerror(errno);
}

/* --- others ----------------------------------------------------------------------------------- */

/* Values out of range are hints that went too far, not errors: redis.conf files have them. */
static const char *settle_hz(void *field, bool at_start)
{
    int64_t *hz = field;

    (void)at_start;
    if (*hz < 1) *hz = 1;
    if (*hz > 500) *hz = 500;
    return NULL;
}

static const char *settle_shutdown(void *field, bool at_start)
{
    int both = CONF_SHUTDOWN_SAVE | CONF_SHUTDOWN_NOSAVE;

    (void)at_start;
    if ((*(int *)field & both) != both) return NULL;
    return "shutdown options SAVE and NOSAVE can't be used simultaneously";
}

static bool title_variable(struct str name)
{
    static const char *const known[] = { "title",    "listen-addr", "server-mode", "port",
                                         "tls-port", "unixsocket",  "config-file" };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_eq(name, str_c(known[i]))) return true;
    }
    return false;
}

/* Each { begins a {variable}; {{ stands for a brace. Something must be left to show. */
static const char *settle_title(void *field, bool at_start)
{
    static const char refused[] = "template format is invalid or contains unknown variables";
    const char *p = *(char **)field;

    (void)at_start;
    if (p[strspn(p, " ")] == '\0') return refused;
    while ((p = strchr(p, '{')) != NULL) {
        const char *end = strchr(p, '}');

        if (p[1] == '{') {
            p += 2;
            continue;
        }
        if (end == NULL || !title_variable(str_of(p + 1, (size_t)(end - p) - 1))) return refused;
        p = end + 1;
    }
    return NULL;
}

static const struct word level_words[] = {
    { "debug", LOG_DEBUG },     { "verbose", LOG_VERBOSE }, { "notice", LOG_NOTICE },
    { "warning", LOG_WARNING }, { "nothing", LOG_NOTHING }, { 0 },
};

static const struct word format_words[] = {
    { "legacy", LOG_FORMAT_LEGACY }, { "text", LOG_FORMAT_LEGACY }, { "logfmt", LOG_FORMAT_LOGFMT },
    { "json", LOG_FORMAT_JSON },     { 0 },
};

static const struct word stamp_words[] = {
    { "legacy", LOG_STAMP_LEGACY }, { "iso8601", LOG_STAMP_ISO8601 }, { "milliseconds", LOG_STAMP_MILLISECONDS }, { 0 },
};

/* The numbers of syslog(3), whose header has other plans for the names of our log levels. */
static const struct word facility_words[] = {
    { "user", 1 << 3 },    { "local0", 16 << 3 },
    { "local1", 17 << 3 }, { "local2", 18 << 3 },
    { "local3", 19 << 3 }, { "local4", 20 << 3 },
    { "local5", 21 << 3 }, { "local6", 22 << 3 },
    { "local7", 23 << 3 }, { 0 },
};

static const struct word shutdown_words[] = {
    { "default", 0 },
    { "save", CONF_SHUTDOWN_SAVE },
    { "nosave", CONF_SHUTDOWN_NOSAVE },
    { "now", CONF_SHUTDOWN_NOW },
    { "force", CONF_SHUTDOWN_FORCE },
    { 0 },
};

const struct setting general_settings[] = {
    { "daemonize", BOOL(daemonize), .initial = "no", .flags = SETTING_IMMUTABLE,
      .doc = "Run in the background. Leave it off under systemd and in containers." },
    { "pidfile", TEXT(pidfile), .initial = "", .flags = SETTING_IMMUTABLE | SETTING_DROP,
      .example = "/run/memd/memd.pid", .doc = "File that holds the process id while memd runs." },
    { "dir", TEXT(dir), .initial = "./",
      .flags = SETTING_PROTECTED | SETTING_WAITS | SETTING_ALWAYS, .settle = settle_dir,
      .accepts = "the path of a directory",
      .doc = "Directory of all data files. It is made when it does not exist. One daemon at a "
             "time can use it." },
    { "databases", INT(databases, 1, INT_MAX), .initial = "16", .flags = SETTING_IMMUTABLE,
      .unit = "databases", .doc = "Databases, numbered from 0, between which SELECT chooses." },
    { "loglevel", WORD(loglevel, level_words), .initial = "notice",
      .doc = "The least that is worth a line in the log: debug, verbose, notice, warning, or "
             "nothing." },
    { "logfile", TEXT(logfile), .initial = "", .flags = SETTING_PROTECTED,
      .doc = "Path of the log. Empty: standard output. After it was moved away, SIGHUP makes a new one." },
    { "log-format", WORD(log_format, format_words), .initial = "legacy",
      .doc = "What a line looks like: legacy (or text), as Redis writes it; logfmt, pairs of name=value; json, an "
             "object for each line." },
    { "log-timestamp-format", WORD(log_timestamp_format, stamp_words), .initial = "legacy",
      .doc = "Time in the log: legacy (21 Nov 2026 10:00:00.123, and in JSON the same as iso8601), iso8601 "
             "(2026-11-21T10:00:00.123+01:00) or milliseconds since 1970." },
    { "syslog-enabled", BOOL(syslog_enabled), .initial = "no", .doc = "Send the log to syslog as well." },
    { "syslog-ident", TEXT(syslog_ident), .initial = "memd", .doc = "The name under which syslog knows memd." },
    { "syslog-facility", WORD(syslog_facility, facility_words), .initial = "local0",
      .doc = "The facility for syslog: user, or local0 to local7." },
    { "set-proc-title", BOOL(set_proc_title), .initial = "yes", .flags = SETTING_IMMUTABLE,
      .doc = "Show in ps and top what the process serves." },
    { "proc-title-template", TEXT(proc_title_template),
      .initial = "{title} {listen-addr} {server-mode}", .settle = settle_title,
      .accepts = "a text with {title}, {listen-addr}, {server-mode}, {port}, {tls-port}, "
                 "{unixsocket} and {config-file} in it",
      .doc = "What set-proc-title shows. These are replaced: {title}, {listen-addr}, "
             "{server-mode}, {port}, {tls-port}, {unixsocket}, {config-file}." },
    { "hz", INT(hz, 0, INT_MAX), .initial = "10", .settle = settle_hz, .unit = "times a second",
      .doc = "How often a second the daemon looks after things that no request asks for: idle "
             "clients, statistics, eviction in the background. 1 to 500. Expiry does not wait for "
             "it." },
    { "shutdown-on-sigint", WORDS(shutdown_on_sigint, shutdown_words), .initial = "default",
      .flags = SETTING_MULTI, .settle = settle_shutdown,
      .doc = "What SIGINT does: default saves when there are save rules; save or nosave decide "
             "that; now does not wait for replicas; force goes on when saving fails. Several "
             "words may be combined." },
    { "shutdown-on-sigterm", WORDS(shutdown_on_sigterm, shutdown_words), .initial = "default",
      .flags = SETTING_MULTI, .settle = settle_shutdown, .doc = "The same for SIGTERM." },
    { "hide-user-data-from-log", BOOL(hide_user_data_from_log), .initial = "no",
      .doc = "Leave keys out of the log. Values and passwords are never in it." },
    { "crash-log-enabled", BOOL(crash_log_enabled), .initial = "yes",
      .doc = "When memd crashes, write a report to the log and to standard error: where it was, memory, and the names "
             "of the last commands. What clients sent is not in it." },
    { "watchdog-period", INT(watchdog_period, 0, INT_MAX), .initial = "0", .unit = "milliseconds",
      .doc = "Log where the reactor is when it has been busy for so long without a pause, to find what makes it slow. "
             "At least 200, whatever is given; 0: off. Not for every day: the signal interrupts what runs." },
    { "disable-thp", BOOL(disable_thp), .initial = "no",
      .doc = "Ask the kernel not to use transparent huge pages for this process. They cost Redis "
             "dearly when it forks; memd does not fork, and is faster with them." },
    { "follow-clock-jumps", BOOL(follow_clock_jumps), .initial = "no",
      .doc = "When the system's clock is set to another time while memd runs, by more than a minute: follow "
             "it, as Redis does, so that keys expire at once or live longer, or let memd's own time go on, so "
             "that keys keep the time they have left. The jump is logged either way. The next start begins "
             "with the system's clock." },
    { "include", .kind = &kind_include, .flags = SETTING_FILE_ONLY | SETTING_DROP,
      .example = "/etc/memd/local.conf", .accepts = "the path of a file, * ? and [] allowed",
      .doc = "Read another file here, as if its lines stood in this place: what comes later wins. "
             "The path may be a pattern, and may then match no file. Relative paths begin at the "
             "directory in which memd is started. CONFIG REWRITE never writes to included "
             "files." },
    { 0 },
};

static const struct word guard_words[] = {
    { "no", CONF_GUARD_NO },
    { "yes", CONF_GUARD_YES },
    { "local", CONF_GUARD_LOCAL },
    { 0 },
};

static const struct word channel_words[] = {
    { "allchannels", CONF_CHANNELS_ALL },
    { "resetchannels", CONF_CHANNELS_NONE },
    { 0 },
};

static const char *settle_user_limits(void *field, bool at_start)
{
    const struct conf_list *l = field;
    uint64_t n;

    (void)at_start;
    if (l->n % 3 != 0) return "each user takes three words: its name, requests a second, connections";
    for (size_t i = 0; i < l->n; i++) {
        if (i % 3 != 0 && !num_parse_u64(str_c(l->items[i]), &n)) return "requests and connections are numbers, 0 for no limit";
    }
    return NULL;
}

const struct setting security_settings[] = {
    { "requirepass", TEXT(requirepass), .initial = "", .flags = SETTING_SECRET | SETTING_DROP,
      .example = "a-long-random-text",
      .doc = "Password of the default user: clients begin with AUTH. A file that holds it should "
             "be readable by memd alone. The environment can give it too: MEMD_PASSWORD, or "
             "MEMD_PASSWORD_FILE with the path of a file that holds it." },
    { "auth-timeout", INT(auth_timeout, 0, INT_MAX), .initial = "60", .unit = "seconds",
      .doc = "While a password is needed: close a connection that has not authenticated after so "
             "many seconds. Clients authenticate when they connect, within milliseconds; some open "
             "connections ahead and authenticate them when they are first used, and open another "
             "when one was closed. 0: never." },
    { "maxclients-unauthenticated", INT(maxclients_unauthenticated, 1, 100), .initial = "25",
      .unit = "per cent of maxclients",
      .doc = "Connections that may wait for a password at one time. When there are more the oldest "
             "of them are closed, if they have had a second: who knows the password needs less." },
    { "user-limits", KIND(kind_list, user_limits), .initial = "",
      .flags = SETTING_MULTI | SETTING_DROP, .settle = settle_user_limits,
      .example = "tenant-a 1000 50 * 5000 0", .accepts = "names, each with two numbers, or \"\"",
      .doc = "Limits of users: name, requests a second, connections. 0 is no limit; * stands for "
             "those without an entry of their own. A request too many is answered with LIMIT and "
             "not run; a connection too many cannot authenticate. Data of a tenant is bounded by "
             "the quota of its namespace." },
    { "auth-delay-max", INT(auth_delay_max, 0, 60000), .initial = "1000", .unit = "milliseconds",
      .doc = "After more than five failed authentications from one address (of IPv6, from one /64) "
             "the next ones from there wait, first a tenth of a second, then twice as long each time, up "
             "to this, one behind the other (ten seconds of them; a longer line is let in as one). One "
             "that succeeds ends it. 0: no delay." },
    { "user", KIND(kind_lines, user),
      .flags = SETTING_MULTI | SETTING_FILE_ONLY | SETTING_DROP | SETTING_SECRET,
      .example = "worker on #<sha256 of the password> ~session:* +@read +@write",
      .accepts = "a name and ACL rules",
      .doc = "A user and its rules, in the language of ACL SETUSER. One line for each user; not "
             "together with aclfile." },
    { "aclfile", TEXT(aclfile), .initial = "", .flags = SETTING_IMMUTABLE | SETTING_DROP,
      .example = "/etc/memd/users.acl",
      .doc = "File of users, one line each as above, which ACL LOAD and ACL SAVE read and write." },
    { "acl-pubsub-default", WORD(acl_pubsub_default, channel_words), .initial = "resetchannels",
      .doc = "The channels that a new user may use: none (resetchannels) or allchannels." },
    { "acllog-max-len", INT(acllog_max_len, 0, LONG_MAX), .initial = "128", .unit = "entries",
      .doc = "Refusals that ACL LOG remembers." },
    { "enable-protected-configs", WORD(enable_protected_configs, guard_words), .initial = "no",
      .flags = SETTING_IMMUTABLE,
      .doc = "Who may change dbfilename and logfile by CONFIG SET, which is to say, write files "
             "elsewhere: no (nobody), yes (everybody), local (clients on this machine)." },
    { "enable-debug-command", WORD(enable_debug_command, guard_words), .initial = "no",
      .flags = SETTING_IMMUTABLE, .doc = "Who may use DEBUG, in the same words." },
    { "enable-module-command", WORD(enable_module_command, guard_words), .initial = "no",
      .flags = SETTING_IMMUTABLE, .doc = "Who may use MODULE, in the same words." },
    { "rename-command", KIND(kind_pairs, rename_command),
      .flags = SETTING_MULTI | SETTING_FILE_ONLY | SETTING_DROP, .example = "FLUSHALL \"\"",
      .accepts = "the name of a command and a new name, or \"\"",
      .doc = "Give a command another name, or with \"\" take it away. ACL rules are the better "
             "tool." },
    { 0 },
};
