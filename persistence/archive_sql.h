/* archive_sql.h -- ARCHIVE.SQL: one statement of a user's own, that can only read.
 *
 * It runs on a connection apart from the one that memd's own questions use: opened read-only, in SQLite's defensive mode, with
 * an authorizer that has been there since before the schema was read. Allowed is to select from the tables and views of the
 * archive and from json_each and json_tree, with functions that compute something from their arguments. Not allowed: to
 * attach a file, PRAGMA, to load an extension, to write anything anywhere, to look into SQLite itself.
 *
 * Its time is bounded (archive-query-timeout), its rows (archive-query-rows), its memory (ARCHIVE_QUERY_MEMORY; temporary
 * tables and sorting are in it), the size of one value (ARCHIVE_SQL_VALUE_MAX) and of the reply. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_SQL_H
#define MEMD_PERSISTENCE_ARCHIVE_SQL_H

#include "persistence/archive_question.h"

enum {
    ARCHIVE_SQL_TEXT_MAX = 64 << 10,
    ARCHIVE_SQL_VALUE_MAX = 8 << 20,
    ARCHIVE_SQL_PARAMS_MAX = 1000,
    ARCHIVE_SQL_COLUMNS_MAX = 200
};

/* The reply is a map: columns (their names), rows (an array of arrays), more (1: there are more rows than were
 * given, else 0). NULL is null, numbers are numbers, texts and blobs are bulk strings.
 *
 * Parameters stand for ?, ?1, :name in the order of their numbers, and are all needed. They are texts (blobs, where they
 * are no UTF-8): a column that holds numbers compares with them as numbers; an expression does where it says
 * CAST(? AS INTEGER). All is copied. */
struct archive_question *archive_sql_question(struct str sql, size_t n_params, const struct str *params,
                                              int resp);

#endif
