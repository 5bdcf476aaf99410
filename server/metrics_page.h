/* metrics_page.h -- what /metrics tells: the facts of INFO, by Prometheus' rules for names and units.
 *
 * A page is written piece by piece, so that many commands and namespaces do not hold the reactor: what it tells at
 * its end may be a few milliseconds younger than what it tells at its beginning. */
#ifndef MEMD_SERVER_METRICS_PAGE_H
#define MEMD_SERVER_METRICS_PAGE_H

#include "server/exposition.h"

struct metrics_page;
struct server;

/* open: OpenMetrics, else text format 0.0.4. */
struct metrics_page *metrics_page_new(struct server *s, bool open);
void metrics_page_free(struct metrics_page **p);

/* Write on for about budget_us. True: there is more. */
bool metrics_page_write(struct metrics_page *p, int64_t budget_us);

/* What has been written: the caller's from now on (buf_fini). */
struct buf metrics_page_take(struct metrics_page *p);

#endif
