/* archive_item.h -- a note that waits, as the archive's parts pass it on.
 *
 * The reactor makes it, keeps it in order and in the index by key (archive_pending.h), and frees it; the writer has it
 * from archive_writer_give until its ordinal is committed. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_ITEM_H
#define MEMD_PERSISTENCE_ARCHIVE_ITEM_H

#include "base/list.h"
#include "persistence/archive_note.h"

enum { ARCHIVE_LOG_ID = 64 };

/* A log whose notes come. They live as long as the archive is open. */
struct archive_log {
    struct archive_log *next;
    char id[ARCHIVE_LOG_ID + 1]; /* "": none */
    uint64_t applied; /* the writer's: the last number that is in the file */
    uint64_t seen;    /* the reactor's: the last number that was put or replayed; at first as applied */
};

struct archive_item {
    struct archive_item *next;  /* the reactor's: all that are not freed yet */
    struct archive_item *ready; /* the writer's queue */
    struct link in_index;       /* the bucket of its key, or the notes about whole databases */
    struct archive_log *log;
    uint64_t ordinal;           /* 1, 2 ... in this process */
    uint64_t offset;            /* of the log, when it may be taken */
    uint64_t hash;              /* of database and key */
    int64_t put_us;
    size_t bytes;               /* of memory */
    bool logged;                /* offset is known */
    bool indexed;
    bool skip;                  /* the writer's: SQLite refuses it for itself, it is left out */
    bool erased;                /* the writer's: an ERASE that has been done, but for its number */
    struct archive_note note;   /* points into text */
    char text[];
};

#endif
