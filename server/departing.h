/* departing.h -- what departures*.c share, and nobody else uses. */
#ifndef MEMD_SERVER_DEPARTING_H
#define MEMD_SERVER_DEPARTING_H

#include "server/departures.h"
#include "storage/store.h"

struct departing {
    struct departures hooks;
    struct persist_archive barrier;
    const struct entry *moved;  /* ARCHIVE.MOVE has told of it: its deletion follows */
    bool noted;                 /* since archive_logged was last called */
    bool replays;               /* a start is loading the log: its notes are for the archive */
    char log_id[PERSIST_ID + 1]; /* whose notes the archive has been told of; empty: none yet */
    int64_t failed_us;          /* when opening it last failed; 0: it did not */
    char why[ARCHIVE_WHY + 32]; /* how, as the text of an error */
};

/* Set the store's hooks. */
void departing_hook(struct server *s);

/* The first n elements of a list (or the last) or entries of a stream, as a DUMP payload of that type. False: more
 * than archive-max-value. */
bool departing_part(const struct server *s, const struct entry *e, bool from_end, uint64_t n, struct buf *payload);

#endif
