/* aggregate_group.c -- GROUPBY: rows with the same values are one group. A list among the values puts the row into a group for each
 * of its items. */
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

static void table_put(struct step *s, struct group *group)
{
    size_t i = group->hash & (s->cap_table - 1);

    while (s->table[i] != NULL) i = (i + 1) & (s->cap_table - 1);
    s->table[i] = group;
}

static bool table_grow(struct aggregate *g, struct step *s)
{
    size_t cap = s->cap_table > 0 ? s->cap_table * 2 : 16;

    if (!aggregate_count(g, (cap - s->cap_table) * 2 * sizeof *s->table)) return false;
    mem_free(s->table);
    s->table = mem_zalloc(cap * sizeof *s->table);
    s->cap_table = cap;
    s->groups = mem_realloc(s->groups, cap * sizeof *s->groups);
    for (size_t i = 0; i < s->n_groups; i++) table_put(s, s->groups[i]);
    return true;
}

/* The group of keys, made where there is none. NULL: there is no room; g->error is set. */
static struct group *group_of(struct aggregate *g, struct step *s, const struct datum *keys)
{
    uint64_t hash = hash_keys(g, keys, s->n_keys);
    size_t bytes = 0, size = sizeof(struct group) + s->n_reducers * sizeof(union reduce_state);
    struct group *group;

    for (size_t i = hash & (s->cap_table - 1); s->cap_table > 0 && s->table[i] != NULL; i = (i + 1) & (s->cap_table - 1))
        if (s->table[i]->hash == hash && same_keys(s->table[i]->keys, keys, s->n_keys)) return s->table[i];
    if (s->n_groups * 4 >= s->cap_table * 3 && !table_grow(g, s)) return NULL;
    group = arena_alloc(&g->keep, size);
    memset(group, 0, size);
    group->hash = hash;
    group->keys = datum_keep(keys, s->n_keys, &g->keep, &bytes);
    if (!aggregate_count(g, size + bytes)) return NULL; /* the arena has it */
    s->groups[s->n_groups++] = group;
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
    struct group *group;

    if (s->next == s->n_groups) return false;
    group = s->groups[s->next++];
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
    for (size_t i = 0; i < s->n_groups; i++)
        for (uint32_t k = 0; k < s->n_reducers; k++) reduce_fini(&s->reducers[k], &s->groups[i]->states[k]);
    mem_free(s->groups);
    mem_free(s->table);
}
