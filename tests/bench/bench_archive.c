/* bench_archive.c -- how many notes a second the archive's writer brings into its file.
 *
 *   make && gcc -std=c11 -D_GNU_SOURCE -O2 -I. tests/bench/bench_archive.c build/release/libpersistence.a \
 *       build/release/libprotocol.a build/release/libstorage.a build/release/libbase.a -lsqlite3 -lzstd -lcjson -llzf \
 *       -ljemalloc -lpthread -lm -o build/bench_archive && build/bench_archive [sessions [directory]]
 *
 * Chat in two shapes: single messages as JSON strings of about 830 bytes, and sessions that are lists of 20 such of about 190
 * bytes. Words are drawn with frequencies as in a natural text. Notes are made beforehand and handed over as
 * fast as the queue takes them: the rate is the writer's, on a machine that does nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "persistence/archive.h"
#include "persistence/persist.h"
#include "storage/db.h"
#include "storage/type_list.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"

enum { WORDS = 8000, MADE = 2000, IN_SESSION = 20, BATCHES = 100000 };

struct shape {
    const char *name;
    int elements;  /* 0: a string */
    size_t text;   /* bytes of content each */
    int per_round; /* notes of a round are so many times the sessions asked for */
};

static const struct shape shapes[] = {
    { "messages of 830 bytes", 0, 700, 5 },
    { "sessions of 20 messages", IN_SESSION, 130, 1 },
};

static const struct mode {
    const char *name;
    bool compress, messages;
    enum archive_fts fts;
} modes[] = {
    { "values, as they are", false, false, ARCHIVE_FTS_NONE },
    { "values, compressed", true, false, ARCHIVE_FTS_NONE },
    { "and rows of messages", true, true, ARCHIVE_FTS_NONE },
    { "and their index (FTS5)", true, true, ARCHIVE_FTS_UNICODE },
};

struct bench {
    struct rng rng;
    char words[WORDS][12];
    struct store *store;
    struct buf payloads[MADE];
    size_t raw;
};

static void make_words(struct bench *b)
{
    for (int i = 0; i < WORDS; i++) {
        size_t n = 2 + rng_below(&b->rng, 8);

        for (size_t k = 0; k < n; k++) b->words[i][k] = "etaoinshrdlucmfwypvbgkjqxz"[rng_below(&b->rng, 1 + rng_below(&b->rng, 26))];
    }
}

/* The kth word about 1/k as often as the first. */
static const char *word(struct bench *b)
{
    double u = rng_unit(&b->rng);

    return b->words[(int)((double)WORDS * u * u * u)];
}

static void add_message(struct bench *b, struct buf *to, int i, size_t text)
{
    size_t end;

    buf_printf(to, "{\"role\": \"%s\", \"content\": \"", i % 2 ? "assistant" : "user");
    end = to->n + text;
    while (to->n < end) buf_printf(to, "%s%s", word(b), rng_below(&b->rng, 9) ? " " : ". ");
    buf_printf(to, "\", \"id\": \"msg_%08x\", \"ts\": %lld}", (unsigned)rng_next(&b->rng), 1700000000LL + i * 17);
}

static void make_payloads(struct bench *b, const struct shape *s)
{
    struct buf message = { 0 };

    b->raw = 0;
    for (int i = 0; i < MADE; i++) {
        uint64_t n;
        int left = s->elements > 0 ? s->elements : 1;

        for (int k = 0; k < left; k++) {
            struct str m;

            buf_clear(&message);
            add_message(b, &message, k, s->text);
            m = buf_str(&message);
            if (s->elements == 0) ensure(string_set(b->store->dbs[0], STR("k"), m, NULL) == OK);
            else ensure(lists_push(b->store->dbs[0], STR("k"), LIST_RIGHT, &m, 1, false, &n) == OK);
        }
        buf_clear(&b->payloads[i]);
        persist_dump_plain(b->store, db_peek(b->store->dbs[0], STR("k")), &b->payloads[i]);
        b->raw += b->payloads[i].n;
        store_flush(b->store, 0);
    }
    buf_fini(&message);
}

static void no_wake(void *ctx)
{
    (void)ctx;
}

/* Of all threads: what stays the same when the machine has other work. */
static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void put(struct bench *b, struct archive *a, int i, struct str *echo)
{
    char key[48];
    struct buf payload = { 0 };
    struct archive_note n = { .verb = ARCHIVE_OUT, .reason = ARCHIVE_EXPIRED, .at_ms = 1700000000000 + i, .flags = ARCHIVE_LIVE,
                              .expires_ms = 1700000000000 + i, .ns = STR("session:*") };

    n.key = str_of(key, (size_t)snprintf(key, sizeof key, "session:%08x:%d", (unsigned)i * 2654435761u, i));
    buf_add_str(&payload, buf_str(&b->payloads[i % MADE]));
    archive_put(a, &n, &payload, echo);
}

static void run(struct bench *b, const struct mode *m, const char *dir, int notes)
{
    char path[256], why[ARCHIVE_WHY];
    static int64_t batches[BATCHES];
    size_t n_batches = 0;
    struct archive_conf conf = { .path = path, .queue_bytes = 32 << 20, .compress = m->compress, .messages = m->messages,
                                 .fts = m->fts, .query_ms = 1000, .query_rows = 1000 };
    struct archive_env env = { .values = &b->store->conf, .mono_us = clock_mono_us, .wall_ms = clock_wall_ms, .wake = no_wake };
    struct archive *a = NULL;
    struct archive_info info;
    struct str echo;
    uint64_t seen = 0;
    int64_t began, took;
    double cpu;

    snprintf(path, sizeof path, "%s/bench-archive.db", dir);
    if (archive_open(&a, &conf, &env, why) != OK) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    cpu = cpu_s();
    began = clock_mono_us();
    for (int i = 0; i < notes || !archive_is_applied(a, archive_last_seq(a));) {
        for (int k = 0; k < 50 && i < notes && archive_has_room(a, 65536); k++) put(b, a, i++, &echo);
        archive_logged(a, 0);
        archive_synced(a, UINT64_MAX);
        archive_turn(a);
        archive_info(a, &info);
        if (info.transactions > seen && n_batches < BATCHES) batches[n_batches++] = info.last_commit_us;
        seen = info.transactions;
        if (i == notes || !archive_has_room(a, 65536)) usleep(500);
    }
    took = clock_mono_us() - began;
    cpu = cpu_s() - cpu;
    archive_info(a, &info);
    archive_close(&a);
    qsort(batches, n_batches, sizeof *batches, by_value);
    printf("  %-24s %7.0f notes/s %7.0f a CPU second %8.0f rows/s  batch p50 %6.1f p99 %6.1f max %6.1f ms  file %5.2f of raw  values %4.2f\n", m->name,
           notes * 1e6 / (double)took, notes / cpu, (double)(info.entries + info.messages) * 1e6 / (double)took,
           (double)batches[n_batches / 2] / 1e3, (double)batches[n_batches * 99 / 100] / 1e3, (double)batches[n_batches - 1] / 1e3,
           (double)info.file_bytes / ((double)b->raw / MADE * notes),
           (double)info.stored_bytes / (double)info.raw_bytes);
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        char name[300];

        snprintf(name, sizeof name, "%s%s", path, (const char *[]){ "", "-wal", "-shm" }[i]);
        unlink(name);
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    int sessions = argc > 1 ? atoi(argv[1]) : 20000;

    mem_init();
    rng_seed(&b.rng, 1);
    b.store = env_store(1);
    make_words(&b);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        make_payloads(&b, &shapes[s]);
        printf("%s (payloads of %zu bytes), %d notes\n", shapes[s].name, b.raw / MADE, sessions * shapes[s].per_round);
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
            run(&b, &modes[m], argc > 2 ? argv[2] : "/tmp", sessions * shapes[s].per_round);
        }
    }
    for (int i = 0; i < MADE; i++) buf_fini(&b.payloads[i]);
    store_free(&b.store);
    return 0;
}
