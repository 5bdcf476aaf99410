/* nearest.h -- what somebody may have meant. */
#ifndef MEMD_CONF_NEAREST_H
#define MEMD_CONF_NEAREST_H

#include "base/str.h"

/* The setting whose name or alias is most like `asked`, NULL when none is much like it. */
const char *conf_nearest(struct str asked);

#endif
