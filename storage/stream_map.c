/* stream_map.c -- see stream_map.h. */
#include "storage/stream_map.h"

#include "base/ensure.h"
#include "base/mem.h"

enum { RUN_BYTES = 2560, RUN_START = 64 };

static struct stream_run *run_at(const struct stream_map *m, size_t i)
{
    return m->runs != NULL ? &m->runs[m->head + i] : (struct stream_run *)&m->one;
}

static unsigned char *record(const struct stream_map *m, const struct stream_run *r, size_t at)
{
    return r->p + (r->off + at) * m->width;
}

static struct stream_id id_of(const void *rec)
{
    struct stream_id id;

    memcpy(&id, rec, sizeof id);
    return id;
}

static uint16_t run_max(const struct stream_map *m)
{
    return (uint16_t)(RUN_BYTES / m->width);
}

void stream_map_init(struct stream_map *m, uint32_t width, size_t *mem)
{
    ensure(width >= sizeof(struct stream_id) && width <= RUN_BYTES / 8);
    *m = (struct stream_map){ .width = width, .mem = mem };
}

static void *allocate(const struct stream_map *m, size_t n)
{
    void *p = mem_alloc(n);

    if (m->mem) *m->mem += mem_usable(p);
    return p;
}

static void give_back(const struct stream_map *m, void *p)
{
    if (p && m->mem) *m->mem -= mem_usable(p);
    mem_free(p);
}

void stream_map_fini(struct stream_map *m)
{
    if (m->cut != NULL) {
        if (m->mem) *m->mem -= stream_map_bytes(m);
        m->cut->own = *m;
        m->cut->own.mem = NULL;
        m->cut->map = &m->cut->own;
        stream_map_init(m, m->width, m->mem);
        return;
    }
    for (size_t i = 0; i < m->n_runs; i++) give_back(m, run_at(m, i)->p);
    give_back(m, m->runs);
    stream_map_init(m, m->width, m->mem);
}

/* --- looking up ------------------------------------------------------------------------------- */

/* The last run that begins at or below id; the first when none does. There is a run. */
static size_t find_run(const struct stream_map *m, struct stream_id id)
{
    size_t lo = 0, hi = m->n_runs - 1;

    if (stream_id_cmp(run_at(m, hi)->low, id) <= 0) return hi;
    while (lo < hi) { /* runs below lo begin at or below id, the one at hi begins above it */
        size_t mid = lo + (hi - lo) / 2;
        if (stream_id_cmp(run_at(m, mid)->low, id) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 ? lo - 1 : 0;
}

/* The first record of the run at or above id: its place, n when there is none. */
static size_t find_in_run(const struct stream_map *m, const struct stream_run *r, struct stream_id id)
{
    size_t lo = 0, hi = r->n;

    if (stream_id_cmp(id_of(record(m, r, hi - 1)), id) < 0) return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (stream_id_cmp(id_of(record(m, r, mid)), id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void *stream_map_find(const struct stream_map *m, struct stream_id id)
{
    const struct stream_run *r;
    size_t at;

    if (m->count == 0) return NULL;
    r = run_at(m, find_run(m, id));
    at = find_in_run(m, r, id);
    if (at == r->n || stream_id_cmp(id_of(record(m, r, at)), id) != 0) return NULL;
    return record(m, r, at);
}

void *stream_map_first(const struct stream_map *m)
{
    return m->count > 0 ? record(m, run_at(m, 0), 0) : NULL;
}

void *stream_map_last(const struct stream_map *m)
{
    const struct stream_run *r;

    if (m->count == 0) return NULL;
    r = run_at(m, m->n_runs - 1);
    return record(m, r, r->n - 1u);
}

static void *at_place(const struct stream_map *m, const struct stream_pos *at)
{
    return record(m, run_at(m, at->run), at->at);
}

void *stream_map_step(const struct stream_map *m, struct stream_pos *at, bool down)
{
    if (down) {
        if (at->at == 0) {
            if (at->run == 0) return NULL;
            at->run--;
            at->at = run_at(m, at->run)->n;
        }
        at->at--;
        return at_place(m, at);
    }
    if (++at->at >= run_at(m, at->run)->n) {
        if (at->run + 1 >= m->n_runs) return NULL;
        at->run++;
        at->at = 0;
    }
    return at_place(m, at);
}

void *stream_map_seek(const struct stream_map *m, struct stream_id id, bool down, struct stream_pos *at)
{
    const struct stream_run *r;

    if (m->count == 0) return NULL;
    at->run = (uint32_t)find_run(m, id);
    r = run_at(m, at->run);
    at->at = (uint32_t)find_in_run(m, r, id);
    if (at->at < r->n && stream_id_cmp(id_of(at_place(m, at)), id) == 0) return at_place(m, at);
    if (down) return stream_map_step(m, at, true);
    if (at->at < r->n) return at_place(m, at);
    at->at = r->n - 1u;
    return stream_map_step(m, at, false);
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Move the used records of a run to the front of room for cap. */
static void run_resize(const struct stream_map *m, struct stream_run *r, size_t cap)
{
    size_t bytes = mem_good_size(cap * m->width);
    unsigned char *p = allocate(m, bytes);

    if (r->n > 0) memcpy(p, record(m, r, 0), (size_t)r->n * m->width);
    give_back(m, r->p);
    r->p = p;
    r->off = 0;
    cap = bytes / m->width;
    r->cap = (uint16_t)(cap < run_max(m) ? cap : run_max(m));
}

static void run_grow(const struct stream_map *m, struct stream_run *r)
{
    size_t cap = r->cap > 0 ? r->cap + r->cap / 2u + 1 : (RUN_START + m->width - 1) / m->width;

    run_resize(m, r, cap < run_max(m) ? cap : run_max(m));
}

/* Make a place for another run at i of the directory. */
static struct stream_run *add_run(struct stream_map *m, size_t i)
{
    struct stream_run *at;

    if (m->n_runs == 0) {
        ensure(m->runs == NULL);
        m->n_runs = 1;
        m->one = (struct stream_run){ .p = NULL };
        return &m->one;
    }
    if (m->runs == NULL) {
        m->cap = 4;
        m->runs = allocate(m, m->cap * sizeof *m->runs);
        m->head = 0;
        m->runs[0] = m->one;
    } else if (m->head + m->n_runs == m->cap) {
        if (m->head > m->cap / 2) {
            memmove(m->runs, m->runs + m->head, m->n_runs * sizeof *m->runs);
        } else {
            struct stream_run *more;
            m->cap = m->n_runs * 2;
            more = allocate(m, m->cap * sizeof *more);
            memcpy(more, m->runs + m->head, m->n_runs * sizeof *more);
            give_back(m, m->runs);
            m->runs = more;
        }
        m->head = 0;
    }
    at = &m->runs[m->head + i];
    memmove(at + 1, at, (m->n_runs - i) * sizeof *at);
    m->n_runs++;
    *at = (struct stream_run){ .p = NULL };
    return at;
}

static void remove_run(struct stream_map *m, size_t i)
{
    give_back(m, run_at(m, i)->p);
    m->n_runs--;
    if (m->runs == NULL) return;
    if (i == 0) {
        m->head++;
    } else {
        struct stream_run *at = &m->runs[m->head + i];
        memmove(at, at + 1, (m->n_runs - i) * sizeof *at);
    }
    if (m->n_runs > 1) return;
    if (m->n_runs == 1) m->one = m->runs[m->head];
    give_back(m, m->runs);
    m->runs = NULL;
    m->cap = m->head = 0;
}

/* Give the upper half of the full run i to a new one behind it. */
static void split(struct stream_map *m, size_t i)
{
    struct stream_run *up = add_run(m, i + 1), *r = run_at(m, i);
    struct stream_run half = *r;
    uint16_t keep = r->n / 2;

    half.off = (uint16_t)(r->off + keep);
    half.n = (uint16_t)(r->n - keep);
    half.p = r->p;
    up->n = half.n;
    up->p = allocate(m, mem_good_size((size_t)run_max(m) * m->width));
    up->cap = run_max(m);
    memcpy(up->p, record(m, &half, 0), (size_t)half.n * m->width);
    up->low = id_of(up->p);
    r->n = keep;
}

/* --- changing --------------------------------------------------------------------------------- */

static inline void before_change(struct stream_map *m, struct stream_id id)
{
    if (UNLIKELY(m->cut != NULL)) stream_map_keep(m, id);
}

/* Open a place for a record before `at` of run r, which is not at run_max. */
static unsigned char *open_place(struct stream_map *m, struct stream_run *r, size_t at)
{
    if (r->off + r->n == r->cap) {
        if (at == 0 && r->off > 0) {
            r->off--;
            r->n++;
            return record(m, r, 0);
        }
        if (r->off > r->cap / 4 || r->cap == run_max(m)) {
            ensure(r->p != NULL);
            memmove(r->p, record(m, r, 0), (size_t)r->n * m->width);
            r->off = 0;
        } else {
            run_grow(m, r);
        }
    }
    memmove(record(m, r, at + 1), record(m, r, at), (r->n - at) * m->width);
    r->n++;
    return record(m, r, at);
}

/* No room behind the records, and moving them to the front would gain little. */
static bool is_full(const struct stream_map *m, const struct stream_run *r)
{
    return r->cap == run_max(m) && r->off + r->n == r->cap && r->off < r->cap / 4;
}

void *stream_map_put(struct stream_map *m, struct stream_id id, bool *made)
{
    struct stream_run *r;
    size_t i = 0, at = 0;
    unsigned char *rec;

    before_change(m, id);
    if (m->count > 0) {
        i = find_run(m, id);
        r = run_at(m, i);
        at = find_in_run(m, r, id);
        if (at < r->n && stream_id_cmp(id_of(record(m, r, at)), id) == 0) {
            *made = false;
            return record(m, r, at);
        }
        if (at == r->n && i + 1 == m->n_runs && is_full(m, r)) {
            r = add_run(m, ++i); /* behind the last: this run stays full */
            at = 0;
        } else if (r->n == run_max(m)) {
            split(m, i);
            if (at > run_at(m, i)->n) at -= run_at(m, i++)->n;
            r = run_at(m, i);
        }
    } else {
        r = add_run(m, 0);
    }
    rec = open_place(m, r, at);
    memset(rec, 0, m->width);
    memcpy(rec, &id, sizeof id);
    if (at == 0) r->low = id;
    m->count++;
    *made = true;
    return rec;
}

/* Put what is left of two thin neighbours into one. */
static void merge(struct stream_map *m, size_t i)
{
    struct stream_run *r = run_at(m, i), *up = run_at(m, i + 1);
    size_t n = (size_t)r->n + up->n;

    if (n > run_max(m) / 2) return;
    if (n > r->cap) {
        run_resize(m, r, n);
    } else if (r->off + n > r->cap) {
        memmove(r->p, record(m, r, 0), (size_t)r->n * m->width);
        r->off = 0;
    }
    memcpy(record(m, r, r->n), record(m, up, 0), (size_t)up->n * m->width);
    r->n = (uint16_t)n;
    remove_run(m, i + 1);
}

static void remove_at(struct stream_map *m, size_t i, size_t at)
{
    struct stream_run *r = run_at(m, i);

    m->count--;
    if (at == 0)
        r->off++;
    else
        memmove(record(m, r, at), record(m, r, at + 1), (r->n - at - 1) * m->width);
    if (--r->n == 0) {
        remove_run(m, i);
        return;
    }
    r->low = id_of(record(m, r, 0));
    if (r->n >= run_max(m) / 4) return;
    if (i + 1 < m->n_runs && i > 0) {
        merge(m, i);
    } else if (i > 0) {
        merge(m, i - 1);
    } else if (m->n_runs == 1 && r->cap > 8 && r->n < r->cap / 4) {
        run_resize(m, r, r->cap / 2u);
    }
}

bool stream_map_remove(struct stream_map *m, struct stream_id id)
{
    const struct stream_run *r;
    size_t i, at;

    if (m->count == 0) return false;
    before_change(m, id);
    i = find_run(m, id);
    r = run_at(m, i);
    at = find_in_run(m, r, id);
    if (at == r->n || stream_id_cmp(id_of(record(m, r, at)), id) != 0) return false;
    remove_at(m, i, at);
    return true;
}

void stream_map_drop_first(struct stream_map *m)
{
    if (UNLIKELY(m->cut != NULL)) stream_map_keep(m, id_of(record(m, run_at(m, 0), 0)));
    remove_at(m, 0, 0);
}

/* --- the whole -------------------------------------------------------------------------------- */

void stream_map_dup(struct stream_map *to, const struct stream_map *m, size_t *mem)
{
    *to = *m;
    to->mem = mem;
    to->cut = NULL;
    to->head = 0;
    to->cap = 0;
    if (m->runs != NULL) {
        to->cap = m->n_runs;
        to->runs = allocate(to, m->n_runs * sizeof *m->runs);
        memcpy(to->runs, m->runs + m->head, m->n_runs * sizeof *m->runs);
    }
    for (size_t i = 0; i < to->n_runs; i++) {
        struct stream_run *r = run_at(to, i);
        const struct stream_run *old = run_at(m, i);

        r->p = NULL;
        r->n = 0;
        run_resize(to, r, old->n);
        memcpy(r->p, record(m, old, 0), (size_t)old->n * m->width);
        r->n = old->n;
    }
}

size_t stream_map_bytes(const struct stream_map *m)
{
    size_t n = m->runs != NULL ? mem_usable(m->runs) : 0;

    for (size_t i = 0; i < m->n_runs; i++) n += mem_usable(run_at(m, i)->p);
    return n;
}

size_t stream_map_runs(const struct stream_map *m)
{
    return m->n_runs;
}

void stream_map_check(const struct stream_map *m)
{
    struct stream_id before = { 0, 0 };
    size_t seen = 0;

    ensure(m->n_runs > 0 || m->runs == NULL);
    ensure(m->runs == NULL || m->n_runs > 1);
    ensure(m->head + m->n_runs <= m->cap || m->runs == NULL);
    for (size_t i = 0; i < m->n_runs; i++) {
        const struct stream_run *r = run_at(m, i);

        ensure(r->n > 0 && r->off + r->n <= r->cap && r->cap <= run_max(m));
        ensure(mem_usable(r->p) >= (size_t)r->cap * m->width);
        ensure(stream_id_cmp(r->low, id_of(record(m, r, 0))) == 0);
        for (size_t j = 0; j < r->n; j++, seen++) {
            struct stream_id id = id_of(record(m, r, j));
            ensure(seen == 0 || stream_id_cmp(before, id) < 0);
            before = id;
        }
    }
    ensure(seen == m->count);
}
