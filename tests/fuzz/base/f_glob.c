/* Globs against a matcher that tries everything.
 *
 * Of the input the first byte says whether case counts, the second how long the pattern is. */
#include "base/glob.h"

#include <ctype.h>

#include "base/ensure.h"
#include "tests/fuzz/fuzz.h"

enum { LONGEST = 40 };

/* One element of a pattern: the bytes it matches. */
struct element {
    bool takes[256];
    size_t n; /* its length in the pattern */
};

static int order(char c, bool fold)
{
    return fold ? tolower((signed char)c) : (signed char)c;
}

/* Add the bytes from a to b. */
static void add_range(struct element *e, char a, char b, bool fold)
{
    char low = (signed char)a < (signed char)b ? a : b, high = low == a ? b : a;

    for (int c = 0; c < 256; c++) {
        int at = order((char)c, fold);
        if (at >= order(low, fold) && at <= order(high, fold)) e->takes[c] = true;
    }
}

static struct element class_of(struct str p, bool fold)
{
    struct element e = { { false }, 1 };
    bool inverse = p.n > 1 && p.p[1] == '^';

    for (e.n += inverse; e.n < p.n && p.p[e.n] != ']'; e.n++) {
        const char *at = p.p + e.n;
        size_t left = p.n - e.n;

        if (left >= 2 && at[0] == '\\') {
            e.takes[(unsigned char)at[1]] = true;
            e.n++;
        } else if (left >= 3 && at[1] == '-') {
            add_range(&e, at[0], at[2], fold);
            e.n += 2;
        } else {
            add_range(&e, at[0], at[0], fold);
        }
    }
    if (e.n < p.n) e.n++;
    for (int c = 0; c < 256; c++) e.takes[c] = e.takes[c] != inverse;
    return e;
}

static struct element element_of(struct str p, bool fold)
{
    struct element e = { { false }, 1 };

    if (p.p[0] == '[') return class_of(p, fold);
    if (p.p[0] == '?') {
        memset(e.takes, true, sizeof e.takes);
        return e;
    }
    if (p.p[0] == '\\' && p.n > 1) e.n = 2;
    add_range(&e, p.p[e.n - 1], p.p[e.n - 1], fold);
    return e;
}

/* Does p match t? What was found out to fail is not tried again. */
struct trial {
    bool failed[LONGEST + 1][LONGEST + 1]; /* by what is left of both */
    bool fold;
};

static struct str behind(struct str s, size_t n)
{
    return str_of(s.p + n, s.n - n);
}

static bool matches(struct trial *tr, struct str p, struct str t)
{
    bool good;

    if (p.n == 0) return t.n == 0;
    if (tr->failed[p.n][t.n]) return false;
    if (p.p[0] == '*') {
        good = matches(tr, behind(p, 1), t) || (t.n > 0 && matches(tr, p, behind(t, 1)));
    } else if (t.n == 0) {
        good = false;
    } else {
        struct element e = element_of(p, tr->fold);
        good = e.takes[(unsigned char)t.p[0]] && matches(tr, behind(p, e.n), behind(t, 1));
    }
    tr->failed[p.n][t.n] = !good;
    return good;
}

/* What matches begins with the prefix; without a wildcard the prefix is all of it. */
static void check_prefix(struct str p, struct str t, bool match)
{
    struct str prefix = glob_prefix(p);

    ensure(prefix.n <= p.n);
    if (match) ensure(t.n >= prefix.n && str_eq(str_of(t.p, prefix.n), prefix));
    if (prefix.n == p.n) ensure(match == str_eq(p, t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trial tr = { .fold = false };
    struct str p, t;
    bool match;

    if (size < 2) return 0;
    p = str_of(data + 2, data[1] < size - 2 ? data[1] : size - 2);
    t = str_of(p.p + p.n, size - 2 - p.n);
    tr.fold = data[0] & 1;
    match = glob_match(p, t, tr.fold);
    if (!tr.fold) check_prefix(p, t, match);
    if (p.n <= LONGEST && t.n <= LONGEST) ensure(match == matches(&tr, p, t));
    return 0;
}
