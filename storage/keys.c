/* keys.c -- operations on keys of any type. */
#include "storage/keys.h"

#include "base/mem.h"

bool keys_delete(struct db *db, struct str key, bool lazy)
{
    struct slot s;

    if (!db_find_write(db, key, &s)) return false;
    db_remove(&s, CHANGE_DEL, lazy);
    return true;
}

/* --- moving entries --------------------------------------------------------------------------- */

enum { KEPT_FLAGS = ENTRY_GROWN };

/* An entry for key with the value of e, which keeps what it points to. */
static struct entry *with_key(const struct entry *e, struct str key)
{
    int64_t at = entry_expire_at(e);
    struct entry *to;

    switch (entry_enc(e)) {
    case ENC_RAW: to = entry_new_raw(entry_type(e), key, entry_raw(e), at); break;
    case ENC_INT: to = entry_new_int(key, entry_int(e), at); break;
    default:
        to = entry_new_ptr(entry_type(e), entry_enc(e), key, at);
        entry_set_ptr(to, entry_ptr(e));
    }
    to->flags |= e->flags & KEPT_FLAGS;
    return to;
}

/* Put `to` where s found none; it was last used when e was. */
static void add_as_old(struct slot *s, struct entry *to, const struct entry *e)
{
    db_add(s, to);
    memcpy(to->clock, e->clock, sizeof to->clock);
}

enum err keys_rename(struct db *db, struct str from, struct str to, bool only_new)
{
    struct slot s, d;
    struct entry *e;

    if (!db_find_write(db, from, &s)) return ERR_NO_SUCH_KEY;
    if (str_eq(from, to)) return only_new ? ERR_NOT_DONE : OK;
    if (only_new && db_peek(db, to)) return ERR_NOT_DONE;
    /* Looking at `to` may have removed it, and moved what s points at. */
    db_find_write(db, from, &s);
    e = db_take(&s, CHANGE_RENAME_FROM);
    if (db_find_write(db, to, &d)) db_replace(&d, db->store->conf.lazy_server_del);
    add_as_old(&d, with_key(e, to), e);
    entry_free(e);
    db_tell(&d, CHANGE_RENAME_TO);
    db->store->stats.dirty--; /* two events, one change */
    return OK;
}

enum err keys_move(struct db *src, struct str key, struct db *dst)
{
    struct slot s, d;
    struct entry *e;

    if (!db_find_write(src, key, &s)) return ERR_NO_KEY;
    if (db_find_write(dst, key, &d)) return ERR_NOT_DONE;
    e = db_take(&s, CHANGE_MOVE_FROM);
    add_as_old(&d, with_key(e, key), e);
    entry_free(e);
    db_tell(&d, CHANGE_MOVE_TO);
    src->store->stats.dirty--;
    return OK;
}

/* A copy of e under another key. */
static struct entry *copy_of(struct store *st, const struct entry *e, struct str key)
{
    struct entry *to = with_key(e, key);

    if (entry_enc(e) >= ENC_BLOB)
        entry_set_ptr(to, type_ops[entry_type(e)]->dup_value(st, entry_enc(e), entry_ptr(e)));
    return to;
}

/* Elements to look at for how much memory the copy will take. */
enum { COPY_SAMPLES = 5 };

/* *value NULL: of what there is. */
static enum err copy(struct db *src, struct str from, struct db *dst, struct str to, bool replace, void **value)
{
    const struct entry *e;
    struct entry *copy;
    struct slot d;

    ensure(src != dst || !str_eq(from, to));
    e = db_read(src, from);
    if (!e) return ERR_NO_KEY;
    if (*value == NULL && !mem_can(db_value_bytes(e, COPY_SAMPLES))) return ERR_OOM;
    if (db_find_write(dst, to, &d) && !replace) return ERR_NOT_DONE;
    if (d.ref.e) db_replace(&d, dst->store->conf.lazy_server_del);
    e = db_peek(src, from);
    if (*value == NULL) {
        copy = copy_of(dst->store, e, to);
    } else {
        copy = with_key(e, to);
        entry_set_ptr(copy, *value);
        *value = NULL;
    }
    add_as_old(&d, copy, e);
    db_tell(&d, CHANGE_COPY_TO);
    return OK;
}

enum err keys_copy(struct db *src, struct str from, struct db *dst, struct str to, bool replace)
{
    void *value = NULL;

    return copy(src, from, dst, to, replace, &value);
}

enum err keys_copy_made(struct db *src, struct str from, struct db *dst, struct str to, bool replace, void **value)
{
    ensure(*value != NULL);
    return copy(src, from, dst, to, replace, value);
}

/* --- TTL -------------------------------------------------------------------------------------- */

static bool holds(int64_t at_ms, int64_t current, unsigned conditions)
{
    bool has = current >= 0;

    if ((conditions & EXPIRE_NX) && has) return false;
    if ((conditions & EXPIRE_XX) && !has) return false;
    if ((conditions & EXPIRE_GT) && (!has || at_ms <= current)) return false;
    if ((conditions & EXPIRE_LT) && has && at_ms >= current) return false;
    return true;
}

enum err keys_expire(struct db *db, struct str key, int64_t at_ms, unsigned conditions,
                     bool *removed)
{
    struct store *st = db->store;
    struct slot s;

    if (!db_find_write(db, key, &s)) return ERR_NO_KEY;
    if (!holds(at_ms, entry_expire_at(s.ref.e), conditions)) return ERR_NOT_DONE;
    *removed = at_ms <= st->now_ms && !st->loading;
    if (*removed) {
        db_remove(&s, CHANGE_DEL, st->conf.lazy_expire);
        return OK;
    }
    db_set_expire(&s, at_ms > 0 ? at_ms : 0);
    db_tell(&s, CHANGE_EXPIRE);
    return OK;
}

enum err keys_persist(struct db *db, struct str key)
{
    struct slot s;

    if (!db_find_write(db, key, &s)) return ERR_NO_KEY;
    if (!entry_expires(s.ref.e)) return ERR_NOT_DONE;
    db_set_expire(&s, -1);
    db_tell(&s, CHANGE_PERSIST);
    return OK;
}

/* --- names of types --------------------------------------------------------------------------- */

static const char *const names[VALUE_TYPES] = {
    [VALUE_STRING] = "string", [VALUE_LIST] = "list", [VALUE_SET] = "set",
    [VALUE_ZSET] = "zset",     [VALUE_HASH] = "hash", [VALUE_STREAM] = "stream", [VALUE_JSON] = "ReJSON-RL",
    [VALUE_SUGGEST] = "trietype0",
    [VALUE_VSET] = "vectorset",
};

const char *value_type_name(enum value_type t)
{
    return names[t];
}

enum value_type value_type_of(struct str name)
{
    int t = 0;

    while (t < VALUE_TYPES && !str_is(name, names[t])) t++;
    return (enum value_type)t;
}
