/* synonyms.h -- words that stand for each other: groups with names, as FT.SYNUPDATE makes them.
 *
 * A word of a query that is in a group stands for all words of it (unless it is verbatim). Documents know nothing of it: what is
 * said holds at once, and for all of them. A zeroed struct is empty. */
#ifndef MEMD_SEARCH_SYNONYMS_H
#define MEMD_SEARCH_SYNONYMS_H

#include "base/str.h"

enum { SYNONYMS_MAX = 8192, SYNONYM_GROUPS_MAX = 64 /* of a word */ };

/* A word in a group; both owned. */
struct synonym {
    struct str word, group; /* word: folded */
};

struct synonyms {
    struct synonym *list; /* in the order of words, then of groups */
    size_t n, cap;
};

void synonyms_fini(struct synonyms *s);

/* Put word into the group; no-op when it is there. At most SYNONYMS_MAX, and a word in SYNONYM_GROUPS_MAX groups: who asks sees to
 * that. */
void synonyms_add(struct synonyms *s, struct str group, struct str word);

/* In how many groups word (as it came) is. */
size_t synonyms_groups(const struct synonyms *s, struct str word);

/* Where those of word (folded) begin; others may be there. */
size_t synonyms_find(const struct synonyms *s, struct str word);

size_t synonyms_memory(const struct synonyms *s);

#endif
