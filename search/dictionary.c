/* dictionary.c -- see dictionary.h. */
#include "search/dictionary.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "base/place.h"
#include "search/text_impl.h"

static struct str name_at(const void *list, size_t i)
{
    const struct dictionary *const *all = list;

    return all[i]->name;
}

static size_t place(const struct dictionaries *ds, struct str name, bool *found)
{
    return place_of(ds->list, ds->n, name_at, name, found);
}

struct dictionary *dictionaries_find(const struct dictionaries *ds, struct str name)
{
    bool found;
    size_t at = place(ds, name, &found);

    return found ? ds->list[at] : NULL;
}

struct dictionary *dictionaries_open(struct dictionaries *ds, struct str name)
{
    bool found;
    size_t at = place(ds, name, &found);
    struct dictionary *d;

    if (found) return ds->list[at];
    if (ds->n == DICTIONARIES_MAX) return NULL;
    d = mem_zalloc(sizeof *d);
    d->name = str_of(mem_dup(name.p, name.n), name.n);
    names_init(&d->words);
    ds->list = mem_realloc(ds->list, (ds->n + 1) * sizeof *ds->list);
    memmove(ds->list + at + 1, ds->list + at, (ds->n - at) * sizeof *ds->list);
    ds->list[at] = d;
    ds->n++;
    return d;
}

static void free_one(struct dictionary *d)
{
    names_fini(&d->words);
    mem_free((void *)(uintptr_t)d->name.p);
    mem_free(d);
}

void dictionaries_fini(struct dictionaries *ds)
{
    for (size_t i = 0; i < ds->n; i++) free_one(ds->list[i]);
    mem_free(ds->list);
    *ds = (struct dictionaries){ 0 };
}

bool dictionary_add(struct dictionary *d, struct str word)
{
    bool is_new;

    ensure(word.n > 0 && word.n <= WORD_MAX);
    (void)names_add(&d->words, word, &is_new);
    ensure(d->words.n <= DICTIONARY_WORDS_MAX);
    return is_new;
}

bool dictionaries_remove(struct dictionaries *ds, struct str name, struct str word)
{
    bool found;
    size_t at = place(ds, name, &found);
    uint32_t id = found ? names_find(&ds->list[at]->words, word) : NAMES_NONE;

    if (id == NAMES_NONE) return false;
    names_remove(&ds->list[at]->words, id);
    names_recycle(&ds->list[at]->words, id);
    if (ds->list[at]->words.n > 0) return true;
    free_one(ds->list[at]);
    memmove(ds->list + at, ds->list + at + 1, (ds->n - at - 1) * sizeof *ds->list);
    ds->n--;
    return true;
}

bool dictionary_like(const struct dictionary *d, uint32_t *at, uint32_t budget, struct str word, unsigned distance,
                     void (*fn)(void *ctx, struct str found, struct str folded), void *ctx)
{
    struct buf folded = { 0 };

    for (; *at < d->words.end && budget > 0; ++*at, budget--) {
        struct str s = names_get(&d->words, *at);

        if (s.p == NULL) continue;
        buf_clear(&folded);
        words_fold(s, 0, &folded);
        if (edit_distance(buf_str(&folded), word, distance) <= distance) fn(ctx, s, buf_str(&folded));
    }
    buf_fini(&folded);
    return *at >= d->words.end;
}

size_t dictionaries_memory(const struct dictionaries *ds)
{
    size_t n = ds->n * sizeof *ds->list;

    for (size_t i = 0; i < ds->n; i++) n += sizeof *ds->list[i] + ds->list[i]->name.n + names_memory(&ds->list[i]->words);
    return n;
}
