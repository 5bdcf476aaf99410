/* json_docs.c -- see json_docs.h. */
#include "commands/json_docs.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/blob.h"
#include "storage/type_json.h"

/* A document as a call aside has it. */
struct json_doc {
    struct str key;
    enum err state;   /* OK, ERR_NO_KEY, ERR_WRONG_TYPE: when it was gathered */
    enum err now;     /* the same after what the handler did */
    struct str was;   /* its text when it was gathered */
    struct str text;  /* and now */
    const struct blob *held; /* what `was` lies in; NULL: in the arena */
    size_t bytes;
};

/* What the handler did, in order. */
struct effect {
    struct json_doc *doc;
    bool remove;
    bool other;
    enum change_kind kind;
    struct blob *made; /* NULL: text */
    struct str text;
};

struct json_docs {
    const struct command *cmd;
    size_t argc;
    const struct str *argv;
    struct json_doc *docs;
    struct json_doc **in_order; /* the same by key, made on the thread; of one that is named twice the first stands first */
    size_t n;
    struct effect *effects;
    size_t n_effects, cap_effects;
    struct arena arena;
    struct buf out;
    void *note;
    enum err e;
};

/* --- here or aside --------------------------------------------------------------------------------------------------- */

/* Bytes that are worked through at once, which takes a quarter of a millisecond or not much more. A path that finds one value at
 * most is a scan of the text; others may find something in each few bytes, or look at them more than once. */
enum { LONG_LIGHT = 256 * 1024, LONG = 32 * 1024 };

bool json_is_longer(const struct call *c, size_t n, enum json_work work, const struct json_path *p)
{
    if (!c->may_block || c->host == NULL || c->cmd->aside == NULL || work == JSON_UNREAD) return false;
    if (p && json_path_is_heavy(p)) return true;
    if (work == JSON_LIGHT && (p == NULL || json_path_is_definite(p))) return n > LONG_LIGHT;
    return n > LONG;
}

enum err json_run(struct call *c)
{
    size_t mark = reply_mark(c->out);
    enum err e;

    if (c->host && c->host->been_aside && c->host->been_aside(c, &e)) return e;
    e = c->cmd->aside(c);
    if (LIKELY(e != CALL_ASIDE)) return e;
    reply_undo(c->out, mark); /* of an array that had begun */
    return c->host->go_aside(c);
}

static struct json_docs *docs_of(const struct call *c)
{
    return c->host ? c->host->docs : NULL;
}

static struct json_doc *doc_of(struct json_docs *d, struct str key)
{
    size_t low = 0, high = d->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (str_cmp(d->in_order[mid]->key, key) < 0) low = mid + 1;
        else high = mid;
    }
    ensure(low < d->n && str_eq(d->in_order[low]->key, key)); /* a command looks up what its row names */
    return d->in_order[low];
}

enum err json_doc_read(struct call *c, struct str key, enum json_work work, const struct json_path *p, struct str *doc)
{
    struct json_docs *d = docs_of(c);
    enum err e;

    if (UNLIKELY(d != NULL)) {
        const struct json_doc *it = doc_of(d, key);

        if (it->now == OK) *doc = it->text;
        return it->now;
    }
    e = json_read(c->db, key, doc);
    return e == OK && json_is_long(c, doc->n, work, p) ? CALL_ASIDE : e;
}

enum err json_doc_ask(struct call *c, struct str key, size_t *n)
{
    struct json_docs *d = docs_of(c);
    const struct json_doc *doc;
    const struct entry *e;

    *n = 0;
    if (UNLIKELY(d != NULL)) {
        doc = doc_of(d, key);
        if (doc->now == OK) *n = doc->text.n;
        return doc->now;
    }
    e = db_peek(c->db, key);
    if (e == NULL) return ERR_NO_KEY;
    if (entry_type(e) != VALUE_JSON) return ERR_WRONG_TYPE;
    *n = json_text(e).n;
    return OK;
}

enum err json_doc_find(struct call *c, struct str key, struct json_place *pl, struct str *doc)
{
    struct json_docs *d = docs_of(c);

    if (LIKELY(d == NULL)) return json_find(c->db, key, &pl->slot, doc);
    pl->doc = doc_of(d, key);
    if (pl->doc->now == OK) *doc = pl->doc->text;
    return pl->doc->now;
}

static struct effect *new_effect(struct json_docs *d, struct json_doc *doc, enum change_kind kind)
{
    struct effect *e;

    if (d->n_effects == d->cap_effects) {
        d->cap_effects = d->cap_effects ? d->cap_effects * 2 : 1;
        d->effects = mem_realloc(d->effects, d->cap_effects * sizeof *d->effects);
    }
    e = &d->effects[d->n_effects++];
    *e = (struct effect){ .doc = doc, .kind = kind };
    return e;
}

void json_doc_put(struct call *c, struct json_place *pl, struct str text, bool other, enum change_kind kind)
{
    struct json_docs *d = docs_of(c);
    struct effect *e;

    if (LIKELY(d == NULL)) {
        json_put(&pl->slot, text, other, kind);
        return;
    }
    e = new_effect(d, pl->doc, kind);
    e->other = other;
    if (text.n > JSON_INLINE) e->made = json_made(text);
    e->text = e->made ? blob_str(e->made) : arena_dup(&d->arena, text);
    pl->doc->now = OK;
    pl->doc->text = e->text;
}

static void remove_here(struct store *s, struct slot *slot, enum change_kind kind)
{
    db_tell(slot, kind);
    s->stats.dirty--; /* two events, one change */
    db_remove(slot, CHANGE_DEL, s->conf.lazy_user_del);
}

void json_doc_remove(struct call *c, struct json_place *pl, enum change_kind kind)
{
    struct json_docs *d = docs_of(c);

    if (LIKELY(d == NULL)) {
        remove_here(c->store, &pl->slot, kind);
        return;
    }
    new_effect(d, pl->doc, kind)->remove = true;
    pl->doc->now = ERR_NO_KEY;
}

size_t json_doc_bytes(struct call *c, struct str key, struct str text)
{
    struct json_docs *d = docs_of(c);
    const struct json_doc *it;
    const struct entry *e;
    struct str all;

    if (UNLIKELY(d != NULL)) {
        it = doc_of(d, key);
        return it->text.p == text.p && it->text.n == text.n ? it->bytes : 0;
    }
    e = db_peek(c->db, key);
    if (e == NULL || entry_type(e) != VALUE_JSON) return 0;
    all = json_text(e);
    return all.p == text.p && all.n == text.n ? db_value_bytes(e, 0) : 0;
}

/* --- gathering, running, settling --------------------------------------------------------------------------------------- */

static void gather(struct json_docs *d, struct json_doc *doc, struct db *db, struct str key)
{
    const struct entry *e = db_glance(db, key);

    *doc = (struct json_doc){ .key = key, .state = ERR_NO_KEY };
    if (e != NULL && entry_type(e) != VALUE_JSON) {
        doc->state = ERR_WRONG_TYPE;
    } else if (e != NULL) {
        doc->state = OK;
        doc->held = json_hold(e);
        doc->was = doc->held ? blob_str(doc->held) : arena_dup(&d->arena, json_text(e));
        doc->bytes = db_value_bytes(e, 0);
    }
    doc->now = doc->state;
    doc->text = doc->was;
}

struct json_docs *json_docs_new(struct db *db, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct json_docs *d = mem_zalloc(sizeof *d);
    struct key_ref *keys = mem_alloc(argc * sizeof *keys);
    size_t n = command_keys_found(cmd, argc, argv, keys, argc);

    d->cmd = cmd;
    d->argc = argc;
    d->argv = argv;
    d->out.may_fail = true;
    arena_init(&d->arena);
    d->docs = mem_alloc((n + 1) * sizeof *d->docs);
    for (d->n = 0; d->n < n; d->n++) gather(d, &d->docs[d->n], db, argv[keys[d->n].at]);
    mem_free(keys);
    return d;
}

static int by_key(const void *a, const void *b)
{
    const struct json_doc *x = *(struct json_doc *const *)a, *y = *(struct json_doc *const *)b;
    int order = str_cmp(x->key, y->key);

    return order != 0 ? order : (x > y) - (x < y);
}

/* Requests name hundreds of thousands of keys. */
static void put_in_order(struct json_docs *d)
{
    d->in_order = arena_alloc(&d->arena, d->n * sizeof(struct json_doc *));
    for (size_t i = 0; i < d->n; i++) d->in_order[i] = &d->docs[i];
    qsort(d->in_order, d->n, sizeof(struct json_doc *), by_key);
}

void json_docs_run(struct json_docs *d, int resp)
{
    struct reply out = { &d->out, resp };
    struct call_host host = { .docs = d };
    struct call c = { .cmd = d->cmd, .argc = d->argc, .argv = d->argv, .out = &out, .arena = &d->arena, .host = &host };

    put_in_order(d);
    d->e = call_run(&c);
    d->note = c.note;
}

static bool holds(const struct json_doc *doc, struct db *db)
{
    const struct entry *e = db_glance(db, doc->key);

    if (e == NULL) return doc->state == ERR_NO_KEY;
    if (entry_type(e) != VALUE_JSON) return doc->state == ERR_WRONG_TYPE;
    if (doc->state != OK) return false;
    if (doc->held) return entry_enc(e) == ENC_BLOB && entry_ptr(e) == doc->held;
    return str_eq(json_text(e), doc->was);
}

bool json_docs_hold(const struct json_docs *d, struct db *db)
{
    for (size_t i = 0; i < d->n; i++) {
        if (!holds(&d->docs[i], db)) return false;
    }
    return true;
}

static void settle(struct call *c, struct effect *e)
{
    struct slot slot;
    struct str doc;
    enum err found = json_find(c->db, e->doc->key, &slot, &doc);

    ensure(found == OK || (found == ERR_NO_KEY && !e->remove));
    if (e->remove) remove_here(c->store, &slot, e->kind);
    else if (e->made) json_put_made(&slot, e->made, e->other, e->kind);
    else json_put(&slot, e->text, e->other, e->kind);
    e->made = NULL;
}

enum err json_docs_settle(struct json_docs *d, struct call *c, struct buf *reply)
{
    if (d->out.failed) return ERR_OOM;
    for (size_t i = 0; i < d->n_effects; i++) settle(c, &d->effects[i]);
    c->note = d->note;
    *reply = d->out;
    d->out = (struct buf){ 0 };
    return d->e == OK ? OK : CALL_REPLIED_ERROR;
}

size_t json_docs_bytes(const struct json_docs *d)
{
    return sizeof *d + d->n * sizeof *d->docs + d->out.cap;
}

void json_docs_free(void *docs)
{
    struct json_docs *d = docs;

    for (size_t i = 0; i < d->n; i++) {
        if (d->docs[i].held) json_release(d->docs[i].held);
    }
    for (size_t i = 0; i < d->n_effects; i++) {
        if (d->effects[i].made) json_release(d->effects[i].made);
    }
    mem_free(d->docs);
    mem_free(d->effects);
    arena_fini(&d->arena);
    buf_fini(&d->out);
    mem_free(d);
}
