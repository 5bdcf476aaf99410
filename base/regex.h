/* regex.h -- regular expressions of clients, by PCRE2, with bounds on what one may cost.
 *
 * A search that backtracks beyond its limits finds nothing: a pattern cannot hold the reactor. */
#ifndef MEMD_BASE_REGEX_H
#define MEMD_BASE_REGEX_H

#include "base/str.h"

enum { REGEX_PATTERN_MAX = 4096 };

struct regex;

/* NULL: it is no pattern, or longer than REGEX_PATTERN_MAX. Bytes are UTF-8. */
struct regex *regex_new(struct str pattern);
void regex_free(struct regex **r);

/* Is it found anywhere in text? False also when text is not UTF-8. */
bool regex_finds(const struct regex *r, struct str text);

#endif
