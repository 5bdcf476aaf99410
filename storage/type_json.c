/* type_json.c -- see type_json.h. */
#include "storage/type_json.h"

#include "storage/blob.h"

enum { INLINE_MAX = 4096 };

struct str json_text(const struct entry *e)
{
    return entry_enc(e) == ENC_RAW ? entry_raw(e) : blob_str(entry_ptr(e));
}

struct entry *json_new(struct str key, struct str text, int64_t expire_ms)
{
    struct entry *e;

    if (text.n <= INLINE_MAX) return entry_new_raw(VALUE_JSON, key, text, expire_ms);
    e = entry_new_ptr(VALUE_JSON, ENC_BLOB, key, expire_ms);
    entry_set_ptr(e, blob_of(text));
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

/* Where it lies, if it can stay there. */
static void overwrite(struct slot *s, struct str text)
{
    struct store *st = s->db->store;
    struct entry *e = s->ref.e;
    bool ttl = entry_expires(e);

    db_drop_value(st, e, st->conf.lazy_server_del);
    if (text.n <= INLINE_MAX) {
        e = entry_set_raw(e, text);
        entry_set_kind(e, VALUE_JSON, ENC_RAW);
    } else {
        e = entry_turn_ptr(e, ENC_BLOB, blob_of(text));
        entry_set_kind(e, VALUE_JSON, ENC_BLOB);
    }
    db_moved(s, e, ttl);
}

void json_put(struct slot *s, struct str text, bool other, enum change_kind kind)
{
    if (s->ref.e == NULL) {
        db_add(s, json_new(s->key, text, -1));
    } else {
        if (other) db_overwriting(s);
        overwrite(s, text);
    }
    db_tell(s, kind);
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

const struct type_ops json_type_ops = { blob_free_value, blob_free_effort, blob_dup_value, blob_value_bytes,
                                        encoding_name, count_of, blob_weight, NULL };
