/* dump_job.c -- see dump_job.h. The payload is the value as it is at the beginning (storage/value_reader.h). */
#include "server/dump_job.h"

#include "base/clock.h"
#include "base/mem.h"
#include "commands/read_job.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_walk.h"
#include "server/dump_payload.h"

struct dump_job {
    struct job job;
    struct value_reader reader;
    struct job_rows told;
    struct dump_payload payload;
    struct rdb_walk walk;
    int version;
};

bool dump_is_long(const struct call *c, const struct entry *e)
{
    enum value_type type = entry_type(e);

    if (type == VALUE_VSET || !value_is_large(e)) return false;
    return read_is_long(c, type == VALUE_STRING || type == VALUE_JSON ? 0 : type_ops[type]->count(c->store, e), 0) ||
           read_is_long(c, 0, type_ops[type]->weight(entry_enc(e), entry_ptr(e)));
}

static bool step(struct job *of, int64_t deadline_us)
{
    enum { LOOK = 64 /* elements between two looks at the clock */ };
    struct dump_job *d = (struct dump_job *)of;

    for (unsigned n = 1; rdb_walk_next(&d->walk, &d->payload.bytes); n++) {
        bool look = dump_payload_told(&d->payload, &d->told) || n % LOOK == 0;

        if (look && deadline_us != INT64_MAX && clock_mono_us() >= deadline_us) return false;
    }
    dump_payload_end(&d->payload, &d->told, d->version);
    value_reader_end(&d->reader);
    return true;
}

static void finish(struct value_reader *r)
{
    (void)job_step(&LINK_OF(r, struct dump_job, reader)->job, INT64_MAX);
}

static void reply(struct job *of, struct reply *out, struct reply_pieces *pieces)
{
    struct dump_job *d = (struct dump_job *)of;

    dump_payload_reply(&d->payload, &d->told, out, pieces);
}

static size_t bytes(const struct job *of)
{
    const struct dump_job *d = (const struct dump_job *)of;

    return sizeof *d + d->payload.bytes.bytes.cap + job_rows_bytes(&d->told);
}

static void free_job(struct job *of)
{
    struct dump_job *d = (struct dump_job *)of;

    value_reader_end(&d->reader);
    dump_payload_fini(&d->payload);
    job_rows_fini(&d->told);
    mem_free(d);
}

enum err dump_job(struct call *c, const struct entry *e)
{
    struct dump_job *d = mem_zalloc(sizeof *d);

    d->job = (struct job){ .step = step, .reply = reply, .bytes = bytes, .free = free_job };
    d->payload.bytes.compress = true;
    job_rows_init(&d->told, c->out->resp);
    d->version = rdb_put_type(&d->payload.bytes, c->store, e) == RDB_HASH_FIELDS ? RDB_VERSION_FIELDS : RDB_VERSION_PLAIN;
    rdb_walk_begin(&d->walk, &d->payload.bytes, c->store, e, true);
    d->reader.finish = finish;
    value_reader_begin(c->store, entry_ptr(e), &d->reader);
    return job_run(c, &d->job);
}
