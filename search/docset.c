/* docset.c -- see docset.h.
 *
 * A list costs 4 bytes a member, a bitset a bit for each docid below its end: the set is whichever is smaller, looked at
 * when it grows. It becomes a list again only when bits take four times as much, so that one docid that comes and goes does
 * not convert it each time. The loops over words exist twice, for processors that count bits in one instruction and
 * for those that do not; which one runs is asked of the processor, so that it is right under valgrind, too. */
#include "search/docset.h"

#include "base/ensure.h"
#include "base/mem.h"

enum { LIST_SMALL = 32 }; /* so many members are always a list */

static size_t words_for(uint32_t doc)
{
    return (size_t)doc / 64 + 1;
}

void docset_fini(struct docset *s)
{
    mem_free(s->list);
    mem_free(s->bits);
    *s = (struct docset){ 0 };
}

void docset_clear(struct docset *s)
{
    docset_fini(s);
}

/* --- words ------------------------------------------------------------------------------------------------------- */

enum word_op { WORDS_AND, WORDS_OR, WORDS_MINUS, WORDS_COUNT };

static inline __attribute__((always_inline)) uint64_t combine(enum word_op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case WORDS_AND: return a & b;
    case WORDS_OR: return a | b;
    case WORDS_MINUS: return a & ~b;
    default: return a;
    }
}

static inline __attribute__((always_inline)) uint32_t words_loop(enum word_op op, uint64_t *to, const uint64_t *from, size_t n)
{
    uint32_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (op != WORDS_COUNT) to[i] = combine(op, to[i], from[i]);
        count += (uint32_t)__builtin_popcountll(to[i]);
    }
    return count;
}

static inline __attribute__((always_inline)) uint32_t words_pick(enum word_op op, uint64_t *to, const uint64_t *from, size_t n)
{
    switch (op) {
    case WORDS_AND: return words_loop(WORDS_AND, to, from, n);
    case WORDS_OR: return words_loop(WORDS_OR, to, from, n);
    case WORDS_MINUS: return words_loop(WORDS_MINUS, to, from, n);
    default: return words_loop(WORDS_COUNT, to, from, n);
    }
}

#ifdef __x86_64__
__attribute__((target("popcnt,avx2"), noinline))
static uint32_t words_new(enum word_op op, uint64_t *to, const uint64_t *from, size_t n)
{
    return words_pick(op, to, from, n);
}
#endif

/* to = to op from, over n words; how many bits to then has. */
static uint32_t words_do(enum word_op op, uint64_t *to, const uint64_t *from, size_t n)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("avx2")) return words_new(op, to, from, n);
#endif
    return words_pick(op, to, from, n);
}

/* --- forms ------------------------------------------------------------------------------------------------------- */

static void bits_room(struct docset *s, size_t n_words)
{
    if (n_words <= s->n_words) return;
    s->bits = mem_realloc(s->bits, n_words * sizeof *s->bits);
    memset(s->bits + s->n_words, 0, (n_words - s->n_words) * sizeof *s->bits);
    s->n_words = n_words;
}

void docset_make_bits(struct docset *s, size_t n_words)
{
    if (s->bits == NULL) {
        size_t need = s->n > 0 ? words_for(s->list[s->n - 1]) : 1;

        bits_room(s, need > n_words ? need : n_words);
        for (uint32_t i = 0; i < s->n; i++) s->bits[s->list[i] / 64] |= 1ULL << s->list[i] % 64;
        mem_free(s->list);
        s->list = NULL;
        s->cap = 0;
    }
    bits_room(s, n_words);
}

static void make_list(struct docset *s)
{
    uint32_t *list, at = 0;

    if (s->bits == NULL) return;
    list = mem_alloc((s->n > 0 ? s->n : 1) * sizeof *list);
    for (uint32_t d = docset_next(s, 0); d != UINT32_MAX; d = docset_next(s, d + 1)) list[at++] = d;
    ensure(at == s->n);
    mem_free(s->bits);
    s->bits = NULL;
    s->n_words = 0;
    s->list = list;
    s->cap = s->n > 0 ? s->n : 1;
}

/* Would bits up to `largest` be no more than a list of n? */
static bool bits_are_smaller(uint32_t n, uint32_t largest)
{
    return n > LIST_SMALL && words_for(largest) * 2 <= n;
}

static void list_room(struct docset *s, uint32_t n)
{
    if (n <= s->cap) return;
    s->cap = n < 4 ? 4 : n + n / 2;
    s->list = mem_realloc(s->list, s->cap * sizeof *s->list);
}

/* Where doc is in the list, or would be. */
static uint32_t list_find(const struct docset *s, uint32_t doc)
{
    uint32_t lo = 0, hi = s->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (s->list[mid] < doc) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* --- members ----------------------------------------------------------------------------------------------------- */

static void list_add(struct docset *s, uint32_t doc)
{
    uint32_t at = s->n == 0 || s->list[s->n - 1] < doc ? s->n : list_find(s, doc);

    if (at < s->n && s->list[at] == doc) return;
    list_room(s, s->n + 1);
    if (at < s->n) memmove(s->list + at + 1, s->list + at, (s->n - at) * sizeof *s->list);
    s->list[at] = doc;
    s->n++;
    if (bits_are_smaller(s->n, s->list[s->n - 1])) docset_make_bits(s, 0);
}

void docset_add(struct docset *s, uint32_t doc)
{
    uint64_t bit = 1ULL << doc % 64;

    ensure(doc != UINT32_MAX);
    if (s->bits == NULL) {
        list_add(s, doc);
        return;
    }
    if (doc / 64 >= s->n_words) {
        size_t need = words_for(doc), more = s->n_words + s->n_words / 4;

        bits_room(s, need > more ? need : more);
    }
    if (s->bits[doc / 64] & bit) return;
    s->bits[doc / 64] |= bit;
    s->n++;
}

void docset_remove(struct docset *s, uint32_t doc)
{
    if (s->bits != NULL) {
        uint64_t bit = 1ULL << doc % 64;

        if (doc / 64 >= s->n_words || !(s->bits[doc / 64] & bit)) return;
        s->bits[doc / 64] &= ~bit;
        s->n--;
        if (s->n_words > LIST_SMALL && s->n * 2 < s->n_words) make_list(s);
        return;
    }
    uint32_t at = list_find(s, doc);

    if (at == s->n || s->list[at] != doc) return;
    s->n--;
    memmove(s->list + at, s->list + at + 1, (s->n - at) * sizeof *s->list);
}

bool docset_has(const struct docset *s, uint32_t doc)
{
    if (s->bits != NULL) return doc / 64 < s->n_words && (s->bits[doc / 64] >> doc % 64 & 1);
    uint32_t at = list_find(s, doc);

    return at < s->n && s->list[at] == doc;
}

uint32_t docset_next(const struct docset *s, uint32_t from)
{
    if (s->bits == NULL) {
        uint32_t at = list_find(s, from);

        return at < s->n ? s->list[at] : UINT32_MAX;
    }
    size_t w = from / 64;
    uint64_t left;

    if (w >= s->n_words) return UINT32_MAX;
    left = s->bits[w] & ~0ULL << from % 64;
    while (left == 0) {
        if (++w == s->n_words) return UINT32_MAX;
        left = s->bits[w];
    }
    return (uint32_t)(w * 64 + (size_t)__builtin_ctzll(left));
}

/* --- two sets ---------------------------------------------------------------------------------------------------- */

void docset_copy(struct docset *to, const struct docset *from)
{
    *to = *from;
    if (from->bits != NULL) {
        to->bits = mem_dup(from->bits, from->n_words * sizeof *to->bits);
    } else if (from->n > 0) {
        to->list = mem_dup(from->list, from->n * sizeof *to->list);
        to->cap = from->n;
    } else {
        to->list = NULL;
        to->cap = 0;
    }
}

/* Keep those of the list of which other says `keep`. */
static void list_filter(struct docset *s, const struct docset *other, bool keep)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t doc = s->list[i];

        s->list[at] = doc;
        at += docset_has(other, doc) == keep;
    }
    s->n = at;
}

/* Two lists of about the same length: side by side. */
static void list_walk(struct docset *s, const struct docset *other, bool keep)
{
    uint32_t at = 0, j = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t doc = s->list[i];

        while (j < other->n && other->list[j] < doc) j++;
        s->list[at] = doc;
        at += (j < other->n && other->list[j] == doc) == keep;
    }
    s->n = at;
}

static void list_keep(struct docset *s, const struct docset *other, bool keep)
{
    if (other->bits == NULL && other->n / 16 <= s->n) list_walk(s, other, keep);
    else list_filter(s, other, keep);
}

void docset_and(struct docset *s, const struct docset *other)
{
    if (s->bits == NULL) {
        list_keep(s, other, true);
        return;
    }
    if (other->bits == NULL) {
        struct docset kept = { 0 };

        docset_copy(&kept, other);
        list_keep(&kept, s, true);
        docset_fini(s);
        *s = kept;
        return;
    }
    size_t both = s->n_words < other->n_words ? s->n_words : other->n_words;

    s->n = words_do(WORDS_AND, s->bits, other->bits, both);
    memset(s->bits + both, 0, (s->n_words - both) * sizeof *s->bits);
}

static void list_merge(struct docset *s, const struct docset *other)
{
    uint32_t n = s->n + other->n, at = 0, i = 0, j = 0;
    uint32_t *list = mem_alloc(n * sizeof *list);

    while (i < s->n || j < other->n) {
        uint32_t a = i < s->n ? s->list[i] : UINT32_MAX, b = j < other->n ? other->list[j] : UINT32_MAX;

        list[at++] = a < b ? a : b;
        i += a <= b;
        j += b <= a;
    }
    mem_free(s->list);
    s->list = list;
    s->cap = n;
    s->n = at;
    if (bits_are_smaller(at, list[at - 1])) docset_make_bits(s, 0);
}

void docset_or(struct docset *s, const struct docset *other)
{
    if (other->n == 0) return;
    if (other->bits == NULL) {
        /* A few more are put in where they belong; many would each move the rest. */
        if (s->bits == NULL && other->n > 4) {
            list_merge(s, other);
            return;
        }
        for (uint32_t i = 0; i < other->n; i++) docset_add(s, other->list[i]);
        return;
    }
    docset_make_bits(s, other->n_words);
    s->n = words_do(WORDS_OR, s->bits, other->bits, other->n_words) +
           words_do(WORDS_COUNT, s->bits + other->n_words, NULL, s->n_words - other->n_words);
}

void docset_minus(struct docset *s, const struct docset *other)
{
    if (s->bits == NULL) {
        list_keep(s, other, false);
        return;
    }
    if (other->bits == NULL) {
        for (uint32_t i = 0; i < other->n && s->bits != NULL; i++) {
            uint32_t doc = other->list[i];
            uint64_t bit = 1ULL << doc % 64;

            if (doc / 64 >= s->n_words) break;
            s->n -= (s->bits[doc / 64] & bit) != 0;
            s->bits[doc / 64] &= ~bit;
        }
        return;
    }
    size_t both = s->n_words < other->n_words ? s->n_words : other->n_words;

    s->n = words_do(WORDS_MINUS, s->bits, other->bits, both) +
           words_do(WORDS_COUNT, s->bits + both, NULL, s->n_words - both);
}

size_t docset_memory(const struct docset *s)
{
    return s->bits != NULL ? mem_good_size(s->n_words * sizeof *s->bits) : s->cap > 0 ? mem_good_size(s->cap * sizeof *s->list) : 0;
}
