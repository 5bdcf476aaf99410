/* lua_libs.h -- the libraries `cmsgpack` and `struct` for scripts, and a part of `string`.
 *
 * All know a Lua state and nothing of the daemon. All memory they take is the state's own (strings and
 * userdata), so that what a script may use is bounded in one place and a raised error leaks nothing.
 *
 *   cmsgpack  MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), the part without
 *             bin, ext and timestamps, as scripts of Redis know it: a table whose keys are 1..n is an
 *             array, any other a map; numbers that are whole are integers; tables deeper than 16 are
 *             nil, which also ends a circle. pack(...), unpack(s), unpack_one(s [, offset]),
 *             unpack_limit(s, n [, offset]).
 *   struct    C structures to strings and back by a format. pack(fmt, ...), unpack(fmt, s [, from]),
 *             size(fmt). The letters of the format stand in lua_struct.c. */
#ifndef MEMD_SCRIPTING_LUA_LIBS_H
#define MEMD_SCRIPTING_LUA_LIBS_H

#include "scripting/lua_steps.h"

/* Push the library's table; the value is 1, as of every lua_CFunction with one result. */
int lua_cmsgpack_open(lua_State *L);
int lua_struct_open(lua_State *L);

/* Put find, match, gmatch and gsub that can be stopped (lua_steps.h) in the place of LuaJIT's own, in the library
 * `string` on top of the stack; it stays there. steps outlives the state. */
void lua_string_bound(lua_State *L, struct lua_steps *steps);

#endif
