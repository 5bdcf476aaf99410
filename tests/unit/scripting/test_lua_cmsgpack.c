#include "tests/unit/scripting/chunk.h"

static lua_State *L;

static void set_up(void)
{
    L = chunk_state();
}

static void tear_down(void)
{
    lua_close(L);
}

#define PACKED(value, want) expect_chunk(L, "return hex(cmsgpack.pack(" value "))", want)
#define UNPACKED(h, want) expect_chunk(L, "return cmsgpack.unpack(bytes'" h "')", want)

START_TEST(a_whole_number_takes_as_few_bytes_as_hold_it)
{
    PACKED("0", "00");
    PACKED("127", "7f");
    PACKED("128", "cc80");
    PACKED("255", "ccff");
    PACKED("256", "cd0100");
    PACKED("65535", "cdffff");
    PACKED("65536", "ce00010000");
    PACKED("4294967295", "ceffffffff");
    PACKED("4294967296", "cf0000000100000000");
    PACKED("2^62", "cf4000000000000000");
    PACKED("-1", "ff");
    PACKED("-32", "e0");
    PACKED("-33", "d0df");
    PACKED("-128", "d080");
    PACKED("-129", "d1ff7f");
    PACKED("-32768", "d18000");
    PACKED("-32769", "d2ffff7fff");
    PACKED("-2^31", "d280000000");
    PACKED("-2^31 - 1", "d3ffffffff7fffffff");
    PACKED("-2^63", "d38000000000000000");
}
END_TEST

START_TEST(any_other_number_is_a_float_where_that_loses_nothing)
{
    PACKED("0.5", "ca3f000000");
    PACKED("0.1", "cb3fb999999999999a");
    PACKED("2^63", "ca5f000000");
    PACKED("1e300", "cb7e37e43c8800759c");
    PACKED("1/0", "ca7f800000");
    PACKED("-1/0", "caff800000");
    PACKED("-0.0", "00");
}
END_TEST

START_TEST(strings_and_the_small_values_have_their_marks)
{
    PACKED("nil", "c0");
    PACKED("true, false", "c3c2");
    PACKED("''", "a0");
    PACKED("'a\\0b'", "a3610062");
    PACKED("print", "c0");
    expect_chunk(L, "return hex(cmsgpack.pack(('x'):rep(31)):sub(1, 2))", "bf78");
    expect_chunk(L, "return hex(cmsgpack.pack(('x'):rep(32)):sub(1, 3))", "d92078");
    expect_chunk(L, "return hex(cmsgpack.pack(('x'):rep(256)):sub(1, 4))", "da010078");
    expect_chunk(L, "return hex(cmsgpack.pack(('x'):rep(65536)):sub(1, 6))", "db0001000078");
}
END_TEST

START_TEST(a_table_of_one_to_n_is_an_array_and_any_other_a_map)
{
    PACKED("{}", "90");
    PACKED("{1, 'a', {}}", "9301a16190");
    PACKED("{[2] = 1}", "810201");
    PACKED("{a = 1}", "81a16101");
    PACKED("{[1.5] = 1}", "81ca3fc0000001");
    PACKED("{[0] = 1}", "810001");
    PACKED("{[-1] = 1}", "81ff01");
    PACKED("{[2^40] = 1}", "81cf000001000000000001");
    expect_chunk(L, "local t = {} for i = 1, 16 do t[i] = 0 end return hex(cmsgpack.pack(t):sub(1, 4))",
                 "dc001000");
    expect_chunk(L, "local t = {} for i = 1, 65536 do t[i] = 0 end return hex(cmsgpack.pack(t):sub(1, 6))",
                 "dd0001000000");
    expect_chunk(L, "local t = {} for i = 1, 16 do t['k' .. i] = 0 end return hex(cmsgpack.pack(t):sub(1, 3))",
                 "de0010");
}
END_TEST

START_TEST(a_circle_and_what_lies_deeper_than_sixteen_end_in_nil)
{
    expect_chunk(L, "local t = {} t[1] = t return hex(cmsgpack.pack(t))",
                 "91919191919191919191919191919191c0");
    expect_chunk(L, "local t = {} t.a = t return #cmsgpack.pack(t)", "49");
}
END_TEST

START_TEST(all_forms_unpack)
{
    UNPACKED("00 7f cc80 cd0100 ce00010000 cf0000000100000000", "0 127 128 256 65536 4294967296");
    UNPACKED("ff e0 d080 d18000 d280000000 d3ffffffff7fffffff", "-1 -32 -128 -32768 -2147483648 -2147483649");
    UNPACKED("cfffffffffffffffff", "-1");
    UNPACKED("ca3f000000 cb3fb999999999999a", "0.5 0.1");
    UNPACKED("c0 c3 c2", "nil true false");
    UNPACKED("a3616263 d90161 da000161 db0000000161", "abc a a a");
    UNPACKED("", "");
    expect_chunk(L, "local t = cmsgpack.unpack(bytes'83a16101a16292a178c0c303') return t.a, t.b[1], #t.b, t[true]",
                 "1 x 1 3");
    expect_chunk(L, "local t = cmsgpack.unpack(bytes'dc0001dd00000001de0001df000000010203a16161')"
                    "return type(next(t[1][1]))", "table");
}
END_TEST

START_TEST(a_part_is_unpacked_with_the_offset_of_the_rest)
{
    expect_chunk(L, "return cmsgpack.unpack_one(bytes'01cc8003')", "1 1");
    expect_chunk(L, "return cmsgpack.unpack_one(bytes'01cc8003', 1)", "3 128");
    expect_chunk(L, "return cmsgpack.unpack_one(bytes'01cc8003', 3)", "-1 3");
    expect_chunk(L, "return cmsgpack.unpack_one(bytes'01cc8003', 4)", "-1");
    expect_chunk(L, "return cmsgpack.unpack_limit(bytes'01cc8003', 2)", "3 1 128");
    expect_chunk(L, "return cmsgpack.unpack_limit(bytes'01cc8003', 9, 1)", "-1 128 3");
    expect_chunk(L, "return cmsgpack.unpack_limit(bytes'01cc8003', 0, 1)", "1");
    expect_chunk(L, "return cmsgpack.unpack_limit(bytes'0102', 0)", "1 2");
    expect_chunk(L, "return cmsgpack.unpack_limit(bytes'0102', 0, 0, 'more')", "1 2");
}
END_TEST

START_TEST(bad_requests_are_refused)
{
    expect_chunk(L, "cmsgpack.pack()", "error: t:1: bad argument #0 to 'pack' (MessagePack pack needs input.)");
    expect_chunk(L, "local t = {} for i = 1, 7000 do t[i] = 1 end cmsgpack.pack(unpack(t))",
                 "error: t:1: bad argument #0 to 'pack' (Too many arguments for MessagePack pack.)");
    expect_chunk(L, "cmsgpack.unpack()", "error: t:1: bad argument #1 to 'unpack' (string expected, got no value)");
    expect_chunk(L, "cmsgpack.unpack({})", "error: t:1: bad argument #1 to 'unpack' (string expected, got table)");
    expect_chunk(L, "cmsgpack.unpack_one('ab', -1)",
                 "error: t:1: Invalid request to unpack with offset of -1 and limit of 2.");
    expect_chunk(L, "cmsgpack.unpack_limit('ab', -1)",
                 "error: t:1: Invalid request to unpack with offset of 0 and limit of 2.");
    expect_chunk(L, "cmsgpack.unpack_one('ab', 3)", "error: t:1: Start offset 3 greater than input length 2.");
    expect_chunk(L, "cmsgpack.unpack_limit('ab')",
                 "error: t:1: bad argument #2 to 'unpack_limit' (number expected, got no value)");
}
END_TEST

START_TEST(bad_data_is_refused_wherever_it_ends)
{
    expect_chunk(L, "local all = bytes'cc80cd0100ce00010000cf0000000100000000d080d18000d280000000'\n"
                    "  .. bytes'd3ffffffff7fffffffca3f000000cb3fb999999999999aa161d90161da000161db0000000161'\n"
                    "  .. bytes'9101dc000101dd00000001018101c0de0001a16101df00000001a16101'\n"
                    "local whole, at, n = {}, 0, 0\n"
                    "while at ~= -1 do whole[at] = true at = cmsgpack.unpack_one(all, at) end\n"
                    "for i = 1, #all - 1 do\n"
                    "  local ok, e = pcall(cmsgpack.unpack, all:sub(1, i))\n"
                    "  assert(ok == (whole[i] or false), i)\n"
                    "  if not ok then assert(e == 'Missing bytes in input.', e) n = n + 1 end\n"
                    "end return n > 50", "true");
    UNPACKED("dbffffffff61", "error: Missing bytes in input.");
    UNPACKED("ddffffffff61", "error: Missing bytes in input.");
    UNPACKED("dfffffffff61", "error: Missing bytes in input.");
    UNPACKED("81c001", "error: table index is nil");
    UNPACKED("81ca7fc0000001", "error: table index is NaN");
    for (int mark = 0xc1; mark <= 0xd8; mark++) {
        bool bad = mark == 0xc1 || (mark >= 0xc4 && mark <= 0xc9) || mark >= 0xd4;
        char code[80];

        if (!bad) continue;
        snprintf(code, sizeof code, "return cmsgpack.unpack(bytes'%02x00000000000000000000')", (unsigned)mark);
        expect_chunk(L, code, "error: Bad data format in input.");
    }
}
END_TEST

START_TEST(depth_and_number_of_values_are_bounded)
{
    expect_chunk(L, "cmsgpack.unpack(('\\145'):rep(100000))",
                 "error: t:1: stack overflow (in function mp_decode_to_lua_array)");
    expect_chunk(L, "cmsgpack.unpack(('\\129'):rep(100000))",
                 "error: t:1: stack overflow (too many return values at once; use unpack_one or unpack_limit "
                 "instead.)");
    expect_chunk(L, "cmsgpack.unpack(('a'):rep(100000))",
                 "error: t:1: stack overflow (too many return values at once; use unpack_one or unpack_limit "
                 "instead.)");
    expect_chunk(L, "return select('#', cmsgpack.unpack(('a'):rep(5000)))", "5000");
}
END_TEST

START_TEST(a_function_keeps_its_arguments_and_the_heap_its_bounds)
{
    expect_chunk(L, "local s = cmsgpack.pack(('x'):rep(1000000), {('y'):rep(300)})\n"
                    "local a, b = cmsgpack.unpack(s) return #a, #b[1], #s", "1000000 300 1000309");
    expect_chunk(L, "local t = {} for k in pairs(cmsgpack) do t[#t + 1] = k end table.sort(t)\n"
                    "return table.concat(t, ' '), cmsgpack._NAME, cmsgpack._VERSION",
                 "_DESCRIPTION _NAME _VERSION pack unpack unpack_limit unpack_one cmsgpack lua-cmsgpack 0.4.0");
}
END_TEST

/* Values made at random, through MessagePack and back. */
static const char random_code[] =
    "math.randomseed(SEED)\n"
    "local random = math.random\n"
    "local make\n"
    "local kinds = {\n"
    "  function() return random(0, 1) == 1 end,\n"
    "  function() return random(-40, 300) end,\n"
    "  function() return math.floor((random() - 0.5) * 2 ^ random(1, 62)) end,\n"
    "  function() return (random() - 0.5) * 2 ^ random(-80, 80) end,\n"
    "  function() return ('s'):rep(random(0, 40)) .. random(1000) end,\n"
    "  function(depth) local t = {} for i = 1, random(0, depth < 3 and 6 or 20) do t[i] = make(depth + 1) end\n"
    "    return t end,\n"
    "  function(depth) local t = {} for i = 1, random(0, 4) do t[random(-3, 9)] = make(depth + 1)\n"
    "    t['k' .. random(99)] = make(depth + 1) end return t end,\n"
    "}\n"
    "function make(depth) return kinds[random(1, depth > 4 and 5 or 7)](depth) end\n"
    "local function same(a, b)\n"
    "  if type(a) ~= 'table' or type(b) ~= 'table' then return a == b end\n"
    "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
    "  for k in pairs(b) do if a[k] == nil then return false end end\n"
    "  return true\n"
    "end\n"
    "for i = 1, ROUNDS do\n"
    "  local a, b, c = make(0), make(3), make(3)\n"
    "  local s = cmsgpack.pack(a, b, c)\n"
    "  local x, y, z = cmsgpack.unpack(s)\n"
    "  assert(same(a, x) and same(b, y) and same(c, z), i)\n"
    "  local at, first = cmsgpack.unpack_limit(s, 1)\n"
    "  local rest, p, q = cmsgpack.unpack_limit(s, 2, at)\n"
    "  assert(rest == -1 and same(first, a) and same(p, b) and same(q, c), i)\n"
    "  local cut = s:sub(1, random(0, #s))\n"
    "  pcall(cmsgpack.unpack, cut)\n"
    "end\n"
    "return 'fine'\n";

START_TEST(random_values_come_back_as_they_went)
{
    struct rng r;

    unit_rng(&r);
    lua_pushinteger(L, (lua_Integer)rng_below(&r, 1 << 30));
    lua_setglobal(L, "SEED");
    lua_pushinteger(L, 40000);
    lua_setglobal(L, "ROUNDS");
    expect_chunk(L, random_code, "fine");
}
END_TEST

UNIT_MAIN_AROUND("lua_cmsgpack", set_up, tear_down, a_whole_number_takes_as_few_bytes_as_hold_it,
                 any_other_number_is_a_float_where_that_loses_nothing,
                 strings_and_the_small_values_have_their_marks,
                 a_table_of_one_to_n_is_an_array_and_any_other_a_map,
                 a_circle_and_what_lies_deeper_than_sixteen_end_in_nil, all_forms_unpack,
                 a_part_is_unpacked_with_the_offset_of_the_rest, bad_requests_are_refused,
                 bad_data_is_refused_wherever_it_ends, depth_and_number_of_values_are_bounded,
                 a_function_keeps_its_arguments_and_the_heap_its_bounds, random_values_come_back_as_they_went)
