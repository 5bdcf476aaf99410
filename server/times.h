/* times.h -- the clocks as the daemon sees them (base/wall.h says why it has a wall time of its own). */
#ifndef MEMD_SERVER_TIMES_H
#define MEMD_SERVER_TIMES_H

#include <stdint.h>

struct server;

/* Read the clocks for the first time. */
void times_open(struct server *s);

/* Read them anew, for the turn; a jump of the system's clock goes to the log. */
void times_look(struct server *s);

/* The daemon's wall time at this moment, not that of the turn. */
int64_t times_wall_us(const struct server *s);

#endif
