#include "tests/unit/persistence/trace.h"

#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "tests/unit/persistence/memfs.h"

static void *more(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return p;
    *cap = *cap ? *cap * 2 : 64;
    return mem_realloc(p, *cap * size);
}

uint32_t trace_name(struct trace *t, const char *path)
{
    for (size_t i = 0; i < t->n_names; i++)
        if (strcmp(t->names[i].path, path) == 0) return (uint32_t)i;
    t->names = more(t->names, t->n_names, &t->cap_names, sizeof *t->names);
    t->names[t->n_names] = (struct trace_name){ .path = mem_dup(path, strlen(path) + 1), .file = TRACE_NONE };
    return (uint32_t)t->n_names++;
}

void trace_begin(struct trace *t, struct memfs *fs)
{
    *t = (struct trace){ 0 };
    t->files = mem_zalloc((fs->n_all + 1) * sizeof *t->files);
    t->n_files = fs->n_all;
    for (size_t i = 0; i < fs->n_all; i++) buf_add(&t->files[i].content, fs->all[i]->p, fs->all[i]->n);
    for (size_t i = 0; i < fs->n_names; i++)
        if (fs->names[i].file) {
            uint32_t name = trace_name(t, fs->names[i].path);

            t->names[name].file = fs->names[i].file == &fs->dir ? TRACE_DIR : (int64_t)fs->names[i].file->id;
        }
    fs->trace = t;
}

void trace_fini(struct trace *t)
{
    for (size_t i = 0; i < t->n_names; i++) mem_free(t->names[i].path);
    for (size_t i = 0; i < t->n_files; i++) buf_fini(&t->files[i].content);
    mem_free(t->names);
    mem_free(t->files);
    mem_free(t->ops);
    buf_fini(&t->bytes);
    *t = (struct trace){ 0 };
}

void trace_add(struct trace *t, struct trace_op op)
{
    /* one report tells all that the reports in a row before it told */
    if (op.kind == TRACE_REPORT && t->n && t->ops[t->n - 1].kind == TRACE_REPORT) t->n--;
    t->ops = more(t->ops, t->n, &t->cap, sizeof *t->ops);
    t->ops[t->n++] = op;
}

void trace_write(struct trace *t, uint32_t file, uint64_t at, const char *p, size_t n)
{
    trace_add(t, (struct trace_op){ .kind = TRACE_WRITE, .file = file, .at = at, .n = n, .bytes = t->bytes.n });
    buf_add(&t->bytes, p, n);
}

void trace_tell(const struct trace *t, size_t i, struct buf *out)
{
    static const char *const verbs[] = {
        [TRACE_CREATE] = "create", [TRACE_MKDIR] = "mkdir", [TRACE_WRITE] = "write", [TRACE_SIZE] = "truncate",
        [TRACE_SYNC] = "sync", [TRACE_SYNC_FAILED] = "failed sync", [TRACE_LOST] = "lost", [TRACE_RENAME] = "rename",
        [TRACE_LINK] = "link", [TRACE_UNLINK] = "unlink", [TRACE_SYNC_DIR] = "sync dir",
        [TRACE_REPORT] = "report",
    };
    const struct trace_op *op = &t->ops[i];

    buf_printf(out, "%5zu %s", i, verbs[op->kind]);
    switch (op->kind) {
    case TRACE_REPORT:
        buf_printf(out, " kept %llu, by a kill %llu\n", (unsigned long long)op->kept,
                   (unsigned long long)op->kept_by_kill);
        return;
    case TRACE_RENAME:
    case TRACE_LINK:
        buf_printf(out, " %s -> %s\n", t->names[op->name].path, t->names[op->to].path);
        return;
    case TRACE_WRITE:
    case TRACE_SIZE:
        buf_printf(out, " file %u at %llu: %llu bytes\n", op->file, (unsigned long long)op->at,
                   (unsigned long long)op->n);
        return;
    case TRACE_SYNC:
    case TRACE_SYNC_FAILED:
    case TRACE_LOST:
        buf_printf(out, " file %u (since %zu)\n", op->file, op->began);
        return;
    case TRACE_CREATE:
        buf_printf(out, " %s = file %u\n", t->names[op->name].path, op->file);
        return;
    default:
        buf_printf(out, " %s\n", t->names[op->name].path);
    }
}
