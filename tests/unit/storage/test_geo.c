/* Places against the plain definition of a geohash, and searches against looking at every place. */
#include "storage/geo.h"

#include <math.h>

#include "tests/unit/unit.h"

static double between(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * ((double)rng_below(r, 1u << 30) / (1u << 30));
}

static struct geo_point random_point(struct rng *r)
{
    return (struct geo_point){ between(r, -GEO_LON_MAX, GEO_LON_MAX), between(r, -GEO_LAT_MAX, GEO_LAT_MAX) };
}

/* Halve the ranges in turn, longitude first. */
static uint64_t by_halving(struct geo_point p)
{
    double lon[2] = { -GEO_LON_MAX, GEO_LON_MAX }, lat[2] = { -GEO_LAT_MAX, GEO_LAT_MAX };
    uint64_t bits = 0;

    for (int i = 0; i < 52; i++) {
        double *range = i % 2 ? lat : lon, v = i % 2 ? p.lat : p.lon, middle = (range[0] + range[1]) / 2;

        bits = bits << 1 | (v >= middle);
        range[v < middle] = middle;
    }
    return bits;
}

START_TEST(a_score_is_a_geohash_and_names_a_place_within_a_metre)
{
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 100000; i++) {
        struct geo_point p = random_point(&r), back;
        uint64_t bits = geo_encode(p);

        ck_assert_uint_lt(bits, UINT64_C(1) << 52);
        /* Rounding may put a place on the other side of a line: then it is next to it. */
        if (bits != by_halving(p)) ck_assert(geo_distance(geo_decode((double)by_halving(p)), p) < 1);
        back = geo_decode((double)bits);
        ck_assert(geo_distance(p, back) < 0.7);
        ck_assert_uint_eq(geo_encode(back), bits);
        ck_assert_uint_eq(geo_bits((double)bits), bits);
    }
}
END_TEST

START_TEST(any_score_names_some_place)
{
    static const double odd[] = { -1, -0.0, 0.5, -1e300, 1e300, 0x1p63, 0x1p64, -0x1p63, 9007199254740993.0 };
    struct rng r;

    unit_rng(&r);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) ck_assert(geo_valid(geo_decode(odd[i])));
    ck_assert(geo_valid(geo_decode(INFINITY)) && geo_valid(geo_decode(-INFINITY)));
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_next(&r);
        double d;

        memcpy(&d, &bits, sizeof d);
        if (!isnan(d)) ck_assert(geo_valid(geo_decode(d)));
    }
}
END_TEST

START_TEST(known_places_have_their_known_values)
{
    struct geo_point palermo = geo_decode((double)geo_encode((struct geo_point){ 13.361389, 38.115556 }));
    struct geo_point catania = geo_decode((double)geo_encode((struct geo_point){ 15.087269, 37.502669 }));
    char text[GEO_TEXT];

    ck_assert_uint_eq(geo_encode((struct geo_point){ 13.361389, 38.115556 }), 3479099956230698);
    geo_text(palermo, text);
    expect_str(str_of(text, GEO_TEXT), STR("sqc8b49rny0"));
    ck_assert(fabs(geo_distance(palermo, catania) - 166274.1516) < 0.001);
    ck_assert(geo_valid((struct geo_point){ 180, -85.05112878 }));
    ck_assert(!geo_valid((struct geo_point){ 180.1, 0 }));
    ck_assert(!geo_valid((struct geo_point){ 0, 85.06 }));
    ck_assert(!geo_valid((struct geo_point){ NAN, 0 }));
}
END_TEST

static bool covered(const struct geo_range *ranges, size_t n, double score)
{
    for (size_t i = 0; i < n; i++) {
        if (score >= ranges[i].min && score < ranges[i].max) return true;
    }
    return false;
}

/* Away from the edges of the map, where a search does not look across. */
START_TEST(what_lies_in_a_shape_lies_in_its_ranges)
{
    struct rng r;
    size_t within = 0;

    unit_rng(&r);
    for (int round = 0; round < 2000; round++) {
        struct geo_shape s = { .at = { between(&r, -90, 90), between(&r, -60, 60) }, .box = round % 2, .unit = 1000 };
        struct geo_range ranges[GEO_RANGES];
        double size = pow(10, between(&r, -1, 3.2)), degrees;
        size_t n;

        s.radius = size;
        s.width = size * between(&r, 0.1, 2);
        s.height = size * between(&r, 0.1, 2);
        n = geo_cover(&s, ranges);
        ck_assert(n >= 1 && n <= GEO_RANGES);
        degrees = size / 60;
        for (int i = 0; i < 100; i++) {
            struct geo_point p = { s.at.lon + between(&r, -degrees, degrees), s.at.lat + between(&r, -degrees, degrees) };
            double score, distance;

            if (!geo_valid(p)) continue;
            score = (double)geo_encode(p);
            if (!geo_within(&s, geo_decode(score), &distance)) continue;
            within++;
            ck_assert(covered(ranges, n, score));
        }
    }
    ck_assert_uint_gt(within, 10000);
}
END_TEST

START_TEST(a_circle_of_no_size_and_one_around_the_earth_are_searched)
{
    struct geo_shape s = { .at = { 13.4, 52.5 }, .unit = 1 };
    struct geo_range ranges[GEO_RANGES];
    double score = (double)geo_encode(s.at), distance;
    size_t n;

    s.at = geo_decode(score);
    n = geo_cover(&s, ranges);
    ck_assert(covered(ranges, n, score));
    ck_assert(geo_within(&s, s.at, &distance) && distance == 0);
    s.radius = INFINITY;
    n = geo_cover(&s, ranges);
    for (double lon = -180; lon <= 180; lon += 30) {
        for (double lat = -85; lat <= 85; lat += 17)
            ck_assert(covered(ranges, n, (double)geo_encode((struct geo_point){ lon, lat })) || lon == 180);
    }
}
END_TEST

UNIT_MAIN("geo", a_score_is_a_geohash_and_names_a_place_within_a_metre, any_score_names_some_place,
          known_places_have_their_known_values, what_lies_in_a_shape_lies_in_its_ranges,
          a_circle_of_no_size_and_one_around_the_earth_are_searched)
