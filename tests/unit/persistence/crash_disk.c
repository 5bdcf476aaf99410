#include "tests/unit/persistence/crash_disk.h"

#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"

static void *more(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return p;
    *cap = *cap ? *cap * 2 : 4;
    return mem_realloc(p, *cap * size);
}

static void add_value(struct crash_name *n, size_t op, int64_t file, int64_t to)
{
    n->values = more(n->values, n->n, &n->cap, sizeof *n->values);
    n->values[n->n++] = (struct crash_value){ op, file, to };
}

static int64_t meaning(const struct crash_name *n)
{
    return n->values[n->n - 1].file;
}

bool crash_dir_is_made(const struct crash_disk *d, size_t name)
{
    const struct trace *t = d->trace;

    if (t->names[name].file == TRACE_DIR) return true;
    for (size_t i = 0; i < t->n; i++)
        if (t->ops[i].kind == TRACE_MKDIR && t->ops[i].name == name) return true;
    return false;
}

static int64_t parent_of(const struct trace *t, size_t name)
{
    const char *path = t->names[name].path, *slash = strrchr(path, '/');

    for (size_t i = 0; slash && i < t->n_names; i++)
        if (strlen(t->names[i].path) == (size_t)(slash - path) &&
            memcmp(t->names[i].path, path, (size_t)(slash - path)) == 0)
            return (int64_t)i;
    return -1;
}

void crash_disk_init(struct crash_disk *d, const struct trace *t)
{
    *d = (struct crash_disk){ .trace = t };
    d->n_files = t->n_files;
    for (size_t i = 0; i < t->n; i++)
        if (t->ops[i].kind == TRACE_CREATE && t->ops[i].file >= d->n_files) d->n_files = t->ops[i].file + 1;
    d->files = mem_zalloc((d->n_files + 1) * sizeof *d->files);
    for (size_t i = 0; i < t->n_files; i++) {
        buf_add(&d->files[i].base, t->files[i].content.p, t->files[i].content.n);
        d->files[i].size = d->files[i].base.n;
    }
    d->names = mem_zalloc((t->n_names + 1) * sizeof *d->names);
    for (size_t i = 0; i < t->n_names; i++) {
        add_value(&d->names[i], 0, t->names[i].file, -1);
        d->names[i].parent = parent_of(t, i);
    }
}

void crash_disk_fini(struct crash_disk *d)
{
    for (size_t i = 0; i < d->n_files; i++) {
        buf_fini(&d->files[i].base);
        mem_free(d->files[i].changes);
    }
    for (size_t i = 0; i < d->trace->n_names; i++) mem_free(d->names[i].values);
    mem_free(d->files);
    mem_free(d->names);
}

/* --- content ------------------------------------------------------------------------------------------- */

bool crash_touches(const struct crash_disk *d, const struct crash_change *c, uint64_t from, uint64_t to)
{
    const struct trace_op *op = &d->trace->ops[c->op];

    if (op->kind == TRACE_SIZE) return op->n < to;
    return op->at < to && op->at + op->n > from;
}

void crash_apply(const struct crash_disk *d, const struct crash_change *c, uint64_t from, uint64_t to, char *p)
{
    const struct trace_op *op = &d->trace->ops[c->op];
    uint64_t a = op->kind == TRACE_SIZE ? op->n : op->at, b = op->kind == TRACE_SIZE ? to : op->at + op->n;

    if (a < from) a = from;
    if (b > to) b = to;
    if (a >= b) return;
    if (op->kind == TRACE_SIZE) memset(p + (a - from), 0, b - a);
    else memcpy(p + (a - from), d->trace->bytes.p + op->bytes + (a - op->at), b - a);
}

static void change(struct crash_disk *d, const struct trace_op *op)
{
    struct crash_file *f = &d->files[op->file];

    f->changes = more(f->changes, f->n, &f->cap, sizeof *f->changes);
    f->changes[f->n++] = (struct crash_change){ .op = d->at };
    if (op->kind == TRACE_SIZE) f->size = op->n;
    else if (op->at + op->n > f->size) f->size = op->at + op->n;
}

static void make_certain(struct crash_disk *d, struct crash_file *f, const struct crash_change *c)
{
    const struct trace_op *op = &d->trace->ops[c->op];
    size_t end = op->kind == TRACE_SIZE ? op->n : op->at + op->n;

    if (op->kind == TRACE_SIZE) {
        if (f->base.n > end) f->base.n = end;
    } else if (f->base.n < end) {
        size_t grow = end - f->base.n;

        memset(buf_room(&f->base, grow), 0, grow);
        f->base.n = end;
    }
    crash_apply(d, c, 0, f->base.n, f->base.p);
}

/* What c writes again, or cuts off, is in doubt no more: a failed sync's pages are dirty once more. */
static void supersede(struct crash_disk *d, struct crash_file *f, size_t end, const struct crash_change *c)
{
    const struct trace_op *op = &d->trace->ops[c->op];
    uint64_t from = op->kind == TRACE_SIZE ? op->n : op->at, to = op->kind == TRACE_SIZE ? UINT64_MAX : op->at + op->n;

    for (size_t i = 0; i < end; i++) {
        const struct trace_op *was = &d->trace->ops[f->changes[i].op];

        if (was->kind == TRACE_WRITE && was->at >= from && was->at + was->n <= to) f->changes[i].superseded = true;
    }
}

static void synced(struct crash_disk *d, const struct trace_op *op)
{
    struct crash_file *f = &d->files[op->file];
    size_t left = 0;

    for (size_t i = 0; i < f->n; i++) {
        struct crash_change *c = &f->changes[i];

        if (c->op < op->began && op->kind == TRACE_SYNC_FAILED) c->doomed = true;
        if (c->op < op->began && !c->doomed) {
            make_certain(d, f, c);
            supersede(d, f, left, c);
        } else {
            f->changes[left++] = *c;
        }
    }
    f->n = 0;
    for (size_t i = 0; i < left; i++)
        if (!f->changes[i].superseded) f->changes[f->n++] = f->changes[i];
}

static void lost(struct crash_disk *d, const struct trace_op *op)
{
    struct crash_file *f = &d->files[op->file];
    size_t left = 0;

    for (size_t i = 0; i < f->n; i++)
        if (!f->changes[i].doomed) f->changes[left++] = f->changes[i];
    f->n = left;
}

/* --- names --------------------------------------------------------------------------------------------- */

/* Values of a name before op are out of the question. */
static void settle(struct crash_disk *d, size_t name, size_t before)
{
    struct crash_name *n = &d->names[name];
    size_t first = n->n - 1;
    int64_t to;

    while (first > 0 && n->values[first].op >= before) first--;
    if (first == 0) return;
    to = n->values[first].to;
    before = n->values[first].op + 1;
    n->n -= first;
    memmove(n->values, n->values + first, n->n * sizeof *n->values);
    if (to >= 0) settle(d, (size_t)to, before); /* a rename is one change, also between directories */
}

static void dir_synced(struct crash_disk *d, const struct trace_op *op)
{
    for (size_t i = 0; i < d->trace->n_names; i++)
        if (d->names[i].parent == (int64_t)op->name) settle(d, i, op->began);
}

void crash_disk_step(struct crash_disk *d)
{
    const struct trace_op *op = &d->trace->ops[d->at];
    struct crash_name *name = &d->names[op->name], *to = &d->names[op->to];

    switch (op->kind) {
    case TRACE_CREATE:
        add_value(name, d->at, op->file, -1);
        break;
    case TRACE_MKDIR:
        add_value(name, d->at, TRACE_DIR, -1);
        break;
    case TRACE_WRITE:
    case TRACE_SIZE:
        change(d, op);
        break;
    case TRACE_SYNC_FAILED: /* and what is neither synced nor held by a process that lives is lost */
        d->report.kept_by_kill = d->report.kept;
        /* fall through */
    case TRACE_SYNC:
        synced(d, op);
        break;
    case TRACE_LOST:
        lost(d, op);
        break;
    case TRACE_RENAME:
        add_value(to, d->at, meaning(name), -1);
        add_value(name, d->at, TRACE_NONE, op->to);
        break;
    case TRACE_LINK:
        add_value(to, d->at, meaning(name), -1);
        break;
    case TRACE_UNLINK:
        add_value(name, d->at, TRACE_NONE, -1);
        break;
    case TRACE_SYNC_DIR:
        dir_synced(d, op);
        break;
    case TRACE_REPORT:
        d->report = *op;
        break;
    }
    d->at++;
}
