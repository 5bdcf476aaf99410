/* persist_load.c -- from files to a store: which files, and what becomes of them when they have been read. */
#include "persistence/persist_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "persistence/aof_load.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/generations.h"
#include "persistence/log_file.h"
#include "persistence/rdb_read.h"
#include "persistence/why.h"
#include "persistence/worker.h"
#include "persistence/write_log.h"
#include "storage/store.h"

enum { PROGRESS_US = 1000, CLOCK_EVERY = 64, QUIET_US = 500 * 1000 };

/* --- progress ---------------------------------------------------------------------------------------------- */

bool persist_tell(struct persist *p)
{
    int64_t now = p->env.mono_us();

    if (!p->env.progress || now - p->last_progress_us < PROGRESS_US) return !atomic_load(&p->load_given_up);
    p->last_progress_us = now;
    p->progress.keys = 0;
    for (int i = 0; i < p->env.store->conf.databases; i++)
        if (p->env.store->dbs[i]) p->progress.keys += p->env.store->dbs[i]->n_keys;
    if (!p->env.progress(p->env.ctx, &p->progress)) atomic_store(&p->load_given_up, true);
    return !atomic_load(&p->load_given_up);
}

bool persist_tell_waiting(struct persist *p, int64_t since_us)
{
    return p->env.mono_us() - since_us < QUIET_US || persist_tell(p);
}

static void pause_loading(struct persist *p)
{
    int us = p->conf.load_delay_us;

    if (us < 0) us = p->n_delays++ % (0u - (unsigned)us) == 0;
    if (us > 0) usleep((unsigned)us);
}

static bool rdb_progress(void *ctx, uint64_t bytes, uint64_t keys)
{
    struct persist *p = ctx;

    p->progress.bytes = bytes;
    if (p->conf.load_delay_us == 0) return keys % CLOCK_EVERY != 0 || persist_tell(p);
    pause_loading(p);
    return persist_tell(p);
}

static bool aof_progress(void *ctx, uint64_t bytes)
{
    struct persist *p = ctx;

    p->progress.bytes = p->aof_load->done_bytes + bytes;
    p->progress.total_bytes = p->aof_load->total_bytes;
    return persist_tell(p);
}

/* --- what waits for the disk ---------------------------------------------------------------------------------- */

struct chore {
    bool (*fn)(void *arg);
    void *arg;
    bool ok;
    int error;
};

static void do_chore(void *arg)
{
    struct chore *c = arg;

    c->ok = c->fn(c->arg);
    c->error = errno;
}

/* fn(arg), which may wait for the disk as long as it likes, on the worker: clients are answered meanwhile. It comes to its end also when loading
 * is given up. What it returns, and errno. It leaves the settings alone: they may change. */
static bool aside(struct persist *p, bool (*fn)(void *arg), void *arg)
{
    struct chore c = { .fn = fn, .arg = arg };
    int64_t from = p->env.mono_us();

    worker_do(p->worker, do_chore, &c);
    while (!worker_rests_within(p->worker, PERSIST_WAIT_MS)) (void)persist_tell_waiting(p, from);
    errno = c.error;
    return c.ok;
}

/* --- snapshots ------------------------------------------------------------------------------------------------ */

/* A file from tomorrow: the system's clock was ahead when it was written, or is behind now. What times to live
 * mean then, nobody can know; but it should not go unseen. */
static void check_date(const struct persist *p, const char *path, int64_t written_s)
{
    int64_t days = (written_s - p->env.store->now_ms / 1000) / 86400;

    if (days < 1) return;
    log_warning(p->env.log, "%s was written %lld days later than it is now by the system's clock: one of the two is "
                "wrong. Keys expire by the system's clock: if it is behind, set it right and start again.", path,
                (long long)days);
}

/* The RDB part at the start of s. */
static enum err read_rdb(struct persist *p, struct source *s, bool keep_expired, struct rdb_facts *facts, char *why)
{
    struct rdb_options opt = { .keep_expired = keep_expired, .checksum = p->conf.rdb_checksum, .log = p->env.log,
                               .progress = rdb_progress, .ctx = p, .libraries = p->env.libraries,
                               .definitions = p->env.definitions, .replace = p->merging };
    enum err e = rdb_load(&s->in, p->env.store, &opt, facts);

    check_date(p, s->path, facts->ctime);
    p->keys_loaded += facts->keys;
    p->keys_expired += facts->expired;
    s->in.no_crc = true;
    if (e == ERR_NOT_DONE) return why_put(why, e, "Loading was stopped");
    if (e != OK)
        return why_put(why, e, "%s: offset %llu: %s", s->path, (unsigned long long)s->in.bad_at, s->in.why);
    return OK;
}

enum err persist_load_rdb(struct persist *p, const char *path, uint64_t *log_offset, char *log_id, char *why)
{
    struct source s;
    struct rdb_facts facts = { 0 };
    enum err e = source_open(&s, p->ops, path, why);

    if (e != OK) return e;
    p->progress.total_bytes = s.size;
    e = read_rdb(p, &s, false, &facts, why);
    if (e == OK && facts.has_log_at) {
        *log_offset = facts.log_offset;
        memcpy(log_id, facts.log_id, PERSIST_ID + 1);
    }
    source_close(&s);
    return e;
}

/* --- the log --------------------------------------------------------------------------------------------------- */

static enum err read_base(void *ctx, struct source *s, struct rdb_facts *facts, char *why)
{
    struct persist *p = ctx;

    p->progress.total_bytes = p->aof_load->total_bytes;
    return read_rdb(p, s, true, facts, why);
}

static enum err apply(void *ctx, size_t argc, const struct str *argv, struct str *why)
{
    struct persist *p = ctx;
    enum err e;

    if (p->conf.load_delay_us != 0) pause_loading(p);
    if (load_notes_are(&p->load_notes, argc, argv)) return load_notes_take(&p->load_notes, argv[1]);
    e = p->env.apply(p->env.ctx, argc, argv, why);
    return e == OK ? load_notes_applied(&p->load_notes, argv[0]) : e;
}

struct aof_load persist_aof_load_of(struct persist *p)
{
    return (struct aof_load){ .ops = p->ops, .set = p->set, .log = p->env.log, .mode = AOF_LOAD,
                              .cut_allowed = p->conf.aof_load_truncated, .until_s = -1, .joint = UINT64_MAX,
                              .ctx = p, .base = read_base,
                              .apply = apply, .apply_ctx = p, .eager = p->conf.load_delay_us != 0,
                              .given_up = &p->load_given_up,
                              .progress = aof_progress };
}

enum err persist_run_load(struct persist *p, struct aof_load *l, char *why)
{
    enum err e;

    p->aof_load = l;
    p->load_notes = (struct load_notes){ .archive = p->env.archive };
    e = aof_load_run(l, why);
    load_notes_fini(&p->load_notes);
    p->aof_load = NULL;
    return e;
}

/* A new increment. */
struct first {
    struct aof_set *set;
    uint64_t offset, seq;
    int fd;
};

static bool make_first(void *arg)
{
    struct first *n = arg;
    int saved;

    n->fd = aof_set_new_incr(n->set, &n->seq);
    if (n->fd == -1 || aof_set_publish(n->set, n->seq, n->offset, UINT64_MAX)) return n->fd != -1;
    saved = errno;
    aof_set_ops(n->set)->close(aof_set_ops(n->set)->ctx, n->fd);
    errno = saved;
    return false;
}

/* The file that the log goes on in: the last one when it is sound and memd's, else a new one. */
static enum err open_current(struct persist *p, struct aof_load *l, char *why)
{
    const struct manifest *m = aof_set_manifest(p->set);
    struct log_file *f;
    char path[PATH_MAX];

    write_log_set_history(p->log, l->id[0] ? l->id : write_log_id(p->log), l->offset);
    if (l->n && l->last_whole) {
        size_t i = l->n - 1;
        int fd;

        aof_load_path(l, i, path);
        fd = p->ops->open(p->ops->ctx, path, O_RDWR | O_APPEND);
        if (fd == -1) return why_put(why, ERR_IO, "%s: %s", path, strerror(errno));
        f = log_file_new(fd, manifest_incr(m, i)->seq, l->sizes[i] ? l->last.head.start : l->offset);
        f->batches = l->sizes[i] ? l->last.batches : 0;
        f->pos = l->sizes[i];
    } else {
        struct first n = { .set = p->set, .offset = l->offset };

        if (!aside(p, make_first, &n))
            return why_put(why, ERR_IO, "%s/%s: a new increment could not be made: %s", p->conf.dir,
                           p->conf.appenddirname, strerror(errno));
        f = log_file_new(n.fd, n.seq, l->offset);
    }
    f->synced_pos = f->pos;
    write_log_set_stamps(p->log, p->conf.aof_timestamps);
    write_log_on(p->log, p->set, f, p->conf.appendfsync);
    return OK;
}

void persist_forget_content(struct persist *p)
{
    const struct persist_libraries *beside[] = { p->env.libraries, p->env.definitions };
    struct store_aside *part = store_put_aside(p->env.store);

    store_drop_aside(p->env.store, &part);
    for (int i = 0; i < 2; i++) {
        if (beside[i] == NULL) continue;
        beside[i]->put_aside(beside[i]->ctx);
        beside[i]->drop_aside(beside[i]->ctx);
    }
    p->keys_loaded = p->keys_expired = 0;
    p->progress = (struct persist_progress){ .started_us = p->progress.started_us };
}

/* The base cannot be read (e, why): the one before it and its increments, if they have been kept and lead up
 * without a gap to the increments of now, give the same data. *l becomes what was read then. */
static enum err load_previous(struct persist *p, struct aof_load *l, enum err e, char *why)
{
    struct aof_load old = persist_aof_load_of(p);
    char reason[PERSIST_WHY];
    struct manifest m;
    enum err now;
    size_t n;

    if (!manifest_fall_back(aof_set_manifest(p->set), &m, &old.n_old)) return e;
    log_warning(p->env.log, "%s: trying the generation before it", why);
    persist_forget_content(p);
    old.is_old = true;
    old.joint = l->joint;
    old.m = &m;
    now = persist_run_load(p, &old, reason);
    if (now == OK && !aof_set_fall_back(p->set))
        now = why_put(reason, ERR_IO, "the manifest could not be written: %s", strerror(errno));
    manifest_fini(&m);
    old.m = aof_set_manifest(p->set);
    aof_load_fini(l);
    *l = old;
    if (now == OK) {
        log_warning(p->env.log, "%s: NOT LOADED. All data has been read from the base before it and the log since, "
                    "and the file is kept with .damaged added to its name. Check the disk", why);
        p->wait_rewrite = true; /* so that there are two again */
        return OK;
    }
    if (now == ERR_NOT_DONE) return why_put(why, now, "%s", reason);
    n = strlen(why);
    snprintf(why + n, PERSIST_WHY - n, ". The generation before it cannot be used: %s", reason);
    return e;
}

static bool settle(void *set)
{
    return aof_set_settle(set);
}

/* What has been read. */
struct ending {
    struct aof_set *set;
    const struct aof_load *l;
    char *why;
    enum err e;
    bool keep;
    uint64_t certain;
};

static bool make_certain(void *arg)
{
    struct ending *x = arg;

    x->e = aof_load_make_certain(x->l, &x->certain, x->why);
    if (x->e == OK) aof_set_sweep(x->set, x->keep);
    return x->e == OK;
}

static enum err load_aof(struct persist *p, char *why)
{
    struct aof_load l = persist_aof_load_of(p);
    struct ending end = { .set = p->set, .l = &l, .why = why, .keep = p->conf.generations != 1 };
    enum err e = OK;

    if (!aside(p, settle, p->set))
        e = why_put(why, ERR_IO, "The files in %s/%s could not be synced: %s", p->conf.dir, p->conf.appenddirname,
                    strerror(errno));
    if (e == OK) e = persist_run_load(p, &l, why);
    if (l.base_bad) e = load_previous(p, &l, e, why);
    p->base_bytes = l.base_bytes;
    if (e == OK && !aside(p, make_certain, &end)) e = end.e;
    if (e == OK && atomic_load(&p->load_given_up)) e = why_put(why, ERR_NOT_DONE, "Loading was stopped");
    if (e == OK) e = open_current(p, &l, why);
    if (e == OK && end.certain < l.offset) write_log_set_gap(p->log, end.certain);
    for (size_t i = 0; i < l.n && e == OK; i++) p->incr_bytes += l.sizes[i];
    p->rewrite_base = p->base_bytes; /* as Redis: else a daemon that restarts often would never rewrite */
    aof_load_fini(&l);
    return e;
}

static bool make_dir(void *set)
{
    return aof_set_make_dir(set);
}

enum err persist_start_aof(struct persist *p, char *why)
{
    struct aof_load l = { .offset = write_log_offset(p->log) };

    if (!aside(p, make_dir, p->set))
        return why_put(why, ERR_IO, "%s/%s: %s", p->conf.dir, p->conf.appenddirname, strerror(errno));
    p->with_log = false;
    if (!persist_save_now(p, true))
        return why_put(why, ERR_IO, "The AOF's base could not be written in %s/%s", p->conf.dir,
                            p->conf.appenddirname);
    p->rewrites = 0;
    return open_current(p, &l, why);
}

/* --- which files ---------------------------------------------------------------------------------------------- */

/* An old single-file AOF in the data directory (Redis before 7), not taken over yet. */
static bool has_old_aof(struct persist *p, char *path)
{
    const struct manifest *m = aof_set_manifest(p->set);
    const struct manifest_file *base = manifest_base(m);
    char taken[PATH_MAX];

    snprintf(path, PATH_MAX, "%s/%s", p->conf.dir, p->conf.appendfilename);
    if (p->ops->exists(p->ops->ctx, path) != 1) return false;
    if (!base) return manifest_n_incr(m) == 0;
    aof_set_path(p->set, base->name, taken);
    return manifest_n_incr(m) == 0 && strcmp(base->name, p->conf.appendfilename) == 0 &&
           p->ops->exists(p->ops->ctx, taken) == 0;
}

/* The snapshot cannot be read. The one before it is older than what clients know: putting it in its place
 * is not ours to decide. */
static void name_previous(struct persist *p, char *why)
{
    size_t n = strlen(why);
    char previous[PATH_MAX];

    if (!generations_previous(p->rdb_path, previous) || p->ops->exists(p->ops->ctx, previous) != 1) return;
    snprintf(why + n, PERSIST_WHY - n, ". The snapshot before it is kept as %s", previous);
}

static enum err load_rdb_if_any(struct persist *p, char *why)
{
    uint64_t offset = 0;
    char id[PERSIST_ID + 1] = "";
    int there = p->ops->exists(p->ops->ctx, p->rdb_path);
    enum err e;

    if (there == -1) return why_put(why, ERR_IO, "%s: %s", p->rdb_path, strerror(errno));
    if (there == 0) return OK;
    e = persist_load_rdb(p, p->rdb_path, &offset, id, why);
    if (e == OK && id[0]) write_log_set_history(p->log, id, offset);
    if (e == ERR_FORMAT || e == ERR_IO) name_previous(p, why);
    return e;
}

/* "temp-<process>.rdb": a snapshot that a crash cut short. The directory is ours alone (the lock), so no
 * other process is writing it. */
static void sweep_snapshot(void *arg, const char *name)
{
    const struct persist *p = arg;
    char path[PATH_MAX];
    size_t digits;

    if (strncmp(name, "temp-", 5) != 0) return;
    digits = strspn(name + 5, "0123456789");
    if ((digits == 0 || strcmp(name + 5 + digits, ".rdb") != 0) && !generations_is_temporary(name)) return;
    if (snprintf(path, sizeof path, "%s/%s", p->conf.dir, name) >= (int)sizeof path) return;
    log_notice(p->env.log, "Deleting %s, which was never completed", path);
    p->ops->unlink(p->ops->ctx, path);
}

enum err persist_load_files(struct persist *p, char *why)
{
    char old[PATH_MAX];
    bool there = false;
    enum err e;

    if (p->ops->list(p->ops->ctx, p->conf.dir, sweep_snapshot, p) != 0)
        log_warning(p->env.log, "%s: %s", p->conf.dir, strerror(errno));
    if (!p->conf.appendonly) return load_rdb_if_any(p, why);
    e = aof_set_read(p->set, &there, why);
    if (e != OK) return e;
    if (has_old_aof(p, old)) {
        if (!aof_set_adopt(p->set, old))
            return why_put(why, ERR_IO, "%s could not be taken over: %s", old, strerror(errno));
        log_notice(p->env.log, "%s has been taken over into %s/%s", old, p->conf.dir, p->conf.appenddirname);
    }
    if (aof_set_manifest(p->set)->n > 0) return load_aof(p, why);
    if (!there && aof_set_is_orphaned(p->set))
        return why_put(why, ERR_FORMAT, "%s/%s/%s.manifest: the log's files are there, the manifest is missing",
                       p->conf.dir, p->conf.appenddirname, p->conf.appendfilename);
    e = load_rdb_if_any(p, why);
    return e == OK ? persist_start_aof(p, why) : e;
}

/* --- for persist_reload.c --------------------------------------------------------------------------------------- */

enum err persist_read_snapshot(struct persist *p, char *why)
{
    uint64_t offset;
    char id[PERSIST_ID + 1];

    return persist_load_rdb(p, p->rdb_path, &offset, id, why);
}

enum err persist_read_log(struct persist *p, char *why)
{
    struct aof_load l = persist_aof_load_of(p);
    enum err e = persist_run_load(p, &l, why);

    aof_load_fini(&l);
    return e;
}
