/* archive_value.c -- payloads decoded on the archive's threads. See archive_value.h.
 *
 * Decoding makes an entry as RESTORE does; it touches nothing but the scratch store, which is one thread's. The
 * entry is kept in the first table of that store by its hash alone, past everything that a key of a database sets
 * going (eviction, the clocks of keys and fields): there is one at a time, and store_free finds it there. */
#include "persistence/archive_value.h"

#include "base/mem.h"
#include "base/rng.h"
#include "persistence/persist.h"
#include "protocol/reply.h"
#include "storage/db.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/stream.h"
#include "storage/suggest.h"
#include "storage/type_json.h"
#include "storage/type_string.h"
#include "storage/vset.h"
#include "storage/zset.h"

enum { PLACE = 0 }; /* the hash under which the one entry lies */

struct store *archive_values_new(const struct store_conf *conf)
{
    struct store_conf own = *conf;
    struct hash_key key;

    own.databases = 1;
    own.maxmemory = 0;
    own.policy = EVICT_NONE;
    rng_secret(&key, sizeof key);
    return store_new(&own, &key, 1);
}

static struct table *table_of(struct store *values)
{
    return &values->dbs[0]->shards[0].keys;
}

static void drop(struct store *values)
{
    struct table_ref ref = table_find(table_of(values), PLACE, STR(""));
    struct entry *e;

    if (ref.e == NULL) return;
    e = table_remove(table_of(values), &ref);
    db_free_value(e);
    entry_free(e);
}

enum err archive_value_decode(struct store *values, struct str payload, const struct entry **e)
{
    struct entry *made;

    drop(values);
    if (!mem_can(payload.n)) return ERR_OOM;
    if (persist_restore(values, STR(""), payload, -1, &made) != OK) return ERR_FORMAT;
    table_insert(table_of(values), PLACE, made);
    *e = made;
    return OK;
}

const char *archive_value_type(const struct entry *e)
{
    switch (entry_type(e)) {
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "list";
    case VALUE_SET: return "set";
    case VALUE_ZSET: return "zset";
    case VALUE_HASH: return "hash";
    case VALUE_STREAM: return "stream";
    case VALUE_JSON: return "json";
    case VALUE_SUGGEST: return "suggestions";
    case VALUE_VSET: return "vectorset";
    default: return "none";
    }
}

/* --- replies ---------------------------------------------------------------------------------------------- */

static void add_span(void *ctx, const char *p, size_t n)
{
    reply_raw(ctx, p, n);
}

static void reply_list(const struct entry *e, struct reply *out)
{
    const struct list *l = entry_ptr(e);

    reply_array(out, list_count(l));
    list_spans(l, 0, list_count(l) - 1, add_span, out);
}

static void reply_members(struct store *values, const struct entry *e, struct reply *out)
{
    struct set set = set_of(values, e);
    struct set_iter it;
    char scratch[NUM_TEXT_MAX];

    reply_set(out, set_count(&set));
    set_iter_start(&it, &set);
    while (set_next(&it)) reply_bulk(out, set_text(&it.item, scratch));
}

/* Of a vector set, its elements' names. */
static void reply_elements(const struct vset *s, struct reply *out)
{
    reply_set(out, vset_count(s));
    for (size_t i = 0; i < vset_count(s); i++) reply_bulk(out, vset_name_at(s, i));
}

static void reply_fields(struct store *values, const struct entry *e, struct reply *out)
{
    struct hash h = hash_of(values, e);
    struct hash_iter it;

    reply_map(out, hash_size(&h));
    hash_iter_start(&it, &h);
    while (hash_next(&it)) {
        reply_bulk(out, it.field);
        reply_bulk(out, it.value);
    }
}

/* RESP2 has members and scores in turn, RESP3 pairs. */
static void reply_scored(struct store *values, const struct entry *e, struct reply *out)
{
    struct zset z = zset_of(values, e);
    size_t n = zset_count(&z);
    struct zset_iter it;

    reply_array(out, out->resp == 2 ? 2 * n : n);
    zset_iter_at(&it, &z, 0, false);
    while (zset_next(&it)) {
        if (out->resp > 2) reply_array(out, 2);
        reply_bulk(out, it.member);
        reply_double(out, it.score);
    }
}

static void reply_stream(const struct entry *e, struct reply *out)
{
    const struct stream *s = entry_ptr(e);
    char id[STREAM_ID_TEXT_MAX];
    struct stream_iter it;
    struct str field, value;

    reply_array(out, stream_info(s).length);
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    while (stream_next(&it)) {
        reply_array(out, 2);
        reply_bulk(out, stream_id_text(it.id, id));
        reply_array(out, 2 * it.n_fields);
        while (stream_field(&it, &field, &value)) {
            reply_bulk(out, field);
            reply_bulk(out, value);
        }
    }
}

/* As a sorted set: each with its score. */
static void reply_suggestions(const struct suggestions *d, struct reply *out)
{
    const struct suggestion *g;
    size_t i = 0, k = 0;

    reply_array(out, out->resp == 2 ? 2 * d->count : d->count);
    while ((g = suggestions_next(d, &i, &k)) != NULL) {
        if (out->resp > 2) reply_array(out, 2);
        reply_bulk(out, suggestion_text(g));
        reply_double(out, (double)g->score);
    }
}

void archive_value_reply(struct store *values, const struct entry *e, struct reply *out)
{
    char scratch[NUM_TEXT_MAX];

    switch (entry_type(e)) {
    case VALUE_LIST: reply_list(e, out); break;
    case VALUE_SET: reply_members(values, e, out); break;
    case VALUE_ZSET: reply_scored(values, e, out); break;
    case VALUE_HASH: reply_fields(values, e, out); break;
    case VALUE_STREAM: reply_stream(e, out); break;
    case VALUE_JSON: reply_bulk(out, json_text(e)); break;
    case VALUE_SUGGEST: reply_suggestions(entry_ptr(e), out); break;
    case VALUE_VSET: reply_elements(entry_ptr(e), out); break;
    default: reply_bulk(out, string_bytes(e, scratch));
    }
}
