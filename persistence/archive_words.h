/* archive_words.h -- what a person types to search, as groups of words.
 *
 *     kyoto hotel            both words
 *     "late checkout"        these words in this order
 *     kyot*                  words that begin so
 *     kyoto -train           kyoto, but not train; NOT train is the same
 *     kyoto train OR bus     OR separates groups: (kyoto and train) or bus
 *     *                      everything: what the other conditions leave
 *
 * Everything else is text to look for: a word never is an operator by accident, and no text is an error but one whose
 * quote is left open, that excludes everything, or is too long. What a word is made of (blanks, case, accents,
 * punctuation) is the tokenizer's matter (archive_match.h); the sieve here only says of bytes that they cannot
 * match, without a tokenizer, so that the reactor may ask it of live values. */
#ifndef MEMD_PERSISTENCE_ARCHIVE_WORDS_H
#define MEMD_PERSISTENCE_ARCHIVE_WORDS_H

#include <stdint.h>

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

enum { WORDS_MAX = 32, WORDS_BYTES_MAX = 4096, WORDS_WHY = 160 };

struct archive_word {
    struct str text; /* borrowed from the query */
    uint32_t at;     /* where it stands there */
    uint8_t group;
    bool excluded;
    bool prefix; /* the last word of text is the beginning of one */
};

/* In the order of the query. */
struct archive_words {
    struct archive_word list[WORDS_MAX];
    size_t n;
    unsigned groups;
    bool everything;
};

/* ERR_SYNTAX: why says what is wrong. The query has to stay. */
enum err MUST_USE archive_words_parse(struct archive_words *w, struct str query, char why[WORDS_WHY]);

/* --- the sieve ------------------------------------------------------------------------------------------- */

/* All letters and digits of ASCII in the words that must be there, searched for at once: bit i of `step` is the state
 * "the i-th letter has just been seen, and those of its run before it". A character beyond ASCII, or one that is
 * escaped as JSON has it (\u00e9), stands for any letter or for none: it may lose its accent. So nothing that a
 * tokenizer would find is ever missed; a little more passes. */
struct archive_sieve {
    uint64_t step[256];
    uint64_t first, last;     /* letters that begin and end a run */
    uint64_t need[WORDS_MAX]; /* by group: the ends that must have been seen */
    unsigned groups;
    bool open; /* everything passes */
};

/* min: shorter words (in characters) are not looked for (trigrams: 3). */
void archive_sieve_make(struct archive_sieve *s, const struct archive_words *w, size_t min);

/* What has been seen of one value; pieces (elements) follow each other and do not touch. */
struct archive_sifted {
    uint64_t seen;
};

/* Look through a piece. True: the value may match, and no more of it need be looked at. */
bool archive_sieve_look(const struct archive_sieve *s, struct archive_sifted *v, struct str piece);

#endif
