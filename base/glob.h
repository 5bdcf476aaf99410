/* glob.h -- glob-style matching with Redis's rules: * ? [abc] [^a-z] \x.
 *
 * Iterative, with one backtrack point for '*': no recursion, so that no pattern of a client can overflow. Where
 * pattern and text together are long enough for len(pattern) * len(text) to take more than about a millisecond, only
 * a bounded number of attempts is made, a multiple of both lengths: then no match is found where there is one. What
 * a match allows (ACL patterns) is refused then. Up to a thousand bytes each the answer is always exact. */
#ifndef MEMD_BASE_GLOB_H
#define MEMD_BASE_GLOB_H

#include "base/str.h"

bool glob_match(struct str pattern, struct str text, bool ignore_case);

/* The literal bytes that every match begins with; n == pattern.n when the pattern has no wildcard
 * and no escape. */
struct str glob_prefix(struct str pattern);

#endif
