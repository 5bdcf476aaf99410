/* matching.c -- see matching.h. */
#include "storage/matching.h"

#include "base/glob.h"
#include "storage/key_order.h"

struct stepping {
    struct matching *m;
    size_t left;         /* keys before the next look */
    void (*fn)(void *ctx, struct str key);
    void *ctx;
};

void matching_init(struct matching *m, struct db *db, struct str pattern)
{
    *m = (struct matching){ .pattern = pattern, .all = str_eq(pattern, STR("*")) };
    m->ordered = key_order_has(db, glob_prefix(pattern));
}

void matching_fini(struct matching *m)
{
    buf_fini(&m->last);
}

static void meet(void *ctx, const struct entry *e)
{
    struct stepping *s = ctx;

    if (s->m->all || glob_match(s->m->pattern, entry_key(e), false)) s->fn(s->ctx, entry_key(e));
}

static bool meet_next(void *ctx, const struct entry *e)
{
    struct stepping *s = ctx;

    meet(ctx, e);
    if (--s->left > 0) return true;
    buf_clear(&s->m->last);
    buf_add_str(&s->m->last, entry_key(e));
    return false;
}

bool matching_step(struct matching *m, struct db *db, size_t n, void (*fn)(void *ctx, struct str key), void *ctx)
{
    struct stepping s = { m, n, fn, ctx };
    struct str prefix = glob_prefix(m->pattern);

    if (m->ordered && !key_order_has(db, prefix)) {
        m->ordered = false;
        m->anew = true;
        return false;
    }
    if (m->ordered) {
        key_order_each(db, prefix, buf_str(&m->last), meet_next, &s);
        return s.left > 0;
    }
    m->cursor = db_scan(db, m->cursor, n, meet, &s);
    return m->cursor == 0;
}
