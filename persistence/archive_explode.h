/* archive_explode.h -- a value as rows that people read: messages and fields.
 *
 * Elements of lists and streams, members of sets and sorted sets, and strings become messages; a string or an element
 * that is a JSON array of chat messages becomes one message each. Fields of hashes become fields (and, where they are
 * text, they are searched too). Of what is chat in one of the layouts of archive_chat.h role, content and the rest as
 * metadata are told apart; everything else is content as it is. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_EXPLODE_H
#define MEMD_PERSISTENCE_ARCHIVE_EXPLODE_H

#include <stdint.h>

#include "base/str.h"

struct entry;
struct store;

struct archive_message {
    int64_t position;     /* 0 ... in the value */
    struct str id;        /* streams: the entry's ID; else empty */
    double score;         /* sorted sets; else NaN */
    int64_t at_ms;        /* when it was said, where that is known (stream IDs, timestamps in it); else -1 */
    struct str role;      /* "user", "assistant", "system", "tool" ...; empty: not known */
    struct str content;   /* text, valid UTF-8; bytes that are none are told by is_blob */
    struct str metadata;  /* a JSON object, or empty */
    bool is_blob;
};

struct archive_field {
    struct str field, value;
    bool field_is_blob, value_is_blob; /* not valid UTF-8 */
    int64_t expires_ms; /* a field's own TTL; -1 */
};

struct archive_rows {
    void *ctx;
    void (*message)(void *ctx, const struct archive_message *m); /* strings borrowed for the call */
    void (*field)(void *ctx, const struct archive_field *f);
};

void archive_explode(struct store *values, const struct entry *e, const struct archive_rows *rows);

#endif
