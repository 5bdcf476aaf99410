/* dump_vset.h -- DUMP of a large vector set, in slices between turns. */
#ifndef MEMD_SERVER_DUMP_VSET_H
#define MEMD_SERVER_DUMP_VSET_H

#include "commands/command.h"

/* Is it worth it? */
bool dump_vset_is_large(const struct entry *e);

/* The code for the handler to return. */
enum err MUST_USE dump_vset(struct call *c, const struct entry *e);

#endif
