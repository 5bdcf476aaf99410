/* type_suggest.c -- see type_suggest.h. */
#include "storage/type_suggest.h"

#include "base/mem.h"

struct entry *suggest_entry_take(struct suggestions **d, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(VALUE_SUGGEST, ENC_TREE, key, expire_ms);

    entry_set_ptr(e, *d);
    *d = NULL;
    return e;
}

enum err suggest_read(struct db *db, struct str key, const struct suggestions **d)
{
    const struct entry *e;
    enum err err = db_read_type(db, key, VALUE_SUGGEST, &e);

    if (err == OK) *d = entry_ptr(e);
    return err;
}

enum err suggest_put(struct db *db, struct str key, struct str text, double score, bool add, struct str payload,
                     uint64_t *count)
{
    struct slot slot;
    enum err e = db_find_type(db, key, VALUE_SUGGEST, &slot);

    if (e == ERR_NO_KEY) {
        struct suggestions *fresh = suggestions_new();
        suggestions_put(fresh, text, score, add, payload);
        db_add(&slot, suggest_entry_take(&fresh, key, -1));
    } else if (e == OK) {
        suggestions_put(entry_ptr(slot.ref.e), text, score, add, payload);
    } else {
        return e;
    }
    *count = ((const struct suggestions *)entry_ptr(slot.ref.e))->count;
    db_tell(&slot, CHANGE_SUGADD);
    return OK;
}

enum err suggest_remove(struct db *db, struct str key, struct str text, bool *removed)
{
    struct slot slot;
    struct suggestions *d;
    enum err e = db_find_type(db, key, VALUE_SUGGEST, &slot);

    if (e != OK) return e;
    d = entry_ptr(slot.ref.e);
    *removed = suggestions_remove(d, text);
    if (!*removed) return OK;
    db_tell(&slot, CHANGE_SUGDEL);
    if (d->count == 0) db_remove(&slot, CHANGE_DEL, false);
    return OK;
}

/* --- the row of the type --------------------------------------------------------------------------------------------- */

static void free_value(enum value_enc enc, void *ptr)
{
    struct suggestions *d = ptr;

    (void)enc;
    suggestions_free(&d);
}

static size_t free_effort(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return (size_t)((const struct suggestions *)ptr)->count;
}

static void *dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    (void)s, (void)enc;
    return suggestions_copy(ptr);
}

static size_t weight(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return ((const struct suggestions *)ptr)->bytes;
}

static size_t value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    (void)samples;
    return weight(enc, ptr);
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s, (void)e;
    return "raw"; /* as stock Redis says of every module's type */
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    (void)s;
    return ((const struct suggestions *)entry_ptr(e))->count;
}

static void check(const void *ptr)
{
    suggestions_check(ptr);
}

const struct type_ops suggest_type_ops = { free_value,  free_effort,   dup_value, NULL, value_bytes,
                                           encoding_name, count_of, weight, check };
