/* digest.c -- see digest.h. Elements are hashed under fixed keys; what has no order is combined by
 * addition, so that an element that is there twice does not cancel itself. */
#include "storage/digest.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/num.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/stream.h"
#include "storage/type_json.h"
#include "storage/type_suggest.h"
#include "storage/type_string.h"
#include "storage/vset.h"
#include "storage/zset.h"

static void mix(struct digest *d, struct str bytes)
{
    for (int i = 0; i < 3; i++) {
        struct hash_key k = { 0x6d656d64 + (uint64_t)i, d->part[i] };
        d->part[i] = hash_bytes(&k, bytes);
    }
}

static void mix_digest(struct digest *d, const struct digest *other)
{
    mix(d, str_of(other->part, sizeof other->part));
}

static void add(struct digest *d, const struct digest *other)
{
    for (int i = 0; i < 3; i++) d->part[i] += other->part[i];
}

static void digest_list(const struct entry *e, struct digest *d)
{
    struct buf scratch = { 0 };
    struct list_iter it;

    list_iter_at(&it, entry_ptr(e), 0, LIST_RIGHT);
    while (list_next(&it)) mix(d, list_iter_get(&it, &scratch));
    buf_fini(&scratch);
}

static void digest_set(const struct store *s, const struct entry *e, struct digest *d)
{
    struct set set = set_of((struct store *)(uintptr_t)s, e);
    struct digest sum = { { 0 } };
    char scratch[NUM_TEXT_MAX];
    struct set_iter it;

    set_iter_start(&it, &set);
    while (set_next(&it)) {
        struct digest one = { { 0 } };
        mix(&one, set_text(&it.item, scratch));
        add(&sum, &one);
    }
    mix_digest(d, &sum);
}

/* Minus zero is zero: the small form knows but one. */
static void digest_zset(const struct store *s, const struct entry *e, struct digest *d)
{
    struct zset z = zset_of((struct store *)(uintptr_t)s, e);
    struct zset_iter it;

    zset_iter_at(&it, &z, 0, false);
    while (zset_next(&it)) {
        double score = it.score == 0 ? 0 : it.score;
        mix(d, it.member);
        mix(d, str_of(&score, sizeof score));
    }
}

static void digest_hash(const struct store *s, const struct entry *e, struct digest *d)
{
    struct hash hash = hash_of((struct store *)(uintptr_t)s, e);
    struct digest sum = { { 0 } };
    struct hash_iter it;

    hash_iter_start(&it, &hash);
    while (hash_next(&it)) {
        struct digest one = { { 0 } };
        mix(&one, it.field);
        mix(&one, it.value);
        if (it.ttl != HASH_NO_TTL) mix(&one, str_of(&it.ttl, sizeof it.ttl));
        add(&sum, &one);
    }
    mix_digest(d, &sum);
}

static void mix_id(struct digest *d, struct stream_id id)
{
    mix(d, str_of(&id, sizeof id));
}

static void digest_group(const struct stream_group_info *info, const struct stream_group *g, struct digest *d)
{
    struct stream_pending_iter it;

    mix(d, info->name);
    mix_id(d, info->last);
    mix(d, str_of(&info->entries_read, sizeof info->entries_read));
    for (size_t i = 0; i < info->consumers; i++) mix(d, stream_consumer_info(stream_consumer_at(g, i)).name);
    stream_pending_start(&it, g, NULL, STREAM_ID_MIN, STREAM_ID_MAX);
    while (stream_pending_next(&it)) {
        mix_id(d, it.now.id);
        mix(d, it.now.consumer);
        mix(d, str_of(&it.now.delivered_ms, sizeof it.now.delivered_ms));
        mix(d, str_of(&it.now.deliveries, sizeof it.now.deliveries));
    }
}

/* Links are no part of what it holds. */
static void digest_vset(const struct vset *s, struct digest *d)
{
    uint32_t kind[] = { s->quant, s->dim, s->m, s->input_dim };
    struct digest sum = { { 0 } };

    mix(d, str_of(kind, sizeof kind));
    for (uint32_t id = 0; id < s->n_items; id++) {
        const struct vset_item *it = vset_item(s, id);
        struct digest one = { { 0 } };

        if (it->name == NULL) continue;
        mix(&one, entry_key(it->name));
        mix(&one, str_of(vset_row(s, id), vset_row_bytes(s)));
        mix(&one, str_of(&it->length, sizeof it->length));
        mix(&one, str_of(&it->range, sizeof it->range));
        mix(&one, vset_attr(s, id));
        add(&sum, &one);
    }
    mix_digest(d, &sum);
}

/* All but when consumers were seen, which is no change. */
static void digest_stream(const struct stream *s, struct digest *d)
{
    struct stream_info info = stream_info(s);
    struct stream_iter it;
    struct str field, value;

    mix_id(d, info.last);
    mix_id(d, info.max_deleted);
    mix(d, str_of(&info.added, sizeof info.added));
    stream_iter_start(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    while (stream_next(&it)) {
        mix_id(d, it.id);
        while (stream_field(&it, &field, &value)) {
            mix(d, field);
            mix(d, value);
        }
    }
    for (size_t i = 0; i < info.groups; i++) {
        const struct stream_group *g = stream_group_at(s, i);
        struct stream_group_info of = stream_group_info(s, g);

        digest_group(&of, g, d);
    }
}

static void digest_suggestions(const struct suggestions *all, struct digest *d)
{
    const struct suggestion *g;
    size_t i = 0, k = 0;

    while ((g = suggestions_next(all, &i, &k)) != NULL) {
        mix(d, suggestion_text(g));
        mix(d, str_of(&g->score, sizeof g->score));
        mix(d, suggestion_payload(g));
    }
}

void digest_value(const struct store *s, const struct entry *e, struct digest *out)
{
    char scratch[NUM_TEXT_MAX];
    char type = (char)entry_type(e);

    *out = (struct digest){ { 0 } };
    mix(out, str_of(&type, 1));
    switch (entry_type(e)) {
    case VALUE_STRING: mix(out, string_bytes(e, scratch)); break;
    case VALUE_LIST: digest_list(e, out); break;
    case VALUE_SET: digest_set(s, e, out); break;
    case VALUE_ZSET: digest_zset(s, e, out); break;
    case VALUE_HASH: digest_hash(s, e, out); break;
    case VALUE_STREAM: digest_stream(entry_ptr(e), out); break;
    case VALUE_JSON: mix(out, json_text(e)); break;
    case VALUE_SUGGEST: digest_suggestions(entry_ptr(e), out); break;
    case VALUE_VSET: digest_vset(entry_ptr(e), out); break;
    default: ensure(!"a type without a digest");
    }
    if (entry_expires(e)) {
        int64_t at = entry_expire_at(e);
        mix(out, str_of(&at, sizeof at));
    }
}

static void digest_db(const struct store *s, const struct db *db, struct digest *out)
{
    for (int i = 0; i < STORE_SHARDS; i++) {
        struct table_iter it = { 0 };
        struct entry *e;
        while ((e = table_next(&db->shards[i].keys, &it)) != NULL) {
            struct digest one, value;
            if (!s->loading && entry_expires(e) && entry_expire_at(e) <= s->now_ms) continue;
            digest_value(s, e, &value);
            one = (struct digest){ { 0 } };
            mix(&one, str_of(&db->id, sizeof db->id));
            mix(&one, entry_key(e));
            mix_digest(&one, &value);
            add(out, &one);
        }
    }
}

void digest_store(const struct store *s, struct digest *out)
{
    *out = (struct digest){ { 0 } };
    for (int i = 0; i < s->conf.databases; i++) {
        if (s->dbs[i]) digest_db(s, s->dbs[i], out);
    }
}

void digest_text(const struct digest *d, char out[DIGEST_TEXT])
{
    snprintf(out, DIGEST_TEXT, "%016llx%016llx%08x", (unsigned long long)d->part[0],
             (unsigned long long)d->part[1], (unsigned)d->part[2]);
}
