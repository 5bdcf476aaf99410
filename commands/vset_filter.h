/* vset_filter.h -- VSIM's FILTER: a condition on an element's attributes, which are JSON.
 *
 *     .year >= 1980 and (.genre in ["action", "drama"] or not .seen)
 *
 * Numbers, "texts" and 'texts', lists of them, null, .fields of the object's first level; ! not, **, * / %, + -, > >= < <= ==
 * != in, and &&, or || in this order of binding, ** to the right. true and false are 1 and 0. An element does not pass if it has
 * no attributes, a field is not there or an object. Numbers and texts are compared as numbers; a text that is none is 0. `in`
 * asks for an item of a list, or a part of a text. */
#ifndef MEMD_COMMANDS_VSET_FILTER_H
#define MEMD_COMMANDS_VSET_FILTER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

struct vset_filter;

/* Compile text, which must live as long as the filter; what it needs comes from a. NULL: *near is what cannot be understood. */
struct vset_filter *vset_filter_new(struct arena *a, struct str text, struct str *near);

/* Do these attributes pass? */
bool vset_filter_passes(struct vset_filter *f, struct str json);

/* What is not the arena's. */
void vset_filter_fini(struct vset_filter *f);

#endif
