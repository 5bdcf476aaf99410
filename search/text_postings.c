/* text_postings.c -- lists of the rows that have a word. See struct block in text_impl.h. */
#include "base/load.h"
#include "search/text_impl.h"

enum { BLOCK_MAX = 1024, VARINT_MAX = 10 };

static inline size_t put_varint(unsigned char *p, uint64_t v)
{
    size_t n = 0;

    while (v >= 0x80) {
        p[n++] = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (unsigned char)v;
    return n;
}

static inline size_t varint_size(uint64_t v)
{
    return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
}

static inline uint64_t get_varint(const unsigned char **p)
{
    uint64_t v = **p & 0x7f;

    for (unsigned shift = 7; *(*p)++ & 0x80; shift += 7) v |= (uint64_t)(**p & 0x7f) << shift;
    return v;
}

/* --- blocks ---------------------------------------------------------------------------------------------------------- */

static size_t block_size(size_t cap)
{
    return mem_good_size(offsetof(struct block, bytes) + cap);
}

static struct block *block_resize(struct text_index *t, struct block *b, size_t want)
{
    size_t size = block_size(want);

    ensure(want <= UINT32_MAX / 2);
    t->memory += size - (b == NULL ? 0 : block_size(b->cap));
    b = mem_resize(b, b == NULL ? 0 : offsetof(struct block, bytes) + b->used, size);
    b->cap = (uint32_t)(size - offsetof(struct block, bytes)) & INT32_MAX;
    return b;
}

/* The block that the next entry of n bytes goes to. A short list has one, which grows; an entry is never in two. */
static struct block *block_for(struct text_index *t, struct postings *p, size_t n)
{
    struct block *b = p->last, *more;

    if (b != NULL && b->used + n <= b->cap) return b;
    if (b != NULL && b == p->first && b->used + n <= BLOCK_MAX) {
        size_t want = b->used + n + b->used / 2;
        p->first = p->last = block_resize(t, b, want < BLOCK_MAX ? want : BLOCK_MAX);
        return p->last;
    }
    more = block_resize(t, NULL, n > BLOCK_MAX || b == NULL ? n : BLOCK_MAX);
    more->next = NULL;
    more->used = 0;
    more->odd = t->odd != (t->sweep == SWEEP_LISTS);
    if (b == NULL) p->first = more;
    else b->next = more;
    p->last = more;
    return more;
}

void postings_free(struct text_index *t, struct postings *p)
{
    postings_seal(p);
    while (p->first != NULL) {
        struct block *b = p->first;
        p->first = b->next;
        t->memory -= block_size(b->cap);
        t->posting_bytes -= b->used;
        mem_free(b);
    }
    p->last = NULL;
    p->room = 0;
}

/* Entries of a few bytes may be written without asking the block. */
static void open_end(struct postings *p)
{
    const struct block *b = p->last;

    p->room = 0;
    if (b == NULL || b->used == 0 || b->used > UINT16_MAX / 2) return;
    p->used = (uint16_t)b->used;
    p->row = b->last;
    p->room = (uint16_t)(b->cap - b->used < UINT16_MAX / 2 ? b->cap - b->used : UINT16_MAX / 2);
}

/* --- writing --------------------------------------------------------------------------------------------------------- */
/* A row, in either numbering. */
struct both {
    uint32_t row, fresh;
};

static bool is_old(const struct text_index *t, const struct block *b)
{
    return t->sweep == SWEEP_LISTS && b->odd == t->odd;
}

static uint32_t in_block(const struct text_index *t, const struct block *b, struct both row)
{
    return t->sweep == SWEEP_LISTS && !is_old(t, b) ? row.fresh : row.row;
}

/* Begin an entry of n bytes behind its head, which is made here, since the first of a block counts from there: where they go. */
static unsigned char *begin_entry(struct text_index *t, struct postings *p, struct both row, unsigned kind, size_t n)
{
    struct block *b = p->last;
    uint64_t head;
    size_t n_head;
    unsigned char *at;

    postings_seal(p);
    head = (uint64_t)(b == NULL ? 0 : in_block(t, b, row) - b->last) << 2 | kind;
    n_head = varint_size(head);
    b = block_for(t, p, n_head + n);
    if (b->used == 0) {
        b->first = in_block(t, b, row);
        head = kind;
        n_head = 1;
    }
    at = b->bytes + b->used;
    put_varint(at, head);
    b->used += (uint32_t)(n_head + n);
    b->last = in_block(t, b, row);
    t->posting_bytes += n_head + n;
    t->n_postings++;
    open_end(p);
    return at + n_head;
}

/* Once in a document: most are. */
static void add_one(struct text_index *t, struct both row, struct postings *p, const struct met *m)
{
    size_t n_field = m->field != 0, n_position = t->no_offsets ? 0 : varint_size(m->position);
    unsigned char *at = begin_entry(t, p, row, m->field == 0 ? 0 : 1, n_field + n_position);

    if (n_field > 0) *at = m->field;
    if (n_position > 0) put_varint(at + n_field, m->position);
    t->offset_bytes += n_position;
}

static void put_number(struct buf *b, uint64_t v)
{
    buf_used(b, put_varint((unsigned char *)buf_room(b, VARINT_MAX), v));
}

/* A field and its number of times, and the places: from occurrence i on as long as they are of that field. */
static uint32_t put_field(struct text_index *t, uint32_t i, uint32_t *left)
{
    uint8_t field = t->occurrences[i].field;
    uint32_t times = 0, before = 0;
    size_t from;

    for (uint32_t k = i; times < *left && t->occurrences[k].field == field; k = t->occurrences[k].next) times++;
    buf_add_char(&t->entry, (char)field);
    put_number(&t->entry, times);
    from = t->entry.n;
    *left -= times;
    for (; times > 0; times--, i = t->occurrences[i].next) {
        if (t->no_offsets) continue;
        put_number(&t->entry, t->occurrences[i].position - before);
        before = t->occurrences[i].position;
    }
    t->offset_bytes += t->entry.n - from;
    return i;
}

static void add_entry(struct text_index *t, uint32_t old, uint32_t fresh, const struct met *m)
{
    struct both row = { old, fresh };
    uint32_t left = m->n, i = m->first;
    unsigned fields = 1;

    if (m->n == 1) {
        add_one(t, row, &m->term->postings, m);
        return;
    }
    buf_clear(&t->entry);
    buf_add_char(&t->entry, 0); /* the number of fields, where there are several */
    i = put_field(t, i, &left);
    for (; left > 0; fields++) i = put_field(t, i, &left);
    t->entry.p[0] = (char)fields;
    i = fields == 1; /* then it is not told */
    memcpy(begin_entry(t, &m->term->postings, row, fields == 1 ? 2 : 3, t->entry.n - i), t->entry.p + i, t->entry.n - i);
}

/* Bytes of an entry of one place that is in field 0, among the first 128, and of a row not too far from the one before: nearly all
 * are so. 0: it is another, or there is no room. */
static inline size_t add_plain(uint32_t row, const struct met *m, size_t n_position)
{
    enum { MOST = 4 };
    struct postings *p = &m->term->postings;
    uint32_t delta = row - p->row, head = delta << 2, entry, more;
    size_t n;

    if ((m->n != 1) | (p->room <= MOST) | (delta >= 1 << 19) | ((m->field | (m->position & ~0x7fU)) != 0)) return 0;
    /* As put_varint does it, but nobody foresees how many bytes it takes. */
    n = 1U + (head > 0x7f) + (head > 0x3fff);
    more = 0x8080 & ((1U << 8 * (n - 1)) - 1);
    entry = (head & 0x7f) | (head << 1 & 0x7f00) | (head << 2 & 0x7f0000) | more | m->position << 8 * n;
    store_32(p->last->bytes + p->used, entry);
    n += n_position;
    p->used = (uint16_t)(p->used + n);
    p->room = (uint16_t)(p->room - n);
    p->row = row;
    return n;
}

void postings_add_some(struct text_index *t, uint32_t old, uint32_t fresh, size_t first, size_t n_terms)
{
    size_t bytes = 0, plain = 0, n_position = !t->no_offsets;
    bool may_be_plain = t->sweep != SWEEP_LISTS;

    for (size_t i = first; i < first + n_terms; i++) {
        const struct met *m = &t->met[i];
        size_t n = may_be_plain ? add_plain(old, m, n_position) : 0;

        if (n == 0) add_entry(t, old, fresh, m);
        plain += n > 0;
        bytes += n;
    }
    t->posting_bytes += bytes;
    t->offset_bytes += plain * n_position;
    t->n_postings += plain;
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static void enter(struct cursor *c, const struct block *b)
{
    c->block = b;
    if (b == NULL) return;
    c->at = b->bytes;
    c->raw = b->first;
    c->translate = is_old(c->t, b);
}

void cursor_open(struct cursor *c, const struct text_index *t, const struct term *w)
{
    postings_seal(&w->postings);
    *c = (struct cursor){ .t = t, .weights = t->weights[(w->flags & TERM_STEM) != 0] };
    enter(c, w->postings.first);
}

/* Rows that are not yet numbered anew are read one by one. */
void cursor_skip(struct cursor *c, uint32_t row)
{
    while (c->block != NULL && !c->translate && c->block->last < row) enter(c, c->block->next);
}

static void keep_place(struct places *p, uint32_t row, uint8_t field, uint32_t position)
{
    if (p->n == p->cap) {
        p->cap = p->cap == 0 ? 64 : p->cap * 2;
        p->list = mem_realloc(p->list, p->cap * sizeof *p->list);
    }
    p->list[p->n++] = (struct place){ .row = row, .field = field, .position = position };
}

static inline __attribute__((always_inline)) void read_field(struct cursor *c, uint8_t field, uint64_t times, uint64_t fields, struct places *places)
{
    const struct text_index *t = c->t;
    bool wanted = (fields >> field & 1) != 0;
    uint64_t position = 0;

    c->fields |= 1ULL << field;
    if (wanted) c->tf += c->weights[field] * (t->no_freqs ? 1 : (double)times);
    if (t->no_offsets) return;
    if (places == NULL || !wanted) {
        for (; times > 0; times--) {
            while (*c->at & 0x80) c->at++;
            c->at++;
        }
        return;
    }
    for (; times > 0; times--) {
        position += get_varint(&c->at);
        keep_place(places, c->row, field, (uint32_t)position);
    }
}

static inline uint32_t doc_of(const struct numbering *view, uint32_t row)
{
    return row == NO_ROW ? UINT32_MAX : *doc_at(view, row);
}

/* Inlined into both that read: most of what a query of words takes is spent here. */
static inline __attribute__((always_inline)) void read_entry(struct cursor *c, unsigned kind, uint64_t fields, struct places *places)
{
    unsigned n = kind == 3 ? *c->at++ : 1;

    c->fields = 0;
    c->tf = 0;
    if (kind < 2) {
        uint8_t field = kind == 1 ? *c->at++ : 0;
        read_field(c, field, 1, fields, places);
        return;
    }
    for (; n > 0; n--) {
        uint8_t field = *c->at++;
        uint64_t times = get_varint(&c->at);
        read_field(c, field, times, fields, places);
    }
}

bool cursor_next(struct cursor *c, uint64_t fields, struct places *places)
{
    uint64_t head;

    if (c->block != NULL && c->at == c->block->bytes + c->block->used) enter(c, c->block->next);
    if (c->block == NULL) return false;
    head = get_varint(&c->at);
    c->raw += (uint32_t)(head >> 2);
    c->row = c->translate ? fresh_row(c->t, c->raw) : c->raw;
    c->doc = doc_of(view_of(c->t), c->row);
    read_entry(c, head & 3, fields, c->doc == UINT32_MAX ? NULL : places);
    return true;
}

/* Up to the end of a block. The cursor is a copy meanwhile, which can stay in registers. */
size_t cursor_read(struct cursor *cursor, uint64_t fields, struct posting *out, size_t max)
{
    const struct numbering *view = view_of(cursor->t);
    struct cursor c = *cursor;
    const unsigned char *end;
    size_t n = 0;

    if (c.block != NULL && c.at == c.block->bytes + c.block->used) enter(&c, c.block->next);
    if (c.block == NULL) return 0;
    end = c.block->bytes + c.block->used;
    for (; n < max && c.at < end; n++) {
        uint64_t head = get_varint(&c.at);
        c.raw += (uint32_t)(head >> 2);
        c.row = c.translate ? fresh_row(c.t, c.raw) : c.raw;
        read_entry(&c, head & 3, fields, NULL);
        out[n] = (struct posting){ .row = c.row, .doc = doc_of(view, c.row), .fields = c.fields, .tf = c.tf };
    }
    *cursor = c;
    return n;
}

/* --- sweeping ---------------------------------------------------------------------------------------------------------- */

/* The entries of an old block, in the same place: without the dead they are never longer. */
static size_t renumber_block(struct text_index *t, struct block *b)
{
    struct cursor c = { .t = t, .weights = t->weights[0] };
    const unsigned char *end = b->bytes + b->used;
    unsigned char *to = b->bytes;
    uint32_t last = 0, first = 0;
    size_t n = 0;

    enter(&c, b);
    while (c.at < end) {
        const unsigned char *body = c.at;
        unsigned kind = (unsigned)get_varint(&body) & 3;
        cursor_next(&c, 0, NULL);
        n++;
        if (c.doc == UINT32_MAX) {
            t->n_postings--;
            continue;
        }
        if (to == b->bytes) first = last = c.row;
        to += put_varint(to, (uint64_t)(c.row - last) << 2 | kind);
        memmove(to, body, (size_t)(c.at - body));
        to += c.at - body;
        last = c.row;
    }
    t->posting_bytes -= (size_t)(end - to);
    b->used = (uint32_t)(to - b->bytes);
    b->first = first;
    b->last = last;
    b->odd = !t->odd;
    return n;
}

/* What is left of a block goes into the one before, where that has room; else it is made as small as it is. */
static struct block *settle(struct text_index *t, struct postings *p, struct block *before, struct block *b)
{
    struct block **link = before != NULL ? &before->next : &p->first;
    unsigned char head[VARINT_MAX];
    const unsigned char *body = b->bytes;
    size_t n_head, n_body;

    if (b->used > 0 && before != NULL) {
        n_head = put_varint(head, (uint64_t)(b->first - before->last) << 2 | (get_varint(&body) & 3));
        n_body = (size_t)(b->bytes + b->used - body);
        if (before->used + n_head + n_body > before->cap) goto apart;
        memcpy(before->bytes + before->used, head, n_head);
        memcpy(before->bytes + before->used + n_head, body, n_body);
        t->posting_bytes += n_head + n_body - b->used;
        before->used += (uint32_t)(n_head + n_body);
        before->last = b->last;
        b->used = 0;
    }
    if (b->used == 0) {
        *link = b->next;
        if (p->last == b) p->last = before;
        t->memory -= block_size(b->cap);
        mem_free(b);
        return before;
    }
apart:
    if (b->used < b->cap / 2) {
        bool is_last = p->last == b;
        b = *link = block_resize(t, b, b->used);
        if (is_last) p->last = b;
    }
    return b;
}

static bool renumber(struct text_index *t, struct postings *p, size_t *budget)
{
    struct block *before = NULL, *b = p->first, *next;

    for (; b != NULL; b = next) {
        size_t n;
        next = b->next;
        if (!is_old(t, b)) {
            before = b;
            continue;
        }
        if (*budget == 0) return false;
        n = renumber_block(t, b);
        *budget -= n < *budget ? n : *budget;
        before = settle(t, p, before, b);
    }
    return true;
}

bool postings_renumber(struct text_index *t, struct postings *p, size_t *budget)
{
    bool done;

    postings_seal(p);
    done = renumber(t, p, budget);
    open_end(p);
    return done;
}
