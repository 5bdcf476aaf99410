/* json_edit.c -- see json_edit.h. Matches are taken in the order of the text, what holds others before these. */
#include "base/json_edit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

struct place {
    const char *p;
    size_t n, index;
    const char *member; /* where its name begins, or it does */
};

struct places {
    struct place *items;
    size_t n, at;
};

struct editor {
    struct places places;
    json_edit_fn *edit;
    void *ctx;
};

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    if (x->n != y->n) return x->n > y->n ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static struct places in_order(const struct json_matches *m)
{
    struct places l = { mem_alloc((m->n + 1) * sizeof *l.items), m->n, 0 };

    for (size_t i = 0; i < m->n; i++) {
        const struct json_match *it = &m->items[i];

        l.items[i] = (struct place){ it->value.p, it->value.n, i, it->name.n ? it->name.p : it->value.p };
    }
    qsort(l.items, l.n, sizeof *l.items, compare);
    return l;
}

static const struct place *next_before(const struct places *l, const char *end)
{
    return l->at < l->n && l->items[l->at].p < end ? &l->items[l->at] : NULL;
}

/* --- editing ------------------------------------------------------------------------------------------------ */

static void copy_edited(struct editor *e, const char *p, const char *end, struct buf *out);

/* As deep as documents are. */
static void edit_one(struct editor *e, const struct place *at, struct buf *out)
{
    struct buf old = { 0 }, new = { 0 };

    e->places.at++;
    if (next_before(&e->places, at->p + at->n) == NULL) {
        e->edit(e->ctx, at->index, str_of(at->p, at->n), out);
        return;
    }
    if (e->places.items[e->places.at].p == at->p && e->places.items[e->places.at].n == at->n) {
        edit_one(e, &e->places.items[e->places.at], &old); /* the same once more */
    } else {
        copy_edited(e, at->p, at->p + at->n, &old);
    }
    e->edit(e->ctx, at->index, buf_str(&old), &new);
    buf_add_str(out, buf_str(&new));
    buf_fini(&old);
    buf_fini(&new);
}

static void copy_edited(struct editor *e, const char *p, const char *end, struct buf *out)
{
    const struct place *at;

    while ((at = next_before(&e->places, end)) != NULL) {
        buf_add(out, p, (size_t)(at->p - p));
        p = at->p + at->n;
        edit_one(e, at, out);
    }
    buf_add(out, p, (size_t)(end - p));
}

void json_edit(struct str doc, const struct json_matches *m, json_edit_fn *edit, void *ctx, struct buf *out)
{
    struct editor e = { in_order(m), edit, ctx };

    buf_room(out, doc.n); /* about as long it will be */
    copy_edited(&e, doc.p, doc.p + doc.n, out);
    mem_free(e.places.items);
}

/* --- removing ----------------------------------------------------------------------------------------------- */

/* The comma before a member goes with it; of the first of its container the one behind. */
static const char *skip_member(const struct place *at, struct buf *out)
{
    const char *p = at->p + at->n;

    if (out->p[out->n - 1] == ',') out->n--;
    else if (*p == ',') p++;
    return p;
}

size_t json_remove(struct str doc, const struct json_matches *m, struct buf *out)
{
    struct places l = in_order(m);
    const char *p = doc.p, *end = doc.p + doc.n;
    size_t n = 0;

    for (const struct place *at; (at = next_before(&l, end)) != NULL; l.at++) {
        if (at->member < p) continue;
        buf_add(out, p, (size_t)(at->member - p));
        p = skip_member(at, out);
        n++;
    }
    buf_add(out, p, (size_t)(end - p));
    mem_free(l.items);
    return n;
}
