/* restore_steps.c -- RESTORE in steps (persist.h): the checksum of the payload first, then its items. */
#include "base/crc.h"
#include "base/mem.h"
#include "persistence/persist.h"
#include "persistence/rdb_read.h"
#include "persistence/rdb_value.h"
#include "storage/db.h"

enum { CRC_BYTES = 32 * 1024, ITEMS = 16 /* a step */ };

struct restoring {
    struct store *store;
    struct str key, payload;
    struct rdb_in in; /* what stands before version and checksum */
    size_t summed;    /* bytes of the payload that crc is of */
    uint64_t crc;
    struct rdb_pour pour;
    bool pours;
    int64_t expire_ms;
    enum err err;     /* OK: it is done when nothing more comes */
};

static bool end(struct restoring *r, enum err e)
{
    r->err = e;
    return true;
}

struct restoring *persist_restore_new(struct store *s, struct str key, struct str payload, int64_t expire_ms)
{
    struct restoring *r = mem_zalloc(sizeof *r);
    struct str body = STR("");

    r->store = s;
    r->key = key;
    r->payload = payload;
    r->expire_ms = expire_ms;
    if (!rdb_payload_version(payload, &body) || body.n == 0) (void)end(r, ERR_NOT_DONE);
    rdb_in_bytes(&r->in, body);
    return r;
}

void persist_restore_moved(struct restoring *r, struct str key, struct str payload)
{
    const unsigned char *from = r->in.from, *to = (const unsigned char *)payload.p;

    r->in.p = to + (r->in.p - from);
    r->in.end = to + (r->in.end - from);
    r->in.crc_at = to + (r->in.crc_at - from);
    r->in.from = to;
    r->payload = payload;
    r->key = key;
}

static bool sum(struct restoring *r)
{
    size_t left = r->payload.n - RDB_PAYLOAD_CRC - r->summed, n = left < CRC_BYTES ? left : CRC_BYTES;

    r->crc = crc64(r->crc, r->payload.p + r->summed, n);
    r->summed += n;
    if (n < left) return false;
    return !rdb_payload_crc_is(r->payload, r->crc) && end(r, ERR_NOT_DONE);
}

static bool begin(struct restoring *r)
{
    unsigned type;

    if (!rdb_in_byte(&r->in, &type)) return end(r, ERR_FORMAT);
    r->pours = true;
    return !rdb_pour_begin(&r->pour, &r->in, r->store, type, r->key, r->expire_ms, true) && end(r, ERR_FORMAT);
}

bool persist_restore_step(struct restoring *r)
{
    bool more;

    if (r->err != OK) return true;
    if (r->summed < r->payload.n - RDB_PAYLOAD_CRC) return sum(r);
    if (!r->pours) return begin(r);
    if (!rdb_pour_step(&r->pour, ITEMS, &more)) return end(r, ERR_FORMAT);
    return !more && end(r, rdb_in_left(&r->in) == 0 ? OK : ERR_FORMAT);
}

enum err persist_restore_take(struct restoring *r, struct str key, struct entry **out)
{
    if (r->err != OK) return r->err;
    ensure(r->pours && rdb_in_left(&r->in) == 0); /* all steps have been done */
    *out = rdb_pour_finish(&r->pour, key, r->expire_ms);
    r->pours = false;
    return *out != NULL ? OK : ERR_FORMAT;
}

void persist_restore_free(struct restoring **of)
{
    struct restoring *r = *of;

    *of = NULL;
    if (r->pours) rdb_pour_drop(&r->pour);
    rdb_in_fini(&r->in);
    mem_free(r);
}
