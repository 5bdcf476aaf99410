#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { I64_TEXT_MAX = 20, EXACT_DIGITS = 15 };

/* Every power of ten that a double holds exactly. */
static const double exact_tens[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool num_parse_u64(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0 || s.n > I64_TEXT_MAX || (s.p[0] == '0' && s.n > 1)) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i])) return false;
        /* nineteen digits cannot overflow; only the twentieth needs a look */
        if (i < 19) {
            v = v * 10 + (uint64_t)(s.p[i] - '0');
        } else if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
                   __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v)) {
            return false;
        }
    }
    *out = v;
    return true;
}

bool num_parse_i64(struct str s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t v;

    if (!num_parse_u64(str_of(s.p + negative, s.n - negative), &v)) return false;
    if (negative) {
        if (v == 0 || v > (uint64_t)INT64_MAX + 1) return false;
        *out = (int64_t)(0 - v);
        return true;
    }
    if (v > INT64_MAX) return false;
    *out = (int64_t)v;
    return true;
}

/* "12", "-3.5", ".25": at most fifteen digits are an exact integer, divided by an exact power of
 * ten, rounded once (Clinger 1990). Most of what clients send, ten times faster than strtod. */
static bool parse_short_double(struct str s, double *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t digits = 0;
    int n_digits = 0;
    int n_fraction = -1; /* -1: no point yet */

    if (s.n > EXACT_DIGITS + 2) return false;
    for (size_t i = negative; i < s.n; i++) {
        if (is_digit(s.p[i])) {
            digits = digits * 10 + (uint64_t)(s.p[i] - '0');
            n_digits++;
            if (n_fraction >= 0) n_fraction++;
        } else if (s.p[i] == '.' && n_fraction < 0) {
            n_fraction = 0;
        } else {
            return false;
        }
    }
    if (n_digits == 0 || n_digits > EXACT_DIGITS) return false;
    double v = (double)digits;

    if (n_fraction > 0) v /= exact_tens[n_fraction];
    *out = negative ? -v : v;
    return true;
}

bool num_parse_double(struct str s, double *out)
{
    char near[128];
    char *end;

    if (parse_short_double(s, out)) return true;
    if (s.n == 0 || isspace((unsigned char)s.p[0])) return false;
    char *text = s.n < sizeof near ? near : mem_alloc(s.n + 1); /* strtod wants a NUL */

    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    errno = 0;
    double v = strtod(text, &end);
    bool whole = (size_t)(end - text) == s.n;
    bool lost = errno == ERANGE && (isinf(v) || v == 0);

    if (text != near) mem_free(text);
    if (!whole || lost || isnan(v)) return false;
    *out = v;
    return true;
}

bool num_parse_long_double(struct str s, long double *out)
{
    char text[NUM_DOUBLE_TEXT_MAX];
    char *end;

    if (s.n == 0 || s.n >= sizeof text || isspace((unsigned char)s.p[0])) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    errno = 0;
    long double v = strtold(text, &end);
    bool lost = errno == ERANGE && (isinf(v) || v == 0);

    if ((size_t)(end - text) != s.n || lost || isnan(v)) return false;
    *out = v;
    return true;
}

bool num_parse_bytes(struct str s, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        { "", 1 },        { "b", 1 },        { "k", 1000 },       { "kb", 1 << 10 },
        { "m", 1000000 }, { "mb", 1 << 20 }, { "g", 1000000000 }, { "gb", 1 << 30 },
    };
    uint64_t v = 0;
    size_t i = 0;

    for (; i < s.n && is_digit(s.p[i]); i++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v)) return false;
        if (__builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v)) return false;
    }
    if (i == 0) return false;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        if (!str_is(str_of(s.p + i, s.n - i), units[u].name)) continue;
        if (__builtin_mul_overflow(v, units[u].bytes, &v)) return false;
        *out = v;
        return true;
    }
    return false;
}

int num_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

unsigned num_digits(uint64_t v)
{
    unsigned n = 1;

    for (; v >= 10000; v /= 10000) n += 4;
    if (v >= 1000) return n + 3;
    if (v >= 100) return n + 2;
    return n + (v >= 10);
}

size_t num_u64(char *out, uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    size_t n = num_digits(v);
    char *at = out + n;

    for (; v >= 100; v /= 100) {
        at -= 2;
        memcpy(at, pairs + v % 100 * 2, 2);
    }
    if (v >= 10) {
        memcpy(at - 2, pairs + v * 2, 2);
    } else {
        at[-1] = (char)('0' + v);
    }
    return n;
}

size_t num_i64(char *out, int64_t v)
{
    if (v >= 0) return num_u64(out, (uint64_t)v);
    *out = '-';
    return 1 + num_u64(out + 1, 0 - (uint64_t)v);
}

/* A positive number as decimal digits: d1 d2 ... dn times 10^exponent, n at most 17. */
struct decimal {
    char digits[24];
    int n;
    int exponent;
};

/* The fewest digits that read back as v > 0. */
static void shorten(double v, struct decimal *d)
{
    char text[40];

    /* Few decimals: r / 10^k is rounded once and gives v, so the digits of r are what we want. */
    for (int k = 1; k <= 6; k++) {
        double r = nearbyint(v * exact_tens[k]);

        if (r >= 1e15) break;
        if (r / exact_tens[k] != v) continue;
        d->n = (int)num_u64(d->digits, (uint64_t)r);
        d->exponent = -k;
        return;
    }
    /* A normal number of up to 15 digits comes back from %.15 as those digits and zeros, and 17 are
     * always enough; the subnormal ones have less precision and may do with a single digit. */
    for (int precision = v < DBL_MIN ? 1 : EXACT_DIGITS; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, v);
        if (strtod(text, NULL) == v) break;
    }
    const char *e = strchr(text, 'e');

    d->n = 0;
    for (const char *p = text; p < e; p++) {
        if (*p != '.') d->digits[d->n++] = *p;
    }
    while (d->n > 1 && d->digits[d->n - 1] == '0') d->n--;
    d->exponent = (int)strtol(e + 1, NULL, 10) - (d->n - 1);
}

static size_t put(char *out, const char *p, size_t n)
{
    memcpy(out, p, n);
    return n;
}

/* Lay digits out by the rules of Redis since 7.2: plain when few zeros have to be added, else with
 * an exponent of no more digits than it needs ("1.5e-7"). */
static size_t put_decimal(char *out, const struct decimal *d)
{
    int lead = d->n + d->exponent - 1; /* exponent of the first digit */
    size_t n = 0;

    if (d->exponent >= 0 && d->exponent <= 7) {
        n = put(out, d->digits, (size_t)d->n);
        memset(out + n, '0', (size_t)d->exponent);
        return n + (size_t)d->exponent;
    }
    if (d->exponent < 0 && (d->exponent > -7 || abs(lead) < 4)) {
        if (lead < 0) {
            n = put(out, "0.000000", (size_t)(1 - lead));
            return n + put(out + n, d->digits, (size_t)d->n);
        }
        n = put(out, d->digits, (size_t)lead + 1);
        out[n++] = '.';
        return n + put(out + n, d->digits + lead + 1, (size_t)(d->n - lead - 1));
    }
    out[n++] = d->digits[0];
    if (d->n > 1) {
        out[n++] = '.';
        n += put(out + n, d->digits + 1, (size_t)d->n - 1);
    }
    out[n++] = 'e';
    out[n++] = lead < 0 ? '-' : '+';
    return n + num_u64(out + n, (uint64_t)abs(lead));
}

size_t num_double(char *out, double v)
{
    struct decimal d;

    if (isnan(v)) return put(out, "nan", 3);
    if (isinf(v)) return v < 0 ? put(out, "-inf", 4) : put(out, "inf", 3);
    if (v == 0) return signbit(v) ? put(out, "-0", 2) : put(out, "0", 1);
    if (fabs(v) <= (double)(INT64_MAX / 2) && v == (double)(int64_t)v) {
        return num_i64(out, (int64_t)v);
    }
    size_t sign = v < 0;

    if (sign) out[0] = '-';
    shorten(fabs(v), &d);
    return sign + put_decimal(out + sign, &d);
}

size_t num_long_double(char *out, long double v)
{
    if (isinf(v)) return v < 0 ? put(out, "-inf", 4) : put(out, "inf", 3);
    if (isnan(v)) return put(out, "nan", 3);
    size_t n = (size_t)snprintf(out, NUM_DOUBLE_TEXT_MAX, "%.17Lf", v);

    while (out[n - 1] == '0') n--;
    if (out[n - 1] == '.') n--;
    if (n == 2 && out[0] == '-' && out[1] == '0') return put(out, "0", 1);
    return n;
}
