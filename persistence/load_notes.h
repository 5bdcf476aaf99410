/* load_notes.h -- notes to the archive (archive_note.h) in a log that is being loaded.
 *
 * They are no commands: the one who applies these never sees them. A note that stands within MULTI is handed over
 * when EXEC has come, so that what a torn group says of the archive is dropped with the group. */
#ifndef MEMD_PERSISTENCE_LOAD_NOTES_H
#define MEMD_PERSISTENCE_LOAD_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct persist_archive;

struct load_notes {
    const struct persist_archive *archive; /* NULL: notes are commands like others */
    bool in_group;
    struct buf held; /* of the open group: each its length (size_t) and its bytes */
};

/* Is this command a note? */
bool load_notes_are(const struct load_notes *n, size_t argc, const struct str *argv);

/* Hand it over, or hold it. ERR_FORMAT: it is damaged, or there is no archive that would take it. */
enum err MUST_USE load_notes_take(struct load_notes *n, struct str note);

/* Another command has been applied: what MULTI, EXEC and DISCARD mean for what is held. Cheap. Errors as above. */
enum err MUST_USE load_notes_applied(struct load_notes *n, struct str command);

void load_notes_fini(struct load_notes *n);

#endif
