/* json_scan.h -- where strings and containers of valid JSON end, many bytes at a time.
 *
 * A container is passed over in blocks of 64 bytes: one word each has a bit for every quote, backslash and bracket in it. Bits of
 * quotes that a backslash takes are cleared, running parities of the rest say what lies within strings, and brackets elsewhere
 * are counted; they are looked at one by one in the one block alone where the depth may come to nothing. The words are those of
 * simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019), the skipping is that of Pison (Jiang, Qiu and Zhao,
 * "Scalable Structural Index Construction for JSON Analytics", 2021).
 *
 * Nothing is read behind end. Texts that are not valid are safe, and where they end is not said. */
#ifndef MEMD_BASE_JSON_SCAN_H
#define MEMD_BASE_JSON_SCAN_H

#include <stddef.h>

/* The first byte at or behind p that does not stand for itself in a string: a quote, a backslash, a control character; or end. */
const char *json_scan_plain(const char *p, const char *end);

/* Behind the string at p, which begins with its quote; end, when it does not close. */
const char *json_scan_string(const char *p, const char *end);

/* Behind the array or object at p; end, when it does not close. */
const char *json_scan_container(const char *p, const char *end);

/* The i'th way to pass over a container that this processor can run, the plainest first; NULL: there are no more. For tests. */
struct json_scanner {
    const char *name;
    const char *(*container)(const char *p, const char *end);
};
const struct json_scanner *json_scanner_at(size_t i);

#endif
