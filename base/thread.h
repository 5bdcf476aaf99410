/* thread.h -- starting a thread. */
#ifndef MEMD_BASE_THREAD_H
#define MEMD_BASE_THREAD_H

#include <pthread.h>

#include "base/ensure.h"

/* Run fn(arg) on a new thread, which takes no signals: those are the reactor's. 0, or what is the matter
 * (EAGAIN: a limit on processes has been reached). */
int MUST_USE thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg);

/* Words for the log after that. */
const char *thread_why(int error);

/* The calling thread does what can wait a little. Where the reactor has the same core it comes first, and keeps
 * nine tenths of it. Not more: a save has to come to an end, and a thread that holds a lock and starves would make
 * others wait. With a long slice it is interrupted as soon as somebody with a shorter one wakes (Linux 6.12 and
 * later; others ignore it). */
void thread_give_way(void);

#endif
