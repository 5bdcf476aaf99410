/* why.h -- what went wrong, in words, for whoever starts or configures the daemon. */
#ifndef MEMD_PERSISTENCE_WHY_H
#define MEMD_PERSISTENCE_WHY_H

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

/* Write the words to why[PERSIST_WHY] (cut when too long), and return e. */
__attribute__((format(printf, 3, 4))) static inline enum err why_put(char *why, enum err e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, 512, fmt, ap);
    va_end(ap);
    return e;
}

#endif
