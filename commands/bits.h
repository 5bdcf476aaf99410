/* bits.h -- what the commands on bits share. */
#ifndef MEMD_COMMANDS_BITS_H
#define MEMD_COMMANDS_BITS_H

#include "commands/command.h"

/* A position in bits: a number of a byte that a string may have. ERR_BIT_OFFSET. */
enum err MUST_USE bits_offset(const struct call *c, struct str text, uint64_t *at);

#endif
