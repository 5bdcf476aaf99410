/* aggregate_group.c -- GROUPBY: rows with the same values are one group. A list among the values puts the row into a group for each
 * of its items.
 *
 * The table grows by one bucket at a time, which takes what belongs there out of one other (Litwin 1980), and lies in segments: with a
 * million groups there is nothing that has to be moved in one piece. */
#include "base/mem.h"
#include "search/aggregate_impl.h"

enum { GROUPS_OF_ROW_MAX = 1024 };

static uint64_t hash_keys(const struct aggregate *g, const struct datum *keys, uint32_t n)
{
    uint64_t h = n;

    for (uint32_t i = 0; i < n; i++) h = (h ^ datum_hash(&keys[i], &g->conf.hash)) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static bool same_keys(const struct datum *a, const struct datum *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].kind != b[i].kind || !datum_equal(&a[i], &b[i])) return false;
    return true;
}

/* The largest power of two that is not above n. */
static size_t power_below(size_t n)
{
    return (size_t)1 << (63 - __builtin_clzll(n));
}

static struct group **bucket(const struct step *s, size_t i)
{
    return &s->buckets[i / GROUP_SEGMENT][i % GROUP_SEGMENT];
}

static struct group **bucket_of(const struct step *s, uint64_t hash)
{
    size_t half = power_below(s->n_buckets), i = hash & (2 * half - 1);

    return bucket(s, i < s->n_buckets ? i : i - half);
}

static bool add_segment(struct aggregate *g, struct step *s)
{
    size_t i = s->n_buckets / GROUP_SEGMENT;

    if (!aggregate_count(g, GROUP_SEGMENT * sizeof(struct group *))) return false;
    if (i == s->cap_segments) {
        s->cap_segments = i > 0 ? 2 * i : 4;
        s->buckets = mem_realloc(s->buckets, s->cap_segments * sizeof *s->buckets);
    }
    s->buckets[i] = mem_zalloc(GROUP_SEGMENT * sizeof **s->buckets);
    return true;
}

/* One bucket more. */
static bool table_grow(struct aggregate *g, struct step *s)
{
    size_t i = s->n_buckets, half = i > 0 ? power_below(i) : 0;
    struct group **from, **to;

    if (i % GROUP_SEGMENT == 0 && !add_segment(g, s)) return false;
    s->n_buckets++;
    if (i == 0) return true;
    from = bucket(s, i - half);
    to = bucket(s, i);
    while (*from != NULL) {
        struct group *group = *from;

        if ((group->hash & (2 * half - 1)) != i) {
            from = &group->next;
            continue;
        }
        *from = group->next;
        group->next = *to;
        *to = group;
    }
    return true;
}

static void table_put(struct step *s, struct group *group)
{
    struct group **b = bucket_of(s, group->hash);

    group->next = *b;
    *b = group;
    if (s->last_group != NULL) s->last_group->later = group;
    else s->first_group = group;
    s->last_group = group;
    s->n_groups++;
}

/* The group of keys, made where there is none. NULL: there is no room; g->error is set. */
static struct group *group_of(struct aggregate *g, struct step *s, const struct datum *keys)
{
    uint64_t hash = hash_keys(g, keys, s->n_keys);
    size_t bytes = 0, size = sizeof(struct group) + s->n_reducers * sizeof(union reduce_state);
    struct group *group;

    for (group = s->n_buckets > 0 ? *bucket_of(s, hash) : NULL; group != NULL; group = group->next)
        if (group->hash == hash && same_keys(group->keys, keys, s->n_keys)) return group;
    if (s->n_groups >= s->n_buckets && !table_grow(g, s)) return NULL;
    group = arena_alloc(&g->keep, size);
    memset(group, 0, size);
    group->hash = hash;
    group->keys = datum_keep(keys, s->n_keys, &g->keep, &bytes);
    if (!aggregate_count(g, size + bytes)) return NULL; /* the arena has it */
    table_put(s, group);
    return group;
}

static bool add_row(struct aggregate *g, struct step *s, const struct datum *keys, const struct passing *row)
{
    struct group *group = group_of(g, s, keys);
    size_t before = g->world.bytes;

    if (group == NULL) return false;
    for (uint32_t i = 0; i < s->n_reducers; i++) reduce_add(&s->reducers[i], &group->states[i], row->values, row->n, &g->world);
    return aggregate_count(g, g->world.bytes - before);
}

bool group_take(struct aggregate *g, struct step *s, const struct passing *row)
{
    struct datum *keys = arena_zalloc(&g->scratch, s->n_keys + 1, sizeof *keys);
    size_t ways = 1;

    for (uint32_t i = 0; i < s->n_keys; i++) {
        if (s->keys[i].column >= row->n) continue;
        keys[i] = row->values[s->keys[i].column];
        if (keys[i].kind == DATUM_LIST && keys[i].n > 0) ways *= keys[i].n;
        if (keys[i].kind == DATUM_LIST && keys[i].n == 0) keys[i] = (struct datum){ .kind = DATUM_NULL };
        if (ways > GROUPS_OF_ROW_MAX) ways = GROUPS_OF_ROW_MAX;
    }
    for (size_t way = 0; way < ways; way++) {
        struct datum *one = ways > 1 ? arena_zalloc(&g->scratch, s->n_keys + 1, sizeof *one) : keys;
        size_t rest = way;

        for (uint32_t i = 0; i < s->n_keys; i++) {
            if (keys[i].kind != DATUM_LIST) {
                one[i] = keys[i];
                continue;
            }
            uint32_t n = keys[i].n;

            one[i] = keys[i].u.items[rest % n];
            rest /= n;
        }
        if (!add_row(g, s, one, row)) return false;
    }
    return true;
}

bool group_give(struct aggregate *g, struct step *s)
{
    struct group *group = s->next_group;

    if (group == NULL) return false;
    s->next_group = group->later;
    g->row.n = 0;
    g->row.doc = UINT32_MAX;
    row_widen(&g->row, s->n_keys + s->n_reducers);
    memcpy(g->row.values, group->keys, s->n_keys * sizeof *group->keys);
    for (uint32_t i = 0; i < s->n_reducers; i++)
        g->row.values[s->n_keys + i] = reduce_value(&s->reducers[i], &group->states[i], &g->scratch);
    return true;
}

void group_fini(struct step *s)
{
    for (struct group *group = s->first_group; group != NULL; group = group->later)
        for (uint32_t k = 0; k < s->n_reducers; k++) reduce_fini(&s->reducers[k], &group->states[k]);
    for (size_t i = 0; i * GROUP_SEGMENT < s->n_buckets; i++) mem_free(s->buckets[i]);
    mem_free(s->buckets);
}
