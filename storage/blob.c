/* blob.c -- see blob.h. */
#include "storage/blob.h"

#include "base/mem.h"
#include "storage/db.h"

struct blob *blob_new(size_t room)
{
    size_t all = mem_good_size(sizeof(struct blob) + room);
    struct blob *b = mem_alloc(all);

    b->n = 0;
    b->cap = all - sizeof *b;
    return b;
}

struct blob *blob_new_zeroed(size_t room)
{
    size_t all = mem_good_size(sizeof(struct blob) + room);
    struct blob *b = mem_zalloc(all);

    b->cap = all - sizeof *b;
    return b;
}

struct blob *blob_of(struct str val)
{
    struct blob *b = blob_new(val.n);

    memcpy(b->p, val.p, val.n);
    b->n = val.n;
    return b;
}

/* --- for the rows of types ----------------------------------------------------------------------- */

void blob_free_value(enum value_enc enc, void *ptr)
{
    (void)enc;
    mem_free(ptr);
}

/* One allocation, yet giving back many pages takes its time. */
size_t blob_free_effort(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return 1 + ((const struct blob *)ptr)->cap / (64 * 1024);
}

void *blob_dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    const struct blob *b = ptr;

    (void)s, (void)enc;
    return blob_of(str_of(b->p, b->n));
}

bool blob_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n)
{
    enum { AN_ELEMENT = 1024 };
    const struct blob *from = ptr;
    struct blob *b = *to;
    size_t left;

    (void)s, (void)at;
    if (b == NULL) *to = b = blob_new(from->n);
    left = from->n - b->n;
    n = n < left / AN_ELEMENT ? n * AN_ELEMENT : left;
    memcpy(b->p + b->n, from->p + b->n, n);
    b->n += n;
    return n < left;
}

size_t blob_value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    (void)enc, (void)samples;
    return sizeof(struct blob) + ((const struct blob *)ptr)->cap;
}

size_t blob_weight(enum value_enc enc, const void *ptr)
{
    return blob_value_bytes(enc, ptr, 0);
}
