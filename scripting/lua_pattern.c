/* lua_pattern.c -- see lua_pattern.h.
 *
 * A pattern is read as it is matched. What may have to be taken back recurses, and no deeper than DEPTH_MAX; all else
 * goes on in the loop of match_from. */
#include "scripting/lua_pattern.h"

#include <luajit-2.1/lauxlib.h>
#include <stdint.h>
#include <string.h>

enum {
    DEPTH_MAX = 200,
    RUN = 16384 /* bytes that are looked at between two counts */
};

/* --- bytes ------------------------------------------------------------------------------------------- */

enum {
    ALPHA = 1, CNTRL = 2, DIGIT = 4, GRAPH = 8, LOWER = 16, PUNCT = 32, SPACE = 64, UPPER = 128, XDIGIT = 256,
    ZERO = 512,
    LETTER = ALPHA | GRAPH,
    SIGN = PUNCT | GRAPH
};

static const uint16_t kinds[256] = {
    [0] = CNTRL | ZERO, [1 ... 8] = CNTRL, [9 ... 13] = CNTRL | SPACE, [14 ... 31] = CNTRL, [' '] = SPACE,
    ['!' ... '/'] = SIGN, ['0' ... '9'] = DIGIT | XDIGIT | GRAPH, [':' ... '@'] = SIGN,
    ['A' ... 'F'] = LETTER | UPPER | XDIGIT, ['G' ... 'Z'] = LETTER | UPPER, ['[' ... '`'] = SIGN,
    ['a' ... 'f'] = LETTER | LOWER | XDIGIT, ['g' ... 'z'] = LETTER | LOWER, ['{' ... '~'] = SIGN, [127] = CNTRL,
};

/* What the letter behind a % stands for; 0: itself. */
static uint16_t class_of(char letter)
{
    if ((kinds[(unsigned char)letter] & ALPHA) == 0) return 0;
    switch (letter | 0x20) {
    case 'a': return ALPHA;
    case 'c': return CNTRL;
    case 'd': return DIGIT;
    case 'g': return GRAPH;
    case 'l': return LOWER;
    case 'p': return PUNCT;
    case 's': return SPACE;
    case 'u': return UPPER;
    case 'w': return ALPHA | DIGIT;
    case 'x': return XDIGIT;
    case 'z': return ZERO;
    default: return 0;
    }
}

static bool is_small(char letter)
{
    return (letter & 0x20) != 0;
}

static bool is_of_class(unsigned char c, char letter)
{
    uint16_t kind = class_of(letter);

    if (kind == 0) return c == (unsigned char)letter;
    return ((kinds[c] & kind) != 0) == is_small(letter);
}

/* Is c in the set that lies between its brackets, `from` and `to`? */
static bool is_in_set(unsigned char c, const char *from, const char *to)
{
    bool in = *from != '^';

    for (const char *q = in ? from : from + 1; q < to; q++) {
        if (*q == '%') {
            if (is_of_class(c, *++q)) return in;
        } else if (q[1] == '-' && q + 2 < to) {
            if ((unsigned char)q[0] <= c && c <= (unsigned char)q[2]) return in;
            q += 2;
        } else if ((unsigned char)*q == c) {
            return in;
        }
    }
    return !in;
}

/* --- items: what stands for one byte ----------------------------------------------------------------- */

struct item {
    enum { ANY, BYTE, CLASS, SET } what;
    unsigned char byte;
    bool among;       /* CLASS: a byte is to be one of these kinds, else it is to be none */
    uint16_t kind;
    const char *from; /* SET: behind its bracket */
    const char *end;  /* behind the item */
};

/* Behind the set whose bracket is at p. A ] that comes first is one of its bytes. */
static const char *end_of_set(struct lua_pattern *m, const char *p)
{
    if (*++p == '^') p++;
    do {
        if (*p == '\0') luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && *p != '\0') p++;
    } while (*p != ']');
    return p + 1;
}

static void read_class(struct lua_pattern *m, const char *letter, struct item *it)
{
    if (*letter == '\0') luaL_error(m->L, "malformed pattern (ends with '%%')");
    it->kind = class_of(*letter);
    it->what = it->kind != 0 ? CLASS : BYTE;
    it->among = is_small(*letter);
    it->byte = (unsigned char)*letter;
    it->end = letter + 1;
}

static void read_item(struct lua_pattern *m, const char *p, struct item *it)
{
    switch (*p) {
    case '.':
        it->what = ANY;
        it->end = p + 1;
        return;
    case '%':
        read_class(m, p + 1, it);
        return;
    case '[':
        it->what = SET;
        it->from = p + 1;
        it->end = end_of_set(m, p);
        return;
    default:
        it->what = BYTE;
        it->byte = (unsigned char)*p;
        it->end = p + 1;
    }
}

static inline bool is_item(const struct item *it, unsigned char c)
{
    switch (it->what) {
    case ANY: return true;
    case BYTE: return c == it->byte;
    case CLASS: return ((kinds[c] & it->kind) != 0) == it->among;
    case SET: break;
    }
    return is_in_set(c, it->from, it->end - 1);
}

/* --- matching ---------------------------------------------------------------------------------------- */

static const char *match(struct lua_pattern *m, const char *s, const char *p);

/* The end of the longest run of such bytes. */
static const char *run_of(struct lua_pattern *m, const struct item *it, const char *s)
{
    for (;;) {
        const char *from = s, *stop = m->end - s > RUN ? s + RUN : m->end;

        while (s < stop && is_item(it, (unsigned char)*s)) s++;
        lua_step(m->L, m->steps, (size_t)(s - from));
        if (s < stop || stop == m->end) return s;
    }
}

/* As many as can be, then fewer, until the rest matches. */
static const char *match_longest(struct lua_pattern *m, const struct item *it, const char *s, const char *rest)
{
    for (const char *end = run_of(m, it, s); end >= s; end--) {
        const char *found = match(m, end, rest);
        if (found != NULL) return found;
    }
    return NULL;
}

static const char *match_shortest(struct lua_pattern *m, const struct item *it, const char *s, const char *rest)
{
    for (;; s++) {
        const char *found = match(m, s, rest);
        if (found != NULL) return found;
        if (s >= m->end || !is_item(it, (unsigned char)*s)) return NULL;
    }
}

static const char *open_capture(struct lua_pattern *m, const char *s, const char *rest, ptrdiff_t n)
{
    const char *found;

    if (m->n_captures >= PATTERN_CAPTURES) luaL_error(m->L, "too many captures");
    m->captures[m->n_captures].at = s;
    m->captures[m->n_captures].n = n;
    m->n_captures++;
    found = match(m, s, rest);
    if (found == NULL) m->n_captures--;
    return found;
}

/* The last that is open. */
static const char *close_capture(struct lua_pattern *m, const char *s, const char *rest)
{
    const char *found;
    int i = m->n_captures - 1;

    while (i >= 0 && m->captures[i].n != PATTERN_OPEN) i--;
    if (i < 0) luaL_error(m->L, "invalid pattern capture");
    m->captures[i].n = s - m->captures[i].at;
    found = match(m, s, rest);
    if (found == NULL) m->captures[i].n = PATTERN_OPEN;
    return found;
}

/* What was captured, once more. */
static const char *match_captured(struct lua_pattern *m, const char *s, char digit)
{
    int i = digit - '1';
    size_t n;

    if (i < 0 || i >= m->n_captures || m->captures[i].n == PATTERN_OPEN)
        luaL_error(m->L, "invalid capture index");
    if (m->captures[i].n == PATTERN_PLACE) return NULL;
    n = (size_t)m->captures[i].n;
    if ((size_t)(m->end - s) < n) return NULL;
    lua_step(m->L, m->steps, n / 16);
    return memcmp(m->captures[i].at, s, n) == 0 ? s + n : NULL;
}

/* From a byte `pair[0]` to the pair[1] that closes it. */
static const char *match_balanced(struct lua_pattern *m, const char *s, const char *pair)
{
    size_t open = 1;
    const char *from = s;

    if (pair[0] == '\0' || pair[1] == '\0') luaL_error(m->L, "unbalanced pattern");
    if (*s != pair[0]) return NULL;
    for (s++; s < m->end; s++) {
        if (*s == pair[1]) {
            if (--open == 0) break;
        } else if (*s == pair[0]) {
            open++;
        }
        if (s - from < RUN) continue;
        lua_step(m->L, m->steps, RUN);
        from = s;
    }
    lua_step(m->L, m->steps, (size_t)(s - from));
    return s < m->end ? s + 1 : NULL;
}

/* Between a byte that is not in the set and one that is. Before the first and behind the last there is a zero byte. */
static bool is_frontier(struct lua_pattern *m, const char *s, const char *set, const char **rest)
{
    unsigned char before = s == m->begin ? 0 : (unsigned char)s[-1];

    if (*set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
    *rest = end_of_set(m, set);
    return !is_in_set(before, set + 1, *rest - 1) && is_in_set((unsigned char)*s, set + 1, *rest - 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *match_from(struct lua_pattern *m, const char *s, const char *p)
{
    for (;;) {
        struct item it;
        bool fits;

        lua_step(m->L, m->steps, 1);
        if (*p == '\0') return s;
        if (*p == '(' && p[1] == ')') return open_capture(m, s, p + 2, PATTERN_PLACE);
        if (*p == '(') return open_capture(m, s, p + 1, PATTERN_OPEN);
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p[1] == '\0') return s == m->end ? s : NULL;
        if (*p == '%' && p[1] == 'b') {
            s = match_balanced(m, s, p + 2);
            if (s == NULL) return NULL;
            p += 4;
            continue;
        }
        if (*p == '%' && p[1] == 'f') {
            if (!is_frontier(m, s, p + 2, &p)) return NULL;
            continue;
        }
        if (*p == '%' && is_digit(p[1])) {
            s = match_captured(m, s, p[1]);
            if (s == NULL) return NULL;
            p += 2;
            continue;
        }
        read_item(m, p, &it);
        fits = s < m->end && is_item(&it, (unsigned char)*s);
        switch (*it.end) {
        case '*': return match_longest(m, &it, s, it.end + 1);
        case '+': return fits ? match_longest(m, &it, s + 1, it.end + 1) : NULL;
        case '-': return match_shortest(m, &it, s, it.end + 1);
        case '?': {
            const char *found = fits ? match(m, s + 1, it.end + 1) : NULL;
            if (found != NULL) return found;
            p = it.end + 1;
            continue;
        }
        default:
            if (!fits) return NULL;
            s++;
            p = it.end;
        }
    }
}

static const char *match(struct lua_pattern *m, const char *s, const char *p)
{
    if (++m->depth > DEPTH_MAX) luaL_error(m->L, "pattern too complex");
    s = match_from(m, s, p);
    m->depth--;
    return s;
}

const char *lua_pattern_match(struct lua_pattern *m, const char *at, const char *p)
{
    m->n_captures = m->depth = 0;
    return match(m, at, p);
}

/* --- captures ---------------------------------------------------------------------------------------- */

void lua_pattern_push(struct lua_pattern *m, int i, const char *at, const char *end)
{
    if (i == 0 && m->n_captures == 0) {
        lua_pushlstring(m->L, at, (size_t)(end - at));
        return;
    }
    if (i >= m->n_captures) luaL_error(m->L, "invalid capture index");
    switch (m->captures[i].n) {
    case PATTERN_OPEN: luaL_error(m->L, "unfinished capture"); break;
    case PATTERN_PLACE: lua_pushinteger(m->L, m->captures[i].at - m->begin + 1); break;
    default: lua_pushlstring(m->L, m->captures[i].at, (size_t)m->captures[i].n);
    }
}

int lua_pattern_push_all(struct lua_pattern *m, const char *at, const char *end)
{
    int n = m->n_captures == 0 && at != NULL ? 1 : m->n_captures;

    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++) lua_pattern_push(m, i, at, end);
    return n;
}
