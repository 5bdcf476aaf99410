/* json_merge.c -- see json_merge.h. As deep as documents are; the members of each object of the patch are sorted, so that
 * large ones meet in O(N log N). */
#include "base/json_merge.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

struct member {
    struct str name, value;
    size_t index;
    bool used;
};

struct members {
    struct member *items;
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static int by_index(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

static struct members members_of(struct str object)
{
    struct members m = { 0 };
    struct json_walk w;
    struct str name, value;
    size_t cap = 0;

    json_open(&w, object);
    while (json_next(&w, &name, &value)) {
        if (m.n == cap) {
            cap = cap ? cap * 2 : 8;
            m.items = mem_realloc(m.items, cap * sizeof *m.items);
        }
        m.items[m.n] = (struct member){ name, value, m.n, false };
        m.n++;
    }
    if (m.n > 1) qsort(m.items, m.n, sizeof *m.items, by_name);
    return m;
}

static struct member *find(const struct members *m, struct str name)
{
    struct member wanted = { .name = name };

    return m->n == 0 ? NULL : bsearch(&wanted, m->items, m->n, sizeof wanted, by_name);
}

static void add_name(struct buf *out, struct str name, bool *first)
{
    if (!*first) buf_add_char(out, ',');
    *first = false;
    buf_add_str(out, name);
    buf_add_char(out, ':');
}

void json_merge(struct str target, struct str patch, struct buf *out)
{
    struct members m;
    struct json_walk w;
    struct str name, value;
    bool first = true;

    if (patch.p[0] != '{') {
        buf_add_str(out, patch);
        return;
    }
    m = members_of(patch);
    buf_add_char(out, '{');
    if (target.n > 0 && target.p[0] == '{' && json_open(&w, target)) {
        while (json_next(&w, &name, &value)) {
            struct member *p = find(&m, name);

            if (p) p->used = true;
            if (p && p->value.p[0] == 'n') continue;
            add_name(out, name, &first);
            if (p) json_merge(value, p->value, out);
            else buf_add_str(out, value);
        }
    }
    if (m.n > 1) qsort(m.items, m.n, sizeof *m.items, by_index);
    for (size_t i = 0; i < m.n; i++) {
        if (m.items[i].used || m.items[i].value.p[0] == 'n') continue;
        add_name(out, m.items[i].name, &first);
        json_merge(str_of(NULL, 0), m.items[i].value, out);
    }
    buf_add_char(out, '}');
    mem_free(m.items);
}
