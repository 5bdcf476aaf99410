/* json.h -- what the commands on documents share: a document, a path, and what the path finds in it.
 *
 * A path that begins with $ may find any number of values and is answered with an array; a legacy path is answered with
 * one value, or an error. */
#ifndef MEMD_COMMANDS_JSON_H
#define MEMD_COMMANDS_JSON_H

#include "base/buf.h"
#include "base/json_path.h"
#include "commands/json_docs.h"

struct json_look {
    struct json_path *path;
    struct str doc; /* NULL: there is no such key */
    struct json_matches found;
    bool legacy;
};

/* Compile argument `at`, or the legacy root when there is none. Else a code. */
enum err MUST_USE json_compile(struct call *c, size_t at, struct json_path **path);

/* Find what argument path_at names in the document at argument 1, and what is done with it then. OK also without a key: l->doc.p is NULL then. After OK
 * json_look_fini is due. */
enum err MUST_USE json_look(struct call *c, size_t path_at, enum json_work work, struct json_look *l);
void json_look_fini(struct json_look *l);

/* Argument `at` in canonical form, from the arena. Else a code; CALL_ASIDE: it is long. */
enum err MUST_USE json_argument(struct call *c, size_t at, struct str *text);

/* What a value is: "object", "array", "string", "integer", "number", "boolean", "null". */
const char *json_type_name(struct str value);
static inline bool json_is(struct str value, char first)
{
    return value.p[0] == first;
}
bool json_is_number(struct str value);
static inline bool json_nests(struct str value)
{
    return json_is(value, '{') || json_is(value, '[');
}

/* Elements of an array, members of an object. */
size_t json_count(struct str value);

/* --- changing ------------------------------------------------------------------------------------------------- */

/* What became of a match. */
struct json_result {
    enum { JSON_NOTHING, JSON_INT, JSON_TEXT } kind;
    int64_t n;
    struct str text;
};

/* A command that changes each value of a kind that its path finds. */
struct json_op {
    bool (*applies)(struct str value);
    /* Append what shall stand in place of value. Not OK: the whole command fails. */
    enum err (*edit)(struct call *c, void *args, struct str value, struct buf *out, struct json_result *r);
    /* What has become of all n matches; of a legacy path of the last one. NULL: json_reply_results. */
    void (*reply)(struct call *c, const struct json_result *r, size_t n, bool legacy);
    const char *not_one; /* of "Path does not exist or %s", for a legacy path */
    enum change_kind kind;
};

/* Run op on the document at argument 1 and the path of argument path_at, and reply what has become of each match. */
enum err MUST_USE json_change(struct call *c, size_t path_at, const struct json_op *op, void *args);
void json_reply_results(struct call *c, const struct json_result *r, size_t n, bool legacy);

/* Keep text from the arena. */
struct str json_keep(struct call *c, struct str text);

#endif
