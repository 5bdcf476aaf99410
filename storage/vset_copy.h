/* vset_copy.h -- a copy of a vector set, made in steps while others change the set: what has been copied follows it, so that the copy
 * is the set as it is in the moment of the last step. */
#ifndef MEMD_STORAGE_VSET_COPY_H
#define MEMD_STORAGE_VSET_COPY_H

#include "storage/vset.h"

struct vset_copy;
struct vset_copy *vset_copy_new(struct store *st, const struct vset *s);

/* What is not taken goes to be freed elsewhere. */
void vset_copy_free(struct vset_copy **c);

/* About n elements more; true: there are no more, or the set has gone, or there is no memory. */
bool vset_copy_step(struct vset_copy *c, size_t n);

/* The set that is copied; NULL: it has gone. */
const struct vset *vset_copy_of(const struct vset_copy *c);

/* The copy, what the steps have not copied included, which is the caller's; NULL: there was no memory. Nothing is followed from now on. */
struct vset *vset_copy_take(struct vset_copy *c);

size_t vset_copy_bytes(const struct vset_copy *c);

#endif
