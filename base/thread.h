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

#endif
