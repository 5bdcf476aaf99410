/* rdb_suggest.h -- dictionaries of suggestions (storage/suggest.h) in RDB bytes, as the module RediSearch has them. */
#ifndef MEMD_PERSISTENCE_RDB_SUGGEST_H
#define MEMD_PERSISTENCE_RDB_SUGGEST_H

#include "persistence/rdb_in.h"
#include "persistence/rdb_write.h"
#include "storage/suggest.h"

/* The value, behind its type byte: head, each, end. */
void rdb_put_suggest_head(struct rdb_out *o, uint64_t count);
void rdb_put_suggestion(struct rdb_out *o, const struct suggestion *g);
void rdb_put_suggest_end(struct rdb_out *o);

/* The value, behind its type byte and the module's id: how many there are, one of them, what is behind the last. */
bool MUST_USE rdb_get_suggest_count(struct rdb_in *in, uint64_t *n);
bool MUST_USE rdb_get_suggestion(struct rdb_in *in, struct suggestions *d);
bool MUST_USE rdb_get_suggest_end(struct rdb_in *in);

#endif
