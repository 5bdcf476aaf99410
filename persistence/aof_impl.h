/* aof_impl.h -- what the parts of the log's reader share, for aof_*.c alone. */
#ifndef MEMD_PERSISTENCE_AOF_IMPL_H
#define MEMD_PERSISTENCE_AOF_IMPL_H

#include "persistence/aof_look.h"
#include "persistence/aof_read.h"

/* The extent of a batch. */
struct aof_extent {
    uint64_t bytes;
    uint64_t counted;  /* of them, in the log: annotations are not */
    uint64_t mark_n;   /* length of the mark behind it */
    int64_t first_s, last_s; /* annotated times; 0: none */
    bool in_multi;     /* it ends within a transaction */
    bool selects;      /* its first command is SELECT */
    bool ends_in_note; /* behind a command: only a mark belongs there */
};

/* Find the extent of the batch at in->p, at most `most` bytes of it. ITEM_END: there is no mark behind it, only
 * the end. */
enum item aof_measure(struct look *l, uint64_t most, struct aof_extent *x);

/* Apply what the extent holds, which is in the window. False: a command was refused, r->why says it. */
bool aof_apply_extent(struct aof_reader *r, struct look *l, uint64_t bytes);

/* How much of the batch counts in the log's offset. */
uint64_t aof_counted(const struct aof_reader *r, const struct aof_extent *x, uint64_t seq);

/* Note where and what, and return end. */
enum aof_end aof_bad(struct aof_reader *r, enum aof_end end, const char *what);

/* Does the rest of the input hold zeros up to the end of a sector (as it lies on the disk), or to its own end?
 * A cut leaves them where the file had grown before its data came. */
bool aof_has_hole(struct rdb_in *in);

/* The batch at in->p is not whole, and `last` lies where it stops making sense: AOF_TORN or AOF_DAMAGED. */
enum aof_end aof_judge(struct aof_reader *r, enum item last, const char *what);

/* aof_salvage.c: apply every batch that is whole behind in->p, which is at good_pos, and tell of what lies between
 * them. end: how the file stopped making sense, returned when nothing is whole behind there. */
enum aof_end aof_salvage(struct aof_reader *r, struct look *l, enum aof_end end);

#endif
