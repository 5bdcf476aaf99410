/* rdb_format.h -- the numbers of the RDB file format (Redis 2.8 to 8). */
#ifndef MEMD_PERSISTENCE_RDB_FORMAT_H
#define MEMD_PERSISTENCE_RDB_FORMAT_H

enum {
    RDB_HEADER_BYTES = 9,    /* "REDIS" and four digits */
    RDB_VERSION_SUM = 5,     /* the first whose files end with a checksum, where the writer makes any */
    RDB_VERSION_PLAIN = 10,  /* what memd writes: Redis 7.0 reads it */
    RDB_VERSION_FIELDS = 12, /* when a hash has fields with a TTL: Redis 7.4 reads it */
    RDB_VERSION_READ = 13    /* the newest that is read */
};

/* The top two bits of a length. */
enum { RDB_LEN_6 = 0, RDB_LEN_14 = 1, RDB_LEN_32 = 0x80, RDB_LEN_64 = 0x81, RDB_LEN_ENCODED = 3 };

/* Encoded strings. */
enum { RDB_ENC_INT8, RDB_ENC_INT16, RDB_ENC_INT32, RDB_ENC_LZF };

enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET = 3,
    RDB_HASH = 4,
    RDB_ZSET_2 = 5,
    RDB_MODULE = 6,
    RDB_MODULE_2 = 7,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14,
    RDB_STREAM = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18,
    RDB_STREAM_2 = 19,
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_3 = 21,
    RDB_HASH_FIELDS_PRE = 22,       /* with field TTLs, as 7.4's release candidates wrote it */
    RDB_HASH_LISTPACK_EX_PRE = 23,
    RDB_HASH_FIELDS = 24,           /* lowest TTL first, the others relative to it */
    RDB_HASH_LISTPACK_EX = 25,
    RDB_TYPE_MAX = 25
};

/* Documents are what the module RedisJSON writes: the value of its type "ReJSON-RL" in the version of its encoding that
 * is text. The id is the name, nine characters of six bits, and the version; behind it each item has an opcode. */
#define RDB_JSON_ID (UINT64_C(0x45e25238df912c00) | 3)
/* Dictionaries of suggestions are what the module RediSearch writes as "trietype0", version 1: how many, and for each its text, score
 * and payload, texts with a zero byte behind them. */
#define RDB_SUGGEST_ID (UINT64_C(0xb6b89eb72a5ed000) | 1)
enum rdb_module_opcode { RDB_MODULE_EOF = 0, RDB_MODULE_UINT = 2, RDB_MODULE_DOUBLE = 4, RDB_MODULE_STRING = 5 };

/* Vector sets are what Redis 8's own module "vectorset" writes, in the first version of its encoding (rdb_vset.h). */
#define RDB_VSET_ID UINT64_C(0xbde72da2bb1eb400)

enum rdb_opcode {
    RDB_OP_SLOT_INFO = 244,
    RDB_OP_FUNCTION2 = 245,
    RDB_OP_FUNCTION_PRE = 246,
    RDB_OP_MODULE_AUX = 247,
    RDB_OP_IDLE = 248,
    RDB_OP_FREQ = 249,
    RDB_OP_AUX = 250,
    RDB_OP_RESIZEDB = 251,
    RDB_OP_EXPIRE_MS = 252,
    RDB_OP_EXPIRE = 253,
    RDB_OP_SELECTDB = 254,
    RDB_OP_EOF = 255
};

/* Nodes of a quicklist of version 2. */
enum { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };

/* An auxiliary field of ours: the definition of an index (persist.h). */
#define RDB_AUX_DEFINITION "memd-definition"

#endif
