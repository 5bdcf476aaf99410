/* namespace_impl.h -- what namespaces.c and namespace_quota.c keep between the steps of a command. */
#ifndef MEMD_SERVER_NAMESPACE_IMPL_H
#define MEMD_SERVER_NAMESPACE_IMPL_H

#include "server/namespaces.h"

enum {
    TOUCHED = 1,
    TOUCHED_OWN_TIME = 2, /* a time to live that it has now is the command's own */
    TOUCHED_FOR_EVER = 4, /* PERSIST */
    TOUCHED_LEFT = 8      /* pushed at the left */
};

/* A key that the command which runs has changed. */
struct touched {
    size_t at, n; /* its name in namespacing->keys */
    int db;
    unsigned how;
};

/* What a command brings to a namespace. */
struct demand {
    uint64_t round; /* of namespacing->round: else it is an old one */
    uint64_t keys, bytes;
};

struct namespacing {
    struct touched *touched;
    size_t n_touched, cap;
    struct buf keys;
    bool settling;        /* changes are ours */
    unsigned durability;  /* NS_LOG bits of the request that runs */
    int64_t sync_due_us;  /* monotonic: durability everysec wants a sync then; 0: none */
    int64_t shrink_us;    /* when to look again whether one holds more than its quota */
    uint64_t round;
    struct demand *demands; /* by number, of n_demands */
    size_t n_demands;
};

/* Evict where a namespace with a policy holds more than its quota, if it is time to look (again). */
bool namespaces_to_shrink(const struct server *s);
void namespaces_shrink(struct server *s, int64_t deadline_us);

#endif
