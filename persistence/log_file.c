/* log_file.c -- batches and their marks to a file. */
#include "persistence/log_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>

#include "base/crc.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/file_ops.h"

enum { PIECES = 64, TEXT_MAX = 64 };

struct log_file *log_file_new(int fd, uint64_t seq, uint64_t start)
{
    struct log_file *f = mem_zalloc(sizeof *f);

    f->fd = fd;
    f->seq = seq;
    f->start = start;
    f->select_db = -1;
    return f;
}

/* Pieces on their way to one writev. */
struct gather {
    const struct file_ops *ops;
    int fd;
    struct iovec v[PIECES];
    int n;
    uint64_t bytes;  /* gathered since the batch began */
    uint32_t crc;    /* of them */
};

/* Write what was gathered, going on after short writes. */
static int flush(struct gather *g)
{
    struct iovec *v = g->v;
    int n = g->n;

    g->n = 0;
    while (n > 0) {
        ssize_t w = g->ops->writev(g->ops->ctx, g->fd, v, n);

        if (w == 0) {
            errno = ENOSPC;
            return -1;
        }
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return -1;
        for (; n > 0 && (size_t)w >= v->iov_len; v++, n--) w -= (ssize_t)v->iov_len;
        if (n > 0) {
            v->iov_base = (char *)v->iov_base + w;
            v->iov_len -= (size_t)w;
        }
    }
    return 0;
}

static int put(struct gather *g, struct str s)
{
    if (g->n == PIECES && flush(g) != 0) return -1;
    g->v[g->n++] = (struct iovec){ (void *)(uintptr_t)s.p, s.n };
    return 0;
}

/* Bytes that belong to the batch. */
static int put_body(struct gather *g, struct str s)
{
    if (s.n == 0) return 0;
    g->crc = crc32c(g->crc, s.p, s.n);
    g->bytes += s.n;
    return put(g, s);
}

static struct str select_text(char *out, int db)
{
    char digits[NUM_TEXT_MAX];
    size_t n = num_i64(digits, db);
    int all = snprintf(out, TEXT_MAX, "*2\r\n$6\r\nSELECT\r\n$%zu\r\n%.*s\r\n", n, (int)n, digits);

    return str_of(out, (size_t)all);
}

int log_file_write(struct log_file *f, const struct file_ops *ops, const struct log_batch *b)
{
    struct gather g = { .ops = ops, .fd = f->fd };
    char head[MARK_MAX], mark[MARK_MAX], stamp[TEXT_MAX], select[TEXT_MAX];
    struct chain_at at = b->from;
    struct str sel = str_of(NULL, 0), s;
    size_t head_n = 0, mark_n, stamp_n = 0;
    struct mark_batch m = { .seq = f->batches + 1, .durable = b->durable, .db = b->db };
    int r = 0;

    g.crc = mark_seed(b->id, &m);
    if (f->pos == 0) {
        struct mark_head h = { .start = f->start };

        if (f->select_db >= 0) sel = select_text(select, f->select_db);
        h.skip = sel.n;
        memcpy(h.id, b->id, MARK_ID + 1);
        head_n = mark_put_head(head, &h);
        r = put(&g, str_of(head, head_n));
    }
    if (r == 0) r = put_body(&g, sel);
    if (b->stamp_s > 0 && b->stamp_s != f->stamp_s)
        stamp_n = (size_t)snprintf(stamp, sizeof stamp, "#TS:%lld\r\n", (long long)b->stamp_s);
    if (r == 0) r = put_body(&g, str_of(stamp, stamp_n));
    while (r == 0 && (s = chain_next(&at, b->to)).n) r = put_body(&g, s);
    if (r != 0) return -1;
    m.bytes = g.bytes;
    mark_n = mark_put_batch(mark, &m, g.crc);
    r = put(&g, str_of(mark, mark_n));
    if (r == 0) r = flush(&g);
    if (r != 0) return -1;
    f->batches++;
    f->pos += head_n + g.bytes + mark_n;
    if (stamp_n) f->stamp_s = b->stamp_s;
    return 0;
}
