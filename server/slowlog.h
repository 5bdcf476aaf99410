/* slowlog.h -- the requests that took longest: SLOWLOG. */
#ifndef MEMD_SERVER_SLOWLOG_H
#define MEMD_SERVER_SLOWLOG_H

#include "server/client.h"

struct slowlog *slowlog_new(void);
void slowlog_free(struct slowlog **l);

/* Note a request that took us microseconds; the oldest beyond slowlog-max-len is dropped. Long
 * arguments are shortened as in Redis (32 of them, 128 bytes each), secrets left out. */
void slowlog_add(struct slowlog *l, struct client *c, struct command_ref *ref, size_t argc,
                 const struct str *argv, int64_t us);

extern const struct command slowlog_commands[];

#endif
