/* store_env.h -- a store to test on. */
#ifndef MEMD_TESTS_STORE_ENV_H
#define MEMD_TESTS_STORE_ENV_H

#include "storage/store.h"

static inline struct store *env_store(uint64_t seed)
{
    struct store_conf conf = {
        .databases = 4, .maxmemory_samples = 5, .lfu_log_factor = 10, .lfu_decay_time = 1,
        .list_max_listpack_size = -2, .hash_max_listpack_entries = 128, .hash_max_listpack_value = 64,
        .set_max_intset_entries = 512, .set_max_listpack_entries = 128, .set_max_listpack_value = 64,
        .zset_max_listpack_entries = 128, .zset_max_listpack_value = 64, .string_limit = 512u << 20,
        .hll_sparse_max_bytes = 3000,
        .stream_node_max_bytes = 4096, .stream_node_max_entries = 100,
    };
    struct hash_key key = { seed, ~seed };
    struct store *s = store_new(&conf, &key, seed);

    s->now_ms = 1790000000000;
    return s;
}

#endif
