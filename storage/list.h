/* list.h -- a sequence of byte strings, pushed and popped at both ends.
 *
 * The list is one stream of bytes in which each element is framed as a bulk:
 * "$<len>\r\n<bytes>\r\n". The stream is cut into blocks of up to 512 bytes (4 KiB in lists beyond
 * 64 KiB), and a directory, an array of 12-byte descriptors, keeps them in order:
 *
 *   directory  [ block 0 | block 1 | block 2 ]
 *                   |         |         `-> "...tail of c\r\n$2\r\nhi\r\n"    room to push right
 *                   |         `-----------> "...tail of b\r\n$700\r\nhead of c..."      full
 *                   `--------> dead front, "$4\r\nabcd\r\n$900\r\nhead of b..."         full
 *
 * What this buys: a range of elements is a few contiguous spans that can be copied out as they lie
 * (list_spans), pushing or trimming touches only the blocks at the end concerned, and an element
 * may lie across blocks, so that full blocks waste nothing. The price is 5 bytes and the digits of
 * the length per element, and a copy when one reads a single element that lies across blocks. Only
 * the first and the last block have spare room; each is kept to its size class, so that 20 messages
 * of 300 bytes take 1.065 times their raw size. A block has at most about 36 small elements, so
 * finding the last one, which takes a scan from the block's first, is short.
 *
 * Indexes count from 0 at the left. Pointers into a list are valid until it next changes. */
#ifndef MEMD_STORAGE_LIST_H
#define MEMD_STORAGE_LIST_H

#include <stdint.h>

#include "base/buf.h"

struct list;

enum list_end { LIST_LEFT, LIST_RIGHT };

struct list *list_new(void);
void list_free(struct list **l);
struct list *list_dup(const struct list *l);

/* The same in steps of n blocks: to is a new one at first. False: that was all; until then it can only be freed. */
bool list_dup_some(const struct list *l, struct list *to, size_t n);

/* Elements. */
uint64_t list_count(const struct list *l);

/* Bytes of all frames together: what list_spans gives for the whole list. */
uint64_t list_frames(const struct list *l);

/* Memory in use: counted out, O(blocks); and the same in O(1). */
size_t list_bytes(const struct list *l);
size_t list_weight(const struct list *l);

/* Allocations that list_free gives back: the effort of freeing. */
size_t list_free_effort(const struct list *l);

/* --- the ends -------------------------------------------------------------------------------- */

/* Add v (copied) at an end. v may not lie in l. */
void list_push(struct list *l, enum list_end end, struct str v);

/* Remove n <= list_count elements from an end. */
void list_drop(struct list *l, enum list_end end, uint64_t n);

/* As list_drop of n > 0 elements, which are not freed but become a list of their own. Costs a few us, and for each
 * block of the smaller part some 20 ns. */
struct list *list_break_off(struct list *l, enum list_end end, uint64_t n);

/* Give the element at an end of a list that is not empty to `give`, then remove it. */
void list_pop(struct list *l, enum list_end end, void (*give)(void *ctx, struct str v), void *ctx);

/* --- reading --------------------------------------------------------------------------------- */

/* The element at index < list_count: borrowed from the list when it lies in one block, else put
 * together in scratch. */
struct str list_get(const struct list *l, uint64_t index, struct buf *scratch);

/* Call fn for the contiguous pieces of the frames of elements start..stop (inclusive, in range). */
void list_spans(const struct list *l, uint64_t start, uint64_t stop,
                void (*fn)(void *ctx, const char *p, size_t n), void *ctx);

/* A walk over elements. The list may not change meanwhile. */
enum { LIST_ITER_STARTS = 4096 / 6 + 1 }; /* the most frames that begin in one block */
struct list_iter {
    const struct list *l;
    size_t block, off; /* the current element */
    size_t left;       /* starts still ahead in the block, in the direction of the walk */
    bool fresh;        /* set on an element that list_next is still to give */
    enum list_end toward;
    uint16_t starts[LIST_ITER_STARTS]; /* walking left: offsets of the block's elements */
};

/* Set it so that the first list_next stands on index (< list_count) and walks toward an end. An
 * empty list or an index out of range gives an iterator at its end. */
void list_iter_at(struct list_iter *it, const struct list *l, uint64_t index, enum list_end toward);

/* Go to the next element. False: there is none. */
bool list_next(struct list_iter *it);

/* The current element, as list_get. */
struct str list_iter_get(const struct list_iter *it, struct buf *scratch);

/* Does the current element equal v? Copies nothing. */
bool list_iter_is(const struct list_iter *it, struct str v);

/* --- changes in the middle ------------------------------------------------------------------- */

/* Replace the element at index < list_count. v may not lie in l. */
void list_set(struct list *l, uint64_t index, struct str v);

/* Put v before the element at index <= list_count. v may not lie in l. */
void list_insert(struct list *l, uint64_t index, struct str v);

/* Remove elements equal to v, at most max (0: all), the nearest to `from` first. Returns how many.
 * v may not lie in l. */
uint64_t list_remove(struct list *l, struct str v, uint64_t max, enum list_end from);

/* Keep elements start..stop (inclusive, in range). */
void list_trim(struct list *l, uint64_t start, uint64_t stop);

/* --- OBJECT ENCODING ------------------------------------------------------------------------
 * Redis 7.2 keeps a short list as one listpack and turns it into a quicklist when it outgrows
 * list-max-listpack-size (`fill`: > 0 elements, -1..-5 for 4 to 64 KiB). Our lists have one form; a
 * flag remembers which name Redis would give it. */

/* Call before `n` elements of `bytes` bytes together are added, as Redis sizes them up. */
void list_will_grow(struct list *l, int fill, size_t bytes, uint64_t n);

/* Call after elements were removed: under half the limit it is a listpack again. */
void list_did_shrink(struct list *l, int fill);

/* Decide afresh, for a list that has just been built (loading, COPY). */
void list_settle_name(struct list *l, int fill);

/* "listpack" or "quicklist". */
const char *list_encoding_name(const struct list *l);

/* Invariants; slow. */
void list_check(const struct list *l);

#endif
