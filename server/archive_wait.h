/* archive_wait.h -- clients that wait for the archive.
 *
 * A handler asks, returns what it was given, and its client waits as with BLPOP: CLIENT UNBLOCK and CLIENT KILL, its
 * leaving, and a time limit end that; everybody else goes on. Rows of such commands are CMD_NO_MULTI and CMD_NOSCRIPT:
 * nobody waits within a transaction or a script.
 *
 *     static const struct archive_asking asking_get = { reply_of_get, free_get };
 *
 *     static enum err run_get(struct call *c)
 *     {
 *         struct archive *a;
 *         enum err e = archive_wait_open(c, &a);
 *
 *         if (e != OK) return e;
 *         return archive_wait_for(c, ARCHIVE_LANE_QUERY, &archive_get_new(...)->job, &asking_get);
 *     }
 *
 * What was asked tells of what is committed. A handler that wants to see what left just now sets job.after to
 * archive_last_seq: then the answer comes behind that, and a sync of the log is asked for. */
#ifndef MEMD_SERVER_ARCHIVE_WAIT_H
#define MEMD_SERVER_ARCHIVE_WAIT_H

#include "persistence/archive.h"
#include "server/client.h"

/* What becomes of a job (a struct of its maker's, that begins with it). */
struct archive_asking {
    /* The answer as RESP bytes, one reply, in the version that was asked for: borrowed until free. What went wrong is a
     * reply too ("-ERR archive: ..."). Empty: there was no memory for it. NULL: the request is to run again, which
     * finds the job by archive_wait_answer: for commands that do something with the answer. */
    struct str (*reply)(struct archive_job *j);
    void (*free)(struct archive_job *j); /* answered, timed out, or the client is gone */
};

/* The archive, or the code to return: there is none, or it cannot be had (the error is replied). */
enum err MUST_USE archive_wait_open(struct call *c, struct archive **a);

/* Ask j, which is taken over; job.done and job.owner are set here. Returns the code for the handler to return. After
 * archive-query-timeout (lane RECALL: archive-timeout) the client is told so. `how` is kept. */
enum err MUST_USE archive_wait_for(struct call *c, enum archive_lane lane, struct archive_job *j,
                                   const struct archive_asking *how);

/* The same for a job that its maker asks later, within a few turns. Should nobody wait any more (job.cancelled), he calls
 * job.done instead. */
enum err MUST_USE archive_wait_later(struct call *c, enum archive_lane lane, struct archive_job *j,
                                     const struct archive_asking *how);

/* After one of those: archive-query-timeout is the limit, whatever the lane. */
void archive_wait_as_query(struct call *c);

/* The answered job, when the request runs again; NULL: it runs for the first time. */
struct archive_job *archive_wait_answer(const struct call *c);

/* Wait until all notes up to seq are committed; then the request runs again, and is told here which (first time: 0).
 * timeout_ms 0: for ever. */
enum err MUST_USE archive_wait_applied(struct call *c, uint64_t seq, int64_t timeout_ms);
uint64_t archive_wait_seq(const struct call *c);

/* Answer those whose answers have come. Every turn, after archive_turn. */
void archive_wait_turn(struct server *s);

#endif
