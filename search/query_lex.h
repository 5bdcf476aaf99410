/* query_lex.h -- a query's text to tokens, for the parser alone.
 *
 * What stands in brackets and braces has rules of its own: the parser reads it by character, from `at` on. */
#ifndef MEMD_SEARCH_QUERY_LEX_H
#define MEMD_SEARCH_QUERY_LEX_H

#include "base/str.h"
#include "search/text_index.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* text: with its escapes */
    TOKEN_PARAM,  /* text: the name behind $ */
    TOKEN_FIELD,  /* text: the name behind @, with its escapes */
    TOKEN_QUOTED, /* text: what is inside, with its escapes */
    TOKEN_AFFIX,  /* pre*, *suf, *in*, w'wild?': how, text; is_param */
    TOKEN_ARROW,
    TOKEN_SIGN    /* ( ) { } [ ] | : ; - ~ * % */
};

struct token {
    enum token_kind kind;
    char sign;
    struct str text;
    size_t at;            /* where it begins */
    enum text_match how;
    bool is_param, quoted;
};

struct query_lexer {
    struct str text;
    size_t at;            /* where the next token is looked for */
    struct token token;   /* the one at hand */
    struct str last;      /* the last that had text: errors name it */
};

void lex_open(struct query_lexer *l, struct str text);
void lex_next(struct query_lexer *l);

/* Go on from `at`, which the parser has read up to. */
void lex_from(struct query_lexer *l, size_t at);

static inline bool lex_is(const struct query_lexer *l, char sign)
{
    return l->token.kind == TOKEN_SIGN && l->token.sign == sign;
}

/* Of characters: white space; part of a word as it stands (letters, digits, underscore, whatever is not ASCII). */
bool lex_is_blank(char c);
bool lex_is_plain(char c);
/* Does a backslash before it go? It stays before letters and digits alone: clients escape underscores and what is not ASCII, too. */
bool lex_is_escapable(char c);

/* Where the quotation that begins at `at` ends (its quote); the length of text: it does not. */
size_t lex_quote_end(struct str text, size_t at);

#endif
