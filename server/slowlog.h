/* slowlog.h -- the requests that took longest: SLOWLOG. */
#ifndef MEMD_SERVER_SLOWLOG_H
#define MEMD_SERVER_SLOWLOG_H

#include "server/client.h"

enum { SLOW_ARGS_MAX = 32, SLOW_ARG_BYTES = 128 };

struct slowlog *slowlog_new(void);
void slowlog_free(struct slowlog **l);

/* Note a request that took us microseconds; the oldest beyond slowlog-max-len is dropped. Long
 * arguments are shortened as in Redis (32 of them, 128 bytes each), secrets left out. */
void slowlog_add(struct slowlog *l, struct client *c, struct command_ref *ref, size_t argc,
                 const struct str *argv, int64_t us);

/* What is kept of argument i: its bytes, or the first 128 and how many more there were, or in the place of
 * the last how many more arguments there were; "(redacted)" for a secret. Lives in a, or is argv's. */
struct str slowlog_argument(struct arena *a, const struct command *cmd, size_t argc, const struct str *argv,
                            size_t i);

/* Requests that it holds, and those that it ever held. */
size_t slowlog_length(const struct slowlog *l);
uint64_t slowlog_total(const struct slowlog *l);

extern const struct command slowlog_commands[];

#endif
