/* value_reader.h -- who reads a large value for longer than a call.
 *
 * He reads it as it was when he began: before it changes, is freed or taken out of its database he is asked to finish, and reads the
 * rest at once. So nothing is copied and no writer waits; and who reads what is written to meanwhile saves no time, but others'. */
#ifndef MEMD_STORAGE_VALUE_READER_H
#define MEMD_STORAGE_VALUE_READER_H

#include "storage/entry.h"
#include "storage/store.h"

/* Is the value in a form that may be large? */
static inline bool value_is_large(const struct entry *e)
{
    enum value_enc enc = entry_enc(e);

    return entry_points(e) && enc != ENC_LISTPACK && enc != ENC_LISTPACK_EX && enc != ENC_INTSET;
}

struct value_reader {
    const void *object;   /* what the entry points to; NULL: he does not read */
    /* Who reads several: is e, which is about to change, to come or to go, among them? e NULL: databases are about to change places; does he
     * look up keys yet? Else NULL, and object says it. */
    bool (*reads)(const struct value_reader *r, const struct entry *e);
    bool of_moment;       /* what he makes hangs on which fields were due when he began, and the log will have it made anew */
    struct link in_store; /* store->readers */
    /* Read the rest, and end. Within anybody's call: the store may be looked at no further than the value, and nobody answered. */
    void (*finish)(struct value_reader *r);
};

/* r, of which finish is set. The entry that points to object has been read just now. */
void value_reader_begin(struct store *s, const void *object, struct value_reader *r);

/* He reads no more; may be said twice. */
void value_reader_end(struct value_reader *r);

/* e is about to come, or to go, or its value to change. */
void value_readers_finish_slow(const struct store *s, const struct entry *e);
static inline void value_readers_finish(const struct store *s, const struct entry *e)
{
    if (UNLIKELY(!link_alone(&s->readers))) value_readers_finish_slow(s, e);
}

/* Databases are about to change places: values stay what they are, but not under their keys. */
void value_readers_finish_swap(const struct store *s);

/* The log is about to begin anew with a snapshot, which lacks the fields that are due now: whoever is of_moment finishes. */
void value_readers_finish_moment(const struct store *s);

/* All values are about to go. */
void value_readers_finish_all(const struct store *s);

#endif
