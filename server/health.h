/* health.h -- is memd fit to be sent work? For /readyz and whoever else asks. */
#ifndef MEMD_SERVER_HEALTH_H
#define MEMD_SERVER_HEALTH_H

#include <stdbool.h>

struct server;

enum { HEALTH_WHY = 600 };

/* False while the data is loaded, while the disk refuses writes, while memory is refused by the system, while a script
 * holds everybody up, and from SHUTDOWN on; why[HEALTH_WHY] says it in one line. */
bool health_is_ready(struct server *s, char *why);

#endif
