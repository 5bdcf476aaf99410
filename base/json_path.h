/* json_path.h -- JSONPath over documents in canonical form (json_canon.h).
 *
 * Both dialects of RedisJSON: a path that begins with $ may match any number of values; a legacy path (".a.b", "a",
 * ".") means the same without the $, but its commands reply one value unwrapped. Names, lists of names and indexes,
 * slices, wildcards, recursive descent and filters:
 *
 *     $.a.b  $['a','b']  $[0,-1]  $[1:5:2]  $.*  $..a  $[?(@.price < 10 && @.tags[*] == "x" || !(@.sold) || @.name =~ "^a.*z$")]
 *
 * A path is compiled once and finds values as ranges of the text. */
#ifndef MEMD_BASE_JSON_PATH_H
#define MEMD_BASE_JSON_PATH_H

#include "base/json.h"

struct json_path;

enum { JSON_PATH_MAX = 64 * 1024, JSON_PATH_NESTING = 32, JSON_MATCHES_MAX = 1 << 20 };

/* NULL: it is no path, and *at is where (a byte of text) and *what why. Free with json_path_free. */
struct json_path *json_path_new(struct str text, size_t *at, const char **what);
void json_path_free(struct json_path **p);

bool json_path_is_legacy(const struct json_path *p);

/* Is it the whole document: $ or . ? */
bool json_path_is_root(const struct json_path *p);

/* Can it match one value at most: names and indexes alone? */
bool json_path_is_definite(const struct json_path *p);

/* May it look at a text more than a few times: descents in each other, filters that go back to the document, many names? */
bool json_path_is_heavy(const struct json_path *p);

/* The name, as a string in canonical form, if the last step is just one; else empty. */
struct str json_path_last_name(const struct json_path *p);

/* A value that was found: it and its name lie in the document. The name is empty in an array, and at the root. */
struct json_match {
    struct str value, name;
};

struct json_matches {
    struct json_match *items;
    size_t n, cap;
};
void json_matches_fini(struct json_matches *m);

/* Append what p finds in doc, in the order of the text (for names and indexes that are listed: of the list). A value
 * may come twice. False: there is more than JSON_MATCHES_MAX, or the work is more than a bound that only paths with
 * several descents reach; *out holds a part. */
bool json_path_find(const struct json_path *p, struct str doc, struct json_matches *out);

/* The same without the last step: what a new member would be added to. */
bool json_path_find_parents(const struct json_path *p, struct str doc, struct json_matches *out);

#endif
