#include "persistence/archive_builder.h"

#include <sqlite3.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/thread.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_writer.h"

enum { WAIT_MS = 50, BUSY_MS = 1000, LOOK_EVERY = 1024 };

/* The fullest it may be when new, so that there is room for what comes. */
enum { KEYS_MIN = 65536, GROW_PERCENT = 150 };

struct archive_builder {
    pthread_t thread;
    char *path;
    struct hash_key key;
    struct archive_writer *writer;
    uint64_t seq;
    void (*wake)(void *ctx);
    void *ctx;
    struct archive_filter *filter;
    _Atomic bool stop, over;
};

uint64_t archive_hash(const struct hash_key *k, int db, struct str key)
{
    struct hash_key of_db = { k->k0 ^ (uint64_t)db, k->k1 };

    return hash_bytes(&of_db, key);
}

static bool is_committed(struct archive_builder *b)
{
    while (!atomic_load(&b->stop)) {
        if (archive_writer_wait(b->writer, b->seq, 0, WAIT_MS)) return true;
    }
    return false;
}

static int open_reader(const char *path, sqlite3 **db)
{
    int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc != SQLITE_OK) return rc;
    sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_busy_timeout(*db, BUSY_MS);
    return sqlite3_exec(*db, "PRAGMA mmap_size = 0; BEGIN", NULL, NULL, NULL);
}

static int count_live(sqlite3 *db, int64_t *n)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name = 'live'", -1, &st, NULL);

    *n = 0;
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) *n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The index of live entries has their keys: no other page of the table is read. */
static int fill(struct archive_builder *b, sqlite3 *db)
{
    sqlite3_stmt *st = NULL;
    uint64_t n = 0;
    int rc = sqlite3_prepare_v2(db, "SELECT db, key FROM entries INDEXED BY entries_live WHERE live = 1", -1, &st, NULL);

    if (rc != SQLITE_OK) return rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        archive_filter_add(b->filter, archive_hash(&b->key, sqlite3_column_int(st, 0), archive_column(st, 1)));
        if (++n % LOOK_EVERY == 0 && atomic_load(&b->stop)) break;
    }
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void build(struct archive_builder *b)
{
    sqlite3 *db = NULL;
    int64_t n = 0;
    int rc = open_reader(b->path, &db);

    if (rc == SQLITE_OK) rc = count_live(db, &n);
    if (rc == SQLITE_OK) {
        b->filter = archive_filter_new((n > 0 ? (uint64_t)n : 0) / 100 * GROW_PERCENT + KEYS_MIN);
        rc = fill(b, db);
    }
    sqlite3_close(db);
    if (rc != SQLITE_OK) archive_filter_free(&b->filter);
}

static void *run(void *arg)
{
    struct archive_builder *b = arg;

    thread_give_way();
    mem_thread_enter();
    if (is_committed(b)) build(b);
    atomic_store(&b->over, true);
    b->wake(b->ctx);
    mem_thread_leave();
    return NULL;
}

struct archive_builder *archive_builder_start(const char *path, const struct hash_key *k, struct archive_writer *w,
                                              uint64_t seq, void (*wake)(void *ctx), void *ctx)
{
    struct archive_builder *b = mem_zalloc(sizeof *b);

    b->path = mem_dup(path, strlen(path) + 1);
    b->key = *k;
    b->writer = w;
    b->seq = seq;
    b->wake = wake;
    b->ctx = ctx;
    if (thread_start(&b->thread, "memd-arc-index", run, b) == 0) return b;
    mem_free(b->path);
    mem_free(b);
    return NULL;
}

static void destroy(struct archive_builder **b)
{
    mem_free((*b)->path);
    mem_free(*b);
    *b = NULL;
}

bool archive_builder_take(struct archive_builder **b, struct archive_filter **f)
{
    if (!atomic_load(&(*b)->over)) return false;
    pthread_join((*b)->thread, NULL);
    *f = (*b)->filter;
    destroy(b);
    return true;
}

void archive_builder_stop(struct archive_builder **b)
{
    if (*b == NULL) return;
    atomic_store(&(*b)->stop, true);
    pthread_join((*b)->thread, NULL);
    archive_filter_free(&(*b)->filter);
    destroy(b);
}
