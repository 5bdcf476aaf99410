/* spec_say.c -- a definition said again, and compared. */
#include "base/num.h"
#include "search/spec_impl.h"

struct saying {
    void (*fn)(void *ctx, struct str arg);
    void *ctx;
};

static void say(const struct saying *to, const char *word)
{
    to->fn(to->ctx, str_c(word));
}

static void say_number(const struct saying *to, const char *word, double v)
{
    char text[NUM_TEXT_MAX];

    say(to, word);
    to->fn(to->ctx, str_of(text, num_double(text, v)));
}

static void say_pair(const struct saying *to, const char *word, struct str value)
{
    if (value.n == 0) return;
    say(to, word);
    to->fn(to->ctx, value);
}

static void say_list(const struct saying *to, const char *word, const struct str *items, size_t n)
{
    say_number(to, word, (double)n);
    for (size_t i = 0; i < n; i++) to->fn(to->ctx, items[i]);
}

static void say_flag(const struct saying *to, bool is, const char *word)
{
    if (is) say(to, word);
}

static void say_vector(const struct saying *to, const struct field_spec *f)
{
    bool graph = f->vec.algorithm == VEC_HNSW;

    say(to, "VECTOR");
    say_number(to, spec_vec_algorithm(f), graph ? f->svs ? 12 : 14 : 6);
    say_pair(to, "TYPE", str_c(spec_vec_type(f->vec.type)));
    say_number(to, "DIM", f->vec.dim);
    say_pair(to, "DISTANCE_METRIC", str_c(spec_vec_metric(f->vec.metric)));
    if (!graph) return;
    if (!f->svs) say_number(to, "M", f->vec.m);
    say_number(to, f->svs ? "CONSTRUCTION_WINDOW_SIZE" : "EF_CONSTRUCTION", f->vec.ef_construction);
    say_number(to, f->svs ? "SEARCH_WINDOW_SIZE" : "EF_RUNTIME", f->vec.ef_runtime);
    say_number(to, "EPSILON", f->vec.epsilon);
}

static void say_field(const struct saying *to, const struct field_spec *f, bool on_json)
{
    to->fn(to->ctx, f->identifier);
    if (!str_eq(f->identifier, f->name)) say_pair(to, "AS", f->name);
    switch (f->type) {
    case FIELD_TAG:
        say(to, "TAG");
        if (f->separator || !on_json) say_pair(to, "SEPARATOR", str_of(&f->separator, 1));
        say_flag(to, f->case_sensitive, "CASESENSITIVE");
        break;
    case FIELD_TEXT:
        say(to, "TEXT");
        if (f->weight != 1) say_number(to, "WEIGHT", f->weight);
        say_flag(to, f->no_stem, "NOSTEM");
        say_pair(to, "PHONETIC", f->phonetic);
        break;
    case FIELD_NUMERIC: say(to, "NUMERIC"); break;
    case FIELD_GEO: say(to, "GEO"); break;
    case FIELD_VECTOR: say_vector(to, f); break;
    }
    say_flag(to, f->suffixes, "WITHSUFFIXTRIE");
    say_flag(to, f->index_empty, "INDEXEMPTY");
    say_flag(to, f->index_missing, "INDEXMISSING");
    say_flag(to, f->sortable, "SORTABLE");
    say_flag(to, f->sortable && f->unf, "UNF");
    say_flag(to, f->no_index, "NOINDEX");
}

static void say_rules(const struct saying *to, const struct index_spec *s)
{
    say_pair(to, "ON", s->on_json ? STR("JSON") : STR("HASH"));
    say_list(to, "PREFIX", s->prefixes, s->n_prefixes);
    say_pair(to, "FILTER", s->filter);
    say_pair(to, "LANGUAGE", s->language);
    say_pair(to, "LANGUAGE_FIELD", s->language_field);
    if (s->score != 1) say_number(to, "SCORE", s->score);
    say_pair(to, "SCORE_FIELD", s->score_field);
    say_pair(to, "PAYLOAD_FIELD", s->payload_field);
    say_flag(to, s->max_text_fields, "MAXTEXTFIELDS");
    if (s->temporary_s) say_number(to, "TEMPORARY", (double)s->temporary_s);
    say_flag(to, s->no_offsets, "NOOFFSETS");
    say_flag(to, s->no_highlight, "NOHL");
    say_flag(to, s->no_fields, "NOFIELDS");
    say_flag(to, s->no_freqs, "NOFREQS");
    say_flag(to, s->skip_initial_scan, "SKIPINITIALSCAN");
    if (s->index_all) say_pair(to, "INDEXALL", STR("ENABLE"));
    if (s->own_stop_words) say_list(to, "STOPWORDS", s->stop_words, s->n_stop_words);
    say(to, "SCHEMA");
}

size_t spec_say(const struct index_spec *s, size_t from, void (*fn)(void *ctx, struct str arg), void *ctx)
{
    struct saying to = { fn, ctx };
    size_t at = from;

    fn(ctx, s->name);
    if (from == 0) {
        say_rules(&to, s);
    } else {
        say(&to, "SCHEMA");
        say(&to, "ADD");
    }
    do say_field(&to, &s->fields[at++], s->on_json);
    while (at < s->n_fields && !spec_is_option(&s->fields[at - 1], s->fields[at].identifier));
    return at;
}

/* Each argument behind its length. */
static void gather(void *ctx, struct str arg)
{
    struct buf *b = ctx;

    buf_add(b, &arg.n, sizeof arg.n);
    buf_add_str(b, arg);
}

/* All of it but the name, which comes first. */
static struct buf without_name(const struct index_spec *s)
{
    struct buf all = { 0 }, b = { 0 };
    size_t skip = sizeof(size_t) + s->name.n;

    for (size_t at = 0; at < s->n_fields; buf_clear(&b)) {
        at = spec_say(s, at, gather, &b);
        buf_add(&all, &at, sizeof at);
        buf_add(&all, b.p + skip, b.n - skip);
    }
    buf_fini(&b);
    return all;
}

bool spec_same(const struct index_spec *a, const struct index_spec *b)
{
    struct buf x = without_name(a), y = without_name(b);
    bool same = str_eq(buf_str(&x), buf_str(&y));

    buf_fini(&x);
    buf_fini(&y);
    return same;
}
