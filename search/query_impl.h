/* query_impl.h -- what the files of the parser share.
 *
 * A function that reads a part of the query gives its node; NULL where nothing is left of it (stop words), or something
 * was wrong: then `failed` is set, and the first error stays. */
#ifndef MEMD_SEARCH_QUERY_IMPL_H
#define MEMD_SEARCH_QUERY_IMPL_H

#include "search/query.h"
#include "search/query_lex.h"

struct parser {
    struct arena *arena;
    const struct search_index *ix;
    const struct index_spec *spec;
    const struct query_rules *rules;
    struct query_lexer lex;
    struct buf *error;
    bool failed;
    bool says_sound;      /* a part has $phonetic */
    int depth;
    size_t n_nodes;
};

/* Always NULL. */
struct query_node *parser_fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "<what> at offset <at> near <text>". */
struct query_node *parser_fail_at(struct parser *p, const char *what, size_t at, struct str text);

/* "Syntax error at offset ..." of the token at hand. */
struct query_node *parser_fail_here(struct parser *p);

struct query_node *parser_node(struct parser *p, enum query_kind kind);
void parser_add(struct parser *p, struct query_node *parent, struct query_node *child);
void query_node_add(struct arena *a, struct query_node *parent, struct query_node *child);

/* The value of the parameter; false, and failed: there is none. */
bool parser_param(struct parser *p, struct str name, struct str *value);

/* text without the backslashes that are escapes, from the arena. */
struct str parser_unescape(struct parser *p, struct str text);

/* A part within brackets, behind `at`: up to a blank, a comma, or one of `ends`; empty: there is none. */
struct str parser_item(const struct parser *p, size_t *at, const char *ends);
size_t parser_skip_blanks(const struct parser *p, size_t at);
char parser_char(const struct parser *p, size_t at);

/* A number as queries have them; no parameter. */
bool parser_text_number(struct str text, double *out);
/* An item as a number, or a parameter that is one ("5", "$p", "-$p"). */
bool parser_number(struct parser *p, struct str item, double *out);
bool parser_count(struct parser *p, struct str item, uint64_t *out);

/* --- query_text.c ---------------------------------------------------------------------------------------------- */

/* The token at hand as words to find in `fields`; the token is used up. */
struct query_node *parse_text(struct parser *p, uint64_t fields);

/* The words of node, which is an AND, are near to each other: where more than one is a word of the same fields. */
void parser_bring_near(struct parser *p, struct query_node *node, int slop, bool in_order);

/* $phonetic, where it is said, holds for all words within. */
void parser_set_sounds(struct parser *p, struct query_node *root);

/* --- query_field.c --------------------------------------------------------------------------------------------- */

/* From "@name" on, up to and with what is asked of it. parse_scope reads text within the given fields. */
struct query_node *parse_field(struct parser *p, struct query_node *(*parse_scope)(struct parser *p, uint64_t fields));

/* "ismissing(@name)", from the name on. */
struct query_node *parse_missing(struct parser *p);

/* --- query_vector.c -------------------------------------------------------------------------------------------- */

/* What stands in [KNN ...], from behind the bracket on, over what was read before; "=>{...}" behind it is read, too. */
struct query_node *parse_knn(struct parser *p, size_t at, struct query_node *over);
/* [VECTOR_RANGE ...], from behind the word on. */
struct query_node *parse_vector_range(struct parser *p, size_t at, const struct field_spec *f);
/* An attribute in "=>{$name: value}". False: no vector has one of that name. */
bool vector_attribute(struct parser *p, struct query_node *node, struct str name, struct str value);
/* All attributes are known: are they right? */
void vector_check(struct parser *p, struct query_node *node);

#endif
