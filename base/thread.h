/* thread.h -- starting a thread, and waiting for one. */
#ifndef MEMD_BASE_THREAD_H
#define MEMD_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ensure.h"

/* Run fn(arg) on a new thread, which takes no signals but those of its own failures: the others are the
 * reactor's. name is what ps -L and a crash report
 * call it, up to 15 bytes that stay. 0, or what is the matter (EAGAIN: a limit on processes has been reached). */
int MUST_USE thread_start(pthread_t *t, const char *name, void *(*fn)(void *arg), void *arg);

/* A condition that is waited for by the monotonic clock; and wait for it for so long at the most: has it been signalled? Now and then it
 * seems so and nobody has. */
void thread_cond_init(pthread_cond_t *c);
bool thread_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t us);

/* Give the calling thread a stack for handlers of signals, so that one that has used up its own can still say so.
 * thread_start does it for each; once more does nothing. */
void thread_signal_stack(void);

/* Words for the log after that. */
const char *thread_why(int error);

/* The calling thread does what can wait a little. Where the reactor has the same core it comes first, and keeps
 * nine tenths of it. Not more: a save has to come to an end, and a thread that holds a lock and starves would make
 * others wait. With a long slice it is interrupted as soon as somebody with a shorter one wakes (Linux 6.12 and
 * later; others ignore it). */
void thread_give_way(void);

/* --- standing back ---------------------------------------------------------------------------------------
 *
 * To give way is not enough for who works long without a pause. A thread that slept for less than its due when
 * it wakes up again is not let in before the next tick of the kernel's clock, 4 ms: the reactor, which sleeps for
 * microseconds, loses it a few times a second to such a thread. One that stands back (SCHED_IDLE) is interrupted at
 * once, by whoever wakes. But it starves where the processor is busy: somebody has to watch it, and call it forward. */

/* Once, at the start, before rights are given up: ask for what coming forward takes (RLIMIT_NICE, where it is not allowed by
 * CAP_SYS_NICE). A process that gives up both later does so before a thread stands back. */
void thread_prepare(void);

/* The calling thread, for thread_come_forward. */
int thread_id(void);

/* The calling thread stands back. False: this process may not come forward again (it has no CAP_SYS_NICE, and RLIMIT_NICE is
 * below 10 and was not to be raised): then it does not stand back either. */
bool MUST_USE thread_stand_back(void);

/* Any thread: the one of this id, which stands back, is to give way and no more (thread_give_way). */
void thread_come_forward(int id);

/* Take a lock that the one of this id may hold, or be about to hold, while it stands back: on a busy processor it would not come to
 * give it up for minutes. It is called forward for as long as that takes. True: it was, and whoever keeps account of that is to know. */
bool MUST_USE thread_lock_against(pthread_mutex_t *lock, int id);

#endif
