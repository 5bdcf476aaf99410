/* read_many.c -- see read_many.h. Who changes one of the strings has all the rest told at once. */
#include "commands/read_many.h"

#include "base/clock.h"
#include "base/mem.h"
#include "storage/blob.h"
#include "storage/type_string.h"

enum { CHUNK = 64 * 1024 };

struct part {
    struct value_reader reader; /* of a long string */
    struct many *of;
    bool is_null, begun;
    struct str left;
    size_t at;                  /* left.p NULL: where it lies in `small` */
};

struct many {
    struct job job;
    struct job_rows told;
    struct buf small; /* short strings, copied */
    struct part *parts;
    size_t at, n;
};

/* A chunk more; false: that was all. */
static bool tell(struct many *m)
{
    struct reply out = job_rows_out(&m->told);
    struct part *p = &m->parts[m->at];
    size_t n;

    if (m->at == m->n) return false;
    n = p->left.n < CHUNK ? p->left.n : CHUNK;
    if (p->is_null) {
        reply_null(&out);
    } else {
        if (!p->begun) buf_printf(out.out, "$%zu\r\n", p->left.n);
        p->begun = true;
        if (n > 0) reply_raw(&out, p->left.p != NULL ? p->left.p : m->small.p + p->at, n);
        p->left = str_of(p->left.p != NULL ? p->left.p + n : NULL, p->left.n - n);
        p->at += n;
        if (p->left.n == 0) reply_raw(&out, "\r\n", 2);
    }
    if (p->left.n == 0) {
        value_reader_end(&p->reader);
        m->at++;
    }
    job_rows_told(&m->told);
    return true;
}

static bool step(struct job *j, int64_t deadline_us)
{
    struct many *m = (struct many *)j;

    while (tell(m)) {
        if (job_rows_should_look(&m->told) && deadline_us != INT64_MAX && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static void finish(struct value_reader *r)
{
    (void)job_step(&LINK_OF(r, struct part, reader)->of->job, INT64_MAX);
}

static void reply(struct job *j, struct reply *out, struct reply_pieces *pieces)
{
    job_rows_reply(&((struct many *)j)->told, STR(""), out, pieces);
}

static size_t bytes(const struct job *j)
{
    const struct many *m = (const struct many *)j;

    return sizeof *m + m->n * sizeof *m->parts + m->small.cap + job_rows_bytes(&m->told);
}

static void free_job(struct job *j)
{
    struct many *m = (struct many *)j;

    for (size_t i = 0; i < m->n; i++) value_reader_end(&m->parts[i].reader);
    mem_free(m->parts);
    buf_fini(&m->small);
    job_rows_fini(&m->told);
    mem_free(m);
}

static void begin(struct call *c, struct many *m, struct part *p, const struct entry *e)
{
    char scratch[NUM_TEXT_MAX];
    struct str text;

    p->of = m;
    p->reader.finish = finish;
    p->is_null = e == NULL || entry_type(e) != VALUE_STRING;
    if (p->is_null) return;
    text = string_bytes(e, scratch);
    if (entry_enc(e) == ENC_BLOB && text.n > 0) {
        p->left = text;
        value_reader_begin(c->store, entry_ptr(e), &p->reader);
    } else {
        p->left.n = text.n;
        p->at = m->small.n;
        buf_add_str(&m->small, text);
    }
}

enum err read_many(struct call *c, size_t mark, size_t i)
{
    struct many *m = mem_zalloc(sizeof *m);
    struct buf *out = c->out->out;

    m->job = (struct job){ .step = step, .reply = reply, .bytes = bytes, .free = free_job };
    job_rows_init(&m->told, c->out->resp);
    buf_add(&m->told.rows, out->p + mark, out->n - mark);
    out->n = mark;
    m->n = c->argc - i;
    m->parts = mem_zalloc(m->n * sizeof *m->parts);
    for (size_t k = 0; k < m->n; k++) begin(c, m, &m->parts[k], db_read(c->db, call_arg(c, i + k)));
    return job_run(c, &m->job);
}
