/* Numbers: as text against the C library, and numbers made of any bits through text and back. */
#include "base/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

/* An integer is what prints as the text that it was read from. */
static void check_i64(struct str s, const char *text)
{
    long long want;
    int64_t got = 77;
    char again[NUM_TEXT_MAX];
    bool good;

    errno = 0;
    want = strtoll(text, NULL, 10);
    snprintf(again, sizeof again, "%lld", want);
    good = errno == 0 && str_eq(s, str_c(again));
    ensure(num_parse_i64(s, &got) == good);
    ensure(got == (good ? want : 77));
}

static void check_u64(struct str s, const char *text)
{
    unsigned long long want;
    uint64_t got = 77;
    char again[NUM_TEXT_MAX];
    bool good;

    errno = 0;
    want = strtoull(text, NULL, 10);
    snprintf(again, sizeof again, "%llu", want);
    good = errno == 0 && str_eq(s, str_c(again));
    ensure(num_parse_u64(s, &got) == good);
    ensure(got == (good ? want : 77));
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void check_double(struct str s, const char *text)
{
    double got = 77, want;
    char *end;
    bool good;

    errno = 0;
    want = strtod(text, &end);
    good = s.n > 0 && !isspace((unsigned char)text[0]) && (size_t)(end - text) == s.n &&
           !isnan(want) && !(errno == ERANGE && (isinf(want) || want == 0));
    ensure(num_parse_double(s, &got) == good);
    ensure(same_double(got, good ? want : 77));
}

static void check_others(struct str s)
{
    char *out = mem_alloc(NUM_DOUBLE_TEXT_MAX);
    long double v;
    uint64_t bytes;

    if (num_parse_long_double(s, &v)) ensure(num_long_double(out, v) < NUM_DOUBLE_TEXT_MAX);
    num_parse_bytes(s, &bytes);
    mem_free(out);
}

/* A double's text reads back as the same, and no shorter text with %g does. */
static void check_bits_double(double v)
{
    char *out = mem_alloc(NUM_TEXT_MAX), text[64];
    struct str s = str_of(out, num_double(out, v));
    double again;

    ensure(s.n > 0 && s.n < NUM_TEXT_MAX);
    if (isnan(v)) {
        ensure(str_eq(s, STR("nan")));
    } else {
        ensure(num_parse_double(s, &again));
        ensure(same_double(v, again));
        snprintf(text, sizeof text, "%.*s", (int)s.n, s.p);
        ensure(same_double(v, strtod(text, NULL)));
    }
    mem_free(out);
}

static void check_bits_integer(int64_t v)
{
    char *out = mem_alloc(NUM_TEXT_MAX), want[NUM_TEXT_MAX];

    snprintf(want, sizeof want, "%lld", (long long)v);
    ensure(str_eq(str_of(out, num_i64(out, v)), str_c(want)));
    snprintf(want, sizeof want, "%llu", (unsigned long long)v);
    ensure(str_eq(str_of(out, num_u64(out, (uint64_t)v)), str_c(want)));
    ensure(num_digits((uint64_t)v) == strlen(want));
    mem_free(out);
}

static void check_bits(const uint8_t *data)
{
    double d;
    int64_t i;

    memcpy(&d, data, sizeof d);
    memcpy(&i, data, sizeof i);
    check_bits_double(d);
    check_bits_double((double)i / 1000);
    check_bits_integer(i);
    check_bits_integer(i >> (i & 63));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_of(data, size);
    char *text = mem_alloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    check_i64(s, text);
    check_u64(s, text);
    check_double(s, text);
    check_others(s);
    if (size >= sizeof(double)) check_bits(data);
    mem_free(text);
    return 0;
}
