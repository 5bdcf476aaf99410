/* rarely.h -- log lines that anybody could cause a thousand times a second.
 *
 * One line a second for each kind of event; the next one says how many were kept back meanwhile. */
#ifndef MEMD_SERVER_RARELY_H
#define MEMD_SERVER_RARELY_H

#include <stdbool.h>
#include <stdint.h>

struct rarely {
    bool told;
    int64_t told_ms;
    uint64_t kept_back;
};

/* True when a line may be written now (monotonic ms); *kept_back are those before it that were not. */
static inline bool rarely_may(struct rarely *r, int64_t now_ms, uint64_t *kept_back)
{
    enum { EVERY_MS = 1000 };

    if (r->told && now_ms - r->told_ms < EVERY_MS) {
        r->kept_back++;
        return false;
    }
    *kept_back = r->kept_back;
    *r = (struct rarely){ .told = true, .told_ms = now_ms };
    return true;
}

#endif
