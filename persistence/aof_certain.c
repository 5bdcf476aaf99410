/* aof_certain.c -- what was read of a log's end is written again, so that it is on the disk for certain. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/crc.h"
#include "base/log.h"
#include "base/mem.h"
#include "persistence/aof_load.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/log_reserve.h"
#include "persistence/log_tail.h"
#include "persistence/why.h"

enum { PART = 256 << 10 };

/* Up to there the log is on the disk, say the marks of all files. */
static uint64_t durable(const struct aof_load *l)
{
    uint64_t at = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->places[i].durable > at) at = l->places[i].durable;
    return at;
}

/* Read n bytes at `at` and write them there again. */
static int again(const struct file_ops *ops, int fd, uint64_t at, char *part, size_t n)
{
    size_t got = 0;

    if (ops->seek(ops->ctx, fd, (int64_t)at) != 0) return -1;
    while (got < n) {
        ssize_t r = ops->read(ops->ctx, fd, part + got, n - got);

        if (r == -1 && errno == EINTR) continue;
        if (r == 0) errno = EIO;
        if (r <= 0) return -1;
        got += (size_t)r;
    }
    if (ops->seek(ops->ctx, fd, (int64_t)at) != 0) return -1;
    return file_write_all(ops, fd, part, n, NULL);
}

static bool is_given_up(const struct aof_load *l)
{
    return l->given_up != NULL && atomic_load(l->given_up);
}

/* From batches on that are proven by what was read: if they are others now, the system has let go of them meanwhile, and
 * the disk does not have them (EIO). -1 without more: given up. */
static int write_again(const struct aof_load *l, const char *path, struct batch_place from, struct batch_place to)
{
    const struct file_ops *ops = l->ops;
    int fd = ops->open(ops->ctx, path, O_RDWR), r = 0, saved;
    uint32_t crc = from.crc;
    char *part;

    if (fd == -1) return -1;
    part = mem_alloc(PART);
    for (uint64_t at = from.pos, n; at < to.pos && r == 0; at += n) {
        n = to.pos - at < PART ? to.pos - at : PART;
        r = is_given_up(l) ? -1 : again(ops, fd, at, part, (size_t)n);
        if (r == 0) crc = crc32c(crc, part, (size_t)n);
    }
    if (r == 0 && crc != to.crc) {
        errno = EIO;
        r = -1;
    }
    if (r == 0) r = ops->sync(ops->ctx, fd);
    saved = errno;
    mem_free(part);
    ops->close(ops->ctx, fd);
    errno = saved;
    return r;
}

/* Is there more space now? */
static bool gives_reserve(const struct aof_load *l)
{
    char path[PATH_MAX];

    aof_set_reserve_path(l->set, path);
    return l->ops->unlink(l->ops->ctx, path) == 0;
}

/* 0, or what was the matter. */
static int make_certain(const struct aof_load *l, const char *path, struct batch_place from, struct batch_place to)
{
    int error = write_again(l, path, from, to) == 0 ? 0 : errno;

    if (is_given_up(l) || !log_reserve_is_for(error) || !gives_reserve(l)) return error;
    return write_again(l, path, from, to) == 0 ? 0 : errno;
}

enum err aof_load_make_certain(const struct aof_load *l, uint64_t *certain, char *why)
{
    uint64_t proven = durable(l);
    char path[PATH_MAX];

    *certain = UINT64_MAX;
    for (size_t i = 0; i < l->n; i++) {
        const struct batch_places *s = &l->places[i];
        /* With appendfsync no it may be much; what is old the system has written by itself. */
        struct batch_place from = batch_places_before(s, proven, LOG_TAIL_MOST);
        int error;

        aof_load_path(l, i, path);
        error = from.pos == s->end.pos ? 0 : make_certain(l, path, from, s->end);
        if (error == 0) continue;
        if (is_given_up(l)) return why_put(why, ERR_NOT_DONE, "Loading was stopped");
        if (!log_reserve_is_for(error))
            return why_put(why, ERR_IO, "%s: its end could not be made certain: %s", path, strerror(error));
        if (from.offset < *certain) *certain = from.offset;
        log_warning(l->log, "%s: its last %llu bytes could not be written again, the disk is full: they are not certain to be on the "
                    "disk before the AOF has been rewritten", path, (unsigned long long)(s->end.pos - from.pos));
    }
    return OK;
}
