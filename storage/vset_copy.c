/* vset_copy.c -- see vset_copy.h.
 *
 * Elements are copied by id, with their links to those that are there already: each link comes with the second of its ends. What
 * happens to elements whose ids have been passed, and to links between two of them, is done in the copy as well, at once. So the copy
 * is always the set without those that come yet, their links among them: it searches nothing, whatever changes, and loses no link. */
#include "storage/vset_copy.h"

#include "base/mem.h"
#include "storage/db.h"

struct vset_copy {
    struct vset_watch watch;
    struct store *store;
    struct vset *to;      /* NULL: it was taken */
    uint32_t at;          /* ids below have been copied */
    uint32_t *ids;        /* of the copy, by id; VSET_NONE */
    uint32_t cap;
    struct vec_hit *links;
    bool failed;
};

/* --- what is copied follows ----------------------------------------------------------------------- */

static void before(struct vset_watch *w, uint32_t id, bool leaves)
{
    struct vset_copy *c = LINK_OF(w, struct vset_copy, watch);

    if (c->failed || id >= c->at || !leaves) return;
    vec_index_remove_bare(c->to->v, c->ids[id]);
    vset_remove(c->to, entry_key(vset_item(w->set, id)->name));
    c->ids[id] = VSET_NONE;
}

/* An element has come, or has another vector: what else it has comes afterwards. */
static void came(struct vset_copy *c, uint32_t id, unsigned level)
{
    struct str row = str_of(vset_row(c->watch.set, id), vset_row_bytes(c->watch.set));

    if (c->ids[id] == VSET_NONE) c->failed |= (c->ids[id] = vset_place(c->to, row, level)) == VSET_NONE;
    else c->failed |= !vec_index_put_bare(c->to->v, c->ids[id], row, level);
}

static void linked(struct vset_watch *w, const struct vec_event *e)
{
    struct vset_copy *c = LINK_OF(w, struct vset_copy, watch);
    struct vec_index *to = c->to->v;

    if (c->failed || e->a >= c->at || e->b >= c->at) return;
    switch (e->what) {
    case VEC_CAME: came(c, e->a, e->level); break;
    case VEC_GOES:
        if (c->ids[e->a] != VSET_NONE) vec_index_remove_bare(to, c->ids[e->a]);
        break;
    case VEC_LINKED: vec_index_link(to, c->ids[e->a], c->ids[e->b], e->level); break;
    case VEC_UNLINKED: vec_index_unlink(to, c->ids[e->a], c->ids[e->b], e->level); break;
    }
}

static void after(struct vset_watch *w, uint32_t id)
{
    struct vset_copy *c = LINK_OF(w, struct vset_copy, watch);
    const struct vset_item *it = vset_item(w->set, id);

    if (c->failed || id >= c->at) return;
    vset_tell(c->to, c->ids[id], entry_key(it->name), it->length, it->range, vset_attr(w->set, id));
}

/* --- copying -------------------------------------------------------------------------------------- */

struct vset_copy *vset_copy_new(struct store *st, const struct vset *s)
{
    struct vset_copy *c = mem_zalloc(sizeof *c);

    c->store = st;
    c->to = vset_new(st, s->quant, s->dim, s->m, s->input_dim);
    if (s->matrix != NULL) memcpy(c->to->matrix, s->matrix, (size_t)s->dim * s->input_dim * sizeof *s->matrix);
    c->links = mem_alloc(2 * s->m * sizeof *c->links);
    c->watch.changes = before;
    c->watch.changed = after;
    c->watch.linked = linked;
    vset_watch(st, s, &c->watch);
    return c;
}

void vset_copy_free(struct vset_copy **of)
{
    struct vset_copy *c = *of;

    *of = NULL;
    vset_unwatch(&c->watch);
    if (c->to != NULL) db_discard(c->store, VALUE_VSET, ENC_VSET, c->to, true);
    mem_free(c->ids);
    mem_free(c->links);
    mem_free(c);
}

static void copy_links(struct vset_copy *c, uint32_t id)
{
    const struct vset *s = c->watch.set;

    for (unsigned l = vec_index_level(s->v, id) + 1; l-- > 0;) {
        size_t n = vec_index_links(s->v, id, l, c->links, 2 * s->m);

        for (size_t i = 0; i < n; i++) {
            uint32_t to = c->links[i].id;

            if (to < c->at && c->ids[to] != VSET_NONE) vec_index_link(c->to->v, c->ids[id], c->ids[to], l);
        }
    }
}

static void copy_element(struct vset_copy *c, uint32_t id)
{
    const struct vset *s = c->watch.set;
    const struct vset_item *it = vset_item(s, id);

    if (id >= c->cap) {
        c->cap = s->cap_items;
        c->ids = mem_realloc(c->ids, c->cap * sizeof *c->ids);
    }
    c->ids[id] = VSET_NONE;
    if (it->name == NULL) return;
    c->ids[id] = vset_load(c->to, entry_key(it->name), str_of(vset_row(s, id), vset_row_bytes(s)), it->length, it->range,
                           vset_attr(s, id), vec_index_level(s->v, id));
    if (c->ids[id] == VSET_NONE) c->failed = true;
    else copy_links(c, id);
}

bool vset_copy_step(struct vset_copy *c, size_t n)
{
    const struct vset *s = c->watch.set;

    if (s == NULL || c->failed) return true;
    for (; n > 0 && c->at < s->n_items && !c->failed; n--) {
        copy_element(c, c->at);
        c->at++;
    }
    return c->at >= s->n_items || c->failed;
}

const struct vset *vset_copy_of(const struct vset_copy *c)
{
    return c->watch.set;
}

struct vset *vset_copy_take(struct vset_copy *c)
{
    struct vset *to = c->to;

    while (!vset_copy_step(c, SIZE_MAX)) { }
    vset_unwatch(&c->watch);
    if (c->failed) return NULL;
    c->to = NULL;
    return to;
}

size_t vset_copy_bytes(const struct vset_copy *c)
{
    return sizeof *c + c->cap * sizeof *c->ids;
}

struct vset *vset_dup(struct store *st, const struct vset *s)
{
    struct vset_copy *c = vset_copy_new(st, s);
    struct vset *to;

    to = vset_copy_take(c);
    ensure(to != NULL);
    vset_copy_free(&c);
    return to;
}
