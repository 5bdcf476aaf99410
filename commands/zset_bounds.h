/* zset_bounds.h -- ranges of sorted sets as commands write them: places, "(1.5 inf", "[a +". */
#ifndef MEMD_COMMANDS_ZSET_BOUNDS_H
#define MEMD_COMMANDS_ZSET_BOUNDS_H

#include "commands/command.h"
#include "storage/zset.h"

enum zbounds_kind { ZBOUNDS_RANK, ZBOUNDS_SCORE, ZBOUNDS_LEX };

/* The ends of a range, parsed and not yet looked for. */
struct zbounds {
    enum zbounds_kind kind;
    union {
        struct {
            int64_t start, stop; /* both in; negative: from the end */
        } rank;
        struct zrange_score score;
        struct zrange_lex lex;
    };
};

/* Parse arguments min and max, which stand in this order but for ranges that are given from the top.
 * ERR_NOT_INT, ERR_ZRANGE_SCORE, ERR_ZRANGE_LEX. */
enum err MUST_USE zbounds_parse(const struct call *c, enum zbounds_kind kind, size_t min,
                                size_t max, struct zbounds *b);

/* The ranks [from, to) that lie within; from == to: none. Places count from the top when `down`, the
 * ranks given back do not. */
struct zrange zbounds_find(const struct zbounds *b, const struct zset *z, bool down);

#endif
