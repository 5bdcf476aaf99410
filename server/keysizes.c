/* keysizes.c -- see keysizes.h. */
#include "server/keysizes.h"

#include "base/buf.h"
#include "base/mem.h"

enum {
    BINS = 1 + 60,  /* 0; then one for each power of two */
    TYPES = 5,      /* streams are not told */
    STEP = 64,      /* keys between two looks at the clock */
    SLICE_US = 1000
};

struct sizes {
    uint64_t n[TYPES][BINS];
};

struct keysizes {
    int databases;
    struct sizes **done, **next; /* of each database, NULL: it was empty */
    int64_t asked_ms;            /* monotonic; 0: never */
    bool walks;
    int db;                      /* where the walk is */
    uint64_t cursor;
};

static const struct {
    enum value_type type;
    const char *name;
} types[TYPES] = {
    { VALUE_STRING, "strings_sizes" }, { VALUE_LIST, "lists_items" }, { VALUE_SET, "sets_items" },
    { VALUE_ZSET, "zsets_items" },     { VALUE_HASH, "hashes_items" },
};

struct keysizes *keysizes_new(int databases)
{
    struct keysizes *k = mem_zalloc(sizeof *k);

    k->databases = databases;
    k->done = mem_zalloc((size_t)databases * sizeof *k->done);
    k->next = mem_zalloc((size_t)databases * sizeof *k->next);
    return k;
}

static void forget(struct keysizes *k, struct sizes **sizes)
{
    for (int i = 0; i < k->databases; i++) {
        mem_free(sizes[i]);
        sizes[i] = NULL;
    }
}

void keysizes_free(struct keysizes **kp)
{
    struct keysizes *k = *kp;

    if (k == NULL) return;
    forget(k, k->done);
    forget(k, k->next);
    mem_free(k->done);
    mem_free(k->next);
    mem_free(k);
    *kp = NULL;
}

/* --- walking ------------------------------------------------------------------------------------------- */

struct visit {
    const struct store *store;
    struct sizes *sizes;
};

static int bin_of(uint64_t n)
{
    int bin = n == 0 ? 0 : 64 - __builtin_clzll(n);

    return bin < BINS ? bin : BINS - 1;
}

static void count(void *ctx, const struct entry *e)
{
    struct visit *v = ctx;

    for (int t = 0; t < TYPES; t++) {
        if (types[t].type != entry_type(e)) continue;
        v->sizes->n[t][bin_of(type_ops[entry_type(e)]->count(v->store, e))]++;
    }
}

static void begin(struct keysizes *k)
{
    forget(k, k->next);
    k->db = 0;
    k->cursor = 0;
    k->walks = true;
}

static void end(struct keysizes *k)
{
    struct sizes **old = k->done;

    k->done = k->next;
    k->next = old;
    forget(k, k->next);
    k->walks = false;
}

/* Some keys more. False: that was all. */
static bool step(struct keysizes *k, struct store *s)
{
    struct db *db = s->dbs[k->db];
    struct visit v = { .store = s };

    if (db != NULL && db->n_keys > 0) {
        if (k->next[k->db] == NULL) k->next[k->db] = mem_zalloc(sizeof *k->next[k->db]);
        v.sizes = k->next[k->db];
        k->cursor = db_scan(db, k->cursor, STEP, count, &v);
    } else {
        k->cursor = 0;
    }
    if (k->cursor == 0) k->db++;
    return k->db < k->databases;
}

static size_t all_keys(const struct store *s)
{
    size_t n = 0;

    for (int i = 0; i < s->conf.databases; i++) n += s->dbs[i] ? s->dbs[i]->n_keys : 0;
    return n;
}

void keysizes_tend(struct server *s)
{
    struct keysizes *k = s->keysizes;
    int64_t until = clock_mono_us() + SLICE_US;

    if (k->asked_ms == 0 || s->store->loading) return;
    if (!k->walks) {
        if (server_mono_ms(s) - k->asked_ms > KEYSIZES_ASKED_MS || all_keys(s->store) <= KEYSIZES_AT_ONCE) return;
        begin(k);
    }
    do {
        if (!step(k, s->store)) {
            end(k);
            return;
        }
    } while (clock_mono_us() < until);
}

/* --- telling ------------------------------------------------------------------------------------------- */

/* The smallest number of a bin: 0, 1, 2, 4 ... 512, 1K ... 512K, 1M ... */
static void put_bin(struct buf *out, int bin, uint64_t n)
{
    static const char units[] = " KMGTPE";
    int power = bin > 0 ? bin - 1 : 0, unit = power / 10;

    if (bin == 0) buf_add_c(out, "0");
    else buf_printf(out, "%d", 1 << power % 10);
    if (unit > 0) buf_add_char(out, units[unit]);
    buf_printf(out, "=%llu", (unsigned long long)n);
}

static void put_line(struct buf *out, int db, const char *name, const uint64_t *bins)
{
    bool first = true;

    for (int bin = 0; bin < BINS; bin++) {
        if (bins[bin] == 0) continue;
        if (first) buf_printf(out, "db%d_distrib_%s:", db, name);
        else buf_add_char(out, ',');
        first = false;
        put_bin(out, bin, bins[bin]);
    }
    if (!first) buf_add_c(out, "\r\n");
}

void keysizes_print(struct server *s, struct buf *out)
{
    struct keysizes *k = s->keysizes;

    k->asked_ms = server_mono_ms(s);
    if (all_keys(s->store) <= KEYSIZES_AT_ONCE && !s->store->loading) {
        begin(k);
        while (step(k, s->store)) continue;
        end(k);
    }
    for (int i = 0; i < k->databases; i++) {
        if (k->done[i] == NULL) continue;
        for (int t = 0; t < TYPES; t++) put_line(out, i, types[t].name, k->done[i]->n[t]);
    }
}
