/* scan.h -- what SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor and its options. */
#ifndef MEMD_COMMANDS_SCAN_H
#define MEMD_COMMANDS_SCAN_H

#include "commands/command.h"

/* What a call goes through at most, whatever its COUNT, which is a wish: 1 to 2 ms. */
enum { SCAN_AT_ONCE = 10000 };

struct scan_options {
    size_t count;         /* at most SCAN_AT_ONCE */
    bool filter; /* pattern is to be matched */
    struct str pattern;
    bool typed; /* TYPE was given (SCAN alone); VALUE_ANY: a type that nobody knows */
    enum value_type type;
    bool no_values;       /* NOVALUES (HSCAN alone) */
    bool no_scores;       /* NOSCORES (ZSCAN alone) */
};

/* What a scan's visitor writes to, and how much it has written. */
struct scan_visit {
    struct reply *out;
    const struct scan_options *options;
    size_t n;
};

/* Options that not every command of the family has. */
enum { SCAN_TYPE = 1, SCAN_NOVALUES = 2, SCAN_NOSCORES = 4 };

/* Argument i as a cursor: ERR_CURSOR. */
enum err MUST_USE scan_cursor(const struct call *c, size_t i, uint64_t *cursor);

/* Options from argument i on; `has` says which of the rarer ones there are. ERR_SYNTAX, ERR_NOT_INT,
 * ERR_NOVALUES. */
enum err MUST_USE scan_options(const struct call *c, size_t i, unsigned has, struct scan_options *o);

/* Put the head of the reply, which is known last, before the n elements written since mark. */
void scan_reply_head(struct reply *r, size_t mark, uint64_t cursor, size_t n);

#endif
