#include "storage/name_order.h"

#include "base/ensure.h"
#include "base/mem.h"

enum {
    LEAF_BYTES = 1024,                          /* a leaf is split above */
    LEAF_ROOM = NAME_ORDER_NAME_MAX + 8,        /* what one name takes at most */
    LEAF_STEP = 128,
    CHUNK_LEAVES = 256,
    LONG = 255                                  /* a number from here on takes two more bytes */
};

struct name_leaf {
    uint16_t used, cap, n;
    char p[];
};

struct name_chunk {
    uint32_t n;
    struct name_leaf *leaf[CHUNK_LEAVES];
};

/* --- names in a leaf ------------------------------------------------------------------------------------------------- */

struct coded {
    size_t shared, len;  /* bytes of the one before; bytes of its own */
    size_t at, rest;     /* where it begins; where its own bytes do */
};

static size_t read_number(const char *p, size_t *at)
{
    size_t v = (unsigned char)p[(*at)++];

    if (v < LONG) return v;
    v = (size_t)(unsigned char)p[*at] << 8 | (unsigned char)p[*at + 1];
    *at += 2;
    return v;
}

static size_t write_number(char *p, size_t v)
{
    if (v < LONG) {
        p[0] = (char)v;
        return 1;
    }
    p[0] = (char)LONG;
    p[1] = (char)(v >> 8);
    p[2] = (char)v;
    return 3;
}

static struct coded read_coded(const struct name_leaf *l, size_t at)
{
    struct coded c = { .at = at };

    c.shared = read_number(l->p, &at);
    c.len = read_number(l->p, &at);
    c.rest = at;
    return c;
}

static size_t end_of(const struct coded *c)
{
    return c->rest + c->len;
}

static struct str first_of(const struct name_leaf *l)
{
    struct coded c = read_coded(l, 0);

    return str_of(l->p + c.rest, c.len);
}

static size_t common(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0;

    while (i < n && a.p[i] == b.p[i]) i++;
    return i;
}

/* Where name is or belongs in a leaf. */
struct spot {
    size_t at;      /* the first name that is not less begins here; used: there is none */
    size_t before;  /* what name shares with the one in front of that */
    size_t behind;  /* and with the one there */
    bool found;
};

static struct spot find_in(const struct name_leaf *l, struct str name)
{
    struct spot s = { 0 };

    while (s.at < l->used) {
        struct coded c = read_coded(l, s.at);
        struct str own = str_of(l->p + c.rest, c.len), rest = str_of(name.p + s.before, name.n - s.before);
        size_t n;

        if (c.shared < s.before) {
            s.behind = c.shared;
            return s;
        }
        if (c.shared == s.before) {
            n = common(own, rest);
            if (n == rest.n || (n < own.n && (unsigned char)own.p[n] > (unsigned char)rest.p[n])) {
                s.behind = s.before + n;
                s.found = n == rest.n && n == own.n;
                return s;
            }
            s.before += n;
        }
        s.at = end_of(&c);
    }
    return s;
}

/* Replace `gone` bytes at `at` by n bytes of p. The leaf may move. */
static void splice(struct name_order *o, struct name_leaf **at_leaf, size_t at, size_t gone, const char *p, size_t n)
{
    struct name_leaf *l = *at_leaf;
    size_t used = l->used - gone + n, cap = (used + LEAF_STEP - 1) / LEAF_STEP * LEAF_STEP;

    if (cap > l->cap) {
        l = mem_realloc(l, sizeof *l + cap);
        o->bytes += cap - l->cap;
        l->cap = (uint16_t)cap;
        *at_leaf = l;
    }
    memmove(l->p + at + n, l->p + at + gone, l->used - at - gone);
    memcpy(l->p + at, p, n);
    l->used = (uint16_t)used;
}

static size_t write_coded(char *out, size_t shared, struct str own)
{
    size_t n = write_number(out, shared);

    n += write_number(out + n, own.n);
    memcpy(out + n, own.p, own.n);
    return n + own.n;
}

/* The name is put in front of the one at s, which then shares more: what it shares with the new one. */
static void insert_at(struct name_order *o, struct name_leaf **l, const struct spot *s, struct str name)
{
    char out[2 * LEAF_ROOM];
    size_t n = write_coded(out, s->before, str_of(name.p + s->before, name.n - s->before)), gone = 0;

    if (s->at < (*l)->used) {
        struct coded next = read_coded(*l, s->at);
        size_t more = s->behind - next.shared;

        n += write_coded(out + n, s->behind, str_of((*l)->p + next.rest + more, next.len - more));
        gone = end_of(&next) - next.at;
    }
    splice(o, l, s->at, gone, out, n);
    (*l)->n++;
}

/* The one behind takes over what it shared with the name that goes and that one did not share itself. */
static void remove_at(struct name_order *o, struct name_leaf **l, size_t at)
{
    struct coded c = read_coded(*l, at), next;
    char out[LEAF_ROOM], own[NAME_ORDER_NAME_MAX];
    size_t more, n = 0, gone = end_of(&c) - at;

    if (end_of(&c) < (*l)->used) {
        next = read_coded(*l, end_of(&c));
        more = next.shared > c.shared ? next.shared - c.shared : 0;
        memcpy(own, (*l)->p + c.rest, more);
        memcpy(own + more, (*l)->p + next.rest, next.len);
        n = write_coded(out, next.shared - more, str_of(own, more + next.len));
        gone = end_of(&next) - at;
    }
    splice(o, l, at, gone, out, n);
    (*l)->n--;
}

/* --- leaves --------------------------------------------------------------------------------------------------------------- */

static struct name_leaf *leaf_new(struct name_order *o, size_t cap)
{
    struct name_leaf *l = mem_alloc(sizeof *l + cap);

    *l = (struct name_leaf){ .cap = (uint16_t)cap };
    o->bytes += sizeof *l + cap;
    return l;
}

static void leaf_free(struct name_order *o, struct name_leaf *l)
{
    o->bytes -= sizeof *l + l->cap;
    mem_free(l);
}

/* The upper half of l as a leaf of its own. */
static struct name_leaf *leaf_split(struct name_order *o, struct name_leaf *l)
{
    char name[NAME_ORDER_NAME_MAX], out[LEAF_ROOM];
    struct name_leaf *upper;
    struct coded c = { 0 };
    uint16_t n = 0;
    size_t at = 0, len;

    do { /* names are put together as far as the one that becomes the first of the upper half */
        c = read_coded(l, at);
        memcpy(name + c.shared, l->p + c.rest, c.len);
        at = end_of(&c);
        n++;
    } while (c.at < l->used / 2u && at < l->used);
    n--;
    len = write_coded(out, 0, str_of(name, c.shared + c.len));
    upper = leaf_new(o, (len + l->used - at + LEAF_STEP - 1) / LEAF_STEP * LEAF_STEP);
    memcpy(upper->p, out, len);
    memcpy(upper->p + len, l->p + at, l->used - at);
    upper->used = (uint16_t)(len + l->used - at);
    upper->n = (uint16_t)(l->n - n);
    l->used = (uint16_t)c.at;
    l->n = n;
    return upper;
}

/* The names of `more`, which are all greater, behind those of *l. Its first one has to share what it can: searches rely on it. */
static void leaf_append(struct name_order *o, struct name_leaf **l, const struct name_leaf *more)
{
    char last[NAME_ORDER_NAME_MAX], out[LEAF_ROOM];
    struct str first = first_of(more);
    size_t len = 0, n, behind = (size_t)(first.p + first.n - more->p);

    for (size_t at = 0; at < (*l)->used;) {
        struct coded c = read_coded(*l, at);

        memcpy(last + c.shared, (*l)->p + c.rest, c.len);
        len = c.shared + c.len;
        at = end_of(&c);
    }
    n = common(str_of(last, len), first);
    n = write_coded(out, n, str_of(first.p + n, first.n - n));
    splice(o, l, (*l)->used, 0, out, n);
    splice(o, l, (*l)->used, 0, more->p + behind, more->used - behind);
    (*l)->n = (uint16_t)((*l)->n + more->n);
}

/* --- chunks --------------------------------------------------------------------------------------------------------------- */

/* The last of n for which first(i) <= name; 0 when there is none. */
static size_t chunk_of(const struct name_order *o, struct str name)
{
    size_t lo = 0, hi = o->n_chunks;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(first_of(o->chunks[mid]->leaf[0]), name) <= 0) lo = mid;
        else hi = mid;
    }
    return lo;
}

static size_t leaf_of(const struct name_chunk *c, struct str name)
{
    size_t lo = 0, hi = c->n;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(first_of(c->leaf[mid]), name) <= 0) lo = mid;
        else hi = mid;
    }
    return lo;
}

static struct name_chunk *chunk_insert(struct name_order *o, size_t at)
{
    struct name_chunk *c = mem_alloc(sizeof *c);

    c->n = 0;
    if (o->n_chunks == o->cap_chunks) {
        size_t cap = o->cap_chunks > 0 ? o->cap_chunks * 2 : 4;

        o->chunks = mem_realloc(o->chunks, cap * sizeof *o->chunks);
        o->bytes += (cap - o->cap_chunks) * sizeof *o->chunks;
        o->cap_chunks = cap;
    }
    memmove(o->chunks + at + 1, o->chunks + at, (o->n_chunks - at) * sizeof *o->chunks);
    o->chunks[at] = c;
    o->n_chunks++;
    o->bytes += sizeof *c;
    return c;
}

/* l comes at place `at` of chunk `chunk`, which is halved when it is full. */
static void leaf_insert(struct name_order *o, size_t chunk, size_t at, struct name_leaf *l)
{
    struct name_chunk *c = o->chunks[chunk];

    if (c->n == CHUNK_LEAVES) {
        struct name_chunk *upper = chunk_insert(o, chunk + 1);

        upper->n = CHUNK_LEAVES / 2;
        c->n -= upper->n;
        memcpy(upper->leaf, c->leaf + c->n, upper->n * sizeof *upper->leaf);
        if (at > c->n) {
            at -= c->n;
            c = upper;
        }
    }
    memmove(c->leaf + at + 1, c->leaf + at, (c->n - at) * sizeof *c->leaf);
    c->leaf[at] = l;
    c->n++;
}

static void leaf_remove(struct name_order *o, size_t chunk, size_t at)
{
    struct name_chunk *c = o->chunks[chunk];

    leaf_free(o, c->leaf[at]);
    memmove(c->leaf + at, c->leaf + at + 1, (c->n - at - 1) * sizeof *c->leaf);
    if (--c->n > 0) return;
    mem_free(c);
    o->bytes -= sizeof *c;
    o->n_chunks--;
    memmove(o->chunks + chunk, o->chunks + chunk + 1, (o->n_chunks - chunk) * sizeof *o->chunks);
}

/* --- the set ----------------------------------------------------------------------------------------------------------------- */

bool name_order_add(struct name_order *o, struct str name)
{
    size_t chunk = chunk_of(o, name), at;
    struct name_leaf **l;
    struct spot s;

    ensure(name.n <= NAME_ORDER_NAME_MAX);
    if (o->n_chunks == 0) leaf_insert(o, (chunk_insert(o, 0), 0), 0, leaf_new(o, LEAF_STEP));
    at = leaf_of(o->chunks[chunk], name);
    l = &o->chunks[chunk]->leaf[at];
    s = find_in(*l, name);
    if (s.found) return false;
    insert_at(o, l, &s, name);
    o->count++;
    if ((*l)->used > LEAF_BYTES && (*l)->n > 1) leaf_insert(o, chunk, at + 1, leaf_split(o, *l));
    return true;
}

/* A leaf that has little left is put into the one before it. */
static void merge(struct name_order *o, size_t chunk, size_t at)
{
    struct name_chunk *c = o->chunks[chunk];
    struct name_leaf *l = c->leaf[at];

    if (l->n == 0) {
        leaf_remove(o, chunk, at);
        return;
    }
    if (at == 0 || l->used > LEAF_BYTES / 4 || c->leaf[at - 1]->used > LEAF_BYTES / 4) return;
    leaf_append(o, &c->leaf[at - 1], l);
    leaf_remove(o, chunk, at);
}

bool name_order_remove(struct name_order *o, struct str name)
{
    size_t chunk = chunk_of(o, name), at;
    struct name_leaf **l;
    struct spot s;

    if (o->n_chunks == 0) return false;
    at = leaf_of(o->chunks[chunk], name);
    l = &o->chunks[chunk]->leaf[at];
    s = find_in(*l, name);
    if (!s.found) return false;
    remove_at(o, l, s.at);
    o->count--;
    if ((*l)->used <= LEAF_BYTES / 4) merge(o, chunk, at);
    return true;
}

bool name_order_has(const struct name_order *o, struct str name)
{
    const struct name_chunk *c;

    if (o->n_chunks == 0) return false;
    c = o->chunks[chunk_of(o, name)];
    return find_in(c->leaf[leaf_of(c, name)], name).found;
}

void name_order_fini(struct name_order *o)
{
    for (size_t i = 0; i < o->n_chunks; i++) {
        for (uint32_t k = 0; k < o->chunks[i]->n; k++) mem_free(o->chunks[i]->leaf[k]);
        mem_free(o->chunks[i]);
    }
    mem_free(o->chunks);
    *o = (struct name_order){ 0 };
}

/* --- walking ----------------------------------------------------------------------------------------------------------------- */

void name_walk_begin(struct name_walk *w, const struct name_order *o, struct str from, bool behind)
{
    w->order = o;
    w->from = from;
    w->behind = behind;
    w->begun = false;
    w->chunk = chunk_of(o, from);
    w->leaf = o->n_chunks > 0 ? leaf_of(o->chunks[w->chunk], from) : 0;
    w->at = 0;
}

static bool next_name(struct name_walk *w)
{
    const struct name_order *o = w->order;
    const struct name_leaf *l;
    struct coded c;

    if (w->chunk >= o->n_chunks) return false;
    l = o->chunks[w->chunk]->leaf[w->leaf];
    if (w->at == l->used) {
        w->at = 0;
        if (++w->leaf == o->chunks[w->chunk]->n) {
            w->leaf = 0;
            if (++w->chunk == o->n_chunks) return false;
        }
        l = o->chunks[w->chunk]->leaf[w->leaf];
    }
    c = read_coded(l, w->at);
    memcpy(w->bytes + c.shared, l->p + c.rest, c.len);
    w->name = str_of(w->bytes, c.shared + c.len);
    w->at = end_of(&c);
    return true;
}

bool name_walk_next(struct name_walk *w)
{
    while (next_name(w)) {
        int order;

        if (w->begun) return true;
        order = str_cmp(w->name, w->from);
        if (order < 0 || (order == 0 && w->behind)) continue;
        w->begun = true;
        return true;
    }
    return false;
}

void name_order_check(const struct name_order *o)
{
    char before[NAME_ORDER_NAME_MAX];
    size_t n_before = 0, count = 0, bytes = o->cap_chunks * sizeof *o->chunks;
    struct name_walk w;

    for (size_t i = 0; i < o->n_chunks; i++) {
        ensure(o->chunks[i]->n > 0 && o->chunks[i]->n <= CHUNK_LEAVES);
        bytes += sizeof *o->chunks[i];
        for (uint32_t k = 0; k < o->chunks[i]->n; k++) {
            const struct name_leaf *l = o->chunks[i]->leaf[k];

            ensure(l->n > 0 && l->used <= l->cap && read_coded(l, 0).shared == 0);
            ensure(l->used <= LEAF_BYTES + 2 * LEAF_ROOM);
            bytes += sizeof *l + l->cap;
            count += l->n;
        }
    }
    ensure(bytes == o->bytes && count == o->count);
    count = 0;
    name_walk_begin(&w, o, STR(""), false);
    while (name_walk_next(&w)) {
        ensure(count++ == 0 || str_cmp(str_of(before, n_before), w.name) < 0);
        memcpy(before, w.name.p, n_before = w.name.n);
    }
    ensure(count == o->count);
}
