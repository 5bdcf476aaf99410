/* json.h -- JSON text looked at as it lies: is it valid, where are its parts?
 *
 * By RFC 8259, to the letter: nothing before or behind the value but white space, valid UTF-8, no numbers with
 * leading zeros, no control characters in strings. No tree is built and nothing is converted: whoever needs a
 * number exactly as it was written copies its text. Work is linear, and its only stack is two words of bits. */
#ifndef MEMD_BASE_JSON_H
#define MEMD_BASE_JSON_H

#include <stddef.h>

#include "base/str.h"

struct buf;

enum { JSON_DEPTH = 128 };

/* One value of at most JSON_DEPTH arrays and objects in each other. facts may be NULL. */
struct json_facts {
    size_t values; /* all of them: what a tree of them has as nodes */
    bool has_nul;  /* a string in it holds \u0000 */
};
bool json_valid(struct str text, struct json_facts *facts);

/* Has a text that was put together of valid ones more than JSON_DEPTH arrays and objects in each other? */
bool json_too_deep(struct str text);

/* A walk over the members of an object or the elements of an array, in a text that json_valid has passed:
 *
 *     if (json_open(&w, text))
 *         while (json_next(&w, &name, &value)) ...
 *
 * name is a JSON string with its quotes, empty in an array; value begins and ends with its own first and last byte. */
struct json_walk {
    const char *p, *end;
    bool object;
};
bool json_open(struct json_walk *w, struct str text); /* false: neither */
bool json_next(struct json_walk *w, struct str *name, struct str *value);

/* Append s as a JSON string with its quotes. Bytes above 127 are left alone: s should be UTF-8. */
void json_quote(struct buf *out, struct str s);

/* Append a quote, a backslash or a control character as it must be written in a string. */
void json_put_escaped(struct buf *out, unsigned char c);

#endif
