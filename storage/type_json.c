/* type_json.c -- see type_json.h. */
#include "storage/type_json.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/mem.h"
#include "storage/blob.h"

/* --- texts outside entries -------------------------------------------------------------------------- */

/* What an entry points to is the blob, as with strings. */
struct shared {
    atomic_size_t holders;
    struct blob blob;
};

static struct shared *shared_of(const void *blob)
{
    return (struct shared *)(void *)((char *)(uintptr_t)blob - offsetof(struct shared, blob));
}

struct blob *json_made(struct str text)
{
    size_t all = mem_good_size(sizeof(struct shared) + text.n);
    struct shared *s = mem_alloc(all);

    atomic_init(&s->holders, 1);
    s->blob.n = text.n;
    s->blob.cap = all - sizeof *s;
    memcpy(s->blob.p, text.p, text.n);
    return &s->blob;
}

static void *hold(const void *blob)
{
    struct shared *s = shared_of(blob);

    atomic_fetch_add(&s->holders, 1);
    return &s->blob;
}

const struct blob *json_hold(const struct entry *e)
{
    return entry_enc(e) == ENC_RAW ? NULL : hold(entry_ptr(e));
}

void json_release(const struct blob *text)
{
    struct shared *s = shared_of(text);

    if (atomic_fetch_sub(&s->holders, 1) == 1) mem_free(s);
}

/* --- documents ---------------------------------------------------------------------------------------- */

struct str json_text(const struct entry *e)
{
    return entry_enc(e) == ENC_RAW ? entry_raw(e) : blob_str(entry_ptr(e));
}

struct entry *json_new(struct str key, struct str text, int64_t expire_ms)
{
    struct entry *e;

    if (text.n <= JSON_INLINE) return entry_new_raw(VALUE_JSON, key, text, expire_ms);
    e = entry_new_ptr(VALUE_JSON, ENC_BLOB, key, expire_ms);
    entry_set_ptr(e, json_made(text));
    return e;
}

enum err json_read(struct db *db, struct str key, struct str *text)
{
    const struct entry *e;
    enum err err = db_read_type(db, key, VALUE_JSON, &e);

    if (err == OK) *text = json_text(e);
    return err;
}

enum err json_find(struct db *db, struct str key, struct slot *s, struct str *text)
{
    enum err err = db_find_type(db, key, VALUE_JSON, s);

    if (err == OK) *text = json_text(s->ref.e);
    return err;
}

/* Its value becomes what made has, or text where that is NULL: in place, if it can stay there. */
static void overwrite(struct slot *s, struct str text, struct blob *made)
{
    struct store *st = s->db->store;
    struct entry *e = s->ref.e;
    bool ttl = entry_expires(e);

    db_drop_value(st, e, st->conf.lazy_server_del);
    if (made == NULL) {
        e = entry_set_raw(e, text);
        entry_set_kind(e, VALUE_JSON, ENC_RAW);
    } else {
        e = entry_turn_ptr(e, ENC_BLOB, made);
        entry_set_kind(e, VALUE_JSON, ENC_BLOB);
    }
    db_moved(s, e, ttl);
}

static void add(struct slot *s, struct str text, struct blob *made)
{
    struct entry *e = made ? entry_new_ptr(VALUE_JSON, ENC_BLOB, s->key, -1) : entry_new_raw(VALUE_JSON, s->key, text, -1);

    if (made) entry_set_ptr(e, made);
    db_add(s, e);
}

static void put(struct slot *s, struct str text, struct blob *made, bool other, enum change_kind kind)
{
    if (s->ref.e == NULL) {
        add(s, text, made);
    } else {
        if (other) db_overwriting(s);
        overwrite(s, text, made);
    }
    db_tell(s, kind);
}

void json_put(struct slot *s, struct str text, bool other, enum change_kind kind)
{
    put(s, text, text.n > JSON_INLINE ? json_made(text) : NULL, other, kind);
}

void json_put_made(struct slot *s, struct blob *text, bool other, enum change_kind kind)
{
    put(s, str_of(NULL, 0), text, other, kind);
}

/* --- the row of the type -------------------------------------------------------------------------- */

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s, (void)e;
    return "raw";
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    (void)s;
    return json_text(e).n;
}

static void free_value(enum value_enc enc, void *ptr)
{
    (void)enc;
    json_release(ptr);
}

static void *dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    (void)s, (void)enc;
    return hold(ptr);
}

static size_t value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    return sizeof(struct shared) - sizeof(struct blob) + blob_value_bytes(enc, ptr, samples);
}

static size_t weight(enum value_enc enc, const void *ptr)
{
    return value_bytes(enc, ptr, 0);
}

const struct type_ops json_type_ops = { free_value, blob_free_effort, dup_value, NULL, value_bytes,
                                        encoding_name, count_of, weight, NULL };
