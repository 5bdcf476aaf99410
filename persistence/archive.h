/* archive.h -- the SQLite archive as the server sees it.
 *
 *   reactor                          writer thread                    reader threads
 *   archive_put: a note, in the   -> takes what is synced, in      -> archive_ask: questions, each with a
 *   log and in the queue             large transactions               connection of their own
 *
 * The reactor never touches SQLite. One writer thread has the one connection that writes and checkpoints; two
 * reader threads (recall; everything else) have read-only ones: so no two connections ever write or checkpoint, which
 * SQLite up to 3.51.2 does not survive in WAL mode.
 *
 * Exactly once. A note has a sequence number (archive_note.h). The writer applies notes in order, each at most once:
 * the number of the last one stands in the same transaction as the rows, by the log's id. It takes a note only
 * when the log is synced behind it (archive_synced): so the archive is never ahead of the log, and after a crash
 * the notes behind the last committed one are in the log and come again by archive_replay.
 * Without a log (appendonly no) notes are taken at once, and what had not been committed at a crash is lost.
 *
 * The queue holds notes in memory until they are committed, at most conf.queue_bytes. archive_has_room says before
 * a departure whether there is room; where there is not, conf.on_full decides what the caller does: leave the key in
 * memory for now and refuse writes that need its space, or let it go and count it (archive_dropped).
 *
 * What may be recalled. At most one version of a key, the newest, is `live`: it left memory and was neither deleted
 * nor brought back since. archive_may_have asks a filter in memory, then the notes that wait. The order in
 * which a read looks is memory, notes that wait (archive_pending), SQLite.
 *
 * All functions are the reactor's, but for those that say so. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_H
#define MEMD_PERSISTENCE_ARCHIVE_H

#include <stddef.h>

#include "base/err.h"
#include "persistence/archive_note.h"

struct archive;
struct archive_reader;
struct log;
struct store_conf;

enum archive_on_full { ARCHIVE_ON_FULL_REFUSE, ARCHIVE_ON_FULL_DROP };
enum archive_fts { ARCHIVE_FTS_UNICODE, ARCHIVE_FTS_TRIGRAM, ARCHIVE_FTS_NONE };

/* Strings are copied. */
struct archive_conf {
    const char *path;        /* of the SQLite file; made, with its -wal and -shm beside it */
    size_t queue_bytes;
    enum archive_on_full on_full;
    bool compress;           /* values with zstd */
    bool messages;           /* rows for elements and fields, else entries alone */
    enum archive_fts fts;    /* of messages; for a new file */
    int64_t query_ms;        /* a question may take so long, ... */
    int64_t query_rows;      /* ... and give so many rows */
    int64_t max_bytes;       /* of the file; 0: no limit. Above it the oldest go */
};

struct archive_env {
    struct log *log;
    const struct store_conf *values; /* thresholds with which payloads are decoded; copied */
    int64_t (*mono_us)(void);        /* thread safe */
    int64_t (*wall_ms)(void);        /* thread safe */
    void (*wake)(void *ctx);         /* thread safe: make the reactor call archive_turn soon */
    void *ctx;
    int64_t retry_us;                /* after an error of the disk; 0: a second */
};

enum { ARCHIVE_WHY = 512 };

/* Open or make the file and start the threads. ERR_FORMAT: it is no archive, damaged, or of a newer schema;
 * ERR_IO: the disk; why says which file, what is wrong and what to do. */
enum err MUST_USE archive_open(struct archive **a, const struct archive_conf *conf, const struct archive_env *env,
                               char *why);

/* Commit all that may be (waiting for it), stop the threads, close. */
void archive_close(struct archive **a);

/* Take new settings; path and fts must stay the same. */
void archive_set_conf(struct archive *a, const struct archive_conf *conf);

/* --- loading --------------------------------------------------------------------------------------------- */

/* The log whose notes follow: its id (40 hex digits). Before loading. */
void archive_begin_log(struct archive *a, const char *log_id);

/* A note of the log while it is loaded. Waits for the writer when the queue is full. False: damaged. */
bool archive_replay(struct archive *a, struct str note);

/* The log has been loaded: sequence numbers go on from the highest seen. */
void archive_loaded(struct archive *a);

/* --- notes ----------------------------------------------------------------------------------------------- */

/* Room for a departure of about so many bytes? Cheap. */
bool archive_has_room(const struct archive *a, size_t bytes);

/* SQLite says no, and is asked again every second. */
bool archive_is_failing(const struct archive *a);

/* Give n its number and queue it with this payload, which is taken over (the buf is empty afterwards; n->payload is
 * not looked at). *echo is the note for the log, borrowed for the turn. archive_logged must follow in this turn. */
void archive_put(struct archive *a, const struct archive_note *n, struct buf *payload, struct str *echo);

/* What was put since the last call is in the log up to this offset, and may be taken when that is synced. */
void archive_logged(struct archive *a, uint64_t offset);

/* The log is synced up to offset (UINT64_MAX: there is none). Cheap; every turn. True: notes wait for a sync and
 * are many, so that it should come soon. */
bool archive_synced(struct archive *a, uint64_t offset);

void archive_dropped(struct archive *a, uint64_t n);

/* May db's key have a live version? False is certain. Cheap. */
bool archive_may_have(struct archive *a, int db, struct str key);

/* False: archive_may_have says true of every key, since the filter is being made. */
bool archive_is_sure(const struct archive *a);

/* The newest word on the key among notes that wait. PENDING_OUT: *n is it, borrowed until archive_turn. */
enum archive_pending { PENDING_NONE, PENDING_OUT, PENDING_GONE };
enum archive_pending archive_pending(const struct archive *a, int db, struct str key, struct archive_note *n);

/* --- questions ------------------------------------------------------------------------------------------- */

/* A question runs on a reader thread, and is then handed back. Its maker embeds this as its first member, and frees
 * it in done. */
struct archive_job {
    void (*run)(struct archive_job *j, struct archive_reader *r); /* reader thread; archive_reader.h */
    void (*done)(struct archive_job *j); /* the reactor, within archive_turn (or archive_close) */
    _Atomic bool cancelled; /* nobody waits any more: run may end early, or not be called */
    bool failed;           /* by run: there is no answer, but an error */
    const char *refused;   /* in done: why run was never called ("the archive is closed" ...); NULL: it was */
    struct archive_job *next;
    void *owner;           /* of who asked (server/archive_wait.c, server/recall.c): not for makers */
    uint64_t after;        /* notes that were put before it are seen by it: archive_ask waits for them to be
                            * committed first. 0: whatever is committed now */
};
enum archive_lane { ARCHIVE_LANE_RECALL, ARCHIVE_LANE_QUERY };
void archive_ask(struct archive *a, enum archive_lane lane, struct archive_job *j);

/* For tests: answer nothing until it is called with false. */
void archive_pause(struct archive *a, bool on);

/* The number of the last note put: for job.after. */
uint64_t archive_last_seq(const struct archive *a);

/* Collect what the threads have done: frees committed notes, calls done of answered jobs. When woken, and at
 * least ten times a second. */
void archive_turn(struct archive *a);

/* --- waiting, figures ------------------------------------------------------------------------------------ */

/* All notes up to seq are committed. */
bool archive_is_applied(const struct archive *a, uint64_t seq);

/* Rows that an ARCHIVE_ERASE note with this number removed; once it is applied. 0 when not known any more. */
uint64_t archive_erased(const struct archive *a, uint64_t seq);

/* Thread safe: wait until all notes up to seq are committed, at most ms; false: they are not (a broken disk). A new
 * base of the log, which holds none of them, is published only after that. */
bool archive_wait(struct archive *a, uint64_t seq, int64_t ms);

struct archive_info {
    const char *state;       /* ok; slow (notes wait for long); full (no room in the queue); failing (SQLite says no) */
    char error[160];         /* the last one; "" before the first */
    uint64_t put, applied, dropped; /* notes since the start */
    uint64_t queued, queued_bytes;
    int64_t lag_ms;          /* age of the oldest note that waits; 0: none */
    uint64_t entries, messages, keys_live; /* rows */
    uint64_t file_bytes, wal_bytes;
    uint64_t raw_bytes, stored_bytes;      /* of values, before and after compression, since the start */
    uint64_t filter_bytes, filter_keys, filter_hits, filter_misses; /* asked: maybe, certainly not */
    bool filter_ready;       /* else it says maybe to all */
    uint64_t transactions, retries, retained_away, jobs, jobs_failed;
    int64_t last_commit_us;  /* duration */
    uint32_t dictionaries;
    const char *sqlite_version;
};
void archive_info(const struct archive *a, struct archive_info *out);

/* Memory of the queue and of questions that run; and of the writer's thread (SQLite's pages, the training of dictionaries).
 * They do not count against maxmemory, as the log's buffers do not. */
size_t archive_buffer_bytes(const struct archive *a);
size_t archive_index_bytes(const struct archive *a); /* of what is in the queue: at most 1 MB, kept */
size_t archive_writer_bytes(const struct archive *a);

/* Nor do the caches of the three connections that read, up to 8 MB each. */
size_t archive_cache_bytes(const struct archive *a); /* of that in mem_used: 0 under AddressSanitizer */

#endif
