/* archive_filter.h -- which keys may have something in the archive: a blocked Bloom filter.
 *
 * A key's hash chooses a block of 64 bytes, one cache line, and six bits in it. At ten bits a key about one absent
 * key in a hundred is taken for one that may be there. Nothing can be taken out: who keeps it counts what it holds
 * for nothing, and makes another. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_FILTER_H
#define MEMD_PERSISTENCE_ARCHIVE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_filter;

/* For so many keys. */
struct archive_filter *archive_filter_new(uint64_t keys);
void archive_filter_free(struct archive_filter **f);

void archive_filter_add(struct archive_filter *f, uint64_t hash);

/* False is certain. */
bool archive_filter_has(const struct archive_filter *f, uint64_t hash);

/* Different keys added so far (those that were taken for others are not counted), and what it was made for. */
uint64_t archive_filter_added(const struct archive_filter *f);
uint64_t archive_filter_capacity(const struct archive_filter *f);
size_t archive_filter_bytes(const struct archive_filter *f);

#endif
