/* index_check.c -- is an index whole, and does it hold what another one holds? For tests and DEBUG CHECK. */
#include <math.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "search/index_impl.h"

void index_check(const struct search_index *ix)
{
    const struct index_content *c = ix->c;

    if (ix->cleared) return;
    names_check(&c->docs);
    ensure(c->alive.n == c->docs.n && c->n_columns == ix->spec->n_fields);
    for (uint32_t d = 0; d < c->docs.end; d++) ensure(docset_has(&c->alive, d) == (names_get(&c->docs, d).p != NULL));
    for (size_t i = 0; i < c->n_columns; i++) {
        const struct index_column *k = &c->columns[i];

        if (k->tags) tags_check(k->tags, &c->alive);
        if (k->numbers) numbers_check(k->numbers, &c->alive);
        for (uint32_t d = docset_next(&k->present, 0); d != UINT32_MAX; d = docset_next(&k->present, d + 1)) ensure(docset_has(&c->alive, d));
    }
}

/* --- the same? -------------------------------------------------------------------------------------------------- */

/* What a document's columns hold, as bytes. */
static void put_tag(void *ctx, struct str tag)
{
    struct buf *b = ctx;

    buf_printf(b, "%zu:", tag.n);
    buf_add_str(b, tag);
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The numbers of values differ between indexes: their order is that of values here. A document may have many thousands. */
static void sort_parts(struct buf *b, size_t from, size_t *at, size_t n)
{
    struct buf sorted = { 0 };
    struct str *parts = mem_alloc(n * sizeof *parts);

    at[n] = b->n;
    for (size_t i = 0; i < n; i++) parts[i] = str_of(b->p + at[i], at[i + 1] - at[i]);
    qsort(parts, n, sizeof *parts, by_bytes);
    for (size_t i = 0; i < n; i++) buf_add_str(&sorted, parts[i]);
    b->n = from;
    buf_add_str(b, buf_str(&sorted));
    buf_fini(&sorted);
    mem_free(parts);
}

struct parts {
    struct buf *out;
    size_t *at, n;
};

static void part(void *ctx, struct str tag)
{
    struct parts *p = ctx;

    p->at = mem_realloc(p->at, (p->n + 2) * sizeof *p->at);
    p->at[p->n++] = p->out->n;
    put_tag(p->out, tag);
}

static void tell_column(const struct index_column *k, uint32_t doc, struct buf *out)
{
    struct parts p = { .out = out };
    struct place here;
    const struct place *places;
    const double *v;
    double one;
    size_t n, from = out->n;

    if (k->tags) {
        tags_of(k->tags, doc, part, &p);
        if (p.n) sort_parts(out, from, p.at, p.n);
        mem_free(p.at);
    }
    if (k->numbers) {
        v = numbers_of(k->numbers, doc, &one, &n);
        for (size_t i = 0; i < n; i++) buf_printf(out, " %.17g", v[i]);
    }
    if (k->places) {
        places = places_of(k->places, doc, &here, &n);
        for (size_t i = 0; i < n; i++) buf_printf(out, " %.17g,%.17g", places[i].lon, places[i].lat);
    }
    if (k->vectors) buf_printf(out, " vector %d", vec_index_has(k->vectors, doc));
    buf_printf(out, " %d%d", docset_has(&k->present, doc), docset_has(&k->empty, doc));
}

static bool same_doc(const struct search_index *a, uint32_t x, const struct search_index *b, uint32_t y, struct buf *why)
{
    struct buf p = { 0 }, q = { 0 };
    bool same = index_score(a, x) == index_score(b, y) && str_eq(index_payload(a, x), index_payload(b, y));

    if (!same) buf_printf(why, "score or payload of %.*s", (int)index_key(a, x).n, index_key(a, x).p);
    for (size_t i = 0; same && i < a->c->n_columns; i++) {
        buf_clear(&p);
        buf_clear(&q);
        tell_column(&a->c->columns[i], x, &p);
        tell_column(&b->c->columns[i], y, &q);
        same = str_eq(buf_str(&p), buf_str(&q));
        if (!same)
            buf_printf(why, "field %.*s of %.*s: '%.*s', not '%.*s'", (int)a->spec->fields[i].name.n, a->spec->fields[i].name.p,
                       (int)index_key(a, x).n, index_key(a, x).p, (int)p.n, p.p, (int)q.n, q.p);
    }
    buf_fini(&p);
    buf_fini(&q);
    return same;
}

struct words_of {
    const struct search_index *a, *b;
    struct buf *why;
    bool same;
};

static void scan_word(const struct search_index *ix, struct str word, struct docset *out)
{
    struct text_word w = { .how = TEXT_WORD, .word = word, .verbatim = true };
    struct text_phrase phrase = { .words = &w, .n = 1, .slop = -1, .fields = ~UINT64_C(0) };
    struct text_scan *s = text_scan_new(ix->c->text, &phrase);

    while (!text_scan_step(s, 1 << 20, out)) {}
    text_scan_free(&s);
}

/* Each document that has word in a has it in b, and there are as many. */
static void same_word(void *ctx, struct str word, uint32_t docs)
{
    struct words_of *w = ctx;
    struct docset x = { 0 }, y = { 0 };

    if (!w->same) return;
    scan_word(w->a, word, &x);
    scan_word(w->b, word, &y);
    w->same = x.n == y.n;
    for (uint32_t d = docset_next(&x, 0); w->same && d != UINT32_MAX; d = docset_next(&x, d + 1)) {
        uint32_t other = index_find(w->b, index_key(w->a, d));

        w->same = other != UINT32_MAX && docset_has(&y, other);
    }
    if (!w->same) buf_printf(w->why, "the word %.*s is in %u documents, not %u (counted: %u)", (int)word.n, word.p, x.n, y.n, docs);
    docset_fini(&x);
    docset_fini(&y);
}

static bool same_text(const struct search_index *a, const struct search_index *b, struct buf *why)
{
    struct words_of w = { a, b, why, true };

    if (a->c->text == NULL) return true;
    text_index_each_term(a->c->text, same_word, &w);
    w.a = b;
    w.b = a;
    text_index_each_term(b->c->text, same_word, &w);
    return w.same;
}

/* Those of a that b has not: how many, and the first. */
static void tell_others(const struct search_index *a, const struct search_index *b, const char *what, struct buf *why)
{
    struct str first = STR("");
    unsigned n = 0;

    for (uint32_t d = docset_next(&a->c->alive, 0); d != UINT32_MAX; d = docset_next(&a->c->alive, d + 1))
        if (index_find(b, index_key(a, d)) == UINT32_MAX && n++ == 0) first = index_key(a, d);
    if (n > 0) buf_printf(why, "; %u %s, as %.*s", n, what, (int)(first.n < 200 ? first.n : 200), first.p);
}

bool index_same(const struct search_index *a, const struct search_index *b, struct buf *why)
{
    if (index_docs(a) != index_docs(b)) {
        buf_printf(why, "%u documents, not %u", index_docs(a), index_docs(b));
        tell_others(b, a, "are missing", why);
        tell_others(a, b, "should not be in it", why);
        return false;
    }
    for (uint32_t d = docset_next(&a->c->alive, 0); d != UINT32_MAX; d = docset_next(&a->c->alive, d + 1)) {
        struct str key = index_key(a, d);
        uint32_t other = index_find(b, key);

        if (other == UINT32_MAX) {
            buf_printf(why, "%.*s should not be in it", (int)key.n, key.p);
            return false;
        }
        if (!same_doc(a, d, b, other, why)) return false;
    }
    return same_text(a, b, why);
}
