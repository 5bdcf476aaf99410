/* set.h -- a set object, in one of three forms.
 *
 *   ENC_INTSET    integers alone, at most set-max-intset-entries
 *   ENC_LISTPACK  at most set-max-listpack-entries members, none longer than set-max-listpack-value
 *   ENC_TABLE     a table of entries without values
 *
 * A set grows from the upper forms to the lower, never back. A struct set is an open set: the two
 * words that its entry holds, with the store; who changes it stores enc and ptr back (type_set.c).
 */
#ifndef MEMD_STORAGE_SET_H
#define MEMD_STORAGE_SET_H

#include "base/buf.h"
#include "storage/intset.h"
#include "storage/listpack.h"
#include "storage/store.h"

struct dup_place;

struct set {
    struct store *store;
    enum value_enc enc;
    void *ptr; /* struct intset, a listpack, or struct table */
};

/* A new, empty set to which `first` and about n members in all will be added. */
struct set set_new(struct store *s, struct str first, size_t n);
struct set set_of(struct store *s, const struct entry *e);
void set_free(struct set *s);

size_t set_count(const struct set *s);

bool set_has(const struct set *s, struct str member);

/* False: it was there. */
bool set_add(struct set *s, struct str member);

/* The same for a member as it lies: bytes, or with p == NULL the integer v. */
bool set_has_item(const struct set *s, const struct listpack_item *m);
bool set_add_item(struct set *s, const struct listpack_item *m);

/* About n members in all are to come: take the large form at once when they would need it. */
void set_expect(struct set *s, size_t n);

/* False: it was not there. */
bool set_remove(struct set *s, struct str member);

/* --- reading (set_read.c) ------------------------------------------------------------------------
 */

/* Walk all members; the set may not change meanwhile. */
struct set_iter {
    const struct set *s;
    struct listpack_item item; /* set_next's: borrowed until the set changes */
    const unsigned char *p;
    uint32_t i;
    struct table_iter at;
};
void set_iter_start(struct set_iter *it, const struct set *s);
bool set_next(struct set_iter *it);

/* The text of an item; integers are written to scratch. */
struct str set_text(const struct listpack_item *m, char scratch[NUM_TEXT_MAX]);

/* As SCAN: some members from cursor (0 at the start); returns the next, 0 at the end. Small forms
 * give all at once. */
uint64_t set_scan(const struct set *s, uint64_t cursor, size_t count,
                  void (*fn)(void *ctx, struct str member), void *ctx);

/* n random members, each as likely as any other; when `distinct`, none twice and at most set_count.
 * fn returns false to stop. */
void set_random(const struct set *s, size_t n, bool distinct,
                bool (*fn)(void *ctx, struct str member), void *ctx);

/* Take a random member out; its text is appended to *text. The set is not empty. */
void set_pop(struct set *s, struct buf *text);

/* --- type_ops -------------------------------------------------------------------------------- */

void set_free_value(enum value_enc enc, void *ptr);
size_t set_free_effort(enum value_enc enc, const void *ptr);
void *set_dup_value(struct store *s, enum value_enc enc, const void *ptr);
bool set_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n);
size_t set_value_bytes(enum value_enc enc, const void *ptr, size_t samples);
size_t set_weight(enum value_enc enc, const void *ptr);

void set_check(const struct set *s);

#endif
