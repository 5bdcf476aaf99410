/* expr_function.c -- the functions of expressions: RediSearch's, and log10, min, max, pow, round, now, decay beyond them.
 *
 * With a null among its arguments a function is null, but for exists() and format(). Mathematics of what is no number is NaN, dates of
 * it are null, as in RediSearch; where text is wanted a number is its text. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "search/expr_impl.h"

static bool fail(const struct expr_call *c, const char *text)
{
    buf_printf(c->error, "SEARCH_PARSE_ARGS %s", text);
    return false;
}

static bool give(const struct expr_call *c, double x)
{
    *c->out = datum_number(x);
    return true;
}

static bool give_text(const struct expr_call *c, struct str s)
{
    *c->out = datum_text(s);
    return true;
}

static double number(const struct expr_call *c, size_t i)
{
    double x;

    return datum_to_number(&c->args[i], &x) ? x : NAN;
}

static struct str text(const struct expr_call *c, size_t i)
{
    return datum_as_text(&c->args[i], c->row->arena);
}

/* --- numbers ---------------------------------------------------------------------------------------------------- */

#define OF_ONE(name) \
    static bool run_##name(const struct expr_call *c) \
    { \
        return give(c, name(number(c, 0))); \
    }
OF_ONE(log)
OF_ONE(log2)
OF_ONE(log10)
OF_ONE(floor)
OF_ONE(ceil)
OF_ONE(fabs)
OF_ONE(sqrt)
OF_ONE(exp)

static bool run_pow(const struct expr_call *c)
{
    return give(c, pow(number(c, 0), number(c, 1)));
}

/* The first that is below (sign -1) or above (1) all others; NaN when one is no number. */
static bool extreme(const struct expr_call *c, int sign)
{
    double best = number(c, 0);

    for (size_t i = 1; i < c->n; i++) {
        double x = number(c, i);

        if (isnan(x) || sign * x > sign * best) best = x;
        if (isnan(best)) break;
    }
    return give(c, best);
}

static bool run_min(const struct expr_call *c)
{
    return extreme(c, -1);
}

static bool run_max(const struct expr_call *c)
{
    return extreme(c, 1);
}

/* round(x[, digits]) */
static bool run_round(const struct expr_call *c)
{
    double digits = c->n > 1 ? trunc(number(c, 1)) : 0, scale;

    if (!(fabs(digits) <= 15)) return give(c, NAN);
    scale = pow(10, digits);
    return give(c, round(number(c, 0) * scale) / scale);
}

static bool run_now(const struct expr_call *c)
{
    return give(c, c->row->now_s);
}

/* decay(ts, half_life[, now]): 1 at ts and before, half as much with each half_life; all in the same unit, now() if none is given. */
static bool run_decay(const struct expr_call *c)
{
    double now = c->n > 2 ? number(c, 2) : c->row->now_s, age = now - number(c, 0), half = number(c, 1);

    if (isnan(age) || isnan(half)) return give(c, NAN);
    if (age <= 0) return give(c, 1);
    return give(c, half > 0 ? exp2(-age / half) : 0);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static bool change_case(const struct expr_call *c, char first, char last)
{
    struct str s = text(c, 0);
    char *out = arena_alloc(c->row->arena, s.n + 1);

    for (size_t i = 0; i < s.n; i++) out[i] = s.p[i] >= first && s.p[i] <= last ? (char)(s.p[i] ^ 32) : s.p[i];
    return give_text(c, str_of(out, s.n));
}

static bool run_lower(const struct expr_call *c)
{
    return change_case(c, 'A', 'Z');
}

static bool run_upper(const struct expr_call *c)
{
    return change_case(c, 'a', 'z');
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* substr(text, offset, count): below 0 an offset counts from the end, and a count says how many are left out there. */
static bool run_substr(const struct expr_call *c)
{
    struct str s = text(c, 0);
    double at = trunc(number(c, 1)), n = trunc(number(c, 2)), size = (double)s.n;

    if (isnan(at) || isnan(n)) return fail(c, "Invalid type for substr. Expected number");
    at = clamp(at < 0 ? size + at : at, 0, size);
    n = clamp(n < 0 ? size - at + n : n, 0, size - at);
    return give_text(c, str_of(s.p + (size_t)at, (size_t)n));
}

static bool run_strlen(const struct expr_call *c)
{
    return give(c, (double)text(c, 0).n);
}

static bool run_startswith(const struct expr_call *c)
{
    return give(c, str_starts(text(c, 0), text(c, 1)));
}

/* How often it is in there, overlaps too; an empty text is between all bytes. */
static bool run_contains(const struct expr_call *c)
{
    struct str s = text(c, 0), part = text(c, 1);
    const char *at = s.p, *end = s.p + s.n;
    size_t n = 0;

    if (part.n == 0) return give(c, (double)s.n + 1);
    while ((at = memmem(at, (size_t)(end - at), part.p, part.n)) != NULL) {
        n++;
        at++;
    }
    return give(c, (double)n);
}

/* --- format, split --------------------------------------------------------------------------------------------------- */

static int64_t bad_format(const struct expr_call *c, const char *why)
{
    fail(c, why);
    return -1;
}

/* How long format()'s result is, or -1; written to out where that is not NULL. */
static int64_t format_into(const struct expr_call *c, struct str f, char *out)
{
    int64_t n = 0;
    size_t next = 1;

    for (size_t i = 0; i < f.n; i++) {
        struct str piece = str_of(f.p + i, 1);

        if (f.p[i] == '%') {
            if (++i == f.n) return bad_format(c, "Bad format string!");
            if (f.p[i] == 's') {
                if (next == c->n) return bad_format(c, "Not enough arguments for format");
                piece = c->args[next].kind == DATUM_NULL ? STR("(null)") : text(c, next);
                next++;
            } else if (f.p[i] != '%') {
                return bad_format(c, "Unknown format specifier passed");
            }
        }
        if (out != NULL) memcpy(out + n, piece.p, piece.n);
        n += (int64_t)piece.n;
    }
    return n;
}

static bool run_format(const struct expr_call *c)
{
    struct str f;
    int64_t n;
    char *out;

    if (c->args[0].kind == DATUM_NULL) return true;
    f = text(c, 0);
    n = format_into(c, f, NULL);
    if (n < 0) return false;
    if (n > EXPR_TEXT_MAX) return fail(c, "The text that format makes is too long");
    out = arena_alloc(c->row->arena, (size_t)n + 1);
    format_into(c, f, out);
    return give_text(c, str_of(out, (size_t)n));
}

static bool is_one_of(char c, struct str set)
{
    return set.n > 0 && memchr(set.p, c, set.n) != NULL;
}

static struct str trim(struct str s, struct str set)
{
    while (s.n > 0 && is_one_of(s.p[0], set)) s = str_of(s.p + 1, s.n - 1);
    while (s.n > 0 && is_one_of(s.p[s.n - 1], set)) s.n--;
    return s;
}

/* split(text[, separators[, stripped]]): what stands between bytes of separators, without bytes of stripped around it; empty pieces
 * are left out. */
static bool run_split(const struct expr_call *c)
{
    enum { PIECES_MAX = 1024 };
    struct str s = text(c, 0), separators = c->n > 1 ? text(c, 1) : STR(","), stripped = c->n > 2 ? text(c, 2) : STR(" ");
    size_t room = 1, n = 0, begin = 0;
    struct datum *items;

    for (size_t i = 0; i < s.n; i++) room += is_one_of(s.p[i], separators);
    if (room > PIECES_MAX) room = PIECES_MAX;
    items = arena_zalloc(c->row->arena, room, sizeof *items);
    for (size_t i = 0; i <= s.n && n < room; i++) {
        struct str piece;

        if (i < s.n && !is_one_of(s.p[i], separators)) continue;
        piece = trim(str_of(s.p + begin, i - begin), stripped);
        if (piece.n > 0) items[n++] = datum_text(piece);
        begin = i + 1;
    }
    *c->out = (struct datum){ DATUM_LIST, (uint32_t)n, { .items = items } };
    return true;
}

/* --- kinds -------------------------------------------------------------------------------------------------------- */

static bool run_to_number(const struct expr_call *c)
{
    double x;
    struct str s;

    if (datum_to_number(&c->args[0], &x)) return give(c, x);
    s = text(c, 0);
    buf_printf(c->error, "SEARCH_PARSE_ARGS to_number: cannot convert string '%.*s'", str_shown(s), s.p);
    return false;
}

static bool run_to_str(const struct expr_call *c)
{
    return give_text(c, text(c, 0));
}

static bool run_exists(const struct expr_call *c)
{
    return give(c, c->args[0].kind != DATUM_NULL);
}

static bool run_matched_terms(const struct expr_call *c)
{
    double most = c->n > 0 ? number(c, 0) : 100;

    if (c->row->terms) c->row->terms(c->row->ctx, c->out);
    if (c->out->kind == DATUM_LIST && most >= 1 && most < c->out->n) c->out->n = (uint32_t)most;
    return true;
}

/* --- time ------------------------------------------------------------------------------------------------------------- */

/* The time that argument 0 says, in UTC. False: it says none. */
static bool time_of(const struct expr_call *c, struct tm *tm, int64_t *s)
{
    double x = number(c, 0);
    time_t t;

    if (!(x >= 0 && x < 1e15)) return false;
    *s = t = (time_t)x;
    return gmtime_r(&t, tm) != NULL;
}

#define OF_TIME(name, what) \
    static bool run_##name(const struct expr_call *c) \
    { \
        struct tm tm; \
        int64_t s; \
\
        return !time_of(c, &tm, &s) || give(c, (double)(what)); \
    }
enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };
OF_TIME(minute, s - s % MINUTE_S)
OF_TIME(hour, s - s % HOUR_S)
OF_TIME(day, s - s % DAY_S)
OF_TIME(month, s - s % DAY_S - (int64_t)(tm.tm_mday - 1) * DAY_S)
OF_TIME(monthofyear, tm.tm_mon)
OF_TIME(dayofmonth, tm.tm_mday)
OF_TIME(dayofweek, tm.tm_wday)
OF_TIME(dayofyear, tm.tm_yday)
OF_TIME(year, tm.tm_year + 1900)

/* s with NUL behind it. */
static const char *terminated(const struct expr_call *c, struct str s)
{
    char *p = arena_alloc(c->row->arena, s.n + 1);

    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static bool run_timefmt(const struct expr_call *c)
{
    enum { TIME_TEXT_MAX = 1024 };
    struct tm tm;
    int64_t s;
    char *out;
    size_t n;

    if (!time_of(c, &tm, &s)) return true;
    out = arena_alloc(c->row->arena, TIME_TEXT_MAX);
    n = strftime(out, TIME_TEXT_MAX, c->n > 1 ? terminated(c, text(c, 1)) : "%FT%TZ", &tm);
    return n == 0 || give_text(c, str_of(out, n));
}

static bool run_parsetime(const struct expr_call *c)
{
    struct tm tm = { 0 };

    if (strptime(terminated(c, text(c, 0)), terminated(c, text(c, 1)), &tm) == NULL) return true;
    return give(c, (double)timegm(&tm));
}

/* --- places ----------------------------------------------------------------------------------------------------------- */

struct place {
    double lon, lat;
};

/* "lon,lat" or "lon lat". */
static bool parse_place(struct str s, struct place *p)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ',' && s.p[i] != ' ') continue;
        return num_parse_double(str_of(s.p, i), &p->lon) && num_parse_double(trim(str_of(s.p + i + 1, s.n - i - 1), STR(" ")), &p->lat);
    }
    return false;
}

/* Argument *i is a place, or it and the next are its numbers. */
static bool take_place(const struct expr_call *c, size_t *i, struct place *p)
{
    if (*i >= c->n) return false;
    if (datum_to_number(&c->args[*i], &p->lon)) {
        *i += 2;
        return *i <= c->n && datum_to_number(&c->args[*i - 1], &p->lat);
    }
    return parse_place(text(c, (*i)++), p);
}

/* Metres on a sphere, to a hundredth. */
static bool run_geodistance(const struct expr_call *c)
{
    const double radius_m = 6372797.560856, degree = M_PI / 180;
    struct place a, b;
    size_t i = 0;
    double u, v, m;

    if (!take_place(c, &i, &a) || !take_place(c, &i, &b) || i != c->n) return give(c, NAN);
    u = sin((b.lat - a.lat) * degree / 2);
    v = sin((b.lon - a.lon) * degree / 2);
    m = 2 * radius_m * asin(sqrt(u * u + cos(a.lat * degree) * cos(b.lat * degree) * v * v));
    return give(c, round(m * 100) / 100);
}

/* --- which there are -------------------------------------------------------------------------------------------------- */

const struct expr_function expr_functions[] = {
    { "log", 1, 1, false, run_log },
    { "log2", 1, 1, false, run_log2 },
    { "log10", 1, 1, false, run_log10 },
    { "floor", 1, 1, false, run_floor },
    { "ceil", 1, 1, false, run_ceil },
    { "abs", 1, 1, false, run_fabs },
    { "sqrt", 1, 1, false, run_sqrt },
    { "exp", 1, 1, false, run_exp },
    { "pow", 2, 2, false, run_pow },
    { "min", 1, EXPR_ARGS_MAX, false, run_min },
    { "max", 1, EXPR_ARGS_MAX, false, run_max },
    { "round", 1, 2, false, run_round },
    { "now", 0, 0, false, run_now },
    { "decay", 2, 3, false, run_decay },
    { "lower", 1, 1, false, run_lower },
    { "upper", 1, 1, false, run_upper },
    { "substr", 3, 3, false, run_substr },
    { "strlen", 1, 1, false, run_strlen },
    { "startswith", 2, 2, false, run_startswith },
    { "contains", 2, 2, false, run_contains },
    { "format", 1, EXPR_ARGS_MAX, true, run_format },
    { "split", 1, 3, false, run_split },
    { "matched_terms", 0, 1, false, run_matched_terms },
    { "to_number", 1, 1, false, run_to_number },
    { "to_str", 1, 1, false, run_to_str },
    { "exists", 1, 1, true, run_exists },
    { "timefmt", 1, 2, false, run_timefmt },
    { "parsetime", 2, 2, false, run_parsetime },
    { "minute", 1, 1, false, run_minute },
    { "hour", 1, 1, false, run_hour },
    { "day", 1, 1, false, run_day },
    { "month", 1, 1, false, run_month },
    { "monthofyear", 1, 1, false, run_monthofyear },
    { "dayofmonth", 1, 1, false, run_dayofmonth },
    { "dayofweek", 1, 1, false, run_dayofweek },
    { "dayofyear", 1, 1, false, run_dayofyear },
    { "year", 1, 1, false, run_year },
    { "geodistance", 2, 4, false, run_geodistance },
    { 0 },
};

int expr_function_find(struct str name)
{
    for (int i = 0; expr_functions[i].name != NULL; i++)
        if (str_is(name, expr_functions[i].name)) return i;
    return -1;
}
