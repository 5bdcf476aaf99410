/* wheel.c -- a hierarchical timing wheel that fires exactly, from 8 bytes a record.
 *
 * Level k has 256 slots of 256^k ms; a record goes to the lowest level on whose ring its time lies
 * within 256 slots of the hand. When the hand comes to a slot above level 0, the slot's records are
 * sorted into lower levels; a slot of level 0 is due as a whole. The hand never steps through empty
 * time: it goes from one slot in use to the next, found by bitmap.
 *
 *   record:  63 ............ 32 | 31 ........ 8 | 7 ..... 0
 *            hash               | time          | hash
 *
 * The bits of the hash that a table does not need hold the time within the slot: up to 24 bits, in
 * level 3 (2^24 ms a slot). So a slot and its record give the time to the ms, and an owner that
 * knows an entry to have a record need not push it again. What lies beyond level 3 takes two words,
 * hash and time, in the list `far`, which is sorted whenever level 3 begins its ring anew.
 *
 * The hand does not go back. When the clock does, what is pushed for the time between is kept by a
 * second wheel, `past`, which lives until the clock has come up to the first one's hand. */
#include "storage/wheel.h"

#include "base/ensure.h"
#include "base/mem.h"

enum {
    LEVELS = 4,
    SLOTS = 256,
    SLOT_BITS = 8,
    FAR = LEVELS, /* as a level: the list `far` */
    CHUNK_MIN = 64,
    CHUNK_MAX = 512,  /* bytes */
    SORT_MIN = 2048,  /* records that one wheel_take sorts at most: this ... */
    SORT_PER_TAKE = 8 /* ... and this many for each one it may return */
};

/* Records are stacked in a list of chunks, the newest first. */
struct chunk {
    struct chunk *next;
    uint32_t n, cap; /* words; even, so that pairs stay together */
    uint64_t word[];
};

struct wheel {
    uint64_t hand;                     /* ms; all earlier times have fired */
    uint64_t used[LEVELS][SLOTS / 64]; /* a bit for each slot that is not empty */
    struct chunk *slot[LEVELS][SLOTS];
    struct chunk *due;     /* words: the slot of level 0 that is being taken */
    struct chunk *late;    /* pairs: pushed for a time before the hand */
    struct chunk *far;     /* pairs: beyond level 3 */
    uint64_t far_at;       /* when far is to be sorted; valid while there are any */
    struct chunk *sorting; /* of level sort_level: on their way to lower levels */
    uint64_t sort_base;    /* start of their slot */
    int sort_level;
    struct wheel *past;  /* records before the hand, while the clock is there again; else NULL */
    size_t count, bytes; /* without past */
};

/* --- lists of words -------------------------------------------------------------------------- */

static size_t chunk_bytes(uint32_t cap)
{
    return sizeof(struct chunk) + cap * sizeof(uint64_t);
}

static void chunk_add(struct wheel *w, struct chunk **list)
{
    size_t bytes = *list ? 2 * chunk_bytes((*list)->cap) : CHUNK_MIN;
    struct chunk *c;

    if (bytes > CHUNK_MAX) bytes = CHUNK_MAX;
    c = mem_alloc(bytes);
    c->next = *list;
    c->n = 0;
    c->cap = (uint32_t)((bytes - sizeof *c) / sizeof c->word[0]);
    *list = c;
    w->bytes += bytes;
}

static void chunk_drop(struct wheel *w, struct chunk **list)
{
    struct chunk *c = *list;

    *list = c->next;
    w->bytes -= chunk_bytes(c->cap);
    mem_free_sized(c, chunk_bytes(c->cap));
}

static inline void push_word(struct wheel *w, struct chunk **list, uint64_t word)
{
    if (!*list || (*list)->n == (*list)->cap) chunk_add(w, list);
    (*list)->word[(*list)->n++] = word;
}

/* From a list that is not empty. */
static inline uint64_t pop_word(struct wheel *w, struct chunk **list)
{
    uint64_t word = (*list)->word[--(*list)->n];

    if ((*list)->n == 0) chunk_drop(w, list);
    return word;
}

static void push_pair(struct wheel *w, struct chunk **list, uint64_t hash, uint64_t at)
{
    push_word(w, list, hash & WHEEL_HASH_BITS);
    push_word(w, list, at);
}

static uint64_t pop_pair(struct wheel *w, struct chunk **list, uint64_t *at)
{
    *at = pop_word(w, list);
    return pop_word(w, list);
}

/* --- making ---------------------------------------------------------------------------------- */

struct wheel *wheel_new(int64_t now_ms)
{
    struct wheel *w = mem_zalloc(sizeof *w);

    w->hand = now_ms > 0 ? (uint64_t)now_ms : 0;
    w->bytes = sizeof *w;
    return w;
}

static void free_list(struct wheel *w, struct chunk **list)
{
    while (*list) chunk_drop(w, list);
}

void wheel_free(struct wheel **wp)
{
    struct wheel *w = *wp;

    if (!w) return;
    for (int level = 0; level < LEVELS; level++) {
        for (int i = 0; i < SLOTS; i++) free_list(w, &w->slot[level][i]);
    }
    free_list(w, &w->due);
    free_list(w, &w->late);
    free_list(w, &w->far);
    free_list(w, &w->sorting);
    wheel_free(&w->past);
    mem_free(w);
    *wp = NULL;
}

/* --- placing --------------------------------------------------------------------------------- */

static inline uint64_t slot_number(uint64_t at, int level)
{
    return at >> (SLOT_BITS * level);
}

/* Record hash at a time that is not before the hand. */
static void place(struct wheel *w, uint64_t hash, uint64_t at)
{
    for (int level = 0; level < LEVELS; level++) {
        uint64_t n = slot_number(at, level), within;

        if (n - slot_number(w->hand, level) >= SLOTS) continue;
        within = at & (((uint64_t)1 << (SLOT_BITS * level)) - 1);
        n &= SLOTS - 1;
        push_word(w, &w->slot[level][n], (hash & WHEEL_HASH_BITS) | within << 8);
        w->used[level][n / 64] |= (uint64_t)1 << (n & 63);
        return;
    }
    if (!w->far)
        w->far_at = ((slot_number(w->hand, LEVELS - 1) | (SLOTS - 1)) + 1)
                    << SLOT_BITS * (LEVELS - 1);
    push_pair(w, &w->far, hash, at);
}

void wheel_push(struct wheel *w, uint64_t hash, int64_t at_ms)
{
    uint64_t at = at_ms > 0 ? (uint64_t)at_ms : 0;

    if (UNLIKELY(at < w->hand && w->past)) {
        wheel_push(w->past, hash, at_ms);
        return;
    }
    w->count++;
    if (LIKELY(at >= w->hand))
        place(w, hash, at);
    else
        push_pair(w, &w->late, hash, at);
}

/* --- moving the hand ------------------------------------------------------------------------- */

/* Distance from slot `from` to the first one in use on the ring; SLOTS when there is none. */
static unsigned next_used(const uint64_t used[SLOTS / 64], unsigned from)
{
    for (unsigned i = 0; i <= SLOTS / 64; i++) {
        unsigned at = (from / 64 + i) % (SLOTS / 64);
        uint64_t bits = used[at];

        if (i == 0) bits &= ~(uint64_t)0 << (from & 63);
        if (i == SLOTS / 64) bits &= ((uint64_t)1 << (from & 63)) - 1;
        if (bits) return (at * 64 + (unsigned)__builtin_ctzll(bits) + SLOTS - from) % SLOTS;
    }
    return SLOTS;
}

/* The level whose slot comes next, and when the hand meets it; higher levels first, because they
 * may put records into the lower ones' slots of the same time. -1: nothing is waiting. */
static int next_event(const struct wheel *w, uint64_t *at)
{
    int found = -1;

    *at = UINT64_MAX;
    if (w->far) {
        *at = w->far_at;
        found = FAR;
    }
    for (int level = LEVELS - 1; level >= 0; level--) {
        uint64_t n = slot_number(w->hand, level), start;
        unsigned ahead = next_used(w->used[level], (unsigned)(n & (SLOTS - 1)));

        if (ahead == SLOTS) continue;
        start = (n + ahead) << (SLOT_BITS * level);
        if (start < w->hand) start = w->hand;
        if (start >= *at) continue;
        *at = start;
        found = level;
    }
    return found;
}

static struct chunk *empty_slot(struct wheel *w, int level)
{
    unsigned n = (unsigned)(slot_number(w->hand, level) & (SLOTS - 1));
    struct chunk *list = w->slot[level][n];

    w->slot[level][n] = NULL;
    w->used[level][n / 64] &= ~((uint64_t)1 << (n & 63));
    return list;
}

/* The hand is at a slot of this level. */
static void open_slot(struct wheel *w, int level)
{
    if (level == 0) {
        w->due = empty_slot(w, 0);
        w->hand++;
        return;
    }
    w->sort_level = level;
    if (level == FAR) {
        w->sorting = w->far;
        w->far = NULL;
    } else {
        w->sorting = empty_slot(w, level);
        w->sort_base = slot_number(w->hand, level) << (SLOT_BITS * level);
    }
}

/* Sort up to *budget records. */
static void sort_some(struct wheel *w, size_t *budget)
{
    for (; w->sorting && *budget > 0; (*budget)--) {
        uint64_t at, hash;

        if (w->sort_level == FAR) {
            hash = pop_pair(w, &w->sorting, &at);
        } else {
            hash = pop_word(w, &w->sorting);
            at = w->sort_base + (hash >> 8 & 0xffffff);
        }
        place(w, hash, at);
    }
}

/* --- taking ---------------------------------------------------------------------------------- */

static size_t drain(struct wheel *w, uint64_t *out, size_t max)
{
    size_t n = 0;
    uint64_t at;

    while (w->late && n < max) out[n++] = pop_pair(w, &w->late, &at);
    while (w->due && n < max) out[n++] = pop_word(w, &w->due) & WHEEL_HASH_BITS;
    w->count -= n;
    return n;
}

/* The clock is before the hand. */
static size_t take_past(struct wheel *w, int64_t now_ms, uint64_t *out, size_t max)
{
    if (!w->past) w->past = wheel_new(now_ms);
    while (w->late) {
        uint64_t at, hash = pop_pair(w, &w->late, &at);
        w->count--;
        wheel_push(w->past, hash, (int64_t)at);
    }
    return wheel_take(w->past, now_ms, out, max);
}

size_t wheel_take(struct wheel *w, int64_t now_ms, uint64_t *out, size_t max)
{
    uint64_t now = now_ms > 0 ? (uint64_t)now_ms : 0;
    size_t budget = SORT_MIN + SORT_PER_TAKE * max, n = 0;

    if (now + 1 < w->hand) {
        if (wheel_count(w) > 0) return take_past(w, now_ms, out, max);
        wheel_free(&w->past);
        w->hand = now;
    }
    if (w->past) { /* the clock is back, so all that is there is due */
        n = wheel_take(w->past, now_ms, out, max);
        if (wheel_count(w->past) > 0) return n;
        wheel_free(&w->past);
    }
    for (;;) {
        uint64_t at;
        int level;

        n += drain(w, out + n, max - n);
        if (n == max) return n;
        sort_some(w, &budget);
        if (w->sorting) return n;
        level = next_event(w, &at);
        if (level < 0 || at > now) break;
        w->hand = at;
        open_slot(w, level);
    }
    if (w->hand <= now) w->hand = now + 1;
    return n;
}

bool wheel_behind(const struct wheel *w)
{
    return w->sorting != NULL || (w->past && wheel_behind(w->past));
}

size_t wheel_count(const struct wheel *w)
{
    return w->count + (w->past ? wheel_count(w->past) : 0);
}

size_t wheel_bytes(const struct wheel *w)
{
    return w->bytes + (w->past ? wheel_bytes(w->past) : 0);
}

/* --- check ----------------------------------------------------------------------------------- */

/* Words of a list; adds its memory to *bytes. */
static size_t check_list(const struct chunk *c, size_t *bytes)
{
    size_t n = 0;

    for (; c; c = c->next) {
        ensure(c->n > 0 && c->n <= c->cap);
        n += c->n;
        *bytes += chunk_bytes(c->cap);
    }
    return n;
}

static size_t check_pairs(const struct chunk *c, size_t *bytes)
{
    size_t n = check_list(c, bytes);

    for (; c; c = c->next) ensure(c->n % 2 == 0);
    return n / 2;
}

void wheel_check(const struct wheel *w)
{
    size_t bytes = sizeof *w, n = 0;

    for (int level = 0; level < LEVELS; level++) {
        for (unsigned i = 0; i < SLOTS; i++) {
            const struct chunk *c = w->slot[level][i];

            ensure((c != NULL) == (w->used[level][i / 64] >> (i & 63) & 1));
            n += check_list(c, &bytes);
            for (; c; c = c->next) {
                for (uint32_t k = 0; k < c->n; k++) {
                    ensure((c->word[k] >> 8 & 0xffffff) >> (SLOT_BITS * level) == 0);
                }
            }
        }
    }
    n += check_list(w->due, &bytes) + check_pairs(w->late, &bytes) + check_pairs(w->far, &bytes);
    n += w->sort_level == FAR ? check_pairs(w->sorting, &bytes) : check_list(w->sorting, &bytes);
    ensure(n == w->count && bytes == w->bytes);
    if (w->past) wheel_check(w->past);
}
