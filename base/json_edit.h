/* json_edit.h -- new documents out of old ones and what a path has found in them (json_path.h).
 *
 * A document is canonical text, so to change a part of it is to copy the rest and write the part anew. */
#ifndef MEMD_BASE_JSON_EDIT_H
#define MEMD_BASE_JSON_EDIT_H

#include "base/json_path.h"

/* Append to out what shall stand in place of value, the index-th of the matches. value is as the edits before it have
 * left it: a match within another is edited first, one that comes twice is edited twice. */
typedef void json_edit_fn(void *ctx, size_t index, struct str value, struct buf *out);

/* Append doc to out with each match edited. */
void json_edit(struct str doc, const struct json_matches *m, json_edit_fn *edit, void *ctx, struct buf *out);

/* Append doc to out without the matches, none of which may be the document itself. How many were removed: those within
 * others that go, and those that come twice, count once. */
size_t json_remove(struct str doc, const struct json_matches *m, struct buf *out);

#endif
