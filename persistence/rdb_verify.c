/* rdb_verify.c -- reading a snapshot back. */
#include "persistence/rdb_verify.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/mem.h"
#include "persistence/file_ops.h"
#include "persistence/rdb_format.h"

enum {
    PIECE = 256 * 1024,
    TAIL = 1 + 8 /* RDB_OP_EOF, checksum */
};

/* The file being read: all but its last TAIL bytes go into the checksum as they come. */
struct back {
    const struct rdb_verify *v;
    int fd;
    unsigned char *piece;
    uint64_t at, crc;
    unsigned char tail[TAIL];
};

/* Those of p[0..n), which lie at b->at, that belong to the tail are kept. */
static void keep_tail(struct back *b, const unsigned char *p, size_t n)
{
    uint64_t from = b->v->bytes - TAIL;

    for (size_t i = from > b->at ? (size_t)(from - b->at) : 0; i < n; i++) b->tail[b->at + i - from] = p[i];
}

/* One read; *end when there is no more. */
static enum err read_piece(struct back *b, bool *end)
{
    const struct file_ops *ops = b->v->ops;
    uint64_t left = b->v->bytes - b->at, summed = b->v->bytes - sizeof(uint64_t);
    ssize_t r;

    do {
        r = ops->read(ops->ctx, b->fd, b->piece, left < PIECE ? (size_t)left : PIECE);
    } while (r == -1 && errno == EINTR);
    if (r == -1) return ERR_IO;
    *end = r == 0 || (uint64_t)r == left;
    if (b->v->crc && b->at < summed)
        b->crc = crc64(b->crc, b->piece, b->at + (uint64_t)r < summed ? (size_t)r : (size_t)(summed - b->at));
    if (b->at + (uint64_t)r > b->v->bytes - TAIL) keep_tail(b, b->piece, (size_t)r);
    b->at += (uint64_t)r;
    return OK;
}

/* NULL, or what is wrong with what was read. */
static const char *wrong(const struct back *b)
{
    uint64_t crc;

    if (b->at != b->v->bytes) return "the file is shorter than what was written";
    memcpy(&crc, b->tail + 1, sizeof crc);
    if (b->tail[0] != RDB_OP_EOF) return "the mark of its end is not there";
    if (le64toh(crc) != b->v->crc || b->crc != b->v->crc) return "its checksum is not that of what was written";
    return NULL;
}

static enum err read_back(struct back *b, char *why, size_t n)
{
    const struct rdb_verify *v = b->v;
    bool end = false;
    const char *reason;
    enum err e = OK;

    if (v->ops->size(v->ops->ctx, b->fd) != (int64_t)v->bytes) {
        snprintf(why, n, "%s, read back: its length is not that of what was written", v->path);
        return ERR_FORMAT;
    }
    while (e == OK && !end) {
        e = read_piece(b, &end);
        if (e == OK && v->go_on && !v->go_on(v->ctx)) e = ERR_NOT_DONE;
    }
    if (e == ERR_NOT_DONE) snprintf(why, n, "%s: reading it back was given up", v->path);
    if (e == ERR_IO) {
        snprintf(why, n, "%s, read back: offset %llu: %s", v->path, (unsigned long long)b->at, strerror(errno));
    }
    if (e != OK) return e;
    reason = wrong(b);
    if (!reason) return OK;
    snprintf(why, n, "%s, read back (%llu bytes): %s", v->path, (unsigned long long)b->at, reason);
    return ERR_FORMAT;
}

enum err rdb_verify(const struct rdb_verify *v, char *why, size_t n)
{
    struct back b = { .v = v, .fd = v->ops->open(v->ops->ctx, v->path, O_RDONLY) };
    enum err e;

    ensure(v->bytes >= RDB_HEADER_BYTES + TAIL);
    if (b.fd == -1) {
        snprintf(why, n, "%s, to be read back: %s", v->path, strerror(errno));
        return ERR_IO;
    }
    file_uncache(v->ops, b.fd, 0);
    b.piece = mem_alloc(PIECE);
    e = read_back(&b, why, n);
    mem_free(b.piece);
    v->ops->close(v->ops->ctx, b.fd);
    return e;
}
