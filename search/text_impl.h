/* text_impl.h -- the parts of text_index.h, for its own files.
 *
 *     text_terms.c     words, interned            text_order.c   their order, for prefixes and endings
 *     text_postings.c  which rows have a word     text_index.c   rows
 *     text_put.c       documents to rows          text_expand.c  which words a query's word stands for
 *     text_sweep.c     dead rows out              text_near.c    words near to each other
 *     text_scan.c      a query at work            text_check.c   what must hold
 *     text_match.c     words without an index */
#ifndef MEMD_SEARCH_TEXT_IMPL_H
#define MEMD_SEARCH_TEXT_IMPL_H

#include "base/ensure.h"
#include "base/hash.h"
#include "search/pages.h"
#include "search/text_index.h"
#include "text/phonetic.h"

enum { NO_ROW = UINT32_MAX };

/* A stem, and what words sound like (text/phonetic.h), is a word of its own, with this byte before it, which UTF-8 has not: it is
 * behind all words, and none of them. */
#define STEM_MARK '\xff'
#define SOUND_MARK '\xfe'
enum { SOUND_MIN = 3 }; /* bytes: shorter words are not indexed by their sound, as in RediSearch */

/* --- postings ---------------------------------------------------------------------------------------------------- */

/* Rows ascend within a list. An entry:
 *
 *     varint  rows since the entry before << 2 | kind (the first of a block: 0 rows since `first`)
 *     kind 0: once, in field 0    1: once, in the field of the next byte    2: a field and a number of times (varint)
 *          3: a number of fields, and each as in 2
 *     behind each number of times as many positions: varints, each since the one before (none with no_offsets) */
struct block {
    struct block *next;
    uint32_t first, last; /* rows */
    uint32_t used;        /* of bytes */
    uint32_t cap : 31;
    uint32_t odd : 1;     /* which numbering the rows are of: text_index.odd, or while sweeping the other */
    unsigned char bytes[];
};

/* Where the next entry goes is known beside the word, so that of the last block only the end is touched: while there is `room`,
 * `used` and `row` are the truth, and what that block says of itself is older (postings_seal). */
struct postings {
    struct block *last;
    uint32_t row;         /* its last */
    uint16_t used, room;  /* bytes of it; no room: the block says it */
    struct block *first;
};

static inline void postings_seal(const struct postings *p)
{
    if (p->room == 0) return;
    p->last->used = p->used;
    p->last->last = p->row;
}

/* Memory brings the place of the next entry. */
static inline void postings_fetch(const struct postings *p)
{
    if (p->room > 0) __builtin_prefetch((const char *)p->last + offsetof(struct block, bytes) + p->used, 1);
    else __builtin_prefetch(p->last, 1); /* or NULL */
}

/* --- words --------------------------------------------------------------------------------------------------------- */

enum {
    TERM_STOP = 1, TERM_STEM = 2, TERM_STEMMED = 4, /* stem and language say what was found out */
    TERM_SOUND = 8,
    TERM_NO_WORD = TERM_STEM | TERM_SOUND
};

enum { TERM_TEXT = 16 };

struct term {
    struct term *next;        /* of its bucket */
    uint16_t n;
    uint8_t flags, language;
    uint32_t met;             /* in text_index.met, if it is there */
    struct postings postings;
    union {
        struct term *stem;    /* in `language`; NULL: it is its own */
        size_t users;         /* of a stem: words whose `stem` it is */
    };
    char text[];              /* with zeros behind it up to TERM_TEXT bytes: that is 64 in all, and most words are no longer */
};

static inline struct str term_text(const struct term *t)
{
    return str_of(t->text, t->n);
}

/* --- order ----------------------------------------------------------------------------------------------------------- */

/* Endings of terms in the order of their bytes: leaves of up to ORDER_LEAF, under one array that knows how each begins. */
enum { ORDER_LEAF = 64 };

struct order_leaf {
    uint32_t n;
    uint16_t at[ORDER_LEAF];     /* where the ending begins */
    uint64_t begins[ORDER_LEAF]; /* its first 8 bytes */
    struct term *term[ORDER_LEAF];
};

struct order {
    struct order_leaf **leaf;
    uint64_t *begins; /* of each leaf's first; grows with `leaf` */
    size_t n, cap;
    size_t items;
};

struct order_at {
    size_t leaf, i;
};

void order_add(struct order *o, struct term *t, size_t at);
void order_remove(struct order *o, struct term *t, size_t at);
void order_fini(struct order *o);
size_t order_memory(const struct order *o);

/* The first ending >= s. */
struct order_at order_find(const struct order *o, struct str s);
/* False: p is behind the last. */
static inline bool order_get(const struct order *o, struct order_at p, struct term **t, struct str *ending)
{
    const struct order_leaf *l;

    if (p.leaf >= o->n) return false;
    l = o->leaf[p.leaf];
    *t = l->term[p.i];
    *ending = str_of((*t)->text + l->at[p.i], (size_t)(*t)->n - l->at[p.i]);
    return true;
}
static inline struct order_at order_next(const struct order *o, struct order_at p)
{
    if (p.i + 1 < o->leaf[p.leaf]->n) return (struct order_at){ p.leaf, p.i + 1 };
    return (struct order_at){ p.leaf + 1, 0 };
}
void order_check(const struct order *o);

/* --- the index --------------------------------------------------------------------------------------------------------- */

struct row {
    uint64_t hash;   /* of what was put */
    uint32_t length; /* words */
    uint32_t max_tf;
};

/* One numbering of the rows. Documents lie apart from the rest of a row: to find reads nothing else. */
struct numbering {
    struct pages rows;   /* struct row */
    struct pages docs;   /* uint32_t by row; UINT32_MAX: dead */
    struct pages row_of; /* uint32_t by doc; NO_ROW */
    uint32_t n;
};

static inline struct numbering numbering_new(void)
{
    return (struct numbering){ .rows = { .item = sizeof(struct row) },
                               .docs = { .item = sizeof(uint32_t) },
                               .row_of = { .item = sizeof(uint32_t) } };
}

static inline void numbering_fini(struct numbering *n)
{
    pages_fini(&n->rows);
    pages_fini(&n->docs);
    pages_fini(&n->row_of);
    n->n = 0;
}

struct language {
    struct str name;         /* owned */
    struct stemmer *stemmer; /* NULL: none */
    bool han_apart;
};
enum { LANGUAGES_MAX = 64 };

/* A document while it is put: the terms that it has. Where one is more than once, all its places are occurrences. */
struct occurrence {
    uint32_t next; /* of the same term */
    uint32_t position;
    uint8_t field;
};
struct met {
    struct term *term;
    uint32_t n;           /* places */
    uint32_t position;    /* the first, and its field */
    uint32_t first, last; /* occurrences, of several */
    double tf;
    uint8_t field;
};

/* Words that have been read and are not looked for yet, of several documents: they are looked for together, so that one's memory
 * comes while others are at hand. */
enum { WORDS_AT_ONCE = 384, ROWS_AT_ONCE = 64, WORDS_AT_ONCE_ROOM = 10 * 1024 };
struct heard_word {
    uint64_t begins[2];   /* its first bytes, zeros behind it */
    const char *text;
    uint32_t hash;
    uint32_t position;
    uint16_t n;
    uint8_t field;
    bool no_stem, phonetic;
};
struct heard_row {
    uint32_t row, doc;
    size_t n_words;
    double length;
    uint8_t language;
};
struct heard {
    uint64_t room[WORDS_AT_ONCE_ROOM / 8];
    struct heard_word words[WORDS_AT_ONCE];
    struct term *terms[WORDS_AT_ONCE];
    struct heard_row rows[ROWS_AT_ONCE];
    size_t n_words, n_rows, used; /* bytes of room */
};

struct text_index {
    struct hash_key key;
    bool no_offsets, no_freqs, suffixes;
    uint8_t language; /* of documents that name none */
    const struct synonyms *synonyms;
    struct language languages[LANGUAGES_MAX];
    uint8_t n_languages;
    double weights[2][TEXT_FIELDS_MAX]; /* of words, of stems */
    uint64_t no_stem_fields, phonetic_fields;
    uint64_t stop_bits[64]; /* by hash: where there is none, a word is no stop word, and its term need not be looked up */

    struct pages buckets; /* struct term *; linear hashing: bucket i splits in two when there are many terms */
    size_t n_buckets, bucket_mask, n_terms, n_words; /* the mask is that of the round after this one */
    struct order order, endings;

    struct numbering now;
    uint32_t live;
    uint64_t total_length;

    enum { SWEEP_NONE, SWEEP_NUMBERS, SWEEP_LISTS } sweep;
    bool odd;
    struct numbering fresh; /* while sweeping */
    struct pages fresh_of;  /* uint32_t: by row of `now` its row in `fresh`; NO_ROW: it was dead */
    size_t sweep_at;        /* a row, a bucket */
    size_t owed;            /* how far it should have come since: text_sweep.c */

    size_t memory;          /* terms and blocks; the rest is known by its parts */
    size_t n_postings, posting_bytes, offset_bytes;

    /* For puts. */
    struct heard *heard; /* owned; NULL: nothing has been heard, and most indexes rest */
    struct occurrence *occurrences;
    size_t n_occurrences, cap_occurrences;
    struct met *met;
    size_t n_met, cap_met;
    struct buf stem, entry;
    struct text_later *later; /* a long document that is being put: text_put.c. NULL: there is none */
};

/* Give up the long document that is being put. */
void text_drop_later(struct text_index *t);
size_t text_later_memory(const struct text_index *t);

static inline struct row *row_at(const struct numbering *n, uint32_t row)
{
    return pages_at(&n->rows, row);
}

static inline uint32_t *doc_at(const struct numbering *n, uint32_t row)
{
    return pages_at(&n->docs, row);
}

static inline uint32_t row_of(const struct numbering *n, uint32_t doc)
{
    return doc < n->row_of.items ? *(uint32_t *)pages_at(&n->row_of, doc) : NO_ROW;
}

static inline uint32_t fresh_row(const struct text_index *t, uint32_t row)
{
    return *(uint32_t *)pages_at(&t->fresh_of, row);
}

/* The numbering that cursors tell rows in. */
static inline const struct numbering *view_of(const struct text_index *t)
{
    return t->sweep == SWEEP_LISTS ? &t->fresh : &t->now;
}

/* A new row, which says nothing yet; and its number in `fresh`. */
uint32_t text_add_row(struct text_index *t, uint32_t doc);
uint32_t text_add_fresh(struct text_index *t, uint32_t row);
/* doc has none any more. */
void text_remove_row(struct text_index *t, uint32_t doc);

/* So many postings came, or a new word: text_sweep.c. */
void text_sweep_owes(struct text_index *t, size_t postings);
void text_sweep_owes_word(struct text_index *t, const struct term *w);

/* --- terms: text_terms.c */
/* The bucket of a hash: the low bits, one more of them where the bucket has been split in this round. */
static inline size_t term_bucket(const struct text_index *t, uint32_t hash)
{
    size_t i = hash & t->bucket_mask;

    return i < t->n_buckets ? i : hash & (t->bucket_mask >> 1);
}
static inline struct term **bucket_at(const struct text_index *t, size_t i)
{
    return (struct term **)(void *)t->buckets.page[i / PAGE_ITEMS] + i % PAGE_ITEMS;
}
/* Memory brings its bucket. */
static inline void term_expect(const struct text_index *t, uint32_t hash)
{
    __builtin_prefetch(bucket_at(t, term_bucket(t, hash)));
}
static inline bool term_may_stop(const struct text_index *t, uint32_t hash)
{
    return (t->stop_bits[hash / 64 % 64] >> hash % 64 & 1) != 0;
}
bool term_is_stop(const struct text_index *t, struct str word, uint32_t hash);
struct term *term_find(const struct text_index *t, struct str word);
struct term *term_get(struct text_index *t, struct str word, uint8_t flags); /* made where there is none */
void term_stop(struct text_index *t, struct str word); /* it is a stop word from now on */
/* The terms of words that have been heard, from `first` on, n of them, to heard.terms; made where there are none. */
void terms_get(struct text_index *t, size_t first, size_t n);
void term_forget(struct text_index *t, struct term **at);                    /* out of its bucket; it has no postings */
/* Its stem in that language, found out once; NULL: none but itself. */
struct term *term_find_stem(struct text_index *t, struct term *w, uint8_t language);
static inline struct term *term_stem(struct text_index *t, struct term *w, uint8_t language)
{
    return (w->flags & TERM_STEMMED) && w->language == language ? w->stem : term_find_stem(t, w, language);
}
/* What the word sounds like, with its mark: valid until the next call for the same room. Empty: nothing. */
struct term_sound {
    char bytes[1 + PHONETIC_MAX];
};
struct str term_sound(struct str word, struct term_sound *room);
/* The number of a language, by name; LANGUAGES_MAX: no room for it. */
uint8_t language_get(struct text_index *t, struct str name);

/* --- postings: text_postings.c */

/* The terms of the document in t->met, n of them from `first` on: the places of its terms, by field and position. fresh: the row in
 * that numbering, while sweeping. */
void postings_add_some(struct text_index *t, uint32_t row, uint32_t fresh, size_t first, size_t n);
void postings_free(struct text_index *t, struct postings *p);
/* While sweeping: number rows anew and leave out the dead, until *budget entries have been read; true: all of the list is done. */
bool postings_renumber(struct text_index *t, struct postings *p, size_t *budget);

/* A walk over the living rows of a term. */
struct cursor {
    const struct text_index *t;
    const struct block *block;
    const unsigned char *at;
    uint32_t raw; /* row as written */
    bool translate;
    const double *weights;
    uint32_t row, doc; /* of the entry */
    uint64_t fields;   /* that have it */
    double tf;         /* in the fields that were asked for */
};

/* Where positions are put, or not. */
struct place {
    uint32_t row;
    uint32_t position; /* within the field */
    uint8_t field;
};
struct places {
    struct place *list;
    size_t n, cap;
};

void cursor_open(struct cursor *c, const struct text_index *t, const struct term *w);
/* The next entry, dead ones too (doc: UINT32_MAX). False: the end. tf and places are those of `fields`; places may be NULL. */
bool cursor_next(struct cursor *c, uint64_t fields, struct places *places);
/* The next entries at once, max of them at most, as cursor_next tells one (but c's own row, doc, fields and tf); 0: the end. */
struct posting {
    uint32_t row, doc;
    uint64_t fields;
    double tf;
};
size_t cursor_read(struct cursor *c, uint64_t fields, struct posting *out, size_t max);
/* Leave out blocks all of whose rows are below row. */
void cursor_skip(struct cursor *c, uint32_t row);

/* --- expansion: text_expand.c */

/* A word that is looked for. */
struct choice {
    struct term *term;
    uint64_t fields;
    uint32_t df;
};
struct choices {
    struct choice *list;
    size_t n, cap;
};

struct expansion;
struct expansion *expansion_new(const struct text_index *t, const struct text_word *w, uint64_t fields, uint8_t language,
                                size_t max);
bool expansion_step(struct expansion *x, size_t *budget, struct choices *out); /* true: done */
void expansion_free(struct expansion **x);

/* --- matching: text_match.c */

/* * any number of characters, ? one, \ the next as it is. */
bool wildcard_match(struct str pattern, struct str text);
/* The bytes of the character that s begins with, and these as a number: good enough to tell characters apart. */
size_t next_character(struct str s, uint32_t *c);
/* Characters to be put in, taken out or exchanged, at least; more than max: max + 1. Words of WORD_MAX bytes at most. */
unsigned edit_distance(struct str a, struct str b, unsigned max);
/* Without stems. */
bool text_word_matches(const struct text_word *w, struct str word);

/* --- near: text_near.c */

/* Are there places, one of each list, that are near enough? Lists are sorted, of one row and field; at: room for n numbers. */
bool places_are_near(const struct places *lists, size_t n, size_t *at, int slop, bool in_order);

#endif
