/* geo.h -- places on the earth as scores of a sorted set.
 *
 * A place's score is its geohash of 52 bits: 26 halvings of the range of longitudes and as many of that
 * of latitudes, their bits in turn (longitude in the higher one of each pair), so that what begins with
 * the same bits lies in the same rectangle. An area is covered by the rectangle in which its centre
 * lies and the eight around it, each of which is one range of scores.
 *
 * Longitudes are -180 to 180, latitudes -85.05112878 to 85.05112878 (the square map of Mercator). The
 * earth is a sphere of 6372797.560856 m. All formulas are evaluated in Redis's order, so that scores,
 * distances and what lies just inside of an area come out the same to the last digit. */
#ifndef MEMD_STORAGE_GEO_H
#define MEMD_STORAGE_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEO_LAT_MAX 85.05112878
#define GEO_LON_MAX 180.0

struct geo_point {
    double lon, lat; /* degrees */
};

bool geo_valid(struct geo_point p);

/* The geohash of a valid place. */
uint64_t geo_encode(struct geo_point p);

/* The geohash that a score is, whatever number it is. */
uint64_t geo_bits(double score);

/* The middle of the rectangle that a geohash names; any score names some place. */
struct geo_point geo_decode(double score);

/* The usual text of a place (11 characters, latitudes from -90 to 90). */
enum { GEO_TEXT = 11 };
void geo_text(struct geo_point p, char *out);

/* Metres. */
double geo_distance(struct geo_point a, struct geo_point b);

struct geo_shape {
    struct geo_point at;  /* the centre */
    bool box;
    double radius;        /* a circle */
    double width, height; /* a box */
    double unit;          /* metres in one of these */
};

/* True when p lies in it, with its distance from the centre in metres. */
bool geo_within(const struct geo_shape *s, struct geo_point p, double *distance);

/* Scores min <= score < max. */
struct geo_range {
    double min, max;
};

/* Ranges that together hold all places in the shape, in the order in which Redis searches them (which
 * shows in replies that are not sorted); how many. */
enum { GEO_RANGES = 9 };
size_t geo_cover(const struct geo_shape *s, struct geo_range out[GEO_RANGES]);

#endif
