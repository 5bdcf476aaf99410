/* archive_apply.h -- what a note does to the rows of the archive. The writer's thread, inside a transaction. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_APPLY_H
#define MEMD_PERSISTENCE_ARCHIVE_APPLY_H

#include "persistence/archive_file.h"

/* Any note but ARCHIVE_ERASE. SQLITE_DONE is success. */
int archive_apply(struct archive_file *f, const struct archive_note *n);

/* An ARCHIVE_ERASE note, in transactions of its own (some hundred rows each, so that the log of changes stays small):
 * done again from the start after an error, it does the rest. *rows grows by the entries removed. SQLITE_OK. */
int archive_erase(struct archive_file *f, const struct archive_note *n, uint64_t *rows);

/* "string", "list" ... of a payload as DUMP makes it, by its first byte. */
const char *archive_payload_type(struct str payload);

#endif
