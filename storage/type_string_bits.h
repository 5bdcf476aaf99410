/* type_string_bits.h -- strings at keys as bitmaps.
 *
 * Writing changes the string where it lies; reading copies nothing. Positions count as in bits.h. A
 * string grows with zero bytes up to the last bit that is written. Every function gives ERR_WRONG_TYPE
 * when the key is no string, and has then changed nothing. */
#ifndef MEMD_STORAGE_TYPE_STRING_BITS_H
#define MEMD_STORAGE_TYPE_STRING_BITS_H

#include "storage/bits.h"
#include "storage/type_string.h"

/* Set one bit (the key is made when absent) and give what it was. Told as CHANGE_SETBIT unless the
 * string is as before. */
enum err MUST_USE string_setbit(struct db *db, struct str key, uint64_t at, bool on, bool *old);

/* Combine n strings (absent ones are empty) into the one at dest, which loses what it held and its TTL.
 * Gives its length; for 0 the key is removed. Told as CHANGE_SET or CHANGE_DEL. */
enum err MUST_USE string_bitop(struct db *db, enum bits_op op, struct str dest, const struct str *keys,
                               size_t n, size_t *len);

/* One step of BITFIELD. */
struct bits_step {
    enum bits_step_kind { BITS_STEP_GET, BITS_STEP_SET, BITS_STEP_ADD } kind;
    enum bits_overflow overflow;
    struct bits_field field;
    int64_t value;  /* to set, or to add */
    /* Out: GET the number, SET the one before, ADD the sum; `failed` when it would have overflown, and
     * then nothing was written. */
    int64_t result;
    bool failed;
};

/* Run steps in order. When one of them writes, the string first grows to the furthest bit that any
 * writes. Told once, as CHANGE_SETBIT, when a number or the length has changed. */
enum err MUST_USE string_bitfield(struct db *db, struct str key, struct bits_step *steps, size_t n);

#endif
