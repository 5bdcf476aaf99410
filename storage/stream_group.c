/* stream_group.c -- groups, their consumers, and what is pending.
 *
 * A group keeps what is pending in one map, with the delivery's time, count and consumer; each consumer
 * keeps the IDs of its own in another. Groups and consumers lie in arrays in order of names: they are
 * few, and are looked up far more often than made. */
#include "base/ensure.h"
#include "base/mem.h"
#include "storage/stream_edit.h"

/* --- arrays in order of names ----------------------------------------------------------------- */

/* Where name is, or belongs, among n names. */
static size_t find_name(struct str (*name_of)(const void *array, size_t i), const void *array, size_t n,
                        struct str name, bool *there)
{
    size_t lo = 0, hi = n;

    *there = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = str_cmp(name_of(array, mid), name);
        if (order == 0) *there = true;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct str group_name(const void *array, size_t i)
{
    const struct stream_group *g = ((struct stream_group *const *)array)[i];
    return str_of(g->name, g->name_n);
}

static struct str consumer_name(const void *array, size_t i)
{
    const struct stream_consumer *c = ((struct stream_consumer *const *)array)[i];
    return str_of(c->name, c->name_n);
}

static size_t find_group(const struct stream *s, struct str name, bool *there)
{
    return find_name(group_name, s->groups, s->n_groups, name, there);
}

static size_t find_consumer(const struct stream_group *g, struct str name, bool *there)
{
    return find_name(consumer_name, g->consumers, g->n_consumers, name, there);
}

/* What an allocation takes; none takes nothing. */
static size_t taken(const void *p)
{
    return p ? mem_usable(p) : 0;
}

/* Make a place at i in an array of n pointers, whose memory is counted in *mem. */
static void **open_slot(void *array, size_t *n, size_t *cap, size_t i, size_t *mem)
{
    void **p = array;

    if (*n == *cap) {
        *mem -= taken(p);
        *cap = *cap > 0 ? *cap + *cap / 2 + 1 : 1;
        p = mem_realloc(p, *cap * sizeof *p);
        *mem += taken(p);
    }
    memmove(p + i + 1, p + i, (*n - i) * sizeof *p);
    ++*n;
    return p;
}

static void close_slot(void *array, size_t *n, size_t i)
{
    void **p = array;

    memmove(p + i, p + i + 1, (*n - i - 1) * sizeof *p);
    --*n;
}

/* --- groups ----------------------------------------------------------------------------------- */

const struct stream_group *stream_group(const struct stream *s, struct str name)
{
    bool there;
    size_t i = find_group(s, name, &there);

    return there ? s->groups[i] : NULL;
}

const struct stream_group *stream_group_at(const struct stream *s, size_t i)
{
    return s->groups[i];
}

struct stream_group *stream_make_group(struct stream *s, struct str name, struct stream_id last,
                                       int64_t entries_read)
{
    struct stream_group *g;
    bool there;
    size_t i = find_group(s, name, &there);

    if (there) return NULL;
    g = mem_zalloc(sizeof *g + name.n);
    g->last = last;
    g->entries_read = entries_read;
    g->epoch = UINT64_MAX;
    stream_map_init(&g->pending, sizeof(struct stream_nack), &s->mem);
    s->mem += taken(g);
    g->name_n = name.n;
    if (name.n > 0) memcpy(g->name, name.p, name.n);
    s->groups = (struct stream_group **)open_slot(s->groups, &s->n_groups, &s->cap_groups, i, &s->mem);
    s->groups[i] = g;
    return g;
}

static void free_counted(void *p, size_t *mem)
{
    *mem -= taken(p);
    mem_free(p);
}

static void free_group(struct stream_group *g)
{
    size_t *mem = g->pending.mem;

    for (size_t i = 0; i < g->n_consumers; i++) {
        stream_map_fini(&g->consumers[i]->pending);
        free_counted(g->consumers[i], mem);
    }
    free_counted(g->consumers, mem);
    stream_map_fini(&g->pending);
    free_counted(g, mem);
}

void stream_drop_group(struct stream *s, struct stream_group *g)
{
    bool there;
    size_t i = find_group(s, str_of(g->name, g->name_n), &there);

    ensure(there);
    close_slot(s->groups, &s->n_groups, i);
    free_group(g);
}

void stream_free_groups(struct stream *s)
{
    for (size_t i = 0; i < s->n_groups; i++) free_group(s->groups[i]);
    free_counted(s->groups, &s->mem);
    s->groups = NULL;
    s->n_groups = s->cap_groups = 0;
}

struct stream_group_info stream_group_info(const struct stream *s, const struct stream_group *g)
{
    struct stream_group_info info = {
        .name = str_of(g->name, g->name_n), .last = g->last, .entries_read = g->entries_read,
        .consumers = g->n_consumers, .pending = g->pending.count,
    };
    int64_t read = g->entries_read;

    if (s->added == 0) {
        info.lag_known = true;
        return info;
    }
    /* A deletion behind the group's last ID makes its count of entries read useless. */
    if (read == STREAM_READ_UNKNOWN || stream_deleted_from(s, g->last)) read = stream_count_up_to(s, g->last);
    info.lag_known = read != STREAM_READ_UNKNOWN;
    if (info.lag_known) info.lag = (int64_t)(s->added - (uint64_t)read);
    return info;
}

/* --- consumers -------------------------------------------------------------------------------- */

const struct stream_consumer *stream_consumer(const struct stream_group *g, struct str name)
{
    bool there;
    size_t i = find_consumer(g, name, &there);

    return there ? g->consumers[i] : NULL;
}

const struct stream_consumer *stream_consumer_at(const struct stream_group *g, size_t i)
{
    return g->consumers[i];
}

struct stream_consumer *stream_make_consumer(struct stream_group *g, struct str name, int64_t now_ms)
{
    struct stream_consumer *c;
    bool there;
    size_t i = find_consumer(g, name, &there);

    if (there) return NULL;
    c = mem_zalloc(sizeof *c + name.n);
    c->seen_ms = now_ms;
    c->active_ms = -1;
    stream_map_init(&c->pending, sizeof(struct stream_id), g->pending.mem);
    *g->pending.mem += taken(c);
    c->name_n = name.n;
    if (name.n > 0) memcpy(c->name, name.p, name.n);
    g->consumers = (struct stream_consumer **)open_slot(g->consumers, &g->n_consumers, &g->cap_consumers, i,
                                                        g->pending.mem);
    g->consumers[i] = c;
    return c;
}

void stream_drop_consumer(struct stream_group *g, struct stream_consumer *c)
{
    struct stream_pos at;
    const struct stream_id *id;
    bool there;
    size_t i = find_consumer(g, str_of(c->name, c->name_n), &there);

    ensure(there);
    for (id = stream_map_seek(&c->pending, STREAM_ID_MIN, false, &at); id != NULL;
         id = stream_map_step(&c->pending, &at, false))
        ensure(stream_map_remove(&g->pending, *id));
    stream_map_fini(&c->pending);
    close_slot(g->consumers, &g->n_consumers, i);
    free_counted(c, g->pending.mem);
}

struct stream_consumer_info stream_consumer_info(const struct stream_consumer *c)
{
    return (struct stream_consumer_info){
        .name = str_of(c->name, c->name_n), .seen_ms = c->seen_ms, .active_ms = c->active_ms,
        .pending = c->pending.count,
    };
}

/* --- copies ----------------------------------------------------------------------------------- */

static struct stream_group *dup_group(const struct stream_group *g, size_t *mem)
{
    struct stream_group *to = mem_dup(g, sizeof *g + g->name_n);
    struct stream_nack *nack;
    struct stream_pos at;

    to->epoch = UINT64_MAX;
    *mem += taken(to);
    stream_map_dup(&to->pending, &g->pending, mem);
    to->cap_consumers = g->n_consumers;
    to->consumers = NULL;
    if (g->n_consumers > 0) to->consumers = mem_alloc(g->n_consumers * sizeof *to->consumers);
    *mem += taken(to->consumers);
    for (size_t i = 0; i < g->n_consumers && to->consumers != NULL; i++) {
        const struct stream_consumer *c = g->consumers[i];

        to->consumers[i] = mem_dup(c, sizeof *c + c->name_n);
        *mem += taken(to->consumers[i]);
        stream_map_dup(&to->consumers[i]->pending, &c->pending, mem);
    }
    for (nack = stream_map_seek(&to->pending, STREAM_ID_MIN, false, &at); nack != NULL;
         nack = stream_map_step(&to->pending, &at, false)) {
        bool there;
        size_t i = find_consumer(to, str_of(nack->consumer->name, nack->consumer->name_n), &there);
        ensure(there && to->consumers != NULL);
        nack->consumer = to->consumers[i];
    }
    return to;
}

void stream_dup_groups(struct stream *to, const struct stream *s)
{
    to->groups = NULL;
    to->cap_groups = to->n_groups = s->n_groups;
    if (s->n_groups == 0) return;
    to->groups = mem_alloc(s->n_groups * sizeof *to->groups);
    to->mem += taken(to->groups);
    for (size_t i = 0; i < s->n_groups; i++) to->groups[i] = dup_group(s->groups[i], &to->mem);
}

/* --- what is pending -------------------------------------------------------------------------- */

struct stream_nack *stream_give(struct stream_group *g, struct stream_consumer *c, struct stream_id id)
{
    bool made, ignored;
    struct stream_nack *nack = stream_map_put(&g->pending, id, &made);

    if (nack->consumer == c) return nack;
    if (!made) ensure(stream_map_remove(&nack->consumer->pending, id));
    stream_map_put(&c->pending, id, &ignored);
    nack->consumer = c;
    return nack;
}

bool stream_settle(struct stream_group *g, struct stream_id id)
{
    const struct stream_nack *nack = stream_nack(g, id);

    if (nack == NULL) return false;
    ensure(stream_map_remove(&nack->consumer->pending, id));
    stream_map_remove(&g->pending, id);
    return true;
}

static void tell_nack(struct stream_pending *to, const struct stream_nack *n)
{
    *to = (struct stream_pending){ n->id, str_of(n->consumer->name, n->consumer->name_n), n->delivered_ms,
                                   n->deliveries };
}

void stream_pending_start(struct stream_pending_iter *it, const struct stream_group *g,
                          const struct stream_consumer *c, struct stream_id from, struct stream_id to)
{
    it->g = g;
    it->c = c;
    it->from = from;
    it->to = to;
    it->started = false;
}

bool stream_pending_next(struct stream_pending_iter *it)
{
    const struct stream_map *m = it->c != NULL ? &it->c->pending : &it->g->pending;
    const void *rec = it->started ? stream_map_step(m, &it->at, false)
                                  : stream_map_seek(m, it->from, false, &it->at);
    struct stream_id id;

    it->started = true;
    if (rec == NULL) return false;
    memcpy(&id, rec, sizeof id);
    if (stream_id_cmp(id, it->to) > 0) return false;
    tell_nack(&it->now, it->c != NULL ? stream_nack(it->g, id) : rec);
    return true;
}

bool stream_pending_ends(const struct stream_group *g, struct stream_id *low, struct stream_id *high)
{
    if (g->pending.count == 0) return false;
    memcpy(low, stream_map_first(&g->pending), sizeof *low);
    memcpy(high, stream_map_last(&g->pending), sizeof *high);
    return true;
}

/* --- counting what has been read -------------------------------------------------------------- */

bool stream_deleted_from(const struct stream *s, struct stream_id id)
{
    if (s->length == 0 || stream_id_is_zero(s->max_deleted)) return false;
    if (stream_id_cmp(s->first, s->max_deleted) > 0) return false;
    return stream_id_cmp(id, s->max_deleted) <= 0;
}

/* Known are the counts of the last ID given (all that were added), and, while nothing was deleted among
 * what is there, those of the first entry and of any ID before it. */
int64_t stream_count_up_to(const struct stream *s, struct stream_id id)
{
    int to_last = stream_id_cmp(id, s->last), to_first = stream_id_cmp(id, s->first);

    if (s->added == 0) return 0;
    if (to_last == 0 || (s->length == 0 && to_last < 0)) return (int64_t)s->added;
    if (to_last > 0) return STREAM_READ_UNKNOWN;
    if (!stream_id_is_zero(s->max_deleted) && stream_id_cmp(s->max_deleted, s->first) >= 0)
        return STREAM_READ_UNKNOWN;
    if (to_first < 0) return (int64_t)(s->added - s->length);
    return to_first == 0 ? (int64_t)(s->added - s->length + 1) : STREAM_READ_UNKNOWN;
}

void stream_advance(const struct stream *s, struct stream_group *g, struct stream_id id)
{
    if (g->entries_read != STREAM_READ_UNKNOWN && !stream_deleted_from(s, id))
        g->entries_read = (int64_t)((uint64_t)g->entries_read + 1); /* ENTRIESREAD may have set the greatest */
    else if (s->added > 0)
        g->entries_read = stream_count_up_to(s, id);
    g->last = id;
}

void stream_group_check(const struct stream_group *g)
{
    size_t pending = 0;
    struct stream_pos at;
    const struct stream_id *id;

    stream_map_check(&g->pending);
    for (size_t i = 0; i < g->n_consumers; i++) {
        const struct stream_consumer *c = g->consumers[i];

        ensure(i == 0 || str_cmp(consumer_name(g->consumers, i - 1), consumer_name(g->consumers, i)) < 0);
        stream_map_check(&c->pending);
        pending += c->pending.count;
        for (id = stream_map_seek(&c->pending, STREAM_ID_MIN, false, &at); id != NULL;
             id = stream_map_step(&c->pending, &at, false)) {
            const struct stream_nack *nack = stream_nack(g, *id);
            ensure(nack != NULL && nack->consumer == c);
        }
    }
    ensure(pending == g->pending.count);
}
