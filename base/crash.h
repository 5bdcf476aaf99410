/* crash.h -- last words.
 *
 * On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT (a failed ensure) a report is written to the log and to stderr: the
 * signal and the address, where the program was, registers, and what somebody above has to say. Then the process ends
 * by the same signal, so that its exit status and its core are what they would have been. A second failure while the
 * report is written ends it at once, and so do ten seconds.
 *
 * What clients sent is in no report: no bytes of the stack, and a register that may hold text is not shown.
 *
 * Handlers of signals have no argument of ours, so the state is the process's own: one crash_open at a time. */
#ifndef MEMD_BASE_CRASH_H
#define MEMD_BASE_CRASH_H

#include <stdbool.h>

#include "base/crash_pen.h"

struct log;

/* log and version must stay as long as the handlers. False: nothing was done, since a sanitizer is at work, whose
 * reports are better. */
bool crash_open(struct log *log, const char *version);

/* more is called in the report, under the rules of crash_pen.h, and again and again for the watchdog; NULL: nobody. */
void crash_tell_more(void (*more)(void *ctx, struct crash_pen *p), void *ctx);

/* The signals have their default meaning again. */
void crash_close(void);

/* Unless it is called again within so many ms, the main thread's stack is written to the log, and it goes on.
 * 0: not any more. */
void crash_watch(int64_t ms);

#endif
