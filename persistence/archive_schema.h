/* archive_schema.h -- the tables of the archive's file (user_version 1), made to be read by people: docs/archive.md.
 *
 *   entries       one row for each version of a key that has left memory, or part of one (reason 'trim')
 *     id, db, key, namespace, type, reason, seq, version (1, 2 ... of db and key), archived_at, expires_at (NULL),
 *     live (1: a read may bring it back), size (of the payload), codec, dict, value, retain_until (NULL), versions (0)
 *   messages      elements: id, entry, position, message_id, at, role, content, metadata, score
 *   fields        of hashes: id, entry, field, value, expires_at
 *   messages_fts, fields_fts   FTS5 over content and value (external content, kept by triggers)
 *   audit         archive_audit.h
 *   dictionaries  id, namespace, created_at, data
 *   applied       log, seq: the last note of each log's history that is in the file
 *   meta          name, value
 *   views         sessions, latest
 *
 * Keys, fields and contents are TEXT where they are valid UTF-8 without NUL, else BLOB. Times are wall clock ms. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_SCHEMA_H
#define MEMD_PERSISTENCE_ARCHIVE_SCHEMA_H

#include <sqlite3.h>

#include "base/str.h"
#include "persistence/archive.h"

enum { ARCHIVE_SCHEMA_VERSION = 1 };

/* Make the tables in a new file, or check that these are they. why[ARCHIVE_WHY]: what is wrong, and what to do. */
enum err MUST_USE archive_schema_open(sqlite3 *db, const struct archive_conf *conf, char *why);

/* Bind bytes as TEXT or BLOB, as above; borrowed until the statement is reset. */
int archive_bind(sqlite3_stmt *st, int i, struct str s);

/* The bytes of a column, borrowed until the next step. */
struct str archive_column(sqlite3_stmt *st, int i);

#endif
