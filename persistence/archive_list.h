/* archive_list.h -- ARCHIVE.LIST: the keys of the archive, in order, some at a time.
 *
 * Keys come in the order of their bytes, first those that are text (valid UTF-8 without NUL), then the others. A cursor
 * is the last key that was looked at: keys that are there from the first call to the last are told exactly once,
 * whatever is archived or removed meanwhile. A call looks at a bounded number of keys, so that one with a pattern or
 * with times may tell none and not be at the end. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_LIST_H
#define MEMD_PERSISTENCE_ARCHIVE_LIST_H

#include "persistence/archive_question.h"

struct archive_list_args {
    int db;
    struct str match;    /* glob; p == NULL: all */
    int64_t since, until; /* wall ms, both included: keys whose newest version left memory then */
    struct str cursor;   /* "0": from the beginning; else what the last call gave */
    int64_t count;       /* so many keys at most; at least 1 */
};

/* Is it one that a call could have given? */
bool archive_list_cursor_ok(struct str cursor);

/* The reply: [cursor, [key ...]], "0" at the end; each a map of key, type, reason, version, archived_at, expires_at (-1: none),
 * live, size, namespace of its newest version. Everything is copied. */
struct archive_question *archive_list_question(const struct archive_list_args *args, int resp);

#endif
