#include "base/str.h"

#include <ctype.h>

/* Not strncasecmp: that stops at a NUL, and ours are bytes. */
bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++) {
        if (a.p[i] == b.p[i]) continue;
        if (tolower((unsigned char)a.p[i]) != tolower((unsigned char)b.p[i])) return false;
    }
    return true;
}

bool str_is(struct str a, const char *word)
{
    return str_ieq(a, str_c(word));
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (order != 0) return order;
    return (a.n > b.n) - (a.n < b.n);
}
