/* debug_cmd.c -- DEBUG: what test suites use. Behind enable-debug-command. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/glob.h"
#include "base/num.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/loop.h"
#include "server/rows.h"
#include "storage/digest.h"
#include "storage/evict.h"

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

static enum err reloaded(struct call *c, enum err e, const char *why)
{
    struct server *s = c->client->server;

    loop_refresh_time(s);
    if (e != OK) {
        log_warning(s->log, "DEBUG: %s", why);
        reply_errorf(c->out, "ERR Error trying to load the data: %s", why);
        return CALL_REPLIED_ERROR;
    }
    reply_ok(c->out);
    return OK;
}

static enum err run_reload(struct call *c)
{
    char why[PERSIST_WHY] = "";
    bool nosave = false;

    for (size_t i = 2; i < c->argc; i++) {
        if (call_is(c, i, "nosave")) nosave = true;
        else if (!call_is(c, i, "noflush") && !call_is(c, i, "merge")) return ERR_SYNTAX;
    }
    return reloaded(c, persist_reload(c->client->server->persist, nosave, why), why);
}

static enum err run_loadaof(struct call *c)
{
    char why[PERSIST_WHY] = "";

    return reloaded(c, persist_load_log(c->client->server->persist, why), why);
}

static enum err run_set_active_expire(struct call *c)
{
    c->store->keep_expired = call_is(c, 2, "0");
    reply_ok(c->out);
    return OK;
}

static enum err run_object(struct call *c)
{
    const struct entry *e = db_peek(c->db, call_arg(c, 2));
    struct buf dump = { 0 };

    if (e == NULL) return ERR_NO_SUCH_KEY;
    persist_dump(c->store, e, &dump);
    reply_simple(c->out,
                 arena_printf(c->arena,
                              "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%lld",
                              (const void *)e, entry_encoding_name(c->store, e), dump.n > 10 ? dump.n - 10 : 0,
                              (unsigned)(e->clock[0] | e->clock[1] << 8 | e->clock[2] << 16),
                              (long long)evict_idle_ms(c->store, e) / 1000).p);
    buf_fini(&dump);
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
        if (i % 1024 == 1023) arena_reset(c->arena);
    }
    reply_ok(c->out);
    return OK;
}

static enum err run_check(struct call *c)
{
    store_check(c->store);
    reply_ok(c->out);
    return OK;
}

/* Counts by type and encoding, of the chosen database. */
static enum err run_jmap(struct call *c)
{
    size_t counts[VALUE_TYPES][16] = { { 0 } }, mark = reply_mark(c->out), n = 0;
    static const char *const types[] = { "string", "list", "set", "zset", "hash", "stream" };

    for (int i = 0; i < STORE_SHARDS; i++) {
        struct table_iter it = { 0 };
        struct entry *e;
        while ((e = table_next(&c->db->shards[i].keys, &it)) != NULL) counts[entry_type(e)][entry_enc(e)]++;
    }
    for (int t = 0; t < VALUE_TYPES; t++) {
        for (int k = 0; k < 16; k++) {
            if (counts[t][k] == 0) continue;
            reply_bulk(c->out, arena_printf(c->arena, "%s/%d: %zu", types[t], k, counts[t][k]));
            n++;
        }
    }
    reply_array_at(c->out, mark, n);
    return OK;
}

/* What RESP types look like, as test suites ask for them. */
static enum err run_protocol(struct call *c)
{
    struct reply *r = c->out;

    if (call_is(c, 2, "string")) reply_bulk_c(r, "Hello World");
    else if (call_is(c, 2, "integer")) reply_int(r, 12345);
    else if (call_is(c, 2, "double")) reply_double(r, 3.141);
    else if (call_is(c, 2, "null")) reply_null(r);
    else if (call_is(c, 2, "array")) {
        reply_array(r, 3);
        for (int i = 0; i < 3; i++) reply_int(r, i);
    } else if (call_is(c, 2, "set")) {
        reply_set(r, 3);
        for (int i = 0; i < 3; i++) reply_int(r, i);
    } else if (call_is(c, 2, "map")) {
        reply_map(r, 3);
        for (int i = 0; i < 3; i++) reply_int(r, i), reply_bool(r, i == 1);
    } else if (call_is(c, 2, "attrib")) {
        reply_attribute(r, r->resp == 3);
        if (r->resp == 3) {
            reply_bulk_c(r, "key-popularity");
            reply_array(r, 2);
            reply_bulk_c(r, "key:123");
            reply_int(r, 90);
        }
        reply_bulk_c(r, "Some real reply following the attribute");
    } else if (call_is(c, 2, "push")) {
        reply_push(r, 2);
        reply_bulk_c(r, "server-cpu-usage");
        reply_int(r, 42);
    } else if (call_is(c, 2, "verbatim")) reply_verbatim(r, "txt", STR("This is a verbatim\nstring"));
    else if (call_is(c, 2, "bignum")) reply_big_number(r, STR("1234567999999999999999999999999999999"));
    else if (call_is(c, 2, "true")) reply_bool(r, true);
    else if (call_is(c, 2, "false")) reply_bool(r, false);
    else return ERR_DEBUG_PROTOCOL;
    return OK;
}

static enum err run_error(struct call *c)
{
    reply_error(c->out, call_arg(c, 2));
    return CALL_REPLIED_ERROR;
}

static enum err run_segfault(struct call *c)
{
    (void)c;
    raise(SIGSEGV);
    return OK;
}

/* Settings of Redis's internals that have no meaning here; test suites set them anyway. */
static enum err run_nothing(struct call *c)
{
    reply_ok(c->out);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CHECK", "    Check the invariants of all data.",
        "DIGEST", "    Output a hex signature representing the current DB content.",
        "DIGEST-VALUE <key> [<key> ...]", "    Output a hex signature of the values of all the specified keys.",
        "ERROR <string>", "    Return a Redis protocol error with <string> as message.",
        "JMAP", "    Count the keys of the current database by type and encoding.",
        "LOADAOF", "    Flush the AOF buffers on disk and reload the AOF in memory.",
        "OBJECT <key>", "    Show low level info about `key` and associated value.",
        "POPULATE <count> [<prefix>] [<size>]", "    Create <count> string keys named key:<num>.",
        "PROTOCOL <type>", "    Reply with a test value of the specified type.",
        "RELOAD [option ...]", "    Save the data on disk and reload it back to memory.",
        "SET-ACTIVE-EXPIRE <0|1>", "    Setting it to 0 disables expiring keys in background.",
        "SLEEP <seconds>", "    Stop the server for <seconds>. Decimals allowed.",
        "STRINGMATCH-LEN <length> <pattern>", "    Run the glob matcher against a text of the given length.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define SUB(n, fn, ar, text) \
    { ROW(n, fn, ar, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_PROTECTED, GROUP_SERVER, "1.0.0", \
          "Depends on the data", text) }

static const struct command debug_subs[] = {
    SUB("change-repl-id", run_nothing, 2, "Accepted: there is no replication."),
    SUB("check", run_check, 2, "Checks the invariants of all data."),
    SUB("dict-resizing", run_nothing, 3, "Accepted: tables grow by segments."),
    SUB("digest", run_digest, 2, "Returns a fingerprint of all data."),
    SUB("digest-value", run_digest_value, -3, "Returns fingerprints of values."),
    SUB("error", run_error, 3, "Replies an error."),
    SUB("jmap", run_jmap, 2, "Counts keys by type and encoding."),
    SUB("listpack", run_nothing, 3, "Accepted."),
    SUB("loadaof", run_loadaof, 2, "Loads the data from the log."),
    SUB("object", run_object, -3, "Describes a key's value."),
    SUB("populate", run_populate, -3, "Makes test keys."),
    SUB("protocol", run_protocol, 3, "Replies a value of a RESP type."),
    SUB("quicklist-packed-threshold", run_nothing, 3, "Accepted: list elements may span blocks."),
    SUB("reload", run_reload, -2, "Saves the data and loads it again."),
    SUB("replybuffer", run_nothing, -3, "Accepted."),
    SUB("segfault", run_segfault, 2, "Crashes memd."),
    SUB("set-active-expire", run_set_active_expire, 3, "Turns background expiry off and on."),
    SUB("set-disable-deny-scripts", run_nothing, 3, "Accepted."),
    SUB("sleep", run_sleep, 3, "Stops memd for a time."),
    SUB("stringmatch-len", run_stringmatch_len, 4, "Runs the glob matcher."),
    SUB("help", run_help, 2, "Prints what DEBUG can do."),
    { 0 },
};

const struct command debug_commands[] = {
    { CONTAINER("debug", GROUP_SERVER, "1.0.0", "For tests.", debug_subs) },
    { 0 },
};
