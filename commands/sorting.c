#include "commands/sorting.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_string.h"
#include "storage/type_zset.h"

struct sorting_item {
    struct str element;
    union {
        double score;
        struct str by; /* ALPHA with BY, where found */
    };
    size_t place; /* in the source */
    bool found;   /* there is a value to sort by */
};

union sorting_walk {
    struct list_iter list;
    struct {
        struct zset zset;
        struct zset_iter at_zset;
    };
    struct {
        struct set set;
        struct set_iter at_set;
    };
};

/* --- other keys ------------------------------------------------------------------------------- */

/* A key's value, for an element. In pieces nothing is counted. */
static const struct entry *find(struct sorting *s)
{
    const struct entry *e;

    if (!s->in_pieces) return db_read(s->db, buf_str(&s->key));
    e = db_glance_as_of(s->db, buf_str(&s->key), s->as_of_ms);
    if (e != NULL || !s->drops) return e;
    s->looks = true;
    (void)db_peek(s->db, buf_str(&s->key));
    s->looks = false;
    return NULL;
}

/* A field that is due is not there, and the log says so before what is stored. What is due by now, and was not when all began, stays: it
 * has been looked at, or will be. */
static void drop_due(struct sorting *s, struct str field)
{
    struct store *store = s->db->store;
    int64_t now_ms = store->now_ms;

    if (s->in_pieces) store->now_ms = s->as_of_ms;
    s->looks = true;
    hash_expire_field(s->db, buf_str(&s->key), field);
    s->looks = false;
    store->now_ms = now_ms;
}

static bool find_field(struct sorting *s, struct str field, struct str *value)
{
    const struct entry *e;
    struct hash h;

    if (!s->in_pieces) {
        if (hash_read(s->db, buf_str(&s->key), &h) != OK) return false;
    } else {
        e = find(s);
        if (e == NULL || entry_type(e) != VALUE_HASH) return false;
        h = hash_of(s->db->store, e);
        if (h.now_ms >= 0) h.now_ms = s->as_of_ms;
    }
    if (hash_get(&h, field, s->number, value)) return true;
    if (s->drops && hash_due_at(&h) <= h.now_ms) drop_due(s, field);
    return false;
}

/* Where "->" stands in a pattern behind its star; NULL: there is none, or no field behind it. */
static const char *find_arrow(struct str pattern, const char *star)
{
    const char *end = pattern.p + pattern.n;
    const char *arrow = memmem(star + 1, (size_t)(end - star - 1), "->", 2);

    return arrow != NULL && arrow + 2 == end ? NULL : arrow;
}

/* What a pattern says of an element: the element itself ("#"), the string at the key in which it takes
 * the place of the first '*', or behind "->" a field of the hash there. Borrowed until the next one. */
static bool look_up(struct sorting *s, struct str pattern, struct str element, struct str *value)
{
    const char *star = pattern.n > 0 ? memchr(pattern.p, '*', pattern.n) : NULL;
    const char *end = pattern.p + pattern.n, *arrow;
    const struct entry *e;

    if (str_eq(pattern, STR("#"))) {
        *value = element;
        return true;
    }
    if (star == NULL) return false;
    arrow = find_arrow(pattern, star);
    buf_clear(&s->key);
    buf_add(&s->key, pattern.p, (size_t)(star - pattern.p));
    buf_add_str(&s->key, element);
    buf_add(&s->key, star + 1, (size_t)((arrow ? arrow : end) - star - 1));
    if (arrow != NULL) return find_field(s, str_of(arrow + 2, (size_t)(end - arrow - 2)), value);
    e = find(s);
    if (e == NULL || entry_type(e) != VALUE_STRING) return false;
    *value = string_bytes(e, s->number);
    return true;
}

/* May a pattern name this key? */
static bool names(struct str pattern, struct str key)
{
    const char *star = pattern.n > 0 ? memchr(pattern.p, '*', pattern.n) : NULL;
    const char *end = pattern.p + pattern.n, *arrow;
    size_t before, behind;

    if (star == NULL) return false;
    arrow = find_arrow(pattern, star);
    before = (size_t)(star - pattern.p);
    behind = (size_t)((arrow ? arrow : end) - star - 1);
    return key.n >= before + behind && memcmp(key.p, pattern.p, before) == 0 &&
           memcmp(key.p + key.n - behind, star + 1, behind) == 0;
}

bool sorting_looks_at(const struct sorting *s, const struct entry *e)
{
    struct str key = entry_key(e);

    if (s->looks) return false;
    if (s->by_pattern && names(s->by, key)) return true;
    for (size_t i = 0; i < s->n_get; i++)
        if (names(s->get[i], key)) return true;
    return false;
}

/* --- the source ------------------------------------------------------------------------------- */

/* LIMIT among n elements: how many, from *first. */
static size_t limit(const struct sorting *s, size_t n, size_t *first)
{
    *first = 0;
    if (s->offset > 0) *first = (uint64_t)s->offset < n ? (size_t)s->offset : n;
    n -= *first;
    return s->limit >= 0 && (uint64_t)s->limit < n ? (size_t)s->limit : n;
}

static size_t count_of(const struct sorting *s, const struct entry *e)
{
    struct zset z;
    struct set set;

    switch (entry_type(e)) {
    case VALUE_LIST: return list_count(lists_of(e));
    case VALUE_SET: set = set_of(s->db->store, e); return set_count(&set);
    default: z = zset_of(s->db->store, e); return zset_count(&z);
    }
}

/* Are only those within LIMIT loaded? Where no order is asked for and the source has one. */
static bool is_part(const struct sorting *s)
{
    return s->as_it_is && s->type != VALUE_SET;
}

size_t sorting_count(struct sorting *s, const struct entry *e, bool settles)
{
    size_t all = count_of(s, e);

    s->type = entry_type(e);
    if (s->as_it_is && s->type == VALUE_SET && settles) {
        s->as_it_is = s->by_pattern = false;
        s->alpha = true;
    }
    s->n_out = limit(s, all, &s->first);
    return s->count = is_part(s) ? s->n_out : all;
}

/* Bytes of an element, for asking whether there is memory. */
enum { ELEMENT_GUESS = 32 };

enum err sorting_begin(struct sorting *s, const struct entry *e)
{
    bool backwards = is_part(s) && s->down, merges = s->in_pieces && !s->as_it_is;
    size_t from = 0, arrays = merges ? 2 : 1;

    if (!mem_can(s->count * (arrays * sizeof *s->items + ELEMENT_GUESS))) return ERR_OOM;
    if (is_part(s) && s->count > 0) {
        from = s->down ? count_of(s, e) - 1 - s->first : s->first;
        s->first = 0;
    }
    s->items = arena_alloc(s->arena, s->count * sizeof *s->items);
    if (merges) s->other = arena_alloc(s->arena, s->count * sizeof *s->items);
    s->walk = arena_alloc(s->arena, sizeof *s->walk);
    switch (s->type) {
    case VALUE_LIST: list_iter_at(&s->walk->list, lists_of(e), from, backwards ? LIST_LEFT : LIST_RIGHT); break;
    case VALUE_SET:
        s->walk->set = set_of(s->db->store, e);
        set_iter_start(&s->walk->at_set, &s->walk->set);
        break;
    default:
        s->walk->zset = zset_of(s->db->store, e);
        zset_iter_at(&s->walk->at_zset, &s->walk->zset, from, backwards);
    }
    return OK;
}

static void add(struct sorting *s, struct str element)
{
    s->items[s->n] = (struct sorting_item){ .element = arena_dup(s->arena, element), .place = s->n };
    s->n++;
}

/* Load elements until there are n. */
static void load(struct sorting *s, size_t n)
{
    union sorting_walk *w = s->walk;

    switch (s->type) {
    case VALUE_LIST:
        while (s->n < n && list_next(&w->list)) add(s, list_iter_get(&w->list, &s->scratch));
        return;
    case VALUE_SET:
        while (s->n < n && set_next(&w->at_set)) add(s, set_text(&w->at_set.item, s->number));
        return;
    default:
        while (s->n < n && zset_next(&w->at_zset)) add(s, w->at_zset.member);
    }
}

/* --- the order -------------------------------------------------------------------------------- */

/* As strtod: blanks may lead, nothing at all is 0. */
static bool parse_score(struct sorting *s, struct str text, double *score)
{
    struct str copy;
    char *end;

    if (num_parse_double(text, score)) return true;
    copy = arena_printf(s->arena, "%.*s", (int)(text.n & INT_MAX), text.p);
    errno = 0;
    *score = strtod(copy.p, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*score);
}

/* Find what items up to `to` are compared by. */
static enum err weigh(struct sorting *s, size_t to)
{
    struct str value;

    for (; s->at < to; s->at++) {
        struct sorting_item *it = &s->items[s->at];
        if (!s->by_pattern) {
            value = it->element;
        } else if (!look_up(s, s->by, it->element, &value)) {
            continue;
        }
        it->found = true;
        if (s->alpha) {
            it->by = arena_dup(s->arena, value);
        } else if (!parse_score(s, value, &it->score)) {
            return ERR_SORT_SCORES;
        }
    }
    return OK;
}

static int compare_values(const struct sorting *s, const struct sorting_item *a, const struct sorting_item *b)
{
    int order;

    if (!s->alpha) {
        order = (a->score > b->score) - (a->score < b->score);
        return order != 0 ? order : str_cmp(a->element, b->element);
    }
    if (!s->by_pattern) return str_cmp(a->element, b->element);
    if (!a->found || !b->found) return a->found - b->found;
    return str_cmp(a->by, b->by);
}

static int compare(const void *x, const void *y, void *ctx)
{
    const struct sorting *s = ctx;
    const struct sorting_item *a = x, *b = y;
    int order = compare_values(s, a, b);

    if (order != 0) return s->down ? -order : order;
    if (s->type != VALUE_LIST) return str_cmp(a->element, b->element);
    return (a->place > b->place) - (a->place < b->place);
}

/* What follows when a phase is over. */
static void go_to(struct sorting *s, int phase)
{
    s->phase = phase;
    s->at = 0;
    if (s->phase == SORTING_WEIGHS && s->as_it_is) s->phase = SORTING_DONE;
    if (s->phase == SORTING_WEIGHS && s->alpha && !s->by_pattern) s->phase = SORTING_SORTS;
    if (s->phase != SORTING_SORTS) return;
    s->sort = (struct sort_steps){ .items = s->items, .other = s->other, .size = sizeof *s->items, .n = s->n, .compare = compare, .ctx = s };
}

enum err sorting_step(struct sorting *s, size_t n, bool *ready)
{
    enum err e = OK;

    switch (s->phase) {
    case SORTING_LOADS:
        load(s, n < s->count - s->n ? s->n + n : s->count);
        if (s->n == s->count) go_to(s, SORTING_WEIGHS);
        break;
    case SORTING_WEIGHS:
        e = weigh(s, n < s->n - s->at ? s->at + n : s->n);
        if (s->at == s->n) go_to(s, SORTING_SORTS);
        break;
    case SORTING_SORTS:
        if (!sort_steps_on(&s->sort, n)) break;
        s->items = s->sort.items;
        go_to(s, SORTING_DONE);
        break;
    case SORTING_DONE: break;
    }
    *ready = s->phase == SORTING_DONE;
    return e;
}

/* --- what comes out --------------------------------------------------------------------------- */

size_t sorting_replies(const struct sorting *s)
{
    return s->n_get > 0 ? s->n_out * s->n_get : s->n_out;
}

static void reply_looked_up(struct sorting *s, struct str element, struct reply *out)
{
    struct str value;

    for (size_t g = 0; g < s->n_get; g++) {
        if (look_up(s, s->get[g], element, &value)) reply_bulk(out, value);
        else reply_null(out);
    }
}

void sorting_reply(struct sorting *s, size_t i, size_t n, struct reply *out)
{
    const struct sorting_item *it = s->items + s->first + i;

    for (; n > 0; n--, it++) {
        if (s->n_get == 0) reply_bulk(out, it->element);
        else reply_looked_up(s, it->element, out);
    }
}

void sorting_push(struct sorting *s, size_t i, size_t n, struct list *l)
{
    const struct sorting_item *it = s->items + s->first + i;
    struct str value;

    for (; n > 0; n--, it++) {
        if (s->n_get == 0) list_push(l, LIST_RIGHT, it->element);
        for (size_t g = 0; g < s->n_get; g++) {
            bool there = look_up(s, s->get[g], it->element, &value);
            list_push(l, LIST_RIGHT, there ? value : STR(""));
        }
    }
}

size_t sorting_bytes(const struct sorting *s)
{
    return s->count * ((s->other != NULL ? 2 : 1) * sizeof *s->items) + s->n * ELEMENT_GUESS;
}

void sorting_fini(struct sorting *s)
{
    buf_fini(&s->key);
    buf_fini(&s->scratch);
}
