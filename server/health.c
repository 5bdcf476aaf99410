/* health.c -- see health.h. */
#include "server/health.h"

#include <stdio.h>

#include "base/mem.h"
#include "server/script_run.h"
#include "server/server.h"

bool health_is_ready(struct server *s, char *why)
{
    struct persist_info p;
    const char *refusal = persist_refusal(s->persist), *busy = script_busy(s->script);

    if (s->stopping) {
        snprintf(why, HEALTH_WHY, "shutting down");
    } else if (s->store->loading) {
        persist_info(s->persist, &p);
        snprintf(why, HEALTH_WHY, "loading: %llu of %llu bytes", (unsigned long long)p.progress.bytes,
                 (unsigned long long)p.progress.total_bytes);
    } else if (busy) {
        snprintf(why, HEALTH_WHY, "%s", busy);
    } else if (refusal) {
        snprintf(why, HEALTH_WHY, "%s", refusal);
    } else if (mem_is_short()) {
        snprintf(why, HEALTH_WHY, "the system refuses memory");
    } else {
        return true;
    }
    return false;
}
