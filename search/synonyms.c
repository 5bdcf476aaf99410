/* synonyms.c -- see synonyms.h. */
#include "search/synonyms.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "text/words.h"

void synonyms_fini(struct synonyms *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mem_free((void *)(uintptr_t)s->list[i].word.p);
        mem_free((void *)(uintptr_t)s->list[i].group.p);
    }
    mem_free(s->list);
    *s = (struct synonyms){ 0 };
}

/* The first that is not before word in group. */
static size_t place(const struct synonyms *s, struct str word, struct str group)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = str_cmp(s->list[mid].word, word);
        if (c < 0 || (c == 0 && str_cmp(s->list[mid].group, group) < 0)) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

size_t synonyms_find(const struct synonyms *s, struct str word)
{
    return place(s, word, STR(""));
}

static struct str copy(struct str s)
{
    return str_of(mem_dup(s.p, s.n), s.n);
}

static void insert(struct synonyms *s, size_t at, struct str word, struct str group)
{
    ensure(s->n < SYNONYMS_MAX);
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 8 : s->cap * 2;
        s->list = mem_realloc(s->list, s->cap * sizeof *s->list);
    }
    memmove(s->list + at + 1, s->list + at, (s->n - at) * sizeof *s->list);
    s->list[at] = (struct synonym){ .word = copy(word), .group = copy(group) };
    s->n++;
}

void synonyms_add(struct synonyms *s, struct str group, struct str word)
{
    struct buf folded = { 0 };
    size_t at;

    words_fold(word, 0, &folded);
    at = place(s, buf_str(&folded), group);
    if (at == s->n || !str_eq(s->list[at].word, buf_str(&folded)) || !str_eq(s->list[at].group, group))
        insert(s, at, buf_str(&folded), group);
    buf_fini(&folded);
}

size_t synonyms_groups(const struct synonyms *s, struct str word)
{
    struct buf folded = { 0 };
    size_t n = 0;

    words_fold(word, 0, &folded);
    for (size_t i = synonyms_find(s, buf_str(&folded)); i < s->n && str_eq(s->list[i].word, buf_str(&folded)); i++) n++;
    buf_fini(&folded);
    return n;
}

size_t synonyms_memory(const struct synonyms *s)
{
    size_t n = s->cap == 0 ? 0 : mem_good_size(s->cap * sizeof *s->list);

    for (size_t i = 0; i < s->n; i++) n += s->list[i].word.n + s->list[i].group.n;
    return n;
}
