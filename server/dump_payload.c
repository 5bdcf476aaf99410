#include "server/dump_payload.h"

#include <endian.h>
#include <stdio.h>

#include "base/crc.h"

enum { FLUSH = 32 * 1024 };

void dump_payload_fini(struct dump_payload *p)
{
    rdb_out_fini(&p->bytes);
    buf_fini(&p->scratch);
}

static void add(struct dump_payload *p, const struct buf *rows, size_t from)
{
    if (rows->failed) return;
    p->crc = crc64(p->crc, rows->p + from, rows->n - from);
    p->n += rows->n - from;
}

static void flush(struct dump_payload *p, struct job_rows *told)
{
    size_t from = told->rows.n;

    rdb_finish(&p->bytes, &told->rows, &p->scratch);
    rdb_out_clear(&p->bytes);
    add(p, &told->rows, from);
}

bool dump_payload_told(struct dump_payload *p, struct job_rows *told)
{
    if (p->bytes.bytes.n < FLUSH) return false;
    flush(p, told);
    job_rows_told(told);
    return true;
}

void dump_payload_end(struct dump_payload *p, struct job_rows *told, int version)
{
    uint16_t v = htole16((uint16_t)version);
    uint64_t crc;
    size_t from;

    flush(p, told);
    from = told->rows.n;
    buf_add(&told->rows, &v, sizeof v);
    add(p, &told->rows, from);
    crc = htole64(p->crc);
    buf_add(&told->rows, &crc, sizeof crc);
    p->n += sizeof crc;
    buf_add(&told->rows, "\r\n", 2);
}

void dump_payload_reply(struct dump_payload *p, struct job_rows *told, struct reply *out, struct reply_pieces *pieces)
{
    char head[32];

    snprintf(head, sizeof head, "$%zu\r\n", p->n);
    job_rows_reply(told, str_c(head), out, pieces);
}
