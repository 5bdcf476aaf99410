/* lua_steps.h -- functions of C that take long, and can be stopped all the same.
 *
 * LuaJIT asks its hook between instructions of Lua alone. What loops in C counts its steps here, over all calls of a
 * state, and after so many calls the hook itself: whoever set it may raise an error there, as it may anywhere. */
#ifndef MEMD_SCRIPTING_LUA_STEPS_H
#define MEMD_SCRIPTING_LUA_STEPS_H

#include <luajit-2.1/lua.h>
#include <stddef.h>

enum { LUA_STEPS = 100000 }; /* from one question to the next: some tenths of a millisecond */

struct lua_steps {
    size_t left; /* until the hook is asked; LUA_STEPS at first */
};

/* Ask it now, if there is one. May raise an error, or run for long. */
void lua_steps_ask(lua_State *L, struct lua_steps *s);

/* n steps, of some nanoseconds each, have been done. */
static inline void lua_step(lua_State *L, struct lua_steps *s, size_t n)
{
    if (__builtin_expect(s->left <= n, 0)) lua_steps_ask(L, s);
    else s->left -= n;
}

#endif
