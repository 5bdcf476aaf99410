/* vm_json.c -- cjson, bounded: the library ends the process when its buffer outgrows an int, so what would be
 * too long is refused before it begins. */
#include <luajit-2.1/lauxlib.h>
#include <math.h>

#include "scripting/vm_impl.h"

/* Of liblua5.1-cjson, whose header wants another Lua's. */
int luaopen_cjson(lua_State *L);

enum { JSON_MAX = 512 << 20, JSON_DEPTH_MAX = 1000, JSON_EACH = 40, JSON_NULL = 5 };

struct json_size {
    size_t bytes; /* of what there is */
    size_t holes; /* of the nulls in arrays that lack elements, if they are written */
};

/* An array as long as its greatest index, if all its keys are indexes. */
struct json_array {
    size_t items;
    double max;
    bool is_one;
};

static void json_count_key(lua_State *L, int index, struct json_array *a)
{
    double k = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : 0;

    a->items++;
    if (!(k >= 1) || k != floor(k)) a->is_one = false;
    else if (k > a->max) a->max = k;
}

/* Add what the value at the top would be in JSON, roughly and at most. */
static void json_measure(lua_State *L, int depth, struct json_size *sum)
{
    struct json_array array = { .is_one = true };

    if (lua_type(L, -1) == LUA_TSTRING) {
        sum->bytes += 6 * lua_objlen(L, -1) + 3;
        return;
    }
    sum->bytes += JSON_EACH;
    if (!lua_istable(L, -1) || depth > JSON_DEPTH_MAX || !lua_checkstack(L, 4)) return;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        json_measure(L, depth + 1, sum);
        sum->bytes += lua_type(L, -2) == LUA_TSTRING ? 6 * lua_objlen(L, -2) + 5 : JSON_EACH;
        json_count_key(L, -2, &array);
        lua_pop(L, 1);
        if (sum->bytes <= JSON_MAX) continue;
        lua_pop(L, 1);
        return;
    }
    if (array.is_one && array.max > (double)array.items)
        sum->holes += array.max < JSON_MAX ? (size_t)array.max * JSON_NULL : JSON_MAX + 1;
}

/* Are arrays with many holes written as such? Not as the library is set at first: then holes are fewer
 * than what there is. */
static bool json_writes_holes(lua_State *L)
{
    double ratio, safe;

    lua_pushvalue(L, lua_upvalueindex(2));
    lua_call(L, 0, 3);
    ratio = lua_tonumber(L, -2);
    safe = lua_tonumber(L, -1);
    lua_pop(L, 3);
    return !(ratio >= 1 && ratio <= JSON_EACH / JSON_NULL && safe <= 2 * JSON_EACH / JSON_NULL);
}

static int run_json_encode(lua_State *L)
{
    struct json_size sum = { 0 };
    int top = lua_gettop(L);

    if (top == 1) json_measure(L, 0, &sum);
    if (sum.bytes > JSON_MAX || (sum.bytes + sum.holes > JSON_MAX && json_writes_holes(L)))
        return luaL_error(L, "JSON would be too long");
    lua_settop(L, top);
    return vm_call_wrapped(L);
}

static int run_json_decode(lua_State *L)
{
    if (lua_isstring(L, 1) && lua_objlen(L, 1) > JSON_MAX) return luaL_error(L, "JSON is too long");
    return vm_call_wrapped(L);
}

/* One that is made anew would not have these bounds. */
void vm_open_cjson(lua_State *L)
{
    luaopen_cjson(L);
    lua_setglobal(L, "cjson");
    vm_wrap(L, "cjson", "decode", run_json_decode);
    lua_getglobal(L, "cjson");
    lua_getfield(L, -1, "encode");
    lua_getfield(L, -2, "encode_sparse_array");
    lua_pushcclosure(L, run_json_encode, 2);
    lua_setfield(L, -2, "encode");
    lua_pushnil(L);
    lua_setfield(L, -2, "new");
    lua_pop(L, 1);
}
