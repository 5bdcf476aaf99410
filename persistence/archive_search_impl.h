/* archive_search_impl.h -- the parts of a search.
 *
 *   archive_search.c       the search: what was asked, the archive's tables, the page
 *   archive_search_live.c  the texts of live keys
 *   archive_search_range.c which rows of them it may be about
 *   archive_search_row.c   what is true of a text (MATCH, ROLE, WHERE ...), and how it is replied */
#ifndef MEMD_PERSISTENCE_ARCHIVE_SEARCH_IMPL_H
#define MEMD_PERSISTENCE_ARCHIVE_SEARCH_IMPL_H

#include <stdatomic.h>

#include "persistence/archive_hits.h"
#include "persistence/archive_match.h"
#include "persistence/archive_rank.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_search.h"
#include "persistence/archive_where.h"

struct live_key {
    struct buf names; /* namespace, key */
    size_t n_ns;
    struct buf payload;
    const char *type; /* once decoded */
};

/* Rows of a table, both ends included. */
struct row_range {
    int64_t from, to;
};

/* A text of a live key that matches. */
struct live_text {
    size_t key; /* of search->live */
    size_t n_content, n_role, n_id, n_metadata, n_field;
    int64_t position; /* -1: a field */
    int64_t at_ms;
    double score; /* of sorted sets */
    struct archive_match match;
    char bytes[]; /* content, role, id, metadata, field */
};

struct archive_search {
    struct archive_question question;
    struct buf query, match, role;
    struct archive_words words;
    struct archive_sieve sieve;
    int64_t since_ms, until_ms, now_ms;
    uint64_t offset, count;
    bool highlight;
    int db;
    struct hash_key hash;

    struct archive_where wheres[ARCHIVE_WHERES];
    size_t n_wheres;

    bool restricted;
    struct buf *readable; /* patterns */
    size_t n_readable;

    struct live_key *live;
    size_t n_live, live_bytes, names_bytes;
    _Atomic size_t held; /* bytes, about, of all that it has: written by whose turn it is, read by the reactor */
    bool partial;
    void *walk; /* server/live_search.c's */

    /* While it runs. */
    struct archive_matcher matcher;
    struct archive_rank rank;
    struct archive_hits hits;
    struct row_range messages, fields; /* that can be in the answer */
    int64_t until_us;
    struct live_text **found;
    size_t n_found, found_bytes;
    struct {
        int64_t entry;
        bool wanted;
    } last; /* entry whose key was looked at last; 0: none */
};

/* One text, as far as it is known before it is on the page. */
struct search_text {
    struct str key, role, content, metadata;
    struct str field; /* of a hash; p NULL: a message */
    int64_t at_ms;
};

/* Is it time to end with what there is? Sets partial. */
bool search_is_over(struct archive_search *s, struct archive_reader *r);

/* Say what is held. */
void search_note_memory(struct archive_search *s);

/* --- archive_search_range.c */

void search_narrow(struct archive_search *s, struct archive_reader *r);

/* --- archive_search_live.c */

/* Decode the payloads, keep and count the texts that match. */
void search_live_read(struct archive_search *s, struct archive_reader *r);
/* Score them: hits. */
void search_live_score(struct archive_search *s);
void search_live_free(struct archive_search *s);
struct str search_live_key(const struct live_key *k);

/* --- archive_search_row.c */

bool search_wants_role(const struct archive_search *s, struct str role);
bool search_wants_time(const struct archive_search *s, int64_t at_ms);

/* All of WHERE. field_of gives the value of a field of the text's entry; false: it has none. */
struct search_fields {
    void *ctx;
    bool (*get)(void *ctx, struct str name, struct str *value);
};
bool search_meets_where(const struct archive_search *s, struct archive_reader *r, struct str metadata,
                        const struct search_fields *fields);

/* What tells texts of one key apart. */
uint64_t search_identity(const struct archive_search *s, const struct search_text *t);

struct search_row {
    struct search_text text;
    struct str ns, id;
    const char *type, *reason; /* reason NULL: it is in memory */
    int64_t entry, version, position;
    double zscore; /* NaN: none */
    double score;
};
void search_reply_row(struct archive_search *s, const struct search_row *row, struct reply *out);

#endif
