/* small_store.h -- settings under which a value of a few elements takes its large form. */
#ifndef MEMD_TESTS_FUZZ_SMALL_STORE_H
#define MEMD_TESTS_FUZZ_SMALL_STORE_H

#include "storage/store.h"

static const struct store_conf small_store = {
    .databases = 4,
    .list_max_listpack_size = -2,
    .hash_max_listpack_entries = 8,
    .hash_max_listpack_value = 64,
    .set_max_intset_entries = 8,
    .set_max_listpack_entries = 8,
    .set_max_listpack_value = 64,
    .zset_max_listpack_entries = 8,
    .zset_max_listpack_value = 64,
    .stream_node_max_bytes = 4096,
    .stream_node_max_entries = 100,
    .string_limit = 1 << 29,
};

#endif
