/* aof_rebuild.c -- the manifest is lost: what the files themselves say about their order.
 *
 * A base of memd's says at which place of which log it was made, an increment where it begins. Files of stock
 * servers say nothing: all of them count, in the order of their numbers. The highest base counts, and the
 * increments from the last one that begins at or before its place; what is older is history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "persistence/aof_read.h"
#include "persistence/aof_set.h"
#include "persistence/rdb_read.h"
#include "persistence/report.h"
#include "persistence/source.h"

enum { WHY = 512 };

struct found {
    char *name;
    uint64_t seq;
    bool is_base;
    bool placed;       /* where it is in the log is known */
    uint64_t at;
    char id[MARK_ID + 1];
};

struct gather {
    const char *filename;
    struct found *files;
    size_t n, cap;
};

/* --- names --------------------------------------------------------------------------------------------------- */

/* ".7.incr.aof", ".7.base.rdb", ".7.base.aof": the number, and which. */
static bool parse_end(const char *end, uint64_t *seq, bool *is_base)
{
    size_t digits;

    if (*end != '.') return false;
    digits = strspn(end + 1, "0123456789");
    if (!num_parse_u64(str_of(end + 1, digits), seq) || *seq == 0) return false;
    end += 1 + digits;
    *is_base = strcmp(end, ".base.rdb") == 0 || strcmp(end, ".base.aof") == 0;
    return *is_base || strcmp(end, ".incr.aof") == 0;
}

const char *aof_set_stem(const char *name)
{
    uint64_t seq;
    bool is_base;

    if (strncmp(name, "temp-", 5) == 0) return NULL;
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
        if (dot > name && parse_end(dot, &seq, &is_base)) return dot;
    return NULL;
}

static void take(void *arg, const char *name)
{
    struct gather *g = arg;
    size_t n = strlen(g->filename);
    struct found f = { 0 };

    if (strncmp(name, g->filename, n) != 0 || !parse_end(name + n, &f.seq, &f.is_base)) return;
    f.name = mem_dup(name, strlen(name) + 1);
    if (g->n == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 16;
        g->files = mem_realloc(g->files, g->cap * sizeof *g->files);
    }
    g->files[g->n++] = f;
}

static int by_kind_and_seq(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->is_base != y->is_base) return x->is_base ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

bool aof_set_is_orphaned(const struct aof_set *set)
{
    struct gather g = { .filename = aof_set_filename(set) };
    bool base = false, incr = false;

    if (!aof_set_list(set, take, &g)) return false;
    for (size_t i = 0; i < g.n; i++) {
        base = base || g.files[i].is_base;
        incr = incr || !g.files[i].is_base;
        mem_free(g.files[i].name);
    }
    mem_free(g.files);
    return base && incr;
}

/* --- what they say --------------------------------------------------------------------------------------------- */

static void place(struct aof_set *set, struct found *f)
{
    char path[PATH_MAX], why[WHY];
    struct rdb_facts facts = { 0 };
    struct mark_head head;
    struct source s;

    aof_set_path(set, f->name, path);
    if (source_open(&s, aof_set_ops(set), path, why) != OK) return;
    if (f->is_base && source_is_rdb(&s)) {
        rdb_peek(&s.in, &facts);
        f->placed = facts.has_log_at;
        f->at = facts.log_offset;
        memcpy(f->id, facts.log_id, sizeof f->id);
    } else if (!f->is_base && aof_peek_head(&s.in, &head)) {
        f->placed = true;
        f->at = head.start;
        memcpy(f->id, head.id, sizeof f->id);
    }
    source_close(&s);
}

/* The first increment that builds on the base; those before it are history. */
static size_t first_needed(const struct gather *g, const struct found *base, size_t incrs)
{
    size_t first = incrs;

    if (!base || !base->placed) return incrs;
    for (size_t i = incrs; i < g->n; i++)
        if (g->files[i].placed && g->files[i].at <= base->at) first = i;
    return first;
}

static void build(struct gather *g, struct manifest *m, struct report *report)
{
    const struct found *base = NULL;
    size_t incrs = 0, first;

    while (incrs < g->n && g->files[incrs].is_base) base = &g->files[incrs++];
    first = first_needed(g, base, incrs);
    if (base && base > g->files) manifest_add_base(m, base[-1].name, base[-1].seq);
    for (size_t i = incrs; i < first; i++) manifest_add_incr(m, g->files[i].name, g->files[i].seq);
    if (base) manifest_add_base(m, base->name, base->seq);
    manifest_retire(m, UINT64_MAX);
    for (size_t i = first; i < g->n; i++) {
        const struct found *f = &g->files[i];

        if (f->seq > m->incr_seq) m->incr_seq = f->seq; /* its name is taken in any case */
        if (f->placed && base && base->placed && strcmp(f->id, base->id) != 0)
            report_line(report, "    %s belongs to the history of another log: it is left out", f->name);
        else manifest_add_incr(m, f->name, f->seq);
    }
    report_line(report, "    the manifest as the files tell it: %zu files%s%s", m->n, base ? ", base " : ", no base",
                base ? base->name : "");
}

enum err aof_set_rebuild(struct aof_set *set, struct report *report)
{
    struct gather g = { .filename = aof_set_filename(set) };
    struct manifest m = { 0 };

    if (!aof_set_list(set, take, &g)) return ERR_IO;
    qsort(g.files, g.n, sizeof *g.files, by_kind_and_seq);
    for (size_t i = 0; i < g.n; i++) place(set, &g.files[i]);
    build(&g, &m, report);
    aof_set_take(set, &m);
    for (size_t i = 0; i < g.n; i++) mem_free(g.files[i].name);
    mem_free(g.files);
    return OK;
}
