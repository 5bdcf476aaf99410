/* hll.h -- HyperLogLogs: how many different elements there were, in 12 kB at most.
 *
 * A HyperLogLog is a string in the layout of Redis, byte for byte, so that GET, DUMP and files are
 * exchangeable with it:
 *
 *   "HYLL"  form  0 0 0  cardinality[8] | registers
 *   `----------- 16 bytes ------------'
 *
 * form         0 dense, 1 sparse
 * cardinality  the last count, little-endian; its highest bit set: registers have changed since
 * dense        16384 registers of 6 bits, the first in the low bits of the first byte: 12288 bytes
 * sparse       runs of equal registers, from the first to the last:
 *                00nnnnnn            n + 1 zeros
 *                01nnnnnn nnnnnnnn   n + 1 zeros
 *                1vvvvvnn            n + 1 registers of v + 1
 *
 * An element's hash (MurmurHash64A) names a register by its low 14 bits; the register keeps the most
 * zeros, plus one, with which the other 50 began. The count follows from how many registers hold what
 * (O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches, arXiv:1702.01284);
 * its standard error is 0.81 %.
 *
 * Nothing here knows of keys. Anybody can write any bytes under a key, so all of this takes any bytes:
 * what makes no sense is ERR_HLL_CORRUPT. */
#ifndef MEMD_BASE_HLL_H
#define MEMD_BASE_HLL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ensure.h"

enum {
    HLL_REGISTERS = 1 << 14,
    HLL_REGISTER_MAX = 63,
    HLL_HEADER = 16,
    HLL_DENSE_BYTES = HLL_HEADER + HLL_REGISTERS * 6 / 8
};

/* True when s begins as one and has the length that its form asks for. */
bool hll_is(struct str s);
bool hll_is_dense(struct str s); /* of one */

/* The register of an element, and what the element makes of it (1 to 51). */
unsigned hll_hash(struct str element, unsigned *count);

/* --- reading: s is one (hll_is) ------------------------------------------------------------------ */

/* The count as it was last computed; false: it is not valid any more. */
bool hll_cached(struct str s, uint64_t *count);

/* Compute it. */
enum err MUST_USE hll_count(struct str s, uint64_t *count);

/* Raise each of HLL_REGISTERS bytes to what the register of s holds. On error some may be raised. */
enum err MUST_USE hll_merge(uint8_t *registers, struct str s);

/* The count of registers kept as bytes. */
uint64_t hll_estimate(const uint8_t *registers);

/* The runs of a sparse one as text, "Z:100 v:3,1 z:12", appended to out. */
void hll_describe(struct str s, struct buf *out);

/* --- changing a dense one where it lies ---------------------------------------------------------- */

/* Raise a register; false: it held as much. The cached count is left alone. */
bool hll_dense_raise(char *p, unsigned index, unsigned count);
unsigned hll_dense_get(const char *p, unsigned index);

void hll_put_cached(char *p, uint64_t count);
void hll_forget_cached(char *p);

/* --- changing any one: on bytes of its own -------------------------------------------------------- */

struct hll {
    struct buf bytes;
    size_t sparse_max; /* a sparse one that would get longer turns dense (hll-sparse-max-bytes) */
    /* Where a search of a sparse one for a register from hint_min on may begin: a run, and its first
     * register. Merging raises registers in order and need not search from the start. */
    size_t hint_at; /* 0: at the start */
    unsigned hint_first, hint_min;
};

/* An empty one, in the sparse form. */
void hll_init(struct hll *h, size_t sparse_max);

/* A copy of s, which is one. */
void hll_init_copy(struct hll *h, struct str s, size_t sparse_max);
void hll_fini(struct hll *h);

/* Raise a register, and say in *changed (which is not cleared) that it held less. The cached count is
 * then invalid. */
enum err MUST_USE hll_raise(struct hll *h, unsigned index, unsigned count, bool *changed);

/* Turn to the dense form; nothing when it has that. The cached count stays. */
enum err MUST_USE hll_to_dense(struct hll *h);

#endif
