/* num.h -- numbers as text, by Redis's rules.
 *
 * Parsers accept exactly what Redis accepts: no leading space, '+' or zeros for integers, the whole
 * input must be used. They return false and write nothing otherwise. */
#ifndef MEMD_BASE_NUM_H
#define MEMD_BASE_NUM_H

#include <stdint.h>

#include "base/str.h"

enum { NUM_TEXT_MAX = 32, NUM_DOUBLE_TEXT_MAX = 5 * 1024 };

/* Canonical decimal int64 as Redis's string2ll: "-0", "+1", "01", "" and " 1" are refused. */
bool num_parse_i64(struct str s, int64_t *out);
bool num_parse_u64(struct str s, uint64_t *out);

/* As getDoubleFromObject: strtod's grammar incl. inf and hex, the whole text, no leading space; NaN
 * refused. */
bool num_parse_double(struct str s, double *out);

/* As getLongDoubleFromObject (INCRBYFLOAT): NaN refused. */
bool num_parse_long_double(struct str s, long double *out);

/* A size with an optional unit as in redis.conf: 1k 1kb 1m 1mb 1g 1gb, k = 1000, kb = 1024. */
bool num_parse_bytes(struct str s, uint64_t *out);

/* Decimal text of v at out (NUM_TEXT_MAX bytes); returns its length, no NUL. */
size_t num_i64(char *out, int64_t v);
size_t num_u64(char *out, uint64_t v);

/* The value of a hexadecimal digit of either case, -1 when c is none. */
int num_hex_digit(char c);

/* Number of decimal digits of v. */
unsigned num_digits(uint64_t v);

/* Shortest text that reads back as v, in the form in which Redis since 7.2 replies doubles ("3",
 * "3.5", "-0", "1e+30", "1.5e-7", "inf", "-inf", "nan"); returns its length. out has NUM_TEXT_MAX
 * bytes. */
size_t num_double(char *out, double v);

/* As Redis's INCRBYFLOAT: %.17Lf with trailing zeros cut. out has NUM_DOUBLE_TEXT_MAX bytes. */
size_t num_long_double(char *out, long double v);

#endif
