/* aof_sweep.c -- what others have left in the AOF's directory: made certain, deleted, or kept clear of. */
#include "persistence/aof_set_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "persistence/file_ops.h"

/* "<filename>.<seq>.incr.aof" or "<filename>.<seq>.base.rdb": 'i' or 'b', else 0. */
static char numbered(const struct aof_set *s, const char *name, uint64_t *seq)
{
    size_t n = strlen(s->filename), digits;

    if (strncmp(name, s->filename, n) != 0 || name[n] != '.') return 0;
    name += n + 1;
    digits = strspn(name, "0123456789");
    if (!num_parse_u64(str_of(name, digits), seq)) return 0;
    name += digits;
    return strcmp(name, ".incr.aof") == 0 ? 'i' : strcmp(name, ".base.rdb") == 0 ? 'b' : 0;
}

/* Never counted: a temporary of ours, or a number above all that the manifest ever gave. */
static bool is_left_over(const struct aof_set *s, const char *name)
{
    uint64_t seq;
    char type = numbered(s, name, &seq);

    if (strncmp(name, "temp-", 5) == 0) return strncmp(name + 5, s->filename, strlen(s->filename)) == 0;
    return (type == 'i' && seq > s->m.incr_seq) || (type == 'b' && seq > s->m.base_seq);
}

static void sweep_one(void *arg, const char *name)
{
    struct aof_set *s = arg;

    if (!is_left_over(s, name)) return;
    log_notice(s->log, "Deleting %s/%s, which was never completed", s->dir, name);
    aof_set_unlink(s, name);
}

void aof_set_sweep(struct aof_set *s, bool keep)
{
    aof_set_clean(s, keep);
    if (s->ops->list(s->ops->ctx, s->dir, sweep_one, s) != 0)
        log_warning(s->log, "%s: %s", s->dir, strerror(errno));
}

static void pass_one(void *arg, const char *name)
{
    uint64_t seq;
    char type = numbered(arg, name, &seq);

    if (type && seq < UINT64_MAX / 2) aof_set_pass(arg, type == 'i' ? seq : 0, type == 'b' ? seq : 0);
}

bool aof_set_pass_names(struct aof_set *s)
{
    int there = s->ops->exists(s->ops->ctx, s->dir);

    return there == 0 || (there == 1 && s->ops->list(s->ops->ctx, s->dir, pass_one, s) == 0);
}

bool aof_set_settle(struct aof_set *s)
{
    const struct file_ops *ops = s->ops;
    bool ok = ops->sync_dir(ops->ctx, s->parent) == 0 && ops->sync_dir(ops->ctx, s->dir) == 0;

    for (size_t i = 0; ok && i < s->m.n; i++) {
        char path[PATH_MAX];
        int fd, saved;

        aof_set_path(s, s->m.files[i].name, path);
        fd = ops->open(ops->ctx, path, O_RDONLY);
        if (fd == -1 && errno == ENOENT) continue; /* whoever reads it will tell */
        if (fd == -1) return false;
        ok = ops->sync(ops->ctx, fd) == 0;
        saved = errno;
        ops->close(ops->ctx, fd);
        errno = saved;
    }
    return ok;
}
