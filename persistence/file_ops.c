/* file_ops.c -- the system's own file operations. */
#include "persistence/file_ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/planted.h"

/* What is to be made must not be made elsewhere, where somebody has put a link in its place. What is there already
 * (dump.rdb) may be a link. */
static int sys_open(void *ctx, const char *path, int flags)
{
    int fd;

    (void)ctx;
    if (flags & O_CREAT) flags |= O_NOFOLLOW;
    do {
        fd = open(path, flags | O_CLOEXEC, 0644);
    } while (fd == -1 && errno == EINTR);
    return fd;
}

static int sys_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd);
}

static ssize_t sys_read(void *ctx, int fd, void *p, size_t n)
{
    (void)ctx;
    return read(fd, p, n);
}

static ssize_t sys_writev(void *ctx, int fd, const struct iovec *v, int n)
{
    (void)ctx;
    return writev(fd, v, n);
}

static int sys_sync(void *ctx, int fd)
{
    int r;

    (void)ctx;
    do {
        r = fdatasync(fd);
    } while (r == -1 && errno == EINTR);
    return PLANTED(BUG_IGNORED_SYNC_ERROR) ? 0 : r;
}

static int sys_truncate(void *ctx, int fd, int64_t n)
{
    (void)ctx;
    return ftruncate(fd, n);
}

static int64_t sys_size(void *ctx, int fd)
{
    struct stat st;

    (void)ctx;
    return fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
}

static int sys_seek(void *ctx, int fd, int64_t at)
{
    (void)ctx;
    return lseek(fd, at, SEEK_SET) == at ? 0 : -1;
}

/* A file system that knows no such thing is none to hold back for it: what was asked may fail later. */
static int sys_allocate(void *ctx, int fd, int64_t n)
{
    (void)ctx;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, n) == 0 || errno == EOPNOTSUPP) return 0;
    return -1;
}

/* Advice: the pages of another process that has the file mapped stay. */
static void sys_uncache(void *ctx, int fd, int64_t from)
{
    (void)ctx;
    (void)posix_fadvise(fd, from, 0, POSIX_FADV_DONTNEED);
}

static int sys_link(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return link(from, to);
}

static int sys_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return rename(from, to);
}

static int sys_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path);
}

static int sys_make_dir(void *ctx, const char *path)
{
    struct stat st;

    (void)ctx;
    if (mkdir(path, 0755) == 0) return 0;
    if (errno != EEXIST || stat(path, &st) != 0) return -1;
    if (S_ISDIR(st.st_mode)) return 0;
    errno = ENOTDIR;
    return -1;
}

static int sys_sync_dir(void *ctx, const char *path)
{
    int fd = sys_open(ctx, path, O_RDONLY | O_DIRECTORY), r, saved;

    if (fd == -1) return -1;
    r = PLANTED(BUG_NO_DIRECTORY_SYNC) ? 0 : fsync(fd);
    saved = errno;
    if (r == -1 && saved == EINVAL) r = 0; /* a file system that knows no such thing */
    close(fd);
    errno = saved;
    return r;
}

static int sys_exists(void *ctx, const char *path)
{
    struct stat st;

    (void)ctx;
    if (stat(path, &st) == 0) return 1;
    return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

static int sys_list(void *ctx, const char *path, void (*fn)(void *arg, const char *name), void *arg)
{
    DIR *d = opendir(path);
    struct dirent *e;

    (void)ctx;
    if (!d) return -1;
    while ((e = readdir(d)) != NULL) fn(arg, e->d_name);
    closedir(d);
    return 0;
}

const struct file_ops file_ops_system = {
    .open = sys_open,
    .close = sys_close,
    .read = sys_read,
    .writev = sys_writev,
    .sync = sys_sync,
    .truncate = sys_truncate,
    .size = sys_size,
    .seek = sys_seek,
    .uncache = sys_uncache,
    .allocate = sys_allocate,
    .rename = sys_rename,
    .link = sys_link,
    .unlink = sys_unlink,
    .make_dir = sys_make_dir,
    .sync_dir = sys_sync_dir,
    .exists = sys_exists,
    .list = sys_list,
};

void file_uncache(const struct file_ops *ops, int fd, int64_t from)
{
    if (ops->uncache) ops->uncache(ops->ctx, fd, from);
}

int file_write_all(const struct file_ops *ops, int fd, const void *p, size_t n, size_t *done)
{
    size_t at = 0;
    int result = 0;

    while (at < n) {
        struct iovec v = { (char *)(uintptr_t)p + at, n - at };
        ssize_t w = ops->writev(ops->ctx, fd, &v, 1);

        if (w > 0) {
            at += (size_t)w;
        } else if (w == 0) {
            errno = ENOSPC; /* a write that takes nothing will never take anything */
            result = -1;
            break;
        } else if (errno != EINTR) {
            result = -1;
            break;
        }
    }
    if (done) *done = at;
    return result;
}
