/* random_reply.h -- what HRANDFIELD, SRANDMEMBER and ZRANDMEMBER have in common. */
#ifndef MEMD_COMMANDS_RANDOM_REPLY_H
#define MEMD_COMMANDS_RANDOM_REPLY_H

#include "commands/read_job.h"

/* A count may ask for any number of repeated elements: no reply grows beyond this. */
#define RANDOM_REPLY_MAX ((size_t)1 << 30)

/* So many of the shortest ("$0") are that long: what asks for more is refused before the first is written. */
#define RANDOM_ITEMS_MAX (RANDOM_REPLY_MAX / 6)

/* Argument i as a count. distinct: it is positive; n: its size. ERR_NOT_INT, ERR_RANDOM_COUNT. */
static inline enum err MUST_USE random_count(const struct call *c, size_t i, bool *distinct, size_t *n)
{
    int64_t count;
    enum err e = call_range(c, i, -INT64_MAX, INT64_MAX, ERR_RANDOM_COUNT, &count);

    if (e != OK) return e;
    *distinct = count >= 0;
    *n = (size_t)(count >= 0 ? count : -count);
    return OK;
}

/* Many draws in slices: begins a struct that is a job; zeroed. */
struct draw_job {
    struct read_job base;
    size_t wanted, left;
    size_t among;   /* distinct: items not looked at yet */
    bool pairs;     /* each comes with its value or score */
    size_t n_bytes; /* of the reply so far */
    struct rng *rng;
    /* Draw n of all there are, any of them again. */
    void (*draw)(struct draw_job *j, size_t n, struct reply *out);
    /* Go to the next of all; write it if it is taken. */
    void (*look)(struct draw_job *j, bool take, struct reply *out);
};

/* Is it worth a job? Drawing distinct ones means to look at all there are: fewer are drawn at once. */
static inline bool draw_is_long(const struct call *c, bool distinct, size_t n)
{
    return read_is_long(c, distinct ? n / 8 : n, 0);
}

/* Takes j (mem_zalloc), whose functions are set, to draw n from the value at object; distinct ones of `among`, unless that is 0. The code
 * for the handler to return. */
enum err MUST_USE draw_job_run(struct call *c, struct draw_job *j, size_t n, size_t among, bool pairs, const void *object);

#endif
