/* query_vector.c -- the parts of a query that ask for what is near: KNN and VECTOR_RANGE. */
#include "search/query_impl.h"


#include "base/num.h"

#define WRONG "Error parsing vector similarity parameters: "

/* The vector of the parameter, which has to be of the field's size. */
static bool set_vector(struct parser *p, struct query_node *node, struct str item)
{
    size_t want = vec_bytes(node->field->vec.type, node->field->vec.dim);
    struct str value;

    if (item.n < 2 || item.p[0] != '$') {
        parser_fail_here(p);
        return false;
    }
    node->near->param = str_of(item.p + 1, item.n - 1);
    if (!parser_param(p, node->near->param, &value)) return false;
    if (value.n != want) {
        parser_fail(p, "Error parsing vector similarity query: query vector blob size (%zu) does not match index's expected size (%zu).",
                    value.n, want);
        return false;
    }
    node->near->vec.data = arena_dup(p->arena, value);
    return true;
}

static struct query_node *vector_node(struct parser *p, const struct field_spec *f)
{
    struct query_node *node = parser_node(p, QUERY_VECTOR);

    node->field = f;
    node->near = arena_zalloc(p->arena, 1, sizeof *node->near);
    node->near->vec.epsilon = -1;
    return node;
}

static void add_option(struct parser *p, struct query_node *node, struct str name, struct str value)
{
    struct query_option *more = arena_alloc(p->arena, (node->near->n_options + 1) * sizeof *more);

    if (node->near->n_options > 0) memcpy(more, node->near->options, node->near->n_options * sizeof *more);
    more[node->near->n_options++] = (struct query_option){ name, arena_dup(p->arena, value) };
    node->near->options = more;
}

static const struct query_option *option(const struct query_node *node, const char *name)
{
    for (size_t i = 0; i < node->near->n_options; i++) {
        if (str_is(node->near->options[i].name, name)) return &node->near->options[i];
    }
    return NULL;
}

/* --- what is right ----------------------------------------------------------------------------------------------- */

static bool positive(struct str value, uint64_t *out)
{
    return num_parse_u64(value, out) && *out > 0;
}

/* What is wrong with one option, by itself; NULL: nothing. */
static const char *check_option(struct query_node *node, const struct query_option *o)
{
    bool graph = node->field->vec.algorithm == VEC_HNSW, knn = !node->near->range;
    uint64_t n;
    double d;

    if (str_is(o->name, "EF_RUNTIME")) {
        if (!graph || !knn) return "Invalid option";
        if (!positive(o->value, &n)) return "Invalid value was given";
        node->near->vec.ef = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    } else if (str_is(o->name, "EPSILON")) {
        if (knn) return "range query attributes were sent for a non-range query";
        if (!graph) return "Invalid option";
        if (!num_parse_double(o->value, &d) || d <= 0) return "Invalid value was given";
        node->near->vec.epsilon = d;
    } else if (str_is(o->name, "BATCH_SIZE")) {
        if (node->n_children == 0) return "hybrid query attributes were sent for a non-hybrid query";
        if (!positive(o->value, &n)) return "Invalid value was given";
    } else if (str_is(o->name, "HYBRID_POLICY")) {
        if (node->n_children == 0) return "hybrid query attributes were sent for a non-hybrid query";
        if (!str_is(o->value, "BATCHES") && !str_is(o->value, "ADHOC_BF")) return "invalid hybrid policy was given";
    } else {
        return "Invalid option";
    }
    return NULL;
}

void vector_check(struct parser *p, struct query_node *node)
{
    const struct query_option *policy = option(node, "HYBRID_POLICY");
    const char *wrong = NULL;

    for (size_t i = 0; wrong == NULL && i < node->near->n_options; i++) {
        for (size_t j = 0; wrong == NULL && j < i; j++) {
            if (!str_ieq(node->near->options[i].name, node->near->options[j].name)) continue;
            wrong = "Parameter was specified twice";
        }
        if (wrong == NULL) wrong = check_option(node, &node->near->options[i]);
    }
    if (wrong == NULL && policy != NULL && str_is(policy->value, "ADHOC_BF")) {
        if (option(node, "BATCH_SIZE")) wrong = "'batch size' is irrelevant for 'ADHOC_BF' policy";
        else if (option(node, "EF_RUNTIME")) wrong = "'EF_RUNTIME' is irrelevant for 'ADHOC_BF' policy";
    }
    if (wrong != NULL) parser_fail(p, WRONG "%s", wrong);
}

/* --- as they are written ----------------------------------------------------------------------------------------- */

static bool name_distance(struct parser *p, struct query_node *node, struct str name)
{
    if (name.n > 1 && name.p[0] == '$' && !parser_param(p, str_of(name.p + 1, name.n - 1), &name)) return false;
    node->near->distance_as = arena_dup(p->arena, parser_unescape(p, name));
    return true;
}

bool vector_attribute(struct parser *p, struct query_node *node, struct str name, struct str value)
{
    static const char *const known[] = { "EF_RUNTIME", "EPSILON", "HYBRID_POLICY", "BATCH_SIZE" };

    if (str_is(name, "YIELD_DISTANCE_AS")) {
        if (node->near->named) {
            parser_fail(p, "Distance field was specified twice for vector query: %.*s and %.*s", (int)node->near->distance_as.n,
                        node->near->distance_as.p, (int)value.n, value.p);
        }
        node->near->distance_as = arena_dup(p->arena, value);
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!str_is(name, known[i])) continue;
        add_option(p, node, name, value);
        return true;
    }
    return false;
}

/* NAME value, again and again, and AS name at the end. */
static bool read_options(struct parser *p, size_t *at, struct query_node *node)
{
    for (;;) {
        struct str name, value;

        *at = parser_skip_blanks(p, *at);
        if (parser_char(p, *at) == ']') return true;
        name = parser_item(p, at, "]");
        value = parser_item(p, at, "]");
        if (name.n == 0 || value.n == 0) {
            parser_fail_at(p, "Syntax error", *at, name.n > 0 ? name : p->lex.last);
            return false;
        }
        if (str_is(name, "AS")) {
            if (!name_distance(p, node, value)) return false;
            node->near->named = true;
            continue;
        }
        if (value.p[0] == '$' && !parser_param(p, str_of(value.p + 1, value.n - 1), &value)) return false;
        add_option(p, node, name, value);
    }
}

static bool read_k(struct parser *p, struct str item, struct query_node *node)
{
    uint64_t k;

    if (!parser_count(p, item, &k)) {
        parser_fail_at(p, "Syntax error", p->lex.token.at, item);
        return false;
    }
    if (k > 1ULL << 58) {
        parser_fail(p, "Error parsing vector similarity query: query KNN K parameter is too large, must not exceed %llu", 1ULL << 58);
        return false;
    }
    node->near->vec.k = k < UINT32_MAX ? (uint32_t)k : UINT32_MAX;
    return true;
}

struct query_node *parse_knn(struct parser *p, size_t at, struct query_node *over)
{
    size_t from = parser_skip_blanks(p, at);
    struct str word = parser_item(p, &at, "]"), k = parser_item(p, &at, "]"), name = parser_item(p, &at, "]");
    const struct field_spec *f;
    struct query_node *node;

    p->lex.token.at = from;
    if (!str_is(word, "KNN")) return parser_fail_at(p, "Syntax error: Expecting Vector Similarity command", from, word);
    if (name.n < 2 || name.p[0] != '@') return parser_fail_at(p, "Syntax error", from, word);
    name = parser_unescape(p, str_of(name.p + 1, name.n - 1));
    f = spec_field(p->spec, name);
    if (f == NULL) return parser_fail_at(p, "Unknown field", from, name);
    if (f->type != FIELD_VECTOR) return parser_fail_at(p, "Expected a VECTOR field", from, name);
    node = vector_node(p, f);
    if (over->kind != QUERY_ALL) parser_add(p, node, over);
    node->near->distance_as = arena_printf(p->arena, "__%.*s_score", (int)name.n, name.p);
    if (!read_k(p, k, node) || !set_vector(p, node, parser_item(p, &at, "]")) || !read_options(p, &at, node)) return NULL;
    lex_from(&p->lex, at + 1);
    return node;
}

struct query_node *parse_vector_range(struct parser *p, size_t at, const struct field_spec *f)
{
    struct str radius = parser_item(p, &at, "]"), vector = parser_item(p, &at, "]");
    struct query_node *node = vector_node(p, f);

    node->near->range = true;
    if (!parser_number(p, radius, &node->near->vec.radius)) return parser_fail_here(p);
    if (!set_vector(p, node, vector)) return NULL;
    if (node->near->vec.radius < 0) {
        return parser_fail(p, "Error parsing vector similarity query: negative radius (%g) given in a range query", node->near->vec.radius);
    }
    at = parser_skip_blanks(p, at);
    if (parser_char(p, at) != ']') return parser_fail_here(p);
    lex_from(&p->lex, at + 1);
    return node;
}
