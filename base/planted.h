/* planted.h -- mistakes on purpose, to see whether the tests find them.
 *
 * A build with -DMEMD_PLANTED_BUG=BUG_X (make MODE=bug-x) has that one mistake; any other build has none, and
 * the compiler removes every trace of these lines. Each is one that an author of this kind of program could
 * make and that works until the day of the crash. `make crash-selftest` builds each and demands that it be found. */
#ifndef MEMD_BASE_PLANTED_H
#define MEMD_BASE_PLANTED_H

enum planted_bug {
    BUG_NONE,
    BUG_REPLY_BEFORE_SYNC,      /* appendfsync always does not wait for the disk */
    BUG_NO_DIRECTORY_SYNC,      /* a new name is taken for durable */
    BUG_IGNORED_SYNC_ERROR,     /* a sync that failed counts as one that did not */
    BUG_SAME_DESCRIPTOR_AGAIN,  /* a sync that failed is tried again, and believed when it then succeeds */
    BUG_BATCH_TWICE,            /* the last batch of a file is applied twice */
    BUG_LAST_RECORD_DROPPED,    /* the last command of a file is not applied */
    BUG_EXEC_NOT_ATOMIC,        /* the effects of a transaction are written one by one */
    BUG_CLOCK_AT_LOAD,          /* what is loaded expires by a clock that is an hour ahead */
    BUG_ARCHIVED_BEFORE_SYNC,   /* the archive takes what the log has not synced */
    BUG_NOTE_APART,             /* what left is archived by a record of its own, not in one group with its leaving */
    BUG_APPLIED_NOT_STORED,     /* the archive forgets how far it came in the log */
    BUG_BASE_BEFORE_ARCHIVE     /* a new base does not wait for the archive */
};

#ifndef MEMD_PLANTED_BUG
#define MEMD_PLANTED_BUG BUG_NONE
#endif

#define PLANTED(bug) (MEMD_PLANTED_BUG == (bug))

#endif
