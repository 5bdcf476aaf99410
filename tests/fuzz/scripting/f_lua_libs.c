/* cmsgpack and struct: any bytes as data, any bytes as a format. What unpacks from MessagePack packs again
 * (to what may not unpack: a key too deep is nil). */
#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lua.h>
#include <stdbool.h>

#include "base/ensure.h"
#include "scripting/lua_libs.h"
#include "tests/fuzz/fuzz.h"

static lua_State *state(void)
{
    lua_State *L = luaL_newstate();

    ensure(L != NULL);
    lua_cmsgpack_open(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "cmsgpack");
    lua_struct_open(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "struct");
    return L;
}

/* Call library.function with the n arguments on top; they are replaced by the results, if it succeeds. */
static bool call(lua_State *L, const char *library, const char *function, int n)
{
    lua_getfield(L, LUA_REGISTRYINDEX, library);
    lua_getfield(L, -1, function);
    lua_remove(L, -2);
    lua_insert(L, -1 - n);
    if (lua_pcall(L, n, LUA_MULTRET, 0) == 0) return true;
    lua_settop(L, 0);
    return false;
}

static void check_cmsgpack(lua_State *L, const uint8_t *data, size_t size)
{
    lua_settop(L, 0);
    lua_pushlstring(L, (const char *)data, size);
    if (!call(L, "cmsgpack", "unpack_one", 1)) return;
    ensure(lua_gettop(L) == (size > 0 ? 2 : 1));
    if (size == 0) return;
    ensure(call(L, "cmsgpack", "pack", 1));
    ensure(lua_type(L, -1) == LUA_TSTRING);
    call(L, "cmsgpack", "unpack", 1);
    lua_settop(L, 0);
    lua_pushlstring(L, (const char *)data, size);
    lua_pushinteger(L, data[0]);
    lua_pushinteger(L, data[size / 2]);
    call(L, "cmsgpack", "unpack_limit", 3);
}

/* The first byte splits the rest in format and data. */
static void check_struct(lua_State *L, const uint8_t *data, size_t size)
{
    if (size == 0) return;
    size_t n = data[0] < size - 1 ? data[0] : size - 1;

    lua_settop(L, 0);
    lua_pushlstring(L, (const char *)data + 1, n);
    call(L, "struct", "size", 1);
    for (int from = -1; from < 4; from++) {
        lua_settop(L, 0);
        lua_pushlstring(L, (const char *)data + 1, n);
        lua_pushlstring(L, (const char *)data + 1 + n, size - 1 - n);
        lua_pushinteger(L, from);
        if (!call(L, "struct", "unpack", 3)) continue;

        /* The values, without the position, packed by the same format. */
        lua_settop(L, -2);
        int values = lua_gettop(L);

        lua_pushlstring(L, (const char *)data + 1, n);
        lua_insert(L, 1);
        call(L, "struct", "pack", values + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *L; /* a new one for each input would be most of the time */

    if (L == NULL) L = state();
    check_cmsgpack(L, data, size);
    check_struct(L, data, size);
    lua_settop(L, 0);
    return 0;
}
