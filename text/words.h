/* words.h -- what a word is: the one analysis of text, for FT.* and for the archive's search.
 *
 * A word is a run of letters, digits and marks (Unicode categories L, N, Co, M: as FTS5's unicode61 with
 * remove_diacritics 2 has them) and underscores; case and diacritics are folded away. A backslash makes the next
 * character part of the word. */
#ifndef MEMD_TEXT_WORDS_H
#define MEMD_TEXT_WORDS_H

#include <stdint.h>

#include "base/buf.h"

enum { WORD_MAX = 512 }; /* bytes; what is longer is cut there */

/* A walk over the words of a text:
 *
 *     words_open(&w, text);
 *     while (words_next(&w)) ... w.word, w.at, w.len ... */
struct words {
    struct str text;
    size_t next;
    struct str word;  /* folded; valid until the next call */
    size_t at, len;   /* where it stands in the text, in bytes */
    char buf[WORD_MAX];
};
void words_open(struct words *w, struct str text);
bool words_next(struct words *w);

/* s folded, as a word would be; its separators stay. */
void words_fold(struct str s, struct buf *out);

/* --- languages ------------------------------------------------------------------------------------------------- */

/* A stemmer by name ("english", "german" ... Snowball's, any case); NULL: there is none. Shared state is the stemmer's own:
 * one for each thread. */
struct stemmer;
struct stemmer *stemmer_new(struct str language);
void stemmer_free(struct stemmer **s);
struct str stemmer_stem(struct stemmer *s, struct str word); /* valid until the next call */
bool stemmer_knows(struct str language);

/* The usual stop words of English, sorted, ended by an empty string. */
extern const char *const stop_words_english[];

#endif
