/* tags.c -- see tags.h. */
#include "search/tags.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/glob.h"
#include "base/mem.h"

struct tag {
    uint32_t n;
    uint32_t one;         /* the document, while there is but one */
    struct docset *many;  /* NULL: there is not */
};

/* The values of a document that has several, ascending. */
struct list {
    uint32_t n;
    uint32_t ids[];
};

static int compare_ids(const void *ctx, const void *a, const void *b)
{
    const struct tags *t = ctx;
    uint32_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x == y ? 0 : str_cmp(names_get(&t->values, x), names_get(&t->values, y));
}

/* b is a struct str. */
static int compare_text(const void *ctx, const void *a, const void *b)
{
    const struct tags *t = ctx;
    uint32_t x;

    memcpy(&x, a, sizeof x);
    return str_cmp(names_get(&t->values, x), *(const struct str *)b);
}

void tags_init(struct tags *t)
{
    *t = (struct tags){ 0 };
    names_init(&t->values);
    column_init(&t->of_doc, 0);
    sorted_init(&t->order, sizeof(uint32_t), compare_ids, t);
}

static bool is_list(uint64_t cell)
{
    return cell != 0 && (cell & 1) == 0;
}

static struct list *list_of(uint64_t cell)
{
    return (struct list *)(uintptr_t)cell;
}

void tags_fini(struct tags *t)
{
    for (uint32_t p = 0; p < t->of_doc.n_pages; p++) {
        uint32_t n;
        const uint64_t *page = column_page(&t->of_doc, p, &n);

        for (uint32_t i = 0; i < n; i++)
            if (is_list(page[i])) mem_free(list_of(page[i]));
    }
    for (uint32_t i = 0; i < t->values.end; i++) {
        if (names_get(&t->values, i).p == NULL || t->tags[i].many == NULL) continue;
        docset_fini(t->tags[i].many);
        mem_free(t->tags[i].many);
    }
    column_fini(&t->of_doc);
    sorted_fini(&t->order);
    names_fini(&t->values);
    mem_free(t->tags);
    *t = (struct tags){ 0 };
}

/* --- documents of a value -------------------------------------------------------------------------------------- */

static size_t set_bytes(const struct docset *s)
{
    return sizeof *s + docset_memory(s);
}

/* Asking the allocator for sizes takes longer than most changes of a set, and few of them change one. */
static void count_change(struct tags *t, const struct docset *before, const struct docset *now)
{
    if (before->cap != now->cap || before->n_words != now->n_words) t->bytes += docset_memory(now) - docset_memory(before);
}

static void add_doc(struct tags *t, uint32_t id, uint32_t doc)
{
    struct tag *g = &t->tags[id];
    struct docset before;

    t->n_pairs++;
    if (g->n++ == 0) {
        g->one = doc;
        return;
    }
    if (g->many == NULL) {
        g->many = mem_zalloc(sizeof *g->many);
        docset_add(g->many, g->one);
        docset_add(g->many, doc);
        t->bytes += set_bytes(g->many);
        return;
    }
    before = *g->many;
    docset_add(g->many, doc);
    count_change(t, &before, g->many);
}

static void drop_tag(struct tags *t, uint32_t id)
{
    if (t->wants_order && id < t->n_ordered) sorted_remove(&t->order, &id);
    names_remove(&t->values, id);
    names_recycle(&t->values, id);
}

static void remove_doc(struct tags *t, uint32_t id, uint32_t doc)
{
    struct tag *g = &t->tags[id];

    t->n_pairs--;
    g->n--;
    if (g->many && g->n > 0) {
        struct docset before = *g->many;

        docset_remove(g->many, doc);
        count_change(t, &before, g->many);
    } else if (g->many) {
        t->bytes -= set_bytes(g->many);
        docset_fini(g->many);
        mem_free(g->many);
        g->many = NULL;
    }
    if (g->n == 0) drop_tag(t, id);
}

/* --- values of a document -------------------------------------------------------------------------------------- */

static uint32_t number_of(struct tags *t, struct str value)
{
    bool is_new;
    uint32_t id = names_add(&t->values, value, &is_new);

    if (!is_new) return id;
    if (id >= t->cap) {
        uint32_t cap = t->cap ? 2 * t->cap : 16;

        while (cap <= id) cap *= 2;
        t->tags = mem_realloc(t->tags, cap * sizeof *t->tags);
        t->cap = cap;
    }
    t->tags[id] = (struct tag){ 0 };
    if (t->wants_order && id < t->n_ordered) sorted_add(&t->order, &id); /* used again */
    return id;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static size_t list_bytes(uint32_t n)
{
    return mem_good_size(sizeof(struct list) + n * sizeof(uint32_t));
}

/* The ids of a cell; one: room for the single one. */
static const uint32_t *ids_of(uint64_t cell, uint32_t *one, uint32_t *n)
{
    *n = cell == 0 ? 0 : 1;
    *one = (uint32_t)(cell >> 1);
    if (!is_list(cell)) return one;
    *n = list_of(cell)->n;
    return list_of(cell)->ids;
}

static void set_cell(struct tags *t, uint32_t doc, const uint32_t *ids, uint32_t n)
{
    uint64_t cell = n == 0 ? 0 : (uint64_t)ids[0] << 1 | 1;

    if (n > 1) {
        struct list *l = mem_alloc(sizeof *l + n * sizeof *ids);

        l->n = n;
        memcpy(l->ids, ids, n * sizeof *ids);
        t->bytes += list_bytes(n);
        cell = (uint64_t)(uintptr_t)l;
    }
    column_set(&t->of_doc, doc, cell);
}

/* Numbers of the values, ascending, each once. Values are made before others go: one that a document keeps stays. */
static uint32_t numbers_of(struct tags *t, const struct str *values, size_t n, uint32_t *ids)
{
    uint32_t m = 0;

    for (size_t i = 0; i < n; i++) ids[i] = number_of(t, values[i]);
    if (n > 1) qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 0; i < n; i++)
        if (m == 0 || ids[m - 1] != ids[i]) ids[m++] = ids[i];
    return m;
}

static void put_several(struct tags *t, uint32_t doc, uint64_t cell, const struct str *values, size_t n)
{
    uint32_t few[16], one, n_old, m, i = 0, k = 0;
    uint32_t *ids = n <= 16 ? few : mem_alloc(n * sizeof *ids);
    const uint32_t *old = ids_of(cell, &one, &n_old);

    m = numbers_of(t, values, n, ids);
    if (m != n_old || (m > 0 && memcmp(ids, old, m * sizeof *ids) != 0)) {
        while (i < m || k < n_old) {
            if (k == n_old || (i < m && ids[i] < old[k])) add_doc(t, ids[i++], doc);
            else if (i == m || old[k] < ids[i]) remove_doc(t, old[k++], doc);
            else i++, k++;
        }
        if (is_list(cell)) {
            t->bytes -= list_bytes(n_old);
            mem_free(list_of(cell));
        }
        set_cell(t, doc, ids, m);
    }
    if (ids != few) mem_free(ids);
}

/* One value at most, as there was: most fields are so. */
static void put_one(struct tags *t, uint32_t doc, uint64_t old, uint64_t cell)
{
    if (cell == old) return;
    if (cell) add_doc(t, (uint32_t)(cell >> 1), doc);
    if (old) remove_doc(t, (uint32_t)(old >> 1), doc);
    column_set(&t->of_doc, doc, cell);
}

void tags_put(struct tags *t, uint32_t doc, const struct str *values, size_t n)
{
    uint64_t cell = column_get(&t->of_doc, doc);

    if (n <= 1 && !is_list(cell)) put_one(t, doc, cell, n ? (uint64_t)number_of(t, values[0]) << 1 | 1 : 0);
    else put_several(t, doc, cell, values, n);
}

void tags_of(const struct tags *t, uint32_t doc, void (*fn)(void *ctx, struct str value), void *ctx)
{
    uint32_t one, n;
    const uint32_t *ids = ids_of(column_get(&t->of_doc, doc), &one, &n);

    for (uint32_t i = 0; i < n; i++) fn(ctx, names_get(&t->values, ids[i]));
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static void take(const struct tags *t, uint32_t id, struct docset *out)
{
    const struct tag *g = &t->tags[id];

    if (g->many) docset_or(out, g->many);
    else docset_add(out, g->one);
}

static bool is_infix(struct str s, struct str part)
{
    return part.n == 0 || memmem(s.p, s.n, part.p, part.n) != NULL;
}

static bool matches(struct str s, struct str pattern, enum text_match how)
{
    switch (how) {
    case TEXT_PREFIX: return str_starts(s, pattern);
    case TEXT_SUFFIX: return s.n >= pattern.n && str_eq(str_of(s.p + s.n - pattern.n, pattern.n), pattern);
    case TEXT_INFIX: return is_infix(s, pattern);
    case TEXT_WILDCARD: return glob_match(pattern, s, false);
    default: return str_eq(s, pattern);
    }
}

/* A pattern of ? and * as a glob: brackets are nothing special in it. */
static void glob_of(struct str pattern, struct buf *out)
{
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '[' || pattern.p[i] == ']') buf_add_char(out, '\\');
        buf_add_char(out, pattern.p[i]);
    }
}

/* --- a walk: values that are in no order by their numbers, for a prefix then those that are ---------------------- */

void tags_walk_init(struct tags_walk *w, struct tags *t, struct str pattern, enum text_match how)
{
    *w = (struct tags_walk){ .how = how, .end = t->values.end };
    if (how == TEXT_PREFIX) {
        t->wants_order = true;
        w->at = t->n_ordered; /* those that come into order between the steps have been looked at then */
    }
    if (how == TEXT_WILDCARD) glob_of(pattern, &w->pattern);
    else buf_add_str(&w->pattern, pattern);
}

void tags_walk_fini(struct tags_walk *w)
{
    buf_fini(&w->pattern);
    buf_fini(&w->last);
}

static bool walk_numbers(struct tags_walk *w, const struct tags *t, size_t *budget, struct docset *out)
{
    for (; w->at < w->end && *budget > 0; w->at++, --*budget) {
        struct str s = names_get(&t->values, w->at);

        if (s.p && matches(s, buf_str(&w->pattern), w->how)) take(t, w->at, out);
    }
    return w->at == w->end;
}

/* Places in the order do not outlast a step; a value does, even when it has gone. */
static bool walk_order(struct tags_walk *w, const struct tags *t, size_t *budget, struct docset *out)
{
    struct str from = w->last.n > 0 ? buf_str(&w->last) : buf_str(&w->pattern), s = from;
    struct sorted_at at;
    const void *item;

    for (at = sorted_lower(&t->order, &from, compare_text); (item = sorted_get(&t->order, at)) != NULL; sorted_next(&t->order, &at)) {
        uint32_t id;

        memcpy(&id, item, sizeof id);
        s = names_get(&t->values, id);
        if (!str_starts(s, buf_str(&w->pattern))) return true;
        if ((*budget)-- == 0) break;
        take(t, id, out);
    }
    if (item == NULL) return true;
    buf_clear(&w->last);
    buf_add_str(&w->last, s);
    return false;
}

bool tags_walk_step(struct tags_walk *w, struct tags *t, size_t budget, struct docset *out)
{
    uint32_t id;

    if (w->how == TEXT_WORD) {
        id = names_find(&t->values, buf_str(&w->pattern));
        if (id != NAMES_NONE) take(t, id, out);
        return true;
    }
    if (!walk_numbers(w, t, &budget, out)) return false;
    return w->how != TEXT_PREFIX || walk_order(w, t, &budget, out);
}

void tags_match(struct tags *t, struct str pattern, enum text_match how, struct docset *out)
{
    struct tags_walk w;

    tags_walk_init(&w, t, pattern, how);
    while (!tags_walk_step(&w, t, SIZE_MAX, out)) {}
    tags_walk_fini(&w);
}

static struct str value_at(const struct tags *t, const void *item)
{
    uint32_t id;

    memcpy(&id, item, sizeof id);
    return names_get(&t->values, id);
}

bool tags_each(struct tags *t, struct buf *last, size_t budget, void (*fn)(void *ctx, struct str value), void *ctx)
{
    struct str from = buf_str(last), s = { NULL, 0 };
    struct sorted_at at = sorted_lower(&t->order, &from, compare_text);
    const void *item = sorted_get(&t->order, at);

    if (last->p != NULL && item != NULL && str_eq(value_at(t, item), from)) sorted_next(&t->order, &at);
    for (; (item = sorted_get(&t->order, at)) != NULL && budget > 0; sorted_next(&t->order, &at), budget--) {
        s = value_at(t, item);
        fn(ctx, s);
    }
    if (s.p == NULL) return item == NULL;
    buf_clear(last);
    buf_room(last, s.n + 1); /* an empty value is not the same as none */
    buf_add_str(last, s);
    return item == NULL;
}

bool tags_tend(struct tags *t, size_t budget)
{
    if (!t->wants_order) return false;
    for (; t->n_ordered < t->values.end && budget > 0; budget--) {
        uint32_t id = t->n_ordered++;

        if (names_get(&t->values, id).p) sorted_add(&t->order, &id);
    }
    return t->n_ordered < t->values.end;
}

/* --- figures --------------------------------------------------------------------------------------------------- */

size_t tags_memory(const struct tags *t)
{
    return names_memory(&t->values) + t->of_doc.bytes + t->order.bytes + t->cap * sizeof *t->tags + t->bytes;
}

void tags_check(const struct tags *t, const struct docset *alive)
{
    size_t pairs = 0, bytes = 0, ordered = 0;

    names_check(&t->values);
    sorted_check(&t->order);
    for (uint32_t id = 0; id < t->values.end; id++) {
        const struct tag *g = &t->tags[id];

        if (names_get(&t->values, id).p == NULL) continue;
        ensure(g->n > 0 && (g->many ? g->many->n == g->n : g->n == 1));
        if (g->many) bytes += set_bytes(g->many);
        pairs += g->n;
        ordered += id < t->n_ordered;
    }
    ensure(pairs == t->n_pairs && t->order.n == (t->wants_order ? ordered : 0));
    for (uint32_t d = docset_next(alive, 0); d != UINT32_MAX; d = docset_next(alive, d + 1)) {
        uint64_t cell = column_get(&t->of_doc, d);
        uint32_t one, n;
        const uint32_t *ids = ids_of(cell, &one, &n);

        if (is_list(cell)) bytes += list_bytes(n);
        for (uint32_t i = 0; i < n; i++, pairs--) {
            const struct tag *g = &t->tags[ids[i]];

            ensure(g->many ? docset_has(g->many, d) : g->one == d);
        }
    }
    ensure(pairs == 0 && bytes == t->bytes);
}
