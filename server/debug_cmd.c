/* debug_cmd.c -- DEBUG: what test suites use. Behind enable-debug-command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/glob.h"
#include "base/mem.h"
#include "base/num.h"
#include "server/acl.h"
#include "server/client.h"
#include "persistence/archive_hold.h"
#include "server/commands.h"
#include "server/departures.h"
#include "server/debug_show.h"
#include "server/ft.h"
#include "server/loop.h"
#include "server/recall.h"
#include "server/rows.h"
#include "storage/digest.h"
#include "storage/type_hash.h"

static enum err run_sleep(struct call *c)
{
    double seconds;
    struct timespec t;

    if (call_double(c, 2, &seconds) != OK) return ERR_NOT_FLOAT;
    if (seconds < 0 || seconds > 86400) return ERR_OUT_OF_RANGE;
    t = (struct timespec){ (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&t, NULL);
    loop_refresh_time(c->client->server);
    reply_ok(c->out);
    return OK;
}

static void reply_digest(struct call *c, const struct digest *d)
{
    char text[DIGEST_TEXT];

    digest_text(d, text);
    reply_simple(c->out, text);
}

static enum err run_digest(struct call *c)
{
    struct digest d;

    digest_store(c->store, &d);
    reply_digest(c, &d);
    return OK;
}

static enum err run_digest_value(struct call *c)
{
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) {
        const struct entry *e = db_peek(c->db, call_arg(c, i));
        struct digest d = { { 0 } };
        if (e) digest_value(c->store, e, &d);
        reply_digest(c, &d);
    }
    return OK;
}

static enum err reloaded(struct call *c, enum err e, const char *what, const char *why)
{
    struct server *s = c->client->server;

    loop_refresh_time(s);
    if (e != OK) {
        log_warning(s->log, "DEBUG: %s", why);
        reply_errorf(c->out, "ERR Error trying to load the %s, check server logs.", what);
        return CALL_REPLIED_ERROR;
    }
    reply_ok(c->out);
    return OK;
}

enum { EXPIRE_MANY = 65536 };

/* What has expired is in no snapshot. It goes before one is made, and the log is told: else a command that makes such a key anew
 * would find the old one when the log is read. */
static void look_for_fields(void *ctx, const struct entry *e)
{
    field_clock_hasten(ctx, e);
}

/* Also what was put off as it had to stay, and while clients are paused: walking over a database removes its keys that are due. */
static void expire_all(struct store *s)
{
    bool keep = s->keep_expired, frozen = s->frozen;

    s->keep_expired = s->frozen = false;
    for (int i = 0; i < s->conf.databases; i++) {
        uint64_t cursor = 0;

        do cursor = db_scan(s->dbs[i], cursor, EXPIRE_MANY, look_for_fields, s);
        while (cursor != 0);
    }
    while (store_expire_some(s, EXPIRE_MANY)) {}
    s->keep_expired = keep;
    s->frozen = frozen;
}

static enum err run_reload(struct call *c)
{
    char why[PERSIST_WHY] = "";
    unsigned how = 0;

    for (size_t i = 2; i < c->argc; i++) {
        if (call_is(c, i, "nosave")) how |= PERSIST_NO_SAVE;
        else if (call_is(c, i, "noflush")) how |= PERSIST_NO_FLUSH;
        else if (call_is(c, i, "merge")) how |= PERSIST_MERGE;
        else return ERR_DEBUG_RELOAD;
    }
    expire_all(c->store);
    return reloaded(c, persist_reload(c->client->server->persist, how, why), "RDB dump", why);
}

static enum err run_loadaof(struct call *c)
{
    char why[PERSIST_WHY] = "";

    return reloaded(c, persist_load_log(c->client->server->persist, why), "AOF files", why);
}

static enum err run_set_active_expire(struct call *c)
{
    c->store->keep_expired = call_is(c, 2, "0");
    reply_ok(c->out);
    return OK;
}

static enum err run_stringmatch_len(struct call *c)
{
    int64_t n;
    char *text;
    bool hit;

    if (call_range(c, 2, 0, 1 << 26, ERR_NOT_INT, &n) != OK) return ERR_NOT_INT;
    text = arena_alloc(c->arena, (size_t)n + 1);
    memset(text, 'a', (size_t)n);
    hit = glob_match(call_arg(c, 3), str_of(text, (size_t)n), false);
    reply_int(c->out, hit);
    return OK;
}

/* POPULATE count [prefix] [size]: as Redis, keys that are there stay. */
static enum err run_populate(struct call *c)
{
    int64_t n, size = 0;
    struct str prefix = c->argc > 3 ? call_arg(c, 3) : STR("key");

    if (call_range(c, 2, 0, INT64_MAX, ERR_OUT_OF_RANGE, &n) != OK) return ERR_OUT_OF_RANGE;
    if (c->argc > 4 && call_range(c, 4, 0, 1 << 28, ERR_OUT_OF_RANGE, &size) != OK) return ERR_OUT_OF_RANGE;
    for (int64_t i = 0; i < n; i++) {
        struct str key = arena_printf(c->arena, "%.*s:%lld", (int)prefix.n, prefix.p, (long long)i);
        struct str value = arena_printf(c->arena, "value:%lld", (long long)i);
        struct slot s;
        if (size > 0) {
            char *p = arena_alloc(c->arena, (size_t)size);
            memset(p, 0, (size_t)size);
            memcpy(p, value.p, value.n < (size_t)size ? value.n : (size_t)size);
            value = str_of(p, (size_t)size);
        }
        if (!db_find_write(c->db, key, &s)) {
            db_add(&s, entry_new_raw(VALUE_STRING, key, value, -1));
            db_tell(&s, CHANGE_SET);
        }
        if (mem_is_short()) return ERR_OOM;
        if (i % 1024 == 1023) arena_reset(c->arena);
    }
    reply_ok(c->out);
    return OK;
}

static enum err run_check(struct call *c)
{
    struct buf why = { 0 };

    store_check(c->store);
    recalls_check(c->client->server->recalls);
    clients_check(c->client->server);
    if (!ft_check(c->client->server, &why)) {
        reply_errorf(c->out, "ERR An index is not what the keys say: %.*s", (int)why.n, why.p);
        buf_fini(&why);
        return CALL_REPLIED_ERROR;
    }
    buf_fini(&why);
    reply_ok(c->out);
    return OK;
}

static enum err run_error(struct call *c)
{
    return call_fail_text(c, call_arg(c, 2));
}

/* --- ends ------------------------------------------------------------------------------------------ */

static enum err run_segfault(struct call *c)
{
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)c;
    *page = 'x';
    return OK;
}

static enum err run_assert(struct call *c)
{
    ensure(c == NULL); /* it never is */
    return OK;
}

static enum err run_panic(struct call *c)
{
    log_warning(c->client->server->log, "DEBUG PANIC called");
    abort();
}

static enum err run_oom(struct call *c)
{
    (void)c;
    mem_free(mem_alloc(SIZE_MAX / 2));
    return OK;
}

/* --- small things ----------------------------------------------------------------------------------- */

static enum err run_log(struct call *c)
{
    log_warning(c->client->server->log, "DEBUG LOG: %.*s", (int)call_arg(c, 2).n, call_arg(c, 2).p);
    reply_ok(c->out);
    return OK;
}

/* What nobody frees, so that a leak checker has something to find. */
static enum err run_leak(struct call *c)
{
    struct buf lost = { 0 };

    buf_add_str(&lost, call_arg(c, 2));
    reply_ok(c->out);
    return OK;
}

static enum err run_set_skip_checksum(struct call *c)
{
    c->client->server->skip_checksum = !call_is(c, 2, "0");
    reply_ok(c->out);
    return OK;
}

/* Elements of a list may span blocks, so there is nothing to set; what makes no sense is refused. */
static enum err run_packed_threshold(struct call *c)
{
    uint64_t n;

    if (!num_parse_bytes(call_arg(c, 2), &n) || n > (UINT64_C(1) << 32) - (1 << 20)) return ERR_DEBUG_THRESHOLD;
    reply_ok(c->out);
    return OK;
}

static enum err run_deny_scripts(struct call *c)
{
    int64_t v;
    enum err e = call_i64(c, 2, &v);

    if (e != OK) return e;
    c->client->server->scripts_run_all = v != 0;
    reply_ok(c->out);
    return OK;
}

/* Settings of Redis's internals that have no meaning here; test suites set them anyway. */
static enum err run_nothing(struct call *c)
{
    reply_ok(c->out);
    return OK;
}

/* The allocator's own figures and orders, by its names for them. */
static enum err allocator_error(struct call *c, int error)
{
    reply_errorf(c->out, "ERR %s", strerror(error));
    return CALL_REPLIED_ERROR;
}

static const char *allocator_name(const struct call *c)
{
    struct str name = call_arg(c, 2);
    char *text = arena_alloc(c->arena, name.n + 1);

    if (name.n > 0) memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return text;
}

static enum err run_mallctl(struct call *c)
{
    int64_t v;
    int error = mem_number(allocator_name(c), &v);

    if (error != 0) return allocator_error(c, error);
    reply_int(c->out, v);
    return OK;
}

/* Orders alone ("VOID"): whether a name means a string cannot be asked, and reading another as one would crash. */
static enum err run_mallctl_str(struct call *c)
{
    int error;

    if (!call_is(c, 3, "VOID")) return ERR_SYNTAX;
    error = mem_do(allocator_name(c));
    if (error != 0) return allocator_error(c, error);
    reply_ok(c->out);
    return OK;
}

/* CONFIG REWRITE with every setting, those with their defaults included. */
static enum err run_config_rewrite_all(struct call *c)
{
    struct server *s = c->client->server;
    struct buf error = { 0 };
    enum err e;

    acl_to_conf(s->acl, &s->conf->user);
    e = conf_rewrite(s->conf, true, &error);
    if (e == OK) reply_ok(c->out);
    else reply_error(c->out, buf_str(&error));
    buf_fini(&error);
    return e == OK ? OK : CALL_REPLIED_ERROR;
}

/* No cron and no background expiry, until it is called with 0. */
static enum err run_pause_cron(struct call *c)
{
    int64_t on;

    if (call_i64(c, 2, &on) != OK) return ERR_NOT_INT;
    c->client->server->cron_paused = on != 0;
    reply_ok(c->out);
    return OK;
}

/* Questions wait, as for a disk that does not answer; with no they go on. */
static enum err run_archive_pause(struct call *c)
{
    struct server *s = c->client->server;
    const char *why;

    if (!call_is(c, 2, "yes") && !call_is(c, 2, "no")) return ERR_SYNTAX;
    if (departures_archive(s, &why) == NULL) return call_fail_text(c, str_c(why));
    for (int lane = 0; lane < 2; lane++) {
        if (s->archive_held[lane]) atomic_store(&s->archive_held[lane]->cancelled, true);
        s->archive_held[lane] = NULL;
        if (call_is(c, 2, "no")) continue;
        s->archive_held[lane] = archive_hold_new();
        archive_ask(s->archive, lane == 0 ? ARCHIVE_LANE_RECALL : ARCHIVE_LANE_QUERY, s->archive_held[lane]);
    }
    reply_ok(c->out);
    return OK;
}

/* What runs aside is not taken back, as if it took long; with no it is. */
static enum err run_aside_pause(struct call *c)
{
    if (!call_is(c, 2, "yes") && !call_is(c, 2, "no")) return ERR_SYNTAX;
    c->client->server->asides_paused = call_is(c, 2, "yes");
    reply_ok(c->out);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ARCHIVE-PAUSE <yes|no>", "    Let questions to the archive wait, or go on.",
        "ASIDE-PAUSE <yes|no>", "    Let commands that run aside (long documents) wait, or go on.",
        "ASSERT", "    Stop by a broken invariant.",
        "BETWEEN", "    What went on in slices between turns: name, slices, time spent and longest slice in us, of each kind.",
        "CHECK", "    Check the invariants of all data and clients.",
        "DIGEST", "    A fingerprint of all data.",
        "DIGEST-VALUE <key> [<key> ...]", "    Fingerprints of values.",
        "ERROR <string>", "    Reply <string> as an error.",
        "HTSTATS <dbid> [full]", "    Sizes of a database's tables.",
        "HTSTATS-KEY <key> [full]", "    Size of the table of a large value.",
        "JMAP", "    Count the keys of the current database by type and encoding.",
        "LEAK <string>", "    Lose the memory of a copy of <string>.",
        "LISTPACK <key>", "    Accepted for values that are kept packed.",
        "LOADAOF", "    Sync the log and load the data from it.",
        "LOG <message>", "    Write <message> to the log.",
        "OBJECT <key>", "    Describe <key> and its value.",
        "OOM", "    Stop as if memory had run out.",
        "PANIC", "    Stop at once.",
        "POPULATE <count> [<prefix>] [<size>]", "    Make <count> keys named key:<num>.",
        "PROTOCOL <type>", "    Reply a value of a RESP type.",
        "QUICKLIST-PACKED-THRESHOLD <size>", "    Accepted: elements of lists may span blocks.",
        "RELOAD [option ...]", "    Save the data and load it again; NOSAVE: load what was saved.",
        "REPLYBUFFER <option> <value>", "    Accepted.",
        "SDSLEN <key>", "    Memory of <key> and its string.",
        "SEGFAULT", "    Crash.",
        "SET-ACTIVE-EXPIRE <0|1>", "    Turn background expiry off or on.",
        "SET-DISABLE-DENY-SCRIPTS <0|1>", "    Accepted.",
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>", "    Let RESTORE take payloads whose checksum is wrong.",
        "SLEEP <seconds>", "    Stop for some <seconds>; decimals are allowed.",
        "STRINGMATCH-LEN <length> <pattern>", "    Match a text of <length> bytes by <pattern>.",
        "STRUCTSIZE", "    Sizes of basic structures.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define SUB(n, fn, ar, text) \
    { ROW(n, fn, ar, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_PROTECTED, GROUP_SERVER, "1.0.0", \
          "Depends on the data", text) }

static const struct command debug_subs[] = {
    SUB("aof-flush-sleep", run_nothing, 3, "Accepted: the log is written on a thread."),
    SUB("archive-pause", run_archive_pause, 3, "Lets questions to the archive wait, or go on."),
    SUB("aside-pause", run_aside_pause, 3, "Lets commands that run aside wait, or go on."),
    SUB("assert", run_assert, 2, "Stops memd by a broken invariant."),
    SUB("between", debug_between, 2, "Tells how much went on between turns."),
    SUB("change-repl-id", run_nothing, 2, "Accepted: there is no replication."),
    SUB("check", run_check, 2, "Checks the invariants of all data and clients."),
    SUB("config-rewrite-force-all", run_config_rewrite_all, 2, "Writes all settings to the configuration file."),
    SUB("dict-resizing", run_nothing, 3, "Accepted: tables grow by segments."),
    SUB("digest", run_digest, 2, "Returns a fingerprint of all data."),
    SUB("digest-value", run_digest_value, -2, "Returns fingerprints of values."),
    SUB("drop-cluster-packet-filter", run_nothing, 3, "Accepted: there is no cluster."),
    SUB("error", run_error, 3, "Replies an error."),
    SUB("htstats", debug_htstats, -3, "Tells the size of a database's tables."),
    SUB("htstats-key", debug_htstats_key, -3, "Tells the size of a value's table."),
    SUB("jmap", debug_jmap, 2, "Counts keys by type and encoding."),
    SUB("leak", run_leak, 3, "Loses some memory."),
    SUB("listpack", debug_listpack, 3, "Accepted for a packed value."),
    SUB("loadaof", run_loadaof, 2, "Loads the data from the log."),
    SUB("log", run_log, 3, "Writes to memd's log."),
    SUB("mallctl", run_mallctl, 3, "Returns a figure of the allocator."),
    SUB("mallctl-str", run_mallctl_str, 4, "Lets the allocator do something."),
    SUB("object", debug_object, -3, "Describes a key's value."),
    SUB("oom", run_oom, 2, "Stops memd as if memory had run out."),
    SUB("panic", run_panic, 2, "Stops memd at once."),
    SUB("pause-cron", run_pause_cron, 3, "Stops the cron and background expiry, or lets them go on."),
    SUB("populate", run_populate, -3, "Makes test keys."),
    SUB("protocol", debug_protocol, 3, "Replies a value of a RESP type."),
    SUB("quicklist", debug_quicklist, -3, "Accepted for a long list."),
    SUB("quicklist-packed-threshold", run_packed_threshold, 3, "Accepted: list elements may span blocks."),
    SUB("reload", run_reload, -2, "Saves the data and loads it again."),
    SUB("replicate", run_nothing, -3, "Accepted: there are no replicas."),
    SUB("replybuffer", run_nothing, -3, "Accepted."),
    SUB("sdslen", debug_sdslen, 3, "Tells the memory of a key and its string."),
    SUB("segfault", run_segfault, 2, "Crashes memd."),
    SUB("set-active-expire", run_set_active_expire, 3, "Turns background expiry off and on."),
    SUB("set-disable-deny-scripts", run_deny_scripts, 3, "Lets scripts run every command, for tests."),
    SUB("set-skip-checksum-validation", run_set_skip_checksum, 3,
        "Lets RESTORE take payloads whose checksum is wrong."),
    SUB("sleep", run_sleep, 3, "Stops memd for a time."),
    SUB("stringmatch-len", run_stringmatch_len, 4, "Runs the glob matcher."),
    SUB("structsize", debug_structsize, 2, "Tells the sizes of basic structures."),
    SUB("help", run_help, 2, "Prints what DEBUG can do."),
    { 0 },
};

const struct command debug_commands[] = {
    { CONTAINER("debug", GROUP_SERVER, "1.0.0", "For tests.", debug_subs),
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SYSTEM },
    { 0 },
};
