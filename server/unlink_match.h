/* unlink_match.h -- UNLINK.MATCH over very many keys, in slices between turns (unlink_match_cmd.c). */
#ifndef MEMD_SERVER_UNLINK_MATCH_H
#define MEMD_SERVER_UNLINK_MATCH_H

#include "server/client.h"
#include "server/server.h"

/* Between turns: one of them goes on for a slice, if writes need not wait. */
void unlinkings_turn(struct server *s);
bool unlinkings_may_go_on(const struct server *s);
static inline bool unlinkings_are_due(const struct server *s)
{
    return s->unlinkings.next != &s->unlinkings && unlinkings_may_go_on(s);
}

#endif
