#include "base/str.h"

/* Without a locale, which costs more than the comparison. */
static inline unsigned char lower(char ch)
{
    return (unsigned char)(ch >= 'A' && ch <= 'Z' ? ch + ('a' - 'A') : ch);
}

/* Not strncasecmp: that stops at a NUL, and ours are bytes. */
bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    }
    return true;
}

bool str_is_word(struct str a, const char *word)
{
    size_t i = 0;

    for (; i < a.n && word[i] != '\0'; i++) {
        if (lower(a.p[i]) != lower(word[i])) return false;
    }
    return i == a.n && word[i] == '\0';
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (order != 0) return order;
    return (a.n > b.n) - (a.n < b.n);
}
