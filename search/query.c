/* query.c -- see query.h: what joins the parts: signs, parentheses, attributes.
 *
 *     query := or [ '=>' '[' KNN ... ']' [ attributes ] ]        or := and { '|' and }        and := part { [AND] part }
 *     part  := ( '-' | '~' ) part | atom { attributes }          atom := '(' or ')' | '*' | field | text
 *     attributes := '=>' '{' { '$' name ':' value ';' } '}'
 *
 * A field's text is an atom whose atoms are text: within it no other field can be named. */
#include "search/query_impl.h"

#include "base/num.h"

/* --- attributes -------------------------------------------------------------------------------------------------- */

static bool truth(struct str value, bool *out)
{
    *out = str_is(value, "true") || str_is(value, "1");
    return *out || str_is(value, "false") || str_is(value, "0");
}

static void set_attribute(struct parser *p, struct query_node *node, struct str name, struct str value)
{
    bool ok = value.n > 0, phonetic;
    int64_t slop;
    double weight;

    if (ok && str_is(name, "weight")) {
        ok = parser_text_number(value, &weight) && weight >= 0;
        if (ok) node->weight = weight;
    } else if (ok && str_is(name, "slop")) {
        ok = num_parse_i64(value, &slop) && slop >= -1 && slop <= INT32_MAX;
        if (ok) node->slop = (int)slop;
    } else if (ok && str_is(name, "inorder")) {
        ok = truth(value, &node->in_order);
    } else if (ok && str_is(name, "phonetic")) {
        ok = truth(value, &phonetic);
        node->sound = phonetic ? SOUND_ON : SOUND_OFF;
        p->says_sound = true;
    } else if (ok && (node->kind != QUERY_VECTOR || !vector_attribute(p, node, name, value))) {
        parser_fail(p, "Invalid attribute %.*s", (int)name.n, name.p);
    }
    if (!ok) parser_fail(p, "Invalid value (%.*s) for `%.*s`", (int)value.n, value.n > 0 ? value.p : "", (int)name.n, name.p);
}

/* What slop and order say is done to the words they are said of. */
static void apply_nearness(struct parser *p, struct query_node *node)
{
    if (node->slop < 0 && !node->in_order) return;
    if (node->kind == QUERY_AND) parser_bring_near(p, node, node->slop, node->in_order);
    if (node->kind == QUERY_TEXT && node->text.n > 1) {
        node->text.slop = node->slop;
        node->text.in_order = node->in_order;
    }
}

/* From the brace on. node NULL: they are read in vain. */
static void parse_attributes(struct parser *p, size_t at, struct query_node *node)
{
    struct query_node nobody = { .kind = QUERY_NONE };

    if (node == NULL) node = &nobody;
    for (at++; !p->failed;) {
        struct str name, value;

        at = parser_skip_blanks(p, at);
        if (parser_char(p, at) == ';') {
            at++;
            continue;
        }
        if (parser_char(p, at) == '}') break;
        name = parser_item(p, &at, ":;}");
        at = parser_skip_blanks(p, at);
        if (name.n < 2 || name.p[0] != '$' || parser_char(p, at) != ':') {
            p->lex.token.at = at;
            parser_fail_here(p);
            return;
        }
        at++;
        value = parser_item(p, &at, ";}");
        if (value.n > 1 && value.p[0] == '$' && !parser_param(p, str_of(value.p + 1, value.n - 1), &value)) return;
        set_attribute(p, node, str_of(name.p + 1, name.n - 1), value);
    }
    if (p->failed) return;
    apply_nearness(p, node);
    lex_from(&p->lex, at + 1);
}

/* --- parts ------------------------------------------------------------------------------------------------------- */

static struct query_node *parse_or(struct parser *p, uint64_t fields, bool within_field);
static struct query_node *parse_part(struct parser *p, uint64_t fields, bool within_field);

/* Is this "ismissing(@"? Then the token at hand is the name. */
static bool at_missing(struct parser *p)
{
    struct query_lexer before = p->lex;

    if (p->lex.token.kind != TOKEN_WORD || !str_is(p->lex.token.text, "ismissing")) return false;
    lex_next(&p->lex);
    if (lex_is(&p->lex, '(')) lex_next(&p->lex);
    if (p->lex.token.kind == TOKEN_FIELD) return true;
    p->lex = before;
    return false;
}

static struct query_node *text_scope(struct parser *p, uint64_t fields)
{
    return parse_part(p, fields, true);
}

static struct query_node *parse_parentheses(struct parser *p, uint64_t fields, bool within_field)
{
    struct query_node *node;

    lex_next(&p->lex);
    node = parse_or(p, fields, within_field);
    if (p->failed) return NULL;
    if (!lex_is(&p->lex, ')')) return parser_fail_here(p);
    lex_next(&p->lex);
    return node;
}

static struct query_node *parse_atom(struct parser *p, uint64_t fields, bool within_field)
{
    switch (p->lex.token.kind) {
    case TOKEN_WORD:
        if (!within_field && at_missing(p)) return parse_missing(p);
        return parse_text(p, fields);
    case TOKEN_PARAM: case TOKEN_QUOTED: case TOKEN_AFFIX: return parse_text(p, fields);
    case TOKEN_FIELD: return within_field ? parser_fail_here(p) : parse_field(p, text_scope);
    case TOKEN_SIGN:
        if (p->lex.token.sign == '(') return parse_parentheses(p, fields, within_field);
        if (p->lex.token.sign == '%') return parse_text(p, fields);
        if (p->lex.token.sign == '*' && !within_field) {
            lex_next(&p->lex);
            return parser_node(p, QUERY_ALL);
        }
        break;
    default: break;
    }
    return parser_fail_here(p);
}

/* Is there an arrow with this sign behind it? */
static bool at_arrow(const struct parser *p, char sign, size_t *at)
{
    if (p->lex.token.kind != TOKEN_ARROW) return false;
    *at = parser_skip_blanks(p, p->lex.at);
    return parser_char(p, *at) == sign;
}

static struct query_node *negate(struct parser *p, struct query_node *child)
{
    struct query_node *node;

    if (child == NULL) return NULL;
    if (child->kind == QUERY_NOT) return child->children[0];
    node = parser_node(p, QUERY_NOT);
    parser_add(p, node, child);
    return node;
}

static struct query_node *parse_signed(struct parser *p, uint64_t fields, bool within_field)
{
    char sign = p->lex.token.sign;
    struct query_node *child, *node;

    lex_next(&p->lex);
    child = parse_part(p, fields, within_field);
    if (p->failed || child == NULL) return NULL;
    if (sign == '-') return negate(p, child);
    node = parser_node(p, QUERY_MAYBE);
    parser_add(p, node, child);
    return node;
}

static struct query_node *parse_part(struct parser *p, uint64_t fields, bool within_field)
{
    struct query_node *node;
    size_t at;

    if (++p->depth > QUERY_DEPTH_MAX) {
        return parser_fail(p, "Parser stack overflow. Try moving nested parentheses more to the left");
    }
    if (lex_is(&p->lex, '-') || lex_is(&p->lex, '~')) {
        node = parse_signed(p, fields, within_field);
    } else {
        node = parse_atom(p, fields, within_field);
        while (!p->failed && at_arrow(p, '{', &at)) parse_attributes(p, at, node);
        if (!p->failed && node != NULL && node->kind == QUERY_VECTOR) vector_check(p, node);
    }
    p->depth--;
    return node;
}

/* --- joining ----------------------------------------------------------------------------------------------------- */

static bool is_plain(const struct query_node *n)
{
    return n->weight == 1 && n->slop < 0 && !n->in_order && n->sound == SOUND_AS_ABOVE && n->text.fields == ~0ULL && n->field == NULL;
}

/* left and right joined; what has been joined before grows. */
static struct query_node *join(struct parser *p, enum query_kind kind, struct query_node *left, struct query_node *right)
{
    if (left == NULL || right == NULL) return left ? left : right;
    if (left->kind != kind || !is_plain(left)) {
        struct query_node *node = parser_node(p, kind);

        parser_add(p, node, left);
        left = node;
    }
    if (right->kind == kind && is_plain(right)) {
        for (size_t i = 0; i < right->n_children; i++) parser_add(p, left, right->children[i]);
    } else {
        parser_add(p, left, right);
    }
    return left;
}

static bool begins_part(const struct parser *p, bool within_field)
{
    switch (p->lex.token.kind) {
    case TOKEN_WORD: case TOKEN_PARAM: case TOKEN_QUOTED: case TOKEN_AFFIX: return true;
    case TOKEN_FIELD: return !within_field;
    case TOKEN_SIGN: return strchr("(-~%", p->lex.token.sign) != NULL || (p->lex.token.sign == '*' && !within_field);
    default: return false;
    }
}

/* "AND" between two parts: a blank. */
static void skip_and(struct parser *p, bool within_field)
{
    struct query_lexer before = p->lex;

    if (p->lex.token.kind != TOKEN_WORD || !str_eq(p->lex.token.text, STR("AND"))) return;
    lex_next(&p->lex);
    if (!begins_part(p, within_field)) p->lex = before;
}

static struct query_node *parse_and(struct parser *p, uint64_t fields, bool within_field)
{
    struct query_node *node = parse_part(p, fields, within_field);
    bool several = false;

    for (;;) {
        if (p->failed) return NULL;
        skip_and(p, within_field);
        if (!begins_part(p, within_field)) break;
        node = join(p, QUERY_AND, node, parse_part(p, fields, within_field));
        several = true;
    }
    if (several && node != NULL && node->kind == QUERY_AND && (p->rules->slop >= 0 || p->rules->in_order)) {
        parser_bring_near(p, node, p->rules->slop, p->rules->in_order);
    }
    return node;
}

static struct query_node *parse_or(struct parser *p, uint64_t fields, bool within_field)
{
    struct query_node *node;

    if (++p->depth > QUERY_DEPTH_MAX) {
        return parser_fail(p, "Parser stack overflow. Try moving nested parentheses more to the left");
    }
    node = parse_and(p, fields, within_field);
    while (!p->failed && lex_is(&p->lex, '|')) {
        lex_next(&p->lex);
        node = join(p, QUERY_OR, node, parse_and(p, fields, within_field));
    }
    p->depth--;
    return p->failed ? NULL : node;
}

/* --- the query --------------------------------------------------------------------------------------------------- */

/* '...' around a query that is more than words: what is inside. */
static struct str unwrap(struct str text)
{
    while (text.n > 0 && lex_is_blank(text.p[0])) text = str_of(text.p + 1, text.n - 1);
    while (text.n > 0 && lex_is_blank(text.p[text.n - 1])) text.n--;
    if (text.n < 3 || text.p[0] != '\'' || lex_quote_end(text, 0) != text.n - 1) return text;
    for (size_t i = 1; i < text.n - 1; i++) {
        if (strchr("@*({[", text.p[i]) && text.p[i] != '\0') return str_of(text.p + 1, text.n - 2);
    }
    return text;
}

static struct query_node *parse_all(struct parser *p)
{
    struct query_node *node;
    size_t at;

    if (p->lex.token.kind == TOKEN_END) return NULL;
    node = parse_or(p, p->rules->fields, false);
    if (!p->failed && at_arrow(p, '[', &at)) {
        if (node == NULL) node = parser_node(p, QUERY_NONE);
        node = parse_knn(p, at + 1, node);
        while (!p->failed && at_arrow(p, '{', &at)) parse_attributes(p, at, node);
        if (!p->failed && node->kind == QUERY_VECTOR) vector_check(p, node);
    }
    if (!p->failed && p->lex.token.kind != TOKEN_END) return parser_fail_here(p);
    return node;
}

struct query_node *query_parse(struct arena *a, const struct search_index *ix, struct str text, const struct query_rules *rules,
                               struct buf *error)
{
    struct parser p = { .arena = a, .ix = ix, .spec = index_spec(ix), .rules = rules, .error = error };
    struct query_node *node;

    lex_open(&p.lex, unwrap(arena_dup(a, text)));
    node = parse_all(&p);
    if (!p.failed && node != NULL && p.says_sound) parser_set_sounds(&p, node);
    if (p.failed) return NULL;
    return node ? node : query_node_new(a, QUERY_NONE);
}

void query_free(struct query_node *q)
{
    if (q == NULL) return;
    if (q->kind == QUERY_IDS) docset_fini(&q->ids);
    for (size_t i = 0; i < q->n_children; i++) query_free(q->children[i]);
}

struct query_node *query_restrict(struct arena *a, struct query_node *q, struct query_node *with)
{
    struct query_node *both;

    if (q->kind == QUERY_VECTOR && !q->near->range) {
        if (q->n_children > 0) q->children[0] = query_restrict(a, q->children[0], with);
        else query_node_add(a, q, with);
        return q;
    }
    if (q->kind == QUERY_ALL) return with;
    both = query_node_new(a, QUERY_AND);
    query_node_add(a, both, with);
    query_node_add(a, both, q);
    return both;
}
