/* ft_impl.h -- what the files of ft.h share.
 *
 *   ft.c        which indexes there are: made, dropped, found by name
 *   ft_feed.c   changes of keys, queues, scans
 *   ft_prefix.c which indexes a key belongs to
 *   ft_value.c  documents out of hashes and JSON
 *   ft_keep.c   definitions in files
 *   ft_drop.c   FT.DROPINDEX ... DD
 *   ft_alter.c  FT.ALTER
 *   ft_memory.c where memory is short */
#ifndef MEMD_SERVER_FT_IMPL_H
#define MEMD_SERVER_FT_IMPL_H

#include "base/json_path.h"
#include "base/list.h"
#include "search/dictionary.h"
#include "search/expr.h"
#include "server/client.h"
#include "server/dispatch.h"
#include "server/ft.h"
#include "server/ft_queue.h"
#include "storage/hash.h"

enum {
    FT_FEED_US = 2000,        /* of a search that begins, for what has changed before it */
    FT_TIDY_SHARE = 4,        /* one part in so many of a slice for what changes leave to be put in order, unless that is too much */
    FT_RIPE_US = 200,         /* between requests, for what they have changed */
    FT_OPTIONS_MAX = 40       /* of FT.CONFIG */
};

/* What a document is asked for. JSON: paths, compiled. Hashes: their fields, where no two attributes are of the same one. */
struct ft_paths {
    struct json_path **fields; /* by field */
    struct hash_pick *picks;   /* by field; NULL: ask one by one */
    size_t n;
    struct json_path *language, *score, *payload;
};

struct ft_index {
    struct search_index *ix;
    uint64_t serial;             /* its own, for as long as the server runs; from 1 on */
    struct link in_busy;         /* ft->busy: the next turn looks at it */
    struct ft_paths paths;
    struct expr *filter;         /* NULL: none */
    struct arena filter_arena;
    struct ft_queue queue;
    uint64_t seen;               /* ft->looks when a key's prefixes were last found to lead here */
    /* the scan of what was there before the index was, or before a start */
    bool scanning;
    bool whole;                  /* searches wait for its end: it finds again what was there before */
    bool starved;                /* the scan waits for memory */
    uint64_t cursor;
    size_t scanned;
    bool emptied;                /* by FLUSHALL: its name may be taken */
    int64_t kept_until_ms;       /* dropped, and thrown away then (monotonic); 0: in use */
    int64_t used_ms;             /* TEMPORARY: asked last (monotonic) */
    int64_t feed_us;             /* spent on indexing */
    uint64_t admin_uses;
    /* FT.DROPINDEX ... DD: its documents are being deleted */
    bool dooming;
    uint32_t doom_at;            /* documents below are gone, or came later */
    struct client *doom_client;  /* who waits for that; NULL: nobody */
};

/* What searches are told whose index goes. */
#define FT_DROPPED "SEARCH_INDEX_DROPPED_BG The index was dropped before the query could be executed"

struct ft_alias {
    struct str name;             /* owned */
    struct ft_index *x;
};

struct ft_prefix {
    struct str text;             /* the definition's */
    struct ft_index **of;        /* whose it is */
    size_t n;
    int parent;                  /* the longest other one that it begins with; -1: none */
};

struct ft_registry {
    struct ft_index **indexes;   /* by name */
    size_t n;
    struct ft_alias *aliases;    /* by name */
    size_t n_aliases;
    struct ft_index **kept;      /* dropped ones: kept, doomed, or held by a search still */
    size_t n_kept;
    struct dictionaries dictionaries;
};

struct ft {
    struct server *server;
    struct ft_registry now, aside; /* aside: while other data is loaded */
    struct ft_prefix *prefixes;  /* in order */
    size_t n_prefixes;
    uint64_t first[4];           /* bits of the first bytes of prefixes; all when one is empty */
    uint64_t looks;
    uint64_t last_serial;        /* of the index that was made last */
    bool stale;                  /* keys came by loading: all is to be scanned */
    enum memory memory;          /* in this turn, while anything is scanned */
    bool any_starved;
    uint64_t looked;             /* the turn in which ft_turn was here last */
    int64_t looked_ms;           /* and when (monotonic) */
    struct link busy;            /* indexes with something to do; there may be thousands that have nothing */
    int64_t tended_ms;           /* those that are temporary were looked at then (monotonic) */
    struct arena arena;          /* of the document at hand */
    struct persist_libraries keeper;
    struct doc_reader reader;
    struct json_path *last_path; /* of the reader; and its text */
    struct buf last_path_text;
    uint64_t fed;                /* documents read since the start */
    bool ripe;                   /* some queue has enough keys to be worked off between requests */
    bool was_large;              /* the last one: to index it may have taken long */
    struct buf options[FT_OPTIONS_MAX]; /* FT.CONFIG: what was set and has no effect */
};

/* Arguments that are told one by one (spec_say), copied into an arena. */
struct ft_args {
    struct arena *arena;
    struct str *argv;
    size_t n, cap;
};
void ft_args_add(void *args, struct str arg);

/* --- ft.c */
struct ft_index *ft_by_serial(const struct ft *f, uint64_t serial); /* NULL: it is gone, or dropped */
struct ft_index *ft_find(const struct ft *f, struct str name);      /* by name; NULL */
struct ft_index *ft_find_alias(const struct ft *f, struct str name); /* by name or alias; NULL */
struct ft_index *ft_owner(const struct ft *f, const struct search_index *ix);
enum err MUST_USE ft_fail_missing(struct call *c, struct str name);
/* As ft_open without counting a use. */
enum err MUST_USE ft_open_index(struct call *c, struct str name, struct ft_index **x);

/* May the client's user write all keys of all prefixes? Else NOPERM has been replied. */
bool MUST_USE ft_may_delete(struct call *c, const struct index_spec *s);
/* A new index in use. False: *error is the reply. */
bool MUST_USE ft_create(struct ft *f, size_t argc, const struct str *argv, struct buf *error);
/* FT.ALTER; no search holds x. */
bool MUST_USE ft_alter(struct ft *f, struct ft_index *x, size_t argc, const struct str *argv, bool scan, struct buf *error);
/* Out of use, with its aliases; it is kept for a while unless `now`. */
void ft_drop(struct ft *f, struct ft_index *x, bool now);
void ft_free_index(struct ft *f, struct ft_index **x);
/* Throw away kept ones whose time is up, or all. */
void ft_tend_kept(struct ft *f, bool all);
bool ft_alias_set(struct ft *f, struct str name, struct ft_index *x);
void ft_alias_remove(struct ft *f, struct str name);

/* --- ft_feed.c */
static inline void ft_busy(struct ft *f, struct ft_index *x)
{
    if (link_alone(&x->in_busy)) link_add_tail(&f->busy, &x->in_busy);
}
/* Work the queue off until deadline (monotonic us); true: it is empty. Not while the index is held. */
bool ft_feed(struct ft *f, struct ft_index *x, int64_t deadline_us);
void ft_scan(struct ft *f, struct ft_index *x, bool whole);
double ft_scanned(const struct ft *f, const struct ft_index *x); /* 0..1 */
size_t ft_waiting_keys(const struct ft *f);

/* --- ft_prefix.c */
void ft_prefixes_make(struct ft *f);
/* Is there anything that changes concern? To be called when an index or a dictionary came or went. */
void ft_note_any(struct ft *f);
void ft_prefixes_fini(struct ft *f);
/* Has any a prefix of key, as far as its first byte tells? */
static inline bool ft_may_concern(const struct ft *f, struct str key)
{
    unsigned char first = key.n ? (unsigned char)*key.p : 0;

    return f->first[first / 64] >> first % 64 & 1;
}

/* Call fn for each index with a prefix of key. */
void ft_each_of(struct ft *f, struct str key, void (*fn)(void *ctx, struct ft_index *x), void *ctx);

/* --- ft_value.c */
bool ft_paths_open(struct ft_index *x);
void ft_paths_close(struct ft_index *x);
/* Have the index take what key holds; it is to be flushed. e: its entry, NULL: none. to: the index of x, or another of the same
 * definition. */
void ft_put(struct ft *f, struct ft_index *x, struct search_index *to, struct str key, const struct entry *e);
void ft_reader_open(struct ft *f);
void ft_reader_close(struct ft *f);

/* --- ft_keep.c */
void ft_keeper_open(struct ft *f);

/* --- ft_memory.c */
/* At the begin of a turn: make room for its scans, and let those go on that waited for it. */
void ft_make_room(struct ft *f);
/* May the scan of x go on in this turn? It may wait from then on until there is room (x->starved). */
bool ft_may_grow(struct ft *f, struct ft_index *x);
/* As index_set_defer wants it; ctx: the server. */
void ft_free_later(void *server, void (*fn)(void *arg), void *arg, size_t bytes);

/* --- ft_info_cmd.c: figures of all indexes; memory of those that are kept apart */
struct ft_totals {
    size_t indexes, aliases, docs, scanning, waiting, memory, kept, fields[FIELD_VECTOR + 1];
    uint64_t failures;
    int64_t us;
};
void ft_totals(const struct server *s, struct ft_totals *t);

/* --- ft_drop.c */
/* Drop x and delete its documents. First ask whether that can be done: within a transaction it cannot while x is scanned. */
bool MUST_USE ft_doom_can(struct call *c, struct ft_index *x);
enum err MUST_USE ft_doom(struct call *c, struct ft_index *x);
/* Other data is to be loaded: nobody waits any longer for documents of what was there. */
void ft_doom_unheard(struct ft *f);
bool ft_doom_turn(struct server *s, int64_t deadline_us);

/* --- ft_alter.c */
/* FT.ALTER and FT._ALTERIFNX. */
enum err MUST_USE ft_run_alter(struct call *c, bool if_new);
/* Does one wait for x? Then searches that have not begun wait for it. */
bool ft_is_altered(const struct server *s, const struct ft_index *x);

#endif
