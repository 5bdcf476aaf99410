/* random_reply.h -- what HRANDFIELD, SRANDMEMBER and ZRANDMEMBER have in common. */
#ifndef MEMD_COMMANDS_RANDOM_REPLY_H
#define MEMD_COMMANDS_RANDOM_REPLY_H

#include "commands/command.h"

/* A count may ask for any number of repeated elements: no reply grows beyond this. */
#define RANDOM_REPLY_MAX ((size_t)1 << 30)

/* So many of the shortest ("$0") are that long: what asks for more is refused before the first is written. */
#define RANDOM_ITEMS_MAX (RANDOM_REPLY_MAX / 6)

/* Argument i as a count. distinct: it is positive; n: its size. ERR_NOT_INT, ERR_RANDOM_COUNT. */
static inline enum err MUST_USE random_count(const struct call *c, size_t i, bool *distinct, size_t *n)
{
    int64_t count;
    enum err e = call_range(c, i, -INT64_MAX, INT64_MAX, ERR_RANDOM_COUNT, &count);

    if (e != OK) return e;
    *distinct = count >= 0;
    *n = (size_t)(count >= 0 ? count : -count);
    return OK;
}

#endif
