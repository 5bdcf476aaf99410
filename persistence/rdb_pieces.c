/* rdb_pieces.c -- see rdb_pieces.h. */
#include "persistence/rdb_pieces.h"

#include "persistence/rdb_format.h"
#include "persistence/rdb_stream.h"
#include "persistence/rdb_suggest.h"
#include "persistence/rdb_vset.h"
#include "persistence/rdb_write.h"
#include "storage/cut_piece.h"
#include "storage/hash.h"
#include "storage/list.h"
#include "storage/set.h"
#include "storage/zset.h"

/* Fields that are due count too, for they come as pieces: whoever loads them drops them. */
static uint64_t count_of(const struct store *s, const struct entry *e)
{
    struct store *st = (struct store *)(uintptr_t)s;
    struct hash h;
    struct set set;
    struct zset z;

    switch (entry_type(e)) {
    case VALUE_STRING:
    case VALUE_JSON: return ((const struct blob *)entry_ptr(e))->n;
    case VALUE_SUGGEST: return ((const struct suggestions *)entry_ptr(e))->count;
    case VALUE_LIST: return list_count(entry_ptr(e));
    case VALUE_SET: set = set_of(st, e); return set_count(&set);
    case VALUE_ZSET: z = zset_of(st, e); return zset_count(&z);
    case VALUE_HASH: h = hash_of(st, e); return hash_count(&h);
    default: return stream_info(entry_ptr(e)).blocks;
    }
}

void rdb_begin_pieces(struct rdb_out *o, const struct store *s, const struct entry *e, struct rdb_pieces *how)
{
    *how = (struct rdb_pieces){ .type = rdb_put_head(o, s, e) };
    if (how->type == RDB_HASH_FIELDS) {
        struct hash h = hash_of((struct store *)(uintptr_t)s, e);

        how->first_ttl = hash_due_at(&h);
        rdb_put_u64(o, (uint64_t)how->first_ttl);
    }
    how->of = entry_type(e);
    if (how->of == VALUE_SUGGEST) {
        rdb_put_suggest_head(o, count_of(s, e));
        return;
    }
    if (how->of == VALUE_VSET) {
        how->attrs = rdb_put_vset_head(o, entry_ptr(e));
        return;
    }
    if (how->of == VALUE_JSON) rdb_put_json_head(o);
    rdb_put_len(o, count_of(s, e));
}

void rdb_end_pieces(struct rdb_out *o, const struct rdb_pieces *how)
{
    if (how->of == VALUE_JSON || how->of == VALUE_VSET) rdb_put_module_end(o);
    if (how->of == VALUE_SUGGEST) rdb_put_suggest_end(o);
}

static void put_entry(struct rdb_out *o, const struct rdb_pieces *how, const struct entry *e)
{
    if (how->type == RDB_HASH_FIELDS) rdb_put_field_ttl(o, entry_expire_at(e), how->first_ttl);
    rdb_put_str(o, entry_key(e));
    if (how->type == RDB_HASH || how->type == RDB_HASH_FIELDS) rdb_put_str(o, hash_field_value(e));
    if (how->type == RDB_ZSET_2) rdb_put_double(o, zentry_score(e));
}

void rdb_put_piece(struct rdb_out *o, const struct rdb_pieces *how, const struct cut_piece *p)
{
    switch (p->kind) {
    case CUT_BYTES: buf_add_str(&o->bytes, p->bytes); break;
    case CUT_ELEMENT: rdb_put_str(o, p->bytes); break;
    case CUT_ENTRY: put_entry(o, how, p->e); break;
    case CUT_BLOCK: rdb_put_stream_block(o, p->id, p->bytes); break;
    case CUT_STREAM: rdb_put_stream_info(o, p->stream); break;
    case CUT_GROUP: rdb_put_stream_group(o, p->group); break;
    case CUT_DELIVERY: rdb_put_stream_delivery(o, p->id, p->ms, p->n); break;
    case CUT_CONSUMERS: rdb_put_len(o, p->n); break;
    case CUT_CONSUMER: rdb_put_stream_consumer(o, p->consumer); break;
    case CUT_PENDING: rdb_put_stream_id(o, p->id); break;
    case CUT_SUGGESTION: rdb_put_suggestion(o, p->suggestion); break;
    case CUT_VECTOR: rdb_put_vset_element(o, p->vset, p->e, how->attrs); break;
    }
}
