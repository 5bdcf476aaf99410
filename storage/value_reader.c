/* value_reader.c -- see value_reader.h. They are few: one for each client that waits for a large value. */
#include "storage/value_reader.h"

void value_reader_begin(struct store *s, const void *object, struct value_reader *r)
{
    r->object = object;
    link_init(&r->in_store);
    link_add_tail(&s->readers, &r->in_store);
}

void value_reader_end(struct value_reader *r)
{
    if (r->object != NULL) link_remove(&r->in_store);
    r->object = NULL;
}

static void finish(struct value_reader *r)
{
    r->finish(r);
    ensure(r->object == NULL);
}

void value_readers_finish_slow(const struct store *s, const struct entry *e)
{
    const void *object = entry_points(e) ? entry_ptr(e) : NULL;
    struct link *next;

    if (object == NULL) return;
    for (struct link *l = s->readers.next; l != &s->readers; l = next) {
        struct value_reader *r = LINK_OF(l, struct value_reader, in_store);

        next = l->next;
        if (r->object == object) finish(r);
    }
}

void value_readers_finish_all(const struct store *s)
{
    while (!link_alone(&s->readers)) finish(LINK_OF(s->readers.next, struct value_reader, in_store));
}
