/* archive_note.h -- what the archive is told, as bytes: one note for each departure.
 *
 * A note stands in the write log as the one argument of ECHO, in one group (MULTI, EXEC) with the effect that it
 * belongs to: deletion and archival cannot come apart, and a stock server that reads the log does nothing with it.
 * The same bytes are handed to the archive's writer in memory. Its sequence number is the archive's own, 1, 2,
 * 3 ... over the life of a log (its id): the writer keeps the last one that it has committed beside the rows, so that
 * a note is applied exactly once however often it is read.
 *
 *     memd.archive 1 <verb> <seq> <db> <reason> <at_ms> <expires_ms> <flags> <retain_ms> <versions> <n ns> <n key>\n
 *     ns key payload
 *
 * Numbers are decimal; ns is the namespace's pattern (empty: none). */
#ifndef MEMD_PERSISTENCE_ARCHIVE_NOTE_H
#define MEMD_PERSISTENCE_ARCHIVE_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/str.h"

struct buf;

#define ARCHIVE_VERB_TABLE(X) \
    X(ARCHIVE_OUT, "out")       /* payload: the value as DUMP has it. A new version of the key */ \
    X(ARCHIVE_GONE, "gone")     /* the key is not to be recalled by itself any more: it was deleted, or is in memory */ \
    X(ARCHIVE_FLUSHED, "flushed") /* all keys of the database are gone; db -1: of all databases */ \
    X(ARCHIVE_SWAPPED, "swapped") /* two databases changed places; payload: the other's number */ \
    X(ARCHIVE_ERASE, "erase")   /* ARCHIVE.DROP: remove all of a key; flag GLOB: of all keys that match it */ \
    X(ARCHIVE_AUDIT, "audit")   /* payload: a record of archive_audit.h */

enum archive_verb {
#define ARCHIVE_VERB(code, name) code,
    ARCHIVE_VERB_TABLE(ARCHIVE_VERB)
#undef ARCHIVE_VERB
    ARCHIVE_VERBS
};

/* Why: the words of the column entries.reason. */
#define ARCHIVE_REASON_TABLE(X) \
    X(ARCHIVE_EXPIRED, "expire") X(ARCHIVE_EVICTED, "evict") X(ARCHIVE_DELETED, "delete") \
    X(ARCHIVE_OVERWRITTEN, "overwrite") X(ARCHIVE_TRIMMED, "trim") X(ARCHIVE_ASKED, "put")

enum archive_reason {
#define ARCHIVE_REASON(code, name) code,
    ARCHIVE_REASON_TABLE(ARCHIVE_REASON)
#undef ARCHIVE_REASON
    ARCHIVE_REASONS
};

enum archive_flag {
    ARCHIVE_LIVE = 1, /* out: the key has left memory; a read may bring this version back by itself */
    ARCHIVE_GLOB = 2  /* erase: key is a pattern */
};

struct archive_note {
    enum archive_verb verb;
    uint64_t seq;
    int db;
    enum archive_reason reason;
    int64_t at_ms;      /* when, wall clock */
    int64_t expires_ms; /* what the key's TTL was; -1: none */
    unsigned flags;
    int64_t retain_ms;  /* the namespace's rules of that moment; 0: for ever */
    uint32_t versions;  /* 0: all */
    struct str ns, key, payload;
};

extern const char *const archive_reason_names[ARCHIVE_REASONS];

/* Append all but the payload; the caller appends that. */
void archive_note_put(struct buf *out, const struct archive_note *n);

/* False: these bytes are none (or damaged). The strings of n point into them. */
bool MUST_USE archive_note_get(struct str bytes, struct archive_note *n);

/* Cheap: does the argument of an ECHO begin as a note does? */
bool archive_note_is(struct str bytes);

#endif
