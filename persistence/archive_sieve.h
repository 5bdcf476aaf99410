/* archive_sieve.h -- of which bytes a query's words cannot be found, without a tokenizer: for the reactor, which asks it of live
 * values.
 *
 * What is looked for are the runs of ASCII letters and digits in the words that must be there, whatever their case. A character
 * beyond ASCII, or one that is escaped as JSON has it (\u00e9), stands for any letter or for none: it may lose its accent. So
 * nothing that a tokenizer would find is ever missed; a little more passes.
 *
 * Most bytes of most texts are plain. There 16 places are compared at once with the two rarest letters of a run. Around a
 * character that is not plain all runs are followed at once, byte by byte: bit i of `step` is the state "the i-th letter has just
 * been seen, and those of its run before it". */
#ifndef MEMD_PERSISTENCE_ARCHIVE_SIEVE_H
#define MEMD_PERSISTENCE_ARCHIVE_SIEVE_H

#include "persistence/archive_words.h"

enum { SIEVE_BITS = 64, SIEVE_RUNS = 6 };

struct archive_sieve {
    uint64_t step[256];
    uint64_t first, last;     /* letters that begin and end a run */
    uint64_t need[WORDS_MAX]; /* by group: the ends that must have been seen */
    unsigned groups;
    bool open; /* everything passes */

    struct sieve_run {
        uint8_t at, n;   /* bits, and as many letters */
        uint8_t rare[2]; /* which of the letters are the rarest in texts */
    } runs[SIEVE_RUNS];
    unsigned n_runs;  /* more than SIEVE_RUNS: they are only followed byte by byte */
    unsigned longest; /* letters of a run */
    char letters[SIEVE_BITS]; /* in lower case */
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
