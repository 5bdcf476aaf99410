#include "persistence/archive_filter.h"

#include <string.h>

#include "base/mem.h"

enum { BLOCK_BITS = 512, BLOCK_WORDS = BLOCK_BITS / 64, BITS_OF_KEY = 10, PROBES = 6, PROBE_BITS = 9 };

struct archive_filter {
    uint64_t blocks, added, capacity;
    uint64_t *words; /* BLOCK_WORDS for each block, on a line of their own */
};

struct archive_filter *archive_filter_new(uint64_t keys)
{
    struct archive_filter *f = mem_zalloc(sizeof *f);
    size_t bytes;

    f->capacity = keys;
    f->blocks = keys * BITS_OF_KEY / BLOCK_BITS + 1;
    bytes = f->blocks * BLOCK_BITS / 8;
    f->words = mem_alloc_aligned(BLOCK_BITS / 8, bytes);
    memset(f->words, 0, bytes);
    return f;
}

void archive_filter_free(struct archive_filter **f)
{
    if (*f == NULL) return;
    mem_free((*f)->words);
    mem_free(*f);
    *f = NULL;
}

/* The block by the high half of the hash, without a division. */
static uint64_t *block_of(const struct archive_filter *f, uint64_t hash)
{
    uint64_t at = (uint64_t)(((unsigned __int128)hash * f->blocks) >> 64);

    return f->words + at * BLOCK_WORDS;
}

/* Bits within the block are to know nothing of the block: they come from the hash mixed once more. */
static uint64_t mix(uint64_t hash)
{
    hash *= 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

void archive_filter_add(struct archive_filter *f, uint64_t hash)
{
    uint64_t *block = block_of(f, hash);
    uint64_t bits = mix(hash);

    if (archive_filter_has(f, hash)) return; /* the same key again: it does not fill the filter */
    for (int i = 0; i < PROBES; i++, bits >>= PROBE_BITS) {
        block[bits >> 6 & (BLOCK_WORDS - 1)] |= (uint64_t)1 << (bits & 63);
    }
    f->added++;
}

bool archive_filter_has(const struct archive_filter *f, uint64_t hash)
{
    const uint64_t *block = block_of(f, hash);
    uint64_t bits = mix(hash);

    for (int i = 0; i < PROBES; i++, bits >>= PROBE_BITS) {
        if ((block[bits >> 6 & (BLOCK_WORDS - 1)] & (uint64_t)1 << (bits & 63)) == 0) return false;
    }
    return true;
}

uint64_t archive_filter_added(const struct archive_filter *f)
{
    return f->added;
}

uint64_t archive_filter_capacity(const struct archive_filter *f)
{
    return f->capacity;
}

size_t archive_filter_bytes(const struct archive_filter *f)
{
    return f->blocks * BLOCK_BITS / 8;
}
