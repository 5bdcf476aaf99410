/* suggest.c -- see suggest.h. */
#include "storage/suggest.h"

#include <math.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "text/words.h"

/* --- counts ------------------------------------------------------------------------------------------------------- */

static void hold(_Atomic uint32_t *users)
{
    atomic_fetch_add_explicit(users, 1, memory_order_relaxed);
}

/* True: nobody has it any more. */
static bool drop(_Atomic uint32_t *users)
{
    return atomic_fetch_sub_explicit(users, 1, memory_order_acq_rel) == 1;
}

static bool is_shared(const _Atomic uint32_t *users)
{
    return atomic_load_explicit(users, memory_order_acquire) > 1;
}

static void drop_item(struct suggestion *g)
{
    if (drop(&g->users)) mem_free(g);
}

void suggest_leaf_hold(struct suggest_leaf *l)
{
    hold(&l->users);
}

void suggest_leaf_drop(struct suggest_leaf *l)
{
    if (!drop(&l->users)) return;
    for (uint32_t k = 0; k < l->n; k++) drop_item(l->item[k]);
    mem_free(l);
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

static size_t array_bytes(size_t cap)
{
    return cap == 0 ? 0 : mem_good_size(cap * sizeof(struct suggest_leaf *));
}

static size_t leaf_bytes(void)
{
    return mem_good_size(sizeof(struct suggest_leaf));
}

static size_t item_bytes(const struct suggestion *g)
{
    return mem_good_size(sizeof *g + g->n_folded + g->n + g->n_payload);
}

struct suggestions *suggestions_new(void)
{
    struct suggestions *s = mem_zalloc(sizeof *s);

    s->bytes = mem_good_size(sizeof *s);
    return s;
}

void suggestions_free(struct suggestions **s)
{
    if (*s == NULL) return;
    for (size_t i = 0; i < (*s)->n; i++) suggest_leaf_drop((*s)->leaf[i]);
    mem_free((*s)->leaf);
    mem_free(*s);
    *s = NULL;
}

struct suggestions *suggestions_copy(const struct suggestions *s)
{
    struct suggestions *c = suggestions_new();

    c->bytes += s->bytes - mem_good_size(sizeof *s) - array_bytes(s->cap) + array_bytes(s->n);
    c->n = c->cap = s->n;
    c->count = s->count;
    if (s->n > 0) c->leaf = mem_dup(s->leaf, s->n * sizeof *s->leaf);
    for (size_t i = 0; i < c->n; i++) suggest_leaf_hold(c->leaf[i]);
    return c;
}

const struct suggestion *suggestions_next(const struct suggestions *s, size_t *i, size_t *k)
{
    if (*i < s->n && *k == s->leaf[*i]->n) {
        *k = 0;
        ++*i;
    }
    return *i < s->n ? s->leaf[*i]->item[(*k)++] : NULL;
}

/* --- places ----------------------------------------------------------------------------------------------------------- */

static int compare(const struct suggestion *g, struct str folded, struct str text)
{
    int c = str_cmp(suggestion_folded(g), folded);

    return c != 0 ? c : str_cmp(suggestion_text(g), text);
}

void suggestions_place(const struct suggestions *s, struct str folded, struct str text, size_t *i, size_t *k)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) { /* the first leaf that begins behind it */
        size_t mid = (lo + hi) / 2;
        if (compare(s->leaf[mid]->item[0], folded, text) <= 0) lo = mid + 1;
        else hi = mid;
    }
    *i = lo > 0 ? lo - 1 : 0;
    *k = 0;
    if (s->n == 0) return;
    lo = 0;
    hi = s->leaf[*i]->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (compare(s->leaf[*i]->item[mid], folded, text) < 0) lo = mid + 1;
        else hi = mid;
    }
    *k = lo;
}

/* --- changes ------------------------------------------------------------------------------------------------------------ */

static struct suggest_leaf *leaf_new(void)
{
    struct suggest_leaf *l = mem_alloc(sizeof *l);

    atomic_init(&l->users, 1);
    l->n = 0;
    l->best = -INFINITY;
    l->shortest = UINT32_MAX;
    return l;
}

static void leaf_note(struct suggest_leaf *l, const struct suggestion *g)
{
    uint32_t n = suggest_characters(suggestion_text(g));

    if (g->score > l->best) l->best = g->score;
    if (n < l->shortest) l->shortest = n;
}

static void leaf_take(struct suggest_leaf *l, struct suggestion *const *items, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        l->item[l->n++] = items[k];
        leaf_note(l, items[k]);
    }
}

/* Leaf i, to be changed: nobody else has it. */
static struct suggest_leaf *own_leaf(struct suggestions *s, size_t i)
{
    struct suggest_leaf *l = s->leaf[i], *mine;

    if (!is_shared(&l->users)) return l;
    mine = leaf_new();
    leaf_take(mine, l->item, l->n);
    for (uint32_t k = 0; k < mine->n; k++) hold(&mine->item[k]->users);
    suggest_leaf_drop(l);
    return s->leaf[i] = mine;
}

static void insert_leaf(struct suggestions *s, size_t i, struct suggest_leaf *l)
{
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 1 : s->cap * 2;
        s->bytes += array_bytes(cap) - array_bytes(s->cap);
        s->leaf = mem_realloc(s->leaf, cap * sizeof *s->leaf);
        s->cap = cap;
    }
    memmove(s->leaf + i + 1, s->leaf + i, (s->n - i) * sizeof *s->leaf);
    s->leaf[i] = l;
    s->n++;
    s->bytes += leaf_bytes();
}

/* Room in leaf *i before its item *k, which may move to the next leaf. */
static void make_room(struct suggestions *s, size_t *i, size_t *k)
{
    enum { HALF = SUGGESTION_LEAF / 2 };
    struct suggest_leaf *l, *more;

    if (s->n == 0) insert_leaf(s, 0, leaf_new());
    l = own_leaf(s, *i);
    if (l->n < SUGGESTION_LEAF) return;
    more = leaf_new();
    leaf_take(more, l->item + HALF, SUGGESTION_LEAF - HALF);
    l->n = HALF;
    insert_leaf(s, *i + 1, more);
    if (*k > HALF) {
        ++*i;
        *k -= HALF;
    }
}

static struct suggestion *item_new(struct str folded, struct str text, struct str payload, double score)
{
    struct suggestion *g = mem_alloc(sizeof *g + folded.n + text.n + payload.n);

    ensure(folded.n <= UINT16_MAX && payload.n <= UINT32_MAX);
    atomic_init(&g->users, 1);
    g->score = (float)score;
    g->n_folded = (uint16_t)folded.n;
    g->n = (uint16_t)text.n;
    g->n_payload = (uint32_t)payload.n;
    memcpy(g->bytes, folded.p, folded.n);
    memcpy(g->bytes + folded.n, text.p, text.n);
    if (payload.n > 0) memcpy(g->bytes + folded.n + text.n, payload.p, payload.n);
    return g;
}

static void replace(struct suggestions *s, size_t i, size_t k, struct str payload, double score)
{
    struct suggest_leaf *l = own_leaf(s, i);
    struct suggestion *old = l->item[k];
    struct suggestion *g = item_new(suggestion_folded(old), suggestion_text(old), payload.n > 0 ? payload : suggestion_payload(old), score);

    s->bytes += item_bytes(g) - item_bytes(old);
    l->item[k] = g;
    leaf_note(l, g);
    drop_item(old);
}

bool suggestions_put(struct suggestions *s, struct str text, double score, bool add, struct str payload)
{
    struct buf folded = { 0 };
    struct suggestion *g;
    struct suggest_leaf *l;
    size_t i, k;

    ensure(text.n > 0 && text.n <= SUGGESTION_MAX);
    words_fold(text, WORDS_AS_FTS5, &folded);
    if (folded.n == 0) buf_add_str(&folded, text); /* accents alone */
    suggestions_place(s, buf_str(&folded), text, &i, &k);
    if (i < s->n && k < s->leaf[i]->n && str_eq(suggestion_text(s->leaf[i]->item[k]), text)) {
        replace(s, i, k, payload, add ? s->leaf[i]->item[k]->score + score : score);
        buf_fini(&folded);
        return false;
    }
    g = item_new(buf_str(&folded), text, payload, score);
    buf_fini(&folded);
    make_room(s, &i, &k);
    l = s->leaf[i];
    memmove(l->item + k + 1, l->item + k, (l->n - k) * sizeof *l->item);
    l->item[k] = g;
    l->n++;
    leaf_note(l, g);
    s->count++;
    s->bytes += item_bytes(g);
    return true;
}

bool suggestions_remove(struct suggestions *s, struct str text)
{
    struct buf folded = { 0 };
    struct suggest_leaf *l;
    size_t i, k;

    words_fold(text, WORDS_AS_FTS5, &folded);
    if (folded.n == 0) buf_add_str(&folded, text);
    suggestions_place(s, buf_str(&folded), text, &i, &k);
    buf_fini(&folded);
    if (i >= s->n || k >= s->leaf[i]->n || !str_eq(suggestion_text(s->leaf[i]->item[k]), text)) return false;
    l = own_leaf(s, i);
    s->bytes -= item_bytes(l->item[k]);
    s->count--;
    drop_item(l->item[k]);
    memmove(l->item + k, l->item + k + 1, (l->n - k - 1) * sizeof *l->item);
    if (--l->n > 0) return true;
    suggest_leaf_drop(l);
    memmove(s->leaf + i, s->leaf + i + 1, (s->n - i - 1) * sizeof *s->leaf);
    s->n--;
    s->bytes -= leaf_bytes();
    return true;
}

void suggestions_check(const struct suggestions *s)
{
    size_t bytes = mem_good_size(sizeof *s) + array_bytes(s->cap), i = 0, k = 0;
    const struct suggestion *g, *before = NULL;
    uint64_t count = 0;

    for (size_t n = 0; n < s->n; n++) ensure(s->leaf[n]->n > 0 && s->leaf[n]->n <= SUGGESTION_LEAF && s->leaf[n]->users > 0);
    while ((g = suggestions_next(s, &i, &k)) != NULL) {
        ensure(before == NULL || compare(before, suggestion_folded(g), suggestion_text(g)) < 0);
        ensure(!(g->score > s->leaf[i]->best) && g->n > 0 && g->users > 0);
        ensure(suggest_characters(suggestion_text(g)) >= s->leaf[i]->shortest);
        before = g;
        bytes += item_bytes(g);
        count++;
    }
    ensure(count == s->count && bytes + s->n * leaf_bytes() == s->bytes);
}
