/* archive_where.h -- WHERE path op value: conditions on the metadata of messages, and on the fields of hashes.
 *
 * A path is names with dots between, as in user.name, tags[0] or $.user.name. In a message it leads into its metadata.
 * In a hash it names a field; what follows the first name leads into the field's value, if that is JSON. Of an array any
 * element may meet the condition; what is not there meets none, not even !=.
 *
 *     =  !=  <  <=  >  >=    as numbers where both are; else as bytes. The text "07" equals no number
 *     IN a,b,c               equals one of these
 *     GLOB pattern           matches, as KEYS has it */
#ifndef MEMD_PERSISTENCE_ARCHIVE_WHERE_H
#define MEMD_PERSISTENCE_ARCHIVE_WHERE_H

#include "base/buf.h"
#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct archive_reader;

enum { ARCHIVE_WHERES = 16, ARCHIVE_WHERE_PATH = 256, ARCHIVE_WHERE_WHY = 160 };

enum archive_where_op { WHERE_EQ, WHERE_NE, WHERE_LT, WHERE_LE, WHERE_GT, WHERE_GE, WHERE_IN, WHERE_GLOB };

struct archive_where {
    struct buf path;  /* for SQLite: $."user"."name" */
    struct buf rest;  /* the same behind the first name: $."name" */
    struct buf field; /* the path as it came, and ... */
    size_t first;     /* ... the length of its first name */
    enum archive_where_op op;
    struct buf value;
};

/* ERR_SYNTAX: why says what is wrong. */
enum err MUST_USE archive_where_make(struct archive_where *w, struct str path, struct str op, struct str value,
                                     char why[ARCHIVE_WHERE_WHY]);
void archive_where_fini(struct archive_where *w);

enum archive_where_says { WHERE_NOT_THERE, WHERE_NO, WHERE_YES };

/* Of a JSON text (metadata, with w->path; the value of a field named by the first name, with w->rest). */
enum archive_where_says archive_where_json(const struct archive_where *w, struct archive_reader *r,
                                           const struct buf *path, struct str json);

/* Of the value of a field named by the whole path. */
enum archive_where_says archive_where_text(const struct archive_where *w, struct str text);

#endif
