/* disk_shim.c -- stands between the daemon and its data directory (LD_PRELOAD).
 *
 * It writes down every operation that changes a file or a directory, what it changed and how it ended, so
 * that a reader of the trace (disk.py) knows what a disk may hold after a power cut; it kills the process at
 * the n-th operation of a kind; it lets syncs fail or take long. Environment:
 *
 *   DISK_SHIM_DIR      the directory that is watched, with all below it; nothing else is touched
 *   DISK_SHIM_TRACE    file to append records to
 *   DISK_SHIM_KILL     "KIND:N:before" or "KIND:N:after": SIGKILL at the N-th operation of that kind
 *   DISK_SHIM_FAIL     "KIND:N:COUNT:ERRNO": from the N-th on, COUNT operations fail
 *   DISK_SHIM_SYNC_MS  each sync takes so much longer; with DISK_SHIM_SLOW only while that file exists
 *
 * Kinds: open (of a file that is made or cut), write, truncate, allocate, sync, rename, link, unlink, mkdir; any.
 *
 * An operation is recorded when it is over, a sync with the number of the last record that it is sure to
 * cover: that of the moment when it began. What the trace does not mention may have happened all the same,
 * as after any kill. Records are written with O_APPEND, under a lock: their order is one that was possible. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <dlfcn.h>

enum kind { K_ANY, K_OPEN, K_CLOSE, K_WRITE, K_TRUNCATE, K_ALLOCATE, K_SYNC, K_RENAME, K_LINK, K_UNLINK, K_MKDIR, KINDS };

static const char *const names[KINDS] = { "any",  "open",   "close", "write",  "truncate", "allocate",
                                          "sync", "rename", "link",  "unlink", "mkdir" };

/* What lies before a record's bytes in the trace. */
struct record {
    uint32_t bytes;   /* behind this struct */
    uint16_t kind;
    uint16_t error;   /* errno, 0: it succeeded */
    int32_t fd;
    int32_t flags;    /* of open */
    int64_t at;       /* offset of a write, length of a truncation */
    uint64_t began;   /* number of records when it began */
    int64_t mono_ns;  /* when it ended */
};

enum { FDS = 4096, PIECES = 128 };

struct point {
    enum kind kind;
    long n, count;
    int error;
    bool after;
};

static const char *dir;
static size_t dir_n;
static int trace = -1;
static struct point kill_at, fail_at;
static long sync_ms;
static const char *slow_file;
static _Atomic bool watched[FDS];
static _Atomic long seen[KINDS];
static _Atomic uint64_t n_records;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static enum kind kind_of(const char *word, size_t n)
{
    for (int k = 0; k < KINDS; k++)
        if (strlen(names[k]) == n && memcmp(names[k], word, n) == 0) return (enum kind)k;
    fprintf(stderr, "disk_shim: unknown kind: %s\n", word);
    abort();
}

static void read_point(const char *text, struct point *p)
{
    const char *colon = text ? strchr(text, ':') : NULL;

    p->n = -1;
    if (!colon) return;
    p->kind = kind_of(text, (size_t)(colon - text));
    p->n = strtol(colon + 1, NULL, 10);
    p->after = strstr(colon + 1, "after") != NULL;
    sscanf(colon + 1, "%*d:%ld:%d", &p->count, &p->error);
}

/* Those that a process before has left: memd executes itself anew, or found its port taken and was started again. */
static uint64_t count_records(void)
{
    struct record r;
    uint64_t n = 0;
    off_t at = 0;

    while (REAL(pread)(trace, &r, sizeof r, at) == (ssize_t)sizeof r) {
        at += (off_t)(sizeof r + r.bytes);
        n++;
    }
    return n;
}

__attribute__((constructor)) static void begin(void)
{
    const char *ms = getenv("DISK_SHIM_SYNC_MS"), *path = getenv("DISK_SHIM_TRACE");

    dir = getenv("DISK_SHIM_DIR");
    if (!dir) return;
    dir = strdup(dir); /* a daemon that shows its title writes over its environment */
    dir_n = strlen(dir);
    sync_ms = ms ? strtol(ms, NULL, 10) : 0;
    slow_file = getenv("DISK_SHIM_SLOW") ? strdup(getenv("DISK_SHIM_SLOW")) : NULL;
    read_point(getenv("DISK_SHIM_KILL"), &kill_at);
    read_point(getenv("DISK_SHIM_FAIL"), &fail_at);
    if (!path) return;
    trace = REAL(open)(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (trace == -1) abort();
    n_records = count_records();
}

static bool is_ours(const char *path)
{
    return dir && strncmp(path, dir, dir_n) == 0 && (path[dir_n] == '/' || path[dir_n] == 0);
}

static bool is_ours_fd(int fd)
{
    return dir && fd >= 0 && fd < FDS && watched[fd];
}

static bool is_nth(const struct point *p, enum kind k, long n_kind, long n_any)
{
    long n;

    if (p->n < 0 || (p->kind != k && p->kind != K_ANY)) return false;
    n = p->kind == K_ANY ? n_any : n_kind;
    return p->count > 0 ? n >= p->n && n < p->n + p->count : n == p->n;
}

/* An operation under way. */
struct op {
    enum kind kind;
    uint64_t began;
    bool kill_after;
    int error; /* it is to fail with this */
};

static struct op op_begin(enum kind k)
{
    struct op o = { .kind = k };
    long n_kind = k == K_CLOSE ? -2 : ++seen[k], n_any = k == K_CLOSE ? -2 : ++seen[K_ANY];
    bool now = is_nth(&kill_at, k, n_kind, n_any);

    if (now && !kill_at.after) kill(getpid(), SIGKILL);
    o.kill_after = now;
    if (is_nth(&fail_at, k, n_kind, n_any)) o.error = fail_at.error;
    o.began = n_records;
    return o;
}

static void op_end(const struct op *o, int fd, int flags, int64_t at, int error, const struct iovec *v, int n,
                   size_t bytes)
{
    struct record r = { .bytes = (uint32_t)bytes, .kind = (uint16_t)o->kind, .error = (uint16_t)error, .fd = fd,
                        .flags = flags, .at = at, .began = o->began };
    struct iovec all[PIECES + 1] = { { &r, sizeof r } };
    int saved = errno, m = 1;
    struct timespec t;

    for (int i = 0; i < n && bytes > 0; i++) {
        all[m] = v[i];
        if (all[m].iov_len > bytes) all[m].iov_len = bytes;
        bytes -= all[m++].iov_len;
    }
    if (trace != -1) {
        pthread_mutex_lock(&lock);
        clock_gettime(CLOCK_MONOTONIC, &t);
        r.mono_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
        n_records++;
        if (REAL(writev)(trace, all, m) < 0) abort();
        pthread_mutex_unlock(&lock);
    }
    if (o->kill_after) kill(getpid(), SIGKILL);
    errno = saved;
}

static void op_end_paths(const struct op *o, int fd, int flags, int error, const char *a, const char *b)
{
    struct iovec v[2] = { { (void *)(uintptr_t)a, strlen(a) + 1 }, { (void *)(uintptr_t)b, b ? strlen(b) + 1 : 0 } };

    op_end(o, fd, flags, 0, error, v, b ? 2 : 1, v[0].iov_len + v[1].iov_len);
}

static int failed(const struct op *o)
{
    errno = o->error;
    return -1;
}

/* --- files ------------------------------------------------------------------------------------------ */

static int do_open(const char *path, int flags, mode_t mode)
{
    bool changes = flags & (O_CREAT | O_TRUNC);
    struct op o;
    int fd;

    if (!is_ours(path)) return REAL(open)(path, flags, mode);
    o = changes ? op_begin(K_OPEN) : (struct op){ .kind = K_OPEN };
    fd = o.error ? failed(&o) : REAL(open)(path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        watched[fd] = true;
        op_end_paths(&o, fd, flags, 0, path, NULL);
    } else if (fd >= FDS) {
        abort();
    }
    return fd;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if (flags & O_CREAT) mode = (mode_t)va_arg(ap, int);
    va_end(ap);
    return do_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if (flags & O_CREAT) mode = (mode_t)va_arg(ap, int);
    va_end(ap);
    return do_open(path, flags, mode);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return do_open(path, flags, 0);
}

int close(int fd)
{
    struct op o;

    if (!is_ours_fd(fd)) return REAL(close)(fd);
    /* Before it happens: another thread may be given the same number at once. */
    o = op_begin(K_CLOSE);
    watched[fd] = false;
    op_end(&o, fd, 0, 0, 0, NULL, 0, 0);
    return REAL(close)(fd);
}

/* Where the bytes went is asked afterwards: that is right for O_APPEND too. */
static ssize_t wrote(const struct op *o, int fd, int64_t at, const struct iovec *v, int n, ssize_t r)
{
    if (r >= 0 && at < 0) at = lseek(fd, 0, SEEK_CUR) - r;
    if (r > 0) op_end(o, fd, 0, at, 0, v, n, (size_t)r);
    else if (o->kill_after) kill(getpid(), SIGKILL);
    return r;
}

ssize_t write(int fd, const void *p, size_t n)
{
    struct iovec v = { (void *)(uintptr_t)p, n };
    struct op o;

    if (!is_ours_fd(fd)) return REAL(write)(fd, p, n);
    o = op_begin(K_WRITE);
    return wrote(&o, fd, -1, &v, 1, o.error ? failed(&o) : REAL(write)(fd, p, n));
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    struct op o;

    if (!is_ours_fd(fd)) return REAL(writev)(fd, v, n);
    if (n > PIECES) n = PIECES; /* a short write, which is legal */
    o = op_begin(K_WRITE);
    return wrote(&o, fd, -1, v, n, o.error ? failed(&o) : REAL(writev)(fd, v, n));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    struct iovec v = { (void *)(uintptr_t)p, n };
    struct op o;

    if (!is_ours_fd(fd)) return REAL(pwrite)(fd, p, n, at);
    o = op_begin(K_WRITE);
    return wrote(&o, fd, at, &v, 1, o.error ? failed(&o) : REAL(pwrite)(fd, p, n, at));
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return pwrite(fd, p, n, at);
}

int ftruncate(int fd, off_t n)
{
    struct op o;
    int r;

    if (!is_ours_fd(fd)) return REAL(ftruncate)(fd, n);
    o = op_begin(K_TRUNCATE);
    r = o.error ? failed(&o) : REAL(ftruncate)(fd, n);
    op_end(&o, fd, 0, n, r ? errno : 0, NULL, 0, 0);
    return r;
}

int ftruncate64(int fd, off_t n)
{
    return ftruncate(fd, n);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    struct op o;
    int r;

    if (!is_ours_fd(fd)) return REAL(fallocate)(fd, mode, at, n);
    o = op_begin(K_ALLOCATE);
    r = o.error ? failed(&o) : REAL(fallocate)(fd, mode, at, n);
    op_end(&o, fd, mode, at + n, r ? errno : 0, NULL, 0, 0);
    return r;
}

/* A sync that is made to fail still has the trace say so: the pages that it should have written are gone. */
static int do_sync(int fd, int (*sync)(int))
{
    struct op o = op_begin(K_SYNC);
    struct timespec t = { sync_ms / 1000, sync_ms % 1000 * 1000000 };
    int r;

    if (sync_ms && (!slow_file || access(slow_file, F_OK) == 0))
        while (nanosleep(&t, &t) != 0) {}
    r = o.error ? failed(&o) : sync(fd);
    op_end(&o, fd, 0, 0, r ? errno : 0, NULL, 0, 0);
    return r;
}

int fdatasync(int fd)
{
    return is_ours_fd(fd) ? do_sync(fd, REAL(fdatasync)) : REAL(fdatasync)(fd);
}

int fsync(int fd)
{
    return is_ours_fd(fd) ? do_sync(fd, REAL(fsync)) : REAL(fsync)(fd);
}

/* --- names ------------------------------------------------------------------------------------------- */

int rename(const char *from, const char *to)
{
    struct op o;
    int r;

    if (!is_ours(from)) return REAL(rename)(from, to);
    o = op_begin(K_RENAME);
    r = o.error ? failed(&o) : REAL(rename)(from, to);
    op_end_paths(&o, -1, 0, r ? errno : 0, from, to);
    return r;
}

int link(const char *from, const char *to)
{
    struct op o;
    int r;

    if (!is_ours(from)) return REAL(link)(from, to);
    o = op_begin(K_LINK);
    r = o.error ? failed(&o) : REAL(link)(from, to);
    op_end_paths(&o, -1, 0, r ? errno : 0, from, to);
    return r;
}

int unlink(const char *path)
{
    struct op o;
    int r;

    if (!is_ours(path)) return REAL(unlink)(path);
    o = op_begin(K_UNLINK);
    r = o.error ? failed(&o) : REAL(unlink)(path);
    op_end_paths(&o, -1, 0, r ? errno : 0, path, NULL);
    return r;
}

int mkdir(const char *path, mode_t mode)
{
    struct op o;
    int r;

    if (!is_ours(path)) return REAL(mkdir)(path, mode);
    o = op_begin(K_MKDIR);
    r = o.error ? failed(&o) : REAL(mkdir)(path, mode);
    op_end_paths(&o, -1, 0, r ? errno : 0, path, NULL);
    return r;
}
