/* worker.h -- a thread that does jobs in order: what may wait for a disk and is not the log. */
#ifndef MEMD_PERSISTENCE_WORKER_H
#define MEMD_PERSISTENCE_WORKER_H

#include <stdbool.h>

struct worker;

/* NULL: *error says why there is no thread to be had (thread_why). */
struct worker *worker_new(int *error);

/* Run fn(arg) on the thread, after all that was asked for before. */
void worker_do(struct worker *w, void (*fn)(void *arg), void *arg);

/* From the next job on clients come first (thread_give_way), for good: coming back takes a right that few have. Until then the thread is as
 * its maker. */
void worker_give_way(struct worker *w);

/* Wait until all that was asked for is done; or for about so many ms: is it? */
void worker_drain(struct worker *w);
bool worker_rests_within(struct worker *w, int ms);

/* Finish what was asked for, then end the thread. */
void worker_free(struct worker **w);

#endif
