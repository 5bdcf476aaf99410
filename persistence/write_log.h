/* write_log.h -- the log: effects become bytes, bytes become durable.
 *
 *   reactor: append -> chain -> turn_end --(everysec, no)--> write() ---.
 *                                  \--(always, or while a disk fails)--> log thread: write, sync
 *
 * One of the two owns the current file. With everysec and no it is the reactor, which writes what a turn
 * appended in one writev, so that a killed process loses nothing; the thread syncs. With always it is
 * the thread: it takes all that was handed over, writes and syncs it as one batch, and the reactor goes on
 * meanwhile (group commit). Ownership changes hands under the lock, only at the reactor's wish.
 *
 * When a write or sync fails, the thread gets the file, and makes a new one: what is not known to be on
 * the disk is still in the chain and goes there, the manifest names the new file behind the last good
 * one, and the old descriptor is closed without a further thought. It tries again until it succeeds. */
#ifndef MEMD_PERSISTENCE_WRITE_LOG_H
#define MEMD_PERSISTENCE_WRITE_LOG_H

#include "persistence/persist.h"

struct aof_set;
struct log_file;
struct write_log;

struct write_log_env {
    const struct file_ops *ops;
    struct log *log;
    int64_t (*mono_us)(void);
    void (*wake)(void *ctx);
    void *ctx;
};

/* A log that is off: it counts only. */
struct write_log *write_log_new(const struct write_log_env *env);
void write_log_free(struct write_log **w);

/* Where the history stands: set before anything is appended. */
void write_log_set_history(struct write_log *w, const char *id, uint64_t offset);
const char *write_log_id(const struct write_log *w);

/* Turn on with f (taken over) as the current file of `set`. */
void write_log_on(struct write_log *w, struct aof_set *set, struct log_file *f, enum persist_fsync mode);

/* Turn off: wait until all is synced (or the disk has failed once more), close. False: it failed; the log is
 * off all the same. */
bool write_log_off(struct write_log *w);
bool write_log_is_on(const struct write_log *w);

/* While private, the manifest does not name the log's file: a failure is final, nothing is tried again. */
void write_log_set_private(struct write_log *w, bool on);

void write_log_set_mode(struct write_log *w, enum persist_fsync mode);
void write_log_set_stamps(struct write_log *w, bool on);

/* --- the reactor's turn ------------------------------------------------------------------------------ */

void write_log_append(struct write_log *w, int db, size_t argc, const struct str *argv);
void write_log_group_begin(struct write_log *w);
void write_log_group_end(struct write_log *w);
void write_log_turn_end(struct write_log *w, int64_t wall_ms);

/* Time goes by without effects: start the sync that is due. */
void write_log_tick(struct write_log *w);
void write_log_sync_soon(struct write_log *w);

/* Wait until all that was appended is on the disk: false when that has just failed. For the end. */
bool write_log_drain(struct write_log *w);

/* Is the log still on its way from one file to the next, or has it too many that are not synced? Then write_log_switch is
 * to wait: a slow disk is none that fails. */
bool write_log_is_switching(struct write_log *w);

/* Begin a new file f (taken over) at the present offset: what was appended before goes to the old one.
 * False: the disk is failing, f stays the caller's. */
bool write_log_switch(struct write_log *w, struct log_file *f);

/* --- questions ------------------------------------------------------------------------------------------ */

uint64_t write_log_offset(const struct write_log *w);
uint64_t write_log_durable(const struct write_log *w); /* replies up to here may leave */
uint64_t write_log_synced(const struct write_log *w);
bool write_log_failed(const struct write_log *w);
bool write_log_is_full(const struct write_log *w); /* nothing is to grow */
bool write_log_must_wait(const struct write_log *w);
bool write_log_reads_wait(const struct write_log *w); /* as persist_reads_wait */

/* A part of the log may be lost, which no more syncs can help: nothing behind it counts as synced until a new
 * base holds it (write_log_set_base). */
bool write_log_has_gap(const struct write_log *w);

/* What was read of a log that has just been turned on is certain up to `offset` and no further: such a part. */
void write_log_set_gap(struct write_log *w, uint64_t offset);

/* A base holds all up to `offset`, durably. */
void write_log_set_base(struct write_log *w, uint64_t offset);

/* The text of the last error; "" before the first. */
void write_log_error(const struct write_log *w, char *out, size_t n);

struct write_log_figures {
    uint64_t bytes;           /* of all increments written since the log was turned on */
    uint64_t tail;            /* appended and not synced */
    uint64_t written;
    bool sync_pending;
    uint64_t delayed, syncs, errors, reopened;
    int64_t last_sync_us, last_sync_end_us; /* duration; monotonic, 0: none was */
    struct persist_syncs sync_times;
    int error_no;             /* of the last error, 0: none */
    bool is_slow, is_full;
};
void write_log_figures(const struct write_log *w, struct write_log_figures *out);

/* Bytes that it holds. For the reactor, which asks before each write: no lock is taken. */
size_t write_log_memory(const struct write_log *w);

#endif
