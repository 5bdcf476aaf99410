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
 * punctuation) is the tokenizer's matter (archive_match.h). */
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

#endif
