/* unlink_match.h -- UNLINK.MATCH over very many keys, in slices between turns (unlink_match_cmd.c). */
#ifndef MEMD_SERVER_UNLINK_MATCH_H
#define MEMD_SERVER_UNLINK_MATCH_H

#include "server/client.h"

/* Between turns (between.h): one of them goes on, if writes need not wait. */
void unlinkings_turn(struct server *s, int64_t deadline_us);
bool unlinkings_are_due(const struct server *s);

#endif
