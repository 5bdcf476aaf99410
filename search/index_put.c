/* index_put.c -- see index.h: documents that come, and those that cannot be taken. */
#include "base/clock.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"
#include "search/fold.h"
#include "search/index_impl.h"

/* --- on the way to the cache ------------------------------------------------------------------------------------- */

static void fetch_cell(const struct column *c, uint32_t doc)
{
    const uint64_t *at = column_at(c, doc);

    if (at) __builtin_prefetch(at, 1);
}

static void fetch_cells(const struct index_content *c, uint32_t doc)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        const struct index_column *k = &c->columns[i];

        if (k->tags) fetch_cell(&k->tags->of_doc, doc);
        if (k->numbers) fetch_cell(&k->numbers->first, doc);
    }
    fetch_cell(&c->scores, doc);
    if (c->text) text_index_expect(c->text, doc);
}

void index_expect(const struct search_index *ix, const struct str *keys, size_t n)
{
    const struct index_content *c = ix->c;
    uint32_t known[INDEX_EXPECTS];

    ensure(n <= INDEX_EXPECTS);
    for (size_t i = 0; i < n; i++) known[i] = names_hash(&c->docs, keys[i]);
    for (size_t i = 0; i < n; i++) {
        known[i] = names_guess(&c->docs, known[i]);
        if (known[i] != NAMES_NONE) fetch_cell(&c->docs.texts, known[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (known[i] == NAMES_NONE) continue;
        names_fetch(&c->docs, known[i]);
        fetch_cells(c, known[i]);
    }
}

/* --- what cannot be taken --------------------------------------------------------------------------------------- */

/* Of a long key the beginning. */
static void note_error(struct index_errors *e, struct str text, struct str key)
{
    enum { KEY_MAX = 1024 };

    if (key.n > KEY_MAX) key.n = KEY_MAX;
    e->n++;
    buf_clear(&e->text);
    buf_add_str(&e->text, text);
    buf_clear(&e->key);
    buf_add_str(&e->key, key);
}

static struct index_errors *errors_of(struct search_index *ix, const struct field_spec *f)
{
    size_t n = ix->spec->n_fields;

    if (ix->n_field_errors < n) {
        ix->field_errors = mem_realloc(ix->field_errors, n * sizeof *ix->field_errors);
        memset(ix->field_errors + ix->n_field_errors, 0, (n - ix->n_field_errors) * sizeof *ix->field_errors);
        ix->n_field_errors = n;
    }
    return &ix->field_errors[f - ix->spec->fields];
}

void index_fail(struct search_index *ix, struct str key, const struct field_spec *f, const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    note_error(&ix->errors, buf_str(&text), key);
    note_error(errors_of(ix, f), buf_str(&text), key);
    buf_fini(&text);
    index_remove(ix, key);
}

struct index_trouble index_trouble(const struct search_index *ix, const struct field_spec *f)
{
    static const struct index_errors none;
    size_t i = f ? (size_t)(f - ix->spec->fields) : 0;
    const struct index_errors *e = f == NULL ? &ix->errors : i < ix->n_field_errors ? &ix->field_errors[i] : &none;

    return (struct index_trouble){ e->n, buf_str(&e->text), buf_str(&e->key) };
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static void keep_number(struct search_index *ix, size_t at, double v)
{
    if (at >= ix->cap_numbers) {
        ix->cap_numbers = ix->cap_numbers ? 2 * ix->cap_numbers : 64;
        ix->numbers = mem_realloc(ix->numbers, ix->cap_numbers * sizeof *ix->numbers);
    }
    ix->numbers[at] = v;
}

/* More tags than a document may have? Few bytes cannot be many tags, which are parted by one byte at least; else separators are
 * counted, of which there are more where tags are empty. */
static bool has_many_tags(const struct field_spec *f, const struct field_value *v)
{
    size_t bytes = 0, n = v->n;

    for (size_t k = 0; k < v->n; k++) bytes += v->values[k].n;
    if (n + bytes / 2 <= TAGS_OF_DOC_MAX) return false;
    for (size_t k = 0; f->separator != 0 && k < v->n; k++) {
        const char *p = v->values[k].p, *end = p + v->values[k].n;

        while (p < end && n <= TAGS_OF_DOC_MAX && (p = memchr(p, f->separator, (size_t)(end - p))) != NULL) p++, n++;
    }
    return n > TAGS_OF_DOC_MAX;
}

/* Can all values be had? Numbers are left in ix->numbers, one behind the other, those of places in pairs. */
static bool look_through(struct search_index *ix, struct str key, const struct doc_content *content)
{
    size_t n = 0;

    if (ix->n_taken != ix->spec->n_fields) {
        ix->n_taken = ix->spec->n_fields;
        ix->taken = mem_realloc(ix->taken, ix->n_taken * sizeof *ix->taken);
    }
    memset(ix->taken, 0, ix->n_taken * sizeof *ix->taken);
    for (size_t i = 0; i < content->n; i++) {
        const struct field_value *v = &content->fields[i];
        enum field_type type = v->field->type;

        ix->taken[v->field - ix->spec->fields] = (struct taken_value){ v, n };
        if (type == FIELD_TAG && has_many_tags(v->field, v))
            return index_fail(ix, key, v->field, "More than %d tags in a field of a document", TAGS_OF_DOC_MAX), false;
        for (size_t k = 0; k < v->n; k++) {
            struct str s = v->values[k];
            struct place p;
            double d;

            if (type == FIELD_NUMERIC) {
                if (!num_parse_double(s, &d)) return index_fail(ix, key, v->field, "Invalid numeric value: '%.*s'", str_shown(s), s.p), false;
                keep_number(ix, n++, d);
            } else if (type == FIELD_GEO) {
                if (!place_parse(s, &p)) return index_fail(ix, key, v->field, "Invalid geo string: '%.*s'", str_shown(s), s.p), false;
                keep_number(ix, n++, p.lon);
                keep_number(ix, n++, p.lat);
            } else if (type == FIELD_VECTOR && s.n != vec_bytes(v->field->vec.type, v->field->vec.dim)) {
                return index_fail(ix, key, v->field, "Could not add vector with blob size %zu (expected size %zu)", s.n,
                                  vec_bytes(v->field->vec.type, v->field->vec.dim)), false;
            }
        }
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str trim(struct str s)
{
    while (s.n > 0 && is_blank(*s.p)) s = str_of(s.p + 1, s.n - 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1])) s.n--;
    return s;
}

static void keep_tag(struct search_index *ix, size_t *n, struct str tag)
{
    if (*n >= ix->cap_tags) {
        ix->cap_tags = ix->cap_tags ? 2 * ix->cap_tags : 16;
        ix->tags = mem_realloc(ix->tags, ix->cap_tags * sizeof *ix->tags);
    }
    ix->tags[(*n)++] = tag;
}

/* The tags of one text. An empty text is a tag where the field says so; what is empty between separators never is. */
static void split_tags(struct search_index *ix, const struct field_spec *f, struct str s, size_t *n)
{
    bool alone = true;

    while (f->separator && s.n > 0) {
        const char *end = memchr(s.p, f->separator, s.n);
        struct str part = str_of(s.p, end ? (size_t)(end - s.p) : s.n);

        s = end ? str_of(end + 1, s.n - part.n - 1) : str_of(s.p + s.n, 0);
        part = trim(part);
        if (part.n > 0) keep_tag(ix, n, part);
        alone = false;
    }
    if (f->separator == 0 ? s.n > 0 || f->index_empty : alone && f->index_empty) keep_tag(ix, n, s);
}

/* Is s one tag as it is? Most are. A separator that is a letter may be one in the other case. */
static bool is_one_tag(const struct field_spec *f, struct str s)
{
    char sep = f->separator;

    if (s.n == 0 || sep == 0) return s.n > 0;
    if (is_blank(s.p[0]) || is_blank(s.p[s.n - 1])) return false;
    return (sep > 0 && char_lower(sep) == sep && !(sep >= 'a' && sep <= 'z')) && memchr(s.p, sep, s.n) == NULL;
}

static void put_tags(struct search_index *ix, struct tags *t, const struct field_spec *f, const struct field_value *v, uint32_t doc)
{
    size_t n = 0, all = 0;

    for (size_t k = 0; v && k < v->n; k++) all += v->values[k].n;
    buf_clear(&ix->folded);
    buf_room(&ix->folded, all + FOLD_ROOM); /* so that what lies in it stays where it is */
    for (size_t k = 0; v && k < v->n; k++) {
        struct str s = v->values[k];
        size_t at = ix->folded.n;

        if (!f->case_sensitive) {
            fold_case(s, &ix->folded);
            s = str_of(ix->folded.p + at, s.n);
        }
        if (is_one_tag(f, v->values[k])) keep_tag(ix, &n, s);
        else split_tags(ix, f, s, &n);
    }
    tags_put(t, doc, ix->tags, n);
}

static void take_text(struct search_index *ix, const struct doc_content *content, uint32_t doc)
{
    size_t n = 0;

    for (size_t i = 0; i < content->n; i++) {
        const struct field_value *v = &content->fields[i];

        if (!is_indexed_text(v->field)) continue;
        while (n + v->n > ix->cap_texts) {
            ix->cap_texts = ix->cap_texts ? 2 * ix->cap_texts : 16;
            ix->texts = mem_realloc(ix->texts, ix->cap_texts * sizeof *ix->texts);
        }
        for (size_t k = 0; k < v->n; k++)
            ix->texts[n++] = (struct text_value){ v->field->text_field, v->field->no_stem, v->field->phonetic.n > 0, v->field->weight,
                                                  v->values[k] };
    }
    text_index_take(ix->c->text, doc, ix->texts, n, content->language);
}

static void put_flags(const struct field_spec *f, struct index_column *k, const struct field_value *v, uint32_t doc)
{
    bool empty = false;

    if (f->index_missing && v) docset_add(&k->present, doc);
    else if (f->index_missing) docset_remove(&k->present, doc);
    if (f->type != FIELD_TEXT || !f->index_empty) return;
    for (size_t i = 0; v && i < v->n; i++) empty |= v->values[i].n == 0;
    if (empty) docset_add(&k->empty, doc);
    else docset_remove(&k->empty, doc);
}

/* The field whose vector holds a value that is no number; NULL: there is none. */
static const struct field_spec *put_vectors(struct search_index *ix, uint32_t doc)
{
    for (size_t i = 0; i < ix->c->n_columns; i++) {
        struct vec_index *x = ix->c->columns[i].vectors;
        const struct field_value *v = ix->taken[i].v;

        if (x == NULL) continue;
        if (v == NULL || v->n == 0 || ix->spec->fields[i].no_index) vec_index_remove(x, doc);
        else if (!vec_index_put_all(x, doc, v->values, v->n)) return &ix->spec->fields[i];
    }
    return NULL;
}

/* One field; v: its values, or NULL. */
static void put_column(struct search_index *ix, size_t i, uint32_t doc)
{
    const struct field_spec *f = &ix->spec->fields[i];
    const struct field_value *v = ix->taken[i].v;
    struct index_column *k = &ix->c->columns[i];

    if (k->tags) {
        if (!f->no_index) put_tags(ix, k->tags, f, v, doc);
    } else if (k->numbers || k->places) {
        const double *numbers = ix->numbers ? ix->numbers + ix->taken[i].numbers : NULL;

        if (k->numbers) numbers_put(k->numbers, doc, numbers, v ? v->n : 0);
        else places_put(k->places, doc, (const struct place *)numbers, v ? v->n : 0);
    }
    if (UNLIKELY(f->index_missing | f->index_empty)) put_flags(f, k, v, doc);
}

static void put_payload(struct index_content *c, uint32_t doc, struct str payload)
{
    struct payload *p = column_ptr(&c->payloads, doc);

    if (p && str_eq(str_of(p->p, p->n), payload)) return;
    index_drop_payload(c, doc);
    if (payload.n == 0) return;
    p = mem_alloc(sizeof *p + payload.n);
    p->n = payload.n;
    memcpy(p->p, payload.p, payload.n);
    c->payload_bytes += mem_good_size(sizeof *p + p->n);
    column_set_ptr(&c->payloads, doc, p);
}

bool index_take(struct search_index *ix, struct str key, const struct doc_content *content)
{
    struct index_content *c = ix->c;
    const struct field_spec *wrong;
    bool is_new;
    uint32_t doc;

    ensure(ix->holds == 0);
    if (!look_through(ix, key, content)) return false;
    doc = names_add(&c->docs, key, &is_new);
    if (is_new) docset_add(&c->alive, doc);
    wrong = put_vectors(ix, doc);
    if (wrong != NULL) {
        index_fail(ix, key, wrong, "Could not add vector: it holds a value that is not a finite number");
        return false;
    }
    if (c->text) take_text(ix, content, doc);
    for (size_t i = 0; i < c->n_columns; i++) put_column(ix, i, doc);
    column_set(&c->scores, doc, double_cell(content->score));
    put_payload(c, doc, content->payload);
    return true;
}

void index_flush(struct search_index *ix)
{
    if (ix->c->text) text_index_flush(ix->c->text);
}

bool index_is_going_on(const struct search_index *ix)
{
    return ix->c->text && text_index_is_going_on(ix->c->text);
}

bool index_go_on(struct search_index *ix, int64_t deadline_us)
{
    while (index_is_going_on(ix)) {
        if (!text_index_go_on(ix->c->text) && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

bool index_put(struct search_index *ix, struct str key, const struct doc_content *content)
{
    bool ok = index_take(ix, key, content);

    index_flush(ix);
    (void)index_go_on(ix, INT64_MAX);
    return ok;
}
