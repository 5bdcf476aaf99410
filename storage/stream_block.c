/* stream_block.c -- see stream_block.h. */
#include "storage/stream_block.h"

#include "base/ensure.h"
#include "base/mem.h"

enum { CODE_HERE = 1024 }; /* an entry up to this size is coded on the stack */

/* A block's own numbers are integers by stream_block_fault. */
static int64_t number(const unsigned char *p)
{
    return *p < 0x80 ? *p : listpack_get(p).v;
}

/* --- reading ---------------------------------------------------------------------------------- */

void stream_block_counts(const unsigned char *lp, uint64_t *live, uint64_t *deleted)
{
    const unsigned char *p = lp + LISTPACK_HEADER;

    *live = (uint64_t)number(p);
    *deleted = (uint64_t)number(listpack_skip(p, 1));
}

struct stream_head stream_block_head(const unsigned char *lp)
{
    const unsigned char *p = lp + LISTPACK_HEADER;
    struct stream_head h;

    h.live = (uint64_t)number(p);
    p = listpack_skip(p, 1);
    h.deleted = (uint64_t)number(p);
    p = listpack_skip(p, 1);
    h.n_names = (size_t)number(p);
    h.names = listpack_skip(p, 1);
    h.entries = listpack_skip(h.names, h.n_names + 1);
    return h;
}

struct stream_entry stream_block_entry(const struct stream_head *h, struct stream_id master,
                                       const unsigned char *entry)
{
    struct stream_entry e = { .flags = *entry };
    const unsigned char *p = entry + 2;

    e.id.ms = master.ms + (uint64_t)number(p);
    p = listpack_skip(p, 1);
    e.id.seq = master.seq + (uint64_t)number(p);
    p = listpack_skip(p, 1);
    e.n_fields = h->n_names;
    if (!(e.flags & STREAM_SAME)) {
        e.n_fields = (size_t)number(p);
        p = listpack_skip(p, 1);
    }
    e.fields = p;
    return e;
}

const unsigned char *stream_block_behind(const unsigned char *p, size_t left, bool same)
{
    return listpack_skip(p, stream_field_elements(left, same) + 1);
}

const unsigned char *stream_block_before(const unsigned char *lp, const unsigned char *entry)
{
    const unsigned char *p = entry != NULL ? listpack_prev(lp, entry) : listpack_last(lp);

    for (int64_t n = number(p); n > 0; n--) {
        p = listpack_prev(lp, p);
        if (n == 1) return p;
    }
    return NULL;
}

struct stream_id stream_block_last(const unsigned char *lp, struct stream_id master)
{
    const unsigned char *p = stream_block_before(lp, NULL);
    struct stream_head none = { 0 };

    return p != NULL ? stream_block_entry(&none, master, p).id : master;
}

/* --- writing ---------------------------------------------------------------------------------- */

static size_t text_bytes(const struct str *s, size_t n, size_t step)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i += step) bytes += s[i].n;
    return bytes;
}

/* Where to code elements of at most `bytes`: here while they fit, else on the heap. */
struct coding {
    unsigned char here[CODE_HERE];
    unsigned char *start;
};

static unsigned char *coding_start(struct coding *c, size_t bytes)
{
    c->start = bytes <= sizeof c->here ? c->here : mem_alloc(bytes);
    return c->start;
}

static void coding_end(struct coding *c, unsigned char **lp, const unsigned char *end, size_t elements)
{
    listpack_append_coded(lp, c->start, (size_t)(end - c->start), elements);
    if (c->start != c->here) mem_free(c->start);
}

unsigned char *stream_block_new(const struct str *pairs, size_t n)
{
    unsigned char *lp = listpack_new(), *p;
    struct coding c;

    p = coding_start(&c, text_bytes(pairs, 2 * n, 2) + LISTPACK_OVERHEAD * (n + 4));
    p = listpack_code_int(p, 0);
    p = listpack_code_int(p, 0);
    p = listpack_code_int(p, (int64_t)n);
    for (size_t i = 0; i < n; i++) p = listpack_code(p, pairs[2 * i]);
    p = listpack_code_int(p, 0);
    coding_end(&c, &lp, p, n + 4);
    return lp;
}

static bool same_names(const struct stream_head *h, const struct str *pairs, size_t n)
{
    const unsigned char *p = h->names;

    if (n != h->n_names) return false;
    for (size_t i = 0; i < n; i++, p = listpack_skip(p, 1)) {
        if (!listpack_equal(p, pairs[2 * i])) return false;
    }
    return true;
}

/* Give the number at p another value; true when it takes another place. */
static bool set_number(unsigned char **lp, const unsigned char *p, uint64_t v)
{
    size_t was = listpack_bytes(*lp);

    if (*p < 0x80 && v < 0x80) {
        *(unsigned char *)(uintptr_t)p = (unsigned char)v;
        return false;
    }
    listpack_replace_int(lp, p, (int64_t)v);
    return listpack_bytes(*lp) != was;
}

bool stream_block_append(unsigned char **lp, struct stream_id master, struct stream_id id,
                         const struct str *pairs, size_t n)
{
    struct stream_head h = stream_block_head(*lp);
    bool same = same_names(&h, pairs, n);
    size_t elements = stream_field_elements(n, same) + (same ? 3 : 4);
    struct coding c;
    unsigned char *p = coding_start(&c, text_bytes(pairs, 2 * n, 1) + LISTPACK_OVERHEAD * (2 * n + 5));

    p = listpack_code_int(p, same ? STREAM_SAME : 0);
    p = listpack_code_int(p, (int64_t)(id.ms - master.ms));
    p = listpack_code_int(p, (int64_t)(id.seq - master.seq));
    if (!same) p = listpack_code_int(p, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        if (!same) p = listpack_code(p, pairs[2 * i]);
        p = listpack_code(p, pairs[2 * i + 1]);
    }
    p = listpack_code_int(p, (int64_t)elements);
    coding_end(&c, lp, p, elements + 1);
    return set_number(lp, *lp + LISTPACK_HEADER, h.live + 1);
}

void stream_block_count_deleted(unsigned char **lp, uint64_t n)
{
    uint64_t live, deleted;

    stream_block_counts(*lp, &live, &deleted);
    set_number(lp, *lp + LISTPACK_HEADER, live - n);
    set_number(lp, listpack_skip(*lp + LISTPACK_HEADER, 1), deleted + n);
}

/* --- outside bytes ---------------------------------------------------------------------------- */

/* Walks elements that listpack_valid has found sound; p is NULL behind the last. */
struct walk {
    const unsigned char *p;
};

static bool take_number(struct walk *w, int64_t *v)
{
    struct listpack_item it;

    if (w->p == NULL) return false;
    it = listpack_get(w->p);
    w->p = listpack_next(w->p);
    *v = it.v;
    return it.p == NULL;
}

/* n texts, any. `left`: elements there may be, so that no count makes this long. */
static bool take_texts(struct walk *w, int64_t n, size_t left)
{
    if (n < 0 || (uint64_t)n > left) return false;
    for (; n > 0; n--) {
        if (w->p == NULL) return false;
        w->p = listpack_next(w->p);
    }
    return true;
}

/* One entry of a block that has n_names names. */
static const char *entry_fault(struct walk *w, int64_t n_names, size_t left, struct stream_id master,
                               struct stream_id *id, bool *deleted)
{
    int64_t flags, ms, seq, n = n_names, count, fields;
    const unsigned char *at = w->p;

    if (!take_number(w, &flags) || *at > (STREAM_DELETED | STREAM_SAME))
        return "an entry's flags make no sense";
    if (!take_number(w, &ms) || !take_number(w, &seq)) return "an entry has no ID";
    if (!(flags & STREAM_SAME) && !take_number(w, &n)) return "an entry's number of fields is missing";
    if (n < 0 || (uint64_t)n > left) return "an entry's number of fields makes no sense";
    fields = flags & STREAM_SAME ? n : 2 * n;
    if (!take_texts(w, fields, left)) return "an entry lacks fields";
    if (!take_number(w, &count) || count != fields + (flags & STREAM_SAME ? 3 : 4))
        return "an entry's count of elements is wrong";
    *id = (struct stream_id){ master.ms + (uint64_t)ms, master.seq + (uint64_t)seq };
    *deleted = (flags & STREAM_DELETED) != 0;
    return NULL;
}

const char *stream_block_fault(struct str bytes, struct stream_id master)
{
    struct stream_id id, before = master;
    int64_t live, deleted, n_names, zero, n_live = 0, n_deleted = 0;
    struct walk w;
    size_t left;

    if (!listpack_valid(bytes)) return "a listpack is malformed";
    if (bytes.n > LISTPACK_MAX_BYTES * 2) return "a block is too large";
    w.p = listpack_first((const unsigned char *)bytes.p);
    left = listpack_count((const unsigned char *)bytes.p);
    if (!take_number(&w, &live) || !take_number(&w, &deleted) || live < 0 || deleted < 0)
        return "a block's counts are missing";
    if (!take_number(&w, &n_names) || !take_texts(&w, n_names, left) || !take_number(&w, &zero) || zero != 0)
        return "a block's names are malformed";
    while (w.p != NULL) {
        bool gone, first = n_live + n_deleted == 0;
        const char *why = entry_fault(&w, n_names, left, master, &id, &gone);
        int order;

        if (why != NULL) return why;
        order = stream_id_cmp(id, before);
        if (order < 0 || (order == 0 && !first)) return "entries are out of order";
        before = id;
        *(gone ? &n_deleted : &n_live) += 1;
    }
    if (n_live != live || n_deleted != deleted) return "a block's counts are wrong";
    return n_live + n_deleted > 0 ? NULL : "a block has no entry";
}
