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

static bool is_read(const struct value_reader *r, const struct entry *e)
{
    if (r->reads != NULL) return r->reads(r, e);
    return entry_points(e) && entry_ptr(e) == r->object;
}

static void finish_if(const struct store *s, bool (*concerns)(const struct value_reader *r, const struct entry *e), const struct entry *e)
{
    struct link *l = s->readers.next;

    while (l != &s->readers) {
        struct value_reader *r = LINK_OF(l, struct value_reader, in_store);

        l = l->next;
        if (!concerns(r, e)) continue;
        finish(r);
        l = s->readers.next; /* others may have ended with it */
    }
}

void value_readers_finish_slow(const struct store *s, const struct entry *e)
{
    finish_if(s, is_read, e);
}

static bool looks_up(const struct value_reader *r, const struct entry *e)
{
    return r->reads != NULL && r->reads(r, e);
}

void value_readers_finish_swap(const struct store *s)
{
    finish_if(s, looks_up, NULL);
}

static bool is_of_moment(const struct value_reader *r, const struct entry *e)
{
    (void)e;
    return r->of_moment;
}

void value_readers_finish_moment(const struct store *s)
{
    finish_if(s, is_of_moment, NULL);
}

void value_readers_finish_all(const struct store *s)
{
    while (!link_alone(&s->readers)) finish(LINK_OF(s->readers.next, struct value_reader, in_store));
}
