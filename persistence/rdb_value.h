/* rdb_value.h -- one value of an RDB file, in any form that Redis ever wrote, to an entry. */
#ifndef MEMD_PERSISTENCE_RDB_VALUE_H
#define MEMD_PERSISTENCE_RDB_VALUE_H

#include "persistence/rdb_in.h"

struct entry;
struct store;

/* Read a value of the given RDB type and make the entry of key from it. On success *e is the caller's, or
 * NULL when the value is an empty collection. False: in->err, in->why. key must not point into the
 * input's window. `thorough`: look for members that occur twice also where a sound writer cannot have
 * left any (payloads from outside, files without a checksum). */
bool MUST_USE rdb_get_value(struct rdb_in *in, struct store *s, unsigned type, struct str key,
                            int64_t expire_ms, bool thorough, struct entry **e);

/* Data of the module with this ID cannot be read; always false, and in->why names the module. */
bool rdb_bad_module(struct rdb_in *in, uint64_t id);

/* The name of a type, for messages. */
const char *rdb_type_name(unsigned type);

#endif
