/* utf8.h -- are bytes text?
 *
 * UTF-8 by the letter (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MEMD_BASE_UTF8_H
#define MEMD_BASE_UTF8_H

#include "base/str.h"

bool utf8_valid(struct str s);

/* Valid, and without NUL: what may go where texts end in one. */
bool utf8_is_text(struct str s);

#endif
