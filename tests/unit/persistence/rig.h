/* rig.h -- a store with its persistence on a memfs, driven by hand: what the server does, in small. */
#ifndef MEMD_TESTS_RIG_H
#define MEMD_TESTS_RIG_H

#include <stdatomic.h>

#include "persistence/persist.h"
#include "storage/digest.h"
#include "storage/store.h"
#include "tests/unit/persistence/memfs.h"
#include "tests/unit/unit.h"

/* A state of the data by its place in the log. */
struct rig_mark {
    uint64_t offset;
    struct digest digest;
    size_t lost_at;      /* place in the trace at which it was lost; SIZE_MAX: it was not */
};

/* For a trace: what has been promised by now. */
struct rig_promise {
    uint64_t saved;      /* log offset of the last snapshot known to be complete */
    uint64_t save_at;    /* of the one being made */
    uint64_t saves;      /* as of the last look */
    uint64_t rewrites;
    bool turning_on;     /* appendonly has been set, but its first base is not there yet */
    bool had_log;        /* there may be files of an earlier log, and ... */
    uint64_t left;       /* ... the log offset at which it was turned off */
    bool early;          /* a mistake on purpose: what is appended is called safe */
};

struct rig {
    struct memfs *fs;
    struct store *store;
    struct persist *p;
    struct persist_conf conf;
    const struct persist_libraries *libraries; /* NULL: none */
    const struct persist_archive *archive;     /* NULL: none */
    char dir[64];        /* real, for the lock alone */
    int db;              /* selected while loading */
    bool in_multi;
    struct buf queued;   /* commands of a transaction that is being loaded */
    size_t applied;
    struct rig_mark *marks; /* after each group of effects */
    size_t n_marks, cap_marks;
    struct rig_promise promise;
    char why[PERSIST_WHY];
    _Atomic int woken;
};

/* Settings that tests begin with: appendonly on, everysec, checksums, no rules. */
void rig_init(struct rig *r, struct memfs *fs);

/* Open and load; the error of the first that fails (r->why). */
enum err rig_start(struct rig *r);

/* Stop as a killed process does: nothing is saved, threads end. */
void rig_kill(struct rig *r);
void rig_fini(struct rig *r);

/* Run a command given as words, on database db, with its effect; rig_apply's commands: SET key value,
 * SETPX key value at, DEL key, RPUSH key value, LTRIM key n, SADD key member, SREM key member, HSET key
 * field value, FLUSHDB. */
void rig_do(struct rig *r, int db, const char *words);

/* n random ones of all types, on two databases, in groups of one to three. Each group is marked. */
void rig_random(struct rig *r, struct rng *rng, size_t n);

/* Ask for a save. */
enum persist_answer rig_save(struct rig *r, enum persist_save_kind kind);

/* After a start: the marks behind the log's end are of what is lost. */
void rig_forget_lost(struct rig *r);

/* Set r->conf. */
void rig_set(struct rig *r);

/* Stop as a killed process does and start again on the same files. */
enum err rig_again(struct rig *r);

/* With a trace: note there what persist says is safe now. The functions below do so. */
void rig_report(struct rig *r);

/* The end of a turn of the loop. */
void rig_turn(struct rig *r);

/* Turns until what is being saved or recovered is done; false after some seconds. */
bool rig_settle(struct rig *r);

/* Turns until a thread is held where memfs_hold said. */
bool rig_until_held(struct rig *r);

/* Turns until all is durable. */
bool rig_durable(struct rig *r);

struct digest rig_digest(const struct rig *r);

/* Mark the present state. */
void rig_mark(struct rig *r);

/* The last marked offset, not behind the log's end, whose state the store has; -1: none. */
int64_t rig_where(const struct rig *r);

/* The same for a store that was loaded from what there was at a place of the trace. */
int64_t rig_where_at(const struct rig *r, size_t at);

#endif
