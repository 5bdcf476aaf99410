/* dump_vset.c -- see dump_vset.h.
 *
 * The payload is the set as it is at the beginning. Elements are told by id; one that is about to change or leave, and has not been
 * told, is told before. Links are those of the moment, as in a snapshot (storage/cut_vset.c). */
#include "server/dump_vset.h"

#include <endian.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/mem.h"
#include "commands/vset_job.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_vset.h"
#include "persistence/rdb_write.h"

enum { AT_ONCE = 256 /* elements */, LOOK = 16 /* between two looks at the clock */, FLUSH = 32 * 1024 };

struct dumping {
    struct vset_job base;
    struct rdb_out bytes;   /* not yet in the reply */
    struct buf scratch;
    bool attrs;
    uint64_t *todo;         /* bits of ids that were there at the beginning and have not been told */
    uint32_t at, n;
    uint64_t crc;
    size_t n_bytes;         /* in the reply */
    bool done;
};

bool dump_vset_is_large(const struct entry *e)
{
    return entry_type(e) == VALUE_VSET && vset_count(entry_ptr(e)) > AT_ONCE;
}

static void add(struct dumping *d, size_t from)
{
    struct buf *rows = &d->base.told.rows;

    if (rows->failed) return;
    d->crc = crc64(d->crc, rows->p + from, rows->n - from);
    d->n_bytes += rows->n - from;
}

static void flush(struct dumping *d)
{
    size_t from = d->base.told.rows.n;

    rdb_finish(&d->bytes, &d->base.told.rows, &d->scratch);
    rdb_out_clear(&d->bytes);
    add(d, from);
    vset_job_told(&d->base);
}

static void tell(struct dumping *d, uint32_t id)
{
    uint64_t bit = 1ULL << (id % 64);

    if (id >= d->n || (d->todo[id / 64] & bit) == 0) return;
    d->todo[id / 64] &= ~bit;
    rdb_put_vset_element(&d->bytes, d->base.s, vset_item(d->base.s, id)->name, d->attrs);
    if (d->bytes.bytes.n >= FLUSH) flush(d);
}

static void before(struct vset_watch *w, uint32_t id, bool leaves)
{
    (void)leaves;
    tell((struct dumping *)(void *)LINK_OF(w, struct vset_job, watch), id);
}

/* Behind the last element: the version, and the checksum of all before it. */
static void end(struct dumping *d)
{
    uint16_t version = htole16(RDB_VERSION_PLAIN);
    uint64_t crc;
    size_t from;

    rdb_put_module_end(&d->bytes);
    flush(d);
    from = d->base.told.rows.n;
    buf_add(&d->base.told.rows, &version, sizeof version);
    add(d, from);
    crc = htole64(d->crc);
    buf_add(&d->base.told.rows, &crc, sizeof crc);
    d->n_bytes += sizeof crc;
    d->done = true;
}

static bool step(struct job *j, int64_t deadline_us)
{
    struct dumping *d = (struct dumping *)j;
    bool done;

    if (d->done) return true;
    if (vset_job_pauses(&d->base, INT64_MAX, &done)) return done;
    while (d->at < d->n) {
        tell(d, d->at++);
        if (d->at % LOOK == 0 && clock_mono_us() >= deadline_us) return false;
    }
    end(d);
    return true;
}

static void reply(struct job *j, struct reply *out, struct reply_pieces *pieces)
{
    struct dumping *d = (struct dumping *)j;
    char head[32];

    buf_add(&d->base.told.rows, "\r\n", 2);
    snprintf(head, sizeof head, "$%zu\r\n", d->n_bytes);
    vset_job_reply_after(&d->base, str_c(head), out, pieces);
}

static void free_job(struct job *j)
{
    struct dumping *d = (struct dumping *)j;

    rdb_out_fini(&d->bytes);
    buf_fini(&d->scratch);
    mem_free(d->todo);
    vset_job_fini(&d->base);
    mem_free(d);
}

enum err dump_vset(struct call *c, const struct entry *e)
{
    const struct vset *s = entry_ptr(e);
    struct dumping *d = mem_zalloc(sizeof *d);

    d->base.job = (struct job){ .step = step, .reply = reply, .free = free_job };
    d->base.watch.changes = before;
    d->bytes.compress = true;
    d->n = s->n_items;
    d->todo = mem_zalloc((d->n / 64 + 1) * sizeof *d->todo);
    for (uint32_t id = 0; id < d->n; id++) d->todo[id / 64] |= (uint64_t)(vset_item(s, id)->name != NULL) << (id % 64);
    rdb_put_type(&d->bytes, c->store, e);
    d->attrs = rdb_put_vset_head(&d->bytes, s);
    vset_job_init(c, &d->base, s);
    return job_run(c, &d->base.job);
}
