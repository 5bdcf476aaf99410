/* metrics.h -- the HTTP port: /metrics for Prometheus, /healthz and /readyz for whoever starts and watches memd.
 *
 * metrics-port, 0 by default: there is none. It is served by libevent's evhttp on the reactor's base, and so tells the
 * truth about the reactor: while that hangs nobody is answered. It answers while the data is loaded and while a script
 * is busy, too.
 *
 * Its visitors are not clients: no limit of clients counts them, and they have limits of their own. A connection is
 * for one request and for metrics-timeout; when there are METRICS_VISITORS, others wait in the kernel's queue, which
 * is short. So strangers who come in numbers or send slowly can keep others from the metrics for some seconds, and can
 * do nothing else.
 *
 * Who may read is in metrics_guard.h; those with a wrong password wait a moment for the refusal, so that guessing takes
 * long. /healthz and /readyz tell nothing but that, and are for all. */
#ifndef MEMD_SERVER_METRICS_H
#define MEMD_SERVER_METRICS_H

#include <stdbool.h>

struct metrics;
struct server;

enum {
    METRICS_VISITORS = 16, /* connections at once ... */
    METRICS_QUEUE = 8,     /* ... and those that wait: as many may come in one turn besides */
    METRICS_DESCRIPTORS = METRICS_VISITORS + METRICS_QUEUE + 2
};

/* Listen where the settings say, if they do: s->metrics is NULL when not. False: an address could not be had; the log
 * says which. Called again when they have changed; then what was there before is gone in any case. */
bool metrics_open(struct server *s);
void metrics_close(struct server *s);

#endif
