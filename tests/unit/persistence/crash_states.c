#include "tests/unit/persistence/crash_states.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "tests/unit/persistence/memfs.h"

enum { SIZES_MAX = 64 };

/* What is in doubt. */
enum doubt { DOUBT_SECTOR, DOUBT_SIZE, DOUBT_NAME };

struct unit {
    enum doubt kind;
    size_t id;        /* of the file or name */
    uint64_t sector;
    unsigned n;       /* choices 0 (what is certain) to n (the present) */
    unsigned choice;
};

/* Work in progress. */
struct maker {
    const struct crash_plan *plan;
    struct crash_disk disk;
    struct unit *units;
    size_t n, cap;
    struct crash_image image;
    uint64_t *seen;   /* hashes of states, open addressing; 0: free */
    size_t n_seen, cap_seen;
    bool (*fn)(void *arg, const struct crash_image *image);
    void *arg;
    struct crash_count *count;
    bool stopped;
};

/* --- units ---------------------------------------------------------------------------------------------- */

static void add_unit(struct maker *m, struct unit u)
{
    if (u.n == 0) return;
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->units = mem_realloc(m->units, m->cap * sizeof *m->units);
    }
    m->units[m->n++] = u;
}

/* The sizes that f may have, the certain one first, the present one last. */
static size_t sizes_of(const struct maker *m, const struct crash_file *f, uint64_t *out)
{
    uint64_t size = f->base.n, sector = m->plan->sector;
    size_t n = 0;

    out[n++] = size;
    for (size_t i = 0; i < f->n; i++) {
        const struct trace_op *op = &m->disk.trace->ops[f->changes[i].op];
        uint64_t next = op->kind == TRACE_SIZE ? op->n : op->at + op->n > size ? op->at + op->n : size;

        for (uint64_t at = (size / sector + 1) * sector; at < next && n < SIZES_MAX - 1; at += sector) out[n++] = at;
        if (next == size) continue;
        size = next;
        if (n == SIZES_MAX) n--;
        out[n++] = size;
    }
    return n;
}

static void file_units(struct maker *m, size_t id)
{
    const struct crash_file *f = &m->disk.files[id];
    uint64_t sector = m->plan->sector, end = f->base.n, sizes[SIZES_MAX];

    for (size_t i = 0; i < f->n; i++) {
        const struct trace_op *op = &m->disk.trace->ops[f->changes[i].op];

        if (op->kind == TRACE_WRITE && op->at + op->n > end) end = op->at + op->n;
    }
    for (uint64_t at = 0; f->n && at < end; at += sector) {
        struct unit u = { .kind = DOUBT_SECTOR, .id = id, .sector = at / sector };

        for (size_t i = 0; i < f->n; i++) u.n += crash_touches(&m->disk, &f->changes[i], at, at + sector);
        add_unit(m, u);
    }
    add_unit(m, (struct unit){ .kind = DOUBT_SIZE, .id = id, .n = (unsigned)sizes_of(m, f, sizes) - 1 });
}

static bool is_named(const struct maker *m, size_t file)
{
    for (size_t i = 0; i < m->disk.trace->n_names; i++)
        for (size_t k = 0; k < m->disk.names[i].n; k++)
            if (m->disk.names[i].values[k].file == (int64_t)file) return true;
    return false;
}

static void find_units(struct maker *m)
{
    m->n = 0;
    for (size_t i = 0; i < m->disk.n_files; i++)
        if (m->disk.files[i].n && is_named(m, i)) file_units(m, i);
    for (size_t i = 0; i < m->disk.trace->n_names; i++)
        add_unit(m, (struct unit){ .kind = DOUBT_NAME, .id = i, .n = (unsigned)m->disk.names[i].n - 1 });
}

static void choose(struct maker *m, bool all)
{
    for (size_t i = 0; i < m->n; i++) m->units[i].choice = all ? m->units[i].n : 0;
}

static struct unit *find_unit(struct maker *m, enum doubt kind, size_t id)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->units[i].kind == kind && m->units[i].id == id) return &m->units[i];
    return NULL;
}

/* A renamed file is never lost: where the new name is not there yet, the old one is. */
static void keep_renamed(struct maker *m)
{
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < m->n; i++) {
            struct unit *u = &m->units[i], *to;
            const struct crash_value *v;

            if (u->kind != DOUBT_NAME) continue;
            v = m->disk.names[u->id].values;
            for (unsigned k = 1; k <= u->choice; k++) {
                if (v[k].to < 0) continue;
                to = find_unit(m, DOUBT_NAME, (size_t)v[k].to);
                if (to && m->disk.names[to->id].values[to->choice].op < v[k].op) {
                    u->choice = k - 1;
                    again = true;
                }
            }
        }
    }
}

/* --- a state ------------------------------------------------------------------------------------------- */

static void fill(const struct maker *m, char *p, uint64_t n)
{
    const struct buf *old = &m->disk.trace->bytes;

    memset(p, 0, n);
    for (uint64_t at = 0; m->plan->stale && old->n && at < n; at += m->plan->sector) {
        uint64_t from = at * 7 % old->n, part = old->n - from < n - at ? old->n - from : n - at;

        memcpy(p + at, old->p + from, part < m->plan->sector ? part : m->plan->sector);
    }
}

static void build_file(struct maker *m, size_t id, int64_t tear, struct buf *out)
{
    const struct crash_file *f = &m->disk.files[id];
    const struct unit *size_unit = find_unit(m, DOUBT_SIZE, id);
    uint64_t sizes[SIZES_MAX], size = f->size, sector = m->plan->sector;

    if (f->n == 0) size = f->base.n;
    else if (size_unit) sizes_of(m, f, sizes), size = sizes[size_unit->choice];
    else size = f->base.n;
    if (tear >= 0) size = (uint64_t)tear;
    buf_clear(out);
    fill(m, buf_room(out, size + 1), size);
    out->n = size;
    if (size && f->base.n) memcpy(out->p, f->base.p, size < f->base.n ? size : f->base.n);
    for (size_t i = 0; i < m->n; i++) {
        const struct unit *u = &m->units[i];
        uint64_t from = u->sector * sector, to = from + sector > size ? size : from + sector;
        unsigned left = u->choice;

        if (u->kind != DOUBT_SECTOR || u->id != id || from >= size) continue;
        for (size_t k = 0; k < f->n && left; k++) {
            if (!crash_touches(&m->disk, &f->changes[k], from, from + sector)) continue;
            crash_apply(&m->disk, &f->changes[k], from, to, out->p + from);
            left--;
        }
    }
}

static bool has_parents(struct maker *m, size_t name)
{
    int64_t parent = m->disk.names[name].parent;
    const struct unit *u;

    if (parent < 0 || !crash_dir_is_made(&m->disk, (size_t)parent)) return true;
    u = find_unit(m, DOUBT_NAME, (size_t)parent);
    if (m->disk.names[parent].values[u ? u->choice : 0].file != TRACE_DIR) return false;
    return has_parents(m, (size_t)parent);
}

static struct crash_image_file *image_file(struct crash_image *g)
{
    if (g->n == g->cap) {
        size_t was = g->cap;

        g->cap = was ? was * 2 : 16;
        g->files = mem_realloc(g->files, g->cap * sizeof *g->files);
        memset(g->files + was, 0, (g->cap - was) * sizeof *g->files);
    }
    return &g->files[g->n++];
}

/* True when the state with this hash is new. */
static bool is_new(struct maker *m, uint64_t hash)
{
    size_t at;

    if (m->n_seen * 2 >= m->cap_seen) {
        uint64_t *was = m->seen;
        size_t cap = m->cap_seen;

        m->cap_seen = cap ? cap * 2 : 1024;
        m->seen = mem_zalloc(m->cap_seen * sizeof *m->seen);
        m->n_seen = 0;
        for (size_t i = 0; i < cap; i++)
            if (was[i]) is_new(m, was[i]);
        mem_free(was);
    }
    hash |= 1;
    for (at = (size_t)(hash >> 7) % m->cap_seen; m->seen[at]; at = (at + 1) % m->cap_seen)
        if (m->seen[at] == hash) return false;
    m->seen[at] = hash;
    m->n_seen++;
    return true;
}

static void tell_state(struct maker *m, const char *kind, int64_t torn_file, int64_t tear)
{
    char *p = m->image.how, *end = p + sizeof m->image.how;
    size_t told = 0;

    p += snprintf(p, (size_t)(end - p), "%s, sectors of %u:", kind, m->plan->sector);
    if (tear >= 0) p += snprintf(p, (size_t)(end - p), " file %" PRId64 " ends at %" PRId64, torn_file, tear);
    for (size_t i = 0; i < m->n && told < 4 && p < end - 40; i++) {
        const struct unit *u = &m->units[i];

        if (u->choice == u->n) continue;
        told++;
        if (u->kind == DOUBT_SECTOR)
            p += snprintf(p, (size_t)(end - p), " file %zu sector %" PRIu64 " is %u/%u", u->id, u->sector, u->choice, u->n);
        else
            p += snprintf(p, (size_t)(end - p), " %s %zu is %u/%u", u->kind == DOUBT_SIZE ? "size of file" : "name",
                          u->id, u->choice, u->n);
    }
}

/* The state as chosen; torn_file, when it is not -1, ends at tear. */
static void make(struct maker *m, const char *kind, bool whole, int64_t torn_file, int64_t tear)
{
    struct crash_image *g = &m->image;
    uint64_t hash = crc64(m->disk.report.appendonly, &m->disk.report.kept, sizeof m->disk.report.kept);

    if (m->stopped) return;
    keep_renamed(m);
    g->n = 0;
    for (size_t i = 0; i < m->disk.trace->n_names; i++) {
        const struct unit *u = find_unit(m, DOUBT_NAME, i);
        int64_t file = m->disk.names[i].values[u ? u->choice : 0].file;
        struct crash_image_file *f;

        if (file == TRACE_NONE || !has_parents(m, i)) continue;
        f = image_file(g);
        f->path = m->disk.trace->names[i].path;
        f->is_dir = file == TRACE_DIR;
        buf_clear(&f->bytes);
        if (!f->is_dir) build_file(m, (size_t)file, file == torn_file ? tear : -1, &f->bytes);
        hash = crc64(hash, f->path, strlen(f->path) + 1);
        hash = crc64(hash, &f->bytes.n, sizeof f->bytes.n);
        hash = crc64(hash, f->bytes.p, f->bytes.n);
    }
    if (whole) hash = crc64(hash, &m->disk.report.kept_by_kill, sizeof m->disk.report.kept_by_kill);
    if (!is_new(m, hash)) return;
    g->whole = whole;
    g->at = m->disk.at;
    g->report = m->disk.report;
    tell_state(m, kind, torn_file, tear);
    m->count->states++;
    m->stopped = !m->fn(m->arg, g);
}

/* --- which states -------------------------------------------------------------------------------------- */

/* A sector alone says nothing behind the end of its file: the size comes with it. */
static void with_size(struct maker *m, const struct unit *u)
{
    struct unit *s = u->kind == DOUBT_SECTOR ? find_unit(m, DOUBT_SIZE, u->id) : NULL;
    uint64_t sizes[SIZES_MAX], want = (u->sector + 1) * m->plan->sector;

    if (!s || s->choice > 0) return;
    sizes_of(m, &m->disk.files[u->id], sizes);
    while (s->choice < s->n && sizes[s->choice] < want) s->choice++;
}

static void singles(struct maker *m, bool all)
{
    for (size_t i = 0; i < m->n; i++)
        for (unsigned v = 0; v <= m->units[i].n; v++) {
            if (v == (all ? m->units[i].n : 0)) continue;
            choose(m, all);
            m->units[i].choice = v;
            if (!all) with_size(m, &m->units[i]);
            make(m, all ? "all but one" : "one alone", false, -1, -1);
        }
}

static void pair(struct maker *m, size_t i, size_t k, bool all)
{
    choose(m, all);
    m->units[i].choice = all ? 0 : m->units[i].n;
    m->units[k].choice = all ? 0 : m->units[k].n;
    if (!all) with_size(m, &m->units[i]), with_size(m, &m->units[k]);
    make(m, all ? "all but two" : "two alone", false, -1, -1);
}

static void pairs(struct maker *m)
{
    struct rng *r = m->plan->rng;

    if (m->n < 2) return;
    if (m->n * (m->n - 1) <= m->plan->pairs) {
        for (size_t i = 0; i < m->n; i++)
            for (size_t k = 0; k < i; k++) pair(m, i, k, true), pair(m, i, k, false);
        return;
    }
    for (size_t done = 0; done < m->plan->pairs; done++) {
        size_t i = (size_t)rng_below(r, m->n), k = (size_t)rng_below(r, m->n - 1);

        pair(m, i, k + (k >= i), rng_below(r, 2));
    }
}

static void tears(struct maker *m)
{
    for (size_t i = 0; i < m->n; i++) {
        size_t id = m->units[i].id;
        const struct crash_file *f = &m->disk.files[id];
        uint64_t from, n;

        if (m->units[i].kind != DOUBT_SIZE || f->size <= f->base.n) continue;
        from = (f->size - 1) / m->plan->sector * m->plan->sector;
        if (from < f->base.n) from = f->base.n;
        n = f->size - from;
        for (size_t k = 0; k < n && k < m->plan->tears; k++) {
            uint64_t at = n <= m->plan->tears ? k : rng_below(m->plan->rng, n);

            choose(m, true);
            make(m, "torn tail", false, (int64_t)id, (int64_t)(from + at));
        }
    }
}

static void samples(struct maker *m)
{
    struct rng *r = m->plan->rng;

    for (size_t i = 0; m->n && i < m->plan->samples; i++) {
        unsigned odds = 1 + (unsigned)rng_below(r, 4); /* some states lack much, some little */

        for (size_t k = 0; k < m->n; k++) {
            struct unit *u = &m->units[k];

            u->choice = rng_below(r, odds + 1) ? u->n : (unsigned)rng_below(r, u->n + 1);
        }
        make(m, "random", false, -1, -1);
    }
}

static void states_here(struct maker *m)
{
    m->count->places++;
    find_units(m);
    choose(m, true);
    make(m, "all", true, -1, -1);
    choose(m, false);
    make(m, "nothing", false, -1, -1);
    singles(m, true);
    singles(m, false);
    pairs(m);
    tears(m);
    samples(m);
}

bool crash_states_each(const struct trace *t, const struct crash_plan *plan,
                       bool (*fn)(void *arg, const struct crash_image *image), void *arg, struct crash_count *count)
{
    struct maker m = { .plan = plan, .fn = fn, .arg = arg, .count = count };

    crash_disk_init(&m.disk, t);
    m.disk.report = plan->first;
    for (;;) {
        const struct trace_op *next = m.disk.at < t->n ? &t->ops[m.disk.at] : NULL;
        bool here = m.disk.at == 0 ? false : !next || next->kind != TRACE_REPORT;

        if (here && next && plan->every > 1) here = rng_below(plan->rng, plan->every) == 0;
        if (here) states_here(&m);
        if (!next || m.stopped) break;
        crash_disk_step(&m.disk);
    }
    for (size_t i = 0; i < m.image.cap; i++) buf_fini(&m.image.files[i].bytes);
    mem_free(m.image.files);
    mem_free(m.units);
    mem_free(m.seen);
    crash_disk_fini(&m.disk);
    return !m.stopped;
}

void crash_image_put(const struct crash_image *g, struct memfs *fs)
{
    memfs_init(fs);
    for (size_t i = 0; i < g->n; i++) {
        if (g->files[i].is_dir) memfs_put_dir(fs, g->files[i].path);
        else memfs_put(fs, g->files[i].path, buf_str(&g->files[i].bytes));
    }
}
