/* persist_save.c -- snapshots: when they begin, how they end. What becomes of one that is a base: persist_rewrite.c. */
#include "persistence/persist_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/planted.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/generations.h"
#include "persistence/log_file.h"
#include "persistence/snapshot.h"
#include "persistence/worker.h"
#include "persistence/write_log.h"
#include "storage/store.h"
#include "storage/value_reader.h"

enum {
    RULES_EVERY_US = 100000,
    RETRY_S = 5, /* after a failed save */
    /* For the archive: one that lags behind a burst has minutes of work, and without rewrites the log would grow on. */
    ARCHIVE_WAIT_MS = 600000,
    ARCHIVE_END_MS = 30000,  /* at the end of memd */
    ARCHIVE_HELD_MS = 3000,  /* while all wait for the save, and memd goes on after */
    ARCHIVE_SLICE_MS = 50,
    WAITING_MS = 1000 /* so often it is told that a save is waited for */
};

/* --- putting the file in its place (on the worker) --------------------------------------------------- */

/* The archive has all that left the data before the cut: from here on nobody else knows of it. Waits in slices, so
 * that who cancels the save need not wait for an archive whose disk is broken. */
static bool archive_has_all(struct persist *p)
{
    const struct persist_archive *a = p->env.archive;
    int64_t most = !p->held ? ARCHIVE_WAIT_MS : p->ends ? ARCHIVE_END_MS : ARCHIVE_HELD_MS;
    bool has = p->archive_mark == 0 || PLANTED(BUG_BASE_BEFORE_ARCHIVE);

    atomic_store(&p->archive_awaited, true);
    if (!has && p->env.wake) p->env.wake(p->env.ctx);
    for (int64_t waited = 0; !has && waited < most && !atomic_load(&p->giving_up); waited += ARCHIVE_SLICE_MS)
        has = a->wait(a->ctx, p->archive_mark, ARCHIVE_SLICE_MS);
    atomic_store(&p->archive_awaited, false);
    if (has) return true;
    if (!atomic_load(&p->giving_up))
        log_warning(p->env.log, "The archive does not take what has left the data (INFO archive): what would replace the "
                    "log or snapshot that still has it is not put in its place");
    errno = EBUSY;
    return false;
}

static bool publish_rdb(void *arg)
{
    struct persist *p = arg;

    if (!archive_has_all(p)) return false;
    return generations_replace(p->ops, p->env.log, p->final_dir, p->tmp_path, p->final_path, p->generations);
}

static bool publish_base(void *arg)
{
    struct persist *p = arg;
    enum aof_first how = !p->with_log ? AOF_FIRST_NONE : p->turning_on ? AOF_FIRST_NEW : AOF_FIRST_PUBLISHED;

    if (!archive_has_all(p)) return false;
    atomic_store(&p->naming, how == AOF_FIRST_NEW);
    return aof_set_commit_base(p->set, p->tmp_path, p->cut_offset, how, p->new_seq, p->generations > 1);
}

/* An open file needs no name; what a crash leaves before is swept at the next start. */
static bool publish_export(void *arg)
{
    struct persist *p = arg;

    p->export_fd = p->ops->open(p->ops->ctx, p->tmp_path, O_RDONLY);
    return p->export_fd != -1 && p->ops->unlink(p->ops->ctx, p->tmp_path) == 0;
}

static void waiting(void *ctx)
{
    struct persist *p = ctx;

    if (p->loading) (void)persist_tell_waiting(p, p->began_us); /* when loading is given up the save still goes on to its end */
    else if (p->env.waiting) p->env.waiting(p->env.ctx);
}

void persist_begin_snapshot(struct persist *p, enum saving what)
{
    bool base = what == SAVING_BASE;
    struct snapshot_conf c = {
        .store = p->env.store,
        .ops = p->ops,
        .worker = p->worker,
        .mono_us = p->env.mono_us,
        .wake = p->env.wake,
        .ctx = p->env.ctx,
        .waiting = waiting,
        .waiting_ctx = p,
        .waiting_ms = p->loading ? PERSIST_WAIT_MS : WAITING_MS,
        .tmp_path = p->tmp_path,
        .publish = base ? publish_base : what == SAVING_EXPORT ? publish_export : publish_rdb,
        .arg = p,
        .checksum = p->conf.rdb_checksum,
        .compress = p->conf.rdb_compression,
        .verify = what != SAVING_EXPORT, /* who asked for it reads it at once */
        .buffer = p->conf.snapshot_buffer,
        .redis_version = p->env.redis_version ? p->env.redis_version : "7.0.15",
        .log_id = write_log_id(p->log),
        .log_offset = write_log_offset(p->log),
        .aof_base = base,
        .libraries = p->env.libraries,
        .definitions = p->env.definitions,
    };

    if (base) aof_set_temp_base(p->set, p->tmp_path);
    else snprintf(p->tmp_path, sizeof p->tmp_path, "%s/temp-%ld.rdb", p->conf.dir, (long)getpid());
    p->cut_offset = c.log_offset;
    p->archive_mark = 0;
    atomic_store(&p->giving_up, false);
    atomic_store(&p->naming, false);
    /* While the log is on it is what a start loads, whatever becomes of the snapshot. */
    if (p->env.archive && (base || (what == SAVING_RDB && !write_log_is_on(p->log))))
        p->archive_mark = p->env.archive->mark(p->env.archive->ctx);
    /* Settings may change while the worker is at it, and then their texts are freed. */
    memcpy(p->final_path, p->rdb_path, sizeof p->final_path);
    snprintf(p->final_dir, sizeof p->final_dir, "%s", p->conf.dir);
    p->generations = p->conf.generations == 1 ? 1 : 2;
    p->saving = what;
    if (base) value_readers_finish_moment(c.store);
    p->snapshot = snapshot_begin(&c);
}

/* --- the end of one ----------------------------------------------------------------------------------- */

static void note_rdb(struct persist *p, bool ok, int64_t sec)
{
    struct snapshot_figures f;

    snapshot_figures(p->snapshot, &f);
    p->last_bgsave_ok = ok;
    p->last_bgsave_sec = sec;
    if (!ok) {
        log_warning(p->env.log, "Saving the snapshot failed: %s", snapshot_error(p->snapshot));
        return;
    }
    p->saves++;
    p->env.store->stats.dirty -= f.dirty < p->env.store->stats.dirty ? f.dirty : p->env.store->stats.dirty;
    p->last_save_time = p->env.store->now_ms / 1000;
    log_notice(p->env.log, "DB saved on disk: %s, %llu keys, %llu bytes", p->rdb_path,
               (unsigned long long)f.keys_done, (unsigned long long)f.bytes);
}

/* Hand over the snapshot that was asked for; fd is -1 when there is none. */
static void export_done(struct persist *p, bool ok)
{
    void (*done)(void *ctx, int fd) = p->export_done;
    int fd = p->export_fd;

    p->export_done = NULL;
    p->export_fd = -1;
    p->wait_export = false;
    if (!ok && fd != -1) p->ops->close(p->ops->ctx, fd);
    if (done) done(p->export_ctx, ok ? fd : -1);
}

static void note_export(struct persist *p, bool ok)
{
    if (!ok) log_warning(p->env.log, "Making a snapshot for a client failed: %s", snapshot_error(p->snapshot));
    export_done(p, ok);
}

static void end_saving(struct persist *p, enum snapshot_state state)
{
    int64_t sec = (p->env.mono_us() - p->began_us) / 1000000;
    enum saving what = p->saving;
    bool ok = state == SNAPSHOT_DONE;
    struct snapshot_figures f;

    p->saving = SAVING_NOTHING;
    if (state == SNAPSHOT_BROKEN) {
        log_notice(p->env.log, "A database was flushed or swapped: saving begins anew");
        if (what == SAVING_RDB) p->wait_bgsave = true;
        else if (what == SAVING_EXPORT) p->wait_export = true;
        else p->wait_rewrite = true;
    } else if (what == SAVING_RDB) {
        note_rdb(p, ok, sec);
    } else if (what == SAVING_EXPORT) {
        note_export(p, ok);
    } else {
        persist_note_base(p, ok, sec);
    }
    snapshot_figures(p->snapshot, &f);
    p->piece_max = f.piece_max;
    p->walk_max = f.walk_max;
    snapshot_free(&p->snapshot);
    if (what == SAVING_BASE && !ok && p->turning_on) {
        int64_t retry = p->retry_rewrite_us;

        persist_abandon_turning_on(p);
        if (state == SNAPSHOT_BROKEN) p->retry_rewrite_us = retry;
    }
}

/* The worker may have put the file in its place before it heard of this: then it counts, and is not to be forgotten.
 * A file for somebody else is not wanted any more. */
static void cancel_snapshot(struct persist *p)
{
    enum snapshot_state state;

    atomic_store(&p->giving_up, true);
    state = snapshot_stop(p->snapshot);
    if (state == SNAPSHOT_DONE && p->saving != SAVING_EXPORT) {
        end_saving(p, state);
        return;
    }
    snapshot_free(&p->snapshot);
    if (p->saving == SAVING_BASE && p->turning_on) persist_abandon_turning_on(p);
    p->saving = SAVING_NOTHING;
}

void persist_cancel(struct persist *p)
{
    if (p->saving == SAVING_PREPARES) persist_stop_preparing(p);
    else if (p->saving != SAVING_NOTHING) cancel_snapshot(p);
    p->wait_bgsave = false;
    if (!p->turning_on) p->wait_rewrite = false;
    export_done(p, false);
}

/* --- asking ------------------------------------------------------------------------------------------------ */

static void begin_bgsave(struct persist *p)
{
    p->wait_bgsave = false;
    p->of_flush = p->flush_waits;
    p->flush_waits = false;
    p->began_us = p->env.mono_us();
    p->last_try_s = p->env.store->now_ms / 1000;
    persist_begin_snapshot(p, SAVING_RDB);
}

void persist_flushed(struct persist *p)
{
    if (!p->loaded || p->loading || p->conf.n_rules == 0) return;
    p->wait_bgsave = p->flush_waits = true;
}

void persist_export(struct persist *p, void (*done)(void *ctx, int fd), void *ctx)
{
    ensure(p->export_done == NULL);
    p->export_done = done;
    p->export_ctx = ctx;
    p->wait_export = true;
}

static void begin_export(struct persist *p)
{
    p->wait_export = false;
    p->began_us = p->env.mono_us();
    persist_begin_snapshot(p, SAVING_EXPORT);
}

bool persist_save_now(struct persist *p, bool base)
{
    enum snapshot_state state;

    p->began_us = p->env.mono_us();
    p->held = p->loaded;
    persist_begin_snapshot(p, base ? SAVING_BASE : SAVING_RDB);
    state = snapshot_finish(p->snapshot);
    p->held = false;
    end_saving(p, state);
    return state == SNAPSHOT_DONE;
}

static bool only_flush_wants_it(const struct persist *p)
{
    return p->saving == SAVING_RDB && p->of_flush;
}

/* SAVE. What nobody but FLUSHALL has asked for gives way: this one is newer. If it fails the other is due again. */
static enum persist_answer save_first(struct persist *p)
{
    bool gives_way = only_flush_wants_it(p);

    if (gives_way) {
        snapshot_free(&p->snapshot);
        p->saving = SAVING_NOTHING;
    }
    if (p->saving != SAVING_NOTHING) return PERSIST_OTHER_RUNS;
    if (persist_save_now(p, false)) return PERSIST_DONE;
    if (gives_way) p->wait_bgsave = p->flush_waits = true;
    return PERSIST_FAILED;
}

enum persist_answer persist_save(struct persist *p, enum persist_save_kind kind)
{
    bool rewrite = kind == PERSIST_REWRITE, busy = p->saving != SAVING_NOTHING;
    bool same = rewrite ? p->saving == SAVING_BASE || p->saving == SAVING_PREPARES
                        : p->saving == SAVING_RDB || p->saving == SAVING_EXPORT;

    if (same && !(kind == PERSIST_SAVE && only_flush_wants_it(p))) return PERSIST_SAME_RUNS;
    if (UNLIKELY(mem_is_short())) {
        log_warning(p->env.log, "Nothing is saved now: memory has run out");
        return PERSIST_FAILED;
    }
    if (kind == PERSIST_SAVE) return save_first(p);
    if (kind == PERSIST_BGSAVE && busy) return PERSIST_OTHER_RUNS;
    if (rewrite) {
        p->wait_rewrite = true;
        p->retry_rewrite_us = 0;
        if (busy) return PERSIST_SCHEDULED;
        persist_begin_rewrite(p);
        return p->saving == SAVING_NOTHING ? PERSIST_FAILED : PERSIST_STARTED;
    }
    if (busy) {
        p->wait_bgsave = true;
        return PERSIST_SCHEDULED;
    }
    begin_bgsave(p);
    return PERSIST_STARTED;
}

/* --- the turn ------------------------------------------------------------------------------------------------ */

static bool rule_says_save(const struct persist *p)
{
    int64_t now = p->env.store->now_ms / 1000;

    if (!p->last_bgsave_ok && now - p->last_try_s < RETRY_S) return false;
    for (int i = 0; i < p->conf.n_rules; i++) {
        const struct persist_rule *r = &p->conf.rules[i];

        if ((int64_t)p->env.store->stats.dirty < r->changes || now - p->last_save_time <= r->seconds) continue;
        log_notice(p->env.log, "%lld changes in %lld seconds: saving", (long long)r->changes,
                   (long long)r->seconds);
        return true;
    }
    return false;
}

bool persist_shed(struct persist *p)
{
    if (p->saving == SAVING_NOTHING) return false;
    persist_cancel(p);
    return true;
}

static void begin_what_is_due(struct persist *p, int64_t now)
{
    if (UNLIKELY(mem_is_short())) return;
    if (p->wait_rewrite && now >= p->retry_rewrite_us) persist_begin_rewrite(p);
    else if (p->wait_bgsave) begin_bgsave(p);
    else if (p->wait_export) begin_export(p);
    if (p->saving != SAVING_NOTHING || now - p->last_rules_us < RULES_EVERY_US) return;
    p->last_rules_us = now;
    if (rule_says_save(p)) begin_bgsave(p);
    else if (persist_rewrite_is_due(p)) persist_begin_rewrite(p);
}

/* With rdb-key-save-delay: the next key's time has not come. */
static bool is_early(const struct persist *p)
{
    struct snapshot_figures f;

    snapshot_figures(p->snapshot, &f);
    return f.keys_done < f.keys_total &&
           p->env.mono_us() - p->began_us < (int64_t)(f.keys_done + 1) * p->conf.key_save_delay_us;
}

bool persist_save_turn(struct persist *p, int64_t budget_us)
{
    int64_t now = p->env.mono_us();
    enum snapshot_state state;

    if (p->turning_on && write_log_is_on(p->log) && write_log_failed(p->log)) {
        log_warning(p->env.log, "The AOF cannot be turned on now: its disk is failing");
        persist_cancel(p);
    }
    if (p->saving == SAVING_NOTHING) begin_what_is_due(p, now);
    if (p->saving == SAVING_PREPARES) persist_see_prepared(p);
    if (!p->snapshot) return false;
    if (UNLIKELY(p->conf.key_save_delay_us > 0) && is_early(p)) return true;
    state = snapshot_walk(p->snapshot, p->conf.key_save_delay_us > 0 ? 1 : budget_us);
    if (state == SNAPSHOT_WALKS) return !snapshot_waits(p->snapshot);
    if (state != SNAPSHOT_WRITES) end_saving(p, state);
    return false;
}
