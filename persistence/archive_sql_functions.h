/* archive_sql_functions.h -- functions of ARCHIVE.SQL that take the place of SQLite's own.
 *
 * SQLite asks only between the steps of its machine whether it may go on. Its instr, replace and trim compare each
 * place of one text with all of another: with two texts of megabytes that is one step of hours, which nothing ends,
 * not even the shutdown. These mean the same and take time in proportion to their texts. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_SQL_FUNCTIONS_H
#define MEMD_PERSISTENCE_ARCHIVE_SQL_FUNCTIONS_H

#include <sqlite3.h>

/* An SQLite code. */
int archive_sql_functions_add(sqlite3 *db);

#endif
