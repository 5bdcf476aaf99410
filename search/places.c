/* places.c -- see places.h. */
#include "search/places.h"

#include <math.h>

#include "base/mem.h"
#include "base/num.h"

#define EARTH_RADIUS_M 6372797.560856 /* as Redis's GEO commands have it */
#define RADIANS(degrees) ((degrees) * 0.017453292519943295)

struct several {
    size_t n;
    struct place at[];
};

bool place_parse(struct str s, struct place *out)
{
    const char *comma = s.n ? memchr(s.p, ',', s.n) : NULL;
    struct str lon, lat;

    if (comma == NULL && s.n) comma = memchr(s.p, ' ', s.n);
    if (comma == NULL) return false;
    lon = str_of(s.p, (size_t)(comma - s.p));
    lat = str_of(comma + 1, s.n - lon.n - 1);
    while (lon.n > 0 && lon.p[lon.n - 1] == ' ') lon.n--;
    while (lat.n > 0 && *lat.p == ' ') lat = str_of(lat.p + 1, lat.n - 1);
    if (!num_parse_double(lon, &out->lon) || !num_parse_double(lat, &out->lat)) return false;
    return fabs(out->lon) <= 180 && fabs(out->lat) <= 90;
}

double place_distance(struct place a, struct place b)
{
    double u = sin((RADIANS(b.lat) - RADIANS(a.lat)) / 2), v = sin((RADIANS(b.lon) - RADIANS(a.lon)) / 2);

    return 2 * EARTH_RADIUS_M * asin(fmin(1, sqrt(u * u + cos(RADIANS(a.lat)) * cos(RADIANS(b.lat)) * v * v)));
}

void places_init(struct places *p)
{
    *p = (struct places){ 0 };
    column_init(&p->lon, double_cell((double)NAN));
    column_init(&p->lat, double_cell((double)NAN));
    column_init(&p->more, 0);
}

void places_fini(struct places *p)
{
    for (uint32_t d = docset_next(&p->several, 0); d != UINT32_MAX; d = docset_next(&p->several, d + 1)) mem_free(column_ptr(&p->more, d));
    docset_fini(&p->several);
    column_fini(&p->lon);
    column_fini(&p->lat);
    column_fini(&p->more);
    *p = (struct places){ 0 };
}

const struct place *places_of(const struct places *p, uint32_t doc, struct place *one, size_t *n)
{
    const struct several *s = p->several.n ? column_ptr(&p->more, doc) : NULL;

    if (s) {
        *n = s->n;
        return s->at;
    }
    *one = (struct place){ cell_double(column_get(&p->lon, doc)), cell_double(column_get(&p->lat, doc)) };
    *n = !isnan(one->lat);
    return one;
}

static size_t several_bytes(size_t n)
{
    return mem_good_size(sizeof(struct several) + n * sizeof(struct place));
}

void places_put(struct places *p, uint32_t doc, const struct place *at, size_t n)
{
    struct place one;
    size_t n_old;
    const struct place *old = places_of(p, doc, &one, &n_old);
    struct several *s;

    if (n == n_old && (n == 0 || memcmp(old, at, n * sizeof *at) == 0)) return;
    p->n = p->n - n_old + n;
    if (n_old > 1) {
        p->bytes -= several_bytes(n_old);
        mem_free(column_ptr(&p->more, doc));
        column_set_ptr(&p->more, doc, NULL);
        docset_remove(&p->several, doc);
    }
    column_set(&p->lon, doc, n ? double_cell(at[0].lon) : p->lon.empty);
    column_set(&p->lat, doc, n ? double_cell(at[0].lat) : p->lat.empty);
    if (n < 2) return;
    s = mem_alloc(sizeof *s + n * sizeof *at);
    s->n = n;
    memcpy(s->at, at, n * sizeof *at);
    p->bytes += several_bytes(n);
    column_set_ptr(&p->more, doc, s);
    docset_add(&p->several, doc);
}

static void near_in_page(const struct places *p, struct place centre, double radius_m, uint32_t page, struct docset *out)
{
    /* A little more than the circle, so that rounding loses nobody. */
    double belt = radius_m / EARTH_RADIUS_M / 0.017453292519943295 * 1.000001 + 1e-9;
    uint32_t n;
    const uint64_t *lons = column_page(&p->lon, page, &n), *lats = column_page(&p->lat, page, &n);

    if (lons == NULL || lats == NULL) return; /* nobody is there */
    for (uint32_t i = 0; i < n; i++) {
        double lat = cell_double(lats[i]);

        if (!(fabs(lat - centre.lat) <= belt)) continue;
        if (place_distance(centre, (struct place){ cell_double(lons[i]), lat }) <= radius_m) docset_add(out, page * COLUMN_PAGE + i);
    }
}

bool places_near_step(const struct places *p, struct place centre, double radius_m, struct places_walk *w, struct docset *out)
{
    size_t left = COLUMN_PAGE;
    uint32_t d;

    if (w->page < p->lat.n_pages) {
        near_in_page(p, centre, radius_m, w->page++, out);
        return false;
    }
    while (left > 0 && (d = docset_next(&p->several, w->several)) != UINT32_MAX) {
        const struct several *s = column_ptr(&p->more, d);

        for (size_t i = 0; i < s->n; i++)
            if (place_distance(centre, s->at[i]) <= radius_m) docset_add(out, d);
        left = s->n < left ? left - s->n : 0;
        w->several = d + 1;
    }
    return docset_next(&p->several, w->several) == UINT32_MAX;
}

size_t places_memory(const struct places *p)
{
    return p->lon.bytes + p->lat.bytes + p->more.bytes + docset_memory(&p->several) + p->bytes;
}
