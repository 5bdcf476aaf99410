#include "base/place.h"

size_t place_of(const void *list, size_t n, struct str (*name_at)(const void *list, size_t i), struct str name, bool *found)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(name_at(list, mid), name) < 0) lo = mid + 1;
        else hi = mid;
    }
    *found = lo < n && str_eq(name_at(list, lo), name);
    return lo;
}
