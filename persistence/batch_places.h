/* batch_places.h -- where a file of the log has beginnings of batches: from the last one on of which a mark says that all
 * before it is on the disk, or from a gibibyte before the end. Of very many not each. */
#ifndef MEMD_PERSISTENCE_BATCH_PLACES_H
#define MEMD_PERSISTENCE_BATCH_PLACES_H

#include <stddef.h>
#include <stdint.h>

enum { BATCH_PLACES = 32 };

struct batch_place {
    uint64_t offset, pos;  /* of the log, and bytes of the file */
    uint32_t crc;          /* CRC32C of the batches before */
};

struct batch_places {
    struct batch_place at[BATCH_PLACES], end; /* end: behind the last batch that was read */
    unsigned n;
    uint64_t stride;       /* so many bytes at least lie between two */
    uint64_t durable;      /* the log is on the disk up to there, say the marks */
    uint64_t pos;          /* of what was read; the CRC of it */
    uint32_t crc;
};

/* Nothing has been read yet; the first batch begins at pos. */
void batch_places_begin(struct batch_places *s, uint64_t offset, uint64_t pos);

/* A part of a batch has been read; and that was its last one. Its mark says that the log was durable up to `durable` (0: it
 * says nothing); behind it the log is at `offset`. */
void batch_places_part(struct batch_places *s, const void *p, size_t n);
void batch_places_end(struct batch_places *s, uint64_t durable, uint64_t offset);

/* Where to begin to have all behind log offset `proven`, but for what lies more than `most` bytes before the end. */
struct batch_place batch_places_before(const struct batch_places *s, uint64_t proven, uint64_t most);

#endif
