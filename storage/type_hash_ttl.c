/* type_hash_ttl.c -- TTLs of fields. The clock that removes them in time is in field_clock.c. */
#include "storage/hash_edit.h"
#include "storage/type_hash.h"

/* --- TTLs ------------------------------------------------------------------------------------- */

static bool met(int64_t old, int64_t at_ms, enum hash_ttl_if cond)
{
    switch (cond) {
    case HASH_TTL_NX: return old < 0;
    case HASH_TTL_XX: return old >= 0;
    case HASH_TTL_GT: return old >= 0 && at_ms > old;
    case HASH_TTL_LT: return old < 0 || at_ms < old;
    default: return true;
    }
}

static enum hash_ttl_result expire_one(struct hash_edit *ed, struct str field, int64_t at_ms,
                                       enum hash_ttl_if cond)
{
    struct hash_place at;

    if (!hash_edit_find(ed, field, &at)) return HASH_NO_FIELD;
    if (!met(hash_ttl_at(&ed->h, &at), at_ms, cond)) return HASH_TTL_NOT_MET;
    if (at_ms <= ed->h.now_ms) {
        hash_drop(&ed->h, &at);
        ed->h.store->stats.expired_fields++;
        return HASH_TTL_REMOVED;
    }
    hash_set_ttl(&ed->h, &at, field, at_ms > 0 ? at_ms : 1);
    return HASH_TTL_DONE;
}

enum err hash_expire(struct db *db, struct str key, const struct str *fields, size_t n,
                     int64_t at_ms, enum hash_ttl_if cond, int8_t *result)
{
    size_t set = 0, removed = 0;
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, false, &ed);

    if (e != OK) return e;
    for (size_t i = 0; i < n; i++) {
        result[i] = (int8_t)expire_one(&ed, fields[i], at_ms, cond);
        set += result[i] == HASH_TTL_DONE;
        removed += result[i] == HASH_TTL_REMOVED;
    }
    if (removed > 0) hash_edit_tell(&ed, CHANGE_HDEL);
    if (set > 0) hash_edit_tell(&ed, CHANGE_HEXPIRE);
    hash_edit_close(&ed);
    return OK;
}

static enum hash_ttl_result persist_one(struct hash_edit *ed, struct str field)
{
    struct hash_place at;

    if (!hash_edit_find(ed, field, &at)) return HASH_NO_FIELD;
    if (hash_ttl_at(&ed->h, &at) < 0) return HASH_HAS_NO_TTL;
    hash_set_ttl(&ed->h, &at, field, HASH_NO_TTL);
    return HASH_TTL_DONE;
}

enum err hash_persist(struct db *db, struct str key, const struct str *fields, size_t n,
                      int8_t *result)
{
    bool changed = false;
    struct hash_edit ed;
    enum err e = hash_edit_open(db, key, false, &ed);

    if (e != OK) return e;
    for (size_t i = 0; i < n; i++) {
        result[i] = (int8_t)persist_one(&ed, fields[i]);
        changed = changed || result[i] == HASH_TTL_DONE;
    }
    if (changed) hash_edit_tell(&ed, CHANGE_HPERSIST);
    hash_edit_close(&ed);
    return OK;
}
