/* ft_source.c -- documents as rows of an aggregation: see ft_aggregate.h.
 *
 * A number comes from its field's column, all else from the key as it is now. */
#include "base/json_path.h"
#include "server/ft.h"
#include "server/ft_aggregate.h"
#include "server/ft_rows.h"
#include "server/lazy.h"
#include "text/words.h"
#include "server/ft_expand.h"

enum { TERMS_MAX = 256 };

static const struct field_spec *field_of(const struct ft_source *s, struct str name)
{
    const struct field_spec *f = spec_field(index_spec(s->ix), name);

    if (f != NULL || name.n < 2 || name.p[0] != '$') return f;
    for (size_t i = 0; i < index_spec(s->ix)->n_fields; i++) /* by its path */
        if (str_eq(index_spec(s->ix)->fields[i].identifier, name)) return &index_spec(s->ix)->fields[i];
    return NULL;
}

static bool is_distance(const struct ft_source *s, struct str name)
{
    struct str names[64];
    size_t n = s->run != NULL ? run_distances(s->run, names, 64) : 0;

    for (size_t i = 0; i < n && i < 64; i++)
        if (str_eq(names[i], name)) return true;
    return s->has_number != NULL && s->has_number(s->ctx, name);
}

static bool find(void *ctx, struct aggregate_field *f)
{
    struct ft_source *s = ctx;

    if (is_distance(s, f->path) || str_eq(f->path, STR("__key")) || str_eq(f->path, STR("__score"))) return true;
    f->known = field_of(s, f->path);
    return f->known != NULL;
}

static uint32_t next(void *ctx)
{
    struct ft_source *s = ctx;
    uint32_t doc;

    if (s->docs != NULL) {
        while (s->next < s->n_docs && !index_alive(s->ix, s->docs[s->next])) s->next++;
        return s->next < s->n_docs ? s->docs[s->next++] : UINT32_MAX;
    }
    do {
        doc = docset_next(s->found, s->next_doc);
        s->next_doc = doc != UINT32_MAX ? doc + 1 : UINT32_MAX;
    } while (doc != UINT32_MAX && !index_alive(s->ix, doc));
    return doc;
}

/* What is known without a look at the key. */
static bool read_number(struct ft_source *s, uint32_t doc, const struct aggregate_field *f, double *out)
{
    const struct field_spec *spec = f->known;

    if (spec != NULL) return spec->type == FIELD_NUMERIC && index_number(s->ix, spec, doc, out);
    if (s->number != NULL && s->number(s->ctx, f->path, doc, out)) return true;
    if (s->run == NULL) return false;
    if (run_distance(s->run, f->path, doc, out)) return true;
    if (!str_eq(f->path, STR("__score"))) return false;
    *out = run_score(s->run, doc);
    return true;
}

/* No number was found in it: an empty array of them has no value, and does not end a query that computes with the others'. */
static bool is_no_number(const struct ft_source *s, const struct field_spec *f, struct str text)
{
    return f->type == FIELD_NUMERIC && index_spec(s->ix)->on_json && text.n > 0 && *text.p == '[';
}

/* As RediSearch: SORTABLE without UNF stands for the value as it is sorted by, but where LOAD asks for what the document has. */
static bool is_folded(const struct ft_source *s, const struct aggregate_field *f)
{
    const struct field_spec *spec = f->known;

    return f->implied && spec != NULL && spec->sortable && !spec->unf && (spec->type == FIELD_TEXT || spec->type == FIELD_TAG) &&
           !index_spec(s->ix)->on_json;
}

static void read_value(void *ctx, uint32_t doc, const struct aggregate_field *f, struct arena *a, struct datum *out)
{
    struct ft_source *s = ctx;
    const struct field_spec *spec = f->known;
    double x;

    if (!index_alive(s->ix, doc)) return;
    if (read_number(s, doc, f, &x)) {
        *out = datum_number(x);
    } else if (str_eq(f->path, STR("__key"))) {
        *out = datum_text(arena_dup(a, index_key(s->ix, doc)));
    } else {
        struct str field = spec != NULL ? spec->identifier : f->path;

        buf_clear(&s->scratch);
        if (s->reader->field(s->reader->ctx, index_key(s->ix, doc), field, &s->scratch) != DOC_VALUE) return;
        if (is_folded(s, f)) {
            buf_clear(&s->folded);
            words_fold(buf_str(&s->scratch), 0, &s->folded);
            *out = datum_text(arena_dup(a, buf_str(&s->folded)));
            return;
        }
        if (spec != NULL && is_no_number(s, spec, buf_str(&s->scratch))) return;
        *out = datum_text(arena_dup(a, buf_str(&s->scratch)));
        if (spec != NULL && spec->type == FIELD_NUMERIC && datum_to_number(out, &x)) *out = datum_number(x);
    }
}

static void all(void *ctx, uint32_t doc, void (*fn)(void *arg, struct str name, struct str value), void *arg)
{
    struct ft_source *s = ctx;

    if (index_alive(s->ix, doc)) s->reader->all(s->reader->ctx, index_key(s->ix, doc), fn, arg);
}

static bool alive(void *ctx, uint32_t doc)
{
    return index_alive(((struct ft_source *)ctx)->ix, doc);
}

/* --- matched_terms() ---------------------------------------------------------------------------------------------- */

struct met {
    struct arena *arena;
    struct datum items[TERMS_MAX];
    uint32_t n;
};

static void note_word(void *ctx, struct str word)
{
    struct met *m = ctx;

    for (uint32_t i = 0; i < m->n; i++)
        if (str_eq(m->items[i].u.text, word)) return;
    if (m->n < TERMS_MAX) m->items[m->n++] = datum_text(arena_dup(m->arena, word));
}

static void terms(void *ctx, uint32_t doc, struct arena *a, struct datum *out)
{
    struct ft_source *s = ctx;
    const struct index_spec *spec = index_spec(s->ix);
    struct met m = { .arena = a };
    struct datum *items;

    if (s->tree == NULL || !index_alive(s->ix, doc)) return;
    if (s->words == NULL) s->words = ft_words_of(s->ix, s->tree, s->language, s->arena);
    for (size_t i = 0; s->words != NULL && i < spec->n_fields; i++) {
        if (spec->fields[i].type != FIELD_TEXT || spec->fields[i].no_index) continue;
        buf_clear(&s->scratch);
        if (s->reader->field(s->reader->ctx, index_key(s->ix, doc), spec->fields[i].identifier, &s->scratch) != DOC_VALUE) continue;
        highlight_words(s->words, buf_str(&s->scratch), spec->fields[i].text_field, note_word, &m);
    }
    items = arena_alloc(a, (m.n + 1) * sizeof *items);
    memcpy(items, m.items, m.n * sizeof *items);
    *out = (struct datum){ .kind = DATUM_LIST, .n = m.n, .u = { .items = items } };
}

static void expand(void *ctx, uint32_t doc, const struct aggregate_field *f, struct arena *a, struct datum *out)
{
    struct ft_source *s = ctx;
    const struct field_spec *spec = f->known;
    struct str path = spec != NULL ? spec->identifier : f->path;

    if (!index_alive(s->ix, doc) || path.n == 0 || path.p[0] != '$') return; /* a distance, __key */
    buf_clear(&s->scratch);
    if (ft_matches(s->reader, index_key(s->ix, doc), path, &s->scratch)) *out = datum_json(arena_dup(a, buf_str(&s->scratch)));
}

void ft_source_init(struct ft_source *s, struct server *server, struct search_index *ix)
{
    *s = (struct ft_source){ .source = { s, find, next, read_value, all, alive, terms, expand },
                             .ix = ix,
                             .departed = index_departed(ix),
                             .reader = ft_reader(server->ft) };
}

void ft_source_fini(struct ft_source *s)
{
    highlighter_free(&s->words);
    buf_fini(&s->scratch);
    buf_fini(&s->folded);
}

static void bury(void *arg)
{
    struct aggregate *g = arg;

    aggregate_free(&g);
}

void ft_aggregate_free(struct server *s, struct aggregate **g)
{
    enum { LARGE = 256 * 1024 };
    size_t bytes = *g != NULL ? aggregate_memory(*g) : 0;

    if (bytes > LARGE && s->lazy != NULL) lazy_defer_bytes(s->lazy, bury, *g, bytes);
    else aggregate_free(g);
    *g = NULL;
}

struct aggregate_conf ft_aggregate_conf(const struct server *s)
{
    struct aggregate_conf c = {
        .now_s = (double)s->store->now_ms / 1000,
        .bytes_max = s->conf->search_aggregate_memory,
        .rows_max = (size_t)s->conf->search_max_results,
    };

    rng_secret(&c.hash, sizeof c.hash);
    rng_secret(&c.seed, sizeof c.seed);
    return c;
}
