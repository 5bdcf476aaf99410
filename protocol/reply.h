/* reply.h -- replies to bytes, RESP2 and RESP3.
 *
 * A struct reply says where the bytes go and which protocol the client speaks. A writer picks the form
 * by itself: reply_map writes %n to RESP3 and *2n to RESP2, reply_null "_", "$-1" and so on. Text of
 * errors and simple strings is cleaned: CR, LF become spaces, so that no value can forge a frame. */
#ifndef MEMD_PROTOCOL_REPLY_H
#define MEMD_PROTOCOL_REPLY_H

#include <stdint.h>

#include "base/buf.h"

struct reply {
    struct buf *out;
    int resp; /* 2 or 3 */
};

void reply_ok(struct reply *r);                       /* +OK */
void reply_simple(struct reply *r, const char *text); /* +text */
/* -text; text begins with its code word ("ERR ...", "WRONGTYPE ..."). */
void reply_error(struct reply *r, struct str text);
void reply_errorf(struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void reply_int(struct reply *r, int64_t v);
void reply_bulk(struct reply *r, struct str s);
void reply_bulk_c(struct reply *r, const char *s);
void reply_bulk_int(struct reply *r, int64_t v); /* the number as a bulk */
void reply_null(struct reply *r);                /* "_" or "$-1" */
void reply_null_array(struct reply *r);          /* "_" or "*-1" */
void reply_array(struct reply *r, size_t n);     /* header: n elements follow */
void reply_map(struct reply *r, size_t pairs);   /* "%" or array of 2n */
void reply_set(struct reply *r, size_t n);       /* "~" or array */
void reply_push(struct reply *r, size_t n);      /* ">" or array */
/* "|"; RESP2 has none: nothing is written, and the caller leaves the pairs out. */
void reply_attribute(struct reply *r, size_t pairs);
void reply_double(struct reply *r, double v); /* "," or bulk */
void reply_bool(struct reply *r, bool v);     /* "#t" or :1 */
void reply_big_number(struct reply *r, struct str digits);
void reply_verbatim(struct reply *r, const char ext[3], struct str s); /* "=" or bulk */

/* Bytes that already are RESP. */
static inline void reply_raw(struct reply *r, const void *p, size_t n)
{
    buf_add(r->out, p, n);
}

/* Whole buffers of a large reply, which go before what is in out: they reach the client uncopied. */
struct reply_pieces {
    struct buf *items;
    size_t n, room;
};

/* The same, in a buffer that becomes a piece, behind one of what is in out; *b is empty after, and marks are void. p NULL: this reply
 * has no pieces, and the bytes are copied. */
void reply_take(struct reply *r, struct reply_pieces *p, struct buf *b);
void reply_pieces_fini(struct reply_pieces *p);

/* When the number of elements is known only after they are written: take a mark, write them, then
 * put the header before them. Costs a memmove of what was written. */
static inline size_t reply_mark(const struct reply *r)
{
    return r->out->n;
}
void reply_array_at(struct reply *r, size_t mark, size_t n);
void reply_map_at(struct reply *r, size_t mark, size_t pairs);
void reply_set_at(struct reply *r, size_t mark, size_t n);

/* Forget what was written since mark (an error after a partial reply). */
static inline void reply_undo(struct reply *r, size_t mark)
{
    r->out->n = mark;
}

#endif
