#include "base/glob.h"

#include <ctype.h>

/* Bytes are compared as signed numbers, and a range that is upside down is turned before its case
 * is folded: both as Redis does it, so that a pattern means the same here. */
static int fold(char c, bool ignore_case)
{
    return ignore_case ? tolower((signed char)c) : (signed char)c;
}

static bool in_range(char from, char to, char c, bool ignore_case)
{
    if ((signed char)from > (signed char)to) {
        char swap = from;

        from = to;
        to = swap;
    }
    return fold(c, ignore_case) >= fold(from, ignore_case) &&
           fold(c, ignore_case) <= fold(to, ignore_case);
}

/* Does c belong to the class that begins at p[at], behind its '['? *end is set behind the class. A
 * class that is not closed ends with the pattern. */
static bool class_has(struct str p, size_t at, char c, bool ignore_case, size_t *end)
{
    bool negated = at < p.n && p.p[at] == '^';
    bool found = false;

    for (at += negated; at < p.n && p.p[at] != ']'; at++) {
        size_t left = p.n - at;

        if (p.p[at] == '\\' && left >= 2) {
            at++;
            if (p.p[at] == c) found = true;
        } else if (left >= 3 && p.p[at + 1] == '-') {
            if (in_range(p.p[at], p.p[at + 2], c, ignore_case)) found = true;
            at += 2;
        } else if (fold(p.p[at], ignore_case) == fold(c, ignore_case)) {
            found = true;
        }
    }
    *end = at < p.n ? at + 1 : p.n;
    return found != negated;
}

/* Does c match the element at p[at], which is not a '*'? *end is set behind the element. */
static bool element_matches(struct str p, size_t at, char c, bool ignore_case, size_t *end)
{
    if (p.p[at] == '[') return class_has(p, at + 1, c, ignore_case, end);
    if (p.p[at] == '?') {
        *end = at + 1;
        return true;
    }
    if (p.p[at] == '\\' && at + 1 < p.n) at++;
    *end = at + 1;
    return fold(p.p[at], ignore_case) == fold(c, ignore_case);
}

/* How many bytes of the pattern may be looked at again because a '*' had to take one more. */
static size_t again_max(struct str pattern, struct str text)
{
    return ((size_t)1 << 20) + 16 * (pattern.n + text.n);
}

/* Every element but '*' takes one byte. So when something after a '*' does not fit, it is enough to
 * let the latest '*' take one more: an earlier one could only bring us to the same place later. */
bool glob_match(struct str pattern, struct str text, bool ignore_case)
{
    size_t again = 0;
    size_t p = 0;
    size_t t = 0;
    size_t p_retry = 0; /* behind the latest '*', 0 when there was none */
    size_t t_retry = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            p_retry = ++p;
            t_retry = t;
            if (p == pattern.n) return true;
            continue;
        }
        size_t end = p;

        if (p < pattern.n && element_matches(pattern, p, text.p[t], ignore_case, &end)) {
            p = end;
            t++;
            continue;
        }
        if (p_retry == 0) return false;
        again += end - p_retry + 1;
        if (again > again_max(pattern, text)) return false;
        p = p_retry;
        t = ++t_retry;
    }
    while (p < pattern.n && pattern.p[p] == '*') p++;
    return p == pattern.n;
}

static bool is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

struct str glob_prefix(struct str pattern)
{
    size_t n = 0;

    while (n < pattern.n && !is_special(pattern.p[n])) n++;
    return str_of(pattern.p, n);
}
