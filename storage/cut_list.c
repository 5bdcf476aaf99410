/* cut_list.c -- a large list in pieces, told from the left.
 *
 * The list as it was has elements 0 .. n - 1. Of those from `at` on, which are still to be told, most lie where
 * they lay: in ranges of the living list, which shift as others are pushed and dropped, or in lists that were
 * broken off it when many were dropped at once. Those that were dropped or replaced one by one are kept as
 * copies by their numbers; a copy counts before what lies in a range.
 *
 * LSET and pushes leave ranges alone or shift them; LINSERT and LREM divide them, which is little work
 * compared with their own. */
#include "storage/cut_impl.h"

#include "base/buf.h"
#include "base/mem.h"

/* Elements `number` .. + n, in order, of list l from index on. Ranges of one list lie side by side in the
 * array of ranges. */
struct range {
    struct list *l;
    uint64_t number, n, index;
};

struct cut_list_state {
    uint64_t at, n;
    struct range *ranges; /* ascending; [first, n_ranges) are in use */
    size_t first, n_ranges, cap;
    struct table kept; /* number, as 8 bytes -> the element */
    struct buf scratch;
};

/* --- copies -------------------------------------------------------------------------------------------- */

static struct table_ref find_kept(const struct cut_list_state *s, uint64_t number)
{
    struct str key = str_of(&number, sizeof number);
    struct table_ref r = { .e = NULL };

    if (s->kept.count > 0) table_look(&s->kept, table_hash(&s->kept, key), key, &r);
    return r;
}

static void keep(struct cut_value *v, uint64_t number, struct str element)
{
    struct table *t = &v->list->kept;
    struct str key = str_of(&number, sizeof number);
    struct entry *e = entry_new_raw(VALUE_STRING, key, element, -1);

    table_insert(t, table_hash(t, key), e);
    cut_keeps(v, entry_bytes(e));
}

static void free_kept(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

/* --- ranges -------------------------------------------------------------------------------------------- */

static bool has_ranges_behind(const struct cut_list_state *s, size_t i)
{
    return i + 1 < s->n_ranges && s->ranges[i + 1].l == s->ranges[i].l;
}

/* The first `n` elements of the first range have been told. */
static void advance(struct cut_value *v, uint64_t n)
{
    struct cut_list_state *s = v->list;
    struct range *r = &s->ranges[s->first];

    r->number += n;
    r->index += n;
    r->n -= n;
    if (r->n > 0) return;
    if (r->l != v->object && !has_ranges_behind(s, s->first)) {
        cut_keeps_no_more(v, list_frames(r->l));
        list_free(&r->l);
    }
    s->first++;
}

/* Make room for one more range before i. */
static struct range *open_range(struct cut_list_state *s, size_t i)
{
    if (s->n_ranges == s->cap) {
        s->cap = s->cap > 0 ? s->cap * 2 : 4;
        s->ranges = mem_realloc(s->ranges, s->cap * sizeof *s->ranges);
    }
    memmove(&s->ranges[i + 1], &s->ranges[i], (s->n_ranges - i) * sizeof *s->ranges);
    s->n_ranges++;
    return &s->ranges[i];
}

/* The ranges of the living list: [*from, to). */
static size_t living(const struct cut_value *v, size_t *from)
{
    const struct cut_list_state *s = v->list;
    size_t to;

    for (*from = s->first; *from < s->n_ranges && s->ranges[*from].l != v->object; ++*from) {}
    for (to = *from; to < s->n_ranges && s->ranges[to].l == v->object; to++) {}
    return to;
}

/* The first living range that ends behind index; `to` when none does. */
static size_t range_at(const struct cut_value *v, uint64_t index, size_t *to)
{
    const struct cut_list_state *s = v->list;
    size_t lo, hi;

    *to = hi = living(v, &lo);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->ranges[mid].index + s->ranges[mid].n <= index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void shift(struct cut_list_state *s, size_t from, size_t to, uint64_t by)
{
    for (size_t i = from; i < to; i++) s->ranges[i].index += by;
}

/* Empty ranges of the living list go. */
static void tidy(struct cut_value *v)
{
    struct cut_list_state *s = v->list;
    size_t from, to = living(v, &from), kept = from;

    for (size_t i = from; i < to; i++)
        if (s->ranges[i].n > 0) s->ranges[kept++] = s->ranges[i];
    memmove(&s->ranges[kept], &s->ranges[to], (s->n_ranges - to) * sizeof *s->ranges);
    s->n_ranges -= to - kept;
}

/* --- telling ------------------------------------------------------------------------------------------- */

static void tell(struct cut_value *v, struct str element)
{
    cut_tell(v, &(struct cut_piece){ .kind = CUT_ELEMENT, .bytes = element });
    v->list->at++;
}

/* Tell element `at` if there is a copy of it. */
static bool tell_kept(struct cut_value *v)
{
    struct cut_list_state *s = v->list;
    uint64_t number = s->at;
    struct table_ref r = find_kept(s, number);

    if (r.e == NULL) return false;
    tell(v, entry_raw(r.e));
    cut_keeps_no_more(v, entry_bytes(r.e));
    entry_free(table_remove(&s->kept, &r));
    if (s->first < s->n_ranges && s->ranges[s->first].number == number) advance(v, 1);
    return true;
}

/* Tell from the first range until enough was told, the range ends, or a copy comes first. */
static void tell_range(struct cut_value *v)
{
    struct cut_list_state *s = v->list;
    const struct range *r = &s->ranges[s->first];
    size_t bytes = 0, bytes_max = cut_step_bytes(v->cut);
    uint64_t n = 0, max = cut_step_elements(v->cut);
    struct list_iter it;

    ensure(s->first < s->n_ranges && r->number == s->at);
    if (max > r->n) max = r->n;
    list_iter_at(&it, r->l, r->index, LIST_RIGHT);
    for (; n < max && bytes < bytes_max && find_kept(s, s->at).e == NULL && list_next(&it); n++) {
        struct str element = list_iter_get(&it, &s->scratch);

        bytes += element.n;
        tell(v, element);
    }
    advance(v, n);
}

static bool step(struct cut_value *v)
{
    struct cut_list_state *s = v->list;

    if (s->at < s->n && !tell_kept(v)) tell_range(v);
    return s->at < s->n;
}

/* --- before a change ------------------------------------------------------------------------------------- */

/* The element of this number, which is v now, is about to go. */
static void save(struct cut_value *v, uint64_t number, struct str element)
{
    if (find_kept(v->list, number).e != NULL) return;
    if (number == v->list->at)
        tell(v, element);
    else
        keep(v, number, element);
}

/* Elements index .. + n of the living list are about to go: save those of the cut, and let ranges end or
 * begin there. */
static void save_span(struct cut_value *v, uint64_t index, uint64_t n)
{
    struct cut_list_state *s = v->list;
    size_t to;

    for (size_t i = range_at(v, index, &to); i < to && s->ranges[i].index < index + n; i++) {
        struct range *r = &s->ranges[i];
        uint64_t from = r->index > index ? r->index : index, end = r->index + r->n, k = 0;
        struct list_iter it;

        if (end > index + n) end = index + n;
        list_iter_at(&it, r->l, from, LIST_RIGHT);
        for (; from + k < end && list_next(&it); k++)
            save(v, r->number + (from - r->index) + k, list_iter_get(&it, &s->scratch));
        r->n -= k;
        if (from > r->index) continue; /* its end goes */
        r->number += k;
        r->index += k;
    }
    tidy(v);
}

/* The elements dropped become a list of their own, and ranges in them move over. */
static void break_off(struct cut_value *v, enum list_end end, uint64_t n)
{
    struct cut_list_state *s = v->list;
    struct list *l = v->object;
    uint64_t left = list_count(l) - n, from = end == LIST_LEFT ? 0 : left;
    struct list *off;
    size_t i, to;
    bool any = false;

    i = range_at(v, end == LIST_LEFT ? n : left, &to);
    /* A range that lies across the break is divided. */
    if (i < to && s->ranges[i].index < (end == LIST_LEFT ? n : left)) {
        struct range *r = open_range(s, i);
        uint64_t k = (end == LIST_LEFT ? n : left) - r->index;

        r[1].number += k;
        r[1].index += k;
        r[1].n -= k;
        r[0].n = k;
        i++;
        to++;
    }
    off = list_break_off(l, end, n);
    if (end == LIST_LEFT) {
        size_t first = i;

        living(v, &first);
        for (size_t k = first; k < i; k++) s->ranges[k].l = off, any = true;
        shift(s, i, to, -n);
    } else {
        for (; i < to; i++) s->ranges[i].l = off, s->ranges[i].index -= from, any = true;
    }
    if (any)
        cut_keeps(v, list_frames(off));
    else
        list_free(&off);
}

void cut_list_push_left(struct cut_value *v, uint64_t n)
{
    size_t from, to = living(v, &from);

    shift(v->list, from, to, n);
}

/* A few elements are dropped at an end. */
static void drop_few(struct cut_value *v, enum list_end end, uint64_t n)
{
    size_t from, to;

    save_span(v, end == LIST_LEFT ? 0 : list_count(v->object) - n, n);
    if (end == LIST_RIGHT) return;
    to = living(v, &from);
    shift(v->list, from, to, -n);
}

bool cut_list_drop(struct cut_value *v, enum list_end end, uint64_t n)
{
    bool many = n > cut_step_elements(v->cut);

    if (many)
        break_off(v, end, n);
    else
        drop_few(v, end, n);
    return many;
}

void cut_list_will_pop(struct cut_value *v, enum list_end end)
{
    drop_few(v, end, 1);
}

void cut_list_set(struct cut_value *v, uint64_t index)
{
    struct cut_list_state *s = v->list;
    size_t to, i = range_at(v, index, &to);
    const struct range *r = &s->ranges[i];
    uint64_t number;

    if (i == to || r->index > index) return;
    number = r->number + (index - r->index);
    if (find_kept(s, number).e == NULL) keep(v, number, list_get(v->object, index, &s->scratch));
}

/* Divide the range in which an element is about to be inserted, or removed when it has been saved. */
static size_t divide(struct cut_value *v, size_t i, uint64_t index)
{
    struct range *r = &v->list->ranges[i];
    uint64_t k = index - r->index;

    if (k == 0) return i;
    r = open_range(v->list, i);
    r[0].n = k;
    r[1].number += k;
    r[1].index += k;
    r[1].n -= k;
    return i + 1;
}

void cut_list_insert(struct cut_value *v, uint64_t index)
{
    size_t to, i = range_at(v, index, &to);

    if (i == to) return;
    if (v->list->ranges[i].index < index) {
        i = divide(v, i, index);
        to++;
    }
    shift(v->list, i, to, 1);
}

/* The indexes of the elements that list_remove will remove, ascending. */
static uint64_t *find_matches(const struct list *l, struct str element, uint64_t max, enum list_end from,
                              uint64_t *n)
{
    struct buf found = { 0 };
    uint64_t count = list_count(l), i, *at;
    struct list_iter it;

    *n = 0;
    if (max == 0) max = UINT64_MAX;
    list_iter_at(&it, l, from == LIST_LEFT ? 0 : count - 1, from == LIST_LEFT ? LIST_RIGHT : LIST_LEFT);
    for (i = 0; *n < max && list_next(&it); i++) {
        uint64_t index = from == LIST_LEFT ? i : count - 1 - i;

        if (!list_iter_is(&it, element)) continue;
        buf_add(&found, &index, sizeof index);
        ++*n;
    }
    at = (uint64_t *)(void *)found.p;
    for (i = 0; from == LIST_RIGHT && i < *n / 2; i++) {
        uint64_t t = at[i];
        at[i] = at[*n - 1 - i];
        at[*n - 1 - i] = t;
    }
    return at;
}

/* Ranges anew, in one pass, as LREM may remove very many. */
void cut_list_remove(struct cut_value *v, struct str element, uint64_t max, enum list_end from)
{
    struct cut_list_state *s = v->list, old = *s;
    uint64_t n, m = 0, *gone = find_matches(v->object, element, max, from, &n);
    size_t first, to = living(v, &first);

    if (n > 0) {
        s->ranges = NULL;
        s->first = s->n_ranges = s->cap = 0;
        for (size_t i = old.first; i < old.n_ranges; i++) {
            struct range r = old.ranges[i];

            if (i < first || i >= to) {
                *open_range(s, s->n_ranges) = r;
                continue;
            }
            while (m < n && gone[m] < r.index) m++;
            for (; m < n && gone[m] < r.index + r.n; m++) {
                uint64_t k = gone[m] - r.index;

                if (k > 0) *open_range(s, s->n_ranges) = (struct range){ r.l, r.number, k, r.index - m };
                save(v, r.number + k, element);
                r.number += k + 1;
                r.index += k + 1;
                r.n -= k + 1;
            }
            r.index -= m;
            if (r.n > 0) *open_range(s, s->n_ranges) = r;
        }
        mem_free(old.ranges);
    }
    mem_free(gone);
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    const struct list *l = entry_ptr(e);

    return list_count(l) > c->large_elements || list_frames(l) > c->large_bytes;
}

static void begin(struct cut_value *v)
{
    struct cut_list_state *s = mem_zalloc(sizeof *s);

    v->list = s;
    s->n = list_count(v->object);
    table_init(&s->kept, &v->cut->store->hash_key);
    *open_range(s, 0) = (struct range){ v->object, 0, s->n, 0 };
}

static void end(struct cut_value *v)
{
    struct cut_list_state *s = v->list;

    for (size_t i = s->first; i < s->n_ranges; i++)
        if (s->ranges[i].l != v->object && !has_ranges_behind(s, i)) list_free(&s->ranges[i].l);
    mem_free(s->ranges);
    table_fini(&s->kept, free_kept, NULL);
    buf_fini(&s->scratch);
    mem_free(s);
}

const struct cut_kind cut_list = { is_large, begin, step, end };
