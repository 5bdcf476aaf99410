#include "base/sort_steps.h"

#include <stdlib.h>
#include <string.h>

enum { RUN = 256 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void *item(const struct sort_steps *s, size_t i)
{
    return (char *)s->items + i * s->size;
}

static void sort_run(struct sort_steps *s)
{
    size_t n = s->other != NULL ? least(RUN, s->n - s->at) : s->n;

    if (n > 1) qsort_r(item(s, s->at), n, s->size, s->compare, s->ctx);
    s->at += n;
}

static void merge_from(struct sort_steps *s, size_t at)
{
    s->at = s->left = at;
    s->right = least(at + s->width, s->n);
}

static bool right_is_next(const struct sort_steps *s, size_t middle, size_t end)
{
    return s->left == middle || (s->right < end && s->compare(item(s, s->right), item(s, s->left), s->ctx) < 0);
}

/* Write n items more of a pass over all of them. */
static void merge(struct sort_steps *s, size_t n)
{
    size_t begin = s->at - s->at % (2 * s->width), middle = least(begin + s->width, s->n), end = least(begin + 2 * s->width, s->n);
    char *to = (char *)s->other + s->at * s->size;
    void *items = s->items;

    for (; n > 0 && s->at < end; n--, s->at++, to += s->size)
        memcpy(to, item(s, right_is_next(s, middle, end) ? s->right++ : s->left++), s->size);
    if (s->at < end) return;
    if (end == s->n) {
        s->items = s->other;
        s->other = items;
        s->width *= 2;
        end = 0;
    }
    merge_from(s, end);
}

bool sort_steps_on(struct sort_steps *s, size_t n)
{
    if (s->merges) {
        if (s->width < s->n) merge(s, n);
    } else {
        sort_run(s);
        if (s->at < s->n) return false;
        s->merges = true;
        s->width = s->other != NULL ? RUN : s->n;
        merge_from(s, 0);
    }
    return s->width >= s->n;
}
