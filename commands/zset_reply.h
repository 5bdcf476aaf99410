/* zset_reply.h -- members with scores as replies. */
#ifndef MEMD_COMMANDS_ZSET_REPLY_H
#define MEMD_COMMANDS_ZSET_REPLY_H

#include "commands/command.h"
#include "storage/type_zset.h"

/* The header of n members; with scores RESP2 has a flat array, RESP3 one of pairs. */
static inline void reply_members(struct reply *r, size_t n, bool scores)
{
    reply_array(r, scores && r->resp == 2 ? 2 * n : n);
}

static inline void reply_member(struct reply *r, struct str member, double score, bool scores)
{
    if (scores && r->resp > 2) reply_array(r, 2);
    reply_bulk(r, member);
    if (scores) reply_double(r, score);
}

/* n members from a rank on, upwards or downwards. */
static inline void reply_ranks(struct reply *r, const struct zset *z, size_t rank, size_t n,
                               bool down, bool scores)
{
    struct zset_iter it;

    reply_members(r, n, scores);
    if (n == 0) return;
    zset_iter_at(&it, z, rank, down);
    while (n-- > 0 && zset_next(&it)) reply_member(r, it.member, it.score, scores);
}

#endif
