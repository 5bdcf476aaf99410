/* rdb_walk.c -- see rdb_walk.h. Values in the forms that Redis 7.0 reads. */
#include "persistence/rdb_walk.h"

#include "base/ensure.h"
#include "base/num.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_vset.h"
#include "storage/store.h"
#include "storage/type_json.h"

enum { CHUNK = 64 * 1024 /* bytes of a string that are put down at a time */ };

/* --- types ---------------------------------------------------------------------------------------- */

/* hash_due_at may still tell of TTLs that are gone: only a look at the fields of a small hash is certain. */
static bool hash_has_ttls(const struct hash *h)
{
    struct hash_iter it;

    if (h->enc == ENC_TABLE) return ((const struct hash_large *)h->ptr)->due.n > 0;
    if (hash_due_at(h) == HASH_NEVER) return false;
    hash_iter_start(&it, h);
    while (hash_next(&it)) {
        if (it.ttl != HASH_NO_TTL) return true;
    }
    return false;
}

static struct hash open_hash(const struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h = hash_of((struct store *)(uintptr_t)s, e);

    if (o->at_ms != 0) h.now_ms = o->at_ms;
    return h;
}

static unsigned type_of(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h;

    switch (entry_type(e)) {
    case VALUE_STRING: return RDB_STRING;
    case VALUE_LIST: return RDB_LIST;
    case VALUE_SET: return entry_enc(e) == ENC_INTSET ? RDB_SET_INTSET : RDB_SET;
    case VALUE_ZSET: return entry_enc(e) == ENC_LISTPACK ? RDB_ZSET_LISTPACK : RDB_ZSET_2;
    case VALUE_STREAM: return RDB_STREAM_2;
    case VALUE_JSON:
    case VALUE_SUGGEST:
    case VALUE_VSET: return RDB_MODULE_2;
    default: break;
    }
    ensure(entry_type(e) == VALUE_HASH);
    h = open_hash(o, s, e);
    if (!hash_has_ttls(&h)) return h.enc == ENC_LISTPACK ? RDB_HASH_LISTPACK : RDB_HASH;
    o->has_field_ttls = true;
    return RDB_HASH_FIELDS;
}

unsigned rdb_put_type(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    unsigned type = type_of(o, s, e);

    rdb_put_byte(o, type);
    return type;
}

/* --- beginnings ------------------------------------------------------------------------------------ */

void rdb_put_json_head(struct rdb_out *o)
{
    rdb_put_len(o, RDB_JSON_ID);
    rdb_put_len(o, RDB_MODULE_STRING);
}

void rdb_put_module_end(struct rdb_out *o)
{
    rdb_put_len(o, RDB_MODULE_EOF);
}

void rdb_put_field_ttl(struct rdb_out *o, int64_t ttl, int64_t first)
{
    rdb_put_len(o, ttl == HASH_NO_TTL ? 0 : (uint64_t)(ttl - first) + 1);
}

static void begin_string(struct rdb_walk *w, struct rdb_out *o, const struct entry *e)
{
    char text[NUM_TEXT_MAX];
    const struct blob *b;

    switch (entry_enc(e)) {
    case ENC_INT:
        rdb_put_str(o, str_of(text, num_i64(text, entry_int(e))));
        break;
    case ENC_RAW:
        rdb_put_str(o, entry_raw(e));
        break;
    default:
        b = entry_ptr(e);
        if (!w->slow) {
            rdb_put_str(o, str_of(b->p, b->n));
            break;
        }
        rdb_put_len(o, b->n);
        w->bytes = str_of(b->p, b->n);
    }
}

static void begin_json(struct rdb_walk *w, struct rdb_out *o, const struct entry *e)
{
    rdb_put_json_head(o);
    if (!w->slow) {
        rdb_put_str(o, json_text(e));
        return;
    }
    w->bytes = json_text(e);
    rdb_put_len(o, w->bytes.n);
}

static void begin_list(struct rdb_walk *w, struct rdb_out *o, const struct entry *e)
{
    const struct list *l = entry_ptr(e);

    rdb_put_len(o, list_count(l));
    list_iter_at(&w->list, l, 0, LIST_RIGHT);
}

static void begin_set(struct rdb_walk *w, struct rdb_out *o, const struct store *s, const struct entry *e)
{
    w->of.set = set_of((struct store *)(uintptr_t)s, e);
    if (entry_enc(e) == ENC_INTSET) {
        const struct intset *ints = entry_ptr(e);

        rdb_put_bytes(o, str_of(ints, intset_bytes(ints)));
        w->done = true;
        return;
    }
    rdb_put_len(o, set_count(&w->of.set));
    set_iter_start(&w->set, &w->of.set);
}

/* The highest first: a skip list takes the lowest of all fastest, so stock servers load it soonest. */
static void begin_zset(struct rdb_walk *w, struct rdb_out *o, const struct store *s, const struct entry *e)
{
    size_t n;

    w->of.zset = zset_of((struct store *)(uintptr_t)s, e);
    n = zset_count(&w->of.zset);
    if (entry_enc(e) == ENC_LISTPACK) {
        rdb_put_bytes(o, str_of(w->of.zset.ptr, listpack_bytes(w->of.zset.ptr)));
        w->done = true;
        return;
    }
    rdb_put_len(o, n);
    zset_iter_at(&w->zset, &w->of.zset, n - 1, true);
}

static void begin_hash(struct rdb_walk *w, struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash *h = &w->of.hash;

    *h = open_hash(o, s, e);
    w->ttls = hash_has_ttls(h);
    w->first_ttl = hash_due_at(h);
    if (h->enc == ENC_LISTPACK) {
        rdb_put_bytes(o, str_of(h->ptr, listpack_bytes(h->ptr)));
        w->done = true;
        return;
    }
    if (w->ttls) rdb_put_u64(o, (uint64_t)w->first_ttl);
    rdb_put_len(o, hash_size(h));
    hash_iter_start(&w->hash, h);
}

static void begin_suggestions(struct rdb_walk *w, struct rdb_out *o, const struct entry *e)
{
    w->suggest.d = entry_ptr(e);
    w->suggest.i = w->suggest.k = 0;
    rdb_put_suggest_head(o, w->suggest.d->count);
}

void rdb_walk_begin(struct rdb_walk *w, struct rdb_out *o, const struct store *s, const struct entry *e, bool slow)
{
    w->type = entry_type(e);
    w->slow = slow;
    w->done = false;
    w->bytes = str_of("", 0);
    switch (w->type) {
    case VALUE_STRING: begin_string(w, o, e); break;
    case VALUE_LIST: begin_list(w, o, e); break;
    case VALUE_SET: begin_set(w, o, s, e); break;
    case VALUE_ZSET: begin_zset(w, o, s, e); break;
    case VALUE_HASH: begin_hash(w, o, s, e); break;
    case VALUE_STREAM: rdb_stream_walk_begin(&w->stream, o, entry_ptr(e)); break;
    case VALUE_JSON: begin_json(w, o, e); break;
    case VALUE_SUGGEST: begin_suggestions(w, o, e); break;
    case VALUE_VSET: rdb_put_vset(o, entry_ptr(e)); w->done = true; break;
    default: ensure(!"a type that cannot be saved");
    }
}

/* --- steps ------------------------------------------------------------------------------------------- */

static bool next_bytes(struct rdb_walk *w, struct rdb_out *o)
{
    size_t n = w->bytes.n < CHUNK ? w->bytes.n : CHUNK;

    buf_add(&o->bytes, w->bytes.p, n);
    w->bytes = str_of(w->bytes.p + n, w->bytes.n - n);
    return n > 0;
}

static bool next_element(struct rdb_walk *w, struct rdb_out *o)
{
    struct buf scratch = { 0 };

    if (!list_next(&w->list)) return false;
    rdb_put_str(o, list_iter_get(&w->list, &scratch));
    buf_fini(&scratch);
    return true;
}

static bool next_member(struct rdb_walk *w, struct rdb_out *o)
{
    char scratch[NUM_TEXT_MAX];

    if (!set_next(&w->set)) return false;
    rdb_put_str(o, set_text(&w->set.item, scratch));
    return true;
}

static bool next_scored(struct rdb_walk *w, struct rdb_out *o)
{
    if (!zset_next(&w->zset)) return false;
    rdb_put_str(o, w->zset.member);
    rdb_put_double(o, w->zset.score);
    return true;
}

static bool next_field(struct rdb_walk *w, struct rdb_out *o)
{
    if (!hash_next(&w->hash)) return false;
    /* the first may be earlier than any TTL that is left, never later */
    if (w->ttls) rdb_put_field_ttl(o, w->hash.ttl, w->first_ttl);
    rdb_put_str(o, w->hash.field);
    rdb_put_str(o, w->hash.value);
    return true;
}

static bool next_suggestion(struct rdb_walk *w, struct rdb_out *o)
{
    const struct suggestion *g = suggestions_next(w->suggest.d, &w->suggest.i, &w->suggest.k);

    if (g != NULL) rdb_put_suggestion(o, g);
    return g != NULL;
}

static bool next(struct rdb_walk *w, struct rdb_out *o)
{
    switch (w->type) {
    case VALUE_STRING:
    case VALUE_JSON: return next_bytes(w, o);
    case VALUE_LIST: return next_element(w, o);
    case VALUE_SET: return next_member(w, o);
    case VALUE_ZSET: return next_scored(w, o);
    case VALUE_HASH: return next_field(w, o);
    case VALUE_STREAM: return rdb_stream_walk_next(&w->stream, o);
    default: return next_suggestion(w, o);
    }
}

bool rdb_walk_next(struct rdb_walk *w, struct rdb_out *o)
{
    if (w->done) return false;
    if (next(w, o)) return true;
    if (w->type == VALUE_JSON) rdb_put_module_end(o);
    if (w->type == VALUE_SUGGEST) rdb_put_suggest_end(o);
    w->done = true;
    return false;
}

void rdb_put_value(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct rdb_walk w;

    rdb_walk_begin(&w, o, s, e, false);
    while (rdb_walk_next(&w, o)) { }
}

static bool is_empty(const struct rdb_out *o, const struct store *s, const struct entry *e)
{
    struct hash h;

    if (entry_type(e) != VALUE_HASH) return false;
    h = open_hash(o, s, e);
    return hash_due_at(&h) != HASH_NEVER && hash_size(&h) == 0;
}

bool rdb_put_entry(struct rdb_out *o, const struct store *s, const struct entry *e)
{
    if (is_empty(o, s, e)) return false;
    rdb_put_head(o, s, e);
    rdb_put_value(o, s, e);
    return true;
}
