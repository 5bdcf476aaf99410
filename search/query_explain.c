/* query_explain.c -- a query's tree as text, in the form of RediSearch's FT.EXPLAIN. */
#include "base/mem.h"
#include "search/query.h"
#include "text/phonetic.h"

struct explain {
    const struct search_index *ix;
    struct buf *out;
    struct str language;     /* of the stemmer */
    struct stemmer *stemmer; /* NULL: none has been asked for */
};

static void explain(struct explain *e, const struct query_node *n, int depth);

static void pad(const struct explain *e, int depth)
{
    for (int i = 0; i < depth; i++) buf_add(e->out, "  ", 2);
}

static void explain_children(struct explain *e, const struct query_node *n, int depth)
{
    for (size_t i = 0; i < n->n_children; i++) explain(e, n->children[i], depth + 1);
    pad(e, depth);
    buf_add_c(e->out, "}");
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static const struct field_spec *text_field(const struct index_spec *spec, unsigned bit)
{
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (spec->fields[i].type == FIELD_TEXT && spec->fields[i].text_field == bit) return &spec->fields[i];
    }
    return NULL;
}

/* "@a|b:", nothing for all fields. */
static void explain_fields(const struct explain *e, uint64_t fields)
{
    const char *between = "@";

    if (fields == ~0ULL) return;
    if (fields == 0) buf_add_c(e->out, "@NULL");
    for (unsigned bit = 0; bit < TEXT_FIELDS_MAX; bit++) {
        const struct field_spec *f = fields >> bit & 1 ? text_field(index_spec(e->ix), bit) : NULL;

        if (f == NULL) continue;
        buf_printf(e->out, "%s%.*s", between, (int)f->name.n, f->name.p);
        between = "|";
    }
    buf_add_c(e->out, ":");
}

/* Those of `fields` whose words are stemmed. */
static uint64_t stemmed(const struct explain *e, uint64_t fields)
{
    const struct index_spec *spec = index_spec(e->ix);
    uint64_t plain = 0, any = 0;

    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct field_spec *f = &spec->fields[i];

        if (f->type != FIELD_TEXT) continue;
        any |= 1ULL << f->text_field;
        if (f->no_stem) plain |= 1ULL << f->text_field;
    }
    if (fields == ~0ULL) return any & ~plain ? ~0ULL : 0;
    return fields & any & ~plain;
}

static void explain_line(const struct explain *e, int depth, uint64_t fields, const char *before, struct str word, const char *behind)
{
    pad(e, depth);
    explain_fields(e, fields);
    buf_add_c(e->out, before);
    buf_add_str(e->out, word);
    buf_add_c(e->out, behind);
    buf_add_c(e->out, "\n");
}

static void explain_stem(const struct explain *e, struct stemmer *s, struct str word, uint64_t fields, int depth)
{
    struct str stem = stemmer_stem(s, word);

    explain_line(e, depth, fields, "+", stem, "(expanded)");
    if (!str_eq(stem, word)) explain_line(e, depth, fields, "", stem, "(expanded)");
}

/* The code of the word, where one of its fields is phonetic. How many bytes; 0: it has none. */
static size_t sound_of(const struct explain *e, const struct query_node *n, char code[PHONETIC_MAX])
{
    const struct index_spec *spec = index_spec(e->ix);
    const struct text_word *w = &n->text.words[0];
    bool phonetic = false;

    for (size_t i = 0; i < spec->n_fields; i++)
        phonetic |= spec->fields[i].phonetic.n > 0 && (n->text.fields >> spec->fields[i].text_field & 1);
    return phonetic && !w->no_sound && !w->verbatim ? phonetic_code(w->word, code) : 0;
}

/* Words of a query are mostly of one language. NULL: it has none. */
static struct stemmer *stemmer_of(struct explain *e, struct str language)
{
    if (e->stemmer == NULL || !str_eq(e->language, language)) {
        stemmer_free(&e->stemmer);
        e->stemmer = stemmer_new(language);
        e->language = language;
    }
    return e->stemmer;
}

/* A word as the union of itself, its code and its stem. False: it has neither. */
static bool explain_union(struct explain *e, const struct query_node *n, int depth)
{
    const struct text_word *w = &n->text.words[0];
    struct str language = n->text.language.n > 0 ? n->text.language : index_spec(e->ix)->language;
    uint64_t fields = stemmed(e, n->text.fields);
    struct stemmer *s = w->verbatim || fields == 0 ? NULL : stemmer_of(e, language.n > 0 ? language : STR("english"));
    char code[PHONETIC_MAX];
    size_t n_code = sound_of(e, n, code);

    if (s == NULL && n_code == 0) return false;
    pad(e, depth);
    explain_fields(e, n->text.fields);
    buf_add_c(e->out, "UNION {\n");
    explain_line(e, depth + 1, n->text.fields, "", w->word, "");
    if (n_code > 0) explain_line(e, depth + 1, n->text.fields, "<", str_of(code, n_code), "(expanded)");
    if (s != NULL) explain_stem(e, s, w->word, fields, depth + 1);
    pad(e, depth);
    buf_add_c(e->out, "}");
    return true;
}

static void explain_word(const struct explain *e, const struct text_word *w)
{
    static const char *const forms[] = {
        [TEXT_WORD] = "%.*s",     [TEXT_PREFIX] = "PREFIX{%.*s*}", [TEXT_SUFFIX] = "SUFFIX{*%.*s}",
        [TEXT_INFIX] = "INFIX{*%.*s*}", [TEXT_FUZZY] = "FUZZY{%.*s}",    [TEXT_WILDCARD] = "WILDCARD{%.*s}",
    };
    const char *hole = strstr(forms[w->how], "%.*s");

    buf_add(e->out, forms[w->how], (size_t)(hole - forms[w->how]));
    buf_add_str(e->out, w->word);
    buf_add_c(e->out, hole + 4);
}

static void explain_text(struct explain *e, const struct query_node *n, int depth)
{
    if (n->text.n == 1) {
        if (n->text.words[0].how == TEXT_WORD && !n->exact && explain_union(e, n, depth)) return;
        pad(e, depth);
        explain_fields(e, n->text.fields);
        explain_word(e, &n->text.words[0]);
        return;
    }
    pad(e, depth);
    explain_fields(e, n->text.fields);
    buf_add_c(e->out, n->exact ? "EXACT {\n" : "INTERSECT {\n");
    for (size_t i = 0; i < n->text.n; i++) {
        pad(e, depth + 1);
        explain_fields(e, n->text.fields);
        explain_word(e, &n->text.words[i]);
        buf_add_c(e->out, "\n");
    }
    pad(e, depth);
    buf_add_c(e->out, "}");
}

/* --- the others -------------------------------------------------------------------------------------------------- */

static void explain_vector(struct explain *e, const struct query_node *n, int depth)
{
    struct str field = n->field->name, param = n->near->param;

    buf_add_c(e->out, "VECTOR {");
    if (n->n_children > 0) {
        buf_add_c(e->out, "\n");
        explain_children(e, n, depth);
        buf_add_c(e->out, " => {");
    }
    if (n->near->range) buf_printf(e->out, "Vectors that are within %g distance radius from `$%.*s` ", n->near->vec.radius, (int)param.n, param.p);
    else buf_printf(e->out, "K=%u nearest vectors to `$%.*s` ", n->near->vec.k, (int)param.n, param.p);
    buf_printf(e->out, "in vector index associated with field @%.*s", (int)field.n, field.p);
    for (size_t i = 0; i < n->near->n_options; i++) {
        struct str name = n->near->options[i].name, value = n->near->options[i].value;

        buf_printf(e->out, ", %.*s = %.*s", (int)name.n, name.p, (int)value.n, value.p);
    }
    if (n->near->distance_as.n > 0) buf_printf(e->out, ", yields distance as `%.*s`", (int)n->near->distance_as.n, n->near->distance_as.p);
    buf_add_c(e->out, "}");
}

static void explain_leaf(const struct explain *e, const struct query_node *n)
{
    struct str field = n->field ? n->field->name : (struct str){ NULL, 0 };

    switch (n->kind) {
    case QUERY_ALL: buf_add_c(e->out, "<WILDCARD>"); break;
    case QUERY_TAG:
        explain_word(e, &(struct text_word){ .how = n->how, .word = n->tag.n > 0 ? n->tag : STR("\"\"") });
        break;
    case QUERY_RANGE:
        buf_printf(e->out, "NUMERIC {%f %s @%.*s %s %f}", n->lo, n->lo_open ? "<" : "<=", (int)field.n, field.p,
                   n->hi_open ? "<" : "<=", n->hi);
        break;
    case QUERY_GEO:
        buf_printf(e->out, "GEO %.*s:{%f,%f --> %f m}", (int)field.n, field.p, n->lon, n->lat, n->radius_m);
        break;
    case QUERY_EMPTY: buf_printf(e->out, "@%.*s:\"\"", (int)field.n, field.p); break;
    case QUERY_MISSING: buf_printf(e->out, "ISMISSING{%.*s}", (int)field.n, field.p); break;
    case QUERY_IDS:
        buf_add_c(e->out, "IDS {");
        for (uint32_t d = docset_next(&n->ids, 0); d != UINT32_MAX; d = docset_next(&n->ids, d + 1)) buf_printf(e->out, "%u,", d);
        buf_add_c(e->out, "}");
        break;
    default: buf_add_c(e->out, "<empty>"); break;
    }
}

static void begin_inner(const struct explain *e, const struct query_node *n)
{
    static const char *const names[] = {
        [QUERY_AND] = "INTERSECT {\n", [QUERY_OR] = "UNION {\n", [QUERY_NOT] = "NOT{\n", [QUERY_MAYBE] = "OPTIONAL{\n",
    };

    if (n->field != NULL) buf_printf(e->out, "TAG:@%.*s {\n", (int)n->field->name.n, n->field->name.p);
    else buf_add_c(e->out, names[n->kind]);
}

static bool is_inner(const struct query_node *n)
{
    return n->kind == QUERY_AND || n->kind == QUERY_OR || n->kind == QUERY_NOT || n->kind == QUERY_MAYBE;
}

/* What is said of the whole of n, and its end. */
static void end_node(const struct explain *e, const struct query_node *n)
{
    bool near = n->slop >= 0 || n->in_order;

    if (n->weight != 1 || near) {
        buf_add_c(e->out, " => {");
        if (n->weight != 1) buf_printf(e->out, " $weight: %g;", n->weight);
        if (n->slop >= 0) buf_printf(e->out, " $slop: %d;", n->slop);
        if (near) buf_printf(e->out, " $inorder: %s;", n->in_order ? "true" : "false");
        buf_add_c(e->out, " }");
    }
    buf_add_c(e->out, "\n");
}

static void explain(struct explain *e, const struct query_node *n, int depth)
{
    if (n->kind == QUERY_TEXT) {
        explain_text(e, n, depth);
    } else {
        pad(e, depth);
        if (n->kind == QUERY_VECTOR) {
            explain_vector(e, n, depth);
        } else if (is_inner(n)) {
            begin_inner(e, n);
            explain_children(e, n, depth);
        } else {
            explain_leaf(e, n);
        }
    }
    end_node(e, n);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

struct explanation {
    struct explain e;
    const struct query_node *q;
    size_t at; /* the child of the root that is next */
};

struct explanation *explanation_new(const struct query_node *q, const struct search_index *ix)
{
    struct explanation *x = mem_zalloc(sizeof *x);

    x->e.ix = ix;
    x->q = q;
    return x;
}

bool explanation_step(struct explanation *x, size_t n, struct buf *out)
{
    struct explain *e = &x->e;
    const struct query_node *q = x->q;

    e->out = out;
    if (!is_inner(q)) {
        explain(e, q, 0);
        return true;
    }
    if (x->at == 0) begin_inner(e, q);
    for (; n > 0 && x->at < q->n_children; n--) explain(e, q->children[x->at++], 1);
    if (x->at < q->n_children) return false;
    buf_add_c(out, "}");
    end_node(e, q);
    return true;
}

void explanation_free(struct explanation **x)
{
    if (*x == NULL) return;
    stemmer_free(&(*x)->e.stemmer);
    mem_free(*x);
    *x = NULL;
}

void query_explain(const struct query_node *q, const struct search_index *ix, struct buf *out)
{
    struct explanation *x = explanation_new(q, ix);

    (void)explanation_step(x, SIZE_MAX, out);
    explanation_free(&x);
}
