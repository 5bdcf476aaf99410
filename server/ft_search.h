/* ft_search.h -- FT.SEARCH as a job. */
#ifndef MEMD_SERVER_FT_SEARCH_H
#define MEMD_SERVER_FT_SEARCH_H

#include "server/ft_job.h"

/* What the arguments ask for, from the query on, which is argument `from`; the index is argument 1. The code to return when it is
 * not OK. */
enum err MUST_USE ft_search_job(struct call *c, size_t from, struct ft_job **job);

#endif
