/* source.c -- files to be read. */
#include "persistence/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "persistence/file_ops.h"
#include "persistence/why.h"

enum err source_open(struct source *s, const struct file_ops *ops, const char *path, char *why)
{
    int64_t size;

    s->ops = ops;
    snprintf(s->path, sizeof s->path, "%s", path);
    s->fd = ops->open(ops->ctx, path, O_RDONLY);
    if (s->fd == -1) return why_put(why, errno == ENOENT ? ERR_FORMAT : ERR_IO, "%s: %s", path, strerror(errno));
    size = ops->size(ops->ctx, s->fd);
    if (size < 0) {
        enum err e = why_put(why, ERR_IO, "%s: %s", path, strerror(errno));

        ops->close(ops->ctx, s->fd);
        return e;
    }
    s->size = (uint64_t)size;
    rdb_in_file(&s->in, ops, s->fd, s->size);
    return OK;
}

enum err source_error(const struct source *s, char *why)
{
    return why_put(why, ERR_IO, "%s: offset %llu: %s", s->path, (unsigned long long)s->in.bad_at, s->in.why);
}

void source_close(struct source *s)
{
    rdb_in_fini(&s->in);
    s->ops->close(s->ops->ctx, s->fd);
}

bool source_is_rdb(struct source *s)
{
    return rdb_in_reach(&s->in, 5) && memcmp(s->in.p, "REDIS", 5) == 0;
}
