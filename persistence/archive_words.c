/* archive_words.c -- queries as people type them. See archive_words.h. */
#include <stdio.h>

#include "persistence/archive_words.h"

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static enum err refuse(char why[WORDS_WHY], const char *text)
{
    snprintf(why, WORDS_WHY, "%s", text);
    return ERR_SYNTAX;
}

/* --- parsing --------------------------------------------------------------------------------------------- */

struct parse {
    struct archive_words *words;
    struct str query;
    size_t at;
    unsigned group;
    bool in_group; /* the group has a word to look for */
    bool exclude;  /* NOT or - stood before what comes */
    char *why;
};

static enum err add(struct parse *p, struct str text, bool prefix)
{
    struct archive_words *w = p->words;

    if (w->n == WORDS_MAX) {
        snprintf(p->why, WORDS_WHY, "a search has at most %d words and phrases", WORDS_MAX);
        return ERR_SYNTAX;
    }
    w->list[w->n++] = (struct archive_word){ .text = text,
                                             .at = (uint32_t)(text.p - p->query.p),
                                             .group = (uint8_t)p->group,
                                             .excluded = p->exclude,
                                             .prefix = prefix };
    p->in_group = p->in_group || !p->exclude;
    p->exclude = false;
    return OK;
}

static bool take_star(struct parse *p)
{
    if (p->at == p->query.n || p->query.p[p->at] != '*') return false;
    p->at++;
    return true;
}

static enum err parse_phrase(struct parse *p)
{
    const char *from = p->query.p + p->at + 1;
    const char *end = memchr(from, '"', p->query.n - p->at - 1);

    if (end == NULL) {
        snprintf(p->why, WORDS_WHY, "the quote at character %zu of the query is not closed", p->at + 1);
        return ERR_SYNTAX;
    }
    p->at = (size_t)(end + 1 - p->query.p);
    if (memchr(from, '\0', (size_t)(end - from)) != NULL)
        return refuse(p->why, "a phrase of the query has a zero byte in it");
    return add(p, str_of(from, (size_t)(end - from)), take_star(p));
}

/* The group is complete: it must look for something. */
static enum err end_group(struct parse *p)
{
    if (p->exclude) return refuse(p->why, "nothing follows NOT in the query");
    if (!p->in_group)
        return refuse(p->why, "the query has nothing to look for: a word that is not excluded is needed");
    p->in_group = false;
    p->group++;
    return OK;
}

static enum err parse_word(struct parse *p)
{
    const char *q = p->query.p;
    size_t from = p->at;
    struct str word;

    while (p->at < p->query.n && !is_blank(q[p->at]) && q[p->at] != '"') p->at++;
    word = str_of(q + from, p->at - from);
    if (str_eq(word, STR("OR"))) return end_group(p);
    if (str_eq(word, STR("AND"))) return OK;
    if (str_eq(word, STR("NOT"))) {
        p->exclude = true;
        return OK;
    }
    if (word.n > 1 && word.p[word.n - 1] == '*') return add(p, str_of(word.p, word.n - 1), true);
    return add(p, word, false);
}

static bool has_minus(const struct parse *p)
{
    return p->query.p[p->at] == '-' && p->at + 1 < p->query.n && !is_blank(p->query.p[p->at + 1]);
}

enum err archive_words_parse(struct archive_words *w, struct str query, char why[WORDS_WHY])
{
    struct parse p = { .words = w, .query = query, .why = why };
    enum err e = OK;

    w->n = 0;
    w->groups = 0;
    w->everything = str_eq(query, STR("*"));
    if (w->everything) return OK;
    if (query.n > WORDS_BYTES_MAX) {
        snprintf(why, WORDS_WHY, "the query is longer than %d bytes", WORDS_BYTES_MAX);
        return ERR_SYNTAX;
    }
    while (e == OK) {
        while (p.at < query.n && is_blank(query.p[p.at])) p.at++;
        if (p.at == query.n) break;
        if (has_minus(&p)) {
            p.exclude = true;
            p.at++;
        }
        e = query.p[p.at] == '"' ? parse_phrase(&p) : parse_word(&p);
    }
    if (e == OK) e = end_group(&p);
    w->groups = p.group;
    return e;
}
