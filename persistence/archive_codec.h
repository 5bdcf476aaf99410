/* archive_codec.h -- values in the archive's file: as they are, or compressed with zstd, with a dictionary where one
 * has been trained on such values.
 *
 * A dictionary is trained once enough samples of a namespace have been seen, and kept in the table `dictionaries`; its number
 * stands in each row that needs it, so it is never changed or deleted while one does. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_CODEC_H
#define MEMD_PERSISTENCE_ARCHIVE_CODEC_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct archive_codec;
struct buf;

enum archive_coding { ARCHIVE_PLAIN, ARCHIVE_ZSTD };

/* One for each thread; it reads dictionaries through db as they are needed. */
struct archive_codec *archive_codec_new(sqlite3 *db);
void archive_codec_free(struct archive_codec **c);

/* Append p compressed to out, with the namespace's dictionary if it has one: *coding and *dict (0: none) are for the row.
 * As it is where it does not pay (less than an eighth saved). The writer's thread alone. */
void archive_compress(struct archive_codec *c, struct str ns, struct str p, struct buf *out, enum archive_coding *coding,
                      int64_t *dict);

/* Keep p as a sample; when there are enough for a namespace, train and store a dictionary: inside the writer's
 * transaction. */
enum err MUST_USE archive_learn(struct archive_codec *c, struct str ns, struct str p);

/* size: of the original, checked before it is allocated. ERR_FORMAT, ERR_OOM. */
enum err MUST_USE archive_expand(struct archive_codec *c, enum archive_coding coding, int64_t dict, struct str p,
                                 uint64_t size, struct buf *out);

#endif
