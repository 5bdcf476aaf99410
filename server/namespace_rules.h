/* namespace_rules.h -- the rules of a namespace as text: options and their values, as lines of memd.conf, NAMESPACE
 * SET, GET and LIST have them.
 *
 * One table (in the .c file) has a row for each option: how it is read, shown and what it accepts. */
#ifndef MEMD_SERVER_NAMESPACE_RULES_H
#define MEMD_SERVER_NAMESPACE_RULES_H

#include "base/buf.h"
#include "base/ensure.h"
#include "storage/namespace.h"

/* Change r by n words: option value option value ... False: r is as it was, and *why says which option, what was given
 * and what it accepts. */
bool MUST_USE namespace_rules_read(struct ns_rules *r, const struct str *words, size_t n, struct buf *why);

/* Is it one that a namespace may have: not empty, not too long, no control characters? */
bool MUST_USE namespace_pattern_ok(struct str pattern, struct buf *why);

/* Would this be accepted as a line `namespace words ...` of memd.conf? words[0] is the pattern. For struct conf. */
bool namespace_line_ok(const struct str *words, size_t n, struct buf *why);

/* Call fn with the name and the value of each option, those at their default too. Borrowed for the call. */
void namespace_rules_each(const struct ns_rules *r, void (*fn)(void *ctx, const char *name, struct str value),
                          void *ctx);
size_t namespace_rules_count(void);

/* Append "ttl 3600 sliding yes": the options that are not at their default. Reading it into rules that are all zero
 * gives r again. */
void namespace_rules_show(const struct ns_rules *r, struct buf *out);

#endif
