/* archive_value.h -- payloads (as DUMP has them) decoded outside of the store, on the archive's threads.
 *
 * A scratch store belongs to one thread and holds one value at a time. Its elements are told one by one
 * (archive_explode.h), or as the reply of the command that reads the whole. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_VALUE_H
#define MEMD_PERSISTENCE_ARCHIVE_VALUE_H

#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct entry;
struct reply;
struct store;
struct store_conf;

/* A store for decoding: its clock stands still, nothing expires in it. */
struct store *archive_values_new(const struct store_conf *conf);

/* Decode: the entry is the store's until the next call. ERR_FORMAT: no payload; ERR_OOM. */
enum err MUST_USE archive_value_decode(struct store *values, struct str payload, const struct entry **e);

/* Append what the type's own command reads: GET, LRANGE 0 -1, SMEMBERS, HGETALL, ZRANGE 0 -1 WITHSCORES, XRANGE - +. */
void archive_value_reply(struct store *values, const struct entry *e, struct reply *out);

/* "string", "list" ... as TYPE has it. */
const char *archive_value_type(const struct entry *e);

#endif
