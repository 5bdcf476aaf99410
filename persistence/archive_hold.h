/* archive_hold.h -- for tests: a question that keeps its reader's thread busy until it is cancelled, as a disk does
 * that does not answer. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_HOLD_H
#define MEMD_PERSISTENCE_ARCHIVE_HOLD_H

#include "persistence/archive.h"

/* To be asked; it frees itself. */
struct archive_job *archive_hold_new(void);

#endif
