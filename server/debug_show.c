/* debug_show.c -- see debug_show.h. */
#include "server/debug_show.h"

#include "base/num.h"
#include "persistence/persist.h"
#include "server/client.h"
#include "server/server.h"
#include "storage/evict.h"
#include "storage/list.h"
#include "storage/type_string.h"

/* What Redis tells of a quicklist. The nodes are our blocks; the other two repeat the settings, as there. */
static struct str about_quicklist(struct call *c, const struct entry *e)
{
    const struct list *l = entry_ptr(e);
    size_t nodes = list_free_effort(l);

    return arena_printf(c->arena, " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:%d ql_uncompressed_size:%llu",
                        nodes, (double)list_count(l) / (double)nodes, c->store->conf.list_max_listpack_size,
                        c->store->conf.list_compress_depth != 0, (unsigned long long)list_frames(l));
}

/* The key's entry also when it has expired and nothing has removed it yet. */
static const struct entry *raw_entry(struct db *db, struct str key)
{
    uint64_t hash = db_hash(db, key);
    struct table_ref ref;

    table_look(&db_shard(db, hash)->keys, hash, key, &ref);
    return ref.e;
}

enum err debug_object(struct call *c)
{
    const struct entry *e = raw_entry(c->db, call_arg(c, 2));
    const char *encoding;
    struct buf dump = { 0 };

    if (e == NULL) return ERR_NO_SUCH_KEY;
    encoding = entry_encoding_name(c->store, e);
    persist_dump(c->store, e, &dump);
    reply_simple(c->out,
                 arena_printf(c->arena,
                              "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%lld%s",
                              (const void *)e, encoding, dump.n > 10 ? dump.n - 10 : 0,
                              (unsigned)(e->clock[0] | e->clock[1] << 8 | e->clock[2] << 16),
                              (long long)evict_idle_ms(c->store, e) / 1000,
                              strcmp(encoding, "quicklist") == 0 ? about_quicklist(c, e).p : "").p);
    buf_fini(&dump);
    return OK;
}

/* Counts by type and encoding, of the chosen database. */
enum err debug_jmap(struct call *c)
{
    size_t counts[VALUE_TYPES][16] = { { 0 } }, mark = reply_mark(c->out), n = 0;
    static const char *const types[] = { "string", "list", "set", "zset", "hash", "stream" };

    for (int i = 0; i < STORE_SHARDS; i++) {
        struct table_iter it = { 0 };
        struct entry *e;
        while ((e = table_next(&c->db->shards[i].keys, &it)) != NULL) counts[entry_type(e)][entry_enc(e)]++;
    }
    for (int t = 0; t < VALUE_TYPES; t++) {
        for (int k = 0; k < 16; k++) {
            if (counts[t][k] == 0) continue;
            reply_bulk(c->out, arena_printf(c->arena, "%s/%d: %zu", types[t], k, counts[t][k]));
            n++;
        }
    }
    reply_array_at(c->out, mark, n);
    return OK;
}

/* What RESP types look like, as test suites ask for them. */
enum err debug_protocol(struct call *c)
{
    struct reply *r = c->out;

    if (call_is(c, 2, "string")) reply_bulk_c(r, "Hello World");
    else if (call_is(c, 2, "integer")) reply_int(r, 12345);
    else if (call_is(c, 2, "double")) reply_double(r, 3.141);
    else if (call_is(c, 2, "null")) reply_null(r);
    else if (call_is(c, 2, "array")) {
        reply_array(r, 3);
        for (int i = 0; i < 3; i++) reply_int(r, i);
    } else if (call_is(c, 2, "set")) {
        reply_set(r, 3);
        for (int i = 0; i < 3; i++) reply_int(r, i);
    } else if (call_is(c, 2, "map")) {
        reply_map(r, 3);
        for (int i = 0; i < 3; i++) reply_int(r, i), reply_bool(r, i == 1);
    } else if (call_is(c, 2, "attrib")) {
        reply_attribute(r, r->resp == 3);
        if (r->resp == 3) {
            reply_bulk_c(r, "key-popularity");
            reply_array(r, 2);
            reply_bulk_c(r, "key:123");
            reply_int(r, 90);
        }
        reply_bulk_c(r, "Some real reply following the attribute");
    } else if (call_is(c, 2, "push")) {
        if (r->resp < 3) return ERR_DEBUG_RESP2;
        reply_push(r, 2);
        reply_bulk_c(r, "server-cpu-usage");
        reply_int(r, 42);
        reply_bulk_c(r, "Some real reply following the push reply"); /* a push answers nothing */
    } else if (call_is(c, 2, "verbatim")) reply_verbatim(r, "txt", STR("This is a verbatim\nstring"));
    else if (call_is(c, 2, "bignum")) reply_big_number(r, STR("1234567999999999999999999999999999999"));
    else if (call_is(c, 2, "true")) reply_bool(r, true);
    else if (call_is(c, 2, "false")) reply_bool(r, false);
    else return ERR_DEBUG_PROTOCOL;
    return OK;
}

/* --- sizes ------------------------------------------------------------------------------------------ */

#define MAIN_TABLE "Hash table 0 stats (main hash table):\n"

static enum err the_key(struct call *c, const struct entry **e)
{
    *e = db_peek(c->db, call_arg(c, 2));
    return *e ? OK : ERR_NO_SUCH_KEY;
}

enum err debug_htstats(struct call *c)
{
    struct buf text = { 0 };
    size_t bytes = 0;
    const struct db *db;
    int64_t id;

    if (call_i64(c, 2, &id) != OK) return ERR_NOT_INT;
    if (id < 0 || id >= c->store->conf.databases) return ERR_DEBUG_DB;
    db = c->store->dbs[id];
    for (int i = 0; i < STORE_SHARDS; i++) bytes += db->shards[i].keys.bytes;
    buf_printf(&text, "[Dictionary HT]\n" MAIN_TABLE " number of elements: %zu\n bytes: %zu\n", db->n_keys, bytes);
    buf_printf(&text, "[Expires HT]\n" MAIN_TABLE " number of elements: %zu\n", db->n_expires);
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

enum err debug_htstats_key(struct call *c)
{
    const struct entry *e;
    enum err err = the_key(c, &e);

    if (err != OK) return err;
    if (entry_enc(e) != ENC_TABLE && entry_enc(e) != ENC_TREE) return ERR_DEBUG_TABLE;
    reply_verbatim(c->out, "txt", arena_printf(c->arena, MAIN_TABLE " bytes: %zu\n", db_value_bytes(e, 0)));
    return OK;
}

/* Redis writes the parts to its standard output; who asks looks at the reply alone. */
static enum err printed(struct call *c, const char *encoding, enum err otherwise, const char *text)
{
    const struct entry *e;
    enum err err = the_key(c, &e);

    if (err != OK) return err;
    if (strcmp(entry_encoding_name(c->store, e), encoding) != 0) return otherwise;
    reply_simple(c->out, text);
    return OK;
}

enum err debug_listpack(struct call *c)
{
    return printed(c, "listpack", ERR_DEBUG_LISTPACK, "Listpack structure printed on stdout");
}

enum err debug_quicklist(struct call *c)
{
    return printed(c, "quicklist", ERR_DEBUG_QUICKLIST, "Quicklist structure printed on stdout");
}

enum err debug_sdslen(struct call *c)
{
    const struct entry *e;
    enum err err = the_key(c, &e);
    size_t key, value;

    if (err != OK) return err;
    if (entry_type(e) != VALUE_STRING || entry_enc(e) == ENC_INT) return ERR_DEBUG_SDS;
    key = entry_key(e).n;
    value = string_length(e);
    reply_simple(c->out, arena_printf(c->arena,
                                      "key_sds_len:%zu, key_sds_avail:0, key_zmalloc: %zu, "
                                      "val_sds_len:%zu, val_sds_avail:0, val_zmalloc: %zu",
                                      key, key, value, db_value_bytes(e, 0)).p);
    return OK;
}

enum err debug_structsize(struct call *c)
{
    reply_bulk(c->out, arena_printf(c->arena, "bits:%d entry:%zu blob:%zu table:%zu shard:%zu ",
                                    (int)sizeof(void *) * 8, sizeof(struct entry), sizeof(struct blob),
                                    sizeof(struct table), sizeof(struct shard)));
    return OK;
}

enum err debug_between(struct call *c)
{
    const struct between *b = &c->client->server->between;

    reply_array(c->out, b->n);
    for (size_t i = 0; i < b->n; i++) {
        reply_array(c->out, 4);
        reply_bulk_c(c->out, b->kinds[i].name);
        reply_int(c->out, (int64_t)b->spent[i].turns);
        reply_int(c->out, (int64_t)b->spent[i].us);
        reply_int(c->out, b->spent[i].us_max);
    }
    return OK;
}
