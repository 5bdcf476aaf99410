/* archive_get.h -- one version of a key: what a recall asks for, ARCHIVE.GET, and ARCHIVE.VERSIONS.
 *
 * Versions of a key are its rows in `entries`, numbered 1, 2 ... What was trimmed off is a row too, but no
 * state of the key: it is found by its number alone. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_GET_H
#define MEMD_PERSISTENCE_ARCHIVE_GET_H

#include "base/buf.h"
#include "base/err.h"
#include "persistence/archive.h"
#include "persistence/archive_question.h"

enum archive_which {
    ARCHIVE_NEWEST_LIVE,    /* the version that a read may bring back by itself */
    ARCHIVE_NEWEST,
    ARCHIVE_VERSION_NUMBER, /* number: which */
    ARCHIVE_AT_MS           /* number: the version that was current then, as far as the archive can know: the last
                             * one that had left by then; but where another value had taken its place in memory
                             * (reason overwrite), or none had left yet, the one that left next */
};

/* For its payload. Make one, set job.done and perhaps job.after, archive_ask its job; in done, read the answer and
 * free it. */
struct archive_get {
    struct archive_job job; /* run is set */
    int db;
    struct buf key;
    enum archive_which which;
    int64_t number;

    /* The answer. OK; ERR_NO_KEY: there is none; ERR_FORMAT: it is damaged; ERR_OOM; ERR_IO: error says more. Where the
     * job was refused (job.refused says why) it is ERR_IO too. */
    enum err result;
    char error[256];
    struct buf out;      /* the payload, as DUMP has it */
    int64_t version, archived_at, expires_at; /* -1: it had no time to live */
    enum archive_reason reason;
    bool live;
};

struct archive_get *archive_get_new(int db, struct str key, enum archive_which which, int64_t number);
void archive_get_free(struct archive_get **g);

/* ARCHIVE.GET: the value as its type's own command reads it; null: there is none. */
struct archive_question *archive_get_question(int db, struct str key, enum archive_which which,
                                              int64_t number, int resp);

/* The same of a payload that is not in the file yet. */
struct archive_question *archive_get_pending(struct str payload, int resp);

/* ARCHIVE.VERSIONS: the key's rows, the newest first, at most `count` of those numbered below `before` (0: all). A map each:
 * version, type, reason, archived_at, expires_at (-1: none), live, size, namespace. */
struct archive_question *archive_versions_question(int db, struct str key, int64_t before, int64_t count,
                                                   int resp);

#endif
