/* forms.h -- RDB files written byte by byte, in each form that a server ever used, and what a store holds, as text.
 *
 * Written after the format alone, with nothing of persistence/: what both got wrong would agree.
 *
 * Items are given as words: "#-300" is an integer in the form's own encoding for it, "*70000" so many times 'x',
 * anything else a string, "" with two blanks an empty one. */
#ifndef MEMD_TESTS_FORMS_H
#define MEMD_TESTS_FORMS_H

#include <stdint.h>

#include "base/buf.h"

struct store;

/* "REDIS" and the version; the end, with a checksum from version 5 on. */
void forms_begin(struct buf *b, int version);
void forms_end(struct buf *b);

/* Little-endian. */
void forms_u32(struct buf *b, uint32_t v);
void forms_u64(struct buf *b, uint64_t v);

/* A length in its shortest form, or in that of 1, 2, 5 or 9 bytes. */
void forms_len(struct buf *b, uint64_t n);
void forms_len_as(struct buf *b, uint64_t n, int bytes);

/* A string: as it is, as an integer of 1, 2 or 4 bytes, compressed. */
void forms_str(struct buf *b, struct str s);
void forms_text(struct buf *b, const char *s);
void forms_int(struct buf *b, int64_t v, int bytes);
void forms_lzf(struct buf *b, struct str s);

/* Type and key. */
void forms_key(struct buf *b, unsigned type, const char *key);

/* Packed forms, each as one string. */
enum {
    FORMS_LONG_PREV = 1,  /* a ziplist whose entries keep the length of the one before in five bytes */
    FORMS_SPARE = 2,      /* a zipmap with unused bytes behind its values */
    FORMS_NO_COUNT = 4    /* a count that says: too many to be kept */
};
void forms_ziplist(struct buf *b, unsigned flags, const char *words);
void forms_zipmap(struct buf *b, unsigned flags, const char *words);
void forms_listpack(struct buf *b, const char *words);
void forms_intset(struct buf *b, int bytes, const char *words);

/* As RDB_LIST, RDB_SET or (with half the count) RDB_HASH have them. */
void forms_items(struct buf *b, uint64_t count, const char *words);

/* A stream (RDB_STREAM, _2 or _3) of two entries with a group of one consumer that has one of them. */
void forms_stream(struct buf *b, unsigned type);

/* A file of all of these, one key each on the databases 0 and 3: what servers of that RDB version (1 to 13)
 * knew. */
void forms_file(struct buf *b, int version);

/* The value of a key: "list: a b", "hash: f=v ..." (by field), "zset: a=1 ..."; "" when there is none. */
struct str forms_show(struct store *s, int db, const char *key, struct buf *out);

#endif
