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

#define PACKED(args, want) expect_chunk(L, "return hex(struct.pack(" args "))", want)
#define UNPACKED(format, h, want) expect_chunk(L, "return struct.unpack('" format "', bytes'" h "')", want)
#define SIZE(format, want) expect_chunk(L, "return struct.size('" format "')", want)

START_TEST(integers_take_the_bytes_of_their_letters)
{
    PACKED("'bBhHiIlLT', -1, 255, -2, 65535, -3, 4, -5, 6, 7",
           "fffffefffffffdffffff04000000fbffffffffffffff06000000000000000700000000000000");
    PACKED("'>bBhHiIlLT', -1, 255, -2, 65535, -3, 4, -5, 6, 7",
           "fffffffefffffffffffd00000004fffffffffffffffb00000000000000060000000000000007");
    PACKED("'i3>i3', 66051, 66051", "030201010203");
    PACKED("'>i10', -1", "0000ffffffffffffffff");
    PACKED("'i0', 1", "");
    PACKED("'b', 257", "01");
    PACKED("'L', 2^64", "0000000000000000");
    PACKED("'L', 2^63", "0000000000000080");
    PACKED("'l', -2^70", "0000000000000080");
    PACKED("'l', 0/0", "0000000000000080");
    UNPACKED("bBhHiIlLT", "fffffefffffffdffffff04000000fbffffffffffffff06000000000000000700000000000000",
             "-1 255 -2 65535 -3 4 -5 6 7 39");
    UNPACKED("<i3>i3", "030201ffffff", "66051 -1 7");
    UNPACKED(">i10", "0000ffffffffffffffff", "-1 11");
    UNPACKED("i0", "", "0 1");
    UNPACKED(">L", "ffffffffffffffff", "1.844674407371e+19 9");
    UNPACKED(">l", "ffffffffffffffff", "-1 9");
}
END_TEST

START_TEST(floats_and_strings_have_theirs)
{
    PACKED("'>fd', 0.5, 0.1", "3f0000003fb999999999999a");
    PACKED("'<fd', 0.5, 0.1", "0000003f9a9999999999b93f");
    PACKED("'>ff', 1e300, -1e300", "7f800000ff800000");
    PACKED("'s', 'ab'", "616200");
    PACKED("'ccc3c0', 'ab', 'c', 'defg', 'rest'", "616364656672657374");
    PACKED("'x x', 1", "0000");
    UNPACKED(">fd", "3f0000003fb999999999999a", "0.5 0.1 13");
    UNPACKED("sxs", "61620000633000", "ab c0 8");
    UNPACKED("c2c", "616263", "ab c 4");
    UNPACKED("bc0c", "0261626364", "ab c 5");
    expect_chunk(L, "return struct.unpack('B', 'abc', 3)", "99 4");
}
END_TEST

START_TEST(alignment_pads_up_to_its_bound)
{
    PACKED("'!4bi', 1, 2", "0100000002000000");
    PACKED("'!bd', 1, 0", "01000000000000000000000000000000");
    PACKED("'!2bibh', 1, 2, 3, 4", "01000200000003000400");
    PACKED("'!1bi', 1, 2", "0102000000");
    PACKED("'!4bc2i', 1, 'ab', 2", "0161620002000000");
    UNPACKED("!4bi", "0100000002000000", "1 2 9");
    SIZE("!4bi", "8");
    SIZE("!8bd", "16");
    SIZE("bd", "9");
    SIZE("xc5i3T", "17");
    SIZE("", "0");
    SIZE("z7", "0");
}
END_TEST

START_TEST(bad_formats_are_refused)
{
    expect_chunk(L, "struct.pack('y', 1)", "error: t:1: bad argument #1 to 'pack' (invalid format option 'y')");
    expect_chunk(L, "struct.unpack('4', 'aaaa')",
                 "error: t:1: bad argument #1 to 'unpack' (invalid format option '4')");
    expect_chunk(L, "struct.size('%')", "error: t:1: bad argument #1 to 'size' (invalid format option '%')");
    expect_chunk(L, "struct.size('s')", "error: t:1: bad argument #1 to 'size' (option 's' has no fixed size)");
    expect_chunk(L, "struct.size('c0')", "error: t:1: bad argument #1 to 'size' (option 'c0' has no fixed size)");
    expect_chunk(L, "struct.pack('i33', 1)", "error: t:1: integral size 33 is larger than limit of 32");
    expect_chunk(L, "struct.pack('i2147483648', 1)", "error: t:1: integral size overflow");
    expect_chunk(L, "struct.pack('c99999999999999999999', 'a')", "error: t:1: integral size overflow");
    expect_chunk(L, "struct.pack('!3i', 1)", "error: t:1: alignment 3 is not a power of 2");
    expect_chunk(L, "struct.pack('!0i', 1)", "error: t:1: alignment 0 is not a power of 2");
    expect_chunk(L, "struct.pack()", "error: t:1: bad argument #1 to 'pack' (string expected, got no value)");
    expect_chunk(L, "struct.pack('i')", "error: t:1: bad argument #2 to 'pack' (number expected, got nil)");
    expect_chunk(L, "struct.pack('c5', 'abc')", "error: t:1: bad argument #3 to 'pack' (string too short)");
}
END_TEST

START_TEST(no_position_leads_out_of_the_data)
{
    static const char too_short[] = "error: t:1: bad argument #2 to 'unpack' (data string too short)";

    expect_chunk(L, "struct.unpack('i', 'abc')", too_short);
    expect_chunk(L, "struct.unpack('i', 'abcd', 2)", too_short);
    expect_chunk(L, "struct.unpack('b', 'abcd', 5)", too_short);
    expect_chunk(L, "struct.unpack('b', 'abcd', 2^31)", too_short);
    expect_chunk(L, "struct.unpack('b', 'abcd', 2^53)", too_short);
    expect_chunk(L, "struct.unpack('b', 'abcd', -1)", too_short);
    expect_chunk(L, "struct.unpack('c2147483647', 'abcd')", too_short);
    expect_chunk(L, "struct.unpack('bc2147483647', 'abcd', 2)", too_short);
    expect_chunk(L, "struct.unpack('bc0', '\\5abcd')", too_short);
    expect_chunk(L, "struct.unpack('<dc0', struct.pack('<d', -2))", too_short);
    expect_chunk(L, "struct.unpack('<dc0', struct.pack('<d', 1e300))", too_short);
    expect_chunk(L, "struct.unpack('<dc0', struct.pack('<d', 0/0))", too_short);
    expect_chunk(L, "struct.unpack('>', 'abcd', 9)", too_short);
    expect_chunk(L, "struct.unpack('b', 'abcd', 0)",
                 "error: t:1: bad argument #3 to 'unpack' (offset must be 1 or greater)");
    expect_chunk(L, "struct.unpack('c0', 'abcd')", "error: t:1: format 'c0' needs a previous size");
    expect_chunk(L, "struct.unpack('s', 'abcd')", "error: t:1: unfinished string in data");
    expect_chunk(L, "struct.unpack(('b'):rep(20000), ('a'):rep(20000))",
                 "error: t:1: stack overflow (too many results)");
}
END_TEST

/* Formats and values made at random: packed by the library and by the few lines of Lua beside it. */
static const char random_code[] =
    "math.randomseed(SEED)\n"
    "local random = math.random\n"
    "local sizes = { b = 1, B = 1, h = 2, H = 2, i = 4, I = 4 }\n"
    "local letters = { 'b', 'B', 'h', 'H', 'i', 'I', 'x', 's', 'f', 'd', '>', '<', '!' }\n"
    "for round = 1, ROUNDS do\n"
    "  local format, values, want, big, align, at = {}, {}, {}, false, 1, 0\n"
    "  local function put(s) want[#want + 1] = s at = at + #s end\n"
    "  local function aligned(size)\n"
    "    local a = math.min(size, align)\n"
    "    put(('\\0'):rep((a - at % a) % a))\n"
    "  end\n"
    "  for _ = 1, random(0, 12) do\n"
    "    local c = letters[random(#letters)]\n"
    "    if sizes[c] then\n"
    "      local size, v = sizes[c], nil\n"
    "      if c == c:lower() then v = random(-128, 127) * 256 ^ (size - 1) else v = random(0, 255) end\n"
    "      values[#values + 1] = v\n"
    "      aligned(size)\n"
    "      local s = ''\n"
    "      for k = 0, size - 1 do s = s .. string.char(math.floor(v / 256 ^ k) % 256) end\n"
    "      put(big and s:reverse() or s)\n"
    "    elseif c == 'f' or c == 'd' then\n"
    "      values[#values + 1] = random(-1000, 1000) / 8\n"
    "      aligned(c == 'f' and 4 or 8)\n"
    "      put(struct.pack((big and '>' or '<') .. c, values[#values]))\n"
    "    elseif c == 'x' then put('\\0')\n"
    "    elseif c == 's' then\n"
    "      values[#values + 1] = ('q'):rep(random(0, 700))\n"
    "      put(values[#values] .. '\\0')\n"
    "    elseif c == '!' then align = 2 ^ random(0, 4) c = c .. align\n"
    "    else big = c == '>' end\n"
    "    format[#format + 1] = c\n"
    "  end\n"
    "  local f = table.concat(format, ' ')\n"
    "  local s = struct.pack(f, unpack(values))\n"
    "  assert(s == table.concat(want), f)\n"
    "  local back = { struct.unpack(f, s) }\n"
    "  assert(#back == #values + 1 and back[#back] == #s + 1, f)\n"
    "  for i = 1, #values do assert(back[i] == values[i], f) end\n"
    "  if not f:find('s') then assert(struct.size(f) == #s, f) end\n"
    "  pcall(struct.unpack, f, s:sub(1, random(0, #s)), random(-3, #s + 3))\n"
    "end\n"
    "return 'fine'\n";

START_TEST(random_formats_agree_with_a_simple_model)
{
    struct rng r;

    unit_rng(&r);
    lua_pushinteger(L, (lua_Integer)rng_below(&r, 1 << 30));
    lua_setglobal(L, "SEED");
    lua_pushinteger(L, 100000);
    lua_setglobal(L, "ROUNDS");
    expect_chunk(L, random_code, "fine");
}
END_TEST

UNIT_MAIN_AROUND("lua_struct", set_up, tear_down, integers_take_the_bytes_of_their_letters,
                 floats_and_strings_have_theirs, alignment_pads_up_to_its_bound, bad_formats_are_refused,
                 no_position_leads_out_of_the_data, random_formats_agree_with_a_simple_model)
