/* geo_search.c -- which places lie in a circle or a box: GEOSEARCH, and GEORADIUS before it. Among many, in slices (source_job.h). */
#include "base/mem.h"
#include "commands/geo.h"
#include "commands/geo_find.h"
#include "commands/read_job.h"
#include "commands/source_job.h"
#include "commands/tables.h"
#include "storage/type_zset.h"

/* --- the request ------------------------------------------------------------------------------ */

enum family { GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCH, GEOSEARCHSTORE };

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
    enum geo_order order;
    size_t store;   /* the argument that names the destination; 0: the result is replied */
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
        s->store = 1;
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
        s->order = GEO_NEAR_FIRST;
        return true;
    }
    if (call_is(c, i, "DESC")) {
        s->order = GEO_FAR_FIRST;
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
    s->store = i + 1;
    s->store_distance = call_is(c, i, "STOREDIST");
    return OK;
}

static enum err check_options(struct call *c, const struct search *s)
{
    if (s->store > 0 && (s->with_distance || s->with_hash || s->with_point)) {
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

/* --- answering -------------------------------------------------------------------------------- */

static size_t source_of(enum family family)
{
    return family == GEOSEARCHSTORE ? 2 : 1;
}

/* The nearest come first when some are to be left out, unless any will do. */
static struct geo_find find_of(const struct search *s, struct arena *a)
{
    bool nearest = s->order == GEO_AS_FOUND && s->count > 0 && !s->any;

    return (struct geo_find){ .z = s->z, .shape = s->shape, .most = s->any ? (size_t)s->count : 0,
                              .order = nearest ? GEO_NEAR_FIRST : s->order, .arena = a };
}

/* How many of those found are told. */
static size_t n_told(const struct search *s, const struct geo_find *f)
{
    return s->count > 0 && f->n > (size_t)s->count ? (size_t)s->count : f->n;
}

static void reply_found(struct reply *out, const struct search *s, const struct geo_found *f)
{
    size_t more = (size_t)s->with_distance + s->with_hash + s->with_point;

    if (more > 0) reply_array(out, more + 1);
    reply_bulk(out, f->member);
    if (s->with_distance) geo_reply_distance(out, f->distance / s->shape.unit);
    if (s->with_hash) reply_int(out, (int64_t)geo_bits(f->score));
    if (s->with_point) geo_reply_point(out, geo_decode(f->score));
}

static void put_found(struct zset *z, const struct search *s, const struct geo_found *f)
{
    zset_put(z, f->member, s->store_distance ? f->distance / s->shape.unit : f->score, NULL);
}

static void store_result(struct call *c, const struct search *s, struct zset *z)
{
    enum change_kind kind = is_search(s) ? CHANGE_GEOSEARCHSTORE : CHANGE_GEORADIUSSTORE;

    reply_int(c->out, (int64_t)zset_key_store_take(c->db, call_arg(c, s->store), z, kind));
}

static enum err search_at_once(struct call *c, const struct search *s, struct geo_find *f)
{
    size_t n, longest = 0;
    bool ready = !s->is_there;
    enum err e = OK;
    struct zset z;

    while (e == OK && !ready) e = geo_find_on(f, SIZE_MAX, &ready);
    if (e != OK) return e;
    n = n_told(s, f);
    if (s->store == 0) {
        reply_array(c->out, n);
        for (size_t i = 0; i < n; i++) reply_found(c->out, s, &f->items[i]);
        return OK;
    }
    for (size_t i = 0; i < n; i++)
        if (f->items[i].member.n > longest) longest = f->items[i].member.n;
    z = zset_new(c->store, n, longest);
    for (size_t i = 0; i < n; i++) put_found(&z, s, &f->items[i]);
    store_result(c, s, &z);
    return OK;
}

/* --- in slices -------------------------------------------------------------------------------- */

struct search_job {
    struct source_job base;
    struct search search;
    struct geo_find find;
    bool ready;
    enum err error;
    size_t at;       /* of what is told */
    struct zset to;  /* of one who stores; ptr NULL: not begun */
};

static bool find_on(struct search_job *j)
{
    enum { AT_A_TIME = 16 };

    j->error = geo_find_on(&j->find, AT_A_TIME, &j->ready);
    if (j->base.head != NULL && j->find.phase != GEO_LOOKS) source_job_has_read(&j->base);
    return j->error == OK;
}

static bool work(struct source_job *of, struct reply *out)
{
    struct search_job *j = (struct search_job *)of;
    size_t n = n_told(&j->search, &j->find);

    if (!j->ready) return find_on(j);
    if (j->search.store > 0 && j->to.ptr == NULL) j->to = zset_new(j->search.z.store, n, 0);
    if (j->at == n) return false;
    if (j->search.store > 0) {
        put_found(&j->to, &j->search, &j->find.items[j->at++]);
    } else {
        reply_found(out, &j->search, &j->find.items[j->at++]);
        source_job_told(of);
    }
    return true;
}

static void head(const struct source_job *of, struct reply *out, size_t n)
{
    const struct search_job *j = (const struct search_job *)of;

    if (j->error != OK) reply_error(out, str_c(err_text(j->error)));
    else reply_array(out, n);
}

static enum err search(struct call *c, enum family family, bool may_store);

static enum err put(struct call *c, struct source_job *of)
{
    struct search_job *j = (struct search_job *)of;
    const struct search *s = &j->search;

    if (!source_job_read_all(c, of, source_of(s->family), 1)) return search(c, s->family, s->may_store);
    if (j->error == OK) store_result(c, s, &j->to);
    return j->error;
}

static size_t size(const struct source_job *of)
{
    const struct search_job *j = (const struct search_job *)of;

    return geo_find_bytes(&j->find) + (j->to.ptr != NULL ? zset_weight(j->to.enc, j->to.ptr) : 0);
}

static void fini(struct source_job *of)
{
    struct search_job *j = (struct search_job *)of;

    if (j->to.ptr != NULL) db_discard(j->to.store, VALUE_ZSET, j->to.enc, j->to.ptr, true);
    source_job_drop_arena(j->search.z.store, j->find.arena);
}

static enum err search_in_slices(struct call *c, const struct search *s, const struct geo_find *f)
{
    struct search_job *j = mem_zalloc(sizeof *j);
    const void *source = s->z.ptr;

    j->base.work = work;
    j->base.size = size;
    j->base.fini = fini;
    j->base.look_every = 8; /* a step may sort a run, or copy as many to pages that are new */
    if (s->store > 0) j->base.put = put;
    else j->base.head = head;
    j->search = *s;
    j->find = *f;
    j->find.arena = source_job_arena();
    j->find.in_pieces = true;
    return source_job_run(c, &j->base, &source, 1);
}

/* --- the commands ----------------------------------------------------------------------------- */

static enum err search(struct call *c, enum family family, bool may_store)
{
    struct search s = { .family = family, .may_store = may_store, .shape = { .unit = 1 } };
    struct geo_find f;
    enum err e = zset_read(c->db, call_arg(c, source_of(family)), &s.z);

    if (e != OK && e != ERR_NO_KEY) return e;
    s.is_there = e == OK;
    e = parse(c, &s);
    if (e != OK) return e;
    f = find_of(&s, c->arena);
    if (s.is_there && read_is_long(c, geo_find_begin(&f), 0)) return search_in_slices(c, &s, &f);
    return search_at_once(c, &s, &f);
}

static enum err run(struct call *c, enum family family, bool may_store)
{
    enum err e;

    if ((may_store || family == GEOSEARCHSTORE) && job_done(c, &e)) return e;
    return search(c, family, may_store);
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
