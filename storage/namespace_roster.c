/* namespace_roster.c -- see namespace_roster.h. */
#include "storage/namespace_roster.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "base/rng.h"

enum { SETS = 256, SPLIT_AT = 4096, FIRST_CAP = 8 };

/* Linear probing; a removal moves back what follows, so there are no marks of the removed. */
struct set_of_hashes {
    uint64_t *slot; /* cap of them, 0: empty */
    size_t n, cap;  /* cap: a power of two, or 0 */
};

struct ns_roster {
    size_t count;
    size_t n_sets; /* 1 or SETS */
    struct set_of_hashes *sets;
};

/* Hashes have given their low bits to shard and tag, so mix. */
static size_t home_of(const struct set_of_hashes *s, uint64_t hash)
{
    return (size_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 24) & (s->cap - 1);
}

static struct set_of_hashes *set_for(const struct ns_roster *r, uint64_t hash)
{
    return &r->sets[r->n_sets == 1 ? 0 : hash * UINT64_C(0x9E3779B97F4A7C15) >> 56];
}

/* The place of hash, or the empty one where it would be. */
static size_t place_of(const struct set_of_hashes *s, uint64_t hash)
{
    size_t i = home_of(s, hash);

    while (s->slot[i] != 0 && s->slot[i] != hash) i = (i + 1) & (s->cap - 1);
    return i;
}

static void resize(struct set_of_hashes *s, size_t cap)
{
    struct set_of_hashes to = { mem_zalloc(cap * sizeof to.slot[0]), s->n, cap };

    for (size_t i = 0; i < s->cap; i++)
        if (s->slot[i] != 0) to.slot[place_of(&to, s->slot[i])] = s->slot[i];
    mem_free(s->slot);
    *s = to;
}

static bool put(struct set_of_hashes *s, uint64_t hash)
{
    size_t i;

    if ((s->n + 1) * 4 > s->cap * 3) resize(s, s->cap ? 2 * s->cap : FIRST_CAP);
    i = place_of(s, hash);
    if (s->slot[i] == hash) return false;
    s->slot[i] = hash;
    s->n++;
    return true;
}

/* Close the gap at i: whoever would be looked for at it or before it moves there. */
static void close_gap(struct set_of_hashes *s, size_t i)
{
    size_t mask = s->cap - 1;

    for (size_t k = (i + 1) & mask; s->slot[k] != 0; k = (k + 1) & mask) {
        if (((k - home_of(s, s->slot[k])) & mask) < ((k - i) & mask)) continue;
        s->slot[i] = s->slot[k];
        i = k;
    }
    s->slot[i] = 0;
}

static bool take(struct set_of_hashes *s, uint64_t hash)
{
    size_t i;

    if (s->cap == 0) return false;
    i = place_of(s, hash);
    if (s->slot[i] != hash) return false;
    close_gap(s, i);
    s->n--;
    if (s->cap > FIRST_CAP && s->n * 8 < s->cap) resize(s, s->cap / 2);
    return true;
}

struct ns_roster *roster_new(void)
{
    struct ns_roster *r = mem_zalloc(sizeof *r);

    r->n_sets = 1;
    r->sets = mem_zalloc(sizeof r->sets[0]);
    return r;
}

static void free_sets(struct set_of_hashes *sets, size_t n)
{
    for (size_t i = 0; i < n; i++) mem_free(sets[i].slot);
    mem_free(sets);
}

void roster_free(struct ns_roster **r)
{
    if (*r == NULL) return;
    free_sets((*r)->sets, (*r)->n_sets);
    mem_free(*r);
    *r = NULL;
}

static void split(struct ns_roster *r)
{
    struct set_of_hashes *old = r->sets;

    r->sets = mem_zalloc(SETS * sizeof r->sets[0]);
    r->n_sets = SETS;
    for (size_t i = 0; i < old->cap; i++)
        if (old->slot[i] != 0) put(set_for(r, old->slot[i]), old->slot[i]);
    free_sets(old, 1);
}

void roster_add(struct ns_roster *r, uint64_t hash)
{
    if (hash == 0) return;
    if (r->n_sets == 1 && r->count >= SPLIT_AT) split(r);
    r->count += put(set_for(r, hash), hash);
}

void roster_remove(struct ns_roster *r, uint64_t hash)
{
    if (hash != 0) r->count -= take(set_for(r, hash), hash);
}

bool roster_has(const struct ns_roster *r, uint64_t hash)
{
    const struct set_of_hashes *s = set_for(r, hash);

    return hash != 0 && s->cap > 0 && s->slot[place_of(s, hash)] == hash;
}

size_t roster_count(const struct ns_roster *r)
{
    return r->count;
}

uint64_t roster_draw(const struct ns_roster *r, struct rng *rng)
{
    const struct set_of_hashes *s;
    size_t at, i;

    if (r->count == 0) return 0;
    at = rng_below(rng, r->n_sets);
    while (r->sets[at % r->n_sets].n == 0) at++;
    s = &r->sets[at % r->n_sets];
    i = rng_below(rng, s->cap);
    while (s->slot[i] == 0) i = (i + 1) & (s->cap - 1);
    return s->slot[i];
}

void roster_check(const struct ns_roster *r)
{
    size_t count = 0;

    for (size_t k = 0; k < r->n_sets; k++) {
        const struct set_of_hashes *s = &r->sets[k];
        size_t n = 0;

        ensure((s->cap & (s->cap - 1)) == 0);
        for (size_t i = 0; i < s->cap; i++) {
            if (s->slot[i] == 0) continue;
            ensure(place_of(s, s->slot[i]) == i && set_for(r, s->slot[i]) == s);
            n++;
        }
        ensure(n == s->n);
        count += n;
    }
    ensure(count == r->count);
}
