/* json_canon.h -- JSON in the one form in which documents are kept.
 *
 * No white space, strings with the fewest escapes (those of RFC 8259 section 7 that must be, and \b \f \n \r \t by
 * their letters), each member of an object once: of several with one name the last value stands in the first one's
 * place. Numbers stay as they were written, digit by digit. So a name or a string is equal to another exactly when
 * their bytes are, and two bytes before a member tell where it stands. */
#ifndef MEMD_BASE_JSON_CANON_H
#define MEMD_BASE_JSON_CANON_H

#include "base/json.h"

/* Why a text is not JSON, and where: line and column count from 1, the column in bytes. */
struct json_error {
    const char *what;
    size_t line, column;
};

/* Append the value that text is, by RFC 8259 and of at most JSON_DEPTH arrays and objects in each other, to out.
 * False: it is none; out is as before, and *why says what is wrong. Linear in the text but for objects with more
 * than a few members, whose names are sorted. */
bool json_canon(struct str text, struct buf *out, struct json_error *why);

/* The bytes that a string stands for (text: the string with its quotes, in canonical form), appended to out. */
void json_unquote(struct str text, struct buf *out);

#endif
