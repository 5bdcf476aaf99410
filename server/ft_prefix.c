/* ft_prefix.c -- which indexes a key belongs to.
 *
 * All prefixes of all indexes in order. Of those that a key begins with the longest is the last one not behind the key, or
 * a prefix of that: each knows the longest other one that it begins with itself. Most keys that belong to no index are told
 * by their first byte. */
#include <stdlib.h>

#include "base/mem.h"
#include "server/ft_impl.h"

static int compare(const void *a, const void *b)
{
    return str_cmp(((const struct ft_prefix *)a)->text, ((const struct ft_prefix *)b)->text);
}

void ft_prefixes_fini(struct ft *f)
{
    for (size_t i = 0; i < f->n_prefixes; i++) mem_free(f->prefixes[i].of);
    mem_free(f->prefixes);
    f->prefixes = NULL;
    f->n_prefixes = 0;
    memset(f->first, 0, sizeof f->first);
}

static size_t gather(struct ft *f, struct ft_index *const *indexes, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++) {
        const struct index_spec *s = index_spec(indexes[i]->ix);

        for (size_t k = 0; k < s->n_prefixes; k++) {
            struct ft_prefix *p = &f->prefixes[at++];

            *p = (struct ft_prefix){ .text = s->prefixes[k], .of = mem_alloc(sizeof *p->of), .n = 1, .parent = -1 };
            p->of[0] = indexes[i];
        }
    }
    return at;
}

/* The same prefix of several indexes is one. */
static void unite(struct ft *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_prefixes; i++) {
        struct ft_prefix *p = &f->prefixes[i], *last = &f->prefixes[n ? n - 1 : 0];

        if (n == 0 || !str_eq(last->text, p->text)) {
            f->prefixes[n++] = *p;
            continue;
        }
        last->of = mem_realloc(last->of, (last->n + 1) * sizeof *last->of);
        last->of[last->n++] = p->of[0];
        mem_free(p->of);
    }
    f->n_prefixes = n;
}

static size_t count(struct ft_index *const *indexes, size_t n)
{
    size_t all = 0;

    for (size_t i = 0; i < n; i++) all += index_spec(indexes[i]->ix)->n_prefixes;
    return all;
}

void ft_note_any(struct ft *f)
{
    f->server->ft_any = f->now.n + f->now.n_kept + f->now.dictionaries.n > 0;
    if (!f->server->ft_any) f->server->ft_full = f->server->ft_more = false; /* there are no turns for it any more */
}

void ft_prefixes_make(struct ft *f)
{
    const struct ft_registry *r = &f->now;

    ft_prefixes_fini(f);
    ft_note_any(f);
    f->n_prefixes = count(r->indexes, r->n) + count(r->kept, r->n_kept);
    f->prefixes = mem_alloc((f->n_prefixes + 1) * sizeof *f->prefixes);
    gather(f, r->kept, r->n_kept, gather(f, r->indexes, r->n, 0));
    qsort(f->prefixes, f->n_prefixes, sizeof *f->prefixes, compare);
    unite(f);
    for (size_t i = 0; i < f->n_prefixes; i++) {
        struct ft_prefix *p = &f->prefixes[i];
        unsigned char first = p->text.n ? (unsigned char)*p->text.p : 0;

        p->parent = (int)i - 1;
        while (p->parent >= 0 && !str_starts(p->text, f->prefixes[p->parent].text)) p->parent = f->prefixes[p->parent].parent;
        if (p->text.n == 0) memset(f->first, 0xff, sizeof f->first);
        f->first[first / 64] |= UINT64_C(1) << first % 64;
    }
}

void ft_each_of(struct ft *f, struct str key, void (*fn)(void *ctx, struct ft_index *x), void *ctx)
{
    size_t lo = 0, hi = f->n_prefixes;
    uint64_t look;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(f->prefixes[mid].text, key) <= 0) lo = mid + 1;
        else hi = mid;
    }
    look = ++f->looks;
    for (int i = (int)lo - 1; i >= 0; i = f->prefixes[i].parent) {
        const struct ft_prefix *p = &f->prefixes[i];

        if (!str_starts(key, p->text)) continue;
        for (size_t k = 0; k < p->n; k++) {
            if (p->of[k]->seen == look) continue;
            p->of[k]->seen = look;
            fn(ctx, p->of[k]);
        }
    }
}
