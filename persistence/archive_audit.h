/* archive_audit.h -- the audit log: who did what to which keys, in a table of the archive whose rows are chained by
 * hashes.
 *
 *   audit   id (1, 2 ... without gaps), at (ms), user, address, db, namespace, command, keys (a JSON array),
 *           value_hash (SHA-256 of all the request's arguments behind the command), status ('ok', 'error'), previous, hash
 *   meta    audit_id, audit_hash: those of the last row
 *
 * hash is the SHA-256, in hex, of the netstrings ("<length>:<bytes>,") of the row's other columns in the order above, numbers
 * in decimal; previous is the hash of the row before, empty in the first. A row that was changed, put in or taken out
 * breaks the chain there; rows missing at the end are seen by what meta holds. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_AUDIT_H
#define MEMD_PERSISTENCE_ARCHIVE_AUDIT_H

#include <sqlite3.h>

#include "base/buf.h"
#include "persistence/archive.h"

/* The table, for a new file. */
#define ARCHIVE_AUDIT_SCHEMA \
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, user TEXT NOT NULL, address TEXT NOT NULL," \
    " db INTEGER NOT NULL, namespace TEXT NOT NULL, command TEXT NOT NULL, keys TEXT NOT NULL," \
    " value_hash TEXT NOT NULL, status TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);" \
    "CREATE INDEX audit_by_time ON audit(at);"

struct archive_audit {
    struct str user, address, command;
    struct str keys;       /* a JSON array */
    struct str value_hash; /* SHA-256 in hex */
    bool failed;
};

/* The payload of an ARCHIVE_AUDIT note: time, database and namespace are the note's. */
void archive_audit_put(struct buf *out, const struct archive_audit *r);
bool MUST_USE archive_audit_get(struct str payload, struct archive_audit *r);

/* Add the row; the writer's thread, in its transaction. An SQLite result code: SQLITE_DONE is success. */
int archive_audit_insert(sqlite3 *db, const struct archive_note *n);

/* AUDIT.VERIFY: walk the chain from row `from` (0: the first there is), at most `count` rows. */
struct archive_audit_verify {
    struct archive_job job;
    int64_t from, count; /* in */
    int resp;            /* in: version of the protocol */
    struct buf reply;    /* out: RESP */
};
void archive_audit_verify(struct archive_job *j, struct archive_reader *r);

#endif
