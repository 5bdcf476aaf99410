/* An RDB file of any bytes, its checksum not looked at: what loads is sound, and each value of it reads back as
 * it is written. */
#include "base/mem.h"
#include "persistence/persist.h"
#include "persistence/rdb_read.h"
#include "storage/db.h"
#include "storage/digest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/persistence/small_store.h"

static const struct hash_key key = { 1, 2 };

static void write_and_read(struct store *s, const struct entry *e)
{
    struct digest a, b;
    struct buf payload = { 0 };
    struct entry *again;

    digest_value(s, e, &a);
    persist_dump(s, e, &payload);
    ensure(persist_restore(s, entry_key(e), buf_str(&payload), entry_expires(e) ? entry_expire_at(e) : -1, &again) == OK);
    digest_value(s, again, &b);
    ensure(memcmp(&a, &b, sizeof a) == 0);
    db_drop_value(s, again, false);
    entry_free(again);
    buf_fini(&payload);
}

/* The keys of one database go one after the other, so that each is met. */
static void each_key(struct store *s, struct db *db)
{
    const struct entry *e;
    struct slot slot;

    while ((e = db_random(db)) != NULL) {
        write_and_read(s, e);
        ensure(db_find_write(db, entry_key(e), &slot));
        db_remove(&slot, CHANGE_DEL, false);
    }
    store_check(s);
}

static bool stop_at_many(void *ctx, uint64_t bytes, uint64_t keys)
{
    (void)ctx;
    (void)bytes;
    return keys < 10000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rdb_options opt = { .progress = stop_at_many, .keep_expired = size % 2 };
    struct store *s = store_new(&small_store, &key, 1);
    struct rdb_facts facts;
    struct rdb_in in;
    enum err e;

    s->now_ms = 0; /* a field whose time has come would be missing in what is written */
    s->loading = true;
    rdb_in_bytes(&in, str_of(data, size));
    e = rdb_load(&in, s, &opt, &facts);
    ensure(e == OK || e == ERR_NOT_DONE || (e == ERR_FORMAT && in.why[0] && in.bad_at <= size));
    rdb_in_fini(&in);
    s->loading = false;
    store_check(s);
    for (int i = 0; i < small_store.databases; i++) each_key(s, s->dbs[i]);
    store_free(&s);
    return 0;
}
