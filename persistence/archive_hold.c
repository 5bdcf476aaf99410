/* archive_hold.c -- see archive_hold.h. */
#include "persistence/archive_hold.h"

#include <unistd.h>

#include "base/mem.h"
#include "persistence/archive_reader.h"

static void run(struct archive_job *j, struct archive_reader *r)
{
    enum { LOOK_US = 500 };

    while (!atomic_load(&j->cancelled) && (r->closing == NULL || !atomic_load(r->closing))) usleep(LOOK_US);
}

static void done(struct archive_job *j)
{
    mem_free(j);
}

struct archive_job *archive_hold_new(void)
{
    struct archive_job *j = mem_zalloc(sizeof *j);

    j->run = run;
    j->done = done;
    return j;
}
