/* reference.h -- the grammar of requests once more, written to be obviously right.
 *
 * It reads a whole conversation, copies everything and is in no hurry. Tests compare the parser with
 * it on bytes that nobody would think of. */
#ifndef MEMD_TESTS_PROTOCOL_REFERENCE_H
#define MEMD_TESTS_PROTOCOL_REFERENCE_H

#include "base/buf.h"
#include "protocol/resp.h"

/* The transcript (feed.h) of the conversation `in`. */
void reference_transcript(struct str in, const struct resp_limits *lim, struct buf *transcript);

/* Words of a line as a transcript's request line; false: unbalanced quotes. */
bool reference_words(struct str line, struct buf *transcript);

#endif
