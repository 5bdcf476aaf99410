/* persist.c -- opening and closing, settings, and the facade's short answers. */
#include "persistence/persist_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rng.h"
#include "base/thread.h"
#include "persistence/aof_load.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/log_file.h"
#include "persistence/snapshot.h"
#include "persistence/why.h"
#include "persistence/worker.h"
#include "persistence/write_log.h"
#include "storage/store.h"

enum { SNAPSHOT_BUFFER = 8 << 20 };

/* --- settings ----------------------------------------------------------------------------------------- */

static const char *dup_text(const char *s)
{
    return mem_dup(s, strlen(s) + 1);
}

static void free_conf(struct persist_conf *c)
{
    mem_free((char *)(uintptr_t)c->dir);
    mem_free((char *)(uintptr_t)c->dbfilename);
    mem_free((char *)(uintptr_t)c->appenddirname);
    mem_free((char *)(uintptr_t)c->appendfilename);
}

static void copy_conf(struct persist *p, const struct persist_conf *c)
{
    struct persist_conf was = p->conf;

    p->conf = *c;
    p->conf.dir = dup_text(c->dir);
    p->conf.dbfilename = dup_text(c->dbfilename);
    p->conf.appenddirname = dup_text(c->appenddirname);
    p->conf.appendfilename = dup_text(c->appendfilename);
    if (c->snapshot_buffer == 0) p->conf.snapshot_buffer = SNAPSHOT_BUFFER;
    free_conf(&was);
    snprintf(p->rdb_path, sizeof p->rdb_path, "%s/%s", p->conf.dir, p->conf.dbfilename);
}

/* --- opening and closing -------------------------------------------------------------------------------- */

/* A directory that memd has made is durable with its name: the log in it is, too. An earlier start may have made it
 * and got no further; where it was there before, its parent need not be ours to open. */
static enum err make_data_dir(struct persist *p, char *why)
{
    const struct file_ops *ops = p->ops;
    const char *dir = p->conf.dir, *end = dir + strlen(dir), *slash;
    char parent[PATH_MAX];
    int there = ops->exists(ops->ctx, dir);

    while (end > dir + 1 && end[-1] == '/') end--;
    slash = memrchr(dir, '/', (size_t)(end - dir));
    snprintf(parent, sizeof parent, "%.*s", !slash ? 1 : slash == dir ? 1 : (int)(slash - dir), slash ? dir : ".");
    if (there == -1 || (there == 0 && ops->make_dir(ops->ctx, dir) != 0))
        return why_put(why, ERR_IO, "%s: %s", dir, strerror(errno));
    if (ops->sync_dir(ops->ctx, parent) == 0 || (there == 1 && (errno == EACCES || errno == EPERM))) return OK;
    return why_put(why, ERR_IO, "%s: %s", parent, strerror(errno));
}

static void make_id(char *id)
{
    unsigned char bytes[PERSIST_ID / 2];

    rng_secret(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static enum err start_worker(struct persist *p, char *why)
{
    int error;

    p->worker = worker_new(&error);
    return p->worker ? OK : why_put(why, ERR_IO, "The thread that saves could not be started: %s", thread_why(error));
}

static void open_log(struct persist *p)
{
    struct write_log_env le = { .ops = p->ops, .log = p->env.log, .mono_us = p->env.mono_us,
                                .wake = p->env.wake, .ctx = p->env.ctx };
    char id[PERSIST_ID + 1];

    p->log = write_log_new(&le);
    make_id(id);
    write_log_set_history(p->log, id, 0);
}

enum err persist_open(struct persist **out, const struct persist_conf *conf, const struct persist_env *env,
                      char *why)
{
    struct persist *p = mem_zalloc(sizeof *p);
    enum err e = OK;

    *out = NULL;
    p->env = *env;
    p->env.lock = NULL;
    p->ops = env->files ? env->files : &file_ops_system;
    p->new_fd = p->export_fd = -1;
    p->lock = (struct data_lock){ -1, -1 };
    copy_conf(p, conf);
    p->last_bgsave_ok = p->last_rewrite_ok = true;
    p->last_bgsave_sec = p->last_rewrite_sec = -1;
    p->last_save_time = env->store->now_ms / 1000;
    if (!conf->aof_use_rdb_preamble)
        log_notice(env->log, "aof-use-rdb-preamble no: memd's bases are RDB files all the same");
    e = make_data_dir(p, why);
    if (e == OK) e = data_lock_take(&p->lock, env->lock, p->conf.dir, why);
    if (e == OK) e = start_worker(p, why);
    if (e != OK) {
        data_lock_release(&p->lock);
        free_conf(&p->conf);
        mem_free(p);
        return e;
    }
    p->set = aof_set_new(p->ops, env->log, conf->dir, conf->appenddirname, conf->appendfilename);
    open_log(p);
    *out = p;
    return OK;
}

void persist_lock_copy(const struct persist *p, struct data_lock *to)
{
    data_lock_copy(&p->lock, to);
}

/* Damage: what to do about it. The words before give way where there is no room. */
static void name_repair(const struct persist *p, char *why)
{
    char what[PERSIST_WHY / 2];
    int n = snprintf(what, sizeof what, ". `memd --repair %s` keeps the original and mends it", p->conf.dir);
    size_t at = strlen(why), most;

    if (n >= (int)sizeof what) n = snprintf(what, sizeof what, ". `memd --repair` keeps the original and mends it");
    most = PERSIST_WHY - 1 - (size_t)n;
    memcpy(why + (at < most ? at : most), what, (size_t)n + 1);
}

enum err persist_load(struct persist *p, char *why)
{
    enum err e;

    p->loading = true;
    atomic_store(&p->load_given_up, false);
    p->progress = (struct persist_progress){ .started_us = p->env.mono_us() };
    if (p->conf.recover == PERSIST_REPAIR || p->conf.recover == PERSIST_REPAIR_PART) e = persist_salvage(p, why);
    else e = persist_load_files(p, why);
    if (e == ERR_FORMAT && p->conf.recover == PERSIST_SALVAGE) e = persist_salvage(p, why);
    worker_give_way(p->worker); /* not before: until now all have waited for it, and a busy machine would let it wait */
    p->loading = false;
    p->loaded = e == OK;
    if (e == ERR_FORMAT && p->conf.recover == PERSIST_STRICT) name_repair(p, why);
    p->env.store->stats.dirty = 0;
    return e;
}

enum err persist_shutdown(struct persist *p, enum persist_ending how, char *why)
{
    bool save = how == PERSIST_END_SAVE || (how == PERSIST_END_BY_RULES && p->conf.n_rules > 0), has_base, failed;

    if (!p->loaded) return OK; /* what is on the disk is all there is */
    persist_cancel(p);
    if (write_log_is_on(p->log) && !p->turning_on) {
        write_log_turn_end(p->log, p->env.store->now_ms);
        if (!write_log_drain(p->log)) {
            char text[160];

            write_log_error(p->log, text, sizeof text);
            return why_put(why, ERR_IO, "The AOF could not be synced: %s", text);
        }
        if (write_log_has_gap(p->log))
            return why_put(why, ERR_IO, "A part of the AOF could not be synced, and is not rewritten yet: try again");
    }
    p->ends = true;
    has_base = !p->turning_on || persist_make_first_base(p);
    failed = has_base && save && !persist_save_now(p, false);
    p->ends = false;
    if (!has_base) return why_put(why, ERR_IO, "The AOF is being turned on, and its first base could not be written");
    return failed ? why_put(why, ERR_IO, "The snapshot %s could not be saved", p->rdb_path) : OK;
}

void persist_close(struct persist **pp)
{
    struct persist *p = *pp;

    if (!p) return;
    persist_cancel(p);
    worker_free(&p->worker);
    if (p->new_fd != -1) p->ops->close(p->ops->ctx, p->new_fd);
    write_log_free(&p->log);
    aof_set_free(&p->set);
    data_lock_release(&p->lock);
    free_conf(&p->conf);
    mem_free(p);
    *pp = NULL;
}

/* --- changing settings at run time ---------------------------------------------------------------------- */

enum err persist_set_conf(struct persist *p, const struct persist_conf *conf, char *why)
{
    bool was_on = p->conf.appendonly;
    enum err e = OK;

    if (strcmp(conf->dir, p->conf.dir) != 0)
        return why_put(why, ERR_NOT_DONE, "dir cannot be changed while running");
    if (strcmp(conf->appenddirname, p->conf.appenddirname) != 0 ||
        strcmp(conf->appendfilename, p->conf.appendfilename) != 0)
        return why_put(why, ERR_NOT_DONE, "appenddirname and appendfilename cannot be changed while running");
    if (p->loaded && conf->appendonly && !was_on) e = persist_turn_on(p, why);
    if (e != OK) return e;
    copy_conf(p, conf);
    if (p->loaded && !conf->appendonly && was_on) persist_turn_off(p);
    write_log_set_stamps(p->log, conf->aof_timestamps);
    write_log_set_mode(p->log, conf->appendfsync);
    return OK;
}

/* --- the log ------------------------------------------------------------------------------------------- */

void persist_append(struct persist *p, int db, size_t argc, const struct str *argv)
{
    if (UNLIKELY(p->loading)) return; /* what is loaded is in the files already */
    write_log_append(p->log, db, argc, argv);
}

void persist_group_begin(struct persist *p)
{
    write_log_group_begin(p->log);
}

void persist_group_end(struct persist *p)
{
    write_log_group_end(p->log);
}

uint64_t persist_offset(const struct persist *p)
{
    return write_log_offset(p->log);
}

void persist_turn_end(struct persist *p)
{
    write_log_turn_end(p->log, p->env.store->now_ms);
}

uint64_t persist_durable_offset(const struct persist *p)
{
    return write_log_durable(p->log);
}

uint64_t persist_synced_offset(const struct persist *p)
{
    if (UNLIKELY(p->turning_on)) return 0; /* what is in a log without its base is lost with the process */
    return write_log_synced(p->log);
}

uint64_t persist_log_synced(const struct persist *p)
{
    return write_log_synced(p->log);
}

void persist_sync_soon(struct persist *p)
{
    write_log_sync_soon(p->log);
}

uint64_t persist_archive_offset(const struct persist *p)
{
    uint64_t synced = write_log_synced(p->log);

    if (!write_log_is_on(p->log)) return UINT64_MAX;
    /* A part of the log may be lost, and will count as synced when a new base holds it. That one waits for the archive,
     * which has to have what left before it: of the two the archive goes first, by a moment. */
    if (UNLIKELY(write_log_has_gap(p->log)) && atomic_load(&p->archive_awaited) && p->saving == SAVING_BASE &&
        p->cut_offset > synced)
        return p->cut_offset;
    return synced;
}

bool persist_must_wait(const struct persist *p)
{
    return write_log_must_wait(p->log);
}

bool persist_is_failing(const struct persist *p)
{
    return write_log_failed(p->log);
}

bool persist_reads_wait(const struct persist *p)
{
    return write_log_reads_wait(p->log);
}

const char *persist_log_id(const struct persist *p)
{
    return write_log_id(p->log);
}

const char *persist_loading_id(const struct persist *p)
{
    const char *id = p->aof_load ? aof_load_id(p->aof_load) : "";

    return id[0] ? id : write_log_id(p->log);
}

static const char *log_refusal(const struct persist *p)
{
    struct persist *m = (struct persist *)(uintptr_t)p;
    struct write_log_figures f;

    write_log_figures(p->log, &f);
    snprintf(m->refusal, sizeof m->refusal, "MISCONF Errors writing to the AOF file: %s",
             strerror(f.error_no ? f.error_no : ENOSPC));
    return m->refusal;
}

const char *persist_growth_refusal(const struct persist *p)
{
    if (UNLIKELY(write_log_is_full(p->log)) && !p->turning_on) return log_refusal(p);
    return persist_refusal(p);
}

const char *persist_refusal(const struct persist *p)
{
    if (UNLIKELY(write_log_failed(p->log)) && !p->turning_on) return log_refusal(p);
    if (LIKELY(p->last_bgsave_ok) || !p->conf.stop_writes_on_bgsave_error || p->conf.n_rules == 0) return NULL;
    return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. "
           "Commands that may modify the data set are disabled, because this instance is configured to report "
           "errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check "
           "the Redis logs for details about the RDB error.";
}

bool persist_turn(struct persist *p, int64_t budget_us)
{
    if (!p->loaded) return false;
    write_log_tick(p->log);
    return persist_save_turn(p, budget_us);
}

/* --- figures --------------------------------------------------------------------------------------------- */

uint64_t persist_aof_size(const struct persist *p)
{
    struct write_log_figures f;

    write_log_figures(p->log, &f);
    return p->base_bytes + p->incr_bytes + (f.bytes - p->log_bytes_then);
}

size_t persist_buffer_bytes(const struct persist *p)
{
    struct snapshot_figures f;

    if (p->snapshot == NULL) return write_log_memory(p->log);
    snapshot_figures(p->snapshot, &f);
    return write_log_memory(p->log) + f.queued + f.kept;
}

static const char *log_state(const struct persist *p, const struct write_log_figures *f)
{
    if (!p->conf.appendonly) return "off";
    if (p->turning_on) return "starting";
    if (write_log_failed(p->log)) return "failing";
    if (f->is_full) return "full";
    return f->is_slow ? "slow" : "ok";
}

void persist_info(const struct persist *p, struct persist_info *out)
{
    struct write_log_figures f;
    struct snapshot_figures sf = { 0 };
    int64_t now = p->env.mono_us(), sec = (now - p->began_us) / 1000000;
    bool rewrite = p->saving == SAVING_BASE || p->saving == SAVING_PREPARES;
    int64_t ended_ms = 0;

    write_log_figures(p->log, &f);
    if (p->snapshot) snapshot_figures(p->snapshot, &sf);
    if (f.last_sync_end_us) ended_ms = p->env.store->now_ms - (now - f.last_sync_end_us) / 1000;
    *out = (struct persist_info){
        .loading = p->loading,
        .progress = p->progress,
        .changes_since_save = p->env.store->stats.dirty,
        .bgsave_in_progress = p->saving == SAVING_RDB || p->saving == SAVING_EXPORT,
        .rewrite_in_progress = rewrite,
        .rewrite_scheduled = p->wait_rewrite,
        .bgsave_scheduled = p->wait_bgsave,
        .last_save_time = p->last_save_time,
        .last_bgsave_ok = p->last_bgsave_ok,
        .last_rewrite_ok = p->last_rewrite_ok,
        .last_write_ok = !write_log_failed(p->log),
        .last_bgsave_sec = p->last_bgsave_sec,
        .current_bgsave_sec = p->saving == SAVING_RDB ? sec : -1,
        .last_rewrite_sec = p->last_rewrite_sec,
        .current_rewrite_sec = rewrite ? sec : -1,
        .saves = p->saves,
        .rewrites = p->rewrites,
        .save_keys_processed = sf.keys_done,
        .save_keys_total = sf.keys_total,
        .save_piece_max = p->snapshot ? sf.piece_max : p->piece_max,
        .save_walk_max = p->snapshot ? sf.walk_max : p->walk_max,
        .keys_loaded = p->keys_loaded,
        .keys_expired_at_load = p->keys_expired,
        .aof_enabled = p->conf.appendonly,
        .aof_current_size = p->conf.appendonly ? persist_aof_size(p) : 0,
        .aof_base_size = p->rewrite_base,
        .aof_buffer_bytes = f.tail,
        .snapshot_buffer_bytes = sf.queued,
        .aof_fsync_pending = f.sync_pending,
        .aof_delayed_fsync = f.delayed,
        .aof_syncs = f.syncs,
        .aof_write_errors = f.errors,
        .aof_files_reopened = f.reopened,
        .aof_last_fsync_us = f.last_sync_us,
        .aof_sync_times = f.sync_times,
        .aof_last_fsync_time = ended_ms / 1000,
        .aof_state = log_state(p, &f),
        .aof_last_error = f.error_no ? strerror(f.error_no) : "none",
        .offset = write_log_offset(p->log),
        .written_offset = f.written,
        .synced_offset = persist_synced_offset(p),
    };
}
