#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>

void ensure_failed(const char *file, int line, const char *cond)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, cond);
    fflush(stderr);
    abort();
}
