/* namespace_impl.h -- what the parts of the namespaces share: namespace.c has the rules, namespace_trie.c finds
 * the one of a key, namespace_ledger.c keeps the figures, namespace_roster.c knows the keys of those that may have to
 * evict, namespace_evict.c does that. */
#ifndef MEMD_STORAGE_NAMESPACE_IMPL_H
#define MEMD_STORAGE_NAMESPACE_IMPL_H

#include "storage/namespace.h"

/* What a namespace has in one database. They belong to the database's content: SWAPDB exchanges them with it, and
 * a flush takes them away, without a look at the keys. */
struct ns_share {
    uint64_t keys, bytes, expires;
    struct ns_roster *roster; /* NULL where nothing is evicted within the namespace */
};

struct ns_shares {
    size_t n; /* ids 0 .. n - 1 */
    struct ns_share of[];
};

/* An entry that has been looked up for writing, and what its namespace was charged for it. It may grow and
 * shrink where it lies without a word, so its page stays open until others push it out: nothing changes a
 * value long after it was looked up. */
struct ns_page {
    const struct entry *e;
    struct db *db;
    uint64_t charged;
    uint32_t used;  /* the greater the later */
    bool is_plain;  /* e is one allocation that has not moved: it weighs what it did, while it points to nothing */
};
enum { NS_PAGES = 4 };

/* One node of the trie: a run of the patterns' prefixes, in an array with its children side by side. */
struct ns_node {
    const char *label; /* of a pattern */
    uint32_t kids;     /* the first one's place */
    uint16_t n_kids, label_n;
    uint16_t rule, n_rules; /* in by_prefix: those whose prefix ends here */
    uint32_t above;         /* the next node on the way up that has rules; NS_NO_NODE: none */
};
#define NS_NO_NODE UINT32_MAX

struct namespaces {
    struct namespace **by_id; /* [0 .. n_ids - 1], NULL where a number is free; 0 is nobody's */
    size_t n_ids;
    struct namespace **sorted; /* those that have rules, by pattern */
    struct namespace **by_prefix; /* the same, by literal prefix and then the longest pattern first */
    size_t n, cap;
    struct ns_node *nodes; /* NULL: to be built */
    size_t n_nodes;
    struct ns_page pages[NS_PAGES];
    unsigned n_pages;
    uint32_t now; /* counts uses of pages */
    unsigned asides;      /* contents put aside, whose keys have numbers too */
    bool retagging;
    unsigned retag_shard; /* counted over all databases */
    uint64_t retag_at;    /* cursor in it */
};

/* The namespace of a key, NULL: none. */
struct namespace *ns_match(struct namespaces *n, struct str key);
void ns_trie_drop(struct namespaces *n);

/* From the beginning, for all keys. */
void ns_retag_start(struct store *s);

/* The share of id in db, made when absent. */
struct ns_share *ns_share_new(struct db *db, size_t id);
static inline struct ns_share *ns_share(struct db *db, size_t id)
{
    return LIKELY(db->shares != NULL && id < db->shares->n) ? &db->shares->of[id] : ns_share_new(db, id);
}

/* Free numbers that no key has, and all of it when there is nothing left. */
void ns_release_gone(struct store *s);

/* Whether keys of ns are to be on rosters. */
static inline bool ns_needs_roster(const struct namespace *ns)
{
    return ns->rules.has_policy && ns->rules.policy != EVICT_NONE && (ns->rules.maxkeys > 0 || ns->rules.maxmemory > 0);
}

#endif
