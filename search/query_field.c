/* query_field.c -- the parts of a query that ask a field: "@name" and what follows. */
#include "search/query_impl.h"

#include <math.h>


struct named {
    const struct field_spec *field;
    struct str name;
    size_t at; /* of it in the query */
};

static bool unknown(struct parser *p, struct named *n)
{
    n->field = spec_field(p->spec, n->name);
    if (n->field == NULL) parser_fail_at(p, "Unknown field", n->at, n->name);
    return n->field == NULL;
}

static bool is_not(struct parser *p, const struct named *n, enum field_type type, const char *what)
{
    if (n->field->type == type) return false;
    parser_fail_at(p, what, n->at, n->name);
    return true;
}

/* The name at hand; where dots and hyphens join it with what follows to the name of a field, it is that. */
static bool read_name(struct parser *p, struct named *n)
{
    struct token t = p->lex.token;
    struct str text = p->lex.text;
    size_t end = p->lex.at, best = end;

    *n = (struct named){ .name = parser_unescape(p, t.text), .at = t.at };
    while (end + 1 < text.n && strchr(".-/", text.p[end]) && text.p[end] != '\0' && lex_is_plain(text.p[end + 1])) {
        for (end++; end < text.n && lex_is_plain(text.p[end]); end++) {}
        struct str longer = parser_unescape(p, str_of(t.text.p, (size_t)(text.p + end - t.text.p)));

        if (spec_field(p->spec, longer) == NULL) continue;
        n->name = longer;
        best = end;
    }
    p->lex.at = best;
    return !unknown(p, n);
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static struct query_node *range(struct parser *p, const struct field_spec *f, double lo, bool lo_open, double hi, bool hi_open)
{
    struct query_node *node = parser_node(p, QUERY_RANGE);

    node->field = f;
    node->lo = lo;
    node->lo_open = lo_open;
    node->hi = hi;
    node->hi_open = hi_open;
    return node;
}

/* An operator at `at`, which goes behind it. */
static char read_operator(const struct parser *p, size_t *at, bool *equal)
{
    char c = parser_char(p, *at), next = parser_char(p, *at + 1);

    *equal = next == '=';
    if ((c == '=' || c == '!') && *equal) {
        *at += 2;
        return c;
    }
    if (c != '<' && c != '>') return '\0';
    *at += 1 + *equal;
    return c;
}

/* @n == 5 and its like. False: it is none, and nothing has happened. */
static bool compare(struct parser *p, const struct named *n, struct query_node **out)
{
    size_t at = parser_skip_blanks(p, p->lex.at);
    bool equal;
    char op = read_operator(p, &at, &equal);
    double v;

    if (op == '\0') return false;
    *out = NULL;
    if (is_not(p, n, FIELD_NUMERIC, "Expected a NUMERIC field")) return true;
    if (!parser_number(p, parser_item(p, &at, "()|[]{}"), &v)) {
        parser_fail_here(p);
        return true;
    }
    lex_from(&p->lex, at);
    if (op == '=' || op == '!') *out = range(p, n->field, v, false, v, false);
    else if (op == '>') *out = range(p, n->field, v, !equal, INFINITY, false);
    else *out = range(p, n->field, -INFINITY, false, v, !equal);
    if (op == '!') {
        struct query_node *others = parser_node(p, QUERY_NOT);

        parser_add(p, others, *out);
        *out = others;
    }
    return true;
}

/* --- brackets ---------------------------------------------------------------------------------------------------- */

enum { ITEMS_MAX = 4 };

struct items {
    struct str text[ITEMS_MAX];
    bool open[ITEMS_MAX]; /* "(" stood before it */
    size_t n;
};

static struct query_node *syntax_at(struct parser *p, size_t at, struct str text)
{
    return parser_fail_at(p, "Syntax error", at, text.n > 0 ? text : p->lex.last);
}

/* Up to the closing bracket; at goes behind it. */
static bool read_items(struct parser *p, size_t *at, struct items *items)
{
    for (items->n = 0;; items->n++) {
        size_t from = *at = parser_skip_blanks(p, *at);

        if (parser_char(p, *at) == ']') break;
        if (items->n == ITEMS_MAX) {
            syntax_at(p, from, parser_item(p, at, "]("));
            return false;
        }
        items->open[items->n] = parser_char(p, *at) == '(';
        *at += items->open[items->n];
        items->text[items->n] = parser_item(p, at, "](");
        if (items->text[items->n].n == 0) {
            syntax_at(p, from, items->text[items->n]);
            return false;
        }
    }
    ++*at;
    return true;
}

/* Is the number given as such wrong? */
static bool is_no_number(struct parser *p, size_t at, struct str item, double *out)
{
    if (parser_number(p, item, out)) return false;
    syntax_at(p, at, item);
    return true;
}

static struct query_node *parse_range(struct parser *p, const struct named *n, size_t at, const struct items *items)
{
    size_t last = items->n - 1;
    double lo, hi;

    if (is_not(p, n, FIELD_NUMERIC, "Expected a NUMERIC field")) return NULL;
    if (is_no_number(p, at, items->text[0], &lo) || is_no_number(p, at, items->text[last], &hi)) return NULL;
    return range(p, n->field, lo, items->open[0], hi, items->open[last]);
}

static struct query_node *parse_geo(struct parser *p, const struct named *n, size_t at, const struct items *items)
{
    struct query_node *node = parser_node(p, QUERY_GEO);
    struct str unit = items->text[3];
    double metres;

    if (is_not(p, n, FIELD_GEO, "Expected a GEO field")) return NULL;
    if (is_no_number(p, at, items->text[0], &node->lon) || is_no_number(p, at, items->text[1], &node->lat) ||
        is_no_number(p, at, items->text[2], &node->radius_m)) {
        return NULL;
    }
    if (unit.p[0] == '$' && !parser_param(p, str_of(unit.p + 1, unit.n - 1), &unit)) return NULL;
    metres = query_unit_m(unit);
    if (metres == 0) return parser_fail(p, "Invalid GeoFilter unit");
    if (fabs(node->lon) > 180 || fabs(node->lat) > 85.05112878) return parser_fail(p, "Invalid GeoFilter lat/lon");
    if (node->radius_m <= 0) return parser_fail(p, "Invalid GeoFilter radius");
    node->radius_m *= metres;
    node->field = n->field;
    return node;
}

static struct query_node *parse_brackets(struct parser *p, const struct named *n, size_t at)
{
    size_t behind = at, from = at;
    struct str word = parser_item(p, &behind, "](");
    struct query_node *node;
    struct items items;

    if (str_is(word, "VECTOR_RANGE") || (n->field->type == FIELD_VECTOR && word.n > 0)) {
        if (is_not(p, n, FIELD_VECTOR, "Expected a VECTOR field")) return NULL;
        if (str_is(word, "VECTOR_RANGE")) return parse_vector_range(p, behind, n->field);
        return parser_fail_at(p, "Syntax error: expecting vector similarity range command", at, word);
    }
    if (!read_items(p, &at, &items)) return NULL;
    if (items.n == 1 || items.n == 2) node = parse_range(p, n, from, &items);
    else if (items.n == 4) node = parse_geo(p, n, from, &items);
    else return syntax_at(p, from, word);
    if (!p->failed) lex_from(&p->lex, at);
    return node;
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

/* Where the tag that begins at `at` ends: at an unescaped | or }, outside of quotes that it begins with; the length of the
 * query: nowhere. */
static size_t tag_end(const struct parser *p, size_t at)
{
    struct str text = p->lex.text;
    size_t i = parser_skip_blanks(p, at);

    if (parser_char(p, i) == '*') i++;
    if (parser_char(p, i) == 'w' && (parser_char(p, i + 1) == '\'' || parser_char(p, i + 1) == '"')) i++;
    if (parser_char(p, i) == '\'' || parser_char(p, i) == '"') {
        size_t close = lex_quote_end(text, i), next = parser_skip_blanks(p, close + 1);

        if (parser_char(p, next) == '*') next = parser_skip_blanks(p, next + 1);
        if (close < text.n && (parser_char(p, next) == '|' || parser_char(p, next) == '}')) return next;
    }
    for (i = at; i < text.n && text.p[i] != '|' && text.p[i] != '}'; i++) {
        if (text.p[i] == '\\') i++;
    }
    return i < text.n ? i : text.n;
}

static bool is_escaped(struct str s, size_t at)
{
    size_t n = 0;

    while (at > n && s.p[at - 1 - n] == '\\') n++;
    return n % 2 == 1;
}

static struct str trim_tag(struct str s)
{
    while (s.n > 0 && lex_is_blank(s.p[0])) s = str_of(s.p + 1, s.n - 1);
    while (s.n > 0 && lex_is_blank(s.p[s.n - 1]) && !is_escaped(s, s.n - 1)) s.n--;
    return s;
}

/* Strip the stars of pre*, *suf and *in*. */
static enum text_match strip_stars(struct str *s)
{
    bool front = s->n > 1 && s->p[0] == '*', back = s->n > 1 && s->p[s->n - 1] == '*' && !is_escaped(*s, s->n - 1);

    if (front) *s = str_of(s->p + 1, s->n - 1);
    if (back && s->n > 0) s->n--;
    return front && back ? TEXT_INFIX : front ? TEXT_SUFFIX : back ? TEXT_PREFIX : TEXT_WORD;
}

static bool is_quoted(struct str s)
{
    return s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && lex_quote_end(s, 0) == s.n - 1;
}

static struct query_node *parse_tag(struct parser *p, const struct field_spec *f, struct str s)
{
    struct query_node *node = parser_node(p, QUERY_TAG);
    bool quoted;

    node->field = f;
    node->how = strip_stars(&s);
    if (node->how == TEXT_WORD && s.n > 3 && s.p[0] == 'w' && is_quoted(str_of(s.p + 1, s.n - 1))) {
        node->how = TEXT_WILDCARD;
        s = str_of(s.p + 1, s.n - 1);
    }
    quoted = is_quoted(s);
    if (quoted) s = str_of(s.p + 1, s.n - 2);
    if (s.n > 1 && s.p[0] == '$' && (!quoted || node->how == TEXT_WILDCARD)) {
        return parser_param(p, str_of(s.p + 1, s.n - 1), &node->tag) ? node : NULL;
    }
    node->tag = node->how == TEXT_WILDCARD ? s : parser_unescape(p, s);
    if (node->tag.n == 0 && !f->index_empty) {
        return parser_fail(p, "Use `INDEXEMPTY` in field creation in order to index and query for empty strings");
    }
    return node;
}

/* From behind the brace on. */
static struct query_node *parse_tags(struct parser *p, const struct named *n, size_t at)
{
    struct query_node *any = parser_node(p, QUERY_OR);

    if (is_not(p, n, FIELD_TAG, "Expected a TAG field")) return NULL;
    any->field = n->field;
    for (;; at++) {
        size_t end = tag_end(p, at);
        struct str s = trim_tag(str_of(p->lex.text.p + at, end - at));

        if (end == p->lex.text.n || s.n == 0) return syntax_at(p, end, s);
        parser_add(p, any, parse_tag(p, n->field, s));
        if (p->failed) return NULL;
        at = end;
        if (p->lex.text.p[at] == '}') break;
    }
    lex_from(&p->lex, at + 1);
    return any;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static bool add_text_field(struct parser *p, const struct named *n, uint64_t *fields)
{
    if (is_not(p, n, FIELD_TEXT, "Expected a TEXT field")) return false;
    *fields |= 1ULL << n->field->text_field;
    return true;
}

/* "|name" again and again. */
static bool read_more_names(struct parser *p, const struct named *first, uint64_t *fields)
{
    if (!add_text_field(p, first, fields)) return false;
    while (lex_is(&p->lex, '|')) {
        struct named n;

        lex_next(&p->lex);
        if (p->lex.token.kind != TOKEN_WORD && p->lex.token.kind != TOKEN_FIELD) {
            parser_fail_here(p);
            return false;
        }
        if (!read_name(p, &n) || !add_text_field(p, &n, fields)) return false;
        lex_next(&p->lex);
    }
    return true;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

struct query_node *parse_field(struct parser *p, struct query_node *(*parse_scope)(struct parser *p, uint64_t fields))
{
    struct query_node *node;
    uint64_t fields = 0;
    struct named n;
    size_t at;
    char c;

    if (!read_name(p, &n)) return NULL;
    if (compare(p, &n, &node)) return node;
    lex_next(&p->lex);
    if (lex_is(&p->lex, '|') && !read_more_names(p, &n, &fields)) return NULL;
    if (!lex_is(&p->lex, ':')) return parser_fail_here(p);
    at = parser_skip_blanks(p, p->lex.at);
    c = parser_char(p, at);
    if (fields == 0 && c == '{') return parse_tags(p, &n, at + 1);
    if (fields == 0 && c == '[') return parse_brackets(p, &n, at + 1);
    if (fields == 0 && !add_text_field(p, &n, &fields)) return NULL;
    lex_next(&p->lex);
    return parse_scope(p, fields);
}

struct query_node *parse_missing(struct parser *p)
{
    struct query_node *node = parser_node(p, QUERY_MISSING);
    struct named n;

    if (!read_name(p, &n)) return NULL;
    if (!n.field->index_missing) {
        return parser_fail_at(p, "'ismissing' requires defining the field with 'INDEXMISSING'", n.at, n.name);
    }
    node->field = n.field;
    lex_next(&p->lex);
    if (!lex_is(&p->lex, ')')) return parser_fail_here(p);
    lex_next(&p->lex);
    return node;
}
