/* metrics_impl.h -- a page of metrics while it is written (metrics_page.c and the files of its parts). */
#ifndef MEMD_SERVER_METRICS_IMPL_H
#define MEMD_SERVER_METRICS_IMPL_H

#include "server/facts.h"
#include "server/metrics_page.h"
#include "server/server.h"
#include "storage/namespace.h"

struct command_ref;

/* Figures of a namespace as they were when the page was begun: the namespace itself may go meanwhile. */
struct ns_copy {
    char *pattern;
    struct ns_stats stats;
    uint64_t maxkeys, maxmemory;
};

struct metrics_page {
    struct server *s;
    struct exposition x;
    int64_t until_us;    /* monotonic: when to stop for this time */
    int part;            /* of the page, ... */
    size_t at;           /* ... and how far it is: 0 when it begins */
    struct facts_memory memory;
    struct persist_info persist;
    struct command_ref **commands; /* those that were called or refused */
    size_t n_commands, commands_cap;
    struct ns_copy *namespaces;    /* at most metrics-namespaces */
    size_t n_namespaces;
};

/* Has this slice lasted long enough? Asked after some dozen samples. */
bool metrics_page_is_late(const struct metrics_page *p);

/* Parts: write on; true when there is more of it, and p->at says how far it is. */
typedef bool metrics_part(struct metrics_page *p);

/* metrics_process.c: what is so at any moment and needs no list. */
metrics_part metrics_server, metrics_clients, metrics_memory, metrics_traffic, metrics_keys, metrics_access;
metrics_part metrics_latency_events;

/* metrics_disk.c */
metrics_part metrics_log, metrics_snapshot, metrics_archive, metrics_recall;

/* metrics_search.c */
metrics_part metrics_search;

/* metrics_commands.c */
void metrics_gather_commands(struct metrics_page *p);
metrics_part metrics_calls, metrics_failures, metrics_rejections, metrics_durations, metrics_errors;

/* metrics_namespaces.c */
void metrics_gather_namespaces(struct metrics_page *p);
void metrics_free_namespaces(struct metrics_page *p);
metrics_part metrics_databases, metrics_namespaces, metrics_namespace_ttls;

#endif
