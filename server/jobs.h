/* jobs.h -- calls that go on in slices between turns (commands/job.h). Their clients are parked (server/block.h). */
#ifndef MEMD_SERVER_JOBS_H
#define MEMD_SERVER_JOBS_H

#include "server/block.h"
#include "server/client.h"
#include "server/server.h"

struct job;

/* As struct call_host has them. */
enum err MUST_USE jobs_go_on(struct call *c, struct job *j);
struct job *jobs_waited(const struct call *c);

/* Between turns (between.h): one of them goes on. */
void jobs_turn(struct server *s, int64_t deadline_us);
bool jobs_are_due(const struct server *s);

#endif
