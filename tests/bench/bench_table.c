/* bench_table.c -- what the table and the wheel cost. By hand, from the root of the repository:
 *
 *   gcc -std=c11 -D_GNU_SOURCE -O2 -I. tests/bench/bench_table.c storage/table*.c storage/wheel.c \
 *       storage/entry.c base/{mem,ensure,hash,rng,clock}.c -ljemalloc -lpthread -o bench_table
 *   ./bench_table [keys]            5000000 keys of 24 bytes with values of 32 bytes and a TTL
 *
 * Keys are looked up in random order; making and hashing them is inside the figures, as it is for a
 * server. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "storage/table.h"
#include "storage/wheel.h"

enum { BATCH = 16, LOOKUPS = 4000000 };

static char key_text[32];

static struct str key_of(uint64_t i, char *buf)
{
    memcpy(buf, "user_00000000_session_00", 24);
    for (int d = 12; d > 4; d--, i /= 10) buf[d] = (char)('0' + i % 10);
    return str_of(buf, 24);
}

static double since(int64_t start_us, size_t n)
{
    return (double)(clock_mono_us() - start_us) * 1000 / (double)n;
}

static void make_keys_only(const struct table *t, struct rng *r, size_t n)
{
    int64_t start = clock_mono_us();
    uint64_t sum = 0;

    for (size_t i = 0; i < LOOKUPS; i++) sum += table_hash(t, key_of(rng_below(r, n), key_text));
    printf("%-28s %7.1f ns   (%llu)\n", "make and hash a key", since(start, LOOKUPS),
           (unsigned long long)sum);
}

static void look_up(const struct table *t, struct rng *r, size_t n, const char *what,
                    uint64_t first)
{
    int64_t start = clock_mono_us();
    size_t found = 0;

    for (size_t i = 0; i < LOOKUPS; i++) {
        struct str key = key_of(first + rng_below(r, n), key_text);
        struct table_ref ref = table_find(t, table_hash(t, key), key);
        if (ref.e) found += (size_t)*entry_value(ref.e);
    }
    printf("%-28s %7.1f ns   (%zu)\n", what, since(start, LOOKUPS), found);
}

static void look_up_batches(const struct table *t, struct rng *r, size_t n)
{
    int64_t start = clock_mono_us();
    char text[BATCH][32];
    uint64_t hash[BATCH];
    struct str key[BATCH];
    size_t found = 0;

    for (size_t i = 0; i < LOOKUPS; i += BATCH) {
        for (int j = 0; j < BATCH; j++) {
            key[j] = key_of(rng_below(r, n), text[j]);
            hash[j] = table_hash(t, key[j]);
            table_prefetch_bucket(t, hash[j]);
        }
        for (int j = 0; j < BATCH; j++) table_prefetch_entry(t, hash[j]);
        for (int j = 0; j < BATCH; j++) {
            struct table_ref ref = table_find(t, hash[j], key[j]);
            if (ref.e) found += (size_t)*entry_value(ref.e);
        }
    }
    printf("%-28s %7.1f ns   (%zu)\n", "hit, batches of 16", since(start, LOOKUPS), found);
}

static void dump_nothing(void *ctx, struct entry *e)
{
    *(size_t *)ctx += entry_bytes(e);
}

static void walk_cut(struct table *t, size_t n)
{
    size_t bytes = 0;
    struct table_cut cut = { .epoch = 1, .dump = dump_nothing, .ctx = &bytes };
    int64_t start = clock_mono_us();

    table_cut_begin(t, &cut);
    while (table_cut_step(t)) {
    }
    table_cut_end(t);
    printf("%-28s %7.1f ns   (%zu bytes)\n", "snapshot walk, an entry", since(start, n), bytes);
}

static void wheel(struct rng *r, size_t n)
{
    struct wheel *w = wheel_new(0);
    int64_t start = clock_mono_us(), now = 0;
    uint64_t out[64];
    size_t taken = 0;

    for (size_t i = 0; i < n; i++) wheel_push(w, rng_next(r), (int64_t)rng_below(r, 86400000));
    printf("%-28s %7.1f ns\n", "wheel push", since(start, n));
    printf("%-28s %7.1f B\n", "wheel, a record", (double)wheel_bytes(w) / (double)n);
    start = clock_mono_us();
    while (taken < n) {
        size_t got = wheel_take(w, now, out, 64);
        taken += got;
        if (got < 64) now += 100;
    }
    printf("%-28s %7.1f ns\n", "wheel take, all levels", since(start, n));
    wheel_free(&w);
}

static void free_entry(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000000, before;
    struct hash_key hk = { 1, 2 };
    struct table t;
    struct rng r;
    int64_t start, worst = 0;

    mem_init();
    rng_seed(&r, 1);
    table_init(&t, &hk);
    make_keys_only(&t, &r, n);
    before = mem_used();
    start = clock_mono_us();
    for (size_t i = 0; i < n; i++) {
        struct str key = key_of(i, key_text);
        struct entry *e =
            entry_new_raw(VALUE_STRING, key, STR("01234567890123456789012345678901"), 1);
        int64_t one = i % 64 == 0 ? clock_mono_us() : 0;

        table_insert(&t, table_hash(&t, key), e);
        if (one && clock_mono_us() - one > worst) worst = clock_mono_us() - one;
    }
    printf("%-28s %7.1f ns   worst of a sample %lld us\n", "insert", since(start, n),
           (long long)worst);
    printf("%-28s %7.1f B    table alone %.1f B\n", "a key",
           (double)(mem_used() - before) / (double)n, (double)t.bytes / (double)n);
    look_up(&t, &r, n, "hit", 0);
    look_up_batches(&t, &r, n);
    look_up(&t, &r, n, "miss", n);
    walk_cut(&t, n);
    start = clock_mono_us();
    for (size_t i = 0; i < n; i++) {
        struct str key = key_of(i, key_text);
        struct table_ref ref = table_find(&t, table_hash(&t, key), key);
        if (i % 8) entry_free(table_remove(&t, &ref));
    }
    printf("%-28s %7.1f ns   table now %.1f B a key\n", "remove 7 of 8", since(start, n),
           (double)t.bytes / (double)t.count);
    table_fini(&t, free_entry, NULL);
    wheel(&r, n);
    return 0;
}
