/* archive_builder.h -- a thread that makes the filter of what may be recalled (archive_filter.h) from the file. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_BUILDER_H
#define MEMD_PERSISTENCE_ARCHIVE_BUILDER_H

#include "base/hash.h"
#include "base/str.h"
#include "persistence/archive_filter.h"

struct archive_builder;
struct archive_writer;

/* Hash of a database's key, for the filter and the index of notes. */
uint64_t archive_hash(const struct hash_key *k, int db, struct str key);

/* Begin: wait until notes up to seq are committed, then read the live keys of the file. wake is called when it is over.
 * NULL: there is no thread to be had. */
struct archive_builder *archive_builder_start(const char *path, const struct hash_key *k, struct archive_writer *w,
                                              uint64_t seq, void (*wake)(void *ctx), void *ctx);

/* True: it is over. *f is the filter, the caller's; or NULL, it could not be made. *b is freed. */
bool archive_builder_take(struct archive_builder **b, struct archive_filter **f);

/* Give up. */
void archive_builder_stop(struct archive_builder **b);

#endif
