#include "tests/unit/persistence/memfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ensure.h"
#include "tests/unit/persistence/trace.h"

static struct memfs_file *new_file(struct memfs *fs)
{
    struct memfs_file *f = calloc(1, sizeof *f);

    ensure(fs->n_all < sizeof fs->all / sizeof *fs->all);
    f->id = (uint32_t)fs->n_all;
    fs->all[fs->n_all++] = f;
    return f;
}

static void set_bytes(char **p, size_t *n, const char *from, size_t len)
{
    char *copy = malloc(len + 1);

    if (len) memcpy(copy, from, len);
    free(*p);
    *p = copy;
    *n = len;
}

static struct memfs_name *name_of(struct memfs *fs, const char *path, bool make)
{
    for (size_t i = 0; i < fs->n_names; i++)
        if (strcmp(fs->names[i].path, path) == 0) return &fs->names[i];
    if (!make) return NULL;
    ensure(fs->n_names < MEMFS_FILES && strlen(path) < sizeof fs->names[0].path);
    strcpy(fs->names[fs->n_names].path, path);
    return &fs->names[fs->n_names++];
}

/* Count an operation; true when it is to fail. */
static bool fails(struct memfs *fs)
{
    fs->n_ops++;
    if (fs->fail_from == 0 || fs->n_ops < fs->fail_from || fs->n_ops > fs->fail_to) return false;
    errno = fs->fail_errno;
    return true;
}

/* --- lockstep ------------------------------------------------------------------------------------------ */

/* Lock held. */
static void stop_here(struct memfs *fs, const char *verb, const char *path)
{
    char line[600];

    if (!fs->hold || pthread_equal(pthread_self(), fs->owner)) return;
    snprintf(line, sizeof line, "%s %s", verb, path);
    if (!strstr(line, fs->hold)) return;
    fs->n_held++;
    pthread_cond_broadcast(&fs->changed);
    while (fs->hold && strstr(line, fs->hold)) {
        unsigned holds = fs->n_holds;

        while (holds == fs->n_holds) pthread_cond_wait(&fs->changed, &fs->lock);
        fs->n_looking--;
        pthread_cond_broadcast(&fs->changed);
    }
    fs->n_held--;
}

void memfs_hold(struct memfs *fs, const char *text)
{
    pthread_mutex_lock(&fs->lock);
    fs->owner = pthread_self();
    fs->hold = text;
    fs->n_holds++;
    fs->n_looking = fs->n_held;
    pthread_cond_broadcast(&fs->changed);
    while (fs->n_looking) pthread_cond_wait(&fs->changed, &fs->lock); /* who was held goes on, or is held by this */
    pthread_mutex_unlock(&fs->lock);
}

void memfs_wait_held(struct memfs *fs)
{
    pthread_mutex_lock(&fs->lock);
    while (fs->n_held == 0) pthread_cond_wait(&fs->changed, &fs->lock);
    pthread_mutex_unlock(&fs->lock);
}

/* Lock held. */
static bool is_skipped(const struct memfs *fs, const char *verb, const char *path)
{
    char line[600];

    if (!fs->skip) return false;
    snprintf(line, sizeof line, "%s %s", verb, path);
    return strstr(line, fs->skip) != NULL;
}

/* --- what is told to a trace; lock held ---------------------------------------------------------------- */

static size_t now_of(const struct memfs *fs)
{
    return fs->trace ? fs->trace->n : 0;
}

static void told(struct memfs *fs, enum trace_kind kind, const struct memfs_file *f, const char *path, const char *to)
{
    struct trace_op op = { .kind = kind, .file = f ? f->id : 0, .began = now_of(fs) };

    if (!fs->trace) return;
    if (path) op.name = trace_name(fs->trace, path);
    if (to) op.to = trace_name(fs->trace, to);
    trace_add(fs->trace, op);
}

static void told_sync(struct memfs *fs, const struct memfs_file *f, size_t began, bool ok)
{
    if (fs->trace)
        trace_add(fs->trace, (struct trace_op){ .kind = ok ? TRACE_SYNC : TRACE_SYNC_FAILED, .file = f->id,
                                                .began = began });
}

static void told_size(struct memfs *fs, const struct memfs_file *f)
{
    if (fs->trace)
        trace_add(fs->trace, (struct trace_op){ .kind = TRACE_SIZE, .file = f->id, .n = f->n });
}

/* --- the operations ------------------------------------------------------------------------------------- */

static bool ask_fails(struct memfs *fs)
{
    fs->n_asks++;
    if (fs->ask_from == 0 || fs->n_asks < fs->ask_from || fs->n_asks > fs->ask_to) return false;
    errno = fs->fail_errno;
    return true;
}

static bool is_interrupted(struct memfs *fs)
{
    if (!fs->interrupts || fs->n_calls++ % 2) return false;
    errno = EINTR;
    return true;
}

/* What a failed sync was for, and nothing has written since, is not there: zeros. */
static void lose_unsynced(struct memfs *fs, struct memfs_file *f)
{
    size_t from = f->lost_from < f->lost_to ? f->lost_from : 0, to = f->lost_to < f->n ? f->lost_to : f->n;

    if (f->lost_from >= f->lost_to || from >= to) return;
    memset(f->p + from, 0, to - from);
    if (fs->trace) {
        trace_add(fs->trace, (struct trace_op){ .kind = TRACE_LOST, .file = f->id });
        trace_write(fs->trace, f->id, from, f->p + from, to - from);
    }
    f->lost_from = f->lost_to = 0;
}

static int fs_open(void *ctx, const char *path, int flags)
{
    struct memfs *fs = ctx;
    struct memfs_name *n;
    int fd = -1;

    pthread_mutex_lock(&fs->lock);
    if (flags & O_CREAT) stop_here(fs, "open", path);
    n = name_of(fs, path, flags & O_CREAT);
    if ((flags & O_CREAT) && fails(fs)) {
        n = NULL;
    } else if (!(flags & O_CREAT) && ask_fails(fs)) {
        n = NULL;
    } else if (!n || (!n->file && !(flags & O_CREAT))) {
        n = NULL;
        errno = ENOENT;
    }
    if (n) {
        if (!n->file) {
            n->file = new_file(fs);
            told(fs, TRACE_CREATE, n->file, path, NULL);
        }
        if ((flags & O_TRUNC) && n->file->n > 0) {
            n->file->n = n->file->lost_to = 0;
            told_size(fs, n->file);
        }
        if (fs->drops_unsynced && (fs->evicts || (fs->evicts_late && (flags & O_RDWR)))) lose_unsynced(fs, n->file);
        for (fd = 0; fs->fds[fd].used; fd++) ensure(fd + 1 < MEMFS_FDS);
        fs->fds[fd].used = true;
        fs->fds[fd].file = n->file;
        fs->fds[fd].path = n->path;
        fs->fds[fd].at = 0;
        fs->fds[fd].append = flags & O_APPEND;
    }
    pthread_mutex_unlock(&fs->lock);
    return fd;
}

static int fs_close(void *ctx, int fd)
{
    struct memfs *fs = ctx;

    pthread_mutex_lock(&fs->lock);
    ensure(fd >= 0 && fd < MEMFS_FDS && fs->fds[fd].used);
    fs->fds[fd].used = false;
    pthread_mutex_unlock(&fs->lock);
    return 0;
}

static ssize_t fs_read(void *ctx, int fd, void *p, size_t n)
{
    struct memfs *fs = ctx;
    struct memfs_file *f;

    pthread_mutex_lock(&fs->lock);
    if (is_interrupted(fs) || ask_fails(fs)) {
        pthread_mutex_unlock(&fs->lock);
        return -1;
    }
    f = fs->fds[fd].file;
    if (n > f->n - fs->fds[fd].at) n = f->n - fs->fds[fd].at;
    if (n > 1 && fs->short_writes) n = n / 2 + 1;
    memcpy(p, f->p + fs->fds[fd].at, n);
    fs->fds[fd].at += n;
    pthread_mutex_unlock(&fs->lock);
    return (ssize_t)n;
}

static uint64_t used_space(const struct memfs *fs)
{
    uint64_t n = 0;

    for (size_t i = 0; i < fs->n_names; i++) {
        const struct memfs_file *f = fs->names[i].file;

        if (f) n += f->n > f->allocated ? f->n : f->allocated;
    }
    return n;
}

/* Bytes that are written again are no more among those that a failed sync has lost. */
static void find_again(struct memfs_file *f, size_t from, size_t to)
{
    if (from <= f->lost_from && to > f->lost_from) f->lost_from = to;
    else if (from < f->lost_to && to >= f->lost_to) f->lost_to = from;
}

static void put(struct memfs *fs, int fd, const char *p, size_t n)
{
    struct memfs_file *f = fs->fds[fd].file;
    size_t at = fs->fds[fd].append ? f->n : fs->fds[fd].at;

    ensure(at <= f->n);
    if (at + n > f->n) {
        f->p = realloc(f->p, at + n + 1);
        f->n = at + n;
    }
    memcpy(f->p + at, p, n);
    fs->fds[fd].at = at + n;
    find_again(f, at, at + n);
}

static ssize_t fs_writev(void *ctx, int fd, const struct iovec *v, int n)
{
    struct memfs *fs = ctx;
    size_t all = 0, want, done = 0, at;
    bool bad;

    pthread_mutex_lock(&fs->lock);
    if (is_interrupted(fs)) {
        pthread_mutex_unlock(&fs->lock);
        return -1;
    }
    stop_here(fs, "write", fs->fds[fd].path);
    at = fs->fds[fd].append ? fs->fds[fd].file->n : fs->fds[fd].at;
    for (int i = 0; i < n; i++) all += v[i].iov_len;
    want = all;
    bad = fails(fs);
    if (bad) want = fs->short_writes && fs->fail_errno != EINTR ? all / 2 : 0; /* EINTR: nothing was done */
    else if (fs->short_writes && all > 1) want = all / 2;
    if (fs->space && !bad) {
        const struct memfs_file *f = fs->fds[fd].file;
        uint64_t used = used_space(fs), room = used < fs->space ? fs->space - used : 0;

        if (f->allocated > f->n) room += f->allocated - f->n;

        if (want > room) want = (size_t)room;
        if (room == 0) {
            errno = ENOSPC;
            bad = true;
        }
    }
    for (int i = 0; i < n && done < want; i++) {
        size_t part = v[i].iov_len < want - done ? v[i].iov_len : want - done;

        put(fs, fd, v[i].iov_base, part);
        done += part;
    }
    if (fs->trace && done) trace_write(fs->trace, fs->fds[fd].file->id, at, fs->fds[fd].file->p + at, done);
    pthread_mutex_unlock(&fs->lock);
    return bad && done == 0 ? -1 : bad ? (errno = fs->fail_errno, -1) : (ssize_t)done;
}

/* What a failed sync was for, and nothing has written since, is not in the copy p[0..n) of f either. */
static void leave_out_lost(const struct memfs_file *f, char *p, size_t n)
{
    size_t to = f->lost_to < n ? f->lost_to : n;

    if (f->lost_from < to) memset(p + f->lost_from, 0, to - f->lost_from);
}

/* A sync of n bytes has failed. */
static void lose(struct memfs_file *f, size_t n)
{
    if (f->lost_from >= f->lost_to) f->lost_from = f->synced_n, f->lost_to = n;
    if (f->lost_from > f->synced_n) f->lost_from = f->synced_n;
    if (f->lost_to < n) f->lost_to = n;
}

static int fs_sync(void *ctx, int fd)
{
    struct memfs *fs = ctx;
    struct memfs_file *f;
    char *now = NULL;
    size_t began, n;
    int r = 0;

    /* What is written while it runs may be there or not: the hard case is that it is not. */
    pthread_mutex_lock(&fs->lock);
    f = fs->fds[fd].file;
    began = now_of(fs);
    set_bytes(&now, &n, f->p, f->n);
    stop_here(fs, "sync", fs->fds[fd].path);
    pthread_mutex_unlock(&fs->lock);
    if (fs->sync_delay_us) usleep(fs->sync_delay_us);
    while (__atomic_load_n(&fs->syncs_hang, __ATOMIC_ACQUIRE)) usleep(1000);
    pthread_mutex_lock(&fs->lock);
    if (is_skipped(fs, "sync", fs->fds[fd].path)) {
        pthread_mutex_unlock(&fs->lock);
        free(now);
        return 0;
    }
    if (fails(fs)) {
        r = -1;
        lose(f, n);
        fs->n_failed_syncs++;
    } else {
        if (fs->drops_unsynced) leave_out_lost(f, now, n);
        set_bytes(&f->synced, &f->synced_n, now, n);
    }
    told_sync(fs, f, began, r == 0);
    if (r != 0) stop_here(fs, "failed", fs->fds[fd].path);
    if (fs->hide_failed_syncs) r = 0;
    pthread_mutex_unlock(&fs->lock);
    free(now);
    return r;
}

static int fs_truncate(void *ctx, int fd, int64_t n)
{
    struct memfs *fs = ctx;
    int r = 0;

    pthread_mutex_lock(&fs->lock);
    ensure(n >= 0 && (size_t)n <= fs->fds[fd].file->n);
    if (fails(fs)) r = -1;
    else fs->fds[fd].file->n = (size_t)n;
    if (r == 0) find_again(fs->fds[fd].file, (size_t)n, SIZE_MAX);
    if (r == 0) told_size(fs, fs->fds[fd].file);
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int64_t fs_size(void *ctx, int fd)
{
    struct memfs *fs = ctx;
    int64_t n;

    pthread_mutex_lock(&fs->lock);
    n = ask_fails(fs) ? -1 : (int64_t)fs->fds[fd].file->n;
    pthread_mutex_unlock(&fs->lock);
    return n;
}

static int fs_seek(void *ctx, int fd, int64_t at)
{
    struct memfs *fs = ctx;

    pthread_mutex_lock(&fs->lock);
    ensure(at >= 0 && (size_t)at <= fs->fds[fd].file->n);
    fs->fds[fd].at = (size_t)at;
    pthread_mutex_unlock(&fs->lock);
    return 0;
}

static void fs_uncache(void *ctx, int fd, int64_t from)
{
    struct memfs *fs = ctx;
    struct memfs_file *f;

    pthread_mutex_lock(&fs->lock);
    f = fs->fds[fd].file;
    ensure(from >= 0);
    if (fs->drops_unsynced) lose_unsynced(fs, f);
    if (fs->rots_at && fs->rots_at <= f->n) f->p[fs->rots_at - 1] ^= (char)fs->rots_by;
    if (fs->rots_off && fs->rots_off <= f->n) f->n -= fs->rots_off;
    pthread_mutex_unlock(&fs->lock);
}

static int fs_allocate(void *ctx, int fd, int64_t n)
{
    struct memfs *fs = ctx;
    struct memfs_file *f;
    size_t had;
    int r = 0;

    pthread_mutex_lock(&fs->lock);
    f = fs->fds[fd].file;
    had = f->allocated;
    if (fails(fs)) {
        r = -1;
    } else {
        if ((size_t)n > had) f->allocated = (size_t)n;
        if (fs->space && used_space(fs) > fs->space) {
            f->allocated = had;
            errno = ENOSPC;
            r = -1;
        }
    }
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int fs_link(void *ctx, const char *from, const char *to)
{
    struct memfs *fs = ctx;
    struct memfs_name *a, *b;
    int r = -1;

    pthread_mutex_lock(&fs->lock);
    stop_here(fs, "link", to);
    a = name_of(fs, from, false);
    b = name_of(fs, to, true);
    if (!fails(fs)) {
        if (!a || !a->file) {
            errno = ENOENT;
        } else if (b->file) {
            errno = EEXIST;
        } else {
            b->file = a->file;
            told(fs, TRACE_LINK, a->file, from, to);
            r = 0;
        }
    }
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int fs_rename(void *ctx, const char *from, const char *to)
{
    struct memfs *fs = ctx;
    struct memfs_name *a, *b;
    int r = 0;

    pthread_mutex_lock(&fs->lock);
    stop_here(fs, "rename", to);
    a = name_of(fs, from, false);
    if (fails(fs)) {
        r = -1;
    } else if (!a || !a->file) {
        errno = ENOENT;
        r = -1;
    } else {
        b = name_of(fs, to, true);
        b->file = a->file;
        a->file = NULL;
        told(fs, TRACE_RENAME, b->file, from, to);
    }
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int fs_unlink(void *ctx, const char *path)
{
    struct memfs *fs = ctx;
    struct memfs_name *n;
    int r = 0;

    pthread_mutex_lock(&fs->lock);
    stop_here(fs, "unlink", path);
    n = name_of(fs, path, false);
    if (fails(fs)) {
        r = -1;
    } else if (!n || !n->file) {
        errno = ENOENT;
        r = -1;
    } else {
        told(fs, TRACE_UNLINK, n->file, path, NULL);
        n->file = NULL;
    }
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int fs_make_dir(void *ctx, const char *path)
{
    struct memfs *fs = ctx;
    struct memfs_name *n;
    int r;

    pthread_mutex_lock(&fs->lock);
    n = name_of(fs, path, true);
    r = fails(fs) ? -1 : 0;
    if (r == 0 && !n->file) {
        n->file = &fs->dir;
        told(fs, TRACE_MKDIR, NULL, path, NULL);
    }
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static bool in_dir(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

static int fs_sync_dir(void *ctx, const char *path)
{
    struct memfs *fs = ctx;
    int r = 0;

    pthread_mutex_lock(&fs->lock);
    stop_here(fs, "syncdir", path);
    if (is_skipped(fs, "syncdir", path)) {
        pthread_mutex_unlock(&fs->lock);
        return 0;
    }
    if (fails(fs)) r = -1;
    if (r == 0) told(fs, TRACE_SYNC_DIR, NULL, path, NULL);
    for (size_t i = 0; r == 0 && i < fs->n_names; i++)
        if (in_dir(fs->names[i].path, path)) fs->names[i].durable = fs->names[i].file;
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int fs_exists(void *ctx, const char *path)
{
    struct memfs *fs = ctx;
    struct memfs_name *n;
    int r;

    pthread_mutex_lock(&fs->lock);
    n = name_of(fs, path, false);
    r = ask_fails(fs) ? -1 : n && n->file;
    pthread_mutex_unlock(&fs->lock);
    return r;
}

static int fs_list(void *ctx, const char *path, void (*fn)(void *arg, const char *name), void *arg)
{
    struct memfs *fs = ctx;
    size_t n = strlen(path);
    bool bad;

    pthread_mutex_lock(&fs->lock);
    bad = ask_fails(fs);
    pthread_mutex_unlock(&fs->lock);
    if (bad) return -1;
    for (size_t i = 0; i < fs->n_names; i++)
        if (fs->names[i].file && in_dir(fs->names[i].path, path)) fn(arg, fs->names[i].path + n + 1);
    return 0;
}

size_t memfs_n_open(const struct memfs *fs)
{
    size_t n = 0;

    for (size_t i = 0; i < MEMFS_FDS; i++) n += fs->fds[i].used;
    return n;
}

void memfs_init(struct memfs *fs)
{
    memset(fs, 0, sizeof *fs);
    pthread_mutex_init(&fs->lock, NULL);
    pthread_cond_init(&fs->changed, NULL);
    fs->owner = pthread_self();
    fs->ops = (struct file_ops){
        .ctx = fs,
        .open = fs_open,
        .close = fs_close,
        .read = fs_read,
        .writev = fs_writev,
        .sync = fs_sync,
        .truncate = fs_truncate,
        .size = fs_size,
        .seek = fs_seek,
        .uncache = fs_uncache,
        .allocate = fs_allocate,
        .rename = fs_rename,
        .link = fs_link,
        .unlink = fs_unlink,
        .make_dir = fs_make_dir,
        .sync_dir = fs_sync_dir,
        .exists = fs_exists,
        .list = fs_list,
    };
}

void memfs_fini(struct memfs *fs)
{
    for (size_t i = 0; i < fs->n_all; i++) {
        free(fs->all[i]->p);
        free(fs->all[i]->synced);
        free(fs->all[i]);
    }
    pthread_mutex_destroy(&fs->lock);
    pthread_cond_destroy(&fs->changed);
    fs->n_all = 0;
}

/* Some of what was appended since the last sync got to the disk after all. */
static void keep_some(struct memfs_file *f, struct rng *r)
{
    size_t more, zero;

    if (f->n <= f->synced_n || (f->synced_n && memcmp(f->p, f->synced, f->synced_n) != 0)) return;
    more = (size_t)rng_below(r, f->n - f->synced_n + 1);
    f->synced = realloc(f->synced, f->synced_n + more + 1);
    memcpy(f->synced + f->synced_n, f->p + f->synced_n, more);
    if (more && rng_below(r, 3) == 0) {
        /* the file grew before its data arrived: whole sectors are zero */
        zero = (f->synced_n + (size_t)rng_below(r, more)) / 512 * 512;
        if (zero < f->synced_n) zero = f->synced_n;
        memset(f->synced + zero, 0, f->synced_n + more - zero);
    }
    f->synced_n += more;
}

void memfs_cut(struct memfs *fs, struct rng *r)
{
    for (size_t i = 0; r && i < fs->n_all; i++) keep_some(fs->all[i], r);
    for (size_t i = 0; i < fs->n_all; i++) {
        struct memfs_file *f = fs->all[i];

        set_bytes(&f->p, &f->n, f->synced, f->synced_n);
    }
    for (size_t i = 0; i < fs->n_names; i++) {
        /* a change of names may have got to the disk without a sync, too: but never a part of it, and
         * which one is the file system's choice; the hard case is that none did */
        fs->names[i].file = fs->names[i].durable;
    }
    memset(fs->fds, 0, sizeof fs->fds);
}

struct str memfs_get(struct memfs *fs, const char *path)
{
    struct memfs_name *n = name_of(fs, path, false);

    if (!n || !n->file) return str_of(NULL, 0);
    return str_of(n->file->p ? n->file->p : "", n->file->n);
}

void memfs_put(struct memfs *fs, const char *path, struct str content)
{
    struct memfs_name *n = name_of(fs, path, true);

    if (!n->file) n->file = new_file(fs);
    n->durable = n->file;
    set_bytes(&n->file->p, &n->file->n, content.p, content.n);
    set_bytes(&n->file->synced, &n->file->synced_n, content.p, content.n);
}

void memfs_put_dir(struct memfs *fs, const char *path)
{
    struct memfs_name *n = name_of(fs, path, true);

    n->file = n->durable = &fs->dir;
}

const char *memfs_find(struct memfs *fs, const char *suffix)
{
    size_t n = strlen(suffix);

    for (size_t i = 0; i < fs->n_names; i++) {
        size_t len = strlen(fs->names[i].path);

        if (fs->names[i].file && len >= n && strcmp(fs->names[i].path + len - n, suffix) == 0)
            return fs->names[i].path;
    }
    return NULL;
}

void memfs_copy(struct memfs *to, const struct memfs *from)
{
    memfs_init(to);
    for (size_t i = 0; i < from->n_names; i++) {
        const struct memfs_name *n = &from->names[i];

        if (n->file == &from->dir) memfs_put_dir(to, n->path);
        else if (n->file) memfs_put(to, n->path, str_of(n->file->p, n->file->n));
    }
}
