/* The value of a DUMP payload (the first byte is its type), under a checksum that fits: what is accepted is
 * sound, reads back as it is written, and bears changes. */
#include "base/mem.h"
#include "persistence/persist.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_read.h"
#include "storage/db.h"
#include "storage/digest.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_vset.h"
#include "storage/type_zset.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/persistence/small_store.h"

static const struct hash_key key = { 1, 2 };
static const struct str k = STR("k");

static struct entry *restore(struct store *s, struct str payload)
{
    struct entry *e = NULL;
    enum err err = persist_restore(s, k, payload, -1, &e);

    ensure(err == OK || err == ERR_FORMAT || err == ERR_NOT_DONE);
    return err == OK ? e : NULL;
}

static void write_and_read(struct store *s, const struct entry *e)
{
    struct digest a, b;
    struct buf payload = { 0 };
    struct entry *again;

    digest_value(s, e, &a);
    persist_dump(s, e, &payload);
    again = restore(s, buf_str(&payload));
    ensure(again != NULL);
    digest_value(s, again, &b);
    ensure(memcmp(&a, &b, sizeof a) == 0);
    db_drop_value(s, again, false);
    entry_free(again);
    buf_fini(&payload);
}

static void change_list(struct db *db)
{
    const struct str items[] = { STR("12345"), STR(""), STR("some text") };
    uint64_t n;

    ensure(lists_push(db, k, LIST_LEFT, items, 3, false, &n) == OK);
    ensure(lists_push(db, k, LIST_RIGHT, items, 3, false, &n) == OK);
    ensure(lists_set(db, k, (int64_t)(n / 2), STR("another")) == OK);
    ensure(lists_insert(db, k, STR("another"), true, STR("7"), &n) == OK);
    ensure(lists_remove(db, k, 0, STR(""), &n) == OK);
    ensure(lists_trim(db, k, 1, -2) == OK);
}

static void change_set(struct db *db)
{
    const struct str items[] = { STR("1"), STR("some text"), STR("-9223372036854775808") };
    size_t n;

    ensure(set_key_add(db, k, items, 3, &n) == OK);
    ensure(set_key_remove(db, k, items, 2, &n) == OK && n == 2);
}

static void change_hash(struct db *db)
{
    const struct str items[] = { STR("f"), STR("v"), STR("12"), STR("34") };
    size_t n;

    ensure(hash_set(db, k, items, 2, NULL, &n) == OK);
    ensure(hash_remove(db, k, items, 1, &n) == OK && n == 1);
}

static void ignore_member(void *ctx, struct str member, double score)
{
    (void)ctx;
    ensure(score == score);
    (void)member;
}

static void change_zset(struct db *db)
{
    const struct zitem items[] = { { STR("a"), 1 }, { STR("12"), -1e300 }, { STR(""), 0.1 } };
    struct zadded done;
    struct str gone = STR("a");
    size_t n;

    ensure(zset_key_add(db, k, items, 3, 0, &done) == OK);
    ensure(zset_key_remove(db, k, &gone, 1, &n) == OK && n == 1);
    ensure(zset_key_pop(db, k, false, 1, ignore_member, NULL) == OK);
}

static void change_vset(struct db *db)
{
    enum { DIM_MAX = 64 };
    float v[DIM_MAX] = { 0.5F, -1 };
    struct vset *s;
    struct slot slot;

    ensure(vset_find_write(db, k, &slot, &s) == OK);
    if (s->dim > DIM_MAX) return;
    ensure(vset_put(s, STR("another"), v, 10, &STR("{}")) != VSET_REFUSED);
    db_tell(&slot, CHANGE_VADD);
    ensure(vset_key_remove(db, k, STR("another")) == OK);
    if (db_peek(db, k)) ensure(vset_key_remove(db, k, STR("e0")) != ERR_WRONG_TYPE);
}

static void change(struct db *db, enum value_type type)
{
    switch (type) {
    case VALUE_LIST: change_list(db); break;
    case VALUE_SET: change_set(db); break;
    case VALUE_HASH: change_hash(db); break;
    case VALUE_ZSET: change_zset(db); break;
    case VALUE_VSET: change_vset(db); break;
    default: break; /* strings have no form of their own; streams: f_stream */
    }
}

static void work_on(struct store *s, struct entry *e)
{
    struct db *db = s->dbs[0];
    const struct entry *now;
    struct slot slot;

    ensure(!db_find_write(db, k, &slot));
    db_add(&slot, e);
    store_check(s);
    write_and_read(s, db_peek(db, k));
    change(db, entry_type(db_peek(db, k)));
    store_check(s);
    now = db_peek(db, k);
    if (now) write_and_read(s, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *s = store_new(&small_store, &key, 1);
    struct buf payload = { 0 };
    struct entry *e;

    s->now_ms = 0; /* a field whose time has come would be missing in what is written */
    buf_add(&payload, data, size);
    rdb_payload_end(&payload, 0, RDB_VERSION_READ);
    e = restore(s, buf_str(&payload));
    if (e) work_on(s, e);
    buf_fini(&payload);
    store_free(&s);
    return 0;
}
