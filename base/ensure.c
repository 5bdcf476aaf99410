#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>

static struct ensure_broken broken; /* the process's own: it ends with it */

const struct ensure_broken *ensure_what_broke(void)
{
    return &broken;
}

void ensure_failed(const char *file, int line, const char *cond)
{
    broken = (struct ensure_broken){ file, cond, line };
    fprintf(stderr, "%s:%d: %s\n", file, line, cond);
    fflush(stderr);
    abort();
}
