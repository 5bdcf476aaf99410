/* snapshot.c -- producer and writer of a snapshot. */
#include "persistence/snapshot.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/crc.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/file_ops.h"
#include "persistence/persist.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_verify.h"
#include "persistence/rdb_write.h"
#include "persistence/worker.h"
#include "storage/store.h"

enum {
    BLOCK_BYTES = 128 * 1024,
    SYNC_EVERY = 32 << 20,  /* so that the last sync is short, and the disk is not swamped */
    STEPS_PER_LOOK = 8,     /* buckets walked between looks at the clock */
    SPARE_MAX = 8,
    SPARE_BYTES_MAX = 4 * BLOCK_BYTES
};

struct block {
    struct block *next;
    struct rdb_out out;
};

struct snapshot {
    struct snapshot_conf conf;
    char *tmp_path;

    /* the reactor's */
    struct store_cut *cut;
    struct block *open; /* being filled */
    int db;             /* selected in the file, -1: none */
    bool walked;
    uint64_t keys_done, keys_total, dirty;

    pthread_mutex_t lock;
    pthread_cond_t more; /* for the worker */
    pthread_cond_t less; /* for a reactor that waits */
    struct block *first, **end;
    struct block *spare;
    unsigned n_spare;
    bool complete;       /* no more blocks will come */
    bool cancelled;
    bool finished;       /* the worker has left */
    bool ok;
    char error[PERSIST_WHY];

    _Atomic size_t queued;
    _Atomic uint64_t bytes;
    _Atomic bool failed; /* what is put down from now on is for nothing */
    bool maybe_fields; /* some hash has had a field with a TTL */
};

/* --- producing ----------------------------------------------------------------------------------------- */

static struct block *new_block(struct snapshot *s)
{
    struct block *b;

    pthread_mutex_lock(&s->lock);
    b = s->spare;
    if (b) {
        s->spare = b->next;
        s->n_spare--;
    }
    pthread_mutex_unlock(&s->lock);
    if (!b) b = mem_zalloc(sizeof *b);
    b->next = NULL;
    b->out.compress = s->conf.compress;
    return b;
}

static void hand_over(struct snapshot *s, bool complete)
{
    pthread_mutex_lock(&s->lock);
    if (s->open) {
        atomic_fetch_add(&s->queued, s->open->out.bytes.n);
        *s->end = s->open;
        s->end = &s->open->next;
        s->open = NULL;
    }
    if (complete) s->complete = true;
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
}

static struct rdb_out *room(struct snapshot *s)
{
    if (s->open && s->open->out.bytes.n >= BLOCK_BYTES) hand_over(s, false);
    if (!s->open) s->open = new_block(s);
    return &s->open->out;
}

static void put_select(struct rdb_out *o, int db)
{
    rdb_put_byte(o, RDB_OP_SELECTDB);
    rdb_put_len(o, (uint64_t)db);
}

/* Told by the cut. */
static void dump(void *ctx, int db, struct entry *e)
{
    struct snapshot *s = ctx;
    struct rdb_out *o;

    s->keys_done++;
    if (atomic_load_explicit(&s->failed, memory_order_relaxed)) return;
    o = room(s);
    if (db != s->db) {
        put_select(o, db);
        s->db = db;
    }
    rdb_put_entry(o, s->conf.store, e);
}

static void put_aux_num(struct rdb_out *o, const char *name, uint64_t v)
{
    char text[NUM_TEXT_MAX];

    rdb_put_aux(o, name, str_of(text, num_u64(text, v)));
}

static void put_library(void *to, struct str text)
{
    rdb_put_library(room(to), text);
}

static void put_preface(struct snapshot *s)
{
    const struct snapshot_conf *c = &s->conf;
    struct rdb_out *o = room(s);

    rdb_put_header(o, RDB_VERSION_PLAIN); /* write_end puts the newer one there when it must */
    s->maybe_fields = c->store->fields != NULL;
    rdb_put_aux(o, "redis-ver", str_c(c->redis_version));
    put_aux_num(o, "redis-bits", 64);
    put_aux_num(o, "ctime", (uint64_t)c->store->now_ms / 1000);
    put_aux_num(o, "used-mem", mem_used());
    rdb_put_aux(o, "repl-id", str_c(c->log_id));
    put_aux_num(o, "repl-offset", c->log_offset);
    put_aux_num(o, "aof-base", c->aof_base);
    if (c->libraries) c->libraries->each(c->libraries->ctx, put_library, s);
    o = room(s);
    for (int i = 0; i < c->store->conf.databases; i++) {
        const struct db *db = c->store->dbs[i];

        if (db->n_keys == 0) continue;
        s->keys_total += db->n_keys;
        put_select(o, i);
        rdb_put_byte(o, RDB_OP_RESIZEDB);
        rdb_put_len(o, db->n_keys);
        rdb_put_len(o, db->n_expires);
        s->db = i;
    }
}

static void write_file(void *arg);

struct snapshot *snapshot_begin(const struct snapshot_conf *conf)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    size_t n = strlen(conf->tmp_path);

    s->conf = *conf;
    s->tmp_path = mem_dup(conf->tmp_path, n + 1);
    s->end = &s->first;
    s->db = -1;
    s->dirty = conf->store->stats.dirty;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    pthread_cond_init(&s->less, NULL);
    put_preface(s);
    s->cut = store_cut_begin(conf->store, dump, s);
    worker_do(conf->worker, write_file, s);
    return s;
}

bool snapshot_waits(const struct snapshot *s)
{
    return atomic_load(&s->queued) >= s->conf.buffer;
}

static enum snapshot_state state_of(struct snapshot *s)
{
    enum snapshot_state state;

    pthread_mutex_lock(&s->lock);
    state = s->finished ? s->ok ? SNAPSHOT_DONE : SNAPSHOT_FAILED : SNAPSHOT_WRITES;
    pthread_mutex_unlock(&s->lock);
    return state;
}

static void end_walk(struct snapshot *s)
{
    store_cut_end(s->conf.store, &s->cut);
    rdb_put_byte(room(s), RDB_OP_EOF);
    hand_over(s, true);
    s->walked = true;
}

enum snapshot_state snapshot_walk(struct snapshot *s, int64_t budget_us)
{
    int64_t until;

    if (s->walked) return state_of(s);
    if (budget_us <= 0) return SNAPSHOT_WALKS;
    until = s->conf.mono_us() + budget_us;
    for (unsigned i = 1;; i++) {
        if (store_cut_broken(s->cut)) return SNAPSHOT_BROKEN;
        if (atomic_load(&s->failed)) return SNAPSHOT_FAILED;
        if (!store_cut_step(s->cut)) {
            if (store_cut_broken(s->cut)) return SNAPSHOT_BROKEN;
            end_walk(s);
            return SNAPSHOT_WRITES;
        }
        if (snapshot_waits(s)) return SNAPSHOT_WALKS;
        if (i % STEPS_PER_LOOK == 0 && s->conf.mono_us() >= until) return SNAPSHOT_WALKS;
    }
}

enum snapshot_state snapshot_finish(struct snapshot *s)
{
    enum snapshot_state state;

    while ((state = snapshot_walk(s, 1000000)) == SNAPSHOT_WALKS) {
        pthread_mutex_lock(&s->lock);
        while (snapshot_waits(s) && !s->finished) pthread_cond_wait(&s->less, &s->lock);
        pthread_mutex_unlock(&s->lock);
    }
    if (state != SNAPSHOT_WRITES) return state;
    pthread_mutex_lock(&s->lock);
    while (!s->finished) pthread_cond_wait(&s->less, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return state_of(s);
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;

        rdb_out_fini(&b->out);
        mem_free(b);
        b = next;
    }
}

void snapshot_free(struct snapshot **sp)
{
    struct snapshot *s = *sp;

    if (!s) return;
    store_cut_end(s->conf.store, &s->cut);
    pthread_mutex_lock(&s->lock);
    s->cancelled = true;
    pthread_cond_signal(&s->more);
    while (!s->finished) pthread_cond_wait(&s->less, &s->lock);
    pthread_mutex_unlock(&s->lock);
    free_blocks(s->first);
    free_blocks(s->open);
    free_blocks(s->spare);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->more);
    pthread_cond_destroy(&s->less);
    mem_free(s->tmp_path);
    mem_free(s);
    *sp = NULL;
}

const char *snapshot_error(const struct snapshot *s)
{
    return s->error;
}

void snapshot_figures(const struct snapshot *s, struct snapshot_figures *out)
{
    *out = (struct snapshot_figures){
        .keys_done = s->keys_done,
        .keys_total = s->keys_total,
        .dirty = s->dirty,
        .bytes = atomic_load(&s->bytes),
        .queued = atomic_load(&s->queued) + (s->open ? s->open->out.bytes.n : 0),
    };
}

/* --- the worker's side ------------------------------------------------------------------------------------- */

/* The file in the making. */
struct sink {
    struct snapshot *s;
    int fd;
    uint64_t crc, unsynced;
    uint64_t written_crc; /* what stands at the end of the file */
    uint64_t crc_fields; /* as crc, were the header that of RDB_VERSION_FIELDS */
    bool has_field_ttls;
    struct buf bytes, scratch;
};

static void fields_header(char out[RDB_HEADER_BYTES + 1])
{
    snprintf(out, RDB_HEADER_BYTES + 1, "REDIS%04d", RDB_VERSION_FIELDS);
}

/* Which version the file needs is known at its end alone. The checksum for the newer header runs
 * along where fields with TTLs have been seen at all. */
static void add_to_crc(struct sink *k)
{
    char header[RDB_HEADER_BYTES + 1];
    size_t skip = 0;

    if (k->s->maybe_fields) {
        if (atomic_load(&k->s->bytes) == 0) {
            fields_header(header);
            skip = RDB_HEADER_BYTES;
            k->crc_fields = crc64(0, header, skip);
        }
        k->crc_fields = crc64(k->crc_fields, k->bytes.p + skip, k->bytes.n - skip);
    }
    k->crc = crc64(k->crc, k->bytes.p, k->bytes.n);
}

static bool fail(struct snapshot *s, const char *what)
{
    int saved = errno;

    snprintf(s->error, sizeof s->error, "%s %s: %s", what, s->tmp_path, strerror(saved));
    atomic_store(&s->failed, true);
    return false;
}

static bool put_bytes(struct sink *k)
{
    struct snapshot *s = k->s;
    const struct file_ops *ops = s->conf.ops;

    if (s->conf.checksum) add_to_crc(k);
    if (file_write_all(ops, k->fd, k->bytes.p, k->bytes.n, NULL) != 0) return fail(s, "writing");
    atomic_fetch_add(&s->bytes, k->bytes.n);
    k->unsynced += k->bytes.n;
    buf_clear(&k->bytes);
    if (k->unsynced < SYNC_EVERY) return true;
    k->unsynced = 0;
    return ops->sync(ops->ctx, k->fd) == 0 || fail(s, "syncing");
}

/* The next block, waiting for it; NULL at the end (*complete) or when cancelled. */
static struct block *next_block(struct snapshot *s, bool *complete)
{
    struct block *b;

    pthread_mutex_lock(&s->lock);
    while (!s->first && !s->complete && !s->cancelled) pthread_cond_wait(&s->more, &s->lock);
    b = s->cancelled ? NULL : s->first;
    if (b) {
        s->first = b->next;
        if (!s->first) s->end = &s->first;
    }
    *complete = !s->cancelled;
    pthread_mutex_unlock(&s->lock);
    return b;
}

static void block_done(struct snapshot *s, struct block *b)
{
    size_t n = b->out.bytes.n, was = atomic_fetch_sub(&s->queued, n);
    bool keep = b->out.bytes.cap <= SPARE_BYTES_MAX;

    if (keep) rdb_out_clear(&b->out);
    pthread_mutex_lock(&s->lock);
    if (keep && s->n_spare < SPARE_MAX) {
        b->next = s->spare;
        s->spare = b;
        s->n_spare++;
        b = NULL;
    }
    pthread_cond_signal(&s->less);
    pthread_mutex_unlock(&s->lock);
    if (b) {
        b->next = NULL;
        free_blocks(b);
    }
    if (was >= s->conf.buffer && was - n < s->conf.buffer && s->conf.wake) s->conf.wake(s->conf.ctx);
}

static bool write_blocks(struct sink *k)
{
    struct snapshot *s = k->s;
    struct block *b;
    bool complete, ok = true;

    while ((b = next_block(s, &complete)) != NULL) {
        rdb_finish(&b->out, &k->bytes, &k->scratch);
        k->has_field_ttls |= b->out.has_field_ttls;
        block_done(s, b);
        ok = ok && put_bytes(k);
    }
    return ok && complete;
}

/* Put the newer version over the header's. */
static bool write_version(struct sink *k)
{
    const struct file_ops *ops = k->s->conf.ops;
    char header[RDB_HEADER_BYTES + 1];
    int fd = ops->open(ops->ctx, k->s->tmp_path, O_WRONLY);
    bool ok = fd != -1;

    fields_header(header);
    ok = ok && file_write_all(ops, fd, header, RDB_HEADER_BYTES, NULL) == 0;
    ok = ok && ops->sync(ops->ctx, fd) == 0;
    if (fd != -1 && ops->close(ops->ctx, fd) != 0) ok = false;
    return ok || fail(k->s, "writing");
}

static bool write_end(struct sink *k)
{
    const struct file_ops *ops = k->s->conf.ops;
    uint64_t crc;

    k->written_crc = k->has_field_ttls ? k->crc_fields : k->crc;
    crc = htole64(k->written_crc);
    buf_add(&k->bytes, &crc, sizeof crc);
    k->s->conf.checksum = false; /* it does not cover itself */
    if (!put_bytes(k)) return false;
    if (k->has_field_ttls && !write_version(k)) return false;
    return ops->sync(ops->ctx, k->fd) == 0 || fail(k->s, "syncing");
}

static bool not_cancelled(void *ctx)
{
    struct snapshot *s = ctx;
    bool cancelled;

    pthread_mutex_lock(&s->lock);
    cancelled = s->cancelled;
    pthread_mutex_unlock(&s->lock);
    return !cancelled;
}

static bool verify(struct sink *k)
{
    struct snapshot *s = k->s;
    struct rdb_verify v = { .ops = s->conf.ops, .path = s->tmp_path, .bytes = atomic_load(&s->bytes),
                            .crc = k->written_crc, .go_on = not_cancelled, .ctx = s };

    if (!s->conf.verify || rdb_verify(&v, s->error, sizeof s->error) == OK) return true;
    atomic_store(&s->failed, true);
    return false;
}

static void write_file(void *arg)
{
    struct snapshot *s = arg;
    const struct file_ops *ops = s->conf.ops;
    struct sink k = { .s = s, .fd = ops->open(ops->ctx, s->tmp_path, O_WRONLY | O_CREAT | O_TRUNC) };
    void (*wake)(void *ctx) = s->conf.wake;
    void *ctx = s->conf.ctx;
    bool ok = k.fd != -1 || fail(s, "creating");

    ok = ok && write_blocks(&k) && write_end(&k);
    if (k.fd != -1 && ops->close(ops->ctx, k.fd) != 0 && ok) ok = fail(s, "closing");
    ok = ok && verify(&k);
    if (ok && !s->conf.publish(s->conf.arg)) ok = fail(s, "putting in place");
    if (!ok && k.fd != -1) ops->unlink(ops->ctx, s->tmp_path);
    buf_fini(&k.bytes);
    buf_fini(&k.scratch);
    pthread_mutex_lock(&s->lock);
    s->ok = ok;
    s->finished = true;
    pthread_cond_signal(&s->less);
    pthread_mutex_unlock(&s->lock);
    if (wake) wake(ctx);
}
