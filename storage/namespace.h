/* namespace.h -- rules for keys by the beginning of their name, and figures by rule.
 *
 * A namespace is a pattern (glob) and its rules. Of those whose pattern matches a key the one with the longest
 * literal prefix (what stands before the first of *?[\ in it) has the key, whole: nothing is inherited from a shorter one.
 * The key is matched once, when it comes to be (db_add), by walking a trie along its bytes: the number of
 * rules does not matter. From then on the entry knows its namespace by number (entry->ns; 0: none), as long as
 * it has its name.
 *
 * What a rule demands of a command (time to live, lengths, quotas) is done by the server around it
 * (server/namespaces.h); the archive learns of what leaves through server/departures.h. Here are the rules, the
 * keys' numbers, the exact figures, and eviction within a namespace.
 *
 * Figures. Keys and bytes are exact: bytes are those of db_weight of the namespace's entries, kept in a ledger
 * while commands run: db_find_write and db_add open a page with what an entry weighs, which is settled when it goes and
 * whenever the functions here give a namespace. store_check compares with a count of everything. After rules
 * have come or gone, keys that exist get their new number slice by slice (ns_retag_some); meanwhile ns_is_retagging. */
#ifndef MEMD_STORAGE_NAMESPACE_H
#define MEMD_STORAGE_NAMESPACE_H

#include "storage/store.h"

/* Ways in which something leaves the store: bits of ns_rules.archive. */
#define NS_DEPARTURE_TABLE(X) \
    X(NS_EXPIRE, "expire", 0) X(NS_EVICT, "evict", 1) X(NS_DELETE, "delete", 2) X(NS_OVERWRITE, "overwrite", 3) \
    X(NS_TRIM, "trim", 4)
enum ns_departure {
#define NS_DEPARTURE(code, name, bit) code = 1 << bit,
    NS_DEPARTURE_TABLE(NS_DEPARTURE)
#undef NS_DEPARTURE
    NS_PUT = 1 << 5 /* ARCHIVE.PUT, ARCHIVE.MOVE: asked for, whatever the rules */
};

enum ns_recall { NS_RECALL_NEVER, NS_RECALL_READ };
enum ns_durability { NS_DURABLE_AS_SET, NS_DURABLE_ALWAYS, NS_DURABLE_EVERYSEC, NS_DURABLE_NO };
enum ns_audit { NS_AUDIT_ADMIN = 1, NS_AUDIT_WRITES = 2, NS_AUDIT_READS = 4 };

struct ns_rules {
    int64_t ttl_ms;        /* 0: none */
    int jitter_percent;    /* of the ttl, taken away at random: 0 to 100 */
    bool sliding;          /* reading and writing renew it */
    uint64_t maxlen;       /* elements of lists, entries of streams; 0: no limit */
    uint64_t maxkeys, maxmemory, maxvalue; /* 0: no limit */
    uint64_t reserve;      /* bytes up to which no other namespace's need evicts here */
    bool has_policy;       /* else what exceeds a quota is refused */
    enum evict_policy policy;
    unsigned archive;      /* enum ns_departure, 0: none */
    enum ns_recall recall;
    int64_t retain_ms;     /* how long the archive keeps; 0: for ever */
    uint32_t versions;     /* how many of a key; 0: all */
    enum ns_durability durability;
    unsigned audit;        /* enum ns_audit */
};

/* Upper bounds, in seconds, of the histogram of times to live as they were set; the last is for longer ones. */
#define NS_TTL_BOUNDS 1, 10, 60, 600, 3600, 21600, 86400, 604800, 2592000
enum { NS_TTL_BUCKETS = 10 };

struct ns_stats {
    uint64_t keys, bytes, expires;       /* as it is */
    uint64_t hits, misses;               /* of reads, since the start */
    uint64_t expired, evicted, archived, recalled, trimmed;
    uint64_t refused;                    /* writes, by a quota */
    uint64_t dropped;                    /* departures that the archive had no room for */
    uint64_t ttl[NS_TTL_BUCKETS];        /* times to live set */
};

struct namespace {
    uint16_t id;           /* > 0, the key's entry->ns; used again only when no entry has it */
    uint16_t pattern_n, prefix_n; /* lengths of the pattern and of its literal prefix */
    bool gone;             /* its rules were deleted; some keys have its number still */
    char *pattern;         /* ends in NUL, and has no other */
    struct ns_rules rules;
    struct ns_stats stats; /* keys, bytes and expires are as of the last look-up: see ns_settle */
};

enum { NS_MAX = 4096, NS_PATTERN_MAX = 512 };

/* Set the rules of a pattern, new or not (then statistics stay). ERR_SYNTAX: the pattern is empty, too long, or has
 * a zero byte; ERR_NOT_DONE: there are NS_MAX. */
enum err MUST_USE ns_set(struct store *s, struct str pattern, const struct ns_rules *rules);

/* False: there is none of this pattern. */
bool ns_del(struct store *s, struct str pattern);

/* NULL: none. By pattern; by a key's name; by number, which an entry has (0 gives NULL). Figures are settled
 * but by ns_of. */
struct namespace *ns_by_pattern(const struct store *s, struct str pattern);
struct namespace *ns_of_key(const struct store *s, struct str key);
struct namespace *ns_of(const struct store *s, const struct entry *e);

/* In order of pattern. */
size_t ns_count(const struct store *s);
void ns_each(const struct store *s, void (*fn)(void *ctx, struct namespace *ns), void *ctx);

/* Any namespace at all: the test before all others on the hot path. store->namespaces is NULL while there is
 * none. */
static inline bool ns_any(const struct store *s)
{
    return s->namespaces != NULL;
}

/* What some namespace asks for, so that commands may skip the look at all else: bits of struct store.ns_needs. The lowest are
 * those of enum ns_departure that are archived; then those of enum ns_audit. */
enum { NS_NEEDS_AUDIT_AT = 8 };
enum ns_need {
    NS_NEEDS_ARCHIVE = (1 << 5) - 1,
    NS_NEEDS_AUDIT = 7 << NS_NEEDS_AUDIT_AT,
    NS_NEEDS_RECALL = 1 << 12,
    NS_NEEDS_TTL = 1 << 13,
    NS_NEEDS_SLIDING = 1 << 14,
    NS_NEEDS_MAXLEN = 1 << 15,
    NS_NEEDS_QUOTA = 1 << 16,
    NS_NEEDS_DURABILITY = 1 << 17,
    NS_NEEDS_RESERVE = 1 << 18,
    NS_NEEDS_ON_CHANGE = NS_NEEDS_TTL | NS_NEEDS_MAXLEN | NS_NEEDS_DURABILITY,            /* to hear of changes, ... */
    NS_NEEDS_AFTER = NS_NEEDS_TTL | NS_NEEDS_SLIDING | NS_NEEDS_MAXLEN | NS_NEEDS_AUDIT /* ... of the end of commands */
};

/* Those of `bits` that some namespace asks for; 0 while there is none. */
static inline unsigned ns_needs(const struct store *s, unsigned bits)
{
    return s->ns_needs & bits;
}

/* Bring bytes up to date with values that have changed in place. Cheap. */
void ns_settle(const struct store *s);

/* Does a departure of this kind (enum ns_departure) of e go to the archive, by its namespace's rules? */
static inline bool ns_archives(const struct store *s, const struct entry *e, unsigned how)
{
    const struct namespace *ns;

    if (e->ns == 0) return false;
    ns = ns_of(s, e);
    return ns && (ns->rules.archive & how) != 0;
}

/* Give keys their numbers after rules have changed: at most max entries looked at. True: there is more. */
bool ns_retag_some(struct store *s, size_t max);
bool ns_is_retagging(const struct store *s);

/* Evict keys of ns alone by its policy until keys and bytes (with `more_keys` and `more_bytes` to come) are within
 * its quotas, at most budget_us. False: not possible, or not in this time. Told as CHANGE_EVICTED. While keys get their
 * numbers it may be true with too many of them still there: those that could go are not all known yet. */
bool ns_make_room(struct store *s, struct namespace *ns, uint64_t more_keys, uint64_t more_bytes, int64_t budget_us);

/* Is e of a namespace that holds no more than its reserve? Eviction for others' sake leaves it alone. */
bool ns_is_reserved(const struct store *s, const struct entry *e);

#endif
