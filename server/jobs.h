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

/* Between turns: one of them goes on for a slice. */
void jobs_turn(struct server *s);
static inline bool jobs_are_due(const struct server *s)
{
    return !link_alone(&s->jobs) || (!link_alone(&s->jobs_held) && block_writes_may_run(s));
}

#endif
