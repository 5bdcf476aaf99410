/* cut_table.c -- a large hash or set in pieces: its own table does the work, as those of the databases do
 * (table_cut.c). Their order means nothing, so a pre-image is a piece like any other. */
#include "storage/cut_impl.h"
#include "storage/hash.h"

static struct table *table_in(enum value_type type, void *object)
{
    return type == VALUE_HASH ? &((struct hash_large *)object)->table : object;
}

/* A guess, by a few entries. */
static size_t bytes_of(const struct table *t)
{
    enum { SAMPLES = 8 };
    struct table_iter it = { 0 };
    size_t bytes = 0, n = 0;
    const struct entry *e;

    while (n < SAMPLES && (e = table_next(t, &it)) != NULL) {
        const struct blob *b = entry_enc(e) == ENC_BLOB ? entry_ptr(e) : NULL;

        bytes += entry_bytes(e) + (b != NULL ? b->n : 0);
        n++;
    }
    return n > 0 ? bytes / n * t->count : 0;
}

bool cut_table_is_large(const struct store_cut *c, const struct table *t)
{
    return t->count > c->large_elements || bytes_of(t) > c->large_bytes;
}

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    return entry_enc(e) == ENC_TABLE && cut_table_is_large(c, table_in(entry_type(e), entry_ptr(e)));
}

static void tell_entry(void *ctx, struct entry *e)
{
    cut_tell(ctx, &(struct cut_piece){ .kind = CUT_ENTRY, .e = e });
}

static void begin(struct cut_value *v)
{
    v->table = (struct table_cut){ .epoch = v->cut->epoch, .dump = tell_entry, .ctx = v };
    table_cut_begin(table_in(v->type, v->object), &v->table);
}

static bool step(struct cut_value *v)
{
    return table_cut_step(table_in(v->type, v->object));
}

static void end(struct cut_value *v)
{
    table_cut_end(table_in(v->type, v->object));
}

const struct cut_kind cut_table = { is_large, begin, step, end };
