/* persist_load.c -- from files to a store: which, in which order, and what to do about the ends.
 *
 * With appendonly: the files of the manifest, base first. Each increment is read up to where the next one
 * begins (memd's say so in their first line): after a disk had failed, the next one repeats what was
 * not certain to be in the one before. Where the log breaks off, what follows is dropped when it was never
 * durable, and loading is refused when it was. */
#include "persistence/persist_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "persistence/aof_read.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/generations.h"
#include "persistence/log_file.h"
#include "persistence/rdb_read.h"
#include "persistence/why.h"
#include "persistence/write_log.h"
#include "storage/store.h"

enum { PROGRESS_US = 1000, CLOCK_EVERY = 64 };

/* --- progress ---------------------------------------------------------------------------------------------- */

static bool tell(struct persist *p)
{
    int64_t now = p->env.mono_us();

    if (!p->env.progress || now - p->last_progress_us < PROGRESS_US) return true;
    p->last_progress_us = now;
    return p->env.progress(p->env.ctx, &p->progress);
}

static bool rdb_progress(void *ctx, uint64_t bytes, uint64_t keys)
{
    struct persist *p = ctx;

    p->progress.bytes = p->load_base_bytes + bytes;
    p->progress.keys = p->keys_loaded + keys;
    return keys % CLOCK_EVERY != 0 || tell(p);
}

static bool aof_progress(void *ctx, uint64_t bytes)
{
    struct persist *p = ctx;

    p->progress.bytes = p->load_base_bytes + bytes;
    return tell(p);
}

/* --- one file ------------------------------------------------------------------------------------------------ */

/* A file being loaded. */
struct source {
    char path[PATH_MAX];
    int fd;
    uint64_t size;
    struct rdb_in in;
};

static enum err source_open(struct persist *p, struct source *s, const char *path, char *why)
{
    int64_t size;

    snprintf(s->path, sizeof s->path, "%s", path);
    s->fd = p->ops->open(p->ops->ctx, path, O_RDONLY);
    if (s->fd == -1) return why_put(why, errno == ENOENT ? ERR_FORMAT : ERR_IO, "%s: %s", path, strerror(errno));
    size = p->ops->size(p->ops->ctx, s->fd);
    if (size < 0) {
        p->ops->close(p->ops->ctx, s->fd);
        return why_put(why, ERR_IO, "%s: %s", path, strerror(errno));
    }
    s->size = (uint64_t)size;
    rdb_in_file(&s->in, p->ops, s->fd, s->size);
    return OK;
}

static void source_close(struct persist *p, struct source *s)
{
    rdb_in_fini(&s->in);
    p->ops->close(p->ops->ctx, s->fd);
    p->load_base_bytes += s->size;
}

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
                               .replace = p->merging };
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

static enum err load_rdb(struct persist *p, const char *path, uint64_t *log_offset, char *log_id, char *why)
{
    struct source s;
    struct rdb_facts facts = { 0 };
    enum err e = source_open(p, &s, path, why);

    if (e != OK) return e;
    p->progress.total_bytes += s.size;
    e = read_rdb(p, &s, false, &facts, why);
    if (e == OK && facts.has_log_at) {
        *log_offset = facts.log_offset;
        memcpy(log_id, facts.log_id, PERSIST_ID + 1);
    }
    source_close(p, &s);
    return e;
}

/* --- the AOF -------------------------------------------------------------------------------------------------- */

/* Reading the files of a manifest. */
struct aof_load {
    struct persist *p;
    const struct manifest *m;
    uint64_t offset;      /* of the log, so far */
    char id[PERSIST_ID + 1]; /* empty: not known yet */
    bool anchored;        /* the offset comes from memd's own files */
    size_t n;             /* increments */
    struct mark_head *heads; /* of increments that have one */
    bool *marked;
    uint64_t *sizes;
    /* The last increment, when the log can go on in it. */
    struct aof_reader last;
    bool last_whole;
    /* The previous generation: see load_previous. */
    bool base_bad;        /* there is something wrong with the base, and not with what follows */
    bool is_old;          /* this is it */
    size_t n_old;         /* the first so many increments lead up to where the damaged base began */
    uint64_t joint;       /* that place, if it could be read; else UINT64_MAX */
};

static void incr_path_at(struct aof_load *l, size_t i, char *path)
{
    aof_set_path(l->p->set, manifest_incr(l->m, i)->name, path);
}

/* What the first lines say, before anything is applied. */
static enum err look_ahead(struct aof_load *l, char *why)
{
    struct persist *p = l->p;
    char path[PATH_MAX];
    enum err e = OK;

    l->heads = mem_zalloc((l->n + 1) * sizeof *l->heads);
    l->marked = mem_zalloc((l->n + 1) * sizeof *l->marked);
    l->sizes = mem_zalloc((l->n + 1) * sizeof *l->sizes);
    for (size_t i = 0; i < l->n && e == OK; i++) {
        struct source s;

        incr_path_at(l, i, path);
        e = source_open(p, &s, path, why);
        if (e != OK) break;
        l->sizes[i] = s.size;
        p->progress.total_bytes += s.size;
        l->marked[i] = aof_peek_head(&s.in, &l->heads[i]);
        rdb_in_fini(&s.in);
        p->ops->close(p->ops->ctx, s.fd);
    }
    return e;
}

/* The log offset at which a later file begins. */
static uint64_t next_start(const struct aof_load *l, size_t i)
{
    uint64_t at = UINT64_MAX;

    for (size_t k = i + 1; k < l->n; k++)
        if (l->marked[k] && l->heads[k].start < at) at = l->heads[k].start;
    return at;
}

/* Is anything from `offset` on known to have been durable, by the increments behind i? */
static bool later_claim(struct aof_load *l, size_t i, uint64_t offset)
{
    char path[PATH_MAX], ignored[PERSIST_WHY];
    bool claim = false;

    for (size_t k = i + 1; k < l->n && !claim; k++) {
        struct source s;

        incr_path_at(l, k, path);
        if (!l->marked[k] || source_open(l->p, &s, path, ignored) != OK) continue;
        claim = aof_claims_durable(&s.in, offset);
        rdb_in_fini(&s.in);
        l->p->ops->close(l->p->ops->ctx, s.fd);
    }
    return claim;
}

/* Increment i ends at good_pos: cut it there, and drop those behind it. */
static enum err cut_back(struct aof_load *l, size_t i, uint64_t good_pos, const char *reason, char *why)
{
    struct persist *p = l->p;
    uint64_t dropped = l->sizes[i] - good_pos, seq = manifest_incr(l->m, i)->seq;
    char path[PATH_MAX];

    incr_path_at(l, i, path);
    if (!p->conf.aof_load_truncated)
        return why_put(why, ERR_FORMAT, "%s: offset %llu: %s (aof-load-truncated is off)", path,
                            (unsigned long long)good_pos, reason);
    for (size_t k = i + 1; k < l->n; k++) dropped += l->sizes[k];
    log_warning(p->env.log, "The AOF is torn: %s, offset %llu: %s. Cut back to there, %llu bytes are dropped",
                path, (unsigned long long)good_pos, reason, (unsigned long long)dropped);
    if (i + 1 < l->n && !aof_set_drop_after(p->set, seq))
        return why_put(why, ERR_IO, "The AOF's manifest could not be written: %s", strerror(errno));
    if (l->sizes[i] != good_pos && !aof_set_cut(p->set, seq, good_pos))
        return why_put(why, ERR_IO, "%s could not be cut back: %s", path, strerror(errno));
    l->n = i + 1;
    l->sizes[i] = good_pos;
    return OK;
}

static enum err bad_incr(struct aof_load *l, size_t i, const struct aof_reader *r, char *why)
{
    char path[PATH_MAX];

    incr_path_at(l, i, path);
    return why_put(why, ERR_FORMAT, "%s: offset %llu: %s: the file is damaged", path,
                        (unsigned long long)r->bad_pos, r->why);
}

/* Does increment i follow what has been loaded? Its first line tells. *skip: it has nothing to add. */
static enum err check_order(struct aof_load *l, size_t i, bool *skip, char *why)
{
    const struct mark_head *h = &l->heads[i];
    char path[PATH_MAX];

    *skip = false;
    if (!l->marked[i]) return OK;
    incr_path_at(l, i, path);
    if (l->id[0] && strcmp(l->id, h->id) != 0)
        return why_put(why, ERR_FORMAT, "%s: the file belongs to the history of another log", path);
    if (next_start(l, i) <= h->start) {
        *skip = true;
        return OK;
    }
    if (!l->anchored || h->start == l->offset) return OK;
    if (h->start < l->offset)
        return why_put(why, ERR_FORMAT, "%s: the file begins at log offset %llu, before the end of the one "
                            "before it, %llu", path, (unsigned long long)h->start, (unsigned long long)l->offset);
    if (i == 0)
        return why_put(why, ERR_FORMAT, "%s: the file begins at log offset %llu, the base ends at %llu: a "
                            "file is missing", path, (unsigned long long)h->start, (unsigned long long)l->offset);
    *skip = true; /* a gap: see gap_before */
    return OK;
}

/* Increment i begins behind the end of what there is: the one before lost its end in a cut. */
static bool gap_before(const struct aof_load *l, size_t i)
{
    return l->marked[i] && l->anchored && l->heads[i].start > l->offset && next_start(l, i) > l->heads[i].start;
}

static void discard_open_multi(struct persist *p)
{
    static const struct str discard = { "DISCARD", 7 };

    if (p->env.apply(p->env.ctx, 1, &discard) != OK) return;
}

static enum err read_incr(struct aof_load *l, size_t i, char *why)
{
    static const struct str select[2] = { { "SELECT", 6 }, { "0", 1 } };
    struct persist *p = l->p;
    struct source s;
    struct aof_reader r = { .in = &s.in, .stop_at = next_start(l, i), .apply = p->env.apply,
                            .apply_ctx = p->env.ctx, .progress = aof_progress, .progress_ctx = p,
                            .offset = l->offset };
    char path[PATH_MAX];
    enum aof_end end;
    enum err e;

    incr_path_at(l, i, path);
    e = source_open(p, &s, path, why);
    if (e != OK) return e;
    s.in.no_crc = true;
    if (p->env.apply(p->env.ctx, 2, select) != OK) log_warning(p->env.log, "SELECT 0 was refused while loading");
    end = aof_read(&r);
    source_close(p, &s);
    if (end == AOF_STOPPED) return why_put(why, ERR_NOT_DONE, "Loading was stopped");
    l->offset = r.offset;
    if (r.marked) {
        memcpy(l->id, r.head.id, sizeof l->id);
        l->anchored = true;
    }
    if (end == AOF_TORN && (i < l->n_old || later_claim(l, i, r.offset))) end = AOF_DAMAGED;
    /* A stock server's file may be cut only at the very end. */
    if (end == AOF_TORN && !r.marked && i + 1 < l->n && r.good_pos > 0) end = AOF_DAMAGED;
    if (end == AOF_DAMAGED) return bad_incr(l, i, &r, why);
    if (end == AOF_TORN) {
        if (!r.marked) discard_open_multi(p);
        e = cut_back(l, i, r.good_pos, r.why, why);
    }
    l->last = r;
    l->last.in = NULL;
    l->last_whole = i + 1 == l->n && ((r.marked && r.unproven == 0) || l->sizes[i] == 0);
    if (r.unproven)
        log_notice(p->env.log, "%s: the last %llu bytes carry no checksum lines: another server wrote them", path,
                   (unsigned long long)r.unproven);
    return e;
}

/* The previous generation has been read: does it end where the damaged base began? */
static enum err check_joint(const struct aof_load *l, char *why)
{
    size_t i = l->n_old;

    if (!l->anchored) return why_put(why, ERR_FORMAT, "its files do not say where in the log they belong");
    if ((i < l->n && l->marked[i]) || l->joint == l->offset) return OK; /* check_order looks at the former */
    return why_put(why, ERR_FORMAT, "it ends at log offset %llu, and what follows does not begin there",
                   (unsigned long long)l->offset);
}

static enum err read_increments(struct aof_load *l, char *why)
{
    enum err e = OK;

    for (size_t i = 0; i < l->n && e == OK; i++) {
        bool skip;

        if (l->is_old && i == l->n_old) e = check_joint(l, why);
        if (e == OK) e = check_order(l, i, &skip, why);
        if (e != OK) return e;
        if (gap_before(l, i)) {
            if (l->is_old || later_claim(l, i - 1, l->offset))
                return why_put(why, ERR_FORMAT, "%s: the log's part before it, from log offset %llu on, was durable "
                                    "and is missing", manifest_incr(l->m, i)->name,
                                    (unsigned long long)l->offset);
            e = cut_back(l, i - 1, l->sizes[i - 1], "the end of the file is missing", why);
            l->last_whole = l->last.marked && l->last.unproven == 0;
            return e;
        }
        if (!skip) e = read_incr(l, i, why);
    }
    return e;
}

/* The base: RDB, with commands behind it where an old single file was taken over, or commands alone. */
static enum err read_base(struct aof_load *l, char *why)
{
    struct persist *p = l->p;
    const struct manifest_file *f = manifest_base(l->m);
    struct rdb_facts facts = { 0 };
    struct source s;
    char path[PATH_MAX];
    enum err e;
    bool rdb;

    aof_set_path(p->set, f->name, path);
    e = source_open(p, &s, path, why);
    if (e != OK) return e;
    p->progress.total_bytes += s.size;
    p->base_bytes = s.size;
    rdb = rdb_in_reach(&s.in, 5) && memcmp(s.in.p, "REDIS", 5) == 0;
    if (rdb) e = read_rdb(p, &s, true, &facts, why);
    if (e == OK && rdb_in_left(&s.in) > 0) {
        struct aof_reader r = { .in = &s.in, .stop_at = UINT64_MAX, .apply = p->env.apply,
                                .apply_ctx = p->env.ctx, .progress = aof_progress, .progress_ctx = p };
        enum aof_end end = aof_read(&r);
        bool cut_ok = end == AOF_TORN && !r.marked && l->n == 0 && p->conf.aof_load_truncated;

        l->offset = r.offset;
        if (end == AOF_STOPPED) e = why_put(why, ERR_NOT_DONE, "Loading was stopped");
        else if (cut_ok)
            log_warning(p->env.log, "%s: offset %llu: %s. The rest is left out", path,
                        (unsigned long long)r.good_pos, r.why);
        else if (end != AOF_WHOLE)
            e = why_put(why, ERR_FORMAT, "%s: offset %llu: %s: the file is damaged", path,
                             (unsigned long long)r.bad_pos, r.why);
        if (cut_ok) discard_open_multi(p);
    }
    if (facts.has_log_at && !l->is_old) l->joint = facts.log_offset;
    if (e == OK && facts.has_log_at) {
        l->offset = facts.log_offset;
        l->anchored = true;
        memcpy(l->id, facts.log_id, PERSIST_ID + 1);
    }
    source_close(p, &s);
    return e;
}

static void close_load(struct aof_load *l)
{
    mem_free(l->heads);
    mem_free(l->marked);
    mem_free(l->sizes);
}

static enum err read_all(struct aof_load *l, char *why)
{
    enum err e;

    if (!l->m) l->m = aof_set_manifest(l->p->set);
    l->n = manifest_n_incr(l->m);
    e = look_ahead(l, why);
    if (e == OK && manifest_base(l->m)) {
        e = read_base(l, why);
        l->base_bad = e != OK && e != ERR_NOT_DONE;
    }
    /* A stock server's base has no place in a log: the first file of memd's own gives it one. */
    return e == OK ? read_increments(l, why) : e;
}

/* The file that the log goes on in: the last one when it is sound and memd's, else a new one. */
static enum err open_current(struct aof_load *l, char *why)
{
    struct persist *p = l->p;
    const struct manifest *m = aof_set_manifest(p->set);
    struct log_file *f;
    char path[PATH_MAX];
    uint64_t seq;
    int fd;

    write_log_set_history(p->log, l->id[0] ? l->id : write_log_id(p->log), l->offset);
    if (l->n && l->last_whole) {
        size_t i = l->n - 1;

        incr_path_at(l, i, path);
        fd = p->ops->open(p->ops->ctx, path, O_RDWR | O_APPEND);
        if (fd == -1) return why_put(why, ERR_IO, "%s: %s", path, strerror(errno));
        f = log_file_new(fd, manifest_incr(m, i)->seq, l->sizes[i] ? l->last.head.start : l->offset);
        f->batches = l->sizes[i] ? l->last.batches : 0;
        f->pos = l->sizes[i];
    } else {
        fd = aof_set_new_incr(p->set, &seq);
        if (fd == -1 || !aof_set_publish(p->set, seq, l->offset, UINT64_MAX))
            return why_put(why, ERR_IO, "A new AOF increment could not be made: %s", strerror(errno));
        f = log_file_new(fd, seq, l->offset);
    }
    /* What was read may only have been in the page cache of a machine that goes on: it is durable now. */
    if (p->ops->sync(p->ops->ctx, fd) != 0) {
        int saved = errno;

        p->ops->close(p->ops->ctx, fd);
        mem_free(f);
        return why_put(why, ERR_IO, "The AOF could not be synced: %s", strerror(saved));
    }
    f->synced_pos = f->pos;
    write_log_set_stamps(p->log, p->conf.aof_timestamps);
    write_log_on(p->log, p->set, f, p->conf.appendfsync);
    return OK;
}

/* The base is damaged: begin anew, with an empty store. */
static void forget_content(struct persist *p)
{
    const struct persist_libraries *lib = p->env.libraries;
    struct store_aside *part = store_put_aside(p->env.store);

    store_drop_aside(p->env.store, &part);
    if (lib) {
        lib->put_aside(lib->ctx);
        lib->drop_aside(lib->ctx);
    }
    p->keys_loaded = p->keys_expired = p->load_base_bytes = 0;
    p->progress = (struct persist_progress){ .started_us = p->progress.started_us };
}

/* The base cannot be read (e, why): the one before it and its increments, if they have been kept and lead up
 * without a gap to the increments of now, give the same data. *l becomes what was read then. */
static enum err load_previous(struct aof_load *l, enum err e, char *why)
{
    struct persist *p = l->p;
    struct aof_load old = { .p = p, .joint = l->joint, .is_old = true };
    char reason[PERSIST_WHY];
    struct manifest m;
    enum err now;
    size_t n;

    if (!manifest_fall_back(aof_set_manifest(p->set), &m, &old.n_old)) return e;
    log_warning(p->env.log, "%s: trying the generation before it", why);
    forget_content(p);
    old.m = &m;
    now = read_all(&old, reason);
    if (now == OK && old.n_old == old.n) now = check_joint(&old, reason);
    if (now == OK && !aof_set_fall_back(p->set))
        now = why_put(reason, ERR_IO, "the manifest could not be written: %s", strerror(errno));
    manifest_fini(&m);
    old.m = aof_set_manifest(p->set);
    close_load(l);
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

static enum err load_aof(struct persist *p, char *why)
{
    struct aof_load l = { .p = p, .joint = UINT64_MAX };
    enum err e = read_all(&l, why);

    if (l.base_bad) e = load_previous(&l, e, why);
    if (e == OK) aof_set_sweep(p->set, p->conf.generations != 1);
    if (e == OK) e = open_current(&l, why);
    for (size_t i = 0; i < l.n && e == OK; i++) p->incr_bytes += l.sizes[i];
    p->rewrite_base = p->base_bytes + p->incr_bytes;
    close_load(&l);
    return e;
}

/* An AOF directory for what is in the store: a base now, an increment for what comes. */
static enum err start_aof(struct persist *p, char *why)
{
    struct aof_load l = { .p = p, .offset = write_log_offset(p->log) };

    if (!aof_set_make_dir(p->set))
        return why_put(why, ERR_IO, "%s/%s: %s", p->conf.dir, p->conf.appenddirname, strerror(errno));
    p->with_log = false;
    if (!persist_save_now(p, true))
        return why_put(why, ERR_IO, "The AOF's base could not be written in %s/%s", p->conf.dir,
                            p->conf.appenddirname);
    p->rewrites = 0;
    return open_current(&l, why);
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
    snprintf(why + n, PERSIST_WHY - n, ". `memd --repair %s` goes back to the snapshot before it, %s", p->conf.dir,
             previous);
}

static enum err load_rdb_if_any(struct persist *p, char *why)
{
    uint64_t offset = 0;
    char id[PERSIST_ID + 1] = "";
    int there = p->ops->exists(p->ops->ctx, p->rdb_path);
    enum err e;

    if (there == -1) return why_put(why, ERR_IO, "%s: %s", p->rdb_path, strerror(errno));
    if (there == 0) return OK;
    e = load_rdb(p, p->rdb_path, &offset, id, why);
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
        there = true;
    }
    if (there) return load_aof(p, why);
    e = load_rdb_if_any(p, why);
    return e == OK ? start_aof(p, why) : e;
}

/* --- for persist_reload.c --------------------------------------------------------------------------------------- */

enum err persist_read_snapshot(struct persist *p, char *why)
{
    uint64_t offset;
    char id[PERSIST_ID + 1];

    return load_rdb(p, p->rdb_path, &offset, id, why);
}

enum err persist_read_log(struct persist *p, char *why)
{
    struct aof_load l = { .p = p };
    uint64_t base_bytes = p->base_bytes;
    enum err e = read_all(&l, why);

    p->base_bytes = base_bytes;
    close_load(&l);
    return e;
}
