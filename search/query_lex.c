/* query_lex.c -- see query_lex.h. */
#include "search/query_lex.h"

bool lex_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool lex_is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

bool lex_is_escapable(char c)
{
    return !lex_is_plain(c) || c == '_' || (unsigned char)c >= 0x80;
}

static char char_at(const struct query_lexer *l, size_t at)
{
    return at < l->text.n ? l->text.p[at] : '\0';
}

static bool is_escape(const struct query_lexer *l, size_t at)
{
    return char_at(l, at) == '\\' && at + 1 < l->text.n && lex_is_escapable(l->text.p[at + 1]);
}

static size_t word_end(const struct query_lexer *l, size_t at)
{
    for (;;) {
        if (is_escape(l, at)) at += 2;
        else if (at < l->text.n && lex_is_plain(l->text.p[at])) at++;
        else return at;
    }
}

size_t lex_quote_end(struct str text, size_t at)
{
    char quote = text.p[at];

    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\') i++;
        else if (text.p[i] == quote) return i;
    }
    return text.n;
}

static struct str part(const struct query_lexer *l, size_t from, size_t to)
{
    return str_of(l->text.p + from, to - from);
}

/* What an affix is made of, at `at`: a word, a parameter or a quotation. False: none of these. */
static bool read_stem(struct query_lexer *l, size_t at, struct token *t, size_t *end)
{
    char c = char_at(l, at);

    t->is_param = c == '$';
    t->quoted = c == '"' || c == '\'';
    if (t->quoted) {
        *end = lex_quote_end(l->text, at);
        if (*end == l->text.n || *end == at + 1) return false;
        t->text = part(l, at + 1, *end);
        ++*end;
        return true;
    }
    *end = word_end(l, at + t->is_param);
    t->text = part(l, at + t->is_param, *end);
    return t->text.n > 0;
}

/* From a * on: a suffix, an infix, or the sign. */
static size_t read_star(struct query_lexer *l, size_t at, struct token *t)
{
    size_t end;

    if (!read_stem(l, at + 1, t, &end)) {
        *t = (struct token){ .kind = TOKEN_SIGN, .sign = '*', .at = at };
        return at + 1;
    }
    t->kind = TOKEN_AFFIX;
    t->how = char_at(l, end) == '*' ? TEXT_INFIX : TEXT_SUFFIX;
    return end + (t->how == TEXT_INFIX);
}

static size_t read_word(struct query_lexer *l, size_t at, struct token *t)
{
    size_t end;
    char next = char_at(l, at + 1);

    if (char_at(l, at) == 'w' && (next == '\'' || next == '"') && read_stem(l, at + 1, t, &end)) {
        t->kind = TOKEN_AFFIX;
        t->how = TEXT_WILDCARD;
        t->is_param = t->text.p[0] == '$';
        if (t->is_param) t->text = part(l, at + 3, end - 1);
        return end;
    }
    read_stem(l, at, t, &end);
    t->kind = t->is_param ? TOKEN_PARAM : t->quoted ? TOKEN_QUOTED : TOKEN_WORD;
    if (char_at(l, end) != '*') return end;
    t->kind = TOKEN_AFFIX;
    t->how = TEXT_PREFIX;
    return end + 1;
}

/* An apostrophe, not the beginning of a quotation: it follows a letter. */
static bool is_apostrophe(const struct query_lexer *l, size_t at)
{
    return char_at(l, at) == '\'' && at > 0 && lex_is_plain(l->text.p[at - 1]);
}

/* Not between two letters: there it parts words, as it does in documents. */
static bool is_minus(const struct query_lexer *l, size_t at)
{
    return !(at > 0 && lex_is_plain(l->text.p[at - 1]) && lex_is_plain(char_at(l, at + 1)));
}

/* The token that begins at `at`; false: nothing does, and the character means nothing. */
static bool read_token(struct query_lexer *l, size_t at, size_t *end)
{
    struct token *t = &l->token;
    char c = l->text.p[at];

    *t = (struct token){ .at = at };
    if (lex_is_plain(c) || is_escape(l, at)) {
        *end = read_word(l, at, t);
        return true;
    }
    if (c == '"' || c == '\'') {
        if (is_apostrophe(l, at)) return false;
        size_t close = lex_quote_end(l->text, at);

        if (close == l->text.n) {
            *t = (struct token){ .kind = TOKEN_SIGN, .sign = c, .at = at };
            *end = at + 1;
            return c == '"';
        }
        if (close > at + 1) {
            *end = read_word(l, at, t);
            return true;
        }
        *t = (struct token){ .kind = TOKEN_QUOTED, .text = part(l, close, close), .at = at };
        *end = close + 1;
        return true;
    }
    if ((c == '@' || c == '$') && word_end(l, at + 1) > at + 1) {
        if (c == '$') {
            *end = read_word(l, at, t);
            return true;
        }
        *end = word_end(l, at + 1);
        t->kind = TOKEN_FIELD;
        t->text = part(l, at + 1, *end);
        return true;
    }
    if (c == '*') {
        *end = read_star(l, at, t);
        return true;
    }
    if (c == '=' && char_at(l, at + 1) == '>') {
        t->kind = TOKEN_ARROW;
        *end = at + 2;
        return true;
    }
    if (strchr("(){}[]|:;~%", c) == NULL && !(c == '-' && is_minus(l, at))) return false;
    t->kind = TOKEN_SIGN;
    t->sign = c;
    *end = at + 1;
    return true;
}

void lex_next(struct query_lexer *l)
{
    size_t end;

    while (l->at < l->text.n) {
        char c = l->text.p[l->at];

        if (c == '\0' || lex_is_blank(c) || !read_token(l, l->at, &end)) {
            l->at++;
            continue;
        }
        l->at = end;
        if (l->token.text.n > 0) l->last = l->token.text;
        return;
    }
    l->token = (struct token){ .kind = TOKEN_END, .at = l->token.at };
}

void lex_open(struct query_lexer *l, struct str text)
{
    *l = (struct query_lexer){ .text = text };
    lex_next(l);
}

void lex_from(struct query_lexer *l, size_t at)
{
    l->at = at;
    lex_next(l);
}
