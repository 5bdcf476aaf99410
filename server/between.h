/* between.h -- what goes on between turns, in slices.
 *
 * Searches, walks over all keys, indexing: whatever takes longer than a turn may is a kind of work with a row in a table (between.c).
 * When the replies of a turn are sent, the kinds that have something to do share BETWEEN_US; then whoever waits is served, and so on.
 *
 * The rotation is fair: in each turn another one of them is the first, and has all of that time; the others have what it left. So of n
 * kinds that are never done each has a whole slice in n turns, and one that needs little has it at once. Within a kind those who wait
 * stand in a ring of its own.
 *
 * To add a kind: its two functions, a row, and a word in `may_be_due` (builds under AddressSanitizer stop where that is forgotten). */
#ifndef MEMD_SERVER_BETWEEN_H
#define MEMD_SERVER_BETWEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;

enum {
    BETWEEN_US = 500,        /* of a turn, for all kinds together */
    BETWEEN_INLINE_US = 300, /* what a call may take for itself before it goes on so */
    BETWEEN_KINDS_MAX = 16
};

struct between_kind {
    const char *name; /* for LATENCY and DEBUG BETWEEN */
    /* Is there something that can go on now? While it is so the loop does not sleep. Asked in every turn: cheap. */
    bool (*is_due)(const struct server *s);
    /* Go on until deadline (monotonic), and a step in any case. Not called while nothing is due. */
    void (*turn)(struct server *s, int64_t deadline_us);
    bool inward; /* answers nobody: unless the store has changed by it, there is nothing to see to behind it */
};

struct between {
    const struct between_kind *kinds;
    size_t n, first;                  /* first: whose slice comes next before all others */
    int64_t (*clock_us)(void);
    bool (*may_be_due)(const struct server *s); /* false: surely no kind is; a shorter question for the hot path. NULL: ask them */
    int64_t deadline_us;              /* of the slice that runs, or ran last */
    struct {
        uint64_t turns, us;           /* had so far */
        int64_t us_max;
    } spent[BETWEEN_KINDS_MAX];       /* by kind */
    void (*tell)(struct server *s, const char *name, int64_t us); /* of each slice; NULL: nobody */
};

/* A test brings its own kinds and its own clock; of_server has memd's. kinds is kept. */
void between_init(struct between *b, const struct between_kind *kinds, size_t n, int64_t (*clock_us)(void));
void between_init_of_server(struct between *b);

bool between_is_due(const struct between *b, const struct server *s);

/* A share of a turn for those that are due. True: one ran that may have answered somebody. */
bool between_turn(struct between *b, struct server *s);

#endif
