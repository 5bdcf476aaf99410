/* persist_impl.h -- struct persist, for persist*.c alone. */
#ifndef MEMD_PERSISTENCE_PERSIST_IMPL_H
#define MEMD_PERSISTENCE_PERSIST_IMPL_H

#include <limits.h>
#include <stdatomic.h>

#include "persistence/data_lock.h"
#include "persistence/load_notes.h"
#include "persistence/persist.h"

struct aof_load;
struct aof_set;
struct log_file;
struct snapshot;
struct worker;
struct write_log;

/* What is being saved. */
enum saving {
    SAVING_NOTHING,
    SAVING_PREPARES, /* a rewrite: the worker makes the new increment */
    SAVING_BASE,     /* a rewrite: the snapshot that becomes the base */
    SAVING_RDB,
    SAVING_EXPORT    /* a snapshot for somebody else */
};

/* The part of a rewrite that runs on the worker before the cut. */
enum prepared { PREPARED_NOT, PREPARED_OK, PREPARED_FAILED };

struct persist {
    struct persist_env env;
    const struct file_ops *ops;
    struct persist_conf conf; /* its strings are owned */
    struct data_lock lock;
    struct write_log *log;
    struct aof_set *set;
    struct worker *worker;
    bool loaded;
    bool merging;             /* DEBUG RELOAD MERGE: what is loaded replaces what is there */
    bool turning_on;          /* appendonly yes at run time: the log counts once its first base is there */
    char rdb_path[PATH_MAX];

    enum saving saving;
    struct snapshot *snapshot;
    char tmp_path[PATH_MAX], final_path[PATH_MAX], final_dir[PATH_MAX];
    bool flush_waits, of_flush; /* the snapshot that a FLUSHALL asks for: to come; the one in progress is it */
    int generations;          /* as the settings were when saving began */
    _Atomic int prepared;
    int new_fd;               /* of the new increment, by the worker */
    uint64_t new_seq;
    int prepare_errno;
    bool with_log;            /* the rewrite switches the log to a new increment */
    uint64_t cut_offset;      /* log offset of the snapshot */
    uint64_t archive_mark;    /* the last note before it; 0: the archive need not be waited for */
    bool ends;                /* the save is the last thing that is done */
    bool held;                /* all wait for the save: the archive is not waited for as long */
    _Atomic bool giving_up;   /* nor any longer */
    _Atomic bool naming;      /* the manifest is about to name the increment of a log that is turned on, or does */
    _Atomic bool archive_awaited; /* the worker has all else of the new base */
    int64_t began_us;
    void (*export_done)(void *ctx, int fd); /* NULL: nobody has asked */
    void *export_ctx;
    int export_fd;            /* of the complete file, by the worker */
    bool wait_bgsave, wait_rewrite, wait_export; /* asked for, to begin when nothing else is being saved */
    int64_t retry_rewrite_us; /* monotonic: not before */
    int64_t last_try_s;       /* wall clock: a background save began */
    int64_t last_rules_us;

    /* figures */
    struct persist_progress progress;
    bool loading;
    int64_t last_progress_us;
    _Atomic bool load_given_up; /* progress has said so */
    unsigned n_delays;        /* load_delay_us < 0: keys so far */
    struct aof_load *aof_load; /* while a log is being loaded */
    struct load_notes load_notes;
    int64_t last_save_time;
    bool last_bgsave_ok, last_rewrite_ok;
    int64_t last_bgsave_sec, last_rewrite_sec;
    uint64_t saves, rewrites, keys_loaded, keys_expired;
    size_t piece_max, walk_max; /* of the last snapshot */
    uint64_t base_bytes;      /* of the AOF's base */
    uint64_t incr_bytes;      /* of increments as loaded or as of the last rewrite */
    uint64_t log_bytes_then;  /* write_log's count at that time */
    uint64_t rewrite_base;    /* the AOF's size from which growth is counted */
    char refusal[256];
};

/* persist_load.c */
enum err persist_load_files(struct persist *p, char *why);

/* Read the snapshot at rdb_path, or the log's files, into the store as it is. On failure part of it is there,
 * and why says what was wrong. */
enum err MUST_USE persist_read_snapshot(struct persist *p, char *why);
enum err MUST_USE persist_read_log(struct persist *p, char *why);

/* One file, into the store as it is: an RDB file, and what it says about its place in the log. */
enum err MUST_USE persist_load_rdb(struct persist *p, const char *path, uint64_t *log_offset, char *log_id, char *why);

/* A log's files, as the server loads them; the caller may change it before it is run. */
struct aof_load persist_aof_load_of(struct persist *p);
enum err MUST_USE persist_run_load(struct persist *p, struct aof_load *l, char *why);

/* Part of what is damaged has been loaded: begin anew, with an empty store. */
void persist_forget_content(struct persist *p);

/* An AOF directory for what is in the store: a base now, an increment for what comes. */
enum err MUST_USE persist_start_aof(struct persist *p, char *why);

/* persist_salvage.c: load what is whole, and make new files of it. why: what loading said. */
enum err MUST_USE persist_salvage(struct persist *p, char *why);

/* persist_save.c: one round of what persist_turn does for saving; true: there is more to do at once. */
bool persist_save_turn(struct persist *p, int64_t budget_us);

/* While loading: tell how far it is, if it is time to. False: loading is given up. */
bool persist_tell(struct persist *p);

/* The same every PERSIST_WAIT_MS of waiting for the disk. What is over soon nobody is told of: who comes in that moment waits, and meets a
 * server that has started. */
enum { PERSIST_WAIT_MS = 10 };
bool persist_tell_waiting(struct persist *p, int64_t since_us);

/* SAVE, as a file at rdb_path or the AOF's first base. */
bool persist_save_now(struct persist *p, bool base);

/* Begin the snapshot for `what`; nothing else is being saved. For a base p->with_log says whether the log has just
 * gone over to the increment p->new_seq. */
void persist_begin_snapshot(struct persist *p, enum saving what);

/* persist_rewrite.c: begin a rewrite; nothing else is being saved. When it fails at once, p->saving says so. */
void persist_begin_rewrite(struct persist *p);

/* SAVING_PREPARES: go on if the worker is ready. */
void persist_see_prepared(struct persist *p);

/* SAVING_PREPARES: wait for the worker and give up. */
void persist_stop_preparing(struct persist *p);

/* The snapshot of a base has ended, after sec seconds. */
void persist_note_base(struct persist *p, bool ok, int64_t sec);

/* A rewrite that was to turn the log on has failed: off again, and another try later. */
void persist_abandon_turning_on(struct persist *p);

/* A gap in the log or its growth asks for a rewrite. */
bool persist_rewrite_is_due(const struct persist *p);

/* appendonly yes and no at run time. Turning on begins at the next turn; ERR_IO (why): it cannot, and the log is off
 * as it was. */
enum err MUST_USE persist_turn_on(struct persist *p, char *why);
void persist_turn_off(struct persist *p);

/* The end comes while the log is being turned on: a base that holds everything, now, without an increment. The log
 * stays as it is. */
bool MUST_USE persist_make_first_base(struct persist *p);

/* Bytes of the AOF. */
uint64_t persist_aof_size(const struct persist *p);

#endif
