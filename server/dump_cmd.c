/* dump_cmd.c -- DUMP and RESTORE: a value as the bytes that a snapshot holds of it.
 *
 * They stand here and not in commands/ because the payload is persistence's. */
#include <endian.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/mem.h"
#include "commands/job.h"
#include "persistence/persist.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/dump_job.h"
#include "server/dump_vset.h"
#include "server/rows.h"
#include "storage/type_hash.h"
#include "storage/evict.h"
#include "storage/keys.h"

/* Fields whose time has come go first: a hash that has no others is gone, and its payload would be none. */
static const struct entry *value_of(struct call *c)
{
    struct str key = call_arg(c, 1);
    const struct entry *e = db_read(c->db, key);
    struct hash h;

    if (e == NULL || entry_type(e) != VALUE_HASH) return e;
    return hash_read(c->db, key, &h) == OK ? db_peek(c->db, key) : NULL;
}

static enum err run_dump(struct call *c)
{
    const struct entry *e = value_of(c);
    struct buf payload = { .may_fail = true };
    bool lost;

    if (e == NULL) {
        reply_null(c->out);
        return OK;
    }
    if (c->may_block && dump_vset_is_large(e)) return dump_vset(c, e);
    if (dump_is_long(c, e)) return dump_job(c, e);
    persist_dump(c->store, e, &payload);
    lost = payload.failed;
    if (!lost) reply_bulk(c->out, buf_str(&payload));
    buf_fini(&payload);
    return lost ? ERR_OOM : OK;
}

/* --- RESTORE -------------------------------------------------------------------------------------- */

struct restore {
    bool replace, absolute;
    int64_t idle_s, freq; /* -1: not given */
    int64_t at_ms;        /* -1: for ever */
    bool is_past;         /* the key would be gone at once: nothing is made */
    struct str payload;
};

static enum err parse_options(struct call *c, struct restore *r)
{
    for (size_t i = 4; i < c->argc; i++) {
        bool more = i + 1 < c->argc;
        if (call_is(c, i, "REPLACE")) {
            r->replace = true;
        } else if (call_is(c, i, "ABSTTL")) {
            r->absolute = true;
        } else if (call_is(c, i, "IDLETIME") && more && r->freq < 0) {
            enum err e = call_i64(c, ++i, &r->idle_s);
            if (e != OK) return e;
            if (r->idle_s < 0) return ERR_IDLETIME;
        } else if (call_is(c, i, "FREQ") && more && r->idle_s < 0) {
            enum err e = call_i64(c, ++i, &r->freq);
            if (e != OK) return e;
            if (r->freq < 0 || r->freq > UINT8_MAX) return ERR_FREQ;
        } else {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

static enum err parse_ttl(const struct call *c, struct restore *r)
{
    int64_t ttl;
    enum err e = call_i64(c, 2, &ttl);

    if (e != OK) return e;
    if (ttl < 0) return ERR_TTL_NEGATIVE;
    r->at_ms = -1;
    if (ttl == 0) return OK;
    if (!r->absolute && __builtin_add_overflow(ttl, c->store->now_ms, &ttl)) return ERR_TTL_NEGATIVE;
    r->at_ms = ttl;
    /* The log holds what was true when it was written; what is past then goes by expiry. */
    r->is_past = ttl <= c->store->now_ms && !c->store->loading;
    return OK;
}

static void put(struct call *c, const struct restore *r, struct entry *e)
{
    struct slot s;

    if (db_find_write(c->db, call_arg(c, 1), &s)) db_replace(&s, c->store->conf.lazy_server_del);
    db_add(&s, e);
    if (r->idle_s >= 0) evict_set_idle(c->store, e, r->idle_s * 1000);
    if (r->freq >= 0) evict_set_freq(c->store, e, (unsigned)r->freq);
    db_tell(&s, CHANGE_RESTORE);
}

/* DEBUG SET-SKIP-CHECKSUM-VALIDATION, for tests of damaged payloads: a copy whose checksum is right. */
static struct str with_checksum(struct call *c, struct str payload)
{
    enum { CRC_BYTES = 8 };
    struct str copy = payload;
    uint64_t crc;

    if (payload.n < CRC_BYTES || !c->client->server->skip_checksum) return payload;
    copy = arena_dup(c->arena, payload);
    crc = htole64(crc64(0, copy.p, copy.n - CRC_BYTES));
    memcpy((char *)(uintptr_t)copy.p + copy.n - CRC_BYTES, &crc, CRC_BYTES);
    return copy;
}

static enum err parse(struct call *c, struct restore *r)
{
    enum err e;

    r->idle_s = r->freq = -1;
    r->payload = with_checksum(c, call_arg(c, 3));
    c->note = r;
    e = parse_options(c, r);
    if (e == OK && !r->replace && db_look(c->db, call_arg(c, 1))) e = ERR_BUSY_KEY;
    return e == OK ? parse_ttl(c, r) : e;
}

/* e: what came of the payload. */
static enum err restored(struct call *c, const struct restore *r, enum err e, struct entry *made)
{
    if (e == ERR_NOT_DONE) return ERR_DUMP_PAYLOAD;
    if (e != OK) return ERR_DUMP_FORMAT;
    if (r->is_past) {
        db_drop_value(c->store, made, true);
        entry_free(made);
        keys_delete(c->db, call_arg(c, 1), true);
    } else {
        put(c, r, made);
    }
    reply_ok(c->out);
    return OK;
}

/* A long payload becomes a value in slices (commands/job.h), which is put in its place at once. */
struct restore_job {
    struct job job;
    struct restoring *steps;
    int64_t at_ms; /* as it was when it was asked for */
};

enum { LONG_PAYLOAD = 32 * 1024 };

static bool step(struct job *j, int64_t deadline_us)
{
    struct restore_job *o = (struct restore_job *)j;

    while (!persist_restore_step(o->steps)) {
        if (deadline_us != INT64_MAX && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static void moved(struct job *j, const struct str *argv)
{
    persist_restore_moved(((struct restore_job *)j)->steps, argv[1], argv[3]);
}

static enum err finish(struct call *c, struct job *j)
{
    const struct restore_job *o = (const struct restore_job *)j;
    struct restore *r = call_new(c, struct restore, 1);
    struct entry *made = NULL;
    enum err e = parse(c, r);

    if (e != OK) return e;
    r->at_ms = o->at_ms;
    r->is_past = r->at_ms >= 0 && r->at_ms <= c->store->now_ms;
    e = persist_restore_take(o->steps, call_arg(c, 1), &made);
    return restored(c, r, e, made);
}

static size_t bytes(const struct job *j)
{
    (void)j;
    return sizeof(struct restore_job);
}

static void free_job(struct job *j)
{
    struct restore_job *o = (struct restore_job *)j;

    persist_restore_free(&o->steps);
    mem_free(o);
}

static enum err restore_in_slices(struct call *c, const struct restore *r)
{
    struct restore_job *o = mem_zalloc(sizeof *o);

    o->job = (struct job){ .step = step, .finish = finish, .moved = moved, .bytes = bytes, .free = free_job };
    o->steps = persist_restore_new(c->store, call_arg(c, 1), r->payload, r->at_ms);
    o->at_ms = r->at_ms;
    return job_run(c, &o->job);
}

static enum err run_restore(struct call *c)
{
    struct restore *r;
    struct entry *made = NULL;
    enum err e;

    if (job_done(c, &e)) return e;
    r = call_new(c, struct restore, 1);
    e = parse(c, r);
    if (e != OK) return e;
    if (c->may_block && r->payload.n > LONG_PAYLOAD && r->payload.p == call_arg(c, 3).p) return restore_in_slices(c, r);
    e = persist_restore(c->store, call_arg(c, 1), r->payload, r->at_ms, &made);
    return restored(c, r, e, made);
}

static void journal_restore(const struct call *c, struct journal *j)
{
    const struct restore *r = c->note;
    struct str *argv = call_new(c, struct str, c->argc + 1);
    size_t n = c->argc;

    if (r->is_past) {
        journal_cmd(j, STR("DEL"), call_arg(c, 1));
        return;
    }
    for (size_t i = 0; i < n; i++) argv[i] = call_arg(c, i);
    argv[3] = r->payload;
    if (r->at_ms >= 0 && !r->absolute) {
        argv[2] = call_num(c, r->at_ms);
        argv[n++] = STR("ABSTTL");
    }
    journal_add(j, n, argv);
}

/* --- rows ----------------------------------------------------------------------------------------- */

static const char *const dump_tips[] = { "nondeterministic_output", NULL };
static const char *const restore_history[] = {
    "3.0.0", "Added REPLACE.", "5.0.0", "Added ABSTTL.", "5.0.0", "Added IDLETIME and FREQ.", NULL
};

/* clang-format off */

#define RESTORE_FIELDS \
    .keys = { KEY_AT(1, KEY_OW | KEY_UPDATE) }, .acl = ACL_KEYSPACE | ACL_DANGEROUS, \
    .journal = journal_restore, .history = restore_history, \
    .args = ARGS(ARG_KEY("key"), { .name = "ttl", .type = ARG_T_INTEGER }, { .name = "serialized-value" }, \
                 { .name = "replace", .type = ARG_T_PURE_TOKEN, .token = "REPLACE", .flags = ARG_OPTIONAL, \
                   .since = "3.0.0" }, \
                 { .name = "absttl", .type = ARG_T_PURE_TOKEN, .token = "ABSTTL", .flags = ARG_OPTIONAL, \
                   .since = "5.0.0" }, \
                 { .name = "seconds", .type = ARG_T_INTEGER, .token = "IDLETIME", .flags = ARG_OPTIONAL, \
                   .since = "5.0.0" }, \
                 { .name = "frequency", .type = ARG_T_INTEGER, .token = "FREQ", .flags = ARG_OPTIONAL, \
                   .since = "5.0.0" })

const struct command dump_commands[] = {
    { ROW("dump", run_dump, 2, CMD_READONLY, GROUP_GENERIC, "2.6.0",
          "O(N) for a value of N elements", "Gives the value of a key as bytes for RESTORE."),
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_KEYSPACE, .tips = dump_tips,
      .args = ARGS(ARG_KEY("key")), .example = "DUMP a => $-1\r\n" },
    { ROW("restore", run_restore, -4, CMD_WRITE | CMD_DENYOOM, GROUP_GENERIC, "2.6.0",
          "O(N) for a value of N elements", "Makes a key of the bytes that DUMP gave."),
      RESTORE_FIELDS,
      .example = "RESTORE a 0 x => -ERR DUMP payload version or checksum are wrong\r\n" },
    { ROW("restore-asking", run_restore, -4, CMD_WRITE | CMD_DENYOOM | CMD_ASKING | CMD_SYSTEM, GROUP_SERVER, "3.0.0",
          "O(N) for a value of N elements", "RESTORE under the name that nodes of a cluster use."),
      RESTORE_FIELDS,
      .example = "RESTORE-ASKING a 0 x => -ERR DUMP payload version or checksum are wrong\r\n" },
    { 0 },
};
