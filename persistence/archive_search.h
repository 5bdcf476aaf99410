/* archive_search.h -- ARCHIVE.SEARCH: texts of archived sessions, and of those in memory, by their words.
 *
 *   reactor                                            reader thread
 *   makes a search; walks the live keys and gives   -> counts words in the archive's index and in the live texts
 *   it the payloads of those that may match            (archive_rank.h), scores and merges (archive_hits.h),
 *   (archive_search_sift); asks it                     reads the rows of the page, marks them, makes the reply
 *
 * The bytes of a live value are only sifted by the reactor; decoding, splitting into words and matching is the thread's.
 *
 * Bounded: by archive-query-timeout, of which a quarter is left for the page: when the rest is over the search ends with
 * what it has and says that the reply is partial. LIMIT reaches to archive-query-rows. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_SEARCH_H
#define MEMD_PERSISTENCE_ARCHIVE_SEARCH_H

#include "base/hash.h"
#include "persistence/archive_question.h"
#include "persistence/archive_sieve.h"

struct archive_search;

enum {
    ARCHIVE_SEARCH_WHY = 160,
    ARCHIVE_SEARCH_LIVE_BYTES = 64 << 20, /* of live payloads that a search takes, ... */
    ARCHIVE_SEARCH_LIVE_KEYS = 1 << 16    /* ... and of how many keys */
};

struct archive_search_ask {
    struct str query;
    struct str match;           /* n == 0: any key */
    struct str role;            /* n == 0: any */
    int64_t since_ms, until_ms; /* INT64_MIN, INT64_MAX: any time */
    uint64_t offset, count;
    bool highlight;
    bool trigram; /* how words are split, as far as the reactor knows */
    int db;
    int resp;
    int64_t now_ms;
    struct hash_key hash;
};

/* Strings are copied. ERR_SYNTAX: why says what is wrong with the query. */
enum err MUST_USE archive_search_new(struct archive_search **s, const struct archive_search_ask *ask,
                                     char why[ARCHIVE_SEARCH_WHY]);
enum err MUST_USE archive_search_where(struct archive_search *s, struct str path, struct str op,
                                       struct str value, char why[ARCHIVE_SEARCH_WHY]);

/* Only keys that match one of the patterns given are found (none: nothing is). */
void archive_search_restrict(struct archive_search *s);
void archive_search_readable(struct archive_search *s, struct str pattern);

/* To ask, and to free (archive_question_free) with all that was given. */
struct archive_job *archive_search_job(struct archive_search *s);

/* Of who walks the live keys for it. */
void archive_search_set_walk(struct archive_search *s, void *walk);
void *archive_search_walk(const struct archive_job *j);

/* --- live keys ------------------------------------------------------------------------------------------- */

/* May texts of this key be in the answer, as far as its name tells? */
bool archive_search_wants(const struct archive_search *s, struct str key);

/* Look at a piece (an element) of a value. True: it may match; do not look on. A fresh value begins with *v zeroed. */
bool archive_search_sift(const struct archive_search *s, struct archive_sifted *v, struct str piece);

/* Look into this one. payload (as DUMP has it) is taken. False: there are too many of them already. */
bool archive_search_add(struct archive_search *s, struct str ns, struct str key, struct buf *payload);

/* Something live was not looked into: the reply says that it is partial. */
void archive_search_left_out(struct archive_search *s);

/* Memory that it takes, payloads among it. */
size_t archive_search_bytes(const struct archive_search *s);

#endif
