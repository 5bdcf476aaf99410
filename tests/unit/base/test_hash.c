#include "base/hash.h"
#include "tests/unit/unit.h"

/* The key and messages of the paper: key bytes 0 to 15, message bytes 0, 1, 2 ... */
static const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

START_TEST(the_hash_is_siphash_1_3)
{
    static const struct {
        size_t n;
        uint64_t hash;
    } known[] = {
        { 0, 0xabac0158050fc4dc },  { 1, 0xc9f49bf37d57ca93 },  { 2, 0x82cb9b024dc7d44d },
        { 3, 0x8bf80ab8e7ddf7fb },  { 4, 0xcf75576088d38328 },  { 5, 0xdef9d52f49533b67 },
        { 6, 0xc50d2b50c59f22a7 },  { 7, 0xd3927d989bb11140 },  { 8, 0x369095118d299a8e },
        { 9, 0x25a48eb36c063de4 },  { 10, 0x79de85ee92ff097f }, { 11, 0x70c118c1f94dc352 },
        { 12, 0x78a384b157b4d9a2 }, { 13, 0x306f760c1229ffa7 }, { 14, 0x605aa111c0f95d34 },
        { 15, 0xd320d86d2a519956 }, { 16, 0xcc4fdd1a7d908b66 }, { 31, 0x2370dd1f8c21d1bc },
        { 63, 0x9d199062b7bbb3a8 },
    };
    char message[64];

    for (int i = 0; i < 64; i++) message[i] = (char)i;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ck_assert_uint_eq(hash_bytes(&key, str_of(message, known[i].n)), known[i].hash);
    }
}
END_TEST

START_TEST(only_the_low_byte_of_the_length_is_mixed_in)
{
    static const struct hash_key zero = { 0, 0 };
    unsigned char message[1000];

    for (int i = 0; i < 1000; i++) message[i] = (unsigned char)i;
    ck_assert_uint_eq(hash_bytes(&zero, str_of(message, 1000)), 0x498f889ac054d2d8);
}
END_TEST

START_TEST(the_place_in_memory_does_not_matter)
{
    char room[128];

    for (size_t n = 0; n < 40; n++) {
        uint64_t hash = 0;

        for (size_t at = 0; at < 16; at++) {
            char *p = mem_alloc(at + n); /* ends where the allocation does: no read behind it */

            memset(room, 'k', sizeof room);
            memcpy(p + at, room, n);
            uint64_t h = hash_bytes(&key, str_of(p + at, n));

            if (at > 0) ck_assert_uint_eq(h, hash);
            hash = h;
            mem_free(p);
        }
    }
}
END_TEST

START_TEST(another_key_or_any_other_bit_gives_another_hash)
{
    static const struct hash_key other = { 0x0706050403020100, 0x0f0e0d0c0b0a0909 };
    char message[24] = "a message of 24 bytes..";

    for (size_t n = 1; n <= sizeof message; n++) {
        struct str s = str_of(message, n);
        uint64_t h = hash_bytes(&key, s);

        ck_assert_uint_ne(hash_bytes(&other, s), h);
        for (size_t bit = 0; bit < n * 8; bit++) {
            message[bit / 8] ^= (char)(1 << bit % 8);
            ck_assert_uint_ne(hash_bytes(&key, s), h);
            message[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}
END_TEST

START_TEST(the_quick_hash_of_padded_bytes_is_that_of_bytes)
{
    for (size_t n = 0; n <= 40; n++) {
        char *p = mem_alloc(n + (n == 0)), room[48] = { 0 };

        for (size_t i = 0; i < n; i++) p[i] = room[i] = (char)(i * 37 + n);
        ck_assert_uint_eq(hash_quick_padded(&key, str_of(room, n)), hash_quick(&key, str_of(p, n)));
        mem_free(p);
    }
}
END_TEST

START_TEST(the_quick_hash_tells_strings_apart_in_both_halves)
{
    static uint32_t low[1 << 16], high[1 << 16];
    static const struct hash_key other = { 0x0706050403020100, 0x0f0e0d0c0b0a0909 };
    char text[64];

    for (size_t n = 1; n <= 40; n++) {
        struct str s = str_of(text, n);
        uint64_t h;

        memset(text, 'm', sizeof text);
        h = hash_quick(&key, s);
        ck_assert_uint_ne(hash_quick(&other, s), h);
        ck_assert_uint_ne(hash_quick(&key, str_of(text, n + 1)), h);
        for (size_t bit = 0; bit < n * 8; bit++) {
            text[bit / 8] ^= (char)(1 << bit % 8);
            ck_assert_uint_ne((uint32_t)hash_quick(&key, s), (uint32_t)h);
            ck_assert_uint_ne(hash_quick(&key, s) >> 32, h >> 32);
            text[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
    /* Names that differ in a number fill a table as chance would: 2^16 strings, no place 12 times. */
    for (int i = 0; i < 1 << 16; i++) {
        uint64_t h = hash_quick(&key, str_of(text, (size_t)snprintf(text, sizeof text, "doc:%d", i)));

        ck_assert_uint_lt(++low[h & 0xffff], 12);
        ck_assert_uint_lt(++high[h >> 48], 12);
    }
}
END_TEST

UNIT_MAIN("hash", the_hash_is_siphash_1_3, only_the_low_byte_of_the_length_is_mixed_in,
          the_place_in_memory_does_not_matter, another_key_or_any_other_bit_gives_another_hash,
          the_quick_hash_of_padded_bytes_is_that_of_bytes, the_quick_hash_tells_strings_apart_in_both_halves)
