/* archive_writer.c -- see archive_writer.h. */
#include "persistence/archive_writer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/planted.h"
#include "base/thread.h"
#include "persistence/archive_apply.h"
#include "persistence/archive_file.h"
#include "persistence/archive_readers.h"
#include "persistence/archive_retain.h"
#include "persistence/why.h"
#include "storage/store.h"

enum {
    BATCH = 1000,
    TURN_US = 50000,         /* a transaction takes no more notes after so long */
    GATHER_US = 20000,       /* and waits so long for more, when nobody waits for it */
    RETRY_US = 1000000,
    HOUSEKEEPING_US = 1000000,
    WAL_PAGES = 1024,        /* 16 MiB: then it is checkpointed between transactions */
    WAL_PAGES_MUCH = 8192,   /* readers have kept it from beginning anew: try harder */
    ERASED_KEPT = 256
};

struct erased {
    uint64_t seq, rows;
};

struct archive_writer {
    struct archive_conf conf; /* under the lock; path is its own */
    struct archive_env env;
    struct store_conf values;
    pthread_t thread;
    struct archive_readers *readers;
    _Atomic uint64_t done, seq, wanted;

    pthread_mutex_t lock;
    pthread_cond_t work;      /* for the thread */
    pthread_cond_t committed; /* for those who wait */
    struct archive_item *first, **end;
    size_t n_queued;          /* of these */
    struct archive_log *logs;
    bool stop, opened, failing, gathering;
    enum err open_error;
    char why[ARCHIVE_WHY];
    char error[sizeof((struct archive_info *)0)->error];
    struct archive_info info; /* the thread's figures, as of the last transaction */
    struct erased erased[ERASED_KEPT];
    unsigned erased_at;

    /* the thread's */
    struct archive_file file;
    bool reopen;              /* the connection is not to be trusted any more */
    struct archive_item *batch[BATCH];
    size_t at, n;             /* of the batch, what is not committed */
    int64_t retry_at, housekeeping_at, last_commit;
    uint64_t erasing;         /* rows that the ERASE under way has removed so far */
};

/* --- time and waiting -------------------------------------------------------------------------------------- */

static int64_t now_us(const struct archive_writer *w)
{
    return w->env.mono_us();
}

/* Wait on cond for at most us, under the lock. False: the time is over. */
static bool wait_us(struct archive_writer *w, pthread_cond_t *cond, int64_t us)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += us / 1000000;
    until.tv_nsec += us % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(cond, &w->lock, &until) == 0;
}

static void raise_to(_Atomic uint64_t *to, uint64_t value)
{
    uint64_t was = atomic_load(to);

    while (was < value && !atomic_compare_exchange_weak(to, &was, value)) { }
}

/* --- logs -------------------------------------------------------------------------------------------------- */

static struct archive_log *find_log(struct archive_writer *w, const char *id)
{
    struct archive_log *l = w->logs;

    while (l != NULL && strcmp(l->id, id) != 0) l = l->next;
    if (l != NULL) return l;
    l = mem_zalloc(sizeof *l);
    snprintf(l->id, sizeof l->id, "%s", id);
    l->next = w->logs;
    w->logs = l;
    return l;
}

struct archive_log *archive_writer_log(struct archive_writer *w, const char *id)
{
    struct archive_log *l;

    pthread_mutex_lock(&w->lock);
    l = find_log(w, id);
    pthread_mutex_unlock(&w->lock);
    return l;
}

/* What the file says has been applied. */
static int read_applied(struct archive_writer *w)
{
    sqlite3_stmt *st = archive_sql(&w->file, SQL_APPLIED);
    int rc;

    if (st == NULL) return archive_code(&w->file);
    pthread_mutex_lock(&w->lock);
    for (struct archive_log *l = w->logs; l != NULL; l = l->next) l->applied = 0;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(st, 0);

        find_log(w, id != NULL ? id : "")->applied = (uint64_t)sqlite3_column_int64(st, 1);
    }
    pthread_mutex_unlock(&w->lock);
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
    w->retry_at = now_us(w) + RETRY_US;
    pthread_cond_broadcast(&w->committed);
    pthread_mutex_unlock(&w->lock);
    if (first) log_warning(w->env.log, "Archive %s: %s. What leaves memory waits; trying again every second", w->conf.path, text);
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
    if (was) log_notice(w->env.log, "Archive %s: works again", w->conf.path);
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
    it->skip = true;
    archive_rollback(&w->file);
    log_warning(w->env.log, "Archive %s: a note on key '%.*s' is left out: %s", w->conf.path,
                (int)(it->note.key.n < 100 ? it->note.key.n : 100), it->note.key.p, sqlite3_errstr(rc));
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

/* Under the lock. */
static void take_figures(struct archive_writer *w)
{
    struct archive_info *in = &w->info;

    in->entries = (uint64_t)w->file.counts.entries;
    in->messages = (uint64_t)w->file.counts.messages;
    in->keys_live = (uint64_t)w->file.counts.live;
    in->raw_bytes = w->file.raw_bytes;
    in->stored_bytes = w->file.stored_bytes;
    in->file_bytes = file_size(w->conf.path, "");
    in->wal_bytes = file_size(w->conf.path, "-wal");
}

static void committed(struct archive_writer *w, size_t upto, int64_t began)
{
    uint64_t seq = 0;

    for (size_t i = w->at; i < upto; i++) {
        struct archive_item *it = w->batch[i];

        if (it->note.seq > it->log->applied) it->log->applied = it->note.seq;
        if (it->note.seq > seq) seq = it->note.seq;
    }
    pthread_mutex_lock(&w->lock);
    w->info.transactions++;
    w->info.applied += upto - w->at;
    w->info.last_commit_us = now_us(w) - began;
    take_figures(w);
    w->last_commit = now_us(w);
    raise_to(&w->seq, seq);
    atomic_store(&w->done, w->batch[upto - 1]->ordinal); /* from here on the items are not ours */
    pthread_cond_broadcast(&w->committed);
    pthread_mutex_unlock(&w->lock);
    w->at = upto;
    recovered(w);
    if (w->readers != NULL) archive_readers_applied(w->readers, atomic_load(&w->seq));
    w->env.wake(w->env.ctx);
}

static void transact(struct archive_writer *w)
{
    int64_t began = now_us(w);
    size_t upto = w->at;
    int rc = erase_first(w);

    if (rc == SQLITE_OK) rc = archive_begin(&w->file);
    if (rc == SQLITE_OK) rc = apply_notes(w, &upto);
    if (rc == SQLITE_DONE && !w->file.begun) return; /* a note was left out: once more without it */
    if (rc == SQLITE_DONE) rc = archive_commit(&w->file);
    if (rc == SQLITE_OK) committed(w, upto, began);
    else fail(w, rc);
}

/* --- between transactions ---------------------------------------------------------------------------------- */

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
            archive_checkpoint(&w->file, w->file.wal_pages > WAL_PAGES);
        }
    }
    w->housekeeping_at = more ? now : now + HOUSEKEEPING_US;
    pthread_mutex_lock(&w->lock);
    w->info.retained_away += removed;
    take_figures(w);
    pthread_mutex_unlock(&w->lock);
}

static void checkpoint_if_large(struct archive_writer *w)
{
    if (w->file.wal_pages < WAL_PAGES) return;
    archive_checkpoint(&w->file, w->file.wal_pages >= WAL_PAGES_MUCH);
}

/* --- the thread -------------------------------------------------------------------------------------------- */

/* Under the lock. */
static void take_batch(struct archive_writer *w)
{
    w->at = w->n = 0;
    while (w->first != NULL && w->n < BATCH) {
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
    return w->n_queued < BATCH && atomic_load(&w->wanted) <= atomic_load(&w->seq) && now < w->last_commit + GATHER_US;
}

/* What is to be done next; under the lock, given up while waiting. False: the end. */
static bool next(struct archive_writer *w)
{
    for (;;) {
        int64_t now = now_us(w);
        bool work = w->at < w->n || w->first != NULL;

        if (w->stop && (!work || w->failing)) return false;
        if (w->failing && now < w->retry_at) {
            wait_us(w, &w->work, w->retry_at - now);
        } else if (work && w->at == w->n && !w->stop && may_gather(w, now)) {
            w->gathering = true;
            wait_us(w, &w->work, w->last_commit + GATHER_US - now);
            w->gathering = false;
        } else if (work || now >= w->housekeeping_at) {
            return true;
        } else {
            wait_us(w, &w->work, w->housekeeping_at - now);
        }
    }
}

static void step(struct archive_writer *w, bool failing)
{
    if (failing && !is_ready_again(w)) return;
    if (w->at < w->n) {
        transact(w);
        checkpoint_if_large(w);
    }
    if (now_us(w) >= w->housekeeping_at && w->file.db != NULL && !w->reopen) housekeep(w);
}

static void open_file(struct archive_writer *w)
{
    enum err e = archive_file_open(&w->file, &w->conf, &w->values, w->why);

    if (e == OK && read_applied(w) != SQLITE_OK) {
        e = why_put(w->why, ERR_FORMAT, "%s: table applied cannot be read (%s)", w->conf.path, sqlite3_errmsg(w->file.db));
        archive_file_close(&w->file);
    }
    pthread_mutex_lock(&w->lock);
    for (struct archive_log *l = w->logs; l != NULL; l = l->next) l->seen = l->applied;
    if (e == OK) take_figures(w);
    w->open_error = e;
    w->opened = true;
    pthread_cond_broadcast(&w->committed);
}

static void *run(void *arg)
{
    struct archive_writer *w = arg;

    mem_thread_enter();
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

/* --- what others call -------------------------------------------------------------------------------------- */

static void copy_conf(struct archive_writer *w, const struct archive_conf *conf)
{
    const char *path = w->conf.path;

    w->conf = *conf;
    w->conf.path = path != NULL ? path : mem_dup(conf->path, strlen(conf->path) + 1);
}

static void destroy(struct archive_writer *w)
{
    while (w->logs != NULL) {
        struct archive_log *l = w->logs;

        w->logs = l->next;
        mem_free(l);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->committed);
    mem_free((char *)w->conf.path);
    mem_free(w);
}

static void init_conds(struct archive_writer *w)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->work, &monotonic);
    pthread_cond_init(&w->committed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum err archive_writer_start(struct archive_writer **to, const struct archive_conf *conf, const struct archive_env *env,
                              char *why)
{
    struct archive_writer *w = mem_zalloc(sizeof *w);
    enum err e;
    int error;

    copy_conf(w, conf);
    w->env = *env;
    w->values = *env->values;
    w->env.values = &w->values;
    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    init_conds(w);
    error = thread_start(&w->thread, run, w);
    if (error != 0) {
        destroy(w);
        return why_put(why, ERR_IO, "no thread for the archive: %s", thread_why(error));
    }
    pthread_mutex_lock(&w->lock);
    while (!w->opened) pthread_cond_wait(&w->committed, &w->lock);
    e = w->open_error;
    pthread_mutex_unlock(&w->lock);
    if (e == OK) {
        *to = w;
        return OK;
    }
    why_put(why, e, "%s", w->why);
    pthread_join(w->thread, NULL);
    destroy(w);
    return e;
}

uint64_t archive_writer_stop(struct archive_writer **to)
{
    struct archive_writer *w = *to;
    uint64_t left;

    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    left = w->n - w->at;
    for (const struct archive_item *it = w->first; it != NULL; it = it->ready) left++;
    destroy(w);
    *to = NULL;
    return left;
}

void archive_writer_tell(struct archive_writer *w, struct archive_readers *readers)
{
    w->readers = readers;
}

void archive_writer_set_conf(struct archive_writer *w, const struct archive_conf *conf)
{
    pthread_mutex_lock(&w->lock);
    copy_conf(w, conf);
    pthread_mutex_unlock(&w->lock);
}

void archive_writer_give(struct archive_writer *w, struct archive_item *first, struct archive_item *last, size_t n)
{
    pthread_mutex_lock(&w->lock);
    last->ready = NULL;
    *w->end = first;
    w->end = &last->ready;
    w->n_queued += n;
    if (!w->gathering || w->n_queued >= BATCH) pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

uint64_t archive_writer_done(const struct archive_writer *w)
{
    return atomic_load(&w->done);
}

uint64_t archive_writer_seq(const struct archive_writer *w)
{
    return atomic_load(&w->seq);
}

void archive_writer_urge(struct archive_writer *w, uint64_t seq)
{
    if (atomic_load(&w->wanted) >= seq) return;
    raise_to(&w->wanted, seq);
    pthread_mutex_lock(&w->lock);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

bool archive_writer_wait(struct archive_writer *w, uint64_t seq, uint64_t ordinal, int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000, now;
    bool is_there;

    archive_writer_urge(w, seq);
    pthread_mutex_lock(&w->lock);
    for (;;) {
        is_there = ordinal > 0 ? atomic_load(&w->done) >= ordinal : atomic_load(&w->seq) >= seq;
        if (is_there || (now = clock_mono_us()) >= until || (ordinal > 0 && w->failing)) break;
        wait_us(w, &w->committed, until - now);
    }
    pthread_mutex_unlock(&w->lock);
    return is_there;
}

uint64_t archive_writer_erased(struct archive_writer *w, uint64_t seq)
{
    uint64_t rows = 0;

    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < ERASED_KEPT; i++) {
        if (w->erased[i].seq == seq) rows = w->erased[i].rows;
    }
    pthread_mutex_unlock(&w->lock);
    return rows;
}

void archive_writer_info(struct archive_writer *w, struct archive_info *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->info;
    snprintf(out->error, sizeof out->error, "%s", w->error);
    pthread_mutex_unlock(&w->lock);
}

bool archive_writer_is_failing(struct archive_writer *w)
{
    bool failing;

    pthread_mutex_lock(&w->lock);
    failing = w->failing;
    pthread_mutex_unlock(&w->lock);
    return failing;
}
