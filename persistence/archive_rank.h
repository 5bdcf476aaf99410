/* archive_rank.h -- one bm25 for what lies in the archive and what is in memory.
 *
 * FTS5's own bm25() knows one table. A search has three: messages, fields, and the texts of live keys, which no index
 * has. So texts and words are counted in each, and added up, before the first score is given: a word is as rare in one
 * as in the other, the same text has the same score wherever it lies, and what is found can be merged. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_RANK_H
#define MEMD_PERSISTENCE_ARCHIVE_RANK_H

#include <sqlite3.h>

#include "persistence/archive_match.h"

struct archive_reader;

struct archive_rank {
    const struct archive_matcher *matcher;
    struct archive_reader *reader; /* who says when it is enough */
    int64_t until_us;              /* counting is to be over then: what is left is estimated */
    int64_t texts, tokens;        /* in all tables */
    int64_t with[WORDS_MAX];      /* texts that have the term */
    double idf[WORDS_MAX], usual; /* after archive_rank_settle; tokens of a usual text */
};

/* The SQL functions memd_count(table, rank) and memd_score(table, rank) of FTS5 tables: once for each connection, before
 * the first statement that names them. */
enum err MUST_USE archive_rank_register(sqlite3 *db);

/* Bind rank as an argument of these. */
int archive_rank_bind(sqlite3_stmt *st, int i, struct archive_rank *rank);

/* Count a text that is in no table. */
void archive_rank_add(struct archive_rank *rank, const struct archive_match *m);

/* All has been counted. */
void archive_rank_settle(struct archive_rank *rank);

/* The higher, the better. Terms that are excluded do not count. */
double archive_rank_score(const struct archive_rank *rank, const struct archive_match *m);

#endif
