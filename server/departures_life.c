/* departures_life.c -- the archive's life: when it is opened, what it learns of the log, how it ends. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/planted.h"
#include "server/departing.h"
#include "server/loop.h"
#include "storage/namespace.h"

enum { RETRY_US = 1000000 }; /* what could not be opened is not tried for each key that leaves */

/* --- settings ------------------------------------------------------------------------------------------------- */

/* path[PATH_MAX]; false: there is no archive, or the path is too long. */
static bool path_of(const struct server *s, char *path)
{
    if (s->conf->archive_file[0] == 0) return false;
    return snprintf(path, PATH_MAX, "%s/%s", s->conf->dir, s->conf->archive_file) < PATH_MAX;
}

static struct archive_conf conf_of(const struct conf *c, const char *path)
{
    static const enum archive_fts fts_of[] = {
        [CONF_FTS_UNICODE] = ARCHIVE_FTS_UNICODE, [CONF_FTS_TRIGRAM] = ARCHIVE_FTS_TRIGRAM,
        [CONF_FTS_NONE] = ARCHIVE_FTS_NONE,
    };

    return (struct archive_conf){
        .path = path,
        .queue_bytes = c->archive_queue_size,
        .on_full = c->archive_on_full == CONF_ON_FULL_DROP ? ARCHIVE_ON_FULL_DROP : ARCHIVE_ON_FULL_REFUSE,
        .compress = c->archive_compression,
        .messages = c->archive_messages,
        .fts = fts_of[c->archive_fts],
        .query_ms = c->archive_query_timeout,
        .query_rows = c->archive_query_rows,
        .max_bytes = (int64_t)c->archive_max_size,
    };
}

/* --- opening --------------------------------------------------------------------------------------------------- */

static bool open_now(struct server *s, char *why)
{
    struct archive_env env = { .log = s->log, .values = &s->store->conf, .mono_us = clock_mono_us,
                               .wall_ms = clock_wall_ms, .wake = loop_wake, .ctx = s };
    char path[PATH_MAX];
    struct archive_conf conf;

    if (!path_of(s, path)) {
        snprintf(why, ARCHIVE_WHY, "there is none: archive-file is not set (it names a file in dir; a restart takes it)");
        return false;
    }
    conf = conf_of(s->conf, path);
    return archive_open(&s->archive, &conf, &env, why) == OK;
}

/* The notes that come are of the log as it is now. */
static void name_log(struct server *s, const char *id)
{
    struct departing *d = s->departing;

    if (strcmp(d->log_id, id) == 0) return;
    snprintf(d->log_id, sizeof d->log_id, "%s", id);
    archive_begin_log(s->archive, d->log_id);
}

struct archive *departures_archive(struct server *s, const char **why)
{
    struct departing *d = s->departing;
    char text[ARCHIVE_WHY];

    if (LIKELY(s->archive != NULL)) return s->archive;
    *why = d->why;
    if (d->failed_us != 0 && s->now_us - d->failed_us < RETRY_US) return NULL;
    if (open_now(s, text)) {
        d->failed_us = 0;
        if (!d->replays) departures_loaded(s);
        return s->archive;
    }
    snprintf(d->why, sizeof d->why, "ERR archive: %s", text);
    if (d->failed_us == 0) log_warning(s->log, "The archive cannot be opened: %s", text);
    d->failed_us = s->now_us;
    return NULL;
}

const char *departures_error(const struct server *s)
{
    return s->archive == NULL && s->departing->failed_us != 0 ? s->departing->why : NULL;
}

static bool is_wanted(const struct server *s)
{
    return ns_needs(s->store, NS_NEEDS_ARCHIVE | NS_NEEDS_AUDIT) != 0;
}

bool departures_start(struct server *s, char *why)
{
    char path[PATH_MAX];
    bool there = path_of(s, path) && access(path, F_OK) == 0;

    s->departing->replays = true;
    if (!there && !is_wanted(s)) return true;
    return open_now(s, why);
}

void departures_apply_conf(struct server *s)
{
    char path[PATH_MAX];
    struct archive_conf conf;

    if (!s->archive || !path_of(s, path)) return;
    conf = conf_of(s->conf, path);
    archive_set_conf(s->archive, &conf);
}

/* --- the log that is loaded ---------------------------------------------------------------------------------------- */

static bool replay(void *ctx, struct str note)
{
    struct server *s = ctx;
    const char *why;

    if (!s->departing->replays) return true; /* DEBUG LOADAOF: they are in the archive, or wait for it */
    if (s->conf->archive_file[0] == 0) return true;
    if (departures_archive(s, &why) == NULL) return false;
    name_log(s, persist_loading_id(s->persist));
    return archive_replay(s->archive, note);
}

void departures_loaded(struct server *s)
{
    s->departing->replays = false;
    if (s->archive == NULL) return;
    name_log(s, persist_log_id(s->persist));
    archive_loaded(s->archive);
}

/* --- the turn -------------------------------------------------------------------------------------------------------- */

/* The log has what was noted: tell the archive where. False: a group is open, it has not. */
static void tell_offsets(struct server *s)
{
    struct departing *d = s->departing;
    uint64_t synced = PLANTED(BUG_ARCHIVED_BEFORE_SYNC) ? UINT64_MAX : persist_archive_offset(s->persist);

    d->moved = NULL;
    if (d->noted) archive_logged(s->archive, persist_offset(s->persist));
    d->noted = false;
    if (archive_synced(s->archive, synced)) persist_sync_soon(s->persist);
}

void departures_turn(struct server *s)
{
    if (LIKELY(s->archive == NULL)) return;
    tell_offsets(s);
    archive_turn(s->archive);
}

/* --- what a new base or snapshot waits for ---------------------------------------------------------------------------- */

static uint64_t mark(void *ctx)
{
    struct server *s = ctx;

    if (s->archive == NULL) return 0;
    tell_offsets(s);
    return archive_last_seq(s->archive);
}

static bool wait_for(void *ctx, uint64_t seq, int64_t ms)
{
    const struct server *s = ctx;

    return archive_wait(s->archive, seq, ms);
}

const struct persist_archive *departures_barrier(struct server *s)
{
    return &s->departing->barrier;
}

/* --- beginning and end --------------------------------------------------------------------------------------------------- */

void departures_open(struct server *s)
{
    s->departing = mem_zalloc(sizeof *s->departing);
    s->departing->barrier = (struct persist_archive){ s, replay, mark, wait_for };
    departing_hook(s);
}

void departures_close(struct server *s)
{
    if (s->archive) {
        persist_cancel(s->persist); /* a rewrite may wait for the archive */
        tell_offsets(s);
        archive_close(&s->archive);
    }
    mem_free(s->departing);
    s->departing = NULL;
    s->store->departures = NULL;
}
