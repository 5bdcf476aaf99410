/* departures.h -- what leaves the store, told to the archive as the namespaces' rules say; and the archive's life.
 *
 * s->archive is NULL until something needs it: a namespace that archives or audits, an archive file that is there
 * at the start, a note in the log, a command of the archive.
 *
 * A departure and its effect (DEL, LTRIM ...) are one group of the log. The note comes first. While the store is
 * loading nothing departs: what did so in the log's time is told by the log's own notes. */
#ifndef MEMD_SERVER_DEPARTURES_H
#define MEMD_SERVER_DEPARTURES_H

#include "persistence/archive.h"
#include "server/server.h"

struct command;

/* --- the archive's life ------------------------------------------------------------------------------------- */

/* Subscribe to what the store tells. Once, at start. */
void departures_open(struct server *s);

/* Before loading: open the archive if it is needed. False: why[ARCHIVE_WHY] says which file, what and what to do. */
bool departures_start(struct server *s, char *why);

/* The data has been loaded. */
void departures_loaded(struct server *s);

/* The archive, opened if it is not. NULL: *why is the text of an error reply (without '-'), good until the next call. */
struct archive *departures_archive(struct server *s, const char **why);

/* Why it could not be opened when it was needed last; NULL: it is open, or nothing has needed it. */
const char *departures_error(const struct server *s);

/* Settings have changed. */
void departures_apply_conf(struct server *s);

/* Commit all that is in the log and close. The log must be there still. */
void departures_close(struct server *s);

/* For persist_env.archive: takes the notes of the log that is loaded, and is waited for by new bases. */
const struct persist_archive *departures_barrier(struct server *s);

/* --- what leaves --------------------------------------------------------------------------------------------- */

/* The store changed: note what left, and which keys are not to be recalled any more. Called before the change's
 * effect goes to the log. */
void departures_on_change(struct server *s, const struct change *ch);

/* A command that writes has succeeded, its group of the log still open: keys that it set or deleted without a change to tell
 * (DEL of a key that is in the archive alone) are not to be recalled. */
void departures_after(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* Why a write may not run: the archive is full, and what the command may delete or overwrite is to be archived. NULL:
 * it may. */
const char *departures_refusal(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* Archive e now, whatever the rules (ARCHIVE.PUT); live: it leaves memory (ARCHIVE.MOVE: call this, then delete it, in
 * one group of the log). False: there is no room, or the value is larger than archive-max-value. */
bool departures_put(struct server *s, int db, const struct entry *e, bool live);

/* A note without payload; at_ms 0: now. Returns its number; 0: there is no archive. */
uint64_t departures_tell(struct server *s, const struct archive_note *n);

/* May e leave now (how: enum ns_departure)? What must not (the archive is full, and archive-on-full refuses) stays in
 * memory: eviction fails, expiry waits. */
bool departures_may_leave(struct server *s, const struct entry *e, unsigned how);

/* The archive works and has no room at this moment: who needs some in memory had better wait a little. */
bool departures_are_slow(const struct server *s);

/* After the turn's bytes are in the log: what was noted has its offset; what is synced may be committed; what the
 * archive's threads have done is collected. */
void departures_turn(struct server *s);

#endif
