#include "storage/value_copy.h"

#include "base/mem.h"
#include "storage/value_reader.h"
#include "storage/vset_copy.h"

enum { ELEMENTS = 64, VECTORS = 16 /* a step */ };

struct value_copy {
    struct value_reader reader;
    struct store *store;
    enum value_type type;
    enum value_enc enc;
    struct vset_copy *vset; /* NULL: of another type */
    void *to;
    struct dup_place at;
};

static void lose(struct value_reader *r)
{
    value_reader_end(r);
}

struct value_copy *value_copy_new(struct store *s, const struct entry *e)
{
    struct value_copy *c = mem_zalloc(sizeof *c);

    c->store = s;
    c->type = entry_type(e);
    c->enc = entry_enc(e);
    c->reader.finish = lose;
    if (c->type == VALUE_VSET) c->vset = vset_copy_new(s, entry_ptr(e));
    else value_reader_begin(s, entry_ptr(e), &c->reader);
    return c;
}

void value_copy_free(struct value_copy **of)
{
    struct value_copy *c = *of;

    *of = NULL;
    value_reader_end(&c->reader);
    if (c->vset != NULL) vset_copy_free(&c->vset);
    if (c->to != NULL) db_discard(c->store, c->type, c->enc, c->to, true);
    mem_free(c);
}

bool value_copy_step(struct value_copy *c)
{
    if (c->vset != NULL) return vset_copy_step(c->vset, VECTORS);
    return c->reader.object == NULL || !type_ops[c->type]->dup_some(c->store, c->reader.object, &c->to, &c->at, ELEMENTS);
}

const void *value_copy_of(const struct value_copy *c)
{
    return c->vset != NULL ? (const void *)vset_copy_of(c->vset) : c->reader.object;
}

void *value_copy_take(struct value_copy *c)
{
    void *to = c->to;

    if (c->vset != NULL) return vset_copy_take(c->vset);
    value_reader_end(&c->reader);
    c->to = NULL;
    return to;
}

size_t value_copy_bytes(const struct value_copy *c)
{
    return sizeof *c + (c->vset != NULL ? vset_copy_bytes(c->vset) : 0);
}
