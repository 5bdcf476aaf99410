/* archive.c -- see archive.h. The reactor's side: notes on their way, and what may be recalled.
 *
 * All notes that wait are in one list, in order. They pass four states without moving: put; logged (the offset behind
 * them is known); given to the writer (synced up to there); committed, then they are freed. `unlogged` and `ungiven` are the
 * first that are not. */
#include "persistence/archive.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "persistence/archive_builder.h"
#include "persistence/archive_item.h"
#include "persistence/archive_known.h"
#include "persistence/archive_pending.h"
#include "persistence/archive_readers.h"
#include "persistence/archive_writer.h"
#include "storage/store.h"

enum {
    SLOW_MS = 5000,
    REPLAY_WAIT_MS = 1000,
    SYNC_NOTES = 1000,     /* so many wait for a sync: ask for it */
    PRESSING_US = 3000000, /* a sync of the log takes up to one second of it */
    PRESSING_PART = 8      /* of the queue */
};

struct archive {
    struct archive_conf conf; /* path is its own */
    struct archive_env env;
    struct store_conf values;
    struct archive_writer *writer;
    struct archive_readers *readers;
    struct hash_key key;

    struct archive_item *oldest, **end;
    struct archive_item *ungiven, *unlogged;
    size_t n_ungiven, bytes_ungiven;
    struct archive_pendings pendings;
    struct archive_log *log;  /* the log that notes go to */
    uint64_t synced, ordinal, last_seq;
    uint64_t put, dropped, queued, queued_bytes;

    struct archive_known known; /* what may be recalled */
    uint64_t hits, misses;
    struct buf room;
};

/* --- what may be recalled ----------------------------------------------------------------------------------- */

static uint64_t hash_of(const void *ctx, int db, struct str key)
{
    return archive_hash(ctx, db, key);
}

bool archive_may_have(struct archive *a, int db, struct str key)
{
    uint64_t hash = archive_hash(&a->key, db, key);
    struct archive_note n;
    bool may = archive_known_may(&a->known, hash) &&
               archive_pendings_find(&a->pendings, db, key, hash, &n) != PENDING_GONE;

    if (may) a->hits++;
    else a->misses++;
    return may;
}

bool archive_is_sure(const struct archive *a)
{
    return archive_known_is_sure(&a->known);
}

enum archive_pending archive_pending(const struct archive *a, int db, struct str key, struct archive_note *n)
{
    return archive_pendings_find(&a->pendings, db, key, archive_hash(&a->key, db, key), n);
}

/* --- notes ------------------------------------------------------------------------------------------------- */

/* An item of this text, as the newest. */
static struct archive_item *append(struct archive *a, struct str head, struct str payload)
{
    size_t n = head.n + payload.n;
    struct archive_item *it = mem_alloc(sizeof *it + n);

    *it = (struct archive_item){ .log = a->log, .ordinal = ++a->ordinal, .put_us = a->env.mono_us(),
                                 .bytes = sizeof *it + n };
    memcpy(it->text, head.p, head.n);
    if (payload.n > 0) memcpy(it->text + head.n, payload.p, payload.n);
    ensure(archive_note_get(str_of(it->text, n), &it->note));
    it->hash = archive_hash(&a->key, it->note.db, it->note.key);
    it->log->seen = it->note.seq;
    if (it->note.seq > a->last_seq) a->last_seq = it->note.seq;
    *a->end = it;
    a->end = &it->next;
    if (a->ungiven == NULL) a->ungiven = it;
    if (a->unlogged == NULL) a->unlogged = it;
    a->n_ungiven++;
    a->bytes_ungiven += it->bytes;
    a->queued++;
    a->queued_bytes += it->bytes;
    a->put++;
    archive_known_tell(&a->known, it);
    archive_pendings_add(&a->pendings, it);
    return it;
}

/* Give the writer what is synced. */
static void give(struct archive *a)
{
    struct archive_item *first = a->ungiven, *last = NULL;
    struct archive_item *it = first;
    size_t n = 0;

    for (; it != NULL && it->logged && it->offset <= a->synced; it = it->next) {
        if (last != NULL) last->ready = it;
        last = it;
        a->bytes_ungiven -= it->bytes;
        n++;
    }
    if (n == 0) return;
    a->n_ungiven -= n;
    a->ungiven = it;
    archive_writer_give(a->writer, first, last, n);
}

static void free_committed(struct archive *a)
{
    uint64_t done = archive_writer_done(a->writer);

    while (a->oldest != NULL && a->oldest->ordinal <= done) {
        struct archive_item *it = a->oldest;

        a->oldest = it->next;
        if (a->oldest == NULL) a->end = &a->oldest;
        a->queued--;
        a->queued_bytes -= it->bytes;
        archive_pendings_remove(&a->pendings, it);
        mem_free(it);
    }
}

/* Work for the writer that should not lie any longer: much of it, or old. */
static void press(struct archive *a)
{
    bool is_old = a->oldest != NULL && a->env.mono_us() - a->oldest->put_us > PRESSING_US;

    archive_writer_press(a->writer, is_old || a->queued_bytes > a->conf.queue_bytes / PRESSING_PART);
}

bool archive_has_room(const struct archive *a, size_t bytes)
{
    return a->queued_bytes + sizeof(struct archive_item) + bytes <= a->conf.queue_bytes;
}

void archive_put(struct archive *a, const struct archive_note *n, struct buf *payload, struct str *echo)
{
    struct archive_note numbered = *n;
    struct archive_item *it;

    numbered.seq = (a->log->seen > a->last_seq ? a->log->seen : a->last_seq) + 1;
    buf_clear(&a->room);
    archive_note_put(&a->room, &numbered);
    it = append(a, buf_str(&a->room), buf_str(payload));
    buf_fini(payload);
    *echo = str_of(it->text, (size_t)(it->note.payload.p + it->note.payload.n - it->text));
}

void archive_logged(struct archive *a, uint64_t offset)
{
    for (; a->unlogged != NULL; a->unlogged = a->unlogged->next) {
        a->unlogged->logged = true;
        a->unlogged->offset = offset;
    }
}

bool archive_synced(struct archive *a, uint64_t offset)
{
    a->synced = offset;
    if (a->ungiven != NULL) give(a);
    return a->n_ungiven >= SYNC_NOTES || a->bytes_ungiven > a->conf.queue_bytes / 4;
}

void archive_dropped(struct archive *a, uint64_t n)
{
    a->dropped += n;
}

uint64_t archive_last_seq(const struct archive *a)
{
    return a->last_seq;
}

/* --- loading ----------------------------------------------------------------------------------------------- */

void archive_begin_log(struct archive *a, const char *log_id)
{
    a->log = archive_writer_log(a->writer, log_id);
}

/* A disk that fails is not waited for: what the log holds unapplied has been in memory before. */
static void make_room(struct archive *a, size_t bytes)
{
    while (!archive_has_room(a, bytes) && a->oldest != NULL) {
        if (!archive_writer_wait(a->writer, a->oldest->note.seq, a->oldest->ordinal, REPLAY_WAIT_MS) &&
            archive_writer_is_failing(a->writer)) {
            return;
        }
        free_committed(a);
    }
}

bool archive_replay(struct archive *a, struct str note)
{
    struct archive_note n;

    if (!archive_note_get(note, &n)) return false;
    if (n.seq <= a->log->seen) return true; /* it is in the file, or was replayed before */
    make_room(a, note.n);
    append(a, note, STR(""));
    archive_logged(a, 0); /* it comes from the disk, where it is synced */
    give(a);
    return true;
}

void archive_loaded(struct archive *a)
{
    free_committed(a);
    archive_known_mind(&a->known, a->last_seq);
}

/* --- questions, turns -------------------------------------------------------------------------------------- */

void archive_ask(struct archive *a, enum archive_lane lane, struct archive_job *j)
{
    if (j->after > 0) archive_writer_urge(a->writer, j->after);
    archive_readers_ask(a->readers, lane, j);
}

void archive_pause(struct archive *a, bool on)
{
    archive_readers_pause(a->readers, on);
}

void archive_turn(struct archive *a)
{
    free_committed(a);
    press(a);
    archive_known_mind(&a->known, a->last_seq);
    archive_readers_turn(a->readers);
}

bool archive_is_applied(const struct archive *a, uint64_t seq)
{
    if (archive_writer_seq(a->writer) >= seq) return true;
    archive_writer_urge(a->writer, seq);
    return false;
}

uint64_t archive_erased(const struct archive *a, uint64_t seq)
{
    return archive_writer_erased(a->writer, seq);
}

bool archive_wait(struct archive *a, uint64_t seq, int64_t ms)
{
    return archive_writer_wait(a->writer, seq, 0, ms);
}

/* --- figures ----------------------------------------------------------------------------------------------- */

bool archive_is_failing(const struct archive *a)
{
    return archive_writer_is_failing(a->writer);
}

static const char *state_of(struct archive *a, int64_t lag_ms)
{
    if (archive_writer_is_failing(a->writer)) return "failing";
    if (!archive_has_room(a, 0)) return "full";
    return lag_ms > SLOW_MS ? "slow" : "ok";
}

void archive_info(const struct archive *of, struct archive_info *out)
{
    struct archive *a = (struct archive *)of;
    struct archive_readers_info readers;
    uint64_t left_out;

    archive_writer_info(a->writer, out);
    archive_readers_info(a->readers, &readers);
    left_out = out->dropped;
    out->lag_ms = a->oldest != NULL ? (a->env.mono_us() - a->oldest->put_us) / 1000 : 0;
    out->state = state_of(a, out->lag_ms);
    out->put = a->put;
    out->dropped = a->dropped + left_out;
    out->queued = a->queued;
    out->queued_bytes = a->queued_bytes;
    archive_known_info(&a->known, out);
    out->filter_hits = a->hits;
    out->filter_misses = a->misses;
    out->jobs = readers.asked;
    out->jobs_failed = readers.failed;
    out->sqlite_version = sqlite3_libversion();
}

size_t archive_buffer_bytes(const struct archive *a)
{
    return a->queued_bytes + archive_readers_bytes(a->readers);
}

size_t archive_index_bytes(const struct archive *a)
{
    return archive_pendings_bytes(&a->pendings);
}

size_t archive_writer_bytes(const struct archive *a)
{
    return a->writer != NULL ? archive_writer_memory(a->writer) : 0; /* NULL: it has been stopped, and jobs are handed back */
}

size_t archive_cache_bytes(const struct archive *a)
{
    return archive_readers_cached(a->readers);
}

/* --- opening and closing ----------------------------------------------------------------------------------- */

static void copy_conf(struct archive *a, const struct archive_conf *conf)
{
    const char *path = a->conf.path;

    a->conf = *conf;
    a->conf.path = path != NULL ? path : mem_dup(conf->path, strlen(conf->path) + 1);
}

void archive_set_conf(struct archive *a, const struct archive_conf *conf)
{
    copy_conf(a, conf);
    archive_writer_set_conf(a->writer, &a->conf);
    archive_readers_set_conf(a->readers, &a->conf);
}

static void destroy(struct archive *a)
{
    while (a->oldest != NULL) {
        struct archive_item *it = a->oldest;

        a->oldest = it->next;
        archive_pendings_remove(&a->pendings, it);
        mem_free(it);
    }
    archive_pendings_fini(&a->pendings);
    archive_known_fini(&a->known);
    buf_fini(&a->room);
    mem_free((char *)a->conf.path);
    mem_free(a);
}

enum err archive_open(struct archive **to, const struct archive_conf *conf, const struct archive_env *env, char *why)
{
    struct archive *a = mem_zalloc(sizeof *a);
    struct archive_info info;
    enum err e;

    /* Nobody asks SQLite how much memory it uses, and counting it takes a lock around each allocation: a tenth of the
     * writer's work. Once SQLite is in use this is refused, and nothing changes. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    copy_conf(a, conf);
    a->env = *env;
    a->values = *env->values;
    a->env.values = &a->values;
    a->end = &a->oldest;
    rng_secret(&a->key, sizeof a->key);
    archive_pendings_init(&a->pendings, a->conf.queue_bytes, hash_of, &a->key);
    e = archive_writer_start(&a->writer, &a->conf, &a->env, why);
    if (e == OK) e = archive_readers_start(&a->readers, &a->conf, &a->env, why);
    if (e != OK) {
        if (a->writer != NULL) archive_writer_stop(&a->writer);
        destroy(a);
        return e;
    }
    archive_writer_tell(a->writer, a->readers);
    archive_begin_log(a, "");
    archive_known_init(&a->known, a->conf.path, &a->key, a->writer, &a->env);
    archive_known_mind(&a->known, a->last_seq);
    archive_writer_info(a->writer, &info);
    log_notice(a->env.log, "Archive %s: %llu entries, %llu keys to recall; SQLite %s", a->conf.path,
               (unsigned long long)info.entries, (unsigned long long)info.keys_live, sqlite3_libversion());
    *to = a;
    return OK;
}

/* The writer first: it tells the readers what it has committed. */
void archive_close(struct archive **to)
{
    struct archive *a = *to;
    uint64_t left;
    bool has_log;

    if (a == NULL) return;
    has_log = a->log->id[0] != '\0';
    archive_known_stop(&a->known);
    give(a);
    left = archive_writer_stop(&a->writer);
    archive_readers_stop(&a->readers);
    if (left > 0) {
        log_warning(a->env.log, "Archive %s: closed with %llu notes that could not be brought in%s", a->conf.path,
                    (unsigned long long)left, has_log ? "; the write log has them" : "");
    }
    destroy(a);
    *to = NULL;
}
