/* dump_vset.c -- see dump_vset.h.
 *
 * The payload is the set as it is at the beginning. Elements are told by id; one that is about to change or leave, and has not been
 * told, is told before. Links are those of the moment, as in a snapshot (storage/cut_vset.c). */
#include "server/dump_vset.h"

#include "base/clock.h"
#include "base/mem.h"
#include "commands/vset_job.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_vset.h"
#include "server/dump_payload.h"

enum { AT_ONCE = 256 /* elements */, LOOK = 16 /* between two looks at the clock */ };

struct dumping {
    struct vset_job base;
    struct dump_payload payload;
    bool attrs;
    uint64_t *todo;         /* bits of ids that were there at the beginning and have not been told */
    uint32_t at, n;
    bool done;
};

bool dump_vset_is_large(const struct entry *e)
{
    return entry_type(e) == VALUE_VSET && vset_count(entry_ptr(e)) > AT_ONCE;
}

static void tell(struct dumping *d, uint32_t id)
{
    uint64_t bit = 1ULL << (id % 64);

    if (id >= d->n || (d->todo[id / 64] & bit) == 0) return;
    d->todo[id / 64] &= ~bit;
    rdb_put_vset_element(&d->payload.bytes, d->base.s, vset_item(d->base.s, id)->name, d->attrs);
    (void)dump_payload_told(&d->payload, &d->base.told);
}

static void before(struct vset_watch *w, uint32_t id, bool leaves)
{
    (void)leaves;
    tell((struct dumping *)(void *)LINK_OF(w, struct vset_job, watch), id);
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
    rdb_put_module_end(&d->payload.bytes);
    dump_payload_end(&d->payload, &d->base.told, RDB_VERSION_PLAIN);
    d->done = true;
    return true;
}

static void reply(struct job *j, struct reply *out, struct reply_pieces *pieces)
{
    struct dumping *d = (struct dumping *)j;

    dump_payload_reply(&d->payload, &d->base.told, out, pieces);
}

static void free_job(struct job *j)
{
    struct dumping *d = (struct dumping *)j;

    dump_payload_fini(&d->payload);
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
    d->payload.bytes.compress = true;
    d->n = s->n_items;
    d->todo = mem_zalloc((d->n / 64 + 1) * sizeof *d->todo);
    for (uint32_t id = 0; id < d->n; id++) d->todo[id / 64] |= (uint64_t)(vset_item(s, id)->name != NULL) << (id % 64);
    rdb_put_type(&d->payload.bytes, c->store, e);
    d->attrs = rdb_put_vset_head(&d->payload.bytes, s);
    vset_job_init(c, &d->base, s);
    return job_run(c, &d->base.job);
}
