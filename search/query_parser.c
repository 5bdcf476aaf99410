/* query_parser.c -- what the files of the parser share: errors, nodes, parameters, numbers (query_impl.h). */
#include "search/query_impl.h"

#include "base/num.h"

struct query_node *parser_fail(struct parser *p, const char *fmt, ...)
{
    va_list ap;

    if (p->failed) return NULL;
    p->failed = true;
    va_start(ap, fmt);
    buf_vprintf(p->error, fmt, ap);
    va_end(ap);
    return NULL;
}

enum { NEAR_MAX = 200 }; /* bytes of the query that an error shows */

struct query_node *parser_fail_at(struct parser *p, const char *what, size_t at, struct str text)
{
    return parser_fail(p, "%s at offset %zu near %.*s", what, at, (int)(text.n < NEAR_MAX ? text.n : NEAR_MAX),
                       text.n > 0 ? text.p : "");
}

struct query_node *parser_fail_here(struct parser *p)
{
    return parser_fail_at(p, "Syntax error", p->lex.token.at, p->lex.last);
}

struct query_node *query_node_new(struct arena *a, enum query_kind kind)
{
    struct query_node *n = arena_zalloc(a, 1, sizeof *n);

    n->kind = kind;
    n->weight = 1;
    n->slop = -1;
    n->text.fields = ~0ULL;
    return n;
}

struct query_node *parser_node(struct parser *p, enum query_kind kind)
{
    if (++p->n_nodes > QUERY_PARTS_MAX) {
        parser_fail(p, "The query has more than %d parts. Ask in several queries.", QUERY_PARTS_MAX);
    }
    return query_node_new(p->arena, kind);
}

void query_node_add(struct arena *a, struct query_node *parent, struct query_node *child)
{
    size_t n = parent->n_children;

    if ((n & (n - 1)) == 0) { /* room is a power of two */
        struct query_node **more = arena_alloc(a, (n > 0 ? 2 * n : 1) * sizeof(struct query_node *));

        if (n > 0) memcpy(more, parent->children, n * sizeof(struct query_node *));
        parent->children = more;
    }
    parent->children[parent->n_children++] = child;
}

void parser_add(struct parser *p, struct query_node *parent, struct query_node *child)
{
    query_node_add(p->arena, parent, child);
}

bool parser_param(struct parser *p, struct str name, struct str *value)
{
    for (size_t i = 0; i < p->rules->n_params; i++) {
        if (!str_eq(p->rules->params[i].name, name)) continue;
        *value = p->rules->params[i].value;
        return true;
    }
    parser_fail(p, "No such parameter `%.*s`", (int)name.n, name.p);
    return false;
}

struct str parser_unescape(struct parser *p, struct str text)
{
    char *out = arena_alloc(p->arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\\' && i + 1 < text.n && lex_is_escapable(text.p[i + 1])) i++;
        out[n++] = text.p[i];
    }
    return str_of(out, n);
}

char parser_char(const struct parser *p, size_t at)
{
    return at < p->lex.text.n ? p->lex.text.p[at] : '\0';
}

size_t parser_skip_blanks(const struct parser *p, size_t at)
{
    while (at < p->lex.text.n && (lex_is_blank(p->lex.text.p[at]) || p->lex.text.p[at] == ',')) at++;
    return at;
}

struct str parser_item(const struct parser *p, size_t *at, const char *ends)
{
    struct str text = p->lex.text;
    size_t from = parser_skip_blanks(p, *at), to = from;

    while (to < text.n && !lex_is_blank(text.p[to]) && text.p[to] != ',' && (text.p[to] == '\0' || !strchr(ends, text.p[to]))) {
        to += text.p[to] == '\\' && to + 1 < text.n ? 2 : 1;
    }
    *at = to;
    return str_of(text.p + from, to - from);
}

bool parser_text_number(struct str text, double *out)
{
    if (text.n > 1 && text.p[0] == '+' && text.p[1] != '-') text = str_of(text.p + 1, text.n - 1);
    return text.n > 0 && (text.p[0] < 'a' || text.p[0] == 'i') && num_parse_double(text, out);
}

static bool wrong_value(struct parser *p, struct str name, struct str value)
{
    parser_fail(p, "Invalid numeric value (%.*s) for parameter `%.*s`", (int)value.n, value.n > 0 ? value.p : "", (int)name.n,
                name.p);
    return false;
}

bool parser_number(struct parser *p, struct str item, double *out)
{
    bool minus = item.n > 1 && item.p[0] == '-' && item.p[1] == '$';
    bool plus = item.n > 1 && item.p[0] == '+' && item.p[1] == '$';
    struct str name, value;

    if (item.n == 0 || (item.p[0] != '$' && !minus && !plus)) return parser_text_number(item, out);
    name = str_of(item.p + 1 + minus + plus, item.n - 1 - minus - plus);
    if (!parser_param(p, name, &value)) return false;
    if (!parser_text_number(value, out)) {
        return wrong_value(p, name, value);
    }
    if (minus) *out = -*out;
    return true;
}

bool parser_count(struct parser *p, struct str item, uint64_t *out)
{
    struct str name, value;

    if (item.n == 0 || item.p[0] != '$') return num_parse_u64(item, out);
    name = str_of(item.p + 1, item.n - 1);
    if (!parser_param(p, name, &value)) return false;
    if (num_parse_u64(value, out)) return true;
    return wrong_value(p, name, value);
}

bool query_bound(struct str text, double *value, bool *open)
{
    *open = text.n > 0 && text.p[0] == '(';
    if (*open) text = str_of(text.p + 1, text.n - 1);
    return parser_text_number(text, value);
}

double query_unit_m(struct str name)
{
    if (str_is(name, "m")) return 1;
    if (str_is(name, "km")) return 1000;
    if (str_is(name, "ft")) return 0.3048;
    if (str_is(name, "mi")) return 1609.34;
    return 0;
}
