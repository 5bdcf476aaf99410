/* archive_writer.c -- see archive_writer.h. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/planted.h"
#include "base/thread.h"
#include "persistence/archive_apply.h"
#include "persistence/archive_readers.h"
#include "persistence/archive_retain.h"
#include "persistence/archive_writer_impl.h"
#include "persistence/why.h"

enum {
    TURN_US = 50000,         /* a transaction takes no more notes after so long */
    GATHER_US = 20000,       /* and waits so long for more, when nobody waits for it */
    RETRY_US = 1000000,
    HOUSEKEEPING_US = 1000000,
    WAL_PAGES = 1024,        /* 16 MiB: then it is checkpointed between transactions */
    WAL_PAGES_MUCH = 8192    /* readers have kept it from beginning anew: try harder */
};

static int64_t now_us(const struct archive_writer *w)
{
    return w->env.mono_us();
}

static void set_log_applied(struct archive_writer *w, const char *id, uint64_t seq)
{
    pthread_mutex_lock(&w->lock);
    archive_writer_find_log(w, id)->applied = seq;
    pthread_mutex_unlock(&w->lock);
}

/* What the file says has been applied. */
static int read_applied(struct archive_writer *w)
{
    sqlite3_stmt *st = archive_sql(&w->file, SQL_APPLIED);
    int rc;

    if (st == NULL) return archive_code(&w->file);
    pthread_mutex_lock(&w->lock);
    for (struct archive_log *l = w->logs; l != NULL; l = l->next) l->applied = 0;
    pthread_mutex_unlock(&w->lock);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(st, 0);

        set_log_applied(w, id != NULL ? id : "", (uint64_t)sqlite3_column_int64(st, 1));
    }
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* --- failing ----------------------------------------------------------------------------------------------- */

static void set_error(struct archive_writer *w, const char *text)
{
    bool first;

    pthread_mutex_lock(&w->lock);
    first = !w->failing || strcmp(w->error, text) != 0;
    snprintf(w->error, sizeof w->error, "%s", text);
    w->failing = true;
    w->info.retries++;
    w->retry_at = now_us(w) + (w->env.retry_us > 0 ? w->env.retry_us : RETRY_US);
    pthread_cond_broadcast(&w->committed);
    pthread_mutex_unlock(&w->lock);
    if (first) log_warning(w->env.log, "Archive %s: %s. What leaves memory waits; trying again every second", w->path, text);
    w->env.wake(w->env.ctx);
}

/* After a full disk or a lock the connection is as good as before; after anything else a new one is safer. */
static void fail(struct archive_writer *w, int rc)
{
    char text[sizeof w->error];
    int kind = rc & 0xff;

    archive_file_error(&w->file, rc, text, sizeof text);
    if (w->file.begun) archive_rollback(&w->file);
    w->reopen = kind != SQLITE_FULL && kind != SQLITE_BUSY && kind != SQLITE_LOCKED;
    set_error(w, text);
}

static void recovered(struct archive_writer *w)
{
    bool was;

    pthread_mutex_lock(&w->lock);
    was = w->failing;
    w->failing = false;
    pthread_mutex_unlock(&w->lock);
    if (was) log_notice(w->env.log, "Archive %s: works again", w->path);
}

/* Before a transaction is tried again: a connection, and what the file holds. */
static bool is_ready_again(struct archive_writer *w)
{
    char why[ARCHIVE_WHY];
    struct archive_conf conf;
    int rc;

    if (w->reopen) {
        pthread_mutex_lock(&w->lock);
        conf = w->conf;
        pthread_mutex_unlock(&w->lock);
        if (w->file.db != NULL) archive_file_close(&w->file);
        if (archive_file_open(&w->file, &conf, &w->values, why) != OK) {
            set_error(w, why);
            return false;
        }
        w->reopen = false;
    }
    rc = read_applied(w);
    if (rc != SQLITE_OK) fail(w, rc);
    return rc == SQLITE_OK;
}

/* --- transactions ------------------------------------------------------------------------------------------ */

/* SQLite has nothing against the file, but against this note: too long, or against a constraint. */
static bool is_notes_fault(int rc)
{
    int kind = rc & 0xff;

    return kind == SQLITE_TOOBIG || kind == SQLITE_CONSTRAINT || kind == SQLITE_MISMATCH;
}

static bool is_applied(const struct archive_item *it)
{
    return it->skip || it->erased || it->note.seq <= it->log->applied;
}

static void leave_out(struct archive_writer *w, struct archive_item *it, int rc)
{
    struct str key = log_shown(w->env.log, it->note.key);

    it->skip = true;
    archive_rollback(&w->file);
    log_warning(w->env.log, "Archive %s: a note on key '%.*s' is left out: %s", w->path, (int)(key.n < 100 ? key.n : 100),
                key.p, sqlite3_errstr(rc));
    pthread_mutex_lock(&w->lock);
    w->info.dropped++;
    pthread_mutex_unlock(&w->lock);
}

/* The number of the last note of each log among items at ... upto - 1. */
static int set_applied(struct archive_writer *w, size_t upto)
{
    int rc = SQLITE_DONE;

    for (size_t i = w->at; i < upto && rc == SQLITE_DONE && !PLANTED(BUG_APPLIED_NOT_STORED); i++) {
        const struct archive_item *it = w->batch[i];
        sqlite3_stmt *st;

        if ((i + 1 < upto && w->batch[i + 1]->log == it->log) || it->note.seq <= it->log->applied) continue;
        st = archive_sql(&w->file, SQL_SET_APPLIED);
        if (st == NULL) return archive_code(&w->file);
        sqlite3_bind_text(st, 1, it->log->id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(st, 2, (int64_t)it->note.seq);
        rc = archive_run(&w->file, st);
    }
    return rc;
}

/* Apply notes of the batch, from `at` on, until it has been long enough; *upto is behind the last. An ERASE is
 * done before the transaction if it is the first, and is left for the next if not. */
static int apply_notes(struct archive_writer *w, size_t *upto)
{
    int64_t until = now_us(w) + TURN_US;
    size_t i;

    for (i = w->at; i < w->n; i++) {
        struct archive_item *it = w->batch[i];
        int rc;

        if (is_applied(it)) continue;
        if (it->note.verb == ARCHIVE_ERASE) break;
        rc = archive_apply(&w->file, &it->note);
        if (is_notes_fault(rc)) {
            leave_out(w, it, rc);
            return SQLITE_DONE; /* *upto is as it was: all of it again */
        }
        if (rc != SQLITE_DONE) return rc;
        if (now_us(w) >= until) {
            i++;
            break;
        }
    }
    *upto = i;
    return set_applied(w, i);
}

static int erase_first(struct archive_writer *w)
{
    struct archive_item *it = w->batch[w->at];
    int rc;

    if (is_applied(it) || it->note.verb != ARCHIVE_ERASE) return SQLITE_OK;
    rc = archive_erase(&w->file, &it->note, &w->erasing);
    if (rc != SQLITE_OK) return rc;
    it->erased = true;
    pthread_mutex_lock(&w->lock);
    w->erased[w->erased_at++ % ERASED_KEPT] = (struct erased){ it->note.seq, w->erasing };
    pthread_mutex_unlock(&w->lock);
    w->erasing = 0;
    return SQLITE_OK;
}

static uint64_t file_size(const char *path, const char *suffix)
{
    char name[4096 + 8];
    struct stat st;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void take_figures(struct archive_writer *w)
{
    struct archive_info *in = &w->info;
    uint64_t file_bytes = file_size(w->path, ""), wal_bytes = file_size(w->path, "-wal");

    pthread_mutex_lock(&w->lock);
    in->entries = (uint64_t)w->file.counts.entries;
    in->messages = (uint64_t)w->file.counts.messages;
    in->keys_live = (uint64_t)w->file.counts.live;
    in->raw_bytes = w->file.raw_bytes;
    in->stored_bytes = w->file.stored_bytes;
    in->file_bytes = file_bytes;
    in->wal_bytes = wal_bytes;
    pthread_mutex_unlock(&w->lock);
}

static void committed(struct archive_writer *w, size_t upto, int64_t began)
{
    uint64_t seq = 0;

    for (size_t i = w->at; i < upto; i++) {
        struct archive_item *it = w->batch[i];

        if (it->note.seq > it->log->applied) it->log->applied = it->note.seq;
        if (it->note.seq > seq) seq = it->note.seq;
    }
    take_figures(w);
    pthread_mutex_lock(&w->lock);
    w->info.transactions++;
    w->info.applied += upto - w->at;
    w->last_commit = now_us(w);
    w->info.last_commit_us = w->last_commit - began;
    archive_writer_raise(&w->seq, seq);
    atomic_store(&w->done, w->batch[upto - 1]->ordinal); /* from here on the items are not ours */
    pthread_cond_broadcast(&w->committed);
    archive_writer_call_forward(w); /* others take the readers' locks, too */
    pthread_mutex_unlock(&w->lock);
    w->at = upto;
    recovered(w);
    if (w->readers != NULL) archive_readers_applied(w->readers, atomic_load(&w->seq));
    w->env.wake(w->env.ctx);
}

/* What is written to a file that has no name any more is lost. */
static bool is_moved(struct archive_writer *w)
{
    int moved = 0;

    if (sqlite3_file_control(w->file.db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved) return false;
    set_error(w, "the file was moved or removed: put it back, or restart memd to begin a new one");
    return true;
}

static void transact(struct archive_writer *w)
{
    int64_t began = now_us(w);
    size_t upto = w->at;
    int rc;

    if (is_moved(w)) return;
    rc = erase_first(w);

    if (rc == SQLITE_OK) rc = archive_begin(&w->file);
    if (rc == SQLITE_OK) rc = apply_notes(w, &upto);
    if (rc == SQLITE_DONE && !w->file.begun) return; /* a note was left out: once more without it */
    if (rc == SQLITE_DONE) rc = archive_commit(&w->file);
    if (rc == SQLITE_OK) committed(w, upto, began);
    else fail(w, rc);
}

/* --- between transactions ---------------------------------------------------------------------------------- */

/* What was committed is safe in the log of changes, which grows while it cannot be taken into the file: that is told. */
static void checkpoint(struct archive_writer *w, bool all)
{
    char text[sizeof w->error];
    int rc = archive_checkpoint(&w->file, all);
    bool first;

    if (rc == SQLITE_OK) return;
    archive_file_error(&w->file, rc, text, sizeof text);
    pthread_mutex_lock(&w->lock);
    first = strcmp(w->error, text) != 0;
    snprintf(w->error, sizeof w->error, "%s", text);
    w->info.retries++;
    pthread_mutex_unlock(&w->lock);
    if (first) log_warning(w->env.log, "Archive %s: its -wal file cannot be taken in: %s", w->path, text);
}

static void checkpoint_if_large(struct archive_writer *w)
{
    if (w->file.wal_pages >= WAL_PAGES) checkpoint(w, w->file.wal_pages >= WAL_PAGES_MUCH);
}

static void housekeep(struct archive_writer *w)
{
    int64_t now = now_us(w), max_bytes;
    uint64_t removed = 0;
    bool more = false;
    int rc;

    pthread_mutex_lock(&w->lock);
    max_bytes = w->conf.max_bytes;
    pthread_mutex_unlock(&w->lock);
    rc = archive_retain(&w->file, w->env.wall_ms(), max_bytes, &removed, &more);
    if (rc != SQLITE_OK) {
        fail(w, rc);
    } else {
        recovered(w);
        if (w->n == 0 && w->file.wal_pages > 0 && now - w->last_commit >= HOUSEKEEPING_US) {
            checkpoint(w, w->file.wal_pages > WAL_PAGES);
        }
    }
    w->housekeeping_at = more ? now : now + HOUSEKEEPING_US;
    take_figures(w);
    pthread_mutex_lock(&w->lock);
    w->info.retained_away += removed;
    pthread_mutex_unlock(&w->lock);
}

/* --- the thread -------------------------------------------------------------------------------------------- */

/* Under the lock. */
static void take_batch(struct archive_writer *w)
{
    w->at = w->n = 0;
    while (w->first != NULL && w->n < ARCHIVE_BATCH) {
        w->batch[w->n++] = w->first;
        w->first = w->first->ready;
    }
    w->n_queued -= w->n;
    if (w->first == NULL) w->end = &w->first;
    w->file.compress = w->conf.compress;
    w->file.messages = w->conf.messages;
}

/* A few notes, nobody who waits for them, and a transaction just now: more may come. Under the lock. */
static bool may_gather(const struct archive_writer *w, int64_t now)
{
    return w->n_queued < ARCHIVE_BATCH && atomic_load(&w->wanted) <= atomic_load(&w->seq) && now < w->last_commit + GATHER_US;
}

/* While nobody waits and nothing presses the thread takes what processor nobody else wants. Under the lock. */
static void mind_hurry(struct archive_writer *w)
{
    bool hurry = w->stop || atomic_load(&w->pressed) || atomic_load(&w->wanted) > atomic_load(&w->seq);

    if (hurry) archive_writer_call_forward(w);
    else if (!w->stands_back) w->stands_back = thread_stand_back();
}

/* What is to be done next; under the lock, given up while waiting. False: the end. */
static bool next(struct archive_writer *w)
{
    for (;;) {
        int64_t now = now_us(w);
        bool work = w->at < w->n || w->first != NULL;

        if (w->stop && (!work || w->failing)) return false;
        mind_hurry(w);
        if (w->failing && now < w->retry_at) {
            archive_writer_sleep(w, &w->work, w->retry_at - now);
        } else if (work && w->at == w->n && !w->stop && may_gather(w, now)) {
            w->gathering = true;
            archive_writer_sleep(w, &w->work, w->last_commit + GATHER_US - now);
            w->gathering = false;
        } else if (work || now >= w->housekeeping_at) {
            return true;
        } else {
            archive_writer_sleep(w, &w->work, w->housekeeping_at - now);
        }
    }
}

static void step(struct archive_writer *w, bool failing)
{
    if (failing && !is_ready_again(w)) return;
    if (w->at < w->n) {
        transact(w);
        if (!w->reopen) checkpoint_if_large(w);
    }
    if (now_us(w) >= w->housekeeping_at && !w->reopen) housekeep(w);
}

static void open_file(struct archive_writer *w)
{
    enum err e = archive_file_open(&w->file, &w->conf, &w->values, w->why);

    if (e == OK && read_applied(w) != SQLITE_OK) {
        e = why_put(w->why, ERR_FORMAT, "%s: table applied cannot be read (%s)", w->path, sqlite3_errmsg(w->file.db));
        archive_file_close(&w->file);
    }
    if (e == OK) take_figures(w);
    pthread_mutex_lock(&w->lock);
    for (struct archive_log *l = w->logs; l != NULL; l = l->next) l->seen = l->applied;
    w->open_error = e;
    w->opened = true;
    pthread_cond_broadcast(&w->committed);
}

void *archive_writer_run(void *arg)
{
    struct archive_writer *w = arg;

    thread_give_way();
    w->thread_id = thread_id();
    mem_thread_enter();
    mem_watch_begin(&w->memory); /* archive_writer_start waits for the opening */
    open_file(w); /* the lock is held from here on */
    while (w->open_error == OK && next(w)) {
        bool failing = w->failing;

        if (w->at == w->n) take_batch(w);
        pthread_mutex_unlock(&w->lock);
        step(w, failing);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    if (w->file.db != NULL) {
        if (!w->failing) archive_checkpoint(&w->file, true);
        archive_file_close(&w->file);
    }
    mem_thread_leave();
    return NULL;
}
