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

/* What is looked for. Among equal endings, of which a million words may have one, the order is that of their terms' addresses. */
struct sought {
    struct str s;
    uint64_t begins;
    uintptr_t term; /* 0: before all that have the ending */
};

static struct sought seek(const struct term *t, size_t at)
{
    struct str s = str_of(t->text + at, (size_t)t->n - at);

    return (struct sought){ s, begin_of(s), (uintptr_t)t };
}

/* A zero byte in a word is as good as none in `begins`, so equal ones are compared whole. */
static int compare(const struct order_leaf *l, size_t i, const struct sought *x)
{
    int c;

    if (l->begins[i] != x->begins) return l->begins[i] < x->begins ? -1 : 1;
    c = str_cmp(ending_at(l, i), x->s);
    if (c != 0) return c;
    return (uintptr_t)l->term[i] < x->term ? -1 : (uintptr_t)l->term[i] > x->term;
}

/* The first leaf whose first item comes behind x; o->n: none. */
static size_t leaf_behind(const struct order *o, const struct sought *x)
{
    size_t lo = 0, hi = o->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        bool before = o->begins[mid] != x->begins ? o->begins[mid] < x->begins : compare(o->leaf[mid], 0, x) <= 0;

        if (before) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* The first item that does not come before x. */
static size_t place_in(const struct order_leaf *l, const struct sought *x)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (compare(l, mid, x) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static struct order_at find(const struct order *o, const struct sought *x)
{
    size_t leaf = leaf_behind(o, x), i;

    if (leaf == 0) return (struct order_at){ 0, 0 };
    i = place_in(o->leaf[leaf - 1], x);
    if (i == o->leaf[leaf - 1]->n) return (struct order_at){ leaf, 0 };
    return (struct order_at){ leaf - 1, i };
}

struct order_at order_find(const struct order *o, struct str s)
{
    return find(o, &(struct sought){ s, begin_of(s), 0 });
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
    struct sought x = seek(t, at);
    size_t leaf = leaf_behind(o, &x), i;
    struct order_leaf *l;

    if (o->n == 0) {
        l = mem_alloc(sizeof *l);
        l->n = 0;
        insert_leaf(o, 0, l);
    }
    if (leaf > 0) leaf--;
    if (o->leaf[leaf]->n == ORDER_LEAF) {
        split_leaf(o, leaf);
        if (compare(o->leaf[leaf + 1], 0, &x) <= 0) leaf++;
    }
    l = o->leaf[leaf];
    i = place_in(l, &x);
    move_items(l, i + 1, l, i, l->n - i);
    l->at[i] = (uint16_t)at;
    l->begins[i] = x.begins;
    l->term[i] = t;
    l->n++;
    o->begins[leaf] = l->begins[0];
    o->items++;
}

void order_remove(struct order *o, struct term *t, size_t at)
{
    struct sought x = seek(t, at);
    struct order_at p = find(o, &x);
    struct order_leaf *l = o->leaf[p.leaf];

    ensure(l->term[p.i] == t && l->at[p.i] == at);
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
