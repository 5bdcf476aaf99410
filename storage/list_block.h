/* list_block.h -- the inside of a list: blocks, their directory and frames. For list*.c alone.
 *
 * Invariants (list_check walks them):
 *  1. A frame's header never lies across two blocks, so it can be read where it begins.
 *  2. Only block 0 may have a dead front (head_start bytes); content of the others begins at 0.
 *  3. A list with elements begins with one: block 0 has first == 0 and n_starts > 0. No block is
 *     empty.
 *  4. Two neighbours that are neither first nor last hold more than LIST_MERGE_BYTES together, or
 *     more than LIST_MERGE_STARTS starts: edits cannot grind a list to dust. */
#ifndef MEMD_STORAGE_LIST_BLOCK_H
#define MEMD_STORAGE_LIST_BLOCK_H

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/list.h"

enum {
    LIST_BLOCK_MAX = 4096,  /* see list_block_limit */
    LIST_BLOCK_STARTS = 24, /* an end block with so many elements is not made larger */
    LIST_MERGE_BYTES = 256,
    LIST_MERGE_STARTS = 16,
    LIST_HEADER_MAX = 24, /* '$', 20 digits, CR LF */
    LIST_TRAILER = 2      /* CR LF */
};

struct block {
    uint32_t p_low; /* the address, 48 bits */
    uint16_t p_high;
    uint16_t n;        /* bytes of content */
    uint16_t n_starts; /* elements that begin here */
    uint16_t first;    /* where the first of them begins; 0 when there is none */
};

struct block_dir {
    struct block *p; /* behind a struct dir_head */
    uint32_t at;     /* the first one in use */
} __attribute__((packed, aligned(4)));

/* What stands before the descriptors: the sum that would take a walk. */
struct dir_head {
    size_t mem; /* of all blocks, as allocated */
};

/* 32 bytes. A list of one block needs no directory. The two words are read by field; the sums in
 * their low bits, which every push changes, are also added to as they are. */
struct list {
    union {
        struct block one;     /* n_blocks == 1 */
        struct block_dir dir; /* n_blocks > 1 */
    };
    uint32_t n_blocks;
    union {
        uint64_t count_word;
        struct {
            uint64_t count : 35;
            uint64_t name_at : 16;  /* in 64 bytes: where to look at the name again (list_name.c) */
            uint64_t tail_cap : 13; /* allocated size of the last block */
        };
    };
    union {
        uint64_t bytes_word;
        struct {
            uint64_t bytes : 50;
            uint64_t quick : 1; /* named quicklist */
            uint64_t head_start : 13;
        };
    };
};

static inline void list_more(struct list *l, uint64_t count, uint64_t bytes)
{
    l->count_word += count;
    l->bytes_word += bytes;
}

static inline void list_less(struct list *l, uint64_t count, uint64_t bytes)
{
    l->count_word -= count;
    l->bytes_word -= bytes;
}

static inline void list_set_start(struct list *l, size_t start)
{
    l->head_start = start & 8191;
}

static inline void list_set_cap(struct list *l, size_t cap)
{
    l->tail_cap = cap & 8191;
}

static inline char *block_p(const struct block *b)
{
    return (char *)((uintptr_t)b->p_high << 32 | b->p_low);
}

static inline void block_set_p(struct block *b, char *p)
{
    b->p_low = (uint32_t)(uintptr_t)p;
    b->p_high = (uint16_t)((uintptr_t)p >> 32);
}

/* All n_blocks descriptors. */
static inline struct block *list_blocks(const struct list *l)
{
    return l->n_blocks > 1 ? l->dir.p + l->dir.at : (struct block *)(uintptr_t)&l->one;
}

/* The content of block i, whose descriptor is b. */
static inline char *list_data(const struct list *l, const struct block *b, size_t i)
{
    return block_p(b) + (i == 0 ? l->head_start : 0);
}

/* Read the header at p: its length; *n is the element's. Lengths of up to three digits, nearly all,
 * take no loop: walking a block is a chain of such reads. */
static inline size_t frame_read(const char *p, size_t *n)
{
    size_t v = (size_t)(p[1] - '0'), at = 2;

    if (p[2] != '\r') {
        v = v * 10 + (size_t)(p[2] - '0');
        at = 3;
        if (p[3] != '\r') {
            v = v * 10 + (size_t)(p[3] - '0');
            for (at = 4; p[at] != '\r'; at++) v = v * 10 + (size_t)(p[at] - '0');
        }
    }
    *n = v;
    return at + 2;
}

/* Length of the whole frame at p. */
static inline size_t frame_size(const char *p)
{
    size_t n, head = frame_read(p, &n);
    return head + n + LIST_TRAILER;
}

/* A frame that is about to be stored. */
struct frame {
    struct str v;
    size_t head_n; /* length of the header */
    size_t size;
};

static inline struct frame frame_of(struct str v)
{
    size_t digits = v.n < 10 ? 1 : v.n < 100 ? 2 : 3;

    if (UNLIKELY(v.n > 999)) {
        for (size_t m = v.n / 1000; m > 0; m /= 10) digits++;
    }
    return (struct frame){ v, digits + 3, digits + 3 + v.n + LIST_TRAILER };
}

/* Write the header of f at `to`. */
static inline void frame_head(char *to, const struct frame *f)
{
    size_t n = f->v.n, at = f->head_n - 3;

    to[0] = '$';
    for (; n > 9; n /= 10) to[at--] = (char)('0' + n % 10);
    to[at] = (char)('0' + n);
    memcpy(to + f->head_n - 2, "\r\n", 2);
}

/* Write all of f at `to`. */
static inline void frame_put(char *to, const struct frame *f)
{
    frame_head(to, f);
    to += f->head_n;
    if (f->v.n > 0) memcpy(to, f->v.p, f->v.n);
    memcpy(to + f->v.n, "\r\n", LIST_TRAILER);
}

/* Copy bytes from .. from + n of frame f to `to`. */
void frame_copy(char *to, const struct frame *f, size_t from, size_t n);

/* The limit of a block's size when `more` bytes come to the list. A larger block costs more spare
 * room at the two ends, a smaller one more descriptors; measured, these lose least. */
static inline size_t list_block_limit(const struct list *l, size_t more)
{
    uint64_t bytes = l->bytes + more;
    return bytes > 64 * 1024 ? 4096 : bytes > 16 * 1024 ? 2048 : bytes > 4 * 1024 ? 1024 : 512;
}

/* Where an element begins. */
struct list_pos {
    size_t block, off;
    size_t nth; /* elements that begin in the block before it */
};

/* The place of the element at index < count. */
struct list_pos list_find(const struct list *l, uint64_t index);

/* The place k elements to the right of `at`; block n_blocks when that is the end. */
struct list_pos list_ahead(const struct list *l, struct list_pos at, uint64_t k);

/* The element at a place, as list_get. */
struct str list_get_at(const struct list *l, struct list_pos at, struct buf *scratch);

/* --- directory ------------------------------------------------------------------------------- */

/* Make room for k (> 0) descriptors before i; returns the first of them, not yet filled. */
struct block *list_dir_open(struct list *l, size_t i, size_t k);

/* Remove descriptors i .. i + k - 1. What they point to is the caller's. */
void list_dir_close(struct list *l, size_t i, size_t k);

/* Bytes of memory that the directory takes, and descriptors that there is room for. */
size_t list_dir_bytes(const struct list *l);
size_t list_dir_cap(const struct list *l);

/* Free it, whatever it holds. */
void list_dir_free(struct list *l);

static inline struct dir_head *list_dir_head(const struct list *l)
{
    return (struct dir_head *)(void *)((char *)l->dir.p - sizeof(struct dir_head));
}

/* Blocks were allocated or are to be freed: keep their sum, where there is one. */
static inline void list_mem(struct list *l, size_t more, size_t less)
{
    if (l->n_blocks > 1) list_dir_head(l)->mem += more - less;
}

/* --- blocks ---------------------------------------------------------------------------------- */

/* Copy the content of block i to an allocation of `cap` bytes, to `start` in it (0 but for i 0). */
void list_block_move(struct list *l, size_t i, size_t cap, size_t start);

/* Give back the spare room of block i if it is worth it. */
void list_block_fit(struct list *l, size_t i);

/* The last block has become another one: learn its size. */
void list_tail_changed(struct list *l);

/* No blocks, no elements. */
void list_clear(struct list *l);

#endif
