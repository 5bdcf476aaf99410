/* phonetic.h -- what a word sounds like: words that sound alike have one code. For TEXT fields with PHONETIC. */
#ifndef MEMD_TEXT_PHONETIC_H
#define MEMD_TEXT_PHONETIC_H

#include "base/str.h"

enum { PHONETIC_MAX = 4 }; /* bytes of a code */

/* The code of a word in small letters, as words.h has it; accents are not heard: capitals and 0 (for th), at most PHONETIC_MAX of them, written to code. How many;
 * 0: the word has nothing that sounds (a number, another alphabet). Time: the word's length. */
size_t phonetic_code(struct str word, char code[PHONETIC_MAX]);

#endif
