/* crash_pen.h -- writing lines where nothing may be trusted: in the handler of a signal that ends the process.
 *
 * No memory is asked for, no lock taken, no function called that is not safe there (signal-safety(7)). A line goes to
 * the log, as an object when that holds JSON, and to stderr when that is not the same file. */
#ifndef MEMD_BASE_CRASH_PEN_H
#define MEMD_BASE_CRASH_PEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crash_pen {
    int fds[2]; /* log, stderr; -1: not there */
    bool json;  /* in the log */
    size_t n;
    char line[512]; /* what is longer is cut */
};

/* Begin; log_fd may be -1. */
void crash_pen_open(struct crash_pen *p, int log_fd, bool json);

void crash_put(struct crash_pen *p, const char *text);
void crash_put_u64(struct crash_pen *p, uint64_t v);
void crash_put_hex(struct crash_pen *p, uint64_t v); /* with 0x */

/* The line is complete. */
void crash_end_line(struct crash_pen *p);

/* text as a line of its own. */
void crash_line(struct crash_pen *p, const char *text);

#endif
