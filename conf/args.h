/* args.h -- a line of memd.conf to its words and back, by redis.conf's rules.
 *
 * Words are parted by blanks. "double quotes" know \n \r \t \b \a \xHH and \ before any other
 * character; 'single quotes' only \'. A closing quote ends the word: a blank or the end must
 * follow. */
#ifndef MEMD_CONF_ARGS_H
#define MEMD_CONF_ARGS_H

#include "base/arena.h"
#include "base/ensure.h"

/* Split line into *argv[0 .. *n), in the arena. False: the quotes do not match. */
bool MUST_USE args_split(struct arena *a, struct str line, struct str **argv, size_t *n);

/* Split at blanks alone. */
void args_split_plain(struct arena *a, struct str text, struct str **argv, size_t *n);

struct buf;

/* Append s in double quotes, with what needs it escaped. */
void args_quote(struct buf *out, struct str s);

/* As args_quote, but bare when s reads back as it is without quotes. */
void args_quote_if_needed(struct buf *out, struct str s);

/* s without blanks at either end. */
struct str args_trim(struct str s);

#endif
