/* json_merge.h -- JSON Merge Patch (RFC 7396) on canonical texts. */
#ifndef MEMD_BASE_JSON_MERGE_H
#define MEMD_BASE_JSON_MERGE_H

#include "base/json.h"

/* Append to out what patch makes of target (empty: there is none). Members keep their order, new ones follow in that of
 * the patch. */
void json_merge(struct str target, struct str patch, struct buf *out);

#endif
