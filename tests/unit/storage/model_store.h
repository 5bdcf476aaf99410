/* model_store.h -- a store for tests of types: small limits, so that all forms are met. */
#ifndef MEMD_TESTS_MODEL_STORE_H
#define MEMD_TESTS_MODEL_STORE_H

#include "storage/db.h"

static inline struct store *model_store(void)
{
    struct store_conf conf = {
        .databases = 4,
        .hash_max_listpack_entries = 24,
        .hash_max_listpack_value = 40,
        .set_max_intset_entries = 30,
        .set_max_listpack_entries = 24,
        .set_max_listpack_value = 40,
        .zset_max_listpack_entries = 24,
        .zset_max_listpack_value = 40,
        .list_max_listpack_size = -2,
        .string_limit = (size_t)512 << 20,
    };
    struct hash_key key = { 1, 2 };
    struct store *s = store_new(&conf, &key, 7);

    s->now_ms = 1000000;
    return s;
}

#endif
