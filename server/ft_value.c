/* ft_value.c -- documents out of hashes and JSON.
 *
 * Reading changes nothing, not even what has expired, so that it may be done while a table is walked. All that is made of
 * a document lives in ft->arena until the next one. */
#include <math.h>

#include "base/json_canon.h"
#include "base/mem.h"
#include "base/num.h"
#include "server/ft_impl.h"
#include "storage/hash.h"
#include "storage/type_json.h"

/* --- paths ------------------------------------------------------------------------------------------------------ */

static struct json_path *path_of(struct str text)
{
    const char *what;
    size_t at;

    return text.n ? json_path_new(text, &at, &what) : NULL;
}

void ft_paths_close(struct ft_index *x)
{
    struct ft_paths *p = &x->paths;

    for (size_t i = 0; p->fields && i < p->n; i++) json_path_free(&p->fields[i]);
    mem_free(p->fields);
    mem_free(p->picks);
    json_path_free(&p->language);
    json_path_free(&p->score);
    json_path_free(&p->payload);
    *p = (struct ft_paths){ 0 };
}

static bool is_field_twice(const struct index_spec *s)
{
    for (size_t i = 0; i < s->n_fields; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(s->fields[i].identifier, s->fields[k].identifier)) return true;
    return false;
}

static struct hash_pick *picks_of(const struct index_spec *s)
{
    struct hash_pick *picks;

    if (is_field_twice(s)) return NULL;
    picks = mem_zalloc((s->n_fields + 1) * sizeof *picks);
    for (size_t i = 0; i < s->n_fields; i++) picks[i].field = s->fields[i].identifier;
    return picks;
}

bool ft_paths_open(struct ft_index *x)
{
    const struct index_spec *s = index_spec(x->ix);
    struct ft_paths *p = &x->paths;

    ft_paths_close(x);
    p->n = s->n_fields;
    if (!s->on_json) {
        p->picks = picks_of(s);
        return true;
    }
    p->fields = mem_zalloc((p->n + 1) * sizeof *p->fields);
    for (size_t i = 0; i < p->n; i++) p->fields[i] = path_of(s->fields[i].identifier);
    p->language = path_of(s->language_field);
    p->score = path_of(s->score_field);
    p->payload = path_of(s->payload_field);
    return true;
}

/* --- values of a field ------------------------------------------------------------------------------------------ */

struct reading {
    struct ft *ft;
    struct ft_index *x;
    struct search_index *to;
    struct str key;
    struct store *store;
    const struct entry *e;
    struct hash hash;
    struct str json;
    struct field_value *fields;
    size_t n;
    bool failed;
    /* of the field at hand */
    struct str *values;
    size_t n_values, cap_values;
};

static void add_value(struct reading *r, struct str v)
{
    if (r->n_values == r->cap_values) {
        struct str *more;

        r->cap_values = r->cap_values ? 2 * r->cap_values : 4;
        more = arena_alloc(&r->ft->arena, r->cap_values * sizeof *more);
        if (r->n_values) memcpy(more, r->values, r->n_values * sizeof *more);
        r->values = more;
    }
    r->values[r->n_values++] = v;
}

static void end_field(struct reading *r, const struct field_spec *f)
{
    r->fields[r->n++] = (struct field_value){ f, r->values, r->n_values };
    r->values = NULL;
    r->n_values = r->cap_values = 0;
}

static void pick_hash(struct reading *r)
{
    const struct index_spec *s = index_spec(r->to);
    struct hash_pick *picks = r->x->paths.picks;

    hash_pick(&r->hash, picks, s->n_fields);
    for (size_t i = 0; i < s->n_fields; i++)
        if (picks[i].value.p) r->fields[r->n++] = (struct field_value){ &s->fields[i], &picks[i].value, 1 };
}

/* One value each, which stays where it is read to. */
static void read_hash(struct reading *r)
{
    const struct index_spec *s = index_spec(r->to);
    struct hash_value {
        struct str v;
        char scratch[NUM_TEXT_MAX];
    } *h = NULL;

    for (size_t i = 0; i < s->n_fields; i++) {
        if (h == NULL) h = arena_alloc(&r->ft->arena, sizeof *h);
        if (!hash_get(&r->hash, s->fields[i].identifier, h->scratch, &h->v)) continue;
        r->fields[r->n++] = (struct field_value){ &s->fields[i], &h->v, 1 };
        h = NULL;
    }
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static struct str unquoted(struct reading *r, struct str text)
{
    struct buf b = { 0 };
    struct str s;

    if (memchr(text.p, '\\', text.n) == NULL) return str_of(text.p + 1, text.n - 2);
    json_unquote(text, &b);
    s = arena_dup(&r->ft->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

static const char *kind_of(struct str v)
{
    return *v.p == '"' ? "String" : *v.p == '{' ? "Object" : *v.p == '[' ? "Array" : *v.p == 't' || *v.p == 'f' ? "Boolean" : "Number";
}

static void wrong_kind(struct reading *r, const struct field_spec *f, struct str v)
{
    static const char *const types[] = { [FIELD_TAG] = "TAG", [FIELD_TEXT] = "TEXT", [FIELD_NUMERIC] = "NUMERIC", [FIELD_GEO] = "GEO",
                                         [FIELD_VECTOR] = "VECTOR" };

    r->failed = true;
    index_fail(r->to, r->key, f, "Invalid JSON type: %s type can not represent %s field", kind_of(v), types[f->type]);
}

static bool is_number(struct str v)
{
    return *v.p == '-' || (*v.p >= '0' && *v.p <= '9');
}

/* A value that is no array: texts for TAG, TEXT and GEO, numbers for NUMERIC. What is null is not there. */
static void scalar(struct reading *r, const struct field_spec *f, struct str v)
{
    bool literal = *v.p == 't' || *v.p == 'f' || is_number(v);

    if (*v.p == 'n') return;
    if (f->type == FIELD_NUMERIC ? is_number(v) : literal && f->type != FIELD_GEO) add_value(r, v);
    else if (*v.p == '"' && f->type != FIELD_NUMERIC) add_value(r, unquoted(r, v));
    else wrong_kind(r, f, v);
}

static void one_value(struct reading *r, const struct field_spec *f, struct str v)
{
    struct json_walk w;
    struct str name, item;

    if (*v.p != '[') {
        scalar(r, f, v);
        return;
    }
    json_open(&w, v);
    while (!r->failed && json_next(&w, &name, &item)) {
        if (*item.p == '[') wrong_kind(r, f, item);
        else scalar(r, f, item);
    }
}

/* --- vectors of numbers ----------------------------------------------------------------------------------------- */

static uint16_t half(float x)
{
    uint32_t b, sign, rest;

    memcpy(&b, &x, sizeof b);
    sign = b >> 16 & 0x8000;
    b &= 0x7fffffff;
    if (b >= 0x47800000) return (uint16_t)(sign | (b > 0x7f800000 ? 0x7e00 : 0x7c00)); /* too large, or none */
    if (b < 0x38800000) { /* a small one: in units of 2^-24 */
        memcpy(&x, &b, sizeof x);
        return (uint16_t)(sign | (uint32_t)rintf(x * 0x1p24f));
    }
    rest = b & 0x1fff;
    b = (b - 0x38000000) >> 13;
    return (uint16_t)(sign | (b + (rest > 0x1000 || (rest == 0x1000 && (b & 1)))));
}

static uint16_t brain(float x)
{
    uint32_t b;

    memcpy(&b, &x, sizeof b);
    return (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16);
}

/* The i-th element of a vector's bytes. False: it does not fit. */
static bool put_element(enum vec_type type, char *at, size_t i, double v)
{
    float x = (float)v;
    uint16_t h = type == VEC_FLOAT16 ? half(x) : brain(x);

    if (!isfinite(v)) return false;
    switch (type) {
    case VEC_FLOAT32: memcpy(at + 4 * i, &x, 4); return isfinite(x);
    case VEC_FLOAT64: memcpy(at + 8 * i, &v, 8); return true;
    case VEC_FLOAT16: memcpy(at + 2 * i, &h, 2); return (h & 0x7c00) != 0x7c00;
    case VEC_BFLOAT16: memcpy(at + 2 * i, &h, 2); return (h & 0x7f80) != 0x7f80;
    case VEC_INT8: at[i] = (char)(int8_t)v; return v >= -128 && v <= 127 && v == rint(v);
    case VEC_UINT8: at[i] = (char)(uint8_t)v; return v >= 0 && v <= 255 && v == rint(v);
    case VEC_BIT: break; /* no field is of bits */
    }
    return false;
}

enum { FLAT_VECTORS_MAX = 4096, GRAPH_VECTORS_MAX = 256 }; /* of a document in a field */

struct elements {
    const struct field_spec *f;
    char *bytes;
    size_t n;
};

static bool element(struct elements *e, struct str v)
{
    double d;

    return is_number(v) && e->n < e->f->vec.dim && num_parse_double(v, &d) && put_element(e->f->vec.type, e->bytes, e->n++, d);
}

static void wrong_vector(struct reading *r, const struct field_spec *f, bool ok)
{
    r->failed = true;
    index_fail(r->to, r->key, f, "Invalid vector: %u numbers are wanted, of type %s", f->vec.dim,
               ok ? "that of the field, and there are not as many" : "that of the field");
}

static void end_vector(struct reading *r, struct elements *e, bool ok)
{
    /* Each is put in one piece, and into a graph that takes long. */
    size_t most = e->f->vec.algorithm == VEC_FLAT ? FLAT_VECTORS_MAX : GRAPH_VECTORS_MAX;

    if (!ok || e->n != e->f->vec.dim) {
        wrong_vector(r, e->f, ok);
    } else if (r->n_values == most) {
        r->failed = true;
        index_fail(r->to, r->key, e->f, "A document has at most %zu vectors in a field of this kind", most);
    } else {
        add_value(r, str_of(e->bytes, vec_bytes(e->f->vec.type, e->f->vec.dim)));
    }
}

static struct elements no_elements(struct reading *r, const struct field_spec *f)
{
    return (struct elements){ f, arena_alloc(&r->ft->arena, vec_bytes(f->vec.type, f->vec.dim)), 0 };
}

/* An array of numbers, or of such arrays; null is none. */
static void vector_of(struct reading *r, const struct field_spec *f, struct str v, bool may_nest)
{
    struct elements e = { f, NULL, 0 };
    struct json_walk w;
    struct str name, item;
    bool ok = *v.p == '[';

    if (*v.p == 'n') return;
    if (ok) json_open(&w, v);
    while (ok && !r->failed && json_next(&w, &name, &item)) {
        if (may_nest && e.bytes == NULL && (*item.p == '[' || *item.p == 'n')) {
            vector_of(r, f, item, false);
            v.n = 0; /* it was one of arrays */
            continue;
        }
        if (e.bytes == NULL) e = no_elements(r, f);
        ok = v.n > 0 && element(&e, item);
    }
    if (!r->failed && (!ok || v.n > 0)) end_vector(r, &e, ok);
}

/* A path that matches arrays, or the numbers of one, one by one. */
static void vectors(struct reading *r, const struct field_spec *f, const struct json_matches *m)
{
    struct elements e;
    bool ok = true;

    if (!is_number(m->items[0].value)) {
        for (size_t i = 0; !r->failed && i < m->n; i++) vector_of(r, f, m->items[i].value, true);
        return;
    }
    e = no_elements(r, f);
    for (size_t i = 0; ok && i < m->n; i++) ok = element(&e, m->items[i].value);
    end_vector(r, &e, ok);
}

static void read_json(struct reading *r)
{
    const struct index_spec *s = index_spec(r->to);
    struct json_matches m = { 0 };

    for (size_t i = 0; i < s->n_fields && !r->failed; i++) {
        const struct field_spec *f = &s->fields[i];

        m.n = 0;
        if (r->x->paths.fields[i] == NULL || !json_path_find(r->x->paths.fields[i], r->json, &m) || m.n == 0) continue;
        if (f->type == FIELD_VECTOR) vectors(r, f, &m);
        for (size_t k = 0; f->type != FIELD_VECTOR && k < m.n && !r->failed; k++) one_value(r, f, m.items[k].value);
        if (r->failed) break;
        if (r->n_values > 0 || *m.items[0].value.p != 'n') end_field(r, f); /* a null is missing */
    }
    json_matches_fini(&m);
}

/* --- a document ------------------------------------------------------------------------------------------------- */

/* Append what a hash's field or a path has as text. A path's first value; a string without its quotes; of null nothing. */
static enum doc_value text_of(struct reading *r, struct str field, const struct json_path *path, struct buf *out)
{
    struct json_matches m = { 0 };
    enum doc_value found = DOC_NONE;
    struct str v;

    if (entry_type(r->e) == VALUE_HASH) {
        char scratch[NUM_TEXT_MAX];

        if (!hash_get(&r->hash, field, scratch, &v)) return DOC_NONE;
        buf_add_str(out, v);
        return DOC_VALUE;
    }
    if (path && json_path_find(path, r->json, &m) && m.n > 0) {
        v = m.items[0].value;
        found = *v.p == 'n' ? DOC_NULL : DOC_VALUE;
        if (*v.p == '"') json_unquote(v, out);
        else if (found == DOC_VALUE) buf_add_str(out, v);
    }
    json_matches_fini(&m);
    return found;
}

static struct str kept_text(struct reading *r, struct str field, const struct json_path *path)
{
    struct buf b = { 0 };
    struct str s = STR("");

    if (field.n == 0) return s;
    if (text_of(r, field, path, &b) == DOC_VALUE) s = arena_dup(&r->ft->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

static double score_of(struct reading *r, const struct index_spec *s)
{
    struct str text;
    double score;

    if (s->score_field.n == 0) return s->score;
    text = kept_text(r, s->score_field, r->x->paths.score);
    return num_parse_double(text, &score) && score >= 0 && score <= 1 ? score : s->score;
}

/* What a filter asks for: a field of the document, by the name of the definition or its own. */
static void filter_field(void *ctx, size_t name, struct datum *out)
{
    struct reading *r = ctx;
    struct str n = expr_name(r->x->filter, name);
    const struct field_spec *f = spec_field(index_spec(r->to), n);
    struct buf b = { 0 };
    struct json_path *path = NULL;
    double d;

    if (str_eq(n, STR("__key"))) {
        *out = datum_text(r->key);
        return;
    }
    if (f) n = f->identifier;
    if (entry_type(r->e) == VALUE_JSON) path = path_of(n);
    if (text_of(r, n, path, &b) == DOC_VALUE) {
        struct str text = arena_dup(&r->ft->arena, buf_str(&b));

        *out = f && f->type == FIELD_NUMERIC && num_parse_double(text, &d) ? datum_number(d) : datum_text(text);
    }
    json_path_free(&path);
    buf_fini(&b);
}

static bool passes(struct reading *r)
{
    struct expr_row row = { .ctx = r, .get = filter_field, .arena = &r->ft->arena,
                            .now_s = (double)server_now_ms(r->ft->server) / 1000 };
    struct buf error = { 0 };
    struct datum d;
    bool ok;

    if (r->x->filter == NULL) return true;
    ok = expr_eval(r->x->filter, &row, &d, &error) && datum_true(&d);
    buf_fini(&error);
    return ok;
}

static bool open_entry(struct reading *r, const struct entry *e)
{
    r->e = e;
    if (entry_type(e) == VALUE_HASH) r->hash = hash_of(r->store, e);
    else if (entry_type(e) == VALUE_JSON) r->json = json_text(e);
    else return false;
    return true;
}

static bool is_large(const struct reading *r)
{
    enum { LARGE = 256 }; /* bytes: words for a few us */
    size_t bytes = r->json.n;

    for (size_t i = 0; i < r->n; i++) {
        if (r->fields[i].field->type == FIELD_VECTOR) return true;
        if (r->fields[i].n > 0) bytes += r->fields[i].values->n;
    }
    return bytes > LARGE;
}

void ft_put(struct ft *f, struct ft_index *x, struct search_index *to, struct str key, const struct entry *e)
{
    const struct index_spec *s = index_spec(to);
    struct reading r = { .ft = f, .x = x, .to = to, .key = key, .store = f->server->store };
    struct doc_content content;

    arena_reset(&f->arena);
    f->was_large = false;
    if (e == NULL || entry_type(e) != (s->on_json ? VALUE_JSON : VALUE_HASH) || !open_entry(&r, e) || !passes(&r)) {
        index_remove(to, key);
        return;
    }
    r.fields = arena_alloc(&f->arena, s->n_fields * sizeof *r.fields);
    if (s->on_json) read_json(&r);
    else if (x->paths.picks) pick_hash(&r);
    else read_hash(&r);
    f->fed++;
    f->was_large = is_large(&r);
    if (r.failed) return; /* and counted */
    content = (struct doc_content){ r.fields, r.n, score_of(&r, s), kept_text(&r, s->language_field, x->paths.language),
                                    kept_text(&r, s->payload_field, x->paths.payload) };
    (void)index_take(to, key, &content);
}

/* --- reading for replies ---------------------------------------------------------------------------------------- */

static bool open_key(struct ft *f, struct str key, struct reading *r)
{
    struct db *db = f->server->store->dbs[0];
    const struct entry *e = db ? db_peek(db, key) : NULL;

    *r = (struct reading){ .ft = f, .store = f->server->store, .key = key };
    return e && open_entry(r, e);
}

/* Rows ask for the same few paths again and again. */
static const struct json_path *path_for(struct ft *f, struct str text)
{
    if (f->last_path && str_eq(buf_str(&f->last_path_text), text)) return f->last_path;
    json_path_free(&f->last_path);
    buf_clear(&f->last_path_text);
    buf_add_str(&f->last_path_text, text);
    f->last_path = path_of(text);
    return f->last_path;
}

static enum doc_value read_field(void *ctx, struct str key, struct str identifier, struct buf *out)
{
    struct ft *f = ctx;
    struct reading r;

    if (!open_key(f, key, &r)) return DOC_NONE;
    return text_of(&r, identifier, entry_type(r.e) == VALUE_JSON ? path_for(f, identifier) : NULL, out);
}

static bool read_all(void *ctx, struct str key, void (*fn)(void *arg, struct str name, struct str value), void *arg)
{
    struct reading r;
    struct hash_iter it;

    if (!open_key(ctx, key, &r)) return false;
    if (entry_type(r.e) == VALUE_JSON) {
        fn(arg, STR("$"), r.json);
        return true;
    }
    hash_iter_start(&it, &r.hash);
    while (hash_next(&it)) fn(arg, it.field, it.value);
    return true;
}

void ft_reader_open(struct ft *f)
{
    f->reader = (struct doc_reader){ f, read_field, read_all };
}

void ft_reader_close(struct ft *f)
{
    json_path_free(&f->last_path);
    buf_fini(&f->last_path_text);
}
