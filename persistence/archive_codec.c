/* archive_codec.c -- zstd and its dictionaries. See archive_codec.h.
 *
 * The writer knows namespaces by name: each has a dictionary, or samples that wait for there to be enough, or
 * neither (training found nothing in common). Both sides know dictionaries by number; a few of the last used are
 * kept ready. */
#include "persistence/archive_codec.h"

#include <zdict.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "persistence/archive_schema.h"

enum {
    LEVEL = 3,
    COMPRESS_MIN = 64,       /* less is left as it is */
    SAMPLE_MAX = 32 << 10,   /* of a value its beginning */
    TRAIN_MIN = 100,         /* samples; of fewer nothing is learnt */
    HELD_BACK = 8,           /* one in so many samples is not trained with but tried on */
    READY = 32,              /* dictionaries in memory */
    SPACES = 1024            /* namespaces that are known at a time */
};

/* A dictionary in memory; each form is made when it is first needed. */
struct ready {
    int64_t id; /* 0: this place is free */
    uint64_t used;
    struct buf data;
    ZSTD_CDict *write;
    ZSTD_DDict *read;
};

struct space {
    struct buf ns;
    int64_t dict;    /* 0: none */
    bool done;       /* no more samples are wanted */
    struct buf samples;
    size_t *sizes, n, cap;
};

struct archive_codec {
    sqlite3 *db;
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
    struct ready ready[READY];
    uint64_t clock;
    struct space *spaces; /* SPACES, made for a writer */
    size_t n_spaces, last, oldest;
    size_t sample_bytes;  /* of all spaces */
    bool rolled_back;
};

static void note_rollback(void *ctx)
{
    ((struct archive_codec *)ctx)->rolled_back = true;
}

struct archive_codec *archive_codec_new(sqlite3 *db)
{
    struct archive_codec *c = mem_zalloc(sizeof *c);

    c->db = db;
    sqlite3_rollback_hook(db, note_rollback, c);
    return c;
}

static void ready_drop(struct ready *r)
{
    ZSTD_freeCDict(r->write);
    ZSTD_freeDDict(r->read);
    buf_fini(&r->data);
    *r = (struct ready){ 0 };
}

static void samples_drop(struct archive_codec *c, struct space *sp)
{
    c->sample_bytes -= sp->samples.n;
    buf_fini(&sp->samples);
    mem_free(sp->sizes);
    sp->sizes = NULL;
    sp->n = sp->cap = 0;
}

static void forget(struct archive_codec *c)
{
    for (size_t i = 0; i < READY; i++) ready_drop(&c->ready[i]);
    for (size_t i = 0; i < c->n_spaces; i++) {
        samples_drop(c, &c->spaces[i]);
        buf_fini(&c->spaces[i].ns);
    }
    c->n_spaces = c->last = c->oldest = 0;
    c->rolled_back = false;
}

void archive_codec_free(struct archive_codec **cp)
{
    struct archive_codec *c = *cp;

    if (!c) return;
    sqlite3_rollback_hook(c->db, NULL, NULL);
    forget(c);
    ZSTD_freeCCtx(c->cctx);
    ZSTD_freeDCtx(c->dctx);
    mem_free(c->spaces);
    mem_free(c);
    *cp = NULL;
}

/* --- dictionaries by number ----------------------------------------------------------------------------------- */

static struct ready *ready_make(struct archive_codec *c, int64_t id, const void *data, size_t n)
{
    struct ready *at = &c->ready[0];

    for (size_t i = 0; i < READY; i++)
        if (c->ready[i].used < at->used) at = &c->ready[i];
    ready_drop(at);
    at->id = id;
    at->used = ++c->clock;
    buf_add(&at->data, data, n);
    return at;
}

/* ERR_FORMAT: there is no such dictionary. */
static enum err ready_load(struct archive_codec *c, int64_t id, struct ready **out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, "SELECT data FROM dictionaries WHERE id = ?1", -1, &st, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, id);
        rc = sqlite3_step(st);
    }
    if (rc == SQLITE_ROW) {
        const void *data = sqlite3_column_blob(st, 0);
        int n = sqlite3_column_bytes(st, 0);

        if (data && n > 0) *out = ready_make(c, id, data, (size_t)n);
        else rc = SQLITE_DONE;
    }
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? OK : rc == SQLITE_DONE ? ERR_FORMAT : ERR_IO;
}

static enum err ready_find(struct archive_codec *c, int64_t id, struct ready **out)
{
    if (id <= 0) return ERR_FORMAT;
    for (size_t i = 0; i < READY; i++) {
        if (c->ready[i].id != id) continue;
        c->ready[i].used = ++c->clock;
        *out = &c->ready[i];
        return OK;
    }
    return ready_load(c, id, out);
}

/* --- namespaces ----------------------------------------------------------------------------------------------- */

/* The namespace's newest dictionary, 0: none. */
static enum err stored_dict(struct archive_codec *c, struct str ns, int64_t *id)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, "SELECT max(id) FROM dictionaries WHERE namespace = ?1", -1, &st, NULL);

    if (rc == SQLITE_OK) rc = archive_bind(st, 1, ns);
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) *id = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? OK : ERR_IO;
}

/* The namespace, made known when it is not; the one that has been known for longest gives way. NULL: SQLite failed. */
static struct space *space_of(struct archive_codec *c, struct str ns)
{
    struct space *sp;
    int64_t dict;

    if (c->rolled_back) forget(c);
    if (c->last < c->n_spaces && str_eq(buf_str(&c->spaces[c->last].ns), ns)) return &c->spaces[c->last];
    for (size_t i = 0; i < c->n_spaces; i++) {
        if (!str_eq(buf_str(&c->spaces[i].ns), ns)) continue;
        c->last = i;
        return &c->spaces[i];
    }
    if (stored_dict(c, ns, &dict) != OK) return NULL;
    if (!c->spaces) c->spaces = mem_zalloc(SPACES * sizeof *c->spaces);
    if (c->n_spaces < SPACES) c->last = c->n_spaces++;
    else c->last = c->oldest++ % SPACES;
    sp = &c->spaces[c->last];
    samples_drop(c, sp);
    buf_clear(&sp->ns);
    buf_add_str(&sp->ns, ns);
    sp->dict = dict;
    sp->done = sp->dict > 0;
    return sp;
}

/* --- compressing ---------------------------------------------------------------------------------------------- */

static ZSTD_CCtx *cctx_of(struct archive_codec *c)
{
    if (c->cctx) return c->cctx;
    c->cctx = ZSTD_createCCtx();
    ensure(c->cctx != NULL);
    ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_setParameter(c->cctx, ZSTD_c_dictIDFlag, 0);
    return c->cctx;
}

/* Bytes written to room, at most max; 0: it did not fit. */
static size_t squeeze(struct archive_codec *c, struct ready *r, struct str p, char *room, size_t max)
{
    ZSTD_CCtx *cctx = cctx_of(c);
    size_t n;

    if (r && !r->write) r->write = ZSTD_createCDict(r->data.p, r->data.n, LEVEL);
    if (r && !r->write) return 0; /* NULL would be none, and the row would name one */
    ZSTD_CCtx_reset(cctx, ZSTD_reset_session_only); /* the last one may have run out of room half way */
    if (ZSTD_isError(ZSTD_CCtx_refCDict(cctx, r ? r->write : NULL))) return 0;
    n = ZSTD_compress2(cctx, room, max, p.p, p.n);
    return ZSTD_isError(n) ? 0 : n;
}

void archive_compress(struct archive_codec *c, struct str ns, struct str p, struct buf *out,
                      enum archive_coding *coding, int64_t *dict)
{
    struct space *sp = space_of(c, ns);
    struct ready *r = NULL;
    size_t max = p.n - p.n / 8, n = 0;

    *coding = ARCHIVE_PLAIN;
    *dict = 0;
    if (p.n >= COMPRESS_MIN && mem_can(max)) {
        if (sp && sp->dict && ready_find(c, sp->dict, &r) != OK) r = NULL;
        n = squeeze(c, r, p, buf_room(out, max), max);
    }
    if (n == 0) {
        buf_add_str(out, p);
        return;
    }
    buf_used(out, n);
    *coding = ARCHIVE_ZSTD;
    if (r) *dict = r->id;
}

/* --- training --------------------------------------------------------------------------------------------------- */

/* Bytes that the samples from `first` on take, compressed one by one. */
static size_t trial(struct archive_codec *c, struct ready *r, const struct space *sp, size_t first, size_t at)
{
    char *room = mem_alloc(ZSTD_compressBound(SAMPLE_MAX));
    size_t total = 0;

    for (size_t i = first; i < sp->n; i++) {
        size_t n = squeeze(c, r, str_of(sp->samples.p + at, sp->sizes[i]), room, ZSTD_compressBound(SAMPLE_MAX));

        total += n ? n : sp->sizes[i];
        at += sp->sizes[i];
    }
    mem_free(room);
    return total;
}

/* Train on most of the samples. 0: they have nothing in common that would pay. */
static size_t train(struct archive_codec *c, const struct space *sp, char *room)
{
    size_t n_train = sp->n - sp->n / HELD_BACK, bytes = 0, n, plain, with;
    struct ready r = { 0 };

    for (size_t i = 0; i < n_train; i++) bytes += sp->sizes[i];
    n = ZDICT_trainFromBuffer(room, ARCHIVE_DICTIONARY_BYTES, sp->samples.p, sp->sizes, (unsigned)n_train);
    if (ZDICT_isError(n)) return 0;
    buf_add(&r.data, room, n);
    plain = trial(c, NULL, sp, n_train, bytes);
    with = trial(c, &r, sp, n_train, bytes);
    ready_drop(&r);
    return with < plain - plain / 10 ? n : 0;
}

static enum err store(struct archive_codec *c, struct space *sp, const char *data, size_t n)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, "INSERT INTO dictionaries(namespace, created_at, data) VALUES"
                                "(?1, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), ?2)", -1, &st, NULL);

    if (rc == SQLITE_OK) rc = archive_bind(st, 1, buf_str(&sp->ns));
    if (rc == SQLITE_OK) rc = sqlite3_bind_blob64(st, 2, data, n, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    sqlite3_finalize(st);
    if (rc != SQLITE_DONE) return ERR_IO;
    sp->dict = sqlite3_last_insert_rowid(c->db);
    ready_make(c, sp->dict, data, n);
    return OK;
}

/* What there is of samples becomes a dictionary, or is given up. */
static enum err settle(struct archive_codec *c, struct space *sp)
{
    char *room = mem_alloc(ARCHIVE_DICTIONARY_BYTES);
    size_t n = sp->n >= TRAIN_MIN ? train(c, sp, room) : 0;
    enum err e = n > 0 ? store(c, sp, room, n) : OK;

    mem_free(room);
    samples_drop(c, sp);
    sp->done = e == OK;
    return e;
}

static struct space *largest(struct archive_codec *c)
{
    struct space *sp = &c->spaces[0];

    for (size_t i = 1; i < c->n_spaces; i++)
        if (c->spaces[i].samples.n > sp->samples.n) sp = &c->spaces[i];
    return sp;
}

enum err archive_learn(struct archive_codec *c, struct str ns, struct str p)
{
    struct space *sp = space_of(c, ns);
    enum err e = OK;

    if (!sp) return ERR_IO;
    if (sp->done || p.n < COMPRESS_MIN) return OK;
    if (p.n > SAMPLE_MAX) p.n = SAMPLE_MAX;
    if (sp->n == sp->cap) {
        sp->cap = sp->cap ? 2 * sp->cap : 128;
        sp->sizes = mem_realloc(sp->sizes, sp->cap * sizeof *sp->sizes);
    }
    sp->sizes[sp->n++] = p.n;
    buf_add_str(&sp->samples, p);
    c->sample_bytes += p.n;
    if (sp->n >= ARCHIVE_SAMPLES || sp->samples.n >= ARCHIVE_SAMPLE_BYTES) e = settle(c, sp);
    else if (c->sample_bytes >= ARCHIVE_SAMPLE_BYTES_ALL) e = settle(c, largest(c));
    return e;
}

/* --- expanding -------------------------------------------------------------------------------------------------- */

enum err archive_expand(struct archive_codec *c, enum archive_coding coding, int64_t dict, struct str p, uint64_t size,
                        struct buf *out)
{
    struct ready *r = NULL;
    enum err e = OK;
    size_t n;

    if (coding != ARCHIVE_PLAIN && coding != ARCHIVE_ZSTD) return ERR_FORMAT;
    if (coding == ARCHIVE_PLAIN && p.n != size) return ERR_FORMAT;
    if (size > PTRDIFF_MAX || !mem_can(size)) return ERR_OOM;
    if (coding == ARCHIVE_PLAIN) {
        buf_add_str(out, p);
        return OK;
    }
    if (dict != 0) e = ready_find(c, dict, &r);
    if (e != OK) return e;
    if (!c->dctx) c->dctx = ZSTD_createDCtx();
    ensure(c->dctx != NULL);
    if (r && !r->read) r->read = ZSTD_createDDict(r->data.p, r->data.n);
    if (r && !r->read) return ERR_FORMAT;
    if (ZSTD_isError(ZSTD_DCtx_refDDict(c->dctx, r ? r->read : NULL))) return ERR_FORMAT;
    n = ZSTD_decompressDCtx(c->dctx, buf_room(out, size + 1), size, p.p, p.n);
    if (ZSTD_isError(n) || n != size) return ERR_FORMAT;
    buf_used(out, n);
    return OK;
}
