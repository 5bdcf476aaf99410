/* read_many.h -- MGET of much: the rest of its strings in slices (commands/job.h), as they are when it begins. */
#ifndef MEMD_COMMANDS_READ_MANY_H
#define MEMD_COMMANDS_READ_MANY_H

#include "commands/read_bytes.h"

/* The reply, which begins at mark, is written up to the key of argument i: go on from there. The code for the handler to return. */
enum err MUST_USE read_many(struct call *c, size_t mark, size_t i);

#endif
