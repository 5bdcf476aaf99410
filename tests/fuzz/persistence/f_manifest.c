/* The manifest of the AOF: what is read is written the same, through every change. */
#include "persistence/manifest.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

/* The base comes first, then history, then increments whose numbers rise. */
static void check(const struct manifest *m)
{
    size_t n = manifest_n_incr(m), previous = manifest_previous(m);

    ensure(n <= m->n && previous <= m->n);
    for (size_t i = 0; i < m->n; i++) {
        const struct manifest_file *f = &m->files[i];

        ensure(f->name[0] && !strchr(f->name, '/') && f->seq > 0);
        ensure(f->type == 'b' ? i == 0 : f->type == 'i' ? i >= m->n - n : f->type == 'h' && i < m->n - n);
    }
    for (size_t i = 1; i < n; i++) ensure(manifest_incr(m, i)->seq > manifest_incr(m, i - 1)->seq);
}

static void write_and_read(const struct manifest *m)
{
    struct buf a = { 0 }, b = { 0 };
    struct manifest again = { 0 };
    const char *reason;
    int line;

    check(m);
    if (m->n == 0) return; /* an empty one is none */
    manifest_format(m, &a);
    ensure(manifest_parse(&again, buf_str(&a), &line, &reason) == OK);
    manifest_format(&again, &b);
    ensure(str_eq(buf_str(&a), buf_str(&b)));
    manifest_fini(&again);
    buf_fini(&a);
    buf_fini(&b);
}

static void change(struct manifest *m)
{
    struct manifest back;
    size_t n_old;

    manifest_add_incr(m, "never in an input.incr.aof", m->incr_seq + 1);
    write_and_read(m);
    manifest_add_base(m, "never in an input.rdb", m->base_seq + 1);
    manifest_retire(m, m->incr_seq);
    write_and_read(m);
    if (manifest_fall_back(m, &back, &n_old)) {
        ensure(n_old < manifest_n_incr(&back));
        write_and_read(&back);
        manifest_fini(&back);
    }
    manifest_forget(m, manifest_previous(m));
    write_and_read(m);
    manifest_forget(m, m->n);
    ensure(manifest_previous(m) == m->n);
    write_and_read(m);
    manifest_drop_after(m, 0);
    ensure(m->n == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m = { 0 }, copy;
    const char *reason;
    int line;

    if (memmem(data, size, "never in", 8)) return 0; /* change's own names */
    if (manifest_parse(&m, str_of(data, size), &line, &reason) != OK) {
        ensure(reason != NULL && m.n == 0);
        return 0;
    }
    write_and_read(&m);
    manifest_copy(&copy, &m);
    if (m.incr_seq < UINT64_MAX - 8 && m.base_seq < UINT64_MAX - 8) change(&copy);
    manifest_fini(&copy);
    manifest_fini(&m);
    return 0;
}
