/* text_order.c -- words (and endings of words) in the order of their bytes.
 *
 * Two levels: leaves of up to 64, and an array of the leaves with how each begins. To find is a search in the array and
 * one in a leaf, mostly by numbers that lie there; to add moves at most a leaf, and once in some 32 times the array behind it. */
#include "search/text_impl.h"

/* The first 8 bytes as a number of the same order. */
static uint64_t begin_of(struct str s)
{
    unsigned char b[8] = { 0 };
    uint64_t n;

    if (s.n > 0) memcpy(b, s.p, s.n < 8 ? s.n : 8);
    memcpy(&n, b, 8);
    return __builtin_bswap64(n);
}

static struct str ending_at(const struct order_leaf *l, size_t i)
{
    return str_of(l->term[i]->text + l->at[i], (size_t)l->term[i]->n - l->at[i]);
}

/* As str_cmp(item, s); a zero byte in a word is as good as none in `begins`, so equal ones are compared whole. */
static int compare(uint64_t begins, struct str item, uint64_t s_begins, struct str s)
{
    if (begins != s_begins) return begins < s_begins ? -1 : 1;
    return str_cmp(item, s);
}

/* The first leaf whose first item is > s, or >= s with `equal`; o->n: none. */
static size_t leaf_behind(const struct order *o, struct str s, uint64_t begins, bool equal)
{
    size_t lo = 0, hi = o->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = compare(o->begins[mid], ending_at(o->leaf[mid], 0), begins, s);
        if (c < 0 || (c == 0 && !equal)) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static size_t place_in(const struct order_leaf *l, struct str s, uint64_t begins)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (compare(l->begins[mid], ending_at(l, mid), begins, s) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

struct order_at order_find(const struct order *o, struct str s)
{
    uint64_t begins = begin_of(s);
    size_t leaf = leaf_behind(o, s, begins, true), i;

    if (leaf == 0) return (struct order_at){ 0, 0 };
    i = place_in(o->leaf[leaf - 1], s, begins);
    if (i == o->leaf[leaf - 1]->n) return (struct order_at){ leaf, 0 };
    return (struct order_at){ leaf - 1, i };
}

/* --- changes ------------------------------------------------------------------------------------------------------- */

static void insert_leaf(struct order *o, size_t at, struct order_leaf *l)
{
    if (o->n == o->cap) {
        o->cap = o->cap == 0 ? 4 : o->cap * 2;
        o->leaf = mem_realloc(o->leaf, o->cap * sizeof *o->leaf);
        o->begins = mem_realloc(o->begins, o->cap * sizeof *o->begins);
    }
    memmove(o->leaf + at + 1, o->leaf + at, (o->n - at) * sizeof *o->leaf);
    memmove(o->begins + at + 1, o->begins + at, (o->n - at) * sizeof *o->begins);
    o->leaf[at] = l;
    o->begins[at] = l->n > 0 ? l->begins[0] : 0;
    o->n++;
}

static void move_items(struct order_leaf *to, size_t to_at, const struct order_leaf *from, size_t at, size_t n)
{
    memmove(to->at + to_at, from->at + at, n * sizeof *to->at);
    memmove(to->begins + to_at, from->begins + at, n * sizeof *to->begins);
    memmove(to->term + to_at, from->term + at, n * sizeof *to->term);
}

static void split_leaf(struct order *o, size_t at)
{
    struct order_leaf *l = o->leaf[at], *half = mem_alloc(sizeof *half);

    half->n = ORDER_LEAF / 2;
    l->n = ORDER_LEAF - half->n;
    move_items(half, 0, l, l->n, half->n);
    insert_leaf(o, at + 1, half);
}

void order_add(struct order *o, struct term *t, size_t at)
{
    struct str s = str_of(t->text + at, (size_t)t->n - at);
    uint64_t begins = begin_of(s);
    size_t leaf = leaf_behind(o, s, begins, false), i;
    struct order_leaf *l;

    if (o->n == 0) {
        l = mem_alloc(sizeof *l);
        l->n = 0;
        insert_leaf(o, 0, l);
    }
    if (leaf > 0) leaf--;
    if (o->leaf[leaf]->n == ORDER_LEAF) {
        split_leaf(o, leaf);
        if (compare(o->begins[leaf + 1], ending_at(o->leaf[leaf + 1], 0), begins, s) <= 0) leaf++;
    }
    l = o->leaf[leaf];
    i = place_in(l, s, begins);
    move_items(l, i + 1, l, i, l->n - i);
    l->at[i] = (uint16_t)at;
    l->begins[i] = begins;
    l->term[i] = t;
    l->n++;
    o->begins[leaf] = l->begins[0];
    o->items++;
}

void order_remove(struct order *o, struct term *t, size_t at)
{
    struct order_at p = order_find(o, str_of(t->text + at, (size_t)t->n - at));
    struct order_leaf *l;

    /* Among endings others may be of the same bytes. */
    while (o->leaf[p.leaf]->term[p.i] != t || o->leaf[p.leaf]->at[p.i] != at) p = order_next(o, p);
    l = o->leaf[p.leaf];
    l->n--;
    move_items(l, p.i, l, p.i + 1, l->n - p.i);
    o->items--;
    if (l->n > 0) {
        o->begins[p.leaf] = l->begins[0];
        return;
    }
    mem_free(l);
    o->n--;
    memmove(o->leaf + p.leaf, o->leaf + p.leaf + 1, (o->n - p.leaf) * sizeof *o->leaf);
    memmove(o->begins + p.leaf, o->begins + p.leaf + 1, (o->n - p.leaf) * sizeof *o->begins);
}

void order_fini(struct order *o)
{
    for (size_t i = 0; i < o->n; i++) mem_free(o->leaf[i]);
    mem_free(o->leaf);
    mem_free(o->begins);
    memset(o, 0, sizeof *o);
}

size_t order_memory(const struct order *o)
{
    if (o->cap == 0) return 0;
    return o->n * mem_good_size(sizeof **o->leaf) + mem_good_size(o->cap * sizeof *o->leaf) +
           mem_good_size(o->cap * sizeof *o->begins);
}

void order_check(const struct order *o)
{
    struct str before = STR("");
    size_t items = 0;

    for (size_t k = 0; k < o->n; k++) {
        const struct order_leaf *l = o->leaf[k];
        ensure(l->n > 0 && l->n <= ORDER_LEAF && o->begins[k] == l->begins[0]);
        for (size_t i = 0; i < l->n; i++) {
            ensure(str_cmp(before, ending_at(l, i)) <= 0 && l->begins[i] == begin_of(ending_at(l, i)));
            before = ending_at(l, i);
        }
        items += l->n;
    }
    ensure(items == o->items);
}
