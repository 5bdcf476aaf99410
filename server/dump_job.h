/* dump_job.h -- DUMP of a large value, in slices between turns. */
#ifndef MEMD_SERVER_DUMP_JOB_H
#define MEMD_SERVER_DUMP_JOB_H

#include "commands/command.h"

/* Is it worth it? Of vector sets dump_vset.h knows. */
bool dump_is_long(const struct call *c, const struct entry *e);

/* The code for the handler to return. */
enum err MUST_USE dump_job(struct call *c, const struct entry *e);

#endif
