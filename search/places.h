/* places.h -- the values of a GEO field: columns of longitude and latitude.
 *
 * A search is a pass over the latitudes, a page at a time; only what lies in the circle's belt is measured. */
#ifndef MEMD_SEARCH_PLACES_H
#define MEMD_SEARCH_PLACES_H

#include "base/str.h"
#include "search/column.h"
#include "search/docset.h"

struct place {
    double lon, lat;
};

struct places {
    struct column lon, lat; /* NaN: none */
    struct column more;     /* pointers to all of them, of documents that have several */
    struct docset several;
    size_t n, bytes;
};

/* "lon,lat" or "lon lat". False: it is not, or there is no such place. */
bool place_parse(struct str s, struct place *out);
/* Metres between two. */
double place_distance(struct place a, struct place b);

void places_init(struct places *p);
void places_fini(struct places *p);

/* doc is at these places now, in place of those it was at. */
void places_put(struct places *p, uint32_t doc, const struct place *at, size_t n);

/* Add to out whoever is at most radius_m away from centre: of about a thousand documents from *w on, a zeroed one at first; true: of all.
 * Between the calls places may only go. */
struct places_walk {
    uint32_t page, several;
};
bool places_near_step(const struct places *p, struct place centre, double radius_m, struct places_walk *w, struct docset *out);

const struct place *places_of(const struct places *p, uint32_t doc, struct place *one, size_t *n);
size_t places_memory(const struct places *p); /* O(1) */

#endif
