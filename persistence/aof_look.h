/* aof_look.h -- what lies at a place of a log: a command, an annotation, a line of ours. */
#ifndef MEMD_PERSISTENCE_AOF_LOOK_H
#define MEMD_PERSISTENCE_AOF_LOOK_H

#include "persistence/rdb_in.h"
#include "protocol/resp.h"

enum item {
    ITEM_COMMAND,
    ITEM_NOTE,  /* an annotation that is not ours */
    ITEM_MARK,  /* a line of ours */
    ITEM_END,   /* the end of the input, exactly */
    ITEM_SHORT, /* the input ends within a command or line */
    ITEM_BAD    /* neither */
};

struct look {
    struct rdb_in *in;
    struct resp_parser parser; /* args: those of the command looked at last, slices of the input's window */
    struct resp_limits limits;
};

void look_start(struct look *l, struct rdb_in *in);
void look_end(struct look *l);

/* What begins `at` bytes behind the input's place; *n is its length. The input does not move, but its window
 * may. */
enum item look_at(struct look *l, uint64_t at, uint64_t *n);

/* Abandon a command that was looked at in part. */
void look_again(struct look *l);

/* Is it the command that was looked at? */
bool look_is(const struct look *l, const char *word);

/* The seconds of a "#TS:" annotation of n bytes; -1: it is none. */
int64_t look_stamp(const struct look *l, uint64_t at, uint64_t n);

#endif
