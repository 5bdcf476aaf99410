/* geo_search.c -- which places lie in a circle or a box: GEOSEARCH, and GEORADIUS before it. */
#include "commands/geo.h"

#include <stdlib.h>

#include "commands/tables.h"
#include "storage/type_zset.h"

/* --- the request ------------------------------------------------------------------------------ */

enum family { GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCH, GEOSEARCHSTORE };
enum order { ORDER_NONE, ORDER_ASC, ORDER_DESC };

struct search {
    enum family family;
    bool may_store; /* GEORADIUS without _RO */
    struct zset z;
    bool is_there;  /* the source key */
    struct geo_shape shape;
    bool with_distance, with_hash, with_point;
    bool from_member, from_point, by_radius, by_box;
    bool any;
    int64_t count;  /* 0: all */
    enum order order;
    struct str store; /* p NULL: the result is replied */
    bool store_distance;
};

static enum err parse_radius(const struct call *c, size_t i, struct geo_shape *s)
{
    if (call_double(c, i, &s->radius) != OK) return ERR_GEO_RADIUS;
    if (s->radius < 0) return ERR_GEO_RADIUS_NEGATIVE;
    return geo_parse_unit(c, i + 1, &s->unit);
}

static enum err parse_box(const struct call *c, size_t i, struct geo_shape *s)
{
    if (call_double(c, i, &s->width) != OK) return ERR_GEO_WIDTH;
    if (call_double(c, i + 1, &s->height) != OK) return ERR_GEO_HEIGHT;
    if (s->height < 0 || s->width < 0) return ERR_GEO_BOX_NEGATIVE;
    return geo_parse_unit(c, i + 2, &s->unit);
}

/* The place of a member; of an absent set it does not matter. */
static enum err parse_member(const struct call *c, size_t i, struct search *s)
{
    double score;

    if (!s->is_there) return OK;
    if (!zset_score(&s->z, call_arg(c, i), &score)) return ERR_GEO_MEMBER;
    s->shape.at = geo_decode(score);
    return OK;
}

/* The fixed arguments of a family; *i becomes the index of its options. */
static enum err parse_head(struct call *c, struct search *s, size_t *i)
{
    enum err e = OK;

    switch (s->family) {
    case GEORADIUS:
        *i = 6;
        e = geo_parse_point(c, 2, &s->shape.at);
        return e == OK ? parse_radius(c, 4, &s->shape) : e;
    case GEORADIUSBYMEMBER:
        *i = 5;
        e = parse_member(c, 2, s);
        return e == OK && s->is_there ? parse_radius(c, 3, &s->shape) : e;
    case GEOSEARCH: *i = 2; return OK;
    case GEOSEARCHSTORE:
        *i = 3;
        s->store = call_arg(c, 1);
        return OK;
    }
    return OK;
}

static bool is_search(const struct search *s)
{
    return s->family == GEOSEARCH || s->family == GEOSEARCHSTORE;
}

/* Options of one word. */
static bool take_word(const struct call *c, size_t i, struct search *s)
{
    if (call_is(c, i, "WITHDIST")) return s->with_distance = true;
    if (call_is(c, i, "WITHHASH")) return s->with_hash = true;
    if (call_is(c, i, "WITHCOORD")) return s->with_point = true;
    if (call_is(c, i, "ANY")) return s->any = true;
    if (call_is(c, i, "ASC")) {
        s->order = ORDER_ASC;
        return true;
    }
    if (call_is(c, i, "DESC")) {
        s->order = ORDER_DESC;
        return true;
    }
    if (s->family == GEOSEARCHSTORE && call_is(c, i, "STOREDIST")) return s->store_distance = true;
    return false;
}

static enum err take_count(const struct call *c, size_t i, struct search *s)
{
    enum err e = call_i64(c, i, &s->count);

    return e == OK && s->count <= 0 ? ERR_GEO_COUNT : e;
}

/* Options of GEOSEARCH that say where; *used is the number of their arguments. ERR_SYNTAX: none. */
static enum err take_where(struct call *c, size_t i, struct search *s, size_t *used)
{
    size_t left = c->argc - i - 1;

    if (call_is(c, i, "FROMMEMBER") && left >= 1 && !s->from_point) {
        *used = 1;
        s->from_member = true;
        return parse_member(c, i + 1, s);
    }
    if (call_is(c, i, "FROMLONLAT") && left >= 2 && !s->from_member) {
        *used = 2;
        s->from_point = true;
        return geo_parse_point(c, i + 1, &s->shape.at);
    }
    if (call_is(c, i, "BYRADIUS") && left >= 2 && !s->by_box) {
        *used = 2;
        s->by_radius = true;
        return parse_radius(c, i + 1, &s->shape);
    }
    if (call_is(c, i, "BYBOX") && left >= 3 && !s->by_radius) {
        *used = 3;
        s->by_box = s->shape.box = true;
        return parse_box(c, i + 1, &s->shape);
    }
    return ERR_SYNTAX;
}

/* Options with arguments. */
static enum err take_option(struct call *c, size_t i, struct search *s, size_t *used)
{
    bool more = i + 1 < c->argc;

    *used = 1;
    if (call_is(c, i, "COUNT") && more) return take_count(c, i + 1, s);
    if (is_search(s)) return take_where(c, i, s, used);
    if (!s->may_store || !more) return ERR_SYNTAX;
    if (!call_is(c, i, "STORE") && !call_is(c, i, "STOREDIST")) return ERR_SYNTAX;
    s->store = call_arg(c, i + 1);
    s->store_distance = call_is(c, i, "STOREDIST");
    return OK;
}

static enum err check_options(struct call *c, const struct search *s)
{
    if (s->store.p && (s->with_distance || s->with_hash || s->with_point)) {
        return call_fail(c, ERR_GEO_STORE,
                         is_search(s) ? STR("GEOSEARCHSTORE") : STR("STORE option in GEORADIUS"));
    }
    if (is_search(s) && !s->from_member && !s->from_point) return call_fail(c, ERR_GEO_FROM, call_arg(c, 0));
    if (is_search(s) && !s->by_radius && !s->by_box) return call_fail(c, ERR_GEO_BY, call_arg(c, 0));
    return s->any && s->count == 0 ? ERR_GEO_ANY : OK;
}

static enum err parse(struct call *c, struct search *s)
{
    size_t i = 0, used;
    enum err e = parse_head(c, s, &i);

    for (; e == OK && i < c->argc; i++) {
        if (take_word(c, i, s)) continue;
        e = take_option(c, i, s, &used);
        i += used;
    }
    return e == OK ? check_options(c, s) : e;
}

/* Of several STOREs the last counts, while the rows' keywords find the first of each: the destination that they do not
 * find, of a request whose options begin at argument from. */
static size_t last_store(size_t from, size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    size_t first[2] = { 0, 0 }, last = 0;

    for (size_t i = from; i + 1 < argc; i++) {
        bool distance = str_is(argv[i], "storedist");
        if (!distance && !str_is(argv[i], "store")) continue;
        if (first[distance] == 0) first[distance] = i + 1;
        last = ++i;
    }
    if (last == first[0] || last == first[1]) return 0;
    if (max > 0) refs[0] = (struct key_ref){ (uint32_t)last, KEY_OW | KEY_UPDATE };
    return 1;
}

static size_t last_store_of_radius(size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    return last_store(6, argc, argv, refs, max);
}

static size_t last_store_of_member(size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    return last_store(5, argc, argv, refs, max);
}

/* --- searching -------------------------------------------------------------------------------- */

struct found {
    struct str member; /* in the arena */
    struct geo_point at;
    double score, distance; /* metres */
    size_t i;               /* the place in which it was found */
};

struct result {
    struct found *items; /* in the arena */
    size_t n, cap;
};

static void keep(struct call *c, struct result *r, const struct found *f)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct found *more = arena_alloc(c->arena, cap * sizeof *more);

        if (r->n > 0) memcpy(more, r->items, r->n * sizeof *more);
        r->items = more;
        r->cap = cap;
    }
    r->items[r->n] = *f;
    r->items[r->n].i = r->n;
    r->n++;
}

/* Those of one range of scores, until there are `most` (0: all). */
static void search_range(struct call *c, const struct search *s, const struct geo_range *range, size_t most,
                         struct result *r)
{
    struct zrange_score scores = { .min = range->min, .max = range->max, .max_open = true };
    struct zrange ranks = zset_range_score(&s->z, &scores);
    struct zset_iter it;

    if (ranks.from >= ranks.to) return;
    zset_iter_at(&it, &s->z, ranks.from, false);
    for (size_t i = ranks.from; i < ranks.to && zset_next(&it); i++) {
        struct found f = { .at = geo_decode(it.score), .score = it.score };

        if (!geo_within(&s->shape, f.at, &f.distance)) continue;
        f.member = arena_dup(c->arena, it.member);
        keep(c, r, &f);
        if (most && r->n >= most) return;
    }
}

/* Of equal distance, first what was found first. */
static int nearer(const void *x, const void *y)
{
    const struct found *a = x, *b = y;

    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    return a->i < b->i ? -1 : a->i > b->i;
}

static int farther(const void *x, const void *y)
{
    const struct found *a = x, *b = y;

    if (a->distance != b->distance) return a->distance > b->distance ? -1 : 1;
    return a->i < b->i ? -1 : a->i > b->i;
}

/* The nearest come first when some are to be left out, unless any will do. */
static void search(struct call *c, const struct search *s, struct result *r)
{
    struct geo_range ranges[GEO_RANGES];
    size_t n = geo_cover(&s->shape, ranges), most = s->any ? (size_t)s->count : 0;
    enum order order = s->order == ORDER_NONE && s->count > 0 && !s->any ? ORDER_ASC : s->order;

    for (size_t i = 0; i < n && !(most && r->n >= most); i++) search_range(c, s, &ranges[i], most, r);
    if (order != ORDER_NONE && r->n > 1)
        qsort(r->items, r->n, sizeof *r->items, order == ORDER_ASC ? nearer : farther);
    if (s->count > 0 && r->n > (size_t)s->count) r->n = (size_t)s->count;
}

/* --- answering -------------------------------------------------------------------------------- */

static void reply_found(struct reply *out, const struct search *s, const struct result *r)
{
    size_t more = (size_t)s->with_distance + s->with_hash + s->with_point;

    reply_array(out, r->n);
    for (size_t i = 0; i < r->n; i++) {
        const struct found *f = &r->items[i];

        if (more > 0) reply_array(out, more + 1);
        reply_bulk(out, f->member);
        if (s->with_distance) geo_reply_distance(out, f->distance / s->shape.unit);
        if (s->with_hash) reply_int(out, (int64_t)geo_bits(f->score));
        if (s->with_point) geo_reply_point(out, f->at);
    }
}

static void store_found(struct call *c, const struct search *s, const struct result *r)
{
    size_t longest = 0;
    struct zset z;

    for (size_t i = 0; i < r->n; i++) {
        if (r->items[i].member.n > longest) longest = r->items[i].member.n;
    }
    z = zset_new(c->store, r->n, longest);
    for (size_t i = 0; i < r->n; i++) {
        const struct found *f = &r->items[i];

        zset_put(&z, f->member, s->store_distance ? f->distance / s->shape.unit : f->score, NULL);
    }
    zset_key_store_take(c->db, s->store, &z, is_search(s) ? CHANGE_GEOSEARCHSTORE : CHANGE_GEORADIUSSTORE);
    reply_int(c->out, (int64_t)r->n);
}

static enum err run(struct call *c, enum family family, bool may_store)
{
    struct search s = { .family = family, .may_store = may_store, .shape = { .unit = 1 } };
    struct result r = { 0 };
    enum err e = zset_read(c->db, call_arg(c, family == GEOSEARCHSTORE ? 2 : 1), &s.z);

    if (e != OK && e != ERR_NO_KEY) return e;
    s.is_there = e == OK;
    e = parse(c, &s);
    if (e != OK) return e;
    if (s.is_there) search(c, &s, &r);
    if (s.store.p)
        store_found(c, &s, &r);
    else
        reply_found(c->out, &s, &r);
    return OK;
}

static enum err run_georadius(struct call *c)
{
    return run(c, GEORADIUS, true);
}

static enum err run_georadius_ro(struct call *c)
{
    return run(c, GEORADIUS, false);
}

static enum err run_georadiusbymember(struct call *c)
{
    return run(c, GEORADIUSBYMEMBER, true);
}

static enum err run_georadiusbymember_ro(struct call *c)
{
    return run(c, GEORADIUSBYMEMBER, false);
}

static enum err run_geosearch(struct call *c)
{
    return run(c, GEOSEARCH, false);
}

static enum err run_geosearchstore(struct call *c)
{
    return run(c, GEOSEARCHSTORE, false);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define DOUBLE(n) { .name = n, .type = ARG_T_DOUBLE }
#define UNIT { .name = "unit", .type = ARG_T_ONEOF, .subs = geo_unit_args }
#define TOKEN(n, t) { .name = n, .type = ARG_T_PURE_TOKEN, .token = t, .flags = ARG_OPTIONAL }

static const struct command_arg point_args[] = { DOUBLE("longitude"), DOUBLE("latitude"), { 0 } };
static const struct command_arg from_args[] = {
    { .name = "member", .type = ARG_T_STRING, .token = "FROMMEMBER" },
    { .name = "fromlonlat", .type = ARG_T_BLOCK, .token = "FROMLONLAT", .subs = point_args },
    { 0 },
};
static const struct command_arg circle_args[] = {
    { .name = "radius", .type = ARG_T_DOUBLE, .token = "BYRADIUS" }, UNIT, { 0 },
};
static const struct command_arg box_args[] = {
    { .name = "width", .type = ARG_T_DOUBLE, .token = "BYBOX" }, DOUBLE("height"), UNIT, { 0 },
};
static const struct command_arg by_args[] = {
    { .name = "circle", .type = ARG_T_BLOCK, .subs = circle_args },
    { .name = "box", .type = ARG_T_BLOCK, .subs = box_args },
    { 0 },
};
static const struct command_arg order_args[] = {
    { .name = "asc", .type = ARG_T_PURE_TOKEN, .token = "ASC" },
    { .name = "desc", .type = ARG_T_PURE_TOKEN, .token = "DESC" },
    { 0 },
};
static const struct command_arg count_args[] = {
    { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT" },
    { .name = "any", .type = ARG_T_PURE_TOKEN, .token = "ANY", .flags = ARG_OPTIONAL },
    { 0 },
};
static const struct command_arg count_any_later_args[] = {
    { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT" },
    { .name = "any", .type = ARG_T_PURE_TOKEN, .token = "ANY", .flags = ARG_OPTIONAL, .since = "6.2.0" },
    { 0 },
};
static const struct command_arg store_args[] = {
    { .name = "storekey", .type = ARG_T_KEY, .token = "STORE", .key_spec = 1, .display = "key" },
    { .name = "storedistkey", .type = ARG_T_KEY, .token = "STOREDIST", .key_spec = 2, .display = "key" },
    { 0 },
};

#define FROM { .name = "from", .type = ARG_T_ONEOF, .subs = from_args }
#define BY { .name = "by", .type = ARG_T_ONEOF, .subs = by_args }
#define ORDER { .name = "order", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = order_args }
#define COUNT(a) { .name = "count-block", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL, .subs = a }
#define WITH TOKEN("withcoord", "WITHCOORD"), TOKEN("withdist", "WITHDIST"), TOKEN("withhash", "WITHHASH")
#define STORE { .name = "store", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = store_args }
#define STORE_KEYS(i) \
    { .flags = KEY_OW | KEY_UPDATE, .first = (i), .step = 1, .keyword = "STORE" }, \
    { .flags = KEY_OW | KEY_UPDATE, .first = (i), .step = 1, .keyword = "STOREDIST" }

static const char *const unit_history[] = { "7.0.0", "Takes names of units in capitals.", NULL };
static const char *const any_history[] = { "6.2.0", "`COUNT` has the option `ANY`.", NULL };
static const char *const both_history[] = {
    "6.2.0", "`COUNT` has the option `ANY`.", "7.0.0", "Takes names of units in capitals.", NULL
};

#define PLACES "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania | "
#define SEARCH_COST "O(N+log(M)) for N places in the grid around the area, of M in all"
#define RADIUS_COST "O(N+log(M)) for N places in the box around the circle, of M in all"

const struct command geo_search_commands[] = {
    { .name = "geosearch", .run = run_geosearch, .arity = -7, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO, .group = GROUP_GEO, .since = "6.2.0",
      .complexity = SEARCH_COST, .history = unit_history,
      .summary = "Gives the places in a circle or a box.",
      .args = ARGS(ARG_KEY("key"), FROM, BY, ORDER, COUNT(count_args), WITH),
      .example = PLACES "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km WITHDIST "
                 "=> *1\r\n*2\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n" },
    { .name = "geosearchstore", .run = run_geosearchstore, .arity = -8, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO,
      .group = GROUP_GEO, .since = "6.2.0", .complexity = SEARCH_COST, .history = unit_history,
      .summary = "Stores the places in a circle or a box as a sorted set.",
      .args = ARGS({ .name = "destination", .type = ARG_T_KEY },
                   { .name = "source", .type = ARG_T_KEY, .key_spec = 1 }, FROM, BY, ORDER,
                   COUNT(count_args), TOKEN("storedist", "STOREDIST")),
      .example = PLACES "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYBOX 400 400 km => :2\r\n" },
    { .name = "georadius", .run = run_georadius, .arity = -6, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS), STORE_KEYS(6) },
      .more_keys = last_store_of_radius, .acl = ACL_GEO, .group = GROUP_GEO,
      .since = "3.2.0", .complexity = RADIUS_COST, .history = both_history,
      .summary = "Gives the places in a circle around a place, or stores them.",
      .deprecated_since = "6.2.0",
      .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
      .args = ARGS(ARG_KEY("key"), DOUBLE("longitude"), DOUBLE("latitude"), DOUBLE("radius"), UNIT, WITH,
                   COUNT(count_any_later_args), ORDER, STORE),
      .example = PLACES "GEORADIUS g 15 37 100 km => *1\r\n$7\r\nCatania\r\n" },
    { .name = "georadius_ro", .run = run_georadius_ro, .arity = -6, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO, .group = GROUP_GEO,
      .since = "3.2.10", .complexity = RADIUS_COST, .history = any_history,
      .summary = "Gives the places in a circle around a place.",
      .deprecated_since = "6.2.0", .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument",
      .args = ARGS(ARG_KEY("key"), DOUBLE("longitude"), DOUBLE("latitude"), DOUBLE("radius"), UNIT, WITH,
                   COUNT(count_any_later_args), ORDER),
      .example = PLACES "GEORADIUS_RO g 15 37 100 km => *1\r\n$7\r\nCatania\r\n" },
    { .name = "georadiusbymember", .run = run_georadiusbymember, .arity = -5,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS), STORE_KEYS(5) },
      .more_keys = last_store_of_member, .acl = ACL_GEO, .group = GROUP_GEO,
      .since = "3.2.0", .complexity = RADIUS_COST, .history = unit_history,
      .summary = "Gives the places in a circle around a member, or stores them.",
      .deprecated_since = "6.2.0",
      .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
      .args = ARGS(ARG_KEY("key"), { .name = "member", .type = ARG_T_STRING }, DOUBLE("radius"), UNIT, WITH,
                   COUNT(count_args), ORDER, STORE),
      .example = PLACES "GEORADIUSBYMEMBER g Catania 10 km => *1\r\n$7\r\nCatania\r\n" },
    { .name = "georadiusbymember_ro", .run = run_georadiusbymember_ro, .arity = -5, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO, .group = GROUP_GEO,
      .since = "3.2.10", .complexity = RADIUS_COST,
      .summary = "Gives the places in a circle around a member.",
      .deprecated_since = "6.2.0", .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
      .args = ARGS(ARG_KEY("key"), { .name = "member", .type = ARG_T_STRING }, DOUBLE("radius"), UNIT, WITH,
                   COUNT(count_args), ORDER),
      .example = PLACES "GEORADIUSBYMEMBER_RO g Catania 10 km => *1\r\n$7\r\nCatania\r\n" },
    { 0 },
};
