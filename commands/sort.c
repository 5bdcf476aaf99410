/* sort.c -- SORT and SORT_RO: the elements of a list, a set or a sorted set in order, by themselves or by
 * values under other keys, as they are or as other keys have it, for reading or to be stored as a list.
 *
 *     SORT ids BY weight_* LIMIT 0 10 GET # GET user_*->name
 *
 * The elements are copied first: looking up other keys may remove some that have expired, and the store
 * does not keep still then. The order is total, so that what a replay of the log stores is the same:
 * equals keep their places in a list, and stand by their bytes where the source has no order. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "commands/tables.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_string.h"
#include "storage/type_zset.h"

struct item {
    struct str element;
    union {
        double score;
        struct str by; /* ALPHA with BY, where found */
    };
    size_t place; /* in the source */
    bool found;   /* there is a value to sort by */
};

struct sorting {
    struct call *call;
    /* what was asked for */
    bool down, alpha, by_pattern, as_it_is;
    struct str by;
    int64_t offset, limit;
    struct str *get;
    size_t n_get;
    bool stores;
    struct str store;
    /* the source */
    enum value_type type;
    struct item *items;
    size_t n;
    struct buf key, scratch;
    char number[NUM_TEXT_MAX];
};

/* --- options ---------------------------------------------------------------------------------- */

static enum err parse(struct sorting *s, bool may_store)
{
    struct call *c = s->call;
    bool reads_all = c->reads_all_keys == NULL || c->reads_all_keys(c);
    enum err e;

    s->limit = -1;
    s->get = arena_alloc(c->arena, c->argc * sizeof *s->get);
    for (size_t i = 2; i < c->argc; i++) {
        size_t left = c->argc - i - 1;
        if (call_is(c, i, "asc")) {
            s->down = false;
        } else if (call_is(c, i, "desc")) {
            s->down = true;
        } else if (call_is(c, i, "alpha")) {
            s->alpha = true;
        } else if (left >= 2 && call_is(c, i, "limit")) {
            e = call_i64(c, ++i, &s->offset);
            if (e == OK) e = call_i64(c, ++i, &s->limit);
            if (e != OK) return e;
        } else if (may_store && left >= 1 && call_is(c, i, "store")) {
            s->store = call_arg(c, ++i);
            s->stores = true;
        } else if (left >= 1 && call_is(c, i, "by")) {
            s->by = call_arg(c, ++i);
            s->by_pattern = true;
            /* Once a pattern names no element there is nothing to sort by, whatever follows. */
            if (memchr(s->by.p, '*', s->by.n) == NULL) s->as_it_is = true;
            else if (!reads_all) return ERR_SORT_BY_DENIED;
        } else if (left >= 1 && call_is(c, i, "get")) {
            if (!reads_all) return ERR_SORT_GET_DENIED;
            s->get[s->n_get++] = call_arg(c, ++i);
        } else {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

/* --- other keys ------------------------------------------------------------------------------- */

/* What a pattern says of an element: the element itself ("#"), the string at the key in which it takes
 * the place of the first '*', or behind "->" a field of the hash there. Borrowed until the next one. */
static bool look_up(struct sorting *s, struct str pattern, struct str element, struct str *value)
{
    const char *star = pattern.n > 0 ? memchr(pattern.p, '*', pattern.n) : NULL;
    const char *end = pattern.p + pattern.n, *arrow;
    const struct entry *e;
    struct str field;
    struct hash h;

    if (str_eq(pattern, STR("#"))) {
        *value = element;
        return true;
    }
    if (star == NULL) return false;
    arrow = memmem(star + 1, (size_t)(end - star - 1), "->", 2);
    if (arrow != NULL && arrow + 2 == end) arrow = NULL; /* no field: a part of the name */
    buf_clear(&s->key);
    buf_add(&s->key, pattern.p, (size_t)(star - pattern.p));
    buf_add_str(&s->key, element);
    buf_add(&s->key, star + 1, (size_t)((arrow ? arrow : end) - star - 1));
    if (arrow != NULL) {
        field = str_of(arrow + 2, (size_t)(end - arrow - 2));
        return hash_read(s->call->db, buf_str(&s->key), &h) == OK &&
               hash_get(&h, field, s->number, value);
    }
    e = db_read(s->call->db, buf_str(&s->key));
    if (e == NULL || entry_type(e) != VALUE_STRING) return false;
    *value = string_bytes(e, s->number);
    return true;
}

/* --- the source ------------------------------------------------------------------------------- */

static void add(struct sorting *s, struct str element)
{
    s->items[s->n] = (struct item){ .element = arena_dup(s->call->arena, element), .place = s->n };
    s->n++;
}

static void load_list(struct sorting *s, const struct list *l, size_t first, size_t n, bool down)
{
    struct list_iter it;

    list_iter_at(&it, l, first, down ? LIST_LEFT : LIST_RIGHT);
    while (s->n < n && list_next(&it)) add(s, list_iter_get(&it, &s->scratch));
}

static void load_zset(struct sorting *s, const struct zset *z, size_t first, size_t n, bool down)
{
    struct zset_iter it;

    zset_iter_at(&it, z, first, down);
    while (s->n < n && zset_next(&it)) add(s, it.member);
}

static void load_set(struct sorting *s, const struct set *set)
{
    struct set_iter it;

    set_iter_start(&it, set);
    while (set_next(&it)) add(s, set_text(&it.item, s->number));
}

/* LIMIT among n elements: how many, from *first. */
static size_t limit(const struct sorting *s, size_t n, size_t *first)
{
    *first = 0;
    if (s->offset > 0) *first = (uint64_t)s->offset < n ? (size_t)s->offset : n;
    n -= *first;
    return s->limit >= 0 && (uint64_t)s->limit < n ? (size_t)s->limit : n;
}

/* Bytes of an element, for asking whether there is memory. */
enum { ELEMENT_GUESS = 32 };

/* Load all elements; or where no order is asked for and the source has one, only those within LIMIT.
 * Gives what is to come out among them, once they are sorted: n from first on. */
static enum err load(struct sorting *s, const struct entry *e, size_t *first, size_t *n)
{
    struct zset z;
    struct set set;
    size_t count, from = 0;
    bool part;

    s->type = entry_type(e);
    if (s->type == VALUE_ZSET) z = zset_of(s->call->store, e);
    if (s->type == VALUE_SET) set = set_of(s->call->store, e);
    count = s->type == VALUE_LIST  ? list_count(lists_of(e))
            : s->type == VALUE_SET ? set_count(&set)
                                   : zset_count(&z);
    /* A set has no order that a replay, or the next run of a script, would find again. Where waiting is
     * not allowed this may be a script; or a transaction, for which any order is as good. */
    if (s->as_it_is && s->type == VALUE_SET && (s->stores || !s->call->may_block)) {
        s->as_it_is = s->by_pattern = false;
        s->alpha = true;
    }
    part = s->as_it_is && s->type != VALUE_SET;
    *n = limit(s, count, first);
    if (count == 0 || (part && *n == 0)) return OK;
    if (part) {
        from = s->down ? count - 1 - *first : *first;
        count = *n;
        *first = 0;
    }
    if (!mem_can(count * (sizeof *s->items + ELEMENT_GUESS))) return ERR_OOM;
    s->items = arena_alloc(s->call->arena, count * sizeof *s->items);
    if (s->type == VALUE_LIST)
        load_list(s, lists_of(e), from, count, part && s->down);
    else if (s->type == VALUE_ZSET)
        load_zset(s, &z, from, count, part && s->down);
    else
        load_set(s, &set);
    return OK;
}

/* --- the order -------------------------------------------------------------------------------- */

/* As strtod: blanks may lead, nothing at all is 0. */
static bool parse_score(struct sorting *s, struct str text, double *score)
{
    struct str copy;
    char *end;

    if (num_parse_double(text, score)) return true;
    copy = arena_printf(s->call->arena, "%.*s", (int)(text.n & INT_MAX), text.p);
    errno = 0;
    *score = strtod(copy.p, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*score);
}

/* What each element is compared by. */
static enum err weigh(struct sorting *s)
{
    struct str value;

    if (s->alpha && !s->by_pattern) return OK;
    for (size_t i = 0; i < s->n; i++) {
        struct item *it = &s->items[i];
        if (!s->by_pattern) {
            value = it->element;
        } else if (!look_up(s, s->by, it->element, &value)) {
            continue;
        }
        it->found = true;
        if (s->alpha) {
            it->by = arena_dup(s->call->arena, value);
        } else if (!parse_score(s, value, &it->score)) {
            return ERR_SORT_SCORES;
        }
    }
    return OK;
}

static int compare_values(const struct sorting *s, const struct item *a, const struct item *b)
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
    const struct item *a = x, *b = y;
    int order = compare_values(s, a, b);

    if (order != 0) return s->down ? -order : order;
    if (s->type != VALUE_LIST) return str_cmp(a->element, b->element);
    return (a->place > b->place) - (a->place < b->place);
}

/* --- what comes out --------------------------------------------------------------------------- */

static void reply_items(struct sorting *s, size_t first, size_t n)
{
    struct reply *out = s->call->out;
    struct str value;

    reply_array(out, s->n_get > 0 ? n * s->n_get : n);
    for (size_t i = first; i < first + n; i++) {
        if (s->n_get == 0) reply_bulk(out, s->items[i].element);
        for (size_t g = 0; g < s->n_get; g++) {
            if (look_up(s, s->get[g], s->items[i].element, &value))
                reply_bulk(out, value);
            else
                reply_null(out);
        }
    }
}

static void store_items(struct sorting *s, size_t first, size_t n)
{
    struct list *l = list_new();
    struct str value;

    for (size_t i = first; i < first + n; i++) {
        if (s->n_get == 0) list_push(l, LIST_RIGHT, s->items[i].element);
        for (size_t g = 0; g < s->n_get; g++) {
            bool there = look_up(s, s->get[g], s->items[i].element, &value);
            list_push(l, LIST_RIGHT, there ? value : STR(""));
        }
    }
    reply_int(s->call->out, (int64_t)lists_store_take(s->call->db, s->store, &l, CHANGE_SORTSTORE));
}

static enum err sort(struct sorting *s)
{
    const struct entry *e = db_read(s->call->db, call_arg(s->call, 1));
    size_t first = 0, n = 0;
    enum err err = OK;

    if (e != NULL) {
        enum value_type t = entry_type(e);
        if (t != VALUE_LIST && t != VALUE_SET && t != VALUE_ZSET) return ERR_WRONG_TYPE;
        err = load(s, e, &first, &n);
        if (err != OK) return err;
    }
    if (!s->as_it_is) {
        err = weigh(s);
        if (err == OK && s->n > 1) qsort_r(s->items, s->n, sizeof *s->items, compare, s);
    }
    if (err != OK) return err;
    if (s->stores)
        store_items(s, first, n);
    else
        reply_items(s, first, n);
    return OK;
}

static enum err run(struct call *c, bool may_store)
{
    struct sorting s = { .call = c };
    enum err e = parse(&s, may_store);

    if (e == OK) e = sort(&s);
    buf_fini(&s.key);
    buf_fini(&s.scratch);
    return e;
}

static enum err run_sort(struct call *c)
{
    return run(c, true);
}

static enum err run_sort_ro(struct call *c)
{
    return run(c, false);
}

/* Where SORT's destination stands: behind the last STORE that is an option and no option's argument. Stock servers take a
 * destination for an option when it is named like one; the handler does not, so who may write to one key could write to another. */
static size_t find_store(size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    size_t at = 0;

    for (size_t i = 2; i < argc; i++) {
        if (str_is(argv[i], "limit"))
            i += 2;
        else if (str_is(argv[i], "get") || str_is(argv[i], "by"))
            i++;
        else if (str_is(argv[i], "store") && i + 1 < argc)
            at = ++i;
    }
    if (at > 0 && max > 0) refs[0] = (struct key_ref){ (uint32_t)at, KEY_OW | KEY_UPDATE };
    return at > 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define SORT_ROW .arity = -2, .acl = ACL_SET | ACL_SORTEDSET | ACL_LIST | ACL_DANGEROUS, \
    .group = GROUP_GENERIC, \
    .complexity = "O(N+M*log(M)) for N elements to sort and M that come out; O(N) where nothing is sorted"
#define SORTED KEY_AT(1, KEY_RO | KEY_ACCESS), KEYS_UNKNOWN(KEY_RO | KEY_ACCESS)
#define OPTIONS \
    ARG_KEY("key"), \
    { .name = "by-pattern", .type = ARG_T_PATTERN, .token = "BY", .flags = ARG_OPTIONAL, .key_spec = 1, \
      .display = "pattern" }, \
    { .name = "limit", .type = ARG_T_BLOCK, .token = "LIMIT", .flags = ARG_OPTIONAL, .subs = limit_args }, \
    { .name = "get-pattern", .type = ARG_T_PATTERN, .token = "GET", .key_spec = 1, .display = "pattern", \
      .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN }, \
    { .name = "order", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = order_args }, \
    { .name = "sorting", .type = ARG_T_PURE_TOKEN, .token = "ALPHA", .flags = ARG_OPTIONAL }

static const struct command_arg limit_args[] = {
    { .name = "offset", .type = ARG_T_INTEGER },
    { .name = "count", .type = ARG_T_INTEGER },
    { 0 },
};
static const struct command_arg order_args[] = {
    { .name = "asc", .type = ARG_T_PURE_TOKEN, .token = "ASC" },
    { .name = "desc", .type = ARG_T_PURE_TOKEN, .token = "DESC" },
    { 0 },
};

const struct command sort_commands[] = {
    { .name = "sort", .run = run_sort, .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, SORT_ROW,
      .keys = { SORTED, KEYS_UNKNOWN(KEY_OW | KEY_UPDATE) }, .more_keys = find_store, .since = "1.0.0",
      .summary = "Sorts the elements of a list, a set or a sorted set, and gives or stores them.",
      .args = ARGS(OPTIONS, { .name = "destination", .type = ARG_T_KEY, .token = "STORE",
                              .flags = ARG_OPTIONAL, .key_spec = 2 }),
      .example = "RPUSH l 3 1 2 | SORT l DESC LIMIT 0 2 => *2\r\n$1\r\n3\r\n$1\r\n2\r\n" },
    { .name = "sort_ro", .run = run_sort_ro, .flags = CMD_READONLY | CMD_MOVABLE_KEYS, SORT_ROW,
      .keys = { SORTED }, .since = "7.0.0",
      .summary = "Gives the elements of a list, a set or a sorted set in order.", .args = ARGS(OPTIONS),
      .example = "RPUSH l 3 1 | MSET w1 9 w3 5 | SORT_RO l BY w* => *2\r\n$1\r\n3\r\n$1\r\n1\r\n" },
    { 0 },
};
