/* archive_codec.h -- values in the archive's file: as they are, or compressed with zstd, with a dictionary where one
 * has been trained on such values.
 *
 * A dictionary is trained once enough samples of a namespace have been seen, and kept in the table `dictionaries`; its
 * number stands in each row that needs it, so it is never changed or deleted.
 *
 * Frames have no dictionary ID, no checksum and no size of the content: the row has the first and the last, and the
 * payload of a DUMP brings its own checksum.
 *
 * A codec belongs to one connection and one thread. The writer's learns of a transaction that is rolled back through
 * sqlite3_rollback_hook, which it takes for itself: a dictionary that was stored in it is forgotten. */
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

/* When a dictionary is trained: at so many samples or bytes of a namespace; and sooner when all samples together
 * are too many. */
enum {
    ARCHIVE_SAMPLES = 2000,
    ARCHIVE_SAMPLE_BYTES = 2 << 20,
    ARCHIVE_SAMPLE_BYTES_ALL = 4 << 20,
    ARCHIVE_DICTIONARY_BYTES = 64 << 10
};

/* One for each thread; it reads dictionaries through db as they are needed. */
struct archive_codec *archive_codec_new(sqlite3 *db);
void archive_codec_free(struct archive_codec **c);

/* Append p compressed to out, with the namespace's dictionary if it has one: *coding and *dict (0: none) are for the
 * row. As it is where it does not pay (less than an eighth saved). The writer's thread alone, inside its transaction. */
void archive_compress(struct archive_codec *c, struct str ns, struct str p, struct buf *out,
                      enum archive_coding *coding, int64_t *dict);

/* Keep p as a sample; when there are enough for a namespace, train and store a dictionary: inside the writer's
 * transaction. Training takes some 100 ms, once in a namespace's life. ERR_IO: SQLite failed, and the transaction is
 * to be rolled back (after a full disk SQLite has done so already). */
enum err MUST_USE archive_learn(struct archive_codec *c, struct str ns, struct str p);

/* size: of the original, checked before it is allocated. ERR_FORMAT: damaged; ERR_OOM; ERR_IO: the dictionary could
 * not be read now (an interrupted statement). out is as it was then. */
enum err MUST_USE archive_expand(struct archive_codec *c, enum archive_coding coding, int64_t dict, struct str p,
                                 uint64_t size, struct buf *out);

#endif
