/* archive_get.h -- one version of a key: what a recall asks for, and ARCHIVE.GET.
 *
 * Versions of a key are its rows in `entries`, numbered 1, 2 ... What was trimmed off is a row too, but no
 * state of the key: it is found by its number alone. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_GET_H
#define MEMD_PERSISTENCE_ARCHIVE_GET_H

#include "base/buf.h"
#include "base/err.h"
#include "persistence/archive.h"

enum archive_which {
    ARCHIVE_NEWEST_LIVE, /* the version that a read may bring back by itself */
    ARCHIVE_NEWEST,
    ARCHIVE_VERSION_NUMBER, /* number: which */
    ARCHIVE_AT_MS        /* number: the version that was current then, as far as the archive can know. The last one that had left
                          * by then; where another value took its place in memory (reason overwrite), the one that left next. */
};

/* Make one, set job.done and perhaps job.after, archive_ask it; in done, read the answer and free it. */
struct archive_get {
    struct archive_job job; /* run is set */
    int db;
    struct buf key;
    enum archive_which which;
    int64_t number;
    int resp; /* 0: the payload is wanted; 2 or 3: it is to be decoded, into a reply of that protocol */

    /* The answer. OK; ERR_NO_KEY: there is none; ERR_FORMAT: it is damaged; ERR_OOM; ERR_IO: error says more. With a
     * job that was refused or cancelled ERR_IO, and error says that. */
    enum err result;
    char error[256];
    struct buf out;      /* payload (as DUMP has it), or reply */
    int64_t version, archived_at, expires_at; /* -1: it had no time to live */
    enum archive_reason reason;
    bool live;
};

struct archive_get *archive_get_new(int db, struct str key, enum archive_which which, int64_t number, int resp);
void archive_get_free(struct archive_get **g);

#endif
