/* type_ops.c -- the table of types: one row each. */
#include "storage/db.h"
#include "storage/type_list.h"
#include "storage/type_string.h"

const struct type_ops *const type_ops[VALUE_TYPES] = {
    [VALUE_STRING] = &string_type_ops,
    [VALUE_LIST] = &list_type_ops,
};
