/* spec.c -- see spec.h: reading. Saying it again is spec_say.c, vectors are spec_vector.c. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/json_path.h"
#include "base/mem.h"
#include "base/num.h"
#include "search/spec_impl.h"
#include "search/text_index.h"

/* Strings of one parse. */
struct spec_strings {
    struct spec_strings *next;
    size_t used, size;
    char p[];
};

/* --- arguments -------------------------------------------------------------------------------------------------- */

bool spec_fail(struct spec_in *in, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(in->error, fmt, ap);
    va_end(ap);
    return false;
}

bool spec_word(struct spec_in *in, const char *word)
{
    if (in->at == in->argc || !str_is(in->argv[in->at], word)) return false;
    in->at++;
    return true;
}

bool spec_arg(struct spec_in *in, const char *of, struct str *out)
{
    *out = STR("");
    if (in->at == in->argc) return spec_fail(in, "SEARCH_PARSE_ARGS %s requires an argument", of);
    *out = in->argv[in->at++];
    return true;
}

static bool read_count(struct spec_in *in, const char *of, int64_t most, int64_t *n)
{
    struct str s;

    if (!spec_arg(in, of, &s)) return false;
    if (!num_parse_i64(s, n) || *n < 0) return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for %s: Could not convert argument to expected type", of);
    if (*n > (int64_t)(in->argc - in->at))
        return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for %s: Expected an argument, but none provided", of);
    if (*n > most) return spec_fail(in, "SEARCH_LIMIT_OVER Number of %s (%lld) exceeds maximum allowed (%lld)", of, (long long)*n, (long long)most);
    return true;
}

struct str spec_keep(struct index_spec *s, struct str text)
{
    struct spec_strings *b = s->strings;
    char *at;

    if (b == NULL || b->size - b->used < text.n) {
        size_t size = text.n > 512 ? text.n : 512;

        b = mem_alloc(sizeof *b + size);
        *b = (struct spec_strings){ .next = s->strings, .size = size };
        s->strings = b;
    }
    at = b->p + b->used;
    if (text.n) memcpy(at, text.p, text.n);
    b->used += text.n;
    return str_of(at, text.n);
}

/* --- a field ---------------------------------------------------------------------------------------------------- */

static bool read_phonetic(struct spec_in *in, struct field_spec *f)
{
    static const char *const known[] = { "dm:en", "dm:fr", "dm:pt", "dm:es" };
    struct str s;

    if (!spec_arg(in, "PHONETIC", &s)) return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!str_eq(s, str_c(known[i]))) continue;
        f->phonetic = spec_keep(in->spec, s);
        return true;
    }
    return spec_fail(in, "SEARCH_VALUE_BAD Matcher Format: <2 chars algorithm>:<2 chars language>. Support algorithms: double metaphone (dm). "
                         "Supported languages: English (en), French (fr), Portuguese (pt) and Spanish (es)");
}

static bool read_separator(struct spec_in *in, struct field_spec *f)
{
    struct str s;

    if (!spec_arg(in, "SEPARATOR", &s)) return false;
    if (s.n != 1) return spec_fail(in, "SEARCH_PARSE_ARGS Tag separator must be a single character. Got `%.*s`", str_shown(s), s.p);
    f->separator = *s.p;
    return true;
}

/* One option of a field; *none: the next argument is not one. */
static bool read_option(struct spec_in *in, struct field_spec *f, bool *none)
{
    bool is_text = f->type == FIELD_TEXT, is_tag = f->type == FIELD_TAG;
    double d;

    *none = false;
    if (spec_word(in, "SORTABLE")) f->sortable = true;
    else if (f->sortable && spec_word(in, "UNF")) f->unf = true;
    else if (spec_word(in, "NOINDEX")) f->no_index = true;
    else if (spec_word(in, "INDEXMISSING")) f->index_missing = true;
    else if ((is_text || is_tag) && spec_word(in, "INDEXEMPTY")) f->index_empty = true;
    else if ((is_text || is_tag) && spec_word(in, "WITHSUFFIXTRIE")) f->suffixes = true;
    else if (is_tag && spec_word(in, "CASESENSITIVE")) f->case_sensitive = true;
    else if (is_tag && spec_word(in, "SEPARATOR")) return read_separator(in, f);
    else if (is_text && spec_word(in, "NOSTEM")) f->no_stem = true;
    else if (is_text && spec_word(in, "PHONETIC")) return read_phonetic(in, f);
    else if (is_text && spec_word(in, "WEIGHT")) {
        struct str s;

        if (!spec_arg(in, "WEIGHT", &s)) return false;
        if (!num_parse_double(s, &d)) return spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for weight: Could not convert argument to expected type");
        f->weight = d;
    } else *none = true;
    return true;
}

bool spec_is_option(const struct field_spec *f, struct str word)
{
    struct buf error = { 0 };
    struct spec_in in = { .argc = 1, .argv = &word, .error = &error };
    struct field_spec copy = *f;
    bool none, read = read_option(&in, &copy, &none); /* that its value is missing is no matter */

    buf_fini(&error);
    return !read || !none;
}

static bool read_type(struct spec_in *in, struct field_spec *f)
{
    static const char *const names[] = { [FIELD_TAG] = "TAG", [FIELD_TEXT] = "TEXT", [FIELD_NUMERIC] = "NUMERIC", [FIELD_GEO] = "GEO",
                                         [FIELD_VECTOR] = "VECTOR" };

    if (in->at == in->argc) return spec_fail(in, "SEARCH_PARSE_ARGS Field `%.*s` does not have a type", str_shown(f->name), f->name.p);
    for (int i = 0; i <= FIELD_VECTOR; i++) {
        if (!spec_word(in, names[i])) continue;
        f->type = (enum field_type)i;
        return f->type != FIELD_VECTOR || spec_read_vector(in, f);
    }
    if (spec_word(in, "GEOSHAPE")) {
        return spec_fail(in, "SEARCH_PARSE_ARGS Field `%.*s`: GEOSHAPE is not supported. GEO has points, and finds those within a radius",
                         str_shown(f->name), f->name.p);
    }
    return spec_fail(in, "SEARCH_PARSE_ARGS Invalid field type for field `%.*s`", str_shown(f->name), f->name.p);
}

static bool check_path(struct spec_in *in, const struct field_spec *f)
{
    const char *what;
    size_t at;
    struct json_path *p;

    if (!in->spec->on_json) return true;
    p = json_path_new(f->identifier, &at, &what);
    if (p == NULL)
        return spec_fail(in, "SEARCH_VALUE_BAD Invalid JSONPath '%.*s' in attribute '%.*s' in index '%.*s'", str_shown(f->identifier), f->identifier.p,
                         str_shown(f->name), f->name.p, str_shown(in->spec->name), in->spec->name.p);
    json_path_free(&p);
    return true;
}

static bool read_name(struct spec_in *in, struct field_spec *f)
{
    struct index_spec *s = in->spec;
    struct str name;

    f->identifier = spec_keep(s, in->argv[in->at++]);
    f->name = f->identifier;
    if (spec_word(in, "AS")) {
        if (!spec_arg(in, "AS", &name)) return false;
        f->name = spec_keep(s, name);
    }
    if (f->name.n == 0 || f->identifier.n == 0) return spec_fail(in, "SEARCH_VALUE_BAD Field name cannot be empty");
    if (memchr(f->name.p, 0, f->name.n)) return spec_fail(in, "SEARCH_VALUE_BAD Field name cannot contain null bytes");
    if (spec_field(s, f->name)) return spec_fail(in, "SEARCH_VALUE_BAD Duplicate field in schema - %.*s", str_shown(f->name), f->name.p);
    return true;
}

static bool read_field(struct spec_in *in, size_t *n_text)
{
    struct index_spec *s = in->spec;
    struct field_spec f = { .separator = s->on_json ? 0 : ',', .weight = 1 };
    bool none = false;

    if (s->n_fields == SPEC_FIELDS_MAX) return spec_fail(in, "SEARCH_LIMIT_OVER Schema is limited to %d fields", SPEC_FIELDS_MAX);
    if (!read_name(in, &f) || !read_type(in, &f) || !check_path(in, &f)) return false;
    while (!none)
        if (!read_option(in, &f, &none)) return false;
    if (f.sortable && s->on_json) f.unf = true;
    if (f.sortable && f.type != FIELD_TEXT && f.type != FIELD_TAG) f.unf = true;
    if (f.no_index && f.index_missing)
        return spec_fail(in, "SEARCH_PARSE_ARGS 'Field cannot be defined with both `NOINDEX` and `INDEXMISSING`' `%.*s` '", str_shown(f.name), f.name.p);
    if (f.type == FIELD_TEXT && !f.no_index) {
        if (*n_text == TEXT_FIELDS_MAX) return spec_fail(in, "SEARCH_LIMIT_OVER Schema is limited to %d TEXT fields", TEXT_FIELDS_MAX);
        f.text_field = (uint8_t)(*n_text)++;
    }
    s->fields = mem_realloc(s->fields, (s->n_fields + 1) * sizeof *s->fields);
    s->fields[s->n_fields++] = f;
    return true;
}

bool spec_add(struct index_spec *s, size_t argc, const struct str *argv, struct buf *error)
{
    struct spec_in in = { .spec = s, .argc = argc, .argv = argv, .error = error };
    size_t before = s->n_fields, n_text = 0;

    if (argc == 0) return spec_fail(&in, "SEARCH_PARSE_ARGS Fields arguments are missing");
    for (size_t i = 0; i < s->n_fields; i++) n_text += s->fields[i].type == FIELD_TEXT && !s->fields[i].no_index;
    while (in.at < argc) {
        if (read_field(&in, &n_text)) continue;
        s->n_fields = before;
        return false;
    }
    return true;
}

const struct field_spec *spec_field(const struct index_spec *s, struct str name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (str_eq(s->fields[i].name, name)) return &s->fields[i];
    return NULL;
}

/* --- options ---------------------------------------------------------------------------------------------------- */

static bool read_prefixes(struct spec_in *in)
{
    struct index_spec *s = in->spec;
    int64_t n;

    if (!read_count(in, "PREFIX", SPEC_PREFIXES_MAX, &n)) return false;
    mem_free(s->prefixes);
    s->prefixes = mem_alloc(((size_t)n + 1) * sizeof *s->prefixes);
    s->n_prefixes = 0;
    while (n-- > 0) s->prefixes[s->n_prefixes++] = spec_keep(s, in->argv[in->at++]);
    return true;
}

static bool read_stop_words(struct spec_in *in)
{
    struct index_spec *s = in->spec;
    int64_t n;

    if (!read_count(in, "STOPWORDS", 1 << 16, &n)) return false;
    mem_free(s->stop_words);
    s->own_stop_words = true;
    s->stop_words = mem_alloc(((size_t)n + 1) * sizeof *s->stop_words);
    s->n_stop_words = 0;
    while (n-- > 0) s->stop_words[s->n_stop_words++] = spec_keep(s, in->argv[in->at++]);
    return true;
}

static bool read_on(struct spec_in *in)
{
    struct str s;

    if (!spec_arg(in, "ON", &s)) return false;
    in->spec->on_json = str_is(s, "JSON");
    return in->spec->on_json || str_is(s, "HASH") || spec_fail(in, "SEARCH_ADD_ARGS Invalid rule type: %.*s", str_shown(s), s.p);
}

static bool read_score(struct spec_in *in)
{
    struct str s;

    if (!spec_arg(in, "SCORE", &s)) return false;
    if (!num_parse_double(s, &in->spec->score) || in->spec->score < 0 || in->spec->score > 1)
        return spec_fail(in, "SEARCH_ADD_ARGS Invalid score");
    return true;
}

static bool read_language(struct spec_in *in)
{
    struct str s;

    if (!spec_arg(in, "LANGUAGE", &s)) return false;
    if (!language_is_known(s)) return spec_fail(in, "SEARCH_ADD_ARGS Invalid language");
    in->spec->language = spec_keep(in->spec, s);
    return true;
}

static bool read_temporary(struct spec_in *in)
{
    struct str s;

    if (!spec_arg(in, "TEMPORARY", &s)) return false;
    return (num_parse_i64(s, &in->spec->temporary_s) && in->spec->temporary_s > 0 && in->spec->temporary_s < INT64_MAX / 1000) ||
           spec_fail(in, "SEARCH_PARSE_ARGS Bad arguments for TEMPORARY: Could not convert argument to expected type");
}

static bool read_index_all(struct spec_in *in)
{
    struct str s;

    if (!spec_arg(in, "INDEXALL", &s)) return false;
    in->spec->index_all = str_is(s, "enable");
    return in->spec->index_all || str_is(s, "disable") ||
           spec_fail(in, "SEARCH_ADD_ARGS Invalid argument for `INDEXALL`, use ENABLE/DISABLE");
}

static bool keep_arg(struct spec_in *in, const char *of, struct str *out)
{
    struct str s;

    if (!spec_arg(in, of, &s)) return false;
    *out = spec_keep(in->spec, s);
    return true;
}

/* One option before SCHEMA. */
static bool read_rule(struct spec_in *in)
{
    struct index_spec *s = in->spec;
    struct str word;

    if (spec_word(in, "ON")) return read_on(in);
    if (spec_word(in, "PREFIX")) return read_prefixes(in);
    if (spec_word(in, "FILTER")) return keep_arg(in, "FILTER", &s->filter);
    if (spec_word(in, "LANGUAGE")) return read_language(in);
    if (spec_word(in, "LANGUAGE_FIELD")) return keep_arg(in, "LANGUAGE_FIELD", &s->language_field);
    if (spec_word(in, "SCORE")) return read_score(in);
    if (spec_word(in, "SCORE_FIELD")) return keep_arg(in, "SCORE_FIELD", &s->score_field);
    if (spec_word(in, "PAYLOAD_FIELD")) return keep_arg(in, "PAYLOAD_FIELD", &s->payload_field);
    if (spec_word(in, "STOPWORDS")) return read_stop_words(in);
    if (spec_word(in, "TEMPORARY")) return read_temporary(in);
    if (spec_word(in, "INDEXALL")) return read_index_all(in);
    if (spec_word(in, "MAXTEXTFIELDS")) return s->max_text_fields = true;
    if (spec_word(in, "NOOFFSETS")) return s->no_offsets = true;
    if (spec_word(in, "NOHL")) return s->no_highlight = true;
    if (spec_word(in, "NOFIELDS")) return s->no_fields = true;
    if (spec_word(in, "NOFREQS")) return s->no_freqs = true;
    if (spec_word(in, "SKIPINITIALSCAN")) return s->skip_initial_scan = true;
    if (spec_word(in, "ASYNC") || spec_word(in, "NOSCOREIDX")) return true;
    word = in->argv[in->at];
    return spec_fail(in, "SEARCH_ARG_UNRECOGNIZED Unknown argument `%.*s`", str_shown(word), word.p);
}

static bool read_all(struct spec_in *in)
{
    struct index_spec *s = in->spec;

    while (!spec_word(in, "SCHEMA")) {
        if (in->at == in->argc) return spec_fail(in, "SEARCH_PARSE_ARGS No schema found");
        if (!read_rule(in)) return false;
    }
    if (s->max_text_fields && s->no_fields) return spec_fail(in, "SEARCH_VALUE_BAD MAXTEXTFIELDS cannot be used with NOFIELDS");
    if (s->n_prefixes == 0) {
        mem_free(s->prefixes);
        s->prefixes = mem_zalloc(sizeof *s->prefixes);
        s->n_prefixes = 1;
    }
    return spec_add(s, in->argc - in->at, in->argv + in->at, in->error);
}

struct index_spec *spec_parse(size_t argc, const struct str *argv, struct buf *error)
{
    struct index_spec *s = mem_zalloc(sizeof *s);
    struct spec_in in = { .spec = s, .argc = argc, .at = 1, .argv = argv, .error = error };

    ensure(argc > 0);
    s->score = 1;
    s->name = spec_keep(s, argv[0]);
    if (!read_all(&in)) spec_free(&s);
    return s;
}

void spec_free(struct index_spec **sp)
{
    struct index_spec *s = *sp;

    if (s == NULL) return;
    while (s->strings) {
        struct spec_strings *next = s->strings->next;

        mem_free(s->strings);
        s->strings = next;
    }
    mem_free(s->prefixes);
    mem_free(s->stop_words);
    mem_free(s->fields);
    mem_free(s);
    *sp = NULL;
}
