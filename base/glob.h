/* glob.h -- glob-style matching with Redis's rules: * ? [abc] [^a-z] \x.
 *
 * Iterative, with one backtrack point for '*': O(len(pattern) * len(text)) at worst, no recursion,
 * so that no pattern of a client can stall or overflow. */
#ifndef MEMD_BASE_GLOB_H
#define MEMD_BASE_GLOB_H

#include "base/str.h"

bool glob_match(struct str pattern, struct str text, bool ignore_case);

/* The literal bytes that every match begins with; n == pattern.n when the pattern has no wildcard
 * and no escape. */
struct str glob_prefix(struct str pattern);

#endif
