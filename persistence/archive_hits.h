/* archive_hits.h -- the best of what a search has found, and how much there was.
 *
 * Only as many as the page needs are kept, in a heap whose top is the worst of them. A key that has left memory
 * several times has its old texts in each version: the same text of one key is found once, in the newest of its places.
 * Places are looked at from the newest to the oldest (live keys first), so what has been seen before in another place
 * is passed over. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_HITS_H
#define MEMD_PERSISTENCE_ARCHIVE_HITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum archive_hit_in { HIT_LIVE, HIT_MESSAGE, HIT_FIELD };

enum { ARCHIVE_HITS_SEEN = 1 << 20 }; /* texts that can be told apart; no more are looked at */

struct archive_hit {
    double score;
    int64_t entry; /* HIT_LIVE: INT64_MAX, newer than all versions */
    int64_t position;
    int64_t row; /* of its table; HIT_LIVE: of the live texts */
    enum archive_hit_in in;
};

struct archive_text_seen {
    uint64_t text; /* 0: free */
    int64_t place;
};

struct archive_hits {
    struct archive_hit *best;
    size_t n, most;
    uint64_t total;
    struct archive_text_seen *seen; /* open addressing */
    size_t n_seen, seen_mask;
};

void archive_hits_init(struct archive_hits *h, size_t most);
void archive_hits_fini(struct archive_hits *h);

/* text: a hash of key and text. place: where it is, other than 0; the same one for texts of one version or live key. False:
 * too many texts have been seen. */
bool archive_hits_add(struct archive_hits *h, const struct archive_hit *hit, uint64_t text, int64_t place);

/* The best first. No more may be added. */
void archive_hits_sort(struct archive_hits *h);

#endif
