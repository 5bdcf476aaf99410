/* archive_file.h -- the writer's connection to the archive's file: its statements, its transactions, its counts.
 *
 * There is one, and it is the writer thread's. It alone writes and checkpoints. Functions return SQLite's codes;
 * after anything but SQLITE_OK (or _ROW, _DONE) archive_file_error has it in words. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_FILE_H
#define MEMD_PERSISTENCE_ARCHIVE_FILE_H

#include <sqlite3.h>

#include "base/buf.h"
#include "persistence/archive.h"

struct archive_codec;
struct store;

/* Every statement of the writer: name and text. */
#define ARCHIVE_SQL_TABLE(X) \
    X(SQL_BEGIN, "BEGIN IMMEDIATE") \
    X(SQL_COMMIT, "COMMIT") \
    X(SQL_ROLLBACK, "ROLLBACK") \
    X(SQL_APPLIED, "SELECT log, seq FROM applied") \
    X(SQL_SET_APPLIED, "INSERT INTO applied(log, seq) VALUES(?1, ?2) ON CONFLICT(log) DO UPDATE SET seq = ?2") \
    X(SQL_META, "SELECT value FROM meta WHERE name = ?1") \
    X(SQL_SET_META, "INSERT INTO meta(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2") \
    X(SQL_NEWEST, "SELECT id, version, live, type, expires_at, size, reason FROM entries WHERE db = ?1 AND key = ?2" \
                  " ORDER BY version DESC LIMIT 1") \
    X(SQL_VALUE, "SELECT codec, dict, value FROM entries WHERE id = ?1") \
    X(SQL_INSERT, "INSERT INTO entries(db, key, namespace, type, reason, seq, version, archived_at, expires_at, live," \
                  " size, codec, dict, value, retain_until, versions)" \
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)") \
    X(SQL_AGAIN, "UPDATE entries SET live = 1, archived_at = ?2, reason = ?3, retain_until = ?4, versions = ?5" \
                 " WHERE id = ?1") \
    X(SQL_UNLIVE, "UPDATE entries SET live = 0 WHERE db = ?1 AND key = ?2 AND live = 1") \
    X(SQL_UNLIVE_DB, "UPDATE entries SET live = 0 WHERE db = ?1 AND live = 1") \
    X(SQL_UNLIVE_ALL, "UPDATE entries SET live = 0 WHERE live = 1") \
    X(SQL_SWAP, "UPDATE entries SET db = CASE db WHEN ?1 THEN ?2 ELSE ?1 END WHERE db IN (?1, ?2)") \
    X(SQL_TOO_MANY, "SELECT id FROM entries WHERE db = ?1 AND key = ?2 AND reason <> 'trim'" \
                    " ORDER BY version DESC LIMIT 100 OFFSET ?3") \
    X(SQL_OF_KEY, "SELECT id FROM entries WHERE db = ?1 AND key = ?2 LIMIT ?3") \
    X(SQL_GLOB, "SELECT id FROM entries WHERE db = ?1 AND key >= ?2 AND memd_glob(?3, key) LIMIT ?4") \
    X(SQL_GLOB_TO, "SELECT id FROM entries WHERE db = ?1 AND key >= ?2 AND key < ?5 AND memd_glob(?3, key) LIMIT ?4") \
    X(SQL_MESSAGE, "INSERT INTO messages(entry, position, message_id, at, role, content, metadata, score)" \
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
    X(SQL_FIELD, "INSERT INTO fields(entry, field, value, expires_at) VALUES(?1, ?2, ?3, ?4)") \
    X(SQL_INDEX_MESSAGE, "INSERT INTO messages_fts(rowid, content) VALUES(?1, ?2)") \
    X(SQL_INDEX_FIELD, "INSERT INTO fields_fts(rowid, value) VALUES(?1, ?2)") \
    X(SQL_MESSAGE_TEXTS, "SELECT id, content FROM messages WHERE entry = ?1 AND typeof(content) = 'text'") \
    X(SQL_FIELD_TEXTS, "SELECT id, value FROM fields WHERE entry = ?1 AND typeof(value) = 'text'") \
    X(SQL_UNINDEX_MESSAGE, "INSERT INTO messages_fts(messages_fts, rowid, content) VALUES('delete', ?1, ?2)") \
    X(SQL_UNINDEX_FIELD, "INSERT INTO fields_fts(fields_fts, rowid, value) VALUES('delete', ?1, ?2)") \
    X(SQL_DROP_MESSAGES, "DELETE FROM messages WHERE entry = ?1") \
    X(SQL_DROP_FIELDS, "DELETE FROM fields WHERE entry = ?1") \
    X(SQL_DROP_ENTRY, "DELETE FROM entries WHERE id = ?1 RETURNING live") \
    X(SQL_RETAINED, "SELECT id FROM entries WHERE retain_until < ?1 ORDER BY retain_until LIMIT ?2") \
    X(SQL_OLDEST, "SELECT id FROM entries ORDER BY archived_at LIMIT ?1") \
    X(SQL_PAGES, "SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)," \
                 " (SELECT page_size FROM pragma_page_size)") \
    X(SQL_VACUUM, "PRAGMA incremental_vacuum(256)") \
    X(SQL_SECURE, "PRAGMA secure_delete = ON") \
    X(SQL_INSECURE, "PRAGMA secure_delete = OFF")

enum archive_sql {
#define ARCHIVE_SQL(code, text) code,
    ARCHIVE_SQL_TABLE(ARCHIVE_SQL)
#undef ARCHIVE_SQL
    ARCHIVE_SQLS
};

/* Rows that there are; kept in table meta, in the same transaction. */
struct archive_counts {
    int64_t entries, messages, fields, live;
};

struct archive_file {
    sqlite3 *db;
    sqlite3_stmt *statements[ARCHIVE_SQLS]; /* prepared when first needed */
    struct archive_codec *codec;
    struct store *values;         /* for decoding payloads */
    struct archive_counts counts; /* as of the transaction */
    struct archive_counts before; /* as of its beginning */
    bool begun;                   /* a transaction is open */
    bool compress, messages;      /* settings of the moment */
    bool is_indexed;              /* the file has FTS5 tables */
    int wal_pages;                /* as of the last commit */
    uint64_t raw_bytes, stored_bytes; /* of values that were committed or tried, ever */
    struct buf room, room2;       /* scratch */
};

/* Open or make it, with its tables. why[ARCHIVE_WHY]. On error f is closed. */
enum err MUST_USE archive_file_open(struct archive_file *f, const struct archive_conf *conf,
                                    const struct store_conf *values, char *why);
void archive_file_close(struct archive_file *f);

/* The statement, reset and unbound. NULL: an error. */
sqlite3_stmt *archive_sql(struct archive_file *f, enum archive_sql which);

/* Run a statement to its end, and reset it. SQLITE_DONE is success. NULL: archive_sql's error. */
int archive_run(struct archive_file *f, sqlite3_stmt *st);

/* The code of the last error; never one of success. */
int archive_code(const struct archive_file *f);

/* The same for one without parameters. */
int archive_do(struct archive_file *f, enum archive_sql which);

/* A transaction: begun, ended with the counts in it, or undone. SQLITE_OK. */
int archive_begin(struct archive_file *f);
int archive_commit(struct archive_file *f);
void archive_rollback(struct archive_file *f);

/* Put a text that has just been inserted into the index (which: SQL_INDEX_...). SQLITE_DONE. */
int archive_index(struct archive_file *f, enum archive_sql which, struct str text);

/* Remove an entry with its messages and fields, inside a transaction. SQLITE_DONE. */
int archive_drop_entry(struct archive_file *f, int64_t id);

/* Take what the log of changes holds into the file, as far as readers let it; `all`: and make the log empty, if
 * nobody reads. SQLITE_OK, also where readers stood in the way. */
int archive_checkpoint(struct archive_file *f, bool all);

/* The last error, in words for an operator: what is wrong and what to do. */
void archive_file_error(const struct archive_file *f, int rc, char *out, size_t room);

#endif
