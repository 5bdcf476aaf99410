/* value_copy.h -- a copy of a large value, made in steps.
 *
 * A vector set may change meanwhile, and the copy follows it (vset_copy.h). Of any other value the copy is lost when the value
 * changes: whoever makes it begins again. */
#ifndef MEMD_STORAGE_VALUE_COPY_H
#define MEMD_STORAGE_VALUE_COPY_H

#include "storage/db.h"

struct value_copy;

/* Of the value that e points to, in a form whose type copies in steps (struct type_ops), or a vector set. */
struct value_copy *value_copy_new(struct store *s, const struct entry *e);

/* What is not taken goes to be freed elsewhere. */
void value_copy_free(struct value_copy **c);

/* Go on for about 20 us. True: it is done, or cannot be. */
bool value_copy_step(struct value_copy *c);

/* The object that is copied; NULL: it has gone, or has changed. */
const void *value_copy_of(const struct value_copy *c);

/* The copy, which is the caller's; NULL: there was no memory. The value may change from now on.
 * What was added to a vector set since the last step is copied first. */
void *value_copy_take(struct value_copy *c);

size_t value_copy_bytes(const struct value_copy *c);

#endif
