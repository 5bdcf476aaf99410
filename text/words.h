/* words.h -- what a word is: the one analysis of text, for FT.* and for the archive's search.
 *
 * In FT.* blanks and punctuation of ASCII part words, as in RediSearch; the underscore, and all characters beyond ASCII, belong to
 * them, and a backslash makes the next character part of its word. Words are the same when all their characters are, but for
 * case: clients keep names in texts and look for them by their words (langgraph's store does), and whoever is called "Jose" must not
 * be given what "José" has, nor "tom" what "tom❤️" has. Nothing is composed or decomposed. A byte that is no UTF-8 is a character of its own.
 * Case is Unicode's simple folding.
 *
 * The archive's search has the words of FTS5's tokenizer unicode61 (remove_diacritics 2): runs of letters, digits, and what is neither
 * blank nor punctuation nor a symbol that it knows, with accents folded away as well. The table is FTS5's own (make_words_table.py), so
 * that both agree on every character, and on bytes that are no UTF-8, too. */
#ifndef MEMD_TEXT_WORDS_H
#define MEMD_TEXT_WORDS_H

#include <stdint.h>

#include "base/buf.h"

/* Bytes of a word. What is longer is cut there as FTS5's; else its end is replaced by a digest of all of it (of the first
 * WORD_DIGESTED bytes of it), so that names that begin alike stay apart. */
enum { WORD_MAX = 512, WORD_DIGESTED = 64 * 1024 };

enum {
    WORDS_AS_FTS5 = 1,   /* without accents; more separates */
    WORDS_HAN_APART = 2, /* each Chinese character is a word, and its punctuation parts words: for texts in Chinese, which has no blanks */
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

/* s folded, as a word would be; its separators stay, and escapes. how: WORDS_AS_FTS5, or 0. */
void words_fold(struct str s, unsigned how, struct buf *out);

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
