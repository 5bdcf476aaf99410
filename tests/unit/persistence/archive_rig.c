#include "tests/unit/persistence/archive_rig.h"

#include <unistd.h>

#include "base/clock.h"
#include "persistence/persist.h"
#include "storage/db.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static void woken(void *ctx)
{
    struct archive_rig *r = ctx;

    atomic_fetch_add(&r->woken, 1);
}

void archive_rig_init(struct archive_rig *r)
{
    *r = (struct archive_rig){ 0 };
    r->store = env_store(1);
    unit_dir(r->dir);
    snprintf(r->path, sizeof r->path, "%s/archive.db", r->dir);
    r->conf = (struct archive_conf){ .path = r->path, .queue_bytes = 8 << 20, .compress = true, .messages = true,
                                     .fts = ARCHIVE_FTS_UNICODE, .query_ms = 5000, .query_rows = 1000 };
    r->env = (struct archive_env){ .values = &r->store->conf, .mono_us = clock_mono_us, .wall_ms = clock_wall_ms,
                                   .wake = woken, .ctx = r };
}

void archive_rig_fini(struct archive_rig *r)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char name[128];

    archive_rig_close(r);
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", r->path, suffixes[i]);
        unlink(name);
    }
    ck_assert_int_eq(rmdir(r->dir), 0);
    store_free(&r->store);
    buf_fini(&r->payload);
    buf_fini(&r->log);
}

enum err archive_rig_open(struct archive_rig *r)
{
    return archive_open(&r->a, &r->conf, &r->env, r->why);
}

void archive_rig_close(struct archive_rig *r)
{
    archive_close(&r->a);
}

static struct str dump(struct archive_rig *r)
{
    buf_clear(&r->payload);
    persist_dump_plain(r->store, db_peek(r->store->dbs[0], STR("k")), &r->payload);
    store_flush(r->store, 0);
    return buf_str(&r->payload);
}

struct str archive_rig_string(struct archive_rig *r, struct str value)
{
    ck_assert_int_eq(string_set(r->store->dbs[0], STR("k"), value, NULL), OK);
    return dump(r);
}

struct str archive_rig_list(struct archive_rig *r, const struct str *items, size_t n)
{
    uint64_t count;

    ck_assert_int_eq(lists_push(r->store->dbs[0], STR("k"), LIST_RIGHT, items, n, false, &count), OK);
    return dump(r);
}

struct str archive_rig_hash(struct archive_rig *r, const struct str *pairs, size_t n)
{
    size_t added;

    ck_assert_int_eq(hash_set(r->store->dbs[0], STR("k"), pairs, n / 2, NULL, &added), OK);
    return dump(r);
}

uint64_t archive_rig_note(struct archive_rig *r, const struct archive_note *n, struct str payload)
{
    struct archive_note note = *n;
    struct buf bytes = { 0 };
    struct str echo;
    uint64_t length;

    note.retain_ms = r->retain_ms;
    note.versions = r->versions;
    buf_add_str(&bytes, payload);
    archive_put(r->a, &note, &bytes, &echo);
    ck_assert_uint_eq(bytes.n, 0);
    length = echo.n;
    buf_add(&r->log, &length, sizeof length);
    buf_add_str(&r->log, echo);
    r->offset += echo.n;
    archive_logged(r->a, r->offset);
    if (!r->hold) archive_synced(r->a, r->offset);
    return archive_last_seq(r->a);
}

uint64_t archive_rig_out(struct archive_rig *r, int db, struct str key, enum archive_reason reason, bool live, struct str value)
{
    struct archive_note n = { .verb = ARCHIVE_OUT, .db = db, .key = key, .reason = reason, .at_ms = 1000 + (int64_t)r->offset,
                              .expires_ms = -1, .flags = live ? ARCHIVE_LIVE : 0, .ns = STR("ns:*") };

    return archive_rig_note(r, &n, archive_rig_string(r, value));
}

uint64_t archive_rig_say(struct archive_rig *r, enum archive_verb verb, int db, struct str key)
{
    struct archive_note n = { .verb = verb, .db = db, .key = key, .at_ms = 1000, .expires_ms = -1, .ns = STR("") };

    return archive_rig_note(r, &n, STR(""));
}

void archive_rig_flush(struct archive_rig *r)
{
    archive_synced(r->a, r->offset);
    ck_assert(archive_wait(r->a, archive_last_seq(r->a), 20000));
    archive_turn(r->a);
    ck_assert_uint_eq(archive_buffer_bytes(r->a), 0);
}

/* --- the file, from beside --------------------------------------------------------------------------------- */

static sqlite3 *open_beside(struct archive_rig *r, int flags)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open_v2(r->path, &db, flags, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db;
}

const char *archive_rig_text(struct archive_rig *r, const char *sql)
{
    static char text[4096];
    sqlite3 *db = open_beside(r, SQLITE_OPEN_READONLY);
    sqlite3_stmt *st;
    size_t n = 0;

    text[0] = '\0';
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(st) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(st); i++) {
            const char *part = (const char *)sqlite3_column_text(st, i);

            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? "|" : "", part != NULL ? part : "");
            ck_assert_uint_lt(n, sizeof text);
        }
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return text;
}

int64_t archive_rig_number(struct archive_rig *r, const char *sql)
{
    return strtoll(archive_rig_text(r, sql), NULL, 10);
}

void archive_rig_exec(struct archive_rig *r, const char *sql)
{
    sqlite3 *db = open_beside(r, SQLITE_OPEN_READWRITE);
    char *why = NULL;

    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

void archive_rig_check(struct archive_rig *r)
{
    ck_assert_str_eq(archive_rig_text(r, "PRAGMA integrity_check"), "ok");
    ck_assert_int_eq(archive_rig_number(r, "SELECT (SELECT value FROM meta WHERE name = 'entries') -"
                                           " (SELECT count(*) FROM entries)"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT (SELECT value FROM meta WHERE name = 'messages') -"
                                           " (SELECT count(*) FROM messages)"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT (SELECT value FROM meta WHERE name = 'fields') -"
                                           " (SELECT count(*) FROM fields)"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT (SELECT value FROM meta WHERE name = 'live') -"
                                           " (SELECT count(*) FROM entries WHERE live = 1)"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT count(*) FROM (SELECT 1 FROM entries WHERE live = 1 GROUP BY db, key"
                                           " HAVING count(*) > 1)"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT count(*) FROM (SELECT 1 FROM entries GROUP BY db, key, version"
                                           " HAVING count(*) > 1)"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT count(*) FROM messages WHERE entry NOT IN (SELECT id FROM entries)"), 0);
    if (archive_rig_number(r, "SELECT count(*) FROM sqlite_schema WHERE name = 'messages_fts'") == 0) return;
    ck_assert_int_eq(archive_rig_number(r, "SELECT (SELECT count(*) FROM messages_fts_docsize) -"
                                           " (SELECT count(*) FROM messages WHERE typeof(content) = 'text')"), 0);
    ck_assert_int_eq(archive_rig_number(r, "SELECT (SELECT count(*) FROM fields_fts_docsize) -"
                                           " (SELECT count(*) FROM fields WHERE typeof(value) = 'text')"), 0);
}
