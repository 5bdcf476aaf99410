/* archive_known.h -- which keys the archive may have to recall: the filter, and how it is made anew.
 *
 * Until a thread has made the first filter from the file, everything may be there. When a filter is too full, or half of
 * it is of keys that are gone, another is made; what comes meanwhile goes into both. The reactor's. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_KNOWN_H
#define MEMD_PERSISTENCE_ARCHIVE_KNOWN_H

#include "base/buf.h"
#include "base/hash.h"
#include "persistence/archive.h"

struct archive_builder;
struct archive_filter;
struct archive_item;
struct archive_writer;

struct archive_known {
    const char *path; /* of the file; this and what follows are borrowed */
    const struct hash_key *key;
    struct archive_writer *writer;
    const struct archive_env *env;

    struct archive_filter *filter; /* NULL: none yet, everything may be there */
    struct archive_builder *builder;
    struct archive_filter *coming; /* what it made, while what was added meanwhile goes in */
    size_t coming_at;              /* of `added`, what is in it */
    int64_t build_at;              /* not before; monotonic us */
    struct buf added;              /* hashes since the builder began */
    bool moved;                    /* databases were swapped meanwhile: what it makes is wrong */
    uint64_t stale;                /* keys of the filter that are gone */
};

/* All that is given outlives it, up to archive_known_stop. */
void archive_known_init(struct archive_known *k, const char *path, const struct hash_key *key,
                        struct archive_writer *writer, const struct archive_env *env);

/* Give up what is being made: before the writer ends. */
void archive_known_stop(struct archive_known *k);
void archive_known_fini(struct archive_known *k);

/* In each turn: begin a filter, take over what has been made. last_seq: number of the newest note. */
void archive_known_mind(struct archive_known *k, uint64_t last_seq);

/* A note has come. */
void archive_known_tell(struct archive_known *k, const struct archive_item *it);

/* False is certain. hash: archive_hash of the key. */
bool archive_known_may(const struct archive_known *k, uint64_t hash);

/* False: archive_known_may says true of every key. */
bool archive_known_is_sure(const struct archive_known *k);

void archive_known_info(const struct archive_known *k, struct archive_info *out);

#endif
