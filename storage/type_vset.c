/* type_vset.c -- see type_vset.h. */
#include "storage/type_vset.h"

enum err vset_read(struct db *db, struct str key, const struct vset **s)
{
    const struct entry *e;
    enum err err = db_read_type(db, key, VALUE_VSET, &e);

    if (err == OK) *s = entry_ptr(e);
    return err;
}

enum err vset_find_write(struct db *db, struct str key, struct slot *slot, struct vset **s)
{
    enum err err = db_find_type(db, key, VALUE_VSET, slot);

    if (err == OK) *s = entry_ptr(slot->ref.e);
    return err;
}

struct entry *vset_entry_take(struct vset **s, struct str key, int64_t expire_ms)
{
    struct entry *e = entry_new_ptr(VALUE_VSET, ENC_VSET, key, expire_ms);

    entry_set_ptr(e, *s);
    *s = NULL;
    return e;
}

void vset_key_add(struct slot *slot, struct vset *s)
{
    db_add(slot, vset_entry_take(&s, slot->key, -1));
}

enum err vset_key_remove(struct db *db, struct str key, struct str name)
{
    struct slot slot;
    struct vset *s;
    uint64_t dirty;
    enum err err = vset_find_write(db, key, &slot, &s);

    if (err != OK) return err;
    if (!vset_remove(s, name)) return ERR_NOT_DONE;
    db_tell(&slot, CHANGE_VREM);
    if (vset_count(s) > 0) return OK;
    dirty = db->store->stats.dirty;
    db_remove(&slot, CHANGE_DEL, false);
    db->store->stats.dirty = dirty; /* it belongs to the change that emptied the set */
    return OK;
}

/* --- the type ------------------------------------------------------------------------------------- */

static void free_value(enum value_enc enc, void *ptr)
{
    struct vset *s = ptr;

    (void)enc;
    vset_free(&s);
}

static size_t free_effort(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return vset_count(ptr);
}

static void *dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    (void)enc;
    return vset_dup(s, ptr);
}

static size_t weight(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return vset_bytes(ptr);
}

static size_t value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    (void)samples;
    return weight(enc, ptr);
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s, (void)e;
    return "raw";
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    (void)s;
    return vset_count(entry_ptr(e));
}

static void check(const void *ptr)
{
    vset_check(ptr);
}

const struct type_ops vset_type_ops = { free_value, free_effort, dup_value, NULL, value_bytes, encoding_name, count_of, weight, check };
