/* library.h -- libraries of functions: what FUNCTION LOAD makes of a source text.
 *
 * A library is a text and the functions that the text registered when it was run once. A set holds
 * libraries under their names and all their functions under theirs: one is in use, others are in the
 * making (FUNCTION RESTORE, loading). Nothing here knows Lua: a callback is a number that library_lua.h
 * made, and the set's `forget` gives it back.
 *
 * A library's name has its case; a function's has none. Both are made of letters, digits and '_'. */
#ifndef MEMD_SCRIPTING_LIBRARY_H
#define MEMD_SCRIPTING_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/ensure.h"

struct library;

struct library_function {
    struct buf name;    /* first, as in struct library: one search serves both */
    const struct library *library;
    struct buf description;
    bool described;
    unsigned flags; /* enum script_flag */
    int callback;
};

struct library {
    struct buf name, text;
    struct library_function **functions; /* by name */
    size_t n_functions;
};

struct library_forget {
    void (*forget)(void *ctx, int callback);
    void *ctx;
};

struct library_set {
    struct library_forget forget;
    struct library **libraries;          /* by name */
    struct library_function **functions; /* of all, by name without case */
    size_t n_libraries, n_functions;
};

/* --- a library in the making ---------------------------------------------------------------------- */

/* What the first line of a text says: "#!engine name=x". */
struct library_head {
    struct str body;         /* from the end of that line on */
    struct buf name, engine; /* owned: library_head_fini */
};

/* Read it; on failure *why gets the text of the error (without code word), and there is nothing to
 * free. */
bool MUST_USE library_head_read(struct library_head *h, struct str text, struct buf *why);
void library_head_fini(struct library_head *h);

/* Tell in `why`, in the place of what it said, an error about a name (which may be empty). Always false. */
bool library_fail(struct buf *why, const char *before, struct str name, const char *after);

/* Letters, digits and '_', at least one. */
bool library_name_ok(struct str name);
extern const char library_bad_name[]; /* the text of the error, for functions too */

struct library *library_new(struct str name, struct str text);
void library_free(struct library **l, const struct library_forget *f);

/* Add a function, whose callback is the library's from now on. Else (and it is not) the text of the error. */
const char *MUST_USE library_add(struct library *l, struct str name, const struct str *description, unsigned flags,
                                 int callback);

/* --- sets ------------------------------------------------------------------------------------------ */

void library_set_init(struct library_set *s, const struct library_forget *f);
void library_set_fini(struct library_set *s);

struct library *library_set_find(const struct library_set *s, struct str name);
const struct library_function *library_set_function(const struct library_set *s, struct str name);

/* Take l in, in the place of one of the same name when there is one and `replace` allows it. False: a name
 * is taken; why says it, nothing has changed, and l stays the caller's. */
bool MUST_USE library_set_add(struct library_set *s, struct library *l, bool replace, struct buf *why);

/* False: there is none of that name. */
bool library_set_remove(struct library_set *s, struct str name);

/* Move all libraries of `from` into s, or none: names as for library_set_add. */
bool MUST_USE library_set_join(struct library_set *s, struct library_set *from, bool replace, struct buf *why);

/* Bytes that the set's own structures take: what they hold in a Lua state not included. */
size_t library_set_bytes(const struct library_set *s);

/* All that must hold does. */
void library_set_check(const struct library_set *s);

#endif
