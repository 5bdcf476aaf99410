/* geo.c -- geohashes, distances on a sphere, and covering an area by ranges of geohashes. */
#include "storage/geo.h"

#include <math.h>

#include "base/ensure.h"

#define EARTH_RADIUS_M 6372797.560856
#define MERCATOR_MAX_M 20037726.37
#define RADIANS (M_PI / 180.0)

enum { STEPS = 26 }; /* halvings of each range in a score */

/* A rectangle of the grid of some number of steps; no bits and no steps: none. */
struct cell {
    uint64_t bits;
    int steps;
};

struct range {
    double min, max;
};

struct area {
    struct range lon, lat;
};

static const struct area map = { { -GEO_LON_MAX, GEO_LON_MAX }, { -GEO_LAT_MAX, GEO_LAT_MAX } };
static const struct area globe = { { -180, 180 }, { -90, 90 } };

bool geo_valid(struct geo_point p)
{
    return p.lon >= -GEO_LON_MAX && p.lon <= GEO_LON_MAX && p.lat >= -GEO_LAT_MAX && p.lat <= GEO_LAT_MAX;
}

/* --- bits ------------------------------------------------------------------------------------- */

#define EVEN_BITS UINT64_C(0x5555555555555555)
#define ODD_BITS UINT64_C(0xaaaaaaaaaaaaaaaa)

/* The bits of x to the even places, by halves, quarters and so on. */
static uint64_t spread(uint32_t v)
{
    uint64_t x = v;

    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & EVEN_BITS;
}

static uint32_t gather(uint64_t x)
{
    x &= EVEN_BITS;
    x = (x | x >> 1) & UINT64_C(0x3333333333333333);
    x = (x | x >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(x | x >> 16);
}

static struct cell encode(const struct area *within, struct geo_point p, int steps)
{
    double lat = (p.lat - within->lat.min) / (within->lat.max - within->lat.min);
    double lon = (p.lon - within->lon.min) / (within->lon.max - within->lon.min);
    double cells = (double)(UINT64_C(1) << steps);

    return (struct cell){ spread((uint32_t)(lat * cells)) | spread((uint32_t)(lon * cells)) << 1, steps };
}

static struct range part(struct range r, uint32_t i, int steps)
{
    double scale = r.max - r.min, cells = (double)(UINT64_C(1) << steps);

    return (struct range){ r.min + i / cells * scale, r.min + (uint32_t)(i + 1) / cells * scale };
}

static struct area decode(struct cell c)
{
    return (struct area){ part(map.lon, gather(c.bits >> 1), c.steps),
                          part(map.lat, gather(c.bits), c.steps) };
}

uint64_t geo_encode(struct geo_point p)
{
    ensure(geo_valid(p));
    return encode(&map, p, STEPS).bits;
}

/* Scores that are no geohash become what the conversion makes of them on the machines that Redis mostly
 * runs on. */
uint64_t geo_bits(double score)
{
    if (score < 0x1p63) return score >= -0x1p63 ? (uint64_t)(int64_t)score : UINT64_C(1) << 63;
    return score < 0x1p64 ? (uint64_t)score : 0;
}

static double clamp(double v, double most)
{
    return v > most ? most : v < -most ? -most : v;
}

struct geo_point geo_decode(double score)
{
    struct area a = decode((struct cell){ geo_bits(score), STEPS });

    return (struct geo_point){ clamp((a.lon.min + a.lon.max) / 2, GEO_LON_MAX),
                               clamp((a.lat.min + a.lat.max) / 2, GEO_LAT_MAX) };
}

void geo_text(struct geo_point p, char *out)
{
    static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    uint64_t bits = encode(&globe, p, STEPS).bits;

    /* 52 bits are ten characters of five; the eleventh would need three more. */
    for (int i = 0; i < GEO_TEXT - 1; i++) out[i] = alphabet[bits >> (52 - (i + 1) * 5) & 31];
    out[GEO_TEXT - 1] = alphabet[0];
}

/* --- distances -------------------------------------------------------------------------------- */

static double along_meridian(double lat_a, double lat_b)
{
    return EARTH_RADIUS_M * fabs(lat_b * RADIANS - lat_a * RADIANS);
}

/* The haversine formula. */
double geo_distance(struct geo_point a, struct geo_point b)
{
    double lat_a, lat_b, u, v = sin((b.lon * RADIANS - a.lon * RADIANS) / 2);

    if (v == 0) return along_meridian(a.lat, b.lat);
    lat_a = a.lat * RADIANS;
    lat_b = b.lat * RADIANS;
    u = sin((lat_b - lat_a) / 2);
    return 2.0 * EARTH_RADIUS_M * asin(sqrt(u * u + cos(lat_a) * cos(lat_b) * v * v));
}

/* A box is as wide at the height of the place as it is at its middle. */
static bool within_box(const struct geo_shape *s, struct geo_point p)
{
    struct geo_point below = { s->at.lon, p.lat };

    return along_meridian(p.lat, s->at.lat) <= s->height * s->unit / 2 &&
           geo_distance(p, below) <= s->width * s->unit / 2;
}

bool geo_within(const struct geo_shape *s, struct geo_point p, double *distance)
{
    if (s->box && !within_box(s, p)) return false;
    *distance = geo_distance(s->at, p);
    return s->box || *distance <= s->radius * s->unit;
}

/* --- covering --------------------------------------------------------------------------------- */

/* What the shape lies in. Meridians meet at the poles, so the edge nearer to one spans more degrees. */
static struct area bounds(const struct geo_shape *s)
{
    double height = s->unit * (s->box ? s->height / 2 : s->radius);
    double width = s->unit * (s->box ? s->width / 2 : s->radius);
    double lat = height / EARTH_RADIUS_M / RADIANS;
    double edge = s->at.lat < 0 ? s->at.lat - lat : s->at.lat + lat;
    double lon = width / EARTH_RADIUS_M / cos(edge * RADIANS) / RADIANS;

    return (struct area){ { s->at.lon - lon, s->at.lon + lon }, { s->at.lat - lat, s->at.lat + lat } };
}

/* The finest grid of which three cells in a row are most probably wider than the shape. */
static int estimate_steps(const struct geo_shape *s)
{
    double half_w = s->width / 2, half_h = s->height / 2, lat = fabs(s->at.lat);
    double m = s->unit * (s->box ? sqrt(half_w * half_w + half_h * half_h) : s->radius);
    int steps = 1;

    if (m == 0) return STEPS;
    for (; m < MERCATOR_MAX_M; m *= 2) steps++;
    steps -= 2;
    if (lat > 66) steps--;
    if (lat > 80) steps--;
    return steps < 1 ? 1 : steps > STEPS ? STEPS : steps;
}

/* The cell `east` columns and `north` rows (-1, 0, 1) further, around the edges of the map. The bits of
 * the other coordinate are set so that a carry runs through them, and then left out. */
static struct cell beside(struct cell c, int east, int north)
{
    uint64_t mask = (UINT64_C(1) << c.steps * 2) - 1;
    uint64_t lon = c.bits & ODD_BITS, lat = c.bits & EVEN_BITS;
    uint64_t even = EVEN_BITS & mask, odd = ODD_BITS & mask;

    if (east > 0) lon = (lon + even + 1) & odd;
    if (east < 0) lon = ((lon | even) - (even + 1)) & odd;
    if (north > 0) lat = (lat + odd + 1) & even;
    if (north < 0) lat = ((lat | odd) - (odd + 1)) & even;
    return (struct cell){ lon | lat, c.steps };
}

enum { HERE, NORTH, SOUTH, EAST, WEST, NORTH_EAST, NORTH_WEST, SOUTH_EAST, SOUTH_WEST };
static const struct {
    int east, north;
} directions[GEO_RANGES] = { [NORTH] = { 0, 1 }, [SOUTH] = { 0, -1 }, [EAST] = { 1, 0 }, [WEST] = { -1, 0 },
                             [NORTH_EAST] = { 1, 1 }, [NORTH_WEST] = { -1, 1 },
                             [SOUTH_EAST] = { 1, -1 }, [SOUTH_WEST] = { -1, -1 } };

static void nine_cells(const struct geo_shape *s, int steps, struct cell cells[GEO_RANGES])
{
    struct cell here = encode(&map, s->at, steps);

    for (int i = 0; i < GEO_RANGES; i++) cells[i] = beside(here, directions[i].east, directions[i].north);
}

/* The cells reach as far as the shape does, unless one on an edge of the map stands on the other side. */
static bool reach(const struct cell cells[GEO_RANGES], const struct area *all)
{
    return !(decode(cells[NORTH]).lat.max < all->lat.max) && !(decode(cells[SOUTH]).lat.min > all->lat.min) &&
           !(decode(cells[EAST]).lon.max < all->lon.max) && !(decode(cells[WEST]).lon.min > all->lon.min);
}

/* Leave out the sides into which the shape does not reach. */
static void leave_out(struct cell cells[GEO_RANGES], const struct area *all)
{
    struct area here = decode(cells[HERE]);

    for (int i = 1; i < GEO_RANGES; i++) {
        int east = directions[i].east, north = directions[i].north;

        if ((north < 0 && here.lat.min < all->lat.min) || (north > 0 && here.lat.max > all->lat.max) ||
            (east < 0 && here.lon.min < all->lon.min) || (east > 0 && here.lon.max > all->lon.max))
            cells[i] = (struct cell){ 0, 0 };
    }
}

size_t geo_cover(const struct geo_shape *s, struct geo_range out[GEO_RANGES])
{
    struct area all = bounds(s);
    struct cell cells[GEO_RANGES] = { { 0 } };
    int steps = estimate_steps(s);
    size_t n = 0, last = 0;

    nine_cells(s, steps, cells);
    if (steps > 1 && !reach(cells, &all)) nine_cells(s, --steps, cells);
    if (steps >= 2) leave_out(cells, &all);
    for (size_t i = 0; i < GEO_RANGES; i++) {
        int shift = 52 - cells[i].steps * 2;

        if (cells[i].steps == 0) continue;
        /* On the coarsest grids neighbours are the same cell. */
        if (last > 0 && cells[i].bits == cells[last].bits) continue;
        out[n++] = (struct geo_range){ (double)(cells[i].bits << shift),
                                       (double)((cells[i].bits + 1) << shift) };
        last = i;
    }
    return n;
}
