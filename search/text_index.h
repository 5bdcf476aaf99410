/* text_index.h -- the words of documents: an inverted index with positions, for all TEXT fields of one index.
 *
 * Documents have rows of their own, numbered as they come, so that postings are only ever appended to: a document whose text
 * changes gets a new row, and one that goes leaves a dead row, which no search sees from that moment. When a quarter of
 * the rows is dead they are swept out in slices (text_index_sweep). Blocks of postings: row (delta), frequency, fields, positions,
 * as varints. */
#ifndef MEMD_SEARCH_TEXT_INDEX_H
#define MEMD_SEARCH_TEXT_INDEX_H

#include "search/docset.h"
#include "search/synonyms.h"
#include "text/words.h"

enum { TEXT_FIELDS_MAX = 64 };

struct text_rules {
    const char *const *stop_words; /* folded, sorted, ended by NULL; kept by the index's owner */
    bool no_offsets, no_freqs;
    bool suffixes;                 /* a WITHSUFFIXTRIE field: *fix and *in* need not read all words */
    struct str language;           /* when a document names none */
    const struct synonyms *synonyms; /* kept by the index's owner; NULL: none */
};

struct text_index;
struct text_index *text_index_new(const struct text_rules *rules);
void text_index_free(struct text_index **t);

/* A value of a TEXT field; a document may have several of the same field (a JSON array). */
struct text_value {
    uint8_t field; /* < TEXT_FIELDS_MAX */
    bool no_stem, phonetic;
    double weight;
    struct str text;
};
/* All text of doc, which replaces what it had; the same values again cost a hash. language: empty: the rules'. Only the first
 * TEXT_DOCUMENT_MAX bytes are looked at. */
enum { TEXT_DOCUMENT_MAX = 1 << 20 };
void text_index_put(struct text_index *t, uint32_t doc, const struct text_value *values, size_t n, struct str language);
/* The same for several documents, faster: their words are read (the values may go then), and found when all of them are flushed,
 * before anything else is asked of the index. */
void text_index_take(struct text_index *t, uint32_t doc, const struct text_value *values, size_t n, struct str language);
void text_index_flush(struct text_index *t);
/* A document of more than TEXT_LONG bytes is begun when it is taken (the values may go then, too): go on with it for a step, of some
 * 500 words; true: there is none, or it is done. The next one that is taken finishes it first; it goes when it is removed. Nothing
 * is asked of the index meanwhile. */
enum { TEXT_LONG = 16 * 1024 };
bool text_index_go_on(struct text_index *t);
bool text_index_is_going_on(const struct text_index *t);
/* doc is to be put soon: memory brings what is known of it. */
void text_index_expect(const struct text_index *t, uint32_t doc);
void text_index_remove(struct text_index *t, uint32_t doc);

/* Sweep for about budget postings; true: there is more to do. Not while a search is on. */
bool text_index_sweep(struct text_index *t, size_t budget);
/* Documents come faster than the sweep goes on, which would find ever more to do: it is due more of it before others come. */
bool text_index_is_behind(const struct text_index *t);

struct text_facts {
    size_t docs, terms, postings, memory, posting_bytes, offset_bytes; /* memory: O(1), exact */
    double average_length;
};
void text_index_facts(const struct text_index *t, struct text_facts *f);

/* All words (not stems), with the number of documents; for FT.SPELLCHECK and tests. */
void text_index_each(const struct text_index *t, void (*fn)(void *ctx, struct str word, uint32_t docs), void *ctx);

/* All that documents are found by: stems and sounds too, each with its mark. For checks. */
void text_index_each_term(const struct text_index *t, void (*fn)(void *ctx, struct str term, uint32_t docs), void *ctx);

/* --- asking ---------------------------------------------------------------------------------------------------- */

enum text_match { TEXT_WORD, TEXT_PREFIX, TEXT_SUFFIX, TEXT_INFIX, TEXT_FUZZY, TEXT_WILDCARD /* ? and * */ };

struct text_word {
    enum text_match how;
    struct str word;      /* folded */
    uint8_t distance;     /* TEXT_FUZZY: 1..3 edits */
    bool verbatim;        /* no stemming: the word itself */
    bool no_sound;        /* in phonetic fields, too, not those that sound alike */
};

/* One word, or several near to each other. */
struct text_phrase {
    const struct text_word *words; /* borrowed for the life of the search */
    size_t n;
    int slop;             /* words between them at most; < 0: no matter how many */
    bool in_order;
    uint64_t fields;      /* bit by field; ~0: all */
    struct str language;  /* empty: the rules' */
    size_t expansions;    /* words that a prefix may stand for, at most; 0: 131,072, and 200 within several words */
};

/* Goes on in steps; the index must not change between them but for text_index_remove: documents that go meanwhile may be in
 * `found`. */
struct text_scan;
struct text_scan *text_scan_new(struct text_index *t, const struct text_phrase *p);
bool text_scan_step(struct text_scan *s, size_t budget, struct docset *found); /* budget: postings; true: done */
void text_scan_free(struct text_scan **s);
/* After the last step, for one word: those that it stood for, without stems, and how many documents have each. */
void text_scan_words(const struct text_scan *s, void (*fn)(void *ctx, struct str word, uint32_t docs), void *ctx);
/* Stood a prefix, pattern or the like for as many words as it may? There are others, perhaps. */
bool text_scan_cut(const struct text_scan *s);
size_t text_scan_memory(const struct text_scan *s);

/* After the last step: tell each document of `among` that the scan found, with the words' frequencies in it: what scorers count
 * with (search/score.h). One call for each word that the phrase stood for. tf is weighted by field. */
struct text_hit {
    uint32_t doc;
    double tf;
    uint32_t df;       /* documents that have the word */
    uint32_t length;   /* words of the document */
    uint32_t max_tf;   /* of its most frequent word */
};
void text_scan_hits(struct text_scan *s, const struct docset *among, void (*fn)(void *ctx, const struct text_hit *h), void *ctx);

/* The same in steps: budget postings; true: done. */
bool text_scan_hits_step(struct text_scan *s, size_t budget, const struct docset *among,
                         void (*fn)(void *ctx, const struct text_hit *h), void *ctx);

/* Is word a stop word? */
bool text_is_stop_word(const struct text_index *t, struct str word);

/* Invariants; slow. */
void text_index_check(const struct text_index *t);

#endif
