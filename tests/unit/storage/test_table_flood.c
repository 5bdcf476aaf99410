/* test_table_flood.c -- keys that were prepared to fall into one place do so under the key that they were prepared
 * for, and under no other. */
#include <stdio.h>

#include "base/rng.h"
#include "storage/table.h"
#include "tests/unit/unit.h"

enum { KEYS = 3000, SAME_BITS = 10 };

/* Texts whose hashes under `known` have the same first bits, which are those that choose the segment. */
static void prepare(const struct hash_key *known, char text[KEYS][16])
{
    int n = 0;

    for (uint64_t i = 0; n < KEYS; i++) {
        snprintf(text[n], sizeof text[n], "k%llu", (unsigned long long)i);
        if (hash_bytes(known, str_c(text[n])) >> (64 - SAME_BITS) == 0) n++;
    }
}

/* How deep the directory becomes when a table under `key` holds them all. */
static int depth_under(const struct hash_key *key, char text[KEYS][16])
{
    struct table t;
    int depth;

    table_init(&t, key);
    for (int i = 0; i < KEYS; i++) table_insert(&t, table_hash(&t, str_c(text[i])), entry_new_none(str_c(text[i])));
    table_check(&t);
    depth = t.depth;
    for (int i = 0; i < KEYS; i++) {
        struct table_ref r = table_find(&t, table_hash(&t, str_c(text[i])), str_c(text[i]));
        entry_free(table_remove(&t, &r));
    }
    table_fini(&t, NULL, NULL);
    return depth;
}

START_TEST(prepared_keys_do_no_harm_under_a_secret)
{
    struct hash_key known = { 0, 0 }, near = { 1, 0 }, secret;
    static char text[KEYS][16], plain[KEYS][16];
    int usual;

    prepare(&known, text);
    for (int i = 0; i < KEYS; i++) snprintf(plain[i], sizeof plain[i], "p%d", i);
    usual = depth_under(&known, plain);
    ck_assert_int_ge(depth_under(&known, text), usual + SAME_BITS - 2); /* they are well prepared */
    ck_assert_int_le(depth_under(&near, text), usual + 1);
    rng_secret(&secret, sizeof secret);
    ck_assert_int_le(depth_under(&secret, text), usual + 1);
}
END_TEST

UNIT_MAIN("table_flood", prepared_keys_do_no_harm_under_a_secret)
