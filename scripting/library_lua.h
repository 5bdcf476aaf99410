/* library_lua.h -- running a library's text, so that it registers its functions.
 *
 * A library has an environment of its own, an empty table that cannot be written to. While its text runs,
 * all that it sees there is `redis` with register_function, log and the version; afterwards its functions
 * see the globals of the state. So no library reaches another one, nor leaves anything behind.
 *
 * The engine's name is LUA, case ignored. */
#ifndef MEMD_SCRIPTING_LIBRARY_LUA_H
#define MEMD_SCRIPTING_LIBRARY_LUA_H

#include <luajit-2.1/lua.h>
#include <stdint.h>

#include "scripting/library.h"

struct vm;

/* What the text may take. */
struct library_limit {
    int64_t timeout_us;         /* 0: for ever */
    int64_t (*mono_us)(void);
    struct vm *vm;              /* whose memory is bounded meanwhile as that of scripts is; NULL: it is not */
};

/* Load a text into s. The state's globals are those that functions will see. On success *l is the library,
 * which is the set's; else nothing has changed, and why says it in the words of the protocol, without
 * code word. */
bool MUST_USE library_lua_load(lua_State *L, struct library_set *s, struct str text, bool replace,
                               const struct library_limit *limit, const struct library **l, struct buf *why);

/* Push the function of a callback. */
void library_lua_push(lua_State *L, int callback);

/* For struct library_forget: ctx is the state. */
void library_lua_forget(void *ctx, int callback);

#endif
