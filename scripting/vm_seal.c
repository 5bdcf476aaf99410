/* vm_seal.c -- tables that scripts share, and functions in the place of others.
 *
 * LuaJIT has no read-only tables, so every table that scripts share is a seal: an empty table whose
 * metatable shows what there is and refuses to be written, read or replaced. The functions that go past
 * metatables (rawset, table.insert ...) know a seal by its metatable, which is in a registry of them. */
#include <luajit-2.1/lauxlib.h>

#include "scripting/vm_impl.h"

static const char seals_key, shown_key;

int vm_refuse_write(lua_State *L)
{
    return luaL_error(L, "Attempt to modify a readonly table");
}

/* __index of what is behind a strict seal. */
static int refuse_read(lua_State *L)
{
    return luaL_error(L, "Script attempted to access nonexistent global variable '%s'", lua_tostring(L, 2));
}

static void push_seals(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&seals_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (!lua_isnil(L, -1)) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_newtable(L); /* weak keys: a seal that nobody holds is forgotten */
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&seals_key);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* The table on top is the metatable of seals: such a seal is known by it. */
static void know(lua_State *L)
{
    push_seals(L);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void vm_push_metatable_shown(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&shown_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (!lua_isnil(L, -1)) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, vm_refuse_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    know(L);
    lua_setmetatable(L, -2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&shown_key);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

void vm_seal(lua_State *L, bool strict)
{
    lua_newtable(L);
    lua_createtable(L, 0, 3);
    lua_pushvalue(L, -3);
    if (strict) {
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, refuse_read);
        lua_setfield(L, -2, "__index");
        lua_setmetatable(L, -2);
    }
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, vm_refuse_write);
    lua_setfield(L, -2, "__newindex");
    vm_push_metatable_shown(L);
    lua_setfield(L, -2, "__metatable");
    know(L);
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

bool vm_is_sealed(lua_State *L, int index)
{
    bool sealed;

    if (!lua_getmetatable(L, index)) return false;
    push_seals(L);
    lua_insert(L, -2);
    lua_rawget(L, -2);
    sealed = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return sealed;
}

/* --- wrapping --------------------------------------------------------------------------------------- */

int vm_call_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

void vm_wrap(lua_State *L, const char *library, const char *name, lua_CFunction with)
{
    lua_getglobal(L, library);
    lua_getfield(L, -1, name);
    if (lua_isfunction(L, -1)) {
        lua_pushcclosure(L, with, 1);
        lua_setfield(L, -2, name);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 2);
    }
}
