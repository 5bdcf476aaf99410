/* type_string.h -- strings.
 *
 * A string that reads as an int64 is kept as one (ENC_INT); others lie in their entry (ENC_RAW)
 * up to STRING_INLINE_MAX bytes, or where it grows up to STRING_GROW_MAX; larger ones in a struct
 * blob with room to grow (ENC_BLOB). Every function takes and gives bytes: the encoding shows in
 * OBJECT ENCODING alone, whose names are those that Redis would give. */
#ifndef MEMD_STORAGE_TYPE_STRING_H
#define MEMD_STORAGE_TYPE_STRING_H

#include "base/num.h"
#include "storage/db.h"

enum { STRING_INLINE_MAX = 16 * 1024, STRING_GROW_MAX = 1024 };

extern const struct type_ops string_type_ops;

/* The bytes of string e. An integer's are written to scratch (NUM_TEXT_MAX bytes); else they are
 * borrowed, valid until the entry changes. */
struct str string_bytes(const struct entry *e, char *scratch);
size_t string_length(const struct entry *e);
bool string_equals(const struct entry *e, struct str val);

/* A string entry for val in its best encoding; expire_ms -1: none. */
struct entry *string_new(struct str key, struct str val, int64_t expire_ms);

enum string_set_flag {
    STRING_IF_NEW = 1,   /* NX */
    STRING_IF_THERE = 2, /* XX */
    STRING_KEEP_TTL = 4,
    STRING_IF_EQUAL = 8,      /* IFEQ: it is there and holds `than` */
    STRING_IF_DIFFERENT = 16, /* IFNE: it is not there, or holds something else */
};

struct string_set {
    unsigned flags;
    int64_t expire_ms; /* -1: none */
    struct str than;   /* what the last two conditions compare with */
    /* When given (SET's GET option): the key must be absent or a string, and old is told the
     * entry as it was (NULL: absent) before anything changes, condition or no condition. */
    void (*old)(void *ctx, const struct entry *e);
    void *ctx;
};

/* Set key to val, whatever it held. NULL opt: plainly. ERR_NOT_DONE: the condition did not hold;
 * ERR_WRONG_TYPE: opt->old, or the condition, wants a string. */
enum err MUST_USE string_set(struct db *db, struct str key, struct str val,
                             const struct string_set *opt);

/* Append; an absent key is made. Gives the new length. ERR_WRONG_TYPE, ERR_STRING_LIMIT. */
enum err MUST_USE string_append(struct db *db, struct str key, struct str val, size_t *len);

/* Overwrite from offset at, padding with zero bytes. An empty val changes and makes nothing. Gives
 * the length. ERR_WRONG_TYPE, ERR_STRING_LIMIT. */
enum err MUST_USE string_setrange(struct db *db, struct str key, size_t at, struct str val,
                                  size_t *len);

/* Add to the integer that key holds (0 when absent); the TTL stays. ERR_WRONG_TYPE, ERR_NOT_INT,
 * ERR_OVERFLOW. */
enum err MUST_USE string_incr(struct db *db, struct str key, int64_t by, int64_t *out);

/* The same for floating point: writes the new value's text to out (NUM_DOUBLE_TEXT_MAX bytes) and
 * its length to *n. ERR_WRONG_TYPE, ERR_NOT_FLOAT, ERR_NAN_OR_INF. */
enum err MUST_USE string_incr_float(struct db *db, struct str key, long double by, char *out,
                                    size_t *n);

/* Bytes first..last of s by the rules of GETRANGE: negative counts from the end, out of range is
 * cut. */
struct str string_slice(struct str s, int64_t first, int64_t last);

/* The bytes of the string of s, to be written to: at least len of them (new ones are zero), as
 * many as there are when len is less. For bits and ranges; tells nothing. The key must be there
 * and a string, len within conf.string_limit. n gets the length. Before bytes that were there are written
 * over, string_will_write says which. */
char *string_writable(struct slot *s, size_t len, size_t *n);
void string_will_write(const struct slot *s, size_t from, size_t to);

/* Is there memory to make the string of s (which may be absent) len bytes long? */
bool string_can_grow(const struct slot *s, size_t len);

/* Give the key of s, there or not and whatever it held, the bytes val just as they are: OBJECT ENCODING
 * calls them raw. An old TTL stays only with keep_ttl. val may not lie in the entry. Tells nothing but
 * CHANGE_NEW. s must be looked up again before another change. */
void string_put_raw(struct slot *s, struct str val, bool keep_ttl);

#endif
