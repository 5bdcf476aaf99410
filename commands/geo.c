/* geo.c -- places as members of a sorted set: GEOADD, GEOPOS, GEODIST, GEOHASH. */
#include "commands/geo.h"

#include <math.h>
#include <stdio.h>

#include "commands/tables.h"
#include "storage/type_zset.h"

/* --- arguments and replies -------------------------------------------------------------------- */

enum err geo_parse_point(struct call *c, size_t i, struct geo_point *p)
{
    enum err e = call_double(c, i, &p->lon);

    if (e == OK) e = call_double(c, i + 1, &p->lat);
    if (e != OK || geo_valid(*p)) return e;
    reply_errorf(c->out, "ERR invalid longitude,latitude pair %f,%f", p->lon, p->lat);
    return CALL_REPLIED_ERROR;
}

enum err geo_parse_unit(const struct call *c, size_t i, double *metres)
{
    static const struct {
        const char *word;
        double metres;
    } units[] = { { "m", 1 }, { "km", 1000 }, { "ft", 0.3048 }, { "mi", 1609.34 } };

    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        if (!call_is(c, i, units[k].word)) continue;
        *metres = units[k].metres;
        return OK;
    }
    return ERR_GEO_UNIT;
}

/* Rounded as a whole number of ten-thousandths, as Redis 7.2 does it. */
void geo_reply_distance(struct reply *r, double v)
{
    char text[64];
    long long parts = llrint(v * 10000);
    int n = snprintf(text, sizeof text, "%lld.%04lld", parts / 10000, parts % 10000);

    reply_bulk(r, str_of(text, (size_t)n));
}

static void reply_coordinate(struct reply *r, double v)
{
    char text[NUM_DOUBLE_TEXT_MAX];
    size_t n = num_long_double(text, v);

    if (r->resp < 3) {
        reply_bulk(r, str_of(text, n));
    } else {
        reply_raw(r, ",", 1);
        reply_raw(r, text, n);
        reply_raw(r, "\r\n", 2);
    }
}

void geo_reply_point(struct reply *r, struct geo_point p)
{
    reply_array(r, 2);
    reply_coordinate(r, p.lon);
    reply_coordinate(r, p.lat);
}

/* --- commands --------------------------------------------------------------------------------- */

static enum err run_geoadd(struct call *c)
{
    unsigned flags = 0;
    bool ch = false;
    size_t first = 2, n;
    struct zadded done;
    struct zitem *items;
    enum err e;

    for (; first < c->argc; first++) {
        if (call_is(c, first, "NX")) flags |= ZADD_NX;
        else if (call_is(c, first, "XX")) flags |= ZADD_XX;
        else if (call_is(c, first, "CH")) ch = true;
        else break;
    }
    if ((c->argc - first) % 3 != 0 || flags == (ZADD_NX | ZADD_XX)) return ERR_SYNTAX;
    n = (c->argc - first) / 3;
    if (n == 0) return ERR_SYNTAX;
    items = call_new(c, struct zitem, n);
    for (size_t i = 0; i < n; i++) {
        struct geo_point p;

        e = geo_parse_point(c, first + i * 3, &p);
        if (e != OK) return e;
        items[i] = (struct zitem){ call_arg(c, first + i * 3 + 2), (double)geo_encode(p) };
    }
    e = zset_key_add(c->db, call_arg(c, 1), items, n, flags, &done);
    if (e == OK) reply_int(c->out, (int64_t)(ch ? done.added + done.updated : done.added));
    return e;
}

/* Call fn with each member of the request from argument 2 on: its place, or NULL when there is none. */
static enum err each_member(struct call *c, void (*fn)(struct reply *r, const struct geo_point *p))
{
    struct zset z;
    double score;
    enum err e = zset_read(c->db, call_arg(c, 1), &z);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_array(c->out, c->argc - 2);
    for (size_t i = 2; i < c->argc; i++) {
        if (e == OK && zset_score(&z, call_arg(c, i), &score)) {
            struct geo_point p = geo_decode(score);

            fn(c->out, &p);
        } else {
            fn(c->out, NULL);
        }
    }
    return OK;
}

static void reply_position(struct reply *r, const struct geo_point *p)
{
    if (p)
        geo_reply_point(r, *p);
    else
        reply_null_array(r);
}

static enum err run_geopos(struct call *c)
{
    return each_member(c, reply_position);
}

static void reply_hash(struct reply *r, const struct geo_point *p)
{
    char text[GEO_TEXT];

    if (p) geo_text(*p, text);
    if (p)
        reply_bulk(r, str_of(text, sizeof text));
    else
        reply_null(r);
}

static enum err run_geohash(struct call *c)
{
    return each_member(c, reply_hash);
}

static enum err run_geodist(struct call *c)
{
    double unit = 1, a, b;
    struct zset z;
    enum err e = OK;

    if (c->argc > 5) return ERR_SYNTAX;
    if (c->argc == 5) e = geo_parse_unit(c, 4, &unit);
    if (e == OK) e = zset_read(c->db, call_arg(c, 1), &z);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK && zset_score(&z, call_arg(c, 2), &a) && zset_score(&z, call_arg(c, 3), &b))
        geo_reply_distance(c->out, geo_distance(geo_decode(a), geo_decode(b)) / unit);
    else
        reply_null(c->out);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

const struct command_arg geo_unit_args[] = {
    { .name = "m", .type = ARG_T_PURE_TOKEN, .token = "M" },
    { .name = "km", .type = ARG_T_PURE_TOKEN, .token = "KM" },
    { .name = "ft", .type = ARG_T_PURE_TOKEN, .token = "FT" },
    { .name = "mi", .type = ARG_T_PURE_TOKEN, .token = "MI" },
    { 0 },
};

static const struct command_arg condition_args[] = {
    { .name = "nx", .type = ARG_T_PURE_TOKEN, .token = "NX" },
    { .name = "xx", .type = ARG_T_PURE_TOKEN, .token = "XX" },
    { 0 },
};
static const struct command_arg place_args[] = {
    { .name = "longitude", .type = ARG_T_DOUBLE },
    { .name = "latitude", .type = ARG_T_DOUBLE },
    { .name = "member", .type = ARG_T_STRING },
    { 0 },
};
static const char *const geoadd_history[] = { "6.2.0", "Has the options `CH`, `NX` and `XX`.", NULL };

#define MEMBERS { .name = "member", .type = ARG_T_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE }
#define PALERMO "GEOADD g 13.361389 38.115556 Palermo | "

const struct command geo_commands[] = {
    { .name = "geoadd", .run = run_geoadd, .arity = -5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, .acl = ACL_GEO, .group = GROUP_GEO, .since = "3.2.0",
      .complexity = "O(log(N)) for each place, in a set of N", .history = geoadd_history,
      .summary = "Adds places to a sorted set, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"),
                   { .name = "condition", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .since = "6.2.0",
                     .subs = condition_args },
                   { .name = "change", .type = ARG_T_PURE_TOKEN, .token = "CH", .flags = ARG_OPTIONAL,
                     .since = "6.2.0" },
                   { .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE, .subs = place_args }),
      .example = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania => :2\r\n" },
    { .name = "geopos", .run = run_geopos, .arity = -2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO, .group = GROUP_GEO, .since = "3.2.0",
      .complexity = "O(1) for each member", .summary = "Gives longitude and latitude of members.",
      .args = ARGS(ARG_KEY("key"), MEMBERS),
      .example = PALERMO "GEOPOS g Palermo => *1\r\n*2\r\n$20\r\n13.36138933897018433\r\n"
                 "$20\r\n38.11555639549629859\r\n" },
    { .name = "geodist", .run = run_geodist, .arity = -4, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO, .group = GROUP_GEO, .since = "3.2.0",
      .complexity = "O(1)", .summary = "Gives the distance between two members.",
      .args = ARGS(ARG_KEY("key"), { .name = "member1", .type = ARG_T_STRING },
                   { .name = "member2", .type = ARG_T_STRING },
                   { .name = "unit", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = geo_unit_args }),
      .example = "GEOADD g 13.361389 38.115556 a 15.087269 37.502669 b | GEODIST g a b km "
                 "=> $8\r\n166.2742\r\n" },
    { .name = "geohash", .run = run_geohash, .arity = -2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_GEO, .group = GROUP_GEO, .since = "3.2.0",
      .complexity = "O(1) for each member", .summary = "Gives members as geohash texts.",
      .args = ARGS(ARG_KEY("key"), MEMBERS),
      .example = PALERMO "GEOHASH g Palermo none => *2\r\n$11\r\nsqc8b49rny0\r\n$-1\r\n" },
    { 0 },
};
