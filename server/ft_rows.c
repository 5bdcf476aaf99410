/* ft_rows.c -- see ft_rows.h. */
#include "server/ft_rows.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/ft_expand.h"

enum { DIALECT_ARRAYS = 3 }; /* from here on a JSONPath's values are an array */

void ft_rows_fini(struct ft_rows *r)
{
    ft_pieces_fini(&r->pieces);
    buf_fini(&r->scratch);
    buf_fini(&r->marked);
    highlighter_free(&r->highlighter);
}

struct str ft_number(char out[32], double v)
{
    int n = snprintf(out, 32, "%.12g", v);

    return str_of(out, (size_t)n);
}

/* --- marks ------------------------------------------------------------------------------------------------------- */

static size_t count_words(const struct query_node *q)
{
    size_t n = q->kind == QUERY_TEXT ? q->text.n : 0;

    if (q->kind == QUERY_NOT) return 0;
    for (size_t i = 0; i < q->n_children; i++) n += count_words(q->children[i]);
    return n;
}

static void collect_words(const struct query_node *q, struct highlight_word *words, size_t *n)
{
    if (q->kind == QUERY_NOT) return;
    for (size_t i = 0; q->kind == QUERY_TEXT && i < q->text.n; i++) {
        words[(*n)++] = (struct highlight_word){ q->text.words[i], q->text.fields };
    }
    for (size_t i = 0; i < q->n_children; i++) collect_words(q->children[i], words, n);
}

struct highlighter *ft_words_of(const struct search_index *ix, const struct query_node *tree, struct str language, struct arena *a)
{
    struct highlight_word *words;
    size_t n = 0;

    if (index_text(ix) == NULL) return NULL;
    words = arena_alloc(a, (count_words(tree) + 1) * sizeof *words);
    collect_words(tree, words, &n);
    return highlighter_new(index_text(ix), words, n, language);
}

void ft_rows_mark(struct ft_rows *r, const struct query_node *tree)
{
    if (r->ask->highlight.on || r->ask->summarize.on) r->highlighter = ft_words_of(r->ix, tree, r->ask->rules.language, r->ask->arena);
}

static bool concerns(const struct ask_marks *m, const struct field_spec *f)
{
    if (!m->on || m->n == 0) return m->on;
    for (size_t i = 0; i < m->n; i++) {
        if (str_eq(m->fields[i], f->name) || str_eq(m->fields[i], f->identifier)) return true;
    }
    return false;
}

/* The value of a field as it is to be shown. */
static struct str shown(struct ft_rows *r, const struct field_spec *f, struct str value)
{
    const struct ft_ask *ask = r->ask;
    struct highlight_rules rules = highlight_defaults;

    if (r->highlighter == NULL || f == NULL || f->type != FIELD_TEXT) return value;
    rules.mark = concerns(&ask->highlight, f);
    rules.summarize = concerns(&ask->summarize, f);
    if (!rules.mark && !rules.summarize) return value;
    if (rules.mark) {
        rules.open = ask->highlight.open;
        rules.close = ask->highlight.close;
    }
    if (rules.summarize) {
        rules.fragments = (size_t)ask->summarize.fragments;
        rules.words = (size_t)ask->summarize.words;
        rules.separator = ask->summarize.separator;
    }
    buf_clear(&r->marked);
    highlight(r->highlighter, value, f->text_field, &rules, &r->marked);
    return buf_str(&r->marked);
}

static const struct field_spec *by_identifier(const struct ft_rows *r, struct str identifier)
{
    const struct index_spec *spec = index_spec(r->ix);

    for (size_t i = 0; r->highlighter != NULL && i < spec->n_fields; i++) {
        if (str_eq(spec->fields[i].identifier, identifier)) return &spec->fields[i];
    }
    return NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* What identifier says of the document, into scratch. */
static enum doc_value read_value(struct ft_rows *r, uint32_t doc, struct str identifier)
{
    struct str key = index_key(r->ix, doc);
    bool is_path = identifier.n > 0 && (identifier.p[0] == '$' || r->ask->expand);
    bool arrays = r->ask->rules.dialect >= DIALECT_ARRAYS && index_spec(r->ix)->on_json && is_path;

    buf_clear(&r->scratch);
    if (arrays) return ft_matches(r->reader, key, identifier, &r->scratch) ? DOC_VALUE : DOC_NONE;
    return r->reader->field(r->reader->ctx, key, identifier, &r->scratch);
}

/* A field that RETURN names, into scratch (with FORMAT EXPAND as JSON): a distance, what every document has, a field of the index, or
 * what lies in the key. */
static enum doc_value read_returned(struct ft_rows *r, uint32_t doc, struct str identifier)
{
    const struct field_spec *f = spec_field(index_spec(r->ix), identifier);
    char number[32];
    double v;

    if (f != NULL) return read_value(r, doc, f->identifier);
    buf_clear(&r->scratch);
    if (run_distance(r->run, identifier, doc, &v)) {
        buf_add_str(&r->scratch, ft_number(number, v));
    } else if (str_eq(identifier, STR("__score"))) {
        buf_add_str(&r->scratch, ft_number(number, run_score(r->run, doc)));
    } else if (str_eq(identifier, STR("__key"))) {
        if (r->ask->expand) json_quote(&r->scratch, index_key(r->ix, doc));
        else buf_add_str(&r->scratch, index_key(r->ix, doc));
    } else {
        return read_value(r, doc, identifier);
    }
    return DOC_VALUE;
}

/* f NULL: it is of no field. */
static void write_pair(struct ft_rows *r, struct reply *out, struct str name, const struct field_spec *f, struct str value)
{
    reply_bulk(out, name);
    if (r->ask->expand) ft_expand(out, value);
    else reply_bulk(out, shown(r, f, value));
}

/* What lies in scratch, of field f. */
static void write_read(struct ft_rows *r, struct reply *out, struct str name, const struct field_spec *f, enum doc_value has)
{
    if (has == DOC_VALUE) {
        write_pair(r, out, name, f, buf_str(&r->scratch));
        return;
    }
    reply_bulk(out, name);
    reply_null(out);
}

/* --- fields ------------------------------------------------------------------------------------------------------ */

static size_t write_returned(struct ft_rows *r, struct reply *out, uint32_t doc)
{
    size_t n = 0;

    for (size_t i = 0; i < r->ask->n_fields; i++) {
        const struct ask_field *f = &r->ask->fields[i];
        const struct field_spec *spec = spec_field(index_spec(r->ix), f->identifier);
        enum doc_value has = read_returned(r, doc, f->identifier);

        if (has == DOC_NONE) continue;
        write_read(r, out, f->name, spec ? spec : by_identifier(r, f->identifier), has);
        n++;
    }
    return n;
}

struct all_fields {
    struct ft_rows *rows;
    struct reply *out;
    struct str skip; /* written already */
    size_t n;
};

static void write_one(void *arg, struct str name, struct str value)
{
    struct all_fields *a = arg;

    if (a->skip.n > 0 && str_eq(name, a->skip)) return;
    if (index_spec(a->rows->ix)->on_json && a->rows->ask->rules.dialect >= DIALECT_ARRAYS) {
        buf_clear(&a->rows->scratch);
        buf_add_c(&a->rows->scratch, "[");
        buf_add_str(&a->rows->scratch, value);
        buf_add_c(&a->rows->scratch, "]");
        value = buf_str(&a->rows->scratch);
    }
    write_pair(a->rows, a->out, name, by_identifier(a->rows, name), value);
    a->n++;
}

/* Distances, the field that they are sorted by, and the document. False: the key is gone. */
static bool write_all(struct ft_rows *r, struct reply *out, uint32_t doc, size_t *n)
{
    struct all_fields all = { .rows = r, .out = out };
    struct str names[8];
    size_t n_names = run_distances(r->run, names, sizeof names / sizeof *names);
    char number[32];
    double v;

    if (n_names > sizeof names / sizeof *names) n_names = sizeof names / sizeof *names;
    for (size_t i = 0; i < n_names; i++) {
        if (!run_distance(r->run, names[i], doc, &v)) continue;
        write_pair(r, out, names[i], NULL, ft_number(number, v));
        all.n++;
    }
    enum doc_value has = r->sort_field != NULL ? read_value(r, doc, r->sort_field->identifier) : DOC_NONE;

    if (has != DOC_NONE) {
        all.skip = r->sort_field->name;
        write_read(r, out, all.skip, r->sort_field, has);
        all.n++;
    }
    if (!r->reader->all(r->reader->ctx, index_key(r->ix, doc), write_one, &all)) return false;
    *n = all.n;
    return true;
}

static bool write_fields(struct ft_rows *r, struct reply *out, uint32_t doc)
{
    size_t mark = reply_mark(out), n = 0;

    if (r->ask->returns) n = write_returned(r, out, doc);
    else if (!write_all(r, out, doc, &n)) return false;
    reply_map_at(out, mark, n);
    return true;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void name_part(struct reply *out, const char *name)
{
    if (out->resp >= 3) reply_simple(out, name);
}

static void write_score(struct ft_rows *r, struct reply *out, uint32_t doc)
{
    double score = run_score(r->run, doc), own = index_score(r->ix, doc);

    name_part(out, "score");
    if (!r->ask->explain_score) {
        reply_double(out, score);
        return;
    }
    reply_array(out, 2);
    reply_double(out, score);
    char text[160];

    snprintf(text, sizeof text, "Final score %.2f: words %.2f * document score %.2f", score, own != 0 ? score / own : 0, own);
    reply_array(out, 1);
    reply_bulk_c(out, text);
}

static void write_payload(struct ft_rows *r, struct reply *out, uint32_t doc)
{
    struct str payload = index_payload(r->ix, doc);

    name_part(out, "payload");
    if (payload.n > 0) reply_bulk(out, payload);
    else reply_null(out);
}

/* "#number" or "$text". */
static void write_sort_key(struct ft_rows *r, struct reply *out, const struct ranked *ranked)
{
    name_part(out, "sortkey");
    if (r->ask->sort_by.n == 0 || ranked->kind == RANK_NOTHING) {
        reply_null(out);
        return;
    }
    buf_clear(&r->scratch);
    if (ranked->kind == RANK_NUMBER) {
        buf_printf(&r->scratch, "#%.17g", ranked->number);
    } else {
        buf_add_c(&r->scratch, "$");
        buf_add_str(&r->scratch, ranked->text);
    }
    reply_bulk(out, buf_str(&r->scratch));
}

size_t ft_rows_parts(const struct ft_ask *ask)
{
    return 1 + (size_t)ask->with_scores + ask->with_payloads + ask->with_sort_keys + !ask->no_content;
}

void ft_rows_add(struct ft_rows *r, const struct ranked *ranked)
{
    struct reply out = { .resp = r->resp };
    uint32_t doc = ranked->doc;
    size_t mark;

    if (!index_alive(r->ix, doc)) return;
    out.out = ft_pieces_room(&r->pieces, r->ix);
    mark = reply_mark(&out);
    if (r->resp >= 3) reply_map(&out, ft_rows_parts(r->ask) + 1);
    name_part(&out, "id");
    reply_bulk(&out, index_key(r->ix, doc));
    if (r->ask->with_scores) write_score(r, &out, doc);
    if (r->ask->with_payloads) write_payload(r, &out, doc);
    if (r->ask->with_sort_keys) write_sort_key(r, &out, ranked);
    if (!r->ask->no_content) {
        name_part(&out, "extra_attributes");
        if (!write_fields(r, &out, doc)) {
            reply_undo(&out, mark);
            r->n_gone++;
            return;
        }
    }
    if (r->resp >= 3) {
        name_part(&out, "values");
        reply_array(&out, 0);
    }
    ft_pieces_row(&r->pieces, doc);
}

size_t ft_rows_memory(const struct ft_rows *r)
{
    return ft_pieces_memory(&r->pieces) + r->scratch.cap + r->marked.cap;
}
