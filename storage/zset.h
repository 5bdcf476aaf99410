/* zset.h -- a sorted set object, in one of two forms.
 *
 *   ENC_LISTPACK  at most zset-max-listpack-entries members, none longer than zset-max-listpack-value:
 *                 member and score in turn, in order (zset_pack.h)
 *   ENC_TREE      a table of entries, each a member with its score, and beside it a tree that has the
 *                 same entries in order (ztree.h)
 *
 * The order is that of scores, and of bytes (memcmp, the shorter first) among equal scores. A rank
 * is a place in that order, from 0. Every range (of ranks, scores or names) is an interval of ranks,
 * so whoever has found its ends reads, counts and removes all of them alike.
 *
 * A zset grows from the small form to the large, never back. A struct zset is an open one: the two
 * words that its entry holds, with the store; who changes it stores enc and ptr back (type_zset.c).
 * Scores are never NaN: callers see to that. */
#ifndef MEMD_STORAGE_ZSET_H
#define MEMD_STORAGE_ZSET_H

#include "base/buf.h"
#include "base/num.h"
#include "storage/listpack.h"
#include "storage/store.h"
#include "storage/ztree.h"

struct dup_place;

struct zset {
    struct store *store;
    enum value_enc enc;
    void *ptr; /* a listpack, or struct zset_large */
};

struct zset_large {
    struct table table;
    struct ztree tree;
    struct zset_cut *cut; /* snapshot in progress, else NULL */
};

/* A new, empty one to which about n members will be added, none longer than `longest`. */
struct zset zset_new(struct store *s, size_t n, size_t longest);
struct zset zset_of(struct store *s, const struct entry *e);
void zset_free(struct zset *z);

/* About n members in all are to come: take the large form at once when they would need it. */
void zset_expect(struct zset *z, size_t n);

size_t zset_count(const struct zset *z);

/* False: there is no such member. */
bool zset_score(const struct zset *z, struct str member, double *score);

/* Its place from the lowest score, and its score (may be NULL). False: there is no such member. */
bool zset_rank(const struct zset *z, struct str member, size_t *rank, double *score);

/* Give member this score; false: it was there, with whatever score (told in *old unless NULL). */
bool zset_put(struct zset *z, struct str member, double score, double *old);

/* False: it was not there. */
bool zset_remove(struct zset *z, struct str member);

/* The same in two steps, for those who decide by the score that is there: look the member up, then give
 * it a score, or take it out. A place is good until the set changes. */
struct zplace {
    bool found;
    double score;           /* when found */
    const unsigned char *p; /* small form: the member's element */
    struct table_ref ref;   /* large form */
};
bool zset_find(const struct zset *z, struct str member, struct zplace *at);
/* ... to give it this score, as far as is known: what will be needed for that is fetched meanwhile. */
bool zset_find_for(const struct zset *z, struct str member, double score, struct zplace *at);
void zset_put_at(struct zset *z, struct zplace *at, struct str member, double score);
void zset_remove_at(struct zset *z, struct zplace *at);

/* Remove the members of ranks from up to, but not, to; each is given to fn (may be NULL) first, in
 * order. */
void zset_remove_ranks(struct zset *z, size_t from, size_t to,
                       void (*fn)(void *ctx, struct str member, double score), void *ctx);

/* --- ranges (zset_read.c) ------------------------------------------------------------------------ */

struct zrange_score {
    double min, max;
    bool min_open, max_open; /* the bound itself is out */
};

enum zlex_bound { ZLEX_CLOSED, ZLEX_OPEN, ZLEX_LOWEST, ZLEX_HIGHEST }; /* "[x", "(x", "-", "+" */
struct zrange_lex {
    struct str min, max;
    enum zlex_bound min_kind, max_kind;
};

/* Ranks [from, to) of what lies in the range; from == to: nothing does. A range of names makes sense
 * where all scores are equal, as in Redis. */
struct zrange {
    size_t from, to;
};
struct zrange zset_range_score(const struct zset *z, const struct zrange_score *r);
struct zrange zset_range_lex(const struct zset *z, const struct zrange_lex *r);

struct zset_iter {
    const struct zset *z;
    struct str member; /* zset_next's; borrowed until the next call */
    double score;
    bool down;
    size_t rank, left;      /* of the next member; how many come */
    const unsigned char *p; /* small form: its element */
    struct zrun run;        /* large form: its neighbours */
    char scratch[NUM_TEXT_MAX];
};
/* Walk from the member of a rank, upwards or downwards; the set may not change meanwhile. There is none
 * of a rank of zset_count or more: such a walk is at its end. */
void zset_iter_at(struct zset_iter *it, const struct zset *z, size_t rank, bool down);
bool zset_next(struct zset_iter *it);

/* As SCAN: some members from cursor (0 at the start); returns the next, 0 at the end. The small form
 * gives all at once. */
uint64_t zset_scan(const struct zset *z, uint64_t cursor, size_t count,
                   void (*fn)(void *ctx, struct str member, double score), void *ctx);

/* n random members, each as likely as any other; when `distinct`, none twice and at most zset_count.
 * fn returns false to stop. */
void zset_random(const struct zset *z, size_t n, bool distinct,
                 bool (*fn)(void *ctx, struct str member, double score), void *ctx);

/* --- the snapshot cut (zset_cut.c) ---------------------------------------------------------------
 * Between zset_cut_begin and _end each member of the large form that was there at begin is told once, with
 * the score it had: by the walker, or before it is changed or removed. */
struct zset_cut {
    uint32_t epoch; /* unique per cut, never 0 */
    void (*tell)(void *ctx, struct entry *e);
    void *ctx;
    /* zset_cut.c's: where the walker stands */
    bool started;
    double score;
    struct buf member;
};
void zset_cut_begin(struct zset_large *l, struct zset_cut *cut);
void zset_cut_end(struct zset_large *l);

/* Tell the next few; false: there is none left. */
bool zset_cut_step(struct zset_large *l);

/* Of a member: tell it if that is still to be done; it is new, and not to be told. */
void zset_cut_member(struct zset_cut *cut, struct entry *e);
void zset_cut_mark(const struct zset_cut *cut, struct entry *e);

/* --- type_ops ------------------------------------------------------------------------------------ */

void zset_free_value(enum value_enc enc, void *ptr);
size_t zset_free_effort(enum value_enc enc, const void *ptr);
void *zset_dup_value(struct store *s, enum value_enc enc, const void *ptr);
bool zset_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n);
size_t zset_value_bytes(enum value_enc enc, const void *ptr, size_t samples);
size_t zset_weight(enum value_enc enc, const void *ptr);

void zset_check(const struct zset *z);

#endif
