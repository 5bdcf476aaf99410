/* rdb_libraries.c -- function libraries as one payload (FUNCTION DUMP and RESTORE). */
#include <endian.h>

#include "base/buf.h"
#include "base/crc.h"
#include "persistence/persist_impl.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_read.h"
#include "persistence/rdb_write.h"

static void put(void *to, struct str text)
{
    rdb_put_library(to, text);
}

void persist_dump_libraries(const struct persist_libraries *l, struct buf *out)
{
    struct rdb_out o = { .compress = true };
    struct buf scratch = { 0 };
    size_t from = out->n;

    l->each(l->ctx, put, &o);
    rdb_finish(&o, out, &scratch);
    rdb_payload_end(out, from, RDB_VERSION_PLAIN);
    rdb_out_fini(&o);
    buf_fini(&scratch);
}

void persist_libraries_file(const struct persist *p, const struct persist_libraries *l, struct buf *out)
{
    struct rdb_out o = { .compress = p->conf.rdb_compression };
    struct buf scratch = { 0 };
    size_t from = out->n;
    uint64_t crc;

    rdb_put_header(&o, RDB_VERSION_PLAIN);
    rdb_put_aux(&o, "redis-ver", str_c(p->env.redis_version));
    rdb_put_aux(&o, "redis-bits", STR("64"));
    if (l) l->each(l->ctx, put, &o);
    rdb_put_byte(&o, RDB_OP_EOF);
    rdb_finish(&o, out, &scratch);
    crc = p->conf.rdb_checksum ? htole64(crc64(0, out->p + from, out->n - from)) : 0;
    buf_add(out, &crc, sizeof crc);
    rdb_out_fini(&o);
    buf_fini(&scratch);
}

/* One library of the payload; NULL: taken. */
static const char *take(struct rdb_in *in, bool (*fn)(void *ctx, struct str text), void *ctx, bool *go_on)
{
    struct str text;
    unsigned op;

    if (!rdb_in_byte(in, &op)) return "can not read data type";
    if (op == RDB_OP_FUNCTION_PRE) return "Pre-GA function format not supported";
    if (op != RDB_OP_FUNCTION2) return "given type is not a function";
    if (!rdb_in_str(in, &text)) return "Failed loading library payload";
    *go_on = fn(ctx, text);
    return NULL;
}

enum err persist_restore_libraries(struct str payload, bool (*fn)(void *ctx, struct str text), void *ctx,
                                   const char **why)
{
    struct rdb_in in;
    struct str body;
    bool go_on = true;

    *why = NULL;
    if (!rdb_payload_body(payload, &body)) return ERR_NOT_DONE;
    rdb_in_bytes(&in, body);
    while (go_on && *why == NULL && rdb_in_left(&in) > 0) *why = take(&in, fn, ctx, &go_on);
    rdb_in_fini(&in);
    if (*why != NULL) return ERR_FORMAT;
    return go_on ? OK : ERR_SYNTAX;
}
