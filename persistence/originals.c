/* originals.c -- keeping files before a repair. */
#include "persistence/originals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "persistence/file_ops.h"
#include "persistence/why.h"

enum { COPY_BYTES = 1 << 20, TRIES = 1000 };

static int copy_open(const struct file_ops *ops, int in, int out, uint64_t n)
{
    char *buf = mem_alloc(COPY_BYTES);
    int result = 0;

    while (n > 0 && result == 0) {
        ssize_t r = ops->read(ops->ctx, in, buf, n < COPY_BYTES ? (size_t)n : COPY_BYTES);

        if (r == 0) break;
        if (r == -1 && errno == EINTR) continue;
        if (r == -1) {
            result = -1;
            break;
        }
        result = file_write_all(ops, out, buf, (size_t)r, NULL);
        n -= (uint64_t)r;
    }
    mem_free(buf);
    return result == 0 ? ops->sync(ops->ctx, out) : -1;
}

int file_copy(const struct file_ops *ops, const char *from, const char *to, uint64_t n)
{
    int in = ops->open(ops->ctx, from, O_RDONLY), out, r, saved;

    if (in == -1) return -1;
    out = ops->open(ops->ctx, to, O_WRONLY | O_CREAT | O_EXCL);
    r = out == -1 ? -1 : copy_open(ops, in, out, n);
    saved = errno;
    if (out != -1 && ops->close(ops->ctx, out) != 0 && r == 0) {
        r = -1;
        saved = errno;
    }
    ops->close(ops->ctx, in);
    errno = saved;
    return r;
}

/* --- one directory ------------------------------------------------------------------------------------------ */

struct keeping {
    const struct file_ops *ops;
    const char *from, *to;
    enum err e;
    char *why;
};

static void ignore_name(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

/* The lock; and what is held back for a full disk, which a second name would keep from being freed. */
static bool is_no_data(const char *name)
{
    static const char reserve[] = ".reserve";
    size_t n = strlen(name), m = sizeof reserve - 1;

    return strcmp(name, "LOCK") == 0 || (n >= m && strcmp(name + n - m, reserve) == 0);
}

static void keep_one(void *arg, const char *name)
{
    struct keeping *k = arg;
    const struct file_ops *ops = k->ops;
    char from[PATH_MAX], to[PATH_MAX];

    if (k->e != OK || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_no_data(name)) return;
    if (snprintf(from, sizeof from, "%s/%s", k->from, name) >= (int)sizeof from) return;
    if (snprintf(to, sizeof to, "%s/%s", k->to, name) >= (int)sizeof to) return;
    if (ops->link(ops->ctx, from, to) == 0) return;
    if (ops->list(ops->ctx, from, ignore_name, NULL) == 0) return; /* a directory: ours is seen to by itself */
    if (file_copy(ops, from, to, UINT64_MAX) == 0) return;
    k->e = why_put(k->why, ERR_IO, "%s could not be kept as %s: %s", from, to, strerror(errno));
}

static enum err keep_dir(const struct file_ops *ops, const char *from, const char *to, char *why)
{
    struct keeping k = { .ops = ops, .from = from, .to = to, .why = why };

    if (ops->make_dir(ops->ctx, to) != 0) return why_put(why, ERR_IO, "%s: %s", to, strerror(errno));
    if (ops->list(ops->ctx, from, keep_one, &k) != 0) return why_put(why, ERR_IO, "%s: %s", from, strerror(errno));
    if (k.e == OK && ops->sync_dir(ops->ctx, to) != 0) return why_put(why, ERR_IO, "%s: %s", to, strerror(errno));
    return k.e;
}

/* --- both ------------------------------------------------------------------------------------------------------ */

/* A name that is free, and the directory made. */
static bool make_free(const struct file_ops *ops, const char *stem, const char *stamp, char *kept)
{
    for (int i = 1; i <= TRIES; i++) {
        int n = i == 1 ? snprintf(kept, PATH_MAX, "%soriginal-%s", stem, stamp)
                       : snprintf(kept, PATH_MAX, "%soriginal-%s-%d", stem, stamp, i);

        if (n >= PATH_MAX) errno = ENAMETOOLONG;
        if (n >= PATH_MAX) return false;
        if (ops->exists(ops->ctx, kept) == 0) return ops->make_dir(ops->ctx, kept) == 0;
    }
    errno = EEXIST;
    return false;
}

enum err originals_keep(const struct file_ops *ops, const char *dir, const char *appenddirname, int64_t wall_ms,
                        char *kept, char *why)
{
    char stem[PATH_MAX], stamp[32], from[PATH_MAX], to[PATH_MAX];
    time_t now = (time_t)(wall_ms / 1000);
    size_t n = strlen(dir);
    struct tm tm;
    bool beside;
    enum err e;

    if (n + NAME_MAX > sizeof stem) return why_put(why, ERR_IO, "%s: %s", dir, strerror(ENAMETOOLONG));
    while (n > 1 && dir[n - 1] == '/') n--;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    memcpy(stem, dir, n);
    stem[n] = 0;
    /* "." and ".." have no name to add to */
    beside = strcmp(stem, "/") != 0 && stem[n - 1] != '.';
    memcpy(stem + n, beside ? "." : "/", 2);
    if (!make_free(ops, stem, stamp, kept)) {
        memcpy(stem + n, "/", 2);
        if (!beside || !make_free(ops, stem, stamp, kept))
            return why_put(why, ERR_IO, "%s: %s", kept, strerror(errno));
    }
    e = keep_dir(ops, dir, kept, why);
    if (e != OK) return e;
    if (snprintf(from, sizeof from, "%s/%s", dir, appenddirname) >= (int)sizeof from ||
        snprintf(to, sizeof to, "%s/%s", kept, appenddirname) >= (int)sizeof to)
        return why_put(why, ERR_IO, "%s: %s", dir, strerror(ENAMETOOLONG));
    return ops->exists(ops->ctx, from) == 1 ? keep_dir(ops, from, to, why) : OK;
}
