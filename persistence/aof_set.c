/* aof_set.c -- names and manifest of the AOF's files. */
#include "persistence/aof_set_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "persistence/file_ops.h"
#include "persistence/why.h"

enum { MANIFEST_MAX_BYTES = 1 << 20 };

static char *join(const char *a, const char *between, const char *b)
{
    size_t na = strlen(a), nm = strlen(between), nb = strlen(b);
    char *s = mem_alloc(na + nm + nb + 1);

    memcpy(s, a, na);
    memcpy(s + na, between, nm);
    memcpy(s + na + nm, b, nb + 1);
    return s;
}

struct aof_set *aof_set_new(const struct file_ops *ops, struct log *log, const char *dir,
                            const char *dirname, const char *filename)
{
    struct aof_set *s = mem_zalloc(sizeof *s);

    s->ops = ops;
    s->log = log;
    s->parent = join(dir, "", "");
    s->dir = join(dir, "/", dirname);
    s->filename = join(filename, "", "");
    s->manifest_name = join(filename, "", ".manifest");
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void aof_set_free(struct aof_set **s)
{
    if (!*s) return;
    manifest_fini(&(*s)->m);
    pthread_mutex_destroy(&(*s)->lock);
    mem_free((*s)->parent);
    mem_free((*s)->dir);
    mem_free((*s)->filename);
    mem_free((*s)->manifest_name);
    mem_free(*s);
    *s = NULL;
}

const struct manifest *aof_set_manifest(const struct aof_set *s)
{
    return &s->m;
}

void aof_set_path(const struct aof_set *s, const char *name, char *out)
{
    snprintf(out, PATH_MAX, "%s/%s", s->dir, name);
}

static void incr_name(const struct aof_set *s, uint64_t seq, char *out)
{
    snprintf(out, NAME_MAX, "%s.%llu.incr.aof", s->filename, (unsigned long long)seq);
}

static void incr_path(const struct aof_set *s, uint64_t seq, char *out)
{
    char name[NAME_MAX];

    incr_name(s, seq, name);
    aof_set_path(s, name, out);
}

void aof_set_temp_base(const struct aof_set *s, char *out)
{
    char name[NAME_MAX];

    snprintf(name, sizeof name, "temp-%s.base.rdb", s->filename);
    aof_set_path(s, name, out);
}

void aof_set_reserve_path(const struct aof_set *s, char *out)
{
    char name[NAME_MAX];

    snprintf(name, sizeof name, "%s.reserve", s->filename);
    aof_set_path(s, name, out);
}

bool aof_set_make_dir(struct aof_set *s)
{
    static const struct manifest none = { 0 };
    char path[PATH_MAX];
    int there;

    if (s->ops->make_dir(s->ops->ctx, s->dir) != 0 || s->ops->sync_dir(s->ops->ctx, s->parent) != 0) return false;
    aof_set_path(s, s->manifest_name, path);
    there = s->ops->exists(s->ops->ctx, path);
    if (there != 0) return there == 1;
    return manifest_write(&none, s->ops, s->dir, s->manifest_name) == OK;
}

void aof_set_pass(struct aof_set *s, uint64_t incr_seq, uint64_t base_seq)
{
    if (incr_seq > s->m.incr_seq) s->m.incr_seq = incr_seq;
    if (base_seq > s->m.base_seq) s->m.base_seq = base_seq;
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* The whole small file at path; -1 and errno. */
static int read_small(const struct file_ops *ops, const char *path, struct buf *out)
{
    int fd = ops->open(ops->ctx, path, O_RDONLY), saved;
    ssize_t r = 1;

    if (fd == -1) return -1;
    while (r != 0 && out->n <= MANIFEST_MAX_BYTES) {
        r = ops->read(ops->ctx, fd, buf_room(out, 4096), 4096);
        if (r > 0) buf_used(out, (size_t)r);
        if (r == -1 && errno != EINTR) break;
    }
    saved = errno;
    ops->close(ops->ctx, fd);
    errno = saved;
    return r == -1 ? -1 : 0;
}

enum err aof_set_read(struct aof_set *s, bool *there, char *why)
{
    char path[PATH_MAX];
    struct buf text = { 0 };
    const char *reason;
    enum err e = OK;
    int line, found;

    aof_set_path(s, s->manifest_name, path);
    found = s->ops->exists(s->ops->ctx, path);
    *there = found == 1;
    if (found == 0) return OK;
    if (found == -1 || read_small(s->ops, path, &text) == -1) {
        e = why_put(why, ERR_IO, "%s: %s", path, strerror(errno));
    } else {
        uint64_t incr_seq = s->m.incr_seq, base_seq = s->m.base_seq;

        manifest_fini(&s->m);
        e = manifest_parse(&s->m, buf_str(&text), &line, &reason);
        if (e != OK) why_put(why, e, "%s: line %d: %s", path, line, reason);
        aof_set_pass(s, incr_seq, base_seq);
    }
    buf_fini(&text);
    return e;
}

const struct file_ops *aof_set_ops(const struct aof_set *s)
{
    return s->ops;
}

const char *aof_set_filename(const struct aof_set *s)
{
    return s->filename;
}

bool aof_set_list(const struct aof_set *s, void (*fn)(void *arg, const char *name), void *arg)
{
    return s->ops->list(s->ops->ctx, s->dir, fn, arg) == 0;
}

void aof_set_take(struct aof_set *s, struct manifest *m)
{
    manifest_fini(&s->m);
    s->m = *m;
    *m = (struct manifest){ 0 };
}

/* --- changing ---------------------------------------------------------------------------------------- */

/* Make `next` (taken over) the manifest, on disk and here. */
static bool replace(struct aof_set *s, struct manifest *next)
{
    if (manifest_write(next, s->ops, s->dir, s->manifest_name) != OK) {
        int saved = errno;

        aof_set_pass(s, next->incr_seq, next->base_seq); /* also when nobody knows whether this one counts */
        manifest_fini(next);
        errno = saved;
        return false;
    }
    manifest_fini(&s->m);
    s->m = *next;
    return true;
}

bool aof_set_adopt(struct aof_set *s, const char *old_path)
{
    char path[PATH_MAX];
    struct manifest next;

    if (!aof_set_make_dir(s)) return false;
    manifest_copy(&next, &s->m);
    if (!manifest_base(&next)) manifest_add_base(&next, s->filename, 1);
    if (!replace(s, &next)) return false;
    aof_set_path(s, s->filename, path);
    if (s->ops->rename(s->ops->ctx, old_path, path) != 0) return false;
    return s->ops->sync_dir(s->ops->ctx, s->dir) == 0 && s->ops->sync_dir(s->ops->ctx, s->parent) == 0;
}

int aof_set_new_incr(struct aof_set *s, uint64_t *seq)
{
    char path[PATH_MAX];

    pthread_mutex_lock(&s->lock);
    *seq = ++s->m.incr_seq;
    pthread_mutex_unlock(&s->lock);
    incr_path(s, *seq, path);
    /* One that a crash has left is not emptied but replaced: what is cut off may be there again after a power cut,
     * under a name that counts by then. */
    if (s->ops->unlink(s->ops->ctx, path) != 0 && errno != ENOENT) return -1;
    return s->ops->open(s->ops->ctx, path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND);
}

void aof_set_discard(struct aof_set *s, uint64_t seq)
{
    char path[PATH_MAX];

    incr_path(s, seq, path);
    s->ops->unlink(s->ops->ctx, path);
}

bool aof_set_cut(struct aof_set *s, uint64_t seq, uint64_t n)
{
    const struct file_ops *ops = s->ops;
    char path[PATH_MAX] = "";
    int fd, saved, r;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < manifest_n_incr(&s->m); i++)
        if (manifest_incr(&s->m, i)->seq == seq) aof_set_path(s, manifest_incr(&s->m, i)->name, path);
    pthread_mutex_unlock(&s->lock);
    if (path[0] == 0) return true;
    fd = ops->open(ops->ctx, path, O_RDWR);
    if (fd == -1) return false;
    r = ops->truncate(ops->ctx, fd, (int64_t)n);
    if (r == 0) r = ops->sync(ops->ctx, fd);
    saved = errno;
    ops->close(ops->ctx, fd);
    errno = saved;
    return r == 0;
}

void aof_set_unlink(struct aof_set *s, const char *name)
{
    char path[PATH_MAX];

    aof_set_path(s, name, path);
    if (s->ops->unlink(s->ops->ctx, path) != 0 && errno != ENOENT)
        log_warning(s->log, "Could not delete %s: %s", path, strerror(errno));
}

static bool has_incr(const struct manifest *m, uint64_t seq)
{
    for (size_t i = 0; i < manifest_n_incr(m); i++)
        if (manifest_incr(m, i)->seq == seq) return true;
    return false;
}

/* Drop increments behind `after`; add seq unless it is 0. */
static bool change_incrs(struct aof_set *s, uint64_t after, uint64_t seq, uint64_t start)
{
    struct manifest next, was;
    char name[NAME_MAX];
    size_t n;
    bool ok;

    pthread_mutex_lock(&s->lock);
    manifest_copy(&was, &s->m);
    manifest_copy(&next, &s->m);
    manifest_drop_after(&next, after);
    n = manifest_n_incr(&next);
    if (seq && (start < s->base_offset || (n && manifest_incr(&next, n - 1)->seq >= seq))) {
        manifest_fini(&next);
        errno = ECANCELED;
        ok = false;
    } else {
        if (seq) {
            incr_name(s, seq, name);
            manifest_add_incr(&next, name, seq);
        }
        /* The increment's name must be durable before a manifest speaks of it. */
        ok = seq == 0 || s->ops->sync_dir(s->ops->ctx, s->dir) == 0;
        if (ok) {
            ok = replace(s, &next);
        } else {
            int saved = errno;

            manifest_fini(&next);
            errno = saved;
        }
    }
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; ok && i < manifest_n_incr(&was); i++) {
        const struct manifest_file *f = manifest_incr(&was, i);

        if (f->seq > after) aof_set_unlink(s, f->name);
    }
    manifest_fini(&was);
    return ok;
}

bool aof_set_publish(struct aof_set *s, uint64_t seq, uint64_t start, uint64_t after)
{
    return change_incrs(s, after, seq, start);
}

uint64_t aof_set_base_offset(struct aof_set *s)
{
    uint64_t at;

    pthread_mutex_lock(&s->lock);
    at = s->base_offset;
    pthread_mutex_unlock(&s->lock);
    return at;
}

bool aof_set_drop_after(struct aof_set *s, uint64_t seq)
{
    return change_incrs(s, seq, 0, 0);
}

bool aof_set_has(struct aof_set *s, uint64_t seq)
{
    bool has;

    pthread_mutex_lock(&s->lock);
    has = has_incr(&s->m, seq);
    pthread_mutex_unlock(&s->lock);
    return has;
}

void aof_set_clean(struct aof_set *s, bool keep)
{
    size_t end = keep ? manifest_previous(&s->m) : s->m.n;
    struct manifest next;

    for (size_t i = 0; i < end; i++)
        if (s->m.files[i].type == 'h') aof_set_unlink(s, s->m.files[i].name);
    manifest_copy(&next, &s->m);
    manifest_forget(&next, end);
    if (next.n == s->m.n) manifest_fini(&next);
    else if (!replace(s, &next)) log_warning(s->log, "The AOF's history could not be forgotten: %s", strerror(errno));
}

/* The base `name` takes its place in the manifest. */
static bool commit(struct aof_set *s, const char *name, uint64_t seq, enum aof_first how, uint64_t first_seq)
{
    struct manifest next;
    char incr[NAME_MAX];

    manifest_copy(&next, &s->m);
    manifest_add_base(&next, name, seq);
    manifest_retire(&next, how == AOF_FIRST_NONE ? UINT64_MAX : first_seq);
    if (how == AOF_FIRST_NEW) {
        incr_name(s, first_seq, incr);
        manifest_add_incr(&next, incr, first_seq);
    }
    return replace(s, &next);
}

bool aof_set_commit_base(struct aof_set *s, const char *tmp_path, uint64_t offset, enum aof_first how,
                         uint64_t first_seq, bool keep)
{
    char name[NAME_MAX], path[PATH_MAX];
    uint64_t seq;
    bool ok = true;

    pthread_mutex_lock(&s->lock);
    seq = ++s->m.base_seq;
    snprintf(name, sizeof name, "%s.%llu.base.rdb", s->filename, (unsigned long long)seq);
    aof_set_path(s, name, path);
    if (how == AOF_FIRST_PUBLISHED && !has_incr(&s->m, first_seq)) {
        errno = ECANCELED;
        ok = false;
    }
    /* The base's name must be durable before a manifest speaks of it. */
    ok = ok && s->ops->rename(s->ops->ctx, tmp_path, path) == 0;
    ok = ok && s->ops->sync_dir(s->ops->ctx, s->dir) == 0;
    ok = ok && commit(s, name, seq, how, first_seq);
    if (ok) {
        s->base_offset = offset;
        aof_set_clean(s, keep && how == AOF_FIRST_PUBLISHED);
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool aof_set_fall_back(struct aof_set *s)
{
    char damaged[PATH_MAX], aside[PATH_MAX + 16];
    struct manifest next;
    size_t ignored;

    aof_set_path(s, manifest_base(&s->m)->name, damaged);
    snprintf(aside, sizeof aside, "%s.damaged", damaged);
    if (!manifest_fall_back(&s->m, &next, &ignored)) return false;
    if (!replace(s, &next)) return false;
    /* It may be that there is nothing to put aside. */
    if (s->ops->rename(s->ops->ctx, damaged, aside) != 0 && errno != ENOENT)
        log_warning(s->log, "%s could not be put aside: %s", damaged, strerror(errno));
    return s->ops->sync_dir(s->ops->ctx, s->dir) == 0;
}
