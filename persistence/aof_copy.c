/* aof_copy.c -- batches with new checksums. */
#include "persistence/aof_copy.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/mem.h"
#include "persistence/aof_impl.h"
#include "persistence/file_ops.h"
#include "persistence/originals.h"
#include "persistence/source.h"

enum { FLUSH_BYTES = 1 << 20, WHY = 512, RDB_HEAD = 1024 };

/* What is on its way to the new file. */
struct outlet {
    const struct file_ops *ops;
    int fd;
    struct buf wait;
};

static int flush(struct outlet *o)
{
    int r = file_write_all(o->ops, o->fd, o->wait.p, o->wait.n, NULL);

    buf_clear(&o->wait);
    return r;
}

static int put(struct outlet *o, const void *p, uint64_t n)
{
    buf_add(&o->wait, p, n);
    return o->wait.n >= FLUSH_BYTES ? flush(o) : 0;
}

/* Flush, sync and close; r is how it went so far. */
static int finish(struct outlet *o, int r)
{
    int saved;

    if (r == 0) r = flush(o);
    if (r == 0) r = o->ops->sync(o->ops->ctx, o->fd);
    saved = errno;
    if (o->ops->close(o->ops->ctx, o->fd) != 0 && r == 0) {
        r = -1;
        saved = errno;
    }
    buf_fini(&o->wait);
    errno = saved;
    return r;
}

static int not_the_same(void)
{
    errno = EILSEQ;
    return -1;
}

/* --- increments ---------------------------------------------------------------------------------------------- */

static int copy_batch(struct outlet *o, struct look *l, const char *id)
{
    char line[MARK_MAX];
    struct aof_extent x;
    struct mark_batch b;

    if (aof_measure(l, UINT64_MAX, &x) != ITEM_MARK) return not_the_same();
    if (!mark_get_batch(str_of(l->in->p + x.bytes, x.mark_n), &b) || b.bytes != x.bytes) return not_the_same();
    if (put(o, l->in->p, x.bytes) != 0) return -1;
    if (b.db < 0) b.db = 0; /* an early version's: what is whole needs it not */
    if (put(o, line, mark_put_batch(line, &b, crc32c(mark_seed(id, &b), l->in->p, x.bytes))) != 0) return -1;
    l->in->p += x.bytes + x.mark_n;
    return 0;
}

static int copy_batches(struct outlet *o, struct source *s, uint64_t n, const char *id)
{
    char line[MARK_MAX];
    struct mark_head head;
    struct look l;
    uint64_t line_n;
    int r = 0;

    look_start(&l, &s->in);
    if (look_at(&l, 0, &line_n) != ITEM_MARK || !mark_get_head(str_of(s->in.p, line_n), &head)) {
        r = not_the_same();
    } else {
        memcpy(head.id, id, MARK_ID);
        r = put(o, line, mark_put_head(line, &head));
        s->in.p += line_n;
    }
    while (r == 0 && rdb_in_at(&s->in) < n) r = copy_batch(o, &l, id);
    look_end(&l);
    return r;
}

int aof_copy(const struct file_ops *ops, const char *from, const char *to, uint64_t n, const char *id)
{
    struct outlet o = { .ops = ops };
    struct source s;
    struct mark_head head;
    char why[WHY];
    int r;

    if (source_open(&s, ops, from, why) != OK) return -1;
    if (!aof_peek_head(&s.in, &head)) {
        source_close(&s);
        return file_copy(ops, from, to, n);
    }
    s.in.no_crc = true;
    o.fd = ops->open(ops->ctx, to, O_WRONLY | O_CREAT | O_EXCL);
    r = o.fd == -1 ? -1 : finish(&o, copy_batches(&o, &s, n, id));
    source_close(&s);
    return r;
}

/* --- bases ------------------------------------------------------------------------------------------------------ */

/* Where in the first bytes of the file the id is: behind its name and its length. */
static uint64_t find_id(struct source *s, const char *was)
{
    static const char name[] = "\x07repl-id\x28";
    uint64_t n = s->size < RDB_HEAD ? s->size : RDB_HEAD;
    const char *hit;

    if (!was[0] || !rdb_in_reach(&s->in, n)) return 0;
    hit = memmem(s->in.p, n, name, sizeof name - 1);
    if (!hit || (const char *)s->in.p + n - hit < (int)sizeof name - 1 + MARK_ID) return 0;
    hit += sizeof name - 1;
    return memcmp(hit, was, MARK_ID) == 0 ? (uint64_t)(hit - (const char *)s->in.p) : 0;
}

static int copy_rdb_bytes(struct outlet *o, struct source *s, uint64_t id_at, const char *id)
{
    uint64_t left = s->size - sizeof(uint64_t), crc = 0, end;
    int r = 0;

    while (left > 0 && r == 0) {
        uint64_t n = left < FLUSH_BYTES ? left : FLUSH_BYTES, at = rdb_in_at(&s->in);

        if (!rdb_in_need(&s->in, n)) return not_the_same();
        r = put(o, s->in.p, at == 0 ? id_at : n);
        if (at == 0 && r == 0) r = put(o, id, MARK_ID);
        if (at == 0 && r == 0) r = put(o, s->in.p + id_at + MARK_ID, n - id_at - MARK_ID);
        if (at == 0) crc = crc64(crc64(0, s->in.p, id_at), id, MARK_ID);
        crc = at == 0 ? crc64(crc, s->in.p + id_at + MARK_ID, n - id_at - MARK_ID) : crc64(crc, s->in.p, n);
        s->in.p += n;
        left -= n;
    }
    if (r != 0 || !rdb_in_need(&s->in, sizeof end)) return r != 0 ? r : not_the_same();
    memcpy(&end, s->in.p, sizeof end);
    if (end != 0) end = htole64(crc); /* 0: it has none */
    return put(o, &end, sizeof end);
}

int rdb_copy(const struct file_ops *ops, const char *from, const char *to, const char *was, const char *id)
{
    struct outlet o = { .ops = ops };
    struct source s;
    uint64_t id_at;
    char why[WHY];
    int r;

    if (source_open(&s, ops, from, why) != OK) return -1;
    s.in.no_crc = true;
    id_at = s.size < RDB_HEAD / 8 ? 0 : find_id(&s, was);
    if (id_at == 0) {
        source_close(&s);
        return file_copy(ops, from, to, UINT64_MAX);
    }
    o.fd = ops->open(ops->ctx, to, O_WRONLY | O_CREAT | O_EXCL);
    r = o.fd == -1 ? -1 : finish(&o, copy_rdb_bytes(&o, &s, id_at, id));
    source_close(&s);
    return r;
}
