/* lua_steps.c -- see lua_steps.h. */
#include "scripting/lua_steps.h"

#include <luajit-2.1/lauxlib.h>

void lua_steps_ask(lua_State *L, struct lua_steps *s)
{
    lua_Hook hook = lua_gethook(L);
    lua_Debug at = { 0 };

    s->left = LUA_STEPS;
    luaL_checkstack(L, LUA_MINSTACK, "no room to ask whether to go on");
    if (hook != NULL) hook(L, &at);
}
