#include "commands/source_job.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"

enum { LOOK_EVERY = 64, TRIES = 3 };

/* Go on until the deadline, and, when `reading`, no longer than sources are read. True: done. */
static bool go_on(struct source_job *j, int64_t deadline_us, bool reading)
{
    struct reply out = job_rows_out(&j->told);
    unsigned every = j->look_every > 0 ? j->look_every : LOOK_EVERY, n = 0;

    while (!j->job.done && (!reading || j->reader.object != NULL)) {
        bool full;

        j->job.done = !j->work(j, &out);
        full = j->told.n > 0 && j->told.rows.n == 0; /* a piece has gone */
        if (deadline_us == INT64_MAX || (++n < every && !full)) continue;
        n = 0;
        if (clock_mono_us() >= deadline_us) break;
    }
    return j->job.done;
}

static bool step(struct job *of, int64_t deadline_us)
{
    struct source_job *j = (struct source_job *)of;

    if (of->again) return true;
    if (!go_on(j, deadline_us, false)) return false;
    if (j->head != NULL) source_job_has_read(j);
    return true;
}

/* A source is about to change. */
static void finish(struct value_reader *r)
{
    struct source_job *j = LINK_OF(r, struct source_job, reader);

    if (j->head != NULL) (void)go_on(j, INT64_MAX, true);
    else j->job.again = true;
    value_reader_end(r);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const void *const *)a, y = (uintptr_t) * (const void *const *)b;

    return (x > y) - (x < y);
}

bool source_job_reads(const struct value_reader *r, const struct entry *e)
{
    const struct source_job *j = LINK_OF(r, struct source_job, reader);
    const void *object = e != NULL && entry_points(e) ? entry_ptr(e) : NULL;

    if (e == NULL) return j->head == NULL;
    return object != NULL && bsearch(&object, j->objects, j->n_objects, sizeof object, by_address) != NULL;
}

static void reply_all(struct job *of, struct reply *out, struct reply_pieces *pieces)
{
    struct source_job *j = (struct source_job *)of;
    struct buf head = { 0 };

    j->head(j, &(struct reply){ &head, out->resp }, j->told.n);
    job_rows_reply(&j->told, buf_str(&head), out, pieces);
    buf_fini(&head);
}

static enum err put(struct call *c, struct job *of)
{
    struct source_job *j = (struct source_job *)of;

    value_reader_end(&j->reader); /* the destination may be one of the sources */
    return j->put(c, j);
}

static size_t bytes(const struct job *of)
{
    const struct source_job *j = (const struct source_job *)of;

    return sizeof *j + j->n_objects * sizeof *j->objects + job_rows_bytes(&j->told) + j->size(j);
}

static void free_job(struct job *of)
{
    struct source_job *j = (struct source_job *)of;

    value_reader_end(&j->reader);
    j->fini(j);
    job_rows_fini(&j->told);
    mem_free(j->objects);
    mem_free(j);
}

static void keep_objects(struct source_job *j, const void *const *objects, size_t n)
{
    j->objects = mem_alloc((n + 1) * sizeof *j->objects);
    for (size_t i = 0; i < n; i++)
        if (objects[i] != NULL) j->objects[j->n_objects++] = objects[i];
    if (j->n_objects > 1) qsort(j->objects, j->n_objects, sizeof *j->objects, by_address);
}

enum err source_job_run(struct call *c, struct source_job *j, const void *const *objects, size_t n)
{
    j->job = (struct job){ .step = step, .bytes = bytes, .free = free_job, .tries = TRIES };
    if (j->head != NULL) j->job.reply = reply_all;
    else j->job.finish = put;
    keep_objects(j, objects, n);
    job_rows_init(&j->told, c->out->resp);
    j->reader.finish = finish;
    if (j->reader.reads == NULL) j->reader.reads = source_job_reads;
    value_reader_begin(c->store, j, &j->reader);
    return job_run(c, &j->job);
}

bool source_job_read_all(const struct call *c, const struct source_job *j, size_t first, size_t n)
{
    size_t there = 0;

    for (size_t i = 0; i < n; i++) there += db_glance(c->db, call_arg(c, first + i)) != NULL;
    return there == j->n_objects;
}

struct arena *source_job_arena(void)
{
    struct arena *a = mem_alloc(sizeof *a);

    arena_init(a);
    return a;
}

static void free_arena(void *arena)
{
    arena_fini(arena);
    mem_free(arena);
}

void source_job_drop_arena(const struct store *s, struct arena *a)
{
    if (s->defer != NULL) s->defer(s->defer_ctx, free_arena, a);
    else free_arena(a);
}
