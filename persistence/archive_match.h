/* archive_match.h -- does a text match a query, and where: in the words of the archive's full-text tables.
 *
 * What lies in the archive is found by FTS5's index. Texts that are in no index (those of live keys, and the few that are
 * shown with marks) are read here, in the same words and by the same rules, so that both parts of a search agree.
 * All phrases are looked for at once: bit i of the state means that the i-th token of the query has just been seen, and
 * those of its phrase before it. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_MATCH_H
#define MEMD_PERSISTENCE_ARCHIVE_MATCH_H

#include <sqlite3.h>

#include "base/buf.h"
#include "persistence/archive.h"
#include "persistence/archive_words.h"

/* FTS5's own interface on this connection; NULL: none. */
fts5_api *archive_match_fts5(sqlite3 *db);

enum { MATCH_TOKENS = 64 };

struct archive_matcher {
    fts5_tokenizer api;
    Fts5Tokenizer *tokenizer; /* NULL: words are those of text/words.h */
    enum archive_fts fts;
    size_t min_word; /* characters; shorter words are not looked for */

    size_t n_terms; /* words that the tokenizer makes something of, in the order of the query */
    unsigned groups;
    bool everything; /* the query is *: every text matches, none more than another */
    struct archive_term {
        uint8_t group;
        bool excluded, prefix;
        uint8_t n_tokens;
    } terms[WORDS_MAX];
    uint32_t wanted[WORDS_MAX], unwanted[WORDS_MAX]; /* by group: bits of terms */

    size_t n_tokens;
    struct str tokens[MATCH_TOKENS]; /* in text */
    uint8_t term_of[MATCH_TOKENS];
    uint64_t first, last;  /* tokens that begin and end a phrase */
    uint64_t may_prefix;   /* tokens that a longer one matches too */
    uint64_t by_byte[256]; /* tokens that begin with it */
    struct buf text;
    struct buf fts5; /* the query as FTS5 reads it */
    struct buf long_word;
};

/* For the words of a query. ERR_SYNTAX: nothing is left of them to look for, or they are too many: why says so. ERR_OOM. */
enum err MUST_USE archive_matcher_init(struct archive_matcher *m, sqlite3 *db, enum archive_fts fts,
                                       const struct archive_words *words, char why[WORDS_WHY]);
void archive_matcher_fini(struct archive_matcher *m);

/* How often each term is in a text, and how long that is. */
struct archive_match {
    uint32_t times[WORDS_MAX];
    uint32_t tokens;
    uint32_t found; /* bits of terms */
};

/* True: the text matches the query. *out is complete in any case. */
bool archive_match(struct archive_matcher *m, struct str text, struct archive_match *out);

/* Append the text, or where it is long a part of it in which the query's words stand (with an ellipsis where something was left
 * out), with marks around these. At most SHOW_BYTES, and what the marks add. */
enum { SHOW_BYTES = 1024 };
void archive_match_show(struct archive_matcher *m, struct str text, struct str mark, struct str unmark,
                        struct buf *out);

#endif
