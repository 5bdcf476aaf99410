/* value_reader.h -- who reads a large value for longer than a call.
 *
 * He reads it as it was when he began: before it changes, is freed or taken out of its database he is asked to finish, and reads the
 * rest at once. So nothing is copied and no writer waits; and who reads what is written to meanwhile saves no time, but others'. */
#ifndef MEMD_STORAGE_VALUE_READER_H
#define MEMD_STORAGE_VALUE_READER_H

#include "storage/entry.h"
#include "storage/store.h"

struct value_reader {
    const void *object;   /* what the entry points to; NULL: he does not read */
    struct link in_store; /* store->readers */
    /* Read the rest, and end. Within anybody's call: the store may be looked at no further than the value, and nobody answered. */
    void (*finish)(struct value_reader *r);
};

/* r, of which finish is set. The entry that points to object has been read just now. */
void value_reader_begin(struct store *s, const void *object, struct value_reader *r);

/* He reads no more; may be said twice. */
void value_reader_end(struct value_reader *r);

/* e's value is about to change, or to go. */
void value_readers_finish_slow(const struct store *s, const struct entry *e);
static inline void value_readers_finish(const struct store *s, const struct entry *e)
{
    if (UNLIKELY(!link_alone(&s->readers))) value_readers_finish_slow(s, e);
}

/* All values are about to go. */
void value_readers_finish_all(const struct store *s);

#endif
