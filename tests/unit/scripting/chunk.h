/* chunk.h -- a Lua state of a test, with the libraries under test, and chunks that run in it. */
#ifndef MEMD_TESTS_UNIT_SCRIPTING_CHUNK_H
#define MEMD_TESTS_UNIT_SCRIPTING_CHUNK_H

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lua.h>
#include <luajit-2.1/luajit.h>
#include <luajit-2.1/lualib.h>

#include "scripting/lua_libs.h"
#include "tests/unit/unit.h"

/* hex(s): the bytes of s; bytes(h): the other way round. */
static const char chunk_prelude[] =
    "function hex(s) return (s:gsub('.', function(c) return ('%02x'):format(c:byte()) end)) end\n"
    "function bytes(h) return (h:gsub(' ', ''):gsub('%x%x', function(x) return string.char(tonumber(x, 16)) end)) end\n";

static inline lua_State *chunk_state(void)
{
    lua_State *L = luaL_newstate();

    ck_assert(L != NULL);
    luaL_openlibs(L);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    lua_cmsgpack_open(L);
    lua_setglobal(L, "cmsgpack");
    lua_struct_open(L);
    lua_setglobal(L, "struct");
    ck_assert_int_eq(luaL_dostring(L, chunk_prelude), 0);
    ck_assert_int_eq(lua_gettop(L), 0);
    return L;
}

/* Run code; its results, each through tostring and separated by blanks, or the text of its error. */
static inline void chunk_run(lua_State *L, const char *code, struct buf *out)
{
    int failed = luaL_loadbuffer(L, code, strlen(code), "=t") || lua_pcall(L, 0, LUA_MULTRET, 0);
    int n = lua_gettop(L);

    buf_clear(out);
    if (failed) buf_add_c(out, "error: ");
    for (int i = 1; i <= n; i++) {
        size_t len;

        lua_getglobal(L, "tostring");
        lua_pushvalue(L, i);
        ck_assert_int_eq(lua_pcall(L, 1, 1, 0), 0);
        const char *text = lua_tolstring(L, -1, &len);

        if (i > 1) buf_add_char(out, ' ');
        buf_add(out, text, len);
        lua_pop(L, 1);
    }
    lua_settop(L, 0);
}

#define expect_chunk(L, code, want) chunk_expect(__FILE__, __LINE__, L, code, want)

static inline void chunk_expect(const char *file, int line, lua_State *L, const char *code, const char *want)
{
    struct buf got = { 0 };

    chunk_run(L, code, &got);
    if (!str_eq(buf_str(&got), str_c(want)))
        ck_abort_msg("%s:%d: %s\n  got  %.*s\n  want %s", file, line, code, (int)got.n, got.p, want);
    buf_fini(&got);
}

#endif
