/* archive_readers.h -- the two threads that answer questions to the archive, and the jobs that wait for them.
 *
 * archive.c has one of these and hands down archive_ask and archive_turn. Each lane is a thread with a read-only connection
 * (archive_reader.h): a search of a second does not keep a recall waiting. Jobs of a lane run one after another, in
 * the order in which they came; one that must see notes which are not committed yet (job.after) lets the others
 * pass until they are.
 *
 * Each job is seen in one transaction: all its statements see the same state of the file. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_READERS_H
#define MEMD_PERSISTENCE_ARCHIVE_READERS_H

#include "persistence/archive.h"

struct archive_readers;

/* So many jobs may wait in a lane; more are refused. */
enum { ARCHIVE_JOBS_MAX = 16384 };

/* Open the connections and start the threads: after the file has been made. why[ARCHIVE_WHY] as archive_open. */
enum err MUST_USE archive_readers_start(struct archive_readers **rs, const struct archive_conf *conf,
                                        const struct archive_env *env, char *why);

/* Interrupt what runs, end the threads. All jobs are done when it returns: those that had no answer as refused. */
void archive_readers_stop(struct archive_readers **rs);

/* The rest is the reactor's, but for applied and busy. */

/* New limits of time and rows. */
void archive_readers_set_conf(struct archive_readers *rs, const struct archive_conf *conf);

/* Queue j. Where there is no room its done is called at the next turn, with `refused` set. */
void archive_readers_ask(struct archive_readers *rs, enum archive_lane lane, struct archive_job *j);

/* All notes up to seq are committed: any thread, after each commit. */
void archive_readers_applied(struct archive_readers *rs, uint64_t seq);

/* Call done of what has been answered. */
void archive_readers_turn(struct archive_readers *rs);

/* For tests: begin no job, until it is called with false. */
void archive_readers_pause(struct archive_readers *rs, bool on);

/* What the jobs that run now have taken for themselves: not to be made room for by evicting data. */
size_t archive_readers_bytes(const struct archive_readers *rs);

/* And what SQLite keeps of the file for the next ones. */
size_t archive_readers_cached(const struct archive_readers *rs);

struct archive_readers_info {
    uint64_t asked, failed, refused; /* jobs, since the start; failed: those whose `failed` is set */
    uint64_t waiting;                /* now, in both lanes */
};
void archive_readers_info(const struct archive_readers *rs, struct archive_readers_info *out);

#endif
