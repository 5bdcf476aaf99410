/* table_memory.c -- settings of memory, eviction, and the forms that values take. */
#include "conf/table.h"

static const struct word policy_words[] = {
    { "volatile-lru", CONF_POLICY_VOLATILE_LRU },
    { "volatile-lfu", CONF_POLICY_VOLATILE_LFU },
    { "volatile-lrm", CONF_POLICY_VOLATILE_LRM },
    { "volatile-random", CONF_POLICY_VOLATILE_RANDOM },
    { "volatile-ttl", CONF_POLICY_VOLATILE_TTL },
    { "allkeys-lru", CONF_POLICY_ALLKEYS_LRU },
    { "allkeys-lfu", CONF_POLICY_ALLKEYS_LFU },
    { "allkeys-lrm", CONF_POLICY_ALLKEYS_LRM },
    { "allkeys-random", CONF_POLICY_ALLKEYS_RANDOM },
    { "noeviction", CONF_POLICY_NOEVICTION },
    { 0 },
};

const struct setting memory_settings[] = {
    { "maxmemory", BYTES(maxmemory, 0, INT64_MAX), .initial = "0",
      .doc = "Memory for data. When it is used up, keys are evicted as maxmemory-policy says, and "
             "if that does not help, commands that need memory are refused. 0: no limit." },
    { "maxmemory-policy", WORD(maxmemory_policy, policy_words), .initial = "noeviction",
      .doc = "Which keys to give up for new ones. allkeys-... chooses among all keys, "
             "volatile-... among those with a TTL. lru: unused for longest; lfu: used least "
             "often; lrm: unmodified for longest; random; ttl: the next to expire. noeviction: "
             "none, writes are refused." },
    { "maxmemory-samples", INT(maxmemory_samples, 1, INT_MAX), .initial = "5", .unit = "keys",
      .doc = "Keys that are compared to choose the one to evict. More is better and slower." },
    { "key-index-memory", BYTES(key_index_memory, 0, LONG_MAX), .initial = "128mb",
      .doc = "KEYS prefix*, SCAN MATCH prefix* and UNLINK.MATCH prefix* that are asked for again and again are answered from an "
             "index of the keys that begin with the prefix's first part (user: of user:7:*), in the time that the matches take. It is "
             "made when it is asked for, takes about 30 bytes a key, and goes when nobody asks for ten minutes. So much memory "
             "at most, and a sixteenth of maxmemory. 0: always go through all keys." },
    { "lfu-log-factor", INT(lfu_log_factor, 0, INT_MAX), .initial = "10",
      .doc = "For the lfu policies: the larger, the more uses a key needs before it counts as "
             "very busy." },
    { "lfu-decay-time", INT(lfu_decay_time, 0, INT_MAX), .initial = "1", .unit = "minutes",
      .doc = "For the lfu policies: a key's count of uses falls by one each time so many minutes "
             "go by. 0: never." },
    { "lazyfree-lazy-eviction", BOOL(lazyfree_lazy_eviction), .initial = "no",
      .doc = "Free what is evicted on the side, not within the command that needed the room." },
    { "lazyfree-lazy-expire", BOOL(lazyfree_lazy_expire), .initial = "no",
      .doc = "The same for what expires." },
    { "lazyfree-lazy-server-del", BOOL(lazyfree_lazy_server_del), .initial = "no",
      .doc = "The same for values that a command such as RENAME or SET replaces." },
    { "lazyfree-lazy-user-del", BOOL(lazyfree_lazy_user_del), .initial = "no",
      .doc = "Let DEL do what UNLINK does." },
    { "lazyfree-lazy-user-flush", BOOL(lazyfree_lazy_user_flush), .initial = "no",
      .doc = "Let FLUSHALL and FLUSHDB without SYNC or ASYNC mean ASYNC." },
    { 0 },
};

const struct setting type_settings[] = {
    { "list-max-listpack-size", INT(list_max_listpack_size, INT_MIN, INT_MAX),
      .alias = "list-max-ziplist-size", .initial = "-2",
      .doc = "Size of the blocks that lists consist of: so many elements, or -1 to -5 for 4, 8, "
             "16, 32 or 64 kb." },
    { "list-compress-depth", INT(list_compress_depth, 0, INT_MAX), .initial = "0",
      .doc = "Remembered for DEBUG OBJECT alone: the blocks of lists are never compressed." },
    { "hash-max-listpack-entries", INT(hash_max_listpack_entries, 0, LONG_MAX),
      .alias = "hash-max-ziplist-entries", .initial = "512", .unit = "fields",
      .doc = "Hashes up to so many fields are kept packed, which saves memory..." },
    { "hash-max-listpack-value", BYTES(hash_max_listpack_value, 0, LONG_MAX),
      .alias = "hash-max-ziplist-value", .initial = "64",
      .doc = "... as long as no field or value has more bytes than this." },
    { "set-max-intset-entries", INT(set_max_intset_entries, 0, LONG_MAX), .initial = "512",
      .unit = "members", .doc = "Sets of integers are kept as an array up to so many members." },
    { "set-max-listpack-entries", INT(set_max_listpack_entries, 0, LONG_MAX), .initial = "128",
      .unit = "members", .doc = "Other sets are kept packed up to so many members..." },
    { "set-max-listpack-value", INT(set_max_listpack_value, 0, LONG_MAX), .initial = "64",
      .unit = "bytes", .doc = "... of at most so many bytes." },
    { "zset-max-listpack-entries", INT(zset_max_listpack_entries, 0, LONG_MAX),
      .alias = "zset-max-ziplist-entries", .initial = "128", .unit = "members",
      .doc = "Sorted sets are kept packed up to so many members..." },
    { "zset-max-listpack-value", BYTES(zset_max_listpack_value, 0, LONG_MAX),
      .alias = "zset-max-ziplist-value", .initial = "64", .doc = "... of at most so many bytes." },
    { "stream-node-max-bytes", BYTES(stream_node_max_bytes, 0, LONG_MAX), .initial = "4096",
      .doc = "Size of the blocks that streams consist of. 0: no limit." },
    { "stream-node-max-entries", INT(stream_node_max_entries, 0, INT64_MAX), .initial = "100",
      .unit = "entries", .doc = "Entries in such a block. 0: no limit." },
    { "hll-sparse-max-bytes", BYTES(hll_sparse_max_bytes, 0, LONG_MAX), .initial = "3000",
      .doc = "A HyperLogLog is kept in its sparse form up to so many bytes, then takes 12 kb." },
    { 0 },
};
