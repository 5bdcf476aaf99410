/* json_docs.h -- the documents of a call, here or aside.
 *
 * Handlers of JSON.* read and write documents by these functions alone. In an ordinary call that is the database. Where that
 * would take too long for one piece, and the caller may wait, reading fails with CALL_ASIDE, and the call goes aside: its
 * documents are gathered first, as they are, the handler runs with them on another thread (texts do not change,
 * storage/type_json.h), and what it wrote and replied is kept. Back at home, and if its documents still are what they were, all
 * that is done at once; if they are not, it begins anew. So whatever is seen and done is of one moment: that of the reply. */
#ifndef MEMD_COMMANDS_JSON_DOCS_H
#define MEMD_COMMANDS_JSON_DOCS_H

#include "base/json_path.h"
#include "commands/command.h"
#include "storage/db.h"

/* --- for handlers ----------------------------------------------------------------------------------------------- */

/* The `run` of every row whose `aside` may go aside. */
enum err MUST_USE json_run(struct call *c);

/* What is about to be done with a text. */
enum json_work {
    JSON_UNREAD, /* nothing looks into it */
    JSON_LIGHT,  /* a path is looked for, and what it finds is copied or counted */
    JSON_COSTLY  /* it is parsed, or something is done to each value in it */
};

/* May this not be done here to so many bytes, by the path p (NULL: none)? Then CALL_ASIDE is to be returned, before anything has
 * been changed. */
enum { JSON_SHORT = 1024 }; /* always may */
bool json_is_longer(const struct call *c, size_t n, enum json_work work, const struct json_path *p);
static inline bool json_is_long(const struct call *c, size_t n, enum json_work work, const struct json_path *p)
{
    return UNLIKELY(n > JSON_SHORT) && json_is_longer(c, n, work, p);
}

/* The document at key, and what is done with it. ERR_NO_KEY, ERR_WRONG_TYPE, CALL_ASIDE. */
enum err MUST_USE json_doc_read(struct call *c, struct str key, enum json_work work, const struct json_path *p, struct str *doc);

/* Is there one, and of how many bytes? OK, ERR_NO_KEY, ERR_WRONG_TYPE. Counts as no read. */
enum err MUST_USE json_doc_ask(struct call *c, struct str key, size_t *n);

/* The document to change it, however long. ERR_NO_KEY (pl is ready for json_doc_put), ERR_WRONG_TYPE. */
struct json_place {
    struct slot slot;
    struct json_doc *doc; /* aside */
};
enum err MUST_USE json_doc_find(struct call *c, struct str key, struct json_place *pl, struct str *doc);

/* As json_put (storage/type_json.h). doc as it was found is not to be used any more. */
void json_doc_put(struct call *c, struct json_place *pl, struct str text, bool other, enum change_kind kind);

/* Nothing is left of it: the key goes, told as kind and as CHANGE_DEL. */
void json_doc_remove(struct call *c, struct json_place *pl, enum change_kind kind);

/* What the key takes in memory, if text is all of its document; else 0. */
size_t json_doc_bytes(struct call *c, struct str key, struct str text);

/* --- for who runs calls aside (server/aside.c) ------------------------------------------------------------------------ */

/* The documents that a request names, as they are. argv stays as long as they do. */
struct json_docs *json_docs_new(struct db *db, const struct command *cmd, size_t argc, const struct str *argv);

/* On any thread: run the command by them, with replies in that version of RESP. */
void json_docs_run(struct json_docs *d, int resp);

/* Are the documents what they were? */
bool json_docs_hold(const struct json_docs *d, struct db *db);

/* Do what was done aside, and take the reply; the code for the handler to return. What the journal is to know goes to c. */
enum err MUST_USE json_docs_settle(struct json_docs *d, struct call *c, struct buf *reply);

/* What they hold beside the documents, which are the keys'. Not while they run. */
size_t json_docs_bytes(const struct json_docs *d);
void json_docs_free(void *docs); /* on any thread */

#endif
