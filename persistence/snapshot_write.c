/* snapshot_write.c -- the worker's side of a snapshot: blocks to a file. */
#include "persistence/snapshot_impl.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/mem.h"
#include "persistence/file_ops.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_verify.h"

enum {
    SYNC_EVERY = 32 << 20, /* so that the last sync is short, and the disk is not swamped */
    SPARE_MAX = 8,
    SPARE_BYTES_MAX = 4 * SNAPSHOT_BLOCK_BYTES
};

void snapshot_free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;

        rdb_out_fini(&b->out);
        mem_free(b);
        b = next;
    }
}

/* The file in the making. */
struct sink {
    struct snapshot *s;
    int fd;
    uint64_t crc, unsynced;
    uint64_t written_crc; /* what stands at the end of the file */
    uint64_t crc_fields; /* as crc, were the header that of RDB_VERSION_FIELDS */
    bool has_field_ttls;
    struct buf bytes, scratch;
};

static void fields_header(char out[RDB_HEADER_BYTES + 1])
{
    snprintf(out, RDB_HEADER_BYTES + 1, "REDIS%04d", RDB_VERSION_FIELDS);
}

/* Which version the file needs is known at its end alone. The checksum for the newer header runs
 * along where fields with TTLs have been seen at all. */
static void add_to_crc(struct sink *k)
{
    char header[RDB_HEADER_BYTES + 1];
    size_t skip = 0;

    if (k->s->maybe_fields) {
        if (atomic_load(&k->s->bytes) == 0) {
            fields_header(header);
            skip = RDB_HEADER_BYTES;
            k->crc_fields = crc64(0, header, skip);
        }
        k->crc_fields = crc64(k->crc_fields, k->bytes.p + skip, k->bytes.n - skip);
    }
    k->crc = crc64(k->crc, k->bytes.p, k->bytes.n);
}

static bool fail(struct snapshot *s, const char *what)
{
    int saved = errno;

    snprintf(s->error, sizeof s->error, "%s %s: %s", what, s->tmp_path, strerror(saved));
    atomic_store(&s->failed, true);
    return false;
}

static bool put_bytes(struct sink *k)
{
    struct snapshot *s = k->s;
    const struct file_ops *ops = s->conf.ops;

    if (s->conf.checksum) add_to_crc(k);
    if (file_write_all(ops, k->fd, k->bytes.p, k->bytes.n, NULL) != 0) return fail(s, "writing");
    atomic_fetch_add(&s->bytes, k->bytes.n);
    k->unsynced += k->bytes.n;
    buf_clear(&k->bytes);
    if (k->unsynced < SYNC_EVERY) return true;
    k->unsynced = 0;
    return ops->sync(ops->ctx, k->fd) == 0 || fail(s, "syncing");
}

/* The next block, waiting for it; NULL at the end (*complete) or when cancelled. */
static struct block *next_block(struct snapshot *s, bool *complete)
{
    struct block *b;

    pthread_mutex_lock(&s->lock);
    while (!s->first && !s->complete && !s->cancelled) pthread_cond_wait(&s->more, &s->lock);
    b = s->cancelled ? NULL : s->first;
    if (b) {
        s->first = b->next;
        if (!s->first) s->end = &s->first;
    }
    *complete = !s->cancelled;
    pthread_mutex_unlock(&s->lock);
    return b;
}

static void block_done(struct snapshot *s, struct block *b)
{
    size_t n = b->out.bytes.n, was = atomic_fetch_sub(&s->queued, n);
    bool keep = b->out.bytes.cap <= SPARE_BYTES_MAX;

    if (keep) rdb_out_clear(&b->out);
    pthread_mutex_lock(&s->lock);
    if (keep && s->n_spare < SPARE_MAX) {
        b->next = s->spare;
        s->spare = b;
        s->n_spare++;
        b = NULL;
    }
    pthread_cond_signal(&s->less);
    pthread_mutex_unlock(&s->lock);
    if (b) {
        b->next = NULL;
        snapshot_free_blocks(b);
    }
    if (was >= s->conf.buffer && was - n < s->conf.buffer && s->conf.wake) s->conf.wake(s->conf.ctx);
}

static bool write_blocks(struct sink *k)
{
    struct snapshot *s = k->s;
    struct block *b;
    bool complete, ok = true;

    while ((b = next_block(s, &complete)) != NULL) {
        rdb_finish(&b->out, &k->bytes, &k->scratch);
        k->has_field_ttls |= b->out.has_field_ttls;
        block_done(s, b);
        ok = ok && put_bytes(k);
    }
    return ok && complete;
}

/* Put the newer version over the header's. */
static bool write_version(struct sink *k)
{
    const struct file_ops *ops = k->s->conf.ops;
    char header[RDB_HEADER_BYTES + 1];
    int fd = ops->open(ops->ctx, k->s->tmp_path, O_WRONLY);
    bool ok = fd != -1;

    fields_header(header);
    ok = ok && file_write_all(ops, fd, header, RDB_HEADER_BYTES, NULL) == 0;
    ok = ok && ops->sync(ops->ctx, fd) == 0;
    if (fd != -1 && ops->close(ops->ctx, fd) != 0) ok = false;
    return ok || fail(k->s, "writing");
}

static bool write_end(struct sink *k)
{
    const struct file_ops *ops = k->s->conf.ops;
    uint64_t crc;

    k->written_crc = k->has_field_ttls ? k->crc_fields : k->crc;
    crc = htole64(k->written_crc);
    buf_add(&k->bytes, &crc, sizeof crc);
    k->s->conf.checksum = false; /* it does not cover itself */
    if (!put_bytes(k)) return false;
    if (k->has_field_ttls && !write_version(k)) return false;
    return ops->sync(ops->ctx, k->fd) == 0 || fail(k->s, "syncing");
}

static bool not_cancelled(void *ctx)
{
    struct snapshot *s = ctx;
    bool cancelled;

    pthread_mutex_lock(&s->lock);
    cancelled = s->cancelled;
    pthread_mutex_unlock(&s->lock);
    return !cancelled;
}

static bool verify(struct sink *k)
{
    struct snapshot *s = k->s;
    struct rdb_verify v = { .ops = s->conf.ops, .path = s->tmp_path, .bytes = atomic_load(&s->bytes),
                            .crc = k->written_crc, .go_on = not_cancelled, .ctx = s };

    if (!s->conf.verify || rdb_verify(&v, s->error, sizeof s->error) == OK) return true;
    atomic_store(&s->failed, true);
    return false;
}

void snapshot_write_file(void *arg)
{
    struct snapshot *s = arg;
    const struct file_ops *ops = s->conf.ops;
    struct sink k = { .s = s, .fd = ops->open(ops->ctx, s->tmp_path, O_WRONLY | O_CREAT | O_TRUNC) };
    void (*wake)(void *ctx) = s->conf.wake;
    void *ctx = s->conf.ctx;
    bool ok = k.fd != -1 || fail(s, "creating");

    ok = ok && write_blocks(&k) && write_end(&k);
    if (k.fd != -1 && ops->close(ops->ctx, k.fd) != 0 && ok) ok = fail(s, "closing");
    ok = ok && verify(&k);
    if (ok && !s->conf.publish(s->conf.arg)) ok = fail(s, "putting in place");
    if (!ok && k.fd != -1) ops->unlink(ops->ctx, s->tmp_path);
    buf_fini(&k.bytes);
    buf_fini(&k.scratch);
    pthread_mutex_lock(&s->lock);
    s->ok = ok;
    s->finished = true;
    pthread_cond_signal(&s->less);
    pthread_mutex_unlock(&s->lock);
    if (wake) wake(ctx);
}
