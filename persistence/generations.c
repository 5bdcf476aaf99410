/* generations.c -- see generations.h. */
#include "persistence/generations.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "persistence/file_ops.h"

static const char suffix[] = ".previous";
static const char temporary[] = "temp-generation.rdb";

bool generations_previous(const char *path, char *out)
{
    if (snprintf(out, PATH_MAX, "%s%s", path, suffix) < PATH_MAX) return true;
    errno = ENAMETOOLONG;
    return false;
}

bool generations_is_temporary(const char *name)
{
    return strcmp(name, temporary) == 0;
}

/* There are file systems on which a file has one name. */
static bool knows_no_links(int error)
{
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
}

/* A second name for `path`, which takes the place of the previous generation in one step. */
static bool keep_old(const struct file_ops *ops, struct log *log, const char *dir, const char *path)
{
    char second[PATH_MAX], previous[PATH_MAX];

    if (!generations_previous(path, previous)) return false;
    if (snprintf(second, sizeof second, "%s/%s", dir, temporary) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (ops->unlink(ops->ctx, second) != 0 && errno != ENOENT) return false;
    if (ops->link(ops->ctx, path, second) != 0) {
        if (!knows_no_links(errno)) return false;
        log_warning(log, "%s is not kept as %s: %s", path, previous, strerror(errno));
        return true;
    }
    if (ops->rename(ops->ctx, second, previous) != 0) {
        int saved = errno;

        ops->unlink(ops->ctx, second);
        errno = saved;
        return false;
    }
    /* When both were names of the same file already, rename has done nothing, and said that all is well. */
    if (ops->unlink(ops->ctx, second) != 0 && errno != ENOENT) return false;
    return ops->sync_dir(ops->ctx, dir) == 0;
}

static void drop_previous(const struct file_ops *ops, struct log *log, const char *path)
{
    char previous[PATH_MAX];

    if (!generations_previous(path, previous)) return;
    if (ops->unlink(ops->ctx, previous) != 0 && errno != ENOENT)
        log_warning(log, "%s could not be deleted: %s", previous, strerror(errno));
}

bool generations_replace(const struct file_ops *ops, struct log *log, const char *dir, const char *tmp,
                         const char *path, int keep)
{
    int there = keep > 1 ? ops->exists(ops->ctx, path) : 0;

    if (there == -1 || (there == 1 && !keep_old(ops, log, dir, path))) return false;
    if (ops->rename(ops->ctx, tmp, path) != 0 || ops->sync_dir(ops->ctx, dir) != 0) return false;
    if (keep <= 1) drop_previous(ops, log, path);
    return true;
}
