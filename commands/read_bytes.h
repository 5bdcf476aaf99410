/* read_bytes.h -- much of a long string as a reply, in slices (commands/read_job.h). */
#ifndef MEMD_COMMANDS_READ_BYTES_H
#define MEMD_COMMANDS_READ_BYTES_H

#include "commands/read_job.h"

/* So many bytes are copied in half a millisecond. What is short is told at once. */
enum { READ_BYTES_LONG = 2 * 1024 * 1024 };

static inline bool read_bytes_is_long(const struct call *c, size_t n)
{
    return UNLIKELY(n > READ_BYTES_LONG) && c->may_block && c->host != NULL;
}

/* Reply with bytes of the string e, as they are now. The code for the handler to return. */
enum err MUST_USE read_bytes(struct call *c, const struct entry *e, struct str bytes);

#endif
