/* type_ops.c -- the table of types: one row each. */
#include "storage/db.h"
#include "storage/type_hash.h"
#include "storage/type_json.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_suggest.h"
#include "storage/type_vset.h"
#include "storage/type_zset.h"

const struct type_ops *const type_ops[VALUE_TYPES] = {
    [VALUE_STRING] = &string_type_ops,
    [VALUE_LIST] = &list_type_ops,
    [VALUE_SET] = &set_type_ops,
    [VALUE_ZSET] = &zset_type_ops,
    [VALUE_HASH] = &hash_type_ops,
    [VALUE_STREAM] = &stream_type_ops,
    [VALUE_JSON] = &json_type_ops,
    [VALUE_SUGGEST] = &suggest_type_ops,
    [VALUE_VSET] = &vset_type_ops,
};
