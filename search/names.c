/* names.c -- see names.h.
 *
 * The map is open addressing with linear probing. A change of its size makes a new map and moves MOVE slots of the old
 * one with each addition and removal, in the order of slots: [0, moved) of the old map is cut out. A run of used slots
 * that crossed the cut began before it, so whoever would begin before the cut begins at it, and whoever comes to the
 * end goes on at it. What is removed from the old map leaves a mark that lookups pass. */
#include "search/names.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "base/rng.h"

enum { MAP_MIN = 16, MOVE = 32 };
#define GONE UINT64_MAX /* no number is UINT32_MAX - 1 */

struct text {
    uint32_t n;
    char p[];
};

void names_init(struct names *n)
{
    *n = (struct names){ 0 };
    rng_secret(&n->key, sizeof n->key);
    column_init(&n->texts, 0);
}

void names_fini(struct names *n)
{
    for (uint32_t i = 0; i < n->end; i++) mem_free(column_ptr(&n->texts, i));
    column_fini(&n->texts);
    mem_free(n->free);
    mem_free(n->now.slots);
    mem_free(n->old.slots);
    *n = (struct names){ .key = n->key };
}

static inline struct str text_of(const struct names *n, uint32_t id)
{
    const struct text *t = id < n->end ? column_ptr(&n->texts, id) : NULL;

    return t ? str_of(t->p, t->n) : str_of(NULL, 0);
}

struct str names_get(const struct names *n, uint32_t id)
{
    return text_of(n, id);
}

/* --- the map ---------------------------------------------------------------------------------------------------- */

static inline uint32_t hash_of(const struct names *n, struct str s)
{
    return (uint32_t)(hash_quick(&n->key, s) >> 32);
}

static inline size_t next_slot(const struct names_map *m, size_t i, size_t cut)
{
    return i + 1 < m->size ? i + 1 : cut;
}

/* The slot of s, or of a free one; size: there is no map. cut: slots below are not there any more. */
static inline size_t find_in(const struct names *n, const struct names_map *m, uint32_t hash, struct str s, size_t cut)
{
    size_t i = m->size ? hash & (m->size - 1) : 0;

    if (m->size == 0 || cut == m->size) return m->size;
    if (i < cut) i = cut;
    for (size_t steps = m->size - cut; steps > 0; steps--, i = next_slot(m, i, cut)) {
        uint64_t v = m->slots[i];

        if (v == 0) return i;
        if (v != GONE && v >> 32 == hash && str_eq(text_of(n, (uint32_t)v - 1), s)) return i;
    }
    return m->size;
}

static bool is_name(const struct names_map *m, size_t at)
{
    return at < m->size && m->slots[at] != 0 && m->slots[at] != GONE;
}

static void put(struct names_map *m, uint64_t v)
{
    size_t mask = m->size - 1, i = v >> 32 & mask;

    while (m->slots[i] != 0) i = (i + 1) & mask;
    m->slots[i] = v;
    m->used++;
}

static void move_some(struct names *n, size_t most)
{
    for (; n->old.size && most > 0; most--) {
        uint64_t v = n->old.slots[n->moved++];

        if (v != 0 && v != GONE) {
            n->old.used--;
            put(&n->now, v);
        }
        if (n->moved < n->old.size) continue;
        mem_free(n->old.slots);
        n->old = (struct names_map){ 0 };
    }
}

static void resize(struct names *n, size_t size)
{
    move_some(n, SIZE_MAX);
    n->old = n->now;
    n->moved = 0;
    n->now = (struct names_map){ .slots = mem_zalloc(size * sizeof(uint64_t)), .size = size };
    if (n->old.size == 0) mem_free(n->old.slots);
}

/* Take slot i out, and let those behind it that it kept from their place move up. */
static void take_out(struct names_map *m, size_t i)
{
    size_t mask = m->size - 1;

    for (size_t j = (i + 1) & mask; m->slots[j] != 0; j = (j + 1) & mask) {
        size_t home = m->slots[j] >> 32 & mask;

        if (((j - home) & mask) < ((j - i) & mask)) continue;
        m->slots[i] = m->slots[j];
        i = j;
    }
    m->slots[i] = 0;
    m->used--;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

/* In a map of which nothing is cut out, and nothing was removed but by take_out: most are so. */
static inline uint32_t find_now(const struct names *n, struct str s, uint32_t hash)
{
    const struct names_map *m = &n->now;
    size_t mask = m->size - 1;

    if (m->size == 0) return NAMES_NONE;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint64_t v = m->slots[i];

        if (v == 0) return NAMES_NONE;
        if (v >> 32 == hash && str_eq(text_of(n, (uint32_t)v - 1), s)) return (uint32_t)v - 1;
    }
}

static inline uint32_t find(const struct names *n, struct str s, uint32_t hash)
{
    uint32_t id = find_now(n, s, hash);
    size_t at;

    if (id != NAMES_NONE || n->old.size == 0) return id;
    at = find_in(n, &n->old, hash, s, n->moved);
    return is_name(&n->old, at) ? (uint32_t)n->old.slots[at] - 1 : NAMES_NONE;
}

uint32_t names_find(const struct names *n, struct str s)
{
    return find(n, s, hash_of(n, s));
}

/* --- on the way to the cache ------------------------------------------------------------------------------------- */

uint32_t names_hash(const struct names *n, struct str s)
{
    uint32_t hash = hash_of(n, s);

    if (n->now.size) __builtin_prefetch(&n->now.slots[hash & (n->now.size - 1)]);
    return hash;
}

/* The number in the first slot; most strings are there. UINT32_MAX: it is free. */
uint32_t names_guess(const struct names *n, uint32_t hash)
{
    uint64_t v = n->now.size ? n->now.slots[hash & (n->now.size - 1)] : 0;

    return v >> 32 == hash && (uint32_t)v > 0 && (uint32_t)v - 1 < n->end ? (uint32_t)v - 1 : NAMES_NONE;
}

void names_fetch(const struct names *n, uint32_t id)
{
    __builtin_prefetch(column_ptr(&n->texts, id));
}

static uint32_t new_number(struct names *n)
{
    return n->n_free > 0 ? n->free[--n->n_free] : n->end++;
}

uint32_t names_add(struct names *n, struct str s, bool *is_new)
{
    uint32_t hash = hash_of(n, s), id = find(n, s, hash);
    struct text *t;

    *is_new = id == NAMES_NONE;
    if (!*is_new) return id;
    if (n->old.size) move_some(n, MOVE);
    if (4 * (n->now.used + n->old.used + 1) > 3 * n->now.size) resize(n, n->now.size ? 2 * n->now.size : MAP_MIN);
    id = new_number(n);
    ensure(id < NAMES_NONE - 1);
    t = mem_alloc(sizeof *t + s.n);
    t->n = (uint32_t)s.n;
    if (s.n) memcpy(t->p, s.p, s.n);
    n->text_bytes += mem_good_size(sizeof *t + s.n);
    column_set_ptr(&n->texts, id, t);
    put(&n->now, (uint64_t)hash << 32 | (id + 1));
    n->n++;
    return id;
}

void names_remove(struct names *n, uint32_t id)
{
    struct text *t = column_ptr(&n->texts, id);
    struct str s = str_of(t->p, t->n);
    uint32_t hash = hash_of(n, s);
    size_t at = find_in(n, &n->now, hash, s, 0);

    if (is_name(&n->now, at)) {
        take_out(&n->now, at);
    } else {
        at = find_in(n, &n->old, hash, s, n->moved);
        ensure(is_name(&n->old, at));
        n->old.slots[at] = GONE;
        n->old.used--;
    }
    n->text_bytes -= mem_good_size(sizeof *t + t->n);
    mem_free(t);
    column_set_ptr(&n->texts, id, NULL);
    n->n--;
    move_some(n, MOVE);
    if (n->old.size == 0 && n->now.size > MAP_MIN && 8 * n->now.used < n->now.size) resize(n, n->now.size / 4 < MAP_MIN ? MAP_MIN : n->now.size / 4);
}

void names_recycle(struct names *n, uint32_t id)
{
    if (n->n_free == n->cap_free) {
        n->cap_free = n->cap_free ? 2 * n->cap_free : 16;
        n->free = mem_realloc(n->free, n->cap_free * sizeof *n->free);
    }
    n->free[n->n_free++] = id;
}

size_t names_memory(const struct names *n)
{
    return n->text_bytes + n->texts.bytes + n->cap_free * sizeof *n->free + (n->now.size + n->old.size) * sizeof(uint64_t);
}

void names_check(const struct names *n)
{
    uint32_t there = 0;
    size_t bytes = 0;

    for (uint32_t i = 0; i < n->end; i++) {
        struct str s = names_get(n, i);

        if (s.p == NULL) continue;
        ensure(names_find(n, s) == i);
        bytes += mem_good_size(sizeof(struct text) + s.n);
        there++;
    }
    ensure(there == n->n && n->now.used + n->old.used == n->n && bytes == n->text_bytes);
    for (uint32_t i = 0; i < n->n_free; i++) ensure(names_get(n, n->free[i]).p == NULL);
}
