/* text_near.c -- words near to each other: positions against a phrase's slop. */
#include "search/text_impl.h"

/* For each place of the first word the nearest places of the others behind it, one behind the other: nothing ends earlier. */
static bool are_in_order(const struct places *lists, size_t n, size_t *at, int slop)
{
    for (; at[0] < lists[0].n; at[0]++) {
        uint32_t first = lists[0].list[at[0]].position, last = first;

        for (size_t i = 1; i < n; i++) {
            while (at[i] < lists[i].n && lists[i].list[at[i]].position <= last) at[i]++;
            if (at[i] == lists[i].n) return false;
            last = lists[i].list[at[i]].position;
        }
        if (slop < 0 || last - first - (uint32_t)(n - 1) <= (uint32_t)slop) return true;
    }
    return false;
}

/* The narrowest window, found by letting go of the place that is first, again and again. */
static bool are_together(const struct places *lists, size_t n, size_t *at, int slop)
{
    while (true) {
        uint32_t lo = UINT32_MAX, hi = 0;
        size_t lowest = 0;

        for (size_t i = 0; i < n; i++) {
            uint32_t p = lists[i].list[at[i]].position;
            if (p < lo) lo = p, lowest = i;
            if (p > hi) hi = p;
        }
        if ((int64_t)hi - lo + 1 - (int64_t)n <= slop) return true;
        if (++at[lowest] == lists[lowest].n) return false;
    }
}

bool places_are_near(const struct places *lists, size_t n, size_t *at, int slop, bool in_order)
{
    for (size_t i = 0; i < n; i++) {
        if (lists[i].n == 0) return false;
        at[i] = 0;
    }
    if (in_order) return are_in_order(lists, n, at, slop);
    return slop < 0 || are_together(lists, n, at, slop);
}
