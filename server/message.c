/* message.c -- see message.h. */
#include "server/message.h"

#include <stdatomic.h>

#include "base/mem.h"

struct message {
    atomic_uint refs;
    struct buf bytes;
};

struct message *message_take(struct buf *b)
{
    struct message *m = mem_alloc(sizeof *m);

    atomic_init(&m->refs, 1);
    m->bytes = *b;
    *b = (struct buf){ .may_fail = b->may_fail };
    return m;
}

struct message *message_hold(struct message *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void message_drop(struct message **m)
{
    if (atomic_fetch_sub_explicit(&(*m)->refs, 1, memory_order_acq_rel) == 1) {
        buf_fini(&(*m)->bytes);
        mem_free(*m);
    }
    *m = NULL;
}

struct str message_bytes(const struct message *m)
{
    return buf_str(&m->bytes);
}
