/* scan.h -- what SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor and its options. */
#ifndef MEMD_COMMANDS_SCAN_H
#define MEMD_COMMANDS_SCAN_H

#include "commands/command.h"

struct scan_options {
    size_t count;
    bool filter; /* pattern is to be matched */
    struct str pattern;
    bool typed; /* TYPE was given (SCAN alone); VALUE_ANY: a type that nobody knows */
    enum value_type type;
};

/* Argument i as a cursor: ERR_CURSOR. */
enum err MUST_USE scan_cursor(const struct call *c, size_t i, uint64_t *cursor);

/* Options from argument i on. ERR_SYNTAX, ERR_NOT_INT. */
enum err MUST_USE scan_options(const struct call *c, size_t i, bool may_have_type,
                               struct scan_options *o);

#endif
