/* report.c -- lines. */
#include "persistence/report.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 6 * 1024 };

static void say(struct report *r, const char *fmt, va_list ap)
{
    char line[LINE_MAX_BYTES];

    vsnprintf(line, sizeof line, fmt, ap);
    r->say(r->ctx, line);
}

void report_line(struct report *r, const char *fmt, ...)
{
    va_list ap;

    if (!r) return;
    va_start(ap, fmt);
    say(r, fmt, ap);
    va_end(ap);
}

void report_bad(struct report *r, const char *fmt, ...)
{
    va_list ap;

    if (!r) return;
    r->n_bad++;
    va_start(ap, fmt);
    say(r, fmt, ap);
    va_end(ap);
}
