/* function.h -- the function libraries of the server: those in use, and their Lua state.
 *
 * Libraries are data: they are in snapshots and in the log (persist.h knows them as texts), and loading
 * other data replaces them. Scripts of EVAL have another state. */
#ifndef MEMD_SERVER_FUNCTION_H
#define MEMD_SERVER_FUNCTION_H

#include "scripting/library.h"
#include "server/server.h"

struct functions;
struct vm;

struct functions *functions_new(struct server *s);
/* Of no server: what is loaded can be looked at, and not run. */
struct functions *functions_new_apart(void);
void functions_free(struct functions **f);

/* What persistence is given to save and load them. Lives as long as f. */
const struct persist_libraries *functions_keeper(const struct functions *f);

/* The libraries in use. */
const struct library_set *functions_set(const struct functions *f);

/* Put a function on the stack of the state that runs it, which is returned. */
struct vm *functions_push(struct functions *f, const struct library_function *fn);

/* Load a text; timeout_ms 0: it may run for ever. On success *name is the library's, borrowed from it; else
 * why gets the text of the error without its code word. */
bool MUST_USE functions_load(struct functions *f, struct str text, bool replace, int64_t timeout_ms, struct str *name,
                             struct buf *why);

bool functions_delete(struct functions *f, struct str name);
void functions_flush(struct functions *f);

enum functions_policy { FUNCTIONS_APPEND, FUNCTIONS_REPLACE, FUNCTIONS_FLUSH };

/* Take the libraries of a payload, all or none. */
bool MUST_USE functions_restore(struct functions *f, struct str payload, enum functions_policy policy,
                                struct buf *why);

/* Bytes of the state, and of what is kept beside it. */
struct functions_memory {
    size_t state, own;
};
struct functions_memory functions_memory(const struct functions *f);

#endif
