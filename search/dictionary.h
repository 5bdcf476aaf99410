/* dictionary.h -- named sets of words, as FT.DICTADD makes them: FT.SPELLCHECK suggests those in them too, or passes over them.
 *
 * A word is kept as it came, and compared without regard to case. A dictionary is there as long as it has a word. A
 * zeroed struct dictionaries is empty. */
#ifndef MEMD_SEARCH_DICTIONARY_H
#define MEMD_SEARCH_DICTIONARY_H

#include "search/names.h"

enum { DICTIONARIES_MAX = 1024, DICTIONARY_WORDS_MAX = 65536 };

struct dictionary {
    struct str name; /* owned */
    struct names words;
};

struct dictionaries {
    struct dictionary **list; /* by name */
    size_t n;
};

void dictionaries_fini(struct dictionaries *ds);

/* NULL: there is none of that name. */
struct dictionary *dictionaries_find(const struct dictionaries *ds, struct str name);

/* The dictionary of that name, which is made when there is none: put a word into it then. NULL: there are DICTIONARIES_MAX. */
struct dictionary *dictionaries_open(struct dictionaries *ds, struct str name);

/* Put word (1 to WORD_MAX bytes) into d, at most DICTIONARY_WORDS_MAX; false: it was there. Who asks sees to the bounds. */
bool dictionary_add(struct dictionary *d, struct str word);

/* Take word out of the dictionary of that name, which goes with its last one; false: it was not there. */
bool dictionaries_remove(struct dictionaries *ds, struct str name, struct str word);

/* Look at `budget` words from number *at on (0: the first), and call fn for those within that distance of word, which is folded;
 * folded: how the word found compares. True: that was all. Words may come and go between calls. */
bool dictionary_like(const struct dictionary *d, uint32_t *at, uint32_t budget, struct str word, unsigned distance,
                     void (*fn)(void *ctx, struct str found, struct str folded), void *ctx);

size_t dictionaries_memory(const struct dictionaries *ds);

#endif
