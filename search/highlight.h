/* highlight.h -- the words of a query shown in a text: HIGHLIGHT and SUMMARIZE.
 *
 * As RediSearch has them: marked words stand between two tags, each by itself. A summary is made of fragments: words of the query
 * that are at most 8 words apart, with some of the text around them; the fragments with most of the query's words, in the
 * order of the text, and the separator behind each. */
#ifndef MEMD_SEARCH_HIGHLIGHT_H
#define MEMD_SEARCH_HIGHLIGHT_H

#include "search/text_index.h"

struct highlight_rules {
    bool mark;              /* HIGHLIGHT */
    struct str open, close; /* TAGS */
    bool summarize;         /* SUMMARIZE */
    size_t fragments;       /* FRAGS: at most so many */
    size_t words;           /* LEN: words of a fragment, about */
    struct str separator;
};

/* What is so where nothing is said: <b> </b>, 3 fragments of 20 words, "... ". Neither mark nor summarize is set. */
extern const struct highlight_rules highlight_defaults;

/* A word of the query, not of what it excludes; fields: those that it is looked for in. */
struct highlight_word {
    struct text_word word;
    uint64_t fields;
};

/* Of parts of words (prefixes, patterns, fuzzy ones), with each of which each word of a text is compared, the first so many are marked. */
enum { HIGHLIGHT_PATTERNS_MAX = 32 };

/* For the words of a query, borrowed for its life, in the language that the query has (empty: the index's). */
struct highlighter;
struct highlighter *highlighter_new(const struct text_index *t, const struct highlight_word *words, size_t n, struct str language);
void highlighter_free(struct highlighter **h);

/* Append text as the rules want it shown; field: its number as a TEXT field. A text without any of the words stays as it is; a
 * summary of it, where nothing is to be marked, is its beginning. Words are looked for in the first TEXT_DOCUMENT_MAX bytes. */
void highlight(struct highlighter *h, struct str text, uint8_t field, const struct highlight_rules *rules, struct buf *out);

/* Tell which words of the query text has: those that stand for themselves as the query has them, others as the text does, folded.
 * A word may be told more than once. */
void highlight_words(struct highlighter *h, struct str text, uint8_t field, void (*fn)(void *ctx, struct str word), void *ctx);

#endif
