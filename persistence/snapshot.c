/* snapshot.c -- the reactor's side of a snapshot: what the store's cut tells, to blocks of RDB bytes. */
#include "persistence/snapshot_impl.h"

#include <errno.h>
#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/num.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_pieces.h"
#include "persistence/worker.h"
#include "storage/cut_piece.h"

enum {
    STEPS_PER_LOOK = 8,        /* buckets walked between looks at the clock ... */
    BYTES_PER_LOOK = 64 << 10, /* ... if they come to less than this */
    WALK_BYTES = 2 << 20       /* put down in one go */
};

/* --- producing ----------------------------------------------------------------------------------------- */

static void set_up(const struct snapshot *s, struct rdb_out *o)
{
    o->compress = s->conf.compress;
    o->at_ms = s->at_ms;
}

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
    set_up(s, &b->out);
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
    if (s->open && s->open->out.bytes.n >= SNAPSHOT_BLOCK_BYTES) hand_over(s, false);
    if (!s->open) s->open = new_block(s);
    return &s->open->out;
}

static void put_select(struct rdb_out *o, int db)
{
    rdb_put_byte(o, RDB_OP_SELECTDB);
    rdb_put_len(o, (uint64_t)db);
}

static void select_db(struct snapshot *s, int db)
{
    if (db == s->db) return;
    put_select(room(s), db);
    s->db = db;
}

/* A piece has been put down, before which o had `was` bytes. */
static void note_piece(struct snapshot *s, const struct rdb_out *o, size_t was)
{
    size_t n = o->bytes.n - was;

    s->put += n;
    if (n > s->piece_max) s->piece_max = n;
}

static bool is_lost(struct snapshot *s)
{
    return atomic_load_explicit(&s->failed, memory_order_relaxed);
}

static void put_entry(void *ctx, int db, struct entry *e)
{
    struct snapshot *s = ctx;
    struct rdb_out *o;
    size_t was;

    s->keys_done++;
    if (is_lost(s)) return;
    select_db(s, db);
    o = room(s);
    was = o->bytes.n;
    rdb_put_entry(o, s->conf.store, e);
    note_piece(s, o, was);
}

/* --- large values ---------------------------------------------------------------------------------------- */

/* A value that comes in pieces. What comes before its turn is put into blocks of its own. */
struct large {
    struct rdb_pieces how;
    int db;
    bool turned;
    struct block *first, **end; /* full ones */
    struct block *open;
    size_t bytes;
};

static struct block *block_aside(struct snapshot *s)
{
    struct block *b = mem_zalloc(sizeof *b);

    set_up(s, &b->out);
    return b;
}

static struct rdb_out *room_for(struct snapshot *s, struct large *v)
{
    if (v->turned) return room(s);
    if (v->open->out.bytes.n >= SNAPSHOT_BLOCK_BYTES) {
        *v->end = v->open;
        v->end = &v->open->next;
        v->open = block_aside(s);
    }
    return &v->open->out;
}

static void note_aside(struct snapshot *s, struct large *v, size_t n)
{
    v->bytes += n;
    s->aside += n;
}

static void *begin_large(void *ctx, int db, const struct entry *e)
{
    struct snapshot *s = ctx;
    struct large *v = mem_zalloc(sizeof *v);

    v->db = db;
    v->end = &v->first;
    v->open = block_aside(s);
    rdb_begin_pieces(&v->open->out, s->conf.store, e, &v->how);
    note_piece(s, &v->open->out, 0);
    note_aside(s, v, v->open->out.bytes.n);
    return v;
}

static void put_piece(void *ctx, void *value, const struct cut_piece *p)
{
    struct snapshot *s = ctx;
    struct large *v = value;
    struct rdb_out *o;
    size_t was;

    if (is_lost(s)) return;
    o = room_for(s, v);
    was = o->bytes.n;
    rdb_put_piece(o, &v->how, p);
    note_piece(s, o, was);
    if (!v->turned) note_aside(s, v, o->bytes.n - was);
}

/* What was put aside goes to the worker as it is, behind all that came before. */
static void turn_large(void *ctx, void *value)
{
    struct snapshot *s = ctx;
    struct large *v = value;

    select_db(s, v->db);
    hand_over(s, false);
    pthread_mutex_lock(&s->lock);
    for (struct block *b = v->first; b; b = b->next) {
        atomic_fetch_add(&s->queued, b->out.bytes.n);
        *s->end = b;
        s->end = &b->next;
    }
    pthread_mutex_unlock(&s->lock);
    s->open = v->open;
    s->aside -= v->bytes;
    v->first = v->open = NULL;
    v->turned = true;
}

static void end_large(void *ctx, void *value, bool complete)
{
    struct snapshot *s = ctx;
    struct large *v = value;

    s->keys_done += complete;
    if (complete && !is_lost(s)) rdb_end_pieces(room_for(s, v), &v->how);
    if (!v->turned) s->aside -= v->bytes;
    snapshot_free_blocks(v->first);
    snapshot_free_blocks(v->open);
    mem_free(v);
}

/* --- the beginning and the walk -------------------------------------------------------------------------- */

static void put_aux_num(struct rdb_out *o, const char *name, uint64_t v)
{
    char text[NUM_TEXT_MAX];

    rdb_put_aux(o, name, str_of(text, num_u64(text, v)));
}

static void put_library(void *to, struct str text)
{
    rdb_put_library(room(to), text);
}

static void put_definition(void *to, struct str text)
{
    rdb_put_aux(room(to), RDB_AUX_DEFINITION, text);
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
    if (c->definitions) c->definitions->each(c->definitions->ctx, put_definition, s);
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

struct snapshot *snapshot_begin(const struct snapshot_conf *conf)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    size_t n = strlen(conf->tmp_path);

    s->conf = *conf;
    s->tmp_path = mem_dup(conf->tmp_path, n + 1);
    s->end = &s->first;
    s->db = -1;
    s->dirty = conf->store->stats.dirty;
    s->at_ms = conf->store->loading ? -1 : conf->store->now_ms;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    thread_cond_init(&s->less);
    put_preface(s);
    s->cut = store_cut_begin(conf->store, &(struct cut_sink){ .ctx = s, .entry = put_entry, .begin = begin_large,
                                                              .piece = put_piece, .turn = turn_large,
                                                              .end = end_large });
    worker_do(conf->worker, snapshot_write_file, s);
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

/* Walk until `until`, or until enough was put down: a clock that stands still must not make this long. */
static enum snapshot_state walk(struct snapshot *s, int64_t until)
{
    uint64_t from = s->put, looked = s->put;

    for (unsigned i = 1;; i++) {
        if (store_cut_broken(s->cut)) return SNAPSHOT_BROKEN;
        if (atomic_load(&s->failed)) return SNAPSHOT_FAILED;
        if (!store_cut_step(s->cut)) {
            if (store_cut_broken(s->cut)) return SNAPSHOT_BROKEN;
            end_walk(s);
            return SNAPSHOT_WRITES;
        }
        if (snapshot_waits(s) || s->put - from >= WALK_BYTES) return SNAPSHOT_WALKS;
        if (i % STEPS_PER_LOOK != 0 && s->put - looked < BYTES_PER_LOOK) continue;
        looked = s->put;
        if (s->conf.mono_us() >= until) return SNAPSHOT_WALKS;
    }
}

enum snapshot_state snapshot_walk(struct snapshot *s, int64_t budget_us)
{
    uint64_t from = s->put;
    enum snapshot_state state;

    if (s->walked) return state_of(s);
    if (budget_us <= 0) return SNAPSHOT_WALKS;
    state = walk(s, s->conf.mono_us() + budget_us);
    if (s->put - from > s->walk_max) s->walk_max = s->put - from;
    return state;
}

/* Wait for the worker, s->lock held, waiting_ms at the most: it says when it has made room, or has finished. */
static void wait_for_worker(struct snapshot *s)
{
    if (!thread_cond_wait(&s->less, &s->lock, s->conf.waiting_ms * 1000LL)) s->conf.waiting(s->conf.waiting_ctx);
}

enum snapshot_state snapshot_finish(struct snapshot *s)
{
    enum snapshot_state state;

    while ((state = snapshot_walk(s, s->conf.waiting_ms * 1000LL)) == SNAPSHOT_WALKS) {
        s->conf.waiting(s->conf.waiting_ctx);
        pthread_mutex_lock(&s->lock);
        while (snapshot_waits(s) && !s->finished) wait_for_worker(s);
        pthread_mutex_unlock(&s->lock);
    }
    if (state != SNAPSHOT_WRITES) return state;
    pthread_mutex_lock(&s->lock);
    while (!s->finished) wait_for_worker(s);
    pthread_mutex_unlock(&s->lock);
    return state_of(s);
}

enum snapshot_state snapshot_stop(struct snapshot *s)
{
    store_cut_end(s->conf.store, &s->cut);
    pthread_mutex_lock(&s->lock);
    s->cancelled = true;
    pthread_cond_signal(&s->more);
    while (!s->finished) pthread_cond_wait(&s->less, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return s->ok ? SNAPSHOT_DONE : SNAPSHOT_FAILED;
}

void snapshot_free(struct snapshot **sp)
{
    struct snapshot *s = *sp;

    if (!s) return;
    snapshot_stop(s);
    snapshot_free_blocks(s->first);
    snapshot_free_blocks(s->open);
    snapshot_free_blocks(s->spare);
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
        .queued = atomic_load(&s->queued) + (s->open ? s->open->out.bytes.n : 0) + s->aside,
        .kept = store_cut_bytes(s->conf.store),
        .piece_max = s->piece_max,
        .walk_max = s->walk_max,
    };
}
