/* type_json.h -- documents: canonical JSON text (base/json_canon.h), in its entry while it is short, in a blob else.
 *
 * A change makes the whole text anew: half a microsecond for a chat document, and what a snapshot still needs is left
 * to it. Whatever is put must be canonical; nothing here looks into it.
 *
 * A text outside its entry never changes, and is freed when nobody holds it any more: who holds one may read it on any
 * thread, whatever becomes of the key. */
#ifndef MEMD_STORAGE_TYPE_JSON_H
#define MEMD_STORAGE_TYPE_JSON_H

#include "storage/db.h"

extern const struct type_ops json_type_ops;

/* The document of an entry whose type is VALUE_JSON. Borrowed: valid until the entry changes. */
struct str json_text(const struct entry *e);

/* The text of e, which is one reference more of it; NULL: it lies in the entry. json_release, on any thread, gives it back. */
const struct blob *json_hold(const struct entry *e);
void json_release(const struct blob *text);

/* On any thread: a text of more than JSON_INLINE bytes for json_put_made, or to be given back. */
enum { JSON_INLINE = 4096 };
struct blob *json_made(struct str text);

struct entry *json_new(struct str key, struct str text, int64_t expire_ms);

/* The document at key. ERR_NO_KEY, ERR_WRONG_TYPE. */
enum err MUST_USE json_read(struct db *db, struct str key, struct str *text);

/* The same to change it. ERR_NO_KEY: s is ready for json_put. */
enum err MUST_USE json_find(struct db *db, struct str key, struct slot *s, struct str *text);

/* Make text the document of s, there or not, and tell it as kind. A TTL stays. other: it is another document, not what
 * became of the old one. text may not lie in the entry. */
void json_put(struct slot *s, struct str text, bool other, enum change_kind kind);

/* The same with a text of json_made, which is taken. */
void json_put_made(struct slot *s, struct blob *text, bool other, enum change_kind kind);

#endif
