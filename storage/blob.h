/* blob.h -- bytes kept outside their entry, which only grows: strings and documents. */
#ifndef MEMD_STORAGE_BLOB_H
#define MEMD_STORAGE_BLOB_H

#include "storage/entry.h"

/* An empty one with room for at least so many bytes, and one that holds val. */
struct blob *blob_new(size_t room);
struct blob *blob_new_zeroed(size_t room); /* what is large costs nothing: its pages come when they are touched */
struct blob *blob_of(struct str val);

static inline struct str blob_str(const struct blob *b)
{
    return str_of(b->p, b->n);
}

/* What a type_ops needs of them (db.h). */
struct store;
void blob_free_value(enum value_enc enc, void *ptr);
size_t blob_free_effort(enum value_enc enc, const void *ptr);
struct dup_place;
void *blob_dup_value(struct store *s, enum value_enc enc, const void *ptr);
bool blob_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n);
size_t blob_value_bytes(enum value_enc enc, const void *ptr, size_t samples);
size_t blob_weight(enum value_enc enc, const void *ptr);

#endif
