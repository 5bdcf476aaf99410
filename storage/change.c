/* change.c -- telling what happened to a key. */
#include "storage/store.h"

static const struct {
    const char *name;
    char class;
} kinds[CHANGE_KINDS] = {
#define CHANGE_ROW(code, name, class) { name, class },
    CHANGE_TABLE(CHANGE_ROW)
#undef CHANGE_ROW
};

const char *change_name(enum change_kind k)
{
    return kinds[k].name;
}

char change_class(enum change_kind k)
{
    return kinds[k].class;
}

bool change_is_seen(const struct change *c)
{
    switch (c->kind) {
    case CHANGE_NEW: return entry_type(c->e) == VALUE_STREAM;
    case CHANGE_MISS: case CHANGE_XPENDING: case CHANGE_XSETID: case CHANGE_XGROUP_CREATE:
    case CHANGE_XGROUP_CREATECONSUMER: case CHANGE_XGROUP_DELCONSUMER: case CHANGE_XGROUP_DESTROY:
    case CHANGE_XGROUP_SETID: return false;
    default: return true;
    }
}

void store_subscribe(struct store *s, void (*fn)(void *ctx, const struct change *c), void *ctx)
{
    for (int i = 0; i < s->n_subscribers; i++)
        if (s->subscribers[i].fn == fn && s->subscribers[i].ctx == ctx) return;
    ensure(s->n_subscribers < (int)(sizeof s->subscribers / sizeof s->subscribers[0]));
    s->subscribers[s->n_subscribers++] = (struct subscriber){ fn, ctx };
}

/* What nobody asked for is no work to be saved or logged as some command's doing: whoever compares
 * stats.changes before and after a call must not take an expired key for the call's own change. */
static bool counts(enum change_kind k)
{
    return k != CHANGE_NEW && k != CHANGE_MISS && k != CHANGE_EXPIRED && k != CHANGE_EVICTED &&
           k != CHANGE_HEXPIRED;
}

void store_tell(struct store *s, const struct change *c)
{
    bool own = counts(c->kind);

    s->stats.dirty += own;
    s->stats.changes += own;
    for (int i = 0; i < s->n_subscribers; i++) s->subscribers[i].fn(s->subscribers[i].ctx, c);
}
