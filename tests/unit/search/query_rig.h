/* query_rig.h -- an index with a field of each kind, and queries asked of it. */
#ifndef MEMD_TESTS_QUERY_RIG_H
#define MEMD_TESTS_QUERY_RIG_H

#include "search/query.h"
#include "tests/unit/unit.h"

/* FT.CREATE's arguments from the name on, split at blanks. */
struct search_index *rig_index(const char *create);

/* The index of most tests: title body (TEXT), plain (TEXT NOSTEM), tags e (TAG INDEXEMPTY), n m (NUMERIC), place (GEO),
 * v (FLAT, 2 float32, L2), h (HNSW, the same), a.b-c (TAG), gone (TAG INDEXMISSING). */
struct search_index *rig_default(void);

/* What FT.EXPLAIN says, or "!" and the error; params: name, value, ... NULL. */
const char *rig_explain(struct search_index *ix, const char *query, ...);

#endif
