/* type_stream.c -- operations on the stream at a key: its entries. Groups: type_stream_group.c. */
#include "storage/type_stream.h"

#include "storage/stream_edit.h"

enum err stream_read(struct db *db, struct str key, const struct stream **s)
{
    const struct entry *found;
    enum err e = db_read_type(db, key, VALUE_STREAM, &found);

    if (e == OK) *s = entry_ptr(found);
    return e;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* The ID of an entry to be added behind `last`. */
static enum err choose_id(struct stream_id last, int64_t now_ms, const struct stream_add *add,
                          struct stream_id *id)
{
    bool more = true;

    if (last.ms == UINT64_MAX && last.seq == UINT64_MAX) return ERR_STREAM_EXHAUSTED;
    *id = add->id;
    if (add->how == STREAM_ADD_AUTO) {
        *id = (struct stream_id){ (uint64_t)now_ms, 0 };
        if (id->ms <= last.ms) {
            *id = last;
            more = stream_id_next(id);
        }
    } else if (add->how == STREAM_ADD_AUTO_SEQ) {
        id->seq = 0;
        if (id->ms == last.ms) {
            if (last.seq == UINT64_MAX) return ERR_XADD_SMALLER;
            id->seq = last.seq + 1;
        }
    }
    return more && stream_id_cmp(*id, last) > 0 ? OK : ERR_XADD_SMALLER;
}

static void trim(struct slot *slot, struct stream *s, const struct stream_trim *t,
                 struct stream_trimmed *done)
{
    if (UNLIKELY(slot->ref.e->ns != 0)) db_trimming(slot, false, stream_trim_count(s, t));
    done->removed = stream_trim(s, t);
    done->length = s->length;
    done->floor = s->length > 0 ? s->first : STREAM_ID_MAX;
    if (done->removed > 0) db_tell(slot, CHANGE_XTRIM);
}

enum err stream_key_add(struct db *db, struct str key, const struct stream_add *add, const struct str *pairs,
                        size_t n, struct stream_added *done)
{
    struct store *st = db->store;
    struct stream *s, *fresh = NULL;
    struct stream_id id;
    struct slot slot;
    enum err e;

    ensure(n > 0);
    if (add->how == STREAM_ADD_GIVEN && stream_id_is_zero(add->id)) return ERR_XADD_ZERO;
    e = db_find_type(db, key, VALUE_STREAM, &slot);
    if (e == ERR_WRONG_TYPE || (e == ERR_NO_KEY && add->must_exist)) return e;
    s = e == OK ? entry_ptr(slot.ref.e) : (fresh = stream_new());
    e = choose_id(s->last, st->now_ms, add, &id);
    if (e == OK) e = stream_append(s, &st->conf, id, pairs, n);
    if (e != OK) {
        stream_free(&fresh);
        return e;
    }
    if (fresh != NULL) db_add(&slot, stream_entry_take(&fresh, key, -1));
    db_tell(&slot, CHANGE_XADD);
    if (add->trim != NULL) trim(&slot, s, add->trim, &done->trim);
    done->id = id;
    return OK;
}

/* --- removing --------------------------------------------------------------------------------- */

enum { LIMIT_BLOCKS = 100, LIMIT_UNBOUNDED = 10000, LIMIT_MOST = 1000000 };

uint64_t stream_trim_limit(const struct store *s)
{
    uint64_t n = s->conf.stream_node_max_entries;

    if (s->loading) return 0;
    if (n == 0) return LIMIT_UNBOUNDED;
    return n < LIMIT_MOST / LIMIT_BLOCKS ? n * LIMIT_BLOCKS : LIMIT_MOST;
}

enum err stream_key_trim(struct db *db, struct str key, const struct stream_trim *t,
                         struct stream_trimmed *done)
{
    struct slot slot;
    enum err e = db_find_type(db, key, VALUE_STREAM, &slot);

    if (e == OK) trim(&slot, entry_ptr(slot.ref.e), t, done);
    return e;
}

enum err stream_key_delete(struct db *db, struct str key, const struct stream_id *ids, size_t n,
                           uint64_t *deleted)
{
    struct slot slot;
    enum err e = db_find_type(db, key, VALUE_STREAM, &slot);

    if (e != OK) return e;
    *deleted = 0;
    for (size_t i = 0; i < n; i++) *deleted += stream_delete(entry_ptr(slot.ref.e), ids[i]);
    if (*deleted > 0) db_tell(&slot, CHANGE_XDEL);
    return OK;
}

/* --- its own figures -------------------------------------------------------------------------- */

enum err stream_key_set_id(struct db *db, struct str key, struct stream_id id, int64_t added,
                           struct stream_id max_deleted)
{
    struct slot slot;
    struct stream *s;
    struct stream_id top;
    enum err e;

    if (stream_id_cmp(id, max_deleted) < 0) return ERR_XSETID_MAX_DELETED;
    e = db_find_type(db, key, VALUE_STREAM, &slot);
    if (e != OK) return e;
    s = entry_ptr(slot.ref.e);
    if (stream_id_cmp(id, s->max_deleted) < 0) return ERR_XSETID_DELETED;
    if (stream_top(s, &top)) {
        if (stream_id_cmp(id, top) < 0) return ERR_XSETID_SMALLER;
        if (added >= 0 && s->length > (uint64_t)added) return ERR_XSETID_ADDED;
    }
    s->last = id;
    if (added >= 0) s->added = (uint64_t)added;
    if (!stream_id_is_zero(max_deleted)) s->max_deleted = max_deleted;
    db_tell(&slot, CHANGE_XSETID);
    return OK;
}

/* --- the type --------------------------------------------------------------------------------- */

struct entry *stream_entry_take(struct stream **s, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(VALUE_STREAM, ENC_STREAM, key, expire_ms);

    entry_set_ptr(e, *s);
    *s = NULL;
    return e;
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s;
    (void)e;
    return "stream";
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    (void)s;
    return ((const struct stream *)entry_ptr(e))->length;
}

const struct type_ops stream_type_ops = {
    .free_value = stream_free_value,
    .free_effort = stream_free_effort,
    .dup_value = stream_dup_value,
    .dup_some = stream_dup_some,
    .value_bytes = stream_value_bytes,
    .weight = stream_weight,
    .encoding_name = encoding_name,
    .count = count_of,
};
