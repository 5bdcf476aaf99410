/* archive_writer.h -- the thread that brings notes into the archive's file.
 *
 * It owns the one connection that writes and checkpoints (archive_file.h). Notes are applied in the order in
 * which they are given, in transactions of up to 1,000 of them or 50 ms; the number of the last one of each
 * log stands in the same transaction. When SQLite refuses (full disk, broken disk, a lock) the transaction is undone and tried
 * again every second, from what the file then says has been applied: a commit that was reported as failed
 * may have reached the disk all the same. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_WRITER_H
#define MEMD_PERSISTENCE_ARCHIVE_WRITER_H

#include "persistence/archive.h"
#include "persistence/archive_item.h"

struct archive_readers;
struct archive_writer;

/* Open or make the file and start; as archive_open. */
enum err MUST_USE archive_writer_start(struct archive_writer **w, const struct archive_conf *conf,
                                       const struct archive_env *env, char *why);

/* Apply what has been given (but do not wait for a disk that fails), close, end. Returns how many notes are left
 * undone. */
uint64_t archive_writer_stop(struct archive_writer **w);

/* Who is told of each commit; before the first note. */
void archive_writer_tell(struct archive_writer *w, struct archive_readers *readers);

void archive_writer_set_conf(struct archive_writer *w, const struct archive_conf *conf);

/* The log of this id, made if it is not known. */
struct archive_log *archive_writer_log(struct archive_writer *w, const char *id);

/* Append n items, first to last, linked by `ready`. */
void archive_writer_give(struct archive_writer *w, struct archive_item *first, struct archive_item *last, size_t n);

/* The ordinal of the last item that is committed: it and those before it are the reactor's again. */
uint64_t archive_writer_done(const struct archive_writer *w);

/* The highest number of a note that is committed. */
uint64_t archive_writer_seq(const struct archive_writer *w);

/* Somebody waits for this number: do not gather more notes first. Any thread. */
void archive_writer_urge(struct archive_writer *w, uint64_t seq);

/* Reactor: what is queued presses, or does not: while nobody waits and nothing presses the thread takes only what
 * processor nobody else wants. */
void archive_writer_press(struct archive_writer *w, bool on);

/* Any thread: wait until the number (or the ordinal, if that is not 0) is committed; false: not within ms. While the disk
 * fails the wait for an ordinal ends at once. */
bool archive_writer_wait(struct archive_writer *w, uint64_t seq, uint64_t ordinal, int64_t ms);

/* Rows that an ERASE note removed; 0: not known any more. */
uint64_t archive_writer_erased(struct archive_writer *w, uint64_t seq);

/* Rows with live = 1, and the writer's part of the figures. */
void archive_writer_info(struct archive_writer *w, struct archive_info *out);
bool archive_writer_is_failing(struct archive_writer *w);

/* Bytes that the thread has in use: SQLite's pages, samples and training of dictionaries. */
size_t archive_writer_memory(const struct archive_writer *w);

#endif
