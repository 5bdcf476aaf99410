/* words.h -- what a word is: the one analysis of text, for FT.* and for the archive's search.
 *
 * A word is a run of the characters that FTS5's tokenizer unicode61 (remove_diacritics 2) takes for parts of words: letters,
 * digits, and what is neither blank nor punctuation, symbols of newer alphabets and emoji among them. Case and diacritics
 * are folded away. The table is FTS5's own (make_words_table.py), so that both agree on every character, and on bytes that are
 * no UTF-8 too. In FT.* the underscore is part of words as well, and a backslash makes the next character part of its word. */
#ifndef MEMD_TEXT_WORDS_H
#define MEMD_TEXT_WORDS_H

#include <stdint.h>

#include "base/buf.h"

enum { WORD_MAX = 512 }; /* bytes; what is longer is cut there */

enum {
    WORDS_AS_FTS5 = 1,   /* underscores and backslashes separate */
    WORDS_HAN_APART = 2, /* each Chinese character is a word: for texts in Chinese, which has no blanks */
};

/* A walk over the words of a text:
 *
 *     words_open(&w, text);
 *     while (words_next(&w)) ... w.word, w.at, w.len ... */
struct words {
    struct str text;
    size_t next;
    unsigned how;     /* WORDS_... */
    struct str word;  /* folded; valid until the next call */
    size_t at, len;   /* where it stands in the text, in bytes */
    char buf[WORD_MAX];
};
void words_open(struct words *w, struct str text);
void words_open_as(struct words *w, struct str text, unsigned how);
bool words_next(struct words *w);

/* The next words at once, up to max of them, folded into room, which has WORDS_ROOM bytes at least and is aligned to 8: each begins
 * at a multiple of 8, and behind it are zeros up to the next. How many; 0: the end. Where they stand is not told. */
enum { WORDS_ROOM = 2 * WORD_MAX };
size_t words_some(struct words *w, struct str *words, size_t max, char *room, size_t n_room);

/* All words of a text as FT.* has them, of up to WORDS_PLAIN_MAX bytes of ASCII without a backslash: a quarter of the time. folded gets
 * the whole text, and has room for WORDS_PLAIN_ROOM bytes more; words for half as many as the text has bytes, and one more. How many;
 * or WORDS_NOT_PLAIN. None is cut, however long. */
struct word_span {
    uint16_t at, n;
};
enum { WORDS_PLAIN_MAX = 1024, WORDS_PLAIN_ROOM = 80 };
#define WORDS_NOT_PLAIN SIZE_MAX
size_t words_plain(struct str text, char *folded, struct word_span *words);

/* s folded, as a word would be; its separators stay, and escapes. */
void words_fold(struct str s, struct buf *out);

/* The bytes of the character that s begins with, by its first byte: 1 to 4, never more than there are (0 for none). */
size_t word_char_size(struct str s);

/* --- languages ------------------------------------------------------------------------------------------------- */

/* A stemmer by name ("english", "german" ... Snowball's, any case); NULL: there is none. Shared state is the stemmer's own:
 * one for each thread. */
struct stemmer;
struct stemmer *stemmer_new(struct str language);
void stemmer_free(struct stemmer **s);
struct str stemmer_stem(struct stemmer *s, struct str word); /* valid until the next call */
bool stemmer_knows(struct str language);

/* May an index or a document be in this language? Those with a stemmer, and some without ("chinese", "hindi" ...). */
bool language_is_known(struct str language);

/* The usual stop words of English, sorted, ended by NULL. */
extern const char *const stop_words_english[];

#endif
