/* sort_steps.h -- a sort that can be left anywhere.
 *
 * Short runs are sorted by qsort, one a step, and merged two by two into another array and back. Without another array it is one call of
 * qsort. Who wants equals to stay where they are compares their places, too. */
#ifndef MEMD_BASE_SORT_STEPS_H
#define MEMD_BASE_SORT_STEPS_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed but for the first part, and borrowed all of it. */
struct sort_steps {
    void *items, *other; /* n items of size bytes each; other: room for as many, or NULL */
    size_t size, n;
    int (*compare)(const void *a, const void *b, void *ctx);
    void *ctx;
    /* sort_steps.c's */
    bool merges;
    size_t at, width, left, right; /* where it is; of merging: how long runs are, and at what of two of them */
};

/* Sort a run, or merge n items more. True: they are in order, in `items`, which may be the array that was `other`. */
bool sort_steps_on(struct sort_steps *s, size_t n);

#endif
