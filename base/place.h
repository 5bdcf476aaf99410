/* place.h -- where a name is in a list sorted by name, or where it would be put. */
#ifndef MEMD_BASE_PLACE_H
#define MEMD_BASE_PLACE_H

#include "base/str.h"

/* Among n things, the i-th of which name_at tells the name of: names rise in the order of str_cmp, and none is there
 * twice. *found: it is there; else all before the place are lower, and all from it on higher. */
size_t place_of(const void *list, size_t n, struct str (*name_at)(const void *list, size_t i), struct str name, bool *found);

#endif
