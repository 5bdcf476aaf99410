/* persist.h -- all that the server knows of disks: the write log, snapshots, and loading them.
 *
 * One struct persist per data directory and store. The reactor calls everything here; two helper
 * threads (log and snapshot) do what may wait for a disk, and only bytes cross over to them. They
 * call env.wake when there is something for persist_turn to see; nothing else of env but mono_us and
 * log is used by them.
 *
 *     persist_open -> persist_load -> loop { effects: persist_append ...; persist_turn_end;
 *                                            send replies up to persist_durable_offset; persist_turn }
 *                  -> persist_shutdown -> persist_close
 *
 * The write log. persist_append is the single point where effects become bytes; the offset counts
 * those bytes (SELECT, MULTI and EXEC included, file annotations not). With appendonly off the offset
 * counts all the same, and every offset is durable at once.
 *
 * Failing disks. When a write or a sync of the log fails, writes are refused (persist_refusal), what
 * is not yet synced stays in memory, and the log thread tries again, each time with a new file: a
 * descriptor that failed is never trusted again. Replies that wait for the log go on waiting. */
#ifndef MEMD_PERSISTENCE_PERSIST_H
#define MEMD_PERSISTENCE_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct buf;
struct entry;
struct file_ops;
struct log;
struct persist;
struct store;

enum persist_fsync { PERSIST_ALWAYS, PERSIST_EVERYSEC, PERSIST_NO };

/* What a start does about damage. */
enum persist_recover {
    PERSIST_STRICT,     /* refuse */
    PERSIST_SALVAGE,    /* keep the original beside, load what is whole, and go on from there */
    PERSIST_REPAIR,     /* the same at once, the caller having kept the original; but a snapshot that is damaged gives
                         * way to the one before it, or is refused */
    PERSIST_REPAIR_PART /* or gives what can be read of it */
};

enum { PERSIST_RULES_MAX = 16, PERSIST_WHY = 512, PERSIST_ID = 40 };

struct persist_rule {
    int64_t seconds, changes;
};

/* Settings. Strings are copied. */
struct persist_conf {
    const char *dir;             /* made when it is not there */
    const char *dbfilename;
    const char *appenddirname, *appendfilename;
    bool appendonly;
    enum persist_fsync appendfsync;
    int rewrite_percentage;      /* 0: no automatic rewrite */
    uint64_t rewrite_min_size;
    bool aof_load_truncated;
    enum persist_recover recover;
    bool aof_use_rdb_preamble;   /* bases are always RDB; no is taken with a warning */
    bool aof_timestamps;
    int load_delay_us;           /* for tests: pause after each key that is loaded; < 0: 1 us once in so many */
    bool rdb_checksum, rdb_compression;
    bool stop_writes_on_bgsave_error;
    struct persist_rule rules[PERSIST_RULES_MAX];
    int n_rules;
    int generations;             /* of snapshots and of the AOF's bases that are kept: 1, or (0) 2 */
    int64_t key_save_delay_us;   /* for tests: a save in the background takes so long for each key */
    size_t snapshot_buffer;      /* bytes that may wait for the snapshot's file; 0: 8 MiB */
};

/* How far loading is. total_bytes covers all files. */
struct persist_progress {
    uint64_t bytes, total_bytes, keys;
    int64_t started_us; /* monotonic */
};

/* Libraries of functions, definitions of indexes: data beside the keys. Who keeps them is above; here each is a text (of a
 * library its source), which snapshots hold and loading hands back. */
struct persist_libraries {
    void *ctx;
    /* Call fn for each. */
    void (*each)(void *ctx, void (*fn)(void *to, struct str text), void *to);
    /* Add one that a file holds, or let it replace one of the same name; false, and why[PERSIST_WHY] says it:
     * loading is refused, or a definition left out. */
    bool (*load)(void *ctx, struct str text, bool replace, char *why);
    /* Begin anew, with none; then either let go of those that there were or return to them. */
    void (*put_aside)(void *ctx);
    void (*drop_aside)(void *ctx);
    void (*take_back)(void *ctx);
};

/* The archive: what left the data is in the notes of the log (archive_note.h) until the archive has it. A new base or
 * snapshot, from which on these are no longer needed, takes its place only when the archive has all of them. */
struct persist_archive {
    void *ctx;
    /* Reactor, loading: a note of the log, in its order. False: it cannot be read, or there is no archive for it. */
    bool (*replay)(void *ctx, struct str note);
    /* Reactor, at the moment of the cut: the last note there is. 0: none. */
    uint64_t (*mark)(void *ctx);
    /* Helper thread: does the archive have all notes up to that one? Waits for at most ms. */
    bool (*wait)(void *ctx, uint64_t mark, int64_t ms);
};

struct data_lock;

struct persist_env {
    struct store *store;
    const struct persist_archive *archive; /* NULL: none */
    const struct persist_libraries *libraries; /* NULL: none; those of files are left out */
    const struct persist_libraries *definitions; /* the same for what is in auxiliary fields, which stock servers skip */
    struct log *log;
    const struct file_ops *files; /* NULL: file_ops_system */
    int64_t (*mono_us)(void);     /* thread safe */
    const char *redis_version;    /* the "redis-ver" that snapshots carry */
    void *ctx;
    /* Run one command of the log while loading: SELECT, MULTI and EXEC come through it too. What was
     * queued by a MULTI that never got its EXEC is dropped with DISCARD. On error *why may be set to what was said: borrowed
     * until the next. */
    enum err (*apply)(void *ctx, size_t argc, const struct str *argv, struct str *why);
    /* Called about every millisecond of loading; false gives up (SHUTDOWN). May be NULL. */
    bool (*progress)(void *ctx, const struct persist_progress *pr);
    /* Called from helper threads: make the reactor call persist_turn soon. May be NULL. */
    void (*wake)(void *ctx);
    /* Called about every second while a save that the caller waits for goes on. May be NULL. */
    void (*waiting)(void *ctx);
    /* The lock of the data directory, held already: persist's from now on. NULL: none. For persist_open alone. */
    const struct data_lock *lock;
};

/* Open the data directory and lock it (file LOCK): a directory in use by another daemon is refused.
 * On error *p is NULL and why[PERSIST_WHY] says what is the matter with which file. */
enum err MUST_USE persist_open(struct persist **p, const struct persist_conf *conf,
                               const struct persist_env *env, char *why);

/* A second hold on its lock, the caller's, for the program that takes over: the lock stays when p is closed. */
void persist_lock_copy(const struct persist *p, struct data_lock *to);

/* Load what the directory holds into the (empty) store: the log when appendonly is on and there is
 * one, else the snapshot, else nothing; then make the log ready for appending. Old-style single AOF
 * files are taken over. A torn tail is cut back and logged; damage is refused: ERR_FORMAT, with file,
 * offset and reason in why. ERR_IO: the disk. ERR_NOT_DONE: progress gave up. */
enum err MUST_USE persist_load(struct persist *p, char *why);

/* --- the write log ------------------------------------------------------------------------------ */

/* Append one effect on database db. */
void persist_append(struct persist *p, int db, size_t argc, const struct str *argv);

/* Effects between begin and end stay together: more than one are wrapped in MULTI and EXEC. Calls
 * nest; the outermost counts. */
void persist_group_begin(struct persist *p);
void persist_group_end(struct persist *p);

/* Bytes appended ever. A reply made now may leave when persist_durable_offset has reached this. */
uint64_t persist_offset(const struct persist *p);

/* Once per turn of the loop, before replies are sent: hands what was appended to the system
 * (everysec, no) or to the log thread (always). Never waits for a disk's sync. */
void persist_turn_end(struct persist *p);

/* Replies made at an offset up to this may leave: the synced offset in always mode, the written one else, but
 * with everysec not while the disk is slow (log_tail.c). Cheap. */
uint64_t persist_durable_offset(const struct persist *p);

/* What is synced to the disk, whatever the mode (WAITAOF). persist_sync_soon asks for a sync now. */
uint64_t persist_synced_offset(const struct persist *p);
void persist_sync_soon(struct persist *p);

/* The same of the log alone, which may be without its base yet (CONFIG SET appendonly yes): what replies that want a
 * sync wait for. Where there is no log all is synced. */
uint64_t persist_log_synced(const struct persist *p);

/* What the archive may be told is synced: all while the log is off; also of a log that is being turned on. */
uint64_t persist_archive_offset(const struct persist *p);

/* NULL when writes may be accepted, else the error text (without '-') to refuse them with. Cheap. */
const char *persist_refusal(const struct persist *p);

/* The same for a write that takes more space: while the disk is full there is some left for others alone. */
const char *persist_growth_refusal(const struct persist *p);

/* True while the log cannot be written: what has been appended since stays in memory, and the durable
 * offset stands still. wake is called when that changes. Cheap. */
bool persist_is_failing(const struct persist *p);

/* True while commands that write must be held back (not refused): the disk is so slow that the
 * oldest unsynced byte is about a second old, or the unsynced tail has reached its bound. wake is
 * called when that changes. */
bool persist_must_wait(const struct persist *p);

/* True with always: a reply is to wait also for the writes of others that it tells of. Cheap. */
bool persist_reads_wait(const struct persist *p);

/* 40 hex digits that name this log's history (the replication id). */
const char *persist_log_id(const struct persist *p);

/* The same of the log that is being loaded. */
const char *persist_loading_id(const struct persist *p);

/* --- snapshots and rewrites --------------------------------------------------------------------- */

enum persist_save_kind {
    PERSIST_SAVE,          /* SAVE: returns when it is on disk */
    PERSIST_BGSAVE,
    PERSIST_BGSAVE_LATER,  /* BGSAVE SCHEDULE */
    PERSIST_REWRITE        /* BGREWRITEAOF */
};

enum persist_answer {
    PERSIST_DONE,      /* SAVE */
    PERSIST_STARTED,
    PERSIST_SCHEDULED,
    PERSIST_SAME_RUNS, /* one of the same kind is in progress */
    PERSIST_OTHER_RUNS, /* one of the other kind is in progress */
    PERSIST_FAILED     /* why is in the log */
};

/* Note: SAVE during a background save answers PERSIST_SAME_RUNS or PERSIST_OTHER_RUNS. */
enum persist_answer persist_save(struct persist *p, enum persist_save_kind kind);

/* All databases have been emptied: where there are save rules a snapshot is due at once, as a start would bring back
 * from the old one what has been deleted. */
void persist_flushed(struct persist *p);

/* Make a snapshot for somebody else: it begins when nothing else is being saved, and when it is complete,
 * done(ctx, fd) is called with a descriptor to read it by, which is the callee's to close; the file has no
 * name any more. fd -1: it could not be made (why is in the log), or saving was cancelled. done is called
 * within persist_turn or persist_cancel. One at a time. */
void persist_export(struct persist *p, void (*done)(void *ctx, int fd), void *ctx);

/* Do the reactor's share: walk the snapshot for about budget_us, collect results of the helpers, check
 * the save rules and the log's growth. Call it in every turn and at least ten times a second. True: there
 * is more to walk, so the loop should come back soon. Of a budget of 0 nothing is walked. */
bool persist_turn(struct persist *p, int64_t budget_us);

/* Memory has run out: give up the background save in progress, which takes some. False: there is none. None is
 * begun, and PERSIST_FAILED is the answer, while mem_is_short(). */
bool persist_shed(struct persist *p);

/* Abandon a background save in progress (SHUTDOWN, FLUSHALL). A rewrite as well. */
void persist_cancel(struct persist *p);

/* --- settings, figures -------------------------------------------------------------------------- */

/* Take new settings. dir must stay the same. Turning appendonly on starts a rewrite, and the log counts
 * from its success, as in Redis; turning it off syncs and closes the log in the background. On error
 * (ERR_IO) nothing has changed. */
enum err MUST_USE persist_set_conf(struct persist *p, const struct persist_conf *conf, char *why);

/* Durations of the log's syncs: how many took at most 2^i us, and not 2^(i-1). The last has the longer ones too. */
enum { PERSIST_SYNC_BUCKETS = 24 };

struct persist_syncs {
    uint64_t us; /* all together */
    uint64_t took[PERSIST_SYNC_BUCKETS];
};

/* What INFO persistence, INFO stats and LASTSAVE print. Times in seconds, wall clock unless said. */
struct persist_info {
    bool loading;
    struct persist_progress progress;
    uint64_t changes_since_save;
    bool bgsave_in_progress, rewrite_in_progress, rewrite_scheduled, bgsave_scheduled;
    int64_t last_save_time;
    bool last_bgsave_ok, last_rewrite_ok, last_write_ok;
    int64_t last_bgsave_sec, current_bgsave_sec;   /* -1: none */
    int64_t last_rewrite_sec, current_rewrite_sec;
    uint64_t saves, rewrites;                      /* successful ones */
    uint64_t save_keys_processed, save_keys_total; /* of the one in progress */
    uint64_t save_piece_max, save_walk_max; /* bytes serialised at once, at most, in it or the last one: of an
                                               entry or piece of a large value, and in one turn's walk */
    uint64_t keys_loaded, keys_expired_at_load;    /* rdb_last_load_keys_* */
    bool aof_enabled;
    uint64_t aof_current_size, aof_base_size;
    uint64_t aof_buffer_bytes;      /* appended, not yet synced, in memory */
    uint64_t snapshot_buffer_bytes; /* serialised, not yet written */
    bool aof_fsync_pending;
    uint64_t aof_delayed_fsync;     /* times writers had to wait for a slow disk */
    uint64_t aof_syncs, aof_write_errors, aof_files_reopened;
    int64_t aof_last_fsync_us;      /* duration of the last sync */
    struct persist_syncs aof_sync_times; /* of those that succeeded */
    int64_t aof_last_fsync_time;    /* when it ended; 0: none was */
    const char *aof_state;          /* off; starting (its first base is being made); ok; slow (writers wait for the
                                     * disk); full (what needs more space is refused); failing (all writes are) */
    const char *aof_last_error;     /* "none" before the first */
    uint64_t offset, written_offset, synced_offset; /* the last is persist_synced_offset */
};
void persist_info(const struct persist *p, struct persist_info *out);

/* Bytes of persistence buffers, which do not count against maxmemory (as Redis counts). */
size_t persist_buffer_bytes(const struct persist *p);

/* --- the end ------------------------------------------------------------------------------------ */

enum persist_ending {
    PERSIST_END_BY_RULES, /* save a snapshot when there are save rules */
    PERSIST_END_SAVE,
    PERSIST_END_NOSAVE
};

/* Sync the log, or make its first base while it is being turned on, and save as how says. ERR_IO: something is not
 * on the disk (why says what) and persist goes on working, so that SHUTDOWN can be refused. */
enum err MUST_USE persist_shutdown(struct persist *p, enum persist_ending how, char *why);

/* Stop the threads, close files, unlock. Saves nothing. */
void persist_close(struct persist **p);

/* DEBUG RELOAD: save a snapshot, then load it; the store keeps its old data until the file has been read
 * completely. Nothing of it goes to the log: the data is the same. With PERSIST_NO_FLUSH the file is added to
 * what is there: a key or library that both have is an error, by which some may have been added, or with
 * PERSIST_MERGE becomes the file's. */
enum persist_reload_flag { PERSIST_NO_SAVE = 1, PERSIST_NO_FLUSH = 2, PERSIST_MERGE = 4 };
enum err MUST_USE persist_reload(struct persist *p, unsigned how, char *why);

/* DEBUG LOADAOF: sync the log, then load the data from it, the old data being dropped first. With
 * appendonly off: from the files that are there, if any. */
enum err MUST_USE persist_load_log(struct persist *p, char *why);

/* --- DUMP and RESTORE --------------------------------------------------------------------------- */

/* Append the DUMP payload of e's value: type, value, RDB version, CRC64. */
void persist_dump(const struct store *s, const struct entry *e, struct buf *out);

/* The same with strings as they are, none compressed: cheaper, and for whoever compresses the whole (the archive:
 * what LZF has been at, zstd can do little with). */
void persist_dump_plain(const struct store *s, const struct entry *e, struct buf *out);

/* Make an entry from a DUMP payload, on any thread that has a store of its own. ERR_NOT_DONE when version or
 * checksum are wrong, ERR_FORMAT when the content is. The entry is the caller's (db_add). */
enum err MUST_USE persist_restore(struct store *s, struct str key, struct str payload,
                                  int64_t expire_ms, struct entry **out);

/* The same in steps of about 20 us, for one who does other things between them (persistence/restore_steps.c). Payload and key are
 * borrowed, and may be moved; expire_ms is the entry's. */
struct restoring;
struct restoring *persist_restore_new(struct store *s, struct str key, struct str payload, int64_t expire_ms);
void persist_restore_moved(struct restoring *r, struct str key, struct str payload);
bool persist_restore_step(struct restoring *r); /* true: it is done, or cannot be */
enum err MUST_USE persist_restore_take(struct restoring *r, struct str key, struct entry **out);
void persist_restore_free(struct restoring **r); /* what is not taken goes to be freed elsewhere */

/* The same for all libraries together (FUNCTION DUMP), as texts. */
void persist_dump_libraries(const struct persist_libraries *l, struct buf *out);

/* Append an RDB file without keys: with the libraries of l, or nothing when l is NULL. */
void persist_libraries_file(const struct persist *p, const struct persist_libraries *l, struct buf *out);

/* Call fn for each text of such a payload until it returns false. ERR_NOT_DONE: version or checksum are
 * wrong; ERR_FORMAT: the content is, *why says it; ERR_SYNTAX: fn stopped. */
enum err MUST_USE persist_restore_libraries(struct str payload, bool (*fn)(void *ctx, struct str text), void *ctx,
                                            const char **why);

#endif
