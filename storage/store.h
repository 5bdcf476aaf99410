/* store.h -- all databases, and the one place where each change is told.
 *
 * A store owns `databases` logical databases; each is split by hash into shards, and a shard owns
 * its table, its expiry wheel and its statistics. Data types (type_string.h, type_list.h ...)
 * offer operations on (database, key); they are written on the functions of db.h, which look up,
 * remove what has expired, keep the snapshot's pre-images and report changes.
 *
 * Every change is reported once, as a struct change, to every subscriber in order of subscription:
 * the write log, WATCH, notifications, blocked clients, statistics, later index and archive.
 *
 * Time is store->now_ms, set by the owner at least once a turn of the loop. While store->loading
 * nothing expires. */
#ifndef MEMD_STORAGE_STORE_H
#define MEMD_STORAGE_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "base/ensure.h"
#include "base/list.h"
#include "base/rng.h"
#include "storage/table.h"
#include "storage/wheel.h"

enum { STORE_SHARD_BITS = 4, STORE_SHARDS = 1 << STORE_SHARD_BITS };

/* What happened to a key: name of the keyspace event, and its class letter as in
 * notify-keyspace-events (K and E apart). */
#define CHANGE_TABLE(X) \
    X(CHANGE_SET, "set", '$') \
    X(CHANGE_SETRANGE, "setrange", '$') \
    X(CHANGE_APPEND, "append", '$') \
    X(CHANGE_INCRBY, "incrby", '$') \
    X(CHANGE_INCRBYFLOAT, "incrbyfloat", '$') \
    X(CHANGE_SETBIT, "setbit", '$') \
    X(CHANGE_PFADD, "pfadd", '$') \
    X(CHANGE_LPUSH, "lpush", 'l') \
    X(CHANGE_RPUSH, "rpush", 'l') \
    X(CHANGE_LPOP, "lpop", 'l') \
    X(CHANGE_RPOP, "rpop", 'l') \
    X(CHANGE_LINSERT, "linsert", 'l') \
    X(CHANGE_LSET, "lset", 'l') \
    X(CHANGE_LREM, "lrem", 'l') \
    X(CHANGE_LTRIM, "ltrim", 'l') \
    X(CHANGE_SORTSTORE, "sortstore", 'l') \
    X(CHANGE_HSET, "hset", 'h') \
    X(CHANGE_HINCRBY, "hincrby", 'h') \
    X(CHANGE_HINCRBYFLOAT, "hincrbyfloat", 'h') \
    X(CHANGE_HDEL, "hdel", 'h') \
    X(CHANGE_HEXPIRE, "hexpire", 'h') \
    X(CHANGE_HPERSIST, "hpersist", 'h') \
    X(CHANGE_HEXPIRED, "hexpired", 'h') \
    X(CHANGE_SADD, "sadd", 's') \
    X(CHANGE_SREM, "srem", 's') \
    X(CHANGE_SPOP, "spop", 's') \
    X(CHANGE_SINTERSTORE, "sinterstore", 's') \
    X(CHANGE_SUNIONSTORE, "sunionstore", 's') \
    X(CHANGE_SDIFFSTORE, "sdiffstore", 's') \
    X(CHANGE_ZADD, "zadd", 'z') \
    X(CHANGE_ZINCR, "zincr", 'z') \
    X(CHANGE_ZREM, "zrem", 'z') \
    X(CHANGE_ZPOPMIN, "zpopmin", 'z') \
    X(CHANGE_ZPOPMAX, "zpopmax", 'z') \
    X(CHANGE_ZREMRANGEBYRANK, "zremrangebyrank", 'z') \
    X(CHANGE_ZREMRANGEBYSCORE, "zremrangebyscore", 'z') \
    X(CHANGE_ZREMRANGEBYLEX, "zremrangebylex", 'z') \
    X(CHANGE_ZRANGESTORE, "zrangestore", 'z') \
    X(CHANGE_ZUNIONSTORE, "zunionstore", 'z') \
    X(CHANGE_ZINTERSTORE, "zinterstore", 'z') \
    X(CHANGE_ZDIFFSTORE, "zdiffstore", 'z') \
    X(CHANGE_GEOSEARCHSTORE, "geosearchstore", 'z') \
    X(CHANGE_GEORADIUSSTORE, "georadiusstore", 'z') \
    X(CHANGE_XADD, "xadd", 't') \
    X(CHANGE_XDEL, "xdel", 't') \
    X(CHANGE_XTRIM, "xtrim", 't') \
    X(CHANGE_XSETID, "xsetid", 't') \
    X(CHANGE_XGROUP_CREATE, "xgroup-create", 't') \
    X(CHANGE_XGROUP_CREATECONSUMER, "xgroup-createconsumer", 't') \
    X(CHANGE_XGROUP_DELCONSUMER, "xgroup-delconsumer", 't') \
    X(CHANGE_XGROUP_DESTROY, "xgroup-destroy", 't') \
    X(CHANGE_XGROUP_SETID, "xgroup-setid", 't') \
    X(CHANGE_XPENDING, NULL, 0) /* what is pending in a stream's group; WATCH does not see it */ \
    X(CHANGE_JSON_SET, "json.set", 'd') \
    X(CHANGE_JSON_DEL, "json.del", 'd') \
    X(CHANGE_JSON_MERGE, "json.merge", 'd') \
    X(CHANGE_JSON_MSET, "json.mset", 'd') \
    X(CHANGE_JSON_CLEAR, "json.clear", 'd') \
    X(CHANGE_JSON_TOGGLE, "json.toggle", 'd') \
    X(CHANGE_JSON_NUMINCRBY, "json.numincrby", 'd') \
    X(CHANGE_JSON_NUMMULTBY, "json.nummultby", 'd') \
    X(CHANGE_JSON_STRAPPEND, "json.strappend", 'd') \
    X(CHANGE_JSON_ARRAPPEND, "json.arrappend", 'd') \
    X(CHANGE_JSON_ARRINSERT, "json.arrinsert", 'd') \
    X(CHANGE_JSON_ARRPOP, "json.arrpop", 'd') \
    X(CHANGE_JSON_ARRTRIM, "json.arrtrim", 'd') \
    X(CHANGE_SUGADD, "sugadd", 'd') \
    X(CHANGE_SUGDEL, "sugdel", 'd') \
    X(CHANGE_VADD, "vadd", 'd') \
    X(CHANGE_VREM, "vrem", 'd') \
    X(CHANGE_VSETATTR, "vsetattr", 'd') \
    X(CHANGE_DEL, "del", 'g') \
    X(CHANGE_RENAME_FROM, "rename_from", 'g') \
    X(CHANGE_RENAME_TO, "rename_to", 'g') \
    X(CHANGE_MOVE_FROM, "move_from", 'g') \
    X(CHANGE_MOVE_TO, "move_to", 'g') \
    X(CHANGE_COPY_TO, "copy_to", 'g') \
    X(CHANGE_RESTORE, "restore", 'g') \
    X(CHANGE_RECALLED, "recalled", 'g') /* it came back from the archive */ \
    X(CHANGE_EXPIRE, "expire", 'g') \
    X(CHANGE_PERSIST, "persist", 'g') \
    X(CHANGE_EXPIRED, "expired", 'x') \
    X(CHANGE_EVICTED, "evicted", 'e') \
    X(CHANGE_MISS, "keymiss", 'm') /* no change: a read found nothing; only while store->tell_misses */ \
    X(CHANGE_NEW, "new", 'n') /* told before the change that made the key */ \
    X(CHANGE_QUIET, NULL, 0) /* of a value, of which no event is told */ \
    X(CHANGE_FLUSH, NULL, 0) /* a whole database (key empty) */ \
    X(CHANGE_SWAP, NULL, 0) /* two databases changed places; db and db2 */

enum change_kind {
#define CHANGE_CODE(code, name, class) code,
    CHANGE_TABLE(CHANGE_CODE)
#undef CHANGE_CODE
    CHANGE_KINDS
};

struct change {
    enum change_kind kind;
    int db, db2;            /* db2: CHANGE_SWAP alone */
    struct str key;         /* borrowed for the call */
    const struct entry *e;  /* the entry after the change; for CHANGE_DEL, _EXPIRED, _EVICTED and
                               _FROM kinds the one that is going; NULL where there is none */
    struct str field;       /* CHANGE_HEXPIRED: the field that expired, else empty */
};

/* The keyspace event's name (NULL: none) and class letter. */
const char *change_name(enum change_kind k);
char change_class(enum change_kind k);

/* Whether WATCH and those who keep copies of the key hear of it. What a stream's groups do changes nothing
 * that they could have read; but XGROUP CREATE may make the stream, which CHANGE_NEW tells. */
bool change_is_seen(const struct change *c);

struct subscriber {
    void (*fn)(void *ctx, const struct change *c);
    void *ctx;
};

struct shard {
    struct table keys;
    struct wheel *wheel; /* NULL until a key has a TTL */
    struct wheel *fresh; /* the wheel's replacement while it is rebuilt (expire.c), else NULL */
    uint64_t fresh_at;   /* scan cursor of the rebuild */
    size_t n_expires;    /* keys with a TTL */
    uint64_t hand;       /* eviction's clock hand */
};

struct db {
    struct store *store;
    int id;
    struct shard shards[STORE_SHARDS];
    size_t n_keys, n_expires;
    struct ns_shares *shares; /* what namespaces have here (namespace_ledger.c); NULL: nothing */
};

enum evict_policy {
    EVICT_NONE,
    EVICT_ALL_LRU, EVICT_ALL_LFU, EVICT_ALL_LRM, EVICT_ALL_RANDOM,
    EVICT_TTL_LRU, EVICT_TTL_LFU, EVICT_TTL_LRM, EVICT_TTL_RANDOM, EVICT_TTL_SOONEST
};

/* Settings that the store reads; the server fills them from the configuration. */
struct store_conf {
    int databases;
    size_t maxmemory; /* 0: no limit */
    enum evict_policy policy;
    int maxmemory_samples;
    int lfu_log_factor, lfu_decay_time;
    bool lazy_expire, lazy_evict, lazy_server_del, lazy_user_del, lazy_user_flush;
    /* thresholds of OBJECT ENCODING and of conversion */
    int list_max_listpack_size, list_compress_depth;
    size_t hash_max_listpack_entries, hash_max_listpack_value;
    size_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    size_t zset_max_listpack_entries, zset_max_listpack_value;
    size_t stream_node_max_bytes, stream_node_max_entries; /* 0: no limit */
    size_t string_limit; /* proto-max-bulk-len */
    size_t hll_sparse_max_bytes;
    size_t key_order_bytes; /* key_order.h; 0: none */
    size_t cut_elements, cut_bytes; /* a snapshot takes larger values in pieces; 0: as many as it thinks best */
};

struct store_stats {
    uint64_t hits, misses;         /* keyspace_hits, keyspace_misses */
    uint64_t expired, evicted, expired_fields;
    uint64_t dirty;                /* changes since the last save; saving subtracts */
    uint64_t changes;              /* changes ever: a call that leaves it alone changed nothing */
    uint64_t ghost_hits;           /* keys that came back soon after they were evicted */
    uint64_t lazy_freed;           /* objects freed on the side */
};

/* Builds for tests check which keys a command looks up (server/key_check.h). */
#ifdef __SANITIZE_ADDRESS__
#define STORE_TELLS_LOOKUPS
#endif

struct store {
    struct store_conf conf;
    struct hash_key hash_key;
    struct rng rng;
    int64_t now_ms;
    bool loading;        /* nothing expires */
    bool keep_expired;   /* DEBUG SET-ACTIVE-EXPIRE 0: only reads find what has expired */
    bool frozen;         /* CLIENT PAUSE: what has expired is not found, and reads leave it there */
    bool tell_misses;    /* reads that find nothing are told as CHANGE_MISS */
    bool no_touch;       /* CLIENT NO-TOUCH: reads leave the clock alone */
    struct db **dbs;     /* conf.databases pointers; SWAPDB exchanges content */
    struct subscriber subscribers[16];
    int n_subscribers;
    struct store_stats stats;
    struct evict *evict; /* state of the policy (evict.c) */
    struct store_cut *cut; /* the snapshot in progress, else NULL */
    struct link readers; /* value_reader.h: who reads a large value for longer than a call */
    struct link vset_watches; /* vset.h: who goes on with a vector set for longer than a call */
    uint32_t n_cuts;
    unsigned expire_at;  /* shard, counted over all databases, at which store_expire_some goes on */
    struct field_clock *fields; /* hash fields with a TTL (field_clock.c) */
    struct key_order *order; /* keys in order (key_order.h); NULL: nobody has asked */
    struct namespaces *namespaces; /* rules by key (namespace.h); NULL: none */
    unsigned ns_needs;             /* what they ask for: bits of enum ns_need */
    struct departures *departures; /* who is told what leaves; NULL: nobody */
    /* Hash of the key that the dispatcher has already hashed; see db_hash. */
    const char *memo_p;
    size_t memo_n;
    uint64_t memo_hash;
    /* Take a large object off the reactor's hands: called with a function to run elsewhere. The
     * server gives a helper thread's queue; NULL (tests): freed at once. */
    void (*defer)(void *ctx, void (*fn)(void *arg), void *arg);
    void *defer_ctx;
    /* e has expired, or fields of it have, and it stays in memory where no read finds it: told then, and again each second
     * while that is so. May not change the store. NULL: nobody asks. */
    void (*on_overdue)(void *ctx, const struct db *db, const struct entry *e);
    void *on_overdue_ctx;
    uint64_t lazy_pending; /* objects that wait for it; the helper counts, too (__atomic) */
#ifdef STORE_TELLS_LOOKUPS
    /* Called for each key that is looked up by name; NULL: nobody asks. */
    void (*on_lookup)(void *ctx, struct str key);
    void *on_lookup_ctx;
#endif
};

/* How long a string may become. What a log has was within the limit of its time. */
static inline size_t store_string_limit(const struct store *s)
{
    return LIKELY(!s->loading) ? s->conf.string_limit : SIZE_MAX / 2;
}

/* No hash is remembered: the store itself is no key's bytes, not even those of an empty one without any. */
static inline void store_forget_hash(struct store *s)
{
    s->memo_p = (const char *)s;
}

/* What is about to leave and of which no struct change tells in time: a value that another one replaces whole,
 * and elements of a list or stream that are trimmed away. Called before it happens, only where the rules of the
 * entry's namespace have the bit (enum ns_departure: NS_OVERWRITE, NS_TRIM), and not while loading. What expires, is
 * evicted or deleted is told as CHANGE_EXPIRED, _EVICTED, _DEL, the entry being whole still. Any may be NULL. */
struct departures {
    void *ctx;
    void (*overwritten)(void *ctx, const struct db *db, const struct entry *e);
    /* The first n elements (lists: or the last n; streams: the oldest n entries) of e. */
    void (*trimmed)(void *ctx, const struct db *db, const struct entry *e, bool from_end, uint64_t n);
    /* May a key of a namespace that archives it leave now, since it has expired, or to make room? False: eviction looks
     * for another; what has expired is kept, not found by reads, and asked about again a second later. A write to
     * such a key does not ask: the key leaves, and is told as CHANGE_EXPIRED. */
    bool (*may_leave)(void *ctx, const struct db *db, const struct entry *e, bool expired);
};

struct store *store_new(const struct store_conf *conf, const struct hash_key *key, uint64_t seed);
void store_free(struct store **s);

/* Be told of every change; once, however often asked for (the clock of hash fields is made anew with each content
 * that comes). Subscribers may read the store, not change it. */
void store_subscribe(struct store *s, void (*fn)(void *ctx, const struct change *c), void *ctx);

/* Tell one. Counts stats.dirty and stats.changes, but for CHANGE_NEW (the change that made the key
 * follows), CHANGE_MISS, and what the store does by itself: keys and fields that expired or were
 * evicted. */
void store_tell(struct store *s, const struct change *c);

/* Remove keys that are due at now_ms, at most `max` records looked at; true when more are due.
 * Each removal is told as CHANGE_EXPIRED. Also expires hash fields. */
bool store_expire_some(struct store *s, size_t max);

/* The same while nothing may leave: what is due stays, and on_overdue is told. */
bool store_tell_overdue(struct store *s, size_t max);

/* Free memory until `used` (bytes that count against the limit) is at most conf.maxmemory, by the
 * policy, for at most budget_us of monotonic time, looked at after every eight keys; a search that finds none may take
 * 500 us. True: there is room now.
 * Each removal is told as CHANGE_EVICTED. used is asked again after each removal. */
bool store_evict(struct store *s, size_t (*used)(void *ctx), void *ctx, int64_t budget_us);

/* Empty one database; the tables go to `defer`. O(shards). Told as CHANGE_FLUSH, and beforehand:
 * subscribers still find the keys. Returns the keys that were there. */
size_t store_flush(struct store *s, int db);

/* Put the content of all databases aside, so that the store is empty and another content can be loaded
 * (told as CHANGE_FLUSH of each that held keys); then either take it back, dropping what has come
 * meanwhile, or drop it (freed by `defer`). Counts of changes stay as they were. */
struct store_aside;
struct store_aside *store_put_aside(struct store *s);
void store_take_back(struct store *s, struct store_aside **a);
void store_drop_aside(struct store *s, struct store_aside **a);

/* Exchange the content of two databases; told as CHANGE_SWAP. */
void store_swap(struct store *s, int a, int b);

/* A snapshot of all databases as of now: the sink (cut_piece.h) is told each entry exactly once, with its
 * database, from store_cut_step or from within the change that would have altered it. One at a time. */
struct store_cut;
struct cut_sink;
struct store_cut *store_cut_begin(struct store *s, const struct cut_sink *sink);
/* Tell the next bucket of entries, or the next piece of a value; false: all done. */
bool store_cut_step(struct store_cut *c);
/* End it, finished or not. FLUSH and SWAP of a database end an unfinished cut by themselves:
 * store_cut_broken tells. */
void store_cut_end(struct store *s, struct store_cut **c);
bool store_cut_broken(const struct store_cut *c);
/* Bytes, about, that the cut in progress keeps of values which have been changed or removed. */
size_t store_cut_bytes(const struct store *s);

/* Invariants of everything; slow. DEBUG CHECK and tests call it. */
void store_check(const struct store *s);

#endif
